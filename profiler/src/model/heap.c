/* heap.c: makes a heap from a trace: applies events, batch by batch with memory prefetched ahead, and finishes what is
 * decided at the end. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_TABLE = 32,  /* events ahead whose table entry is prefetched */
    AHEAD_LINKS = 8,   /* ... and what those point to */
    AHEAD_RECORD = 16, /* events ahead whose records are */
};

/* Ends a replay early without being an error: never leaves this file. */
static struct prof_error stop_here;

/* ---- Applying ---- */

static void apply(struct prof_heap *h, const struct prof_event *e)
{
    switch (e->op) {
    case TRK_OP_ALLOC:
        block_alloc(h, e);
        break;
    case TRK_OP_FREE:
        block_free(h, e);
        break;
    case TRK_OP_REALLOC:
        block_realloc_begin(h, e);
        break;
    case TRK_OP_REALLOC_FAIL:
        block_realloc_fail(h, e);
        break;
    case TRK_OP_NEW:
        object_new(h, e);
        break;
    case TRK_OP_REF:
        ref_ref(h, e);
        break;
    case TRK_OP_UNREF:
        ref_unref(h, e);
        break;
    case TRK_OP_MOVE:
        ref_move(h, e);
        break;
    case TRK_OP_DEL:
        object_del(h, e);
        break;
    case TRK_OP_SINK:
        ref_sink(h, e);
        break;
    case TRK_OP_COUNT_SEEN:
        ref_count_seen(h, e);
        break;
    case TRK_OP_MOVE_RANGE:
        if ((e->flags & PROF_EVENT_FROM) != 0 && e->addr != 0) {
            struct place at = place_of(e);
            open_range_put(h, open_range_take(h, e->from, e->size), e->from, e->addr, e->size, &at);
        }
        break;
    case TRK_OP_WEAK_SET:
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_BORROW:
    case TRK_OP_RETURN:
    case TRK_OP_PIN:
    case TRK_OP_UNPIN:
    case TRK_OP_MAY_LEAK:
    case TRK_OP_PARK:
    case TRK_OP_REUSE:
    case TRK_OP_RETYPE:
    case TRK_OP_DTOR_BEGIN:
    case TRK_OP_DTOR_END:
    case TRK_OP_TOUCH:
    case TRK_OP_ASSERT_FREED:
        object_misc(h, e);
        break;
    case TRK_OP_IGNORE:
        block_ignore(h, e);
        break;
    case TRK_OP_TYPED:
        typed_event(h, e);
        break;
    case TRK_OP_POOL:
        chunk_pool_event(h, e);
        break;
    case TRK_OP_DISABLE:
        thread_of(h, e->tid)->disabled = e->size < UINT32_MAX ? (uint32_t)e->size : UINT32_MAX;
        break;
    case TRK_OP_ROOT_ADD:
    case TRK_OP_ROOT_DEL:
    case TRK_OP_CONTEXT:
    case TRK_OP_MARK:
    case TRK_OP_CHECKPOINT:
    case TRK_OP_SCOPE_BEGIN:
    case TRK_OP_SCOPE_END:
    case TRK_OP_FORK:
    case TRK_OP_EXIT:
        thread_event(h, e);
        break;
    default: /* MODULES, DROP, EXEC, EXEC_FAIL say nothing about the heap */
        break;
    }
}

static inline __attribute__((always_inline)) void prefetch_table(const struct prof_heap *h, const struct prof_event *e)
{
    addr_prefetch(&h->addrs, e->addr);
    if ((e->flags & PROF_EVENT_SLOT) != 0)
        open_prefetch_head(h, e->slot);
    else if (e->op == TRK_OP_FREE && h->slot_count != 0)
        open_prefetch_head(h, e->addr);
}

