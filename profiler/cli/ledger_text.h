/* ledger_text.h: ledgers in words: when references were taken and given back, the life of an object, where leaked ones
 * parted from their siblings. Each prints nothing when the session has no ledgers. */
#ifndef CLI_LEDGER_TEXT_H
#define CLI_LEDGER_TEXT_H

#include <prof/ledger.h>

#include "cli.h"

/* The ledger of the example that stands for a finding; NULL: there is none. */
const struct prof_ledger *text_example(const struct cli_session *session, const struct prof_finding *finding);
/* ", #21 at +50ms in thread 100": when the example took an open reference of the finding. */
void text_taken_when(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding,
                     const struct prof_finding_open *open);
/* What the example gave back: where, what, when. false: there is no ledger. */
bool text_given_back(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding,
                     bool verbose);
/* ", 4.0 s after the taking, in another thread": when siblings make the release that is missing, as a rule. */
void text_release_when(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding);
/* Does the example give back something at this place, too? Then the release there is not missing, but one short. */
bool text_gives_at(struct cli_session *session, const struct prof_finding *finding, uint32_t stack);
/* Of what was released too often: which release is too many, and how that is known. */
void text_extra(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding);
/* What of such a finding is not proven: which release it is. NULL: nothing. */
const char *text_guilt(const struct cli_session *session, const struct prof_finding *finding);
/* What the siblings did, and the first event that differed. */
void text_siblings(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding);
/* That the trace is too long for a second reading nobody asked for. */
void text_not_compared(const struct cli_session *session, struct cli_out *out);
/* The open references of an object: those with an owner, then what no release of its ledger was matched with. Without a
 * whole ledger (NULL, or it begins late) the latter by place, as the object graph tells them. */
struct prof_error *text_open_references(struct cli_session *session, struct cli_out *out, prof_obj_id id,
                                        const struct prof_ledger *ledger, uint64_t top);
/* The life of an object, at most `top` entries of it, with where it parted (parting: NULL nothing is known). */
void text_life(struct cli_session *session, struct cli_out *out, const struct prof_ledger *ledger,
               const struct prof_parting *parting, uint64_t top);

#endif
