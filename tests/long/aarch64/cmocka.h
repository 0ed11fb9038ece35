/* cmocka.h: as much of cmocka as the tests of libtrack use, for machines whose cmocka is not installed. */
#ifndef TEST_CMOCKA_H
#define TEST_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    int (*setup)(void **state), (*teardown)(void **state);
};
#define cmocka_unit_test(f)                                                                                            \
    {                                                                                                                  \
#f, f, NULL, NULL                                                                                              \
    }
#define cmocka_unit_test_setup_teardown(f, before, after)                                                              \
    {                                                                                                                  \
#f, f, before, after                                                                                           \
    }

static jmp_buf cmocka_out;

__attribute__((unused, noreturn)) static void cmocka_leave(int how)
{
    longjmp(cmocka_out, how);
}

__attribute__((unused)) static void cmocka_check(int ok, const char *what, const char *file, int line)
{
    if (ok)
        return;
    printf("%s:%d: %s\n", file, line, what);
    cmocka_leave(1);
}
#define CMOCKA_CHECK(c)              cmocka_check((c) != 0, #c, __FILE__, __LINE__)
#define assert_true(c)               CMOCKA_CHECK(c)
#define assert_false(c)              CMOCKA_CHECK(!(c))
#define assert_null(p)               CMOCKA_CHECK((p) == NULL)
#define assert_non_null(p)           CMOCKA_CHECK((p) != NULL)
#define assert_int_equal(a, b)       CMOCKA_CHECK((uint64_t)(a) == (uint64_t)(b))
#define assert_int_not_equal(a, b)   CMOCKA_CHECK((uint64_t)(a) != (uint64_t)(b))
#define assert_ptr_equal(a, b)       CMOCKA_CHECK((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b)   CMOCKA_CHECK((const void *)(a) != (const void *)(b))
#define assert_string_equal(a, b)    CMOCKA_CHECK(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, n) CMOCKA_CHECK(memcmp((a), (b), (n)) == 0)
#define assert_in_range(v, low, high)                                                                                  \
    CMOCKA_CHECK((uint64_t)(v) >= (uint64_t)(low) && (uint64_t)(v) <= (uint64_t)(high))
#define skip()        cmocka_leave(2)
#define fail_msg(...) (printf(__VA_ARGS__), cmocka_leave(1))

static int cmocka_run(const struct CMUnitTest *tests, size_t count)
{
    volatile int failed = 0;
    for (volatile size_t i = 0; i < count; i++) {
        int how = setjmp(cmocka_out);
        if (how == 0) {
            void *state = NULL;
            if (tests[i].setup && tests[i].setup(&state) != 0)
                cmocka_leave(1);
            tests[i].run(&state);
            if (tests[i].teardown && tests[i].teardown(&state) != 0)
                cmocka_leave(1);
        }
        failed += how == 1;
        printf("%s %s\n", how == 0 ? "ok" : how == 2 ? "skipped" : "FAILED", tests[i].name);
        fflush(stdout);
    }
    return failed;
}
#define cmocka_run_group_tests_name(name, tests, setup, teardown) cmocka_run_group_tests(tests, setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown)            cmocka_run((tests), sizeof(tests) / sizeof(tests)[0])

#endif
