/* work/log.c: what the log tells: the facts of the trace as info --json has them, and what became of functions that
 * were to be hooked. See work.h. */
#include "internal.h"

static json_t *hooks_of(const struct prof_trace *trace)
{
    const char *at = prof_trace_meta(trace, "hooks");
    struct prof_hooked hook;
    json_t *rows = json_array();
    while (prof_hooked_next(&at, &hook))
        json_array_append_new(rows, json_pack("{s:o,s:o,s:o,s:I,s:b,s:s}", "function", work_text(hook.function),
                                              "module", work_text(hook.module), "adapter", work_text(hook.adapter),
                                              "calls", (json_int_t)hook.calls, "hooked", hook.state == TRK_HOOK_ON,
                                              "words", prof_hook_words(hook.state)));
    return rows;
}

json_t *work_log(struct work *work, const json_t *question, struct prof_error **ret_error)
{
    const char *damage = prof_trace_info(work->trace)->memory_damage;
    char *text = NULL;
    (void)question;
    *ret_error = prof_json_info(work->view, &text);
    if (*ret_error != NULL)
        return NULL;
    return json_pack("{s:o,s:o,s:o}", "info", work_parse(text), "hooks", hooks_of(work->trace), "memory_damage",
                     damage != NULL ? work_text(damage) : json_null());
}
