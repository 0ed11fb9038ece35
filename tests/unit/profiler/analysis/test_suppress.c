/* test_suppress.c: patterns, the three syntaxes, what must be refused, what must match, hostile sizes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "glob.h"
#include "suppress.h"

static void test_glob(void **state)
{
    (void)state;
    assert_true(glob_match("conn_*", "conn_open"));
    assert_true(glob_match("*", ""));
    assert_true(glob_match("a?c", "abc"));
    assert_true(glob_match("a*b*c", "a-xb-b-c"));
    assert_false(glob_match("conn_", "conn_open"));
    assert_false(glob_match("a?c", "ac"));
    assert_false(glob_match("", "a"));
    assert_true(glob_match("", ""));
    assert_true(glob_find("open", "conn_open_all"));
    assert_true(glob_find("^conn", "conn_open"));
    assert_false(glob_find("^open", "conn_open"));
    assert_true(glob_find("open$", "conn_open"));
    assert_false(glob_find("conn$", "conn_open"));
    assert_true(glob_find("^c*n$", "conn_open_on"));
    assert_false(glob_find("", "anything"));
    assert_false(glob_find("^$", "anything"));
    assert_true(glob_find("lib*.so", "/usr/lib/libfoo.so.1"));
    assert_true(glob_find("foo$", "foofoo"));
}

static void test_glob_hostile(void **state)
{
    // Would take years with backtracking over every star.
    char pattern[401], text[20001];
    (void)state;
    for (int i = 0; i < 400; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    strcpy(pattern + 398, "b");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(glob_match(pattern, text));
    assert_false(glob_find(pattern, text));
}

static struct prof_suppressions *parse(const char *text)
{
    struct prof_suppressions *s;
    assert_null(prof_suppressions_create(&s));
    struct prof_error *error = suppress_parse(s, "f.supp", text, strlen(text));
    if (error != NULL)
        print_error("%s\n", error->message);
    assert_null(error);
    return s;
}

/* The text must be refused in this line, and the message must say this. */
static void refuse(const char *text, unsigned line, const char *says)
{
    struct prof_suppressions *s;
    char place[32];

    assert_null(prof_suppressions_create(&s));
    struct prof_error *error = suppress_parse(s, "f.supp", text, strlen(text));
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_SYNTAX);
    snprintf(place, sizeof place, "f.supp:%u: ", line);
    if (strncmp(error->message, place, strlen(place)) != 0 || strstr(error->message, says) == NULL)
        fail_msg("wanted '%s...%s', got '%s'", place, says, error->message);
    assert_int_equal(error->offset, line);
    assert_null(strchr(error->message, '\n'));
    assert_int_equal(s->rules.count, 0);
    prof_error_destroy(error);
    prof_suppressions_destroy(s);
}

static const struct prof_frame frames[] = {
    { .function = "obj_ref", .file = "/src/obj.c", .module = "/usr/lib/libobj.so.1", .line = 4, .wrapper = true },
    { .function = "conn_open", .file = "/src/net/net.c", .module = "/usr/bin/app", .line = 31 },
    { .function = "accept_loop", .file = "/src/net/net.c", .module = "/usr/bin/app", .line = 90 },
    { .function = NULL, .file = NULL, .module = "/usr/lib/libplugin.so", .offset = 0x40 },
    { .function = "main", .file = "/src/main.c", .module = "/usr/bin/app", .line = 9 },
};
static const struct suppress_stack stack = { .frames = frames, .count = 5, .site = 1 };

static const char *match(const struct prof_suppressions *s, enum prof_verdict verdict)
{
    struct suppress_facts facts = { .verdict = verdict,
                                    .type = "struct conn",
                                    .fingerprint = "0123456789abcdef",
                                    .objects = 5,
                                    .bytes = 500,
                                    .stacks = &stack,
                                    .stack_count = 1 };
    return suppress_match(s, &facts);
}

static bool hits_as(const char *text, enum prof_verdict verdict)
{
    struct prof_suppressions *s = parse(text);
    bool hit = match(s, verdict) != NULL;
    prof_suppressions_destroy(s);
    return hit;
}

static bool hits(const char *text)
{
    return hits_as(text, PROF_MISSING_UNREF);
}

