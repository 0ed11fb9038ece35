/* ask.h: what other commands of the same user ask a recorder, over its private socket.
 *
 * A client connects, sends one struct ask_request, gets one struct ask_reply, and the connection ends. Both have a
 * fixed size and travel in one packet each (SOCK_SEQPACKET), so a part of one is never taken for a whole; the recorder
 * checks the sender's user before it reads. Other sizes and versions are answered with EPROTO, what is no request with
 * nothing. Nothing here ever reaches a target. Recorders and clients of different pid namespaces
 * do not speak: their process ids mean different processes.
 *
 * Clients find recorders by their folders, "reftrack-XXXXXX" of mode 0700 with a "sock" inside, in the places where
 * server.c makes them; folders of killed recorders are removed on the way. */
#ifndef RECORDER_ASK_H
#define RECORDER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <prof/error.h>
#include <track/format.h>

#define ASK_MAGIC       0x3141524bu /* "KRA1" */
#define ASK_REPLY_MAGIC 0x3152524bu /* "KRR1" */
enum { ASK_VERSION = 3, ASK_TEXT_MAX = 4096, ASK_NAME_MAX = 256, ASK_WAIT_MS = 10000 };

enum ask_what {
    ASK_NEXT = 1,       /* the recorded process with the smallest id above `pid` */
    ASK_FLUSH = 2,      /* everything that process `pid` did so far goes to its file */
    ASK_MARK = 3,       /* a mark named `text` in the trace of process `pid`; 0: of every process */
    ASK_SNAPSHOT = 4,   /* what the rings of flight recording `pid` hold goes to a new file: `text`, absolute, or beside
                           the trace when empty */
    ASK_CHECKPOINT = 6, /* a look at the memory of process `pid`, as a checkpoint named `text`, which may be empty; 0:
                           of every process */
    ASK_GC = 7,         /* a command to the generations of process `pid`, which is recorded like one of its own */
    ASK_STOP = 5,       /* recording of process `pid` (and of the forks that share its memory) ends; it lives on */
};

struct ask_request {
    uint32_t magic, version;
    uint32_t what; /* enum ask_what */
    uint32_t pid;
    struct ask_gc {
        uint32_t command, pad; /* enum trk_gc_command; 0: only tell the settings */
        uint64_t arg, value;   /* as its EXT_VALUE; of COLLECT: nothing */
    } gc;
    char text[ASK_TEXT_MAX]; /* ends with NUL inside */
};

/* A recorded process. */
struct ask_process {
    uint32_t pid, recorder_pid;
    uint32_t on_full;  /* enum trk_on_full */
    uint32_t rings;    /* in use */
    uint64_t since_ns; /* CLOCK_REALTIME of microsecond 0 of its trace */
    uint64_t now_us;   /* of its trace */
    uint64_t records;  /* first slots handed to the file */
    uint64_t bytes;    /* of the file */
    uint64_t budget;   /* bytes of shared memory */
    /* the last look at its memory, as in rec_result */
    uint64_t look_pause_us, look_took_us, look_bytes;
    uint32_t look_rung, pad;
    struct trk_loss loss;
    char program[ASK_NAME_MAX]; /* base name */
    char path[ASK_TEXT_MAX];    /* of the trace, absolute; "" when there is none */
};

struct ask_reply {
    uint32_t magic, version;
    int32_t status;             /* 0, or an errno: ESRCH no such process here, EINVAL, what writing gave */
    uint32_t count;             /* processes that were concerned */
    struct ask_process process; /* the (last) one; SNAPSHOT: path is the new file */
    struct {
        uint64_t enabled, threshold[3], debug;
    } gc;                    /* GC: the settings from now on */
    char text[ASK_TEXT_MAX]; /* status != 0: one sentence for people; of a look that was not of the best kind: why; else
                                "" */
};

/* ---- The recorder's side ---- */
struct recorder;
/* The packet is a request (of whatever version), not the greeting of a program. */
bool rec_ask_is(const void *packet, size_t bytes);
/* Does what was asked and answers on fd, which stays open. Never blocks on the client. */
void rec_ask_answer(struct recorder *rec, int fd, const void *packet, size_t bytes);

/* ---- The client's side ---- */
/* Sends a request to every recorder of this user until one answers with status 0 or an error other than ESRCH, within
 * ASK_WAIT_MS each. false: none has the process (*ret is zero then). text may be NULL. */
bool ask_process(enum ask_what what, pid_t pid, const char *text, struct ask_reply *ret);
bool ask_gc(pid_t pid, const struct ask_gc *gc, struct ask_reply *ret);
/* Sends to all recorders; returns how many processes were concerned, in *ret the last reply with a process, or the
 * first failure. */
size_t ask_all(enum ask_what what, const char *text, struct ask_reply *ret);
/* Calls each for every recorded process of this user. */
void ask_each(void (*each)(void *ctx, const struct ask_process *process), void *ctx);
/* Sends one request to the recorder behind this socket; false: nobody answers. */
bool ask_socket(const char *socket, const struct ask_request *request, struct ask_reply *ret);

#endif
