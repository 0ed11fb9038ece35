/* page.h: a view that is one text: lines made of the answer to one question. What a line is about opens with Enter,
 * where it happened with the stack action. */
#ifndef TUI_PAGE_H
#define TUI_PAGE_H

#include <jansson.h>

#include "app.h"
#include "lines.h"

struct tui_page;
struct tui_page_spec {
    struct tui_view_ops ops; /* made by TUI_PAGE_OPS */
    const char *ask;         /* the question, about page->of; NULL: nothing is asked, `given` is the answer */
    void (*fill)(struct tui_page *page, const json_t *answer); /* adds to page->lines, which are empty */
    bool is_object;                                            /* the page of the object that it is about */
    const char *document; /* that --json has of the same (view.h: document); NULL: none */
    const char *command;  /* what prints the same, before the object: "reftrack why TRACE"; NULL: nothing does */
};
struct tui_page {
    struct tui_view view;
    const struct tui_page_spec *spec;
    struct tui_query query;
    struct tui_lines lines;
    json_t *given;
    uint64_t drawn; /* version of the answer that the lines were made of */
    enum prof_units drawn_units;
    bool fresh;    /* the lines are of that */
    bool unfolded; /* the text shows what it leaves out at first */
    char of[512];  /* an object as people write it; "" */
};

/* of: NULL: nothing. given: taken over. NULL: no memory. */
struct tui_view *tui_page_create(struct tui_app *app, const struct tui_page_spec *spec, const char *of, json_t *given);

/* Opens what a line is about: "Conn#12", "block#7", "@leak:3". */
void tui_page_open_target(struct tui_app *app, const char *target);
/* What the line under the cursor can do: open what it is about, show the stack. false: it is none of that. */
/* Opens the source of a place {file, line}, or (TUI_EDIT) the editor there; says it where that is not known. */
void tui_page_open_source(struct tui_app *app, const json_t *place, enum tui_action action);
bool tui_page_act_on_line(struct tui_app *app, const struct tui_lines *lines, enum tui_action action);

void tui_page_destroy(struct tui_view *base);
void tui_page_ask(struct tui_view *base);
void tui_page_draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area);
bool tui_page_act(struct tui_view *base, enum tui_action action);
void tui_page_title(const struct tui_view *base, char *buf, size_t size);
const char *tui_page_selected(const struct tui_view *base);
const char *tui_page_document(const struct tui_view *base, const char **ret_of);
bool tui_page_command(struct tui_view *base, const char *word, const char *rest);
void tui_page_mouse(struct tui_view *base, const struct tui_mouse *what);
bool tui_page_clear(struct tui_view *base);
void tui_page_command_line(const struct tui_view *base, char *buf, size_t size);

#define TUI_PAGE_OPS(word, action, shown_hints)                                                                        \
    {                                                                                                                  \
        .name = word, .tab = action, .hints = shown_hints, .destroy = tui_page_destroy, .ask = tui_page_ask,           \
        .draw = tui_page_draw, .act = tui_page_act, .title = tui_page_title, .selected = tui_page_selected,            \
        .command_line = tui_page_command_line, .document = tui_page_document, .scrolls = true,                         \
        .command = tui_page_command, .mouse = tui_page_mouse, .clear = tui_page_clear,                                 \
    }

#endif
