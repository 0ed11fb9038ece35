/* json_leaks.c: the JSON document of findings. Its keys are stable; what is not known is null. */
#include "json_document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *doc_program(struct document *doc, struct prof_view *view)
{
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(view->heap));
    json_t *object = json_object();
    json_t *args = json_array();
    for (size_t i = 0; info->args != NULL && info->args[i] != NULL; i++)
        doc_append(doc, args, json_of_text(info->args[i]));
    doc_set(doc, object, "path", json_of_text(info->exe));
    doc_set(doc, object, "args", args);
    doc_set(doc, object, "pid", json_integer(info->pid));
    static const char *const reasons[] = {
        [TRK_END_EXIT] = "exit",       [TRK_END_SIGNAL] = "signal", [TRK_END_GONE] = "gone",  [TRK_END_EXEC] = "exec",
        [TRK_END_STOPPED] = "stopped", [TRK_END_FAILED] = "failed", [TRK_END_LIMIT] = "limit"
    };
    bool known = info->finished && info->end_reason < sizeof reasons / sizeof *reasons && reasons[info->end_reason];
    json_t *end = json_null();
    if (known) {
        end = json_object();
        doc_set(doc, end, "reason", json_string(reasons[info->end_reason]));
        doc_set(doc, end, "value", json_integer(info->end_value));
    }
    doc_set(doc, object, "exit", end);
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(prof_heap_trace(view->heap), &maps);
    json_t *build_id = NULL;
    for (size_t m = 0; m < count && build_id == NULL; m++) {
        for (size_t i = 0; i < maps[m].count && build_id == NULL; i++) {
            const struct prof_module *module = &maps[m].modules[i];
            char hex[64];
            if (module->build_id_len != 0 && module->build_id_len <= sizeof module->build_id &&
                strcmp(module->path, info->exe) == 0)
                build_id = json_string(prof_fmt_hex(hex, sizeof hex, module->build_id, module->build_id_len));
        }
    }
    doc_set(doc, object, "build_id", build_id != NULL ? build_id : json_null());
    return object;
}

static json_t *memory(struct document *doc, struct prof_view *view)
{
    const struct prof_bytes *bytes = prof_findings_bytes(view->findings);
    if (!bytes->known)
        return json_null();
    const struct {
        const char *key;
        int64_t value;
        double slope;
    } parts[] = {
        { "rss", (int64_t)bytes->rss, bytes->rss_per_h },    { "live", bytes->live, bytes->live_per_h },
        { "slack", bytes->slack, bytes->slack_per_h },       { "retained", bytes->retained, bytes->retained_per_h },
        { "mmap", bytes->mmap, bytes->mmap_per_h },          { "stacks", bytes->stacks, bytes->stacks_per_h },
        { "files", bytes->files, bytes->files_per_h },       { "reftrack", bytes->reftrack, bytes->reftrack_per_h },
        { "unknown", bytes->unknown, bytes->unknown_per_h }, { "untouched", bytes->untouched, bytes->untouched_per_h },
    };
    json_t *object = json_object(), *slopes = json_object();
    doc_set(doc, object, "at", json_of_seconds(bytes->at_us));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        doc_set(doc, object, parts[i].key, json_integer(parts[i].value));
        if (bytes->slopes_known)
            doc_set(doc, slopes, parts[i].key, json_of_real(parts[i].slope));
    }
    if (bytes->slopes_known) {
        doc_set(doc, object, "bytes_per_h", slopes);
    } else {
        json_decref(slopes);
        doc_set(doc, object, "bytes_per_h", json_null());
    }
    return object;
}

/* What recording itself used, from the last sample of memory; null for what it does not tell. */
static json_t *cost(struct document *doc, struct prof_view *view)
{
    const struct trk_mem *samples;
    size_t count = prof_heap_mem(view->heap, &samples);
    if (count == 0)
        return json_null();
    const struct trk_mem *last = &samples[count - 1];
    const struct {
        const char *key;
        uint64_t value;
    } parts[] = { { "program_bytes", last->reftrack },
                  { "recorder_bytes", last->recorder_rss },
                  { "recorder_cpu_us", last->recorder_cpu_us },
                  { "program_cpu_us", last->cpu_us } };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        doc_set(doc, object, parts[i].key,
                parts[i].value == UINT64_MAX ? json_null() : json_integer((json_int_t)parts[i].value));
    return object;
}

