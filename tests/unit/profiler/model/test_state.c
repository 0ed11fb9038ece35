/* test_state.c: a heap that was saved and read back goes on as if nothing had happened.
 *
 * Random events of every kind on a few addresses, most of them sensible, some misuse; threads, scopes, marks, samples
 * of memory; cut at random places. Behind each cut the state read back saves to the same bytes, and at the end
 * everything that can be asked is the same. STATE_RUNS programs (60), each cut up to five times in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <heapdump.h>
#include <rnd.h>
#include <rndmemory.h>

enum { PLACES = 48, TYPES = 4, TEXTS = 12, STACKS = 40, THREADS = 4, OP_MEM = 255, OP_MEMORY = 254 };

/* ---- Definitions ---- */

static struct prof_trace *definitions(void)
{
    struct prof_trace *trace = NULL;
    assert_null(prof_trace_live(&trace));
    for (uint32_t id = 1; id < TYPES; id++) {
        struct {
            struct trk_type_def def;
            char name[8];
        } type = { .def = { .id = id, .name_len = 6, .count_offset = UINT32_MAX } };
        type.def.object_size = id == 1 ? 64 : id == 2 ? 24 : 0;
        type.def.obj_offset = id == 2 ? 16 : 0;
        snprintf(type.name, sizeof type.name, "type-%u", id);
        assert_null(prof_trace_define(trace, TRK_BLOCK_TYPES, &type, sizeof type));
    }
    for (uint32_t id = 1; id < TEXTS; id++) {
        struct {
            uint32_t id, length;
            char text[8];
        } text = { id, 7, "" };
        snprintf(text.text, sizeof text.text, "text-%02u", id);
        assert_null(prof_trace_define(trace, TRK_BLOCK_TEXTS, &text, sizeof text));
    }
    return trace;
}

/* ---- Random programs ---- */

struct program {
    struct prof_event *events;
    size_t count;
    uint64_t now_us;
};

static uint64_t place(void)
{
    uint64_t n = rnd(PLACES);
    return n < 40 ? 0x10000 + 0x200 * n : 0x40000 + 0x10000 * (n - 40);
}

/* Mostly variables in blocks, some globals. */
static uint64_t slot(void)
{
    return rnd(3) == 0 ? 0x900000 + 8 * rnd(20) : place() + 8 * rnd(24);
}

static void set_owner(struct prof_event *e)
{
    if (rnd(4) == 0)
        return;
    bool holder = rnd(5) == 0;
    e->flags |= holder ? PROF_EVENT_HOLDER : PROF_EVENT_SLOT;
    e->slot = holder ? place() + 64 * rnd(2) : slot();
}

static void set_from(struct prof_event *e)
{
    if (rnd(3) == 0)
        return;
    e->flags |= PROF_EVENT_FROM | (rnd(5) == 0 ? PROF_EVENT_FROM_HOLDER : 0);
    e->from = slot();
}

static uint64_t size(void)
{
    switch (rnd(6)) {
    case 0:
        return rnd(16);
    case 1:
        return 1024 + rnd(9000);
    default:
        return 16 + rnd(480);
    }
}

