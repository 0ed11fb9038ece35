/* baseline_compare.c: which findings a baseline has.
 *
 * A fingerprint has no lines, because lines move. So all lines of a fingerprint are compared at once: they are known
 * when each can be one of the baseline's lines, no two the same one, with no more objects than that had. Sorted by
 * objects, that is a comparison one by one. Else some are too many: which ones, the numbers of the lines tell as far as
 * they still fit, then the objects. */
#include "baseline.h"

#include <stdlib.h>
#include <string.h>

/* All findings of one fingerprint at one line, which may differ in how sure they are. */
struct line {
    uint64_t print, key, objects;
    uint64_t then; /* objects at this line in the baseline, 0: it is none of its lines */
    bool known;
};
struct compare {
    const struct prof_baseline *baseline;
    PROF_VEC(struct line) lines;
    PROF_VEC(struct baseline_line) old; /* scratch: of one fingerprint */
};

static int by_print(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    if (a->print != b->print)
        return a->print < b->print ? -1 : 1;
    if (a->objects != b->objects)
        return a->objects > b->objects ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_objects(const void *left, const void *right)
{
    const struct baseline_line *a = left, *b = right;
    if (a->objects != b->objects)
        return a->objects > b->objects ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static bool all_fit(const struct compare *c, const struct line *lines, size_t count)
{
    bool fit = count <= c->old.count;

    for (size_t i = 0; fit && i < count; i++)
        fit = lines[i].objects <= c->old.items[i].objects;
    return fit;
}

/* Lines of one fingerprint, the one with most objects first. false without memory. */
static bool match(struct compare *c, struct line *lines, size_t count)
{
    struct baseline_known known = baseline_find(c->baseline, lines[0].print);
    uint64_t sum = 0;

    if (known.objects == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        sum += lines[i].objects;
    c->old.count = 0;
    for (uint32_t at = known.first; at != BASELINE_NONE; at = baseline_line(c->baseline, at)->next) {
        if (!prof_vec_push(&c->old, *baseline_line(c->baseline, at)))
            return false;
    }
    if (c->old.count > 1)
        qsort(c->old.items, c->old.count, sizeof *c->old.items, by_objects);
    bool all = known.first == BASELINE_NONE ? sum <= known.objects : all_fit(c, lines, count);
    for (size_t i = 0; i < count; i++) {
        lines[i].known = all;
        lines[i].then = known.first == BASELINE_NONE ? known.objects : 0;
        for (size_t j = 0; j < c->old.count; j++) {
            if (c->old.items[j].key != lines[i].key)
                continue;
            lines[i].then = c->old.items[j].objects;
            lines[i].known |= lines[i].objects <= lines[i].then;
            if (lines[i].known && !all)
                c->old.items[j].objects = 0; // taken
        }
    }
    for (size_t i = 0, j = 0; !all && i < count && j < c->old.count;) {
        if (c->old.items[j].objects == 0) {
            j++;
        } else if (lines[i].known || lines[i].objects > c->old.items[j].objects) {
            i++;
        } else {
            lines[i].known = true;
            i++;
            j++;
        }
    }
    return true;
}

static uint64_t print_of(const struct prof_finding *f)
{
    uint64_t print = 0;
    baseline_print_parse(f->fingerprint, &print);
    return print;
}

static uint64_t key_of(struct analysis *a, const struct prof_finding *f)
{
    if (f->place_stack == 0)
        return baseline_line_key(NULL, 0, NULL, 0);
    const struct prof_frame *frame = prof_symbols_site_frame(a->symbols, f->place_stack);
    return baseline_line_key(frame->file, frame->line, frame->module, frame->offset);
}

/* index: (fingerprint, line) -> lines. */
static bool gather(struct compare *c, struct analysis *a, struct map *index)
{
    for (size_t i = 0; i < a->out->list.count; i++) {
        const struct prof_finding *f = &a->out->list.items[i];
        struct line line = { .print = print_of(f), .key = key_of(a, f), .objects = f->objects };
        uint64_t key = map_mix(line.print, line.key);
        uint32_t at = map_get(index, key);
        if (at < c->lines.count)
            c->lines.items[at].objects += f->objects;
        else if (!map_put(index, key, (uint32_t)c->lines.count) || !prof_vec_push(&c->lines, line))
            return false;
    }
    return true;
}

/* After sorting the index is wrong, and made again. */
static bool index_lines(const struct compare *c, struct map *index)
{
    for (size_t i = 0; i < c->lines.count; i++) {
        if (!map_put(index, map_mix(c->lines.items[i].print, c->lines.items[i].key), (uint32_t)i))
            return false;
    }
    return true;
}

static const char not_comparable[] = "baseline, perhaps: places without names of functions cannot be compared";

/* Could a finding be what the baseline has at a place of which only one side knows the function? */
static bool unlike(struct analysis *a, const struct prof_finding *f, const struct prof_baseline_gone *entry)
{
    if (f->place_stack == 0 || strcmp(entry->verdict, prof_verdict_name(f->verdict)) != 0 ||
        strcmp(entry->type, f->type) != 0)
        return false;
    return prof_symbols_site_frame(a->symbols, f->place_stack)->function != NULL ? entry->nameless : entry->named;
}

static bool comparable(struct analysis *a, const struct prof_finding *f)
{
    const struct prof_baseline_gone *entries;
    size_t count = baseline_entries(a->options->baseline, &entries);

    for (size_t i = 0; i < count; i++) {
        if (unlike(a, f, &entries[i]))
            return false;
    }
    return true;
}

/* index: (fingerprint, line) -> lines. Returns how many findings could not be compared. */
static uint64_t judge(const struct compare *c, struct analysis *a, const struct map *index)
{
    uint64_t unsure = 0;

    for (size_t i = 0; i < a->out->list.count; i++) {
        struct prof_finding *f = &a->out->list.items[i];
        uint32_t at = map_get(index, map_mix(print_of(f), key_of(a, f)));
        if (at >= c->lines.count)
            continue;
        const struct line *line = &c->lines.items[at];
        f->baseline_objects = line->then != 0 ? line->then : baseline_find(c->baseline, line->print).objects;
        f->baseline_elsewhere = line->then == 0 && f->baseline_objects != 0;
        if (f->suppressed_by == NULL && line->known)
            f->suppressed_by = "baseline";
        if (f->suppressed_by == NULL && f->baseline_objects == 0 && !comparable(a, f)) {
            f->suppressed_by = not_comparable;
            unsure++;
        }
    }
    return unsure;
}

bool baseline_compare(struct analysis *a)
{
    struct compare c = { .baseline = a->options->baseline };
    struct map index = { 0 };
    bool good = gather(&c, a, &index);

    if (good && c.lines.count > 1)
        qsort(c.lines.items, c.lines.count, sizeof *c.lines.items, by_print);
    for (size_t i = 0, end; good && i < c.lines.count; i = end) {
        for (end = i + 1; end < c.lines.count && c.lines.items[end].print == c.lines.items[i].print;)
            end++;
        good = match(&c, &c.lines.items[i], end - i);
    }
    good = good && index_lines(&c, &index);
    uint64_t unsure = good ? judge(&c, a, &index) : 0;
    if (unsure > 0)
        audit_doubt(a, "findings cannot be compared with the baseline: on one side functions have no names; 'reftrack "
                       "info' says which symbols are missing");
    prof_vec_deinit(&c.lines);
    prof_vec_deinit(&c.old);
    map_deinit(&index);
    return good;
}

static bool perhaps_here(struct analysis *a, const struct prof_baseline_gone *entry)
{
    for (size_t i = 0; i < a->out->list.count; i++) {
        const struct prof_finding *f = &a->out->list.items[i];
        if (f->suppressed_by == not_comparable && unlike(a, f, entry))
            return true;
    }
    return false;
}

bool baseline_gone(struct analysis *a)
{
    const struct prof_baseline_gone *entries;
    struct map now = { 0 };
    bool good = true;

    if (a->options->baseline == NULL)
        return true;
    size_t count = baseline_entries(a->options->baseline, &entries);
    for (size_t i = 0; good && i < a->out->list.count; i++)
        good = map_put(&now, print_of(&a->out->list.items[i]), 0);
    for (size_t i = 0; good && i < count; i++) {
        uint64_t print = 0;
        enum prof_verdict verdict;
        if (prof_verdict_parse(entries[i].verdict, &verdict) && !prof_verdict_gates(verdict))
            continue; // it was folded away then, too
        if (perhaps_here(a, &entries[i]))
            continue;
        baseline_print_parse(entries[i].fingerprint, &print);
        if (map_get(&now, print) == UINT32_MAX)
            good = prof_vec_push(&a->out->gone, entries[i]);
    }
    map_deinit(&now);
    return good;
}
