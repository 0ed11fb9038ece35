/* ledger.c: chooses whose lives are kept, and gathers them in one more replay of the trace. */
#include "ledger_state.h"

#include <string.h>

enum {
    FINDINGS_MOST = 32,   /* in the order of the report */
    WHOLE_COMPARED = 512, /* entries of a life that is kept as a whole and still compared */
    SIBLINGS_ALL = 64     /* of one kind of birth all up to here are watched, then 64 each time their number doubles */
};
#define BYTES_DEFAULT (UINT64_C(32) << 20)

/* Lives by object id of the heap that is being filled. */
struct gather {
    struct prof_ledgers *ledgers;
    struct prof_heap *heap;     /* that is filled */
    PROF_VEC(uint32_t) life_of; /* by object id: index into lives + 1 */
    PROF_VEC(uint32_t) ending;  /* ids whose lives end with the event that is applied */
    struct prof_open left;      /* stack 0 and kind 0: none left its owner in this event */
    bool has_left, failed;
    uint64_t entries, entries_most;
    const uint8_t *wanted;   /* by type: somebody asks for such objects */
    uint8_t **alive_at_end;  /* by type: bits by serial; NULL: none, or not wanted */
    uint32_t *alive_serials; /* by type: how many bits */
    uint32_t types;
};

static uint64_t name_key(prof_type_id type, uint32_t serial)
{
    return (uint64_t)type << 32 | serial;
}

/* ---- Who is asked for -------------------------------------------------------------------------------------------- */

static bool says_something(const struct prof_finding *f)
{
    switch (f->verdict) {
    case PROF_MISSING_UNREF:
    case PROF_CYCLE:
    case PROF_CYCLE_HELD:
    case PROF_OVER_RETAINED:
    case PROF_ZERO_NOT_FREED:
    case PROF_SLOT_OVERWRITTEN:
    case PROF_HOLDER_FREED:
    case PROF_UNCOLLECTABLE:
    case PROF_RESURRECTED:
    case PROF_FLOATING:
    case PROF_OVER_RELEASED:
    case PROF_USE_AFTER_RELEASE:
        return !f->plain && !f->broken_off && f->sample_count > 0;
    default:
        return false;
    }
}

static uint32_t kind_of_birth(struct prof_ledgers *l, prof_type_id type, uint32_t stack, bool make)
{
    uint32_t site = site_of(&l->a, stack);
    uint64_t key = name_key(type, site);
    uint32_t at = site != UINT32_MAX ? map_get(&l->kind_of, key) : UINT32_MAX;

    if (at != UINT32_MAX || site == UINT32_MAX || !make)
        return at;
    at = (uint32_t)l->kinds.count;
    if (!map_put(&l->kind_of, key, at) || !prof_vec_push(&l->kinds, (struct birth_kind){ .type = type, .site = site }))
        return UINT32_MAX;
    return at;
}

static struct life *life_add(struct prof_ledgers *l, prof_type_id type, uint32_t serial)
{
    struct life *life = calloc(1, sizeof *life);

    if (life == NULL || !prof_vec_push(&l->lives, life)) {
        free(life);
        return NULL;
    }
    life->type = type;
    life->kind = UINT32_MAX;
    life->out.type = prof_heap_type(l->a.heap, type)->name;
    life->out.serial = serial;
    return life;
}

/* An object whose ledger is wanted; finding: its id, 0 none; asked: somebody named it. */
static bool add_example(struct prof_ledgers *l, prof_type_id type, uint32_t serial, uint32_t finding, bool asked)
{
    uint64_t key = name_key(type, serial);
    uint32_t at = map_get(&l->example_of, key);

    if (at == UINT32_MAX) {
        at = (uint32_t)l->lives.count;
        if (life_add(l, type, serial) == NULL || !map_put(&l->example_of, key, at))
            return false;
    }
    if (finding != 0)
        l->lives.items[at]->finding = finding;
    l->lives.items[at]->asked |= asked;
    return true;
}

