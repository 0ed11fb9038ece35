/* tuirc: what each line does, what is said of a wrong one, whole files; the table of options; where files are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <config.h>
#include <key.h>

static struct tui_config config;
static char why[TUI_PROBLEM];

static void good(const char *line)
{
    if (!tui_config_line(&config, line, why))
        fail_msg("'%s': %s", line, why);
}

/* A wrong line changes nothing, and what is said of it has these words. */
static void bad(const char *line, const char *words)
{
    struct tui_config before = config;
    snprintf(why, sizeof why, "nothing was said");
    if (tui_config_line(&config, line, why))
        fail_msg("'%s' is taken", line);
    if (strstr(why, words) == NULL)
        fail_msg("'%s': '%s' has no '%s'", line, why, words);
    assert_memory_equal(&config, &before, sizeof config);
}

static void test_options(void **state)
{
    (void)state;
    char word[32];
    tui_config_init(&config);
    for (size_t i = 0; i < TUI_OPTIONS; i++) {
        const struct tui_option *option = &tui_options[i];
        char line[128];
        assert_ptr_equal(tui_option_named(option->name), option);
        assert_true(option->help[0] != '\0' && strlen(option->help) < 80);
        assert_int_equal(tui_option_get(&config.settings, option), option->otherwise);
        int count = 0;
        for (; tui_option_word(option, count, word, sizeof word)[0] != '\0'; count++) {
            snprintf(line, sizeof line, "set %s = %s", option->name, word);
            good(line);
            assert_int_equal(tui_option_get(&config.settings, option), count);
        }
        assert_true(count > option->otherwise && count > 1);
    }
    const struct tui_option *first = tui_option_named("first");
    for (int i = 0; tui_option_word(first, i, word, sizeof word)[0] != '\0'; i++) {
        assert_int_not_equal(tui_action_named(word), TUI_NO_ACTION);
        assert_non_null(tui_view_named(word));
    }
    tui_settings_init(&config.settings);
    assert_int_equal(tui_option_wheel(&config.settings), 3);
}

static void test_set(void **state)
{
    (void)state;
    tui_config_init(&config);
    good("set theme=light");
    assert_int_equal(config.settings.theme, 1);
    good("  set\ttheme =\tmono  \r");
    assert_int_equal(config.settings.theme, 2);
    bad("set", "NAME = VALUE");
    bad("set theme", "NAME = VALUE");
    bad("set theme light", "NAME = VALUE");
    bad("set theme =", "NAME = VALUE");
    bad("set = light", "NAME = VALUE");
    bad("set theme = l", "default|light|mono|contrast");
    bad("set theme = light mono", "one of");
    bad("set thme = light", "did you mean 'theme'?");
    bad("set xyzzy = light", "theme, units");
    bad("settheme = light", "lines begin with");
    bad("Set theme = light", "lines begin with");
    bad("garbage", "set, bind, color or #");
}

static void test_bind(void **state)
{
    (void)state;
    tui_config_init(&config);
    good("bind x sort");
    assert_int_equal(tui_keymap_find(&config.keymap, "types", 'x'), TUI_SORT);
    good("bind types C-d sort-next");
    assert_int_equal(tui_keymap_find(&config.keymap, "types", 'd' & 31), TUI_SORT_NEXT);
    assert_int_equal(tui_keymap_find(&config.keymap, "objects", 'd' & 31), TUI_HALF_DOWN);
    good("bind # help");
    assert_int_equal(tui_keymap_find(&config.keymap, NULL, '#'), TUI_HELP);
    good("bind q none");
    assert_int_equal(tui_keymap_find(&config.keymap, NULL, 'q'), TUI_NO_ACTION);
    bad("bind", "[VIEW] KEY ACTION");
    bad("bind x", "[VIEW] KEY ACTION");
    bad("bind types x sort now", "[VIEW] KEY ACTION");
    bad("bind Ctrl-x sort", "no key");
    bad("bind x srt", "did you mean 'sort'?");
    bad("bind typs x sort", "did you mean 'types'?");
    char line[64];
    for (char key = 'a'; key <= 'z'; key++)
        for (size_t v = 0; tui_view_names[v] != NULL && config.keymap.count < TUI_BINDINGS; v++) {
            snprintf(line, sizeof line, "bind %s %c up", tui_view_names[v], key);
            good(line);
        }
    bad("bind types Z up", "too many");
}

