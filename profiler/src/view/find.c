/* find.c: finds the object or block that somebody means: "Type#12", "#1204", "block#7", "0x55d0c3a1b0", "@leak:3". */
#include "internal.h"

#include <base/nearest.h>
#include <prof/links.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool decimal(const char *text, uint64_t *ret)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < '0' || *p > '9')
            return false;
    return prof_parse_quantity(text, PROF_UNIT_NONE, ret);
}

static void thing_of(struct prof_view *view, prof_obj_id obj, prof_block_id block, struct prof_thing *ret)
{
    *ret = (struct prof_thing){ .obj = obj,
                                .block = obj == 0 ? block : 0,
                                .addr = obj != 0 ? prof_heap_obj(view->heap, obj)->addr
                                                 : prof_heap_block(view->heap, block)->addr };
}

static struct prof_error *by_finding(struct prof_view *view, const char *spec, const char *number,
                                     struct prof_thing *ret)
{
    uint64_t id;
    const struct prof_finding *list = NULL;
    size_t count = view->findings != NULL ? prof_findings_list(view->findings, &list) : 0;
    if (!decimal(number, &id))
        return prof_error_create(PROF_ERROR_SYNTAX, "'%s' is not a finding; write @leak:3", spec);
    for (size_t i = 0; i < count; i++) {
        if (list[i].id != id)
            continue;
        prof_obj_id obj = list[i].sample_count != 0 ? list[i].samples[0] : 0;
        prof_block_id block = obj == 0 ? prof_heap_block_at(view->heap, list[i].sample_addr) : 0;
        if (obj == 0 && block == 0)
            return prof_error_create(PROF_ERROR_NOT_FOUND, "finding %s has no example to show", spec);
        thing_of(view, obj, block, ret);
        return NULL;
    }
    return prof_error_create(PROF_ERROR_NOT_FOUND,
                             "there is no finding %s; 'reftrack leaks --all' lists all %zu, those that 'leaks' folds "
                             "away, too",
                             spec, count);
}

static struct prof_error *by_addr(struct prof_view *view, const char *spec, struct prof_thing *ret)
{
    uint64_t addr;
    if (!prof_parse_quantity(spec, PROF_UNIT_NONE, &addr))
        return prof_error_create(PROF_ERROR_SYNTAX, "'%s' is not an address", spec);
    prof_obj_id obj = prof_heap_obj_at(view->heap, addr);
    prof_block_id block = obj == 0 ? prof_heap_block_at(view->heap, addr) : 0;
    if (obj == 0 && block == 0)
        obj = prof_heap_obj_by_addr(view->heap, addr); /* a dead one that is kept */
    *ret = (struct prof_thing){ .obj = obj, .block = block, .addr = addr };
    return NULL;
}

