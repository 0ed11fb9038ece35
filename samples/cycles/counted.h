/* counted.h: what the samples of this folder share: objects that count references, told to libtrack. A type begins with
 * struct counted, and has a destructor that gives back what its fields own. */
#ifndef SAMPLES_COUNTED_H
#define SAMPLES_COUNTED_H

#include <stdlib.h>
#include <track/track.h>

struct counted {
    int refs;
    void (*destroy)(void *object);
};

/* One reference, which the caller gives an owner: TRK_OWN(variable, counted_new(...)). */
TRK_WRAPPER static void *counted_new(size_t size, struct trk_type *type, void (*destroy)(void *))
{
    struct counted *object = calloc(1, size);
    object->refs = 1;
    object->destroy = destroy;
    trk_new_from(object, type, TRK_CALLER);
    return object;
}

TRK_WRAPPER static void *counted_ref(void *object)
{
    ((struct counted *)object)->refs++;
    trk_ref_from(object, NULL, TRK_CALLER);
    return object;
}

/* Gives back the reference that the variable `slot` owned. */
TRK_WRAPPER static void counted_unref(void *object, const void *slot)
{
    struct counted *counted = object;
    if (object == NULL)
        return;
    trk_unref_from(object, slot, TRK_CALLER);
    if (--counted->refs > 0)
        return;
    counted->destroy(object);
    trk_del(object);
    free(object);
}

#endif
