/* reach_heap.c: what a heap gives to reach.c: its blocks, which interior pointers are as good as starts, which memory
 * was freed since; and how sure what comes out of it can be. */
#include "analysis.h"

#include <prof/block.h>

#include <stdlib.h>
#include <string.h>

struct gather {
    struct analysis *a;
    const struct prof_memory *memory;
    PROF_VEC(struct reach_node) nodes;
    struct map maker_of;  /* stack -> enum maker */
    struct map loader_of; /* stack -> did the dynamic loader allocate it? */
    struct map layout_of; /* stack, kind, size and told type of blocks -> layouts */
    PROF_VEC(const struct prof_layout *) layouts;
    /* What was asked last: blocks that lie side by side are of one kind more often than not. */
    uint64_t last_layout_key;
    const struct prof_layout *last_layout;
};

/* What the first function that is known says. libstdc++ jumps from `operator new[]` to `operator new`: no frame is left
 * of the former. */
enum maker { MAKER_OTHER, MAKER_NEW, MAKER_NEW_ARRAY, MAKER_GLIB };

static bool begins(const char *text, const char *with)
{
    return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* GLib's types and instances begin with what their users do not see, and its slices lie in slabs: whoever has them
 * points into blocks, never to their starts. site: the first frame that is no allocator's. */
static bool is_glibs(const struct prof_frame *frames, size_t site)
{
    for (size_t i = 0; i <= site; i++) {
        if (begins(frames[i].function, "g_slice_alloc") || begins(frames[i].function, "g_type_"))
            return true;
    }
    return begins(file_of(frames[site].module), "libgobject-2.0.");
}

static enum maker maker_of(struct gather *g, uint32_t stack)
{
    uint32_t known = map_get(&g->maker_of, stack);
    if (known != UINT32_MAX)
        return (enum maker)known;
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(g->a->symbols, stack, &frames);
    size_t site = prof_symbols_inner(g->a->symbols, stack);
    enum maker maker = site < count && is_glibs(frames, site) ? MAKER_GLIB : MAKER_OTHER;
    for (size_t i = 0; i < count && maker != MAKER_NEW_ARRAY && maker != MAKER_GLIB; i++) {
        const char *name = frames[i].function;
        if (begins(name, "operator new[]") || begins(name, "_Zna"))
            maker = MAKER_NEW_ARRAY;
        else if (begins(name, "operator new") || begins(name, "_Znw"))
            maker = MAKER_NEW;
        else if (name != NULL && !frames[i].wrapper)
            break;
    }
    (void)map_put(&g->maker_of, stack, maker); // without memory it is looked up again
    return maker;
}

/* Is that where users of the block point? Behind the head of a C++ array, with the number of its elements (of what
 * `operator new` made: when there is nothing but the head, or the source says so), and anywhere in what GLib made. */
static bool is_usual(struct gather *g, const struct reach_node *node, uint64_t offset)
{
    struct prof_heap *heap = g->a->heap;
    struct prof_block_type type;

    if (offset % 8 != 0 || node->size < offset || g->a->options->no_heuristics)
        return false;
    switch (maker_of(g, prof_heap_block(heap, node->id)->stack)) {
    case MAKER_GLIB:
        return true;
    case MAKER_NEW_ARRAY:
        return offset <= 16;
    case MAKER_NEW:
        return offset <= 16 &&
               (node->size == offset || (prof_block_type(heap, g->a->symbols, node->id, &type) && type.array));
    default:
        return false;
    }
}

/* Did the dynamic loader allocate it, for itself? It keeps pointers where nobody else looks: a thread's table of TLS
 * blocks is known only to the stack that is kept for the next thread. LeakSanitizer takes them for roots, too. */
static bool is_loaders(struct gather *g, uint32_t stack)
{
    uint32_t known = map_get(&g->loader_of, stack);
    if (known != UINT32_MAX)
        return known != 0;
    const char *name = file_of(prof_symbols_inner_frame(g->a->symbols, stack)->module);
    bool is = begins(name, "ld-linux") || begins(name, "ld-2.") || begins(name, "ld-musl");
    (void)map_put(&g->loader_of, stack, is); // without memory it is looked up again
    return is;
}

static bool starts(void *ctx, const struct reach_node *node, uint64_t addr)
{
    struct gather *g = ctx;
    struct prof_heap *heap = g->a->heap;

    if (node->flags & REACH_NODE_OBJECT)
        return addr == prof_heap_obj(heap, node->id)->addr;
    const struct prof_block *block = prof_heap_block(heap, node->id);
    uint64_t offset = addr - node->start;
    if (block->flags & PROF_BLOCK_HAS_OBJECT && offset < node->size) {
        prof_obj_id id = prof_heap_obj_at(heap, addr);
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        if (id != 0 && (addr == obj->addr || addr == obj->start))
            return true;
    }
    return is_usual(g, node, offset);
}

static const struct prof_layout *layout_of_block(struct gather *g, prof_block_id id)
{
    const struct prof_block *block = prof_heap_block(g->a->heap, id);
    bool array = false;
    uint64_t told = prof_heap_block_type(g->a->heap, id, &array);
    uint64_t key = map_mix(map_mix((uint64_t)block->stack << 8 | block->kind, block->size), told << 1 | array);
    if (g->layouts.count > 0 && key == g->last_layout_key)
        return g->last_layout;
    uint32_t known = map_get(&g->layout_of, key);
    const struct prof_layout *layout =
        known < g->layouts.count ? g->layouts.items[known] : prof_block_layout(g->a->heap, g->a->symbols, id);
    // Without memory it is looked up again.
    if (known == UINT32_MAX && prof_vec_push(&g->layouts, layout))
        (void)map_put(&g->layout_of, key, (uint32_t)g->layouts.count - 1);
    g->last_layout_key = key;
    g->last_layout = layout;
    return layout;
}

/* The certain type of what lies at addr in a node, and where it begins; NULL: a guess at most. */
static const struct prof_layout *layout_at(struct gather *g, const struct reach_node *node, uint64_t addr,
                                           uint64_t *start)
{
    struct prof_heap *heap = g->a->heap;
    const struct prof_block *block = (node->flags & REACH_NODE_OBJECT) == 0 ? prof_heap_block(heap, node->id) : NULL;
    prof_obj_id id = 0;

    if (block == NULL)
        id = node->id;
    else if ((block->flags & PROF_BLOCK_HAS_OBJECT) != 0)
        id = prof_heap_obj_at(heap, addr);
    if (id != 0) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        *start = obj->start;
        if (obj->start != obj->addr || obj->type == 0 || addr < obj->start) // what is in front of it is not in its type
            return NULL;
        const struct prof_layout *layout =
            prof_symbols_layout(g->a->symbols, prof_heap_type(heap, obj->type)->name, obj->size);
        return layout != NULL && layout->size == obj->size ? layout : NULL; // else it may be one of the same name
    }
    *start = node->start;
    return block != NULL ? layout_of_block(g, node->id) : NULL;
}

