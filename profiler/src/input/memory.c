/* memory.c: what memory said at a checkpoint: MEMORY blocks to struct prof_memory, every byte distrusted, and back. */
#include <prof/memory.h>

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "writer.h"

enum { WORD_BYTES = 8, WORD_LEAST = 4 /* of a decoding */ };
#define AREA_END   ((uint64_t)1 << 56) /* behind the last address that a word can stand at */
#define AREA_BYTES ((uint64_t)1 << 48) /* so that all skipping between two words fits into a part */

/* A checkpoint with what it points to. */
struct made {
    struct prof_memory pub;
    size_t users;
    PROF_VEC(struct prof_memory_area) areas;
    PROF_VEC(struct prof_memory_word) words;
    PROF_VEC(struct trk_memory_count) counts;
    char *name;
};

static size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* ---- The object ---- */

static struct made *made_create(void)
{
    struct made *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->users = 1;
    return made;
}

static void made_destroy(struct made *made)
{
    if (made == NULL)
        return;
    prof_vec_deinit(&made->areas);
    prof_vec_deinit(&made->words);
    prof_vec_deinit(&made->counts);
    free(made->name);
    free(made);
}

static bool take_name(struct made *made, const char *name, size_t bytes)
{
    made->name = calloc(bytes + 1, 1);
    if (made->name == NULL)
        return false;
    if (bytes > 0)
        memcpy(made->name, name, bytes);
    return true;
}

/* Nothing is added any more. */
static struct prof_memory *finish(struct made *made)
{
    struct prof_memory *pub = &made->pub;
    pub->name = made->name;
    pub->areas = made->areas.items;
    pub->area_count = made->areas.count;
    pub->words = made->words.items;
    pub->word_count = made->words.count;
    pub->counts = made->counts.items;
    pub->count_count = made->counts.count;
    return pub;
}

void prof_memory_destroy(const struct prof_memory *memory)
{
    struct made *made = (struct made *)(uintptr_t)memory;
    if (made != NULL && --made->users == 0)
        made_destroy(made);
}

const struct prof_memory *prof_memory_keep(const struct prof_memory *memory)
{
    ((struct made *)(uintptr_t)memory)->users++;
    return memory;
}

/* ---- Order ---- */

/* May the area stand behind the one before (NULL: the first)? A static text says why not. */
static const char *check_area(const struct prof_memory_area *area, const struct prof_memory_area *before)
{
    if (area->kind < TRK_AREA_ANON || area->kind > TRK_AREA_MAPPED)
        return "an area of an unknown kind";
    if (area->start > AREA_END || area->size > AREA_END - area->start)
        return "an area that ends behind all addresses";
    if (area->size > AREA_BYTES)
        return "an area larger than any machine has";
    if (area->kind == TRK_AREA_REGISTERS && area->start != 0)
        return "registers that do not begin at 0";
    if (before == NULL)
        return NULL;
    if (before->kind == TRK_AREA_REGISTERS)
        return area->kind == TRK_AREA_REGISTERS && area->tid == before->tid ? "registers of one thread twice" : NULL;
    if (area->kind == TRK_AREA_REGISTERS || area->start < before->start + before->size)
        return "areas out of order";
    return NULL;
}

/* May the word stand behind the one before of its area (NULL: it is the first)? */
static const char *check_word(const struct prof_memory_area *area, const struct prof_memory_word *word,
                              const struct prof_memory_word *before)
{
    uint64_t at = word->at, bytes = word->how == 0 ? WORD_BYTES : WORD_LEAST;
    if (before != NULL && (at < before->at || (at == before->at && word->how <= before->how)))
        return "words out of order";
    if (at < area->start || at - area->start > area->size || area->size - (at - area->start) < bytes)
        return "a word outside of its area";
    return NULL;
}

