/* server.h: a small server as people have them: a poll loop on the loopback interface, worker threads, sessions, a
 * cache and timers, all of which share counted objects. It knows nothing of reftrack.
 *
 * One line is one request, and one line the answer: "SET key value", "GET key", "PING", "STAT", "QUIT"; anything else
 * is an error. */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "obj.h"

enum { LINE = 256, SESSIONS = 256, WORKERS = 4, CACHE_BUCKETS = 64 };

/* The mistake that is planted; each is one missing or additional line. */
enum mistake {
    NONE,
    FORGETS_ON_ERROR, /* an early return keeps the reference on the session */
    GIVES_BACK_TWICE, /* a report is given back by who made it and by who sent it */
    CACHE_KEEPS,      /* entries go on referring to the session that set them */
    NO_CANCEL,        /* who hangs up without QUIT leaves session and timer holding each other */
    LOST_IN_THREAD,   /* the thread that writes the log drops what it was handed */
};
extern enum mistake mistake;

/* ---- session.c: one per connection. The poll loop's, but for session_answer ---- */
struct timer;
struct session {
    struct obj obj;
    int fd;
    struct timer *idle; /* counted */
    char buffer[LINE];
    size_t used;
};
struct session *session_open(int fd);
/* Ends the connection; the session lives as long as requests refer to it. */
void session_close(struct session *session, bool hung_up);
/* Any thread; a line without its end. */
void session_answer(const struct session *session, const char *line);

/* ---- timer.c: the poll loop's ---- */
struct timer {
    struct obj obj;
    struct session *session; /* counted */
    unsigned long due;       /* turn of the poll loop */
};
struct timer *timer_start(struct session *session, unsigned long due);
/* It is no longer due, and refers to nobody; the caller's reference is given back. */
void timer_cancel(struct timer *timer);
/* The same, but it keeps what it refers to until it is freed. */
void timer_stop(struct timer *timer);
/* One that is due by now, with a reference; NULL: none. */
struct timer *timer_next_due(unsigned long now);

/* ---- cache.c: values by key. Any thread ---- */
struct entry {
    struct obj obj;
    struct session *owner; /* counted: who set it; NULL when that is gone */
    char key[32], value[LINE];
};
void cache_set(const char *key, const char *value, struct session *owner);
/* With a reference; NULL: no such key. */
struct entry *cache_get(const char *key);
/* The session ends: what it set stays. */
void cache_forget(const struct session *owner);
void cache_clear(void);

/* ---- log.c: a thread that writes down who was served ---- */
void log_start(void);
/* Takes over the caller's reference. */
void log_session(struct session *session);
/* Ends when all is written; how many lines that was. */
unsigned long log_stop(void);

/* ---- work.c: threads that answer requests ---- */
void work_start(void);
/* Takes over the caller's reference on the session, for as long as it takes. */
void work_submit(struct session *session, const char *line);
void work_stop(void);

/* ---- clients.c: threads that ask ---- */
struct clients {
    int count, requests; /* how many; of each */
};
void clients_start(const struct clients *clients, int port);
/* How many answers were not as they should be. */
int clients_stop(void);

#endif
