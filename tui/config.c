/* config.c: reads tuirc. See config.h. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/nearest.h>

#include "key.h"
#include "textfile.h"

#define BLANKS " \t\r"
enum { LINE_MOST = 1024, WORDS = 8, WORD_SHOWN = 40 };

const char *const tui_color_names[] = { "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", NULL };

void tui_config_init(struct tui_config *config)
{
    memset(config, 0, sizeof *config);
    tui_settings_init(&config->settings);
    tui_keymap_init(&config->keymap);
}

/* ---- Lines ---- */

static bool wrong(char *ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(char *ret_why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_why, TUI_PROBLEM, format, args);
    va_end(args);
    return false;
}

/* Words of a line, which is cut up. Returns how many; more than WORDS: WORDS + 1. */
static size_t words_of(char *line, char *words[WORDS])
{
    size_t count = 0;
    for (char *rest = NULL, *word = strtok_r(line, BLANKS, &rest); word != NULL; word = strtok_r(NULL, BLANKS, &rest)) {
        if (count == WORDS)
            return WORDS + 1;
        words[count++] = word;
    }
    return count;
}

/* "; did you mean 'NAME'?" or "". Returns buf. */
static const char *perhaps(const char *word, const char *const *names, size_t count, char *buf, size_t size)
{
    const char *near = prof_nearest(word, names, count);
    buf[0] = '\0';
    if (near != NULL)
        snprintf(buf, size, "; did you mean '%s'?", near);
    return buf;
}

static bool set_line(struct tui_config *config, char *rest, char *ret_why)
{
    const char *names[TUI_OPTIONS];
    char near[64], list[200] = "";
    char *name = rest + strspn(rest, BLANKS), *end = name + strcspn(name, BLANKS "="),
         *sign = end + strspn(end, BLANKS);
    char *value = sign + (*sign == '=');
    value += strspn(value, BLANKS);
    for (size_t i = 0; i < TUI_OPTIONS; i++) {
        names[i] = tui_options[i].name;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    if (end == name || *sign != '=' || *value == '\0')
        return wrong(ret_why, "'set' wants NAME = VALUE, as in: set theme = light");
    *end = '\0';
    for (size_t length = strlen(value); length > 0 && strchr(BLANKS, value[length - 1]) != NULL;)
        value[--length] = '\0';
    const struct tui_option *option = tui_option_named(name);
    if (option == NULL)
        return wrong(ret_why, "there is no option '%.*s'%s; there are %s", WORD_SHOWN, name,
                     perhaps(name, names, TUI_OPTIONS, near, sizeof near), list);
    if (!tui_option_set(&config->settings, option, value))
        return wrong(ret_why, "'%s' cannot be '%.*s'; it is one of %s", option->name, WORD_SHOWN, value,
                     option->choices);
    return true;
}

static bool bind_line(struct tui_config *config, char **words, size_t count, char *ret_why)
{
    const char *names[TUI_ACTIONS], *view = NULL;
    char near[64];
    uint32_t key;
    if (count != 2 && count != 3)
        return wrong(ret_why, "'bind' wants [VIEW] KEY ACTION, as in: bind types x sort");
    if (count == 3 && (view = tui_view_named(words[0])) == NULL) {
        size_t views = 0;
        while (tui_view_names[views] != NULL)
            views++;
        return wrong(ret_why, "there is no view '%.*s'%s; 'bind' wants [VIEW] KEY ACTION", WORD_SHOWN, words[0],
                     perhaps(words[0], tui_view_names, views, near, sizeof near));
    }
    const char *at = words[count - 2], *word = words[count - 1];
    if (!tui_key_parse(&at, &key))
        return wrong(ret_why, "'%.*s' is no key; keys are called as in the help: j, C-d, PgDn, F1", WORD_SHOWN,
                     words[count - 2]);
    enum tui_action action = tui_action_named(word);
    for (int i = 1; i < TUI_ACTIONS; i++)
        names[i - 1] = tui_actions[i].name;
    if (action == TUI_NO_ACTION && strcmp(word, "none") != 0)
        return wrong(ret_why, "there is no action '%.*s'%s; the help lists them, and 'none' is no action", WORD_SHOWN,
                     word, perhaps(word, names, TUI_ACTIONS - 1, near, sizeof near));
    if (!tui_keymap_bind(&config->keymap, view, key, action))
        return wrong(ret_why, "there are too many bindings; %d are the most", TUI_BINDINGS);
    return true;
}

/* A colour by name or number, "default". */
static bool color_of(const char *word, short *ret)
{
    char *end;
    if (strcmp(word, "default") == 0) {
        *ret = -1;
        return true;
    }
    for (short i = 0; tui_color_names[i] != NULL; i++)
        if (strcmp(word, tui_color_names[i]) == 0) {
            *ret = i;
            return true;
        }
    if (*word < '0' || *word > '9')
        return false;
    long number = strtol(word, &end, 10);
    *ret = (short)number;
    return *end == '\0' && number <= 255;
}

/* "bold,underline", "none". */
static bool attributes_of(char *text, unsigned *ret)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = { { "none", 0 },
                  { "bold", TUI_LOOK_BOLD },
                  { "dim", TUI_LOOK_DIM },
                  { "underline", TUI_LOOK_UNDERLINE },
                  { "reverse", TUI_LOOK_REVERSE } };
    unsigned bits = 0;
    for (char *rest = NULL, *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i].name, word) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return false;
        bits |= known[i].bit;
    }
    *ret = bits;
    return true;
}

