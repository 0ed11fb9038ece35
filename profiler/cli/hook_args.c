/* hook_args.c: --new, --ref and --unref: functions of the program as rules for hooks. */
#include "hook_args.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/str.h>
#include <prof/symbol.h>

#include "cli.h"
#include "hook_check.h"
#include "recorder/hooks.h"

/* One function as it was given. By its address: of the program, unless a library is given. */
struct named {
    char library[256];
    char function[512]; /* as its symbol is spelled, '*' for any characters */
};

/* "ns::Class::ref", with or without "(...)" or "(...) const" behind it, as compilers spell it in symbols, whatever the
 * parameters are and whether it is const: "_ZN*2ns5Class3refE*". */
static bool spell_cxx(const char *text, char *ret, size_t size)
{
    struct prof_str str = { 0 };
    size_t end = strcspn(text, "(");
    const char *close = strrchr(text, ')');
    bool good = text[end] == '\0' || (close != NULL && (close[1] == '\0' || strcmp(close, ") const") == 0));
    good = good && strcspn(text, " \t\n=,<>*") >= end; /* operators and templates have other spellings */
    prof_str_add(&str, "_ZN*");
    for (size_t at = 0; good && at <= end;) {
        size_t length = strcspn(text + at, ":(");
        good = length > 0 && (at + length == end || strncmp(text + at + length, "::", 2) == 0);
        prof_str_addf(&str, "%zu%.*s", length, (int)length, text + at);
        at += length + (at + length == end ? 1 : 2);
    }
    prof_str_add(&str, "E*");
    good = good && !str.failed && str.length < size;
    if (good)
        memcpy(ret, str.text, strlen(str.text) + 1);
    prof_str_deinit(&str);
    return good;
}

/* "0x1250", as the target reads it. */
static bool is_address(const char *text)
{
    size_t digits = strspn(text + 2, "0123456789abcdef");
    return strncmp(text, "0x", 2) == 0 && digits > 0 && digits <= 16 && text[2 + digits] == '\0';
}

/* "FUNCTION" or "LIBRARY:FUNCTION"; "::" does not separate these two. */
static bool take_apart(const char *text, struct named *ret)
{
    const char *function = text;
    for (const char *at = text; *at != '\0' && *at != '('; at++) {
        if (at[0] == ':' && at[1] == ':')
            at++;
        else if (at[0] == ':')
            function = at + 1;
    }
    size_t library = function > text ? (size_t)(function - text - 1) : 0;
    *ret = (struct named){ "", "" };
    if ((function > text && library == 0) || library >= sizeof ret->library || function[0] == '\0')
        return false;
    memcpy(ret->library, text, library);
    if (strstr(function, "::") != NULL)
        return spell_cxx(function, ret->function, sizeof ret->function);
    if (function[strcspn(function, " \t\n()=,")] != '\0' || strlen(function) >= sizeof ret->function)
        return false;
    memcpy(ret->function, function, strlen(function) + 1);
    bool number = function[0] >= '0' && function[0] <= '9';
    if (number && function == text)
        memcpy(ret->library, CLI_HOOK_PROGRAM, sizeof CLI_HOOK_PROGRAM);
    return !number || is_address(function);
}

/* What debug information says of the objects; empty: nothing. */
static void find_type(const char *path, const struct named *named, const struct cli_list *refs, char *ret, size_t size)
{
    struct named ref;
    ret[0] = '\0';
    if (path[0] == '\0' || !cli_hook_is_program(named->library, path) ||
        prof_file_function_type(path, named->function, 0, ret, size) || refs->count != 1)
        return;
    if (take_apart(refs->items[0], &ref) && cli_hook_is_program(ref.library, path))
        prof_file_function_type(path, ref.function, 1, ret, size);
}

static bool add_function(struct rec_hooks *hooks, enum trk_hook_role role, const char *text, const char *path,
                         const struct cli_list *refs)
{
    struct trk_hook_rule rule = { .role = (uint8_t)role, .object.base = role == TRK_HOOK_NEW ? TRK_HOOK_RESULT : 1 };
    struct named named;
    char type[256] = "";
    if (!take_apart(text, &named))
        return false;
    if (role == TRK_HOOK_NEW)
        find_type(path, &named, refs, type, sizeof type);
    return rec_hooks_add(
        hooks, &rule, &(struct rec_hook_texts){ .library = named.library, .function = named.function, .type = type });
}

