/* statement.c: cuts a source text into words up to the wanted statement, finds the call in it and looks at what is
 * inside and before it. */
#include <symbol/statement.h>

#include <symbol/site.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TOKENS = 400 };

struct token {
    const char *text;
    size_t length;
    uint32_t line, column;
};
struct reader {
    const char *at, *end, *line_start;
    uint32_t line;
    bool fresh; /* nothing but white space on this line so far */
    struct token tokens[MAX_TOKENS];
    size_t count;
};

static void newline(struct reader *r)
{
    r->line++;
    r->line_start = r->at;
    r->fresh = true;
}

static void skip_to(struct reader *r, const char *stop)
{
    size_t length = strlen(stop);
    while (r->at < r->end && ((size_t)(r->end - r->at) < length || memcmp(r->at, stop, length) != 0)) {
        if (*r->at++ == '\n')
            newline(r);
    }
}

static void skip_directive(struct reader *r)
{
    while (r->at < r->end && *r->at != '\n') {
        if (*r->at == '\\' && r->end - r->at > 1 && r->at[1] == '\n') {
            r->at += 2;
            newline(r);
        } else {
            r->at++;
        }
    }
}

static void skip_quoted(struct reader *r, char quote)
{
    while (r->at < r->end && *r->at != quote && *r->at != '\n')
        r->at += *r->at == '\\' && r->end - r->at > 1 && r->at[1] != '\n' ? 2 : 1;
    r->at += r->at < r->end && *r->at == quote;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

// The next word, string or sign. false: the end.
static bool next(struct reader *r, struct token *ret)
{
    while (r->at < r->end) {
        char c = *r->at;
        bool more = r->end - r->at > 1;
        if (c == '\n') {
            r->at++;
            newline(r);
        } else if (isspace((unsigned char)c) != 0) {
            r->at++;
        } else if (c == '#' && r->fresh) {
            skip_directive(r);
        } else if (c == '/' && more && r->at[1] == '/') {
            skip_to(r, "\n");
        } else if (c == '/' && more && r->at[1] == '*') {
            r->at += 2;
            skip_to(r, "*/");
            r->at += r->at < r->end ? 2 : 0;
        } else {
            *ret = (struct token){ r->at, 1, r->line, (uint32_t)(r->at - r->line_start) + 1 };
            r->fresh = false;
            const char *start = r->at++;
            if (c == '"' || c == '\'')
                skip_quoted(r, c);
            else if (in_word(c))
                while (r->at < r->end && in_word(*r->at))
                    r->at++;
            else if (more && ((c == ':' && *r->at == ':') || (c == '-' && *r->at == '>')))
                r->at++;
            ret->length = (size_t)(r->at - start);
            return true;
        }
    }
    return false;
}

static bool is(const struct token *token, const char *text)
{
    return token->length == strlen(text) && memcmp(token->text, text, token->length) == 0;
}

static bool is_name(const struct token *token)
{
    return in_word(token->text[0]) && isdigit((unsigned char)token->text[0]) == 0;
}

// Fills the tokens of the statement at a place. false: there is none, or it is too long.
static bool find_statement(struct reader *r, uint32_t line, uint32_t column)
{
    struct token token;
    bool reached = false;
    while (next(r, &token)) {
        bool ends = is(&token, ";") || is(&token, "{") || is(&token, "}");
        if (token.line > line || (token.line == line && token.column >= column)) {
            if (column == 0 && reached && ends && token.line > line)
                return true;
            reached = true;
        }
        // Without a column all that begins on the line belongs together.
        if (ends && reached && (column != 0 || token.line > line))
            return true;
        if (ends && !(column == 0 && token.line == line)) {
            r->count = 0;
            continue;
        }
        if (column == 0 && reached && token.line > line && r->count != 0 && is(&r->tokens[r->count - 1], ";"))
            return true;
        if (r->count == MAX_TOKENS)
            return false;
        r->tokens[r->count++] = token;
    }
    return reached;
}

// The bracket that closes the one at `open`; count: none.
static size_t closing(const struct reader *r, size_t open)
{
    int depth = 0;
    for (size_t i = open; i < r->count; i++) {
        depth += is(&r->tokens[i], "(") || is(&r->tokens[i], "[");
        depth -= is(&r->tokens[i], ")") || is(&r->tokens[i], "]");
        if (depth == 0)
            return i;
    }
    return r->count;
}

static size_t opening(const struct reader *r, size_t close)
{
    int depth = 0;
    for (size_t i = close + 1; i-- > 0;) {
        depth += is(&r->tokens[i], ")") || is(&r->tokens[i], "]");
        depth -= is(&r->tokens[i], "(") || is(&r->tokens[i], "[");
        if (depth == 0)
            return i;
    }
    return r->count;
}

static bool is_macro(const struct token *token)
{
    static const char *const macros[] = {
        "g_new",        "g_new0",  "g_try_new", "g_try_new0",    "g_renew",        "g_try_renew", "g_slice_new",
        "g_slice_new0", "TRK_NEW", "TRK_NEW0",  "TRK_NEW_ARRAY", "TRK_NEW_ARRAY0", "PyMem_New",
    };
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
        if (is(token, macros[i]))
            return true;
    }
    return false;
}

