/* plugin_host.c: opens a plugin by a name without a folder: the loader must see who asks, in the program and in the
 * plugin. */
#include <unistd.h>

#include "target.h"

int main(void)
{
    struct stub_api stub = stub_api();
    void *handle = dlopen("libmalloc_plugin.so", RTLD_NOW);
    if (!handle)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(handle);
    int (*open_next)(void) = (int (*)(void))dlsym(handle, "plugin_open");
    CHECK(open_next);
    int failed = open_next();
    CHECK(failed == 0);
    CHECK(dlclose(handle) == 0);
    CHECK(!stub.count || stub.count(STUB_UNLOADED) == 2);
    return 0;
}
