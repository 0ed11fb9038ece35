/* adapt_value.h: value.h for code that is compiled with it, by the recipe of track/adapt/count.h. */
#ifndef ADAPT_VALUE_H
#define ADAPT_VALUE_H

#include "value.h"
#include <track/adapt/count.h>

static TRK_COUNT_INLINE value trk_value_dup(value v, const void *slot)
{
    if (value_is_counted(v))
        TRK_COUNT_UP(value_head_of(v), slot, value_head_of(v)->refs);
    return v;
}

static TRK_COUNT_INLINE void trk_value_drop(value v, const void *slot)
{
    if (value_is_counted(v) && TRK_COUNT_DOWN_ATOMIC(value_head_of(v), slot, value_head_of(v)->refs) == 0)
        value_delete(v);
}

#define value_dup(v)  trk_value_dup(v, 0)
#define value_drop(v) trk_value_drop(v, 0)

#endif
