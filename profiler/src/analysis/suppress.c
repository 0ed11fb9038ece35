/* suppress.c: the life of a set of suppressions, and making one for a finding. */
#include "suppress.h"
#include "analysis.h"
#include <base/file.h>

#include <base/str.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct prof_error *prof_suppressions_create(struct prof_suppressions **ret)
{
    struct prof_suppressions *s = calloc(1, sizeof *s);
    struct tm tm;
    time_t now = time(NULL);

    if (s == NULL)
        return prof_error_memory();
    prof_arena_init(&s->arena);
    if (gmtime_r(&now, &tm) != NULL)
        s->today = (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
    *ret = s;
    return NULL;
}

struct prof_error *prof_suppressions_read(struct prof_suppressions *s, const char *path)
{
    char *text;
    size_t length;
    struct prof_error *error =
        prof_file_read(path, SUPPRESS_FILE_MAX, "give a text file of suppressions", &text, &length);

    if (error != NULL)
        return error;
    error = suppress_parse(s, path, text, length);
    free(text);
    return error;
}

void prof_suppressions_destroy(struct prof_suppressions *s)
{
    if (s == NULL)
        return;
    prof_vec_deinit(&s->rules);
    prof_vec_deinit(&s->uses);
    prof_arena_deinit(&s->arena);
    free(s);
}

size_t prof_suppressions_used(const struct prof_suppressions *s, const struct prof_suppression_use **ret)
{
    *ret = s->uses.items;
    return s->uses.count;
}

/* Can stand as a value of our syntax and be read back as the same pattern: no control bytes, no outer blanks, no key
 * inside. */
static bool can_be_value(const char *text)
{
    static const char *const keys[] = { " verdict:", " type:",    " fun:", " fingerprint:",
                                        " reason:",  " expires:", " max:" };
    size_t length = strlen(text);

    if (length == 0 || length > 1000 || text[0] == ' ' || text[length - 1] == ' ')
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strstr(text, keys[i]) != NULL)
            return false;
    }
    return true;
}

char *prof_suppression_for(const struct prof_findings *findings, const struct prof_finding *finding)
{
    struct prof_str str = { 0 };
    uint32_t stack = finding_take_stack(finding);
    const struct prof_frame *frame = prof_symbols_site_frame(findings->symbols, stack);

    prof_str_addf(&str, "# %llu object%s\n", (unsigned long long)finding->objects, finding->objects == 1 ? "" : "s");
    prof_str_addf(&str, "verdict:%s", prof_verdict_name(finding->verdict));
    bool named = false;
    if (finding->type[0] != '\0' && can_be_value(finding->type)) {
        prof_str_addf(&str, " type:%s", finding->type);
        named = true;
    }
    if (frame->function != NULL && can_be_value(frame->function)) {
        prof_str_addf(&str, " fun:%s", frame->function);
        named = true;
    }
    if (!named || frame->function == NULL)
        prof_str_addf(&str, " fingerprint:%s", finding->fingerprint);
    prof_str_add(&str, " reason:say why\n");
    return prof_str_take(&str);
}
