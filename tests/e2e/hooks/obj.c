/* obj.c: counted objects as a program has them that never heard of libtrack. As a library and inside of programs. */
#include "obj.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif
#define NOINLINE OBJ_SCOPE APART

struct obj {
    atomic_int refs;
    char payload[52];
};

/* One constructor calls the other: an object is born once. */
static __attribute__((noinline)) struct obj *obj_alloc(void)
{
    struct obj *obj = calloc(1, sizeof *obj);
    obj->refs = 1;
    return obj;
}

NOINLINE struct obj *obj_new_text(const char *text)
{
    struct obj *obj = obj_alloc();
    for (int i = 0; text[i] && i < (int)sizeof obj->payload - 1; i++)
        obj->payload[i] = text[i];
    return obj;
}

NOINLINE struct obj *obj_new(void)
{
    struct obj *obj = obj_new_text("object");
    __asm__ volatile("" : "+r"(obj)); /* no tail call */
    return obj;
}

NOINLINE void *obj_untyped(void)
{
    void *obj = obj_alloc();
    __asm__ volatile("" : "+r"(obj));
    return obj;
}

NOINLINE struct obj *obj_ref(struct obj *obj)
{
    if (obj)
        obj->refs++;
    return obj;
}

NOINLINE void obj_unref(struct obj *obj)
{
    if (obj && --obj->refs == 0)
        free(obj);
}

/* Nothing but a return, and then another function: there is no room for a jump. */
__asm__(".text\n.globl obj_tiny\n.type obj_tiny, @function\nobj_tiny:\n\tret\n.size obj_tiny, . - obj_tiny\n"
        ".globl obj_after_tiny\n.type obj_after_tiny, @function\nobj_after_tiny:\n\tret\n"
        ".size obj_after_tiny, . - obj_after_tiny\n");
