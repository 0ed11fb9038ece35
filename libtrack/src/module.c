/* module.c: which files are mapped where. The filtered text of /proc/self/maps is stored at start, after dlopen and
 * dlclose, and when a new stack shows code that the last one does not have (a program linked with plain -ltrack has no
 * hook in dlopen). */
#include <sys/mman.h>

#include "engine.h"
#include "filter.h"

enum {
    TRK_MAPS_CHUNK = 64 << 10,
    TRK_BACKOFF_FIRST_US = 10000,
    TRK_BACKOFF_MAX_US = 10000000,
    TRK_UPDATE_STALE_US = 5000000, /* an update that takes longer was left by a jump out of a handler */
};

struct maps_reader {
    char *chunk; /* TRK_MAPS_CHUNK bytes */
    size_t have, at;
    int fd;
};

/* Next line without its newline, inside the chunk; NULL at the end. Lines longer than the chunk end the reading. */
static char *maps_line(struct maps_reader *r, size_t *size)
{
    for (;;) {
        for (size_t i = r->at; i < r->have; i++) {
            if (r->chunk[i] == '\n') {
                char *line = r->chunk + r->at;
                *size = i - r->at;
                r->at = i + 1;
                return line;
            }
        }
        for (size_t i = r->at; i < r->have; i++)
            r->chunk[i - r->at] = r->chunk[i];
        r->have -= r->at;
        r->at = 0;
        if (r->have == TRK_MAPS_CHUNK)
            return NULL;
        long n = trk_sys3(SYS_read, r->fd, r->chunk + r->have, TRK_MAPS_CHUNK - r->have);
        if (n <= 0)
            return NULL;
        r->have += (size_t)n;
    }
}

static const char *parse_hex(const char *p, const char *end, uintptr_t *ret)
{
    uintptr_t v = 0;
    for (; p < end; p++) {
        unsigned c = (unsigned char)*p;
        if (c - '0' <= 9)
            v = v << 4 | (c - '0');
        else if (c - 'a' <= 5)
            v = v << 4 | (c - 'a' + 10);
        else
            break;
    }
    *ret = v;
    return p;
}

/* start-end perms offset dev inode path. Returns the start of the path (or the end of the line). */
static const char *parse_line(const char *line, size_t size, uintptr_t *start, uintptr_t *end, bool *exec)
{
    const char *stop = line + size;
    const char *p = parse_hex(line, stop, start);
    *end = *start;
    if (p < stop && *p == '-')
        p = parse_hex(p + 1, stop, end);
    *exec = p + 4 <= stop && p[3] == 'x';
    for (unsigned field = 0; field < 4; field++) { /* perms offset dev inode */
        while (p < stop && *p == ' ')
            p++;
        while (p < stop && *p != ' ')
            p++;
    }
    while (p < stop && *p == ' ')
        p++;
    return p;
}

static bool path_wanted(const char *path, size_t size)
{
    return size && (path[0] == '/' || trk_same("[heap]", path, size) || trk_same("[stack]", path, size) ||
                    trk_same("[vdso]", path, size));
}

static const struct trk_range *range_find(const struct trk_ranges *r, uintptr_t pc)
{
    uint32_t lo = 0;
    uint32_t hi = r->count < TRK_RANGES ? r->count : TRK_RANGES;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (pc < r->at[mid].start)
            hi = mid;
        else if (pc >= r->at[mid].end)
            lo = mid + 1;
        else
            return &r->at[mid];
    }
    return NULL;
}

static bool range_known(const struct trk_ranges *r, uintptr_t pc)
{
    return range_find(r, pc) != NULL;
}

static void range_add(struct trk_ranges *r, uintptr_t start, uintptr_t end, bool wanted)
{
    if (r->count && r->at[r->count - 1].end == start && r->at[r->count - 1].wanted == wanted)
        r->at[r->count - 1].end = end;
    else if (r->count < TRK_RANGES)
        r->at[r->count++] = (struct trk_range){ start, end, wanted };
}

static bool range_lost(const struct trk_ranges *old, const struct trk_ranges *next)
{
    for (uint32_t i = 0; i < old->count && i < TRK_RANGES; i++) {
        if (!range_known(next, old->at[i].start) || !range_known(next, old->at[i].end - 1))
            return true;
    }
    return false;
}

