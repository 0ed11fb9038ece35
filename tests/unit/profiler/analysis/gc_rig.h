/* gc_rig.h: what the tests of the driver share: a heap that is filled event by event, with the driver going along. */
#ifndef ANALYSIS_GC_RIG_H
#define ANALYSIS_GC_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <prof/gc.h>
#include <track/track.h>

enum gc_type { NODE = 1, ATOM, ORDERED, ETERNAL, GC_TYPES };

static struct prof_trace *gr_trace;
static struct prof_heap *gr_heap;
static struct prof_gc *gr_gc;
static uint64_t gr_now;

#define must(call)                                                                                                     \
    do {                                                                                                               \
        struct prof_error *error_ = (call);                                                                            \
        if (error_ != NULL)                                                                                            \
            fail_msg("%s", error_->message);                                                                           \
    } while (0)
#define HOLDER(addr) ((uint64_t)(addr) | (uint64_t)1 << 63)
#define GLOBAL(n)    (0x500000 + 8 * (uint64_t)(n)) /* a variable outside of everything that was recorded */
#define OBJ(n)       (0x1000000 + 0x100 * (uint64_t)(n))
#define FIELD(n, i)  (OBJ(n) + 8 + 8 * (uint64_t)(i))

static inline struct prof_trace *gr_definitions(void)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } types[GC_TYPES] = { [NODE] = { "node", 0 },
                          [ATOM] = { "atom", TRK_TYPE_ACYCLIC },
                          [ORDERED] = { "ordered", TRK_TYPE_ORDERED_FINALIZER },
                          [ETERNAL] = { "eternal", TRK_TYPE_IMMORTAL } };
    static const struct {
        uint32_t id, length;
        char text[8];
    } mark = { 1, 4, "mark" };
    struct prof_trace *trace = NULL;
    must(prof_trace_live(&trace));
    for (uint32_t id = 1; id < GC_TYPES; id++) {
        struct {
            struct trk_type_def def;
            char name[8];
        } type = { .def = { .id = id, .flags = types[id].flags, .count_offset = UINT32_MAX } };
        type.def.name_len = (uint32_t)snprintf(type.name, sizeof type.name, "%s", types[id].name);
        must(prof_trace_define(trace, TRK_BLOCK_TYPES, &type, sizeof type));
    }
    must(prof_trace_define(trace, TRK_BLOCK_TEXTS, &mark, sizeof mark));
    return trace;
}

static inline void gr_begin_with(const struct prof_gc_options *options)
{
    gr_now = 1;
    gr_trace = gr_definitions();
    must(prof_gc_create(options, &gr_gc));
    const struct prof_heap_options heap_options = { .follow = prof_gc_follow(gr_gc) };
    must(prof_heap_create_live(gr_trace, &heap_options, &gr_heap));
    assert_ptr_equal(prof_gc_heap(gr_gc), gr_heap);
}

static inline int gr_begin(void **state)
{
    (void)state;
    gr_begin_with(&(struct prof_gc_options){ .cpython = true });
    return 0;
}

static inline int gr_end(void **state)
{
    (void)state;
    prof_gc_destroy(gr_gc);
    prof_heap_destroy(gr_heap);
    prof_trace_close(gr_trace);
    return 0;
}

/* ---- Events ---- */

static inline void apply(struct prof_event event)
{
    event.time_us = event.time_us != 0 ? event.time_us : gr_now++;
    event.tid = 1;
    if (event.op != TRK_OP_MOVE_RANGE && (event.slot >> 63) != 0) {
        event.slot &= ~((uint64_t)1 << 63);
        event.flags |= PROF_EVENT_HOLDER;
    } else if (event.slot != 0) {
        event.flags |= PROF_EVENT_SLOT;
    }
    must(prof_heap_apply(gr_heap, &event, 1));
}

static inline void born_as(int n, enum gc_type type)
{
    apply((struct prof_event){ .op = TRK_OP_ALLOC, .addr = OBJ(n), .size = 64 });
    apply((struct prof_event){ .op = TRK_OP_NEW, .addr = OBJ(n), .size = type });
}

