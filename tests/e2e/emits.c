/* emits.c: threads that report a known number of reference events, and say so in a file that anybody can read at any
 * time. Usage: emits FILE THREADS EVENTS PAUSE_US [wait]
 *
 * FILE holds one 64-bit count for each thread: events that were reported (their call has returned). After every 1000
 * events a thread sleeps PAUSE_US. With `wait` the program waits for SIGUSR1 before it ends. At the end it prints the
 * sum. Linked with libtrack, without its allocator hooks. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <track/track.h>

enum { THREADS_MAX = 64, STEP = 1000 };

static volatile uint64_t *counts;
static uint64_t wanted, pause_us;

static void *tell(void *arg)
{
    uintptr_t me = (uintptr_t)arg;
    static char objects[THREADS_MAX][64];
    char *object = objects[me];
    while (counts[me] < wanted) {
        for (int i = 0; i < STEP && counts[me] < wanted; i++) {
            if (counts[me] & 1)
                trk_unref(object, NULL);
            else
                trk_ref(object, NULL);
            counts[me] = counts[me] + 1;
        }
        if (pause_us > 0)
            usleep((useconds_t)pause_us);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    size_t n = argc > 4 ? (size_t)atoi(argv[2]) : 0;
    if (n == 0 || n > THREADS_MAX)
        return 2;
    wanted = strtoull(argv[3], NULL, 10);
    pause_us = strtoull(argv[4], NULL, 10);
    int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counts * THREADS_MAX) != 0)
        return 1;
    counts = mmap(NULL, sizeof *counts * THREADS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counts == MAP_FAILED)
        return 1;
    sigset_t set;
    int got;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (uintptr_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, tell, (void *)i) != 0)
            return 1;
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    if (argc > 5 && strcmp(argv[5], "wait") == 0)
        sigwait(&set, &got);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += counts[i];
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
