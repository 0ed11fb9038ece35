/* command.c: commands, and what Tab makes of the words before it. See command.h. */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/vec.h>

#include "export.h"
#include "list.h"
#include "textfile.h"

// clang-format off
const struct tui_command tui_commands[] = {
    { "where", "EXPR", "only rows with a text, or for which the expression holds; nothing: all" },
    { "sort", "KEY[,KEY]", "the order of rows; -KEY: the other way round" },
    { "find", "TEXT", "find a text" },
    { "at", "MOMENT", "travel: 90s, 1500ms, or now" },
    { "export", "FILE", "write all rows, or all of the view: .txt, .csv or .json" },
    { "save-display", "FILE", "write the screen as it is drawn" },
    { "cmd", "", "the command line that prints the view; also to the clipboard" },
    { "set", "NAME = VALUE", "an option, until the viewer ends" },
    { "bind", "[VIEW] KEY ACTION", "a key, until the viewer ends" },
    { "color", "ROLE FG [BG [ATTR,...]]", "a colour, until the viewer ends" },
    { .name = NULL },
};
// clang-format on

/* ---- Files ---- */

const char *tui_command_path(const char *text, char *buf, size_t size)
{
    const char *home = getenv("HOME");
    bool of_home = text[0] == '~' && text[1] == '/' && home != NULL;
    int n = snprintf(buf, size, "%s%s", of_home ? home : "", of_home ? text + 1 : text);
    if (n < 0 || (size_t)n >= size)
        buf[0] = '\0';
    return buf;
}

bool tui_command_may_write(struct tui_app *app, const char *path, const char *line)
{
    struct stat st;
    char asks[TUI_PROMPT_MOST];
    if (lstat(path, &st) != 0)
        return true; /* whatever is wrong shows when it is written */
    snprintf(asks, sizeof asks, "%.200s is there already. Replace it? y/n ", path);
    tui_prompt_confirm(&app->prompt, asks, line);
    return false;
}

/* again: it was asked whether the file may be replaced. */
static void save_display(struct tui_app *app, const char *to, bool again)
{
    char path[TUI_PROMPT_MOST * 4], line[TUI_PROMPT_MOST + 32];
    tui_command_path(to, path, sizeof path);
    snprintf(line, sizeof line, "save-display! %s", to);
    if (!again && !tui_command_may_write(app, path, line))
        return;
    tui_app_draw(app);
    char *text = tui_canvas_save(&app->canvas);
    if (text != NULL && tui_textfile_replace(path, text, strlen(text), again, 0666))
        tui_app_say(app, TUI_GOOD, "written to %s", path);
    else
        tui_app_say(app, TUI_BAD, "%s cannot be written: %s", path, strerror(errno));
    free(text);
}

/* ---- Commands ---- */

static void go_to(struct tui_app *app, const char *when)
{
    uint64_t at_us;
    if (*when == '\0' || strcmp(when, "now") == 0)
        tui_source_go(app->source, TUI_AT_NOW);
    else if (prof_parse_quantity(when + (*when == '+'), PROF_UNIT_US, &at_us))
        tui_source_go(app->source, at_us);
    else
        tui_app_say(app, TUI_BAD, ":at wants a moment such as 90s or 1500ms, or now");
}

/* A line of tuirc, for this session. */
static void configure(struct tui_app *app, const char *line)
{
    char why[TUI_PROBLEM];
    if (!tui_config_line(&app->config, line, why)) {
        tui_app_say(app, TUI_BAD, "%s", why);
        return;
    }
    tui_app_configured(app);
    tui_app_say(app, TUI_NORMAL, "%s: until the viewer ends", line);
}

void tui_command_quote(char *buf, size_t size, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%#";
    size_t used = strlen(buf);
    bool quoted = text[0] == '\0' || text[0] == '#' || strspn(text, plain) != strlen(text);
    if (used + 4 * strlen(text) + 3 > size)
        return;
    char *at = buf + used;
    if (quoted)
        *at++ = '\'';
    for (; *text != '\0'; text++)
        if (*text == '\'')
            at = stpcpy(at, "'\\''");
        else
            *at++ = *text;
    if (quoted)
        *at++ = '\'';
    *at = '\0';
}

