/* audit_text.c: the frame of a report: whose trace it is, what memory is made of, what was folded away, how far the
 * report can be believed. */
#include "findings_text.h"

#include <math.h>
#include <string.h>

static const char *end_words(const struct cli_session *session, char *buf, size_t size)
{
    const struct prof_trace_info *info = session->info;
    if (session->running)
        return "still running";
    if (!info->finished)
        return "how it ended is not recorded";
    switch (info->end_reason) {
    case TRK_END_EXIT:
        snprintf(buf, size, "exit status %d", info->end_value);
        return buf;
    case TRK_END_SIGNAL:
        snprintf(buf, size, "killed by signal %d (%s)", info->end_value,
                 sigabbrev_np(info->end_value) != NULL ? sigabbrev_np(info->end_value) : "?");
        return buf;
    case TRK_END_EXEC:
        return "replaced itself by another program";
    case TRK_END_STOPPED:
        return "recording was stopped, the process went on";
    case TRK_END_SNAPSHOT:
        return "went on after this snapshot";
    case TRK_END_RECOVERED:
        return "went on when its recorder died";
    case TRK_END_LIMIT:
        return "recorded up to the limit of the trace's size";
    case TRK_END_FAILED:
        snprintf(buf, size, "the recorder gave up: %s",
                 strerrordesc_np(info->end_value) != NULL ? strerrordesc_np(info->end_value) : "unknown error");
        return buf;
    default:
        return "gone";
    }
}

void text_malloc_note(struct cli_session *session, struct cli_out *out)
{
    const struct prof_trace_info *info = session->info;
    if (info->attached)
        cli_printf(out, CLI_WARN, "Recording began while the program was running: what it had before is not judged.\n");
    if (info->malloc_note[0] != '\0') {
        cli_printf(out, CLI_WARN, "Allocations are not recorded: ");
        cli_put(out, CLI_WARN, info->malloc_note);
        fputs(".\n", out->file);
    }
}

void text_head(struct cli_session *session, struct cli_out *out)
{
    const struct prof_trace_info *info = session->info;
    char buf[256], count[32];
    cli_put(out, CLI_HEAD, info->program[0] != '\0' ? info->program : "(unknown program)");
    fprintf(out->file, " (pid %u), %s", info->pid, end_words(session, buf, sizeof buf));
    struct prof_flight flight = prof_trace_flight(session->trace);
    if (flight.overwritten != 0)
        fprintf(out->file, ", the last %s",
                prof_fmt_duration(buf, sizeof buf, info->end_us > flight.from_us ? info->end_us - flight.from_us : 0));
    else
        fprintf(out->file, ", %s", prof_fmt_duration(buf, sizeof buf, info->end_us));
    if (session->heap != NULL)
        fprintf(out->file, ", %s events", prof_fmt_count(count, sizeof count, prof_heap_totals(session->heap)->events));
    if (flight.overwritten != 0)
        fprintf(out->file, " (%s older ones were overwritten)",
                prof_fmt_count(count, sizeof count, flight.overwritten));
    fputc('\n', out->file);
    if (session->running && flight.active && flight.from_us == 0 && prof_heap_totals(session->heap)->events == 0)
        fprintf(out->file,
                "A flight recording: its events are in memory until the end; 'reftrack snapshot %u' saves "
                "them now.\n",
                info->pid);
    if (session->heap != NULL && prof_heap_totals(session->heap)->cut)
        fprintf(out->file, "The state at %s, not at the end.\n",
                prof_fmt_time(buf, sizeof buf, prof_heap_totals(session->heap)->end_us));
    if (session->from_us != 0)
        fprintf(out->file, "Only what was born after %s.\n", prof_fmt_time(buf, sizeof buf, session->from_us));
    if (info->damage != NULL && !session->running) {
        cli_printf(out, CLI_WARN, "The trace is incomplete: ");
        cli_put(out, CLI_WARN, info->damage);
        cli_printf(out, CLI_WARN, ". Everything before that was analysed.\n");
    }
    text_filter(session, out);
}

