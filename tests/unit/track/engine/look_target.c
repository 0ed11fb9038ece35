/* look_target.c: programs that ask for looks at their memory, by name: `look_target NAME [NUMBER]`. Each prints
 * key=value lines. */
#include <track/track.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

enum { MARKER = 0x5eed, PAGE = 4096 };

static void say(const char *key, long number)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%s=%ld\n", key, number);
    (void)!write(1, line, (size_t)n);
}

static void call(long arg)
{
    (void)arg;
    errno = 77;
    int answer = trk_checkpoint("noon");
    say("errno", errno);
    say("answer", answer);
    say("recording", trk_is_recording());
}

/* Two pages, of which the second cannot be read; the first is filled with its number. */
static void served(long arg)
{
    (void)arg;
    unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 0x5a, PAGE);
    munmap(p + PAGE, PAGE);
    char name[32];
    snprintf(name, sizeof name, "%lx", (unsigned long)(uintptr_t)p);
    say("answer", trk_checkpoint(name));
}

/* Nothing but a register that functions keep for their callers has the number. */
static void registers(long arg)
{
    int answer;
    uintptr_t number = (uintptr_t)arg * MARKER;
    const char *name = "registers";
    int (*checkpoint)(const char *) = trk_call_trk_checkpoint;
#if defined(__x86_64__)
    __asm__ volatile("movq %[number], %%r12\n\t"
                     "xorl %k[number], %k[number]\n\t"
                     "movq %%rsp, %%r13\n\t"
                     "subq $128, %%rsp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "call *%[checkpoint]\n\t"
                     "movq %%r13, %%rsp"
                     : "=a"(answer), [number] "+c"(number)
                     : "D"(name), [checkpoint] "b"(checkpoint)
                     : "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc");
#else
    register const char *x0 __asm__("x0") = name;
    __asm__ volatile("mov x20, %[number]\n\tmov %[number], xzr\n\tblr %[checkpoint]"
                     : "+r"(x0), [number] "+r"(number)
                     : [checkpoint] "r"(checkpoint)
                     : "x20", "x30", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "memory", "cc");
    answer = (int)(uintptr_t)x0;
#endif
    say("answer", answer);
}

static void marks(long arg)
{
    (void)arg;
    trk_mark("one");
    trk_scope_begin("two");
    trk_scope_end();
    say("answer", trk_checkpoint("three"));
}

static void leaks(long arg)
{
    struct trk_leak_numbers numbers = { .definite = { 99, 99 } };
    int answer = trk_leak_check((enum trk_leak_check)arg, &numbers);
    say("answer", answer);
    say("definite", (long)numbers.definite.bytes);
    say("suppressed", (long)numbers.suppressed.blocks);
}

/* Every kind of answer of a question. */
static void questions(long arg)
{
    static const void *some[5000];
    struct trk_gc_size size = { .flat = 99 };
    errno = 77;
    say("collected", trk_gc_collect((int)arg));
    say("errno", errno);
    say("sized", trk_gc_sizeof((void *)0x1230, -1, &size));
    say("flat", (long)size.flat);
    say("retained", (long)size.retained_objects);
    say("listed", trk_gc_get_objects(-1, some, sizeof some / sizeof some[0]));
    long wrong = 0, filled = 0;
    for (long i = 0; i < 5000; i++) {
        wrong += some[i] != NULL && (long)(uintptr_t)some[i] != i + 1;
        filled += some[i] != NULL;
    }
    say("wrong", wrong);
    say("filled", filled);
    some[3] = NULL;
    say("short", trk_gc_garbage(some, 3));
    say("behind", some[3] != NULL);
    say("none", trk_gc_garbage(NULL, 7));
    say("invalid", trk_gc_collect(3));
}

static void leave(long arg)
{
    trk_mark("before");
    if (arg == 1)
        _exit(5);
    if (arg == 2)
        quick_exit(6);
}

/* Where the stack ends for the program as it calls exit, in the name of a mark. */
static void ends(long arg)
{
    uintptr_t sp;
    char name[32];
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#else
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
    snprintf(name, sizeof name, "%lx", (unsigned long)sp);
    trk_mark(name);
    exit((int)arg);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

static atomic_int yes, unknown;
static atomic_long ticks;

static void *ask(void *arg)
{
    for (long n = (long)arg; n > 0; n--)
        atomic_fetch_add(trk_checkpoint("thread") == TRK_YES ? &yes : &unknown, 1);
    return NULL;
}

static void crowd(long arg)
{
    enum { THREADS = 200 };
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, ask, (void *)arg);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    say("yes", yes);
    say("unknown", unknown);
}

