/* menu.h: a short list over the view, of which one thing is chosen, or several are turned on and off. It takes all keys
 * until it is closed. */
#ifndef TUI_MENU_H
#define TUI_MENU_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

enum { TUI_MENU_TEXT = 48 };

/* Says what one of its lines is. mark: drawn before it. */
struct tui_menu_line {
    char mark[4], text[TUI_MENU_TEXT], more[TUI_MENU_TEXT];
};
struct tui_menu {
    const char *title, *hint; /* hint: what keys do, at the bottom; NULL title: no menu is open */
    void *of;                 /* borrowed; lives as long as the menu is open */
    size_t (*count)(const void *of);
    void (*line)(const void *of, size_t i, struct tui_menu_line *ret);
    /* Enter, or another action, on a line. true: the menu closes. */
    bool (*act)(void *of, size_t i, enum tui_action action);
    size_t cursor, top;
    struct tui_area area; /* where it was drawn last */
};

/* Over the area; its height is what the lines need. */
void tui_menu_draw(struct tui_menu *menu, struct tui_canvas *canvas, struct tui_area area);
/* Moves, or does what the menu is for; back closes it. */
void tui_menu_act(struct tui_menu *menu, enum tui_action action);
/* A click on a line chooses it, one outside closes the menu. */
void tui_menu_mouse(struct tui_menu *menu, const struct tui_mouse *mouse);

#endif
