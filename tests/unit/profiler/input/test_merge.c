/* test_merge.c: a stream that is handed on as it arrives, and one that is interrupted at the end of any round and goes
 * on from what is left, have the order that replaying the file gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <base/vec.h>
#include <prof/trace.h>

enum { RINGS = 5, ROUNDS = 40, ADDRESSES = 24, STREAMS = 12 };

struct piece {
    struct trk_events_head head;
    struct trk_slot *slots;
};

/* A made-up recording: threads that allocate, reference and free a few common addresses in a clock of few ticks. */
struct stream {
    PROF_VEC(struct piece) pieces;
    PROF_VEC(struct trk_mem) mem; /* before the pieces of the round of the same index */
    uint32_t seed;
};

static uint32_t dice(struct stream *s, uint32_t n)
{
    s->seed = s->seed * 1103515245 + 12345;
    return (s->seed >> 16) % n;
}

static struct trk_slot slot_of(unsigned op, unsigned aux, uint64_t addr, uint64_t arg)
{
    return (struct trk_slot){ (uint64_t)op << TRK_OP_SHIFT | (uint64_t)aux << TRK_AUX_SHIFT | addr << TRK_ADDR_SHIFT,
                              arg << TRK_ARG_SHIFT };
}

static void add_record(struct stream *s, struct piece *piece, int *alive, uint64_t *ret_us)
{
    struct trk_slot *to = piece->slots;
    uint32_t *n = &piece->head.slots;
    uint32_t which = dice(s, ADDRESSES);
    uint64_t addr = 0x1000 + which * 0x40;
    switch (dice(s, 12)) {
    case 0:
        *ret_us += dice(s, 2);
        to[(*n)++] = slot_of(TRK_OP_TICK, 0, 0, *ret_us);
        break;
    case 1:
        to[(*n)++] = slot_of(TRK_OP_THREAD, 0, 500 + dice(s, 3), *ret_us);
        break;
    case 2:
    case 3:
        to[(*n)++] = slot_of(alive[which] > 0 ? TRK_OP_FREE : TRK_OP_ALLOC, 0, addr, alive[which] > 0 ? 0 : 64);
        alive[which] = alive[which] > 0 ? 0 : 1;
        break;
    case 4:
        to[(*n)++] = slot_of(TRK_OP_NEW, 0, addr, 1);
        alive[which] = 2;
        break;
    case 5:
        to[(*n)++] = slot_of(TRK_OP_REF, TRK_COUNT_EXT, addr, 0x2000 + which);
        to[(*n)++] = (struct trk_slot){ (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | TRK_EXT_COUNT << TRK_EXT_SHIFT,
                                        (uint64_t)alive[which] };
        break;
    default:
        to[(*n)++] = slot_of(dice(s, 2) ? TRK_OP_REF : TRK_OP_UNREF, dice(s, 3) ? TRK_COUNT_UNKNOWN : alive[which],
                             addr, 0x3000 + dice(s, 4));
        break;
    }
}

static struct stream make_stream(uint32_t seed)
{
    struct stream s = { .seed = seed };
    struct {
        uint32_t tid;
        uint64_t us;
    } rings[RINGS] = { 0 };
    uint64_t us = 0;
    int alive[ADDRESSES] = { 0 };
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct trk_mem mem;
        memset(&mem, 0, sizeof mem);
        mem.at_us = us;
        assert_true(prof_vec_push(&s.mem, mem));
        us += dice(&s, 2);
        uint64_t latest = us;
        /* The second ring comes late, as a second thread does. */
        for (uint32_t r = 0; r < (round < 3 + seed % 5 ? 1u : RINGS); r++) {
            if (dice(&s, 4) == 0)
                continue;
            uint32_t number = (r * 7 + seed) % RINGS; /* not in order of appearance */
            struct piece piece = {
                .head = { .ring = number, .tid = rings[number].tid, .round = round, .start_us = rings[number].us }
            };
            piece.slots = calloc(256, sizeof *piece.slots);
            assert_non_null(piece.slots);
            if (rings[number].us < us)
                piece.slots[piece.head.slots++] = slot_of(TRK_OP_TICK, 0, 0, us);
            uint64_t now = us;
            for (uint32_t n = dice(&s, 100); n > 0; n--)
                add_record(&s, &piece, alive, &now);
            latest = now > latest ? now : latest;
            for (uint32_t i = 0; i < piece.head.slots; i++) {
                unsigned op = piece.slots[i].w0 >> TRK_OP_SHIFT & TRK_OP_MASK;
                if (op == TRK_OP_THREAD)
                    rings[number].tid = (uint32_t)(piece.slots[i].w0 >> TRK_ADDR_SHIFT);
                if (op == TRK_OP_THREAD || op == TRK_OP_TICK)
                    rings[number].us = piece.slots[i].w1 >> TRK_ARG_SHIFT;
            }
            if (piece.head.slots > 0)
                assert_true(prof_vec_push(&s.pieces, piece));
            else
                free(piece.slots);
        }
        us = latest;
    }
    return s;
}

static void free_stream(struct stream *s)
{
    for (size_t i = 0; i < s->pieces.count; i++)
        free(s->pieces.items[i].slots);
    prof_vec_deinit(&s->pieces);
    prof_vec_deinit(&s->mem);
}

static void ok(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* ---- What comes out ---- */

struct seen {
    PROF_VEC(struct prof_event) events; /* memory samples as events of op NONE */
};

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t n)
{
    struct seen *seen = ctx;
    for (size_t i = 0; i < n; i++)
        assert_true(prof_vec_push(&seen->events, events[i]));
    return NULL;
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    struct seen *seen = ctx;
    struct prof_event e = { .time_us = mem->at_us };
    assert_true(prof_vec_push(&seen->events, e));
    return NULL;
}

