/* source.c: the viewer's end of the worker processes. See source.h. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/vec.h>

#include "past.h"
#include "wire.h"
#include "work/work.h"

enum {
    EARLY_MS = 150,    /* of a long file this much is read, then a first look is worth while */
    READING_MS = 2000, /* while it is read snapshots are at least so far apart, */
    REFRESH_MS = 1000, /* live so far, */
    REFRESH_TIMES = 4, /* and so many times what the last one took */
    LEFT_MS = 500,     /* before that nobody can tell how long it takes */
    ORPHAN_MS = 1500,  /* after the recorder is gone: so long its last words may be on their way */
    RETRY_MS = 3000,   /* after the link was lost, */
    RETRY_MOST = 8,    /* and up to so many times as long after further attempts */
    SECOND_MS = 1000,
    DOING = 96,
    TROUBLE = 512,
};

/* The processes that know one moment (work/work.h). */
struct snapshot {
    struct tui_wire quick; /* answers about tables; fd -1: there is none */
    struct tui_wire found; /* will take its place, with what was found; -1 once it did */
    struct tui_wire deep;  /* answers everything else */
    int leash;
    bool deep_ready;
    uint64_t done; /* bytes of the trace that it knows at least */
    uint64_t number, at_us, events;
    uint64_t wanted_us; /* the moment that was ordered */
    uint64_t ordered_ms;
    char doing[DOING];
};

struct tui_source {
    struct work_options options;
    pid_t reader;
    int orders;
    struct tui_wire pulse_wire;
    enum tui_phase phase;
    uint64_t done, all, began_ms, now_ms;
    struct tui_past past;
    struct snapshot current, next;
    uint64_t snapshots, questions, askers;
    uint64_t took_ms; /* to make the last one, all that is looked for included */
    uint64_t at_us;   /* the moment that is looked at */
    bool paused, refresh;
    char suppressions[WORK_SUPPRESSIONS]; /* as in orders */
    bool heard;                           /* the reader said how far it is */
    int recorder_fd;                      /* becomes readable when the recorder is gone; -1: it is, or is not known */
    uint64_t orphan_ms;                   /* since when it is gone; 0: it is not */
    uint64_t lost_ms, retry_ms;           /* since when the link is lost, when it is looked for again */
    unsigned retries;                     /* since it stood last */
    enum tui_phase told_phase;            /* by the last step */
    /* A snapshot of this moment, with so many bytes, could not be made, or died: no other one until something changes.
     */
    bool failed;
    uint64_t failed_us, failed_done;
    char trouble[TROUBLE];
    bool trouble_passes; /* it is of a snapshot, and over with the next one */
    PROF_VEC(struct tui_query *) queries;
};

void tui_query_deinit(struct tui_query *query)
{
    free(query->text);
    json_decref(query->answer);
    *query = (struct tui_query){ .text = NULL };
}

/* ---- Beginning and end ---- */

static struct snapshot no_snapshot(void)
{
    return (struct snapshot){ .quick = { .fd = -1 }, .found = { .fd = -1 }, .deep = { .fd = -1 }, .leash = -1 };
}

/* Its processes end, what they do left undone. */
static void drop_snapshot(struct snapshot *snapshot)
{
    tui_wire_deinit(&snapshot->quick);
    tui_wire_deinit(&snapshot->found);
    tui_wire_deinit(&snapshot->deep);
    if (snapshot->leash >= 0)
        close(snapshot->leash);
    *snapshot = no_snapshot();
}

static bool start(struct tui_source *s, const char **ret_why)
{
    int pulses;
    if (!tui_work_start(&s->options, &s->orders, &pulses, &s->reader)) {
        *ret_why = "no process for reading the trace can be made";
        return false;
    }
    tui_wire_init(&s->pulse_wire, pulses, false);
    s->phase = TUI_READING;
    s->done = s->all = s->began_ms = 0;
    tui_past_forget(&s->past);
    s->heard = false;
    return true;
}

