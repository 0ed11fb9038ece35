/* test_soup.c: random events without any sense. Whatever the model makes of them, findings must come out whole: no
 * crash (sanitizers), every member that reports rely on set, numbers from 1
 * on without gaps, every index in range. */
#include "rig.h"

static struct rig rig_, *const rig = &rig_;

static uint32_t seed;
static uint32_t below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 9) % n;
}

static uint64_t some_object(void)
{
    return 0x10000 + 0x40 * (uint64_t)below(24);
}

static uint64_t some_slot(void)
{
    switch (below(7)) {
    case 0:
        return 0;
    case 1:
        return LOCAL(below(6));
    case 2:
        return MK_APP_DATA + 8 * below(4);
    case 3:
        return MK_HOLDER(some_object());
    case 4:
        return 0x900000 + 8 * below(4); // nowhere
    default:
        return some_object() + 8 * below(8);
    }
}

static const char *some_place(void)
{
    static const char *const places[] = { "a x.c:1 < main m.c:1",
                                          "b_take x.c:2 < main m.c:1",
                                          "b_give x.c:3",
                                          "c_ref x.c:4",
                                          "obj_ref o.c:1 < d x.c:5 < e x.c:6",
                                          "+lib.so:77",
                                          "f x.c:8",
                                          "f x.c:9" };
    return AT(places[below(8)]);
}

static void soup(unsigned events)
{
    static const char *const types[] = { "alpha", "beta", "gamma" };
    static const enum trk_op ops[] = { TRK_OP_PARK,       TRK_OP_REUSE,    TRK_OP_UNPIN,
                                       TRK_OP_DTOR_BEGIN, TRK_OP_DTOR_END, TRK_OP_ASSERT_FREED };
    for (unsigned i = 0; i < events; i++) {
        uint64_t obj = some_object();
        if (below(20) == 0)
            mk_time(rig->t, i * 10);
        if (below(10) == 0)
            mk_thread(rig->t, 100 + below(3));
        switch (below(26)) {
        case 0:
        case 1:
        case 2:
            mk_born(rig->t, types[below(3)], obj, 0x40 * (1 + below(3)), some_place());
            break;
        case 3:
            mk_new(rig->t, types[below(3)], obj, some_place());
            break;
        case 4:
            mk_new_floating(rig->t, types[below(3)], obj, some_place());
            break;
        case 5:
        case 6:
        case 7:
        case 8:
            mk_ref(rig->t, obj, some_slot(), some_place());
            break;
        case 9:
        case 10:
        case 11:
        case 12:
            mk_unref(rig->t, obj, some_slot(), some_place());
            break;
        case 13:
            mk_ref_rc(rig->t, obj, some_slot(), below(5), some_place());
            break;
        case 14:
            mk_unref_rc(rig->t, obj, some_slot(), (int)below(5) - 1, some_place());
            break;
        case 15:
            mk_move(rig->t, obj, some_slot(), some_slot(), some_place());
            break;
        case 16:
            mk_gone(rig->t, obj, some_place());
            break;
        case 17:
            mk_del(rig->t, obj, some_place());
            break;
        case 18:
            mk_free(rig->t, obj, some_place());
            break;
        case 19:
            mk_alloc(rig->t, obj, 0x40 * (1 + below(4)), some_place());
            break;
        case 20:
            mk_op(rig->t, ops[below(6)], obj, some_place());
            break;
        case 21:
            if (below(2))
                mk_pin(rig->t, obj, "why");
            else
                mk_may_leak(rig->t, obj, "because");
            break;
        case 22:
            mk_weak_set(rig->t, obj, some_slot(), some_place());
            break;
        case 23:
            mk_retype(rig->t, obj, types[below(3)], some_place());
            break;
        case 24:
            mk_own(rig->t, obj, some_slot(), some_place());
            break;
        default:
            mk_realloc(rig->t, obj, some_object(), 0x80, some_place());
        }
    }
}

static void check_whole(void)
{
    struct prof_heap *heap = prof_findings_list(rig->findings, &rig->list) > 0 ? mk_heap(rig->t) : NULL;
    size_t gating = 0, numbered = 0, sum = 0;

    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        assert_int_equal(f->id == 0, f->total);
        numbered += f->id != 0;
        sum += f->id;
        for (size_t j = 0; j < i; j++)
            assert_true(f->id == 0 || rig->list[j].id != f->id);
        assert_true(f->verdict > 0 && f->verdict < PROF_VERDICT_COUNT_);
        assert_true(f->strength >= PROF_PROVEN && f->strength <= PROF_STATISTICAL);
        assert_true(f->objects > 0);
        assert_non_null(f->type);
        assert_non_null(f->sentence);
        assert_int_equal(strlen(f->fingerprint), 16);
        assert_true(f->sample_count <= 8);
        assert_true(f->first_us <= f->last_us);
        assert_true(f->missing_named <= f->missing_of && f->healthy_named <= f->healthy_of);
        if (f->strength != PROF_PROVEN)
            assert_non_null(f->reasons);
        for (size_t j = 0; j < f->sample_count; j++)
            assert_true(f->samples[j] > 0 && f->samples[j] < prof_heap_obj_max(heap));
        for (size_t j = 0; j < f->open_count; j++)
            assert_true(f->open[j].count > 0 && f->open[j].pairing >= PROF_PAIR_SLOT);
        for (size_t j = 0; j < f->edge_count; j++)
            assert_int_equal(f->edges[j].to, f->edges[(j + 1) % f->edge_count].from);
        if (f->edge_count > 0)
            assert_true(f->break_edge < f->edge_count && f->break_reason_count > 0);
        gating += f->gating;
    }
    assert_int_equal(sum, numbered * (numbered + 1) / 2);
    assert_int_equal(gating, prof_findings_gating(rig->findings));
}

static void test_soup(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 250; round++) {
        seed = round * 6700417 + 5;
        rig_begin(rig);
        fake_global(rig->symbols, MK_APP_DATA, 32, "g_table");
        soup(20 + below(300));
        struct prof_findings_options options = { .leak_kinds_all = below(2) };
        rig_find(rig, &options);
        check_whole();
        rig_end(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_soup) };
    return cmocka_run_group_tests_name("soup", tests, NULL, NULL);
}
