/* lost: plain malloc, no reference counts, nothing instrumented: a block that no pointer leads to any more.
 *
 * The error path of load() returns without freeing what it read so far. Memory is looked at when the program ends:
 * nothing points at these blocks, so they are lost for certain, and the report shows where they came from. */
#include <stdlib.h>
#include <string.h>

static char *load(const char *line)
{
    char *copy = strdup(line);
    if (copy == NULL || strchr(copy, '=') == NULL)
        return NULL; /* copy is forgotten here */
    return copy;
}

int main(void)
{
    static const char *const lines[] = { "name=a", "broken", "name=b", "also broken" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        free(load(lines[i]));
    return 0;
}
