/* told.h: texts that the worker answers with (work.h: lines, places), as lines of the viewer. */
#ifndef TUI_TOLD_H
#define TUI_TOLD_H

#include <jansson.h>

#include "lines.h"

/* Replaces what is in `lines`; an error is told as one. */
void tui_told(struct tui_lines *lines, const json_t *answer);

#endif
