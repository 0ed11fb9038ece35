/* reach_path.c: the way from a root to a block, in words: "global g_cache", then each object or block that leads on,
 * with the field in which the pointer stands. */
#include "analysis.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_MOST = 8 };

/* tid 0: whose it is, is not known. */
static const char *thread_text(struct analysis *a, const char *what, uint32_t tid)
{
    if (tid == 0)
        return prof_arena_printf(a->arena, "%s of a thread", what);
    if (tid == a->main_tid)
        return prof_arena_printf(a->arena, "%s of the main thread", what);
    return prof_arena_printf(a->arena, "%s of thread %u", what, tid);
}

static const char *region_text(struct analysis *a, uint64_t at)
{
    const char *name = owner_region(a, at);
    return prof_arena_printf(a->arena, "root region%s%s", name != NULL && name[0] != '\0' ? " " : "",
                             name != NULL ? name : "");
}

/* By the thread pointer that its registers told; 0: not known. */
static uint64_t thread_pointer(const struct prof_memory *memory, uint32_t tid)
{
    for (size_t i = 0; i < memory->area_count && memory->areas[i].kind == TRK_AREA_REGISTERS; i++) {
        const struct prof_memory_area *area = &memory->areas[i];
        for (size_t w = area->first; area->tid == tid && w < area->first + area->count; w++)
            if (memory->words[w].at == TRK_REGISTERS_THREAD)
                return memory->words[w].value;
    }
    return 0;
}

/* "thread-local 'cache' (thread 3) +8" */
static const char *variable_text(struct analysis *a, uint32_t tid, uint64_t at)
{
    uint64_t pointer = thread_pointer(a->reach->memory, tid);
    struct prof_place place;
    char thread[32], offset[32] = "";

    if (pointer == 0 || !prof_symbols_thread_place(a->symbols, pointer, at, &place) || place.name == NULL)
        return thread_text(a, "thread-local variable", tid);
    snprintf(thread, sizeof thread, "thread %u", tid);
    if (place.offset != 0)
        snprintf(offset, sizeof offset, " +%llu", (unsigned long long)place.offset);
    return prof_arena_printf(a->arena, "thread-local '%s' (%s)%s", place.name,
                             tid == a->main_tid ? "main thread" : thread, offset);
}

const char *reach_root_text(struct analysis *a, enum prof_root_kind kind, uint32_t word)
{
    const struct prof_memory *memory = a->reach->memory;
    uint64_t at = word != GRAPH_NONE ? memory->words[word].at : 0;
    uint32_t tid = word != GRAPH_NONE ? reach_area(a->reach, word)->tid : 0;
    struct prof_place place = { 0 };

    switch (kind) {
    case PROF_ROOT_GLOBAL:
        prof_symbols_place(a->symbols, memory->at_us, at, &place);
        return owner_global(a, &place);
    case PROF_ROOT_TLS:
        return variable_text(a, tid, at);
    case PROF_ROOT_REGION:
        return region_text(a, at);
    case PROF_ROOT_STACK:
        return thread_text(a, "stack", tid);
    case PROF_ROOT_REGISTER:
        return thread_text(a, reach_in_vector(reach_area(a->reach, word), at) ? "vector register" : "register", tid);
    case PROF_ROOT_PURPOSE:
        return "kept on purpose";
    case PROF_ROOT_LOADER:
        return "the dynamic loader";
    case PROF_ROOT_MAPPED:
        return "shared or file-backed memory";
    case PROF_ROOT_MMAP:
        return "memory that the program mapped";
    case PROF_ROOT_FREED:
        return "memory that was freed since";
    default:
        return "heap memory that was not recorded";
    }
}

bool reach_holder_step(struct analysis *a, uint64_t at, struct prof_path_step *step)
{
    prof_obj_id obj;
    prof_block_id block;
    struct owner owner = { .text = "memory" };

    owner_memory(a, at, &obj, &block);
    if (obj != 0) {
        if (!owner_object(a, obj, at, &owner))
            return false;
        step->obj = obj;
        step->text = prof_arena_printf(a->arena, "%s%s%s", owner.type, owner.field[0] == '+' ? "" : ".", owner.field);
        return step->text != NULL;
    }
    if (block != 0 && !owner_block(a, block, &owner))
        return false;
    uint64_t offset = block != 0 ? at - prof_heap_block(a->heap, block)->addr : 0;
    const char *field = NULL;
    if (block != 0 && !owner_block_field(a, block, offset, &field))
        return false;
    if (field != NULL) {
        step->text = prof_arena_printf(a->arena, "%s%s%s", owner.text, field[0] == '[' ? " " : ".", field);
        return step->text != NULL;
    }
    step->text =
        offset == 0 ? owner.text : prof_arena_printf(a->arena, "%s+%llu", owner.text, (unsigned long long)offset);
    return step->text != NULL;
}

bool reach_keep(struct analysis *a)
{
    struct prof_findings *out = a->out;

    if (a->reach == NULL)
        return true;
    out->class_of = calloc((size_t)prof_heap_block_max(a->heap) + 1, 1);
    if (out->class_of == NULL)
        return false;
    out->block_max = prof_heap_block_max(a->heap);
    for (uint32_t v = 0; v < a->reach->n; v++) {
        if ((a->reach->nodes[v].flags & REACH_NODE_OBJECT) == 0)
            out->class_of[a->reach->nodes[v].id] = a->reach->class_[v];
    }
    for (size_t i = 0; i < out->list.count; i++) {
        struct prof_finding *f = &out->list.items[i];
        if (f->plain || f->sample_count == 0)
            continue;
        const struct prof_obj *obj = prof_heap_obj(a->heap, f->samples[0]);
        uint32_t node = obj->state != PROF_OBJ_DEAD ? reach_at(a->reach, obj->addr) : GRAPH_NONE;
        bool its =
            node != GRAPH_NONE && a->reach->nodes[node].id == (obj->block != 0 ? obj->block : (uint32_t)f->samples[0]);
        if (its && !reach_tell_path(a, node, f))
            return false;
    }
    return true;
}

bool reach_tell_path(struct analysis *a, uint32_t node, struct prof_finding *finding)
{
    const struct reach *r = a->reach;
    uint32_t words[PATH_MOST];

    if (r->class_[node] != REACH_HELD && r->class_[node] != REACH_POSSIBLE)
        return true;
    size_t length = reach_path(r, node, words, PATH_MOST), count = length < PATH_MOST ? length : PATH_MOST;
    struct prof_path_step *steps = prof_arena_alloc(a->arena, count * sizeof *steps);
    if (steps == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t word = words[i];
        steps[i] = (struct prof_path_step){ .text = NULL };
        if (word != GRAPH_NONE) {
            steps[i].at = r->memory->words[word].at;
            steps[i].interior = (r->place[word] & REACH_PLACE_START) == 0 &&
                                r->memory->words[word].value != r->nodes[r->target[word]].start;
        }
        if (i == 0)
            steps[i].text = reach_root_text(a, (enum prof_root_kind)r->root[node], word);
        else if (word == GRAPH_NONE)
            steps[i].text = "a block inside it";
        else if (!reach_holder_step(a, steps[i].at, &steps[i]))
            return false;
        if (steps[i].text == NULL)
            return false;
    }
    finding->root = (enum prof_root_kind)r->root[node];
    finding->path = steps;
    finding->path_count = count;
    finding->path_left_out = length - count;
    return true;
}
