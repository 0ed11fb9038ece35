/* fingerprint.c: the identity of a finding across builds, version 1.
 *
 * XXH64 (seed 0), as 16 hex digits, of the lines "reftrack fingerprint 1", verdict, type, and up to four functions of
 * the stack from its inner frame (prof_symbols_inner) outwards. No lines, no addresses, no offsets: only what survives
 * a rebuild. Frames without a function count as their module's base name without its version, and the site itself then
 * with its offset, too: else all places of a module without symbols were one. Suffixes that compilers invent are cut
 * off. */
#include "analysis.h"

#include <stdio.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY // the state on the stack
#include <xxhash.h>

/* Length of a function's name without ".part.0", ".constprop.1", ".cold", ".isra.0", ".lto_priv.2". */
static size_t function_length(const char *name)
{
    static const char *const suffixes[] = { ".part.", ".constprop.", ".cold", ".isra.", ".lto_priv.", ".llvm." };
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const char *at = strstr(name, suffixes[i]);
        if (at != NULL && at != name && (size_t)(at - name) < length)
            length = (size_t)(at - name);
    }
    return length;
}

/* offset 0: none. Only what was loaded from a file has offsets that are comparable between runs. */
static void add_module(XXH64_state_t *state, const char *path, uint64_t offset)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *so = strstr(name, ".so.");

    XXH64_update(state, "[", 1);
    XXH64_update(state, name, so != NULL ? (size_t)(so - name) + 3 : strlen(name));
    if (offset != 0 && name[0] != '\0' && name[0] != '[') {
        char text[24];
        XXH64_update(state, text, (size_t)snprintf(text, sizeof text, "+%llx", (unsigned long long)offset));
    }
    XXH64_update(state, "]\n", 2);
}

void fingerprint_make(struct prof_symbols *symbols, enum prof_verdict verdict, const char *type, uint32_t stack,
                      char ret[20])
{
    static const char version[] = "reftrack fingerprint 1\n";
    const struct prof_frame *frames = NULL;
    const char *name = prof_verdict_name(verdict);
    XXH64_state_t on_stack, *state = &on_stack;
    size_t count = 0, taken = 0;

    XXH64_reset(state, 0);
    XXH64_update(state, version, sizeof version - 1);
    XXH64_update(state, name, strlen(name));
    XXH64_update(state, "\n", 1);
    XXH64_update(state, type, strlen(type));
    XXH64_update(state, "\n", 1);
    if (stack != 0)
        count = prof_symbols_stack(symbols, stack, &frames);
    for (size_t i = count > 0 ? prof_symbols_inner(symbols, stack) : 0; i < count && taken < FINGERPRINT_FRAMES; i++) {
        if (frames[i].wrapper)
            continue;
        taken++;
        if (frames[i].function != NULL) {
            XXH64_update(state, frames[i].function, function_length(frames[i].function));
            XXH64_update(state, "\n", 1);
        } else {
            add_module(state, frames[i].module != NULL ? frames[i].module : "", taken == 1 ? frames[i].offset : 0);
        }
    }
    snprintf(ret, 20, "%016llx", (unsigned long long)XXH64_digest(state));
}
