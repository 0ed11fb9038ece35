/* checkpoint.c: what memory said at the last checkpoint, and which of the memory that blocks had then was given back
 * since. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

void checkpoint_list(struct prof_heap *h, const struct prof_checkpoint *facts, char *name)
{
    struct prof_checkpoint *list = h->checkpoints.items;
    if (h->checkpoints.count == CHECKPOINTS) {
        free((char *)(uintptr_t)list[0].name);
        memmove(list, list + 1, --h->checkpoints.count * sizeof *list);
    }
    struct prof_checkpoint listed = *facts;
    listed.name = name;
    if (name != NULL && prof_vec_push(&h->checkpoints, listed))
        return;
    free(name);
    h->no_memory = true;
}

static void end_last(struct prof_heap *h)
{
    prof_memory_destroy(h->memory);
    h->memory = NULL;
    prof_vec_deinit(&h->freed_since);
    prof_vec_deinit(&h->again);
    h->compared = false;
    checkpoint_forget(h);
    h->freed_full = false;
}

void checkpoint_deinit(struct prof_heap *h)
{
    end_last(h);
    for (size_t i = 0; i < h->checkpoints.count; i++)
        free((char *)(uintptr_t)h->checkpoints.items[i].name);
    prof_vec_deinit(&h->checkpoints);
}

/* The first word that stands in memory, not in a register. */
static size_t first_word(const struct prof_memory *memory)
{
    size_t area = 0;
    while (area < memory->area_count && memory->areas[area].kind == TRK_AREA_REGISTERS)
        area++;
    return area < memory->area_count ? memory->areas[area].first : memory->word_count;
}

/* Which words stood there, and said the same, at the last checkpoint? Both are in the order of addresses. */
static void compare(struct prof_heap *h, const struct prof_memory *memory)
{
    const struct prof_memory *old = h->memory;
    if (!prof_vec_reserve(&h->again, memory->word_count)) {
        h->no_memory = true;
        return;
    }
    h->compared = true;
    h->again.count = memory->word_count;
    memset(h->again.items, 0, memory->word_count);
    size_t o = first_word(old);
    for (size_t i = first_word(memory); i < memory->word_count; i++) {
        const struct prof_memory_word *word = &memory->words[i];
        while (o < old->word_count && old->words[o].at < word->at)
            o++;
        h->again.items[i] = o < old->word_count && old->words[o].at == word->at && old->words[o].value == word->value &&
                            old->words[o].how == word->how;
    }
}

void checkpoint_take(struct prof_heap *h, const struct prof_memory *memory)
{
    const struct prof_memory *old = h->memory;
    h->memory = NULL;
    end_last(h);
    h->memory = old;
    if (old != NULL)
        compare(h, memory);
    prof_memory_destroy(old);
    h->memory = prof_memory_keep(memory);
    h->totals.memories++;
    struct prof_checkpoint facts = { .number = memory->number,
                                     .rung = memory->rung,
                                     .why = memory->why,
                                     .cut = memory->cut,
                                     .single = memory->single,
                                     .late = memory->late,
                                     .at_us = memory->at_us,
                                     .round = memory->round,
                                     .pause_us = memory->pause_us,
                                     .took_us = memory->took_us,
                                     .read_bytes = memory->read_bytes,
                                     .unread_bytes = memory->unread_bytes,
                                     .threads = memory->threads,
                                     .threads_unread = memory->threads_unread,
                                     .areas = memory->area_count,
                                     .words = memory->word_count,
                                     .counts = memory->count_count,
                                     .live_objects = h->totals.live_objects,
                                     .live_blocks = h->totals.live_blocks,
                                     .live_bytes = h->totals.live_bytes,
                                     .events = h->totals.events };
    checkpoint_list(h, &facts, strdup(memory->name));
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        struct prof_block *b = block_of(h, id);
        bool there = (b->flags & PROF_BLOCK_ALIVE) != 0 && b->born_us <= memory->at_us;
        b->flags = (uint8_t)(there ? b->flags | PROF_BLOCK_EXAMINED : b->flags & ~PROF_BLOCK_EXAMINED);
    }
}

size_t prof_heap_checkpoints(const struct prof_heap *h, const struct prof_checkpoint **ret)
{
    *ret = h->checkpoints.items;
    return h->checkpoints.count;
}

static int by_start(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorts ranges and joins those that touch; returns how many are left. */
static size_t join(struct range *ranges, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(ranges, count, sizeof *ranges, by_start);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].start <= ranges[kept - 1].end)
            ranges[kept - 1].end = ranges[i].end > ranges[kept - 1].end ? ranges[i].end : ranges[kept - 1].end;
        else
            ranges[kept++] = ranges[i];
    }
    return kept;
}

/* When even joining leaves the list more than half full nothing is added any more: sorting again and again would cost
 * more than it tells. */
void checkpoint_freed(struct prof_heap *h, uint64_t start, uint64_t size)
{
    if (h->freed_full)
        return;
    if (h->freed_since.count == FREED_SINCE) {
        h->freed_since.count = join(h->freed_since.items, FREED_SINCE);
        h->freed_full = h->freed_since.count > FREED_SINCE / 2;
    }
    uint64_t end = start + (size != 0 ? size : 1);
    if (!h->freed_full && !prof_vec_push(&h->freed_since, (struct range){ start, end > start ? end : UINT64_MAX }))
        h->no_memory = true;
}

const struct prof_memory *prof_heap_memory(const struct prof_heap *h)
{
    return h->memory;
}

const struct prof_checkpoint *prof_heap_memory_before(const struct prof_heap *h)
{
    return h->compared && h->checkpoints.count > 1 ? &h->checkpoints.items[h->checkpoints.count - 2] : NULL;
}

bool prof_heap_memory_again(const struct prof_heap *h, size_t word)
{
    return h->compared && h->again.items[word] != 0;
}

/* A list of its own: looking must not change what is saved. */
static bool make_view(struct prof_heap *h)
{
    size_t count = h->freed_since.count;
    h->freed_view = malloc((count + 1) * sizeof *h->freed_view);
    if (h->freed_view == NULL)
        return false;
    if (count > 0)
        memcpy(h->freed_view, h->freed_since.items, count * sizeof *h->freed_view);
    h->freed_view_count = join(h->freed_view, count);
    return true;
}

void checkpoint_forget(struct prof_heap *h)
{
    free(h->freed_view);
    h->freed_view = NULL;
}

bool prof_heap_freed_since(struct prof_heap *h, uint64_t addr)
{
    if (h->freed_view == NULL && !make_view(h))
        return true; /* the weaker answer */
    size_t low = 0, high = h->freed_view_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->freed_view[middle].start <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && addr < h->freed_view[low - 1].end;
}

bool prof_heap_freed_since_complete(const struct prof_heap *h)
{
    return !h->freed_full && (h->memory == NULL || !h->memory->late);
}
