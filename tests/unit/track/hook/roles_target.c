/* A program whose functions tell of their objects in every way that a rule can say. It is not linked with libtrack. */
#include <errno.h>
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

struct class
{
    long number;
    const char *name;
};
struct counted {
    const struct class *class;
    unsigned flags;
    int count;
};
static const struct class red = { 1, "Red" }, blue = { 2, "Blue" };
static struct counted objects[3] = { { &red, 0, 1 }, { &blue, 0, 1 }, { &blue, 0, 1 } };

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
FUNCTION sink_or_ref(struct counted *object);
FUNCTION give(void *box, void *object);
FUNCTION swap(void *old, void *fresh);
FUNCTION park(void *object);
void *lasting(void *object);
FUNCTION wild(long number);
void *take(void *box, void *object);
void *replace(void *old, void *fresh);
void *reuse(void *object);
void *string_new(struct counted *object);
void *title_new(struct counted *object);
void *looping_new(struct counted *object);
const char *title(const struct class *class);

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

PLAIN(sink_or_ref, (struct counted * object), object->flags &= ~2u)
PLAIN(give, (void *box, void *object), (void)box, (void)object)
PLAIN(swap, (void *old, void *fresh), (void)old, (void)fresh)
PLAIN(park, (void *object), (void)object)
PLAIN(wild, (long number), (void)number)

APART void *take(void *box, void *object)
{
    BODY;
    return box != object ? object : NULL;
}

APART void *replace(void *old, void *fresh)
{
    BODY;
    return old != fresh ? fresh : NULL;
}

APART void *reuse(void *object)
{
    BODY;
    return object;
}

APART void *lasting(void *object)
{
    BODY;
    return (char *)object;
}

APART void *string_new(struct counted *object)
{
    BODY;
    object->flags = 2;
    return object;
}

APART void *title_new(struct counted *object)
{
    BODY;
    object->flags = 0;
    return object;
}

APART void *looping_new(struct counted *object)
{
    BODY;
    object->count = 1;
    return object;
}

/* It makes an object itself, whose name is asked for here again. */
APART const char *title(const struct class *class)
{
    static char text[32];
    errno = ENOENT;
    if (class != &blue)
        looping_new(&objects[2]);
    snprintf(text, sizeof text, "Class %ld", class->number);
    return text;
}

/* What needs more than registers. */
static int with_memory(void)
{
    static long box[4];
    printf("%p %p\n", (void *)objects, (void *)box);
    fflush(stdout);
    errno = EINTR;
    string_new(objects);
    sink_or_ref(objects);
    sink_or_ref(objects);
    objects->class = &blue;
    string_new(objects);
    title_new(objects);
    objects->class = &red;
    title_new(objects);
    looping_new(objects);
    give(box, objects);
    take(box, objects);
    swap(&objects[1], objects);
    replace(&objects[1], objects);
    park(objects);
    reuse(objects);
    lasting(objects);
    objects->count = -1;
    sink_or_ref(objects);
    objects->count = 1;
    wild(-1);
    wild(1l << 40);
    wild((long)objects);
    return errno == EINTR;
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
    return variable == NULL && out == object && with_memory() ? 3 : 4;
}
