/* test_memory.c: checkpoints as MEMORY blocks: what is written is read again, whatever lies in it; lies about lengths,
 * order and parts are refused; damage costs the checkpoint it is in, and no other. MEMORY_RUNS checkpoints (60). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <base/vec.h>
#include <mktrace.h>
#include <prof/memory.h>
#include <rnd.h>
#include <rndmemory.h>

static void ok(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* ---- Through a file ---- */

enum { SEEN = 8 };
struct seen {
    const struct prof_memory *memories[SEEN];
    uint64_t events[SEEN]; /* before each */
    size_t count;
    uint64_t applied;
};

static struct prof_error *on_events(void *ctx, const struct prof_event *events, size_t n)
{
    struct seen *seen = ctx;
    (void)events;
    seen->applied += n;
    return NULL;
}

static struct prof_error *on_memory(void *ctx, const struct prof_memory *memory)
{
    struct seen *seen = ctx;
    assert_true(seen->count < SEEN);
    seen->events[seen->count] = seen->applied;
    seen->memories[seen->count++] = prof_memory_keep(memory);
    return NULL;
}

static const struct prof_trace_sink sink = { .events = on_events, .memory = on_memory };

static void forget(struct seen *seen)
{
    for (size_t i = 0; i < seen->count; i++)
        prof_memory_destroy(seen->memories[i]);
    *seen = (struct seen){ .count = 0 };
}

static unsigned runs(void)
{
    const char *told = getenv("MEMORY_RUNS");
    return told != NULL ? (unsigned)atoi(told) : 60;
}

static struct prof_writer *open_writer(const char *path, int level)
{
    struct prof_writer_options options = { .pid = 1, .created_ns = 1, .zstd_level = level, .force = true };
    struct prof_writer *writer = NULL;
    ok(prof_writer_open(path, &options, &writer));
    return writer;
}

