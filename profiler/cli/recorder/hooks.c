/* hooks.c: the rules for hooked functions on their way to the target, and what it says of them when it ends. */
#include "hooks.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/str.h>

#include "private.h"

static const char *const role_names[TRK_HOOK_ROLES] = {
    [TRK_HOOK_NEW] = "new",
    [TRK_HOOK_REF] = "ref",
    [TRK_HOOK_UNREF] = "unref",
    [TRK_HOOK_FREE] = "free",
    [TRK_HOOK_SINK] = "sink",
    [TRK_HOOK_WEAK_SET] = "weak_set",
    [TRK_HOOK_WEAK_CLEAR] = "weak_clear",
    [TRK_HOOK_MOVE] = "move",
    [TRK_HOOK_PARK] = "park",
    [TRK_HOOK_REUSE] = "reuse",
    [TRK_HOOK_STAYS] = "stays",
};

/* Place of a string in the text, which holds each once; 0 for the empty one, which stands there. */
static bool add_text(struct rec_hooks *hooks, const char *text, uint32_t *ret)
{
    size_t size = text != NULL ? strlen(text) + 1 : 1;
    if (hooks->text_bytes == 0)
        hooks->text_bytes = 1;
    *ret = 0;
    for (uint32_t at = 0; at < hooks->text_bytes && size > 1; at += (uint32_t)strlen(hooks->text + at) + 1)
        if (strcmp(hooks->text + at, text) == 0) {
            *ret = at;
            return true;
        }
    if (size == 1)
        return true;
    if (size > sizeof hooks->text - hooks->text_bytes)
        return false;
    memcpy(hooks->text + hooks->text_bytes, text, size);
    *ret = hooks->text_bytes;
    hooks->text_bytes += (uint32_t)size;
    return true;
}

bool rec_hooks_add(struct rec_hooks *hooks, const struct trk_hook_rule *rule, const struct rec_hook_texts *texts)
{
    struct trk_hook_rule copy = *rule;
    if (hooks->rules == TRK_HOOK_RULES || !add_text(hooks, texts->adapter, &copy.adapter) ||
        !add_text(hooks, texts->library, &copy.library) || !add_text(hooks, texts->function, &copy.function) ||
        !add_text(hooks, texts->type, &copy.type) || !add_text(hooks, texts->name_function, &copy.name_function))
        return false;
    hooks->rule[hooks->rules++] = copy;
    return true;
}

void rec_hooks_hide(struct rec_hooks *hooks, const char *file)
{
    size_t used = strlen(hooks->hidden), room = sizeof hooks->hidden - used;
    if (snprintf(hooks->hidden + used, room, "%s%s", used > 0 ? "|" : "", file) >= (int)room)
        hooks->hidden[used] = '\0';
}

void rec_hooks_adapter(struct rec_hooks *hooks, const char *name, const char *how, const char *libraries,
                       const char *path)
{
    size_t used = strlen(hooks->adapters), room = sizeof hooks->adapters - used;
    /* What does not fit is not told; the rules are there. */
    if (snprintf(hooks->adapters + used, room, "%s%s %s %s %s", used > 0 ? "\n" : "", name, how, libraries, path) >=
        (int)room)
        hooks->adapters[used] = '\0';
}

const char *rec_hooks_function(const struct rec_hooks *hooks, uint32_t rule)
{
    return hooks->text + hooks->rule[rule].function;
}

uint64_t rec_hooks_bytes(uint32_t ring_count)
{
    return sizeof(struct trk_shm_hooks) + (uint64_t)ring_count * TRK_HOOK_MAX * sizeof(uint64_t);
}

static struct trk_shm_hooks *shared(const struct arena *arena)
{
    return arena->hooks_off == 0 ? NULL : (struct trk_shm_hooks *)(void *)(arena->base + arena->hooks_off);
}

void rec_hooks_fill(struct arena *arena, const struct rec_hooks *hooks)
{
    struct trk_shm_hooks *to = shared(arena);
    if (to == NULL)
        return;
    memcpy(to->rule, hooks->rule, hooks->rules * sizeof hooks->rule[0]);
    memcpy(to->text, hooks->text, hooks->text_bytes);
    to->text_bytes = hooks->text_bytes;
    to->rules = hooks->rules;
}

/* A word of a line of META: it begins in the text, which ends with a NUL, and nothing in it ends the word or line. */
static bool is_word(const struct rec_hooks *hooks, uint32_t at)
{
    if (at >= hooks->text_bytes)
        return false;
    for (const char *c = hooks->text + at; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return false;
    }
    return true;
}

static bool are_good(const struct rec_hooks *hooks)
{
    if (hooks->rules > TRK_HOOK_RULES || hooks->text_bytes == 0 || hooks->text_bytes > sizeof hooks->text ||
        hooks->text[hooks->text_bytes - 1] != '\0')
        return false;
    for (uint32_t i = 0; i < hooks->rules; i++) {
        const struct trk_hook_rule *rule = &hooks->rule[i];
        if (rule->role >= TRK_HOOK_ROLES || !is_word(hooks, rule->adapter) || !is_word(hooks, rule->function) ||
            hooks->text[rule->function] == '\0' || rule->library >= hooks->text_bytes ||
            rule->type >= hooks->text_bytes || rule->name_function >= hooks->text_bytes)
            return false;
    }
    return true;
}

