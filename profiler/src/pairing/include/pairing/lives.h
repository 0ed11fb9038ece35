/* pairing/lives.h: what many objects did with their references, equal lives counted together, in bounded memory.
 *
 * A life is a sparse vector: for each key (a number that stands for a place in the program; births have keys of their
 * own) how many references were taken and given back there, and as much of the order as says which releases came too
 * early to serve which takings. Healthy lives give back what they take; leaked ones less.
 *
 * Memory is bounded by sampling lives that differ: a life is kept when the last `level` bits of its hash are 0, and the
 * level rises when there are too many (M. Wegman's adaptive sampling). What is kept depends little on the order in
 * which lives come, and a life that was always kept has an exact count. Lives that came PAIRING_COMMON times stay at
 * any level. Functions that return bool return false without memory; one bag is used by one thread at a time. */
#ifndef PAIRING_LIVES_H
#define PAIRING_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/vec.h>

enum {
    PAIRING_ENTRIES_MOST = 256, /* of one life; longer ones are counted, not kept */
    PAIRING_LIVES_MOST = 1024,  /* of one bag */
    PAIRING_COMMON = 8,
};
#define PAIRING_NONE UINT32_MAX /* is no key */

/* first, last: numbers of the first and the last event at the key within the life, from any clock that rises; both 0
 * where nothing is known. In lives that are kept they are ranks instead: a release with a smaller `last` than the
 * `first` of a taking came before it. */
struct pairing_entry {
    uint32_t key, taken, given;
    uint32_t first, last;
};
struct pairing_life {
    uint64_t hash, lives;  /* how many were equal */
    uint32_t first, count; /* entries */
};
struct pairing_bag {
    PROF_VEC(struct pairing_life) lives;
    PROF_VEC(struct pairing_entry) entries;
    uint32_t *index; /* by hash: into lives + 1 */
    size_t index_mask;
    uint64_t all;  /* lives that were added, kept or not */
    uint64_t kept; /* the sum of what is counted in `lives` */
    uint32_t level;
};

/* Puts the entries of one life in the order of their keys, those with one key together, empty ones away, and turns
 * numbers of events into ranks. Returns how many are left. */
size_t pairing_tidy(struct pairing_entry *entries, size_t count);
/* Adds `lives` equal lives; changes `entries` (pairing_tidy). */
bool pairing_bag_add(struct pairing_bag *bag, struct pairing_entry *entries, size_t count, uint64_t lives);
/* A life of a bag that was written down, in the order in which they stood; `all` and `level` are set before. false: it
 * is in no order, or too many, or there. *no_memory is set when that ran out. */
bool pairing_bag_restore(struct pairing_bag *bag, const struct pairing_entry *entries, size_t count, uint64_t lives,
                         bool *no_memory);
/* Gives up about half of what is kept and not common. */
void pairing_bag_thin(struct pairing_bag *bag);
void pairing_bag_deinit(struct pairing_bag *bag);

#endif