static char *new_path(void)
{
    const char *dir = getenv("TMPDIR");
    char *path;
    assert_true(asprintf(&path, "%s/memory-XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp") > 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return path;
}

/* Some of them have several parts, with areas that go on from one to the next. */
static void written_is_read(void **state)
{
    (void)state;
    char *path = new_path();
    unsigned parts = 0;
    for (unsigned number = 0; number < runs(); number++) {
        seed(number);
        size_t words = number % 20 == 19 ? 300000 : number % 3 == 0 ? rnd(4) : rnd(3000);
        struct prof_memory *memory = random_memory(rnd, number, rnd(1 << 20), rnd(100), words);
        struct prof_writer *writer = open_writer(path, number % 2 == 0 ? 0 : 1);
        ok(prof_writer_memory(writer, memory));
        parts += prof_writer_blocks(writer) > 1;
        ok(prof_writer_close(writer));
        struct prof_trace *trace = NULL;
        struct seen seen = { .count = 0 };
        ok(prof_trace_open(path, &trace));
        const struct prof_trace_info *info = prof_trace_info(trace);
        assert_int_equal(info->memories, 1);
        assert_int_equal(info->memories_lost, 0);
        for (unsigned again = 0; again < 2; again++) {
            ok(prof_trace_replay(trace, &sink, &seen));
            assert_int_equal(seen.count, 1);
            if (!same_memory(memory, seen.memories[0]))
                fail_msg("checkpoint %u was not read as it was written", number);
            forget(&seen);
        }
        prof_trace_close(trace);
        prof_memory_destroy(memory);
    }
    assert_true(parts > 0);
    unlink(path);
    free(path);
}

/* ---- Parts by hand ---- */

struct bytes {
    PROF_VEC(unsigned char) vec;
};

static void add(struct bytes *b, const void *bytes, size_t count)
{
    assert_true(prof_vec_reserve(&b->vec, count));
    if (count > 0)
        memcpy(b->vec.items + b->vec.count, bytes, count);
    b->vec.count += count;
}

static void pad(struct bytes *b)
{
    static const unsigned char zero[8];
    add(b, zero, -b->vec.count & 7);
}

/* What a part says, in members that a test can change before it is built. */
struct part {
    struct trk_memory_head head;
    struct trk_memory_area areas[4];
    uint32_t steps[8];
    unsigned char hows[8];
    uint64_t values[8];
    struct trk_memory_count counts[2];
};

static struct bytes build(const struct part *p)
{
    struct bytes b = { { 0 } };
    uint32_t areas = p->head.areas < 4 ? p->head.areas : 4, words = p->head.words < 8 ? p->head.words : 8;
    uint32_t counts = p->head.counts < 2 ? p->head.counts : 2;
    add(&b, &p->head, sizeof p->head);
    add(&b, p->areas, areas * sizeof *p->areas);
    add(&b, p->steps, words * sizeof *p->steps);
    add(&b, p->hows, words);
    pad(&b);
    for (unsigned plane = 0; plane < 8; plane++)
        for (uint32_t i = 0; i < words; i++)
            add(&b, (const unsigned char *)&p->values[i] + plane, 1);
    add(&b, p->counts, counts * sizeof *p->counts);
    if (p->head.part == 0)
        add(&b, "name", p->head.name_bytes < 4 ? p->head.name_bytes : 4);
    pad(&b);
    return b;
}

/* A good one: registers, an area with two words, one with a wide gap, one that is empty. */
static struct part good(void)
{
    return (struct part){
        .head = { .version = 1,
                  .flags = TRK_MEMORY_LAST,
                  .number = 7,
                  .rung = TRK_RUNG_WAITING,
                  .why = TRK_LOOK_MARK,
                  .name_bytes = 4,
                  .areas = 4,
                  .words = 6,
                  .counts = 2 },
        .areas = { { .size = 216, .kind = TRK_AREA_REGISTERS, .tid = 5, .words = 1 },
                   { .start = 0x1000, .size = 0x18, .kind = TRK_AREA_ANON, .words = 2 },
                   { .start = 0x2000, .size = 0x200000000, .kind = TRK_AREA_MAPPED, .words = 3 },
                   { .start = 0x300000000, .size = 0, .kind = TRK_AREA_DATA } },
        .steps = { 208, 0, 16, 8, TRK_MEMORY_SKIP, 1 },
        .values = { 1, 2, 3, 4, 0, 0x1234567890abcdef },
        .counts = { { 0x10, 1 }, { 0x20, -1 } },
    };
}

/* Gives parts to a reader; NULL: all fine, with a checkpoint at the end or not. The caller owns both. */
static struct prof_error *read_parts(const struct part *parts, size_t count, struct prof_memory **ret)
{
    struct prof_memory_reader *reader = NULL;
    ok(prof_memory_reader_create(&reader));
    struct prof_error *error = NULL;
    *ret = NULL;
    for (size_t i = 0; i < count; i++) {
        struct bytes b = build(&parts[i]);
        struct prof_memory *made = NULL;
        struct prof_error *now = prof_memory_reader_add(reader, b.vec.items, b.vec.count, &made);
        if (made != NULL) {
            prof_memory_destroy(*ret);
            *ret = made;
        }
        if (error == NULL)
            error = now;
        else
            prof_error_destroy(now);
        prof_vec_deinit(&b.vec);
    }
    prof_memory_reader_destroy(reader);
    return error;
}

static void by_hand(void **state)
{
    (void)state;
    struct part part = good();
    struct prof_memory *memory;
    ok(read_parts(&part, 1, &memory));
    assert_non_null(memory);
    assert_string_equal(memory->name, "name");
    assert_int_equal(memory->rung, TRK_RUNG_WAITING);
    assert_int_equal(memory->area_count, 4);
    assert_int_equal(memory->word_count, 5);
    assert_int_equal(memory->words[0].at, 208);
    assert_int_equal(memory->words[2].at, 0x1010);
    assert_int_equal(memory->words[4].at, 0x2008 + (uint64_t)UINT32_MAX + 1);
    assert_int_equal(memory->words[4].value, 0x1234567890abcdef);
    assert_int_equal(memory->areas[2].first, 3);
    assert_int_equal(memory->areas[2].count, 2);
    assert_int_equal(memory->areas[3].count, 0);
    assert_int_equal(memory->counts[1].count, -1);
    prof_memory_destroy(memory);
}

/* What a decoding found may be stored in 4 bytes, the last ones of an area. */
static void half_words(void **state)
{
    (void)state;
    struct part part = good();
    struct prof_memory *memory;
    part.areas[1].size = 0x14;
    part.hows[2] = 2;
    ok(read_parts(&part, 1, &memory));
    assert_int_equal(memory->words[2].at, memory->areas[1].start + memory->areas[1].size - 4);
    prof_memory_destroy(memory);
}

/* Nothing in it at all: a checkpoint that found nothing. */
static void empty(void **state)
{
    (void)state;
    struct part part = { .head = { .version = 1, .flags = TRK_MEMORY_LAST, .rung = TRK_RUNG_STOPPED } };
    struct prof_memory *memory;
    ok(read_parts(&part, 1, &memory));
    assert_non_null(memory);
    assert_int_equal(memory->area_count + memory->word_count + memory->count_count, 0);
    assert_string_equal(memory->name, "");
    prof_memory_destroy(memory);
}

static void refused(const struct part *parts, size_t count, const char *what)
{
    struct prof_memory *memory;
    struct prof_error *error = read_parts(parts, count, &memory);
    if (error == NULL)
        fail_msg("this was taken: %s", what);
    assert_null(memory);
    assert_int_equal(error->code, PROF_ERROR_FORMAT);
    if (strstr(error->message, what) == NULL)
        fail_msg("'%s' does not speak of '%s'", error->message, what);
    prof_error_destroy(error);
}

#define REFUSED(what, ...)                                                                                             \
    do {                                                                                                               \
        struct part p = good();                                                                                        \
        __VA_ARGS__;                                                                                                   \
        refused(&p, 1, what);                                                                                          \
    } while (0)

static void lies(void **state)
{
    (void)state;
    REFUSED("no version", p.head.version = 0);
    REFUSED("an unknown way", p.head.rung = 0);
    REFUSED("an unknown way", p.head.rung = 4);
    REFUSED("less in it", p.head.areas = 5);
    REFUSED("less in it", p.head.areas = UINT32_MAX);
    REFUSED("less in it", p.head.words = UINT32_MAX);
    REFUSED("less in it", p.head.counts = UINT32_MAX);
    REFUSED("less in it", p.head.counts = 3);
    REFUSED("less in it", p.head.name_bytes = UINT16_MAX);
    REFUSED("words without an area", p.head.words = 7);
    REFUSED("words of another", p.head.words = 5);
    REFUSED("words of another", p.areas[1].words = UINT32_MAX);
    REFUSED("an unknown kind", p.areas[1].kind = 0);
    REFUSED("an unknown kind", p.areas[1].kind = TRK_AREA_MAPPED + 1);
    REFUSED("an unknown kind", p.areas[1].kind = UINT32_MAX);
    REFUSED("out of order", p.areas[1].start = 0x2000);
    REFUSED("out of order", p.areas[2].start = 0x1010);
    REFUSED("out of order", p.areas[3].kind = TRK_AREA_REGISTERS; p.areas[3].start = 0);
    REFUSED("do not begin at 0", p.areas[0].start = 8);
    REFUSED("registers of one thread twice", p.areas[1] = p.areas[0]);
    REFUSED("behind all addresses", p.areas[3].start = (uint64_t)1 << 60);
    REFUSED("behind all addresses", p.areas[3].size = UINT64_MAX - 0x1000);
    REFUSED("behind all addresses", p.areas[3].start = UINT64_MAX; p.areas[3].size = 2);
    REFUSED("larger than any", p.areas[3].size = ((uint64_t)1 << 48) + 1);
    REFUSED("outside of its area", p.steps[0] = 209);
    REFUSED("outside of its area", p.steps[2] = 17);
    REFUSED("outside of its area", p.areas[1].size = 7; p.steps[1] = 0);
    REFUSED("outside of its area", p.areas[1].size = 0x14; p.hows[2] = 0);
    REFUSED("outside of its area", p.areas[1].size = 0x13; p.hows[2] = 2);
    REFUSED("words out of order", p.steps[2] = 0);
    REFUSED("words out of order", p.steps[2] = 0; p.hows[1] = p.hows[2] = 3);
    REFUSED("outside of its area", p.steps[3] = TRK_MEMORY_SKIP; p.areas[2].size = 0x1000);
    REFUSED("counts out of order", p.counts[1].addr = 0x10);
}

/* Skipping adds up beyond 32 bits, never beyond all addresses. */
static void far_steps(void **state)
{
    (void)state;
    struct part p = good();
    for (size_t i = 3; i < 5; i++)
        p.steps[i] = TRK_MEMORY_SKIP;
    p.steps[5] = 5;
    p.areas[2].size = 0x400000000;
    p.head.areas = 3;
    struct prof_memory *memory;
    ok(read_parts(&p, 1, &memory));
    assert_int_equal(memory->words[3].at, 0x2000 + 2 * (uint64_t)UINT32_MAX + 5);
    prof_memory_destroy(memory);
    struct prof_memory_area area = { .start = 0, .size = (uint64_t)1 << 48, .kind = TRK_AREA_ANON, .count = 2 };
    struct prof_memory_word words[2] = { { .at = 1, .value = 1 }, { .at = ((uint64_t)1 << 48) - 8, .value = 2 } };
    struct prof_memory far = {
        .rung = TRK_RUNG_STOPPED, .name = "", .areas = &area, .area_count = 1, .words = words, .word_count = 2
    };
    char *path = new_path();
    struct prof_writer *writer = open_writer(path, 1);
    ok(prof_writer_memory(writer, &far));
    ok(prof_writer_close(writer));
    struct prof_trace *trace = NULL;
    struct seen seen = { .count = 0 };
    ok(prof_trace_open(path, &trace));
    ok(prof_trace_replay(trace, &sink, &seen));
    assert_int_equal(seen.count, 1);
    assert_true(same_memory(&far, seen.memories[0]));
    forget(&seen);
    prof_trace_close(trace);
    unlink(path);
    free(path);
}

/* The second part goes on in the last area of the first. */
static void two_parts(struct part parts[2])
{
    parts[0] = good();
    parts[0].head.flags = 0;
    parts[0].head.areas = 2;
    parts[0].head.words = 2;
    parts[0].areas[1].words = 1;
    parts[0].areas[1].size = 0x40;
    parts[0].head.counts = 1;
    parts[1] = good();
    parts[1].head.part = 1;
    parts[1].head.areas = 2;
    parts[1].head.words = 2;
    parts[1].head.counts = 1;
    parts[1].areas[0] = parts[0].areas[1];
    parts[1].areas[1] = (struct trk_memory_area){ .start = 0x5000, .size = 8, .kind = TRK_AREA_TLS, .words = 1 };
    parts[1].steps[0] = 8;
    parts[1].steps[1] = 0;
    parts[1].counts[0].addr = 0x11;
}

/* One place, read in several ways, also across parts. */
static void several_meanings(void **state)
{
    (void)state;
    struct part p = good();
    p.steps[2] = 0;
    p.hows[2] = 3;
    struct prof_memory *memory;
    ok(read_parts(&p, 1, &memory));
    assert_int_equal(memory->words[2].at, memory->words[1].at);
    assert_int_equal(memory->words[2].how, 3);
    prof_memory_destroy(memory);
    struct part parts[2];
    two_parts(parts);
    parts[1].steps[0] = 0;
    parts[1].hows[0] = 1;
    ok(read_parts(parts, 2, &memory));
    assert_int_equal(memory->words[2].at, memory->words[1].at);
    assert_int_equal(memory->areas[1].count, 2);
    prof_memory_destroy(memory);
}

static void several_parts(void **state)
{
    (void)state;
    struct part parts[2];
    struct prof_memory *memory;
    two_parts(parts);
    ok(read_parts(parts, 2, &memory));
    assert_int_equal(memory->area_count, 3);
    assert_int_equal(memory->word_count, 4);
    assert_int_equal(memory->areas[1].count, 2);
    assert_int_equal(memory->words[2].at, 0x1008);
    assert_int_equal(memory->areas[2].first, 3);
    assert_int_equal(memory->count_count, 2);
    prof_memory_destroy(memory);
    parts[1].steps[0] = 0; /* the same place again */
    refused(parts, 2, "words out of order");
    two_parts(parts);
    parts[1].areas[0].size++; /* another area */
    refused(parts, 2, "areas out of order");
    two_parts(parts);
    parts[1].counts[0].addr = 0x10;
    refused(parts, 2, "counts out of order");
    two_parts(parts);
    parts[1].head.part = 2;
    refused(parts, 2, "no parts before it");
    two_parts(parts);
    parts[1].head.number++;
    refused(parts, 2, "no parts before it");
    refused(parts + 1, 1, "no parts before it");
}

/* What cannot be used ends only the checkpoint that it belongs to. */
static void bad_parts_end_one(void **state)
{
    (void)state;
    struct part parts[4];
    struct prof_memory *memory;
    two_parts(parts);
    parts[2] = good();
    parts[2].head.number = 8;
    parts[1].areas[1].kind = 0;
    struct prof_error *error = read_parts(parts, 3, &memory);
    assert_non_null(error);
    prof_error_destroy(error);
    assert_non_null(memory);
    assert_int_equal(memory->number, 8);
    prof_memory_destroy(memory);
    /* its later parts are no news; a newer version is none of ours; a first part begins anew */
    two_parts(parts);
    parts[0].steps[0] = 1000;
    parts[2] = parts[1];
    struct prof_memory_reader *reader = NULL;
    ok(prof_memory_reader_create(&reader));
    for (size_t i = 0; i < 3; i++) {
        struct bytes b = build(&parts[i]);
        error = prof_memory_reader_add(reader, b.vec.items, b.vec.count, &memory);
        assert_int_equal(error != NULL, i == 0);
        prof_error_destroy(error);
        prof_vec_deinit(&b.vec);
    }
    prof_memory_reader_destroy(reader);
    two_parts(parts + 2);
    parts[0] = good();
    parts[0].head.version = TRK_MEMORY_VERSION + 1;
    parts[1] = parts[2]; /* has no second part */
    ok(read_parts(parts, 4, &memory));
    assert_int_equal(memory->word_count, 4);
    prof_memory_destroy(memory);
}

/* Cut anywhere, and with any byte changed: refused, or something in order. */
static void any_bytes(void **state)
{
    (void)state;
    struct part part = good();
    struct bytes b = build(&part);
    seed(1);
    for (unsigned n = 0; n < b.vec.count + 20000; n++) {
        /* memory of its own size: reading behind it is seen */
        size_t length = n < b.vec.count ? n : b.vec.count;
        unsigned char *bytes = malloc(length + 1);
        assert_non_null(bytes);
        memcpy(bytes, b.vec.items, length);
        for (uint64_t k = n < b.vec.count ? 0 : 1 + rnd(3); k > 0; k--)
            bytes[rnd(length)] = rnd(3) == 0 ? 0xff : (unsigned char)rnd(256);
        struct prof_memory_reader *reader = NULL;
        struct prof_memory *memory = NULL, *copy = NULL;
        ok(prof_memory_reader_create(&reader));
        struct prof_error *error = prof_memory_reader_add(reader, bytes, length, &memory);
        if (n < b.vec.count - 4) /* the last bytes pad */
            assert_non_null(error);
        if (error != NULL)
            assert_int_equal(error->code, PROF_ERROR_FORMAT);
        if (memory != NULL) {
            ok(prof_memory_copy(memory, &copy));
            prof_memory_destroy(copy);
        }
        prof_error_destroy(error);
        prof_memory_destroy(memory);
        prof_memory_reader_destroy(reader);
        free(bytes);
    }
    prof_vec_deinit(&b.vec);
}

/* Who writes one that is out of order is told. */
static void writers_are_told(void **state)
{
    (void)state;
    char *path = new_path();
    struct prof_writer *writer = open_writer(path, 0);
    struct prof_memory_area areas[2] = { { .start = 0x2000, .size = 0x100, .kind = TRK_AREA_ANON, .count = 1 },
                                         { .start = 0x1000, .size = 0x100, .kind = TRK_AREA_ANON, .first = 1 } };
    struct prof_memory_word word = { .at = 0x2000, .value = 1 };
    struct prof_memory memory = {
        .number = 3, .name = "", .areas = areas, .area_count = 2, .words = &word, .word_count = 1
    };
    struct prof_error *error = prof_writer_memory(writer, &memory);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_ARGUMENT);
    assert_string_equal(error->message, "checkpoint 3 has areas out of order");
    prof_error_destroy(error);
    assert_int_equal(prof_writer_blocks(writer), 0);
    ok(prof_writer_close(writer));
    unlink(path);
    free(path);
}

