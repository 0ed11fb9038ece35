/* progress.c: one line on stderr that says how far a long step is, and erases itself. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void cli_progress_begin(struct cli_progress *progress, const struct cli_common *common, const char *what)
{
    const char *term = getenv("TERM");
    *progress = (struct cli_progress){ .what = what, .begin_us = now_us() };
    progress->wanted =
        !common->quiet && !common->plain && isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

bool cli_progress_step(void *ctx, uint64_t done_bytes, uint64_t all_bytes)
{
    struct cli_progress *progress = ctx;
    if (!progress->wanted)
        return true;
    uint64_t now = now_us();
    /* nothing for what is over at once, and at most ten times a second */
    if (now - progress->begin_us < 100000 || now - progress->last_us < 100000)
        return true;
    progress->last_us = now;
    progress->shown = true;
    char done[32], all[32], left[32] = "";
    prof_fmt_bytes(done, sizeof done, done_bytes, PROF_UNITS_IEC);
    prof_fmt_bytes(all, sizeof all, all_bytes, PROF_UNITS_IEC);
    if (done_bytes != 0 && all_bytes > done_bytes && now - progress->begin_us > 1000000) {
        double rest = (double)(now - progress->begin_us) * (double)(all_bytes - done_bytes) / (double)done_bytes;
        snprintf(left, sizeof left, "  %.0f s left", rest / 1e6);
    }
    fprintf(stderr, "\r\033[K%s  %u %%  %s of %s%s", progress->what,
            (unsigned)(all_bytes != 0 ? (double)done_bytes * 100 / (double)all_bytes : 0), done, all, left);
    fflush(stderr);
    return true;
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    *progress = (struct cli_progress){ .wanted = false };
}
