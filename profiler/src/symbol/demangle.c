/* demangle.c: the qualified part of Itanium C++ names, in one pass.
 *
 * Types inside template arguments and parameter lists are skipped by counting what opens and closes, which needs no
 * grammar: an identifier has its length in front, everything that nests ends with E. */
#include <symbol/demangle.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MAX_LOCAL = 8, MAX_OPEN = 64 };

struct reader {
    const char *at, *end;
    char *out;
    size_t length, size;
    bool failed;
};

static const struct {
    char code[3];
    const char *name;
} operators[] = {
    { "aN", "&=" }, { "aS", "=" },   { "aa", "&&" },   { "ad", "&" },         { "an", "&" },      { "cl", "()" },
    { "cm", "," },  { "co", "~" },   { "dV", "/=" },   { "da", " delete[]" }, { "de", "*" },      { "dl", " delete" },
    { "dv", "/" },  { "eO", "^=" },  { "eo", "^" },    { "eq", "==" },        { "ge", ">=" },     { "gt", ">" },
    { "ix", "[]" }, { "lS", "<<=" }, { "le", "<=" },   { "ls", "<<" },        { "lt", "<" },      { "mI", "-=" },
    { "mL", "*=" }, { "mi", "-" },   { "ml", "*" },    { "mm", "--" },        { "na", " new[]" }, { "ne", "!=" },
    { "ng", "-" },  { "nt", "!" },   { "nw", " new" }, { "oR", "|=" },        { "oo", "||" },     { "or", "|" },
    { "pL", "+=" }, { "pl", "+" },   { "pm", "->*" },  { "pp", "++" },        { "ps", "+" },      { "pt", "->" },
    { "qu", "?" },  { "rM", "%=" },  { "rS", ">>=" },  { "rm", "%" },         { "rs", ">>" },     { "ss", "<=>" },
};

static void put(struct reader *r, const char *bytes, size_t length)
{
    if (r->size - r->length <= length) {
        r->failed = true;
        return;
    }
    memcpy(r->out + r->length, bytes, length);
    r->length += length;
}

static void put_text(struct reader *r, const char *text)
{
    put(r, text, strlen(text));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct reader *r)
{
    return r->at < r->end ? *r->at : '\0';
}

static bool eat(struct reader *r, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, text, length) != 0)
        return false;
    r->at += length;
    return true;
}

// The identifier at r->at, with its length in front; NULL: none or damaged.
static const char *identifier(struct reader *r, size_t *length)
{
    size_t value = 0;
    if (!is_digit(peek(r)))
        return NULL;
    while (is_digit(peek(r))) {
        value = value * 10 + (size_t)(*r->at++ - '0');
        if (value > (size_t)(r->end - r->at))
            return NULL;
    }
    const char *start = r->at;
    *length = value;
    r->at += value;
    return value != 0 ? start : NULL;
}

// The digits of a literal's value.
static void skip_value(struct reader *r)
{
    while (r->at < r->end && *r->at != 'E' && *r->at != '_')
        r->at++;
}

// Skips types up to and including the E that closes them. false: there is none.
static bool skip_types(struct reader *r)
{
    uint64_t literals = 0; // bit n: level n is a literal (L type value E), whose type may be a nested name
    size_t open = 1, length;
    while (r->at < r->end) {
        char c = *r->at;
        if (is_digit(c)) {
            if (identifier(r, &length) == NULL)
                return false;
            if (literals >> open & 1)
                skip_value(r);
            continue;
        }
        r->at++;
        if (c == 'E') {
            literals &= ~((uint64_t)1 << open);
            if (--open == 0)
                return true;
            if (literals >> open & 1)
                skip_value(r);
        } else if (c == 'S' || c == 'T') { // St, Sa, S_, S12_, T_, T0_
            if (r->at < r->end && *r->at >= 'a' && *r->at <= 'z') {
                r->at++;
                continue;
            }
            while (r->at < r->end && *r->at != '_')
                r->at++;
            eat(r, "_");
        } else if (c == 'A') { // array: A10_i
            while (is_digit(peek(r)))
                r->at++;
        } else if (c == 'I' || c == 'N' || c == 'J' || c == 'X' || c == 'F' || c == 'L') {
            if (++open >= MAX_OPEN)
                return false;
            if (c != 'L')
                continue;
            if (eat(r, "_Z"))
                continue;
            literals |= (uint64_t)1 << open;
            if (peek(r) >= 'a' && peek(r) <= 'z')
                skip_value(r);
        }
    }
    return false;
}

static void digits_underscore(struct reader *r)
{
    while (is_digit(peek(r)))
        r->at++;
    eat(r, "_");
}

// Rust writes what C++ has no letters for as $LT$ and "..".
static void put_identifier(struct reader *r, const char *name, size_t length)
{
    static const char *const escapes[][2] = {
        { "$SP$", "@" },  { "$BP$", "*" },  { "$RF$", "&" },  { "$LT$", "<" },  { "$GT$", ">" },
        { "$LP$", "(" },  { "$RP$", ")" },  { "$C$", "," },   { "$u20$", " " }, { "$u7b$", "{" },
        { "$u7d$", "}" }, { "$u5b$", "[" }, { "$u5d$", "]" }, { "$u27$", "'" }, { "$u7e$", "~" },
    };
    const char *end = name + length;
    bool rust = memchr(name, '$', length) != NULL;
    if (rust && length > 1 && name[0] == '_' && name[1] == '$')
        name++;
    while (name < end) {
        size_t i = 0, count = rust && *name == '$' ? sizeof escapes / sizeof escapes[0] : 0;
        for (; i < count; i++) {
            size_t code = strlen(escapes[i][0]);
            if ((size_t)(end - name) >= code && memcmp(name, escapes[i][0], code) == 0) {
                put_text(r, escapes[i][1]);
                name += code;
                break;
            }
        }
        if (i < count)
            continue;
        if (rust && end - name >= 2 && name[0] == '.' && name[1] == '.') {
            put_text(r, "::");
            name += 2;
        } else {
            put(r, name++, 1);
        }
    }
}

