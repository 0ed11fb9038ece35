/* calltree.h: call trees of functions with awkward frames, for the stack tests. Built with -O2 -fomit-frame-pointer. */
#ifndef TEST_CALLTREE_H
#define TEST_CALLTREE_H

#include <stdint.h>

/* A function that is really there, once. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

typedef void (*calltree_leaf)(void *arg);

enum {
    CALLTREE_KINDS = 13,
    CALLTREE_REALIGNED = 9, /* its epilogue is described wrongly by gcc: the rule of rbp stays behind after the pop */
    CALLTREE_HUGE = 12,     /* a frame of more than 1 MiB */
};

/* Calls one function per byte of path, kind path[i] % CALLTREE_KINDS, each from the one before; the last calls leaf. */
void calltree_run(const uint8_t *path, unsigned n, calltree_leaf leaf, void *arg);

/* Calls leaf(first), then leaf(second), from one frame. */
void calltree_twice(calltree_leaf leaf, void *first, void *second);

#endif
