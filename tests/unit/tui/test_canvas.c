/* The canvas: clipping, wide and hostile characters, cutting, graphs; UTF-8 and ASCII. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <canvas.h>
#include <glyph.h>

static struct tui_canvas make(int height, int width, bool ascii)
{
    struct tui_canvas canvas;
    assert_true(tui_canvas_init(&canvas, height, width, ascii));
    return canvas;
}

/* Also ends the canvas. */
static void expect(struct tui_canvas *canvas, const char *expected)
{
    char *text = tui_canvas_save(canvas);
    assert_string_equal(text, expected);
    free(text);
    tui_canvas_deinit(canvas);
}

static void test_text_is_cut(void **state)
{
    (void)state;
    struct tui_canvas canvas = make(4, 10, false);
    assert_int_equal(tui_text(&canvas, 0, 2, 5, TUI_NORMAL, "abcdefgh"), 5);
    assert_int_equal(tui_text(&canvas, 1, 2, 5, TUI_NORMAL, "abcde"), 5);
    tui_name(&canvas, 2, 0, 8, TUI_NORMAL, "json_object_map");
    tui_number(&canvas, 3, 0, 3, TUI_NORMAL, "1 234");
    tui_number(&canvas, 3, 4, 6, TUI_NORMAL, "12");
    expect(&canvas, "  abcd\u2026\n  abcde\njson~map\n###     12\n");
    canvas = make(1, 10, true);
    tui_text(&canvas, 0, 0, 5, TUI_NORMAL, "abcdefgh");
    expect(&canvas, "abcd~\n");
}

static void test_outside_is_nothing(void **state)
{
    (void)state;
    struct tui_canvas canvas = make(2, 4, false);
    tui_text(&canvas, -1, 0, 4, TUI_NORMAL, "above");
    tui_text(&canvas, 2, 0, 4, TUI_NORMAL, "below");
    tui_text(&canvas, 0, -2, 6, TUI_NORMAL, "abcdef");
    tui_fill(&canvas, 1, 3, 100, TUI_NORMAL, '#');
    tui_select(&canvas, 1, -5, 1000);
    tui_bar(&canvas, 5, 5, 10, TUI_NORMAL, 1);
    tui_graph(&canvas, -3, -3, 9, 9, TUI_NORMAL, (double[]){ 1, 2, 3 }, 3, 0);
    tui_canvas_clear(&canvas);
    tui_text(&canvas, 0, -2, 6, TUI_NORMAL, "abcdef");
    expect(&canvas, "cdef\n\n");
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = { "\033[2J",      "\x9b",     "\xc3", "\xff\xfe", "\u202e",           "\u200b",
                                         "\xed\xa0\x80", "\xc0\x80", "\x07", "\x7f",     "\xf4\x90\x80\x80", "\u2066" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tui_canvas canvas = make(1, 20, false);
        tui_text(&canvas, 0, 0, 20, TUI_NORMAL, texts[i]);
        char *text = tui_canvas_save(&canvas);
        assert_int_equal(text[0], '?');
        for (const char *c = text; *c != '\0' && *c != '\n'; c++)
            assert_true(*c >= ' ' && *c < 0x7f);
        free(text);
        tui_canvas_deinit(&canvas);
    }
}

static void test_wide_characters(void **state)
{
    (void)state;
    struct tui_canvas canvas = make(2, 6, false);
    assert_int_equal(tui_width("\u4e16\u754c!"), 5);
    tui_text(&canvas, 0, 0, 6, TUI_NORMAL, "\u4e16\u754c!");
    tui_text(&canvas, 1, 0, 4, TUI_NORMAL, "\u4e16\u754c\u4e16"); /* a half one does not fit */
    expect(&canvas, "\u4e16\u754c!\n\u4e16\u2026\n");
    canvas = make(1, 6, true);
    tui_text(&canvas, 0, 0, 6, TUI_NORMAL, "\u4e16e\u0301");
    expect(&canvas, "??e\n");
}

static void test_characters_come_back(void **state)
{
    (void)state;
    static const uint32_t chars[] = { 'a', 0x7e, 0xe9, 0x7ff, 0x800, 0x2588, 0xffe6, 0x1f600 };
    for (size_t i = 0; i < sizeof chars / sizeof *chars; i++) {
        char bytes[8] = "";
        const char *at = bytes;
        int columns;
        size_t length = tui_encode(chars[i], bytes);
        assert_int_equal(strlen(bytes), length);
        assert_int_equal(tui_next_char(&at, &columns), chars[i]);
        assert_int_equal(*at, '\0');
    }
}

static void test_roles_and_matches(void **state)
{
    (void)state;
    struct tui_canvas canvas = make(2, 12, false);
    tui_text(&canvas, 0, 0, 12, TUI_BAD, "Conn conn co");
    tui_match(&canvas, 0, 0, 12, "CONN");
    tui_select(&canvas, 1, 2, 3);
    char *roles = tui_canvas_save_roles(&canvas);
    assert_string_equal(roles, "mmmmbmmmmbbb\n  NNN\n");
    free(roles);
    tui_canvas_deinit(&canvas);
}

static void test_graphs(void **state)
{
    (void)state;
    const double values[] = { 0, 1, 2, 3, NAN, 6 };
    struct tui_canvas canvas = make(2, 6, true);
    tui_graph(&canvas, 0, 0, 2, 6, TUI_NORMAL, values, 6, 0);
    expect(&canvas, "     |\n .:| |\n");
    canvas = make(1, 3, false);
    tui_graph(&canvas, 0, 0, 1, 3, TUI_NORMAL, values, 6, 6);
    char *text = tui_canvas_save(&canvas);
    assert_string_equal(text, "\u2880\u28e0\u28b8\n");
    free(text);
    tui_canvas_clear(&canvas);
    tui_graph(&canvas, 0, 0, 1, 3, TUI_NORMAL, values, 0, 0);
    expect(&canvas, "\n");
}

static void test_bars(void **state)
{
    (void)state;
    struct tui_canvas canvas = make(4, 10, true);
    tui_bar(&canvas, 0, 0, 10, TUI_NORMAL, 0.5);
    tui_bar(&canvas, 1, 0, 10, TUI_NORMAL, 7);
    tui_bar(&canvas, 2, 0, 10, TUI_NORMAL, NAN);
    tui_bar(&canvas, 3, 0, 2, TUI_NORMAL, 1);
    expect(&canvas, "[####    ]\n[########]\n[        ]\n\n");
    canvas = make(1, 6, false);
    tui_bar(&canvas, 0, 0, 6, TUI_NORMAL, 0.001);
    expect(&canvas, "[\u258f   ]\n");
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_cut),
        cmocka_unit_test(test_outside_is_nothing),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_wide_characters),
        cmocka_unit_test(test_characters_come_back),
        cmocka_unit_test(test_roles_and_matches),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
