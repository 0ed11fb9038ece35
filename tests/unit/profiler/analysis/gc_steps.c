/* gc_steps.c: the driver's side of gc_cpython.py: takes steps from stdin, one in a line, and prints after each what
 * Python's gc would say: the counters, the generations examined meanwhile, how much they found. */
#include "gc_rig.h"

#include <stdlib.h>

static int next_object, first_object; /* those in between hold each other, died, or live in order of birth */
static unsigned char alive[1 << 20];

static int returned; /* by collect, -1: it was not called */

static void log_pass(void *ctx, struct prof_gc *gc, bool stop, const struct prof_gc_pass *pass)
{
    (void)ctx;
    (void)gc;
    if (stop)
        printf("%u:%llu ", pass->generation, (unsigned long long)(pass->collected + pass->uncollectable));
}

static void make(int count)
{
    for (int i = 0; i < count; i++) {
        alive[next_object] = 1;
        born(next_object++);
    }
}

static void drop(int count)
{
    for (; count > 0 && first_object < next_object; first_object++) {
        if (alive[first_object]) {
            alive[first_object] = 0;
            released(first_object, 0);
            count--;
        }
    }
}

/* Rings of one or two objects that nobody else holds. */
static void ring(int count, int size)
{
    for (int i = 0; i < count; i++) {
        int a = next_object, b = next_object + size - 1;
        for (int k = 0; k < size; k++)
            born(next_object++);
        own(b, FIELD(a, 0));
        if (size == 1)
            continue;
        own(a, FIELD(b, 0));
    }
}

static void step(const char *what, const int *arg)
{
    if (strcmp(what, "new") == 0) {
        make(arg[0]);
    } else if (strcmp(what, "drop") == 0) {
        drop(arg[0]);
    } else if (strcmp(what, "loop") == 0) {
        ring(arg[0], 1);
    } else if (strcmp(what, "pair") == 0) {
        ring(arg[0], 2);
    } else if (strcmp(what, "collect") == 0) {
        returned = collect(arg[0]);
    } else if (strcmp(what, "full") == 0) {
        returned = collect(2);
        collect(0);
    } else if (strcmp(what, "threshold") == 0) {
        prof_gc_set_threshold(gr_gc, (const uint32_t[]){ (uint32_t)arg[0], (uint32_t)arg[1], (uint32_t)arg[2] });
    } else if (strcmp(what, "enable") == 0) {
        prof_gc_enable(gr_gc, arg[0] != 0);
    } else if (strcmp(what, "freeze") == 0) {
        prof_gc_freeze(gr_gc);
    } else if (strcmp(what, "unfreeze") == 0) {
        prof_gc_unfreeze(gr_gc);
    } else {
        abort();
    }
}

int main(void)
{
    char line[128], what[32];

    gr_begin(NULL);
    prof_gc_add_callback(gr_gc, log_pass, NULL);
    while (fgets(line, sizeof line, stdin) != NULL) {
        int arg[3] = { 0 };
        uint32_t count[3];
        if (sscanf(line, "%31s %d %d %d", what, &arg[0], &arg[1], &arg[2]) < 1)
            continue;
        returned = -1;
        step(what, arg);
        if (returned >= 0)
            printf("=%d ", returned);
        prof_gc_count(gr_gc, count);
        printf("%u,%u,%u\n", count[0], count[1], count[2]);
    }
    gr_end(NULL);
    return 0;
}
