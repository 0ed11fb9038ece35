/* Exact words of all formatting functions, the borders between units, and what happens in small buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include <prof/view.h>

static char buf[256];
#define S sizeof buf

static void bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *iec, *si, *plain;
    } rows[] = {
        { 0, "0 B", "0 B", "0 B" },
        { 1, "1 B", "1 B", "1 B" },
        { 999, "999 B", "999 B", "999 B" },
        { 1000, "1000 B", "1.0 kB", "1 000 B" },
        { 1023, "1023 B", "1.0 kB", "1 023 B" },
        { 1024, "1.0 KiB", "1.0 kB", "1 024 B" },
        { 2970, "2.9 KiB", "3.0 kB", "2 970 B" },
        { 102348, "99.9 KiB", "102 kB", "102 348 B" },
        { 102349, "100 KiB", "102 kB", "102 349 B" },
        { 1048063, "1023 KiB", "1.0 MB", "1 048 063 B" },
        { 1048064, "1.0 MiB", "1.0 MB", "1 048 064 B" },
        { 1048576, "1.0 MiB", "1.0 MB", "1 048 576 B" },
        { 12478054, "11.9 MiB", "12.5 MB", "12 478 054 B" },
        { UINT64_C(5) << 40, "5.0 TiB", "5.5 TB", "5 497 558 138 880 B" },
        { UINT64_MAX, "16.0 EiB", "18.4 EB", "18 446 744 073 709 551 615 B" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(prof_fmt_bytes(buf, S, rows[i].n, PROF_UNITS_IEC), rows[i].iec);
        assert_string_equal(prof_fmt_bytes(buf, S, rows[i].n, PROF_UNITS_SI), rows[i].si);
        assert_string_equal(prof_fmt_bytes(buf, S, rows[i].n, PROF_UNITS_BYTES), rows[i].plain);
    }
}

static void deltas(void **state)
{
    (void)state;
    assert_string_equal(prof_fmt_delta(buf, S, 0, PROF_UNITS_IEC), "0 B");
    assert_string_equal(prof_fmt_delta(buf, S, 0.4, PROF_UNITS_IEC), "0 B");
    assert_string_equal(prof_fmt_delta(buf, S, -3, PROF_UNITS_IEC), "-3 B");
    assert_string_equal(prof_fmt_delta(buf, S, 12478054.0, PROF_UNITS_IEC), "+11.9 MiB");
    assert_string_equal(prof_fmt_delta(buf, S, -1536, PROF_UNITS_BYTES), "-1 536 B");
    assert_string_equal(prof_fmt_delta(buf, S, NAN, PROF_UNITS_IEC), "?");
    assert_string_equal(prof_fmt_delta(buf, S, INFINITY, PROF_UNITS_IEC), "?");
    assert_string_equal(prof_fmt_rate(buf, S, 12478054.0, PROF_UNITS_IEC), "+11.9 MiB/h");
}

static void counts(void **state)
{
    (void)state;
    assert_string_equal(prof_fmt_count(buf, S, 0), "0");
    assert_string_equal(prof_fmt_count(buf, S, 999), "999");
    assert_string_equal(prof_fmt_count(buf, S, 1000), "1 000");
    assert_string_equal(prof_fmt_count(buf, S, 31204881), "31 204 881");
    assert_string_equal(prof_fmt_count(buf, S, UINT64_MAX), "18 446 744 073 709 551 615");
}

static void times(void **state)
{
    (void)state;
    static const struct {
        uint64_t us;
        const char *duration, *moment;
    } rows[] = {
        { 0, "0 us", "+0ms" },
        { 850, "850 us", "+0ms" },
        { 999, "999 us", "+0ms" },
        { 1000, "1.0 ms", "+1ms" },
        { 12540, "12.5 ms", "+12ms" },
        { 999999, "999.9 ms", "+999ms" },
        { 1000000, "1.000 s", "+1.000s" },
        { 1204999, "1.204 s", "+1.204s" },
        { 12504000, "12.504 s", "+12.504s" },
        { 59999999, "59.999 s", "+59.999s" },
        { 60000000, "01:00", "+1:00.000" },
        { 134000000, "02:14", "+2:14.000" },
        { UINT64_C(3600000000), "01:00:00", "+1:00:00.000" },
        { UINT64_C(86399000000), "23:59:59", "+23:59:59.000" },
        { UINT64_C(86400000000) * 3 + UINT64_C(15120000000), "3 d 04:12", "+76:12:00.000" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(prof_fmt_duration(buf, S, rows[i].us), rows[i].duration);
        assert_string_equal(prof_fmt_time(buf, S, rows[i].us), rows[i].moment);
    }
    assert_string_equal(prof_fmt_age(buf, S, PROF_TIME_RESOLUTION_US - 1), "< 10 ms");
    assert_string_equal(prof_fmt_age(buf, S, PROF_TIME_RESOLUTION_US), "10.0 ms");
    prof_fmt_duration(buf, S, UINT64_MAX);
    prof_fmt_time(buf, S, UINT64_MAX);
    assert_string_equal(prof_fmt_date(buf, S, UINT64_C(1700000000) * 1000000000), "2023-11-14 22:13:20 UTC");
    assert_string_equal(prof_fmt_date(buf, S, 0), "-");
}

static void shares(void **state)
{
    (void)state;
    assert_string_equal(prof_fmt_ratio(buf, S, 0), "0 %");
    assert_string_equal(prof_fmt_ratio(buf, S, 1), "100 %");
    assert_string_equal(prof_fmt_ratio(buf, S, 0.9999999), "99.9 %"); /* only everything is 100 % */
    assert_string_equal(prof_fmt_ratio(buf, S, 0.0000001), "0.1 %");  /* only nothing is 0 % */
    assert_string_equal(prof_fmt_ratio(buf, S, 0.5), "50 %");
    assert_string_equal(prof_fmt_ratio(buf, S, 0.996), "99.6 %");
    assert_string_equal(prof_fmt_ratio(buf, S, 0.044), "4.4 %");
    assert_string_equal(prof_fmt_ratio(buf, S, -1), "-");
    assert_string_equal(prof_fmt_ratio(buf, S, NAN), "-");
}

