/* remember.c: what a saved state says about checkpoints becomes what the heap knows of them; or is refused. */
#include "restore.h"

#include <string.h>

static const char *list_all(struct prof_heap *h, const struct restore *r)
{
    size_t name = 0;
    if (r->checkpoints.count > CHECKPOINTS || r->checkpoints.count > h->totals.memories ||
        (r->checkpoints.count == 0) != (h->totals.memories == 0))
        return "checkpoints are not counted well";
    for (size_t i = 0; i < r->checkpoints.count; i++) {
        const struct row_checkpoint *row = &r->checkpoints.items[i];
        if (row->name_bytes > r->names.count - name || row->pub.rung < TRK_RUNG_STOPPED ||
            row->pub.rung > TRK_RUNG_CONFIRMED)
            return "a checkpoint is impossible";
        checkpoint_list(h, &row->pub,
                        row->name_bytes > 0 ? strndup(r->names.items + name, row->name_bytes) : strdup(""));
        name += row->name_bytes;
    }
    return name == r->names.count ? NULL : "a name belongs to no checkpoint";
}

/* What stands in the rows is copied by those who check such things for traces. */
static const char *make_memory(struct prof_heap *h, const struct restore *r)
{
    if (h->checkpoints.count == 0)
        return r->areas.count + r->words.count + r->counts.count + h->freed_since.count == 0 && !h->compared
                   ? NULL
                   : "memory belongs to no checkpoint";
    const struct prof_checkpoint *last = &h->checkpoints.items[h->checkpoints.count - 1];
    size_t first = 0;
    for (size_t i = 0; i < r->areas.count; i++) {
        struct prof_memory_area *area = &r->areas.items[i];
        area->first = first;
        first += area->count;
    }
    const struct prof_memory stored = { .number = last->number,
                                        .rung = last->rung,
                                        .why = last->why,
                                        .cut = last->cut,
                                        .single = last->single,
                                        .late = last->late,
                                        .name = last->name,
                                        .at_us = last->at_us,
                                        .round = last->round,
                                        .pause_us = last->pause_us,
                                        .took_us = last->took_us,
                                        .read_bytes = last->read_bytes,
                                        .unread_bytes = last->unread_bytes,
                                        .threads = last->threads,
                                        .threads_unread = last->threads_unread,
                                        .areas = r->areas.items,
                                        .area_count = r->areas.count,
                                        .words = r->words.items,
                                        .word_count = r->words.count,
                                        .counts = r->counts.items,
                                        .count_count = r->counts.count };
    if ((r->again && !h->compared) || (h->compared && h->checkpoints.count < 2))
        return "memory was compared with no checkpoint";
    if (!h->compared)
        prof_vec_deinit(&h->again);
    if (last->areas != r->areas.count || last->words != r->words.count || last->counts != r->counts.count)
        return "a checkpoint is not complete";
    struct prof_memory *memory;
    struct prof_error *error = prof_memory_copy(&stored, &memory);
    if (error == NULL) {
        h->memory = memory;
        return NULL;
    }
    h->no_memory |= error->code == PROF_ERROR_NO_MEMORY;
    prof_error_destroy(error);
    return "the memory of a checkpoint is out of order";
}

const char *remember_checkpoints(struct prof_heap *h, const struct restore *r)
{
    const char *what = list_all(h, r);
    return what == NULL && !h->no_memory ? make_memory(h, r) : what;
}
