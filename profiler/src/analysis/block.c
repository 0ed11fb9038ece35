/* block.c: plain blocks that were not freed, by allocation stack. Memory, when it was read, tells which of them are
 * lost, with what only they hold, and what holds the others; those born since, or all of them without memory, are
 * `unfreed`: they never gate. What is held, and what is unfreed, is one total with its largest places, unless all leak
 * kinds are asked for. */
#include "analysis.h"
#include "suppress.h"

#include <prof/block.h>

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <base/large.h>

enum { BLOCK_PLACES_MAX = 64 };

struct place {
    enum prof_verdict verdict;
    uint32_t stack;
    uint32_t node; /* of the first one, GRAPH_NONE when memory says nothing of it */
    uint64_t blocks, bytes, addr, first_us, last_us;
    uint64_t size;               /* of the last one */
    const char *type;            /* of all of them, NULL: not known, or they differ */
    uint64_t more, more_bytes;   /* held by these only */
    uint64_t cycles, cycle_most; /* see struct prof_finding */
    bool asked, suppressed;      /* see will_be_suppressed */
    bool apart;                  /* see struct prof_finding */
    char fingerprint[20];
};
struct places {
    PROF_VEC(struct place) list;
    struct map of_stack, of_print;
    uint32_t *of_node; /* by node, lost ones of plain blocks: their place */
    struct map births; /* functions where objects are born, when some were left out */
};

bool block_is_plain(const struct prof_block *block)
{
    return (block->flags & PROF_BLOCK_ALIVE) != 0 && (block->flags & PROF_BLOCK_HAS_OBJECT) == 0 &&
           block->kind != TRK_ALLOC_MMAP && block->kind != TRK_ALLOC_BOOT && (block->flags & PROF_BLOCK_IGNORED) == 0;
}

/* The place of a stack; stacks whose first functions agree share one, when they allocate in the same line: fingerprints
 * must outlive edits, but who is to free something must know which line it is. */
static uint32_t place_of(struct analysis *a, struct places *places, enum prof_verdict verdict, bool apart,
                         uint32_t stack)
{
    uint64_t key = (uint64_t)apart << 63 | (uint64_t)verdict << 32 | stack;
    uint32_t at = map_get(&places->of_stack, key);
    if (at != UINT32_MAX)
        return at;
    struct place fresh = {
        .verdict = verdict, .apart = apart, .stack = stack, .node = GRAPH_NONE, .first_us = UINT64_MAX
    };
    fingerprint_make(a->symbols, verdict, "", stack, fresh.fingerprint);
    // Without symbols all functions of a module have one fingerprint; the site tells these apart, too.
    uint32_t site = site_of(a, stack);
    if (site == UINT32_MAX)
        return UINT32_MAX;
    uint64_t print = XXH64(fresh.fingerprint, strlen(fresh.fingerprint), a->sites.items[site].key) + apart;
    at = map_get(&places->of_print, print);
    if (at == UINT32_MAX) {
        at = (uint32_t)places->list.count;
        if (!map_put(&places->of_print, print, at) || !prof_vec_push(&places->list, fresh))
            return UINT32_MAX;
    }
    return map_put(&places->of_stack, key, at) ? at : UINT32_MAX;
}

/* node: GRAPH_NONE, memory says nothing. *ret: NULL, the block is none of those in the window that count. */
static bool add_type(struct analysis *a, struct place *place, const struct prof_block *block, prof_block_id id)
{
    struct prof_block_type type;
    char buf[512];

    if (place->blocks != 0 && (place->type == NULL || place->size == block->size))
        return true;
    place->size = block->size;
    if (!prof_block_type(a->heap, a->symbols, id, &type)) {
        place->type = NULL;
        return true;
    }
    prof_block_type_text(buf, sizeof buf, &type, 0);
    if (place->blocks != 0 && strcmp(buf, place->type) != 0) {
        place->type = NULL;
        return true;
    }
    if (place->type == NULL)
        place->type = prof_arena_strdup(a->arena, buf);
    return place->type != NULL;
}

static bool add_block(struct analysis *a, struct places *places, enum prof_verdict verdict, bool apart,
                      prof_block_id id, uint32_t node, struct place **ret)
{
    const struct prof_block *block = prof_heap_block(a->heap, id);

    *ret = NULL;
    if (!block_is_plain(block) || !in_window(a, block->born_us))
        return true;
    uint32_t at = place_of(a, places, verdict, apart, block->stack);
    if (at >= places->list.count) // UINT32_MAX: no memory
        return false;
    struct place *p = &places->list.items[at];
    if (!add_type(a, p, block, id))
        return false;
    if (p->blocks++ == 0) {
        p->addr = block->addr;
        p->node = node;
    }
    p->bytes += block->size;
    p->first_us = block->born_us < p->first_us ? block->born_us : p->first_us;
    p->last_us = block->born_us > p->last_us ? block->born_us : p->last_us;
    *ret = p;
    return true;
}