struct rec_hooks *rec_hooks_adopt(const struct arena *arena)
{
    const struct trk_shm_hooks *from = shared(arena);
    struct rec_hooks *hooks = from != NULL ? calloc(1, sizeof *hooks) : NULL;
    if (hooks == NULL)
        return NULL;
    memcpy(hooks->rule, from->rule, sizeof hooks->rule);
    memcpy(hooks->text, from->text, sizeof hooks->text);
    hooks->rules = from->rules;
    hooks->text_bytes = from->text_bytes;
    if (are_good(hooks))
        return hooks;
    free(hooks);
    return NULL;
}

void rec_hooks_ring_back(struct arena *arena, uint32_t ring)
{
    struct trk_shm_hooks *h = shared(arena);
    if (h != NULL)
        memset(h->calls[ring], 0, sizeof h->calls[ring]);
}

void rec_hooks_proc_back(struct arena *arena, int index)
{
    struct trk_shm_hooks *h = shared(arena);
    if (h != NULL)
        memset(h->unringed[index], 0, sizeof h->unringed[index]);
}

static uint64_t calls_of(const struct proc *proc, const struct trk_shm_hooks *h, uint32_t i)
{
    const struct arena *arena = proc->arena;
    if (i >= TRK_HOOK_MAX)
        return 0;
    uint64_t count = __atomic_load_n(&h->unringed[proc->index][i], __ATOMIC_RELAXED);
    for (uint32_t r = 0; r < arena->ring_count; r++)
        if (arena->rings[r].proc == proc->index)
            count += __atomic_load_n(&h->calls[r][i], __ATOMIC_RELAXED);
    return count;
}

/* Whether the process `index` has what process `finder` found: it found it itself, or was forked by who did. */
static bool inherits(const struct arena *arena, uint32_t index, uint32_t finder)
{
    for (unsigned steps = 0; steps < TRK_PROC_MAX && index < TRK_PROC_MAX; steps++) {
        uint32_t parent = arena->procs[index].parent_index;
        if (index == finder)
            return true;
        if (parent == index)
            break;
        index = parent;
    }
    return false;
}

/* One line "ROLE STATE CALLS FUNCTION ADAPTER MODULE"; what the target wrote is cut at the end of a line. */
static void add_line(struct prof_str *str, const struct rec_hooks *rules, uint32_t rule, uint32_t state, uint64_t calls,
                     const char *function, size_t function_length, const char *module, size_t module_length)
{
    const char *name = role_names[rules->rule[rule].role % TRK_HOOK_ROLES];
    const char *adapter = rules->text + rules->rule[rule].adapter;
    prof_str_addf(str, "%s%s %u %" PRIu64 " ", str->length > 0 ? "\n" : "", name != NULL ? name : "?", state, calls);
    prof_str_addn(str, function, strnlen(function, function_length));
    prof_str_addf(str, " %s ", adapter[0] != '\0' ? adapter : "-");
    for (size_t i = 0; i < module_length && module[i] != '\0' && module[i] != '\n'; i++)
        prof_str_addn(str, &module[i], 1);
}

/* Rules whose function was nowhere, or also where it cannot be hooked. Of an adapter that nobody asked for, only when
 * its library was there. */
static void add_missing(struct prof_str *str, const struct rec_hooks *rules, const bool *met)
{
    for (uint32_t i = 0; i < rules->rules; i++) {
        bool automatic = rules->rule[i].flags & TRK_HOOK_AUTOMATIC, other = false;
        if (rules->rule[i].role >= TRK_HOOK_WRAPPER) /* not to be hooked */
            continue;
        if (rules->inlined[i]) {
            add_line(str, rules, i, TRK_HOOK_INLINED, 0, rec_hooks_function(rules, i), TRK_HOOK_TEXT, "", 0);
            continue;
        }
        for (uint32_t k = 0; k < rules->rules && automatic && !other; k++)
            other = met[k] && rules->rule[k].adapter == rules->rule[i].adapter;
        if (!met[i] && (!automatic || other))
            add_line(str, rules, i, automatic ? TRK_HOOK_OTHER_VERSION : TRK_HOOK_NOT_YET, 0,
                     rec_hooks_function(rules, i), TRK_HOOK_TEXT, "", 0);
    }
}

char *rec_hooks_text(const struct proc *proc)
{
    const struct arena *arena = proc->arena;
    const struct rec_hooks *rules = arena->rec->options.hooks;
    const struct trk_shm_hooks *h = shared(arena);
    bool met[TRK_HOOK_RULES] = { false };
    struct prof_str str = { 0 };
    if (h == NULL || rules == NULL)
        return NULL;
    uint32_t used = __atomic_load_n(&h->used, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < used && i < TRK_HOOK_MAX; i++) {
        struct trk_shm_hook f = h->found[i];
        uint32_t length, module_length = 0;
        const char *function = rec_arena_text(arena, f.function, TRK_TEXT_STRING, &length);
        const char *module = rec_arena_text(arena, f.module, TRK_TEXT_STRING, &module_length);
        uint64_t calls = calls_of(proc, h, f.calls);
        if (f.rule >= rules->rules || function == NULL ||
            (calls == 0 && !inherits(arena, (uint32_t)proc->index, f.proc)))
            continue;
        met[f.rule] = true;
        add_line(&str, rules, f.rule, f.state, calls, function, length, module != NULL ? module : "", module_length);
    }
    add_missing(&str, rules, met);
    if (!str.failed && str.length > 0)
        return str.text;
    prof_str_deinit(&str);
    return NULL;
}
