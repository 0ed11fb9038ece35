/* opens.c: open references and the index of their slots.
 *
 * Each open reference is in the list of its object and in one of three indexes, chained through chain_next/chain_prev:
 *   by slot    chains by 64-byte granule of the slot's address, so that the death of a block finds what it owned
 *   aside      chains by (object, slot): spoiled references, and older ones of an object that is twice in one slot.
 * They can still be given back, but must not lengthen the chain of a slot that a leak fills over and over by holder  a
 * keyed table of granules for TRK_HOLDER references, whose chains may be long Counters per page say quickly that a
 * dying block owned nothing. */
#include "state.h"

#include <string.h>

enum { GRANULE_SHIFT = 6, PAGE_SHIFT = 12, FIRST_HEADS = 1 << 10 };

static uint64_t granule_of(uint64_t slot)
{
    return slot >> GRANULE_SHIFT;
}

static size_t slot_bucket(const struct prof_heap *h, uint64_t slot)
{
    return mix64(granule_of(slot)) & h->slot_mask;
}

static size_t aside_bucket(const struct prof_heap *h, prof_obj_id id, uint64_t slot)
{
    return mix64(slot ^ mix64(id)) & h->aside_mask;
}

static size_t page_of(uint64_t slot)
{
    return mix64(slot >> PAGE_SHIFT) % SLOT_PAGES;
}

void open_prefetch_head(const struct prof_heap *h, uint64_t slot)
{
    if (h->slot_heads != NULL)
        __builtin_prefetch(&h->slot_heads[slot_bucket(h, slot)]);
}

void open_prefetch(const struct prof_heap *h, uint64_t slot)
{
    if (h->slot_heads != NULL) {
        uint32_t first = h->slot_heads[slot_bucket(h, slot)];
        if (first != 0)
            __builtin_prefetch(open_of(h, first));
    }
}

/* ---- Chains ---- */

static void chain_push(struct prof_heap *h, uint32_t *head, uint32_t index)
{
    struct prof_open *open = open_of(h, index);
    open->chain_prev = 0;
    open->chain_next = *head;
    if (*head != 0)
        open_of(h, *head)->chain_prev = index;
    *head = index;
}

static void chain_drop(struct prof_heap *h, uint32_t *head, uint32_t index)
{
    struct prof_open *open = open_of(h, index);
    if (open->chain_prev != 0)
        open_of(h, open->chain_prev)->chain_next = open->chain_next;
    else
        *head = open->chain_next;
    if (open->chain_next != 0)
        open_of(h, open->chain_next)->chain_prev = open->chain_prev;
    open->chain_next = open->chain_prev = 0;
}

/* Twice as many heads. Chains are moved from their ends so that the newest stays first. */
static bool grow_heads(struct prof_heap *h, uint32_t **heads, size_t *mask, bool aside)
{
    size_t old_count = *heads != NULL ? *mask + 1 : 0;
    size_t count = old_count == 0 ? FIRST_HEADS : old_count * 2;
    uint32_t *old = *heads;
    uint32_t *fresh = calloc(count, sizeof *fresh);
    if (fresh == NULL)
        return old != NULL; /* longer chains, then */
    *heads = fresh;
    *mask = count - 1;
    for (size_t i = 0; i < old_count; i++) {
        uint32_t last = 0;
        for (uint32_t at = old[i]; at != 0; at = open_of(h, at)->chain_next)
            last = at;
        while (last != 0) {
            const struct prof_open *open = open_of(h, last);
            uint32_t before = open->chain_prev;
            chain_push(h, &fresh[aside ? aside_bucket(h, open->obj, open->slot) : slot_bucket(h, open->slot)], last);
            last = before;
        }
    }
    free(old);
    return true;
}

static struct holder_head *holder_find(const struct prof_heap *h, uint64_t granule)
{
    struct holder_head *head = NULL;
    HASH_FIND(hh, h->holders, &granule, sizeof granule, head);
    return head;
}

static struct holder_head *holder_make(struct prof_heap *h, uint64_t granule)
{
    struct holder_head *head = calloc(1, sizeof *head);
    if (head != NULL) {
        head->granule = granule;
        HASH_ADD(hh, h->holders, granule, sizeof head->granule, head);
    }
    if (head == NULL || head->hh.tbl == NULL) {
        free(head);
        h->no_memory = true;
        return NULL;
    }
    return head;
}

