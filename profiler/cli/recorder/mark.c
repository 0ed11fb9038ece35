/* mark.c: marks, and commands to the generations, that the recorder writes into a trace because somebody asked.
 *
 * A mark stands in a ring of the recorder's own. Its time is a tick that no thread of the target has copied: threads
 * that recorded something before have an earlier one, those that record later get a later one. Within the resolution of
 * one store to shared memory the mark therefore parts what happened before it from what came after. */
#include "private.h"

/* Flight recordings keep their marks in memory until they are written. */
enum { MARKS_SLOTS_MAX = 1 << 16 };

/* The arena's clock at a moment that it has not shown before; shows the next one. */
static uint64_t fresh_tick(struct arena *arena)
{
    uint64_t shown = __atomic_load_n(&arena->h->tick_us, __ATOMIC_RELAXED), now;
    uint64_t give_up = rec_arena_us(arena) + 1000; /* the target may have scribbled over the word */
    while ((now = rec_arena_us(arena)) <= shown && now < give_up)
        continue;
    __atomic_store_n(&arena->h->tick_us, now + 1, __ATOMIC_SEQ_CST); /* partner: every thread's copy */
    while (rec_arena_us(arena) <= now + 1)
        continue;
    return now;
}

bool rec_mark(struct proc *proc, const char *name)
{
    struct arena *arena = proc->arena;
    if (proc->marks.pending.count > MARKS_SLOTS_MAX)
        return false;
    uint64_t tick = fresh_tick(arena);
    uint32_t text = rec_define_own_text(proc, name);
    if (text == 0)
        return false;
    const struct trk_slot slots[] = {
        { (uint64_t)TRK_OP_TICK << TRK_OP_SHIFT, tick << TRK_ARG_SHIFT },
        { (uint64_t)TRK_OP_MARK << TRK_OP_SHIFT, 0 },
        { (uint64_t)TRK_EXT_TEXT << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT, text },
        { (uint64_t)TRK_EXT_VALUE << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT, tick },
    };
    rec_take(arena->rec, proc, &proc->marks, slots, sizeof slots / sizeof slots[0]);
    proc->data_since_flush = true;
    return true;
}

bool rec_gc_command(struct proc *proc, unsigned command, uint64_t arg, uint64_t value)
{
    struct arena *arena = proc->arena;
    if (proc->marks.pending.count > MARKS_SLOTS_MAX)
        return false;
    if (command == TRK_GC_DO_COLLECT)
        value = ++proc->gc.collects;
    uint64_t tick = fresh_tick(arena);
    const struct trk_slot slots[] = {
        { (uint64_t)TRK_OP_TICK << TRK_OP_SHIFT, tick << TRK_ARG_SHIFT },
        { (uint64_t)TRK_OP_GC << TRK_OP_SHIFT | (uint64_t)command << TRK_AUX_SHIFT, arg << TRK_ARG_SHIFT },
        { (uint64_t)TRK_EXT_VALUE << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT, value },
    };
    rec_take(arena->rec, proc, &proc->marks, slots, sizeof slots / sizeof slots[0]);
    proc->data_since_flush = true;
    return true;
}
