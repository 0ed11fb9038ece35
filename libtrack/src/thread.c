/* thread.c: which ring the calling thread writes. A ring whose thread is dead goes to the next thread that asks; there
 * is no destructor, so threads may end in any way.
 *
 * Another thread may empty a state at any moment, when its arena is retired: `ring` is read once and tested. */
#include <errno.h>
#include <sys/mman.h>

#include "filter.h"
#include "own.h"
#include "record.h"

__thread struct trk_tls trk_tls __attribute__((tls_model("initial-exec"), visibility("hidden")));
__thread struct trk_inline_self trk_inline_tls __attribute__((tls_model("initial-exec"), visibility("hidden")));

enum {
    TRK_RETRY_US = 10000,    /* a thread that found no ring looks again after this */
    TRK_RETRY_EVENTS = 4096, /* or after this many events */
    TRK_RING_LOG2_MAX = 30,
};

static uint32_t owner_tid(uint64_t owner)
{
    return (uint32_t)owner;
}

/* From now on this thread writes to st (NULL: to none), of arena a. Programs may write in place what takes its call
 * site and nothing else. */
static void thread_set(struct trk_thread *st, const struct trk_arena *a)
{
    bool in_place = st != NULL && st->want[TRK_DEPTH_REF] == TRK_SITE;
    trk_tls.self = st;
    __atomic_store_n(&trk_inline_tls.clock, &a->hdr->tick_us, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* a handler that finds the ring finds its clock */
    __atomic_store_n(&trk_inline_tls.ring, in_place ? (struct trk_inline_ring *)(void *)st : NULL, __ATOMIC_RELAXED);
}

/* The next owner word: counts owners, so that a claim cannot succeed on a state that changed hands twice. */
static uint64_t owner_next(uint64_t owner, uint32_t tid)
{
    return ((owner >> 32) + 1) << 32 | tid;
}

bool trk_thread_dead(uint32_t tid)
{
    return trk_sys3(SYS_tgkill, trk_eng.pid, tid, 0) == -ESRCH;
}

/* The state memory of a ring: mapped once per ring and process image. */
static struct trk_thread *state_memory(const struct trk_arena *a, uint32_t ring)
{
    struct trk_thread *st = __atomic_load_n(&a->threads[ring], __ATOMIC_ACQUIRE);
    if (st != NULL)
        return st;
    st = trk_map(trk_eng.thread_bytes);
    if (st == NULL)
        return NULL;
    if (trk_eng.wipes)
        trk_sys3(SYS_madvise, st, TRK_WIPE, MADV_WIPEONFORK);
    struct trk_thread *other = NULL;
    if (__atomic_compare_exchange_n(&a->threads[ring], &other, st, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        trk_own_add(st, trk_eng.thread_bytes, TRK_OWN_PRIVATE);
        return st;
    }
    trk_unmap(st, trk_eng.thread_bytes);
    return other;
}

/* A ring of this process whose thread is dead. */
static struct trk_thread *claim_dead(const struct trk_arena *a, uint32_t tid)
{
    for (uint32_t i = 0; i < a->ring_count; i++) {
        struct trk_thread *st = __atomic_load_n(&a->threads[i], __ATOMIC_ACQUIRE);
        if (st == NULL || trk_thread_ring(st) == NULL)
            continue;
        uint64_t owner = __atomic_load_n(&st->owner, __ATOMIC_ACQUIRE);
        uint32_t old = owner_tid(owner);
        /* Own id on a state that is not ours: a dead thread's id was given again. A retired one may really be ours. */
        if (old == 0 || (old == tid ? st->retired : !trk_thread_dead(old)))
            continue;
        if (__atomic_compare_exchange_n(&st->owner, &owner, owner_next(owner, tid), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return st;
    }
    return NULL;
}

/* Where a ring's data is, read once: what is checked is what is used. */
static bool ring_shape(const struct trk_arena *a, const struct trk_shm_ring *ring, uint64_t *ret_off,
                       uint32_t *ret_log2)
{
    uint64_t off = *ret_off = trk_load64(&ring->data_off);
    uint32_t log2 = *ret_log2 = trk_load32(&ring->log2_slots);
    uint64_t bytes = (uint64_t)TRK_SLOT_BYTES << (log2 & 63);
    return log2 >= TRK_RING_LOG2_MIN && log2 <= TRK_RING_LOG2_MAX && off >= a->data_off && bytes <= a->data_bytes &&
           off - a->data_off <= a->data_bytes - bytes && off % TRK_SLOT_BYTES == 0;
}

/* The largest free ring: the first threads of a program are mostly its busiest. */
static struct trk_shm_ring *claim_free(const struct trk_arena *a)
{
    for (;;) {
        struct trk_shm_ring *best = NULL;
        uint32_t best_log2 = 0;
        for (uint32_t i = 0; i < a->ring_count; i++) {
            struct trk_shm_ring *r = &a->rings[i];
            uint64_t off;
            uint32_t log2;
            if (trk_load32(&r->state) == TRK_RING_FREE && trk_load64(&r->tail) == 0 && ring_shape(a, r, &off, &log2) &&
                log2 > best_log2) {
                best = r;
                best_log2 = log2;
            }
        }
        if (best == NULL)
            return NULL;
        uint32_t expected = TRK_RING_FREE;
        if (__atomic_compare_exchange_n(&best->state, &expected, TRK_RING_OWNED, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return best;
    }
}

static uint8_t stack_want(const struct trk_arena *a, unsigned depth)
{
    if (trk_filter_on || trk_exact_time(a))
        return TRK_STACK;
    if (depth <= 1)
        return depth ? TRK_SITE : TRK_NO_STACK;
    return (uint8_t)(TRK_WHOLE + (depth < TRK_STACK_MAX_FRAMES ? depth : TRK_STACK_MAX_FRAMES));
}

static void set_wants(struct trk_thread *st, const struct trk_arena *a)
{
    for (unsigned d = 0; d < TRK_DEPTH_COUNT; d++)
        st->want[d] = stack_want(a, a->depth[d]);
}

static struct trk_thread *bind_fresh(const struct trk_arena *a, struct trk_shm_ring *ring, uint32_t tid)
{
    uint64_t data_off;
    uint32_t shift;
    if (!ring_shape(a, ring, &data_off, &shift))
        return NULL;
    struct trk_thread *st = state_memory(a, (uint32_t)(ring - a->rings));
    if (st == NULL) {
        __atomic_store_n(&ring->state, TRK_RING_FREE, __ATOMIC_RELEASE);
        return NULL;
    }
    uint64_t slots = (uint64_t)1 << shift;
    st->cursor = 0;
    st->tick = st->pending = st->holes = st->tail = st->extras = 0;
    st->heart = (struct trk_heart){ 0, 0 };
    st->mask = slots - 1;
    st->shift = shift;
    st->max_stack = 0;
    st->retired = st->gave_up = 0;
    st->delta = (a->base + data_off) - (char *)st;
    st->era = a->era;
    set_wants(st, a);
    st->calls = a->hooks != NULL ? a->hooks->calls[ring - a->rings] : NULL;
    st->limit = 0;
    __atomic_store_n(&st->owner, owner_next(st->owner, tid), __ATOMIC_RELEASE);
    __atomic_store_n(&st->ring, ring, __ATOMIC_RELEASE); /* partner: claim_dead of other threads */
    __atomic_store_n(&ring->proc, a->proc_index + 1, __ATOMIC_RELEASE);
    return st;
}

/* A new owner. Its first event finds no room, takes the slow path and writes THREAD before anything else. */
static void change_owner(struct trk_thread *st, struct trk_shm_ring *ring, uint32_t tid)
{
    __atomic_store_n(&st->limit, 0, __ATOMIC_RELAXED);
    st->due = 1;
    st->retired = st->gave_up = 0;
    __atomic_store_n(&ring->tid, tid, __ATOMIC_RELAXED);
}

/* Closes the holes in the last lap of a ring: a slot that nobody wrote keeps the content of the lap before, whose lap
 * bit is that of the lap after. */
static void close_holes(struct trk_thread *st, const struct trk_shm_ring *ring)
{
    uint64_t cursor = trk_cursor(st);
    uint64_t mask = trk_load64(&st->mask);
    uint64_t pos = cursor > mask ? cursor - mask - 1 : 0;
    for (; pos < cursor; pos++) {
        const struct trk_slot *slot =
            (const struct trk_slot *)(const void *)((char *)st + st->delta) + (pos & st->mask);
        uint64_t lap = ((pos >> st->shift) & 1) ^ 1;
        if ((__atomic_load_n(&slot->w0, __ATOMIC_RELAXED) & 1) != lap)
            trk_slot_write(st, pos, trk_w0(TRK_OP_SKIP, 0, 0, 0), 0);
    }
    st->holes = trk_load64(&ring->holes);
}

void trk_thread_exact(struct trk_thread *st, const struct trk_arena *a)
{
    set_wants(st, a);
    if (trk_tls.self == st)
        thread_set(st, a);
}

void trk_exact_due(struct trk_arena *a, bool hooked)
{
    uint32_t off = 0;
    if (!(a->flags & TRK_SHM_EXACT_HOOKED) || trk_exact_time(a))
        return;
    __atomic_store_n(hooked ? &a->hooked : &a->several, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&a->hooked, __ATOMIC_SEQ_CST) && __atomic_load_n(&a->several, __ATOMIC_SEQ_CST) &&
        __atomic_compare_exchange_n(&a->exact, &off, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        __atomic_fetch_add(&a->hdr->tick_us, 1, __ATOMIC_SEQ_CST); /* partner: every thread's copy, the recorder */
}

/* Has another thread of this process a ring, or had one? */
static bool has_others(const struct trk_arena *a, uint32_t tid)
{
    for (uint32_t i = 0; i < a->ring_count; i++) {
        const struct trk_thread *st = __atomic_load_n(&a->threads[i], __ATOMIC_ACQUIRE);
        if (st != NULL && trk_thread_ring(st) != NULL &&
            owner_tid(__atomic_load_n(&st->owner, __ATOMIC_ACQUIRE)) != tid)
            return true;
    }
    return false;
}

static struct trk_thread *acquire(struct trk_arena *a)
{
    uint32_t tid = (uint32_t)trk_sys0(SYS_gettid);
    if (trk_sys0(SYS_getpid) != trk_eng.pid)
        return NULL; /* between vfork and exec: the thread-local state is our parent's, who has none either */
    struct trk_thread *st = claim_dead(a, tid);
    if (st == NULL) {
        if (trk_load32(&a->hdr->recorder_state) != TRK_REC_RUNNING)
            return NULL;
        struct trk_shm_ring *ring = claim_free(a);
        st = ring == NULL ? NULL : bind_fresh(a, ring, tid);
        if (st == NULL)
            return NULL;
    }
    struct trk_shm_ring *ring = trk_thread_ring(st);
    if (ring == NULL)
        return NULL;
    if (trk_load64(&ring->holes) != st->holes)
        close_holes(st, ring);
    trk_thread_bounds(st);
    change_owner(st, ring, tid);
    if (a->flags & TRK_SHM_EXACT_HOOKED && has_others(a, tid))
        trk_exact_due(a, false);
    set_wants(st, a); /* of a dead thread, or as it was before exact times */
    /* Retired meanwhile: whatever was written to the state after it was emptied, nobody uses it. Partner:
     * trk_engine_retire, which sets the mark before it empties. */
    return __atomic_load_n(&a->over, __ATOMIC_SEQ_CST) ? NULL : st;
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
        struct trk_arena *a = trk_arena();
        uint64_t tick = trk_load64(trk_clock());
        if (TRK_UNLIKELY(trk_tls.era != a->era)) {
            trk_tls.era = a->era;
            thread_set(NULL, a);
            trk_tls.retry_tick = 0;
            trk_tls.scope_depth = 0; /* the scopes that are open belong to another recording */
            trk_tls.last_block = trk_tls.realloc_old = 0;
        }
        st = trk_tls.self;
        if (st != NULL && trk_thread_ring(st) == NULL)
            thread_set(st = NULL, a);
        if (st == NULL && (tick >= trk_tls.retry_tick || ++trk_tls.misses >= TRK_RETRY_EVENTS)) {
            st = acquire(a);
            trk_tls.retry_tick = st ? 0 : tick + TRK_RETRY_US;
            trk_tls.misses = 0;
            thread_set(st, a);
        }
        if (st == NULL)
            trk_engine_dropped();
    }
    trk_engine_leave(&cookie);
    return st;
}

/* The ring that this thread left before. */
static struct trk_thread *own_retired(const struct trk_arena *a, uint32_t tid)
{
    for (uint32_t i = 0; i < a->ring_count; i++) {
        struct trk_thread *st = __atomic_load_n(&a->threads[i], __ATOMIC_ACQUIRE);
        if (st != NULL && trk_thread_ring(st) != NULL &&
            owner_tid(__atomic_load_n(&st->owner, __ATOMIC_ACQUIRE)) == tid && st->retired)
            return st;
    }
    return NULL;
}

struct trk_thread *trk_thread_move(struct trk_thread *from)
{
    const struct trk_arena *a = trk_arena();
    uint32_t tid = (uint32_t)trk_sys0(SYS_gettid);
    struct trk_shm_ring *left = trk_thread_ring(from);
    struct trk_shm_ring *ring = NULL;
    if (left == NULL || from->era != a->era)
        return NULL;                             /* retired */
    struct trk_thread *st = own_retired(a, tid); /* two rings per thread are enough, however often it jumps */
    if (st == NULL) {
        ring = claim_free(a);
        st = ring == NULL ? NULL : bind_fresh(a, ring, tid);
    } else {
        ring = trk_thread_ring(st);
        if (ring != NULL)
            close_holes(st, ring);
    }
    if (st == NULL || ring == NULL) {
        close_holes(from, left);
        return NULL;
    }
    st->lo = from->lo;
    st->hi = from->hi;
    change_owner(st, ring, tid);
    from->retired = 1;
    __atomic_store_n(&left->waiting, 0, __ATOMIC_RELAXED); /* nobody does any more */
    thread_set(st, a);
    return st;
}

void trk_thread_wipe_all(void)
{
    const struct trk_arena *a = trk_arena();
    for (uint32_t i = 0; a->threads != NULL && i < TRK_RING_MAX; i++) {
        char *page = (char *)a->threads[i];
        for (size_t b = 0; page != NULL && b < TRK_WIPE; b++)
            page[b] = 0;
    }
}
