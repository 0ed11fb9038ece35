/* prompt.c: the line of input. See prompt.h. */
#include "prompt.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "command.h"
#include "marks.h"

#define CONTROL(letter) ((letter)&31)

void tui_prompt_open(struct tui_prompt *prompt, enum tui_prompt_kind kind, const char *text)
{
    prompt->kind = kind;
    snprintf(prompt->text, sizeof prompt->text, "%s", text);
    prompt->length = prompt->cursor = strlen(prompt->text);
    prompt->said[0] = '\0';
    prompt->back = 0;
}

void tui_prompt_confirm(struct tui_prompt *prompt, const char *question, const char *command)
{
    tui_prompt_open(prompt, TUI_PROMPT_CONFIRM, question);
    snprintf(prompt->does, sizeof prompt->does, "%s", command);
}

/* ---- Editing ---- */

static void set_text(struct tui_prompt *prompt, const char *text)
{
    snprintf(prompt->text, sizeof prompt->text, "%s", text);
    prompt->length = prompt->cursor = strlen(prompt->text);
}

/* Puts bytes in the place of those from `from` to the cursor. */
static void replace(struct tui_prompt *prompt, size_t from, const char *bytes, size_t count)
{
    if (prompt->length - (prompt->cursor - from) + count >= sizeof prompt->text)
        return;
    memmove(prompt->text + from + count, prompt->text + prompt->cursor, prompt->length - prompt->cursor + 1);
    memcpy(prompt->text + from, bytes, count);
    prompt->length += count - (prompt->cursor - from);
    prompt->cursor = from + count;
}

static size_t before(const struct tui_prompt *prompt)
{
    size_t at = prompt->cursor;
    while (at > 0 && ((unsigned char)prompt->text[--at] & 0xc0) == 0x80)
        continue;
    return at;
}