static void add(struct program *p)
{
    static const uint8_t common[] = { TRK_OP_ALLOC, TRK_OP_ALLOC, TRK_OP_ALLOC, TRK_OP_FREE,  TRK_OP_FREE,
                                      TRK_OP_NEW,   TRK_OP_NEW,   TRK_OP_NEW,   TRK_OP_REF,   TRK_OP_REF,
                                      TRK_OP_REF,   TRK_OP_REF,   TRK_OP_UNREF, TRK_OP_UNREF, TRK_OP_UNREF,
                                      TRK_OP_MOVE,  TRK_OP_MOVE,  TRK_OP_DEL,   OP_MEM,       OP_MEMORY };
    struct prof_event *e = &p->events[p->count++];
    *e = (struct prof_event){ .op = rnd(3) != 0 ? common[rnd(sizeof common)] : (uint8_t)(1 + rnd(TRK_OP_COUNT_ - 1)) };
    if (rnd(4) == 0)
        p->now_us += rnd(3000);
    e->time_us = p->now_us;
    e->tid = 100 + (uint32_t)rnd(THREADS);
    e->stack = (uint32_t)rnd(STACKS);
    e->text = (uint32_t)rnd(TEXTS + 1);
    e->addr = place() + (rnd(4) == 0 ? 64 * rnd(4) : 0);
    e->flags |= rnd(30) == 0 ? PROF_EVENT_FORCED : 0;
    e->aux = (uint8_t)rnd(2);
    switch (e->op) {
    case TRK_OP_ALLOC:
    case TRK_OP_FREE:
        e->aux = rnd(3) != 0 ? TRK_ALLOC_MALLOC : (uint8_t)rnd(7);
        e->size = e->aux == TRK_ALLOC_MMAP ? size() * 64 : size();
        if (e->op == TRK_OP_ALLOC && rnd(8) == 0) {
            e->aux = TRK_ALLOC_REALLOC;
            e->from = place();
        }
        if (e->op == TRK_OP_ALLOC && e->aux == TRK_ALLOC_CUSTOM && rnd(3) != 0) {
            e->flags |= PROF_EVENT_POOL;
            e->from = 0x1000 + rnd(3);
        }
        break;
    case TRK_OP_POOL:
        e->addr = 0x1000 + rnd(3);
        break;
    case TRK_OP_DISABLE:
        e->size = rnd(2);
        break;
    case TRK_OP_NEW:
    case TRK_OP_RETYPE:
    case TRK_OP_TYPED:
        e->size = rnd(TYPES + 1);
        break;
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        set_owner(e);
        if (rnd(4) == 0) {
            e->flags |= PROF_EVENT_COUNT;
            e->count = (int64_t)rnd(6) - 1;
        }
        if (rnd(8) == 0) {
            e->flags |= PROF_EVENT_SEQ;
            e->from = rnd(100);
        }
        break;
    case TRK_OP_MOVE:
    case TRK_OP_SINK:
        set_owner(e);
        set_from(e);
        break;
    case TRK_OP_MOVE_RANGE:
        set_from(e);
        e->size = size();
        break;
    case TRK_OP_COUNT_SEEN:
        e->flags |= PROF_EVENT_COUNT;
        e->count = (int64_t)rnd(5);
        break;
    case TRK_OP_WEAK_SET:
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_BORROW:
    case TRK_OP_RETURN:
        e->flags |= PROF_EVENT_SLOT;
        e->slot = 0x10000 + 0x200 * rnd(8);
        break;
    case TRK_OP_SCOPE_BEGIN:
    case TRK_OP_SCOPE_END:
        e->size = rnd(6);
        break;
    case TRK_OP_CONTEXT:
        e->count = (int64_t)rnd(5);
        break;
    case TRK_OP_ROOT_ADD:
        e->size = size();
        break;
    case TRK_OP_EXIT:
    case TRK_OP_FORK:
        e->op = TRK_OP_TOUCH; /* they would flood the marks */
        break;
    default:
        break;
    }
    /* Marks and scopes are rare beside the rest. */
    if ((e->op == TRK_OP_MARK || e->op == TRK_OP_CHECKPOINT || e->op >= OP_MEMORY) && rnd(6) != 0)
        e->op = TRK_OP_REF;
}

static void make_program(struct program *p, uint64_t number)
{
    seed(number);
    size_t count = rnd(8) == 0 ? 12000 : 30 + rnd(2500);
    p->events = malloc(count * sizeof *p->events);
    p->count = 0;
    p->now_us = 0;
    while (p->count < count)
        add(p);
}

/* ---- Applying ---- */

static struct prof_heap *new_heap(struct prof_trace *trace)
{
    struct prof_heap *heap = NULL;
    static const struct prof_heap_options options = { .keep_type_sites = true };
    assert_null(prof_heap_create_live(trace, &options, &heap));
    return heap;
}

