/* main.c: parses documents of the command line and answers lookups. `--bug` makes lookup() forget a release on the
 * path where the key is missing from the first document but present in a later one. */
#include "value.h"

#include <stdlib.h>
#include <string.h>
#include <track/track.h>

static int with_bug;

/* Returns a reference to the first member named key. */
static struct value *lookup(struct value *const *documents, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        struct value *document = value_ref(documents[i], &document);
        struct value *found = value_kind(document) == VALUE_OBJECT ? value_object_get(document, key) : NULL;
        if (found != NULL) {
            found = value_ref(found, NULL);
            if (!with_bug || i == 0)
                value_unref(document, &document);
            return found;
        }
        value_unref(document, &document);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const char *const texts[] = {
        "{\"name\": \"first\", \"sizes\": [1, 2, 3, [4, 5], {\"deep\": [true, false, null]}]}",
        "{\"name\": \"second\", \"extra\": {\"a\": 1, \"b\": [2], \"c\": \"three\"}, \"only\": \"here\"}",
        "[1, 2", /* malformed on purpose */
    };
    with_bug = argc > 1 && strcmp(argv[1], "--bug") == 0;
    struct value *documents[8] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *end;
        struct value *document = value_parse(texts[i], &end);
        if (document == NULL) {
            printf("document %zu: bad at byte %zu\n", i, (size_t)(end - texts[i]));
            continue;
        }
        TRK_OWN(documents[count], document);
        count++;
    }
    static const char *const keys[] = { "name", "sizes", "only", "nothing", "extra" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct value *answer;
        TRK_OWN(answer, lookup(documents, count, keys[i]));
        printf("%s: ", keys[i]);
        if (answer != NULL)
            value_print(answer, stdout);
        printf("\n");
        value_unref(answer, &answer);
    }
    for (size_t i = 0; i < count; i++)
        value_unref(documents[i], &documents[i]);
    return 0;
}
