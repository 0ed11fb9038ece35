/* obj.h: objects of the server that count their references, in functions of its own. Any thread. */
#ifndef SERVER_OBJ_H
#define SERVER_OBJ_H

#include <stdatomic.h>
#include <stddef.h>

#ifndef OBJ_SCOPE
#define OBJ_SCOPE /* static where obj.c is included as a whole */
#endif

struct obj;
struct obj_class {
    const char *name;
    size_t size;
    void (*end)(struct obj *obj); /* gives back what it refers to; its memory is freed after that */
};
/* The first member of every object. */
struct obj {
    const struct obj_class *class;
    struct obj *next; /* in a list of whoever owns it */
    atomic_int refs;
};
/* How often each function was called. */
extern atomic_ulong obj_news, obj_refs, obj_unrefs;

/* A new one, all zero, with one reference: the caller's. */
OBJ_SCOPE void *obj_new(const struct obj_class *class);
/* One more reference; returns the object. */
OBJ_SCOPE void *obj_ref(void *obj);
/* Gives one back; NULL is none. */
OBJ_SCOPE void obj_unref(void *obj);

#endif
