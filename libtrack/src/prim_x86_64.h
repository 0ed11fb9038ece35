/* prim_x86_64.h: what prim.h needs to know about x86-64. Included by prim.h only. */
#ifndef TRACK_PRIM_X86_64_H
#define TRACK_PRIM_X86_64_H

enum { TRK_MACHINE = 62, TRK_HIGH_ADDRESSES = 0 };
enum { TRK_PAGE_MAX = 4096 }; /* the largest page that a kernel of this machine uses */

/* Where copies of the engine meet (engine_owner.c): below the area of mappings and outside the shadow memories of the
 * sanitizers. */
#define TRK_BEACON_AT ((uintptr_t)0x7e9074726000)

static inline long trk_sys6(long n, long a, long b, long c, long d, long e, long f)
{
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

static inline uint64_t trk_take(uint64_t *p, uint64_t n)
{
    __asm__ volatile("xaddq %0, %1" : "+r"(n), "+m"(*p) : : "cc", "memory");
    return n;
}

static inline uintptr_t trk_thread_pointer(void)
{
    uintptr_t p;
    __asm__("movq %%fs:0, %0" : "=r"(p));
    return p;
}

enum { TRK_SAVED_REGISTERS = 6 };
#define TRK_SAVE_REGISTERS(to)                                                                                         \
    __asm__ volatile("movq %%rbx, (%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\tmovq %%r13, 24(%0)\n\t"           \
                     "movq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"                                                        \
                     :                                                                                                 \
                     : "r"(to)                                                                                         \
                     : "memory")

static inline uint64_t trk_cycles(void)
{
    /* A processor that runs ahead of a load reads the counter before that load is answered; it waits here. */
    __asm__ volatile("lfence" ::: "memory");
    uint64_t cycles = __builtin_ia32_rdtsc();
    __asm__ volatile("" : "+r"(cycles)::"memory");
    return cycles;
}

#endif
