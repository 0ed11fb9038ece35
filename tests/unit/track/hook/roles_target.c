/* A program whose functions tell of their objects in every way that a rule can say. It is not linked with libtrack. */
#include <stdio.h>
#include <stdlib.h>

#if defined(__clang__)
#define APART __attribute__((noinline, optnone))
#else
#define APART __attribute__((noinline, noclone))
#endif
#define FUNCTION APART void
#define BODY     __asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop" : : : "memory")

struct pair {
    long flags;
    void *object;
};

struct pair pair_new(void *object);
int out_new(void **ret, void *object);
FUNCTION first_ref(void *object);
FUNCTION third_unref(int a, int b, void *object);
FUNCTION clear(void **variable);
FUNCTION into_slot(void *object, void **slot);
FUNCTION odd_slot(void *object, char *slot);
FUNCTION tagged_ref(struct pair p);
FUNCTION kill_it(void *object);
FUNCTION sink_it(void *object, void **slot);
FUNCTION weak_set(void **slot, void *object);
FUNCTION weak_clear(void **slot, void *object);
void *result_ref(void *object);

APART struct pair pair_new(void *object)
{
    BODY;
    return (struct pair){ 4, object };
}

APART int out_new(void **ret, void *object)
{
    *ret = object;
    return 0;
}

#define PLAIN(name, parameters, ...)                                                                                   \
    FUNCTION name parameters                                                                                           \
    {                                                                                                                  \
        BODY;                                                                                                          \
        __VA_ARGS__;                                                                                                   \
    }
PLAIN(first_ref, (void *object), (void)object)
PLAIN(third_unref, (int a, int b, void *object), (void)a, (void)b, (void)object)
PLAIN(clear, (void **variable), __asm__ volatile("" : : "r"(*variable)); *variable = NULL)
PLAIN(into_slot, (void *object, void **slot), *slot = object)
PLAIN(odd_slot, (void *object, char *slot), (void)object, (void)slot)
PLAIN(tagged_ref, (struct pair p), (void)p)
PLAIN(kill_it, (void *object), (void)object)
PLAIN(sink_it, (void *object, void **slot), *slot = object)
PLAIN(weak_set, (void **slot, void *object), *slot = object)
PLAIN(weak_clear, (void **slot, void *object), *slot = NULL, (void)object)

APART void *result_ref(void *object)
{
    BODY;
    return (char *)object + 16;
}

int main(void)
{
    static void *slot, *out;
    static char object[64] __attribute__((aligned(16)));
    void *variable = object;
    printf("%p %p\n", (void *)object, (void *)&slot);
    fflush(stdout);
    struct pair p = pair_new(object);
    out_new(&out, object);
    first_ref(object);
    first_ref(NULL);
    third_unref(1, 2, object);
    clear(&variable);
    into_slot(object, &slot);
    odd_slot(object, (char *)&slot + 1);
    tagged_ref(p);
    p.flags = 0;
    tagged_ref(p);
    result_ref(object);
    sink_it(object, &slot);
    weak_set(&slot, object);
    weak_clear(&slot, object);
    kill_it(object);
    return variable == NULL && out == object ? 3 : 4;
}
