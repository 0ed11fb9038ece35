/* term.c: ncurses. See term.h. */
#include "term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

struct look {
    short fore, back; /* -1: the terminal's own */
    attr_t attributes;
};

/* No role is told by colour alone: flags and words say it, too. No black, no blue text: both are unreadable somewhere;
 * but blue where the background is light. */
static const struct theme {
    const char *name; /* the choices of the option "theme", in their order */
    struct look look[TUI_ROLES];
} themes[] = {
    { "default",
      { [TUI_NORMAL] = { -1, -1, 0 },
        [TUI_DIM] = { -1, -1, A_DIM },
        [TUI_TITLE] = { -1, -1, A_BOLD },
        [TUI_TAB] = { -1, -1, A_REVERSE },
        [TUI_HEADER] = { -1, -1, A_BOLD },
        [TUI_SORTED] = { COLOR_CYAN, -1, A_BOLD },
        [TUI_GOOD] = { COLOR_GREEN, -1, 0 },
        [TUI_WARN] = { COLOR_YELLOW, -1, 0 },
        [TUI_BAD] = { COLOR_RED, -1, A_BOLD },
        [TUI_ACCENT] = { COLOR_CYAN, -1, 0 },
        [TUI_PLACE] = { COLOR_MAGENTA, -1, 0 },
        [TUI_GRAPH1] = { COLOR_GREEN, -1, 0 },
        [TUI_GRAPH2] = { COLOR_CYAN, -1, 0 },
        [TUI_KEY] = { -1, -1, A_BOLD },
        [TUI_MATCH] = { -1, -1, A_REVERSE | A_BOLD } } },
    { "light",
      { [TUI_NORMAL] = { -1, -1, 0 },
        [TUI_DIM] = { -1, -1, 0 },
        [TUI_TITLE] = { -1, -1, A_BOLD },
        [TUI_TAB] = { -1, -1, A_REVERSE },
        [TUI_HEADER] = { -1, -1, A_BOLD },
        [TUI_SORTED] = { COLOR_BLUE, -1, A_BOLD },
        [TUI_GOOD] = { COLOR_GREEN, -1, A_BOLD },
        [TUI_WARN] = { COLOR_MAGENTA, -1, 0 },
        [TUI_BAD] = { COLOR_RED, -1, A_BOLD },
        [TUI_ACCENT] = { COLOR_MAGENTA, -1, 0 },
        [TUI_PLACE] = { COLOR_BLUE, -1, 0 },
        [TUI_GRAPH1] = { COLOR_GREEN, -1, 0 },
        [TUI_GRAPH2] = { COLOR_MAGENTA, -1, 0 },
        [TUI_KEY] = { -1, -1, A_BOLD },
        [TUI_MATCH] = { -1, -1, A_REVERSE | A_BOLD } } },
    { "mono",
      { [TUI_NORMAL] = { -1, -1, 0 },
        [TUI_DIM] = { -1, -1, 0 },
        [TUI_TITLE] = { -1, -1, A_BOLD },
        [TUI_TAB] = { -1, -1, A_REVERSE },
        [TUI_HEADER] = { -1, -1, A_BOLD },
        [TUI_SORTED] = { -1, -1, A_BOLD | A_UNDERLINE },
        [TUI_GOOD] = { -1, -1, 0 },
        [TUI_WARN] = { -1, -1, A_BOLD },
        [TUI_BAD] = { -1, -1, A_BOLD | A_UNDERLINE },
        [TUI_ACCENT] = { -1, -1, 0 },
        [TUI_PLACE] = { -1, -1, 0 },
        [TUI_GRAPH1] = { -1, -1, 0 },
        [TUI_GRAPH2] = { -1, -1, 0 },
        [TUI_KEY] = { -1, -1, A_BOLD },
        [TUI_MATCH] = { -1, -1, A_REVERSE } } },
    { "contrast",
      { [TUI_NORMAL] = { COLOR_WHITE, COLOR_BLACK, A_BOLD },
        [TUI_DIM] = { COLOR_WHITE, COLOR_BLACK, 0 },
        [TUI_TITLE] = { COLOR_BLACK, COLOR_WHITE, 0 },
        [TUI_TAB] = { COLOR_BLACK, COLOR_YELLOW, 0 },
        [TUI_HEADER] = { COLOR_YELLOW, COLOR_BLACK, A_BOLD },
        [TUI_SORTED] = { COLOR_BLACK, COLOR_YELLOW, 0 },
        [TUI_GOOD] = { COLOR_GREEN, COLOR_BLACK, A_BOLD },
        [TUI_WARN] = { COLOR_YELLOW, COLOR_BLACK, A_BOLD },
        [TUI_BAD] = { COLOR_WHITE, COLOR_RED, A_BOLD },
        [TUI_ACCENT] = { COLOR_CYAN, COLOR_BLACK, A_BOLD },
        [TUI_PLACE] = { COLOR_GREEN, COLOR_BLACK, A_BOLD },
        [TUI_GRAPH1] = { COLOR_GREEN, COLOR_BLACK, A_BOLD },
        [TUI_GRAPH2] = { COLOR_CYAN, COLOR_BLACK, A_BOLD },
        [TUI_KEY] = { COLOR_YELLOW, COLOR_BLACK, A_BOLD },
        [TUI_MATCH] = { COLOR_BLACK, COLOR_CYAN, 0 } } },
};
enum { THEMES = sizeof themes / sizeof *themes };

