/* stub.c: the hooks of hook.h as a recorder of calls. With STUB_OUT=file in the environment it appends one line of
 * counts per process when that ends. Compiled with STUB_IDLE the gate stays closed. */
#include "stub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

TRK_HOOK volatile unsigned char trk_malloc_gate_v1;

static uint64_t counts[STUB_OP_COUNT];
static uint64_t kinds[TRK_ALLOC_BOOT + 1];
static uint64_t unmaps;
static uint64_t next_event;
static struct stub_event events[STUB_EVENTS];
static unsigned starts;
static uint32_t owner;
static char owner_text[512];

static void keep(enum stub_op op, enum trk_alloc_kind kind, const void *p, const void *old, size_t size,
                 const struct trk_frame *at)
{
    int kept = errno;
    __atomic_fetch_add(&counts[op], 1, __ATOMIC_RELAXED);
    if (op == STUB_ALLOC)
        __atomic_fetch_add(&kinds[kind], 1, __ATOMIC_RELAXED);
    if (op == STUB_FREE && kind == TRK_ALLOC_MMAP)
        __atomic_fetch_add(&unmaps, 1, __ATOMIC_RELAXED);
    uint64_t i = __atomic_fetch_add(&next_event, 1, __ATOMIC_RELAXED);
    if (i < STUB_EVENTS)
        events[i] = (struct stub_event){
            .op = op, .kind = kind, .p = p, .old = old, .size = size, .tid = (int)syscall(SYS_gettid)
        };
    if (i < STUB_EVENTS && at)
        events[i].at = *at;
    errno = kept;
}

uint64_t stub_count(enum stub_op op)
{
    return __atomic_load_n(&counts[op], __ATOMIC_RELAXED);
}

int64_t stub_balance(void)
{
    return (int64_t)(stub_count(STUB_ALLOC) - stub_count(STUB_FREE));
}

size_t stub_kept(void)
{
    uint64_t n = __atomic_load_n(&next_event, __ATOMIC_RELAXED);
    return n < STUB_EVENTS ? n : STUB_EVENTS;
}

const struct stub_event *stub_event(size_t i)
{
    return i < stub_kept() ? &events[i] : NULL;
}

void stub_reset(bool record)
{
    trk_malloc_gate_v1 = 0;
    for (size_t i = 0; i < STUB_OP_COUNT; i++)
        counts[i] = 0;
    for (size_t i = 0; i <= TRK_ALLOC_BOOT; i++)
        kinds[i] = 0;
    unmaps = 0;
    next_event = 0;
    trk_malloc_gate_v1 = record;
}

uint32_t stub_owner(void)
{
    return owner;
}

const char *stub_owner_text(void)
{
    return owner_text;
}

unsigned stub_starts(void)
{
    return starts;
}

static void write_counts(void)
{
    const char *path = getenv("STUB_OUT");
    if (!path)
        return;
    trk_malloc_gate_v1 = 0;
    char line[1024];
    /* Plain counts, comparable with those of any other tool: blocks allocated and freed, a realloc is one of each. */
    int n = snprintf(line, sizeof(line),
                     "pid %d allocs %llu frees %llu reallocs %llu failed %llu maps %llu exit %llu exec %llu execback "
                     "%llu unloads %llu aborts %llu owner %u %s\n",
                     (int)getpid(), (unsigned long long)(counts[STUB_ALLOC] - kinds[TRK_ALLOC_MMAP]),
                     (unsigned long long)(counts[STUB_FREE] - unmaps), (unsigned long long)counts[STUB_REALLOC_END],
                     (unsigned long long)counts[STUB_REALLOC_FAIL], (unsigned long long)kinds[TRK_ALLOC_MMAP],
                     (unsigned long long)counts[STUB_EXIT], (unsigned long long)counts[STUB_EXEC],
                     (unsigned long long)counts[STUB_EXEC_FAILED], (unsigned long long)counts[STUB_UNLOADED],
                     (unsigned long long)counts[STUB_ABORT], owner, owner_text);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)n) != n)
        perror("stub");
    close(fd);
}

/* As late as we can: libc runs its own handlers before the destructors of objects. */
static void __attribute__((destructor)) at_end(void)
{
    write_counts();
}

void trk_hook_start_v1(void)
{
    if (starts++)
        return;
#ifndef STUB_IDLE
    trk_malloc_gate_v1 = 1;
#endif
}

void trk_hook_alloc_v1(const void *p, size_t size, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    if (p)
        keep(STUB_ALLOC, kind, p, NULL, size, at);
}

void trk_hook_free_v1(const void *p, size_t length, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    keep(STUB_FREE, kind, p, NULL, length, at);
}

void trk_hook_realloc_begin_v1(const void *old, const struct trk_frame *at)
{
    keep(STUB_REALLOC_BEGIN, TRK_ALLOC_REALLOC, NULL, old, 0, at);
}

void trk_hook_realloc_end_v1(const void *old, const void *fresh, size_t size, const struct trk_frame *at)
{
    keep(STUB_REALLOC_END, TRK_ALLOC_REALLOC, fresh, old, size, at);
}

void trk_hook_realloc_fail_v1(const void *old, const struct trk_frame *at)
{
    keep(STUB_REALLOC_FAIL, TRK_ALLOC_REALLOC, NULL, old, 0, at);
}

void trk_hook_unloaded_v1(void)
{
    keep(STUB_UNLOADED, 0, NULL, NULL, 0, NULL);
}

void trk_hook_loaded_v1(void) {}

void trk_hook_exit_v1(int status)
{
    keep(STUB_EXIT, 0, NULL, NULL, (size_t)status, NULL);
    write_counts();
}

void trk_hook_abort_v1(void)
{
    keep(STUB_ABORT, 0, NULL, NULL, 0, NULL);
    write_counts();
}

void trk_hook_exec_v1(const struct trk_frame *at)
{
    keep(STUB_EXEC, 0, NULL, NULL, 0, at);
    write_counts();
    trk_malloc_gate_v1 = 1;
}

void trk_hook_exec_failed_v1(void)
{
    keep(STUB_EXEC_FAILED, 0, NULL, NULL, 0, NULL);
}

void trk_hook_own_v1(const void *start, size_t bytes, enum trk_own_kind kind)
{
    (void)start;
    (void)bytes;
    (void)kind;
}

void trk_hook_malloc_owner_v1(uint32_t flag, const char *who)
{
    owner = flag;
    size_t n = who ? strlen(who) : 0;
    if (n >= sizeof(owner_text))
        n = sizeof(owner_text) - 1;
    if (n)
        memcpy(owner_text, who, n);
    owner_text[n] = '\0';
}

bool trk_hook_busy_v1(void)
{
    return false;
}
