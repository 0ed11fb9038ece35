/* hook_args.c: --new, --ref and --unref: functions of the program as rules for hooks. */
#include "hook_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "recorder/hooks.h"

/* "FUNCTION" or "LIBRARY:FUNCTION". */
static bool add_function(struct rec_hooks *hooks, enum trk_hook_role role, const char *text)
{
    const char *colon = strrchr(text, ':'), *function = colon != NULL ? colon + 1 : text;
    struct trk_hook_rule rule = { .role = (uint8_t)role, .object.base = role == TRK_HOOK_NEW ? TRK_HOOK_RESULT : 1 };
    char library[256] = "";
    if (function[0] == '\0' || function[strcspn(function, " \t\n()=,")] != '\0' || colon == text ||
        (colon != NULL && (size_t)(colon - text) >= sizeof library))
        return false;
    if (colon != NULL)
        memcpy(library, text, (size_t)(colon - text));
    return rec_hooks_add(hooks, &rule, &(struct rec_hook_texts){ .library = library, .function = function });
}

bool cli_hook_options(const struct cli_command *command, const struct cli_hooks *args, struct rec_hooks **ret)
{
    const struct {
        const struct cli_list *list;
        const char *option;
        enum trk_hook_role role;
    } kinds[] = { { &args->news, "--new", TRK_HOOK_NEW },
                  { &args->refs, "--ref", TRK_HOOK_REF },
                  { &args->unrefs, "--unref", TRK_HOOK_UNREF } };
    *ret = NULL;
    if (args->news.count + args->refs.count + args->unrefs.count == 0)
        return true;
    struct rec_hooks *hooks = calloc(1, sizeof *hooks);
    if (hooks == NULL) {
        cli_error(prof_error_memory());
        return false;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < kinds[k].list->count; i++)
            if (!add_function(hooks, kinds[k].role, kinds[k].list->items[i])) {
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

static void warn_of(const struct prof_hooked *hooked)
{
    cli_warn("calls of %s%s%s are not seen: %s", hooked->function, hooked->module[0] != '\0' ? " in " : "",
             hooked->module, prof_hook_words(hooked->state));
}

void cli_hooks_warn(const char *const *texts, size_t count)
{
    char adapter[sizeof((struct prof_hooked *)NULL)->adapter] = "";
    for (size_t i = 0; i < count; i++) {
        struct prof_hooked hooked;
        for (const char *at = texts[i], *line = at; prof_hooked_next(&at, &hooked); line = at) {
            bool known =
                hooked.state == TRK_HOOK_ON || hooked.state == TRK_HOOK_OTHER_VERSION ||
                hooked.state == TRK_HOOK_TELLS_ITSELF || told(texts[i], line, &hooked) ||
                (hooked.state == TRK_HOOK_NOT_YET && found_anywhere(texts, count, hooked.function, hooked.adapter)) ||
                warn_of_adapter(texts, count, &hooked, adapter, sizeof adapter);
            for (size_t k = 0; k < i && !known; k++)
                known = texts[k] != NULL && told(texts[k], texts[k] + strlen(texts[k]), &hooked);
            if (!known)
                warn_of(&hooked);
        }
    }
}
