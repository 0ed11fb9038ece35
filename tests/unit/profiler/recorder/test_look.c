/* test_look.c: the texts and bytes of a hostile target: lines of /proc/PID/maps that say anything, names that look like
 * something else, and words of memory, against a slow oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rnd.h>

#include "look.h"

/* ---- Mappings ---- */

static struct look_maps parse(const char *text)
{
    struct look_maps maps = { 0 };
    char *copy = strdup(text);
    assert_non_null(copy);
    assert_true(look_maps_parse(copy, &maps));
    free(copy);
    return maps;
}

static const char *name_at(const struct look_maps *maps, size_t i)
{
    return look_map_name(maps, &maps->items.items[i]);
}

static void odd_names(void **state)
{
    (void)state;
    struct look_maps maps = parse("1000-2000 rw-p 00000000 00:00 0 \n"
                                  "2000-3000 r-xp 00001000 fd:01 42                         /a file with blanks\n"
                                  "3000-4000 rw-s 00000000 00:01 7  /dev/shm/x (deleted)\n"
                                  "4000-5000 rw-p 00000000 fd:01 8  /new\\012line\n"
                                  "5000-6000 rw-p 00000000 fd:01 9  /home/me/[stack]\n"
                                  "6000-7000 rw-p 00000000 00:00 0  [anon:7fff-8000 rw-p]\n"
                                  "7000-8000 ---p 00000000 00:00 0\n"
                                  "8000-9000 rw-p 00000000 00:00 0 [heap]\n");
    assert_int_equal(maps.items.count, 8);
    assert_string_equal(name_at(&maps, 0), "");
    assert_string_equal(name_at(&maps, 1), "/a file with blanks");
    assert_string_equal(name_at(&maps, 2), "/dev/shm/x (deleted)");
    assert_string_equal(name_at(&maps, 3), "/new\\012line");
    assert_int_equal(maps.items.items[1].ino, 42);
    assert_true(maps.items.items[2].shared);
    /* Only what has no file is memory of nobody else. */
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(look_map_anonymous(&maps, &maps.items.items[i]), i == 0 || i >= 5);
    assert_true(look_map_guarded(&maps, &maps.items.items[7]));
    assert_false(look_map_guarded(&maps, &maps.items.items[0]));
    look_maps_deinit(&maps);
}

static void odd_lines(void **state)
{
    (void)state;
    struct look_maps maps =
        parse("\n\ngarbage\n"
              "2000-1000 rw-p 0 00:00 0\n"          /* ends before it begins */
              "1001-2000 rw-p 0 00:00 0\n"          /* no page */
              "1000-2000 rw- 0 00:00 0\n"           /* no permissions */
              "3000-5000 rw-p 0 00:00 0 one\n"      /* the first good one */
              "4000-6000 rw-p 0 00:00 0 overlaps\n" /* two things at one address */
              "1000-2000 rw-p 0 00:00 0 late\n"     /* out of order */
              "7000-8000 rw-p 0 00:00\n"            /* cut */
              "8000-ffffffffff600000 r-xp ffffffffffffffff ffffff:ffffffff 18446744073709551615 big\n"
              "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]");
    assert_int_equal(maps.items.count, 3);
    assert_string_equal(name_at(&maps, 0), "one");
    assert_int_equal(maps.items.items[1].ino, UINT64_MAX);
    assert_string_equal(name_at(&maps, 2), "[vsyscall]");
    look_maps_deinit(&maps);
    maps = parse("");
    assert_int_equal(maps.items.count, 0);
    assert_null(look_maps_find(&maps, 0));
    look_maps_deinit(&maps);
}

/* Ours by the name of the file, not of a folder it lies in. */
static void ours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool ours;
    } cases[] = { { "/memfd:reftrack (deleted)", true },
                  { "/lib/libtrack.so.0", true },
                  { "/x/libtrack-preload.so (deleted)", true },
                  { "/x/libtrack.so/libc.so.6", false },
                  { "/x/mylibtrack.so", false },
                  { "[anon:reftrack]", true },
                  { "", false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "1000-2000 rw-p 0 00:00 0 %s\n", cases[i].name);
        struct look_maps maps = parse(text);
        assert_int_equal(look_map_ours(&maps, maps.items.items), cases[i].ours);
        look_maps_deinit(&maps);
    }
}

/* Any text: what comes out is in order, and is found by address. */
static void any_text(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789abcdefrwxps-: /[]\n\n\t%";
    for (uint64_t round = 0; round < 3000; round++) {
        char text[400];
        size_t n = 0;
        seed(round);
        while (n < 300) {
            if (rnd(3) != 0)
                n += (size_t)snprintf(text + n, sizeof text - n, "%llx000-%llx000 rw-p 0 %llx:1 %llu %c\n",
                                      (unsigned long long)rnd(40), (unsigned long long)rnd(40),
                                      (unsigned long long)rnd(UINT64_MAX), (unsigned long long)rnd(UINT64_MAX),
                                      alphabet[rnd(sizeof alphabet - 1)]);
            else
                text[n++] = alphabet[rnd(sizeof alphabet - 1)];
        }
        text[n] = '\0';
        struct look_maps maps = parse(text);
        uint64_t end = 0;
        for (size_t i = 0; i < maps.items.count; i++) {
            const struct look_map *map = &maps.items.items[i];
            assert_true(map->start >= end && map->start < map->end);
            end = map->end;
            assert_ptr_equal(look_maps_find(&maps, map->start), map);
            assert_ptr_equal(look_maps_find(&maps, map->end - 1), map);
            (void)look_map_guarded(&maps, map);
        }
        assert_null(look_maps_find(&maps, end));
        look_maps_deinit(&maps);
    }
}

