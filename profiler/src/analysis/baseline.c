/* baseline.c: reads what `leaks --json` wrote. The file is an input like any other: every member is checked. */
#include "baseline.h"
#include <base/file.h>
#include "map.h"

#include <base/arena.h>
#include <base/vec.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BASELINE_FILE_MAX = 256 << 20 };
#define NEXT "make a new one with 'reftrack leaks --json TRACE > FILE'"

struct prof_baseline {
    struct prof_arena arena;
    PROF_VEC(struct prof_baseline_gone) entries;
    PROF_VEC(uint32_t) first; /* by entry: its lines, BASELINE_NONE */
    PROF_VEC(struct baseline_line) lines;
    struct map index;      /* fingerprint as a number -> entry */
    struct map line_index; /* (entry, key) -> line */
};

/* 16 lower-case hex digits. */
bool baseline_print_parse(const char *text, uint64_t *ret)
{
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return false;
    *ret = strtoull(text, NULL, 16);
    return true;
}

static struct prof_error *damaged(const char *path, const char *what, size_t index)
{
    return prof_error_at(PROF_ERROR_FORMAT, path, UINT64_MAX, "'%s' is not a baseline: %s of finding %zu; " NEXT, path,
                         what, index);
}

uint64_t baseline_line_key(const char *file, uint64_t line, const char *module, uint64_t offset)
{
    const char *path = file != NULL ? file : module != NULL ? module : "";
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    return map_mix(XXH64(name, strlen(name), file != NULL), file != NULL ? line : offset);
}

static bool is_number(const json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_integer(value) && json_integer_value(value) >= 0);
}

/* The line of a finding. false: it is none. */
static bool line_parse(const json_t *site, uint64_t *ret)
{
    const json_t *file = json_object_get(site, "file"), *module = json_object_get(site, "module");
    const json_t *line = json_object_get(site, "line"), *offset = json_object_get(site, "offset");

    if (json_is_null(site)) {
        *ret = baseline_line_key(NULL, 0, NULL, 0);
        return true;
    }
    if (!json_is_object(site) || !is_number(line) || !is_number(offset))
        return false;
    *ret = baseline_line_key(json_string_value(file), (uint64_t)json_integer_value(line), json_string_value(module),
                             (uint64_t)json_integer_value(offset));
    return true;
}

static struct prof_error *add_line(struct prof_baseline *baseline, const char *path, uint32_t entry, json_t *site,
                                   uint64_t objects, size_t index)
{
    uint32_t *first = &baseline->first.items[entry];
    uint64_t key;

    if (!line_parse(site, &key))
        return damaged(path, "bad site", index);
    uint64_t both = map_mix(entry, key);
    uint32_t at = map_get(&baseline->line_index, both);
    if (at != UINT32_MAX) {
        baseline->lines.items[at].objects += objects;
        return NULL;
    }
    struct baseline_line line = { .key = key, .objects = objects, .next = *first };
    *first = (uint32_t)baseline->lines.count;
    return map_put(&baseline->line_index, both, *first) && prof_vec_push(&baseline->lines, line) ? NULL
                                                                                                 : prof_error_memory();
}

static struct prof_error *add(struct prof_baseline *baseline, const char *path, json_t *item, size_t index)
{
    struct prof_baseline_gone entry = { 0 };
    const char *fingerprint = json_string_value(json_object_get(item, "fingerprint"));
    const char *verdict = json_string_value(json_object_get(item, "verdict"));
    const char *type = json_string_value(json_object_get(item, "type"));
    json_t *objects = json_object_get(item, "objects"), *site = json_object_get(item, "site");
    uint64_t number;

