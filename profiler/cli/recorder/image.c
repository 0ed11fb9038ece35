/* image.c: program images, the processes that appear in them by fork, and their end.
 *
 * A process entry is believed only when the process really has the arena mapped (its number may have been taken by
 * somebody else meanwhile); otherwise it counts as dead and only its records are taken. An arena stays as long as a
 * process or an announced child may still write into it. */
#include "private.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ORPHAN_CHECK_US = 250000, EXEC_CHECK_US = 50000, LEAVE_US = 1000, QUIET_CHECK_US = 20000 };

/* 1: pid has this arena mapped; 0: it does not, or is gone; -1: not ours to know, or it is just dying (no memory left).
 */
static int maps_arena(const struct arena *arena, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return rec_pid_alive(pid, -1) ? -1 : 0;
    char line[512];
    int found = -1;
    while (found != 1 && fgets(line, sizeof line, file) != NULL) {
        uint64_t ino;
        found = 0;
        if (strstr(line, "/memfd:reftrack") != NULL && sscanf(line, "%*s %*s %*s %*s %" SCNu64, &ino) == 1 &&
            ino == arena->ino)
            found = 1;
    }
    fclose(file);
    return found;
}

/* A process that calls itself ns_pid in its pid namespace and has the arena mapped; 0: none. */
static pid_t find_in_namespace(const struct arena *arena, pid_t ns_pid)
{
    DIR *dir = opendir("/proc");
    pid_t found = 0;
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; found == 0 && (entry = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        char path[300], line[256];
        snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        while (fgets(line, sizeof line, file) != NULL) {
            if (strncmp(line, "NSpid:", 6) != 0)
                continue;
            char *last = strrchr(line, '\t');
            if (last != NULL && atoi(last + 1) == ns_pid && maps_arena(arena, atoi(entry->d_name)) == 1)
                found = atoi(entry->d_name);
        }
        fclose(file);
    }
    closedir(dir);
    return found;
}

/* Did the process begin after the arena was made? Forked children of a recorded program did. */
static bool born_later(const struct arena *arena, pid_t pid)
{
    enum { START_TIME = 20, SLACK_NS = 1000000000 }; /* of the numbers behind the name in /proc/PID/stat */
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int i = 0; i < START_TIME && at != NULL; i++)
        at = strchr(at + 1, ' ');
    struct timespec boot, mono;
    if (at == NULL || clock_gettime(CLOCK_BOOTTIME, &boot) != 0 || clock_gettime(CLOCK_MONOTONIC, &mono) != 0)
        return false;
    uint64_t ticks = strtoull(at, NULL, 10);
    uint64_t since_boot = ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    uint64_t slept = (uint64_t)(boot.tv_sec - mono.tv_sec) * 1000000000u; /* while the machine was suspended */
    return since_boot + SLACK_NS >= arena->epoch_ns + slept;
}

/* The process that calls itself pid, by our number; 0: it cannot be found (any more). A child may live in a namespace
 * of its own, where its number is that of somebody else here. */
static pid_t outer_pid(const struct arena *arena, int index, pid_t pid)
{
    if (index == 0 && pid == arena->ns_pid)
        return arena->image_pid;
    /* Without the arena it may be ours all the same, and have become another program. */
    if (arena->ns_pid == arena->image_pid && (maps_arena(arena, pid) == 1 || born_later(arena, pid)))
        return pid;
    return find_in_namespace(arena, pid);
}

static void forget_forked(pid_t *pids, size_t *count, pid_t pid)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (pids[i] != pid)
            pids[kept++] = pids[i];
    *count = kept;
}

/* The process that forked the one in entry `index`; it may have ended already. NULL: the image itself, or not known. */
static const struct proc *parent_of(const struct arena *arena, const struct trk_shm_proc *shm, int index)
{
    uint32_t parent = shm->parent_index;
    if (parent >= TRK_PROC_MAX || (int)parent == index)
        return NULL;
    const struct proc *proc = arena->proc[parent];
    if (proc != NULL && proc->ns_pid == (pid_t)shm->parent_pid)
        return proc;
    for (size_t i = arena->rec->ended.count; i-- > 0;) {
        proc = arena->rec->ended.items[i];
        if (proc->epoch_ns == arena->epoch_ns && proc->index == (int)parent && proc->ns_pid == (pid_t)shm->parent_pid)
            return proc;
    }
    return NULL;
}

