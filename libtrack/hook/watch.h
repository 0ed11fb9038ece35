/* hook/watch.h: the functions of the program that the recorder wants to hear of. Internal to libtrack/hook.
 *
 * The recorder's rules (struct trk_hook_rule) name functions; each function found is a watch: a hook, and what to
 * record when it is called. load.c finds and hooks them, event.c is what happens on a call. */
#ifndef TRACK_HOOK_WATCH_H
#define TRACK_HOOK_WATCH_H

#define TRK_DISABLE
#include <track/track.h>

#include "hook.h"

struct trk_watch {
    struct trk_hook hook;             /* first */
    const struct trk_hook_rule *rule; /* checked: trk_watch_fits */
    uint8_t op, depth, aux;           /* of its event: trk_watch_init */
    struct trk_type *type;            /* NEW; all births of the same name share it */
    uint32_t index;                   /* in struct trk_shm_hooks.found */
    /* load.c's */
    bool loaded;         /* its module is */
    const void *dynamic; /* section of its module, which tells it from others */
};

/* Sets the handlers of a watch whose members up to `index` are set. event.c */
void trk_watch_init(struct trk_watch *watch);

/* Whether a rule's numbers are such as event.c can do something with. */
bool trk_watch_fits(const struct trk_hook_rule *rule);

/* A first handler that leaves everything to the second, while somebody records. */
bool trk_watch_anyway(const struct trk_call *call, const struct trk_hook *hook);

#endif
