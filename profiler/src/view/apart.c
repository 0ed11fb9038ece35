/* apart.c: findings that would read the same: by which caller each differs from the others. */
#include "internal.h"

#include <stdio.h>

/* What a finding reads like. */
struct apart_key {
    uint64_t headline;
    const char *type, *block_type, *action; /* interned; NULL */
};
struct apart {
    UT_hash_handle hh;
    struct apart_key key;
    PROF_VEC(const struct prof_finding *) findings;
};

static bool key_of(struct prof_view *view, const struct prof_finding *finding, struct apart_key *ret)
{
    char action[2048];
    *ret = (struct apart_key){
        .headline = finding->headline,
        .type = view_text(view, finding->type),
        .block_type = finding->block_type != NULL ? view_text(view, finding->block_type) : NULL,
        .action = view_text(view, view_action(view, finding, action, sizeof action)),
    };
    return ret->type != NULL && ret->action != NULL;
}

/* The findings by what they read like, once. false without memory. */
static bool gather(struct prof_view *view)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(view->findings, &list);
    view->has_apart = true;
    for (size_t i = 0; i < count; i++) {
        struct apart_key key;
        struct apart *entry;
        if (list[i].verdict == PROF_REACHABLE || list[i].verdict == PROF_COLLATERAL)
            continue; /* no place is in what they read like */
        if (!key_of(view, &list[i], &key))
            return false;
        HASH_FIND(hh, view->apart, &key, sizeof key, entry);
        if (entry == NULL) {
            entry = prof_arena_alloc(&view->arena, sizeof *entry);
            if (entry == NULL)
                return false;
            *entry = (struct apart){ .key = key };
            HASH_ADD(hh, view->apart, key, sizeof entry->key, entry);
            if (entry->hh.tbl == NULL)
                return false;
        }
        if (!prof_vec_push(&entry->findings, &list[i]))
            return false;
    }
    return true;
}

void view_apart_deinit(struct prof_view *view)
{
    for (struct apart *entry = view->apart, *next; entry != NULL; entry = next) {
        next = entry->hh.next;
        prof_vec_deinit(&entry->findings);
    }
    HASH_CLEAR(hh, view->apart); /* the entries lie in the arena */
}

static uint32_t taken_of(const struct prof_finding *finding)
{
    return finding->open_count != 0 ? finding->open[0].stack : finding->born_stack;
}

static uint32_t born_of(const struct prof_finding *finding)
{
    return finding->born_stack;
}

static bool same_frame(const struct prof_frame *a, const struct prof_frame *b)
{
    return a->line != 0 || b->line != 0 ? a->line == b->line && a->file == b->file && a->function == b->function
                                        : a->offset == b->offset && a->module == b->module;
}

/* How many frames from the site on two stacks share. */
static size_t shared(struct prof_symbols *symbols, uint32_t a, uint32_t b)
{
    const struct prof_frame *fa, *fb;
    size_t na = a != 0 ? prof_symbols_stack(symbols, a, &fa) : 0, nb = b != 0 ? prof_symbols_stack(symbols, b, &fb) : 0;
    size_t sa = na != 0 ? prof_symbols_site(symbols, a) : 0, sb = nb != 0 ? prof_symbols_site(symbols, b) : 0, n = 0;
    while (sa + n < na && sb + n < nb && same_frame(&fa[sa + n], &fb[sb + n]))
        n++;
    return n;
}

/* The first frame from the site on that tells a finding from all others; NULL: one of them has the same stack. */
static const struct prof_frame *first_apart(struct prof_view *view, const struct apart *entry,
                                            const struct prof_finding *finding,
                                            uint32_t (*of)(const struct prof_finding *))
{
    uint32_t stack = of(finding);
    const struct prof_frame *frames;
    size_t count = stack != 0 ? prof_symbols_stack(view->symbols, stack, &frames) : 0, most = 0;
    if (count == 0)
        return NULL;
    for (size_t i = 0; i < entry->findings.count; i++) {
        size_t n = entry->findings.items[i] != finding ? shared(view->symbols, stack, of(entry->findings.items[i])) : 0;
        most = n > most ? n : most;
    }
    size_t at = prof_symbols_site(view->symbols, stack) + most;
    return at < count ? &frames[at] : NULL;
}

void view_add_apart(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size)
{
    struct apart_key key;
    struct apart *entry = NULL;
    char frame[512];
    if (view->findings == NULL || (!view->has_apart && !gather(view)) || !key_of(view, finding, &key))
        return;
    HASH_FIND(hh, view->apart, &key, sizeof key, entry);
    if (entry == NULL || entry->findings.count < 2)
        return;
    size_t used = strlen(buf);
    const struct prof_frame *caller = first_apart(view, entry, finding, taken_of);
    const struct prof_frame *birth = caller == NULL ? first_apart(view, entry, finding, born_of) : NULL;
    if (caller != NULL)
        snprintf(buf + used, size - used, ", called from %s", prof_fmt_frame(frame, sizeof frame, caller, false));
    else if (birth != NULL)
        snprintf(buf + used, size - used, ", of what %s makes", prof_fmt_frame(frame, sizeof frame, birth, false));
}
