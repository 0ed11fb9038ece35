/* work/serve.c: a snapshot: what is made of its heap, and which answer belongs to which question. See work.h. */
#include "history.h"
#include "internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/vec.h>

/* Whoever answers keys goes first. */
enum { DEEP_NICE = 5, TELL_MS = 100 };

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

uint64_t work_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

json_t *work_later(struct work *work, double share)
{
    work->unfinished = true;
    if (work_now_ms() - work->told_ms < TELL_MS)
        return NULL;
    work->told_ms = work_now_ms();
    return json_pack("{s:f}", "share", share);
}

uint64_t work_lost(const struct prof_trace *trace)
{
    const struct trk_loss *loss = &prof_trace_info(trace)->loss;
    return loss->dropped + loss->holes + loss->emergency + loss->depot_full + loss->text_full + loss->write_lost +
           loss->in_flight;
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
        { "summary", work_summary }, { "table", work_table },
        { "export", work_export },   { "links", work_links },
        { "finding", work_finding }, { "suppression", work_suppression },
        { "object", work_object },   { "ways", work_ways },
        { "log", work_log },         { "generations", work_generations },
        { "growth", work_growth },   { "type", work_type },
        { "calls", work_calls },     { "calls-find", work_calls_find },
        { "source", work_source },
    };
    const char *ask = work_asked(question, "ask");
    struct prof_error *error = NULL;
    json_t *result = NULL;
    for (size_t i = 0; ask != NULL && i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].ask, ask) == 0)
            result = answers[i].answer(work, question, &error);
    if (result == NULL && (error != NULL || !work->unfinished))
        result = json_pack("{s:o}", "error", work_text(error != NULL ? error->message : "it cannot be told"));
    work->unfinished = work->unfinished && error == NULL;
    prof_error_destroy(error);
    static const char *const repeated[] = { "n", "sort", "where" };
    for (size_t i = 0; result != NULL && i < sizeof repeated / sizeof *repeated; i++)
        if (json_object_get(question, repeated[i]) != NULL)
            json_object_set(result, repeated[i], json_object_get(question, repeated[i]));
    return result;
}

/* ---- The questions that wait ---- */

typedef PROF_VEC(json_t *) question_list;
struct questions {
    question_list fresh,
        begun; /* begun: not done after a first turn; one goes on until it is done, or a fresh one comes */
};

static json_t *take(question_list *list, size_t i)
{
    json_t *question = list->items[i];
    memmove(list->items + i, list->items + i + 1, (--list->count - i) * sizeof *list->items);
    return question;
}

static void add(question_list *list, json_t *question)
{
    if (!prof_vec_push(list, question))
        json_decref(question);
}

/* What the same asker wanted before is not wanted any more. */
static void forget_earlier(question_list *list, const json_t *question)
{
    for (size_t i = list->count; i-- > 0;)
        if (json_equal(json_object_get(list->items[i], "q"), json_object_get(question, "q")) != 0)
            json_decref(take(list, i));
}

/* Those that take one turn are not held up by those that take many. */
static void answer_one(struct work *work, struct questions *questions)
{
    bool fresh = questions->fresh.count > 0;
    json_t *question = fresh ? take(&questions->fresh, 0) : questions->begun.items[0];
    work->unfinished = false;
    json_t *result = answer(work, question);
    if (work->unfinished && fresh)
        add(&questions->begun, question);
    if (!work->unfinished)
        json_decref(fresh ? question : take(&questions->begun, 0));
    if (result != NULL)
        tui_wire_send(&work->wire, result);
}

static void drop(question_list *list)
{
    while (list->count > 0)
        json_decref(take(list, list->count - 1));
    prof_vec_deinit(list);
}

static void answer_all(struct work *work)
{
    struct questions questions = { 0 };
    while (work->wire.fd >= 0) {
        for (json_t *question; (question = tui_wire_receive(&work->wire)) != NULL; add(&questions.fresh, question)) {
            forget_earlier(&questions.fresh, question);
            forget_earlier(&questions.begun, question);
        }
        if (questions.fresh.count + questions.begun.count > 0) {
            answer_one(work, &questions);
            continue;
        }
        if (work->wire.fd < 0)
            break; /* the other end is closed: nobody would wake it */
        short events = work->wire.out_count > 0 ? POLLIN | POLLOUT : POLLIN;
        poll(&(struct pollfd){ .fd = work->wire.fd, .events = events }, 1, -1);
        tui_wire_flush(&work->wire);
    }
    drop(&questions.fresh);
    drop(&questions.begun);
}