/* Hints only: entries may move before the event is applied. */
static inline __attribute__((always_inline)) void prefetch_records(const struct prof_heap *h,
                                                                   const struct prof_event *e)
{
    if (h->addrs.size == 0)
        return;
    const struct addr_entry *entry = &h->addrs.entries[addr_home(&h->addrs, e->addr)];
    if (entry->obj != 0)
        __builtin_prefetch(obj_of(h, entry->obj));
    if (entry->block != 0 && e->op < TRK_OP_REF)
        __builtin_prefetch(block_of(h, entry->block));
    if ((e->flags & PROF_EVENT_SLOT) != 0)
        open_prefetch(h, e->slot);
}

static inline __attribute__((always_inline)) void prefetch_links(const struct prof_heap *h, const struct prof_event *e)
{
    if (h->addrs.size == 0 || e->op < TRK_OP_NEW || e->op > TRK_OP_DEL)
        return;
    const struct addr_entry *entry = &h->addrs.entries[addr_home(&h->addrs, e->addr)];
    if (entry->obj == 0)
        return;
    const struct prof_obj *obj = obj_of(h, entry->obj);
    if (obj->first_site != 0)
        __builtin_prefetch(site_of(h, obj->first_site));
    if (obj->first_open != 0)
        __builtin_prefetch(open_of(h, obj->first_open));
}

static bool is_stop_mark(const struct prof_heap *h, const struct prof_event *e)
{
    if (h->options.until_mark == NULL || (e->op != TRK_OP_MARK && e->op != TRK_OP_CHECKPOINT))
        return false;
    const char *name = prof_trace_text(h->trace, e->text);
    return name != NULL && strcmp(name, h->options.until_mark) == 0;
}

void heap_apply(struct prof_heap *h, const struct prof_event *events, size_t count)
{
    const bool followed = h->options.follow != NULL && h->options.follow->applied != NULL;

    for (size_t i = 0; i < AHEAD_TABLE && i < count; i++)
        prefetch_table(h, &events[i]);
    for (size_t i = 0; i < AHEAD_RECORD && i < count; i++)
        prefetch_records(h, &events[i]);
    for (size_t i = 0; i < AHEAD_LINKS && i < count; i++)
        prefetch_links(h, &events[i]);
    for (size_t i = 0; i < count; i++) {
        const struct prof_event *e = &events[i];
        if (i + AHEAD_TABLE < count)
            prefetch_table(h, &events[i + AHEAD_TABLE]);
        if (i + AHEAD_RECORD < count)
            prefetch_records(h, &events[i + AHEAD_RECORD]);
        if (i + AHEAD_LINKS < count)
            prefetch_links(h, &events[i + AHEAD_LINKS]);
        if (h->options.until_us != 0 && e->time_us > h->options.until_us) {
            h->stopped = true;
            return;
        }
        h->totals.events++;
        h->totals.by_op[e->op]++;
        h->totals.end_us = e->time_us;
        h->forced = (e->flags & PROF_EVENT_FORCED) != 0;
        h->totals.forced += h->forced;
        if (h->forced)
            incident_guess(h, e->addr, e->time_us);
        if (h->watch != NULL)
            watch_before(h);
        if (followed)
            h->touched = 0;
        apply(h, e);
        if (followed && !h->options.follow->applied(h->options.follow->ctx, e, h->touched)) {
            h->no_memory = true;
            return;
        }
        if (h->watch != NULL)
            watch_after(h, e);
        if (h->options.until_mark != NULL && is_stop_mark(h, e)) {
            h->stopped = true;
            return;
        }
    }
}

/* ---- Sink ---- */