static bool may_allocate(const struct token *token)
{
    char name[64];
    if (is(token, "new") || is_macro(token))
        return true;
    if (token->length >= sizeof name)
        return false;
    memcpy(name, token->text, token->length);
    name[token->length] = '\0';
    return prof_site_is_allocator(name, NULL);
}

// The first token of the call; count: not found.
static size_t find_call(const struct reader *r, uint32_t line, uint32_t column)
{
    size_t found = r->count, calls = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct token *token = &r->tokens[i];
        if (column != 0 && token->line == line && token->column == column) {
            size_t at = i; // some compilers point to a bracket
            if (is(token, ")"))
                at = opening(r, i);
            if (at < r->count && is(&r->tokens[at], "(") && at > 0)
                at--;
            for (size_t back = at; back > 0 && at < r->count; back--) { // `new ns::Conn`, at any of its words
                if (is(&r->tokens[back - 1], "new"))
                    return back - 1;
                if (!is_name(&r->tokens[back - 1]) && !is(&r->tokens[back - 1], "::"))
                    break;
            }
            if (at + 1 < r->count && is_name(&r->tokens[at]) && is(&r->tokens[at + 1], "("))
                return at;
            if (at < r->count && is(&r->tokens[at], "new"))
                return at;
        }
        if (may_allocate(token)) {
            found = i;
            calls++;
        }
    }
    return calls == 1 ? found : r->count;
}

static void append(struct prof_statement_type *type, const struct token *token, const char *between)
{
    size_t used = strlen(type->name);
    int length = snprintf(type->name + used, sizeof type->name - used, "%s%.*s", used != 0 ? between : "",
                          (int)token->length, token->text);
    if (length < 0 || (size_t)length >= sizeof type->name - used)
        type->name[0] = '\0';
}

// A type name from `at` on: "const struct conn *", "ns::Conn". Returns where it ends; `at`: there is none.
static size_t read_type(const struct reader *r, size_t at, struct prof_statement_type *ret)
{
    size_t begin = at, words = 0;
    bool tag = false;
    *ret = (struct prof_statement_type){ 0 };
    while (at < r->count && (is(&r->tokens[at], "const") || is(&r->tokens[at], "volatile")))
        at++;
    if (at < r->count && (is(&r->tokens[at], "struct") || is(&r->tokens[at], "union") || is(&r->tokens[at], "class"))) {
        append(ret, &r->tokens[at++], "");
        tag = true;
    }
    while (at < r->count) {
        const char *between = words == 0 && tag ? " " : "";
        if (words % 2 == 0 ? !is_name(&r->tokens[at]) : !is(&r->tokens[at], "::"))
            break;
        append(ret, &r->tokens[at++], between);
        words++;
    }
    while (at < r->count && (is(&r->tokens[at], "*") || is(&r->tokens[at], "const"))) {
        ret->stars += is(&r->tokens[at], "*");
        at++;
    }
    return words % 2 == 1 && ret->name[0] != '\0' ? at : begin;
}

static bool goes_on(const struct reader *r, size_t at)
{
    return at < r->count && (is(&r->tokens[at], "->") || is(&r->tokens[at], ".") || is(&r->tokens[at], "[") ||
                             is(&r->tokens[at], "(") || is(&r->tokens[at], "::"));
}

