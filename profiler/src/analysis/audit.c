/* audit.c: how far the findings, and their absence, can be trusted. */
#include "hold.h"

#include <string.h>

#include <track/track.h>

/* Memory whose owner nobody knows makes "no leak" a guess; small programs are noise. */
static const double unknown_share_most = 0.30;
static const int64_t unknown_bytes_least = 16 << 20;

/* Differences of its counts are what nobody told, no contradiction. */
static bool is_inline(const struct prof_type *type)
{
    return (type->flags & TRK_TYPE_INLINE) != 0;
}

static void coverage(struct analysis *a, struct prof_audit *audit)
{
    for (prof_type_id id = 0; id < prof_heap_type_max(a->heap); id++) {
        const struct prof_type *type = prof_heap_type(a->heap, id);
        audit->refs_slot += type->refs_slot;
        audit->refs_holder += type->refs_holder;
        audit->refs_anon += type->refs_anon;
        audit->counts_seen += type->counts_seen;
        *(is_inline(type) ? &audit->counts_inline : &audit->counts_wrong) += type->counts_wrong;
        audit->skewed += type->skewed;
    }
    audit->refs = audit->refs_slot + audit->refs_holder + audit->refs_anon;
    audit->coverage = audit->refs == 0 ? -1 : (double)(audit->refs_slot + audit->refs_holder) / (double)audit->refs;
}

/* Owners of references that are not there. Where the order of threads was a guess, it may be the guess. */
static void overowned(const struct analysis *a, struct prof_audit *audit)
{
    const struct prof_incident *list;
    size_t count = prof_heap_incidents(a->heap, &list);
    for (size_t i = 0; i < count; i++) {
        if (list[i].kind != PROF_INCIDENT_NO_SOURCE || list[i].forced)
            continue;
        if (audit->overowned == 0) {
            audit->overowned_stack = list[i].stack;
            audit->overowned_before = list[i].other_stack;
        }
        audit->overowned += list[i].repeats;
    }
}

/* Returns the first object whose own count differs from the events', 0: none. */
static prof_obj_id memory(const struct analysis *a, struct prof_audit *audit)
{
    const struct hold *hold = a->hold;
    prof_obj_id miscounted = 0;

    audit->memory_read = a->reach != NULL;
    if (hold == NULL)
        return 0;
    audit->slots_checked = hold->checked;
    audit->slots_stale = hold->stale.count;
    for (prof_obj_id id = 1; id < a->n; id++) {
        const struct hold_facts *facts = &hold->facts[id];
        audit->memory_counts += facts->counted;
        if (facts->unaccounted != 0 && is_inline(prof_heap_type(a->heap, prof_heap_obj(a->heap, id)->type))) {
            audit->memory_inline++;
        } else {
            audit->memory_more += facts->unaccounted > 0;
            audit->memory_less += facts->unaccounted < 0;
            if (facts->unaccounted != 0 && miscounted == 0)
                miscounted = id;
        }
        audit->memory_none += facts->no_count;
        audit->adopted += facts->adopted;
        audit->vetoed += a->fate[id] == FATE_LEAKED && facts->vetoed;
    }
    audit->counts_seen += audit->memory_counts;
    audit->counts_wrong += audit->memory_more + audit->memory_less;
    audit->counts_inline += audit->memory_inline;
    return miscounted;
}

static void because(struct prof_str *why, const char *text)
{
    if (why->length > 0)
        prof_str_add(why, "; ");
    prof_str_add(why, text);
}

static void add_class(const struct reach *r, enum reach_class class_, uint64_t *count, uint64_t *bytes)
{
    *count = r->count[class_];
    *bytes = r->bytes[class_];
}

static void memory_facts(struct analysis *a, struct prof_audit_memory *memory)
{
    const struct prof_memory *m = prof_heap_memory(a->heap);

    const char *told = prof_trace_meta(prof_heap_trace(a->heap), "memory");
    memory->refused = told != NULL && strcmp(told, "never") == 0;
    if (m == NULL || a->reach == NULL) {
        memory->not_read = reach_not_read(a, &memory->cost);
        return;
    }
    *memory = (struct prof_audit_memory){ .read = true,
                                          .rung = m->rung,
                                          .why = m->why,
                                          .name = m->name,
                                          .at_us = m->at_us,
                                          .pause_us = m->pause_us,
                                          .took_us = m->took_us,
                                          .read_bytes = m->read_bytes,
                                          .unread_bytes = m->unread_bytes,
                                          .words = m->word_count,
                                          .threads = m->threads,
                                          .threads_unread = m->threads_unread };
    for (prof_block_id id = 1; id < prof_heap_block_max(a->heap); id++) {
        const struct prof_block *block = prof_heap_block(a->heap, id);
        if ((block->flags & (PROF_BLOCK_ALIVE | PROF_BLOCK_EXAMINED)) != PROF_BLOCK_ALIVE ||
            block->kind == TRK_ALLOC_MMAP)
            continue;
        memory->unexamined++;
        memory->unexamined_bytes += block->size;
    }
    add_class(a->reach, REACH_HELD, &memory->held, &memory->held_bytes);
    add_class(a->reach, REACH_POSSIBLE, &memory->possible, &memory->possible_bytes);
    add_class(a->reach, REACH_LOST, &memory->lost, &memory->lost_bytes);
    add_class(a->reach, REACH_INDIRECT, &memory->indirect, &memory->indirect_bytes);
    memory->strength = reach_strength(a, &memory->weaker);
}

