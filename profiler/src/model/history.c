/* history.c: the events of one life, by a second replay into a heap of its own that is watched around every event. */
#include "state.h"

#include <string.h>

/* Which event opened a reference of the watched object. */
struct opened {
    UT_hash_handle hh;
    uint32_t open;
    uint64_t number;
};

struct watch {
    const char *type;
    uint32_t serial;
    struct prof_error *(*each)(void *ctx, const struct prof_history_event *event);
    void *ctx;
    struct prof_error *error;
    prof_obj_id id; /* 0: not born yet, or over */
    bool named;     /* its birth is the event being applied */
    bool seen;
    bool before; /* the state that the trace begins with knows it */
    bool over;
    prof_block_id block; /* that it was in before the event */
    uint64_t number;     /* of the event being applied, should it concern the object */
    uint64_t pair;
    struct opened *opened;
    struct life_watch *life; /* a block is watched, and no object */
};

void watch_named(struct prof_heap *h, prof_obj_id id)
{
    struct watch *w = h->watch;
    const struct prof_obj *obj = obj_of(h, id);
    if (w->seen || obj->serial != w->serial || strcmp(h->types[obj->type].pub.name, w->type) != 0)
        return;
    w->id = id;
    w->named = w->seen = true;
}

void watch_restored(struct prof_heap *h)
{
    struct watch *w = h->watch;
    if (w->life != NULL) {
        life_restored(h, w->life);
        return;
    }
    prof_obj_id id = prof_heap_obj_by_name(h, w->type, w->serial);
    if (id == 0)
        return;
    w->id = id;
    w->seen = w->before = true;
}

void watch_taken(struct prof_heap *h, uint32_t open)
{
    struct watch *w = h->watch;
    if (w->id == 0 || open_of(h, open)->obj != w->id)
        return;
    struct opened *o = NULL;
    HASH_FIND(hh, w->opened, &open, sizeof open, o);
    if (o == NULL) {
        o = calloc(1, sizeof *o);
        if (o != NULL) {
            o->open = open;
            HASH_ADD(hh, w->opened, open, sizeof o->open, o);
        }
        if (o == NULL || o->hh.tbl == NULL) {
            free(o);
            h->no_memory = true;
            return;
        }
    }
    o->number = w->number;
}

void watch_given(struct prof_heap *h, uint32_t open)
{
    struct watch *w = h->watch;
    if (w->id == 0 || open_of(h, open)->obj != w->id || open_of(h, open)->kind == PROF_OPEN_BIRTH)
        return;
    struct opened *o = NULL;
    HASH_FIND(hh, w->opened, &open, sizeof open, o);
    if (o == NULL && w->before)
        w->pair = PROF_HISTORY_BEFORE;
    if (o != NULL) {
        w->pair = o->number;
        HASH_DEL(w->opened, o);
        free(o);
    }
}

void watch_before(struct prof_heap *h)
{
    struct watch *w = h->watch;
    h->touched = 0;
    w->named = false;
    w->pair = 0;
    w->block = 0;
    if (w->id != 0)
        w->block = obj_of(h, w->id)->block;
    /* The number that the event gets if it concerns the object; a birth is number 1. */
    if (!w->seen)
        w->number = 1;
}

/* Does the event name the block that the object lies in? */
static bool concerns_block(const struct prof_heap *h, const struct watch *w, const struct prof_event *e)
{
    if (w->block == 0 || w->named)
        return false;
    if (e->op == TRK_OP_FREE)
        return obj_of(h, w->id)->state == PROF_OBJ_DEAD;
    if (e->op == TRK_OP_REALLOC || e->op == TRK_OP_REALLOC_FAIL)
        return block_of(h, w->block)->addr == e->addr;
    return e->op == TRK_OP_ALLOC && e->from != 0 && block_of(h, w->block)->addr == e->addr;
}

void watch_after(struct prof_heap *h, const struct prof_event *e)
{
    struct watch *w = h->watch;
    if (w->life != NULL) {
        life_after(w->life, e);
        h->no_memory |= life_failed(w->life);
    }
    if (w->id == 0 || w->over || w->error != NULL)
        return;
    const struct prof_obj *obj = obj_of(h, w->id);
    /* The record may already serve another life: then the grave was left, and nothing more can concern this one. */
    bool same = obj->serial == w->serial && strcmp(h->types[obj->type].pub.name, w->type) == 0;
    if (!same || obj->state == PROF_OBJ_NONE) {
        w->over = true;
        return;
    }
    bool names_it = h->touched == w->id && (e->op == TRK_OP_FREE || e->op == TRK_OP_ALLOC || e->addr == obj->addr);
    if (!w->named && !names_it && !concerns_block(h, w, e))
        return;
    struct prof_history_event out = { .event = *e, .count = obj->count, .number = w->number, .pair = w->pair };
    w->error = w->each(w->ctx, &out);
    w->number++;
}

struct prof_error *watch_error(const struct watch *watch)
{
    return watch->error;
}

static struct prof_error *replay_again(struct prof_heap *heap, struct watch *watch,
                                       const struct prof_heap_follow *follow)
{
    struct prof_heap_options options = heap->options;
    options.keep_type_sites = false;
    options.follow = follow;
    struct prof_heap *again = NULL;
    struct prof_error *error = heap_fill(heap->trace, &options, watch, &again);
    if (error == NULL)
        prof_heap_destroy(again);
    return error;
}

struct prof_error *prof_heap_replay(struct prof_heap *heap, const struct prof_heap_follow *follow)
{
    return replay_again(heap, NULL, follow);
}

struct prof_error *history_of_block(struct prof_heap *heap, struct life_watch *life)
{
    struct watch watch = { .type = "", .life = life };
    return replay_again(heap, &watch, NULL);
}

struct prof_error *prof_heap_history(struct prof_heap *heap, const char *type, uint32_t serial,
                                     struct prof_error *(*each)(void *ctx, const struct prof_history_event *event),
                                     void *ctx)
{
    struct watch watch = { .type = type, .serial = serial, .each = each, .ctx = ctx, .number = 1 };
    struct prof_error *error = replay_again(heap, &watch, NULL);
    if (error == NULL && watch.error != NULL)
        error = watch.error;
    struct opened *o, *next;
    HASH_ITER (hh, watch.opened, o, next) {
        HASH_DEL(watch.opened, o);
        free(o);
    }
    if (error == NULL && !watch.seen)
        error = prof_error_create(PROF_ERROR_NOT_FOUND, "no object %s#%u was ever born in this trace%s", type, serial,
                                  prof_trace_info(heap->trace)->has_state
                                      ? "; one that died before the state it begins with is forgotten"
                                      : "");
    return error;
}
