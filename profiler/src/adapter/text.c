/* text.c: lines, words and numbers of adapters. */
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct prof_error *adapter_bad(const struct adapter_text *text, const char *what, const char *found,
                               const char *expected)
{
    enum { SHOWN = 60 };
    char shown[SHOWN + 4] = "";
    size_t n = 0;

    while (found != NULL && isspace((unsigned char)*found))
        found++;
    // The text comes from a file: show little of it and only what is printable.
    for (; found != NULL && found[n] != '\0' && !isspace((unsigned char)found[n]) && n < SHOWN; n++)
        shown[n] = isprint((unsigned char)found[n]) ? found[n] : '?';
    if (n == SHOWN)
        memcpy(shown + n, "...", 4);
    return prof_error_at(PROF_ERROR_SYNTAX, text->path, text->number, "%s:%u: %s%s%s%s; %s", text->path, text->number,
                         what, n > 0 ? " '" : "", shown, n > 0 ? "'" : "", expected);
}

struct prof_error *adapter_next_line(struct adapter_text *text, bool *ret_more)
{
    while (text->next < text->end) {
        const char *from = text->next, *stop = memchr(from, '\n', (size_t)(text->end - from));
        const char *to = stop != NULL ? stop : text->end;
        text->next = stop != NULL ? stop + 1 : text->end;
        text->number++;
        if (memchr(from, '\0', (size_t)(to - from)) != NULL)
            return adapter_bad(text, "a NUL byte", NULL, "adapters are plain text");
        const char *comment = memchr(from, '#', (size_t)(to - from));
        to = comment != NULL ? comment : to;
        while (from < to && isspace((unsigned char)*from))
            from++;
        while (to > from && isspace((unsigned char)to[-1]))
            to--;
        if (from == to)
            continue;
        if (to - from > PROF_ADAPTER_LINE)
            return adapter_bad(text, "the line is longer than 1024 bytes", NULL, "a line speaks of one function");
        memcpy(text->line, from, (size_t)(to - from));
        text->line[to - from] = '\0';
        text->at = text->line;
        *ret_more = true;
        return NULL;
    }
    *ret_more = false;
    return NULL;
}

bool adapter_at_end(struct adapter_text *text)
{
    while (isspace((unsigned char)*text->at))
        text->at++;
    return *text->at == '\0';
}

bool adapter_takes(struct adapter_text *text, const char *sign)
{
    size_t length = strlen(sign);
    if (adapter_at_end(text) || strncmp(text->at, sign, length) != 0)
        return false;
    text->at += length;
    return true;
}

bool adapter_takes_word(struct adapter_text *text, const char *word)
{
    const char *before = text->at;
    if (adapter_takes(text, word) && *text->at != '_' && !isalnum((unsigned char)*text->at))
        return true;
    text->at = before;
    return false;
}

bool adapter_token(struct adapter_text *text, char *ret, size_t size)
{
    size_t length = 0;
    adapter_at_end(text);
    while (text->at[length] != '\0' && !isspace((unsigned char)text->at[length]))
        length++;
    if (length >= size)
        return false;
    memcpy(ret, text->at, length);
    ret[length] = '\0';
    text->at += length;
    return true;
}

bool adapter_number(struct adapter_text *text, uint64_t *ret)
{
    adapter_at_end(text);
    const char *digits = text->at + (*text->at == '-' || *text->at == '+');
    bool negative = *text->at == '-';
    int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
    char *end;
    // strtoull would take blanks and another sign.
    if (!isdigit((unsigned char)digits[0]))
        return false;
    errno = 0;
    uint64_t value = strtoull(digits, &end, base);
    if (errno != 0 || end == digits || *end == '_' || isalnum((unsigned char)*end) ||
        (negative && value > (uint64_t)INT64_MAX + 1))
        return false;
    text->at = end;
    *ret = negative ? 0 - value : value;
    return true;
}

struct prof_error *adapter_offset(struct adapter_text *text, const char *expected, int32_t *ret)
{
    uint64_t value;
    if (adapter_at_end(text) || !adapter_number(text, &value))
        return adapter_bad(text, *text->at == '\0' ? "the offset is missing" : "no offset:", text->at, expected);
    int64_t offset = (int64_t)value;
    if (offset <= -PROF_ADAPTER_OFFSET || offset >= PROF_ADAPTER_OFFSET)
        return adapter_bad(text, "the offset is too large", NULL, "offsets are less than 16 MiB");
    *ret = (int32_t)offset;
    return NULL;
}
