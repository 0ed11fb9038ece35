/* refs_lttng.h: the tracepoints of LTTng-UST that refs.c compares with. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER reftrack_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./refs_lttng.h"
#if !defined(BENCH_REFS_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_REFS_LTTNG_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(reftrack_bench, ref, LTTNG_UST_TP_ARGS(const void *, object, const void *, slot),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer_hex(unsigned long, object, (unsigned long)object)
                                                   lttng_ust_field_integer_hex(unsigned long, slot,
                                                                               (unsigned long)slot)))
LTTNG_UST_TRACEPOINT_EVENT(reftrack_bench, unref, LTTNG_UST_TP_ARGS(const void *, object, const void *, slot),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer_hex(unsigned long, object, (unsigned long)object)
                                                   lttng_ust_field_integer_hex(unsigned long, slot,
                                                                               (unsigned long)slot)))
#endif
#include <lttng/tracepoint-event.h>
