/* cuttrace.c: `cuttrace IN OUT K`: the trace IN again, in one ring, with its first K events replaced by the state they
 * lead to. K 0: without a state, for comparison. `cuttrace IN OUT round:N`: the state at the end of round N, and the
 * blocks of the rest as they are. */
#include <prof/heap.h>
#include <prof/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_SLOTS = 4096, SEEN_BYTES = (1 << TRK_STACK_ID_BITS) / 8 };

struct cut {
    struct prof_trace *trace;
    struct prof_heap *heap;
    struct prof_writer *writer;
    uint64_t at, seen; /* cut behind this many events */
    struct trk_slot slots[OUT_SLOTS + 16];
    struct trk_events_head head;
    uint64_t time_us;
    uint32_t tid;
    bool begun; /* what comes is written */
    uint8_t *stacks;
    uint64_t records;
};

static void must(struct prof_error *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "cuttrace: %s\n", error->message);
    exit(1);
}

/* ---- Definitions: those of the whole trace ---- */

static void write_stack(void *ctx, uint32_t id)
{
    struct cut *cut = ctx;
    struct prof_stack stack;
    if (id >> TRK_STACK_ID_BITS != 0 || (cut->stacks[id / 8] >> id % 8 & 1) != 0 ||
        !prof_trace_stack(cut->trace, id, &stack))
        return;
    cut->stacks[id / 8] |= (uint8_t)(1u << id % 8);
    struct trk_stack_def def = {
        .id = id, .generation = stack.generation, .frames = stack.frames, .flags = stack.flags
    };
    must(prof_writer_stack(cut->writer, &def, stack.pcs));
}

static void write_text(void *ctx, uint32_t id, const char *text)
{
    struct cut *cut = ctx;
    must(prof_writer_text(cut->writer, id, text, strlen(text)));
}

static void ignore_text(void *ctx, uint32_t id)
{
    (void)ctx;
    (void)id;
}

static struct prof_error *write_meta(void *ctx, const char *key, const char *value)
{
    struct cut *cut = ctx;
    char *pair = malloc(strlen(key) + strlen(value) + 2);
    if (pair == NULL)
        abort();
    sprintf(pair, "%s=%s", key, value);
    const char *pairs[] = { pair, NULL };
    struct prof_error *error = prof_writer_meta(cut->writer, pairs);
    free(pair);
    return error;
}

static void open_writer(struct cut *cut, const char *path)
{
    struct prof_writer_options options = prof_writer_options_of(prof_trace_info(cut->trace));
    options.zstd_level = 1;
    options.force = true;
    must(prof_writer_open(path, &options, &cut->writer));
    must(prof_trace_meta_each(cut->trace, write_meta, cut));
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(cut->trace, &maps);
    for (size_t i = 0; i < count; i++)
        must(prof_writer_modules(cut->writer, maps[i].generation, maps[i].at_us, maps[i].modules, maps[i].count));
    for (uint32_t id = 1; id < prof_trace_type_max(cut->trace); id++) {
        const char *name;
        const struct trk_type_def *def = prof_trace_type(cut->trace, id, &name);
        if (def != NULL)
            must(prof_writer_type(cut->writer, def, name, strlen(name)));
    }
    prof_trace_text_each(cut->trace, write_text, cut);
}

static void close_writer(struct cut *cut)
{
    const struct prof_trace_info *info = prof_trace_info(cut->trace);
    must(prof_writer_loss(cut->writer, &info->loss));
    if (info->finished) {
        struct trk_end end = { .at_us = info->end_us,
                               .reason = info->end_reason,
                               .value = info->end_value,
                               .records = info->records,
                               .slots = info->slots,
                               .loss = info->loss };
        must(prof_writer_end(cut->writer, &end));
    }
    must(prof_writer_close(cut->writer));
}

static struct prof_error *write_part(void *ctx, const void *bytes, size_t size)
{
    struct cut *cut = ctx;
    return prof_writer_state(cut->writer, bytes, size);
}

static void write_state(struct cut *cut)
{
    must(prof_heap_cited(cut->heap, write_stack, ignore_text, cut));
    must(prof_heap_save(cut->heap, write_part, cut));
}

/* ---- Events to slots ---- */

static void end_block(struct cut *cut)
{
    if (cut->head.slots > 0)
        must(prof_writer_events(cut->writer, &cut->head, cut->slots));
    cut->head = (struct trk_events_head){ .tid = cut->tid, .start_us = cut->time_us };
}

static struct trk_slot *slot(struct cut *cut)
{
    return &cut->slots[cut->head.slots++];
}

