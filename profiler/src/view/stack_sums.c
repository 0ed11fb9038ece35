/* stack_sums.c: what happened at each stack: totals of the model, and objects and open references by where they came
 * from. */
#include "stack_sums.h"

#include <stdlib.h>
#include <string.h>

void stack_sums_add(struct prof_calls_sum *sum, const struct prof_calls_sum *more)
{
    for (int i = 0; i < PROF_CALLS_VALUES; i++)
        sum->value[i] += more->value[i];
    sum->guessed += more->guessed;
}

void stack_sums_deinit(struct stack_sums *sums)
{
    prof_vec_deinit(&sums->list);
    prof_vec_deinit(&sums->at);
    prof_vec_deinit(&sums->sites);
}

static struct prof_calls_sum *sum_of(struct stack_sums *sums, uint32_t stack)
{
    static struct prof_calls_sum nowhere;
    if (stack >> TRK_STACK_ID_BITS != 0)
        stack = 0;
    if (stack >= sums->at.count) {
        size_t extra = stack + 1 - sums->at.count;
        extra = extra < sums->at.count ? sums->at.count : extra; /* by doubling */
        if (!prof_vec_reserve(&sums->at, extra)) {
            sums->failed = true;
            return &nowhere;
        }
        memset(sums->at.items + sums->at.count, 0, extra * sizeof *sums->at.items);
        sums->at.count += extra;
    }
    if (sums->at.items[stack] == 0) {
        if (!prof_vec_push(&sums->list, (struct stack_sum){ .stack = stack })) {
            sums->failed = true;
            return &nowhere;
        }
        sums->at.items[stack] = (uint32_t)sums->list.count;
    }
    return &sums->list.items[sums->at.items[stack] - 1].sum;
}

static void add_stat(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    uint64_t events = stat->allocs + stat->births + stat->refs + stat->unrefs;
    if (events == 0 && stat->live == 0)
        return;
    struct prof_calls_sum *sum = sum_of(ctx, stack);
    sum->value[PROF_CALLS_BYTES] += stat->live_bytes;
    sum->value[PROF_CALLS_BLOCKS] += stat->live;
    sum->value[PROF_CALLS_ALLOCS] += stat->allocs;
    sum->value[PROF_CALLS_BIRTHS] += stat->births;
    sum->value[PROF_CALLS_REFS] += stat->refs;
    sum->value[PROF_CALLS_UNREFS] += stat->unrefs;
    sum->value[PROF_CALLS_EVENTS] += events;
}

static int oldest_first(const void *left, const void *right)
{
    const struct prof_site_count *a = *(const struct prof_site_count *const *)left,
                                 *b = *(const struct prof_site_count *const *)right;
    if (a->first_event != b->first_event)
        return a->first_event < b->first_event ? -1 : 1;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

/* References without an owner: only how many are open is certain, when some were given back elsewhere than others were
 * taken. The model matches a release with the newest; so what is left is the oldest. */
static void add_anonymous(const struct prof_heap *heap, struct stack_sums *sums, const struct prof_obj *obj,
                          uint64_t open)
{
    bool guess = false;
    sums->sites.count = 0;
    for (uint32_t i = obj->first_site; i != 0;) {
        const struct prof_site_count *site = prof_heap_site_count(heap, i);
        guess |= site->given > site->taken;
        if (site->taken > site->given && !prof_vec_push(&sums->sites, site))
            sums->failed = true;
        i = site->next;
    }
    if (sums->sites.count > 1)
        qsort(sums->sites.items, sums->sites.count, sizeof *sums->sites.items, oldest_first);
    for (size_t i = 0; i < sums->sites.count && open > 0; i++) {
        uint64_t left = sums->sites.items[i]->taken - sums->sites.items[i]->given, n = left < open ? left : open;
        struct prof_calls_sum *sum = sum_of(sums, sums->sites.items[i]->stack);
        sum->value[PROF_CALLS_OPEN] += n;
        sum->guessed += guess ? n : 0;
        open -= n;
    }
    if (open > 0) { /* taken before anything was seen of it */
        struct prof_calls_sum *sum = sum_of(sums, obj->stack);
        sum->value[PROF_CALLS_OPEN] += open;
        sum->guessed += open;
    }
}

static void add_object(const struct prof_heap *heap, struct stack_sums *sums, const struct prof_obj *obj)
{
    int64_t open = obj->count;
    struct prof_calls_sum *born = sum_of(sums, obj->stack);
    born->value[PROF_CALLS_OBJECTS]++;
    if (obj->block == 0)
        born->value[PROF_CALLS_BYTES] += obj->size;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *reference = prof_heap_open(heap, i);
        i = reference->next;
        if ((reference->flags & PROF_OPEN_NO_SOURCE) != 0)
            continue; /* no part of the count */
        struct prof_calls_sum *sum = sum_of(sums, reference->stack);
        sum->value[PROF_CALLS_OPEN]++;
        sum->guessed += !prof_open_certain(reference);
        open--;
    }
    if (open > 0)
        add_anonymous(heap, sums, obj, (uint64_t)open);
}

struct prof_error *stack_sums_gather(const struct prof_heap *heap, struct stack_sums *sums, size_t objects,
                                     bool *ret_done)
{
    prof_obj_id max = prof_heap_obj_max(heap);
    if (sums->next == 0) {
        prof_heap_stack_each(heap, add_stat, sums);
        sums->next = 1;
    }
    for (; sums->next < max && objects > 0 && !sums->failed; sums->next++, objects--) {
        const struct prof_obj *obj = prof_heap_obj(heap, sums->next);
        if (obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD)
            add_object(heap, sums, obj);
    }
    *ret_done = sums->next >= max;
    return sums->failed ? prof_error_memory() : NULL;
}
