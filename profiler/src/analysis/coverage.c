/* coverage.c: references with and without a known owner by type, place and module, and where one more annotation would
 * tell the most. */
#include <prof/coverage.h>

#include <stdlib.h>
#include <string.h>

#include "pair.h"

static const double rare_release = 0.05; /* less of what was taken at a place than this is no evidence */

/* While places are gathered: the events of the stack that stands for a site. */
struct place {
    struct prof_coverage_site pub;
    uint64_t most;
    uint64_t take_disowned, give_disowned; /* told as anonymous, but somebody owned them */
};

struct prof_coverage {
    struct analysis a;
    const struct prof_findings *findings;
    struct prof_wrappers *wrappers;
    struct learned learned; /* which releases serve which takings */
    PROF_VEC(struct place) places;
    struct map place_of; /* (type, site) */
    struct map seen;     /* stacks whose own counters were added */
    size_t type_count;
    uint64_t *undecided; /* by type: objects in findings that guess */
    PROF_VEC(struct prof_coverage_site) sites;
    PROF_VEC(struct prof_coverage_type) types;
    PROF_VEC(struct prof_coverage_module) modules;
    PROF_VEC(struct prof_coverage_step) steps;
};

/* ---- Places ------------------------------------------------------------------------------------------------------ */

static uint64_t place_key(prof_type_id type, uint32_t site)
{
    return (uint64_t)type << 32 | site;
}

/* NULL without memory. */
static struct prof_coverage_site *place_of(struct prof_coverage *c, prof_type_id type, uint32_t stack, uint64_t events)
{
    uint32_t site = site_of(&c->a, stack);
    if (site == UINT32_MAX)
        return NULL;
    uint64_t key = place_key(type, site);
    uint32_t at = map_get(&c->place_of, key);
    if (at == UINT32_MAX) {
        const char *module = prof_symbols_site_frame(c->a.symbols, stack)->module;
        struct place fresh = { .pub = { .type = type, .stack = stack, .module = module != NULL ? module : "" } };
        at = (uint32_t)c->places.count;
        if (!prof_vec_push(&c->places, fresh) || !map_put(&c->place_of, key, at))
            return NULL;
    }
    struct place *place = &c->places.items[at];
    if (events > place->most) {
        place->most = events;
        place->pub.stack = stack;
    }
    const struct prof_stack_stat *stat = prof_heap_stack_stat(c->a.heap, stack);
    if (stat != NULL && map_get(&c->seen, stack) == UINT32_MAX) {
        place->pub.birth |= stat->births > 0;
        *(stat->births + stat->refs > 0 ? &place->take_disowned : &place->give_disowned) += stat->disowned;
        if (!map_put(&c->seen, stack, 0))
            return NULL;
    }
    return &place->pub;
}

/* What dead objects did. */
static bool add_dead(struct prof_coverage *c)
{
    const struct prof_type_site *list;
    size_t count = prof_heap_type_sites(c->a.heap, &list);
    for (size_t i = 0; i < count; i++) {
        const struct prof_type_site *s = &list[i];
        uint64_t events =
            s->taken + s->given + s->slot_taken + s->slot_given + s->untold + s->misused_taken + s->misused_given;
        struct prof_coverage_site *place = place_of(c, s->type, s->stack, events);
        if (place == NULL)
            return false;
        place->taken += s->taken + s->misused_taken;
        place->given += s->given + s->misused_given;
        place->owned_taken += s->slot_taken + s->untold;
        place->owned_given += s->slot_given;
    }
    return true;
}

static bool add_open(struct prof_coverage *c, const struct prof_obj *obj)
{
    for (uint32_t i = obj->first_open; i != 0;) {
        const struct prof_open *open = prof_heap_open(c->a.heap, i);
        struct prof_coverage_site *place = place_of(c, obj->type, open->stack, 1);
        i = open->next;
        if (place == NULL)
            return false;
        place->alive++;
        if (open->kind == PROF_OPEN_BIRTH) {
            place->taken++;
        } else {
            place->owned_taken++;
            place->open++;
        }
    }
    return true;
}

