/* picture_types.c: which types of objects and blocks refer to which, through which fields, as a picture. */
#include "picture.h"

#include <stdlib.h>

struct kind {
    UT_hash_handle hh;
    const char *name; /* interned; the key */
    uint64_t nodes, bytes;
    uint32_t index; /* of the picture */
};
struct kinds {
    struct painter painter;
    struct kind *by_name;
    PROF_VEC(struct kind *) list;
    struct kind **of; /* by node */
};

static struct kind *kind_of(struct kinds *k, prof_node v)
{
    const char *name = prof_graph_kind(k->painter.graph, v);
    struct kind *kind;
    name = name != NULL ? view_text(k->painter.view, name) : NULL;
    if (name == NULL)
        return NULL;
    HASH_FIND_PTR(k->by_name, &name, kind);
    if (kind != NULL)
        return kind;
    kind = prof_arena_alloc(&k->painter.view->arena, sizeof *kind);
    if (kind == NULL)
        return NULL;
    kind->name = name;
    kind->index = UINT32_MAX;
    HASH_ADD_PTR(k->by_name, name, kind);
    return kind->hh.tbl != NULL && prof_vec_push(&k->list, kind) ? kind : NULL;
}

static int largest_first(const void *left, const void *right)
{
    const struct kind *a = *(struct kind *const *)left, *b = *(struct kind *const *)right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void add_kinds(struct kinds *k, size_t most)
{
    struct painter *p = &k->painter;
    struct prof_picture_node rest = {
        .kind = PROF_PICTURE_MORE, .node = PROF_NODE_NONE, .name = "other types", .count = -1
    };
    if (k->list.count > 1) /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant */
        qsort(k->list.items, k->list.count, sizeof *k->list.items, largest_first);
    for (size_t i = 0; i < k->list.count; i++) {
        struct kind *kind = k->list.items[i];
        if (i >= most) {
            rest.nodes += kind->nodes;
            rest.bytes += kind->bytes;
            continue;
        }
        struct prof_picture_node node = { .kind = PROF_PICTURE_TYPE,
                                          .node = PROF_NODE_NONE,
                                          .name = kind->name,
                                          .nodes = kind->nodes,
                                          .bytes = kind->bytes,
                                          .count = -1 };
        kind->index = picture_add(p, &node);
    }
    if (k->list.count <= most)
        return;
    uint32_t index = picture_add(p, &rest);
    for (size_t i = most; i < k->list.count; i++)
        k->list.items[i]->index = index;
}

/* Edges within what was left out are left out, too. */
static void add_edges(struct kinds *k)
{
    struct painter *p = &k->painter;
    for (prof_node v = 0; v < prof_graph_max(p->graph) && !p->failed; v++) {
        uint32_t all = k->of[v] != NULL ? prof_graph_referrers(p->graph, v) : 0;
        for (uint32_t i = 0; i < all && !p->failed; i++) {
            struct prof_link link = prof_graph_referrer(p->graph, v, i);
            bool node = link.from != PROF_NODE_NONE;
            const char *field = prof_graph_field(p->graph, &link);
            if (link.gone)
                continue;
            uint32_t from = node ? k->of[link.from]->index
                                 : picture_named(p, PROF_PICTURE_ROOT, prof_root_name(link.root)),
                     to = k->of[v]->index;
            if (from != UINT32_MAX && from == to && p->nodes.items[from].kind == PROF_PICTURE_MORE)
                continue;
            // Offsets in blocks of unknown type say nothing, and there are many.
            if (field == NULL)
                p->failed = true;
            else
                picture_edge(p, from, to,
                             node && field[0] == '+' && prof_graph_block(p->graph, link.from) != 0 ? "" : field,
                             link.kind, 1);
        }
    }
}

struct prof_error *prof_view_picture_types(struct prof_view *view, struct prof_graph *graph, size_t most,
                                           struct prof_picture *ret)
{
    struct kinds k = { .by_name = NULL };
    picture_begin(&k.painter, view, graph);
    k.of = calloc((size_t)prof_graph_max(graph) + 1, sizeof(struct kind *));
    k.painter.failed = k.of == NULL;
    for (prof_node v = 0; v < prof_graph_max(graph) && !k.painter.failed; v++) {
        if (!prof_graph_has(graph, v))
            continue;
        k.of[v] = kind_of(&k, v);
        if (k.of[v] == NULL) {
            k.painter.failed = true;
            break;
        }
        k.of[v]->nodes++;
        k.of[v]->bytes += prof_graph_size(graph, v).flat;
    }
    if (!k.painter.failed) {
        add_kinds(&k, most != 0 ? most : SIZE_MAX);
        add_edges(&k);
    }
    HASH_CLEAR(hh, k.by_name);
    prof_vec_deinit(&k.list);
    free(k.of);
    return picture_end(&k.painter, NULL, ret);
}
