/* obj.c: see obj.h. */
#include "obj.h"

#include <stdlib.h>

atomic_ulong obj_news, obj_refs, obj_unrefs;

#define COUNT(what) atomic_fetch_add_explicit(&(what), 1, memory_order_relaxed)

OBJ_SCOPE void *obj_new(const struct obj_class *class)
{
    struct obj *obj = calloc(1, class->size);
    COUNT(obj_news);
    if (obj == NULL)
        abort();
    obj->class = class;
    atomic_init(&obj->refs, 1);
    return obj;
}

OBJ_SCOPE void *obj_ref(void *obj)
{
    struct obj *o = obj;
    COUNT(obj_refs);
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return obj;
}

OBJ_SCOPE void obj_unref(void *obj)
{
    struct obj *o = obj;
    COUNT(obj_unrefs);
    if (o == NULL || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (o->class->end != NULL)
        o->class->end(o);
    free(o);
}
