/* parse.c: the statements of adapters. */
#include <prof/adapter.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/file.h>
#include <base/nearest.h>

#include "adapter.h"
#include "text.h"

enum { TYPE_NAME = 95 }; /* bytes of a type's name; more do not reach reports */

/* A text while it is read. */
struct reader {
    struct adapter_text text;
    struct adapter *adapter;
    uint32_t named; /* line of `adapter`, 0: not met */
};

static struct prof_error *bad(const struct reader *r, const char *what, const char *found, const char *expected)
{
    return adapter_bad(&r->text, what, found, expected);
}

static struct prof_error *twice(const struct reader *r, const char *what, uint32_t line)
{
    return prof_error_at(PROF_ERROR_SYNTAX, r->text.path, r->text.number, "%s:%u: %s is said in line %u already",
                         r->text.path, r->text.number, what, line);
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* The next word, of at most `most` bytes; of the characters that `sign` says yes to. */
static struct prof_error *name(struct reader *r, const char *missing, int (*sign)(int), size_t most,
                               const char *expected, const char **ret)
{
    char word[PROF_ADAPTER_LINE + 1];
    const char *from = r->text.at;
    if (adapter_at_end(&r->text))
        return bad(r, missing, NULL, expected);
    bool fits = adapter_token(&r->text, word, most + 1);
    for (size_t i = 0; fits && word[i] != '\0'; i++)
        fits = sign((unsigned char)word[i]) != 0;
    if (!fits) {
        while (isspace((unsigned char)*from))
            from++;
        return bad(r, "not a name:", from, expected);
    }
    *ret = prof_arena_strdup(&r->adapter->arena, word);
    return *ret != NULL ? NULL : prof_error_memory();
}

static int in_adapter(int c)
{
    return isalnum(c) || c == '_' || c == '-' || c == '.' || c == '+';
}

static int in_file(int c)
{
    return isgraph(c) && c != '/' && c != '|';
}

static int in_function(int c)
{
    return isalnum(c) || c == '_' || c == '.' || c == '$' || c == '*';
}

static int in_tail(int c)
{
    return in_function(c) || c == '>';
}

/* '>' behind a name, without '*', is the function that it jumps to. */
static bool misplaces_tail(const char *function)
{
    const char *mark = strchr(function, '>');
    return mark != NULL && (mark == function || mark[1] != '\0' || strchr(function, '*') != NULL);
}

/* ---- adapter, library, type -------------------------------------------------------------------------------------- */

static struct prof_error *read_adapter(struct reader *r)
{
    static const char expected[] =
        "write 'adapter NAME [asked]' with a name of letters and digits, as in 'adapter json-c'";
    if (r->adapter->pub.name[0] != '\0')
        return twice(r, "the adapter's name", r->named);
    r->named = r->text.number;
    struct prof_error *error =
        name(r, "the adapter has no name", in_adapter, PROF_ADAPTER_WORD, expected, &r->adapter->pub.name);
    r->adapter->pub.asked = error == NULL && adapter_takes_word(&r->text, "asked");
    return error;
}

/* One file or more. */
static struct prof_error *read_files(struct reader *r, const char *expected, adapter_files *files)
{
    do {
        const char *file;
        struct prof_error *error = name(r, "no file is named", in_file, PROF_ADAPTER_WORD, expected, &file);
        if (error != NULL)
            return error;
        if (!prof_vec_push(files, file))
            return prof_error_memory();
    } while (!adapter_at_end(&r->text));
    return NULL;
}

static struct prof_error *read_library(struct reader *r)
{
    return read_files(r,
                      "write 'library FILE...' with names of loaded files without folders, as in 'library "
                      "libjson-c.so.5'; * is any characters, program the executable",
                      &r->adapter->libraries);
}

/* What of a library is no place in reports. */
static struct prof_error *read_inside(struct reader *r)
{
    static const char expected[] = "write 'inside hidden' behind 'library', or 'inside hidden FILE...'";
    if (!adapter_takes_word(&r->text, "hidden"))
        return bad(r, adapter_at_end(&r->text) ? "a word is missing" : "not understood:", r->text.at, expected);
    if (!adapter_at_end(&r->text))
        return read_files(r, expected, &r->adapter->hidden);
    if (r->adapter->libraries.count == 0)
        return bad(r, "no library was named before", NULL, expected);
    for (size_t i = 0; i < r->adapter->libraries.count; i++)
        if (!prof_vec_push(&r->adapter->hidden, r->adapter->libraries.items[i]))
            return prof_error_memory();
    return NULL;
}

static struct prof_error *read_type(struct reader *r)
{
    struct prof_adapter_type type = { .line = r->text.number };
    if (adapter_at_end(&r->text))
        return bad(r, "the type has no name", NULL, "write 'type NAME', as in 'type struct conn'");
    if (strlen(r->text.at) > TYPE_NAME)
        return bad(r, "the type's name is longer than 95 bytes", NULL, "reports would cut it");
    for (size_t i = 0; i < r->adapter->types.count; i++)
        if (strcmp(r->adapter->types.items[i].name, r->text.at) == 0)
            return twice(r, "this type", r->adapter->types.items[i].line);
    type.name = prof_arena_strdup(&r->adapter->arena, r->text.at);
    r->text.at += strlen(r->text.at);
    return type.name != NULL && prof_vec_push(&r->adapter->types, type) ? NULL : prof_error_memory();
}

/* The type that lines speak of; NULL: none yet. */
static struct prof_adapter_type *current(struct reader *r)
{
    return r->adapter->types.count > 0 ? &r->adapter->types.items[r->adapter->types.count - 1] : NULL;
}

/* ---- What a type has ----------------------------------------------------------------------------------------------
 */

#define COUNT "write 'count OFFSET TYPE [unit N] [immortal [& MASK =] VALUE|negative] [inline]', as in 'count +4 int32'"

static struct prof_error *count_type(struct reader *r, struct prof_adapter_type *type)
{
    static const struct {
        const char *word;
        uint8_t bytes;
        bool is_signed;
    } words[] = { { "int32", 4, true },   { "uint32", 4, false }, { "int64", 8, true }, { "uint64", 8, false },
                  { "uint16", 2, false }, { "int16", 2, true },   { "uint8", 1, false } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (adapter_takes_word(&r->text, words[i].word)) {
            type->count_bytes = words[i].bytes;
            type->count_signed = words[i].is_signed;
            return NULL;
        }
    return bad(r, adapter_at_end(&r->text) ? "the count has no type" : "unknown type of a count:", r->text.at,
               "known are int32, uint32, int64, uint64, int16, uint16 and uint8");
}

static struct prof_error *count_unit(struct reader *r, struct prof_adapter_type *type)
{
    uint64_t unit;
    if (!adapter_number(&r->text, &unit) || unit == 0 || (unit & (unit - 1)) != 0 || unit > UINT64_C(1) << 7)
        return bad(r, "no unit", NULL, "unit is what one reference adds to the count: 1, 2, 4 and so on up to 128");
    type->count_shift = (uint8_t)__builtin_ctzll(unit);
    return type->count_shift < 8 * type->count_bytes ? NULL : bad(r, "the unit is larger than the count", NULL, COUNT);
}

static struct prof_error *count_immortal(struct reader *r, struct prof_adapter_type *type)
{
    const unsigned bytes = type->count_bytes;
    type->has_immortal = true;
    if (adapter_takes_word(&r->text, "negative")) {
        type->immortal_mask = type->immortal_value = UINT64_C(1) << (8 * bytes - 1);
        return NULL;
    }
    const char *before = r->text.at;
    bool masked = adapter_takes(&r->text, "&");
    r->text.at = before;
    struct prof_error *error = adapter_mask(&r->text, bytes, &type->immortal_mask);
    if (error == NULL && masked && !adapter_takes(&r->text, "="))
        error = bad(r, "expected '= VALUE' behind the mask, found", r->text.at, COUNT);
    if (error == NULL)
        error = adapter_value(&r->text, bytes, &type->immortal_value);
    if (error == NULL && (type->immortal_value & ~type->immortal_mask) != 0)
        error = bad(r, "the value has bits that the mask leaves out", NULL, "it could never be equal");
    return error;
}

static struct prof_error *read_count(struct reader *r)
{
    struct prof_adapter_type *type = current(r);
    if (type->count_bytes != 0)
        return bad(r, "a second count", NULL, "a type has one; begin another type above this line");
    struct prof_error *error = adapter_offset(&r->text, COUNT, &type->count_offset);
    if (error == NULL)
        error = count_type(r, type);
    while (error == NULL && !adapter_at_end(&r->text)) {
        if (type->count_shift == 0 && adapter_takes_word(&r->text, "unit"))
            error = count_unit(r, type);
        else if (!type->has_immortal && adapter_takes_word(&r->text, "immortal"))
            error = count_immortal(r, type);
        else if (!type->counts_inline && adapter_takes_word(&r->text, "inline"))
            type->counts_inline = true;
        else
            return bad(r, "not understood:", r->text.at, COUNT);
    }
    return error;
}

static struct prof_error *read_name(struct reader *r)
{
    static const char expected[] = "write 'name string PLACE' or 'name call FUNCTION PLACE', as in 'name string "
                                   "*(obj+16)'";
    struct prof_adapter_type *type = current(r);
    unsigned width = 8;
    struct prof_error *error = NULL;
    if (type->naming != TRK_HOOK_NAME_TYPE)
        return bad(r, "a second name", NULL, "a type has one; begin another type above this line");
    if (adapter_takes_word(&r->text, "string"))
        type->naming = TRK_HOOK_NAME_STRING;
    else if (adapter_takes_word(&r->text, "call"))
        type->naming = TRK_HOOK_NAME_CALL;
    else
        return bad(r, adapter_at_end(&r->text) ? "where the name is, is missing" : "not understood:", r->text.at,
                   expected);
    if (type->naming == TRK_HOOK_NAME_CALL)
        error = name(r, "no function is named", in_function, PROF_ADAPTER_WORD, expected, &type->name_function);
    if (error == NULL)
        error = adapter_place(&r->text, ADAPTER_OF_OBJECT, &type->name_place);
    if (error == NULL)
        error = adapter_width(&r->text, &width);
    if (error == NULL && width != 8 && type->name_place.reads == 0)
        return bad(r, "a width is that of memory, and nothing is read here", NULL, expected);
    type->name_place.width = (uint8_t)(type->name_place.reads > 0 ? width : 0);
    return error;
}

/* ---- Functions ----------------------------------------------------------------------------------------------------
 */

/* What may stand behind a place, by role. */
enum { SLOT = 1 << 0, NEEDS_SLOT = 1 << 1, MOVES = 1 << 2, FLOATS = 1 << 3, KEEPS = 1 << 4 };
static const struct {
    const char *word;
    uint8_t takes;
} roles[TRK_HOOK_ROLES] = {
    [TRK_HOOK_NEW] = { "new", SLOT | FLOATS },
    [TRK_HOOK_REF] = { "ref", SLOT },
    [TRK_HOOK_UNREF] = { "unref", SLOT },
    [TRK_HOOK_FREE] = { "free", 0 },
    [TRK_HOOK_SINK] = { "sink", SLOT },
    [TRK_HOOK_WEAK_SET] = { "weak", NEEDS_SLOT },
    [TRK_HOOK_WEAK_CLEAR] = { "unweak", NEEDS_SLOT },
    [TRK_HOOK_MOVE] = { "move", MOVES },
    [TRK_HOOK_PARK] = { "park", KEEPS },
    [TRK_HOOK_REUSE] = { "reuse", KEEPS },
    [TRK_HOOK_STAYS] = { "stays", 0 },
    [TRK_HOOK_WRAPPER] = { "wrapper", 0 },
    [TRK_HOOK_CALL] = { "call", 0 },
};

const char *prof_adapter_role(unsigned role)
{
    return role < TRK_HOOK_ROLES && roles[role].word != NULL ? roles[role].word : "?";
}

/* Who owns a reference: "slot PLACE" or "holder PLACE". */
static struct prof_error *owner(struct reader *r, struct prof_adapter_rule *rule, struct trk_hook_place *place,
                                uint16_t holder, const char *expected)
{
    if (place->base != TRK_HOOK_NOWHERE)
        return bad(r, "a second owner", NULL, "a call takes or gives one reference; write another line for another");
    if (adapter_takes_word(&r->text, "holder"))
        rule->flags |= holder;
    else if (!adapter_takes_word(&r->text, "slot"))
        return bad(r, adapter_at_end(&r->text) ? "the owner is missing" : "not understood:", r->text.at, expected);
    return adapter_place(&r->text, ADAPTER_OF_CALL, place);
}

static struct prof_error *condition(struct reader *r, struct prof_adapter_rule *rule)
{
    for (size_t i = 0; i < TRK_HOOK_TESTS; i++)
        if (rule->test[i].place.base == TRK_HOOK_NOWHERE)
            return adapter_test(&r->text, &rule->test[i]);
    return bad(r, "a third 'when'", NULL, "a line has two at most; both must hold");
}

static struct prof_error *set_flag(struct reader *r, struct prof_adapter_rule *rule, uint16_t flag)
{
    if (rule->flags & flag)
        return bad(r, "said twice", NULL, "once is enough");
    rule->flags |= flag;
    return NULL;
}

/* One of the parts behind FUNCTION PLACE. */
static struct prof_error *part(struct reader *r, struct prof_adapter_rule *rule)
{
    static const char moves[] = "write 'to slot PLACE', 'to holder PLACE', 'from slot PLACE' or 'from holder PLACE'";
    const uint8_t takes = roles[rule->role].takes;
    if (adapter_takes_word(&r->text, "when"))
        return condition(r, rule);
    if (adapter_takes_word(&r->text, "late"))
        return set_flag(r, rule, TRK_HOOK_LATE);
    if ((takes & FLOATS) && adapter_takes_word(&r->text, "floating"))
        return set_flag(r, rule, TRK_HOOK_FLOATING);
    if ((takes & KEEPS) && adapter_takes_word(&r->text, "kept"))
        return set_flag(r, rule, TRK_HOOK_KEPT);
    if ((takes & NEEDS_SLOT) && adapter_takes_word(&r->text, "borrowed"))
        return set_flag(r, rule, TRK_HOOK_BORROWED);
    if ((takes & MOVES) && adapter_takes_word(&r->text, "to"))
        return owner(r, rule, &rule->slot, TRK_HOOK_SLOT_IS_HOLDER, moves);
    if ((takes & MOVES) && adapter_takes_word(&r->text, "from"))
        return owner(r, rule, &rule->from, TRK_HOOK_FROM_IS_HOLDER, moves);
    if (takes & SLOT)
        return owner(r, rule, &rule->slot, TRK_HOOK_SLOT_IS_HOLDER,
                     takes & FLOATS ? "here may stand: slot PLACE, holder PLACE, floating, when CONDITION"
                                    : "here may stand: slot PLACE, holder PLACE, when CONDITION, late");
    if ((takes & NEEDS_SLOT) && adapter_takes_word(&r->text, "slot"))
        return adapter_place(&r->text, ADAPTER_OF_CALL, &rule->slot);
    return bad(r, "not understood:", r->text.at,
               takes & MOVES ? "here may stand: to slot|holder PLACE, from slot|holder PLACE, when CONDITION, late"
               : takes & NEEDS_SLOT ? "here may stand: slot PLACE, borrowed, when CONDITION, late"
               : takes & KEEPS      ? "here may stand: kept, when CONDITION, late"
                                    : "here may stand: when CONDITION, late");
}

static bool same_place(const struct trk_hook_place *a, const struct trk_hook_place *b)
{
    return a->base == b->base && a->reads == b->reads && memcmp(a->add, b->add, sizeof a->add) == 0;
}

static bool same_tests(const struct trk_hook_test *a, const struct trk_hook_test *b)
{
    for (size_t i = 0; i < TRK_HOOK_TESTS; i++)
        if (!same_place(&a[i].place, &b[i].place) || a[i].mask != b[i].mask || a[i].value != b[i].value ||
            a[i].differs != b[i].differs)
            return false;
    return true;
}

/* A line that says what another one says would count everything twice. */
static struct prof_error *repeated(const struct reader *r, const struct prof_adapter_rule *rule)
{
    for (size_t i = 0; i < r->adapter->rules.count; i++) {
        const struct prof_adapter_rule *other = &r->adapter->rules.items[i];
        if (other->role == rule->role && strcmp(other->function, rule->function) == 0 &&
            same_place(&other->object, &rule->object) && same_tests(other->test, rule->test))
            return twice(r, "the same of this function", other->line);
    }
    return NULL;
}

static const char every_function[] = "this would be every function";

/* wrapper FUNCTION... */
static struct prof_error *read_wrappers(struct reader *r)
{
    static const char expected[] = "write 'wrapper FUNCTION...', as in 'wrapper obj_new_*'; * is any characters";
    struct prof_error *error = NULL;
    do {
        struct prof_adapter_rule rule = { .line = r->text.number,
                                          .role = TRK_HOOK_WRAPPER,
                                          .type = (uint32_t)r->adapter->types.count - 1 };
        error = name(r, "no function is named", in_function, PROF_ADAPTER_WORD, expected, &rule.function);
        if (error == NULL && rule.function[strspn(rule.function, "*")] == '\0')
            return bad(r, every_function, NULL, "write a part of the name with *");
        if (error == NULL && !prof_vec_push(&r->adapter->rules, rule))
            return prof_error_memory();
    } while (error == NULL && !adapter_at_end(&r->text));
    return error;
}

/* call FUNCTION NUMBER NUMBER */
static struct prof_error *read_call(struct reader *r)
{
    static const char expected[] = "write 'call FUNCTION NUMBER NUMBER', as in 'call lib_set_option 1 1'";
    struct prof_adapter_rule rule = { .line = r->text.number,
                                      .role = TRK_HOOK_CALL,
                                      .type = (uint32_t)r->adapter->types.count - 1 };
    struct prof_error *error =
        name(r, "no function is named", in_function, PROF_ADAPTER_WORD, expected, &rule.function);
    if (error == NULL && strchr(rule.function, '*') != NULL)
        return bad(r, "this may be several functions", NULL, expected);
    for (unsigned i = 0; error == NULL && i < TRK_HOOK_TESTS; i++) {
        if (adapter_at_end(&r->text))
            return bad(r, "a number is missing", NULL, expected);
        error = adapter_value(&r->text, 8, &rule.test[i].value);
    }
    if (error != NULL)
        return error;
    return prof_vec_push(&r->adapter->rules, rule) ? NULL : prof_error_memory();
}

static struct prof_error *read_rule(struct reader *r, unsigned role)
{
    char expected[160];
    struct prof_adapter_rule rule = {
        .line = r->text.number, .role = (uint8_t)role, .function = "", .type = (uint32_t)r->adapter->types.count - 1
    };
    snprintf(expected, sizeof expected, "write '%s FUNCTION PLACE', as in '%s obj_%s %s'; * is any characters",
             roles[role].word, roles[role].word, roles[role].word, role == TRK_HOOK_NEW ? "ret" : "arg1");
    struct prof_error *error = name(r, "no function is named", in_tail, PROF_ADAPTER_WORD, expected, &rule.function);
    if (error == NULL && rule.function[strspn(rule.function, "*")] == '\0')
        return bad(r, every_function, NULL, "write a part of the name with *");
    if (error == NULL && misplaces_tail(rule.function))
        return bad(r, "not understood:", rule.function, "write NAME> for the function that NAME ends with a jump to");
    if (error == NULL && adapter_at_end(&r->text))
        return bad(r, "where the object is, is missing", NULL, expected);
    if (error == NULL)
        error = adapter_place(&r->text, ADAPTER_OF_CALL, &rule.object);
    while (error == NULL && !adapter_at_end(&r->text))
        error = part(r, &rule);
    if (error != NULL)
        return error;
    if ((roles[role].takes & NEEDS_SLOT) && rule.slot.base == TRK_HOOK_NOWHERE)
        return bad(r, "the weak pointer's address is missing", NULL, "write 'slot PLACE'");
    if ((roles[role].takes & MOVES) && rule.slot.base == TRK_HOOK_NOWHERE && rule.from.base == TRK_HOOK_NOWHERE)
        return bad(r, "whose the reference is then is missing", NULL,
                   "write 'to slot PLACE', 'to holder PLACE', 'from slot PLACE' or 'from holder PLACE'");
    error = repeated(r, &rule);
    if (error != NULL)
        return error;
    return prof_vec_push(&r->adapter->rules, rule) ? NULL : prof_error_memory();
}

/* ---- The text -------------------------------------------------------------------------------------------------- */

#define STATEMENTS                                                                                                     \
    "a line begins with adapter, library, inside, type, count, name, new, ref, unref, sink, free, move, weak, "        \
    "unweak, park, reuse, stays, wrapper or call"

/* A word that begins no line. */
static struct prof_error *unknown(struct reader *r)
{
    static const char *const words[] = { "adapter", "library", "inside", "type",    "count", "name",   "new",
                                         "ref",     "unref",   "sink",   "free",    "move",  "unweak", "weak",
                                         "park",    "reuse",   "stays",  "wrapper", "call" };
    char word[40], expected[240];
    const char *near =
        adapter_token(&r->text, word, sizeof word) ? prof_nearest(word, words, sizeof words / sizeof words[0]) : NULL;
    snprintf(expected, sizeof expected, "%s%s%s" STATEMENTS, near != NULL ? "did you mean '" : "",
             near != NULL ? near : "", near != NULL ? "'? " : "");
    return bad(r, "unknown word", r->text.line, expected);
}

static struct prof_error *statement(struct reader *r)
{
    unsigned role = TRK_HOOK_ROLES;
    bool is_adapter = adapter_takes_word(&r->text, "adapter");
    if (!is_adapter && r->named == 0) {
        r->named = r->text.number; /* said once */
        return bad(r, "expected 'adapter NAME', found", r->text.line, "an adapter begins with its name");
    }
    if (is_adapter)
        return read_adapter(r);
    if (adapter_takes_word(&r->text, "library"))
        return read_library(r);
    if (adapter_takes_word(&r->text, "inside"))
        return read_inside(r);
    if (adapter_takes_word(&r->text, "type"))
        return read_type(r);
    bool is_count = adapter_takes_word(&r->text, "count");
    bool is_name = !is_count && adapter_takes_word(&r->text, "name");
    for (unsigned i = TRK_HOOK_NEW; !is_count && !is_name && i < TRK_HOOK_ROLES && role == TRK_HOOK_ROLES; i++)
        if (adapter_takes_word(&r->text, roles[i].word))
            role = i;
    if (!is_count && !is_name && role == TRK_HOOK_ROLES)
        return unknown(r);
    if (current(r) == NULL)
        return bad(r, "no type was named before", NULL,
                   "write 'type NAME' above the lines that speak of objects of that type");
    return is_count                   ? read_count(r)
           : is_name                  ? read_name(r)
           : role == TRK_HOOK_WRAPPER ? read_wrappers(r)
           : role == TRK_HOOK_CALL    ? read_call(r)
                                      : read_rule(r, role);
}

/* One statement, and nothing behind it. */
static struct prof_error *whole_line(struct reader *r)
{
    struct prof_error *error = statement(r);
    if (error == NULL && !adapter_at_end(&r->text))
        error = bad(r, "not understood:", r->text.at, "the line is complete before that");
    return error;
}

/* What an adapter cannot do without. */
static struct prof_error *complete(struct reader *r)
{
    r->text.number += r->text.number == 0;
    if (r->adapter->pub.name[0] == '\0')
        return bad(r, "nothing is said here", NULL, "an adapter begins with 'adapter NAME'");
    if (r->adapter->libraries.count == 0)
        return bad(r, "no library is named", NULL,
                   "write 'library FILE', as in 'library libjson-c.so.5', or 'library program'");
    if (r->adapter->rules.count == 0)
        return bad(r, "no function is named", NULL,
                   "write lines such as 'ref obj_ref arg1' and 'unref obj_unref arg1'");
    return NULL;
}

/* Reads all lines; *ret_bad errors were told. */
static struct prof_error *read_all(struct reader *r, prof_adapter_bad tell, void *data, unsigned *ret_bad)
{
    for (;;) {
        bool more = true;
        struct prof_error *error = adapter_next_line(&r->text, &more);
        if (error == NULL && more)
            error = whole_line(r);
        if (error == NULL && !more)
            error = *ret_bad == 0 ? complete(r) : NULL; /* of its last line */
        if (error != NULL && (tell == NULL || error->code != PROF_ERROR_SYNTAX))
            return error;
        if (error != NULL) {
            tell(data, error);
            ++*ret_bad;
        }
        if (!more)
            return NULL;
    }
}

struct prof_error *prof_adapter_parse(const char *path, const char *text, size_t length, prof_adapter_bad tell,
                                      void *data, struct prof_adapter **ret)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    unsigned bad_lines = 0;
    if (adapter == NULL)
        return prof_error_memory();
    prof_arena_init(&adapter->arena);
    adapter->pub.name = "";
    adapter->pub.path = prof_arena_strdup(&adapter->arena, path);
    struct reader r = { .text = { .path = path, .next = text, .end = text + length }, .adapter = adapter };
    struct prof_error *error = adapter->pub.path != NULL ? read_all(&r, tell, data, &bad_lines) : prof_error_memory();
    if (error == NULL && bad_lines > 0)
        error = prof_error_at(PROF_ERROR_SYNTAX, path, UINT64_MAX, "%s: %u bad line%s", path, bad_lines,
                              bad_lines == 1 ? "" : "s");
    if (error != NULL) {
        prof_adapter_destroy(&adapter->pub);
        return error;
    }
    adapter->pub.libraries = adapter->libraries.items;
    adapter->pub.library_count = adapter->libraries.count;
    adapter->pub.hidden = adapter->hidden.items;
    adapter->pub.hidden_count = adapter->hidden.count;
    adapter->pub.types = adapter->types.items;
    adapter->pub.type_count = adapter->types.count;
    adapter->pub.rules = adapter->rules.items;
    adapter->pub.rule_count = adapter->rules.count;
    *ret = &adapter->pub;
    return NULL;
}

struct prof_error *prof_adapter_load(const char *path, prof_adapter_bad tell, void *data, struct prof_adapter **ret)
{
    char *text;
    size_t length;
    struct prof_error *error =
        prof_file_read(path, PROF_ADAPTER_BYTES, "give a text file (docs/ADAPTERS.md)", &text, &length);
    if (error != NULL)
        return error;
    error = prof_adapter_parse(path, text, length, tell, data, ret);
    free(text);
    return error;
}

void prof_adapter_destroy(struct prof_adapter *adapter)
{
    struct adapter *whole = (struct adapter *)adapter;
    if (whole == NULL)
        return;
    prof_vec_deinit(&whole->libraries);
    prof_vec_deinit(&whole->hidden);
    prof_vec_deinit(&whole->types);
    prof_vec_deinit(&whole->rules);
    prof_arena_deinit(&whole->arena);
    free(whole);
}
