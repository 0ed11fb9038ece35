/* main.c: the poll loop of the server. Usage: server [clients=N] [requests=N] [mistake=WORD]. Prints how often it
 * called each function that counts; exit code 7 when all was as it should be. */
#include "server.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum mistake mistake;
static struct session *session[SESSIONS]; /* counted */
static struct pollfd fds[SESSIONS + 1];   /* the last one accepts */
static int open_sessions, served;
static unsigned long turn;

static void end_session(int i, bool hung_up)
{
    session_close(session[i], hung_up);
    session[i] = NULL;
    open_sessions--;
    served++;
}

static void accept_one(int fd)
{
    int connection = accept(fd, NULL, NULL);
    for (int i = 0; i < SESSIONS && connection >= 0; i++)
        if (session[i] == NULL) {
            session[i] = session_open(connection);
            open_sessions++;
            return;
        }
}

/* One line of what arrived. False: the session is over. */
static bool take_line(int i, const char *line)
{
    if (strcmp(line, "QUIT") == 0) {
        session_answer(session[i], "BYE");
        end_session(i, false);
        return false;
    }
    work_submit(obj_ref(session[i]), line);
    return true;
}

static void read_some(int i)
{
    struct session *s = session[i];
    ssize_t got = recv(s->fd, s->buffer + s->used, sizeof s->buffer - s->used, 0);
    char *end;
    if (got <= 0) {
        end_session(i, true);
        return;
    }
    s->used += (size_t)got;
    while ((end = memchr(s->buffer, '\n', s->used)) != NULL) {
        size_t length = (size_t)(end - s->buffer) + 1;
        *end = '\0';
        if (!take_line(i, s->buffer))
            return;
        s->used -= length;
        memmove(s->buffer, end + 1, s->used);
    }
}

static void end_idle(void)
{
    struct timer *timer;
    while ((timer = timer_next_due(turn)) != NULL) {
        for (int i = 0; i < SESSIONS; i++)
            if (session[i] == timer->session)
                end_session(i, false);
        obj_unref(timer);
    }
}

static void serve(int fd, int clients)
{
    while (served < clients) {
        for (int i = 0; i < SESSIONS; i++)
            fds[i] = (struct pollfd){ .fd = session[i] != NULL ? session[i]->fd : -1, .events = POLLIN };
        fds[SESSIONS] = (struct pollfd){ .fd = fd, .events = POLLIN };
        poll(fds, SESSIONS + 1, -1);
        turn++;
        for (int i = 0; i < SESSIONS; i++)
            if (fds[i].revents != 0)
                read_some(i);
        if (fds[SESSIONS].revents != 0)
            accept_one(fd);
        end_idle();
    }
}

/* Accepts on the loopback interface; exits when it cannot. */
static int listen_there(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, SESSIONS) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        perror("listen");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    static const char *const mistakes[] = { "none", "error", "twice", "cache", "cycle", "thread" };
    struct clients clients = { .count = 8, .requests = 24 };
    int port, wrong;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "clients=", 8) == 0)
            clients.count = atoi(argv[i] + 8);
        else if (strncmp(argv[i], "requests=", 9) == 0)
            clients.requests = atoi(argv[i] + 9);
        for (int k = 0; k <= LOST_IN_THREAD; k++)
            if (strncmp(argv[i], "mistake=", 8) == 0 && strcmp(argv[i] + 8, mistakes[k]) == 0)
                mistake = (enum mistake)k;
    }
    int fd = listen_there(&port);
    log_start();
    work_start();
    clients_start(&clients, port);
    serve(fd, clients.count);
    wrong = clients_stop();
    work_stop();
    unsigned long lines = log_stop();
    if (mistake != CACHE_KEEPS)
        cache_clear();
    close(fd);
    dprintf(STDOUT_FILENO, "served %d, %lu lines of log, %d wrong answers\nnew %lu ref %lu unref %lu\n", served, lines,
            wrong, obj_news, obj_refs, obj_unrefs);
    return wrong == 0 ? 7 : 1;
}
