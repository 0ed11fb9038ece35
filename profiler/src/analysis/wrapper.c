/* wrapper.c: functions that count references for their callers and were not declared as wrappers. */
#include <prof/wrapper.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <base/vec.h>

#include "map.h"

enum {
    CALLERS_LEAST = 2,
    CALLERS_UNNAMED = 3, /* of functions whose names say nothing */
    SHARE_PERCENT = 90,  /* of all that is taken, or given back, at the sites of the program: likewise */
};

struct prof_wrappers {
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    PROF_VEC(struct prof_wrapper) list;
    struct map of; /* by function: index into list */
};

/* While functions are gathered `list` has all of them. */
struct gather {
    struct prof_wrappers *wrappers;
    struct map callers; /* (function, calling place) -> its function */
    uint64_t taken, given;
    bool failed;
};

static uint64_t function_key(const struct prof_frame *frame)
{
    return XXH64(frame->function, strlen(frame->function), XXH64(frame->module, strlen(frame->module), 0));
}

/* The place from which the site's function was called; false: the stack ends there. */
static bool caller_key(struct prof_symbols *symbols, uint32_t stack, uint64_t *ret)
{
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(symbols, stack, &frames), site = prof_symbols_site(symbols, stack);
    if (site + 1 >= count)
        return false;
    const struct prof_frame *caller = &frames[site + 1];
    *ret = caller->line != 0 && caller->function != NULL ? map_mix(function_key(caller), caller->line)
                                                         : map_mix(1, caller->pc);
    return true;
}

static void add_stack(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    struct gather *g = ctx;
    struct prof_wrappers *w = g->wrappers;
    if (stack == 0 || stat->refs + stat->unrefs == 0 || g->failed)
        return;
    g->taken += stat->refs;
    g->given += stat->unrefs;
    const struct prof_frame *frame = prof_symbols_site_frame(w->symbols, stack);
    if (frame->function == NULL || frame->wrapper)
        return;
    uint64_t key = function_key(frame), caller;
    uint32_t at = map_get(&w->of, key);
    if (at == UINT32_MAX) {
        at = (uint32_t)w->list.count;
        struct prof_wrapper fresh = {
            .function = frame->function,
            .module = frame->module,
            .file = frame->file,
            .line = frame->line,
            .stack = stack,
        };
        if (!prof_vec_push(&w->list, fresh) || !map_put(&w->of, key, at)) {
            g->failed = true;
            return;
        }
    }
    w->list.items[at].taken += stat->refs;
    w->list.items[at].given += stat->unrefs;
    if (!caller_key(w->symbols, stack, &caller))
        return;
    caller = map_mix(key, caller);
    if (map_get(&g->callers, caller) != UINT32_MAX)
        return;
    g->failed = !map_put(&g->callers, caller, at);
    w->list.items[at].callers++;
}

static bool is_word(const char *word, size_t length, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strlen(*words) == length && strncasecmp(*words, word, length) == 0)
            return true;
    return false;
}

/* Is a word of a name, "conn_ref", "ns::Conn::AddRef", among these? Words end at signs, digits and changes of case. */
static bool has_word(const char *name, const char *const *words)
{
    for (size_t i = 0; name[i] != '\0';) {
        if (!isalpha((unsigned char)name[i])) {
            i++;
            continue;
        }
        size_t begin = i++;
        while (isalpha((unsigned char)name[i]) &&
               !(islower((unsigned char)name[i - 1]) && isupper((unsigned char)name[i])))
            i++;
        if (is_word(name + begin, i - begin, words))
            return true;
    }
    return false;
}

static bool is_wrapper(const struct gather *g, struct prof_wrapper *w)
{
    static const char *const takes[] = { "ref",  "incref", "addref", "retain", "acquire", "get", "hold",
                                         "grab", "dup",    "inc",    "take",   "share",   NULL };
    static const char *const gives[] = { "unref", "deref", "decref", "release", "put",
                                         "drop",  "dec",   "unhold", "unshare", NULL };
    /* They own what they take or give back: their line is the one that matters. */
    static const char *const owns[] = { "main",    "free",     "destroy", "delete",   "close",   "clear",
                                        "dispose", "fini",     "reset",   "teardown", "cleanup", "remove",
                                        "init",    "finalize", "set",     "insert",   "add",     "push",
                                        "pop",     "new",      "create",  NULL };
    if (w->callers < CALLERS_LEAST || (w->taken != 0 && w->given != 0) || has_word(w->function, owns))
        return false;
    w->named = has_word(w->function, w->taken != 0 ? takes : gives);
    uint64_t all = w->taken != 0 ? g->taken : g->given;
    return w->named || (w->callers >= CALLERS_UNNAMED && (w->taken + w->given) * 100 >= all * SHARE_PERCENT);
}

static int by_events(const void *left, const void *right)
{
    const struct prof_wrapper *a = left, *b = right;
    uint64_t x = a->taken + a->given, y = b->taken + b->given;
    return x != y ? (x < y ? 1 : -1) : strcmp(a->function, b->function);
}

/* Keeps those that are wrappers. false without memory. */
static bool choose(struct gather *g)
{
    struct prof_wrappers *w = g->wrappers;
    size_t to = 0;
    for (size_t i = 0; i < w->list.count; i++)
        if (is_wrapper(g, &w->list.items[i]))
            w->list.items[to++] = w->list.items[i];
    w->list.count = to;
    if (to > 1)
        qsort(w->list.items, to, sizeof *w->list.items, by_events);
    map_deinit(&w->of);
    for (size_t i = 0; i < to; i++)
        if (!map_put(&w->of, function_key(prof_symbols_site_frame(w->symbols, w->list.items[i].stack)), (uint32_t)i))
            return false;
    return true;
}

struct prof_error *prof_wrappers_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        struct prof_wrappers **ret)
{
    struct prof_wrappers *wrappers = calloc(1, sizeof *wrappers);
    if (wrappers == NULL)
        return prof_error_memory();
    *wrappers = (struct prof_wrappers){ .heap = heap, .symbols = symbols };
    struct gather gather = { .wrappers = wrappers };
    prof_heap_stack_each(heap, add_stack, &gather);
    bool good = !gather.failed && choose(&gather);
    map_deinit(&gather.callers);
    if (!good) {
        prof_wrappers_destroy(wrappers);
        return prof_error_memory();
    }
    *ret = wrappers;
    return NULL;
}

size_t prof_wrappers_list(const struct prof_wrappers *wrappers, const struct prof_wrapper **ret)
{
    *ret = wrappers->list.items;
    return wrappers->list.count;
}

const struct prof_wrapper *prof_wrappers_of(const struct prof_wrappers *wrappers, uint32_t stack)
{
    const struct prof_frame *frame = prof_symbols_site_frame(wrappers->symbols, stack);
    uint32_t at = frame->function != NULL ? map_get(&wrappers->of, function_key(frame)) : UINT32_MAX;
    return at != UINT32_MAX ? &wrappers->list.items[at] : NULL;
}

void prof_wrappers_destroy(struct prof_wrappers *wrappers)
{
    if (wrappers == NULL)
        return;
    prof_vec_deinit(&wrappers->list);
    map_deinit(&wrappers->of);
    free(wrappers);
}
