/* question_help.c: the helper that answers questions which take the whole recording (question.c).
 *
 * It stays and reads on: a heap with its generations goes along with the trace as far as nothing can change any more
 * that is not written yet (prof_heap_tail). For each question it is brought up to date and forks a child, which applies
 * the last rounds as though the trace ended there, answers and keeps what it made: when nothing was written until the
 * next question, that one is its own, too. So a question costs what came since the one before, and a look at what is
 * alive where it is about that.
 *
 * What goes back and forth are whole packets, so either of them may be killed at any moment. Who is not asked for so
 * long that making everything anew would have cost less ends by itself, and takes its memory along. */
#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <prof/gc.h>
#include <prof/graph.h>
#include <track/track.h>

#include "launch.h"

enum {
    LINGER_LEAST_US = 10000000,
    LINGER_MOST_US = 900000000,
    LINGER_TIMES = 20, /* what it took to get here */
};

struct help {
    int talk;         /* with the recorder */
    int file;         /* the trace */
    const char *path; /* its name, for messages nobody sees */
    struct prof_trace *trace;
    struct question_telling telling;
    struct prof_heap_tail *tail;
    bool exact;
    size_t maps; /* module maps that the symbols know */
    pid_t child;
    int to_child;       /* where further questions of the same moment go */
    uint64_t child_end; /* bytes of the trace that it knows */
    uint64_t cpu_told_us, built_us;
};

static uint64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- Talking ---- */

bool rec_question_put(struct question_telling *t, const void *bytes, size_t size)
{
    if (size == 0)
        return true;
    t->no_memory = t->no_memory || !prof_vec_reserve(&t->said, size);
    if (t->no_memory)
        return false;
    memcpy(t->said.items + t->said.count, bytes, size);
    t->said.count += size;
    return true;
}

static bool send_part(int talk, const struct question_part *part)
{
    size_t size = sizeof *part - sizeof part->bytes + part->here;
    for (;;) {
        ssize_t n = send(talk, part, size, MSG_NOSIGNAL);
        if (n >= 0 || errno != EINTR)
            return n == (ssize_t)size;
    }
}

/* size 0: it cannot be known. */
static bool send_all(struct help *h, uint64_t number, const unsigned char *bytes, size_t size)
{
    struct question_part part = {
        .number = number, .all = size, .cpu_us = cpu_us() - h->cpu_told_us, .last = !h->exact
    };
    h->cpu_told_us += part.cpu_us;
    size_t done = 0;
    do {
        part.here = size - done < sizeof part.bytes ? (uint32_t)(size - done) : (uint32_t)sizeof part.bytes;
        if (part.here > 0)
            memcpy(part.bytes, bytes + done, part.here);
        if (!send_part(h->talk, &part))
            return false;
        done += part.here;
        part.cpu_us = 0;
    } while (done < size);
    return true;
}

