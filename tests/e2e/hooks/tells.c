/* tells.c: counted objects in a program that calls libtrack itself, too. */
#include <track/track.h>

#include "obj.h"

int main(void)
{
    struct obj *obj = obj_ref(obj_new());
    trk_ref(obj, NULL);
    trk_unref(obj, NULL);
    obj_unref(obj);
    obj_unref(obj);
    return 5;
}
