/* put.c: the rows of a saved state as they are read: records go to their places, small lists into the heap, the rest
 * waits in struct restore. Checked is what a row can say wrong by itself. */
#include "restore.h"

#include <stdlib.h>
#include <string.h>

bool id_set_cover(id_set *set, uint32_t max)
{
    size_t count = (size_t)max / 8 + 1, old = set->count;
    if (count <= old)
        return true;
    if (!prof_vec_reserve(set, count - old))
        return false;
    memset(set->items + old, 0, count - old);
    set->count = count;
    return true;
}

static struct pool *pool_of(struct prof_heap *h, unsigned kind, struct restore *r, struct restored_pool **ret)
{
    struct pool *pools[POOLS] = { &h->blocks, &h->objs, &h->opens, &h->sites, &h->weaks };
    unsigned first = kind >= STATE_BLOCKS ? STATE_BLOCKS : STATE_FREE_BLOCKS;
    *ret = &r->pools[kind - first];
    return pools[kind - first];
}

/* Ids ascend, and every id below the largest is a row or in the free list, which has been read before: so few bytes
 * never make a large pool. */
static bool pool_room(struct prof_heap *h, struct restore *r, const struct section_def *def, const uint32_t *ids,
                      void **rows, size_t count, const char **ret_what)
{
    struct restored_pool *from;
    struct pool *pool = pool_of(h, def->kind, r, &from);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] <= from->last || ids[i] > from->rows + 1 + from->unused.count) {
            *ret_what = "ids of records are not in order";
            return false;
        }
        from->last = ids[i];
        from->rows++;
    }
    if (!pool_cover(pool, from->last + 1, def->bytes) || !id_set_cover(&from->used, from->last + 1)) {
        h->no_memory = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = (char *)pool->items + (size_t)ids[i] * def->bytes;
        memset(rows[i], 0, def->bytes);
        id_add(&from->used, ids[i]);
    }
    return true;
}

bool put_room(struct prof_heap *h, struct restore *r, const struct section_def *def, const uint32_t *ids, void **rows,
              size_t count, const char **ret_what)
{
    if (def->kind >= STATE_BLOCKS && def->kind <= STATE_WEAKS)
        return pool_room(h, r, def, ids, rows, count, ret_what);
    for (size_t i = 0; def->kind == STATE_TYPES && i < count; i++) {
        if (ids[i] >= TRK_TYPE_MAX) {
            *ret_what = "a type cannot exist";
            return false;
        }
        if (ids[i] >= h->type_max && !types_cover(h, ids[i] + 1)) {
            h->no_memory = true;
            return false;
        }
    }
    memset(r->scratch, 0, sizeof r->scratch);
    for (size_t i = 0; i < count; i++) {
        switch (def->kind) {
        case STATE_SCALARS:
            rows[i] = h;
            break;
        case STATE_OPS: /* those of newer programs are not told apart here */
            rows[i] = r->ops < TRK_OP_COUNT_ ? &h->totals.by_op[r->ops++] : &r->ignored;
            break;
        case STATE_TYPES:
            rows[i] = &h->types[ids[i]];
            break;
        default:
            rows[i] = r->scratch + i * def->bytes;
            break;
        }
    }
    return true;
}

#define PUSH(vec, ...) (prof_vec_push(vec, __VA_ARGS__) || (h->no_memory = true, false))

static const char *put_count(struct prof_heap *h, struct count_table *t, const struct row_count *row)
{
    if (row->type >= h->type_max)
        return "a counter belongs to no type";
    size_t before = t->count;
    struct count_entry *c = count_at(h, t, ((uint64_t)row->type + 1) << 32 | row->stack, row->low);
    if (c == NULL)
        return NULL;
    c->taken = row->taken;
    c->given = row->given;
    c->objects = row->objects;
    return t->count == before ? "a counter is there twice" : NULL;
}

static const char *put_moment(struct prof_heap *h, const struct row_moment *row)
{
    if (h->moment_count == sizeof h->moments / sizeof *h->moments || row->kind > 1 || row->ordinal > h->moment_now ||
        (h->moment_count > 0 && row->ordinal <= h->moments[h->moment_count - 1].ordinal))
        return "moments are not in order";
    const char *name = prof_trace_text(h->trace, row->text);
    h->moments[h->moment_count++] =
        (struct moment){ .pub = { row->kind == 0 ? name != NULL ? name : "" : NULL, row->at_us },
                         .text = row->text,
                         .ordinal = row->ordinal,
                         .kind = row->kind };
    return NULL;
}

