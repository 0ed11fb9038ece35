/* The table of actions is whole, its keys can be read and belong to one action each; bindings change them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <action.h>
#include <key.h>

static void test_table(void **state)
{
    (void)state;
    struct tui_keymap map;
    size_t keys = 0;
    tui_keymap_init(&map);
    for (int i = 1; i < TUI_ACTIONS; i++) {
        const struct tui_action_info *info = &tui_actions[i];
        assert_non_null(info->name);
        assert_true(info->help != NULL && info->help[0] != '\0' && strlen(info->help) < 80);
        assert_int_equal(tui_action_named(info->name), i);
        for (const char *at = info->keys; *at != '\0'; at += strspn(at, " ")) {
            uint32_t key;
            if (!tui_key_parse(&at, &key))
                fail_msg("%s: '%s' is no key", info->name, at);
            if (tui_keymap_find(&map, NULL, key) != (enum tui_action)i)
                fail_msg("%s: a key of it is also one of %s", info->name,
                         tui_actions[tui_keymap_find(&map, NULL, key)].name);
            keys++;
        }
    }
    assert_int_equal(map.count, keys);
    assert_int_equal(tui_action_named("no-such"), TUI_NO_ACTION);
}

static void test_names_of_keys(void **state)
{
    (void)state;
    static const uint32_t keys[] = {
        'a',         'Z',         '/',           ' ', TUI_KEY_UP, TUI_KEY_PGDN,   TUI_KEY_F0 + 1, TUI_KEY_F0 + 12,
        TUI_KEY_ESC, TUI_KEY_TAB, TUI_KEY_ENTER, 3,   26,         TUI_KEY_BACKTAB
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[16];
        uint32_t key = 0;
        const char *at = tui_key_name(keys[i], name, sizeof name);
        assert_true(tui_key_parse(&at, &key));
        assert_int_equal(key, keys[i]);
        assert_int_equal(*at, '\0');
    }
    static const char *const bad[] = { "", "F13", "F0", "F", "C-", "C-1", "ab", "Upp", "F1x", "\xff\xff" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *at = bad[i];
        uint32_t key = 77;
        if (strcmp(bad[i], "F") == 0)
            continue; /* a letter */
        assert_false(tui_key_parse(&at, &key));
        assert_ptr_equal(at, bad[i]);
        assert_int_equal(key, 77);
    }
}

static void test_bindings(void **state)
{
    (void)state;
    struct tui_keymap map;
    char keys[64];
    tui_keymap_init(&map);
    assert_string_equal(tui_keymap_keys(&map, NULL, TUI_DOWN, keys, sizeof keys), "Down j");
    assert_true(tui_keymap_bind(&map, NULL, 'j', TUI_UP));
    assert_string_equal(tui_keymap_keys(&map, NULL, TUI_DOWN, keys, sizeof keys), "Down");
    assert_int_equal(tui_keymap_find(&map, NULL, 'j'), TUI_UP);
    assert_true(tui_keymap_bind(&map, NULL, TUI_KEY_DOWN, TUI_NO_ACTION));
    assert_string_equal(tui_keymap_keys(&map, NULL, TUI_DOWN, keys, sizeof keys), "");
    assert_string_equal(tui_keymap_key(&map, NULL, TUI_HELP, keys, sizeof keys), "?");
    for (uint32_t key = 0x100; map.count < TUI_BINDINGS; key++)
        assert_true(tui_keymap_bind(&map, NULL, key, TUI_UP));
    assert_false(tui_keymap_bind(&map, NULL, 0x9999, TUI_UP));
    assert_true(tui_keymap_bind(&map, NULL, 'k', TUI_DOWN)); /* known ones still change */
}

static void test_bindings_of_a_view(void **state)
{
    (void)state;
    struct tui_keymap map;
    char keys[64];
    const char *types = tui_view_named("types");
    assert_non_null(types);
    assert_null(tui_view_named("nosuch"));
    tui_keymap_init(&map);
    assert_true(tui_keymap_bind(&map, types, 'j', TUI_SORT));
    assert_int_equal(tui_keymap_find(&map, "types", 'j'), TUI_SORT);
    assert_int_equal(tui_keymap_find(&map, "objects", 'j'), TUI_DOWN);
    assert_int_equal(tui_keymap_find(&map, NULL, 'j'), TUI_DOWN);
    /* its own first; what the view took away is not told there */
    assert_string_equal(tui_keymap_keys(&map, "types", TUI_SORT, keys, sizeof keys), "j s F6");
    assert_string_equal(tui_keymap_key(&map, "types", TUI_SORT, keys, sizeof keys), "j");
    assert_string_equal(tui_keymap_keys(&map, "types", TUI_DOWN, keys, sizeof keys), "Down");
    assert_string_equal(tui_keymap_keys(&map, "objects", TUI_SORT, keys, sizeof keys), "s F6");
    assert_true(tui_keymap_bind(&map, types, 's', TUI_NO_ACTION));
    assert_int_equal(tui_keymap_find(&map, "types", 's'), TUI_NO_ACTION);
    assert_int_equal(tui_keymap_find(&map, "objects", 's'), TUI_SORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_names_of_keys),
        cmocka_unit_test(test_bindings),
        cmocka_unit_test(test_bindings_of_a_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
