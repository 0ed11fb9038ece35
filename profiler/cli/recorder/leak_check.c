/* leak_check.c: a thread that had memory looked at wants to know what is lost (trk_leak_check).
 *
 * The helper judges the trace as reports do and tells the sums, then one row for each place whose blocks are lost. The
 * rows are kept for the next check to compare with. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>
#include <track/track.h>

enum { ROWS_MAX = 1 << 20 };
_Static_assert(sizeof(struct trk_leak_numbers) <= sizeof((struct question_answer *)0)->numbers, "one is in the other");

/* ---- The helper ---- */

/* Is it one of its own, and not a consequence of others or held? */
static bool is_definite(const struct prof_finding *f)
{
    return f->headline == PROF_HEADLINE_LOST && f->suppressed_by == NULL && f->verdict != PROF_INDIRECT &&
           f->verdict != PROF_COLLATERAL && f->verdict != PROF_POSSIBLE && f->verdict != PROF_UNFREED;
}

static struct trk_leak_amount ignored(const struct prof_heap *heap)
{
    struct trk_leak_amount sum = { 0, 0 };
    const unsigned both = PROF_BLOCK_ALIVE | PROF_BLOCK_EXAMINED | PROF_BLOCK_IGNORED;
    for (prof_block_id id = 1; id < prof_heap_block_max(heap); id++) {
        const struct prof_block *block = prof_heap_block(heap, id);
        if ((block->flags & both) == both) {
            sum.blocks++;
            sum.bytes += block->size;
        }
    }
    return sum;
}

static bool tell(struct question_telling *t, const struct prof_findings *findings)
{
    const struct prof_heap *heap = t->heap;
    const struct prof_audit_memory *memory = &prof_findings_audit(findings)->memory;
    const struct prof_finding *list;
    size_t count = prof_findings_list(findings, &list);
    if (!memory->read)
        return false;
    struct trk_leak_amount left_out = ignored(heap), held = { memory->held_bytes, memory->held };
    held.bytes -= left_out.bytes < held.bytes ? left_out.bytes : held.bytes;
    held.blocks -= left_out.blocks < held.blocks ? left_out.blocks : held.blocks;
    struct trk_leak_numbers numbers = { .definite = { memory->lost_bytes, memory->lost },
                                        .indirect = { memory->indirect_bytes, memory->indirect },
                                        .possible = { memory->possible_bytes, memory->possible },
                                        .reachable = held,
                                        .suppressed = left_out };
    struct question_answer answer = { .answer = TRK_YES };
    memcpy(answer.numbers, &numbers, sizeof numbers);
    bool ok = rec_question_put(t, &answer, sizeof answer);
    for (size_t i = 0; i < count && ok; i++) {
        struct leak_row row = { .blocks = list[i].objects, .bytes = list[i].bytes };
        memcpy(row.place, list[i].fingerprint, sizeof row.place);
        if (is_definite(&list[i]))
            ok = rec_question_put(t, &row, sizeof row);
    }
    return ok;
}

bool rec_leak_check_tell(struct question_telling *t)
{
    struct prof_findings *findings;
    const struct prof_findings_options options = { 0 };
    if (!rec_question_symbols(t) || prof_findings_create(t->heap, t->symbols, &options, &findings) != NULL)
        return false;
    bool ok = tell(t, findings);
    prof_findings_destroy(findings);
    return ok;
}

/* ---- The recorder ---- */

static int by_place(const void *left, const void *right)
{
    const struct leak_row *a = left, *b = right;
    return memcmp(a->place, b->place, sizeof a->place);
}

/* Rows in order of their places, one for each; returns how many are left. */
static size_t in_order(struct leak_row *rows, size_t count)
{
    size_t kept = 0;
    qsort(rows, count, sizeof *rows, by_place);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_place(&rows[kept - 1], &rows[i]) == 0) {
            rows[kept - 1].blocks += rows[i].blocks;
            rows[kept - 1].bytes += rows[i].bytes;
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static const struct leak_row *row_of(const struct leak_row *rows, size_t count, const struct leak_row *like)
{
    return count > 0 ? bsearch(like, rows, count, sizeof *rows, by_place) : NULL;
}

/* Is there, in what is lost now, what was asked for? */
static bool differs(const struct question *c, const struct leak_row *now, size_t count)
{
    bool more = false, less = false, fresh = false;
    for (size_t i = 0; i < count; i++) {
        const struct leak_row *was = row_of(c->before.items, c->before.count, &now[i]);
        fresh |= was == NULL;
        more |= was == NULL || now[i].blocks > was->blocks || now[i].bytes > was->bytes;
        less |= was != NULL && (now[i].blocks < was->blocks || now[i].bytes < was->bytes);
    }
    for (size_t i = 0; i < c->before.count; i++)
        less |= row_of(now, count, &c->before.items[i]) == NULL;
    switch (c->kind) {
    case TRK_ASK_LEAKS_ADDED:
        return more;
    case TRK_ASK_LEAKS_CHANGED:
        return more || less;
    default:
        return fresh;
    }
}

int rec_leak_check_conclude(struct proc *proc, struct question_answer *answer, const void *rest, size_t size)
{
    struct question *c = &proc->question;
    struct trk_leak_numbers numbers;
    size_t count = size / sizeof(struct leak_row);
    if (count * sizeof(struct leak_row) != size || count > ROWS_MAX)
        return TRK_UNKNOWN;
    memcpy(&numbers, answer->numbers, sizeof numbers);
    struct leak_row *now = calloc(count + 1, sizeof *now);
    if (now == NULL)
        return TRK_UNKNOWN;
    if (size > 0)
        memcpy(now, rest, size);
    count = in_order(now, count);
    bool some = c->kind == TRK_ASK_LEAKS_FULL ? numbers.definite.blocks > 0 : differs(c, now, count);
    c->before.count = 0;
    bool known = prof_vec_reserve(&c->before, count);
    for (size_t i = 0; i < count && known; i++)
        known = prof_vec_push(&c->before, now[i]);
    free(now);
    return !known ? TRK_UNKNOWN : some ? TRK_NO : TRK_YES;
}
