/* purpose_text.c: objects that the program keeps on purpose (trk_pin, trk_may_leak), grouped by type and reason. */
#include "findings_text.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

struct kept {
    const char *type, *why;
    bool pinned;
    uint64_t objects;
};

static const char *reason_of(const struct cli_session *session, const struct prof_obj *obj)
{
    const char *why = obj->why_text != 0 ? prof_trace_text(session->trace, obj->why_text) : NULL;
    return why != NULL ? why : "";
}

static int compare(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->objects != y->objects)
        return x->objects < y->objects ? 1 : -1;
    int c = strcmp(x->type, y->type);
    return c != 0 ? c : strcmp(x->why, y->why);
}

void text_on_purpose(struct cli_session *session, struct cli_out *out, size_t top)
{
    PROF_VEC(struct kept) all = { 0 };
    uint32_t max = prof_heap_obj_max(session->heap);
    bool failed = false;
    for (prof_obj_id id = 1; id < max && !failed; id++) {
        const struct prof_obj *obj = prof_heap_obj(session->heap, id);
        if (obj->state == PROF_OBJ_NONE || obj->state == PROF_OBJ_DEAD ||
            (obj->flags & (PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK)) == 0 || obj->born_us < session->from_us)
            continue;
        struct kept one = { .type = prof_heap_type(session->heap, obj->type)->name,
                            .why = reason_of(session, obj),
                            .pinned = (obj->flags & PROF_OBJ_PINNED) != 0,
                            .objects = 1 };
        size_t i = 0;
        /* few kinds, whatever the number of objects: reasons are literals of the program */
        while (i < all.count && (all.items[i].type != one.type || all.items[i].pinned != one.pinned ||
                                 strcmp(all.items[i].why, one.why) != 0))
            i++;
        if (i < all.count)
            all.items[i].objects++;
        else
            failed = !prof_vec_push(&all, one);
    }
    if (failed)
        cli_error(prof_error_memory());
    if (all.count != 0)
        qsort(all.items, all.count, sizeof *all.items, compare);
    for (size_t i = 0; i < all.count && i < top; i++) {
        const struct kept *kept = &all.items[i];
        char count[32];
        fprintf(out->file, "held on purpose: %s ", prof_fmt_count(count, sizeof count, kept->objects));
        cli_put(out, CLI_TYPE, kept->type);
        fputs(kept->pinned ? ", pinned" : ", may leak", out->file);
        if (kept->why[0] != '\0') {
            fputs(": ", out->file);
            cli_put(out, CLI_PLAIN, kept->why);
        }
        fputc('\n', out->file);
    }
    if (all.count > top)
        cli_printf(out, CLI_FAINT, "held on purpose: and %zu more kinds\n", all.count - top);
    prof_vec_deinit(&all);
}
