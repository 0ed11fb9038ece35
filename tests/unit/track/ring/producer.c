/* producer.c: the writing side of libtrack, compiled into the model, with the rest of the engine played. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "prim.h"
#include "shim.h"

static uint64_t model_load(const void *p, size_t bytes)
{
    uint64_t v = 0;
    model_point(p);
    memcpy(&v, p, bytes);
    model_saw(v);
    return v;
}

static void reserved(const uint64_t *p, uint64_t pos, uint64_t n);

static uint64_t model_take(uint64_t *p, uint64_t n)
{
    model_point(p);
    uint64_t old = *p;
    *p += n;
    model_saw(old);
    reserved(p, old, n);
    return old;
}

static long model_sys(long number)
{
    return number == SYS_gettid || number == SYS_getpid ? 7 : 0;
}

#define trk_load64(p)  model_load((p), 8)
#define trk_load32(p)  ((uint32_t)model_load((p), 4))
#define trk_take(p, n) model_take((p), (n))
#undef trk_sys0
#undef trk_sys2
#undef trk_sys3
#define trk_sys0(n)          model_sys(n)
#define trk_sys2(n, a, b)    ((void)(a), (void)(b), model_sys(n))
#define trk_sys3(n, a, b, c) ((void)(a), (void)(b), (void)(c), model_sys(n))
#define TRK_RING_LOG2_MIN    3

#include "record.h"

#include "record.c"
#include "ring.c"
#include "thread.c"

struct trk_engine trk_eng;
static struct trk_arena arena;
struct trk_arena *trk_arena_newest = &arena;
bool trk_filter_on;
static struct trk_thread *threads[TRK_RING_MAX];
static union {
    struct trk_thread st;
    char bytes[TRK_PAGE + TRK_SITES * 8];
} states[MODEL_RINGS] __attribute__((aligned(4096)));
static unsigned states_used;
static uint64_t busy_frame, clock_ns;

/* ---- The rest of the engine ---- */

void *trk_map(size_t bytes)
{
    (void)bytes;
    return states_used < MODEL_RINGS ? &states[states_used++] : NULL;
}
void trk_unmap(void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}
uint64_t trk_now_ns(void)
{
    return clock_ns += 400000;
}
long trk_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    (void)expected;
    (void)timeout_ns;
    model_point(word);
    return 0;
}
bool trk_engine_enter(uint64_t *cookie)
{
    (void)cookie;
    if (trk_tls.busy && model_frame_alive(busy_frame))
        return false;
    trk_tls.busy = 1;
    busy_frame = model_frame();
    return true;
}
void trk_engine_leave(uint64_t *cookie)
{
    (void)cookie;
    trk_tls.busy = 0;
}
bool trk_engine_here(void)
{
    return true;
}
void trk_engine_emergency(void)
{
    model_shared.procs[0].emergency++;
}
void trk_engine_dropped(void)
{
    model_shared.procs[0].dropped++;
}
uint64_t trk_engine_now_us(void)
{
    return 0;
}
void trk_engine_over(const struct trk_arena *a)
{
    (void)a;
}
void trk_own_add(const void *start, size_t bytes, enum trk_own_kind kind)
{
    (void)start;
    (void)bytes;
    (void)kind;
}
uint32_t trk_type_id(struct trk_type *type)
{
    (void)type;
    return 0;
}
uint32_t trk_text_string(const char *s)
{
    (void)s;
    return 0;
}
void trk_module_check(struct trk_thread *st, uint32_t id)
{
    (void)st;
    (void)id;
}
void trk_thread_bounds(struct trk_thread *st)
{
    (void)st;
}
uint32_t trk_stack_site(const struct trk_depot *d, struct trk_stack_cache *c, uintptr_t pc, unsigned gen)
{
    (void)d;
    (void)c;
    (void)gen;
    return (uint32_t)pc;
}
uint32_t trk_stack_capture(const struct trk_depot *d, struct trk_stack_cache *c, const struct trk_frame *at,
                           uintptr_t lo, uintptr_t hi, unsigned depth, uintptr_t caller, unsigned gen)
{
    (void)lo;
    (void)hi;
    (void)depth;
    (void)caller;
    return trk_stack_site(d, c, at->pc, gen);
}
struct trk_control_page *trk_wake_page;
bool trk_wake_look(void)
{
    return false;
}
enum trk_filter_verdict trk_filter_judge(const struct trk_event *ev, struct trk_event *extra)
{
    (void)ev;
    extra->op = 0;
    return TRK_FILTER_RECORD;
}

