/* loop.c: one recorder: its life, and one turn of its loop.
 *
 * A turn looks at every arena that is due, ends what died, writes a round when enough gathered, and sleeps in poll: one
 * millisecond while records come in, growing to ten while nothing happens, not at all while a ring is filling fast. */
#include "private.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int rec_futex_wake(uint32_t *word)
{
    return (int)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void rec_problem_set(struct recorder *rec, struct prof_error *error)
{
    if (error == NULL)
        return;
    if (rec->problem == NULL)
        rec->problem = strdup(error->message);
    prof_error_destroy(error);
}

void rec_note_set(struct recorder *rec, const char *text)
{
    if (rec->note == NULL)
        rec->note = strdup(text);
}

static struct prof_error *create(const struct rec_options *options, bool listen, struct recorder **ret)
{
    struct recorder *rec = calloc(1, sizeof *rec);
    if (rec == NULL)
        return prof_error_memory();
    rec->options = *options;
    rec->listen_fd = -1;
    struct prof_error *error = rec_server_open(rec);
    if (error != NULL && !listen) { /* nobody can ask it then; that is no reason not to record */
        prof_error_destroy(error);
        rec_server_close(rec);
        error = NULL;
    }
    if (error != NULL) {
        rec_destroy(rec);
        return error;
    }
    *ret = rec;
    return NULL;
}

struct prof_error *rec_create(const struct rec_options *options, struct recorder **ret)
{
    return create(options, true, ret);
}

struct prof_error *rec_create_for(const struct rec_options *options, int fd, pid_t pid, struct recorder **ret)
{
    struct prof_error *error = create(options, false, ret);
    if (error == NULL)
        rec_server_serve(*ret, fd, pid);
    return error;
}

void rec_leave(struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec_look_last(rec->arenas.items[a]);
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec_image_destroy(rec->arenas.items[a], TRK_END_STOPPED);
    rec->arenas.count = 0;
}

void rec_destroy(struct recorder *rec)
{
    rec_leave(rec);
    prof_vec_deinit(&rec->arenas);
    rec_server_close(rec);
    for (size_t i = 0; i < rec->ended.count; i++)
        rec_proc_free(rec->ended.items[i]);
    prof_vec_deinit(&rec->ended);
    prof_vec_deinit(&rec->results);
    prof_vec_deinit(&rec->scratch);
    prof_vec_deinit(&rec->polls);
    prof_vec_deinit(&rec->sleepers);
    free(rec->problem);
    free(rec->note);
    free(rec);
}

void rec_set_root(struct recorder *rec, pid_t pid)
{
    rec->options.root = pid;
}

const char *rec_socket(const struct recorder *rec)
{
    return rec->socket;
}

const char *rec_problem(const struct recorder *rec)
{
    return rec->problem;
}

const char *rec_note(const struct recorder *rec)
{
    return rec->note;
}

uint64_t rec_refused(const struct recorder *rec)
{
    return rec->refused;
}

size_t rec_results(const struct recorder *rec, const struct rec_result *const **ret)
{
    *ret = (const struct rec_result *const *)rec->results.items;
    return rec->results.count;
}

/* Processes that replaced themselves a moment ago and live: the new program may be about to say hello. */
static size_t changing(const struct recorder *rec)
{
    size_t count = 0;
    uint64_t now = rec_now_us();
    for (size_t i = rec->ended.count; i > 0 && now - rec->ended.items[i - 1]->ended_us < HELLO_AFTER_EXEC_US; i--) {
        const struct proc *proc = rec->ended.items[i - 1];
        bool changed = proc->result.into_unknown || proc->result.reason == TRK_END_EXEC;
        count += changed && !proc->unseen && !rec_knows(rec, proc->pid) && rec_pid_alive(proc->pid, -1);
    }
    return count;
}

size_t rec_live(const struct recorder *rec)
{
    size_t live = rec->waiting.count + changing(rec);
    for (size_t a = 0; a < rec->arenas.count; a++) {
        const struct arena *arena = rec->arenas.items[a];
        size_t here = 0;
        for (int i = 0; i < TRK_PROC_MAX; i++)
            here += arena->proc[i] != NULL;
        live += here > 0 ? here : 1;
    }
    return live;
}

bool rec_knows(const struct recorder *rec, pid_t pid)
{
    for (size_t a = 0; a < rec->arenas.count; a++) {
        const struct arena *arena = rec->arenas.items[a];
        if (arena->image_pid == pid && !arena->image_dead)
            return true;
        for (int i = 0; i < TRK_PROC_MAX; i++)
            if (arena->proc[i] != NULL && arena->proc[i]->pid == pid)
                return true;
    }
    return false;
}

bool rec_root_seen(const struct recorder *rec)
{
    return rec->root_seen;
}

void rec_moved(struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        __atomic_store_n(&rec->arenas.items[a]->h->recorder_pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
    for (size_t a = 0; a < rec->arenas.count; a++)
        for (int i = 0; i < TRK_PROC_MAX; i++)
            if (rec->arenas.items[a]->proc[i] != NULL) {
                rec_fold_moved(rec->arenas.items[a]->proc[i]);
                rec_question_give_up(rec->arenas.items[a]->proc[i]);
            }
}

/* One look at an arena; returns whether it had something. */
static bool look(struct arena *arena, uint64_t now)
{
    __atomic_store_n(&arena->h->tick_us, rec_arena_us(arena), __ATOMIC_RELAXED);
    __atomic_store_n(&arena->h->heartbeat, ++arena->heartbeat, __ATOMIC_RELEASE);
    rec_arena_steer(arena);
    rec_image_scan(arena);
    bool found = rec_drain(arena) > 0;
    for (int i = 0; i < TRK_PROC_MAX; i++) {
        if (arena->proc[i] == NULL)
            continue;
        arena->proc[i]->data_since_flush |= found;
        arena->proc[i]->fold.edge = false;
        rec_mem_look(arena->proc[i], now);
        rec_look_asked(arena->proc[i]);
        if (rec_is_flight(arena))
            rec_flight_look(arena->proc[i]);
    }
    return found;
}

static void flush_proc(struct proc *proc)
{
    if (proc->writer == NULL)
        return;
    struct trk_loss loss;
    rec_proc_loss(proc, &loss);
    if (memcmp(&loss, &proc->loss_written, sizeof loss) != 0) {
        proc->loss_written = loss;
        proc->data_since_flush = true;
        rec_proc_problem(proc, prof_writer_loss(proc->writer, &loss));
    }
    rec_meta_malloc(proc);
    if (!proc->data_since_flush)
        return;
    proc->data_since_flush = false;
    rec_proc_problem(proc, prof_writer_flush(proc->writer));
    proc->result.bytes = prof_writer_bytes(proc->writer);
    proc->result.records = proc->records_in;
    proc->result.slots = proc->slots_in;
    proc->result.loss = loss;
}

static void flush_all(struct recorder *rec)
{
    rec_round(rec);
    for (size_t a = 0; a < rec->arenas.count; a++)
        for (int i = 0; i < TRK_PROC_MAX; i++)
            if (rec->arenas.items[a]->proc[i] != NULL) {
                flush_proc(rec->arenas.items[a]->proc[i]);
                rec_fold_look(rec->arenas.items[a]->proc[i], rec_now_us());
            }
}

void rec_flush(struct recorder *rec)
{
    uint64_t now = rec_now_us();
    for (size_t a = 0; a < rec->arenas.count; a++)
        look(rec->arenas.items[a], now);
    flush_all(rec);
}

static void add_poll(struct recorder *rec, int fd)
{
    if (fd >= 0)
        (void)prof_vec_push(&rec->polls, (struct pollfd){ .fd = fd, .events = POLLIN });
}

/* Sleeps until something happens; true when fd is readable. */
static bool wait_for(struct recorder *rec, int fd, uint64_t us)
{
    rec->polls.count = 0;
    add_poll(rec, fd);
    add_poll(rec, rec->listen_fd);
    for (size_t i = 0; i < rec->waiting.count; i++)
        add_poll(rec, rec->waiting.items[i].fd);
    for (size_t a = 0; a < rec->arenas.count; a++) {
        struct arena *arena = rec->arenas.items[a];
        if (!arena->image_dead)
            add_poll(rec, arena->image_pidfd);
        for (int i = 0; i < TRK_PROC_MAX; i++)
            if (arena->proc[i] != NULL) {
                add_poll(rec, arena->proc[i]->pidfd);
                add_poll(rec, arena->proc[i]->fold.pipe);
                add_poll(rec, arena->proc[i]->question.pipe);
            }
    }
    struct timespec timeout = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000) };
    int n = ppoll(rec->polls.items, rec->polls.count, &timeout, NULL);
    if (n < 0 && errno != EINTR)
        nanosleep(&(struct timespec){ .tv_nsec = REC_SLEEP_MIN_US * 1000 }, NULL);
    return n > 0 && fd >= 0 && rec->polls.items[0].revents != 0;
}

