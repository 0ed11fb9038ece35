/* list.h: a table of the worker, or of the viewer, on the screen: rows come in windows around what is shown, whatever
 * their number; the cursor follows its row, not its line, from one snapshot to the next. */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include "app.h"
#include "menu.h"

enum tui_column_look {
    TUI_COLUMN_NAME,  /* cut in the middle */
    TUI_COLUMN_PLACE, /* a function and its line */
    TUI_COLUMN_TEXT,
    TUI_COLUMN_ALERT,  /* a text that begins with '!' when it is wrong, else with '~' */
    TUI_COLUMN_NUMBER, /* right-aligned, never cut */
    TUI_COLUMN_BAR,    /* a share as a bar */
    TUI_COLUMN_MORE,   /* a number with a sign: more is worth a look, less is good */
};
struct tui_column {
    const char *key; /* of the worker's table */
    const char *title;
    enum tui_column_look look;
    int rank;  /* where there is no room those with the highest rank go first; 0: stays */
    int width; /* at least; names and places get what is left */
};
struct tui_list_spec {
    const char *table;                /* of the worker */
    const struct tui_column *columns; /* ended by key NULL */
    const char *name;                 /* key of the column that says which row it is */
    const char *sort;                 /* at first */
    const char *note;                 /* below the rows, when there is room; NULL */
    const char *matches;              /* keys that a mere text filters by, with blanks between; NULL: name */
    const char *none;                 /* when there are no rows at all; NULL: the usual words */
    const char *excludes;             /* rows are left out until they are wanted: the column that says why; NULL */
    bool timed;                       /* from_us belongs to the question */
    bool local;                       /* the viewer knows the rows itself: tui_list_give */
};
enum { TUI_COLUMNS_MOST = 32, TUI_COLUMN_WORD = 24 };
struct tui_list {
    const struct tui_list_spec *spec;
    struct tui_app *app;
    struct {
        struct tui_column item[TUI_COLUMNS_MOST]; /* those of the spec, then the worker's others; ended by key NULL */
        bool shown[TUI_COLUMNS_MOST], usual[TUI_COLUMNS_MOST]; /* usual: unless somebody says otherwise */
        char key[TUI_COLUMNS_MOST][TUI_COLUMN_WORD], title[TUI_COLUMNS_MOST][TUI_COLUMN_WORD]; /* of the others */
        size_t count, own; /* own: how many are of the spec */
    } columns;
    struct tui_query query;
    char where[2 * TUI_PROMPT_MOST], sort[64], find[128];
    char typed[TUI_PROMPT_MOST]; /* what `where` was made of */
    char type[256];              /* objects: only of this one; "" all */
    uint64_t from_us;            /* differences: their begin */
    json_t *under;               /* objects: only those that this says of work.h; owned, NULL: all */
    char under_words[256];       /* the same for people */
    char selected[512];          /* name of the row under the cursor */
    uint64_t snapshot;           /* that the cursor was placed in */
    size_t cursor, top, page, total;
    bool seek, seek_back; /* a search is under way */
    bool tagged, all;     /* only tagged rows; also those that are left out at first */
    bool idle;            /* keys go elsewhere: no cursor is shown */
    bool remembered;      /* the order is that of an earlier session */
    bool keep;            /* it is asked where the row under the cursor is now */
};

void tui_list_init(struct tui_list *list, struct tui_app *app, const struct tui_list_spec *spec);
void tui_list_deinit(struct tui_list *list);
void tui_list_ask(struct tui_list *list);
/* Of a local list, before tui_list_ask: all rows there are, in the order in which they stand when they are not sorted:
 * {cells: [TEXT or null, ...], keys: [number or TEXT, ...]} by column of the spec. Takes over the reference. */
void tui_list_give(struct tui_list *list, json_t *rows);
void tui_list_draw(struct tui_list *list, struct tui_canvas *canvas, struct tui_area area);
/* Which rows, in which order: {table, where, sort, ...}. A new reference. */
json_t *tui_list_question(const struct tui_list *list);
bool tui_list_act(struct tui_list *list, enum tui_action action);
bool tui_list_command(struct tui_list *list, const char *word, const char *rest);
bool tui_list_clear(struct tui_list *list);
void tui_list_mouse(struct tui_list *list, const struct tui_mouse *mouse, struct tui_area area);
/* "3 of 14   sort retained v   where ..." */
void tui_list_title(const struct tui_list *list, char *buf, size_t size);
/* Adds what makes a command of reftrack print these rows in this order: the type, --where, --sort. */
void tui_list_command_line(const struct tui_list *list, char *buf, size_t size);
/* A cell of the row under the cursor; NULL: there is none. */
const char *tui_list_cell(const struct tui_list *list, const char *key);

/* Is this the first key that rows are ordered by, and the other way round? */
bool tui_list_sorted_by(const struct tui_list *list, const char *key, bool *ret_reverse);
/* From now on, and remembered. */
void tui_list_sort(struct tui_list *list, const char *key, bool reverse);

/* ---- Columns (list_columns.c) ---- */
void tui_list_columns_init(struct tui_list *list);
/* Adds those of an answer that are not there yet. */
void tui_list_columns_take(struct tui_list *list, const json_t *answer);
/* Opens the menu of orders (TUI_SORT) or of columns (TUI_COLUMNS). false: there are none. */
bool tui_list_menu(struct tui_list *list, enum tui_action action);

#endif
