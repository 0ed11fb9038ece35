/* suppress_parse.c: the three syntaxes of suppression files, mixed as they come.
 *
 *   leak:GLOB                              LeakSanitizer
 *   { NAME / Memcheck:Leak / fun:GLOB ... }  Valgrind, one item per line
 *   verdict:NAME type:GLOB fun:GLOB fingerprint:HEX reason:TEXT expires:YYYY-MM-DD max:N
 * A value of the last form may contain blanks: it ends where the next known key begins. */
#include "suppress.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ALLOWED                                                                                                        \
    "allowed are 'leak:GLOB', Valgrind blocks '{ ... }', and conditions 'verdict:NAME type:GLOB fun:GLOB "             \
    "fingerprint:HEX reason:TEXT expires:YYYY-MM-DD max:N'"

/* A file while it is read. */
struct reader {
    struct prof_suppressions *s;
    const char *path;
    const char *at, *end; /* what is left */
    const char *line;     /* current line without outer blanks and comment, NUL-terminated in `buffer` */
    char *buffer;
    uint32_t number; /* of the current line, from 1 */
};

static struct prof_error *bad(const struct reader *r, uint32_t line, const char *what, const char *text,
                              const char *allowed)
{
    enum { SHOWN = 60 };
    char shown[SHOWN + 1];
    size_t n = 0;

    // The text comes from a file: show little of it and only what is printable.
    for (; text != NULL && text[n] != '\0' && n < SHOWN; n++)
        shown[n] = isprint((unsigned char)text[n]) ? text[n] : '?';
    shown[n] = '\0';
    const char *more = text != NULL && text[n] != '\0' ? "..." : "";
    return prof_error_at(PROF_ERROR_SYNTAX, r->path, line, "%s:%u: %s%s%s%s%s; %s", r->path, line, what,
                         text != NULL ? " '" : "", shown, more, text != NULL ? "'" : "", allowed);
}

/* Moves to the next line that says something; *ret_more false at the end of the text. */
static struct prof_error *next_line(struct reader *r, bool *ret_more)
{
    while (r->at < r->end) {
        const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
        const char *from = r->at, *to = stop != NULL ? stop : r->end;
        r->at = stop != NULL ? stop + 1 : r->end;
        r->number++;
        if (to - from > SUPPRESS_LINE_MAX)
            return bad(r, r->number, "line is longer than 65536 bytes", NULL, ALLOWED);
        if (memchr(from, '\0', (size_t)(to - from)) != NULL)
            return bad(r, r->number, "a NUL byte: this is not a text file", NULL, ALLOWED);
        while (from < to && isspace((unsigned char)*from))
            from++;
        while (to > from && isspace((unsigned char)to[-1]))
            to--;
        if (from == to || *from == '#')
            continue;
        memcpy(r->buffer, from, (size_t)(to - from));
        r->buffer[to - from] = '\0';
        r->line = r->buffer;
        *ret_more = true;
        return NULL;
    }
    *ret_more = false;
    return NULL;
}

static struct prof_error *add_rule(struct reader *r, struct suppress_rule rule, uint32_t line, const char *text)
{
    struct prof_suppressions *s = r->s;
    struct prof_suppression_use use = { 0 };

    use.place = prof_arena_printf(&s->arena, "%s:%u", r->path, line);
    use.text = prof_arena_strdup(&s->arena, text);
    use.expired = rule.expires != 0 && rule.expires < s->today;
    rule.use = (uint32_t)s->uses.count;
    if (use.place == NULL || use.text == NULL || !prof_vec_reserve(&s->rules, 1) || !prof_vec_push(&s->uses, use))
        return prof_error_memory();
    s->rules.items[s->rules.count++] = rule;
    return NULL;
}

/* ---- LeakSanitizer --------------------------------------------------------------------------------------------- */

static struct prof_error *parse_lsan(struct reader *r)
{
    const char *pattern = r->line + strlen("leak:");

