/* boot_arena.h: memory for the calls that arrive before the real malloc is known. Internal to the allocator hooks.
 *
 * Looking up the real malloc may itself allocate (dlsym, its error texts, other people's dlsym wrappers). Those calls
 * get blocks of a static arena that is never reused. Once the real functions are known the arena is sealed: it hands
 * out nothing more, but its blocks live on and are recognized by address for the rest of the process.
 *
 * All functions: any thread, any time, no locks. */
#ifndef TRACK_BOOT_ARENA_H
#define TRACK_BOOT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRK_BOOT_BYTES = 256 * 1024,
    TRK_BOOT_ALIGN = 16, /* of every block, at least */
};

extern char trk_boot_memory[TRK_BOOT_BYTES] __attribute__((visibility("hidden")));

/* True when p is an address inside the arena. */
static inline bool trk_boot_owns(const void *p)
{
    return (uintptr_t)p - (uintptr_t)trk_boot_memory < TRK_BOOT_BYTES;
}

/* A zeroed block of `size` bytes, aligned to `align` (a power of two). NULL when the arena is full or sealed. errno is
 * left alone. */
void *trk_boot_alloc(size_t size, size_t align);

/* Size that p was asked for with. p must come from trk_boot_alloc. */
size_t trk_boot_size(const void *p);

/* Marks p as free; its bytes stay. Returns true when its birth was reported, which happens at most once per block. */
bool trk_boot_free(void *p);

/* Marks p as reported to the engine; returns false when it was already, or is free. */
bool trk_boot_report(void *p);

/* Closes the arena. Returns true when it ever handed out a block. Later calls return the same. */
bool trk_boot_seal(void);

/* The block after p in address order, NULL at the end; p NULL starts. Only after trk_boot_seal. */
void *trk_boot_next(const void *p);

#endif