const struct prof_layout *reach_layout(struct analysis *a, const struct reach_node *node, uint64_t addr,
                                       uint64_t *start)
{
    struct gather g = { .a = a };
    const struct prof_layout *layout = layout_at(&g, node, addr, start);
    prof_vec_deinit(&g.layouts);
    map_deinit(&g.layout_of);
    return layout;
}

static bool number(void *ctx, const struct reach_node *node, uint64_t addr)
{
    uint64_t start = 0;
    const struct prof_layout *layout = layout_at(ctx, node, addr, &start);
    return layout != NULL && prof_layout_at(layout, addr - start)->kind == PROF_WORD_NONE;
}

static bool freed(void *ctx, uint64_t addr)
{
    struct gather *g = ctx;
    return prof_heap_freed_since(g->a->heap, addr);
}

static bool add_blocks(struct gather *g)
{
    for (prof_block_id id = 1; id < prof_heap_block_max(g->a->heap); id++) {
        const struct prof_block *block = prof_heap_block(g->a->heap, id);
        if ((block->flags & PROF_BLOCK_ALIVE) == 0 || (block->flags & PROF_BLOCK_EXAMINED) == 0)
            continue;
        struct reach_node node = { .start = block->addr, .size = block->size, .id = id };
        if (block->kind == TRK_ALLOC_MMAP)
            node.flags = REACH_NODE_MMAP;
        else if ((block->flags & PROF_BLOCK_IGNORED) != 0)
            node.flags = REACH_NODE_PURPOSE;
        else if (is_loaders(g, block->stack))
            node.flags = REACH_NODE_LOADER;
        bool counted = (block->flags & PROF_BLOCK_HAS_OBJECT) != 0;
        for (prof_obj_id obj = block->first_obj; obj != 0 && node.flags == 0;) {
            const struct prof_obj *o = prof_heap_obj(g->a->heap, obj);
            if (o->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK))
                node.flags = REACH_NODE_PURPOSE;
            obj = o->next_in_block;
        }
        node.flags |= counted ? REACH_NODE_COUNTED : 0;
        if (!prof_vec_push(&g->nodes, node))
            return false;
    }
    return true;
}

