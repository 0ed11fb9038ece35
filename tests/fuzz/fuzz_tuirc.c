/* fuzz_tuirc.c: any bytes as a configuration file of the viewer, and as what it remembers; whatever they say, keys can
 * be found and options told, and no order or column has other characters than these have.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <config.h>
#include <state.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tui_config config;
    struct tui_problems problems = { .count = 0 };
    char text[256];

    tui_config_init(&config);
    tui_config_read_text(&config, "tuirc", (const char *)data, size, &problems);
    for (size_t i = 0; i < problems.count && i < TUI_PROBLEMS; i++)
        if (strncmp(problems.text[i], "tuirc:", 6) != 0 || strlen(problems.text[i]) >= TUI_PROBLEM)
            __builtin_trap();
    for (size_t i = 0; i < TUI_OPTIONS; i++)
        if (tui_option_word(&tui_options[i], tui_option_get(&config.settings, &tui_options[i]), text, sizeof text)[0] ==
            '\0')
            __builtin_trap();
    if (config.keymap.count > TUI_BINDINGS)
        __builtin_trap();
    tui_keymap_keys(&config.keymap, "types", TUI_SORT, text, sizeof text);
    for (int i = 0; i < TUI_ROLES; i++)
        if (config.look[i].fore < -1 || config.look[i].fore > 255 || config.look[i].back < -1 ||
            config.look[i].back > 255)
            __builtin_trap();
    static struct tui_state state;
    state.count = 0;
    tui_state_read_text(&state, (const char *)data, size);
    for (size_t i = 0; i < state.count; i++)
        if (strpbrk(state.entry[i].sort, "\n\x1b;") != NULL || strpbrk(state.entry[i].columns, "\n\x1b;") != NULL ||
            state.entry[i].table[0] == '\0')
            __builtin_trap();
    return 0;
}
