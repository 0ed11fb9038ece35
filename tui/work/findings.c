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

/* ---- The list ---- */

enum {
    NUMBER,
    HEADLINE,
    VERDICT,
    OBJECTS,
    BYTES,
    RETAINED,
    TYPE,
    SITE,
    STRENGTH,
    EXCLUDED,
    FIRST,
    LAST,
    FINGERPRINT,
    ID,
    COLUMNS
};
static const struct prof_column columns[COLUMNS] = {
    [NUMBER] = { .key = "number", .title = "NUMBER", .kind = PROF_CELL_TEXT, .extra = true },
    [HEADLINE] = { .key = "headline", .title = "WHAT", .kind = PROF_CELL_TEXT },
    [VERDICT] = { .key = "verdict", .title = "VERDICT", .kind = PROF_CELL_TEXT },
    [OBJECTS] = { .key = "objects", .title = "OBJS", .kind = PROF_CELL_COUNT },
    [BYTES] = { .key = "bytes", .title = "BYTES", .kind = PROF_CELL_BYTES },
    [RETAINED] = { .key = "retained", .title = "RETAINED", .kind = PROF_CELL_BYTES },
    [TYPE] = { .key = "type", .title = "TYPE", .kind = PROF_CELL_TEXT, .wide = true },
    [SITE] = { .key = "site", .title = "WHERE", .kind = PROF_CELL_TEXT, .wide = true },
    [STRENGTH] = { .key = "strength", .title = "PROOF", .kind = PROF_CELL_TEXT },
    [EXCLUDED] = { .key = "excluded", .title = "EXCLUDED", .kind = PROF_CELL_TEXT, .extra = true },
    [FIRST] = { .key = "first", .title = "FIRST", .kind = PROF_CELL_MOMENT, .extra = true },
    [LAST] = { .key = "last", .title = "LAST", .kind = PROF_CELL_MOMENT, .extra = true },
    [FINGERPRINT] = { .key = "fingerprint", .title = "FINGERPRINT", .kind = PROF_CELL_TEXT, .extra = true },
    [ID] = { .key = "id", .title = "ID", .kind = PROF_CELL_COUNT, .extra = true },
};

/* Why a finding is left out of the list at first; "" when it is not. Borrowed from it. */
static const char *excluded_by(const struct prof_finding *finding)
{
    if (finding->suppressed_by != NULL)
        return finding->suppressed_by;
    return prof_finding_is_folded(finding) ? prof_verdict_words(finding->verdict) : "";
}

struct rows {
    struct work *work;
    const struct prof_finding *list;
    size_t *index; /* of those in the table */
    size_t count;
    char text[4][1024], number[24];
};

static void fill(void *ctx, size_t i, struct prof_cell *row)
{
    struct rows *rows = ctx;
    const struct prof_finding *finding = &rows->list[rows->index[i]];
    uint32_t stack = finding->open_count > 0 ? finding->open[0].stack : finding->born_stack;
    const char *type = finding->type[0] != '\0'      ? finding->type
                       : finding->block_type != NULL ? finding->block_type
                                                     : "blocks";
    char site[1024];
    snprintf(rows->text[0], sizeof rows->text[0], "%c %s", finding->gating ? '!' : '~',
             prof_headline_name(finding->headline));
    prof_escape_terminal(rows->text[1], sizeof rows->text[1], type);
    prof_escape_terminal(rows->text[2], sizeof rows->text[2],
                         prof_view_site(rows->work->view, stack, site, sizeof site));
    prof_escape_terminal(rows->text[3], sizeof rows->text[3], excluded_by(finding));
    snprintf(rows->number, sizeof rows->number, "%zu", rows->index[i]);
    row[NUMBER].text = rows->number;
    row[HEADLINE].text = rows->text[0];
    row[VERDICT].text = prof_verdict_name(finding->verdict);
    row[OBJECTS].number = finding->objects;
    row[BYTES].number = finding->bytes;
    row[RETAINED].number =
        finding->retained_objects > 0 ? finding->retained_bytes : finding->bytes + finding->collateral_bytes;
    row[TYPE].text = rows->text[1];
    row[SITE].text = rows->text[2];
    row[STRENGTH].text = prof_strength_name(finding->strength);
    row[EXCLUDED].text = rows->text[3];
    row[FIRST].number = finding->first_us;
    row[LAST].number = finding->last_us;
    row[FINGERPRINT].text = finding->fingerprint;
    row[ID].number = finding->id;
    for (size_t c = 0; c < COLUMNS; c++)
        row[c].none = false;
    row[ID].none = finding->id == 0;
}

