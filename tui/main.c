/* main.c: reftrack-tui, the viewer. `reftrack tui` finds the trace and starts it; tests start it with a script.
 *
 *   canvas, glyph     a grid of cells, and what is drawn on it
 *   term              ncurses, and nobody else's
 *   key, action       keys by name; everything one can do, in one table
 *   option, config    what can be set, and tuirc that says so
 *   state, textfile   what is remembered; files that are put in place at once
 *   meaning, man      what columns and signs mean; the manual page, made of all tables
 *   prompt, command   the line of input, what can be said in it; export: views to files; menu: to choose from
 *   app, frame, loop  the stack of views, what surrounds them, one poll
 *   strip, trend      the strip of time at the bottom; what was alive when, for graphs
 *   marks             named moments: those of the trace, and bookmarks
 *   editor            a source line in the user's editor
 *   list, tree, lines, page  tables of any length; trees; texts of labelled lines, and views that are one such text
 *   job               commands of reftrack that are started for what only they do
 *   said              what the workers answered, read
 *   view_*            the screens;  told: texts of the worker as lines
 *   source, wire      the viewer's end of the workers
 *   work/             the processes that read the trace, and what they answer
 *   script            keys from a file, screens to standard output */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "loop.h"
#include "man.h"
#include "script.h"
#include "term.h"

enum { USAGE = 2, UNREADABLE = 3, WRAPPERS = 64, SUPPRESSIONS = 64 };

struct arguments {
    const char *script, *theme, *symfs, *path, *config, *state, *units;
    const char *wrappers[WRAPPERS + 1];
    size_t wrapper_count;
    const char *suppressions[SUPPRESSIONS];
    size_t suppression_count;
    const char *command, *output;
    uint32_t pid, recorder;
    int width, height;
    bool ascii, no_mouse, no_config, read_only, started;
};

static int usage(const char *why)
{
    fprintf(stderr, "reftrack-tui: %s; 'reftrack tui --help' tells how it is used\n", why);
    return USAGE;
}

