/* restore.c: the parts of a saved state, one after the other, into a heap that has seen no event. Nothing in them is
 * believed: what is read here is only numbers until rebuild.c has looked at all of them together. */
#include "restore.h"

#include <stdlib.h>
#include <string.h>

void restore_deinit(struct prof_heap *h)
{
    struct restore *r = h->restore;
    h->restore = NULL;
    if (r == NULL)
        return;
    for (size_t i = 0; i < POOLS; i++) {
        prof_vec_deinit(&r->pools[i].unused);
        prof_vec_deinit(&r->pools[i].used);
    }
    prof_vec_deinit(&r->large);
    prof_vec_deinit(&r->threads);
    prof_vec_deinit(&r->heads);
    prof_vec_deinit(&r->open_scopes);
    prof_vec_deinit(&r->checkpoints);
    prof_vec_deinit(&r->names);
    prof_vec_deinit(&r->areas);
    prof_vec_deinit(&r->words);
    prof_vec_deinit(&r->counts);
    prof_vec_deinit(&r->lives);
    prof_vec_deinit(&r->life_types);
    prof_vec_deinit(&r->followed);
    free(r);
}

static const char *read_section(struct prof_heap *h, struct restore *r, const struct section_head *head,
                                const unsigned char *bytes)
{
    const struct section_def *def = state_section(head->kind);
    if (def == NULL)
        return (head->flags & SECTION_VITAL) != 0 ? "it needs a newer reftrack" : NULL;
    if (head->kind < r->kind)
        return "its sections are not in order";
    r->kind = head->kind;
    struct section_reader reader;
    uint32_t ids[SECTION_ROWS] = { 0 };
    void *rows[SECTION_ROWS];
    const char *what = section_open(&reader, head, bytes, def, ids);
    if (what == NULL && !put_room(h, r, def, ids, rows, head->rows, &what))
        return what;
    if (what == NULL)
        what = section_read(&reader, def, rows);
    for (size_t i = 0; i < head->rows && what == NULL; i++)
        what = put_row(h, r, head->kind, ids[i], rows[i]);
    return what;
}

static const char *read_part(struct prof_heap *h, struct restore *r, const unsigned char *bytes, size_t size)
{
    struct trk_state_head head;
    if (size < sizeof head)
        return "a part is too short";
    memcpy(&head, bytes, sizeof head);
    if (head.version > TRK_STATE_VERSION)
        return "it needs a newer reftrack";
    if (head.part != r->part || (r->part > 0 && (r->head.flags & TRK_STATE_LAST) != 0))
        return "its parts are not in order";
    r->head = head;
    r->part++;
    const char *what = NULL;
    for (size_t at = sizeof head; at < size && what == NULL;) {
        struct section_head section;
        if (size - at < sizeof section)
            return "a section ends early";
        memcpy(&section, bytes + at, sizeof section);
        at += sizeof section;
        if (section.bytes > size - at)
            return "a section ends early";
        what = read_section(h, r, &section, bytes + at);
        at += section.bytes;
    }
    return what;
}

/* The merge learns who lives where. */
static struct prof_error *tell_alive(const struct prof_heap *h, struct prof_merge *merge)
{
    struct prof_error *error = NULL;
    for (uint32_t id = 1; id < h->blocks.max && error == NULL; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & (PROF_BLOCK_ALIVE | BLOCK_IN_LIMBO)) == PROF_BLOCK_ALIVE)
            error = prof_merge_alive(merge, true, b->addr, b->kind, 0, false);
    }
    for (uint32_t id = 1; id < h->objs.max && error == NULL; id++) {
        const struct prof_obj *obj = obj_of(h, id);
        bool known = (obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_COUNTED)) != PROF_OBJ_SKEWED;
        /* The reference that came with the block is not known to be one before a birth is told. */
        int32_t guessed = !known && (obj->flags & PROF_OBJ_BLOCK_BORN) != 0;
        if (obj_alive(obj))
            error = prof_merge_alive(merge, false, obj->addr, 0, obj_count(obj) - guessed, known);
    }
    return error;
}

static struct prof_error *refuse(struct prof_heap *h, const char *what)
{
    if (h->restore != NULL)
        h->restore->failed = true;
    if (h->no_memory)
        return prof_error_memory();
    const char *path = prof_trace_info(h->trace)->path;
    if (path[0] != '\0')
        return prof_error_at(PROF_ERROR_FORMAT, path, 0, "the state that '%s' begins with cannot be used: %s", path,
                             what);
    return prof_error_create(PROF_ERROR_FORMAT, "a state of the heap cannot be used: %s", what);
}

/* Whoever goes along learns who lives, and what was saved for it. */
static const char *tell_follower(struct prof_heap *h, const struct restore *r)
{
    const struct prof_heap_follow *follow = h->options.follow;
    for (uint32_t id = 1; id < h->objs.max; id++) {
        if (obj_alive(obj_of(h, id)) && obj_of(h, id)->state != PROF_OBJ_PARKED)
            follow_born(h, id, true);
    }
    return follow != NULL && follow->restored != NULL
               ? follow->restored(follow->ctx, r->followed.items, r->followed.count)
               : NULL;
}

struct prof_error *prof_heap_restore(struct prof_heap *heap, struct prof_merge *merge, const void *bytes, size_t size)
{
    if (heap->begun)
        return prof_error_create(PROF_ERROR_ARGUMENT, "a state can only be read before all events");
    if (heap->restore == NULL) {
        heap->restore = calloc(1, sizeof *heap->restore);
        if (heap->restore == NULL)
            return prof_error_memory();
    }
    struct restore *r = heap->restore;
    const char *what = r->failed ? "a part before this one could not be used" : read_part(heap, r, bytes, size);
    if (what == NULL && !heap->no_memory && (r->head.flags & TRK_STATE_LAST) != 0) {
        what = rebuild(heap, r);
        if (what == NULL && !heap->no_memory)
            what = prof_heap_check(heap);
        if (what == NULL && !heap->no_memory) {
            what = tell_follower(heap, r);
            if (what != NULL)
                return refuse(heap, what);
            restore_deinit(heap);
            heap->begun = true;
            return merge != NULL ? tell_alive(heap, merge) : NULL;
        }
    }
    return what != NULL || heap->no_memory ? refuse(heap, what) : NULL;
}

struct prof_error *restore_unfinished(struct prof_heap *h)
{
    return refuse(h, "its last part is missing");
}
