/* app.h: the viewer: a stack of views in a frame, keys to actions, the prompt, messages; and the loop's side of it.
 *
 * Nothing here knows a terminal or a clock: time comes in from outside, so tests drive it with key scripts
 * (script.h). */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/vec.h>
#include <prof/view.h>

#include "action.h"
#include "canvas.h"
#include "config.h"
#include "job.h"
#include "key.h"
#include "menu.h"
#include "prompt.h"
#include "source.h"
#include "state.h"
#include "tags.h"
#include "view.h"

enum { TUI_VIEWS_MOST = 32, TUI_LEAST_HEIGHT = 16, TUI_LEAST_WIDTH = 60 };

/* Exit codes: what becomes of a program that was started for the viewer and runs. */
enum { TUI_EXIT_END = 40, TUI_EXIT_LEAVE = 41 };

struct tui_app {
    struct tui_canvas canvas;
    struct tui_config config;
    const struct tui_problems *problems; /* of the file it was read from; NULL: none was */
    const char *config_path;             /* that file; NULL */
    struct tui_state state;
    const char *state_path; /* of what is remembered; NULL: nothing is */
    struct tui_source *source;
    bool utf8;           /* the locale is: what is drawn where nobody says */
    const char *path;    /* of the trace, as it was given; "" none */
    const char *name;    /* of the trace or process, escaped */
    uint32_t pid;        /* of a running program, 0: a file */
    const char *command; /* reftrack itself, for what only commands do; NULL: is not known */
    bool read_only;      /* nothing is asked of the recording */
    const char *output;  /* the file that the program writes to; NULL: is not known */
    bool started;        /* the program was started for the viewer: who leaves says what becomes of it */
    int exit_code;       /* TUI_EXIT_*, 0 */
    struct tui_job job;
    struct tui_view *views[TUI_VIEWS_MOST]; /* the last one is shown */
    size_t depth;
    struct tui_query summary;
    struct tui_query export; /* rows that a worker writes to a file (export.h) */
    char export_path[1024];
    char ignore_path[256];               /* that suppressions were added to last */
    PROF_VEC(struct tui_mark) bookmarks; /* marks.h */
    struct {
        bool shown, focus; /* on every view; keys go there */
    } strip;
    enum prof_units units;
    struct tui_prompt prompt;
    struct tui_tags tags;
    struct {
        struct tui_query query; /* where the file is */
        char *file;             /* to be edited, as frames name it; NULL: none */
        unsigned line;
    } edit;
    struct tui_menu menu; /* open: it has all keys */
    char message[512];
    enum tui_role message_role;
    uint64_t message_until_ms, now_ms;
    bool quit, quit_asked, ignore_size;
    /* What the terminal does; NULL in tests. */
    const struct tui_terminal {
        void (*redraw)(void);
        void (*suspend)(void);
        void (*copy)(const char *text);
        void (*configure)(const struct tui_config *config); /* theme, colours and mouse as it says */
        /* Gives the terminal to a program until it ends. false: it was not started. */
        bool (*run)(char *const argv[], int *ret_status);
    } * terminal;
};

/* Draws into a canvas of its own. source: borrowed. false: no memory. Options, keys and colours are those that stand
 * when nothing is configured. */
bool tui_app_init(struct tui_app *app, struct tui_source *source, int height, int width, bool ascii);
void tui_app_deinit(struct tui_app *app);
/* Takes over what is configured, reads what is remembered, and opens the view that is to be the first. path, problems:
 * borrowed, NULL: no file. state_path: borrowed, NULL: nothing is to be remembered. */
void tui_app_configure(struct tui_app *app, const struct tui_config *config, const char *path,
                       const struct tui_problems *problems, const char *state_path);

/* Does what the configuration says now, after it changed. */
void tui_app_configured(struct tui_app *app);

/* One key; TUI_KEY_MOUSE with what it did. */
void tui_app_key(struct tui_app *app, uint32_t key, const struct tui_mouse *mouse);
void tui_app_act(struct tui_app *app, enum tui_action action);
/* A command as behind ':' (command.h). */
void tui_app_command(struct tui_app *app, const char *line);
void tui_app_resize(struct tui_app *app, int height, int width);
/* Asks for what the view on top needs, and draws the canvas. */
void tui_app_draw(struct tui_app *app);

/* ---- For views ---- */
/* The view that is shown. */
struct tui_view *tui_app_top(const struct tui_app *app);
/* Writes what is remembered, after it was changed; says it when that cannot be. */
void tui_app_remember(struct tui_app *app);
/* Puts a view on top; NULL (no memory) says so. */
void tui_app_open(struct tui_app *app, struct tui_view *view);
void tui_app_say(struct tui_app *app, enum tui_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
