/* save.c: the state of a heap as sections, in parts; and what it cites. One walk shows every row of every section; who
 * looks at them writes them down, or collects the stacks and texts in them. Rows are shown in an order that depends on
 * nothing but the state: equal states are equal bytes. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 1 << 20, SCRATCH_BYTES = SECTION_ROWS * sizeof(struct row_incident) };

/* Takes rows of one section, up to SECTION_ROWS at once. */
struct walk {
    const struct prof_heap *h;
    struct prof_error *(*rows)(struct walk *w, const struct section_def *def, const void *const *rows,
                               const uint32_t *ids, size_t count);
    struct prof_error *error; /* sticks */
    const struct section_def *def;
    const void *row[SECTION_ROWS];
    uint32_t ids[SECTION_ROWS];
    size_t count;
    unsigned char *scratch; /* copies of rows that are not records of the heap */
};

static void flush(struct walk *w)
{
    if (w->count > 0 && w->error == NULL)
        w->error = w->rows(w, w->def, w->row, w->ids, w->count);
    w->count = 0;
}

static void begin(struct walk *w, enum state_section kind)
{
    flush(w);
    w->def = state_section(kind);
}

/* A row that stays where it is until the section ends. */
static inline void show(struct walk *w, uint32_t id, const void *row)
{
    if (w->count == SECTION_ROWS)
        flush(w);
    w->ids[w->count] = id;
    w->row[w->count++] = row;
}

static void show_copy(struct walk *w, uint32_t id, const void *row)
{
    if (w->count == SECTION_ROWS)
        flush(w);
    unsigned char *copy = w->scratch + w->count * w->def->bytes;
    memcpy(copy, row, w->def->bytes);
    show(w, id, copy);
}

static void show_all(struct walk *w, enum state_section kind, const void *rows, size_t count)
{
    begin(w, kind);
    for (size_t i = 0; i < count; i++)
        show(w, (uint32_t)i, (const char *)rows + i * w->def->bytes);
}

/* ---- Pools ---- */

static uint32_t next_free(const struct pool *pool, uint32_t id, size_t bytes)
{
    uint32_t next;
    memcpy(&next, (const char *)pool->items + (size_t)id * bytes, sizeof next);
    return next;
}

static void walk_free(struct walk *w, enum state_section kind, const struct pool *pool, size_t bytes)
{
    begin(w, kind);
    for (uint32_t id = pool->free; id != 0; id = next_free(pool, id, bytes))
        show(w, id, NULL);
}

static void walk_pool(struct walk *w, enum state_section kind, const struct pool *pool)
{
    begin(w, kind);
    size_t bytes = w->def->bytes;
    uint8_t *unused = calloc((size_t)pool->max / 8 + 1, 1);
    if (unused == NULL) {
        w->error = prof_error_memory();
        return;
    }
    for (uint32_t id = pool->free; id != 0; id = next_free(pool, id, bytes))
        unused[id / 8] |= (uint8_t)(1u << id % 8);
    for (uint32_t id = 1; id < pool->max; id++)
        if ((unused[id / 8] >> id % 8 & 1) == 0)
            show(w, id, (const char *)pool->items + (size_t)id * bytes);
    flush(w);
    free(unused);
}

static void walk_pools(struct walk *w)
{
    const struct prof_heap *h = w->h;
    walk_free(w, STATE_FREE_BLOCKS, &h->blocks, sizeof(struct prof_block));
    walk_free(w, STATE_FREE_OBJS, &h->objs, sizeof(struct prof_obj));
    walk_free(w, STATE_FREE_OPENS, &h->opens, sizeof(struct prof_open));
    walk_free(w, STATE_FREE_SITES, &h->sites, sizeof(struct prof_site_count));
    walk_free(w, STATE_FREE_WEAKS, &h->weaks, sizeof(struct weak));
    begin(w, STATE_TYPES);
    for (uint32_t id = 0; id < h->type_max; id++)
        if (h->types[id].next_serial != 1 || h->types[id].pub.refs_anon != 0)
            show(w, id, &h->types[id]);
    show_all(w, STATE_STATS, h->stats.items, h->stats.count);
    walk_pool(w, STATE_BLOCKS, &h->blocks);
    walk_pool(w, STATE_OBJS, &h->objs);
    walk_pool(w, STATE_OPENS, &h->opens);
    walk_pool(w, STATE_SITES, &h->sites);
    walk_pool(w, STATE_WEAKS, &h->weaks);
}

