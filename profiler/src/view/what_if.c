/* what_if.c: references that somebody names are dropped: which they are, and what would point to freed memory then. */
#include "foremost.h"
#include "internal.h"

#include <prof/links.h>

#include <stdio.h>
#include <stdlib.h>

struct asking {
    struct prof_view *view;
    struct prof_graph *graph;
    PROF_VEC(struct prof_drop) drops;
    PROF_VEC(const char *) places;
};

static bool retains(const struct prof_graph *graph, const struct prof_link *link)
{
    return !link->gone &&
           (prof_graph_obj(graph, link->to) != 0 ? prof_link_counted(link->kind) : link->kind != PROF_LINK_WEAK);
}

static struct prof_error *add(struct asking *ask, const struct prof_drop *drop, const char *place)
{
    const char *kept = place != NULL ? view_text(ask->view, place) : NULL;
    if (kept == NULL || !prof_vec_push(&ask->drops, *drop) || !prof_vec_push(&ask->places, kept))
        return prof_error_memory();
    return NULL;
}

/* "block#7 +8" for "malloc in grow() +8". */
static bool by_block_id(struct prof_graph *graph, const struct prof_link *link, const char *place, const char *holder)
{
    prof_block_id block = link->from != PROF_NODE_NONE ? prof_graph_block(graph, link->from) : 0;
    const char *name = block != 0 ? prof_graph_name(graph, link->from) : NULL;
    char id[32];
    if (name == NULL || strncmp(place, name, strlen(name)) != 0)
        return false;
    int length = snprintf(id, sizeof id, "block#%u", block);
    return strncmp(holder, id, (size_t)length) == 0 && strcmp(holder + length, place + strlen(name)) == 0;
}

static struct prof_error *none_fits(struct asking *ask, const char *holder, prof_node to)
{
    enum { SHOWN = 3 };
    struct prof_refs refs;
    struct prof_error *error = prof_view_refs(ask->view, ask->graph, to, true, SHOWN, &refs);
    struct prof_str known = { 0 };
    if (error != NULL)
        return error;
    bool object = prof_graph_obj(ask->graph, to) != 0;
    const struct prof_ref_list *list = &refs.of[object ? PROF_REF_COUNTED : PROF_REF_POINTER];
    for (size_t i = 0; i < list->count; i++)
        prof_str_addf(&known, "%s%s", i != 0 ? ", " : "", list->rows[i].place);
    char name[1024];
    error = prof_error_create(PROF_ERROR_NOT_FOUND, "no reference from '%s' keeps %s alive; %s%s%s", holder,
                              prof_node_text(ask->graph, to, name, sizeof name),
                              list->count != 0 ? "there are those from " : "there is none",
                              known.text != NULL ? known.text : "", list->more != 0 ? " and others" : "");
    prof_str_deinit(&known);
    return error;
}

/* All references of `to` that stand at `holder`, or anywhere in the node of that name. */
static struct prof_error *add_links(struct asking *ask, const char *holder, prof_node to)
{
    struct prof_error *error = NULL;
    prof_node from = PROF_NODE_NONE;
    size_t before = ask->drops.count;
    prof_error_destroy(prof_view_find_node(ask->view, ask->graph, holder, &from));
    for (uint32_t i = 0; i < prof_graph_referrers(ask->graph, to) && error == NULL; i++) {
        struct prof_drop drop = { .node = PROF_NODE_NONE, .link = prof_graph_referrer(ask->graph, to, i) };
        if (!retains(ask->graph, &drop.link))
            continue;
        const char *place = prof_graph_place(ask->graph, &drop.link);
        char text[2048], name[1024];
        if (place == NULL)
            return prof_error_memory();
        if (strcmp(place, holder) != 0 && !by_block_id(ask->graph, &drop.link, place, holder) &&
            (from == PROF_NODE_NONE || drop.link.from != from))
            continue;
        snprintf(text, sizeof text, "%s -> %s", place, prof_node_text(ask->graph, to, name, sizeof name));
        error = add(ask, &drop, text);
    }
    if (error == NULL && ask->drops.count == before)
        error = none_fits(ask, holder, to);
    return error;
}

static char *trimmed(const char *from, const char *end)
{
    while (from < end && *from == ' ')
        from++;
    while (end > from && end[-1] == ' ')
        end--;
    return strndup(from, (size_t)(end - from));
}

