/* work/findings.c: verdicts as rows of a list, one of them with all its evidence, and one object with all that is known
 * of it, in the words of the text layer. See work.h. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_cycle(const struct prof_finding *finding)
{
    return finding->edge_count > 0 || finding->verdict == PROF_CYCLE || finding->verdict == PROF_CYCLE_HELD ||
           finding->verdict == PROF_UNCOLLECTABLE;
}

static void add_column(json_t *columns, const char *key, const char *title)
{
    json_array_append_new(columns, json_pack("{s:s,s:s}", "key", key, "title", title));
}

static json_t *row_of(struct work *work, const struct prof_finding *finding, enum prof_units units)
{
    char id[16], headline[48], objects[32], bytes[32], retained[32], site[1024];
    uint32_t stack = finding->open_count > 0 ? finding->open[0].stack : finding->born_stack;
    const char *type = finding->type[0] != '\0'      ? finding->type
                       : finding->block_type != NULL ? finding->block_type
                                                     : "blocks";
    snprintf(id, sizeof id, "%u", finding->id);
    snprintf(headline, sizeof headline, "%c %s", finding->gating ? '!' : '~', prof_headline_name(finding->headline));
    uint64_t keeps =
        finding->retained_objects > 0 ? finding->retained_bytes : finding->bytes + finding->collateral_bytes;
    return json_pack("[s,s,s,s,s,s,o,o,s]", id, headline, prof_verdict_name(finding->verdict),
                     prof_fmt_count(objects, sizeof objects, finding->objects),
                     prof_fmt_bytes(bytes, sizeof bytes, finding->bytes, units),
                     prof_fmt_bytes(retained, sizeof retained, keeps, units), work_text(type),
                     work_text(prof_view_site(work->view, stack, site, sizeof site)),
                     prof_strength_name(finding->strength));
}

json_t *work_finding_rows(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    static const char *const keys[][2] = { { "id", "ID" },        { "headline", "WHAT" }, { "verdict", "VERDICT" },
                                           { "objects", "OBJS" }, { "bytes", "BYTES" },   { "retained", "RETAINED" },
                                           { "type", "TYPE" },    { "site", "WHERE" },    { "strength", "PROOF" } };
    enum prof_units units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC);
    size_t first = (size_t)work_asked_number(question, "first", 0),
           most = (size_t)work_asked_number(question, "count", 100);
    const char *table = work_asked(question, "table"), *wanted = work_asked(question, "find");
    bool cycles = table != NULL && strcmp(table, "cycles") == 0, all = json_is_true(json_object_get(question, "all"));
    const struct prof_finding *list;
    size_t count = prof_findings_list(work->findings, &list), total = 0;
    json_t *columns = json_array(), *rows = json_array(), *found = json_null();
    uint64_t after = work_asked_number(question, "after", 0);
    (void)ret_error;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_column(columns, keys[i][0], keys[i][1]);
    for (size_t i = 0; i < count; i++) {
        if ((cycles && !is_cycle(&list[i])) || (!all && !prof_finding_is_listed(&list[i])) || list[i].id == 0)
            continue;
        if (wanted != NULL && total > after && json_is_null(found) &&
            (strcasestr(list[i].type, wanted) != NULL || strcasestr(list[i].sentence, wanted) != NULL))
            found = json_integer((json_int_t)total);
        if (total >= first && total < first + most)
            json_array_append_new(rows, row_of(work, &list[i], units));
        total++;
    }
    json_t *result = json_pack("{s:I,s:I,s:o,s:o}", "total", (json_int_t)total, "first", (json_int_t)first, "columns",
                               columns, "rows", rows);
    if (wanted != NULL && result != NULL)
        json_object_set(result, "found", found);
    json_decref(found);
    return result;
}

json_t *work_finding(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *of = work_asked(question, "of");
    long id = of != NULL ? strtol(of, NULL, 10) : 0;
    const struct prof_finding *list, *found = NULL;
    size_t count = prof_findings_list(work->findings, &list);
    struct work_told told;
    char name[512];
    for (size_t i = 0; i < count && found == NULL; i++)
        if ((long)list[i].id == id && !list[i].total)
            found = &list[i];
    if (found == NULL) {
        *ret_error = prof_error_create(PROF_ERROR_NOT_FOUND, "this finding is not among those of this moment");
        return NULL;
    }
    prof_view_compare(work->view, work_ledgers(work));
    prof_text_finding(work_tell(&told, work, question), found, work_asked_all(question));
    json_t *result = work_told(&told), *samples = json_array();
    for (size_t i = 0; i < found->sample_count; i++)
        json_array_append_new(samples, work_text(prof_fmt_obj(name, sizeof name, work->heap, found->samples[i])));
    json_object_set_new(result, "samples", samples);
    return result;
}

static const char *generation_words(struct work *work, prof_obj_id id, char *buf, size_t size)
{
    int generation = prof_gc_generation(work->gc, id);
    if (generation == PROF_GC_GARBAGE)
        return "garbage: only objects like it hold it";
    snprintf(buf, size, "generation %d", generation);
    return generation >= 0 && generation < PROF_GC_GENERATIONS ? buf : NULL;
}

/* What takes as long as the object keeps others alive. */
static struct prof_error *add_sizes(struct prof_graph *graph, prof_obj_id id, struct prof_text_life_options *how)
{
    prof_node node = prof_graph_of_obj(graph, id);
    uint64_t nodes;
    struct prof_error *error = prof_graph_dominate(graph);
    if (error != NULL || node == PROF_NODE_NONE)
        return error;
    struct prof_node_size size = prof_graph_size(graph, node);
    how->sized = true;
    how->flat = size.flat;
    how->usable = size.usable;
    how->retained = prof_graph_retained(graph, node);
    return prof_graph_deep(graph, node, UINT32_MAX, &how->deep, &nodes);
}