/* ---- What belongs to objects and blocks ---- */

static void walk_marked(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_WEAK_HEADS);
    for (const struct weak_head *head = h->weak_heads; head != NULL; head = head->hh.next) {
        struct row_weak_head row = { head->obj, head->first };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_SPOILS);
    for (uint32_t i = 1; i < h->opens.max; i++) {
        const struct prof_open *open = open_of(h, i);
        if (open->obj != 0 && (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) != 0 &&
            i < h->spoil_room)
            show(w, i, &h->spoils[i]);
    }
}

static void walk_dead(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_GRAVES);
    for (uint32_t i = 0; i < GRAVES; i++) {
        const struct grave *g = &h->graves[i];
        if (g->obj == 0)
            continue;
        const struct addr_entry *entry = addr_find(&h->addrs, obj_of(h, g->obj)->addr);
        struct row_grave row = {
            .death = g->death,
            .number = g->number,
            .obj = g->obj,
            .by_free = g->by_free,
            .found = entry != NULL && entry->obj == g->obj,
        };
        show_copy(w, i, &row);
    }
    begin(w, STATE_FREED);
    for (uint32_t i = 0; i < FREED; i++) {
        const struct freed_block *f = &h->freed[i];
        /* Places whose record serves again are without effect. */
        if (f->block == 0 || (block_of(h, f->block)->flags & PROF_BLOCK_ALIVE) != 0 ||
            block_of(h, f->block)->first_obj != i + 1)
            continue;
        struct row_freed row = { f->death, f->block };
        show_copy(w, i, &row);
    }
    begin(w, STATE_LATE);
    for (uint32_t i = 0; i < h->late_count; i++)
        show(w, i, &h->late[i]);
}

static void walk_guesses(struct walk *w)
{
    begin(w, STATE_GUESSES);
    for (uint32_t i = 0; i < GUESSES; i++)
        if (w->h->guesses[i].addr != 0)
            show(w, i, &w->h->guesses[i]);
}

static void walk_tables(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_LARGE);
    for (uint32_t id = 1; id < h->blocks.max; id++)
        if (space_in_large(h, id))
            show(w, id, NULL);
    begin(w, STATE_RECENT);
    for (uint32_t i = 0; i < RECENT_BLOCKS; i++) {
        uint64_t block = h->recent[i];
        if (block != 0)
            show_copy(w, i, &block);
    }
    begin(w, STATE_FINALIZERS);
    for (const struct finalizer *f = h->finalizers; f != NULL; f = f->hh.next) {
        struct row_finalizer row = { f->begin, f->ref, f->obj, f->count };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_DISOWNED);
    for (uint32_t i = 0; i < DISOWNED; i++)
        if (h->disowned[i].obj != 0)
            show(w, i, &h->disowned[i]);
}

static int by_count(const void *a, const void *b)
{
    const struct row_count *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

static void walk_counts(struct walk *w, enum state_section kind, const struct count_table *t)
{
    begin(w, kind);
    struct row_count *rows = malloc((t->count + 1) * sizeof *rows);
    size_t count = 0;
    if (rows == NULL) {
        w->error = prof_error_memory();
        return;
    }
    for (size_t i = 0; t->entries != NULL && i <= t->mask; i++) {
        const struct count_entry *c = &t->entries[i];
        if (c->key != 0)
            rows[count++] = (struct row_count){ .taken = c->taken,
                                                .given = c->given,
                                                .objects = c->objects,
                                                .type = (prof_type_id)(c->key >> 32) - 1,
                                                .stack = (uint32_t)c->key,
                                                .low = c->low };
    }
    qsort(rows, count, sizeof *rows, by_count);
    for (size_t i = 0; i < count; i++)
        show(w, 0, &rows[i]);
    flush(w);
    free(rows);
}

static void walk_moments(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_MOMENTS);
    for (size_t i = 0; i < h->moment_count; i++) {
        const struct moment *m = &h->moments[i];
        struct row_moment row = { m->pub.at_us, m->text, m->ordinal, m->kind };
        show_copy(w, 0, &row);
    }
    show_all(w, STATE_MOMENT_KINDS, h->moment_kinds, sizeof h->moment_kinds / sizeof *h->moment_kinds);
    walk_counts(w, STATE_MOMENT_DEATHS, &h->moment_deaths);
    show_all(w, STATE_MOMENT_RUNS, h->moment_runs.items, h->moment_runs.count);
}

