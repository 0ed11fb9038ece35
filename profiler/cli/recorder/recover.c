/* recover.c: completes the trace of a recorder that died: the good blocks of its file, then what the program's rings
 * hold that did not get there.
 *
 * Where to go on in a ring is told twice: by the recorder (trk_shm_ring.reached: a position and the events before it)
 * and by the file (events of that ring). The file may have more than the recorder told, then the first events of the
 * ring are left out; or less, then the difference died with the recorder and is counted. */
#include "hooks.h"
#include "private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prof/salvage.h>

enum { ZSTD_LEVEL = 1 };

struct recovery {
    struct recorder rec;
    struct arena *arena;
    struct rec_hooks *hooks; /* the rules that the dead recorder gave, NULL */
    struct proc *proc;
    struct prof_trace *old;
    struct prof_salvage file;
    uint64_t skip[TRK_RING_MAX];
    struct rec_recovery told;
};

/* The entry of the process in the arena, which knows it by its number in its own namespace. -1: none. */
static int find_entry(const struct arena *arena, pid_t pid, pid_t *ret_ns_pid)
{
    char path[64], line[256];
    pid_t ns_pid = pid;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *last = strncmp(line, "NSpid:", 6) == 0 ? strrchr(line, '\t') : NULL;
        if (last != NULL)
            ns_pid = atoi(last + 1);
    }
    if (file != NULL)
        fclose(file);
    *ret_ns_pid = ns_pid;
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->procs[i].state == TRK_PROC_LIVE && (pid_t)arena->procs[i].pid == ns_pid)
            return i;
    return -1;
}

static void mark_seen(uint8_t *bitmap, uint64_t id)
{
    bitmap[id >> 3] |= (uint8_t)(1u << (id & 7));
}

/* Definitions that the file has are not written again. */
static void see_definitions(struct recovery *r)
{
    struct prof_stack stack;
    for (uint64_t id = 1; id < r->arena->depot_bytes / TRK_STACK_UNIT; id++)
        if (prof_trace_stack(r->old, (uint32_t)id, &stack))
            mark_seen(r->proc->stacks_seen, id);
    for (uint64_t id = 1; id < r->arena->text_bytes / TRK_TEXT_UNIT; id++)
        if (prof_trace_text(r->old, (uint32_t)id) != NULL)
            mark_seen(r->proc->texts_seen, id);
    for (uint32_t id = 1; id < TRK_TYPE_MAX; id++)
        if (prof_trace_type(r->old, id, NULL) != NULL)
            mark_seen(r->proc->types_seen, id);
    const struct prof_module_map *maps;
    r->proc->modules_any = prof_trace_module_maps(r->old, &maps) > 0;
}

/* Where each ring goes on. */
static void find_places(struct recovery *r, bool events_in_file)
{
    struct arena *arena = r->arena;
    r->told.lost_known = events_in_file;
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        struct trk_shm_ring *shm = &arena->shm_rings[i];
        struct ring *ring = &arena->rings[i];
        if (shm->state != TRK_RING_OWNED || shm->proc != (uint32_t)r->proc->index + 1)
            continue;
        uint32_t position = (uint32_t)shm->reached;
        ring->tail = shm->tail + (uint64_t)(int64_t)(int32_t)(position - (uint32_t)shm->tail);
        ring->holes = shm->holes;
        ring->tid = r->file.rings[i].tid != 0 ? r->file.rings[i].tid : shm->tid;
        ring->now_us = r->file.rings[i].now_us;
        int32_t ahead = (int32_t)((uint32_t)(shm->reached >> 32) - (uint32_t)r->file.rings[i].events);
        if (events_in_file && ahead > 0)
            r->told.lost += (uint64_t)ahead;
        if (events_in_file && ahead < 0)
            r->skip[i] = (uint64_t) - (int64_t)ahead;
    }
}

static void write_pair(struct proc *proc, const char *key, uint64_t number)
{
    char text[64];
    snprintf(text, sizeof text, "%s=%" PRIu64, key, number);
    const char *const pairs[] = { text, NULL };
    rec_proc_problem(proc, prof_writer_meta(proc->writer, pairs));
}

