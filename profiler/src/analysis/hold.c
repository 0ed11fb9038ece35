/* hold.c: the words of the last checkpoint to the objects and blocks they stand in and point to; what roots reach. */
#include "group.h"
#include "hold.h"

#include <stdlib.h>

#include <track/track.h>

/* ---- Resolving --------------------------------------------------------------------------------------------------- */

uint32_t hold_node_of(struct analysis *a, uint32_t node, uint64_t addr)
{
    const struct reach_node *n = &a->reach->nodes[node];
    const struct prof_block *block = n->flags & REACH_NODE_OBJECT ? NULL : prof_heap_block(a->heap, n->id);
    prof_obj_id obj = block == NULL ? n->id : 0;

    if (block != NULL && (block->flags & PROF_BLOCK_HAS_OBJECT) != 0) {
        obj = prof_heap_obj_at(a->heap, addr);
        if (obj == 0 && (n->flags & REACH_NODE_MMAP) == 0)
            obj = block->first_obj;
    }
    if (obj != 0)
        return prof_heap_obj(a->heap, obj)->born_us <= a->hold->memory->at_us ? obj : GRAPH_NONE;
    return block == NULL || (n->flags & REACH_NODE_MMAP) != 0 ? GRAPH_NONE : a->n + n->id;
}

/* A pointer that is told to be weak keeps nothing, and stands for nothing: it is no word, but it exists. */
static bool add_word(struct analysis *a, uint32_t index, uint32_t from, uint8_t kind)
{
    struct hold *hold = a->hold;
    const struct prof_memory_word *w = &hold->memory->words[index];
    struct hold_word word = { .index = index, .from = GRAPH_NONE, .kind = kind };

    word.to = hold_node_of(a, a->reach->target[index], w->value);
    if (word.to == GRAPH_NONE)
        return true;
    if (word.to < hold->objects && map_get(&hold->weak, map_mix(w->at, word.to)) != UINT32_MAX) {
        hold->facts[word.to].words++;
        return true;
    }
    if (kind == HOLD_NODE) {
        word.from = hold_node_of(a, from, w->at);
        word.kind = word.from != GRAPH_NONE ? HOLD_NODE : HOLD_ROOT;
    }
    word.start =
        word.to < hold->objects && w->at % 8 == 0 && hold_points_to_start(prof_heap_obj(a->heap, word.to), w->value);
    return prof_vec_push(&hold->words, word);
}

static void add_weak(void *ctx, const struct prof_weak *weak)
{
    struct hold *hold = ctx;

    hold->failed = hold->failed || !map_put(&hold->weak, map_mix(weak->slot, weak->obj), 0);
}

/* What stands in blocks first, in the order of addresses, then what stands in roots. */
static bool resolve(struct analysis *a, struct hold *hold)
{
    const struct reach *r = a->reach;

    prof_heap_weak_each(a->heap, add_weak, hold);
    if (hold->failed)
        return false;
    for (uint32_t v = 0; v < r->n; v++) {
        for (uint32_t e = r->out.first[v]; e < r->out.first[v + 1]; e++) {
            uint32_t word = r->out.label[e];
            if ((r->place[word] & REACH_PLACE_ROOT) == 0 && !add_word(a, word, v, HOLD_NODE))
                return false;
        }
    }
    for (size_t i = 0; i < r->root_count; i++) {
        uint32_t word = r->root_word[i];
        unsigned kind = r->place[word] & REACH_PLACE_ROOT;
        bool stack = kind == PROF_ROOT_STACK || kind == PROF_ROOT_REGISTER;
        if (!add_word(a, word, GRAPH_NONE, stack ? HOLD_STACK : HOLD_ROOT))
            return false;
    }
    return hold->words.count < HOLD_WORD;
}

/* Counting sort by target; within one the order of addresses stays. */
static bool sort_words(struct hold *hold)
{
    struct hold_word *sorted = malloc((hold->words.count + 1) * sizeof *sorted);

    hold->row = calloc((size_t)hold->nodes + 2, sizeof *hold->row);
    if (sorted == NULL || hold->row == NULL) {
        free(sorted);
        return false;
    }
    for (size_t i = 0; i < hold->words.count; i++)
        hold->row[hold->words.items[i].to + 2]++;
    for (uint32_t v = 0; v < hold->nodes; v++)
        hold->row[v + 2] += hold->row[v + 1];
    for (size_t i = 0; i < hold->words.count; i++)
        sorted[hold->row[hold->words.items[i].to + 1]++] = hold->words.items[i];
    free(hold->words.items);
    hold->words.items = sorted;
    hold->words.room = hold->words.count + 1;
    return true;
}

/* ---- Reach ------------------------------------------------------------------------------------------------------- */

/* Stacks end with the program: what only they point to, nobody releases any more. */
static bool is_live_kind(const struct analysis *a, const struct hold_word *word)
{
    return word->kind == HOLD_ROOT || (word->kind == HOLD_STACK && !a->ended);
}

