/* track/ask.h: what a thread of the target asks its recorder, and waits for: looks at memory, and questions that the
 * recorder answers from what it recorded. A part of track/format.h; constants and packed structs, no functions.
 *
 * One at a time for each process: `tid` is claimed by compare-exchange from 0 (or from the id of a thread that is
 * dead). The thread fills in its part, adds 1 to `wanted` (release) and waits until `answered` equals it (acquire),
 * never longer than a bound; then it gives `tid` back, and whoever waits for that sleeps on it as a futex word.
 *
 * The recorder, which sees `wanted` differ from what it answered last:
 *   1. copies `wanted` to `working`: from here on a program that ends waits as long as `heartbeat` of the header moves,
 *      several times a second; memory samples asked for (`mem_request`) are answered first, the program waits once;
 *   2. drains the rings, looks (unless `why` is TRK_LOOK_NONE), asks for reads or not, finds out what was asked;
 *   3. stores `numbers`, `told`, the list, `answer`, then `answered` = the number it worked on (release), then `read` =
 *      all ones, and wakes `read` and `answered`.
 * A thread may stop waiting at any point, and another look may begin in the middle of 2: when `tid` or `wanted` is not
 * what it was, what was served since is of no use.
 *
 * Serving (rung WAITING): the recorder writes read_at and read_bytes, adds 1 to `read` (release; 0 is skipped, all ones
 * means that nothing is wanted), wakes `read` and sleeps on `served`. The thread sleeps on `read`; it copies the bytes
 * into the window as far as they are readable, sets `got`, then `served` = `read` (release), and wakes it. `read` is 0
 * when a look begins. Served are at most look_bytes at a time, by process_vm_readv or /proc/self/mem: `got` is 0 where
 * a seccomp filter refuses both. A filter may also kill for it: a recorder asks no process that has more filters than
 * itself (Seccomp_filters in /proc/PID/status). */
#ifndef TRACK_ASK_H
#define TRACK_ASK_H

#include <stdint.h>

/* arg[0], arg[1] -> numbers, and a list of `list_words` words. `answer`: TRK_YES or TRK_NO as written; TRK_UNKNOWN: it
 * cannot be known (a flight recording keeps no history; the trace ended; it is not of the kind). */
enum trk_question {
    TRK_ASK_NOTHING = 0, /* only a look */
    /* As enum trk_leak_check of track.h. Numbers: bytes and blocks, definite indirect possible reachable suppressed.
     * TRK_YES: nothing of it is lost. */
    TRK_ASK_LEAKS_FULL = 1,
    TRK_ASK_LEAKS_ADDED = 2,
    TRK_ASK_LEAKS_CHANGED = 3,
    TRK_ASK_LEAKS_NEW = 4,
    /* Of generations and objects. TRK_YES: so it is; TRK_NO: there is no such object. */
    TRK_ASK_GC = 16,
    TRK_ASK_GC_COLLECT = 16, /* generation -> what was found, how much of it is uncollectable. The pass is recorded */
    TRK_ASK_GC_SETTINGS,     /* -> enabled, three thresholds, debug flags */
    TRK_ASK_GC_COUNT,        /* -> three counts */
    TRK_ASK_GC_STATS,        /* -> for each generation: passes, collected, uncollectable, candidates */
    TRK_ASK_GC_FREEZE_COUNT, /* -> permanent objects */
    TRK_ASK_GC_OBJECT,       /* address -> 1 tracked, 1 finalized, generation (3 permanent, 4 garbage) + 1 or 0 */
    TRK_ASK_GC_REFCOUNT,  /* address -> count, heap, roots, stacks, anonymous, unaccounted (all signed), 1 observed */
    TRK_ASK_GC_SIZE,      /* address, links that `deep` follows at most -> as struct trk_gc_size */
    TRK_ASK_GC_REFERRERS, /* address -> how many; list: three words for each, as struct trk_gc_link */
    TRK_ASK_GC_REFERENTS, /* the same */
    TRK_ASK_GC_GARBAGE,   /* -> how many; list: addresses */
    TRK_ASK_GC_OBJECTS,   /* generation, all ones: all of the three -> how many; list: addresses */
    TRK_ASK_GC_END,
    TRK_ASK_MORE = 63, /* nothing, number of a word -> the list of the question before goes on from there; its
                          numbers */
};

/* Commands to the generations: TRK_OP_GC. */
enum trk_gc_command {
    TRK_GC_DO_COLLECT = 1,   /* arg: generation; EXT_VALUE: number of the command in this trace. The recorder's */
    TRK_GC_DO_ENABLE = 2,    /* arg 1: automatic passes, 0: none */
    TRK_GC_DO_THRESHOLD = 3, /* arg: that of generation 0; EXT_VALUE: of 1, and shifted by 32 of 2 */
    TRK_GC_DO_FREEZE = 4,    /* arg 1: what is alive becomes permanent, 0: back */
    TRK_GC_DO_DEBUG = 5,     /* arg: flags */
};

enum { TRK_LIST_WORDS = 512 };
/* A list, or a part of it. The recorder's until `answered`, then of the thread that waits. */
struct trk_shm_list {
    uint64_t words[TRK_LIST_WORDS];
};

enum { TRK_LOOK_NONE = 0 }; /* `why` of a question that wants no look; else enum trk_memory_why */
struct trk_shm_look {
    uint32_t tid;      /* who waits, 0 nobody; futex word of others who want to */
    uint32_t wanted;   /* target */
    uint32_t answered; /* recorder; futex word */
    uint32_t why;      /* enum trk_memory_why */
    uint32_t question; /* enum trk_question */
    uint32_t text;     /* text id of the name, 0 */
    uint64_t sp; /* of the waiting thread: what lies below is dead; callee-saved registers lie above. Also when the
                    thread is stopped: where it sleeps is deeper, in frames of libtrack. At exit: of exit's caller,
                    and no register is alive; when that cannot be told, as else */
    uint64_t tp; /* its thread pointer */
    uint64_t read_at, read_bytes; /* recorder */
    uint64_t got;                 /* target */
    uint32_t read, served;        /* recorder, target; futex words */
    int32_t answer;               /* enum trk_answer. Without a question: TRK_YES looked, TRK_NO refused (--no-memory),
                                     TRK_UNKNOWN it failed */
    uint32_t working;             /* recorder: `wanted` of the look that it works on */
    uint32_t told;       /* recorder: the look whose question `numbers` and `answer` are of; else it only looked */
    uint32_t list_words; /* recorder: valid words of the list, TRK_LIST_WORDS at most */
    uint64_t arg[2];     /* target */
    uint64_t numbers[16];
};

#endif
