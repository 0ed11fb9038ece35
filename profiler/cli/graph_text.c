/* graph_text.c: how commands about the object graph begin, and the lines that they have in common: a node, where its
 * references are, a path, who took references without an owner, what is not known. */
#include "graph_text.h"

#include <stdlib.h>
#include <string.h>

static bool names_finding(const char *object)
{
    return strstr(object, "@leak:") != NULL;
}

/* finding: some object is named by a finding. */
static int open_trace(const struct cli_command *command, const struct cli_common *common, const char *path,
                      bool finding, struct cli_session *session)
{
    if (common->from != NULL)
        return cli_usage(command, "--from does not work here: it is the state at one moment, which --to names");
    int code = cli_session_open(session, common, path,
                                CLI_PART_GRAPH | (finding ? CLI_PART_FINDINGS | CLI_PART_ALL_KINDS : 0));
    if (code < 0)
        cli_say_state(session, common);
    return code;
}

int graph_begin_some(const struct cli_command *command, const struct cli_common *common,
                     const struct cli_operands *operands, const struct cli_list *named, struct cli_session *session,
                     prof_node *ret, size_t *ret_count)
{
    bool trace = operands->count != 0 && cli_is_trace(operands->items[0]);
    char *const *objects = operands->items + trace;
    size_t count = operands->count - trace;
    *session = (struct cli_session){ .path = NULL };
    bool finding = false;
    for (size_t i = 0; i < count; i++)
        finding |= names_finding(objects[i]);
    for (size_t i = 0; named != NULL && i < named->count; i++)
        finding |= names_finding(named->items[i]);
    int code = open_trace(command, common, trace ? operands->items[0] : NULL, finding, session);
    for (size_t i = 0; i < count && code < 0; i++) {
        struct prof_error *error = prof_view_find_node(session->view, session->graph, objects[i], &ret[i]);
        if (error != NULL)
            code = cli_error(error);
    }
    *ret_count = count;
    return code;
}

int graph_begin(const struct cli_command *command, const struct cli_common *common, const struct cli_operands *operands,
                struct cli_session *session, prof_node *ret)
{
    const char *path, *object;
    *session = (struct cli_session){ .path = NULL };
    int code = cli_operands_object(command, operands, &path, &object);
    if (code < 0)
        code = open_trace(command, common, path, names_finding(object), session);
    if (code >= 0)
        return code;
    struct prof_error *error = prof_view_find_node(session->view, session->graph, object, ret);
    return error != NULL ? cli_error(error) : -1;
}

char *graph_name(struct cli_session *session, prof_node node, char *buf, size_t size)
{
    char raw[1024];
    return prof_escape_terminal(buf, size, prof_node_text(session->graph, node, raw, sizeof raw));
}

void graph_node_line(struct cli_session *session, struct cli_out *out, prof_node node)
{
    prof_obj_id obj = prof_graph_obj(session->graph, node);
    prof_block_id block = prof_graph_block(session->graph, node);
    uint64_t addr = obj != 0 ? prof_heap_obj(session->heap, obj)->addr : prof_heap_block(session->heap, block)->addr;
    char text[1024];
    cli_printf(out, CLI_TYPE, "%s", graph_name(session, node, text, sizeof text));
    fprintf(out->file, "  at %s", prof_fmt_addr(text, sizeof text, addr));
    fprintf(out->file, ", %s\n",
            prof_fmt_bytes(text, sizeof text, prof_graph_size(session->graph, node).flat, out->units));
}

