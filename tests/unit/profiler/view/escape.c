/* Hostile names: what may reach a terminal and what XML, in buffers of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <prof/view.h>

static char buf[512];
#define S sizeof buf

static void terminal(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "plain name", "plain name" },
        { "", "" },
        { "\033]0;owned\007", "\\x1b]0;owned\\x07" },
        { "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd" },
        { "\x7f", "\\x7f" },
        { "gr\xc3\xb6\xc3\x9f"
          "er",
          "gr\xc3\xb6\xc3\x9f"
          "er" },
        { "\xe2\x82\xac", "\xe2\x82\xac" },
        { "\xf0\x9f\x90\x9b", "\xf0\x9f\x90\x9b" },
        { "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" }, /* C1 control sequence introducer */
        { "\x9b"
          "31m",
          "\\x9b31m" }, /* the same as a lone byte */
        { "\xe2\x80\xae"
          "txt",
          "\\xe2\\x80\\xaetxt" },              /* right-to-left override */
        { "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* isolate */
        { "\xef\xbb\xbf", "\\xef\\xbb\\xbf" }, /* byte order mark */
        { "\xc0\xaf", "\\xc0\\xaf" },          /* overlong */
        { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
        { "\xff\xfe", "\\xff\\xfe" },
        { "a\xc3", "a\\xc3" }, /* cut sequence */
        { "a\xe2\x82", "a\\xe2\\x82" },
        { "\xc3"
          "A",
          "\\xc3A" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(prof_escape_terminal(buf, S, rows[i][0]), rows[i][1]);
}

static void xml(void **state)
{
    (void)state;
    assert_string_equal(prof_escape_xml(buf, S, "a<b & \"c\" 'd'>"), "a&lt;b &amp; &quot;c&quot; &#39;d&#39;&gt;");
    assert_string_equal(prof_escape_xml(buf, S, "]]>"), "]]&gt;");
    assert_string_equal(prof_escape_xml(buf, S, "a\tb\nc"), "a\tb\nc");
    assert_string_equal(prof_escape_xml(buf, S, "\x01\x1b\xff"), "\\x01\\x1b\\xff");
    assert_string_equal(prof_escape_xml(buf, S, "\xef\xbf\xbe"), "\\xef\\xbf\\xbe"); /* U+FFFE */
}

/* Any bytes, any buffer size: terminated, inside the buffer, printable, the same when applied twice. */
static void any_bytes(void **state)
{
    (void)state;
    unsigned seed = 12345;
    for (int round = 0; round < 20000; round++) {
        char text[40], out[96], again[96];
        size_t length = (seed = seed * 1103515245u + 12345u) >> 16 & 31;
        for (size_t i = 0; i < length; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = (char)(seed >> 16);
            if (text[i] == '\0')
                text[i] = 'x';
        }
        text[length] = '\0';
        size_t size = (seed >> 8) % sizeof out;
        memset(out, 'G', sizeof out);
        prof_escape_terminal(out, size, text);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], 'G');
        if (size == 0)
            continue;
        assert_true(strlen(out) < size);
        for (const char *p = out; *p != '\0'; p++)
            assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p != 0x7f);
        prof_escape_terminal(again, sizeof again, out);
        assert_string_equal(again, out);
        memset(out, 'G', sizeof out);
        prof_escape_xml(out, size, text);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], 'G');
        assert_true(strlen(out) < size);
        assert_null(strpbrk(out, "<>\"'"));
    }
}

static void cut(void **state)
{
    (void)state;
    char small[6];
    assert_string_equal(prof_escape_terminal(small, sizeof small, "abcde"), "abcde");
    assert_string_equal(prof_escape_terminal(small, sizeof small, "abcdef"), "abcd~");
    assert_string_equal(prof_escape_terminal(small, sizeof small, "abc\033"), "abc~"); /* never half of \x1b */
    assert_string_equal(prof_escape_terminal(small, sizeof small, "abcd\xc3\xa9"), "abcd~");
    assert_string_equal(prof_escape_xml(small, sizeof small, "a&b"), "a~");
    assert_string_equal(prof_escape_terminal(small, 2, "ab"), "~");
    assert_string_equal(prof_escape_terminal(small, 1, "ab"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminal),
        cmocka_unit_test(xml),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
