/* flight_take.c: takes what the rings of a flight recording hold, into the trace of a process that ended or into a
 * snapshot of one that runs.
 *
 * Rings reach back differently far. An object whose birth is in one ring and whose releases were written over in
 * another would look leaked, so all of them are cut at the moment since which every ring is complete; what is older
 * counts as written over, too. A ring that went round within one tick of the clock cuts the others no finer than that.
 * What lives at that moment is then seen without its birth, which analysis knows how to treat. When only one ring was
 * used, there is nothing to bring in line and all of it is kept. */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flight.h"

struct lot {
    uint32_t ring;
    struct flight_window window;
    size_t begin;
    uint64_t from_us; /* complete since then; UINT64_MAX: its times are not known */
};
typedef PROF_VEC(struct lot) lot_vec;

struct flight_facts {
    uint64_t from_us, overwritten;
    bool cut, alone; /* alone: only one ring was used */
};

static bool owns(const struct proc *proc, uint32_t ring)
{
    const struct trk_shm_ring *shm = &proc->arena->shm_rings[ring];
    return __atomic_load_n(&shm->state, __ATOMIC_ACQUIRE) == TRK_RING_OWNED &&
           __atomic_load_n(&shm->proc, __ATOMIC_ACQUIRE) == (uint32_t)proc->index + 1;
}

static struct flight_ring ring_at(const struct arena *arena, const unsigned char *base, uint32_t i)
{
    return (struct flight_ring){ (const struct trk_slot *)(const void *)(base + arena->rings[i].data_off),
                                 arena->rings[i].log2_slots };
}

static void copy_rings(struct proc *proc, bool running, lot_vec *lots)
{
    const struct arena *arena = proc->arena;
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        struct lot lot = { .ring = i };
        if (!owns(proc, i))
            continue;
        const unsigned char *later = arena->again != NULL ? arena->again : arena->base;
        struct flight_ring ring = ring_at(arena, arena->base, i), again = ring_at(arena, later, i);
        /* The header's place in the later copy is its place in the first one. */
        const struct trk_shm_ring *again_shm =
            (const void *)(later + ((const unsigned char *)&arena->shm_rings[i] - arena->base));
        if (!flight_copy(&ring, &arena->shm_rings[i], running ? &again : NULL, again_shm, &lot.window) ||
            !prof_vec_push(lots, lot)) {
            rec_proc_problem(proc, prof_error_memory());
            free(lot.window.slots);
        }
    }
}

/* The moment since which every ring is complete. */
static struct flight_facts find_begin(lot_vec *lots, uint64_t now_us)
{
    struct flight_facts facts = { 0 };
    size_t used = 0, last = 0;
    for (size_t i = 0; i < lots->count; i++) {
        if (lots->items[i].window.count > 0)
            last = i;
        used += lots->items[i].window.count > 0;
    }
    facts.alone = used == 1;
    if (facts.alone && lots->items[last].window.cut) {
        /* Nobody else has a part in what it tells: all of it is good. */
        facts.cut = true;
        facts.from_us = flight_first_us(&lots->items[last].window, now_us);
        return facts;
    }
    for (size_t i = 0; i < lots->count; i++) {
        struct lot *lot = &lots->items[i];
        lot->begin = flight_begin(&lot->window, &lot->from_us);
        facts.cut |= lot->window.cut;
        uint64_t from = lot->from_us == UINT64_MAX ? now_us : lot->from_us;
        if (lot->window.cut && from > facts.from_us)
            facts.from_us = from;
    }
    return facts;
}

/* The thread that wrote the slots from `at` on. */
static uint32_t owner_at(const struct proc *proc, const struct lot *lot, size_t at)
{
    uint32_t tid = 0;
    bool later = false;
    for (size_t i = 0; i < lot->window.count; i++) {
        const struct trk_slot *slot = &lot->window.slots[i];
        if (((slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK) != TRK_OP_THREAD)
            continue;
        if (i < at)
            tid = (uint32_t)(slot->w0 >> TRK_ADDR_SHIFT);
        else
            later = true;
    }
    if (tid == 0 && !later) /* no change of hands in sight: the present owner's */
        tid = __atomic_load_n(&proc->arena->shm_rings[lot->ring].tid, __ATOMIC_RELAXED);
    return tid;
}

/* Hands one ring's part to the process that is written; returns events left out. */
static uint64_t take_lot(struct proc *to, const struct lot *lot, uint64_t from_us, bool alone)
{
    const struct flight_window *window = &lot->window;
    bool timeless = alone || lot->from_us == UINT64_MAX;
    size_t at = timeless ? 0 : flight_since(window, lot->begin, from_us);
    struct ring ring = { .proc = to->index, .skipping = true };
    ring.tid = owner_at(to, lot, at);
    ring.now_us = timeless ? from_us : 0; /* a bound: they are not later than that */
    if (at < window->count) {
        rec_take(to->arena->rec, to, &ring, window->slots + at, window->count - at);
        rec_write_ring(to->arena->rec, to, &ring, lot->ring);
    }
    prof_vec_deinit(&ring.pending);
    to->in_flight += window->unwritten;
    return window->before + flight_events(window, 0, at);
}

/* Reads the rings of `proc` and writes them to the trace of `to`, which is proc or stands for a snapshot of it. */
static void take(struct proc *proc, struct proc *to, bool running)
{
    struct arena *arena = proc->arena;
    lot_vec lots = { 0 };
    /* Nothing that is copied below is later than this tick. */
    uint64_t now = rec_arena_us(arena);
    copy_rings(proc, running, &lots);
    struct flight_facts facts = find_begin(&lots, now);
    rec_modules_write(to, __atomic_load_n(&arena->procs[proc->index].modules_text, __ATOMIC_ACQUIRE),
                      __atomic_load_n(&arena->h->module_gen, __ATOMIC_RELAXED), 0);
    for (size_t i = 0; i < lots.count; i++) {
        facts.overwritten += take_lot(to, &lots.items[i], facts.from_us, facts.alone && facts.cut);
        free(lots.items[i].window.slots);
    }
    prof_vec_deinit(&lots);
    char from[64], gone[64];
    snprintf(from, sizeof from, "flight_from_us=%" PRIu64, facts.cut ? facts.from_us : 0);
    snprintf(gone, sizeof gone, "flight_overwritten=%" PRIu64, facts.overwritten);
    const char *const pairs[] = { from, gone, NULL };
    if (to->writer != NULL)
        rec_proc_problem(to, prof_writer_meta(to->writer, pairs));
}

void rec_flight_take(struct proc *proc, bool running)
{
    struct arena *arena = proc->arena;
    take(proc, proc, running);
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        if (!owns(proc, i))
            continue;
        arena->rings[i].proc = proc->index;
        arena->rings[i].tail = (uint64_t)1 << arena->rings[i].log2_slots; /* all of it may have been used */
    }
}

