/* choice.c: the adapters that there are: shipped, the user's and those that were asked for. */
#include <prof/adapter.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/nearest.h>
#include <base/str.h>
#include <base/vec.h>

#define SUFFIX ".adapter"

struct prof_adapters {
    PROF_VEC(struct prof_adapter_choice) choices;
    PROF_VEC(struct prof_adapter *) owned;
    struct prof_intern words;
};

const char *prof_adapter_origin(enum prof_adapter_origin origin)
{
    static const char *const words[] = { "shipped", "user", "given" };
    return words[origin];
}

struct prof_error *prof_adapters_create(struct prof_adapters **ret)
{
    struct prof_adapters *adapters = calloc(1, sizeof *adapters);
    if (adapters == NULL)
        return prof_error_memory();
    *ret = adapters;
    return NULL;
}

void prof_adapters_destroy(struct prof_adapters *adapters)
{
    if (adapters == NULL)
        return;
    for (size_t i = 0; i < adapters->owned.count; i++)
        prof_adapter_destroy(adapters->owned.items[i]);
    prof_vec_deinit(&adapters->owned);
    prof_vec_deinit(&adapters->choices);
    prof_intern_deinit(&adapters->words);
    free(adapters);
}

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

/* Name of a file without folder and suffix. */
static const char *word_of(struct prof_adapters *adapters, const char *path)
{
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    return prof_intern(&adapters->words, file, strlen(file) - (has_suffix(file) ? strlen(SUFFIX) : 0));
}

static struct prof_adapter_choice *named(const struct prof_adapters *adapters, const char *name)
{
    for (size_t i = 0; i < adapters->choices.count; i++)
        if (strcmp(adapters->choices.items[i].adapter->name, name) == 0)
            return &adapters->choices.items[i];
    return NULL;
}

/* Takes the adapter over, also when that fails. */
static struct prof_error *add(struct prof_adapters *adapters, struct prof_adapter *adapter,
                              enum prof_adapter_origin origin, const struct prof_adapter_choice **ret)
{
    struct prof_adapter_choice choice = { .adapter = adapter,
                                          .word = word_of(adapters, adapter->path),
                                          .origin = origin,
                                          .given = origin == PROF_ADAPTER_GIVEN };
    struct prof_adapter_choice *same = named(adapters, adapter->name);
    if (!prof_vec_push(&adapters->owned, adapter)) {
        prof_adapter_destroy(adapter);
        return prof_error_memory();
    }
    if (choice.word == NULL)
        return prof_error_memory();
    if (same != NULL && same->origin == origin)
        return prof_error_at(PROF_ERROR_ARGUMENT, adapter->path, UINT64_MAX,
                             "two adapters are called '%s': %s and %s; one of them needs another name", adapter->name,
                             same->adapter->path, adapter->path);
    if (same != NULL) {
        choice.other = same->adapter;
        *same = choice;
        *ret = same;
        return NULL;
    }
    size_t at = adapters->choices.count;
    if (!prof_vec_push(&adapters->choices, choice))
        return prof_error_memory();
    for (; at > 0 && strcmp(adapters->choices.items[at - 1].adapter->name, adapter->name) > 0; at--)
        adapters->choices.items[at] = adapters->choices.items[at - 1];
    adapters->choices.items[at] = choice;
    *ret = &adapters->choices.items[at];
    return NULL;
}

/* ---- Folders ------------------------------------------------------------------------------------------------------
 */

static int is_adapter(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && has_suffix(entry->d_name);
}

static struct prof_error *add_file(struct prof_adapters *adapters, const char *folder, const char *file,
                                   enum prof_adapter_origin origin)
{
    struct prof_str path = { 0 };
    struct prof_adapter *adapter = NULL;
    const struct prof_adapter_choice *choice;
    prof_str_addf(&path, "%s/%s", folder, file);
    char *text = prof_str_take(&path);
    struct prof_error *error = text != NULL ? prof_adapter_load(text, NULL, NULL, &adapter) : prof_error_memory();
    free(text);
    return error != NULL ? error : add(adapters, adapter, origin, &choice);
}

struct prof_error *prof_adapters_add_folder(struct prof_adapters *adapters, const char *folder,
                                            enum prof_adapter_origin origin, prof_adapter_bad bad, void *data)
{
    struct dirent **entries;
    struct prof_error *error = NULL;
    int count = scandir(folder, &entries, is_adapter, alphasort);
    if (count < 0 && errno != ENOENT && errno != ENOTDIR)
        bad(data, prof_error_os(errno, "read", folder, "check its permissions"));
    if (count < 0)
        return NULL;
    for (int i = 0; i < count; i++) {
        if (error == NULL)
            error = add_file(adapters, folder, entries[i]->d_name, origin);
        if (error != NULL && error->code != PROF_ERROR_NO_MEMORY) {
            bad(data, error);
            error = NULL;
        }
        free(entries[i]);
    }
    free(entries);
    return error;
}

/* ---- By name ------------------------------------------------------------------------------------------------------
 */

static struct prof_adapter_choice *find(const struct prof_adapters *adapters, const char *name)
{
    struct prof_adapter_choice *found = named(adapters, name);
    for (size_t i = 0; found == NULL && i < adapters->choices.count; i++)
        if (strcmp(adapters->choices.items[i].word, name) == 0)
            found = &adapters->choices.items[i];
    return found;
}

static struct prof_error *none(const struct prof_adapters *adapters, const char *name)
{
    PROF_VEC(const char *) names = { 0 };
    struct prof_str known = { 0 };
    for (size_t i = 0; i < adapters->choices.count; i++) {
        prof_str_addf(&known, "%s%s", i > 0 ? ", " : "", adapters->choices.items[i].adapter->name);
        (void)prof_vec_push(&names, adapters->choices.items[i].adapter->name);
    }
    const char *near = names.count > 0 ? prof_nearest(name, names.items, names.count) : NULL;
    prof_str_add(&known, known.length == 0 ? "none" : "");
    struct prof_error *error;
    if (known.failed)
        error = prof_error_memory();
    else if (near != NULL)
        error = prof_error_create(PROF_ERROR_NOT_FOUND, "no adapter is called '%s'; did you mean '%s'?", name, near);
    else
        error = prof_error_create(PROF_ERROR_NOT_FOUND,
                                  "no adapter is called '%s'; there are: %s; a file is named with a '/' in it", name,
                                  known.text);
    prof_vec_deinit(&names);
    prof_str_deinit(&known);
    return error;
}

struct prof_error *prof_adapters_give(struct prof_adapters *adapters, const char *text, prof_adapter_bad bad,
                                      void *data, const struct prof_adapter_choice **ret)
{
    struct prof_adapter *adapter = NULL;
    if (strchr(text, '/') == NULL && !has_suffix(text)) {
        struct prof_adapter_choice *named_so = find(adapters, text);
        if (named_so == NULL)
            return none(adapters, text);
        named_so->given = true;
        *ret = named_so;
        return NULL;
    }
    struct prof_error *error = prof_adapter_load(text, bad, data, &adapter);
    return error != NULL ? error : add(adapters, adapter, PROF_ADAPTER_GIVEN, ret);
}

size_t prof_adapters_list(const struct prof_adapters *adapters, const struct prof_adapter_choice **ret)
{
    *ret = adapters->choices.items;
    return adapters->choices.count;
}