static const char *put_moment_kind(struct prof_heap *h, uint32_t kind, const struct moment_kind *row)
{
    size_t kept = 0;
    if (kind > 1)
        return "a moment is of no kind";
    for (size_t i = 0; i < h->moment_count; i++)
        kept += h->moments[i].kind == kind;
    /* The stride doubles. Bounded, it always can. */
    if ((row->stride == 0 && row->seen != 0) || row->stride > UINT32_MAX || row->kept != kept || kept > MOMENTS_MAX)
        return "moments are not counted well";
    h->moment_kinds[kind] = *row;
    return NULL;
}

static bool between_moments(const struct prof_heap *h, uint32_t first, uint32_t last)
{
    return first <= last && last < h->moment_count;
}

static const char *put_death(struct prof_heap *h, const struct row_count *row)
{
    if (row->low > UINT16_MAX || !between_moments(h, row->low >> 8, row->low & UINT8_MAX))
        return "a death was between no moments";
    return put_count(h, &h->moment_deaths, row);
}

static const char *put_run(struct prof_heap *h, const struct moment_run *row)
{
    if (!between_moments(h, row->first, row->last))
        return "a number of blocks was between no moments";
    (void)PUSH(&h->moment_runs, *row);
    return NULL;
}

static const char *put_thread(struct prof_heap *h, struct restore *r, const struct row_thread *row)
{
    struct thread *th = NULL;
    HASH_FIND(hh, h->threads, &row->tid, sizeof row->tid, th);
    if (th != NULL)
        return "a thread is there twice";
    th = thread_find(h, row->tid);
    th->last_alloc = row->last_alloc;
    th->in_limbo = row->in_limbo;
    th->limbo_block = row->limbo_block;
    th->limbo_addr = row->limbo_addr;
    th->limbo_opens = row->limbo_opens;
    th->limbo_place = row->limbo_place;
    th->context_text = row->context_text;
    th->context_id = row->context_id;
    th->context = row->context;
    th->disabled = row->disabled;
    if (!h->no_memory)
        (void)PUSH(&r->threads, th);
    return NULL;
}

static const char *put_open_scope(struct prof_heap *h, struct restore *r, uint32_t thread,
                                  const struct row_open_scope *row)
{
    if (thread >= r->threads.count || row->index >= h->scopes.count || row->parent >= h->scopes.count)
        return "an open scope belongs to nothing";
    struct thread *th = r->threads.items[thread];
    struct open_scope scope = { .number = row->number,
                                .index = row->index,
                                .parent = row->parent,
                                .begin_us = row->begin_us,
                                .stack = row->stack,
                                .text = row->text,
                                .compact_at = row->compact_at };
    if (PUSH(&th->scopes, scope))
        (void)PUSH(&r->open_scopes, (struct open_at){ th, th->scopes.count - 1 });
    return NULL;
}

static const char *put_scope_birth(struct prof_heap *h, struct restore *r, uint32_t number,
                                   const struct scope_birth *row)
{
    if (number >= r->open_scopes.count)
        return "a birth belongs to no open scope";
    struct open_at at = r->open_scopes.items[number];
    (void)PUSH(&at.thread->scopes.items[at.at].births, *row);
    return NULL;
}

static const char *put_incident(struct prof_heap *h, const struct row_incident *row)
{
    if (row->pub.kind < PROF_INCIDENT_OVER_RELEASE || row->pub.kind > PROF_INCIDENT_WEAK_FREED ||
        row->recent_at >= INCIDENT_RECENT)
        return "an incident is of no kind";
    return incident_restore(h, &row->pub, row->type, row->recent, row->recent_at) ? NULL : "an incident is there twice";
}

static const char *put_finalizer(struct prof_heap *h, const struct row_finalizer *row)
{
    struct finalizer f = { .obj = row->obj, .count = row->count, .begin = row->begin, .ref = row->ref };
    return finalizer_restore(h, &f) ? NULL : "a destructor runs twice";
}

/* A context or a scope that other rows name by its place in the list. */
static const char *put_context(struct prof_heap *h, const struct row_context *row)
{
    const char *key = prof_trace_text(h->trace, row->text);
    struct context context = { .text = row->text, .users = row->users, .next_free = row->next_free };
    if (row->used)
        context.pub = (struct prof_context){ key != NULL ? key : "", row->id };
    if (h->contexts.count > 0 || PUSH(&h->contexts, (struct context){ 0 }))
        (void)PUSH(&h->contexts, context);
    return NULL;
}

static const char *put_scope(struct prof_heap *h, const struct row_scope *row)
{
    if (h->scopes.count > UINT16_MAX || row->parent >= h->scopes.count)
        return "scopes are not in order";
    const char *name = prof_trace_text(h->trace, row->pub.text);
    struct prof_scope scope = row->pub;
    scope.name = name != NULL ? name : "";
    if (PUSH(&h->scopes, scope))
        (void)PUSH(&h->scope_parents, row->parent);
    return NULL;
}

