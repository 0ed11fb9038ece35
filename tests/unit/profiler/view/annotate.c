/* annotate.c: lines of source and the lines that tell who owns the reference. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <prof/annotate.h>

static const char *const *near_lines; /* from 3 lines above on; "" for the line itself */

static bool line_near(void *ctx, int32_t offset, char *buf, size_t size)
{
    (void)ctx;
    if (near_lines == NULL || offset < -3 || offset > 3 || near_lines[offset + 3] == NULL)
        return false;
    snprintf(buf, size, "%s", near_lines[offset + 3]);
    return true;
}

static void expect(enum prof_annotation_kind kind, const char *callee, const char *line, const char *wanted)
{
    struct prof_annotate_text text = { .line = line, .callee = callee, .next = line_near };
    char got[640] = "untouched";
    bool known = prof_annotate_line(&text, kind, got, sizeof got);
    if (known != (wanted != NULL) || strcmp(got, wanted != NULL ? wanted : "untouched") != 0)
        fail_msg("'%s' became '%s', not '%s'", line, got, wanted != NULL ? wanted : "(nothing)");
}

static void test_take(void **state)
{
    (void)state;
    expect(PROF_ANNOTATE_TAKE, NULL, "x->f = obj_ref(y);", "TRK_OWN(x->f, obj_ref(y));");
    expect(PROF_ANNOTATE_TAKE, "obj_ref", "q_push(&queue, obj_ref(y), 3);", NULL);
    expect(PROF_ANNOTATE_TAKE, "obj_ref", "q_push(queue, obj_ref(y), 3);", NULL);
    expect(PROF_ANNOTATE_TAKE, NULL, "q_push(queue, obj_ref(y), 3);", NULL);
    expect(PROF_ANNOTATE_TAKE, NULL, "t->slots[i].val = obj_ref( y );  /* kept */",
           "TRK_OWN(t->slots[i].val, obj_ref( y ));");
    expect(PROF_ANNOTATE_TAKE, NULL, "*out = obj_ref(y);", "TRK_OWN(*out, obj_ref(y));");
    expect(PROF_ANNOTATE_TAKE, NULL, "struct conn *mine = conn_ref(c);",
           "struct conn *mine = conn_ref(c); trk_own(mine, &mine);");
    expect(PROF_ANNOTATE_BIRTH, NULL, "conn_t *const c = conn_new(1, \"a;b\");",
           "conn_t *const c = conn_new(1, \"a;b\"); trk_own(c, &c);");
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(c);", "conn_ref(c); trk_own(c, &c);");
    expect(PROF_ANNOTATE_TAKE, NULL, "trk_ref(c, NULL);", "trk_ref(c, &c);");
    expect(PROF_ANNOTATE_TAKE, NULL, "trk_ref_rc(c, NULL, old + 1);", "trk_ref_rc(c, &c, old + 1);");
    expect(PROF_ANNOTATE_TAKE, NULL, "if (a == b) x = obj_ref(y);", NULL);
}

/* Where it is stored is said near by. */
static void test_near(void **state)
{
    static const char *const lines[] = { "s->conn = c;", "x = 1;", "}", "", "int i;", NULL, NULL };
    static const char *const both[] = { "old->conn = c;", "", "", "", "s->next = (c);", "new->conn = c;", NULL };
    // Its variable got a reference further up; in the function before, it is another variable.
    static const char *const taken[] = { "struct conn *c = conn_new(3);", "x = 1;", "", "", "", "", "" };
    static const char *const other[] = { "struct conn *c = conn_new(3);", "}", "", "", "", "", "" };
    (void)state;
    near_lines = lines;
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(c);", "conn_ref(c); trk_own(c, &s->conn);");
    expect(PROF_ANNOTATE_TAKE, NULL, "trk_ref(c, NULL);", "trk_ref(c, &s->conn);");
    near_lines = taken;
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(c);", "conn_ref(c); trk_own(c, &VARIABLE);");
    expect(PROF_ANNOTATE_TAKE, NULL, "trk_ref(c, NULL);", "trk_ref(c, &VARIABLE);");
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(d);", "conn_ref(d); trk_own(d, &d);");
    expect(PROF_ANNOTATE_GIVE, NULL, "conn_unref(c);", "trk_disown(c, &c); conn_unref(c);");
    near_lines = other;
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(c);", "conn_ref(c); trk_own(c, &c);");
    near_lines = both;
    expect(PROF_ANNOTATE_TAKE, NULL, "conn_ref(c);", "conn_ref(c); trk_own(c, &new->conn);");
    near_lines = NULL;
}

static void test_give(void **state)
{
    (void)state;
    expect(PROF_ANNOTATE_GIVE, NULL, "obj_unref(x->f);", "trk_disown(x->f, &x->f); obj_unref(x->f);");
    expect(PROF_ANNOTATE_GIVE, NULL, "g_clear_object(&x->f);", "trk_disown(x->f, &x->f); g_clear_object(&x->f);");
    expect(PROF_ANNOTATE_GIVE, NULL, "trk_unref(c, NULL);", "trk_unref(c, &c);");
    expect(PROF_ANNOTATE_GIVE, "conn_unref", "return conn_unref(c);", "trk_disown(c, &c); return conn_unref(c);");
    expect(PROF_ANNOTATE_GIVE, "conn_unref", "if (conn_unref(s->c) == 0) {",
           "trk_disown(s->c, &s->c); if (conn_unref(s->c) == 0) {");
    expect(PROF_ANNOTATE_GIVE, "conn_unref", "} else if (conn_unref(s->c)) {", NULL);
    expect(PROF_ANNOTATE_GIVE, "conn_unref", "left = my_conn_unref(c);", NULL);
    expect(PROF_ANNOTATE_GIVE, "conn_unref", "left = conn_unref(next(c));", NULL);
}

/* What is not understood is left alone; nothing is read behind its end. */
static void test_odd(void **state)
{
    static const char *const odd[] = { "",         ";",        "(",       ")",     "=;",  "x =",    "f(;",
                                       "f();",     "f(,);",    "= f(x);", "&",     "f(x", "f(&);",  "'\"",
                                       "x = \"f(", "f(a)(b);", "return",  "a; b;", "{",   "f(x); {" };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        expect(PROF_ANNOTATE_TAKE, NULL, odd[i], NULL);
        expect(PROF_ANNOTATE_GIVE, "g", odd[i], NULL);
    }
    expect(PROF_ANNOTATE_TAKE, NULL, "TRK_OWN(x->f, obj_ref(y));", NULL);
    expect(PROF_ANNOTATE_GIVE, "obj_unref", "trk_disown(x, &x); obj_unref(x);", NULL);
}

static void test_module(void **state)
{
    (void)state;
    assert_true(prof_module_fits("libmine.so", "/usr/lib/libmine.so"));
    assert_true(prof_module_fits("lib*", "/usr/lib/libmine.so.1"));
    assert_false(prof_module_fits("mine", "/usr/mine/libmine.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take), cmocka_unit_test(test_near),   cmocka_unit_test(test_give),
        cmocka_unit_test(test_odd),  cmocka_unit_test(test_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