static void join_slot(struct prof_heap *h, uint32_t index)
{
    if ((h->slot_heads == NULL || h->slot_count > h->slot_mask) &&
        !grow_heads(h, &h->slot_heads, &h->slot_mask, false)) {
        h->no_memory = true;
        return;
    }
    struct prof_open *open = open_of(h, index);
    chain_push(h, &h->slot_heads[slot_bucket(h, open->slot)], index);
    open->index = OPEN_BY_SLOT;
    h->slot_count++;
    h->slot_pages[page_of(open->slot)]++;
}

static void join_aside(struct prof_heap *h, uint32_t index)
{
    if ((h->aside_heads == NULL || h->aside_count > h->aside_mask) &&
        !grow_heads(h, &h->aside_heads, &h->aside_mask, true)) {
        h->no_memory = true;
        return;
    }
    struct prof_open *open = open_of(h, index);
    chain_push(h, &h->aside_heads[aside_bucket(h, open->obj, open->slot)], index);
    open->index = OPEN_ASIDE;
    h->aside_count++;
}

static void join_holder(struct prof_heap *h, uint32_t index)
{
    struct prof_open *open = open_of(h, index);
    struct holder_head *head = holder_find(h, granule_of(open->slot));
    if (head == NULL)
        head = holder_make(h, granule_of(open->slot));
    if (head == NULL)
        return;
    chain_push(h, &head->first, index);
    open->index = OPEN_BY_HOLDER;
    h->holder_count++;
    h->holder_pages[page_of(open->slot)]++;
}

static void leave_index(struct prof_heap *h, uint32_t index)
{
    struct prof_open *open = open_of(h, index);
    switch (open->index) {
    case OPEN_BY_SLOT:
        chain_drop(h, &h->slot_heads[slot_bucket(h, open->slot)], index);
        h->slot_count--;
        h->slot_pages[page_of(open->slot)]--;
        break;
    case OPEN_ASIDE:
        chain_drop(h, &h->aside_heads[aside_bucket(h, open->obj, open->slot)], index);
        h->aside_count--;
        break;
    case OPEN_BY_HOLDER: {
        struct holder_head *head = holder_find(h, granule_of(open->slot));
        chain_drop(h, &head->first, index);
        h->holder_count--;
        h->holder_pages[page_of(open->slot)]--;
        if (head->first == 0) {
            HASH_DEL(h->holders, head);
            free(head);
        }
        break;
    }
    case OPEN_LIMBO: {
        /* Its block is inside a realloc: find the list it hangs in. */
        struct thread *th, *next;
        HASH_ITER (hh, h->threads, th, next) {
            if (th->limbo_opens == index) {
                chain_drop(h, &th->limbo_opens, index);
                open->index = OPEN_NOWHERE;
                return;
            }
        }
        uint32_t none = 0;
        chain_drop(h, &none, index);
        break;
    }
    default:
        break;
    }
    open->index = OPEN_NOWHERE;
}

static uint32_t find_aside(const struct prof_heap *h, prof_obj_id id, uint64_t slot, enum prof_open_kind kind)
{
    if (h->aside_count == 0)
        return 0;
    uint32_t at = h->aside_heads[aside_bucket(h, id, slot)];
    for (; at != 0; at = open_of(h, at)->chain_next) {
        const struct prof_open *open = open_of(h, at);
        if (open->obj == id && open->slot == slot && open->kind == kind)
            return at;
    }
    return 0;
}

/* ---- What spoils a reference ---- */

static void spoil(struct prof_heap *h, uint32_t index, unsigned flag, const struct place *at)
{
    if (h->spoil_room < h->opens.room) {
        struct spoil *spoils = realloc(h->spoils, h->opens.room * sizeof *spoils);
        if (spoils == NULL) {
            h->no_memory = true;
            return;
        }
        h->spoils = spoils;
        h->spoil_room = h->opens.room;
    }
    struct prof_open *open = open_of(h, index);
    open->flags |= (uint8_t)flag;
    open->spoil_stack = at->stack;
    h->spoils[index] = (struct spoil){ .at_us = at->at_us, .tid = at->tid, .forced = h->forced };
}

