/* lines_find.c: texts are searched, and have a mouse: what all views do that show one. See lines.h. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "lines.h"

static bool has(const struct tui_line *line, const char *text)
{
    char whole[1024];
    size_t used = (size_t)snprintf(whole, sizeof whole, "%s ", line->label);
    for (int k = 0; k < TUI_LINE_SPANS && line->span[k].text != NULL && used < sizeof whole; k++)
        used += (size_t)snprintf(whole + used, sizeof whole - used, "%s", line->span[k].text);
    return strcasestr(whole, text) != NULL;
}

/* step: 1, or count - 1 for backwards. */
static void find(struct tui_app *app, struct tui_lines *lines, size_t step)
{
    if (lines->find[0] == '\0') {
        tui_app_say(app, TUI_WARN, "nothing to find: the find key asks for a text");
        return;
    }
    for (size_t i = 1; i <= lines->count; i++) {
        size_t at = (lines->cursor + i * step) % lines->count;
        if (has(&lines->items[at], lines->find)) {
            lines->cursor = at;
            return;
        }
    }
    tui_app_say(app, TUI_WARN, "'%s' was not found", lines->find);
}

bool tui_lines_act_found(struct tui_app *app, struct tui_lines *lines, enum tui_action action)
{
    if (action != TUI_FIND_NEXT && action != TUI_FIND_PREVIOUS)
        return tui_lines_act(lines, action);
    if (lines->count > 0)
        find(app, lines, action == TUI_FIND_NEXT ? 1 : lines->count - 1);
    return true;
}

bool tui_lines_command(struct tui_app *app, struct tui_lines *lines, const char *word, const char *rest)
{
    if (strcmp(word, "find") != 0)
        return false;
    snprintf(lines->find, sizeof lines->find, "%s", rest);
    if (rest[0] != '\0' && lines->count > 0)
        find(app, lines, 1);
    return true;
}

bool tui_lines_clear_found(struct tui_lines *lines)
{
    bool any = lines->find[0] != '\0';
    lines->find[0] = '\0';
    return any;
}

void tui_lines_mouse(struct tui_app *app, struct tui_lines *lines, const struct tui_mouse *mouse)
{
    size_t line;
    if (mouse->what == TUI_MOUSE_UP || mouse->what == TUI_MOUSE_DOWN) {
        for (int i = 0; i < tui_option_wheel(&app->config.settings); i++)
            tui_lines_act(lines, mouse->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
    } else if (tui_lines_at(lines, mouse->y, &line)) {
        bool again = line == lines->cursor;
        lines->cursor = line;
        if (again || mouse->what == TUI_MOUSE_DOUBLE)
            tui_app_act(app, TUI_OPEN);
    }
}

void tui_lines_title(const struct tui_lines *lines, char *buf, size_t size)
{
    snprintf(buf, size, "line %zu of %zu%s%s", lines->count > 0 ? lines->cursor + 1 : 0, lines->count,
             lines->find[0] != '\0' ? "   find " : "", lines->find);
}
