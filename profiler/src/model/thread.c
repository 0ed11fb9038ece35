/* thread.c: what belongs to one thread of the target: scopes and contexts; and the marks of all. */
#include "state.h"

#include <string.h>

static struct thread spare; /* stands in when there is no memory: the replay fails right after */

struct thread *thread_find(struct prof_heap *h, uint32_t tid)
{
    struct thread *th = NULL;
    HASH_FIND(hh, h->threads, &tid, sizeof tid, th);
    if (th == NULL) {
        th = calloc(1, sizeof *th);
        if (th != NULL) {
            th->tid = tid;
            HASH_ADD(hh, h->threads, tid, sizeof th->tid, th);
        }
        if (th == NULL || th->hh.tbl == NULL) {
            free(th);
            h->no_memory = true;
            spare = (struct thread){ 0 };
            return &spare;
        }
    }
    h->thread = th;
    return th;
}

void threads_deinit(struct prof_heap *h)
{
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next) {
        HASH_DEL(h->threads, th);
        for (size_t i = 0; i < th->scopes.count; i++)
            prof_vec_deinit(&th->scopes.items[i].births);
        prof_vec_deinit(&th->scopes);
        free(th);
    }
}

/* Moments tell the time by the clock itself where they can: ticks are coarse. */
static uint64_t moment_us(const struct prof_event *e)
{
    const uint64_t day = (uint64_t)86400 * 1000000;
    uint64_t told = (uint64_t)e->count;
    return told >= e->time_us && told - e->time_us < day ? told : e->time_us;
}

void mark_add(struct prof_heap *h, const struct prof_event *e, uint32_t text)
{
    const char *name = prof_trace_text(h->trace, text);
    /* Moments carry the clock itself; it cannot be earlier than the tick, and a later one than a day is no clock. */
    uint64_t clock = e->op != TRK_OP_FORK && e->count > 0 ? (uint64_t)e->count : 0;
    bool exact = clock >= e->time_us && clock - e->time_us < (uint64_t)86400 * 1000000;
    struct prof_mark mark = { .name = name != NULL ? name : "",
                              .text = text,
                              .at_us = exact ? clock : e->time_us,
                              .kind = e->op,
                              .stack = e->stack,
                              .tid = e->tid,
                              .live_objects = h->totals.live_objects,
                              .live_blocks = h->totals.live_blocks,
                              .live_bytes = h->totals.live_bytes,
                              .events = h->totals.events - 1 };
    marks_push(h, &mark);
    if (e->op == TRK_OP_MARK || e->op == TRK_OP_CHECKPOINT)
        moment_add(h, mark.name, text, mark.at_us);
}

/* ---- Contexts: shared by the objects born in them, given up with the last one ---- */

static void context_event(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    if (th->context != 0)
        thread_context_release(h, th->context);
    th->context = 0;
    th->context_text = e->text;
    th->context_id = (uint64_t)e->count;
}

static uint32_t context_make(struct prof_heap *h, const struct thread *th)
{
    const char *key = prof_trace_text(h->trace, th->context_text);
    struct context context = { .pub = { key != NULL ? key : "", th->context_id },
                               .text = th->context_text,
                               .users = 1 };
    if (h->context_free != 0) {
        uint32_t index = h->context_free;
        h->context_free = h->contexts.items[index].next_free;
        h->contexts.items[index] = context;
        return index;
    }
    if ((h->contexts.count == 0 && !prof_vec_push(&h->contexts, (struct context){ 0 })) ||
        !prof_vec_push(&h->contexts, context)) {
        h->no_memory = true;
        return 0;
    }
    return (uint32_t)h->contexts.count - 1;
}

void thread_context_release(struct prof_heap *h, uint32_t index)
{
    struct context *context = &h->contexts.items[index];
    if (--context->users == 0) {
        context->pub = (struct prof_context){ 0 };
        context->next_free = h->context_free;
        h->context_free = index;
    }
}

/* ---- Scopes ---- */