static inline void born(int n)
{
    born_as(n, NODE);
}

static inline void ref(int n, uint64_t slot)
{
    apply((struct prof_event){ .op = TRK_OP_REF, .addr = OBJ(n), .slot = slot });
}

static inline void unref(int n, uint64_t slot)
{
    apply((struct prof_event){ .op = TRK_OP_UNREF, .addr = OBJ(n), .slot = slot });
}

/* The count that the program tells. */
static inline void seen(int n, int64_t count)
{
    apply((struct prof_event){ .op = TRK_OP_COUNT_SEEN, .addr = OBJ(n), .count = count, .flags = PROF_EVENT_COUNT });
}

/* The birth reference, or the newest without an owner, goes into slot. */
static inline void own(int n, uint64_t slot)
{
    apply((struct prof_event){ .op = TRK_OP_MOVE, .addr = OBJ(n), .slot = slot });
}

static inline void move(int n, uint64_t to, uint64_t from)
{
    apply((struct prof_event){ .op = TRK_OP_MOVE, .addr = OBJ(n), .slot = to, .from = from, .flags = PROF_EVENT_FROM });
}

static inline void op(enum trk_op op, int n, uint64_t slot)
{
    apply((struct prof_event){ .op = (uint8_t)op, .addr = OBJ(n), .slot = slot });
}

static inline void gone(int n)
{
    apply((struct prof_event){ .op = TRK_OP_DEL, .addr = OBJ(n) });
    apply((struct prof_event){ .op = TRK_OP_FREE, .addr = OBJ(n) });
}

/* The last reference is given back and the object dies. */
static inline void released(int n, uint64_t slot)
{
    unref(n, slot);
    gone(n);
}

/* a holds b by its i-th field, whose birth reference that was. */
static inline void link_birth(int a, int i, int b)
{
    own(b, FIELD(a, i));
}

/* a holds b with one more reference. */
static inline void link_ref(int a, int i, int b)
{
    ref(b, FIELD(a, i));
}

/* ---- Questions ---- */

static inline prof_obj_id id_of(int n)
{
    prof_obj_id id = prof_heap_obj_by_addr(gr_heap, OBJ(n));
    assert_int_not_equal(id, 0);
    return id;
}

static inline int generation(int n)
{
    return prof_gc_generation(gr_gc, id_of(n));
}

/* What collect returns in Python. */
static inline int collect(int generation)
{
    struct prof_gc_pass pass;
    must(prof_gc_collect(gr_gc, generation, &pass));
    return (int)(pass.collected + pass.uncollectable);
}

static inline struct prof_gc_pass pass_of(int generation)
{
    struct prof_gc_pass pass;
    must(prof_gc_collect(gr_gc, generation, &pass));
    return pass;
}

#define assert_count(a, b, c)                                                                                          \
    do {                                                                                                               \
        uint32_t count_[3];                                                                                            \
        prof_gc_count(gr_gc, count_);                                                                                  \
        assert_int_equal(count_[0], a);                                                                                \
        assert_int_equal(count_[1], b);                                                                                \
        assert_int_equal(count_[2], c);                                                                                \
    } while (0)

struct gr_list {
    prof_obj_id ids[4096];
    size_t count;
};
static inline void gr_push(void *ctx, prof_obj_id id)
{
    struct gr_list *list = ctx;
    assert_true(list->count < 4096);
    list->ids[list->count++] = id;
}
static inline void gr_push_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    gr_push(ctx, garbage->obj);
}
static inline bool gr_has(const struct gr_list *list, int n)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->ids[i] == id_of(n))
            return true;
    return false;
}
static inline struct gr_list garbage_list(void)
{
    struct gr_list list = { .count = 0 };
    must(prof_gc_garbage(gr_gc, gr_push_garbage, &list));
    return list;
}
static inline struct prof_gc_totals totals(void)
{
    struct prof_gc_totals totals;
    prof_gc_totals(gr_gc, &totals);
    return totals;
}

#endif
