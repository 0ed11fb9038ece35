/* test_reach.c: what the roots reach, against a slow and recursive oracle, on thousands of random memories: blocks that
 * nest, interior pointers, roots of every kind, cycles, words in dead memory. Then the index and the paths alone. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "reach.h"
#include "rnd.h"

enum { BLOCKS = 24, WORDS = 160, AREAS = 8, HEAP = 0x100000, PAGE = 0x1000 };

struct world {
    struct reach_node blocks[BLOCKS];
    uint32_t n;
    struct prof_memory_word words[WORDS];
    size_t word_count;
    struct prof_memory_area areas[AREAS];
    size_t area_count;
    struct prof_root_region regions[2];
    size_t region_count;
    struct prof_memory memory;
    struct reach_input input;
    uint64_t freed, object; /* what these callbacks say yes to: one page, one offset in every block */
};

static bool freed(void *ctx, uint64_t addr)
{
    const struct world *w = ctx;
    return addr / 0x100 == w->freed / 0x100;
}

static bool starts(void *ctx, const struct reach_node *node, uint64_t addr)
{
    const struct world *w = ctx;
    return addr - node->start == w->object;
}

/* ---- The oracle: everything by searching through everything ---- */

static uint64_t end_of(const struct reach_node *b)
{
    return b->start + (b->size != 0 ? b->size : 1);
}

/* Innermost block; -1. */
static int at(const struct world *w, uint64_t addr)
{
    int best = -1;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct reach_node *b = &w->blocks[i];
        if (addr < b->start || addr >= end_of(b))
            continue;
        if (best < 0 || b->start > w->blocks[best].start ||
            (b->start == w->blocks[best].start && b->size < w->blocks[best].size))
            best = (int)i;
    }
    return best;
}

static int around(const struct world *w, int block)
{
    int best = -1;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct reach_node *b = &w->blocks[i], *in = &w->blocks[block];
        if ((int)i == block || b->start > in->start || end_of(b) < end_of(in) ||
            (b->start == in->start && b->size == in->size))
            continue;
        if (best < 0 || b->start > w->blocks[best].start ||
            (b->start == w->blocks[best].start && b->size < w->blocks[best].size))
            best = (int)i;
    }
    return best;
}

/* A node that ends where nothing is, and whose object begins there; -1. */
static int behind(const struct world *w, uint64_t value)
{
    int to = at(w, value - 1);
    return to >= 0 && w->blocks[to].start + w->blocks[to].size == value && w->blocks[to].size == w->object ? to : -1;
}

struct arrow {
    int from; /* block, or -1: a root */
    int to;
    bool start;
};

static size_t arrows(const struct world *w, struct arrow *ret)
{
    static const uint8_t roots[] = { [TRK_AREA_ANON] = 0,
                                     [TRK_AREA_DATA] = PROF_ROOT_GLOBAL,
                                     [TRK_AREA_STACK] = PROF_ROOT_STACK,
                                     [TRK_AREA_REGISTERS] = PROF_ROOT_REGISTER,
                                     [TRK_AREA_TLS] = PROF_ROOT_TLS,
                                     [TRK_AREA_MAPPED] = PROF_ROOT_MAPPED };
    size_t count = 0;
    for (size_t a = 0; a < w->area_count; a++) {
        bool registers = w->areas[a].kind == TRK_AREA_REGISTERS;
        for (size_t i = w->areas[a].first; i < w->areas[a].first + w->areas[a].count; i++) {
            uint64_t addr = w->words[i].at, value = w->words[i].value;
            int to = at(w, value), from = registers ? -1 : at(w, addr);
            unsigned root = roots[w->areas[a].kind];
            if (to < 0)
                to = behind(w, value);
            bool half = (w->input.halves >> w->words[i].how & 1) != 0;
            if (to < 0 || (w->input.no_unaligned && !registers && addr % (half ? 4 : 8) != 0))
                continue;
            bool start = value == w->blocks[to].start || value - w->blocks[to].start == w->object ||
                         (w->areas[a].kind == TRK_AREA_TLS && value - w->blocks[to].start == 16);
            if (from >= 0 && !(w->blocks[from].flags & REACH_NODE_MMAP)) {
                ret[count++] = (struct arrow){ from, to, start };
                root = 0;
            } else if (root == 0 && from >= 0) {
                root = PROF_ROOT_MMAP;
            } else if (root == 0 && addr / 0x100 == w->freed / 0x100) {
                root = PROF_ROOT_FREED;
            } else if (root == 0 && w->input.unrecorded) {
                root = PROF_ROOT_UNRECORDED;
            }
            for (size_t r = 0; r < w->region_count && !registers; r++) {
                if (addr >= w->regions[r].start && addr < w->regions[r].start + w->regions[r].size)
                    root = PROF_ROOT_REGION;
            }
            if (root != 0 && (w->input.without >> root & 1) == 0)
                ret[count++] = (struct arrow){ -1, to, start };
        }
    }
    return count;
}