/* obj is about to be referenced into slot: whoever is in there is overwritten, unless it leaves later. After this the
 * chain holds at most one older reference for the slot. */
static void enter_slot(struct prof_heap *h, prof_obj_id id, uint64_t slot, const struct place *at)
{
    uint32_t next;
    if (h->slot_heads == NULL)
        return;
    for (uint32_t i = h->slot_heads[slot_bucket(h, slot)]; i != 0; i = next) {
        struct prof_open *open = open_of(h, i);
        next = open->chain_next;
        if (open->slot != slot)
            continue;
        if (open->obj == id || (open->flags & PROF_OPEN_OVERWRITTEN) != 0) {
            leave_index(h, i);
            join_aside(h, i);
        } else if (obj_alive(obj_of(h, open->obj))) {
            spoil(h, i, PROF_OPEN_OVERWRITTEN, at);
        }
    }
}

/* ---- Lists of objects ---- */

uint32_t open_add(struct prof_heap *h, prof_obj_id id, enum prof_open_kind kind, uint64_t slot,
                  const struct place *taken)
{
    uint32_t index = pool_get(&h->opens, sizeof(struct prof_open));
    if (index == 0) {
        h->no_memory = true;
        return 0;
    }
    struct prof_obj *obj = obj_of(h, id);
    struct prof_open *open = open_of(h, index);
    open->slot = slot;
    open->at_us = taken->at_us;
    open->stack = taken->stack;
    open->tid = taken->tid;
    open->obj = id;
    open->kind = (uint8_t)kind;
    open->next = obj->first_open;
    if (obj->first_open != 0)
        open_of(h, obj->first_open)->prev = index;
    obj->first_open = index;
    obj->opens++;
    if (kind == PROF_OPEN_SLOT) {
        enter_slot(h, id, slot, taken);
        join_slot(h, index);
    } else if (kind == PROF_OPEN_HOLDER) {
        join_holder(h, index);
    }
    if (h->watch != NULL)
        watch_taken(h, index);
    return index;
}

void open_remove(struct prof_heap *h, uint32_t index)
{
    struct prof_open *open = open_of(h, index);
    struct prof_obj *obj = obj_of(h, open->obj);
    if (h->watch != NULL)
        watch_given(h, index);
    prof_obj_id id = open->obj;
    uint64_t slot = open->slot;
    bool was_newest = open->index == OPEN_BY_SLOT;
    leave_index(h, index);
    if (open->prev != 0)
        open_of(h, open->prev)->next = open->next;
    else
        obj->first_open = open->next;
    if (open->next != 0)
        open_of(h, open->next)->prev = open->prev;
    obj->opens--;
    pool_put(&h->opens, index, sizeof *open);
    if (was_newest && h->aside_count != 0) {
        /* The same object was in the slot before: it is again. */
        uint32_t older = find_aside(h, id, slot, PROF_OPEN_SLOT);
        if (older != 0 && (open_of(h, older)->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) == 0) {
            leave_index(h, older);
            join_slot(h, older);
        }
    }
}

void open_retake(struct prof_heap *h, uint32_t index, const struct place *taken)
{
    struct prof_open *open = open_of(h, index);
    if (h->watch != NULL)
        watch_given(h, index);
    open->at_us = taken->at_us;
    open->stack = taken->stack;
    open->tid = taken->tid;
    if (h->watch != NULL)
        watch_taken(h, index);
}

uint32_t open_find(struct prof_heap *h, prof_obj_id id, enum prof_open_kind kind, uint64_t slot)
{
    if (kind == PROF_OPEN_SLOT && h->slot_count != 0) {
        uint32_t at = h->slot_heads[slot_bucket(h, slot)];
        for (; at != 0; at = open_of(h, at)->chain_next)
            if (open_of(h, at)->slot == slot && open_of(h, at)->obj == id)
                return at;
    }
    if (kind == PROF_OPEN_HOLDER && h->holder_count != 0) {
        /* An object held often, or a holder of many: the shorter of the two lists ends the search. */
        const struct holder_head *head = holder_find(h, granule_of(slot));
        uint32_t by_obj = obj_of(h, id)->first_open, by_holder = head != NULL ? head->first : 0;
        while (by_obj != 0 && by_holder != 0) {
            const struct prof_open *a = open_of(h, by_obj), *b = open_of(h, by_holder);
            if (a->kind == PROF_OPEN_HOLDER && a->slot == slot && a->index == OPEN_BY_HOLDER)
                return by_obj;
            if (b->obj == id && b->slot == slot)
                return by_holder;
            by_obj = a->next;
            by_holder = b->chain_next;
        }
    }
    return find_aside(h, id, slot, kind);
}

