/* hook/place.h: values that rules name (struct trk_hook_place), taken out of a call. Internal to libtrack/hook.
 *
 * A rule says where in memory something stands, and a wrong one must not harm the program. So memory is read only
 * where it can be: each page is asked for with one system call, and believed for a quarter of a second. Compiled
 * without vector registers, for first handlers. Any thread, any context. */
#ifndef TRACK_HOOK_PLACE_H
#define TRACK_HOOK_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include <track/format.h>

#include "hook.h"

enum { TRK_LEAST_ADDRESS = 4096 }; /* below lies nothing */

/* A call and what it is about. */
struct trk_about {
    const struct trk_call *call;
    const uint64_t *result; /* NULL before there is one */
    uint64_t object;        /* what TRK_HOOK_OBJECT is */
};

/* The value of a place that fits. TRK_HOOK_NOWHERE is 0. False: its memory cannot be read. */
bool trk_place_value(const struct trk_about *about, const struct trk_hook_place *place, uint64_t *ret);

/* `width` bytes (1, 2, 4, 8) at an address, zero extended. False: they cannot be read. */
bool trk_place_word(uint64_t address, unsigned width, uint64_t *ret);

/* Whether the place needs the result of the call. */
static inline bool trk_place_is_late(const struct trk_hook_place *place)
{
    return place->base == TRK_HOOK_RESULT || place->base == TRK_HOOK_RESULT_HIGH;
}

/* Whether the numbers of a place are such as these functions can do something with; base from least to most. */
static inline bool trk_place_fits(const struct trk_hook_place *place, unsigned least, unsigned most)
{
    return place->base >= least && place->base <= most && place->reads <= TRK_HOOK_READS && place->width <= 8 &&
           (place->width & (place->width - 1u)) == 0;
}

#endif
