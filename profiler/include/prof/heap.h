/* prof/heap.h: the state of the target's heap at one moment of a trace.
 *
 * Layer model: applies events in order and is the only writer of this state; knows no bytes, no symbols and no
 * verdicts. Everything here is read-only for its users and borrowed from the heap. Memory is proportional to what is
 * alive plus types, stacks and incidents, not to the number of events.
 *
 * Two kinds of things live in it:
 *   blocks   memory from an allocator (malloc event, mmap, trk_alloc)
 *   objects  counted things reported with trk_new; an object lies inside a block, or in memory nobody reported
 * Both are named by dense 32-bit ids, which stay what they are once the heap is created; while it is filled the id of a
 * dead thing may be given to a new one, so ids say nothing about order of birth (serials do). An id of a dead thing is
 * invalid, except for objects that an incident mentions: those stay readable (state DEAD) as long as the heap. */
#ifndef PROF_HEAP_H
#define PROF_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/memory.h>
#include <prof/trace.h>

typedef uint32_t prof_obj_id;   /* 0: none */
typedef uint32_t prof_block_id; /* 0: none */
typedef uint32_t prof_type_id;  /* 0: unknown type */

enum prof_block_flags {
    PROF_BLOCK_ALIVE = 1 << 0,
    PROF_BLOCK_HAS_OBJECT = 1 << 1, /* an object was born in it: it is not reported as a plain block */
    PROF_BLOCK_FORCED = 1 << 2,     /* its birth met an address that was still allocated */
    PROF_BLOCK_IGNORED = 1 << 4,    /* the program says that it is no leak (trk_ignore, trk_disable), nor what it alone
                                       reaches; objects in it have PROF_OBJ_MAY_LEAK */
    PROF_BLOCK_EXAMINED = 1 << 3,   /* it was alive, at this address, when memory was read last (prof_heap_memory) */
};
struct prof_block {
    uint64_t addr, size;
    uint64_t born_us;
    uint32_t stack, tid;
    uint8_t kind;          /* enum trk_alloc_kind */
    uint8_t flags;         /* enum prof_block_flags */
    uint16_t scope;        /* innermost scope open in its thread at birth, 0 none: index into scopes */
    prof_obj_id first_obj; /* objects in it: walk prof_obj.next_in_block; 0 none */
};

enum prof_obj_state {
    PROF_OBJ_NONE = 0, /* id not in use */
    PROF_OBJ_ALIVE,    /* count above zero */
    PROF_OBJ_ZERO,     /* count reached zero; not yet deleted or freed */
    PROF_OBJ_PARKED,   /* in a pool */
    PROF_OBJ_DEAD,     /* kept because an incident mentions it */
};
enum prof_obj_flags {
    PROF_OBJ_FLOATING = 1 << 0,
    PROF_OBJ_PINNED = 1 << 1,
    PROF_OBJ_MAY_LEAK = 1 << 2,
    PROF_OBJ_SKEWED = 1 << 3,     /* its birth was not seen: count is relative */
    PROF_OBJ_FINALIZING = 1 << 4, /* between DTOR_BEGIN and DTOR_END */
    PROF_OBJ_FINALIZED = 1 << 5,
    PROF_OBJ_MISCOUNT = 1 << 6, /* an observed count did not fit the events: somebody counts without telling */
    PROF_OBJ_COUNTED = 1 << 7,  /* at least one observed count */
    PROF_OBJ_TOUCHED = 1 << 8,
    PROF_OBJ_RESURRECTED = 1 << 9,
    PROF_OBJ_NUMBERED = 1 << 10,   /* its birth bore a number, so changes tell its life from others at the address */
    PROF_OBJ_BLOCK_BORN = 1 << 12, /* with SKEWED: taken to be born with its block, whose birth was seen */
    PROF_OBJ_POOLED = 1 << 13, /* parked, and its pool has a reference that is in no book: its end is one more unref */
};
struct prof_obj {
    uint64_t addr;    /* pointer given to trk_new */
    uint64_t last_us; /* last event */
    prof_type_id type;
    prof_block_id block; /* 0: none known */
    int32_t count;       /* by events: 1 + refs - unrefs */
    int32_t observed;    /* last count the program told, carried on by later events; meaningful with PROF_OBJ_COUNTED */
    uint32_t refs, unrefs; /* exact totals of this life */
    uint32_t
        first_open; /* open references with a slot or holder, and an unowned birth: index for prof_heap_open, 0 none */
    uint32_t first_site; /* anonymous balance: index for prof_heap_site_count, 0 none */
    uint32_t opens;      /* length of the list of open references; count - opens are anonymous */
    uint16_t flags;      /* enum prof_obj_flags */
    uint16_t scope;
    uint8_t state;                            /* enum prof_obj_state */
    uint8_t internal;                         /* the model's own */
    uint16_t moment;                          /* the model's own */
    prof_obj_id next_in_block, prev_in_block; /* state DEAD: the model's own */
    uint32_t serial;                          /* Type#serial, from 1 */
    uint32_t births;                          /* 1, +1 for each reuse from a pool */
    uint32_t stack, tid;                      /* birth */
    uint32_t zero_stack;                      /* stack of the UNREF that reached zero */
    uint32_t why_text;                        /* reason given with pin or may_leak */
    uint32_t context;                         /* index into contexts of its birth, 0 none */
    uint64_t start, size;                     /* extent: from the type or the block; size 0 unknown */
    uint64_t born_us;
    uint64_t zero_us; /* when the count reached zero, state ZERO */
};

