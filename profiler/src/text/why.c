/* why.c: why an object or block is alive: the shortest way from each kind of root, references without an owner, or the
 * cycle that it hangs on. */
#include <prof/links.h>
#include <prof/text.h>

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static struct prof_error *way(const struct prof_text *t, const struct prof_way *way)
{
    enum { FRAMES = 8 };
    size_t length = way->count + way->left_out;
    if (way->root != PROF_ROOT_NONE) {
        prof_text_printf(t, PROF_TEXT_HEAD, "\n%s: %zu link%s\n", prof_root_name(way->root), length, plural(length));
        prof_text_path_lines(t, way->links, way->count, way->count / 2, way->left_out);
        return NULL;
    }
    prof_node holder = way->links[0].to;
    prof_text_printf(t, PROF_TEXT_HEAD, "\nreferences without an owner");
    if (length > 1) {
        prof_text_add(t, ", of ");
        prof_text_node(t, holder);
        prof_text_printf(t, PROF_TEXT_PLAIN, " (%zu link%s)", length - 1, plural(length - 1));
    }
    prof_text_add(t, "\n");
    struct prof_refs refs;
    struct prof_error *error = prof_text_taken_lines(t, holder, FRAMES);
    if (error == NULL)
        error = prof_view_refs(t->view, t->graph, holder, true, FRAMES, &refs);
    if (error != NULL)
        return error;
    const struct prof_ref_list *gone = &refs.of[PROF_REF_GONE];
    for (size_t i = 0; i < gone->count; i++) {
        prof_text_add(t, "  = ");
        prof_text_put(t, PROF_TEXT_PLAIN, gone->rows[i].place);
        prof_text_add(t, ", which is no more, taken at ");
        prof_text_place(t, gone->rows[i].stack);
        prof_text_add(t, "\n");
    }
    if (way->count > 1)
        prof_text_path_lines(t, way->links + 1, way->count - 1, way->count / 2 - (way->left_out != 0), way->left_out);
    return NULL;
}

/* Nothing keeps it: it waits for nobody. */
static void loop(const struct prof_text *t, prof_node node, const struct prof_ways *ways)
{
    const struct prof_way *loop = &ways->loop;
    size_t cycle = ways->loop_cycle < loop->count ? ways->loop_cycle : loop->count;
    prof_obj_id obj = prof_graph_obj(t->graph, node);
    if (obj != 0 && prof_heap_obj(t->heap, obj)->state == PROF_OBJ_ZERO) {
        prof_text_printf(t, PROF_TEXT_BAD, "\nNothing keeps it alive: its count came to 0");
        prof_text_add(t, " at ");
        prof_text_place(t, prof_heap_obj(t->heap, obj)->zero_stack);
        prof_text_add(t, ", and it was not freed\n");
        return;
    }
    if (loop->count == 0) {
        prof_text_printf(t, PROF_TEXT_BAD, "\nNothing keeps it alive: nothing refers to it\n");
        return;
    }
    prof_text_printf(t, PROF_TEXT_BAD,
                     "\nNothing keeps it alive: no root and no reference without an owner leads to it\n");
    if (cycle != 0) {
        prof_text_printf(t, PROF_TEXT_HEAD, "\n%s of %zu link%s\n",
                         ways->loop_cycle == loop->count + loop->left_out ? "It stands in a cycle"
                                                                          : "It hangs on a cycle",
                         ways->loop_cycle, plural(ways->loop_cycle));
        prof_text_path_lines(t, loop->links, cycle, cycle, ways->loop_cycle > cycle ? ways->loop_cycle - cycle : 0);
    }
    if (loop->count > cycle) {
        prof_text_printf(t, PROF_TEXT_HEAD, cycle != 0 ? "\nAnd is held from there\n" : "\nIt is held by ");
        if (cycle == 0) {
            prof_text_node(t, loop->links[cycle].from);
            prof_text_add(t, ", to which nothing refers\n");
        }
        prof_text_path_lines(t, loop->links + cycle, loop->count - cycle, loop->count - cycle, loop->left_out);
    }
}

struct prof_error *prof_text_why(const struct prof_text *t, prof_node node, size_t most)
{
    struct prof_ways ways;
    uint64_t others = 0;
    struct prof_error *error = prof_view_ways(t->view, t->graph, node, most, &ways);
    if (error == NULL)
        error = prof_view_other_ways(t->graph, node, &ways, &others);
    if (error != NULL)
        return error;
    prof_text_node_line(t, node);
    for (size_t i = 0; i < ways.way_count && error == NULL; i++)
        error = way(t, &ways.ways[i]);
    if (others != 0)
        prof_text_printf(t, PROF_TEXT_HEAD, "\nAlso reached through %llu other way%s: %s lists who refers to it\n",
                         (unsigned long long)others, plural((size_t)others), t->referrers);
    if (ways.way_count == 0)
        loop(t, node, &ways);
    return error;
}
