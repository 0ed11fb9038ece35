/* look_glibc.c: what glibc keeps for itself in memory that looks like the program's.
 *
 * The state of malloc's first arena lies among the variables of libc and points at free chunks, whose first word is the
 * last one of the block before: as a root it would seem to hold that block. It is recognised by its list of arenas,
 * which leads back to it, and by its empty bins, which point at themselves; other versions have another layout, and
 * then nothing is recognised.
 *
 * A thread that ended leaves its stack to the next one, with the table of its thread-local memory, which glibc would
 * otherwise seem to have lost. Nothing else of it is a root. */
#include "look.h"

#include <string.h>

/* struct malloc_state of glibc 2.26 and later, 64 bits. */
enum { STATE_BINS = 0x70, STATE_BIN_COUNT = 127, STATE_NEXT = 0x870, STATE_BYTES = 0x898 };
enum {
    BINS_EMPTY = 32, /* most are for sizes that nobody asks for */
    ARENAS_MAX = 4096,
    DATA_MAX = 16 << 20,    /* of libc, or of a program that it is linked into */
    FIRST_BYTES = 64 << 10, /* of memory that the loader allocated for the first thread */
    TOP_BYTES = 16384,      /* at the top of a stack, where the thread's block is */
};

/* ---- malloc ---- */

static uint64_t word_at(const unsigned char *bytes, size_t at)
{
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

/* Would a state at this address be one? */
static bool is_state(struct look_reader *reader, const unsigned char *bytes, uint64_t at)
{
    unsigned empty = 0;
    for (unsigned i = 0; i < STATE_BIN_COUNT; i++) {
        uint64_t bin = at + STATE_BINS + i * 16 - 16;
        empty += word_at(bytes, STATE_BINS + i * 16) == bin && word_at(bytes, STATE_BINS + i * 16 + 8) == bin;
    }
    if (empty < BINS_EMPTY)
        return false;
    uint64_t next = word_at(bytes, STATE_NEXT);
    for (unsigned i = 0; i < ARENAS_MAX && next != at; i++)
        if (next == 0 || next % 8 != 0 || !look_read_all(reader, next + STATE_NEXT, &next, sizeof next))
            return false;
    return next == at;
}

static bool paint_malloc(struct look_reader *reader, struct look_areas *areas, uint64_t start, uint64_t end)
{
    enum { WINDOW = 64 << 10 };
    unsigned char bytes[WINDOW];
    for (uint64_t from = start; from + STATE_BYTES <= end; from += WINDOW - STATE_BYTES) {
        size_t want = end - from < WINDOW ? (size_t)(end - from) : WINDOW;
        size_t got = look_read(reader, from, bytes, want);
        for (size_t i = 0; i + STATE_BYTES <= got; i += 8) {
            /* The last bin is nearly always empty; asking it first makes this cheap. */
            uint64_t last = from + i + STATE_BINS + (STATE_BIN_COUNT - 1) * 16 - 16;
            if (word_at(bytes, i + STATE_BINS + (STATE_BIN_COUNT - 1) * 16) == last &&
                is_state(reader, bytes + i, from + i))
                return look_areas_paint(areas, from + i, from + i + STATE_BYTES, 0, 0, 0);
        }
        if (got < want)
            break;
    }
    return true;
}

static bool is_libc(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL && (strncmp(slash, "/libc.so", 8) == 0 || strncmp(slash, "/libc-2.", 8) == 0);
}

/* Variables of libc: of its file, or of the program when it has no such file. */
static bool paint_arena(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas)
{
    bool shared = false;
    for (size_t i = 0; i < maps->items.count; i++)
        shared |= is_libc(look_map_name(maps, &maps->items.items[i]));
    for (size_t i = 0; i < areas->items.count; i++) {
        struct look_area area = areas->items.items[i];
        const struct look_map *map = look_maps_find(maps, area.start);
        if (area.kind != TRK_AREA_DATA || map == NULL || area.end - area.start > DATA_MAX)
            continue;
        if (shared ? !is_libc(look_map_name(maps, map)) : map->ino == 0)
            continue;
        size_t before = areas->items.count;
        if (!paint_malloc(reader, areas, area.start, area.end))
            return false;
        if (areas->items.count != before)
            break;
    }
    return true;
}

/* ---- Stacks of threads that ended ---- */

#if defined(__x86_64__)
/* The thread pointer of the thread that had the stack: its block begins with its own address, and has it again. */
static uint64_t find_thread(const unsigned char *bytes, size_t count, uint64_t at)
{
    for (size_t i = count / 8 * 8; i >= 24; i -= 8)
        if (word_at(bytes, i - 24) == at + i - 24 && word_at(bytes, i - 8) == at + i - 24)
            return at + i - 24;
    return 0;
}

/* The thread whose block lies in the last bytes of a mapping that is nothing but memory so far; 0: none. */
static uint64_t thread_on_top(struct look_reader *reader, const struct look_map *map, const struct look_areas *areas)
{
    unsigned char bytes[TOP_BYTES];
    uint64_t from = map->end - map->start > TOP_BYTES ? map->end - TOP_BYTES : map->start;
    const struct look_area *area = look_areas_find(areas, map->end - 8);
    struct look_range pages;
    if (area == NULL || area->kind != TRK_AREA_ANON || !look_next_resident(reader, from, map->end, &pages))
        return 0;
    size_t got = look_read(reader, from, bytes, (size_t)(map->end - from));
    return find_thread(bytes, got, from);
}

/* Where nobody knows the thread pointer of the first thread, its block is the one that is on no stack. */
static bool paint_dead(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas)
{
    bool ok = true;
    for (size_t i = 0; i < maps->items.count && ok; i++) {
        const struct look_map *map = &maps->items.items[i];
        bool guarded = look_map_guarded(maps, map);
        if (!map->read || !map->write || !look_map_anonymous(maps, map) ||
            (!guarded && (map->end - map->start > FIRST_BYTES || strcmp(look_map_name(maps, map), "[heap]") == 0)))
            continue;
        uint64_t thread = thread_on_top(reader, map, areas);
        if (thread != 0 && guarded)
            ok = look_areas_paint(areas, thread + 8, thread + 16, TRK_AREA_TLS, 0, 0);
        else if (thread != 0)
            ok = look_areas_paint(areas, map->start, map->end, TRK_AREA_TLS, (uint32_t)reader->proc->pid, 1);
    }
    return ok;
}
#else
static bool paint_dead(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas)
{
    (void)reader;
    (void)maps;
    (void)areas;
    return true;
}
#endif

bool look_glibc_paint(struct look_reader *reader, const struct look_maps *maps, struct look_areas *areas)
{
    return paint_arena(reader, maps, areas) && paint_dead(reader, maps, areas);
}
