/* trend_look.c: pointers to counted objects that nobody told of, counted by holder, field and type whenever memory was
 * read. They own nothing for certain, so they stand beside what was told, with moments of their own. */
#include "trend.h"

#include <string.h>

struct told {
    struct map slots; /* with their objects: recorded references, and weak pointers */
    bool failed;
};

static uint64_t key_of(uint64_t slot, prof_obj_id obj)
{
    return map_mix(slot, obj);
}

static void add_weak(void *ctx, const struct prof_weak *weak)
{
    struct told *told = ctx;
    told->failed = told->failed || !map_put(&told->slots, key_of(weak->slot, weak->obj), 0);
}

static bool gather_told(const struct prof_heap *heap, struct told *told)
{
    for (prof_obj_id id = 1; id < prof_heap_obj_max(heap) && !told->failed; id++) {
        for (uint32_t i = prof_heap_obj(heap, id)->first_open; i != 0 && !told->failed;) {
            const struct prof_open *open = prof_heap_open(heap, i);
            told->failed = open->kind == PROF_OPEN_SLOT && !map_put(&told->slots, key_of(open->slot, id), 0);
            i = open->next;
        }
    }
    if (!told->failed)
        prof_heap_weak_each(heap, add_weak, told);
    return !told->failed;
}

/* The object at whose start the word points, when nobody told of that; else 0. */
static prof_obj_id untold(const struct prof_growth *g, const struct told *told, const struct prof_memory_word *word)
{
    prof_obj_id id = word->at % 8 == 0 ? prof_heap_obj_at(g->a.heap, word->value) : 0;
    const struct prof_obj *obj = id != 0 ? prof_heap_obj(g->a.heap, id) : NULL;

    if (obj == NULL || (word->value != obj->addr && word->value != obj->start) ||
        prof_heap_obj_at(g->a.heap, word->at) == id || map_get(&told->slots, key_of(word->at, id)) != UINT32_MAX)
        return 0;
    return id;
}

static bool count_word(struct prof_growth *g, prof_obj_id id, const struct prof_memory_word *word)
{
    const struct prof_obj *obj = prof_heap_obj(g->a.heap, id);
    const struct prof_open open = { .kind = PROF_OPEN_SLOT, .slot = word->at, .obj = id };
    uint32_t at;

    if (!trend_edge_of(g, &open, obj->type, true, &at))
        return false;
    if (at == UINT32_MAX)
        return true;
    struct prof_then *then = trend_row(g->edge_then.items, at) + g->look_count;
    then->live++;
    then->bytes += obj->size;
    struct trend_edge *edge = &g->edges.items[at];
    if (obj->born_us > edge->newest_us || (obj->born_us == edge->newest_us && edge->serial < obj->serial)) {
        edge->newest_us = obj->born_us;
        edge->serial = obj->serial;
        edge->slot = word->at;
    }
    return true;
}

/* Of very many looks every second one stays, then every fourth, and so on, and the last one. */
static void thin(struct prof_growth *g)
{
    g->look_count /= 2;
    for (size_t i = 0; i < g->look_count; i++)
        g->looks[i] = g->looks[2 * i];
    for (size_t e = 0; e < g->edges.count; e++) {
        struct prof_then *row = trend_row(g->edge_then.items, e);
        for (size_t i = 0; i < PROF_GROWTH_MOMENTS && g->edges.items[e].seen; i++)
            row[i] = i < g->look_count ? row[2 * i] : (struct prof_then){ 0 };
    }
}

bool trend_look(struct prof_growth *g, const struct prof_memory *memory)
{
    const struct prof_heap_totals *totals = prof_heap_totals(g->a.heap);
    struct told told = { 0 };

    g->look_number = memory->number + UINT64_C(1);
    if (g->windowed && g->moment_count == 0)
        return true; // before the window
    if (g->look_count == PROF_GROWTH_MOMENTS)
        thin(g);
    uint64_t at_us = memory->at_us;
    if (g->look_count > 0 && at_us < g->looks[g->look_count - 1].at_us)
        at_us = g->looks[g->look_count - 1].at_us;
    g->looks[g->look_count] = (struct prof_growth_moment){ .at_us = at_us,
                                                           .live_objects = totals->live_objects,
                                                           .live_bytes = totals->live_bytes };
    trend_forget(g, true);
    bool good = gather_told(g->a.heap, &told);
    for (size_t a = 0; good && a < memory->area_count; a++) {
        const struct prof_memory_area *area = &memory->areas[a];
        if (area->kind == TRK_AREA_REGISTERS || area->kind == TRK_AREA_STACK)
            continue; // local variables come and go
        for (size_t i = area->first; good && i < area->first + area->count; i++) {
            prof_obj_id id = untold(g, &told, &memory->words[i]);
            good = id == 0 || count_word(g, id, &memory->words[i]);
        }
    }
    map_deinit(&told.slots);
    g->look_count++;
    return good;
}
