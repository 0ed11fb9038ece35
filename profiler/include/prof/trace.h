/* prof/trace.h: a trace as a stream of decoded events in one order.
 *
 * Layer input: bytes to events. Knows no objects. Every byte of a trace is distrusted here and nowhere else; what comes
 * out has checked lengths, known ops and in-range ids.
 *
 * A trace is opened once (definitions, header, damage are found in one cheap walk over the block headers) and may be
 * replayed any number of times. Memory is bounded: two rounds of event blocks and the definitions; never the events.
 *
 * Order. Events of one ring come in their order. Rings are merged by time (TICK records) and, inside the resolution of
 * the clock, by cause (and, with exact time, by that): an ALLOC of an address that is still allocated waits for its
 * FREE in another ring, an event on an unborn object waits for its NEW, a counted event waits for the count before it.
 * When everything waits, the earliest is let through and marked PROF_EVENT_FORCED. Events that bear numbers
 * (PROF_EVENT_SEQ) come in the order of their numbers. */
#ifndef PROF_TRACE_H
#define PROF_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <track/format.h>

struct prof_trace;
struct prof_merge;
struct prof_memory;

/* Facts about a trace, borrowed from it. Strings are never NULL ("" when unknown) unless said. */
struct prof_trace_info {
    const char *path;
    uint64_t file_bytes;
    uint64_t usable_bytes; /* up to the end of the last good block */
    const char *damage;    /* NULL: complete to its last block; else one sentence: where and how it is cut or broken */
    bool finished;         /* an END block was seen */
    uint32_t end_reason;   /* enum trk_end_reason, 0 when not finished */
    int32_t end_value;
    uint64_t end_us;     /* time of END or of the last event block */
    uint64_t created_ns; /* CLOCK_REALTIME at microsecond 0 */
    uint32_t pid, parent_pid;
    uint32_t machine; /* ELF e_machine of the program */
    uint32_t flags;   /* TRK_FILE_* */
    uint16_t major, minor;
    uint8_t trace_id[16];
    const char *program; /* base name */
    const char *exe;     /* resolved path of the executable */
    const char *cwd;
    const char *const *args;     /* NULL-terminated */
    const char *host, *recorder; /* host name; recorder version */
    const char *parent_trace;    /* file name of the forking process's trace, "" */
    const char *malloc_note;     /* "" or who serves malloc when it is not recorded: "jemalloc in /usr/bin/x" */
    const char *options;         /* recording options as given */
    bool exact_time;             /* events have times of their own, to nanoseconds (clock=tsc), not those of ticks; */
    bool exact_hooked;           /* or those have them that came when functions were hooked and several threads ran */
    bool attached;               /* recording began while the program was running: what it had then is not known */
    const char *filter;          /* "" or which births were recorded: "types=A|B:modules=C:objects=1/16" */
    uint64_t filtered;           /* how many births it left out; known at the end */
    struct trk_loss loss;        /* the latest known */
    uint64_t records;            /* first slots in the event blocks */
    uint64_t slots;
    uint32_t blocks, unknown_blocks;
    uint32_t memories;         /* checkpoints with memory that are complete */
    uint32_t memories_lost;    /* those that are not, or turned out to be damaged when they were read */
    const char *memory_damage; /* NULL: none; else one sentence about the last of these */
    bool has_state;            /* the file begins with a state: what happened before it is not in there */
    uint64_t state_us;         /* the last event that the state stands for */
    uint64_t state_events;     /* how many it stands for */
};

/* How the recorder, or whoever makes traces, spelled a META key: prof_trace_meta(trace, "wrapper"). NULL: absent. */
const char *prof_trace_meta(const struct prof_trace *trace, const char *key);

/* A function of the program that was to be hooked. */
struct prof_hooked {
    /* Cut when longer; adapter, module "": none. Escape before showing. */
    char role[16], function[256], adapter[64], module[512];
    unsigned state; /* enum trk_hook_state */
    uint64_t calls; /* that were seen */
};
/* The next one of the value of META key hooks (NULL: none), which *at walks through. */
bool prof_hooked_next(const char **at, struct prof_hooked *ret);
/* An adapter (prof/adapter.h) that was at hand, and what became of it. */
struct prof_adapted {
    char name[64], how[16];         /* how: "shipped", "user" or "given", the last one because somebody asked for it */
    char libraries[256], path[512]; /* the files it speaks of, with '|' between them; its own */
    char module[512];               /* a file where functions of it were found; "": it was not used */
    unsigned modules;               /* how many such files, as far as they follow each other */
    unsigned functions, called;     /* hooked; and called */
    uint64_t calls;
};
/* The next one of the value of META key adapters (NULL: none), which *at walks through; hooks: that of META key hooks.
 */