/* What suppressions ask about a place; *stack belongs to the answer. */
static struct suppress_facts facts_of(struct analysis *a, const struct place *place, struct suppress_stack *stack)
{
    *stack = (struct suppress_stack){ 0 };
    stack->count = prof_symbols_stack(a->symbols, place->stack, &stack->frames);
    stack->site = stack->count > 0 ? prof_symbols_inner(a->symbols, place->stack) : 0;
    return (struct suppress_facts){ .verdict = place->verdict,
                                    .type = "",
                                    .fingerprint = place->fingerprint,
                                    .objects = place->blocks,
                                    .bytes = place->bytes,
                                    .stacks = stack,
                                    .stack_count = 1 };
}

/* A place that a suppression names does not count; the suppression's use is counted. */
static bool suppressed(struct analysis *a, const struct place *place)
{
    struct suppress_stack stack;
    if (a->options->suppressions == NULL)
        return false;
    struct suppress_facts facts = facts_of(a, place, &stack);
    return suppress_match(a->options->suppressions, &facts) != NULL;
}

/* Will the finding of a place be suppressed? All its blocks are known. */
static bool will_be_suppressed(struct analysis *a, struct place *place)
{
    struct suppress_stack stack;
    if (a->options->suppressions == NULL || place->asked)
        return place->suppressed;
    struct suppress_facts facts = facts_of(a, place, &stack);
    place->asked = true;
    place->suppressed = suppress_would_match(a->options->suppressions, &facts);
    return place->suppressed;
}

/* ---- What memory says -------------------------------------------------------------------------------------------- */

/* What only something lost holds: folded into the finding of that, be it of blocks or of objects. Blocks of objects
 * with findings of their own are told there. A finding of indirectly lost ones is made when nothing that leads to them
 * is told, and when all leak kinds are asked for: but not of those that are lost with what a suppression names. */
static bool add_indirect(struct analysis *a, struct places *places, uint32_t node)
{
    const struct reach_node *n = &a->reach->nodes[node];
    uint32_t leader = a->reach->from[node], at = places->of_node[leader];
    const struct reach_node *first = &a->reach->nodes[leader];
    struct place *place = NULL;
    prof_obj_id obj = 0;

    const struct prof_block *block = n->flags & REACH_NODE_OBJECT ? NULL : prof_heap_block(a->heap, n->id);
    if (block == NULL || (block->flags & PROF_BLOCK_HAS_OBJECT) != 0)
        return true;
    if (at != UINT32_MAX) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): at is a place in the list */
        places->list.items[at].more++;
        places->list.items[at].more_bytes += block->size;
    } else {
        obj = first->flags & REACH_NODE_OBJECT ? first->id : prof_heap_block(a->heap, first->id)->first_obj;
        uint32_t finding = obj != 0 ? a->out->of[obj] : 0;
        if (finding != 0) {
            a->out->list.items[finding - 1].collateral_objects++;
            a->out->list.items[finding - 1].collateral_bytes += block->size;
            at = 0;
        }
    }
    if (at != UINT32_MAX &&
        (!a->options->leak_kinds_all || (obj == 0 && will_be_suppressed(a, &places->list.items[at]))))
        return true;
    return add_block(a, places, PROF_INDIRECT, at != UINT32_MAX, n->id, node, &place);
}

static bool add_examined(struct analysis *a, struct places *places)
{
    static const enum prof_verdict verdicts[] = {
        [REACH_HELD] = PROF_REACHABLE, [REACH_POSSIBLE] = PROF_POSSIBLE, [REACH_LOST] = PROF_LOST, [REACH_INDIRECT] = 0
    };
    const struct reach *r = a->reach;

    places->of_node = prof_large_malloc((size_t)r->n + 1, sizeof *places->of_node);
    if (places->of_node == NULL)
        return false;
    for (uint32_t v = 0; v < r->n; v++) {
        places->of_node[v] = UINT32_MAX;
        if (verdicts[r->class_[v]] == 0 || (r->nodes[v].flags & REACH_NODE_OBJECT) != 0)
            continue;
        struct place *place;
        enum prof_verdict verdict = verdicts[r->class_[v]];
        if (!add_block(a, places, verdict, verdict == PROF_REACHABLE, r->nodes[v].id, v, &place))
            return false;
        if (place == NULL || r->class_[v] != REACH_LOST)
            continue;
        uint32_t members = r->component_size[r->component[v]];
        places->of_node[v] = (uint32_t)(place - places->list.items);
        place->cycles += members > 1;
        if (members > 1 && members > place->cycle_most)
            place->cycle_most = members;
    }
    for (uint32_t v = 0; v < r->n; v++) {
        if (r->class_[v] == REACH_INDIRECT && !add_indirect(a, places, v))
            return false;
    }
    return true;
}

