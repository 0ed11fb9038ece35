/* judge.c: each taking is tried as the one too many; the few that together explain all leaked lives are told, with
 * what fits as well. */
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIX_ROUNDS = 40,
    CHOOSE_ROUNDS = 8,
    CANDIDATES_MOST = 32,
    SWAP_LIVES = 128, /* that are looked at when two takings change their releases */
    STAGES = 3,       /* references of one life that are explained one after the other */
};
/* So much less likely, by its logarithm, is still as good: a factor of 20. */
#define TIE_MARGIN 3.0
/* Lives of one cause are no independent witnesses (what the model gets wrong it gets wrong in all of them): more than
 * so many count as so many. */
#define WITNESSES 12.0
/* What no hypothesis explains costs as much as that, so that no life outvotes all others. */
#define COST_MOST 12.0
/* One more cause must make the lives so much likelier (logarithm, and half that of their number). */
#define CAUSE_PRICE 2.0
/* What takings that are not believed explain, against those that are. */
#define BACKGROUND 1e-5
/* Causes of less than this share of all open references are not told apart from noise. */
#define SUSPECT_SHARE 0.02

/* How well a leaked life fits when one reference of a taking was not given back. */
struct guess {
    uint32_t take; /* index */
    double taken;
    double cost;
    double share; /* of the life that this taking explains, all together 1 */
};
struct leaked {
    size_t first, count; /* guesses */
    size_t life;         /* in the bag of leaked ones */
    double lives, open;
};
struct judging {
    struct pairing *p;
    PROF_VEC(struct guess) guesses;
    PROF_VEC(struct leaked) lives;
    double rate;       /* of leaks, when nothing is known */
    double *opens;     /* by taking: references left open there */
    bool *told;        /* by taking */
    int stage;         /* how many references of each life are explained already */
    uint32_t *of_life; /* by life and stage: the taking that explained one, PAIRING_NONE */
};

/* Tries row `row` of a leaked life. */
static double try_row(const struct pairing *p, const struct table *life, unsigned row)
{
    struct table t = { .open = life->y[life->columns - 1] > 1 };
    unsigned columns = life->columns - (t.open ? 0 : 1);

    for (unsigned r = 0; r < life->rows; r++) {
        double x = life->x[r] - (r == row ? 1 : 0);
        if (x <= 0)
            continue;
        t.take[t.rows] = life->take[r];
        t.first[t.rows] = life->first[r];
        t.x[t.rows++] = x;
    }
    memcpy(t.give, life->give, columns * sizeof *t.give);
    memcpy(t.last, life->last, columns * sizeof *t.last);
    memcpy(t.y, life->y, columns * sizeof *t.y);
    t.columns = columns;
    if (t.open)
        t.y[columns - 1] -= 1;
    if (t.rows == 0 || t.columns == 0)
        return 0;
    table_know(p, &t, 1);
    table_fit(&t);
    double cost = table_cost(p, &t);
    return cost < COST_MOST ? fmax(cost, 0) : COST_MOST;
}

static bool guess_life(const struct pairing *p, const struct pairing_entry *entries, const uint32_t *take,
                       const uint32_t *give, size_t count, struct judging *ret)
{
    struct table t;

    table_of(entries, take, give, count, &t);
    for (unsigned r = 0; r < t.rows; r++) {
        if (t.take[r] != PAIRING_NONE &&
            !prof_vec_push(&ret->guesses, (struct guess){ t.take[r], t.x[r], try_row(p, &t, r), 0 }))
            return false;
    }
    return true;
}

/* What is left of a leaked life behind the references that were explained; false: nothing. */
static bool rest_of(const struct judging *j, size_t at, struct pairing_entry *ret)
{
    const struct pairing_bag *bag = &j->p->leaked;
    const struct pairing_life *life = &bag->lives.items[at];
    const struct pairing_entry *entries = bag->entries.items + life->first;

    if (life_open(entries, life->count) <= (uint64_t)j->stage)
        return false;
    memcpy(ret, entries, life->count * sizeof *ret);
    for (int s = 0; s < j->stage; s++) {
        uint32_t i = 0, take = j->of_life[at * STAGES + (size_t)s];
        while (i < life->count && (j->p->of_leaked.take[life->first + i] != take || ret[i].taken == 0))
            i++;
        if (take == PAIRING_NONE || i == life->count)
            return false;
        ret[i].taken--;
    }
    return true;
}