/* One reading of the maps: ranges to `next`, filtered text to `out` (TRK_TEXT_MAX bytes). */
static size_t maps_collect(struct maps_reader *r, const struct trk_ranges *old, struct trk_ranges *next, char *out,
                           bool *grew)
{
    size_t used = 0;
    size_t size;
    char *line;
    next->count = 0;
    while ((line = maps_line(r, &size)) != NULL) {
        uintptr_t start, end;
        bool exec;
        const char *path = parse_line(line, size, &start, &end, &exec);
        if (exec) {
            range_add(next, start, end, trk_filter_module(path, (size_t)(line + size - path)));
            if (!range_known(old, start))
                *grew = true;
        }
        if (path_wanted(path, (size_t)(line + size - path)) && used + size + 1 <= TRK_TEXT_MAX) {
            trk_copy(out + used, line, size);
            out[used + size] = '\n';
            used += size + 1;
        }
    }
    return used;
}

static uint32_t module_read(bool *grew, bool *shrank)
{
    const struct trk_arena *a = trk_arena();
    uint32_t id = 0;
    size_t scratch_bytes = TRK_TEXT_MAX + TRK_MAPS_CHUNK;
    int fd = trk_open_read("/proc/self/maps");
    if (fd < 0)
        return 0;
    char *scratch = trk_map(scratch_bytes);
    if (scratch != NULL) {
        struct maps_reader r = { .chunk = scratch + TRK_TEXT_MAX, .fd = fd };
        uint32_t now = trk_eng.ranges_now & 1;
        size_t used = maps_collect(&r, &trk_eng.ranges[now], &trk_eng.ranges[now ^ 1], scratch, grew);
        *shrank |= range_lost(&trk_eng.ranges[now], &trk_eng.ranges[now ^ 1]);
        __atomic_store_n(&trk_eng.ranges_now, now ^ 1, __ATOMIC_RELEASE);
        trk_filter_modules_changed();
        id = used ? trk_text_put(TRK_TEXT_MAPS, scratch, used) : 0;
        trk_unmap(scratch, scratch_bytes);
        if (id)
            __atomic_store_n(&a->proc->modules_text, id, __ATOMIC_RELEASE);
    }
    trk_close(fd);
    return id;
}

