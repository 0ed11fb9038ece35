/* mktrace.c: gathers slots per thread, writes them with prof_writer at each round. */
#include "mktrace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/vec.h>

enum { MK_NAMES = 4096, MK_RINGS = 256, MK_MODULES = 64, MK_META = 64, FRAME_STEP = 0x100, FRAME_FIRST = 0x31 };

struct mk_name {
    char *text;
    uint32_t id;
};

struct mk_ring {
    uint32_t tid;
    uint64_t start_us; /* at the first slot of this round */
    uint64_t time_us;
    struct trk_slot *slots;
    size_t count, room;
};

struct mk_trace {
    char path[256];
    struct prof_writer *writer;
    struct prof_trace *trace;
    struct prof_heap *heap;
    struct mk_name stacks[MK_NAMES], frames[MK_NAMES], types[MK_NAMES], texts[MK_NAMES];
    size_t stack_count, frame_count, type_count, text_count;
    struct mk_ring rings[MK_RINGS];
    size_t ring_count, ring;
    struct prof_module modules[MK_MODULES];
    size_t module_count;
    char *meta[MK_META + 1];
    size_t meta_count;
    uint64_t now_us, round, records, slots;
    uint32_t scope, scope_open[64];
    size_t scope_depth;
    int level;
    uint32_t flags;
    enum trk_end_reason end_reason;
    int32_t end_value;
    struct trk_loss loss;
    struct prof_memory memory;
    PROF_VEC(struct prof_memory_area) areas;
    PROF_VEC(struct prof_memory_word) words;
    PROF_VEC(struct trk_memory_count) counts;
    bool finished;
};

static void die(const char *what)
{
    fprintf(stderr, "mktrace: %s\n", what);
    abort();
}

static void must(struct prof_error *error)
{
    if (error != NULL)
        die(error->message);
}

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL)
        die("no memory");
    return made;
}

struct mk_trace *mk_create(void)
{
    struct mk_trace *t = calloc(1, sizeof *t);
    if (t == NULL)
        die("no memory");
    const char *dir = getenv("TMPDIR");
    snprintf(t->path, sizeof t->path, "%s/mktrace-XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp");
    int fd = mkstemp(t->path);
    if (fd < 0)
        die("no temporary file");
    close(fd);
    t->end_reason = TRK_END_EXIT;
    mk_thread(t, 100);
    return t;
}

static void free_names(struct mk_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i].text);
}

void mk_destroy(struct mk_trace *t)
{
    if (t == NULL)
        return;
    prof_heap_destroy(t->heap);
    if (t->trace != NULL)
        prof_trace_close(t->trace);
    if (t->writer != NULL)
        prof_error_destroy(prof_writer_close(t->writer));
    unlink(t->path);
    free_names(t->stacks, t->stack_count);
    free_names(t->frames, t->frame_count);
    free_names(t->types, t->type_count);
    free_names(t->texts, t->text_count);
    for (size_t i = 0; i < t->ring_count; i++)
        free(t->rings[i].slots);
    for (size_t i = 0; i < t->module_count; i++)
        free((char *)t->modules[i].path);
    for (size_t i = 0; i < t->meta_count; i++)
        free(t->meta[i]);
    prof_vec_deinit(&t->areas);
    prof_vec_deinit(&t->words);
    prof_vec_deinit(&t->counts);
    free(t);
}

const char *mk_path(const struct mk_trace *t)
{
    return t->path;
}

/* ---- Definitions ---- */

/* The writer starts with the first definition or flush, so that mk_compress can still choose. */
static struct prof_writer *writer(struct mk_trace *t)
{
    if (t->finished)
        die("the file is written: nothing new can be named");
    if (t->writer == NULL) {
        static const uint8_t id[16] = "deterministic!!";
        struct prof_writer_options options = { .pid = 4711,
                                               .created_ns = 1700000000000000000ull,
                                               .trace_id = id,
                                               .zstd_level = t->level,
                                               .flags = t->flags,
                                               .force = true };
        must(prof_writer_open(t->path, &options, &t->writer));
    }
    return t->writer;
}

void mk_high(struct mk_trace *t)
{
    if (t->writer != NULL)
        die("mk_high comes too late");
    t->flags |= TRK_FILE_HIGH;
}

