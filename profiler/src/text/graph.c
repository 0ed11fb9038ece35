/* graph.c: what texts about the object graph have in common: a node, where its references are, a path, who took
 * references without an owner, what is not known. */
#include <prof/links.h>
#include <prof/text.h>

#include <stdlib.h>
#include <string.h>

char *prof_text_name(const struct prof_text *t, prof_node node, char *buf, size_t size)
{
    char raw[1024];
    return prof_escape_terminal(buf, size, prof_node_text(t->graph, node, raw, sizeof raw));
}

void prof_text_node(const struct prof_text *t, prof_node node)
{
    char text[1024];
    prof_text_object(t, prof_node_text(t->graph, node, text, sizeof text));
}

void prof_text_node_line(const struct prof_text *t, prof_node node)
{
    prof_obj_id obj = prof_graph_obj(t->graph, node);
    prof_block_id block = prof_graph_block(t->graph, node);
    uint64_t addr = obj != 0 ? prof_heap_obj(t->heap, obj)->addr : prof_heap_block(t->heap, block)->addr;
    char text[1024];
    prof_text_node(t, node);
    prof_text_printf(t, PROF_TEXT_PLAIN, "  at %s", prof_fmt_addr(text, sizeof text, addr));
    prof_text_printf(t, PROF_TEXT_PLAIN, ", %s\n",
                     prof_fmt_bytes(text, sizeof text, prof_graph_size(t->graph, node).flat, t->units));
}

/* Why more owners were told than there are references; nothing when there are not. */
static void overowned_line(const struct prof_text *t, prof_obj_id obj, const struct prof_refcount *rc)
{
    const struct prof_open *open = NULL;
    int64_t more = rc->unbacked - (rc->anonymous < 0 ? rc->anonymous : 0);
    if (more == 0)
        return;
    for (uint32_t i = prof_heap_obj(t->heap, obj)->first_open; i != 0; i = open->next) {
        open = prof_heap_open(t->heap, i);
        if ((open->flags & PROF_OPEN_NO_SOURCE) != 0)
            break;
    }
    prof_text_fact(t, "");
    prof_text_printf(t, PROF_TEXT_WARN, "%lld owner%s more than references: ", (long long)more, more == 1 ? "" : "s");
    if (open != NULL && (open->flags & PROF_OPEN_NO_SOURCE) != 0) {
        prof_text_add(t, "trk_own at ");
        prof_text_place(t, open->stack);
        prof_text_add(t, " found none to own; was trk_move meant?\n");
    } else {
        prof_text_add(t, "a release named no slot, or another one than its owner's\n");
    }
}

void prof_text_count_lines(const struct prof_text *t, prof_node node)
{
    if (prof_graph_obj(t->graph, node) == 0)
        return;
    struct prof_refcount rc = prof_graph_refcount(t->graph, node);
    prof_text_fact(t, "count");
    prof_text_printf(t, PROF_TEXT_PLAIN, "%lld = %lld in blocks + %lld in globals + %lld in local variables",
                     (long long)rc.count, (long long)rc.heap, (long long)rc.roots, (long long)rc.stacks);
    if (rc.gone != 0)
        prof_text_printf(t, PROF_TEXT_PLAIN, " + %lld in variables that are no more", (long long)rc.gone);
    prof_text_printf(t, PROF_TEXT_PLAIN, " + %lld without a known owner\n", (long long)rc.anonymous);
    prof_text_fact(t, "");
    if (!rc.observed)
        prof_text_add(t, "the program never told its count: not checked\n");
    else if (rc.unaccounted == 0)
        prof_text_printf(t, PROF_TEXT_GOOD, "the program's own count agreed (%lld when last seen)\n",
                         (long long)rc.count);
    else
        prof_text_printf(t, PROF_TEXT_WARN, "the program's own count was %lld when last seen: %+lld unaccounted for\n",
                         (long long)rc.count + rc.unaccounted, (long long)rc.unaccounted);
    overowned_line(t, prof_graph_obj(t->graph, node), &rc);
}

/* The reason that the program gave. */
static const char *why_kept(const struct prof_text *t, prof_node node)
{
    prof_obj_id id = prof_graph_obj(t->graph, node);
    const struct prof_obj *obj = id != 0 ? prof_heap_obj(t->heap, id) : NULL;
    const char *why = obj != NULL && obj->why_text != 0 ? prof_trace_text(t->trace, obj->why_text) : NULL;
    return why != NULL ? why : "kept on purpose";
}

/* Where a link of a path stands; of the first one without a place what it stands for. */
static void place_text(const struct prof_text *t, const struct prof_link *link, char *buf, size_t size)
{
    const char *place = NULL;
    if (link->kind != 0)
        place = prof_graph_place(t->graph, link);
    else
        place = link->root == PROF_ROOT_PURPOSE ? why_kept(t, link->to) : "references without an owner";
    prof_escape_terminal(buf, size, place != NULL ? place : "");
}

