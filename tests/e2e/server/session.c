/* session.c: see server.h. */
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_TURNS = 1000000 };

static void end(struct obj *obj)
{
    close(((struct session *)obj)->fd);
}

static const struct obj_class session_class = { "session", sizeof(struct session), end };

struct session *session_open(int fd)
{
    struct session *session = obj_new(&session_class);
    session->fd = fd;
    session->idle = timer_start(session, IDLE_TURNS);
    return session;
}

void session_close(struct session *session, bool hung_up)
{
    if (mistake != CACHE_KEEPS)
        cache_forget(session);
    if (mistake == NO_CANCEL && hung_up) {
        timer_stop(session->idle);
    } else {
        timer_cancel(session->idle);
        session->idle = NULL;
    }
    shutdown(session->fd, SHUT_RDWR);
    obj_unref(session);
}

void session_answer(const struct session *session, const char *line)
{
    char text[2 * LINE];
    int length = snprintf(text, sizeof text, "%s\n", line);
    (void)!send(session->fd, text, (size_t)length, MSG_NOSIGNAL);
}
