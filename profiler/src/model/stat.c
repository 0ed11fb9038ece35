/* stat.c: totals per stack and the high-water marks of types and of the heap.
 *
 * peak_bytes of a stack is what it had alive when the heap was largest. A new peak does not visit all stacks: it begins
 * a new epoch, and a stack copies its live bytes when it next changes in an epoch it has not seen. */
#include "state.h"

#include <string.h>

enum { STACK_IDS = 1 << TRK_STACK_ID_BITS };

static struct stat nowhere;

/* Grows the index by id so that it covers `stack`. */
static bool cover(struct prof_heap *h, uint32_t stack)
{
    size_t count = h->stat_index.count, extra = stack + 1 - count;
    if (extra < count)
        extra = count; /* by doubling */
    if (!prof_vec_reserve(&h->stat_index, extra))
        return false;
    memset(h->stat_index.items + count, 0, extra * sizeof *h->stat_index.items);
    h->stat_index.count += extra;
    return true;
}

struct stat *stat_make(struct prof_heap *h, uint32_t stack)
{
    if (stack >= STACK_IDS)
        stack = 0;
    if (stack >= h->stat_index.count && !cover(h, stack)) {
        h->no_memory = true;
        return &nowhere;
    }
    uint32_t index = h->stat_index.items[stack];
    if (index == 0) {
        if (!prof_vec_push(&h->stats,
                           (struct stat){ .stack = stack, .epoch = h->peak_epoch, .moment = h->moment_now })) {
            h->no_memory = true;
            return &nowhere;
        }
        index = h->stat_index.items[stack] = (uint32_t)h->stats.count;
    }
    return &h->stats.items[index - 1];
}

bool stat_restore(struct prof_heap *h, const struct stat *stat)
{
    if ((stat->stack >= h->stat_index.count && !cover(h, stat->stack)) || !prof_vec_reserve(&h->stats, 1)) {
        h->no_memory = true;
        return true;
    }
    if (h->stat_index.items[stat->stack] != 0)
        return false;
    h->stats.items[h->stats.count++] = *stat;
    h->stat_index.items[stat->stack] = (uint32_t)h->stats.count;
    return true;
}

static void see_peak(const struct prof_heap *h, struct stat *stat)
{
    if (stat->epoch != h->peak_epoch) {
        stat->epoch = h->peak_epoch;
        stat->pub.peak_bytes = stat->pub.live_bytes;
    }
}

void stat_alloc(struct prof_heap *h, uint32_t stack, uint64_t size)
{
    struct stat *stat = stat_of(h, stack);
    see_peak(h, stat);
    if (stat->moment != h->moment_now)
        moment_stat(h, stat);
    stat->pub.allocs++;
    stat->pub.bytes += size;
    stat->pub.live++;
    stat->pub.live_bytes += size;
}

void stat_free(struct prof_heap *h, uint32_t stack, uint64_t size, bool temporary)
{
    struct stat *stat = stat_of(h, stack);
    see_peak(h, stat);
    if (stat->moment != h->moment_now)
        moment_stat(h, stat);
    stat->pub.frees++;
    stat->pub.live--;
    stat->pub.live_bytes -= size;
    stat->pub.temporary += temporary;
}

void stat_peak(struct prof_heap *h, uint64_t at_us)
{
    h->totals.peak_bytes = h->totals.live_bytes;
    h->totals.peak_us = at_us;
    h->peak_epoch++;
}

void stat_finish(struct prof_heap *h)
{
    for (size_t i = 0; i < h->stats.count; i++)
        see_peak(h, &h->stats.items[i]);
}

void type_live_add(struct type_state *type, uint64_t size)
{
    type->pub.live++;
    type->pub.live_bytes += size;
    if (type->pub.live > type->pub.peak_live)
        type->pub.peak_live = type->pub.live;
    if (type->pub.live_bytes > type->pub.peak_bytes)
        type->pub.peak_bytes = type->pub.live_bytes;
}
