/* cmd_info.c: the facts of a trace: whose, how it ended, what it lost, which files its symbols come from. */
#include "findings_text.h"

#include <string.h>

static const char *const examples[] = {
    "reftrack info app.4711.trk",
    "Header, losses, modules with build-ids, and what symbols are missing.",
    NULL,
};

const struct cli_command cli_command_info = {
    .name = "info",
    .main = cmd_info,
    .synopsis = "[TRACE]",
    .summary = "the facts of a trace: program, end, losses, modules, missing symbols",
    .about = "The first thing to look at when a report seems wrong.",
    .examples = examples,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TRACE | CLI_GROUP_PID,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

static void line(struct cli_out *out, const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    cli_printf(out, CLI_FAINT, "%-12s", label);
    cli_put(out, CLI_PLAIN, value);
    fputc('\n', out->file);
}

static void program(struct cli_session *session, struct cli_out *out)
{
    const struct prof_trace_info *info = session->info;
    char text[512];
    line(out, "executable", info->exe);
    cli_printf(out, CLI_FAINT, "%-12s", "arguments");
    for (size_t i = 0; info->args != NULL && info->args[i] != NULL; i++) {
        fputs(i != 0 ? " " : "", out->file);
        cli_put(out, CLI_PLAIN, info->args[i]);
    }
    fputc('\n', out->file);
    line(out, "folder", info->cwd);
    line(out, "host", info->host);
    line(out, "began", prof_fmt_date(text, sizeof text, info->created_ns));
    if (info->has_state) {
        char time[32], count[32];
        snprintf(text, sizeof text, "with the state at %s: the %s events before it are counted, but not in the file",
                 prof_fmt_time(time, sizeof time, info->state_us),
                 prof_fmt_count(count, sizeof count, info->state_events));
        line(out, "begins", text);
    }
    line(out, "times",
         info->exact_time
             ? "exact: each event has its own, by the counter of the processor (clock=tsc); 'reftrack dump' shows them"
         : info->exact_hooked
             ? "known to 10 ms; exact where functions are hooked and several threads run, so that their order is known"
             : "known to 10 ms: the recorder's clock moves every 1 to 10 ms; the order of events is finer");
    line(out, "recorder", info->recorder);
    line(out, "options", info->options);
    line(out, "child of", info->parent_trace);
    char file[32], usable[32];
    cli_printf(out, CLI_FAINT, "%-12s", "trace");
    cli_put(out, CLI_PLAIN, info->path);
    fprintf(out->file, ", %s", prof_fmt_bytes(file, sizeof file, info->file_bytes, out->units));
    if (info->usable_bytes < info->file_bytes)
        fprintf(out->file, " (%s usable)", prof_fmt_bytes(usable, sizeof usable, info->usable_bytes, out->units));
    fprintf(out->file, ", format %u.%u, %u blocks", info->major, info->minor, info->blocks);
    if (info->unknown_blocks != 0)
        fprintf(out->file, ", %u of unknown kinds skipped", info->unknown_blocks);
    fputc('\n', out->file);
}

/* What of the events is in the file, when that is not all. */
static void kept(struct cli_session *session, struct cli_out *out)
{
    const struct prof_trace_info *info = session->info;
    const char *keep = prof_trace_meta(session->trace, "keep");
    const char *folds = prof_trace_meta(session->trace, "folds");
    const char *failed = prof_trace_meta(session->trace, "folds_failed");
    const char *note = prof_trace_meta(session->trace, "fold_note");
    const char *most = prof_trace_meta(session->trace, "max_trace");
    char count[32], time[32], bytes[32];
    uint64_t limit;
    bool limited = most != NULL && prof_parse_quantity(most, PROF_UNIT_BYTES, &limit);
    if (keep == NULL || (strcmp(keep, "all") == 0 && !limited))
        return;
    cli_printf(out, CLI_FAINT, "%-12s", "kept");
    cli_put(out, CLI_PLAIN, keep);
    if (limited)
        fprintf(out->file, ", below %s", prof_fmt_bytes(bytes, sizeof bytes, limit, out->units));
    if (info->has_state)
        fprintf(out->file, ", made shorter %s times: the state at %s, for %s events, and the events after it",
                folds != NULL ? folds : "some", prof_fmt_time(time, sizeof time, info->state_us),
                prof_fmt_count(count, sizeof count, info->state_events));
    fputc('\n', out->file);
    if (failed != NULL && strcmp(failed, "0") != 0)
        cli_printf(out, CLI_WARN, "            %s times it could not be made shorter\n", failed);
    if (note != NULL) {
        fputs("            ", out->file);
        cli_put(out, CLI_WARN, note);
        fputc('\n', out->file);
    }
}

static void losses(struct cli_session *session, struct cli_out *out)
{
    const struct trk_loss *loss = session->live != NULL ? &session->live->loss : &session->info->loss;
    const struct {
        uint64_t n;
        const char *what;
    } parts[] = {
        { loss->dropped, "records dropped because the recorder was too slow" },
        { loss->holes, "records that never became complete" },
        { loss->emergency, "events of signal handlers that interrupted the library itself, not recorded" },
        { loss->depot_full, "events without stack, the table was full" },
        { loss->text_full, "texts lost, the table was full" },
        { loss->write_lost, "records that could not be written" },
        { loss->in_flight, "records cut off when the process died" },
    };
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char count[32];
        if (parts[i].n == 0)
            continue;
        any = true;
        cli_printf(out, CLI_WARN, "lost        %s %s\n", prof_fmt_count(count, sizeof count, parts[i].n),
                   parts[i].what);
    }
    if (!any)
        line(out, "lost", "nothing");
}

