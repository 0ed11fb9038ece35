/* prim_aarch64.h: what prim.h needs to know about aarch64. Included by prim.h only. */
#ifndef TRACK_PRIM_AARCH64_H
#define TRACK_PRIM_AARCH64_H

enum { TRK_MACHINE = 183, TRK_HIGH_ADDRESSES = 1 };
enum { TRK_PAGE_MAX = 65536 }; /* kernels use 4, 16 or 64 KiB */

/* Where copies of the engine meet (engine_owner.c): kernels give programs 39 bits of addresses at least, and map from
 * the top. */
#define TRK_BEACON_AT ((uintptr_t)0x3e90740000)

static inline long trk_sys6(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

/* One instruction where the processor has LSE; else a pair whose store fails when a signal came between. */
static inline uint64_t trk_take(uint64_t *p, uint64_t n)
{
    n = __atomic_fetch_add(p, n, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return n;
}

static inline uintptr_t trk_thread_pointer(void)
{
    return (uintptr_t)__builtin_thread_pointer();
}

enum { TRK_SAVED_REGISTERS = 12 };
#define TRK_SAVE_REGISTERS(to)                                                                                         \
    __asm__ volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, 16]\n\tstp x23, x24, [%0, 32]\n\t"                      \
                     "stp x25, x26, [%0, 48]\n\tstp x27, x28, [%0, 64]\n\tstp x29, x30, [%0, 80]"                      \
                     :                                                                                                 \
                     : "r"(to)                                                                                         \
                     : "memory")

static inline uint64_t trk_cycles(void)
{
    uint64_t ticks;
    /* isb: not before the loads in front of it are answered and its branch is decided. The record depends on the
     * result, and nothing is stored before what it depends on. */
    __asm__ volatile("dsb ishld\n\tisb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

#endif
