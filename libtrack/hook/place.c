/* place.c: values that rules name, taken out of a call. See place.h. */
#include "place.h"

#include <errno.h>

#include "../src/cfi.h"
#include "../src/engine.h"

enum { PAGE_LOG2 = 12, KNOWN = 4096, TIME_LOG2 = 18 };

/* Pages that could be read a while ago: number, and in the low bits the time. Any thread, relaxed: a word is whole. */
static uint64_t known[KNOWN];

static bool can_read(uint64_t page)
{
    uint64_t time = trk_load64(trk_clock()) >> TIME_LOG2 & ((1u << PAGE_LOG2) - 1);
    uint64_t entry = page << PAGE_LOG2 | time;
    uint64_t *at = &known[page % KNOWN];
    if (TRK_LIKELY(__atomic_load_n(at, __ATOMIC_RELAXED) == entry))
        return true;
    if (trk_cfi_probe(page << PAGE_LOG2) != -EINVAL)
        return false;
    __atomic_store_n(at, entry, __ATOMIC_RELAXED);
    return true;
}

bool trk_place_word(uint64_t address, unsigned width, uint64_t *ret)
{
    uint64_t first = address >> PAGE_LOG2, last = (address + width - 1) >> PAGE_LOG2, word = 0;
    if (address < TRK_LEAST_ADDRESS || !can_read(first) || (last != first && !can_read(last)))
        return false;
    __builtin_memcpy(&word, (const void *)address, width);
    *ret = word;
    return true;
}

static uint64_t base_of(const struct trk_about *about, unsigned base)
{
    if (base == TRK_HOOK_NOWHERE)
        return 0;
    if (base < TRK_HOOK_RESULT)
        return trk_call_argument(about->call, base);
    if (base == TRK_HOOK_OBJECT)
        return about->object;
    return about->result == NULL ? 0 : about->result[base - TRK_HOOK_RESULT];
}

bool trk_place_value(const struct trk_about *about, const struct trk_hook_place *place, uint64_t *ret)
{
    uint64_t value = base_of(about, place->base);
    if (place->base == TRK_HOOK_NOWHERE) {
        *ret = 0;
        return true;
    }
    for (unsigned i = 0; i < place->reads; i++) {
        unsigned width = i + 1 < place->reads || place->width == 0 ? 8 : place->width;
        if (!trk_place_word(value + (uint64_t)(int64_t)place->add[i], width, &value))
            return false;
    }
    *ret = value + (uint64_t)(int64_t)place->add[place->reads];
    return true;
}