    if (fingerprint == NULL || !baseline_print_parse(fingerprint, &number))
        return damaged(path, "bad fingerprint", index);
    if (!json_is_integer(objects) || json_integer_value(objects) < 0)
        return damaged(path, "bad number of objects", index);
    uint64_t many = (uint64_t)json_integer_value(objects);
    many += many == 0; // known, whatever it counted
    uint32_t known = map_get(&baseline->index, number);
    if (known == UINT32_MAX) {
        known = (uint32_t)baseline->entries.count;
        entry.fingerprint = prof_arena_strdup(&baseline->arena, fingerprint);
        entry.verdict = prof_arena_strdup(&baseline->arena, verdict != NULL ? verdict : "");
        entry.type = prof_arena_strdup(&baseline->arena, type != NULL ? type : "");
        if (entry.fingerprint == NULL || entry.verdict == NULL || entry.type == NULL ||
            !map_put(&baseline->index, number, known) || !prof_vec_push(&baseline->first, (uint32_t)BASELINE_NONE) ||
            !prof_vec_push(&baseline->entries, entry))
            return prof_error_memory();
    }
    struct prof_baseline_gone *same = &baseline->entries.items[known];
    same->objects += many;
    same->named |= json_is_string(json_object_get(site, "function"));
    same->nameless |= json_is_null(json_object_get(site, "function"));
    return site != NULL ? add_line(baseline, path, known, site, many, index) : NULL;
}

struct prof_error *baseline_parse(const char *path, const char *text, size_t length, struct prof_baseline **ret)
{
    json_error_t at;
    json_t *root = json_loadb(text, length, 0, &at);
    struct prof_error *error = NULL;

    if (root == NULL)
        return prof_error_at(PROF_ERROR_FORMAT, path, at.line < 0 ? UINT64_MAX : (uint64_t)at.line,
                             "%s:%d: not JSON: %s; " NEXT, path, at.line, at.text);
    json_t *findings = json_object_get(root, "findings");
    if (!json_is_array(findings) || json_object_get(root, "schema") == NULL) {
        json_decref(root);
        return prof_error_at(PROF_ERROR_FORMAT, path, UINT64_MAX,
                             "'%s' is JSON, but not of 'leaks --json' (no findings); " NEXT, path);
    }
    struct prof_baseline *baseline = calloc(1, sizeof *baseline);
    if (baseline == NULL) {
        json_decref(root);
        return prof_error_memory();
    }
    prof_arena_init(&baseline->arena);
    for (size_t i = 0; error == NULL && i < json_array_size(findings); i++)
        error = add(baseline, path, json_array_get(findings, i), i + 1);
    json_decref(root);
    if (error != NULL) {
        prof_baseline_destroy(baseline);
        return error;
    }
    *ret = baseline;
    return NULL;
}

struct prof_error *prof_baseline_read(const char *path, struct prof_baseline **ret)
{
    char *text;
    size_t length;
    struct prof_error *error = prof_file_read(path, BASELINE_FILE_MAX, NEXT, &text, &length);

    if (error != NULL)
        return error;
    error = baseline_parse(path, text, length, ret);
    free(text);
    return error;
}

void prof_baseline_destroy(struct prof_baseline *baseline)
{
    if (baseline == NULL)
        return;
    prof_vec_deinit(&baseline->entries);
    prof_vec_deinit(&baseline->first);
    prof_vec_deinit(&baseline->lines);
    map_deinit(&baseline->index);
    map_deinit(&baseline->line_index);
    prof_arena_deinit(&baseline->arena);
    free(baseline);
}

struct baseline_known baseline_find(const struct prof_baseline *baseline, uint64_t fingerprint)
{
    uint32_t at = map_get(&baseline->index, fingerprint);
    if (at == UINT32_MAX)
        return (struct baseline_known){ .first = BASELINE_NONE };
    return (struct baseline_known){ baseline->entries.items[at].objects, baseline->first.items[at] };
}

const struct baseline_line *baseline_line(const struct prof_baseline *baseline, uint32_t index)
{
    return &baseline->lines.items[index];
}

size_t baseline_entries(const struct prof_baseline *baseline, const struct prof_baseline_gone **ret)
{
    *ret = baseline->entries.items;
    return baseline->entries.count;
}
