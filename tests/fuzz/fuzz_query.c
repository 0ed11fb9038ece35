/* fuzz_query.c: any text as a --where expression and as a --sort list; what is accepted is then used. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct prof_column columns[] = {
    { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT },
    { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },
    { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    { .key = "share", .title = "SHARE", .kind = PROF_CELL_RATIO },
    { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR },
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };
static const struct prof_cell row[COLUMNS] = {
    { .text = "struct conn" }, { .number = 12 }, { .number = 4096 },
    { .number = 90000000 },    { .ratio = 0.5 }, { .number = 0x55d0 },
};
static const struct prof_cell other[COLUMNS] = { { .text = "" } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    struct prof_filter *filter;
    struct prof_error *error = prof_filter_create(columns, COLUMNS, text, &filter);
    if (error == NULL) {
        (void)prof_filter_match(filter, row);
        (void)prof_filter_match(filter, other);
        if (prof_filter_columns(filter) >> COLUMNS != 0)
            __builtin_trap();
        prof_filter_destroy(filter);
    }
    prof_error_destroy(error);
    struct prof_sort sort;
    error = prof_sort_parse(columns, COLUMNS, text, &sort);
    if (error == NULL && (prof_sort_compare(&sort, row, row) != 0 ||
                          (prof_sort_compare(&sort, row, other) > 0) != (prof_sort_compare(&sort, other, row) < 0)))
        __builtin_trap();
    prof_error_destroy(error);
    free(text);
    return 0;
}
