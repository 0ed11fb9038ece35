/* refs_lttng.c: the provider of the tracepoints in refs_lttng.h. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "refs_lttng.h"
