/* calltree.c: functions whose frames differ in every way that matters to an unwinder. */
#include "calltree.h"

#include <alloca.h>
#include <stdlib.h>
#include <string.h>

struct tree {
    const uint8_t *path;
    unsigned n;
    calltree_leaf leaf;
    void *arg;
};

#define KEEP(p)      __asm__ volatile("" ::"r"(p) : "memory")
#define AFTER_CALL() __asm__ volatile("" ::: "memory") /* work left to do: no tail call */

static int next(struct tree *t);

static NOINLINE int small(struct tree *t)
{
    int r = next(t);
    AFTER_CALL();
    return r;
}

static NOINLINE int big(struct tree *t)
{
    char buf[3000];
    KEEP(buf);
    int r = next(t);
    KEEP(buf);
    return r;
}

static NOINLINE int with_alloca(struct tree *t)
{
    char *p = alloca(16 + (t->n * 37) % 300);
    KEEP(p);
    int r = next(t);
    KEEP(p);
    return r;
}

static NOINLINE int with_vla(struct tree *t)
{
    unsigned n = 3 + t->n % 7;
    long vla[n];
    KEEP(vla);
    int r = next(t);
    KEEP(vla);
    return r;
}

static NOINLINE int tail(struct tree *t)
{
    return next(t);
}

static NOINLINE int aligned(struct tree *t)
{
    char buf[128] __attribute__((aligned(64)));
    KEEP(buf);
    int r = next(t);
    KEEP(buf);
    return r;
}

static NOINLINE int nine(struct tree *t, long a, long b, long c, long d, long e, long f, long g, long h)
{
    int r = next(t);
    AFTER_CALL();
    return r + (int)(a ^ b ^ c ^ d ^ e ^ f ^ g ^ h);
}

static NOINLINE int many_arguments(struct tree *t)
{
    int r = nine(t, 1, 2, 3, 4, 5, 6, 7, 8);
    AFTER_CALL();
    return r;
}

static NOINLINE int all_registers(struct tree *t)
{
    long a, b, c, d, e, f;
    __asm__ volatile("" : "=r"(a), "=r"(b), "=r"(c), "=r"(d), "=r"(e), "=r"(f));
    int r = next(t);
    __asm__ volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
    return r;
}

static NOINLINE int frame_pointer(struct tree *t)
{
    KEEP(__builtin_frame_address(0)); /* makes the compiler set one up */
    int r = next(t);
    AFTER_CALL();
    return r;
}

/* Realigned, with stack arguments and alloca: the CFA is found through a saved argument pointer. */
static NOINLINE int argument_pointer(struct tree *t, long a, long b, long c, long d, long e, long f, long g)
{
    char buf[64] __attribute__((aligned(64)));
    char *p = alloca(16 + t->n % 100);
    KEEP(buf);
    KEEP(p);
    int r = next(t);
    KEEP(buf);
    KEEP(p);
    return r + (int)(a + b + c + d + e + f + g);
}

static NOINLINE int realigned(struct tree *t)
{
    int r = argument_pointer(t, 1, 2, 3, 4, 5, 6, 7);
    AFTER_CALL();
    return r;
}

static int compare(const void *key, const void *element)
{
    (void)element;
    next(*(struct tree *const *)key);
    return 0;
}

static NOINLINE int through_bsearch(struct tree *t)
{
    static const char one[1];
    return bsearch(&t, one, 1, 1, compare) != NULL;
}

static int compare_two(const void *a, const void *b, void *tree)
{
    (void)a;
    (void)b;
    next(tree);
    return 0;
}

static NOINLINE int through_qsort(struct tree *t)
{
    char two[2] = { 0 };
    qsort_r(two, 2, 1, compare_two, t);
    return two[0];
}

static NOINLINE int huge(struct tree *t)
{
    char buf[(1 << 20) + 12345];
    KEEP(buf);
    int r = next(t);
    KEEP(buf);
    return r;
}

static int (*const kinds[CALLTREE_KINDS])(struct tree *t) = {
    small,         big,           with_alloca, with_vla,        tail,          aligned, many_arguments,
    all_registers, frame_pointer, realigned,   through_bsearch, through_qsort, huge,
};

static int next(struct tree *t)
{
    if (t->n == 0) {
        t->leaf(t->arg);
        AFTER_CALL();
        return 0;
    }
    struct tree below = *t;
    below.path++;
    below.n--;
    int r = kinds[t->path[0] % CALLTREE_KINDS](&below);
    KEEP(&below);
    return r;
}

void calltree_run(const uint8_t *path, unsigned n, calltree_leaf leaf, void *arg)
{
    struct tree t = { path, n, leaf, arg };
    next(&t);
    AFTER_CALL();
}

void calltree_twice(calltree_leaf leaf, void *first, void *second)
{
    char buf[64];
    KEEP(buf);
    leaf(first);
    leaf(second);
    KEEP(buf);
}
