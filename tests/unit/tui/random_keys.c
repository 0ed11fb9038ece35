/* Random keys, commands, clicks and sizes for the viewer: `random_keys [--kill] SEED STEPS TRACE...`. Each trace is
 * looked at as it is, and damaged in random places. After every step each row of the screen has as many columns as it
 * should, and nothing in it drives a terminal. With --kill a worker is killed now and then: the viewer says so, and is
 * as good as new after it was told to try again. The same seed presses the same keys; what is on the screen then
 * depends on how fast workers are. */
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <app.h>
#include <rnd.h>

enum { PATIENCE_MS = 120000, WORKERS_MOST = 64 };

static struct tui_app app;
static uint64_t step_number, seed_number;
static const char *trace_name = "";

static void fail(const char *what)
{
    char *screen = app.canvas.cells != NULL ? tui_canvas_save(&app.canvas) : NULL;
    fprintf(stderr, "random_keys: seed %llu, step %llu, %s: %s\n%s", (unsigned long long)seed_number,
            (unsigned long long)step_number, trace_name, what, screen != NULL ? screen : "");
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- What must hold ---- */

static void check_screen(void)
{
    const struct tui_canvas *canvas = &app.canvas;
    for (int i = 0; i < canvas->height * canvas->width; i++) {
        const struct tui_cell *cell = &canvas->cells[i];
        bool last = (i + 1) % canvas->width == 0, second = !last && cell[1].ch == 0;
        if (cell->ch == 0 ? i % canvas->width == 0 || cell[-1].ch == 0 : wcwidth((wchar_t)cell->ch) != (second ? 2 : 1))
            fail("a row is shifted, or drives the terminal");
        if (cell->role >= TUI_ROLES)
            fail("a cell has no role");
        if (canvas->ascii && cell->ch > 0x7e)
            fail("more than ASCII");
    }
}

static void turn(int wait_ms)
{
    struct pollfd fds[TUI_SOURCE_FDS];
    size_t count = tui_source_poll(app.source, fds);
    poll(fds, count, wait_ms);
    app.now_ms = now_ms();
    tui_source_step(app.source, app.now_ms);
    tui_app_draw(&app);
    check_screen();
}

/* false: something is still under way after a long time. */
static bool settle(void)
{
    for (uint64_t begin = now_ms(); now_ms() - begin < PATIENCE_MS;) {
        turn(20);
        if (tui_source_is_idle(app.source)) {
            turn(0);
            if (tui_source_is_idle(app.source))
                return true;
        }
    }
    return false;
}

/* ---- Keys ---- */

static const char *const fragments[] = {
    "object",   "bytes",        "count",  "site", "type", "finding",     ">",     "<", "=",    "~",  "!",
    "&&",       "||",           "(",      ")",    "'",    "\"",          "0",     "1", "4KiB", "-1", " ",
    "conn",     "#1",           "nosuch", "refs", "live", "+1ms",        "9999s", ",", "*",    "[",  "struct",
    "\xc3\xa9", "\xe4\xb8\x96", "now",    "all",  "%n%s", "\xe2\x80\xae"
};
static const char *const commands[] = { "where ", "sort ",   "find ",   "at ",       "cmd",
                                        "set ",   "bind ",   "color ",  "columns ",  "mark ",
                                        "types",  "objects", "refresh", "reconnect", "pause" };

static void press(uint32_t key)
{
    tui_app_key(&app, key, NULL);
    if (app.quit)
        app.quit = app.quit_asked = false;
}

/* Nothing with a '/' may be a name of a file. */
static void type(const char *text)
{
    int columns;
    for (uint32_t ch; (ch = tui_next_char(&text, &columns)) != 0;)
        if (ch != '/')
            press(ch);
}

static void type_some(void)
{
    for (uint64_t k = rnd(6); k > 0; k--)
        type(fragments[rnd(sizeof fragments / sizeof *fragments)]);
    press(rnd(8) == 0 ? TUI_KEY_ESC : TUI_KEY_ENTER);
}

static void prompt(void)
{
    static const char begins[] = ":::/\\\\";
    press(TUI_KEY_ESC);
    uint32_t begin = (uint32_t)begins[rnd(sizeof begins - 1)];
    press(begin);
    if (app.prompt.kind == TUI_PROMPT_NONE)
        return;
    if (begin == ':' && rnd(3) != 0)
        type(commands[rnd(sizeof commands / sizeof *commands)]);
    else if (begin == ':')
        type(tui_actions[1 + rnd(TUI_ACTIONS - 1)].name);
    type_some();
}

static void any_key(void)
{
    uint64_t kind = rnd(10);
    if (kind < 5)
        press((uint32_t)(TUI_KEY_UP + rnd(TUI_KEY_MOUSE - TUI_KEY_UP)));
    else if (kind < 8 && app.prompt.kind == TUI_PROMPT_NONE)
        press(' ' + (uint32_t)rnd(95));
    else if (kind == 8)
        press(1 + (uint32_t)rnd(31));
    else
        press(TUI_KEY_ENTER);
}

static void click(void)
{
    struct tui_mouse mouse = { .y = (int)rnd((uint64_t)app.canvas.height + 2) - 1,
                               .x = (int)rnd((uint64_t)app.canvas.width + 2) - 1 };
    mouse.what = TUI_MOUSE_CLICK + (unsigned)rnd(4);
    tui_app_key(&app, TUI_KEY_MOUSE, &mouse);
}

static void resize(void)
{
    bool odd = rnd(3) == 0;
    tui_app_resize(&app, odd ? 1 + (int)rnd(200) : 16 + (int)rnd(40), odd ? 1 + (int)rnd(300) : 60 + (int)rnd(100));
}

static void step(void)
{
    uint64_t kind = rnd(100);
    if (kind < 50)
        any_key();
    else if (kind < 65)
        press('0' + (uint32_t)rnd(10)); /* tabs */
    else if (kind < 80)
        prompt();
    else if (kind < 90)
        click();
    else if (kind < 96)
        resize();
    else if (!settle())
        fail("it does not come to rest");
    turn(0);
    for (uint64_t turns = rnd(2) * 10; turns > 0 && !tui_source_is_idle(app.source); turns--)
        turn(10);
}

/* ---- Workers ---- */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    const char *behind = file != NULL && fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
    if (behind == NULL || sscanf(behind, ") %*c %d", &parent) != 1 || strncmp(behind, ") Z", 3) == 0)
        parent = 0;
    if (file != NULL)
        fclose(file);
    return (pid_t)parent;
}

