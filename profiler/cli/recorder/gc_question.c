/* gc_question.c: a thread asks about generations, cycles and who refers to whom (trk_gc_*).
 *
 * The driver of generations obeys the commands in the trace, so their state is a function of it: a helper can begin
 * anew at any moment, and whoever replays the trace later sees the same. */
#include "private.h"

#include <stdlib.h>

#include <prof/gc.h>
#include <prof/graph.h>
#include <prof/heap.h>
#include <prof/symbol.h>
#include <track/track.h>

_Static_assert((int)PROF_LINK_SLOT == TRK_GC_SLOT && (int)PROF_LINK_HOLDER == TRK_GC_HOLDER &&
                   (int)PROF_LINK_ADOPTED == TRK_GC_ADOPTED && (int)PROF_LINK_POINTER == TRK_GC_POINTER &&
                   (int)PROF_LINK_WEAK == TRK_GC_WEAK,
               "one is the other");

/* What an answer is made of. */
struct telling {
    struct question_telling *from;
    uint32_t kind;
    const uint64_t *arg;
    struct prof_heap *heap;
    struct prof_gc *gc;
    struct question_answer answer;
    PROF_VEC(uint64_t) list;
    bool no_memory;
};

static void list(struct telling *t, uint64_t word)
{
    t->no_memory |= !prof_vec_push(&t->list, word);
}

/* ---- Of generations ---- */

static bool is_alive(const struct telling *t, prof_obj_id id)
{
    return id != 0 && prof_heap_obj(t->heap, id)->state != PROF_OBJ_DEAD;
}

static void each_object(void *ctx, prof_obj_id id)
{
    struct telling *t = ctx;
    list(t, prof_heap_obj(t->heap, id)->addr);
}

static void each_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    each_object(ctx, garbage->obj);
}

static bool tell_pass(struct telling *t)
{
    const struct prof_gc_commands *commands = &t->from->commands;
    const struct prof_gc_pass *pass = &commands->pass;
    t->answer.numbers[0] = pass->collected + pass->uncollectable;
    t->answer.numbers[1] = pass->uncollectable;
    return commands->number != 0 && commands->error == NULL;
}

static void tell_stats(struct telling *t)
{
    struct prof_gc_stats stats[PROF_GC_GENERATIONS];
    prof_gc_stats(t->gc, stats);
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++) {
        uint64_t *to = t->answer.numbers + i * sizeof(struct trk_gc_stats) / sizeof(uint64_t);
        to[0] = stats[i].collections;
        to[1] = stats[i].collected;
        to[2] = stats[i].uncollectable;
        to[3] = stats[i].candidates;
    }
}

static void tell_object(struct telling *t, uint64_t addr)
{
    prof_obj_id id = prof_heap_obj_by_addr(t->heap, addr);
    if (!is_alive(t, id)) {
        t->answer.answer = TRK_NO;
        return;
    }
    t->answer.numbers[0] = prof_gc_is_tracked(t->gc, id);
    t->answer.numbers[1] = prof_gc_is_finalized(t->gc, id);
    t->answer.numbers[2] = (uint64_t)prof_gc_generation(t->gc, id) + 1;
}

/* Which questions need the generations? The others are about the heap as it is. */
static bool is_of_generations(uint32_t kind)
{
    return kind < TRK_ASK_GC_REFCOUNT || kind == TRK_ASK_GC_GARBAGE || kind == TRK_ASK_GC_OBJECTS;
}

