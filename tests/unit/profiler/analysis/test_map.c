/* test_map.c: numbers to numbers. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "map.h"

static void test_map(void **state)
{
    struct map map = { 0 };
    (void)state;

    assert_int_equal(map_get(&map, 0), UINT32_MAX);
    for (uint64_t i = 0; i < 10000; i++)
        assert_true(map_put(&map, i % 3 == 0 ? 0 : i * 0x10001, (uint32_t)i)); // a third falls on key 0
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(map_get(&map, i % 3 == 0 ? 0 : i * 0x10001), i % 3 == 0 ? 9999 : i);
    assert_int_equal(map_get(&map, 5), UINT32_MAX);
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
