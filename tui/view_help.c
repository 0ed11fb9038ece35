/* view_help.c: three texts: the keys as they are now, those of the view first; what signs and columns mean; and about:
 * versions, files, options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "lines.h"
#include "list.h"
#include "meaning.h"

enum { KEYS, FORMAT, ABOUT, TABS };
static const char *const tab_names[TABS] = { "Keys", "Format", "About" };

struct help_view {
    struct tui_view view;
    struct tui_view *of; /* the view that it was opened over; stays below this one */
    struct tui_lines lines[TABS];
    int tab;
    int y; /* of the tabs */
};

static struct help_view *as_help(struct tui_view *base)
{
    return (struct help_view *)base;
}

static struct tui_lines *lines_of(struct tui_view *base)
{
    return &as_help(base)->lines[as_help(base)->tab];
}

static void destroy(struct tui_view *base)
{
    for (int i = 0; i < TABS; i++)
        tui_lines_deinit(&as_help(base)->lines[i]);
    free(base);
}

/* ---- Texts ---- */

static void add_action(struct help_view *help, struct tui_lines *lines, enum tui_action action)
{
    char keys[64];
    tui_lines_add(lines, NULL, TUI_KEY, "%-16s",
                  tui_keymap_keys(&help->view.app->config.keymap, help->of->ops->name, action, keys, sizeof keys));
    tui_lines_span(lines, TUI_ACCENT, "%-18s", tui_actions[action].name);
    tui_lines_span(lines, TUI_NORMAL, "%s", tui_actions[action].help);
    tui_lines_hang(lines, 34);
}

static void fill_keys(struct help_view *help, struct tui_lines *lines)
{
    char word[64];
    const enum tui_action *hints = help->of->ops->hints;
    snprintf(word, sizeof word, "here: %s", help->of->ops->name);
    if (hints != NULL)
        tui_lines_heading(lines, word);
    for (; hints != NULL && *hints != TUI_NO_ACTION; hints++)
        add_action(help, lines, *hints);
    for (int group = 0; group < TUI_GROUPS; group++) {
        tui_lines_heading(lines, tui_group_titles[group]);
        for (int i = 1; i < TUI_ACTIONS; i++)
            if ((int)tui_actions[i].group == group)
                add_action(help, lines, (enum tui_action)i);
    }
    tui_lines_heading(lines, "Commands behind :");
    for (size_t i = 0; tui_commands[i].name != NULL; i++) {
        tui_lines_add(lines, NULL, TUI_ACCENT, "%-14s", tui_commands[i].name);
        tui_lines_span(lines, TUI_KEY, "%-24s", tui_commands[i].args);
        tui_lines_span(lines, TUI_NORMAL, "%s", tui_commands[i].help);
        tui_lines_hang(lines, 38);
    }
}

static void fill_format(struct help_view *help, struct tui_lines *lines)
{
    struct tui_list *list = help->of->ops->list != NULL ? help->of->ops->list(help->of) : NULL;
    char word[64];
    if (list != NULL) {
        snprintf(word, sizeof word, "columns of %s: title, key", list->spec->table);
        tui_lines_heading(lines, word);
    }
    for (size_t i = 0; list != NULL && i < list->columns.count; i++) {
        const struct tui_column *column = &list->columns.item[i];
        const char *text = tui_meaning_of_column(list->spec->table, column->key);
        tui_lines_add(lines, NULL, TUI_KEY, "%-16s", column->title);
        tui_lines_span(lines, TUI_ACCENT, "%-15s", column->key);
        tui_lines_span(lines, TUI_NORMAL, "%s", text != NULL ? text : "nobody wrote down what this is");
        tui_lines_hang(lines, 31);
    }
    tui_lines_heading(lines, "signs and words");
    for (size_t i = 0; tui_meanings[i].word != NULL; i++) {
        tui_lines_add(lines, NULL, TUI_KEY, "%-16s", tui_meanings[i].word);
        tui_lines_span(lines, TUI_NORMAL, "%s", tui_meanings[i].text);
        tui_lines_hang(lines, 16);
    }
    tui_lines_heading(lines, "filters, as of --where");
    tui_lines_add(lines, NULL, TUI_NORMAL,
                  "A text alone is looked for in names; !text: rows without it. Else KEY OP "
                  "VALUE, joined by && and ||, with ! and parentheses: live>100 && "
                  "(type~json_ || type='struct conn'). OP: = != < <= > >=, ~ (contains, or "
                  "a pattern with * ? [) and !~. Sizes and times have units: bytes>=64KiB, "
                  "age>60s. A key alone: it is known and not zero. Tab completes keys.");
}

