/* main.c: reftrack-tui, the viewer. `reftrack tui` finds the trace and starts it; tests start it with a script.
 *
 *   canvas, glyph     a grid of cells, and what is drawn on it
 *   term              ncurses, and nobody else's
 *   key, action       keys by name; everything one can do, in one table
 *   app, frame, loop  the stack of views, what surrounds them, one poll
 *   list, lines, page tables of any length; texts of labelled lines, and views that are one such text
 *   said              what the workers answered, read
 *   view_*            the screens;  evidence: findings and objects as lines
 *   source, wire      the viewer's end of the workers
 *   work/             the processes that read the trace, and what they answer
 *   script            keys from a file, screens to standard output */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "loop.h"
#include "script.h"
#include "term.h"

enum { USAGE = 2, UNREADABLE = 3, WRAPPERS = 64 };

struct arguments {
    const char *script, *theme, *symfs, *path;
    const char *wrappers[WRAPPERS + 1];
    size_t wrapper_count;
    uint32_t pid;
    int width, height;
    bool ascii, no_mouse;
};

static int usage(const char *why)
{
    fprintf(stderr, "reftrack-tui: %s; 'reftrack tui --help' tells how it is used\n", why);
    return USAGE;
}

static bool is_theme(const char *name)
{
    size_t i = 0;
    while (tui_themes[i] != NULL && strcmp(tui_themes[i], name) != 0)
        i++;
    return tui_themes[i] != NULL;
}

static int parse(int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = { { "script", required_argument, NULL, 's' },
                                             { "size", required_argument, NULL, 'g' },
                                             { "ascii", no_argument, NULL, 'a' },
                                             { "no-mouse", no_argument, NULL, 'm' },
                                             { "theme", required_argument, NULL, 't' },
                                             { "symfs", required_argument, NULL, 'f' },
                                             { "wrapper", required_argument, NULL, 'w' },
                                             { "pid", required_argument, NULL, 'p' },
                                             { NULL, 0, NULL, 0 } };
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            ret->script = optarg;
            break;
        case 'g':
            if (sscanf(optarg, "%dx%d", &ret->width, &ret->height) != 2 || ret->width < 1 || ret->height < 1 ||
                ret->width > 1000 || ret->height > 1000)
                return usage("--size wants columns and rows, as in 80x24");
            break;
        case 'a':
            ret->ascii = true;
            break;
        case 'm':
            ret->no_mouse = true;
            break;
        case 't':
            if (!is_theme(optarg))
                return usage("--theme wants default, light, mono or contrast");
            ret->theme = optarg;
            break;
        case 'f':
            ret->symfs = optarg;
            break;
        case 'w':
            if (ret->wrapper_count == WRAPPERS)
                return usage("there are too many --wrapper");
            ret->wrappers[ret->wrapper_count++] = optarg;
            break;
        case 'p':
            ret->pid = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        default:
            return usage("there is an option that it does not know");
        }
    }
    if (argc - optind != 1)
        return usage("it wants one trace");
    ret->path = argv[optind];
    return 0;
}

/* ---- The terminal ---- */

static const char *next_theme(void)
{
    size_t i = 0;
    while (tui_themes[i] != NULL && strcmp(tui_themes[i], tui_term_theme_name()) != 0)
        i++;
    const char *next = tui_themes[i] != NULL && tui_themes[i + 1] != NULL ? tui_themes[i + 1] : tui_themes[0];
    tui_term_theme(next);
    return next;
}

static const struct tui_terminal terminal = {
    .redraw = tui_term_redraw, .suspend = tui_term_suspend, .copy = tui_term_copy, .next_theme = next_theme
};

static int run_terminal(struct tui_app *app, const struct arguments *arguments)
{
    const char *no_color = getenv("NO_COLOR"), *why = NULL;
    struct tui_term_options options = { .mouse = !arguments->no_mouse, .theme = arguments->theme };
    if (options.theme == NULL && no_color != NULL && no_color[0] != '\0')
        options.theme = "mono";
    if (!tui_term_open(&options, &why)) {
        tui_term_close();
        fprintf(stderr, "reftrack-tui: %s; for scripts use: reftrack report %s\n", why, arguments->path);
        return USAGE;
    }
    int height, width;
    tui_term_size(&height, &width);
    tui_app_resize(app, height, width);
    app->terminal = &terminal;
    tui_loop_run(app);
    tui_term_close();
    return 0;
}

static int run_script(struct tui_app *app, const char *path)
{
    FILE *script = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (script == NULL) {
        fprintf(stderr, "reftrack-tui: '%s' cannot be read\n", path);
        return USAGE;
    }
    int code = tui_script_run(app, script, path, stdout);
    if (script != stdin)
        fclose(script);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .width = 80, .height = 24 };
    struct tui_source *source;
    struct tui_app app;
    const char *why;
    char name[512];
    setlocale(LC_CTYPE, "");
    int code = parse(argc, argv, &arguments);
    if (code != 0)
        return code;
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    const struct tui_source_options options = {
        .path = arguments.path, .wrappers = arguments.wrappers, .symfs = arguments.symfs, .pid = arguments.pid
    };
    if (access(arguments.path, R_OK) != 0) {
        fprintf(stderr, "reftrack-tui: '%s' cannot be read\n", arguments.path);
        return UNREADABLE;
    }
    if (!tui_source_create(&options, &source, &why)) {
        fprintf(stderr, "reftrack-tui: %s\n", why);
        return UNREADABLE;
    }
    if (!tui_app_init(&app, source, arguments.height, arguments.width, arguments.ascii || !utf8)) {
        fprintf(stderr, "reftrack-tui: there is no memory\n");
        tui_source_destroy(source);
        return UNREADABLE;
    }
    const char *base = strrchr(arguments.path, '/');
    app.name = prof_escape_terminal(name, sizeof name, base != NULL ? base + 1 : arguments.path);
    app.pid = arguments.pid;
    code = arguments.script != NULL ? run_script(&app, arguments.script) : run_terminal(&app, &arguments);
    tui_app_deinit(&app);
    tui_source_destroy(source);
    return code;
}
