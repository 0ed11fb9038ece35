/* missing.c: which release should have followed a taking that leaks, when several serve it.
 *
 * The most frequent one is no good answer: a value that was put into a list or a table is given back by the list or by
 * the table. Objects that began alike (class: the taking of their birth) are compared with those that began elsewhere.
 * Each release is tried as the missing one: were what leaks added to it, how usual would the class be (a Dirichlet and
 * multinomial distribution, as wide as classes without leaks differ from each other), and how likely does the release
 * fail so often? A release that never comes for the class fails always, which is what a bug does; one that comes and
 * fails by chance needs a number more to be explained. */
#include "state.h"

#include <math.h>
#include <string.h>

enum { RELEASES_MOST = 8, CLASSES_MOST = 64 }; /* of one taking; more classes are one */
/* So much likelier, by its logarithm, a release must be to be named against a more frequent one. */
#define NAME_MARGIN 2.0
/* A release that ends less of what is taken at a place than this is not named for its frequency. */
#define MISSING_SHARE 0.6
/* What fails does so always, else in any share of cases. */
#define ALWAYS      0.4
#define USUAL_LEAST 1e-3
/* Lives that are blamed in parts: less than this is none. */
#define LEAKING 0.5

struct class
{
    uint32_t birth; /* index among takes; PAIRING_NONE: all others */
    double ended[RELEASES_MOST], leaked;
};
struct classes {
    struct class list[CLASSES_MOST];
    size_t count;
    uint32_t give[RELEASES_MOST]; /* index among gives: most frequent first */
    double flow[RELEASES_MOST], all;
    size_t gives;
};

static bool is_birth(const struct pairing *p, uint32_t take)
{
    return take != PAIRING_NONE && p->options.birth != NULL &&
           p->options.birth(p->options.ctx, p->takes.items.items[take]);
}

static struct class *class_of(const struct pairing *p, struct classes *c, const struct pairing_life *life,
                              const struct pairing_bag *bag, const uint32_t *take)
{
    uint32_t birth = PAIRING_NONE;
    size_t at = 0;

    for (uint32_t e = life->first; e < life->first + life->count && birth == PAIRING_NONE; e++)
        birth = bag->entries.items[e].taken > 0 && is_birth(p, take[e]) ? take[e] : PAIRING_NONE;
    while (at < c->count && c->list[at].birth != birth)
        at++;
    if (at < c->count)
        return &c->list[at];
    if (c->count == CLASSES_MOST)
        return &c->list[CLASSES_MOST - 1];
    c->list[c->count] = (struct class){ .birth = birth };
    return &c->list[c->count++];
}

/* The releases that serve a taking, most frequent first. */
static void find_gives(const double *flow, size_t gives, struct classes *c)
{
    for (uint32_t g = 0; g < gives; g++) {
        c->all += flow[g];
        size_t at = c->gives < RELEASES_MOST ? c->gives++ : RELEASES_MOST;
        for (; at > 0 && c->flow[at - 1] < flow[g]; at--) {
            if (at < RELEASES_MOST) {
                c->flow[at] = c->flow[at - 1];
                c->give[at] = c->give[at - 1];
            }
        }
        if (at < RELEASES_MOST) {
            c->flow[at] = flow[g];
            c->give[at] = g;
        }
    }
    while (c->gives > 0 && c->flow[c->gives - 1] < 0.5)
        c->gives--;
}

static void count_classes(const struct pairing *p, uint32_t take, const double *blamed, struct classes *c)
{
    struct table t;

    for (size_t i = 0; i < p->healthy.lives.count; i++) {
        const struct pairing_life *life = &p->healthy.lives.items[i];
        table_of(p->healthy.entries.items + life->first, p->of_healthy.take + life->first,
                 p->of_healthy.give + life->first, life->count, &t);
        unsigned row = 0;
        while (row < t.rows && t.take[row] != take)
            row++;
        if (row == t.rows)
            continue;
        struct class *class = class_of(p, c, life, &p->healthy, p->of_healthy.take);
        table_know(p, &t, 1);
        table_fit(&t);
        for (unsigned column = 0; column < t.columns; column++) {
            for (size_t g = 0; g < c->gives; g++) {
                if (c->give[g] == t.give[column])
                    class->ended[g] += t.n[row * t.columns + column] * (double)life->lives;
            }
        }
    }
    for (size_t i = 0; i < p->leaked.lives.count; i++) {
        if (blamed[i] > 0)
            class_of(p, c, &p->leaked.lives.items[i], &p->leaked, p->of_leaked.take)->leaked += blamed[i];
    }
}

static double total(const struct class *class, size_t gives)
{
    double sum = 0;
    for (size_t g = 0; g < gives; g++)
        sum += class->ended[g];
    return sum;
}

