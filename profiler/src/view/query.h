/* query.h: the --where and --sort languages over rows of cells. Internal to the view layer.
 *
 *     expr    := term { ('&&' | '||') term }            && binds tighter than ||
 *     term    := '!' term | '(' expr ')' | KEY [ OP VALUE ]
 *     OP      := '==' '=' '!=' '<' '<=' '>' '>=' '~' '!~'
 *     VALUE   := word without blanks, & | or parentheses; or 'quoted' or "quoted"
 *
 * KEY alone holds when the cell is known and neither zero nor empty. `~` on text: glob when VALUE has * ? or [, else
 * substring; both ignore the case. Sizes, times and ratios take units: size>=4KiB, age>60s, coverage<50%. A cell that
 * is not known fulfils no comparison but != and !~. */
#ifndef VIEW_QUERY_H
#define VIEW_QUERY_H

#include <prof/view.h>

struct prof_filter;
/* Compiles an expression for rows with these columns (borrowed: they must outlive the filter). PROF_ERROR_SYNTAX
 * names the column (from 1) in the text and the known keys. */
struct prof_error *prof_filter_create(const struct prof_column *columns, size_t column_count, const char *text,
                                      struct prof_filter **ret) __attribute__((warn_unused_result));
void prof_filter_destroy(struct prof_filter *filter);
bool prof_filter_match(const struct prof_filter *filter, const struct prof_cell *row);
/* Bit for each column the filter looks at; 0 for NULL. */
uint32_t prof_filter_columns(const struct prof_filter *filter);

enum { PROF_SORT_MAX = 8 };
struct prof_sort {
    size_t count;
    struct {
        size_t column;
        enum prof_cell_kind kind;
        bool ascending;
    } keys[PROF_SORT_MAX];
};
/* "KEY[,KEY]": numbers largest first, texts A to Z; "-KEY" the other way round. */
struct prof_error *prof_sort_parse(const struct prof_column *columns, size_t column_count, const char *text,
                                   struct prof_sort *ret) __attribute__((warn_unused_result));
/* Like strcmp. Cells that are not known come last in either direction. */
int prof_sort_compare(const struct prof_sort *sort, const struct prof_cell *a, const struct prof_cell *b);

#endif