static void places(void **state)
{
    (void)state;
    struct prof_frame frame = {
        .function = "parse_value", .file = "/src/json/load.c", .line = 655, .module = "/usr/bin/app"
    };
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "parse_value load.c:655");
    assert_string_equal(prof_fmt_frame(buf, S, &frame, true), "parse_value /src/json/load.c:655");
    assert_string_equal(prof_fmt_place(buf, S, &frame, false), "load.c:655");
    frame.line = 0;
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "parse_value load.c");
    frame.file = NULL;
    frame.offset = 0x1a40;
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "parse_value app+0x1a40");
    frame.function = NULL;
    frame.module = "/usr/lib/libfoo.so";
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "libfoo.so+0x1a40");
    assert_string_equal(prof_fmt_frame(buf, S, &frame, true), "/usr/lib/libfoo.so+0x1a40");
    frame.module = "";
    frame.pc = 0x55d0c3a1b0;
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "0x55d0c3a1b0");
    frame.pc = 0;
    assert_string_equal(prof_fmt_frame(buf, S, &frame, false), "(unknown place)");
    assert_string_equal(prof_fmt_addr(buf, S, 0x55d0c3a1b0), "0x55d0c3a1b0");
    assert_string_equal(prof_fmt_hex(buf, S, (const uint8_t *)"\xab\x12\x00\xff", 4), "ab1200ff");
}

static void cells(void **state)
{
    (void)state;
    struct prof_cell cell = { .number = (uint64_t)-1 };
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_COUNT, PROF_UNITS_IEC), "-1");
    cell.number = 1536;
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_BYTES, PROF_UNITS_IEC), "1.5 KiB");
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_TIME, PROF_UNITS_IEC), "< 10 ms");
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_MOMENT, PROF_UNITS_IEC), "+1ms");
    cell.none = true;
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_COUNT, PROF_UNITS_IEC), "-");
    cell = (struct prof_cell){ .text = "a\033[31mb" };
    assert_string_equal(prof_fmt_cell(buf, S, &cell, PROF_CELL_TEXT, PROF_UNITS_IEC), "a\\x1b[31mb");
}

