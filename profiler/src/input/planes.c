/* planes.c: transposes slots to byte planes and back, sixteen slots at a time where the processor can. */
#include "planes.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

enum { STEP = 16 };

/* Transposes a 16 x 16 matrix of bytes: four perfect shuffles of its rows. */
static inline void transpose(__m128i rows[16])
{
    __m128i next[16];
    for (int round = 0; round < 4; round++) {
        for (int k = 0; k < 8; k++) {
            next[2 * k] = _mm_unpacklo_epi8(rows[k], rows[k + 8]);
            next[2 * k + 1] = _mm_unpackhi_epi8(rows[k], rows[k + 8]);
        }
        for (int k = 0; k < 16; k++)
            rows[k] = next[k];
    }
}

/* Moves the whole sixteens; returns how many slots that were. */
static size_t split_steps(unsigned char *to, const unsigned char *from, size_t count)
{
    size_t i = 0;
    __m128i rows[16];
    for (; i + STEP <= count; i += STEP) {
        for (size_t k = 0; k < 16; k++)
            rows[k] = _mm_loadu_si128((const __m128i *)(const void *)(from + (i + k) * 16));
        transpose(rows);
        for (size_t k = 0; k < 16; k++)
            _mm_storeu_si128((__m128i *)(void *)(to + k * count + i), rows[k]);
    }
    return i;
}

static size_t join_steps(unsigned char *to, const unsigned char *from, size_t count)
{
    size_t i = 0;
    __m128i rows[16];
    for (; i + STEP <= count; i += STEP) {
        for (size_t k = 0; k < 16; k++)
            rows[k] = _mm_loadu_si128((const __m128i *)(const void *)(from + k * count + i));
        transpose(rows);
        for (size_t k = 0; k < 16; k++)
            _mm_storeu_si128((__m128i *)(void *)(to + (i + k) * 16), rows[k]);
    }
    return i;
}
#else
static size_t split_steps(unsigned char *to, const unsigned char *from, size_t count)
{
    (void)to, (void)from, (void)count;
    return 0;
}

static size_t join_steps(unsigned char *to, const unsigned char *from, size_t count)
{
    (void)to, (void)from, (void)count;
    return 0;
}
#endif

void planes_split(void *to, const void *from, size_t count)
{
    unsigned char *planes = to;
    const unsigned char *slots = from;
    for (size_t i = split_steps(to, from, count); i < count; i++)
        for (size_t k = 0; k < TRK_SLOT_BYTES; k++)
            planes[k * count + i] = slots[i * TRK_SLOT_BYTES + k];
}

void planes_join(void *to, const void *from, size_t count)
{
    unsigned char *slots = to;
    const unsigned char *planes = from;
    for (size_t i = join_steps(to, from, count); i < count; i++)
        for (size_t k = 0; k < TRK_SLOT_BYTES; k++)
            slots[i * TRK_SLOT_BYTES + k] = planes[k * count + i];
}

/* Exchanges what `mask` leaves out of *a with what it names of *b, `shift` bits lower. */
static inline void exchange(uint64_t *a, uint64_t *b, unsigned shift, uint64_t mask)
{
    uint64_t low = (*a & mask) | (*b & mask) << shift;
    *b = (*a >> shift & mask) | (*b & mask << shift);
    *a = low;
}

void planes_split_words(void *to, const uint64_t *from, size_t count)
{
    unsigned char *planes = to;
    size_t i = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; i + 8 <= count; i += 8) { /* an 8 x 8 matrix of bytes, by halves, quarters and bytes */
        uint64_t rows[8];
        memcpy(rows, from + i, sizeof rows);
        for (unsigned k = 0; k < 4; k++)
            exchange(&rows[k], &rows[k + 4], 32, UINT64_C(0x00000000ffffffff));
        for (unsigned k = 0; k < 8; k += k % 2 == 0 ? 1 : 3)
            exchange(&rows[k], &rows[k + 2], 16, UINT64_C(0x0000ffff0000ffff));
        for (unsigned k = 0; k < 8; k += 2)
            exchange(&rows[k], &rows[k + 1], 8, UINT64_C(0x00ff00ff00ff00ff));
        for (size_t k = 0; k < 8; k++)
            memcpy(planes + k * count + i, &rows[k], sizeof rows[k]);
    }
#endif
    for (; i < count; i++)
        for (size_t k = 0; k < 8; k++)
            planes[k * count + i] = (unsigned char)(from[i] >> 8 * k);
}
