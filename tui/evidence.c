/* evidence.c: findings and objects as lines. See evidence.h; docs/ describes the documents that are read here. */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "said.h"

/* ---- Findings ---- */

static void add_open(struct tui_lines *lines, const json_t *finding)
{
    size_t i;
    json_t *open;
    char at[512];
    json_array_foreach(json_object_get(finding, "open"), i, open)
    {
        bool certain = strcmp(tui_said(open, "pairing"), "slot") == 0;
        const json_t *holder = json_object_get(open, "holder");
        tui_lines_add(lines, json_is_true(json_object_get(open, "birth")) ? "born" : "taken", TUI_NORMAL, "%s ",
                      certain ? "=" : "~");
        tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(open, at, sizeof at));
        tui_lines_place(lines, open);
        tui_lines_span(lines, TUI_NORMAL, "  %llu time%s", (unsigned long long)tui_said_number(open, "count"),
                       tui_said_number(open, "count") == 1 ? "" : "s");
        if (json_is_string(json_object_get(holder, "object"))) {
            tui_lines_span(lines, TUI_ACCENT, ", in %s", tui_said(holder, "object"));
            tui_lines_target(lines, tui_said(holder, "object"));
        } else if (json_is_string(json_object_get(holder, "text"))) {
            tui_lines_span(lines, TUI_NORMAL, ", in %s", tui_said(holder, "text"));
        }
    }
}

static void add_missing(struct tui_lines *lines, const json_t *finding)
{
    const json_t *missing = json_object_get(finding, "missing");
    char at[512];
    if (!json_is_object(missing))
        return;
    tui_lines_add(lines, "missing", TUI_WARN, "~ ");
    tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(missing, at, sizeof at));
    tui_lines_span(lines, TUI_NORMAL, "  not called for %llu of %llu; %llu of %llu healthy ones were released there",
                   (unsigned long long)tui_said_number(missing, "named"),
                   (unsigned long long)tui_said_number(missing, "of"),
                   (unsigned long long)tui_said_number(missing, "healthy_named"),
                   (unsigned long long)tui_said_number(missing, "healthy_of"));
}

static void add_siblings(struct tui_lines *lines, const json_t *finding)
{
    json_t *siblings = json_object_get(finding, "siblings"), *there = json_object_get(siblings, "there"),
           *here = json_object_get(siblings, "here");
    char at[512];
    if (!json_is_object(siblings))
        return;
    if (tui_said_number(siblings, "compared") == 0)
        return;
    tui_lines_add(lines, "siblings", TUI_NORMAL, "%llu freed ones, alike up to event %llu of %s",
                  (unsigned long long)tui_said_number(siblings, "compared"),
                  (unsigned long long)tui_said_number(siblings, "alike_up_to"), tui_said(siblings, "example"));
    tui_lines_target(lines, tui_said(siblings, "example"));
    if (json_is_object(here)) {
        tui_lines_add(lines, "here", TUI_NORMAL, "then %s at ", tui_said(here, "event"));
        tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(here, at, sizeof at));
        tui_lines_place(lines, here);
    }
    if (json_is_object(there)) {
        tui_lines_add(lines, "siblings", TUI_NORMAL, "then %s at ", tui_said(there, "event"));
        tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(there, at, sizeof at));
        tui_lines_place(lines, there);
        tui_lines_span(lines, TUI_NORMAL, "  %llu of %llu; %llu of %llu here",
                       (unsigned long long)tui_said_number(there, "siblings"),
                       (unsigned long long)tui_said_number(siblings, "compared"),
                       (unsigned long long)tui_said_number(there, "leaked"),
                       (unsigned long long)tui_said_number(siblings, "leaked"));
    }
}

static void add_cycle(struct tui_lines *lines, const json_t *finding)
{
    const json_t *cycle = json_object_get(finding, "cycle"), *edge, *weak = json_object_get(cycle, "break");
    uint64_t closing = tui_said_number(cycle, "closing");
    char at[512];
    size_t i;
    if (!json_is_object(cycle))
        return;
    tui_lines_heading(lines, "this cycle");
    for (i = 0; (edge = json_array_get(json_object_get(cycle, "edges"), i)) != NULL; i++) {
        tui_lines_add(lines, NULL, TUI_ACCENT, "  %s", tui_said(edge, "from"));
        tui_lines_target(lines, tui_said(edge, "from"));
        tui_lines_span(lines, TUI_NORMAL, ".%s -> ", tui_said(edge, "field"));
        tui_lines_span(lines, TUI_ACCENT, "%s", tui_said(edge, "to"));
        tui_lines_span(lines, TUI_PLACE, "  taken in %s%s", tui_said_place(edge, at, sizeof at),
                       i == closing ? "  (it closes the cycle)" : "");
    }
    if (!json_is_object(weak))
        return;
    tui_lines_add(lines, "break", TUI_GOOD, "make %s.%s weak: frees %llu objects", tui_said(weak, "from"),
                  tui_said(weak, "field"), (unsigned long long)tui_said_number(weak, "frees_objects"));
    json_t *reason;
    json_array_foreach(json_object_get(weak, "reasons"), i, reason)
        tui_lines_add(lines, "", TUI_DIM, "%s", json_string_value(reason));
}

