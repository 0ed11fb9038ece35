/* stub.c: what the routines of stub_x86_64.S ask: how much of the caller's stack can be copied, what vector state is.
 * Compiled without vector registers. */
#include "stub.h"

#include <cpuid.h>
#include <errno.h>

#include "../src/cfi.h"
#include "../src/engine.h"

_Static_assert(offsetof(struct trk_call, fp) == 72 && offsetof(struct trk_call, stack) == 96, "as in stub_x86_64.S");

enum { UNIT = 64, LEGACY = 512, HEADER = 64, FPU = 1, SSE = 2, AVX = 4, AVX512 = 0xe0 };

uint64_t trk_vector_mask, trk_vector_bytes = LEGACY;

void trk_stub_init(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return;
    unsigned lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    /* The x87 stack is left alone: nothing here uses it, and results may lie there. */
    uint64_t mask = lo & (SSE | AVX | AVX512);
    uint64_t bytes = LEGACY + HEADER;
    for (unsigned i = 2; i < 8; i++) {
        if (!(mask >> i & 1))
            continue;
        __cpuid_count(0xd, i, a, b, c, d);
        bytes = b + a > bytes ? b + a : bytes;
    }
    trk_vector_bytes = (bytes + UNIT - 1) & ~(uint64_t)(UNIT - 1);
    trk_vector_mask = mask;
}

static size_t window(const struct trk_call *call, const struct trk_hook *hook)
{
    uintptr_t lo = (uintptr_t)call->stack, hi = lo + ((hook->stack_bytes + UNIT - 1u) & ~(UNIT - 1u));
    const struct trk_thread *st = trk_tls.self;
    uintptr_t top = st != NULL && lo >= st->lo && lo < st->hi ? st->hi : 0;
    if (top != 0)
        return (hi < top ? hi - lo : top - lo) & ~(size_t)(UNIT - 1);
    /* A stack of which nothing is known: its caller's return address lies right below lo. */
    for (uintptr_t page = (lo + TRK_PAGE - 1) & ~(uintptr_t)(TRK_PAGE - 1); page < hi; page += TRK_PAGE)
        if (trk_cfi_probe(page) == -EFAULT)
            return page > lo ? (page - lo) & ~(size_t)(UNIT - 1) : 0;
    return hi - lo;
}

struct trk_prelude trk_stub_prelude(const struct trk_call *call, const struct trk_hook *hook)
{
    struct trk_begun begun = { 0 };
    if (hook->begin != NULL)
        begun = hook->begin(call, hook);
    return (struct trk_prelude){ window(call, hook) | begun.slow, begun.kept };
}