static const char *count_identity(const struct prof_audit *audit)
{
    if (audit->counts_seen == 0)
        return "not checked";
    if (audit->counts_wrong == 0)
        return "ok";
    return audit->counts_guessed ? "not proven" : "broken";
}

/* What the last checkpoint said about references; null: memory was not read. */
static json_t *references(struct document *doc, const struct prof_audit *audit)
{
    if (!audit->memory_read)
        return json_null();
    const struct doc_number numbers[] = {
        { "slots_checked", audit->slots_checked },
        { "slots_stale", audit->slots_stale },
        { "counts_read", audit->memory_counts },
        { "counts_higher", audit->memory_more },
        { "counts_lower", audit->memory_less },
        { "counts_inline", audit->memory_inline },
        { "counts_none", audit->memory_none },
        { "adopted", audit->adopted },
        { "vetoed", audit->vetoed },
    };
    return doc_numbers(doc, numbers, sizeof numbers / sizeof *numbers);
}

static json_t *class_total(struct document *doc, uint64_t blocks, uint64_t bytes)
{
    const struct doc_number numbers[] = { { "blocks", blocks }, { "bytes", bytes } };
    return doc_numbers(doc, numbers, sizeof numbers / sizeof *numbers);
}

/* The checkpoint that verdicts by memory rest on. */
static json_t *checkpoint(struct document *doc, const struct prof_audit_memory *memory)
{
    if (!memory->read)
        return json_null();
    json_t *object = json_object();
    doc_set(doc, object, "at", json_of_seconds(memory->at_us));
    doc_set(doc, object, "rung", json_string(prof_rung_name(memory->rung)));
    doc_set(doc, object, "why", json_string(prof_look_name(memory->why)));
    doc_set(doc, object, "name", memory->name[0] != '\0' ? json_of_text(memory->name) : json_null());
    doc_set(doc, object, "pause_us", json_of_number(memory->pause_us));
    doc_set(doc, object, "took_us", json_of_number(memory->took_us));
    doc_set(doc, object, "read_bytes", json_of_number(memory->read_bytes));
    doc_set(doc, object, "unread_bytes", json_of_number(memory->unread_bytes));
    doc_set(doc, object, "words", json_of_number(memory->words));
    doc_set(doc, object, "threads", json_of_number(memory->threads));
    doc_set(doc, object, "threads_unread", json_of_number(memory->threads_unread));
    doc_set(doc, object, "reachable", class_total(doc, memory->held, memory->held_bytes));
    doc_set(doc, object, "possible", class_total(doc, memory->possible, memory->possible_bytes));
    doc_set(doc, object, "lost", class_total(doc, memory->lost, memory->lost_bytes));
    doc_set(doc, object, "indirect", class_total(doc, memory->indirect, memory->indirect_bytes));
    doc_set(doc, object, "not_examined", class_total(doc, memory->unexamined, memory->unexamined_bytes));
    doc_set(doc, object, "strength", json_string(prof_strength_name(memory->strength)));
    doc_set(doc, object, "weaker", json_of_text(memory->weaker));
    return object;
}

/* The function's element, when another rule names it, too; NULL: it has none yet. */
static json_t *hooked_already(const json_t *array, const struct prof_hooked *hook)
{
    json_t *object;
    size_t i;
    json_array_foreach(array, i, object)
    {
        const char *module = json_string_value(json_object_get(object, "module"));
        if (strcmp(json_string_value(json_object_get(object, "function")), hook->function) == 0 &&
            strcmp(module != NULL ? module : "", hook->module) == 0)
            return object;
    }
    return NULL;
}

