/* object_link.c: asks the object graph: nodes, links, where the references of an object are, and what all that is
 * called. */
#include "object_graph.h"

#include <string.h>

#include <prof/block.h>

struct prof_heap *prof_graph_heap(const struct prof_graph *g)
{
    return g->a.heap;
}

const char *prof_graph_unread(struct prof_graph *g)
{
    const char *cost;

    return g->a.hold != NULL ? NULL : reach_not_read(&g->a, &cost);
}

bool prof_graph_examined(const struct prof_graph *g, prof_node node)
{
    if (g->a.hold == NULL)
        return false;
    return node < g->a.n ? g->a.hold->facts[node].examined
                         : (prof_heap_block(g->a.heap, node - g->a.n)->flags & PROF_BLOCK_EXAMINED) != 0;
}

prof_node prof_graph_max(const struct prof_graph *g)
{
    return g->a.nodes;
}

bool prof_graph_has(const struct prof_graph *g, prof_node node)
{
    return node < g->a.nodes && (g->flags[node] & NODE_ALIVE) != 0;
}

prof_node prof_graph_of_obj(const struct prof_graph *g, prof_obj_id id)
{
    return id != 0 && id < g->a.n && prof_graph_has(g, id) ? id : PROF_NODE_NONE;
}

prof_node prof_graph_of_block(const struct prof_graph *g, prof_block_id id)
{
    if (id == 0 || id >= prof_heap_block_max(g->a.heap))
        return PROF_NODE_NONE;
    const struct prof_block *block = prof_heap_block(g->a.heap, id);
    if ((block->flags & PROF_BLOCK_ALIVE) != 0 && block->first_obj != 0)
        return prof_graph_of_obj(g, block->first_obj);
    return prof_graph_has(g, g->a.n + id) ? g->a.n + id : PROF_NODE_NONE;
}

prof_obj_id prof_graph_obj(const struct prof_graph *g, prof_node node)
{
    return node < g->a.n ? node : 0;
}

prof_block_id prof_graph_block(const struct prof_graph *g, prof_node node)
{
    return node < g->a.n ? 0 : node - g->a.n;
}

bool prof_graph_pinned(const struct prof_graph *g, prof_node node)
{
    return (g->flags[node] & NODE_PINNED) != 0;
}

/* ---- Links ------------------------------------------------------------------------------------------------------- */

/* A reference that no node holds: a root, or what is left of its variable. Owners of slots are known since the graph
 * was made, so that no memory is needed. */
static void tell_root(const struct prof_graph *g, const struct prof_open *open, struct prof_link *link)
{
    struct owner owner;
    struct analysis *a = (struct analysis *)&g->a; // caches only

    if (!owner_of(a, open, &owner))
        return;
    link->gone = !owner_is_root(a, &owner);
    switch (owner.kind) {
    case OWNER_GLOBAL:
        link->root = PROF_ROOT_GLOBAL;
        break;
    case OWNER_REGION:
        link->root = PROF_ROOT_REGION;
        break;
    case OWNER_STACK:
    case OWNER_THREAD:
        link->root = PROF_ROOT_STACK;
        break;
    default:
        link->root = PROF_ROOT_UNRECORDED;
    }
}

/* Was the pointer still in its slot when memory was read, and was the object the one it is now? */
static bool stands_there(const struct hold *hold, const struct prof_obj *obj, const struct prof_open *open)
{
    uint32_t word;

    return hold != NULL && open->kind == PROF_OPEN_SLOT && hold->facts[open->obj].examined &&
           hold_word_at(hold->memory, open->slot, &word) && word != GRAPH_NONE &&
           hold->memory->words[word].value == obj->addr;
}

struct prof_link object_link(const struct prof_graph *g, uint32_t from, uint32_t to, uint32_t label)
{
    uint32_t index = label & LABEL_INDEX;
    struct prof_link link = {
        .from = from == GRAPH_NONE ? PROF_NODE_NONE : from, .to = to, .kind = label_kind(label), .word = UINT32_MAX
    };