static bool is_rust_hash(const char *name, size_t length)
{
    return length == 17 && name[0] == 'h' && strspn(name + 1, "0123456789abcdef") >= 16;
}

static bool operator_name(struct reader *r)
{
    if (eat(r, "cv")) {
        put_text(r, "operator (cast)");
        // The target type is not shown; it ends where the name does, which only its last letter tells.
        while (peek(r) == 'P' || peek(r) == 'K' || peek(r) == 'R')
            r->at++;
        size_t length;
        if (is_digit(peek(r)))
            return identifier(r, &length) != NULL;
        if (peek(r) >= 'a' && peek(r) <= 'z') {
            r->at++;
            return true;
        }
        return false;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (eat(r, operators[i].code)) {
            put_text(r, "operator");
            put_text(r, operators[i].name);
            return true;
        }
    }
    return false;
}

// One part of a qualified name. *last_start, *last_length: the last identifier, which constructors repeat.
static bool component(struct reader *r, bool first, const char **last, size_t *last_length, bool *is_name)
{
    static const char *const known[][2] = {
        { "Sa", "std::allocator" }, { "Sb", "std::basic_string" }, { "Ss", "std::string" }, { "Si", "std::istream" },
        { "So", "std::ostream" },   { "Sd", "std::iostream" },     { "St", "std" },
    };
    const char *separator = first ? "" : "::";
    size_t length;
    *is_name = true;
    eat(r, "L"); // internal linkage
    if (is_digit(peek(r))) {
        const char *name = identifier(r, &length);
        if (name == NULL)
            return false;
        if (peek(r) == 'E' && !first && is_rust_hash(name, length))
            return true;
        put_text(r, separator);
        if (length >= 10 && memcmp(name, "_GLOBAL__N", 10) == 0)
            put_text(r, "(anonymous namespace)");
        else
            put_identifier(r, name, length);
        *last = name;
        *last_length = length;
        return true;
    }
    if (eat(r, "I")) {
        *is_name = false;
        put_text(r, r->length > 0 && r->out[r->length - 1] == '<' ? " <...>" : "<...>");
        return !first && skip_types(r);
    }
    if (eat(r, "B")) { // an ABI tag belongs to the name before it
        *is_name = false;
        return identifier(r, &length) != NULL;
    }
    if (first) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (eat(r, known[i][0])) {
                const char *plain = known[i][1];
                put_text(r, plain);
                *last = plain + (i < 6 ? 5 : 0);
                *last_length = strlen(*last);
                return true;
            }
        }
    }
    put_text(r, separator);
    if (peek(r) == 'C' || (peek(r) == 'D' && r->at + 1 < r->end && is_digit(r->at[1]))) {
        if (*last == NULL || r->at + 1 >= r->end || !is_digit(r->at[1]))
            return false;
        if (*r->at == 'D')
            put_text(r, "~");
        put_identifier(r, *last, *last_length);
        r->at += 2;
        return true;
    }
    if (eat(r, "Ul")) {
        put_text(r, "{lambda}");
        if (!skip_types(r))
            return false;
        digits_underscore(r);
        return true;
    }
    if (eat(r, "Ut")) {
        put_text(r, "{unnamed}");
        digits_underscore(r);
        return true;
    }
    return operator_name(r);
}

// A name: nested (N ... E), in std, or plain; with template arguments.
static bool qualified(struct reader *r, bool first)
{
    const char *last = NULL;
    size_t last_length = 0;
    bool is_name;
    if (eat(r, "N")) {
        while (peek(r) == 'r' || peek(r) == 'V' || peek(r) == 'K' || peek(r) == 'R' || peek(r) == 'O')
            r->at++;
        for (bool any = false; !eat(r, "E"); any = true) {
            if (r->failed || !component(r, first && !any, &last, &last_length, &is_name))
                return false;
        }
        return last != NULL || r->length != 0;
    }
    bool in_std = first && memcmp(r->at, "St", r->end - r->at >= 2 ? 2 : 0) == 0;
    if (!component(r, first, &last, &last_length, &is_name) || !is_name)
        return false;
    if (in_std && !component(r, false, &last, &last_length, &is_name))
        return false;
    while (peek(r) == 'B' || peek(r) == 'I') {
        if (!component(r, false, &last, &last_length, &is_name))
            return false;
    }
    return true;
}

size_t prof_demangle(const char *name, size_t length, char *buf, size_t size)
{
    struct reader r = { .at = name, .end = name + length, .out = buf, .size = size };
    if (size == 0 || !eat(&r, "_Z") || r.at == r.end || *r.at == 'T' || *r.at == 'G')
        return 0;
    // Local names: Z, the function's whole name, E, the name inside it.
    size_t locals = 0;
    while (locals < MAX_LOCAL && eat(&r, "Z"))
        locals++;
    if (!qualified(&r, true))
        return 0;
    for (; locals > 0; locals--) {
        if (!skip_types(&r))
            return 0;
        if (eat(&r, "s")) // a string literal of the function
            put_text(&r, "::{string}");
        else if (!qualified(&r, false))
            return 0;
        if (eat(&r, "_"))
            digits_underscore(&r);
    }
    if (r.failed || r.length == 0)
        return 0;
    buf[r.length] = '\0';
    return r.length;
}
