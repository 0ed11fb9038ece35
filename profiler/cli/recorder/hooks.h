/* hooks.h: which functions of a program are hooked (track/format.h, struct trk_hook_rule), and what became of them. */
#ifndef RECORDER_HOOKS_H
#define RECORDER_HOOKS_H

#include <stdbool.h>

#include <track/format.h>

/* Rules as the target gets them. Zeroed: none. */
struct rec_hooks {
    struct trk_hook_rule rule[TRK_HOOK_RULES];
    char text[TRK_HOOK_TEXT];
    uint32_t rules, text_bytes;
    bool inlined[TRK_HOOK_RULES];             /* the program has copies of the function in others */
    char adapters[16 << 10], hidden[4 << 10]; /* META values of these names (meta.c) */
};

/* The texts of a rule, by the names that they have there; NULL: empty. */
struct rec_hook_texts {
    const char *adapter, *library, *function, *type, *name_function;
};

/* Whether libtrack can hook functions on the machine that this was made for. */
static inline bool rec_hooks_possible(void)
{
#if defined(__x86_64__)
    return true;
#else
    return false;
#endif
}

/* Adds a rule; its texts are those given, copied. False: there is no room. */
bool rec_hooks_add(struct rec_hooks *hooks, const struct trk_hook_rule *rule, const struct rec_hook_texts *texts);

/* Files whose code is no site in reports, if there is room: a pattern. */
void rec_hooks_hide(struct rec_hooks *hooks, const char *file);
/* Notes an adapter for META: how it came ("shipped", "user", "given"), its files with '|' between them, its path. */
void rec_hooks_adapter(struct rec_hooks *hooks, const char *name, const char *how, const char *libraries,
                       const char *path);

/* The name of a rule's function. */
const char *rec_hooks_function(const struct rec_hooks *hooks, uint32_t rule);

struct arena;
struct proc;

/* Bytes of struct trk_shm_hooks with its counters. */
uint64_t rec_hooks_bytes(uint32_t ring_count);
/* Writes the rules into shared memory; before the target sees it. */
void rec_hooks_fill(struct arena *arena, const struct rec_hooks *hooks);
/* The rules as shared memory has them, for a recorder that did not write them: what stands there is checked like
 * anything that a target can write. Adapters and hidden files stay empty: nobody says. NULL: there are none, what is
 * there makes no sense, or no memory. Free with free(). */
struct rec_hooks *rec_hooks_adopt(const struct arena *arena);
/* Sets the counters of a ring, or of a process, that is given back to zero. */
void rec_hooks_ring_back(struct arena *arena, uint32_t ring);
void rec_hooks_proc_back(struct arena *arena, int index);

/* What the process says of its hooks, the value of META key hooks (meta.c): malloc'ed, NULL: it has none. */
char *rec_hooks_text(const struct proc *proc);

#endif