static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void prof_text_path_lines(const struct prof_text *t, const struct prof_link *links, size_t count, size_t front,
                          size_t left_out)
{
    enum { PLACE_MOST = 48, NAME_MOST = 36 };
    char place[1024], to[1024];
    size_t place_width = 0, to_width = 0;
    for (size_t i = 0; i < count; i++) {
        place_text(t, &links[i], place, sizeof place);
        prof_text_name(t, links[i].to, to, sizeof to);
        size_t wide = columns_of(place), name = columns_of(to);
        place_width = wide > place_width ? wide : place_width;
        to_width = name > to_width ? name : to_width;
    }
    place_width = place_width > PLACE_MOST ? PLACE_MOST : place_width;
    to_width = to_width > NAME_MOST ? NAME_MOST : to_width;
    for (size_t i = 0; i < count; i++) {
        if (i == front && left_out != 0)
            prof_text_printf(t, PROF_TEXT_FAINT, "    ... %llu links left out ...\n", (unsigned long long)left_out);
        place_text(t, &links[i], place, sizeof place);
        prof_text_name(t, links[i].to, to, sizeof to);
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %c %s%*s -> ", prof_link_mark(&links[i]), place,
                         (int)(columns_of(place) < place_width ? place_width - columns_of(place) : 0), "");
        prof_text_node(t, links[i].to);
        if (links[i].stack != 0) {
            prof_text_printf(t, PROF_TEXT_PLAIN, "%*s  taken at ",
                             (int)(columns_of(to) < to_width ? to_width - columns_of(to) : 0), "");
            prof_text_place(t, links[i].stack);
        }
        prof_text_add(t, "\n");
    }
    if (left_out != 0 && front >= count)
        prof_text_printf(t, PROF_TEXT_FAINT, "    ... %llu links left out\n", (unsigned long long)left_out);
}

struct prof_error *prof_text_taken_lines(const struct prof_text *t, prof_node node, size_t frames)
{
    const struct prof_taken *taken;
    size_t count;
    char text[1024];
    struct prof_error *error = prof_graph_taken(t->graph, node, &taken, &count);
    if (error != NULL)
        return error;
    int64_t sum = 0, open = prof_graph_refcount(t->graph, node).anonymous;
    for (size_t i = 0; i < count; i++)
        sum += taken[i].count;
    if (sum > open && open <= 0)
        prof_text_printf(t, PROF_TEXT_FAINT, "  pointers (~) stand for these\n");
    else if (sum > open)
        prof_text_printf(t, PROF_TEXT_FAINT, "  %lld of these %lld; pointers (~) stand for the others\n",
                         (long long)open, (long long)sum);
    for (size_t i = 0; i < count; i++) {
        const struct prof_frame *list;
        size_t all = taken[i].stack != 0 ? prof_symbols_stack(t->symbols, taken[i].stack, &list) : 0;
        size_t site = all != 0 ? prof_symbols_site(t->symbols, taken[i].stack) : 0;
        prof_text_printf(t, PROF_TEXT_PLAIN, "  %u %s at ", taken[i].count, taken[i].birth ? "by birth" : "taken");
        prof_text_place(t, taken[i].stack);
        prof_text_add(t, "\n");
        for (size_t f = site + 1; f < all && f <= site + frames; f++) {
            prof_text_printf(t, PROF_TEXT_FAINT, "      from ");
            prof_text_put(t, PROF_TEXT_FAINT, prof_fmt_frame(text, sizeof text, &list[f], false));
            prof_text_add(t, "\n");
        }
    }
    return NULL;
}

struct prof_error *prof_text_taken_section(const struct prof_text *t, prof_node node)
{
    const struct prof_taken *list;
    size_t count;
    struct prof_error *error = prof_graph_taken(t->graph, node, &list, &count);
    if (error != NULL || count == 0)
        return error;
    if (count == 1 && prof_graph_refcount(t->graph, node).anonymous <= 0)
        return NULL; /* the ~ line says it */
    prof_text_printf(t, PROF_TEXT_HEAD, "\nTaken without telling an owner, and not given back\n");
    return prof_text_taken_lines(t, node, 0);
}

void prof_text_graph_notes(const struct prof_text *t, prof_node node)
{
    const char *unread = prof_graph_unread(t->graph);
    char text[512];
    if (unread != NULL)
        prof_text_printf(
            t, PROF_TEXT_FAINT,
            "\nMemory %s: only references that the program told are known, no pointers, and nothing of who holds "
            "plain blocks.\n",
            prof_escape_terminal(text, sizeof text, unread));
    else if (node != PROF_NODE_NONE && !prof_graph_examined(t->graph, node))
        prof_text_printf(t, PROF_TEXT_FAINT,
                         "\nMemory was read last before it was there as it is now: pointers to it may be missing.\n");
}