static struct prof_error *by_id(struct prof_view *view, const char *spec, uint64_t number, bool block,
                                struct prof_thing *ret)
{
    if (!block && number != 0 && number < prof_heap_obj_max(view->heap) &&
        prof_heap_obj(view->heap, (prof_obj_id)number)->state != PROF_OBJ_NONE) {
        thing_of(view, (prof_obj_id)number, 0, ret);
        return NULL;
    }
    if (number == 0 || number >= prof_heap_block_max(view->heap) ||
        (prof_heap_block(view->heap, (prof_block_id)number)->flags & PROF_BLOCK_ALIVE) == 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no %s%s alive", block ? "" : "object or block ", spec);
    thing_of(view, 0, (prof_block_id)number, ret);
    return NULL;
}

/* ---- What is no more --------------------------------------------------------------------------------------------- */

/* what: "conn#3 died"; `event` ended it. */
static struct prof_error *dead(struct prof_view *view, const char *what, const struct prof_event *event)
{
    char time[32], site[1024], at[1056] = "";
    if (event->stack != 0)
        snprintf(at, sizeof at, " at %s", prof_view_site(view, event->stack, site, sizeof site));
    return prof_error_create(PROF_ERROR_NOT_FOUND,
                             "%s%s (%s, thread %u); --to with a moment or a mark before that shows it alive", what, at,
                             prof_fmt_event_time(time, sizeof time, event), event->tid);
}

/* How an object ended: what ended it, and the release before that left no reference. What comes later is misuse. */
struct ending {
    struct prof_event last, release;
    bool over;
};
static struct prof_error *keep_event(void *ctx, const struct prof_history_event *event)
{
    struct ending *ending = ctx;
    if (ending->over)
        return NULL;
    ending->last = event->event;
    if (event->event.op == TRK_OP_UNREF)
        ending->release = event->event;
    ending->over = event->event.op == TRK_OP_DEL || event->event.op == TRK_OP_FREE;
    return NULL;
}

/* The type that a mistyped name was meant to be; NULL: it is one, or none is near. */
static const char *near_type(const struct prof_view *view, const char *name)
{
    prof_type_id count = prof_heap_type_max(view->heap);
    const char **names = malloc((count + 1) * sizeof *names);
    const char *near = NULL;
    for (prof_type_id type = 0; names != NULL && type < count; type++)
        names[type] = prof_heap_type(view->heap, type)->name;
    if (names != NULL)
        near = prof_nearest(name, names, count);
    free(names);
    return near != NULL && strcmp(near, name) != 0 ? near : NULL;
}

static struct prof_error *dead_object(struct prof_view *view, const char *spec, const char *type, uint32_t serial)
{
    struct ending ending = { .over = false };
    struct prof_error *error = prof_heap_history(view->heap, type, serial, keep_event, &ending);
    char what[1600], site[1024];
    snprintf(what, sizeof what, "%s died", spec);
    if (error == NULL && ending.release.stack != 0 && ending.release.stack != ending.last.stack)
        snprintf(what, sizeof what, "%s was last released at %s and died", spec,
                 prof_view_site(view, ending.release.stack, site, sizeof site));
    if (error == NULL)
        return dead(view, what, &ending.last);
    const char *near = near_type(view, type);
    if (near == NULL || error->code != PROF_ERROR_NOT_FOUND)
        return error;
    struct prof_error *meant =
        prof_error_create(PROF_ERROR_NOT_FOUND, "%s; did you mean '%s#%u'?", error->message, near, serial);
    prof_error_destroy(error);
    return meant;
}

static struct prof_error *dead_at(struct prof_view *view, const char *spec, uint64_t addr)
{
    struct prof_block_life life;
    char what[256];
    struct prof_error *error = prof_heap_block_life(view->heap, addr, &life);
    if (error != NULL)
        return error;
    if (life.found && life.count != 0) {
        snprintf(what, sizeof what, "the block at %s was freed", spec);
        error = dead(view, what, &life.events[life.count - 1]);
    } else {
        error = prof_error_create(PROF_ERROR_NOT_FOUND,
                                  "nothing lives at %s at this moment of the trace, and no block did; 'reftrack dump "
                                  "-a %s' lists what happened there",
                                  spec, spec);
    }
    prof_block_life_deinit(&life);
    return error;
}

struct prof_error *prof_view_find_node(struct prof_view *view, struct prof_graph *graph, const char *spec,
                                       prof_node *ret)
{
    struct prof_thing thing = { 0 };
    struct prof_error *error = prof_view_find_thing(view, spec, &thing);
    if (error != NULL)
        return error;
    prof_node node = thing.obj != 0 ? prof_graph_of_obj(graph, thing.obj) : prof_graph_of_block(graph, thing.block);
    if (node != PROF_NODE_NONE) {
        *ret = node;
        return NULL;
    }
    if (thing.obj == 0)
        return dead_at(view, spec, thing.addr);
    const struct prof_obj *obj = prof_heap_obj(view->heap, thing.obj); /* remembered because it was misused */
    char name[512];
    prof_fmt_obj(name, sizeof name, view->heap, thing.obj);
    return dead_object(view, name, prof_heap_type(view->heap, obj->type)->name, obj->serial);
}

/* It names nothing; a type has objects. */
static struct prof_error *no_object(struct prof_view *view, const char *spec)
{
    prof_type_id type = 0;
    prof_obj_id id = 1;
    while (type < prof_heap_type_max(view->heap) && strcmp(prof_heap_type(view->heap, type)->name, spec) != 0)
        type++;
    const char *near = type == prof_heap_type_max(view->heap) && spec[0] != '\0' ? near_type(view, spec) : NULL;
    if (near != NULL)
        return prof_error_create(PROF_ERROR_SYNTAX, "'%s' names nothing; did you mean an object of '%s'?", spec, near);
    if (type == prof_heap_type_max(view->heap) || spec[0] == '\0')
        return prof_error_create(PROF_ERROR_SYNTAX,
                                 "'%s' names nothing; write Type#12, #1204, block#7, 0x55d0c3a1b0 or @leak:3", spec);
    while (id < prof_heap_obj_max(view->heap) &&
           (prof_heap_obj(view->heap, id)->type != type || prof_heap_obj(view->heap, id)->state != PROF_OBJ_ALIVE))
        id++;
    if (id == prof_heap_obj_max(view->heap))
        return prof_error_create(PROF_ERROR_SYNTAX,
                                 "'%s' is a type, of which no object is alive at this moment of the trace", spec);
    return prof_error_create(PROF_ERROR_SYNTAX,
                             "'%s' is a type; write an object of it, such as '%s#%u'; 'reftrack objects' lists them",
                             spec, spec, prof_heap_obj(view->heap, id)->serial);
}

/* ---- What is ----------------------------------------------------------------------------------------------------- */

/* "conn" of "conn#3" as its type is called: "struct conn" when there is no conn, as --objects has it. On the heap. */
static char *type_called(const struct prof_heap *heap, const char *name, size_t length)
{
    static const char tag[] = "struct ";
    const size_t tag_length = sizeof tag - 1;
    const char *found = NULL;
    for (prof_type_id id = 1; id < prof_heap_type_max(heap); id++) {
        const char *type = prof_heap_type(heap, id)->name;
        bool tagged = strncmp(type, tag, tag_length) == 0 && strlen(type) == tag_length + length &&
                      memcmp(type + tag_length, name, length) == 0;
        if (strlen(type) == length && memcmp(type, name, length) == 0)
            return strdup(type);
        found = tagged ? type : found;
    }
    return found != NULL ? strdup(found) : strndup(name, length);
}

struct prof_error *prof_view_find_thing(struct prof_view *view, const char *spec, struct prof_thing *ret)
{
    uint64_t number;
    if (strncmp(spec, "@leak:", 6) == 0)
        return by_finding(view, spec, spec + 6, ret);
    if (strncmp(spec, "0x", 2) == 0)
        return by_addr(view, spec, ret);
    const char *hash = strrchr(spec, '#');
    if (hash == NULL || hash[1] == '\0' || !decimal(hash + 1, &number))
        return no_object(view, spec);
    /* "block#7", "struct timer block#7" as paths call it */
    bool block = hash - spec >= 5 && memcmp(hash - 5, "block", 5) == 0 && (hash - spec == 5 || hash[-6] == ' ');
    if (hash == spec || block)
        return by_id(view, spec, number, block, ret);
    char *type = type_called(view->heap, spec, (size_t)(hash - spec));
    if (type == NULL)
        return prof_error_memory();
    struct prof_error *error = NULL;
    prof_obj_id obj = number <= UINT32_MAX ? prof_heap_obj_by_name(view->heap, type, (uint32_t)number) : 0;
    if (obj == 0)
        error = number <= UINT32_MAX ? dead_object(view, spec, type, (uint32_t)number)
                                     : prof_error_create(PROF_ERROR_NOT_FOUND, "there is no object %s", spec);
    else
        thing_of(view, obj, 0, ret);
    free(type);
    return error;
}

struct prof_error *prof_view_find(struct prof_view *view, const char *spec, prof_obj_id *ret)
{
    struct prof_thing thing = { 0 };
    struct prof_error *error = prof_view_find_thing(view, spec, &thing);
    if (error == NULL && thing.obj == 0)
        error = prof_error_create(PROF_ERROR_NOT_FOUND, "%s names no object", spec);
    if (error == NULL)
        *ret = thing.obj;
    return error;
}
