/* test_layouts.c: which words of types are pointers. Offsets come from the compiler, through the same header. */
#include "fake.h"
#include "fixture/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t base = 0x7f1200000000;
static char names[32][64];
static size_t name_count;

static void word(const struct prof_layout *layout, uint64_t offset, enum prof_word_kind kind, const char *pointee,
                 const char *field)
{
    const struct prof_layout_span *span = prof_layout_at(layout, offset);
    char buf[128] = "";
    if (span->kind != kind)
        fail_msg("%s+%llu is of kind %d, expected %d", layout->type, (unsigned long long)offset, span->kind, kind);
    if (pointee != NULL)
        assert_string_equal(span->pointee, pointee);
    if (field != NULL) {
        if (!prof_layout_field(layout, offset, buf, sizeof buf) || strcmp(buf, field) != 0)
            fail_msg("%s+%llu is called %s, expected %s", layout->type, (unsigned long long)offset, buf, field);
    }
}
#define AT(type, field) offsetof(struct type, field)

static void c_types(struct prof_symbols *s)
{
    const struct prof_layout *mix = prof_symbols_layout(s, "struct mix", sizeof(struct mix));
    assert_non_null(mix);
    assert_string_equal(mix->type, "struct mix");
    assert_int_equal(mix->size, sizeof(struct mix));
    assert_ptr_equal(mix, prof_symbols_layout(s, "mix", 0));
    word(mix, 0, PROF_WORD_NONE, NULL, NULL);
    word(mix, AT(mix, self), PROF_WORD_POINTER, "struct mix", "self");
    word(mix, AT(mix, self) + 4, PROF_WORD_NONE, NULL, NULL);
    word(mix, AT(mix, plain), PROF_WORD_NONE, NULL, NULL);
    word(mix, AT(mix, any), PROF_WORD_MAYBE, NULL, "any");
    word(mix, AT(mix, hidden), PROF_WORD_MAYBE, NULL, "hidden");
    for (int i = 0; i < 3; i++) {
        char field[32];
        snprintf(field, sizeof field, "in[%d].link", i);
        word(mix, AT(mix, in[i].number), PROF_WORD_NONE, NULL, NULL);
        word(mix, AT(mix, in[i].link), PROF_WORD_POINTER, "struct pair", field);
    }
    word(mix, AT(mix, text), PROF_WORD_MAYBE, NULL, "text[0]");
    word(mix, AT(mix, text[8]), PROF_WORD_MAYBE, NULL, "text[8]");
    word(mix, AT(mix, text[16]), PROF_WORD_NONE, NULL, NULL); // text and count
    word(mix, AT(mix, later), PROF_WORD_POINTER, "struct later", "later");
    word(mix, AT(mix, table[1][1]), PROF_WORD_POINTER, "struct pair", "table[1][1]");
    word(mix, AT(mix, either), PROF_WORD_MAYBE, NULL, "either.real");
    word(mix, AT(mix, either) + 8, PROF_WORD_MAYBE, NULL, NULL); // 48 bits
    word(mix, AT(mix, call), PROF_WORD_POINTER, "", "call");
    word(mix, AT(mix, last), PROF_WORD_NONE, NULL, NULL);
    word(mix, sizeof *(struct mix *)NULL, PROF_WORD_MAYBE, NULL, NULL);
    const struct prof_layout *tight = prof_symbols_layout(s, "struct tight", 0);
    word(tight, 1, PROF_WORD_POINTER, "struct mix", "mix");
    word(tight, 0, PROF_WORD_NONE, NULL, NULL);
    word(tight, 9, PROF_WORD_NONE, NULL, NULL);
    word(tight, 16, PROF_WORD_NONE, NULL, NULL); // 7 bytes are no word
}