static void events(struct cli_session *session, struct cli_out *out)
{
    const struct prof_heap_totals *totals = prof_heap_totals(session->heap);
    char count[32];
    cli_printf(out, CLI_HEAD, "\nEvents\n");
    for (unsigned op = 0; op < TRK_OP_COUNT_; op++)
        if (totals->by_op[op] != 0)
            fprintf(out->file, "%14s  %s\n", prof_fmt_count(count, sizeof count, totals->by_op[op]), prof_op_name(op));
    if (totals->marks_thinned != 0)
        fprintf(out->file, "%14s  marks left out: of so many, the first and last of each name and half of the older\n",
                prof_fmt_count(count, sizeof count, totals->marks_thinned));
    if (totals->forced != 0)
        fprintf(out->file, "%14s  of them put in order by guess\n",
                prof_fmt_count(count, sizeof count, totals->forced));
}

/* When memory was read, how, and what that cost. */
static void checkpoints(struct cli_session *session, struct cli_out *out)
{
    enum { SHOWN = 20 };
    const struct prof_trace_info *info = session->info;
    const struct prof_checkpoint *list;
    size_t count = prof_heap_checkpoints(session->heap, &list);
    uint64_t all = prof_heap_totals(session->heap)->memories;
    char a[32], b[32], c[32], d[32];
    if (all == 0 && info->memories_lost == 0)
        return;
    cli_printf(out, CLI_HEAD, "\nMemory was read\n");
    if (all > SHOWN)
        fprintf(out->file, "  %s times; the last %d:\n", prof_fmt_count(a, sizeof a, all), SHOWN);
    for (size_t i = count > SHOWN ? count - SHOWN : 0; i < count; i++) {
        const struct prof_checkpoint *one = &list[i];
        fprintf(out->file, "  %u  at %s, %s", one->number, prof_fmt_time(a, sizeof a, one->at_us),
                prof_look_name(one->why));
        if (one->name[0] != '\0') {
            fputs(" '", out->file);
            cli_put(out, CLI_PLAIN, one->name);
            fputc('\'', out->file);
        }
        fprintf(out->file, ", %s%s: %s %s in %s", prof_rung_name(one->rung), one->single ? " (one thread)" : "",
                prof_fmt_count(a, sizeof a, one->words), one->words == 1 ? "pointer" : "pointers",
                prof_fmt_bytes(b, sizeof b, one->read_bytes, out->units));
        fprintf(out->file, ", paused for %s, %s in all", prof_fmt_duration(c, sizeof c, one->pause_us),
                prof_fmt_duration(d, sizeof d, one->took_us));
        if (one->unread_bytes != 0)
            fprintf(out->file, ", %s unread", prof_fmt_bytes(a, sizeof a, one->unread_bytes, out->units));
        if (one->threads_unread != 0)
            fprintf(out->file, ", %u of %u threads unread", one->threads_unread, one->threads);
        if (one->cut)
            cli_printf(out, CLI_WARN, one->unread_bytes != 0 ? ", not all of it" : ", pointers moved meanwhile");
        fputc('\n', out->file);
    }
    if (info->memories_lost != 0)
        cli_printf(out, CLI_WARN, "  %u cannot be used; ", info->memories_lost);
    if (info->memories_lost != 0 && info->memory_damage != NULL)
        cli_put(out, CLI_WARN, info->memory_damage);
    if (info->memories_lost != 0)
        fputc('\n', out->file);
}