/* A reference that was taken and not given back, with its owner known (slot or holder), or a birth reference.
 * Walk: for (i = obj->first_open; i; i = open->next) open = prof_heap_open(heap, i). Newest first. */
enum prof_open_kind {
    PROF_OPEN_SLOT = 1, /* slot is the variable */
    PROF_OPEN_HOLDER,   /* slot is the holder's address */
    PROF_OPEN_BIRTH,    /* the birth reference while nobody owned it; slot is 0 */
};
enum prof_open_flags {
    PROF_OPEN_OVERWRITTEN = 1,  /* another object was referenced into the slot since, without release or move */
    PROF_OPEN_HOLDER_FREED = 2, /* the block or object around the slot died */
    PROF_OPEN_WAS_BIRTH = 4,    /* the birth reference, moved here by own or move */
    PROF_OPEN_NO_SOURCE = 8,    /* owned (trk_own) when the object had no reference without an owner left */
    PROF_OPEN_DOUBTED = 16,     /* a release or trk_own came since that named no owner: it may have meant this one */
    PROF_OPEN_CHOSEN = 32,      /* owned when several could have got this owner: where it was taken is a guess */
};
struct prof_open {
    uint64_t slot;
    uint64_t at_us;
    uint32_t stack, tid;  /* of the event that took it (birth stack for a birth reference) */
    uint32_t moved_stack; /* of the last move or own, 0 */
    uint32_t spoil_stack; /* where it was overwritten or its holder freed */
    prof_obj_id obj;
    uint32_t next;
    uint32_t prev, chain_next, chain_prev; /* the model's own */
    uint8_t kind, flags;
    uint8_t index; /* the model's own, see prof_open_doubled */
};
enum { PROF_OPEN_ASIDE = 2 };
/* Is one of the references that the object's count is made of owned here? What was told to own one when none was left
 * (PROF_OPEN_NO_SOURCE) may well keep the object, as a pointer does, but must not explain what somebody else took. */
static inline bool prof_open_backed(const struct prof_open *open)
{
    return open->kind != PROF_OPEN_BIRTH && (open->flags & PROF_OPEN_NO_SOURCE) == 0;
}
/* Is it open for certain, and taken where it says? */
static inline bool prof_open_certain(const struct prof_open *open)
{
    return (open->flags & (PROF_OPEN_NO_SOURCE | PROF_OPEN_DOUBTED | PROF_OPEN_CHOSEN)) == 0;
}
/* A later reference to the same object was told into the same variable, which can own one only: this one moved on in
 * silence, or is about to be given back. It still is a part of the object's count. */
