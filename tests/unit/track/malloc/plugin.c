/* plugin.c: found through the RUNPATH of the object that opens it; PLUGIN_NEXT names a further plugin that only this
 * object's own RUNPATH ($ORIGIN/deep) leads to. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

__attribute__((visibility("default"))) int plugin_open(void);

int plugin_open(void)
{
#ifdef PLUGIN_NEXT
    void *next = dlopen(PLUGIN_NEXT, RTLD_NOW);
    if (!next)
        return 1;
    int (*open_next)(void) = (int (*)(void))dlsym(next, "plugin_open");
    int failed = open_next ? open_next() : 2;
    return dlclose(next) ? 3 : failed;
#else
    void *p = malloc(10);
    int failed = p == NULL;
    free(p);
    return failed;
#endif
}
