/* test_births.c: types of blocks by the code that allocates them. The fixtures are loaded and run; each knows what must
 * be found, and what must not. */
#include "fake.h"
#include "fixture/birth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Is what was found allowed, where more could be known?
static bool allowed(const char *found, const char *want, bool full)
{
    size_t length = strlen(want);
    if (strcmp(found, want) == 0)
        return true;
    if (found[0] != '\0' && strstr(want, "Rb_tree_node") != NULL) // what follows, compilers write differently
        return strncmp(found + 1, want + 1, length - 1) == 0 && found[length] == '<';
    if (full)
        return false;
    return found[0] == '\0' || (found[0] == '~' && want[0] != '\0' && strcmp(found + 1, want + 1) == 0);
}

static void describe(struct prof_symbols *symbols, uint32_t stack, uint64_t size, char *text, size_t room)
{
    struct prof_birth birth;
    text[0] = '\0';
    if (prof_symbols_birth(symbols, stack, size, &birth))
        snprintf(text, room, "%c%s%s", birth.mark, birth.layout->type, birth.layout->array ? "[]" : "");
}

// A fixture that is loaded, and symbols that look at it.
struct rig {
    struct fake fake;
    void *library;
    const struct birth_case *cases;
    const struct birth_last *last;
    struct prof_symbols *symbols;
};

static void rig_begin(struct rig *rig, const char *name)
{
    struct link_map *map;
    memset(rig, 0, sizeof *rig);
    rig->library = dlopen(fixture(name), RTLD_NOW | RTLD_LOCAL);
    if (rig->library == NULL)
        fail_msg("%s", dlerror());
    assert_int_equal(dlinfo(rig->library, RTLD_DI_LINKMAP, &map), 0);
    rig->cases = dlsym(rig->library, "birth_cases");
    rig->last = dlsym(rig->library, "birth_last");
    fake_map(&rig->fake, 0, 0);
    assert_true(fake_elf(&rig->fake, fixture(name), map->l_addr, true));
    rig->fake.source.exe = fixture(name);
    rig->symbols = fake_open(&rig->fake, NULL);
}

static void rig_end(struct rig *rig)
{
    prof_symbols_destroy(rig->symbols);
    dlclose(rig->library);
}

// Runs a case and returns the stack of its last allocation.
static uint32_t rig_run(struct rig *rig, const struct birth_case *c)
{
    c->run();
    uint64_t pc = (uint64_t)rig->last->pc;
    return fake_stack(&rig->fake, 0, 1, &pc);
}

static uint32_t rig_run_named(struct rig *rig, const char *name)
{
    const struct birth_case *c = rig->cases;
    while (c->name != NULL && strcmp(c->name, name) != 0)
        c++;
    assert_non_null(c->name);
    return rig_run(rig, c);
}

static bool check(const char *name, unsigned least)
{
    static struct rig rig;
    rig_begin(&rig, name);
    unsigned known = 0, wrong = 0;
    bool bare = strstr(name, "bare") != NULL;
    for (const struct birth_case *c = rig.cases; c->name != NULL; c++) {
        uint32_t stack = rig_run(&rig, c);
        char found[256], again[256];
        describe(rig.symbols, stack, rig.last->size, found, sizeof found);
        describe(rig.symbols, stack, rig.last->size, again, sizeof again);
        assert_string_equal(found, again);
        known += found[0] != '\0';
        bool full = strstr(name, "-0") != NULL && !(bare && (c->needs_source || strstr(name, "++") != NULL));
        if (!allowed(found, c->want, full) && !(bare && c->bare != NULL && allowed(found, c->bare, false))) {
            print_message("%s: %s is \"%s\", expected \"%s\"\n", name, c->name, found, c->want);
            wrong++;
        }
    }
    print_message("%s: %u known\n", name, known);
    rig_end(&rig);
    return wrong == 0 && known >= least;
}

static void births(void **state)
{
    (void)state;
    char name[64];
    unsigned least, count = 0;
    bool good = true;
    FILE *list = fopen(fixture("birth.list"), "re");
    assert_non_null(list);
    while (fscanf(list, "%63s %u", name, &least) == 2) {
        good &= check(name, least);
        count++;
    }
    fclose(list);
    assert_true(count > 0 && good);
}

// The first that was built here.
static const char *one_of(const char *name, const char *other)
{
    return access(fixture(name), F_OK) == 0 ? name : other;
}

static void shape_is(struct rig *rig, uint32_t stack, uint64_t size, uint64_t first, uint64_t second, const char *want)
{
    struct prof_birth birth;
    const uint64_t offsets[] = { first, second };
    bool found = prof_symbols_shape(rig->symbols, stack, size, offsets, 2, &birth);
    if (found != (want != NULL) || (found && (strcmp(birth.layout->type, want) != 0 || birth.mark != '~')))
        fail_msg("size %llu, %llu, %llu: %s, expected %s", (unsigned long long)size, (unsigned long long)first,
                 (unsigned long long)second, found ? birth.layout->type : "nothing", want != NULL ? want : "nothing");
}

static void shapes(void **state)
{
    (void)state;
    static struct rig rig;
    rig_begin(&rig, one_of("birth-gcc-0-5.so", "birth-clang-0-5.so"));
    uint32_t stack = rig_run_named(&rig, "nothing");
    shape_is(&rig, stack, 40, 24, 32, "struct holder");
    shape_is(&rig, stack, 40, 8, 16, NULL); // struct birth_case, too, has pointers there
    shape_is(&rig, stack, 40, 0, 24, NULL);
    shape_is(&rig, stack, 32, 8, 16, "struct conn"); // the words of struct twin may be pointers, no more
    shape_is(&rig, stack, 32, 0, 8, NULL);
    shape_is(&rig, stack, 48, 8, 16, NULL);
    struct prof_birth birth;
    assert_false(prof_symbols_shape(rig.symbols, stack, 40, NULL, 0, &birth));
    assert_false(prof_symbols_shape(rig.symbols, 1000, 40, (uint64_t[]){ 24 }, 1, &birth));
    rig_end(&rig);
}

// A source that was written after the program was built says nothing.
static void newer_source(void **state)
{
    (void)state;
    static struct rig rig;
    char source[512], found[256];
    snprintf(source, sizeof source, "%s", fixture(one_of("birth-gcc-0-5.o/birth.c", "birth-clang-0-5.o/birth.c")));
    struct stat before;
    assert_int_equal(stat(source, &before), 0);
    for (int newer = 0; newer < 2; newer++) {
        const struct timespec times[] = {
            before.st_atim, { before.st_mtim.tv_sec + (newer != 0 ? 100000 : 0), before.st_mtim.tv_nsec }
        };
        assert_int_equal(utimensat(AT_FDCWD, source, times, 0), 0);
        rig_begin(&rig, one_of("birth-gcc-0-5.so", "birth-clang-0-5.so"));
        uint32_t stack = rig_run_named(&rig, "sized_only");
        describe(rig.symbols, stack, rig.last->size, found, sizeof found);
        rig_end(&rig);
        const struct timespec back[] = { before.st_atim, before.st_mtim };
        assert_int_equal(utimensat(AT_FDCWD, source, back, 0), 0);
        assert_string_equal(found, newer != 0 ? "" : "~struct conn");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births),
        cmocka_unit_test(shapes),
        cmocka_unit_test(newer_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