enum { RESET_BYTES = 512, SIGNALS = 8 };
static const int fatal[SIGNALS] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGHUP, SIGQUIT };

/* A process has one terminal. */
static struct {
    SCREEN *screen;
    bool colours;
    struct look look[TUI_ROLES];
    char reset[RESET_BYTES]; /* gives the terminal back; for signal handlers */
    size_t reset_bytes;
    struct termios modes; /* as they were found */
    bool has_modes;
    struct sigaction before[SIGNALS];
} term;

/* ---- Crashes ---- */

/* endwin() may not be called here, so what it would send is sent. */
static void on_fatal(int signal)
{
    ssize_t n = write(STDOUT_FILENO, term.reset, term.reset_bytes);
    (void)n;
    if (term.has_modes)
        tcsetattr(STDIN_FILENO, TCSANOW, &term.modes);
    for (int i = 0; i < SIGNALS; i++)
        if (fatal[i] == signal)
            sigaction(signal, &term.before[i], NULL);
    raise(signal);
}

static void remember(const char *capability)
{
    const char *text = tigetstr(capability);
    if (text == NULL || text == (char *)-1)
        return;
    size_t length = strlen(text);
    if (length < RESET_BYTES - term.reset_bytes) {
        memcpy(term.reset + term.reset_bytes, text, length);
        term.reset_bytes += length;
    }
}

static void watch_signals(void)
{
    static const char *const capabilities[] = { "sgr0", "op", "cnorm", "rmkx", "rmcup" };
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
        remember(capabilities[i]);
    struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(fatal[i], &action, &term.before[i]);
}

/* ---- Themes ---- */

static void apply_theme(void)
{
    for (short i = 0; i < TUI_ROLES && term.colours; i++)
        init_pair((short)(i + 1), term.look[i].fore, term.look[i].back);
}

/* Colours of one's own, on top of a theme that has colours. */
static void take_look(struct look *look, const struct tui_look *own)
{
    static const attr_t attributes[][2] = { { TUI_LOOK_BOLD, A_BOLD },
                                            { TUI_LOOK_DIM, A_DIM },
                                            { TUI_LOOK_UNDERLINE, A_UNDERLINE },
                                            { TUI_LOOK_REVERSE, A_REVERSE } };
    look->fore = own->fore < COLORS ? own->fore : -1;
    look->back = own->back < COLORS ? own->back : -1;
    look->attributes = 0;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        look->attributes |= own->attributes & attributes[i][0] ? attributes[i][1] : 0;
}

void tui_term_configure(const struct tui_config *config)
{
    int theme = config->settings.theme < THEMES ? config->settings.theme : 0;
    for (int i = 0; i < THEMES && !term.colours; i++) /* what colours would say is said by bold and underlined text */
        theme = strcmp(themes[i].name, "mono") == 0 ? i : theme;
    memcpy(term.look, themes[theme].look, sizeof term.look);
    for (int i = 0; i < TUI_ROLES && strcmp(themes[theme].name, "mono") != 0; i++)
        if (config->look[i].set)
            take_look(&term.look[i], &config->look[i]);
    apply_theme();
    if (config->settings.mouse != 0)
        mousemask(BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    else
        mousemask(0, NULL);
    clearok(curscr, TRUE);
}

/* ---- Opening ---- */

bool tui_term_open(const struct tui_config *config, const char **ret_why)
{
    const char *name = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        *ret_why = "it needs a terminal";
        return false;
    }
    if (name == NULL || *name == '\0' || strcmp(name, "dumb") == 0) {
        *ret_why = "it needs a terminal that can place text (TERM is dumb or not set)";
        return false;
    }
    term.has_modes = tcgetattr(STDIN_FILENO, &term.modes) == 0;
    term.screen = newterm(name, stdout, stdin);
    if (term.screen == NULL) {
        *ret_why = "this kind of terminal (TERM) is not known here";
        return false;
    }
    set_escdelay(25);
    raw(); /* Ctrl-C and Ctrl-Z are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    term.colours = has_colors() && start_color() == OK && use_default_colors() == OK;
    mouseinterval(200);
    tui_term_configure(config);
    watch_signals();
    return true;
}

void tui_term_close(void)
{
    if (term.screen != NULL) {
        for (int i = 0; i < SIGNALS; i++)
            sigaction(fatal[i], &term.before[i], NULL);
        endwin();
        delscreen(term.screen);
    }
    term.screen = NULL;
    term.reset_bytes = 0;
}

void tui_term_size(int *ret_height, int *ret_width)
{
    getmaxyx(stdscr, *ret_height, *ret_width);
}

void tui_term_resized(void)
{
    /* ncurses has taken over the size with KEY_RESIZE. */
    clearok(curscr, TRUE);
}

/* ---- Output ---- */