/* ---- bytes ---------------------------------------------------------------------------------------------------------
 */
struct part {
    const char *name;
    int64_t bytes;
    double slope;
};

void text_bytes(struct cli_session *session, struct cli_out *out, bool whole)
{
    const struct prof_bytes *bytes = prof_findings_bytes(session->findings);
    char text[64];
    if (!bytes->known)
        return;
    const struct part parts[] = {
        { "live", bytes->live, bytes->live_per_h },
        { "allocator slack", bytes->slack, bytes->slack_per_h },
        { "retained free", bytes->retained, bytes->retained_per_h },
        { "mmap", bytes->mmap, bytes->mmap_per_h },
        { "stacks", bytes->stacks, bytes->stacks_per_h },
        { "files", bytes->files, bytes->files_per_h },
        { "reftrack", bytes->reftrack, bytes->reftrack_per_h },
        { "unknown", bytes->unknown, bytes->unknown_per_h },
    };
    cli_printf(out, CLI_HEAD, "RSS %s", prof_fmt_bytes(text, sizeof text, bytes->rss, out->units));
    const char *sign = " = ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].bytes == 0 && !whole)
            continue;
        bool negative = parts[i].bytes < 0;
        fprintf(out->file, "%s%s %s", negative && i != 0 ? " - " : sign, parts[i].name,
                prof_fmt_bytes(text, sizeof text, (uint64_t)(negative ? -parts[i].bytes : parts[i].bytes), out->units));
        sign = " + ";
    }
    fputc('\n', out->file);
    if (bytes->untouched != 0)
        fprintf(out->file, "not resident, so not in the RSS: %s of live blocks, never touched or swapped out\n",
                prof_fmt_bytes(text, sizeof text, (uint64_t)bytes->untouched, out->units));
    if (!bytes->slopes_known)
        return;
    fprintf(out->file, "per hour: RSS %s =", prof_fmt_delta(text, sizeof text, bytes->rss_per_h, out->units));
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!isfinite(parts[i].slope) || fabs(parts[i].slope) < 0.5)
            continue;
        fprintf(out->file, "%s%s %s", any ? ", " : " ", parts[i].name,
                prof_fmt_delta(text, sizeof text, parts[i].slope, out->units));
        any = true;
    }
    if (!any)
        fputs(" nothing grows", out->file);
    if (isfinite(bytes->untouched_per_h) && fabs(bytes->untouched_per_h) >= 0.5)
        fprintf(out->file, "; never touched %s", prof_fmt_delta(text, sizeof text, bytes->untouched_per_h, out->units));
    fputc('\n', out->file);
}

/* ---- what is folded away -------------------------------------------------------------------------------------------
 */
static void folded_total(struct cli_session *session, struct cli_out *out, const struct prof_finding *finding,
                         size_t top)
{
    char subject[512], count[32], bytes[32], more[64] = "";
    const char *what = prof_verdict_words(finding->verdict);
    if (finding->verdict == PROF_UNFREED)
        what = session->running ? "not freed so far" : "not freed at the end";
    else if (finding->verdict == PROF_REACHABLE && finding->plain)
        what = session->running ? "reachable now" : "still reachable at the end";
    else if (finding->verdict == PROF_REACHABLE)
        what = session->running ? "held now" : "held at the end, by design until shown otherwise";
    prof_view_subject(finding, out->units, subject, sizeof subject);
    if (finding->collateral_objects != 0)
        snprintf(more, sizeof more, ", and what they hold: %s more, %s",
                 prof_fmt_count(count, sizeof count, finding->collateral_objects),
                 prof_fmt_bytes(bytes, sizeof bytes, finding->collateral_bytes, out->units));
    fprintf(out->file, "%s: ", what);
    cli_put(out, CLI_PLAIN, subject);
    fprintf(out->file, "%s\n", more);
    const struct prof_site_total *sites;
    size_t site_count = 0, shown = 0;
    struct prof_error *error = prof_view_finding_sites(session->view, finding, &sites, &site_count);
    if (error != NULL) {
        cli_error(error);
        return;
    }
    for (; shown < site_count && shown < top; shown++) {
        cli_printf(out, CLI_FAINT, "  %10s  %8s  ", prof_fmt_bytes(bytes, sizeof bytes, sites[shown].bytes, out->units),
                   prof_fmt_count(count, sizeof count, sites[shown].taken));
        cli_put(out, CLI_PLACE, sites[shown].site);
        fputc('\n', out->file);
    }
    if (site_count > shown)
        cli_printf(out, CLI_FAINT, "  %10s  %8s  and %zu more places\n", "", "", site_count - shown);
}