static void scope_begin(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    const char *name = prof_trace_text(h->trace, e->text);
    struct open_scope open = { .number = e->size, .begin_us = e->time_us, .stack = e->stack, .text = e->text };
    if (th->scopes.count > 0)
        open.parent = th->scopes.items[th->scopes.count - 1].index;
    struct prof_scope scope = {
        .name = name != NULL ? name : "", .text = e->text, .begin_us = moment_us(e), .tid = e->tid
    };
    if (h->scopes.count <= UINT16_MAX) {
        open.index = (uint16_t)h->scopes.count;
        if (!prof_vec_push(&h->scopes, scope) || !prof_vec_push(&h->scope_parents, open.parent)) {
            h->no_memory = true;
            return;
        }
    }
    if (!prof_vec_push(&th->scopes, open))
        h->no_memory = true;
    mark_add(h, e, e->text);
}

static bool same_life(const struct prof_heap *h, const struct scope_birth *birth)
{
    const struct prof_obj *obj = obj_of(h, birth->obj);
    return obj_alive(obj) && obj->type == birth->type && obj->serial == birth->serial;
}

/* Forgets births whose objects died, when that is worth it: the list stays within twice the living. */
static void compact(struct prof_heap *h, struct open_scope *scope)
{
    size_t to = 0;
    for (size_t i = 0; i < scope->births.count; i++)
        if (same_life(h, &scope->births.items[i]))
            scope->births.items[to++] = scope->births.items[i];
    scope->births.count = to;
    scope->compact_at = to * 2 + 1024;
}

void thread_birth(struct prof_heap *h, prof_obj_id id)
{
    struct prof_obj *obj = obj_of(h, id);
    struct thread *th = thread_of(h, obj->tid);
    if (th->scopes.count > 0) {
        struct open_scope *scope = &th->scopes.items[th->scopes.count - 1];
        obj->scope = scope->index;
        if (scope->births.count >= scope->compact_at)
            compact(h, scope);
        if (!prof_vec_push(&scope->births, (struct scope_birth){ id, obj->type, obj->serial }))
            h->no_memory = true;
    }
    if (th->context_text != 0) {
        if (th->context == 0)
            th->context = context_make(h, th);
        obj->context = th->context;
        if (th->context != 0)
            h->contexts.items[th->context].users++;
    }
}

void thread_renamed(struct prof_heap *h, const struct scope_birth *was)
{
    const struct prof_obj *obj = obj_of(h, was->obj);
    struct thread *th, *next;
    HASH_ITER (hh, h->threads, th, next) {
        for (size_t i = 0; i < th->scopes.count; i++) {
            struct open_scope *scope = &th->scopes.items[i];
            for (size_t k = 0; k < scope->births.count; k++) {
                struct scope_birth *birth = &scope->births.items[k];
                if (birth->obj == was->obj && birth->type == was->type && birth->serial == was->serial) {
                    birth->type = obj->type;
                    birth->serial = obj->serial;
                    return;
                }
            }
        }
    }
}

/* Was the object born in this scope or one inside it? */
static bool born_inside(const struct prof_heap *h, const struct prof_obj *obj, uint16_t scope)
{
    uint16_t at = obj->scope;
    while (at != 0 && at != scope)
        at = h->scope_parents.items[at];
    return at == scope && at != 0;
}

/* Is obj owned by something older than the scope, or by an object that is? */
static bool owned_from_before(struct prof_heap *h, const struct prof_obj *obj, const struct open_scope *scope)
{
    for (uint32_t i = obj->first_open; i != 0; i = open_of(h, i)->next) {
        const struct prof_open *open = open_of(h, i);
        if (open->kind == PROF_OPEN_BIRTH || (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) != 0)
            continue;
        prof_obj_id holder = space_obj_at(h, open->slot);
        if (holder == 0 || obj_of(h, holder) == obj)
            continue;
        const struct prof_obj *by = obj_of(h, holder);
        if ((by->internal & OBJ_EXCUSED) != 0)
            return true;
        if (!born_inside(h, by, scope->index) && by->born_us <= scope->begin_us)
            return true;
    }
    return false;
}

