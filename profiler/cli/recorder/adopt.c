/* adopt.c: the memory of a recorder that died, as its program still has it mapped.
 *
 * It is copied into private memory of the same layout: rings first, then the definitions that their records cite. What
 * is copied is as hostile as what a live target writes, and so is the header here, which a recorder otherwise fills. */
#include "hooks.h"
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { RING_LOG2_MIN = 6, RING_LOG2_MAX = 30, HEART_US = 150000 };
#define ARENA_MAX ((uint64_t)8 << 30)

/* A mapping of another process that can be read. */
struct foreign {
    pid_t pid;
    uint64_t start, bytes;
    int file; /* the mapped file itself, which holes cost nothing to read; -1 */
    int mem;  /* /proc/PID/mem, -1 */
};

static bool read_foreign(const struct foreign *f, void *to, uint64_t size, uint64_t off)
{
    unsigned char *at = to;
    while (size > 0) {
        struct iovec mine = { at, size }, theirs = { (void *)(uintptr_t)(f->start + off), size };
        ssize_t n = f->file >= 0  ? pread(f->file, at, size, (off_t)off)
                    : f->mem >= 0 ? pread(f->mem, at, size, (off_t)(f->start + off))
                                  : process_vm_readv(f->pid, &mine, 1, &theirs, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        off += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return true;
}

static void close_foreign(struct foreign *f)
{
    if (f->file >= 0)
        close(f->file);
    if (f->mem >= 0)
        close(f->mem);
    f->file = f->mem = -1;
}

/* The last mapping of an arena: a process that was woken again has the newest one behind. */
static bool find_mapping(pid_t pid, struct foreign *ret)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        uint64_t start, end, offset;
        if (strstr(line, "/memfd:reftrack") == NULL ||
            sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) != 3 || offset != 0 ||
            end <= start)
            continue;
        *ret = (struct foreign){ pid, start, end - start, -1, -1 };
        found = true;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static void open_foreign(struct foreign *f)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)f->pid, f->start, f->start + f->bytes);
    f->file = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)f->pid);
    if (f->file < 0)
        f->mem = open(path, O_RDONLY | O_CLOEXEC);
}

static bool fits(uint64_t off, uint64_t count, uint64_t unit, uint64_t bytes, uint64_t align)
{
    return off % align == 0 && off >= sizeof(struct trk_shm_header) && off <= bytes && count <= (bytes - off) / unit;
}

static bool header_is_good(const struct trk_shm_header *h, uint64_t bytes)
{
    return h->magic == TRK_SHM_MAGIC && h->abi == TRK_SHM_ABI && h->header_bytes == sizeof *h && h->bytes <= bytes &&
           h->bytes <= ARENA_MAX && h->on_full <= TRK_FULL_FLIGHT && h->ring_count > 0 &&
           h->ring_count <= TRK_RING_MAX && h->depot_bytes >= 64 && h->text_bytes >= 64 &&
           h->depot_bytes <= (uint64_t)TRK_STACK_UNIT << TRK_STACK_ID_BITS && h->text_bytes <= UINT32_MAX &&
           fits(h->procs_off, TRK_PROC_MAX, sizeof(struct trk_shm_proc), h->bytes, 8) &&
           fits(h->rings_off, h->ring_count, sizeof(struct trk_shm_ring), h->bytes, 64) &&
           fits(h->types_off, TRK_TYPE_MAX, sizeof(uint32_t), h->bytes, 4) &&
           fits(h->depot_off, h->depot_bytes, 1, h->bytes, 8) && fits(h->text_off, h->text_bytes, 1, h->bytes, 8) &&
           fits(h->data_off, h->data_bytes, 1, h->bytes, 16) &&
           (h->hooks_off == 0 || fits(h->hooks_off, 1, rec_hooks_bytes((uint32_t)h->ring_count), h->bytes, 8));
}

static bool ring_is_good(const struct trk_shm_header *h, const struct trk_shm_ring *ring)
{
    uint64_t bytes = (uint64_t)TRK_SLOT_BYTES << (ring->log2_slots & 63);
    return ring->log2_slots >= RING_LOG2_MIN && ring->log2_slots <= RING_LOG2_MAX && ring->data_off >= h->data_off &&
           bytes <= h->data_bytes && ring->data_off - h->data_off <= h->data_bytes - bytes &&
           ring->data_off % TRK_SLOT_BYTES == 0;
}

