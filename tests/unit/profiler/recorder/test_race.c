/* test_race.c: the real engine and the real recorder in one process, on one mapping, each in threads of its own.
 *
 * Everywhere else the two sides map the shared memory apart, and a race detector takes that for two memories. Here it
 * sees both ends of the ring protocol, of the tables for stacks, texts and types, and of the futex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <track/track.h>

#include "engine.h"
#include "fixture.h"
#include "private.h"

enum { PRODUCERS = 4, EVENTS = 30000, TEXT_EVERY = 16 };
enum { GENERATIONS = 30, SHORT_EVENTS = 50, TEARS = 2, TORN_EVENTS = 12000 };

static struct recorder *recorder;
static bool stop; /* atomic; partner: recorder_thread */

static void *recorder_thread(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
        rec_step(recorder, -1, 1);
    return NULL;
}

static pthread_t recorder_start(void)
{
    pthread_t thread;
    __atomic_store_n(&stop, false, __ATOMIC_RELEASE);
    assert_int_equal(pthread_create(&thread, NULL, recorder_thread, NULL), 0);
    return thread;
}

static void recorder_stop(pthread_t thread)
{
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

/* Makes the recorder use `base` for the arena from now on; it is not running. */
static void recorder_move(struct arena *arena, unsigned char *base)
{
    arena->h = (struct trk_shm_header *)(void *)base;
    arena->procs = (struct trk_shm_proc *)(void *)(base + ((unsigned char *)arena->procs - arena->base));
    arena->shm_rings = (struct trk_shm_ring *)(void *)(base + ((unsigned char *)arena->shm_rings - arena->base));
    arena->types = (uint32_t *)(void *)(base + ((unsigned char *)arena->types - arena->base));
    arena->base = base;
}

/* The producers meet in the types they register, in the stacks they take, and in half of their texts. */
static struct trk_type types[8];

static __attribute__((noinline)) void deep(unsigned depth, const void *obj, const void *slot)
{
    if (depth > 0)
        deep(depth - 1, obj, slot);
    else
        trk_ref(obj, slot);
    __asm__ volatile("" ::: "memory"); /* the call stays a call */
}

static void *producer(void *arg)
{
    uintptr_t base = (uintptr_t)arg << 24;
    char text[32];
    for (uintptr_t i = 0; i < EVENTS; i++) {
        const void *obj = (const void *)(base + i * 16);
        if (i % TEXT_EVERY == 0) {
            trk_new(obj, &types[i / TEXT_EVERY % 8]);
            snprintf(text, sizeof text, "text %lu", (unsigned long)(i % 512 + (i & 16 ? base : 0)));
            trk_touch(obj, text);
        }
        deep((unsigned)i / 8 % 8, obj, (const void *)(base + i * 8));
    }
    return NULL;
}

static void refs_from(uintptr_t base, uintptr_t count)
{
    for (uintptr_t i = 1; i <= count; i++)
        trk_ref((const void *)(base + i * 16), NULL);
}

/* Nobody ends before all have a ring: that a thread is dead is told by the kernel, which a race detector does not hear;
 * it does hear the join. */
static pthread_barrier_t have_rings;

/* Short threads: rings go from hand to hand. */
static void *short_thread(void *arg)
{
    refs_from((uintptr_t)arg << 20, 1);
    pthread_barrier_wait(&have_rings);
    refs_from((uintptr_t)arg << 24, SHORT_EVENTS);
    return NULL;
}

/* Leaves slots that nobody will write, as a handler does that jumps out of a writer, and goes on: the recorder gives
 * them up, the thread changes its ring, and comes back. */
static void *tearing_thread(void *arg)
{
    uintptr_t base = (uintptr_t)arg << 24;
    refs_from(base - 1024, 1);
    pthread_barrier_wait(&have_rings);
    for (uintptr_t i = 0; i < TEARS; i++) {
        refs_from(base + (i << 20), 10);
        trk_take(&trk_tls.self->cursor, 1);
        refs_from(base + (i << 20) + 1024, TORN_EVENTS);
    }
    return NULL;
}

static void hand_over_and_tear(void)
{
    pthread_t threads[PRODUCERS];
    pthread_barrier_init(&have_rings, NULL, PRODUCERS);
    for (uintptr_t g = 0; g < GENERATIONS; g++) {
        for (uintptr_t i = 0; i < PRODUCERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, short_thread, (void *)(16 + g * PRODUCERS + i)), 0);
        for (size_t i = 0; i < PRODUCERS; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&have_rings);
    pthread_barrier_init(&have_rings, NULL, 2);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tearing_thread, (void *)(1024 + i)), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void engine_and_recorder(void **state)
{
    (void)state;
    /* Small rings: they are full all the time, and nobody gives up waiting. */
    struct rec_options options = { .budget = 1 << 20, .block_ms = 60000 + 1, .version = "1" };
    recorder = start_recorder(&options);
    char value[256];
    snprintf(value, sizeof value, "sock=%s", rec_socket(recorder));
    setenv("TRACK_OPTIONS", value, 1);
    pthread_t thread = recorder_start();
    trk_eng.phase = TRK_PHASE_NEW; /* it found nothing to do when the program was loaded */
    trk_engine_start();
    recorder_stop(thread);
    assert_int_equal(trk_eng.phase, TRK_PHASE_LIVE);
    assert_int_equal(trk_is_recording(), TRK_YES);

    assert_int_equal(recorder->arenas.count, 1);
    struct arena *arena = recorder->arenas.items[0];
    unsigned char *own = arena->base;
    recorder_move(arena, (unsigned char *)trk_arena()->base);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        types[i] = (struct trk_type){ .struct_size = sizeof types[i], .name = "shared", .size = 16 };
    thread = recorder_start();
    pthread_t producers[PRODUCERS];
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, producer, (void *)(i + 1)), 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    hand_over_and_tear();
    recorder_stop(thread);
    rec_flush(recorder);

    struct trk_loss loss = { 0 };
    rec_proc_loss(arena->proc[0], &loss);
    assert_int_equal(loss.dropped + loss.emergency, 0);
    assert_in_range(loss.holes, 2, 2 * TEARS);
    uint32_t rings = arena->ring_count;
    recorder_move(arena, own);
    struct blocks blocks;
    finish(recorder, 0, &blocks);
    size_t births = 0, refs = 0, touches = 0;
    for (uint32_t ring = 0; ring < rings; ring++) {
        size_t count;
        struct trk_slot *slots = blocks_slots(&blocks, ring, &count);
        uint64_t last = 0; /* the addresses of one owner of the ring grow */
        for (size_t i = 0; i < count; i++) {
            unsigned op = slot_op(&slots[i]);
            births += op == TRK_OP_NEW;
            touches += op == TRK_OP_TOUCH;
            if (op == TRK_OP_THREAD)
                last = 0;
            if (op != TRK_OP_REF)
                continue;
            refs++;
            assert_true(slots[i].w0 >> TRK_ADDR_SHIFT > last);
            last = slots[i].w0 >> TRK_ADDR_SHIFT;
        }
        free(slots);
    }
    blocks_free(&blocks);
    assert_int_equal(refs, PRODUCERS * EVENTS + GENERATIONS * PRODUCERS * (1 + SHORT_EVENTS) + 2 +
                               2 * TEARS * (10 + TORN_EVENTS));
    assert_int_equal(births, PRODUCERS * (EVENTS / TEXT_EVERY));
    assert_int_equal(touches, births);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(engine_and_recorder, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
