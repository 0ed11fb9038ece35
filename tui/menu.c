/* menu.c: a short list over the view. See menu.h. */
#include "menu.h"

#include "glyph.h"

enum { FRAME = 2, SIDES = 4 }; /* rows above and below the lines; columns beside them */

static size_t shown_rows(const struct tui_menu *menu)
{
    return menu->area.height > FRAME ? (size_t)(menu->area.height - FRAME) : 1;
}

static int widest(const struct tui_menu *menu)
{
    int width = tui_width(menu->title), hint = tui_width(menu->hint);
    width = width > hint ? width : hint;
    for (size_t i = 0; i < menu->count(menu->of); i++) {
        struct tui_menu_line line;
        menu->line(menu->of, i, &line);
        int needs = tui_width(line.mark) + 1 + tui_width(line.text) + 2 + tui_width(line.more);
        width = needs > width ? needs : width;
    }
    return width;
}

static void draw_line(const struct tui_menu *menu, struct tui_canvas *canvas, int y, size_t i)
{
    struct tui_menu_line line;
    int x = menu->area.x + SIDES / 2, right = menu->area.x + menu->area.width - SIDES / 2;
    menu->line(menu->of, i, &line);
    x += tui_text(canvas, y, x, right - x, TUI_KEY, line.mark) + 1;
    x += tui_text(canvas, y, x, right - x, TUI_NORMAL, line.text) + 2;
    int more = tui_width(line.more);
    if (right - more >= x)
        tui_text(canvas, y, right - more, more, TUI_DIM, line.more);
    if (i == menu->cursor)
        tui_select(canvas, y, menu->area.x + 1, menu->area.width - 2);
}

void tui_menu_draw(struct tui_menu *menu, struct tui_canvas *canvas, struct tui_area area)
{
    size_t count = menu->count(menu->of);
    int width = widest(menu) + SIDES, height = (int)(count < 200 ? count : 200) + FRAME;
    menu->area.width = width < area.width ? width : area.width;
    menu->area.height = height < area.height ? height : area.height;
    menu->area.x = area.x + (area.width - menu->area.width) / 2;
    menu->area.y = area.y + (area.height - menu->area.height) / 2;
    size_t rows = shown_rows(menu);
    if (count > 0 && menu->cursor >= count)
        menu->cursor = count - 1;
    if (menu->cursor < menu->top)
        menu->top = menu->cursor;
    if (menu->cursor >= menu->top + rows)
        menu->top = menu->cursor - rows + 1;
    uint32_t rule = tui_glyph(canvas, TUI_GLYPH_RULE), wall = tui_glyph(canvas, TUI_GLYPH_WALL);
    for (int y = menu->area.y; y < menu->area.y + menu->area.height; y++) {
        bool edge = y == menu->area.y || y == menu->area.y + menu->area.height - 1;
        tui_fill(canvas, y, menu->area.x, menu->area.width, TUI_DIM, edge ? rule : ' ');
        tui_put(canvas, y, menu->area.x, TUI_DIM, wall);
        tui_put(canvas, y, menu->area.x + menu->area.width - 1, TUI_DIM, wall);
    }
    tui_printf(canvas, menu->area.y, menu->area.x + 1, menu->area.width - 2, TUI_HEADER, " %s ", menu->title);
    tui_printf(canvas, menu->area.y + menu->area.height - 1, menu->area.x + 1, menu->area.width - 2, TUI_DIM, " %s ",
               menu->hint);
    for (size_t i = menu->top; i < count && i < menu->top + rows; i++)
        draw_line(menu, canvas, menu->area.y + 1 + (int)(i - menu->top), i);
}

void tui_menu_act(struct tui_menu *menu, enum tui_action action)
{
    size_t count = menu->count(menu->of), last = count > 0 ? count - 1 : 0, page = shown_rows(menu);
    switch (action) {
    case TUI_UP:
        menu->cursor = menu->cursor > 0 ? menu->cursor - 1 : last;
        break;
    case TUI_DOWN:
        menu->cursor = menu->cursor < last ? menu->cursor + 1 : 0;
        break;
    case TUI_PAGE_UP:
        menu->cursor = menu->cursor > page ? menu->cursor - page : 0;
        break;
    case TUI_PAGE_DOWN:
        menu->cursor = menu->cursor + page < last ? menu->cursor + page : last;
        break;
    case TUI_FIRST:
        menu->cursor = 0;
        break;
    case TUI_LAST:
        menu->cursor = last;
        break;
    case TUI_BACK:
    case TUI_CLOSE:
        menu->title = NULL;
        break;
    default:
        if (count > 0 && menu->act(menu->of, menu->cursor, action))
            menu->title = NULL;
        break;
    }
}

void tui_menu_mouse(struct tui_menu *menu, const struct tui_mouse *mouse)
{
    const struct tui_area *area = &menu->area;
    bool inside = mouse->y > area->y && mouse->y < area->y + area->height - 1 && mouse->x >= area->x &&
                  mouse->x < area->x + area->width;
    size_t row = menu->top + (size_t)(mouse->y - area->y - 1);
    if (mouse->what == TUI_MOUSE_UP || mouse->what == TUI_MOUSE_DOWN) {
        tui_menu_act(menu, mouse->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
    } else if (!inside) {
        menu->title = NULL;
    } else if (row < menu->count(menu->of)) {
        menu->cursor = row;
        tui_menu_act(menu, TUI_OPEN);
    }
}