uint32_t trk_module_update(bool *grew, bool *shrank)
{
    uint64_t now = trk_load64(trk_clock()) + 1;
    uint64_t held = __atomic_load_n(&trk_eng.modules_busy, __ATOMIC_RELAXED);
    uint32_t id = 0;
    *grew = false;
    *shrank = true; /* unless we look ourselves and see that nothing went away */
    __atomic_store_n(&trk_eng.modules_dirty, 1, __ATOMIC_SEQ_CST);
    if (held && now - held < TRK_UPDATE_STALE_US)
        return 0; /* the one who is at it looks again */
    if (!__atomic_compare_exchange_n(&trk_eng.modules_busy, &held, now, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return 0;
    *shrank = false;
    for (unsigned round = 0; round < 4 && __atomic_exchange_n(&trk_eng.modules_dirty, 0, __ATOMIC_SEQ_CST); round++)
        id = module_read(grew, shrank);
    __atomic_store_n(&trk_eng.modules_busy, 0, __ATOMIC_SEQ_CST);
    return id;
}

void trk_module_event(uint32_t id)
{
    struct trk_event ev = { .op = TRK_OP_MODULES, .arg = id, .exts = 1 };
    if (id == 0)
        return;
    ev.ext_kind[0] = TRK_EXT_VALUE;
    ev.ext_value[0] = trk_load32(&trk_eng.gen);
    trk_emit(&ev);
}

static const struct trk_ranges *ranges(void)
{
    return &trk_eng.ranges[__atomic_load_n(&trk_eng.ranges_now, __ATOMIC_ACQUIRE) & 1];
}

/* Somebody called from code that the last map does not have. */
static void look_again(void)
{
    uint64_t now = trk_load64(trk_clock());
    if (now < __atomic_load_n(&trk_eng.modules_next, __ATOMIC_RELAXED))
        return;
    uint64_t cookie;
    bool grew, shrank;
    if (!trk_engine_enter(&cookie))
        return;
    uint32_t id = trk_module_update(&grew, &shrank);
    uint64_t wait = 0;
    if (!grew) { /* generated code, or a wild address: look less and less often */
        wait = trk_load64(&trk_eng.modules_backoff) * 2;
        wait = wait < TRK_BACKOFF_FIRST_US ? TRK_BACKOFF_FIRST_US : wait;
        wait = wait > TRK_BACKOFF_MAX_US ? TRK_BACKOFF_MAX_US : wait;
    }
    __atomic_store_n(&trk_eng.modules_backoff, wait, __ATOMIC_RELAXED);
    __atomic_store_n(&trk_eng.modules_next, now + wait, __ATOMIC_RELAXED);
    trk_engine_leave(&cookie);
    trk_module_event(id);
}

void trk_module_check(struct trk_thread *st, uint32_t stack_id)
{
    const struct trk_arena *a = trk_arena();
    st->max_stack = stack_id;
    uint64_t off = (uint64_t)stack_id * TRK_STACK_UNIT;
    if (off + sizeof(struct trk_shm_stack) > a->depot.bytes)
        return;
    const struct trk_shm_stack *s = (const struct trk_shm_stack *)(const void *)(a->depot.base + off);
    unsigned count = (unsigned)(__atomic_load_n(&s->head, __ATOMIC_ACQUIRE) >> TRK_STACK_COUNT_SHIFT) & 0xff;
    if (count > TRK_STACK_MAX_FRAMES || off + sizeof(struct trk_shm_stack) + count * sizeof(uint64_t) > a->depot.bytes)
        return;
    const struct trk_ranges *known = ranges();
    bool strange = false;
    for (unsigned i = 0; i < count && !strange; i++)
        strange = !range_known(known, (uintptr_t)s->pcs[i] - 1);
    if (strange)
        look_again();
}

bool trk_module_wanted(uintptr_t pc)
{
    const struct trk_range *range = range_find(ranges(), pc - 1);
    if (range == NULL) {
        look_again();
        range = range_find(ranges(), pc - 1);
    }
    return range != NULL && range->wanted;
}

/* The mapping that holds the thread's stack: that of its control block, which glibc and musl put on top of the stack;
 * for the first thread the one called [stack], which may grow down to its limit. */
void trk_thread_bounds(struct trk_thread *st)
{
    uintptr_t sp = TRK_SP;
    uintptr_t tp = trk_thread_pointer();
    if (sp >= st->lo && sp < st->hi && st->hi == tp)
        return; /* the thread before had the same stack */
    st->lo = st->hi = 0;
    bool first = trk_sys0(SYS_gettid) == trk_sys0(SYS_getpid);
    int fd = trk_open_read("/proc/self/maps");
    if (fd < 0)
        return;
    char *chunk = trk_map(TRK_MAPS_CHUNK);
    if (chunk != NULL) {
        struct maps_reader r = { .chunk = chunk, .fd = fd };
        uintptr_t stack_lo = 0, stack_hi = 0, tp_lo = 0, tp_hi = 0;
        size_t size;
        char *line;
        while ((line = maps_line(&r, &size)) != NULL) {
            uintptr_t start, end;
            bool exec;
            const char *path = parse_line(line, size, &start, &end, &exec);
            if (tp >= start && tp < end) {
                tp_lo = start;
                tp_hi = tp;
            }
            if (trk_same("[stack]", path, (size_t)(line + size - path))) {
                stack_lo = start;
                stack_hi = end;
            }
        }
        bool on_tp = sp >= tp_lo && sp < tp_hi;
        if (first && !on_tp && stack_hi) {
            struct {
                uint64_t soft, hard;
            } limit = { 0, 0 };
            trk_sys4(SYS_prlimit64, 0, 3 /* RLIMIT_STACK */, 0, &limit);
            uint64_t room = limit.soft < (1u << 30) ? limit.soft : 128u << 20;
            st->hi = stack_hi;
            st->lo = stack_hi - room < stack_lo ? stack_hi - room : stack_lo;
        } else {
            st->lo = tp_lo;
            st->hi = tp_hi;
        }
        trk_unmap(chunk, TRK_MAPS_CHUNK);
    }
    trk_close(fd);
}
