/* components.c: Tarjan's strongly connected components with an explicit stack, shortest cycles. */
#include <graph/graph.h>

#include <stdlib.h>

bool graph_components(const struct graph *graph, const uint8_t *in, uint32_t *component, uint32_t *ret_count)
{
    uint32_t n = graph->n, order = 0, count = 0;
    // low[v]: 0 not visited, else smallest visiting number known to be in v's component. cursor[v]: next edge to look
    // at.
    uint32_t *low = calloc((size_t)n + 1, sizeof *low), *cursor = malloc(((size_t)n + 1) * sizeof *cursor);
    uint32_t *path = malloc(((size_t)n + 1) * sizeof *path), *open = malloc(((size_t)n + 1) * sizeof *open);
    uint32_t *number = malloc(((size_t)n + 1) * sizeof *number);
    size_t path_len = 0, open_len = 0;
    bool good = low != NULL && cursor != NULL && path != NULL && open != NULL && number != NULL;

    for (uint32_t v = 0; good && v < n; v++)
        component[v] = GRAPH_NONE;
    for (uint32_t root = 0; good && root < n; root++) {
        if ((in != NULL && !in[root]) || low[root] != 0)
            continue;
        path[path_len++] = root;
        open[open_len++] = root;
        number[root] = low[root] = ++order;
        cursor[root] = graph->first[root];
        while (path_len > 0) {
            uint32_t v = path[path_len - 1];
            if (cursor[v] < graph->first[v + 1]) {
                uint32_t t = graph->to[cursor[v]++];
                if (in != NULL && !in[t])
                    continue;
                if (low[t] == 0) {
                    path[path_len++] = t;
                    open[open_len++] = t;
                    number[t] = low[t] = ++order;
                    cursor[t] = graph->first[t];
                } else if (component[t] == GRAPH_NONE && number[t] < low[v]) {
                    low[v] = number[t];
                }
                continue;
            }
            path_len--;
            if (path_len > 0 && low[v] < low[path[path_len - 1]])
                low[path[path_len - 1]] = low[v];
            if (low[v] != number[v])
                continue;
            while (component[v] == GRAPH_NONE)
                component[open[--open_len]] = count;
            count++;
        }
    }
    free(low);
    free(cursor);
    free(path);
    free(open);
    free(number);
    if (good)
        *ret_count = count;
    return good;
}

size_t graph_cycle(const struct graph *graph, const uint32_t *component, uint32_t start, uint32_t *parent,
                   uint32_t *ret, size_t most)
{
    // parent[t]: edge by which t was reached; the queue also remembers who must be reset, and each edge's source by
    // position.
    uint32_t *queue = NULL, *source = NULL;
    size_t head = 0, tail = 0, room = 0, length = 0;
    uint32_t closing = GRAPH_NONE, closing_from = 0;

    for (uint32_t v = start; closing == GRAPH_NONE; v = queue[head++]) {
        for (uint32_t e = graph->first[v]; e < graph->first[v + 1]; e++) {
            uint32_t t = graph->to[e];
            if (t == start) {
                closing = e;
                closing_from = v;
                break;
            }
            if (component[t] != component[start] || parent[t] != GRAPH_NONE)
                continue;
            if (tail == room) {
                room = room * 2 + 16;
                uint32_t *q = realloc(queue, room * sizeof *q);
                uint32_t *s = realloc(source, room * sizeof *s);
                queue = q != NULL ? q : queue;
                source = s != NULL ? s : source;
                if (q == NULL || s == NULL)
                    goto out;
            }
            parent[t] = (uint32_t)tail; // position in the queue: edge and source are found there
            source[tail] = e;
            queue[tail++] = t;
        }
        if (closing == GRAPH_NONE && head == tail)
            goto out;
        if (closing != GRAPH_NONE)
            break;
    }
    // Walk back from the closing edge. The source of an edge is found by binary search in the rows.
    for (uint32_t e = closing, v = closing_from;;) {
        if (length == most) {
            length = 0;
            goto out;
        }
        ret[length++] = e;
        if (v == start)
            break;
        e = source[parent[v]];
        uint32_t lo = 0, hi = graph->n - 1;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (graph->first[mid + 1] > e)
                hi = mid;
            else
                lo = mid + 1;
        }
        v = lo;
    }
    for (size_t i = 0; i < length / 2; i++) {
        uint32_t e = ret[i];
        ret[i] = ret[length - 1 - i];
        ret[length - 1 - i] = e;
    }
out:
    for (size_t i = 0; i < tail; i++)
        parent[queue[i]] = GRAPH_NONE;
    free(queue);
    free(source);
    return length;
}