bool prof_adapted_next(const char **at, const char *hooks, struct prof_adapted *ret);
/* The function is there, but calls of it are missing from the trace. */
bool prof_hook_refused(unsigned state);
/* A state in words that follow "calls of it are not seen: ". */
const char *prof_hook_words(unsigned state);

/* Two threads did something at these times: do the times leave open which was first? With exact time that is so within
 * a microsecond, as a verb takes a part of one and counters are compared no better; else within a tick. */
bool prof_trace_same_time(const struct prof_trace *trace, uint64_t one_us, uint64_t other_us);

/* Which decodings of pointers (bit n: the n-th of META key pointer) are stored in 4 bytes. */
uint64_t prof_trace_halves(const struct prof_trace *trace);

/* What a flight recording kept: the newest events only. */
struct prof_flight {
    bool active;          /* it is one */
    uint64_t from_us;     /* complete since then; what lived before is seen without its birth. 0: from the beginning */
    uint64_t overwritten; /* older events that are gone; 0: none */
};
struct prof_flight prof_trace_flight(const struct prof_trace *trace);

/* Opens a trace. A cut or damaged file opens as far as it is good (info->damage says so); only a file without a
 * usable header, of a newer major version, or with an unknown critical block is an error. A file that is still being
 * written opens as well. */
struct prof_error *prof_trace_open(const char *path, struct prof_trace **ret);
/* The same for an open file, which it takes over also when it fails; only the first `bytes` bytes are looked at. */
struct prof_error *prof_trace_open_fd(int fd, const char *path, uint64_t bytes, struct prof_trace **ret);
void prof_trace_close(struct prof_trace *trace);
const struct prof_trace_info *prof_trace_info(const struct prof_trace *trace);

enum prof_event_flags {
    PROF_EVENT_COUNT = 1 << 0,       /* count is the reference count after the event */
    PROF_EVENT_SLOT = 1 << 1,        /* slot is the address of the owning variable */
    PROF_EVENT_HOLDER = 1 << 2,      /* slot is the address of a holder instead (TRK_HOLDER) */
    PROF_EVENT_FROM = 1 << 3,        /* from is set (a slot) */
    PROF_EVENT_FROM_HOLDER = 1 << 4, /* from is a holder */
    PROF_EVENT_FORCED = 1 << 5,      /* its place among other threads' events is a guess */
    PROF_EVENT_POOL = 1 << 7,        /* ALLOC: `from` is the pool that the block is a chunk of */
    PROF_EVENT_SEQ = 1 << 6,         /* `from` is the number of this change among all changes of the object's count,
                                        of a NEW the number before the first change */
};

/* One decoded event. Which members mean something depends on op (see enum trk_op). 64 bytes. */
struct prof_event {
    uint64_t addr;    /* object, block, or the op's number */
    uint64_t size;    /* ALLOC, MMAP FREE, ROOT_ADD, MOVE_RANGE: bytes. NEW, RETYPE: type id. Others: the raw arg */
    uint64_t slot;    /* with PROF_EVENT_SLOT or PROF_EVENT_HOLDER */
    uint64_t from;    /* MOVE, MOVE_RANGE: with PROF_EVENT_FROM*; ALLOC of kind REALLOC: the old address (0: none),
                         the pool with PROF_EVENT_POOL;
                         NEW, REF, UNREF: the number with PROF_EVENT_SEQ, 32 bits */
    int64_t count;    /* with PROF_EVENT_COUNT; CONTEXT, MODULES, GC: the number */
    uint64_t time_us; /* not before this moment, to the resolution of the clock; with `fine` the moment itself */
    uint32_t stack;   /* stack id, 0 none */
    uint32_t tid : 22;
    uint32_t fine : 10; /* see prof_event_ns; 0: the time is that of a tick */
    uint32_t text;      /* text id, 0 none */
    uint8_t op;         /* enum trk_op, never TICK, EXT, THREAD, SKIP, NONE */
    uint8_t aux;
    uint8_t flags; /* enum prof_event_flags */
    uint8_t ring;  /* ring number modulo 256: diagnosis */
};