static bool reach(struct analysis *a, struct hold *hold, const struct graph_edge *slots, size_t slot_count,
                  const uint8_t *held)
{
    PROF_VEC(struct graph_edge) edges = { 0 };
    PROF_VEC(uint32_t) seeds = { 0 };
    struct graph graph = { 0 };
    uint32_t *from = malloc(((size_t)hold->nodes + 1) * sizeof *from);
    bool good = from != NULL && prof_vec_reserve(&edges, slot_count + hold->words.count) && prof_vec_reserve(&seeds, 1);

    for (size_t i = 0; good && i < slot_count; i++)
        edges.items[edges.count++] = slots[i];
    for (uint32_t v = 0; good && v < hold->objects; v++)
        good = !held[v] || prof_vec_push(&seeds, v);
    for (size_t i = 0; good && i < hold->words.count; i++) {
        const struct hold_word *word = &hold->words.items[i];
        if (word->kind == HOLD_NODE)
            edges.items[edges.count++] = (struct graph_edge){ word->from, word->to, 0 };
        else if (is_live_kind(a, word))
            good = prof_vec_push(&seeds, word->to);
    }
    for (uint32_t v = 0; good && v < hold->nodes; v++)
        from[v] = GRAPH_NONE;
    good = good && graph_init(&graph, hold->nodes, edges.items, edges.count) &&
           graph_reach(&graph, NULL, seeds.items, seeds.count, from);
    for (uint32_t v = 0; good && v < hold->nodes; v++)
        hold->reached[v] = from[v] != GRAPH_NONE;
    for (size_t i = 0; good && i < hold->words.count; i++) {
        struct hold_word *word = &hold->words.items[i];
        word->live = word->kind == HOLD_NODE ? hold->reached[word->from] != 0 : is_live_kind(a, word);
    }
    graph_deinit(&graph);
    prof_vec_deinit(&edges);
    prof_vec_deinit(&seeds);
    free(from);
    return good;
}

bool hold_is_zero(const struct analysis *a, prof_obj_id id)
{
    const struct hold_facts *facts = a->hold != NULL ? &a->hold->facts[id] : NULL;
    return prof_heap_obj(a->heap, id)->state == PROF_OBJ_ZERO || (facts != NULL && facts->zero && !facts->reached);
}

/* A word in a recorded slot of its object is that reference already. */
static bool mark_recorded(struct analysis *a, struct hold *hold)
{
    struct map slots = { 0 };
    bool good = true;

    for (prof_obj_id id = 1; good && id < hold->objects; id++) {
        if (hold->facts[id].anonymous + hold->facts[id].gone == 0 || hold->row[id] == hold->row[id + 1])
            continue;
        for (uint32_t i = prof_heap_obj(a->heap, id)->first_open; good && i != 0;) {
            const struct prof_open *open = prof_heap_open(a->heap, i);
            if (open->kind == PROF_OPEN_SLOT && !hold_is_stale(hold, open))
                good = map_put(&slots, hold_slot_key(open), 0);
            i = open->next;
        }
    }
    for (size_t i = 0; good && i < hold->words.count; i++) {
        struct hold_word *word = &hold->words.items[i];
        uint64_t at = hold->memory->words[word->index].at;
        if (word->start && map_get(&slots, map_mix(at, word->to)) != UINT32_MAX)
            word->start = false;
    }
    map_deinit(&slots);
    return good;
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static int compare_count(const void *key, const void *element)
{
    uint64_t addr = *(const uint64_t *)key;
    const struct trk_memory_count *count = element;
    return addr < count->addr ? -1 : addr > count->addr;
}

/* References whose variable is no more. A local variable is no such: it was to end. */
static bool count_gone(struct analysis *a, const struct prof_obj *obj, uint32_t *ret)
{
    *ret = 0;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(a->heap, i);
        struct owner owner;
        i = open->next;
        if ((open->flags & (PROF_OPEN_HOLDER_FREED | PROF_OPEN_OVERWRITTEN)) == 0 || !untold_owns(a, open))
            continue;
        if (!owner_unnamed(a, open, &owner))
            return false;
        *ret += owner.kind == OWNER_FREED || owner.kind == OWNER_OVERWRITTEN;
    }
    return true;
}

static bool was_there(const struct analysis *a, const struct prof_obj *obj)
{
    return obj->born_us <= a->hold->memory->at_us &&
           (obj->block == 0 || (prof_heap_block(a->heap, obj->block)->flags & PROF_BLOCK_EXAMINED) != 0);
}

