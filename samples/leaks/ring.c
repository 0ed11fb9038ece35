/* ring: blocks that point at each other, and nothing else points at them.
 *
 * A ring was taken out of its list. Each member is held by another one, which is how LeakSanitizer comes to call all of
 * them indirect. Here the ring is one finding, and is called a cycle. */
#include <stdlib.h>

struct member {
    struct member *next, *previous;
};

static struct member *ring_new(int members)
{
    struct member *first = calloc(1, sizeof *first), *last = first;
    if (first == NULL)
        abort();
    for (int i = 1; i < members; i++) {
        struct member *member = calloc(1, sizeof *member);
        if (member == NULL)
            abort();
        member->previous = last;
        last->next = member;
        last = member;
    }
    last->next = first;
    first->previous = last;
    return first;
}

int main(void)
{
    struct member *volatile ring = ring_new(5);
    ring = NULL; /* removed, not freed */
    return ring != NULL;
}