bool tui_source_create(const struct tui_source_options *options, struct tui_source **ret, const char **ret_why)
{
    struct tui_source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        *ret_why = "there is no memory";
        return false;
    }
    s->options = (struct work_options){
        .path = options->path, .wrappers = options->wrappers, .symfs = options->symfs, .live = options->pid != 0
    };
    s->current = s->next = no_snapshot();
    s->pulse_wire.fd = s->orders = s->recorder_fd = -1;
    if (options->recorder != 0 && options->recorder != TUI_NO_RECORDER)
        s->recorder_fd = (int)syscall(SYS_pidfd_open, options->recorder, 0);
    if (options->recorder == TUI_NO_RECORDER || (s->recorder_fd < 0 && options->recorder != 0 && errno == ESRCH))
        s->orphan_ms = 1;
    s->at_us = TUI_AT_NOW;
    if (!start(s, ret_why)) {
        free(s);
        return false;
    }
    *ret = s;
    return true;
}

static void stop(struct tui_source *s)
{
    if (s->orders >= 0)
        close(s->orders);
    s->orders = -1;
    tui_wire_deinit(&s->pulse_wire);
    drop_snapshot(&s->next);
    drop_snapshot(&s->current);
    if (s->reader > 0) {
        kill(s->reader, SIGKILL); /* its snapshots end with it */
        waitpid(s->reader, NULL, 0);
    }
    s->reader = 0;
}

void tui_source_destroy(struct tui_source *s)
{
    if (s == NULL)
        return;
    stop(s);
    if (s->recorder_fd >= 0)
        close(s->recorder_fd);
    tui_past_deinit(&s->past);
    prof_vec_deinit(&s->queries);
    free(s);
}

bool tui_source_restart(struct tui_source *s, const char **ret_why)
{
    stop(s);
    s->trouble[0] = '\0';
    return start(s, ret_why);
}

/* ---- Questions ---- */

/* Who answers: tables, trees of calls and sources do not wait until leaks are found, nor does a first summary. NULL:
 * nobody yet.
 */
static struct tui_wire *answering(struct tui_source *s, const json_t *question)
{
    static const char *const tables[] = { "types", "objects", "sites", "marks", "blocks" };
    const char *ask = json_string_value(json_object_get(question, "ask")),
               *table = json_string_value(json_object_get(question, "table"));
    bool quick = ask != NULL && ((strcmp(ask, "summary") == 0 && !s->current.deep_ready) ||
                                 strncmp(ask, "calls", strlen("calls")) == 0 || strcmp(ask, "source") == 0);
    for (size_t i = 0; ask != NULL && table != NULL && i < sizeof tables / sizeof *tables; i++)
        quick = quick || (strcmp(ask, "table") == 0 && strcmp(table, tables[i]) == 0);
    return quick ? &s->current.quick : s->current.deep_ready ? &s->current.deep : NULL;
}

static const char ended[] = "the process that knew this ended: F5 makes another one",
                  gone[] = "the moment that is looked at changed before it was done: once more?";

static void no_answer(const struct tui_source *s, struct tui_query *query, const char *why)
{
    query->number = 0;
    json_decref(query->answer);
    query->answer = json_pack("{s:s}", "error", why);
    query->snapshot = s->current.number;
    query->version++;
}

/* To `wire` only, NULL: to whom it belongs. */
static void send_question(struct tui_source *s, struct tui_query *query, const struct tui_wire *only)
{
    if (query->once && query->answer != NULL)
        return;
    json_t *question = json_loads(query->text, 0, NULL);
    struct tui_wire *wire = answering(s, question);
    bool nobody = wire != NULL ? wire->fd < 0 : s->current.deep.fd < 0;
    if (s->current.number != 0 && nobody && only == NULL)
        no_answer(s, query, ended);
    if (nobody || wire == NULL || (only != NULL && wire != only)) {
        json_decref(question);
        return;
    }
    query->number = ++s->questions;
    query->share = 0;
    json_object_set_new(question, "n", json_integer((json_int_t)query->number));
    json_object_set_new(question, "q", json_integer((json_int_t)query->asker));
    query->quick = wire == &s->current.quick;
    tui_wire_send(wire, question);
}

