/* pair.h: which of many anonymous references is the one too many? Layer-private.
 *
 * References without a slot are only counted per site. Correctly freed objects of a type show which releasing site
 * serves which taking site: their totals agree exactly. The group's own totals then show which pair is out of balance.
 * The answer is always a guess, never certain. */
#ifndef ANALYSIS_PAIR_H
#define ANALYSIS_PAIR_H

#include "analysis.h"

#define SITE_BIRTH (UINT32_MAX - 1) /* stands for the birth reference where a site is named */

/* Anonymous events of a group at one site. */
struct tally {
    uint32_t group, site;
    uint32_t stack; /* one of the site's, taking if any */
    uint64_t taken, given;
};
struct balance {
    prof_type_id type;
    uint64_t objects;
    uint64_t births; /* anonymous birth references among what was taken */
    uint32_t birth_stack;
    uint64_t surplus; /* taken and not given back, birth references included; > 0 */
    const struct tally *tallies;
    size_t count;
};
enum { PAIR_TIES = 4 };
struct pairing {
    uint32_t site;  /* taking site that is one too many, SITE_BIRTH; UINT32_MAX: cannot be told */
    uint64_t count; /* how many at it */
    uint32_t ties[PAIR_TIES];
    size_t tie_count;       /* other sites that fit as well */
    uint32_t missing_stack; /* the release that serves it in healthy objects, 0 */
    uint64_t missing_named, healthy_named, healthy_of;
    bool healthy; /* correctly freed siblings were there to compare */
};

struct learned_site {
    prof_type_id type;
    uint32_t site, stack;
    uint64_t taken, given, objects;
    uint32_t pair; /* giving sites: index of the taking site within the type, PAIR_BIRTH, PAIR_LUMP */
    bool paired;   /* taking sites: some giving site serves exactly this one */
};
struct learned_type {
    uint32_t first, count;
    uint64_t healthy; /* correctly freed objects */
    uint64_t births;  /* anonymous birth references they gave back */
    bool birth_paired, done;
};
/* For references with a slot: where those taken at a site were given back, most often. Certain. */
struct learned_pair {
    uint32_t given;      /* stack */
    uint64_t count, all; /* pairs that ended there; all pairs of the taking site */
};
struct learned {
    PROF_VEC(struct learned_site) sites; /* by type */
    PROF_VEC(struct learned_type) types; /* by type id */
    struct map index;                    /* (type, site) -> sites */
    PROF_VEC(struct learned_pair) pairs;
    struct map pair_of; /* (type, taking site) -> pairs */
};
/* How much a taking and a releasing stack look as if they belonged together; 0: not at all. */
unsigned pair_affinity(struct analysis *a, uint32_t take, uint32_t give);
bool pair_learn(struct analysis *a, struct learned *learned);
void pair_forget(struct learned *learned);
/* false without memory. */
/* The usual release of references with a slot taken at `stack`; NULL unknown. */
const struct learned_pair *pair_of_slot(struct analysis *a, const struct learned *learned, prof_type_id type,
                                        uint32_t stack);
/* Do healthy objects of its type give back at site `give` what was taken at site `take` (SITE_BIRTH: by birth)? */
bool pair_serves(struct analysis *a, struct learned *learned, const struct prof_obj *obj, uint32_t take, uint32_t give,
                 bool *ret);
bool pair_judge(struct analysis *a, struct learned *learned, const struct balance *balance, struct pairing *ret);

#endif