static void sizes(struct prof_symbols *s)
{
    const struct prof_layout *flex = prof_symbols_layout(s, "struct flex", 8 + 5 * sizeof(struct pair));
    assert_non_null(flex);
    word(flex, 0, PROF_WORD_NONE, NULL, NULL);
    word(flex, AT(flex, items[0].number), PROF_WORD_NONE, NULL, NULL);
    word(flex, AT(flex, items[4].link), PROF_WORD_POINTER, "struct pair", "items[4].link");
    const struct prof_layout *bytes = prof_symbols_layout(s, "struct bytes", 100);
    word(bytes, 0, PROF_WORD_MAYBE, NULL, "owner");
    word(bytes, 16, PROF_WORD_MAYBE, NULL, NULL);
    const struct prof_layout *pairs = prof_symbols_layout(s, "struct pair[]", 4 * sizeof(struct pair));
    assert_non_null(pairs);
    word(pairs, 3 * sizeof(struct pair), PROF_WORD_NONE, NULL, "[3].number");
    word(pairs, 3 * sizeof(struct pair) + 8, PROF_WORD_POINTER, "struct pair", "[3].link");
    const struct prof_layout *stars = prof_symbols_layout(s, "struct pair *[]", 80);
    word(stars, 72, PROF_WORD_POINTER, "struct pair", "[9]");
    assert_string_equal(stars->type, "struct pair *");
    word(prof_symbols_layout(s, "void *[]", 80), 8, PROF_WORD_MAYBE, NULL, "[1]");

    const struct prof_layout *nameless = prof_symbols_layout(s, "nameless_t", 16);
    assert_non_null(nameless);
    assert_string_equal(nameless->type, "nameless_t");
    word(nameless, 0, PROF_WORD_POINTER, "struct mix", "mix");
    word(prof_symbols_layout(s, "later_t", 16), 8, PROF_WORD_POINTER, "struct later", "next");

    // Nothing is said of what is not known, or known in two ways.
    assert_null(prof_symbols_layout(s, "struct twice", 16));
    assert_null(prof_symbols_layout(s, "struct mix", 8)); // larger than the object
    assert_null(prof_symbols_layout(s, "struct nothing", 16));
    assert_null(prof_symbols_layout(s, "[]", 16));
    assert_null(prof_symbols_layout(s, "*", 16));
    assert_null(prof_symbols_layout(s, "", 16));
    assert_null(prof_symbols_layout(s, "int", 4));
}

static void classes(struct prof_symbols *s)
{
    const struct prof_layout *derived = prof_symbols_layout(s, "ns::derived", 0);
    assert_non_null(derived);
    assert_string_equal(derived->type, "ns::derived");
    assert_int_equal(derived->size, 8 * 10);
    word(derived, 0, PROF_WORD_POINTER, NULL, NULL); // the virtual table
    word(derived, 8, PROF_WORD_POINTER, "ns::base", "up");
    word(derived, 16, PROF_WORD_NONE, NULL, "number");
    word(derived, 24, PROF_WORD_NONE, NULL, "before");
    word(derived, 32, PROF_WORD_POINTER, "int", "value");
    word(derived, 48, PROF_WORD_POINTER, "int", "inner.value");
    word(derived, 56, PROF_WORD_POINTER, "ns::base", "friendly");
    word(derived, 64, PROF_WORD_NONE, NULL, "list.key");
    word(derived, 72, PROF_WORD_POINTER, "ns::derived::node", "list.next");
    word(prof_symbols_layout(s, "ns::shared", 0), 8, PROF_WORD_MAYBE, NULL, NULL); // a virtual base lies somewhere
    const struct prof_layout *box = prof_symbols_layout(s, "ns::box<int*>", 16);
    const struct prof_layout *number = prof_symbols_layout(s, "ns::box<long>", 16);
    if (box == NULL) // as another compiler writes it
        box = prof_symbols_layout(s, "ns::box<int *>", 16);
    if (number == NULL)
        number = prof_symbols_layout(s, "ns::box<long int>", 16);
    word(box, 0, PROF_WORD_POINTER, "int", "value");
    word(number, 0, PROF_WORD_NONE, NULL, "value");
}

static void each(void (*check)(struct prof_symbols *))
{
    for (size_t i = 0; i < name_count; i++) {
        static struct fake f;
        memset(&f, 0, sizeof f);
        fake_map(&f, 0, 0);
        if (!fake_elf(&f, fixture(names[i]), base, true))
            fail_msg("%s was not built", names[i]);
        f.source.exe = fixture(names[i]);
        struct prof_symbols *symbols = fake_open(&f, NULL);
        print_message("%s\n", names[i]);
        check(symbols);
        prof_symbols_destroy(symbols);
    }
}

