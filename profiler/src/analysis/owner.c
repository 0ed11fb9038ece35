/* owner.c: the slot of a reference to its owner: field of an object, global, local variable, freed memory. */
#include "hold.h"

#include <prof/block.h>

#include <stdio.h>
#include <string.h>

/* "buckets[17].val" -> "buckets[].val": elements of one array are one place. In place. */
static void fold_indices(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        *to++ = *from;
        if (*from == '[') {
            const char *close = strchr(from, ']');
            if (close != NULL)
                from = close - 1;
        }
    }
    *to = '\0';
}

static const char *field_text(struct analysis *a, prof_type_id type, uint64_t offset)
{
    const struct prof_type *of = prof_heap_type(a->heap, type);
    uint64_t key = map_mix(type, offset);
    uint32_t index = map_get(&a->field_of, key);
    char buf[256];

    if (index != UINT32_MAX)
        return a->fields.items[index];
    if (prof_symbols_field_sized(a->symbols, of->name, of->object_size, offset, buf, sizeof buf))
        fold_indices(buf);
    else
        snprintf(buf, sizeof buf, "%+lld", (long long)offset); /* a private part may stand before its object */
    const char *text = prof_arena_strdup(a->arena, buf);
    if (text == NULL || !prof_vec_push(&a->fields, text) || !map_put(&a->field_of, key, (uint32_t)a->fields.count - 1))
        return NULL;
    return text;
}

bool owner_object(struct analysis *a, prof_obj_id id, uint64_t at, struct owner *ret)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);

    *ret = (struct owner){ .kind = OWNER_OBJECT, .obj = id, .type = prof_heap_type(a->heap, obj->type)->name };
    if (at == 0)
        return true;
    ret->field = field_text(a, obj->type, at - obj->start);
    return ret->field != NULL;
}

/* The memory around the slot is gone; perhaps it is known whose it was. */
static bool own_by_dead(struct analysis *a, const struct prof_open *open, struct owner *ret)
{
    struct prof_gone_holder gone;

    *ret = (struct owner){ .kind = OWNER_FREED, .text = "freed memory" };
    if (!prof_heap_gone_holder(a->heap, open, &gone))
        return true;
    ret->type = prof_heap_type(a->heap, gone.type)->name;
    ret->serial = gone.serial;
    if (open->kind == PROF_OPEN_HOLDER)
        return true;
    ret->field = field_text(a, gone.type, gone.offset);
    return ret->field != NULL;
}

bool owner_block(struct analysis *a, prof_block_id id, struct owner *ret)
{
    struct prof_block_type type;
    const struct prof_block *block = prof_heap_block(a->heap, id);
    bool typed = prof_block_type(a->heap, a->symbols, id, &type);
    uint32_t site = site_of(a, block->stack);
    if (site == UINT32_MAX)
        return false;
    // Blocks of one type from one site are called the same, how many elements they may have.
    uint64_t key = typed ? map_mix((uint64_t)(uintptr_t)type.name ^ type.array, site) : site;
    uint32_t index = map_get(&a->text_of_block_site, key);
    if (index == UINT32_MAX) {
        char buf[512];
        const char *text =
            prof_arena_strdup(a->arena, typed ? prof_block_type_text(buf, sizeof buf, &type, 0)
                                              : prof_block_text(buf, sizeof buf, a->heap, a->symbols, id));
        index = (uint32_t)a->block_texts.count;
        if (text == NULL || !prof_vec_push(&a->block_texts, text) || !map_put(&a->text_of_block_site, key, index))
            return false;
    }
    *ret = (struct owner){ .kind = OWNER_BLOCK, .block = id, .text = a->block_texts.items[index] };
    return true;
}

bool owner_block_field(struct analysis *a, prof_block_id id, uint64_t offset, const char **ret)
{
    struct prof_block_type type;
    char buf[256];

    *ret = NULL;
    if (!prof_block_type(a->heap, a->symbols, id, &type) || type.layout == NULL ||
        !prof_layout_field(type.layout, offset, buf, sizeof buf))
        return true;
    fold_indices(buf);
    *ret = prof_arena_strdup(a->arena, buf);
    return *ret != NULL;
}

const char *owner_region(struct analysis *a, uint64_t slot)
{
    const struct prof_root_region *roots;
    size_t count = prof_heap_roots(a->heap, &roots);

    for (size_t i = 0; i < count; i++) {
        if (slot >= roots[i].start && slot - roots[i].start < roots[i].size)
            return roots[i].name != NULL ? roots[i].name : "";
    }
    return NULL;
}