/* ---- Threads ---- */

static void walk_threads(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_SCOPES);
    for (size_t i = 1; i < h->scopes.count; i++) {
        struct row_scope row = { h->scopes.items[i], h->scope_parents.items[i] };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_CONTEXTS);
    for (size_t i = 1; i < h->contexts.count; i++) {
        const struct context *c = &h->contexts.items[i];
        bool used = c->pub.key != NULL;
        struct row_context row = { c->pub.id, used ? c->text : 0, c->users, used ? 0 : c->next_free, used };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_THREADS);
    for (const struct thread *th = h->threads; th != NULL; th = th->hh.next) {
        struct row_thread row = { .limbo_place = th->limbo_place,
                                  .limbo_addr = th->limbo_addr,
                                  .context_id = th->context_id,
                                  .tid = th->tid,
                                  .last_alloc = th->last_alloc,
                                  .limbo_block = th->in_limbo ? th->limbo_block : 0,
                                  .limbo_opens = th->limbo_opens,
                                  .context_text = th->context_text,
                                  .context = th->context,
                                  .disabled = th->disabled,
                                  .in_limbo = th->in_limbo };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_OPEN_SCOPES);
    uint32_t number = 0;
    for (const struct thread *th = h->threads; th != NULL; th = th->hh.next, number++) {
        for (size_t i = 0; i < th->scopes.count; i++) {
            const struct open_scope *s = &th->scopes.items[i];
            struct row_open_scope row = {
                s->number, s->begin_us, s->compact_at, s->stack, s->text, s->index, s->parent
            };
            show_copy(w, number, &row);
        }
    }
    begin(w, STATE_SCOPE_BIRTHS);
    number = 0;
    for (const struct thread *th = h->threads; th != NULL; th = th->hh.next)
        for (size_t i = 0; i < th->scopes.count; i++, number++)
            for (size_t k = 0; k < th->scopes.items[i].births.count; k++)
                show(w, number, &th->scopes.items[i].births.items[k]);
}

static void show_chunk(void *ctx, uint64_t addr, uint64_t pool)
{
    struct row_chunk row = { addr, pool };
    show_copy(ctx, 0, &row);
}

static void walk_block_types(struct walk *w)
{
    struct row_block_type row = { 0 };
    bool array;
    begin(w, STATE_BLOCK_TYPES);
    for (uint32_t id = 1; id < w->h->block_types.count; id++) {
        if (!typed_of(w->h, id, &row.type, &array))
            continue;
        row.array = array;
        show_copy(w, id, &row);
    }
}

static void walk_incidents(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_INCIDENTS);
    if (h->incidents.count == 0)
        return;
    const struct incident_head **heads = calloc(h->incidents.count, sizeof(void *));
    if (heads == NULL) {
        w->error = prof_error_memory();
        return;
    }
    for (const struct incident_head *head = h->incident_heads; head != NULL; head = head->hh.next)
        heads[head->index] = head;
    for (size_t i = 0; i < h->incidents.count; i++) {
        struct row_incident row = {
            .pub = h->incidents.items[i],
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): each incident has its head */
            .type = heads[i]->key.type,
            .recent_at = heads[i]->recent_at
        };
        memcpy(row.recent, heads[i]->recent, sizeof row.recent);
        show_copy(w, 0, &row);
    }
    flush(w);
    free(heads);
}

