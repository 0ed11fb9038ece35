/* Functions of C that are hard to hook, in a library without frame pointers. See nasty.h. */
#include "nasty.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

long nasty_calls;

/* Calls hooked functions before the program has begun. */
__attribute__((constructor)) static void begin(void)
{
    nasty_avx = (char)(__builtin_cpu_supports("avx") != 0);
    nasty_calls = nasty_endbr(1) + nasty_recursive(3);
}

NOINLINE long nasty_many(long a, long b, long c, long d, long e, long f, long g, long h, double x, long double y,
                         long i)
{
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + (long)x * 9 + (long)y * 10 + 11 * i;
}

NOINLINE long nasty_varargs(int count, ...)
{
    va_list list;
    long sum = 0;
    va_start(list, count);
    for (int i = 0; i < count; i++)
        sum += va_arg(list, long);
    va_end(list);
    return sum;
}

NOINLINE double nasty_varargs_double(int count, ...)
{
    va_list list;
    double sum = 0;
    va_start(list, count);
    for (int i = 0; i < count; i++)
        sum += va_arg(list, double);
    va_end(list);
    return sum;
}

NOINLINE struct nasty_big nasty_struct(struct nasty_big in, struct nasty_small s, long n)
{
    in.a[0] += s.a;
    in.a[8] += s.b + n;
    return in;
}

NOINLINE struct nasty_small nasty_pair(long a, long b)
{
    return (struct nasty_small){ b, a };
}

NOINLINE long double nasty_long_double(long double x)
{
    return x * 2;
}

NOINLINE double nasty_double(double x)
{
    return x * 3;
}

struct wide {
    long a[4];
} __attribute__((aligned(32)));

static NOINLINE long take_wide(long a, long b, long c, long d, long e, long f, struct wide w)
{
    __asm__ volatile("" : : "r"(&w));
    return (long)((size_t)&w % 32) + w.a[3] + a + b + c + d + e + f - a - b - c - d - e - f;
}

NOINLINE long nasty_aligned_argument(long n)
{
    struct wide w = { { 0, 0, 0, n } };
    return take_wide(1, 2, 3, 4, 5, 6, w);
}

NOINLINE void nasty_jump(jmp_buf where, long n)
{
    void (*volatile next)(jmp_buf, long) = nasty_jump;
    if (n <= 0)
        longjmp(where, 5);
    next(where, n - 1);
    nasty_calls++; /* no tail call */
}

NOINLINE void nasty_raise(void (*raise)(long), long n)
{
    if (n > 0)
        nasty_raise(raise, n - 1);
    raise(n);
    nasty_calls++; /* no tail call */
}

NOINLINE long nasty_recursive(long n)
{
    if (n <= 0)
        return 0;
    long rest = nasty_recursive(n - 1);
    __asm__ volatile("" : "+r"(rest)); /* no loop */
    return n + rest;
}

static NOINLINE long hidden_static(long n)
{
    __asm__ volatile("" : "+r"(n));
    return n * 5 + nasty_calls;
}

NOINLINE long nasty_static_calls(long n)
{
    long before = nasty_calls;
    nasty_calls = 0;
    long result = hidden_static(n);
    nasty_calls = before;
    return result;
}

const void *nasty_static_address(void)
{
    return (const void *)hidden_static;
}

static long chosen(long n)
{
    return n * 2 + 1000000;
}

__attribute__((used)) static long (*choose(void))(long) /* by its name only */
{
    return chosen;
}

long nasty_ifunc(long n) __attribute__((ifunc("choose")));

NOINLINE long nasty_errno(long n)
{
    return errno + n;
}

NOINLINE void *nasty_new(size_t n)
{
    return malloc(n);
}
