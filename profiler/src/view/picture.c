/* picture.c: a part of the object graph as nodes and edges to be drawn: around objects, or of types. */
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>

void picture_begin(struct painter *p, struct prof_view *view, struct prof_graph *graph)
{
    *p = (struct painter){ .view = view, .graph = graph };
}

/* Index of a new node, UINT32_MAX without memory. */
uint32_t picture_add(struct painter *p, const struct prof_picture_node *node)
{
    struct prof_picture_node kept = *node;
    kept.name = node->name != NULL ? view_text(p->view, node->name) : NULL;
    if (kept.name == NULL || p->nodes.count >= UINT32_MAX - 1 || !prof_vec_push(&p->nodes, kept)) {
        p->failed = true;
        return UINT32_MAX;
    }
    return (uint32_t)p->nodes.count - 1;
}

uint32_t picture_named(struct painter *p, enum prof_picture_kind kind, const char *name)
{
    struct name_key key = { .kind = (uint64_t)kind, .name = name != NULL ? view_text(p->view, name) : NULL };
    struct name_entry *entry;
    if (key.name == NULL) {
        p->failed = true;
        return UINT32_MAX;
    }
    HASH_FIND(hh, p->by_name, &key, sizeof key, entry);
    if (entry != NULL)
        return entry->index;
    struct prof_picture_node node = { .kind = kind, .node = PROF_NODE_NONE, .name = key.name, .count = -1 };
    uint32_t index = picture_add(p, &node);
    entry = prof_arena_alloc(&p->view->arena, sizeof *entry);
    if (entry == NULL || index == UINT32_MAX) {
        p->failed = true;
        return UINT32_MAX;
    }
    entry->key = key;
    entry->index = index;
    HASH_ADD(hh, p->by_name, key, sizeof entry->key, entry);
    p->failed |= entry->hh.tbl == NULL;
    return index;
}

void picture_edge(struct painter *p, uint32_t from, uint32_t to, const char *field, enum prof_link_kind kind,
                  uint64_t times)
{
    struct edge_key key = { from, to, (uint64_t)kind, view_text(p->view, field) };
    struct edge_entry *entry;
    if (p->failed || from == UINT32_MAX || to == UINT32_MAX || key.field == NULL) {
        p->failed = true;
        return;
    }
    HASH_FIND(hh, p->by_edge, &key, sizeof key, entry);
    if (entry == NULL) {
        struct prof_picture_edge edge = { from, to, key.field, kind, 0 };
        entry = prof_arena_alloc(&p->view->arena, sizeof *entry);
        if (entry == NULL || !prof_vec_push(&p->edges, edge)) {
            p->failed = true;
            return;
        }
        entry->key = key;
        entry->index = p->edges.count - 1;
        HASH_ADD(hh, p->by_edge, key, sizeof entry->key, entry);
        p->failed |= entry->hh.tbl == NULL;
    }
    p->edges.items[entry->index].times += times;
}

struct prof_error *picture_end(struct painter *p, struct prof_error *error, struct prof_picture *ret)
{
    struct prof_picture_node *nodes = prof_arena_alloc(&p->view->arena, (p->nodes.count + 1) * sizeof *nodes);
    struct prof_picture_edge *edges = prof_arena_alloc(&p->view->arena, (p->edges.count + 1) * sizeof *edges);
    if (error == NULL && (p->failed || nodes == NULL || edges == NULL))
        error = prof_error_memory();
    if (error == NULL) {
        if (nodes != NULL && p->nodes.count != 0)
            memcpy(nodes, p->nodes.items, p->nodes.count * sizeof *nodes);
        if (edges != NULL && p->edges.count != 0)
            memcpy(edges, p->edges.items, p->edges.count * sizeof *edges);
        *ret = (struct prof_picture){ nodes, p->nodes.count, edges, p->edges.count };
    }
    HASH_CLEAR(hh, p->by_name); /* entries lie in the arena */
    HASH_CLEAR(hh, p->by_edge);
    prof_vec_deinit(&p->nodes);
    prof_vec_deinit(&p->edges);
    return error;
}

/* ---- Around objects ---------------------------------------------------------------------------------------------- */