void mk_compress(struct mk_trace *t, int level)
{
    if (t->writer != NULL)
        die("mk_compress comes too late");
    t->level = level;
}

void mk_meta(struct mk_trace *t, const char *pair)
{
    if (t->meta_count == MK_META)
        die("too many META pairs");
    t->meta[t->meta_count++] = copy(pair);
}

void mk_mapping(struct mk_trace *t, const struct prof_module *module)
{
    if (t->module_count == MK_MODULES)
        die("too many modules");
    t->modules[t->module_count] = *module;
    t->modules[t->module_count++].path = copy(module->path);
}

void mk_module(struct mk_trace *t, const char *path, uint64_t start, uint64_t size, const void *build_id,
               size_t build_id_len)
{
    struct prof_module module = { .start = start, .end = start + size, .prot = PROT_READ | PROT_EXEC, .path = path };
    if (build_id_len > sizeof module.build_id)
        build_id_len = sizeof module.build_id;
    module.build_id_len = (uint8_t)build_id_len;
    if (build_id_len != 0)
        memcpy(module.build_id, build_id, build_id_len);
    mk_mapping(t, &module);
}

static struct mk_name *find_name(struct mk_name *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].text, text) == 0)
            return &names[i];
    return NULL;
}

static uint32_t add_name(struct mk_name *names, size_t *count, const char *text, uint32_t id)
{
    if (*count == MK_NAMES)
        die("too many names");
    names[*count] = (struct mk_name){ copy(text), id };
    ++*count;
    return id;
}

uint32_t mk_type_full(struct mk_trace *t, const char *name, const struct trk_type_def *def)
{
    if (find_name(t->types, t->type_count, name) != NULL)
        die("type defined twice");
    struct trk_type_def full = *def;
    full.id = (uint32_t)t->type_count + 1;
    must(prof_writer_type(writer(t), &full, name, strlen(name)));
    return add_name(t->types, &t->type_count, name, full.id);
}

uint32_t mk_type(struct mk_trace *t, const char *name, uint64_t size)
{
    struct trk_type_def def = { .object_size = size, .count_offset = UINT32_MAX };
    return mk_type_full(t, name, &def);
}

static uint32_t type_id(struct mk_trace *t, const char *name)
{
    if (name == NULL)
        return 0;
    struct mk_name *known = find_name(t->types, t->type_count, name);
    return known != NULL ? known->id : mk_type(t, name, 0);
}

uint32_t mk_stack_pcs(struct mk_trace *t, const char *name, const uint64_t *pcs, size_t frames)
{
    if (find_name(t->stacks, t->stack_count, name) != NULL)
        die("stack defined twice");
    struct trk_stack_def def = { .id = ((uint32_t)t->stack_count + 1) * 10, .frames = (uint8_t)frames };
    must(prof_writer_stack(writer(t), &def, pcs));
    return add_name(t->stacks, &t->stack_count, name, def.id);
}

uint32_t mk_stack(struct mk_trace *t, const char *name)
{
    if (name == NULL)
        return 0;
    struct mk_name *known = find_name(t->stacks, t->stack_count, name);
    if (known != NULL)
        return known->id;
    uint64_t pcs[TRK_STACK_MAX_FRAMES];
    size_t frames = 0;
    const char *rest = name;
    while (frames < TRK_STACK_MAX_FRAMES) {
        const char *end = strstr(rest, " < ");
        char frame[256];
        snprintf(frame, sizeof frame, "%.*s", end != NULL ? (int)(end - rest) : (int)strlen(rest), rest);
        struct mk_name *f = find_name(t->frames, t->frame_count, frame);
        uint32_t offset = f != NULL ? f->id
                                    : add_name(t->frames, &t->frame_count, frame,
                                               FRAME_FIRST + (uint32_t)t->frame_count * FRAME_STEP);
        pcs[frames++] = MK_APP_BASE + offset;
        if (end == NULL)
            break;
        rest = end + 3;
    }
    return mk_stack_pcs(t, name, pcs, frames);
}

uint32_t mk_text(struct mk_trace *t, const char *text)
{
    if (text == NULL)
        return 0;
    struct mk_name *known = find_name(t->texts, t->text_count, text);
    if (known != NULL)
        return known->id;
    uint32_t id = (uint32_t)t->text_count + 1;
    must(prof_writer_text(writer(t), id, text, strlen(text)));
    return add_name(t->texts, &t->text_count, text, id);
}

