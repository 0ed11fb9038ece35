/* trend.c: replays a trace and counts, at a few moments, what is alive by type and site, and who holds what; what
 * leaves its holder is counted by site as it happens. */
#include "trend.h"

#include <string.h>

enum { DEFAULT_MOMENTS = 8, BRIEF_US = 1000000 };

/* Ends the replay where the heap ends that was given: never leaves this file. */
static struct prof_error enough;

/* ---- Moments ----------------------------------------------------------------------------------------------------- */

static bool before(const struct trend_plan *a, const struct trend_plan *b)
{
    if (a->by_events && b->by_events)
        return a->events < b->events;
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->by_events; // a time is behind all events of its tick
}

static void plan_add(struct prof_growth *g, struct trend_plan plan)
{
    size_t at = g->planned;

    if (g->planned == PROF_GROWTH_MOMENTS - 1) // the end is the last one
        return;
    for (; at > 0 && before(&plan, &g->plan[at - 1]); at--)
        g->plan[at] = g->plan[at - 1];
    g->plan[at] = plan;
    g->planned++;
}

static bool is_moment(const struct prof_mark *mark)
{
    return (mark->kind == TRK_OP_MARK || mark->kind == TRK_OP_CHECKPOINT) && mark->name != NULL &&
           mark->name[0] != '\0';
}

static struct trend_plan at_mark(const struct prof_mark *mark)
{
    // The mark counts the events before it.
    return (struct trend_plan){ mark->name, true, mark->at_us, mark->events + 1 };
}

/* Marks and the ends of the window; evenly spaced moments when these are not enough. */
static struct prof_error *plan(struct prof_growth *g, const struct prof_growth_options *options)
{
    const struct prof_heap_totals *totals = prof_heap_totals(g->heap);
    const struct prof_mark *marks;
    size_t count = prof_heap_marks(g->heap, &marks), first = count, inside = 0, seen = 0;
    uint64_t from = options->from_us, to = totals->end_us;
    unsigned even = options->moments != 0 ? options->moments : DEFAULT_MOMENTS;

