/* marks.c: the marks of a run, and their thinning: a program that sets them for weeks must not fill memory with them.
 */
#include "state.h"

#include <stdlib.h>

enum {
    MARKS_MANY = 10000, /* more are thinned */
    MARKS_STEP = 2500,  /* looked at again after so many more, when there was little to give up */
};

struct named {
    uint32_t text, kind, at;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static bool is_same(const struct named *a, const struct named *b)
{
    return a->text == b->text && a->kind == b->kind;
}

/* Gives up every second mark of the older half that is neither the first nor the last of its name and kind: the first
 * is the one that a name means, for the user and where a replay stops. */
static void thin(struct prof_heap *h)
{
    size_t count = h->marks.count, kept = 0;
    struct named *named = malloc(count * sizeof *named);
    bool *inner = calloc(count, sizeof *inner);
    if (named == NULL || inner == NULL) {
        free(named);
        free(inner);
        h->no_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        named[i] = (struct named){ h->marks.items[i].text, h->marks.items[i].kind, (uint32_t)i };
    qsort(named, count, sizeof *named, by_name);
    for (size_t i = 1; i + 1 < count; i++)
        inner[named[i].at] = is_same(&named[i - 1], &named[i]) && is_same(&named[i], &named[i + 1]);
    bool drop = false;
    for (size_t i = 0; i < count; i++) {
        if (i < count / 2 && inner[i]) {
            drop = !drop;
            if (drop) {
                h->totals.marks_thinned++;
                continue;
            }
        }
        h->marks.items[kept++] = h->marks.items[i];
    }
    h->marks.count = kept;
    free(named);
    free(inner);
}

void marks_push(struct prof_heap *h, const struct prof_mark *mark)
{
    if (!prof_vec_push(&h->marks, *mark))
        h->no_memory = true;
    else if (h->marks.count > MARKS_MANY && h->marks.count % MARKS_STEP == 0)
        thin(h);
}