void text_folded(struct cli_session *session, struct cli_out *out, size_t top)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    uint64_t suppressed = 0, objects = 0, bytes = 0;
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        if (list[i].suppressed_by != NULL && strncmp(list[i].suppressed_by, "may-leak", 8) == 0)
            continue; /* told with the other objects that are held on purpose */
        if (list[i].suppressed_by != NULL) {
            suppressed++;
            objects += list[i].objects;
            bytes += list[i].bytes;
        } else if (prof_finding_is_folded(&list[i])) {
            if (!begun)
                fputc('\n', out->file);
            begun = true;
            folded_total(session, out, &list[i], top);
        }
    }
    if (suppressed != 0) {
        char a[32], b[32], c[32];
        fprintf(out->file, "%ssuppressed: %s finding%s about %s %s, %s\n", begun ? "" : "\n",
                prof_fmt_count(a, sizeof a, suppressed), suppressed == 1 ? "" : "s",
                prof_fmt_count(b, sizeof b, objects), objects == 1 ? "object or block" : "objects or blocks",
                prof_fmt_bytes(c, sizeof c, bytes, out->units));
    }
}

void text_suppressions(struct cli_session *session, struct cli_out *out)
{
    const struct prof_suppression_use *uses;
    size_t count = session->suppressions != NULL ? prof_suppressions_used(session->suppressions, &uses) : 0;
    bool head = false;
    for (size_t i = 0; i < count; i++) {
        char bytes[32];
        if (uses[i].findings == 0 && !uses[i].expired)
            continue;
        if (!head)
            cli_printf(out, CLI_FAINT, "%8s  %10s  suppression\n", "findings", "bytes");
        head = true;
        fprintf(out->file, "%8llu  %10s  ", (unsigned long long)uses[i].findings,
                prof_fmt_bytes(bytes, sizeof bytes, uses[i].bytes, out->units));
        cli_put(out, CLI_PLAIN, uses[i].place);
        fputs("  ", out->file);
        cli_put(out, CLI_PLAIN, uses[i].text);
        if (uses[i].expired)
            cli_printf(out, CLI_WARN, "  expired");
        fputc('\n', out->file);
    }
    const struct prof_baseline_gone *gone;
    count = session->baseline != NULL ? prof_findings_gone(session->findings, &gone) : 0;
    if (count != 0)
        cli_printf(out, CLI_GOOD, "%zu finding%s of the baseline did not come again; it can be renewed\n", count,
                   count == 1 ? "" : "s");
}

/* ---- audit ---------------------------------------------------------------------------------------------------------
 */
static void cost(struct cli_session *session, struct cli_out *out)
{
    const struct trk_mem *samples;
    size_t count = prof_heap_mem(session->heap, &samples);
    char text[64];
    if (count == 0)
        return;
    const struct trk_mem *last = &samples[count - 1];
    const char *separator = "reftrack itself: ";
    if (last->reftrack != UINT64_MAX && last->reftrack != 0) {
        fprintf(out->file, "%s%s in the program", separator,
                prof_fmt_bytes(text, sizeof text, last->reftrack, out->units));
        separator = ", ";
    }
    if (last->recorder_rss != UINT64_MAX && last->recorder_rss != 0) {
        fprintf(out->file, "%s%s in the recorder", separator,
                prof_fmt_bytes(text, sizeof text, last->recorder_rss, out->units));
        separator = ", ";
    }
    if (last->recorder_cpu_us != UINT64_MAX && last->recorder_cpu_us != 0) {
        fprintf(out->file, "%s%s of its processor time", separator,
                prof_fmt_duration(text, sizeof text, last->recorder_cpu_us));
        if (last->cpu_us != UINT64_MAX && last->cpu_us != 0)
            fprintf(out->file, " (the program: %s)", prof_fmt_duration(text, sizeof text, last->cpu_us));
        separator = ", ";
    }
    if (separator[0] == ',')
        fputc('\n', out->file);
}