/* The time in nanoseconds. Exact times may step back from event to event: a thread can be stopped between the reading
 * of its clock and its record, and causes go before times. */
static inline uint64_t prof_event_ns(const struct prof_event *e)
{
    return e->time_us * 1000 + (e->fine != 0 ? e->fine - 1u : 0);
}
static inline void prof_event_set_ns(struct prof_event *e, uint64_t ns)
{
    e->time_us = ns / 1000;
    e->fine = (uint32_t)(ns % 1000) + 1;
}

/* Receives a replay in order. Any callback may be NULL. A callback returning an error ends the replay with it. */
struct prof_trace_sink {
    /* n events at once; the array is valid during the call */
    struct prof_error *(*events)(void *ctx, const struct prof_event *events, size_t n);
    struct prof_error *(*mem)(void *ctx, const struct trk_mem *mem);
    /* called now and then with the file position; returning false cancels (PROF_ERROR_CANCELLED) */
    bool (*progress)(void *ctx, uint64_t done_bytes, uint64_t all_bytes);
    /* a part of a state (TRK_BLOCK_STATE), before all events; parts come in file order. `merge` wants to hear what is
     * alive in it (prof_merge_alive) before the first event; NULL: nobody does. Without this callback a trace that
     * begins with a state is an error */
    struct prof_error *(*state)(void *ctx, struct prof_merge *merge, const void *bytes, size_t size);
    /* what memory said at a checkpoint, behind all events of the rounds up to its own; borrowed, or shared by
     * prof_memory_keep */
    struct prof_error *(*memory)(void *ctx, const struct prof_memory *memory);
};
struct prof_error *prof_trace_replay(struct prof_trace *trace, const struct prof_trace_sink *sink, void *ctx);

/* ---- Reading on: a trace that is still being written ----
 *
 * The replay goes as far as nothing can change any more that is not written yet, and goes on from there when more is.
 * The trace must outlive it. One thread at a time. */
struct prof_tail;
/* Hands on the state that the trace begins with, if it does, and nothing else. */
struct prof_error *prof_tail_open(struct prof_trace *trace, const struct prof_trace_sink *sink, void *ctx,
                                  struct prof_tail **ret);
/* The file has `bytes` bytes by now, and is the same as before up to where it was read. *ret_exact false: what was
 * handed on, now or before, is not what a replay of everything would hand on; nothing mends that. */
struct prof_error *prof_tail_on(struct prof_tail *tail, uint64_t bytes, bool *ret_exact);
/* Hands on the rest, as though the trace ended here. Nothing but closing may follow. */
struct prof_error *prof_tail_end(struct prof_tail *tail);
void prof_tail_close(struct prof_tail *tail);

/* ---- Splitting: a stream in two parts ----
 *
 * Replays a trace up to the end of `round` and keeps what is left, so that another file can hold the state reached and
 * the rest: together they mean the same as the trace. The trace must outlive the rest. */
struct prof_rest;
struct prof_writer;
struct prof_error *prof_trace_split(struct prof_trace *trace, uint64_t round, const struct prof_trace_sink *sink,
                                    void *ctx, struct prof_rest **ret);
void prof_rest_destroy(struct prof_rest *rest);
/* Calls for every stack and text id that the rest cites, possibly more than once. */
struct prof_error *prof_rest_cited(struct prof_rest *rest, void (*stack)(void *ctx, uint32_t id),
                                   void (*text)(void *ctx, uint32_t id), void *ctx);
/* Appends memory samples and event blocks; those that the replay did not touch are copied as they are. */
struct prof_error *prof_rest_write(const struct prof_rest *rest, struct prof_writer *writer);

/* ---- Live: the same stream without a file ----
 *
 * A recorder that knows what it wrote can have the events merged while they arrive. */

/* A trace in memory: definitions are given to it, prof_trace_stack and its like answer from them; frames and
 * definitions of types that they return are borrowed until the next prof_trace_define, names and texts as long as the
 * trace. It has no events of its own: to replay it is an error. Close with prof_trace_close. One thread at a time. */