/* ---- Damaged files ---- */

/* Three checkpoints between events, the second of several parts. */
static struct mk_trace *example(int level)
{
    struct mk_trace *t = mk_create();
    mk_compress(t, level);
    for (uint32_t i = 0; i < 3; i++) {
        mk_alloc(t, 0x1000 * (i + 1), 64, "a.c:1");
        mk_time(t, 100 * (i + 1));
        mk_memory_begin(t, TRK_RUNG_STOPPED);
        mk_memory_area(t, TRK_AREA_ANON, 0, 0x100000, 0x1000000);
        for (uint64_t k = 0; k < (i == 1 ? 200000 : 3); k++)
            mk_memory_word(t, 0x100000 + 8 * k, k * k);
        mk_memory_end(t);
    }
    mk_alloc(t, 0x8000, 64, "a.c:1");
    return t;
}

/* Where each MEMORY block's payload stands, and its bytes. */
struct places {
    size_t at[16], bytes[16], count;
};

static unsigned char *read_file(const char *path, size_t *ret)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned char *bytes = malloc(8 << 20);
    assert_non_null(bytes);
    *ret = fread(bytes, 1, 8 << 20, file);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const unsigned char *bytes, size_t count)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static struct places find_parts(const unsigned char *bytes, size_t size)
{
    struct places places = { .count = 0 };
    for (size_t at = sizeof(struct trk_file_header); at + sizeof(struct trk_block) <= size;) {
        struct trk_block block;
        memcpy(&block, bytes + at, sizeof block);
        at += sizeof block;
        if (block.kind == TRK_BLOCK_MEMORY) {
            places.at[places.count] = at;
            places.bytes[places.count++] = block.stored;
        }
        at += block.stored;
    }
    return places;
}

