/* test_base.c: errors, arenas, strings, interning and vectors, also when the N-th allocation fails. */
#include "failing.h"

#include <base/arena.h>
#include <base/radix.h>
#include <base/str.h>
#include <base/vec.h>
#include <prof/error.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void errors(void **state)
{
    (void)state;
    struct prof_error *error = prof_error_create(PROF_ERROR_NOT_FOUND, "no object '%s'", "conn#3");
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    assert_string_equal(error->message, "no object 'conn#3'");
    assert_null(error->path);
    assert_int_equal(error->sys_errno, 0);
    assert_true(error->offset == UINT64_MAX);
    prof_error_destroy(error);

    error = prof_error_os(EACCES, "open", "/x/y", "run as its owner");
    assert_int_equal(error->code, PROF_ERROR_OS);
    assert_int_equal(error->sys_errno, EACCES);
    assert_string_equal(error->path, "/x/y");
    assert_string_equal(error->message, "cannot open '/x/y': Permission denied; run as its owner");
    prof_error_destroy(error);
    error = prof_error_os(ENOENT, "read", "a%sb", NULL);
    assert_string_equal(error->message, "cannot read 'a%sb': No such file or directory");
    prof_error_destroy(error);

    error = prof_error_at(PROF_ERROR_SYNTAX, "supp", 12, "expected '%c'", ':');
    assert_int_equal(error->code, PROF_ERROR_SYNTAX);
    assert_int_equal(error->offset, 12);
    assert_string_equal(error->path, "supp");
    assert_string_equal(error->message, "expected ':'");
    prof_error_destroy(error);

    error = prof_error_memory();
    assert_ptr_equal(error, prof_error_memory());
    assert_int_equal(error->code, PROF_ERROR_NO_MEMORY);
    assert_null(strchr(error->message, '\n'));
    prof_error_destroy(error);
    prof_error_destroy(NULL);
    assert_int_equal(prof_error_memory()->code, PROF_ERROR_NO_MEMORY);
}

// Whatever fails: a usable error, and nothing left behind (the sanitizers look).
static void errors_without_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        for (long n = 0;; n++) {
            fail_after(n);
            struct prof_error *error = kind == 0   ? prof_error_create(PROF_ERROR_FORMAT, "m %d", 1)
                                       : kind == 1 ? prof_error_os(EIO, "read", "file", "try again")
                                                   : prof_error_at(PROF_ERROR_SYNTAX, "file", 3, "bad");
            int failed = has_failed();
            fail_after(-1);
            assert_non_null(error);
            assert_non_null(error->message);
            if (!failed)
                assert_int_not_equal(error->code, PROF_ERROR_NO_MEMORY);
            prof_error_destroy(error);
            if (!failed)
                break;
            assert_true(n < 10);
        }
    }
}

static void arenas(void **state)
{
    (void)state;
    struct prof_arena arena;
    prof_arena_init(&arena);
    // Sizes around the chunk's: all zeroed, aligned, apart from each other.
    static const size_t sizes[] = { 0,     1,     15,         16,         17,      100, 16384, 16385, 65535,
                                    65536, 65537, 65536 - 16, 65536 + 16, 1 << 20, 3,   40000, 40000, 7 };
    char *blocks[200];
    for (int i = 0; i < 200; i++) {
        size_t size = sizes[(size_t)i % (sizeof sizes / sizeof sizes[0])];
        blocks[i] = prof_arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], i + 1, size);
    }
    for (int i = 0; i < 200; i++) {
        size_t size = sizes[(size_t)i % (sizeof sizes / sizeof sizes[0])];
        if (size != 0) {
            assert_int_equal((unsigned char)blocks[i][0], i + 1);
            assert_int_equal((unsigned char)blocks[i][size - 1], i + 1);
        }
    }
    assert_null(prof_arena_alloc(&arena, SIZE_MAX));
    assert_null(prof_arena_alloc(&arena, SIZE_MAX - 8));
    char *text = prof_arena_strndup(&arena, "abcdef", 3);
    assert_string_equal(text, "abc");
    assert_string_equal(prof_arena_strndup(&arena, NULL, 0), "");
    assert_string_equal(prof_arena_strdup(&arena, ""), "");
    assert_string_equal(prof_arena_printf(&arena, "%d-%s", 42, "x"), "42-x");
    char longer[5000];
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_string_equal(prof_arena_printf(&arena, "%s", longer), longer);
    prof_arena_deinit(&arena);
    assert_null(arena.chunks);
    assert_non_null(prof_arena_alloc(&arena, 1)); // as new
    prof_arena_deinit(&arena);
}

