/* refs.c: the cost of one reference event. refs THREADS EVENTS ROUNDS WORK
 *
 * Each thread counts references of 4096 objects of its own in a random order, with a slot each: a loop without verbs
 * and one with them, in turns. Prints the loop's ns per event and what the verb adds. WORK multiplications stand
 * between two events: without any, a lossless recording measures how fast the recorder compresses.
 *
 * With REFS_SEQ the counts are trk_refcount_t and the bare loop has the same atomic operations; with REFS_LTTNG an
 * LTTng-UST tracepoint with object and slot stands for the verb. */
#include <pthread.h>

#include "clock.h"

#if defined(REFS_LTTNG)
#include "refs_lttng.h"
#define REF(obj, slot)   lttng_ust_tracepoint(reftrack_bench, ref, (obj), (slot))
#define UNREF(obj, slot) lttng_ust_tracepoint(reftrack_bench, unref, (obj), (slot))
#else
#include <track/track.h>
#define REF(obj, slot)   trk_ref(obj, slot)
#define UNREF(obj, slot) trk_unref(obj, slot)
#endif

enum { OBJECTS = 4096, ORDER = 1 << 16 };

struct object {
#if defined(REFS_SEQ)
    trk_refcount_t refs;
#else
    volatile long refs;
#endif
    long pad;
};

struct worker {
    pthread_t thread;
    struct object *objects;
    void **slots;
    uint16_t order[ORDER];
    uint64_t sum; /* keeps the work */
    double bare[ROUNDS_MAX], traced[ROUNDS_MAX];
};

static long events;
static int rounds, work_turns;
static pthread_barrier_t barrier;

/* What a program does between two events: a chain that cannot be shortened. */
static inline __attribute__((always_inline)) uint64_t between(uint64_t x)
{
    for (int i = 0; i < work_turns; i++) {
        __asm__ volatile("" : "+r"(x));
        x *= 0x9e3779b97f4a7c15ull;
    }
    return x;
}

static __attribute__((noinline)) void loop_bare(struct worker *w)
{
    uint64_t x = 1;
    for (long i = 0; i < events; i += 2) {
        uint32_t k = w->order[i & (ORDER - 1)];
        struct object *o = &w->objects[k];
#if defined(REFS_SEQ)
        __atomic_fetch_add(&o->refs.word, ((uint64_t)1 << 32) + 1, __ATOMIC_RELAXED);
        w->slots[k] = o;
        x = between(x);
        __atomic_fetch_add(&o->refs.word, ((uint64_t)1 << 32) - 1, __ATOMIC_ACQ_REL);
#else
        o->refs = o->refs + 1;
        w->slots[k] = o;
        x = between(x);
        o->refs = o->refs - 1;
#endif
        x = between(x);
    }
    w->sum += x;
}

static __attribute__((noinline)) void loop_traced(struct worker *w)
{
    uint64_t x = 1;
    for (long i = 0; i < events; i += 2) {
        uint32_t k = w->order[i & (ORDER - 1)];
        struct object *o = &w->objects[k];
#if defined(REFS_SEQ)
        trk_refcount_inc(&o->refs, o, &w->slots[k]);
        w->slots[k] = o;
        x = between(x);
        trk_refcount_dec(&o->refs, o, &w->slots[k]);
#else
        o->refs = o->refs + 1;
        REF(o, &w->slots[k]);
        w->slots[k] = o;
        x = between(x);
        UNREF(o, &w->slots[k]);
        o->refs = o->refs - 1;
#endif
        x = between(x);
    }
    w->sum += x;
}

static double timed(struct worker *w, void (*loop)(struct worker *))
{
    pthread_barrier_wait(&barrier);
    double begin = bench_now_ns();
    loop(w);
    return (bench_now_ns() - begin) / (double)events;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    loop_bare(w);
    loop_traced(w);
    for (int r = 0; r < rounds; r++) {
        w->bare[r] = timed(w, loop_bare);
        w->traced[r] = timed(w, loop_traced) - w->bare[r];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    events = argc > 2 ? atol(argv[2]) : 1000000;
    rounds = argc > 3 ? atoi(argv[3]) : 15;
    work_turns = argc > 4 ? atoi(argv[4]) : 0;
    if (threads < 1 || threads > 256 || events < 2 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int t = 0; t < threads; t++) {
        struct worker *w = &workers[t];
        uint32_t random = 12345 + (uint32_t)t;
        w->objects = aligned_alloc(64, OBJECTS * sizeof *w->objects);
        w->slots = calloc(OBJECTS, sizeof *w->slots);
        for (int i = 0; i < OBJECTS; i++) {
#if defined(REFS_SEQ)
            trk_refcount_init(&w->objects[i].refs);
#else
            w->objects[i].refs = 1;
#endif
#if !defined(REFS_LTTNG)
            trk_new(&w->objects[i], NULL);
#endif
        }
        for (int i = 0; i < ORDER; i++) {
            random = random * 1664525 + 1013904223;
            w->order[i] = (uint16_t)(random >> 16) % OBJECTS;
        }
    }
    for (int t = 0; t < threads; t++)
        pthread_create(&workers[t].thread, NULL, work, &workers[t]);
    double *bare = calloc((size_t)(threads * rounds), sizeof *bare),
           *added = calloc((size_t)(threads * rounds), sizeof *added);
    for (int t = 0; t < threads; t++) {
        pthread_join(workers[t].thread, NULL);
        for (int r = 0; r < rounds; r++) {
            bare[t * rounds + r] = workers[t].bare[r];
            added[t * rounds + r] = workers[t].traced[r];
        }
    }
    bench_say("bare", bench_median(bare, threads * rounds));
    bench_say("added", bench_median(added, threads * rounds));
    return 0;
}
