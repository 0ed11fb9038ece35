/* lsan_text.h: findings in the shape of LeakSanitizer's report, for the editors and scripts that parse it. */
#ifndef CLI_LSAN_TEXT_H
#define CLI_LSAN_TEXT_H

#include "cli.h"

/* all: what is folded away and suppressed, too. Misuse findings, which LeakSanitizer does not have, are left out. */
void lsan_text(struct cli_session *session, struct cli_out *out, bool all);

#endif
