/* ask_server.c: what the recorder answers to other commands, see ask.h. */
#include "ask.h"
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <track/track.h>

bool rec_ask_is(const void *packet, size_t bytes)
{
    uint32_t magic;
    if (bytes < sizeof magic)
        return false;
    memcpy(&magic, packet, sizeof magic);
    return magic == ASK_MAGIC;
}

/* The recorded process `pid`, or with above the one with the smallest id greater than it. */
static struct proc *find(struct recorder *rec, pid_t pid, bool above)
{
    struct proc *found = NULL;
    for (size_t a = 0; a < rec->arenas.count; a++) {
        for (int i = 0; i < TRK_PROC_MAX; i++) {
            struct proc *proc = rec->arenas.items[a]->proc[i];
            if (proc == NULL || proc->dead)
                continue;
            if (above ? proc->pid > pid && (found == NULL || proc->pid < found->pid) : proc->pid == pid)
                found = proc;
        }
    }
    return found;
}

/* Strings of a reply are cut, never run over. */
static void put(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static void describe(const struct proc *proc, struct ask_process *ret)
{
    struct arena *arena = proc->arena;
    ret->pid = (uint32_t)proc->pid;
    ret->recorder_pid = (uint32_t)getpid();
    ret->on_full = arena->shape.on_full;
    for (uint32_t i = 0; i < arena->ring_count; i++)
        ret->rings += __atomic_load_n(&arena->shm_rings[i].proc, __ATOMIC_RELAXED) == (uint32_t)proc->index + 1;
    ret->since_ns = arena->realtime_ns;
    ret->now_us = rec_arena_us(arena);
    ret->records = proc->records_in;
    ret->bytes = proc->writer != NULL ? prof_writer_bytes(proc->writer) : 0;
    ret->budget = arena->bytes;
    ret->look_rung = proc->result.look_rung;
    ret->look_pause_us = proc->result.look_pause_us;
    ret->look_took_us = proc->result.look_took_us;
    ret->look_bytes = proc->result.look_bytes;
    rec_proc_loss((struct proc *)proc, &ret->loss);
    put(ret->program, sizeof ret->program, proc->result.program);
    /* The client may be in another folder. */
    char *path = proc->result.path != NULL ? realpath(proc->result.path, NULL) : NULL;
    put(ret->path, sizeof ret->path, path);
    free(path);
}

/* Does something to the process that is meant, or with pid 0 to every one. `act` fails with a status and a text. */
static void for_all(struct recorder *rec, const struct ask_request *request, struct ask_reply *reply,
                    bool (*act)(struct proc *proc, const char *name, struct ask_reply *reply))
{
    struct proc *last = NULL;
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec_image_scan(rec->arenas.items[a]);
    for (size_t a = 0; a < rec->arenas.count; a++) {
        for (int i = 0; i < TRK_PROC_MAX; i++) {
            struct proc *proc = rec->arenas.items[a]->proc[i];
            if (proc == NULL || proc->dead || (request->pid != 0 && proc->pid != (pid_t)request->pid) ||
                !act(proc, request->text, reply))
                continue;
            last = proc;
            reply->count++;
        }
    }
    rec_flush(rec);
    if (last != NULL)
        describe(last, &reply->process);
    else if (reply->status == 0)
        reply->status = ESRCH;
}

static bool mark(struct proc *proc, const char *name, struct ask_reply *reply)
{
    if (!rec_mark(proc, name)) {
        reply->status = ENOSPC;
        put(reply->text, sizeof reply->text, "the trace has too many marks waiting");
        return false;
    }
    /* The mark stands whether memory can be read or not; why not is told at the end. */
    if (proc->arena->rec->options.looks & REC_LOOK_MARK)
        (void)rec_look(proc, TRK_LOOK_MARK, name);
    return true;
}

static bool checkpoint(struct proc *proc, const char *name, struct ask_reply *reply)
{
    if (rec_look(proc, TRK_LOOK_REQUEST, name)) {
        if (proc->result.look_note != NULL) /* why not better */
            put(reply->text, sizeof reply->text, proc->result.look_note);
        return true;
    }
    reply->status = EPERM;
    put(reply->text, sizeof reply->text,
        proc->arena->rec->options.no_memory ? "it is recorded with --no-memory"
        : proc->result.look_note != NULL    ? proc->result.look_note
                                            : "it is ending");
    return false;
}

static void snapshot(struct proc *proc, const struct ask_request *request, struct ask_reply *reply)
{
    char *path = NULL;
    uint64_t events = 0;
    struct prof_error *error = rec_snapshot(proc, request->text[0] != '\0' ? request->text : NULL, &path, &events);
    describe(proc, &reply->process);
    if (error != NULL) {
        reply->status = error->sys_errno != 0 ? error->sys_errno : EINVAL;
        put(reply->text, sizeof reply->text, error->message);
        prof_error_destroy(error);
        return;
    }
    reply->count = 1;
    reply->process.records = events;
    char *whole = realpath(path, NULL);
    put(reply->process.path, sizeof reply->process.path, whole != NULL ? whole : path);
    free(whole);
    free(path);
}

static bool is_gc_command(const struct ask_gc *gc)
{
    switch (gc->command) {
    case 0: /* only the settings are asked for */
        return true;
    case TRK_GC_DO_COLLECT:
        return gc->arg <= 2;
    case TRK_GC_DO_ENABLE:
    case TRK_GC_DO_FREEZE:
        return gc->arg <= 1;
    case TRK_GC_DO_THRESHOLD:
        return gc->arg <= UINT32_MAX;
    case TRK_GC_DO_DEBUG:
        return (gc->arg & ~(uint64_t)(TRK_GC_DEBUG_STATS | TRK_GC_DEBUG_LEAK)) == 0;
    default:
        return false;
    }
}

/* As though the process itself had called trk_gc_*, at this moment. */
static void gc(struct recorder *rec, struct proc *proc, const struct ask_gc *gc, struct ask_reply *reply)
{
    if (!is_gc_command(gc)) {
        reply->status = EINVAL;
        put(reply->text, sizeof reply->text, "the recorder does not know this command");
        return;
    }
    if (rec_is_flight(proc->arena)) {
        reply->status = ENOTSUP;
        put(reply->text, sizeof reply->text, "a flight recording keeps no history, and so no generations");
        return;
    }
    if (gc->command == TRK_GC_DO_COLLECT)
        (void)rec_look(proc, TRK_LOOK_GC, "gc"); /* without memory a pass says less, and happens all the same */
    else
        rec_look_settle(rec); /* what the program set before comes before */
    if (gc->command != 0 && !rec_gc_command(proc, gc->command, gc->arg, gc->value)) {
        reply->status = ENOSPC;
        put(reply->text, sizeof reply->text, "the trace has too many marks waiting");
        return;
    }
    rec_flush(rec);
    describe(proc, &reply->process);
    reply->gc.enabled = proc->gc.enabled;
    memcpy(reply->gc.threshold, proc->gc.threshold, sizeof reply->gc.threshold);
    reply->gc.debug = proc->gc.debug;
    reply->count = 1;
}

/* Ends the image that the process belongs to: memory and the state in it are the image's. */
static void stop(struct recorder *rec, struct proc *proc, struct ask_reply *reply)
{
    struct arena *arena = proc->arena;
    rec_look_last(arena);
    rec_flush(rec);
    describe(proc, &reply->process);
    reply->count = 1;
    size_t kept = 0;
    for (size_t a = 0; a < rec->arenas.count; a++)
        if (rec->arenas.items[a] != arena)
            rec->arenas.items[kept++] = rec->arenas.items[a];
    rec->arenas.count = kept;
    rec_image_destroy(arena, TRK_END_STOPPED);
}

static void obey(struct recorder *rec, const struct ask_request *request, struct ask_reply *reply)
{
    if (request->what == ASK_MARK && request->text[0] != '\0' && strlen(request->text) < ASK_NAME_MAX) {
        for_all(rec, request, reply, mark);
        return;
    }
    if (request->what == ASK_CHECKPOINT && strlen(request->text) < ASK_NAME_MAX) {
        for_all(rec, request, reply, checkpoint);
        return;
    }
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec_image_scan(rec->arenas.items[a]);
    struct proc *proc = request->pid <= INT32_MAX ? find(rec, (pid_t)request->pid, request->what == ASK_NEXT) : NULL;
    if (proc == NULL) {
        reply->status = ESRCH;
        return;
    }
    switch (request->what) {
    case ASK_FLUSH:
    case ASK_NEXT:
        if (request->what == ASK_FLUSH)
            rec_flush(rec);
        describe(proc, &reply->process);
        reply->count = 1;
        break;
    case ASK_SNAPSHOT:
        snapshot(proc, request, reply);
        break;
    case ASK_GC:
        gc(rec, proc, &request->gc, reply);
        break;
    case ASK_STOP:
        stop(rec, proc, reply);
        break;
    default:
        reply->status = EINVAL;
        put(reply->text, sizeof reply->text, "the recorder does not know this request");
        break;
    }
}

void rec_ask_answer(struct recorder *rec, int fd, const void *packet, size_t bytes)
{
    struct ask_reply reply = { .magic = ASK_REPLY_MAGIC, .version = ASK_VERSION };
    struct ask_request request = { 0 };
    if (bytes >= sizeof(uint32_t) * 2)
        memcpy(&request, packet, bytes < sizeof request ? bytes : sizeof request);
    if (bytes != sizeof request || request.version != ASK_VERSION ||
        memchr(request.text, '\0', sizeof request.text) == NULL) {
        reply.status = EPROTO;
        put(reply.text, sizeof reply.text, "the recorder is of another version");
    } else {
        obey(rec, &request, &reply);
    }
    /* A client that does not read loses the answer. */
    (void)send(fd, &reply, sizeof reply, MSG_NOSIGNAL | MSG_DONTWAIT);
}
