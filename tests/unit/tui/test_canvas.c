/* The canvas: clipping, wide and hostile characters, cutting, graphs; UTF-8 and ASCII. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <cmocka.h>

#include <canvas.h>
#include <glyph.h>
#include <rnd.h>

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
    static const char *const texts[] = { "\033[2J",          "\x9b",         "\xc3",     "\xff\xfe",  "\u202e",
                                         "\u200b",           "\xed\xa0\x80", "\xc0\x80", "\x07",      "\x7f",
                                         "\xf4\x90\x80\x80", "\u2066",       "\u05d0",   "\u0634",    "\u07ca",
                                         "\ufb2a",           "\U0001e900",   "\u00ad",   "\U0001f3fd" };
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

/* Whatever is drawn over whatever: each row has as many columns as it says. */
static void test_no_row_is_shifted(void **state)
{
    static const char *const parts[] = { "a",        "\u4e16", "e\u0301",    "\U0001f600", "\u05d0",       "\u202e",
                                         "\033[31m", "\xc3",   "\xe4",       "\u0e33",     "\u1112\u1161", "\u200d",
                                         "\t",       "\u2588", "\U0001f3fd", "\u00ad" };
    (void)state;
    seed(3);
    for (int round = 0; round < 300; round++) {
        struct tui_canvas canvas = make(3, 1 + (int)rnd(30), rnd(8) == 0);
        for (int i = 0; i < 40; i++) {
            char text[256] = "";
            for (uint64_t k = rnd(12); k > 0; k--)
                strcat(text, parts[rnd(sizeof parts / sizeof *parts)]);
            int y = (int)rnd(3), x = (int)rnd(36) - 3, width = (int)rnd(20), kind = (int)rnd(5);
            int needs = tui_width(text), used = 0;
            if (kind == 0)
                used = tui_name(&canvas, y, x, width, TUI_BAD, text);
            else if (kind == 1)
                tui_number(&canvas, y, x, width, TUI_DIM, text);
            else if (kind == 2)
                tui_fill(&canvas, y, x, width, TUI_DIM, '-');
            else
                used = tui_text(&canvas, y, x, width, TUI_NORMAL, text);
            assert_true(used <= width || used == 0);
            assert_true(kind < 3 || used == needs || needs > width);
        }
        for (int y = 0; y < canvas.height; y++)
            for (int x = 0; x < canvas.width; x++) {
                const struct tui_cell *cell = &canvas.cells[y * canvas.width + x];
                bool second = x + 1 < canvas.width && cell[1].ch == 0;
                assert_int_equal(cell->ch == 0 ? 1 : wcwidth((wchar_t)cell->ch), second ? 2 : 1);
                assert_true(cell->ch != 0 || (x > 0 && cell[-1].ch != 0));
                assert_true(!canvas.ascii || cell->ch < 0x7f);
            }
        tui_canvas_deinit(&canvas);
    }
}

static void test_characters_come_back(void **state)
{
    (void)state;
    static const uint32_t chars[] = { 'a', 0x7e, 0xe9, 0x587, 0x905, 0x2588, 0xffe6, 0x1f600 };
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
        cmocka_unit_test(test_no_row_is_shifted),
        cmocka_unit_test(test_wide_characters),
        cmocka_unit_test(test_characters_come_back),
        cmocka_unit_test(test_roles_and_matches),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
