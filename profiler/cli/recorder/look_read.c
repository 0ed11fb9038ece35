/* look_read.c: bytes of the target, by process_vm_readv, else /proc/PID/mem, else the thread that waits for the look.
 *
 * Pages that were never touched are not read: that would fill page tables of the target, and take as long as the
 * largest reservation is. Which pages exist is asked of /proc/PID/pagemap. */
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    ENTRIES = 32768,         /* of pagemap at once */
    SERVE_NAP_NS = 5000000,  /* one sleep while the thread reads for us */
    SERVE_MOST_US = 2000000, /* it waits no longer, or is stopped */
};
/* Reservations above this are not walked when nobody tells which of their pages exist. */
#define BLIND_MAX ((uint64_t)16 << 30)

/* PAGEMAP_SCAN of Linux 6.7. */
struct pagemap_region {
    uint64_t start, end, categories;
};
struct pagemap_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_V0 _IOWR('f', 16, struct pagemap_scan)
#define SCAN_PRESENT    ((uint64_t)1 << 3)
#define SCAN_SWAPPED    ((uint64_t)1 << 4)
#define SCAN_ZERO       ((uint64_t)1 << 5)
#define ENTRY_PRESENT   ((uint64_t)1 << 63)
#define ENTRY_SWAPPED   ((uint64_t)1 << 62)

static int open_proc(pid_t task, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)task, what);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- The thread that waits reads for us: struct trk_shm_look ---- */

static struct trk_shm_look *look_of(const struct look_reader *reader)
{
    return &reader->proc->arena->procs[reader->proc->index].look;
}

static bool still_waits(const struct look_reader *reader)
{
    const struct trk_shm_look *look = look_of(reader);
    return __atomic_load_n(&look->wanted, __ATOMIC_ACQUIRE) == reader->wanted &&
           __atomic_load_n(&look->tid, __ATOMIC_ACQUIRE) == reader->tid && rec_proc_alive(reader->proc);
}

/* Sandboxes may punish what the thread would do to read. */
static unsigned long filters_of(const char *who)
{
    char path[64], line[256];
    unsigned long filters = 0;
    snprintf(path, sizeof path, "/proc/%s/status", who);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ULONG_MAX;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Seccomp_filters:", 16) == 0)
            filters = strtoul(line + 16, NULL, 10);
    fclose(file);
    return filters;
}

bool look_sandboxed(const struct proc *proc)
{
    char who[16];
    snprintf(who, sizeof who, "%d", (int)proc->pid);
    return filters_of(who) > filters_of("self");
}

static bool may_serve(const struct look_reader *reader)
{
    return reader->wanted != 0 && reader->proc->arena->look_bytes > 0 && still_waits(reader) &&
           !look_sandboxed(reader->proc);
}

static size_t read_served(struct look_reader *reader, uint64_t at, void *to, size_t bytes)
{
    struct arena *arena = reader->proc->arena;
    struct trk_shm_look *look = look_of(reader);
    if (bytes > arena->look_bytes)
        bytes = arena->look_bytes;
    uint32_t number = __atomic_load_n(&look->read, __ATOMIC_RELAXED) + 1;
    number = number == 0 || number == UINT32_MAX ? 1 : number;
    look->read_at = at;
    look->read_bytes = bytes;
    __atomic_store_n(&look->read, number, __ATOMIC_RELEASE); /* partner: wait_answer of libtrack */
    rec_futex_wake(&look->read);
    uint64_t end = rec_now_us() + SERVE_MOST_US;
    uint32_t served;
    /* Partner: serve of libtrack, behind the bytes. */
    while ((served = __atomic_load_n(&look->served, __ATOMIC_ACQUIRE)) != number) {
        if (!still_waits(reader) || rec_now_us() >= end) {
            reader->gone = true;
            return 0;
        }
        rec_look_tend(arena->rec);
        (void)syscall(SYS_futex, &look->served, FUTEX_WAIT, served, &(struct timespec){ .tv_nsec = SERVE_NAP_NS }, NULL,
                      0);
    }
    uint64_t got = __atomic_load_n(&look->got, __ATOMIC_RELAXED);
    got = got < bytes ? got : bytes;
    memcpy(to, arena->base + arena->look_off, got);
    return got;
}

/* ---- Bytes ---- */

static ssize_t read_vm(const struct look_reader *reader, uint64_t at, void *to, size_t bytes)
{
    struct iovec here = { .iov_base = to, .iov_len = bytes };
    struct iovec there = { .iov_base = (void *)(uintptr_t)at, .iov_len = bytes }; /* NOLINT: the kernel's to use */
    return process_vm_readv(reader->task, &here, 1, &there, 1, 0);
}

bool look_reader_open(struct look_reader *reader, struct proc *proc, pid_t task, uint64_t probe)
{
    char byte;
    reader->proc = proc;
    reader->task = task;
    reader->mem_fd = -1;
    reader->pagemap_fd = open_proc(task, "pagemap");
    if (read_vm(reader, probe, &byte, 1) == 1)
        return true;
    reader->no_vm = true;
    reader->mem_fd = open_proc(task, "mem");
    if (reader->mem_fd >= 0 && pread(reader->mem_fd, &byte, 1, (off_t)probe) == 1)
        return true;
    reader->by_thread = may_serve(reader);
    if (reader->by_thread && read_served(reader, probe, &byte, 1) == 1)
        return true;
    look_reader_close(reader);
    return false;
}