/* The views say "reftrack types TRACE --sort bytes"; the trace, and the moment that is looked at, are known here. */
static void with_trace(struct tui_app *app, const char *command, char *buf, size_t size)
{
    const char *word = strstr(command, "TRACE");
    uint64_t at_us = tui_source_at(app->source);
    if (word == NULL) {
        snprintf(buf, size, "%s", command);
        return;
    }
    snprintf(buf, size, "%.*s", (int)(word - command), command);
    if (app->pid != 0)
        snprintf(buf + strlen(buf), size - strlen(buf), "--pid %u", app->pid);
    else
        tui_command_quote(buf, size, app->path);
    snprintf(buf + strlen(buf), size - strlen(buf), "%s", word + strlen("TRACE"));
    if (at_us != TUI_AT_NOW)
        snprintf(buf + strlen(buf), size - strlen(buf), " --to %lluus", (unsigned long long)at_us);
}

static void say_command_line(struct tui_app *app)
{
    const struct tui_view *view = tui_app_top(app);
    char command[sizeof app->message] = "", line[sizeof app->message];
    if (view->ops->command_line != NULL)
        view->ops->command_line(view, command, sizeof command);
    with_trace(app, command, line, sizeof line);
    if (line[0] != '\0' && app->terminal != NULL)
        app->terminal->copy(line);
    tui_app_say(app, TUI_NORMAL, "%s", line[0] != '\0' ? line : "no command prints this view");
}

/* false: it is none of those that are the same in all views. */
static bool command_anywhere(struct tui_app *app, const char *word, const char *rest, const char *line)
{
    bool sure = word[0] != '\0' && word[strlen(word) - 1] == '!';
    if (strcmp(word, "at") == 0)
        go_to(app, rest);
    else if (strcmp(word, "cmd") == 0)
        say_command_line(app);
    else if (strcmp(word, "set") == 0 || strcmp(word, "bind") == 0 || strcmp(word, "color") == 0)
        configure(app, line);
    else if ((strcmp(word, "save-display") == 0 || strcmp(word, "save-display!") == 0) && *rest != '\0')
        save_display(app, rest, sure);
    else if ((strcmp(word, "export") == 0 || strcmp(word, "export!") == 0) && *rest != '\0')
        tui_export(app, rest, sure);
    else
        return false;
    return true;
}

void tui_app_command(struct tui_app *app, const char *said)
{
    char word[64], line[TUI_PROMPT_MOST + 32];
    snprintf(line, sizeof line, "%s", said);
    for (size_t end = strlen(line); end > 0 && line[end - 1] == ' ';)
        line[--end] = '\0'; /* Tab leaves one behind a word */
    size_t length = strcspn(line, " ");
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), line);
    const char *rest = line + length + strspn(line + length, " ");
    enum tui_action action = tui_action_named(word);
    struct tui_view *view = tui_app_top(app);
    app->menu.title = NULL;
    if (word[0] == '\0' || command_anywhere(app, word, rest, line) ||
        (view->ops->command != NULL && view->ops->command(view, word, rest)))
        return;
    if (action != TUI_NO_ACTION)
        tui_app_act(app, action);
    else
        tui_app_say(app, TUI_BAD, "there is no action '%s': the help lists them", word);
}

/* ---- Completion ---- */

