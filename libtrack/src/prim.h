/* prim.h: raw system calls, one-instruction updates and small string helpers of libtrack.
 *
 * Nothing here touches errno, allocates, locks or calls libc functions that could; all of it is async-signal-safe
 * and works before libc is initialised. System calls return -errno on failure. */
#ifndef TRACK_PRIM_H
#define TRACK_PRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/syscall.h>

#define TRK_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TRK_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TRK_EXPORT      __attribute__((visibility("default")))

#if defined(__x86_64__)
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
#elif defined(__aarch64__)
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
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "libtrack needs x86-64 or aarch64"
#endif

#define trk_sys0(n)                (trk_sys6((n), 0, 0, 0, 0, 0, 0))
#define trk_sys1(n, a)             (trk_sys6((n), (long)(a), 0, 0, 0, 0, 0))
#define trk_sys2(n, a, b)          (trk_sys6((n), (long)(a), (long)(b), 0, 0, 0, 0))
#define trk_sys3(n, a, b, c)       (trk_sys6((n), (long)(a), (long)(b), (long)(c), 0, 0, 0))
#define trk_sys4(n, a, b, c, d)    (trk_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0))
#define trk_sys5(n, a, b, c, d, e) (trk_sys6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0))

/* True for the error range of a raw system call's result. */
static inline bool trk_failed(long result)
{
    return (unsigned long)result > -4096ul;
}

/* Adds n to *p and returns the old value, in one instruction: atomic towards signal handlers of this thread, not
 * towards other threads. *p belongs to this thread. */
static inline uint64_t trk_take(uint64_t *p, uint64_t n)
{
#if defined(__x86_64__)
    __asm__ volatile("xaddq %0, %1" : "+r"(n), "+m"(*p) : : "cc");
    return n;
#else
    return __atomic_fetch_add(p, n, __ATOMIC_RELAXED);
#endif
}

static inline uint64_t trk_load64(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint32_t trk_load32(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* Stack pointer of the calling function, roughly: inside its frame. */
#define TRK_SP ((uintptr_t)__builtin_frame_address(0))

/* Thread pointer (start of the thread control block). */
static inline uintptr_t trk_thread_pointer(void)
{
#if defined(__x86_64__)
    uintptr_t p;
    __asm__("movq %%fs:0, %0" : "=r"(p));
    return p;
#else
    return (uintptr_t)__builtin_thread_pointer();
#endif
}

/* ---- Memory and files; the caller owns what it gets ------------------------------------------------------------ */

/* Anonymous private memory, zero-filled; NULL when there is none. Give back with trk_unmap. */
void *trk_map(size_t bytes);
void trk_unmap(void *p, size_t bytes);

/* Reads until `size` bytes or the end of the file; returns the count or -errno. Retries interrupted reads. */
long trk_read_all(int fd, void *buf, size_t size);

/* Opens read-only with O_CLOEXEC. */
int trk_open_read(const char *path);
void trk_close(int fd);

/* Copies size bytes of this process' memory at `from`, which may be unmapped; false when it is not readable. */
bool trk_peek(void *to, uintptr_t from, size_t size);

uint64_t trk_now_ns(void); /* CLOCK_MONOTONIC */

/* Shared futex. Returns 0 when woken, else -EAGAIN, -EINTR, -ETIMEDOUT. */
long trk_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns);

/* ---- Text; buffers are the caller's and always end with NUL ----------------------------------------------------- */

struct trk_buf {
    char *at;
    size_t size; /* of the buffer */
    size_t used; /* without the NUL; characters that do not fit are left out */
};
void trk_buf_init(struct trk_buf *b, char *at, size_t size);
void trk_buf_put(struct trk_buf *b, const char *bytes, size_t n);
void trk_buf_str(struct trk_buf *b, const char *s);
void trk_buf_num(struct trk_buf *b, uint64_t n);
/* Writes the buffer to stderr in one system call. */
void trk_buf_say(const struct trk_buf *b);

size_t trk_strlen(const char *s, size_t max);
bool trk_same(const char *s, const char *bytes, size_t n); /* s is the n bytes and nothing more */
void trk_copy(void *to, const void *from, size_t n);

/* Parses decimal digits; false when there are none, other characters follow, or it overflows. */
bool trk_parse_num(const char *bytes, size_t n, uint64_t *ret);

#endif
