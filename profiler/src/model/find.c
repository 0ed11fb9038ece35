/* find.c: looking things up in a finished heap: by address, by name. Spans of memory are sorted once; nested ones know
 * what contains them, so that the innermost is found by one search and a short climb. The search begins in a sixteenth
 * of the starts, which stays in the cache where the spans of millions of blocks do not. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include <base/large.h>
#include <base/radix.h>

enum { EVERY = 16 };

struct span {
    uint64_t start;
    uint32_t id;
    uint32_t around; /* index + 1 of the span that contains it */
};

static uint64_t end_at(uint64_t start, uint64_t size)
{
    return start + (size != 0 ? size : 1);
}

static uint64_t obj_end(const struct prof_heap *h, uint32_t id)
{
    const struct prof_obj *obj = obj_of(h, id);
    return end_at(obj->start, obj->size);
}

static uint64_t block_end(const struct prof_heap *h, uint32_t id)
{
    const struct prof_block *b = block_of(h, id);
    return end_at(b->addr, b->size);
}

struct by_end {
    const struct prof_heap *h;
    uint64_t (*end_of)(const struct prof_heap *h, uint32_t id);
};

/* Those with one start: what contains the others comes first. */
static int longest_first(const void *a, const void *b, void *ctx)
{
    const struct span *x = a, *y = b;
    const struct by_end *by = ctx;
    uint64_t left = by->end_of(by->h, x->id), right = by->end_of(by->h, y->id);
    if (left != right)
        return left > right ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Sorts and links. The stack of open spans is kept in the links themselves. */
static bool nest(const struct prof_heap *h, struct span *spans, size_t count,
                 uint64_t (*end_of)(const struct prof_heap *h, uint32_t id))
{
    struct by_end by = { h, end_of };

    if (!prof_radix_sort(spans, count, sizeof *spans))
        return false;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && spans[next].start == spans[i].start;)
            next++;
        if (next - i > 1)
            qsort_r(spans + i, next - i, sizeof *spans, longest_first, &by);
    }
    for (size_t i = 0; i < count; i++) {
        size_t around = i;
        while (around > 0 && end_of(h, spans[around - 1].id) <= spans[i].start)
            around = spans[around - 1].around;
        spans[i].around = (uint32_t)around;
    }
    return true;
}

static bool room_for(struct spans *spans, size_t count)
{
    spans->items = prof_large_malloc(count + 1, sizeof *spans->items);
    spans->every = malloc((count / EVERY + 1) * sizeof *spans->every);
    return spans->items != NULL && spans->every != NULL;
}

static bool finish(const struct prof_heap *h, struct spans *spans,
                   uint64_t (*end_of)(const struct prof_heap *h, uint32_t id))
{
    if (!nest(h, spans->items, spans->count, end_of))
        return false;
    for (size_t i = 0; i < spans->count; i += EVERY)
        spans->every[i / EVERY] = spans->items[i].start;
    return true;
}

static bool make_spans(struct prof_heap *h)
{
    struct spans *objs = &h->obj_spans, *blocks = &h->block_spans;

    if (h->spans_made)
        return true;
    if (!room_for(objs, h->objs.live) || !room_for(blocks, h->blocks.live)) {
        find_forget(h);
        return false;
    }
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (obj_alive(obj))
            objs->items[objs->count++] = (struct span){ .start = obj->start, .id = id };
    }
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) != 0)
            blocks->items[blocks->count++] = (struct span){ .start = b->addr, .id = id };
    }
    if (!finish(h, objs, obj_end) || !finish(h, blocks, block_end)) {
        find_forget(h);
        return false;
    }
    h->spans_made = true;
    return true;
}

/* How many of the starts, ascending, are not above addr. Without branches: which way it goes cannot be foreseen. */
static size_t not_above(const uint64_t *starts, size_t count, uint64_t addr)
{
    size_t low = 0;

    for (; count > 1; count -= count / 2)
        low += starts[low + count / 2] <= addr ? count / 2 : 0;
    return low + (count == 1 && starts[low] <= addr);
}

static uint32_t innermost(const struct prof_heap *h, const struct spans *spans,
                          uint64_t (*end_of)(const struct prof_heap *h, uint32_t id), uint64_t addr)
{
    size_t part = not_above(spans->every, (spans->count + EVERY - 1) / EVERY, addr) * EVERY;
    if (part == 0)
        return 0;
    size_t low = part - EVERY + 1, high = part < spans->count ? part : spans->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (spans->items[mid].start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    while (low > 0 && end_of(h, spans->items[low - 1].id) <= addr)
        low = spans->items[low - 1].around;
    return low > 0 ? spans->items[low - 1].id : 0;
}

prof_obj_id prof_heap_obj_at(struct prof_heap *h, uint64_t addr)
{
    return make_spans(h) ? innermost(h, &h->obj_spans, obj_end, addr) : 0;
}

prof_block_id prof_heap_block_at(struct prof_heap *h, uint64_t addr)
{
    const struct addr_entry *entry = h->custom_blocks == 0 ? addr_find(&h->addrs, addr) : NULL;
    if (entry != NULL && entry->block != 0 && (block_of(h, entry->block)->flags & PROF_BLOCK_ALIVE) != 0)
        return entry->block; // nothing smaller begins there: often asked, and spared the making of spans
    return make_spans(h) ? innermost(h, &h->block_spans, block_end, addr) : 0;
}

prof_obj_id prof_heap_obj_by_addr(struct prof_heap *h, uint64_t addr)
{
    const struct addr_entry *entry = addr_find(&h->addrs, addr);
    if (addr != 0 && entry != NULL && entry->obj != 0)
        return entry->obj;
    prof_obj_id best = 0;
    for (size_t i = 0; i < h->incidents.count; i++) {
        prof_obj_id id = h->incidents.items[i].obj;
        if (id != 0 && obj_of(h, id)->addr == addr && (best == 0 || obj_of(h, id)->born_us >= obj_of(h, best)->born_us))
            best = id;
    }
    return best;
}

prof_obj_id prof_heap_obj_by_name(struct prof_heap *h, const char *type, uint32_t serial)
{
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (obj->state != PROF_OBJ_NONE && obj->serial == serial && strcmp(h->types[obj->type].pub.name, type) == 0)
            return id;
    }
    return 0;
}

void find_forget(struct prof_heap *h)
{
    struct spans *all[] = { &h->obj_spans, &h->block_spans };

    for (size_t i = 0; i < 2; i++) {
        free(all[i]->items);
        free(all[i]->every);
        *all[i] = (struct spans){ 0 };
    }
    h->spans_made = false;
}
