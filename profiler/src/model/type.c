/* type.c: what the model knows of the types: their definitions, as the trace learns them, with the totals of each. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include <track/track.h>

/* Definitions are taken once: what an object was made by does not change. */
static void learn(struct prof_heap *h, uint32_t id)
{
    struct type_state *type = &h->types[id];
    const char *name = NULL;
    const struct trk_type_def *def = prof_trace_type(h->trace, id, &name);
    if (def == NULL)
        return;
    type->defined = true;
    type->pub.name = name;
    type->pub.flags = def->flags;
    type->in_place = (def->flags & TRK_TYPE_INLINE) != 0;
    /* Sizes and offsets beyond any address space would make extents wrap. */
    type->pub.object_size = def->object_size < (uint64_t)1 << TRK_ARG_BITS ? def->object_size : 0;
    int64_t limit = (int64_t)1 << 30;
    type->offset = def->obj_offset > -limit && def->obj_offset < limit ? def->obj_offset : 0;
    type->pub.has_count = def->count_offset != UINT32_MAX && def->count_width != 0;
}

bool types_cover(struct prof_heap *h, uint32_t max)
{
    if (max <= h->type_max)
        return true;
    struct type_state *types = reallocarray(h->types, max, sizeof *types);
    if (types == NULL)
        return false;
    memset(types + h->type_max, 0, (max - h->type_max) * sizeof *types);
    h->types = types;
    for (uint32_t id = h->type_max; id < max; id++) {
        types[id].next_serial = 1;
        types[id].pub.name = "(unknown type)";
    }
    uint32_t from = h->type_max;
    h->type_max = max;
    for (uint32_t id = from; id < max; id++)
        learn(h, id);
    return true;
}

prof_type_id type_cited(struct prof_heap *h, uint64_t id)
{
    if (id >= h->type_max)
        return 0;
    if (!h->types[id].defined)
        learn(h, (uint32_t)id);
    return (prof_type_id)id;
}
