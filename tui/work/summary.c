/* work/summary.c: what the first screen shows: is something wrong, and where. See work.h. */
#include "history.h"
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include <prof/links.h>

enum { LOOKS = 20, BIGGEST = 20 };

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *program_of(const struct prof_trace_info *info)
{
    return json_pack("{s:o,s:o,s:i,s:b,s:b,s:o,s:o,s:o}", "name", work_text(info->program), "exe", work_text(info->exe),
                     "pid", (int)info->pid, "finished", info->finished, "attached", info->attached, "damage",
                     info->damage != NULL ? work_text(info->damage) : json_null(), "malloc_note",
                     work_text(info->malloc_note), "end",
                     json_pack("[i,i]", (int)info->end_reason, (int)info->end_value));
}

/* ---- Generations ---- */

json_t *work_generations_of(const struct work *work)
{
    uint32_t count[PROF_GC_GENERATIONS], threshold[PROF_GC_GENERATIONS];
    struct prof_gc_stats stats[PROF_GC_GENERATIONS];
    struct prof_gc_totals totals;
    uint64_t bytes[PROF_GC_GENERATIONS] = { 0 };
    json_t *rows = json_array();
    prof_gc_count(work->gc, count);
    prof_gc_threshold(work->gc, threshold);
    prof_gc_stats(work->gc, stats);
    prof_gc_totals(work->gc, &totals);
    for (prof_obj_id id = 1; id < prof_heap_obj_max(work->heap); id++) {
        int generation = prof_gc_generation(work->gc, id);
        if (generation >= 0 && generation < PROF_GC_GENERATIONS)
            bytes[generation] += prof_heap_obj(work->heap, id)->size;
    }
    uint64_t died = 0;
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++)
        died += work_history_all_died(work->history, i);
    for (unsigned i = 0; i < PROF_GC_GENERATIONS; i++) {
        uint64_t found = stats[i].collected + stats[i].uncollectable, here = work_history_all_died(work->history, i);
        json_t *row = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "objects", number(totals.size[i]), "bytes",
                                number(bytes[i]), "count", number(count[i]), "threshold", number(threshold[i]),
                                "passes", number(stats[i].collections), "examined", number(stats[i].candidates),
                                "found", number(found), "died", number(here));
        if (died > 0)
            json_object_set_new(row, "died_share", json_real((double)here / (double)died));
        json_array_append_new(rows, row);
    }
    return json_pack("{s:o,s:o,s:o,s:b}", "rows", rows, "garbage", number(totals.garbage), "frozen",
                     number(totals.frozen), "enabled", prof_gc_is_enabled(work->gc));
}

/* ---- What needs a look ---- */

static json_t *look_at(struct work *work, const struct prof_finding *finding)
{
    char subject[512], site[1024], action[1024], id[32];
    uint32_t stack = finding->open_count > 0 ? finding->open[0].stack : finding->born_stack;
    snprintf(id, sizeof id, "%u", finding->id);
    return json_pack("{s:s,s:b,s:s,s:s,s:o,s:o,s:o,s:o}", "id", id, "gating", finding->gating, "headline",
                     prof_headline_name(finding->headline), "strength", prof_strength_name(finding->strength),
                     "subject", work_text(prof_view_subject(finding, PROF_UNITS_IEC, subject, sizeof subject)), "words",
                     work_text(prof_verdict_words(finding->verdict)), "site",
                     work_text(prof_view_site(work->view, stack, site, sizeof site)), "action",
                     work_text(prof_view_action(work->view, finding, action, sizeof action)));
}

static json_t *looks_of(struct work *work, uint64_t *ret_all, uint64_t *ret_suppressed)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(work->findings, &list);
    json_t *looks = json_array();
    *ret_all = *ret_suppressed = 0;
    for (size_t i = 0; i < count; i++) {
        *ret_suppressed += list[i].suppressed_by != NULL;
        if (!prof_finding_is_listed(&list[i]))
            continue;
        if ((*ret_all)++ < LOOKS)
            json_array_append_new(looks, look_at(work, &list[i]));
    }
    return looks;
}