const char *owner_global(struct analysis *a, const struct prof_place *place)
{
    if (place->name == NULL) {
        const char *slash = place->module != NULL ? strrchr(place->module, '/') : NULL;
        const char *module = slash != NULL ? slash + 1 : place->module != NULL ? place->module : "?";
        return prof_arena_printf(a->arena, "global in %s+0x%llx", module, (unsigned long long)place->offset);
    }
    // Elements of a global array are one place.
    return prof_arena_printf(a->arena, "global %s", place->name);
}

/* Memory of malloc comes in windows of 64 MiB outside of [heap]: an arena fills its window, so that no thread's stack
 * lies in one where blocks do. */
static bool near_blocks(struct analysis *a, uint64_t addr)
{
    enum { WINDOW_SHIFT = 26 };

    if (!a->windows_known) {
        for (prof_block_id id = 1; id < prof_heap_block_max(a->heap); id++) {
            const struct prof_block *block = prof_heap_block(a->heap, id);
            if ((block->flags & PROF_BLOCK_ALIVE) == 0 || block->kind == TRK_ALLOC_MMAP)
                continue;
            if (map_get(&a->windows, block->addr >> WINDOW_SHIFT) == UINT32_MAX &&
                !map_put(&a->windows, block->addr >> WINDOW_SHIFT, 0))
                return true; // the weaker claim
        }
        a->windows_known = true;
    }
    return map_get(&a->windows, addr >> WINDOW_SHIFT) != UINT32_MAX;
}

/* A local variable is named after the function that put the reference there, when its stack was recorded. */
static const char *local_text(struct analysis *a, uint32_t site, const char *where)
{
    const struct site *at = &a->sites.items[site];
    if (at->stack == 0)
        return prof_arena_printf(a->arena, "local variable%s", where);
    return prof_arena_printf(a->arena, "local variable of %s()%s", at->name, where);
}

/* Neither in an object nor in a block. Local variables are named after the function that put the reference there. */
static bool own_by_place(struct analysis *a, const struct prof_open *open, struct owner *ret)
{
    uint32_t site = site_of(a, open->moved_stack != 0 ? open->moved_stack : open->stack);
    if (site == UINT32_MAX)
        return false;
    uint64_t key = map_mix(open->slot, map_mix(site, open->tid));
    uint32_t index = map_get(&a->place_of_slot, key);
    if (index != UINT32_MAX) {
        *ret = a->places.items[index];
        return true;
    }

    struct owner owner = { 0 };
    struct prof_place place = { 0 };
    const char *region = owner_region(a, open->slot);
    if (region != NULL) {
        owner.kind = OWNER_REGION;
        owner.text = prof_arena_printf(a->arena, "root region %s", region);
    } else {
        prof_symbols_place(a->symbols, open->at_us, open->slot, &place);
        switch (place.kind) {
        case PROF_PLACE_GLOBAL:
            owner.kind = OWNER_GLOBAL;
            owner.text = owner_global(a, &place);
            break;
        case PROF_PLACE_STACK:
            owner.kind = OWNER_STACK;
            owner.text = local_text(a, site, "");
            break;
        case PROF_PLACE_HEAP:
            owner.kind = OWNER_HEAP;
            owner.text = "heap memory that was not recorded";
            break;
        default:
            // Allocator events name all malloc memory; what is left of other threads is their stacks and
            // thread-locals. Who moved a reference is not known, only where.
            if ((open->tid != a->main_tid || open->moved_stack != 0) && a->malloc_seen && !near_blocks(a, open->slot)) {
                owner.kind = OWNER_THREAD;
                owner.text = local_text(a, site, " in a thread");
            } else {
                owner.kind = OWNER_UNKNOWN;
                owner.text = "memory that was not recorded";
            }
        }
    }
    if (owner.text == NULL || !prof_vec_push(&a->places, owner) ||
        !map_put(&a->place_of_slot, key, (uint32_t)a->places.count - 1))
        return false;
    *ret = owner;
    return true;
}

