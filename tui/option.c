/* option.c: the table of options. See option.h. */
#include "option.h"

#include <stdio.h>
#include <string.h>

// clang-format off
const struct tui_option tui_options[TUI_OPTIONS] = {
    { "theme", "default|light|mono|contrast", "colours; NO_COLOR means mono, --theme wins",
      offsetof(struct tui_settings, theme), 0 },
    { "units", "iec|si|bytes", "bytes as KiB, as kB or as they are",
      offsetof(struct tui_settings, units), 0 },
    { "ascii", "auto|yes|no", "draw with ASCII characters; auto: where the locale is not UTF-8",
      offsetof(struct tui_settings, ascii), TUI_ASCII_AUTO },
    { "mouse", "no|yes", "clicks and the wheel; no leaves the mouse to the terminal",
      offsetof(struct tui_settings, mouse), 1 },
    { "wheel", "1|3|5|10", "lines that a step of the wheel moves",
      offsetof(struct tui_settings, wheel), 1 },
    { "first", "overview|types|objects|cycles|leaks|sites|diff|marks|growth|log", "the view that is shown first",
      offsetof(struct tui_settings, first), 0 },
    { "remember", "no|yes", "keep the order and the columns of lists from one session to the next",
      offsetof(struct tui_settings, remember), 1 },
    { "confirm-quit", "no|yes", "ask before leaving a program that runs",
      offsetof(struct tui_settings, confirm_quit), 1 },
};
// clang-format on

static int *value_of(struct tui_settings *settings, const struct tui_option *option)
{
    return (int *)((char *)settings + option->offset);
}

void tui_settings_init(struct tui_settings *settings)
{
    for (size_t i = 0; i < TUI_OPTIONS; i++)
        *value_of(settings, &tui_options[i]) = tui_options[i].otherwise;
}

const struct tui_option *tui_option_named(const char *name)
{
    for (size_t i = 0; i < TUI_OPTIONS; i++)
        if (strcmp(tui_options[i].name, name) == 0)
            return &tui_options[i];
    return NULL;
}

int tui_option_get(const struct tui_settings *settings, const struct tui_option *option)
{
    return *(const int *)((const char *)settings + option->offset);
}

bool tui_option_set(struct tui_settings *settings, const struct tui_option *option, const char *word)
{
    size_t wanted = strlen(word);
    int index = 0;
    for (const char *at = option->choices; *at != '\0'; at += *at == '|', index++) {
        size_t length = strcspn(at, "|");
        if (length == wanted && strncmp(at, word, length) == 0) {
            *value_of(settings, option) = index;
            return true;
        }
        at += length;
    }
    return false;
}

const char *tui_option_word(const struct tui_option *option, int index, char *buf, size_t size)
{
    const char *at = option->choices;
    for (; index > 0 && *at != '\0'; index--)
        at += strcspn(at, "|") + (at[strcspn(at, "|")] == '|');
    snprintf(buf, size, "%.*s", (int)strcspn(at, "|"), at);
    return buf;
}

int tui_option_wheel(const struct tui_settings *settings)
{
    static const int lines[] = { 1, 3, 5, 10 };
    return lines[settings->wheel];
}
