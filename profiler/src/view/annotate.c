/* annotate.c: which words in which line of source tell reftrack who owns a reference. */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <prof/annotate.h>

enum { NEAR = 3, LINE = 256, FUNCTION = 60 };

/* A piece of a line. */
struct piece {
    const char *at;
    size_t length;
};
#define PIECE(p) (int)(p).length, (p).at

static struct piece trimmed(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    return (struct piece){ at, (size_t)(end - at) };
}

static bool same(struct piece a, struct piece b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static bool begins(struct piece p, const char *text)
{
    size_t length = strlen(text);
    return p.length >= length && memcmp(p.at, text, length) == 0;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* "a", "a->b.c", "a[i]": a variable that has an address. */
static bool is_variable(struct piece p)
{
    if (p.length == 0 || !(isalpha((unsigned char)p.at[0]) || p.at[0] == '_'))
        return false;
    for (size_t i = 0; i < p.length; i++) {
        char c = p.at[i], next = i + 1 < p.length ? p.at[i + 1] : '\0';
        if (c == '-' && next == '>')
            i++;
        else if (!in_word(c) && c != '.' && c != '[' && c != ']')
            return false;
    }
    return true;
}

/* Where at depth 0 one of these characters stands; NULL: nowhere. */
static const char *find(struct piece p, const char *set)
{
    int depth = 0;
    for (size_t i = 0; i < p.length; i++) {
        char c = p.at[i];
        if (c == '"' || c == '\'') {
            while (++i < p.length && p.at[i] != c)
                i += p.at[i] == '\\';
            continue;
        }
        if (depth == 0 && strchr(set, c) != NULL)
            return p.at + i;
        depth += c == '(' || c == '[';
        depth -= c == ')' || c == ']';
    }
    return NULL;
}

/* The '=' of an assignment; NULL: there is none. */
static const char *assignment(struct piece p)
{
    const char *end = p.at + p.length;
    for (const char *at = p.at; (at = find((struct piece){ at, (size_t)(end - at) }, "=")) != NULL; at++) {
        if (at + 1 < end && at[1] == '=')
            at++;
        else if (at > p.at && strchr("!<>+-*/%&|^", at[-1]) == NULL)
            return at;
    }
    return NULL;
}

/* One statement of a line, without its semicolon and a remark behind it. false: none, or several. */
static bool statement(const char *line, struct piece *ret)
{
    const char *end = line + strlen(line);
    const char *semicolon = find((struct piece){ line, (size_t)(end - line) }, ";{}");
    if (semicolon == NULL || *semicolon != ';')
        return false;
    struct piece rest = trimmed(semicolon + 1, end);
    if (rest.length != 0 && !begins(rest, "//") && !begins(rest, "/*"))
        return false;
    *ret = trimmed(line, semicolon);
    return ret->length != 0;
}

/* NAME(ARGUMENT, ...) and nothing else. `rest` is what follows the first argument, up to the bracket. */
struct call {
    struct piece name, argument, rest;
};
static bool read_call(struct piece p, struct call *ret)
{
    const char *end = p.at + p.length, *open = p.at;
    while (open < end && in_word(*open))
        open++;
    ret->name = (struct piece){ p.at, (size_t)(open - p.at) };
    if (ret->name.length == 0 || isdigit((unsigned char)p.at[0]) || open >= end || *open != '(' || end[-1] != ')')
        return false;
    struct piece inner = { open + 1, (size_t)(end - open - 2) };
    if (find(inner, ")") != NULL)
        return false;
    const char *comma = find(inner, ",");
    ret->argument = trimmed(inner.at, comma != NULL ? comma : end - 1);
    ret->rest = comma != NULL ? trimmed(comma + 1, end - 1) : (struct piece){ end - 1, 0 };
    return ret->argument.length != 0;
}

/* "struct conn *c", "conn_t *c": declares a variable. */
static bool declared(struct piece left, struct piece *ret)
{
    size_t at = left.length;
    bool words = false;
    while (at > 0 && in_word(left.at[at - 1]))
        at--;
    if (at == left.length || at == 0)
        return false;
    for (size_t i = 0; i < at; i++) {
        if (!in_word(left.at[i]) && !isspace((unsigned char)left.at[i]) && left.at[i] != '*')
            return false;
        words |= in_word(left.at[i]);
    }
    *ret = (struct piece){ left.at + at, left.length - at };
    return words;
}

/* Does a line near by store the object somewhere? "x->f = c;" */
static bool stored_near(struct piece object, const struct prof_annotate_text *text, char *buf, size_t size)
{
    char line[LINE];
    struct piece whole;
    for (int32_t i = 2; text->next != NULL && i < 2 * NEAR + 2; i++) {
        int32_t offset = i % 2 == 0 ? i / 2 : -(i / 2);
        if (!text->next(text->ctx, offset, line, sizeof line) || !statement(line, &whole))
            continue;
        const char *equals = assignment(whole);
        if (equals == NULL || !same(trimmed(equals + 1, whole.at + whole.length), object))
            continue;
        struct piece left = trimmed(whole.at, equals);
        if (!is_variable(left) || same(left, object))
            continue;
        snprintf(buf, size, "%.*s", PIECE(left));
        return true;
    }
    return false;
}

/* Did the object come out of a call further up in the function? Then its variable owns that reference already. */
static bool came_from_call(struct piece object, const struct prof_annotate_text *text)
{
    char line[LINE];
    struct piece whole, name;
    for (int32_t i = 1; text->next != NULL && i <= FUNCTION && text->next(text->ctx, -i, line, sizeof line); i++) {
        if (line[0] == '{' || line[0] == '}')
            return false;
        const char *equals = statement(line, &whole) ? assignment(whole) : NULL;
        if (equals == NULL || find((struct piece){ equals, (size_t)(whole.at + whole.length - equals) }, "(") == NULL)
            continue;
        struct piece left = trimmed(whole.at, equals);
        if (same(left, object) || (declared(left, &name) && same(name, object)))
            return true;
    }
    return false;
}

/* An assignment gets its owner where it stands. */
static bool own_assigned(struct piece whole, const char *equals, char *ret, size_t size)
{
    struct piece left = trimmed(whole.at, equals), right = trimmed(equals + 1, whole.at + whole.length), name;
    if (find(right, "(") == NULL)
        return false;
    if (declared(left, &name))
        snprintf(ret, size, "%.*s; trk_own(%.*s, &%.*s);", PIECE(whole), PIECE(name), PIECE(name));
    else if (is_variable(left) || left.at[0] == '*')
        snprintf(ret, size, "TRK_OWN(%.*s, %.*s);", PIECE(left), PIECE(right));
    else
        return false;
    return true;
}

/* q_push(&queue, conn_ref(c)): what this call is about is not what was taken. */
static bool taken_within(const struct call *call, const char *callee)
{
    size_t length = callee != NULL ? strlen(callee) : 0;
    const char *end = call->rest.at + call->rest.length;
    if (length == 0) /* any call may be the one that took, unless this is a verb of ours with a count */
        return !begins(call->name, "trk_") && memchr(call->rest.at, '(', call->rest.length) != NULL;
    if (same(call->name, (struct piece){ callee, length }))
        return false;
    for (const char *at = call->argument.at; at + length < end; at++)
        if (memcmp(at, callee, length) == 0 && at[length] == '(' && !in_word(at[-1]))
            return true;
    return false;
}

/* A release inside of an expression: `return conn_unref(c);`, `if (conn_unref(c)) {`. */
static bool give_inside(const struct prof_annotate_text *text, char *ret, size_t size)
{
    static const char *const goes_on[] = { "else", "while", "for", "case", "}", "default", NULL };
    struct piece line = trimmed(text->line, text->line + strlen(text->line));
    struct call call;
    const char *at = text->callee != NULL ? strstr(text->line, text->callee) : NULL;
    for (size_t i = 0; goes_on[i] != NULL; i++)
        if (begins(line, goes_on[i]))
            return false;
    if (at == NULL || (at > text->line && in_word(at[-1])))
        return false;
    const char *open = at + strlen(text->callee), *end = text->line + strlen(text->line);
    const char *close = *open == '(' ? find((struct piece){ open + 1, (size_t)(end - open - 1) }, ")") : NULL;
    if (close == NULL || !read_call((struct piece){ at, (size_t)(close + 1 - at) }, &call) ||
        !is_variable(call.argument))
        return false;
    snprintf(ret, size, "trk_disown(%.*s, &%.*s); %.*s", PIECE(call.argument), PIECE(call.argument), PIECE(line));
    return true;
}

bool prof_annotate_line(const struct prof_annotate_text *text, enum prof_annotation_kind kind, char *ret, size_t size)
{
    bool give = kind == PROF_ANNOTATE_GIVE;
    struct piece whole, object;
    struct call call;
    char slot[LINE];
    static const char *const told[] = { "TRK_OWN", "trk_own", "TRK_DISOWN", "trk_disown", "trk_move", NULL };
    for (size_t i = 0; told[i] != NULL; i++)
        if (strstr(text->line, told[i]) != NULL)
            return false;
    bool one = statement(text->line, &whole);
    const char *equals = one ? assignment(whole) : NULL;
    if (one && equals != NULL && !give)
        return own_assigned(whole, equals, ret, size);
    if (!one || !read_call(whole, &call))
        return give && give_inside(text, ret, size);
    if (!give && taken_within(&call, text->callee))
        return false;
    object = call.argument;
    if (object.at[0] == '&') /* g_clear_object(&x->f) */
        object = trimmed(object.at + 1, object.at + object.length);
    if (!is_variable(object))
        return false;
    bool verb = begins(call.name, give ? "trk_unref" : "trk_ref");
    if (give || !stored_near(object, text, slot, sizeof slot)) {
        bool other = !give && kind == PROF_ANNOTATE_TAKE && came_from_call(object, text);
        snprintf(slot, sizeof slot, "%.*s", other ? (int)strlen("VARIABLE") : (int)object.length,
                 other ? "VARIABLE" : object.at);
    }
    if (verb && begins(call.rest, "NULL"))
        snprintf(ret, size, "%.*s(%.*s, &%s%.*s);", PIECE(call.name), PIECE(object), slot, (int)call.rest.length - 4,
                 call.rest.at + 4);
    else if (verb)
        return false;
    else if (give)
        snprintf(ret, size, "trk_disown(%.*s, &%s); %.*s;", PIECE(object), slot, PIECE(whole));
    else
        snprintf(ret, size, "%.*s; trk_own(%.*s, &%s);", PIECE(whole), PIECE(object), slot);
    return true;
}

/* ---- Places ------------------------------------------------------------------------------------------------------ */

struct nearby {
    struct prof_view *view;
    const struct prof_frame *frame;
};

static bool line_near(void *ctx, int32_t offset, char *buf, size_t size)
{
    const struct nearby *near = ctx;
    return prof_symbols_line(near->view->symbols, near->frame, offset, buf, size);
}

void prof_view_annotation(struct prof_view *view, uint32_t stack, enum prof_annotation_kind kind,
                          struct prof_annotation *ret)
{
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(view->symbols, stack, &frames), site = prof_symbols_site(view->symbols, stack);
    static const struct prof_frame none = { .module = "" };
    if (count == 0) {
        frames = &none;
        site = 0;
    }
    const struct prof_frame *frame = &frames[site];
    struct prof_annotation a = { .is = "" };
    bool known = prof_symbols_line(view->symbols, frame, 0, a.is, sizeof a.is);
    /* The constructor hands its reference to whoever called it. */
    if (known && kind == PROF_ANNOTATE_BIRTH && strstr(a.is, "trk_new") != NULL && site + 1 < count) {
        frame = &frames[site + 1];
        if (!prof_symbols_line(view->symbols, frame, 0, a.is, sizeof a.is))
            a.is[0] = '\0';
    }
    prof_fmt_frame(a.place, sizeof a.place, frame, false);
    a.file = frame->file;
    a.line = frame->line;
    struct nearby near = { view, frame };
    struct prof_annotate_text text = {
        .line = a.is, .callee = frame > frames ? frame[-1].function : NULL, .next = line_near, .ctx = &near
    };
    if (a.is[0] != '\0' && prof_annotate_line(&text, kind, a.becomes, sizeof a.becomes)) {
        *ret = a;
        return;
    }
    if (kind == PROF_ANNOTATE_GIVE)
        snprintf(a.becomes, sizeof a.becomes, "in front of it: trk_disown(OBJECT, &VARIABLE);");
    else if (strncmp(a.is, "return", 6) == 0 && frame->function != NULL)
        snprintf(a.becomes, sizeof a.becomes, "where it is called: TRK_OWN(VARIABLE, %.200s(...));", frame->function);
    else
        snprintf(a.becomes, sizeof a.becomes, "behind it: trk_own(OBJECT, &VARIABLE);");
    *ret = a;
}
