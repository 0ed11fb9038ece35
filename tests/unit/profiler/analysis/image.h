/* image.h: the memory of a made-up program: words that a test writes, and the checkpoint that reads them all. */
#ifndef ANALYSIS_IMAGE_H
#define ANALYSIS_IMAGE_H

#include "rig.h"

#define IMAGE_HEAP   0x100000ull
#define IMAGE_LOCALS (MK_STACK_BASE + 0x1000)
enum { IMAGE_HEAP_WORDS = 1 << 15, IMAGE_DATA_WORDS = 256, IMAGE_LOCAL_WORDS = 64 };

struct image {
    uint64_t heap[IMAGE_HEAP_WORDS], data[IMAGE_DATA_WORDS], locals[IMAGE_LOCAL_WORDS];
};

static inline uint64_t *image_word(struct image *image, uint64_t at)
{
    if (at - IMAGE_HEAP < 8 * (uint64_t)IMAGE_HEAP_WORDS)
        return &image->heap[(at - IMAGE_HEAP) / 8];
    if (at - MK_APP_DATA < 8 * (uint64_t)IMAGE_DATA_WORDS)
        return &image->data[(at - MK_APP_DATA) / 8];
    if (at - IMAGE_LOCALS < 8 * (uint64_t)IMAGE_LOCAL_WORDS)
        return &image->locals[(at - IMAGE_LOCALS) / 8];
    fail_msg("no memory at 0x%llx", (unsigned long long)at);
    return NULL;
}

static inline void image_poke(struct image *image, uint64_t at, uint64_t value)
{
    *image_word(image, at) = value;
}

static inline void image_area(struct mk_trace *t, enum trk_area_kind kind, uint64_t start, const uint64_t *words,
                              size_t count)
{
    mk_memory_area(t, kind, 100, start, 8 * count);
    for (size_t i = 0; i < count; i++) {
        if (words[i] != 0)
            mk_memory_word(t, start + 8 * i, words[i]);
    }
}

/* The checkpoint; its plain members may be set until image_end. */
static inline struct prof_memory *image_begin(const struct image *image, struct mk_trace *t, enum trk_memory_rung rung)
{
    struct prof_memory *memory = mk_memory_begin(t, rung);
    image_area(t, TRK_AREA_ANON, IMAGE_HEAP, image->heap, IMAGE_HEAP_WORDS);
    image_area(t, TRK_AREA_DATA, MK_APP_DATA, image->data, IMAGE_DATA_WORDS);
    image_area(t, TRK_AREA_STACK, IMAGE_LOCALS, image->locals, IMAGE_LOCAL_WORDS);
    return memory;
}

/* The last checkpoint of a run that ends with it. */
static inline void image_exit(const struct image *image, struct mk_trace *t)
{
    image_begin(image, t, TRK_RUNG_STOPPED)->why = TRK_LOOK_EXIT;
    mk_memory_end(t);
    mk_exit(t, 0);
}

#endif