/* All processes below this one, which is the parent of those that lost theirs. */
static size_t workers(pid_t ret[WORKERS_MOST])
{
    DIR *proc = opendir("/proc");
    size_t count = 0;
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL && count < WORKERS_MOST;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10), at = pid;
        while (at > 1 && at != getpid())
            at = parent_of(at);
        if (pid > 0 && pid != getpid() && at == getpid())
            ret[count++] = pid;
    }
    if (proc != NULL)
        closedir(proc);
    return count;
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

static bool has_summary(void)
{
    return json_object_get(app.summary.answer, "totals") != NULL;
}

static void kill_one(void)
{
    static const int signals[] = { SIGKILL, SIGSEGV, SIGTERM, SIGABRT };
    pid_t all[WORKERS_MOST];
    size_t count = workers(all);
    if (count == 0)
        return;
    pid_t victim = all[rnd(count)];
    kill(victim, signals[rnd(4)]);
    for (uint64_t begin = now_ms(); parent_of(victim) != 0 && now_ms() - begin < PATIENCE_MS;)
        turn(5); /* on a busy machine that takes its time */
    for (uint64_t k = rnd(10); k > 0; k--) {
        step();
        turn(5);
    }
    press(TUI_KEY_ESC);
    press(TUI_KEY_ESC);
    tui_app_resize(&app, 40, 120);
    tui_source_pause(app.source, false);
    tui_source_go(app.source, TUI_AT_NOW);
    if (!settle())
        fail("it does not come to rest after a worker was killed");
    bool lost = tui_source_phase(app.source) == TUI_LOST_LINK;
    if (!lost && !has_summary() && tui_source_trouble(app.source) == NULL)
        fail("a worker was killed, and nothing is said");
    if (lost)
        tui_app_act(&app, TUI_RECONNECT);
    else
        tui_app_act(&app, TUI_REFRESH);
    if (!settle() || tui_source_trouble(app.source) != NULL || !has_summary())
        fail("it is not as good as new after a worker was killed");
}

/* ---- Traces ---- */

static void run(const char *path, uint64_t steps, bool killing, bool whole)
{
    const struct tui_source_options options = { .path = path };
    struct tui_source *source;
    const char *why;
    if (!tui_source_create(&options, &source, &why) ||
        !tui_app_init(&app, source, 16 + (int)rnd(30), 60 + (int)rnd(80), rnd(3) == 0))
        fail("it cannot begin");
    app.name = "trace";
    if (rnd(4) != 0 && !settle())
        fail("it does not come to rest at first");
    for (uint64_t i = 0; i < steps; i++, step_number++) {
        step();
        if (killing && whole && rnd(40) == 0)
            kill_one();
    }
    tui_app_deinit(&app);
    tui_source_destroy(source);
    reap();
}

/* A copy of which a part is missing, or some bytes are others. */
static void damage(const char *path, const char *to)
{
    FILE *in = fopen(path, "rb"), *out = fopen(to, "wb");
    struct stat st;
    if (in == NULL || out == NULL || fstat(fileno(in), &st) != 0)
        fail("the trace cannot be read, or no other one written");
    char *bytes = malloc((size_t)st.st_size + 1);
    size_t size = bytes != NULL ? fread(bytes, 1, (size_t)st.st_size, in) : 0;
    if (rnd(3) == 0)
        size = (size_t)rnd(size + 1);
    else
        for (uint64_t k = 1 + rnd(8); k > 0 && size > 0; k--)
            bytes[rnd(size)] ^= (char)(1 << rnd(8));
    fwrite(bytes, 1, size, out);
    free(bytes);
    fclose(in);
    fclose(out);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/random_keys.XXXXXX", damaged[64], own[4096];
    bool killing = argc > 1 && strcmp(argv[1], "--kill") == 0;
    int first = killing ? 2 : 1;
    if (argc < first + 3) {
        fprintf(stderr, "random_keys [--kill] SEED STEPS TRACE...\n");
        return 2;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    seed_number = strtoull(argv[first], NULL, 10);
    seed(seed_number);
    uint64_t steps = strtoull(argv[first + 1], NULL, 10);
    if (mkdtemp(folder) == NULL)
        fail("there is no place for damaged traces");
    snprintf(damaged, sizeof damaged, "%s/damaged.trk", folder);
    for (int i = first + 2; i < argc; i++) {
        if (realpath(argv[i], own) == NULL)
            fail(strerror(errno));
        trace_name = argv[i];
        run(own, steps, killing, true);
        damage(own, damaged);
        run(damaged, steps / 2, killing, false);
    }
    unlink(damaged);
    rmdir(folder);
    printf("%llu steps\n", (unsigned long long)step_number);
    return 0;
}
