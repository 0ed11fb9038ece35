/* recorder.h: takes the records of running programs out of shared memory and writes one trace per process.
 *
 * A recorder serves any number of program images over one private socket, follows their forked children, notices
 * deaths and execs, and keeps everything a process recorded before it died. It runs in the process that calls rec_step:
 * one thread, no signals taken, nothing printed. What the targets wrote is treated as hostile. */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <prof/error.h>
#include <track/format.h>

struct recorder;
struct rec_hooks;

enum { REC_SHARE_MAX = 1 << 20 }; /* largest N of a filter objects=1/N */
/* What of the events stays in a trace. */
enum rec_keep {
    REC_KEEP_ALL = 0,
    REC_KEEP_FOLDED, /* the state they led to; the newest ones as they are */
    REC_KEEP_WINDOW, /* the same, but those of the newest window stay */
};

/* Shared memory of one image; other wishes of targets are brought into this range. */
#define REC_BUDGET_LEAST ((uint64_t)1 << 20)
#define REC_BUDGET_MOST  ((uint64_t)4 << 30)

/* When the memory of a program is looked at without a request. */
enum rec_looks { REC_LOOK_EXIT = 1 << 0, REC_LOOK_MARK = 1 << 1, REC_LOOK_SCOPE = 1 << 2 };
/* A pointer that is stored as something else: base + (((lowest bits of the word) ^ xor_) & mask) << shift. */
struct rec_pointer {
    uint64_t mask, xor_, base;
    unsigned shift, bits;
};
enum { REC_POINTERS_MAX = 8, REC_PAUSE_US = 200000 /* the usual pause_us */ };

struct rec_options {
    /* Where traces go: NULL is "%e.%p.trk". %p process id, %e program name, %% a per cent sign; a directory gets the
     * default name inside. Without %p the first process gets exactly this name, later ones get their process id in
     * front of the suffix. A name that is taken gets a number there; nothing is overwritten. */
    const char *out;
    bool replace;     /* the first trace may replace an older one of this user, when its name has no %p */
    bool no_children; /* only the root process is recorded, through all its execs */
    bool no_malloc;   /* allocator events are not wanted */
    uint64_t budget;  /* REC_BUDGET_*, 0: 64 MiB or what the target wished */
    uint32_t on_full; /* enum trk_on_full + 1; 0: as the target wishes, else block */
    uint32_t clock; /* 0: as the target wishes, else exact where functions are hooked and threads run; 1 coarse, 2 exact
                     (where the machine can) */
    uint32_t block_ms; /* + 1; 0: as the target wishes, else the default */
    /* Frames; 0: as the target wishes, else 64, 8, 1; TRK_WISH_NO_STACK: none. */
    uint16_t depth_birth, depth_ref, depth_free;
    const char *types, *modules, *objects; /* filters: "A|B*", "A|B*", "1/N"; NULL: as the target wishes */
    enum rec_keep keep;
    uint64_t window_us, window_bytes;   /* REC_KEEP_WINDOW: one of them */
    uint64_t max_trace;                 /* bytes of one process's trace, 0: no limit */
    bool no_memory;                     /* the memory of programs is never read */
    unsigned looks;                     /* enum rec_looks: when memory is looked at unasked */
    uint64_t pause_us;                  /* longest time that a program is stopped for a look, but at its exit */
    unsigned word_step;                 /* words stand at multiples of it: 8 (0), 4 or 1 */
    const struct rec_pointer *pointers; /* how pointers are stored besides as they are */
    const char *const *pointer_texts;   /* the same as the user wrote them, for the trace */
    unsigned pointer_count;
    int zstd_level;                /* as prof_writer_options, 0 = the recorder's default */
    const char *version;           /* of the program that records; NULL: unknown */
    const char *text;              /* the options as the user gave them, for the trace; may be NULL */
    const char *const *wrappers;   /* NULL-terminated patterns for the trace; may be NULL */
    const struct rec_hooks *hooks; /* hooks.h: functions to hook where libtrack is preloaded; NULL: none */
    pid_t root;                    /* this process gets the plain output name; 0: the first that connects */
};

/* Whether traces can be created there, as far as that is known before anything runs. out and replace as in rec_options,
 * but a name without %p that is taken is an error. */
struct prof_error *rec_output_check(const char *out, bool replace) __attribute__((warn_unused_result));

