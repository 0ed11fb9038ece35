/* high.c: a program whose events have addresses of every kind that a machine with 48 bits of them knows. Prints the
 * real ones; the test finds them in the trace. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <track/track.h>

struct thing {
    int refs;
    struct thing *next;
};
static TRK_TYPE_COUNTED(thing_type, struct thing, refs);
static struct thing *global;

static void *tagged(const void *p, unsigned tag)
{
    return (void *)((uintptr_t)p | (uintptr_t)tag << 56);
}

int main(void)
{
    struct thing *heap = malloc(sizeof *heap);
    struct thing *mapped = malloc(1 << 20);
    struct thing *local = NULL;
    printf("heap=%p\nmapped=%p\nglobal=%p\nlocal=%p\n", (void *)heap, (void *)mapped, (void *)&global, (void *)&local);

    trk_new(tagged(heap, 0x0b), &thing_type);
    trk_new(mapped, &thing_type);
    trk_ref(heap, &global);
    trk_ref(tagged(heap, 0x0b), tagged(&mapped->next, 0x0c));
    trk_ref(heap, (char *)&local + 4);
    trk_ref(mapped, TRK_HOLDER(heap));
    trk_move(heap, &local, tagged(&mapped->next, 0x0c));
    trk_weak_set(heap, (const void *)((uintptr_t)1 << 45));
    /* One line, so that its stack is known when the two come that have no encoding. */
    static const uintptr_t others[] = { 0x500000, 0x500040, (uintptr_t)1 << 45, (uintptr_t)1 << 51 | 64 };
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        trk_ref((const void *)others[i], NULL);
    mapped = realloc(mapped, 1 << 23);
    printf("moved=%p\n", (void *)mapped);
    return mapped == NULL;
}
