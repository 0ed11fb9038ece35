/* test_types.c: blocks whose type is known: what they are called, which of their words are pointers, and which field a
 * path goes through. */
#include "rig.h"

#include <prof/block.h>

static struct rig rig_, *const rig = &rig_;

/* struct pair { long number; struct pair *next; } */
static const struct prof_layout_span spans[] = { { 8, 16, PROF_WORD_POINTER, "pair" } };
static const struct prof_layout pair = { .type = "struct pair", .size = 16, .spans = spans, .span_count = 1 };
static const struct prof_layout pairs = {
    .type = "struct pair", .size = 16, .array = true, .spans = spans, .span_count = 1
};

/* A block of pairs that a global holds; its number looks like a pointer to the second, its pointer is one to the third.
 */
static void world(char mark)
{
    rig_begin(rig);
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_list");
    fake_birth(rig->symbols, "pair_new", mark, &pair);
    mk_alloc(rig->t, 0x10000, 16, AT("pair_new p.c:3"));
    mk_alloc(rig->t, 0x20000, 24, AT("two t.c:3"));
    mk_alloc(rig->t, 0x30000, 24, AT("three t.c:4"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x100000);
    mk_memory_word(rig->t, 0x10000, 0x20000);
    mk_memory_word(rig->t, 0x10008, 0x30000);
    mk_memory_area(rig->t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(rig->t, MK_APP_DATA, 0x10000);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    static const struct prof_findings_options options = { .leak_kinds_all = true };
    rig_find(rig, &options);
}

static const struct prof_finding *born_at(const char *function)
{
    const struct prof_finding *list;
    size_t count = prof_findings_list(rig->findings, &list);
    for (size_t i = 0; i < count; i++) {
        const char *name = prof_symbols_site_frame(rig->symbols, list[i].born_stack)->function;
        if (name != NULL && strcmp(name, function) == 0)
            return &list[i];
    }
    fail_msg("no finding born in %s", function);
    return NULL;
}

static void certain(void **state)
{
    (void)state;
    world('=');
    const struct prof_finding *f = born_at("pair_new");
    assert_int_equal(f->verdict, PROF_REACHABLE);
    assert_string_equal(f->block_type, "struct pair");
    // A number that happens to look like a pointer holds nothing.
    assert_int_equal(born_at("two")->verdict, PROF_LOST);
    assert_null(born_at("two")->block_type);
    f = born_at("three");
    assert_int_equal(f->verdict, PROF_REACHABLE);
    assert_int_equal(f->path_count, 2);
    assert_string_equal(f->path[0].text, "global g_list");
    assert_string_equal(f->path[1].text, "struct pair.to_pair");
    rig_end(rig);
}

static void guessed(void **state)
{
    (void)state;
    world('~');
    // A guess calls nothing lost.
    assert_int_equal(born_at("two")->verdict, PROF_REACHABLE);
    assert_string_equal(born_at("pair_new")->block_type, "struct pair (~ from p.c:3)");
    assert_string_equal(born_at("three")->path[1].text, "struct pair (~ from p.c:3).to_pair");
    rig_end(rig);
}

/* struct node { struct node *left, *right; long number; } in a block of which the code says nothing. */
static void shapes(void **state)
{
    static const struct prof_layout_span two[] = { { 0, 16, PROF_WORD_POINTER, "node" } };
    static const struct prof_layout node = { .type = "struct node", .size = 24, .spans = two, .span_count = 1 };
    char buf[128];
    (void)state;
    for (uint64_t second = 8; second <= 16; second += 8) { // a pointer, and where the type has a number
        rig_begin(rig);
        fake_shape(rig->symbols, &node);
        mk_alloc(rig->t, 0x10000, 24, AT("one o.c:3"));
        mk_alloc(rig->t, 0x20000, 24, AT("two t.c:3"));
        mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
        mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x10000, 0x100000);
        mk_memory_word(rig->t, 0x10000, 0x20000);
        mk_memory_word(rig->t, 0x10000 + second, 0x20000);
        mk_memory_word(rig->t, 0x20008, 0x10000);
        mk_memory_end(rig->t);
        mk_exit(rig->t, 0);
        struct prof_heap *heap = mk_heap(rig->t);
        prof_block_id one = prof_heap_block_at(heap, 0x10000), other = prof_heap_block_at(heap, 0x20000);
        assert_string_equal(prof_block_text(buf, sizeof buf, heap, rig->symbols, one),
                            second == 8 ? "struct node (~ by its shape)" : "malloc in one()");
        assert_string_equal(prof_block_text(buf, sizeof buf, heap, rig->symbols, other), "malloc in two()"); // one word
        rig_end(rig);
    }
}

/* What the program says is certain, with or without debug information, and whatever the code looks like. */
static void told(void **state)
{
    (void)state;
    for (int described = 0; described < 2; described++) {
        char buf[128];
        rig_begin(rig);
        fake_birth(rig->symbols, described ? "pair_new" : "nobody", '~', &pair);
        mk_type(rig->t, "struct pair", 16);
        mk_type(rig->t, "struct other", 24);
        mk_alloc(rig->t, 0x10000, 16, AT("pair_new p.c:3"));
        mk_typed(rig->t, 0x10000, described ? "struct pair" : "struct other", false);
        mk_alloc(rig->t, 0x20000, 48, AT("many m.c:3"));
        mk_typed(rig->t, 0x20000, "struct other", true);
        mk_alloc(rig->t, 0x30000, 48, AT("object o.c:3"));
        mk_typed(rig->t, 0x30000, "struct other", false);
        mk_new(rig->t, "struct pair", 0x30000, AT("object o.c:4"));
        mk_exit(rig->t, 0);
        struct prof_heap *heap = mk_heap(rig->t);
        struct prof_block_type type;
        assert_true(prof_block_type(heap, rig->symbols, prof_heap_block_at(heap, 0x10000), &type));
        assert_int_equal(type.mark, '=');
        assert_int_equal(type.how, PROF_BIRTH_TOLD);
        assert_ptr_equal(type.layout, described ? &pair : NULL);
        assert_true(prof_block_type(heap, rig->symbols, prof_heap_block_at(heap, 0x20000), &type));
        assert_string_equal(prof_block_type_text(buf, sizeof buf, &type, 48), "struct other[2]");
        assert_null(type.layout);
        /* The object in it has a type of its own. */
        assert_false(prof_block_type(heap, rig->symbols, prof_heap_block_at(heap, 0x30000), &type));
        rig_end(rig);
    }
}

static void names(void **state)
{
    char buf[128];
    struct prof_block_type type = {
        .name = "struct pair", .size = 16, .array = true, .layout = &pairs, .mark = '=', .how = PROF_BIRTH_ASSIGNED
    };
    (void)state;
    assert_string_equal(prof_block_type_text(buf, sizeof buf, &type, 48), "struct pair[3]");
    assert_string_equal(prof_block_type_text(buf, sizeof buf, &type, 16), "struct pair");
    assert_string_equal(prof_block_type_text(buf, sizeof buf, &type, 0), "struct pair[]");
    type.mark = '~';
    assert_string_equal(prof_block_type_text(buf, sizeof buf, &type, 48), "struct pair[3] (~)");
    assert_string_equal(prof_block_type_text(buf, 8, &type, 48), "struct ");

    world('=');
    struct prof_heap *heap = mk_heap(rig->t);
    prof_block_id one = prof_heap_block_at(heap, 0x10000), two = prof_heap_block_at(heap, 0x20000);
    assert_string_equal(prof_block_text(buf, sizeof buf, heap, rig->symbols, one), "struct pair");
    assert_string_equal(prof_block_text(buf, sizeof buf, heap, rig->symbols, two), "malloc in two()");
    rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certain), cmocka_unit_test(guessed), cmocka_unit_test(shapes),
        cmocka_unit_test(told),    cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