    if (link.kind == PROF_LINK_SLOT || link.kind == PROF_LINK_HOLDER) {
        const struct prof_open *open = prof_heap_open(g->a.heap, index);
        link.open = index;
        link.at = open->slot;
        link.stack = open->moved_stack != 0 ? open->moved_stack : open->stack;
        link.tid = open->tid;
        link.unbacked = !prof_open_backed(open);
        link.doubted = !prof_open_certain(open) && !stands_there(g->a.hold, prof_heap_obj(g->a.heap, open->obj), open);
        if (from == GRAPH_NONE)
            tell_root(g, open, &link);
    } else if (link.kind == PROF_LINK_WEAK) {
        const struct prof_weak *weak = &g->weak.items[index];
        link.at = weak->slot;
        link.stack = weak->stack;
        link.tid = weak->tid;
        if (from == GRAPH_NONE)
            link.root = PROF_ROOT_UNRECORDED;
    } else {
        const struct prof_memory_word *word = &g->a.hold->memory->words[index];
        unsigned kind = g->a.reach->place[index] & REACH_PLACE_ROOT;
        link.word = index;
        link.at = word->at;
        link.interior = (g->a.reach->place[index] & REACH_PLACE_START) == 0;
        if (from == GRAPH_NONE)
            link.root = kind != PROF_ROOT_NONE ? (enum prof_root_kind)kind : PROF_ROOT_FREED;
    }
    return link;
}

uint32_t prof_graph_referents(const struct prof_graph *g, prof_node node)
{
    return g->to.first[node + 1] - g->to.first[node];
}

struct prof_link prof_graph_referent(const struct prof_graph *g, prof_node node, uint32_t i)
{
    uint32_t e = g->to.first[node] + i;
    return object_link(g, node, g->to.to[e], g->to.label[e]);
}

uint32_t prof_graph_referrers(const struct prof_graph *g, prof_node node)
{
    return g->from.first[node + 1] - g->from.first[node];
}

struct prof_link prof_graph_referrer(const struct prof_graph *g, prof_node node, uint32_t i)
{
    uint32_t e = g->from.first[node] + i;
    return object_link(g, g->from.to[e], node, g->from.label[e]);
}

size_t prof_graph_links(const struct prof_graph *g)
{
    return g->from.first[g->a.nodes];
}

/* ---- Where the references are ------------------------------------------------------------------------------------ */

struct prof_refcount prof_graph_refcount(const struct prof_graph *g, prof_node node)
{
    struct prof_refcount rc = { 0 };

    if (node >= g->a.n)
        return rc;
    const struct prof_obj *obj = prof_heap_obj(g->a.heap, node);
    rc.count = obj->count;
    int64_t gone = 0;
    for (uint32_t i = 0; i < prof_graph_referrers(g, node); i++) {
        struct prof_link link = prof_graph_referrer(g, node, i);
        if (!prof_link_counted(link.kind))
            continue;
        if (link.unbacked)
            rc.unbacked++;
        else if (link.gone)
            gone++;
        else if (link.from != PROF_NODE_NONE)
            rc.heap++;
        else if (link.root == PROF_ROOT_STACK || link.root == PROF_ROOT_REGISTER)
            rc.stacks++;
        else
            rc.roots++;
    }
    // Pointers in memory may stand for what had another variable before.
    int64_t unowned = g->unowned[node] > 0 ? g->unowned[node] : 0;
    rc.gone = gone < unowned ? gone : unowned;
    rc.anonymous = g->unowned[node] - rc.gone;
    const struct hold_facts *facts = g->a.hold != NULL ? &g->a.hold->facts[node] : NULL;
    if (facts != NULL && facts->counted) {
        rc.observed = true;
        rc.unaccounted = facts->unaccounted;
    } else if ((obj->flags & PROF_OBJ_COUNTED) != 0 && (obj->flags & PROF_OBJ_SKEWED) == 0) {
        rc.observed = true;
        rc.unaccounted = (int64_t)obj->observed - obj->count;
    }
    return rc;
}

