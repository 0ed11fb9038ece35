/* list_columns.c: which columns a list has, which of them it shows, and the menus that choose order and columns.
 *
 * A list begins with the columns of its spec. Those that the worker has beyond them come behind, hidden until they are
 * chosen; what is chosen gives way last where there is little room. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "said.h"

enum { RANK_CHOSEN = 1, RANK_OTHERS = 20 };

/* The word of a list of words; 0: it is not among them, else the byte before it. */
static char said_of(const char *words, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = words; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == length + 1 && strncmp(at + 1, key, length) == 0)
            return *at;
        at += word;
    }
    return '\0';
}

static void add(struct tui_list *list, const struct tui_column *column, bool usual, const char *remembered)
{
    size_t i = list->columns.count;
    char said = said_of(remembered, column->key);
    if (list->spec->excludes != NULL && strcmp(column->key, list->spec->excludes) == 0)
        usual = list->all; /* there with the rows that have it */
    if (i + 1 >= TUI_COLUMNS_MOST)
        return;
    list->columns.item[i] = *column;
    list->columns.usual[i] = usual;
    list->columns.shown[i] = said != '\0' ? said == '+' : usual;
    if (said == '+' && !usual)
        list->columns.item[i].rank = RANK_CHOSEN;
    list->columns.count++;
    list->columns.item[i + 1].key = NULL;
}

void tui_list_columns_init(struct tui_list *list)
{
    const char *remembered = tui_state_columns(&list->app->state, list->spec->table);
    list->columns.count = list->columns.own = 0;
    list->columns.item[0].key = NULL;
    for (const struct tui_column *c = list->spec->columns; c->key != NULL; c++)
        add(list, c, true, remembered);
    list->columns.own = list->columns.count;
}

static bool has(const struct tui_list *list, const char *key)
{
    size_t i = 0;
    while (i < list->columns.count && strcmp(list->columns.item[i].key, key) != 0)
        i++;
    return i < list->columns.count;
}

void tui_list_columns_take(struct tui_list *list, const json_t *answer)
{
    const char *remembered = tui_state_columns(&list->app->state, list->spec->table);
    size_t k;
    json_t *said;
    json_array_foreach(json_object_get(answer, "columns"), k, said)
    {
        const char *key = tui_said(said, "key"), *kind = tui_said(said, "kind");
        size_t i = list->columns.count;
        if (has(list, key) || i + 1 >= TUI_COLUMNS_MOST || strlen(key) >= TUI_COLUMN_WORD)
            continue;
        snprintf(list->columns.key[i], TUI_COLUMN_WORD, "%s", key);
        snprintf(list->columns.title[i], TUI_COLUMN_WORD, "%s", tui_said(said, "title"));
        const struct tui_column column = { .key = list->columns.key[i],
                                           .title = list->columns.title[i],
                                           .look = strcmp(kind, "text") == 0 ? TUI_COLUMN_TEXT : TUI_COLUMN_NUMBER,
                                           .rank = RANK_OTHERS + (int)i,
                                           .width = 1 };
        add(list, &column, false, remembered);
    }
}

static void remember(struct tui_list *list)
{
    char words[TUI_STATE_COLUMNS] = "";
    size_t used = 0;
    for (size_t i = 0; i < list->columns.count; i++)
        if (list->columns.shown[i] != list->columns.usual[i] && used < sizeof words) {
            int n = snprintf(words + used, sizeof words - used, "%s%c%s", used > 0 ? " " : "",
                             list->columns.shown[i] ? '+' : '-', list->columns.item[i].key);
            used += n > 0 ? (size_t)n : 0;
        }
    tui_state_set_columns(&list->app->state, list->spec->table, words);
    tui_app_remember(list->app);
}

/* ---- Menus ---- */

static size_t count(const void *of)
{
    return ((const struct tui_list *)of)->columns.count;
}

static void name_line(const struct tui_list *list, size_t i, struct tui_menu_line *ret)
{
    snprintf(ret->text, sizeof ret->text, "%s", list->columns.item[i].title);
    snprintf(ret->more, sizeof ret->more, "%s", list->columns.item[i].key);
}

static void sort_line(const void *of, size_t i, struct tui_menu_line *ret)
{
    const struct tui_list *list = of;
    bool reverse, sorted = tui_list_sorted_by(list, list->columns.item[i].key, &reverse);
    snprintf(ret->mark, sizeof ret->mark, "%s", !sorted ? " " : reverse ? "-" : "*");
    name_line(list, i, ret);
}

static bool sort_act(void *of, size_t i, enum tui_action action)
{
    struct tui_list *list = of;
    const char *key = list->columns.item[i].key;
    bool reverse, sorted = tui_list_sorted_by(list, key, &reverse);
    if (action != TUI_OPEN && action != TUI_SORT_REVERSE)
        return false;
    tui_list_sort(list, key, action == TUI_SORT_REVERSE && !(sorted && reverse));
    return true;
}

static void columns_line(const void *of, size_t i, struct tui_menu_line *ret)
{
    const struct tui_list *list = of;
    snprintf(ret->mark, sizeof ret->mark, "%s", list->columns.shown[i] ? "[x]" : "[ ]");
    name_line(list, i, ret);
}

static bool columns_act(void *of, size_t i, enum tui_action action)
{
    struct tui_list *list = of;
    if (action == TUI_COLUMNS)
        return true;
    if (action != TUI_OPEN && action != TUI_TAG)
        return false;
    if (strcmp(list->columns.item[i].key, list->spec->name) == 0 && list->columns.shown[i]) {
        tui_app_say(list->app, TUI_WARN, "this column says which row it is: it stays");
        return false;
    }
    list->columns.shown[i] = !list->columns.shown[i];
    if (list->columns.shown[i] && !list->columns.usual[i])
        list->columns.item[i].rank = RANK_CHOSEN;
    remember(list);
    return false;
}

bool tui_list_menu(struct tui_list *list, enum tui_action action)
{
    bool sort = action == TUI_SORT, reverse;
    if (list->columns.count == 0)
        return false;
    list->app->menu = (struct tui_menu){ .title = sort ? "Sort by" : "Columns",
                                         .hint = sort ? "Enter Sort  I Reverse  Esc" : "Enter On/off  Esc Done",
                                         .of = list,
                                         .count = count,
                                         .line = sort ? sort_line : columns_line,
                                         .act = sort ? sort_act : columns_act };
    for (size_t i = 0; i < list->columns.count && sort; i++)
        if (tui_list_sorted_by(list, list->columns.item[i].key, &reverse))
            list->app->menu.cursor = i;
    return true;
}
