/* radix.c: stable sorting by 64-bit keys: only the bits in which keys differ are looked at, in as few rounds as digits
 * of at most 11 bits allow, so that the places that a round writes to fit the caches. */
#include <base/radix.h>

#include <stdint.h>
#include <string.h>

#include <base/large.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static inline uint64_t key_of(const unsigned char *record)
{
    uint64_t key;
    memcpy(&key, record, sizeof key);
    return key;
}

/* Bits in which keys differ; *ret_sorted: they ascend. */
static inline uint64_t look(const unsigned char *from, size_t count, size_t bytes, bool *ret_sorted)
{
    uint64_t first = key_of(from), before = first, differ = 0;
    bool sorted = true;

    for (size_t i = 1; i < count; i++) {
        uint64_t key = key_of(from + i * bytes);
        differ |= key ^ first;
        sorted &= before <= key;
        before = key;
    }
    *ret_sorted = sorted;
    return differ;
}

/* `bytes` is a constant wherever this is expanded. */
static inline __attribute__((always_inline)) bool sort(unsigned char *records, size_t count, size_t bytes)
{
    bool sorted = true;
    uint64_t differ = count > 1 ? look(records, count, bytes, &sorted) : 0;
    if (differ == 0 || sorted)
        return true;
    unsigned low = (unsigned)__builtin_ctzll(differ), width = 64 - (unsigned)__builtin_clzll(differ) - low;
    unsigned rounds = (width + DIGIT_BITS - 1) / DIGIT_BITS, bits = (width + rounds - 1) / rounds;
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    unsigned char *other = prof_large_malloc(count, bytes), *from = records, *to = other;
    size_t *at = malloc(DIGITS * sizeof *at);

    if (other == NULL || at == NULL) {
        free(other);
        free(at);
        return false;
    }
    for (unsigned shift = low; rounds > 0; rounds--, shift += bits) {
        memset(at, 0, DIGITS * sizeof *at);
        for (size_t i = 0; i < count; i++)
            at[key_of(from + i * bytes) >> shift & mask]++;
        for (size_t digit = 0, sum = 0; digit <= mask; digit++) {
            size_t here = at[digit];
            at[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            const unsigned char *record = from + i * bytes;
            memcpy(to + at[key_of(record) >> shift & mask]++ * bytes, record, bytes);
        }
        unsigned char *swap = from;
        from = to;
        to = swap;
    }
    if (from != records)
        memcpy(records, from, count * bytes);
    free(other);
    free(at);
    return true;
}

bool prof_radix_sort(void *records, size_t count, size_t bytes)
{
    return bytes == 16 ? sort(records, count, 16) : sort(records, count, 24);
}