static inline bool prof_open_doubled(const struct prof_open *open)
{
    return open->kind == PROF_OPEN_SLOT && open->index == PROF_OPEN_ASIDE &&
           (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) == 0;
}
/* The object that held a reference, as it was called when it died: its id may name another one now. */
struct prof_gone_holder {
    prof_type_id type;
    uint32_t serial; /* Type#serial */
    uint64_t offset; /* of the slot, from the holder's start */
};
/* References without owner, balanced per site: exact numbers of events of one object with one stack. Includes
 * only anonymous events; unowned births appear as PROF_OPEN_BIRTH until an anonymous UNREF takes them: the birth then
 * counts as taken at the birth's stack. An anonymous UNREF prefers an anonymous reference: the birth is taken only when
 * none is open. An anonymous reference that got an owner (own, move) leaves its site; one that lost it (disown) enters
 * the site where it was taken. */
struct prof_site_count {
    uint32_t stack;
    uint32_t taken; /* anonymous refs at this stack */
    uint32_t given; /* anonymous unrefs at this stack */
    uint32_t next;
    /* Of the first and the last of these events: the number of the event within the life (refs and unrefs, from 1; 0
     * where it is not known, as for births), and the time. */
    uint32_t first_event, last_event;
    uint64_t first_us, last_us;
};

struct prof_type {
    const char *name; /* never NULL: "(unknown type)" for id 0 */
    uint32_t flags;   /* TRK_TYPE_* */
    uint64_t object_size;
    bool has_count;                                               /* count offset known */
    uint64_t born, died, live, live_bytes, peak_live, peak_bytes; /* live: not dead, so zero and parked ones included */
    uint64_t zero, parked;                                        /* in that state now */
    uint64_t refs_slot, refs_holder,
        refs_anon; /* coverage: references by evidence, births included: anon until owned, and while disowned */
    uint64_t unrefs_slot, unrefs_holder, unrefs_anon;
    uint64_t births_owned;              /* births whose reference got an owner */
    uint64_t counts_seen, counts_wrong; /* observed counts, and those that did not fit */
    uint64_t skewed;
};

/* Totals per stack id (same index as prof_trace_stack). */
struct prof_stack_stat {
    uint64_t allocs, frees; /* frees of blocks that were born at this stack */
    uint64_t bytes;         /* allocated in total */
    uint64_t live, live_bytes;
    uint64_t peak_bytes;
    uint64_t temporary;            /* freed by the next allocator event of the same thread */
    uint64_t births, refs, unrefs; /* events taken at this stack */
    uint64_t disowned;             /* references taken here that had an owner until trk_disown, and those given back
                                      here that had one just before: both are anonymous elsewhere */
};
/* For learning what healthy objects do: per (type, stack), over objects that died correctly. */
struct prof_type_site {
    prof_type_id type;
    uint32_t stack;
    uint64_t taken, given;           /* anonymous events of correctly freed objects */
    uint64_t objects;                /* how many such objects had an anonymous event here */
    uint64_t slot_taken, slot_given; /* pairs closed through a slot or holder, whatever became of the object */
    uint64_t untold;                 /* references taken here that had an owner when their object was freed correctly:
                                        a release gave them back without naming it */
    uint64_t misused_taken, misused_given; /* of objects that died otherwise: anonymous events, and takings that still
                                              had an owner */
};
/* One object that was freed correctly, as far as its references without owner go: what was taken and given back at each
 * stack (the birth as taken where it was born; references that still had an owner, too, since a release without one
 * gave them back). first, last: ranks; a release with a smaller `last` than the `first` of a taking came before it. */
enum { PROF_LIFE_ENTRIES = 256 };
struct prof_life_entry {
    uint32_t stack, taken, given;
    uint32_t first, last;
};
/* Which release served which taking, for references paired by slot or holder: certain. */
struct prof_type_pair {
    prof_type_id type;
    uint32_t taken, given; /* stacks */
    uint64_t count;
};

