/* view.h: what a screen is. A view draws what it knows on a canvas, asks the source for what it does not know, and does
 * the actions that concern it; it never waits. See app.h for what surrounds it. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "action.h"
#include "canvas.h"
#include "key.h"

struct tui_app;
struct tui_list;
struct tui_view;

/* A part of the canvas. */
struct tui_area {
    int y, x, height, width;
};

struct tui_view_ops {
    const char *name;             /* "types": in the title line */
    enum tui_action tab;          /* the action that opens it, TUI_NO_ACTION: none of the tabs */
    const enum tui_action *hints; /* at the bottom, most useful first; ended by TUI_NO_ACTION */
    void (*destroy)(struct tui_view *view);
    void (*ask)(struct tui_view *view); /* before it is drawn: asks for what is missing */
    void (*draw)(struct tui_view *view, struct tui_canvas *canvas, struct tui_area area);
    /* false: it is none of this view's. */
    bool (*act)(struct tui_view *view, enum tui_action action);
    /* Position, order, filter: what the title line says behind the name. May be NULL. */
    void (*title)(const struct tui_view *view, char *buf, size_t size);
    /* What is selected, as people write it ("Conn#12"); "" nothing. May be NULL. */
    const char *(*selected)(const struct tui_view *view);
    /* `:word rest` and prompts: where, sort, find. false: it does not know the word. May be NULL. */
    bool (*command)(struct tui_view *view, const char *word, const char *rest);
    /* A click, rows and columns of the canvas. May be NULL. */
    void (*mouse)(struct tui_view *view, const struct tui_mouse *mouse);
    /* The command of reftrack that prints the same; "" none. May be NULL. */
    void (*command_line)(const struct tui_view *view, char *buf, size_t size);
    bool scrolls; /* it may be longer than the screen, and draws all of it on a higher one */
    /* The document of --json that says the same, and what it is of ("Conn#12"; may stay as it is): "object", "why",
     * "referrers", "referents", "growth", "info". NULL: there is none. May be NULL. */
    const char *(*document)(const struct tui_view *view, const char **ret_of);
    const char
        *flat; /* the table of the worker that has the same without its shape: what is exported of a tree; NULL */
    /* The list that has the cursor. May be NULL: the view is no list. */
    struct tui_list *(*list)(struct tui_view *view);
    /* Is there a filter, a search: what Esc clears before it goes back. May be NULL. */
    bool (*clear)(struct tui_view *view);
    bool follows; /* what it shows changes without the source: it is drawn anew several times a second */
};

/* The head of every view. */
struct tui_view {
    const struct tui_view_ops *ops;
    struct tui_app *app;
};

/* All views. NULL: no memory. */
struct tui_view *tui_view_overview(struct tui_app *app);
struct tui_view *tui_view_types(struct tui_app *app);
struct tui_view *tui_view_objects(struct tui_app *app, const char *type); /* NULL: all */
/* Those that were born below a node of a tree of calls. words: what it is called; under: the question about the node,
 * taken over. */
struct tui_view *tui_view_objects_under(struct tui_app *app, const char *words, json_t *under);
struct tui_view *tui_view_object(struct tui_app *app, const char *of);
struct tui_view *tui_view_why(struct tui_app *app, const char *of);
struct tui_view *tui_view_stack(struct tui_app *app, json_t *place);  /* {stack: []}, as documents have it; borrowed */
struct tui_view *tui_view_birth(struct tui_app *app, const char *of); /* the stack that an object was born in */
struct tui_view *tui_view_growth(struct tui_app *app);
struct tui_view *tui_view_leaks(struct tui_app *app, size_t row); /* the one that is selected at first */
struct tui_view *tui_view_cycles(struct tui_app *app);
struct tui_view *tui_view_links(struct tui_app *app, const char *of, bool in);
struct tui_view *tui_view_sites(struct tui_app *app);      /* as a tree of calls */
struct tui_view *tui_view_flat_sites(struct tui_app *app); /* as a table */
/* Of a node of a tree of calls: keys from the root, borrowed. */
struct tui_calls;
struct tui_view *tui_view_icicle(struct tui_app *app, const struct tui_calls *calls, json_t *way);
struct tui_view *tui_view_source(struct tui_app *app, const char *file, unsigned line); /* file: as frames name it */
struct tui_view *tui_view_marks(struct tui_app *app);
/* since_mark: from the mark before this moment on, else from the begin. */
struct tui_view *tui_view_diff(struct tui_app *app, bool since_mark);
struct tui_view *tui_view_diff_from(struct tui_app *app, uint64_t from_us); /* 0: from the begin */
struct tui_view *tui_view_log(struct tui_app *app);
struct tui_view *tui_view_generations(struct tui_app *app);
struct tui_view *tui_view_output(struct tui_app *app);                     /* of the file app->output */
struct tui_view *tui_view_ignore(struct tui_app *app, const char *number); /* of a finding; asks for the file */
struct tui_view *tui_view_help(struct tui_app *app);

#endif
