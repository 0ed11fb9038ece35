/* plugin.c: loaded late, with counted objects of its own; its constructor already uses them. */
#include <stdio.h>

#include "obj.h"

void plugin_run(int requests);

static struct obj *early;

__attribute__((constructor)) static void begin(void)
{
    early = obj_new();
}

__attribute__((destructor)) static void end(void)
{
    obj_unref(early);
}

void plugin_run(int requests)
{
    for (int i = 0; i < requests; i++) {
        struct obj *obj = obj_ref(obj_new_text("plugin"));
        obj_unref(obj);
        obj_unref(obj);
    }
}