/* What was noticed while events were applied; needs no search. */
enum prof_incident_kind {
    PROF_INCIDENT_OVER_RELEASE = 1, /* released below zero: stack is the extra release, other the one that reached zero;
                                       also when the object, correctly released, is dead already */
    PROF_INCIDENT_USE_AFTER,        /* any other event on a dead object: stack is the event, other the death */
    PROF_INCIDENT_OVERWRITTEN,      /* slot got a new object while it owned obj: stack is the overwriting ref, other the
                                       taking */
    PROF_INCIDENT_HOLDER_FREED, /* memory around slot died while it owned obj: stack is the free, other the taking */
    PROF_INCIDENT_WRONG_SLOT, /* release through a slot that does not own obj; other: the taking it probably meant, 0 */
    PROF_INCIDENT_FREED_ALIVE,  /* block freed or object deleted while its count was above zero; count tells */
    PROF_INCIDENT_ASSERT_FREED, /* trk_assert_freed on a live object */
    PROF_INCIDENT_DOUBLE_FREE,  /* block freed that is not allocated (known address, freed before): other the first free
                                 */
    PROF_INCIDENT_RESURRECTED,  /* reference taken inside the destructor and kept */
    PROF_INCIDENT_SCOPE_LEFT,   /* object born in a scope alive at its end; text is the scope */
    PROF_INCIDENT_WEAK_LEFT,    /* weak or borrowed pointer in slot not cleared when obj died: stack is the death, other
                                   where the pointer was set */
    PROF_INCIDENT_NO_SOURCE,    /* trk_own of an object without a reference that lacks an owner: more owners than
                                   references; other: where the owner that there is was set, 0 several */
    PROF_INCIDENT_WEAK_FREED,   /* memory of the weak pointer in slot was freed while it was set: stack is its last
                                   release or where the pointer was cleared, which writes there, 0: not yet; other where
                                   it was set */
};
struct prof_incident {
    uint8_t kind; /* enum prof_incident_kind */
    bool forced;  /* order was a guess at that point: never certain */
    bool reused;  /* the address was reused in the meantime: never certain */
    bool told; /* the program itself told a count below zero, or the numbers of birth and change: no guess is in it */
    prof_obj_id obj; /* 0 for DOUBLE_FREE of plain blocks */
    uint64_t addr, slot;
    uint64_t at_us, other_us;
    int64_t count;
    uint32_t stack, other_stack;
    uint32_t tid, other_tid;
    uint32_t text;
    uint64_t
        repeats; /* equal (kind, type, stack, other_stack, told, forced): kept once with a number; obj is the first */
    uint64_t objects; /* how many objects these events were about; more than 8 that take turns count again */
    uint64_t bytes;   /* of those objects */
};

struct prof_mark {
    const char *name;
    uint32_t text; /* id of the name, 0 none */
    uint64_t at_us;
    uint32_t kind; /* enum trk_op: MARK, CHECKPOINT, SCOPE_BEGIN, SCOPE_END, FORK, EXIT */
    uint32_t stack, tid;
    uint64_t live_objects, live_blocks, live_bytes; /* at that moment */
    uint64_t events;                                /* applied before it */
};
struct prof_scope {
    const char *name;
    uint32_t text;             /* id of the name, 0 none */
    uint64_t begin_us, end_us; /* end 0: still open */
    uint32_t tid;
    uint64_t left, left_bytes; /* objects alive at its end */
};
struct prof_context {
    const char *key;
    uint64_t id;
};
struct prof_root_region {
    uint64_t start, size;
    const char *name;
    uint32_t text; /* id of the name, 0 none */
};

struct prof_heap_totals {
    uint64_t events; /* applied */
    uint64_t by_op[TRK_OP_COUNT_];
    uint64_t forced; /* PROF_EVENT_FORCED events */
    uint64_t live_objects, live_object_bytes;
    uint64_t live_blocks, live_bytes; /* blocks except mmap */
    uint64_t mmap_blocks, mmap_bytes;
    uint64_t peak_bytes, peak_us;
    uint64_t allocs, frees, alloc_bytes;
    uint64_t unknown_frees;   /* frees of addresses whose birth was not seen (inherited, before recording) */
    uint64_t unknown_objects; /* skewed objects */
    uint64_t refs, unrefs;
    uint64_t counts_seen, counts_wrong;
    uint64_t counts_unsure; /* of the wrong ones: may be of another life at the address, as its birth bore no number */
    uint64_t memories;      /* checkpoints at which memory was read */
    uint64_t marks_thinned; /* given up: of more than 10 000 the first and last of each name and kind are kept */
    uint64_t end_us;        /* time of the last event */
    bool cut;               /* stopped before the end by until_us or until_mark */
};