/* Why more owners were told than there are references; nothing when there are not. */
static void overowned_line(struct cli_session *session, struct cli_out *out, prof_obj_id obj,
                           const struct prof_refcount *rc)
{
    const struct prof_open *open = NULL;
    char text[1024];
    int64_t more = rc->unbacked - (rc->anonymous < 0 ? rc->anonymous : 0);
    if (more == 0)
        return;
    for (uint32_t i = prof_heap_obj(session->heap, obj)->first_open; i != 0; i = open->next) {
        open = prof_heap_open(session->heap, i);
        if ((open->flags & PROF_OPEN_NO_SOURCE) != 0)
            break;
    }
    cli_printf(out, CLI_WARN, "            %lld owner%s more than references: ", (long long)more, more == 1 ? "" : "s");
    if (open != NULL && (open->flags & PROF_OPEN_NO_SOURCE) != 0) {
        fputs("trk_own at ", out->file);
        cli_put(out, CLI_PLACE, prof_view_site(session->view, open->stack, text, sizeof text));
        fputs(" found none to own; was trk_move meant?\n", out->file);
    } else {
        fputs("a release named no slot, or another one than its owner's\n", out->file);
    }
}

void graph_count_lines(struct cli_session *session, struct cli_out *out, prof_node node)
{
    if (prof_graph_obj(session->graph, node) == 0)
        return;
    struct prof_refcount rc = prof_graph_refcount(session->graph, node);
    fprintf(out->file, "  count     %lld = %lld in blocks + %lld in globals + %lld in local variables",
            (long long)rc.count, (long long)rc.heap, (long long)rc.roots, (long long)rc.stacks);
    if (rc.gone != 0)
        fprintf(out->file, " + %lld in variables that are no more", (long long)rc.gone);
    fprintf(out->file, " + %lld without a known owner\n            ", (long long)rc.anonymous);
    if (!rc.observed)
        fputs("the program never told its count: not checked\n", out->file);
    else if (rc.unaccounted == 0)
        cli_printf(out, CLI_GOOD, "the program's own count agreed (%lld when last seen)\n", (long long)rc.count);
    else
        cli_printf(out, CLI_WARN, "the program's own count was %lld when last seen: %+lld unaccounted for\n",
                   (long long)rc.count + rc.unaccounted, (long long)rc.unaccounted);
    overowned_line(session, out, prof_graph_obj(session->graph, node), &rc);
}

/* The reason that the program gave. */
static const char *why_kept(struct cli_session *session, prof_node node)
{
    prof_obj_id id = prof_graph_obj(session->graph, node);
    const struct prof_obj *obj = id != 0 ? prof_heap_obj(session->heap, id) : NULL;
    const char *why = obj != NULL && obj->why_text != 0 ? prof_trace_text(session->trace, obj->why_text) : NULL;
    return why != NULL ? why : "kept on purpose";
}

/* Where a link of a path stands; of the first one without a place what it stands for. */
static void place_text(struct cli_session *session, const struct prof_link *link, char *buf, size_t size)
{
    const char *place = NULL;
    if (link->kind != 0)
        place = prof_graph_place(session->graph, link);
    else
        place = link->root == PROF_ROOT_PURPOSE ? why_kept(session, link->to) : "references without an owner";
    prof_escape_terminal(buf, size, place != NULL ? place : "");
}

static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void graph_path_lines(struct cli_session *session, struct cli_out *out, const struct prof_link *links, size_t count,
                      size_t front, size_t left_out)
{
    enum { PLACE_MOST = 48, NAME_MOST = 36 };
    char place[1024], to[1024], site[1024];
    size_t place_width = 0, to_width = 0;
    for (size_t i = 0; i < count; i++) {
        place_text(session, &links[i], place, sizeof place);
        graph_name(session, links[i].to, to, sizeof to);
        size_t p = columns_of(place), t = columns_of(to);
        place_width = p > place_width ? p : place_width;
        to_width = t > to_width ? t : to_width;
    }
    place_width = place_width > PLACE_MOST ? PLACE_MOST : place_width;
    to_width = to_width > NAME_MOST ? NAME_MOST : to_width;
    for (size_t i = 0; i < count; i++) {
        if (i == front && left_out != 0)
            cli_printf(out, CLI_FAINT, "    ... %llu links left out ...\n", (unsigned long long)left_out);
        place_text(session, &links[i], place, sizeof place);
        graph_name(session, links[i].to, to, sizeof to);
        prof_view_site(session->view, links[i].stack, site, sizeof site);
        fprintf(out->file, "  %c %s", prof_link_mark(&links[i]), place);
        for (size_t w = columns_of(place); w < place_width; w++)
            fputc(' ', out->file);
        fputs(" -> ", out->file);
        cli_printf(out, CLI_TYPE, "%s", to);
        if (links[i].stack != 0) {
            for (size_t w = columns_of(to); w < to_width; w++)
                fputc(' ', out->file);
            fputs("  taken at ", out->file);
            cli_put(out, CLI_PLACE, site);
        }
        fputc('\n', out->file);
    }
    if (left_out != 0 && front >= count)
        cli_printf(out, CLI_FAINT, "    ... %llu links left out\n", (unsigned long long)left_out);
}

