/* emitter.c: the program that issues numbered events: `emitter NAME [NUMBER [NUMBER]]`. This file: many threads, many
 * short threads, many processes. */
#include "emitter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <track/track.h>

struct emitter_page *emitter_page;

struct emitter_page *emitter_map(void)
{
    const char *path = getenv("EMITTER_PAGE");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = mmap(NULL, sizeof(struct emitter_page), PROT_READ | PROT_WRITE,
                    fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    if (at == MAP_FAILED)
        exit(90);
    if (fd >= 0)
        close(fd);
    emitter_page = at;
    emitter_page->magic = EMITTER_MAGIC;
    return emitter_page;
}

void emit(unsigned lane)
{
    struct emitter_lane *l = &emitter_page->lane[lane];
    uint64_t n = l->begun;
    if (l->done != n)
        l->torn++;
    __atomic_store_n(&l->begun, n + 1, __ATOMIC_RELEASE);
    trk_ref((const void *)(uintptr_t)(EMITTER_OBJECT + 16 * lane), (const void *)(uintptr_t)(EMITTER_SLOT + 8 * n));
    __atomic_store_n(&l->done, n + 1, __ATOMIC_RELEASE);
}

/* ---- Threads ------------------------------------------------------------------------------------------------------
 */

struct job {
    unsigned lane;
    long count; /* 0: for ever */
};

static void *job_run(void *arg)
{
    const struct job *job = arg;
    emitter_page->lane[job->lane].pid = (uint32_t)getpid();
    for (long i = 0; job->count == 0 || i < job->count; i++)
        emit(job->lane);
    return NULL;
}

/* a threads emit b events each, this one among them. */
static int run_threads(long a, long b)
{
    static struct job jobs[EMITTER_LANES];
    static pthread_t threads[EMITTER_LANES];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 << 10);
    for (long i = 1; i < a && i < EMITTER_LANES; i++) {
        jobs[i] = (struct job){ (unsigned)i, b };
        if (pthread_create(&threads[i], &attr, job_run, &jobs[i]) != 0)
            return 91;
    }
    jobs[0] = (struct job){ 0, b };
    job_run(&jobs[0]);
    for (long i = 1; i < a && i < EMITTER_LANES; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

/* a threads emit b events each, a few every moment, so that a slow recorder keeps up: what time does, not load. */
static void *paced(void *arg)
{
    const struct job *job = arg;
    for (long i = 0; i < job->count; i++) {
        emit(job->lane);
        if (i % 16 == 15)
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    return NULL;
}

static int run_paced(long a, long b)
{
    static struct job jobs[EMITTER_LANES];
    static pthread_t threads[EMITTER_LANES];
    for (long i = 0; i < a && i < EMITTER_LANES; i++) {
        jobs[i] = (struct job){ (unsigned)i, b };
        if (pthread_create(&threads[i], NULL, paced, &jobs[i]) != 0)
            return 91;
    }
    for (long i = 0; i < a && i < EMITTER_LANES; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

/* ---- Short threads ------------------------------------------------------------------------------------------------
 */

enum { ALIVE = 64, PER_THREAD = 3 };
static sem_t alive;
static unsigned char taken[ALIVE]; /* atomic */
static uint64_t finished;          /* atomic */

static uint64_t resident_bytes(void)
{
    char text[256] = "";
    unsigned long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) > 0)
            (void)sscanf(text, "%*s %lu", &pages);
        close(fd);
    }
    return pages * 4096;
}

static void *shortly(void *arg)
{
    unsigned lane = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < PER_THREAD; i++)
        emit(lane);
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&taken[lane], 0, __ATOMIC_RELEASE);
    sem_post(&alive);
    return NULL;
}

/* a detached threads in all, at most ALIVE at a time. Says what memory it had after a tenth of them and at the end. */
static int run_short(long a, long b)
{
    pthread_attr_t attr;
    uint64_t early = 0;
    (void)b;
    sem_init(&alive, 0, ALIVE);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (long i = 0; i < a; i++) {
        unsigned lane = 0;
        pthread_t thread;
        while (sem_wait(&alive) != 0)
            continue;
        while (__atomic_exchange_n(&taken[lane], 1, __ATOMIC_ACQUIRE))
            lane = (lane + 1) % ALIVE;
        while (pthread_create(&thread, &attr, shortly, (void *)(uintptr_t)lane) != 0)
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (i == a / 10)
            early = resident_bytes();
    }
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < (uint64_t)a)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    printf("early=%lu\nlate=%lu\n", (unsigned long)early, (unsigned long)resident_bytes());
    return 0;
}

/* ---- Processes ----------------------------------------------------------------------------------------------------
 */

/* a children and this process emit without end (b events when b is not 0), one lane each. */
static int run_forks(long a, long b)
{
    for (long i = 1; i <= a && i < EMITTER_LANES; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct job job = { (unsigned)i, b };
            job_run(&job);
            _exit(0);
        }
        if (pid < 0)
            return 92;
    }
    struct job job = { 0, b };
    job_run(&job);
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(long a, long b);
    } programs[] = {
        { "threads", run_threads }, { "paced", run_paced }, { "short", run_short }, { "forks", run_forks }
    };
    const char *name = argc > 1 ? argv[1] : "";
    long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
    emitter_map();
    int code = -1;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(name, programs[i].name) == 0)
            code = programs[i].run(a, b);
    if (code < 0)
        code = emitter_odd(name, a, b);
    if (code < 0)
        code = emitter_die(name, a, b);
    if (code < 0) {
        fprintf(stderr, "emitter: no program '%s'\n", name);
        return 2;
    }
    return code;
}
