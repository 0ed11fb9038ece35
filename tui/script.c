/* script.c: runs scripts of keys. See script.h. */
#include "script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loop.h"

enum { PATIENCE_MS = 60000 };

/* Until nothing is under way. What views ask depends on what came, so they are drawn until they have no more questions.
 */
static bool settle(struct tui_app *app)
{
    uint64_t begin = tui_now_ms();
    for (;;) {
        struct pollfd fds[TUI_SOURCE_FDS];
        tui_app_draw(app);
        tui_source_step(app->source, tui_now_ms());
        tui_job_step(app);
        if (tui_source_is_idle(app->source) && app->job.pid == 0) {
            tui_app_draw(app);
            if (tui_source_is_idle(app->source))
                return true;
        }
        if (tui_now_ms() - begin > PATIENCE_MS)
            return false;
        size_t count = tui_source_poll(app->source, fds);
        poll(fds, count, 20);
    }
}

static bool press(struct tui_app *app, const char *keys)
{
    while (*keys != '\0') {
        uint32_t key;
        if (!tui_key_parse(&keys, &key))
            return false;
        if (!settle(app))
            return false;
        tui_app_key(app, key, NULL);
        keys += strspn(keys, " ");
    }
    return true;
}

static void type(struct tui_app *app, const char *text)
{
    int columns;
    for (uint32_t ch; (ch = tui_next_char(&text, &columns)) != 0;)
        tui_app_key(app, ch, NULL);
}

static bool print(struct tui_app *app, FILE *out, bool roles)
{
    if (!settle(app))
        return false;
    char *text = roles ? tui_canvas_save_roles(&app->canvas) : tui_canvas_save(&app->canvas);
    bool good = text != NULL && fputs(text, out) >= 0;
    free(text);
    return good;
}

/* "10,3" behind one of the words. */
static bool point(struct tui_app *app, const char *word, const char *text)
{
    static const char *const words[] = { [TUI_MOUSE_CLICK] = "click",
                                         [TUI_MOUSE_DOUBLE] = "double-click",
                                         [TUI_MOUSE_UP] = "wheel-up",
                                         [TUI_MOUSE_DOWN] = "wheel-down" };
    struct tui_mouse mouse;
    for (int i = TUI_MOUSE_CLICK; i <= TUI_MOUSE_DOWN; i++)
        if (strcmp(words[i], word) == 0 && sscanf(text, "%d,%d", &mouse.x, &mouse.y) == 2) {
            mouse.what = i;
            tui_app_key(app, TUI_KEY_MOUSE, &mouse);
            return true;
        }
    return false;
}

static bool run_line(struct tui_app *app, const char *word, const char *rest, FILE *out)
{
    int width, height;
    if (strcmp(word, "key") == 0)
        return press(app, rest);
    if (strcmp(word, "show") == 0 || strcmp(word, "roles") == 0)
        return print(app, out, word[0] == 'r');
    if (!settle(app))
        return false;
    if (strcmp(word, "type") == 0)
        type(app, rest);
    else if (strcmp(word, "do") == 0)
        tui_app_command(app, rest);
    else if (strcmp(word, "resize") == 0 && sscanf(rest, "%dx%d", &width, &height) == 2)
        tui_app_resize(app, height, width);
    else
        return point(app, word, rest);
    return true;
}

int tui_script_run(struct tui_app *app, FILE *script, const char *name, FILE *out)
{
    char *line = NULL;
    size_t room = 0;
    int code = 0;
    for (unsigned number = 1; code == 0 && !app->quit && getline(&line, &room, script) >= 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        char *word = line + strspn(line, " \t"), *rest = word + strcspn(word, " \t");
        if (*word == '\0' || *word == '#')
            continue;
        if (*rest != '\0')
            *rest++ = '\0';
        if (!run_line(app, word, rest, out)) {
            fprintf(stderr,
                    "reftrack-tui: %s:%u: '%s%s%s' could not be done; lines are: key NAME ..., type TEXT, do COMMAND, "
                    "click COLUMN,ROW, resize WxH, show, roles\n",
                    name, number, word, *rest != '\0' ? " " : "", rest);
            code = 2;
        }
    }
    free(line);
    return code;
}