static void visit(const struct world *w, const struct arrow *list, size_t count, int block, bool interior, bool *seen)
{
    if (seen[block])
        return;
    seen[block] = true;
    for (size_t i = 0; i < count; i++) {
        if (list[i].from == block && (interior || list[i].start))
            visit(w, list, count, list[i].to, interior, seen);
    }
    if (around(w, block) >= 0)
        visit(w, list, count, around(w, block), interior, seen);
}

static void follow(const struct arrow *list, size_t count, const bool *lost, int block, bool *seen)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].from == block && lost[list[i].to] && !seen[list[i].to]) {
            seen[list[i].to] = true;
            follow(list, count, lost, list[i].to, seen);
        }
    }
}

static void roots_of(const struct world *w, const struct arrow *list, size_t count, bool interior, bool *seen)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].from < 0 && (interior || list[i].start))
            visit(w, list, count, list[i].to, interior, seen);
    }
    for (uint32_t b = 0; b < w->n; b++) {
        if ((w->blocks[b].flags & REACH_NODE_MMAP) != 0 ||
            ((w->blocks[b].flags & REACH_NODE_PURPOSE) != 0 && (w->input.without >> PROF_ROOT_PURPOSE & 1) == 0) ||
            ((w->blocks[b].flags & REACH_NODE_LOADER) != 0 && (w->input.without >> PROF_ROOT_LOADER & 1) == 0))
            visit(w, list, count, (int)b, interior, seen);
    }
}

/* leader: by block, of lost ones. */
static void oracle(const struct world *w, uint8_t *class_, int *leader)
{
    struct arrow list[2 * WORDS];
    size_t count = arrows(w, list);
    bool held[BLOCKS] = { false }, any[BLOCKS] = { false }, lost[BLOCKS];
    static bool leads[BLOCKS][BLOCKS];

    memset(leads, 0, sizeof leads);
    roots_of(w, list, count, false, held);
    roots_of(w, list, count, true, any);
    for (uint32_t b = 0; b < w->n; b++)
        lost[b] = !any[b];
    for (uint32_t b = 0; b < w->n; b++) {
        class_[b] = held[b] ? REACH_HELD : any[b] ? REACH_POSSIBLE : REACH_INDIRECT;
        leader[b] = -1;
        if (lost[b])
            follow(list, count, lost, (int)b, leads[b]);
    }
    // Blocks are in address order here: a leader is led to by nobody that it does not lead to, and the first of those.
    for (uint32_t b = 0; b < w->n; b++) {
        bool first = lost[b];
        for (uint32_t o = 0; o < w->n; o++)
            first = first && (o == b || !leads[o][b] || (leads[b][o] && o > b));
        if (!first)
            continue;
        class_[b] = REACH_LOST;
        leader[b] = (int)b;
    }
    for (uint32_t b = 0; b < w->n; b++) {
        for (uint32_t o = 0; o < w->n && leader[b] == (int)b; o++) {
            if (o != b && leads[b][o] && leader[o] < 0)
                leader[o] = (int)b;
        }
    }
}

/* ---- Random memories ---- */

static int by_address(const void *left, const void *right)
{
    const struct reach_node *a = left, *b = right;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : a->size > b->size ? -1 : 1;
}

