/* workload.h: made-up programs that count references, with planted bugs: what the learning of pairs is measured by.
 *
 * Each object is born, is referenced a random number of times in ways that programs have (kinds), and ends when its
 * owner gives the birth reference back. A bug is a release that some of the references of one kind do not get. The
 * truth is known: which taking is guilty, and which release is missing. Shared by the unit test and the benchmark. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pairing/pairing.h>

enum { WORK_BUGS = 2 };

struct work_options {
    unsigned objects, refs; /* refs: mean number of references beside the birth */
    double missing;         /* share of the releases of a guilty kind that do not come; at most one in a life */
    unsigned bugs;          /* 1 or 2 kinds */
    double detour;          /* share of all other releases that go another way, one for all kinds */
    bool callers;           /* keys tell the callers of shared helpers; else only the place itself */
    bool order;             /* lives tell their order */
    bool alike;             /* affinity: what is in one function belongs together */
    int kind;               /* the first guilty kind; -1 any */
};
struct work_life {
    struct pairing_event *events; /* in their order */
    size_t count;
    bool leaked;
};
struct work {
    struct work_life *lives;
    size_t count, healthy, leaked;
    uint32_t take[WORK_BUGS], give[WORK_BUGS]; /* guilty, and missing */
    uint64_t by_bug[WORK_BUGS];                /* lives that each made leak */
};

/* Equal seeds give equal programs. The kinds that a guilty one can be are numbered from 0 to work_kinds()-1. */
void work_make(const struct work_options *options, uint32_t seed, struct work *ret);
void work_deinit(struct work *work);
unsigned work_kinds(void);
/* The lives as what pairing learns from; exits without memory. */
struct pairing *work_learn(const struct work *work, const struct work_options *options);
/* The entries of a life (room for PAIRING_ENTRIES_MOST); returns how many. */
size_t work_entries(const struct work_life *life, bool order, struct pairing_entry *ret);
/* What came of many programs. Counted are bugs that made lives leak while WORK_SIBLINGS or more healthy lives took the
 * same reference, by how many lives a bug made leak: 1, 2 to 4, 5 and more; the last entry sums them up. */
enum { WORK_SIBLINGS = 5, WORK_CLASSES = 4 };
struct work_tally {
    unsigned runs;
    unsigned first;                  /* the guilty taking was ranked first (second, for one of two bugs) */
    unsigned alone, alone_wrong;     /* answers without a tie; those that are not guilty */
    unsigned missing, missing_wrong; /* named releases that are missing; that are not */
    unsigned oldest, newest;         /* the guilty taking was left over most by these rules */
};
/* Programs of `options` with seeds below `seeds`, the guilty kinds in turns. Adds to ret. */
void work_measure(const struct work_options *options, unsigned seeds, struct work_tally ret[WORK_CLASSES]);
/* Which taking is left over in most leaked lives when each release ends the oldest (else the newest) open one. */
uint32_t work_guess(const struct work *work, bool oldest);

#endif
