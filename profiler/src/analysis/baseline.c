/* baseline.c: reads what `leaks --json` wrote. The file is an input like any other: every member is checked. */
#include "baseline.h"
#include "file.h"
#include "map.h"

#include <base/arena.h>
#include <base/vec.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BASELINE_FILE_MAX = 256 << 20 };
#define NEXT "make a new one with 'reftrack leaks --json TRACE > FILE'"

struct prof_baseline {
    struct prof_arena arena;
    PROF_VEC(struct prof_baseline_gone) entries;
    struct map index; /* fingerprint as a number -> entry */
};

/* 16 lower-case hex digits; false otherwise. */
static bool fingerprint_parse(const char *text, uint64_t *ret)
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

static struct prof_error *add(struct prof_baseline *baseline, const char *path, json_t *item, size_t index)
{
    struct prof_baseline_gone entry = { 0 };
    const char *fingerprint = json_string_value(json_object_get(item, "fingerprint"));
    const char *verdict = json_string_value(json_object_get(item, "verdict"));
    const char *type = json_string_value(json_object_get(item, "type"));
    json_t *objects = json_object_get(item, "objects");
    uint64_t number;

    if (fingerprint == NULL || !fingerprint_parse(fingerprint, &number))
        return damaged(path, "bad fingerprint", index);
    if (!json_is_integer(objects) || json_integer_value(objects) < 0)
        return damaged(path, "bad number of objects", index);
    uint32_t known = map_get(&baseline->index, number);
    if (known != UINT32_MAX) {
        baseline->entries.items[known].objects += (uint64_t)json_integer_value(objects);
        return NULL;
    }
    entry.fingerprint = prof_arena_strdup(&baseline->arena, fingerprint);
    entry.verdict = prof_arena_strdup(&baseline->arena, verdict != NULL ? verdict : "");
    entry.type = prof_arena_strdup(&baseline->arena, type != NULL ? type : "");
    entry.objects = (uint64_t)json_integer_value(objects);
    if (entry.objects == 0)
        entry.objects = 1; // known, whatever it counted
    if (entry.fingerprint == NULL || entry.verdict == NULL || entry.type == NULL ||
        !map_put(&baseline->index, number, (uint32_t)baseline->entries.count) ||
        !prof_vec_push(&baseline->entries, entry))
        return prof_error_memory();
    return NULL;
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
    struct prof_error *error = file_read(path, BASELINE_FILE_MAX, NEXT, &text, &length);

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
    map_deinit(&baseline->index);
    prof_arena_deinit(&baseline->arena);
    free(baseline);
}

uint64_t baseline_objects(const struct prof_baseline *baseline, const char *fingerprint)
{
    uint64_t number;
    if (!fingerprint_parse(fingerprint, &number))
        return 0;
    uint32_t known = map_get(&baseline->index, number);
    return known == UINT32_MAX ? 0 : baseline->entries.items[known].objects;
}

size_t baseline_entries(const struct prof_baseline *baseline, const struct prof_baseline_gone **ret)
{
    *ret = baseline->entries.items;
    return baseline->entries.count;
}
