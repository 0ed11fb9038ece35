/* fuzz_state.c: any bytes as a saved state, read into a heap that goes on with events when it was taken.
 *
 * The first byte chooses. Even: the rest is one part. Odd: it is a part without its heads, in a form that leaves the
 * fuzzer only the numbers: sections of (kind, rows, columns, per column width, form, base, values), which get correct
 * heads. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/heap.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PART_MAX = 1 << 16 };

static unsigned char part[PART_MAX];

static size_t put(size_t at, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(part + at, bytes, count);
    return at + count;
}

/* Sections with one to 255 rows, until the input or the part ends. */
static size_t make_part(const uint8_t *data, size_t size)
{
    struct trk_state_head head = { .version = TRK_STATE_VERSION, .flags = TRK_STATE_LAST };
    size_t to = put(0, &head, sizeof head);
    while (size >= 3 && to < PART_MAX - 8192) {
        struct {
            uint16_t kind;
            uint8_t flags, columns;
            uint32_t rows, bytes;
        } section = { .kind = data[0], .flags = 1, .columns = data[2] & 63, .rows = (data[1] & 7) + 1 };
        data += 3;
        size -= 3;
        size_t start = to + sizeof section, at = start;
        for (unsigned c = 0; c < section.columns && size >= 2; c++) {
            unsigned width = data[0] & 3, form = data[0] >> 2 & 1, base_bytes = data[0] >> 3 & 3;
            uint64_t base = 0;
            data++;
            size--;
            for (unsigned b = 0; b < base_bytes && size > 0; b++, size--)
                base = base << 8 | *data++;
            unsigned char column[2] = { (unsigned char)width, (unsigned char)form };
            at = put(at, column, sizeof column);
            at = put(at, &base, sizeof base);
            for (unsigned b = 0; b<width * section.rows; b++, size -= size> 0)
                part[at++] = size > 0 ? *data++ : 0;
        }
        while (at - start < (size_t)section.rows * 8)
            part[at++] = 0;
        section.bytes = (uint32_t)(at - start);
        put(to, &section, sizeof section);
        to = at;
    }
    return to;
}

static struct prof_trace *definitions(void)
{
    struct prof_trace *trace = NULL;
    struct {
        struct trk_type_def def;
        char name[8];
    } type = { .def = { .id = 1, .object_size = 64, .name_len = 4 }, .name = "type" };
    struct {
        uint32_t id, length;
        char text[8];
    } text = { 1, 4, "text" };
    if (prof_trace_live(&trace) != NULL || prof_trace_define(trace, TRK_BLOCK_TYPES, &type, sizeof type) != NULL ||
        prof_trace_define(trace, TRK_BLOCK_TEXTS, &text, sizeof text) != NULL)
        abort();
    return trace;
}

static void must_hold(const struct prof_heap *heap)
{
    const char *broken = prof_heap_check(heap);
    if (broken != NULL) {
        fprintf(stderr, "invariant: %s\n", broken);
        abort();
    }
}

static struct prof_error *ignore(void *ctx, const void *bytes, size_t size)
{
    (void)ctx;
    (void)bytes;
    (void)size;
    return NULL;
}

static void ignore_id(void *ctx, uint32_t id)
{
    (void)ctx;
    (void)id;
}

/* Events on what small numbers name. */
static void go_on(struct prof_heap *heap, const uint8_t *data, size_t size)
{
    struct prof_event events[64];
    size_t count = 0;
    for (; size >= 6 && count < 64; data += 6, size -= 6)
        events[count++] = (struct prof_event){ .op = data[0] % TRK_OP_COUNT_,
                                               .aux = data[1] & 7,
                                               .flags = data[2] & 15,
                                               .tid = data[2] >> 6,
                                               .addr = data[3],
                                               .size = data[4],
                                               .slot = data[5],
                                               .from = data[4],
                                               .count = data[1] >> 3,
                                               .stack = data[1] >> 4 };
    prof_error_destroy(prof_heap_apply(heap, events, count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prof_trace *trace;
    if (trace == NULL)
        trace = definitions();
    if (size == 0)
        return 0;
    const uint8_t *bytes = data + 1;
    size_t count = size - 1;
    if ((data[0] & 1) != 0) {
        count = make_part(bytes, count);
        bytes = part;
    }
    static const struct prof_heap_options options = { .keep_type_sites = true };
    struct prof_heap *heap = NULL;
    if (prof_heap_create_live(trace, &options, &heap) != NULL)
        abort();
    struct prof_error *error = prof_heap_restore(heap, NULL, bytes, count);
    struct trk_state_head head = { .flags = 0 };
    if (count >= sizeof head)
        memcpy(&head, bytes, sizeof head);
    if (error == NULL && (head.flags & TRK_STATE_LAST) != 0) {
        must_hold(heap);
        error = prof_heap_save(heap, ignore, NULL);
        if (error == NULL)
            error = prof_heap_cited(heap, ignore_id, ignore_id, NULL);
        if (error == NULL)
            go_on(heap, data + size / 2, size - size / 2);
        if (error == NULL)
            error = prof_heap_finish(heap);
        (void)prof_heap_freed_since(heap, data[size / 2]);
    }
    prof_error_destroy(error);
    prof_heap_destroy(heap);
    return 0;
}
