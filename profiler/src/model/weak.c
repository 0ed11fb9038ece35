/* weak.c: weak and borrowed pointers: uncounted, remembered only to say which were left when their object died, and
 * which are set while their memory is gone. */
#include "state.h"

static struct weak_head *find_head(const struct prof_heap *h, prof_obj_id id)
{
    struct weak_head *head = NULL;
    HASH_FIND(hh, h->weak_heads, &id, sizeof id, head);
    return head;
}

static void drop_head(struct prof_heap *h, struct weak_head *head)
{
    obj_of(h, head->obj)->internal &= (uint8_t)~OBJ_HAS_WEAK;
    HASH_DEL(h->weak_heads, head);
    free(head);
}

static struct weak_head *make_head(struct prof_heap *h, prof_obj_id id)
{
    struct weak_head *head = calloc(1, sizeof *head);
    if (head != NULL) {
        head->obj = id;
        HASH_ADD(hh, h->weak_heads, obj, sizeof head->obj, head);
    }
    if (head == NULL || head->hh.tbl == NULL) {
        free(head);
        h->no_memory = true;
        return NULL;
    }
    return head;
}

bool weak_restore(struct prof_heap *h, prof_obj_id id, uint32_t first)
{
    if (find_head(h, id) != NULL)
        return false;
    struct weak_head *head = make_head(h, id);
    if (head != NULL)
        head->first = first;
    return true;
}

/* Tells a block from others that get its place, also within a tick of the clock. */
static uint64_t which(const struct prof_block *block)
{
    return (block->born_us * 31 + block->stack) * 31 + block->size;
}

static void set(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct weak_head *head = find_head(h, id);
    if (head == NULL)
        head = make_head(h, id);
    if (head == NULL)
        return;
    uint32_t index = pool_get(&h->weaks, sizeof(struct weak));
    if (index == 0) {
        h->no_memory = true;
        return;
    }
    struct weak *weak = weak_of(h, index);
    *weak =
        (struct weak){ .slot = e->slot, .at_us = e->time_us, .stack = e->stack, .tid = e->tid, .next = head->first };
    weak->registered = e->op == TRK_OP_WEAK_SET;
    prof_block_id block = space_block_at(h, e->slot);
    if (block != 0) {
        weak->block = block;
        weak->block_addr = block_of(h, block)->addr;
        weak->block_is = which(block_of(h, block));
    }
    head->first = index;
    obj_of(h, id)->internal |= OBJ_HAS_WEAK;
}

/* Does the memory that held the pointer still exist? Pointers outside of blocks always do. */
static bool slot_exists(const struct prof_heap *h, const struct weak *weak)
{
    if (weak->block == 0)
        return true;
    const struct prof_block *b = block_of(h, weak->block);
    return (b->flags & PROF_BLOCK_ALIVE) != 0 && b->addr == weak->block_addr && which(b) == weak->block_is;
}

/* Who clears it writes there. */
static void written(struct prof_heap *h, prof_obj_id id, const struct weak *weak, const struct place *at)
{
    if (!weak->registered || slot_exists(h, weak))
        return;
    struct place set_at = { weak->at_us, weak->stack, weak->tid };
    uint64_t slot = weak->slot;
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_WEAK_FREED, id, at, &set_at);
    if (incident != NULL)
        incident->slot = slot;
}

static void clear(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    const struct place at = place_of(e);
    struct weak_head *head = find_head(h, id);
    if (head == NULL)
        return;
    for (uint32_t *link = &head->first; *link != 0; link = &weak_of(h, *link)->next) {
        if (weak_of(h, *link)->slot == e->slot) {
            uint32_t index = *link;
            written(h, id, weak_of(h, index), &at);
            *link = weak_of(h, index)->next;
            pool_put(&h->weaks, index, sizeof(struct weak));
            break;
        }
    }
    if (head->first == 0)
        drop_head(h, head);
}

void prof_heap_weak_each(const struct prof_heap *h, void (*each)(void *ctx, const struct prof_weak *weak), void *ctx)
{
    struct weak_head *head, *next;

    HASH_ITER (hh, h->weak_heads, head, next) {
        for (uint32_t i = head->first; i != 0; i = weak_of(h, i)->next) {
            const struct weak *w = weak_of(h, i);
            each(ctx, &(struct prof_weak){ w->slot, w->at_us, w->stack, w->tid, head->obj });
        }
    }
}

void weak_event(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    if (e->op == TRK_OP_WEAK_SET || e->op == TRK_OP_BORROW)
        set(h, id, e);
    else if (e->op == TRK_OP_WEAK_CLEAR || e->op == TRK_OP_RETURN)
        clear(h, id, e);
}

void weak_gone(struct prof_heap *h, prof_obj_id id, const struct place *at)
{
    struct weak_head *head = find_head(h, id);
    uint32_t *link = head != NULL ? &head->first : NULL;
    while (link != NULL && *link != 0) {
        uint32_t index = *link;
        if (slot_exists(h, weak_of(h, index))) {
            link = &weak_of(h, index)->next;
            continue;
        }
        if (at != NULL)
            written(h, id, weak_of(h, index), at);
        *link = weak_of(h, index)->next;
        pool_put(&h->weaks, index, sizeof(struct weak));
    }
    if (head != NULL && head->first == 0)
        drop_head(h, head);
}

void weaks_finish(struct prof_heap *h)
{
    const struct place never = { .at_us = h->totals.end_us };
    for (const struct weak_head *head = h->weak_heads; head != NULL; head = head->hh.next)
        for (uint32_t i = obj_alive(obj_of(h, head->obj)) ? head->first : 0; i != 0; i = weak_of(h, i)->next)
            written(h, head->obj, weak_of(h, i), &never);
}

void weak_bury(struct prof_heap *h, prof_obj_id id, const struct grave *grave)
{
    struct weak_head *head = find_head(h, id);
    if (head == NULL)
        return;
    while (head->first != 0) {
        uint32_t index = head->first;
        const struct weak *weak = weak_of(h, index);
        if (grave != NULL && slot_exists(h, weak)) {
            struct place set_at = { weak->at_us, weak->stack, weak->tid };
            uint64_t slot = weak->slot;
            struct prof_incident *incident = incident_add(h, PROF_INCIDENT_WEAK_LEFT, id, &grave->death, &set_at);
            if (incident != NULL)
                incident->slot = slot;
        }
        head->first = weak_of(h, index)->next;
        pool_put(&h->weaks, index, sizeof(struct weak));
    }
    drop_head(h, head);
}

void weaks_deinit(struct prof_heap *h)
{
    struct weak_head *head, *next;
    HASH_ITER (hh, h->weak_heads, head, next) {
        HASH_DEL(h->weak_heads, head);
        free(head);
    }
    free(h->weaks.items);
}