struct prof_error *graph_taken_lines(struct cli_session *session, struct cli_out *out, prof_node node, size_t frames)
{
    const struct prof_taken *taken;
    size_t count;
    char text[1024];
    struct prof_error *error = prof_graph_taken(session->graph, node, &taken, &count);
    if (error != NULL)
        return error;
    int64_t sum = 0, open = prof_graph_refcount(session->graph, node).anonymous;
    for (size_t i = 0; i < count; i++)
        sum += taken[i].count;
    if (sum > open && open <= 0)
        cli_printf(out, CLI_FAINT, "  pointers (~) stand for these\n");
    else if (sum > open)
        cli_printf(out, CLI_FAINT, "  %lld of these %lld; pointers (~) stand for the others\n", (long long)open,
                   (long long)sum);
    for (size_t i = 0; i < count; i++) {
        const struct prof_frame *list;
        size_t all = taken[i].stack != 0 ? prof_symbols_stack(session->symbols, taken[i].stack, &list) : 0;
        size_t site = all != 0 ? prof_symbols_site(session->symbols, taken[i].stack) : 0;
        fprintf(out->file, "  %u %s at ", taken[i].count, taken[i].birth ? "by birth" : "taken");
        cli_put(out, CLI_PLACE, prof_view_site(session->view, taken[i].stack, text, sizeof text));
        fputc('\n', out->file);
        for (size_t f = site + 1; f < all && f <= site + frames; f++) {
            cli_printf(out, CLI_FAINT, "      from ");
            cli_put(out, CLI_FAINT, prof_fmt_frame(text, sizeof text, &list[f], false));
            fputc('\n', out->file);
        }
    }
    return NULL;
}

struct prof_error *graph_taken_section(struct cli_session *session, struct cli_out *out, prof_node node)
{
    const struct prof_taken *list;
    size_t count;
    struct prof_error *error = prof_graph_taken(session->graph, node, &list, &count);
    if (error != NULL || count == 0)
        return error;
    if (count == 1 && prof_graph_refcount(session->graph, node).anonymous <= 0)
        return NULL; /* the ~ line says it */
    cli_printf(out, CLI_HEAD, "\nTaken without telling an owner, and not given back\n");
    return graph_taken_lines(session, out, node, 0);
}

void graph_notes(struct cli_session *session, const struct cli_common *common, struct cli_out *out, prof_node node)
{
    const char *unread = prof_graph_unread(session->graph);
    char text[512];
    if (common->quiet)
        return;
    if (unread != NULL)
        cli_printf(
            out, CLI_FAINT,
            "\nMemory %s: only references that the program told are known, no pointers, and nothing of who holds "
            "plain blocks.\n",
            prof_escape_terminal(text, sizeof text, unread));
    else if (node != PROF_NODE_NONE && !prof_graph_examined(session->graph, node))
        cli_printf(out, CLI_FAINT,
                   "\nMemory was read last before it was there as it is now: pointers to it may be missing.\n");
}