static atomic_bool done;

static void *tick(void *arg)
{
    while (!atomic_load(&done)) {
        trk_ref((void *)0x10000, NULL);
        atomic_fetch_add(&ticks, 1);
        usleep(100);
    }
    return arg;
}

/* The recorder answers once it saw the other thread's events go on. */
static void others(long arg)
{
    (void)arg;
    pthread_t thread;
    pthread_create(&thread, NULL, tick, NULL);
    while (atomic_load(&ticks) == 0)
        usleep(100);
    say("answer", trk_checkpoint("others"));
    atomic_store(&done, true);
    pthread_join(thread, NULL);
}

/* ---- Handlers ---------------------------------------------------------------------------------------------------- */

static volatile int in_handler = 99;
static volatile pid_t child = -1;
static sigjmp_buf back;

static void on_signal(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };
    struct itimerval soon = { .it_value = { .tv_usec = 100000 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
}

static void ask_again(int sig)
{
    (void)sig;
    in_handler = trk_checkpoint("handler");
}

static void refused(long arg)
{
    (void)arg;
    on_signal(ask_again);
    say("answer", trk_checkpoint("interrupted"));
    say("handler", in_handler);
    say("again", trk_checkpoint("again"));
}

static void jump(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

static void jumped(long arg)
{
    (void)arg;
    on_signal(jump);
    if (sigsetjmp(back, 1) == 0)
        trk_checkpoint("left");
    else
        say("jumped", 1);
    say("again", trk_checkpoint("again"));
}

static void fork_here(int sig)
{
    (void)sig;
    child = fork();
}

static void forked(long arg)
{
    (void)arg;
    int status;
    on_signal(fork_here);
    int answer = trk_checkpoint("interrupted");
    if (child == 0) {
        say("child", answer);
        trk_ref((void *)0x20000, NULL);
        say("child_again", trk_checkpoint("child"));
        _exit(0);
    }
    waitpid(child, &status, 0);
    say("answer", answer);
    say("status", status);
    say("again", trk_checkpoint("again"));
}

static void die_here(int sig)
{
    (void)sig;
    syscall(SYS_exit, 0);
}

static void *die(void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    trk_checkpoint("dies");
    return arg;
}

static void dead(long arg)
{
    (void)arg;
    sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    on_signal(die_here);
    pthread_create(&thread, NULL, die, NULL);
    pthread_join(thread, NULL); /* the kernel tells when it is gone */
    say("again", trk_checkpoint("again"));
}

static void by_vfork(long arg)
{
    (void)arg;
    volatile int answer = 99;
    pid_t pid = vfork();
    if (pid == 0) {
        answer = trk_call_trk_checkpoint("vfork");
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    say("vfork", answer);
    say("answer", trk_checkpoint("parent"));
}

/* ---- What is ours ------------------------------------------------------------------------------------------------ */

static void *touch(void *arg)
{
    trk_ref((void *)0x30000, NULL);
    char name[32];
    snprintf(name, sizeof name, "%lx", (unsigned long)(uintptr_t)trk_tls.self);
    say("answer", trk_checkpoint(name));
    return arg;
}

static void own(long arg)
{
    pthread_t thread;
    pthread_create(&thread, NULL, touch, NULL);
    pthread_join(thread, NULL);
    touch(NULL);
    if (arg && fork() == 0) {
        touch(NULL);
        _exit(0);
    }
    wait(NULL);
}

static const struct {
    const char *name;
    void (*run)(long arg);
} programs[] = {
    { "call", call },     { "served", served }, { "registers", registers }, { "marks", marks },
    { "leave", leave },   { "crowd", crowd },   { "others", others },       { "refused", refused },
    { "jumped", jumped }, { "forked", forked }, { "dead", dead },           { "vfork", by_vfork },
    { "own", own },       { "leaks", leaks },   { "ends", ends },           { "questions", questions },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run(argc > 2 ? atol(argv[2]) : 0);
            return 0;
        }
    }
    return 2;
}
