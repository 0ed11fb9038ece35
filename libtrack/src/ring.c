/* ring.c: what happens when a thread reached its soft limit: look at the recorder's tail, wait for it within the bound,
 * or drop and count. */
#include "record.h"

#include <errno.h>

#include "wake.h"

enum {
    TRK_LOOK = 256, /* slots after which a thread looks up at the latest: when the recorder is dead, nothing else tells
                       it that another one asks */
    TRK_NAP_NS = 5000000,      /* one sleep while waiting for room */
    TRK_TICK_NAP_NS = 500000,  /* and for the next tick */
    TRK_STALE_NS = 1000000000, /* a recorder whose heart stands still this long is not waited for */
    TRK_MEM_WAIT_NS = 50000000,
};

/* Nobody will ever drain this arena again, or another recorder asks: the one that hangs, or whose process id was given
 * to somebody else, would keep it out for ever. */
static bool recorder_gone(const struct trk_shm_header *hdr)
{
    uint32_t state = trk_load32(&hdr->recorder_state);
    return state == TRK_REC_GONE || state == TRK_REC_LEFT || trk_wake_asked();
}

bool trk_recorder_alive(struct trk_heart *heart, uint64_t now)
{
    const struct trk_arena *a = trk_arena();
    const struct trk_shm_header *hdr = a->hdr;
    uint64_t beat = trk_load64(&hdr->heartbeat);
    if (recorder_gone(hdr)) {
        trk_engine_over(a);
        return false;
    }
    if (heart->moved_ns == 0 || beat != heart->beat) {
        heart->beat = beat;
        heart->moved_ns = now;
        return true;
    }
    if (now - heart->moved_ns < TRK_STALE_NS)
        return true;
    uint32_t pid = trk_load32(&hdr->recorder_pid);
    if (pid != 0 && trk_sys2(SYS_kill, pid, 0) == -ESRCH)
        trk_engine_over(a);
    return false;
}

/* A hole may be a record that a frame below us has begun and will finish after this ring went round. */
static bool hole_seen(const struct trk_thread *st, const struct trk_shm_ring *ring)
{
    return trk_load64(&ring->holes) != st->holes;
}

/* Nobody drains: the limit only makes the thread come here every quarter of a lap, to tell how far it is and how many
 * of the slots were no events. A reader needs both to count what was written over. False when the recording is over. */
static bool flight_update(struct trk_thread *st, struct trk_shm_ring *ring)
{
    const struct trk_arena *a = trk_arena();
    uint64_t cursor, extras;
    do { /* a handler in between moves both */
        cursor = trk_cursor(st);
        extras = trk_load64(&st->extras);
    } while (trk_cursor(st) != cursor);
    __atomic_store_n(&ring->head, cursor, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->extras_high, (uint32_t)(extras >> 31), __ATOMIC_RELAXED);
    /* Partner: whoever reads the ring. One word, so that no kill parts the pair. */
    __atomic_store_n(&ring->flight, extras << 32 | (uint32_t)cursor, __ATOMIC_RELEASE);
    if (recorder_gone(a->hdr)) {
        trk_engine_over(a);
        return false;
    }
    st->tick = ~(uint64_t)0; /* tells the time again: no lap is without */
    __atomic_store_n(&st->limit, cursor + (st->mask + 1) / 4, __ATOMIC_RELAXED);
    return true;
}

/* Takes the recorder's tail and moves the limit; true when there is room then. The tail is hostile: it never goes back
 * and never passes the cursor. The limit stays when the recorder gave up a hole meanwhile (it counts the hole first).
 */
static bool limit_update(struct trk_thread *st, struct trk_shm_ring *ring, unsigned need)
{
    uint64_t slots = st->mask + 1;
    uint64_t margin = slots / 4 < TRK_MARGIN ? slots / 4 : TRK_MARGIN;
    uint64_t cursor = trk_cursor(st);
    if (trk_thread_ring(st) == NULL)
        return false; /* a handler forked here, or the arena was retired: the state is empty now */
    if (trk_arena()->on_full == TRK_FULL_FLIGHT)
        return flight_update(st, ring);
    __atomic_store_n(&ring->head, cursor, __ATOMIC_RELAXED);
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE); /* partner: the recorder's release after copying */
    if (tail < st->tail || tail > cursor || hole_seen(st, ring))
        return false;
    st->tail = tail;
    uint64_t end = tail + slots - margin;
    uint64_t look = cursor + TRK_LOOK;
    __atomic_store_n(&st->limit, look < end ? look : end, __ATOMIC_RELAXED);
    return trk_cursor(st) + need <= end;
}