static void add_samples(struct tui_lines *lines, const json_t *finding)
{
    size_t i;
    json_t *sample;
    json_array_foreach(json_object_get(finding, "objects_sample"), i, sample)
    {
        tui_lines_add(lines, i == 0 ? "examples" : "", TUI_ACCENT, "%s", json_string_value(sample));
        tui_lines_target(lines, json_string_value(sample));
    }
}

void tui_evidence_of_finding(struct tui_lines *lines, const json_t *answer, enum prof_units units)
{
    const json_t *finding = json_object_get(answer, "finding");
    char at[512], bytes[32], count[32], when[32];
    tui_lines_clear(lines);
    if (json_object_get(answer, "error") != NULL) {
        tui_lines_add(lines, "", TUI_BAD, "%s", tui_said(answer, "error"));
        return;
    }
    if (finding == NULL)
        return;
    tui_lines_add(lines, "do", TUI_GOOD, "%s", tui_said(answer, "action"));
    tui_lines_add(lines, "why", TUI_NORMAL, "%s", tui_said(finding, "sentence"));
    tui_lines_add(lines, "what", TUI_NORMAL, "%s %s, %s; first seen %s",
                  prof_fmt_count(count, sizeof count, tui_said_number(finding, "objects")),
                  tui_said(finding, "type")[0] != '\0' ? tui_said(finding, "type") : "blocks",
                  prof_fmt_bytes(bytes, sizeof bytes, tui_said_number(finding, "bytes"), units),
                  tui_said_moment(finding, "first_seen", when, sizeof when));
    if (json_is_object(json_object_get(finding, "born"))) {
        tui_lines_add(lines, "born", TUI_PLACE, "%s", tui_said_place(json_object_get(finding, "born"), at, sizeof at));
        tui_lines_place(lines, json_object_get(finding, "born"));
    }
    add_open(lines, finding);
    add_missing(lines, finding);
    add_siblings(lines, finding);
    add_cycle(lines, finding);
    add_samples(lines, finding);
    tui_lines_add(lines, "class", TUI_DIM, "%s: %s", tui_said(finding, "verdict"), tui_said(answer, "words"));
    tui_lines_add(lines, "proof", TUI_DIM, "%s%s%s", tui_said(finding, "strength"),
                  tui_said(finding, "reasons")[0] != '\0' ? ": " : "", tui_said(finding, "reasons"));
    if (json_is_string(json_object_get(finding, "suppressed_by")))
        tui_lines_add(lines, "left out", TUI_DIM, "%s", tui_said(finding, "suppressed_by"));
}

/* ---- Objects ---- */

static void add_split(struct tui_lines *lines, const json_t *object)
{
    const json_t *split = json_object_get(object, "split");
    tui_lines_add(lines, "count", TUI_NORMAL, "%lld = ", (long long)tui_said_number(object, "count"));
    tui_lines_span(lines, TUI_NORMAL, "%lld in holders + %lld in globals + %lld on stacks + ",
                   (long long)tui_said_number(split, "holders"), (long long)tui_said_number(split, "roots"),
                   (long long)tui_said_number(split, "stacks"));
    tui_lines_span(lines, TUI_NORMAL, "%lld in variables that are no more + %lld without a known owner",
                   (long long)tui_said_number(split, "elsewhere"), (long long)tui_said_number(split, "anonymous"));
    if (tui_said_number(split, "unaccounted") != 0)
        tui_lines_span(lines, TUI_WARN, "; %+lld unaccounted", (long long)tui_said_number(split, "unaccounted"));
}

static void add_balance(struct tui_lines *lines, const json_t *object)
{
    size_t i;
    json_t *row;
    char at[512];
    tui_lines_heading(lines, "open references");
    json_array_foreach(json_object_get(object, "open"), i, row)
    {
        tui_lines_add(lines, json_is_true(json_object_get(row, "birth")) ? "birth" : "", TUI_PLACE, "%s",
                      tui_said_place(row, at, sizeof at));
        tui_lines_span(lines, TUI_NORMAL, "  %s", tui_said(row, "owner"));
        tui_lines_place(lines, row);
    }
    if (json_array_size(json_object_get(object, "balance")) == 0)
        return;
    tui_lines_heading(lines, "balance by site");
    json_array_foreach(json_object_get(object, "balance"), i, row)
    {
        tui_lines_add(lines, NULL, TUI_NORMAL, "%6llu taken %6llu given back  ",
                      (unsigned long long)tui_said_number(row, "taken"),
                      (unsigned long long)tui_said_number(row, "given"));
        tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(row, at, sizeof at));
        tui_lines_place(lines, row);
    }
}

