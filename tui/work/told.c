/* work/told.c: what the text layer says, as an answer: lines of labelled pieces, with what each line is about. The same
 * words that commands print. See internal.h. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* ---- The sink ---- */

static void begin_line(struct work_told *told)
{
    if (told->line == NULL)
        told->line = json_pack("{s:[]}", "spans");
}

static const json_t *last_line(const struct work_told *told)
{
    size_t count = json_array_size(told->lines);
    return count > 0 ? json_array_get(told->lines, count - 1) : NULL;
}

static bool is_empty(const json_t *line)
{
    return line != NULL && json_array_size(json_object_get(line, "spans")) == 0 && !json_object_get(line, "label");
}

/* A title stands alone behind an empty line, which its rule replaces. */
static bool is_heading(const struct work_told *told, const json_t *line)
{
    const json_t *spans = json_object_get(line, "spans");
    return is_empty(last_line(told)) && json_array_size(spans) == 1 && json_object_get(line, "label") == NULL &&
           json_integer_value(json_array_get(json_array_get(spans, 0), 0)) == PROF_TEXT_HEAD;
}

static void end_line(struct work_told *told)
{
    begin_line(told);
    if (is_heading(told, told->line)) {
        json_array_remove(told->lines, json_array_size(told->lines) - 1);
        json_object_set_new(told->line, "heading", json_true());
    }
    json_array_append_new(told->lines, told->line);
    told->line = NULL;
}

/* Pieces of one role beside each other become one. */
static void add_piece(struct work_told *told, enum prof_text_role role, const char *text, size_t length)
{
    begin_line(told);
    json_t *spans = json_object_get(told->line, "spans");
    size_t count = json_array_size(spans);
    json_t *last = count > 0 ? json_array_get(spans, count - 1) : NULL;
    if (last != NULL && json_integer_value(json_array_get(last, 0)) == (json_int_t)role)
        json_array_set_new(last, 1,
                           json_sprintf("%s%.*s", json_string_value(json_array_get(last, 1)), (int)length, text));
    else
        json_array_append_new(spans, json_pack("[i,s%]", (int)role, text, length));
}

static void put(void *ctx, enum prof_text_role role, const char *text)
{
    struct work_told *told = ctx;
    for (;;) {
        size_t length = strcspn(text, "\n");
        if (length > 0)
            add_piece(told, role, text, length);
        if (text[length] == '\0')
            return;
        end_line(told);
        text += length + 1;
    }
}

static void label(void *ctx, unsigned indent, const char *word)
{
    struct work_told *told = ctx;
    (void)indent;
    begin_line(told);
    json_object_set_new(told->line, "label", json_string(word));
}

/* The first object of a line, and its first place. */
static void object(void *ctx, const char *name)
{
    struct work_told *told = ctx;
    begin_line(told);
    if (json_object_get(told->line, "target") == NULL)
        json_object_set_new(told->line, "target", work_text(name));
}

static void place(void *ctx, uint32_t stack)
{
    struct work_told *told = ctx;
    char key[16], *text = NULL;
    begin_line(told);
    if (json_object_get(told->line, "place") != NULL)
        return;
    snprintf(key, sizeof key, "%u", stack);
    json_object_set_new(told->line, "place", json_string(key));
    if (json_object_get(told->places, key) != NULL)
        return;
    struct prof_error *error = prof_json_place(told->text.view, stack, &text);
    json_t *document = work_parse(text);
    json_object_set(told->places, key, json_object_get(document, "place"));
    json_decref(document);
    prof_error_destroy(error);
}

/* ---- Questions ---- */

const struct prof_text *work_tell(struct work_told *told, struct work *work, const json_t *question)
{
    static const struct prof_text_sink sink = { .put = put, .label = label, .object = object, .place = place };
    *told = (struct work_told){ .lines = json_array(), .places = json_object() };
    told->text = (struct prof_text){ .view = work->view,
                                     .heap = work->heap,
                                     .symbols = work->symbols,
                                     .trace = work->trace,
                                     .findings = work->findings,
                                     .graph = work->graph,
                                     .ledgers = work->ledgers,
                                     .wrappers = &work->wrappers,
                                     .units = (enum prof_units)work_asked_number(question, "units", PROF_UNITS_IEC),
                                     .more = "+",
                                     .all = "+",
                                     .referrers = "r",
                                     .sink = &sink,
                                     .ctx = told };
    return &told->text;
}

json_t *work_told(struct work_told *told)
{
    if (told->line != NULL)
        end_line(told);
    size_t count = json_array_size(told->lines);
    if (count > 0) /* a title of nothing is a line */
        json_object_del(json_array_get(told->lines, count - 1), "heading");
    return json_pack("{s:o,s:o}", "lines", told->lines, "places", told->places);
}

json_t *work_told_not(struct work_told *told)
{
    json_decref(told->line);
    json_decref(told->lines);
    json_decref(told->places);
    return NULL;
}

bool work_asked_all(const json_t *question)
{
    return json_is_true(json_object_get(question, "all"));
}