struct walk {
    struct painter painter;
    uint32_t *index; /* by node: of the picture, UINT32_MAX not in it */
    PROF_VEC(prof_node) queue;
    size_t most;
};

/* Index of a node of the graph; a new one is looked at later. */
static uint32_t enter(struct walk *w, prof_node v, bool target)
{
    struct prof_graph *graph = w->painter.graph;
    char name[1024];
    if (w->index[v] != UINT32_MAX)
        return w->index[v];
    bool object = prof_graph_obj(graph, v) != 0;
    struct prof_picture_node node = { .kind = object ? PROF_PICTURE_OBJECT : PROF_PICTURE_BLOCK,
                                      .node = v,
                                      .name = prof_node_text(graph, v, name, sizeof name),
                                      .nodes = 1,
                                      .bytes = prof_graph_size(graph, v).flat,
                                      .count = object ? prof_graph_refcount(graph, v).count : -1,
                                      .target = target };
    w->index[v] = picture_add(&w->painter, &node);
    w->painter.failed |= !prof_vec_push(&w->queue, v);
    return w->index[v];
}

static struct prof_error *look(struct walk *w, prof_node v, bool in)
{
    struct painter *p = &w->painter;
    struct prof_refs refs;
    uint32_t self = w->index[v];
    uint64_t more = 0;
    struct prof_error *error = prof_view_refs(p->view, p->graph, v, in, w->most, &refs);
    if (error != NULL)
        return error;
    for (int c = 0; c < PROF_REF_CLASSES_ && !p->failed; c++) {
        const struct prof_ref_list *list = &refs.of[c];
        more += list->more;
        for (size_t i = 0; i < list->count && !p->failed; i++) {
            const struct prof_ref *ref = &list->rows[i];
            enum prof_picture_kind kind = ref->link.gone ? PROF_PICTURE_GONE : PROF_PICTURE_ROOT;
            uint32_t other =
                ref->other != PROF_NODE_NONE ? enter(w, ref->other, false) : picture_named(p, kind, ref->place);
            size_t before = p->edges.count;
            picture_edge(p, in ? other : self, in ? self : other, ref->field, ref->link.kind, 0);
            if (p->edges.count != before) /* else it was seen from the other end */
                p->edges.items[before].times = ref->times;
        }
    }
    if (more != 0 && !p->failed) {
        char text[64], count[32];
        snprintf(text, sizeof text, "%s more", prof_fmt_count(count, sizeof count, more));
        struct prof_picture_node node = {
            .kind = PROF_PICTURE_MORE, .node = PROF_NODE_NONE, .name = text, .nodes = more, .count = -1
        };
        uint32_t other = picture_add(p, &node);
        picture_edge(p, in ? other : self, in ? self : other, "", 0, more);
    }
    return NULL;
}

struct prof_error *prof_view_picture(struct prof_view *view, struct prof_graph *graph, const prof_node *nodes,
                                     size_t count, unsigned directions, unsigned depth, size_t most,
                                     struct prof_picture *ret)
{
    struct walk w = { .most = most };
    struct prof_error *error = NULL;
    size_t room = (size_t)prof_graph_max(graph) + 1, head = 0;
    picture_begin(&w.painter, view, graph);
    w.index = malloc(room * sizeof *w.index);
    w.painter.failed = w.index == NULL;
    for (size_t v = 0; v < room && !w.painter.failed; v++)
        w.index[v] = UINT32_MAX;
    for (size_t i = 0; i < count && !w.painter.failed; i++)
        enter(&w, nodes[i], true);
    for (unsigned level = 0; level < depth && error == NULL && !w.painter.failed; level++) {
        for (size_t end = w.queue.count; head < end && error == NULL && !w.painter.failed; head++) {
            prof_node v = w.queue.items[head];
            if ((directions & PROF_REFS_IN) != 0)
                error = look(&w, v, true);
            if (error == NULL && (directions & PROF_REFS_OUT) != 0)
                error = look(&w, v, false);
        }
    }
    free(w.index);
    prof_vec_deinit(&w.queue);
    return picture_end(&w.painter, error, ret);
}