/* ---- Findings ---------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    int order = strcmp(a->fingerprint, b->fingerprint);
    return order != 0 ? order : a->stack < b->stack ? -1 : a->stack > b->stack;
}

/* Are its blocks, as far as the example tells, held by nothing but a vector register? */
static bool in_vector(const struct prof_finding *f)
{
    return f->verdict == PROF_POSSIBLE && f->root == PROF_ROOT_REGISTER && f->path_count > 0 &&
           f->path[0].at >= TRK_REGISTERS_VECTOR;
}

/* "3 blocks that nothing points to" */
static const char *sentence_of(struct analysis *a, const struct prof_finding *f)
{
    static const char *const words[PROF_VERDICT_COUNT_] = {
        [PROF_LOST] = "to which no pointer exists any more",
        [PROF_INDIRECT] = "to which only something lost still points",
        [PROF_POSSIBLE] = "held only through pointers into the middle of blocks",
        [PROF_REACHABLE] = "not freed, to which pointers still lead",
        [PROF_UNFREED] = "allocated and not freed",
    };
    unsigned long long blocks = (unsigned long long)f->objects, cycles = (unsigned long long)f->cycles;
    const char *s = blocks == 1 ? "" : "s";

    if (cycles == 0)
        return prof_arena_printf(a->arena, "%llu block%s %s", blocks, s,
                                 in_vector(f) ? "to which only a vector register still points" : words[f->verdict]);
    if (cycles == blocks)
        return prof_arena_printf(a->arena, "%llu cycle%s of blocks that only point at each other, %s%llu", cycles, s,
                                 blocks == 1 ? "of " : "the largest of ", (unsigned long long)f->cycle_most);
    return prof_arena_printf(
        a->arena, "%llu blocks to which nothing leads any more; %llu of them begin%s a cycle, %s%llu blocks", blocks,
        cycles, cycles == 1 ? "s" : "", cycles == 1 ? "of " : "the largest of ", (unsigned long long)f->cycle_most);
}

/* The functions in which objects are born. false without memory. */
static bool note_birth(struct analysis *a, struct map *functions, uint32_t stack)
{
    uint32_t site = stack != 0 ? site_of(a, stack) : 0;

    return stack == 0 || (site != UINT32_MAX && map_put(functions, a->sites.items[site].function, 1));
}

/* A recording of some objects (--objects, --types) has blocks without the objects that were left out in them: those
 * that are allocated where objects are born. */
static bool note_left_out(struct analysis *a, struct map *functions)
{
    const char *filter = prof_trace_info(prof_heap_trace(a->heap))->filter;
    const struct prof_type_site *list;
    size_t count = prof_heap_type_sites(a->heap, &list);
    bool good = true;

    if (strstr(filter, "objects=") == NULL && strstr(filter, "types=") == NULL)
        return true;
    for (prof_obj_id id = 1; good && id < prof_heap_obj_max(a->heap); id++)
        good = note_birth(a, functions, prof_heap_obj(a->heap, id)->stack);
    for (size_t i = 0; good && i < count; i++) {
        const struct prof_stack_stat *stat = prof_heap_stack_stat(a->heap, list[i].stack);
        good = stat == NULL || stat->births == 0 || note_birth(a, functions, list[i].stack);
    }
    return good;
}

static bool is_left_out(struct analysis *a, const struct map *births, const struct prof_finding *f)
{
    uint32_t site = f->born_stack != 0 ? site_of(a, f->born_stack) : UINT32_MAX;

    return site != UINT32_MAX && map_get(births, a->sites.items[site].function) != UINT32_MAX;
}

