/* type.c: ids of types, given on first use. The definition is published before the id, so a reader that meets the id in
 * an event finds it. */
#define TRK_DISABLE
#include <track/track.h>

#include "engine.h"

enum { TRK_TYPE_NAME_MAX = 255 };

static uint32_t type_take_id(const struct trk_arena *a)
{
    uint32_t *next = &a->hdr->type_next;
    uint32_t last = __atomic_load_n(next, __ATOMIC_RELAXED);
    do {
        if (last >= TRK_TYPE_MAX - 1)
            return 0;
    } while (!__atomic_compare_exchange_n(next, &last, last + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return last + 1;
}

static uint32_t type_define(const struct trk_type *type, uint32_t id)
{
    struct {
        struct trk_type_def def;
        char name[TRK_TYPE_NAME_MAX];
    } t;
    const char *name = type->name ? type->name : "?";
    t.def = (struct trk_type_def){
        .id = id,
        .flags = type->flags,
        .object_size = type->size,
        .obj_offset = (int64_t)type->offset,
        .count_offset = type->count_width ? type->count_offset : TRK_NO_COUNT,
        .count_width = type->count_width,
        .name_len = (uint32_t)trk_strlen(name, TRK_TYPE_NAME_MAX),
        .count_shift = type->count_shift,
        .count_bits = type->count_bits,
        .count_bias = type->count_bias,
    };
    trk_copy(t.name, name, t.def.name_len);
    return trk_text_put(TRK_TEXT_TYPE, &t, sizeof t.def + t.def.name_len);
}

uint32_t trk_type_id(struct trk_type *type)
{
    const struct trk_arena *a = trk_arena();
    if (type == NULL || type->struct_size < sizeof(struct trk_type) || a->hdr == NULL)
        return 0;
    /* The word holds the era, too: what another arena knew is not known in this one. */
    uint32_t tag = trk_type_tag(a);
    uint32_t id = __atomic_load_n(&type->id, __ATOMIC_ACQUIRE);
    if (TRK_LIKELY(id != 0 && (id ^ tag) < TRK_TYPE_MAX))
        return id ^ tag;
    uint32_t fresh = type_take_id(a);
    if (fresh == 0)
        return 0;
    uint32_t text = type_define(type, fresh);
    __atomic_store_n(&a->types[fresh], text, __ATOMIC_RELEASE); /* partner: the recorder's look at the table */
    if (__atomic_compare_exchange_n(&type->id, &id, fresh | tag, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fresh;
    __atomic_store_n(&a->types[fresh], 0, __ATOMIC_RELEASE); /* another thread was first: this id stays unused */
    return (id ^ tag) < TRK_TYPE_MAX ? id ^ tag : 0;
}
