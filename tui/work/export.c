/* work/export.c: all rows of a table, or the document of a view, to a file that is put in place once it is whole. See
 * work.h. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/links.h>
#include <prof/order.h>
#include <prof/tell.h>
#include <prof/write.h>

#include "../canvas.h"
#include "../textfile.h"

enum { PART = 10000, SHOWN_MOST = 32, TEXT_MOST = 1024 };

/* ---- Rows, part by part ---- */

/* Rows of a table: objects by their order, as they may be very many, others at once. */
struct source {
    struct prof_order *order;       /* NULL: */
    const struct prof_table *table; /* all of it */
    struct work_stacks stacks;      /* that objects were born at, when only some are wanted */
    uint64_t total;
};

static struct prof_error *open_source(struct work *work, const json_t *question, struct source *source)
{
    const json_t *under = json_object_get(question, "under");
    const char *name = work_asked(question, "table");
    *source = (struct source){ .order = NULL };
    if (name == NULL || strcmp(name, "objects") != 0) {
        struct prof_error *error = work_table_of(work, question, &source->table);
        source->total = error == NULL ? source->table->row_count : 0;
        return error;
    }
    struct prof_error *error = NULL;
    double share;
    while (under != NULL && error == NULL && source->stacks.bits == NULL)
        work_stacks_of(work, under, &source->stacks, &share, &error);
    const struct prof_query query = { .where = work_asked(question, "where"),
                                      .sort = work_asked(question, "sort"),
                                      .type = work_asked(question, "type"),
                                      .stacks = under != NULL ? &source->stacks.set : NULL };
    if (error == NULL)
        error = prof_order_create(work->view, &query, &source->order);
    for (bool done = false; error == NULL && !done;)
        error = prof_order_go_on(source->order, UINT32_MAX, &done);
    source->total = error == NULL ? prof_order_total(source->order) : 0;
    return error;
}

/* Calls each with parts of the rows in order; once at least, so that the columns are known. */
static struct prof_error *each_part(struct source *source,
                                    struct prof_error *(*each)(void *ctx, const struct prof_table *part), void *ctx)
{
    if (source->order == NULL)
        return each(ctx, source->table);
    struct prof_error *error = NULL;
    for (uint64_t first = 0; error == NULL && (first == 0 || first < source->total); first += PART) {
        const struct prof_table *part;
        error = prof_order_rows(source->order, first, PART, &part);
        if (error == NULL)
            error = each(ctx, part);
    }
    return error;
}

/* ---- Tables for programs ---- */

struct writing {
    struct prof_writer writer;
    struct prof_view *view;
    const char *name;
    uint64_t total;
    bool begun;
};

static struct prof_error *write_part(void *ctx, const struct prof_table *part)
{
    struct writing *writing = ctx;
    struct prof_error *error = NULL;
    if (!writing->begun)
        error = prof_write_begin(&writing->writer, writing->view, writing->name, part, writing->total);
    writing->begun = true;
    return error != NULL ? error : prof_write_rows(&writing->writer, part);
}

static struct prof_error *write_table(struct work *work, const json_t *question, struct source *source, FILE *out,
                                      enum prof_form form)
{
    struct writing writing = { .writer = { .out = out, .form = form, .all = true },
                               .view = work->view,
                               .name = work_asked(question, "table"),
                               .total = source->total };
    struct prof_error *error = each_part(source, write_part, &writing);
    if (error == NULL)
        prof_write_end(&writing.writer);
    return error;
}

/* ---- Tables for people ---- */

/* The columns that the viewer shows, in its order: [[KEY, TITLE, whether numbers], ...]. */
struct layout {
    FILE *out; /* NULL: only widths are wanted */
    enum prof_units units;
    size_t count;
    struct {
        const char *key, *title;
        bool right;
        int width;
    } column[SHOWN_MOST];
};

static void put_cell(const struct layout *layout, size_t i, const char *text)
{
    int width = tui_width(text), fill = layout->column[i].width > width ? layout->column[i].width - width : 0;
    bool right = layout->column[i].right, last = i + 1 == layout->count;
    fprintf(layout->out, "%s%*s%s%*s%s", i > 0 ? "  " : "", right ? fill : 0, "", text, right || last ? 0 : fill, "",
            last ? "\n" : "");
}

