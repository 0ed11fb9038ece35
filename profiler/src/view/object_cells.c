/* object_cells.c: what is told of an object, column by column. See object_cells.h. */
#include "object_cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct prof_column object_columns[OBJECT_COLUMNS] = {
    [OBJECT_NAME] = { .key = "object", .title = "OBJECT", .kind = PROF_CELL_TEXT },
    [OBJECT_COUNT] = { .key = "count", .title = "COUNT", .kind = PROF_CELL_COUNT },
    [OBJECT_OWNED] = { .key = "owned", .title = "OWNED", .kind = PROF_CELL_COUNT },
    [OBJECT_BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [OBJECT_AGE] = { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    [OBJECT_STATE] = { .key = "state", .title = "STATE", .kind = PROF_CELL_TEXT, .extra = true },
    [OBJECT_FINDING] = { .key = "finding", .title = "FINDING", .kind = PROF_CELL_TEXT },
    [OBJECT_SITE] = { .key = "site", .title = "BORN IN", .kind = PROF_CELL_TEXT, .wide = true },
    [OBJECT_TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .extra = true },
    [OBJECT_ADDR] = { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR, .extra = true },
    [OBJECT_ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_COUNT, .extra = true },
    [OBJECT_BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_MOMENT, .extra = true },
    [OBJECT_LAST] = { .key = "last", .title = "LAST EVENT", .kind = PROF_CELL_MOMENT, .extra = true },
    [OBJECT_OBSERVED] = { .key = "observed", .title = "OBSERVED", .kind = PROF_CELL_COUNT, .extra = true },
    [OBJECT_REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT, .extra = true },
    [OBJECT_UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT, .extra = true },
    [OBJECT_TID] = { .key = "tid", .title = "THREAD", .kind = PROF_CELL_COUNT, .extra = true },
    [OBJECT_SCOPE] = { .key = "scope", .title = "SCOPE", .kind = PROF_CELL_TEXT, .extra = true },
    [OBJECT_CONTEXT] = { .key = "context", .title = "CONTEXT", .kind = PROF_CELL_TEXT, .extra = true },
    [OBJECT_FLAGS] = { .key = "flags", .title = "FLAGS", .kind = PROF_CELL_TEXT, .extra = true },
};

bool object_is_listed(const struct prof_heap *heap, const struct prof_query *query, prof_obj_id id)
{
    const struct prof_obj *obj = prof_heap_obj(heap, id);
    return obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD && obj->born_us >= query->from_us &&
           (query->to_us == 0 || obj->born_us <= query->to_us) &&
           (query->stacks == NULL || prof_stack_set_has(query->stacks, obj->stack));
}

bool *object_types_named(const struct prof_heap *heap, const char *name, struct prof_error **ret_error)
{
    bool *named = calloc((size_t)prof_heap_type_max(heap) + 1, sizeof *named), any = false;
    for (prof_type_id id = 0; named != NULL && id < prof_heap_type_max(heap); id++)
        any |= named[id] = strcmp(prof_heap_type(heap, id)->name, name) == 0;
    if (named == NULL)
        *ret_error = prof_error_memory();
    else if (!any)
        *ret_error =
            prof_error_create(PROF_ERROR_NOT_FOUND, "no type '%s' in this trace; 'reftrack types' lists them", name);
    if (any)
        return named;
    free(named);
    return NULL;
}

/* ---- Texts ---- */

static void flag_words(uint32_t flags, char *buf, size_t size)
{
    static const struct {
        uint16_t flag;
        const char *word;
    } words[] = {
        { PROF_OBJ_FLOATING, "floating" },       { PROF_OBJ_PINNED, "pinned" },
        { PROF_OBJ_MAY_LEAK, "may-leak" },       { PROF_OBJ_SKEWED, "skewed" },
        { PROF_OBJ_FINALIZING, "finalizing" },   { PROF_OBJ_FINALIZED, "finalized" },
        { PROF_OBJ_MISCOUNT, "miscount" },       { PROF_OBJ_TOUCHED, "touched" },
        { PROF_OBJ_RESURRECTED, "resurrected" },
    };
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((flags & words[i].flag) != 0 && used < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used != 0 ? "," : "", words[i].word);
}

uint32_t object_value(const struct prof_view *view, prof_obj_id id, enum object_column column)
{
    const struct prof_obj *obj = prof_heap_obj(view->heap, id);
    const struct prof_finding *finding;
    switch (column) {
    case OBJECT_STATE:
        return obj->state;
    case OBJECT_FINDING:
        finding = view->findings != NULL ? prof_findings_of(view->findings, id) : NULL;
        return finding != NULL ? finding->verdict : 0;
    case OBJECT_SITE:
        return obj->stack;
    case OBJECT_TYPE:
        return obj->type;
    case OBJECT_SCOPE:
        return obj->scope;
    case OBJECT_CONTEXT:
        return obj->context;
    case OBJECT_FLAGS:
        return obj->flags;
    default:
        return 0;
    }
}

const char *object_value_text(struct prof_view *view, enum object_column column, uint32_t value,
                              struct object_texts *texts)
{
    const struct prof_context *context;
    const struct prof_scope *scopes;
    switch (column) {
    case OBJECT_STATE:
        return prof_state_name(value);
    case OBJECT_FINDING:
        return value != 0 ? prof_verdict_name((enum prof_verdict)value) : "";
    case OBJECT_SITE:
        return view_site_text(view, value);
    case OBJECT_TYPE:
        return prof_heap_type(view->heap, value)->name;
    case OBJECT_SCOPE:
        return value != 0 && value < prof_heap_scopes(view->heap, &scopes) ? scopes[value].name : "";
    case OBJECT_CONTEXT:
        context = value != 0 ? prof_heap_context(view->heap, value) : NULL;
        if (context == NULL)
            return "";
        snprintf(texts->words, sizeof texts->words, "%s=%llu", context->key, (unsigned long long)context->id);
        return texts->words;
    case OBJECT_FLAGS:
        flag_words(value, texts->words, sizeof texts->words);
        return texts->words;
    default:
        return "";
    }
}

/* ---- Cells ---- */

static uint64_t owned(const struct prof_heap *heap, const struct prof_obj *obj)
{
    uint64_t n = 0;
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(heap, i);
        n += open->kind != PROF_OPEN_BIRTH;
        i = open->next;
    }
    return n;
}

