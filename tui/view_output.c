/* view_output.c: the end of what the program wrote, of one that was started with run --tui. While the cursor stands on
 * the last line it stays there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "lines.h"

enum { TAIL = 128 << 10, LINE = 2048, TAB = 8 };

struct output_view {
    struct tui_view view;
    struct tui_lines lines;
    off_t size; /* of the file, as it was read; -1: not yet */
};

static struct output_view *as_output(struct tui_view *view)
{
    return (struct output_view *)view;
}

static void destroy(struct tui_view *base)
{
    tui_lines_deinit(&as_output(base)->lines);
    free(base);
}

/* ---- Text that was meant for a terminal ---- */

/* Behind a sequence that begins with ESC. */
static const char *skip_escape(const char *at, const char *end)
{
    char kind = ++at < end ? *at++ : '\0';
    if (kind == '[')
        while (at < end && !(*at >= '@' && *at <= '~'))
            at++;
    else if (kind == ']')
        while (at < end && *at != '\a' && *at != '\033')
            at++;
    return at < end && (kind == '[' || (kind == ']' && *at == '\a')) ? at + 1 : at;
}

/* One line without what moves the cursor or colours; what a carriage return begins anew is only its last state. */
static void plain(const char *at, const char *end, char *buf, size_t size)
{
    size_t used = 0;
    while (at < end && used + TAB + 1 < size) {
        if (*at == '\033') {
            at = skip_escape(at, end);
            continue;
        }
        if (*at == '\r' && at + 1 < end)
            used = 0;
        else if (*at == '\t')
            do
                buf[used++] = ' ';
            while (used % TAB != 0);
        else if (*at == '\b')
            used -= used > 0;
        else if (*at != '\r' && *at != '\a')
            buf[used++] = *at;
        at++;
    }
    buf[used] = '\0';
}

/* ---- The file ---- */

static void fill(struct output_view *view, const char *text, size_t length, bool cut)
{
    bool last = view->size < 0 || view->lines.count == 0 || view->lines.cursor + 1 == view->lines.count;
    const char *at = text, *end = text + length;
    char line[LINE];
    if (cut) { /* the first line may be a part of one */
        const char *first = memchr(text, '\n', length);
        at = first != NULL ? first + 1 : at;
    }
    tui_lines_clear(&view->lines);
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at)), *stop = feed != NULL ? feed : end;
        plain(at, stop, line, sizeof line);
        tui_lines_add(&view->lines, NULL, TUI_NORMAL, "%s", line);
        at = feed != NULL ? feed + 1 : end;
    }
    if (last && view->lines.count > 0)
        view->lines.cursor = view->lines.count - 1;
}

/* A file of this machine that this user just made: reading its end takes no time. */
static void ask(struct tui_view *base)
{
    struct output_view *view = as_output(base);
    struct stat st;
    int fd = open(base->app->output, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size != view->size) {
        char *text = malloc(TAIL);
        off_t from = st.st_size > TAIL ? st.st_size - TAIL : 0;
        ssize_t n = text != NULL ? pread(fd, text, TAIL, from) : -1;
        if (n >= 0)
            fill(view, text, (size_t)n, from > 0);
        view->size = st.st_size;
        free(text);
    }
    close(fd);
}

/* ---- The view ---- */

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct output_view *view = as_output(base);
    if (view->size < 0)
        tui_printf(canvas, area.y + 1, 2, area.width - 3, TUI_BAD, "%s cannot be read", base->app->output);
    else if (view->lines.count == 0)
        tui_text(canvas, area.y + 1, 2, area.width - 3, TUI_DIM, "The program wrote nothing so far.");
    else
        tui_lines_draw(&view->lines, canvas, area, true);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    return tui_lines_act_found(base->app, &as_output(base)->lines, action);
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    return tui_lines_command(base->app, &as_output(base)->lines, word, rest);
}

static bool clear(struct tui_view *base)
{
    return tui_lines_clear_found(&as_output(base)->lines);
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_lines_mouse(base->app, &as_output(base)->lines, what);
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct output_view *view = (const struct output_view *)base;
    char where[128];
    tui_lines_title(&view->lines, where, sizeof where);
    snprintf(buf, size, "%s   %s", where, base->app->output);
}

static const enum tui_action hints[] = { TUI_FIND, TUI_BACK, TUI_NO_ACTION };
static const struct tui_view_ops ops = {
    .name = "output",
    .tab = TUI_NO_ACTION,
    .hints = hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = act,
    .title = title,
    .command = command,
    .clear = clear,
    .mouse = mouse,
    .follows = true,
};

struct tui_view *tui_view_output(struct tui_app *app)
{
    struct output_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = &ops, .app = app };
    view->size = -1;
    return &view->view;
}