static const char *check(const struct prof_memory *memory)
{
    const char *what = NULL;
    size_t next = 0;
    for (size_t i = 0; i < memory->area_count && what == NULL; i++) {
        const struct prof_memory_area *area = &memory->areas[i];
        what = check_area(area, i > 0 ? area - 1 : NULL);
        if (what == NULL && (area->first != next || area->count > memory->word_count - next))
            what = "an area with words of another";
        for (size_t k = 0; k < area->count && what == NULL; k++, next++)
            what = check_word(area, &memory->words[next], k > 0 ? &memory->words[next - 1] : NULL);
    }
    if (what == NULL && next != memory->word_count)
        what = "words without an area";
    for (size_t i = 1; i < memory->count_count && what == NULL; i++)
        if (memory->counts[i].addr <= memory->counts[i - 1].addr)
            what = "counts out of order";
    if (what == NULL && strlen(memory->name) > UINT16_MAX)
        what = "a name that is too long";
    return what;
}

static struct prof_error *not_in_order(const struct prof_memory *memory)
{
    const char *what = check(memory);
    return what != NULL ? prof_error_create(PROF_ERROR_ARGUMENT, "checkpoint %u has %s", memory->number, what) : NULL;
}

struct prof_error *prof_memory_copy(const struct prof_memory *memory, struct prof_memory **ret)
{
    struct prof_error *error = not_in_order(memory);
    if (error != NULL)
        return error;
    struct made *made = made_create();
    if (made == NULL || !prof_vec_reserve(&made->areas, memory->area_count) ||
        !prof_vec_reserve(&made->words, memory->word_count) || !prof_vec_reserve(&made->counts, memory->count_count) ||
        !take_name(made, memory->name, strlen(memory->name))) {
        made_destroy(made);
        return prof_error_memory();
    }
    made->pub = *memory;
    for (size_t i = 0; i < memory->area_count; i++)
        made->areas.items[made->areas.count++] = memory->areas[i];
    for (size_t i = 0; i < memory->word_count; i++)
        made->words.items[made->words.count++] = memory->words[i];
    for (size_t i = 0; i < memory->count_count; i++)
        made->counts.items[made->counts.count++] = memory->counts[i];
    *ret = finish(made);
    return NULL;
}

/* ---- Reading ---- */

struct prof_memory_reader {
    struct made *made; /* being put together; NULL: nothing is */
    uint32_t part;     /* that comes next */
    bool lost;         /* parts of this number are stepped over */
    uint32_t lost_number;
};

struct prof_error *prof_memory_reader_create(struct prof_memory_reader **ret)
{
    struct prof_memory_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return prof_error_memory();
    *ret = reader;
    return NULL;
}

static void drop(struct prof_memory_reader *reader)
{
    made_destroy(reader->made);
    reader->made = NULL;
}

void prof_memory_reader_destroy(struct prof_memory_reader *reader)
{
    if (reader == NULL)
        return;
    drop(reader);
    free(reader);
}

/* Where the members of a part stand in its payload. */
struct part {
    struct trk_memory_head head;
    const unsigned char *areas, *steps, *hows, *values, *counts, *name;
};

static const char *split_part(const unsigned char *payload, size_t bytes, struct part *ret)
{
    struct trk_memory_head *head = &ret->head;
    memcpy(head, payload, sizeof *head);
    /* None of these can overflow: the counts have 32 bits. */
    size_t name_bytes = head->part == 0 ? head->name_bytes : 0;
    size_t steps = sizeof *head + (size_t)head->areas * sizeof(struct trk_memory_area);
    size_t hows = steps + (size_t)head->words * sizeof(uint32_t);
    size_t values = padded(hows + head->words);
    size_t counts = values + (size_t)head->words * WORD_BYTES;
    size_t name = counts + (size_t)head->counts * sizeof(struct trk_memory_count);
    if (name > bytes || name_bytes > bytes - name)
        return "less in it than it says";
    ret->areas = payload + sizeof *head;
    ret->steps = payload + steps;
    ret->hows = payload + hows;
    ret->values = payload + values;
    ret->counts = payload + counts;
    ret->name = payload + name;
    return NULL;
}

