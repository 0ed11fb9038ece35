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

/* Each machine's file defines, beside its constants (TRK_HIGH_ADDRESSES: see addr.h):
 * trk_sys6            a raw system call
 *
 * trk_take            adds n to *p and returns the old value: atomic towards signal handlers of this thread, not
 *                     towards other threads. *p belongs to this thread
 *
 * trk_thread_pointer  start of the thread control block
 *
 * TRK_SAVE_REGISTERS  stores the registers that functions must keep for their callers into an array of
 *                     TRK_SAVED_REGISTERS words
 *
 * trk_cycles          a counter of fixed rate, the same on all processors. Read after all loads before it and before
 *                     all stores behind it, so that who learns of what another thread did has the later number */
#if defined(__x86_64__)
#include "prim_x86_64.h"
#elif defined(__aarch64__)
#include "prim_aarch64.h"
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
/* Wakes all who wait there. */
void trk_futex_wake(uint32_t *word);

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