    for (size_t i = 0; options->from_mark != NULL && i < count && first == count; i++)
        if (is_moment(&marks[i]) && strcmp(marks[i].name, options->from_mark) == 0)
            first = i;
    if (options->from_mark != NULL && first == count)
        return prof_error_create(PROF_ERROR_NOT_FOUND, "this trace has no mark '%s'", options->from_mark);
    if (first < count)
        from = marks[first].at_us;
    for (size_t i = first < count ? first + 1 : 0; i < count; i++)
        inside += is_moment(&marks[i]) && marks[i].at_us >= from;
    if (even > PROF_GROWTH_MOMENTS / 2)
        even = PROF_GROWTH_MOMENTS / 2;
    g->windowed = first < count || from != 0;
    if (first < count)
        plan_add(g, at_mark(&marks[first]));
    else if (from != 0)
        plan_add(g, (struct trend_plan){ .at_us = from });
    // Of many marks every n-th, the last one among them.
    size_t stride = inside / (PROF_GROWTH_MOMENTS / 2) + 1;
    for (size_t i = first < count ? first + 1 : 0; i < count; i++) {
        if (!is_moment(&marks[i]) || marks[i].at_us < from)
            continue;
        if ((inside - ++seen) % stride == 0)
            plan_add(g, at_mark(&marks[i]));
    }
    // Of a short run the clock's ticks are too coarse.
    uint64_t begin = first < count ? marks[first].events : 0;
    bool few = g->planned + 1 < PROF_GROWTH_ENOUGH, brief = first < count || from == 0;
    brief = brief && (to < from || to - from < BRIEF_US) && begin < totals->events;
    for (unsigned i = 1; few && i < even && (brief || from < to); i++)
        plan_add(g, (struct trend_plan){ .by_events = brief,
                                         .at_us = from + (from < to ? (to - from) / even * i : 0),
                                         .events = begin + (totals->events - begin) / even * i });
    return NULL;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define NEW_ROW(vec)                                                                                                   \
    (prof_vec_reserve((vec), PROF_GROWTH_MOMENTS) &&                                                                   \
     (memset((vec)->items + (vec)->count, 0, PROF_GROWTH_MOMENTS * sizeof *(vec)->items),                              \
      (vec)->count += PROF_GROWTH_MOMENTS, true))

static void add(struct prof_then *row, size_t moment, uint64_t bytes)
{
    row[moment].live++;
    row[moment].bytes += bytes;
}

static bool count_kind(struct prof_growth *g, bool blocks, prof_type_id type, uint32_t stack, uint64_t bytes)
{
    uint32_t site = site_of(&g->a, stack);
    uint64_t key = map_mix((uint64_t)blocks << 32 | type, site);
    uint32_t at = map_get(&g->kind_of, key);

    if (site == UINT32_MAX)
        return false;
    if (at == UINT32_MAX) {
        at = (uint32_t)g->kinds.count;
        struct trend_kind kind = { blocks, type, site, stack };
        if (!map_put(&g->kind_of, key, at) || !prof_vec_push(&g->kinds, kind) || !NEW_ROW(&g->kind_then))
            return false;
    }
    add(trend_row(g->kind_then.items, at), g->moment_count, bytes);
    return true;
}

static bool count_type(struct prof_growth *g, prof_type_id type, uint64_t bytes)
{
    while (g->type_then.count <= (size_t)type * PROF_GROWTH_MOMENTS)
        if (!NEW_ROW(&g->type_then))
            return false;
    add(trend_row(g->type_then.items, type), g->moment_count, bytes);
    return true;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

/* The field of a typed block, "" when it is not known; NULL without memory. */
static const char *block_field(struct prof_growth *g, const struct owner *owner, uint64_t slot)
{
    uint64_t offset = slot - prof_heap_block(g->a.heap, owner->block)->addr;
    uint64_t key = map_mix((uint64_t)(uintptr_t)owner->text, offset);
    uint32_t at = map_get(&g->field_of_block, key);
    const char *field;

    if (at != UINT32_MAX)
        return g->block_fields.items[at];
    if (!owner_block_field(&g->a, owner->block, offset, &field))
        return NULL;
    field = field != NULL ? field : "";
    if (!map_put(&g->field_of_block, key, (uint32_t)g->block_fields.count) || !prof_vec_push(&g->block_fields, field))
        return NULL;
    return field;
}

static const char *intern(struct prof_growth *g, const char *text)
{
    return prof_intern(&g->a.intern, text, strlen(text));
}

bool trend_edge_of(struct prof_growth *g, const struct prof_open *open, prof_type_id to, bool seen, uint32_t *ret)
{
    const char *field = "";
    struct owner owner;

    *ret = UINT32_MAX;
    if (!owner_of(&g->a, open, &owner))
        return false;
    if (owner.kind == OWNER_NOBODY || owner.kind == OWNER_STALE)
        return true;
    if (owner.kind == OWNER_BLOCK)
        field = open->kind == PROF_OPEN_SLOT ? block_field(g, &owner, open->slot) : "";
    else if (owner.field != NULL)
        field = owner.field;
    if (field == NULL)
        return false;
    if (seen && (owner.kind == OWNER_UNKNOWN || owner.kind == OWNER_STACK || owner.kind == OWNER_THREAD))
        return true;
    bool inside = owner.kind == OWNER_OBJECT || owner.kind == OWNER_BLOCK;
    const char *from = intern(g, owner.kind == OWNER_OBJECT ? owner.type : owner.text);
    field = intern(g, field);
    if (from == NULL || field == NULL)
        return false;
    uint64_t key = map_mix(map_mix((uint64_t)(uintptr_t)from, (uint64_t)(uintptr_t)field),
                           (uint64_t)seen << 33 | (uint64_t)inside << 32 | to);
    *ret = map_get(&g->edge_of, key);
    if (*ret != UINT32_MAX)
        return true;
    struct trend_edge edge = { .from = from,
                               .field = field,
                               .object = owner.kind == OWNER_OBJECT ? from : NULL,
                               .root = !inside,
                               .seen = seen,
                               .to = to };
    *ret = (uint32_t)g->edges.count;
    return map_put(&g->edge_of, key, *ret) && prof_vec_push(&g->edges, edge) && NEW_ROW(&g->edge_then);
}

static uint32_t put_at(const struct prof_open *open)
{
    return open->moved_stack != 0 ? open->moved_stack : open->stack;
}

static bool count_insert(struct prof_growth *g, uint32_t edge, const struct prof_open *open)
{
    uint32_t site = site_of(&g->a, put_at(open));
    uint64_t key = (uint64_t)edge << 32 | site;
    uint32_t at = map_get(&g->insert_of, key);

    if (site == UINT32_MAX)
        return false;
    if (at == UINT32_MAX) {
        struct trend_insert insert = { .edge = edge, .site = site, .stack = put_at(open) };
        at = (uint32_t)g->inserts.count;
        if (!map_put(&g->insert_of, key, at) || !prof_vec_push(&g->inserts, insert))
            return false;
    }
    struct trend_insert *insert = &g->inserts.items[at];
    insert->first += g->moment_count == 0;
    insert->last++;
    insert->last_us = open->at_us > insert->last_us ? open->at_us : insert->last_us;
    return true;
}

static bool count_opens(struct prof_growth *g, const struct prof_obj *obj)
{
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(g->a.heap, i);
        uint32_t at;
        i = open->next;
        if (!trend_edge_of(g, open, obj->type, false, &at))
            return false;
        if (at == UINT32_MAX)
            continue;
        add(trend_row(g->edge_then.items, at), g->moment_count, obj->size);
        struct trend_edge *edge = &g->edges.items[at];
        if (open->at_us > edge->newest_us || (open->at_us == edge->newest_us && edge->serial < obj->serial)) {
            edge->newest_us = open->at_us;
            edge->serial = obj->serial;
            edge->slot = open->slot;
        }
        if (!count_insert(g, at, open))
            return false;
    }
    return true;
}

/* ---- A moment ---------------------------------------------------------------------------------------------------- */

static bool is_alive(const struct prof_obj *obj)
{
    return obj->state == PROF_OBJ_ALIVE || obj->state == PROF_OBJ_ZERO || obj->state == PROF_OBJ_PARKED;
}

void trend_forget(struct prof_growth *g, bool seen)
{
    for (size_t i = 0; i < g->inserts.count && !seen; i++)
        g->inserts.items[i].last = g->inserts.items[i].last_us = 0;
    for (size_t i = 0; i < g->edges.count; i++)
        if (g->edges.items[i].seen == seen)
            g->edges.items[i].newest_us = g->edges.items[i].slot = g->edges.items[i].serial = 0;
    // Where blocks are decides what other memory is called.
    map_deinit(&g->a.windows);
    g->a.windows_known = false;
}

static bool remember_ids(struct prof_growth *g)
{
    g->first_max = prof_heap_obj_max(g->a.heap);
    g->first_ids = calloc((size_t)g->first_max + 1, sizeof *g->first_ids);
    if (g->first_ids == NULL)
        return false;
    for (prof_obj_id id = 1; id < g->first_max; id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
        if (is_alive(obj))
            g->first_ids[id] = (struct trend_id){ obj->type, obj->serial };
    }
    return true;
}

static bool take_moment(struct prof_growth *g, const char *mark, uint64_t at_us)
{
    const struct prof_heap_totals *totals = prof_heap_totals(g->a.heap);
    uint32_t objs = prof_heap_obj_max(g->a.heap), blocks = prof_heap_block_max(g->a.heap);

    // Marks may bear exact times, which the ticks of other events are behind.
    if (g->moment_count > 0 && at_us < g->moments[g->moment_count - 1].at_us)
        at_us = g->moments[g->moment_count - 1].at_us;
    g->moments[g->moment_count] = (struct prof_growth_moment){
        .mark = mark, .at_us = at_us, .live_objects = totals->live_objects, .live_bytes = totals->live_bytes
    };
    trend_forget(g, false);
    if (g->moment_count == 0 && !remember_ids(g))
        return false;
    for (prof_obj_id id = 1; id < objs; id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
        if (!is_alive(obj))
            continue;
        bool seen = (obj->flags & PROF_OBJ_SKEWED) == 0; // else it may have been there before
        if ((seen && !count_kind(g, false, obj->type, obj->stack, obj->size)) || !count_type(g, obj->type, obj->size) ||
            !count_opens(g, obj))
            return false;
    }
    for (prof_block_id id = 1; id < blocks; id++) {
        const struct prof_block *block = prof_heap_block(g->a.heap, id);
        if (block_is_plain(block) && !count_kind(g, true, 0, block->stack, block->size))
            return false;
    }
    g->moment_count++;
    g->moment_events = totals->events;
    return true;
}

/* ---- What leaves its holder -------------------------------------------------------------------------------------- */

/* The object and field that a reference leaves; NULL: no object. false without memory. */
static bool left_from(struct prof_growth *g, const struct prof_open *open, const char **ret_from,
                      const char **ret_field)
{
    prof_obj_id holder = prof_heap_holder_at(g->a.heap, open->slot);
    struct owner owner;

    *ret_from = *ret_field = NULL;
    if (holder == 0)
        return true;
    if (!owner_object(&g->a, holder, open->kind == PROF_OPEN_HOLDER ? 0 : open->slot, &owner))
        return false;
    *ret_from = intern(g, owner.type);
    *ret_field = intern(g, owner.field != NULL ? owner.field : "");
    return *ret_from != NULL && *ret_field != NULL;
}

static void on_left(void *ctx, const struct prof_open *open, const struct prof_event *event)
{
    struct prof_growth *g = ctx;
    prof_type_id type = prof_heap_obj(g->a.heap, open->obj)->type;
    const char *from, *field;

    if (!left_from(g, open, &from, &field)) {
        g->failed = true;
        return;
    }
    uint64_t key = map_mix((uint64_t)type << 32 | put_at(open), event->stack);
    if (from != NULL)
        key = map_mix(key, map_mix((uint64_t)(uintptr_t)from, (uint64_t)(uintptr_t)field));
    uint32_t at = map_get(&g->left_of, key);

    if (at == UINT32_MAX) {
        struct trend_left left = {
            .from = from, .field = field, .type = type, .put = put_at(open), .left = event->stack
        };
        at = (uint32_t)g->lefts.count;
        if (!map_put(&g->left_of, key, at) || !prof_vec_push(&g->lefts, left) || !NEW_ROW(&g->left_counts)) {
            g->failed = true;
            return;
        }
    }
    g->left_counts.items[(size_t)at * PROF_GROWTH_MOMENTS + g->moment_count]++;
    g->lefts.items[at].last_us = event->time_us;
}

/* ---- The replay -------------------------------------------------------------------------------------------------- */

/* How many of these events are before the next moment; *ret_reached: the moment is behind them. */
static size_t until_next(const struct prof_growth *g, const struct prof_event *events, size_t count, bool *ret_reached)
{
    uint64_t done = prof_heap_totals(g->a.heap)->events;
    const struct trend_plan *next = &g->plan[g->next];

    *ret_reached = true;
    if (next->by_events) {
        if (next->events <= done)
            return 0;
        *ret_reached = next->events - done <= count;
        return *ret_reached ? (size_t)(next->events - done) : count;
    }
    for (size_t i = 0; i < count; i++)
        if (events[i].time_us > next->at_us)
            return i;
    *ret_reached = false;
    return count;
}

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t count)
{
    struct prof_growth *g = ctx;
    struct prof_error *error = NULL;
    uint64_t done = prof_heap_totals(g->a.heap)->events;
    uint64_t rest = prof_heap_totals(g->heap)->events - done;
    bool last = rest <= count;

    if (last)
        count = (size_t)rest;
    while (g->next < g->planned && error == NULL) {
        bool reached;
        size_t n = until_next(g, events, count, &reached);
        if (n > 0)
            error = prof_heap_apply(g->a.heap, events, n);
        events += n;
        count -= n;
        if (error != NULL || !reached)
            break;
        const struct trend_plan *plan = &g->plan[g->next++];
        if (!take_moment(g, plan->mark,
                         plan->by_events && plan->mark == NULL ? prof_heap_totals(g->a.heap)->end_us : plan->at_us))
            return prof_error_memory();
    }
    if (error == NULL && count > 0)
        error = prof_heap_apply(g->a.heap, events, count);
    if (error == NULL && g->failed)
        error = prof_error_memory();
    return error != NULL ? error : last ? &enough : NULL;
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    return prof_heap_apply_mem(((struct prof_growth *)ctx)->a.heap, mem);
}