/* Thousands of them, as a program with many libraries has. */
static void many(void **state)
{
    enum { COUNT = 70000 };
    (void)state;
    char *text = malloc((size_t)COUNT * 64), *to = text;
    assert_non_null(text);
    for (unsigned i = 0; i < COUNT; i++)
        to += sprintf(to, "%x000-%x000 rw-p 0 01:01 %u /lib/%u.so\n", 2 * i + 1, 2 * i + 2, i / 4, i / 4);
    struct look_maps maps = { 0 };
    assert_true(look_maps_parse(text, &maps));
    assert_int_equal(maps.items.count, COUNT);
    for (unsigned i = 0; i < COUNT; i += 997) {
        assert_ptr_equal(look_maps_find(&maps, (2 * (uint64_t)i + 1) << 12), &maps.items.items[i]);
        assert_null(look_maps_find(&maps, (2 * (uint64_t)i + 2) << 12));
    }
    look_maps_deinit(&maps);
    free(text);
}

/* ---- Words ---- */

static struct look_targets targets_of(const struct rec_options *options, struct look_range *ranges, size_t count)
{
    struct look_targets targets = { .options = options, .keep = UINT64_MAX };
    targets.ranges.items = ranges;
    targets.ranges.count = count;
    targets.low = ranges[0].start;
    targets.span = ranges[count - 1].end - targets.low;
    return targets;
}

static bool lies(const struct look_range *ranges, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (value >= ranges[i].start && value < ranges[i].end)
            return true;
    return false;
}

/* Every size, step and decoding gives what a search through everything gives; nothing is read or written beside. */
static void scan(void **state)
{
    (void)state;
    static struct look_range ranges[3] = { { 0x1000, 0x2000 }, { 0x5000, 0x5008 }, { 0x10000, 0x30000 } };
    static const struct rec_pointer pointers[2] = { { .mask = ~(uint64_t)7, .bits = 64 },
                                                    { .mask = UINT64_MAX, .base = 0x10000, .shift = 2, .bits = 16 } };
    for (uint64_t round = 0; round < 4000; round++) {
        seed(round);
        static const unsigned steps[] = { 0, 8, 4, 1 };
        struct rec_options options = { .word_step = steps[rnd(4)],
                                       .pointers = pointers,
                                       .pointer_count = (unsigned)rnd(3) };
        struct look_targets targets = targets_of(&options, ranges, 3);
        size_t size = rnd(200), count = 0, found = 0;
        unsigned char *bytes = malloc(size + 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)(rnd(3) == 0 ? rnd(256) : rnd(4) == 0 ? 0x10 : 0);
        struct prof_memory_word *words = calloc(look_scan_most(&options, size), sizeof *words);
        assert_non_null(words);
        bool last = rnd(2) != 0; /* then what is shorter than a word may stand at the end */
        count = look_scan(&targets, bytes, size, 0x4000, last, words);
        assert_true(count <= look_scan_most(&options, size));
        size_t step = options.word_step != 0 ? options.word_step : 8;
        for (size_t i = 0; i + (last ? 4 : 8) <= size; i += step) {
            uint64_t raw = 0, values[3] = { 0 };
            memcpy(&raw, bytes + i, i + 8 <= size ? 8 : 4);
            bool whole = (i % 8 == 0 || step == 1) && i + 8 <= size;
            values[0] = whole ? raw : 0;
            values[1] = whole && options.pointer_count > 0 ? raw & ~(uint64_t)7 : 0;
            values[2] = options.pointer_count > 1 && (raw & 0xffff) != 0 ? 0x10000 + ((raw & 0xffff) << 2) : 0;
            for (unsigned how = 0; how < 3; how++) {
                bool again = false;
                for (unsigned k = 0; k < how; k++)
                    again |= values[k] == values[how];
                if (again || !lies(ranges, 3, values[how]))
                    continue;
                assert_true(found < count);
                assert_int_equal(words[found].at, 0x4000 + i);
                assert_int_equal(words[found].how, how);
                assert_int_equal(words[found].value, values[how]);
                found++;
            }
        }
        assert_int_equal(found, count);
        free(words);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(odd_names), cmocka_unit_test(odd_lines),
                                        cmocka_unit_test(ours),      cmocka_unit_test(any_text),
                                        cmocka_unit_test(many),      cmocka_unit_test(scan) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
