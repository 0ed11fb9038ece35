/* gc_state.h: what the files of the driver share (prof/gc.h). Layer-private.
 *
 *   gc.c          goes along with the heap, settings, lists
 *   gc_graph.c    the references among some objects, as rows
 *   gc_fold.c     plain blocks that belong to one object
 *   gc_pass.c     examines the candidates of a pass
 *   gc_garbage.c  what was found: refuted, confirmed, listed
 *   gc_resume.c   all of it, as a part of the heap's state */
#ifndef ANALYSIS_GC_STATE_H
#define ANALYSIS_GC_STATE_H

#include <base/vec.h>
#include <graph/generations.h>
#include <graph/trial.h>
#include <prof/gc.h>

/* Of one object that was found. */
struct gc_record {
    prof_obj_id obj;
    uint32_t next_free;
    uint64_t found_us, found_events, pass;
    uint8_t generation;
    bool uncollectable, checked;
};
struct gc_callback {
    prof_gc_callback call;
    void *ctx;
};

/* A plain block that one object owns alone, as memory said. */
struct gc_fold {
    uint64_t addr;
    prof_block_id block;
    prof_obj_id owner;
};

struct prof_gc {
    struct prof_gc_options options;
    struct prof_heap_follow follow;
    struct prof_heap *heap;
    const struct prof_heap_totals *totals; /* of the heap, or all 0 */
    struct generations g;
    unsigned debug;
    bool no_memory;                        /* something could not be noted: sticks */
    uint64_t due_events, due_us, due_full; /* of the clock: when a pass may be due by it */
    struct prof_gc_pass pass;              /* the one that runs, or the last one */
    prof_obj_id newborn;                   /* by the event that is being applied, 0: none */
    uint64_t duration_us[PROF_GC_GENERATIONS];
    uint64_t found, revived, withdrawn;
    uint64_t confirm_events; /* when the last pass began: what was found before it, and is left, is confirmed */
    PROF_VEC(struct gc_callback) callbacks;

    uint32_t *local; /* scratch by object: its number in what is examined + 1; all 0 between uses */
    uint32_t local_room;

    PROF_VEC(struct gc_record) records; /* from 1 on */
    uint32_t record_free;
    uint32_t *record_of; /* by object, for those in GENERATION_GARBAGE */
    uint32_t record_room;
    bool unsettled;                    /* something was revived, and what it leads to is not looked at */
    const struct prof_memory *settled; /* the memory that garbage was checked by; only compared */
    uint32_t settled_number;

    PROF_VEC(struct gc_fold) folds; /* by address */
    uint32_t folds_number;          /* of the checkpoint that they are of, 0: none */

    PROF_VEC(prof_obj_id) sources;
    PROF_VEC(prof_obj_id) underflows;

    struct prof_graph *graph; /* NULL: not made since the last event */
    uint64_t graph_events;
};

/* ---- gc_graph.c ---- */
/* Some objects, numbered 0..n-1 as in ids, as graph/trial.h wants them. Labels of edges: indices for prof_heap_open. */
struct gc_graph {
    const prof_obj_id *ids;
    uint32_t n;
    struct graph graph;
    int32_t *count;
    uint32_t *known;
    uint8_t *flags;
};
/* all: every reference among them, and TRIAL_ROOT for what others hold; else none to objects that live without the
 * others. Everything is a candidate. false without memory: nothing is to be ended. */
bool gc_graph_make(struct prof_gc *gc, const prof_obj_id *ids, size_t count, bool all, struct gc_graph *ret);
void gc_graph_deinit(struct gc_graph *graph);
/* In a label: the variable stands in a plain block of the holder. */
#define GC_FOLDED (1u << 31)
/* The object whose plain block contains an address, when memory knows, and nothing happened to the object since; 0:
 * there is none. false without memory. */
bool gc_fold_owner(struct prof_gc *gc, uint64_t addr, prof_obj_id *ret);
/* What memory said last of the variable of a reference. GOOD: it was there as it is now, and nothing contradicts. */
enum gc_slot { GC_SLOT_UNKNOWN = 0, GC_SLOT_GOOD, GC_SLOT_STALE };
enum gc_slot gc_slot_check(const struct prof_gc *gc, prof_obj_id holder, uint32_t open);
/* May an object be a member of a cycle? */
bool gc_may_be_tracked(const struct prof_gc *gc, const struct prof_obj *obj);

/* ---- gc.c ---- */
/* When passes are due by the clock alone, but for one over everything, follows from when the last one was. */
void gc_due(struct prof_gc *gc);

/* ---- gc_resume.c ---- */
/* For struct prof_heap_follow. */
struct prof_error *gc_save(void *ctx, struct prof_error *(*put)(void *to, const uint64_t *words, size_t count),
                           void *to);
const char *gc_restored(void *ctx, const uint64_t *words, size_t count);

/* ---- gc_pass.c ---- */
/* For generations_collect. */
bool gc_examine(void *ctx, const uint32_t *ids, size_t count, bool whole, uint8_t *kinds);

/* ---- gc_garbage.c ---- */
bool gc_garbage_reserve(struct prof_gc *gc, size_t more);
/* After gc_garbage_reserve. */
void gc_garbage_add(struct prof_gc *gc, prof_obj_id id, bool uncollectable, bool checked);
/* It is garbage no more: dead, or refuted. */
void gc_garbage_drop(struct prof_gc *gc, prof_obj_id id);
/* An event on garbage. */
void gc_garbage_revive(struct prof_gc *gc, prof_obj_id id);
/* Looks whether what was found still is garbage. false without memory. */
bool gc_garbage_settle(struct prof_gc *gc);

#endif
