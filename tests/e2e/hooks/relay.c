/* relay.c: threads hand objects to each other, so that whoever gives the last reference back is seldom who made the
 * object, and memory is used again at once by other threads. relay OBJECTS [LEAKED]: so many are made, so many of them
 * keep a reference that nobody gives back. Prints how often each function was called. Exits 7. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "obj.h"

enum { THREADS = 4, PLACES = 16 };

static atomic_ulong refs, unrefs;
static _Atomic(struct obj *) place[PLACES]; /* each owns a reference */
static atomic_int turn, objects, leaked;

static void drop(struct obj *obj)
{
    if (obj == NULL)
        return;
    obj_unref(obj);
    unrefs++;
}

/* Puts two references of a new object into places, and drops what was there. */
static void *work(void *unused)
{
    (void)unused;
    while (atomic_fetch_sub(&objects, 1) > 0) {
        struct obj *obj = obj_new_text("relay");
        unsigned at = (unsigned)atomic_fetch_add(&turn, 3);
        obj_ref(obj);
        drop(atomic_exchange(&place[at % PLACES], obj));
        drop(atomic_exchange(&place[(at + 1) % PLACES], obj_ref(obj)));
        refs += 2;
        if (atomic_fetch_sub(&leaked, 1) <= 0)
            drop(obj);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    objects = argc > 1 ? atoi(argv[1]) : 1000;
    leaked = argc > 2 ? atoi(argv[2]) : 0;
    int news = objects;
    drop(obj_new()); /* by one thread */
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, work, NULL) != 0)
            return 3;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < PLACES; i++)
        drop(place[i]);
    printf("new %d ref %lu unref %lu\n", news + 1, refs, unrefs);
    return 7;
}
