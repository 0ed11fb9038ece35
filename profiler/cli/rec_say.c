/* rec_say.c: what a recorder has to say when a recording is over, before anything is analysed. */
#include "rec_say.h"

#include "cli.h"

/* More events than this are not analysed unasked: the program's user should not have to wait for it. */
static const uint64_t summary_most_events = 100000000;

static void say_losses(const struct rec_result *result, const char *name)
{
    const struct trk_loss *loss = &result->loss;
    char a[32], b[32];
    uint64_t lost = loss->dropped + loss->holes + loss->write_lost + loss->emergency;
    if (lost > 0)
        cli_warn("%s: %s of %s events lost (%s); its reports are uncertain", name, prof_fmt_count(a, sizeof a, lost),
                 prof_fmt_count(b, sizeof b, result->records + lost),
                 loss->write_lost > 0 ? "they could not be written"
                 : loss->dropped > 0  ? "the recorder was too slow, try a larger --budget"
                 : loss->holes > 0    ? "threads ended inside a record"
                                      : "signal handlers interrupted the recording itself");
    if (loss->depot_full > 0)
        cli_warn("%s: %s events have no stack, the table was full; try a larger --budget or fewer --stacks", name,
                 prof_fmt_count(a, sizeof a, loss->depot_full));
}

void rec_say_trace(const struct rec_result *result)
{
    const char *program = result->program != NULL ? result->program : "?";
    if (result->problem != NULL)
        cli_warn("%s", result->problem);
    if (result->note != NULL)
        cli_warn("%s[%d]: %s", program, (int)result->pid, result->note);
    if (result->reason == TRK_END_LIMIT)
        cli_warn("%s[%d]: the trace reached --max-trace: nothing is known from then on; --keep=folded goes on within a "
                 "limit",
                 program, (int)result->pid);
    if (result->malloc_note != NULL)
        cli_warn("%s[%d]: malloc is served by %s and was not recorded", program, (int)result->pid, result->malloc_note);
    if (result->into_unknown)
        cli_warn("%s[%d] became another program that was not recorded (static, privileged, or another environment)",
                 program, (int)result->pid);
    if (result->path != NULL) /* else the problem above says it all */
        say_losses(result, result->path);
}

void rec_say_look(const struct rec_result *result)
{
    static const char *const how[] = { [0] = "somehow",
                                       [TRK_RUNG_STOPPED] = "while all threads stood still",
                                       [TRK_RUNG_WAITING] = "while one thread waited and others ran",
                                       [TRK_RUNG_CONFIRMED] = "twice while the program ran" };
    char pause[32], took[32], bytes[32];
    const char *rung = result->look_single ? "while its only thread waited"
                                           : how[result->look_rung <= TRK_RUNG_CONFIRMED ? result->look_rung : 0];
    if (result->look_note != NULL && (result->looks == 0 || result->look_failed))
        cli_warn("memory was not read%s: %s", result->looks == 0 ? "" : " a last time", result->look_note);
    if (result->looks == 0)
        return;
    prof_fmt_duration(pause, sizeof pause, result->look_pause_us);
    prof_fmt_duration(took, sizeof took, result->look_took_us);
    prof_fmt_bytes(bytes, sizeof bytes, result->look_bytes, PROF_UNITS_IEC);
    fprintf(stderr, "reftrack: memory: %s read in %s %s", bytes, took, rung);
    if (result->look_pause_us > 0)
        fprintf(stderr, ", stopped for %s", pause);
    bool weaker = result->look_note != NULL && !result->look_failed;
    fprintf(stderr, "%s%s\n", weaker ? ": " : "", weaker ? result->look_note : "");
}

void rec_say_totals(const struct rec_result *const *results, size_t count, size_t running)
{
    uint64_t records = 0, bytes = 0;
    size_t traces = 0, processes = 0;
    const char *path = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t earlier = 0;
        while (earlier < i && results[earlier]->pid != results[i]->pid)
            earlier++;
        processes += earlier == i; /* a program that a process executes has a trace of its own */
        records += results[i]->records;
        bytes += results[i]->bytes;
        traces += results[i]->path != NULL;
        path = path == NULL ? results[i]->path : path;
    }
    char a[32], b[32], images[64] = "", name[512];
    if (path == NULL)
        return;
    prof_escape_terminal(name, sizeof name, path);
    prof_fmt_count(a, sizeof a, records);
    prof_fmt_bytes(b, sizeof b, bytes, PROF_UNITS_IEC);
    if (traces > processes)
        snprintf(images, sizeof images, ", %zu program images,", traces);
    if (traces > 1) /* one trace is described by its summary */
        fprintf(stderr, "reftrack: %s events of %zu process%s%s in %s and %zu more (%s)\n", a, processes,
                processes == 1 ? "" : "es", images, name, traces - 1, b);
    if (running > 0)
        fprintf(stderr, "reftrack: %zu %s still running and recorded on in the background\n", running,
                running == 1 ? "process is" : "processes are");
}

bool rec_say_few(uint64_t records)
{
    char number[32];
    if (records <= summary_most_events)
        return true;
    cli_warn("%s events are many: 'reftrack report' analyses them when you like",
             prof_fmt_count(number, sizeof number, records));
    return false;
}