static size_t behind(const struct tui_prompt *prompt)
{
    size_t at = prompt->cursor < prompt->length ? prompt->cursor + 1 : prompt->length;
    while (at < prompt->length && ((unsigned char)prompt->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static size_t word_before(const struct tui_prompt *prompt)
{
    size_t at = prompt->cursor;
    while (at > 0 && prompt->text[at - 1] == ' ')
        at--;
    while (at > 0 && prompt->text[at - 1] != ' ')
        at--;
    return at;
}

/* Older lines with step 1, newer ones with -1. */
static void leaf(struct tui_prompt *prompt, int step)
{
    size_t count = prompt->history[prompt->kind].count;
    if ((step > 0 && prompt->back == count) || (step < 0 && prompt->back == 0))
        return;
    if (prompt->back == 0)
        snprintf(prompt->begun, sizeof prompt->begun, "%s", prompt->text);
    prompt->back += (size_t)step;
    set_text(prompt, prompt->back == 0 ? prompt->begun : prompt->history[prompt->kind].line[prompt->back - 1]);
}

/* The line that was entered becomes the newest, and is there once. */
static void keep(struct tui_prompt *prompt)
{
    char(*line)[TUI_PROMPT_MOST] = prompt->history[prompt->kind].line;
    size_t *count = &prompt->history[prompt->kind].count, i = 0;
    if (prompt->text[0] == '\0')
        return;
    while (i < *count && strcmp(line[i], prompt->text) != 0)
        i++;
    if (i == *count && *count < TUI_PROMPT_HISTORY)
        ++*count;
    i = i == TUI_PROMPT_HISTORY ? i - 1 : i;
    memmove(line[1], line[0], i * sizeof line[0]);
    snprintf(line[0], sizeof line[0], "%s", prompt->text);
}

enum tui_prompt_edit tui_prompt_edit(struct tui_prompt *prompt, uint32_t key)
{
    char bytes[4];
    size_t from;
    prompt->said[0] = '\0';
    switch (key) {
    case TUI_KEY_ESC:
    case CONTROL('c'):
        return TUI_PROMPT_CANCELLED;
    case TUI_KEY_ENTER:
        keep(prompt);
        return TUI_PROMPT_ENTERED;
    case TUI_KEY_TAB:
        return TUI_PROMPT_COMPLETE;
    case TUI_KEY_BACKSPACE:
    case CONTROL('h'):
        if (prompt->length == 0)
            return TUI_PROMPT_CANCELLED;
        replace(prompt, before(prompt), "", 0);
        break;
    case CONTROL('w'):
        replace(prompt, word_before(prompt), "", 0);
        break;
    case CONTROL('u'):
        replace(prompt, 0, "", 0);
        break;
    case CONTROL('k'):
        prompt->text[prompt->length = prompt->cursor] = '\0';
        break;
    case TUI_KEY_DELETE:
    case CONTROL('d'):
        from = prompt->cursor;
        prompt->cursor = behind(prompt);
        replace(prompt, from, "", 0);
        break;
    case TUI_KEY_LEFT:
    case CONTROL('b'):
        prompt->cursor = before(prompt);
        break;
    case TUI_KEY_RIGHT:
    case CONTROL('f'):
        prompt->cursor = behind(prompt);
        break;
    case TUI_KEY_HOME:
    case CONTROL('a'):
        prompt->cursor = 0;
        break;
    case TUI_KEY_END:
    case CONTROL('e'):
        prompt->cursor = prompt->length;
        break;
    case TUI_KEY_UP:
    case CONTROL('p'):
        leaf(prompt, 1);
        break;
    case TUI_KEY_DOWN:
    case CONTROL('n'):
        leaf(prompt, -1);
        break;
    default:
        if (key >= ' ' && key < TUI_KEY_SPECIAL)
            replace(prompt, prompt->cursor, bytes, tui_encode(key, bytes));
        break;
    }
    return TUI_PROMPT_OPEN;
}

/* ---- Completion ---- */

void tui_prompt_complete(struct tui_prompt *prompt, size_t length, const char *const *words)
{
    const char *word = prompt->text + prompt->cursor - length, *first = NULL;
    size_t common = 0, count = 0, used = 0;
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strncmp(words[i], word, length) != 0)
            continue;
        if (count++ == 0) {
            first = words[i];
            common = strlen(first);
        }
        size_t same = 0;
        while (same < common && words[i][same] == first[same])
            same++;
        common = same;
        int n = snprintf(prompt->said + used, sizeof prompt->said - used, "%s%s", used > 0 ? "  " : "", words[i]);
        used += n > 0 && (size_t)n < sizeof prompt->said - used ? (size_t)n : 0;
    }
    if (count == 0)
        snprintf(prompt->said, sizeof prompt->said, "nothing begins like that");
    if (count == 1)
        prompt->said[0] = '\0';
    if (count > 0 && common > length)
        replace(prompt, prompt->cursor - length, first, common);
    bool whole = count == 1 && common > 0 && prompt->cursor >= common &&
                 strncmp(prompt->text + prompt->cursor - common, first, common) == 0;
    if (whole && first[common - 1] != '/' && prompt->cursor == prompt->length && prompt->kind == TUI_PROMPT_COMMAND)
        replace(prompt, prompt->cursor, " ", 1);
}

/* ---- What it is for ---- */

static void enter(struct tui_app *app)
{
    static const char *const words[TUI_PROMPT_KINDS] = {
        [TUI_PROMPT_FIND] = "find",
        [TUI_PROMPT_FILTER] = "where",
        [TUI_PROMPT_EXPORT] = "export",
        [TUI_PROMPT_SUPPRESS] = "suppress",
    };
    enum tui_prompt_kind kind = app->prompt.kind;
    struct tui_view *view = tui_app_top(app);
    char line[TUI_PROMPT_MOST + 16];
    app->prompt.kind = TUI_PROMPT_NONE;
    if (kind == TUI_PROMPT_COMMAND) {
        snprintf(line, sizeof line, "%s", app->prompt.text);
        tui_app_command(app, line);
    } else if (kind == TUI_PROMPT_MARK || kind == TUI_PROMPT_BOOKMARK) {
        snprintf(line, sizeof line, "%s", app->prompt.text);
        if (line[0] != '\0')
            (kind == TUI_PROMPT_MARK ? tui_marks_set : tui_marks_bookmark)(app, line);
    } else if (kind == TUI_PROMPT_EXPORT || kind == TUI_PROMPT_SUPPRESS) {
        snprintf(line, sizeof line, "%s %s", words[kind], app->prompt.text);
        tui_app_command(app, line);
    } else if (view->ops->command == NULL || !view->ops->command(view, words[kind], app->prompt.text)) {
        tui_app_say(app, TUI_WARN, "this view has nothing to %s", words[kind]);
    }
}

static void leave(struct tui_app *app, uint32_t key)
{
    app->prompt.kind = TUI_PROMPT_NONE;
    app->exit_code = key == 'e' ? TUI_EXIT_END : key == 'l' ? TUI_EXIT_LEAVE : 0;
    app->quit = app->exit_code != 0;
}

void tui_prompt_key(struct tui_app *app, uint32_t key)
{
    struct tui_prompt *prompt = &app->prompt;
    if (prompt->kind == TUI_PROMPT_LEAVE) {
        leave(app, key);
        return;
    }
    if (prompt->kind == TUI_PROMPT_CONFIRM) {
        prompt->kind = TUI_PROMPT_NONE;
        if (key == 'y' || key == 'Y')
            tui_app_command(app, prompt->does);
        else
            tui_app_say(app, TUI_NORMAL, "not done");
        return;
    }
    switch (tui_prompt_edit(prompt, key)) {
    case TUI_PROMPT_CANCELLED:
        prompt->kind = TUI_PROMPT_NONE;
        break;
    case TUI_PROMPT_ENTERED:
        enter(app);
        break;
    case TUI_PROMPT_COMPLETE:
        tui_command_complete(app);
        break;
    case TUI_PROMPT_OPEN:
        break;
    }
}

void tui_prompt_draw(const struct tui_prompt *prompt, struct tui_canvas *canvas, int y)
{
    static const char *const asks[TUI_PROMPT_KINDS] = {
        [TUI_PROMPT_COMMAND] = ":",
        [TUI_PROMPT_FIND] = "/",
        [TUI_PROMPT_FILTER] = "only rows with: ",
        [TUI_PROMPT_EXPORT] = "write to (.txt .csv .json): ",
        [TUI_PROMPT_MARK] = "name of the mark in the trace: ",
        [TUI_PROMPT_BOOKMARK] = "name of the bookmark (of this viewer only): ",
        [TUI_PROMPT_SUPPRESS] = "add them to: ",
        [TUI_PROMPT_CONFIRM] = "",
        [TUI_PROMPT_LEAVE] = "The program runs: e ends it, l leaves it running and recorded, Esc stays "
    };
    char head[TUI_PROMPT_MOST];
    int begin = tui_text(canvas, y, 0, canvas->width, TUI_KEY, asks[prompt->kind]), room = canvas->width - begin - 1;
    snprintf(head, sizeof head, "%.*s", (int)prompt->cursor, prompt->text);
    /* of a long line the part around the cursor */
    const char *text = prompt->text, *at = head;
    int columns;
    while (tui_width(at) > room - 1 && *at != '\0')
        tui_next_char(&at, &columns);
    text += at - head;
    tui_text(canvas, y, begin, room, TUI_NORMAL, text);
    int x = begin + tui_width(at);
    if (prompt->cursor == prompt->length)
        tui_put(canvas, y, x, TUI_NORMAL, '_');
    else
        tui_select(canvas, y, x, 1);
}
