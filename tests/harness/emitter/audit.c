/* audit.c: which numbered events the traces of a program hold: `audit PAGE TRACE...`; PAGE "-": only how they end.
 * Prints what it found as lines of key=value pairs: one `trace` per file, one `lane` per lane that issued, one `total`;
 * the caller judges. Exit 1 when a trace cannot be opened.
 *
 * Of a lane: recorded (different numbers), twice (numbers met again), beyond (numbers never begun), missing (done but
 * not recorded), ahead (recorded but not done), gaps (missing ones in front of a recorded one), backwards (out of
 * order). `unexplained` sums what gaps are longer than the DROP records in front of them, by ring: what a thread lost
 * at its end is told by the next one that writes its ring. */
#include "emitter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <prof/trace.h>

enum { RINGS = 256 /* prof_event.ring is modulo that */ };

struct lane {
    uint8_t *bits;
    uint64_t room; /* numbers that fit into bits */
    uint64_t recorded, twice, beyond, highest, backwards, next;
};

struct audit {
    const struct emitter_page *page;
    struct lane lane[EMITTER_LANES];
    uint64_t pending[RINGS]; /* told by DROP records, not met as gaps yet */
    uint64_t ops[TRK_OP_COUNT_];
    uint64_t unexplained, in_band, others;
};

static void take(struct audit *audit, const struct prof_event *event)
{
    uint64_t index = (event->addr - EMITTER_OBJECT) / 16, number = (event->slot - EMITTER_SLOT) / 8;
    uint64_t *pending = &audit->pending[event->ring % RINGS];
    if (event->op == TRK_OP_DROP) {
        *pending += event->size;
        audit->in_band += event->size;
        return;
    }
    if (event->op != TRK_OP_REF || event->addr < EMITTER_OBJECT || index >= EMITTER_LANES ||
        !(event->flags & PROF_EVENT_SLOT)) {
        audit->others++;
        return;
    }
    struct lane *lane = &audit->lane[index];
    if (number >= lane->room) {
        lane->beyond++;
        return;
    }
    if (lane->bits[number / 8] >> (number % 8) & 1) {
        lane->twice++;
        return;
    }
    lane->bits[number / 8] |= (uint8_t)(1u << (number % 8));
    lane->recorded++;
    lane->backwards += number < lane->next;
    if (number >= lane->next) {
        uint64_t gap = number - lane->next;
        uint64_t told = gap < *pending ? gap : *pending;
        audit->unexplained += gap - told;
        *pending -= told;
        lane->next = number + 1;
    }
    if (number >= lane->highest)
        lane->highest = number + 1;
}

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t n)
{
    struct audit *audit = ctx;
    for (size_t i = 0; i < n; i++) {
        audit->ops[events[i].op % TRK_OP_COUNT_]++;
        take(audit, &events[i]);
    }
    return NULL;
}

static int read_trace(struct audit *audit, const char *path)
{
    struct prof_trace *trace;
    struct prof_error *error = prof_trace_open(path, &trace);
    if (error == NULL) {
        static const struct prof_trace_sink sink = { .events = on_events };
        const struct prof_trace_info *info = prof_trace_info(trace);
        printf("trace pid=%u finished=%d reason=%u value=%d damaged=%d records=%lu dropped=%lu holes=%lu emergency=%lu "
               "write_lost=%lu in_flight=%lu depot_full=%lu bytes=%lu\n",
               info->pid, info->finished, info->end_reason, info->end_value, info->damage != NULL,
               (unsigned long)info->records, (unsigned long)info->loss.dropped, (unsigned long)info->loss.holes,
               (unsigned long)info->loss.emergency, (unsigned long)info->loss.write_lost,
               (unsigned long)info->loss.in_flight, (unsigned long)info->loss.depot_full,
               (unsigned long)info->file_bytes);
        if (audit->page != NULL)
            error = prof_trace_replay(trace, &sink, audit);
        prof_trace_close(trace);
    }
    if (error == NULL)
        return 0;
    fprintf(stderr, "audit: %s\n", error->message);
    prof_error_destroy(error);
    return 1;
}

static void print_lanes(const struct audit *audit)
{
    uint64_t begun = 0, done = 0, recorded = 0;
    for (unsigned i = 0; i < EMITTER_LANES; i++) {
        const struct emitter_lane *issued = &audit->page->lane[i];
        const struct lane *lane = &audit->lane[i];
        if (issued->begun == 0)
            continue;
        uint64_t below = 0; /* recorded ones that are done */
        for (uint64_t n = 0; n < issued->done && n < lane->room; n++)
            below += lane->bits[n / 8] >> (n % 8) & 1;
        printf("lane lane=%u begun=%lu done=%lu torn=%lu recorded=%lu missing=%lu ahead=%lu gaps=%lu twice=%lu "
               "beyond=%lu backwards=%lu\n",
               i, (unsigned long)issued->begun, (unsigned long)issued->done, (unsigned long)issued->torn,
               (unsigned long)lane->recorded, (unsigned long)(issued->done - below),
               (unsigned long)(lane->recorded - below), (unsigned long)(lane->highest - lane->recorded),
               (unsigned long)lane->twice, (unsigned long)lane->beyond, (unsigned long)lane->backwards);
        begun += issued->begun;
        done += issued->done;
        recorded += lane->recorded;
    }
    printf("total begun=%lu done=%lu recorded=%lu others=%lu in_band=%lu unexplained=%lu handled=%lu allocated=%lu "
           "allocs=%lu frees=%lu exits=%lu modules=%lu\n",
           (unsigned long)begun, (unsigned long)done, (unsigned long)recorded, (unsigned long)audit->others,
           (unsigned long)audit->in_band, (unsigned long)audit->unexplained, (unsigned long)audit->page->handled,
           (unsigned long)audit->page->allocated, (unsigned long)audit->ops[TRK_OP_ALLOC],
           (unsigned long)audit->ops[TRK_OP_FREE], (unsigned long)audit->ops[TRK_OP_EXIT],
           (unsigned long)audit->ops[TRK_OP_MODULES]);
}

int main(int argc, char **argv)
{
    struct audit *audit = calloc(1, sizeof *audit);
    bool counts = argc > 2 && strcmp(argv[1], "-") != 0;
    int fd = counts ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *audit->page, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (audit == NULL || page == MAP_FAILED || (counts && page == NULL))
        return 2;
    audit->page = page;
    for (unsigned i = 0; counts && i < EMITTER_LANES; i++) {
        audit->lane[i].room = audit->page->lane[i].begun;
        audit->lane[i].bits = calloc(audit->lane[i].room / 8 + 1, 1);
        if (audit->lane[i].bits == NULL)
            return 2;
    }
    int code = 0;
    for (int i = 2; i < argc; i++)
        code |= read_trace(audit, argv[i]);
    if (counts)
        print_lanes(audit);
    for (unsigned i = 0; i < EMITTER_LANES; i++)
        free(audit->lane[i].bits);
    free(audit);
    return code;
}
