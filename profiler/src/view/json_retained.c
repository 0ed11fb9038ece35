/* json_retained.c: the JSON documents of what is retained: the table, and the tree of dominators. */
#include "json_links.h"

/* A thing's own size is called "bytes" in all documents; the table calls it "flat". */
static void add_bytes(struct document *doc)
{
    json_t *rows = json_object_get(doc->root, "rows"), *row;
    size_t i;
    json_array_foreach(rows, i, row) doc_set(doc, row, "bytes", json_incref(json_object_get(row, "flat")));
}

struct prof_error *prof_json_retained(struct prof_view *view, struct prof_graph *graph, const struct prof_table *table,
                                      const struct prof_selection *selection, char **ret)
{
    struct document doc;
    doc_begin(&doc, "retained");
    const struct doc_number numbers[] = {
        { "nodes", selection->nodes },       { "flat", selection->flat },
        { "retained", selection->retained }, { "retained_nodes", selection->retained_nodes },
        { "all", selection->all },           { "all_nodes", selection->all_nodes },
        { "bytes", selection->flat },
    };
    doc_set(&doc, doc.root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(&doc, doc.root, "selection", doc_numbers(&doc, numbers, sizeof numbers / sizeof *numbers));
    doc_table(&doc, view, table);
    add_bytes(&doc);
    return doc_finish(&doc, ret);
}

struct prof_error *prof_json_dominators(struct prof_view *view, struct prof_graph *graph,
                                        const struct prof_dominated *list, size_t count, char **ret)
{
    struct document doc;
    uint64_t all = prof_graph_retained(graph, PROF_NODE_NONE);
    doc_begin(&doc, "dominators");
    json_t *rows = json_array();
    for (size_t i = 0; i < count && !doc.failed; i++) {
        const struct prof_dominated *line = &list[i];
        json_t *row = json_object();
        doc_set(&doc, row, "level", json_of_number(line->level));
        doc_set(&doc, row, "object", doc_node(&doc, view, graph, line->node));
        doc_set(&doc, row, "retained", json_of_number(line->retained));
        doc_set(&doc, row, "share", json_of_real(all != 0 ? (double)line->retained / (double)all : 0));
        doc_set(&doc, row, "flat", json_of_number(line->flat));
        doc_set(&doc, row, "bytes", json_of_number(line->flat));
        doc_set(&doc, row, "run", json_of_number(line->run));
        doc_set(&doc, row, "last", doc_node(&doc, view, graph, line->last));
        doc_set(&doc, row, "more", json_of_number(line->more));
        doc_set(&doc, row, "more_bytes", json_of_number(line->more_bytes));
        doc_append(&doc, rows, row);
    }
    doc_set(&doc, doc.root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(&doc, doc.root, "all", json_of_number(all));
    doc_set(&doc, doc.root, "rows", rows);
    return doc_finish(&doc, ret);
}