/* What memory said at a checkpoint of this number: the same again. */
static void apply_memory(struct prof_heap *heap, size_t number, uint64_t at_us)
{
    uint64_t was = rng;
    seed(number / 128); /* neighbours say the same, as far as they go */
    struct prof_memory *memory = random_memory(rnd, (uint32_t)number, at_us, number, number % 60);
    memory->late = number % 5 == 0;
    rng = was;
    assert_null(prof_heap_apply_memory(heap, memory));
    prof_memory_destroy(memory);
}

static void apply(struct prof_heap *heap, const struct program *p, size_t from, size_t to)
{
    size_t first = from;
    for (size_t i = from; i <= to; i++) {
        if (i < to && p->events[i].op < OP_MEMORY)
            continue;
        assert_null(prof_heap_apply(heap, p->events + first, i - first));
        if (i < to && p->events[i].op == OP_MEMORY)
            apply_memory(heap, i, p->events[i].time_us);
        if (i < to && p->events[i].op == OP_MEM) {
            struct trk_mem mem = { .at_us = p->events[i].time_us, .rss = p->events[i].size, .heap = i };
            assert_null(prof_heap_apply_mem(heap, &mem));
        }
        first = i + 1;
    }
}

static void check(const struct prof_heap *heap)
{
    const char *broken = prof_heap_check(heap);
    if (broken != NULL)
        fail_msg("invariant: %s", broken);
}

static char *dump(struct prof_heap *heap)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    heap_dump(out, heap);
    fclose(out);
    return text;
}

static void compare_text(const char *whole, const char *cut, uint64_t number)
{
    if (strcmp(whole, cut) == 0)
        return;
    size_t at = 0, line = 0;
    while (whole[at] == cut[at]) {
        if (whole[at] == '\n')
            line = at + 1;
        at++;
    }
    fail_msg("program %llu differs:\n%.*s\n%.*s", (unsigned long long)number, (int)strcspn(whole + line, "\n"),
             whole + line, (int)strcspn(cut + line, "\n"), cut + line);
}

/* The heap read back from the heap's state, which saves the same. Ends the heap. */
static struct prof_heap *read_back(struct prof_heap *heap, struct prof_trace *trace, uint64_t number)
{
    struct saved_state state = state_save(heap);
    struct prof_heap *again = new_heap(trace);
    struct prof_error *error = state_restore(again, &state);
    if (error != NULL)
        fail_msg("program %llu: %s", (unsigned long long)number, error->message);
    check(again);
    struct saved_state same = state_save(again);
    assert_int_equal(same.count, state.count);
    assert_memory_equal(same.bytes, state.bytes, state.count);
    state_free(&same);
    state_free(&state);
    prof_heap_destroy(heap);
    return again;
}

static unsigned runs(unsigned few)
{
    const char *more = getenv("STATE_RUNS");
    return more != NULL ? (unsigned)atoi(more) : few;
}

static void cuts_change_nothing(void **state)
{
    (void)state;
    struct prof_trace *trace = definitions();
    unsigned cuts = 0;
    for (unsigned number = 0; number < runs(60); number++) {
        struct program p;
        make_program(&p, number);
        struct prof_heap *whole = new_heap(trace), *cut = new_heap(trace);
        apply(whole, &p, 0, p.count);
        size_t at = 0;
        for (uint64_t n = 1 + rnd(5); n > 0; n--, cuts++) {
            size_t to = at + rnd(p.count - at + 1);
            apply(cut, &p, at, to);
            cut = read_back(cut, trace, number);
            at = to;
        }
        apply(cut, &p, at, p.count);
        struct saved_state a = state_save(whole), b = state_save(cut);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.bytes, b.bytes, a.count);
        state_free(&a);
        state_free(&b);
        assert_null(prof_heap_finish(whole));
        assert_null(prof_heap_finish(cut));
        check(cut);
        char *one = dump(whole), *two = dump(cut);
        compare_text(one, two, number);
        free(one);
        free(two);
        prof_heap_destroy(whole);
        prof_heap_destroy(cut);
        free(p.events);
    }
    if (getenv("STATE_RUNS") != NULL)
        print_message("%u cuts\n", cuts);
    prof_trace_close(trace);
}

