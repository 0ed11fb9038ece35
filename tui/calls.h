/* calls.h: what the screens about trees of calls share: which tree it is, and its numbers. */
#ifndef TUI_CALLS_H
#define TUI_CALLS_H

#include <jansson.h>

#include "app.h"

/* Which tree. */
struct tui_calls {
    bool by_callee, lines;
    int metric; /* index into tui_calls_metrics */
    char where[TUI_PROMPT_MOST];
};
struct tui_calls_metric {
    const char *key;   /* of nodes, and for --sort */
    const char *title; /* "LIVE BYTES" */
    const char *words; /* "live bytes" */
    int width;
};
enum { TUI_CALLS_METRICS = 4 };
extern const struct tui_calls_metric tui_calls_metrics[TUI_CALLS_METRICS];
/* -1: none of them. */
int tui_calls_metric_named(const char *key);

/* A question about a node of it: {ask, by, lines, where, sort, way}. way: borrowed. */
json_t *tui_calls_question(const struct tui_calls *calls, const char *ask, json_t *way);
/* The number of a node in a column, as people read it: "5.1 MiB", "~31". Returns buf. */
const char *tui_calls_number(const json_t *node, int metric, enum prof_units units, char *buf, size_t size);
/* Does what an action means for the tree itself: another metric, the other direction, lines. true: it did, and
 * *ret_anew: the ways to nodes are others now. */
bool tui_calls_act(struct tui_calls *calls, enum tui_action action, bool *ret_anew);
/* A menu of the metrics. */
void tui_calls_menu(struct tui_calls *calls, struct tui_app *app);
/* "--tree --by callee --sort open --where '...'". */
void tui_calls_command_line(const struct tui_calls *calls, char *buf, size_t size);
/* Why nothing can be drawn of an answer: it is on its way, it is an error, nothing matches. true: it was said. */
bool tui_calls_say(const struct tui_calls *calls, const struct tui_app *app, const struct tui_query *query,
                   struct tui_canvas *canvas, struct tui_area area);

#endif