static char lost_text[200]; /* what the last replay said to be lost */

/* Replays; the numbers of the checkpoints that came, as one number: 13 stands for 1 and 3. */
static unsigned numbers(const char *path, struct prof_trace_info *ret_info, unsigned *ret_events)
{
    struct prof_trace *trace = NULL;
    struct seen seen = { .count = 0 };
    unsigned told = 0;
    ok(prof_trace_open(path, &trace));
    ok(prof_trace_replay(trace, &sink, &seen));
    for (size_t i = 0; i < seen.count; i++) {
        told = told * 10 + seen.memories[i]->number;
        assert_int_equal(seen.events[i], seen.memories[i]->number);
    }
    *ret_events = (unsigned)seen.applied;
    *ret_info = *prof_trace_info(trace);
    snprintf(lost_text, sizeof lost_text, "%s", ret_info->memory_damage != NULL ? ret_info->memory_damage : "");
    assert_int_equal(ret_info->memory_damage != NULL, ret_info->memories_lost > 0);
    assert_int_equal(ret_info->memories, seen.count);
    forget(&seen);
    prof_trace_close(trace);
    return told;
}

static void damage_costs_one(void **state)
{
    (void)state;
    static const unsigned left[] = { 23, 13, 13, 13, 12 };
    for (int level = 0; level < 2; level++) {
        struct mk_trace *t = example(level);
        size_t size;
        unsigned events;
        struct prof_trace_info info;
        const char *path = mk_finish(t);
        assert_int_equal(numbers(path, &info, &events), 123);
        assert_int_equal(info.memories_lost, 0);
        assert_int_equal(events, 4);
        unsigned char *bytes = read_file(path, &size);
        struct places places = find_parts(bytes, size);
        assert_int_equal(places.count, 5);
        for (size_t i = 0; i < places.count; i++) {
            for (unsigned where = 0; where < 3; where++) { /* in the head, in the middle, at the end */
                size_t at = places.at[i] + (where == 0 ? 8 : where == 1 ? places.bytes[i] / 2 : places.bytes[i] - 1);
                bytes[at] ^= 0x40;
                write_file(path, bytes, size);
                unsigned came = numbers(path, &info, &events);
                if (came != left[i])
                    fail_msg("part %zu damaged at %zu: %u came", i, at - places.at[i], came);
                assert_null(info.damage);
                assert_int_equal(events, 4); /* nothing else is lost */
                assert_true(info.memories_lost > 0);
                bytes[at] ^= 0x40;
            }
        }
        free(bytes);
        mk_destroy(t);
    }
}