static void judge(struct analysis *a, const struct map *births, struct prof_finding *f)
{
    if (f->verdict != PROF_UNFREED && is_left_out(a, births, f)) {
        f->strength = PROF_SUSPECT;
        f->reasons = "the recording left objects out (--objects, --types), and these may be their memory";
        return;
    }
    if (f->verdict != PROF_UNFREED) {
        f->strength = reach_strength(a, &f->reasons);
        if (f->verdict == PROF_POSSIBLE) {
            f->strength = PROF_SUSPECT;
            f->reasons = in_vector(f) ? "such pointers may be left over" : "such pointers may be chance";
        }
        return;
    }
    f->strength = a->ended && a->lost == 0 ? PROF_PROVEN : PROF_SUSPECT;
    const char *cost, *not_read = a->reach == NULL ? reach_not_read(a, &cost) : NULL;
    f->reasons = !a->ended          ? a->not_ended
                 : a->lost > 0      ? "events were lost"
                 : a->reach != NULL ? "allocated or moved after memory had been read"
                 : not_read != NULL ? prof_arena_printf(a->arena, "not examined, because memory %s", not_read)
                                    : NULL;
}

static bool push(struct analysis *a, const struct map *births, struct prof_finding *f, uint32_t node)
{
    f->plain = true;
    if (node != GRAPH_NONE && !reach_tell_path(a, node, f))
        return false;
    f->sentence = sentence_of(a, f);
    judge(a, births, f);
    return f->sentence != NULL && prof_vec_push(&a->out->list, *f);
}

static bool push_place(struct analysis *a, const struct map *births, const struct place *p)
{
    struct prof_finding f = finding_blank(p->verdict, "");
    f.apart = p->apart;
    f.objects = p->blocks;
    f.bytes = p->bytes;
    f.collateral_objects = p->more;
    f.collateral_bytes = p->more_bytes;
    f.cycles = p->cycles;
    f.cycle_most = p->cycle_most;
    f.block_type = p->type;
    f.born_stack = f.place_stack = p->stack;
    f.sample_addr = p->addr;
    f.first_us = p->first_us;
    f.last_us = p->last_us;
    memcpy(f.fingerprint, p->fingerprint, sizeof f.fingerprint);
    return push(a, births, &f, p->node);
}

/* All places of a verdict as one finding. */
static bool push_total(struct analysis *a, const struct places *places, enum prof_verdict verdict)
{
    struct prof_finding f = finding_blank(verdict, "");
    struct prof_finding_site *sites = prof_arena_alloc(a->arena, BLOCK_PLACES_MAX * sizeof *sites);
    uint32_t node = GRAPH_NONE;

    if (sites == NULL)
        return false;
    f.total = true;
    f.first_us = UINT64_MAX;
    for (size_t i = 0; i < places->list.count; i++) {
        const struct place *p = &places->list.items[i];
        if (p->verdict != verdict || suppressed(a, p))
            continue;
        if (f.objects == 0) {
            f.born_stack = p->stack;
            f.sample_addr = p->addr;
            node = p->node;
        }
        f.objects += p->blocks;
        f.bytes += p->bytes;
        f.first_us = p->first_us < f.first_us ? p->first_us : f.first_us;
        f.last_us = p->last_us > f.last_us ? p->last_us : f.last_us;
        if (f.site_count < BLOCK_PLACES_MAX)
            sites[f.site_count++] =
                (struct prof_finding_site){ .stack = p->stack, .taken = p->blocks, .bytes = p->bytes };
    }
    f.sites = sites;
    if (f.objects == 0)
        return true;
    fingerprint_make(a->symbols, verdict, "", 0, f.fingerprint);
    return push(a, &places->births, &f, node);
}

static bool is_total(const struct analysis *a, enum prof_verdict verdict)
{
    return !a->options->leak_kinds_all && (verdict == PROF_UNFREED || verdict == PROF_REACHABLE);
}

struct prof_error *block_findings(struct analysis *a)
{
    struct places places = { 0 };
    struct place *place;
    bool good = note_left_out(a, &places.births) && (a->reach == NULL || add_examined(a, &places));

    for (prof_block_id id = 1; good && id < prof_heap_block_max(a->heap); id++) {
        const struct prof_block *block = prof_heap_block(a->heap, id);
        if (a->reach == NULL || (block->flags & PROF_BLOCK_EXAMINED) == 0)
            good = add_block(a, &places, PROF_UNFREED, true, id, GRAPH_NONE, &place);
    }
    if (good && places.list.count > 0) {
        qsort(places.list.items, places.list.count, sizeof *places.list.items, by_bytes);
        for (size_t i = 0; good && i < places.list.count; i++)
            good = is_total(a, places.list.items[i].verdict) || push_place(a, &places.births, &places.list.items[i]);
        if (!a->options->leak_kinds_all)
            good = good && push_total(a, &places, PROF_UNFREED) && push_total(a, &places, PROF_REACHABLE);
    }
    free(places.of_node);
    prof_vec_deinit(&places.list);
    map_deinit(&places.of_stack);
    map_deinit(&places.of_print);
    map_deinit(&places.births);
    return good ? NULL : prof_error_memory();
}