static const struct prof_trace_sink sink = { .events = on_events, .mem = on_mem };

static void expect_same(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->events.count, b->events.count);
    for (size_t i = 0; i < a->events.count; i++)
        if (memcmp(&a->events.items[i], &b->events.items[i], sizeof a->events.items[i]) != 0)
            fail_msg("event %zu of %zu differs: op %u and %u of ring %u and %u, flags %#x and %#x", i, a->events.count,
                     a->events.items[i].op, b->events.items[i].op, a->events.items[i].ring, b->events.items[i].ring,
                     a->events.items[i].flags, b->events.items[i].flags);
}

static struct seen replay_file(const struct stream *s)
{
    char path[] = "/tmp/merge-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct prof_writer *w;
    ok(prof_writer_open(path, &(struct prof_writer_options){ .force = true }, &w));
    size_t next = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        ok(prof_writer_mem(w, &s->mem.items[round]));
        for (; next < s->pieces.count && s->pieces.items[next].head.round == round; next++)
            ok(prof_writer_events(w, &s->pieces.items[next].head, s->pieces.items[next].slots));
    }
    ok(prof_writer_close(w));
    struct prof_trace *trace;
    ok(prof_trace_open(path, &trace));
    struct seen seen = { 0 };
    ok(prof_trace_replay(trace, &sink, &seen));
    prof_trace_close(trace);
    unlink(path);
    return seen;
}

/* ---- Live ---- */

static void add_round(struct prof_merge *m, const struct stream *s, uint64_t round)
{
    ok(prof_merge_mem(m, &s->mem.items[round]));
    for (size_t i = 0; i < s->pieces.count; i++)
        if (s->pieces.items[i].head.round == round)
            ok(prof_merge_add(m, &s->pieces.items[i].head, s->pieces.items[i].slots));
}

/* Handed on `late` rounds after it could have been: what waits makes no difference. */
static struct seen run_live(const struct stream *s, unsigned late)
{
    struct seen seen = { 0 };
    struct prof_merge *m;
    ok(prof_merge_create(0, &sink, &seen, &m));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        add_round(m, s, round);
        if (round > late)
            ok(prof_merge_run(m, round - 1 - late));
    }
    ok(prof_merge_run(m, UINT64_MAX));
    prof_merge_destroy(m);
    return seen;
}

static void live_is_replay(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= STREAMS; seed++) {
        struct stream s = make_stream(seed);
        struct seen file = replay_file(&s);
        assert_in_range(file.events.count, 1000, 100000);
        for (unsigned late = 0; late < 8; late += 3) {
            struct seen live = run_live(&s, late);
            expect_same(&file, &live);
            prof_vec_deinit(&live.events);
        }
        prof_vec_deinit(&file.events);
        free_stream(&s);
    }
}

/* ---- Interrupted ---- */

struct life {
    bool allocated, alive, known;
    int32_t count;
};

/* What lives after the events so far, as a model of the heap would tell it. */
static void tell_alive(struct prof_merge *m, const struct seen *seen)
{
    struct life lives[ADDRESSES] = { 0 };
    for (size_t i = 0; i < seen->events.count; i++) {
        const struct prof_event *e = &seen->events.items[i];
        if (e->op == TRK_OP_NONE)
            continue;
        struct life *life = &lives[(e->addr - 0x1000) / 0x40];
        switch (e->op) {
        case TRK_OP_ALLOC:
            *life = (struct life){ .allocated = true };
            break;
        case TRK_OP_FREE:
            *life = (struct life){ .allocated = false };
            break;
        case TRK_OP_NEW:
            /* Met in its block before: the references that its constructor took count. */
            life->count = life->allocated && life->alive && !life->known ? life->count + 1 : 1;
            life->alive = life->known = true;
            break;
        default:
            life->alive = true;
            life->count += e->op == TRK_OP_REF ? 1 : -1;
            if ((e->flags & PROF_EVENT_COUNT) != 0) {
                life->count = (int32_t)e->count;
                life->known = true;
            }
            break;
        }
    }
    for (unsigned i = 0; i < ADDRESSES; i++) {
        if (lives[i].allocated)
            ok(prof_merge_alive(m, true, 0x1000 + i * 0x40, TRK_ALLOC_MALLOC, 0, false));
        if (lives[i].alive)
            ok(prof_merge_alive(m, false, 0x1000 + i * 0x40, 0, lives[i].count, lives[i].known));
    }
}

static struct prof_error *go_on(void *ctx, const struct trk_events_head *head, const struct trk_slot *slots)
{
    return prof_merge_add(ctx, head, slots);
}

static struct prof_error *go_on_mem(void *ctx, const struct trk_mem *mem)
{
    return prof_merge_mem(ctx, mem);
}

static void can_be_interrupted(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= STREAMS; seed++) {
        struct stream s = make_stream(seed);
        struct seen whole = run_live(&s, 0), seen = { 0 };
        struct prof_merge *m;
        ok(prof_merge_create(0, &sink, &seen, &m));
        for (uint64_t round = 0; round < ROUNDS; round++) {
            add_round(m, &s, round);
            if (round == 0)
                continue;
            ok(prof_merge_run(m, round - 1));
            struct prof_merge *next;
            ok(prof_merge_create(0, &sink, &seen, &next));
            tell_alive(next, &seen);
            ok(prof_merge_rest(m, go_on, go_on_mem, next));
            prof_merge_destroy(m);
            m = next;
        }
        ok(prof_merge_run(m, UINT64_MAX));
        prof_merge_destroy(m);
        expect_same(&whole, &seen);
        prof_vec_deinit(&whole.events);
        prof_vec_deinit(&seen.events);
        free_stream(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_is_replay),
        cmocka_unit_test(can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
