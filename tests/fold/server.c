/* server.c: something like a server that runs for weeks, in short: threads that serve requests out of shared pools of
 * connections, sessions and buffers, with references at a given rate and three slow leaks.
 *
 *     server SECONDS REFS_PER_SECOND
 *
 * At the end it prints how often each leak struck, which is what a report has to count, and whether it is recorded. A
 * rate of 0 is as fast as it goes; SECONDS may be a fraction. On a machine too busy for that rate it takes longer: what
 * it does in all is the same. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <track/track.h>

enum { THREADS = 4, SESSIONS = 64, CONNS = 16, BATCH = 200, LEAK_EVERY = 997 };

struct session {
    int refs;
    char name[40];
};
struct conn {
    int refs;
    struct session *session;
    char *buffer;
    size_t size;
};
struct watch {
    int refs;
    struct watch *peer;
};
static TRK_TYPE_COUNTED(session_type, struct session, refs);
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
static TRK_TYPE_COUNTED(watch_type, struct watch, refs);

struct worker {
    pthread_t thread;
    uint32_t seed;
    struct session *sessions[SESSIONS];
    struct conn *conns[CONNS];
    unsigned long refs, requests, sessions_leaked, cycles_leaked, blocks_leaked;
};

static double seconds;
static unsigned long rate;
static _Atomic uintptr_t sink;

static uint32_t dice(struct worker *w, uint32_t n)
{
    w->seed = w->seed * 1103515245 + 12345;
    return (w->seed >> 16) % n;
}

TRK_WRAPPER static void session_ref(struct worker *w, struct session *s, const void *slot)
{
    s->refs++;
    w->refs++;
    trk_ref_from(s, slot, TRK_CALLER);
}

TRK_WRAPPER static void session_unref(struct session *s, const void *slot)
{
    trk_unref_from(s, slot, TRK_CALLER);
    if (--s->refs == 0) {
        trk_del_from(s, TRK_CALLER);
        free(s);
    }
}

static struct session *session_new(struct worker *w)
{
    struct session *s = calloc(1, sizeof *s);
    s->refs = 1;
    snprintf(s->name, sizeof s->name, "session %u", dice(w, 1000));
    trk_new(s, &session_type);
    return s;
}

static void conn_close(struct conn **slot)
{
    struct conn *c = *slot;
    session_unref(c->session, &c->session);
    trk_unref(c, slot);
    c->refs--;
    trk_del(c);
    free(c->buffer);
    free(c);
}

static struct conn *conn_open(struct worker *w, struct session *s)
{
    struct conn *c = calloc(1, sizeof *c);
    c->refs = 1;
    trk_new(c, &conn_type);
    c->size = 32 + dice(w, 200);
    c->buffer = malloc(c->size);
    c->session = s;
    session_ref(w, s, &c->session);
    return c;
}

/* Two watches that hold each other. */
static void watch_pair(struct worker *w)
{
    struct watch *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    a->refs = b->refs = 1;
    trk_new(a, &watch_type);
    trk_new(b, &watch_type);
    a->peer = b;
    trk_own(b, &a->peer);
    b->peer = a;
    trk_own(a, &b->peer);
    w->cycles_leaked++;
}

static void request(struct worker *w)
{
    uint32_t at = dice(w, SESSIONS);
    struct session *s = w->sessions[at];
    session_ref(w, s, &s); /* leak: an error path keeps it */
    w->requests++;
    if (w->requests % LEAK_EVERY == 0) {
        w->sessions_leaked++;
        /* The session leaves the pool; what the request took stays. */
        session_unref(s, &w->sessions[at]);
        TRK_OWN(w->sessions[at], session_new(w));
        return;
    }
    struct conn **c = &w->conns[dice(w, CONNS)];
    if (dice(w, 8) == 0) {
        conn_close(c);
        *c = conn_open(w, s);
        trk_own(*c, c);
    } else if (dice(w, 4) == 0) {
        (*c)->size = 32 + dice(w, 2000);
        (*c)->buffer = realloc((*c)->buffer, (*c)->size);
    }
    if (w->requests % (LEAK_EVERY * 2) == 1)
        watch_pair(w);
    if (w->requests % (LEAK_EVERY * 3) == 2) {
        char *lost = malloc(77); /* leak: nobody remembers it */
        sink = (uintptr_t)lost;
        sink = 0;
        w->blocks_leaked++;
    }
    session_unref(s, &s);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *serve(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < SESSIONS; i++)
        TRK_OWN(w->sessions[i], session_new(w));
    for (int i = 0; i < CONNS; i++)
        TRK_OWN(w->conns[i], conn_open(w, w->sessions[i]));
    double begin = now(), share = seconds * (double)rate / THREADS;
    for (double t = begin; t - begin < seconds || (double)w->refs < share; t = now()) {
        for (int i = 0; i < BATCH; i++)
            request(w);
        double due = rate != 0 ? begin + (double)w->refs * THREADS / (double)rate : 0;
        if (due > t) {
            struct timespec pause = { .tv_nsec = (long)((due - t < 0.5 ? due - t : 0.5) * 1e9) };
            nanosleep(&pause, NULL);
        }
    }
    for (int i = 0; i < CONNS; i++)
        conn_close(&w->conns[i]);
    for (int i = 0; i < SESSIONS; i++)
        session_unref(w->sessions[i], &w->sessions[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS];
    seconds = argc > 1 ? atof(argv[1]) : 1;
    rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].seed = i + 1;
        pthread_create(&workers[i].thread, NULL, serve, &workers[i]);
    }
    unsigned long refs = 0, sessions = 0, cycles = 0, blocks = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        refs += workers[i].refs;
        sessions += workers[i].sessions_leaked;
        cycles += workers[i].cycles_leaked;
        blocks += workers[i].blocks_leaked;
    }
    printf("refs %lu sessions %lu cycles %lu blocks %lu recorded %d\n", refs, sessions, cycles, blocks,
           TRK_ON() ? 1 : 0);
    return 0;
}
