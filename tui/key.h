/* key.h: keys and their names, as they stand in configuration files, key scripts and help: "j", "C-d", "PgDn", "F1". */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A Unicode character, a control character (1 to 31), or one of these. */
enum {
    TUI_KEY_NONE = 0,
    TUI_KEY_TAB = 9,
    TUI_KEY_ENTER = 13,
    TUI_KEY_ESC = 27,
    TUI_KEY_SPECIAL = 0x110000,
    TUI_KEY_UP,
    TUI_KEY_DOWN,
    TUI_KEY_LEFT,
    TUI_KEY_RIGHT,
    TUI_KEY_HOME,
    TUI_KEY_END,
    TUI_KEY_PGUP,
    TUI_KEY_PGDN,
    TUI_KEY_INSERT,
    TUI_KEY_DELETE,
    TUI_KEY_BACKSPACE,
    TUI_KEY_BACKTAB,
    TUI_KEY_RESIZE, /* the terminal has another size */
    TUI_KEY_MOUSE,  /* struct tui_mouse says what */
    TUI_KEY_END_OF_INPUT,
    TUI_KEY_F0 = TUI_KEY_SPECIAL + 0x100, /* F1 is the next one, up to F12 */
};

struct tui_mouse {
    int y, x;
    enum { TUI_MOUSE_CLICK = 1, TUI_MOUSE_DOUBLE, TUI_MOUSE_UP, TUI_MOUSE_DOWN } what; /* the last two: the wheel */
};

/* The name of a key. Returns buf. */
const char *tui_key_name(uint32_t key, char *buf, size_t size);
/* Reads one name, up to a blank or the end; *text is behind it. false: there is no such key, *text is where it was. */
bool tui_key_parse(const char **text, uint32_t *ret);

#endif
