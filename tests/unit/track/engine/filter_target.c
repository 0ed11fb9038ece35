/* filter_target.c: programs for the filter tests, by name. Addresses are made up, so that the test knows them all. */
#include <track/track.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"

static TRK_TYPE_FULL(wanted_type, "Conn", 16, 0, TRK_NO_COUNT, 0, 0);
static TRK_TYPE_FULL(session_type, "Session", 16, 0, TRK_NO_COUNT, 0, 0);
static TRK_TYPE_FULL(other_type, "Other", 16, 0, TRK_NO_COUNT, 0, 0);

static void *at(uint64_t n)
{
    return (void *)(uintptr_t)n; /* NOLINT(performance-no-int-to-ptr) */
}

static void live(uint64_t n, struct trk_type *type)
{
    trk_new(at(n), type);
    trk_ref(at(n), at(0x9000000));
    trk_unref_rc(at(n), at(0x9000000), 1);
    trk_del(at(n));
}

static void run_types(void)
{
    live(0x1000000, &wanted_type);
    live(0x1000100, &session_type);
    live(0x1000200, &other_type);
    trk_new(at(0x1000300), NULL);
    trk_unref_rc(at(0x1000000), NULL, 0); /* late: still told */
    live(0x1000000, &other_type);         /* somebody else at the same address */
    trk_unref(at(0x1000000), NULL);
    trk_new(at(0x1000400), &wanted_type);
    live(0x1000400, &other_type); /* its end was never told */
    trk_new(at(0x1000500), &wanted_type);
    trk_park(at(0x1000500));
    trk_reuse(at(0x1000500));
    trk_move_range(at(0x10), at(0x20), 8);
    trk_mark("end");
}

static void alloc(uint64_t n, uint64_t size)
{
    const struct trk_frame frame = TRK_FRAME_CALLER;
    trk_hook_alloc_v1(at(n), size, TRK_ALLOC_MALLOC, &frame);
}

static void give_back(uint64_t n)
{
    const struct trk_frame frame = TRK_FRAME_CALLER;
    trk_hook_free_v1(at(n), 0, TRK_ALLOC_MALLOC, &frame);
}

/* Blocks that are one object each, born twice at the same place. */
static void run_share(void)
{
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 16000; i++) {
            uint64_t p = 0x2000000 + i * 48;
            alloc(p, 48);
            trk_new(at(p), &wanted_type);
            trk_ref(at(p), at(0x9000000));
        }
        for (uint64_t i = 0; i < 16000; i++) {
            uint64_t p = 0x2000000 + i * 48;
            trk_unref(at(p), at(0x9000000));
            if (round == 0)
                trk_del(at(p)); /* else its free ends it */
            give_back(p);
        }
    }
}

/* Objects behind a header of 16 bytes: their blocks come with them. */
static void run_inside(void)
{
    for (uint64_t i = 0; i < 1600; i++) {
        uint64_t p = 0x3000000 + i * 64;
        alloc(p, 64);
        trk_new(at(p + 16), &wanted_type);
    }
    for (uint64_t i = 0; i < 1600; i++)
        give_back(0x3000000 + i * 64);
}

static void grow(uint64_t from, uint64_t to, bool fails)
{
    const struct trk_frame frame = TRK_FRAME_CALLER;
    trk_hook_realloc_begin_v1(at(from), &frame);
    if (fails)
        trk_hook_realloc_fail_v1(at(from), &frame);
    else
        trk_hook_realloc_end_v1(at(from), at(to), 128, &frame);
}

/* Each block moves twice, one move between them fails; the object in it moves along. */
static void run_realloc(void)
{
    for (uint64_t i = 0; i < 800; i++) {
        uint64_t p = 0x4000000 + i * 0x1000;
        alloc(p, 64);
        trk_new(at(p + 32), &wanted_type);
        grow(p, p, true);
        grow(p, p + 0x400, false);
        grow(p + 0x400, p + 0x800, false);
        trk_ref(at(p + 0x820), NULL);
        trk_del(at(p + 0x820));
        give_back(p + 0x800);
    }
}

static void *many(void *arg)
{
    uint64_t base = 0x10000000 + (uint64_t)(uintptr_t)arg * 0x1000000;
    for (uint64_t i = 0; i < 20000; i++)
        live(base + i % 512 * 16, i % 2 ? &wanted_type : &other_type);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, many, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void run_fork(void)
{
    trk_new(at(0x5000000), &wanted_type);
    trk_new(at(0x5000100), &other_type);
    pid_t pid = fork();
    if (pid == 0) {
        trk_ref(at(0x5000000), NULL);
        trk_ref(at(0x5000100), NULL);
        live(0x5000200, &wanted_type);
        live(0x5000300, &other_type);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* More objects alive than one part of the set can remember. */
static void run_full(void)
{
    for (uint64_t i = 0; i < 100000; i++)
        trk_new(at(0x6000000 + i), &wanted_type);
    for (uint64_t i = 0; i < 100000; i++)
        trk_del(at(0x6000000 + i));
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds of a pair of events that is left out, beside those of the bare loop. */
static void run_cost(void)
{
    double best[2] = { 1e9, 1e9 };
    for (int round = 0; round < 20; round++) {
        for (int on = 0; on < 2; on++) {
            double start = now();
            for (uint64_t i = 0; i < 20000; i++) {
                volatile uint64_t bare = 0x7000000 + i % 1024 * 64;
                if (on) {
                    trk_ref(at(bare), at(0x9000000));
                    trk_unref(at(bare), at(0x9000000));
                }
            }
            double ns = (now() - start) / 20000;
            best[on] = ns < best[on] ? ns : best[on];
        }
    }
    printf("cost_ps=%d\n", (int)((best[1] - best[0]) * 500));
}

static const struct {
    const char *name;
    void (*run)(void);
} programs[] = {
    { "types", run_types },     { "share", run_share }, { "inside", run_inside }, { "realloc", run_realloc },
    { "threads", run_threads }, { "fork", run_fork },   { "full", run_full },     { "cost", run_cost },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run();
            return 0;
        }
    }
    return 2;
}