/* The examples of a finding, and as siblings all that is born where they were. */
static bool add_finding(struct prof_ledgers *l, const struct prof_finding *finding)
{
    for (size_t i = 0; i < finding->sample_count; i++) {
        const struct prof_obj *obj = prof_heap_obj(l->a.heap, finding->samples[i]);
        if (!add_example(l, obj->type, obj->serial, finding->id, false) ||
            kind_of_birth(l, obj->type, obj->stack, true) == UINT32_MAX)
            return false;
    }
    return true;
}

static size_t findings_of(const struct prof_ledgers *l, const struct prof_finding **ret)
{
    return l->findings != NULL ? prof_findings_list(l->findings, ret) : 0;
}

static bool add_findings(struct prof_ledgers *l)
{
    const struct prof_finding *list = NULL;
    size_t count = findings_of(l, &list);

    for (size_t i = 0, used = 0; i < count && used < FINDINGS_MOST; i++) {
        if (!says_something(&list[i]))
            continue;
        used++;
        if (!add_finding(l, &list[i]))
            return false;
    }
    return true;
}

/* Type ids of dead objects are found by name: several may bear it. */
static bool add_named(struct prof_ledgers *l, const char *type, uint32_t serial)
{
    prof_obj_id id = prof_heap_obj_by_name(l->a.heap, type, serial);
    const struct prof_finding *finding = id != 0 && l->findings != NULL ? prof_findings_of(l->findings, id) : NULL;

    if (finding != NULL && says_something(finding)) {
        const struct prof_obj *obj = prof_heap_obj(l->a.heap, id);
        return add_finding(l, finding) && add_example(l, obj->type, serial, finding->id, true) &&
               kind_of_birth(l, obj->type, obj->stack, true) != UINT32_MAX;
    }
    for (prof_type_id t = 0; t < prof_heap_type_max(l->a.heap); t++) {
        if (strcmp(prof_heap_type(l->a.heap, t)->name, type) == 0 && !add_example(l, t, serial, 0, true))
            return false;
    }
    return true;
}

/* ---- The replay -------------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(struct gather *g, prof_obj_id id)
{
    if (id >= g->life_of.count) {
        size_t extra = id + (size_t)1 - g->life_of.count;
        if (!prof_vec_reserve(&g->life_of, extra))
            return NULL;
        memset(&g->life_of.items[g->life_of.count], 0, extra * sizeof *g->life_of.items);
        g->life_of.count += extra;
    }
    return &g->life_of.items[id];
}

static struct life *life_at(const struct gather *g, prof_obj_id id)
{
    return id < g->life_of.count && g->life_of.items[id] != 0 ? g->ledgers->lives.items[g->life_of.items[id] - 1]
                                                              : NULL;
}

static bool dies(const struct gather *g, const struct prof_obj *obj)
{
    return g->alive_at_end[obj->type] == NULL || obj->serial >= g->alive_serials[obj->type] ||
           (g->alive_at_end[obj->type][obj->serial / 8] >> obj->serial % 8 & 1) == 0;
}

/* A sibling that is watched, or NULL. */
static struct life *sibling(struct gather *g, const struct prof_obj *obj)
{
    struct prof_ledgers *l = g->ledgers;
    uint32_t at = kind_of_birth(l, obj->type, obj->stack, false);

    if (at == UINT32_MAX || !dies(g, obj) || obj->births > 1)
        return NULL;
    uint64_t n = l->kinds.items[at].siblings++, step = 1;
    while (n / step >= (uint64_t)2 * SIBLINGS_ALL)
        step *= 2;
    if (n % step != 0)
        return NULL;
    struct life *life = life_add(l, obj->type, obj->serial);
    g->failed |= life == NULL;
    return life;
}

static void begin(void *ctx, struct prof_heap *heap)
{
    ((struct gather *)ctx)->heap = heap;
}

static void leave(struct gather *g, prof_obj_id id)
{
    if (id < g->life_of.count)
        g->life_of.items[id] = 0;
    for (size_t i = 0; i < g->ending.count; i++) {
        if (g->ending.items[i] == id)
            g->ending.items[i] = 0;
    }
}

