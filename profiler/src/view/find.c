/* find.c: finds the object that somebody means: "Type#12", "#1204", "0x55d0c3a1b0", "@leak:3". */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool decimal(const char *text, uint64_t *ret)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < '0' || *p > '9')
            return false;
    return prof_parse_quantity(text, PROF_UNIT_NONE, ret);
}

static struct prof_error *by_finding(struct prof_view *view, const char *spec, const char *number, prof_obj_id *ret)
{
    uint64_t id;
    const struct prof_finding *list = NULL;
    size_t count = view->findings != NULL ? prof_findings_list(view->findings, &list) : 0;
    if (!decimal(number, &id))
        return prof_error_create(PROF_ERROR_SYNTAX, "'%s' is not a finding; write @leak:3", spec);
    for (size_t i = 0; i < count; i++) {
        if (list[i].id != id)
            continue;
        if (list[i].sample_count == 0)
            return prof_error_create(PROF_ERROR_NOT_FOUND,
                                     "finding %s is about plain blocks, not objects; "
                                     "'reftrack blocks' lists them",
                                     spec);
        *ret = list[i].samples[0];
        return NULL;
    }
    return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no finding %s; this trace has %zu", spec, count);
}

static struct prof_error *by_addr(struct prof_view *view, const char *spec, prof_obj_id *ret)
{
    uint64_t addr;
    if (!prof_parse_quantity(spec, PROF_UNIT_NONE, &addr))
        return prof_error_create(PROF_ERROR_SYNTAX, "'%s' is not an address", spec);
    prof_obj_id obj = prof_heap_obj_at(view->heap, addr);
    if (obj == 0)
        obj = prof_heap_obj_by_addr(view->heap, addr);
    if (obj == 0 && prof_heap_block_at(view->heap, addr) != 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "%s lies in a plain block, not in an object; "
                                 "see 'reftrack blocks'",
                                 spec);
    if (obj == 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "nothing lives at %s at this moment of the trace; --to names an earlier one, and "
                                 "'reftrack dump -a %s' lists what happened there",
                                 spec, spec);
    *ret = obj;
    return NULL;
}

struct prof_error *prof_view_find(struct prof_view *view, const char *spec, prof_obj_id *ret)
{
    uint64_t number;
    if (strncmp(spec, "@leak:", 6) == 0)
        return by_finding(view, spec, spec + 6, ret);
    if (strncmp(spec, "0x", 2) == 0)
        return by_addr(view, spec, ret);
    const char *hash = strrchr(spec, '#');
    if (hash == NULL || hash[1] == '\0' || !decimal(hash + 1, &number))
        return prof_error_create(PROF_ERROR_SYNTAX,
                                 "'%s' names no object; write Type#12, #1204, 0x55d0c3a1b0 or @leak:3", spec);
    if (hash == spec) {
        if (number == 0 || number >= prof_heap_obj_max(view->heap) ||
            prof_heap_obj(view->heap, (prof_obj_id)number)->state == PROF_OBJ_NONE)
            return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no object %s alive", spec);
        *ret = (prof_obj_id)number;
        return NULL;
    }
    char *type = strndup(spec, (size_t)(hash - spec));
    if (type == NULL)
        return prof_error_memory();
    prof_obj_id obj = number <= UINT32_MAX ? prof_heap_obj_by_name(view->heap, type, (uint32_t)number) : 0;
    free(type);
    if (obj == 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "there is no object %s alive at this moment of the trace; if it died, --to names a "
                                 "moment or a mark before that",
                                 spec);
    *ret = obj;
    return NULL;
}