static bool is_anonymous(const struct prof_memory *memory, uint64_t addr)
{
    size_t low = 0, high = memory->area_count;
    while (low < high) { // the first area that begins behind addr; those of registers come first
        size_t mid = low + (high - low) / 2;
        if (memory->areas[mid].kind == TRK_AREA_REGISTERS || memory->areas[mid].start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    const struct prof_memory_area *area = low > 0 ? &memory->areas[low - 1] : NULL;
    return area != NULL && area->kind == TRK_AREA_ANON && addr - area->start < area->size;
}

/* Objects in memory of which no allocation is known. In the data of a module or on a stack they are part of a root. */
static bool add_objects(struct gather *g)
{
    for (prof_obj_id id = 1; id < prof_heap_obj_max(g->a->heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(g->a->heap, id);
        if (obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD || obj->block != 0 ||
            obj->born_us >= g->memory->at_us || !is_anonymous(g->memory, obj->start))
            continue;
        struct reach_node node = { .start = obj->start, .size = obj->size, .id = id, .flags = REACH_NODE_OBJECT };
        if (obj->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK))
            node.flags = REACH_NODE_OBJECT | REACH_NODE_PURPOSE;
        if (!prof_vec_push(&g->nodes, node))
            return false;
    }
    return true;
}

/* Blocks exist, or may exist, of which nothing is known. */
static bool has_unrecorded(const struct analysis *a)
{
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(a->heap));
    return info->attached || a->lost > 0 || info->damage != NULL || info->filter[0] != '\0' ||
           info->malloc_note[0] != '\0' || !prof_heap_freed_since_complete(a->heap);
}

struct prof_error *reach_of_heap(struct analysis *a)
{
    struct gather g = { .a = a, .memory = prof_heap_memory(a->heap) };
    struct prof_error *error;

    if (g.memory == NULL)
        return NULL;
    if (!prof_vec_reserve(&g.nodes, 0) || !add_blocks(&g) || !add_objects(&g) || g.nodes.count >= GRAPH_NONE) {
        prof_vec_deinit(&g.nodes);
        map_deinit(&g.loader_of);
        return prof_error_memory();
    }
    struct reach_input input = { .memory = g.memory,
                                 .nodes = g.nodes.items,
                                 .n = (uint32_t)g.nodes.count,
                                 .starts = starts,
                                 .freed = freed,
                                 .number = number,
                                 .ctx = &g,
                                 .without = a->options->without_roots,
                                 .no_unaligned = a->options->no_unaligned,
                                 .halves = prof_trace_halves(prof_heap_trace(a->heap)),
                                 .unrecorded = has_unrecorded(a) };
    input.region_count = prof_heap_roots(a->heap, &input.regions);
    error = reach_create(&input, &a->reach);
    map_deinit(&g.maker_of);
    map_deinit(&g.loader_of);
    map_deinit(&g.layout_of);
    prof_vec_deinit(&g.layouts);
    return error;
}

enum prof_strength reach_strength(struct analysis *a, const char **ret_why)
{
    const struct prof_memory *m = prof_heap_memory(a->heap);
    const struct prof_trace_info *info = prof_trace_info(prof_heap_trace(a->heap));

    *ret_why = NULL;
    if (a->lost > 0)
        *ret_why = "events were lost";
    else if (info->damage != NULL)
        *ret_why = "the trace is damaged";
    else if (m->unread_bytes > 0)
        *ret_why = "not all memory could be read";
    else if (m->cut)
        *ret_why = "pointers went from place to place while memory was read";
    if (*ret_why != NULL)
        return PROF_SUSPECT;
    if (m->rung == TRK_RUNG_CONFIRMED)
        *ret_why = "memory was read while the program ran on";
    else if (m->rung != TRK_RUNG_STOPPED && !m->single)
        *ret_why = "other threads ran while memory was read";
    else if (m->threads_unread > 0)
        *ret_why = "the registers of some threads are not known";
    else if (info->attached)
        *ret_why = "recording began while the program was running";
    else if (!prof_heap_freed_since_complete(a->heap))
        *ret_why = "much was freed after memory had been read";
    return *ret_why != NULL ? PROF_PROBABLE : PROF_PROVEN;
}

enum prof_strength reach_garbage_strength(struct analysis *a, bool examined, uint64_t objects)
{
    const char *why;
    bool looked = examined && prof_heap_memory(a->heap) != NULL;

    if (a->lost >= objects && a->lost > 0) // a lost release explains one object at most
        return PROF_SUSPECT;
    if (!looked && !a->ended)
        return PROF_SUSPECT;
    return looked && reach_strength(a, &why) == PROF_PROVEN ? PROF_PROVEN : PROF_PROBABLE;
}

const char *reach_not_read(struct analysis *a, const char **ret_cost)
{
    const char *when = prof_trace_meta(prof_heap_trace(a->heap), "memory");
    const char *note = prof_trace_meta(prof_heap_trace(a->heap), "memory_note");

    *ret_cost = "lost blocks cannot be told from held ones";
    if (when != NULL && strcmp(when, "never") == 0) {
        *ret_cost = "lost blocks cannot be told from held ones; record without --no-memory to know";
        return "was not read (--no-memory)";
    }
    if (note != NULL && note[0] != '\0')
        return prof_arena_printf(a->arena, "was not read (%s)", note);
    if (when != NULL && strcmp(when, "none") == 0) {
        *ret_cost = "lost blocks cannot be told from held ones; see 'reftrack run --checkpoint'";
        return "was not read (no checkpoint was asked for)";
    }
    return "was not read";
}
