/* arena.c: the shared memory of one program image: sized, laid out, sealed, and given back ring by ring.
 *
 * All geometry is kept in private copies; what the target writes into the header later is never used to compute an
 * address. The memory is sparse: only pages that are touched cost anything, and rings of dead processes are punched
 * out. */
#include "hooks.h"
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, RING_BYTES_MIN = 4096, LOOK_WINDOW = 256 << 10 };
#define BUDGET_DEFAULT ((uint64_t)64 << 20)

/* Ring sizes at the default budget; each class gets `share` 64ths of the budget. A few large rings for busy threads,
 * many small ones so that every thread finds one. */
static const struct ring_class {
    uint64_t bytes;
    uint32_t count, share;
} classes[] = {
    { 8 << 20, 2, 16 }, { 2 << 20, 4, 8 }, { 512 << 10, 16, 8 }, { 128 << 10, 64, 8 }, { 32 << 10, 256, 8 },
};
/* In flight mode the ring that is written over first decides how far back the recording reaches. The first threads,
 * mostly the busiest, still get the largest rings; but no ring is so small that a late busy thread shortens the time of
 * all to nothing, and for that there are fewer. */
static const struct ring_class flight_classes[] = {
    { 8 << 20, 2, 16 }, { 2 << 20, 8, 16 }, { 512 << 10, 16, 8 }, { 128 << 10, 64, 8 }, { 0, 0, 0 },
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0], TABLE_SHARE = 16 };