void owner_memory(struct analysis *a, uint64_t slot, prof_obj_id *ret_obj, prof_block_id *ret_block)
{
    *ret_obj = prof_heap_obj_at(a->heap, slot);
    *ret_block = *ret_obj == 0 ? prof_heap_block_at(a->heap, slot) : 0;
    if (*ret_block == 0)
        return;
    const struct prof_block *block = prof_heap_block(a->heap, *ret_block);
    // A type may be declared smaller than its block (a base at the front): the block's object is the holder.
    if (block->flags & PROF_BLOCK_HAS_OBJECT)
        *ret_obj = block->first_obj;
    // A mapping is no holder: it may be a stack, an arena, anything.
    if (block->kind == TRK_ALLOC_MMAP)
        *ret_block = 0;
}

/* Memory says that the slot points elsewhere. Fields of objects and globals are named. */
static bool own_by_stale(struct analysis *a, const struct prof_open *open, bool named, struct owner *ret)
{
    static const char elsewhere[] = "which points elsewhere by now";
    struct owner stale = { .kind = OWNER_STALE, .text = "a slot that points elsewhere by now" }, place;
    uint64_t key = map_mix(open->slot, map_mix(open->obj, OWNER_STALE));
    uint32_t index = named ? map_get(&a->place_of_slot, key) : UINT32_MAX;
    prof_obj_id obj;
    prof_block_id block;

    *ret = index != UINT32_MAX ? a->places.items[index] : stale;
    if (!named || index != UINT32_MAX)
        return true;
    owner_memory(a, open->slot, &obj, &block);
    if (obj != 0 ? !owner_object(a, obj, open->slot, &place) : block == 0 && !own_by_place(a, open, &place))
        return false;
    if (obj != 0)
        stale.text = prof_arena_printf(a->arena, "%s.%s, %s", place.type, place.field, elsewhere);
    else if (block == 0 && place.kind == OWNER_GLOBAL)
        stale.text = prof_arena_printf(a->arena, "%s, %s", place.text, elsewhere);
    *ret = stale;
    return stale.text != NULL && prof_vec_push(&a->places, stale) &&
           map_put(&a->place_of_slot, key, (uint32_t)a->places.count - 1);
}

static bool own(struct analysis *a, const struct prof_open *open, bool named, struct owner *ret)
{
    static const struct owner overwritten = { .kind = OWNER_OVERWRITTEN, .text = "a slot that was overwritten" };
    struct owner owner = { 0 };
    prof_obj_id holder;
    prof_block_id block;

    if (open->kind == PROF_OPEN_BIRTH) {
        *ret = (struct owner){ .kind = OWNER_NOBODY };
        return true;
    }
    if (open->flags & PROF_OPEN_HOLDER_FREED) {
        return own_by_dead(a, open, ret);
    }
    if (prof_open_doubled(open)) {
        *ret = (struct owner){ .kind = OWNER_STALE, .text = "a slot that owns a later reference to it by now" };
        return true;
    }
    if (hold_is_stale(a->hold, open))
        return own_by_stale(a, open, named, ret);
    owner_memory(a, open->slot, &holder, &block);
    if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0 && (holder != 0 || block != 0)) {
        *ret = overwritten;
        return true;
    }
    uint64_t at = named && open->kind != PROF_OPEN_HOLDER ? open->slot : 0;
    if (block != 0 && holder == 0 && !named)
        owner = (struct owner){ .kind = OWNER_BLOCK, .block = block };
    else if (holder != 0  ? !owner_object(a, holder, at, &owner)
             : block != 0 ? !owner_block(a, block, &owner)
                          : !own_by_place(a, open, &owner))
        return false;
    // A local variable is overwritten by every later call, which says nothing of the code that had it: all that matters
    // is that it owns nothing any more. At the end no frame does.
    bool local = owner.kind == OWNER_STACK || owner.kind == OWNER_THREAD;
    if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0 && !local)
        owner = overwritten;
    else if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0 && !a->ended)
        owner.kind = OWNER_STALE;
    *ret = owner;
    return true;
}

bool owner_of(struct analysis *a, const struct prof_open *open, struct owner *ret)
{
    return own(a, open, true, ret);
}

bool owner_unnamed(struct analysis *a, const struct prof_open *open, struct owner *ret)
{
    return own(a, open, false, ret);
}

bool owner_is_root(const struct analysis *a, const struct owner *owner)
{
    switch (owner->kind) {
    case OWNER_GLOBAL:
    case OWNER_REGION:
        return true;
    case OWNER_STACK: // frames are gone when the program has ended, in use when it has not
    case OWNER_THREAD:
        return !a->ended;
    default:
        return false;
    }
}
