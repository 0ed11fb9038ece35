/* hooks_text.c: what became of functions that were to be hooked, and of adapters: for the audit and for info. */
#include "findings_text.h"

#include <string.h>

enum { MOST_NAMES = 8 };

/* ---- Functions that were named one by one ------------------------------------------------------------------------ */

/* Those that were hooked and called, or never called. */
static void hooked_line(const char *text, bool called, struct cli_out *out)
{
    const char *separator = called ? "hooked: " : "hooked and never called: ";
    struct prof_hooked hook;
    unsigned count = 0;
    char number[32];
    while (prof_hooked_next(&text, &hook)) {
        if (hook.state != TRK_HOOK_ON || hook.adapter[0] != '\0' || (hook.calls != 0) != called ||
            (++count > MOST_NAMES && !called))
            continue;
        fputs(separator, out->file);
        cli_put(out, CLI_PLAIN, hook.function);
        if (called)
            fprintf(out->file, " %s call%s", prof_fmt_count(number, sizeof number, hook.calls),
                    hook.calls == 1 ? "" : "s");
        separator = ", ";
    }
    if (!called && count > MOST_NAMES)
        fprintf(out->file, " and %u more", count - MOST_NAMES);
    if (count > 0)
        fputc('\n', out->file);
}

/* Those whose calls are missing, and those that somebody named and nothing has. */
static void unhooked_lines(const char *text, struct cli_out *out)
{
    struct prof_hooked hook;
    while (prof_hooked_next(&text, &hook)) {
        if (hook.state == TRK_HOOK_ON || hook.state == TRK_HOOK_OTHER_VERSION || hook.state == TRK_HOOK_TELLS_ITSELF)
            continue;
        cli_printf(out, CLI_WARN, "not hooked: ");
        cli_put(out, CLI_PLAIN, hook.function);
        if (hook.module[0] != '\0') {
            fputs(" in ", out->file);
            cli_put(out, CLI_PLACE, hook.module);
        }
        fprintf(out->file, ": %s\n", prof_hook_words(hook.state));
    }
}

/* ---- Adapters ------------------------------------------------------------------------------------------------------
 */

/* "1 204 calls of 7 functions". */
static void totals(const struct prof_adapted *adapted, struct cli_out *out)
{
    char calls[32];
    fprintf(out->file, "%s call%s of %u function%s", prof_fmt_count(calls, sizeof calls, adapted->calls),
            adapted->calls == 1 ? "" : "s", adapted->called, adapted->called == 1 ? "" : "s");
    if (adapted->functions > adapted->called)
        fprintf(out->file, ", %u more hooked", adapted->functions - adapted->called);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Modules that tell their references themselves, by one line each. */
static void telling_lines(const char *text, const char *adapter, const char *indent, struct cli_out *out)
{
    struct prof_hooked hook, last = { .state = TRK_HOOK_NOT_YET };
    while (prof_hooked_next(&text, &hook)) {
        if (strcmp(hook.adapter, adapter) != 0 || hook.state != TRK_HOOK_TELLS_ITSELF ||
            strcmp(hook.module, last.module) == 0)
            continue;
        last = hook;
        fprintf(out->file, "%snot in ", indent);
        cli_put(out, CLI_PLACE, hook.module);
        fprintf(out->file, ": it calls libtrack itself\n");
    }
}

static void adapter_lines(const char *text, const char *hooks, struct cli_out *out)
{
    struct prof_adapted adapted;
    while (prof_adapted_next(&text, hooks, &adapted)) {
        bool given = strcmp(adapted.how, "given") == 0;
        if (adapted.module[0] == '\0' && !given)
            continue;
        fputs("adapter ", out->file);
        cli_put(out, CLI_PLAIN, adapted.name);
        fputs(": ", out->file);
        if (adapted.module[0] == '\0') {
            cli_printf(out, CLI_WARN, "no file that was loaded is called ");
            cli_put(out, CLI_PLAIN, adapted.libraries);
        } else {
            totals(&adapted, out);
            fputs(" in ", out->file);
            cli_put(out, CLI_PLAIN, file_name(adapted.module));
            if (adapted.modules > 1)
                fprintf(out->file, " and %u more", adapted.modules - 1);
        }
        fputc('\n', out->file);
    }
}

void text_hooks(struct cli_session *session, struct cli_out *out)
{
    const char *text = prof_trace_meta(session->trace, "hooks");
    adapter_lines(prof_trace_meta(session->trace, "adapters"), text, out);
    hooked_line(text, true, out);
    hooked_line(text, false, out);
    unhooked_lines(text, out);
}

/* Functions of one adapter that are in one state: called, hooked and not called, or not in this version. */
static void functions(const char *text, const char *adapter, const char *label, unsigned state, bool called,
                      struct cli_out *out)
{
    struct prof_hooked hook, last = { .state = TRK_HOOK_NOT_YET };
    char number[32];
    unsigned count = 0;
    while (prof_hooked_next(&text, &hook)) {
        if (strcmp(hook.adapter, adapter) != 0 || hook.state != state || (hook.calls != 0) != called ||
            (strcmp(hook.function, last.function) == 0 && strcmp(hook.module, last.module) == 0))
            continue;
        last = hook;
        fprintf(out->file, "%s", count++ == 0 ? label : ", ");
        cli_put(out, CLI_PLAIN, hook.function);
        if (called)
            fprintf(out->file, " %s", prof_fmt_count(number, sizeof number, hook.calls));
    }
    if (count > 0)
        fputc('\n', out->file);
}

/* Those of --new, --ref and --unref, which are of no adapter. */
static void given_functions(const char *hooks, struct cli_out *out)
{
    const char *text = hooks;
    struct prof_hooked hook;
    bool any = false;
    while (!any && prof_hooked_next(&text, &hook))
        any = hook.adapter[0] == '\0';
    if (!any)
        return;
    cli_printf(out, CLI_HEAD, "\nFunctions that were named\n");
    functions(hooks, "", "  calls: ", TRK_HOOK_ON, true, out);
    functions(hooks, "", "  never called: ", TRK_HOOK_ON, false, out);
    functions(hooks, "", "  not found: ", TRK_HOOK_NOT_YET, false, out);
}

void text_adapters(struct cli_session *session, struct cli_out *out)
{
    const char *text = prof_trace_meta(session->trace, "adapters");
    const char *hooks = prof_trace_meta(session->trace, "hooks");
    struct prof_adapted adapted;
    given_functions(hooks, out);
    if (text == NULL || *text == '\0')
        return;
    cli_printf(out, CLI_HEAD, "\nAdapters\n");
    while (prof_adapted_next(&text, hooks, &adapted)) {
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, adapted.name);
        fprintf(out->file, " (%s, ", adapted.how);
        cli_put(out, CLI_PLACE, adapted.path);
        fputs("): ", out->file);
        if (adapted.module[0] == '\0') {
            fputs("not used, no file that was loaded is called ", out->file);
            cli_put(out, CLI_PLAIN, adapted.libraries);
        } else {
            totals(&adapted, out);
            fputs(" in ", out->file);
            cli_put(out, CLI_PLACE, adapted.module);
            if (adapted.modules > 1)
                fprintf(out->file, " and %u more", adapted.modules - 1);
        }
        fputc('\n', out->file);
        functions(hooks, adapted.name, "    calls: ", TRK_HOOK_ON, true, out);
        functions(hooks, adapted.name, "    never called: ", TRK_HOOK_ON, false, out);
        functions(hooks, adapted.name, "    not in this version: ", TRK_HOOK_OTHER_VERSION, false, out);
        telling_lines(hooks, adapted.name, "    ", out);
    }
}