static const struct ring_class *classes_of(const struct arena_shape *shape)
{
    return shape->on_full == TRK_FULL_FLIGHT ? flight_classes : classes;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static uint64_t power_below(uint64_t value)
{
    uint64_t power = 1;
    while (power * 2 <= value)
        power *= 2;
    return power;
}

static uint32_t log2_of(uint64_t power)
{
    return (uint32_t)__builtin_ctzll(power);
}

/* Ring bytes and count of one class under a budget. */
static void class_shape(const struct ring_class *class, uint64_t budget, uint64_t *ret_bytes, uint32_t *ret_count)
{
    uint64_t bytes = power_below(class->bytes * (budget >> 16) / (BUDGET_DEFAULT >> 16));
    if (bytes < RING_BYTES_MIN)
        bytes = RING_BYTES_MIN;
    if (class->count == 0) {
        *ret_bytes = *ret_count = 0;
        return;
    }
    uint64_t count = budget / 64 * class->share / bytes;
    if (count > class->count)
        count = class->count;
    *ret_bytes = bytes;
    *ret_count = (uint32_t)count;
}

struct layout {
    uint64_t at;
};

static uint64_t place(struct layout *layout, uint64_t bytes)
{
    uint64_t off = layout->at;
    layout->at = round_up(off + bytes, PAGE);
    return off;
}

/* Fills header with sizes and offsets; returns the size of the whole arena. */
static uint64_t lay_out(struct trk_shm_header *h, const struct arena_shape *shape, uint64_t budget)
{
    const struct ring_class *class = classes_of(shape);
    struct layout layout = { 0 };
    place(&layout, sizeof *h);
    h->procs_off = place(&layout, sizeof(struct trk_shm_proc) * TRK_PROC_MAX);
    h->ring_count = 0;
    for (int i = 0; i < CLASS_COUNT; i++) {
        uint64_t bytes;
        uint32_t count;
        class_shape(&class[i], budget, &bytes, &count);
        h->ring_count += count;
        h->data_bytes += bytes * count;
    }
    h->rings_off = place(&layout, sizeof(struct trk_shm_ring) * h->ring_count);
    h->types_off = place(&layout, sizeof(uint32_t) * TRK_TYPE_MAX);
    /* The tables' share: hashes for stacks of ten frames and texts of 64 bytes, at most half full. */
    uint64_t tables = budget / 64 * TABLE_SHARE;
    h->depot_hash_count = power_below(tables / 64);
    h->text_hash_count = power_below(tables / 1024);
    h->depot_hash_off = place(&layout, sizeof(uint32_t) * h->depot_hash_count);
    h->text_hash_off = place(&layout, sizeof(uint32_t) * h->text_hash_count);
    uint64_t used = layout.at;
    uint64_t rest = tables > used ? tables - used : 0;
    h->text_bytes = round_up(rest / 4, PAGE);
    if (h->text_bytes < TRK_TEXT_MAX / 8)
        h->text_bytes = TRK_TEXT_MAX / 8; /* room for one module map at least */
    h->depot_bytes = round_up(rest - rest / 4, PAGE);
    if (h->depot_bytes < 64 * PAGE)
        h->depot_bytes = 64 * PAGE;
    uint64_t depot_max = (uint64_t)TRK_STACK_UNIT << TRK_STACK_ID_BITS;
    if (h->depot_bytes > depot_max)
        h->depot_bytes = depot_max;
    h->depot_off = place(&layout, h->depot_bytes);
    h->text_off = place(&layout, h->text_bytes);
    h->own_off = place(&layout, sizeof(struct trk_shm_own) * TRK_PROC_MAX);   /* pages that are touched cost */
    h->list_off = place(&layout, sizeof(struct trk_shm_list) * TRK_PROC_MAX); /* the same */
    if (shape->hooks != NULL)
        h->hooks_off = place(&layout, rec_hooks_bytes((uint32_t)h->ring_count)); /* the same */
    h->look_bytes = LOOK_WINDOW;
    h->look_off = place(&layout, h->look_bytes);
    h->data_off = place(&layout, h->data_bytes);
    return layout.at;
}

static void lay_out_rings(struct arena *arena, const struct ring_class *class, uint64_t budget)
{
    uint64_t at = arena->h->data_off;
    uint32_t n = 0;
    for (int i = 0; i < CLASS_COUNT; i++) {
        uint64_t bytes;
        uint32_t count;
        class_shape(&class[i], budget, &bytes, &count);
        for (uint32_t k = 0; k < count; k++, n++, at += bytes) {
            arena->shm_rings[n].data_off = arena->rings[n].data_off = at;
            arena->shm_rings[n].log2_slots = arena->rings[n].log2_slots = log2_of(bytes / TRK_SLOT_BYTES);
            arena->rings[n].proc = -1;
        }
    }
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t rec_now_us(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000;
}

uint64_t rec_arena_us(const struct arena *arena)
{
    return (clock_ns(CLOCK_MONOTONIC) - arena->epoch_ns) / 1000;
}

void rec_arena_read_cycles(struct arena *arena)
{
    if (arena->cycles == NULL)
        return;
    struct cycles_point now = cycles_now();
    cycles_add(arena->cycles, now.cycles, now.ns > arena->epoch_ns ? now.ns - arena->epoch_ns : 0);
}

void rec_arena_steer(struct arena *arena)
{
    if (arena->cycles == NULL)
        return;
    rec_arena_read_cycles(arena);
    struct cycles_point last = cycles_last(arena->cycles);
    uint64_t n = arena->steered++;
    arena->h->steer[n & 1] = (struct trk_shm_steer){ last.cycles, last.ns };
    __atomic_store_n(&arena->h->steered, n + 1, __ATOMIC_RELEASE); /* partner: rec_adopt */
}

static struct prof_error *map_arena(struct arena *arena)
{
    /* Executable mappings of it are never needed; old kernels do not know how to say so. */
    arena->memfd = memfd_create("reftrack", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (arena->memfd < 0)
        return prof_error_os(errno, "create", "shared memory", "allow memfd_create in this sandbox");
    if (ftruncate(arena->memfd, (off_t)arena->bytes) != 0)
        return prof_error_os(errno, "size", "shared memory", "try a smaller --budget");
    if (fcntl(arena->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return prof_error_os(errno, "seal", "shared memory", NULL);
    struct stat st;
    if (fstat(arena->memfd, &st) != 0)
        return prof_error_os(errno, "examine", "shared memory", NULL);
    arena->ino = st.st_ino;
    arena->dev = st.st_dev;
    void *base = mmap(NULL, arena->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, arena->memfd, 0);
    if (base == MAP_FAILED)
        return prof_error_os(errno, "map", "shared memory", "try a smaller --budget");
    arena->base = base;
    return NULL;
}

/* The rest of the header's filter is zero. */
static void fill_filter(const struct arena *arena)
{
    const struct arena_shape *shape = &arena->shape;
    const char *const keys[] = { "types", "modules", "objects" };
    const char *const values[] = { shape->types, shape->modules, shape->objects };
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        char pair[TRK_FILTER_MAX / 3];
        int n = values[i] != NULL ? snprintf(pair, sizeof pair, "%s=%s", keys[i], values[i]) : 0;
        if (n <= 0 || (size_t)n >= sizeof pair)
            continue;
        memcpy(arena->h->filter + at, pair, (size_t)n + 1);
        at += (size_t)n + 1;
    }
}

struct prof_error *rec_arena_create(const struct arena_shape *shape, struct arena **ret)
{
    uint64_t budget = shape->budget != 0 ? shape->budget : BUDGET_DEFAULT;
    if (budget < REC_BUDGET_LEAST)
        budget = REC_BUDGET_LEAST;
    if (budget > REC_BUDGET_MOST)
        budget = REC_BUDGET_MOST;
    struct trk_shm_header header = {
        .magic = TRK_SHM_MAGIC,
        .abi = TRK_SHM_ABI,
        .header_bytes = sizeof header,
        .flags = shape->flags,
        .on_full = shape->on_full,
        .block_ms = shape->block_ms,
        .machine = shape->machine,
        .depth_birth = shape->depth_birth,
        .depth_ref = shape->depth_ref,
        .depth_free = shape->depth_free,
        .recorder_state = TRK_REC_RUNNING,
        .recorder_pid = (uint32_t)getpid(),
        .depot_used = TRK_STACK_UNIT,
        .text_used = TRK_TEXT_UNIT,
    };
    header.bytes = lay_out(&header, shape, budget);
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        return prof_error_memory();
    arena->memfd = arena->image_pidfd = arena->image_maps_fd = -1;
    arena->bytes = header.bytes;
    arena->shape = *shape;
    arena->ring_count = (uint32_t)header.ring_count;
    arena->depot_off = header.depot_off;
    arena->depot_bytes = header.depot_bytes;
    arena->text_off = header.text_off;
    arena->text_bytes = header.text_bytes;
    arena->look_off = header.look_off;
    arena->look_bytes = header.look_bytes;
    arena->own_off = header.own_off;
    arena->list_off = header.list_off;
    arena->hooks_off = header.hooks_off;
    arena->rings = calloc(arena->ring_count, sizeof *arena->rings);
    bool exact = shape->flags & (TRK_SHM_EXACT_TIME | TRK_SHM_EXACT_HOOKED);
    if (exact)
        arena->cycles = cycles_create();
    struct prof_error *error =
        arena->rings == NULL || (exact && arena->cycles == NULL) ? prof_error_memory() : map_arena(arena);
    if (error != NULL) {
        rec_arena_destroy(arena);
        return error;
    }
    arena->epoch_ns = header.epoch_ns = clock_ns(CLOCK_MONOTONIC);
    if (exact) {
        struct cycles_point now = cycles_now();
        arena->epoch_ns = header.epoch_ns = now.ns;
        header.epoch_cycles = now.cycles;
        cycles_add(arena->cycles, now.cycles, 0);
    }
    arena->realtime_ns = clock_ns(CLOCK_REALTIME);
    arena->h = (struct trk_shm_header *)(void *)arena->base;
    arena->procs = (struct trk_shm_proc *)(void *)(arena->base + header.procs_off);
    arena->shm_rings = (struct trk_shm_ring *)(void *)(arena->base + header.rings_off);
    arena->types = (uint32_t *)(void *)(arena->base + header.types_off);
    *arena->h = header; /* NOLINT(clang-analyzer-core.NullDereference): errors are never NULL, so base is mapped */
    fill_filter(arena);
    if (shape->hooks != NULL)
        rec_hooks_fill(arena, shape->hooks);
    lay_out_rings(arena, classes_of(shape), budget);
    *ret = arena;
    return NULL;
}

void rec_arena_destroy(struct arena *arena)
{
    if (arena->rings != NULL)
        for (uint32_t i = 0; i < arena->ring_count; i++)
            prof_vec_deinit(&arena->rings[i].pending);
    free(arena->rings);
    free(arena->cycles);
    if (arena->base != NULL)
        munmap(arena->base, arena->bytes);
    if (arena->memfd >= 0)
        close(arena->memfd);
    if (arena->image_pidfd >= 0)
        close(arena->image_pidfd);
    if (arena->image_maps_fd >= 0)
        close(arena->image_maps_fd);
    prof_vec_deinit(&arena->forked);
    for (size_t i = 0; i < arena->facts.count; i++)
        free(arena->facts.items[i]);
    prof_vec_deinit(&arena->facts);
    free(arena->program);
    free(arena);
}

void rec_arena_empty(struct arena *arena)
{
    uint64_t keep = round_up(sizeof *arena->h, PAGE);
    if (arena->bytes > keep)
        (void)madvise(arena->base + keep, arena->bytes - keep, MADV_REMOVE);
}

void rec_ring_give_back(struct arena *arena, uint32_t index)
{
    struct ring *ring = &arena->rings[index];
    struct trk_shm_ring *shm = &arena->shm_rings[index];
    uint64_t bytes = (uint64_t)TRK_SLOT_BYTES << ring->log2_slots;
    /* In the first lap nothing behind tail was ever valid. */
    if (ring->tail < bytes / TRK_SLOT_BYTES)
        bytes = round_up(ring->tail * TRK_SLOT_BYTES, PAGE);
    if (bytes > 0 && madvise(arena->base + ring->data_off, bytes, MADV_REMOVE) != 0)
        memset(arena->base + ring->data_off, 0, bytes);
    rec_hooks_ring_back(arena, index);
    shm->proc = shm->tid = shm->waiting = 0;
    shm->head = shm->dropped = shm->filtered = shm->holes = 0;
    shm->flight = shm->extras_high = shm->reached = 0;
    shm->tail_futex = 0;
    __atomic_store_n(&shm->tail, 0, __ATOMIC_RELAXED);
    ring->proc = -1;
    ring->tail = ring->published = ring->taken = 0;
    ring->stuck_us = ring->now_us = ring->holes = 0;
    ring->tid = 0;
    ring->skipping = false;
    ring->ext = 0;
    ring->pending.count = 0;
    ring->pending_records = 0;
    /* Partner: the compare-exchange of a thread that claims it. */
    __atomic_store_n(&shm->state, TRK_RING_FREE, __ATOMIC_RELEASE);
}

void rec_proc_give_back(struct arena *arena, int index)
{
    struct trk_shm_proc *shm = &arena->procs[index];
    rec_hooks_proc_back(arena, index);
    memset((unsigned char *)shm + sizeof shm->state, 0, sizeof *shm - sizeof shm->state);
    /* Partner: the compare-exchange of a forked child that claims it. */
    __atomic_store_n(&shm->state, TRK_PROC_FREE, __ATOMIC_RELEASE);
}

const char *rec_arena_text(const struct arena *arena, uint64_t id, unsigned kind, uint32_t *ret_length)
{
    if (id == 0 || id >= arena->text_bytes / TRK_TEXT_UNIT)
        return NULL;
    uint64_t off = id * TRK_TEXT_UNIT;
    const struct trk_shm_text *text = (const void *)(arena->base + arena->text_off + off);
    /* Partner: the release store that publishes the text. */
    uint64_t head = __atomic_load_n(&text->head, __ATOMIC_ACQUIRE);
    uint64_t length = head & TRK_TEXT_LEN_MASK;
    if (((head >> TRK_TEXT_KIND_SHIFT) & 0xff) != kind || length > TRK_TEXT_MAX ||
        length > arena->text_bytes - off - sizeof text->head)
        return NULL;
    *ret_length = (uint32_t)length;
    return text->bytes;
}
