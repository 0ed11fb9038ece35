/* lsan_text.c: "Direct leak of N byte(s) in M object(s) allocated from:" and numbered frames. */
#include "lsan_text.h"
#include "findings_text.h"

static void stack(struct cli_session *session, struct cli_out *out, uint32_t id)
{
    const struct prof_frame *frames;
    size_t count = id != 0 ? prof_symbols_stack(session->symbols, id, &frames) : 0;
    for (size_t i = 0; i < count; i++) {
        char place[1024];
        fprintf(out->file, "    #%zu 0x%012llx in ", i, (unsigned long long)frames[i].pc);
        cli_put(out, CLI_PLAIN, frames[i].function != NULL ? frames[i].function : "(unknown)");
        fputc(' ', out->file);
        if (frames[i].file == NULL)
            fputc('(', out->file);
        cli_put(out, CLI_PLAIN, prof_fmt_place(place, sizeof place, &frames[i], true));
        fputs(frames[i].file == NULL ? ")\n" : "\n", out->file);
    }
    fputc('\n', out->file);
}

/* For LeakSanitizer any pointer holds what it points into. What only lost blocks hold is a leak of its own. */
static bool is_leak(const struct prof_finding *finding)
{
    if (finding->plain && finding->suppressed_by == NULL && finding->verdict == PROF_INDIRECT)
        return true;
    return prof_finding_is_listed(finding) && finding->verdict != PROF_POSSIBLE;
}

void lsan_text(struct cli_session *session, struct cli_out *out, bool all)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    unsigned long long bytes = 0, objects = 0;
    unsigned pid = session->info->pid;
    bool head = false;
    for (size_t i = 0; i < count; i++) {
        const struct prof_finding *finding = &list[i];
        if (finding->headline == PROF_HEADLINE_MISUSED || finding->headline == PROF_HEADLINE_GROWING ||
            (!all && !is_leak(finding)))
            continue;
        if (!head)
            fprintf(out->file,
                    "=================================================================\n"
                    "==%u==ERROR: LeakSanitizer: detected memory leaks\n\n",
                    pid);
        head = true;
        bool indirect = finding->verdict == PROF_INDIRECT || finding->verdict == PROF_COLLATERAL;
        fprintf(out->file, "%s leak of %llu byte(s) in %llu object(s) allocated from:\n",
                indirect ? "Indirect" : "Direct", (unsigned long long)finding->bytes,
                (unsigned long long)finding->objects);
        stack(session, out, finding->born_stack);
        bytes += finding->bytes;
        objects += finding->objects;
    }
    if (head)
        fprintf(out->file, "SUMMARY: reftrack: %llu byte(s) leaked in %llu allocation(s).\n", bytes, objects);
}
