/* bytes.c: where the resident memory is, and how fast each part grows.
 *
 * The parts are made to add up: what cannot be explained is `unknown`, which is negative when the program was given
 * memory that it never touched. */
#include "analysis.h"

#include <stdlib.h>

uint64_t bytes_usable(uint64_t request)
{
    // glibc: 8 bytes of header per chunk, chunks are multiples of 16, the smallest is 32.
    if (request > UINT64_MAX - 32)
        return request;
    uint64_t usable = ((request + 8 + 15) & ~(uint64_t)15) - 8;
    return usable < 24 ? 24 : usable;
}

uint64_t bytes_chunk(uint64_t request)
{
    return bytes_usable(request) + 8;
}

double bytes_slope(const struct bytes_point *points, size_t count)
{
    double t_mean = 0, v_mean = 0, tt = 0, tv = 0;

    for (size_t i = 0; i < count; i++) {
        t_mean += (double)points[i].at_us / (double)count;
        v_mean += points[i].value / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        double t = (double)points[i].at_us - t_mean;
        tt += t * t;
        tv += t * (points[i].value - v_mean);
    }
    return tt > 0 ? tv / tt * 3600e6 : 0;
}

/* Members that the kernel did not tell count as nothing. */
static int64_t known(uint64_t value)
{
    return value == UINT64_MAX || value > INT64_MAX ? 0 : (int64_t)value;
}

/* Splits one sample; returns the parts through `ret`. */
static void split(const struct trk_mem *mem, int64_t live, int64_t slack, int64_t mapped, struct prof_bytes *ret)
{
    int64_t pool = known(mem->heap) + known(mem->anon);

    ret->rss = (uint64_t)known(mem->rss);
    ret->at_us = mem->at_us;
    ret->live = live;
    ret->slack = slack;
    ret->stacks = known(mem->stacks);
    ret->files = known(mem->files);
    ret->reftrack = known(mem->reftrack);
    // Mappings reserve addresses; no more of them can be resident than anonymous memory is.
    ret->mmap = mapped < known(mem->anon) ? mapped : known(mem->anon);
    ret->retained = pool - live - slack - ret->mmap;
    if (ret->retained < 0)
        ret->retained = 0;
    ret->unknown =
        (int64_t)ret->rss - (live + slack + ret->retained + ret->mmap + ret->stacks + ret->files + ret->reftrack);
}

static int64_t heap_slack(struct prof_heap *heap, uint64_t *ret_blocks)
{
    uint64_t sum = 0, blocks = 0;

    for (uint32_t id = 1; id < prof_heap_block_max(heap); id++) {
        const struct prof_block *block = prof_heap_block(heap, id);
        if (!(block->flags & PROF_BLOCK_ALIVE) || block->kind == TRK_ALLOC_MMAP || block->kind == TRK_ALLOC_CUSTOM)
            continue; // custom allocators carve their blocks out of others
        blocks++;
        sum += bytes_chunk(block->size) - block->size;
    }
    *ret_blocks = blocks;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

enum {
    PART_RSS,
    PART_LIVE,
    PART_SLACK,
    PART_RETAINED,
    PART_MMAP,
    PART_STACKS,
    PART_FILES,
    PART_REFTRACK,
    PART_UNKNOWN,
    PARTS
};

static void slopes(const struct trk_mem *mem, const struct prof_mem_live *live, size_t count, double slack_per_block,
                   struct prof_bytes *ret)
{
    size_t skip = count / 5; // the start-up grows in every program
    double slope[PARTS];

    if (count - skip < 5 || mem[count - 1].at_us - mem[skip].at_us < 10000000)
        return;
    struct bytes_point *points = calloc(count - skip, sizeof *points * PARTS);
    if (points == NULL)
        return; // slopes stay unknown
    for (size_t i = skip; i < count; i++) {
        struct prof_bytes b;
        split(&mem[i], known(live[i].live_bytes), (int64_t)(slack_per_block * (double)live[i].live_blocks),
              known(live[i].mmap_bytes), &b);
        const double values[PARTS] = { (double)b.rss,      (double)b.live,     (double)b.slack,
                                       (double)b.retained, (double)b.mmap,     (double)b.stacks,
                                       (double)b.files,    (double)b.reftrack, (double)b.unknown };
        for (int p = 0; p < PARTS; p++)
            points[(size_t)p * (count - skip) + (i - skip)] = (struct bytes_point){ mem[i].at_us, values[p] };
    }
    for (int p = 0; p < PARTS; p++)
        slope[p] = bytes_slope(points + (size_t)p * (count - skip), count - skip);
    free(points);
    ret->slopes_known = true;
    ret->rss_per_h = slope[PART_RSS];
    ret->live_per_h = slope[PART_LIVE];
    ret->slack_per_h = slope[PART_SLACK];
    ret->retained_per_h = slope[PART_RETAINED];
    ret->mmap_per_h = slope[PART_MMAP];
    ret->stacks_per_h = slope[PART_STACKS];
    ret->files_per_h = slope[PART_FILES];
    ret->reftrack_per_h = slope[PART_REFTRACK];
    ret->unknown_per_h = slope[PART_UNKNOWN];
}

void bytes_make(struct prof_heap *heap, struct prof_bytes *ret)
{
    const struct trk_mem *mem;
    const struct prof_mem_live *live;
    size_t count = prof_heap_mem(heap, &mem);
    uint64_t blocks;

    *ret = (struct prof_bytes){ 0 };
    if (count == 0 || prof_heap_mem_live(heap, &live) != count || mem[count - 1].rss == UINT64_MAX)
        return;
    int64_t slack = heap_slack(heap, &blocks);
    double per_block = blocks > 0 ? (double)slack / (double)blocks : 0;
    ret->known = true;
    // The slack of the blocks that lived at the sample is estimated from those that live now.
    split(&mem[count - 1], known(live[count - 1].live_bytes),
          (int64_t)(per_block * (double)live[count - 1].live_blocks), known(live[count - 1].mmap_bytes), ret);
    slopes(mem, live, count, per_block, ret);
}
