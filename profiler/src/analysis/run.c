/* run.c: how the recorded run ended, and what is missing of it. */
#include "analysis.h"

static uint64_t at_least(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void run_facts(struct analysis *a)
{
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(a->heap));
    const struct prof_heap_totals *totals = prof_heap_totals(a->heap);
    const struct trk_loss *loss = &info->loss;

    a->main_tid = info->pid;
    a->malloc_seen = totals->allocs > 0;
    a->lost = at_least(at_least(loss->dropped, loss->holes), at_least(loss->write_lost, loss->in_flight));
    a->lost = at_least(a->lost, loss->emergency);
    bool exit_seen = totals->by_op[TRK_OP_EXIT] > 0;
    if (totals->cut)
        a->not_ended = "this is a moment before the end of the run";
    else if (info->finished && info->end_reason == TRK_END_SIGNAL)
        a->not_ended = prof_arena_printf(a->arena, "the program was ended by signal %d", (int)info->end_value);
    else if (info->finished && info->end_reason == TRK_END_EXEC)
        a->not_ended = "the program replaced itself by another";
    else if (info->finished && info->end_reason == TRK_END_STOPPED)
        a->not_ended = "recording was stopped while the program ran on";
    else if (info->finished && info->end_reason == TRK_END_SNAPSHOT)
        a->not_ended = "this is a snapshot of a program that ran on";
    else if (info->finished && info->end_reason == TRK_END_RECOVERED)
        a->not_ended = "the recorder died before the program's end";
    else if (info->finished && info->end_reason == TRK_END_LIMIT)
        a->not_ended = prof_arena_printf(a->arena,
                                         "the trace reached its limit of size after %.1f s: what happened later is not "
                                         "known",
                                         (double)info->end_us / 1e6);
    else if (info->finished && info->end_reason == TRK_END_FAILED)
        a->not_ended = "the recorder gave up";
    else if (exit_seen || (info->finished && info->end_reason == TRK_END_EXIT))
        a->ended = true;
    else if (!info->finished)
        a->not_ended = "the trace has no end";
    else
        a->not_ended = "how the program ended is not known";
    if (a->ended && info->damage != NULL) { // releases may be behind the damage
        a->ended = false;
        a->not_ended = info->finished ? "it could not be read to its end" : "the trace has no end";
    }
    // A moment that was chosen, or a run that goes on, is asked what is lost by then.
    bool chosen =
        totals->cut || (info->finished ? info->end_reason == TRK_END_STOPPED || info->end_reason == TRK_END_SNAPSHOT
                                       : info->damage == NULL);
    a->broken_off = !a->ended && !chosen;
}