struct prof_heap;
/* What becomes of objects while events are applied, for a driver that goes along with the replay (prof/gc.h). The
 * functions may be NULL. */
struct prof_heap_follow {
    /* The heap was made, and is still empty. It stays where it is. */
    void (*begin)(void *ctx, struct prof_heap *heap);
    /* A life begins: trk_new, the first event on an object whose birth was not seen, reuse from a pool. old: it began
     * before the state that the trace begins with (in the order of ids, which is none). */
    void (*born)(void *ctx, prof_obj_id id, bool old);
    /* A life ends: deleted, freed, put into a pool. Like births in the middle of an event, when of the heap only the
     * object itself can be read. */
    void (*died)(void *ctx, prof_obj_id id);
    /* A reference leaves the variable or holder that owns it: it is given back, moves on, or has no owner from now on.
     * Before that happens. */
    void (*left)(void *ctx, const struct prof_open *open, const struct prof_event *event);
    /* After each event: all of the heap can be read, by functions for heaps that change only. id: the object it was
     * about, which may be dead; 0: none. false: no memory, which ends the replay. */
    bool (*applied)(void *ctx, const struct prof_event *event, prof_obj_id id);
    /* The state of the heap is saved: hands on, in any number of calls, the words that `restored` will get. */
    struct prof_error *(*save)(void *ctx, struct prof_error *(*put)(void *to, const uint64_t *words, size_t count),
                               void *to);
    /* The heap was made from a state, behind `born` of all that lives: what a follower saved with it, count 0: nothing.
     * Anybody may have written that; a static text says what is wrong with it, which ends the replay. */
    const char *(*restored)(void *ctx, const uint64_t *words, size_t count);
    void *ctx;
};
struct prof_heap_options {
    uint64_t until_us;      /* stop before events later than this; 0: all */
    const char *until_mark; /* stop at this mark; NULL */
    bool keep_type_sites;   /* gather prof_type_site and lives */
    bool (*progress)(void *ctx, uint64_t done_bytes, uint64_t all_bytes);
    void *progress_ctx;
    const struct prof_heap_follow *follow; /* must outlive the heap; NULL: nobody, at the cost of nothing */
};
/* Replays the trace into a new heap. The trace must outlive it. */
struct prof_error *prof_heap_create(struct prof_trace *trace, const struct prof_heap_options *options,
                                    struct prof_heap **ret);
/* A heap that is filled while a program runs: apply events in the order that prof_merge gives. `definitions` is a
 * trace of prof_trace_live (or an open one) that learns types and texts before the events that cite them; it must
 * outlive the heap. Read-only uses between two applications see the state up to then. Whoever saves the state wants
 * keep_type_sites: what was not gathered is not in the state. After an error other than a cancelled replay the heap can
 * only be destroyed. */
struct prof_error *prof_heap_create_live(struct prof_trace *definitions, const struct prof_heap_options *options,
                                         struct prof_heap **ret);
struct prof_error *prof_heap_apply(struct prof_heap *heap, const struct prof_event *events, size_t count);
struct prof_error *prof_heap_apply_mem(struct prof_heap *heap, const struct trk_mem *mem);
/* memory: as a sink is given it; shared. */
struct prof_error *prof_heap_apply_memory(struct prof_heap *heap, const struct prof_memory *memory);
/* The trace is over: decides what was left open for later events, as prof_heap_create does at the end of a file:
 * incidents of spoiled references and late deaths, type sites and pairs. Until then a live heap has none of these. To
 * learn what a trace that ended here would say, save the state into another heap and finish that one. Nothing can be
 * applied or saved afterwards. */
struct prof_error *prof_heap_finish(struct prof_heap *heap);
/* Writes the whole state of a live heap in parts of at most TRK_BLOCK_MAX bytes. A heap made from these parts
 * (prof_trace_sink.state, or prof_heap_restore) and given the later events ends in the same state, verdicts included,
 * as one that saw all events. docs/FORMAT.md describes the bytes; they hold no pointers and depend on no machine. */
struct prof_error *prof_heap_save(const struct prof_heap *heap,
                                  struct prof_error *(*part)(void *ctx, const void *bytes, size_t size), void *ctx);