/* Functions that were to be hooked. */
static json_t *hooks(struct document *doc, const char *text)
{
    json_t *array = json_array();
    struct prof_hooked hook;
    while (prof_hooked_next(&text, &hook)) {
        json_t *object = hooked_already(array, &hook);
        if (object != NULL) {
            doc_append(doc, json_object_get(object, "roles"), json_of_text(hook.role));
            continue;
        }
        object = json_object();
        doc_set(doc, object, "function", json_of_text(hook.function));
        doc_set(doc, object, "module", json_of_text(hook.module[0] != '\0' ? hook.module : NULL));
        doc_set(doc, object, "adapter", json_of_text(hook.adapter[0] != '\0' ? hook.adapter : NULL));
        doc_set(doc, object, "role", json_of_text(hook.role));
        doc_set(doc, object, "roles", json_array());
        doc_append(doc, json_object_get(object, "roles"), json_of_text(hook.role));
        doc_set(doc, object, "hooked", json_boolean(hook.state == TRK_HOOK_ON));
        doc_set(doc, object, "calls", json_of_number(hook.calls));
        doc_set(doc, object, "why_not",
                hook.state == TRK_HOOK_ON ? json_null() : json_of_text(prof_hook_words(hook.state)));
        doc_append(doc, array, object);
    }
    return array;
}

json_t *doc_audit(struct document *doc, struct prof_view *view)
{
    const struct prof_audit *audit = prof_findings_audit(view->findings);
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(view->heap));
    json_t *object = json_object();
    doc_set(doc, object, "events", json_of_number(audit->events));
    doc_set(doc, object, "lost", json_of_number(audit->lost));
    doc_set(doc, object, "overwritten", json_of_number(prof_trace_flight(prof_heap_trace(view->heap)).overwritten));
    doc_set(doc, object, "coverage", audit->coverage < 0 ? json_null() : json_of_real(audit->coverage));
    doc_set(doc, object, "skewed", json_of_number(audit->skewed));
    doc_set(doc, object, "attached", json_boolean(info->attached));
    doc_set(doc, object, "count_identity", json_string(count_identity(audit)));
    doc_set(doc, object, "byte_identity",
            json_string(!audit->bytes_known                      ? "not checked"
                        : fabs(audit->bytes_unknown_share) < 0.1 ? "ok"
                                                                 : "broken"));
    doc_set(doc, object, "references_in_memory", references(doc, audit));
    doc_set(doc, object, "revived", json_of_number(audit->revived));
    doc_set(doc, object, "forced", json_of_number(audit->forced));
    doc_set(doc, object, "untold", json_of_number(audit->untold));
    doc_set(doc, object, "overowned", json_of_number(audit->overowned));
    doc_set(doc, object, "filter", json_of_text(info->filter[0] != '\0' ? info->filter : NULL));
    doc_set(doc, object, "filtered", json_of_number(info->filtered));
    doc_set(doc, object, "hooks", hooks(doc, prof_trace_meta(prof_heap_trace(view->heap), "hooks")));
    doc_set(doc, object, "certain", json_boolean(audit->certain));
    doc_set(doc, object, "why_uncertain", json_of_text(audit->why_uncertain));
    doc_set(doc, object, "damage", json_of_text(info->damage));
    doc_set(doc, object, "cost", cost(doc, view));
    doc_set(doc, object, "checkpoint", checkpoint(doc, &audit->memory));
    doc_set(doc, object, "memory_refused", json_boolean(audit->memory.refused));
    doc_set(doc, object, "memory_not_read", json_of_text(audit->memory.not_read));
    doc_set(doc, object, "memory_not_read_costs", json_of_text(audit->memory.cost));
    return object;
}

/* "Type#12", also of a dead one. */
static json_t *holder_name(struct prof_view *view, const struct prof_finding_open *open)
{
    char name[512];
    if (open->holder_serial == 0)
        return doc_object_name(view, open->holder_obj);
    snprintf(name, sizeof name, "%s#%u", open->holder_type, open->holder_serial);
    return json_of_text(name);
}

