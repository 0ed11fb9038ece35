/* serial.c: which number of its type an object gets when a filter let through single ones: they keep the numbers by
 * which they were asked for. */
#include "state.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where the ranges of a type stand in "types=A:objects=Conn#2,5-7|Node#1"; NULL: nowhere. */
static const char *ranges_of(const struct prof_heap *h, const char *type)
{
    static const char key[] = "objects=";
    const char *filter = prof_trace_info(h->trace)->filter, *item = NULL;
    for (const char *at = filter; (at = strstr(at, key)) != NULL; at++)
        if (at == filter || at[-1] == ':')
            item = at + sizeof key - 1;
    const char *bare = strncmp(type, "struct ", 7) == 0 ? type + 7 : type;
    while (item != NULL && *item != '\0') {
        size_t length = strcspn(item, "|");
        const char *hash = memrchr(item, '#', length);
        size_t name = hash != NULL ? (size_t)(hash - item) : 0;
        if (name != 0 && ((strlen(type) == name && memcmp(type, item, name) == 0) ||
                          (strlen(bare) == name && memcmp(bare, item, name) == 0)))
            return hash + 1;
        item += length;
        item += *item == '|';
    }
    return NULL;
}

/* The smallest of the numbers asked for from `from` on; `from` when there is none. */
static uint32_t asked_for(const struct prof_heap *h, const char *type, uint32_t from)
{
    const char *at = ranges_of(h, type);
    uint64_t best = UINT64_MAX;
    while (at != NULL && isdigit((unsigned char)*at)) {
        char *end;
        uint64_t first = strtoull(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        uint64_t here = from > first ? from : first;
        if (here <= last && here < best)
            best = here;
        at = *end == ',' ? end + 1 : NULL;
    }
    return best <= UINT32_MAX ? (uint32_t)best : from;
}

uint32_t serial_take(struct prof_heap *h, prof_type_id type)
{
    struct type_state *state = &h->types[type];
    uint32_t serial = state->next_serial;
    if (prof_trace_info(h->trace)->filter[0] != '\0')
        serial = asked_for(h, state->pub.name, serial);
    state->next_serial = serial + 1;
    return serial;
}