/* A file that ends early keeps the checkpoints before its end. */
static void cut_anywhere(void **state)
{
    (void)state;
    struct mk_trace *t = example(1);
    size_t size;
    const char *path = mk_finish(t);
    unsigned char *bytes = read_file(path, &size);
    struct places places = find_parts(bytes, size);
    for (size_t cut = sizeof(struct trk_file_header); cut < size; cut += cut < places.at[1] ? 1 : 1 + size / 500) {
        write_file(path, bytes, cut);
        struct prof_trace_info info;
        unsigned events, came = numbers(path, &info, &events), want = 0;
        want = cut >= places.at[0] + places.bytes[0] ? 1 : want;
        want = cut >= places.at[3] + places.bytes[3] ? 12 : want;
        want = cut >= places.at[4] + places.bytes[4] ? 123 : want;
        if (came != want)
            fail_msg("cut at %zu of %zu: %u came, not %u", cut, size, came, want);
    }
    free(bytes);
    mk_destroy(t);
}

/* Without a part in the middle of a checkpoint, as when the disk was full. */
static void lost_part(void **state)
{
    (void)state;
    struct mk_trace *t = example(1);
    size_t size;
    const char *path = mk_finish(t);
    unsigned char *bytes = read_file(path, &size);
    struct places places = find_parts(bytes, size);
    for (size_t i = 1; i < 4; i++) {
        unsigned char *fewer = malloc(size);
        assert_non_null(fewer);
        size_t from = places.at[i] - sizeof(struct trk_block), to = places.at[i] + places.bytes[i], left = from;
        memcpy(fewer, bytes, from);
        memcpy(fewer + from, bytes + to, size - to);
        left += size - to;
        /* numbers of blocks have no gap */
        uint64_t seq = 0;
        for (size_t at = sizeof(struct trk_file_header); at < left; seq++) {
            struct trk_block block;
            memcpy(&block, fewer + at, sizeof block);
            block.seq = seq;
            memcpy(fewer + at, &block, sizeof block);
            at += sizeof block + block.stored;
        }
        write_file(path, fewer, left);
        free(fewer);
        struct prof_trace_info info;
        unsigned events;
        assert_int_equal(numbers(path, &info, &events), 13);
        assert_int_equal(info.memories_lost, 1);
        assert_int_equal(events, 4);
        assert_non_null(strstr(lost_text, "checkpoint 2 cannot be used (block "));
    }
    free(bytes);
    mk_destroy(t);
}