static json_t *opens(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->open_count; i++) {
        const struct prof_finding_open *open = &finding->open[i];
        json_t *object = open->stack != 0 ? doc_site(doc, view, open->stack, true) : json_object();
        doc_set(doc, object, "count", json_of_number(open->count));
        doc_set(doc, object, "pairing", json_string(prof_pairing_name(open->pairing)));
        doc_set(doc, object, "birth", json_boolean(open->birth));
        json_t *holder = json_null();
        if (open->holder_type != NULL || open->holder_text != NULL) {
            holder = json_object();
            doc_set(doc, holder, "type", json_of_text(open->holder_type));
            doc_set(doc, holder, "field", json_of_text(open->holder_field));
            doc_set(doc, holder, "object", holder_name(view, open));
            doc_set(doc, holder, "text", json_of_text(open->holder_text));
        }
        doc_set(doc, object, "holder", holder);
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *missing_one(struct document *doc, struct prof_view *view, const struct prof_finding_missing *one,
                           uint64_t of)
{
    json_t *object = doc_site(doc, view, one->stack, false);
    doc_set(doc, object, "named", json_of_number(one->named));
    doc_set(doc, object, "of", json_of_number(of));
    doc_set(doc, object, "healthy_named", json_of_number(one->healthy_named));
    doc_set(doc, object, "healthy_of", json_of_number(one->healthy_of));
    return object;
}

static json_t *missing(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    const struct prof_finding_missing first = { .stack = finding->missing_stack,
                                                .named = finding->missing_named,
                                                .healthy_named = finding->healthy_named,
                                                .healthy_of = finding->healthy_of };
    return finding->missing_stack != 0 ? missing_one(doc, view, &first, finding->missing_of) : json_null();
}

/* Those of other references of the same objects. */
static json_t *also_missing(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->also_count; i++) {
        const struct prof_finding_missing *also = &finding->also_missing[i];
        json_t *object = missing_one(doc, view, also, finding->objects);
        doc_set(doc, object, "taken", doc_site(doc, view, also->take_stack, false));
        doc_set(doc, object, "birth", json_boolean(also->birth));
        doc_append(doc, array, object);
    }
    return array;
}

