/* Labelled lines: broken at blanks, kept in view. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <lines.h>

static void expect(struct tui_lines *lines, int height, int width, const char *expected)
{
    struct tui_canvas canvas;
    assert_true(tui_canvas_init(&canvas, height, width, true));
    tui_lines_draw(lines, &canvas, (struct tui_area){ .height = height, .width = width }, true);
    char *text = tui_canvas_save(&canvas);
    assert_string_equal(text, expected);
    free(text);
    tui_canvas_deinit(&canvas);
}

static void test_breaks(void **state)
{
    (void)state;
    struct tui_lines lines = { 0 };
    tui_lines_add(&lines, "why", TUI_NORMAL, "%s", "each count is one too high");
    tui_lines_span(&lines, TUI_PLACE, "%s", ": twice");
    tui_lines_add(&lines, NULL, TUI_NORMAL, "%s", "a_word_that_is_longer_than_the_line_is");
    tui_lines_heading(&lines, "end");
    expect(&lines, 8, 30,
           ">why       each count is one\n"
           "           too high: twice\n"
           " a_word_that_is_longer_than_t\n"
           " he_line_is\n"
           "------------------------ end\n\n\n\n");
    tui_lines_deinit(&lines);
}

static void test_goes_on_further_in(void **state)
{
    (void)state;
    struct tui_lines lines = { 0 };
    tui_lines_add(&lines, NULL, TUI_NORMAL, "%s", "  = global g_sessions -> session#3 taken at login");
    expect(&lines, 3, 30, ">  = global g_sessions ->\n     session#3 taken at login\n\n");
    tui_lines_clear(&lines);
    tui_lines_add(&lines, "x", TUI_NORMAL, "%s", "a");
    for (int i = 0; i < TUI_LINE_SPANS + 5; i++)
        tui_lines_span(&lines, TUI_PLACE, " %d", i);
    expect(&lines, 3, 60, ">x         a 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n\n\n");
    tui_lines_deinit(&lines);
}

static void test_cursor_stays_in_view(void **state)
{
    (void)state;
    struct tui_lines lines = { 0 };
    char label[8];
    for (int i = 0; i < 20; i++) {
        snprintf(label, sizeof label, "%d", i);
        tui_lines_add(&lines, NULL, TUI_NORMAL, "%s", i % 2 != 0 ? "short" : "long enough for two rows here");
        tui_lines_target(&lines, label);
    }
    expect(&lines, 4, 20, ">long enough for\n two rows here\n short\n long enough for\n");
    for (size_t i = 1; i < 20; i++) {
        struct tui_canvas canvas;
        assert_true(tui_lines_act(&lines, TUI_DOWN));
        assert_true(tui_canvas_init(&canvas, 4, 20, true));
        tui_lines_draw(&lines, &canvas, (struct tui_area){ .height = 4, .width = 20 }, true);
        int shown = 0;
        for (int y = 0; y < 4; y++)
            shown += canvas.cells[y * 20].ch == '>';
        assert_int_equal(shown, 1);
        snprintf(label, sizeof label, "%zu", i);
        assert_string_equal(tui_lines_selected(&lines), label);
        tui_canvas_deinit(&canvas);
    }
    assert_true(tui_lines_act(&lines, TUI_FIRST));
    assert_string_equal(tui_lines_selected(&lines), "0");
    tui_lines_clear(&lines);
    assert_null(tui_lines_selected(&lines));
    expect(&lines, 2, 20, "\n\n");
    tui_lines_deinit(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breaks),
        cmocka_unit_test(test_goes_on_further_in),
        cmocka_unit_test(test_cursor_stays_in_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