/* Compares the object's own count with what events make of it. */
static void read_count(const struct prof_memory *m, const struct prof_obj *obj, struct hold_facts *facts)
{
    bool still = m->rung == TRK_RUNG_STOPPED || m->single;
    const struct trk_memory_count *count =
        m->count_count > 0 ? bsearch(&obj->addr, m->counts, m->count_count, sizeof *m->counts, compare_count) : NULL;

    if (count == NULL || (obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_COUNTED)) == PROF_OBJ_SKEWED ||
        (!still && obj->last_us + HOLD_CLOCK_STEP_US > m->at_us))
        return;
    int64_t difference;
    /* A trace may hold any number. */
    facts->no_count = count->count == TRK_MEMORY_NO_COUNT ||
                      __builtin_sub_overflow(count->count, obj->count, &difference) || difference < INT32_MIN / 2 ||
                      difference > INT32_MAX / 2;
    if (facts->no_count)
        return;
    facts->counted = true;
    facts->zero = count->count == 0 && obj->state == PROF_OBJ_ALIVE;
    facts->unaccounted = (int32_t)difference;
    facts->unowned += difference;
}

static bool examine(struct analysis *a, struct hold *hold)
{
    const struct prof_memory *m = hold->memory;

    for (prof_obj_id id = 1; id < hold->objects; id++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, id);
        struct hold_facts *facts = &hold->facts[id];
        if ((obj->state != PROF_OBJ_ALIVE && obj->state != PROF_OBJ_ZERO) || obj->last_us > m->at_us ||
            !was_there(a, obj))
            continue;
        facts->examined = true;
        if (!count_gone(a, obj, &facts->gone))
            return false;
        if (obj->state == PROF_OBJ_ALIVE)
            facts->unowned = group_anonymous(a, obj) + facts->gone;
        read_count(m, obj, facts);
        /* Counted in place down to 0, where its end was not told either. */
        if (facts->zero && (prof_heap_type(a->heap, obj->type)->flags & TRK_TYPE_INLINE) != 0) {
            facts->zero = facts->examined = false;
            a->fate[id] = FATE_NONE;
        }
    }
    return true;
}

/* When it is known which slots are stale. */
static void split_unowned(struct hold *hold)
{
    for (prof_obj_id id = 1; id < hold->objects; id++) {
        struct hold_facts *facts = &hold->facts[id];
        uint32_t unowned = facts->unowned > 0 ? (uint32_t)facts->unowned : 0;
        if (facts->gone > unowned)
            facts->gone = unowned;
        facts->anonymous = unowned - facts->gone;
    }
}

/* The main thread has left its functions when a program ends. Others were stopped in the middle of what they did. */
static bool of_running_thread(const struct analysis *a, const struct hold_word *word)
{
    return word->kind == HOLD_STACK && a->ended && reach_area(a->reach, word->index)->tid != a->main_tid;
}

static void count_words(struct analysis *a, struct hold *hold)
{
    for (uint32_t v = 1; v < hold->objects; v++) {
        struct hold_facts *facts = &hold->facts[v];
        if (!facts->examined)
            continue;
        facts->reached = hold->reached[v] != 0;
        for (uint32_t i = hold->row[v]; i < hold->row[v + 1]; i++) {
            const struct hold_word *word = &hold->words.items[i];
            bool self = word->from == v;
            if (!self)
                facts->words++;
            if (self && word->live) {
                facts->self += word->start;
            } else if (word->live) {
                if (word->start)
                    facts->live++;
                else
                    facts->middle++;
            } else if (!word->live && word->start && word->kind == HOLD_NODE) {
                facts->dead++;
            } else if (word->start && of_running_thread(a, word)) {
                facts->running++;
            }
        }
    }
}

struct prof_error *hold_make(struct analysis *a, struct graph_edges *slots, uint8_t *held)
{
    struct hold *hold = calloc(1, sizeof *hold);
    if (hold == NULL)
        return prof_error_memory();
    a->hold = hold;
    hold->memory = a->reach->memory;
    hold->objects = a->n;
    hold->nodes = a->nodes;
    hold->facts = calloc((size_t)a->n + 1, sizeof *hold->facts);
    hold->reached = calloc((size_t)hold->nodes + 1, 1);
    bool good = hold->facts != NULL && hold->reached != NULL && examine(a, hold) && resolve(a, hold) &&
                sort_words(hold) && hold_drop_stale(a, slots, held) && reach(a, hold, slots->items, slots->count, held);
    if (good)
        split_unowned(hold);
    good = good && mark_recorded(a, hold) && pair_learn(a, &hold->learned);
    if (!good)
        return prof_error_memory();
    count_words(a, hold);
    return NULL;
}

void hold_free(struct hold *hold)
{
    if (hold == NULL)
        return;
    prof_vec_deinit(&hold->words);
    pair_forget(&hold->learned);
    free(hold->row);
    free(hold->facts);
    free(hold->reached);
    free(hold->guess);
    map_deinit(&hold->stale);
    map_deinit(&hold->weak);
    map_deinit(&hold->owner_of_block);
    prof_vec_deinit(&hold->owners);
    free(hold);
}