static bool guess_all(struct judging *j)
{
    struct pairing *p = j->p;
    const struct pairing_bag *bag = &p->leaked;
    struct pairing_entry rest[PAIRING_ENTRIES_MOST];

    j->guesses.count = j->lives.count = 0;
    for (size_t i = 0; i < bag->lives.count; i++) {
        const struct pairing_life *life = &bag->lives.items[i];
        if (!rest_of(j, i, rest))
            continue;
        struct leaked leaked = { .first = j->guesses.count,
                                 .life = i,
                                 .lives = (double)life->lives,
                                 .open = (double)life_open(rest, life->count) };
        if (!guess_life(p, rest, p->of_leaked.take + life->first, p->of_leaked.give + life->first, life->count, j))
            return false;
        leaked.count = j->guesses.count - leaked.first;
        if (leaked.count > 0 && !prof_vec_push(&j->lives, leaked))
            return false;
    }
    return true;
}

/* The likelihood of a life from one of its takings, not as logarithm. */
static double weigh(const struct pairing *p, const struct guess *g)
{
    return p->rate[g->take] * g->taken * exp(-g->cost);
}

/* One round of making leaked lives likelier by the rates of the takings that are allowed (NULL: all); what others would
 * explain counts little. Returns how likely they are now, as logarithm. */
static double mix_round(struct judging *j, const bool *allowed)
{
    struct pairing *p = j->p;
    size_t takes = p->takes.items.count;
    double likely = 0;

    memset(j->opens, 0, takes * sizeof *j->opens);
    for (size_t i = 0; i < j->lives.count; i++) {
        const struct leaked *life = &j->lives.items[i];
        struct guess *guesses = &j->guesses.items[life->first];
        double sum = 0, other = 0;
        for (size_t g = 0; g < life->count; g++) {
            bool in = allowed == NULL || allowed[guesses[g].take];
            guesses[g].share = in ? weigh(p, &guesses[g]) : 0;
            sum += guesses[g].share;
            other += guesses[g].taken * exp(-guesses[g].cost);
        }
        other *= BACKGROUND * j->rate;
        likely += life->lives * log(sum + other + 1e-30);
        for (size_t g = 0; g < life->count; g++) {
            guesses[g].share /= sum + other + 1e-30;
            j->opens[guesses[g].take] += guesses[g].share * life->lives * life->open;
        }
    }
    for (size_t t = 0; t < takes; t++)
        p->rate[t] = p->taken[t] > 0 ? fmax(j->opens[t] / p->taken[t], 1e-9) : 1e-9;
    return likely;
}

static double mix(struct judging *j, const bool *allowed, int rounds)
{
    double likely = 0;

    for (size_t t = 0; t < j->p->takes.items.count; t++)
        j->p->rate[t] = j->rate;
    for (int round = 0; round < rounds; round++)
        likely = mix_round(j, allowed);
    return likely;
}

/* The few takings whose leaks explain the lives: one more is believed when it makes them so much likelier that it pays
 * for a cause of its own. */