/* Starts a recorder that listens on a socket of its own. Strings of options must live as long as the recorder. */
struct prof_error *rec_create(const struct rec_options *options, struct recorder **ret)
    __attribute__((warn_unused_result));
/* Ends all traces and leaves the processes that still live: TRK_END_STOPPED. They become idle and can be recorded
 * again. The results stay; nothing is recorded any more. */
void rec_leave(struct recorder *rec);
/* Leaves, removes the socket, frees everything. */
void rec_destroy(struct recorder *rec);

/* The process whose trace gets the plain output name, when it is known only after rec_create. */
void rec_set_root(struct recorder *rec, pid_t pid);

/* The socket's path, for TRACK_OPTIONS=sock=. */
const char *rec_socket(const struct recorder *rec);
/* A recorder that serves one program over an already connected socket; takes fd over. pid: who is at the other end. It
 * listens as well, when it can: other commands ask there (ask.h). */
struct prof_error *rec_create_for(const struct rec_options *options, int fd, pid_t pid, struct recorder **ret)
    __attribute__((warn_unused_result));

/* Works once: waits for something to do (at most max_ms, less while programs run), answers hellos, drains rings,
 * writes, notices deaths. fd (-1: none) is polled as well; returns true when it became readable. */
bool rec_step(struct recorder *rec, int fd, int max_ms);
/* Drains everything and hands all gathered data to the files; for a last look before a report. */
void rec_flush(struct recorder *rec);

/* Processes being recorded that are still alive, and programs that are about to connect. */
size_t rec_live(const struct recorder *rec);
/* The given process is recorded right now. */
bool rec_knows(const struct recorder *rec, pid_t pid);

/* The root process said hello at some time. */
bool rec_root_seen(const struct recorder *rec);
/* The recorder goes on in another process (fork): call there. The old one must not touch it again, not even to destroy
 * it. */
void rec_moved(struct recorder *rec);

/* ---- recover.c: after a recorder died ---- */
struct rec_recovery {
    uint64_t from_file;  /* records that the old file had */
    uint64_t from_rings; /* records that were still in memory */
    uint64_t lost;       /* events that the recorder had taken and not written */
    bool lost_known;     /* false: the old file says nothing of events. Without a file all that was taken is lost */
    uint64_t bytes_left; /* of the old file, behind its last good block: left out */
};
/* Writes a new trace `out` with the good blocks of `old` (NULL, or with a pid an empty file: none) and what the rings
 * of process pid hold, and ends it with TRK_END_RECOVERED. pid 0: the file alone. */
struct prof_error *rec_recover(pid_t pid, const char *old, const char *out, struct rec_recovery *ret);

/* One per trace, in the order of their start; valid until the next rec_step or rec_destroy. */
struct rec_result {
    char *path;    /* of the trace; NULL when it could not be created */
    char *program; /* base name */
    pid_t pid;
    bool finished;   /* END was written */
    uint32_t reason; /* enum trk_end_reason */
    int32_t value;
    uint64_t records, slots;
    uint64_t bytes; /* of the file */
    struct trk_loss loss;
    char *hooks;           /* META value hooks; NULL: none were asked for */
    char *malloc_note;     /* NULL, or who serves malloc when it is not recorded */
    uint32_t malloc_flags; /* TRK_PROC_MALLOC_* */
    bool into_unknown;     /* it replaced itself by a program that never connected */
    uint32_t folds;        /* how often the trace was made shorter */
    char *note;            /* NULL, or what the user should know about that */
    uint32_t looks;        /* at its memory; of the last one: */
    uint32_t look_rung;    /* enum trk_memory_rung */
    bool look_single;
    uint64_t look_pause_us, look_took_us, look_bytes;
    bool look_failed; /* there was another behind that */
    char *look_note;  /* NULL, or why the last look failed or was not of the best kind */
    char *problem;    /* first error of this trace, NULL none */
};
size_t rec_results(const struct recorder *rec, const struct rec_result *const **ret);

/* Problems that concern no single trace (a refused connection, no memory): the first one, NULL none; borrowed. */
const char *rec_problem(const struct recorder *rec);
/* What is not as it was wished, though nothing is missing: the first such thing as a sentence, NULL none; borrowed. */
const char *rec_note(const struct recorder *rec);
/* Connections refused because another user made them. */
uint64_t rec_refused(const struct recorder *rec);

#endif