static void test_lsan(void **state)
{
    (void)state;
    assert_true(hits("leak:conn_open"));
    assert_true(hits("# a comment\n\n   leak: accept*op  \r\n"));
    assert_true(hits("leak:libplugin"));
    assert_true(hits("leak:net.c$"));
    assert_true(hits("leak:^main$"));
    assert_false(hits("leak:^open"));
    assert_false(hits("leak:zlib"));
    assert_false(hits_as("leak:conn_open", PROF_USE_AFTER_RELEASE));
    assert_true(hits_as("leak:conn_open", PROF_UNFREED));
    refuse("leak:\n", 1, "without a pattern");
    refuse("\nrace:foo\n", 2, "allowed are 'leak:GLOB'");
    refuse("leak conn_open\n", 1, "not a suppression");
}

static void test_valgrind(void **state)
{
    (void)state;
    assert_true(hits("{\n  name\n  Memcheck:Leak\n  fun:obj_ref\n  fun:conn_open\n}\n"));
    assert_true(hits("{\n  name\n  Memcheck:Leak\n  fun:conn_open\n  fun:accept_*\n  obj:*/libplugin.so\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\nfun:malloc\nfun:conn_open\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\nfun:*alloc\nfun:conn_open\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\n...\nfun:main\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\n...\nfun:accept_loop\n...\nfun:main\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\n...\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Leak\nfun:accept_loop\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Leak\nfun:conn_open\nfun:main\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Leak\n...\nfun:main\nfun:libc_start\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\nsrc:net.c:31\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\nsrc:net.c\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Leak\nsrc:net.c:32\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\n...\nfun:???\n}\n"));
    assert_true(hits("{\nn\nMemcheck:Leak\nmatch-leak-kinds: definite,possible\nfun:conn_open\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Leak\nmatch-leak-kinds: reachable\nfun:conn_open\n}\n"));
    assert_true(hits_as("{\nn\nMemcheck:Leak\nmatch-leak-kinds: reachable\nfun:conn_open\n}\n", PROF_REACHABLE));
    assert_false(hits("{\nn\nMemcheck:Addr8\nfun:conn_open\n}\n"));
    assert_true(hits_as("{\nn\nMemcheck:Addr8\nfun:conn_open\n}\n", PROF_USE_AFTER_RELEASE));
    assert_true(hits_as("{\nn\nMemcheck:Free\nfun:free\nfun:conn_open\n}\n", PROF_OVER_RELEASED));
    assert_false(hits("{\nn\nHelgrind:Race\nfun:conn_open\n}\n"));
    assert_true(hits("{\nn\nHelgrind,Memcheck:Leak\nfun:conn_open\n}\n"));
    assert_false(hits("{\nn\nMemcheck:Param\nwrite(buf)\nfun:conn_open\n}\n"));
}

static void test_valgrind_refused(void **state)
{
    char text[2000] = "{\nn\nMemcheck:Leak\n";
    (void)state;
    refuse("\n{\nn\nMemcheck:Leak\nfun:a\n", 2, "'{' without '}'");
    refuse("{\nn\nLeak\nfun:a\n}\n", 3, "TOOL:KIND");
    refuse("{\nn\nMemcheck:Leak\n}\n", 1, "without a frame line");
    refuse("{\nn\n}\n", 1, "without a TOOL:KIND");
    refuse("{\nn\nMemcheck:Leak\nfunc:a\n}\n", 4, "fun:GLOB, obj:GLOB, src:");
    refuse("{\nn\nMemcheck:Leak\nfun:\n}\n", 4, "without a pattern");
    refuse("{\nn\nMemcheck:Leak\nmatch-leak-kinds: some\nfun:a\n}\n", 4, "definite, indirect, possible, reachable");
    for (int i = 0; i < 24; i++)
        strcat(text, "fun:a\n");
    char *end = text + strlen(text);
    strcpy(end, "}\n");
    assert_false(hits(text)); // 24 are allowed
    strcpy(end, "fun:a\n}\n");
    refuse(text, 28, "more than 24 frame lines");
}

