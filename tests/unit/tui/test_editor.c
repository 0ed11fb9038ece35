/* What an editor is given: its words, the line, the file; and what is given to none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <editor.h>

/* The words of a command, each in brackets; or why there is none. */
static const char *made(const char *editor, const char *path, unsigned line)
{
    static char text[16384];
    static struct tui_editor_command command;
    const char *why = tui_editor_make(&command, editor, path, line);
    text[0] = '\0';
    for (char **word = command.argv; why == NULL && *word != NULL; word++)
        sprintf(text + strlen(text), "[%s]", *word);
    return why != NULL ? why : text;
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(made("vi", "/a/b.c", 7), "[vi][+7][/a/b.c]");
    assert_string_equal(made("vi", "/a/b.c", 0), "[vi][/a/b.c]");
    assert_string_equal(made("  emacs  -nw\t--quick ", "/a/b.c", 7), "[emacs][-nw][--quick][+7][/a/b.c]");
    assert_string_equal(made("'/opt/my editor/ed' -c \"a 'b' c\"", "/b.c", 7),
                        "[/opt/my editor/ed][-c][a 'b' c][+7][/b.c]");
    assert_string_equal(made("/usr/bin/code -w", "/a/b.c", 7), "[/usr/bin/code][-w][--goto][/a/b.c:7]");
    assert_string_equal(made("hx", "/a/b.c", 7), "[hx][/a/b.c:7]");
    assert_string_equal(made("subl -w", "/a/b.c", 0), "[subl][-w][/a/b.c]");
}

/* Whatever stands in a name is one word, and the shell never sees it. */
static void test_hostile(void **state)
{
    (void)state;
    assert_string_equal(made("vi", "/a/$(reboot);`x` 'y'.c", 7), "[vi][+7][/a/$(reboot);`x` 'y'.c]");
    assert_string_equal(made("vi", "/-c :!x", 7), "[vi][+7][/-c :!x]");
    assert_string_equal(made("vi $(x); y", "/b.c", 7), "[vi][$(x);][y][+7][/b.c]");
    assert_string_equal(made("vi", "-c", 7), "this file has a name that no editor is given");
    assert_string_equal(made("vi", "b.c", 7), "this file has a name that no editor is given");
    assert_string_equal(made("vi", "", 7), "this file has a name that no editor is given");
    assert_string_equal(made("vi", "/a\x1b[31m", 7), "this file has a name that no editor is given");
    assert_string_equal(made("vi", "/a\n", 7), "this file has a name that no editor is given");
}

static void test_limits(void **state)
{
    char many[4096] = "vi", path[9000];
    (void)state;
    assert_string_equal(made(NULL, "/b.c", 7), "no editor is set: VISUAL=vi reftrack tui, or EDITOR");
    assert_string_equal(made("", "/b.c", 7), "no editor is set: VISUAL=vi reftrack tui, or EDITOR");
    assert_string_equal(made(" \t ", "/b.c", 7), "no editor is set: VISUAL=vi reftrack tui, or EDITOR");
    for (int i = 0; i < 40; i++)
        strcat(many, " x");
    assert_string_equal(made(many, "/b.c", 7), "the command of the editor is too long");
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_string_equal(made("vi", path, 7), "the command of the editor is too long");
    assert_string_equal(made(path + 1, "/b.c", 7), "the command of the editor is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_hostile),
                                        cmocka_unit_test(test_limits) };
    return cmocka_run_group_tests_name("editor", tests, NULL, NULL);
}
