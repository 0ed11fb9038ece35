/* arena.c: bump allocation in chunks of 64 KiB; larger requests get a chunk of their own. */
#include <base/arena.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

struct prof_arena_chunk {
    struct prof_arena_chunk *next;
    uint64_t pad;
    char bytes[];
};

void prof_arena_init(struct prof_arena *arena)
{
    *arena = (struct prof_arena){ 0 };
}

void prof_arena_deinit(struct prof_arena *arena)
{
    for (struct prof_arena_chunk *chunk = arena->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *arena = (struct prof_arena){ 0 };
}

void *prof_arena_alloc(struct prof_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (size > arena->room - arena->used || arena->chunks == NULL) {
        size_t room = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;
        struct prof_arena_chunk *chunk = calloc(1, sizeof *chunk + room);
        if (chunk == NULL)
            return NULL;
        if (room != CHUNK_BYTES && arena->chunks != NULL) {
            // A large request must not end the current chunk: insert behind it.
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
            return chunk->bytes;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->room = room;
        arena->used = 0;
    }
    void *memory = arena->chunks->bytes + arena->used;
    arena->used += size;
    return memory;
}

char *prof_arena_strndup(struct prof_arena *arena, const char *bytes, size_t length)
{
    char *copy = prof_arena_alloc(arena, length + 1);
    if (copy != NULL && length != 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *prof_arena_strdup(struct prof_arena *arena, const char *text)
{
    return prof_arena_strndup(arena, text, strlen(text));
}

char *prof_arena_printf(struct prof_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : prof_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