json_t *doc_root_path(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    if (finding->root == PROF_ROOT_NONE)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; i < finding->path_count; i++) {
        const struct prof_path_step *step = &finding->path[i];
        json_t *object = json_object();
        doc_set(doc, object, "text", json_of_text(step->text));
        doc_set(doc, object, "object", doc_object_name(view, step->obj));
        doc_set(doc, object, "at", step->at != 0 ? json_of_number(step->at) : json_null());
        doc_set(doc, object, "interior", json_boolean(step->interior));
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *growth(struct document *doc, const struct prof_finding *finding)
{
    if (finding->step_count < 2)
        return json_null();
    const struct prof_finding_step *first = &finding->steps[0], *last = &finding->steps[finding->step_count - 1];
    json_t *object = json_object(), *steps = json_array();
    doc_set(doc, object, "objects", json_integer((json_int_t)(last->objects - first->objects)));
    doc_set(doc, object, "bytes", json_integer((json_int_t)(last->bytes - first->bytes)));
    for (size_t i = 0; i < finding->step_count; i++) {
        json_t *step = json_object();
        doc_set(doc, step, "mark", json_of_text(finding->steps[i].mark));
        doc_set(doc, step, "at", json_of_seconds(finding->steps[i].at_us));
        doc_set(doc, step, "objects", json_of_number(finding->steps[i].objects));
        doc_set(doc, step, "bytes", json_of_number(finding->steps[i].bytes));
        doc_append(doc, steps, step);
    }
    doc_set(doc, object, "steps", steps);
    return object;
}

/* Totals carry their sites: for unfreed blocks and reachable objects. */
static json_t *sites(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct prof_finding_site *s = &finding->sites[i];
        json_t *object = s->stack != 0 ? doc_site(doc, view, s->stack, false) : json_object();
        doc_set(doc, object, "taken", json_of_number(s->taken));
        doc_set(doc, object, "given", json_of_number(s->given));
        doc_set(doc, object, "healthy_taken", json_of_real(s->healthy_taken));
        doc_set(doc, object, "healthy_given", json_of_real(s->healthy_given));
        doc_set(doc, object, "bytes", s->bytes != 0 ? json_of_number(s->bytes) : json_null());
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *context_of(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *object = json_object();
    if (finding->sample_count != 0) {
        const struct prof_obj *obj = prof_heap_obj(view->heap, finding->samples[0]);
        const struct prof_context *context = obj->context != 0 ? prof_heap_context(view->heap, obj->context) : NULL;
        if (context != NULL && context->key != NULL) {
            char key[256];
            doc_set(doc, object, prof_escape_terminal(key, sizeof key, context->key), json_of_number(context->id));
        }
    }
    return object;
}

json_t *doc_finding(struct document *doc, struct prof_view *view, const struct prof_finding *finding)
{
    json_t *object = json_object(), *samples = json_array();
    double rate;
    for (size_t i = 0; i < finding->sample_count; i++)
        doc_append(doc, samples, doc_object_name(view, finding->samples[i]));
    doc_set(doc, object, "id", json_integer(finding->id));
    doc_set(doc, object, "headline", json_string(prof_headline_name(finding->headline)));
    doc_set(doc, object, "class", json_string(prof_finding_is_object(finding) ? "object" : "block"));
    doc_set(doc, object, "verdict", json_string(prof_verdict_name(finding->verdict)));
    doc_set(doc, object, "strength", json_string(prof_strength_name(finding->strength)));
    doc_set(doc, object, "gating", json_boolean(finding->gating));
    doc_set(doc, object, "suppressed_by", json_of_text(finding->suppressed_by));
    doc_set(doc, object, "type", finding->type[0] != '\0' ? json_of_text(finding->type) : json_null());
    if (finding->block_type != NULL)
        doc_set(doc, object, "block_type", json_of_text(finding->block_type));
    doc_set(doc, object, "objects", json_of_number(finding->objects));
    doc_set(doc, object, "bytes", json_of_number(finding->bytes));
    doc_set(doc, object, "retained",
            finding->retained_objects != 0 ? json_of_number(finding->retained_bytes) : json_null());
    doc_set(doc, object, "retained_objects",
            finding->retained_objects != 0 ? json_of_number(finding->retained_objects) : json_null());
    doc_set(doc, object, "collateral_objects", json_of_number(finding->collateral_objects));
    doc_set(doc, object, "collateral_bytes", json_of_number(finding->collateral_bytes));
    doc_set(doc, object, "rate_bytes_per_h", prof_finding_rate(finding, &rate) ? json_of_real(rate) : json_null());
    doc_set(doc, object, "first_seen", json_of_seconds(finding->first_us));
    doc_set(doc, object, "last_seen", json_of_seconds(finding->last_us));
    doc_set(doc, object, "born", doc_site(doc, view, finding->born_stack, true));
    doc_set(doc, object, "site", doc_site(doc, view, finding->place_stack, false));
    doc_set(doc, object, "open", opens(doc, view, finding));
    doc_set(doc, object, "missing", missing(doc, view, finding));
    doc_set(doc, object, "also_missing", also_missing(doc, view, finding));
    doc_set(doc, object, "siblings", doc_siblings(doc, view, finding));
    doc_set(doc, object, "root_path", doc_root_path(doc, view, finding));
    doc_set(doc, object, "root",
            finding->root != PROF_ROOT_NONE ? json_string(prof_root_name(finding->root)) : json_null());
    doc_set(doc, object, "cycle", doc_cycle(doc, view, finding));
    doc_set(doc, object, "held_cycles", json_of_number(finding->held_cycles));
    doc_set(doc, object, "growth", growth(doc, finding));
    doc_set(doc, object, "sites", sites(doc, view, finding));
    json_t *other = finding->other_stack != 0 ? doc_site(doc, view, finding->other_stack, true) : json_null();
    if (finding->other_stack != 0)
        doc_set(doc, other, "what", json_of_text(finding->other_what));
    doc_set(doc, object, "other", other);
    doc_set(doc, object, "objects_sample", samples);
    doc_set(doc, object, "context", context_of(doc, view, finding));
    doc_set(doc, object, "scope", json_of_text(finding->scope));
    doc_set(doc, object, "sentence", json_of_text(finding->sentence));
    doc_set(doc, object, "reasons", json_of_text(finding->reasons));
    doc_set(doc, object, "fingerprint", json_of_text(finding->fingerprint));
    return object;
}

struct prof_error *prof_json_leaks(struct prof_view *view, char **ret)
{
    struct document doc;
    doc_begin(&doc, "leaks");
    if (view->findings == NULL) {
        json_decref(doc.root);
        return prof_error_create(PROF_ERROR_ARGUMENT, "this view has no findings");
    }
    doc_set(&doc, doc.root, "program", doc_program(&doc, view));
    doc_set(&doc, doc.root, "memory", memory(&doc, view));
    doc_set(&doc, doc.root, "audit", doc_audit(&doc, view));
    json_t *array = json_array();
    const struct prof_finding *list;
    size_t count = prof_findings_list(view->findings, &list);
    for (size_t i = 0; i < count; i++)
        doc_append(&doc, array, doc_finding(&doc, view, &list[i]));
    doc_set(&doc, doc.root, "findings", array);
    return doc_finish(&doc, ret);
}
