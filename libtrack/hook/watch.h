/* hook/watch.h: the functions of the program that the recorder wants to hear of. Internal to libtrack/hook.
 *
 * The recorder's rules (struct trk_hook_rule) name functions; each pair of a rule and a function that it names is a
 * watch. The watches of one function are a list, the first one has the hook. load.c finds and hooks them, event.c is
 * what happens on a call, name.c knows what type the object of a call is. */
#ifndef TRACK_HOOK_WATCH_H
#define TRACK_HOOK_WATCH_H

#define TRK_DISABLE
#include <track/track.h>

#include "../src/engine.h"

#include "hook.h"
#include "place.h"

struct trk_watch {
    struct trk_hook hook;             /* first; of a list, only that of the first is one */
    const struct trk_hook_rule *rule; /* checked: trk_watch_fits */
    struct trk_watch *next;           /* for the same function */
    struct trk_type *type;            /* NEW: when there is no other name; births of the same name share it */
    uintptr_t name_call;              /* NEW: the function that knows the name, 0: none */
    uint8_t op, depth, aux;           /* of its event: trk_watch_init, and what follows */
    bool late;                        /* speaks when the call has returned */
    bool plain;                       /* needs no memory: the object, and the slot, are arguments or results */
    uint32_t index;                   /* in struct trk_shm_hooks.found */
    /* load.c's */
    bool loaded;             /* its module is */
    const void *dynamic;     /* section of its module, which tells it from others */
    uintptr_t start;         /* of the function */
    struct trk_watch *first; /* of its list */
};

/* Sets the handlers of a list whose members up to `name_call`, and `index`, are set. event.c */
void trk_watch_init(struct trk_watch *first);

/* If the rule is as simple as that (an object that an argument or the result is, and nothing else), its calls need no
 * handler, or a shorter one. After trk_watch_init has set those for all rules. quick.c */
void trk_watch_quick(struct trk_watch *watch);

/* Notes that the object was born in a hooked function: a constructor that called this one returns it, too. */
static inline void trk_watch_born(uint64_t object)
{
    trk_tls.born[trk_tls.births % TRK_BIRTHS] = ~object;
    trk_tls.births++;
}

/* Whether a rule's numbers are such as event.c can do something with. */
bool trk_watch_fits(const struct trk_hook_rule *rule);

/* A first handler that leaves everything to the second, while somebody records. */
bool trk_watch_anyway(const struct trk_call *call, const struct trk_hook *hook);

/* ---- name.c: types of objects ---- */

/* Memory for it, once, before the first type. False: there is none. */
bool trk_name_init(void);

/* The type of this name, and of the shape that the rule tells; NULL: no room. Any thread. */
struct trk_type *trk_name_type(const struct trk_hook_rule *rule, const char *name);

/* The type of the object that a call bears, where that is known already; NULL: ask trk_name_ask. Without vector
 * registers. */
struct trk_type *trk_name_known(const struct trk_watch *watch, const struct trk_about *about);

/* The same for second handlers; may call a function of the program. Never NULL, when watch->type is not. */
struct trk_type *trk_name_ask(const struct trk_watch *watch, const struct trk_about *about);

#endif
