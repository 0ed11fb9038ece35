/* selection.c: some objects of one type, as people name them. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include <prof/selection.h>

static bool alive(const struct prof_obj *obj)
{
    return obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD;
}

static bool in_question(const struct prof_selection *s, prof_obj_id id)
{
    const struct prof_finding *finding = prof_findings_of(s->view->findings, id);
    return finding != NULL && finding->verdict != PROF_REACHABLE && finding->suppressed_by == NULL;
}

/* A dead object may be an example of several findings. */
static bool speaks_of(const struct prof_finding *finding, prof_obj_id id)
{
    for (size_t i = 0; i < finding->sample_count; i++)
        if (finding->samples[i] == id)
            return true;
    return false;
}

bool prof_selection_has(void *selection, prof_obj_id id)
{
    const struct prof_selection *s = selection;
    const struct prof_obj *obj = prof_heap_obj(s->view->heap, id);
    if (obj->state == PROF_OBJ_NONE || obj->type != s->type || (!alive(obj) && !s->dead))
        return false;
    if (s->obj != 0)
        return id == s->obj;
    if (s->finding != NULL)
        return prof_findings_of(s->view->findings, id) == s->finding || (!alive(obj) && speaks_of(s->finding, id));
    return (s->all && alive(obj)) || in_question(s, id);
}

static void count(struct prof_selection *s)
{
    s->count = 0;
    for (prof_obj_id id = 1; id < prof_heap_obj_max(s->view->heap); id++)
        s->count += prof_selection_has(s, id);
}

/* "struct conn" or "conn"; 0: no such type of objects. */
static prof_type_id type_named(const struct prof_heap *heap, const char *name)
{
    for (prof_type_id id = 1; id < prof_heap_type_max(heap); id++) {
        const char *type = prof_heap_type(heap, id)->name;
        if (prof_heap_type(heap, id)->born + prof_heap_type(heap, id)->live != 0 &&
            (strcmp(type, name) == 0 || (strncmp(type, "struct ", 7) == 0 && strcmp(type + 7, name) == 0)))
            return id;
    }
    return 0;
}

static const struct prof_finding *finding_numbered(const struct prof_view *view, uint64_t number)
{
    const struct prof_finding *list;
    size_t found = prof_findings_list(view->findings, &list);
    for (size_t i = 0; i < found; i++)
        if (list[i].id == number)
            return &list[i];
    return NULL;
}

struct prof_error *prof_view_select(struct prof_view *view, const char *spec, bool dead, struct prof_selection *ret)
{
    struct prof_selection s = { .view = view, .dead = dead, .type = type_named(view->heap, spec) };
    if (s.type != 0) {
        count(&s);
        if (s.count == 0) {
            s.all = true;
            count(&s);
        }
        if (s.count == 0)
            return prof_error_create(PROF_ERROR_NOT_FOUND, "no %s is alive; 'reftrack types' lists what is", spec);
        *ret = s;
        return NULL;
    }
    prof_obj_id obj;
    struct prof_error *error = prof_view_find(view, spec, &obj);
    if (error != NULL)
        return error;
    s.type = prof_heap_obj(view->heap, obj)->type;
    uint64_t number;
    if (strncmp(spec, "@leak:", 6) == 0 && prof_parse_quantity(spec + 6, PROF_UNIT_NONE, &number))
        s.finding = finding_numbered(view, number);
    if (s.finding == NULL)
        s.obj = obj;
    count(&s);
    if (s.count == 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "%s speaks of no object that is alive; 'reftrack show %s' tells its life", spec, spec);
    *ret = s;
    return NULL;
}

char *prof_selection_text(const struct prof_selection *selection, char *buf, size_t size)
{
    char number[32];
    if (selection->obj != 0)
        return prof_fmt_obj(buf, size, selection->view->heap, selection->obj);
    snprintf(buf, size, "%s %s", prof_fmt_count(number, sizeof number, selection->count),
             prof_heap_type(selection->view->heap, selection->type)->name);
    return buf;
}
