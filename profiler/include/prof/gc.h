/* prof/gc.h: Python's gc for a recorded heap: three generations that are examined while events are applied.
 *
 * Layer analysis. A driver goes along with a heap (prof_heap_follow), whether that is replayed from a file, filled live
 * or begins with a saved state; passes are due by births as in CPython, or by events and time. A pass takes the counts
 * of the objects of one generation and all younger ones, subtracts the references that they hold among themselves, and
 * keeps what a count that is left over leads to: roots, older objects, plain blocks and references without an owner all
 * are "outside". Only what stands in a plain block that one object owns alone, as memory said last
 * (Table.buckets[].val), is held by that object, as long as nothing happened since to any of the objects that would be
 * garbage with it; such garbage is no more than probable. So it is sound for every generation and whatever is not told;
 * it finds garbage that is held only by variables inside of objects (trk_ref with a slot or a holder) or was moved
 * there (trk_own). A pass over n objects with e references costs O(n + e), the rest of the heap is not looked at.
 *
 * Nothing is freed here, so what is found is put aside (GENERATION_GARBAGE, as with DEBUG_SAVEALL in CPython, always),
 * is not examined again, and keeps alive what it holds. Each verdict can be refuted: an event on garbage shows that the
 * program still knows it, a word in memory that its variable holds something else. It leaves then, with all that it
 * leads to, for generation 2, and is counted (prof_gc_totals).
 *
 * Not thread-safe. The driver comes before its heap and must be destroyed after its last use of it; after the heap is
 * destroyed nothing but prof_gc_destroy, statistics and settings may be used. About 17 bytes for each id of the heap.
 *
 *   gc of Python                      here
 *   enable, disable, isenabled        prof_gc_enable, prof_gc_is_enabled
 *   collect                           prof_gc_collect
 *   get_count                         prof_gc_count
 *   get_threshold, set_threshold      prof_gc_threshold, prof_gc_set_threshold
 *   get_stats                         prof_gc_stats
 *   get_debug, set_debug              prof_gc_debug, prof_gc_set_debug
 *   get_objects                       prof_gc_objects
 *   get_referrers, get_referents      prof_gc_graph, then prof_graph_referrer and prof_graph_referent
 *   garbage                           prof_gc_garbage
 *   callbacks                         prof_gc_add_callback
 *   freeze, unfreeze, get_freeze_count  prof_gc_freeze, prof_gc_unfreeze, prof_gc_freeze_count
 *   is_tracked, is_finalized          prof_gc_is_tracked, prof_gc_is_finalized
 *   sys.getrefcount, sys.getsizeof    prof_gc_graph, then prof_graph_refcount; prof_graph_size, _deep, _retained
 *   weakref                           prof_gc_hazards */
#ifndef PROF_GC_H
#define PROF_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/finding.h>
#include <prof/graph.h>
#include <prof/heap.h>

struct prof_gc;

enum { PROF_GC_GENERATIONS = 3 };
enum prof_gc_debug { /* the values of CPython's gc.DEBUG_*. Here they say what callers show of passes; nothing else */
                     PROF_GC_DEBUG_STATS = 1,
                     PROF_GC_DEBUG_COLLECTABLE = 2,
                     PROF_GC_DEBUG_UNCOLLECTABLE = 4,
                     PROF_GC_DEBUG_SAVEALL = 32, /* what is found is kept in any case */
                     PROF_GC_DEBUG_LEAK =
                         PROF_GC_DEBUG_COLLECTABLE | PROF_GC_DEBUG_UNCOLLECTABLE | PROF_GC_DEBUG_SAVEALL,
};

struct prof_gc_pass {
    unsigned generation;
    bool automatic;
    uint64_t number;        /* 1, 2, ... */
    uint64_t events, at_us; /* of the heap, when it began */
    uint64_t candidates;    /* objects of this generation and younger ones */
    /* From here on 0 at the start of a pass. */
    uint64_t collected;     /* garbage */
    uint64_t uncollectable; /* garbage that no order of destructors could free: of types with
                               TRK_TYPE_ORDERED_FINALIZER, and what they lead to */
    uint64_t over;          /* generation 2: alive only by counts that no variable and no known holder explains */
    uint64_t sources;       /* ... those that have such a count themselves */
    uint64_t underflow;     /* fewer counts than known references: taken for alive */
    uint64_t stale;         /* references that memory says are elsewhere by now: counted as without owner */
    uint64_t duration_us;   /* what the pass took here */
};