static const char *begin_checkpoint(struct prof_memory_reader *reader, const struct part *part)
{
    const struct trk_memory_head *head = &part->head;
    drop(reader);
    reader->part = 0;
    reader->made = made_create();
    if (reader->made == NULL || !take_name(reader->made, (const char *)part->name, head->name_bytes))
        return ""; /* no memory */
    return NULL;
}

/* The last part knows how it went. */
static const char *take_head(struct prof_memory_reader *reader, const struct trk_memory_head *head)
{
    if (head->rung < TRK_RUNG_STOPPED || head->rung > TRK_RUNG_CONFIRMED)
        return "an unknown way of reading";
    struct prof_memory *pub = &reader->made->pub;
    *pub = (struct prof_memory){ .number = head->number,
                                 .rung = head->rung,
                                 .why = head->why,
                                 .cut = (head->flags & TRK_MEMORY_CUT) != 0,
                                 .single = (head->flags & TRK_MEMORY_SINGLE) != 0,
                                 .at_us = head->at_us,
                                 .round = head->round,
                                 .pause_us = head->pause_us,
                                 .took_us = head->took_us,
                                 .read_bytes = head->read_bytes,
                                 .unread_bytes = head->unread_bytes,
                                 .threads = head->threads,
                                 .threads_unread = head->threads_unread };
    return NULL;
}

static bool same_area(const struct prof_memory_area *a, const struct prof_memory_area *b)
{
    return a->start == b->start && a->size == b->size && a->kind == b->kind && a->tid == b->tid;
}

/* The entry of an area: a new one, or (first of a part) the last one again. */
static const char *take_area(struct prof_memory_reader *reader, const struct prof_memory_area *area, bool first)
{
    struct made *made = reader->made;
    struct prof_memory_area *before = made->areas.count > 0 ? &made->areas.items[made->areas.count - 1] : NULL;
    if (first && before != NULL && same_area(area, before))
        return NULL;
    const char *what = check_area(area, before);
    if (what != NULL)
        return what;
    return prof_vec_push(&made->areas, *area) ? NULL : "";
}

static uint64_t value_of(const struct part *part, size_t i)
{
    uint64_t value = 0;
    for (unsigned plane = 0; plane < WORD_BYTES; plane++)
        value |= (uint64_t)part->values[plane * (size_t)part->head.words + i] << 8 * plane;
    return value;
}

/* `count` steps from number `first` on, for the last area. */
static const char *take_words(struct prof_memory_reader *reader, const struct part *part, size_t first, size_t count)
{
    struct made *made = reader->made;
    struct prof_memory_area *area = &made->areas.items[made->areas.count - 1];
    const struct prof_memory_word *before = area->count > 0 ? &made->words.items[area->first + area->count - 1] : NULL;
    uint64_t at = before != NULL ? before->at : area->start;
    for (size_t i = first; i < first + count; i++) {
        uint32_t step;
        memcpy(&step, part->steps + i * sizeof step, sizeof step);
        at += step; /* no overflow: before a word it is checked, and 2^20 blocks of steps are below 2^56 */
        if (at > AREA_END)
            return "a word outside of its area";
        if (step == TRK_MEMORY_SKIP)
            continue;
        struct prof_memory_word word = { .at = at, .how = part->hows[i], .value = value_of(part, i) };
        const char *what = check_word(area, &word, before);
        if (what != NULL)
            return what;
        /* There is room: reserved for the whole part. */
        before = &made->words.items[made->words.count];
        made->words.items[made->words.count++] = word;
        area->count++;
    }
    return NULL;
}

static const char *take_areas(struct prof_memory_reader *reader, const struct part *part)
{
    struct made *made = reader->made;
    size_t next = 0;
    if (!prof_vec_reserve(&made->words, part->head.words))
        return "";
    for (uint32_t i = 0; i < part->head.areas; i++) {
        struct trk_memory_area stored;
        memcpy(&stored, part->areas + i * sizeof stored, sizeof stored);
        struct prof_memory_area area = { .start = stored.start,
                                         .size = stored.size,
                                         .kind = stored.kind,
                                         .tid = stored.tid,
                                         .first = made->words.count };
        const char *what = take_area(reader, &area, i == 0 && part->head.part > 0);
        if (what == NULL && stored.words > part->head.words - next)
            what = "an area with words of another";
        if (what == NULL)
            what = take_words(reader, part, next, stored.words);
        if (what != NULL)
            return what;
        next += stored.words;
    }
    return next == part->head.words ? NULL : "words without an area";
}

