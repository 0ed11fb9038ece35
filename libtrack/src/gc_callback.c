/* gc_callback.c: what the program wants to be called around trk_gc_collect (gc.callbacks of Python), see track/gc.h.
 *
 * A table without locks: an entry belongs to whoever moves its order from FREE to BUSY, or from its number to BUSY.
 * Numbers are never given twice, so one that reads the same before and after says that the rest belongs to it. An entry
 * whose thread was killed in between stays BUSY, and is lost. Tables are of one copy of libtrack each, and live in a
 * forked child as they were. */
#define TRK_DISABLE
#include <track/track.h>

#include <errno.h>

#include "gc_callback.h"
#include "verb.h"

enum { FREE = 0, BUSY = 1, FIRST = 2 };

struct entry {
    uint64_t order; /* FREE, BUSY, or the number of its registration: atomic, partner: all functions here */
    trk_gc_callback call;
    void *ctx;
};
static struct entry entries[TRK_GC_CALLBACKS];
static uint64_t last_order = FIRST; /* atomic: given to nobody yet */
static __thread bool calling __attribute__((tls_model("initial-exec")));

static uint64_t read_entry(const struct entry *entry, struct trk_gc_callback_entry *ret)
{
    uint64_t order = __atomic_load_n(&entry->order, __ATOMIC_ACQUIRE);
    ret->call = __atomic_load_n(&entry->call, __ATOMIC_RELAXED);
    ret->ctx = __atomic_load_n(&entry->ctx, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return order == __atomic_load_n(&entry->order, __ATOMIC_RELAXED) ? order : BUSY;
}

/* The callback that was registered next behind `order`; FREE: there is none. */
static uint64_t next_entry(uint64_t order, struct trk_gc_callback_entry *ret)
{
    uint64_t next = FREE;
    for (unsigned i = 0; i < TRK_GC_CALLBACKS; i++) {
        struct trk_gc_callback_entry one;
        uint64_t its = read_entry(&entries[i], &one);
        if (its >= FIRST && its > order && (next == FREE || its < next)) {
            next = its;
            *ret = one;
        }
    }
    return next;
}

int verb_gc_add_callback(trk_gc_callback call, void *ctx) VERB(trk_gc_add_callback);
int verb_gc_add_callback(trk_gc_callback call, void *ctx)
{
    if (call == NULL)
        return TRK_INVALID;
    for (unsigned i = 0; i < TRK_GC_CALLBACKS; i++) {
        uint64_t order = FREE;
        if (!__atomic_compare_exchange_n(&entries[i].order, &order, BUSY, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            continue;
        __atomic_store_n(&entries[i].call, call, __ATOMIC_RELAXED);
        __atomic_store_n(&entries[i].ctx, ctx, __ATOMIC_RELAXED);
        __atomic_store_n(&entries[i].order, __atomic_add_fetch(&last_order, 1, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
        return TRK_YES;
    }
    return TRK_NO;
}

int verb_gc_remove_callback(trk_gc_callback call, void *ctx) VERB(trk_gc_remove_callback);
int verb_gc_remove_callback(trk_gc_callback call, void *ctx)
{
    struct trk_gc_callback_entry one;
    if (call == NULL)
        return TRK_INVALID;
    for (uint64_t order = next_entry(FREE, &one); order != FREE; order = next_entry(order, &one)) {
        for (unsigned i = 0; one.call == call && one.ctx == ctx && i < TRK_GC_CALLBACKS; i++) {
            uint64_t its = order;
            if (!__atomic_compare_exchange_n(&entries[i].order, &its, BUSY, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                continue;
            __atomic_store_n(&entries[i].order, FREE, __ATOMIC_RELEASE);
            return TRK_YES;
        }
    }
    return TRK_NO;
}

long verb_gc_callbacks(struct trk_gc_callback_entry *buffer, size_t room) VERB(trk_gc_callbacks);
long verb_gc_callbacks(struct trk_gc_callback_entry *buffer, size_t room)
{
    struct trk_gc_callback_entry one;
    long count = 0;
    for (uint64_t order = next_entry(FREE, &one); order != FREE; order = next_entry(order, &one)) {
        if (buffer != NULL && (size_t)count < room)
            buffer[count] = one;
        count++;
    }
    return count;
}

bool trk_gc_calling(void)
{
    return calling;
}

void trk_gc_call(enum trk_gc_phase phase, const struct trk_gc_info *info)
{
    struct trk_gc_callback_entry one;
    int kept = errno;
    calling = true;
    for (uint64_t order = next_entry(FREE, &one); order != FREE; order = next_entry(order, &one)) {
        const struct trk_gc_info told = *info; /* each gets its own: nothing that one writes there reaches another */
        one.call(phase, &told, one.ctx);
    }
    calling = false;
    errno = kept;
}
