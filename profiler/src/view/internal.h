/* internal.h: what the files of the view layer share: the view itself, and how a table gathers its rows. */
#ifndef VIEW_INTERNAL_H
#define VIEW_INTERNAL_H

#include <base/arena.h>
#include <base/str.h>
#include <base/table.h>
#include <base/vec.h>
#include <prof/ledger.h>
#include <prof/view.h>

#include "query.h"

struct site_text {
    uint32_t stack;
    const char *text;
    UT_hash_handle hh;
};

struct apart;
struct prof_view {
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_findings *findings;     /* may be NULL */
    const struct prof_ledgers *ledgers; /* may be NULL */
    struct prof_arena arena;            /* tables */
    struct prof_intern texts;           /* text cells */
    struct site_text *sites;            /* stack id to the words of its site */
    struct apart *apart;                /* findings by what they read like, once has_apart */
    bool has_apart;
};

/* Cached, escaped words of a stack's site; "" for stack 0. NULL without memory. */
const char *view_site_text(struct prof_view *view, uint32_t stack);
/* The one thing to do about a finding, which others may read alike (describe.c); and behind it what tells it from these
 * (apart.c). */
char *view_action(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size);
void view_add_apart(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size);
void view_apart_deinit(struct prof_view *view);
/* A copy that lives as long as the view. NULL without memory. */
const char *view_text(struct prof_view *view, const char *text);

/* ---- Gathering rows
 * -------------------------------------------------------------------------------------------------- A source walks its
 * things and offers one row each. Cells that are dear (symbols) are filled at once only when --where or --sort look at
 * them; the rest is filled by `finish` for the rows that are kept. With a limit at most a few times as many rows are
 * held. */
enum { ROWS_COLUMNS_MAX = 24 };
struct rows {
    struct prof_view *view;
    const struct prof_column *columns;
    size_t column_count;
    struct prof_filter *filter;
    struct prof_sort sort;
    uint64_t top;
    uint32_t early; /* columns that --where or --sort look at */
    uint64_t total; /* rows that passed --where */
    PROF_VEC(struct prof_cell) cells;
    PROF_VEC(uint64_t) keys;    /* what `finish` needs, one for each row */
    PROF_VEC(uint64_t) numbers; /* order of offering: the last key of every sort */
    bool has_threshold;
    struct prof_cell threshold[ROWS_COLUMNS_MAX]; /* the worst row that can still be kept */
    bool failed;                                  /* no memory */
};
struct prof_error *rows_begin(struct rows *rows, struct prof_view *view, const struct prof_column *columns,
                              size_t count, const struct prof_query *query, const char *default_sort);
static inline bool rows_wants(const struct rows *rows, size_t column)
{
    return (rows->early >> column & 1) != 0;
}
/* Offers a row; text cells may be transient, NULL means that there was no memory for them. */
void rows_offer(struct rows *rows, const struct prof_cell *row, uint64_t key);
/* Sorts, cuts, finishes and hands over a table in the view's arena. Always ends `rows`. */
struct prof_error *rows_end(struct rows *rows, void (*finish)(struct rows *rows, struct prof_cell *row, uint64_t key),
                            const struct prof_table **ret);

struct prof_error *rows_types(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret);
struct prof_error *rows_objects(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret);
struct prof_error *rows_sites(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret);
struct prof_error *rows_marks(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret);
struct prof_error *rows_blocks(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret);

static inline struct prof_cell cell_text(const char *text)
{
    return (struct prof_cell){ .text = text };
}
static inline struct prof_cell cell_number(uint64_t number)
{
    return (struct prof_cell){ .number = number };
}
static inline struct prof_cell cell_none(void)
{
    return (struct prof_cell){ .none = true, .text = "" };
}

#endif