static void extend(struct cut *cut, enum trk_ext kind, uint64_t value)
{
    *slot(cut) = (struct trk_slot){ (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | (uint64_t)kind << TRK_EXT_SHIFT, value };
}

static void write_event(struct cut *cut, const struct prof_event *e)
{
    write_stack(cut, e->stack);
    if (e->tid != cut->tid || e->time_us != cut->time_us)
        *slot(cut) = (struct trk_slot){ (uint64_t)e->tid << TRK_ADDR_SHIFT | (uint64_t)TRK_OP_THREAD << TRK_OP_SHIFT,
                                        e->time_us << TRK_ARG_SHIFT };
    cut->tid = e->tid;
    cut->time_us = e->time_us;
    uint64_t high = e->stack >> TRK_STACK_LO_BITS, low = e->stack & TRK_STACK_LO_MASK;
    *slot(cut) = (struct trk_slot){ e->addr << TRK_ADDR_SHIFT | high << TRK_STACK_HI_SHIFT |
                                        (uint64_t)e->aux << TRK_AUX_SHIFT | (uint64_t)e->op << TRK_OP_SHIFT,
                                    e->size << TRK_ARG_SHIFT | low };
    const uint64_t holder = (uint64_t)1 << 63;
    bool counted = e->op == TRK_OP_REF || e->op == TRK_OP_UNREF;
    if ((e->flags & PROF_EVENT_HOLDER) != 0)
        extend(cut, TRK_EXT_SLOT, e->slot | holder);
    else if ((e->flags & PROF_EVENT_SLOT) != 0 && e->slot != e->size << 3)
        extend(cut, TRK_EXT_SLOT, e->slot);
    if ((e->flags & PROF_EVENT_COUNT) != 0 && (!counted || e->aux == TRK_COUNT_EXT))
        extend(cut, TRK_EXT_COUNT, (uint64_t)e->count);
    else if ((e->flags & PROF_EVENT_COUNT) == 0 && e->count != 0)
        extend(cut, TRK_EXT_VALUE, (uint64_t)e->count);
    if ((e->flags & PROF_EVENT_SEQ) != 0)
        extend(cut, TRK_EXT_SEQ, e->from);
    else if (e->op == TRK_OP_ALLOC && e->from != 0)
        extend(cut, (e->flags & PROF_EVENT_POOL) != 0 ? TRK_EXT_POOL : TRK_EXT_OLD, e->from);
    else if ((e->flags & PROF_EVENT_FROM) != 0)
        extend(cut, TRK_EXT_FROM, e->from | ((e->flags & PROF_EVENT_FROM_HOLDER) != 0 ? holder : 0));
    if (e->text != 0 && e->op != TRK_OP_MODULES)
        extend(cut, TRK_EXT_TEXT, e->text);
    if (cut->head.slots >= OUT_SLOTS)
        end_block(cut);
}

static void begin_rest(struct cut *cut)
{
    cut->begun = true;
    if (cut->at > 0)
        write_state(cut);
}

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t count)
{
    struct cut *cut = ctx;
    for (size_t i = 0; i < count; i++) {
        if (!cut->begun && cut->seen++ >= cut->at)
            begin_rest(cut);
        if (cut->begun)
            write_event(cut, &events[i]);
        else
            must(prof_heap_apply(cut->heap, &events[i], 1));
    }
    return NULL;
}

static struct prof_error *on_mem(void *ctx, const struct trk_mem *mem)
{
    struct cut *cut = ctx;
    if (!cut->begun)
        return prof_heap_apply_mem(cut->heap, mem);
    end_block(cut);
    return prof_writer_mem(cut->writer, mem);
}

/* What comes behind it is of a later round. */
static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    struct cut *cut = ctx;
    if (!cut->begun)
        return prof_heap_apply_memory(cut->heap, memory);
    end_block(cut);
    struct prof_memory placed = *memory;
    placed.round = cut->head.round++;
    return prof_writer_memory(cut->writer, &placed);
}

static const struct prof_trace_sink cut_sink = { .events = on_events, .mem = on_mem, .memory = on_memory };

/* ---- Rounds ---- */

static struct prof_error *heap_events(void *ctx, const struct prof_event *events, size_t count)
{
    return prof_heap_apply(ctx, events, count);
}

static struct prof_error *heap_mem(void *ctx, const struct trk_mem *mem)
{
    return prof_heap_apply_mem(ctx, mem);
}

static struct prof_error *heap_memory(void *ctx, const struct prof_memory *memory)
{
    return prof_heap_apply_memory(ctx, memory);
}

static void cut_at_round(struct cut *cut, uint64_t round)
{
    static const struct prof_trace_sink sink = { .events = heap_events, .mem = heap_mem, .memory = heap_memory };
    struct prof_rest *rest;
    must(prof_trace_split(cut->trace, round, &sink, cut->heap, &rest));
    must(prof_rest_cited(rest, write_stack, ignore_text, cut));
    write_state(cut);
    must(prof_rest_write(rest, cut->writer));
    prof_rest_destroy(rest);
}

int main(int argc, char **argv)
{
    struct cut *cut = calloc(1, sizeof *cut);
    if (argc != 4 || cut == NULL) {
        fprintf(stderr, "usage: cuttrace IN OUT K|round:N\n");
        return 2;
    }
    static const struct prof_heap_options options = { .keep_type_sites = true };
    must(prof_trace_open(argv[1], &cut->trace));
    must(prof_heap_create_live(cut->trace, &options, &cut->heap));
    cut->stacks = calloc(SEEN_BYTES, 1);
    if (cut->stacks == NULL)
        abort();
    open_writer(cut, argv[2]);
    if (strncmp(argv[3], "round:", 6) == 0) {
        cut_at_round(cut, strtoull(argv[3] + 6, NULL, 10));
    } else {
        cut->at = strtoull(argv[3], NULL, 10);
        must(prof_trace_replay(cut->trace, &cut_sink, cut));
        if (!cut->begun)
            begin_rest(cut);
        end_block(cut);
    }
    close_writer(cut);
    prof_heap_destroy(cut->heap);
    prof_trace_close(cut->trace);
    free(cut->stacks);
    free(cut);
    return 0;
}