static void modules(struct cli_session *session, struct cli_out *out)
{
    const struct prof_module_map *maps;
    size_t count = prof_trace_module_maps(session->trace, &maps);
    const char *last = NULL;
    if (count == 0)
        return;
    cli_printf(out, CLI_HEAD, "\nModules%s\n", count > 1 ? " (of the newest map)" : "");
    for (size_t i = 0; i < maps[count - 1].count; i++) {
        const struct prof_module *module = &maps[count - 1].modules[i];
        char hex[64], addr[32];
        if (module->path[0] == '\0' || module->path[0] == '[' || (last != NULL && strcmp(last, module->path) == 0))
            continue;
        last = module->path;
        bool known = module->build_id_len != 0 && module->build_id_len <= sizeof module->build_id;
        fprintf(out->file, "  %-16s  %-40s  ", prof_fmt_addr(addr, sizeof addr, module->start),
                known ? prof_fmt_hex(hex, sizeof hex, module->build_id, module->build_id_len) : "no build-id");
        cli_put(out, CLI_PLAIN, module->path);
        fputc('\n', out->file);
    }
}

static void gaps(struct cli_session *session, struct cli_out *out)
{
    const struct prof_symbols_gap *list;
    size_t count = prof_symbols_gaps(session->symbols, &list);
    if (count == 0)
        return;
    cli_printf(out, CLI_HEAD, "\nMissing symbols\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out->file, "  %llu frames  ", (unsigned long long)list[i].frames);
        cli_put(out, CLI_PLAIN, list[i].module);
        fputs(": ", out->file);
        cli_put(out, CLI_PLAIN, list[i].what);
        fputc('\n', out->file);
    }
}

/* What its recorder says about a program that runs. */
static void live(const struct cli_session *session, struct cli_out *out)
{
    static const char *const policies[] = { "block", "drop", "flight" };
    const struct ask_process *live = session->live;
    char a[32], b[32], c[32];
    if (live == NULL)
        return;
    cli_printf(out, CLI_FAINT, "%-12s", "recorded by");
    fprintf(out->file, "process %u since %s, %s; on full: %s; %s records; %u ring%s\n", live->recorder_pid,
            prof_fmt_date(a, sizeof a, live->since_ns), prof_fmt_duration(b, sizeof b, live->now_us),
            policies[live->on_full % 3], prof_fmt_count(c, sizeof c, live->records), live->rings,
            live->rings == 1 ? "" : "s");
}

/* Gaps are known only of modules that were asked for: ask for the site of every stack. */
static void touch_stack(void *ctx, uint32_t stack, const struct prof_stack_stat *stat)
{
    (void)stat;
    if (stack != 0)
        prof_symbols_site_frame(ctx, stack);
}

int cmd_info(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_info, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_info, "the facts are text or json; csv and tsv are for tables");
    struct cli_session session;
    code = cli_session_open(&session, &common, operands.items[0], CLI_PART_VIEW);
    if (code < 0) {
        struct cli_out out;
        prof_heap_stack_each(session.heap, touch_stack, session.symbols);
        cli_out_open(&out, &common);
        if (common.format == CLI_FORMAT_JSON) {
            char *text = NULL;
            struct prof_error *error = prof_json_info(session.view, &text);
            code = cli_json(&out, error, text);
        } else {
            text_malloc_note(&session, &out);
            text_head(&session, &out);
            live(&session, &out);
            program(&session, &out);
            kept(&session, &out);
            losses(&session, &out);
            text_bytes(&session, &out, true);
            events(&session, &out);
            checkpoints(&session, &out);
            text_adapters(&session, &out);
            modules(&session, &out);
            gaps(&session, &out);
        }
        int closed = cli_out_close(&out);
        code = code >= 0 ? code : closed;
    }
    cli_session_close(&session);
    return code;
}