static void arenas_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 8; n++) {
        struct prof_arena arena;
        prof_arena_init(&arena);
        fail_after(n);
        size_t got = 0;
        for (int i = 0; i < 100; i++) {
            char *block = prof_arena_alloc(&arena, i % 3 == 0 ? 30000 : 3000);
            if (block != NULL) {
                memset(block, 1, 3000);
                got++;
            }
        }
        assert_true(has_failed());
        assert_int_equal(got, 99); // only the one that failed; the arena goes on
        fail_after(-1);
        prof_arena_deinit(&arena);
    }
}

static void strings(void **state)
{
    (void)state;
    struct prof_str str = { 0 };
    prof_str_add(&str, "a");
    prof_str_addn(&str, "bcd", 2);
    prof_str_addf(&str, "-%d", 7);
    prof_str_addn(&str, NULL, 0);
    assert_string_equal(str.text, "abc-7");
    assert_int_equal(str.length, 5);
    char longer[1000];
    memset(longer, 'z', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    for (size_t length = 250; length < 260; length++) // around the size of the buffer for short ones
        prof_str_addf(&str, "%.*s", (int)length, longer);
    assert_int_equal(str.length, 5 + 2545);
    assert_int_equal(strlen(str.text), str.length);
    char *taken = prof_str_take(&str);
    assert_int_equal(strlen(taken), 2550);
    free(taken);
    assert_null(str.text);
    taken = prof_str_take(&str);
    assert_string_equal(taken, "");
    free(taken);
    prof_str_deinit(&str);

    // Bytes with NUL inside, and growth by one.
    size_t count = 0;
    for (; count < 3000; count++)
        prof_str_addn(&str, &"\0x"[count % 2], 1);
    assert_int_equal(str.length, count);
    assert_int_equal(str.text[2999], 'x');
    assert_int_equal(str.text[3000], '\0');
    prof_str_deinit(&str);
}

static void strings_without_memory(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct prof_str str = { 0 };
        fail_after(n);
        for (int i = 0; i < 20; i++) {
            prof_str_addf(&str, "%0300d", i);
            prof_str_add(&str, "x");
        }
        int failed = has_failed();
        assert_int_equal(str.failed, failed);
        if (str.text != NULL)
            assert_int_equal(strlen(str.text), str.length); // what was there stays whole
        char *taken = prof_str_take(&str);
        fail_after(-1);
        if (failed)
            assert_null(taken);
        else
            assert_int_equal(strlen(taken), 20 * 301);
        free(taken);
        assert_false(str.failed);
        prof_str_deinit(&str);
        if (!failed)
            break;
        assert_true(n < 200);
    }
}

static void interning(void **state)
{
    (void)state;
    struct prof_intern intern = { 0 };
    const char *first[1000];
    char text[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name-%d", i);
        first[i] = prof_intern(&intern, text, strlen(text));
        assert_string_equal(first[i], text);
        assert_ptr_not_equal(first[i], text);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name-%d tail", i);
        assert_ptr_equal(prof_intern(&intern, text, strcspn(text, " ")), first[i]);
    }
    const char *empty = prof_intern(&intern, "", 0);
    assert_string_equal(empty, "");
    assert_ptr_equal(prof_intern(&intern, "x", 0), empty);
    assert_ptr_not_equal(prof_intern(&intern, "a\0b", 3), prof_intern(&intern, "a\0c", 3));
    assert_int_equal(memcmp(prof_intern(&intern, "a\0b", 3), "a\0b", 4), 0);
    prof_intern_deinit(&intern);
    assert_null(intern.table);
}

static void interning_without_memory(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct prof_intern intern = { 0 };
        const char *kept[300] = { 0 };
        char text[32];
        fail_after(n);
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "%d", i);
            kept[i] = prof_intern(&intern, text, strlen(text));
        }
        int failed = has_failed(), missing = 0;
        fail_after(-1);
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "%d", i);
            const char *again = prof_intern(&intern, text, strlen(text));
            assert_string_equal(again, text);
            if (kept[i] != NULL)
                assert_ptr_equal(again, kept[i]);
            else
                missing++;
        }
        assert_true(missing <= failed); // failing to grow the table loses nothing
        prof_intern_deinit(&intern);
        if (!failed)
            break;
        assert_true(n < 2000);
    }
}

