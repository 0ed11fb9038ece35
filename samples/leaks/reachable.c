/* reachable: blocks that were not freed, but that a variable still leads to.
 *
 * A cache that lives as long as the program is no leak. It is told in one line, with the way that leads to it; a check
 * stays green. */
#include <stdlib.h>

struct entry {
    struct entry *next;
    char *name;
};
static struct entry *cache;

static void remember(size_t length)
{
    struct entry *entry = malloc(sizeof *entry);
    if (entry == NULL)
        abort();
    entry->name = calloc(1, length);
    entry->next = cache;
    cache = entry;
}

int main(void)
{
    for (size_t i = 1; i <= 4; i++)
        remember(8 * i);
    return cache == NULL;
}
