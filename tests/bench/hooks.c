/* hooks.c: the cost of one call of a hooked function. hooks CALLS ROUNDS [probe | plain]
 *
 * Counting functions in copies that do the same: bare, with libtrack's verb inside, hooked by the rules that the
 * benchmark gives to `reftrack run`, and probed by the kernel (uprobes, with `probe`). Loops over each copy take turns,
 * sixteen frames deep; printed are medians over rounds of what each adds to the bare one, and of their ratio to the
 * verb. `plain` only times the probed copies: for tools that stop the program from outside. */
#include <link.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <track/track.h>

#include "clock.h"

enum { OBJECTS = 4096, ORDER = 1 << 16, DEPTH = 12, PAGE = 4096, BUFFER_PAGES = 256, PATH_BYTES = 4096 };
enum { REF, BIRTH, LOOPS };
enum { BARE, VERB, HOOK, PROBE, COPIES };

struct object {
    volatile long refs;
    long pad;
};

static long calls;
static struct object objects[OBJECTS];
static uint16_t order[ORDER];
static TRK_TYPE(type, struct object);

#if defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

/* One copy: three functions with their verbs, and loops that call them. The comments keep compilers from merging equal
 * ones. */
#define COPY(copy, after_new, after_ref, before_unref)                                                                 \
    static APART struct object *copy##_new(struct object *o)                                                           \
    {                                                                                                                  \
        __asm__ volatile("# " #copy);                                                                                  \
        o->refs = 1;                                                                                                   \
        after_new;                                                                                                     \
        return o;                                                                                                      \
    }                                                                                                                  \
    static APART struct object *copy##_ref(struct object *o)                                                           \
    {                                                                                                                  \
        __asm__ volatile("# " #copy);                                                                                  \
        o->refs = o->refs + 1;                                                                                         \
        after_ref;                                                                                                     \
        return o;                                                                                                      \
    }                                                                                                                  \
    static APART void copy##_unref(struct object *o)                                                                   \
    {                                                                                                                  \
        __asm__ volatile("# " #copy);                                                                                  \
        before_unref;                                                                                                  \
        o->refs = o->refs - 1;                                                                                         \
    }                                                                                                                  \
    static APART void copy##_births(void)                                                                              \
    {                                                                                                                  \
        for (long i = 0; i < calls; i++)                                                                               \
            copy##_new(&objects[order[i & (ORDER - 1)]]);                                                              \
    }                                                                                                                  \
    static APART void copy##_refs(void)                                                                                \
    {                                                                                                                  \
        for (long i = 0; i < calls; i += 2) {                                                                          \
            struct object *o = &objects[order[i & (ORDER - 1)]];                                                       \
            copy##_ref(o);                                                                                             \
            copy##_unref(o);                                                                                           \
        }                                                                                                              \
    }

COPY(bare, , , )
COPY(verb, trk_new(o, &type), trk_ref(o, NULL), trk_unref(o, NULL))
COPY(hook, , , )
COPY(probe, , , )

static void (*const loops[LOOPS][COPIES])(void) = { { bare_refs, verb_refs, hook_refs, probe_refs },
                                                    { bare_births, verb_births, hook_births, probe_births } };
static const char *const loop_names[LOOPS] = { "ref", "birth" };
static const char *const copy_names[COPIES] = { "bare", "verb", "hook", "probe" };

static double spent;
static clockid_t clock_id = CLOCK_THREAD_CPUTIME_ID; /* others use the machine, too */

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(clock_id, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static APART long deep(void (*loop)(void), int level)
{
    if (level > 0)
        return deep(loop, level - 1) + 1; /* not a tail call */
    double begin = now_ns();
    loop();
    spent = (now_ns() - begin) / (double)calls;
    return 0;
}

static double timed(void (*loop)(void))
{
    return deep(loop, DEPTH) == DEPTH ? spent : 0;
}

/* ---- uprobes ------------------------------------------------------------------------------------------------------
 */

static int probe_type(void)
{
    int n = -1;
    FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "r");
    if (file != NULL) {
        if (fscanf(file, "%d", &n) != 1)
            n = -1;
        fclose(file);
    }
    return n;
}

static int to_file(struct dl_phdr_info *info, size_t size, void *data)
{
    uint64_t *address = data;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && *address >= start && *address - start < p->p_filesz)
            *address = *address - start + p->p_offset;
    }
    return 1; /* the first one is the program */
}

/* Has each call (or return) of a function recorded with its time and registers, the oldest overwritten. */
static int probe_open(uint64_t address, bool at_return)
{
    static char path[PATH_BYTES];
    struct perf_event_attr attr = { .size = sizeof attr, .type = (uint32_t)probe_type(), .config = at_return };
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    dl_iterate_phdr(to_file, &address);
    attr.uprobe_path = (uintptr_t)path;
    attr.probe_offset = address;
    attr.sample_period = 1;
    attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER;
    attr.sample_regs_user = 1; /* one register: the object */
    attr.write_backward = 1;
    attr.disabled = 1;
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0 && mmap(NULL, (1 + BUFFER_PAGES) * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- Rounds -------------------------------------------------------------------------------------------------------
 */

static void say(const char *loop, const char *what, double *values, int rounds)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", loop, what);
    bench_say(name, bench_median(values, rounds));
}

static void measure(int loop, int rounds, bool probes)
{
    static double bare[ROUNDS_MAX], added[COPIES][ROUNDS_MAX], ratio[ROUNDS_MAX];
    int copies = probes ? PROBE + 1 : PROBE;
    int fd[2] = { -1, -1 };
    if (probes && loop == REF) {
        fd[0] = probe_open((uintptr_t)probe_ref, false);
        fd[1] = probe_open((uintptr_t)probe_unref, false);
    } else if (probes) {
        fd[0] = fd[1] = probe_open((uintptr_t)probe_new, true);
    }
    if (fd[0] < 0 || fd[1] < 0)
        copies = PROBE;
    for (int r = -1; r < rounds; r++) { /* the first one warms up */
        double ns[COPIES];
        for (int copy = 0; copy < copies; copy++) {
            long all = calls;
            if (copy == PROBE) {
                calls = all / 100 + 2; /* a trap each */
                ioctl(fd[0], PERF_EVENT_IOC_ENABLE, 0);
                ioctl(fd[1], PERF_EVENT_IOC_ENABLE, 0);
            }
            ns[copy] = timed(loops[loop][copy]);
            calls = all;
        }
        for (int i = 0; i < 2 && fd[i] >= 0; i++)
            ioctl(fd[i], PERF_EVENT_IOC_DISABLE, 0);
        for (int copy = VERB; copy < copies && r >= 0; copy++)
            added[copy][r] = ns[copy] - ns[BARE];
        if (r >= 0) {
            bare[r] = ns[BARE];
            ratio[r] = added[HOOK][r] / added[VERB][r];
        }
    }
    say(loop_names[loop], copy_names[BARE], bare, rounds);
    for (int copy = VERB; copy < copies; copy++)
        say(loop_names[loop], copy_names[copy], added[copy], rounds);
    say(loop_names[loop], "ratio", ratio, rounds);
}

int main(int argc, char **argv)
{
    calls = argc > 1 ? atol(argv[1]) : 200000;
    int rounds = argc > 2 ? atoi(argv[2]) : 15;
    if (calls < 2 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    uint32_t random = 12345;
    for (int i = 0; i < ORDER; i++) {
        random = random * 1664525 + 1013904223;
        order[i] = (uint16_t)(random >> 16) % OBJECTS;
    }
    bool plain = argc > 3 && strcmp(argv[3], "plain") == 0;
    if (plain)
        clock_id = CLOCK_MONOTONIC; /* the work is done elsewhere */
    for (int loop = 0; loop < LOOPS; loop++)
        if (plain)
            bench_say(loop_names[loop], timed(loops[loop][PROBE]));
        else
            measure(loop, rounds, argc > 3);
    return 0;
}
