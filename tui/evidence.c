/* evidence.c: findings and objects as lines. See evidence.h; docs/ describes the documents that are read here. */
#include "evidence.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static uint64_t number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* "conn_new net.c:31" of a place {function, file, line} or {module, offset}. */
static const char *place(const json_t *at, char *buf, size_t size)
{
    const char *function = text_of(at, "function"), *file = text_of(at, "file"), *module = text_of(at, "module");
    const char *base = strrchr(file, '/');
    base = base != NULL ? base + 1 : file;
    if (file[0] != '\0')
        snprintf(buf, size, "%s%s%s:%d", function, function[0] != '\0' ? " " : "", base, (int)number(at, "line"));
    else if (function[0] != '\0')
        snprintf(buf, size, "%s", function);
    else
        snprintf(buf, size, "%s+0x%llx", strrchr(module, '/') != NULL ? strrchr(module, '/') + 1 : module,
                 (unsigned long long)number(at, "offset"));
    return buf;
}

static const char *moment(const json_t *object, const char *key, char *buf, size_t size)
{
    return prof_fmt_time(buf, size, (uint64_t)(json_number_value(json_object_get(object, key)) * 1e6 + 0.5));
}

/* ---- Findings ---- */

static void add_open(struct tui_lines *lines, const json_t *finding)
{
    size_t i;
    json_t *open;
    char at[512];
    json_array_foreach(json_object_get(finding, "open"), i, open)
    {
        bool certain = strcmp(text_of(open, "pairing"), "slot") == 0;
        const json_t *holder = json_object_get(open, "holder");
        tui_lines_add(lines, json_is_true(json_object_get(open, "birth")) ? "born" : "taken", TUI_NORMAL, "%s ",
                      certain ? "=" : "~");
        tui_lines_span(lines, TUI_PLACE, "%s", place(open, at, sizeof at));
        tui_lines_span(lines, TUI_NORMAL, "  %llu time%s", (unsigned long long)number(open, "count"),
                       number(open, "count") == 1 ? "" : "s");
        if (json_is_string(json_object_get(holder, "object"))) {
            tui_lines_span(lines, TUI_ACCENT, ", in %s", text_of(holder, "object"));
            tui_lines_target(lines, text_of(holder, "object"));
        } else if (json_is_string(json_object_get(holder, "text"))) {
            tui_lines_span(lines, TUI_NORMAL, ", in %s", text_of(holder, "text"));
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
    tui_lines_span(lines, TUI_PLACE, "%s", place(missing, at, sizeof at));
    tui_lines_span(lines, TUI_NORMAL, "  not called for %llu of %llu; %llu of %llu healthy ones were released there",
                   (unsigned long long)number(missing, "named"), (unsigned long long)number(missing, "of"),
                   (unsigned long long)number(missing, "healthy_named"),
                   (unsigned long long)number(missing, "healthy_of"));
}

static void add_siblings(struct tui_lines *lines, const json_t *finding)
{
    const json_t *siblings = json_object_get(finding, "siblings"), *there = json_object_get(siblings, "there"),
                 *here = json_object_get(siblings, "here");
    char at[512];
    if (!json_is_object(siblings))
        return;
    if (number(siblings, "compared") == 0)
        return;
    tui_lines_add(lines, "siblings", TUI_NORMAL, "%llu freed ones, alike up to event %llu of %s",
                  (unsigned long long)number(siblings, "compared"), (unsigned long long)number(siblings, "alike_up_to"),
                  text_of(siblings, "example"));
    tui_lines_target(lines, text_of(siblings, "example"));
    if (json_is_object(here)) {
        tui_lines_add(lines, "here", TUI_NORMAL, "then %s at ", text_of(here, "event"));
        tui_lines_span(lines, TUI_PLACE, "%s", place(here, at, sizeof at));
    }
    if (json_is_object(there)) {
        tui_lines_add(lines, "siblings", TUI_NORMAL, "then %s at ", text_of(there, "event"));
        tui_lines_span(lines, TUI_PLACE, "%s", place(there, at, sizeof at));
        tui_lines_span(lines, TUI_NORMAL, "  %llu of %llu; %llu of %llu here",
                       (unsigned long long)number(there, "siblings"), (unsigned long long)number(siblings, "compared"),
                       (unsigned long long)number(there, "leaked"), (unsigned long long)number(siblings, "leaked"));
    }
}

static void add_cycle(struct tui_lines *lines, const json_t *finding)
{
    const json_t *cycle = json_object_get(finding, "cycle"), *edge, *weak = json_object_get(cycle, "break");
    uint64_t closing = number(cycle, "closing");
    char at[512];
    size_t i;
    if (!json_is_object(cycle))
        return;
    tui_lines_heading(lines, "this cycle");
    for (i = 0; (edge = json_array_get(json_object_get(cycle, "edges"), i)) != NULL; i++) {
        tui_lines_add(lines, NULL, TUI_ACCENT, "  %s", text_of(edge, "from"));
        tui_lines_target(lines, text_of(edge, "from"));
        tui_lines_span(lines, TUI_NORMAL, ".%s -> ", text_of(edge, "field"));
        tui_lines_span(lines, TUI_ACCENT, "%s", text_of(edge, "to"));
        tui_lines_span(lines, TUI_PLACE, "  taken in %s%s", place(edge, at, sizeof at),
                       i == closing ? "  (it closes the cycle)" : "");
    }
    if (!json_is_object(weak))
        return;
    tui_lines_add(lines, "break", TUI_GOOD, "make %s.%s weak: frees %llu objects", text_of(weak, "from"),
                  text_of(weak, "field"), (unsigned long long)number(weak, "frees_objects"));
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
        tui_lines_add(lines, "", TUI_BAD, "%s", text_of(answer, "error"));
        return;
    }
    if (finding == NULL)
        return;
    tui_lines_add(lines, "do", TUI_GOOD, "%s", text_of(answer, "action"));
    tui_lines_add(lines, "why", TUI_NORMAL, "%s", text_of(finding, "sentence"));
    tui_lines_add(lines, "what", TUI_NORMAL, "%s %s, %s; first seen %s",
                  prof_fmt_count(count, sizeof count, number(finding, "objects")),
                  text_of(finding, "type")[0] != '\0' ? text_of(finding, "type") : "blocks",
                  prof_fmt_bytes(bytes, sizeof bytes, number(finding, "bytes"), units),
                  moment(finding, "first_seen", when, sizeof when));
    if (json_is_object(json_object_get(finding, "born"))) {
        tui_lines_add(lines, "born", TUI_PLACE, "%s", place(json_object_get(finding, "born"), at, sizeof at));
    }
    add_open(lines, finding);
    add_missing(lines, finding);
    add_siblings(lines, finding);
    add_cycle(lines, finding);
    add_samples(lines, finding);
    tui_lines_add(lines, "class", TUI_DIM, "%s: %s", text_of(finding, "verdict"), text_of(answer, "words"));
    tui_lines_add(lines, "proof", TUI_DIM, "%s%s%s", text_of(finding, "strength"),
                  text_of(finding, "reasons")[0] != '\0' ? ": " : "", text_of(finding, "reasons"));
    if (json_is_string(json_object_get(finding, "suppressed_by")))
        tui_lines_add(lines, "left out", TUI_DIM, "%s", text_of(finding, "suppressed_by"));
}

/* ---- Objects ---- */

static void add_split(struct tui_lines *lines, const json_t *object)
{
    const json_t *split = json_object_get(object, "split");
    tui_lines_add(lines, "count", TUI_NORMAL, "%lld = ", (long long)number(object, "count"));
    tui_lines_span(lines, TUI_NORMAL, "%lld in holders + %lld in globals + %lld on stacks + ",
                   (long long)number(split, "holders"), (long long)number(split, "roots"),
                   (long long)number(split, "stacks"));
    tui_lines_span(lines, TUI_NORMAL, "%lld in variables that are no more + %lld without a known owner",
                   (long long)number(split, "elsewhere"), (long long)number(split, "anonymous"));
    if (number(split, "unaccounted") != 0)
        tui_lines_span(lines, TUI_WARN, "; %+lld unaccounted", (long long)number(split, "unaccounted"));
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
                      place(row, at, sizeof at));
        tui_lines_span(lines, TUI_NORMAL, "  %s", text_of(row, "owner"));
    }
    if (json_array_size(json_object_get(object, "balance")) == 0)
        return;
    tui_lines_heading(lines, "balance by site");
    json_array_foreach(json_object_get(object, "balance"), i, row)
    {
        tui_lines_add(lines, NULL, TUI_NORMAL, "%6llu taken %6llu given back  ",
                      (unsigned long long)number(row, "taken"), (unsigned long long)number(row, "given"));
        tui_lines_span(lines, TUI_PLACE, "%s", place(row, at, sizeof at));
    }
}

