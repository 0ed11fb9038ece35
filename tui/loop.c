/* loop.c: the main loop. See loop.h. */
#include "loop.h"

#include <time.h>

#include "term.h"

/* What a key asked for is drawn when it comes, not with the next of the frames that data get. */
enum { FRAME_MS = 100, ANSWER_MS = 15, AFTER_KEY_MS = 1000, MESSAGE_MS = 1000, FOLLOW_MS = 300 };

uint64_t tui_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* All keys that are there. true: there was one. */
static bool take_keys(struct tui_app *app)
{
    struct tui_mouse mouse;
    bool any = false;
    for (uint32_t key; !app->quit && (key = tui_term_key(&mouse)) != TUI_KEY_NONE; any = true) {
        if (key == TUI_KEY_RESIZE) {
            int height, width;
            tui_term_resized();
            tui_term_size(&height, &width);
            tui_app_resize(app, height, width);
        } else if (key == TUI_KEY_END_OF_INPUT) {
            app->quit = true;
        } else {
            tui_app_key(app, key, &mouse);
        }
    }
    return any;
}

static int earlier(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

void tui_loop_run(struct tui_app *app)
{
    uint64_t drawn_ms = 0, key_ms = 0;
    bool draw = true;
    while (!app->quit) {
        app->now_ms = tui_now_ms();
        bool keys = take_keys(app);
        if (app->quit)
            break;
        bool changed = tui_source_step(app->source, app->now_ms);
        changed |= tui_job_step(app);
        key_ms = keys ? app->now_ms : key_ms;
        int apart = key_ms != 0 && app->now_ms - key_ms < AFTER_KEY_MS ? ANSWER_MS : FRAME_MS;
        draw = draw || keys || changed || (app->message[0] != '\0' && app->message_until_ms <= app->now_ms);
        /* a key is answered at once, data wait for their turn */
        if (draw && (keys || app->now_ms - drawn_ms >= (uint64_t)apart)) {
            tui_app_draw(app);
            tui_term_draw(&app->canvas);
            drawn_ms = app->now_ms;
            draw = false;
            if (tui_source_step(app->source, app->now_ms))
                draw = true;
        }
        struct pollfd fds[TUI_SOURCE_FDS + 2] = { { .fd = tui_term_fd(), .events = POLLIN } };
        size_t count = 1 + tui_source_poll(app->source, fds + 1);
        if (app->job.pid != 0)
            fds[count++] = (struct pollfd){ .fd = app->job.fd, .events = POLLIN };
        int wait = earlier(draw ? apart : -1, tui_source_wait_ms(app->source, app->now_ms));
        bool follows = tui_app_top(app)->ops->follows;
        wait = earlier(wait, follows ? FOLLOW_MS : -1);
        wait = earlier(wait, app->message[0] != '\0' ? MESSAGE_MS : -1);
        draw |= poll(fds, count, wait) == 0 && follows;
        if (fds[0].revents & (POLLHUP | POLLERR))
            app->quit = true;
    }
}
