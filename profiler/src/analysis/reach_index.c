/* reach_index.c: addresses to nodes. Nodes are sorted by radix. Pages of 1 MiB in which nodes begin are found by hash;
 * each is divided into as many grains as it has nodes (rounded up to a power of two), and a table tells for each grain
 * which is the first node that begins in it or behind. An address in no such page lies in the last node of the page
 * before, or in none. */
#include "reach.h"

#include <stdlib.h>

#include <base/large.h>
#include <base/radix.h>

#include "map.h"

enum { PAGE_SHIFT = 20 };

struct page {
    uint64_t number;
    uint32_t grain; /* index of its first */
    uint32_t shift; /* address bits within a grain */
};
struct reach_index {
    const struct reach_node *nodes;
    uint32_t n;
    uint64_t low, high; /* all nodes lie within */
    struct map page_of; /* page number -> index into pages */
    struct page *page;  /* ascending */
    uint32_t pages;
    uint32_t *grain; /* of all pages, and one more behind the last: first node that begins at or behind it */
};

static uint64_t end_of(const struct reach_node *node)
{
    uint64_t end = node->start + (node->size != 0 ? node->size : 1);
    return end > node->start ? end : UINT64_MAX;
}

static int outer_first(const void *left, const void *right)
{
    const struct reach_node *a = left, *b = right;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Nodes with one start: the larger first. Then each learns what is around it; the stack of open nodes is kept in the
 * links themselves. */
static void nest(struct reach_node *nodes, uint32_t n)
{
    for (uint32_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && nodes[j].start == nodes[i].start;)
            j++;
        if (j - i > 1)
            qsort(nodes + i, j - i, sizeof *nodes, outer_first);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t around = i == 0 ? GRAPH_NONE : i - 1;
        while (around != GRAPH_NONE && end_of(&nodes[around]) <= nodes[i].start)
            around = nodes[around].around;
        nodes[i].around = around;
    }
}

/* The first node behind the page that `first` begins in. */
static uint32_t page_end(const struct reach_index *x, uint32_t first)
{
    uint32_t end = first;
    while (end < x->n && x->nodes[end].start >> PAGE_SHIFT == x->nodes[first].start >> PAGE_SHIFT)
        end++;
    return end;
}

static bool make_pages(struct reach_index *x)
{
    size_t grains = 0;

    for (uint32_t i = 0; i < x->n; i = page_end(x, i))
        x->pages++;
    x->page = malloc(((size_t)x->pages + 1) * sizeof *x->page);
    if (x->page == NULL)
        return false;
    for (uint32_t p = 0, i = 0; p < x->pages; p++) {
        uint32_t end = page_end(x, i), bits = 0;
        while (bits < PAGE_SHIFT && UINT32_C(1) << bits < end - i)
            bits++;
        x->page[p] = (struct page){ x->nodes[i].start >> PAGE_SHIFT, (uint32_t)grains, PAGE_SHIFT - bits };
        if (!map_put(&x->page_of, x->page[p].number, p))
            return false;
        grains += (size_t)1 << bits;
        i = end;
    }
    x->page[x->pages].grain = (uint32_t)grains;
    if (grains >= GRAPH_NONE || (x->grain = prof_large_malloc(grains + 1, sizeof *x->grain)) == NULL)
        return false;
    for (uint32_t p = 0, node = 0; p < x->pages; p++) {
        const struct page *page = &x->page[p];
        for (uint32_t g = page->grain; g < page[1].grain; g++) {
            uint64_t begin = (page->number << PAGE_SHIFT) + ((uint64_t)(g - page->grain) << page->shift);
            while (node < x->n && x->nodes[node].start < begin)
                node++;
            x->grain[g] = node;
        }
    }
    x->grain[grains] = x->n;
    return true;
}

struct reach_index *reach_index_create(struct reach_node *nodes, uint32_t n)
{
    struct reach_index *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->nodes = nodes;
    x->n = n;
    x->low = UINT64_MAX;
    if (!prof_radix_sort(nodes, n, sizeof *nodes)) {
        reach_index_destroy(x);
        return NULL;
    }
    nest(nodes, n);
    for (uint32_t i = 0; i < n; i++)
        x->high = end_of(&nodes[i]) > x->high ? end_of(&nodes[i]) : x->high;
    if (n > 0)
        x->low = nodes[0].start;
    if (!make_pages(x)) {
        reach_index_destroy(x);
        return NULL;
    }
    return x;
}

void reach_index_destroy(struct reach_index *index)
{
    if (index == NULL)
        return;
    free(index->page);
    free(index->grain);
    map_deinit(&index->page_of);
    free(index);
}

uint32_t reach_index_climb(const struct reach_index *index, uint32_t node, uint64_t addr)
{
    while (node != GRAPH_NONE && end_of(&index->nodes[node]) <= addr)
        node = index->nodes[node].around;
    return node;
}

uint32_t reach_index_next(const struct reach_index *index, uint32_t before, uint64_t addr)
{
    uint32_t next = before == GRAPH_NONE ? 0 : before + 1;
    while (next < index->n && index->nodes[next].start <= addr)
        next++;
    return next == 0 ? GRAPH_NONE : next - 1;
}

/* How many pages have lower numbers. */
static uint32_t pages_before(const struct reach_index *index, uint64_t number)
{
    uint32_t low = 0, high = index->pages;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (index->page[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const uint32_t *grain_of(const struct reach_index *index, uint64_t addr)
{
    uint64_t number = addr >> PAGE_SHIFT;
    uint32_t page = map_get(&index->page_of, number);
    if (page == UINT32_MAX)
        return &index->grain[index->page[pages_before(index, number)].grain];
    const struct page *at = &index->page[page];
    return &index->grain[at->grain + ((addr & ((UINT64_C(1) << PAGE_SHIFT) - 1)) >> at->shift)];
}

/* The first node that begins behind addr, or a little before it. */
static uint32_t first_near(const struct reach_index *index, uint64_t addr)
{
    return *grain_of(index, addr);
}

void reach_index_soon(const struct reach_index *index, uint64_t addr, bool sooner)
{
    if (addr < index->low || addr >= index->high)
        return;
    const uint32_t *grain = grain_of(index, addr);
    if (!sooner) {
        __builtin_prefetch(grain);
        return;
    }
    uint32_t node = *grain > 0 ? *grain - 1 : 0;
    __builtin_prefetch(&index->nodes[node]);
    __builtin_prefetch(&index->nodes[node] + 2); // the one that is found is this one or one of the next two, mostly
}

uint32_t reach_index_before(const struct reach_index *index, uint64_t addr)
{
    uint32_t next = first_near(index, addr);
    return next == 0 ? GRAPH_NONE : next - 1;
}

uint32_t reach_index_at(const struct reach_index *index, uint64_t addr)
{
    if (addr < index->low || addr >= index->high)
        return GRAPH_NONE;
    return reach_index_climb(index, reach_index_next(index, reach_index_before(index, addr), addr), addr);
}
