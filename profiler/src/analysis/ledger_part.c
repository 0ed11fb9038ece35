/* ledger_part.c: where the lives of leaked objects part from those of their healthy siblings.
 *
 * Two questions, two methods. Which steps tell them apart? A step is the n-th event of one kind at one site in a life;
 * of each it is counted how many leaked lives and how many siblings have it. Which of these came first? The example is
 * aligned with the sibling most like it (longest common subsequence), so that what both did in another order or not
 * at all in most lives is no difference. */
#include "group.h"
#include "ledger_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGNED_MOST = 64, /* siblings that the example is aligned with, evenly taken */
    TIMES_MOST = 15    /* later ones at one site are one step */
};
#define TELLS 0.5 /* a step tells them apart when this share more of one side has it than of the other */

struct step_count {
    uint32_t leaked, siblings;
};
/* One life as steps. */
struct view {
    const struct life *life;
    uint32_t *steps; /* by entry: index into counts */
    uint32_t *kinds; /* by entry: equal for equal kinds of event at one site */
};
struct parts {
    struct prof_ledgers *l;
    const struct prof_finding *finding;
    PROF_VEC(struct view) leaked;
    PROF_VEC(struct view) siblings;
    PROF_VEC(struct step_count) counts;
    struct map kind_of, step_of;
    struct map frame_of; /* (hash of a frame) -> frames */
    PROF_VEC(struct step_count) frames;
    uint32_t kinds;
};

/* ---- Lives as steps ---------------------------------------------------------------------------------------------- */