static struct prof_error *lay_part(void *ctx, const struct prof_table *part)
{
    struct layout *layout = ctx;
    size_t index[SHOWN_MOST];
    char text[TEXT_MOST];
    for (size_t i = 0; i < layout->count; i++)
        for (index[i] = 0; index[i] < part->column_count; index[i]++)
            if (strcmp(part->columns[index[i]].key, layout->column[i].key) == 0)
                break;
    for (size_t r = 0; r < part->row_count; r++)
        for (size_t i = 0; i < layout->count; i++) {
            size_t c = index[i];
            const struct prof_cell none = { .none = true };
            const struct prof_cell *cell = c < part->column_count ? &part->cells[r * part->column_count + c] : &none;
            prof_fmt_cell(text, sizeof text, cell, c < part->column_count ? part->columns[c].kind : PROF_CELL_COUNT,
                          layout->units);
            int width = tui_width(text);
            if (layout->out != NULL)
                put_cell(layout, i, text);
            else if (width > layout->column[i].width)
                layout->column[i].width = width;
        }
    return NULL;
}

static struct prof_error *lay_out_table(const json_t *question, struct source *source, FILE *out)
{
    struct layout layout = { .units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC) };
    size_t k;
    json_t *said;
    json_array_foreach(json_object_get(question, "shown"), k, said)
    {
        const char *key = json_string_value(json_array_get(said, 0)),
                   *title = json_string_value(json_array_get(said, 1));
        if (key == NULL || title == NULL || layout.count == SHOWN_MOST)
            continue;
        layout.column[layout.count].key = key;
        layout.column[layout.count].title = title;
        layout.column[layout.count].width = tui_width(title);
        layout.column[layout.count++].right = json_is_true(json_array_get(said, 2));
    }
    struct prof_error *error = each_part(source, lay_part, &layout);
    layout.out = out;
    for (size_t i = 0; i < layout.count && error == NULL; i++)
        put_cell(&layout, i, layout.column[i].title);
    return error != NULL ? error : each_part(source, lay_part, &layout);
}

/* ---- Findings ---- */

static void put_text(void *ctx, enum prof_text_role role, const char *text)
{
    (void)role;
    fputs(text, ctx);
}

static void put_label(void *ctx, unsigned indent, const char *word)
{
    fprintf(ctx, "%*s%-12s", (int)indent, "", word);
}

/* What a table of findings leaves out: all the evidence. */
static void tell_findings(struct work *work, const json_t *question, const struct source *source, FILE *out)
{
    static const struct prof_text_sink sink = { .put = put_text, .label = put_label };
    const struct prof_finding *list;
    size_t count = prof_findings_list(work->findings, &list);
    struct work_told told;
    prof_view_compare(work->view, work_ledgers(work));
    work_tell(&told, work, question);
    struct prof_text text = told.text;
    text.sink = &sink;
    text.ctx = out;
    for (size_t r = 0; r < source->table->row_count; r++) {
        size_t number = strtoul(source->table->cells[r * source->table->column_count].text, NULL, 10);
        fputc('\n', out);
        if (number < count)
            prof_text_finding(&text, &list[number], true);
    }
    work_told_not(&told);
}

/* The document of `leaks --json` with those findings alone that are in the table. */
static struct prof_error *write_findings(struct work *work, const struct source *source, FILE *out)
{
    char *text = NULL;
    prof_view_compare(work->view, work_ledgers(work));
    struct prof_error *error = prof_json_leaks(work->view, &text);
    if (error != NULL)
        return error;
    json_t *document = work_parse(text), *all = json_object_get(document, "findings"), *kept = json_array();
    for (size_t r = 0; r < source->table->row_count; r++)
        json_array_append(
            kept, json_array_get(all, strtoul(source->table->cells[r * source->table->column_count].text, NULL, 10)));
    json_object_set_new(document, "findings", kept);
    bool good = document != NULL && json_dumpf(document, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) == 0;
    fputc('\n', out);
    json_decref(document);
    return good || ferror(out) ? NULL : prof_error_create(PROF_ERROR_NO_MEMORY, "there is no memory");
}