/* Events come: the state before them must be whole, and types may have been defined since. */
static struct prof_error *begin(struct prof_heap *h)
{
    h->begun = true;
    if (h->restore != NULL)
        return restore_unfinished(h);
    return types_cover(h, prof_trace_type_max(h->trace)) ? NULL : prof_error_memory();
}

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t count)
{
    struct prof_heap *h = ctx;
    struct prof_error *failed = begin(h);
    if (failed != NULL)
        return failed;
    heap_apply(h, events, count);
    if (h->no_memory)
        return prof_error_memory();
    if (h->watch != NULL) {
        struct prof_error *error = watch_error(h->watch);
        if (error != NULL)
            return error;
    }
    return h->stopped ? &stop_here : NULL;
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    struct prof_heap *h = ctx;
    struct prof_error *failed = begin(h);
    if (failed != NULL)
        return failed;
    if (h->options.until_us != 0 && mem->at_us > h->options.until_us)
        return NULL;
    struct prof_mem_live live = { .live_blocks = h->totals.live_blocks,
                                  .live_bytes = h->totals.live_bytes,
                                  .mmap_blocks = h->totals.mmap_blocks,
                                  .mmap_bytes = h->totals.mmap_bytes };
    if (!prof_vec_push(&h->mem, *mem) || !prof_vec_push(&h->mem_live, live))
        return prof_error_memory();
    moment_add(h, NULL, 0, mem->at_us);
    return h->no_memory ? prof_error_memory() : NULL;
}

static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    struct prof_heap *h = ctx;
    struct prof_error *failed = begin(h);
    if (failed != NULL)
        return failed;
    if (h->options.until_us == 0 || memory->at_us <= h->options.until_us)
        checkpoint_take(h, memory);
    return NULL;
}

/* Only what comes after the state can be left out. */
static struct prof_error *check_until(const struct prof_heap *h)
{
    const struct prof_trace_info *info = prof_trace_info(h->trace);
    if (h->options.until_us != 0 && h->options.until_us < info->state_us)
        return prof_error_create(
            PROF_ERROR_ARGUMENT,
            "'%s' begins with the state at %.3f s: what was before it is not known; choose a later "
            "end than %.3f s",
            info->path, (double)info->state_us / 1e6, (double)h->options.until_us / 1e6);
    for (size_t i = 0; h->options.until_mark != NULL && i < h->marks.count; i++) {
        const struct prof_mark *mark = &h->marks.items[i];
        if ((mark->kind == TRK_OP_MARK || mark->kind == TRK_OP_CHECKPOINT) &&
            strcmp(mark->name, h->options.until_mark) == 0)
            return prof_error_create(PROF_ERROR_ARGUMENT,
                                     "'%s' begins with the state at %.3f s: what was before it, at the mark '%s', is "
                                     "not known; choose a later end",
                                     info->path, (double)info->state_us / 1e6, mark->name);
    }
    return NULL;
}

static struct prof_error *on_state(void *ctx, struct prof_merge *merge, const void *bytes, size_t size)
{
    struct prof_heap *h = ctx;
    struct prof_error *error = prof_heap_restore(h, merge, bytes, size);
    if (error == NULL && h->restore == NULL)
        error = check_until(h);
    if (error == NULL && h->restore == NULL && h->watch != NULL)
        watch_restored(h);
    return error;
}

static bool on_progress(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
    const struct prof_heap *h = ctx;
    return h->options.progress == NULL || h->options.progress(h->options.progress_ctx, done_bytes, all_bytes);
}

/* ---- Creation ---- */

static struct prof_heap *make_heap(struct prof_trace *trace, const struct prof_heap_options *options)
{
    struct prof_heap *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->trace = trace;
    if (options != NULL)
        h->options = *options;
    bool ok = types_cover(h, prof_trace_type_max(trace));
    ok = ok && prof_vec_push(&h->scopes, (struct prof_scope){ .name = "" }) && prof_vec_push(&h->scope_parents, 0);
    if (!ok) {
        prof_heap_destroy(h);
        return NULL;
    }
    if (h->options.follow != NULL && h->options.follow->begin != NULL)
        h->options.follow->begin(h->options.follow->ctx, h);
    return h;
}

void heap_forget(struct prof_heap *h)
{
    find_forget(h);
    checkpoint_forget(h);
    moments_forget(h);
}

const struct prof_trace_sink heap_sink = {
    .events = on_events, .mem = on_mem, .progress = on_progress, .state = on_state, .memory = on_memory
};