static void test_c(void **state)
{
    (void)state;
    each(c_types);
}
static void test_sizes(void **state)
{
    (void)state;
    each(sizes);
}
static void test_classes(void **state)
{
    (void)state;
    each(classes);
}

// ---- Damaged debug information ----------------------------------------------------------------------------------

static unsigned char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void find_section(const unsigned char *bytes, const char *name, size_t *from, size_t *size)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(bytes + header->e_shoff);
    *size = 0;
    for (unsigned i = 0; i < header->e_shnum; i++) {
        const char *other = (const char *)bytes + sections[header->e_shstrndx].sh_offset + sections[i].sh_name;
        if (strcmp(other, name) == 0) {
            *from = sections[i].sh_offset;
            *size = sections[i].sh_size;
        }
    }
}

// Asks for everything; answers may be anything that keeps its promises.
static void ask(struct prof_symbols *symbols)
{
    static const char *const types[] = { "struct mix", "struct flex", "struct pair[]", "nameless_t", "ns::derived",
                                         "ns::shared", "struct use",  "struct tight",  "later_t" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct prof_layout *layout = prof_symbols_layout(symbols, types[i], 1000);
        uint64_t end = 0;
        char buf[256];
        for (size_t k = 0; layout != NULL && k < layout->span_count; k++) {
            assert_true(layout->spans[k].start >= end && layout->spans[k].end > layout->spans[k].start);
            end = layout->spans[k].end;
            assert_true(end <= layout->size);
            assert_true(layout->spans[k].kind != PROF_WORD_POINTER || layout->spans[k].pointee != NULL);
        }
        for (uint64_t at = 0; layout != NULL && at < 1000; at += 4) {
            prof_layout_at(layout, at);
            if (at % 64 == 0)
                prof_layout_field(layout, at, buf, sizeof buf);
        }
    }
}

static uint32_t random_number(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static void damaged(void **state)
{
    (void)state;
    static const char *const forms[] = { "layout-gcc-4.so", "layout-gcc-5.so", "layout-gcc-types4.so",
                                         "layout-clang-5.so" };
    const char *rounds = getenv("LAYOUT_ROUNDS");
    int count = rounds != NULL ? atoi(rounds) : 60;
    for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
        static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_types" };
        size_t size, from = 0, length;
        if (access(fixture(forms[form]), F_OK) != 0)
            continue;
        unsigned char *bytes = read_whole(fixture(forms[form]), &size), *copy = malloc(size);
        for (int i = 0; i < count; i++) {
            memcpy(copy, bytes, size);
            find_section(bytes, sections[i % 3], &from, &length);
            for (unsigned k = 0; length > 8 && k <= random_number() % 8; k++) {
                size_t at = from + random_number() % (length - 4);
                uint32_t word = random_number() % (uint32_t)length; // often a reference to another entry
                if (i % 2 == 0)
                    memcpy(copy + at, &word, sizeof word);
                else
                    copy[at] ^= (unsigned char)(1u << random_number() % 8);
            }
            char path[] = "/tmp/layout-XXXXXX";
            int fd = mkstemp(path);
            assert_true(fd >= 0);
            assert_int_equal(write(fd, copy, size), size);
            close(fd);
            static struct fake f;
            memset(&f, 0, sizeof f);
            fake_map(&f, 0, 0);
            assert_true(fake_elf(&f, path, base, true));
            f.source.exe = path;
            struct prof_symbols *symbols = fake_open(&f, NULL);
            ask(symbols);
            prof_symbols_destroy(symbols);
            unlink(path);
        }
        free(copy);
        free(bytes);
    }
}

static int setup(void **state)
{
    (void)state;
    FILE *list = fopen(fixture("layout.list"), "re");
    while (list != NULL && name_count < 32 && fscanf(list, "%63s", names[name_count]) == 1)
        name_count++;
    if (list != NULL)
        fclose(list);
    return name_count == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
