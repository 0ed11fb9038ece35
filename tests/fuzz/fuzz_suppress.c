/* fuzz_suppress.c: arbitrary bytes as a suppression file, then every rule against a finding. */
#include <stddef.h>
#include <stdint.h>

#include "suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct prof_frame frames[] = {
    { .function = "obj_ref", .file = "/src/obj.c", .module = "/usr/lib/libobj.so.1", .line = 4, .wrapper = true },
    { .function = "conn_open", .file = "/src/net/net.c", .module = "/usr/bin/app", .line = 31 },
    { .function = NULL, .file = NULL, .module = "/usr/lib/libplugin.so", .offset = 0x40 },
    { .function = "main", .file = "/src/main.c", .module = "/usr/bin/app", .line = 9 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum prof_verdict verdicts[] = { PROF_MISSING_UNREF, PROF_CYCLE, PROF_UNFREED, PROF_OVER_RELEASED };
    const struct suppress_stack stack = { .frames = frames, .count = 4, .site = 1 };
    struct prof_suppressions *s;

    if (prof_suppressions_create(&s) != NULL)
        return 0;
    struct prof_error *error = suppress_parse(s, "fuzz.supp", (const char *)data, size);
    if (error != NULL && (error->message == NULL || s->rules.count != 0))
        __builtin_trap();
    for (size_t i = 0; error == NULL && i < sizeof verdicts / sizeof *verdicts; i++) {
        const struct suppress_facts facts = { .verdict = verdicts[i],
                                              .type = "struct conn",
                                              .fingerprint = "0123456789abcdef",
                                              .objects = 3,
                                              .bytes = 100,
                                              .stacks = &stack,
                                              .stack_count = 1 };
        const char *place = suppress_match(s, &facts);
        if (place != NULL && s->rules.count == 0)
            __builtin_trap();
    }
    prof_error_destroy(error);
    prof_suppressions_destroy(s);
    return 0;
}