bool cli_hook_options(const struct cli_command *command, const struct cli_hooks *args, const char *program,
                      struct rec_hooks **ret)
{
    const struct {
        const struct cli_list *list;
        const char *option;
        enum trk_hook_role role;
    } kinds[] = { { &args->news, "--new", TRK_HOOK_NEW },
                  { &args->refs, "--ref", TRK_HOOK_REF },
                  { &args->unrefs, "--unref", TRK_HOOK_UNREF } };
    char path[PATH_MAX];
    *ret = NULL;
    if (args->news.count + args->refs.count + args->unrefs.count == 0)
        return true;
    if (!rec_hooks_possible()) {
        cli_usage(command,
                  "--new, --ref and --unref work on x86-64 only, not on this machine: leave them away, and call "
                  "the verbs of <track/track.h> in the program");
        return false;
    }
    struct rec_hooks *hooks = calloc(1, sizeof *hooks);
    if (hooks == NULL) {
        cli_error(prof_error_memory());
        return false;
    }
    cli_hook_program(program, path, sizeof path);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < kinds[k].list->count; i++)
            if (!add_function(hooks, kinds[k].role, kinds[k].list->items[i], path, &args->refs)) {
                cli_usage(command, "%s takes the name of a function, as in obj_ref or libfoo.so:foo_ref, not '%s'",
                          kinds[k].option, kinds[k].list->items[i]);
                free(hooks);
                return false;
            }
    *ret = hooks;
    return true;
}

/* Whether the same was said before `until`, in this text. */
static bool told(const char *text, const char *until, const struct prof_hooked *hooked)
{
    struct prof_hooked other;
    while (text < until && prof_hooked_next(&text, &other))
        if (other.state == hooked->state && strcmp(other.function, hooked->function) == 0 &&
            strcmp(other.module, hooked->module) == 0)
            return true;
    return false;
}

/* Whether any process had a function of this name, or, without one, of this adapter. */
static bool found_anywhere(const char *const *texts, size_t count, const char *function, const char *adapter)
{
    for (size_t i = 0; i < count; i++) {
        struct prof_hooked other;
        for (const char *at = texts[i]; prof_hooked_next(&at, &other);)
            if (other.state != TRK_HOOK_NOT_YET && other.state != TRK_HOOK_OTHER_VERSION &&
                strcmp(other.adapter, adapter) == 0 && (function == NULL || strcmp(other.function, function) == 0))
                return true;
    }
    return false;
}

/* An adapter that was asked for, and of which nothing was found, is one warning. */
static bool warn_of_adapter(const char *const *texts, size_t count, const struct prof_hooked *hooked, char *last,
                            size_t size)
{
    if (hooked->adapter[0] == '\0' || hooked->state != TRK_HOOK_NOT_YET ||
        found_anywhere(texts, count, NULL, hooked->adapter))
        return false;
    if (strcmp(last, hooked->adapter) != 0)
        cli_warn("adapter %s: no program or library that was loaded has one of its functions", hooked->adapter);
    snprintf(last, size, "%s", hooked->adapter);
    return true;
}

static void warn_of(const struct prof_hooked *hooked, const char *program)
{
    struct prof_str advice = { 0 };
    if (hooked->state == TRK_HOOK_NOT_YET && hooked->adapter[0] == '\0')
        cli_hook_advice(program, hooked->function, &advice);
    cli_warn("calls of %s%s%s are not seen: %s%s", hooked->function, hooked->module[0] != '\0' ? " in " : "",
             hooked->module, prof_hook_words(hooked->state), advice.length > 0 ? advice.text : "");
    prof_str_deinit(&advice);
}

void cli_hooks_warn(const char *const *texts, size_t count, const char *program)
{
    char adapter[sizeof((struct prof_hooked *)NULL)->adapter] = "";
    for (size_t i = 0; i < count; i++) {
        struct prof_hooked hooked;
        for (const char *at = texts[i], *line = at; prof_hooked_next(&at, &hooked); line = at) {
            bool known =
                (hooked.state != TRK_HOOK_NOT_YET && !prof_hook_refused(hooked.state)) ||
                told(texts[i], line, &hooked) ||
                (hooked.state == TRK_HOOK_NOT_YET && found_anywhere(texts, count, hooked.function, hooked.adapter)) ||
                warn_of_adapter(texts, count, &hooked, adapter, sizeof adapter);
            for (size_t k = 0; k < i && !known; k++)
                known = texts[k] != NULL && told(texts[k], texts[k] + strlen(texts[k]), &hooked);
            if (!known)
                warn_of(&hooked, program);
        }
    }
}