static const char *put_mark(struct prof_heap *h, const struct prof_mark *row)
{
    struct prof_mark mark = *row;
    const char *name = prof_trace_text(h->trace, mark.text);
    mark.name = name != NULL ? name : "";
    (void)PUSH(&h->marks, mark);
    return NULL;
}

static const char *put_root(struct prof_heap *h, const struct prof_root_region *row)
{
    struct prof_root_region root = *row;
    const char *name = prof_trace_text(h->trace, root.text);
    root.name = name != NULL ? name : "";
    (void)PUSH(&h->roots, root);
    return NULL;
}

static const char *put_spoil(struct prof_heap *h, struct restore *r, uint32_t id, const struct spoil *row)
{
    if (!id_in(&r->pools[POOL_OPENS].used, id) || row->holder.type >= h->type_max)
        return "a spoiled reference does not exist";
    if (h->spoils == NULL) {
        h->spoils = calloc(h->opens.room, sizeof *h->spoils);
        h->spoil_room = h->spoils != NULL ? h->opens.room : 0;
        h->no_memory |= h->spoils == NULL;
    }
    if (h->no_memory)
        return NULL;
    h->spoils[id] = *row;
    r->spoils++;
    return NULL;
}

static const char *put_word(struct prof_heap *h, struct restore *r, const struct row_word *row)
{
    if (row->at >> 56 != 0)
        return "a word lies behind all addresses";
    if (row->again > 1)
        return "a word is of an impossible kind";
    r->again |= row->again != 0;
    (void)PUSH(&r->words, (struct prof_memory_word){ .at = row->at, .how = row->how, .value = row->value });
    (void)PUSH(&h->again, row->again);
    return NULL;
}

static const char *put_range(struct prof_heap *h, const struct range *row)
{
    if (row->start >= row->end || h->freed_since.count == FREED_SINCE)
        return "what was freed since a checkpoint is impossible";
    (void)PUSH(&h->freed_since, *row);
    return NULL;
}

static const char *put_block_type(struct prof_heap *h, const struct restore *r, uint32_t id,
                                  const struct row_block_type *row)
{
    if (id == 0 || !id_in(&r->pools[POOL_BLOCKS].used, id) || (block_of(h, id)->flags & PROF_BLOCK_ALIVE) == 0 ||
        row->type == 0 || row->type >= h->type_max)
        return "a type belongs to no block";
    typed_set(h, id, row->type, row->array != 0);
    return NULL;
}

static const char *put_lives(struct prof_heap *h, uint32_t type, const struct row_lives *row)
{
    if (type >= h->type_max || h->types[type].lives != NULL || row->level > 63)
        return "lives belong to no type";
    lives_restore_bag(h, type, row->all, row->level);
    return NULL;
}

static const char *put_life(struct prof_heap *h, struct restore *r, uint32_t type, const struct row_life *row)
{
    if (type >= h->type_max || h->types[type].lives == NULL || row->lives == 0 || row->entries == 0 ||
        row->entries > PAIRING_ENTRIES_MOST)
        return "a life is of no type";
    if (PUSH(&r->lives, *row))
        (void)PUSH(&r->life_types, type);
    return NULL;
}

static const char *put_life_entry(struct prof_heap *h, struct restore *r, const struct pairing_entry *row)
{
    if (r->life_at == r->lives.count)
        return "events belong to no life";
    r->life[r->life_count++] = *row;
    if (r->life_count < r->lives.items[r->life_at].entries)
        return NULL;
    bool fits =
        lives_restore(h, r->life_types.items[r->life_at], r->life, r->life_count, r->lives.items[r->life_at].lives);
    r->life_at++;
    r->life_count = 0;
    return fits ? NULL : "a life is not in order";
}

/* Rows with a place in a list of fixed length. */
static const char *put_placed(struct prof_heap *h, struct restore *r, unsigned kind, uint32_t id, const void *row)
{
    const struct row_grave *grave = row;
    const struct row_freed *freed = row;
    static const uint32_t rooms[STATE_SECTIONS_] = {
        [STATE_GRAVES] = GRAVES,   [STATE_FREED] = FREED,          [STATE_LATE] = LATE_LIVES,
        [STATE_GUESSES] = GUESSES, [STATE_RECENT] = RECENT_BLOCKS, [STATE_DISOWNED] = DISOWNED
    };
    if (id >= rooms[kind])
        return "a place in a list does not exist";
    switch (kind) {
    case STATE_GRAVES:
        h->graves[id] = (struct grave){
            .obj = grave->obj, .by_free = grave->by_free, .death = grave->death, .number = grave->number
        };
        r->found[id] = grave->found;
        break;
    case STATE_FREED:
        h->freed[id] = (struct freed_block){ .block = freed->block, .death = freed->death };
        break;
    case STATE_LATE:
        memcpy(&h->late[id], row, sizeof h->late[id]);
        break;
    case STATE_GUESSES:
        memcpy(&h->guesses[id], row, sizeof h->guesses[id]);
        break;
    case STATE_RECENT:
        h->recent[id] = (prof_block_id) * (const uint64_t *)row;
        break;
    default:
        memcpy(&h->disowned[id], row, sizeof h->disowned[id]);
        break;
    }
    return NULL;
}