static int parse(int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = {
        { "script", required_argument, NULL, 's' },   { "size", required_argument, NULL, 'g' },
        { "ascii", no_argument, NULL, 'a' },          { "no-mouse", no_argument, NULL, 'm' },
        { "theme", required_argument, NULL, 't' },    { "units", required_argument, NULL, 'u' },
        { "config", required_argument, NULL, 'c' },   { "suppressions", required_argument, NULL, 'x' },
        { "no-config", no_argument, NULL, 'n' },      { "state", required_argument, NULL, 'r' },
        { "symfs", required_argument, NULL, 'f' },    { "wrapper", required_argument, NULL, 'w' },
        { "pid", required_argument, NULL, 'p' },      { "man", no_argument, NULL, 'M' },
        { "recorder", required_argument, NULL, 'R' }, { "command", required_argument, NULL, 'C' },
        { "read-only", no_argument, NULL, 'o' },      { "output", required_argument, NULL, 'O' },
        { "started", no_argument, NULL, 'S' },        { NULL, 0, NULL, 0 }
    };
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
            ret->theme = optarg;
            break;
        case 'u':
            ret->units = optarg;
            break;
        case 'x':
            if (ret->suppression_count == SUPPRESSIONS)
                return usage("there are too many --suppressions");
            ret->suppressions[ret->suppression_count++] = optarg;
            break;
        case 'c':
            ret->config = optarg;
            break;
        case 'r':
            ret->state = optarg;
            break;
        case 'n':
            ret->no_config = true;
            break;
        case 'f':
            ret->symfs = optarg;
            break;
        case 'M':
            tui_man(stdout);
            exit(0);
        case 'w':
            if (ret->wrapper_count == WRAPPERS)
                return usage("there are too many --wrapper");
            ret->wrappers[ret->wrapper_count++] = optarg;
            break;
        case 'p':
            ret->pid = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'R':
            ret->recorder = strcmp(optarg, "none") == 0 ? TUI_NO_RECORDER : (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'C':
            ret->command = optarg;
            break;
        case 'o':
            ret->read_only = true;
            break;
        case 'O':
            ret->output = optarg;
            break;
        case 'S':
            ret->started = true;
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

static const struct tui_terminal terminal = { .redraw = tui_term_redraw,
                                              .suspend = tui_term_suspend,
                                              .copy = tui_term_copy,
                                              .configure = tui_term_configure,
                                              .run = tui_term_run };

static int run_terminal(struct tui_app *app, const struct arguments *arguments)
{
    const char *why = NULL;
    if (!tui_term_open(&app->config, &why)) {
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

/* ---- What is configured ---- */

/* What some terminals say of themselves: "0;15", the foreground first, the background last. */
static bool has_light_background(const char *colours)
{
    const char *back = colours != NULL ? strrchr(colours, ';') : NULL;
    return back != NULL && (strcmp(back + 1, "7") == 0 || strcmp(back + 1, "15") == 0);
}

/* The file, then what the environment and the command line say. Scripts read only files that are named. */
static int configure(const struct arguments *arguments, struct tui_config *config, char *path, size_t size,
                     struct tui_problems *problems)
{
    const char *no_color = getenv("NO_COLOR");
    struct tui_settings *settings = &config->settings;
    tui_config_init(config);
    if (has_light_background(getenv("COLORFGBG")))
        tui_option_set(settings, tui_option_named("theme"), "light");
    snprintf(path, size, "%s", arguments->config != NULL ? arguments->config : "");
    if (arguments->config == NULL && arguments->script == NULL && !arguments->no_config)
        tui_config_path("XDG_CONFIG_HOME", ".config", "tuirc", path, size);
    if (path[0] != '\0' && !tui_config_read(config, path, arguments->config != NULL, problems))
        path[0] = '\0';
    if (no_color != NULL && no_color[0] != '\0')
        tui_option_set(settings, tui_option_named("theme"), "mono");
    if (arguments->theme != NULL && !tui_option_set(settings, tui_option_named("theme"), arguments->theme))
        return usage("--theme wants default, light, mono or contrast");
    if (arguments->units != NULL && !tui_option_set(settings, tui_option_named("units"), arguments->units))
        return usage("--units wants iec, si or bytes");
    if (arguments->no_mouse)
        settings->mouse = 0;
    if (arguments->ascii)
        settings->ascii = TUI_ASCII_YES;
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
    static struct tui_config config;
    static struct tui_problems problems;
    static char config_path[4096], state_path[4096];
    struct tui_source *source;
    struct tui_app app;
    const char *why;
    char name[512];
    setlocale(LC_CTYPE, "");
    signal(SIGXFSZ, SIG_IGN); /* a file that is too long is an error, as a full disk is */
    int code = parse(argc, argv, &arguments);
    if (code == 0)
        code = configure(&arguments, &config, config_path, sizeof config_path, &problems);
    if (code != 0)
        return code;
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    const struct tui_source_options options = { .path = arguments.path,
                                                .wrappers = arguments.wrappers,
                                                .symfs = arguments.symfs,
                                                .pid = arguments.pid,
                                                .recorder = arguments.recorder };
    if (access(arguments.path, R_OK) != 0) {
        fprintf(stderr, "reftrack-tui: '%s' cannot be read\n", arguments.path);
        return UNREADABLE;
    }
    if (!tui_source_create(&options, &source, &why)) {
        fprintf(stderr, "reftrack-tui: %s\n", why);
        return UNREADABLE;
    }
    for (size_t i = 0; i < arguments.suppression_count; i++)
        if (!tui_source_suppress(source, arguments.suppressions[i])) {
            tui_source_destroy(source);
            return usage("the names of --suppressions are too long");
        }
    if (!tui_app_init(&app, source, arguments.height, arguments.width, !utf8)) {
        fprintf(stderr, "reftrack-tui: there is no memory\n");
        tui_source_destroy(source);
        return UNREADABLE;
    }
    const char *base = strrchr(arguments.path, '/');
    app.name = prof_escape_terminal(name, sizeof name, base != NULL ? base + 1 : arguments.path);
    app.utf8 = utf8;
    app.path = arguments.path;
    app.pid = arguments.pid;
    app.command = arguments.command;
    app.read_only = arguments.read_only;
    app.output = arguments.output;
    app.started = arguments.started;
    app.now_ms = arguments.script == NULL ? tui_now_ms() : 0;
    snprintf(state_path, sizeof state_path, "%s", arguments.state != NULL ? arguments.state : "");
    if (arguments.state == NULL && arguments.script == NULL && !arguments.no_config)
        tui_config_path("XDG_STATE_HOME", ".local/state", "state", state_path, sizeof state_path);
    tui_app_configure(&app, &config, config_path[0] != '\0' ? config_path : NULL, &problems,
                      state_path[0] != '\0' ? state_path : NULL);
    code = arguments.script != NULL ? run_script(&app, arguments.script) : run_terminal(&app, &arguments);
    code = code == 0 ? app.exit_code : code;
    tui_app_deinit(&app);
    tui_source_destroy(source);
    return code;
}
