/* pairing/pairing.h: which release serves which taking, learned from objects that were released correctly; and which
 * taking of leaked objects is the one too many, and which release should have followed.
 *
 * For references without owner nothing tells which release ends which taking. Objects of one kind that died in good
 * order tell it together: every reference taken at key i ends at key d with some share P(d|i), and each life is a table
 * whose row sums (taken) and column sums (given) are known. The shares are found by expectation and maximisation: each
 * table is filled by iterative proportional fitting of what is known of P (W. E. Deming, F. F. Stephan, 1940), cells
 * that the order of events forbids left out, and P is what the tables say together. Leaked lives have one more column:
 * what was not given back. It is filled by the rates at which takings leak, which are learned along, so that one
 * explanation of all leaked lives wins against many. Then each taking is tried as the cause: how well would the rest of
 * each leaked life fit? What fits as well is a tie, and is told.
 *
 * Numbers only: no heap, no text. Evidence that is not in numbers of events (names, shared callers) comes in as
 * affinity. All answers are guesses. Nothing here is safe for two threads at once. */
#ifndef PAIRING_PAIRING_H
#define PAIRING_PAIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pairing/lives.h>

enum {
    PAIRING_TIES = 4,
    PAIRING_SUSPECTS = 16,
    PAIRING_PLACES_MOST = 64, /* different keys in one life: longer lives are not used */
};

struct pairing; /* of one kind of objects */
struct pairing_options {
    /* How much a taking and a release look as if they belonged together, beyond what they count: 0 nothing, 1 much, 2
     * all but certain. Decides where numbers do not. Asked once for each pair of keys; NULL: nothing is known. */
    double (*affinity)(void *ctx, uint32_t take, uint32_t give);
    /* The share that was learned of them when keys were coarser, 0 to 1; NULL: these are the first keys. Fine keys are
     * met rarely, and what was never met at all is not unlikely when it is a part of what was met always. */
    double (*coarse)(void *ctx, uint32_t take, uint32_t give);
    /* Is a taking the birth? Objects that began alike end alike: what they lack, others that began alike lack too, and
     * those that began elsewhere have. NULL: not known. */
    bool (*birth)(void *ctx, uint32_t take);
    void *ctx;
};

/* A taking that is one too many in leaked lives. */
struct pairing_suspect {
    uint32_t take;  /* key */
    uint64_t lives; /* leaked lives that it explains at least as well as any other */
    double opens;   /* references that were not given back there, over all leaked lives: an expectation */
    double margin;  /* how much better it explains them than the next best does: natural logarithm of odds */
    uint32_t ties[PAIRING_TIES]; /* takings that explain them about as well */
    uint32_t tie_count, ties_all;
    uint32_t missing;                    /* the release that should have followed; PAIRING_NONE: not known */
    double missing_share;                /* of what healthy lives take here, this share is given back there: 0..1 */
    uint64_t healthy_took, healthy_gave; /* healthy lives that took here; of these, that gave back there */
};

/* NULL without memory. `options` may be NULL. */
struct pairing *pairing_create(const struct pairing_options *options);
void pairing_destroy(struct pairing *pairing);
/* Adds equal lives; changes `entries`. As much taken as given: healthy; more: leaked; less: counted, and not used.
 * pairing_solve must follow before anything is asked. false without memory. */
bool pairing_add(struct pairing *pairing, struct pairing_entry *entries, size_t count, uint64_t lives);
/* Healthy lives that were not kept elsewhere (pairing_bag.all - pairing_bag.kept): they weigh in where rates are told.
 */
void pairing_left_out(struct pairing *pairing, uint64_t lives);
bool pairing_solve(struct pairing *pairing);

uint64_t pairing_healthy(const struct pairing *pairing); /* lives */
uint64_t pairing_leaked(const struct pairing *pairing);
/* What the leaked lives have too many, most opens first. Borrowed until the next change. */
size_t pairing_suspects(const struct pairing *pairing, const struct pairing_suspect **ret);
/* The one of these that explains one leaked life best (index into pairing_suspects), by its entries; SIZE_MAX: none
 * does. */
size_t pairing_judge(const struct pairing *pairing, const struct pairing_entry *entries, size_t count);
/* The learned share P(give|take), 0..1; 0 for keys that were never seen. Shares up to the least are nothing that was
 * learned. */
#define PAIRING_SHARE_LEAST 0.01
double pairing_share(const struct pairing *pairing, uint32_t take, uint32_t give);
/* References that healthy lives took at `take` and gave back at `give`: an expectation. */
double pairing_flow(const struct pairing *pairing, uint32_t take, uint32_t give);
/* The release that serves a taking most often; PAIRING_NONE: nothing was learned about it. */
uint32_t pairing_release_of(const struct pairing *pairing, uint32_t take, double *ret_share);

/* The events of one life in their order: which taking each release ends, by what was learned. A release never ends a
 * taking that comes later; of equal takings the newest one. partner[i]: index of the event that belongs to event i, or
 * SIZE_MAX. false without memory. */
struct pairing_event {
    uint32_t key;
    bool take; /* else a release */
};
bool pairing_match(const struct pairing *pairing, const struct pairing_event *events, size_t count, size_t *partner);

#endif