/* Of each event of a history whether a later one gives its reference back; the caller frees it. NULL: no memory. */
static bool *given_back(const json_t *history)
{
    size_t count = json_array_size(history), i;
    bool *given = calloc(count + 1, sizeof *given);
    uint64_t first = tui_said_number(json_array_get(history, 0), "number");
    json_t *event;
    json_array_foreach(history, i, event)
    {
        uint64_t pair = tui_said_number(event, "pair");
        if (given != NULL && pair >= first && pair - first < count)
            given[pair - first] = true;
    }
    return given;
}

static void add_event(struct tui_lines *lines, json_t *event)
{
    char at[512], when[32];
    tui_lines_add(lines, NULL, TUI_DIM, "%4llu %-10s", (unsigned long long)tui_said_number(event, "number"),
                  tui_said_moment(event, "at", when, sizeof when));
    tui_lines_span(lines, TUI_NORMAL, "%-8s %4lld  ", tui_said(event, "event"),
                   (long long)tui_said_number(event, "count"));
    tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(event, at, sizeof at));
    tui_lines_place(lines, event);
    if (tui_said_number(event, "pair") != 0)
        tui_lines_span(lines, TUI_DIM, "  gives back %llu", (unsigned long long)tui_said_number(event, "pair"));
    else if (json_is_true(json_object_get(event, "open")))
        tui_lines_span(lines, TUI_WARN, "  open");
}

static void add_history(struct tui_lines *lines, const json_t *object, bool pairs)
{
    const json_t *history = json_object_get(object, "history");
    size_t i, folded = 0;
    json_t *event;
    if (json_array_size(history) == 0)
        return;
    bool *given = pairs ? NULL : given_back(history);
    tui_lines_heading(lines, "history");
    json_array_foreach(history, i, event)
    {
        bool gives = tui_said_number(event, "pair") != 0;
        folded += gives;
        if (given == NULL || (!gives && !given[i]))
            add_event(lines, event);
    }
    if (given != NULL && folded > 0)
        tui_lines_add(lines, NULL, TUI_DIM, "(%zu closed pair%s folded: + shows them)", folded, folded == 1 ? "" : "s");
    free(given);
}

void tui_evidence_of_object(struct tui_lines *lines, const json_t *answer, enum prof_units units, bool pairs)
{
    const json_t *object = json_object_get(answer, "object"), *sizes = json_object_get(answer, "sizes");
    int generation = (int)json_integer_value(json_object_get(answer, "generation"));
    char at[512], flat[32], usable[32], deep[32], retained[32], when[32];
    tui_lines_clear(lines);
    if (json_object_get(answer, "error") != NULL) {
        tui_lines_add(lines, "", TUI_BAD, "%s", tui_said(answer, "error"));
        return;
    }
    if (object == NULL)
        return;
    tui_lines_add(lines, "object", TUI_ACCENT, "%s", tui_said(object, "object"));
    tui_lines_span(lines, TUI_NORMAL, "  at %s, %s", tui_said(object, "addr"), tui_said(object, "state"));
    if (generation >= 0 && generation < 3)
        tui_lines_span(lines, TUI_NORMAL, ", generation %d", generation);
    else if (generation == PROF_GC_GARBAGE)
        tui_lines_span(lines, TUI_BAD, ", garbage: only objects like it hold it");
    if (tui_said_number(object, "finding") != 0)
        tui_lines_span(lines, TUI_BAD, "  %s (@leak:%llu)", tui_said(object, "verdict"),
                       (unsigned long long)tui_said_number(object, "finding"));
    tui_lines_add(lines, "size", TUI_NORMAL, "%s flat, %s usable, %s deep, ",
                  prof_fmt_bytes(flat, sizeof flat, tui_said_number(sizes, "flat"), units),
                  prof_fmt_bytes(usable, sizeof usable, tui_said_number(sizes, "usable"), units),
                  prof_fmt_bytes(deep, sizeof deep, tui_said_number(sizes, "deep"), units));
    tui_lines_span(lines, TUI_HEADER, "%s retained",
                   prof_fmt_bytes(retained, sizeof retained, tui_said_number(sizes, "retained"), units));
    tui_lines_add(lines, "born", TUI_NORMAL, "%s in thread %llu at ",
                  tui_said_moment(object, "born_at", when, sizeof when),
                  (unsigned long long)tui_said_number(object, "tid"));
    tui_lines_span(lines, TUI_PLACE, "%s", tui_said_place(json_object_get(object, "born"), at, sizeof at));
    tui_lines_place(lines, json_object_get(object, "born"));
    add_split(lines, object);
    add_balance(lines, object);
    add_history(lines, object, pairs);
}