static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    return trend_look(ctx, memory) ? NULL : prof_error_memory();
}

static bool on_progress(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
    const struct prof_growth_options *options = ((struct prof_growth *)ctx)->options;
    return options->progress == NULL || options->progress(options->progress_ctx, done_bytes, all_bytes);
}

static struct prof_error *on_state(void *ctx, struct prof_merge *merge, const void *bytes, size_t size)
{
    struct prof_growth *g = ctx;
    struct prof_error *error = prof_heap_restore(g->a.heap, merge, bytes, size);

    // Moments before the state cannot be had.
    while (error == NULL && g->next < g->planned &&
           g->plan[g->next].at_us < prof_trace_info(prof_heap_trace(g->heap))->state_us)
        g->next++;
    return error;
}

/* The last moment is the end, unless a mark stands there. Behind the last event nothing is handed on, so that what
 * memory said there comes from the heap that was given. */
static bool take_end(struct prof_growth *g)
{
    const struct prof_heap_totals *totals = prof_heap_totals(g->heap);
    const struct prof_memory *memory = prof_heap_memory(g->heap);

    if (memory != NULL && memory->number + UINT64_C(1) != g->look_number && !trend_look(g, memory))
        return false;
    return (g->moment_count > 0 && g->moment_events == totals->events) || take_moment(g, NULL, totals->end_us);
}