/* ---- Live ---- */

static void live(void **state)
{
    (void)state;
    struct seen seen = { .count = 0 };
    struct prof_merge *merge = NULL;
    ok(prof_merge_create(0, &sink, &seen, &merge));
    seed(5);
    for (uint64_t round = 0; round < 6; round++) {
        struct trk_slot slots[2] = { { .w0 = (uint64_t)TRK_OP_ALLOC << TRK_OP_SHIFT | (0x1000 + 0x100 * round)
                                                                                          << TRK_ADDR_SHIFT,
                                       .w1 = (uint64_t)64 << TRK_ARG_SHIFT } };
        struct trk_events_head head = { .tid = 1, .round = round, .slots = 1 };
        ok(prof_merge_add(merge, &head, slots));
        if (round % 2 == 1) {
            struct prof_memory *memory = random_memory(rnd, (uint32_t)round, 1, round, 20);
            ok(prof_merge_memory(merge, memory));
            prof_memory_destroy(memory);
        }
        if (round > 0)
            ok(prof_merge_run(merge, round - 1));
    }
    assert_int_equal(seen.count, 2);
    /* one that comes when later events were handed on says so */
    struct prof_memory *memory = random_memory(rnd, 9, 1, 2, 20);
    ok(prof_merge_memory(merge, memory));
    prof_memory_destroy(memory);
    ok(prof_merge_run(merge, UINT64_MAX));
    assert_int_equal(seen.count, 4);
    static const uint64_t before[] = { 2, 4, 6, 6 };
    static const uint32_t number[] = { 1, 3, 5, 9 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(seen.memories[i]->number, number[i]);
        assert_int_equal(seen.events[i], before[i]);
        assert_int_equal(seen.memories[i]->late, i == 3);
    }
    forget(&seen);
    prof_merge_destroy(merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(half_words),
        cmocka_unit_test(empty),
        cmocka_unit_test(lies),
        cmocka_unit_test(far_steps),
        cmocka_unit_test(several_meanings),
        cmocka_unit_test(several_parts),
        cmocka_unit_test(bad_parts_end_one),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(writers_are_told),
        cmocka_unit_test(damage_costs_one),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(lost_part),
        cmocka_unit_test(live),
    };
    return cmocka_run_group_tests_name("input: memory", tests, NULL, NULL);
}
