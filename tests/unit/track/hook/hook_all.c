/* Preloaded: hooks every function of the libraries whose path contains a word of HOOK_ALL (separated by ':') and counts
 * their calls. HOOK_WAY: 0 to 3, one of enum way for all; else they take turns. At the end "NAME CALLS STATE" lines go
 * to HOOK_OUT. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../../libtrack/hook/stub.h"
#include "handlers.h"
#include "nasty.h"

enum { HOOKS = 16384 };

char nasty_avx = 1; /* spoil.c asks */
static struct counting *hooks;
static unsigned hook_count;
static struct trk_batch *batch;
static int way_asked = WAYS;
static pid_t owner;

static bool add(const struct trk_function *f, void *data)
{
    struct counting *c = &hooks[hook_count];
    (void)data;
    if (f->indirect || hook_count + 1 == HOOKS)
        return true;
    counting_init(c, (enum way)(way_asked < WAYS ? way_asked : (int)(hook_count % WAYS)));
    strncpy(c->name, f->name, sizeof c->name - 1);
    trk_batch_add(batch, f->start, f->size, &c->hook);
    hook_count += c->hook.state != TRK_HOOK_TWICE;
    return true;
}

static bool wanted(const char *path, const char *words)
{
    for (const char *w = words; *w; w += strcspn(w, ":"), w += *w == ':') {
        char word[64] = { 0 };
        strncpy(word, w, strcspn(w, ":") < sizeof word - 1 ? strcspn(w, ":") : sizeof word - 1);
        if (strstr(path, word) != NULL)
            return true;
    }
    return false;
}

/* First of all constructors (-z initfirst): libc's own has not run, and getenv knows nothing yet. */
static const char *variable(char **envp, const char *name)
{
    size_t n = strlen(name);
    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
            return *envp + n + 1;
    return NULL;
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
    const char *words = variable(envp, "HOOK_ALL"), *way = variable(envp, "HOOK_WAY");
    (void)argc;
    (void)argv;
    hooks = mmap(NULL, HOOKS * sizeof *hooks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == NULL || hooks == MAP_FAILED)
        return;
    way_asked = way != NULL ? atoi(way) : WAYS;
    owner = getpid();
    nasty_avx = (char)(__builtin_cpu_supports("avx") != 0);
    trk_stub_init();
    for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next) {
        struct trk_elf elf;
        if (!wanted(map->l_name, words) || !trk_elf_open(map, NULL, &elf))
            continue;
        batch = trk_batch_begin(&elf, HOOKS);
        if (batch != NULL) {
            trk_elf_functions(&elf, add, NULL);
            trk_batch_apply(batch);
        }
        trk_elf_close(&elf);
    }
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("HOOK_OUT");
    FILE *out = path != NULL && getpid() == owner ? fopen(path, "w") : NULL;
    if (out == NULL)
        return;
    for (unsigned i = 0; i < hook_count; i++)
        fprintf(out, "%s %lu %d\n", hooks[i].name, hooks[i].calls, hooks[i].hook.state);
    fclose(out);
}