/* brief: without what needs a second reading of the trace, or a walk. */
json_t *work_object(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    enum { TOP = 40 };
    const char *of = work_asked(question, "of");
    struct prof_graph *graph = work_graph(work, ret_error);
    char words[32];
    prof_obj_id id;
    if (graph != NULL)
        *ret_error = prof_view_find(work->view, of != NULL ? of : "", &id);
    if (*ret_error != NULL)
        return NULL;
    bool all = work_asked_all(question), brief = json_is_true(json_object_get(question, "brief"));
    const struct prof_obj *obj = prof_heap_obj(work->heap, id);
    struct prof_ledgers_options wanted = { .type = prof_heap_type(work->heap, obj->type)->name,
                                           .serial = obj->serial,
                                           .whole = all };
    struct prof_text_life_options how = { .top = all ? UINT64_MAX : TOP,
                                          .generation = generation_words(work, id, words, sizeof words) };
    struct prof_ledgers *ledgers = NULL;
    if (!brief)
        *ret_error = add_sizes(graph, id, &how);
    if (!brief && *ret_error == NULL)
        *ret_error = prof_ledgers_create(work->heap, work->symbols, work->findings, &wanted, &ledgers);
    if (*ret_error != NULL)
        return NULL;
    struct work_told told;
    work_tell(&told, work, question);
    told.text.ledgers = ledgers;
    *ret_error =
        prof_text_whole_object(&told.text, id, prof_text_finding_of(&told.text, of, id),
                               ledgers != NULL ? prof_ledgers_of(ledgers, wanted.type, wanted.serial) : NULL, &how);
    prof_ledgers_destroy(ledgers);
    return *ret_error == NULL ? work_told(&told) : work_told_not(&told);
}

json_t *work_type(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *of = work_asked(question, "of");
    struct work_told told;
    (void)ret_error;
    const struct prof_text *text = work_tell(&told, work, question);
    for (prof_type_id id = 0; id < prof_heap_type_max(work->heap); id++)
        if (of != NULL && prof_heap_type(work->heap, id)->born != 0 &&
            strcmp(prof_heap_type(work->heap, id)->name, of) == 0) {
            prof_text_type(text, id);
            return work_told(&told);
        }
    prof_text_put(text, PROF_TEXT_TYPE, of != NULL ? of : "");
    prof_text_add(text, "\nPlain blocks, which count no references: sites tell where they were allocated.\n");
    return work_told(&told);
}

json_t *work_growth(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    enum { TOP = 10 };
    const struct prof_growth_options options = { 0 };
    struct prof_growth *growth = NULL;
    struct work_told told;
    if (work_graph(work, ret_error) == NULL)
        return NULL;
    work_doing(work, "comparing moments");
    *ret_error = prof_growth_create(work->heap, work->symbols, &options, &growth);
    if (*ret_error != NULL)
        return NULL;
    *ret_error = prof_text_growth(work_tell(&told, work, question), growth, work_asked_all(question) ? 0 : TOP);
    prof_growth_destroy(growth);
    return *ret_error == NULL ? work_told(&told) : work_told_not(&told);
}