void rec_flight_look(struct proc *proc)
{
    uint32_t text = __atomic_load_n(&proc->arena->procs[proc->index].modules_text, __ATOMIC_ACQUIRE);
    if (text != 0 && text != proc->modules_text)
        rec_modules_write(proc, text, __atomic_load_n(&proc->arena->h->module_gen, __ATOMIC_RELAXED),
                          rec_arena_us(proc->arena));
}

/* A process entry of its own that writes to another file; shares nothing that is freed. */
static struct prof_error *shadow_begin(struct proc *proc, const char *path, struct proc *ret, char **ret_path)
{
    struct arena *arena = proc->arena;
    *ret = (struct proc){ .arena = arena,
                          .index = proc->index,
                          .pid = proc->pid,
                          .ns_pid = proc->ns_pid,
                          .parent_pid = proc->parent_pid,
                          .pidfd = -1,
                          .maps_fd = -1,
                          .start_us = proc->start_us,
                          .exit_status = -1 };
    ret->result.program = strdup(proc->result.program != NULL ? proc->result.program : "unknown");
    ret->stacks_seen = calloc(arena->depot_bytes / TRK_STACK_UNIT / 8 + 1, 1);
    ret->texts_seen = calloc(arena->text_bytes / TRK_TEXT_UNIT / 8 + 1, 1);
    ret->types_seen = calloc(TRK_TYPE_MAX / 8 + 1, 1);
    if (ret->result.program == NULL || ret->stacks_seen == NULL || ret->texts_seen == NULL || ret->types_seen == NULL)
        return prof_error_memory();
    return rec_name_snapshot(proc, path, &ret->writer, ret_path);
}

static void shadow_end(struct proc *shadow)
{
    free(shadow->stacks_seen);
    free(shadow->texts_seen);
    free(shadow->types_seen);
    free(shadow->result.program);
    free(shadow->result.malloc_note);
    free(shadow->result.hooks);
    free(shadow->result.problem);
    prof_vec_deinit(&shadow->forked);
    prof_vec_deinit(&shadow->marks.pending);
}

/* The marks that wait in memory, with their names. */
static void copy_marks(const struct proc *proc, struct proc *shadow)
{
    for (size_t i = 0; i < proc->own_texts.count; i++)
        (void)rec_define_own_text(shadow, proc->own_texts.items[i]);
    for (size_t i = 0; i < shadow->own_texts.count; i++)
        free(shadow->own_texts.items[i]);
    prof_vec_deinit(&shadow->own_texts);
    if (proc->marks.pending.count > 0)
        rec_take(proc->arena->rec, shadow, &shadow->marks, proc->marks.pending.items, proc->marks.pending.count);
    rec_write_ring(proc->arena->rec, shadow, &shadow->marks, TRK_RING_RECORDER);
}

struct prof_error *rec_snapshot(struct proc *proc, const char *path, char **ret_path, uint64_t *ret_events)
{
    struct arena *arena = proc->arena;
    struct proc shadow;
    if (arena->shape.on_full != TRK_FULL_FLIGHT)
        return prof_error_create(PROF_ERROR_FORMAT,
                                 "process %d is not a flight recording: its trace holds everything already ('reftrack "
                                 "report --pid %d'); --on-full flight makes one",
                                 (int)proc->pid, (int)proc->pid);
    *ret_path = NULL;
    struct prof_error *error = shadow_begin(proc, path, &shadow, ret_path);
    if (error == NULL) {
        rec_meta_write(&shadow, NULL);
        rec_mem_sample(&shadow, false);
        copy_marks(proc, &shadow);
        take(proc, &shadow, true);
        rec_meta_malloc(&shadow);
        rec_meta_hooks(&shadow);
        struct trk_end end = { .at_us = rec_arena_us(arena), .reason = TRK_END_SNAPSHOT };
        rec_proc_loss(&shadow, &end.loss);
        end.records = shadow.records_in;
        end.slots = shadow.slots_in;
        rec_proc_problem(&shadow, prof_writer_loss(shadow.writer, &end.loss));
        rec_proc_problem(&shadow, prof_writer_end(shadow.writer, &end));
        error = prof_writer_close(shadow.writer);
        if (error == NULL && shadow.result.problem != NULL)
            error = prof_error_create(PROF_ERROR_OS, "%s", shadow.result.problem);
        *ret_events = end.records;
    }
    if (error != NULL) {
        free(*ret_path);
        *ret_path = NULL;
    }
    shadow_end(&shadow);
    return error;
}