static struct prof_error *export_table(struct work *work, const json_t *question, const char *form, FILE *out,
                                       uint64_t *ret_rows)
{
    const char *name = work_asked(question, "table");
    bool findings = name != NULL && (strcmp(name, "leaks") == 0 || strcmp(name, "cycles") == 0);
    struct source source;
    struct prof_error *error = open_source(work, question, &source);
    *ret_rows = source.total;
    if (error == NULL && strcmp(form, "csv") == 0)
        error = write_table(work, question, &source, out, PROF_FORM_CSV);
    else if (error == NULL && strcmp(form, "json") == 0)
        error =
            findings ? write_findings(work, &source, out) : write_table(work, question, &source, out, PROF_FORM_JSON);
    else if (error == NULL)
        error = lay_out_table(question, &source, out);
    if (error == NULL && findings && strcmp(form, "text") == 0)
        tell_findings(work, question, &source, out);
    prof_order_destroy(source.order);
    free(source.stacks.bits);
    return error;
}

/* ---- Documents ---- */

static struct prof_error *json_of_growth(struct work *work, struct prof_graph *graph, char **ret)
{
    const struct prof_growth_options options = { 0 };
    struct prof_growth *growth = NULL;
    struct prof_error *error = prof_growth_create(work->heap, work->symbols, &options, &growth);
    if (error == NULL)
        error = prof_json_growth(work->view, graph, growth, ret);
    prof_growth_destroy(growth);
    return error;
}

static struct prof_error *export_document(struct work *work, const json_t *question, FILE *out)
{
    enum { LINKS = 1000 };
    const char *name = work_asked(question, "document"), *of = work_asked(question, "of");
    struct prof_error *error = NULL;
    struct prof_graph *graph = work_graph(work, &error);
    char *text = NULL;
    prof_node node = PROF_NODE_NONE;
    prof_obj_id id;
    of = of != NULL ? of : "";
    if (error == NULL)
        error = prof_graph_dominate(graph);
    if (error != NULL)
        return error;
    if (strcmp(name, "info") == 0)
        error = prof_json_info(work->view, &text);
    else if (strcmp(name, "growth") == 0)
        error = json_of_growth(work, graph, &text);
    else if (strcmp(name, "object") == 0)
        error = (error = prof_view_find(work->view, of, &id)) != NULL ? error
                                                                      : prof_json_object(work->view, graph, id, &text);
    else if ((error = prof_view_find_node(work->view, graph, of, &node)) == NULL)
        error = strcmp(name, "why") == 0
                    ? prof_json_why(work->view, graph, node, LINKS, &text)
                    : prof_json_refs(work->view, graph, node,
                                     strcmp(name, "referrers") == 0 ? PROF_REFS_IN : PROF_REFS_OUT, LINKS, &text);
    if (error == NULL)
        fprintf(out, "%s\n", text);
    free(text);
    return error;
}

/* ---- The answer ---- */

json_t *work_export(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *path = work_asked(question, "path"), *form = work_asked(question, "form");
    bool replace = json_is_true(json_object_get(question, "replace"));
    struct tui_textfile file;
    uint64_t rows = 0;
    if (path == NULL || form == NULL) {
        *ret_error = prof_error_create(PROF_ERROR_ARGUMENT, "a file and a form are wanted");
        return NULL;
    }
    work_doing(work, "writing");
    if (!tui_textfile_begin(&file, path, 0666)) {
        *ret_error = prof_error_create(PROF_ERROR_ARGUMENT, "%s cannot be written: %s", path, strerror(errno));
        return NULL;
    }
    *ret_error = work_asked(question, "document") != NULL ? export_document(work, question, file.out)
                                                          : export_table(work, question, form, file.out, &rows);
    if (*ret_error != NULL)
        tui_textfile_drop(&file);
    else if (!tui_textfile_end(&file, replace))
        *ret_error = prof_error_create(PROF_ERROR_ARGUMENT, "%s cannot be written: %s", path, strerror(errno));
    return *ret_error == NULL ? json_pack("{s:I}", "rows", (json_int_t)rows) : NULL;
}
