/* place.c: places and conditions of adapters: read, and spelled again. */
#include <stdio.h>
#include <string.h>

#include "text.h"

#define PLACES        "a place is arg1 to arg6, ret or ret2, with +N, -N, *PLACE (what stands there) and ( )"
#define OBJECT_PLACES "a place in the object is obj, with +N, -N, *PLACE (what stands there) and ( )"

static const char *const bases[] = {
    [1] = "arg1",
    [2] = "arg2",
    [3] = "arg3",
    [4] = "arg4",
    [5] = "arg5",
    [6] = "arg6",
    [7] = "ret",
    [TRK_HOOK_RESULT_HIGH] = "ret2",
    [TRK_HOOK_OBJECT] = "obj",
};
enum { BASES = sizeof bases / sizeof bases[0] };

static struct prof_error *sum(struct adapter_text *text, unsigned allowed, struct trk_hook_place *place);

/* argN, ret, obj, *..., (...) */
static struct prof_error *primary(struct adapter_text *text, unsigned allowed, struct trk_hook_place *place)
{
    const char *expected = allowed == ADAPTER_OF_OBJECT ? OBJECT_PLACES : PLACES;
    if (adapter_takes(text, "*")) {
        struct prof_error *error = primary(text, allowed, place);
        if (error != NULL)
            return error;
        if (place->reads == TRK_HOOK_READS)
            return adapter_bad(text, "too many reads", NULL, "memory is read at most three times for a place");
        place->add[++place->reads] = 0;
        return NULL;
    }
    if (adapter_takes(text, "(")) {
        struct prof_error *error = sum(text, allowed, place);
        if (error == NULL && !adapter_takes(text, ")"))
            error = adapter_bad(text, "expected ')', found", *text->at != '\0' ? text->at : "end", expected);
        return error;
    }
    for (unsigned i = 1; i < BASES; i++) {
        if (!adapter_takes_word(text, bases[i]))
            continue;
        if ((i == TRK_HOOK_OBJECT ? ADAPTER_OF_OBJECT : ADAPTER_OF_CALL) & allowed) {
            place->base = (uint8_t)i;
            return NULL;
        }
        return adapter_bad(text, "not a place here:", bases[i], expected);
    }
    return adapter_bad(text, adapter_at_end(text) ? "a place is missing" : "no place:", text->at, expected);
}

/* PRIMARY +N -N ... */
static struct prof_error *sum(struct adapter_text *text, unsigned allowed, struct trk_hook_place *place)
{
    struct prof_error *error = primary(text, allowed, place);
    while (error == NULL && !adapter_at_end(text) && (*text->at == '+' || *text->at == '-')) {
        bool minus = *text->at++ == '-';
        int32_t offset;
        error = adapter_offset(text, "write a number behind + and -", &offset);
        if (error != NULL)
            break;
        int64_t total = (int64_t)place->add[place->reads] + (minus ? -offset : offset);
        if (total <= -PROF_ADAPTER_OFFSET || total >= PROF_ADAPTER_OFFSET)
            return adapter_bad(text, "the offset is too large", NULL, "offsets are less than 16 MiB");
        place->add[place->reads] = (int32_t)total;
    }
    return error;
}

struct prof_error *adapter_place(struct adapter_text *text, unsigned allowed, struct trk_hook_place *ret)
{
    struct trk_hook_place place = { .base = TRK_HOOK_NOWHERE };
    struct prof_error *error = sum(text, allowed, &place);
    if (error == NULL)
        *ret = place;
    return error;
}

struct prof_error *adapter_width(struct adapter_text *text, unsigned *ret)
{
    static const char *const words[] = { "u8", "u16", "u32", "u64" };
    *ret = 8;
    if (!adapter_takes(text, ":"))
        return NULL;
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (adapter_takes_word(text, words[i])) {
            *ret = 1U << i;
            return NULL;
        }
    return adapter_bad(text, "unknown width", text->at, "write :u8, :u16, :u32 or :u64");
}

static uint64_t all_bits(unsigned bytes)
{
    return bytes == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * bytes) - 1;
}

struct prof_error *adapter_value(struct adapter_text *text, unsigned bytes, uint64_t *ret)
{
    uint64_t value, most = all_bits(bytes);
    if (adapter_at_end(text) || !adapter_number(text, &value))
        return adapter_bad(text, *text->at == '\0' ? "a number is missing" : "no number:", text->at,
                           "write it as 12, -1 or 0x1f");
    // What fits as it is, or as a negative number of that width.
    if (value > most && (value | most >> 1) != UINT64_MAX)
        return adapter_bad(text, "the number has more bits than what it is compared with", NULL,
                           "say the width, as in :u64");
    *ret = value & most;
    return NULL;
}

struct prof_error *adapter_mask(struct adapter_text *text, unsigned bytes, uint64_t *ret)
{
    *ret = all_bits(bytes);
    return adapter_takes(text, "&") ? adapter_value(text, bytes, ret) : NULL;
}

struct prof_error *adapter_test(struct adapter_text *text, struct trk_hook_test *ret)
{
    struct trk_hook_test test = { .differs = 0 };
    unsigned width = 8;
    struct prof_error *error = adapter_place(text, ADAPTER_OF_CALL, &test.place);
    if (error == NULL)
        error = adapter_width(text, &width);
    if (error == NULL)
        error = adapter_mask(text, width, &test.mask);
    if (error != NULL)
        return error;
    if (adapter_takes(text, "!="))
        test.differs = 1;
    else if (!adapter_takes(text, "==") && !adapter_takes(text, "="))
        return adapter_bad(text, adapter_at_end(text) ? "the comparison is missing" : "expected a comparison, found",
                           text->at, "write 'when PLACE[:u8|:u16|:u32|:u64] [& MASK] = VALUE', or != for =");
    error = adapter_value(text, width, &test.value);
    if (error != NULL)
        return error;
    if ((test.value & ~test.mask) != 0)
        return adapter_bad(text, "the value has bits that the mask leaves out", NULL, "it could never be equal");
    // Only what is read has a width; of a register, the mask takes what counts.
    if (test.place.reads > 0)
        test.place.width = (uint8_t)width;
    *ret = test;
    return NULL;
}

char *prof_adapter_place(char *buf, size_t size, const struct trk_hook_place *place)
{
    char text[PROF_ADAPTER_WORD];
    snprintf(text, sizeof text, "%s", place->base > 0 && place->base < BASES ? bases[place->base] : "?");
    for (unsigned i = 0; i <= place->reads && i <= TRK_HOOK_READS; i++) {
        char sum[PROF_ADAPTER_WORD];
        int32_t add = place->add[i];
        bool read = i < place->reads;
        if (add == 0)
            snprintf(sum, sizeof sum, "%s%.190s", read ? "*" : "", text);
        else
            snprintf(sum, sizeof sum, "%s%.170s%+d%s", read ? "*(" : "", text, add, read ? ")" : "");
        memcpy(text, sum, sizeof text);
    }
    snprintf(buf, size, "%s", text);
    return buf;
}
