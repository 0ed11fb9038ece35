/* learn.c: the shares of releases in what is taken at each place, by expectation and maximisation over tables. */
#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEARN_ROUNDS = 60,
    FIT_ROUNDS = 12,
};
/* With one reference in each row and column, a table that is twice as likely in each of two cells is four times as
 * likely in all, and the tables of larger numbers are near their mean: this is in between. */
#define SHARPNESS 2.0
/* What is expected of a taking counts as much as so many references: few where takings end at one release each as a
 * rule, one where a fifth of them goes other ways. */
#define PRIOR_LEAST 0.1
#define PRIOR_MOST  1.0
#define PRIOR_SLOPE 5.0
/* Affinity 1 against none: logarithm of the odds. */
#define AFFINITY_ODDS 4.0
/* Leaked lives teach little about pairs: which of their releases serve whom hangs on what leaks in them. */
#define LEAKED_WEIGHT 0.1
/* A release that serves nobody yet, against one that serves all. */
#define BREADTH_LEAST 0.02
#define RATE_LEAST    1e-6

void table_of(const struct pairing_entry *entries, const uint32_t *take, const uint32_t *give, size_t count,
              struct table *t)
{
    t->rows = t->columns = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].taken > 0) {
            t->take[t->rows] = take[i];
            t->x[t->rows] = entries[i].taken;
            t->first[t->rows++] = entries[i].first;
        }
        if (entries[i].given > 0) {
            t->give[t->columns] = give[i];
            t->y[t->columns] = entries[i].given;
            t->last[t->columns++] = entries[i].last;
        }
    }
    uint64_t open = life_open(entries, count);
    t->open = open > 0;
    if (t->open) {
        t->give[t->columns] = PAIRING_NONE;
        t->y[t->columns] = (double)open;
        t->last[t->columns++] = UINT32_MAX;
    }
}

static double known(const struct pairing *p, const struct table *t, unsigned row, unsigned column)
{
    double rate = t->take[row] != PAIRING_NONE ? p->rate[t->take[row]] : RATE_LEAST;

    if (t->open && column == t->columns - 1)
        return rate;
    double share = share_at(p, t->take[row], t->give[column]);
    if (t->last[column] < t->first[row])
        share *= ORDER_LEAST;
    return t->open ? share * (1 - rate) : share;
}

void table_know(const struct pairing *p, struct table *t, double sharpness)
{
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            double k = known(p, t, r, c);
            t->p[r * t->columns + c] = sharpness == 1 ? k : pow(k, sharpness);
        }
    }
}

void table_fit(struct table *t)
{
    double u[ROWS], v[COLUMNS];

    for (unsigned c = 0; c < t->columns; c++)
        v[c] = 1;
    for (int round = 0; round < FIT_ROUNDS; round++) {
        double worst = 0;
        for (unsigned r = 0; r < t->rows; r++) {
            double sum = 0;
            for (unsigned c = 0; c < t->columns; c++)
                sum += t->p[r * t->columns + c] * v[c];
            double next = sum > 0 ? t->x[r] / sum : 0;
            if (round > 0 && u[r] > 0 && fabs(next / u[r] - 1) > worst)
                worst = fabs(next / u[r] - 1);
            u[r] = next;
        }
        if (round > 0 && worst < 1e-3)
            break;
        for (unsigned c = 0; c < t->columns; c++) {
            double sum = 0;
            for (unsigned r = 0; r < t->rows; r++)
                sum += t->p[r * t->columns + c] * u[r];
            v[c] = sum > 0 ? t->y[c] / sum : 0;
        }
    }
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++)
            t->n[r * t->columns + c] = u[r] * t->p[r * t->columns + c] * v[c];
    }
}

double table_cost(const struct pairing *p, const struct table *t)
{
    double cost = 0;

    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            double n = t->n[r * t->columns + c];
            if (n > 1e-9)
                cost += n * log(n / (t->x[r] * known(p, t, r, c)));
        }
    }
    return cost;
}

/* ---- Learning ---------------------------------------------------------------------------------------------------- */

static void make_prior(struct pairing *p)
{
    size_t gives = p->gives.items.count;

    for (size_t t = 0; t < p->takes.items.count; t++) {
        double sum = 0;
        for (size_t g = 0; g < gives; g++) {
            uint32_t take = p->takes.items.items[t], give = p->gives.items.items[g];
            double affinity = p->options.affinity != NULL ? p->options.affinity(p->options.ctx, take, give) : 0;
            double coarse = p->options.coarse != NULL ? p->options.coarse(p->options.ctx, take, give) : 0;
            p->prior[t * gives + g] = exp(AFFINITY_ODDS * (affinity + coarse));
            p->least[t * gives + g] = fmax(SHARE_LEAST, COARSE_LEAST * coarse);
            sum += p->prior[t * gives + g];
        }
        for (size_t g = 0; g < gives; g++)
            p->prior[t * gives + g] /= sum;
    }
    memcpy(p->share, p->prior, p->takes.items.count * gives * sizeof *p->share);
}

static void count_taken(struct pairing *p, const struct pairing_bag *bag, const struct side *side, double scale)
{
    for (size_t i = 0; i < bag->lives.count; i++) {
        const struct pairing_life *life = &bag->lives.items[i];
        for (uint32_t e = life->first; e < life->first + life->count; e++) {
            if (side->take[e] != PAIRING_NONE && bag->entries.items[e].taken > 0)
                p->taken[side->take[e]] += scale * (double)life->lives * bag->entries.items[e].taken;
        }
    }
}

