/* exit_vfork.c: who are we? The owner of this memory wrote its process id into a page that fork wipes: another process
 * that still reads it shares the memory. */
#include "exit_vfork.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "prim.h"

/* Written before threads exist and by the atfork handler of a child, which is alone. 0 on the page: a child made behind
 * libc's back, which cannot be told from its own vfork children; it counts as the process. */
static volatile pid_t *owner_page;

static pid_t own_pid(void)
{
    return (pid_t)trk_sys0(SYS_getpid);
}

static void forked(void)
{
    if (owner_page)
        *owner_page = own_pid();
}

void trk_vfork_init(void)
{
    size_t bytes = (size_t)getpagesize();
    long at = trk_sys6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (trk_failed(at))
        return;
    if (trk_sys3(SYS_madvise, at, bytes, MADV_WIPEONFORK) != 0 || pthread_atfork(NULL, NULL, forked) != 0) {
        trk_sys2(SYS_munmap, at, bytes);
        return;
    }
    volatile pid_t *page = (volatile pid_t *)at;
    *page = own_pid();
    owner_page = page;
}

bool trk_vfork_child(void)
{
    pid_t owner = owner_page ? *owner_page : 0;
    return owner != 0 && owner != own_pid();
}