static void add_area(struct world *w, enum trk_area_kind kind, uint64_t start, uint64_t size)
{
    struct prof_memory_area area = { .start = start, .size = size, .kind = kind, .tid = 7, .first = w->word_count };
    uint64_t addr = start, step = 1 + rnd(12);
    for (addr += 8 * rnd(4); addr + 8 <= start + size && w->word_count < WORDS - 4; addr += 8 * (1 + rnd(step))) {
        if (rnd(16) == 0)
            addr += 1 + rnd(7);
        if (addr + 8 > start + size)
            break;
        uint64_t value = HEAP + rnd(w->n * PAGE / 8 + 64);
        if (w->n > 0 && rnd(4) != 0) {
            const struct reach_node *to = &w->blocks[rnd(w->n)];
            value = to->start + (rnd(3) == 0 ? 8 * rnd(to->size / 8 + 2) : 0);
        }
        w->words[w->word_count++] = (struct prof_memory_word){ .at = addr, .value = value };
        for (unsigned how = 1; how < 3 && rnd(8) == 0 && w->word_count < WORDS - 4; how++) {
            uint64_t other = rnd(2) != 0 ? value - rnd(3) * 8 : HEAP + rnd(w->n * PAGE / 8 + 64);
            w->words[w->word_count++] = (struct prof_memory_word){ .at = addr, .how = how, .value = other };
        }
    }
    area.count = w->word_count - area.first;
    w->areas[w->area_count++] = area;
}

static void make(struct world *w)
{
    memset(w, 0, sizeof *w);
    uint64_t addr = HEAP;
    uint32_t want = (uint32_t)rnd(BLOCKS - 2);
    while (w->n < want) {
        uint64_t size = rnd(8) == 0 ? 0 : 8 * (1 + rnd(12));
        addr += 16 * rnd(3);
        w->blocks[w->n] = (struct reach_node){ .start = addr, .size = size, .id = w->n + 1 };
        if (rnd(24) == 0)
            w->blocks[w->n].flags = 2u << rnd(3); // PURPOSE, MMAP, LOADER
        w->n++;
        if (size >= 32 && rnd(4) == 0) { // one in it, at its start or behind
            w->blocks[w->n] = (struct reach_node){ .start = addr + 8 * rnd(2), .size = size - 16, .id = w->n + 1 };
            w->n++;
        }
        addr += size + 16;
    }
    uint64_t end = addr + 64;
    bool quiet = rnd(2) != 0; // few roots: much is lost
    if (rnd(3) == 0)
        add_area(w, TRK_AREA_REGISTERS, 0, quiet ? 16 : 200);
    add_area(w, rnd(8) == 0 ? TRK_AREA_MAPPED : TRK_AREA_ANON, HEAP, end - HEAP);
    for (unsigned kind = 0; kind < 4; kind++) {
        static const enum trk_area_kind kinds[] = { TRK_AREA_DATA, TRK_AREA_STACK, TRK_AREA_TLS, TRK_AREA_MAPPED };
        if (rnd(quiet ? 4 : 2) == 0)
            add_area(w, kinds[kind], 0x7000000 + kind * PAGE, quiet ? 32 : 256);
    }
    if (rnd(4) == 0) {
        w->regions[0] = (struct prof_root_region){ .start = HEAP + 8 * rnd(64), .size = 64 };
        w->region_count = 1;
    }
    w->freed = rnd(3) == 0 ? HEAP + 0x100 * rnd(8) : 0;
    w->object = rnd(2) == 0 ? 0 : 8;
    w->memory = (struct prof_memory){
        .areas = w->areas, .area_count = w->area_count, .words = w->words, .word_count = w->word_count
    };
    w->input = (struct reach_input){ .memory = &w->memory,
                                     .n = w->n,
                                     .regions = w->regions,
                                     .region_count = w->region_count,
                                     .starts = starts,
                                     .freed = freed,
                                     .ctx = w,
                                     .without = rnd(3) == 0 ? (uint32_t)rnd(1u << PROF_ROOT_COUNT_) : 0,
                                     .no_unaligned = rnd(3) == 0,
                                     .halves = 2 * rnd(4),
                                     .unrecorded = rnd(6) == 0 };
    qsort(w->blocks, w->n, sizeof *w->blocks, by_address);
}

static struct reach *run(struct world *w)
{
    struct reach *r;
    w->input.nodes = malloc((BLOCKS + 1) * sizeof *w->input.nodes);
    assert_non_null(w->input.nodes);
    for (uint32_t i = 0; i < w->n; i++) // in any order
        w->input.nodes[(i * 7 + 3) % w->n] = w->blocks[w->n % 7 == 0 ? (w->n - 1 - i) : i];
    if (w->n % 7 == 0)
        memcpy(w->input.nodes, w->blocks, w->n * sizeof *w->blocks);
    assert_null(reach_create(&w->input, &r));
    return r;
}

