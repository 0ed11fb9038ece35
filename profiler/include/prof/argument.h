/* prof/argument.h: the whole argument behind a finding, as one JSON document.
 *
 * Layer view. */
#ifndef PROF_ARGUMENT_H
#define PROF_ARGUMENT_H

#include <prof/coverage.h>
#include <prof/narrow.h>

/* What belongs to a finding. All but the finding may be NULL: not known, or nothing to say. */
struct prof_argument {
    const struct prof_finding *finding;
    const struct prof_ledger *life;            /* of its example */
    const struct prof_balance *balance;        /* of its objects */
    const struct prof_coverage_step *annotate; /* the place whose owner would make it certain */
    const struct prof_narrow *narrow;
};
/* {finding as in leaks --json, life[] as in show --json, divergence{function, file, line, difference, lines[]},
 * annotate{taken, becomes}, narrow{command, gdb}}; null for what is not known. */
struct prof_error *prof_json_argument(struct prof_view *view, const struct prof_argument *argument, char **ret);
/* Of the places where a finding guesses, the one whose owner would decide most; NULL: it does not guess. */
const struct prof_coverage_step *prof_view_deciding(struct prof_view *view, const struct prof_coverage *coverage,
                                                    const struct prof_finding *finding);

#endif
