/* test_fields.c: fields of types by offset. Offsets come from the compiler, through the same source. */
#include "fake.h"
#include "fixture/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const uint64_t base = 0x7f1200000000;
static struct fake f;
static struct prof_symbols *symbols;

static int setup(void **state)
{
    (void)state;
    fake_map(&f, 0, 0);
    if (!fake_elf(&f, fixture("stripped.so"), base + 0x1000000, true) ||
        !fake_elf(&f, fixture("link.so"), base, true) || !fake_elf(&f, fixture("other.so"), base + 0x2000000, true))
        return 1;
    f.source.exe = fixture("link.so");
    symbols = fake_open(&f, NULL);
    return symbols == NULL;
}

static int teardown(void **state)
{
    (void)state;
    prof_symbols_destroy(symbols);
    return 0;
}

static void is(const char *type, size_t offset, const char *want)
{
    char field[128] = "untouched";
    bool found = prof_symbols_field(symbols, type, offset, field, sizeof field);
    if (want == NULL) {
        if (found)
            fail_msg("%s+%zu is %s, expected nothing", type, offset, field);
        assert_string_equal(field, "untouched");
    } else if (!found || strcmp(field, want) != 0) {
        fail_msg("%s+%zu is %s, expected %s", type, offset, field, want);
    }
}

static void members(void **state)
{
    (void)state;
    is("struct shape", 0, "kind");
    is("struct shape", 1, NULL); // padding
    is("struct shape", 7, NULL);
    is("struct shape", offsetof(struct shape, next), "next");
    is("struct shape", offsetof(struct shape, a.corner), "a.corner.tag");
    is("struct shape", offsetof(struct shape, a.corner) + 2, NULL);
    is("struct shape", offsetof(struct shape, a.corner.y), "a.corner.y");
    is("struct shape", offsetof(struct shape, a.path[2].x), "a.path[2].x");
    is("struct shape", offsetof(struct shape, hidden), "hidden");
    is("struct shape", offsetof(struct shape, grid[1][2]), "grid[1][2]");
    is("struct shape", offsetof(struct shape, last.y), "last.y");
    // The first member of a union that has something there.
    is("struct shape", offsetof(struct shape, u), "u.first.low");
    is("struct shape", offsetof(struct shape, u) + 4, "u.second[0]");
    is("struct shape", offsetof(struct shape, u) + 8, "u.first.high");
    // Bit fields.
    is("struct shape", offsetof(struct shape, hidden) + 8, "flag");
    is("struct shape", offsetof(struct shape, hidden) + 9, "mode");
    is("struct shape", offsetof(struct shape, hidden) + 12, NULL);
    // An array without a length goes on behind the struct.
    is("struct shape", offsetof(struct shape, items), "items[0]");
    is("struct shape", offsetof(struct shape, items) + 8000, "items[1000]");
    is("struct point", sizeof(struct point), NULL);
    is("union number", 4, "d");
    is("union number", 0, "i");
}

static void names(void **state)
{
    (void)state;
    is("shape", 8, "next");
    is("point_t", 4, "x");
    is("point", 4, "x");      // no such typedef: the struct
    is("shape_ref", 8, NULL); // a pointer has no fields, const or not
    is("const struct shape", 8, "next");
    is("  volatile  const\tshape  ", 8, "next");
    is("opaque_t", offsetof(struct secret, peer), "peer"); // defined behind its typedef
    is("struct opaque_t", 0, NULL);
    is("union shape", 0, NULL);
    is("struct nothing", 0, NULL);
    is("int", 0, NULL);
    is("", 0, NULL);
    is("struct ", 0, NULL);
    is("struct other", 0, "x"); // in another module
}

static void buffers(void **state)
{
    (void)state;
    char buf[8] = "before";
    assert_false(prof_symbols_field(symbols, "struct shape", offsetof(struct shape, a.corner.y), buf, sizeof buf));
    assert_string_equal(buf, "before");
    assert_false(prof_symbols_field(symbols, "struct shape", 8, buf, 4));
    assert_true(prof_symbols_field(symbols, "struct shape", 8, buf, 5));
    assert_string_equal(buf, "next");
    assert_false(prof_symbols_field(symbols, "struct shape", 8, buf, 0));
    // A size that no such type has does not lose the type.
    assert_true(prof_symbols_field_sized(symbols, "struct shape", 12345, 8, buf, sizeof buf));
    assert_true(prof_symbols_field_sized(symbols, "struct shape", sizeof(struct shape), 8, buf, sizeof buf));
    assert_true(prof_symbols_field(symbols, "struct shape", UINT64_MAX, buf, sizeof buf) == false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(names),
        cmocka_unit_test(buffers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