/* Headers of the rings, then the slots of those in use. */
static bool copy_rings(const struct foreign *f, const struct trk_shm_header *h, unsigned char *base)
{
    struct trk_shm_ring *rings = (struct trk_shm_ring *)(void *)(base + h->rings_off);
    if (!read_foreign(f, rings, sizeof *rings * h->ring_count, h->rings_off))
        return false;
    for (uint64_t i = 0; i < h->ring_count; i++) {
        if (!ring_is_good(h, &rings[i]))
            rings[i].state = TRK_RING_FREE;
        if (rings[i].state == TRK_RING_OWNED &&
            !read_foreign(f, base + rings[i].data_off, (uint64_t)TRK_SLOT_BYTES << rings[i].log2_slots,
                          rings[i].data_off))
            return false;
    }
    return true;
}

/* Once more for flight recordings, slots before headers: what the headers tell then is not behind what the slots are.
 */
static bool copy_again(const struct foreign *f, const struct trk_shm_header *h, const unsigned char *base,
                       unsigned char *again)
{
    const struct trk_shm_ring *rings = (const struct trk_shm_ring *)(const void *)(base + h->rings_off);
    for (uint64_t i = 0; i < h->ring_count; i++)
        if (rings[i].state == TRK_RING_OWNED &&
            !read_foreign(f, again + rings[i].data_off, (uint64_t)TRK_SLOT_BYTES << rings[i].log2_slots,
                          rings[i].data_off))
            return false;
    return read_foreign(f, again + h->rings_off, sizeof *rings * h->ring_count, h->rings_off);
}

/* Rules and what became of them, and the counters of those who may have called: the others are untouched pages. */
static bool copy_hooks(const struct foreign *f, const struct trk_shm_header *h, unsigned char *base)
{
    struct trk_shm_hooks *hooks = (struct trk_shm_hooks *)(void *)(base + h->hooks_off);
    const struct trk_shm_ring *rings = (const struct trk_shm_ring *)(void *)(base + h->rings_off);
    const struct trk_shm_proc *procs = (const struct trk_shm_proc *)(void *)(base + h->procs_off);
    bool good = h->hooks_off == 0 || read_foreign(f, hooks, offsetof(struct trk_shm_hooks, unringed), h->hooks_off);

    for (uint64_t i = 0; good && h->hooks_off != 0 && i < TRK_PROC_MAX; i++) {
        if (procs[i].state == TRK_PROC_LIVE)
            good =
                read_foreign(f, hooks->unringed[i], sizeof hooks->unringed[i],
                             h->hooks_off + offsetof(struct trk_shm_hooks, unringed) + i * sizeof hooks->unringed[0]);
    }
    for (uint64_t i = 0; good && h->hooks_off != 0 && i < h->ring_count; i++) {
        if (rings[i].state == TRK_RING_OWNED)
            good = read_foreign(f, hooks->calls[i], sizeof hooks->calls[i],
                                h->hooks_off + sizeof(struct trk_shm_hooks) + i * sizeof hooks->calls[0]);
    }
    return good;
}

static bool copy_rest(const struct foreign *f, const struct trk_shm_header *h, unsigned char *base)
{
    struct trk_shm_header now;
    if (!read_foreign(f, &now, sizeof now, 0) ||
        !read_foreign(f, base + h->procs_off, sizeof(struct trk_shm_proc) * TRK_PROC_MAX, h->procs_off) ||
        !read_foreign(f, base + h->types_off, sizeof(uint32_t) * TRK_TYPE_MAX, h->types_off))
        return false;
    uint64_t depot = now.depot_used < h->depot_bytes ? now.depot_used : h->depot_bytes;
    uint64_t text = now.text_used < h->text_bytes ? now.text_used : h->text_bytes;
    struct trk_shm_header *copy = (struct trk_shm_header *)(void *)base;
    *copy = *h;
    copy->depot_full = now.depot_full;
    copy->text_full = now.text_full;
    copy->module_gen = now.module_gen;
    copy->tick_us = now.tick_us;
    return read_foreign(f, base + h->depot_off, depot, h->depot_off) &&
           read_foreign(f, base + h->text_off, text, h->text_off) && copy_hooks(f, h, base);
}