static void fill_about(struct help_view *help, struct tui_lines *lines)
{
    const struct tui_app *app = help->view.app;
    bool remembers = app->state_path != NULL && app->config.settings.remember != 0;
    char word[32];
    tui_lines_heading(lines, "reftrack " REFTRACK_VERSION);
    tui_lines_add(lines, "trace", TUI_NORMAL, "%s", app->path);
    tui_lines_add(lines, "manual", TUI_NORMAL, "man reftrack-tui");
    if (app->config_path != NULL)
        tui_lines_add(lines, "config", TUI_NORMAL, "%s", app->config_path);
    else
        tui_lines_add(lines, "config", TUI_DIM, "none was read");
    tui_lines_add(lines, "remembers", remembers ? TUI_NORMAL : TUI_DIM, "%s", remembers ? app->state_path : "nothing");
    tui_lines_heading(lines, "options: :set NAME = VALUE");
    for (size_t i = 0; i < TUI_OPTIONS; i++) {
        const struct tui_option *option = &tui_options[i];
        tui_lines_add(lines, NULL, TUI_ACCENT, "%-14s", option->name);
        tui_lines_span(lines, TUI_KEY, "%-10s",
                       tui_option_word(option, tui_option_get(&app->config.settings, option), word, sizeof word));
        tui_lines_span(lines, TUI_NORMAL, "%s", option->help);
        tui_lines_span(lines, TUI_DIM, " (%s)", option->choices);
        tui_lines_hang(lines, 24);
    }
}

static void fill(struct help_view *help)
{
    static void (*const fills[TABS])(struct help_view *, struct tui_lines *) = { fill_keys, fill_format, fill_about };
    for (int i = 0; i < TABS; i++) {
        tui_lines_clear(&help->lines[i]);
        fills[i](help, &help->lines[i]);
    }
}

/* ---- The view ---- */

/* Where a tab begins. */
static int tab_x(int tab)
{
    int x = 1;
    for (int i = 0; i < tab; i++)
        x += tui_width(tab_names[i]) + 2;
    return x;
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct help_view *help = as_help(base);
    help->y = area.y;
    for (int i = 0; i < TABS; i++)
        tui_text(canvas, area.y, tab_x(i), area.width, i == help->tab ? TUI_TAB : TUI_DIM, tab_names[i]);
    area.y++;
    area.height--;
    tui_lines_draw(lines_of(base), canvas, area, true);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct help_view *help = as_help(base);
    if (action == TUI_NEXT_PANE || action == TUI_PREVIOUS_PANE) {
        help->tab = (help->tab + (action == TUI_NEXT_PANE ? 1 : TABS - 1)) % TABS;
        return true;
    }
    if (action == TUI_HELP)
        return true; /* it is there */
    return tui_lines_act_found(base->app, lines_of(base), action);
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_lines_command(base->app, lines_of(base), word, rest);
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    struct help_view *help = as_help(base);
    for (int i = 0; i < TABS && what->y == help->y; i++)
        if (what->x >= tab_x(i) && what->x < tab_x(i) + tui_width(tab_names[i]))
            help->tab = i;
    tui_lines_mouse(base->app, lines_of(base), what);
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct help_view *help = (const struct help_view *)base;
    const char *find = help->lines[help->tab].find;
    snprintf(buf, size, "%s%s%s", tab_names[help->tab], find[0] != '\0' ? "   find " : "", find);
}

static bool clear(struct tui_view *base)
{
    return tui_lines_clear_found(lines_of(base));
}

static const enum tui_action hints[] = { TUI_NEXT_PANE, TUI_FIND, TUI_EXPORT, TUI_BACK, TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "help",
    .tab = TUI_HELP,
    .hints = hints,
    .destroy = destroy,
    .draw = draw,
    .act = act,
    .title = title,
    .command = command,
    .mouse = mouse,
    .clear = clear,
    .scrolls = true,
};

struct tui_view *tui_view_help(struct tui_app *app)
{
    struct help_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    view->of = tui_app_top(app);
    fill(view);
    return &view->view;
}