static bool tell_generations(struct telling *t)
{
    uint32_t count[PROF_GC_GENERATIONS];
    switch (t->kind) {
    case TRK_ASK_GC_COLLECT:
        return tell_pass(t);
    case TRK_ASK_GC_COUNT:
        prof_gc_count(t->gc, count);
        for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++)
            t->answer.numbers[i] = count[i];
        return true;
    case TRK_ASK_GC_STATS:
        tell_stats(t);
        return true;
    case TRK_ASK_GC_FREEZE_COUNT:
        t->answer.numbers[0] = prof_gc_freeze_count(t->gc);
        return true;
    case TRK_ASK_GC_OBJECT:
        tell_object(t, t->arg[0]);
        return true;
    case TRK_ASK_GC_GARBAGE:
        if (prof_gc_garbage(t->gc, each_garbage, t) != NULL)
            return false;
        break;
    case TRK_ASK_GC_OBJECTS: {
        int64_t generation = (int64_t)t->arg[0];
        if (generation < -1 || generation >= PROF_GC_GENERATIONS ||
            prof_gc_objects(t->gc, (int)generation, each_object, t) != NULL)
            return false;
        break;
    }
    default:
        return false;
    }
    t->answer.numbers[0] = t->list.count;
    return true;
}

/* ---- Of the graph ---- */

static enum trk_gc_root root_of(enum prof_root_kind kind)
{
    switch (kind) {
    case PROF_ROOT_NONE:
        return TRK_GC_NO_ROOT;
    case PROF_ROOT_GLOBAL:
        return TRK_GC_GLOBAL;
    case PROF_ROOT_TLS:
        return TRK_GC_THREAD_LOCAL;
    case PROF_ROOT_STACK:
    case PROF_ROOT_REGISTER:
        return TRK_GC_STACK;
    case PROF_ROOT_REGION:
        return TRK_GC_REGION;
    default:
        return TRK_GC_UNKNOWN;
    }
}

static uint64_t address_of(const struct telling *t, const struct prof_graph *graph, prof_node node)
{
    prof_obj_id obj = node != PROF_NODE_NONE ? prof_graph_obj(graph, node) : 0;
    if (node == PROF_NODE_NONE)
        return 0;
    return obj != 0 ? prof_heap_obj(t->heap, obj)->addr : prof_heap_block(t->heap, prof_graph_block(graph, node))->addr;
}

/* An object by its pointer, else a plain block by its first byte. */
static prof_node node_at(const struct telling *t, const struct prof_graph *graph, uint64_t addr)
{
    prof_obj_id obj = prof_heap_obj_by_addr(t->heap, addr);
    prof_node node = is_alive(t, obj) ? prof_graph_of_obj(graph, obj) : PROF_NODE_NONE;
    prof_block_id block = node == PROF_NODE_NONE ? prof_heap_block_at(t->heap, addr) : 0;
    if (block == 0 || prof_heap_block(t->heap, block)->addr != addr)
        return node;
    node = prof_graph_of_block(graph, block);
    return node != PROF_NODE_NONE && prof_graph_block(graph, node) != 0 ? node : PROF_NODE_NONE;
}

static void list_link(struct telling *t, const struct prof_graph *graph, const struct prof_link *link, prof_node other)
{
    list(t, address_of(t, graph, other));
    list(t, link->at);
    list(t, (uint64_t)link->kind | (uint64_t)root_of(link->root) << 32);
}

static void tell_refcount(struct telling *t, const struct prof_graph *graph, prof_node node)
{
    const struct prof_refcount r = prof_graph_refcount(graph, node);
    const int64_t numbers[] = { r.count, r.heap, r.roots, r.stacks, r.anonymous + r.gone, r.unaccounted, r.observed };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        t->answer.numbers[i] = (uint64_t)numbers[i];
}

static bool tell_size(struct telling *t, struct prof_graph *graph, prof_node node, uint64_t limit)
{
    const struct prof_node_size s = prof_graph_size(graph, node);
    uint64_t *to = t->answer.numbers;
    to[0] = s.flat;
    to[1] = s.usable;
    to[2] = s.chunk;
    to[3] = s.item;
    to[4] = s.items;
    return prof_graph_deep(graph, node, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX, &to[5], &to[6]) == NULL &&
           prof_graph_retained_by(graph, &node, 1, &to[7], &to[8]) == NULL;
}