static struct prof_error *replay(struct prof_growth *g)
{
    static const struct prof_trace_sink sink = {
        .events = on_events, .mem = on_mem, .memory = on_memory, .progress = on_progress, .state = on_state
    };
    struct prof_trace *trace = prof_heap_trace(g->heap);
    const struct prof_heap_follow follow = { .left = on_left, .ctx = g };
    const struct prof_heap_options heap_options = { .follow = &follow };
    struct prof_heap *heap;
    struct prof_error *error = prof_heap_create_live(trace, &heap_options, &heap);

    if (error != NULL)
        return error;
    g->a.heap = heap;
    error = prof_trace_replay(trace, &sink, g);
    if (error == &enough)
        error = NULL;
    if (error == NULL && (g->failed || !take_end(g) || !trend_news(g)))
        error = prof_error_memory();
    g->a.heap = g->heap;
    prof_heap_destroy(heap);
    return error;
}

struct prof_error *prof_growth_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                      const struct prof_growth_options *options, struct prof_growth **ret)
{
    static const struct prof_growth_options none;
    struct prof_growth *g = calloc(1, sizeof *g);

    if (options == NULL)
        options = &none;
    if (g == NULL || !analysis_begin(&g->a, heap, symbols, NULL)) {
        free(g);
        return prof_error_memory();
    }
    g->heap = heap;
    g->options = options;
    struct prof_error *error = plan(g, options);
    if (error == NULL)
        error = replay(g);
    if (error == NULL && (!trend_fold(g) || !trend_tell(g)))
        error = prof_error_memory();
    if (error != NULL) {
        prof_growth_destroy(g);
        return error;
    }
    *ret = g;
    return NULL;
}

void prof_growth_destroy(struct prof_growth *g)
{
    if (g == NULL)
        return;
    struct prof_findings *out = g->a.out;
    prof_vec_deinit(&g->kinds);
    prof_vec_deinit(&g->edges);
    prof_vec_deinit(&g->inserts);
    prof_vec_deinit(&g->lefts);
    prof_vec_deinit(&g->kind_then);
    prof_vec_deinit(&g->edge_then);
    prof_vec_deinit(&g->type_then);
    prof_vec_deinit(&g->left_counts);
    prof_vec_deinit(&g->block_fields);
    prof_vec_deinit(&g->told_kinds);
    prof_vec_deinit(&g->told_news);
    prof_vec_deinit(&g->told_edges);
    map_deinit(&g->kind_of);
    map_deinit(&g->edge_of);
    map_deinit(&g->insert_of);
    map_deinit(&g->left_of);
    map_deinit(&g->field_of_block);
    free(g->first_ids);
    analysis_deinit(&g->a);
    prof_findings_destroy(out);
    free(g);
}