static uint32_t target(const struct world *w, const struct reach *r, const struct prof_memory_word *word)
{
    uint32_t node = reach_at(r, word->value);
    return node != GRAPH_NONE ? node : (uint32_t)behind(w, word->value);
}

/* The path tells words that exist and lead from a root to the node, step by step. */
static void check_path(const struct world *w, const struct reach *r, uint32_t v)
{
    uint32_t words[BLOCKS], node = GRAPH_NONE;
    size_t length = reach_path(r, v, words, BLOCKS);
    assert_in_range(length, 1, BLOCKS);
    for (size_t i = 0; i < length; i++) {
        if (words[i] == GRAPH_NONE) { // kept by itself, or the node before lies in this one
            node = i == 0 ? GRAPH_NONE : r->nodes[node].around;
            if (i == 0) {
                for (node = v; r->from[node] != GRAPH_NONE;)
                    node = r->from[node];
                assert_true(r->nodes[node].flags != 0);
            }
            continue;
        }
        const struct prof_memory_word *word = &w->words[words[i]];
        if (i > 0)
            assert_int_equal(reach_at(r, word->at), node);
        else
            assert_int_equal(r->place[words[i]] & REACH_PLACE_ROOT, r->root[v]);
        if (r->class_[v] == REACH_HELD)
            assert_true(r->place[words[i]] & REACH_PLACE_START);
        const struct prof_memory_area *area = reach_area(r, words[i]);
        assert_in_range(words[i], area->first, area->first + area->count - 1);
        node = target(w, r, word);
    }
    assert_int_equal(node, v);
    uint32_t ends[4];
    if (length > 4) {
        assert_int_equal(reach_path(r, v, ends, 4), length);
        assert_int_equal(ends[0], words[0]);
        assert_int_equal(ends[1], words[1]);
        assert_int_equal(ends[2], words[length - 2]);
        assert_int_equal(ends[3], words[length - 1]);
    }
}

/* Rows of holders are the edges and roots turned around. */
static void check_holders(const struct world *w, struct reach *r)
{
    assert_true(reach_holders(r));
    assert_true(reach_holders(r));
    size_t edges = r->n > 0 ? r->out.first[r->n] : 0, rows = r->n > 0 ? r->in.first[r->n] : 0;
    assert_int_equal(rows, edges + r->root_count);
    for (uint32_t v = 0; v < r->n; v++) {
        for (uint32_t e = r->in.first[v]; e < r->in.first[v + 1]; e++) {
            const struct prof_memory_word *word = &r->memory->words[r->in.label[e]];
            assert_int_equal(target(w, r, word), v);
            if (r->in.to[e] != GRAPH_NONE)
                assert_int_equal(reach_at(r, word->at), r->in.to[e]);
        }
    }
}

/* What stands in one place points once to each block, however it is read; and never weaker than it can be read. */
static void check_meanings(const struct world *w, const struct reach *r)
{
    for (size_t a = 0; a < w->area_count; a++) {
        const struct prof_memory_area *area = &w->areas[a];
        for (size_t i = area->first; i < area->first + area->count; i++) {
            for (size_t k = i + 1; k < area->first + area->count && w->words[k].at == w->words[i].at; k++)
                assert_true(r->target[i] == GRAPH_NONE || r->target[k] != r->target[i]);
        }
    }
}

static void test_random(void **state)
{
    uint64_t seen[REACH_INDIRECT + 1] = { 0 }, cycles = 0;
    (void)state;
    for (uint64_t round = 0; round < 6000; round++) {
        static struct world w;
        uint8_t class_[BLOCKS];
        int leader[BLOCKS];
        seed(round);
        make(&w);
        oracle(&w, class_, leader);
        struct reach *r = run(&w);
        assert_int_equal(r->n, w.n);
        for (uint32_t v = 0; v < r->n; v++) {
            assert_int_equal(r->nodes[v].id, w.blocks[v].id);
            int out = around(&w, (int)v);
            assert_int_equal(r->nodes[v].around, out < 0 ? GRAPH_NONE : (uint32_t)out);
            if (r->class_[v] != class_[v] || (leader[v] >= 0 && r->from[v] != (uint32_t)leader[v]))
                fail_msg("round %llu, block %u at 0x%llx: class %u from %u instead of %u from %d",
                         (unsigned long long)round, v, (unsigned long long)w.blocks[v].start, r->class_[v], r->from[v],
                         class_[v], leader[v]);
            seen[class_[v]]++;
            if (class_[v] == REACH_HELD || class_[v] == REACH_POSSIBLE)
                check_path(&w, r, v);
            else
                cycles += class_[v] == REACH_LOST && r->component_size[r->component[v]] > 1;
        }
        check_holders(&w, r);
        check_meanings(&w, r);
        reach_destroy(r);
    }
    // The worlds are worth it: every class is frequent.
    for (unsigned c = REACH_HELD; c <= REACH_INDIRECT; c++)
        assert_true(seen[c] > 2000);
    assert_true(cycles > 100);
}

