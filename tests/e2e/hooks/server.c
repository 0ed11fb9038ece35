/* server.c: a program that counts references and was not changed for reftrack. What it does is its arguments; in the
 * end it prints how often it called each function, as it counted itself. requests=N   serves N requests, each with one
 * object that is shared and given back leak=N       in N of them the shared reference is not given back threads=N    N
 * threads serve fork         a child serves as many plugin=FILE  FILE is loaded N times (reload=N), serves, and is
 * unloaded untyped      an object is made by the function that returns void * wait         reads a
 * byte of its input before it ends quiet        prints nothing */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "obj.h"

static struct obj *cache[256];
static int requests = 10, leak;
static unsigned long news, refs, unrefs;

#define COUNT(what) __atomic_fetch_add(&(what), 1, __ATOMIC_RELAXED)

static void use(struct obj *obj)
{
    __asm__ volatile("" : : "r"(obj) : "memory");
}

static void finish(struct obj *obj, int leaks)
{
    if (!leaks) {
        COUNT(unrefs);
        obj_unref(obj);
    }
    COUNT(unrefs);
    obj_unref(obj);
}

static void serve(int n)
{
    COUNT(news);
    struct obj *obj = n % 2 ? obj_new() : obj_new_text("request");
    COUNT(refs);
    struct obj *shared = obj_ref(obj);
    use(shared);
    finish(obj, n < leak);
    COUNT(unrefs);
    obj_unref(NULL); /* a call, and no event */
}

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < requests; i++)
        serve(i);
    return NULL;
}

/* Runs before main, and before or after whatever else is loaded. */
__attribute__((constructor)) static void early(void)
{
    COUNT(news);
    cache[0] = obj_new();
}

static void load(const char *file)
{
    void *handle = dlopen(file, RTLD_NOW);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(9);
    }
    void (*run)(int) = (void (*)(int))dlsym(handle, "plugin_run");
    run(requests);
    dlclose(handle);
}

int main(int argc, char **argv)
{
    const char *plugin = NULL;
    int threads = 0, reload = 1, forks = 0, quiet = 0, waits = 0, status = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "requests=", 9) == 0)
            requests = atoi(argv[i] + 9);
        else if (strncmp(argv[i], "leak=", 5) == 0)
            leak = atoi(argv[i] + 5);
        else if (strncmp(argv[i], "threads=", 8) == 0)
            threads = atoi(argv[i] + 8);
        else if (strncmp(argv[i], "plugin=", 7) == 0)
            plugin = argv[i] + 7;
        else if (strncmp(argv[i], "reload=", 7) == 0)
            reload = atoi(argv[i] + 7);
        else if (strcmp(argv[i], "fork") == 0)
            forks = 1;
        else if (strcmp(argv[i], "untyped") == 0)
            obj_unref(obj_untyped());
        else if (strcmp(argv[i], "wait") == 0)
            waits = 1;
        else
            quiet = 1;
    }
    pthread_t thread[64];
    for (int i = 0; i < threads && i < 64; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < threads && i < 64; i++)
        pthread_join(thread[i], NULL);
    if (threads == 0 && plugin == NULL)
        work(NULL);
    for (int i = 0; plugin != NULL && i < reload; i++)
        load(plugin);
    fflush(stdout);
    if (forks && fork() == 0) {
        news = refs = unrefs = 0;
        work(NULL);
        printf("child new %lu ref %lu unref %lu\n", news, refs, unrefs);
        fflush(stdout);
        _exit(0);
    }
    if (forks)
        wait(&status);
    obj_tiny(NULL);
    COUNT(unrefs);
    obj_unref(cache[0]);
    if (!quiet)
        printf("new %lu ref %lu unref %lu\n", news, refs, unrefs);
    fflush(stdout);
    if (waits)
        getchar();
    return status != 0 ? 1 : 7;
}