bool rec_step(struct recorder *rec, int fd, int max_ms)
{
    uint64_t max_us = (uint64_t)(max_ms > 0 ? max_ms : 0) * 1000;
    uint64_t sleep_us = rec->arenas.count > 0 ? rec->sleep_us : max_us;
    if (rec->hurry)
        sleep_us = 0;
    if (rec->waiting.count > 0 && sleep_us > REC_SLEEP_MAX_US)
        sleep_us = REC_SLEEP_MAX_US;
    bool ready = wait_for(rec, fd, sleep_us < max_us ? sleep_us : max_us);

    rec->hurry = false;
    rec->sleep_us = REC_SLEEP_MAX_US;
    if (rec->listen_fd >= 0)
        rec_server_accept(rec);
    if (rec->waiting.count > 0)
        rec_server_poll(rec);
    uint64_t now = rec_now_us();
    for (size_t a = 0; a < rec->arenas.count; a++) {
        struct arena *arena = rec->arenas.items[a];
        bool found = look(arena, now);
        arena->idle_step_us = found ? REC_SLEEP_MIN_US : arena->idle_step_us * 2;
        if (arena->idle_step_us < REC_SLEEP_MIN_US)
            arena->idle_step_us = REC_SLEEP_MIN_US;
        if (arena->idle_step_us > REC_SLEEP_MAX_US)
            arena->idle_step_us = REC_SLEEP_MAX_US;
        if (arena->idle_step_us < rec->sleep_us)
            rec->sleep_us = arena->idle_step_us;
    }
    rec_image_reap(rec);
    if (rec->sleepers.count > 0)
        rec_look_let_go(rec);
    if (rec->folding)
        rec_fold_finish(rec);
    if (rec->pending_slots >= REC_ROUND_SLOTS)
        rec_round(rec);
    if (now - rec->flush_us >= REC_ROUND_US) {
        rec->flush_us = now;
        flush_all(rec);
    }
    return ready;
}