/* How a move changes hands is part of what happened. */
static uint32_t hands(const struct prof_event *e)
{
    bool to = (e->flags & (PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) != 0, from = (e->flags & PROF_EVENT_FROM) != 0;
    return e->op == TRK_OP_MOVE ? 1 + to + 2u * from : 0;
}

static bool number_of(struct map *map, uint64_t key, uint32_t *next, uint32_t *ret)
{
    *ret = map_get(map, key);
    if (*ret != UINT32_MAX)
        return true;
    *ret = (*next)++;
    return map_put(map, key, *ret);
}

static bool make_view(struct parts *p, const struct life *life, struct view *ret)
{
    size_t n = life->out.count;
    struct view view = { .life = life,
                         .steps = calloc(n + 1, sizeof *view.steps),
                         .kinds = calloc(n + 1, sizeof *view.kinds) };
    bool good = view.steps != NULL && view.kinds != NULL;

    for (size_t i = 0; good && i < n; i++) {
        const struct prof_event *e = &life->out.entries[i].event;
        uint32_t site = site_of(&p->l->a, e->stack), times = 0, next = (uint32_t)p->counts.count;
        good = site != UINT32_MAX &&
               number_of(&p->kind_of, map_mix(site, e->op | hands(e) << 8), &p->kinds, &view.kinds[i]);
        for (size_t k = 0; good && k < i && times < TIMES_MOST; k++)
            times += view.kinds[k] == view.kinds[i];
        good = good && number_of(&p->step_of, (uint64_t)view.kinds[i] << 8 | times, &next, &view.steps[i]);
        if (good && next > p->counts.count)
            good = prof_vec_push(&p->counts, (struct step_count){ 0 });
    }
    *ret = view;
    return good;
}

static bool add_view(struct parts *p, const struct life *life, bool leaked)
{
    struct view view;
    bool good = make_view(p, life, &view);

    good = good && (leaked ? prof_vec_push(&p->leaked, view) : prof_vec_push(&p->siblings, view));
    if (!good) {
        free(view.steps);
        free(view.kinds);
        return false;
    }
    for (size_t i = 0; i < life->out.count; i++) {
        struct step_count *count = &p->counts.items[view.steps[i]];
        // Late ones share a step: each life counts once.
        bool again = false;
        for (size_t k = i; k-- > 0 && !again;)
            again = view.steps[k] == view.steps[i];
        count->leaked += leaked && !again;
        count->siblings += !leaked && !again;
    }
    return true;
}

static double share(uint32_t part, size_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

/* > 0: more of the leaked lives have it. */
static double tells(const struct parts *p, const struct step_count *count)
{
    return share(count->leaked, p->leaked.count) - share(count->siblings, p->siblings.count);
}

/* ---- Alignment --------------------------------------------------------------------------------------------------- */

/* Lengths of common subsequences of what is left of two lives: (n + 1) rows of m + 1. */
static void common_rest(const struct view *x, const struct view *y, uint16_t *ret)
{
    size_t n = x->life->out.count, m = y->life->out.count, row = m + 1;

    memset(&ret[n * row], 0, row * sizeof *ret);
    for (size_t i = n; i-- > 0;) {
        ret[i * row + m] = 0;
        for (size_t j = m; j-- > 0;) {
            uint16_t down = ret[(i + 1) * row + j], right = ret[i * row + j + 1];
            if (x->kinds[i] == y->kinds[j])
                ret[i * row + j] = (uint16_t)(ret[(i + 1) * row + j + 1] + 1);
            else
                ret[i * row + j] = down > right ? down : right;
        }
    }
}

struct walk {
    const struct view *example, *sibling;
    uint16_t *rest;
    size_t i, j;
};
enum walk_move { WALK_BOTH, WALK_HERE, WALK_THERE, WALK_END };

static enum walk_move walk_next(const struct walk *w)
{
    size_t n = w->example->life->out.count, m = w->sibling->life->out.count, row = m + 1;

    if (w->i == n && w->j == m)
        return WALK_END;
    if (w->i == n)
        return WALK_THERE;
    if (w->j == m)
        return WALK_HERE;
    if (w->example->kinds[w->i] == w->sibling->kinds[w->j])
        return WALK_BOTH;
    return w->rest[(w->i + 1) * row + w->j] >= w->rest[w->i * row + w->j + 1] ? WALK_HERE : WALK_THERE;
}

static void walk_step(struct walk *w, enum walk_move move)
{
    w->i += move != WALK_THERE;
    w->j += move != WALK_HERE;
}

static uint16_t *table_for(const struct view *x, const struct view *y)
{
    return calloc((x->life->out.count + 1) * (y->life->out.count + 1), sizeof(uint16_t));
}

/* The sibling most like the example: most in common, least besides. */
static bool most_alike(const struct parts *p, const struct view *example, const struct view **ret)
{
    size_t step = p->siblings.count / ALIGNED_MOST + 1;
    long best = 0;

    *ret = NULL;
    for (size_t i = 0; i < p->siblings.count; i += step) {
        const struct view *sibling = &p->siblings.items[i];
        uint16_t *rest = table_for(example, sibling);
        if (rest == NULL)
            return false;
        common_rest(example, sibling, rest);
        long alike = 2 * (long)rest[0] - (long)sibling->life->out.count;
        free(rest);
        if (*ret == NULL || alike > best) {
            best = alike;
            *ret = sibling;
        }
    }
    return true;
}

/* The most that a single difference between the two tells. */
static double most_telling(const struct parts *p, struct walk w)
{
    double most = 0;
    enum walk_move move;

    while ((move = walk_next(&w)) != WALK_END) {
        uint32_t step = move == WALK_HERE ? w.example->steps[w.i] : move == WALK_THERE ? w.sibling->steps[w.j] : 0;
        double told = move == WALK_BOTH ? 0 : tells(p, &p->counts.items[step]);
        told = move == WALK_THERE ? -told : told;
        most = told > most ? told : most;
        walk_step(&w, move);
    }
    return most;
}

static struct prof_parting_step step_of(const struct parts *p, const struct view *view, size_t at)
{
    const struct step_count *count = &p->counts.items[view->steps[at]];
    return (struct prof_parting_step){ .entry = &view->life->out.entries[at],
                                       .leaked = count->leaked,
                                       .siblings = count->siblings };
}

/* Walks to the first difference that tells as much as `least`, and tells it. */
static void first_difference(const struct parts *p, struct walk w, double least, struct prof_parting *ret)
{
    const struct prof_ledger_entry *there_common = NULL;
    enum walk_move move;

    while ((move = walk_next(&w)) != WALK_END) {
        bool parted = ret->here.entry != NULL || ret->there.entry != NULL;
        if (move == WALK_BOTH && parted && ret->there.entry != NULL)
            break;
        if (move == WALK_BOTH && !parted) {
            ret->common = &w.example->life->out.entries[w.i];
            there_common = &w.sibling->life->out.entries[w.j];
        }
        if (move == WALK_HERE && ret->here.entry == NULL && tells(p, &p->counts.items[w.example->steps[w.i]]) >= least)
            ret->here = step_of(p, w.example, w.i);
        if (move == WALK_THERE && ret->there.entry == NULL &&
            -tells(p, &p->counts.items[w.sibling->steps[w.j]]) >= least)
            ret->there = step_of(p, w.sibling, w.j);
        walk_step(&w, move);
    }
    ret->parted = ret->here.entry != NULL || ret->there.entry != NULL;
    if (ret->there.entry != NULL && there_common != NULL) {
        const struct prof_event *from = &there_common->event, *to = &ret->there.entry->event;
        ret->there.after_us = to->time_us > from->time_us ? to->time_us - from->time_us : 0;
        ret->there.other_thread = to->tid != from->tid;
    }
    if (ret->here.entry == NULL && ret->parted && ret->common != NULL &&
        ret->common + 1 < ret->example->entries + ret->example->count)
        ret->next = ret->common + 1;
}

static bool align(struct parts *p, struct prof_parting *ret)
{
    const struct view *sibling;

    if (!most_alike(p, &p->leaked.items[0], &sibling))
        return false;
    ret->sibling = &sibling->life->out;
    struct walk walk = { .example = &p->leaked.items[0], .sibling = sibling };
    if ((walk.rest = table_for(walk.example, sibling)) == NULL)
        return false;
    common_rest(walk.example, sibling, walk.rest);
    double most = most_telling(p, walk);
    if (most >= TELLS)
        first_difference(p, walk, most * 0.75 > TELLS ? most * 0.75 : TELLS, ret);
    free(walk.rest);
    return true;
}

/* ---- Functions that only leaked objects passed through ----------------------------------------------------------- */

static uint64_t frame_key(const struct prof_frame *frame)
{
    return map_mix(group_hash(frame->function), frame->line != 0 ? frame->line : frame->offset);
}

static bool count_frames(struct parts *p, const struct view *view, bool leaked)
{
    struct map seen = { 0 };
    bool good = true;

    for (size_t i = 0; good && i < view->life->out.count; i++) {
        const struct prof_frame *frames;
        size_t n = prof_symbols_stack(p->l->a.symbols, view->life->out.entries[i].event.stack, &frames);
        for (size_t f = 0; good && f < n; f++) {
            uint64_t key = frame_key(&frames[f]);
            uint32_t next = (uint32_t)p->frames.count, at;
            if (map_get(&seen, key) != UINT32_MAX)
                continue;
            good = map_put(&seen, key, 1) && number_of(&p->frame_of, key, &next, &at);
            if (good && next > p->frames.count)
                good = prof_vec_push(&p->frames, (struct step_count){ 0 });
            if (good) {
                p->frames.items[at].leaked += leaked;
                p->frames.items[at].siblings += !leaked;
            }
        }
    }
    map_deinit(&seen);
    return good;
}

/* The first event of the example with a frame that all leaked lives have and no sibling; of several the outermost: the
 * others are called from there. */
static bool find_frame(struct parts *p, struct prof_parting *ret)
{
    for (size_t i = 0; i < p->leaked.count; i++) {
        if (!count_frames(p, &p->leaked.items[i], true))
            return false;
    }
    for (size_t i = 0; i < p->siblings.count; i++) {
        if (!count_frames(p, &p->siblings.items[i], false))
            return false;
    }
    for (size_t i = 0; i < ret->example->count && ret->frame == NULL; i++) {
        const struct prof_frame *frames;
        size_t n = prof_symbols_stack(p->l->a.symbols, ret->example->entries[i].event.stack, &frames);
        for (size_t f = n; f-- > 0 && ret->frame == NULL;) {
            const struct step_count *count = &p->frames.items[map_get(&p->frame_of, frame_key(&frames[f]))];
            if (count->leaked < p->leaked.count || count->siblings > 0)
                continue;
            ret->frame = &frames[f];
            ret->through = &ret->example->entries[i];
            ret->frame_leaked = count->leaked;
            ret->frame_siblings = count->siblings;
        }
    }
    return true;
}

/* ---- When the release comes that is missing ---------------------------------------------------------------------- */

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static bool is_take(const struct parts *p, const struct prof_ledger_entry *entry, bool birth, uint32_t site)
{
    bool born = entry->event.op == TRK_OP_NEW || entry->event.op == TRK_OP_REUSE;
    return ledger_takes(entry) && (birth ? born : !born && site_of(&p->l->a, entry->event.stack) == site);
}

static bool time_release(struct parts *p, struct prof_parting *ret)
{
    const struct prof_finding *f = p->finding;
    PROF_VEC(uint64_t) delays = { 0 };
    uint64_t elsewhere = 0;
    bool good = true;

    if (f->missing_stack == 0 || f->open_count == 0)
        return true;
    uint32_t take = site_of(&p->l->a, f->open[0].stack), give = site_of(&p->l->a, f->missing_stack);
    if (take == UINT32_MAX || give == UINT32_MAX)
        return false;
    for (size_t i = 0; good && i < p->siblings.count; i++) {
        const struct prof_ledger *sibling = &p->siblings.items[i].life->out;
        const struct prof_ledger_entry *taken = NULL;
        for (size_t k = 0; k < sibling->count; k++) {
            const struct prof_ledger_entry *entry = &sibling->entries[k];
            if (is_take(p, entry, f->open[0].birth, take))
                taken = entry;
            if (taken == NULL || entry->event.op != TRK_OP_UNREF || site_of(&p->l->a, entry->event.stack) != give)
                continue;
            uint64_t delay = entry->event.time_us - taken->event.time_us;
            good = prof_vec_push(&delays, entry->event.time_us > taken->event.time_us ? delay : 0);
            elsewhere += entry->event.tid != taken->event.tid;
            break;
        }
    }
    if (good && delays.count > 0) {
        qsort(delays.items, delays.count, sizeof *delays.items, by_number);
        ret->release_us = delays.items[delays.count / 2];
        ret->release_of = delays.count;
        ret->release_elsewhere = elsewhere * 2 > delays.count;
    }
    prof_vec_deinit(&delays);
    return good;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

/* Did it take a reference at this site? */
static bool took_at(struct prof_ledgers *l, const struct life *life, uint32_t site)
{
    for (size_t i = 0; i < life->out.line_count; i++) {
        if (life->out.lines[i].taken > 0 && site_of(&l->a, life->out.lines[i].stack) == site)
            return true;
    }
    return false;
}

bool ledger_is_sibling(const struct life *life, const struct life *of)
{
    return life->finding == 0 && life->born && life->out.freed && life->type == of->type && life->kind == of->kind &&
           of->kind != UINT32_MAX;
}

static bool gather_lives(struct parts *p, const struct life *first, struct prof_parting *ret)
{
    struct prof_ledgers *l = p->l;
    const struct prof_finding *f = p->finding;
    uint32_t site = UINT32_MAX;

    if (f->open_count > 0 && !f->open[0].birth && (site = site_of(&l->a, f->open[0].stack)) == UINT32_MAX)
        return false;
    for (size_t i = 0; site != UINT32_MAX && i < l->lives.count && !ret->took_too; i++)
        ret->took_too = ledger_is_sibling(l->lives.items[i], first) && took_at(l, l->lives.items[i], site);
    if (!add_view(p, first, true))
        return false;
    for (size_t i = 0; i < l->lives.count; i++) {
        const struct life *life = l->lives.items[i];
        bool leaked = life != first && life->born && life->finding == f->id && life->kind == first->kind;
        bool fits = ledger_is_sibling(life, first) && (!ret->took_too || took_at(l, life, site));
        if ((leaked || fits) && !add_view(p, life, leaked))
            return false;
    }
    return true;
}

static void deinit(struct parts *p)
{
    for (size_t i = 0; i < p->leaked.count + p->siblings.count; i++) {
        struct view *view = i < p->leaked.count ? &p->leaked.items[i] : &p->siblings.items[i - p->leaked.count];
        free(view->steps);
        free(view->kinds);
    }
    prof_vec_deinit(&p->leaked);
    prof_vec_deinit(&p->siblings);
    prof_vec_deinit(&p->counts);
    prof_vec_deinit(&p->frames);
    map_deinit(&p->kind_of);
    map_deinit(&p->step_of);
    map_deinit(&p->frame_of);
}

bool ledger_part(struct prof_ledgers *ledgers, const struct prof_finding *finding, const struct life *first,
                 struct prof_parting *ret)
{
    struct parts p = { .l = ledgers, .finding = finding };
    struct prof_parting parting = { .example = &first->out };
    bool good = gather_lives(&p, first, &parting);

    parting.leaked = p.leaked.count;
    parting.siblings = p.siblings.count;
    parting.siblings_all = first->kind != UINT32_MAX ? ledgers->kinds.items[first->kind].siblings : 0;
    if (good && p.siblings.count > 0) {
        good = align(&p, &parting) && time_release(&p, &parting);
        if (good && parting.here.entry == NULL)
            good = find_frame(&p, &parting);
        parting.parted |= parting.frame != NULL;
    }
    deinit(&p);
    if (good)
        *ret = parting;
    return good;
}
