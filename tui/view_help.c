/* view_help.c: keys, made from the table of actions and the keys as they are now; what the columns mean. */
#include <stdlib.h>

#include "app.h"
#include "lines.h"

struct help_view {
    struct tui_view view;
    struct tui_lines lines;
};

static void destroy(struct tui_view *base)
{
    tui_lines_deinit(&((struct help_view *)base)->lines);
    free(base);
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    tui_lines_draw(&((struct help_view *)base)->lines, canvas, area, true);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    return tui_lines_act(&((struct help_view *)base)->lines, action);
}

static const char *const words[][2] = {
    { "!", "a finding that fails 'reftrack check'" },
    { "~", "a guess, or a finding that does not fail it" },
    { "=", "certain: the program told which variable owns the reference" },
    { "RC", "the reference count, by the events" },
    { "OWNED", "references whose owner (a variable or a holder) is known" },
    { "shallow", "the object's own bytes, like sys.getsizeof" },
    { "deep", "with all that it leads to" },
    { "retained", "what would be freed with it; sizes of several things overlap" },
    { "generation", "how many passes of the cycle detector it survived; no age" },
    { "count/limit", "what makes the next pass due: births (0), passes of the one before (1, 2)" },
    { "died", "generations: the share of all deaths that happened while in it" },
    { "found", "objects that only objects like them hold" },
};

static void fill(struct help_view *view)
{
    const struct tui_app *app = view->view.app;
    char keys[64];
    for (int group = 0; group < TUI_GROUPS; group++) {
        tui_lines_heading(&view->lines, tui_group_titles[group]);
        for (int i = 1; i < TUI_ACTIONS; i++)
            if ((int)tui_actions[i].group == group) {
                tui_lines_add(&view->lines, NULL, TUI_KEY, "%-16s",
                              tui_keymap_keys(&app->config.keymap, NULL, (enum tui_action)i, keys, sizeof keys));
                tui_lines_span(&view->lines, TUI_ACCENT, "%-18s", tui_actions[i].name);
                tui_lines_span(&view->lines, TUI_NORMAL, "%s", tui_actions[i].help);
            }
    }
    tui_lines_heading(&view->lines, "Words and signs");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        tui_lines_add(&view->lines, NULL, TUI_KEY, "%-16s", words[i][0]);
        tui_lines_span(&view->lines, TUI_NORMAL, "%s", words[i][1]);
    }
}

static const struct tui_view_ops ops = {
    .name = "help",
    .tab = TUI_HELP,
    .destroy = destroy,
    .draw = draw,
    .act = act,
    .scrolls = true,
};

struct tui_view *tui_view_help(struct tui_app *app)
{
    struct help_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    fill(view);
    return &view->view;
}