struct prof_cell object_cell(struct prof_view *view, prof_obj_id id, enum object_column column,
                             struct object_texts *texts)
{
    const struct prof_obj *obj = prof_heap_obj(view->heap, id);
    uint64_t end = prof_heap_totals(view->heap)->end_us;
    switch (column) {
    case OBJECT_NAME:
        return cell_text(prof_fmt_obj(texts->name, sizeof texts->name, view->heap, id));
    case OBJECT_COUNT:
        return cell_number((uint64_t)(int64_t)obj->count);
    case OBJECT_OWNED:
        return cell_number(owned(view->heap, obj));
    case OBJECT_BYTES:
        return obj->size != 0 ? cell_number(obj->size) : cell_none();
    case OBJECT_AGE:
        return cell_number(end > obj->born_us ? end - obj->born_us : 0);
    case OBJECT_ADDR:
        return cell_number(obj->addr);
    case OBJECT_ID:
        return cell_number(id);
    case OBJECT_BORN:
        return cell_number(obj->born_us);
    case OBJECT_LAST:
        return cell_number(obj->last_us);
    case OBJECT_OBSERVED:
        return (obj->flags & PROF_OBJ_COUNTED) != 0 ? cell_number((uint64_t)(int64_t)obj->observed) : cell_none();
    case OBJECT_REFS:
        return cell_number(obj->refs);
    case OBJECT_UNREFS:
        return cell_number(obj->unrefs);
    case OBJECT_TID:
        return cell_number(obj->tid);
    default:
        return cell_text(object_value_text(view, column, object_value(view, id, column), texts));
    }
}
