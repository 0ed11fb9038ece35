/* bytes.c: where the resident memory is, and how fast each part grows.
 *
 * The parts are made to add up: what cannot be explained is `unknown`. Memory that the program was given and never
 * touched is not resident: it is told beside the sum. */
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

/* Resident memory in which allocators can have put their blocks. */
static int64_t resident_pool(const struct trk_mem *mem, const struct prof_bytes *b)
{
    int64_t rest = (int64_t)b->rss - b->stacks - b->files - b->reftrack;

    if (mem->heap != UINT64_MAX && mem->anon != UINT64_MAX)
        return known(mem->heap) + known(mem->anon);
    return rest > 0 ? rest : 0; // the kernel did not tell: what nothing else explains
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Splits one sample; returns the parts through `ret`. */
static void split(const struct trk_mem *mem, int64_t live, int64_t slack, int64_t mapped, struct prof_bytes *ret)
{
    ret->rss = (uint64_t)known(mem->rss);
    ret->at_us = mem->at_us;
    ret->stacks = known(mem->stacks);
    ret->files = known(mem->files);
    ret->reftrack = known(mem->reftrack);

    int64_t pool = resident_pool(mem, ret);
    // Pages come with the first touch: of what was asked for, no more is resident than there is room for.
    ret->live = least(live, pool);
    ret->slack = least(slack, pool - ret->live);
    ret->untouched = (live - ret->live) + (slack - ret->slack);
    pool -= ret->live + ret->slack;
    // Mappings reserve addresses; no more of them can be resident than anonymous memory is.
    ret->mmap = least(mapped, mem->anon != UINT64_MAX ? least(known(mem->anon), pool) : pool);
    ret->retained = pool - ret->mmap;
    ret->unknown = (int64_t)ret->rss -
                   (ret->live + ret->slack + ret->retained + ret->mmap + ret->stacks + ret->files + ret->reftrack);
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
    PART_UNTOUCHED,
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
        const double values[PARTS] = { (double)b.rss,     (double)b.live,     (double)b.slack, (double)b.retained,
                                       (double)b.mmap,    (double)b.stacks,   (double)b.files, (double)b.reftrack,
                                       (double)b.unknown, (double)b.untouched };
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
    ret->untouched_per_h = slope[PART_UNTOUCHED];
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
