/* test_told.c: what programs tell beside births, references and deaths: weak pointers, floating references, intentions,
 * scopes, contexts, marks; the history of an object. */
#include "helper.h"

enum { OBJ = 0x10000, HOLD = 0x20000, OTHER = 0x30000, GLOBAL = 0x900000 };

static void weak_pointers(void **state)
{
    (void)state;
    const uint64_t part = HOLD + 0x1000;
    struct mk_trace *t = mk_create();
    mk_alloc(t, HOLD, 64, "h");
    mk_alloc(t, part, 32, "part");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_weak_set(t, OBJ, part, "ends before it");
    mk_weak_set(t, OBJ, HOLD, "good");
    mk_weak_set(t, OBJ, GLOBAL, "bad");
    mk_weak_set(t, OBJ, HOLD + 8, "in dead memory");
    mk_weak_set(t, OBJ, GLOBAL + 8, "cleared after");
    mk_unref(t, OBJ, 0, "put");
    mk_weak_clear(t, OBJ, HOLD, "clear");
    mk_free(t, part, "free");
    mk_gone(t, OBJ, "free");
    mk_alloc(t, part, 32, "part"); /* of the next object */
    mk_weak_clear(t, OBJ, GLOBAL + 8, "clear");
    mk_free(t, HOLD, "free");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_WEAK_LEFT);
    assert_int_equal(i->slot, GLOBAL);
    assert_int_equal(i->other_stack, mk_stack(t, "bad"));
    assert_int_equal(i->stack, mk_stack(t, "free"));
    mk_destroy(t);
}

/* Clearing a weak pointer writes to it; a borrowed one may end with its memory. */
static void weak_pointers_in_freed_memory(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, HOLD, 64, "h");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_weak_set(t, OBJ, HOLD, "cleared in time");
    mk_weak_set(t, OBJ, HOLD + 8, "left");
    mk_weak_clear(t, OBJ, HOLD, "clear");
    mk_free(t, HOLD, "free");
    mk_unref(t, OBJ, 0, "put");
    mk_gone(t, OBJ, "end");
    struct prof_heap *heap = heap_of(t);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_WEAK_FREED);
    assert_int_equal(i->slot, HOLD + 8);
    assert_int_equal(i->other_stack, mk_stack(t, "left"));
    assert_int_equal(i->stack, mk_stack(t, "put"));
    mk_destroy(t);

    t = mk_create(); /* cleared too late */
    mk_alloc(t, HOLD, 64, "h");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_weak_set(t, OBJ, HOLD, "set");
    mk_free(t, HOLD, "free");
    mk_weak_clear(t, OBJ, HOLD, "late");
    i = only_incident(heap_of(t), PROF_INCIDENT_WEAK_FREED);
    assert_int_equal(i->stack, mk_stack(t, "late"));
    mk_destroy(t);

    t = mk_create(); /* the object lives on */
    mk_alloc(t, HOLD, 64, "h");
    mk_born(t, "conn", OBJ, 64, "new");
    mk_weak_set(t, OBJ, HOLD, "set");
    mk_free(t, HOLD, "free");
    i = only_incident(heap_of(t), PROF_INCIDENT_WEAK_FREED);
    assert_int_equal(i->stack, 0);
    assert_int_equal(i->other_stack, mk_stack(t, "set"));
    mk_destroy(t);
}

static void floating_and_sink(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_alloc(t, OBJ, 64, "a");
    mk_new_floating(t, "widget", OBJ, "new");
    mk_sink(t, OBJ, GLOBAL, "sink");
    mk_sink(t, OBJ, GLOBAL + 8, "sink"); /* not floating any more: a ref */
    mk_new_floating(t, "widget", OTHER, "new");
    struct prof_heap *heap = heap_of(t);
    const struct prof_obj *obj = obj_at(heap, OBJ);
    assert_int_equal(obj->count, 2);
    assert_int_equal(obj->opens, 2);
    assert_int_equal(obj->flags & PROF_OBJ_FLOATING, 0);
    assert_true((open_at(heap, obj, 1)->flags & PROF_OPEN_WAS_BIRTH) != 0);
    assert_int_equal(obj_at(heap, OTHER)->flags & PROF_OBJ_FLOATING, PROF_OBJ_FLOATING);
    mk_destroy(t);
}

