/* graph_text.c: how commands about the object graph begin, and how they end. */
#include "graph_text.h"

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

void graph_notes(struct cli_session *session, const struct cli_common *common, struct cli_out *out, prof_node node)
{
    if (!common->quiet)
        prof_text_graph_notes(cli_text(session, out), node);
}
