/* pair.h: which of many anonymous references is the one too many? Layer-private.
 *
 * References without a slot are only counted per site. The lives of correctly freed objects of a type show which
 * releasing site serves which taking site (pairing/pairing.h), and what leaked objects then have too many. Places are
 * sites first; where one release serves several takings, or one taking ends at several releases, they are told apart by
 * their callers. Without correctly freed siblings only what one function does by itself is paired. The answer is always
 * a guess, never certain.
 *
 * Order of calls: pair_learn; pair_note for each leaked object; then pair_ask for each, which solves its type.
 * Functions that return bool return false without memory. */
#ifndef ANALYSIS_PAIR_H
#define ANALYSIS_PAIR_H

#include <pairing/pairing.h>

#include "analysis.h"

#define SITE_BIRTH (UINT32_MAX - 1) /* stands for the birth reference where a site is named */

/* Anonymous events of a group at one site. */
struct tally {
    uint32_t group, site;
    uint32_t stack; /* one of the site's, taking if any */
    uint64_t taken, given;
};
struct balance {
    uint64_t births; /* anonymous birth references among what was taken */
    uint32_t birth_stack;
    uint64_t surplus; /* taken and not given back, birth references included; > 0 */
    const struct tally *tallies;
    size_t count;
};
enum { PAIR_TIES = PAIRING_TIES };
struct pair_taking {
    uint32_t site;  /* SITE_BIRTH; UINT32_MAX: cannot be told */
    uint32_t stack; /* one of its stacks */
};
/* A taking that is too many. */
struct pair_open {
    struct pair_taking taking;
    uint64_t key;           /* callers included where they matter; 0 cannot be told */
    uint64_t count;         /* references left open at it */
    uint32_t missing_stack; /* the release that serves it in healthy objects, 0 */
    uint64_t missing_named, healthy_named, healthy_of;
};
enum { PAIR_MORE = 3 };
struct pair_answer {
    struct pair_open first; /* of several the one that most leaked objects have too many; its taking may be none */
    bool learned;           /* from siblings; else counted */
    struct pair_taking ties[PAIR_TIES]; /* other takings that fit as well as the first */
    size_t tie_count;
    struct pair_open more[PAIR_MORE]; /* of the same objects, from siblings */
    size_t more_count;
};

struct learned_site {
    prof_type_id type;
    uint32_t site, stack;
    uint64_t taken, given, objects;
};
/* A place as it is told apart: a site, or some of its callers. */
struct pair_key {
    uint64_t hash;
    uint32_t site, stack; /* stack: one of them */
    bool birth;
};
struct learned_type {
    uint32_t first, count;
    uint64_t healthy;        /* correctly freed objects */
    uint64_t births;         /* anonymous birth references they gave back */
    struct pairing *pairing; /* NULL: not solved yet, or nothing to learn from */
    bool done;
    PROF_VEC(struct pair_key) keys;
    struct map key_of_hash;
    struct map key_of_stack;  /* stack * 2 + birth */
    struct map depth_of_site; /* how many callers tell places apart */
    struct map site_shares;   /* what was learned before callers were looked at, in millionths; by both sites */
    struct map handed_over;   /* by the keys of a taking and a release: how far in the release is called */
    PROF_VEC(prof_obj_id) leaked;
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

/* ---- pair.c ---- */
bool pair_learn(struct analysis *a, struct learned *learned);
void pair_forget(struct learned *learned);
/* The usual release of references with a slot taken at `stack`; NULL unknown. */
const struct learned_pair *pair_of_slot(struct analysis *a, const struct learned *learned, prof_type_id type,
                                        uint32_t stack);
/* Of what healthy objects of its type take at stack `take`, or by birth: the share that they give back at stack `give`;
 * 0 where nothing was learned. */
bool pair_share(struct analysis *a, struct learned *learned, const struct prof_obj *obj, uint32_t take, bool birth,
                uint32_t give, double *ret);
/* Do healthy objects give back in the same function, called from the same place, what they take at `take`? */
bool pair_is_scoped(struct analysis *a, struct learned *learned, prof_type_id type, uint32_t take, bool *ret);
/* The anonymous events of one life in their order: which taking each release ends, by what healthy objects of the type
 * do (pairing_match). partner[i]: index of the event that belongs to event i, or SIZE_MAX. */
struct pair_event {
    uint32_t stack;
    bool take, birth; /* birth: a taking */
};
bool pair_match(struct analysis *a, struct learned *learned, prof_type_id type, const struct pair_event *events,
                size_t count, size_t *partner);
bool pair_note(struct learned *learned, const struct prof_obj *obj, prof_obj_id id);
/* There are correctly freed objects to learn from; once the type was asked about. */
static inline bool pair_has_siblings(const struct learned *learned, prof_type_id type)
{
    return learned->types.items[type].pairing != NULL;
}
/* What one leaked object has too many. Counts are of this object alone. */
bool pair_ask(struct analysis *a, struct learned *learned, prof_obj_id id, struct pair_answer *ret);
/* The same for a group without siblings. */
bool pair_alone(struct analysis *a, const struct balance *balance, struct pair_answer *ret);

/* ---- pair_key.c ---- */
/* How much a taking and a releasing stack look as if they belonged together; 0: not at all. */
unsigned pair_affinity(struct analysis *a, uint32_t take, uint32_t give);
/* The frames of a stack from its site outwards; 0: none has a name. */
size_t pair_frames(struct analysis *a, uint32_t stack, const struct prof_frame **ret);
/* The key of a place; UINT32_MAX without memory. */
uint32_t pair_key_of(struct analysis *a, struct learned_type *t, uint32_t stack, bool birth);
/* Keeps what was learned between sites for when they are told apart by callers. */
bool pair_remember(struct learned_type *t);
/* What was kept, and how alike two places look between 0 and 2: for pairing_options; ctx: struct pair_look. */
double pair_coarse(void *ctx, uint32_t take, uint32_t give);
struct pair_look {
    struct analysis *a;
    struct learned_type *t;
};
double pair_alike(void *ctx, uint32_t take, uint32_t give);
bool pair_is_birth(void *ctx, uint32_t take);
/* After a solution: sites that serve several are told apart by one more caller. *ret: some were, solve again. */
bool pair_refine(struct analysis *a, struct learned_type *t, bool *ret);

/* ---- pair_statement.c ---- */
/* Finds which releases end what the statement that takes it hands over; after all places have keys. */
bool pair_statements(struct analysis *a, struct learned_type *t);
/* How directly: 1 by what the statement calls itself, less further in; 0 not at all. */
double pair_handed_over(const struct learned_type *t, uint32_t take, uint32_t give);

#endif