static const char *take_counts(struct made *made, const struct part *part)
{
    if (!prof_vec_reserve(&made->counts, part->head.counts))
        return "";
    for (uint32_t i = 0; i < part->head.counts; i++) {
        struct trk_memory_count count;
        memcpy(&count, part->counts + i * sizeof count, sizeof count);
        size_t have = made->counts.count;
        if (have > 0 && count.addr <= made->counts.items[have - 1].addr)
            return "counts out of order";
        made->counts.items[made->counts.count++] = count;
    }
    return NULL;
}

/* Static text: what is wrong with the part, "" no memory. */
static const char *take_part(struct prof_memory_reader *reader, const unsigned char *payload, size_t bytes,
                             const struct trk_memory_head *head)
{
    struct part part;
    if (head->version == 0)
        return "no version";
    const char *what = split_part(payload, bytes, &part);
    if (what == NULL && head->part == 0)
        what = begin_checkpoint(reader, &part);
    else if (what == NULL &&
             (reader->made == NULL || reader->made->pub.number != head->number || reader->part != head->part))
        what = "no parts before it";
    if (what == NULL)
        what = take_head(reader, head);
    if (what == NULL)
        what = take_areas(reader, &part);
    if (what == NULL)
        what = take_counts(reader->made, &part);
    reader->part++;
    return what;
}

struct prof_error *prof_memory_reader_add(struct prof_memory_reader *reader, const void *payload, size_t bytes,
                                          struct prof_memory **ret)
{
    struct trk_memory_head head = { .number = 0 };
    const char *what = NULL;
    bool whole = bytes >= sizeof head;
    memcpy(&head, payload, whole ? sizeof head : 0);
    if (!whole) {
        what = "no whole head";
    } else if (head.version > TRK_MEMORY_VERSION ||
               (reader->lost && head.part > 0 && head.number == reader->lost_number)) {
        drop(reader);
        *ret = NULL;
        return NULL;
    } else {
        what = take_part(reader, payload, bytes, &head);
    }
    reader->lost = what != NULL;
    reader->lost_number = head.number;
    if (what != NULL) {
        drop(reader);
        if (what[0] == '\0')
            return prof_error_memory();
        return prof_error_create(PROF_ERROR_FORMAT, "part %u of checkpoint %u has %s", head.part + 1, head.number,
                                 what);
    }
    *ret = NULL;
    if ((head.flags & TRK_MEMORY_LAST) != 0) {
        *ret = finish(reader->made);
        reader->made = NULL;
    }
    return NULL;
}

/* ---- Writing ---- */

static struct prof_error *write_parts(struct prof_memory_writer *out, const struct prof_memory *memory)
{
    struct prof_error *error = NULL;
    for (size_t i = 0; i < memory->area_count && error == NULL; i++) {
        const struct prof_memory_area *area = &memory->areas[i];
        error = prof_memory_writer_area(out, area);
        if (error == NULL)
            error = prof_memory_writer_words(out, memory->words + area->first, area->count);
    }
    if (error == NULL)
        error = prof_memory_writer_counts(out, memory->counts, memory->count_count);
    return error;
}

struct prof_error *prof_writer_memory(struct prof_writer *writer, const struct prof_memory *memory)
{
    struct prof_memory_writer *out;
    struct prof_error *error = not_in_order(memory);
    if (error == NULL)
        error = prof_memory_writer_create(writer, memory, &out);
    if (error != NULL)
        return error;
    error = write_parts(out, memory);
    struct prof_error *end = prof_memory_writer_end(out, error == NULL ? memory : NULL);
    return error != NULL ? error : end;
}