static unsigned char *private_memory(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

static struct prof_error *check_recorder(const struct foreign *f, const struct trk_shm_header *before)
{
    struct trk_shm_header now;
    usleep(HEART_US);
    if (!read_foreign(f, &now, sizeof now, 0) || now.heartbeat == before->heartbeat)
        return NULL;
    return prof_error_create(
        PROF_ERROR_ARGUMENT,
        "process %d is being recorded by process %u: there is nothing to recover; 'reftrack report "
        "--pid %d' reads its trace",
        (int)f->pid, before->recorder_pid, (int)f->pid);
}

/* What the dead recorder knew of the cycle counter; what came after that is told by a reading of now. Numbers that make
 * no sense lead to times that make none, not to harm. */
static void adopt_cycles(struct arena *arena, const struct trk_shm_header *h)
{
    struct cycles_point now = cycles_now();
    uint64_t now_ns = now.ns > h->epoch_ns ? now.ns - h->epoch_ns : 0;
    arena->cycles = cycles_unusable() == NULL ? cycles_create() : NULL;
    if (arena->cycles == NULL)
        return;
    cycles_add(arena->cycles, h->epoch_cycles, 0);
    const struct trk_shm_steer *last = &h->steer[(h->steered - 1) & 1];
    if (h->steered > 0 && last->ns < now_ns && last->cycles < now.cycles)
        cycles_add(arena->cycles, last->cycles, last->ns);
    cycles_add(arena->cycles, now.cycles, now_ns);
}

static struct arena *make_arena(const struct trk_shm_header *h, unsigned char *base, unsigned char *again)
{
    struct arena *arena = calloc(1, sizeof *arena);
    struct timespec mono, real;
    if (arena == NULL || (arena->rings = calloc(h->ring_count, sizeof *arena->rings)) == NULL) {
        free(arena);
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &real);
    arena->base = base;
    arena->again = again;
    arena->bytes = h->bytes;
    arena->memfd = arena->image_pidfd = arena->image_maps_fd = -1;
    arena->h = (struct trk_shm_header *)(void *)base;
    arena->procs = (struct trk_shm_proc *)(void *)(base + h->procs_off);
    arena->shm_rings = (struct trk_shm_ring *)(void *)(base + h->rings_off);
    arena->types = (uint32_t *)(void *)(base + h->types_off);
    arena->depot_off = h->depot_off;
    arena->depot_bytes = h->depot_bytes;
    arena->text_off = h->text_off;
    arena->text_bytes = h->text_bytes;
    arena->hooks_off = h->hooks_off;
    arena->epoch_ns = h->epoch_ns;
    arena->realtime_ns = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec -
                         ((uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec - h->epoch_ns);
    arena->ring_count = (uint32_t)h->ring_count;
    arena->shape = (struct arena_shape){ .flags = h->flags,
                                         .on_full = h->on_full,
                                         .block_ms = h->block_ms,
                                         .machine = h->machine,
                                         .depth_birth = h->depth_birth,
                                         .depth_ref = h->depth_ref,
                                         .depth_free = h->depth_free };
    if (h->flags & (TRK_SHM_EXACT_TIME | TRK_SHM_EXACT_HOOKED))
        adopt_cycles(arena, h);
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        arena->rings[i].proc = -1;
        if (arena->shm_rings[i].state != TRK_RING_OWNED)
            continue;
        arena->rings[i].data_off = arena->shm_rings[i].data_off;
        arena->rings[i].log2_slots = arena->shm_rings[i].log2_slots;
    }
    return arena;
}

struct prof_error *rec_adopt(pid_t pid, struct arena **ret)
{
    struct foreign f;
    struct trk_shm_header h;
    if (!find_mapping(pid, &f)) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return prof_error_create(PROF_ERROR_NOT_FOUND, "there is no process %d (any more)", (int)pid);
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "process %d has no memory of a recorder, or is not yours to look into", (int)pid);
    }
    open_foreign(&f);
    struct prof_error *error = NULL;
    if (!read_foreign(&f, &h, sizeof h, 0)) {
        char what[64];
        snprintf(what, sizeof what, "process %d", (int)pid);
        error = prof_error_os(errno, "read the memory of", what,
                              "run this as root, or as its user where ptrace is allowed");
    } else if (!header_is_good(&h, f.bytes)) {
        error = prof_error_create(
            PROF_ERROR_FORMAT, "the recording in process %d is damaged, or of another version of reftrack", (int)pid);
    } else {
        error = check_recorder(&f, &h);
    }
    unsigned char *base = NULL, *again = NULL;
    struct arena *arena = NULL;
    if (error == NULL) {
        bool flight = h.on_full == TRK_FULL_FLIGHT;
        base = private_memory(h.bytes);
        again = flight ? private_memory(h.bytes) : NULL;
        if (base == NULL || (flight && again == NULL))
            error = prof_error_memory();
        else if (!copy_rings(&f, &h, base) || (flight && !copy_again(&f, &h, base, again)) || !copy_rest(&f, &h, base))
            error = prof_error_create(PROF_ERROR_NOT_FOUND, "process %d ended while it was looked at", (int)pid);
        else if ((arena = make_arena(&h, base, again)) == NULL)
            error = prof_error_memory();
    }
    close_foreign(&f);
    if (error != NULL) {
        if (base != NULL)
            munmap(base, h.bytes);
        if (again != NULL)
            munmap(again, h.bytes);
        return error;
    }
    *ret = arena;
    return NULL;
}

void rec_adopt_destroy(struct arena *arena)
{
    if (arena->again != NULL)
        munmap((void *)(uintptr_t)arena->again, arena->bytes);
    rec_arena_destroy(arena);
}
