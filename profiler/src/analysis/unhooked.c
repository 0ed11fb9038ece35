/* unhooked.c: functions that were to be hooked and were not: what their missing calls make of the books. */
#include "analysis.h"

#include <string.h>

#include <track/format.h>

/* One half of a pair: functions that do the one or the other. */
enum half { TAKES, GIVES, MAKES, HALVES };

/* What became of the functions that one adapter, or nobody ("": options), names. */
struct pair {
    const char *adapter;
    char missing[HALVES][sizeof((struct prof_hooked *)NULL)->function]; /* one that is not hooked; "": none */
    bool hooked[HALVES];
};

static enum half half_of(const char *role)
{
    if (strcmp(role, "ref") == 0)
        return TAKES;
    return strcmp(role, "new") == 0 || strcmp(role, "reuse") == 0 ? MAKES : GIVES;
}

static struct pair look_at(const char *hooks, const char *adapter)
{
    struct pair pair = { .adapter = adapter };
    struct prof_hooked hook;
    while (prof_hooked_next(&hooks, &hook)) {
        enum half half = half_of(hook.role);
        if (strcmp(hook.adapter, adapter) != 0)
            continue;
        pair.hooked[half] |= hook.state == TRK_HOOK_ON;
        if (hook.state != TRK_HOOK_ON && hook.state != TRK_HOOK_TWICE)
            memcpy(pair.missing[half], hook.function, sizeof hook.function);
    }
    return pair;
}

/* Only one half of it was seen: the calls of the other half are what the books lack. */
static const char *half_seen(struct analysis *a, const struct pair *pair)
{
    bool others = pair->hooked[MAKES] || pair->hooked[GIVES];
    if (pair->missing[TAKES][0] != '\0' && !pair->hooked[TAKES] && others)
        return prof_arena_printf(a->arena, "calls of %s are not seen", pair->missing[TAKES]);
    if (pair->hooked[GIVES] || (!pair->hooked[TAKES] && pair->missing[GIVES][0] == '\0'))
        return NULL;
    if (pair->missing[GIVES][0] != '\0')
        return pair->hooked[TAKES] || pair->hooked[MAKES]
                   ? prof_arena_printf(a->arena, "calls of %s are not seen", pair->missing[GIVES])
                   : NULL;
    return "no function was named that gives references back (--unref)";
}

/* Of functions that somebody named one by one, each counts. */
static const char *refused(struct analysis *a, const char *hooks)
{
    struct prof_hooked hook;
    while (prof_hooked_next(&hooks, &hook))
        if (hook.adapter[0] == '\0' && prof_hook_refused(hook.state))
            return prof_arena_printf(a->arena, "calls of %s are not seen", hook.function);
    return NULL;
}

const char *unhooked_half(struct analysis *a)
{
    const char *hooks = prof_trace_meta(prof_heap_trace(a->heap), "hooks");
    const char *adapters = prof_trace_meta(prof_heap_trace(a->heap), "adapters");
    struct pair pair = look_at(hooks, "");
    struct prof_adapted adapted;
    const char *why = half_seen(a, &pair);
    while (why == NULL && prof_adapted_next(&adapters, hooks, &adapted)) {
        pair = look_at(hooks, adapted.name);
        why = half_seen(a, &pair);
    }
    return why != NULL ? why : refused(a, hooks);
}

void unhooked_weaken(struct analysis *a)
{
    const char *why = unhooked_half(a);
    for (size_t i = 0; why != NULL && i < a->out->list.count; i++) {
        struct prof_finding *f = &a->out->list.items[i];
        if (f->type[0] == '\0' || f->strength >= PROF_SUSPECT || f->verdict == PROF_REACHABLE)
            continue;
        f->strength = PROF_SUSPECT;
        f->reasons = f->reasons == NULL ? why : prof_arena_printf(a->arena, "%s; %s", f->reasons, why);
    }
}

void unhooked_say(struct analysis *a, struct prof_str *why)
{
    const char *hooks = prof_trace_meta(prof_heap_trace(a->heap), "hooks"), *half = unhooked_half(a);
    struct prof_hooked hook;
    char first[sizeof hook.function] = "";
    unsigned more = 0;
    while (prof_hooked_next(&hooks, &hook))
        if (prof_hook_refused(hook.state) && more++ == 0)
            memcpy(first, hook.function, sizeof first);
    if (more == 0 && half == NULL)
        return;
    prof_str_add(why, why->length > 0 ? "; " : "");
    if (more == 0)
        prof_str_add(why, half);
    else
        prof_str_addf(why, "calls of %s are not seen", first);
    if (more > 1)
        prof_str_addf(why, ", nor of %u more", more - 1);
}
