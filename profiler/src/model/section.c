/* section.c: columns to bytes and back, see section.h. */
#include "section.h"

#include <string.h>

#include <track/format.h>

/* In front of a column. */
enum { COLUMN_HEAD = 10 }; /* width, form, smallest or first value */
enum column_form { FORM_ABOVE = 0, FORM_STEPS = 1 };

/* What a stored number of this kind must stay below; 0: anything. */
static uint64_t limit_of(unsigned kind)
{
    switch (kind) {
    case COLUMN_BOOL:
        return 2;
    case COLUMN_STACK:
        return (uint64_t)1 << TRK_STACK_ID_BITS;
    case COLUMN_TYPE:
        return TRK_TYPE_MAX;
    default:
        return 0;
    }
}

static unsigned width_of(uint64_t value)
{
    return value == 0 ? 0 : (71 - (unsigned)__builtin_clzll(value)) / 8;
}

static uint64_t fold(uint64_t step)
{
    return step << 1 ^ (0 - (step >> 63));
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (0 - (folded & 1));
}

/* ---- Writing ---- */

static unsigned char *pack(unsigned char *to, const uint64_t *values, size_t count)
{
    uint64_t low = values[0], high = values[0], steps = 0;
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        steps |= fold(values[i] - values[i - 1]);
    }
    unsigned above = width_of(high - low), stepwise = width_of(steps);
    bool by_step = stepwise < above;
    unsigned width = by_step ? stepwise : above;
    uint64_t base = by_step ? values[0] : low;
    to[0] = (unsigned char)width;
    to[1] = by_step ? FORM_STEPS : FORM_ABOVE;
    memcpy(to + 2, &base, sizeof base);
    to += COLUMN_HEAD;
    if (width == 0)
        return to;
    /* Each value is written as eight bytes, of which the next one covers what is too much. */
    uint64_t before = base;
    for (size_t i = 0; i < count; i++) {
        uint64_t out = by_step ? fold(values[i] - before) : values[i] - base;
        before = values[i];
        memcpy(to, &out, sizeof out);
        to += width;
    }
    return to;
}

static void gather(uint64_t *values, const struct column *column, const void *const *rows, size_t count)
{
    size_t at = column->offset;
    for (size_t i = 0; i < count; i++) {
        const char *member = (const char *)rows[i] + at;
        uint64_t value = 0;
        switch (column->bytes) {
        case 1:
            value = *(const uint8_t *)member;
            break;
        case 2:
            value = *(const uint16_t *)(const void *)member;
            break;
        case 4:
            value = *(const uint32_t *)(const void *)member;
            break;
        default:
            value = *(const uint64_t *)(const void *)member;
            break;
        }
        if (column->below)
            value = *(const uint64_t *)(const void *)((const char *)rows[i] + column->from) - value;
        values[i] = value;
    }
}

bool section_write(section_bytes *out, const struct section_def *def, const void *const *rows, const uint32_t *ids,
                   size_t count)
{
    if (count == 0)
        return true;
    struct section_head head = { .kind = def->kind,
                                 .flags = def->vital ? SECTION_VITAL : 0,
                                 .columns = (uint8_t)(def->count + def->ids),
                                 .rows = (uint32_t)count };
    size_t most = sizeof head + (size_t)head.columns * (COLUMN_HEAD + count * 8) + count * def->floor + 8;
    if (!prof_vec_reserve(out, most))
        return false;
    uint64_t values[SECTION_ROWS];
    unsigned char *start = out->items + out->count + sizeof head, *to = start;
    if (def->ids) {
        for (size_t i = 0; i < count; i++)
            values[i] = ids[i];
        to = pack(to, values, count);
    }
    for (size_t c = 0; c < def->count; c++) {
        gather(values, &def->columns[c], rows, count);
        to = pack(to, values, count);
    }
    size_t floor = count * def->floor;
    if ((size_t)(to - start) < floor) {
        memset(to, 0, floor - (size_t)(to - start));
        to = start + floor;
    }
    head.bytes = (uint32_t)(to - start);
    memcpy(out->items + out->count, &head, sizeof head);
    out->count += sizeof head + head.bytes;
    return true;
}

/* ---- Reading ---- */

static const char *unpack(struct section_reader *r, uint64_t *values)
{
    if (r->end - r->at < COLUMN_HEAD)
        return "a column ends early";
    unsigned width = r->at[0], form = r->at[1];
    uint64_t base;
    memcpy(&base, r->at + 2, sizeof base);
    r->at += COLUMN_HEAD;
    if (width > 8 || form > FORM_STEPS)
        return "a column has an unknown form";
    if ((size_t)(r->end - r->at) < width * r->rows)
        return "a column ends early";
    uint64_t before = base, mask = width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * width) - 1;
    for (size_t i = 0; i < r->rows; i++) {
        uint64_t value = 0;
        size_t near = (size_t)(r->end - r->at);
        memcpy(&value, r->at, near < sizeof value ? near : sizeof value);
        value &= mask;
        r->at += width;
        value = form == FORM_STEPS ? before + unfold(value) : base + value;
        before = values[i] = value;
    }
    r->left--;
    return NULL;
}

const char *section_open(struct section_reader *r, const struct section_head *head, const unsigned char *bytes,
                         const struct section_def *def, uint32_t *ids)
{
    *r = (struct section_reader){ bytes, bytes + head->bytes, head->rows, head->columns };
    if (head->rows == 0 || head->rows > SECTION_ROWS)
        return "a section has an impossible number of rows";
    if (head->bytes < (size_t)head->rows * def->floor)
        return "a section is too short for its rows";
    if (!def->ids)
        return NULL;
    uint64_t values[SECTION_ROWS];
    if (r->left == 0)
        return "a section has no ids";
    const char *what = unpack(r, values);
    for (size_t i = 0; what == NULL && i < r->rows; i++) {
        if (values[i] > UINT32_MAX)
            what = "an id is too large";
        ids[i] = (uint32_t)values[i];
    }
    return what;
}

static const char *scatter(const struct column *column, const uint64_t *values, void *const *rows, size_t count)
{
    uint64_t limit = limit_of(column->kind);
    for (size_t i = 0; i < count; i++) {
        char *member = (char *)rows[i] + column->offset;
        uint64_t value = values[i];
        if (limit != 0 && value >= limit)
            return "a number names something that cannot exist";
        if (column->bytes < 8 && value >> (8 * column->bytes) != 0)
            return "a number is too large";
        if (column->below)
            value = *(uint64_t *)(void *)((char *)rows[i] + column->from) - value;
        switch (column->bytes) {
        case 1:
            *(uint8_t *)member = (uint8_t)value;
            break;
        case 2:
            *(uint16_t *)(void *)member = (uint16_t)value;
            break;
        case 4:
            *(uint32_t *)(void *)member = (uint32_t)value;
            break;
        default:
            *(uint64_t *)(void *)member = value;
            break;
        }
    }
    return NULL;
}

const char *section_read(struct section_reader *r, const struct section_def *def, void *const *rows)
{
    uint64_t values[SECTION_ROWS];
    const char *what = NULL;
    for (size_t c = 0; c < def->count && r->left > 0 && what == NULL; c++) {
        what = unpack(r, values);
        if (what == NULL)
            what = scatter(&def->columns[c], values, rows, r->rows);
    }
    return what;
}
