/* story.c: what memory says of one block: its class, the way to it, who points to it and what it points to. */
#include "analysis.h"

#include <prof/block.h>

#include <stdlib.h>

struct story {
    struct prof_block_story pub;
    struct prof_findings *out; /* keeps the texts */
};

static const enum prof_verdict verdicts[] = { [REACH_UNKNOWN] = PROF_UNFREED,
                                              [REACH_HELD] = PROF_REACHABLE,
                                              [REACH_POSSIBLE] = PROF_POSSIBLE,
                                              [REACH_LOST] = PROF_LOST,
                                              [REACH_INDIRECT] = PROF_INDIRECT };

/* The other end of a link: an object, when one is there, else the block. */
static void end_of(struct analysis *a, uint64_t addr, struct prof_block_link *link)
{
    owner_memory(a, addr, &link->obj, &link->block);
    if (link->obj != 0)
        link->block = 0;
}

static bool holder(struct analysis *a, uint32_t from, uint32_t word, struct prof_block_link *ret)
{
    const struct reach *r = a->reach;
    struct prof_path_step step = { .text = NULL };

    *ret = (struct prof_block_link){ .at = r->memory->words[word].at,
                                     .to = r->memory->words[word].value,
                                     .interior = (r->place[word] & REACH_PLACE_START) == 0 };
    if (from == GRAPH_NONE) {
        ret->text = reach_root_text(a, (enum prof_root_kind)(r->place[word] & REACH_PLACE_ROOT), word);
        return ret->text != NULL;
    }
    end_of(a, ret->at, ret);
    if (!reach_holder_step(a, ret->at, &step))
        return false;
    ret->text = step.text;
    return true;
}

static const char *name_of(struct analysis *a, const struct prof_block_link *link)
{
    struct owner owner = { .text = "memory" };

    if (link->obj != 0) {
        const struct prof_obj *obj = prof_heap_obj(a->heap, link->obj);
        return prof_arena_printf(a->arena, "%s#%u", prof_heap_type(a->heap, obj->type)->name, obj->serial);
    }
    return link->block == 0 || owner_block(a, link->block, &owner) ? owner.text : NULL;
}

static bool held(struct analysis *a, prof_block_id id, uint32_t word, struct prof_block_link *ret)
{
    const struct reach *r = a->reach;
    uint64_t at = r->memory->words[word].at, offset = at - prof_heap_block(a->heap, id)->addr;
    const char *field;

    *ret = (struct prof_block_link){ .at = at,
                                     .to = r->memory->words[word].value,
                                     .interior = (r->place[word] & REACH_PLACE_START) == 0 };
    end_of(a, ret->to, ret);
    if (!owner_block_field(a, id, offset, &field))
        return false;
    ret->text = field != NULL ? field : prof_arena_printf(a->arena, "+%llu", (unsigned long long)offset);
    ret->name = name_of(a, ret);
    return ret->text != NULL && ret->name != NULL;
}

static struct prof_block_link *room(struct analysis *a, uint64_t all, size_t *ret_count)
{
    *ret_count = all < PROF_BLOCK_LINKS ? (size_t)all : PROF_BLOCK_LINKS;
    return prof_arena_alloc(a->arena, (*ret_count + 1) * sizeof(struct prof_block_link));
}

static bool links(struct analysis *a, uint32_t node, prof_block_id id, struct prof_block_story *story)
{
    const struct reach *r = a->reach;

    if (!reach_holders(a->reach))
        return false;
    uint32_t in = r->in.first[node], out = r->out.first[node];
    story->all_holders = r->in.first[node + 1] - in;
    story->all_held = r->out.first[node + 1] - out;
    struct prof_block_link *holders = room(a, story->all_holders, &story->holder_count);
    struct prof_block_link *helds = room(a, story->all_held, &story->held_count);
    bool good = holders != NULL && helds != NULL;
    for (size_t i = 0; good && i < story->holder_count; i++)
        good = holder(a, r->in.to[in + i], r->in.label[in + i], &holders[i]);
    for (size_t i = 0; good && i < story->held_count; i++)
        good = held(a, id, r->out.label[out + i], &helds[i]);
    story->holders = holders;
    story->held = helds;
    return good;
}

static bool tell(struct analysis *a, prof_block_id id, struct prof_block_story *story)
{
    const struct prof_block *block = prof_heap_block(a->heap, id);
    const struct reach *r = a->reach;
    uint32_t node = r != NULL ? reach_at(r, block->addr) : GRAPH_NONE;

    while (node != GRAPH_NONE && ((r->nodes[node].flags & REACH_NODE_OBJECT) != 0 || r->nodes[node].id != id))
        node = r->nodes[node].around;
    if (node == GRAPH_NONE) {
        story->about = finding_blank(PROF_UNFREED, "");
        story->about.reasons = r == NULL ? "memory was not read" : "allocated or moved after memory had been read";
        return true;
    }
    story->about = finding_blank(verdicts[r->class_[node]], "");
    story->about.strength = reach_strength(a, &story->about.reasons);
    if (r->class_[node] == REACH_POSSIBLE)
        story->about.strength = PROF_SUSPECT;
    if (r->class_[node] == REACH_INDIRECT) {
        const struct reach_node *leader = &r->nodes[r->from[node]];
        *((leader->flags & REACH_NODE_OBJECT) != 0 ? &story->leader_obj : &story->leader) = leader->id;
    }
    return reach_tell_path(a, node, &story->about) && links(a, node, id, story);
}

struct prof_error *prof_block_story_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                           const struct prof_findings_options *options, prof_block_id id,
                                           struct prof_block_story **ret)
{
    struct story *story = calloc(1, sizeof *story);
    struct analysis a;

    if (story == NULL || !analysis_begin(&a, heap, symbols, options)) {
        free(story);
        return prof_error_memory();
    }
    story->out = a.out;
    struct prof_error *error = reach_of_heap(&a);
    if (error == NULL && !tell(&a, id, &story->pub))
        error = prof_error_memory();
    analysis_deinit(&a);
    if (error != NULL) {
        prof_block_story_destroy(&story->pub);
        return error;
    }
    *ret = &story->pub;
    return NULL;
}

void prof_block_story_destroy(struct prof_block_story *pub)
{
    struct story *story = (struct story *)(void *)pub;

    if (story == NULL)
        return;
    prof_findings_destroy(story->out);
    free(story);
}