struct prof_error *heap_fill(struct prof_trace *trace, const struct prof_heap_options *options, struct watch *watch,
                             struct prof_heap **ret)
{
    struct prof_heap *h = make_heap(trace, options);
    if (h == NULL)
        return prof_error_memory();
    h->watch = watch;
    struct prof_error *error = prof_trace_replay(trace, &heap_sink, h);
    if (error == &stop_here) {
        error = NULL;
        h->totals.cut = true;
    }
    if (error == NULL)
        error = prof_heap_finish(h);
    if (error != NULL) {
        prof_heap_destroy(h);
        return error;
    }
    *ret = h;
    return NULL;
}

struct prof_error *prof_heap_finish(struct prof_heap *h)
{
    if (h->finished)
        return NULL;
    if (h->restore != NULL)
        return restore_unfinished(h);
    heap_forget(h);
    h->begun = h->finished = true;
    h->forced = false;
    block_settle(h);
    object_bury_all(h);
    incidents_finish(h);
    weaks_finish(h);
    stat_finish(h);
    moments_finish(h);
    site_finish(h);
    return h->no_memory ? prof_error_memory() : NULL;
}

struct prof_error *prof_heap_create_live(struct prof_trace *definitions, const struct prof_heap_options *options,
                                         struct prof_heap **ret)
{
    struct prof_heap *h = make_heap(definitions, options);
    if (h == NULL)
        return prof_error_memory();
    *ret = h;
    return NULL;
}

static struct prof_error *cannot_apply(const struct prof_heap *h)
{
    return h->finished ? prof_error_create(PROF_ERROR_ARGUMENT, "the trace of this heap is over") : NULL;
}

struct prof_error *prof_heap_apply(struct prof_heap *h, const struct prof_event *events, size_t count)
{
    struct prof_error *error = cannot_apply(h);
    if (error != NULL || h->stopped)
        return error;
    heap_forget(h);
    error = on_events(h, events, count);
    return error == &stop_here ? NULL : error;
}

struct prof_error *prof_heap_apply_mem(struct prof_heap *h, const struct trk_mem *mem)
{
    struct prof_error *error = cannot_apply(h);
    if (error != NULL || h->stopped)
        return error;
    heap_forget(h);
    return on_mem(h, mem);
}

struct prof_error *prof_heap_apply_memory(struct prof_heap *h, const struct prof_memory *memory)
{
    struct prof_error *error = cannot_apply(h);
    if (error != NULL || h->stopped)
        return error;
    heap_forget(h);
    return on_memory(h, memory);
}

struct prof_error *prof_heap_create(struct prof_trace *trace, const struct prof_heap_options *options,
                                    struct prof_heap **ret)
{
    return heap_fill(trace, options, NULL, ret);
}

void prof_heap_destroy(struct prof_heap *h)
{
    if (h == NULL)
        return;
    restore_deinit(h);
    finalizers_deinit(h);
    weaks_deinit(h);
    opens_deinit(h);
    sites_deinit(h);
    moments_deinit(h);
    chunks_deinit(h);
    threads_deinit(h);
    incidents_deinit(h);
    checkpoint_deinit(h);
    find_forget(h);
    addr_deinit(&h->addrs);
    addr_deinit(&h->large);
    free(h->blocks.items);
    free(h->objs.items);
    free(h->types);
    prof_vec_deinit(&h->block_types);
    prof_vec_deinit(&h->stat_index);
    prof_vec_deinit(&h->maps);
    prof_vec_deinit(&h->stats);
    prof_vec_deinit(&h->scopes);
    prof_vec_deinit(&h->scope_parents);
    prof_vec_deinit(&h->contexts);
    prof_vec_deinit(&h->marks);
    prof_vec_deinit(&h->mem);
    prof_vec_deinit(&h->mem_live);
    prof_vec_deinit(&h->roots);
    free(h);
}