/* The process and its memory join the new trace, which holds the old file's blocks already. */
static struct prof_error *join(struct recovery *r, pid_t pid)
{
    struct arena *arena = r->arena;
    pid_t ns_pid;
    int index = find_entry(arena, pid, &ns_pid);
    if (index < 0)
        return prof_error_create(PROF_ERROR_NOT_FOUND, "process %d did not record anything in the memory it has",
                                 (int)pid);
    struct prof_writer *writer = r->proc->writer;
    struct proc *outer = r->proc;
    arena->rec = &r->rec;
    arena->image_pid = pid;
    arena->ns_pid = ns_pid;
    arena->image_pidfd = rec_pidfd(pid);
    rec_facts_take(arena);
    r->rec.options.hooks = r->hooks = rec_hooks_adopt(arena);
    struct proc *proc = rec_proc_create(arena, index, pid);
    if (proc == NULL)
        return prof_error_memory();
    proc->writer = writer;
    proc->start_us = arena->procs[index].start_us;
    proc->parent_pid = (pid_t)arena->procs[index].parent_pid;
    proc->result.program = strdup(arena->program != NULL ? arena->program : "unknown");
    proc->records_in = outer->records_in;
    proc->slots_in = outer->slots_in;
    outer->writer = NULL;
    free(outer);
    r->proc = proc;
    bool flight = rec_is_flight(arena);
    if (r->old == NULL)
        rec_meta_write(proc, NULL);
    else if (r->file.whole)
        see_definitions(r);
    if (r->old != NULL && prof_trace_info(r->old)->exact_time && arena->cycles == NULL)
        rec_proc_problem(proc, prof_writer_meta(writer, (const char *const[]){ "clock=coarse", NULL }));
    /* Without a file everything that the recorder took is missing here. One that begins with a state must tell how many
     * events of each ring that stands for. */
    find_places(r, !flight && (r->old == NULL || !prof_trace_info(r->old)->has_state || r->file.rings_told));
    r->rec.round = r->file.round;
    if (flight) {
        rec_flight_take(proc, true);
    } else {
        if (!proc->modules_any)
            rec_modules_write(proc, arena->procs[index].modules_text, arena->h->module_gen, 0);
        rec_drain_rest(arena, index, r->skip);
        rec_round_proc(proc);
    }
    rec_meta_malloc(proc);
    rec_meta_hooks(proc);
    return NULL;
}

static void find_loss(const struct recovery *r, struct trk_loss *ret)
{
    struct trk_loss loss = { 0 }, before = { 0 };
    if (r->old != NULL)
        before = prof_trace_info(r->old)->loss;
    if (r->arena == NULL) {
        *ret = before;
        return;
    }
    /* What the rings count includes what the file told; the recorder's own counts were only there. */
    rec_proc_loss(r->proc, &loss);
    loss.in_flight += before.in_flight;
    loss.write_lost += before.write_lost + r->told.lost;
    *ret = loss;
}

static struct prof_error *finish(struct recovery *r)
{
    struct proc *proc = r->proc;
    struct trk_end end = {
        .at_us = r->file.last_us, .reason = TRK_END_RECOVERED, .records = proc->records_in, .slots = proc->slots_in
    };
    if (r->arena != NULL) {
        write_pair(proc, "recovered_events_lost", r->told.lost);
        for (uint32_t i = 0; i < r->arena->ring_count; i++)
            if (r->arena->rings[i].proc == proc->index && r->arena->rings[i].now_us > end.at_us)
                end.at_us = r->arena->rings[i].now_us;
        if (rec_is_flight(r->arena))
            end.at_us = r->arena->h->tick_us;
    }
    find_loss(r, &end.loss);
    struct prof_error *error = prof_writer_loss(proc->writer, &end.loss);
    rec_proc_problem(proc, error);
    rec_proc_problem(proc, prof_writer_end(proc->writer, &end));
    error = prof_writer_close(proc->writer);
    proc->writer = NULL;
    if (error == NULL && proc->result.problem != NULL)
        error = prof_error_create(PROF_ERROR_OS, "%s", proc->result.problem);
    return error;
}

