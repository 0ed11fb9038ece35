/* json_tell.c: the JSON documents of growth and of suspects. */
#include "json_links.h"

#include <prof/tell.h>

/* ---- growth ------------------------------------------------------------------------------------------------------ */

static json_t *series(struct document *doc, const struct prof_growth_series *s, size_t moments)
{
    json_t *object = json_object(), *live = json_array(), *bytes = json_array();
    for (size_t i = 0; i < moments; i++) {
        doc_append(doc, live, json_of_number(s->then[i].live));
        doc_append(doc, bytes, json_of_number(s->then[i].bytes));
    }
    doc_set(doc, object, "live", live);
    doc_set(doc, object, "bytes", bytes);
    doc_set(doc, object, "peak_at", json_of_number(s->peak_at));
    doc_set(doc, object, "delta", json_of_number(s->delta));
    doc_set(doc, object, "delta_bytes", json_of_number(s->delta_bytes));
    doc_set(doc, object, "per_minute", json_of_real(s->per_minute));
    doc_set(doc, object, "percent_per_minute", json_of_real(s->percent_per_minute));
    return object;
}

static json_t *moments(struct document *doc, const struct prof_growth_moment *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "mark", json_of_text(list[i].mark));
        doc_set(doc, object, "at", json_of_seconds(list[i].at_us));
        doc_set(doc, object, "objects", json_of_number(list[i].live_objects));
        doc_set(doc, object, "bytes", json_of_number(list[i].live_bytes));
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *news(struct document *doc, const struct prof_growth_new *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object(), *samples = json_array();
        for (size_t j = 0; j < list[i].sample_count; j++) {
            char name[512];
            snprintf(name, sizeof name, "%s#%u", list[i].type, list[i].samples[j]);
            doc_append(doc, samples, json_of_text(name));
        }
        doc_set(doc, object, "type", json_of_text(list[i].type));
        doc_set(doc, object, "old", json_of_number(list[i].old));
        doc_set(doc, object, "current", json_of_number(list[i].current));
        doc_set(doc, object, "new", json_of_number(list[i].fresh));
        doc_set(doc, object, "delta", json_integer((json_int_t)list[i].current - (json_int_t)list[i].old));
        doc_set(doc, object, "per_minute", json_of_real(list[i].per_minute));
        doc_set(doc, object, "objects_sample", samples);
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *kinds(struct document *doc, struct prof_view *view, const struct prof_growth_kind *list, size_t count,
                     size_t moment_count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = series(doc, &list[i].series, moment_count);
        doc_set(doc, object, "type", list[i].blocks ? json_null() : json_of_text(list[i].type));
        doc_set(doc, object, "born", doc_site(doc, view, list[i].stack, true));
        doc_append(doc, array, object);
    }
    return array;
}

static struct prof_error *edge(struct document *doc, struct prof_view *view, struct prof_graph *graph,
                               const struct prof_growth *growth, const struct prof_growth_edge *e, json_t *into)
{
    const struct prof_growth_moment *moment_list;
    size_t moment_count = prof_growth_moments_of(growth, &e->series, &moment_list);
    json_t *object = series(doc, &e->series, moment_count), *inserted = json_array(), *removed = json_array();
    doc_append(doc, into, object);
    doc_set(doc, object, "from", json_of_text(e->from));
    doc_set(doc, object, "field", e->field[0] != '\0' ? json_of_text(e->field) : json_null());
    doc_set(doc, object, "to", json_of_text(e->to));
    doc_set(doc, object, "root", json_boolean(e->root));
    doc_set(doc, object, "looks", e->series.seen ? moments(doc, moment_list, moment_count) : json_null());
    doc_set(doc, object, "below", json_of_number(e->below));
    for (size_t i = 0; i < e->inserter_count; i++) {
        json_t *site = e->inserters[i].stack != 0 ? doc_site(doc, view, e->inserters[i].stack, true) : json_object();
        doc_set(doc, site, "first", json_of_number(e->inserters[i].first));
        doc_set(doc, site, "last", json_of_number(e->inserters[i].last));
        doc_set(doc, site, "newest", json_of_seconds(e->inserters[i].last_us));
        doc_append(doc, inserted, site);
    }
    for (size_t i = 0; i < e->remover_count; i++) {
        json_t *site = e->removers[i].stack != 0 ? doc_site(doc, view, e->removers[i].stack, true) : json_object();
        doc_set(doc, site, "count", json_of_number(e->removers[i].count));
        doc_set(doc, site, "before", json_of_number(e->removers[i].before));
        doc_set(doc, site, "late", json_of_number(e->removers[i].late));
        doc_set(doc, site, "last", json_of_seconds(e->removers[i].last_us));
        doc_set(doc, site, "stopped", json_boolean(e->removers[i].late == 0));
        doc_append(doc, removed, site);
    }
    doc_set(doc, object, "inserted", inserted);
    doc_set(doc, object, "removed", removed);
    prof_node node = prof_tell_example(graph, e);
    json_t *path = json_array();
    struct prof_error *error = NULL;
    if (node != PROF_NODE_NONE) {
        enum { PATH_MOST = 64 };
        struct prof_ways ways;
        error = prof_view_ways(view, graph, node, PATH_MOST, &ways);
        for (size_t i = 0; error == NULL && ways.way_count != 0 && i < ways.ways[0].count; i++) {
            const struct prof_link *link = &ways.ways[0].links[i];
            doc_append(doc, path, doc_link(doc, view, graph, link, link->stack));
        }
    }
    doc_set(doc, object, "example", doc_node(doc, view, graph, node));
    doc_set(doc, object, "path", path);
    return error;
}