static bool choose(struct judging *j)
{
    struct pairing *p = j->p;
    size_t takes = p->takes.items.count, count = 0, list[CANDIDATES_MOST];
    double all = 0, open = 0, lives = 0;
    bool *allowed = calloc(takes + 1, sizeof *allowed);

    if (allowed == NULL)
        return false;
    for (size_t t = 0; t < takes; t++)
        all += p->taken[t];
    for (size_t i = 0; i < j->lives.count; i++) {
        open += j->lives.items[i].lives * j->lives.items[i].open;
        lives += j->lives.items[i].lives;
    }
    j->rate = all > 0 ? open / all : 1;
    mix(j, NULL, MIX_ROUNDS);
    for (; count < CANDIDATES_MOST; count++) {
        size_t best = SIZE_MAX;
        for (size_t t = 0; t < takes; t++) {
            if (!allowed[t] && j->opens[t] > 0.01 && (best == SIZE_MAX || j->opens[t] > j->opens[best]))
                best = t;
        }
        if (best == SIZE_MAX)
            break;
        list[count] = best;
        allowed[best] = true;
    }
    memset(allowed, 0, takes * sizeof *allowed);
    double likely = -INFINITY, price = CAUSE_PRICE + 0.5 * log(lives + 1);
    for (size_t causes = 0; causes < PAIRING_SUSPECTS; causes++) {
        size_t best = SIZE_MAX;
        double most = -INFINITY;
        for (size_t i = 0; i < count; i++) {
            if (allowed[list[i]])
                continue;
            allowed[list[i]] = true;
            double now = mix(j, allowed, CHOOSE_ROUNDS);
            allowed[list[i]] = false;
            if (now > most) {
                most = now;
                best = list[i];
            }
        }
        if (best == SIZE_MAX || most < likely + price)
            break;
        allowed[best] = true;
        likely = most;
    }
    mix(j, allowed, MIX_ROUNDS);
    free(allowed);
    return true;
}

/* ---- What fits as well ------------------------------------------------------------------------------------------- */

/* A guess of the life about a taking; NULL: nothing was taken there. */
static const struct guess *guess_of(const struct judging *j, const struct leaked *life, uint32_t take)
{
    for (size_t g = 0; g < life->count; g++) {
        if (j->guesses.items[life->first + g].take == take)
            return &j->guesses.items[life->first + g];
    }
    return NULL;
}

/* What it costs to blame `other` for all that `take` is blamed for; cost(life, other) is the guess's own, or that of
 * `take` when both change their releases (swapped). */
static double blame_cost(const struct judging *j, uint32_t take, uint32_t other, bool swapped)
{
    const struct pairing *p = j->p;
    double rate = p->taken[other] > 0 ? fmin((j->opens[take] + j->opens[other]) / p->taken[other], 1) : 1e-9;
    double cost = 0, weight = 0;

    for (size_t i = 0; i < j->lives.count; i++) {
        const struct leaked *life = &j->lives.items[i];
        const struct guess *mine = guess_of(j, life, take);
        if (mine == NULL || mine->share < 0.01)
            continue;
        double now = 0, then = 0;
        for (size_t g = 0; g < life->count; g++) {
            const struct guess *guess = &j->guesses.items[life->first + g];
            double all = weigh(p, guess);
            now += all;
            if (guess->take == other)
                then += rate * guess->taken * exp(-(swapped ? fmin(mine->cost, guess->cost) : guess->cost));
            else if (guess->take != take)
                then += all;
        }
        double lost = log(fmax(now, 1e-30)) - log(fmax(then, fmax(now, 1e-30) * exp(-COST_MOST)));
        cost += life->lives * mine->share * lost;
        weight += life->lives * mine->share;
    }
    return weight > WITNESSES ? cost * WITNESSES / weight : cost;
}

/* How much worse healthy lives fit when two takings change their releases; what is known beforehand counts as well. */
static double swap_cost(struct pairing *p, uint32_t a, uint32_t b)
{
    size_t gives = p->gives.items.count, looked = 0;
    double *row_a = &p->share[a * gives], *row_b = &p->share[b * gives], cost = 0, weight = 0, before = 0;
    struct table t;

    for (size_t g = 0; g < gives; g++)
        before += (row_a[g] - row_b[g]) * (log(p->prior[a * gives + g]) - log(p->prior[b * gives + g]));
    for (size_t i = 0; i < p->healthy.lives.count && looked < SWAP_LIVES; i++) {
        const struct pairing_life *life = &p->healthy.lives.items[i];
        double fit[2];
        table_of(p->healthy.entries.items + life->first, p->of_healthy.take + life->first,
                 p->of_healthy.give + life->first, life->count, &t);
        bool concerned = false;
        for (unsigned r = 0; r < t.rows; r++)
            concerned |= t.take[r] == a || t.take[r] == b;
        if (!concerned)
            continue;
        for (int k = 0; k < 2; k++) {
            table_know(p, &t, 1);
            table_fit(&t);
            fit[k] = table_cost(p, &t);
            for (unsigned r = 0; r < t.rows; r++)
                t.take[r] = t.take[r] == a ? b : t.take[r] == b ? a : t.take[r];
        }
        cost += (double)life->lives * (fit[1] - fit[0]);
        weight += (double)life->lives;
        looked++;
    }
    if (weight > WITNESSES)
        cost *= WITNESSES / weight;
    return fmax(cost, 0) + fmax(before, 0);
}

