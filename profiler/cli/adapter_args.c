/* adapter_args.c: --adapter and --no-adapters: adapters as rules for hooks. */
#include "adapter_args.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/str.h>

#include "cli.h"
#include "recorder/hooks.h"
#include "recorder/launch.h"

char *cli_adapters_folder(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    struct prof_str path = { 0 };
    if (config != NULL && config[0] == '/')
        prof_str_addf(&path, "%s/reftrack/adapters", config);
    else if (home != NULL && home[0] == '/')
        prof_str_addf(&path, "%s/.config/reftrack/adapters", home);
    else
        return NULL;
    return prof_str_take(&path);
}

static void left_out(void *unused, struct prof_error *error)
{
    (void)unused;
    cli_warn("%s; it is left out", error->message);
    prof_error_destroy(error);
}

bool cli_adapters_open(struct prof_adapters **ret)
{
    struct prof_adapters *adapters;
    struct prof_error *error = prof_adapters_create(&adapters);
    if (error != NULL) {
        cli_error(error);
        return false;
    }
    char *shipped = launch_find_adapters(), *own = cli_adapters_folder();
    if (shipped != NULL)
        error = prof_adapters_add_folder(adapters, shipped, PROF_ADAPTER_SHIPPED, left_out, NULL);
    if (error == NULL && own != NULL)
        error = prof_adapters_add_folder(adapters, own, PROF_ADAPTER_USER, left_out, NULL);
    free(shipped);
    free(own);
    if (error != NULL) {
        prof_adapters_destroy(adapters);
        cli_error(error);
        return false;
    }
    *ret = adapters;
    return true;
}

/* ---- Rules --------------------------------------------------------------------------------------------------------
 */

/* Type and count of a rule that makes objects; the others get them from the birth. */
static void add_type(struct trk_hook_rule *rule, const struct prof_adapter_type *type)
{
    rule->name_kind = type->naming;
    rule->name = type->name_place;
    if (type->count_bytes == 0)
        return;
    /* A count in front of the object: it begins there. */
    rule->object_before = type->count_offset < 0 ? (uint32_t)-type->count_offset : 0;
    rule->count_offset = type->count_offset < 0 ? 0 : (uint32_t)type->count_offset;
    rule->count_width = type->count_bytes;
    rule->count_shift = type->count_shift;
    /* 0: a whole word with its sign. */
    rule->count_bits = (uint8_t)(type->count_signed ? 0 : 8 * type->count_bytes - type->count_shift);
    if (type->has_immortal) {
        rule->immortal_mask = type->immortal_mask;
        rule->immortal_value = type->immortal_value;
    }
}

/* The names of its files with '|' between them; malloc'ed. */
static char *libraries_of(const struct prof_adapter *adapter)
{
    struct prof_str text = { 0 };
    for (size_t i = 0; i < adapter->library_count; i++)
        prof_str_addf(&text, "%s%s", i > 0 ? "|" : "", adapter->libraries[i]);
    return prof_str_take(&text);
}

/* False: there is no room, or no memory; what was added is gone again. */
static bool add_adapter(struct rec_hooks *hooks, const struct prof_adapter_choice *choice)
{
    const struct prof_adapter *adapter = choice->adapter;
    uint32_t rules = hooks->rules, text_bytes = hooks->text_bytes;
    char *libraries = libraries_of(adapter);
    bool ok = libraries != NULL;
    for (size_t i = 0; i < adapter->rule_count && ok; i++) {
        const struct prof_adapter_rule *from = &adapter->rules[i];
        const struct prof_adapter_type *type = &adapter->types[from->type];
        struct trk_hook_rule rule = { .role = from->role, .object = from->object, .slot = from->slot };
        rule.flags = (uint16_t)(from->flags | (choice->given ? 0 : TRK_HOOK_AUTOMATIC) |
                                (type->counts_inline ? TRK_HOOK_INLINE : 0));
        rule.from = from->from;
        memcpy(rule.test, from->test, sizeof rule.test);
        add_type(&rule, type);
        ok = rec_hooks_add(hooks, &rule,
                           &(struct rec_hook_texts){ .adapter = adapter->name,
                                                     .library = libraries,
                                                     .function = from->function,
                                                     .type = type->name,
                                                     .name_function = type->name_function });
    }
    if (ok) {
        rec_hooks_adapter(hooks, adapter->name, choice->given ? "given" : prof_adapter_origin(choice->origin),
                          libraries, adapter->path);
        for (size_t i = 0; i < adapter->hidden_count; i++)
            rec_hooks_hide(hooks, adapter->hidden[i]);
    } else {
        hooks->rules = rules;
        hooks->text_bytes = text_bytes;
    }
    free(libraries);
    return ok;
}

