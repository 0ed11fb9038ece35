/* key.c: names of keys. See key.h. */
#include "key.h"

#include <stdio.h>
#include <string.h>

#include "canvas.h"

static const struct {
    uint32_t key;
    const char *name;
} names[] = {
    { TUI_KEY_UP, "Up" },       { TUI_KEY_DOWN, "Down" },           { TUI_KEY_LEFT, "Left" },
    { TUI_KEY_RIGHT, "Right" }, { TUI_KEY_HOME, "Home" },           { TUI_KEY_END, "End" },
    { TUI_KEY_PGUP, "PgUp" },   { TUI_KEY_PGDN, "PgDn" },           { TUI_KEY_INSERT, "Ins" },
    { TUI_KEY_DELETE, "Del" },  { TUI_KEY_BACKSPACE, "Backspace" }, { TUI_KEY_BACKTAB, "S-Tab" },
    { TUI_KEY_TAB, "Tab" },     { TUI_KEY_ENTER, "Enter" },         { TUI_KEY_ESC, "Esc" },
    { ' ', "Space" },
};

const char *tui_key_name(uint32_t key, char *buf, size_t size)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key) {
            snprintf(buf, size, "%s", names[i].name);
            return buf;
        }
    if (key > TUI_KEY_F0 && key <= TUI_KEY_F0 + 12)
        snprintf(buf, size, "F%u", key - TUI_KEY_F0);
    else if (key > 0 && key < ' ')
        snprintf(buf, size, "C-%c", (char)(key + 'a' - 1));
    else if (key < 0x7f)
        snprintf(buf, size, "%c", (char)key);
    else
        snprintf(buf, size, "U+%04X", key);
    return buf;
}

bool tui_key_parse(const char **text, uint32_t *ret)
{
    size_t length = strcspn(*text, " \t");
    char word[16];
    unsigned number;
    int read = 0;
    if (length == 0 || length >= sizeof word)
        return false;
    memcpy(word, *text, length);
    word[length] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, word) == 0) {
            *text += length;
            *ret = names[i].key;
            return true;
        }
    const char *rest = word;
    int columns;
    uint32_t ch = tui_next_char(&rest, &columns);
    if (length == 3 && word[0] == 'C' && word[1] == '-' && word[2] >= 'a' && word[2] <= 'z')
        ch = (uint32_t)(word[2] - 'a' + 1);
    else if (word[0] == 'F' && length > 1 && sscanf(word + 1, "%2u%n", &number, &read) == 1 &&
             (size_t)read == length - 1 && number >= 1 && number <= 12)
        ch = TUI_KEY_F0 + number;
    else if (*rest != '\0')
        return false;
    *text += length;
    *ret = ch;
    return true;
}