static bool add_alive(struct prof_coverage *c)
{
    for (prof_obj_id id = 1; id < prof_heap_obj_max(c->a.heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(c->a.heap, id);
        if (obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD)
            continue;
        for (uint32_t i = obj->first_site; i != 0;) {
            const struct prof_site_count *count = prof_heap_site_count(c->a.heap, i);
            struct prof_coverage_site *place = place_of(c, obj->type, count->stack, count->taken + count->given);
            i = count->next;
            if (place == NULL)
                return false;
            place->taken += count->taken;
            place->given += count->given;
            place->alive += (int64_t)count->taken - (int64_t)count->given;
        }
        if (!add_open(c, obj))
            return false;
    }
    return true;
}

/* ---- What hangs on it -------------------------------------------------------------------------------------------- */

static bool is_guess(const struct prof_finding_open *open)
{
    return open->pairing != PROF_PAIR_SLOT;
}

/* About objects that still have references, and where these were taken is not certain. */
static bool guesses(const struct prof_finding *f)
{
    if (f->plain || f->suppressed_by != NULL || f->sample_count == 0 || f->headline == PROF_HEADLINE_MISUSED ||
        f->verdict == PROF_REACHABLE || f->verdict == PROF_GROWTH)
        return false;
    for (size_t i = 0; i < f->open_count; i++)
        if (is_guess(&f->open[i]) && f->open[i].stack != 0)
            return true;
    return false;
}

static prof_type_id type_of(const struct prof_coverage *c, const struct prof_finding *finding)
{
    return finding->sample_count != 0 ? prof_heap_obj(c->a.heap, finding->samples[0])->type : 0;
}

/* Of the places at which a finding guesses, this is the first time that it names the i-th. */
static bool is_first(struct prof_coverage *c, const struct prof_finding *finding, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (is_guess(&finding->open[j]) &&
            site_of(&c->a, finding->open[j].stack) == site_of(&c->a, finding->open[i].stack))
            return false;
    return true;
}

static bool add_findings(struct prof_coverage *c)
{
    const struct prof_finding *list;
    size_t count = c->findings != NULL ? prof_findings_list(c->findings, &list) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct prof_finding *f = &list[i];
        size_t places = 0;
        if (!guesses(f))
            continue;
        c->undecided[type_of(c, f)] += f->objects;
        for (size_t j = 0; j < f->open_count; j++)
            places += is_guess(&f->open[j]) && is_first(c, f, j);
        for (size_t j = 0; j < f->open_count; j++) {
            if (!is_guess(&f->open[j]) || f->open[j].stack == 0 || !is_first(c, f, j))
                continue;
            struct prof_coverage_site *place = place_of(c, type_of(c, f), f->open[j].stack, 0);
            if (place == NULL)
                return false;
            place->findings++;
            place->objects += f->objects;
            place->bytes += f->bytes;
            place->tied += places > 1 ? f->objects : 0;
        }
    }
    return true;
}

/* ---- Sums -------------------------------------------------------------------------------------------------------- */

static int by_worth(const void *left, const void *right)
{
    const struct prof_coverage_site *a = left, *b = right;
    if (a->objects != b->objects)
        return a->objects < b->objects ? 1 : -1;
    if (a->taken + a->given != b->taken + b->given)
        return a->taken + a->given < b->taken + b->given ? 1 : -1;
    if (a->owned_taken + a->owned_given != b->owned_taken + b->owned_given)
        return a->owned_taken + a->owned_given < b->owned_taken + b->owned_given ? 1 : -1;
    return a->type != b->type ? (a->type < b->type ? -1 : 1) : (a->stack > b->stack) - (a->stack < b->stack);
}

static bool make_sites(struct prof_coverage *c)
{
    for (size_t i = 0; i < c->places.count; i++) {
        const struct place *place = &c->places.items[i];
        struct prof_coverage_site site = place->pub;
        uint64_t taken = place->take_disowned < site.taken ? place->take_disowned : site.taken;
        uint64_t given = place->give_disowned < site.given ? place->give_disowned : site.given;
        site.taken -= taken;
        site.owned_taken += taken;
        site.given -= given;
        site.owned_given += given;
        if (!prof_vec_push(&c->sites, site))
            return false;
    }
    if (c->sites.count > 1)
        qsort(c->sites.items, c->sites.count, sizeof *c->sites.items, by_worth);
    return true;
}

