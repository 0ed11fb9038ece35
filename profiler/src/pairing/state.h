/* state.h: what the files of this folder share. Private.
 *
 * pairing.c holds lives and keys, learn.c makes `share`, judge.c reads it and makes `suspects`, missing.c tells which
 * release each lacks, match.c reads `share`.
 * Matrices are [take * gives.count + give]. */
#ifndef PAIRING_STATE_H
#define PAIRING_STATE_H

#include <pairing/pairing.h>

enum { KEYS_MOST = 2048 }; /* of one side; of more, the rarest are not told apart */

struct keys {
    PROF_VEC(uint32_t) items; /* ascending */
};

struct pairing {
    struct pairing_options options;
    struct pairing_bag healthy, leaked;
    uint64_t left_out;
    struct keys takes, gives;
    /* Of the entries of both bags: index of the key among takes and gives, PAIRING_NONE. */
    struct side {
        uint32_t *take, *give;
    } of_healthy, of_leaked;
    double *prior;                             /* of a share, before any life was seen; rows add up to 1 */
    double *share;                             /* P(give | take) */
    double *least;                             /* below that no share is believed to be */
    double *flow;                              /* scratch of learning, then: references of healthy lives by pair */
    double *rate;                              /* by taking: share of references that leak */
    double *taken;                             /* by taking: references in all lives */
    PROF_VEC(struct pairing_suspect) suspects; /* most opens first */
};

/* One life while it is looked at: rows are takings, columns releases; the last column may stand for what is left open.
 * `index` of it is PAIRING_NONE, as for keys that were never seen. */
enum { ROWS = PAIRING_PLACES_MOST, COLUMNS = PAIRING_PLACES_MOST + 1 };
struct table {
    unsigned rows, columns;
    bool open; /* there is a column for what is left open */
    uint32_t take[ROWS], give[COLUMNS];
    double x[ROWS], y[COLUMNS]; /* taken, given */
    uint32_t first[ROWS], last[COLUMNS];
    double p[ROWS * COLUMNS]; /* what is known of each cell: P, or the rate */
    double n[ROWS * COLUMNS]; /* filled by table_fit */
};

/* What cells can be at least: paths that were never seen happen, and so do orders that were told wrong. */
#define SHARE_LEAST 1e-4
#define ORDER_LEAST 1e-2
/* ... and this part of the share between coarser keys. */
#define COARSE_LEAST 0.05

static inline double share_at(const struct pairing *p, uint32_t take, uint32_t give)
{
    if (take == PAIRING_NONE || give == PAIRING_NONE)
        return SHARE_LEAST;
    double share = p->share[(size_t)take * p->gives.items.count + give];
    double least = p->least[(size_t)take * p->gives.items.count + give];
    return share > least ? share : least;
}

/* pairing.c */
uint32_t keys_find(const struct keys *keys, uint32_t key); /* PAIRING_NONE: not there */
static inline uint64_t life_open(const struct pairing_entry *entries, size_t count)
{
    int64_t open = 0;
    for (size_t i = 0; i < count; i++)
        open += (int64_t)entries[i].taken - (int64_t)entries[i].given;
    return open > 0 ? (uint64_t)open : 0;
}

/* learn.c */
/* Rows and columns of a life; take, give: indices by entry. */
void table_of(const struct pairing_entry *entries, const uint32_t *take, const uint32_t *give, size_t count,
              struct table *t);
/* Fills in p; sharpness 1, or more to make likely cells likelier. */
void table_know(const struct pairing *p, struct table *t, double sharpness);
/* Fills in n: closest to p (by Kullback and Leibler) with these sums of rows and columns. */
void table_fit(struct table *t);
/* How unlikely the filled table is: 0 nothing speaks against it. By plain p. */
double table_cost(const struct pairing *p, const struct table *t);
bool learn(struct pairing *p);

/* judge.c */
bool judge(struct pairing *p);

/* missing.c */
/* Fills in what is told about the missing release of a taking (index); blamed: by leaked life, how many of its lives
 * leak there. */
void tell_release(const struct pairing *p, uint32_t take, const double *blamed, struct pairing_suspect *s);

#endif