struct words {
    PROF_VEC(char *) list;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct words *words, const char *format, ...)
{
    char *word;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&word, format, args);
    va_end(args);
    if (n >= 0 && !prof_vec_push(&words->list, word))
        free(word);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void add_files(struct words *words, const char *begun)
{
    char folder[TUI_PROMPT_MOST * 4], typed[TUI_PROMPT_MOST];
    const char *slash = strrchr(begun, '/');
    snprintf(typed, sizeof typed, "%.*s", slash != NULL ? (int)(slash - begun) + 1 : 0, begun);
    DIR *dir = opendir(typed[0] != '\0' ? tui_command_path(typed, folder, sizeof folder) : ".");
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' || (slash != NULL ? slash[1] : begun[0]) == '.')
            add(words, "%s%s%s", typed, entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    closedir(dir);
}

static void add_keys(struct words *words, struct tui_app *app, const char *sign)
{
    struct tui_view *view = tui_app_top(app);
    struct tui_list *list = view->ops->list != NULL ? view->ops->list(view) : NULL;
    for (size_t i = 0; list != NULL && i < list->columns.count; i++)
        add(words, "%s%s", sign, list->columns.item[i].key);
}

static void add_actions(struct words *words)
{
    for (int i = 1; i < TUI_ACTIONS; i++)
        add(words, "%s", tui_actions[i].name);
}

static void add_choices(struct words *words, const char *name)
{
    const struct tui_option *option = tui_option_named(name);
    char word[32];
    for (int i = 0; option != NULL && tui_option_word(option, i, word, sizeof word)[0] != '\0'; i++)
        add(words, "%s", word);
}

/* The n-th word of a line. Returns buf. */
static const char *word_of(const char *line, size_t n, char *buf, size_t size)
{
    for (; n > 0; n--) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    snprintf(buf, size, "%.*s", (int)strcspn(line, " "), line);
    return buf;
}

/* What may stand as the n-th word (from 1) behind a command. */
static void add_arguments(struct words *words, struct tui_app *app, const char *line, size_t n, const char *begun)
{
    char command[32], first[64];
    word_of(line, 0, command, sizeof command);
    word_of(line, 1, first, sizeof first);
    if (strcmp(command, "sort") == 0) {
        add_keys(words, app, begun[0] == '-' ? "-" : "");
    } else if (strcmp(command, "export") == 0 || strcmp(command, "save-display") == 0) {
        add_files(words, begun);
    } else if (strcmp(command, "at") == 0) {
        add(words, "now");
    } else if (strcmp(command, "set") == 0) {
        for (size_t i = 0; n == 1 && i < TUI_OPTIONS; i++)
            add(words, "%s =", tui_options[i].name);
        if (n > 1)
            add_choices(words, first);
    } else if (strcmp(command, "bind") == 0) {
        for (size_t i = 0; n == 1 && tui_view_names[i] != NULL; i++)
            add(words, "%s", tui_view_names[i]);
        if (n > 1)
            add_actions(words);
    } else if (strcmp(command, "color") == 0) {
        for (int i = 0; n == 1 && i < TUI_ROLES; i++)
            add(words, "%s", tui_role_names[i]);
        for (int i = 0; n > 1 && tui_color_names[i] != NULL; i++)
            add(words, "%s", tui_color_names[i]);
    }
}

/* A key stands at the begin of an expression, and behind what joins two of them. Returns the bytes of it that are
 * there; SIZE_MAX: a value is being written. */
static size_t begun_key(const char *text, size_t cursor)
{
    size_t from = cursor;
    while (from > 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789_", text[from - 1]) != NULL)
        from--;
    size_t at = from;
    while (at > 0 && text[at - 1] == ' ')
        at--;
    return at == 0 || strchr("&|!(", text[at - 1]) != NULL ? cursor - from : SIZE_MAX;
}

void tui_command_complete(struct tui_app *app)
{
    struct tui_prompt *prompt = &app->prompt;
    struct words words = { .list = { .items = NULL } };
    char line[TUI_PROMPT_MOST];
    size_t n = 0, length = 0, where = prompt->kind == TUI_PROMPT_COMMAND ? strlen("where ") : 0;
    snprintf(line, sizeof line, "%.*s", (int)prompt->cursor, prompt->text);
    for (size_t i = 0; i < prompt->cursor; i++) {
        bool begins = line[i] != ' ' && (i == 0 || line[i - 1] == ' ');
        n += begins && i > 0;
        length = line[i] == ' ' ? 0 : length + 1;
    }
    n += prompt->cursor > 0 && line[prompt->cursor - 1] == ' ';
    const char *begun = line + prompt->cursor - length;
    if (prompt->kind == TUI_PROMPT_FILTER || strncmp(line, "where ", 6) == 0) {
        length = begun_key(prompt->text + where, prompt->cursor - where);
        if (length != SIZE_MAX)
            add_keys(&words, app, "");
        length = length != SIZE_MAX ? length : 0;
    } else if (prompt->kind == TUI_PROMPT_EXPORT || prompt->kind == TUI_PROMPT_SUPPRESS) {
        length = prompt->cursor;
        add_files(&words, line);
    } else if (prompt->kind == TUI_PROMPT_COMMAND && n == 0) {
        for (size_t i = 0; tui_commands[i].name != NULL; i++)
            add(&words, "%s", tui_commands[i].name);
        add_actions(&words);
    } else if (prompt->kind == TUI_PROMPT_COMMAND) {
        add_arguments(&words, app, line, n, begun);
    }
    if (words.list.count > 0)
        qsort(words.list.items, words.list.count, sizeof *words.list.items, by_name);
    /* the same word twice would be no choice */
    size_t kept = 0;
    for (size_t i = 0; i < words.list.count; i++) {
        if (kept > 0 && strcmp(words.list.items[kept - 1], words.list.items[i]) == 0)
            free(words.list.items[i]);
        else
            words.list.items[kept++] = words.list.items[i];
    }
    words.list.count = kept;
    if (prof_vec_push(&words.list, NULL))
        tui_prompt_complete(prompt, length, (const char *const *)words.list.items);
    for (size_t i = 0; i < kept; i++)
        free(words.list.items[i]);
    prof_vec_deinit(&words.list);
}
