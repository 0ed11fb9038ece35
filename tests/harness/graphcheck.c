/* graphcheck TRACE [SAMPLE]: does the object graph of a trace say the same as slow searches do? Of SAMPLE (200) nodes,
 * references and words each, spread over the trace: who holds a reference is searched among all objects and blocks,
 * pointers are looked for in the words of the checkpoint, what a node retains is what cannot be reached without it.
 * Prints figures and "agrees"; the first difference ends it with status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/graph.h>
#include <prof/memory.h>
#include <prof/trace.h>
#include <track/track.h>

static struct prof_heap *heap;
static struct prof_graph *graph;
static size_t sample = 200;
static uint32_t max;
static size_t told_checked, words_checked, retained_checked, splits_checked;

static void must(bool good, const char *what, uint64_t number)
{
    if (!good) {
        fprintf(stderr, "graphcheck: %s: %llx\n", what, (unsigned long long)number);
        exit(1);
    }
}

static void no_error(struct prof_error *error)
{
    must(error == NULL, error != NULL ? error->message : "", 0);
}

static void *room(size_t count, size_t bytes)
{
    void *made = calloc(count + 1, bytes);
    must(made != NULL, "no memory", count);
    return made;
}

/* ---- Both directions --------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 4 * sizeof(uint64_t));
}

struct row {
    uint64_t from, to, at, kind;
};

static void check_directions(void)
{
    size_t links = prof_graph_links(graph), out = 0, in = 0;
    struct row *forward = room(links, sizeof *forward), *backward = room(links, sizeof *backward);

    for (prof_node v = 0; v < max; v++) {
        for (uint32_t i = 0; i < prof_graph_referents(graph, v); i++) {
            struct prof_link link = prof_graph_referent(graph, v, i);
            must(link.from == v && prof_graph_has(graph, v) && prof_graph_has(graph, link.to), "wrong end", v);
            must(out < links, "more links than there are", out);
            forward[out++] = (struct row){ v, link.to, link.at, link.kind };
        }
        for (uint32_t i = 0; i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            must(link.to == v && prof_graph_has(graph, v), "wrong end", v);
            if (link.from != PROF_NODE_NONE)
                backward[in++] = (struct row){ link.from, v, link.at, link.kind };
        }
    }
    must(in == out, "as many referrers as referents", in);
    qsort(forward, out, sizeof *forward, by_bytes);
    qsort(backward, in, sizeof *backward, by_bytes);
    must(memcmp(forward, backward, in * sizeof *forward) == 0, "referrers are referents turned around", in);
    free(forward);
    free(backward);
}

/* ---- Who holds what was told ------------------------------------------------------------------------------------- */

/* The smallest live object or block around an address, by looking at all of them. */
static prof_node around(uint64_t addr)
{
    prof_node best = PROF_NODE_NONE;
    uint64_t size = UINT64_MAX;

    for (prof_node v = 0; v < max; v++) {
        if (!prof_graph_has(graph, v))
            continue;
        bool object = prof_graph_obj(graph, v) != 0;
        const struct prof_block *block = object ? NULL : prof_heap_block(heap, prof_graph_block(graph, v));
        const struct prof_obj *obj = object ? prof_heap_obj(heap, prof_graph_obj(graph, v)) : NULL;
        uint64_t start = object ? obj->start : block->addr, length = prof_graph_size(graph, v).flat;
        if (object && obj->block != 0 && obj->next_in_block == 0 && obj->prev_in_block == 0) {
            // The only object of its block has all of it.
            start = prof_heap_block(heap, obj->block)->addr;
            length = prof_heap_block(heap, obj->block)->size;
        }
        if (addr >= start && addr - start < length && length < size) {
            best = v;
            size = length;
        }
    }
    return best;
}

static void check_told(void)
{
    size_t all = 0, step;

    for (prof_node v = 0; v < max; v++)
        for (uint32_t i = 0; prof_graph_obj(graph, v) != 0 && i < prof_graph_referrers(graph, v); i++)
            all += prof_graph_referrer(graph, v, i).open != 0;
    step = all / sample + 1;
    all = 0;
    for (prof_node v = 0; v < max; v++) {
        for (uint32_t i = 0; prof_graph_obj(graph, v) != 0 && i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            if (link.open == 0 || link.gone || all++ % step != 0)
                continue;
            prof_node holder = around(link.at);
            must(link.from == holder, "who holds a reference that was told", link.at);
            must((link.root != PROF_ROOT_NONE) == (holder == PROF_NODE_NONE), "held by a node or a root", link.at);
            told_checked++;
        }
    }
}

static void check_splits(void)
{
    for (prof_node v = 0; v < max; v++) {
        if (!prof_graph_has(graph, v) || prof_graph_obj(graph, v) == 0)
            continue;
        struct prof_refcount rc = prof_graph_refcount(graph, v);
        int64_t opens = 0, births = 0;
        const struct prof_obj *obj = prof_heap_obj(heap, prof_graph_obj(graph, v));
        must(rc.count == rc.heap + rc.roots + rc.stacks + rc.gone + rc.anonymous, "sum of the split", v);
        for (uint32_t i = obj->first_open; i != 0; i = prof_heap_open(heap, i)->next)
            *(prof_heap_open(heap, i)->kind == PROF_OPEN_BIRTH ? &births : &opens) += 1;
        for (uint32_t i = 0; i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            opens -= link.open != 0;
        }
        must(opens == 0 || obj->state == PROF_OBJ_ZERO, "each open reference is a link", v);
        must(rc.anonymous >= 0 || (obj->flags & PROF_OBJ_SKEWED) != 0, "references without an owner", v);
        splits_checked++;
    }
}

