/* coverage_text.h: what to annotate, in words. */
#ifndef CLI_COVERAGE_TEXT_H
#define CLI_COVERAGE_TEXT_H

#include <prof/annotate.h>

#include "cli.h"

/* A place with its line of source, as it is and as it should be. */
void text_annotation(struct cli_session *session, struct cli_out *out, const struct prof_coverage_site *site,
                     enum prof_annotation_kind kind);
/* That a function should be declared as a wrapper before its lines mean anything. */
void text_declare(struct cli_out *out, const struct prof_wrapper *wrapper);

#endif