uint32_t open_find_birth(const struct prof_heap *h, prof_obj_id id)
{
    if ((obj_of(h, id)->internal & OBJ_BIRTH_OPEN) == 0)
        return 0;
    uint32_t at = obj_of(h, id)->first_open;
    while (at != 0 && open_of(h, at)->kind != PROF_OPEN_BIRTH)
        at = open_of(h, at)->next;
    return at;
}

void open_rehome(struct prof_heap *h, uint32_t index, enum prof_open_kind kind, uint64_t slot,
                 const struct prof_event *e)
{
    struct prof_open *open = open_of(h, index);
    struct place at = place_of(e);
    leave_index(h, index);
    open->kind = (uint8_t)kind;
    open->slot = slot;
    open->flags &= (uint8_t) ~(PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED);
    open->spoil_stack = 0;
    open->moved_stack = e->stack;
    if (kind == PROF_OPEN_SLOT) {
        enter_slot(h, open->obj, slot, &at);
        join_slot(h, index);
    } else if (kind == PROF_OPEN_HOLDER) {
        join_holder(h, index);
    }
}

void open_drop_all(struct prof_heap *h, prof_obj_id id, bool keep)
{
    uint32_t next;
    for (uint32_t i = obj_of(h, id)->first_open; i != 0; i = next) {
        next = open_of(h, i)->next;
        leave_index(h, i);
        if (!keep)
            pool_put(&h->opens, i, sizeof(struct prof_open));
    }
    if (!keep) {
        obj_of(h, id)->first_open = 0;
        obj_of(h, id)->opens = 0;
        obj_of(h, id)->internal &= (uint8_t)~OBJ_BIRTH_OPEN;
    }
}

/* ---- Ranges ---- */

typedef void (*each_open)(struct prof_heap *h, uint32_t index, void *ctx);

/* All indexed references of one kind whose slot is in [start, end). each may take the one it is given out of the index.
 */
static void each_in_granules(struct prof_heap *h, uint64_t start, uint64_t end, bool holders, each_open each, void *ctx)
{
    for (uint64_t granule = granule_of(start); granule <= granule_of(end - 1); granule++) {
        uint32_t at, next;
        if (holders) {
            const struct holder_head *head = holder_find(h, granule);
            at = head != NULL ? head->first : 0;
        } else {
            at = h->slot_heads[mix64(granule) & h->slot_mask];
        }
        for (; at != 0; at = next) {
            next = open_of(h, at)->chain_next;
            if (open_of(h, at)->slot >= start && open_of(h, at)->slot < end)
                each(h, at, ctx);
        }
    }
}

static void each_in_range(struct prof_heap *h, uint64_t start, uint64_t size, each_open each, void *ctx)
{
    if (size == 0 || (h->slot_count == 0 && h->holder_count == 0))
        return;
    uint64_t end = start + size;
    if (size >> PAGE_SHIFT > h->slot_count + h->holder_count) {
        /* Fewer references than pages: look at all of them. */
        for (uint32_t i = 1; i < h->opens.max; i++) {
            const struct prof_open *open = open_of(h, i);
            if ((open->index == OPEN_BY_SLOT || open->index == OPEN_BY_HOLDER) && open->slot >= start &&
                open->slot < end)
                each(h, i, ctx);
        }
        return;
    }
    for (uint64_t from = start; from < end;) {
        uint64_t to = (from | (((uint64_t)1 << PAGE_SHIFT) - 1)) + 1;
        if (to > end || to == 0) /* 0: the last page there is */
            to = end;
        if (h->slot_pages[page_of(from)] != 0)
            each_in_granules(h, from, to, false, each, ctx);
        if (h->holder_pages[page_of(from)] != 0)
            each_in_granules(h, from, to, true, each, ctx);
        from = to;
    }
}

