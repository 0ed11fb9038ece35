/* own.c: see own.h. The process keeps a private copy, which a forked child and a later recording begin with. An element
 * is reserved by its index and valid once its start is there. */
#include "own.h"

static struct trk_shm_own own;
static struct trk_shm_own *published; /* atomic */
uint64_t trk_own_custom_start, trk_own_custom_end;

static void put(struct trk_shm_own *table, uint32_t i, uint64_t start, uint64_t bytes)
{
    __atomic_store_n(&table->at[i].bytes, bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&table->at[i].start, start, __ATOMIC_SEQ_CST); /* partner: the recorder; trk_own_publish */
    uint32_t count = trk_load32(&table->count);
    while (count <= i &&
           !__atomic_compare_exchange_n(&table->count, &count, i + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        continue;
}

static bool known(uint64_t start, uint64_t bytes)
{
    uint32_t count = __atomic_load_n(&own.count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        if (__atomic_load_n(&own.at[i].start, __ATOMIC_ACQUIRE) == start && trk_load64(&own.at[i].bytes) == bytes)
            return true;
    }
    return false;
}

void trk_own_add(const void *start, size_t bytes, enum trk_own_kind kind)
{
    static uint32_t next; /* atomic; partner: other threads that add */
    uint64_t coded = (uint64_t)bytes | kind;
    if (known((uintptr_t)start, coded))
        return;
    uint32_t i = trk_load32(&next);
    do {
        if (i >= TRK_OWN_MAX) {
            struct trk_shm_own *full = __atomic_load_n(&published, __ATOMIC_SEQ_CST);
            __atomic_fetch_add(&own.lost, 1, __ATOMIC_RELAXED);
            if (full != NULL)
                __atomic_fetch_add(&full->lost, 1, __ATOMIC_RELAXED);
            return;
        }
    } while (!__atomic_compare_exchange_n(&next, &i, i + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    put(&own, i, (uintptr_t)start, coded);
    struct trk_shm_own *table = __atomic_load_n(&published, __ATOMIC_SEQ_CST);
    if (table != NULL)
        put(table, i, (uintptr_t)start, coded);
}

static void lower(uint64_t *at, uint64_t start)
{
    uint64_t was = trk_load64(at);
    while ((was == 0 || start < was) &&
           !__atomic_compare_exchange_n(at, &was, start, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        continue;
}

static void widen(uint64_t *at, uint64_t end)
{
    uint64_t was = trk_load64(at);
    while (end > was && !__atomic_compare_exchange_n(at, &was, end, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        continue;
}

void trk_own_custom_grow(uint64_t start, uint64_t end)
{
    lower(&trk_own_custom_start, start);
    widen(&trk_own_custom_end, end);
    struct trk_shm_own *table = __atomic_load_n(&published, __ATOMIC_SEQ_CST);
    if (table != NULL) {
        lower(&table->custom_start, start); /* partner: the recorder; trk_own_publish */
        widen(&table->custom_end, end);
    }
}

void *trk_own_map(size_t bytes)
{
    void *p = trk_map(bytes);
    if (p != NULL)
        trk_own_add(p, (bytes + 7) & ~(size_t)7, TRK_OWN_PRIVATE);
    return p;
}

/* Whoever adds writes the private table before it looks for the published one; here it is the other way round. So no
 * element is missed, and one that both write is written twice alike. */
void trk_own_publish(struct trk_shm_own *table)
{
    if (table != NULL) {
        uint32_t old = __atomic_exchange_n(&table->count, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&table->lost, trk_load32(&own.lost), __ATOMIC_RELAXED);
        for (uint32_t i = 0; i < old && i < TRK_OWN_MAX; i++)
            __atomic_store_n(&table->at[i].start, 0, __ATOMIC_RELAXED); /* of a process that had the entry before */
        __atomic_store_n(&table->custom_start, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&table->custom_end, 0, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&published, table, __ATOMIC_SEQ_CST);
    uint64_t start = __atomic_load_n(&trk_own_custom_start, __ATOMIC_SEQ_CST);
    if (table != NULL && start != 0)
        trk_own_custom_grow(start, __atomic_load_n(&trk_own_custom_end, __ATOMIC_SEQ_CST));
    uint32_t count = __atomic_load_n(&own.count, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        uint64_t begin = __atomic_load_n(&own.at[i].start, __ATOMIC_SEQ_CST);
        if (begin != 0)
            put(table, i, begin, trk_load64(&own.at[i].bytes));
    }
}