/* What the last checkpoint said about references. */
static void references(const struct prof_audit *audit, struct cli_out *out)
{
    const struct {
        uint64_t count;
        const char *one, *many;
        enum cli_role role;
    } parts[] = {
        { audit->slots_checked - audit->slots_stale, "slot of a lost object still holds",
          "slots of lost objects still hold", CLI_PLAIN },
        { audit->slots_stale, "points elsewhere by now", "point elsewhere by now", CLI_WARN },
        { audit->adopted, "reference without a slot has a pointer", "references without a slot have pointers",
          CLI_PLAIN },
        { audit->memory_counts - audit->memory_more - audit->memory_less - audit->memory_inline, "count is as told",
          "counts are as told", CLI_PLAIN },
        { audit->memory_inline, "changed where nobody tells (unaccounted)", "changed where nobody tells (unaccounted)",
          CLI_PLAIN },
        { audit->memory_more, "higher than told", "higher than told", CLI_WARN },
        { audit->memory_less, "lower than told", "lower than told", CLI_WARN },
        { audit->memory_none, "word that should be a count is none", "words that should be counts are none", CLI_WARN },
        { audit->vetoed, "object in a cycle can be reached", "objects in cycles can be reached", CLI_WARN },
    };
    const char *separator = "memory says: ";
    char number[32];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count == 0)
            continue;
        fputs(separator, out->file);
        cli_printf(out, parts[i].role, "%s %s", prof_fmt_count(number, sizeof number, parts[i].count),
                   parts[i].count == 1 ? parts[i].one : parts[i].many);
        separator = ", ";
    }
    if (separator[0] == ',')
        fputc('\n', out->file);
}

/* Owners of references that are not there: a verb was told where another one was meant. */
static void overowned(struct cli_session *session, struct cli_out *out)
{
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    char count[32];
    if (audit->overowned == 0)
        return;
    cli_printf(out, CLI_WARN, "owners: trk_own at ");
    prof_text_place(cli_text(session, out), audit->overowned_stack);
    fputs(" found no reference to own", out->file);
    if (audit->overowned > 1)
        fprintf(out->file, " (%s times in all)", prof_fmt_count(count, sizeof count, audit->overowned));
    fputs("; was trk_move ", out->file);
    if (audit->overowned_before != 0) {
        fputs("from the owner set at ", out->file);
        prof_text_place(cli_text(session, out), audit->overowned_before);
        fputc(' ', out->file);
    }
    fputs("meant?\n", out->file);
}

