/* test_baseline.c: baselines as leaks --json writes them, and every way in which such a file can be damaged. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "baseline.h"

static const char good[] =
    "{\"schema\":1,\"tool\":\"reftrack\",\"findings\":["
    "{\"fingerprint\":\"0123456789abcdef\",\"verdict\":\"cycle\",\"type\":\"conn\",\"objects\":4},"
    "{\"fingerprint\":\"00000000000000ff\",\"objects\":2,\"later\":[1,2]},"
    "{\"fingerprint\":\"0123456789abcdef\",\"objects\":1},"
    "{\"fingerprint\":\"00000000000000aa\",\"objects\":3,\"site\":{\"file\":\"/b/a.c\",\"line\":7}},"
    "{\"fingerprint\":\"00000000000000aa\",\"objects\":2,\"site\":{\"file\":\"/b/a.c\",\"line\":9}},"
    "{\"fingerprint\":\"00000000000000aa\",\"objects\":0,\"site\":{\"file\":\"/b/a.c\",\"line\":7}},"
    "{\"fingerprint\":\"00000000000000bb\",\"objects\":5,\"site\":null}]}";

static uint64_t objects_of(const struct prof_baseline *baseline, const char *fingerprint)
{
    uint64_t print;
    return baseline_print_parse(fingerprint, &print) ? baseline_find(baseline, print).objects : 0;
}

static void test_good(void **state)
{
    struct prof_baseline *baseline;
    const struct prof_baseline_gone *entries;
    (void)state;

    assert_null(baseline_parse("b.json", good, strlen(good), &baseline));
    assert_int_equal(objects_of(baseline, "0123456789abcdef"), 5);
    assert_int_equal(objects_of(baseline, "00000000000000ff"), 2);
    assert_int_equal(objects_of(baseline, "1123456789abcdef"), 0);
    assert_int_equal(objects_of(baseline, "rubbish"), 0);
    assert_int_equal(baseline_entries(baseline, &entries), 4);
    assert_string_equal(entries[0].verdict, "cycle");
    assert_string_equal(entries[0].type, "conn");
    assert_string_equal(entries[1].verdict, "");
    assert_int_equal(baseline_find(baseline, 0xff).first, BASELINE_NONE); // written without lines
    struct baseline_known known = baseline_find(baseline, 0xaa);
    assert_int_equal(known.objects, 6);
    const struct baseline_line *late = baseline_line(baseline, known.first),
                               *early = baseline_line(baseline, late->next);
    assert_int_equal(late->objects, 2);
    assert_true(late->key == baseline_line_key("/elsewhere/a.c", 9, NULL, 0));
    assert_int_equal(early->objects, 4);
    assert_true(early->key == baseline_line_key("a.c", 7, NULL, 0));
    assert_int_equal(early->next, BASELINE_NONE);
    assert_int_equal(baseline_line(baseline, baseline_find(baseline, 0xbb).first)->objects, 5);
    prof_baseline_destroy(baseline);
}

static void refuse(const char *text, const char *says)
{
    struct prof_baseline *baseline = NULL;
    struct prof_error *error = baseline_parse("b.json", text, strlen(text), &baseline);

    assert_non_null(error);
    assert_null(baseline);
    assert_int_equal(error->code, PROF_ERROR_FORMAT);
    assert_non_null(strstr(error->message, "b.json"));
    if (strstr(error->message, says) == NULL)
        fail_msg("wanted '%s', got '%s'", says, error->message);
    assert_non_null(strstr(error->message, "reftrack leaks --json"));
    prof_error_destroy(error);
}

static void test_damaged(void **state)
{
    (void)state;
    refuse("", "not JSON");
    refuse("{\"schema\":1,", "not JSON");
    refuse("[]", "no findings");
    refuse("{}", "no findings");
    refuse("{\"schema\":1,\"findings\":{}}", "no findings");
    refuse("{\"findings\":[]}", "no findings");
    refuse("{\"schema\":1,\"findings\":[17]}", "bad fingerprint of finding 1");
    refuse("{\"schema\":1,\"findings\":[{\"fingerprint\":\"xx\",\"objects\":1}]}", "bad fingerprint of finding 1");
    refuse("{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\"}]}",
           "bad number of objects of finding 1");
    refuse("{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\",\"objects\":-3}]}", "bad number");
    refuse("{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\",\"objects\":1,\"site\":7}]}", "bad site");
    refuse("{\"schema\":1,\"findings\":[{\"fingerprint\":\"0123456789abcdef\",\"objects\":1,\"site\":{\"line\":-7}}]}",
           "bad site of finding 1");
    // Cut anywhere: never accepted, never worse than an error.
    for (size_t n = 0; n + 1 < sizeof good - 1; n++) {
        struct prof_baseline *baseline = NULL;
        struct prof_error *error = baseline_parse("b.json", good, n, &baseline);
        assert_non_null(error);
        prof_error_destroy(error);
    }
}

static void test_file(void **state)
{
    struct prof_baseline *baseline = NULL;
    (void)state;
    struct prof_error *error = prof_baseline_read("/nonexistent.json", &baseline);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_OS);
    prof_error_destroy(error);
    prof_baseline_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests_name("baseline", tests, NULL, NULL);
}
