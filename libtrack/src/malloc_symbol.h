/* malloc_symbol.h: which loaded object defines a function. Internal to the allocator hooks.
 *
 * dlsym does not serve here: a look-up that fails leaves an error text behind, which whoever wraps free and dlsym would
 * notice; and an executable at a fixed address that takes a function's address makes dlsym return a stub inside that
 * executable instead of the definition. These functions read the objects' own tables, lock nothing and allocate
 * nothing. */
#ifndef TRACK_MALLOC_SYMBOL_H
#define TRACK_MALLOC_SYMBOL_H

#include <link.h>

/* Address of the function `name` as this object defines it, in its default version; NULL when it does not. */
void *trk_symbol_in(const struct link_map *map, const char *name) __attribute__((visibility("hidden")));

/* The definition that the program's calls of `name` reach: the first in the order of objects, which is that of the
 * global scope. NULL when nobody has it. ret_map may be NULL. For the start of the process: the list of objects is read
 * as is. */
void *trk_symbol_find(const char *name, const struct link_map **ret_map) __attribute__((visibility("hidden")));
/* The same, but never `ours`. */
void *trk_symbol_other(const char *name, const void *ours, const struct link_map **ret_map)
    __attribute__((visibility("hidden")));

#endif
