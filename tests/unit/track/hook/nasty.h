/* Functions with beginnings that are hard to hook, and what each must return. */
#ifndef TEST_NASTY_H
#define TEST_NASTY_H

#include <setjmp.h>
#include <stddef.h>

struct nasty_big {
    long a[9];
};
struct nasty_small {
    long a, b;
};

/* nasty_asm.S; the first argument returned plus something, unless said otherwise. */
long nasty_endbr(long n);         /* endbr64, then a short test and jump */
long nasty_rip(long n);           /* adds a variable addressed relative to rip */
long nasty_rip_immediate(long n); /* compares one with an immediate: something follows the displacement */
long nasty_short(long n);         /* four bytes and padding */
long nasty_short_tight(long n);   /* four bytes and then another function */
long nasty_next(long n);
long nasty_loop_into(long n);  /* a loop comes back into the first five bytes */
long nasty_loop_start(long n); /* a loop begins with the first instruction */
long nasty_far_into(long n);   /* a long jump from elsewhere leads into the first five bytes */
long nasty_elsewhere(long n);
long nasty_jcc(long n);      /* begins with a conditional jump over much */
long nasty_tail(long n);     /* is nothing but a jump to another function */
long nasty_call(long n);     /* begins with a call */
long nasty_call_rip(long n); /* ... through a variable */
long nasty_entered(long n);  /* another symbol stands in its first five bytes */
long nasty_trap(long n);
long nasty_unknown(long n);
/* Returns 0 when every register that callers may rely on has the value that it had when the function was called: all
 * of them, since callers know what this function changes: rax, and nothing else. */
long nasty_registers(long (*function)(void));
long nasty_changes_nothing(void); /* five bytes of nothing; returns rax as it came */

/* nasty.c */
extern long nasty_calls;
extern char nasty_avx; /* whether registers of AVX are looked at */
long nasty_many(long a, long b, long c, long d, long e, long f, long g, long h, double x, long double y, long i);
long nasty_varargs(int count, ...); /* their sum */
double nasty_varargs_double(int count, ...);
struct nasty_big nasty_struct(struct nasty_big in, struct nasty_small s, long n);
struct nasty_small nasty_pair(long a, long b);
long double nasty_long_double(long double x);
double nasty_double(double x);
long nasty_aligned_argument(long n);
void nasty_jump(jmp_buf where, long n);
void nasty_raise(void (*raise)(long), long n);
long nasty_recursive(long n);
long nasty_static_calls(long n); /* calls a static function */
long nasty_ifunc(long n);
long nasty_errno(long n); /* errno must be as before */
void *nasty_new(size_t n);
const void *nasty_static_address(void);
#endif