/* The index against a search through all, with nodes far apart, close together, and large. */
static void test_index(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 200; round++) {
        enum { N = 200 };
        static struct world w;
        struct reach_node nodes[N];
        uint64_t addr = 0x10000;
        uint32_t n = 1 + (uint32_t)rnd(N);
        seed(round + 77);
        for (uint32_t i = 0; i < n; i++) {
            static const uint64_t gaps[] = { 0, 16, 100000, 1 << 20, UINT64_C(1) << 33 };
            uint64_t size = rnd(10) == 0 ? rnd(5 << 20) : rnd(64);
            addr += gaps[rnd(5)];
            nodes[i] = (struct reach_node){ .start = addr, .size = size, .id = i };
            addr += size != 0 ? size : 1;
        }
        memset(&w, 0, sizeof w);
        struct reach_index *index = reach_index_create(nodes, n);
        assert_non_null(index);
        for (int probe = 0; probe < 400; probe++) {
            uint32_t i = (uint32_t)rnd(n);
            uint64_t a = nodes[i].start + rnd(3) * (nodes[i].size / 2) + rnd(3) - 1;
            uint32_t want = GRAPH_NONE;
            for (uint32_t j = 0; j < n; j++) {
                if (a >= nodes[j].start && a < end_of(&nodes[j]))
                    want = j;
            }
            assert_int_equal(reach_index_at(index, a), want);
        }
        assert_int_equal(reach_index_at(index, 0), GRAPH_NONE);
        assert_int_equal(reach_index_at(index, UINT64_MAX), GRAPH_NONE);
        reach_index_destroy(index);
    }
}

/* A list of a million blocks, held and lost: no recursion, and its path is cut in the middle. */
static void test_long(void **state)
{
    const uint32_t n = 1000000;
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct reach_node *nodes = malloc(n * sizeof *nodes);
        struct prof_memory_word *words = malloc((n + 1) * sizeof *words);
        assert_true(nodes != NULL && words != NULL);
        for (uint32_t i = 0; i < n; i++) {
            nodes[i] = (struct reach_node){ .start = HEAP + 32 * (uint64_t)i, .size = 24, .id = i + 1 };
            words[i + 1] = (struct prof_memory_word){ .at = nodes[i].start, .value = nodes[i].start + 32 };
        }
        words[0] = (struct prof_memory_word){ .at = 0x1000, .value = held != 0 ? HEAP : 0 };
        struct prof_memory_area areas[] = {
            { .start = 0x1000, .size = 8, .kind = TRK_AREA_DATA, .first = 0, .count = 1 },
            { .start = HEAP, .size = 32 * (uint64_t)n, .kind = TRK_AREA_ANON, .first = 1, .count = n }
        };
        struct prof_memory memory = { .areas = areas, .area_count = 2, .words = words, .word_count = n + 1 };
        struct reach_input input = { .memory = &memory, .nodes = nodes, .n = n };
        struct reach *r;
        assert_null(reach_create(&input, &r));
        assert_int_equal(r->count[REACH_HELD], held != 0 ? n : 0);
        assert_int_equal(r->count[REACH_LOST], held != 0 ? 0 : 1);
        assert_int_equal(r->count[REACH_INDIRECT], held != 0 ? 0 : n - 1);
        assert_int_equal(r->bytes[REACH_INDIRECT], held != 0 ? 0 : 24 * (uint64_t)(n - 1));
        uint32_t path[8];
        if (held != 0) {
            assert_int_equal(reach_path(r, n - 1, path, 8), n);
            assert_int_equal(path[0], 0);
            assert_int_equal(path[7], n - 1);
        }
        reach_destroy(r);
        free(words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_index),
                                        cmocka_unit_test(test_long) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