/* A process claimed entry `index`. */
static void begin_proc(struct arena *arena, int index)
{
    struct trk_shm_proc *shm = &arena->procs[index];
    pid_t ns_pid = (pid_t)shm->pid;
    pid_t pid = outer_pid(arena, index, ns_pid);
    const struct proc *parent = parent_of(arena, shm, index);
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->proc[i] != NULL)
            forget_forked(arena->proc[i]->forked.items, &arena->proc[i]->forked.count, ns_pid);
    forget_forked(arena->forked.items, &arena->forked.count, ns_pid);

    struct proc *proc = rec_proc_create(arena, index, pid > 0 ? pid : ns_pid);
    if (proc == NULL) {
        rec_problem_set(arena->rec, prof_error_memory());
        return;
    }
    proc->start_us = shm->start_us;
    proc->parent_pid = parent != NULL ? parent->pid : (pid_t)shm->parent_pid;
    proc->ns_pid = ns_pid;
    proc->unseen = pid <= 0;
    if (proc->unseen || maps_arena(arena, pid) == 0) {
        proc->dead = true;
    } else {
        bool first = index == 0 && pid == arena->image_pid && arena->image_maps_fd >= 0;
        proc->maps_fd = first ? arena->image_maps_fd : rec_maps_fd(pid);
        if (first)
            arena->image_maps_fd = -1;
    }
    rec_proc_begin(proc, parent);
}

void rec_image_scan(struct arena *arena)
{
    for (int i = 0; i < TRK_PROC_MAX; i++)
        /* Partner: the release store of LIVE by the process that claimed the entry. */
        if (arena->proc[i] == NULL && __atomic_load_n(&arena->procs[i].state, __ATOMIC_ACQUIRE) == TRK_PROC_LIVE)
            begin_proc(arena, i);
}

void rec_image_add(struct recorder *rec, struct arena *arena)
{
    pid_t pid = arena->image_pid;
    rec->root_seen |= rec->options.root == 0 || rec->options.root == pid;
    /* The same process again: it replaced itself. What it was before ends here. */
    for (size_t a = 0; a < rec->arenas.count; a++) {
        struct arena *old = rec->arenas.items[a];
        if (old->image_pid == pid)
            old->image_dead = true;
        rec_image_scan(old);
        for (int i = 0; i < TRK_PROC_MAX; i++)
            if (old->proc[i] != NULL && old->proc[i]->pid == pid)
                rec_proc_end(old->proc[i], rec_pid_alive(pid, old->proc[i]->pidfd) ? TRK_END_EXEC : 0);
    }
    for (size_t i = 0; i < rec->ended.count; i++)
        if (rec->ended.items[i]->pid == pid)
            rec->ended.items[i]->result.into_unknown = false;
    if (!prof_vec_push(&rec->arenas, arena)) {
        __atomic_store_n(&arena->h->recorder_state, TRK_REC_GONE, __ATOMIC_RELEASE);
        rec_arena_destroy(arena);
        rec_problem_set(rec, prof_error_memory());
    }
}

/* Announced children that never wrote: are they still able to? */
static bool has_silent_children(struct arena *arena, uint64_t now_us)
{
    if (arena->forked.count == 0)
        return false;
    if (now_us < arena->orphan_check_us)
        return true;
    arena->orphan_check_us = now_us + ORPHAN_CHECK_US;
    size_t kept = 0;
    for (size_t i = 0; i < arena->forked.count; i++) {
        pid_t ns_pid = arena->forked.items[i];
        pid_t pid = arena->ns_pid == arena->image_pid ? ns_pid : find_in_namespace(arena, ns_pid);
        if (pid <= 0)
            continue;
        /* One that executed another program is about to say hello as that. */
        int maps = maps_arena(arena, pid);
        if (maps != 1 && rec_pid_alive(pid, -1) && !rec_knows(arena->rec, pid)) {
            if (arena->changed_us == 0)
                arena->changed_us = now_us;
            maps = now_us - arena->changed_us < HELLO_AFTER_EXEC_US;
        }
        if (maps == 1)
            arena->forked.items[kept++] = ns_pid;
    }
    arena->forked.count = kept;
    return kept > 0;
}