    while (isspace((unsigned char)*pattern))
        pattern++;
    if (*pattern == '\0')
        return bad(r, r->number, "leak: without a pattern", NULL, "name a function, file or module: leak:my_function");
    struct suppress_rule rule = { .syntax = SUPPRESS_LSAN, .pattern = prof_arena_strdup(&r->s->arena, pattern) };
    if (rule.pattern == NULL)
        return prof_error_memory();
    return add_rule(r, rule, r->number, r->line);
}

/* ---- Valgrind ---------------------------------------------------------------------------------------------------- */

/* "Memcheck,Helgrind:Leak" -> what it says of memory. *ret_extra: a line with a system call's parameter follows. */
static struct prof_error *parse_kind(struct reader *r, struct suppress_rule *rule, bool *ret_extra)
{
    const char *colon = strchr(r->line, ':');
    if (colon == NULL || colon == r->line || colon[1] == '\0')
        return bad(r, r->number, "expected TOOL:KIND, found", r->line, "for example Memcheck:Leak");
    const char *kind = colon + 1;
    bool memcheck = false;
    for (const char *tool = r->line; tool < colon;) {
        const char *comma = memchr(tool, ',', (size_t)(colon - tool));
        size_t n = (size_t)((comma != NULL ? comma : colon) - tool);
        memcheck |= (n == 8 && memcmp(tool, "Memcheck", 8) == 0) || (n == 8 && memcmp(tool, "reftrack", 8) == 0);
        tool += n + 1;
    }
    *ret_extra = strcmp(kind, "Param") == 0;
    rule->kinds = SUPPRESS_ALL_KINDS;
    if (!memcheck)
        return NULL; // about another tool: read, never used
    if (strcmp(kind, "Leak") == 0)
        rule->scope = SUPPRESS_SCOPE_LEAK;
    else if (strncmp(kind, "Addr", 4) == 0 || strcmp(kind, "Jump") == 0)
        rule->scope = SUPPRESS_SCOPE_ACCESS;
    else if (strcmp(kind, "Free") == 0)
        rule->scope = SUPPRESS_SCOPE_FREE;
    return NULL;
}

static struct prof_error *parse_leak_kinds(struct reader *r, struct suppress_rule *rule)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } names[] = {
        { "definite", SUPPRESS_DEFINITE },   { "indirect", SUPPRESS_INDIRECT }, { "possible", SUPPRESS_POSSIBLE },
        { "reachable", SUPPRESS_REACHABLE }, { "all", SUPPRESS_ALL_KINDS },     { "none", 0 },
    };
    const char *at = strchr(r->line, ':') + 1;

    rule->kinds = 0;
    while (*at != '\0') {
        at += strspn(at, " \t,");
        size_t n = strcspn(at, " \t,"), i = 0;
        if (n == 0)
            break;
        while (i < sizeof names / sizeof *names && (strlen(names[i].name) != n || memcmp(names[i].name, at, n) != 0))
            i++;
        if (i == sizeof names / sizeof *names)
            return bad(r, r->number, "unknown leak kind", at,
                       "allowed are definite, indirect, possible, reachable, all, none");
        rule->kinds |= names[i].bits;
        at += n;
    }
    return NULL;
}

static struct prof_error *parse_frame(struct reader *r, struct suppress_frame *ret)
{
    struct suppress_frame frame = { 0 };
    const char *pattern = r->line + 4;

    if (strcmp(r->line, "...") == 0) {
        *ret = (struct suppress_frame){ .kind = SUPPRESS_FRAME_ANY };
        return NULL;
    }
    if (strncmp(r->line, "fun:", 4) == 0)
        frame.kind = SUPPRESS_FRAME_FUN;
    else if (strncmp(r->line, "obj:", 4) == 0)
        frame.kind = SUPPRESS_FRAME_OBJ;
    else if (strncmp(r->line, "src:", 4) == 0)
        frame.kind = SUPPRESS_FRAME_SRC;
    else
        return bad(r, r->number, "unknown line in a Valgrind block:", r->line,
                   "allowed are fun:GLOB, obj:GLOB, src:FILE[:LINE], '...' and '}'");
    while (isspace((unsigned char)*pattern))
        pattern++;
    if (*pattern == '\0')
        return bad(r, r->number, "line without a pattern:", r->line, "for example fun:my_function");
    size_t length = strlen(pattern);
    const char *colon = strrchr(pattern, ':');
    if (frame.kind == SUPPRESS_FRAME_SRC && colon != NULL && colon[1] != '\0' &&
        strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        unsigned long line = strtoul(colon + 1, NULL, 10);
        frame.line = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line;
        length = (size_t)(colon - pattern);
    }
    frame.pattern = prof_arena_strndup(&r->s->arena, pattern, length);
    if (frame.pattern == NULL)
        return prof_error_memory();
    *ret = frame;
    return NULL;
}

