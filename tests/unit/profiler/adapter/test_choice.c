/* test_choice.c: adapters of folders and of the command line: order, names, who stands for whom; what is left out; lack
 * of memory at every allocation. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/adapter.h>

#include "../base/failing.h"

static char folder[] = "/tmp/test-adapter-XXXXXX";
static unsigned told;

static char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_adapter(const char *file, const char *name)
{
    FILE *out = fopen(path_of(file), "w");
    assert_non_null(out);
    fprintf(out, "adapter %s\nlibrary lib%s.so\ntype t\nref %s_ref arg1\n", name, name, name);
    fclose(out);
}

static void tell(void *data, struct prof_error *error)
{
    assert_ptr_equal(data, &told);
    told++;
    prof_error_destroy(error);
}

static int make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_of("shipped"), 0700), 0);
    assert_int_equal(mkdir(path_of("own"), 0700), 0);
    write_adapter("shipped/b.adapter", "bee");
    write_adapter("shipped/a.adapter", "ant");
    write_adapter("shipped/no.text", "not");
    write_adapter("own/mine.adapter", "bee");
    write_adapter("own/z.adapter", "bad name");
    write_adapter("given.adapter", "ant");
    return 0;
}

static int remove_all(void **state)
{
    static const char *const names[] = { "shipped/b.adapter",
                                         "shipped/a.adapter",
                                         "shipped/no.text",
                                         "own/mine.adapter",
                                         "own/z.adapter",
                                         "given.adapter",
                                         "shipped",
                                         "own",
                                         "" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(remove(path_of(names[i])), 0);
    return 0;
}

static struct prof_error *fill(struct prof_adapters **ret)
{
    struct prof_error *error = prof_adapters_create(ret);
    if (error == NULL)
        error = prof_adapters_add_folder(*ret, path_of("shipped"), PROF_ADAPTER_SHIPPED, tell, &told);
    if (error == NULL)
        error = prof_adapters_add_folder(*ret, path_of("own"), PROF_ADAPTER_USER, tell, &told);
    if (error == NULL)
        error = prof_adapters_add_folder(*ret, path_of("nowhere"), PROF_ADAPTER_USER, tell, &told);
    return error;
}

static void test_folders(void **state)
{
    struct prof_adapters *adapters;
    const struct prof_adapter_choice *list;
    (void)state;
    told = 0;
    assert_null(fill(&adapters));
    assert_int_equal(told, 1);
    assert_int_equal(prof_adapters_list(adapters, &list), 2);
    assert_string_equal(list[0].adapter->name, "ant");
    assert_string_equal(list[0].word, "a");
    assert_null(list[0].other);
    assert_int_equal(list[0].origin, PROF_ADAPTER_SHIPPED);
    assert_string_equal(list[1].adapter->name, "bee");
    assert_string_equal(list[1].word, "mine");
    assert_string_equal(list[1].other->path, path_of("shipped/b.adapter"));
    assert_int_equal(list[1].origin, PROF_ADAPTER_USER);
    assert_false(list[0].given || list[1].given);
    prof_adapters_destroy(adapters);
}

static void refuse(struct prof_adapters *adapters, const char *text, const char *words)
{
    const struct prof_adapter_choice *choice;
    struct prof_error *error = prof_adapters_give(adapters, text, NULL, NULL, &choice);
    assert_non_null(error);
    if (strstr(error->message, words) == NULL)
        fail_msg("wanted '%s', got '%s'", words, error->message);
    prof_error_destroy(error);
}

static void test_given(void **state)
{
    struct prof_adapters *adapters;
    const struct prof_adapter_choice *choice, *list;
    (void)state;
    assert_null(fill(&adapters));
    assert_null(prof_adapters_give(adapters, "bee", NULL, NULL, &choice));
    assert_true(choice->given && choice->origin == PROF_ADAPTER_USER);
    assert_null(prof_adapters_give(adapters, "a", NULL, NULL, &choice));
    assert_string_equal(choice->adapter->name, "ant");
    assert_null(prof_adapters_give(adapters, path_of("given.adapter"), NULL, NULL, &choice));
    assert_true(choice->given && choice->origin == PROF_ADAPTER_GIVEN);
    assert_string_equal(choice->other->path, path_of("shipped/a.adapter"));
    assert_int_equal(prof_adapters_list(adapters, &list), 2);
    refuse(adapters, path_of("given.adapter"), "two adapters are called 'ant'");
    refuse(adapters, "bie", "did you mean 'bee'?");
    refuse(adapters, "elephant", "there are: ant, bee");
    refuse(adapters, path_of("none.adapter"), "No such file");
    refuse(adapters, path_of("own/z.adapter"), "z.adapter:1: ");
    prof_adapters_destroy(adapters);
    assert_null(prof_adapters_create(&adapters));
    refuse(adapters, "bee", "there are: none");
    prof_adapters_destroy(adapters);
}

static void test_memory(void **state)
{
    bool failed = true;
    (void)state;
    for (long n = 0; failed; n++) {
        struct prof_adapters *adapters = NULL;
        const struct prof_adapter_choice *choice;
        fail_after(n);
        struct prof_error *error = fill(&adapters);
        if (error == NULL)
            error = prof_adapters_give(adapters, path_of("given.adapter"), NULL, NULL, &choice);
        failed = has_failed();
        fail_after(-1);
        assert_true(error == NULL || error->code == PROF_ERROR_NO_MEMORY);
        assert_true(failed || error == NULL);
        prof_error_destroy(error);
        prof_adapters_destroy(adapters);
        assert_true(n < 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, make, remove_all);
}
