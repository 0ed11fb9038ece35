/* emitter_die.c: programs that end in every way that there is, always with events right before. */
#include "emitter.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BEFORE = 1000, EXITS_WITH = 7, LATE_LANE = 20 };

static void some(unsigned lane)
{
    for (int i = 0; i < BEFORE; i++)
        emit(lane);
}

static void *forever(void *arg)
{
    for (;;)
        emit((unsigned)(uintptr_t)arg);
    return NULL;
}

/* n threads that are still at it when the end comes. */
static void others(long n)
{
    for (long i = 1; i <= n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, forever, (void *)(uintptr_t)i) != 0)
            exit(91);
        pthread_detach(thread);
    }
    while (n > 0 && __atomic_load_n(&emitter_page->lane[n].done, __ATOMIC_ACQUIRE) == 0)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void late_handler(void)
{
    some(LATE_LANE);
}

static void in_handler(int sig)
{
    (void)sig;
    some(LATE_LANE);
    exit(EXITS_WITH);
}

static void *ends_later(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    some(LATE_LANE);
    return NULL;
}

/* Becomes `emitter paced 1 BEFORE` in lane 0 of the page named by EMITTER_PAGE2. */
static void become(void)
{
    char number[16];
    const char *next = getenv("EMITTER_PAGE2");
    snprintf(number, sizeof number, "%d", BEFORE);
    if (next != NULL)
        setenv("EMITTER_PAGE", next, 1);
    execl("/proc/self/exe", "emitter", "paced", "1", number, (char *)NULL);
}

int emitter_die(const char *name, long a, long b)
{
    (void)b;
    if (strncmp(name, "die-", 4) != 0)
        return -1;
    const char *how = name + 4;
    if (strcmp(how, "exit") == 0)
        atexit(late_handler);
    if (strcmp(how, "quick_exit") == 0)
        at_quick_exit(late_handler);
    some(0);
    if (strcmp(how, "main") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, ends_later, NULL);
        pthread_exit(NULL);
    }
    others(a);
    some(0);
    if (strcmp(how, "exit") == 0)
        exit(EXITS_WITH);
    if (strcmp(how, "_exit") == 0)
        _exit(EXITS_WITH);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(EXITS_WITH);
    if (strcmp(how, "raw") == 0)
        syscall(SYS_exit_group, EXITS_WITH);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        *(volatile char *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    if (strcmp(how, "exec") == 0)
        become();
    if (strcmp(how, "handler") == 0) {
        signal(SIGALRM, in_handler);
        setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 2000 } }, NULL);
        for (;;)
            emit(0);
    }
    return -1;
}
