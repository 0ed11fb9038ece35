/* finding.c: makes the list of findings: runs the steps, applies suppressions and baseline, decides what gates,
 * numbers and sorts.
 */
#include "analysis.h"
#include "baseline.h"
#include "suppress.h"

#include <stdlib.h>
#include <string.h>

static const struct prof_findings_options no_options;

static enum prof_headline headline_of(enum prof_verdict verdict)
{
    switch (verdict) {
    case PROF_OVER_RELEASED:
    case PROF_USE_AFTER_RELEASE:
    case PROF_WEAK_HAZARD:
        return PROF_HEADLINE_MISUSED;
    case PROF_REACHABLE:
    case PROF_UNFREED:
    case PROF_OVER_RETAINED:
    case PROF_POSSIBLE:
        return PROF_HEADLINE_HELD;
    case PROF_GROWTH:
        return PROF_HEADLINE_GROWING;
    default:
        return PROF_HEADLINE_LOST;
    }
}

struct prof_finding finding_blank(enum prof_verdict verdict, const char *type)
{
    return (struct prof_finding){
        .verdict = verdict, .strength = PROF_PROVEN, .headline = headline_of(verdict), .type = type
    };
}

uint32_t finding_take_stack(const struct prof_finding *finding)
{
    return finding->open_count > 0 ? finding->open[0].stack : finding->born_stack;
}

/* ---- Suppressions, gating ------------------------------------------------------------------------------ */

static size_t add_stack(uint32_t *ids, size_t count, uint32_t stack)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == stack)
            return count;
    }
    if (stack != 0)
        ids[count++] = stack;
    return count;
}

/* Where the examples were born and their memory allocated: what other tools call the place of a leak. A birth that was
 * reported for a caller lacks the frames below it. */
static size_t add_origins(struct analysis *a, const struct prof_finding *f, uint32_t *ids, size_t count, size_t most)
{
    for (size_t i = 0; i < f->sample_count && count + 2 <= most; i++) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, f->samples[i]);
        count = add_stack(ids, count, obj->stack);
        if (obj->block != 0)
            count = add_stack(ids, count, prof_heap_block(a->heap, obj->block)->stack);
    }
    return count;
}

static bool suppress(struct analysis *a, struct prof_finding *f)
{
    enum { MOST = 56 };
    struct suppress_stack stacks[MOST];
    uint32_t ids[MOST];
    size_t count = 0;

    if (a->options->suppressions == NULL || f->suppressed_by != NULL)
        return true;
    count = add_stack(ids, count, f->born_stack);
    count = add_stack(ids, count, f->other_stack);
    count = add_origins(a, f, ids, count, MOST);
    for (size_t i = 0; i < f->open_count && count < MOST; i++)
        count = add_stack(ids, count, f->open[i].stack);
    for (size_t i = 0; i < f->edge_count && count < MOST; i++)
        count = add_stack(ids, count, f->edges[i].stack);
    for (size_t i = 0; i < count; i++) {
        struct suppress_stack *stack = &stacks[i];
        stack->count = prof_symbols_stack(a->symbols, ids[i], &stack->frames);
        stack->site = stack->count > 0 ? prof_symbols_inner(a->symbols, ids[i]) : 0;
    }
    struct suppress_facts facts = { .verdict = f->verdict,
                                    .type = f->type,
                                    .fingerprint = f->fingerprint,
                                    .objects = f->objects,
                                    .bytes = f->bytes,
                                    .stacks = stacks,
                                    .stack_count = count };
    const char *place = suppress_match(a->options->suppressions, &facts);
    if (place == NULL)
        return true;
    // The finding may outlive the suppressions.
    f->suppressed_by = prof_arena_strdup(a->arena, place);
    return f->suppressed_by != NULL;
}

static bool gates(const struct analysis *a, const struct prof_finding *f)
{
    uint64_t set = a->options->fail_on;

    if (f->suppressed_by != NULL)
        return false;
    if (set != 0 && (set >> f->verdict & 1) == 0)
        return false;
    if (!prof_verdict_gates(f->verdict))
        return set != 0;
    return f->strength == PROF_PROVEN || f->strength == PROF_PROBABLE;
}