struct died {
    struct place at;
    prof_obj_id holder;
    const struct prof_event *e;
};

static void one_died(struct prof_heap *h, uint32_t index, void *ctx)
{
    const struct died *died = ctx;
    const struct prof_open *open = open_of(h, index);
    bool alive = obj_alive(obj_of(h, open->obj));
    if (alive && open->kind == PROF_OPEN_HOLDER && died->holder != 0 &&
        h->types[obj_of(h, died->holder)->type].in_place) {
        ref_given_inside(h, index, died->e);
        return;
    }
    if (alive && (open->flags & PROF_OPEN_OVERWRITTEN) == 0) {
        spoil(h, index, PROF_OPEN_HOLDER_FREED, &died->at);
        if (died->holder != 0 && index < h->spoil_room) {
            const struct prof_obj *holder = obj_of(h, died->holder);
            h->spoils[index].holder =
                (struct prof_gone_holder){ holder->type, holder->serial, open->slot - holder->start };
        }
    }
    leave_index(h, index);
    join_aside(h, index);
}

void open_range_died(struct prof_heap *h, uint64_t start, uint64_t size, prof_obj_id holder, const struct prof_event *e)
{
    struct died died = { place_of(e), holder, e };
    each_in_range(h, start, size, one_died, &died);
}

bool prof_heap_gone_holder(const struct prof_heap *heap, const struct prof_open *open, struct prof_gone_holder *ret)
{
    size_t index = (size_t)(open - open_of(heap, 0));
    if ((open->flags & PROF_OPEN_HOLDER_FREED) == 0 || index >= heap->spoil_room ||
        heap->spoils[index].holder.serial == 0)
        return false;
    *ret = heap->spoils[index].holder;
    return true;
}

static void take_one(struct prof_heap *h, uint32_t index, void *ctx)
{
    leave_index(h, index);
    chain_push(h, ctx, index);
    open_of(h, index)->index = OPEN_LIMBO;
}

uint32_t open_range_take(struct prof_heap *h, uint64_t start, uint64_t size)
{
    uint32_t list = 0;
    each_in_range(h, start, size, take_one, &list);
    return list;
}

void open_range_put(struct prof_heap *h, uint32_t list, uint64_t from, uint64_t to, uint64_t size,
                    const struct place *at)
{
    while (list != 0) {
        uint32_t index = list;
        chain_drop(h, &list, index);
        struct prof_open *open = open_of(h, index);
        open->index = OPEN_NOWHERE;
        uint64_t offset = open->slot - from;
        if (offset >= size) {
            if (obj_alive(obj_of(h, open->obj)) && (open->flags & PROF_OPEN_OVERWRITTEN) == 0)
                spoil(h, index, PROF_OPEN_HOLDER_FREED, at);
            join_aside(h, index);
            continue;
        }
        open->slot = to + offset;
        if (obj_of(h, open->obj)->last_us < at->at_us)
            obj_of(h, open->obj)->last_us = at->at_us; /* what memory said of the slot before, it says no more */
        if (open->kind == PROF_OPEN_HOLDER)
            join_holder(h, index);
        else
            join_slot(h, index);
    }
}

/* ---- Restored ---- */

/* An empty table of mask + 1 chains, or none for 0. No table ever had more than two for each record there was. */
static bool make_heads(struct prof_heap *h, uint32_t **heads, size_t mask)
{
    if (mask == 0)
        return true;
    size_t most = (size_t)h->opens.max * 2 > FIRST_HEADS ? (size_t)h->opens.max * 2 : FIRST_HEADS;
    if ((mask & (mask + 1)) != 0 || mask + 1 < FIRST_HEADS || mask + 1 > most)
        return false;
    *heads = calloc(mask + 1, sizeof **heads);
    h->no_memory |= *heads == NULL;
    return true;
}