static int by_anonymous(const void *left, const void *right)
{
    const struct prof_coverage_type *a = left, *b = right;
    if (a->objects != b->objects)
        return a->objects < b->objects ? 1 : -1;
    if (a->anonymous != b->anonymous)
        return a->anonymous < b->anonymous ? 1 : -1;
    return a->refs != b->refs ? (a->refs < b->refs ? 1 : -1) : (a->type > b->type) - (a->type < b->type);
}

static bool make_types(struct prof_coverage *c)
{
    for (prof_type_id id = 0; id < prof_heap_type_max(c->a.heap); id++) {
        const struct prof_type *t = prof_heap_type(c->a.heap, id);
        uint64_t refs = t->refs_slot + t->refs_holder + t->refs_anon;
        if (refs + t->skewed == 0)
            continue;
        struct prof_coverage_type type = {
            .type = id,
            .name = t->name,
            .refs = refs,
            .slot = t->refs_slot,
            .holder = t->refs_holder,
            .anonymous = t->refs_anon,
            .unrefs = t->unrefs_slot + t->unrefs_holder + t->unrefs_anon,
            .unrefs_anonymous = t->unrefs_anon,
            .counts_seen = t->counts_seen,
            .counts_wrong = t->counts_wrong,
            .skewed = t->skewed,
            .objects = c->undecided[id],
        };
        if (!prof_vec_push(&c->types, type))
            return false;
    }
    if (c->types.count > 1)
        qsort(c->types.items, c->types.count, sizeof *c->types.items, by_anonymous);
    return true;
}

static int by_module(const void *left, const void *right)
{
    const struct prof_coverage_module *a = left, *b = right;
    int order = strcmp(a->module, b->module);
    return order != 0 ? order : (a->type > b->type) - (a->type < b->type);
}

static bool make_modules(struct prof_coverage *c)
{
    for (size_t i = 0; i < c->sites.count; i++) {
        const struct prof_coverage_site *s = &c->sites.items[i];
        struct prof_coverage_module module = {
            .module = s->module,
            .type = s->type,
            .born = s->birth ? s->taken + s->owned_taken : 0,
            .taken = s->taken + s->owned_taken,
            .given = s->given + s->owned_given,
            .anonymous = s->taken + s->given,
            .alive = s->alive,
        };
        if (module.taken + module.given != 0 && !prof_vec_push(&c->modules, module))
            return false;
    }
    if (c->modules.count == 0)
        return true;
    struct prof_coverage_module *m = c->modules.items;
    size_t to = 0;
    qsort(m, c->modules.count, sizeof *m, by_module);
    for (size_t i = 1; i < c->modules.count; i++) {
        if (by_module(&m[to], &m[i]) != 0) {
            m[++to] = m[i];
            continue;
        }
        m[to].born += m[i].born;
        m[to].taken += m[i].taken;
        m[to].given += m[i].given;
        m[to].anonymous += m[i].anonymous;
        m[to].alive += m[i].alive;
    }
    c->modules.count = to + 1;
    return true;
}

/* ---- What to annotate -------------------------------------------------------------------------------------------- */

/* Do several places give back what was taken here and as much again? */
static bool is_one_of(const struct prof_coverage_step *step)
{
    uint64_t given = 0;
    for (size_t i = 0; i < step->give_count; i++)
        given += step->gives[i]->given;
    return step->paired && step->give_count > 1 && given / 2 >= step->take->taken;
}

static void add_give(struct prof_coverage_step *step, const struct prof_coverage_site *site)
{
    if (step->give_count < PROF_COVERAGE_GIVES)
        step->gives[step->give_count++] = site;
    else
        step->gives_more++;
}

