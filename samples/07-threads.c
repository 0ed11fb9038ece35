/* 07-threads: references cross threads, and one worker forgets.
 *
 * The main thread puts jobs into a queue; four workers take them out. The queue's reference is handed over (trk_move),
 * so the worker has to release it. A job that is cancelled is skipped without release. Counts are atomic and reported
 * with their values and numbers (trk_refcount_t), so that events on one job are in order in spite of the threads. */
#include <pthread.h>
#include <stdlib.h>
#include <track/track.h>

enum { JOBS = 400, WORKERS = 4 };

struct job {
    trk_refcount_t refs;
    int cancelled;
};
static TRK_TYPE(job_type, struct job);

static struct job *g_queue[JOBS];
static int g_next;

TRK_WRAPPER static void job_unref(struct job *job, const void *slot)
{
    if (trk_refcount_dec(&job->refs, job, slot)) {
        trk_del(job);
        free(job);
    }
}

static void *worker(void *arg)
{
    int i;
    while ((i = __atomic_fetch_add(&g_next, 1, __ATOMIC_RELAXED)) < JOBS) {
        struct job *mine = g_queue[i];
        trk_move(mine, &mine, &g_queue[i]);
        g_queue[i] = NULL;
        if (mine->cancelled)
            continue; /* forgets job_unref(mine, &mine) */
        job_unref(mine, &mine);
    }
    return arg;
}

int main(void)
{
    for (int i = 0; i < JOBS; i++) {
        struct job *job = calloc(1, sizeof *job);
        trk_refcount_init(&job->refs);
        job->cancelled = i % 100 == 42;
        trk_new(job, &job_type);
        g_queue[i] = job;
        trk_own(job, &g_queue[i]);
    }
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, worker, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
