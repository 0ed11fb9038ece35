/* The viewer on a large trace, without a terminal: `viewer_keys TRACE [objects]`. How long until there is a screen,
 * until everything is read and looked for; with `objects` then keys in the list of objects: how long until a key is
 * drawn with what is known, and until all its rows are. Prints "name milliseconds" lines, and bytes of all processes.
 */
#include <dirent.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app.h"
#include "clock.h"

enum { KEYS_MOST = 512, WORKERS_MOST = 32 };

static struct tui_app app;
static double begin_ns;

static double now_ms(void)
{
    return (bench_now_ns() - begin_ns) / 1e6;
}

/* ---- Processes: this one and its workers ---- */

static bool is_ours(const char *pid)
{
    char path[300], text[512];
    int parent;
    for (long at = strtol(pid, NULL, 10); at > 1; at = parent) {
        if (at == getpid())
            return true;
        snprintf(path, sizeof path, "/proc/%ld/stat", at);
        FILE *file = fopen(path, "r");
        const char *behind = file != NULL && fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
        parent = 0;
        if (behind != NULL)
            sscanf(behind, ") %*c %d", &parent);
        if (file != NULL)
            fclose(file);
    }
    return false;
}

/* The number behind `name` in a file of a process; name NULL: the first one. */
static double number_of(const char *pid, const char *what, const char *name)
{
    char path[300], text[256];
    double number = 0;
    snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL)
        if (name == NULL || strncmp(text, name, strlen(name)) == 0) {
            number = strtod(text + (name != NULL ? strlen(name) : 0), NULL);
            break;
        }
    if (file != NULL)
        fclose(file);
    return number;
}

static double sum_of_all(const char *what, const char *name)
{
    DIR *proc = opendir("/proc");
    double sum = 0;
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && is_ours(entry->d_name))
            sum += number_of(entry->d_name, what, name);
    if (proc != NULL)
        closedir(proc);
    return sum;
}

/* With their part of what they share. */
static double memory(void)
{
    return sum_of_all("smaps_rollup", "Pss:") * 1024;
}

static double cpu_ms(void)
{
    return sum_of_all("schedstat", NULL) / 1e6;
}

/* The workers that there are when keys are pressed: looking for them takes longer than a key. */
static char workers[WORKERS_MOST][16];
static int worker_count;

static void note_workers(void)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL && worker_count < WORKERS_MOST;)
        if (strlen(entry->d_name) < sizeof *workers && is_ours(entry->d_name) &&
            strtol(entry->d_name, NULL, 10) != getpid())
            strcpy(workers[worker_count++], entry->d_name);
    if (proc != NULL)
        closedir(proc);
}

static double workers_cpu_ms(void)
{
    double sum = 0;
    for (int i = 0; i < worker_count; i++)
        sum += number_of(workers[i], "schedstat", NULL);
    return sum / 1e6;
}

/* One turn of a main loop, without keys. */
static void turn(void)
{
    struct pollfd fds[TUI_SOURCE_FDS];
    size_t count = tui_source_poll(app.source, fds);
    poll(fds, count, 20);
    if (tui_source_step(app.source, (uint64_t)now_ms() + 1))
        tui_app_draw(&app);
}

static void until(bool (*is)(const struct tui_source *source), const char *what)
{
    while (!is(app.source))
        turn();
    char text[64];
    bench_say(what, now_ms());
    snprintf(text, sizeof text, "%s_cpu", what);
    bench_say(text, cpu_ms());
}

static bool has_summary(const struct tui_source *source)
{
    (void)source;
    return json_object_get(app.summary.answer, "totals") != NULL;
}

static bool is_read(const struct tui_source *source)
{
    return tui_source_phase(source) == TUI_ENDED;
}

static bool is_of_all(const struct tui_source *source)
{
    return tui_source_is_deep(source) && tui_source_doing(source) == NULL;
}

/* ---- Keys ---- */

