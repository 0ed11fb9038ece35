/* memory_text.c: what memory said at the last checkpoint, how it was read, and what that cost. */
#include "findings_text.h"

static const char *when_words(const struct prof_audit_memory *memory)
{
    switch (memory->why) {
    case TRK_LOOK_EXIT:
        return "at exit";
    case TRK_LOOK_CALL:
        return "at trk_checkpoint";
    case TRK_LOOK_MARK:
        return "at mark";
    case TRK_LOOK_SCOPE:
        return "at the end of scope";
    case TRK_LOOK_LEAK_CHECK:
        return "for a leak check";
    default:
        return "on request";
    }
}

static const char *rung_words(const struct prof_audit_memory *memory)
{
    switch (memory->rung) {
    case TRK_RUNG_STOPPED:
        return "all threads stood still";
    case TRK_RUNG_WAITING:
        return memory->threads <= 1 ? "the only thread waited" : "the thread that asked waited, others ran";
    default:
        return "while the program ran, twice";
    }
}

static void numbers(const struct prof_audit_memory *memory, struct cli_out *out)
{
    char a[32], b[32];
    fprintf(out->file, "blocks by memory: %s lost (%s)", prof_fmt_count(a, sizeof a, memory->lost),
            prof_fmt_bytes(b, sizeof b, memory->lost_bytes, out->units));
    fprintf(out->file, ", %s indirectly (%s)", prof_fmt_count(a, sizeof a, memory->indirect),
            prof_fmt_bytes(b, sizeof b, memory->indirect_bytes, out->units));
    fprintf(out->file, ", %s possibly (%s)", prof_fmt_count(a, sizeof a, memory->possible),
            prof_fmt_bytes(b, sizeof b, memory->possible_bytes, out->units));
    fprintf(out->file, ", %s still reachable (%s)", prof_fmt_count(a, sizeof a, memory->held),
            prof_fmt_bytes(b, sizeof b, memory->held_bytes, out->units));
    if (memory->unexamined != 0)
        fprintf(out->file, ", %s not examined: allocated or moved since (%s)",
                prof_fmt_count(a, sizeof a, memory->unexamined),
                prof_fmt_bytes(b, sizeof b, memory->unexamined_bytes, out->units));
    fputc('\n', out->file);
}

void text_memory_not_read(const struct cli_session *session, struct cli_out *out, const char *before)
{
    const struct prof_audit_memory *memory = &prof_findings_audit(session->findings)->memory;

    if (memory->not_read == NULL || (!memory->refused && prof_heap_totals(session->heap)->live_blocks == 0))
        return;
    fprintf(out->file, "%smemory: ", before);
    cli_put(out, CLI_PLAIN, memory->not_read);
    fprintf(out->file, ": %s\n", memory->cost);
}

void text_memory(struct cli_session *session, struct cli_out *out)
{
    const struct prof_audit_memory *memory = &prof_findings_audit(session->findings)->memory;
    char a[32], b[32], c[32];

    text_memory_not_read(session, out, "");
    if (!memory->read)
        return;
    fprintf(out->file, "memory: read %s", when_words(memory));
    if (memory->name[0] != '\0') {
        fputc(' ', out->file);
        cli_put(out, CLI_PLAIN, memory->name);
    }
    fprintf(out->file, ", %s; %s in %s", rung_words(memory),
            prof_fmt_bytes(a, sizeof a, memory->read_bytes, out->units),
            prof_fmt_duration(b, sizeof b, memory->took_us));
    fprintf(out->file, ", of which the program waited %s\n", prof_fmt_duration(c, sizeof c, memory->pause_us));
    if (memory->unread_bytes != 0)
        cli_printf(out, CLI_WARN, "        %s could not be read\n",
                   prof_fmt_bytes(a, sizeof a, memory->unread_bytes, out->units));
    if (memory->weaker != NULL)
        cli_printf(out, CLI_FAINT, "        verdicts by it are at most %s: %s\n", prof_strength_name(memory->strength),
                   memory->weaker);
    numbers(memory, out);
}