/* ---- What retains most ---- */

static json_t *biggest_of(struct work *work, struct prof_error **ret_error)
{
    static const char *const keys[] = { "type", "live", "flat", "retained", "share" };
    const struct prof_query query = { .top = BIGGEST };
    const struct prof_table *table;
    struct prof_selection selection;
    struct prof_graph *graph = work_graph(work, ret_error);
    if (graph == NULL)
        return NULL;
    *ret_error = prof_view_retained(work->view, graph, PROF_BY_TYPE, &query, &table, &selection);
    if (*ret_error != NULL)
        return NULL;
    json_t *rows = json_array();
    for (size_t i = 0; i < table->row_count; i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < table->column_count; k++)
            for (size_t j = 0; j < sizeof keys / sizeof *keys; j++) {
                const struct prof_cell *cell = &table->cells[i * table->column_count + k];
                if (strcmp(table->columns[k].key, keys[j]) != 0 || cell->none)
                    continue;
                json_object_set_new(row, keys[j],
                                    table->columns[k].kind == PROF_CELL_TEXT    ? work_text(cell->text)
                                    : table->columns[k].kind == PROF_CELL_RATIO ? json_real(cell->ratio)
                                                                                : number(cell->number));
            }
        json_array_append_new(rows, row);
    }
    return rows;
}

/* ---- The rest ---- */

static json_t *audit_of(const struct work *work)
{
    const struct prof_audit *audit = prof_findings_audit(work->findings);
    return json_pack("{s:b,s:b,s:o,s:f,s:o,s:o,s:o}", "certain", audit->certain, "end_is_all", audit->end_is_all, "why",
                     work_text(audit->why_uncertain != NULL ? audit->why_uncertain : ""), "coverage", audit->coverage,
                     "references", number(audit->refs), "lost", number(audit->lost), "memory",
                     work_text(audit->memory.not_read != NULL ? audit->memory.not_read : ""));
}

/* Before anything was looked for. */
static json_t *audit_to_come(const struct work *work)
{
    return json_pack("{s:o}", "lost", number(work_lost(work->trace)));
}

/* What takes longest comes last: a first answer has the rest. */
json_t *work_summary(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const struct prof_heap_totals *t = prof_heap_totals(work->heap);
    uint64_t suppressed = 0, all = 0, asked = work_asked_number(question, "n", 0);
    bool found = work->findings != NULL, second = found && work->begun == asked;
    json_t *biggest = second ? biggest_of(work, ret_error) : NULL;
    if (second && biggest == NULL)
        return NULL;
    json_t *totals =
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "at", number(t->end_us), "events", number(t->events), "new",
                  number(t->by_op[TRK_OP_NEW]), "objects", number(t->live_objects), "object_bytes",
                  number(t->live_object_bytes), "blocks", number(t->live_blocks), "block_bytes", number(t->live_bytes),
                  "peak_bytes", number(t->peak_bytes), "peak_at", number(t->peak_us));
    json_t *summary =
        json_pack("{s:o,s:o,s:o,s:o}", "program", program_of(prof_trace_info(work->trace)), "totals", totals,
                  "generations", work_generations_of(work), "audit", found ? audit_of(work) : audit_to_come(work));
    if (found)
        json_object_set_new(summary, "looks", looks_of(work, &all, &suppressed));
    if (found)
        json_object_update_new(summary,
                               json_pack("{s:o,s:o}", "looks_all", number(all), "suppressed", number(suppressed)));
    if (second)
        json_object_set_new(summary, "biggest", biggest);
    work->unfinished = found && !second;
    if (work->unfinished)
        json_object_set_new(summary, "more", json_true());
    work->begun = asked;
    return summary;
}