static void draw_row(const struct tui_canvas *canvas, int y)
{
    for (int x = 0; x < canvas->width; x++) {
        const struct tui_cell *cell = &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
        if (cell->ch == 0)
            continue;
        cchar_t out;
        wchar_t text[2] = { (wchar_t)cell->ch, 0 };
        /* What is selected is one bar, not a patch for each role; but what is wrong stays so. */
        bool stays = cell->role == TUI_MATCH || cell->role == TUI_BAD || cell->role == TUI_WARN;
        int role = cell->selected && !stays ? TUI_NORMAL : cell->role;
        attr_t attributes = term.look[role].attributes ^ (cell->selected ? A_REVERSE : 0);
        if (cell->selected)
            attributes |= term.look[cell->role].attributes & (A_BOLD | A_UNDERLINE);
        setcchar(&out, text, attributes, (short)(term.colours ? role + 1 : 0), NULL);
        mvadd_wch(y, x, &out);
    }
}

void tui_term_draw(const struct tui_canvas *canvas)
{
    int height, width;
    getmaxyx(stdscr, height, width);
    (void)width;
    for (int y = 0; y < canvas->height && y < height; y++)
        draw_row(canvas, y);
    refresh();
}

void tui_term_redraw(void)
{
    clearok(curscr, TRUE);
}

/* ---- Input ---- */

int tui_term_fd(void)
{
    return STDIN_FILENO;
}

static uint32_t mouse_key(struct tui_mouse *ret)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return TUI_KEY_NONE;
    ret->y = event.y;
    ret->x = event.x;
    ret->what = event.bstate & BUTTON4_PRESSED          ? TUI_MOUSE_UP
                : event.bstate & BUTTON5_PRESSED        ? TUI_MOUSE_DOWN
                : event.bstate & BUTTON1_DOUBLE_CLICKED ? TUI_MOUSE_DOUBLE
                                                        : TUI_MOUSE_CLICK;
    return TUI_KEY_MOUSE;
}

static uint32_t special_key(wint_t key)
{
    static const struct {
        int curses;
        uint32_t key;
    } keys[] = {
        { KEY_UP, TUI_KEY_UP },       { KEY_DOWN, TUI_KEY_DOWN },     { KEY_LEFT, TUI_KEY_LEFT },
        { KEY_RIGHT, TUI_KEY_RIGHT }, { KEY_HOME, TUI_KEY_HOME },     { KEY_END, TUI_KEY_END },
        { KEY_PPAGE, TUI_KEY_PGUP },  { KEY_NPAGE, TUI_KEY_PGDN },    { KEY_IC, TUI_KEY_INSERT },
        { KEY_DC, TUI_KEY_DELETE },   { KEY_BTAB, TUI_KEY_BACKTAB },  { KEY_BACKSPACE, TUI_KEY_BACKSPACE },
        { KEY_ENTER, TUI_KEY_ENTER }, { KEY_RESIZE, TUI_KEY_RESIZE },
    };
    if (key > KEY_F0 && key <= KEY_F0 + 12)
        return TUI_KEY_F0 + (uint32_t)(key - KEY_F0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((wint_t)keys[i].curses == key)
            return keys[i].key;
    return TUI_KEY_NONE;
}

uint32_t tui_term_key(struct tui_mouse *ret_mouse)
{
    wint_t key;
    int kind = get_wch(&key);
    if (kind == ERR)
        return feof(stdin) ? TUI_KEY_END_OF_INPUT : TUI_KEY_NONE;
    if (kind == KEY_CODE_YES)
        return key == KEY_MOUSE ? mouse_key(ret_mouse) : special_key(key);
    return key == 0x7f ? TUI_KEY_BACKSPACE : key == '\n' ? TUI_KEY_ENTER : (uint32_t)key;
}

/* ---- Others on the terminal ---- */

void tui_term_leave(void)
{
    def_prog_mode();
    endwin();
}

void tui_term_enter(void)
{
    reset_prog_mode();
    clearok(curscr, TRUE);
    refresh();
}

bool tui_term_run(char *const argv[], int *ret_status)
{
    enum { NOT_STARTED = 127 };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL }, interrupt, quit;
    int status = 0;
    tui_term_leave();
    sigaction(SIGINT, &ignore, &interrupt); /* they are meant for the program */
    sigaction(SIGQUIT, &ignore, &quit);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 1; i < NSIG; i++)
            sigaction(i, &usual, NULL);
        execvp(argv[0], argv);
        _exit(NOT_STARTED);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    tui_term_enter();
    *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return pid > 0 && *ret_status != NOT_STARTED;
}

void tui_term_suspend(void)
{
    tui_term_leave();
    kill(0, SIGTSTP);
    tui_term_enter();
}

void tui_term_copy(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputs("\033]52;c;", stdout);
    for (size_t left = strlen(text); left > 0;) {
        size_t n = left < 3 ? left : 3;
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < n ? (unsigned char)text[i] : 0);
        for (size_t i = 0; i < 4; i++)
            putchar(i <= n ? digits[bits >> (18 - 6 * i) & 63] : '=');
        text += n;
        left -= n;
    }
    fputs("\a", stdout);
    fflush(stdout);
}
