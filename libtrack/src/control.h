/* control.h: TRACK_OPTIONS, the handshake with the recorder, and starting one. Internal; used at start, and when the
 * process is woken (wake.h), by one thread that is inside the engine. Raw system calls only. */
#ifndef TRACK_CONTROL_H
#define TRACK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRK_PATH_MAX = 512, TRK_SOCK_MAX = 108 };

/* What TRACK_OPTIONS asks for. -1: not given. */
struct trk_options {
    char sock[TRK_SOCK_MAX]; /* "": not given; '@' first: abstract name */
    char out[TRK_PATH_MAX];  /* with %p already replaced */
    char recorder[TRK_PATH_MAX];
    char types[256], modules[256], objects[256]; /* filters, see filter.h; "": not given */
    int64_t birth, ref, free;                    /* frames; 0: no stack, -1: the recorder decides */
    int64_t on_full;                             /* enum trk_on_full */
    int64_t clock;                               /* 0 coarse, 1 exact */
    int64_t block_ms;
    int64_t look_ms;
    int64_t budget; /* bytes */
    int64_t children, malloc, active, wake, help;
    char bad[64];   /* first option that was not understood, "" none */
    bool bad_value; /* its name is known, its value is not */
};
extern struct trk_options trk_options __attribute__((visibility("hidden")));

/* Reads TRACK_OPTIONS; false when it is absent or empty. Prints nothing. */
bool trk_options_read(void);
/* Parses one option string into *o, which must hold the defaults; for trk_options_read and tests. */
void trk_options_parse(struct trk_options *o, const char *s);
void trk_options_defaults(struct trk_options *o);
/* Says on stderr what the user should know: help=1, an unknown option. */
void trk_options_talk(void);

/* The environment as a NULL-terminated list, also before libc is up. Close gives its memory back. */
struct trk_env {
    char **list;
    void *scratch;
    size_t bytes;
};
void trk_env_open(struct trk_env *env);
void trk_env_close(struct trk_env *env);
/* Value of a variable, NULL when absent; valid until close. */
const char *trk_env_get(const struct trk_env *env, const char *name);

/* Gets an arena from the recorder that the options name, or from a new one, and adopts it. False: stay idle. */
bool trk_control_connect(void);

/* Connects to a recorder's socket (a path, or '@' and an abstract name); -1: nobody there within wait_ns. */
int trk_control_socket(const char *path, uint64_t wait_ns);

/* Maps, validates and adopts the arena that the peer of socket fd hands over. flags: more TRK_HELLO_* than those that
 * say what we are. Waits at most wait_ns; fd stays open. On failure *why gets a short text for people. */
bool trk_control_handshake(int fd, uint32_t flags, uint64_t wait_ns, const char **why);

/* TRK_HELLO_PRELOAD, LINKED and MALLOC, as they are true of this process. */
uint32_t trk_control_kind(void);

/* Starts a recorder for this process, double-forked, and returns our end of its socket; -1 after saying why. */
int trk_control_spawn(void);

#endif