// `sizeof` at a token. false: of something that is not understood.
static bool read_sizeof(const struct reader *r, size_t at, struct prof_statement_type *ret)
{
    bool bracket = at + 1 < r->count && is(&r->tokens[at + 1], "(");
    size_t begin = at + (bracket ? 2 : 1), end = bracket ? closing(r, at + 1) : r->count;
    *ret = (struct prof_statement_type){ .variable = true };
    if (end > r->count || begin >= end)
        return false;
    if (is(&r->tokens[begin], "*")) { // sizeof *p, sizeof(*p), sizeof(*(p))
        size_t name = begin + 1, inner = name < end && is(&r->tokens[name], "(");
        name += inner;
        if (name >= end || !is_name(&r->tokens[name]))
            return false;
        append(ret, &r->tokens[name], "");
        name += 1 + inner;
        return !goes_on(r, name) && (!bracket || name == end) && (!bracket || !goes_on(r, end + 1));
    }
    if (begin + 1 < end && is_name(&r->tokens[begin]) && is(&r->tokens[begin + 1], "[")) { // sizeof p[0]
        size_t close = closing(r, begin + 1);
        append(ret, &r->tokens[begin], "");
        return close < end && (!bracket || close + 1 == end) && !goes_on(r, close + 1);
    }
    return bracket && read_type(r, begin, ret) == end;
}

static bool same(const struct prof_statement_type *a, const struct prof_statement_type *b)
{
    return strcmp(a->name, b->name) == 0 && a->stars == b->stars && a->variable == b->variable;
}

static void read_arguments(const struct reader *r, size_t call, struct prof_statement *ret)
{
    struct prof_statement_type type;
    if (is(&r->tokens[call], "new") || is_macro(&r->tokens[call])) {
        size_t at = call + (is(&r->tokens[call], "new") ? 1 : 2), end = read_type(r, at, &type);
        // A template's arguments are written differently in debug information.
        if (end > at && (end == r->count || !is(&r->tokens[end], "<")))
            ret->size = type;
        return;
    }
    size_t end = call + 1 < r->count ? closing(r, call + 1) : r->count;
    for (size_t i = call; i < end && i < r->count; i++) {
        if (!is(&r->tokens[i], "sizeof"))
            continue;
        bool known = read_sizeof(r, i, &type);
        if (!known || (ret->size.name[0] != '\0' && !same(&ret->size, &type)))
            ret->several_sizes = true;
        ret->size = type;
    }
    if (ret->several_sizes)
        ret->size = (struct prof_statement_type){ 0 };
}

// What stands in front of the call: a cast, and the variable that it is assigned to.
static void read_before(const struct reader *r, size_t call, struct prof_statement *ret)
{
    size_t at = call;
    while (at >= 2 && is(&r->tokens[at - 1], "::")) // std::malloc
        at -= 2;
    if (at > 0 && is(&r->tokens[at - 1], "::"))
        at--;
    if (at > 0 && is(&r->tokens[at - 1], ")")) {
        size_t open = opening(r, at - 1);
        struct prof_statement_type type;
        if (open >= r->count)
            return;
        if (read_type(r, open + 1, &type) == at - 1 && type.stars > 0) {
            type.stars--;
            ret->cast = type;
        }
        at = open;
    }
    if (at >= 2 && is(&r->tokens[at - 1], "=") && is_name(&r->tokens[at - 2]) &&
        (at == 2 || (!is(&r->tokens[at - 3], ".") && !is(&r->tokens[at - 3], "->")))) {
        struct prof_statement_type name = { 0 };
        append(&name, &r->tokens[at - 2], "");
        memcpy(ret->assigned, name.name, sizeof ret->assigned);
    }
}

bool prof_statement_read(const char *text, size_t length, uint32_t line, uint32_t column, struct prof_statement *ret)
{
    struct reader r = { .at = text, .end = text + length, .line_start = text, .line = 1, .fresh = true };
    if (line == 0 || !find_statement(&r, line, column))
        return false;
    size_t call = find_call(&r, line, column);
    if (call >= r.count)
        return false;
    *ret = (struct prof_statement){ 0 };
    read_arguments(&r, call, ret);
    read_before(&r, call, ret);
    return true;
}