void look_reader_close(struct look_reader *reader)
{
    if (reader->mem_fd >= 0)
        close(reader->mem_fd);
    if (reader->pagemap_fd >= 0)
        close(reader->pagemap_fd);
    reader->mem_fd = reader->pagemap_fd = -1;
    prof_vec_deinit(&reader->entries);
}

size_t look_read(struct look_reader *reader, uint64_t at, void *to, size_t bytes)
{
    if (reader->gone || bytes == 0)
        return 0;
    if (reader->by_thread)
        return read_served(reader, at, to, bytes);
    ssize_t n = reader->no_vm ? pread(reader->mem_fd, to, bytes, (off_t)at) : read_vm(reader, at, to, bytes);
    if (n < 0 && errno == EFAULT && !reader->no_vm && !reader->no_force) { /* pages that even the target may not read */
        if (reader->mem_fd < 0)
            reader->mem_fd = open_proc(reader->task, "mem");
        reader->no_force = reader->mem_fd < 0;
        n = reader->no_force ? -1 : pread(reader->mem_fd, to, bytes, (off_t)at);
    }
    if (n < 0 && errno == ESRCH)
        reader->gone = true;
    return n > 0 ? (size_t)n : 0;
}

bool look_read_all(struct look_reader *reader, uint64_t at, void *to, size_t bytes)
{
    for (size_t done = 0, n; done < bytes; done += n) {
        n = look_read(reader, at + done, (char *)to + done, bytes - done);
        if (n == 0)
            return false;
    }
    return true;
}

/* ---- Which pages exist ---- */

static void add_range(struct look_reader *reader, uint64_t start, uint64_t end)
{
    struct look_range *last = reader->batch_count > 0 ? &reader->batch[reader->batch_count - 1] : NULL;
    if (last != NULL && last->end == start)
        last->end = end;
    else
        reader->batch[reader->batch_count++] = (struct look_range){ start, end };
}

/* Ranges that the kernel picks. false: it does not know how to. */
static bool fill_by_scan(struct look_reader *reader, uint64_t at, uint64_t end)
{
    struct pagemap_region regions[LOOK_RESIDENT_BATCH];
    struct pagemap_scan scan = { .size = sizeof scan,
                                 .start = at,
                                 .end = end,
                                 .vec = (uintptr_t)regions,
                                 .vec_len = LOOK_RESIDENT_BATCH,
                                 .category_inverted = SCAN_ZERO,
                                 .category_mask = SCAN_ZERO,
                                 .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
                                 .return_mask = SCAN_PRESENT };
    if (reader->no_scan)
        return false;
    int n = ioctl(reader->pagemap_fd, PAGEMAP_SCAN_V0, &scan);
    if (n < 0 || n > LOOK_RESIDENT_BATCH || scan.walk_end <= at) {
        reader->no_scan = true;
        return false;
    }
    for (int i = 0; i < n; i++)
        if (regions[i].start >= at && regions[i].end <= end && regions[i].start < regions[i].end)
            add_range(reader, regions[i].start, regions[i].end);
    reader->known = scan.walk_end < end ? scan.walk_end : end;
    return true;
}

static bool fill_by_entries(struct look_reader *reader, uint64_t at, uint64_t end)
{
    uint64_t pages = (end - at) / LOOK_PAGE;
    if (pages > ENTRIES)
        pages = ENTRIES;
    reader->entries.count = 0;
    if (!prof_vec_reserve(&reader->entries, ENTRIES))
        return false;
    ssize_t n = pread(reader->pagemap_fd, reader->entries.items, pages * sizeof(uint64_t),
                      (off_t)(at / LOOK_PAGE * sizeof(uint64_t)));
    if (n < (ssize_t)sizeof(uint64_t))
        return false;
    pages = (size_t)n / sizeof(uint64_t);
    uint64_t i = 0;
    for (; i < pages && reader->batch_count < LOOK_RESIDENT_BATCH; i++)
        if (reader->entries.items[i] & (ENTRY_PRESENT | ENTRY_SWAPPED))
            add_range(reader, at + i * LOOK_PAGE, at + (i + 1) * LOOK_PAGE);
    reader->known = at + i * LOOK_PAGE;
    return true;
}

/* Looks ahead from a page boundary. */
static void fill(struct look_reader *reader, uint64_t at, uint64_t end)
{
    reader->batch_count = 0;
    reader->batch_from = at;
    if (reader->pagemap_fd >= 0 && (fill_by_scan(reader, at, end) || fill_by_entries(reader, at, end)))
        return;
    if (end - at <= BLIND_MAX)
        add_range(reader, at, end);
    else
        reader->unread_bytes += end - at;
    reader->known = end;
}

bool look_next_resident(struct look_reader *reader, uint64_t at, uint64_t end, struct look_range *ret)
{
    uint64_t pages_end = (end + LOOK_PAGE - 1) & ~(uint64_t)(LOOK_PAGE - 1);
    while (at < end) {
        if (at < reader->batch_from || at >= reader->known)
            fill(reader, at & ~(uint64_t)(LOOK_PAGE - 1), pages_end);
        for (size_t i = 0; i < reader->batch_count; i++) {
            struct look_range range = reader->batch[i];
            if (range.end <= at)
                continue;
            ret->start = range.start > at ? range.start : at;
            ret->end = range.end < end ? range.end : end;
            if (ret->start < end)
                return true;
            break;
        }
        at = reader->known;
    }
    return false;
}