static bool judge_all(struct analysis *a)
{
    struct prof_findings *out = a->out;

    for (size_t i = 0; i < out->list.count; i++) {
        if (!suppress(a, &out->list.items[i]))
            return false;
    }
    if (a->options->baseline != NULL && !baseline_compare(a))
        return false;
    for (size_t i = 0; i < out->list.count; i++) {
        out->list.items[i].gating = gates(a, &out->list.items[i]);
        out->gating += out->list.items[i].gating;
    }
    return true;
}

/* ---- Numbers and order ------------------------------------------------------------------------------------------- */

static int rank_of(const struct prof_finding *f, bool gating, bool suppressed)
{
    static const uint8_t headline[] = {
        [PROF_HEADLINE_LOST] = 0, [PROF_HEADLINE_MISUSED] = 1, [PROF_HEADLINE_GROWING] = 2, [PROF_HEADLINE_HELD] = 3
    };
    int kind = gating ? 0 : suppressed ? 2 : 1;
    // Held things come after everything else, gating or not suppressed or not; what is held perhaps, before those.
    if (!gating && f->headline == PROF_HEADLINE_HELD && f->verdict != PROF_POSSIBLE)
        kind += 2;
    if (!gating && f->apart)
        kind += 5;
    return kind * 8 + headline[f->headline];
}

static int by_weight(const struct prof_finding *a, const struct prof_finding *b)
{
    uint64_t wa = a->bytes + a->collateral_bytes, wb = b->bytes + b->collateral_bytes;

    if (wa != wb)
        return wa > wb ? -1 : 1;
    if (a->objects != b->objects)
        return a->objects > b->objects ? -1 : 1;
    int order = strcmp(a->fingerprint, b->fingerprint);
    return order != 0 ? order : (int)a->id - (int)b->id;
}

/* Does it fail a check by default? */
static bool gates_by_default(const struct prof_finding *f)
{
    return prof_verdict_gates(f->verdict) && (f->strength == PROF_PROVEN || f->strength == PROF_PROBABLE);
}

/* Numbers name findings in other commands, too: what options say of suppressions, baselines, gates and leak kinds must
 * not change them. */
static int by_number(const void *left, const void *right)
{
    const struct prof_finding *a = left, *b = right;
    int ra = rank_of(a, gates_by_default(a), false), rb = rank_of(b, gates_by_default(b), false);

    if (a->apart != b->apart || a->total != b->total)
        return a->apart || a->total ? 1 : -1;
    if (ra != rb)
        return ra < rb ? -1 : 1;
    return by_weight(a, b);
}

static int by_report(const void *left, const void *right)
{
    const struct prof_finding *a = left, *b = right;
    int ra = rank_of(a, a->gating, a->suppressed_by != NULL), rb = rank_of(b, b->gating, b->suppressed_by != NULL);

    if (ra != rb)
        return ra < rb ? -1 : 1;
    return by_weight(a, b);
}

