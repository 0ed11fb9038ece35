/* The --where and --sort languages: what holds, what is refused and how, and random expressions against an oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

enum { TYPE, LIVE, BYTES, AGE, SHARE, ADDR, COLUMNS };
#define COLUMN(k, t, c)                                                                                                \
    {                                                                                                                  \
        .key = (k), .title = (t), .kind = (c)                                                                          \
    }
static const struct prof_column columns[COLUMNS] = {
    COLUMN("type", "TYPE", PROF_CELL_TEXT),    COLUMN("live", "LIVE", PROF_CELL_COUNT),
    COLUMN("bytes", "BYTES", PROF_CELL_BYTES), COLUMN("age", "AGE", PROF_CELL_TIME),
    COLUMN("share", "SHARE", PROF_CELL_RATIO), COLUMN("addr", "ADDR", PROF_CELL_ADDR),
};
static const struct prof_cell row[COLUMNS] = {
    { .text = "struct conn" }, { .number = 12 }, { .number = 4096 },
    { .number = 90000000 },    { .ratio = 0.5 }, { .number = 0x55d0 },
};

static bool matches(const char *where, const struct prof_cell *cells)
{
    struct prof_filter *filter;
    struct prof_error *error = prof_filter_create(columns, COLUMNS, where, &filter);
    if (error != NULL)
        fail_msg("%s: %s", where, error->message);
    bool result = prof_filter_match(filter, cells);
    prof_filter_destroy(filter);
    return result;
}

static void holds(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "live",
        "live>11",
        "live >= 12",
        "live==12",
        "live=12",
        "live!=13",
        "live<13&&bytes<=4KiB",
        "bytes>4000",
        "bytes==4K",
        "age>60s",
        "age<2m",
        "age==90",
        "share>=50%",
        "share>0.4",
        "addr==0x55d0",
        "type~conn",
        "type ~ CONN",
        "type~struct*",
        "type~'*con?'",
        "type!~json",
        "type=='struct conn'",
        "type==\"struct conn\"",
        "type",
        "!(live<12)",
        "!!live",
        "live<1 || live<2 || live==12",
        "live<1 && live<2 || live==12",
        "live==12 || live<1 && live<2",
        "(live==12 || live<1) && bytes>1",
        " ( ( live ) ) ",
        "live>-3",
    };
    static const char *const no[] = {
        "live<12",
        "bytes>4KiB",
        "!live",
        "type~json",
        "type~'struct'&&!type",
        "type~con[x]",
        "share>51%",
        "(live==12 || live<1) && bytes<1",
        "live==12 && !(bytes==4096)",
        "type!~conn",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!matches(yes[i], row))
            fail_msg("does not hold: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (matches(no[i], row))
            fail_msg("holds: %s", no[i]);
}

static void unknown_cells(void **state)
{
    (void)state;
    struct prof_cell none[COLUMNS];
    memcpy(none, row, sizeof none);
    none[LIVE].none = none[TYPE].none = true;
    assert_false(matches("live>0", none));
    assert_false(matches("live<=0", none));
    assert_false(matches("live==12", none));
    assert_true(matches("live!=12", none));
    assert_false(matches("live", none));
    assert_true(matches("!live", none));
    assert_false(matches("type~conn", none));
    assert_true(matches("type!~conn", none));
    struct prof_cell negative[COLUMNS];
    memcpy(negative, row, sizeof negative);
    negative[LIVE].number = (uint64_t)-2;
    assert_true(matches("live<0", negative));
    assert_true(matches("live==-2", negative));
    assert_false(matches("live>3", negative));
}

static void refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "column 1: the expression ends too early" },
        { "nosuch > 3", "column 1: no key 'nosuch'; known: type live bytes age share addr" },
        { "live>1 && typo", "column 11: no key 'typo'; did you mean 'type'?" },
        { "live>", "column 6: a value is missing" },
        { "live>1 &&", "column 10: the expression ends too early" },
        { "live>1 & type", "column 8: '&&'" },
        { "live>1 type", "column 8: '&&'" },
        { "(live>1", "column 1: this '(' is never closed" },
        { "live>1)", "column 7: this ')' has no '('" },
        { "live>many", "column 6: this key wants a number" },
        { "bytes>3s", "column 7: this key wants a size" },
        { "age>3KiB", "column 5: this key wants a time" },
        { "share>x", "column 7: this key wants a share" },
        { "live~1", "column 1: '~' compares texts" },
        { "type~'abc", "column 6: the quotation has no end" },
        { "&& live", "column 1: a key is expected" },
        { "()", "column 2: a key is expected" },
        { "\033[31m>1", "column 1: a key is expected" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct prof_filter *filter = (struct prof_filter *)&filter;
        struct prof_error *error = prof_filter_create(columns, COLUMNS, rows[i][0], &filter);
        if (error == NULL)
            fail_msg("'%s' was taken", rows[i][0]);
        assert_int_equal(error->code, PROF_ERROR_SYNTAX);
        if (strstr(error->message, rows[i][1]) == NULL)
            fail_msg("'%s': %s", rows[i][0], error->message);
        assert_ptr_equal(filter, (struct prof_filter *)&filter); /* untouched */
        prof_error_destroy(error);
    }
}