/* The new file with the header and the good blocks of the old one. */
static struct prof_error *begin(struct recovery *r, pid_t pid, const char *out)
{
    struct prof_writer_options options = { .pid = (uint32_t)pid, .zstd_level = ZSTD_LEVEL };
    r->proc = calloc(1, sizeof *r->proc);
    if (r->proc == NULL)
        return prof_error_memory();
    r->proc->pidfd = r->proc->maps_fd = -1;
    if (r->old != NULL) {
        options = prof_writer_options_of(prof_trace_info(r->old));
        options.zstd_level = ZSTD_LEVEL;
    } else if (r->arena != NULL) {
        options.created_ns = r->arena->realtime_ns;
        options.machine = r->arena->shape.machine;
        options.flags = rec_file_flags(r->arena);
    }
    struct prof_error *error = prof_writer_open(out, &options, &r->proc->writer);
    if (error != NULL || r->old == NULL)
        return error;
    error = prof_salvage(r->old, r->proc->writer, &r->file);
    r->told.from_file = r->proc->records_in = r->file.records;
    r->proc->slots_in = r->file.slots;
    r->told.bytes_left = prof_trace_info(r->old)->file_bytes - r->file.bytes;
    return error;
}

static struct prof_error *complete(const struct prof_trace_info *info)
{
    return prof_error_create(PROF_ERROR_ARGUMENT, "'%s' is complete: there is nothing to recover", info->path);
}

static struct prof_error *check_old(const struct prof_trace *old, pid_t pid)
{
    const struct prof_trace_info *info = prof_trace_info(old);
    if (pid != 0 && info->pid != (uint32_t)pid)
        return prof_error_create(PROF_ERROR_ARGUMENT, "'%s' is the trace of process %u, not of %d", info->path,
                                 info->pid, (int)pid);
    return pid != 0 && info->finished && info->damage == NULL ? complete(info) : NULL;
}

/* The recorder made the file and died before it wrote anything. */
static bool is_empty(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

struct prof_error *rec_recover(pid_t pid, const char *old, const char *out, struct rec_recovery *ret)
{
    struct recovery *r = calloc(1, sizeof *r);
    if (r == NULL)
        return prof_error_memory();
    r->rec.listen_fd = -1;
    if (pid != 0 && old != NULL && is_empty(old))
        old = NULL;
    struct prof_error *error = old != NULL ? prof_trace_open(old, &r->old) : NULL;
    if (error == NULL && r->old != NULL)
        error = check_old(r->old, pid);
    if (error == NULL && pid != 0)
        error = rec_adopt(pid, &r->arena);
    if (error == NULL && r->old != NULL && r->arena != NULL &&
        prof_trace_info(r->old)->flags != rec_file_flags(r->arena))
        error = prof_error_create(PROF_ERROR_ARGUMENT,
                                  "'%s' is of another recording than the one that process %d has in its memory", old,
                                  (int)pid);
    bool created = false;
    if (error == NULL) {
        error = begin(r, pid, out);
        created = r->proc != NULL && r->proc->writer != NULL;
    }
    /* Only reading all blocks tells whether one of them is damaged. */
    if (error == NULL && pid == 0 && prof_trace_info(r->old)->finished && r->told.bytes_left == 0)
        error = complete(prof_trace_info(r->old));
    if (error == NULL && r->arena != NULL)
        error = join(r, pid);
    if (error == NULL) {
        r->told.from_rings = r->proc->records_in - r->told.from_file;
        error = finish(r);
    }
    if (error != NULL && created) {
        if (r->proc->writer != NULL)
            prof_error_destroy(prof_writer_close(r->proc->writer));
        unlink(out);
    }
    *ret = r->told;
    if (r->proc != NULL)
        rec_proc_free(r->proc);
    if (r->arena != NULL)
        rec_adopt_destroy(r->arena);
    prof_trace_close(r->old);
    prof_vec_deinit(&r->rec.results);
    prof_vec_deinit(&r->rec.scratch);
    free(r->hooks);
    free(r);
    return error;
}