struct prof_gc_options {
    bool cpython;  /* thresholds 700, 10, 10 instead of 10 000, 10, 10, and no passes by events or time */
    bool disabled; /* no automatic passes at first */
    /* Thresholds, debug flags that are set before the heap is filled hold against those in a state that the trace
     * begins with; so do cpython and disabled. */
    bool keep_threshold, keep_debug;
    /* A pass over generation 0 is also due after so many events, so much time (0: 1 000 000 events, 10 s; UINT64_MAX:
     * never), and one over generation 2 after so many events and 64 for each object: in a steady heap births minus
     * deaths hardly move, and garbage would be found late, or never. */
    uint64_t every_events, every_us;
    /* After each event, before passes that it makes due: the place for changing settings and own passes at marks. NULL:
     * none. */
    void (*event)(void *ctx, struct prof_gc *gc, const struct prof_event *event);
    void *event_ctx;
};
/* What the program, or somebody else while it ran, said to its generations (trk_gc_*) stands in the trace. As `event`
 * with a struct prof_gc_commands, all 0 at first, as its ctx: does that. */
struct prof_gc_commands {
    uint64_t number;          /* of the last collect, 0: none yet */
    struct prof_gc_pass pass; /* its pass */
    struct prof_error *error; /* the first that could not be made; the caller's */
};
void prof_gc_obey(void *ctx, struct prof_gc *gc, const struct prof_event *event);
/* options may be NULL. */
struct prof_error *prof_gc_create(const struct prof_gc_options *options, struct prof_gc **ret);
void prof_gc_destroy(struct prof_gc *gc);
/* For prof_heap_options.follow of exactly one heap: valid as long as the driver. A state that a trace begins with has
 * the generations, what was found, statistics and settings in it when a driver went along as it was made (a fold of a
 * recorder); objects that were alive in another belong to generation 2. */
const struct prof_heap_follow *prof_gc_follow(struct prof_gc *gc);
/* NULL before its heap was made. */
struct prof_heap *prof_gc_heap(const struct prof_gc *gc);

/* ---- Settings ---------------------------------------------------------------------------------------------------- */
void prof_gc_enable(struct prof_gc *gc, bool enable); /* automatic passes */
bool prof_gc_is_enabled(const struct prof_gc *gc);
void prof_gc_threshold(const struct prof_gc *gc, uint32_t ret[PROF_GC_GENERATIONS]);
/* The first 0: no automatic passes. */
void prof_gc_set_threshold(struct prof_gc *gc, const uint32_t threshold[PROF_GC_GENERATIONS]);
unsigned prof_gc_debug(const struct prof_gc *gc);
/* PROF_ERROR_ARGUMENT: bits that are no flags. */
struct prof_error *prof_gc_set_debug(struct prof_gc *gc, unsigned flags);
/* Called at the start and at the end of each pass, in the order in which they were added. May use everything but
 * prof_gc_destroy; a pass from inside of a pass does nothing. false without memory. */
typedef void (*prof_gc_callback)(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass);
bool prof_gc_add_callback(struct prof_gc *gc, prof_gc_callback callback, void *ctx);
void prof_gc_remove_callback(struct prof_gc *gc, prof_gc_callback callback, void *ctx);

/* ---- Passes ------------------------------------------------------------------------------------------------------ */
/* Examines generation 0..2 with all younger ones. PROF_ERROR_ARGUMENT for others. From inside of a pass: does nothing,
 * *ret is all 0. ret may be NULL; what CPython returns is collected + uncollectable. */
