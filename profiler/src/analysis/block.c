/* block.c: plain blocks that were not freed, by allocation stack. Their reachability was not examined, so they never
 * gate by themselves; unless all leak kinds are asked for they are one total with its largest places. */
#include "analysis.h"
#include "suppress.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK_PLACES_MAX = 64 };

struct place {
    uint32_t stack;
    uint64_t blocks, bytes, addr, first_us, last_us;
    char fingerprint[20];
};
struct places {
    PROF_VEC(struct place) list;
    struct map of_stack, of_print;
};

bool block_is_plain(const struct prof_block *block)
{
    return (block->flags & PROF_BLOCK_ALIVE) != 0 && (block->flags & PROF_BLOCK_HAS_OBJECT) == 0 &&
           block->kind != TRK_ALLOC_MMAP && block->kind != TRK_ALLOC_BOOT;
}

/* The place of a stack; stacks whose first functions agree share one. */
static uint32_t place_of(struct analysis *a, struct places *places, uint32_t stack)
{
    uint32_t at = map_get(&places->of_stack, stack);
    if (at != UINT32_MAX)
        return at;
    struct place fresh = { .stack = stack, .first_us = UINT64_MAX };
    fingerprint_make(a->symbols, PROF_UNFREED, "", stack, fresh.fingerprint);
    uint64_t key = XXH64(fresh.fingerprint, strlen(fresh.fingerprint), 5);
    at = map_get(&places->of_print, key);
    if (at == UINT32_MAX) {
        at = (uint32_t)places->list.count;
        if (!map_put(&places->of_print, key, at) || !prof_vec_push(&places->list, fresh))
            return UINT32_MAX;
    }
    return map_put(&places->of_stack, stack, at) ? at : UINT32_MAX;
}

static int by_bytes(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return strcmp(a->fingerprint, b->fingerprint);
}

static bool push(struct analysis *a, struct prof_finding *f)
{
    f->sentence = prof_arena_printf(a->arena, "%llu block%s allocated and not freed", (unsigned long long)f->objects,
                                    f->objects == 1 ? "" : "s");
    f->strength = a->ended && a->lost == 0 ? PROF_PROVEN : PROF_SUSPECT;
    f->reasons = !a->ended     ? a->not_ended
                 : a->lost > 0 ? "events were lost"
                               : "whether it can still be reached was not examined";
    return f->sentence != NULL && prof_vec_push(&a->out->list, *f);
}

static bool push_each(struct analysis *a, const struct places *places)
{
    for (size_t i = 0; i < places->list.count; i++) {
        const struct place *p = &places->list.items[i];
        struct prof_finding f = finding_blank(PROF_UNFREED, "");
        f.objects = p->blocks;
        f.bytes = p->bytes;
        f.born_stack = p->stack;
        f.sample_addr = p->addr;
        f.first_us = p->first_us;
        f.last_us = p->last_us;
        memcpy(f.fingerprint, p->fingerprint, sizeof f.fingerprint);
        if (!push(a, &f))
            return false;
    }
    return true;
}

/* A place that a suppression names does not count; the suppression's use is counted. */
static bool suppressed(struct analysis *a, const struct place *place)
{
    struct suppress_stack stack = { 0 };
    struct suppress_facts facts = { .verdict = PROF_UNFREED,
                                    .type = "",
                                    .fingerprint = place->fingerprint,
                                    .objects = place->blocks,
                                    .bytes = place->bytes,
                                    .stacks = &stack,
                                    .stack_count = 1 };

    if (a->options->suppressions == NULL)
        return false;
    stack.count = prof_symbols_stack(a->symbols, place->stack, &stack.frames);
    stack.site = stack.count > 0 ? prof_symbols_site(a->symbols, place->stack) : 0;
    return suppress_match(a->options->suppressions, &facts) != NULL;
}

static bool push_total(struct analysis *a, const struct places *places)
{
    struct prof_finding f = finding_blank(PROF_UNFREED, "");
    struct prof_finding_site *sites = prof_arena_alloc(a->arena, BLOCK_PLACES_MAX * sizeof *sites);

    if (sites == NULL)
        return false;
    f.first_us = UINT64_MAX;
    for (size_t i = 0; i < places->list.count; i++) {
        const struct place *p = &places->list.items[i];
        if (suppressed(a, p))
            continue;
        if (f.objects == 0) {
            f.born_stack = p->stack;
            f.sample_addr = p->addr;
        }
        f.objects += p->blocks;
        f.bytes += p->bytes;
        f.first_us = p->first_us < f.first_us ? p->first_us : f.first_us;
        f.last_us = p->last_us > f.last_us ? p->last_us : f.last_us;
        if (f.site_count < BLOCK_PLACES_MAX)
            sites[f.site_count++] =
                (struct prof_finding_site){ .stack = p->stack, .taken = p->blocks, .bytes = p->bytes };
    }
    f.sites = sites;
    if (f.objects == 0)
        return true;
    fingerprint_make(a->symbols, PROF_UNFREED, "", 0, f.fingerprint);
    return push(a, &f);
}

struct prof_error *block_findings(struct analysis *a)
{
    struct places places = { 0 };
    bool good = true;

    for (prof_block_id id = 1; good && id < prof_heap_block_max(a->heap); id++) {
        const struct prof_block *block = prof_heap_block(a->heap, id);
        if (!block_is_plain(block) || !in_window(a, block->born_us))
            continue;
        uint32_t at = place_of(a, &places, block->stack);
        if (at >= places.list.count) { // UINT32_MAX: no memory
            good = false;
            break;
        }
        struct place *p = &places.list.items[at];
        if (p->blocks++ == 0)
            p->addr = block->addr;
        p->bytes += block->size;
        p->first_us = block->born_us < p->first_us ? block->born_us : p->first_us;
        p->last_us = block->born_us > p->last_us ? block->born_us : p->last_us;
    }
    if (good && places.list.count > 0) {
        qsort(places.list.items, places.list.count, sizeof *places.list.items, by_bytes);
        good = a->options->leak_kinds_all ? push_each(a, &places) : push_total(a, &places);
    }
    prof_vec_deinit(&places.list);
    map_deinit(&places.of_stack);
    map_deinit(&places.of_print);
    return good ? NULL : prof_error_memory();
}