static bool is_meant_to_stay(const struct prof_obj *obj)
{
    return obj->state == PROF_OBJ_PARKED || (obj->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK)) != 0;
}

static void one_left(struct prof_heap *h, prof_obj_id id, const struct open_scope *scope, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (scope->index != 0) {
        h->scopes.items[scope->index].left++;
        h->scopes.items[scope->index].left_bytes += obj->size;
    }
    struct place born = { obj->born_us, obj->stack, obj->tid };
    struct place begun = { scope->begin_us, scope->stack, e->tid };
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_SCOPE_LEFT, id, &born, &begun);
    if (incident != NULL) {
        incident->text = scope->text;
        incident->count = obj_count(obj_of(h, id));
    }
}

/* The scope ends: judges what is left and hands it to the scope around. */
static void end_scope(struct prof_heap *h, struct open_scope *scope, struct open_scope *around,
                      const struct prof_event *e)
{
    compact(h, scope);
    struct scope_birth *births = scope->births.items;
    size_t count = scope->births.count;
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            struct prof_obj *obj = obj_of(h, births[i].obj);
            if ((obj->internal & OBJ_EXCUSED) == 0 && (is_meant_to_stay(obj) || owned_from_before(h, obj, scope))) {
                obj->internal |= OBJ_EXCUSED;
                more = true;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if ((obj_of(h, births[i].obj)->internal & OBJ_EXCUSED) == 0)
            one_left(h, births[i].obj, scope, e);
        obj_of(h, births[i].obj)->internal &= (uint8_t)~OBJ_EXCUSED;
        if (around != NULL && !prof_vec_push(&around->births, births[i]))
            h->no_memory = true;
    }
    if (scope->index != 0)
        h->scopes.items[scope->index].end_us = moment_us(e);
    prof_vec_deinit(&scope->births);
}

static void scope_end(struct prof_heap *h, const struct prof_event *e)
{
    struct thread *th = thread_of(h, e->tid);
    size_t at = th->scopes.count;
    while (at > 0 && th->scopes.items[at - 1].number != e->size)
        at--;
    if (at == 0)
        return;
    uint32_t name = th->scopes.items[at - 1].text;
    /* Scopes left open inside it were jumped out of: they end here too. */
    while (th->scopes.count >= at) {
        struct open_scope scope = th->scopes.items[--th->scopes.count];
        end_scope(h, &scope, th->scopes.count > 0 ? &th->scopes.items[th->scopes.count - 1] : NULL, e);
    }
    mark_add(h, e, name);
}

/* ---- Roots ---- */

static void root_add(struct prof_heap *h, const struct prof_event *e)
{
    const char *name = prof_trace_text(h->trace, e->text);
    if (!prof_vec_push(&h->roots, (struct prof_root_region){ e->addr, e->size, name != NULL ? name : "", e->text }))
        h->no_memory = true;
}

static void root_del(struct prof_heap *h, const struct prof_event *e)
{
    for (size_t i = h->roots.count; i > 0; i--) {
        if (h->roots.items[i - 1].start == e->addr) {
            memmove(&h->roots.items[i - 1], &h->roots.items[i], (h->roots.count - i) * sizeof *h->roots.items);
            h->roots.count--;
            return;
        }
    }
}

void thread_event(struct prof_heap *h, const struct prof_event *e)
{
    switch (e->op) {
    case TRK_OP_CONTEXT:
        context_event(h, e);
        break;
    case TRK_OP_SCOPE_BEGIN:
        scope_begin(h, e);
        break;
    case TRK_OP_SCOPE_END:
        scope_end(h, e);
        break;
    case TRK_OP_ROOT_ADD:
        root_add(h, e);
        break;
    case TRK_OP_ROOT_DEL:
        root_del(h, e);
        break;
    default:
        mark_add(h, e, e->text);
        break;
    }
}