struct prof_error *prof_gc_collect(struct prof_gc *gc, int generation, struct prof_gc_pass *ret);
/* Births minus deaths since a pass over 0 (never below 0); passes over 0 since one over 1; over 1 since one over 2. */
void prof_gc_count(const struct prof_gc *gc, uint32_t ret[PROF_GC_GENERATIONS]);
struct prof_gc_stats {
    uint64_t collections, collected, uncollectable, candidates;
    uint64_t duration_us;
};
void prof_gc_stats(const struct prof_gc *gc, struct prof_gc_stats ret[PROF_GC_GENERATIONS]);
struct prof_gc_totals {
    uint64_t passes;
    uint64_t tracked, frozen, garbage; /* objects now; tracked: the other two included */
    uint64_t size[PROF_GC_GENERATIONS];
    uint64_t found;     /* garbage ever */
    uint64_t confirmed; /* of the garbage now: nothing happened to it from one pass to a later one */
    uint64_t revived;   /* of what was found: refuted by a later event on it, or on what leads to it */
    uint64_t withdrawn; /* refuted by memory: a variable that was to hold it held something else */
};
void prof_gc_totals(struct prof_gc *gc, struct prof_gc_totals *ret);

/* ---- Objects ----------------------------------------------------------------------------------------------------- */
/* Every function that lists calls `each` in order of age, the oldest first; `each` must not make passes. */
typedef void (*prof_gc_each)(void *ctx, prof_obj_id id);
/* generation -1: all of the three, the oldest first. PROF_ERROR_ARGUMENT for others. */
struct prof_error *prof_gc_objects(const struct prof_gc *gc, int generation, prof_gc_each each, void *ctx);
/* 0..2, PROF_GC_PERMANENT, PROF_GC_GARBAGE, -1: not tracked. */
enum { PROF_GC_PERMANENT = 3, PROF_GC_GARBAGE = 4 };
int prof_gc_generation(const struct prof_gc *gc, prof_obj_id id);
/* Alive, in no pool, and not of a type that can never be part of a cycle (TRK_TYPE_ACYCLIC). */
bool prof_gc_is_tracked(const struct prof_gc *gc, prof_obj_id id);
bool prof_gc_is_finalized(const struct prof_gc *gc, prof_obj_id id); /* its destructor ran (TRK_DTOR_END) */

/* What is alive now becomes permanent: never examined, and keeps alive what it holds. */
void prof_gc_freeze(struct prof_gc *gc);
void prof_gc_unfreeze(struct prof_gc *gc); /* back, into generation 2 */
uint64_t prof_gc_freeze_count(const struct prof_gc *gc);

struct prof_gc_garbage {
    prof_obj_id obj;
    bool uncollectable;
    bool confirmed; /* nothing happened to it from the pass that found it to a later one */
    bool checked;   /* memory was read since, and no variable that holds it held something else */
    /* As findings have it: proven when it is checked and nothing makes that look at memory doubtful (events lost,
     * threads that ran on, ...); suspect when neither memory, nor a later pass, nor the end of the run confirms it. */
    enum prof_strength strength;
    unsigned generation; /* of the pass that found it */
    uint64_t pass;       /* its number */
    uint64_t found_us;
};
/* Looks whether what was found still is garbage, by memory that was read since and by what was revived; then lists it.
 */
struct prof_error *prof_gc_garbage(struct prof_gc *gc, void (*each)(void *ctx, const struct prof_gc_garbage *garbage),
                                   void *ctx);
/* No garbage by themselves, but held only by garbage: would go with it. O(n + e) of the whole heap. */
struct prof_error *prof_gc_retained(struct prof_gc *gc, prof_gc_each each, void *ctx);
/* Of the last pass over generation 2: objects with counts of their own that nothing explains and no root leads to. */
void prof_gc_sources(const struct prof_gc *gc, prof_gc_each each, void *ctx);
/* Of the last pass: fewer counts than known references (a missing ref, an unref too many, lost events). */
void prof_gc_underflows(const struct prof_gc *gc, prof_gc_each each, void *ctx);

/* A weak or borrowed pointer into garbage that stands elsewhere: it would dangle. */
struct prof_gc_hazard {
    prof_obj_id obj;    /* the garbage */
    prof_obj_id holder; /* the object in which the pointer stands, 0: none */
    uint64_t slot;
    uint32_t stack; /* where it was set */
};
struct prof_error *prof_gc_hazards(struct prof_gc *gc, void (*each)(void *ctx, const struct prof_gc_hazard *hazard),
                                   void *ctx);

/* The object graph of its heap as it is now, made at the first call after something happened. Borrowed until the next
 * event or call. */
struct prof_error *prof_gc_graph(struct prof_gc *gc, struct prof_symbols *symbols, struct prof_graph **ret);

#endif