/* It was about to exec: has it become another program, one that did not connect? */
static bool has_left(struct arena *arena, struct proc *proc, uint64_t now_us)
{
    proc->exec_check_us = now_us + EXEC_CHECK_US;
    if (maps_arena(arena, proc->pid) != 0)
        return false;
    proc->result.into_unknown = true; /* until it says hello */
    return true;
}

/* It says nothing, and not everybody announces an exec. The descriptor belongs to the memory of the image: reading it
 * gives nothing once that is gone, even when the process goes on with another one. */
static bool has_left_silently(struct arena *arena, struct proc *proc, uint64_t now_us)
{
    char byte;
    if (proc->maps_fd < 0 || arena->idle_step_us < REC_SLEEP_MAX_US || now_us < proc->quiet_check_us)
        return false;
    proc->quiet_check_us = now_us + QUIET_CHECK_US;
    return pread(proc->maps_fd, &byte, 1, 0) == 0 && has_left(arena, proc, now_us);
}

static bool is_in_use(struct arena *arena, uint64_t now_us)
{
    bool used = false;
    if (!arena->image_dead && !rec_pid_alive(arena->image_pid, arena->image_pidfd))
        arena->image_dead = true;
    for (int i = 0; i < TRK_PROC_MAX; i++) {
        struct proc *proc = arena->proc[i];
        if (proc == NULL)
            continue;
        if (!rec_proc_alive(proc))
            rec_proc_end(proc, 0);
        else if (proc->exec_seen ? now_us >= proc->exec_check_us && has_left(arena, proc, now_us)
                                 : has_left_silently(arena, proc, now_us))
            rec_proc_end(proc, TRK_END_EXEC);
        else
            used = true;
    }
    if (used || !arena->image_dead || has_silent_children(arena, now_us))
        return true;
    /* Somebody may have come, and gone, since the last scan. */
    rec_image_scan(arena);
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->proc[i] != NULL)
            return true;
    return false;
}

/* A thread looks at the state when it sees that the clock moved. */
static void tell_left(struct arena *arena)
{
    __atomic_store_n(&arena->h->recorder_state, TRK_REC_LEFT, __ATOMIC_RELEASE);
    /* Partner: emit_simple of libtrack. */
    __atomic_store_n(&arena->h->tick_us, rec_arena_us(arena) + 1, __ATOMIC_RELEASE);
}

void rec_image_limit(struct arena *arena)
{
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->proc[i] != NULL && !arena->proc[i]->over)
            return;
    tell_left(arena);
}

/* The recording ends, the processes go on. */
static void say_left(struct arena *arena)
{
    bool alive = false;
    for (int i = 0; i < TRK_PROC_MAX; i++)
        alive |= arena->proc[i] != NULL && rec_proc_alive(arena->proc[i]);
    tell_left(arena);
    if (alive) /* a record that is being written just now is worth a moment */
        usleep(LEAVE_US);
}

void rec_image_destroy(struct arena *arena, enum trk_end_reason reason)
{
    rec_image_scan(arena);
    if (reason == TRK_END_STOPPED)
        say_left(arena);
    else
        __atomic_store_n(&arena->h->recorder_state, TRK_REC_GONE, __ATOMIC_RELEASE);
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->proc[i] != NULL)
            rec_proc_end(arena->proc[i], rec_proc_alive(arena->proc[i]) ? reason : 0);
    if (reason == TRK_END_STOPPED)
        rec_arena_empty(arena);
    rec_arena_destroy(arena);
}

void rec_image_reap(struct recorder *rec)
{
    uint64_t now = rec_now_us();
    size_t kept = 0;
    for (size_t a = 0; a < rec->arenas.count; a++) {
        struct arena *arena = rec->arenas.items[a];
        if (is_in_use(arena, now))
            rec->arenas.items[kept++] = arena;
        else
            rec_image_destroy(arena, TRK_END_GONE);
    }
    rec->arenas.count = kept;
}