void text_audit(struct cli_session *session, struct cli_out *out)
{
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    const struct prof_heap_totals *totals = prof_heap_totals(session->heap);
    char a[32], b[32], c[32];
    if (audit->coverage >= 0)
        fprintf(out->file, "coverage: %s of %s reference%s a known owner (%s without)\n",
                prof_fmt_ratio(a, sizeof a, audit->coverage), prof_fmt_count(b, sizeof b, audit->refs),
                audit->refs == 1 ? " has" : "s have", prof_fmt_count(c, sizeof c, audit->refs_anon));
    else
        fprintf(out->file, "coverage: no references were recorded\n");
    overowned(session, out);
    text_hooks(session, out);
    fprintf(out->file, "events: %s", prof_fmt_count(a, sizeof a, audit->events));
    cli_printf(out, audit->lost != 0 ? CLI_WARN : CLI_PLAIN, ", %s lost", prof_fmt_count(a, sizeof a, audit->lost));
    if (audit->skewed != 0)
        fprintf(out->file, ", objects seen without birth: %s", prof_fmt_count(a, sizeof a, audit->skewed));
    if (audit->forced != 0)
        fprintf(out->file, ", put in order by guess: %s", prof_fmt_count(a, sizeof a, audit->forced));
    if (audit->untold != 0)
        fprintf(out->file, ", misuse only by that guess, not told: %s", prof_fmt_count(a, sizeof a, audit->untold));
    if (totals->unknown_frees != 0 && session->info->filter[0] == '\0')
        fprintf(out->file, ", frees of unseen blocks: %s", prof_fmt_count(a, sizeof a, totals->unknown_frees));
    if (audit->revived != 0)
        fprintf(out->file, ", verdicts withdrawn: %s", prof_fmt_count(a, sizeof a, audit->revived));
    fputc('\n', out->file);
    struct prof_flight flight = prof_trace_flight(session->trace);
    if (flight.overwritten != 0)
        cli_printf(out, CLI_WARN, "flight recording: complete since %s; %s older events were overwritten\n",
                   prof_fmt_time(a, sizeof a, flight.from_us), prof_fmt_count(b, sizeof b, flight.overwritten));
    fputs("identities: counts ", out->file);
    if (audit->counts_seen == 0)
        fputs("not checked", out->file);
    else if (audit->counts_wrong == 0)
        cli_printf(out, CLI_GOOD, "hold (%s seen)", prof_fmt_count(a, sizeof a, audit->counts_seen));
    else if (audit->counts_guessed)
        cli_printf(out, CLI_WARN, "not proven (%s of %s do not fit, where the order of threads was a guess)",
                   prof_fmt_count(a, sizeof a, audit->counts_wrong), prof_fmt_count(b, sizeof b, audit->counts_seen));
    else
        cli_printf(out, CLI_WARN, "broken (%s of %s do not fit)", prof_fmt_count(a, sizeof a, audit->counts_wrong),
                   prof_fmt_count(b, sizeof b, audit->counts_seen));
    if (audit->counts_inline != 0)
        fprintf(out->file, ", %s unaccounted: changed in place, where nobody tells",
                prof_fmt_count(a, sizeof a, audit->counts_inline));
    if (audit->bytes_known)
        fprintf(out->file, "; bytes %s unexplained", prof_fmt_ratio(a, sizeof a, fabs(audit->bytes_unknown_share)));
    else
        fputs("; bytes not checked", out->file);
    fputc('\n', out->file);
    references(audit, out);
    text_memory(session, out);
    cost(session, out);
    const struct prof_symbols_gap *gaps;
    size_t count = prof_symbols_gaps(session->symbols, &gaps);
    if (count != 0)
        cli_printf(out, CLI_FAINT, "symbols: %zu module%s without debug information ('reftrack info' names them)\n",
                   count, count == 1 ? "" : "s");
}

/* Why a module has no names. */
static const char *why_nameless(struct cli_session *session, const char *module)
{
    const struct prof_symbols_gap *gaps;
    size_t count = prof_symbols_gaps(session->symbols, &gaps);
    for (size_t i = 0; i < count; i++)
        if (strcmp(gaps[i].module, module) == 0)
            return gaps[i].what;
    return "its symbols were not asked for";
}