/* ---- Pointers ---------------------------------------------------------------------------------------------------- */

/* Words in plain blocks that hold the start of a plain block are links, and links stand where words do. */
static void check_pointers(void)
{
    const struct prof_memory *memory = prof_heap_memory(heap);

    if (memory == NULL)
        return;
    size_t step = memory->word_count / (20 * sample) + 1; // few words are pointers from block to block
    for (size_t i = 0; i < memory->word_count; i += step) {
        uint64_t at = memory->words[i].at, value = memory->words[i].value;
        prof_node from = around(at), to = PROF_NODE_NONE;
        bool found = false;
        for (prof_node v = 0; v < max && to == PROF_NODE_NONE; v++)
            if (prof_graph_has(graph, v) && prof_graph_block(graph, v) != 0 &&
                prof_heap_block(heap, prof_graph_block(graph, v))->addr == value)
                to = v;
        if (from == PROF_NODE_NONE || from == to || to == PROF_NODE_NONE || prof_graph_block(graph, from) == 0 ||
            (prof_heap_block(heap, prof_graph_block(graph, from))->flags & PROF_BLOCK_EXAMINED) == 0 ||
            (prof_heap_block(heap, prof_graph_block(graph, to))->flags & PROF_BLOCK_EXAMINED) == 0 ||
            prof_heap_block(heap, prof_graph_block(graph, from))->kind == TRK_ALLOC_MMAP)
            continue;
        for (uint32_t k = 0; k < prof_graph_referents(graph, from); k++) {
            struct prof_link link = prof_graph_referent(graph, from, k);
            found = found || (link.at == at && link.to == to);
        }
        must(found, "a pointer that is no link", at);
        words_checked++;
    }
}

/* ---- What is retained -------------------------------------------------------------------------------------------- */

static bool retains(const struct prof_link *link)
{
    return prof_graph_obj(graph, link->to) != 0 ? prof_link_counted(link->kind) : link->kind != PROF_LINK_WEAK;
}

/* Bytes that the held nodes lead to without one of them. */
static uint64_t reached(const bool *held, prof_node without, bool *seen, prof_node *queue)
{
    size_t head = 0, tail = 0;
    uint64_t bytes = 0;

    memset(seen, 0, max * sizeof *seen);
    for (prof_node v = 0; v < max; v++) {
        seen[v] = held[v] && v != without;
        if (seen[v])
            queue[tail++] = v;
    }
    for (; head < tail; head++) {
        bytes += prof_graph_size(graph, queue[head]).flat;
        for (uint32_t i = 0; i < prof_graph_referents(graph, queue[head]); i++) {
            struct prof_link link = prof_graph_referent(graph, queue[head], i);
            if (link.to == without || seen[link.to] || !retains(&link))
                continue;
            seen[link.to] = true;
            queue[tail++] = link.to;
        }
    }
    return bytes;
}

static void check_retained(void)
{
    bool *held = room(max, sizeof *held), *seen = room(max, sizeof *seen);
    prof_node *queue = room(max, sizeof *queue);
    size_t nodes = 0;

    no_error(prof_graph_dominate(graph));
    for (int kind = 0; kind < PROF_ROOT_COUNT_; kind++)
        no_error(prof_graph_distances(graph, (enum prof_root_kind)kind));
    for (prof_node v = 0; v < max; v++) {
        bool away = true;
        for (int kind = 0; kind < PROF_ROOT_COUNT_; kind++) {
            uint32_t distance = prof_graph_distance(graph, (enum prof_root_kind)kind, v);
            held[v] = held[v] || distance == 1;
            away = away && distance == UINT32_MAX;
        }
        nodes += prof_graph_has(graph, v);
        // What no root leads to counts as held by itself.
        if (prof_graph_has(graph, v) && away && prof_graph_dominator(graph, v) == PROF_NODE_NONE)
            held[v] = true;
    }
    uint64_t all = reached(held, PROF_NODE_NONE, seen, queue);
    must(all == prof_graph_retained(graph, PROF_NODE_NONE), "what everything retains", all);
    size_t step = nodes / sample + 1;
    nodes = 0;
    for (prof_node v = 0; v < max; v++) {
        if (!prof_graph_has(graph, v) || nodes++ % step != 0)
            continue;
        uint64_t bytes = all - reached(held, v, seen, queue);
        must(bytes == prof_graph_retained(graph, v), "what a node retains", v);
        retained_checked++;
    }
    free(held);
    free(seen);
    free(queue);
}

int main(int argc, char **argv)
{
    struct prof_trace *trace;
    struct prof_symbols *symbols;

    must(argc > 1, "graphcheck TRACE [SAMPLE]", 0);
    if (argc > 2)
        sample = strtoul(argv[2], NULL, 10);
    no_error(prof_trace_open(argv[1], &trace));
    no_error(prof_symbols_create(trace, &(struct prof_symbols_options){ 0 }, &symbols));
    no_error(prof_heap_create(trace, &(struct prof_heap_options){ .keep_type_sites = true }, &heap));
    no_error(prof_graph_create(heap, symbols, NULL, &graph));
    max = prof_graph_max(graph);
    check_directions();
    check_told();
    check_splits();
    check_pointers();
    check_retained();
    printf("agrees: %zu links; looked at: %zu references, %zu counts, %zu words, %zu retained sizes\n",
           prof_graph_links(graph), told_checked, splits_checked, words_checked, retained_checked);
    prof_graph_destroy(graph);
    prof_heap_destroy(heap);
    prof_symbols_destroy(symbols);
    prof_trace_close(trace);
    return 0;
}
