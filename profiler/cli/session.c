/* session.c: opens a trace and computes what a command asked for, with progress; tells what cannot be done and why. */
#include "cli.h"

#include <base/nearest.h>
#include <base/str.h>
#include <prof/index.h>
#include <prof/wrapper.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/attach.h"

/* The process of the trace is still there: same pid, same program. */
static bool still_runs(const struct prof_trace_info *info)
{
    char path[64], exe[4096], host[256] = "";
    if (info->finished || info->pid == 0 || (kill((pid_t)info->pid, 0) != 0 && errno != EPERM))
        return false;
    gethostname(host, sizeof host - 1);
    if (info->host[0] != '\0' && strcmp(info->host, host) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%u/exe", info->pid);
    ssize_t length = readlink(path, exe, sizeof exe - 1);
    if (length <= 0)
        return true; /* another user's */
    exe[length] = '\0';
    return info->exe[0] == '\0' || strcmp(exe, info->exe) == 0;
}

void cli_not_recorded(uint64_t pid)
{
    struct attach *attach = NULL;
    bool lives = pid <= INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
    struct prof_error *why = lives ? attach_open((pid_t)pid, &attach) : NULL;
    if (!lives)
        cli_warn("there is no process %llu and no trace of it here", (unsigned long long)pid);
    else if (why != NULL)
        cli_warn("process %llu is not being recorded: %s", (unsigned long long)pid, why->message);
    else
        cli_warn(
            "process %llu is not being recorded: no trace of it here or from a recorder of yours; 'reftrack record "
            "--pid %llu' wakes it",
            (unsigned long long)pid, (unsigned long long)pid);
    attach_close(attach);
    prof_error_destroy(why);
}

static int choose(struct cli_session *session, const struct cli_common *common, const char *path)
{
    if (path != NULL) {
        session->path = strdup(path);
    } else if (common->pid != 0) {
        /* Its recorder knows the file, and writes what it has in hand. */
        struct ask_reply reply;
        if (common->pid <= INT32_MAX && ask_process(ASK_FLUSH, (pid_t)common->pid, NULL, &reply) && reply.status == 0 &&
            reply.process.path[0] != '\0') {
            session->live = malloc(sizeof *session->live);
            if (session->live != NULL)
                *session->live = reply.process;
            session->path = strdup(reply.process.path);
        } else {
            session->path = cli_trace_of_pid(common->pid);
        }
        if (session->path == NULL) {
            cli_not_recorded(common->pid);
            return CLI_UNREADABLE;
        }
    } else {
        session->path = cli_trace_newest();
        session->chosen = true;
        if (session->path == NULL) {
            cli_warn(
                "there is no trace (*.trk) in this folder; name one, or record one with 'reftrack run -- PROGRAM'");
            return CLI_UNREADABLE;
        }
        if (!common->quiet)
            cli_warn("reading %s, the newest trace here", session->path);
    }
    if (session->path == NULL)
        return cli_error(prof_error_memory());
    size_t size = strlen(session->path) * 4 + 2;
    session->name = malloc(size);
    if (session->name == NULL)
        return cli_error(prof_error_memory());
    prof_escape_terminal(session->name, size, session->path);
    return -1;
}

/* A moment such as "90s" or "1500ms"; a bare number is not one, because marks may be called so. */
static bool moment(const char *text, uint64_t *ret)
{
    size_t length = strlen(text);
    char last = length != 0 ? text[length - 1] : '\0';
    return (last < '0' || last > '9') && prof_parse_quantity(text[0] == '+' ? text + 1 : text, PROF_UNIT_US, ret);
}

static const struct prof_mark *find_mark(const struct prof_heap *heap, const char *name)
{
    const struct prof_mark *marks;
    size_t count = prof_heap_marks(heap, &marks);
    for (size_t i = 0; i < count; i++)
        if (marks[i].name != NULL && strcmp(marks[i].name, name) == 0)
            return &marks[i];
    return NULL;
}

static int unknown_mark(const struct prof_heap *heap, const char *option, const char *name)
{
    const struct prof_mark *marks;
    size_t count = prof_heap_marks(heap, &marks);
    struct prof_str known = { 0 };
    size_t listed = 0;
    for (size_t i = 0; i < count && listed < 8; i++)
        if (marks[i].name != NULL && marks[i].name[0] != '\0')
            prof_str_addf(&known, "%s%s", listed++ != 0 ? ", " : "", marks[i].name);
    char *text = prof_str_take(&known);
    if (listed == 0)
        cli_warn("--%s: this trace has no mark '%s'; it has none at all, but a moment such as 90s works", option, name);
    else
        cli_warn("--%s: this trace has no mark '%s'; it has %s%s", option, name, text != NULL ? text : "",
                 listed < count ? " and more ('reftrack marks' lists them)" : "");
    free(text);
    return CLI_USAGE;
}

/* A moment behind all events is none of the trace's. */
static void past_end(const struct cli_session *session, const struct cli_common *common, const char *option,
                     const char *text, uint64_t at_us, const char *what)
{
    char end[32];
    if (at_us > session->info->end_us && !common->quiet)
        cli_warn("--%s %s is behind the end of the trace (%s): %s", option, text,
                 prof_fmt_time(end, sizeof end, session->info->end_us), what);
}

/* The window is empty: its ends are in the wrong order. */
static int wrong_order(const struct cli_common *common, uint64_t from_us, uint64_t to_us)
{
    char from[32], to[32];
    cli_warn("--from %s (%s) is not before --to %s (%s): nothing can be born in between%s", common->from,
             prof_fmt_time(from, sizeof from, from_us), common->to, prof_fmt_time(to, sizeof to, to_us),
             from_us > to_us ? "; exchange them?" : "");
    return CLI_USAGE;
}

/* The beginning is a mark that the heap, which ends at --to, does not have. Does the rest of the trace? */
static int no_beginning(const struct cli_session *session, const struct cli_common *common)
{
    struct prof_heap *whole = NULL;
    const struct prof_heap_options options = { 0 };
    const struct prof_mark *mark = NULL;
    int code = -1;
    if (prof_heap_totals(session->heap)->cut)
        prof_error_destroy(prof_heap_create(session->trace, &options, &whole));
    if (whole != NULL)
        mark = find_mark(whole, common->from);
    if (mark != NULL)
        code = wrong_order(common, mark->at_us, session->to_us);
    else
        code = unknown_mark(whole != NULL ? whole : session->heap, "from", common->from);
    if (whole != NULL)
        prof_heap_destroy(whole);
    return code;
}

/* What REFTRACK_INDEX says. false: no index. */
static bool index_wanted(const struct cli_common *common, uint64_t *ret_least)
{
    const char *told = getenv("REFTRACK_INDEX");
    *ret_least = PROF_INDEX_LEAST;
    if (common->no_index || (told != NULL && strcmp(told, "off") == 0))
        return false;
    if (told != NULL && *told != '\0' && !prof_parse_quantity(told, PROF_UNIT_BYTES, ret_least))
        cli_warn("REFTRACK_INDEX='%s' is neither off nor a size; 16MiB is taken", told);
    return true;
}

static struct prof_error *make_heap(struct cli_session *session, const struct cli_common *common, bool past,
                                    const struct prof_heap_options *options)
{
    struct prof_index_options index = { .version = REFTRACK_VERSION };
    if (past || !index_wanted(common, &index.least))
        return prof_heap_create(session->trace, options, &session->heap);
    struct prof_index_result result;
    struct prof_error *error = prof_heap_create_indexed(session->trace, options, &index, &result, &session->heap);
    if (common->verbose && result.used)
        cli_warn("%s.idx was used", session->name);
    if (common->verbose && result.written)
        cli_warn("%s.idx was written", session->name);
    if (common->verbose && result.note != NULL)
        cli_warn("no index of %s: %s", session->name, result.note->message);
    prof_error_destroy(result.note);
    return error;
}

/* *ret_slow: it took so long that progress was shown. */
static int open_heap(struct cli_session *session, const struct cli_common *common, bool past,
                     const struct prof_heap_follow *follow, bool *ret_slow)
{
    struct cli_progress *progress = &session->progress;
    char what[512];
    struct prof_heap_options options = {
        .keep_type_sites = true, .progress = cli_progress_step, .progress_ctx = progress, .follow = follow
    };
    snprintf(what, sizeof what, "reading %s", session->name);
    if (common->to != NULL && !moment(common->to, &options.until_us))
        options.until_mark = common->to;
    cli_progress_begin(progress, common, what);
    struct prof_error *error = make_heap(session, common, past || follow != NULL, &options);
    *ret_slow = progress->shown;
    cli_progress_end(progress);
    if (error != NULL)
        return cli_error(error);
    session->to_us = options.until_us;
    if (options.until_mark != NULL) {
        const struct prof_mark *mark = find_mark(session->heap, options.until_mark);
        if (mark == NULL)
            return unknown_mark(session->heap, "to", options.until_mark);
        session->to_us = mark->at_us;
    }
    if (common->from != NULL && !moment(common->from, &session->from_us)) {
        const struct prof_mark *mark = find_mark(session->heap, common->from);
        if (mark == NULL)
            return no_beginning(session, common);
        session->from_us = mark->at_us;
        session->from_mark = common->from;
    }
    if (session->to_us != 0 && session->from_us >= session->to_us)
        return wrong_order(common, session->from_us, session->to_us);
    if (common->to != NULL && options.until_mark == NULL)
        past_end(session, common, "to", common->to, session->to_us, "this is the state at the end");
    if (common->from != NULL)
        past_end(session, common, "from", common->from, session->from_us, "nothing is born behind it");
    return -1;
}

/* "cycle,lost": these; "+growth,-lost": the default set changed. */
static int parse_fail_on(const char *list, uint64_t *ret)
{
    uint64_t set = 1; /* bit 0 is no verdict: an empty set is not "default" */
    bool first = true;
    for (const char *p = list; *p != '\0';) {
        char word[64];
        size_t length = strcspn(p, ",");
        char sign = *p == '+' || *p == '-' ? *p : '\0';
        snprintf(word, sizeof word, "%.*s", (int)(length - (sign != '\0')), p + (sign != '\0'));
        if (first && sign != '\0')
            for (int v = 1; v < PROF_VERDICT_COUNT_; v++)
                if (prof_verdict_gates((enum prof_verdict)v))
                    set |= UINT64_C(1) << v;
        first = false;
        enum prof_verdict verdict;
        if (strcmp(word, "all") == 0) {
            set = (UINT64_C(1) << PROF_VERDICT_COUNT_) - 1;
        } else if (prof_verdict_parse(word, &verdict)) {
            if (sign == '-')
                set &= ~(UINT64_C(1) << verdict);
            else
                set |= UINT64_C(1) << verdict;
        } else if (strcmp(word, "none") != 0) {
            const char *names[PROF_VERDICT_COUNT_];
            size_t count = 0;
            for (int v = 1; v < PROF_VERDICT_COUNT_; v++)
                names[count++] = prof_verdict_name((enum prof_verdict)v);
            const char *near = prof_nearest(word, names, count);
            cli_warn("--fail-on: there is no verdict '%s'%s%s%s; see 'reftrack help leaks'", word,
                     near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
            return CLI_USAGE;
        }
        p += length;
        p += *p == ',';
    }
    *ret = set;
    return -1;
}

/* "stacks,registers": bits of enum prof_root_kind. */
static int parse_roots(const char *list, uint32_t *ret)
{
    uint32_t set = 0;
    for (const char *p = list; *p != '\0';) {
        char word[64];
        size_t length = strcspn(p, ",");
        enum prof_root_kind kind;
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), p);
        if (!prof_root_parse(word, &kind)) {
            const char *names[PROF_ROOT_COUNT_];
            size_t count = 0;
            for (int v = 1; v < PROF_ROOT_COUNT_; v++)
                names[count++] = prof_root_name((enum prof_root_kind)v);
            const char *near = prof_nearest(word, names, count);
            cli_warn("--without-roots: there are no roots '%s'%s%s%s; see 'reftrack help leaks'", word,
                     near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
            return CLI_USAGE;
        }
        set |= UINT32_C(1) << kind;
        p += length;
        p += *p == ',';
    }
    *ret = set;
    return -1;
}

static int open_gate(struct cli_session *session, const struct cli_common *common, uint64_t *fail_on,
                     uint32_t *without_roots)
{
    struct prof_error *error = NULL;
    if (common->without_roots != NULL) {
        int code = parse_roots(common->without_roots, without_roots);
        if (code >= 0)
            return code;
    }
    if (common->fail_on != NULL) {
        int code = parse_fail_on(common->fail_on, fail_on);
        if (code >= 0)
            return code;
    }
    if (common->suppressions.count != 0)
        error = prof_suppressions_create(&session->suppressions);
    for (size_t i = 0; error == NULL && i < common->suppressions.count; i++)
        error = prof_suppressions_read(session->suppressions, common->suppressions.items[i]);
    if (error == NULL && common->baseline != NULL)
        error = prof_baseline_read(common->baseline, &session->baseline);
    if (error == NULL)
        return -1;
    cli_error(error);
    return CLI_USAGE;
}

int cli_gate_check(const struct cli_common *common)
{
    struct cli_session session = { .path = NULL };
    uint64_t fail_on = 0;
    uint32_t without_roots = 0;
    int code = open_gate(&session, common, &fail_on, &without_roots);
    cli_session_close(&session);
    return code;
}

/* What the lives of leaked objects and of their siblings say. */
static struct prof_error *open_ledgers(struct cli_session *session, const struct cli_common *common)
{
    const uint64_t too_many = 20000000;
    if (common->siblings == CLI_NEVER)
        return NULL;
    if (common->siblings == CLI_AUTO && prof_heap_totals(session->heap)->events > too_many) {
        session->not_compared = true;
        return NULL;
    }
    char what[512];
    snprintf(what, sizeof what, "comparing lives in %s", session->name);
    cli_progress_begin(&session->progress, common, what);
    struct prof_error *error =
        prof_ledgers_create(session->heap, session->symbols, session->findings, NULL, &session->ledgers);
    cli_progress_end(&session->progress);
    return error;
}

int cli_session_open(struct cli_session *session, const struct cli_common *common, const char *path, unsigned parts)
{
    return cli_session_open_followed(session, common, path, parts, NULL);
}

int cli_session_open_followed(struct cli_session *session, const struct cli_common *common, const char *path,
                              unsigned parts, const struct prof_heap_follow *follow)
{
    *session = (struct cli_session){ .path = NULL };
    if (parts & (CLI_PART_VIEW | CLI_PART_FINDINGS))
        parts |= CLI_PART_HEAP | CLI_PART_SYMBOLS | CLI_PART_FINDINGS;
    if (parts & CLI_PART_GRAPH)
        parts |= CLI_PART_HEAP | CLI_PART_SYMBOLS;
    uint64_t fail_on = 0;
    uint32_t without_roots = 0;
    bool slow = false;
    int code = open_gate(session, common, &fail_on, &without_roots);
    if (code < 0)
        code = choose(session, common, path);
    if (code >= 0)
        return code;
    struct stat st;
    if (stat(session->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        cli_warn("'%s' is a directory; name a trace in it", session->path);
        return CLI_UNREADABLE;
    }
    struct prof_error *error = prof_trace_open(session->path, &session->trace);
    if (error != NULL && error->sys_errno == ENOENT) {
        cli_warn("there is no '%s'; 'reftrack run -o %s -- PROGRAM' records one", session->path, session->path);
        prof_error_destroy(error);
        return CLI_UNREADABLE;
    }
    if (error != NULL) {
        cli_error(error);
        return CLI_UNREADABLE;
    }
    session->info = prof_trace_info(session->trace);
    if (prof_trace_is_index(session->trace)) {
        cli_warn("'%s' is the index of a trace and no trace; name that one", session->path);
        return CLI_UNREADABLE;
    }
    session->running = still_runs(session->info);
    if (parts & CLI_PART_HEAP) {
        code = open_heap(session, common, (parts & CLI_PART_PAST) != 0, follow, &slow);
        if (code >= 0)
            return code;
    }
    if (parts & CLI_PART_SYMBOLS) {
        const char *wrappers[CLI_LIST_MAX + 1] = { NULL };
        for (size_t i = 0; i < common->wrappers.count; i++)
            wrappers[i] = common->wrappers.items[i];
        struct prof_symbols_options options = { .symfs = common->symfs,
                                                .no_symbols = common->no_symbols,
                                                .debuginfod = getenv("DEBUGINFOD_URLS") != NULL,
                                                .wrappers = wrappers };
        error = prof_symbols_create(session->trace, &options, &session->symbols);
    }
    if (error == NULL && (parts & CLI_PART_FINDINGS)) {
        struct prof_findings_options options = { .suppressions = session->suppressions,
                                                 .baseline = session->baseline,
                                                 .fail_on = fail_on,
                                                 .without_roots = without_roots,
                                                 .no_unaligned = common->no_unaligned,
                                                 .no_heuristics = common->no_heuristics,
                                                 .leak_kinds_all = (parts & CLI_PART_ALL_KINDS) != 0,
                                                 .from_us = session->from_us,
                                                 .to_us = session->to_us };
        /* what was slow to read is slow to judge */
        if (slow)
            fprintf(stderr, "\r\033[Kjudging %s", session->name);
        error = prof_findings_create(session->heap, session->symbols, &options, &session->findings);
        if (slow)
            fputs("\r\033[K", stderr);
    }
    if (error == NULL && (parts & CLI_PART_SIBLINGS))
        error = open_ledgers(session, common);
    if (error == NULL && (parts & CLI_PART_GRAPH))
        error = prof_graph_create(session->heap, session->symbols, NULL, &session->graph);
    if (error == NULL && (parts & (CLI_PART_VIEW | CLI_PART_GRAPH)))
        error = prof_view_create(session->heap, session->symbols, session->findings, &session->view);
    if (error == NULL && session->view != NULL)
        prof_view_compare(session->view, session->ledgers);
    return error != NULL ? cli_error(error) : -1;
}

void cli_say_state(const struct cli_session *session, const struct cli_common *common)
{
    bool for_people = common->format == CLI_FORMAT_TEXT && !common->plain && !common->quiet;
    char text[32];
    if (session->running && for_people)
        cli_warn("pid %u is still running; this is its state %s after the start", session->info->pid,
                 prof_fmt_duration(text, sizeof text, session->info->end_us));
    if (session->info->damage != NULL && !session->running)
        cli_warn("%s is incomplete: %s", session->path, session->info->damage);
}

void cli_session_close(struct cli_session *session)
{
    prof_view_destroy(session->view);
    prof_ledgers_destroy(session->ledgers);
    prof_graph_destroy(session->graph);
    prof_wrappers_destroy(session->wrappers);
    if (session->findings != NULL)
        prof_findings_destroy(session->findings);
    if (session->baseline != NULL)
        prof_baseline_destroy(session->baseline);
    if (session->suppressions != NULL)
        prof_suppressions_destroy(session->suppressions);
    if (session->symbols != NULL)
        prof_symbols_destroy(session->symbols);
    if (session->heap != NULL)
        prof_heap_destroy(session->heap);
    if (session->trace != NULL)
        prof_trace_close(session->trace);
    free(session->path);
    free(session->name);
    free(session->live);
    *session = (struct cli_session){ .path = NULL };
}
