/* action.c: the table of actions, and which keys they have. See action.h. */
#include "action.h"

#include <stdio.h>
#include <string.h>

#include "key.h"

const char *const tui_group_titles[TUI_GROUPS] = {
    [TUI_GROUP_MOVE] = "Move",  [TUI_GROUP_VIEW] = "Views", [TUI_GROUP_ROW] = "What is selected",
    [TUI_GROUP_LIST] = "Lists", [TUI_GROUP_TIME] = "Time",  [TUI_GROUP_REST] = "The rest",
};

// clang-format off
const struct tui_action_info tui_actions[TUI_ACTIONS] = {
    [TUI_UP] = { "up", "Up k", NULL, "one line up", TUI_GROUP_MOVE },
    [TUI_DOWN] = { "down", "Down j", NULL, "one line down", TUI_GROUP_MOVE },
    [TUI_PAGE_UP] = { "page-up", "PgUp C-b", NULL, "one page up", TUI_GROUP_MOVE },
    [TUI_PAGE_DOWN] = { "page-down", "PgDn C-f", NULL, "one page down", TUI_GROUP_MOVE },
    [TUI_HALF_UP] = { "half-page-up", "C-u", NULL, "half a page up", TUI_GROUP_MOVE },
    [TUI_HALF_DOWN] = { "half-page-down", "C-d", NULL, "half a page down", TUI_GROUP_MOVE },
    [TUI_FIRST] = { "first", "Home g", NULL, "to the first line", TUI_GROUP_MOVE },
    [TUI_LAST] = { "last", "End G", NULL, "to the last line", TUI_GROUP_MOVE },
    [TUI_LEFT] = { "left", "Left", "Earlier", "trees: fold, or to the parent; strip of time: travel back", TUI_GROUP_MOVE },
    [TUI_RIGHT] = { "right", "Right", "Later", "trees: unfold; strip of time: travel on", TUI_GROUP_MOVE },
    [TUI_SIBLING_NEXT] = { "next-sibling", "J", "Next", "trees: to the next of the same level; source: to the next line with a number", TUI_GROUP_MOVE },
    [TUI_SIBLING_PREVIOUS] = { "previous-sibling", "K", NULL, "trees: to the one before it; source: to the line before with a number", TUI_GROUP_MOVE },
    [TUI_PARENT] = { "parent", "u", NULL, "trees: to the parent", TUI_GROUP_MOVE },
    [TUI_BIGGEST] = { "biggest", "l", "Biggest", "trees: to the biggest child; source: to the line with most", TUI_GROUP_MOVE },

    [TUI_OVERVIEW] = { "overview", "1", NULL, "is something wrong, and where", TUI_GROUP_VIEW },
    [TUI_TYPES] = { "types", "2", NULL, "how many of each type, their sizes", TUI_GROUP_VIEW },
    [TUI_OBJECTS] = { "objects", "3", NULL, "all objects", TUI_GROUP_VIEW },
    [TUI_CYCLES] = { "cycles", "4", NULL, "objects that keep each other alive", TUI_GROUP_VIEW },
    [TUI_LEAKS] = { "leaks", "5", NULL, "verdicts and their evidence", TUI_GROUP_VIEW },
    [TUI_SITES] = { "sites", "6", NULL, "where memory and references are taken, as a tree", TUI_GROUP_VIEW },
    [TUI_DIFF] = { "diff", "7", NULL, "what changed between two moments", TUI_GROUP_VIEW },
    [TUI_MARKS] = { "marks", "8", NULL, "the named moments", TUI_GROUP_VIEW },
    [TUI_GROWTH] = { "growth", "0", NULL, "what becomes more, who holds it, what stopped removing it", TUI_GROUP_VIEW },
    [TUI_LOG] = { "log", "9", NULL, "messages, losses, what could not be read", TUI_GROUP_VIEW },
    [TUI_GENERATIONS] = { "generations", "a", NULL, "who survived how many passes, what died in between, what passes found", TUI_GROUP_VIEW },
    [TUI_OUTPUT] = { "output", "f", NULL, "what the program writes, if it was started with run --tui", TUI_GROUP_VIEW },
    [TUI_HELP] = { "help", "? h F1", "Help", "keys, columns, about", TUI_GROUP_VIEW },
    [TUI_OPEN] = { "open", "Enter", "Open", "open what is selected", TUI_GROUP_VIEW },
    [TUI_BACK] = { "back", "Esc Backspace", "Back", "leave the prompt, clear the filter, or back one view", TUI_GROUP_VIEW },
    [TUI_NEXT_PANE] = { "next-pane", "Tab", "Pane", "to the next pane", TUI_GROUP_VIEW },
    [TUI_PREVIOUS_PANE] = { "previous-pane", "S-Tab", NULL, "to the pane before", TUI_GROUP_VIEW },
    [TUI_MAXIMISE] = { "maximise", "O", NULL, "this pane alone, or all of them again", TUI_GROUP_VIEW },
    [TUI_CLOSE] = { "close", "q", "Quit", "close the view; the first one: quit", TUI_GROUP_VIEW },
    [TUI_QUIT] = { "quit", "Q C-c", NULL, "quit", TUI_GROUP_VIEW },

    [TUI_REFERRERS] = { "referrers", "r", "In", "who holds it", TUI_GROUP_ROW },
    [TUI_REFERENTS] = { "referents", "o", "Out", "what it holds", TUI_GROUP_ROW },
    [TUI_WHY] = { "why", "w", "Why alive", "the shortest ways from what lives by itself", TUI_GROUP_ROW },
    [TUI_STACK] = { "stack", "v", "Stack", "the whole call stack", TUI_GROUP_ROW },
    [TUI_COPY] = { "copy", "y", "Copy", "its name to the clipboard of the terminal", TUI_GROUP_ROW },
    [TUI_SOURCE] = { "source", "S", "Source", "its line in the source, with what happened at each line", TUI_GROUP_ROW },
    [TUI_EDIT] = { "edit", "E", "Edit", "its line in $VISUAL or $EDITOR", TUI_GROUP_ROW },
    [TUI_UNFOLD] = { "unfold", "+", NULL, "show what is below it, or the pairs that are folded", TUI_GROUP_ROW },
    [TUI_FOLD] = { "fold", "-", "Fold", "hide it again", TUI_GROUP_ROW },
    [TUI_FOLD_ALL] = { "fold-all", "*", NULL, "unfold everything below it, or fold it", TUI_GROUP_ROW },

    [TUI_INVERT] = { "invert", "t", "Invert", "sites: callers or callees first; source: sums of sites, or of all frames", TUI_GROUP_LIST },
    [TUI_LINES] = { "lines", "L", NULL, "sites: lines of one function apart, or together", TUI_GROUP_LIST },
    [TUI_ICICLE] = { "icicle", "F", "Icicle", "sites: what is below as boxes as wide as their share", TUI_GROUP_LIST },
    [TUI_FIND] = { "find", "/", "Find", "find a text", TUI_GROUP_LIST },
    [TUI_FIND_NEXT] = { "find-next", "n", NULL, "the next one", TUI_GROUP_LIST },
    [TUI_FIND_PREVIOUS] = { "find-previous", "N", NULL, "the one before", TUI_GROUP_LIST },
    [TUI_FILTER] = { "filter", "\\ F4", "Filter", "only rows with a text, or for which a --where expression holds", TUI_GROUP_LIST },
    [TUI_SORT] = { "sort", "s F6", "Sort", "choose the column to sort by", TUI_GROUP_LIST },
    [TUI_SORT_NEXT] = { "sort-next", ">", NULL, "sort by the next column", TUI_GROUP_LIST },
    [TUI_SORT_PREVIOUS] = { "sort-previous", "<", NULL, "sort by the column before", TUI_GROUP_LIST },
    [TUI_SORT_REVERSE] = { "sort-reverse", "I", NULL, "the other way round", TUI_GROUP_LIST },
    [TUI_TAG] = { "tag", "Space", "Tag", "tag the row, or untag it, and go on to the next", TUI_GROUP_LIST },
    [TUI_TAGGED] = { "tagged", "&", NULL, "only tagged rows, or all again", TUI_GROUP_LIST },
    [TUI_UNTAG] = { "untag", "U", NULL, "untag all rows of the list", TUI_GROUP_LIST },
    [TUI_EXCLUDED] = { "excluded", "x", "Excluded", "findings: also those held by design or suppressed", TUI_GROUP_LIST },
    [TUI_IGNORE] = { "ignore", "i", "Ignore", "findings: the lines that suppress it, and the file for them", TUI_GROUP_LIST },
    [TUI_COLUMNS] = { "columns", "c", "Columns", "choose which columns are shown", TUI_GROUP_LIST },

    [TUI_SET_MARK] = { "mark", "m", "Mark", "name this moment: a mark in the trace of what runs, else a bookmark", TUI_GROUP_TIME },
    [TUI_DIFF_SINCE] = { "diff-since", "d", "Diff", "what changed since the mark", TUI_GROUP_TIME },
    [TUI_TIMELINE] = { "timeline", "z", "Time", "show the strip of time and go there, or hide it", TUI_GROUP_TIME },
    [TUI_EARLIER] = { "earlier", "{", NULL, "travel: one step back in time", TUI_GROUP_TIME },
    [TUI_LATER] = { "later", "}", NULL, "travel: one step on in time", TUI_GROUP_TIME },
    [TUI_MARK_EARLIER] = { "mark-earlier", "[", "Mark before", "travel to the mark before; diff: its begin", TUI_GROUP_TIME },
    [TUI_MARK_LATER] = { "mark-later", "]", "Next mark", "travel to the next mark; diff: its end", TUI_GROUP_TIME },
    [TUI_NOW] = { "now", "@", "Now", "travel to the end, or to now", TUI_GROUP_TIME },
    [TUI_PAUSE] = { "pause", "p Z", "Pause", "stop the display, never the recording; or go on", TUI_GROUP_TIME },
    [TUI_RECONNECT] = { "reconnect", "R", "Reconnect", "look for the recording again", TUI_GROUP_TIME },
    [TUI_REFRESH] = { "refresh", "F5", NULL, "a new look now", TUI_GROUP_TIME },

    [TUI_EXPORT] = { "export", "e", "Export", "write all rows, or all of the view, to a file: .txt .csv .json", TUI_GROUP_REST },
    [TUI_UNITS] = { "units", "b", NULL, "bytes as KiB, as kB or as they are", TUI_GROUP_REST },
    [TUI_THEME] = { "theme", "T", NULL, "the next theme of colours", TUI_GROUP_REST },
    [TUI_COMMAND] = { "command", ":", "Command", "an action by its name, or a command (see below); Tab completes", TUI_GROUP_REST },
    [TUI_REDRAW] = { "redraw", "C-l", NULL, "draw the screen anew", TUI_GROUP_REST },
    [TUI_SUSPEND] = { "suspend", "C-z", NULL, "back to the shell; fg comes back", TUI_GROUP_REST },
};
// clang-format on

