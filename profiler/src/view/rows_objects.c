/* rows_objects.c: one row for each object that is not dead. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum {
    OBJECT,
    COUNT,
    OWNED,
    BYTES,
    AGE,
    STATE,
    FINDING,
    SITE,
    TYPE,
    ADDR,
    ID,
    BORN,
    LAST,
    OBSERVED,
    REFS,
    UNREFS,
    TID,
    SCOPE,
    CONTEXT,
    FLAGS,
    COLUMNS
};
static const struct prof_column columns[COLUMNS] = {
    [OBJECT] = { .key = "object", .title = "OBJECT", .kind = PROF_CELL_TEXT },
    [COUNT] = { .key = "count", .title = "COUNT", .kind = PROF_CELL_COUNT },
    [OWNED] = { .key = "owned", .title = "OWNED", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [AGE] = { .key = "age", .title = "AGE", .kind = PROF_CELL_TIME },
    [STATE] = { .key = "state", .title = "STATE", .kind = PROF_CELL_TEXT, .extra = true },
    [FINDING] = { .key = "finding", .title = "FINDING", .kind = PROF_CELL_TEXT },
    [SITE] = { .key = "site", .title = "BORN IN", .kind = PROF_CELL_TEXT, .wide = true },
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .extra = true },
    [ADDR] = { .key = "addr", .title = "ADDR", .kind = PROF_CELL_ADDR, .extra = true },
    [ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_COUNT, .extra = true },
    [BORN] = { .key = "born", .title = "BORN", .kind = PROF_CELL_MOMENT, .extra = true },
    [LAST] = { .key = "last", .title = "LAST EVENT", .kind = PROF_CELL_MOMENT, .extra = true },
    [OBSERVED] = { .key = "observed", .title = "OBSERVED", .kind = PROF_CELL_COUNT, .extra = true },
    [REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT, .extra = true },
    [UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT, .extra = true },
    [TID] = { .key = "tid", .title = "THREAD", .kind = PROF_CELL_COUNT, .extra = true },
    [SCOPE] = { .key = "scope", .title = "SCOPE", .kind = PROF_CELL_TEXT, .extra = true },
    [CONTEXT] = { .key = "context", .title = "CONTEXT", .kind = PROF_CELL_TEXT, .extra = true },
    [FLAGS] = { .key = "flags", .title = "FLAGS", .kind = PROF_CELL_TEXT, .extra = true },
};

static void flag_words(uint16_t flags, char *buf, size_t size)
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

static const char *finding_word(const struct prof_view *view, prof_obj_id id)
{
    const struct prof_finding *finding = view->findings != NULL ? prof_findings_of(view->findings, id) : NULL;
    return finding != NULL ? prof_verdict_name(finding->verdict) : "";
}

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

static void finish(struct rows *rows, struct prof_cell *row, uint64_t key)
{
    struct prof_view *view = rows->view;
    const struct prof_obj *obj = prof_heap_obj(view->heap, (prof_obj_id)key);
    if (!rows_wants(rows, SITE)) {
        row[SITE].text = view_site_text(view, obj->stack);
        rows->failed |= row[SITE].text == NULL;
    }
    if (!rows_wants(rows, OBJECT)) {
        char name[512];
        row[OBJECT].text = view_text(view, prof_fmt_obj(name, sizeof name, view->heap, (prof_obj_id)key));
        rows->failed |= row[OBJECT].text == NULL;
    }
    if (!rows_wants(rows, OWNED))
        row[OWNED] = cell_number(owned(view->heap, obj));
}

struct prof_error *rows_objects(struct prof_view *view, const struct prof_query *query, const struct prof_table **ret)
{
    struct rows rows;
    struct prof_error *error = rows_begin(&rows, view, columns, COLUMNS, query, "bytes,id");
    if (error != NULL)
        return error;
    struct prof_heap *heap = view->heap;
    uint32_t max = prof_heap_obj_max(heap);
    uint64_t end = prof_heap_totals(heap)->end_us;
    const struct prof_scope *scopes;
    size_t scope_count = prof_heap_scopes(heap, &scopes);
    bool known_type = query->type == NULL;
    for (prof_type_id id = 0; !known_type && id < prof_heap_type_max(heap); id++)
        known_type = strcmp(prof_heap_type(heap, id)->name, query->type) == 0;
    if (!known_type) {
        rows.failed = false;
        const struct prof_table *dropped;
        prof_error_destroy(rows_end(&rows, NULL, &dropped));
        return prof_error_create(PROF_ERROR_NOT_FOUND, "no type '%s' in this trace; 'reftrack types' lists them",
                                 query->type);
    }
    for (prof_obj_id id = 1; id < max && !rows.failed; id++) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        if (obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD || obj->born_us < query->from_us ||
            (query->to_us != 0 && obj->born_us > query->to_us))
            continue;
        const char *type = prof_heap_type(heap, obj->type)->name;
        if (query->type != NULL && strcmp(type, query->type) != 0)
            continue;
        char name[512] = "", flags[128], context_text[256] = "";
        if (rows_wants(&rows, OBJECT))
            prof_fmt_obj(name, sizeof name, heap, id);
        flag_words(obj->flags, flags, sizeof flags);
        const struct prof_context *context = obj->context != 0 ? prof_heap_context(heap, obj->context) : NULL;
        if (context != NULL)
            snprintf(context_text, sizeof context_text, "%s=%llu", context->key, (unsigned long long)context->id);
        struct prof_cell row[COLUMNS] = {
            [OBJECT] = cell_text(name),
            [COUNT] = cell_number((uint64_t)(int64_t)obj->count),
            [OWNED] = rows_wants(&rows, OWNED) ? cell_number(owned(heap, obj)) : cell_none(),
            [BYTES] = obj->size != 0 ? cell_number(obj->size) : cell_none(),
            [AGE] = cell_number(end > obj->born_us ? end - obj->born_us : 0),
            [STATE] = cell_text(prof_state_name(obj->state)),
            [FINDING] = cell_text(finding_word(view, id)),
            [SITE] = cell_text(rows_wants(&rows, SITE) ? view_site_text(view, obj->stack) : ""),
            [TYPE] = cell_text(type),
            [ADDR] = cell_number(obj->addr),
            [ID] = cell_number(id),
            [BORN] = cell_number(obj->born_us),
            [LAST] = cell_number(obj->last_us),
            [OBSERVED] =
                (obj->flags & PROF_OBJ_COUNTED) != 0 ? cell_number((uint64_t)(int64_t)obj->observed) : cell_none(),
            [REFS] = cell_number(obj->refs),
            [UNREFS] = cell_number(obj->unrefs),
            [TID] = cell_number(obj->tid),
            [SCOPE] = cell_text(obj->scope != 0 && obj->scope < scope_count ? scopes[obj->scope].name : ""),
            [CONTEXT] = cell_text(context_text),
            [FLAGS] = cell_text(flags),
        };
        rows_offer(&rows, row, id);
    }
    return rows_end(&rows, finish, ret);
}