/* Where healthy objects give back what was taken here; all places of the type when that is not known. */
static bool find_gives(struct prof_coverage *c, const struct prof_coverage_step *all, struct prof_coverage_step *step)
{
    const struct prof_coverage_site *take = step->take;
    const struct prof_obj of_type = { .type = take->type };
    for (size_t i = 0; i < c->sites.count; i++) {
        const struct prof_coverage_site *s = &c->sites.items[i];
        double share;
        if (s->type != take->type || s->given == 0)
            continue;
        if (!pair_share(&c->a, &c->learned, &of_type, take->stack, take->birth, s->stack, &share))
            return false;
        if (share >= rare_release)
            add_give(step, s);
    }
    step->paired = step->give_count != 0;
    step->one_of = is_one_of(step);
    if (!step->paired) {
        memcpy(step->gives, all->gives, sizeof step->gives);
        step->give_count = all->give_count;
        step->gives_more = all->gives_more;
    }
    return true;
}

static bool make_steps(struct prof_coverage *c)
{
    /* The sites are by worth, so those where a type is given back come in order. */
    struct prof_coverage_step *by_type = prof_arena_alloc(c->a.arena, (c->type_count + 1) * sizeof *by_type);
    if (by_type == NULL || !pair_learn(&c->a, &c->learned))
        return false;
    for (size_t i = 0; i < c->sites.count; i++)
        if (c->sites.items[i].given != 0)
            add_give(&by_type[c->sites.items[i].type], &c->sites.items[i]);
    for (size_t i = 0; i < c->sites.count; i++) {
        const struct prof_coverage_site *s = &c->sites.items[i];
        if (s->taken == 0 || s->stack == 0)
            continue;
        struct prof_coverage_step step = { .take = s,
                                           .of = prof_heap_type(c->a.heap, s->type)->refs_anon,
                                           .wrapper = prof_wrappers_of(c->wrappers, s->stack) };
        if (!find_gives(c, &by_type[s->type], &step))
            return false;
        if (!prof_vec_push(&c->steps, step))
            return false;
    }
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct prof_error *prof_coverage_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        const struct prof_findings *findings, struct prof_coverage **ret)
{
    struct prof_coverage *c = calloc(1, sizeof *c);
    if (c == NULL || !analysis_begin(&c->a, heap, symbols, NULL)) {
        free(c);
        return prof_error_memory();
    }
    c->findings = findings;
    c->type_count = prof_heap_type_max(heap);
    c->undecided = prof_arena_alloc(c->a.arena, (c->type_count + 1) * sizeof *c->undecided);
    struct prof_error *error =
        c->undecided != NULL ? prof_wrappers_create(heap, symbols, &c->wrappers) : prof_error_memory();
    if (error == NULL && !(add_dead(c) && add_alive(c) && add_findings(c) && make_sites(c) && make_types(c) &&
                           make_modules(c) && make_steps(c)))
        error = prof_error_memory();
    if (error != NULL) {
        prof_coverage_destroy(c);
        return error;
    }
    *ret = c;
    return NULL;
}

void prof_coverage_destroy(struct prof_coverage *coverage)
{
    if (coverage == NULL)
        return;
    struct prof_findings *out = coverage->a.out;
    prof_wrappers_destroy(coverage->wrappers);
    pair_forget(&coverage->learned);
    prof_vec_deinit(&coverage->places);
    map_deinit(&coverage->place_of);
    map_deinit(&coverage->seen);
    prof_vec_deinit(&coverage->sites);
    prof_vec_deinit(&coverage->types);
    prof_vec_deinit(&coverage->modules);
    prof_vec_deinit(&coverage->steps);
    analysis_deinit(&coverage->a);
    prof_findings_destroy(out);
    free(coverage);
}

size_t prof_coverage_sites(const struct prof_coverage *coverage, const struct prof_coverage_site **ret)
{
    *ret = coverage->sites.items;
    return coverage->sites.count;
}

size_t prof_coverage_types(const struct prof_coverage *coverage, const struct prof_coverage_type **ret)
{
    *ret = coverage->types.items;
    return coverage->types.count;
}

size_t prof_coverage_modules(const struct prof_coverage *coverage, const struct prof_coverage_module **ret)
{
    *ret = coverage->modules.items;
    return coverage->modules.count;
}

size_t prof_coverage_steps(const struct prof_coverage *coverage, const struct prof_coverage_step **ret)
{
    *ret = coverage->steps.items;
    return coverage->steps.count;
}

const struct prof_wrappers *prof_coverage_wrappers(const struct prof_coverage *coverage)
{
    return coverage->wrappers;
}