static void sorting(void **state)
{
    (void)state;
    struct prof_sort sort;
    struct prof_cell a[COLUMNS], b[COLUMNS];
    memcpy(a, row, sizeof a);
    memcpy(b, row, sizeof b);
    b[LIVE].number = 13;
    b[TYPE].text = "abc";
    assert_null(prof_sort_parse(columns, COLUMNS, "live", &sort));
    assert_true(prof_sort_compare(&sort, a, b) > 0); /* largest first */
    assert_null(prof_sort_parse(columns, COLUMNS, "-live", &sort));
    assert_true(prof_sort_compare(&sort, a, b) < 0);
    assert_null(prof_sort_parse(columns, COLUMNS, "type", &sort));
    assert_true(prof_sort_compare(&sort, a, b) > 0); /* A to Z */
    assert_null(prof_sort_parse(columns, COLUMNS, "bytes,-type", &sort));
    assert_true(prof_sort_compare(&sort, a, b) < 0);
    a[LIVE].none = true;
    assert_null(prof_sort_parse(columns, COLUMNS, "live", &sort));
    assert_true(prof_sort_compare(&sort, a, b) > 0); /* unknown last, */
    assert_null(prof_sort_parse(columns, COLUMNS, "-live", &sort));
    assert_true(prof_sort_compare(&sort, a, b) > 0); /* in both directions */
    struct prof_error *error = prof_sort_parse(columns, COLUMNS, "live,size", &sort);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "--sort, column 6: no key 'size'"));
    prof_error_destroy(error);
    error = prof_sort_parse(columns, COLUMNS, "", &sort);
    assert_non_null(error);
    prof_error_destroy(error);
    error = prof_sort_parse(columns, COLUMNS, "age,age,age,age,age,age,age,age,age", &sort);
    assert_non_null(error);
    prof_error_destroy(error);
}

/* ---- Random expressions against an oracle that is written as they are generated ---- */
static unsigned seed = 4711;
static unsigned rnd(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % n;
}

static size_t room_used;
static char expression[4096];

static void add(const char *text)
{
    size_t length = strlen(text);
    assert_true(room_used + length < sizeof expression);
    memcpy(expression + room_used, text, length + 1);
    room_used += length;
}

/* Writes a random expression and returns whether it holds for `row`. */
static bool generate(unsigned depth)
{
    if (depth == 0 || rnd(3) == 0) {
        static const char *const operators[] = { "==", "!=", "<", "<=", ">", ">=" };
        unsigned op = rnd(6), value = 10 + rnd(5);
        char text[64];
        snprintf(text, sizeof text, "%slive%s%s%s%u", rnd(2) ? " " : "", rnd(2) ? " " : "", operators[op],
                 rnd(2) ? " " : "", value);
        add(text);
        unsigned live = 12;
        return op == 0   ? live == value
               : op == 1 ? live != value
               : op == 2 ? live < value
               : op == 3 ? live <= value
               : op == 4 ? live > value
                         : live >= value;
    }
    switch (rnd(3)) {
    case 0: {
        add("!(");
        bool inner = generate(depth - 1);
        add(")");
        return !inner;
    }
    case 1: {
        add("(");
        bool left = generate(depth - 1);
        add(" || ");
        bool right = generate(depth - 1);
        add(")");
        return left || right;
    }
    default: {
        /* without parentheses: a || b && c */
        add("(");
        bool a = generate(0);
        add("||");
        bool b = generate(0);
        add("&&");
        bool c = generate(0);
        add(" )");
        return a || (b && c);
    }
    }
}

static void random_expressions(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        room_used = 0;
        bool expected = generate(4);
        if (matches(expression, row) != expected)
            fail_msg("%s should %s", expression, expected ? "hold" : "not hold");
    }
}

/* Any bytes: an error with a message, or a filter; never more. */
static void random_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "live bytes type<>=!~&|()'\"12K*[\\\033\xff";
    for (int i = 0; i < 20000; i++) {
        char text[24];
        size_t length = rnd(sizeof text - 1);
        for (size_t k = 0; k < length; k++)
            text[k] = alphabet[rnd(sizeof alphabet - 1)];
        text[length] = '\0';
        struct prof_filter *filter;
        struct prof_error *error = prof_filter_create(columns, COLUMNS, text, &filter);
        if (error == NULL) {
            prof_filter_match(filter, row);
            prof_filter_destroy(filter);
        } else {
            assert_non_null(strstr(error->message, "--where, column "));
            prof_error_destroy(error);
        }
    }
}

static void deep(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    char *text = malloc(2 * DEPTH + 16);
    memset(text, '(', DEPTH);
    memcpy(text + DEPTH, "live", 4);
    memset(text + DEPTH + 4, ')', DEPTH);
    text[2 * DEPTH + 4] = '\0';
    assert_true(matches(text, row));
    memset(text, '!', DEPTH);
    text[DEPTH + 4] = '\0';
    assert_true(matches(text, row));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds),   cmocka_unit_test(unknown_cells),      cmocka_unit_test(refused),
        cmocka_unit_test(sorting), cmocka_unit_test(random_expressions), cmocka_unit_test(random_bytes),
        cmocka_unit_test(deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