/* ---- Rings ---- */

void mk_slot(struct mk_trace *t, uint64_t w0, uint64_t w1)
{
    struct mk_ring *ring = &t->rings[t->ring];
    if (ring->count == ring->room) {
        ring->room = ring->room * 2 + 256;
        ring->slots = reallocarray(ring->slots, ring->room, sizeof *ring->slots);
        if (ring->slots == NULL)
            die("no memory");
    }
    ring->slots[ring->count++] = (struct trk_slot){ w0, w1 };
}

static void put(struct mk_trace *t, unsigned op, unsigned aux, uint64_t addr, uint64_t arg, uint32_t stack)
{
    uint64_t w0 = (uint64_t)op << TRK_OP_SHIFT | (uint64_t)(aux & TRK_AUX_MASK) << TRK_AUX_SHIFT |
                  (uint64_t)(stack >> TRK_STACK_LO_BITS & TRK_STACK_HI_MASK) << TRK_STACK_HI_SHIFT |
                  addr << TRK_ADDR_SHIFT;
    uint64_t w1 = (stack & TRK_STACK_LO_MASK) | arg << TRK_ARG_SHIFT;
    mk_slot(t, w0, w1);
    t->records++;
}

void mk_raw(struct mk_trace *t, unsigned op, unsigned aux, uint64_t addr, uint64_t arg, uint32_t stack)
{
    struct mk_ring *ring = &t->rings[t->ring];
    if (ring->time_us != t->now_us) {
        ring->time_us = t->now_us;
        put(t, TRK_OP_TICK, 0, 0, t->now_us, 0);
    }
    put(t, op, aux, addr, arg, stack);
}

void mk_ext(struct mk_trace *t, enum trk_ext kind, uint64_t value)
{
    mk_slot(t, (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | (uint64_t)kind << TRK_EXT_SHIFT, value);
}

void mk_thread(struct mk_trace *t, uint32_t tid)
{
    for (size_t i = 0; i < t->ring_count; i++)
        if (t->rings[i].tid == tid) {
            t->ring = i;
            return;
        }
    if (t->ring_count == MK_RINGS)
        die("too many threads");
    t->ring = t->ring_count++;
    t->rings[t->ring] = (struct mk_ring){ .tid = tid, .start_us = t->now_us, .time_us = t->now_us };
    put(t, TRK_OP_THREAD, 0, tid, t->now_us, 0);
}

void mk_time(struct mk_trace *t, uint64_t us)
{
    t->now_us = us;
}

void mk_round(struct mk_trace *t)
{
    for (size_t i = 0; i < t->ring_count; i++) {
        struct mk_ring *ring = &t->rings[i];
        struct trk_events_head head = { .ring = (uint32_t)i,
                                        .tid = ring->tid,
                                        .round = t->round,
                                        .start_us = ring->start_us,
                                        .slots = (uint32_t)ring->count };
        if (ring->count != 0)
            must(prof_writer_events(writer(t), &head, ring->slots));
        t->slots += ring->count;
        ring->count = 0;
        ring->start_us = ring->time_us;
    }
    t->round++;
}

/* ---- Events ---- */

static void with_slot(struct mk_trace *t, unsigned op, unsigned aux, uint64_t addr, uint64_t slot, const char *at)
{
    uint32_t stack = mk_stack(t, at);
    bool holder = slot >> 63 != 0;
    bool odd = !holder && slot % 8 != 0;
    mk_raw(t, op, aux, addr, holder || odd ? 0 : slot >> 3, stack);
    if (odd)
        mk_ext(t, TRK_EXT_SLOT, slot);
    if (holder)
        mk_ext(t, op == TRK_OP_MOVE ? TRK_EXT_TO_HOLDER : TRK_EXT_HOLDER, slot & ~((uint64_t)1 << 63));
}

static void with_count(struct mk_trace *t, unsigned op, uint64_t addr, uint64_t slot, int64_t count, const char *at)
{
    bool fits = count >= 0 && count <= TRK_COUNT_INLINE_MAX;
    with_slot(t, op, fits ? (unsigned)count : TRK_COUNT_EXT, addr, slot, at);
    if (!fits)
        mk_ext(t, TRK_EXT_COUNT, (uint64_t)count);
}

static void with_text(struct mk_trace *t, unsigned op, uint64_t addr, uint64_t arg, const char *text, const char *at)
{
    uint32_t id = mk_text(t, text);
    mk_raw(t, op, 0, addr, arg, mk_stack(t, at));
    if (id != 0)
        mk_ext(t, TRK_EXT_TEXT, id);
}

void mk_alloc(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at)
{
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_MALLOC, addr, size, mk_stack(t, at));
}

