/* server.h: a small server, told to libtrack, with three mistakes of the kind that servers have. docs/STORIES.md finds
 * them: the cache grows since the configuration was read again, an old configuration stays alive, and some sessions
 * miss a release.
 *
 * Sessions, configurations and replies of the cache count references. A variable that owns one is set by hold() and
 * emptied by drop(), so every reference has its owner told. */
#ifndef SAMPLES_SERVER_H
#define SAMPLES_SERVER_H

#include <stdlib.h>
#include <track/track.h>

/* ---- Counting: object.c ---- */

struct object {
    int refs;
    void (*end)(void *object); /* drops what its fields hold */
};
/* A new object, its one reference owned by the variable. */
void object_new(void *variable, size_t size, struct trk_type *type, void (*end)(void *object));
void hold(void *variable, void *object);
void drop(void *variable); /* and sets it to NULL; one that is empty already is fine */

/* ---- Configurations: config.c ---- */

struct config {
    struct object base;
    int number, limit, expire_every;
    char text[2000];
};
extern struct config *g_config; /* the newest; a session keeps the one it began with */
void config_read(void);

/* ---- Sessions: session.c ---- */

enum { USERS = 64 };
struct session {
    struct object base;
    int user, requests;
    struct config *config;
    struct timer *idle;
    char buffer[400];
};
extern struct session *g_sessions[USERS]; /* who is logged in */
void login(int user);
void logout(int user);

/* ---- Timers: timer.c; time is counted in requests ---- */

struct timer {
    struct timer *next;
    long due;
    void (*fire)(struct timer *timer); /* the timer is in no list any more and ends behind it */
    struct session *session;           /* NULL: of the server itself */
};
struct timer *timer_start(long after, void (*fire)(struct timer *timer), struct session *session);
void timer_stop(struct timer *timer);
void timers_run(long now);

/* ---- The cache of replies: cache.c ---- */

struct reply {
    struct object base;
    int page;
    char body[1000];
};
void cache_configure(const struct config *config);
void cache_get(struct reply **variable, int page); /* holds the reply, made when it is not there */

/* ---- Requests: request.c ---- */

void request_page(int user, int page);
void request_upload(int user, int bytes);
void request_audit(int user);

#endif