static bool receive(int from, struct question_request *ret)
{
    ssize_t n;
    do
        n = recv(from, ret, sizeof *ret, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *ret;
}

/* ---- The child ---- */

static bool answer(struct help *h, const struct question_request *request)
{
    struct question_telling *t = &h->telling;
    t->said.count = 0;
    bool known = rec_question_is_leak_check(request->kind) ? rec_leak_check_tell(t)
                                                           : rec_gc_tell(t, request->kind, request->arg);
    return send_all(h, request->number, t->said.items, known && !t->no_memory ? t->said.count : 0);
}

/* What was handed on is not to be relied on: everything once more. */
static bool replay_again(struct help *h, uint64_t end)
{
    struct question_telling *t = &h->telling;
    int fd = dup(h->file);
    if (fd < 0 || prof_trace_open_fd(fd, h->path, end, &t->trace) != NULL)
        return false;
    *t = (struct question_telling){ .trace = t->trace };
    return rec_question_follow(t) && prof_heap_create(t->trace, &t->options, &t->heap) == NULL;
}

static void run_child(struct help *h, const struct question_request *first, int in, pid_t parent)
{
    struct question_request request = *first;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    h->cpu_told_us = 0; /* its own begins with 0 */
    bool good = h->exact ? prof_heap_tail_end(h->tail) == NULL : replay_again(h, request.end);
    if (!good)
        (void)send_all(h, request.number, NULL, 0);
    while (good && answer(h, &request))
        good = receive(in, &request);
    _exit(0);
}

static void end_child(struct help *h)
{
    if (h->child == 0)
        return;
    close(h->to_child);
    kill(h->child, SIGKILL);
    while (waitpid(h->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    h->child = 0;
}

static bool begin_child(struct help *h, const struct question_request *request)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(h, request, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    h->child = pid;
    h->to_child = ends[0];
    h->child_end = request->end;
    return true;
}

/* ---- The helper ---- */

/* Nothing of the recorder's is needed but the file, and all that it would keep open or mapped would outlive its time
 * there. */
static bool leave_recorder(struct help *h, const struct proc *proc, int talk)
{
    const struct recorder *rec = proc->arena->rec;
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", prof_writer_fd(proc->writer));
    h->file = open(name, O_RDONLY | O_CLOEXEC); /* opened anew: locks are not shared */
    if (h->file < 0)
        h->file = dup(prof_writer_fd(proc->writer));
    h->talk = talk;
    h->path = proc->result.path;
    for (size_t i = 0; i < rec->arenas.count; i++) {
        const struct arena *arena = rec->arenas.items[i];
        if (arena != proc->arena && arena->base != NULL)
            munmap(arena->base, arena->bytes);
    }
    if (proc->arena->base != NULL)
        munmap(proc->arena->base, proc->arena->bytes);
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd > 2 && fd != h->file && fd != talk && fd != dirfd(dir))
            close(fd);
    }
    if (dir != NULL)
        closedir(dir);
    launch_detach_files(-1);
    return h->file >= 0;
}

static bool open_all(struct help *h, uint64_t end)
{
    struct question_telling *t = &h->telling;
    int fd = dup(h->file);
    if (fd < 0 || prof_trace_open_fd(fd, h->path, end, &h->trace) != NULL)
        return false;
    t->trace = h->trace;
    if (!rec_question_follow(t) || prof_heap_tail_open(h->trace, &t->options, &h->tail) != NULL)
        return false;
    t->heap = prof_heap_tail_heap(h->tail);
    return true;
}

/* false: nobody asks any more, or the child died, which it does not by itself. */
static bool wait_for_request(const struct help *h)
{
    uint64_t linger = h->built_us * LINGER_TIMES;
    linger = linger < LINGER_LEAST_US ? LINGER_LEAST_US : linger > LINGER_MOST_US ? LINGER_MOST_US : linger;
    struct pollfd p[2] = { { .fd = h->talk, .events = POLLIN }, { .fd = h->child != 0 ? h->to_child : -1 } };
    int n;
    do
        n = poll(p, 2, (int)(linger / 1000));
    while (n < 0 && errno == EINTR);
    return n > 0 && p[1].revents == 0;
}

/* Symbols know the code that was loaded when they were made. */
static void drop_old_symbols(struct help *h)
{
    struct question_telling *t = &h->telling;
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(h->trace, &maps);
    if (t->symbols != NULL && h->maps != count) {
        prof_symbols_destroy(t->symbols);
        t->symbols = NULL;
    }
    h->maps = count;
}

/* What files say is read once, here, and not by each child. Whatever is not read now is read there. */
static void warm(struct help *h)
{
    struct question_telling *t = &h->telling;
    struct prof_graph *graph = NULL;
    if (t->symbols != NULL)
        return;
    struct prof_error *error =
        rec_question_symbols(t) ? prof_graph_create(t->heap, t->symbols, NULL, &graph) : prof_error_memory();
    if (error == NULL)
        prof_graph_destroy(graph);
    prof_error_destroy(error);
}

static bool serve(struct help *h, const struct question_request *request)
{
    if (h->child != 0 && !request->given_up && h->child_end == request->end &&
        send(h->to_child, request, sizeof *request, MSG_NOSIGNAL) == (ssize_t)sizeof *request)
        return true;
    end_child(h);
    uint64_t begin = cpu_us();
    if (h->tail == NULL && !open_all(h, request->end))
        return false;
    if (prof_heap_tail_on(h->tail, request->end, &h->exact) != NULL)
        return false;
    drop_old_symbols(h);
    if (rec_question_wants_symbols(request->kind) && h->exact)
        warm(h);
    h->built_us += cpu_us() - begin;
    if (!begin_child(h, request))
        return false;
    return h->exact; /* else it answers, and the next question finds a new helper */
}

void rec_question_help(const struct proc *proc, pid_t parent, int talk)
{
    struct help h = { .exact = true };
    struct question_request request;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !leave_recorder(&h, proc, talk))
        _exit(1);
    bool good = true;
    while (good && wait_for_request(&h) && receive(h.talk, &request))
        good = serve(&h, &request);
    if (!good && h.child != 0) {
        close(h.to_child); /* it answers, and ends when it wants the next one */
        while (waitpid(h.child, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    _exit(0);
}
