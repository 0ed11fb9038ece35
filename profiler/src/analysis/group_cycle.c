/* group_cycle.c: which cycles a group of causes is, or holds, and what it keeps alive. */
#include "group.h"
#include "hold.h"
#include "what_if.h"

#include <stdlib.h>

bool group_note_cause(struct groups *g, uint32_t at, prof_obj_id id)
{
    struct analysis *a = g->a;
    struct group *group = &g->list.items[at];

    if (a->fate[id] != FATE_LEAKED)
        return true;
    const struct what_if *w = what_if_of(a);
    if (w == NULL)
        return false;
    group->retained += w->retained[w->index[id]];
    group->retained_objects += w->retained_objects[w->index[id]];
    return !group_is_cycle(group->verdict) || prof_vec_push(&g->cycles, (struct group_cycle){ at, a->component[id] });
}

void group_note_held_cycle(struct analysis *a, struct group *group, prof_obj_id id, uint8_t *seen)
{
    uint32_t c = a->component[id];

    if (seen[c] || a->component[a->root[id]] == c || (a->component_size[c] < 2 && !group_holds_itself(a, id)))
        return;
    seen[c] = 1;
    if (a->hold != NULL && a->hold->guess[c])
        return; // what is held anyway needs no second reason that is a guess
    if (group->held_cycles++ == 0)
        group->held_example = id;
}

static int by_cycle(const void *left, const void *right)
{
    const struct group_cycle *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->component < b->component ? -1 : a->component > b->component;
}

bool group_sort_cycles(struct groups *g)
{
    struct analysis *a = g->a;
    size_t kept = 0, leaked = 0;

    if (a->component_count == 0)
        return true;
    if (g->cycles.count > 0)
        qsort(g->cycles.items, g->cycles.count, sizeof *g->cycles.items, by_cycle);
    for (size_t i = 0; i < g->cycles.count; i++) {
        if (i != 0 && by_cycle(&g->cycles.items[i], &g->cycles.items[kept - 1]) == 0)
            continue;
        struct group *group = &g->list.items[g->cycles.items[i].group];
        if (group->cycle_count++ == 0)
            group->cycle_first = (uint32_t)kept;
        g->cycles.items[kept++] = g->cycles.items[i];
    }
    g->cycles.count = kept;
    for (prof_obj_id id = 1; id < a->n; id++)
        leaked += a->component[id] != GRAPH_NONE;
    if (!graph_alloc(&g->of_component, a->component_count, leaked))
        return false;
    for (prof_obj_id id = 1; id < a->n; id++) {
        if (a->component[id] != GRAPH_NONE)
            graph_count(&g->of_component, a->component[id]);
    }
    graph_rows(&g->of_component);
    for (prof_obj_id id = 1; id < a->n; id++) {
        if (a->component[id] != GRAPH_NONE)
            graph_put(&g->of_component, a->component[id], id, 0);
    }
    return true;
}
