/* order_words.h: the texts of objects where very many are compared: as numbers. Internal to the orders (order.c). */
#ifndef VIEW_ORDER_WORDS_H
#define VIEW_ORDER_WORDS_H

#include "object_cells.h"

/* Of a column, where many objects share a value: its texts in order, and which of them each value has. */
struct order_dictionary {
    PROF_VEC(uint32_t) rank;     /* by value; while it is gathered: 1 it occurs */
    PROF_VEC(const char *) text; /* by rank */
};
struct order_words {
    struct prof_view *view;
    uint32_t columns; /* that have a dictionary */
    struct order_dictionary of[OBJECT_COLUMNS];
    uint32_t *type_rank; /* by type: place among the names, for OBJECT_NAME; NULL: not needed */
};

/* columns: that are looked at. false: no memory. */
bool order_words_init(struct order_words *words, struct prof_view *view, uint32_t columns);
void order_words_deinit(struct order_words *words);
/* Must the values of all objects be seen first? */
bool order_words_wanted(const struct order_words *words);
struct prof_error *order_words_gather(struct order_words *words, prof_obj_id begin, prof_obj_id end);
struct prof_error *order_words_end(struct order_words *words);

/* As object_cell, for --where. */
struct prof_cell order_words_cell(const struct order_words *words, prof_obj_id id, enum object_column column,
                                  struct object_texts *texts);
/* In the order of the cells of a column, ascending. *ret_known: false where the cell is not known. */
uint64_t order_words_key(const struct order_words *words, prof_obj_id id, enum object_column column, bool *ret_known);

/* ---- Searching ---- */

/* For one text: which values, and which types, have it in their words. Zero-initialize. */
struct order_memo {
    char *text;
    PROF_VEC(uint8_t) has[OBJECT_COLUMNS]; /* by value, OBJECT_NAME by type: 0 not known, 1 no, 2 yes */
};
/* Begins anew when it is another text. false: no memory. */
bool order_memo_for(struct order_memo *memo, const char *text);
bool order_memo_has(struct order_memo *memo, struct prof_view *view, prof_obj_id id, struct prof_error **ret_error);
void order_memo_deinit(struct order_memo *memo);

#endif