static void intentions(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_new(t, "conn", OBJ, "n");
    mk_pin(t, OBJ, "singleton");
    mk_new(t, "conn", OTHER, "n");
    mk_may_leak(t, OTHER, "cache");
    mk_pin(t, OTHER, NULL);
    mk_op(t, TRK_OP_UNPIN, OTHER, NULL);
    mk_touch(t, OTHER, "here", "at");
    mk_root_add(t, GLOBAL, 64, "registry");
    mk_root_add(t, GLOBAL + 64, 64, "gone");
    mk_op(t, TRK_OP_ROOT_DEL, GLOBAL + 64, NULL);
    mk_op(t, TRK_OP_ASSERT_FREED, HOLD, "assert");
    mk_op(t, TRK_OP_ASSERT_FREED, OBJ, "assert");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, OBJ)->flags & PROF_OBJ_PINNED, PROF_OBJ_PINNED);
    assert_string_equal(prof_trace_text(prof_heap_trace(heap), obj_at(heap, OBJ)->why_text), "singleton");
    assert_int_equal(obj_at(heap, OTHER)->flags, PROF_OBJ_MAY_LEAK | PROF_OBJ_TOUCHED);
    const struct prof_root_region *roots;
    assert_int_equal(prof_heap_roots(heap, &roots), 1);
    assert_string_equal(roots[0].name, "registry");
    assert_int_equal(only_incident(heap, PROF_INCIDENT_ASSERT_FREED)->stack, mk_stack(t, "assert"));
    mk_destroy(t);
}

static void scopes(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "table", HOLD, 256, "old");
    mk_time(t, 1);
    mk_scope_begin(t, "outer", "begin");
    mk_scope_begin(t, "test_x", "begin");
    mk_born(t, "conn", OBJ, 64, "left");
    mk_born(t, "conn", OBJ + 64, 64, "dies");
    mk_born(t, "conn", OBJ + 128, 64, "stored");
    mk_own(t, OBJ + 128, HOLD + 8, "store"); /* an older object holds it */
    mk_born(t, "conn", OBJ + 192, 64, "below");
    mk_own(t, OBJ + 192, OBJ + 128 + 8, "store"); /* and it holds another */
    mk_born(t, "conn", OBJ + 256, 64, "meant");
    mk_may_leak(t, OBJ + 256, "why");
    mk_thread(t, 200);
    mk_born(t, "conn", OTHER, 64, "other thread");
    mk_thread(t, 100);
    mk_unref(t, OBJ + 64, 0, "put");
    mk_gone(t, OBJ + 64, "free");
    mk_time(t, 9);
    mk_scope_end(t);
    mk_unref(t, OBJ, 0, "put");
    mk_gone(t, OBJ, "free");
    mk_scope_end(t);
    struct prof_heap *heap = heap_of(t);
    const struct prof_scope *list;
    assert_int_equal(prof_heap_scopes(heap, &list), 3);
    assert_string_equal(list[1].name, "outer");
    assert_int_equal(list[1].left, 0);
    assert_string_equal(list[2].name, "test_x");
    assert_int_equal(list[2].left, 1);
    assert_int_equal(list[2].left_bytes, 64);
    assert_int_equal(list[2].begin_us, 1);
    assert_int_equal(list[2].end_us, 9);
    const struct prof_incident *i = only_incident(heap, PROF_INCIDENT_SCOPE_LEFT);
    assert_int_equal(i->stack, mk_stack(t, "left"));
    assert_string_equal(prof_trace_text(prof_heap_trace(heap), i->text), "test_x");
    assert_int_equal(obj_at(heap, OBJ + 192)->scope, 2);
    assert_int_equal(obj_at(heap, OTHER)->scope, 0);
    mk_destroy(t);
}

static void contexts(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_new(t, "conn", OBJ, "n");
    for (unsigned k = 0; k < 1000; k++) {
        mk_context(t, "request", k);
        mk_new(t, "conn", OTHER, "n"); /* replaces the one before */
        mk_unref(t, OTHER, 0, "put");
    }
    mk_new(t, "conn", HOLD, "n");
    mk_context(t, NULL, 0);
    mk_new(t, "conn", OBJ + 64, "n");
    struct prof_heap *heap = heap_of(t);
    assert_int_equal(obj_at(heap, OBJ)->context, 0);
    assert_int_equal(obj_at(heap, OBJ + 64)->context, 0);
    const struct prof_context *context = prof_heap_context(heap, obj_at(heap, HOLD)->context);
    assert_string_equal(context->key, "request");
    assert_int_equal(context->id, 999);
    assert_int_equal(obj_at(heap, HOLD)->context, obj_at(heap, OTHER)->context);
    assert_true(obj_at(heap, HOLD)->context < 10); /* those of the dead serve again */
    mk_destroy(t);
}

struct seen {
    size_t count;
    struct prof_history_event events[32];
};

static struct prof_error *see(void *ctx, const struct prof_history_event *event)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 32);
    seen->events[seen->count++] = *event;
    return NULL;
}

