/* api_hook.c: the exported entry points of hook.h, for allocator, loader and process hooks. */
#include "addr.h"
#include "direct.h"
#include "filter.h"

static inline uint64_t arg_of(uint64_t n)
{
    uint64_t max = ((uint64_t)1 << TRK_ARG_BITS) - 1;
    return n < max ? n : max;
}

static __attribute__((noinline)) void hook_event(enum trk_op op, unsigned aux, enum trk_depth depth, const void *addr,
                                                 uint64_t arg, const void *old, const struct trk_frame *at)
{
    if (trk_filter_on && trk_filter_skips(op, aux, trk_addr(addr)))
        return;
    struct trk_event ev = {
        .op = op, .aux = (uint8_t)aux, .depth = at ? depth : TRK_DEPTH_NONE, .addr = trk_addr(addr), .arg = arg_of(arg)
    };
    if (at != NULL)
        ev.at = *at;
    if (old != NULL) {
        ev.exts = 1;
        ev.ext_kind[0] = TRK_EXT_OLD;
        ev.ext_value[0] = trk_addr_whole(old);
    }
    trk_emit(&ev);
}

/* Blocks come and go; their stacks were mostly met before. */
static __attribute__((noinline)) void block_event(enum trk_op op, unsigned aux, enum trk_depth depth, const void *addr,
                                                  uint64_t arg, const struct trk_frame *at)
{
    if (at == NULL || !trk_direct(op, aux, trk_addr(addr), arg_of(arg), depth, at, 0))
        hook_event(op, aux, depth, addr, arg, NULL, at);
}

void trk_hook_start_v1(void)
{
    trk_engine_start();
}

void trk_hook_alloc_v1(const void *p, size_t size, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    if (p != NULL && !(at != NULL && trk_fast(TRK_OP_ALLOC, kind, trk_addr(p), arg_of(size), TRK_DEPTH_BIRTH, at->pc)))
        block_event(TRK_OP_ALLOC, kind, TRK_DEPTH_BIRTH, p, size, at);
}

void trk_hook_free_v1(const void *p, size_t length, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    if (p != NULL && !(at != NULL && trk_fast(TRK_OP_FREE, kind, trk_addr(p), arg_of(length), TRK_DEPTH_FREE, at->pc)))
        block_event(TRK_OP_FREE, kind, TRK_DEPTH_FREE, p, length, at);
}

void trk_hook_realloc_begin_v1(const void *old, const struct trk_frame *at)
{
    hook_event(TRK_OP_REALLOC, 0, TRK_DEPTH_FREE, old, 0, NULL, at);
}

void trk_hook_realloc_end_v1(const void *old, const void *fresh, size_t size, const struct trk_frame *at)
{
    hook_event(TRK_OP_ALLOC, TRK_ALLOC_REALLOC, TRK_DEPTH_BIRTH, fresh, size, old, at);
}

void trk_hook_realloc_fail_v1(const void *old, const struct trk_frame *at)
{
    hook_event(TRK_OP_REALLOC_FAIL, 0, TRK_DEPTH_FREE, old, 0, NULL, at);
}

void trk_hook_unloaded_v1(void)
{
    trk_engine_control(TRK_CONTROL_UNLOADED, 0, NULL);
}

void trk_hook_loaded_v1(void)
{
    trk_engine_control(TRK_CONTROL_LOADED, 0, NULL);
}

void trk_hook_exit_v1(int status)
{
    trk_engine_control(TRK_CONTROL_EXIT, (uint64_t)(unsigned)status, NULL);
}

void trk_hook_abort_v1(void)
{
    trk_engine_control(TRK_CONTROL_ABORT, 0, NULL);
}

void trk_hook_exec_v1(const struct trk_frame *at)
{
    hook_event(TRK_OP_EXEC, 0, TRK_DEPTH_BIRTH, NULL, 0, NULL, at);
}

void trk_hook_exec_failed_v1(void)
{
    hook_event(TRK_OP_EXEC_FAIL, 0, TRK_DEPTH_NONE, NULL, 0, NULL, NULL);
}

void trk_hook_malloc_owner_v1(uint32_t flag, const char *who)
{
    trk_engine_control(TRK_CONTROL_MALLOC_OWNER, flag, who);
}

void trk_hook_own_v1(const void *start, size_t bytes, enum trk_own_kind kind)
{
    trk_engine_control(TRK_CONTROL_OWN, (uint64_t)bytes | kind, start);
}

bool trk_hook_busy_v1(void)
{
    return trk_engine_busy();
}
