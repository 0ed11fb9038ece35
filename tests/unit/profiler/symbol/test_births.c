/* test_births.c: types of blocks by the code that allocates them. The fixtures are loaded and run; each knows what must
 * be found, and what must not. */
#include "fake.h"
#include "fixture/birth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool check(const char *name, unsigned least)
{
    static struct fake f;
    memset(&f, 0, sizeof f);
    void *library = dlopen(fixture(name), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_msg("%s", dlerror());
    struct link_map *map;
    assert_int_equal(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
    const struct birth_case *cases = dlsym(library, "birth_cases");
    const struct birth_last *last = dlsym(library, "birth_last");
    fake_map(&f, 0, 0);
    assert_true(fake_elf(&f, fixture(name), map->l_addr, true));
    f.source.exe = fixture(name);
    struct prof_symbols *symbols = fake_open(&f, NULL);
    unsigned known = 0, wrong = 0;
    bool bare = strstr(name, "bare") != NULL;
    for (const struct birth_case *c = cases; c->name != NULL; c++) {
        c->run();
        uint64_t pc = (uint64_t)last->pc;
        uint32_t stack = fake_stack(&f, 0, 1, &pc);
        char found[256], again[256];
        describe(symbols, stack, last->size, found, sizeof found);
        describe(symbols, stack, last->size, again, sizeof again);
        assert_string_equal(found, again);
        known += found[0] != '\0';
        bool full = strstr(name, "-0") != NULL && !(bare && (c->needs_source || strstr(name, "++") != NULL));
        if (getenv("VERBOSE") != NULL)
            print_message("%s %s: %s (%s)\n", name, c->name, found, c->want);
        if (!allowed(found, c->want, full) && !(bare && c->bare != NULL && allowed(found, c->bare, false))) {
            print_message("%s: %s is \"%s\", expected \"%s\"\n", name, c->name, found, c->want);
            wrong++;
        }
    }
    print_message("%s: %u known\n", name, known);
    prof_symbols_destroy(symbols);
    dlclose(library);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
