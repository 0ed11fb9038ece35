/* stack_sums.h: what happened at each stack, objects and open references included. Internal to the view layer. */
#ifndef VIEW_STACK_SUMS_H
#define VIEW_STACK_SUMS_H

#include <base/vec.h>
#include <prof/calls.h>

struct stack_sum {
    uint32_t stack;
    struct prof_calls_sum sum;
};
struct stack_sums {
    PROF_VEC(struct stack_sum) list;                /* those with anything */
    PROF_VEC(uint32_t) at;                          /* by stack: index + 1, 0 none */
    PROF_VEC(const struct prof_site_count *) sites; /* of one object */
    bool failed;
    prof_obj_id next; /* object; 0: stacks come first */
};

/* Goes over all stacks, and in each call over so many objects. Zero-initialized before the first. *ret_done: that was
 * all. Without memory *sums is to be ended, too. */
struct prof_error *stack_sums_gather(const struct prof_heap *heap, struct stack_sums *sums, size_t objects,
                                     bool *ret_done);
void stack_sums_deinit(struct stack_sums *sums);
void stack_sums_add(struct prof_calls_sum *sum, const struct prof_calls_sum *more);

#endif