static struct prof_error *parse(struct asking *ask, const char *spec)
{
    const char *arrow = NULL;
    prof_node to = PROF_NODE_NONE;
    for (const char *p = strstr(spec, "->"); p != NULL; p = strstr(p + 2, "->"))
        arrow = p;
    if (arrow == NULL) {
        struct prof_error *error = prof_view_find_node(ask->view, ask->graph, spec, &to);
        struct prof_drop drop = { .node = to };
        char text[1024];
        return error != NULL ? error : add(ask, &drop, prof_node_text(ask->graph, to, text, sizeof text));
    }
    char *holder = trimmed(spec, arrow), *object = trimmed(arrow + 2, spec + strlen(spec));
    struct prof_error *error = holder == NULL || object == NULL ? prof_error_memory() : NULL;
    if (error == NULL)
        error = prof_view_find_node(ask->view, ask->graph, object, &to);
    if (error == NULL && holder != NULL) // which it never is: prof_error_memory is no NULL
        error = add_links(ask, holder, to);
    free(holder);
    free(object);
    return error;
}

/* Pointers that count nothing, from what lives on to what would be freed; of many the first `most`. */
static struct prof_error *dangle(struct asking *ask, size_t most, struct prof_what_if *what)
{
    const struct prof_fall *fall = &what->fall;
    bool *freed = calloc((size_t)prof_graph_max(ask->graph) + 1, sizeof *freed);
    struct foremost_list links = { 0 };
    bool good = freed != NULL;
    for (size_t i = 0; good && i < fall->count; i++)
        freed[fall->freed[i]] = true;
    for (size_t i = 0; good && i < fall->count; i++) {
        prof_node v = fall->freed[i];
        for (uint32_t r = 0; good && r < prof_graph_referrers(ask->graph, v); r++) {
            struct prof_link link = prof_graph_referrer(ask->graph, v, r);
            if (!link.gone && !retains(ask->graph, &link) && (link.from == PROF_NODE_NONE || !freed[link.from]))
                good = foremost_add(&links, link.from, v, r);
        }
    }
    size_t count = links.count < most ? links.count : most;
    struct prof_link *kept = good ? prof_arena_alloc(&ask->view->arena, (count + 1) * sizeof *kept) : NULL;
    struct prof_error *error = kept == NULL          ? prof_error_memory()
                               : links.count > count ? foremost_sort(&links, ask->graph)
                                                     : NULL;
    for (size_t i = 0; i < count && kept != NULL && error == NULL; i++)
        kept[i] = prof_graph_referrer(ask->graph, links.items[i].node, links.items[i].index);
    what->dangling = kept;
    what->dangling_count = count;
    what->dangling_all = links.count;
    prof_vec_deinit(&links);
    free(freed);
    return error;
}

/* What lives on, if it is many. */
static struct prof_error *sort_left(struct asking *ask, struct prof_fall *fall)
{
    struct foremost_list order = { 0 };
    struct prof_left *left = malloc(fall->left_count * sizeof *left);
    bool good = left != NULL;
    for (size_t i = 0; good && i < fall->left_count; i++)
        good = foremost_add(&order, fall->left[i].node, fall->left[i].node, (uint32_t)i);
    struct prof_error *error = good ? foremost_sort(&order, ask->graph) : prof_error_memory();
    for (size_t i = 0; left != NULL && i < fall->left_count && error == NULL; i++)
        left[i] = fall->left[order.items[i].index];
    prof_vec_deinit(&order);
    struct prof_left *old = error == NULL ? fall->left : left;
    if (error == NULL)
        fall->left = left;
    free(old);
    return error;
}

struct prof_error *prof_view_what_if(struct prof_view *view, struct prof_graph *graph, const char *const *specs,
                                     size_t count, size_t most, struct prof_what_if *ret)
{
    struct asking ask = { .view = view, .graph = graph };
    struct prof_what_if what = { .drop_count = 0 };
    struct prof_error *error = NULL;
    for (size_t i = 0; i < count && error == NULL; i++)
        error = parse(&ask, specs[i]);
    if (error == NULL)
        error = prof_graph_what_if(graph, ask.drops.items, ask.drops.count, &what.fall);
    if (error == NULL)
        error = dangle(&ask, most != 0 ? most : SIZE_MAX, &what);
    if (error == NULL && most != 0 && what.fall.left_count > most)
        error = sort_left(&ask, &what.fall);
    size_t n = ask.drops.count;
    struct prof_drop *drops = prof_arena_alloc(&view->arena, (n + 1) * sizeof *drops);
    const char **places = prof_arena_alloc(&view->arena, (n + 1) * sizeof *places);
    if (error == NULL && (drops == NULL || places == NULL))
        error = prof_error_memory();
    if (error == NULL && n != 0 && drops != NULL && places != NULL) {
        memcpy(drops, ask.drops.items, n * sizeof *drops);
        memcpy(places, ask.places.items, n * sizeof *places);
        what.drops = drops;
        what.drop_places = places;
        what.drop_count = n;
    }
    prof_vec_deinit(&ask.drops);
    prof_vec_deinit(&ask.places);
    if (error != NULL)
        prof_fall_deinit(&what.fall);
    else
        *ret = what;
    return error;
}
