/* view_ignore.c: the lines that suppress a finding, and the file that they are added to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "page.h"
#include "said.h"

static void fill(struct tui_page *page, const json_t *answer)
{
    const char *text = tui_said(answer, "text");
    tui_lines_heading(&page->lines, "what suppresses this finding");
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n'))
        tui_lines_add(&page->lines, NULL, TUI_ACCENT, "%.*s", (int)strcspn(at, "\n"), at);
    tui_lines_heading(&page->lines, "where it goes");
    tui_lines_add(&page->lines, NULL, TUI_NORMAL,
                  "The prompt below asks for the file. 'reftrack check --suppressions FILE' and this viewer leave out "
                  "what its lines match, as long as there are not more objects than 'max:' allows; say behind "
                  "'reason:' why it may stay. Other commands take the same file.");
}

/* Adds text to a file, which begins a line of its own; all of it or nothing. errno. */
static bool append(const char *path, const char *text)
{
    size_t length = strlen(text);
    struct stat st;
    char last = '\n';
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0)
        return false;
    bool good = fstat(fd, &st) == 0;
    if (good && !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        good = false;
    }
    off_t end = good ? st.st_size : 0;
    good = good && (end == 0 || pread(fd, &last, 1, end - 1) == 1);
    bool written = good && (last == '\n' || write(fd, "\n", 1) == 1);
    for (ssize_t n; written && length > 0; text += n, length -= (size_t)n)
        if ((n = write(fd, text, length)) < 0) {
            written = false;
            break;
        }
    int kept = errno;
    if (good && !written && ftruncate(fd, end) != 0)
        kept = EIO; /* it has a part of it now */
    if (close(fd) != 0 && written) {
        kept = errno;
        written = false;
    }
    errno = kept;
    return written;
}

static bool command(struct tui_view *base, const char *word, const char *rest)
{
    struct tui_page *page = (struct tui_page *)base;
    struct tui_app *app = base->app;
    const char *text = tui_said(page->query.answer, "text");
    char path[1024], line[TUI_PROMPT_MOST + 32];
    bool sure = strcmp(word, "suppress!") == 0;
    struct stat st;
    if (!sure && strcmp(word, "suppress") != 0)
        return tui_page_command(base, word, rest);
    tui_command_path(rest, path, sizeof path);
    snprintf(line, sizeof line, "suppress! %s", rest);
    if (path[0] == '\0' || text[0] == '\0') {
        tui_app_say(app, TUI_WARN, "nothing is written");
    } else if (!sure && stat(path, &st) == 0) {
        char asks[TUI_PROMPT_MOST];
        snprintf(asks, sizeof asks, "%.200s is there already. Add to it? y/n ", path);
        tui_prompt_confirm(&app->prompt, asks, line);
    } else if (!append(path, text)) {
        tui_app_say(app, TUI_BAD, "%s cannot be written: %s", path, strerror(errno));
    } else if (!tui_source_suppress(app->source, path)) {
        tui_app_say(app, TUI_WARN, "added to %s; there are too many such files to use it here", path);
    } else {
        snprintf(app->ignore_path, sizeof app->ignore_path, "%s", rest);
        tui_app_act(app, TUI_CLOSE);
        tui_app_say(app, TUI_GOOD, "added to %s; what it matches is excluded from now on", path);
    }
    return true;
}

static bool act(struct tui_view *base, enum tui_action action)
{
    if (action != TUI_OPEN && action != TUI_IGNORE)
        return tui_page_act(base, action);
    tui_prompt_open(&base->app->prompt, TUI_PROMPT_SUPPRESS, base->app->ignore_path);
    return true;
}

static const enum tui_action hints[] = { TUI_IGNORE, TUI_BACK, TUI_NO_ACTION };
static const struct tui_page_spec spec = {
    .ops = {
        .name = "ignore",
        .hints = hints,
        .destroy = tui_page_destroy,
        .ask = tui_page_ask,
        .draw = tui_page_draw,
        .act = act,
        .title = tui_page_title,
        .command = command,
        .mouse = tui_page_mouse,
        .clear = tui_page_clear,
        .scrolls = true,
    },
    .ask = "suppression",
    .fill = fill,
};

struct tui_view *tui_view_ignore(struct tui_app *app, const char *number)
{
    struct tui_view *view = tui_page_create(app, &spec, number, NULL);
    if (view != NULL)
        act(view, TUI_IGNORE);
    return view;
}