enum tui_action tui_action_named(const char *name)
{
    for (int i = 1; i < TUI_ACTIONS; i++)
        if (strcmp(tui_actions[i].name, name) == 0)
            return (enum tui_action)i;
    return TUI_NO_ACTION;
}

/* ---- Keys ---- */

const char *const tui_view_names[] = { "overview", "types",  "objects", "object",      "referrers", "referents",
                                       "why",      "cycles", "leaks",   "sites",       "diff",      "marks",
                                       "growth",   "log",    "help",    "ignore",      "stack",     "flat-sites",
                                       "icicle",   "source", "output",  "generations", NULL };

const char *tui_view_named(const char *name)
{
    for (size_t i = 0; tui_view_names[i] != NULL; i++)
        if (strcmp(tui_view_names[i], name) == 0)
            return tui_view_names[i];
    return NULL;
}

void tui_keymap_init(struct tui_keymap *map)
{
    map->count = 0;
    for (int i = 1; i < TUI_ACTIONS; i++) {
        uint32_t key;
        for (const char *at = tui_actions[i].keys; *at != '\0'; at += strspn(at, " "))
            if (!tui_key_parse(&at, &key) || !tui_keymap_bind(map, NULL, key, (enum tui_action)i))
                break; /* a unit test reads the whole table */
    }
}