static void add_history(struct tui_lines *lines, const json_t *object)
{
    size_t i;
    json_t *event;
    char at[512], when[32];
    if (json_array_size(json_object_get(object, "history")) == 0)
        return;
    tui_lines_heading(lines, "history");
    json_array_foreach(json_object_get(object, "history"), i, event)
    {
        tui_lines_add(lines, NULL, TUI_DIM, "%-10s", moment(event, "at", when, sizeof when));
        tui_lines_span(lines, TUI_NORMAL, "%-8s %4lld  ", text_of(event, "event"), (long long)number(event, "count"));
        tui_lines_span(lines, TUI_PLACE, "%s", place(event, at, sizeof at));
        if (number(event, "pair") != 0)
            tui_lines_span(lines, TUI_DIM, "  gives back %llu", (unsigned long long)number(event, "pair"));
    }
}

void tui_evidence_of_object(struct tui_lines *lines, const json_t *answer, enum prof_units units)
{
    const json_t *object = json_object_get(answer, "object"), *sizes = json_object_get(answer, "sizes");
    int generation = (int)json_integer_value(json_object_get(answer, "generation"));
    char at[512], flat[32], usable[32], deep[32], retained[32], when[32];
    tui_lines_clear(lines);
    if (json_object_get(answer, "error") != NULL) {
        tui_lines_add(lines, "", TUI_BAD, "%s", text_of(answer, "error"));
        return;
    }
    if (object == NULL)
        return;
    tui_lines_add(lines, "object", TUI_ACCENT, "%s", text_of(object, "object"));
    tui_lines_span(lines, TUI_NORMAL, "  at %s, %s", text_of(object, "addr"), text_of(object, "state"));
    if (generation >= 0 && generation < 3)
        tui_lines_span(lines, TUI_NORMAL, ", generation %d", generation);
    else if (generation == PROF_GC_GARBAGE)
        tui_lines_span(lines, TUI_BAD, ", garbage: only objects like it hold it");
    if (text_of(object, "verdict")[0] != '\0')
        tui_lines_span(lines, TUI_BAD, "  %s (@leak:%llu)", text_of(object, "verdict"),
                       (unsigned long long)number(object, "finding"));
    tui_lines_add(lines, "size", TUI_NORMAL, "%s flat, %s usable, %s deep, ",
                  prof_fmt_bytes(flat, sizeof flat, number(sizes, "flat"), units),
                  prof_fmt_bytes(usable, sizeof usable, number(sizes, "usable"), units),
                  prof_fmt_bytes(deep, sizeof deep, number(sizes, "deep"), units));
    tui_lines_span(lines, TUI_HEADER, "%s retained",
                   prof_fmt_bytes(retained, sizeof retained, number(sizes, "retained"), units));
    tui_lines_add(lines, "born", TUI_NORMAL, "%s in thread %llu at ", moment(object, "born_at", when, sizeof when),
                  (unsigned long long)number(object, "tid"));
    tui_lines_span(lines, TUI_PLACE, "%s", place(json_object_get(object, "born"), at, sizeof at));
    add_split(lines, object);
    add_balance(lines, object);
    add_history(lines, object);
}
