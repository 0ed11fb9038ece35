/* text.c: interning of names, type definitions and module maps in the arena.
 *
 * Open addressing over text ids; an entry's head goes last (release), then its id enters the table by compare-exchange.
 * Two threads with the same new text may leave one unused copy behind. */
#include "engine.h"

enum { TRK_TEXT_PROBES = 64, TRK_TEXT_STRING_MAX = 1000 };

static uint32_t text_hash(const char *bytes, size_t size)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)bytes[i]) * 16777619u;
    return h ^ h >> 15;
}

static struct trk_shm_text *text_at(const struct trk_arena *a, uint32_t id, size_t size)
{
    uint64_t off = (uint64_t)id * TRK_TEXT_UNIT;
    if (off + sizeof(struct trk_shm_text) + size > a->text_bytes)
        return NULL;
    return (struct trk_shm_text *)(void *)(a->text + off);
}

static bool text_equal(const struct trk_arena *a, uint32_t id, uint64_t head, const char *bytes, size_t size)
{
    const struct trk_shm_text *t = text_at(a, id, size);
    if (t == NULL || __atomic_load_n(&t->head, __ATOMIC_ACQUIRE) != head)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (t->bytes[i] != bytes[i])
            return false;
    }
    return true;
}

static uint32_t text_store(const struct trk_arena *a, uint64_t head, const char *bytes, size_t size)
{
    uint64_t need = (sizeof(struct trk_shm_text) + size + TRK_TEXT_UNIT - 1) & ~(uint64_t)(TRK_TEXT_UNIT - 1);
    uint64_t used = __atomic_load_n(&a->hdr->text_used, __ATOMIC_RELAXED);
    do {
        if (used < TRK_TEXT_UNIT || used % TRK_TEXT_UNIT || used > a->text_bytes || need > a->text_bytes - used) {
            __atomic_fetch_add(&a->hdr->text_full, 1, __ATOMIC_RELAXED);
            return 0;
        }
    } while (!__atomic_compare_exchange_n(&a->hdr->text_used, &used, used + need, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    struct trk_shm_text *t = (struct trk_shm_text *)(void *)(a->text + used);
    trk_copy(t->bytes, bytes, size);
    __atomic_store_n(&t->head, head, __ATOMIC_RELEASE); /* partner: readers' acquire of head */
    return (uint32_t)(used / TRK_TEXT_UNIT);
}

uint32_t trk_text_put(enum trk_text_kind kind, const void *data, size_t size)
{
    const struct trk_arena *a = trk_arena();
    const char *bytes = data;
    if (a->hdr == NULL || size > TRK_TEXT_MAX)
        return 0;
    uint32_t hash = text_hash(bytes, size);
    uint64_t head = (uint64_t)hash << TRK_TEXT_HASH_SHIFT | (uint64_t)kind << TRK_TEXT_KIND_SHIFT | size;
    uint32_t fresh = 0;
    for (unsigned probe = 0; probe < TRK_TEXT_PROBES; probe++) {
        uint32_t *cell = &a->text_hash[(hash + probe) & (a->text_hash_count - 1)];
        uint32_t id = __atomic_load_n(cell, __ATOMIC_ACQUIRE);
        if (id == 0) {
            if (fresh == 0)
                fresh = text_store(a, head, bytes, size);
            if (fresh == 0)
                return 0;
            if (__atomic_compare_exchange_n(cell, &id, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return fresh;
        }
        if (text_equal(a, id, head, bytes, size))
            return id;
    }
    return fresh ? fresh : text_store(a, head, bytes, size);
}

uint32_t trk_text_string(const char *s)
{
    return s == NULL ? 0 : trk_text_put(TRK_TEXT_STRING, s, trk_strlen(s, TRK_TEXT_STRING_MAX));
}
