/* work/generations.c: the generations in detail: what died while in them, by type, and the last passes. See work.h. */
#include "history.h"
#include "internal.h"

#include <stdlib.h>

enum { TYPES = 40, PASSES = 100 };

struct type_row {
    prof_type_id type;
    uint64_t now[PROF_GC_GENERATIONS], died;
};

static int most_first(const void *left, const void *right)
{
    const struct type_row *a = left, *b = right;
    uint64_t x = a->died + a->now[0] + a->now[1] + a->now[2], y = b->died + b->now[0] + b->now[1] + b->now[2];
    return x != y ? (x > y ? -1 : 1) : (a->type > b->type) - (a->type < b->type);
}

static json_t *types_of(struct work *work)
{
    prof_type_id count = prof_heap_type_max(work->heap);
    struct type_row *rows = calloc((size_t)count + 1, sizeof *rows);
    json_t *types = json_array();
    for (prof_type_id id = 0; rows != NULL && id < count; id++) {
        rows[id].type = id;
        for (unsigned g = 0; g < PROF_GC_GENERATIONS; g++)
            rows[id].died += work_history_died(work->history, id, g);
    }
    for (prof_obj_id id = 1; rows != NULL && id < prof_heap_obj_max(work->heap); id++) {
        int generation = prof_gc_generation(work->gc, id);
        prof_type_id type = prof_heap_obj(work->heap, id)->type;
        if (generation >= 0 && generation < PROF_GC_GENERATIONS && type < count)
            rows[type].now[generation]++;
    }
    if (rows != NULL && count > 0)
        qsort(rows, count, sizeof *rows, most_first);
    for (prof_type_id i = 0; rows != NULL && i < count && i < TYPES; i++) {
        const struct type_row *row = &rows[i];
        if (row->died + row->now[0] + row->now[1] + row->now[2] == 0)
            break;
        json_array_append_new(types,
                              json_pack("{s:o,s:[I,I,I],s:[I,I,I]}", "name",
                                        work_text(prof_heap_type(work->heap, row->type)->name), "now",
                                        (json_int_t)row->now[0], (json_int_t)row->now[1], (json_int_t)row->now[2],
                                        "died", (json_int_t)work_history_died(work->history, row->type, 0),
                                        (json_int_t)work_history_died(work->history, row->type, 1),
                                        (json_int_t)work_history_died(work->history, row->type, 2)));
    }
    free(rows);
    return types;
}

json_t *work_generations(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const struct prof_gc_pass *passes;
    uint64_t all;
    size_t count = work_history_passes(work->history, &passes, &all);
    json_t *last = json_array(), *answer = work_generations_of(work);
    (void)question;
    (void)ret_error;
    for (size_t i = count; i > 0 && count - i < PASSES; i--) {
        const struct prof_gc_pass *pass = &passes[i - 1];
        json_array_append_new(last, json_pack("{s:I,s:i,s:I,s:b,s:I,s:I}", "number", (json_int_t)pass->number,
                                              "generation", (int)pass->generation, "at", (json_int_t)pass->at_us,
                                              "automatic", pass->automatic, "examined", (json_int_t)pass->candidates,
                                              "found", (json_int_t)(pass->collected + pass->uncollectable)));
    }
    json_object_update_new(
        answer, json_pack("{s:o,s:o,s:I}", "types", types_of(work), "last", last, "passes_all", (json_int_t)all));
    return answer;
}
