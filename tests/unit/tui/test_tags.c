/* Tags: on and off, by table; the expression that selects them is one that --where takes and that selects just them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <query.h>
#include <tags.h>

static const struct prof_column columns[] = {
    { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT },
    { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },
};

/* Does the expression of these tags select a row? */
static bool selects(const struct tui_tags *tags, const char *where, const char *name, uint64_t live)
{
    const struct prof_cell row[] = { { .text = name }, { .number = live } };
    struct prof_filter *filter;
    char *text = tui_tags_where(tags, "types", "type", where);
    assert_non_null(text);
    struct prof_error *error = prof_filter_create(columns, 2, text, &filter);
    if (error != NULL)
        fail_msg("%s: %s", text, error->message);
    bool matches = prof_filter_match(filter, row);
    prof_filter_destroy(filter);
    free(text);
    return matches;
}

static void test_toggle(void **state)
{
    (void)state;
    struct tui_tags tags = { .list = { .items = NULL } };
    assert_false(tui_tags_has(&tags, "types", "conn"));
    assert_true(tui_tags_toggle(&tags, "types", "conn"));
    assert_true(tui_tags_toggle(&tags, "types", "node"));
    assert_true(tui_tags_toggle(&tags, "objects", "conn"));
    assert_true(tui_tags_has(&tags, "types", "conn"));
    assert_false(tui_tags_has(&tags, "type", "conn"));
    assert_int_equal(tui_tags_count(&tags, "types"), 2);
    assert_true(tui_tags_toggle(&tags, "types", "conn"));
    assert_false(tui_tags_has(&tags, "types", "conn"));
    assert_int_equal(tui_tags_count(&tags, "types"), 1);
    tui_tags_clear(&tags, "types");
    assert_int_equal(tui_tags_count(&tags, "types"), 0);
    assert_int_equal(tui_tags_count(&tags, "objects"), 1);
    char name[16];
    for (int i = 1; i < TUI_TAGS_MOST; i++) {
        snprintf(name, sizeof name, "row %d", i);
        assert_true(tui_tags_toggle(&tags, "types", name));
    }
    assert_false(tui_tags_toggle(&tags, "types", "one more"));
    assert_true(tui_tags_toggle(&tags, "types", name)); /* untagging is always possible */
    tui_tags_deinit(&tags);
}

static void test_where(void **state)
{
    (void)state;
    struct tui_tags tags = { .list = { .items = NULL } };
    assert_false(selects(&tags, "", "conn", 1));
    assert_false(selects(&tags, "", "", 1));
    assert_true(tui_tags_toggle(&tags, "types", "struct conn"));
    assert_true(selects(&tags, "", "struct conn", 1));
    assert_false(selects(&tags, "", "struct connection", 1));
    assert_false(selects(&tags, "", "node", 1));
    assert_true(tui_tags_toggle(&tags, "types", "it's"));
    assert_true(tui_tags_toggle(&tags, "types", "'a' and \"b\""));
    assert_true(tui_tags_toggle(&tags, "types", "f(x) && y || !z"));
    assert_true(selects(&tags, "", "it's", 1));
    assert_true(selects(&tags, "", "'a' and \"b\"", 1));
    assert_true(selects(&tags, "", "f(x) && y || !z", 1));
    assert_false(selects(&tags, "", "its", 1));
    assert_true(selects(&tags, "live>2 || live==0", "it's", 3));
    assert_false(selects(&tags, "live>2 || live==0", "it's", 2));
    assert_false(selects(&tags, "live>2 || live==0", "node", 3));
    tui_tags_deinit(&tags);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_toggle), cmocka_unit_test(test_where) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