/* Those that belong to a table; excluded ones with them when all are wanted. *ret_excluded, *ret_suppressed: how many
 * were left out, and how many of these by suppressions. NULL: no memory. */
static size_t *chosen(struct work *work, const json_t *question, size_t *ret_count, size_t *ret_excluded,
                      size_t *ret_suppressed)
{
    const char *table = work_asked(question, "table");
    bool cycles = table != NULL && strcmp(table, "cycles") == 0, all = json_is_true(json_object_get(question, "all"));
    const struct prof_finding *list;
    size_t count = prof_findings_list(work->findings, &list), *index = calloc(count + 1, sizeof *index);
    *ret_count = *ret_excluded = *ret_suppressed = 0;
    for (size_t i = 0; i < count && index != NULL; i++) {
        bool excluded = !prof_finding_is_listed(&list[i]);
        if (cycles && !is_cycle(&list[i]))
            continue;
        *ret_excluded += excluded;
        *ret_suppressed += list[i].suppressed_by != NULL;
        if (all || !excluded)
            index[(*ret_count)++] = i;
    }
    return index;
}

struct prof_error *work_finding_table(struct work *work, const json_t *question, const struct prof_table **ret)
{
    const struct prof_query all = { .top = 0 };
    size_t excluded, suppressed;
    struct rows *rows = calloc(1, sizeof *rows);
    struct prof_error *error = prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
    if (rows != NULL)
        rows->index = chosen(work, question, &rows->count, &excluded, &suppressed);
    if (rows != NULL && rows->index != NULL) {
        const struct prof_rows given = {
            .columns = columns, .column_count = COLUMNS, .count = rows->count, .fill = fill, .ctx = rows
        };
        rows->work = work;
        prof_findings_list(work->findings, &rows->list);
        prof_error_destroy(error);
        error = prof_view_rows(work->view, &given, &all, ret);
    }
    if (rows != NULL)
        free(rows->index);
    free(rows);
    return error;
}

void work_finding_counts(struct work *work, const json_t *question, json_t *result)
{
    size_t count, excluded, suppressed;
    free(chosen(work, question, &count, &excluded, &suppressed));
    json_object_set_new(result, "excluded", json_integer((json_int_t)excluded));
    json_object_set_new(result, "suppressed", json_integer((json_int_t)suppressed));
    if (work->suppress_trouble != NULL)
        json_object_set_new(result, "trouble", work_text(work->suppress_trouble));
}

/* ---- One of them ---- */

/* The one with a number; NULL: *ret_error. */
static const struct prof_finding *numbered(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *of = work_asked(question, "of");
    size_t number = of != NULL ? strtoul(of, NULL, 10) : 0;
    const struct prof_finding *list;
    if (number < prof_findings_list(work->findings, &list))
        return &list[number];
    *ret_error = prof_error_create(PROF_ERROR_NOT_FOUND, "this finding is not among those of this moment");
    return NULL;
}

json_t *work_suppression(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const struct prof_finding *finding = numbered(work, question, ret_error);
    char *text = finding != NULL ? prof_suppression_for(work->findings, finding) : NULL;
    if (text == NULL) {
        if (*ret_error == NULL)
            *ret_error = prof_error_create(PROF_ERROR_ARGUMENT, "no line suppresses just this finding");
        return NULL;
    }
    /* line by line: the text is ours, the names in it are not */
    json_t *lines = json_string("");
    for (char *at = text, *rest = NULL, *line; (line = strtok_r(at, "\n", &rest)) != NULL; at = NULL) {
        json_t *shown = work_text(line);
        json_t *longer = json_sprintf("%s%s\n", json_string_value(lines), json_string_value(shown));
        json_decref(shown);
        json_decref(lines);
        lines = longer;
    }
    free(text);
    return json_pack("{s:o}", "text", lines);
}

json_t *work_finding(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const struct prof_finding *found = numbered(work, question, ret_error);
    struct work_told told;
    char name[512];
    if (found == NULL)
        return NULL;
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