/* How much less likely everything is if it was `other`: by what was learned (plain), or had the two each other's
 * releases. */
static double margin_of(struct judging *j, uint32_t take, uint32_t other, double plain)
{
    if (plain <= TIE_MARGIN)
        return plain;
    double swapped = blame_cost(j, take, other, true);
    if (swapped >= plain)
        return plain;
    swapped += swap_cost(j->p, take, other);
    return swapped < plain ? swapped : plain;
}

/* ---- Telling ----------------------------------------------------------------------------------------------------- */

/* The lives that this taking explains as well as any. */
static uint64_t support_of(const struct judging *j, uint32_t take)
{
    uint64_t lives = 0;

    for (size_t i = 0; i < j->lives.count; i++) {
        const struct leaked *life = &j->lives.items[i];
        const struct guess *mine = guess_of(j, life, take);
        double least = COST_MOST;
        for (size_t g = 0; g < life->count; g++)
            least = fmin(least, j->guesses.items[life->first + g].cost);
        if (mine != NULL && mine->cost <= least + TIE_MARGIN)
            lives += (uint64_t)life->lives;
    }
    return lives;
}

static bool same_release(const struct pairing *p, uint32_t a, uint32_t b)
{
    double share;
    return pairing_release_of(p, p->takes.items.items[a], &share) ==
           pairing_release_of(p, p->takes.items.items[b], &share);
}

static bool suspect(struct judging *j, uint32_t take)
{
    struct pairing *p = j->p;
    struct pairing_suspect s = { .take = p->takes.items.items[take],
                                 .lives = support_of(j, take),
                                 .opens = j->opens[take],
                                 .margin = COST_MOST,
                                 .missing = PAIRING_NONE };
    double margins[PAIRING_TIES];
    bool other_release = false; /* what fits as well is given back elsewhere */

    for (uint32_t other = 0; other < p->takes.items.count; other++) {
        if (other == take)
            continue;
        double plain = blame_cost(j, take, other, false), margin = margin_of(j, take, other, plain);
        s.margin = fmin(s.margin, margin);
        if (margin >= TIE_MARGIN)
            continue;
        s.ties_all++;
        other_release |= plain < TIE_MARGIN && !same_release(p, take, other);
        if (!j->told[other] && plain < TIE_MARGIN && blame_cost(j, other, take, false) < TIE_MARGIN) {
            s.opens += j->opens[other]; // they stand for each other in the same lives: told once
            j->told[other] = true;
        }
        uint32_t at = s.tie_count < PAIRING_TIES ? s.tie_count++ : PAIRING_TIES;
        for (; at > 0 && margins[at - 1] > margin; at--) {
            if (at < PAIRING_TIES) {
                margins[at] = margins[at - 1];
                s.ties[at] = s.ties[at - 1];
            }
        }
        if (at < PAIRING_TIES) {
            margins[at] = margin;
            s.ties[at] = p->takes.items.items[other];
        }
    }
    double *blamed = calloc(p->leaked.lives.count + 1, sizeof *blamed);
    if (blamed == NULL)
        return false;
    for (size_t i = 0; i < j->lives.count; i++) {
        const struct guess *mine = guess_of(j, &j->lives.items[i], take);
        blamed[j->lives.items[i].life] = mine != NULL ? mine->share * j->lives.items[i].lives : 0;
    }
    tell_release(p, take, blamed, &s);
    free(blamed);
    if (other_release)
        s.missing = PAIRING_NONE; // a guess among several is none
    return prof_vec_push(&p->suspects, s);
}