static struct prof_error *parse_valgrind(struct reader *r)
{
    struct suppress_rule rule = { .syntax = SUPPRESS_VALGRIND };
    struct suppress_frame frames[SUPPRESS_FRAME_MAX];
    size_t count = 0;
    uint32_t begin = r->number;
    const char *name = NULL;
    bool more, kind_seen = false, extra = false;
    struct prof_error *error;

    for (;;) {
        if ((error = next_line(r, &more)) != NULL)
            return error;
        if (!more)
            return bad(r, begin, "'{' without '}'", NULL, "end the Valgrind block with a line '}'");
        if (strcmp(r->line, "}") == 0)
            break;
        if (name == NULL) {
            if ((name = prof_arena_strdup(&r->s->arena, r->line)) == NULL)
                return prof_error_memory();
        } else if (!kind_seen) {
            if ((error = parse_kind(r, &rule, &extra)) != NULL)
                return error;
            kind_seen = true;
        } else if (strncmp(r->line, "match-leak-kinds:", 17) == 0) {
            if ((error = parse_leak_kinds(r, &rule)) != NULL)
                return error;
        } else if (extra) {
            extra = false; // the parameter of Memcheck:Param
        } else {
            if (count == SUPPRESS_FRAME_MAX)
                return bad(r, r->number, "more than 24 frame lines in one Valgrind block", NULL,
                           "shorten it with '...'");
            if ((error = parse_frame(r, &frames[count])) != NULL)
                return error;
            count++;
        }
    }
    if (!kind_seen)
        return bad(r, begin, "Valgrind block without a TOOL:KIND line", NULL,
                   "after '{' come a name, TOOL:KIND (Memcheck:Leak) and frame lines");
    if (count == 0)
        return bad(r, begin, "Valgrind block without a frame line", NULL,
                   "it would hide everything; add fun:, obj:, src: or '...' lines");
    struct suppress_frame *copy = prof_arena_alloc(&r->s->arena, count * sizeof *copy);
    if (copy == NULL)
        return prof_error_memory();
    memcpy(copy, frames, count * sizeof *copy);
    rule.frames = copy;
    rule.frame_count = count;
    return add_rule(r, rule, begin, name);
}

/* ---- Own lines --------------------------------------------------------------------------------------------------- */

enum key { KEY_VERDICT, KEY_TYPE, KEY_FUN, KEY_FINGERPRINT, KEY_REASON, KEY_EXPIRES, KEY_MAX, KEY_COUNT };
static const char *const keys[KEY_COUNT] = {
    "verdict:", "type:", "fun:", "fingerprint:", "reason:", "expires:", "max:"
};

static int key_at(const char *text)
{
    for (int k = 0; k < KEY_COUNT; k++) {
        if (strncmp(text, keys[k], strlen(keys[k])) == 0)
            return k;
    }
    return -1;
}

static bool parse_date(const char *text, uint32_t *ret)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false;
    }
    if (text[10] != '\0')
        return false;
    uint32_t year = (uint32_t)strtoul(text, NULL, 10), month = (uint32_t)strtoul(text + 5, NULL, 10),
             day = (uint32_t)strtoul(text + 8, NULL, 10);
    if (year == 0 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > (uint32_t)days[month - 1] + (month == 2 && leap))
        return false;
    *ret = year * 10000 + month * 100 + day;
    return true;
}

static struct prof_error *parse_condition(struct reader *r, struct suppress_rule *rule, int key, const char *value)
{
    struct prof_arena *arena = &r->s->arena;
    const char *copy;
    char *end;

