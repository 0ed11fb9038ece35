/* rounds_target.c: the same references again and again, for test_rounds.c: `rounds N`, `fork N`, `plugin N FILE`. Built
 * with and without verbs that are written in place, as a program and as a plugin; and once with a trk_inline_v1 of its
 * own that counts how often it is needed. */
#include <track/track.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *number(uint64_t n)
{
    return (void *)(uintptr_t)n;
}

/* Each line is a site of its own; the test has a table of what they write. */
static __attribute__((noinline)) void one_round(void)
{
    trk_refcount_t count = { (uint64_t)6 << 32 | 1 };
    trk_ref(number(0x10010), number(0x20008));
    trk_ref(number(0x7ffffffffff8), NULL);
    trk_unref(number(0x10010), number(0x20008));
    trk_unref(number(0x10010), number(0x20009));
    trk_ref(number(0x10010), TRK_HOLDER(0x30010));
    trk_ref_rc(number(0x10010), number(0x20010), 61);
    trk_ref_rc(number(0x10010), number(0x20010), 62);
    trk_unref_rc(number(0x10010), number(0x20010), 0);
    trk_unref_rc(number(0x10010), number(0x20010), -1);
    trk_ref_seq(number(0x10010), number(0x7ffffffffff8), 2, 0xfffffffe);
    trk_unref_seq(number(0x10010), number(0x20010), 99, 5);
    trk_refcount_inc(&count, number(0x10020), number(0x20018));
    (void)trk_refcount_dec(&count, number(0x10020), number(0x20018));
}

void rounds_run(long rounds);
void rounds_run(long rounds)
{
    for (long i = 0; i < rounds; i++)
        one_round();
}

#if defined(ROUNDS_COUNT)
static long calls;

void trk_inline_v1(uint32_t form, uintptr_t obj, uintptr_t slot, long count, uint32_t seq, uint64_t *place)
{
    static void (*real)(uint32_t, uintptr_t, uintptr_t, long, uint32_t, uint64_t *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "trk_inline_v1");
    calls++;
    real(form, obj, slot, count, seq, place);
}
#endif

#if !defined(ROUNDS_PLUGIN)
static int run_plugin(long rounds, const char *file)
{
    for (int i = 0; i < 2; i++) {
        void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        void (*run)(long);
        *(void **)&run = handle != NULL ? dlsym(handle, "rounds_run") : NULL;
        if (run == NULL) {
            printf("%s\n", dlerror());
            return 1;
        }
        run(rounds);
        dlclose(handle);
        printf("gone%d=%d\n", i, dlopen(file, RTLD_NOW | RTLD_NOLOAD) == NULL);
    }
    return 0;
}

int main(int argc, char **argv)
{
    long rounds = argc > 2 ? atol(argv[2]) : 0;
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "plugin") == 0)
        return run_plugin(rounds, argv[3]);
    /* One call, so that its stacks are the same. */
    volatile int turns = strcmp(argv[1], "fork") == 0 ? 3 : 1;
    pid_t pid = -1;
    for (int i = 0; i < turns; i++) {
        if (i == 1)
            pid = fork();
        rounds_run(rounds);
        if (pid == 0)
            _exit(0);
        if (i == 1)
            waitpid(pid, NULL, 0);
    }
#if defined(ROUNDS_COUNT)
    printf("calls=%ld\n", calls);
#endif
    return 0;
}
#endif
