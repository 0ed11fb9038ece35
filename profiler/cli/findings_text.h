/* findings_text.h: the parts of reports in words: one finding, the byte lines, the folded sections, the audit. */
#ifndef CLI_FINDINGS_TEXT_H
#define CLI_FINDINGS_TEXT_H

#include "cli.h"

/* "app (pid 4711), 02:14, 31 204 881 events", then what is wrong with the trace, if anything. */
void text_head(struct cli_session *session, struct cli_out *out);
/* One line when a filter left births out. */
void text_filter(struct cli_session *session, struct cli_out *out);
/* That recording began late, and who serves malloc when it is not recorded; nothing otherwise. Goes first: it qualifies
 * everything below. */
void text_malloc_note(struct cli_session *session, struct cli_out *out);
/* The byte identity: RSS and what it is made of, with slopes. Nothing when no sample of memory exists. */
void text_bytes(struct cli_session *session, struct cli_out *out, bool whole);
/* The listed findings (`all`: every one) for scripts: a line of keys, then one line each, separated by tabs. */
void text_plain_findings(struct cli_session *session, struct cli_out *out, bool all, uint64_t top);
/* What is folded away: held by globals, unfreed blocks with their largest sites, suppressed. */
void text_folded(struct cli_session *session, struct cli_out *out, size_t top);
/* Objects that the program keeps on purpose (trk_pin, trk_may_leak) with its reasons; nothing when there are none. */
void text_on_purpose(struct cli_session *session, struct cli_out *out, size_t top);
/* Coverage, losses, identities, cost. */
void text_audit(struct cli_session *session, struct cli_out *out);
/* Functions that were hooked, and adapters that were used: calls, and what was not hooked and why. For the audit. */
void text_hooks(struct cli_session *session, struct cli_out *out);
/* All adapters that were at hand, with their functions. */
void text_adapters(struct cli_session *session, struct cli_out *out);
/* How memory was read at the last checkpoint, what that cost, and what it says; or what its lack costs. */
void text_memory(struct cli_session *session, struct cli_out *out);
/* The same when it was not read: why, what that costs, what to do, behind the text `before`. Nothing when it was, or
 * nothing could be lost. */
void text_memory_not_read(const struct cli_session *session, struct cli_out *out, const char *before);
/* No object was born or referenced: there are no references to judge, and "nothing lost" must not be said. */
bool text_has_no_objects(const struct cli_session *session);
/* "7 blocks, 4.8 KiB, not freed": what is left of plain memory. Returns buf. */
char *text_unfreed(const struct cli_session *session, const struct cli_out *out, char *buf, size_t size);
/* One line about what is held and became more, with what tells who holds it; nothing when nothing did. */
void text_rise(struct cli_session *session, struct cli_out *out, const char *indent);
/* "nothing lost" or why that cannot be said; only when no finding is listed. */
void text_clean(struct cli_session *session, struct cli_out *out);
/* Of which modules the findings' places have no names, and why; nothing when all have. Behind an empty line. */
void text_nameless(struct cli_session *session, struct cli_out *out);
/* That the trace is too long for a second reading nobody asked for. */
void text_not_compared(const struct cli_session *session, struct cli_out *out);
/* Which suppressions were used, which expired, what left the baseline. */
void text_suppressions(struct cli_session *session, struct cli_out *out);

#endif