/* ---- The processes of a snapshot ---- */

static void failed(struct work *work, struct prof_error *error)
{
    tui_wire_send(&work->wire, json_pack("{s:o}", "failed", work_text(error->message)));
    prof_error_destroy(error);
}

/* first: of the moment; nobody tells what is new in it twice. */
static void ready(struct work *work, bool first)
{
    const struct prof_heap_totals *totals = prof_heap_totals(work->heap);
    json_t *ready = work->now && first ? work_history_news(work->history, work->trace) : json_object();
    json_object_update_new(
        ready, json_pack("{s:I,s:I}", "at", (json_int_t)totals->end_us, "events", (json_int_t)totals->events));
    tui_wire_send(&work->wire, json_pack("{s:o}", "ready", ready));
}

/* Talks to another end from now on; what was the wire belongs to another process, or did. */
static void change_wire(struct work *work, int fd)
{
    work->wire.fd = -1;
    tui_wire_deinit(&work->wire);
    tui_wire_init(&work->wire, fd, false);
}

/* Another process with the same memory, which has only this one of the ends, as its wire. false: here. */
static bool fork_quick(struct work *work, const int ends[WORK_ORDER_ENDS], int which)
{
    if (fork() != 0) { /* no process: the other side sees that it is closed */
        close(ends[which]);
        return false;
    }
    for (int i = 0; i < WORK_ORDER_ENDS; i++)
        if (i != which)
            close(ends[i]);
    change_wire(work, ends[which]);
    struct prof_error *error = prof_view_create(work->heap, work->symbols, work->findings, &work->view);
    if (error != NULL) {
        failed(work, error);
        return true;
    }
    ready(work, which == WORK_ORDER_QUICK);
    answer_all(work);
    return true;
}

/* Files that cannot be read suppress nothing, and neither do the others: half of them would mislead. */
static void read_suppressions(struct work *work)
{
    struct prof_error *error = work->suppress[0] != '\0' ? prof_suppressions_create(&work->suppressions) : NULL;
    for (char *path = work->suppress, *end; error == NULL && (end = strchr(path, '\n')) != NULL; path = end + 1) {
        *end = '\0';
        error = prof_suppressions_read(work->suppressions, path);
    }
    if (error == NULL)
        return;
    work->suppress_trouble = strdup(error->message);
    prof_suppressions_destroy(work->suppressions);
    work->suppressions = NULL;
    prof_error_destroy(error);
}

static void dig(struct work *work, const int ends[WORK_ORDER_ENDS])
{
    change_wire(work, ends[WORK_ORDER_DEEP]);
    nice(DEEP_NICE);
    read_suppressions(work);
    const struct prof_findings_options options = { .suppressions = work->suppressions };
    work_doing(work, "looking for leaks");
    struct prof_error *error = prof_findings_create(work->heap, work->symbols, &options, &work->findings);
    if (error == NULL && fork_quick(work, ends, WORK_ORDER_FOUND))
        return;
    if (error == NULL)
        error = prof_view_create(work->heap, work->symbols, work->findings, &work->view);
    if (error != NULL) {
        failed(work, error);
        return;
    }
    ready(work, false);
    answer_all(work);
}

void work_serve(struct work *work, const int ends[WORK_ORDER_ENDS])
{
    const char *debuginfod = getenv("DEBUGINFOD_URLS");
    const struct prof_symbols_options symbols = { .symfs = work->options->symfs,
                                                  .debuginfod = debuginfod != NULL,
                                                  .wrappers = work->options->wrappers };
    work->gc = work_history_gc(work->history);
    struct prof_error *error = prof_symbols_create(work->trace, &symbols, &work->symbols);
    if (error != NULL)
        failed(work, error);
    else if (!fork_quick(work, ends, WORK_ORDER_QUICK))
        dig(work, ends);
}