const char *put_row(struct prof_heap *h, struct restore *r, unsigned kind, uint32_t id, const void *row)
{
    struct restored_pool *pool;
    switch (kind) {
    case STATE_FREE_BLOCKS:
    case STATE_FREE_OBJS:
    case STATE_FREE_OPENS:
    case STATE_FREE_SITES:
    case STATE_FREE_WEAKS:
        (void)pool_of(h, kind, r, &pool);
        (void)PUSH(&pool->unused, id);
        return NULL;
    case STATE_STATS:
        return stat_restore(h, row) ? NULL : "a stack has two totals";
    case STATE_WEAK_HEADS:
        (void)PUSH(&r->heads, *(const struct row_weak_head *)row);
        return NULL;
    case STATE_SPOILS:
        return put_spoil(h, r, id, row);
    case STATE_GRAVES:
    case STATE_FREED:
    case STATE_LATE:
    case STATE_GUESSES:
    case STATE_RECENT:
    case STATE_DISOWNED:
        return put_placed(h, r, kind, id, row);
    case STATE_LARGE:
        (void)PUSH(&r->large, id);
        return NULL;
    case STATE_FINALIZERS:
        return put_finalizer(h, row);
    case STATE_SITES_LEARNED:
        return h->options.keep_type_sites ? put_count(h, &h->sites_learned, row) : NULL;
    case STATE_PAIRS_LEARNED:
        return h->options.keep_type_sites ? put_count(h, &h->pairs_learned, row) : NULL;
    case STATE_MOMENTS:
        return put_moment(h, row);
    case STATE_MOMENT_KINDS:
        return put_moment_kind(h, id, row);
    case STATE_MOMENT_DEATHS:
        return put_death(h, row);
    case STATE_MOMENT_RUNS:
        return put_run(h, row);
    case STATE_SCOPES:
        return put_scope(h, row);
    case STATE_CONTEXTS:
        return put_context(h, row);
    case STATE_THREADS:
        return put_thread(h, r, row);
    case STATE_OPEN_SCOPES:
        return put_open_scope(h, r, id, row);
    case STATE_SCOPE_BIRTHS:
        return put_scope_birth(h, r, id, row);
    case STATE_MARKS:
        return put_mark(h, row);
    case STATE_MEM:
        (void)PUSH(&h->mem, *(const struct trk_mem *)row);
        return NULL;
    case STATE_MEM_LIVE:
        (void)PUSH(&h->mem_live, *(const struct prof_mem_live *)row);
        return NULL;
    case STATE_ROOTS:
        return put_root(h, row);
    case STATE_INCIDENTS:
        return put_incident(h, row);
    case STATE_CHECKPOINTS:
        (void)PUSH(&r->checkpoints, *(const struct row_checkpoint *)row);
        return NULL;
    case STATE_CHECKPOINT_NAMES:
        (void)PUSH(&r->names, *(const char *)row);
        return NULL;
    case STATE_MEMORY_AREAS:
        (void)PUSH(&r->areas, *(const struct prof_memory_area *)row);
        return NULL;
    case STATE_MEMORY_WORDS:
        return put_word(h, r, row);
    case STATE_MEMORY_COUNTS:
        (void)PUSH(&r->counts, *(const struct trk_memory_count *)row);
        return NULL;
    case STATE_FREED_SINCE:
        return put_range(h, row);
    case STATE_CHUNKS:
        return chunk_born(h, ((const struct row_chunk *)row)->addr, ((const struct row_chunk *)row)->pool)
                   ? NULL
                   : "a chunk is in two pools";
    case STATE_BLOCK_TYPES:
        return put_block_type(h, r, id, row);
    case STATE_LIVES:
        return h->options.keep_type_sites ? put_lives(h, id, row) : NULL;
    case STATE_LIFE:
        return h->options.keep_type_sites ? put_life(h, r, id, row) : NULL;
    case STATE_LIFE_ENTRIES:
        return h->options.keep_type_sites ? put_life_entry(h, r, row) : NULL;
    case STATE_FOLLOWER:
        if (h->options.follow != NULL && h->options.follow->restored != NULL)
            (void)PUSH(&r->followed, *(const uint64_t *)row);
        return NULL;
    default: /* read into its place */
        return NULL;
    }
}