static void small_buffers(void **state)
{
    (void)state;
    char tiny[8];
    assert_string_equal(prof_fmt_count(tiny, sizeof tiny, 31204881), "31 204~");
    assert_string_equal(prof_fmt_count(tiny, 2, 31204881), "~");
    assert_string_equal(prof_fmt_count(tiny, 1, 31204881), "");
    memcpy(tiny, "xyz", 4);
    prof_fmt_count(tiny, 0, 31204881);
    assert_string_equal(tiny, "xyz");
    /* not in the middle of a character: "é" is two bytes */
    struct prof_frame frame = { .function = "ab\xc3\xa9\xc3\xa9\xc3\xa9", .file = "f.c" };
    assert_string_equal(prof_fmt_frame(tiny, 5, &frame, false), "ab~");
    assert_string_equal(prof_fmt_frame(tiny, 6, &frame, false), "ab\xc3\xa9~");
}

static void quantities(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum prof_unit unit;
        uint64_t value;
    } good[] = {
        { "0", PROF_UNIT_NONE, 0 },
        { "31_204", PROF_UNIT_NONE, 31204 },
        { "2k", PROF_UNIT_NONE, 2000 },
        { "0x55d0", PROF_UNIT_NONE, 0x55d0 },
        { "4096", PROF_UNIT_BYTES, 4096 },
        { "4KiB", PROF_UNIT_BYTES, 4096 },
        { "4K", PROF_UNIT_BYTES, 4096 },
        { "4 KiB", PROF_UNIT_BYTES, 4096 },
        { "1.5MiB", PROF_UNIT_BYTES, 1572864 },
        { "1.5MB", PROF_UNIT_BYTES, 1500000 },
        { "60s", PROF_UNIT_US, 60000000 },
        { "60", PROF_UNIT_US, 60000000 },
        { "500ms", PROF_UNIT_US, 500000 },
        { "1.5m", PROF_UNIT_US, 90000000 },
        { "2h", PROF_UNIT_US, UINT64_C(7200000000) },
        { "250us", PROF_UNIT_US, 250 },
        { "1d", PROF_UNIT_US, UINT64_C(86400000000) },
        { "18446744073709551615", PROF_UNIT_NONE, UINT64_MAX },
        { "0xffffffffffffffff", PROF_UNIT_NONE, UINT64_MAX },
    };
    static const struct {
        const char *text;
        enum prof_unit unit;
    } bad[] = {
        { "", PROF_UNIT_NONE },
        { "x", PROF_UNIT_NONE },
        { "-1", PROF_UNIT_NONE },
        { "1.", PROF_UNIT_NONE },
        { "4KiB", PROF_UNIT_NONE },
        { "4s", PROF_UNIT_BYTES },
        { "4KiB", PROF_UNIT_US },
        { "0x", PROF_UNIT_NONE },
        { "0xg", PROF_UNIT_NONE },
        { "1e3", PROF_UNIT_NONE },
        { "_1", PROF_UNIT_NONE },
        { " 1", PROF_UNIT_NONE },
        { "18446744073709551616", PROF_UNIT_NONE },
        { "99999999999999d", PROF_UNIT_US },
        { "0x10000000000000000", PROF_UNIT_NONE },
        { "17000000TiB", PROF_UNIT_BYTES },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t value = 77;
        if (!prof_parse_quantity(good[i].text, good[i].unit, &value) || value != good[i].value)
            fail_msg("'%s' gave %llu", good[i].text, (unsigned long long)value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value = 77;
        if (prof_parse_quantity(bad[i].text, bad[i].unit, &value))
            fail_msg("'%s' was taken as %llu", bad[i].text, (unsigned long long)value);
        assert_int_equal(value, 77);
    }
}

/* What is printed reads back as the same size, to the precision of the print. */
static void round_trip(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (int i = 0; i < 400; i++) {
        uint64_t back;
        prof_fmt_bytes(buf, S, n, i % 2 != 0 ? PROF_UNITS_SI : PROF_UNITS_IEC);
        if (strstr(buf, "E") == NULL && strstr(buf, "P") == NULL) {
            assert_true(prof_parse_quantity(buf, PROF_UNIT_BYTES, &back));
            double off = fabs((double)back - (double)n) / (double)n;
            assert_true(off <= 0.051);
        }
        n = n * 11 / 10 + 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes),      cmocka_unit_test(deltas),        cmocka_unit_test(counts),
        cmocka_unit_test(times),      cmocka_unit_test(shares),        cmocka_unit_test(places),
        cmocka_unit_test(cells),      cmocka_unit_test(small_buffers), cmocka_unit_test(quantities),
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