struct prof_error *prof_trace_live(struct prof_trace **ret);
/* One definition block's payload (META, MODULES, STACKS, TYPES, TEXTS), as it stands in a file, uncompressed. Malformed
 * entries end it silently. */
struct prof_error *prof_trace_define(struct prof_trace *trace, enum trk_block_kind kind, const void *payload,
                                     size_t bytes);

/* Puts blocks of slots into the one order that replay gives, as they arrive. One thread at a time. flags:
 * TRK_FILE_* of the trace that they belong to. */
struct prof_merge;
struct prof_error *prof_merge_create(uint32_t flags, const struct prof_trace_sink *sink, void *ctx,
                                     struct prof_merge **ret);
void prof_merge_destroy(struct prof_merge *merge);
/* A block of one ring; copies the slots. Rounds never go back. */
struct prof_error *prof_merge_add(struct prof_merge *merge, const struct trk_events_head *head,
                                  const struct trk_slot *slots);
/* A sample of memory, handed on in its place. */
struct prof_error *prof_merge_mem(struct prof_merge *merge, const struct trk_mem *mem);
/* A checkpoint, copied, to be handed on in its place. */
struct prof_error *prof_merge_memory(struct prof_merge *merge, const struct prof_memory *memory);
/* Hands on the events up to `round`, as replay does; all blocks up to round + 1 must have been added, more do no harm.
 * When the number of a change is missing, or round + 1 is empty, what follows stays until the blocks of later rounds
 * tell more, 64 rounds at most. UINT64_MAX: everything. */
struct prof_error *prof_merge_run(struct prof_merge *merge, uint64_t round);
/* What was added and not handed on yet, after prof_merge_run: first the memory samples (mem may be NULL), then blocks,
 * in order of rounds, that continue each ring exactly where the sink's knowledge ends: their heads carry owner, time
 * and round. Valid during the call. */
struct prof_error *prof_merge_rest(const struct prof_merge *merge,
                                   struct prof_error *(*each)(void *ctx, const struct trk_events_head *head,
                                                              const struct trk_slot *slots),
                                   struct prof_error *(*mem)(void *ctx, const struct trk_mem *mem), void *ctx);
/* Tells which addresses are alive when the stream does not begin at the beginning (it follows a state). block: an
 * allocation of this kind (enum trk_alloc_kind); else an object with this count (known: its birth was
 * seen, or the program told a count since). */
struct prof_error *prof_merge_alive(struct prof_merge *merge, bool block, uint64_t addr, unsigned kind, int32_t count,
                                    bool known);

/* Definitions, complete after prof_trace_open. Borrowed. */
struct prof_stack {
    uint32_t id;
    uint16_t generation; /* of the module map it was taken under */
    uint8_t frames;
    uint8_t flags;       /* TRK_STACK_* */
    const uint64_t *pcs; /* innermost first */
};
/* false: unknown id (a definition was lost); *ret untouched. */
bool prof_trace_stack(const struct prof_trace *trace, uint32_t id, struct prof_stack *ret);
/* Type definition and its name (NUL-terminated); NULL when unknown. */
const struct trk_type_def *prof_trace_type(const struct prof_trace *trace, uint32_t id, const char **ret_name);
uint32_t prof_trace_type_max(const struct prof_trace *trace); /* largest id + 1 */
/* NULL when unknown. */
const char *prof_trace_text(const struct prof_trace *trace, uint32_t id);
/* Module maps, oldest first. Strings borrowed. */
struct prof_module {
    uint64_t start, end, file_offset, dev, ino;
    uint32_t prot;
    const char *path;
    uint8_t build_id_len;
    uint8_t build_id[23];
};
struct prof_module_map {
    uint32_t generation;
    uint64_t at_us;
    size_t count;
    const struct prof_module *modules; /* in address order */
};
/* Oldest first, borrowed: "key=value" pairs of META as they stand, without the keys that a later one replaces. */
struct prof_error *prof_trace_meta_each(const struct prof_trace *trace,
                                        struct prof_error *(*each)(void *ctx, const char *key, const char *value),
                                        void *ctx);
/* Calls for every text that is defined. */
void prof_trace_text_each(const struct prof_trace *trace, void (*each)(void *ctx, uint32_t id, const char *text),
                          void *ctx);
size_t prof_trace_module_maps(const struct prof_trace *trace, const struct prof_module_map **ret);

