/* escape.c: names and texts of the target made harmless, one function per kind of output. Everything in a trace was
 * written by somebody else: a symbol may carry terminal sequences, a type name may carry markup. */
#include <prof/view.h>

#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p (shortest form, no surrogates, <= U+10FFFF), 0 when there is none. */
static size_t sequence(const unsigned char *p, uint32_t *ret)
{
    uint32_t c;
    size_t length;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        c = p[0] & 0x1f;
        length = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        c = p[0] & 0x0f;
        length = 3;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        c = p[0] & 0x07;
        length = 4;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) /* also stops at the final NUL */
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((length == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) || (length == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0;
    *ret = c;
    return length;
}

/* What would move the cursor, change colours, reorder the line or hide: C0, DEL, C1, line and paragraph separators,
 * bidirectional controls, zero-width characters, the byte order mark, tags. */
static bool unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Collects whole pieces; what does not fit is cut between pieces and marked with '~'. */
struct sink {
    char *buf;
    size_t size, used;
    size_t mark; /* last end of a piece that leaves room for '~' */
    bool full;
};

static void add(struct sink *sink, const char *piece, size_t length)
{
    if (sink->full)
        return;
    if (sink->used + length + 1 > sink->size) {
        sink->full = true;
        sink->buf[sink->mark] = '~';
        sink->used = sink->mark + 1;
        return;
    }
    memcpy(sink->buf + sink->used, piece, length);
    sink->used += length;
    if (sink->used + 2 <= sink->size)
        sink->mark = sink->used;
}

static void add_bytes(struct sink *sink, const unsigned char *p, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char hex[8];
        add(sink, hex, (size_t)snprintf(hex, sizeof hex, "\\x%02x", p[i]));
    }
}

char *prof_escape_terminal(char *buf, size_t size, const char *text)
{
    struct sink sink = { .buf = buf, .size = size };
    if (size < 2) {
        if (size == 1)
            buf[0] = '\0';
        return buf;
    }
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && !sink.full;) {
        uint32_t c = 0;
        size_t length = sequence(p, &c);
        if (length == 0 || unprintable(c))
            add_bytes(&sink, p, length == 0 ? 1 : length);
        else
            add(&sink, (const char *)p, length);
        p += length == 0 ? 1 : length;
    }
    buf[sink.used] = '\0';
    return buf;
}

char *prof_escape_xml(char *buf, size_t size, const char *text)
{
    struct sink sink = { .buf = buf, .size = size };
    if (size < 2) {
        if (size == 1)
            buf[0] = '\0';
        return buf;
    }
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && !sink.full;) {
        uint32_t c = 0;
        size_t length = sequence(p, &c);
        if (length == 0 || (unprintable(c) && c != '\t' && c != '\n') || c == 0xfffe || c == 0xffff)
            add_bytes(&sink, p, length == 0 ? 1 : length);
        else if (c == '&')
            add(&sink, "&amp;", 5);
        else if (c == '<')
            add(&sink, "&lt;", 4);
        else if (c == '>')
            add(&sink, "&gt;", 4);
        else if (c == '"')
            add(&sink, "&quot;", 6);
        else if (c == '\'')
            add(&sink, "&#39;", 5);
        else
            add(&sink, (const char *)p, length);
        p += length == 0 ? 1 : length;
    }
    buf[sink.used] = '\0';
    return buf;
}
