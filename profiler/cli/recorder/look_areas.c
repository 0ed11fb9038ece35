/* look_areas.c: what of the memory is what: mappings first, then whatever is known better is painted over them.
 *
 * Left out are the shared memory, files and tables of libtrack itself, code, constants, devices, and what lies below
 * the stack pointer of a thread that stands still. Memory without a file is a place of blocks and no root; stacks of
 * threads that ended are such memory, because nobody's stack pointer is in them. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
enum { TLS_ABOVE = 1, THREAD_BYTES = 0xa00 };
#else
enum { TLS_ABOVE = 0, THREAD_BYTES = 0xa00 }; /* the thread library's own block, with room for later versions */
#endif

/* ---- Painting ---- */

/* The first area that ends behind the address. */
static size_t find(const struct look_areas *areas, uint64_t at)
{
    size_t low = 0, high = areas->items.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (areas->items.items[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct look_area *look_areas_find(const struct look_areas *areas, uint64_t at)
{
    size_t i = find(areas, at);
    return i < areas->items.count && areas->items.items[i].start <= at ? &areas->items.items[i] : NULL;
}

/* Parts the area that contains the address there. */
static bool split(struct look_areas *areas, uint64_t at)
{
    size_t low = find(areas, at);
    if (low == areas->items.count || areas->items.items[low].start >= at)
        return true;
    if (!prof_vec_reserve(&areas->items, 1))
        return false;
    struct look_area *area = &areas->items.items[low];
    memmove(area + 1, area, (areas->items.count - low) * sizeof *area);
    areas->items.count++;
    area[0].end = area[1].start = at;
    return true;
}

bool look_areas_paint(struct look_areas *areas, uint64_t start, uint64_t end, enum trk_area_kind kind, uint32_t tid,
                      int blocks)
{
    /* Words stand at multiples of 8. */
    start = (start + 7) & ~(uint64_t)7;
    end &= ~(uint64_t)7;
    if (start >= end)
        return true;
    if (!split(areas, start) || !split(areas, end))
        return false;
    for (size_t i = find(areas, start); i < areas->items.count && areas->items.items[i].start < end; i++) {
        struct look_area *area = &areas->items.items[i];
        area->kind = kind;
        area->tid = tid;
        if (blocks >= 0)
            area->blocks = blocks != 0;
    }
    return true;
}

/* ---- Mappings ---- */

static bool is_device(const char *name)
{
    return strncmp(name, "/dev/", 5) == 0 && strncmp(name, "/dev/shm/", 9) != 0 && strncmp(name, "/dev/zero", 9) != 0 &&
           strncmp(name, "/dev/hugepages/", 15) != 0;
}

static enum trk_area_kind kind_of(const struct look_maps *maps, const struct look_map *map)
{
    const char *name = look_map_name(maps, map);
    if (look_map_ours(maps, map) || is_device(name) || strncmp(name, "[v", 2) == 0 || strcmp(name, "[uprobes]") == 0)
        return 0;
    /* What a program may not read at the moment holds what it held: a guarded arena, a page that counts accesses. */
    if (!map->read)
        return !map->shared && !map->exec && look_map_anonymous(maps, map) ? TRK_AREA_ANON : 0;
    if (strcmp(name, "[stack]") == 0)
        return TRK_AREA_STACK;
    if (look_map_anonymous(maps, map)) /* a program may make its own memory read-only */
        return TRK_AREA_ANON;
    /* Read-only data of files is listed when their headers say that it was writable once. */
    return map->write ? TRK_AREA_MAPPED : 0;
}

static bool add_maps(const struct look_maps *maps, uint32_t pid, struct look_areas *areas)
{
    for (size_t i = 0; i < maps->items.count; i++) {
        const struct look_map *map = &maps->items.items[i];
        struct look_area area = { .start = map->start, .end = map->end, .kind = kind_of(maps, map) };
        area.blocks = area.kind == TRK_AREA_ANON;
        area.tid = area.kind == TRK_AREA_STACK ? pid : 0;
        bool listed = area.kind != 0 || (map->read && !map->shared && map->ino != 0);
        if (listed && !prof_vec_push(&areas->items, area))
            return false;
    }
    return true;
}

/* ---- Threads ---- */

static bool paint_stack(struct look_areas *areas, uint64_t start, uint64_t end, uint32_t tid)
{
    return look_areas_paint(areas, start, end, TRK_AREA_STACK, tid, 0);
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value > least ? value : least;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

struct painter {
    struct look_areas *areas;
    const struct look_maps *maps;
    uint64_t tls; /* bytes of thread-local variables */
    pid_t pid;
};

/* Where the thread's block and its variables begin and end, inside the mapping that holds its thread pointer. */
static struct look_range tls_range(const struct painter *p, const struct look_map *map, uint64_t tp)
{
    uint64_t below = TLS_ABOVE ? THREAD_BYTES : p->tls, above = TLS_ABOVE ? p->tls + 16 : THREAD_BYTES;
    return (struct look_range){ at_least(tp > below ? tp - below : 0, map->start), at_most(tp + above, map->end) };
}

/* The thread's block; its stack, too, when the stack pointer is somewhere else: a handler on a stack of its own, a
 * coroutine. What it was doing before is then all in use. */
static bool paint_tls(const struct painter *p, const struct look_map *map, const struct look_thread *thread,
                      uint64_t sp)
{
    struct look_range tls = tls_range(p, map, thread->tp);
    if (sp >= map->start && sp < thread->tp && tls.start < sp)
        tls.start = at_most(sp + sizeof(uint64_t), thread->tp);
    bool heap = strcmp(look_map_name(p->maps, map), "[heap]") == 0;
    bool elsewhere = sp < map->start || sp >= map->end;
    if (elsewhere && thread->tid != p->pid && look_map_guarded(p->maps, map) &&
        !paint_stack(p->areas, map->start, tls.start, (uint32_t)thread->tid))
        return false;
    /* The loader made the first thread's block, and more of its own beside it. */
    if (elsewhere && thread->tid == p->pid && !heap && look_map_anonymous(p->maps, map))
        return look_areas_paint(p->areas, map->start, map->end, TRK_AREA_TLS, (uint32_t)thread->tid, 1);
    return look_areas_paint(p->areas, tls.start, tls.end, TRK_AREA_TLS, (uint32_t)thread->tid, heap ? 1 : 0);
}

/* below: how much under the stack pointer it may use. */
static bool paint_thread(const struct painter *p, const struct look_thread *thread, uint64_t sp, uint64_t below)
{
    uint32_t tid = (uint32_t)thread->tid;
    const struct look_map *stack = look_maps_find(p->maps, sp);
    const struct look_map *block = thread->tp != 0 ? look_maps_find(p->maps, thread->tp) : NULL;
    bool first = stack != NULL && strcmp(look_map_name(p->maps, stack), "[stack]") == 0;
    bool guarded = stack != NULL && look_map_guarded(p->maps, stack);
    bool both = stack != NULL && block == stack && sp < thread->tp;
    /* A coroutine's stack in a block of malloc is found through the stack pointer in the registers. */
    if (first || guarded || both) {
        uint64_t from = at_least(sp - below, stack->start);
        uint64_t end = both ? tls_range(p, stack, thread->tp).start : stack->end;
        if (((first || guarded) && !look_areas_paint(p->areas, stack->start, from, 0, 0, 0)) ||
            !paint_stack(p->areas, from, at_least(end, from), tid))
            return false;
    }
    return block == NULL || block->shared || paint_tls(p, block, thread, sp);
}

/* Where nobody knows the stack pointer, whatever looks like a stack is one. */
static bool paint_unknown(const struct painter *p)
{
    for (size_t i = 0; i < p->maps->items.count; i++) {
        const struct look_map *map = &p->maps->items.items[i];
        if (map->read && map->write && look_map_anonymous(p->maps, map) && look_map_guarded(p->maps, map) &&
            !look_areas_paint(p->areas, map->start, map->end, TRK_AREA_STACK, 0, 1))
            return false;
    }
    return true;
}

static bool paint_threads(const struct painter *p, const struct look_threads *threads, const struct look_waiter *waiter)
{
    size_t unread = 0;
    bool asked = false, ok = true;
    for (size_t i = 0; i < threads->items.count; i++) {
        const struct look_thread *thread = &threads->items.items[i];
        asked |= waiter->tp != 0 && thread->tp == waiter->tp;
        unread += thread->register_count == 0;
    }
    bool alone = threads->items.count == 1;
    if (waiter->tp != 0 && !asked && unread > 0)
        unread--; /* it is one of them, and stands in its call */
    p->areas->threads_unread = (uint32_t)unread;
    if (unread > 0 && !alone)
        ok = paint_unknown(p);
    for (size_t i = 0; i < threads->items.count && ok; i++) {
        const struct look_thread *thread = &threads->items.items[i];
        bool waits = waiter->tp != 0 && thread->tp == waiter->tp;
        uint64_t sp = waits ? waiter->sp : thread->sp;
        if (sp != 0)
            ok = paint_thread(p, thread, sp, waits ? 0 : LOOK_RED_ZONE); /* whoever waits is in a call */
    }
    struct look_thread caller = { .tid = (pid_t)waiter->tid, .tp = waiter->tp };
    if (waiter->tp != 0 && !asked && ok)
        ok = paint_thread(p, &caller, waiter->sp, 0);
    return ok;
}

/* ---- What is libtrack's ---- */

static bool paint_own(const struct proc *proc, struct look_areas *areas)
{
    const struct trk_shm_own *own = look_own(proc);
    /* Partner: libtrack, behind the element. */
    uint32_t count = __atomic_load_n(&own->count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < TRK_OWN_MAX; i++) {
        uint64_t start = __atomic_load_n(&own->at[i].start, __ATOMIC_RELAXED);
        uint64_t bytes = __atomic_load_n(&own->at[i].bytes, __ATOMIC_RELAXED);
        bool blocks = (bytes & 7) == TRK_OWN_BLOCKS;
        bytes &= ~(uint64_t)7;
        if (bytes < UINT64_MAX - start &&
            !look_areas_paint(areas, start, start + bytes, blocks ? TRK_AREA_ANON : 0, 0, blocks))
            return false;
    }
    return true;
}

/* Neighbours of one kind become one. */
static void join(struct look_areas *areas)
{
    size_t kept = 0;
    for (size_t i = 0; i < areas->items.count; i++) {
        struct look_area area = areas->items.items[i];
        struct look_area *last = kept > 0 ? &areas->items.items[kept - 1] : NULL;
        if (area.kind == 0)
            continue;
        if (last != NULL && last->end == area.start && last->kind == area.kind && last->tid == area.tid &&
            last->blocks == area.blocks)
            last->end = area.end;
        else
            areas->items.items[kept++] = area;
    }
    areas->items.count = kept;
}

bool look_areas_make(struct look_reader *reader, const struct look_maps *maps, const struct look_threads *threads,
                     const struct look_waiter *waiter, struct look_areas *ret)
{
    struct look_areas areas = { 0 };
    struct painter painter = { .areas = &areas, .maps = maps, .pid = reader->proc->pid };
    bool ok = add_maps(maps, (uint32_t)reader->proc->pid, &areas) &&
              look_modules_paint(reader, maps, &areas, &painter.tls) && paint_threads(&painter, threads, waiter) &&
              look_glibc_paint(reader, maps, &areas) && paint_own(reader->proc, &areas);
    if (!ok) {
        look_areas_deinit(&areas);
        return false;
    }
    join(&areas);
    *ret = areas;
    return true;
}

void look_areas_deinit(struct look_areas *areas)
{
    prof_vec_deinit(&areas->items);
}
