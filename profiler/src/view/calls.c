/* calls.c: the stacks of a trace as ways of steps, with what happened at the end of each. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN = 1 << 14, PERIOD_MOST = 8, WAY_MOST = PROF_PATH_MOST + 1 };
static const char *const kind_names[SPOT_KINDS] = { "", "(no stack)", "(callers not recorded)",
                                                    "(callers could not be followed)", "(lost events)" };

struct calls_known {
    const struct prof_frame *frame;
    uint32_t spot;
};

static const char *const metric_names[PROF_CALLS_METRICS] = { "bytes", "objects", "open", "events" };

bool prof_calls_metric(const char *name, enum prof_calls_value *ret)
{
    for (int i = 0; i < PROF_CALLS_METRICS; i++)
        if (strcmp(name, metric_names[i]) == 0) {
            *ret = (enum prof_calls_value)i;
            return true;
        }
    return false;
}

const char *prof_calls_metric_name(enum prof_calls_value value)
{
    return metric_names[value < PROF_CALLS_METRICS ? value : 0];
}

/* ---- Spots and groups -------------------------------------------------------------------------------------------- */

static const char *group_name(struct prof_calls *calls, const struct spot_identity *id, const struct prof_frame *frame)
{
    char text[1024];
    if (frame == NULL)
        return kind_names[id->kind];
    if (id->function != NULL)
        return id->function;
    return view_text(calls->view, prof_fmt_place(text, sizeof text, frame, false));
}

static const char *group_key(struct prof_calls *calls, const struct spot_identity *id)
{
    char text[4096], shown[4096];
    if (id->kind != SPOT_FRAME)
        return kind_names[id->kind];
    snprintf(text, sizeof text, id->function != NULL ? "%s|%s|%llu" : "%s|%s|+%llx",
             id->function != NULL ? id->function : "", id->file != NULL ? id->file : "", (unsigned long long)id->at);
    return view_text(calls->view, prof_escape_terminal(shown, sizeof shown, text));
}

/* Of a spot; UINT32_MAX without memory. */
static uint32_t group_of(struct prof_calls *calls, const struct spot *spot)
{
    struct spot_identity id = spot->id;
    struct group *group = NULL;
    if (!calls->lines && id.function != NULL)
        id.at = 0;
    HASH_FIND(hh, calls->groups_by_id, &id, sizeof id, group);
    if (group != NULL)
        return group->index;
    group = prof_arena_alloc(&calls->arena, sizeof *group);
    if (group == NULL)
        return UINT32_MAX;
    *group = (struct group){ .id = id, .index = (uint32_t)calls->groups.count };
    group->name = group_name(calls, &id, spot->frame);
    group->key = group_key(calls, &id);
    if (group->name == NULL || group->key == NULL || !prof_vec_push(&calls->groups, group))
        return UINT32_MAX;
    HASH_ADD(hh, calls->groups_by_id, id, sizeof group->id, group);
    return group->hh.tbl != NULL ? group->index : UINT32_MAX;
}

static uint32_t spot_of(struct prof_calls *calls, const struct spot_identity *id, const struct prof_frame *frame)
{
    struct spot *spot = NULL;
    HASH_FIND(hh, calls->spots_by_id, id, sizeof *id, spot);
    if (spot != NULL)
        return spot->index;
    spot = prof_arena_alloc(&calls->arena, sizeof *spot);
    if (spot != NULL) {
        *spot = (struct spot){ .id = *id, .frame = frame, .index = (uint32_t)calls->spots.count };
        spot->group = group_of(calls, spot);
        if (spot->group != UINT32_MAX && prof_vec_push(&calls->spots, spot))
            HASH_ADD(hh, calls->spots_by_id, id, sizeof spot->id, spot);
    }
    if (spot == NULL || spot->hh.tbl == NULL) {
        calls->failed = true;
        return 0;
    }
    return spot->index;
}

