/* glob.h: the patterns of suppression files, in time proportional to pattern times text. */
#ifndef ANALYSIS_GLOB_H
#define ANALYSIS_GLOB_H

#include <stdbool.h>

/* Whole match: `*` any bytes, `?` one byte, everything else itself. */
bool glob_match(const char *pattern, const char *text);
/* As LeakSanitizer does: the pattern may match anywhere, `*` any bytes, a leading `^` and a final `$` anchor. An empty
 * pattern matches nothing. */
bool glob_find(const char *pattern, const char *text);

#endif