static void vectors(void **state)
{
    (void)state;
    PROF_VEC(uint32_t) numbers = { 0 };
    for (uint32_t i = 0; i < 10000; i++)
        assert_true(prof_vec_push(&numbers, i * 3));
    assert_int_equal(numbers.count, 10000);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(numbers.items[i], i * 3);
    assert_true(prof_vec_reserve(&numbers, 50000));
    assert_true(numbers.room >= 60000);
    uint32_t *before = numbers.items;
    for (int i = 0; i < 50000; i++)
        assert_true(prof_vec_push(&numbers, 1));
    assert_ptr_equal(before, numbers.items);
    assert_false(prof_vec_reserve(&numbers, SIZE_MAX / 8)); // does not overflow
    assert_int_equal(numbers.count, 60000);
    prof_vec_deinit(&numbers);
    assert_null(numbers.items);
    assert_int_equal(numbers.room, 0);

    struct pair {
        int a, b;
    };
    PROF_VEC(struct pair) pairs = { 0 };
    assert_true(prof_vec_push(&pairs, (struct pair){ 1, 2 }));
    assert_int_equal(pairs.items[0].b, 2);
    prof_vec_deinit(&pairs);
}

static void vectors_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 12; n++) {
        PROF_VEC(long) numbers = { 0 };
        fail_after(n);
        long pushed = 0;
        for (long i = 0; i < 1000; i++) {
            if (prof_vec_push(&numbers, pushed))
                pushed++;
        }
        assert_int_equal(pushed, has_failed() ? 999 : 1000);
        assert_int_equal(numbers.count, pushed);
        for (long i = 0; i < pushed; i++)
            assert_int_equal(numbers.items[i], i);
        fail_after(-1);
        prof_vec_deinit(&numbers);
    }
}

/* ---- Sorting ---- */

struct numbered {
    uint64_t key, number, third;
};

/* Records of 24 or (third left out) 16 bytes with keys that agree outside of `mask`. */
static void sort_some(size_t count, size_t bytes, uint64_t mask)
{
    struct numbered *all = calloc(count + 1, sizeof *all);
    unsigned char *records = calloc(count + 1, bytes);
    uint64_t seed = count ^ mask, sum = 0, got = 0;
    assert_non_null(all);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        all[i] = (struct numbered){ (0x7f1234567890abcdu & ~mask) | ((seed >> 20) & mask), i, ~(uint64_t)i };
        memcpy(records + i * bytes, &all[i], bytes);
        sum += all[i].key;
    }
    assert_true(prof_radix_sort(records, count, bytes));
    struct numbered before = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct numbered record = { 0 };
        memcpy(&record, records + i * bytes, bytes);
        assert_true(record.number < count && record.key == all[record.number].key);
        assert_true(bytes == 16 || record.third == ~record.number);
        assert_true(i == 0 || before.key < record.key || (before.key == record.key && before.number < record.number));
        got += record.key;
        before = record;
    }
    assert_true(got == sum);
    free(all);
    free(records);
}

static void sorting(void **state)
{
    (void)state;
    static const uint64_t masks[] = { 0,       1,          0xff0,          0xfff0,           (uint64_t)1 << 63,
                                      0xf00ff, UINT32_MAX, 0x7ffffffffff8, UINT64_MAX >> 20, UINT64_MAX };
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        for (size_t count = 0; count < 4; count++)
            sort_some(count, 16, masks[i]);
        sort_some(1000, 16, masks[i]);
        sort_some(5000, 24, masks[i]);
    }
}

static void sorting_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        uint64_t records[4][2] = { { 3, 0 }, { 1, 1 }, { 2, 2 }, { 1, 3 } };
        fail_after(n);
        assert_false(prof_radix_sort(records, 4, 16));
        fail_after(-1);
        assert_true(records[0][0] == 3 && records[3][1] == 3);
    }
    uint64_t sorted[2][2] = { { 1, 0 }, { 1, 1 } };
    fail_after(0);
    assert_true(prof_radix_sort(sorted, 2, 16)); // asks for none
    fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),    cmocka_unit_test(errors_without_memory),
        cmocka_unit_test(arenas),    cmocka_unit_test(arenas_without_memory),
        cmocka_unit_test(strings),   cmocka_unit_test(strings_without_memory),
        cmocka_unit_test(interning), cmocka_unit_test(interning_without_memory),
        cmocka_unit_test(vectors),   cmocka_unit_test(vectors_without_memory),
        cmocka_unit_test(sorting),   cmocka_unit_test(sorting_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
