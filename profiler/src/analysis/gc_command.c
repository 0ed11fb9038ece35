/* gc_command.c: commands to the generations that stand in a trace (TRK_OP_GC), obeyed while it is replayed. */
#include <prof/gc.h>

#include <track/format.h>

static void collect(struct prof_gc_commands *commands, struct prof_gc *gc, const struct prof_event *event)
{
    struct prof_gc_pass pass;
    if (event->size >= PROF_GC_GENERATIONS)
        return; // whoever asks is told before: the trace is damaged, or was made by somebody else
    struct prof_error *error = prof_gc_collect(gc, (int)event->size, &pass);
    if (error != NULL && commands->error == NULL)
        commands->error = error;
    else if (error != NULL)
        prof_error_destroy(error);
    if (error != NULL)
        return;
    commands->number = (uint64_t)event->count;
    commands->pass = pass;
}

static uint32_t threshold(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

void prof_gc_obey(void *ctx, struct prof_gc *gc, const struct prof_event *event)
{
    if (event->op != TRK_OP_GC)
        return;
    const uint64_t value = (uint64_t)event->count;
    const uint32_t thresholds[PROF_GC_GENERATIONS] = { threshold(event->size), (uint32_t)value,
                                                       (uint32_t)(value >> 32) };
    switch (event->aux) {
    case TRK_GC_DO_COLLECT:
        collect(ctx, gc, event);
        break;
    case TRK_GC_DO_ENABLE:
        prof_gc_enable(gc, event->size != 0);
        break;
    case TRK_GC_DO_THRESHOLD:
        prof_gc_set_threshold(gc, thresholds);
        break;
    case TRK_GC_DO_FREEZE:
        if (event->size != 0)
            prof_gc_freeze(gc);
        else
            prof_gc_unfreeze(gc);
        break;
    case TRK_GC_DO_DEBUG: /* bits that are no flags mean nothing */
        prof_error_destroy(prof_gc_set_debug(gc, (unsigned)event->size & (PROF_GC_DEBUG_STATS | PROF_GC_DEBUG_LEAK)));
        break;
    default: /* of a later version */
        break;
    }
}
