/* work/source.c: source files as answers: a part of the text, and what happened at its lines. See work.h. */
#include "calls.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MOST = 2000, LINE_MOST = 1024, TAB = 8 };

/* A line, with tabs as blanks and harmless. */
static json_t *line_json(const char *text, size_t length)
{
    char plain[LINE_MOST];
    size_t used = 0;
    for (size_t i = 0; i < length && used + TAB < sizeof plain; i++)
        if (text[i] == '\t')
            do
                plain[used++] = ' ';
            while (used % TAB != 0);
        else if (text[i] != '\r' || i + 1 < length)
            plain[used++] = text[i];
    plain[used] = '\0';
    return work_text(plain);
}

/* Calls for each line of a text, from 0; false from it ends that. Returns how many there are. */
static size_t each_line(const struct prof_source *source, bool (*each)(void *ctx, size_t i, const char *text, size_t n),
                        void *ctx)
{
    const char *at = source->text, *end = at + source->length;
    size_t i = 0;
    for (bool goes_on = true; at != NULL && at < end; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        goes_on = goes_on && each(ctx, i, at, (size_t)(stop - at));
        at = stop < end ? stop + 1 : end;
    }
    return i;
}

struct part {
    json_t *lines;
    size_t first, count;
};

static bool add_line(void *ctx, size_t i, const char *text, size_t length)
{
    struct part *part = ctx;
    if (i >= part->first && i - part->first < part->count)
        json_array_append_new(part->lines, line_json(text, length));
    return true;
}

/* The nearest line behind (or before) one with a text, around the end of the file. */
struct search {
    const char *text;
    size_t after, best, any; /* SIZE_MAX: none */
    bool back;
};

static bool look(void *ctx, size_t i, const char *text, size_t length)
{
    struct search *s = ctx;
    char *copy = strndup(text, length);
    bool here = copy != NULL && strcasestr(copy, s->text) != NULL;
    free(copy);
    if (!here)
        return true;
    if (s->back) {
        s->best = i < s->after ? i : s->best;
        s->any = i;
    } else {
        s->best = i > s->after && s->best == SIZE_MAX ? i : s->best;
        s->any = s->any == SIZE_MAX ? i : s->any;
    }
    return true;
}

static json_t *found_json(const struct prof_source *source, const json_t *question)
{
    struct search s = { .text = work_asked(question, "find"),
                        .after = (size_t)work_asked_number(question, "after", 0),
                        .best = SIZE_MAX,
                        .any = SIZE_MAX,
                        .back = json_is_true(json_object_get(question, "back")) };
    each_line(source, look, &s);
    size_t at = s.best != SIZE_MAX ? s.best : s.any;
    return at != SIZE_MAX ? json_integer((json_int_t)at) : json_null();
}

static json_t *hot_json(const struct prof_calls_line *lines, size_t count)
{
    json_t *hot = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(hot, json_pack("{s:I,s:b,s:o,s:o}", "line", (json_int_t)lines[i].line, "inlined",
                                             lines[i].inlined, "site", work_calls_sum(&lines[i].site), "any",
                                             work_calls_sum(&lines[i].any)));
    return hot;
}

json_t *work_source(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    double share;
    const char *file = work_asked(question, "file");
    struct prof_calls *calls = work_calls_made(work, NULL, &share, ret_error);
    struct prof_calls_line *lines;
    const struct prof_frame *frame;
    struct prof_source source = { .state = PROF_SOURCE_NONE, .path = "" };
    size_t count;
    if (calls != NULL)
        *ret_error = prof_calls_lines(calls, file != NULL ? file : "", &lines, &count, &frame);
    if (*ret_error != NULL)
        return NULL;
    if (calls == NULL)
        return work_later(work, share);
    if (frame != NULL) /* only files that the trace leads to are read */
        prof_symbols_source(work->symbols, frame, &source);
    struct part part = { .lines = json_array(),
                         .first = (size_t)work_asked_number(question, "first", 0),
                         .count = (size_t)work_asked_number(question, "count", 100) };
    part.count = part.count < LINES_MOST ? part.count : LINES_MOST;
    size_t total = each_line(&source, add_line, &part);
    json_t *path = json_string(source.path);
    json_t *result = json_pack(
        "{s:o,s:b,s:s,s:I,s:I,s:o,s:o}", "path", path != NULL ? path : json_null(), "text", source.text != NULL,
        "words", frame != NULL ? prof_source_words(source.state) : "has no line in any stack", "total",
        (json_int_t)total, "first", (json_int_t)part.first, "lines", part.lines, "hot", hot_json(lines, count));
    free(lines);
    if (work_asked(question, "find") != NULL && result != NULL)
        json_object_set_new(result, "found", found_json(&source, question));
    return result;
}