/* Nobody will answer these any more. */
static void abandon(struct tui_source *s, bool quick)
{
    for (size_t i = 0; i < s->queries.count; i++)
        if (s->queries.items[i]->number != 0 && s->queries.items[i]->quick == quick)
            no_answer(s, s->queries.items[i], ended);
}

void tui_source_ask(struct tui_source *s, struct tui_query *query, json_t *question)
{
    char *text = question != NULL ? json_dumps(question, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    bool known = false;
    json_decref(question);
    for (size_t i = 0; i < s->queries.count; i++)
        known |= s->queries.items[i] == query;
    if (text == NULL || (!known && !prof_vec_push(&s->queries, query))) {
        free(text);
        return;
    }
    bool same = query->text != NULL && strcmp(query->text, text) == 0;
    bool asked = query->number != 0 || (query->answer != NULL && query->snapshot == s->current.number);
    if (same && asked) {
        free(text);
        return;
    }
    free(query->text);
    query->text = text;
    query->number = 0;
    if (!known)
        query->asker = ++s->askers;
    send_question(s, query, NULL);
}

void tui_source_forget(struct tui_source *s, struct tui_query *query)
{
    for (size_t i = 0; i < s->queries.count; i++)
        if (s->queries.items[i] == query)
            s->queries.items[i] = s->queries.items[--s->queries.count];
    tui_query_deinit(query);
}

static void take_answer(struct tui_source *s, json_t *answer)
{
    uint64_t number = (uint64_t)json_integer_value(json_object_get(answer, "n"));
    for (size_t i = 0; i < s->queries.count; i++) {
        struct tui_query *query = s->queries.items[i];
        const json_t *share = json_object_get(answer, "share");
        if (query->number != number || number == 0)
            continue;
        if (share != NULL) {
            query->share = json_real_value(share);
            continue;
        }
        json_decref(query->answer);
        query->answer = json_incref(answer);
        query->version++;
        if (!json_is_true(json_object_get(answer, "more")))
            query->number = 0;
        query->snapshot = s->current.number;
    }
}

/* ---- Pulses ---- */

static void take_pulse(struct tui_source *s, const json_t *said)
{
    json_int_t phase = json_integer_value(json_object_get(said, "phase"));
    tui_past_take(&s->past, said);
    s->heard = true;
    s->done = (uint64_t)json_integer_value(json_object_get(said, "done"));
    s->all = (uint64_t)json_integer_value(json_object_get(said, "all"));
    s->phase = phase == TUI_LIVE ? TUI_LIVE : phase == TUI_ENDED ? TUI_ENDED : TUI_READING;
    if (s->phase != TUI_READING)
        s->retries = 0;
}

/* ---- Snapshots ---- */

/* The ends for the snapshot's processes go to the reader; ours into *ret. */
static bool send_order(struct tui_source *s, uint64_t at_us, struct snapshot *ret)
{
    enum { PAIRS = WORK_ORDER_ENDS };
    int ends[PAIRS][2];
    struct work_order order = { .at_us = at_us };
    memcpy(order.suppressions, s->suppressions, sizeof order.suppressions);
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(PAIRS * sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part = { &order, sizeof order };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    int made = 0;
    while (made < PAIRS &&
           (made == WORK_ORDER_LEASH ? pipe2(ends[made], O_CLOEXEC) == 0
                                     : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[made]) == 0))
        made++;
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(PAIRS * sizeof(int));
    for (int i = 0; i < made; i++)
        memcpy(CMSG_DATA(&control.head) + (size_t)i * sizeof(int), &ends[i][0], sizeof(int));
    bool sent = made == PAIRS && sendmsg(s->orders, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof order;
    for (int i = 0; i < made; i++) {
        close(ends[i][0]);
        if (!sent)
            close(ends[i][1]);
    }
    if (!sent)
        return false;
    tui_wire_init(&ret->quick, ends[WORK_ORDER_QUICK][1], false);
    tui_wire_init(&ret->found, ends[WORK_ORDER_FOUND][1], false);
    tui_wire_init(&ret->deep, ends[WORK_ORDER_DEEP][1], false);
    ret->leash = ends[WORK_ORDER_LEASH][1];
    return true;
}

static bool order(struct tui_source *s, uint64_t at_us, uint64_t now_ms)
{
    struct snapshot next = no_snapshot();
    if (!send_order(s, at_us, &next))
        return false;
    drop_snapshot(&s->next);
    next.wanted_us = at_us;
    next.ordered_ms = now_ms;
    next.done = s->done;
    s->next = next;
    return true;
}

/* Now it answers in the place of the one before it, and everything is asked again. */
static void exchange(struct tui_source *s, const json_t *ready)
{
    drop_snapshot(&s->current);
    if (s->trouble_passes)
        s->trouble[0] = '\0';
    s->trouble_passes = false;
    s->current = s->next;
    s->next = no_snapshot();
    s->failed = false;
    s->current.number = ++s->snapshots;
    s->current.at_us = (uint64_t)json_integer_value(json_object_get(ready, "at"));
    s->current.events = (uint64_t)json_integer_value(json_object_get(ready, "events"));
    if (s->current.wanted_us == TUI_AT_NOW)
        tui_past_take(&s->past, ready); /* the reader lags behind: what may still change it keeps */
    for (size_t i = 0; i < s->queries.count; i++) {
        if (s->queries.items[i]->once && s->queries.items[i]->number != 0)
            no_answer(s, s->queries.items[i], gone);
        s->queries.items[i]->number = 0;
        send_question(s, s->queries.items[i], NULL);
    }
}

static void trouble(struct tui_source *s, const json_t *text)
{
    const char *what = json_string_value(text);
    size_t length = what != NULL ? strlen(what) : 0;
    if (length >= sizeof s->trouble)
        length = sizeof s->trouble - 1;
    if (what != NULL)
        memcpy(s->trouble, what, length);
    s->trouble[length] = '\0';
    s->trouble_passes = false;
}

static void give_up(struct tui_source *s, uint64_t at_us, const char *what)
{
    s->failed = true;
    s->failed_us = at_us;
    s->failed_done = s->done;
    if (s->trouble[0] == '\0') {
        snprintf(s->trouble, sizeof s->trouble, "%s", what);
        s->trouble_passes = true;
    }
}

/* What a process says besides answers. */
static void take_words(struct tui_source *s, struct snapshot *snapshot, const json_t *said)
{
    const char *doing = json_string_value(json_object_get(said, "doing"));
    if (doing != NULL && strlen(doing) < sizeof snapshot->doing)
        memcpy(snapshot->doing, doing, strlen(doing) + 1);
    else if (json_object_get(said, "failed") != NULL)
        trouble(s, json_object_get(said, "failed"));
}

static bool take_next(struct tui_source *s)
{
    bool changed = false;
    for (json_t *said; (said = tui_wire_receive(&s->next.quick)) != NULL; json_decref(said)) {
        const json_t *ready = json_object_get(said, "ready");
        changed = true;
        if (ready != NULL) {
            exchange(s, ready);
            json_decref(said);
            break;
        }
        take_words(s, &s->next, said);
    }
    if (s->next.quick.fd < 0 && s->next.ordered_ms != 0) {
        give_up(s, s->next.wanted_us, "the process that looked at the trace ended before it was done");
        drop_snapshot(&s->next);
        changed = true;
    }
    return changed;
}

/* Everything is known of the moment now. */
static void deep_is_ready(struct tui_source *s, uint64_t now_ms)
{
    s->current.deep_ready = true;
    s->took_ms = now_ms - s->current.ordered_ms;
    for (size_t i = 0; i < s->queries.count; i++)
        send_question(s, s->queries.items[i], &s->current.deep);
}

/* The process for tables that knows what was found takes the place of the one that did not. */
static void take_found(struct tui_source *s)
{
    json_t *said = tui_wire_receive(&s->current.found);
    if (said == NULL)
        return;
    if (json_object_get(said, "ready") != NULL) {
        tui_wire_deinit(&s->current.quick);
        s->current.quick = s->current.found;
        s->current.found = (struct tui_wire){ .fd = -1 };
        for (size_t i = 0; i < s->queries.count; i++)
            send_question(s, s->queries.items[i], &s->current.quick);
    }
    json_decref(said);
}

static bool take_deep(struct tui_source *s, uint64_t now_ms)
{
    bool changed = false;
    for (json_t *said; (said = tui_wire_receive(&s->current.deep)) != NULL; json_decref(said)) {
        changed = true;
        if (json_object_get(said, "ready") != NULL)
            deep_is_ready(s, now_ms);
        else if (json_object_get(said, "n") != NULL)
            take_answer(s, said);
        else
            take_words(s, &s->current, said);
    }
    if (s->current.deep.fd < 0) {
        s->took_ms = s->current.deep_ready ? s->took_ms : now_ms - s->current.ordered_ms;
        s->current.deep_ready = false;
        tui_wire_deinit(&s->current.found);
        abandon(s, false);
        give_up(s, s->current.wanted_us, "the process that knows this moment ended: F5 makes another one");
        changed = true;
    }
    return changed;
}

static bool take_quick(struct tui_source *s)
{
    bool changed = false;
    for (json_t *answer; (answer = tui_wire_receive(&s->current.quick)) != NULL; json_decref(answer)) {
        take_answer(s, answer);
        changed = true;
    }
    if (s->current.quick.fd < 0 && s->current.found.fd < 0) {
        abandon(s, true);
        give_up(s, s->current.wanted_us, "the process that knows this moment ended: F5 makes another one");
        changed = true;
    }
    return changed;
}

/* Does the newest snapshot that there is, or will be, lag behind what is wanted? */
static bool outdated(const struct tui_source *s)
{
    const struct snapshot *newest = s->next.quick.fd >= 0 ? &s->next : &s->current;
    if (s->failed && newest == &s->current && s->failed_us == s->at_us && s->failed_done == s->done)
        return false;
    if (newest->number == 0 && newest != &s->next)
        return true;
    if (newest->wanted_us != s->at_us)
        return true;
    return newest == &s->current && s->at_us == TUI_AT_NOW && s->done > s->current.done;
}

static uint64_t refresh_ms(const struct tui_source *s)
{
    uint64_t apart = s->took_ms * REFRESH_TIMES;
    uint64_t least = s->phase == TUI_READING ? READING_MS : REFRESH_MS;
    return apart > least ? apart : least;
}

/* A question that is asked once waits for its answer. */
static bool does_something(const struct tui_source *s)
{
    for (size_t i = 0; i < s->queries.count; i++)
        if (s->queries.items[i]->once && s->queries.items[i]->number != 0)
            return true;
    return false;
}

static bool due(const struct tui_source *s, uint64_t now_ms)
{
    if (s->orders < 0 || !s->heard)
        return false;
    if (s->refresh)
        return s->next.quick.fd < 0;
    if (!outdated(s))
        return false;
    const struct snapshot *newest = s->next.quick.fd >= 0 ? &s->next : &s->current;
    if (newest->number == 0 && newest == &s->current)
        return s->phase != TUI_READING || now_ms - s->began_ms >= EARLY_MS;
    if (newest->wanted_us != s->at_us)
        return true;
    if (s->next.quick.fd >= 0 || s->paused || does_something(s))
        return false;
    if (s->phase == TUI_ENDED)
        return true;
    return tui_source_is_deep(s) && now_ms - s->current.ordered_ms >= refresh_ms(s);
}

static bool take_pulses(struct tui_source *s)
{
    bool changed = false;
    for (json_t *said; (said = tui_wire_receive(&s->pulse_wire)) != NULL; json_decref(said)) {
        changed = true;
        if (json_object_get(said, "pulse") != NULL)
            take_pulse(s, said);
        else
            trouble(s, json_object_get(said, "trouble"));
    }
    if (s->pulse_wire.fd < 0 && s->orders >= 0) {
        close(s->orders);
        s->orders = -1;
        s->phase = TUI_LOST_LINK;
        s->lost_ms = s->now_ms;
        s->retry_ms =
            s->heard ? s->now_ms + RETRY_MS * (1u << s->retries) : 0; /* what cannot be read at all stays so */
        s->retries += (1u << s->retries) < RETRY_MOST;
        changed = true;
    }
    return changed;
}

/* ---- The loop's side ---- */

size_t tui_source_poll(const struct tui_source *s, struct pollfd *fds)
{
    const struct tui_wire *wires[] = { &s->pulse_wire, &s->current.quick, &s->current.found, &s->current.deep,
                                       &s->next.quick };
    size_t count = 0;
    if (s->recorder_fd >= 0)
        fds[count++] = (struct pollfd){ .fd = s->recorder_fd, .events = POLLIN };
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
        if (wires[i]->fd >= 0)
            fds[count++] = (struct pollfd){ .fd = wires[i]->fd,
                                            .events = (short)(POLLIN | (wires[i]->out_count > 0 ? POLLOUT : 0)) };
    return count;
}

static bool look_at_recorder(struct tui_source *s)
{
    struct pollfd fd = { .fd = s->recorder_fd, .events = POLLIN };
    if (s->recorder_fd < 0 || poll(&fd, 1, 0) <= 0)
        return false;
    close(s->recorder_fd);
    s->recorder_fd = -1;
    s->orphan_ms = s->now_ms > 0 ? s->now_ms : 1;
    return true;
}

static bool look_for_link(struct tui_source *s)
{
    const char *why;
    if (s->phase != TUI_LOST_LINK || s->retry_ms == 0 || s->now_ms < s->retry_ms)
        return false;
    if (!tui_source_restart(s, &why))
        s->retry_ms = s->now_ms + RETRY_MS;
    return true;
}

bool tui_source_step(struct tui_source *s, uint64_t now_ms)
{
    s->began_ms = s->began_ms == 0 ? now_ms : s->began_ms;
    s->now_ms = now_ms;
    bool changed = take_pulses(s);
    changed |= look_at_recorder(s);
    changed |= look_for_link(s);
    if (s->current.found.fd >= 0)
        take_found(s);
    changed |= s->current.quick.fd >= 0 && (tui_wire_flush(&s->current.quick), take_quick(s));
    changed |= s->current.deep.fd >= 0 && (tui_wire_flush(&s->current.deep), take_deep(s, now_ms));
    changed |= s->next.quick.fd >= 0 && take_next(s);
    if (due(s, now_ms)) {
        s->refresh = false;
        changed |= order(s, s->at_us, now_ms);
    }
    enum tui_phase phase = tui_source_phase(s);
    changed |= phase != s->told_phase ||
               (phase == TUI_LOST_LINK && s->retry_ms != 0); /* whose seconds are counted on the screen */
    s->told_phase = phase;
    return changed;
}

bool tui_source_retries(const struct tui_source *s, uint64_t *ret_lost_ms, uint64_t *ret_next_ms)
{
    if (s->phase != TUI_LOST_LINK || s->retry_ms == 0)
        return false;
    *ret_lost_ms = s->now_ms - s->lost_ms;
    *ret_next_ms = s->retry_ms > s->now_ms ? s->retry_ms - s->now_ms : 0;
    return true;
}

int tui_source_wait_ms(const struct tui_source *s, uint64_t now_ms)
{
    if (s->phase == TUI_LOST_LINK && s->retry_ms != 0)
        return SECOND_MS / 2;
    if (s->orphan_ms != 0 && s->phase == TUI_LIVE && now_ms - s->orphan_ms < ORPHAN_MS)
        return (int)(ORPHAN_MS - (now_ms - s->orphan_ms));
    if (s->orders < 0 || s->paused)
        return -1;
    if (s->snapshots == 0 && s->next.quick.fd < 0 && s->phase == TUI_READING && s->heard)
        return now_ms - s->began_ms >= EARLY_MS ? 0 : (int)(EARLY_MS - (now_ms - s->began_ms));
    if (s->phase == TUI_ENDED || s->phase == TUI_LOST_LINK || s->next.quick.fd >= 0 || !outdated(s) ||
        !tui_source_is_deep(s))
        return -1;
    uint64_t since = now_ms - s->current.ordered_ms, apart = refresh_ms(s);
    return since >= apart ? 0 : (int)(apart - since);
}

bool tui_source_tables_are_there(const struct tui_source *s)
{
    for (size_t i = 0; i < s->queries.count; i++)
        if (s->queries.items[i]->number != 0 && s->queries.items[i]->quick)
            return false;
    return s->current.number != 0;
}

bool tui_source_is_deep(const struct tui_source *s)
{
    return s->current.number != 0 && s->current.found.fd < 0 && (s->current.deep.fd < 0 || s->current.deep_ready);
}

bool tui_source_is_idle(const struct tui_source *s)
{
    for (size_t i = 0; i < s->queries.count; i++)
        if (s->queries.items[i]->number != 0)
            return false;
    if (s->current.number != 0 && !tui_source_is_deep(s))
        return false;
    return s->phase == TUI_LOST_LINK ||
           (s->phase != TUI_READING && s->next.quick.fd < 0 && !s->refresh && (s->paused || !outdated(s)));
}

void tui_source_go(struct tui_source *s, uint64_t at_us)
{
    s->at_us = at_us;
}

uint64_t tui_source_at(const struct tui_source *s)
{
    return s->at_us;
}

void tui_source_pause(struct tui_source *s, bool pause)
{
    s->paused = pause;
}

bool tui_source_paused(const struct tui_source *s)
{
    return s->paused;
}

bool tui_source_suppress(struct tui_source *s, const char *path)
{
    size_t length = strlen(path), used = strlen(s->suppressions);
    s->refresh = s->snapshots > 0;
    for (const char *at = s->suppressions; *at != '\0'; at += strcspn(at, "\n") + 1)
        if (strcspn(at, "\n") == length && strncmp(at, path, length) == 0)
            return true;
    if (used + length + 2 > sizeof s->suppressions || strchr(path, '\n') != NULL)
        return false;
    snprintf(s->suppressions + used, sizeof s->suppressions - used, "%s\n", path);
    return true;
}

const char *tui_source_suppressions(const struct tui_source *s)
{
    return s->suppressions;
}

void tui_source_refresh(struct tui_source *s)
{
    s->refresh = true;
    s->trouble[0] = '\0';
}

enum tui_phase tui_source_phase(const struct tui_source *s)
{
    bool orphan = s->orphan_ms != 0 && s->now_ms - s->orphan_ms >= ORPHAN_MS;
    return s->phase == TUI_LIVE && orphan ? TUI_ORPHANED : s->phase;
}

void tui_source_progress(const struct tui_source *s, uint64_t *ret_done, uint64_t *ret_all)
{
    *ret_done = s->done;
    *ret_all = s->all;
}

uint64_t tui_source_left_ms(const struct tui_source *s)
{
    uint64_t took = s->now_ms - s->began_ms;
    if (s->phase != TUI_READING || s->done == 0 || took < LEFT_MS)
        return 0;
    return (uint64_t)((double)took * ((double)s->all / (double)s->done - 1)) + 1;
}

size_t tui_source_pulses(const struct tui_source *s, const struct tui_pulse **ret)
{
    *ret = s->past.pulses.items;
    return s->past.pulses.count;
}

size_t tui_source_marks(const struct tui_source *s, const struct tui_mark **ret)
{
    *ret = s->past.marks.items;
    return s->past.marks.count;
}

void tui_source_snapshot_at(const struct tui_source *s, uint64_t *ret_at_us, uint64_t *ret_events)
{
    *ret_at_us = s->current.at_us;
    *ret_events = s->current.events;
}

const char *tui_source_doing(const struct tui_source *s)
{
    const struct snapshot *snapshot = s->next.quick.fd >= 0 ? &s->next : &s->current;
    return snapshot == &s->next || (s->current.deep.fd >= 0 && !s->current.deep_ready) ? snapshot->doing : NULL;
}

const char *tui_source_trouble(const struct tui_source *s)
{
    return s->trouble[0] != '\0' ? s->trouble : NULL;
}