static void walk_checkpoints(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_CHECKPOINTS);
    for (size_t i = 0; i < h->checkpoints.count; i++) {
        struct row_checkpoint row = { h->checkpoints.items[i], (uint32_t)strlen(h->checkpoints.items[i].name) };
        show_copy(w, 0, &row);
    }
    begin(w, STATE_CHECKPOINT_NAMES);
    for (size_t i = 0; i < h->checkpoints.count; i++)
        for (const char *at = h->checkpoints.items[i].name; *at != '\0'; at++)
            show(w, 0, at);
    const struct prof_memory *memory = h->memory;
    if (memory == NULL)
        return;
    show_all(w, STATE_MEMORY_AREAS, memory->areas, memory->area_count);
    begin(w, STATE_MEMORY_WORDS);
    for (size_t i = 0; i < memory->word_count; i++) {
        const struct prof_memory_word *word = &memory->words[i];
        struct row_word row = { .at = word->at, .value = word->value, .how = word->how };
        row.again = h->compared ? h->again.items[i] : 0;
        show_copy(w, 0, &row);
    }
    show_all(w, STATE_MEMORY_COUNTS, memory->counts, memory->count_count);
    show_all(w, STATE_FREED_SINCE, h->freed_since.items, h->freed_since.count);
}

static void walk_lives(struct walk *w)
{
    const struct prof_heap *h = w->h;
    begin(w, STATE_LIVES);
    for (uint32_t type = 0; type < h->type_max; type++) {
        const struct pairing_bag *bag = h->types[type].lives;
        struct row_lives row = { bag != NULL ? bag->all : 0, bag != NULL ? bag->level : 0 };
        if (bag != NULL)
            show_copy(w, type, &row);
    }
    begin(w, STATE_LIFE);
    for (uint32_t type = 0; type < h->type_max; type++) {
        const struct pairing_bag *bag = h->types[type].lives;
        for (size_t i = 0; bag != NULL && i < bag->lives.count; i++) {
            struct row_life row = { bag->lives.items[i].lives, bag->lives.items[i].count };
            show_copy(w, type, &row);
        }
    }
    begin(w, STATE_LIFE_ENTRIES);
    for (uint32_t type = 0; type < h->type_max; type++) {
        const struct pairing_bag *bag = h->types[type].lives;
        for (size_t i = 0; bag != NULL && i < bag->entries.count; i++)
            show(w, 0, &bag->entries.items[i]);
    }
}

static struct prof_error *show_words(void *to, const uint64_t *words, size_t count)
{
    struct walk *w = to;
    for (size_t i = 0; i < count; i++)
        show_copy(w, 0, &words[i]);
    return w->error;
}

static void walk_follower(struct walk *w)
{
    const struct prof_heap_follow *follow = w->h->options.follow;
    begin(w, STATE_FOLLOWER);
    if (follow == NULL || follow->save == NULL || w->error != NULL)
        return;
    struct prof_error *error = follow->save(follow->ctx, show_words, w);
    if (w->error == NULL)
        w->error = error;
}

static struct prof_error *walk(struct walk *w)
{
    const struct prof_heap *h = w->h;
    w->scratch = malloc(SCRATCH_BYTES);
    if (w->scratch == NULL)
        return prof_error_memory();
    show_all(w, STATE_SCALARS, h, 1);
    show_all(w, STATE_OPS, h->totals.by_op, TRK_OP_COUNT_);
    walk_pools(w);
    walk_marked(w);
    walk_dead(w);
    walk_tables(w);
    walk_counts(w, STATE_SITES_LEARNED, &h->sites_learned);
    walk_counts(w, STATE_PAIRS_LEARNED, &h->pairs_learned);
    walk_moments(w);
    walk_threads(w);
    show_all(w, STATE_MARKS, h->marks.items, h->marks.count);
    show_all(w, STATE_MEM, h->mem.items, h->mem.count);
    show_all(w, STATE_MEM_LIVE, h->mem_live.items, h->mem_live.count);
    show_all(w, STATE_ROOTS, h->roots.items, h->roots.count);
    walk_incidents(w);
    walk_checkpoints(w);
    begin(w, STATE_CHUNKS);
    chunk_each(h, show_chunk, w);
    walk_block_types(w);
    walk_lives(w);
    walk_follower(w);
    walk_guesses(w);
    flush(w);
    free(w->scratch);
    return w->error;
}