/* "(Conn#12: its own count is 3, events say 2)" */
static void say_miscounted(const struct analysis *a, prof_obj_id id, struct prof_str *why)
{
    const struct prof_obj *obj = prof_heap_obj(a->heap, id);
    prof_str_addf(why, " (%s#%u: its own count is %lld, events say %lld)", prof_heap_type(a->heap, obj->type)->name,
                  obj->serial, (long long)obj->count + a->hold->facts[id].unaccounted, (long long)obj->count);
}

/* Whether the way the run ended leaves something open. A process that a signal or an exec ended did not get to clean
 * up; that matters only when counted objects were alive then. */
static bool end_is_open(const struct analysis *a, const struct prof_trace_info *info,
                        const struct prof_heap_totals *totals)
{
    if (a->ended)
        return false;
    bool over = info->finished && (info->end_reason == TRK_END_SIGNAL || info->end_reason == TRK_END_EXEC ||
                                   info->end_reason == TRK_END_GONE);
    return !over || totals->cut || totals->live_objects > 0;
}

void audit_doubt(struct analysis *a, const char *why)
{
    struct prof_audit *audit = &a->out->audit;
    const char *both = audit->why_uncertain != NULL ? prof_arena_printf(a->arena, "%s; %s", audit->why_uncertain, why)
                                                    : prof_arena_strdup(a->arena, why);

    audit->certain = false;
    audit->end_is_all = false;
    audit->why_uncertain = both != NULL ? both : "out of memory";
}

void audit_make(struct analysis *a)
{
    struct prof_audit *audit = &a->out->audit;
    const struct prof_bytes *bytes = &a->out->bytes;
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(a->heap));
    const struct prof_heap_totals *totals = prof_heap_totals(a->heap);
    struct prof_str why = { 0 };

    *audit =
        (struct prof_audit){ .events = totals->events, .lost = a->lost, .forced = totals->forced, .untold = a->untold };
    coverage(a, audit);
    overowned(a, audit);
    prof_obj_id miscounted = memory(a, audit);
    memory_facts(a, &audit->memory);
    audit->bytes_known = bytes->known;
    if (bytes->known && bytes->rss > 0)
        audit->bytes_unknown_share =
            (double)(bytes->unknown < 0 ? -bytes->unknown : bytes->unknown) / (double)bytes->rss;

    if (totals->events == 0)
        because(&why, "nothing was recorded");
    if (a->from_us > info->end_us && info->end_us != 0)
        because(&why, "--from is behind the end of the trace: no birth was looked at");
    if (info->attached)
        because(&why, "recording began while the program was running");
    if (info->filter[0] != '\0' && info->filtered > 0 && totals->by_op[TRK_OP_NEW] == 0 &&
        (strncmp(info->filter, "types=", 6) == 0 || totals->by_op[TRK_OP_ALLOC] == 0))
        because(&why, totals->by_op[TRK_OP_ALLOC] == 0 ? "the filter left out everything"
                                                       : "the filter left out all objects");
    if (audit->lost > 0)
        prof_str_addf(&why, "%s%llu events lost", why.length > 0 ? "; " : "", (unsigned long long)audit->lost);
    struct prof_flight flight = prof_trace_flight(prof_heap_trace(a->heap));
    if (flight.overwritten > 0)
        prof_str_addf(&why, "%sonly the newest events are kept: %llu older ones were overwritten",
                      why.length > 0 ? "; " : "", (unsigned long long)flight.overwritten);
    if (info->damage != NULL)
        because(&why, "the trace is damaged");
    size_t ahead = why.length, with_end = 0;
    if (end_is_open(a, info, totals)) {
        because(&why, a->not_ended != NULL ? a->not_ended : "the end of the run is not known");
        with_end = why.length;
    }
    if (with_end == 0 && !info->finished) // the exit is there, and what the recorder wrote behind it may have been
        because(&why, "the trace was not closed: what came last may be missing");
    if (info->malloc_note[0] != '\0') {
        because(&why, "allocations were not recorded: ");
        prof_str_add(&why, info->malloc_note);
    }
    unhooked_say(a, &why);
    // Where threads met at an object and their order had to be guessed, or lives at one address cannot be told apart
    // because their births bear no numbers, a few told counts cannot fit.
    audit->counts_guessed = audit->counts_wrong > 0 &&
                            (audit->forced > 0 || audit->counts_wrong == totals->counts_unsure) &&
                            audit->counts_wrong <= audit->counts_seen / 1000;
    if (audit->counts_wrong > 0 && !audit->counts_guessed)
        prof_str_addf(&why, "%s%llu of %llu observed counts do not fit the events", why.length > 0 ? "; " : "",
                      (unsigned long long)audit->counts_wrong, (unsigned long long)audit->counts_seen);
    if (audit->counts_wrong > 0 && !audit->counts_guessed && miscounted != 0)
        say_miscounted(a, miscounted, &why);
    // What the samples count twice (negative) hides nothing.
    // A filter leaves blocks out on purpose.
    if (info->filter[0] == '\0' && bytes->known && bytes->unknown > unknown_bytes_least &&
        audit->bytes_unknown_share > unknown_share_most)
        prof_str_addf(&why, "%s%.0f %% of the resident memory has no known owner", why.length > 0 ? "; " : "",
                      audit->bytes_unknown_share * 100);
    audit->end_is_all = ahead == 0 && with_end > 0 && why.length == with_end;
    audit->certain = why.length == 0 && !why.failed;
    audit->why_uncertain = why.length > 0 ? prof_arena_strdup(a->arena, why.text) : NULL;
    if (!audit->certain && audit->why_uncertain == NULL)
        audit->why_uncertain = "out of memory";
    prof_str_deinit(&why);
}
