/* create.c: joins the symbols to a trace. Apart, so that the rest does not need layer input to link. */
#include <symbol/source.h>

static bool stack_of_trace(const void *ctx, uint32_t id, struct prof_stack *ret)
{
    return prof_trace_stack(ctx, id, ret);
}

struct prof_error *prof_symbols_create(const struct prof_trace *trace, const struct prof_symbols_options *options,
                                       struct prof_symbols **ret)
{
    const struct prof_trace_info *info = prof_trace_info(trace);
    struct prof_symbols_source source = {
        .created_ns = info->created_ns,
        .exe = info->exe,
        .wrappers = prof_trace_meta(trace, "wrapper"),
        .hidden = prof_trace_meta(trace, "hidden"),
        .stack = stack_of_trace,
        .ctx = trace,
    };
    source.map_count = prof_trace_module_maps(trace, &source.maps);
    return prof_symbols_create_from(&source, options, ret);
}