static bool same_view(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The binding of just this view; map->count: none. */
static size_t binding_of(const struct tui_keymap *map, const char *view, uint32_t key)
{
    size_t i = 0;
    while (i < map->count && (map->binding[i].key != key || !same_view(map->binding[i].view, view)))
        i++;
    return i;
}

bool tui_keymap_bind(struct tui_keymap *map, const char *view, uint32_t key, enum tui_action action)
{
    size_t i = binding_of(map, view, key);
    if (i == TUI_BINDINGS)
        return false;
    map->binding[i].key = key;
    map->binding[i].view = view;
    map->binding[i].action = action;
    map->count += i == map->count;
    return true;
}

enum tui_action tui_keymap_find(const struct tui_keymap *map, const char *view, uint32_t key)
{
    size_t i = view != NULL ? binding_of(map, view, key) : map->count;
    if (i == map->count)
        i = binding_of(map, NULL, key);
    return i < map->count ? map->binding[i].action : TUI_NO_ACTION;
}

static const char *keys_of(const struct tui_keymap *map, const char *view, enum tui_action action, size_t most,
                           char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    /* those of the view alone come first */
    for (size_t k = 0; k < 2 * map->count && most > 0; k++) {
        size_t i = k % map->count;
        char name[16];
        bool own = k < map->count;
        if (map->binding[i].action != action || own != (map->binding[i].view != NULL) ||
            (own && !same_view(map->binding[i].view, view)) ||
            tui_keymap_find(map, view, map->binding[i].key) != action)
            continue;
        int n = snprintf(buf + used, size - used, "%s%s", used > 0 ? " " : "",
                         tui_key_name(map->binding[i].key, name, sizeof name));
        if (n < 0 || (size_t)n >= size - used) {
            buf[used] = '\0';
            break;
        }
        used += (size_t)n;
        most--;
    }
    return buf;
}

const char *tui_keymap_keys(const struct tui_keymap *map, const char *view, enum tui_action action, char *buf,
                            size_t size)
{
    return keys_of(map, view, action, TUI_BINDINGS, buf, size);
}

const char *tui_keymap_key(const struct tui_keymap *map, const char *view, enum tui_action action, char *buf,
                           size_t size)
{
    return keys_of(map, view, action, 1, buf, size);
}
