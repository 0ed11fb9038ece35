/* thread.c: which ring the calling thread writes. A ring whose thread is dead goes to the next thread that asks; there
 * is no destructor, so threads may end in any way. */
#include <errno.h>
#include <sys/mman.h>

#include "record.h"

__thread struct trk_tls trk_tls __attribute__((tls_model("initial-exec"), visibility("hidden")));

enum {
    TRK_RETRY_US = 10000,    /* a thread that found no ring looks again after this */
    TRK_RETRY_EVENTS = 4096, /* or after this many events */
    TRK_RING_LOG2_MIN = 6,
    TRK_RING_LOG2_MAX = 30,
};

static uint32_t owner_tid(uint64_t owner)
{
    return (uint32_t)owner;
}

/* The next owner word: counts owners, so that a claim cannot succeed on a state that changed hands twice. */
static uint64_t owner_next(uint64_t owner, uint32_t tid)
{
    return ((owner >> 32) + 1) << 32 | tid;
}

static bool tid_dead(uint32_t tid)
{
    return trk_sys3(SYS_tgkill, trk_eng.pid, tid, 0) == -ESRCH;
}

/* The state memory of a ring: mapped once per ring and process image. */
static struct trk_thread *state_memory(uint32_t ring)
{
    struct trk_thread *st = __atomic_load_n(&trk_eng.threads[ring], __ATOMIC_ACQUIRE);
    if (st != NULL)
        return st;
    st = trk_map(trk_eng.thread_bytes);
    if (st == NULL)
        return NULL;
    if (trk_eng.wipes)
        trk_sys3(SYS_madvise, st, TRK_PAGE, MADV_WIPEONFORK);
    struct trk_thread *other = NULL;
    if (__atomic_compare_exchange_n(&trk_eng.threads[ring], &other, st, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return st;
    trk_unmap(st, trk_eng.thread_bytes);
    return other;
}

/* A ring of this process whose thread is dead. */
static struct trk_thread *claim_dead(uint32_t tid)
{
    for (uint32_t i = 0; i < trk_eng.ring_count; i++) {
        struct trk_thread *st = __atomic_load_n(&trk_eng.threads[i], __ATOMIC_ACQUIRE);
        if (st == NULL || st->ring == NULL)
            continue;
        uint64_t owner = __atomic_load_n(&st->owner, __ATOMIC_ACQUIRE);
        uint32_t old = owner_tid(owner);
        /* Own id on a state that is not ours: a dead thread's id was given again. A retired one may really be ours. */
        if (old == 0 || (old == tid ? st->retired : !tid_dead(old)))
            continue;
        if (__atomic_compare_exchange_n(&st->owner, &owner, owner_next(owner, tid), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return st;
    }
    return NULL;
}

static bool ring_sane(const struct trk_shm_ring *ring)
{
    uint64_t bytes = (uint64_t)TRK_SLOT_BYTES << (ring->log2_slots & 63);
    return ring->log2_slots >= TRK_RING_LOG2_MIN && ring->log2_slots <= TRK_RING_LOG2_MAX &&
           ring->data_off >= trk_eng.data_off && bytes <= trk_eng.data_bytes &&
           ring->data_off - trk_eng.data_off <= trk_eng.data_bytes - bytes && ring->data_off % TRK_SLOT_BYTES == 0;
}

/* The largest free ring: the first threads of a program are mostly its busiest. */
static struct trk_shm_ring *claim_free(void)
{
    for (;;) {
        struct trk_shm_ring *best = NULL;
        for (uint32_t i = 0; i < trk_eng.ring_count; i++) {
            struct trk_shm_ring *r = &trk_eng.rings[i];
            if (trk_load32(&r->state) == TRK_RING_FREE && (best == NULL || r->log2_slots > best->log2_slots) &&
                trk_load64(&r->tail) == 0 && ring_sane(r))
                best = r;
        }
        if (best == NULL)
            return NULL;
        uint32_t expected = TRK_RING_FREE;
        if (__atomic_compare_exchange_n(&best->state, &expected, TRK_RING_OWNED, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return best;
    }
}

static struct trk_thread *bind_fresh(struct trk_shm_ring *ring, uint32_t tid)
{
    struct trk_thread *st = state_memory((uint32_t)(ring - trk_eng.rings));
    if (st == NULL) {
        __atomic_store_n(&ring->state, TRK_RING_FREE, __ATOMIC_RELEASE);
        return NULL;
    }
    uint32_t shift = ring->log2_slots;
    uint64_t slots = (uint64_t)1 << shift;
    st->cursor = 0;
    st->tick = st->pending = st->holes = st->tail = st->heartbeat = st->heartbeat_ns = 0;
    st->mask = slots - 1;
    st->shift = shift;
    st->max_stack = 0;
    st->retired = st->gave_up = 0;
    st->delta = (trk_eng.arena + ring->data_off) - (char *)st;
    for (unsigned d = 0; d < TRK_DEPTH_COUNT; d++)
        st->site_only[d] = trk_eng.depth[d] == 1;
    st->limit = 0;
    __atomic_store_n(&st->owner, owner_next(st->owner, tid), __ATOMIC_RELEASE);
    __atomic_store_n(&st->ring, ring, __ATOMIC_RELEASE); /* partner: claim_dead of other threads */
    __atomic_store_n(&ring->proc, trk_eng.proc_index + 1, __ATOMIC_RELEASE);
    return st;
}

/* A new owner. Its first event finds no room, takes the slow path and writes THREAD before anything else. */
static void change_owner(struct trk_thread *st, uint32_t tid)
{
    __atomic_store_n(&st->limit, 0, __ATOMIC_RELAXED);
    st->due = 1;
    st->retired = st->gave_up = 0;
    __atomic_store_n(&st->ring->tid, tid, __ATOMIC_RELAXED);
}

/* Closes the holes in the last lap of a ring: a slot that nobody wrote keeps the content of the lap before, whose lap
 * bit is that of the lap after. */
static void close_holes(struct trk_thread *st)
{
    uint64_t cursor = trk_cursor(st);
    uint64_t pos = cursor > st->mask ? cursor - st->mask - 1 : 0;
    for (; pos < cursor; pos++) {
        const struct trk_slot *slot =
            (const struct trk_slot *)(const void *)((char *)st + st->delta) + (pos & st->mask);
        uint64_t lap = ((pos >> st->shift) & 1) ^ 1;
        if ((__atomic_load_n(&slot->w0, __ATOMIC_RELAXED) & 1) != lap)
            trk_slot_write(st, pos, trk_w0(TRK_OP_SKIP, 0, 0, 0), 0);
    }
    st->holes = trk_load64(&st->ring->holes);
}

static struct trk_thread *acquire(void)
{
    uint32_t tid = (uint32_t)trk_sys0(SYS_gettid);
    if (trk_sys0(SYS_getpid) != trk_eng.pid)
        return NULL; /* between vfork and exec: the thread-local state is our parent's, who has none either */
    struct trk_thread *st = claim_dead(tid);
    if (st == NULL) {
        if (trk_load32(&trk_eng.hdr->recorder_state) != TRK_REC_RUNNING)
            return NULL;
        struct trk_shm_ring *ring = claim_free();
        st = ring == NULL ? NULL : bind_fresh(ring, tid);
        if (st == NULL)
            return NULL;
    }
    if (trk_load64(&st->ring->holes) != st->holes)
        close_holes(st);
    trk_thread_bounds(st);
    change_owner(st, tid);
    return st;
}

struct trk_thread *trk_thread_ready(void)
{
    uint64_t cookie;
    if (!trk_engine_enter(&cookie)) {
        trk_engine_emergency();
        return NULL;
    }
    struct trk_thread *st = NULL;
    if (trk_engine_here()) {
        uint64_t tick = trk_load64(trk_eng.tick);
        st = trk_tls.self;
        if (st != NULL && st->ring == NULL)
            st = trk_tls.self = NULL;
        if (st == NULL && (tick >= trk_tls.retry_tick || ++trk_tls.misses >= TRK_RETRY_EVENTS)) {
            st = acquire();
            trk_tls.retry_tick = st ? 0 : tick + TRK_RETRY_US;
            trk_tls.misses = 0;
            trk_tls.self = st;
        }
        if (st == NULL)
            trk_engine_dropped();
    }
    trk_engine_leave(&cookie);
    return st;
}

/* The ring that this thread left before. */
static struct trk_thread *own_retired(uint32_t tid)
{
    for (uint32_t i = 0; i < trk_eng.ring_count; i++) {
        struct trk_thread *st = __atomic_load_n(&trk_eng.threads[i], __ATOMIC_ACQUIRE);
        if (st != NULL && st->ring != NULL && owner_tid(__atomic_load_n(&st->owner, __ATOMIC_ACQUIRE)) == tid &&
            st->retired)
            return st;
    }
    return NULL;
}

struct trk_thread *trk_thread_move(struct trk_thread *from)
{
    uint32_t tid = owner_tid(from->owner);
    struct trk_thread *st = own_retired(tid); /* two rings per thread are enough, however often it jumps */
    if (st != NULL) {
        close_holes(st);
    } else {
        struct trk_shm_ring *ring = claim_free();
        st = ring == NULL ? NULL : bind_fresh(ring, tid);
    }
    if (st == NULL) {
        close_holes(from);
        return NULL;
    }
    st->lo = from->lo;
    st->hi = from->hi;
    change_owner(st, tid);
    from->retired = 1;
    __atomic_store_n(&from->ring->waiting, 0, __ATOMIC_RELAXED); /* nobody does any more */
    trk_tls.self = st;
    return st;
}

void trk_thread_wipe_all(void)
{
    for (uint32_t i = 0; i < TRK_RING_MAX; i++) {
        char *page = (char *)trk_eng.threads[i];
        for (size_t b = 0; page != NULL && b < TRK_PAGE; b++)
            page[b] = 0;
    }
}