    if (*value == '\0')
        return bad(r, r->number, "no value after", keys[key], ALLOWED);
    switch (key) {
    case KEY_VERDICT:
        if (!prof_verdict_parse(value, &rule->verdict))
            return bad(r, r->number, "unknown verdict", value,
                       "allowed are the verdicts of 'leaks --json', for example missing-unref, cycle, unfreed");
        return NULL;
    case KEY_EXPIRES:
        if (!parse_date(value, &rule->expires))
            return bad(r, r->number, "not a date:", value, "write expires:YYYY-MM-DD");
        return NULL;
    case KEY_MAX:
        rule->max = strtoull(value, &end, 10);
        if (!isdigit((unsigned char)*value) || *end != '\0' || rule->max == 0)
            return bad(r, r->number, "not a positive number:", value, "write max:N, the largest number of objects");
        return NULL;
    case KEY_REASON:
        return NULL; // part of the text that is shown
    default:
        break;
    }
    if ((copy = prof_arena_strdup(arena, value)) == NULL)
        return prof_error_memory();
    if (key == KEY_TYPE)
        rule->type = copy;
    else if (key == KEY_FUN)
        rule->fun = copy;
    else if (strlen(value) != 16 || strspn(value, "0123456789abcdef") != 16)
        return bad(r, r->number, "not a fingerprint:", value, "16 lower-case hex digits");
    else
        rule->fingerprint = copy;
    return NULL;
}

static struct prof_error *parse_own(struct reader *r)
{
    struct suppress_rule rule = { .syntax = SUPPRESS_OWN };
    char *text = prof_arena_strdup(&r->s->arena, r->line);
    char *at = prof_arena_strdup(&r->s->arena, r->line);
    unsigned seen = 0;

    if (text == NULL || at == NULL)
        return prof_error_memory();
    while (*at != '\0') {
        int key = key_at(at);
        char *value = at + strlen(keys[key]), *stop = value, *end;
        // The value ends before the next blank that a known key follows.
        while (*stop != '\0' && !((*stop == ' ' || *stop == '\t') && key_at(stop + strspn(stop, " \t")) >= 0))
            stop++;
        at = stop + strspn(stop, " \t");
        *stop = '\0';
        value += strspn(value, " \t");
        for (end = value + strlen(value); end > value && isspace((unsigned char)end[-1]);)
            *--end = '\0';
        if (seen & (1u << key))
            return bad(r, r->number, "given twice:", keys[key], "all conditions of a line must hold; use two lines");
        seen |= 1u << key;
        struct prof_error *error = parse_condition(r, &rule, key, value);
        if (error != NULL)
            return error;
    }
    if ((seen & (1u << KEY_VERDICT | 1u << KEY_TYPE | 1u << KEY_FUN | 1u << KEY_FINGERPRINT)) == 0)
        return bad(r, r->number, "no condition in", text, "add verdict:, type:, fun: or fingerprint:");
    return add_rule(r, rule, r->number, text);
}

struct prof_error *suppress_parse(struct prof_suppressions *s, const char *path, const char *text, size_t length)
{
    struct reader r = { .s = s, .path = path, .at = text, .line = "", .end = text + length };
    size_t rules = s->rules.count, uses = s->uses.count;
    struct prof_error *error = NULL;
    bool more = true;

    if ((r.buffer = malloc(SUPPRESS_LINE_MAX + 1)) == NULL)
        return prof_error_memory();
    while (error == NULL && (error = next_line(&r, &more)) == NULL && more) {
        if (strcmp(r.line, "{") == 0)
            error = parse_valgrind(&r);
        else if (strncmp(r.line, "leak:", 5) == 0)
            error = parse_lsan(&r);
        else if (key_at(r.line) >= 0)
            error = parse_own(&r);
        else
            error = bad(&r, r.number, "not a suppression:", r.line, ALLOWED);
    }
    free(r.buffer);
    if (error != NULL) {
        s->rules.count = rules;
        s->uses.count = uses;
    }
    return error;
}