/* The same frames come in most stacks. */
static uint32_t spot_of_frame(struct prof_calls *calls, const struct prof_frame *frame)
{
    struct calls_known *known = &calls->seen[((uintptr_t)frame * 0x9e3779b97f4a7c15u >> 40) % SEEN];
    if (known->frame != frame) {
        struct prof_view *view = calls->view;
        const char *file = frame->file != NULL ? frame->file : frame->module;
        const struct spot_identity id = { .function = frame->function != NULL ? view_text(view, frame->function) : NULL,
                                          .file = view_text(view, file),
                                          .at = frame->function != NULL ? frame->line : frame->offset };
        calls->failed |= id.file == NULL || (id.function == NULL) != (frame->function == NULL);
        *known = (struct calls_known){ frame, spot_of(calls, &id, frame) };
    }
    return known->spot;
}

static uint32_t spot_without_frame(struct prof_calls *calls, enum spot_kind kind)
{
    const struct spot_identity id = { .kind = kind };
    return spot_of(calls, &id, NULL);
}

/* ---- Ways -------------------------------------------------------------------------------------------------------- */

static bool same_turn(const struct prof_calls *calls, const uint32_t *steps, size_t count, size_t period)
{
    for (size_t i = 1; i <= period; i++)
        if (calls_group(calls, steps[count - i]) != calls_group(calls, steps[count - period - i]))
            return false;
    return true;
}

/* Appends a step; turns of functions that call each other which follow each other become one. Returns the count. */
static size_t add_step(const struct prof_calls *calls, uint32_t *steps, size_t count, uint32_t spot)
{
    steps[count++] = spot;
    for (size_t period = 1; period <= PERIOD_MOST && 2 * period <= count; period++) {
        if (!same_turn(calls, steps, count, period))
            continue;
        count -= period; /* of the turn further in, whose lines lead to the site */
        for (size_t i = 1; i <= period; i++)
            steps[count - i] |= STEP_REPEATED;
        break;
    }
    return count;
}

/* The steps of a stack, innermost first. */
static size_t make_steps(struct prof_calls *calls, uint32_t stack, uint32_t steps[WAY_MOST])
{
    struct prof_path path;
    size_t count = 0;
    if (stack == 0 || !prof_symbols_path(calls->view->symbols, stack, &path)) {
        steps[0] = spot_without_frame(calls, SPOT_NO_STACK);
        return 1;
    }
    for (size_t i = path.site; i < path.end && !calls->failed; i++)
        count = add_step(calls, steps, count, spot_of_frame(calls, path.frames[i]));
    if (path.end == path.count && (path.cut || path.broken))
        steps[count++] = spot_without_frame(calls, path.broken ? SPOT_BROKEN : SPOT_CUT);
    return count;
}

/* ---- Which stacks ------------------------------------------------------------------------------------------------ */

enum { SITE, STACK, LIVE_BYTES, LIVE, OBJECTS, OPEN, EVENTS, ALLOCS, BIRTHS, REFS, UNREFS, COLUMNS };
static const struct prof_column columns[COLUMNS] = {
    [SITE] = { .key = "site", .title = "SITE", .kind = PROF_CELL_TEXT },
    [STACK] = { .key = "stack", .title = "STACK", .kind = PROF_CELL_TEXT },
    [LIVE_BYTES] = { .key = "bytes", .title = "LIVE BYTES", .kind = PROF_CELL_BYTES },
    [LIVE] = { .key = "live", .title = "LIVE", .kind = PROF_CELL_COUNT },
    [OBJECTS] = { .key = "objects", .title = "OBJECTS", .kind = PROF_CELL_COUNT },
    [OPEN] = { .key = "open", .title = "OPEN", .kind = PROF_CELL_COUNT },
    [EVENTS] = { .key = "events", .title = "EVENTS", .kind = PROF_CELL_COUNT },
    [ALLOCS] = { .key = "allocs", .title = "ALLOCS", .kind = PROF_CELL_COUNT },
    [BIRTHS] = { .key = "births", .title = "BIRTHS", .kind = PROF_CELL_COUNT },
    [REFS] = { .key = "refs", .title = "REFS", .kind = PROF_CELL_COUNT },
    [UNREFS] = { .key = "unrefs", .title = "UNREFS", .kind = PROF_CELL_COUNT },
};