/* ---- Writing -------------------------------------------------------------------------------------------------
 * The recorder and the tests write traces through these; nobody else knows the file layout. */
struct prof_writer;
struct prof_writer_options {
    uint32_t pid;
    uint64_t created_ns;
    uint32_t machine;        /* 0: this machine's */
    uint32_t flags;          /* TRK_FILE_* */
    const uint8_t *trace_id; /* 16 bytes, NULL: random */
    int zstd_level;          /* 0: store; else zstd level (negative: fast) */
    bool force;              /* replace an existing regular file of this user */
};
/* For a file of the same run as a trace: what headers say; nothing is packed or replaced. trace_id is borrowed. */
struct prof_writer_options prof_writer_options_of(const struct prof_trace_info *info);
/* Creates the file 0600 with O_EXCL|O_NOFOLLOW (force: unlinks an own regular file first). */
struct prof_error *prof_writer_open(const char *path, const struct prof_writer_options *options,
                                    struct prof_writer **ret);
/* Each appends one block (META keys: "key=value" pairs, NUL-terminated array). Blocks reach the file when the writer's
 * buffer is full or at prof_writer_flush. After a failed write the writer stays usable: it remembers the first
 * error, cuts the file back to its last whole block, and counts what it could not write in prof_writer_lost. */
struct prof_error *prof_writer_meta(struct prof_writer *w, const char *const *pairs);
struct prof_error *prof_writer_modules(struct prof_writer *w, uint32_t generation, uint64_t at_us,
                                       const struct prof_module *modules, size_t count);
/* Definitions are gathered into blocks. */
struct prof_error *prof_writer_stack(struct prof_writer *w, const struct trk_stack_def *def, const uint64_t *pcs);
struct prof_error *prof_writer_type(struct prof_writer *w, const struct trk_type_def *def, const char *name,
                                    size_t name_len);
struct prof_error *prof_writer_text(struct prof_writer *w, uint32_t id, const char *bytes, size_t length);
/* Slots of one ring (lap bits are cleared here). Gathered definitions are written first. */
struct prof_error *prof_writer_events(struct prof_writer *w, const struct trk_events_head *head,
                                      const struct trk_slot *slots);
/* How much would events take? What is added from measure on is taken back by measured, which returns its bytes; only
 * prof_writer_events may come in between. */
struct prof_error *prof_writer_measure(struct prof_writer *w);
uint64_t prof_writer_measured(struct prof_writer *w);
/* A part of a state, at most TRK_BLOCK_MAX bytes. Before the first events only. */
struct prof_error *prof_writer_state(struct prof_writer *w, const void *bytes, size_t size);
struct prof_error *prof_writer_mem(struct prof_writer *w, const struct trk_mem *mem);
struct prof_error *prof_writer_loss(struct prof_writer *w, const struct trk_loss *loss);
struct prof_error *prof_writer_end(struct prof_writer *w, const struct trk_end *end);
/* Appends the whole blocks that stand in another trace's file from `offset` on, as they are; *ret_end: how far. */
struct prof_error *prof_writer_copy(struct prof_writer *w, int fd, uint64_t offset, uint64_t *ret_end);
struct prof_error *prof_writer_flush(struct prof_writer *w);
/* Goes on in another file, which takes the place and the name of this one: `file` has `seq` blocks in its first `bytes`
 * bytes, which stand for this file up to `offset`; what follows here is copied. On an error the writer goes on as
 * before, and the other file is left where it is. */
struct prof_error *prof_writer_replace(struct prof_writer *w, const char *file, uint64_t bytes, uint64_t seq,
                                       uint64_t offset);
/* The file, open for reading and writing: not to be closed, and not to be written into. */
int prof_writer_fd(const struct prof_writer *w);
uint64_t prof_writer_blocks(const struct prof_writer *w);   /* queued ones included */
uint64_t prof_writer_bytes(const struct prof_writer *w);    /* written so far */
uint64_t prof_writer_gathered(const struct prof_writer *w); /* finished, to be written with the next flush */
uint64_t prof_writer_lost(const struct prof_writer *w);     /* records that could not be written */
/* Flushes and closes; returns the first error that was met in the writer's life, if nobody got it before. */
struct prof_error *prof_writer_close(struct prof_writer *w);

#endif
