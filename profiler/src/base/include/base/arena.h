/* base/arena.h: bump allocation that is freed as a whole. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct prof_arena_chunk;
struct prof_arena {
    struct prof_arena_chunk *chunks;
    size_t used, room;
};

void prof_arena_init(struct prof_arena *arena);
void prof_arena_deinit(struct prof_arena *arena);
/* Zeroed memory, aligned to 16 bytes, valid until deinit. NULL without memory. */
void *prof_arena_alloc(struct prof_arena *arena, size_t size);
/* Copies of bytes or a string, NUL-terminated. NULL without memory. */
char *prof_arena_strndup(struct prof_arena *arena, const char *bytes, size_t length);
char *prof_arena_strdup(struct prof_arena *arena, const char *text);
/* printf into the arena. */
char *prof_arena_printf(struct prof_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