static void born(void *ctx, prof_obj_id id, bool old)
{
    struct gather *g = ctx;
    struct prof_ledgers *l = g->ledgers;
    const struct prof_obj *obj = prof_heap_obj(g->heap, id);

    leave(g, id); // what was there ended in this very event
    if (obj->type >= g->types || !g->wanted[obj->type] || g->failed)
        return;
    uint32_t at = map_get(&l->example_of, name_key(obj->type, obj->serial));
    struct life *life = at != UINT32_MAX ? l->lives.items[at] : NULL;
    if (life == NULL) {
        if (old || (life = sibling(g, obj)) == NULL)
            return;
        at = (uint32_t)l->lives.count - 1;
    } else if (life->born) { // used again from a pool: its last life counts
        book_deinit(&life->book);
        life->book = (struct book){ 0 };
        life->ended = life->over = life->died_healthy = false;
    }
    life->born = true;
    life->out.before = life->book.before = old;
    life->stack = obj->stack;
    life->kind = kind_of_birth(l, obj->type, obj->stack, false);
    uint32_t *slot = slot_of(g, id);
    if (slot != NULL)
        *slot = at + 1;
    g->failed |= slot == NULL;
}

static void died(void *ctx, prof_obj_id id)
{
    struct gather *g = ctx;
    struct life *life = life_at(g, id);

    if (life == NULL)
        return;
    life->ended = true;
    const struct prof_obj *obj = prof_heap_obj(g->heap, id);
    life->died_healthy = ((obj->flags & PROF_OBJ_COUNTED) != 0 ? obj->observed : obj->count) == 0;
    g->failed |= !prof_vec_push(&g->ending, id);
}

static void left(void *ctx, const struct prof_open *open, const struct prof_event *event)
{
    struct gather *g = ctx;

    (void)event;
    if (life_at(g, open->obj) == NULL)
        return;
    g->left = *open;
    g->has_left = true;
}

static void note(struct gather *g, struct life *life, prof_obj_id id, const struct prof_event *event)
{
    size_t before = life->book.entries.count;
    if (life->over) { // what comes behind the end is what is wrong with it, but for the end of its block
        if (event->op < TRK_OP_NEW)
            return;
        life->died_healthy &= event->op != TRK_OP_REF && event->op != TRK_OP_UNREF;
    }
    const struct prof_open *open = g->has_left && g->left.obj == id ? &g->left : NULL;
    size_t most = life->whole ? SIZE_MAX : g->entries < g->entries_most ? BOOK_MOST : BOOK_MOST_SHORT;

    g->failed |= !book_add(&life->book, event, prof_heap_obj(g->heap, id)->count, open, most);
    g->entries += life->book.entries.count - before; // may shrink: the sum is right all the same
}

static bool applied(void *ctx, const struct prof_event *event, prof_obj_id id)
{
    struct gather *g = ctx;
    struct life *life = id != 0 ? life_at(g, id) : NULL;

    if (life == NULL && g->ending.count == 0) { // of most events
        g->has_left = false;
        return !g->failed;
    }
    if (life != NULL)
        note(g, life, id, event);
    for (size_t i = 0; i < g->ending.count; i++) {
        prof_obj_id end = g->ending.items[i];
        struct life *gone = end != 0 ? life_at(g, end) : NULL;
        if (gone == NULL)
            continue;
        if (end != id) // its block was freed, with several in it
            note(g, gone, end, event);
        gone->over = true;
    }
    g->ending.count = 0;
    g->has_left = false;
    return !g->failed;
}

