/* tail.c: a program whose exported release is only the way into a function without a name, which others call directly.
 * Built stripped. */
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default"), noinline))

struct item {
    int refs;
    struct item *next;
};
static unsigned made, held, given;

struct item *tail_make(void);
void tail_hold(struct item *item), tail_put(struct item *item), tail_drop_all(struct item *item);

EXPORT struct item *tail_make(void)
{
    struct item *item = calloc(1, sizeof *item);
    item->refs = 1;
    made++;
    return item;
}

EXPORT void tail_hold(struct item *item)
{
    item->refs++;
    held++;
}

static __attribute__((noinline)) void drop(struct item *item, int quiet)
{
    given++;
    if (quiet && item->refs > 1)
        abort();
    if (--item->refs == 0)
        free(item);
}

EXPORT void tail_put(struct item *item)
{
    if (item == NULL)
        return;
    drop(item, 0);
}

EXPORT void tail_drop_all(struct item *item)
{
    while (item != NULL) {
        struct item *next = item->next;
        drop(item, 1);
        item = next;
    }
}

int main(void)
{
    struct item *list = NULL;
    for (int i = 0; i < 20; i++) {
        struct item *item = tail_make();
        tail_hold(item);
        tail_put(item);
        item->next = list;
        list = item;
    }
    tail_drop_all(list);
    printf("new %u ref %u unref %u\n", made, held, given);
    return 7;
}
