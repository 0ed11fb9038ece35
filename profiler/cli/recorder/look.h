/* look.h: a look at the memory of a recorded process: what the files look*.c share.
 *
 * A look is one checkpoint: the threads are stopped when that is allowed, the rings are drained (the cut), the memory
 * is read in chunks, the words that may be pointers into blocks go to the trace, the threads go on. What the kernel
 * refuses makes the look weaker (enum trk_memory_rung), never the target worse. Everything that is read is hostile:
 * maps are text of unknown content, ELF headers of the target may say anything, addresses are only ever given to the
 * kernel.
 *
 *     look.c         when, on which rung, and what is answered
 *     look_stop.c    threads stand still, and go on
 *     look_calls.c   their system calls, too
 *     look_maps.c    text of /proc/PID/maps to mappings
 *     look_module.c  what the headers of loaded files say: writable data, thread-local storage, the loader's memory
 *     look_glibc.c   what glibc keeps for itself
 *     look_areas.c   mappings and threads to areas
 *     look_read.c    bytes of the target, and which of its pages exist at all
 *     look_scan.c    bytes to words
 *     look_write.c   words to the trace
 *     counted.c      which objects have a count that can be read */
#ifndef RECORDER_LOOK_H
#define RECORDER_LOOK_H

#include "private.h"

#include <prof/memory.h>

enum {
    LOOK_PAGE = 4096,
    LOOK_CHUNK = 256 << 10,   /* read at once: fits the caches */
    LOOK_MAPS_MAX = 1 << 20,  /* mappings; kernels allow 65530 */
    LOOK_TASKS_MAX = 1 << 16, /* threads */
    LOOK_RED_ZONE = 128,      /* below a stack pointer, still in use */
};

/* ---- look_maps.c ---- */
struct look_map {
    uint64_t start, end, offset, dev, ino;
    bool read, write, exec, shared;
    uint32_t name; /* offset into the names */
};
/* One process's mappings, in address order, without overlap. */
struct look_maps {
    PROF_VEC(struct look_map) items;
    PROF_VEC(char) names; /* NUL-terminated */
};
/* Parses text (NUL-terminated, is written into). Lines that are none, or out of order, are left out. false: no memory.
 */
bool look_maps_parse(char *text, struct look_maps *ret);
void look_maps_deinit(struct look_maps *maps);
static inline const char *look_map_name(const struct look_maps *maps, const struct look_map *map)
{
    return maps->names.items + map->name;
}
/* The mapping that contains the address; NULL: none. */
const struct look_map *look_maps_find(const struct look_maps *maps, uint64_t address);
/* Private memory without a file: malloc's, the program's own, stacks of threads. */
bool look_map_anonymous(const struct look_maps *maps, const struct look_map *map);
/* A guard that cannot be touched lies right below, as below stacks of threads. */
bool look_map_guarded(const struct look_maps *maps, const struct look_map *map);
/* A file of libtrack. */
bool look_map_ours(const struct look_maps *maps, const struct look_map *map);

/* ---- look_read.c ---- */
struct look_range {
    uint64_t start, end;
};
enum { LOOK_RESIDENT_BATCH = 512 };
struct look_reader {
    struct proc *proc;
    pid_t task;             /* a thread of it that lives: the first one may have ended */
    int mem_fd, pagemap_fd; /* -1: none */
    bool by_thread;         /* only the waiting thread can read */
    bool no_vm;             /* process_vm_readv is refused */
    bool no_force;          /* so is /proc/PID/mem, for pages that the target protects from itself */
    bool no_scan;           /* the kernel has no PAGEMAP_SCAN */
    uint32_t wanted, tid;   /* of the waiting thread's look */
    bool gone;              /* nothing can be read any more: the process ended, or the thread waits no longer */
    uint64_t read_bytes, unread_bytes;
    /* Pages that exist, found ahead: up to `known` */
    struct look_range batch[LOOK_RESIDENT_BATCH];
    size_t batch_count;
    uint64_t batch_from, known;
    PROF_VEC(uint64_t) entries; /* of pagemap */
};
/* The process has filters of system calls that this one has not. */
bool look_sandboxed(const struct proc *proc);
/* Finds out how the memory can be read. `probe`: an address that is readable. false: not at all. */
bool look_reader_open(struct look_reader *reader, struct proc *proc, pid_t task, uint64_t probe);
void look_reader_close(struct look_reader *reader);
/* Reads what can be read without a gap from `at`; returns bytes, 0 when the page at `at` cannot be read. Counts
 * nothing.
 */
size_t look_read(struct look_reader *reader, uint64_t at, void *to, size_t bytes);
/* The same for `bytes` or nothing. */
bool look_read_all(struct look_reader *reader, uint64_t at, void *to, size_t bytes);
/* The first run of pages at or behind `at` and below `end` that exist; false: none. Ranges are not longer than asked.
 */
bool look_next_resident(struct look_reader *reader, uint64_t at, uint64_t end, struct look_range *ret);