/* ---- Size ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* `count` blocks of a program that runs for an hour, some of which were freed; in each an object that another one
 * refers to. */
static struct prof_heap *large_heap(struct prof_trace *trace, uint32_t count, bool objects)
{
    struct prof_heap *heap = new_heap(trace);
    seed(1);
    uint64_t now = 0, addr = 0x7f0000001000, step = 3600000000u / count, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes = 32 + 16 * rnd(20);
        uint32_t stack = (uint32_t)(rnd(100) * rnd(100)), tid = 4711 + (uint32_t)rnd(8);
        struct prof_event events[] = {
            { .op = TRK_OP_ALLOC, .addr = addr, .size = bytes },
            { .op = TRK_OP_NEW, .addr = addr, .size = 3 },
            { .op = TRK_OP_MOVE, .addr = addr, .flags = PROF_EVENT_SLOT, .slot = before + 8 * rnd(4) },
        };
        for (size_t k = 0; k < 3; k++) {
            events[k].time_us = now;
            events[k].stack = stack + (uint32_t)k;
            events[k].tid = tid;
        }
        assert_null(prof_heap_apply(heap, events, objects ? before != 0 ? 3 : 2 : 1));
        before = addr;
        addr += (bytes + 31) & ~UINT64_C(15);
        now += rnd(2 * step + 1);
        if (!objects && rnd(3) == 0) {
            struct prof_event gone = { .op = TRK_OP_FREE, .addr = before, .time_us = now, .tid = tid };
            assert_null(prof_heap_apply(heap, &gone, 1));
        }
    }
    return heap;
}

static double bytes_each(struct prof_trace *trace, uint32_t count, bool objects)
{
    struct prof_heap *heap = large_heap(trace, count, objects);
    double began = seconds();
    struct saved_state state = state_save(heap);
    double saved = seconds();
    struct prof_heap *again = new_heap(trace);
    assert_null(state_restore(again, &state));
    double restored = seconds();
    uint64_t live = objects ? prof_heap_totals(heap)->live_objects : prof_heap_totals(heap)->live_blocks;
    if (getenv("STATE_COUNT") != NULL)
        print_message("%llu %s: %.1f bytes each, saved in %.3f s of CPU, restored in %.3f s\n",
                      (unsigned long long)live, objects ? "objects in blocks" : "blocks",
                      (double)state.count / (double)live, saved - began, restored - saved);
    double each = (double)state.count / (double)live;
    state_free(&state);
    prof_heap_destroy(heap);
    prof_heap_destroy(again);
    return each;
}

/* STATE_COUNT: how many (50000); prints figures then. */
static void states_are_small(void **state)
{
    (void)state;
    const char *more = getenv("STATE_COUNT");
    uint32_t count = more != NULL ? (uint32_t)atoi(more) : 50000;
    struct prof_trace *trace = definitions();
    double block = bytes_each(trace, count, false), object = bytes_each(trace, count, true);
    assert_true(block <= 60);
    assert_true(object - block <= 100);
    prof_trace_close(trace);
}

/* ---- Damage ---- */

/* Changes one byte, a few, or a number that stands on a border of its width; or cuts the end off. */
static void damage(struct saved_state *state)
{
    size_t at = rnd(state->count);
    switch (rnd(5)) {
    case 0:
        state->bytes[at] ^= (unsigned char)(1u << rnd(8));
        break;
    case 1:
        state->bytes[at] = rnd(2) != 0 ? 0xff : 0;
        break;
    case 2:
        for (size_t n = 1 + rnd(8); n > 0 && at < state->count; n--)
            state->bytes[at++] = (unsigned char)rnd(256);
        break;
    case 3: /* another place of the same state: numbers that exist */
        memmove(state->bytes + at, state->bytes + rnd(state->count - 8), state->count - at < 8 ? 1 : 8);
        break;
    default:
        state->count = at;
        break;
    }
}

