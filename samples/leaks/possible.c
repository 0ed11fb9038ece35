/* possible: a block that is held through a pointer into its middle only.
 *
 * The queue links jobs by a member in their middle. That is meant here, in other programs it may be chance, so such
 * blocks are called possibly lost; they do not make a check fail. */
#include <stdlib.h>
#include <string.h>

struct link {
    struct link *next;
};
struct job {
    char name[40];
    struct link link;
};
static struct link *volatile queue;

static void submit(const char *name)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    strncpy(job->name, name, sizeof job->name - 1);
    job->link.next = queue;
    queue = &job->link;
}

int main(void)
{
    submit("sweep");
    submit("mop");
    return queue == NULL;
}