/* How likely the counts of a class are, as logarithm, with `more` added to release `at`. */
static double usual(const struct class *class, size_t gives, const double *share, double width, size_t at, double more)
{
    double sum = total(class, gives) + more, likely = lgamma(width) - lgamma(width + sum) + lgamma(sum + 1);

    for (size_t g = 0; g < gives; g++) {
        double count = class->ended[g] + (g == at ? more : 0);
        likely += lgamma(width * share[g] + count) - lgamma(width * share[g]) - lgamma(count + 1);
    }
    return likely;
}

static bool leaks(const struct class *class)
{
    return class->leaked >= LEAKING;
}

/* What classes without leaks do, and how alike they are. false: there are none to compare with. */
static bool learn_usual(const struct classes *c, double *share, double *width)
{
    static const double widths[] = { 1, 3, 10, 30, 100, 300 };
    double sum = 0, best = -INFINITY;

    memset(share, 0, RELEASES_MOST * sizeof *share);
    for (size_t i = 0; i < c->count; i++) {
        for (size_t g = 0; g < c->gives && !leaks(&c->list[i]); g++) {
            share[g] += c->list[i].ended[g];
            sum += c->list[i].ended[g];
        }
    }
    if (sum < 5)
        return false;
    for (size_t g = 0; g < c->gives; g++)
        share[g] = fmax(share[g] / sum, USUAL_LEAST);
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        double likely = 0;
        for (size_t i = 0; i < c->count; i++)
            likely += leaks(&c->list[i]) ? 0 : usual(&c->list[i], c->gives, share, widths[w], 0, 0);
        if (likely > best) {
            best = likely;
            *width = widths[w];
        }
    }
    return true;
}

/* The release whose failing explains the classes that leak best; *margin: against the next best. */
static size_t compare(const struct classes *c, double *margin)
{
    double share[RELEASES_MOST], width = 1, best = -INFINITY, next = -INFINITY;
    size_t found = 0;

    *margin = 0;
    if (c->gives < 2 || !learn_usual(c, share, &width))
        return 0;
    for (size_t g = 0; g < c->gives; g++) {
        double likely = 0;
        for (size_t i = 0; i < c->count; i++) {
            const struct class *class = &c->list[i];
            if (!leaks(class))
                continue;
            double always = class->ended[g] < 0.5 ? ALWAYS : 0;
            likely += usual(class, c->gives, share, width, g, class->leaked) +
                      log(always + (1 - ALWAYS) / (class->ended[g] + class->leaked + 1));
        }
        next = fmax(next, fmin(best, likely));
        if (likely > best) {
            next = best;
            best = likely;
            found = g;
        }
    }
    *margin = best - next;
    return found;
}

static void count_healthy(const struct pairing *p, uint32_t take, bool any_birth, uint32_t give,
                          struct pairing_suspect *s)
{
    for (size_t i = 0; i < p->healthy.lives.count; i++) {
        const struct pairing_life *life = &p->healthy.lives.items[i];
        bool took = false, gave = false;
        for (uint32_t e = life->first; e < life->first + life->count; e++) {
            const struct pairing_entry *entry = &p->healthy.entries.items[e];
            uint32_t taken = p->of_healthy.take[e];
            took |= entry->taken > 0 && (taken == take || (any_birth && is_birth(p, taken)));
            gave |= p->of_healthy.give[e] == give && entry->given > 0;
        }
        s->healthy_took += took ? life->lives : 0;
        s->healthy_gave += took && gave ? life->lives : 0;
    }
}

/* Nobody who was born there was ever freed: then what others do with their birth. */
static void find_births(const struct pairing *p, uint32_t take, struct classes *c)
{
    const size_t gives = p->gives.items.count;
    double flow[KEYS_MOST] = { 0 };

    for (uint32_t t = 0; t < p->takes.items.count; t++) {
        for (size_t g = 0; t != take && is_birth(p, t) && g < gives; g++)
            flow[g] += p->flow[t * gives + g];
    }
    *c = (struct classes){ 0 };
    find_gives(flow, gives, c);
}

void tell_release(const struct pairing *p, uint32_t take, const double *blamed, struct pairing_suspect *s)
{
    const size_t gives = p->gives.items.count;
    struct classes c = { 0 };
    double margin = 0;

    s->missing = PAIRING_NONE;
    s->missing_share = 0;
    find_gives(&p->flow[take * gives], gives, &c);
    bool any_birth = c.gives == 0 && is_birth(p, take);
    size_t found = 0;
    if (any_birth) {
        find_births(p, take, &c);
    } else if (c.gives > 1) {
        count_classes(p, take, blamed, &c);
        found = compare(&c, &margin);
    }
    if (c.gives == 0)
        return;
    double share = c.flow[found] / c.all;
    if (share < MISSING_SHARE && margin < NAME_MARGIN)
        return;
    if (found != 0 && margin < NAME_MARGIN)
        return; // a guess among several is none
    s->missing = p->gives.items.items[c.give[found]];
    s->missing_share = share;
    count_healthy(p, take, any_birth, c.give[found], s);
}