/* Lengths of parts that were damaged lead nowhere: those of the test itself are kept. */
static struct prof_error *restore_damaged(struct prof_heap *heap, const struct saved_state *state, size_t length)
{
    size_t most = state->count - sizeof length;
    return prof_heap_restore(heap, NULL, state->bytes + sizeof length, length < most ? length : most);
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct prof_trace *trace = definitions();
    unsigned refused = 0, taken = 0;
    for (unsigned number = 0; number < runs(96) / 8; number++) {
        struct program p;
        make_program(&p, number + 100000);
        if (p.count > 3000)
            p.count = 3000;
        struct prof_heap *heap = new_heap(trace);
        apply(heap, &p, 0, p.count / 2);
        struct saved_state good = state_save(heap);
        assert_int_equal(good.parts, 1);
        for (unsigned n = 0; n < 60; n++) {
            struct saved_state bad = { malloc(good.count), good.count, 1 };
            memcpy(bad.bytes, good.bytes, good.count);
            for (size_t times = 1 + rnd(3); times > 0 && bad.count > 64; times--)
                damage(&bad);
            struct prof_heap *again = new_heap(trace);
            struct prof_error *error =
                bad.count > 64 ? restore_damaged(again, &bad, good.count - sizeof(size_t)) : NULL;
            struct trk_state_head head;
            memcpy(&head, bad.bytes + sizeof(size_t), sizeof head);
            if (error == NULL && (head.flags & TRK_STATE_LAST) == 0)
                error = prof_heap_finish(again); /* it waits for more */
            if (error != NULL) {
                refused++;
                assert_int_equal(error->code, PROF_ERROR_FORMAT);
                prof_error_destroy(error);
                error = prof_heap_apply(again, p.events, 1);
                assert_non_null(error);
                prof_error_destroy(error);
            } else if (bad.count == good.count) {
                taken++;
                check(again);
                apply(again, &p, p.count / 2, p.count);
                assert_null(prof_heap_finish(again));
                free(dump(again));
            }
            prof_heap_destroy(again);
            free(bad.bytes);
        }
        state_free(&good);
        prof_heap_destroy(heap);
        free(p.events);
    }
    assert_in_range(refused, runs(96) / 8 * 20, runs(96) / 8 * 60);
    assert_in_range(taken, 1, runs(96) / 8 * 40);
    if (getenv("STATE_RUNS") != NULL)
        print_message("%u refused, %u without effect on what holds\n", refused, taken);
    prof_trace_close(trace);
}

static void parts_are_in_order_and_whole(void **state)
{
    (void)state;
    struct prof_trace *trace = definitions();
    struct prof_heap *heap = large_heap(trace, 60000, true);
    struct saved_state whole = state_save(heap);
    assert_in_range(whole.parts, 2, 100);
    size_t first;
    memcpy(&first, whole.bytes, sizeof first);
    struct {
        size_t from, count;
        const char *what;
    } const tries[] = {
        { sizeof first + first, whole.count - sizeof first - first, "its parts are not in order" },
        { 0, sizeof first + first, "its last part is missing" },
    };
    for (size_t i = 0; i < 2; i++) {
        struct saved_state part = { whole.bytes + tries[i].from, tries[i].count, 1 };
        struct prof_heap *again = new_heap(trace);
        struct prof_error *error = state_restore(again, &part);
        if (error == NULL)
            error = prof_heap_finish(again);
        assert_non_null(error);
        assert_int_equal(error->code, PROF_ERROR_FORMAT);
        assert_non_null(strstr(error->message, tries[i].what));
        prof_error_destroy(error);
        prof_heap_destroy(again);
    }
    /* Behind events a state means nothing. */
    struct prof_error *error = state_restore(heap, &whole);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_ARGUMENT);
    prof_error_destroy(error);
    assert_null(prof_heap_finish(heap));
    error = prof_heap_save(heap, NULL, NULL);
    assert_int_equal(error->code, PROF_ERROR_ARGUMENT);
    prof_error_destroy(error);
    state_free(&whole);
    prof_heap_destroy(heap);
    prof_trace_close(trace);
}

