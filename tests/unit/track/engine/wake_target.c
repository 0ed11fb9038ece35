/* wake_target.c: programs that are woken, by name: `wake_target NAME [NUMBER]`. They obey single letters on stdin,
 * answer each with a line, and end with it. */
#include <track/track.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 0x100000, KINDS = 6 };

static struct trk_type types[KINDS];
static atomic_bool done;
static pthread_barrier_t together; /* a race detector does not know that the kernel tells who is dead */

static __attribute__((noinline)) void deep(unsigned depth, const void *obj, const void *slot)
{
    if (depth > 0)
        deep(depth - 1, obj, slot);
    else
        trk_ref(obj, slot);
    __asm__ volatile("" ::: "memory");
}

/* One life of an object: the slots of the references of one thread count up by 8. */
static void life(uintptr_t thread, uintptr_t n)
{
    const void *obj = (const void *)(thread << 32 | (n & 0xffff) << 4 | 16);
    trk_new(obj, &types[n % KINDS]);
    deep(n % 7, obj, (const void *)(FIRST + n * 8));
    if (n % 16 == 0)
        trk_touch(obj, n % 32 ? "even" : "odd");
    if (n % 64 == 0) {
        trk_scope_begin("scope");
        trk_scope_end();
    }
    trk_del(obj);
}

static void *hammer(void *arg)
{
    for (uintptr_t n = 0; !atomic_load_explicit(&done, memory_order_relaxed); n++)
        life((uintptr_t)arg, n);
    pthread_barrier_wait(&together);
    return NULL;
}

static void names(void)
{
    static const char *const name[KINDS] = { "a", "b", "c", "d", "e", "f" };
    for (int i = 0; i < KINDS; i++)
        types[i] = (struct trk_type){ .struct_size = sizeof types[i], .name = name[i], .size = 16 };
}

static void say(const char *what, long number)
{
    printf("%s %ld\n", what, number);
    fflush(stdout);
}

static int threads(int count)
{
    pthread_t thread[64];
    pthread_barrier_init(&together, NULL, (unsigned)count);
    for (int i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, hammer, (void *)(uintptr_t)(i + 1));
    say("ready", getpid());
    while (getchar() != EOF)
        continue;
    done = true;
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

/* ---- One thread, with handlers that count, too, and jump out of whatever they interrupted -------------------------
 */

static sigjmp_buf back;
static volatile sig_atomic_t may_jump;
static volatile uintptr_t in_handler;

static void handler(int sig)
{
    (void)sig;
    life(9, in_handler++);
    if (may_jump && in_handler % 3 == 0)
        siglongjmp(back, 1);
}

static void *watch_stdin(void *arg)
{
    (void)arg;
    while (getchar() != EOF)
        continue;
    done = true;
    return NULL;
}

static int handlers(void)
{
    pthread_t watcher;
    struct sigaction action = { .sa_handler = handler };
    struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
    volatile uintptr_t n = 0;
    sigset_t all, none;
    sigfillset(&all); /* for the watcher from its first instruction on: it must not jump into our frame */
    pthread_sigmask(SIG_BLOCK, &all, &none);
    pthread_create(&watcher, NULL, watch_stdin, NULL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGALRM, &action, NULL);
    say("ready", getpid());
    setitimer(ITIMER_REAL, &often, NULL);
    while (!done) {
        sigsetjmp(back, 1);
        may_jump = 1;
        while (!done && ++n % 1000 != 0)
            life(10, n);
        may_jump = 0;
    }
    pthread_join(watcher, NULL);
    return 0;
}

/* ---- A process that makes others, on request -----------------------------------------------------------------------
 */

/* Counts for ever; its parent kills it, or it ends with it. */
static __attribute__((noreturn)) void child(void)
{
    for (uintptr_t n = 0; getppid() != 1; n++) {
        life(2, n);
        usleep(200);
    }
    _exit(0);
}

static int family(void)
{
    uintptr_t n = 0;
    int letter;
    say("ready", getpid());
    while ((letter = getchar()) != EOF) {
        pid_t pid = -1;
        if (letter == 'l') /* counts once */
            life(1, n++);
        else if (letter == 'f') /* a child */
            pid = fork();
        else if (letter == 'r') /* one that libc does not know */
            pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        else if (letter == 'v') { /* one that borrows our memory */
            pid = vfork();
            if (pid == 0) {
                life(3, n);
                _exit(0);
            }
            waitpid(pid, NULL, 0);
        } else if (letter == 'x') { /* ends without exit handlers */
            _exit(0);
        }
        if (pid == 0)
            child();
        if (letter != '\n')
            say("did", pid > 0 ? pid : letter);
    }
    return 0;
}

/* What a race detector finds on purpose: the gates, which the program reads as a volatile byte; the tables of code
 * ranges and of the filter, which are replaced under readers that bear any mixture. And what it does not see: memory
 * that was unmapped and mapped again by bare system calls is other memory. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:trk_engine_gate\nrace:maps_collect\nrace:range_add\nrace:trk_filter_take\nrace:store_entry\nrace:trk_"
           "module_check\n";
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "history_size=7"; /* else it cannot say where the other access was */
}

int main(int argc, char **argv)
{
    names();
    if (argc > 2 && strcmp(argv[1], "threads") == 0)
        return threads(atoi(argv[2]));
    if (argc > 1 && strcmp(argv[1], "handlers") == 0)
        return handlers();
    return family();
}
