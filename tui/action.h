/* action.h: everything a user can do, in one table. Keys, hints, help and the prompt are made from it;
 * views are given actions, never keys. */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tui_action {
    TUI_NO_ACTION = 0,
    /* move */
    TUI_UP,
    TUI_DOWN,
    TUI_PAGE_UP,
    TUI_PAGE_DOWN,
    TUI_HALF_UP,
    TUI_HALF_DOWN,
    TUI_FIRST,
    TUI_LAST,
    TUI_LEFT,
    TUI_RIGHT,
    TUI_SIBLING_NEXT,
    TUI_SIBLING_PREVIOUS,
    TUI_PARENT,
    TUI_BIGGEST,
    /* views */
    TUI_OVERVIEW,
    TUI_TYPES,
    TUI_OBJECTS,
    TUI_CYCLES,
    TUI_LEAKS,
    TUI_SITES,
    TUI_DIFF,
    TUI_MARKS,
    TUI_GROWTH,
    TUI_LOG,
    TUI_OUTPUT,
    TUI_GENERATIONS,
    TUI_HELP,
    TUI_OPEN,
    TUI_BACK,
    TUI_NEXT_PANE,
    TUI_PREVIOUS_PANE,
    TUI_MAXIMISE,
    TUI_CLOSE,
    TUI_QUIT,
    /* of what is selected */
    TUI_REFERRERS,
    TUI_REFERENTS,
    TUI_WHY,
    TUI_STACK,
    TUI_COPY,
    TUI_SOURCE,
    TUI_EDIT,
    TUI_UNFOLD,
    TUI_FOLD,
    TUI_FOLD_ALL,
    /* trees of calls */
    TUI_INVERT,
    TUI_LINES,
    TUI_ICICLE,
    /* lists */
    TUI_FIND,
    TUI_FIND_NEXT,
    TUI_FIND_PREVIOUS,
    TUI_FILTER,
    TUI_SORT,
    TUI_SORT_NEXT,
    TUI_SORT_PREVIOUS,
    TUI_SORT_REVERSE,
    TUI_COLUMNS,
    TUI_TAG,
    TUI_TAGGED,
    TUI_UNTAG,
    TUI_EXCLUDED,
    TUI_IGNORE,
    /* time */
    TUI_SET_MARK,
    TUI_DIFF_SINCE,
    TUI_TIMELINE,
    TUI_EARLIER,
    TUI_LATER,
    TUI_MARK_EARLIER,
    TUI_MARK_LATER,
    TUI_NOW,
    TUI_PAUSE,
    TUI_RECONNECT,
    TUI_REFRESH,
    /* the rest */
    TUI_EXPORT,
    TUI_UNITS,
    TUI_THEME,
    TUI_COMMAND,
    TUI_REDRAW,
    TUI_SUSPEND,
    TUI_ACTIONS
};

/* Where actions belong in the help. */
enum tui_group {
    TUI_GROUP_MOVE = 0,
    TUI_GROUP_VIEW,
    TUI_GROUP_ROW,
    TUI_GROUP_LIST,
    TUI_GROUP_TIME,
    TUI_GROUP_REST,
    TUI_GROUPS
};
extern const char *const tui_group_titles[TUI_GROUPS];

struct tui_action_info {
    const char *name; /* "page-down": at the prompt */
    const char *keys; /* "PgDn C-f" */
    const char *word; /* "Open": hints at the bottom; NULL: never there */
    const char *help; /* one line */
    enum tui_group group;
};
/* By enum tui_action; the first is empty. */
extern const struct tui_action_info tui_actions[TUI_ACTIONS];

/* TUI_NO_ACTION: no such name. */
enum tui_action tui_action_named(const char *name);

/* ---- Keys ---- */
/* Names of views, as their title lines have them; ended by NULL. */
extern const char *const tui_view_names[];
/* The one of these that equals name; NULL: none. */
const char *tui_view_named(const char *name);

enum { TUI_BINDINGS = 256 };
struct tui_keymap {
    size_t count;
    struct {
        uint32_t key;
        enum tui_action action;
        const char *view; /* of tui_view_names: only there; NULL: wherever the view has no binding of its own */
    } binding[TUI_BINDINGS];
};

/* The keys of the table. */
void tui_keymap_init(struct tui_keymap *map);
/* A key does what it did not do before; TUI_NO_ACTION: nothing any more. view: of tui_view_names, NULL: everywhere.
 * false: too many bindings. */
bool tui_keymap_bind(struct tui_keymap *map, const char *view, uint32_t key, enum tui_action action);
/* What a key does in a view; NULL: in those without a binding of their own. */
enum tui_action tui_keymap_find(const struct tui_keymap *map, const char *view, uint32_t key);
/* All keys of an action in a view: "Down j". Returns buf; "" when it has none. */
const char *tui_keymap_keys(const struct tui_keymap *map, const char *view, enum tui_action action, char *buf,
                            size_t size);
/* The first of them: "Down". */
const char *tui_keymap_key(const struct tui_keymap *map, const char *view, enum tui_action action, char *buf,
                           size_t size);

#endif