/* ---- Which of them ------------------------------------------------------------------------------------------------
 */

static bool patterns_meet(const char *a, const char *b)
{
    return fnmatch(a, b, 0) == 0 || fnmatch(b, a, 0) == 0;
}

/* Whether a file of the adapter is one of `libraries`, names with '|' between them, "" for all. libfoo.so also means
 * libfoo.so.1. */
static bool files_meet(const struct prof_adapter *adapter, const char *libraries)
{
    if (libraries[0] == '\0')
        return true;
    while (*libraries != '\0') {
        char name[PROF_ADAPTER_WORD + 1];
        size_t length = strcspn(libraries, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, libraries);
        for (size_t i = 0; i < adapter->library_count; i++)
            if (patterns_meet(name, adapter->libraries[i]) ||
                (strncmp(adapter->libraries[i], name, length) == 0 && adapter->libraries[i][length] == '.'))
                return true;
        libraries += length + (libraries[length] == '|');
    }
    return false;
}

/* A function of the adapter that one of the first `rules` rules speaks of, in a file that may be the same; NULL: none.
 */
static const char *spoken_of(const struct rec_hooks *hooks, uint32_t rules, const struct prof_adapter *adapter)
{
    for (size_t i = 0; i < adapter->rule_count; i++)
        for (uint32_t k = 0; k < rules; k++)
            if (patterns_meet(adapter->rules[i].function, rec_hooks_function(hooks, k)) &&
                files_meet(adapter, hooks->text + hooks->rule[k].library))
                return adapter->rules[i].function;
    return NULL;
}

static bool use_given(struct rec_hooks *hooks, const struct prof_adapter_choice *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].given && !add_adapter(hooks, &list[i])) {
            cli_warn("adapter %s: there is no room for so many functions; use fewer adapters", list[i].adapter->name);
            return false;
        }
    return true;
}

/* Those that nobody asked for. Two adapters of the same functions would count everything twice: what was asked for, and
 * what the user made, goes first. */
static void use_automatic(struct rec_hooks *hooks, const struct prof_adapter_choice *list, size_t count,
                          enum prof_adapter_origin origin)
{
    uint32_t before = hooks->rules;
    for (size_t i = 0; i < count; i++) {
        if (list[i].given || list[i].adapter->asked || list[i].origin != origin)
            continue;
        const char *function = spoken_of(hooks, before, list[i].adapter);
        if (function != NULL)
            cli_warn("adapter %s is not used: another rule speaks of its function %s", list[i].adapter->name, function);
        else if (!add_adapter(hooks, &list[i]))
            cli_warn("adapter %s is not used: there is no room for so many functions", list[i].adapter->name);
    }
}

static bool use(struct rec_hooks *hooks, const struct prof_adapters *adapters, bool none)
{
    const struct prof_adapter_choice *list;
    size_t count = prof_adapters_list(adapters, &list);
    if (!use_given(hooks, list, count))
        return false;
    for (int origin = PROF_ADAPTER_USER; origin >= PROF_ADAPTER_SHIPPED && !none; origin--)
        use_automatic(hooks, list, count, (enum prof_adapter_origin)origin);
    return true;
}

bool cli_adapter_rules(const struct cli_adapter_args *args, struct rec_hooks **hooks)
{
    struct prof_adapters *adapters;
    struct prof_error *error = NULL;
    struct rec_hooks *rules = *hooks;
    const struct prof_adapter_choice *choice;
    if (args->none && args->given.count == 0)
        return true;
    if (!rec_hooks_possible()) {
        if (args->given.count > 0)
            cli_error(prof_error_create(PROF_ERROR_ARGUMENT,
                                        "--adapter works on x86-64 only, not on this machine: leave it away"));
        return args->given.count == 0;
    }
    if (!cli_adapters_open(&adapters))
        return false;
    for (size_t i = 0; i < args->given.count && error == NULL; i++)
        error = prof_adapters_give(adapters, args->given.items[i], NULL, NULL, &choice);
    if (error == NULL && rules == NULL && (rules = calloc(1, sizeof *rules)) == NULL)
        error = prof_error_memory();
    bool ok = error == NULL && rules != NULL && use(rules, adapters, args->none);
    if (error != NULL)
        cli_error(error);
    prof_adapters_destroy(adapters);
    if (*hooks == NULL && rules != NULL && (!ok || rules->rules == 0)) {
        free(rules);
        rules = NULL;
    }
    *hooks = rules;
    return ok;
}