enum prof_keeping prof_graph_keeping(const struct prof_graph *g, prof_node node)
{
    bool object = node < g->a.n;
    // Whoever runs on may have it where nobody was told.
    enum prof_keeping unseen = object && g->a.ended ? PROF_KEEPING_LOST : PROF_KEEPING_UNKNOWN;

    if (object && g->a.fate[node] != FATE_LEAKED)
        return PROF_KEEPING_HELD;
    if (!object && prof_graph_pinned(g, node))
        return PROF_KEEPING_HELD;
    if (!prof_graph_examined(g, node))
        return unseen;
    uint64_t addr = object ? prof_heap_obj(g->a.heap, node)->addr : prof_heap_block(g->a.heap, node - g->a.n)->addr;
    uint32_t at = reach_at(g->a.reach, addr);
    if (at == GRAPH_NONE)
        return unseen;
    bool lost = g->a.reach->class_[at] == REACH_LOST || g->a.reach->class_[at] == REACH_INDIRECT;
    return lost ? PROF_KEEPING_LOST : PROF_KEEPING_HELD;
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

const char *prof_graph_name(struct prof_graph *g, prof_node node)
{
    uint32_t at = map_get(&g->name_of, node);
    char buf[512];
    const char *name;

    if (at != UINT32_MAX)
        return g->names.items[at];
    if (node < g->a.n) {
        const struct prof_obj *obj = prof_heap_obj(g->a.heap, node);
        name = prof_arena_printf(&g->out.arena, "%s#%u", prof_heap_type(g->a.heap, obj->type)->name, obj->serial);
    } else {
        name =
            prof_arena_strdup(&g->out.arena, prof_block_text(buf, sizeof buf, g->a.heap, g->a.symbols, node - g->a.n));
    }
    if (name == NULL || !prof_vec_push(&g->names, name) || !map_put(&g->name_of, node, (uint32_t)g->names.count - 1))
        return NULL;
    return name;
}

const char *prof_graph_kind(struct prof_graph *g, prof_node node)
{
    struct owner owner;

    if (node < g->a.n)
        return prof_heap_type(g->a.heap, prof_heap_obj(g->a.heap, node)->type)->name;
    return owner_block(&g->a, node - g->a.n, &owner) ? owner.text : NULL;
}

const char *prof_graph_field(struct prof_graph *g, const struct prof_link *link)
{
    struct owner owner;
    const char *field = NULL;

    if (link->from == PROF_NODE_NONE || link->kind == PROF_LINK_HOLDER)
        return "";
    if (link->from < g->a.n)
        return owner_object(&g->a, link->from, link->at, &owner) ? owner.field : NULL;
    uint64_t offset = link->at - prof_heap_block(g->a.heap, link->from - g->a.n)->addr;
    if (!owner_block_field(&g->a, link->from - g->a.n, offset, &field))
        return NULL;
    return field != NULL ? field : prof_arena_printf(&g->out.arena, "+%llu", (unsigned long long)offset);
}

const char *prof_graph_place(struct prof_graph *g, const struct prof_link *link)
{
    struct owner owner;

    if (link->from != PROF_NODE_NONE) {
        const char *name = prof_graph_name(g, link->from), *field = prof_graph_field(g, link);
        if (name == NULL || field == NULL)
            return NULL;
        bool dot = field[0] != '\0' && field[0] != '+' && field[0] != '[';
        bool apart = field[0] == '[' || (field[0] == '+' && link->from >= g->a.n);
        return prof_arena_printf(&g->out.arena, "%s%s%s", name, dot ? "." : apart ? " " : "", field);
    }
    if (link->word != UINT32_MAX)
        return reach_root_text(&g->a, link->root, link->word);
    if (link->open != 0)
        return owner_of(&g->a, prof_heap_open(g->a.heap, link->open), &owner) ? owner.text : NULL;
    return prof_arena_printf(&g->out.arena, "memory at 0x%llx", (unsigned long long)link->at);
}