void mk_free(struct mk_trace *t, uint64_t addr, const char *at)
{
    mk_raw(t, TRK_OP_FREE, TRK_ALLOC_MALLOC, addr, 0, mk_stack(t, at));
}

void mk_realloc(struct mk_trace *t, uint64_t old, uint64_t addr, uint64_t size, const char *at)
{
    mk_raw(t, TRK_OP_REALLOC, 0, old, 0, mk_stack(t, at));
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_REALLOC, addr, size, mk_stack(t, at));
    mk_ext(t, TRK_EXT_OLD, old);
}

void mk_mmap(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at)
{
    mk_raw(t, TRK_OP_ALLOC, TRK_ALLOC_MMAP, addr, size, mk_stack(t, at));
}

void mk_munmap(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at)
{
    mk_raw(t, TRK_OP_FREE, TRK_ALLOC_MMAP, addr, size, mk_stack(t, at));
}

void mk_new(struct mk_trace *t, const char *type, uint64_t addr, const char *at)
{
    mk_raw(t, TRK_OP_NEW, 0, addr, type_id(t, type), mk_stack(t, at));
}

void mk_new_floating(struct mk_trace *t, const char *type, uint64_t addr, const char *at)
{
    mk_raw(t, TRK_OP_NEW, 1, addr, type_id(t, type), mk_stack(t, at));
}

void mk_born(struct mk_trace *t, const char *type, uint64_t addr, uint64_t size, const char *at)
{
    mk_alloc(t, addr, size, at);
    mk_new(t, type, addr, at);
}

void mk_gone(struct mk_trace *t, uint64_t addr, const char *at)
{
    mk_del(t, addr, at);
    mk_free(t, addr, at);
}

void mk_del(struct mk_trace *t, uint64_t addr, const char *at)
{
    mk_op(t, TRK_OP_DEL, addr, at);
}

void mk_ref(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    with_slot(t, TRK_OP_REF, TRK_COUNT_UNKNOWN, addr, slot, at);
}

void mk_unref(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    with_slot(t, TRK_OP_UNREF, TRK_COUNT_UNKNOWN, addr, slot, at);
}

void mk_ref_rc(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, const char *at)
{
    with_count(t, TRK_OP_REF, addr, slot, count, at);
}

void mk_unref_rc(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, const char *at)
{
    with_count(t, TRK_OP_UNREF, addr, slot, count, at);
}

void mk_seq(struct mk_trace *t, uint32_t seq)
{
    mk_ext(t, TRK_EXT_SEQ, seq);
}

void mk_at_ns(struct mk_trace *t, uint64_t ns)
{
    mk_ext(t, TRK_EXT_TIME, ns);
}

void mk_ref_seq(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, uint32_t seq, const char *at)
{
    with_count(t, TRK_OP_REF, addr, slot, count, at);
    mk_seq(t, seq);
}

void mk_unref_seq(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, uint32_t seq, const char *at)
{
    with_count(t, TRK_OP_UNREF, addr, slot, count, at);
    mk_seq(t, seq);
}

void mk_move(struct mk_trace *t, uint64_t addr, uint64_t to, uint64_t from, const char *at)
{
    with_slot(t, TRK_OP_MOVE, 0, addr, to, at);
    if (from != 0)
        mk_ext(t, TRK_EXT_FROM, from);
}

void mk_own(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    mk_move(t, addr, slot, 0, at);
}

void mk_disown(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    mk_move(t, addr, 0, slot, at);
}

void mk_move_range(struct mk_trace *t, uint64_t to, uint64_t from, uint64_t size, const char *at)
{
    mk_raw(t, TRK_OP_MOVE_RANGE, 0, to, size, mk_stack(t, at));
    mk_ext(t, TRK_EXT_FROM, from);
}

void mk_sink(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    with_slot(t, TRK_OP_SINK, 0, addr, slot, at);
}

void mk_weak_set(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    with_slot(t, TRK_OP_WEAK_SET, 0, addr, slot, at);
}

