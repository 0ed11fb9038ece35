/* glob.c: pattern matching without recursion: on a mismatch only the last `*` takes one byte more, which is enough
 * because an earlier `*` can never help once a later one was reached. */
#include "glob.h"

#include <stddef.h>
#include <string.h>

/* The byte at p matches text byte c; *p is never '*' here. */
static bool same(const char *p, char c, bool question)
{
    return *p == c || (question && *p == '?');
}

static bool match(const char *pattern, const char *end, const char *text, bool question, bool open_begin, bool open_end)
{
    const char *star = open_begin ? pattern : NULL, *resume = text, *p = pattern;

    for (;;) {
        if (p < end && *p == '*') {
            star = ++p;
            resume = text;
            continue;
        }
        if (p == end && (open_end || *text == '\0'))
            return true;
        if (p < end && *text != '\0' && same(p, *text, question)) {
            p++, text++;
            continue;
        }
        if (star == NULL || *resume == '\0')
            return false;
        p = star;
        text = ++resume;
    }
}

bool glob_match(const char *pattern, const char *text)
{
    return match(pattern, pattern + strlen(pattern), text, true, false, false);
}

bool glob_find(const char *pattern, const char *text)
{
    size_t length = strlen(pattern);
    bool begin = false, end = false;

    if (length > 0 && pattern[0] == '^') {
        begin = true;
        pattern++, length--;
    }
    if (length > 0 && pattern[length - 1] == '$') {
        end = true;
        length--;
    }
    return length > 0 && match(pattern, pattern + length, text, false, !begin, !end);
}