/* Adds up what the tables of all lives of a bag say; leaks: by taking, NULL for lives without. */
static void gather(struct pairing *p, const struct pairing_bag *bag, const struct side *side, double sharpness,
                   double *leaks)
{
    struct table t;

    for (size_t i = 0; i < bag->lives.count; i++) {
        const struct pairing_life *life = &bag->lives.items[i];
        table_of(bag->entries.items + life->first, side->take + life->first, side->give + life->first, life->count, &t);
        table_know(p, &t, sharpness);
        table_fit(&t);
        for (unsigned r = 0; r < t.rows; r++) {
            if (t.take[r] == PAIRING_NONE)
                continue;
            for (unsigned c = 0; c < t.columns; c++) {
                double n = t.n[r * t.columns + c] * (double)life->lives;
                if (t.open && c == t.columns - 1)
                    leaks[t.take[r]] += n;
                else if (t.give[c] != PAIRING_NONE)
                    p->flow[(size_t)t.take[r] * p->gives.items.count + t.give[c]] += t.open ? LEAKED_WEIGHT * n : n;
            }
        }
    }
}

/* What is expected of a taking that was seen little: what looks alike, and releases that serve many takings rather than
 * those that serve others. breadth: how many takings a release serves, as far as is known. */
static double expect(const struct pairing *p, size_t take, const double *breadth, double *row)
{
    size_t gives = p->gives.items.count;
    double sum = 0;

    for (size_t g = 0; g < gives; g++) {
        double others = breadth[g] - p->share[take * gives + g] / (double)p->takes.items.count;
        row[g] = p->prior[take * gives + g] * (fmax(others, 0) + BREADTH_LEAST);
        sum += row[g];
    }
    return 2 * sum; // the other half at a release of its own that was never seen
}

/* The share of references that do not end where most of their taking do. */
static double astray(const struct pairing *p)
{
    size_t gives = p->gives.items.count;
    double all = 0, usual = 0;

    for (size_t t = 0; t < p->takes.items.count; t++) {
        double most = 0;
        for (size_t g = 0; g < gives; g++) {
            all += p->flow[t * gives + g];
            most = fmax(most, p->flow[t * gives + g]);
        }
        usual += most;
    }
    return all > 0 ? (all - usual) / all : 0;
}

/* New shares from the flow. Returns the largest change of one. */
static double renew(struct pairing *p, double *breadth, double *row)
{
    size_t gives = p->gives.items.count;
    double change = 0;

    memset(breadth, 0, gives * sizeof *breadth);
    for (size_t t = 0; t < p->takes.items.count; t++) {
        for (size_t g = 0; g < gives; g++)
            breadth[g] += p->share[t * gives + g] / (double)p->takes.items.count;
    }

    double weight = fmin(fmax(PRIOR_SLOPE * astray(p), PRIOR_LEAST), PRIOR_MOST);
    for (size_t t = 0; t < p->takes.items.count; t++) {
        double sum = weight, expected = expect(p, t, breadth, row);
        for (size_t g = 0; g < gives; g++)
            sum += p->flow[t * gives + g];
        for (size_t g = 0; g < gives; g++) {
            double share = (p->flow[t * gives + g] + weight * row[g] / expected) / sum;
            change = fmax(change, fabs(share - p->share[t * gives + g]));
            p->share[t * gives + g] = share;
        }
    }
    return change;
}

bool learn(struct pairing *p)
{
    size_t takes = p->takes.items.count, cells = takes * p->gives.items.count;
    double *leaks = calloc(takes + 1, sizeof *leaks), all = 0, open = 0;
    double *scratch = calloc(2 * p->gives.items.count + 1, sizeof *scratch);

    if (leaks == NULL || scratch == NULL) {
        free(leaks);
        free(scratch);
        return false;
    }
    make_prior(p);
    double kept = (double)p->healthy.kept, healthy = (double)pairing_healthy(p);
    count_taken(p, &p->healthy, &p->of_healthy, kept > 0 ? healthy / kept : 1);
    count_taken(p, &p->leaked, &p->of_leaked, 1);
    for (size_t t = 0; t < takes; t++)
        all += p->taken[t];
    for (size_t i = 0; i < p->leaked.lives.count; i++) {
        const struct pairing_life *life = &p->leaked.lives.items[i];
        open += (double)life->lives * (double)life_open(p->leaked.entries.items + life->first, life->count);
    }
    for (size_t t = 0; t < takes; t++)
        p->rate[t] = all > 0 ? fmax(open / all, RATE_LEAST) : RATE_LEAST;
    for (int round = 0; round < LEARN_ROUNDS; round++) {
        memset(p->flow, 0, cells * sizeof *p->flow);
        memset(leaks, 0, takes * sizeof *leaks);
        double sharpness = round < 10 ? 1 + (SHARPNESS - 1) * round / 10 : SHARPNESS;
        gather(p, &p->healthy, &p->of_healthy, sharpness, NULL);
        gather(p, &p->leaked, &p->of_leaked, sharpness, leaks);
        for (size_t t = 0; t < takes; t++)
            p->rate[t] = p->taken[t] > 0 ? fmin(fmax(leaks[t] / p->taken[t], RATE_LEAST), 1 - RATE_LEAST) : RATE_LEAST;
        if (renew(p, scratch, scratch + p->gives.items.count) < 1e-4 && round > 12)
            break;
    }
    memset(p->flow, 0, cells * sizeof *p->flow);
    gather(p, &p->healthy, &p->of_healthy, 1, NULL);
    free(leaks);
    free(scratch);
    return true;
}