void text_nameless(struct cli_session *session, struct cli_out *out)
{
    enum { MODULES_MOST = 4 };
    const char *told[MODULES_MOST];
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list), n = 0;
    for (size_t i = 0; i < count && n < MODULES_MOST; i++) {
        if (!prof_finding_is_listed(&list[i]) || list[i].place_stack == 0)
            continue;
        const struct prof_frame *frame = prof_symbols_site_frame(session->symbols, list[i].place_stack);
        size_t at = 0;
        if (frame->function != NULL || frame->module == NULL || frame->module[0] != '/')
            continue;
        while (at < n && strcmp(told[at], frame->module) != 0)
            at++;
        if (at < n)
            continue;
        told[n++] = frame->module;
        const char *slash = strrchr(frame->module, '/');
        cli_printf(out, CLI_WARN, n == 1 ? "\nNames are missing: " : "                   ");
        cli_put(out, CLI_WARN, slash + 1);
        cli_printf(out, CLI_WARN, "+0x...: ");
        cli_put(out, CLI_WARN, why_nameless(session, frame->module));
        fputc('\n', out->file);
    }
}

/* The filter of the recording in the words of its options. */
static void filter_words(const struct prof_trace_info *info, struct cli_out *out)
{
    const char *text = info->filter;
    while (*text != '\0') {
        size_t length = strcspn(text, ":"), key = strcspn(text, "=");
        while (text[length] == ':' && strncmp(text + length, ":modules=", 9) != 0 &&
               strncmp(text + length, ":objects=", 9) != 0) /* of a name */
            length += 1 + strcspn(text + length + 1, ":");
        char option[TRK_FILTER_MAX];
        if (key < length)
            snprintf(option, sizeof option, " --%.*s %.*s", (int)key, text, (int)(length - key - 1), text + key + 1);
        else
            snprintf(option, sizeof option, " %.*s", (int)length, text);
        cli_put(out, CLI_PLAIN, option);
        text += length + (text[length] != '\0');
    }
}

void text_filter(struct cli_session *session, struct cli_out *out)
{
    const struct prof_trace_info *info = session->info;
    char count[32];
    if (info->filter[0] == '\0' || (info->finished && info->filtered == 0))
        return;
    if (info->finished)
        fprintf(out->file, "%s birth%s left out by", prof_fmt_count(count, sizeof count, info->filtered),
                info->filtered == 1 ? " was" : "s were");
    else
        fputs("Births are left out by", out->file);
    filter_words(info, out);
    fputs(": this speaks of the others only.\n", out->file);
}

/* "1 100 objects are held by globals, by design until shown otherwise." */
static void held_by_design(struct cli_session *session, struct cli_out *out)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(session->findings, &list);
    uint64_t objects = 0, roots = 0, purposed = 0;
    const char *held = "held by globals";
    char text[32], words[64];
    for (size_t i = 0; i < count; i++) {
        if (list[i].verdict != PROF_REACHABLE || list[i].suppressed_by != NULL || list[i].plain)
            continue;
        objects += list[i].objects + list[i].collateral_objects;
        roots += list[i].objects;
        purposed += list[i].purposed;
        if (list[i].root >= PROF_ROOT_STACK)
            held = "still reachable";
    }
    if (objects == 0)
        return;
    snprintf(words, sizeof words, "%s, pinned or immortal", held);
    fprintf(out->file, "%s object%s %s, by design until shown otherwise.\n", prof_fmt_count(text, sizeof text, objects),
            objects == 1 ? " is" : "s are",
            purposed == 0      ? held
            : purposed < roots ? words
                               : "pinned or immortal");
}

void text_rise(struct cli_session *session, struct cli_out *out, const char *indent)
{
    enum { FIRST = 3, LAST = 5 };
    const struct prof_rise *rise = prof_findings_rise(session->findings);
    char text[32];
    if (rise == NULL)
        return;
    cli_printf(out, CLI_WARN, "%sMore than ever before: ", indent);
    cli_put(out, CLI_TYPE, rise->type);
    fputs(" born at ", out->file);
    prof_text_place(cli_text(session, out), rise->born_stack);
    fputc(',', out->file);
    for (size_t i = 0; i < rise->step_count; i++) {
        if (i == FIRST && rise->step_count > FIRST + LAST) {
            fputs(" ...", out->file);
            i = rise->step_count - LAST;
        }
        fprintf(out->file, " %s", prof_fmt_count(text, sizeof text, rise->steps[i].objects));
    }
    fputs(" at the marks; who holds them:  ", out->file);
    cli_printf(out, CLI_HEAD, "reftrack growth %s\n", session->name);
}

