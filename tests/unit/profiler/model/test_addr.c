/* test_addr.c: the address table grows, sweeps and loses nothing, whatever its keys are. */
#include "addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Keys with the home of their number in `homes` equal parts of the table, 0: any. */
static uint64_t key_of(uint64_t *seed, unsigned homes, unsigned part)
{
    for (;;) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t key = *seed >> 17;
        struct addr_table whole = { .size = homes };
        if (key != 0 && (homes == 0 || addr_home(&whole, key) == part))
            return key;
    }
}

/* Adds, removes one of every `remove`, adds again; after each step that grows, all must be found. */
static void fill(uint32_t count, unsigned homes, unsigned part, unsigned remove)
{
    struct addr_table table = { 0 };
    uint64_t *keys = calloc(count, sizeof *keys), seed = homes + 7 * part + 1, grown = 0;
    assert_non_null(keys);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t size = table.size;
        keys[i] = key_of(&seed, homes, part);
        struct addr_entry *entry = addr_make(&table, keys[i]);
        assert_non_null(entry);
        entry->block = i + 1;
        entry->obj = ~i;
        if (remove != 0 && i % remove == 0) {
            entry->block = entry->obj = 0;
            keys[i] = 0;
        }
        if (size == table.size && i + 1 < count)
            continue;
        grown++;
        for (uint32_t k = 0; k <= i; k++) {
            entry = keys[k] != 0 ? addr_find(&table, keys[k]) : NULL;
            assert_true(keys[k] == 0 || (entry != NULL && entry->block == k + 1 && entry->obj == ~k));
        }
        for (uint32_t k = 0; k < 1000; k++)
            assert_null(addr_find(&table, ((uint64_t)1 << 62) + k));
    }
    assert_true(grown > 3 || remove == 1); // what is removed at once is swept
    uint64_t entries = 0;
    for (uint64_t i = 0; i < table.size; i++)
        entries += table.entries[i].key != 0;
    assert_true(entries == table.count);
    addr_deinit(&table);
    free(keys);
}

static void grows(void **state)
{
    (void)state;
    fill(40000, 0, 0, 0);
    fill(40000, 0, 0, 3);
    fill(40000, 0, 0, 1);
}

/* Long chains: those at the begin move less than they are long, those at the end reach over it. */
static void grows_with_chains(void **state)
{
    (void)state;
    fill(6000, 8, 0, 0);
    fill(6000, 8, 7, 0);
    fill(6000, 8, 7, 5);
    fill(6000, 3, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(grows_with_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