struct prof_error *prof_json_growth(struct prof_view *view, struct prof_graph *graph, const struct prof_growth *growth,
                                    char **ret)
{
    const struct prof_growth_moment *moment_list;
    const struct prof_growth_new *new_list;
    const struct prof_growth_kind *kind_list;
    const struct prof_growth_edge *edge_list;
    size_t moment_count = prof_growth_moments(growth, &moment_list), all;
    size_t new_count = prof_growth_news(growth, &new_list), kind_count = prof_growth_kinds(growth, &kind_list);
    size_t edge_count = prof_growth_edges(growth, &edge_list, &all);
    struct document doc;
    struct prof_error *error = NULL;
    doc_begin(&doc, "growth");
    doc_set(&doc, doc.root, "moments", moments(&doc, moment_list, moment_count));
    doc_set(&doc, doc.root, "new", news(&doc, new_list, new_count));
    doc_set(&doc, doc.root, "above_peak", kinds(&doc, view, kind_list, kind_count, moment_count));
    json_t *edges = json_array();
    doc_set(&doc, doc.root, "edges_growing", json_of_number(all));
    for (size_t i = 0; i < edge_count && error == NULL; i++)
        error = edge(&doc, view, graph, growth, &edge_list[i], edges);
    doc_set(&doc, doc.root, "edges", edges);
    return doc_end(&doc, error, ret);
}

/* ---- suspects ---------------------------------------------------------------------------------------------------- */

static json_t *part(struct document *doc, const struct prof_suspect_part *part)
{
    if (part->kind == NULL)
        return json_null();
    json_t *object = json_object();
    doc_set(doc, object, "type", json_of_text(part->kind));
    doc_set(doc, object, "count", json_of_number(part->count));
    doc_set(doc, object, "bytes", json_of_number(part->bytes));
    return object;
}

static json_t *suspect(struct document *doc, struct prof_view *view, struct prof_graph *graph,
                       const struct prof_suspect *s)
{
    json_t *object = json_object(), *path = json_array();
    for (size_t i = 0; i < s->path_count; i++)
        doc_append(doc, path, doc_link(doc, view, graph, &s->path[i], s->path[i].stack));
    doc_set(doc, object, "group", json_boolean(s->group));
    doc_set(doc, object, "type", json_of_text(s->kind));
    doc_set(doc, object, "members", json_of_number(s->members));
    doc_set(doc, object, "object", doc_node(doc, view, graph, s->node));
    doc_set(doc, object, "retained", json_of_number(s->bytes));
    doc_set(doc, object, "percent", json_of_real(s->percent));
    doc_set(doc, object, "accumulates_at", doc_node(doc, view, graph, s->at));
    doc_set(doc, object, "depth", json_of_number(s->depth));
    doc_set(doc, object, "accumulated", json_of_number(s->at_bytes));
    doc_set(doc, object, "children", json_of_number(s->at_children));
    doc_set(doc, object, "largest_part", part(doc, &s->part));
    doc_set(doc, object, "root",
            s->path_length != 0 && s->root != PROF_ROOT_NONE ? json_string(prof_root_name(s->root)) : json_null());
    doc_set(doc, object, "path", path);
    doc_set(doc, object, "left_out", json_of_number(s->path_length - s->path_count));
    doc_set(doc, object, "path_unknown", json_boolean(s->unknown));
    doc_set(doc, object, "paths_compared", json_of_number(s->sampled));
    doc_set(doc, object, "paths_shared", json_of_number(s->shared));
    return object;
}

struct prof_error *prof_json_suspects(struct prof_view *view, struct prof_graph *graph,
                                      const struct prof_suspects *suspects, char **ret)
{
    const struct prof_suspect *list;
    const struct prof_big_drop *drop_list;
    size_t count = prof_suspects_list(suspects, &list), drop_count = prof_suspects_drops(suspects, &drop_list);
    struct document doc;
    doc_begin(&doc, "suspects");
    json_t *array = json_array(), *drops = json_array();
    for (size_t i = 0; i < count; i++)
        doc_append(&doc, array, suspect(&doc, view, graph, &list[i]));
    for (size_t i = 0; i < drop_count; i++) {
        json_t *object = json_object();
        doc_set(&doc, object, "object", doc_node(&doc, view, graph, drop_list[i].node));
        doc_set(&doc, object, "retained", json_of_number(drop_list[i].bytes));
        doc_set(&doc, object, "largest_child", doc_node(&doc, view, graph, drop_list[i].child));
        doc_set(&doc, object, "child_retained", json_of_number(drop_list[i].child_bytes));
        doc_set(&doc, object, "children", json_of_number(drop_list[i].children));
        doc_set(&doc, object, "largest_part", part(&doc, &drop_list[i].part));
        doc_append(&doc, drops, object);
    }
    doc_set(&doc, doc.root, "memory_not_read", json_of_text(prof_graph_unread(graph)));
    doc_set(&doc, doc.root, "total", json_of_number(prof_suspects_total(suspects)));
    doc_set(&doc, doc.root, "lost", json_of_number(prof_suspects_lost(suspects)));
    doc_set(&doc, doc.root, "suspects", array);
    doc_set(&doc, doc.root, "drops", drops);
    return doc_finish(&doc, ret);
}