/* Which objects live to the end: they are nobody's healthy siblings. */
static bool mark_alive(struct gather *g)
{
    struct prof_heap *heap = g->ledgers->a.heap;
    uint32_t max = prof_heap_obj_max(heap);

    for (int round = 0; round < 2; round++) {
        for (prof_obj_id id = 1; id < max; id++) {
            const struct prof_obj *obj = prof_heap_obj(heap, id);
            if (obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD || obj->type >= g->types ||
                !g->wanted[obj->type])
                continue;
            if (round == 0 && obj->serial >= g->alive_serials[obj->type])
                g->alive_serials[obj->type] = obj->serial + 1;
            if (round == 1)
                g->alive_at_end[obj->type][obj->serial / 8] |= (uint8_t)(1u << obj->serial % 8);
        }
        for (uint32_t t = 0; round == 0 && t < g->types; t++) {
            if (g->alive_serials[t] != 0 &&
                (g->alive_at_end[t] = calloc(g->alive_serials[t] / 8 + (size_t)1, 1)) == NULL)
                return false;
        }
    }
    return true;
}

static struct prof_error *gather(struct prof_ledgers *l, const struct prof_ledgers_options *options)
{
    uint64_t bytes = options->bytes != 0 ? options->bytes : BYTES_DEFAULT;
    uint32_t types = prof_heap_type_max(l->a.heap);
    uint8_t *wanted = calloc(types + (size_t)1, 1);
    struct gather g = { .ledgers = l,
                        .types = types,
                        .wanted = wanted,
                        .entries_most = bytes / sizeof(struct prof_ledger_entry),
                        .alive_at_end = calloc(types + (size_t)1, sizeof *g.alive_at_end),
                        .alive_serials = calloc(types + (size_t)1, sizeof *g.alive_serials) };
    const struct prof_heap_follow follow = {
        .begin = begin, .born = born, .died = died, .left = left, .applied = applied, .ctx = &g
    };
    struct prof_error *error = NULL;

    if (wanted == NULL || g.alive_at_end == NULL || g.alive_serials == NULL)
        error = prof_error_memory();
    for (size_t i = 0; error == NULL && i < l->lives.count; i++)
        wanted[l->lives.items[i]->type] = 1;
    if (error == NULL && !mark_alive(&g))
        error = prof_error_memory();
    if (error == NULL && l->lives.count > 0)
        error = prof_heap_replay(l->a.heap, &follow);
    if (error == NULL && g.failed)
        error = prof_error_memory();
    for (uint32_t t = 0; g.alive_at_end != NULL && t < types; t++)
        free(g.alive_at_end[t]);
    free(g.alive_at_end);
    free(g.alive_serials);
    free(wanted);
    prof_vec_deinit(&g.life_of);
    prof_vec_deinit(&g.ending);
    return error;
}

/* ---- What comes of it -------------------------------------------------------------------------------------------- */

static int by_stack(const void *left, const void *right)
{
    const struct prof_ledger_line *a = left, *b = right;
    return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static void publish(struct life *life)
{
    struct prof_ledger *out = &life->out;

    if (life->book.lines.count > 0)
        qsort(life->book.lines.items, life->book.lines.count, sizeof *life->book.lines.items, by_stack);
    out->freed = life->ended && life->died_healthy;
    out->entries = life->book.entries.items;
    out->count = life->book.entries.count;
    out->events = life->book.events;
    out->folded = life->book.folded;
    out->skipped = life->book.skipped;
    out->lines = life->book.lines.items;
    out->line_count = life->book.lines.count;
}

/* The taking that a finding names first; UINT32_MAX none. false without memory. */
static bool blamed_site(struct prof_ledgers *l, const struct prof_finding *finding, uint32_t *ret)
{
    *ret = UINT32_MAX;
    if (finding->open_count == 0 || prof_pairing_owned(finding->open[0].pairing))
        return true;
    *ret = site_of(&l->a, finding->open[0].stack);
    return *ret != UINT32_MAX;
}

static bool finish(struct prof_ledgers *l)
{
    const struct prof_finding *list = NULL;
    size_t count = findings_of(l, &list);
    const struct life **first = calloc(count + 1, sizeof *first); // by finding
    bool good = first != NULL;

    for (size_t i = 0; good && i < l->lives.count; i++) {
        struct life *life = l->lives.items[i];
        uint32_t id = life->finding, blamed = UINT32_MAX;
        publish(life);
        good = (id == 0 || blamed_site(l, &list[id - 1], &blamed)) && ledger_pair(l, life, blamed);
        if (id != 0 && life->born && (first[id - 1] == NULL || life->asked))
            first[id - 1] = life;
    }
    for (size_t i = 0; good && i < count; i++) {
        struct prof_parting parting = { 0 };
        if (first[i] != NULL && first[i]->out.count > WHOLE_COMPARED)
            first[i] = NULL;
        good =
            first[i] == NULL || (ledger_part(l, &list[i], first[i], &parting) && ledger_extra(l, first[i], &parting));
        good = good && prof_vec_push(&l->partings, parting);
    }
    free(first);
    return good;
}

struct prof_error *prof_ledgers_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                       const struct prof_findings *findings, const struct prof_ledgers_options *options,
                                       struct prof_ledgers **ret)
{
    static const struct prof_ledgers_options none;
    struct prof_ledgers *l = calloc(1, sizeof *l);
    struct prof_error *error = NULL;
    bool any = false;

