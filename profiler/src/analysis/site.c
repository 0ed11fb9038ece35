/* site.c: stacks to sites. Many stacks share one site; findings and balances speak of sites. */
#include "analysis.h"

#include <string.h>
#include <xxhash.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return XXH64(text, strlen(text), seed);
}

uint32_t site_of(struct analysis *a, uint32_t stack)
{
    uint32_t index = map_get(&a->site_of_stack, stack);
    if (index != UINT32_MAX)
        return index;

    const struct prof_frame *frame = prof_symbols_site_frame(a->symbols, stack);
    const char *module = base_name(frame->module != NULL ? frame->module : "");
    struct site site = { .stack = stack };
    if (frame->function != NULL) {
        site.function = hash_text(frame->function, hash_text(module, 1));
        site.key = map_mix(site.function, frame->line != 0 ? frame->line : frame->offset);
        site.name = frame->function;
    } else {
        site.function = site.key = map_mix(hash_text(module, 2), frame->offset);
        site.name = prof_arena_printf(a->arena, "%s+0x%llx", module[0] != '\0' ? module : "?",
                                      (unsigned long long)frame->offset);
        if (site.name == NULL)
            return UINT32_MAX;
    }
    index = map_get(&a->site_of_key, site.key);
    if (index == UINT32_MAX) {
        index = (uint32_t)a->sites.count;
        if (!prof_vec_push(&a->sites, site) || !map_put(&a->site_of_key, site.key, index))
            return UINT32_MAX;
    }
    return map_put(&a->site_of_stack, stack, index) ? index : UINT32_MAX;
}
