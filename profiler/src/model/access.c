/* access.c: what prof/heap.h lets its users read. */
#include "state.h"

static const struct prof_context no_context = { "", 0 };

struct prof_trace *prof_heap_trace(const struct prof_heap *h)
{
    return h->trace;
}

const struct prof_heap_totals *prof_heap_totals(const struct prof_heap *h)
{
    return &h->totals;
}

/* Pools without any record still have the unused id 0. */
uint32_t prof_heap_obj_max(const struct prof_heap *h)
{
    return h->objs.max != 0 ? h->objs.max : 1;
}

uint32_t prof_heap_block_max(const struct prof_heap *h)
{
    return h->blocks.max != 0 ? h->blocks.max : 1;
}

const struct prof_obj *prof_heap_obj(const struct prof_heap *h, prof_obj_id id)
{
    static const struct prof_obj none;
    return id < h->objs.max ? obj_of(h, id) : &none;
}

const struct prof_block *prof_heap_block(const struct prof_heap *h, prof_block_id id)
{
    static const struct prof_block none;
    return id < h->blocks.max ? block_of(h, id) : &none;
}

uint32_t prof_heap_type_max(const struct prof_heap *h)
{
    return h->type_max;
}

const struct prof_type *prof_heap_type(const struct prof_heap *h, prof_type_id id)
{
    return &h->types[id < h->type_max ? id : 0].pub;
}

const struct prof_open *prof_heap_open(const struct prof_heap *h, uint32_t index)
{
    return index < h->opens.max ? open_of(h, index) : NULL;
}

const struct prof_site_count *prof_heap_site_count(const struct prof_heap *h, uint32_t index)
{
    return index < h->sites.max ? site_of(h, index) : NULL;
}

const struct prof_stack_stat *prof_heap_stack_stat(const struct prof_heap *h, uint32_t stack)
{
    if (stack >= h->stat_index.count || h->stat_index.items[stack] == 0)
        return NULL;
    return &h->stats.items[h->stat_index.items[stack] - 1].pub;
}

void prof_heap_stack_each(const struct prof_heap *h,
                          void (*each)(void *ctx, uint32_t stack, const struct prof_stack_stat *stat), void *ctx)
{
    for (size_t i = 0; i < h->stats.count; i++)
        each(ctx, h->stats.items[i].stack, &h->stats.items[i].pub);
}

size_t prof_heap_type_sites(const struct prof_heap *h, const struct prof_type_site **ret)
{
    *ret = h->type_sites.items;
    return h->type_sites.count;
}

size_t prof_heap_type_pairs(const struct prof_heap *h, const struct prof_type_pair **ret)
{
    *ret = h->type_pairs.items;
    return h->type_pairs.count;
}

size_t prof_heap_incidents(const struct prof_heap *h, const struct prof_incident **ret)
{
    *ret = h->incidents.items;
    return h->incidents.count;
}

size_t prof_heap_marks(const struct prof_heap *h, const struct prof_mark **ret)
{
    *ret = h->marks.items;
    return h->marks.count;
}

size_t prof_heap_mem(const struct prof_heap *h, const struct trk_mem **ret)
{
    *ret = h->mem.items;
    return h->mem.count;
}

size_t prof_heap_mem_live(const struct prof_heap *h, const struct prof_mem_live **ret)
{
    *ret = h->mem_live.items;
    return h->mem_live.count;
}

bool prof_heap_named_before(const struct prof_heap *h, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(h, id);
    return obj->state != PROF_OBJ_NONE && obj->serial < h->types[obj->type].restored_serial;
}

size_t prof_heap_scopes(const struct prof_heap *h, const struct prof_scope **ret)
{
    *ret = h->scopes.items;
    return h->scopes.count;
}

const struct prof_context *prof_heap_context(const struct prof_heap *h, uint32_t index)
{
    if (index == 0 || index >= h->contexts.count || h->contexts.items[index].pub.key == NULL)
        return &no_context;
    return &h->contexts.items[index].pub;
}

size_t prof_heap_roots(const struct prof_heap *h, const struct prof_root_region **ret)
{
    *ret = h->roots.items;
    return h->roots.count;
}
