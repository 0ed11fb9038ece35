/* hook_check.c: what the program's file says of functions that are to be hooked: copies that cannot be, names that were
 * meant. */
#include "hook_check.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/nearest.h>
#include <base/str.h>
#include <base/vec.h>
#include <prof/symbol.h>

#include "recorder/hooks.h"

void cli_hook_program(const char *program, char *ret, size_t size)
{
    const char *path = strchr(program, '/') == NULL ? getenv("PATH") : NULL;
    int length = snprintf(ret, size, "%s", program);
    while (path != NULL) {
        size_t part = strcspn(path, ":");
        length = snprintf(ret, size, "%.*s/%s", (int)part, path, program);
        path = path[part] == ':' ? path + part + 1 : NULL;
        if (length > 0 && (size_t)length < size && access(ret, X_OK) == 0)
            return;
    }
    if (length < 0 || (size_t)length >= size || access(ret, X_OK) != 0)
        ret[0] = '\0';
}

bool cli_hook_is_program(const char *libraries, const char *path)
{
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    bool is = libraries[0] == '\0';
    while (*libraries != '\0' && !is) {
        char name[256];
        size_t length = strcspn(libraries, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, libraries);
        is = strcmp(name, CLI_HOOK_PROGRAM) == 0 || fnmatch(name, file, FNM_NOESCAPE) == 0;
        libraries += length + (libraries[length] == '|');
    }
    return is;
}

/* ---- Copies --------------------------------------------------------------------------------------------------------
 */

struct copies {
    struct rec_hooks *hooks;
    const char *path;
};

static const char *library_of(const struct rec_hooks *hooks, uint32_t rule)
{
    return hooks->text + hooks->rule[rule].library;
}

static bool is_hooked(const struct copies *copies, const char *function)
{
    for (uint32_t i = 0; i < copies->hooks->rules; i++)
        if (fnmatch(rec_hooks_function(copies->hooks, i), function, FNM_NOESCAPE) == 0 &&
            cli_hook_is_program(library_of(copies->hooks, i), copies->path))
            return true;
    return false;
}

/* A copy inside of a function that is hooked itself is that function's business. */
static bool note_copy(void *data, const char *function, const char *into)
{
    const struct copies *copies = data;
    struct rec_hooks *hooks = copies->hooks;
    for (uint32_t i = 0; i < hooks->rules; i++) {
        const struct trk_hook_rule *rule = &hooks->rule[i];
        if ((rule->flags & TRK_HOOK_AUTOMATIC) == 0 && rule->role < TRK_HOOK_WRAPPER && !hooks->inlined[i] &&
            fnmatch(rec_hooks_function(hooks, i), function, FNM_NOESCAPE) == 0 &&
            cli_hook_is_program(library_of(hooks, i), copies->path) && !is_hooked(copies, into))
            hooks->inlined[i] = true;
    }
    return true;
}

void cli_hook_copies(struct rec_hooks *hooks, const char *program)
{
    char path[PATH_MAX];
    bool asked = false;
    for (uint32_t i = 0; i < hooks->rules; i++)
        asked |= (hooks->rule[i].flags & TRK_HOOK_AUTOMATIC) == 0;
    cli_hook_program(program, path, sizeof path);
    if (asked && path[0] != '\0')
        prof_file_inlined(path, note_copy, &(struct copies){ hooks, path });
}

/* ---- Names ---------------------------------------------------------------------------------------------------------
 */

typedef PROF_VEC(char *) name_vec;

static bool keep_name(void *data, const char *name)
{
    name_vec *names = data;
    char *copy = strdup(name);
    if (copy == NULL || !prof_vec_reserve(names, 1)) {
        free(copy);
        return false;
    }
    names->items[names->count++] = copy;
    return true;
}

void cli_hook_advice(const char *program, const char *function, struct prof_str *ret)
{
    char path[PATH_MAX];
    name_vec names = { 0 };
    bool has_main = false;
    cli_hook_program(program, path, sizeof path);
    struct prof_error *error = path[0] != '\0' ? prof_file_functions(path, keep_name, &names) : NULL;
    for (size_t i = 0; i < names.count; i++)
        has_main |= strcmp(names.items[i], "main") == 0;
    const char *near = names.count > 0 ? prof_nearest(function, (const char *const *)names.items, names.count) : NULL;
    if (near != NULL)
        prof_str_addf(ret, "; did you mean '%s'?", near);
    else if (error == NULL && path[0] != '\0' && !has_main)
        prof_str_addf(ret,
                      "; %s is stripped: put the file with its symbols beside it (objcopy --add-gnu-debuglink), or "
                      "name functions by address, as in 0x1250",
                      program);
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    prof_vec_deinit(&names);
    prof_error_destroy(error);
}
