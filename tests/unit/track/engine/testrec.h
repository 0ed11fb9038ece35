/* testrec.h: a small recorder inside a test: makes the arena, speaks the handshake, drains rings by the reader protocol
 * of track/format.h, and keeps every record in memory. For tests of code that records. Failures of the machinery abort
 * with a message; what the target did wrong is for the test to judge. */
#ifndef TESTREC_H
#define TESTREC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <track/format.h>

enum {
    TESTREC_CLASSES = 4,
    TESTREC_SECONDS = 100, /* for what must come; nothing is judged by it */
};

/* Zero members take the defaults in brackets. */
struct testrec_config {
    struct {
        uint32_t count, log2_slots;
    } rings[TESTREC_CLASSES];          /* [4 x 64 Ki slots, 60 x 4 Ki, 192 x 1 Ki] */
    uint32_t on_full;                  /* [TRK_FULL_BLOCK] */
    uint32_t block_ms;                 /* [5000] */
    uint32_t flags;                    /* TRK_SHM_*; TESTREC_NO_FLAGS for none [FOLLOW_CHILDREN | MALLOC | MMAP] */
    uint16_t birth, ref, free;         /* [1 each] */
    uint64_t text_bytes;               /* [4 MiB] */
    const char *filter;                /* "key=value:key=value" [none] */
    bool no_stacks;                    /* none on any event */
    const struct trk_shm_hooks *hooks; /* its rules and text, which may be any bytes [no hooks] */
};
#define TESTREC_NO_FLAGS (1u << 31)

struct testrec_record {
    uint32_t ring, proc, tid; /* proc: index; tid: of the last THREAD in that ring */
    uint8_t op, aux, exts;
    uint8_t ext_kind[TRK_MAX_EXT];
    uint32_t stack;
    uint64_t addr, arg;
    uint64_t tick;
    uint64_t ext[TRK_MAX_EXT];
};

struct testrec {
    struct trk_shm_header *hdr;
    struct trk_shm_proc *procs;
    struct trk_shm_ring *rings;
    char *base;
    struct trk_shm_hooks *hooks; /* NULL: none */
    uint64_t bytes;
    int memfd, listen_fd;
    char dir[64], sock[96];
    struct trk_hello hello; /* of the last target */
    unsigned hellos;
    struct testrec_record *records;
    size_t count, room;
    uint64_t holes, bad; /* bad: slots that make no record */
    uint64_t *stuck_us;  /* per ring: since when a hole is at tail */
    uint32_t *ring_tid;
    uint64_t *ring_tick;
    /* Called at each drain for a process that asks for a look at its memory, until that is answered; NULL: nobody
     * answers. */
    void (*look)(struct testrec *rec, struct trk_shm_proc *proc);
    uint32_t looks; /* answered */
    bool frozen;    /* do not drain and do not beat */
    bool final_;    /* the target is dead: holes need no wait */
    bool starved;   /* it was not scheduled for a second, and the target rightly stopped to wait for it */
    uint64_t beat_ns;
    int status;   /* wait status of the last target */
    char *output; /* what it wrote to stdout and stderr, ended by NUL */
    size_t output_size;
};

void testrec_init(struct testrec *rec, const struct testrec_config *config);
void testrec_deinit(struct testrec *rec);

/* Starts argv with TRACK_OPTIONS=sock=...:extra (extra may be NULL) and preload (may be NULL) in LD_PRELOAD; its output
 * goes to a pipe whose reading end is *ret_out. */
pid_t testrec_spawn(struct testrec *rec, const char *const argv[], const char *extra, const char *preload,
                    int *ret_out);
/* Answers one connection; false when none came in time, or its target has stopped waiting for the answer. */
bool testrec_accept(struct testrec *rec, int timeout_ms);
/* One look at all rings: returns the number of records taken. Ticks and beats unless frozen. */
size_t testrec_drain(struct testrec *rec);
/* spawn, accept, drain until the target (and, while_procs, every process of its arena) is gone; then a last drain. A
 * target that never connects is waited for as well. seconds bounds it all: the target is killed then. */
void testrec_run(struct testrec *rec, const char *const argv[], const char *extra, const char *preload, double seconds);
/* testrec_init and testrec_run, all anew when it starved: what the target gives up then is not for the test to judge.
 */
void testrec_record(struct testrec *rec, const struct testrec_config *config, const char *const argv[],
                    const char *extra, const char *preload);
/* For tests that do something while the target runs: testrec_init, spawn and accept, anew when it starved meanwhile. */
pid_t testrec_begin(struct testrec *rec, const struct testrec_config *config, const char *const argv[], int *ret_out);
/* True, and the recorder is gone, when it starved and the caller shall do all anew; not for ever. */
bool testrec_again(struct testrec *rec);
/* The second half of testrec_run, for tests that do something in between. */
void testrec_finish(struct testrec *rec, pid_t pid, int out, double seconds);

/* ---- testrec_look.c: for `look` ---- */
/* The process is asked for bytes of its memory and waits for the answer, for a second at most; how many came. */
size_t testrec_look_read(struct testrec *rec, struct trk_shm_proc *proc, uint64_t at, void *to, size_t size);
/* Ends its wait. */
void testrec_look_answer(struct testrec *rec, struct trk_shm_proc *proc, int answer);
/* As `look`: TRK_YES at once. */
void testrec_look_yes(struct testrec *rec, struct trk_shm_proc *proc);
/* The name of the look that is asked for, "" none; until the next call. */
const char *testrec_look_name(const struct testrec *rec, const struct trk_shm_proc *proc);
/* True when all of [start, start + size) is libtrack's own memory, of this kind, in what the process tells. */
bool testrec_own(const struct testrec *rec, const struct trk_shm_proc *proc, uint64_t start, uint64_t size,
                 enum trk_own_kind kind);

/* Records with this op. */
size_t testrec_count(const struct testrec *rec, enum trk_op op);
/* The n-th record (from 0) with this op, or NULL. */
const struct testrec_record *testrec_find(const struct testrec *rec, enum trk_op op, size_t n);
/* Value of an EXT slot; false when the record has none of that kind. */
bool testrec_ext(const struct testrec_record *r, enum trk_ext kind, uint64_t *ret);
/* Losses of all rings and processes together. */
uint64_t testrec_filtered(const struct testrec *rec);
uint64_t testrec_ring_dropped(const struct testrec *rec);
uint64_t testrec_proc_dropped(const struct testrec *rec);
uint64_t testrec_emergency(const struct testrec *rec);
/* Text by id: kind must fit; returns its bytes and length, NULL when it is no valid text. */
const char *testrec_text(const struct testrec *rec, uint64_t id, enum trk_text_kind kind, size_t *ret_size);
/* Frames of a stack id; 0 when it is no valid stack. */
unsigned testrec_stack(const struct testrec *rec, uint32_t id, const uint64_t **ret_pcs);

/* Number behind "key=" in the target's output, or -1. */
int64_t testrec_said(const struct testrec *rec, const char *key);

#endif