    if (l == NULL)
        return prof_error_memory();
    if (options == NULL)
        options = &none;
    if (!analysis_begin(&l->a, heap, symbols, NULL)) {
        free(l);
        return prof_error_memory();
    }
    l->findings = findings;
    if (!pair_learn(&l->a, &l->learned) ||
        !(options->type != NULL ? add_named(l, options->type, options->serial) : add_findings(l)))
        error = prof_error_memory();
    for (size_t i = 0; i < l->lives.count; i++)
        l->lives.items[i]->whole = l->lives.items[i]->asked && options->whole;
    if (error == NULL)
        error = gather(l, options);
    if (error == NULL && !finish(l))
        error = prof_error_memory();
    for (size_t i = 0; i < l->lives.count; i++)
        any |= l->lives.items[i]->born;
    if (error == NULL && options->type != NULL && !any)
        error = prof_error_create(PROF_ERROR_NOT_FOUND, "no object %s#%u was ever born in this trace", options->type,
                                  options->serial);
    if (error != NULL) {
        prof_ledgers_destroy(l);
        return error;
    }
    *ret = l;
    return NULL;
}

void prof_ledgers_destroy(struct prof_ledgers *ledgers)
{
    if (ledgers == NULL)
        return;
    struct prof_findings *work = ledgers->a.out;
    for (size_t i = 0; i < ledgers->lives.count; i++) {
        book_deinit(&ledgers->lives.items[i]->book);
        free(ledgers->lives.items[i]);
    }
    prof_vec_deinit(&ledgers->lives);
    prof_vec_deinit(&ledgers->kinds);
    prof_vec_deinit(&ledgers->partings);
    map_deinit(&ledgers->kind_of);
    map_deinit(&ledgers->example_of);
    pair_forget(&ledgers->learned);
    analysis_deinit(&ledgers->a);
    prof_findings_destroy(work);
    free(ledgers);
}

const struct prof_ledger *prof_ledgers_of(const struct prof_ledgers *ledgers, const char *type, uint32_t serial)
{
    for (prof_type_id t = 0; t < prof_heap_type_max(ledgers->a.heap); t++) {
        uint32_t at = strcmp(prof_heap_type(ledgers->a.heap, t)->name, type) == 0
                          ? map_get(&ledgers->example_of, name_key(t, serial))
                          : UINT32_MAX;
        if (at != UINT32_MAX && ledgers->lives.items[at]->born)
            return &ledgers->lives.items[at]->out;
    }
    return NULL;
}

const struct prof_parting *prof_ledgers_parting(const struct prof_ledgers *ledgers, const struct prof_finding *finding)
{
    if (finding->id == 0 || finding->id > ledgers->partings.count)
        return NULL;
    const struct prof_parting *parting = &ledgers->partings.items[finding->id - 1];
    return parting->example != NULL ? parting : NULL;
}