/* ---- Written down ---- */

struct save {
    struct walk walk;
    struct prof_error *(*part)(void *ctx, const void *bytes, size_t size);
    void *ctx;
    section_bytes bytes;
    struct trk_state_head head;
};

static bool begin_part(struct save *s)
{
    s->bytes.count = 0;
    if (!prof_vec_reserve(&s->bytes, PART_BYTES))
        return false;
    s->bytes.count = sizeof s->head;
    return true;
}

static struct prof_error *end_part(struct save *s)
{
    memcpy(s->bytes.items, &s->head, sizeof s->head);
    s->head.part++;
    return s->part(s->ctx, s->bytes.items, s->bytes.count);
}

static struct prof_error *save_rows(struct walk *w, const struct section_def *def, const void *const *rows,
                                    const uint32_t *ids, size_t count)
{
    struct save *s = (struct save *)(void *)w;
    if (!section_write(&s->bytes, def, rows, ids, count))
        return prof_error_memory();
    if (s->bytes.count < PART_BYTES)
        return NULL;
    struct prof_error *error = end_part(s);
    if (error == NULL && !begin_part(s))
        error = prof_error_memory();
    return error;
}

struct prof_error *prof_heap_save(const struct prof_heap *heap,
                                  struct prof_error *(*part)(void *ctx, const void *bytes, size_t size), void *ctx)
{
    if (heap->finished || heap->restore != NULL)
        return prof_error_create(PROF_ERROR_ARGUMENT, "the state of a heap whose trace is over cannot be saved");
    struct save *s = calloc(1, sizeof *s);
    if (s == NULL)
        return prof_error_memory();
    s->walk = (struct walk){ .h = heap, .rows = save_rows };
    s->part = part;
    s->ctx = ctx;
    s->head = (struct trk_state_head){ .version = TRK_STATE_VERSION,
                                       .at_us = heap->totals.end_us,
                                       .events = heap->totals.events };
    struct prof_error *error = begin_part(s) ? walk(&s->walk) : prof_error_memory();
    s->head.flags |= TRK_STATE_LAST;
    if (error == NULL)
        error = end_part(s);
    prof_vec_deinit(&s->bytes);
    free(s);
    return error;
}

/* ---- Cited ---- */

struct cited {
    struct walk walk;
    void (*stack)(void *ctx, uint32_t id);
    void (*text)(void *ctx, uint32_t id);
    void *ctx;
};

static struct prof_error *cite_rows(struct walk *w, const struct section_def *def, const void *const *rows,
                                    const uint32_t *ids, size_t count)
{
    const struct cited *cited = (const struct cited *)(const void *)w;
    (void)ids;
    for (size_t c = 0; c < def->count; c++) {
        const struct column *column = &def->columns[c];
        if (column->kind != COLUMN_STACK && column->kind != COLUMN_TEXT)
            continue;
        for (size_t i = 0; i < count; i++) {
            uint32_t id;
            memcpy(&id, (const char *)rows[i] + column->offset, sizeof id);
            if (id != 0)
                (column->kind == COLUMN_STACK ? cited->stack : cited->text)(cited->ctx, id);
        }
    }
    return NULL;
}

struct prof_error *prof_heap_cited(const struct prof_heap *heap, void (*stack)(void *ctx, uint32_t id),
                                   void (*text)(void *ctx, uint32_t id), void *ctx)
{
    struct cited *cited = calloc(1, sizeof *cited);
    if (cited == NULL)
        return prof_error_memory();
    *cited = (struct cited){ .walk = { .h = heap, .rows = cite_rows }, .stack = stack, .text = text, .ctx = ctx };
    struct prof_error *error = walk(&cited->walk);
    free(cited);
    return error;
}
