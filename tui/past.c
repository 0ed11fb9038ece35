/* past.c: what the workers told of the past of a run. See past.h. */
#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PULSES_MOST = 4096 };

static void forget_marks(struct tui_past *past)
{
    for (size_t i = 0; i < past->marks.count; i++)
        free(past->marks.items[i].name);
    past->marks.count = 0;
}

/* Every second one goes; what was reached stays. */
static void thin(struct tui_past *past)
{
    struct tui_pulse *items = past->pulses.items;
    for (size_t i = 0; i < PULSES_MOST / 2; i++) {
        struct tui_pulse before = items[i * 2];
        items[i] = items[i * 2 + 1];
        if (before.most_bytes > items[i].most_bytes)
            items[i].most_bytes = before.most_bytes;
        if (before.most_objects > items[i].most_objects)
            items[i].most_objects = before.most_objects;
    }
    past->pulses.count = PULSES_MOST / 2;
}

static void add_pulse(struct tui_past *past, const json_t *values)
{
    uint64_t v[13] = { 0 };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        v[i] = (uint64_t)json_integer_value(json_array_get(values, i));
    const struct tui_pulse pulse = { .at_us = v[0],
                                     .events = v[1],
                                     .lost = v[2],
                                     .objects = v[3],
                                     .object_bytes = v[4],
                                     .blocks = v[5],
                                     .block_bytes = v[6],
                                     .born = v[7],
                                     .died = v[8],
                                     .refs = v[9],
                                     .unrefs = v[10],
                                     .most_objects = v[11],
                                     .most_bytes = v[12] };
    if (past->pulses.count > 0 && past->pulses.items[past->pulses.count - 1].events >= pulse.events)
        return;
    if (past->pulses.count == PULSES_MOST)
        thin(past);
    if (!prof_vec_push(&past->pulses, pulse))
        past->pulses.count = 0;
}

/* Numbers of marks are the same whoever tells them. */
static void put_mark(struct tui_past *past, size_t index, const json_t *values)
{
    const char *name = json_string_value(json_array_get(values, 0)),
               *kind = json_string_value(json_array_get(values, 2));
    struct tui_mark mark = { .at_us = (uint64_t)json_integer_value(json_array_get(values, 1)),
                             .objects = (uint64_t)json_integer_value(json_array_get(values, 3)),
                             .bytes = (uint64_t)json_integer_value(json_array_get(values, 4)) };
    snprintf(mark.kind, sizeof mark.kind, "%s", kind != NULL ? kind : "");
    mark.name = strdup(name != NULL ? name : "");
    if (mark.name == NULL)
        return;
    if (index < past->marks.count) {
        free(past->marks.items[index].name);
        past->marks.items[index] = mark;
    } else if (!prof_vec_push(&past->marks, mark)) {
        free(mark.name);
    }
}

void tui_past_take(struct tui_past *past, const json_t *said)
{
    size_t i, from = (size_t)json_integer_value(json_object_get(said, "marks_from"));
    json_t *row;
    json_array_foreach(json_object_get(said, "history"), i, row)
    {
        add_pulse(past, row);
    }
    if (json_object_get(said, "pulse") != NULL)
        add_pulse(past, json_object_get(said, "pulse"));
    if (json_is_true(json_object_get(said, "marks_anew")))
        forget_marks(past);
    json_array_foreach(json_object_get(said, "marks"), i, row)
    {
        put_mark(past, from + i, row);
    }
}

void tui_past_forget(struct tui_past *past)
{
    forget_marks(past);
    past->pulses.count = 0;
}

void tui_past_deinit(struct tui_past *past)
{
    tui_past_forget(past);
    prof_vec_deinit(&past->marks);
    prof_vec_deinit(&past->pulses);
}
