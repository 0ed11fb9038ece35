/* base/radix.h: sorting many records by a 64-bit key in linear time. */
#ifndef BASE_RADIX_H
#define BASE_RADIX_H

#include <stdbool.h>
#include <stddef.h>

/* Sorts `count` records of 16 or 24 bytes that begin with a uint64_t, ascending by it; equal ones keep their order.
 * Free when they are in order already; else as much memory again is needed meanwhile. false: that was not there, and
 * nothing was changed. */
bool prof_radix_sort(void *records, size_t count, size_t bytes);

#endif
