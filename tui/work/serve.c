/* work/serve.c: a snapshot: what is made of its heap, and which answer belongs to which question. See work.h. */
#include "history.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Above this, comparing lives would take a long time, as on the command line. */
static const uint64_t too_many_events = 20000000;

void work_doing(struct work *work, const char *what)
{
    tui_wire_send(&work->wire, json_pack("{s:s}", "doing", what));
}

struct prof_graph *work_graph(struct work *work, struct prof_error **ret_error)
{
    const struct prof_graph_options options = { 0 };
    if (work->graph == NULL)
        *ret_error = prof_graph_create(work->heap, work->symbols, &options, &work->graph);
    return work->graph;
}

const struct prof_ledgers *work_ledgers(struct work *work)
{
    if (!work->compared && prof_heap_totals(work->heap)->events <= too_many_events)
        prof_error_destroy(
            prof_ledgers_create(work->heap, work->symbols, work->findings, NULL, &work->ledgers)); /* done without */
    work->compared = true;
    return work->ledgers;
}

json_t *work_text(const char *text)
{
    size_t size = text != NULL ? strlen(text) * 4 + 1 : 1;
    char *shown = malloc(size);
    if (shown == NULL)
        return NULL;
    json_t *value = json_string(text != NULL ? prof_escape_terminal(shown, size, text) : "");
    free(shown);
    return value;
}

const char *work_asked(const json_t *question, const char *key)
{
    return json_string_value(json_object_get(question, key));
}

uint64_t work_asked_number(const json_t *question, const char *key, uint64_t otherwise)
{
    const json_t *value = json_object_get(question, key);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value) : otherwise;
}

static struct prof_error *prepare(struct work *work)
{
    const char *debuginfod = getenv("DEBUGINFOD_URLS");
    const struct prof_symbols_options symbols = { .symfs = work->options->symfs,
                                                  .debuginfod = debuginfod != NULL,
                                                  .wrappers = work->options->wrappers };
    const struct prof_findings_options findings = { 0 };
    struct prof_error *error = prof_symbols_create(work->trace, &symbols, &work->symbols);
    work_doing(work, "looking for leaks");
    if (error == NULL)
        error = prof_findings_create(work->heap, work->symbols, &findings, &work->findings);
    if (error == NULL)
        error = prof_view_create(work->heap, work->symbols, work->findings, &work->view);
    return error;
}

json_t *work_parse(char *text)
{
    json_t *document = text != NULL ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return document;
}

static json_t *answer(struct work *work, const json_t *question)
{
    static const struct {
        const char *ask;
        work_answer *answer;
    } answers[] = {
        { "summary", work_summary }, { "table", work_table },   { "links", work_links },
        { "finding", work_finding }, { "object", work_object }, { "ways", work_ways },
        { "log", work_log },         { "diff", work_diff },     { "growth", work_growth },
    };
    const char *ask = work_asked(question, "ask");
    struct prof_error *error = NULL;
    json_t *result = NULL;
    for (size_t i = 0; ask != NULL && i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].ask, ask) == 0)
            result = answers[i].answer(work, question, &error);
    if (result == NULL)
        result = json_pack("{s:o}", "error", work_text(error != NULL ? error->message : "it cannot be told"));
    prof_error_destroy(error);
    if (result != NULL)
        json_object_set(result, "n", json_object_get(question, "n"));
    return result;
}

void work_serve(struct work *work)
{
    work->gc = work_history_gc(work->history);
    struct prof_error *error = prepare(work);
    if (error != NULL) {
        tui_wire_send(&work->wire, json_pack("{s:o}", "failed", work_text(error->message)));
        return;
    }
    const struct prof_heap_totals *totals = prof_heap_totals(work->heap);
    json_t *ready = work->now ? work_history_news(work->history, work->trace) : json_object();
    json_object_update_new(
        ready, json_pack("{s:I,s:I}", "at", (json_int_t)totals->end_us, "events", (json_int_t)totals->events));
    tui_wire_send(&work->wire, json_pack("{s:o}", "ready", ready));
    for (json_t *question; (question = tui_wire_receive(&work->wire)) != NULL; json_decref(question))
        tui_wire_send(&work->wire, answer(work, question));
}
