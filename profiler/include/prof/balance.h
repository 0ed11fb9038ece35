/* prof/balance.h: where the references of leaked objects are out of balance, by call path, compared with objects of the
 * same type that were freed as they should be.
 *
 * Layer analysis. After Mozilla's balance trees, less what healthy objects do: each stack is a path from main to the
 * line of the event; a node sums what was taken and given back on all paths through it, as a mean per object. Where the
 * difference rises and no single callee has it, the function owns the bug. Counts are exact: references that were
 * paired by their slot are 0 and left out, open ones with a slot stand where they were taken. Needs no pairing and no
 * guess, but a place shows only as far as recorded stacks reach. Read-only once made; borrows the symbols' strings. */
#ifndef PROF_BALANCE_H
#define PROF_BALANCE_H

#include <prof/finding.h>

/* What makes two steps of a path one. */
enum prof_balance_by {
    PROF_BALANCE_FUNCTION = 0,
    PROF_BALANCE_LINE, /* calls from different lines of a function are different steps */
    PROF_BALANCE_FILE, /* functions of one file that call each other are one step */
    PROF_BALANCE_MODULE,
};
struct prof_balance_options {
    enum prof_balance_by by;
    bool reverse; /* paths begin at the line of the event and go outwards to main */
    const char *const
        *exclude; /* patterns of functions: stacks with one of them are left out; NULL-terminated, or NULL */
};

enum { PROF_BALANCE_NONE = UINT32_MAX };
struct prof_balance_node {
    uint32_t parent, first, next, depth; /* indexes of nodes, PROF_BALANCE_NONE: none. Children: greatest difference
                                            first */
    const struct prof_frame *frame;      /* one of those that it stands for */
    bool line;                           /* the line of an event, not a function on the way to it */
    /* Means per object: of those in question, and of those that were freed. */
    double taken, given, freed_taken, freed_given;
    double leaked, freed, difference; /* taken less given; leaked less freed */
};
struct prof_balance;
/* Objects of a type that `member` says are in question: alive ones only are asked about. PROF_ERROR_ARGUMENT when there
 * are none. */
struct prof_error *prof_balance_create(struct prof_heap *heap, struct prof_symbols *symbols, prof_type_id type,
                                       bool (*member)(void *ctx, prof_obj_id id), void *ctx,
                                       const struct prof_balance_options *options, struct prof_balance **ret);
void prof_balance_destroy(struct prof_balance *balance);
/* Node 0 is the root: all. Nodes come in the order of a walk, parents first. */
size_t prof_balance_nodes(const struct prof_balance *balance, const struct prof_balance_node **ret);
uint64_t prof_balance_objects(const struct prof_balance *balance); /* in question */
uint64_t prof_balance_freed(const struct prof_balance *balance); /* to compare with; 0: none, then nothing is learned */
/* In question, but left out: their births were not seen, so what they took before is not known. */
uint64_t prof_balance_skewed(const struct prof_balance *balance);
/* Left out because of `exclude`: events of objects in question and of freed ones. */
uint64_t prof_balance_excluded(const struct prof_balance *balance);
/* The node where the difference comes from: down from the root as long as one child has nearly all of it. 0: it is not
 * inherited from anywhere, or there is none. */
uint32_t prof_balance_divergence(const struct prof_balance *balance);

#endif