static void history(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OTHER, 64, "first");
    mk_alloc(t, OBJ, 64, "a");
    mk_new(t, "conn", OBJ, "new"); /* 1 */
    mk_ref(t, OBJ, GLOBAL, "g");   /* 2 */
    mk_ref(t, OTHER, GLOBAL + 8, "not me");
    mk_ref(t, OBJ, GLOBAL + 16, "g2");   /* 3 */
    mk_own(t, OBJ, GLOBAL + 24, "own");  /* 4 */
    mk_touch(t, OBJ, "crumb", "c");      /* 5 */
    mk_unref(t, OBJ, GLOBAL, "u");       /* 6, gives back 2 */
    mk_realloc(t, OBJ, HOLD, 128, "r");  /* 7, 8 */
    mk_unref(t, HOLD, GLOBAL + 24, "u"); /* 9, gives back 1 */
    mk_unref(t, HOLD, GLOBAL + 16, "u"); /* 10, gives back 3 */
    mk_del(t, HOLD, "d");                /* 11 */
    mk_free(t, HOLD, "f");
    mk_born(t, "conn", OBJ, 64, "third");
    mk_unref(t, OBJ, 0, "u");
    struct prof_heap *heap = heap_of(t);
    struct seen seen = { 0 };
    assert_null(prof_heap_history(heap, "conn", 2, see, &seen));
    assert_int_equal(seen.count, 11);
    static const uint8_t ops[] = { TRK_OP_NEW,     TRK_OP_REF,   TRK_OP_REF,   TRK_OP_MOVE,  TRK_OP_TOUCH, TRK_OP_UNREF,
                                   TRK_OP_REALLOC, TRK_OP_ALLOC, TRK_OP_UNREF, TRK_OP_UNREF, TRK_OP_DEL };
    static const uint64_t pairs[] = { 0, 0, 0, 0, 0, 2, 0, 0, 1, 3, 0 };
    static const int64_t counts[] = { 1, 2, 3, 3, 3, 2, 2, 2, 1, 0, 0 };
    for (size_t i = 0; i < seen.count; i++) {
        assert_int_equal(seen.events[i].number, i + 1);
        assert_int_equal(seen.events[i].event.op, ops[i]);
        assert_int_equal(seen.events[i].pair, pairs[i]);
        assert_int_equal(seen.events[i].count, counts[i]);
    }
    struct prof_error *error = prof_heap_history(heap, "conn", 9, see, &seen);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    prof_error_destroy(error);
    mk_destroy(t);
}

/* Of very many marks the first and the last of each name stay, and memory is bounded. */
static void many_marks_are_thinned(void **state)
{
    (void)state;
    enum { MANY = 40000 };
    struct mk_trace *t = mk_create();
    mk_mark(t, "start", "m");
    for (int i = 0; i < MANY; i++) {
        if (i == 1000)
            mk_mark(t, "once", "m");
        mk_time(t, 1000 + (uint64_t)i);
        mk_mark(t, i % 2 == 0 ? "even" : "odd", "m");
    }
    struct prof_heap *heap = heap_of(t);
    const struct prof_mark *marks;
    size_t count = prof_heap_marks(heap, &marks), once = 0;
    assert_in_range(count, 7500, 12500);
    assert_int_equal(count + prof_heap_totals(heap)->marks_thinned, MANY + 2);
    assert_string_equal(marks[0].name, "start");
    assert_string_equal(marks[1].name, "even");
    assert_int_equal(marks[1].at_us, 1000);
    assert_string_equal(marks[2].name, "odd");
    assert_int_equal(marks[2].at_us, 1001);
    assert_int_equal(marks[count - 1].at_us, 1000 + MANY - 1);
    for (size_t i = 1; i < count; i++) {
        once += strcmp(marks[i].name, "once") == 0;
        assert_true(marks[i].at_us >= marks[i - 1].at_us);
    }
    assert_int_equal(once, 1);
    mk_destroy(t);
}

static void marks_tell_the_moment(void **state)
{
    (void)state;
    struct mk_trace *t = mk_create();
    mk_born(t, "conn", OBJ, 64, "n");
    mk_checkpoint(t, "before", "c");
    mk_born(t, "conn", OTHER, 36, "n");
    mk_time(t, 1000);
    mk_exit(t, 3);
    mk_ext(t, TRK_EXT_VALUE, 1777); /* the clock itself, finer than the tick */
    struct prof_heap *heap = heap_of(t);
    const struct prof_mark *marks;
    assert_int_equal(prof_heap_marks(heap, &marks), 2);
    assert_int_equal(marks[0].kind, TRK_OP_CHECKPOINT);
    assert_string_equal(marks[0].name, "before");
    assert_int_equal(marks[0].live_objects, 1);
    assert_int_equal(marks[0].live_bytes, 64);
    assert_int_equal(marks[1].kind, TRK_OP_EXIT);
    assert_int_equal(marks[0].at_us, 0);
    assert_int_equal(marks[1].at_us, 1777);
    assert_int_equal(marks[1].live_blocks, 2);
    assert_int_equal(marks[1].live_bytes, 100);
    mk_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_pointers),
        cmocka_unit_test(weak_pointers_in_freed_memory),
        cmocka_unit_test(floating_and_sink),
        cmocka_unit_test(intentions),
        cmocka_unit_test(scopes),
        cmocka_unit_test(contexts),
        cmocka_unit_test(history),
        cmocka_unit_test(marks_tell_the_moment),
        cmocka_unit_test(many_marks_are_thinned),
    };
    return cmocka_run_group_tests_name("model: told", tests, NULL, NULL);
}