void mk_weak_clear(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at)
{
    with_slot(t, TRK_OP_WEAK_CLEAR, 0, addr, slot, at);
}

void mk_retype(struct mk_trace *t, uint64_t addr, const char *type, const char *at)
{
    mk_raw(t, TRK_OP_RETYPE, 0, addr, type_id(t, type), mk_stack(t, at));
}

void mk_typed(struct mk_trace *t, uint64_t addr, const char *type, bool array)
{
    mk_raw(t, TRK_OP_TYPED, array, addr, type_id(t, type), 0);
}

void mk_pin(struct mk_trace *t, uint64_t addr, const char *why)
{
    with_text(t, TRK_OP_PIN, addr, 0, why, NULL);
}

void mk_may_leak(struct mk_trace *t, uint64_t addr, const char *why)
{
    with_text(t, TRK_OP_MAY_LEAK, addr, 0, why, NULL);
}

void mk_touch(struct mk_trace *t, uint64_t addr, const char *text, const char *at)
{
    with_text(t, TRK_OP_TOUCH, addr, 0, text, at);
}

void mk_context(struct mk_trace *t, const char *key, uint64_t id)
{
    with_text(t, TRK_OP_CONTEXT, 0, 0, key, NULL);
    mk_ext(t, TRK_EXT_VALUE, id);
}

void mk_mark(struct mk_trace *t, const char *name, const char *at)
{
    with_text(t, TRK_OP_MARK, 0, 0, name, at);
}

void mk_checkpoint(struct mk_trace *t, const char *name, const char *at)
{
    with_text(t, TRK_OP_CHECKPOINT, 0, 0, name, at);
}

void mk_scope_begin(struct mk_trace *t, const char *name, const char *at)
{
    if (t->scope_depth == 64)
        die("too many open scopes");
    t->scope_open[t->scope_depth++] = ++t->scope;
    with_text(t, TRK_OP_SCOPE_BEGIN, 0, t->scope, name, at);
}

void mk_scope_end(struct mk_trace *t)
{
    if (t->scope_depth == 0)
        die("no scope is open");
    mk_raw(t, TRK_OP_SCOPE_END, 0, 0, t->scope_open[--t->scope_depth], 0);
}

void mk_root_add(struct mk_trace *t, uint64_t addr, uint64_t size, const char *name)
{
    with_text(t, TRK_OP_ROOT_ADD, addr, size, name, NULL);
}

void mk_count_seen(struct mk_trace *t, uint64_t addr, int64_t count)
{
    mk_raw(t, TRK_OP_COUNT_SEEN, 0, addr, 0, 0);
    mk_ext(t, TRK_EXT_COUNT, (uint64_t)count);
}

void mk_exit(struct mk_trace *t, int status)
{
    mk_raw(t, TRK_OP_EXIT, 1, 0, (unsigned)status & 0xff, 0);
}

void mk_op(struct mk_trace *t, enum trk_op op, uint64_t addr, const char *at)
{
    mk_raw(t, op, 0, addr, 0, mk_stack(t, at));
}

void mk_mem(struct mk_trace *t, const struct trk_mem *mem)
{
    mk_round(t);
    must(prof_writer_mem(writer(t), mem));
}

void mk_loss(struct mk_trace *t, const struct trk_loss *loss)
{
    t->loss = *loss;
    must(prof_writer_loss(writer(t), loss));
}

/* ---- Memory at a checkpoint ---- */

struct prof_memory *mk_memory_begin(struct mk_trace *t, enum trk_memory_rung rung)
{
    uint64_t round = t->round;
    mk_round(t);
    t->memory = (struct prof_memory){ .number = t->memory.number + 1,
                                      .rung = rung,
                                      .why = TRK_LOOK_REQUEST,
                                      .name = "",
                                      .at_us = t->now_us,
                                      .round = round,
                                      .threads = 1 };
    t->areas.count = t->words.count = t->counts.count = 0;
    return &t->memory;
}

void mk_memory_area(struct mk_trace *t, enum trk_area_kind kind, uint32_t tid, uint64_t start, uint64_t size)
{
    if (!prof_vec_push(&t->areas,
                       (struct prof_memory_area){
                           .start = start, .size = size, .kind = kind, .tid = tid, .first = t->words.count }))
        die("no memory");
}

