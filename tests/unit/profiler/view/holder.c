/* A holder that died: its name in findings, documents and lists of open references, and the wrapper that freed it. */
#include "rig.h"

#include <prof/view.h>

static void test_dead_holder(void **state)
{
    struct rig rig_, *rig = &rig_;
    struct prof_view *view;
    char text[512];
    (void)state;

    rig_begin(rig);
    fake_field(rig->symbols, "session", 16, "conn");
    mk_born(rig->t, "session", 0x10000, 64, AT("session_new s.c:3"));
    mk_born(rig->t, "conn", 0x20000, 32, AT("conn_open net.c:31"));
    mk_ref(rig->t, 0x20000, 0x10010, AT("session_bind s.c:20"));
    mk_unref(rig->t, 0x20000, 0, AT("conn_open net.c:40"));
    mk_unref(rig->t, 0x10000, 0, AT("obj_unref o.c:7 < serve s.c:60"));
    mk_gone(rig->t, 0x10000, AT("obj_unref o.c:8 < serve s.c:60"));
    mk_born(rig->t, "other", 0x10000, 64, AT("other_new o.c:3")); // lives where the session did
    mk_own(rig->t, 0x10000, MK_APP_DATA, AT("init c.c:21"));
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_one(rig, PROF_HOLDER_FREED);
    struct prof_heap *heap = mk_heap(rig->t);
    assert_null(prof_view_create(heap, rig->symbols, rig->findings, &view));

    assert_string_equal(prof_view_holder(view, &f->open[0], text, sizeof text), "session#1.conn, freed");
    assert_string_equal(prof_view_action(view, f, text, sizeof text),
                        "release the reference first, at obj_unref o.c:8, called from serve s.c:60");
    // Without a wrapper around it the site says it all.
    assert_string_equal(prof_view_inner_site(view, f->open[0].stack, text, sizeof text), "session_bind s.c:20");
    const struct prof_obj *obj = prof_heap_obj(heap, f->samples[0]);
    assert_string_equal(prof_view_owner(view, prof_heap_open(heap, obj->first_open), text, sizeof text),
                        "session#1.conn");
    prof_view_destroy(view);
    rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_dead_holder) };
    return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
