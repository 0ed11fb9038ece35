/* fold.c: a trace that says the same in less room: the heap's state at the end of a round, the definitions that are
 * still cited, and the events after that round. */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STACK_IDS = 1 << TRK_STACK_ID_BITS,
    TEXT_IDS = 1 << 24,     /* texts with larger ids are always kept: nobody writes so many */
    GENERATIONS = 1 << 16,  /* of module maps, as stacks tell them */
    NEWEST_GENERATIONS = 4, /* kept without being cited: the next stacks will */
};

struct folding {
    struct prof_trace *trace;
    struct prof_writer *writer;
    struct prof_heap *heap;
    struct prof_error *error; /* of callbacks that cannot return one */
    uint8_t *stacks, *texts, *generations;
    PROF_VEC(char *) pairs;
};

static void set_bit(uint8_t *bits, uint32_t id)
{
    bits[id >> 3] |= (uint8_t)(1u << (id & 7));
}

static bool has_bit(const uint8_t *bits, uint32_t id)
{
    return bits[id >> 3] >> (id & 7) & 1;
}

/* ---- What is cited ---- */

static void cite_stack(void *ctx, uint32_t id)
{
    struct folding *f = ctx;
    struct prof_stack stack;
    if (id >= STACK_IDS || has_bit(f->stacks, id) || !prof_trace_stack(f->trace, id, &stack))
        return;
    set_bit(f->stacks, id);
    set_bit(f->generations, stack.generation);
}

static void cite_text(void *ctx, uint32_t id)
{
    const struct folding *f = ctx;
    if (id < TEXT_IDS)
        set_bit(f->texts, id);
}

/* ---- Writing ---- */

static struct prof_error *add_pair(void *ctx, const char *key, const char *value)
{
    struct folding *f = ctx;
    char *pair;
    if (asprintf(&pair, "%s=%s", key, value) < 0)
        return prof_error_memory();
    if (prof_vec_push(&f->pairs, pair))
        return NULL;
    free(pair);
    return prof_error_memory();
}

static struct prof_error *write_meta(struct folding *f)
{
    struct prof_error *error = prof_trace_meta_each(f->trace, add_pair, f);
    if (error == NULL && !prof_vec_push(&f->pairs, NULL))
        error = prof_error_memory();
    return error != NULL ? error : prof_writer_meta(f->writer, (const char *const *)f->pairs.items);
}

static struct prof_error *write_modules(struct folding *f)
{
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(f->trace, &maps);
    uint32_t newest = 0;
    for (size_t i = 0; i < count; i++)
        if (maps[i].generation > newest)
            newest = maps[i].generation;
    struct prof_error *error = NULL;
    for (size_t i = 0; i < count && error == NULL; i++) {
        const struct prof_module_map *map = &maps[i];
        if (map->generation + NEWEST_GENERATIONS > newest || i + 1 == count ||
            has_bit(f->generations, map->generation % GENERATIONS))
            error = prof_writer_modules(f->writer, map->generation, map->at_us, map->modules, map->count);
    }
    return error;
}

static void write_text(void *ctx, uint32_t id, const char *text)
{
    struct folding *f = ctx;
    if (f->error == NULL && (id >= TEXT_IDS || has_bit(f->texts, id)))
        f->error = prof_writer_text(f->writer, id, text, strlen(text));
}

static struct prof_error *write_stack(struct folding *f, const struct prof_stack *stack)
{
    struct trk_stack_def def = {
        .id = stack->id, .generation = stack->generation, .frames = stack->frames, .flags = stack->flags
    };
    return prof_writer_stack(f->writer, &def, stack->pcs);
}

static struct prof_error *write_definitions(struct folding *f)
{
    struct prof_error *error = write_meta(f);
    if (error == NULL)
        error = write_modules(f);
    for (uint32_t id = 1; id < prof_trace_type_max(f->trace) && error == NULL; id++) {
        const char *name;
        const struct trk_type_def *def = prof_trace_type(f->trace, id, &name);
        if (def != NULL)
            error = prof_writer_type(f->writer, def, name, strlen(name));
    }
    if (error != NULL)
        return error;
    prof_trace_text_each(f->trace, write_text, f);
    error = f->error;
    for (uint32_t id = 0; id < STACK_IDS && error == NULL; id++) {
        struct prof_stack stack;
        if (id % 8 == 0 && f->stacks[id / 8] == 0)
            id += 7;
        else if (!has_bit(f->stacks, id) || !prof_trace_stack(f->trace, id, &stack))
            continue;
        else
            error = write_stack(f, &stack);
    }
    return error;
}

static struct prof_error *write_state(void *ctx, const void *bytes, size_t size)
{
    return prof_writer_state(ctx, bytes, size);
}

static struct prof_error *fold(struct folding *f, uint64_t round)
{
    const struct prof_trace_info *info = prof_trace_info(f->trace);
    struct prof_rest *rest = NULL;
    struct prof_error *error = prof_trace_split(f->trace, round, &heap_sink, f->heap, &rest);
    if (error == NULL)
        error = prof_heap_cited(f->heap, cite_stack, cite_text, f);
    if (error == NULL)
        error = prof_rest_cited(rest, cite_stack, cite_text, f);
    if (error == NULL && info->damage != NULL)
        error = prof_error_at(PROF_ERROR_FORMAT, info->path, info->usable_bytes, "%s", info->damage);
    if (error == NULL)
        error = write_definitions(f);
    if (error == NULL)
        error = prof_heap_save(f->heap, write_state, f->writer);
    if (error == NULL)
        error = prof_writer_loss(f->writer, &info->loss);
    if (error == NULL)
        error = prof_rest_write(rest, f->writer);
    prof_rest_destroy(rest);
    return error != NULL ? error : prof_writer_flush(f->writer);
}

struct prof_error *prof_heap_fold(struct prof_trace *trace, uint64_t round, const struct prof_heap_follow *follow,
                                  struct prof_writer *writer)
{
    struct folding f = { .trace = trace, .writer = writer };
    const struct prof_heap_options options = { .keep_type_sites = true, .follow = follow };
    f.stacks = calloc(STACK_IDS / 8, 1);
    f.texts = calloc(TEXT_IDS / 8, 1);
    f.generations = calloc(GENERATIONS / 8, 1);
    struct prof_error *error = f.stacks != NULL && f.texts != NULL && f.generations != NULL
                                   ? prof_heap_create_live(trace, &options, &f.heap)
                                   : prof_error_memory();
    if (error == NULL)
        error = fold(&f, round);
    prof_heap_destroy(f.heap);
    for (size_t i = 0; i < f.pairs.count; i++)
        free(f.pairs.items[i]);
    prof_vec_deinit(&f.pairs);
    free(f.stacks);
    free(f.texts);
    free(f.generations);
    return error;
}
