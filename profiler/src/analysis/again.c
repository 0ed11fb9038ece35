/* again.c: do the pointers that stand for references stand there for good?
 *
 * One look sees also what is borrowed for a moment. Garbage does not change: when nothing was told of the objects
 * since the checkpoint before, the same pointers must have stood there then. If so, and in fields that are pointers by
 * the type of their holder, the guess is as good as told slots; if not, somebody who can reach the objects wrote
 * there. */
#include "hold.h"

static bool was_idle(const struct analysis *a, uint32_t node, uint64_t since_us)
{
    if (node >= a->hold->objects)
        return prof_heap_block(a->heap, node - a->hold->objects)->born_us <= since_us;
    const struct prof_obj *obj = prof_heap_obj(a->heap, node);
    return obj->born_us <= since_us && obj->last_us <= since_us;
}

enum hold_again again_word(const struct analysis *a, const struct hold_word *word)
{
    const struct prof_checkpoint *before = prof_heap_memory_before(a->heap);

    if (before == NULL || word->kind != HOLD_NODE || !was_idle(a, word->from, before->at_us) ||
        !was_idle(a, word->to, before->at_us))
        return HOLD_AGAIN_UNKNOWN;
    if (prof_heap_memory_again(a->heap, word->index))
        return HOLD_AGAIN_SAME;
    bool whole = !before->cut && before->unread_bytes == 0 && (before->rung == TRK_RUNG_STOPPED || before->single);
    return whole ? HOLD_AGAIN_OTHER : HOLD_AGAIN_UNKNOWN;
}

bool again_is_typed(struct analysis *a, const struct hold_word *word)
{
    uint64_t at = a->hold->memory->words[word->index].at, start = 0;
    uint32_t node = reach_at(a->reach, at);
    const struct prof_layout *layout = node != GRAPH_NONE ? reach_layout(a, &a->reach->nodes[node], at, &start) : NULL;

    return layout != NULL && prof_layout_at(layout, at - start)->kind == PROF_WORD_POINTER;
}

double again_seconds(const struct analysis *a)
{
    const struct prof_checkpoint *before = prof_heap_memory_before(a->heap);
    uint64_t now_us = a->hold->memory->at_us;

    return before != NULL && before->at_us < now_us ? (double)(now_us - before->at_us) / 1e6 : 0;
}