/* Sleeps once. False when waiting longer is pointless. */
static bool wait_once(struct trk_thread *st, struct trk_shm_ring *ring, unsigned need, uint64_t deadline)
{
    uint64_t now = trk_now_ns();
    if (now >= deadline || !trk_recorder_alive(&st->heart, now) || trk_thread_ring(st) == NULL)
        return false;
    trk_tls.busy_tick = trk_load64(trk_clock());
    uint32_t seen = __atomic_load_n(&ring->tail_futex, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST); /* partner: the recorder's look after it moved tail */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);               /* before our look at tail, which only acquires */
    uint64_t nap = hole_seen(st, ring) ? TRK_TICK_NAP_NS : TRK_NAP_NS;
    if (!limit_update(st, ring, need))
        trk_futex_wait(&ring->tail_futex, seen, deadline - now < nap ? deadline - now : nap);
    return true;
}

/* Inside the engine: room in this ring or another one, or NULL. */
static struct trk_thread *room_slow(struct trk_thread *st, struct trk_shm_ring *ring, unsigned need)
{
    uint64_t deadline = 0;
    for (;;) {
        /* Readers put rings in order by their ticks: what this thread does next needs a later one than what it did. */
        if (hole_seen(st, ring) && trk_load64(trk_clock()) != st->tick) {
            struct trk_thread *other = trk_thread_move(st);
            struct trk_shm_ring *its = other != NULL ? trk_thread_ring(other) : NULL;
            if (its != NULL) {
                st = other;
                ring = its;
            }
        }
        if (limit_update(st, ring, need)) {
            st->gave_up = 0;
            return st;
        }
        if (trk_arena()->on_full != TRK_FULL_BLOCK || st->gave_up) {
            trk_recorder_alive(&st->heart, trk_now_ns());
            return NULL;
        }
        if (deadline == 0) {
            deadline = trk_now_ns() + (uint64_t)trk_arena()->block_ms * 1000000u;
            st->heart.moved_ns = 0;
        }
        if (!wait_once(st, ring, need, deadline)) {
            st->gave_up = 1;
            return NULL;
        }
    }
}

struct trk_thread *trk_ring_room(struct trk_thread *st, unsigned need)
{
    uint64_t cookie;
    struct trk_shm_ring *ring = trk_thread_ring(st);
    if (ring == NULL)
        return NULL;
    if (limit_update(st, ring, need)) {
        st->gave_up = 0;
        return st;
    }
    if (!trk_engine_enter(&cookie)) {
        trk_engine_emergency();
        return NULL;
    }
    struct trk_thread *ready = room_slow(st, ring, need);
    trk_engine_leave(&cookie);
    /* What comes after the end of a recording is not lost. */
    bool live = __atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) == TRK_PHASE_LIVE;
    if (ready == NULL && live && trk_thread_ring(st) != NULL) {
        st = trk_tls.self; /* it may have moved before it found that ring full, too */
        ring = st != NULL ? trk_thread_ring(st) : NULL;
        if (ring != NULL) {
            trk_take(&ring->dropped, 1);
            trk_take(&st->pending, 1);
            /* The next record, even one that would still fit, takes the way on which the loss is told first. */
            __atomic_store_n(&st->limit, 0, __ATOMIC_RELAXED);
        }
    }
    return ready;
}

uint32_t trk_ring_mem_ask(void)
{
    return __atomic_add_fetch(&trk_arena()->proc->mem_request, 1, __ATOMIC_SEQ_CST);
}

void trk_ring_mem_wait(uint32_t mine, uint64_t since_ns)
{
    const struct trk_arena *a = trk_arena();
    struct trk_shm_proc *proc = a->proc;
    uint64_t end = since_ns + TRK_MEM_WAIT_NS;
    for (;;) {
        uint32_t done = __atomic_load_n(&proc->mem_done, __ATOMIC_ACQUIRE);
        uint64_t now = trk_now_ns();
        if ((int32_t)(done - mine) >= 0 || now >= end || trk_load32(&a->hdr->recorder_state) != TRK_REC_RUNNING)
            return;
        trk_futex_wait(&proc->mem_done, done, end - now < TRK_NAP_NS ? end - now : TRK_NAP_NS);
    }
}