/* "main;serve;parse", from outside inwards. */
static void stack_text(const struct prof_calls *calls, const uint32_t *steps, size_t count, struct prof_str *text)
{
    text->length = 0;
    for (size_t i = count; i-- > 0;)
        prof_str_addf(text, "%s%s", i + 1 < count ? ";" : "", calls->groups.items[calls_group(calls, steps[i])]->name);
}

static bool is_wanted(struct prof_calls *calls, const struct stack_sum *sum, const uint32_t *steps, size_t count)
{
    const uint64_t *value = sum->sum.value;
    const struct spot *site = calls->spots.items[steps[0] & STEP_SPOT];
    const char *text = "";
    if (calls->filter == NULL)
        return true;
    if ((prof_filter_columns(calls->filter) >> STACK & 1) != 0) {
        stack_text(calls, steps, count, &calls->text);
        text = calls->text.text;
        calls->failed |= calls->text.failed;
    }
    char at[1024];
    const struct prof_cell row[COLUMNS] = {
        [SITE] = cell_text(site->frame != NULL ? prof_fmt_frame(at, sizeof at, site->frame, false)
                                               : kind_names[site->id.kind]),
        [STACK] = cell_text(text != NULL ? text : ""),
        [LIVE_BYTES] = cell_number(value[PROF_CALLS_BYTES]),
        [LIVE] = cell_number(value[PROF_CALLS_BLOCKS]),
        [OBJECTS] = cell_number(value[PROF_CALLS_OBJECTS]),
        [OPEN] = cell_number(value[PROF_CALLS_OPEN]),
        [EVENTS] = cell_number(value[PROF_CALLS_EVENTS]),
        [ALLOCS] = cell_number(value[PROF_CALLS_ALLOCS]),
        [BIRTHS] = cell_number(value[PROF_CALLS_BIRTHS]),
        [REFS] = cell_number(value[PROF_CALLS_REFS]),
        [UNREFS] = cell_number(value[PROF_CALLS_UNREFS]),
    };
    return prof_filter_match(calls->filter, row);
}

static void add_way(struct prof_calls *calls, const struct stack_sum *sum, const uint32_t *steps, size_t count)
{
    if (calls->failed || !is_wanted(calls, sum, steps, count))
        return;
    const struct way way = {
        .stack = sum->stack, .length = (uint32_t)count, .first = calls->steps.count, .sum = sum->sum
    };
    if (!prof_vec_reserve(&calls->steps, count) || !prof_vec_push(&calls->ways, way)) {
        calls->failed = true;
        return;
    }
    memcpy(calls->steps.items + calls->steps.count, steps, count * sizeof *steps);
    calls->steps.count += count;
}

static void add_lost(struct prof_calls *calls)
{
    struct stack_sum sum = { .stack = 0 };
    sum.sum.value[PROF_CALLS_EVENTS] = calls->lost;
    if (calls->lost == 0)
        return;
    const uint32_t step = spot_without_frame(calls, SPOT_LOST);
    add_way(calls, &sum, &step, 1);
}

/* ---- Making it --------------------------------------------------------------------------------------------------- */

/* What is needed only while it is made. */
static void end_making(struct prof_calls *calls)
{
    stack_sums_deinit(&calls->sums);
    calls->sums = (struct stack_sums){ 0 };
    prof_filter_destroy(calls->filter);
    calls->filter = NULL;
    prof_str_deinit(&calls->text);
    free(calls->seen);
    free(calls->scratch);
    calls->seen = NULL;
    calls->scratch = NULL;
}

struct prof_error *prof_calls_begin(struct prof_view *view, const struct prof_calls_options *options,
                                    struct prof_calls **ret)
{
    struct prof_calls *calls = calloc(1, sizeof *calls);
    if (calls == NULL)
        return prof_error_memory();
    *calls = (struct prof_calls){
        .view = view, .by_callee = options->by_callee, .lines = options->lines, .lost = options->lost
    };
    prof_arena_init(&calls->arena);
    calls->seen = calloc(SEEN, sizeof *calls->seen);
    calls->scratch = calloc(WAY_MOST, sizeof *calls->scratch);
    struct prof_error *error = calls->seen == NULL || calls->scratch == NULL ? prof_error_memory() : NULL;
    if (error == NULL && options->where != NULL)
        error = prof_filter_create(columns, COLUMNS, options->where, &calls->filter);
    if (error == NULL)
        *ret = calls;
    else
        prof_calls_destroy(calls);
    return error;
}

