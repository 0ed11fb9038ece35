/* base/nearest.h: suggestions for mistyped words. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* The best suggestion for a mistyped word among `count` names: borrowed, NULL when none is near. Words of more than 32
 * bytes are near to those only that begin with them. */
const char *prof_nearest(const char *word, const char *const *names, size_t count);

#endif
