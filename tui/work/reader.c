/* work/reader.c: the process that follows a trace and forks snapshots of it. See work.h.
 *
 * The file is read in parts that take some hundredths of a second each, so an order never waits long. A snapshot is a
 * fork: it has the heap as it is now, ends it, and goes its own way. When what was read can no longer be taken as it is
 * (a late checkpoint; prof_heap_tail_on), snapshots replay everything instead. */
#include "history.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../source.h"

enum {
    LIVE_NICE = 10,
    PART_LEAST = 4 << 10,
    PART_FIRST = 256 << 10,
    PART_MOST = 8 << 20,
    PART_MS = 20,
    LIVE_MS = 200,
    PULSES_OF_FILE = 240
};

struct reader {
    const struct work_options *options;
    struct tui_wire pulses;
    int orders, file;
    struct prof_trace *trace;
    struct work_history *history;
    struct prof_heap_tail *tail;
    bool exact, caught_up; /* all of the file was read once */
    uint64_t done, all, part;
    uint64_t told_at_us, told_ms, told_done;
    int told_phase;
};

static struct prof_error *open_part(const struct reader *r, uint64_t bytes, struct prof_trace **ret)
{
    int fd = fcntl(r->file, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return prof_error_create(PROF_ERROR_ARGUMENT, "%s", strerror(errno));
    return prof_trace_open_fd(fd, r->options->path, bytes, ret);
}

/* ---- Snapshots ---- */

static struct prof_heap_options heap_options(struct work_history *history, uint64_t until_us)
{
    return (struct prof_heap_options){ .keep_type_sites = true,
                                       .until_us = until_us,
                                       .follow = work_history_follow(history) };
}

/* Nobody wants it any more: the other end looks at another moment by now. */
static bool still_wanted(void *ctx, uint64_t done, uint64_t all)
{
    const struct work *work = ctx;
    struct pollfd fd = { .fd = work->wire.fd };
    (void)done;
    (void)all;
    return poll(&fd, 1, 0) <= 0 || (fd.revents & (POLLHUP | POLLERR)) == 0;
}

/* A heap that ends at a moment in the past, or everything once more. */
static struct prof_error *replay(const struct reader *r, uint64_t until_us, struct work *work)
{
    struct prof_error *error = open_part(r, r->done, &work->trace);
    if (error == NULL)
        error = work_history_create(&work->history);
    if (error != NULL)
        return error;
    struct prof_heap_options options = heap_options(work->history, until_us);
    options.progress = still_wanted;
    options.progress_ctx = work;
    return prof_heap_create(work->trace, &options, &work->heap);
}

/* Ends this process when nobody holds the other end any more, whatever it does then. */
static void wear(int leash)
{
    struct pollfd fd = { .fd = leash };
    fcntl(leash, F_SETOWN, getpid());
    fcntl(leash, F_SETFL, O_ASYNC | O_NONBLOCK); /* SIGIO */
    if (poll(&fd, 1, 0) != 0)
        _exit(0);
}

static void run_snapshot(struct reader *r, struct work_order *order, const int ends[WORK_ORDER_ENDS])
{
    struct work work = { .options = r->options, .suppress = order->suppressions };
    uint64_t at_us = order->at_us;
    struct prof_error *error = NULL;
    close(r->orders);
    close(r->pulses.fd);
    wear(ends[WORK_ORDER_LEASH]);
    tui_wire_init(&work.wire, ends[WORK_ORDER_QUICK], false);
    work.now = at_us == UINT64_MAX;
    work_doing(&work, at_us != UINT64_MAX || !r->exact ? "reading up to there" : "counting what is alive");
    if (at_us != UINT64_MAX || !r->exact) {
        error = replay(r, at_us == UINT64_MAX ? 0 : at_us, &work);
    } else {
        error = prof_heap_tail_end(r->tail);
        work.trace = r->trace;
        work.heap = prof_heap_tail_heap(r->tail);
        work.history = r->history;
    }
    if (error != NULL)
        tui_wire_send(&work.wire, json_pack("{s:o}", "failed", work_text(error->message)));
    else
        work_serve(&work, ends);
    _exit(0); /* its memory goes with it */
}

/* false: nobody is there any more. */
static bool take_order(struct reader *r)
{
    struct work_order order;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(WORK_ORDER_ENDS * sizeof(int))];
    } control;
    struct iovec part = { &order, sizeof order };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t n = recvmsg(r->orders, &message, MSG_CMSG_CLOEXEC);
    order.suppressions[sizeof order.suppressions - 1] = '\0';
    if (n != sizeof order)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    int ends[WORK_ORDER_ENDS];
    if (head == NULL || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof ends))
        return true;
    memcpy(ends, CMSG_DATA(head), sizeof ends);
    pid_t reader = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == reader)
            run_snapshot(r, &order, ends);
        _exit(1);
    }
    for (int i = 0; i < WORK_ORDER_ENDS; i++)
        close(ends[i]); /* no process: the other ends see that they are closed */
    return true;
}

/* ---- Reading ---- */

static int phase_of(const struct reader *r)
{
    const struct prof_trace_info *info = prof_trace_info(r->trace);
    if (r->done < r->all && !r->caught_up)
        return TUI_READING;
    return r->options->live && !info->finished ? TUI_LIVE : r->done < r->all ? TUI_READING : TUI_ENDED;
}

