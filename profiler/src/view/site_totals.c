/* site_totals.c: the sites of a finding, summed by what people read: many stacks share one site. */
#include "internal.h"

#include <stdlib.h>

struct entry {
    const char *site; /* interned: equal words, equal pointer */
    struct prof_site_total *total;
    UT_hash_handle hh;
};

static int compare(const void *a, const void *b)
{
    const struct prof_site_total *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    if (x->taken != y->taken)
        return x->taken < y->taken ? 1 : -1;
    return 0;
}

struct prof_error *prof_view_finding_sites(struct prof_view *view, const struct prof_finding *finding,
                                           const struct prof_site_total **ret, size_t *ret_count)
{
    struct prof_site_total *totals = prof_arena_alloc(&view->arena, (finding->site_count + 1) * sizeof *totals);
    struct entry *entries = calloc(finding->site_count + 1, sizeof *entries), *index = NULL;
    size_t count = 0;
    bool failed = totals == NULL || entries == NULL;
    for (size_t i = 0; i < finding->site_count && !failed; i++) {
        const struct prof_finding_site *site = &finding->sites[i];
        const char *text = site->stack != 0 ? view_site_text(view, site->stack) : view_text(view, "(no stack)");
        struct entry *entry = NULL;
        if (text == NULL) {
            failed = true;
            break;
        }
        HASH_FIND_PTR(index, &text, entry);
        if (entry == NULL) {
            entry = &entries[count];
            entry->site = text;
            entry->total = &totals[count];
            totals[count++].site = text;
            HASH_ADD_PTR(index, site, entry);
            failed = entry->hh.tbl == NULL;
        }
        entry->total->taken += site->taken;
        entry->total->given += site->given;
        entry->total->bytes += site->bytes;
    }
    HASH_CLEAR(hh, index);
    free(entries);
    if (failed)
        return prof_error_memory();
    qsort(totals, count, sizeof *totals, compare);
    *ret = totals;
    *ret_count = count;
    return NULL;
}
