/* evidence.h: what the worker tells of a finding, and of an object, as lines of text. */
#ifndef TUI_EVIDENCE_H
#define TUI_EVIDENCE_H

#include <jansson.h>

#include <prof/view.h>

#include "lines.h"

/* answer: of the question "finding". */
void tui_evidence_of_finding(struct tui_lines *lines, const json_t *answer, enum prof_units units);
/* answer: of the question "object". Of its history, events that were given back and those that gave them back are
 * left out unless `pairs`. */
void tui_evidence_of_object(struct tui_lines *lines, const json_t *answer, enum prof_units units, bool pairs);

#endif
