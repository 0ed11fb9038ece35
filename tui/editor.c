/* editor.c: a source line in the user's editor. See editor.h. */
#include "editor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "said.h"

/* How editors want to be told of the line; the others understand +LINE FILE. */
static const struct {
    const char *name, *option; /* option: before FILE:LINE; NULL: nothing */
} colon_editors[] = { { "code", "--goto" },     { "codium", "--goto" },
                      { "vscodium", "--goto" }, { "code-insiders", "--goto" },
                      { "hx", NULL },           { "helix", NULL },
                      { "subl", NULL },         { "zed", NULL } };
enum { COLON_EDITORS = sizeof colon_editors / sizeof *colon_editors };

/* The next word of a command line into `to`; returns what is behind it, NULL when there is no room. */
static const char *next_word(const char *at, char *to, const char *end)
{
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || (*at != ' ' && *at != '\t')); at++) {
        if (*at == quote)
            quote = '\0';
        else if (quote == '\0' && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (to + 1 < end)
            *to++ = *at;
        else
            return NULL;
    }
    *to = '\0';
    return at + strspn(at, " \t");
}

static bool is_harmless(const char *path)
{
    for (; *path != '\0'; path++)
        if ((unsigned char)*path < ' ' || *path == 0x7f)
            return false;
    return true;
}

const char *tui_editor_make(struct tui_editor_command *command, const char *editor, const char *path, unsigned line)
{
    char *at = command->room, *end = command->room + sizeof command->room;
    size_t count = 0;
    if (editor == NULL || editor[strspn(editor, " \t")] == '\0')
        return "no editor is set: VISUAL=vi reftrack tui, or EDITOR";
    if (path[0] != '/' || !is_harmless(path))
        return "this file has a name that no editor is given";
    for (editor += strspn(editor, " \t"); editor != NULL && *editor != '\0' && count + 3 < TUI_EDITOR_WORDS;) {
        command->argv[count++] = at;
        editor = next_word(editor, at, end);
        at += editor != NULL ? strlen(at) + 1 : 0;
    }
    if (editor == NULL || *editor != '\0' || (size_t)(end - at) < strlen(path) + 64)
        return "the command of the editor is too long";
    const char *slash = strrchr(command->argv[0], '/'), *name = slash != NULL ? slash + 1 : command->argv[0];
    size_t kind = 0;
    while (kind < COLON_EDITORS && strcmp(colon_editors[kind].name, name) != 0)
        kind++;
    if (kind < COLON_EDITORS && colon_editors[kind].option != NULL) {
        command->argv[count++] = at;
        at += sprintf(at, "%s", colon_editors[kind].option) + 1;
    } else if (kind == COLON_EDITORS && line > 0) {
        command->argv[count++] = at;
        at += sprintf(at, "+%u", line) + 1;
    }
    command->argv[count++] = at;
    if (kind < COLON_EDITORS && line > 0)
        sprintf(at, "%s:%u", path, line);
    else
        sprintf(at, "%s", path);
    command->argv[count] = NULL;
    return NULL;
}

static void run(struct tui_app *app, const char *path, unsigned line)
{
    struct tui_editor_command command;
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    int status = 0;
    const char *why = tui_editor_make(&command, visual != NULL && visual[0] != '\0' ? visual : editor, path, line);
    if (why != NULL)
        tui_app_say(app, TUI_BAD, "%s", why);
    else if (app->terminal == NULL)
        tui_app_say(app, TUI_WARN, "there is no terminal for %s, line %u of %s", command.argv[0], line, path);
    else if (!app->terminal->run(command.argv, &status))
        tui_app_say(app, TUI_BAD, "'%s' could not be started", command.argv[0]);
    else if (status != 0)
        tui_app_say(app, TUI_WARN, "'%s' ended with %d", command.argv[0], status);
}

void tui_editor_open(struct tui_app *app, const char *file, unsigned line)
{
    tui_editor_deinit(app);
    app->edit.file = strdup(file);
    app->edit.line = line;
}

void tui_editor_step(struct tui_app *app)
{
    if (app->edit.file == NULL)
        return;
    tui_source_ask(app->source, &app->edit.query,
                   json_pack("{s:s,s:s,s:i,s:i}", "ask", "source", "file", app->edit.file, "first", 0, "count", 0));
    const json_t *answer = app->edit.query.answer;
    if (answer == NULL || app->edit.query.number != 0)
        return;
    const char *base = strrchr(app->edit.file, '/');
    if (tui_said(answer, "error")[0] != '\0')
        tui_app_say(app, TUI_BAD, "%s", tui_said(answer, "error"));
    else if (!json_is_true(json_object_get(answer, "text")))
        tui_app_say(app, TUI_BAD, "%s %s", base != NULL ? base + 1 : app->edit.file, tui_said(answer, "words"));
    else
        run(app, tui_said(answer, "path"), app->edit.line);
    tui_editor_deinit(app);
}

void tui_editor_deinit(struct tui_app *app)
{
    tui_source_forget(app->source, &app->edit.query);
    free(app->edit.file);
    app->edit.file = NULL;
}
