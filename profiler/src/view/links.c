/* links.c: links of the object graph as rows: equal ones together, many folded by what they are. */
#include "foremost.h"
#include "internal.h"

#include <prof/links.h>

#include <stdio.h>
#include <stdlib.h>

char *prof_node_text(struct prof_graph *graph, prof_node node, char *buf, size_t size)
{
    const char *name = prof_graph_name(graph, node);
    prof_block_id block = prof_graph_block(graph, node);
    if (block != 0)
        snprintf(buf, size, "%s block#%u", name != NULL ? name : "", block);
    else
        snprintf(buf, size, "%s", name != NULL ? name : "");
    return buf;
}

char prof_link_mark(const struct prof_link *link)
{
    if (!prof_link_counted(link->kind))
        return ' ';
    return link->kind == PROF_LINK_ADOPTED || link->doubted ? '~' : '=';
}

const char *prof_link_kind_name(enum prof_link_kind kind)
{
    static const char *const names[] = { [PROF_LINK_SLOT] = "slot",
                                         [PROF_LINK_HOLDER] = "holder",
                                         [PROF_LINK_ADOPTED] = "adopted",
                                         [PROF_LINK_POINTER] = "pointer",
                                         [PROF_LINK_WEAK] = "weak" };
    return kind >= PROF_LINK_SLOT && kind <= PROF_LINK_WEAK ? names[kind] : "none";
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

struct row_key {
    uint64_t class_of, kind, other, stack;
    const char *text; /* interned: the field, of a root its place */
};
struct row {
    UT_hash_handle hh;
    struct row_key key;
    struct prof_ref ref;
};
struct more_key {
    uint64_t class_of;
    const char *kind, *field; /* interned */
};
struct more {
    UT_hash_handle hh;
    struct more_key key;
    uint64_t times;
};
struct gather {
    struct prof_view *view;
    struct prof_graph *graph;
    bool in;
    size_t most, counts[PROF_REF_CLASSES_], more_counts[PROF_REF_CLASSES_];
    uint64_t links[PROF_REF_CLASSES_], left[PROF_REF_CLASSES_];
    struct row *rows;
    struct more *more;
    uint32_t guess; /* where all that has no owner was taken, 0 not one place */
};

static enum prof_ref_class class_of(const struct prof_link *link)
{
    if (link->kind == PROF_LINK_WEAK)
        return PROF_REF_WEAK;
    if (!prof_link_counted(link->kind))
        return PROF_REF_POINTER;
    return link->gone ? PROF_REF_GONE : PROF_REF_COUNTED;
}

static bool fold(struct gather *g, const struct more_key *key)
{
    struct more *more;
    HASH_FIND(hh, g->more, key, sizeof *key, more);
    if (more == NULL) {
        more = prof_arena_alloc(&g->view->arena, sizeof *more);
        if (more == NULL)
            return false;
        more->key = *key;
        HASH_ADD(hh, g->more, key, sizeof more->key, more);
        if (more->hh.tbl == NULL)
            return false;
        g->more_counts[key->class_of]++;
    }
    more->times++;
    g->left[key->class_of]++;
    return true;
}

static bool add(struct gather *g, const struct prof_link *link)
{
    enum prof_ref_class c = class_of(link);
    prof_node other = g->in ? link->from : link->to;
    uint32_t stack = link->kind == PROF_LINK_ADOPTED ? g->guess : link->stack;
    const char *field = prof_graph_field(g->graph, link), *place = NULL;
    const char *text = field;
    if (link->from == PROF_NODE_NONE)
        text = place = prof_graph_place(g->graph, link);
    text = text != NULL ? view_text(g->view, text) : NULL;
    if (field == NULL || text == NULL)
        return false;
    struct row_key key = { c, link->kind, other, stack, text };
    struct row *row;
    g->links[c]++;
    HASH_FIND(hh, g->rows, &key, sizeof key, row);
    if (row != NULL) {
        row->ref.times++;
        return true;
    }
    if (g->counts[c] >= g->most) {
        const char *kind = link->from != PROF_NODE_NONE ? prof_graph_kind(g->graph, link->from) : "a root";
        kind = kind != NULL ? view_text(g->view, kind) : NULL;
        struct more_key more = { c, kind, link->from != PROF_NODE_NONE ? text : "" };
        return kind != NULL && fold(g, &more);
    }
    row = prof_arena_alloc(&g->view->arena, sizeof *row);
    if (place == NULL)
        place = prof_graph_place(g->graph, link);
    const char *name = other != PROF_NODE_NONE ? prof_graph_name(g->graph, other) : NULL;
    if (row == NULL || place == NULL || (other != PROF_NODE_NONE && name == NULL))
        return false;
    row->key = key;
    row->ref = (struct prof_ref){
        .link = *link, .times = 1, .other = other, .name = name, .place = place, .field = field, .stack = stack
    };
    HASH_ADD(hh, g->rows, key, sizeof row->key, row);
    g->counts[c]++;
    return row->hh.tbl != NULL;
}

static int most_first(const void *left, const void *right)
{
    const struct prof_ref_more *a = left, *b = right;
    if (a->times != b->times)
        return a->times > b->times ? -1 : 1;
    int c = strcmp(a->kind, b->kind);
    return c != 0 ? c : strcmp(a->field, b->field);
}

static bool collect(struct gather *g, enum prof_ref_class c, struct prof_ref_list *ret)
{
    struct prof_ref *rows = prof_arena_alloc(&g->view->arena, (g->counts[c] + 1) * sizeof *rows);
    struct prof_ref_more *groups = prof_arena_alloc(&g->view->arena, (g->more_counts[c] + 1) * sizeof *groups);
    size_t count = 0, group_count = 0;
    if (rows == NULL || groups == NULL)
        return false;
    struct row *row, *next_row;
    HASH_ITER (hh, g->rows, row, next_row)
        if (row->key.class_of == c)
            rows[count++] = row->ref;
    struct more *more, *next_more;
    HASH_ITER (hh, g->more, more, next_more)
        if (more->key.class_of == c)
            groups[group_count++] = (struct prof_ref_more){ more->key.kind, more->key.field, more->times };
    if (group_count > 1)
        qsort(groups, group_count, sizeof *groups, most_first);
    *ret = (struct prof_ref_list){ .rows = rows,
                                   .count = count,
                                   .links = g->links[c],
                                   .more = g->left[c],
                                   .groups = groups,
                                   .group_count = group_count };
    return true;
}

/* Where the references were taken that `~` links to a node stand for, when there is but one place; else 0. */
static struct prof_error *one_taking(struct prof_graph *graph, prof_node node, uint32_t *ret)
{
    const struct prof_taken *taken;
    size_t count;
    struct prof_error *error = prof_graph_taken(graph, node, &taken, &count);
    if (error == NULL)
        *ret = count == 1 ? taken[0].stack : 0;
    return error;
}

static struct prof_link link_of(const struct gather *g, prof_node node, uint32_t i)
{
    return g->in ? prof_graph_referrer(g->graph, node, i) : prof_graph_referent(g->graph, node, i);
}

/* In which order links are offered: of many only the first become rows. Nothing is listed of few: as they come. */
static struct prof_error *order(const struct gather *g, prof_node node, uint32_t all, struct foremost_list *ret)
{
    if (all <= g->most && all <= PROF_REFS_FEW)
        return NULL;
    bool good = true;
    for (uint32_t i = 0; i < all && good; i++) {
        struct prof_link link = link_of(g, node, i);
        good = foremost_add(ret, g->in ? link.from : link.to, node, i);
    }
    return good ? foremost_sort(ret, g->graph) : prof_error_memory();
}

struct prof_error *prof_view_refs(struct prof_view *view, struct prof_graph *graph, prof_node node, bool in,
                                  size_t most, struct prof_refs *ret)
{
    struct gather g = { .view = view, .graph = graph, .in = in, .most = most != 0 ? most : SIZE_MAX };
    uint32_t all = in ? prof_graph_referrers(graph, node) : prof_graph_referents(graph, node);
    struct foremost_list first = { 0 };
    struct prof_error *error = order(&g, node, all, &first);
    bool good = true;
    if (in && error == NULL)
        error = one_taking(graph, node, &g.guess);
    for (uint32_t i = 0; i < all && good && error == NULL; i++) {
        struct prof_link link = link_of(&g, node, first.count != 0 ? first.items[i].index : i);
        if (!in && link.kind == PROF_LINK_ADOPTED)
            error = one_taking(graph, link.to, &g.guess);
        good = error == NULL && add(&g, &link);
    }
    prof_vec_deinit(&first);
    struct prof_refs refs;
    for (int c = 0; c < PROF_REF_CLASSES_ && good && error == NULL; c++)
        good = collect(&g, (enum prof_ref_class)c, &refs.of[c]);
    HASH_CLEAR(hh, g.rows); /* the entries lie in the arena */
    HASH_CLEAR(hh, g.more);
    if (error == NULL && !good)
        error = prof_error_memory();
    if (error == NULL)
        *ret = refs;
    return error;
}

/* ---- Why it is alive --------------------------------------------------------------------------------------------- */

struct prof_error *prof_view_ways(struct prof_view *view, struct prof_graph *graph, prof_node node, size_t most,
                                  struct prof_ways *ret)
{
    struct prof_ways why = { .way_count = 0 };
    size_t length;
    for (int kind = 0; kind < PROF_ROOT_COUNT_; kind++) {
        struct prof_error *error = prof_graph_distances(graph, (enum prof_root_kind)kind);
        if (error != NULL)
            return error;
    }
    struct prof_link *links = prof_arena_alloc(&view->arena, (PROF_ROOT_COUNT_ * most + 1) * sizeof *links);
    if (links == NULL)
        return prof_error_memory();
    for (int i = 1; i <= PROF_ROOT_COUNT_; i++) {
        enum prof_root_kind kind = (enum prof_root_kind)(i % PROF_ROOT_COUNT_);
        length = prof_graph_path(graph, kind, node, links, most);
        if (length == 0)
            continue;
        size_t at = why.way_count++;
        struct prof_way way = { .root = kind, .links = links, .count = length < most ? length : most };
        way.left_out = length - way.count;
        links += way.count;
        while (kind != PROF_ROOT_NONE && at > 0 && why.ways[at - 1].count + why.ways[at - 1].left_out > length) {
            why.ways[at] = why.ways[at - 1];
            at--;
        }
        why.ways[at] = way;
    }
    if (why.way_count == 0) {
        struct prof_error *error = prof_graph_loop(graph, node, links, most, &why.loop_cycle, &length);
        if (error != NULL)
            return error;
        why.loop.links = links;
        why.loop.count = length < most ? length : most;
        why.loop.left_out = length - why.loop.count;
    }
    *ret = why;
    return NULL;
}

/* The node and all that only it keeps alive: by node. NULL without memory. */
static uint8_t *all_below(const struct prof_graph *graph, prof_node node)
{
    uint8_t *below = calloc((size_t)prof_graph_max(graph) + 1, 1);
    PROF_VEC(prof_node) work = { 0 };
    bool good = below != NULL && prof_vec_push(&work, node);
    while (good && work.count > 0) {
        const prof_node *children;
        prof_node v = work.items[--work.count];
        size_t count = prof_graph_dominated(graph, v, &children);
        below[v] = 1;
        for (size_t i = 0; i < count && good; i++)
            good = prof_vec_push(&work, children[i]);
    }
    prof_vec_deinit(&work);
    if (!good)
        free(below);
    return good ? below : NULL;
}

static bool is_reached(const struct prof_graph *graph, prof_node node)
{
    for (int kind = 0; kind < PROF_ROOT_COUNT_; kind++)
        if (prof_graph_distance(graph, (enum prof_root_kind)kind, node) != UINT32_MAX)
            return true;
    return false;
}

/* Is it the last link of a way? */
static bool is_shown(const struct prof_ways *ways, const struct prof_link *link)
{
    for (size_t i = 0; i < ways->way_count; i++) {
        const struct prof_link *last = &ways->ways[i].links[ways->ways[i].count - 1];
        if (last->kind == link->kind && last->from == link->from && last->at == link->at && last->open == link->open)
            return true;
    }
    return false;
}

struct prof_error *prof_view_other_ways(struct prof_graph *graph, prof_node node, const struct prof_ways *ways,
                                        uint64_t *ret)
{
    uint64_t count = 0;
    bool object = prof_graph_obj(graph, node) != 0;
    struct prof_error *error = prof_graph_dominate(graph);
    uint8_t *below = error == NULL ? all_below(graph, node) : NULL;
    if (below == NULL)
        return error != NULL ? error : prof_error_memory();
    for (uint32_t i = 0; ways->way_count > 0 && i < prof_graph_referrers(graph, node); i++) {
        struct prof_link link = prof_graph_referrer(graph, node, i);
        bool keeps = object ? prof_link_counted(link.kind) : link.kind != PROF_LINK_WEAK;
        bool root = link.from == PROF_NODE_NONE;
        if (keeps && !link.gone && (root || (below[link.from] == 0 && is_reached(graph, link.from))))
            count += !is_shown(ways, &link);
    }
    free(below);
    *ret = count;
    return NULL;
}
