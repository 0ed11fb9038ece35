/* The line of input: editing in the middle, characters of several bytes, history, completion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <locale.h>
#include <string.h>
#include <cmocka.h>

#include <key.h>
#include <prompt.h>

static struct tui_prompt prompt;

static void open_it(const char *text)
{
    tui_prompt_open(&prompt, TUI_PROMPT_COMMAND, text);
}

static void press(uint32_t key)
{
    assert_int_equal(tui_prompt_edit(&prompt, key), TUI_PROMPT_OPEN);
}

static void type(const char *text)
{
    for (; *text != '\0'; text++)
        press((unsigned char)*text);
}

static void is(const char *text, size_t cursor)
{
    assert_string_equal(prompt.text, text);
    assert_int_equal(prompt.cursor, cursor);
    assert_int_equal(prompt.length, strlen(text));
}

static void test_editing(void **state)
{
    (void)state;
    open_it("where ");
    type("livee>2");
    press(TUI_KEY_LEFT);
    press(TUI_KEY_LEFT);
    press(TUI_KEY_BACKSPACE);
    is("where live>2", 10);
    press(TUI_KEY_HOME);
    type("x");
    press(TUI_KEY_DELETE);
    is("xhere live>2", 1);
    press('k' & 31);
    is("x", 1);
    press(TUI_KEY_RIGHT);
    press(TUI_KEY_DELETE);
    is("x", 1);
    type(" two words ");
    press('w' & 31);
    is("x two ", 6);
    press(TUI_KEY_LEFT);
    press('u' & 31);
    is(" ", 0);
    assert_int_equal(tui_prompt_edit(&prompt, TUI_KEY_ESC), TUI_PROMPT_CANCELLED);
    open_it("");
    assert_int_equal(tui_prompt_edit(&prompt, TUI_KEY_BACKSPACE), TUI_PROMPT_CANCELLED);
    open_it("");
    press(TUI_KEY_LEFT);
    press(TUI_KEY_UP);
    press(TUI_KEY_F0 + 3);
    is("", 0);
}

static void test_characters(void **state)
{
    (void)state;
    open_it("");
    press(0xe4);
    press(0x4e2d);
    press('b');
    is("\xc3\xa4\xe4\xb8\xad"
       "b",
       6);
    press(TUI_KEY_LEFT);
    press(TUI_KEY_LEFT);
    assert_int_equal(prompt.cursor, 2);
    press(TUI_KEY_DELETE);
    is("\xc3\xa4"
       "b",
       2);
    press(TUI_KEY_BACKSPACE);
    is("b", 0);
    /* as many as there is room for, and not one byte more */
    open_it("");
    for (int i = 0; i < 2 * TUI_PROMPT_MOST; i++)
        press(0x4e2d);
    assert_true(prompt.length < TUI_PROMPT_MOST && prompt.length >= TUI_PROMPT_MOST - 4 && prompt.length % 3 == 0);
}

static void enter(const char *line)
{
    open_it(line);
    assert_int_equal(tui_prompt_edit(&prompt, TUI_KEY_ENTER), TUI_PROMPT_ENTERED);
}

static void test_history(void **state)
{
    (void)state;
    memset(&prompt, 0, sizeof prompt);
    enter("one");
    enter("two");
    enter("");
    enter("three");
    enter("one");
    open_it("beg");
    press(TUI_KEY_UP);
    is("one", 3);
    press(TUI_KEY_UP);
    is("three", 5);
    press(TUI_KEY_UP);
    press(TUI_KEY_UP);
    is("two", 3);
    press(TUI_KEY_DOWN);
    press(TUI_KEY_DOWN);
    press(TUI_KEY_DOWN);
    press(TUI_KEY_DOWN);
    is("beg", 3);
    /* others have a history of their own */
    tui_prompt_open(&prompt, TUI_PROMPT_FIND, "");
    press(TUI_KEY_UP);
    is("", 0);
    char line[16];
    for (int i = 0; i < 3 * TUI_PROMPT_HISTORY; i++) {
        snprintf(line, sizeof line, "line %d", i);
        enter(line);
    }
    open_it("");
    for (int i = 0; i < 3 * TUI_PROMPT_HISTORY; i++)
        press(TUI_KEY_UP);
    is("line 32", 7);
}

static void complete(size_t length, const char *a, const char *b, const char *c)
{
    const char *words[] = { a, b, c, NULL };
    tui_prompt_complete(&prompt, length, words);
}

static void test_completion(void **state)
{
    (void)state;
    open_it("so");
    complete(2, "sort", "sites", "where");
    is("sort ", 5);
    assert_string_equal(prompt.said, "");
    open_it("s");
    complete(1, "sort-next", "sort-previous", "where");
    is("sort-", 5);
    assert_string_equal(prompt.said, "sort-next  sort-previous");
    press('n');
    assert_string_equal(prompt.said, "");
    open_it("xyz");
    complete(3, "sort", "sites", NULL);
    is("xyz", 3);
    assert_string_equal(prompt.said, "nothing begins like that");
    /* in the middle of a line, no blank is added */
    open_it("by>2");
    press(TUI_KEY_LEFT);
    press(TUI_KEY_LEFT);
    complete(2, "bytes", NULL, NULL);
    is("bytes>2", 5);
    /* folders go on */
    open_it("export do");
    complete(2, "docs/", NULL, NULL);
    is("export docs/", 12);
    /* more than can be said, and a word that has no room */
    static char longest[300];
    memset(longest, 'l', sizeof longest - 1);
    open_it("l");
    complete(1, longest, NULL, NULL);
    is("l", 1);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
