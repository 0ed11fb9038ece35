/* look_scan.c: which words of memory may be pointers into blocks.
 *
 * A word counts when it leads, as it stands or by one of the decodings that were asked for, into memory where blocks
 * are: that of malloc and mmap, and whatever custom allocators cut blocks from. When it does in several ways, each
 * counts: a tagged pointer leads into the middle of its block as it stands, and a compressed one may seem to be any.
 * What it means is found out when the trace is read. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

static bool add_areas(const struct look_areas *areas, struct look_targets *targets)
{
    for (size_t i = 0; i < areas->items.count; i++) {
        const struct look_area *area = &areas->items.items[i];
        if (area->blocks && !prof_vec_push(&targets->ranges, (struct look_range){ area->start, area->end }))
            return false;
    }
    return true;
}

/* Custom allocators have their blocks in whatever memory the program likes. */
static bool add_custom(const struct look_maps *maps, const struct proc *proc, struct look_targets *targets)
{
    const struct trk_shm_own *own = look_own(proc);
    /* Partner: trk_own_custom_grow. */
    uint64_t start = __atomic_load_n(&own->custom_start, __ATOMIC_ACQUIRE);
    uint64_t end = __atomic_load_n(&own->custom_end, __ATOMIC_ACQUIRE);
    for (size_t i = 0; start != 0 && i < maps->items.count; i++) {
        const struct look_map *map = &maps->items.items[i];
        struct look_range part = { map->start > start ? map->start : start, map->end < end ? map->end : end };
        if (map->write && part.start < part.end && !look_map_ours(maps, map) && !prof_vec_push(&targets->ranges, part))
            return false;
    }
    return true;
}

static int by_start(const void *left, const void *right)
{
    const struct look_range *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* In order, those that touch or overlap become one. */
static void join(struct look_targets *targets)
{
    struct look_range *ranges = targets->ranges.items;
    size_t kept = 0;
    if (targets->ranges.count > 1)
        qsort(ranges, targets->ranges.count, sizeof *ranges, by_start);
    for (size_t i = 0; i < targets->ranges.count; i++) {
        if (kept == 0 || ranges[i].start > ranges[kept - 1].end)
            ranges[kept++] = ranges[i];
        else if (ranges[i].end > ranges[kept - 1].end)
            ranges[kept - 1].end = ranges[i].end;
    }
    targets->ranges.count = kept;
}

bool look_targets_make(const struct look_areas *areas, const struct look_maps *maps, const struct proc *proc,
                       struct look_targets *ret)
{
    struct look_targets targets = { .options = &proc->arena->rec->options, .keep = UINT64_MAX };
#if defined(__aarch64__)
    targets.keep = UINT64_MAX >> 8;
#endif
    if (!add_areas(areas, &targets) || !add_custom(maps, proc, &targets)) {
        look_targets_deinit(&targets);
        return false;
    }
    join(&targets);
    if (targets.ranges.count > 0) {
        targets.low = targets.ranges.items[0].start;
        targets.span = targets.ranges.items[targets.ranges.count - 1].end - targets.low;
    }
    *ret = targets;
    return true;
}

void look_targets_deinit(struct look_targets *targets)
{
    prof_vec_deinit(&targets->ranges);
}

/* Does the value lie in a range? Values that follow each other mostly lie in the same one: *hint. */
static inline bool leads(const struct look_targets *targets, uint64_t value, size_t *hint)
{
    if (value - targets->low >= targets->span)
        return false;
    const struct look_range *ranges = targets->ranges.items;
    if (value - ranges[*hint].start < ranges[*hint].end - ranges[*hint].start)
        return true;
    size_t low = 0, high = targets->ranges.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value < ranges[middle].start)
            high = middle;
        else if (value >= ranges[middle].end)
            low = middle + 1;
        else {
            *hint = middle;
            return true;
        }
    }
    return false;
}

static uint64_t decode(const struct rec_pointer *pointer, uint64_t raw)
{
    if (pointer->bits < 64)
        raw &= ((uint64_t)1 << pointer->bits) - 1;
    if (raw == 0)
        return 0;
    return pointer->base + (((raw ^ pointer->xor_) & pointer->mask) << pointer->shift);
}

static bool has_value(const struct prof_memory_word *words, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].value == value)
            return true;
    return false;
}

/* Everything that the bytes at one address may mean; returns how much. Decodings count from 1, 0: as it stands. whole:
 * what takes 8 bytes may stand there, too. */
static size_t scan_one(const struct look_targets *targets, uint64_t raw, uint64_t at, bool whole, size_t *hint,
                       struct prof_memory_word *to)
{
    const struct rec_options *options = targets->options;
    size_t count = 0;
    if (whole && leads(targets, raw & targets->keep, hint))
        to[count++] = (struct prof_memory_word){ .at = at, .value = raw & targets->keep };
    for (unsigned i = 0; i < options->pointer_count; i++) {
        if (!whole && options->pointers[i].bits > 32)
            continue;
        uint64_t value = decode(&options->pointers[i], raw);
        if (leads(targets, value, hint) && !has_value(to, count, value))
            to[count++] = (struct prof_memory_word){ .at = at, .how = i + 1, .value = value };
    }
    return count;
}

/* The usual case. */
static size_t scan_plain(const struct look_targets *targets, const unsigned char *bytes, size_t size, uint64_t at,
                         struct prof_memory_word *to)
{
    size_t count = 0, hint = 0;
    for (size_t i = 0; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t value;
        memcpy(&value, bytes + i, sizeof value);
        value &= targets->keep;
        if (leads(targets, value, &hint))
            to[count++] = (struct prof_memory_word){ .at = at + i, .value = value };
    }
    return count;
}

size_t look_scan_most(const struct rec_options *options, size_t size)
{
    size_t step = options->word_step != 0 ? options->word_step : sizeof(uint64_t);
    return (size / step + 1) * (options->pointer_count + 1);
}

size_t look_scan(const struct look_targets *targets, const unsigned char *bytes, size_t size, uint64_t at, bool last,
                 struct prof_memory_word *to)
{
    size_t step = targets->options->word_step;
    if (targets->span == 0)
        return 0;
    if (step == 0 || (step == sizeof(uint64_t) && targets->options->pointer_count == 0)) {
        if (targets->options->pointer_count == 0)
            return scan_plain(targets, bytes, size, at, to);
        step = sizeof(uint64_t);
    }
    size_t count = 0, hint = 0, i = 0;
    for (; i + sizeof(uint64_t) <= size; i += step) {
        uint64_t raw;
        memcpy(&raw, bytes + i, sizeof raw);
        count += scan_one(targets, raw, at + i, step == 1 || (at + i) % sizeof raw == 0, &hint, to + count);
    }
    for (; last && i + sizeof(uint32_t) <= size; i += step) {
        uint32_t half;
        memcpy(&half, bytes + i, sizeof half);
        count += scan_one(targets, half, at + i, false, &hint, to + count);
    }
    return count;
}
