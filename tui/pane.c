/* pane.c: a text about what is selected in a list, beside the list. See pane.h. */
#include "pane.h"

#include <stdio.h>
#include <string.h>

#include "glyph.h"
#include "page.h"
#include "said.h"
#include "told.h"

void tui_pane_init(struct tui_pane *pane, struct tui_app *app, bool below)
{
    *pane = (struct tui_pane){ .app = app, .below = below };
}

void tui_pane_deinit(struct tui_pane *pane)
{
    tui_source_forget(pane->app->source, &pane->query);
    tui_lines_deinit(&pane->lines);
}

static bool is_shown(const struct tui_pane *pane)
{
    return !pane->hidden && (pane->app->canvas.width >= TUI_PANE_WIDE || pane->below || pane->alone);
}

void tui_pane_divide(struct tui_pane *pane, struct tui_area area, size_t rows, struct tui_area *ret_list,
                     struct tui_area *ret_pane)
{
    bool wide = area.width >= TUI_PANE_WIDE;
    *ret_list = *ret_pane = area;
    if (pane->hidden) {
        ret_pane->height = 0;
    } else if (pane->alone) {
        ret_list->height = 0;
    } else if (wide) {
        ret_list->width = area.width * 11 / 20;
        ret_pane->x += ret_list->width + 1;
        ret_pane->width -= ret_list->width + 1;
    } else if (pane->below) {
        int above = area.height / 3 > 4 ? area.height / 3 : 4;
        ret_list->height = (size_t)above > rows + 1 ? (int)rows + 1 : above;
        ret_pane->y += ret_list->height;
        ret_pane->height -= ret_list->height;
    } else {
        ret_pane->height = 0;
        pane->focus = false;
    }
}

void tui_pane_ask(struct tui_pane *pane, const char *question, const char *of)
{
    bool other = of != NULL && strcmp(of, pane->of) != 0;
    bool waits = pane->query.number != 0; /* for the answer about something else */
    if (of == NULL || !is_shown(pane) || (other && waits))
        return;
    if (other) {
        snprintf(pane->of, sizeof pane->of, "%s", of);
        pane->lines.cursor = pane->lines.top = 0;
    }
    tui_source_ask(pane->app->source, &pane->query,
                   json_pack("{s:s,s:s,s:i,s:b,s:b}", "ask", question, "of", pane->of, "units", (int)pane->app->units,
                             "all", pane->unfolded, "brief", true));
}

void tui_pane_draw(struct tui_pane *pane, struct tui_canvas *canvas, struct tui_area area)
{
    bool beside = area.x > 0;
    pane->lines.area.height = 0; /* until they are drawn */
    if (area.height <= 0 || pane->of[0] == '\0')
        return;
    if (pane->drawn != pane->query.version) {
        tui_told(&pane->lines, pane->query.answer);
        pane->drawn = pane->query.version;
    }
    for (int y = area.y; beside && y < area.y + area.height; y++)
        tui_put(canvas, y, area.x - 1, pane->focus ? TUI_KEY : TUI_DIM, tui_glyph(canvas, TUI_GLYPH_TRUNK));
    if (pane->query.answer == NULL)
        tui_text(canvas, area.y, area.x + 1, area.width - 2, TUI_DIM, "asking ...");
    else
        tui_lines_draw(&pane->lines, canvas, area, pane->focus);
}

bool tui_pane_act(struct tui_pane *pane, enum tui_action action)
{
    switch (action) {
    case TUI_NEXT_PANE:
    case TUI_PREVIOUS_PANE:
        pane->hidden = false;
        pane->focus = is_shown(pane) && (!pane->focus || pane->alone);
        return is_shown(pane);
    case TUI_MAXIMISE:
        pane->hidden = !pane->hidden && !pane->alone && !pane->focus;
        pane->alone = !pane->alone && pane->focus;
        return true;
    case TUI_UNFOLD:
    case TUI_FOLD:
    case TUI_FOLD_ALL:
        if (!is_shown(pane))
            return false;
        pane->unfolded = action == TUI_UNFOLD || (action == TUI_FOLD_ALL && !pane->unfolded);
        return true;
    default:
        return pane->focus &&
               (tui_page_act_on_line(pane->app, &pane->lines, action) || tui_lines_act(&pane->lines, action));
    }
}

bool tui_pane_mouse(struct tui_pane *pane, const struct tui_mouse *mouse)
{
    const struct tui_area *area = &pane->lines.area;
    if (mouse->y < area->y || mouse->y >= area->y + area->height || mouse->x < area->x ||
        mouse->x >= area->x + area->width)
        return false;
    pane->focus = true;
    tui_lines_mouse(pane->app, &pane->lines, mouse);
    return true;
}

bool tui_pane_leave(struct tui_pane *pane)
{
    bool had = pane->alone || pane->focus || pane->hidden;
    pane->alone = pane->focus = pane->hidden = false;
    return had;
}

const char *tui_pane_selected(const struct tui_pane *pane)
{
    return pane->focus ? tui_lines_selected(&pane->lines) : NULL;
}
