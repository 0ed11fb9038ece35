/* prim.c: see prim.h. */
#include "prim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

void *trk_map(size_t bytes)
{
    long p = trk_sys6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return trk_failed(p) ? NULL : (void *)p;
}

void trk_unmap(void *p, size_t bytes)
{
    trk_sys2(SYS_munmap, p, bytes);
}

long trk_read_all(int fd, void *buf, size_t size)
{
    size_t got = 0;
    while (got < size) {
        long n = trk_sys3(SYS_read, fd, (char *)buf + got, size - got);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return n;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (long)got;
}

int trk_open_read(const char *path)
{
    return (int)trk_sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
}

void trk_close(int fd)
{
    trk_sys1(SYS_close, fd);
}

bool trk_peek(void *to, uintptr_t from, size_t size)
{
    struct iovec here = { .iov_base = to, .iov_len = size };
    struct iovec there = { .iov_base = (void *)from, .iov_len = size };
    long pid = trk_sys0(SYS_getpid);
    return trk_sys6(SYS_process_vm_readv, pid, (long)&here, 1, (long)&there, 1, 0) == (long)size;
}

uint64_t trk_now_ns(void)
{
    struct timespec ts = { 0, 0 };
    trk_sys2(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

long trk_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec ts = { .tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u) };
    return trk_sys4(SYS_futex, word, FUTEX_WAIT, expected, &ts);
}

void trk_futex_wake(uint32_t *word)
{
    trk_sys3(SYS_futex, word, FUTEX_WAKE, INT32_MAX);
}

void trk_buf_init(struct trk_buf *b, char *at, size_t size)
{
    b->at = at;
    b->size = size;
    b->used = 0;
    at[0] = 0;
}

void trk_buf_put(struct trk_buf *b, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && b->used + 1 < b->size; i++)
        b->at[b->used++] = bytes[i];
    b->at[b->used] = 0;
}

void trk_buf_str(struct trk_buf *b, const char *s)
{
    trk_buf_put(b, s, trk_strlen(s, b->size));
}

void trk_buf_num(struct trk_buf *b, uint64_t n)
{
    char digits[20];
    unsigned i = sizeof digits;
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    trk_buf_put(b, digits + i, sizeof digits - i);
}

void trk_buf_say(const struct trk_buf *b)
{
    trk_sys3(SYS_write, 2, b->at, b->used);
}

size_t trk_strlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

bool trk_same(const char *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == 0 || s[i] != bytes[i])
            return false;
    }
    return s[n] == 0;
}

void trk_copy(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    for (; n >= 8; n -= 8, t += 8, f += 8)
        __builtin_memcpy(t, f, 8);
    for (; n; n--)
        *t++ = *f++;
}

bool trk_parse_num(const char *bytes, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    if (n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(unsigned char)bytes[i] - '0';
        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *ret = v;
    return true;
}
