/* token.c: threads hand a token round in an order that only luck decides; each says at which step it had it. token
 * THREADS STEPS
 *
 * Step n is an event about address BASE + 16 n, so nothing but time tells their order; every 1000th is a mark. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <track/track.h>

enum { BASE = 0x10000000, THREADS_MAX = 64, OVER = -1 };

static _Atomic int holder;
static long step, steps;
static int threads;
static unsigned luck = 1;

static void *work(void *arg)
{
    int me = (int)(intptr_t)arg, has;
    while ((has = atomic_load_explicit(&holder, memory_order_acquire)) != OVER) {
        if (has != me) {
            sched_yield();
            continue;
        }
        /* The token is ours: what it protects is, too. */
        if (step % 1000 == 999) {
            char name[32];
            snprintf(name, sizeof name, "step %ld", step);
            trk_mark(name);
        } else {
            trk_touch((void *)(uintptr_t)(BASE + 16 * step), "token");
        }
        luck = luck * 1664525u + 1013904223u;
        int next = ++step < steps ? (int)(luck >> 16) % threads : OVER;
        atomic_store_explicit(&holder, next, memory_order_release);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS_MAX];
    threads = argc > 1 ? atoi(argv[1]) : 4;
    steps = argc > 2 ? atol(argv[2]) : 10000;
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i) != 0)
            return 1;
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
