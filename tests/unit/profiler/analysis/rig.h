/* rig.h: what the tests of findings share: a trace, made-up symbols, and the findings of it. */
#ifndef ANALYSIS_RIG_H
#define ANALYSIS_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <prof/finding.h>

#include "fake_symbols.h"
#include "mktrace.h"

struct rig {
    struct mk_trace *t;
    struct prof_symbols *symbols;
    struct prof_findings *findings;
    const struct prof_finding *list;
    size_t count;
};

/* A local variable of the main thread, by number. */
#define LOCAL(n) (MK_STACK_BASE + 0x1000 + 8 * (uint64_t)(n))
#define AT(name) fake_at(rig->symbols, rig->t, name)

static inline void rig_begin(struct rig *rig)
{
    *rig = (struct rig){ .t = mk_create(), .symbols = fake_create() };
    fake_wrapper(rig->symbols, "obj_ref");
    fake_wrapper(rig->symbols, "obj_unref");
}

/* The findings of the trace so far, which this finishes. */
static inline void rig_find(struct rig *rig, const struct prof_findings_options *options)
{
    struct prof_heap *heap = mk_heap(rig->t);

    prof_findings_destroy(rig->findings);
    struct prof_error *error = prof_findings_create(heap, rig->symbols, options, &rig->findings);
    if (error != NULL)
        fail_msg("%s", error->message);
    rig->count = prof_findings_list(rig->findings, &rig->list);
}

static inline void rig_print(const struct rig *rig)
{
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        print_message("%u %s%s %s %s: %llu objects, %llu bytes, +%llu; %s%s%s%s\n", f->id, f->gating ? "!" : "",
                      prof_verdict_name(f->verdict), prof_strength_name(f->strength), f->type,
                      (unsigned long long)f->objects, (unsigned long long)f->bytes,
                      (unsigned long long)f->collateral_objects, f->sentence, f->reasons != NULL ? " (" : "",
                      f->reasons != NULL ? f->reasons : "", f->reasons != NULL ? ")" : "");
        for (size_t j = 0; j < f->open_count; j++) {
            const struct prof_finding_open *o = &f->open[j];
            const struct prof_frame *frame = prof_symbols_site_frame(rig->symbols, o->stack);
            print_message(
                "    %s%s x%llu at %s:%u held by %s.%s %s\n", prof_pairing_name(o->pairing), o->birth ? " birth" : "",
                (unsigned long long)o->count, frame->function != NULL ? frame->function : "?", frame->line,
                o->holder_type != NULL ? o->holder_type : "-", o->holder_field != NULL ? o->holder_field : "-",
                o->holder_text != NULL ? o->holder_text : "");
        }
    }
}

/* How many findings there must be, without the totals of what is held by design and of plain blocks. */
static inline void rig_expect(const struct rig *rig, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < rig->count; i++)
        found += rig->list[i].verdict != PROF_REACHABLE && rig->list[i].verdict != PROF_UNFREED;
    if (found != count) {
        rig_print(rig);
        fail_msg("%zu findings instead of %zu", found, count);
    }
}

/* The only finding of a verdict, of objects or of plain blocks. */
static inline const struct prof_finding *rig_only(const struct rig *rig, enum prof_verdict verdict, bool plain)
{
    const struct prof_finding *found = NULL;
    for (size_t i = 0; i < rig->count; i++) {
        if (rig->list[i].verdict != verdict || rig->list[i].plain != plain)
            continue;
        if (found != NULL) {
            rig_print(rig);
            fail_msg("more than one %s", prof_verdict_name(verdict));
        }
        found = &rig->list[i];
    }
    if (found == NULL) {
        rig_print(rig);
        fail_msg("no %s", prof_verdict_name(verdict));
    }
    return found;
}

/* Of objects; only plain blocks are unfreed. */
static inline const struct prof_finding *rig_one(const struct rig *rig, enum prof_verdict verdict)
{
    return rig_only(rig, verdict, verdict == PROF_UNFREED);
}

/* "function:line" of a stack's site. */
static inline void rig_at(const struct rig *rig, uint32_t stack, const char *place)
{
    char text[128];
    const struct prof_frame *frame = prof_symbols_site_frame(rig->symbols, stack);
    snprintf(text, sizeof text, "%s:%u", frame->function != NULL ? frame->function : "?", frame->line);
    assert_string_equal(text, place);
}

static inline void rig_end(struct rig *rig)
{
    prof_findings_destroy(rig->findings);
    mk_destroy(rig->t);
    prof_symbols_destroy(rig->symbols);
    *rig = (struct rig){ 0 };
}

/* Born and correctly released: birth given back at `last`, with one more reference taken and given back in between. */
static inline void rig_healthy(struct rig *rig, const char *type, uint64_t addr, const char *born, const char *take,
                               const char *give, const char *last)
{
    mk_born(rig->t, type, addr, 64, born);
    if (take != NULL) {
        mk_ref(rig->t, addr, 0, take);
        mk_unref(rig->t, addr, 0, give);
    }
    mk_unref(rig->t, addr, 0, last);
    mk_gone(rig->t, addr, last);
}

#endif