static struct prof_error *finish(struct prof_calls *calls)
{
    add_lost(calls);
    calls->order = calls->failed ? NULL : calloc(calls->ways.count + 1, sizeof *calls->order);
    if (calls->order == NULL)
        return prof_error_memory();
    for (size_t i = 0; i < calls->ways.count; i++)
        calls->order[i].way = i;
    end_making(calls);
    return NULL;
}

struct prof_error *prof_calls_go_on(struct prof_calls *calls, size_t steps, bool *ret_done)
{
    *ret_done = calls->order != NULL;
    if (*ret_done)
        return NULL;
    if (!calls->summed)
        return stack_sums_gather(calls->view->heap, &calls->sums, steps, &calls->summed);
    for (; calls->next < calls->sums.list.count && steps > 0 && !calls->failed; calls->next++, steps--) {
        const struct stack_sum *sum = &calls->sums.list.items[calls->next];
        add_way(calls, sum, calls->scratch, make_steps(calls, sum->stack, calls->scratch));
    }
    if (calls->failed)
        return prof_error_memory();
    if (calls->next < calls->sums.list.count)
        return NULL;
    struct prof_error *error = finish(calls);
    *ret_done = error == NULL;
    return error;
}

double prof_calls_share(const struct prof_calls *calls)
{
    double objects = (double)prof_heap_obj_max(calls->view->heap), stacks = (double)calls->sums.list.count;
    if (calls->order != NULL)
        return 1;
    return calls->summed ? 0.5 + 0.5 * (double)calls->next / (stacks + 1) : 0.5 * calls->sums.next / (objects + 1);
}

struct prof_error *prof_calls_create(struct prof_view *view, const struct prof_calls_options *options,
                                     struct prof_calls **ret)
{
    struct prof_calls *calls;
    bool done = false;
    struct prof_error *error = prof_calls_begin(view, options, &calls);
    if (error != NULL)
        return error;
    while (error == NULL && !done)
        error = prof_calls_go_on(calls, SIZE_MAX, &done);
    if (error == NULL)
        *ret = calls;
    else
        prof_calls_destroy(calls);
    return error;
}

void prof_calls_destroy(struct prof_calls *calls)
{
    if (calls == NULL)
        return;
    end_making(calls);
    HASH_CLEAR(hh, calls->spots_by_id); /* the entries lie in the arena */
    HASH_CLEAR(hh, calls->groups_by_id);
    prof_vec_deinit(&calls->spots);
    prof_vec_deinit(&calls->groups);
    prof_vec_deinit(&calls->ways);
    prof_vec_deinit(&calls->steps);
    prof_arena_deinit(&calls->arena);
    free(calls->order);
    free(calls);
}

/* ---- Folded ------------------------------------------------------------------------------------------------------ */

static void add_folded_name(struct prof_str *text, const char *name)
{
    char shown[1024];
    prof_escape_terminal(shown, sizeof shown, name);
    for (char *at = shown; *at != '\0'; at++)
        *at = *at == ';' ? ',' : *at == ' ' ? '_' : *at;
    prof_str_add(text, shown);
}

struct prof_error *prof_calls_folded(struct prof_calls *calls, enum prof_calls_value value,
                                     bool (*line)(void *ctx, const char *text), void *ctx)
{
    struct prof_str text = { 0 };
    bool good = true;
    for (size_t i = 0; good && i < calls->ways.count; i++) {
        const struct way *way = &calls->ways.items[i];
        if (way->sum.value[value] == 0)
            continue;
        text.length = 0;
        for (size_t k = way->length; k-- > 0;) {
            add_folded_name(&text, calls->groups.items[calls_group(calls, calls->steps.items[way->first + k])]->name);
            prof_str_add(&text, k > 0 ? ";" : " ");
        }
        prof_str_addf(&text, "%llu", (unsigned long long)way->sum.value[value]);
        good = !text.failed && line(ctx, text.text);
    }
    bool failed = text.failed;
    prof_str_deinit(&text);
    return failed ? prof_error_memory() : NULL;
}