/* What a later version says is not called damage; older versions are read. */
static void later_versions_are_refused(void **state)
{
    static const struct {
        uint16_t version;
        bool good;
    } tries[] = {
        { 1, true }, { 2, true }, { TRK_STATE_VERSION, true }, { TRK_STATE_VERSION + 1, false }, { UINT16_MAX, false }
    };
    (void)state;

    assert_int_equal(TRK_STATE_VERSION, 3);
    struct prof_trace *trace = definitions();
    struct prof_heap *heap = new_heap(trace);
    struct prof_event events[] = {
        { .op = TRK_OP_ALLOC, .addr = 0x1000, .size = 64, .stack = 1, .tid = 1 },
        { .op = TRK_OP_NEW, .addr = 0x1000, .size = 1, .stack = 2, .tid = 1 },
    };
    assert_null(prof_heap_apply(heap, events, sizeof events / sizeof *events));
    struct saved_state saved = state_save(heap);
    struct trk_state_head head;
    memcpy(&head, saved.bytes + sizeof(size_t), sizeof head);
    assert_int_equal(head.version, TRK_STATE_VERSION);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct prof_heap *again = new_heap(trace);
        head.version = tries[i].version;
        memcpy(saved.bytes + sizeof(size_t), &head, sizeof head);
        struct prof_error *error = state_restore(again, &saved);
        assert_int_equal(error == NULL, tries[i].good);
        if (error != NULL) {
            assert_int_equal(error->code, PROF_ERROR_FORMAT);
            assert_string_equal(error->message, "a state of the heap cannot be used: it needs a newer reftrack");
        }
        prof_error_destroy(error);
        prof_heap_destroy(again);
    }
    state_free(&saved);
    prof_heap_destroy(heap);
    prof_trace_close(trace);
}

/* What a state cites, and only that, must be defined with it. */
static void cite(void *ctx, uint32_t id)
{
    ((uint8_t *)ctx)[id] = 1;
}

static void cited_is_what_names_need(void **state)
{
    (void)state;
    struct prof_trace *trace = definitions();
    struct prof_heap *heap = new_heap(trace);
    static uint8_t cited[100];
    struct prof_event events[] = {
        { .op = TRK_OP_ALLOC, .addr = 0x1000, .size = 64, .stack = 1, .tid = 1 },
        { .op = TRK_OP_NEW, .addr = 0x1000, .size = 1, .stack = 2, .tid = 1 },
        { .op = TRK_OP_MOVE, .addr = 0x1000, .slot = 0x900000, .flags = PROF_EVENT_SLOT, .stack = 3, .tid = 1 },
        { .op = TRK_OP_REF, .addr = 0x1000, .stack = 4, .tid = 1 },
        { .op = TRK_OP_PIN, .addr = 0x1000, .stack = 90, .text = 5, .tid = 1 },
        { .op = TRK_OP_MARK, .stack = 6, .text = 6, .tid = 1 },
        { .op = TRK_OP_CONTEXT, .text = 7, .count = 1, .tid = 1 },
        { .op = TRK_OP_ALLOC, .addr = 0x2000, .size = 64, .stack = 8, .tid = 1 },
        { .op = TRK_OP_FREE, .addr = 0x2000, .stack = 9, .tid = 1 },
    };
    assert_null(prof_heap_apply(heap, events, sizeof events / sizeof *events));
    assert_null(prof_heap_cited(heap, cite, cite, cited));
    for (uint32_t id = 1; id < 10; id++) /* stacks and texts have different numbers here */
        assert_int_equal(cited[id], 1);
    assert_int_equal(cited[90], 0);
    prof_heap_destroy(heap);
    prof_trace_close(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_change_nothing),           cmocka_unit_test(states_are_small),
        cmocka_unit_test(damage_is_refused_or_harmless), cmocka_unit_test(parts_are_in_order_and_whole),
        cmocka_unit_test(later_versions_are_refused),    cmocka_unit_test(cited_is_what_names_need)
    };
    return cmocka_run_group_tests_name("model: state", tests, NULL, NULL);
}
