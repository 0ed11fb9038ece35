/* site.c: names of wrappers and allocators. */
#include <symbol/site.h>

#include <base/vec.h>

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static bool add(struct prof_site_rules *rules, const char *bytes, size_t length)
{
    char *copy = strndup(bytes, length);
    if (copy == NULL)
        return false;
    if (prof_vec_push(rules, copy))
        return true;
    free(copy);
    return false;
}

bool prof_site_rules_add(struct prof_site_rules *rules, const char *const *array, const char *list)
{
    for (; array != NULL && *array != NULL; array++) {
        if (!add(rules, *array, strlen(*array)))
            return false;
    }
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":, ");
        // "ns::f" is one name: a pair of colons does not separate.
        while (list[length] == ':' && list[length + 1] == ':')
            length += 2 + strcspn(list + length + 2, ":, ");
        if (length != 0 && !add(rules, list, length))
            return false;
        list += length;
        list += strspn(list, ":, ");
    }
    return true;
}

void prof_site_rules_deinit(struct prof_site_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->items[i]);
    free(rules->items);
    *rules = (struct prof_site_rules){ 0 };
}

bool prof_site_is_wrapper(const struct prof_site_rules *rules, const char *plain, const char *mangled)
{
    if (plain != NULL && strncmp(plain, "trk_", 4) == 0)
        return true;
    for (size_t i = 0; i < rules->count; i++) {
        if ((plain != NULL && fnmatch(rules->items[i], plain, 0) == 0) ||
            (mangled != NULL && fnmatch(rules->items[i], mangled, 0) == 0))
            return true;
    }
    return false;
}

// Sorted. Functions that hand their caller memory, or an object, and do nothing else. Not here: functions that allocate
// in passing (fopen, getline, opendir).
static const char *const allocators[] = {
    // libc
    "__libc_calloc",
    "__libc_malloc",
    "__libc_memalign",
    "__libc_realloc",
    "__strdup",
    "__strndup",
    "_int_malloc",
    "aligned_alloc",
    "asprintf",
    "calloc",
    // GLib
    "g_aligned_alloc",
    "g_aligned_alloc0",
    "g_malloc",
    "g_malloc0",
    "g_malloc0_n",
    "g_malloc_n",
    "g_memdup",
    "g_memdup2",
    "g_object_new",
    "g_object_new_internal",
    "g_object_new_valist",
    "g_object_new_with_properties",
    "g_object_newv",
    "g_rc_box_alloc",
    "g_rc_box_alloc0",
    "g_rc_box_alloc_full",
    "g_rc_box_dup",
    "g_realloc",
    "g_realloc_n",
    "g_slice_alloc",
    "g_slice_alloc0",
    "g_slice_copy",
    "g_strconcat",
    "g_strdup",
    "g_strdup_printf",
    "g_strdup_vprintf",
    "g_strndup",
    "g_try_malloc",
    "g_try_malloc0",
    "g_try_malloc0_n",
    "g_try_malloc_n",
    "g_try_realloc",
    "g_try_realloc_n",
    "g_type_create_instance",
    // libc again
    "malloc",
    "memalign",
    "posix_memalign",
    "pvalloc",
    "realloc",
    "reallocarray",
    "strdup",
    "strndup",
    "valloc",
    "vasprintf",
};

static int compare(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

bool prof_site_is_allocator(const char *plain, const char *mangled)
{
    // operator new(size_t), operator new[](size_t) and their nothrow and aligned forms
    if ((mangled != NULL && (strncmp(mangled, "_Znwm", 5) == 0 || strncmp(mangled, "_Znam", 5) == 0)) ||
        (plain != NULL && strncmp(plain, "operator new", 12) == 0))
        return true;
    return plain != NULL &&
           bsearch(plain, allocators, sizeof allocators / sizeof allocators[0], sizeof allocators[0], compare) != NULL;
}

bool prof_site_returns_block(const char *plain)
{
    static const char *const names[] = {
        "__libc_calloc",   "__libc_malloc",    "__libc_memalign", "__libc_realloc",  "aligned_alloc",  "calloc",
        "g_aligned_alloc", "g_aligned_alloc0", "g_malloc",        "g_malloc0",       "g_malloc0_n",    "g_malloc_n",
        "g_memdup",        "g_memdup2",        "g_realloc",       "g_realloc_n",     "g_slice_alloc",  "g_slice_alloc0",
        "g_slice_copy",    "g_try_malloc",     "g_try_malloc0",   "g_try_malloc0_n", "g_try_malloc_n", "g_try_realloc",
        "g_try_realloc_n", "malloc",           "memalign",        "operator new",    "pvalloc",        "realloc",
        "reallocarray",    "valloc",
    };
    return plain != NULL && bsearch(plain, names, sizeof names / sizeof names[0], sizeof names[0], compare) != NULL;
}

bool prof_site_is_libc(const char *path)
{
    // Without "so" a version follows.
    static const char *const names[] = { "libc.so", "libc.musl-", "ld-linux", "ld-musl-", "libpthread.so" };
    static const char *const versioned[] = { "libc-", "ld-", "libpthread-" };
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof versioned / sizeof versioned[0]; i++) {
        size_t length = strlen(versioned[i]);
        if (strncmp(name, versioned[i], length) == 0 && isdigit((unsigned char)name[length]))
            return true;
    }
    return false;
}

bool prof_site_is_hidden(const char *patterns, const char *path)
{
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    while (patterns != NULL && *patterns != '\0' && *file != '\0') {
        char pattern[256];
        size_t length = strcspn(patterns, "|");
        if (length != 0 && length + sizeof ".*" <= sizeof pattern) {
            memcpy(pattern, patterns, length);
            memcpy(pattern + length, ".*", sizeof ".*");
            bool more = fnmatch(pattern, file, 0) == 0;
            pattern[length] = '\0';
            if (more || fnmatch(pattern, file, 0) == 0)
                return true;
        }
        patterns += length + (patterns[length] == '|');
    }
    return false;
}
