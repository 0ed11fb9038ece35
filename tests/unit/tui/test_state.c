/* What the viewer remembers: lines of the file, good and broken; several viewers that write it; files put in place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <state.h>
#include <textfile.h>

static char folder[] = "/tmp/tuistateXXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/a/state", mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void put(const char *text)
{
    assert_true(tui_textfile_replace(path, text, strlen(text), true, 0600));
}

/* The file's text is this, behind its first line when that is the head. */
static void check(const char *expected)
{
    const char *why;
    size_t length;
    char *text = tui_textfile_read(path, &length, &why);
    assert_non_null(text);
    const char *body = text[0] == '#' ? strchr(text, '\n') + 1 : text;
    assert_string_equal(body, expected);
    free(text);
}

static void test_lines(void **state)
{
    (void)state;
    static struct tui_state s;
    static const char text[] = "# words\nsort types -bytes,live\nsort  objects   age\ncolumns types +died -peak\n"
                               "sort\nsort types\nsort sites \x1b[31m\ncolumns sites a;b\nnonsense\n\n"
                               "sort a-name-that-is-much-too-long-for-a-table x\nsort marks at";
    memset(&s, 0, sizeof s);
    tui_state_read_text(&s, text, sizeof text - 1);
    assert_string_equal(tui_state_sort(&s, "types"), "-bytes,live");
    assert_string_equal(tui_state_columns(&s, "types"), "+died -peak");
    assert_string_equal(tui_state_sort(&s, "objects"), "age");
    assert_string_equal(tui_state_sort(&s, "marks"), "at");
    assert_null(tui_state_sort(&s, "sites"));
    assert_null(tui_state_columns(&s, "sites"));
    assert_null(tui_state_columns(&s, "objects"));
    tui_state_set_sort(&s, "types", "bad\nsort objects x");
    assert_string_equal(tui_state_sort(&s, "types"), "-bytes,live");
    /* more tables than there is room for, and bytes that are no text */
    char line[64];
    for (int i = 0; i < 2 * TUI_STATE_TABLES; i++) {
        int n = snprintf(line, sizeof line, "sort t%d x\n", i);
        tui_state_read_text(&s, line, (size_t)n);
    }
    assert_int_equal(s.count, TUI_STATE_TABLES);
    tui_state_read_text(&s, "\0\0sort types x\n", 15);
    assert_string_equal(tui_state_sort(&s, "types"), "-bytes,live");
}

static void test_written(void **state)
{
    (void)state;
    static struct tui_state one, two, three;
    struct stat st;
    memset(&one, 0, sizeof one);
    tui_state_read(&one, path);
    two = one;
    tui_state_set_sort(&one, "types", "live");
    assert_true(tui_state_write(&one, path));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    check("sort types live\n");
    /* the other one began before that, and keeps it */
    tui_state_set_columns(&two, "types", "+died");
    tui_state_set_sort(&two, "objects", "-age");
    assert_true(tui_state_write(&two, path));
    check("sort types live\ncolumns types +died\nsort objects -age\n");
    /* what it changed itself wins when it writes */
    tui_state_set_sort(&one, "types", "bytes");
    assert_true(tui_state_write(&one, path));
    memset(&three, 0, sizeof three);
    tui_state_read(&three, path);
    assert_string_equal(tui_state_sort(&three, "types"), "bytes");
    assert_string_equal(tui_state_sort(&three, "objects"), "-age");
    /* what is of a later version stays; what is broken goes */
    put("future thing\nsort types x\nsort objects y;z\n");
    tui_state_set_sort(&three, "marks", "at");
    assert_true(tui_state_write(&three, path));
    check("sort marks at\nsort types x\nfuture thing\n");
}

static void test_cannot(void **state)
{
    (void)state;
    static struct tui_state s;
    memset(&s, 0, sizeof s);
    tui_state_set_sort(&s, "types", "live");
    assert_false(tui_state_write(&s, folder));
    assert_false(tui_state_write(&s, "/proc/nosuch/state"));
    assert_false(tui_textfile_replace("", "x", 1, true, 0600));
    assert_false(tui_textfile_replace("/tmp/", "x", 1, true, 0600));
    assert_int_equal(errno, EISDIR);
    assert_false(tui_textfile_replace("/dev/full", "x", 1, true, 0600));
    put("old\n");
    assert_false(tui_textfile_replace(path, "new\n", 4, false, 0600));
    assert_int_equal(errno, EEXIST);
    check("old\n");
    /* no temporary file stays behind */
    char command[128];
    snprintf(command, sizeof command, "test \"$(ls -A %s/a)\" = state", folder);
    assert_int_equal(system(command), 0);
}

/* A disk that is full, and a file that is dropped, leave nothing behind, and what was there as it was. */
static void test_full(void **state)
{
    (void)state;
    struct rlimit before, small = { .rlim_cur = 4096 };
    struct tui_textfile file;
    char command[128];
    static char much[65536];
    memset(much, 'x', sizeof much);
    put("old\n");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_false(tui_textfile_replace(path, much, sizeof much, true, 0600));
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    check("old\n");
    assert_true(tui_textfile_begin(&file, path, 0600));
    fputs("new\n", file.out);
    tui_textfile_drop(&file);
    check("old\n");
    assert_true(tui_textfile_replace(path, "new\n", 4, true, 0600));
    check("new\n");
    snprintf(command, sizeof command, "test \"$(ls -A %s/a)\" = state", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_cannot),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