/* Numbers and sorts; `of` follows. */
static bool order_all(struct prof_findings *out)
{
    struct prof_finding *list = out->list.items;
    size_t count = out->list.count;
    uint32_t *now = malloc((count + 1) * sizeof *now), *number = malloc((count + 1) * sizeof *number);

    if (now == NULL || number == NULL) {
        free(now);
        free(number);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        list[i].id = (uint32_t)i + 1;
    if (count > 1)
        qsort(list, count, sizeof *list, by_number);
    for (size_t i = 0; i < count; i++)
        number[list[i].id] = list[i].total ? 0 : (uint32_t)i + 1;
    if (count > 1)
        qsort(list, count, sizeof *list, by_report);
    now[0] = 0;
    for (size_t i = 0; i < count; i++) {
        now[list[i].id] = (uint32_t)i + 1;
        list[i].id = number[list[i].id];
    }
    for (uint32_t id = 0; id < out->obj_max; id++)
        out->of[id] = now[out->of[id]];
    free(now);
    free(number);
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

void analysis_init(struct analysis *a, struct prof_findings *out, const struct prof_findings_options *options)
{
    *a = (struct analysis){
        .out = out, .heap = out->heap, .symbols = out->symbols, .arena = &out->arena, .options = options
    };
    a->from_us = options->from_us;
    a->to_us = options->to_us != 0 ? options->to_us : UINT64_MAX;
}

bool analysis_begin(struct analysis *a, struct prof_heap *heap, struct prof_symbols *symbols,
                    const struct prof_findings_options *options)
{
    struct prof_findings *out = calloc(1, sizeof *out);

    if (out == NULL)
        return false;
    prof_arena_init(&out->arena);
    out->heap = heap;
    out->symbols = symbols;
    out->obj_max = prof_heap_obj_max(heap);
    out->of = calloc((size_t)out->obj_max + 1, sizeof *out->of);
    analysis_init(a, out, options != NULL ? options : &no_options);
    if (out->of == NULL) {
        prof_findings_destroy(out);
        return false;
    }
    run_facts(a);
    return true;
}

void analysis_deinit(struct analysis *a)
{
    classify_deinit(a);
    reach_destroy(a->reach);
    prof_vec_deinit(&a->sites);
    prof_vec_deinit(&a->places);
    prof_vec_deinit(&a->fields);
    prof_vec_deinit(&a->block_texts);
    map_deinit(&a->site_of_stack);
    map_deinit(&a->site_of_key);
    map_deinit(&a->place_of_slot);
    map_deinit(&a->windows);
    map_deinit(&a->untold_places);
    map_deinit(&a->field_of);
    map_deinit(&a->text_of_block_site);
    prof_intern_deinit(&a->intern);
}

struct prof_error *prof_findings_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        const struct prof_findings_options *options, struct prof_findings **ret)
{
    struct analysis a;
    struct prof_error *error;

    if (!analysis_begin(&a, heap, symbols, options))
        return prof_error_memory();
    struct prof_findings *out = a.out;
    bytes_make(heap, &out->bytes);
    if ((error = reach_of_heap(&a)) == NULL && (error = classify(&a)) == NULL && (error = group_objects(&a)) == NULL &&
        (error = incident_findings(&a)) == NULL && (error = block_findings(&a)) == NULL &&
        (error = growth_findings(&a)) == NULL) {
        audit_make(&a);
        unhooked_weaken(&a);
        if (!reach_keep(&a) || !judge_all(&a) || !baseline_gone(&a) || !order_all(out))
            error = prof_error_memory();
    }
    analysis_deinit(&a);
    if (error != NULL) {
        prof_findings_destroy(out);
        return error;
    }
    *ret = out;
    return NULL;
}

void prof_findings_destroy(struct prof_findings *findings)
{
    if (findings == NULL)
        return;
    prof_vec_deinit(&findings->list);
    prof_vec_deinit(&findings->gone);
    prof_vec_deinit(&findings->underflows);
    prof_arena_deinit(&findings->arena);
    free(findings->of);
    free(findings->class_of);
    free(findings);
}

size_t prof_findings_list(const struct prof_findings *findings, const struct prof_finding **ret)
{
    *ret = findings->list.items;
    return findings->list.count;
}

const struct prof_audit *prof_findings_audit(const struct prof_findings *findings)
{
    return &findings->audit;
}

const struct prof_bytes *prof_findings_bytes(const struct prof_findings *findings)
{
    return &findings->bytes;
}

const struct prof_rise *prof_findings_rise(const struct prof_findings *findings)
{
    return findings->rise.type != NULL ? &findings->rise : NULL;
}

size_t prof_findings_gating(const struct prof_findings *findings)
{
    return findings->gating;
}

enum prof_verdict prof_findings_of_block(const struct prof_findings *findings, prof_block_id block)
{
    static const enum prof_verdict verdicts[] = { [REACH_UNKNOWN] = PROF_UNFREED,
                                                  [REACH_HELD] = PROF_REACHABLE,
                                                  [REACH_POSSIBLE] = PROF_POSSIBLE,
                                                  [REACH_LOST] = PROF_LOST,
                                                  [REACH_INDIRECT] = PROF_INDIRECT };
    return block < findings->block_max ? verdicts[findings->class_of[block]] : PROF_UNFREED;
}

const struct prof_finding *prof_findings_of(const struct prof_findings *findings, prof_obj_id obj)
{
    if (obj >= findings->obj_max || findings->of[obj] == 0)
        return NULL;
    return &findings->list.items[findings->of[obj] - 1];
}

size_t prof_findings_underflows(const struct prof_findings *findings, const struct prof_underflow **ret,
                                uint64_t *ret_all)
{
    *ret = findings->underflows.items;
    *ret_all = findings->underflows_all;
    return findings->underflows.count;
}

size_t prof_findings_gone(const struct prof_findings *findings, const struct prof_baseline_gone **ret)
{
    *ret = findings->gone.items;
    return findings->gone.count;
}