static bool tell_graph(struct telling *t)
{
    struct prof_graph *graph;
    if (!rec_question_symbols(t->from) || prof_gc_graph(t->gc, t->from->symbols, &graph) != NULL)
        return false;
    prof_node node = node_at(t, graph, t->arg[0]);
    bool lists = t->kind == TRK_ASK_GC_REFERRERS || t->kind == TRK_ASK_GC_REFERENTS;
    if (node == PROF_NODE_NONE || (t->kind == TRK_ASK_GC_REFCOUNT && prof_graph_obj(graph, node) == 0)) {
        t->answer.answer = lists ? TRK_YES : TRK_NO;
        return true;
    }
    if (t->kind == TRK_ASK_GC_REFCOUNT)
        tell_refcount(t, graph, node);
    else if (t->kind == TRK_ASK_GC_SIZE)
        return tell_size(t, graph, node, t->arg[1]);
    bool in = t->kind == TRK_ASK_GC_REFERRERS;
    uint32_t count = !lists ? 0 : in ? prof_graph_referrers(graph, node) : prof_graph_referents(graph, node);
    for (uint32_t i = 0; i < count; i++) {
        const struct prof_link link = in ? prof_graph_referrer(graph, node, i) : prof_graph_referent(graph, node, i);
        list_link(t, graph, &link, in ? link.from : link.to);
    }
    if (lists)
        t->answer.numbers[0] = count;
    return true;
}

bool rec_question_follow(struct question_telling *t)
{
    const struct prof_gc_options options = { .event = prof_gc_obey, .event_ctx = &t->commands };
    if (prof_gc_create(&options, &t->gc) != NULL)
        return false;
    t->options = (struct prof_heap_options){ .keep_type_sites = true, .follow = prof_gc_follow(t->gc) };
    return true;
}

bool rec_question_wants_symbols(uint32_t kind)
{
    return rec_question_is_leak_check(kind) || !is_of_generations(kind);
}

bool rec_question_symbols(struct question_telling *t)
{
    const struct prof_symbols_options options = { 0 };
    return t->symbols != NULL || prof_symbols_create(t->trace, &options, &t->symbols) == NULL;
}

bool rec_gc_tell(struct question_telling *from, uint32_t kind, const uint64_t arg[2])
{
    struct telling t = {
        .from = from, .kind = kind, .arg = arg, .heap = from->heap, .gc = from->gc, .answer = { .answer = TRK_YES }
    };
    bool ok = (is_of_generations(kind) ? tell_generations(&t) : tell_graph(&t)) && !t.no_memory &&
              rec_question_put(from, &t.answer, sizeof t.answer) &&
              rec_question_put(from, t.list.items, t.list.count * sizeof t.list.items[0]);
    prof_vec_deinit(&t.list);
    return ok;
}

/* ---- The recorder ---- */

void rec_gc_init(struct gc_settings *settings)
{
    struct prof_gc *gc;
    uint32_t threshold[PROF_GC_GENERATIONS] = { 0 };
    struct prof_error *error = prof_gc_create(NULL, &gc);
    if (error == NULL) {
        prof_gc_threshold(gc, threshold);
        prof_gc_destroy(gc);
    }
    prof_error_destroy(error);
    *settings = (struct gc_settings){ .enabled = 1 };
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++)
        settings->threshold[i] = threshold[i];
}

void rec_gc_note(struct proc *proc, unsigned command, uint64_t arg, uint64_t value)
{
    struct gc_settings *gc = &proc->gc;
    switch (command) {
    case TRK_GC_DO_ENABLE:
        gc->enabled = arg != 0;
        break;
    case TRK_GC_DO_THRESHOLD:
        gc->threshold[0] = arg < UINT32_MAX ? arg : UINT32_MAX;
        gc->threshold[1] = (uint32_t)value;
        gc->threshold[2] = value >> 32;
        break;
    case TRK_GC_DO_DEBUG:
        gc->debug = arg;
        break;
    default:
        break;
    }
}
