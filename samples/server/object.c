/* object.c: counting references, in one place for all types. */
#include "server.h"

TRK_WRAPPER void object_new(void *variable, size_t size, struct trk_type *type, void (*end)(void *object))
{
    struct object *object = calloc(1, size);
    if (object == NULL)
        abort();
    object->refs = 1;
    object->end = end;
    trk_new_from(object, type, TRK_CALLER);
    trk_own(object, variable);
    *(struct object **)variable = object;
}

TRK_WRAPPER void hold(void *variable, void *held)
{
    struct object *object = held;
    object->refs++;
    trk_ref_from(object, variable, TRK_CALLER);
    *(struct object **)variable = object;
}

TRK_WRAPPER void drop(void *variable)
{
    struct object *object = *(struct object **)variable;
    if (object == NULL)
        return;
    trk_unref_from(object, variable, TRK_CALLER);
    *(struct object **)variable = NULL;
    if (--object->refs > 0)
        return;
    object->end(object);
    trk_del(object);
    free(object);
}
