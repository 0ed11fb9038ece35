/* find.c: looking things up in a finished heap: by address, by name. Spans of memory are sorted once; nested ones know
 * what contains them, so that the innermost is found by one search and a short climb. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

struct span {
    uint64_t start, end;
    uint32_t id;
    uint32_t around; /* index + 1 of the span that contains it */
};

static int by_start(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Sorts and links. The stack of open spans is kept in the links themselves. */
static void nest(struct span *spans, size_t count)
{
    if (count > 0)
        qsort(spans, count, sizeof *spans, by_start);
    for (size_t i = 0; i < count; i++) {
        size_t around = i;
        while (around > 0 && spans[around - 1].end <= spans[i].start)
            around = spans[around - 1].around;
        spans[i].around = (uint32_t)around;
    }
}

static bool make_spans(struct prof_heap *h)
{
    if (h->spans_made)
        return true;
    h->obj_spans = calloc((size_t)h->objs.live + 1, sizeof *h->obj_spans);
    h->block_spans = calloc((size_t)h->blocks.live + 1, sizeof *h->block_spans);
    if (h->obj_spans == NULL || h->block_spans == NULL) {
        free(h->obj_spans);
        free(h->block_spans);
        h->obj_spans = h->block_spans = NULL;
        return false;
    }
    for (uint32_t id = 1; id < h->objs.max; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        if (obj_alive(obj))
            h->obj_spans[h->obj_span_count++] =
                (struct span){ obj->start, obj->start + (obj->size != 0 ? obj->size : 1), id, 0 };
    }
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) != 0)
            h->block_spans[h->block_span_count++] =
                (struct span){ b->addr, b->addr + (b->size != 0 ? b->size : 1), id, 0 };
    }
    nest(h->obj_spans, h->obj_span_count);
    nest(h->block_spans, h->block_span_count);
    h->spans_made = true;
    return true;
}

static uint32_t innermost(const struct span *spans, size_t count, uint64_t addr)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (spans[mid].start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    while (low > 0 && spans[low - 1].end <= addr)
        low = spans[low - 1].around;
    return low > 0 ? spans[low - 1].id : 0;
}

prof_obj_id prof_heap_obj_at(struct prof_heap *h, uint64_t addr)
{
    return make_spans(h) ? innermost(h->obj_spans, h->obj_span_count, addr) : 0;
}

prof_block_id prof_heap_block_at(struct prof_heap *h, uint64_t addr)
{
    return make_spans(h) ? innermost(h->block_spans, h->block_span_count, addr) : 0;
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
    free(h->obj_spans);
    free(h->block_spans);
    h->obj_spans = h->block_spans = NULL;
    h->obj_span_count = h->block_span_count = 0;
    h->spans_made = false;
}