/* ---- look_stop.c ---- */
struct look_thread {
    pid_t tid;
    bool stopped; /* stands in a ptrace stop */
    bool ended;
    bool asleep;             /* in the kernel, and cannot be stopped (waits for a vfork child, a disk) */
    uint64_t sp, tp;         /* 0: not known */
    uint64_t registers[40];  /* as NT_PRSTATUS gives them */
    unsigned register_count; /* 0: not known */
};
struct look_threads {
    PROF_VEC(struct look_thread) items;
    const char *refused; /* why they could not be stopped; NULL */
};
/* Stops all threads of the process, within a bound. false: it cannot be done, and every thread runs as before. */
bool look_stop(struct proc *proc, struct look_threads *ret);
/* The vector registers of a thread that stands in a ptrace stop, as its machine keeps them; returns bytes, 0: they are
 * not known. */
size_t look_vectors(const struct look_thread *thread, unsigned char *to, size_t room);
/* Lets them go on. Those that could not be stopped are left to rec_look_let_go. */
void look_resume(struct proc *proc, struct look_threads *threads);
/* Lists the threads that there are, unstopped, without those that ended. */
bool look_list(struct proc *proc, struct look_threads *ret);

/* ---- look_calls.c ---- */
/* May threads of such a process be stopped at all? */
bool look_calls_allow(bool sandboxed);
/* A stopped thread was in a system call: it will go on with it. sandboxed: its process has filters that we have not. */
bool look_calls_go_on(struct look_thread *thread, bool sandboxed);

/* ---- look_areas.c, look_module.c, look_glibc.c ---- */
struct look_area {
    uint64_t start, end;
    enum trk_area_kind kind; /* 0: left out */
    uint32_t tid;
    bool blocks; /* words that point here count */
};
struct look_areas {
    PROF_VEC(struct look_area) items; /* in address order, without overlap */
    uint32_t threads_unread;
};
/* What is known of the thread that waits, tp 0: none waits. */
struct look_waiter {
    uint64_t sp, tp;
    uint32_t tid;
};
/* What memory is what. threads without registers are known by name only. false: no memory. */
bool look_areas_make(struct look_reader *reader, const struct look_maps *maps, const struct look_threads *threads,
                     const struct look_waiter *waiter, struct look_areas *ret);
void look_areas_deinit(struct look_areas *areas);
/* Gives the part of [start, end) that is listed a kind, and (blocks >= 0) whether blocks lie there. */
bool look_areas_paint(struct look_areas *areas, uint64_t start, uint64_t end, enum trk_area_kind kind, uint32_t tid,
                      int blocks);
/* The area that contains the address; NULL: none. */
const struct look_area *look_areas_find(const struct look_areas *areas, uint64_t at);
/* What libtrack says about its memory, and where custom allocators have theirs. Hostile. */
static inline const struct trk_shm_own *look_own(const struct proc *proc)
{
    return (const struct trk_shm_own *)(const void *)(proc->arena->base + proc->arena->own_off) + proc->index;
}
/* Paints what glibc keeps for itself. Threads must be painted before. */
bool look_glibc_paint(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas);
/* Paints the writable segments of loaded files, and the loader's own memory. Adds up the thread-local storage that
 * files have from the start in *ret_tls. */
bool look_modules_paint(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas,
                        uint64_t *ret_tls);

/* ---- look_scan.c ---- */
/* Where pointers may lead. */
struct look_targets {
    PROF_VEC(struct look_range) ranges;
    uint64_t low, span;
    const struct rec_options *options;
    uint64_t keep; /* bits of a value that are address: a machine may ignore those on top */
};
bool look_targets_make(const struct look_areas *areas, const struct look_maps *maps, const struct proc *proc,
                       struct look_targets *ret);
void look_targets_deinit(struct look_targets *targets);
/* Picks the words that may be pointers; `at` is the address of bytes[0]. last: nothing follows that is looked at
 * together with the last bytes, so what is stored in 4 of them may end there. Room for as many is needed as
 * look_scan_most says.
 */
size_t look_scan_most(const struct rec_options *options, size_t size);
size_t look_scan(const struct look_targets *targets, const unsigned char *bytes, size_t size, uint64_t at, bool last,
                 struct prof_memory_word *to);

/* ---- counted.c ---- */
struct look_counts {
    struct trk_memory_count *items;
    size_t count, room;
};
/* Appends the counts that stand in this memory, which begins at `at`. false: no memory. */
bool look_counts_read(struct proc *proc, const unsigned char *bytes, size_t size, uint64_t at, struct look_counts *to);
/* Puts those from `first` on in order, each object once. */
void look_counts_sort(struct look_counts *counts, size_t first);
/* Keeps of those from `first` on what was read again as it is. */
void look_counts_agree(struct look_counts *counts, size_t first, struct look_counts *again);

/* ---- look_write.c ---- */
struct look_out;
/* head: what is known in advance. hold: how many words may wait in memory. */
struct look_out *look_out_create(struct proc *proc, const struct prof_memory *head, size_t hold);
bool look_out_area(struct look_out *out, const struct look_area *area);
/* Room for so many words of the last area; NULL: no memory. */
struct prof_memory_word *look_out_room(struct look_out *out, size_t count);
/* So many of them are used. */
void look_out_take(struct look_out *out, size_t count);
/* The counts, by address, once everything else was read. */
void look_out_counts(struct look_out *out, const struct look_counts *counts);
/* Writes the rest, with the final figures, and frees it. good false: nothing more is written, what was has no end.
 * *ret_too_large: the error is that it does not fit into a trace with a limit, of which nothing stands there then. */
struct prof_error *look_out_end(struct look_out *out, const struct prof_memory *head, bool good, bool *ret_too_large);

#endif
