/* work/calls.h: trees of calls, for those who answer about them. */
#ifndef TUI_WORK_CALLS_H
#define TUI_WORK_CALLS_H

#include <prof/calls.h>

#include "internal.h"

/* The tree that a question is about ({by, lines, where}; NULL: of everything, by caller). NULL: *ret_error, or it is
 * not made yet (*ret_share: how far it is). */
struct prof_calls *work_calls_made(struct work *work, const json_t *question, double *ret_share,
                                   struct prof_error **ret_error);
/* {bytes, objects, open, events, ..., guessed} */
json_t *work_calls_sum(const struct prof_calls_sum *sum);

#endif