static void test_own(void **state)
{
    (void)state;
    assert_true(hits("verdict:missing-unref"));
    assert_true(
        hits("verdict:missing-unref type:struct conn fun:conn_* reason:upstream bug 17 expires:2999-12-31 max:5"));
    assert_true(hits("fingerprint:0123456789abcdef reason: known: not ours\n"));
    assert_true(hits("type:struct *"));
    assert_true(hits("fun:main"));
    assert_false(hits("verdict:cycle"));
    assert_false(hits("verdict:missing-unref type:conn"));
    assert_false(hits("type:struct conn fun:conn_close"));
    assert_false(hits("fingerprint:0123456789abcdee"));
    assert_false(hits("type:struct conn max:4"));
    assert_false(hits("type:struct conn expires:2001-01-01"));
    refuse("verdict:leak\n", 1, "unknown verdict");
    refuse("reason:because\n", 1, "no condition");
    refuse("type:a expires:2001-02-29\n", 1, "expires:YYYY-MM-DD");
    refuse("type:a expires:soon\n", 1, "expires:YYYY-MM-DD");
    refuse("type:a max:0\n", 1, "max:N");
    refuse("type:a max:12x\n", 1, "max:N");
    refuse("type:a type:b\n", 1, "twice");
    refuse("type:\n", 1, "no value");
    refuse("fingerprint:xyz\n", 1, "16 lower-case hex digits");
    refuse("type:ok\nbogus\x1b[31m line\n", 2, "bogus?[31m");
}

static void test_uses(void **state)
{
    struct prof_suppressions *s =
        parse("leak:nothing_here\ntype:struct conn reason:known\ntype:* expires:2001-01-01\n");
    const struct prof_suppression_use *uses;
    (void)state;

    assert_string_equal(match(s, PROF_MISSING_UNREF), "f.supp:2");
    assert_string_equal(match(s, PROF_CYCLE), "f.supp:2");
    assert_int_equal(prof_suppressions_used(s, &uses), 3);
    assert_int_equal(uses[0].findings, 0);
    assert_int_equal(uses[1].findings, 2);
    assert_int_equal(uses[1].objects, 10);
    assert_int_equal(uses[1].bytes, 1000);
    assert_string_equal(uses[1].place, "f.supp:2");
    assert_string_equal(uses[1].text, "type:struct conn reason:known");
    assert_false(uses[1].expired);
    assert_true(uses[2].expired);
    assert_int_equal(uses[2].findings, 0);
    prof_suppressions_destroy(s);
}

static void test_hostile(void **state)
{
    struct prof_suppressions *s;
    (void)state;

    // A line that is too long.
    char *line = malloc(SUPPRESS_LINE_MAX + 100);
    assert_non_null(line);
    memset(line, 'a', SUPPRESS_LINE_MAX + 99);
    memcpy(line, "leak:", 5);
    line[SUPPRESS_LINE_MAX + 99] = '\0';
    refuse(line, 1, "longer than 65536");
    line[SUPPRESS_LINE_MAX] = '\0';
    assert_false(hits(line));
    free(line);

    // A NUL byte.
    assert_null(prof_suppressions_create(&s));
    struct prof_error *error = suppress_parse(s, "f.supp", "leak:a\nleak:\0b\n", 15);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "f.supp:2: a NUL byte"));
    prof_error_destroy(error);

    // Every prefix of a good file is either good or refused, never anything else.
    static const char good[] =
        "# c\nleak:a\n{\n n\n Memcheck:Leak\n match-leak-kinds: all\n ...\n fun:b\n src:c.c:3\n}\n"
        "verdict:cycle type:struct x fun:y fingerprint:0123456789abcdef reason:z expires:2030-01-01 max:3\n";
    for (size_t n = 0; n < sizeof good; n++) {
        error = suppress_parse(s, "f.supp", good, n);
        prof_error_destroy(error);
    }
    prof_suppressions_destroy(s);
}

static void test_files(void **state)
{
    struct prof_suppressions *s;
    char path[] = "/tmp/test_suppress.XXXXXX";
    (void)state;

    assert_null(prof_suppressions_create(&s));
    struct prof_error *error = prof_suppressions_read(s, "/nonexistent/f.supp");
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_OS);
    prof_error_destroy(error);
    error = prof_suppressions_read(s, "/tmp");
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_OS);
    prof_error_destroy(error);

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "leak:conn_open", 14), 14);
    close(fd);
    assert_null(prof_suppressions_read(s, path));
    assert_non_null(match(s, PROF_MISSING_UNREF));
    unlink(path);
    prof_suppressions_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob),     cmocka_unit_test(test_glob_hostile),     cmocka_unit_test(test_lsan),
        cmocka_unit_test(test_valgrind), cmocka_unit_test(test_valgrind_refused), cmocka_unit_test(test_own),
        cmocka_unit_test(test_uses),     cmocka_unit_test(test_hostile),          cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("suppress", tests, NULL, NULL);
}