static bool tell(struct judging *j)
{
    struct pairing *p = j->p;
    double all = 0;

    for (size_t t = 0; t < p->takes.items.count; t++)
        all += j->opens[t];
    while (p->suspects.count < PAIRING_SUSPECTS) {
        size_t best = SIZE_MAX;
        for (size_t t = 0; t < p->takes.items.count; t++) {
            if (!j->told[t] && (best == SIZE_MAX || j->opens[t] > j->opens[best]))
                best = t;
        }
        if (best == SIZE_MAX || j->opens[best] <= SUSPECT_SHARE * all)
            break;
        if (!suspect(j, (uint32_t)best))
            return false;
        j->told[best] = true;
    }
    return true;
}

/* Which suspect explains one reference of each life, for the next stage. */
static void explain_lives(struct judging *j)
{
    for (size_t i = 0; i < j->lives.count; i++) {
        const struct leaked *life = &j->lives.items[i];
        double most = 0;
        for (size_t g = 0; g < life->count; g++) {
            const struct guess *guess = &j->guesses.items[life->first + g];
            if (!j->told[guess->take] || weigh(j->p, guess) <= most)
                continue;
            most = weigh(j->p, guess);
            j->of_life[life->life * STAGES + (size_t)j->stage] = guess->take;
        }
    }
}

/* Lives that have one more reference open than what was explained so far ask what else is too many. rates: by taking,
 * the highest of all stages. */
static bool judge_stages(struct judging *j, double *rates)
{
    struct pairing *p = j->p;
    size_t takes = p->takes.items.count;

    for (; j->stage < STAGES; j->stage++) {
        if (!guess_all(j))
            return false;
        if (j->lives.count == 0)
            break;
        if (!choose(j) || !tell(j))
            return false;
        explain_lives(j);
        for (size_t t = 0; t < takes; t++)
            rates[t] = fmax(rates[t], j->stage == 0 || j->told[t] ? p->rate[t] : 0);
    }
    memcpy(p->rate, rates, takes * sizeof *rates);
    return true;
}

bool judge(struct pairing *p)
{
    struct judging j = { .p = p };
    size_t takes = p->takes.items.count + 1, lives = p->leaked.lives.count;

    if (lives == 0)
        return true;
    double *rates = calloc(takes, sizeof *rates);
    j.opens = calloc(takes, sizeof *j.opens);
    j.told = calloc(takes, sizeof *j.told);
    j.of_life = malloc(lives * STAGES * sizeof *j.of_life);
    bool good = rates != NULL && j.opens != NULL && j.told != NULL && j.of_life != NULL;
    if (good) {
        memset(j.of_life, 0xff, lives * STAGES * sizeof *j.of_life);
        good = judge_stages(&j, rates);
    }
    prof_vec_deinit(&j.guesses);
    prof_vec_deinit(&j.lives);
    free(j.opens);
    free(j.told);
    free(j.of_life);
    free(rates);
    return good;
}

size_t pairing_judge(const struct pairing *pairing, const struct pairing_entry *entries, size_t count)
{
    const struct pairing *p = pairing;
    struct judging j = { 0 };
    struct pairing_entry tidy[PAIRING_ENTRIES_MOST];
    uint32_t take[PAIRING_PLACES_MOST], give[PAIRING_PLACES_MOST];
    size_t best = SIZE_MAX;
    double most = 0;

    if (count > PAIRING_ENTRIES_MOST)
        return SIZE_MAX;
    memcpy(tidy, entries, count * sizeof *tidy);
    count = pairing_tidy(tidy, count);
    if (count > PAIRING_PLACES_MOST || life_open(tidy, count) == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        take[i] = keys_find(&p->takes, tidy[i].key);
        give[i] = keys_find(&p->gives, tidy[i].key);
    }
    // A life that nothing can be said about for want of memory is one that nothing can be said about.
    if (guess_life(p, tidy, take, give, count, &j)) {
        for (size_t s = 0; s < p->suspects.count; s++) {
            uint32_t index = keys_find(&p->takes, p->suspects.items[s].take);
            struct leaked life = { .count = j.guesses.count };
            const struct guess *g = guess_of(&j, &life, index);
            if (g != NULL && weigh(p, g) > most) {
                most = weigh(p, g);
                best = s;
            }
        }
    }
    prof_vec_deinit(&j.guesses);
    return best;
}
