/* define.c: copies the definitions that events cite out of the arena into the trace, once per trace.
 *
 * A definition is published before the first record that cites it, so it is complete when the record is seen; an id
 * that leads nowhere is left undefined (readers know how to live with that). Copies are checked after copying: the
 * target may change the original at any time. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

static bool seen(const uint8_t *bitmap, uint64_t id)
{
    return bitmap[id >> 3] & (1u << (id & 7));
}

static void see(uint8_t *bitmap, uint64_t id)
{
    bitmap[id >> 3] |= (uint8_t)(1u << (id & 7));
}

void rec_define_again(struct proc *proc)
{
    memset(proc->stacks_seen, 0, proc->arena->depot_bytes / TRK_STACK_UNIT / 8 + 1);
    memset(proc->texts_seen, 0, proc->arena->text_bytes / TRK_TEXT_UNIT / 8 + 1);
}

void rec_define_stack(struct proc *proc, uint32_t id)
{
    const struct arena *arena = proc->arena;
    uint64_t off = (uint64_t)id * TRK_STACK_UNIT;
    if (id == 0 || off + sizeof(uint64_t) > arena->depot_bytes || seen(proc->stacks_seen, id))
        return;
    const uint64_t *entry = (const uint64_t *)(const void *)(arena->base + arena->depot_off + off);
    /* Partner: the release store that publishes the stack. */
    uint64_t head = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
    unsigned frames = (head >> TRK_STACK_COUNT_SHIFT) & 0xff;
    if (frames == 0 || frames > TRK_STACK_MAX_FRAMES ||
        frames * sizeof(uint64_t) > arena->depot_bytes - off - sizeof(uint64_t))
        return;
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    memcpy(pcs, entry + 1, frames * sizeof pcs[0]);
    struct trk_stack_def def = { .id = id,
                                 .generation = (uint16_t)(head & TRK_STACK_GEN_MASK),
                                 .frames = (uint8_t)frames,
                                 .flags = (uint8_t)(head >> TRK_STACK_FLAGS_SHIFT) };
    see(proc->stacks_seen, id);
    if (proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_stack(proc->writer, &def, pcs));
}

void rec_define_text(struct proc *proc, uint64_t id)
{
    uint32_t length;
    if (id >= proc->arena->text_bytes / TRK_TEXT_UNIT || seen(proc->texts_seen, id))
        return;
    const char *text = rec_arena_text(proc->arena, id, TRK_TEXT_STRING, &length);
    if (text == NULL)
        return;
    see(proc->texts_seen, id);
    if (proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_text(proc->writer, (uint32_t)id, text, length));
}

uint32_t rec_define_own_text(struct proc *proc, const char *text)
{
    /* Texts of an arena are found by offset / TRK_TEXT_UNIT, which stays below 2^29. */
    char *copy = strdup(text);
    if (copy == NULL || proc->own_texts.count >= UINT32_C(1) << 30 || !prof_vec_push(&proc->own_texts, copy)) {
        free(copy);
        return 0;
    }
    uint32_t id = UINT32_C(1) << 31 | (uint32_t)proc->own_texts.count;
    if (proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_text(proc->writer, id, text, strlen(text)));
    return id;
}

void rec_define_type(struct proc *proc, uint64_t id)
{
    if (id == 0 || id >= TRK_TYPE_MAX || seen(proc->types_seen, id))
        return;
    uint32_t length;
    uint32_t text_id = __atomic_load_n(&proc->arena->types[id], __ATOMIC_ACQUIRE);
    const char *text = rec_arena_text(proc->arena, text_id, TRK_TEXT_TYPE, &length);
    struct trk_type_def def;
    if (text == NULL || length < sizeof def)
        return;
    memcpy(&def, text, sizeof def);
    def.id = (uint32_t)id;
    see(proc->types_seen, id);
    rec_counted_type(proc, &def);
    uint32_t name = length - (uint32_t)sizeof def;
    if (def.name_len < name)
        name = def.name_len;
    if (proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_type(proc->writer, &def, text + sizeof def, name));
}