/* One part, in order, into a heap that has seen no event. Distrusts every byte: PROF_ERROR_FORMAT, also when events
 * come before the last part; the heap can only be destroyed then. merge (NULL: none) learns what is alive. */
struct prof_error *prof_heap_restore(struct prof_heap *heap, struct prof_merge *merge, const void *bytes, size_t size);
/* A heap that goes along with a trace while that is written, as prof_tail_* (prof/trace.h) has it; no until. To know
 * how it stands, fork, and let the child end it. The trace and what options name must outlive it. */
struct prof_heap_tail;
struct prof_error *prof_heap_tail_open(struct prof_trace *trace, const struct prof_heap_options *options,
                                       struct prof_heap_tail **ret);
struct prof_error *prof_heap_tail_on(struct prof_heap_tail *tail, uint64_t bytes, bool *ret_exact);
/* As prof_heap_create would have left it. */
struct prof_error *prof_heap_tail_end(struct prof_heap_tail *tail);
struct prof_heap *prof_heap_tail_heap(const struct prof_heap_tail *tail); /* borrowed */
void prof_heap_tail_close(struct prof_heap_tail *tail);
/* Calls for each stack and text id that the state cites, possibly more than once: a file that begins with this state
 * must define them, and all types below prof_heap_type_max, before it. */
struct prof_error *prof_heap_cited(const struct prof_heap *heap, void (*stack)(void *ctx, uint32_t id),
                                   void (*text)(void *ctx, uint32_t id), void *ctx);
/* Makes the trace shorter: writes into `writer`, a fresh file, the facts and definitions that are still needed, the
 * state of the heap at the end of `round`, and the events after it. Read together they give the same heap as the trace,
 * which must have no END. follow: of whoever goes along and saves with the state, NULL: nobody. */
struct prof_error *prof_heap_fold(struct prof_trace *trace, uint64_t round, const struct prof_heap_follow *follow,
                                  struct prof_writer *writer);
void prof_heap_destroy(struct prof_heap *heap);
/* Walks all invariants; a static description of the first violated one, or NULL. For tests. */
const char *prof_heap_check(const struct prof_heap *heap);

struct prof_trace *prof_heap_trace(const struct prof_heap *heap);
const struct prof_heap_totals *prof_heap_totals(const struct prof_heap *heap);
/* Ids run from 1 to max-1; a slot may be unused (state NONE / not ALIVE). */
uint32_t prof_heap_obj_max(const struct prof_heap *heap);
const struct prof_obj *prof_heap_obj(const struct prof_heap *heap, prof_obj_id id); /* never NULL for id < max */
uint32_t prof_heap_block_max(const struct prof_heap *heap);
const struct prof_block *prof_heap_block(const struct prof_heap *heap, prof_block_id id);
/* What the program told that a live block is for (TRK_NEW and the like), 0: nothing. *ret_array (NULL is fine) is set
 * when something was told: it is an array of these. Of the block as a whole; objects in it have types of their own. */
prof_type_id prof_heap_block_type(const struct prof_heap *heap, prof_block_id id, bool *ret_array);
uint32_t prof_heap_type_max(const struct prof_heap *heap);
const struct prof_type *prof_heap_type(const struct prof_heap *heap, prof_type_id id); /* never NULL for id < max */
const struct prof_open *prof_heap_open(const struct prof_heap *heap, uint32_t index);
/* The pointers that are told to be weak or borrowed now: in the order in which their objects got their first. */
struct prof_weak {
    uint64_t slot, at_us;
    uint32_t stack, tid; /* where it was set */
    prof_obj_id obj;
};
void prof_heap_weak_each(const struct prof_heap *heap, void (*each)(void *ctx, const struct prof_weak *weak),
                         void *ctx);
/* The dead holder of an open reference of this heap with PROF_OPEN_HOLDER_FREED; false: the memory was no object's. */
bool prof_heap_gone_holder(const struct prof_heap *heap, const struct prof_open *open, struct prof_gone_holder *ret);
const struct prof_site_count *prof_heap_site_count(const struct prof_heap *heap, uint32_t index);
/* stack ids are sparse: iterate with prof_heap_stack_each; NULL when no event had this stack. */
const struct prof_stack_stat *prof_heap_stack_stat(const struct prof_heap *heap, uint32_t stack);
void prof_heap_stack_each(const struct prof_heap *heap,
                          void (*each)(void *ctx, uint32_t stack, const struct prof_stack_stat *stat), void *ctx);
