/* test_cycles.c: the cycle counter as a clock: never backwards, never out of what was read, near the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cycles.h"

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void between_and_outside(void **state)
{
    (void)state;
    struct cycles *c = cycles_create();
    assert_int_equal(cycles_ns(c, 12345), 0);
    cycles_add(c, 1000, 0);
    assert_int_equal(cycles_ns(c, 0), 0);
    assert_int_equal(cycles_ns(c, UINT64_MAX), 0);
    cycles_add(c, 4000, 1000);
    cycles_add(c, 5000, 3000);
    assert_int_equal(cycles_ns(c, 2500), 500);
    assert_int_equal(cycles_ns(c, 4000), 1000);
    assert_int_equal(cycles_ns(c, 4500), 2000);
    assert_int_equal(cycles_ns(c, 999), 0);
    assert_int_equal(cycles_ns(c, UINT64_MAX), 3000);
    /* Nothing new by one of the clocks. */
    cycles_add(c, 5000, 9000);
    cycles_add(c, 6000, 3000);
    assert_int_equal(cycles_last(c).cycles, 5000);
    assert_int_equal(cycles_ns(c, 6000), 3000);
    /* Products beyond 64 bits. */
    cycles_add(c, 5000 + ((uint64_t)1 << 62), 3000 + ((uint64_t)1 << 61));
    assert_int_equal(cycles_ns(c, 5000 + ((uint64_t)1 << 61)), 3000 + ((uint64_t)1 << 60));
    free(c);
}

/* The machine was restored from an image. */
static void counter_goes_back(void **state)
{
    (void)state;
    struct cycles *c = cycles_create();
    cycles_add(c, 1000000, 500);
    cycles_add(c, 2000000, 1500);
    cycles_add(c, 10, 2000);
    assert_int_equal(cycles_ns(c, 2000000), 2000);
    cycles_add(c, 110, 2100);
    assert_int_equal(cycles_ns(c, 60), 2050);
    cycles_add(c, 5, 100); /* both went back: time does not */
    assert_int_equal(cycles_ns(c, 5), 2100);
    free(c);
}

/* Whatever is read: the mapping never falls and stays inside what was told; what was told of recent cycles stays. */
static void never_falls(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int run = 0; run < 40; run++) {
        struct cycles *c = cycles_create();
        uint64_t cycles = next(&seed) >> 20, ns = 0, told = 0, told_of = 0;
        unsigned wide = (unsigned)(next(&seed) % 40);
        int readings = run % 4 == 0 ? CYCLES_OLD * 4 : 2000;
        for (int i = 0; i < readings; i++) {
            uint64_t most = next(&seed) % 8 != 0 ? (uint64_t)1 << wide : UINT64_C(1) << 33;
            cycles += next(&seed) % (most + 1);
            ns += next(&seed) % (most + 1);
            assert_true(told_of == 0 || cycles_ns(c, told_of) == told);
            cycles_add(c, cycles, ns);
            assert_true(told_of == 0 || cycles_ns(c, told_of) == told);
            struct cycles_point last = cycles_last(c);
            told_of = last.cycles - (i > 0 ? next(&seed) % (most + 1) : 0);
            if (told_of > last.cycles)
                told_of = 0;
            told = told_of != 0 ? cycles_ns(c, told_of) : 0;
            assert_true(told <= last.ns);
            /* Only readings of the newest hundreds are promised to stay. */
            if (i >= CYCLES_RECENT / 2 && last.cycles - told_of > most)
                told_of = 0;
        }
        uint64_t before = 0, at = 0;
        for (int i = 0; i < 20000; i++) {
            uint64_t now = cycles_ns(c, at);
            assert_true(now >= before && now <= cycles_last(c).ns);
            before = now;
            at += next(&seed) % (cycles / 8000 + 2);
        }
        assert_int_equal(cycles_ns(c, UINT64_MAX), cycles_last(c).ns);
        free(c);
    }
}

/* A counter whose rate wanders by 50 ppm, read with up to 80 ns of noise every 3 ms for ten minutes: recent moments are
 * told with that noise, old ones not much worse. */
static void near_the_truth(void **state)
{
    (void)state;
    enum { READINGS = 200000, STEP_NS = 3000000, NOISE = 80 };
    struct cycles *c = cycles_create();
    uint64_t seed = 1181783497276652981u, *at = calloc(READINGS, sizeof *at);
    double cycles = 1e15, rate = 2.9, step = 0;
    int64_t worst_recent = 0, worst_old = 0;
    for (int i = 0; i < READINGS; i++) {
        step += (double)(next(&seed) % 2001) / 1000 - 1;
        step *= 0.999;
        double before = cycles;
        cycles += STEP_NS * rate * (1 + step * 50e-6 / 30);
        at[i] = (uint64_t)cycles;
        uint64_t truth = (uint64_t)i * STEP_NS;
        cycles_add(c, at[i] + 1, truth + next(&seed) % (2 * NOISE + 1) - (i > 0 ? NOISE : 0));
        if (i > 0) {
            int64_t off = (int64_t)cycles_ns(c, (uint64_t)((before + cycles) / 2)) - (int64_t)(truth - STEP_NS / 2);
            off = off < 0 ? -off : off;
            worst_recent = off > worst_recent ? off : worst_recent;
        }
    }
    for (int i = 0; i < READINGS; i++) {
        int64_t off = (int64_t)cycles_ns(c, at[i]) - (int64_t)i * STEP_NS;
        off = off < 0 ? -off : off;
        worst_old = off > worst_old ? off : worst_old;
    }
    printf("worst: recent %ld ns, old %ld ns\n", (long)worst_recent, (long)worst_old);
    assert_true(worst_recent <= NOISE + 2);
    assert_true(worst_old <= 2000);
    free(at);
    free(c);
}

static void machines(void **state)
{
    (void)state;
    assert_null(cycles_judge(true, "tsc\n", "tsc hpet acpi_pm \n"));
    assert_null(cycles_judge(true, "kvm-clock\n", "kvm-clock tsc acpi_pm \n"));
    assert_null(cycles_judge(true, "kvm-clock\n", "kvm-clock acpi_pm \n"));
    assert_null(cycles_judge(true, "hyperv_clocksource_tsc_page\n", "hyperv_clocksource_tsc_page \n"));
    assert_null(cycles_judge(true, "acpi_pm\n", "tsc acpi_pm \n")); /* somebody's choice, not a fault */
    assert_null(cycles_judge(true, "", ""));
    assert_non_null(cycles_judge(false, "tsc\n", "tsc \n"));
    assert_non_null(cycles_judge(true, "hpet\n", "hpet acpi_pm \n"));
    assert_non_null(cycles_judge(true, "hpet\n", "hpet tsc-early acpi_pm \n"));
}

/* The real clocks, if they can be used: a reading stands between two others. */
static void here(void **state)
{
    (void)state;
    struct cycles_point a = cycles_now(), b = cycles_now(), d = cycles_now();
    if (cycles_unusable() != NULL)
        skip();
    assert_true(a.cycles < b.cycles && b.cycles < d.cycles && a.ns <= b.ns && b.ns <= d.ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_and_outside), cmocka_unit_test(counter_goes_back), cmocka_unit_test(never_falls),
        cmocka_unit_test(near_the_truth),      cmocka_unit_test(machines),          cmocka_unit_test(here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