static void test_color(void **state)
{
    (void)state;
    tui_config_init(&config);
    good("color bad red default bold,underline");
    assert_true(config.look[TUI_BAD].set);
    assert_int_equal(config.look[TUI_BAD].fore, 1);
    assert_int_equal(config.look[TUI_BAD].back, -1);
    assert_int_equal(config.look[TUI_BAD].attributes, TUI_LOOK_BOLD | TUI_LOOK_UNDERLINE);
    good("color graph2 208");
    assert_int_equal(config.look[TUI_GRAPH2].fore, 208);
    good("color dim default 0 none");
    assert_int_equal(config.look[TUI_DIM].fore, -1);
    assert_int_equal(config.look[TUI_DIM].back, 0);
    for (int i = 0; i < TUI_ROLES; i++) {
        char line[64];
        assert_non_null(tui_role_names[i]);
        snprintf(line, sizeof line, "color %s white", tui_role_names[i]);
        good(line);
        assert_int_equal(config.look[i].fore, 7);
    }
    bad("color", "ROLE FG");
    bad("color bad", "ROLE FG");
    bad("color bad red blue bold x", "ROLE FG");
    bad("color bda red", "did you mean 'bad'?");
    bad("color bad pink", "no colour");
    bad("color bad 256", "no colour");
    bad("color bad 99999999999999999999999", "no colour");
    bad("color bad -1", "no colour");
    bad("color bad red default bold,fat", "attributes are");
}

static void test_text(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n\n   # another\nset theme = light\nset nothing\nbind x sort";
    static const char nul[] = "set theme = mono\nset\0theme = light\n";
    struct tui_problems problems = { .count = 0 };
    tui_config_init(&config);
    tui_config_read_text(&config, "rc", text, sizeof text - 1, &problems);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.text[0], "rc:5: 'set' wants NAME = VALUE, as in: set theme = light");
    assert_int_equal(config.settings.theme, 1);
    assert_int_equal(tui_keymap_find(&config.keymap, NULL, 'x'), TUI_SORT);
    tui_config_read_text(&config, "rc", nul, sizeof nul - 1, &problems);
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(problems.text[1], "rc:2: there is a NUL byte"));
    assert_int_equal(config.settings.theme, 2);
    /* a long line, a name of any length, more problems than are kept */
    static char many[40 * TUI_PROBLEMS], name[500], line[5000];
    memset(line, 'x', sizeof line - 1);
    tui_config_read_text(&config, "rc", line, sizeof line - 1, &problems);
    assert_non_null(strstr(problems.text[2], "rc:1: the line is longer than"));
    for (int i = 0; i < 2 * TUI_PROBLEMS; i++)
        strcat(many, "nonsense\n");
    memset(name, 'n', sizeof name - 1);
    tui_config_read_text(&config, name, many, strlen(many), &problems);
    assert_int_equal(problems.count, 3 + 2 * TUI_PROBLEMS);
    assert_non_null(strstr(problems.text[TUI_PROBLEMS - 1], "'nonsense' is nothing"));
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/tuircXXXXXX", path[64], buf[64];
    struct tui_problems problems = { .count = 0 };
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rc", folder);
    tui_config_init(&config);
    assert_false(tui_config_read(&config, path, false, &problems));
    assert_int_equal(problems.count, 0);
    assert_false(tui_config_read(&config, path, true, &problems));
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.text[0], "there is no such file"));
    assert_false(tui_config_read(&config, folder, false, &problems));
    assert_non_null(strstr(problems.text[1], "no regular file"));
    FILE *file = fopen(path, "w");
    fputs("set units = si\n", file);
    fclose(file);
    assert_true(tui_config_read(&config, path, true, &problems));
    assert_int_equal(problems.count, 2);
    assert_int_equal(config.settings.units, 1);
    if (geteuid() != 0) {
        chmod(path, 0);
        assert_false(tui_config_read(&config, path, false, &problems));
        assert_non_null(strstr(problems.text[2], "Permission denied"));
    }
    unlink(path);
    rmdir(folder);

    setenv("HOME", "/home/ann", 1);
    setenv("XDG_CONFIG_HOME", "/conf", 1);
    assert_string_equal(tui_config_path("XDG_CONFIG_HOME", ".config", "tuirc", buf, sizeof buf),
                        "/conf/reftrack/tuirc");
    setenv("XDG_CONFIG_HOME", "conf", 1);
    assert_string_equal(tui_config_path("XDG_CONFIG_HOME", ".config", "tuirc", buf, sizeof buf),
                        "/home/ann/.config/reftrack/tuirc");
    assert_string_equal(tui_config_path("XDG_CONFIG_HOME", ".config", "tuirc", buf, 20), "");
    unsetenv("HOME");
    assert_string_equal(tui_config_path("XDG_CONFIG_HOME", ".config", "tuirc", buf, sizeof buf), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options), cmocka_unit_test(test_set),  cmocka_unit_test(test_bind),
        cmocka_unit_test(test_color),   cmocka_unit_test(test_text), cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
