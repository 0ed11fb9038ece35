/* dominators.c: the tree of who alone keeps whom alive, as lines: runs of one kind as one, the smallest left out. */
#include "internal.h"

#include <prof/links.h>

struct place {
    const prof_node *children;
    size_t count, next;
    uint32_t level; /* of the children */
};
struct walk {
    struct prof_graph *graph;
    unsigned depth;
    size_t most;
    PROF_VEC(struct prof_dominated) list;
    PROF_VEC(struct place) stack;
};

/* The line of a node; goes on along what has one child, of its own kind. */
static struct prof_dominated line_of(const struct walk *walk, prof_node node, uint32_t level)
{
    struct prof_graph *graph = walk->graph;
    struct prof_dominated line = { .node = node, .level = level, .retained = prof_graph_retained(graph, node) };
    for (prof_node v = node;;) {
        const prof_node *children;
        line.last = v;
        line.run++;
        line.flat += v != PROF_NODE_NONE ? prof_graph_size(graph, v).flat : 0;
        if (v == PROF_NODE_NONE || prof_graph_dominated(graph, v, &children) != 1)
            return line;
        const char *kind = prof_graph_kind(graph, v), *next = prof_graph_kind(graph, children[0]);
        if (kind == NULL || next == NULL || strcmp(kind, next) != 0)
            return line;
        v = children[0];
    }
}

/* Adds the line of a node, and a place whose children come next. */
static bool enter(struct walk *walk, prof_node node, uint32_t level)
{
    struct prof_dominated line = line_of(walk, node, level);
    struct place place = { .level = level + 1 };
    place.count = prof_graph_dominated(walk->graph, line.last, &place.children);
    size_t shown = level >= walk->depth ? 0 : place.count < walk->most ? place.count : walk->most;
    for (size_t i = shown; i < place.count; i++) {
        line.more++;
        line.more_bytes += prof_graph_retained(walk->graph, place.children[i]);
    }
    place.count = shown;
    return prof_vec_push(&walk->list, line) && prof_vec_push(&walk->stack, place);
}

struct prof_error *prof_view_dominators(struct prof_view *view, struct prof_graph *graph, prof_node node,
                                        unsigned depth, size_t most, const struct prof_dominated **ret,
                                        size_t *ret_count)
{
    struct walk walk = { .graph = graph, .depth = depth, .most = most != 0 ? most : SIZE_MAX };
    struct prof_error *error = prof_graph_dominate(graph);
    if (error != NULL)
        return error;
    bool good = enter(&walk, node, 0);
    while (good && walk.stack.count > 0) {
        struct place *top = &walk.stack.items[walk.stack.count - 1];
        if (top->next == top->count)
            walk.stack.count--;
        else
            good = enter(&walk, top->children[top->next++], top->level);
    }
    struct prof_dominated *list = good ? prof_arena_alloc(&view->arena, (walk.list.count + 1) * sizeof *list) : NULL;
    if (list != NULL && walk.list.count != 0)
        memcpy(list, walk.list.items, walk.list.count * sizeof *list);
    *ret_count = list != NULL ? walk.list.count : *ret_count;
    prof_vec_deinit(&walk.list);
    prof_vec_deinit(&walk.stack);
    if (list == NULL)
        return prof_error_memory();
    *ret = list;
    return NULL;
}