struct taken {
    double drawn[KEYS_MOST], complete[KEYS_MOST], cpu[KEYS_MOST];
    int count;
};

static void press(struct taken *taken, uint32_t key)
{
    double cpu_before = workers_cpu_ms(), before = now_ms();
    tui_app_key(&app, key, NULL);
    tui_app_draw(&app);
    double drawn = now_ms() - before;
    do { /* what a view asks may depend on what came */
        while (!tui_source_tables_are_there(app.source))
            turn();
        tui_app_draw(&app);
    } while (!tui_source_tables_are_there(app.source));
    if (taken == NULL || taken->count == KEYS_MOST)
        return;
    taken->drawn[taken->count] = drawn;
    taken->complete[taken->count] = now_ms() - before;
    taken->cpu[taken->count++] = workers_cpu_ms() - cpu_before;
}

static void line(struct taken *taken, uint32_t key, const char *text)
{
    press(NULL, key);
    for (; *text != '\0'; text++)
        press(NULL, (uint32_t)*text);
    press(taken, TUI_KEY_ENTER);
}

static void say_one(const char *name, const char *what, double *values, int count)
{
    char text[128];
    double median = bench_median(values, count); /* sorts */
    snprintf(text, sizeof text, "%s%s_median", name, what);
    bench_say(text, median);
    snprintf(text, sizeof text, "%s%s_most", name, what);
    bench_say(text, values[count - 1]);
}

static void say(const char *name, struct taken *taken)
{
    say_one(name, "_drawn", taken->drawn, taken->count);
    say_one(name, "", taken->complete, taken->count);
    say_one(name, "_cpu", taken->cpu, taken->count);
    taken->count = 0;
}

static void keys_of_objects(void)
{
    static struct taken taken;
    note_workers();
    press(&taken, '3');
    say("open", &taken);
    for (int i = 0; i < 200; i++)
        press(&taken, TUI_KEY_DOWN);
    say("down", &taken);
    for (int i = 0; i < 100; i++)
        press(&taken, TUI_KEY_PGDN);
    say("page", &taken);
    for (int i = 0; i < 20; i++)
        press(&taken, i % 2 == 0 ? 'G' : 'g');
    say("ends", &taken);
    for (int i = 0; i < 5; i++) {
        press(&taken, '>');
    }
    say("sort", &taken);
    for (int i = 0; i < 6; i++)
        press(&taken, 'I');
    say("reverse", &taken);
    line(&taken, ':', "sort site,-object");
    say("sort_two", &taken);
    line(&taken, ':', "sort bytes");
    line(&taken, '\\', "kind_fk");
    line(&taken, '\\', "bytes>48 && count>1");
    line(&taken, '\\', "site~0x4231");
    say("filter", &taken);
    press(NULL, TUI_KEY_ESC);
    line(&taken, '/', "#77777");
    press(&taken, 'n');
    press(&taken, 'n');
    say("find", &taken);
    line(&taken, '/', "nowhere at all");
    say("find_nothing", &taken);
    press(&taken, '2');
    say("types", &taken);
    press(&taken, TUI_KEY_ENTER);
    say("of_type", &taken);
}

int main(int argc, char **argv)
{
    const char *why;
    struct tui_source *source;
    begin_ns = bench_now_ns();
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what lost its parent stays ours */
    setvbuf(stdout, NULL, _IOLBF, 0);
    const struct tui_source_options options = { .path = argv[argc > 1 ? 1 : 0] };
    if (!tui_source_create(&options, &source, &why) || !tui_app_init(&app, source, 40, 120, false))
        return 1;
    until(has_summary, "screen");
    if (argc > 2) {
        until(is_read, "read");
        bench_say("read_memory_bytes", memory());
    }
    until(is_of_all, "found");
    if (argc > 2) {
        bench_say("found_memory_bytes", memory());
        until(tui_source_is_idle, "idle");
        keys_of_objects();
        bench_say("memory_bytes", memory());
    }
    tui_app_deinit(&app);
    tui_source_destroy(source);
    return 0;
}
