/* rndmemory.c: random checkpoints, and comparing them; see rndmemory.h. */
#include "rndmemory.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#define U(value) ((unsigned long long)(value))

struct gathered {
    PROF_VEC(struct prof_memory_area) areas;
    PROF_VEC(struct prof_memory_word) words;
    PROF_VEC(struct trk_memory_count) counts;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "rndmemory: %s\n", what);
    abort();
}

/* Mostly a few words on, sometimes not aligned, sometimes far. */
static uint64_t step(uint64_t (*rnd)(uint64_t below))
{
    switch (rnd(40)) {
    case 0:
        return ((uint64_t)1 << rnd(36)) + rnd(3);
    case 1:
        return 1 + rnd(40);
    case 2:
        return UINT32_MAX - 1 + rnd(3);
    default:
        return 8 * (1 + rnd(16));
    }
}

static void add_area(struct gathered *g, uint64_t (*rnd)(uint64_t below), struct prof_memory_area area, size_t words)
{
    area.first = g->words.count;
    uint64_t at = area.start + (rnd(2) != 0 ? 0 : step(rnd));
    for (size_t i = 0; i < words && at <= ((uint64_t)1 << 56) - 8; i++) {
        if (area.kind == TRK_AREA_REGISTERS && at >= 27 * 8)
            break;
        struct prof_memory_word word = { .at = at,
                                         .how = rnd(8) == 0 ? rnd(256) : 0,
                                         .value = rnd(3) != 0 ? 0x10000 + 8 * rnd(8192) : rnd(UINT64_MAX) };
        must(prof_vec_push(&g->words, word), "no memory");
        for (; rnd(10) == 0 && word.how < 255; i++) { /* another way to read it */
            word.how++;
            word.value ^= rnd(4096);
            must(prof_vec_push(&g->words, word), "no memory");
        }
        area.size = at + 8 - area.start;
        at += area.kind == TRK_AREA_REGISTERS ? 8 * (1 + rnd(4)) : step(rnd);
    }
    area.size += rnd(4) == 0 ? 0 : rnd(4096);
    area.count = g->words.count - area.first;
    must(prof_vec_push(&g->areas, area), "no memory");
}

static void add_areas(struct gathered *g, uint64_t (*rnd)(uint64_t below), size_t words)
{
    uint32_t threads = (uint32_t)rnd(4);
    for (uint32_t i = 0; i < threads; i++)
        add_area(g, rnd, (struct prof_memory_area){ .kind = TRK_AREA_REGISTERS, .tid = 100 + i }, rnd(20));
    static const enum trk_area_kind kinds[] = { TRK_AREA_ANON, TRK_AREA_DATA, TRK_AREA_STACK, TRK_AREA_TLS,
                                                TRK_AREA_MAPPED };
    uint64_t start = 0x1000 + 8 * rnd(1000);
    while (g->words.count < words) {
        struct prof_memory_area area = { .start = start, .kind = kinds[rnd(5)], .tid = (uint32_t)rnd(3) };
        add_area(g, rnd, area, 1 + rnd(words));
        const struct prof_memory_area *last = &g->areas.items[g->areas.count - 1];
        start = last->start + last->size + rnd(3) * rnd(1 << 20);
        if (start >= (uint64_t)1 << 55)
            break;
    }
}

struct prof_memory *random_memory(uint64_t (*rnd)(uint64_t below), uint32_t number, uint64_t at_us, uint64_t round,
                                  size_t words)
{
    static const char *const names[] = { "", "loaded", "a longer name with blanks", "\xc3\xa4" };
    struct gathered g = { 0 };
    if (words > 0)
        add_areas(&g, rnd, words);
    for (uint64_t n = rnd(words + 1) / 4, addr = 0x1000; n > 0; n--, addr += 1 + rnd(1000))
        must(prof_vec_push(&g.counts, (struct trk_memory_count){ .addr = addr, .count = (int64_t)rnd(100) - 20 }),
             "no memory");
    struct prof_memory memory = { .number = number,
                                  .rung = (enum trk_memory_rung)(1 + rnd(3)),
                                  .why = (enum trk_memory_why)(1 + rnd(6)),
                                  .cut = rnd(3) == 0,
                                  .single = rnd(3) == 0,
                                  .name = names[rnd(4)],
                                  .at_us = at_us,
                                  .round = round,
                                  .pause_us = rnd(100000),
                                  .took_us = rnd(1000000),
                                  .read_bytes = rnd((uint64_t)1 << 40),
                                  .unread_bytes = rnd(1 << 20),
                                  .threads = (uint32_t)rnd(100),
                                  .threads_unread = (uint32_t)rnd(3),
                                  .areas = g.areas.items,
                                  .area_count = g.areas.count,
                                  .words = g.words.items,
                                  .word_count = g.words.count,
                                  .counts = g.counts.items,
                                  .count_count = g.counts.count };
    struct prof_memory *made = NULL;
    struct prof_error *error = prof_memory_copy(&memory, &made);
    must(error == NULL, error != NULL ? error->message : "");
    prof_vec_deinit(&g.areas);
    prof_vec_deinit(&g.words);
    prof_vec_deinit(&g.counts);
    return made;
}

void memory_dump(FILE *out, const struct prof_memory *m)
{
    if (m == NULL) {
        fprintf(out, "no memory\n");
        return;
    }
    fprintf(out, "memory %u '%s' rung=%d why=%d cut=%d single=%d late=%d at=%llu round=%llu pause=%llu took=%llu",
            m->number, m->name, m->rung, m->why, m->cut, m->single, m->late, U(m->at_us), U(m->round), U(m->pause_us),
            U(m->took_us));
    fprintf(out, " read=%llu-%llu threads=%u-%u\n", U(m->read_bytes), U(m->unread_bytes), m->threads,
            m->threads_unread);
    for (size_t i = 0; i < m->area_count; i++) {
        const struct prof_memory_area *area = &m->areas[i];
        fprintf(out, "area %d of %u %#llx+%llu\n", area->kind, area->tid, U(area->start), U(area->size));
        for (size_t k = area->first; k < area->first + area->count; k++)
            fprintf(out, "%#llx: %#llx %u\n", U(m->words[k].at), U(m->words[k].value), (unsigned)m->words[k].how);
    }
    for (size_t i = 0; i < m->count_count; i++)
        fprintf(out, "count %#llx: %lld\n", U(m->counts[i].addr), (long long)m->counts[i].count);
}

static char *text_of(const struct prof_memory *memory)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    must(out != NULL, "no memory");
    memory_dump(out, memory);
    fclose(out);
    return text;
}

bool same_memory(const struct prof_memory *one, const struct prof_memory *two)
{
    char *a = text_of(one), *b = text_of(two);
    bool same = strcmp(a, b) == 0;
    free(a);
    free(b);
    return same;
}