static bool tell(struct reader *r)
{
    const struct prof_heap *heap = prof_heap_tail_heap(r->tail);
    r->told_at_us = prof_heap_totals(heap)->end_us;
    r->told_ms = work_now_ms();
    r->told_done = r->done;
    r->told_phase = phase_of(r);
    json_t *news = work_history_news(r->history, r->trace);
    json_object_update_new(news, json_pack("{s:I,s:I,s:i}", "done", (json_int_t)r->done, "all", (json_int_t)r->all,
                                           "phase", r->told_phase));
    return tui_wire_send(&r->pulses, news);
}

static bool tell_trouble(struct reader *r, struct prof_error *error)
{
    bool sent = tui_wire_send(&r->pulses, json_pack("{s:o}", "trouble", work_text(error->message)));
    prof_error_destroy(error);
    return sent;
}

static void look_at_size(struct reader *r)
{
    struct stat st;
    if (fstat(r->file, &st) == 0 && (uint64_t)st.st_size > r->all)
        r->all = (uint64_t)st.st_size;
}

/* The next part; parts grow and shrink with the time they take. */
static struct prof_error *read_part(struct reader *r)
{
    uint64_t begin = work_now_ms(), to = r->all - r->done > r->part ? r->done + r->part : r->all;
    bool exact = true;
    struct prof_error *error = prof_heap_tail_on(r->tail, to, &exact);
    uint64_t took = work_now_ms() - begin;
    r->exact = r->exact && exact;
    r->done = to;
    r->caught_up = r->caught_up || to == r->all;
    if (took > PART_MS * 2 && r->part > PART_LEAST)
        r->part /= 2;
    else if (took < PART_MS / 2 && r->part < PART_MOST)
        r->part *= 2;
    return error;
}

static bool due(const struct reader *r)
{
    return phase_of(r) != r->told_phase || work_now_ms() - r->told_ms >= LIVE_MS ||
           r->done - r->told_done >= r->all / PULSES_OF_FILE;
}

static void run(struct reader *r)
{
    bool failed = false;
    for (;;) {
        look_at_size(r);
        bool more = r->done < r->all && !failed;
        struct pollfd fds[] = { { .fd = r->orders, .events = POLLIN }, { .fd = r->pulses.fd } };
        int n = poll(fds, 2, more ? 0 : r->options->live && !failed ? LIVE_MS : -1);
        if (n > 0 && (fds[1].revents & (POLLHUP | POLLERR)))
            return;
        if (n > 0 && (fds[0].revents & (POLLIN | POLLHUP)) && !take_order(r))
            return;
        if (!more)
            continue;
        struct prof_error *error = read_part(r);
        if (error != NULL) {
            failed = true; /* what was read until then can be looked at */
            r->all = r->done;
            if (!tell_trouble(r, error))
                return;
        }
        if ((due(r) || failed) && !tell(r))
            return;
    }
}

static struct prof_error *open_all(struct reader *r)
{
    r->file = open(r->options->path, O_RDONLY | O_CLOEXEC);
    if (r->file < 0)
        return prof_error_create(PROF_ERROR_ARGUMENT, "'%s': %s", r->options->path, strerror(errno));
    look_at_size(r);
    r->part = r->all / PULSES_OF_FILE < PART_FIRST ? r->all / PULSES_OF_FILE : PART_FIRST; /* soon there is something */
    r->part = r->part > PART_LEAST ? r->part : PART_LEAST;
    r->done = r->all < r->part ? r->all : r->part;
    struct prof_error *error = open_part(r, r->done, &r->trace);
    if (error == NULL)
        error = work_history_create(&r->history);
    if (error != NULL)
        return error;
    const struct prof_heap_options options = heap_options(r->history, 0);
    error = prof_heap_tail_open(r->trace, &options, &r->tail);
    r->exact = true;
    r->caught_up = r->done == r->all;
    if (error == NULL)
        error = prof_heap_tail_on(r->tail, r->done, &r->exact);
    return error;
}

static void run_reader(const struct work_options *options, int orders, int pulses)
{
    struct reader r = { .options = options, .orders = orders, .told_phase = -1 };
    tui_wire_init(&r.pulses, pulses, true);
    if (options->live)
        nice(LIVE_NICE);      /* the program that is watched goes first, and its recorder */
    signal(SIGCHLD, SIG_IGN); /* snapshots end by themselves, and nobody waits for them */
    struct prof_error *error = open_all(&r);
    if (error != NULL)
        tell_trouble(&r, error);
    else if (tell(&r))
        run(&r);
    _exit(0);
}

bool tui_work_start(const struct work_options *options, int *ret_orders, int *ret_pulses, pid_t *ret_pid)
{
    int orders[2], pulses[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pulses) != 0) {
        close(orders[0]);
        close(orders[1]);
        return false;
    }
    pid_t viewer = getpid(), pid = fork();
    if (pid == 0) {
        close(orders[0]);
        close(pulses[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 1; i < NSIG; i++)
            signal(i, i == SIGINT || i == SIGTSTP || i == SIGQUIT || i == SIGXFSZ ? SIG_IGN : SIG_DFL);
        if (getppid() == viewer)
            run_reader(options, orders[1], pulses[1]);
        _exit(1);
    }
    close(orders[1]);
    close(pulses[1]);
    if (pid < 0) {
        close(orders[0]);
        close(pulses[0]);
        return false;
    }
    *ret_orders = orders[0];
    *ret_pulses = pulses[0];
    *ret_pid = pid;
    return true;
}
