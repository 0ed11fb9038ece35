/* fuzz_tuirc.c: any bytes as a configuration file of the viewer; whatever it says, keys can be found and options told.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <config.h>

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
    return 0;
}
