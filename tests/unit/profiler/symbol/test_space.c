/* test_space.c: addresses to mappings, by generation and by time. */
#include "fake.h"

#include <symbol/space.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void generations(void **state)
{
    (void)state;
    static struct fake f;
    memset(&f, 0, sizeof f);
    fake_map(&f, 0, 0);
    fake_module(&f, "/a", 0x1000, 0x2000, PROT_EXEC);
    fake_map(&f, 0, 10); // something was loaded
    fake_module(&f, "/a", 0x1000, 0x2000, PROT_EXEC);
    fake_module(&f, "/b", 0x3000, 0x4000, PROT_EXEC);
    fake_map(&f, 2, 20); // something was unloaded; another file where it was
    fake_module(&f, "/c", 0x3000, 0x4000, PROT_EXEC);
    struct prof_space *space = prof_space_create(f.maps, f.map_count);
    struct prof_mapping m;
    assert_true(prof_space_find(space, 0, 0x3800, &m));
    assert_string_equal(m.module->path, "/b");
    assert_true(prof_space_find(space, 2, 0x3800, &m));
    assert_string_equal(m.module->path, "/c");
    assert_int_equal(m.at_us, 20);
    assert_false(prof_space_find(space, 2, 0x1800, &m)); // of another generation
    assert_true(prof_space_find(space, 1, 0x3800, &m));  // no map: the newest earlier one
    assert_string_equal(m.module->path, "/b");
    assert_true(prof_space_find(space, 9, 0x3800, &m));
    assert_string_equal(m.module->path, "/c");
    // Ends are outside, starts inside.
    assert_false(prof_space_find(space, 0, 0x2000, &m));
    assert_false(prof_space_find(space, 0, 0x4000, &m));
    assert_false(prof_space_find(space, 0, 0xfff, &m));
    assert_true(prof_space_find(space, 0, 0x1000, &m));
    assert_true(prof_space_find(space, 0, 0x3fff, &m));
    // By time.
    assert_true(prof_space_find_at(space, 15, 0x3000, false, &m));
    assert_string_equal(m.module->path, "/b");
    assert_true(prof_space_find_at(space, 20, 0x3000, false, &m));
    assert_string_equal(m.module->path, "/c");
    assert_false(prof_space_find_at(space, 0, 0x3000, false, &m));
    assert_true(prof_space_find_at(space, 0, 0x3000, true, &m));
    assert_string_equal(m.module->path, "/a");
    prof_space_destroy(space);
}

// Only the low 16 bits of a generation are in a stack.
static void wrapped_generation(void **state)
{
    (void)state;
    static struct fake f;
    memset(&f, 0, sizeof f);
    fake_map(&f, 3, 0);
    fake_module(&f, "/old", 0x1000, 0x2000, PROT_EXEC);
    fake_map(&f, 65536 + 3, 10);
    fake_module(&f, "/new", 0x1000, 0x2000, PROT_EXEC);
    struct prof_space *space = prof_space_create(f.maps, f.map_count);
    struct prof_mapping m;
    assert_true(prof_space_find(space, 3, 0x1000, &m));
    assert_string_equal(m.module->path, "/new");
    prof_space_destroy(space);
}

static void objects(void **state)
{
    (void)state;
    static struct fake f;
    memset(&f, 0, sizeof f);
    fake_map(&f, 0, 0);
    // Out of order, with one empty and one backward entry; two copies of the same file one after the other.
    fake_module(&f, "/lib", 0x12000, 0x13000, PROT_EXEC)->file_offset = 0x1000;
    fake_module(&f, "/lib", 0x11000, 0x12000, PROT_READ)->file_offset = 0;
    fake_module(&f, "/lib", 0x14000, 0x15000, PROT_READ | PROT_WRITE)->file_offset = 0x2000;
    fake_module(&f, "", 0x15000, 0x16000, PROT_READ | PROT_WRITE);
    fake_module(&f, "/bad", 0x9000, 0x9000, 0);
    fake_module(&f, "/bad", 0x9000, 0x8000, 0);
    fake_module(&f, "/lib", 0x21000, 0x22000, PROT_READ)->file_offset = 0;
    fake_module(&f, "/lib", 0x22000, 0x23000, PROT_EXEC)->file_offset = 0x1000;
    fake_module(&f, "/data", 0x31000, 0x32000, PROT_READ)->file_offset = 0x5000;
    struct prof_space *space = prof_space_create(f.maps, f.map_count);
    struct prof_mapping a, b;
    assert_true(prof_space_find(space, 0, 0x14800, &a));
    assert_int_equal(a.base, 0x11000);
    assert_int_equal(a.first->start, 0x11000);
    assert_int_equal(a.limit, 0x15000);
    assert_true(prof_space_find(space, 0, 0x12800, &b));
    assert_ptr_equal(a.file, b.file); // one object
    assert_true(prof_space_find(space, 0, 0x22800, &b));
    assert_int_equal(b.base, 0x21000);
    assert_ptr_not_equal(a.file, b.file);
    assert_true(prof_space_find(space, 0, 0x31800, &b));
    assert_int_equal(b.base, 0x31000 - 0x5000);
    assert_false(prof_space_find(space, 0, 0x9000, &b));
    size_t count = 0;
    for (size_t cursor = 0; prof_space_next(space, &cursor, &b);)
        count++;
    assert_int_equal(count, 4);
    prof_space_destroy(space);
}

static void empty(void **state)
{
    (void)state;
    struct prof_space *space = prof_space_create(NULL, 0);
    struct prof_mapping m;
    size_t cursor = 0;
    assert_non_null(space);
    assert_false(prof_space_find(space, 0, 1, &m));
    assert_false(prof_space_find_at(space, 0, 1, true, &m));
    assert_false(prof_space_next(space, &cursor, &m));
    prof_space_destroy(space);
    prof_space_destroy(NULL);
}

// Against a plain search over random maps.
static void random_maps(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 200; round++) {
        static struct fake f;
        memset(&f, 0, sizeof f);
        fake_map(&f, 0, 0);
        int count = rand() % 40;
        uint64_t at = 0x1000;
        for (int i = 0; i < count; i++) {
            at += (uint64_t)(rand() % 3) * 0x1000;
            uint64_t end = at + 0x1000 + (uint64_t)(rand() % 3) * 0x1000;
            fake_module(&f, "/x", at, end, PROT_READ);
            at = end;
        }
        for (int i = 0; i + 1 < count; i++) { // shuffled
            int j = i + rand() % (count - i);
            struct prof_module swap = f.modules[0][i];
            f.modules[0][i] = f.modules[0][j];
            f.modules[0][j] = swap;
        }
        struct prof_space *space = prof_space_create(f.maps, f.map_count);
        for (uint64_t addr = 0; addr < at + 0x2000; addr += 0x800) {
            const struct prof_module *want = NULL;
            for (int i = 0; i < count; i++) {
                if (addr >= f.modules[0][i].start && addr < f.modules[0][i].end)
                    want = &f.modules[0][i];
            }
            struct prof_mapping m;
            bool found = prof_space_find(space, 0, addr, &m);
            assert_int_equal(found, want != NULL);
            if (found)
                assert_ptr_equal(m.module, want);
        }
        prof_space_destroy(space);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations), cmocka_unit_test(wrapped_generation), cmocka_unit_test(objects),
        cmocka_unit_test(empty),       cmocka_unit_test(random_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
