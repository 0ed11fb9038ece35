/* stress.c: two hundred threads count references in the program and in a library while that one is loaded and unloaded.
 * stress PLUGIN RELOADS. Prints how often each function was called in the program itself. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "obj.h"

enum { THREADS = 200, OBJECTS = 40 };

static atomic_int stop;
static atomic_ulong news, refs, unrefs;

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < OBJECTS || !atomic_load(&stop); i++) {
        struct obj *obj = obj_new_text("stress");
        obj_ref(obj);
        obj_unref(obj);
        obj_unref(obj);
        news++;
        refs++;
        unrefs += 2;
        if (i >= OBJECTS)
            sched_yield();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    if (argc < 3)
        return 2;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, work, NULL) != 0)
            return 3;
    for (int i = 0; i < atoi(argv[2]); i++) {
        void *handle = dlopen(argv[1], RTLD_NOW);
        if (handle == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 4;
        }
        void (*run)(int) = (void (*)(int))dlsym(handle, "plugin_run");
        run(10);
        dlclose(handle);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    printf("new %lu ref %lu unref %lu\n", news, refs, unrefs);
    return 7;
}