void mk_memory_how(struct mk_trace *t, uint64_t at, uint64_t value, unsigned how)
{
    if (t->areas.count == 0)
        die("a word before the first area");
    if (!prof_vec_push(&t->words, (struct prof_memory_word){ .at = at, .how = how & 0xff, .value = value }))
        die("no memory");
    t->areas.items[t->areas.count - 1].count++;
    t->memory.read_bytes += 8;
}

void mk_memory_word(struct mk_trace *t, uint64_t at, uint64_t value)
{
    mk_memory_how(t, at, value, 0);
}

void mk_memory_count(struct mk_trace *t, uint64_t addr, int64_t count)
{
    if (!prof_vec_push(&t->counts, (struct trk_memory_count){ .addr = addr, .count = count }))
        die("no memory");
}

void mk_memory_end(struct mk_trace *t)
{
    t->memory.areas = t->areas.items;
    t->memory.area_count = t->areas.count;
    t->memory.words = t->words.items;
    t->memory.word_count = t->words.count;
    t->memory.counts = t->counts.items;
    t->memory.count_count = t->counts.count;
    must(prof_writer_memory(writer(t), &t->memory));
}

/* ---- Results ---- */

void mk_end(struct mk_trace *t, enum trk_end_reason reason, int32_t value)
{
    t->end_reason = reason;
    t->end_value = value;
}

static void write_modules(struct mk_trace *t)
{
    if (t->module_count == 0) {
        static const struct prof_module made_up[] = {
            { .start = MK_APP_BASE, .end = MK_APP_DATA, .prot = PROT_READ | PROT_EXEC, .path = "/usr/bin/app" },
            { .start = MK_APP_DATA,
              .end = MK_APP_BASE + MK_APP_SIZE,
              .file_offset = MK_APP_DATA - MK_APP_BASE,
              .prot = PROT_READ | PROT_WRITE,
              .path = "/usr/bin/app" },
            { .start = MK_HEAP_BASE,
              .end = MK_HEAP_BASE + 0x10000000,
              .prot = PROT_READ | PROT_WRITE,
              .path = "[heap]" },
            { .start = MK_LIBC_BASE,
              .end = MK_LIBC_BASE + 0x200000,
              .prot = PROT_READ | PROT_EXEC,
              .path = "/lib/libc.so" },
            { .start = MK_STACK_BASE,
              .end = MK_STACK_BASE + 0x21000,
              .prot = PROT_READ | PROT_WRITE,
              .path = "[stack]" },
        };
        for (size_t i = 0; i < sizeof made_up / sizeof made_up[0]; i++)
            mk_mapping(t, &made_up[i]);
    }
    must(prof_writer_modules(writer(t), 0, 0, t->modules, t->module_count));
}

const char *mk_finish(struct mk_trace *t)
{
    if (t->finished)
        return t->path;
    mk_round(t);
    static const char *const defaults[] = {
        "program=app", "exe=/usr/bin/app", "cwd=/", "arg=app", "pid=4711", "ppid=1", "host=testhost", NULL,
    };
    must(prof_writer_meta(writer(t), defaults));
    must(prof_writer_meta(writer(t), (const char *const *)t->meta));
    write_modules(t);
    if (t->end_reason != 0) {
        struct trk_end end = { .at_us = t->now_us,
                               .reason = t->end_reason,
                               .value = t->end_value,
                               .records = t->records,
                               .slots = t->slots,
                               .loss = t->loss };
        must(prof_writer_end(writer(t), &end));
    }
    struct prof_writer *w = writer(t);
    t->writer = NULL;
    t->finished = true;
    must(prof_writer_close(w));
    return t->path;
}

struct prof_trace *mk_open(struct mk_trace *t)
{
    mk_finish(t);
    if (t->trace == NULL)
        must(prof_trace_open(t->path, &t->trace));
    return t->trace;
}

struct prof_heap *mk_heap_with(struct mk_trace *t, const struct prof_heap_options *options)
{
    mk_open(t);
    prof_heap_destroy(t->heap);
    t->heap = NULL;
    must(prof_heap_create(t->trace, options, &t->heap));
    return t->heap;
}

struct prof_heap *mk_heap(struct mk_trace *t)
{
    struct prof_heap_options options = { .keep_type_sites = true };
    return mk_heap_with(t, &options);
}