/* ---- For the explorer ---- */

static void reserved(const uint64_t *p, uint64_t pos, uint64_t n)
{
    for (uint32_t i = 0; i < MODEL_RINGS; i++)
        if (p == &states[i].st.cursor)
            model_reserved(i, pos, n);
}

void model_producer_reset(void)
{
    struct model_shared *s = &model_shared;
    memset(s, 0, sizeof *s);
    s->hdr.recorder_state = TRK_REC_RUNNING;
    s->hdr.recorder_pid = 1;
    for (uint32_t i = 0; i < MODEL_RINGS; i++) {
        s->rings[i].log2_slots = model_log2;
        s->rings[i].data_off = offsetof(struct model_shared, slots) + i * sizeof s->slots[0];
    }
    memset(threads, 0, sizeof threads);
    for (unsigned i = 0; i < MODEL_RINGS; i++)
        memset(&states[i].st, 0, sizeof states[i].st);
    states_used = 0;
    busy_frame = clock_ns = 0;
    memset(&trk_tls, 0, sizeof trk_tls);
    arena = (struct trk_arena){ .base = (char *)s,
                                .bytes = sizeof *s,
                                .hdr = &s->hdr,
                                .procs = s->procs,
                                .rings = s->rings,
                                .ring_count = model_rings,
                                .on_full = model_on_full,
                                .block_ms = 1,
                                .data_off = offsetof(struct model_shared, slots),
                                .data_bytes = sizeof s->slots,
                                .era = 1,
                                .proc = s->procs,
                                .threads = threads };
    trk_eng.phase = TRK_PHASE_LIVE;
    trk_eng.pid = 7;
    trk_eng.tick = &s->hdr.tick_us;
    trk_eng.thread_bytes = sizeof states[0];
    trk_thread_ready();
}

void model_producer_emit(uint64_t addr, uint64_t arg, bool fast, unsigned exts)
{
    clock_ns = 0; /* no wait is longer than an event */
    if (fast && trk_fast(TRK_OP_REF, 0, addr, arg, TRK_DEPTH_REF, 0))
        return;
    struct trk_event ev = { .op = TRK_OP_REF, .addr = addr, .arg = arg, .exts = (uint8_t)exts };
    for (unsigned i = 0; i < exts; i++) {
        ev.ext_kind[i] = TRK_EXT_VALUE;
        ev.ext_value[i] = addr * 16 + i;
    }
    trk_emit(&ev);
}

uint64_t model_producer_hash(uint64_t h)
{
    for (unsigned i = 0; i < MODEL_RINGS; i++)
        h = model_mix_bytes(h, &states[i].st, sizeof states[i].st);
    h = model_mix_bytes(h, &trk_tls, sizeof trk_tls);
    return model_mix(h, trk_tls.busy ? model_frame_alive(busy_frame) : 2);
}

uint64_t model_producer_pending(void)
{
    return states[0].st.pending + states[1].st.pending;
}

uint64_t model_producer_lost(void)
{
    return model_shared.procs[0].emergency + model_shared.procs[0].dropped + model_shared.rings[0].dropped +
           model_shared.rings[1].dropped;
}

bool model_producer_has(const volatile void *p)
{
    return (uintptr_t)p - (uintptr_t)states < sizeof states;
}

uint64_t model_producer_cursor(uint32_t ring)
{
    return threads[ring] != NULL ? threads[ring]->cursor : 0;
}