size_t prof_heap_type_sites(const struct prof_heap *heap, const struct prof_type_site **ret); /* by type, then stack */
size_t prof_heap_type_pairs(const struct prof_heap *heap, const struct prof_type_pair **ret); /* by all three */
/* Correctly freed objects of a type, equal ones told once: how many kinds of them are kept (of many a sample), and how
 * many objects are none of these. */
size_t prof_heap_lives(const struct prof_heap *heap, prof_type_id type, uint64_t *ret_left_out);
/* Kind `index` of these: returns the number of entries, by stack; ret_lives: how many objects were such. */
size_t prof_heap_life(const struct prof_heap *heap, prof_type_id type, size_t index,
                      struct prof_life_entry entries[PROF_LIFE_ENTRIES], uint64_t *ret_lives);
size_t prof_heap_incidents(const struct prof_heap *heap, const struct prof_incident **ret);
size_t prof_heap_marks(const struct prof_heap *heap, const struct prof_mark **ret);
size_t prof_heap_mem(const struct prof_heap *heap, const struct trk_mem **ret); /* samples in time order */
/* What was alive when each memory sample was taken: entry i belongs to entry i of prof_heap_mem. */
struct prof_mem_live {
    uint64_t live_blocks, live_bytes, mmap_blocks, mmap_bytes;
};
size_t prof_heap_mem_live(const struct prof_heap *heap, const struct prof_mem_live **ret);
/* Moments of which it is known how much of everything was alive: the user's marks and checkpoints, and memory samples,
 * in order. Of each kind at most 16 are kept: when more come every second one is given up, evenly over the run; the
 * first stays. */
struct prof_moment {
    const char *name;
    uint64_t at_us;
}; /* name NULL: a memory sample */
size_t prof_heap_moments(const struct prof_heap *heap, const struct prof_moment **ret);
/* Objects with one type and stack of birth, or blocks (mappings left out) with one stack, of which some are alive.
 * Objects whose birth was not seen belong to none. */
struct prof_then {
    uint64_t live, bytes;
};
struct prof_population {
    bool blocks; /* type is 0 */
    prof_type_id type;
    uint32_t stack;
    uint64_t live, bytes;         /* now */
    uint64_t with_objects;        /* blocks: how many of them have objects in them */
    const struct prof_then *then; /* by moment: those of these that were alive, and those that died since */
};
/* In no order. Made by the first call; borrowed from the heap. */
struct prof_error *prof_heap_populations(struct prof_heap *heap, const struct prof_population **ret, size_t *ret_count);
size_t prof_heap_scopes(const struct prof_heap *heap, const struct prof_scope **ret); /* index 0 unused */
const struct prof_context *prof_heap_context(const struct prof_heap *heap, uint32_t index);
size_t prof_heap_roots(const struct prof_heap *heap, const struct prof_root_region **ret);

/* The checkpoints at which memory was read, in order; of very many the newest 1000. */
struct prof_checkpoint {
    uint32_t number;
    enum trk_memory_rung rung;
    enum trk_memory_why why;
    bool cut, single, late; /* as in struct prof_memory, as the rest */
    const char *name;
    uint64_t at_us, round, pause_us, took_us, read_bytes, unread_bytes;
    uint32_t threads, threads_unread;
    uint64_t areas, words, counts;
    uint64_t live_objects, live_blocks, live_bytes; /* at that moment */
    uint64_t events;                                /* applied before it */
};
size_t prof_heap_checkpoints(const struct prof_heap *heap, const struct prof_checkpoint **ret);
/* What memory said at the last complete checkpoint, NULL: none was. Its words are of that moment, the heap is of now:
 * of the blocks alive now, those with PROF_BLOCK_EXAMINED were there. */
const struct prof_memory *prof_heap_memory(const struct prof_heap *heap);
/* The checkpoint before that one, NULL: none was, or it was not compared. */
const struct prof_checkpoint *prof_heap_memory_before(const struct prof_heap *heap);
/* Did this word (index into the last one's) stand there then, and lead to the same address? What lies at these
 * addresses may have changed in between. */