/* Where the chain of an indexed reference begins; NULL: nowhere. */
static uint32_t *head_of(struct prof_heap *h, const struct prof_open *open)
{
    struct holder_head *holder;
    switch (open->index) {
    case OPEN_BY_SLOT:
        return h->slot_heads != NULL && open->kind == PROF_OPEN_SLOT ? &h->slot_heads[slot_bucket(h, open->slot)]
                                                                     : NULL;
    case OPEN_ASIDE:
        return h->aside_heads != NULL ? &h->aside_heads[aside_bucket(h, open->obj, open->slot)] : NULL;
    case OPEN_BY_HOLDER:
        holder = holder_find(h, granule_of(open->slot));
        if (holder == NULL)
            holder = holder_make(h, granule_of(open->slot));
        return holder != NULL && open->kind == PROF_OPEN_HOLDER ? &holder->first : NULL;
    default:
        return NULL;
    }
}

/* The chain that begins with `first` must be of one head. Returns its length, 0: it is not. */
static size_t relink_chain(struct prof_heap *h, uint32_t first)
{
    const struct prof_open *open = open_of(h, first);
    size_t length = 0;
    if (open->index == OPEN_LIMBO) {
        struct thread *th, *next;
        bool known = false;
        HASH_ITER (hh, h->threads, th, next)
            known |= th->limbo_opens == first;
        for (uint32_t at = first; at != 0 && known; at = open_of(h, at)->chain_next, length++)
            if (open_of(h, at)->index != OPEN_LIMBO)
                return 0;
        return length;
    }
    uint32_t *head = head_of(h, open);
    if (head == NULL || *head != 0)
        return 0;
    *head = first;
    for (uint32_t at = first; at != 0; at = open_of(h, at)->chain_next, length++)
        if (open_of(h, at)->index != open->index || head_of(h, open_of(h, at)) != head)
            return 0;
    return length;
}

const char *opens_relink(struct prof_heap *h)
{
    size_t indexed = 0, chained = 0, lists = 0, limbo = 0;
    if (!make_heads(h, &h->slot_heads, h->slot_mask) || !make_heads(h, &h->aside_heads, h->aside_mask))
        return "an index of references has an impossible size";
    for (uint32_t i = 1; i < h->opens.max && !h->no_memory; i++) {
        const struct prof_open *open = open_of(h, i);
        if (open->obj == 0)
            continue;
        if (open->index == OPEN_NOWHERE ? open->chain_next != 0 : open->kind == PROF_OPEN_BIRTH)
            return "a reference is in an index where it cannot be";
        if (open->index == OPEN_NOWHERE)
            continue;
        indexed++;
        h->slot_count += open->index == OPEN_BY_SLOT;
        h->aside_count += open->index == OPEN_ASIDE;
        h->holder_count += open->index == OPEN_BY_HOLDER;
        if (open->index == OPEN_BY_SLOT)
            h->slot_pages[page_of(open->slot)]++;
        else if (open->index == OPEN_BY_HOLDER)
            h->holder_pages[page_of(open->slot)]++;
        if (open->chain_next == 0)
            continue;
        if (open->chain_next >= h->opens.max || open_of(h, open->chain_next)->obj == 0 ||
            open_of(h, open->chain_next)->chain_prev != 0)
            return "a chain of references is broken";
        open_of(h, open->chain_next)->chain_prev = i;
    }
    /* A circle has no begin: it is missed in the sum. */
    for (uint32_t i = 1; i < h->opens.max && !h->no_memory; i++) {
        const struct prof_open *open = open_of(h, i);
        if (open->obj == 0 || open->index == OPEN_NOWHERE || open->chain_prev != 0)
            continue;
        size_t length = relink_chain(h, i);
        if (length == 0 && !h->no_memory)
            return "a chain of references is not in its index";
        chained += length;
        limbo += open->index == OPEN_LIMBO;
    }
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next)
        lists += th->limbo_opens != 0;
    return h->no_memory || (chained == indexed && limbo == lists) ? NULL : "a chain of references is not in its index";
}

void opens_deinit(struct prof_heap *h)
{
    struct holder_head *head, *next;
    HASH_ITER (hh, h->holders, head, next) {
        HASH_DEL(h->holders, head);
        free(head);
    }
    free(h->slot_heads);
    free(h->aside_heads);
    free(h->spoils);
    free(h->opens.items);
}