static bool color_line(struct tui_config *config, char **words, size_t count, char *ret_why)
{
    struct tui_look look = { .set = true, .fore = -1, .back = -1 };
    char near[64];
    int role = 0;
    if (count < 2 || count > 4)
        return wrong(ret_why, "'color' wants ROLE FG [BG [ATTR,...]], as in: color bad red default bold");
    while (role < TUI_ROLES && strcmp(tui_role_names[role], words[0]) != 0)
        role++;
    if (role == TUI_ROLES)
        return wrong(ret_why, "there is no role '%.*s'%s; the manual page lists them", WORD_SHOWN, words[0],
                     perhaps(words[0], tui_role_names, TUI_ROLES, near, sizeof near));
    for (size_t i = 1; i < count && i < 3; i++)
        if (!color_of(words[i], i == 1 ? &look.fore : &look.back))
            return wrong(ret_why,
                         "'%.*s' is no colour; colours are default, black, red, green, yellow, blue, magenta, cyan, "
                         "white and 0 to 255",
                         WORD_SHOWN, words[i]);
    if (count == 4 && !attributes_of(words[3], &look.attributes))
        return wrong(ret_why, "attributes are none, bold, dim, underline and reverse, with commas between them");
    config->look[role] = look;
    return true;
}

bool tui_config_line(struct tui_config *config, const char *line, char *ret_why)
{
    char copy[LINE_MOST], *words[WORDS];
    line += strspn(line, BLANKS);
    if (*line == '\0' || *line == '#')
        return true;
    if (strlen(line) >= sizeof copy)
        return wrong(ret_why, "the line is longer than %d bytes", LINE_MOST - 1);
    snprintf(copy, sizeof copy, "%s", line);
    size_t length = strcspn(copy, BLANKS);
    char *rest = copy + length;
    if (length == 3 && strncmp(copy, "set", 3) == 0)
        return set_line(config, rest, ret_why);
    size_t count = words_of(rest, words);
    if (length == 4 && strncmp(copy, "bind", 4) == 0)
        return bind_line(config, words, count, ret_why);
    if (length == 5 && strncmp(copy, "color", 5) == 0)
        return color_line(config, words, count, ret_why);
    return wrong(ret_why, "'%.*s' is nothing; lines begin with set, bind, color or #",
                 (int)(length < WORD_SHOWN ? length : WORD_SHOWN), copy);
}

/* ---- Files ---- */

static void add_problem(struct tui_problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_problem(struct tui_problems *problems, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (problems->count < TUI_PROBLEMS)
        vsnprintf(problems->text[problems->count], TUI_PROBLEM, format, args);
    va_end(args);
    problems->count++;
}

void tui_config_read_text(struct tui_config *config, const char *name, const char *text, size_t length,
                          struct tui_problems *problems)
{
    char line[LINE_MOST + 1], why[TUI_PROBLEM];
    unsigned number = 1;
    for (const char *at = text, *end = text + length; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((stop != NULL ? stop : end) - at), kept = bytes < LINE_MOST ? bytes : LINE_MOST;
        memcpy(line, at, kept);
        line[kept] = '\0';
        if (strlen(line) != kept)
            add_problem(problems, "%.100s:%u: there is a NUL byte; this is no text file", name, number);
        else if (!tui_config_line(config, line, why))
            add_problem(problems, "%.100s:%u: %.200s", name, number, why);
        at = stop != NULL ? stop + 1 : end;
    }
}

bool tui_config_read(struct tui_config *config, const char *path, bool must, struct tui_problems *problems)
{
    const char *why;
    size_t length;
    char *text = tui_textfile_read(path, &length, &why);
    if (text != NULL)
        tui_config_read_text(config, path, text, length, problems);
    else if (why != NULL || must)
        add_problem(problems, "%.200s: %s; it is left out", path, why != NULL ? why : "there is no such file");
    free(text);
    return text != NULL;
}

const char *tui_config_path(const char *variable, const char *fallback, const char *name, char *buf, size_t size)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    int n = 0;
    buf[0] = '\0';
    if (folder != NULL && folder[0] == '/')
        n = snprintf(buf, size, "%s/reftrack/%s", folder, name);
    else if (home != NULL && home[0] == '/')
        n = snprintf(buf, size, "%s/%s/reftrack/%s", home, fallback, name);
    if (n < 0 || (size_t)n >= size)
        buf[0] = '\0';
    return buf;
}