bool prof_heap_memory_again(const struct prof_heap *heap, size_t word);
/* Did addr belong, at that checkpoint, to a block that was freed, unmapped, or moved by realloc, since? What stands
 * there may have been taken over elsewhere. */
bool prof_heap_freed_since(struct prof_heap *heap, uint64_t addr);
/* false: more was freed than is remembered (about a million places), or the checkpoint came late: addresses of which
 * prof_heap_freed_since says no may have been freed all the same. */
bool prof_heap_freed_since_complete(const struct prof_heap *heap);

/* Who lives at an address now: the innermost live object whose extent contains it, and the live block. 0: nobody.
 * O(log n) after the first call on an unchanged heap. */
prof_obj_id prof_heap_obj_at(struct prof_heap *heap, uint64_t addr);
prof_block_id prof_heap_block_at(struct prof_heap *heap, uint64_t addr);
/* The live object that holds what stands at an address: the innermost whose extent contains it, or the only one in a
 * block that is larger than its object. For heaps that change: nothing is prepared, at most a few hundred look-ups in
 * tables. 0: none. */
prof_obj_id prof_heap_holder_at(struct prof_heap *heap, uint64_t addr);
/* The live block, no mapping, that contains an address and has no object in it. The same. */
prof_block_id prof_heap_plain_at(struct prof_heap *heap, uint64_t addr);
/* The newest object whose trk_new pointer was addr, dead ones kept by incidents included. 0: none. */
prof_obj_id prof_heap_obj_by_addr(struct prof_heap *heap, uint64_t addr);
/* "Type#12". 0: no such object alive or kept. */
prof_obj_id prof_heap_obj_by_name(struct prof_heap *heap, const char *type, uint32_t serial);

/* Replays what the heap was made from once more, for somebody who goes along with it, into a heap that ends with it:
 * the dead are met alive. Ids of the two heaps need not agree, types, serials and stacks do. */
struct prof_error *prof_heap_replay(struct prof_heap *heap, const struct prof_heap_follow *follow);

/* All events that concern one object, by a second replay: calls `each` for every event on the life of Type#serial
 * (birth to death), dead objects included. */
struct prof_history_event {
    struct prof_event event;
    int64_t count;   /* by events, after it */
    uint64_t number; /* 1, 2, ... within the life */
    uint64_t pair;   /* number of the event it gives back (certain pairs by slot), 0 none, or PROF_HISTORY_BEFORE */
};
/* The event it gives back is one of those that a state stands for, of which nothing but the reference is left. */
#define PROF_HISTORY_BEFORE UINT64_MAX
/* Had the object its name already in the state that the trace begins with? Then events of its life are missing in its
 * history: numbers count from the first one that is there. */
bool prof_heap_named_before(const struct prof_heap *heap, prof_obj_id id);
/* The block that contains an address now, or the last that did, by a second replay: of several the innermost. */
struct prof_block_life {
    bool found;  /* else no block ever contained it, as far as the trace knows */
    bool alive;  /* now */
    bool before; /* it was born before the state that the trace begins with: its birth is not among the events */
    uint64_t addr, size;
    uint8_t kind;              /* enum trk_alloc_kind */
    struct prof_event *events; /* that name the block: ALLOC, REALLOC, TYPED, IGNORE, FREE and the like, in order */
    size_t count;
    uint64_t left_out; /* of very many events: between the first and the others */
    uint64_t lives;    /* blocks of that kind that contained the address, this one included */
};
struct prof_error *prof_heap_block_life(struct prof_heap *heap, uint64_t addr, struct prof_block_life *ret);
/* The type that the program told of it, NULL: none; ret_array as for prof_heap_block_type. */
const char *prof_block_life_type(const struct prof_heap *heap, const struct prof_block_life *life, bool *ret_array);
void prof_block_life_deinit(struct prof_block_life *life);
struct prof_error *prof_heap_history(struct prof_heap *heap, const char *type, uint32_t serial,
                                     struct prof_error *(*each)(void *ctx, const struct prof_history_event *event),
                                     void *ctx);

#endif