bool text_has_no_objects(const struct cli_session *session)
{
    const uint64_t *by_op = prof_heap_totals(session->heap)->by_op;
    return by_op[TRK_OP_NEW] == 0 && by_op[TRK_OP_REF] == 0 && by_op[TRK_OP_UNREF] == 0;
}

/* What memory says of the blocks that were not freed, when nothing is lost. */
static const char *reach_words(const struct cli_session *session)
{
    const struct prof_audit_memory *memory = &prof_findings_audit(session->findings)->memory;
    if (!memory->read || memory->lost + memory->indirect != 0 || memory->held + memory->possible == 0)
        return "";
    if (memory->unexamined != 0)
        return ", still reachable as far as they were examined";
    return memory->possible != 0 ? ", still reachable, or possibly" : ", all still reachable";
}

char *text_unfreed(const struct cli_session *session, const struct cli_out *out, char *buf, size_t size)
{
    const struct prof_heap_totals *totals = prof_heap_totals(session->heap);
    char count[32], bytes[32];
    if (totals->live_blocks == 0)
        snprintf(buf, size, totals->by_op[TRK_OP_ALLOC] != 0 ? "all blocks were freed" : "no blocks were recorded");
    else
        snprintf(buf, size, "%s block%s, %s, not freed%s%s", prof_fmt_count(count, sizeof count, totals->live_blocks),
                 totals->live_blocks == 1 ? "" : "s",
                 prof_fmt_bytes(bytes, sizeof bytes, totals->live_bytes, out->units), session->running ? " so far" : "",
                 reach_words(session));
    return buf;
}

void text_clean(struct cli_session *session, struct cli_out *out)
{
    const struct prof_audit *audit = prof_findings_audit(session->findings);
    if (audit->certain && text_has_no_objects(session)) {
        char text[128];
        text_unfreed(session, out, text, sizeof text);
        if (audit->memory.read && prof_heap_totals(session->heap)->by_op[TRK_OP_ALLOC] != 0)
            cli_printf(out, CLI_GOOD, "No block is lost. ");
        cli_printf(out, CLI_WARN, "No counted objects were reported: references say nothing here. ");
        fprintf(out->file, "%c%s%s.\n", text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0], text + 1,
                prof_heap_totals(session->heap)->live_blocks != 0 && !audit->memory.read
                    ? " (whether they can still be reached was not examined)"
                    : "");
        return;
    }
    if (audit->certain) {
        const struct prof_finding *list;
        size_t count = prof_findings_list(session->findings, &list);
        cli_printf(out, CLI_GOOD, "Nothing lost, nothing held too long, nothing released too often.\n");
        held_by_design(session, out);
        text_rise(session, out, "");
        for (size_t i = 0; i < count; i++) {
            if (list[i].verdict != PROF_UNFREED || list[i].suppressed_by != NULL)
                continue;
            fputs(audit->memory.read
                      ? "Whether the plain blocks that were allocated since memory was read are still reachable was "
                        "not examined.\n"
                      : "Whether the plain blocks that were not freed are still reachable was not examined.\n",
                  out->file);
            break;
        }
        return;
    }
    if (session->running) {
        fputs("Nothing was found so far; what is alive now may still be released.\n", out->file);
        return;
    }
    cli_printf(out, CLI_WARN, "Uncertain: ");
    cli_put(out, CLI_WARN, audit->why_uncertain != NULL ? audit->why_uncertain : "the record is incomplete");
    cli_printf(out, CLI_WARN, ". Nothing was found, but something may be missing.\n");
}

void text_not_compared(const struct cli_session *session, struct cli_out *out)
{
    char text[32];
    if (!session->not_compared)
        return;
    prof_fmt_count(text, sizeof text, prof_heap_totals(session->heap)->events);
    cli_printf(out, CLI_FAINT, "\nnot compared with siblings: %s events; --siblings always does it\n", text);
}
