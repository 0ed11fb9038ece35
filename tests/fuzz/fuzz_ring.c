/* fuzz_ring.c: hostile shared memory in front of the recorder: whatever a target writes there, the recorder survives,
 * and the trace it leaves is whole and readable.
 *
 * The input is a list of commands (ring_commands.h) that claim entries, write slots and definitions as an engine would,
 * write any word anywhere, and let the recorder look. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/trace.h>

#include "private.h"
#include "recorder.h"

#include "ring_commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CURSORS = 8, NOBODY = 1 << 30 };

static char folder[] = "/tmp/fuzz-ring-XXXXXX";

static void remove_folder(void)
{
    rmdir(folder);
}

static void check(struct prof_error *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "%s\n", error->message);
    abort();
}

static void put_word(struct arena *arena, uint64_t offset, uint64_t word)
{
    memcpy(arena->base + offset % (arena->bytes - sizeof word), &word, sizeof word);
}

static void put_slot(struct arena *arena, const struct ring_command *c, uint64_t *cursors)
{
    const struct ring *ring = &arena->rings[c->which % CURSORS % arena->ring_count];
    uint64_t *cursor = &cursors[c->which % CURSORS];
    *cursor += c->number & 3; /* holes */
    uint64_t at = *cursor & (((uint64_t)1 << ring->log2_slots) - 1);
    uint64_t lap = (*cursor >> ring->log2_slots & 1) ^ 1;
    put_word(arena, ring->data_off + at * TRK_SLOT_BYTES, (c->first & ~(uint64_t)1) | lap);
    put_word(arena, ring->data_off + at * TRK_SLOT_BYTES + 8, c->second);
    ++*cursor;
}

static void claim_proc(struct arena *arena, const struct ring_command *c)
{
    struct trk_shm_proc *proc = &arena->procs[c->which % TRK_PROC_MAX];
    proc->pid = NOBODY | c->number; /* of nobody: what is alive here must not be looked into */
    proc->parent_pid = NOBODY | (uint32_t)(c->first >> 32);
    proc->parent_index = (uint32_t)c->first;
    proc->modules_text = (uint32_t)c->second;
    proc->malloc_text = (uint32_t)(c->second >> 32);
    proc->state = TRK_PROC_LIVE;
}

static void look(struct arena *arena, const struct ring_command *c)
{
    rec_image_scan(arena);
    if (c->which & 1) /* time passes: holes are given up */
        for (uint32_t i = 0; i < arena->ring_count; i++)
            if (arena->rings[i].stuck_us != 0)
                arena->rings[i].stuck_us = 1;
    rec_drain(arena);
    if (c->which & 2)
        rec_flush(arena->rec);
    struct proc *proc = arena->proc[c->number % TRK_PROC_MAX];
    if ((c->which & 4) && proc != NULL)
        rec_proc_end(proc, TRK_END_GONE);
}

static void obey(struct arena *arena, const struct ring_command *c, uint64_t *cursors)
{
    switch (c->what % RING_COMMANDS) {
    case RING_SLOT:
        put_slot(arena, c, cursors);
        break;
    case RING_WORD:
        put_word(arena, c->first, c->second);
        break;
    case RING_STACK:
        put_word(arena, arena->depot_off + c->number * (uint64_t)TRK_STACK_UNIT, c->first);
        put_word(arena, arena->depot_off + (c->number + 1) * (uint64_t)TRK_STACK_UNIT, c->second);
        break;
    case RING_TEXT:
        put_word(arena, arena->text_off + c->number * (uint64_t)TRK_TEXT_UNIT, c->first);
        put_word(arena, arena->text_off + (c->number + 1) * (uint64_t)TRK_TEXT_UNIT, c->second);
        break;
    case RING_TYPE:
        arena->types[c->number % TRK_TYPE_MAX] = (uint32_t)c->first;
        break;
    case RING_CLAIM_RING: {
        struct trk_shm_ring *ring = &arena->shm_rings[c->which % CURSORS % arena->ring_count];
        ring->proc = c->number;
        ring->waiting = (uint32_t)c->first & 1;
        ring->state = TRK_RING_OWNED;
        break;
    }
    case RING_CLAIM_PROC:
        claim_proc(arena, c);
        break;
    default:
        look(arena, c);
        break;
    }
}

/* Whatever came in, what was written is a trace. */
static void check_traces(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct prof_trace *trace = NULL;
        check(prof_trace_open(paths[i], &trace));
        const struct prof_trace_info *info = prof_trace_info(trace);
        if (info->damage != NULL || !info->finished) {
            fprintf(stderr, "%s: %s\n", paths[i], info->damage != NULL ? info->damage : "not finished");
            abort();
        }
        prof_trace_close(trace);
        unlink(paths[i]);
        free(paths[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready) {
        if (mkdtemp(folder) == NULL)
            abort();
        atexit(remove_folder);
        ready = true;
    }
    struct rec_options options = { .out = folder, .version = "fuzz" };
    struct recorder *rec = NULL;
    struct arena *arena = NULL;
    check(rec_create(&options, &rec));
    check(rec_arena_create(&(struct arena_shape){ .budget = 1 << 20 }, &arena));
    arena->rec = rec;
    arena->image_pid = arena->ns_pid = NOBODY;
    arena->program = strdup("fuzz");
    rec_image_add(rec, arena);

    uint64_t cursors[CURSORS] = { 0 };
    for (struct ring_command c; size >= sizeof c; data += sizeof c, size -= sizeof c) {
        memcpy(&c, data, sizeof c);
        obey(arena, &c, cursors);
    }
    rec_image_destroy(arena, TRK_END_STOPPED);
    rec->arenas.count = 0;
    char *paths[4096];
    const struct rec_result *const *results;
    size_t count = rec_results(rec, &results), taken = 0;
    for (size_t i = 0; i < count && i < sizeof paths / sizeof *paths; i++)
        if (results[i]->path != NULL && (paths[taken] = strdup(results[i]->path)) != NULL)
            taken++;
    rec_destroy(rec);
    check_traces(paths, taken);
    return 0;
}
