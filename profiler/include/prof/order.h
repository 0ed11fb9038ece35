/* prof/order.h: all objects of a moment in the order of a query, as an index: rows are made for the part that is looked
 * at, whatever their number.
 *
 * Layer view. The same rows in the same order as prof_view_table(PROF_TABLE_OBJECTS) has them, but nothing takes long:
 * one pass over the objects, done in steps of the caller's size, puts each into one of at most 255 ranges of the first
 * sort key; a range is sorted when somebody looks into it. About 5 bytes for each object of the heap that is chosen and
 * 1 for each other id, while `context`, `scope` and the like are sorted by or asked for 4 for each of their values.
 *
 * An order borrows its view, which must outlive it, and does not follow changes. Not thread-safe. */
#ifndef PROF_ORDER_H
#define PROF_ORDER_H

#include <prof/view.h>

struct prof_order;

/* query: as for the table of objects, `top` is not looked at; copied. Errors are those of prof_view_table. */
struct prof_error *prof_order_create(struct prof_view *view, const struct prof_query *query, struct prof_order **ret);
void prof_order_destroy(struct prof_order *order);
/* Goes on by about so many objects (65 536 take some milliseconds). *ret_done: there is nothing left to do. */
struct prof_error *prof_order_go_on(struct prof_order *order, uint64_t objects, bool *ret_done);
/* Of the way to being done: 0 to 1. */
double prof_order_share(const struct prof_order *order);

/* ---- Once it is done ---- */
uint64_t prof_order_total(const struct prof_order *order);
/* Rows first, first+1, ...; fewer at the end. Valid until the next call. */
struct prof_error *prof_order_rows(struct prof_order *order, uint64_t first, uint64_t count,
                                   const struct prof_table **ret);
/* Where an object stands; false: it is not among them. */
bool prof_order_place(struct prof_order *order, prof_obj_id id, uint64_t *ret);

/* The next row with a text (in any column of texts, in whatever case) behind or before a row; at the end it goes on at
 * the other end, and comes back to the row itself last. */
struct prof_order_search {
    const char *text; /* borrowed */
    bool back;
    uint64_t at;   /* the row that it begins at; later, where it is */
    uint64_t left; /* rows not looked at: at first prof_order_total */
    bool found;    /* `at` has it */
};
/* Looks at so many rows; over when it is found or nothing is left. */
struct prof_error *prof_order_search(struct prof_order *order, struct prof_order_search *search, uint64_t rows);

#endif
