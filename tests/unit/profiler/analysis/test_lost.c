/* test_lost.c: plain blocks by memory, case by case: what is lost, what only lost ones hold, what a root still reaches
 * and by which way; also where tools that read no stack pointers and no later frees go wrong. */
#include "image.h"
#include "suppress.h"

#include <stdlib.h>
#include <unistd.h>

static struct rig rig_, *const rig = &rig_;
static struct image image;

enum { SIZE = 64, STEP = 0x100 };
#define BLOCK(n)  (IMAGE_HEAP + (uint64_t)(n)*STEP)
#define GLOBAL(n) (MK_APP_DATA + 8 * (uint64_t)(n))

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
    fake_global(rig->symbols, GLOBAL(0), 8, "g_cache");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

static void block(int n, const char *at)
{
    mk_alloc(rig->t, BLOCK(n), SIZE, AT(at));
}

static void point(uint64_t from, int n)
{
    image_poke(&image, from, BLOCK(n));
}

static const struct prof_finding *find(enum prof_verdict verdict)
{
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    return rig_only(rig, verdict, true);
}

/* Only some objects were recorded: the memory of the others is no news, that of others than objects is. */
static void test_left_out(void **state)
{
    (void)state;
    mk_meta(rig->t, "filter=objects=conn#1");
    mk_meta(rig->t, "filtered=3");
    mk_born(rig->t, "conn", BLOCK(10), SIZE, AT("conn_new n.c:14 < main m.c:5"));
    mk_unref(rig->t, BLOCK(10), 0, AT("main m.c:9"));
    mk_gone(rig->t, BLOCK(10), AT("main m.c:9"));
    block(0, "conn_new n.c:11 < main m.c:5");
    block(1, "node_new n.c:3 < main m.c:9");
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    size_t lost = 0;
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        if (f->verdict != PROF_LOST)
            continue;
        bool of_object = strcmp(prof_symbols_site_frame(rig->symbols, f->born_stack)->function, "conn_new") == 0;
        assert_int_equal(f->strength, of_object ? PROF_SUSPECT : PROF_PROVEN);
        assert_int_equal(f->gating, !of_object);
        lost++;
    }
    assert_int_equal(lost, 2);
}

static void test_lost(void **state)
{
    (void)state;
    block(0, "node_new n.c:3 < main m.c:9");
    block(1, "node_new n.c:3 < main m.c:9");
    block(2, "cache_new c.c:3 < main m.c:9");
    point(GLOBAL(0), 2);
    const struct prof_finding *f = find(PROF_LOST);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->bytes, 2 * SIZE);
    assert_int_equal(f->strength, PROF_PROVEN);
    assert_int_equal(f->headline, PROF_HEADLINE_LOST);
    assert_true(f->gating);
    assert_null(f->reasons);
    assert_int_equal(f->root, PROF_ROOT_NONE);
    assert_string_equal(f->sentence, "2 blocks to which no pointer exists any more");
    rig_at(rig, f->born_stack, "node_new:3");
    assert_int_equal(prof_findings_gating(rig->findings), 1);
    f = rig_only(rig, PROF_REACHABLE, true);
    assert_int_equal(f->objects, 1);
    assert_false(f->gating);
    assert_int_equal(f->root, PROF_ROOT_GLOBAL);
    assert_int_equal(f->path_count, 1);
    assert_string_equal(f->path[0].text, "global g_cache");
    const struct prof_audit_memory *memory = &prof_findings_audit(rig->findings)->memory;
    assert_true(memory->read);
    assert_int_equal(memory->lost, 2);
    assert_int_equal(memory->held_bytes, SIZE);
    assert_int_equal(memory->unexamined, 0);
}

/* A word that stands below the stack pointer is in no area: it holds nothing. */
/* Two lines of one function are two things to do, with one fingerprint: a baseline counts them together. */
static void test_lines(void **state)
{
    (void)state;
    block(0, "node_new n.c:3 < main m.c:9");
    block(1, "node_new n.c:5 < main m.c:9");
    block(2, "node_new n.c:5 < main m.c:11");
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    rig_at(rig, rig->list[0].born_stack, "node_new:5");
    assert_int_equal(rig->list[0].objects, 2);
    rig_at(rig, rig->list[1].born_stack, "node_new:3");
    assert_string_equal(rig->list[0].fingerprint, rig->list[1].fingerprint);
}

static void test_stale_stack(void **state)
{
    (void)state;
    block(0, "node_new n.c:3");
    block(1, "node_new n.c:9");
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_REGISTERS, 7, 0, 27 * 8);
    mk_memory_word(rig->t, 8, BLOCK(1));
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, IMAGE_HEAP, 0x1000);
    mk_memory_area(rig->t, TRK_AREA_STACK, 7, IMAGE_LOCALS, 0x1000);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    assert_int_equal(rig_only(rig, PROF_LOST, true)->sample_addr, BLOCK(0));
    const struct prof_finding *f = rig_only(rig, PROF_REACHABLE, true);
    assert_int_equal(f->root, PROF_ROOT_REGISTER);
    assert_string_equal(f->path[0].text, "register of thread 7");
}

/* What was copied through a vector register stays in it. */
static void test_vector(void **state)
{
    (void)state;
    block(0, "node_new n.c:3");
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_REGISTERS, 7, 0, TRK_REGISTERS_VECTOR + 256);
    mk_memory_word(rig->t, TRK_REGISTERS_VECTOR + 16, BLOCK(0));
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, IMAGE_HEAP, 0x1000);
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_only(rig, PROF_POSSIBLE, true);
    assert_string_equal(f->path[0].text, "vector register of thread 7");
    assert_false(f->path[0].interior);
    assert_string_equal(f->sentence, "1 block to which only a vector register still points");
    assert_string_equal(f->reasons, "such pointers may be left over");
}

static void test_cycle(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        block(i, "ring_new r.c:3");
        point(BLOCK(i) + 8, (i + 1) % 3);
    }
    block(3, "leaf_new l.c:3"); // a tree under the cycle
    block(4, "leaf_new l.c:3");
    point(BLOCK(1) + 16, 3);
    point(BLOCK(3), 4);
    const struct prof_finding *f = find(PROF_LOST);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->collateral_objects, 4);
    assert_int_equal(f->collateral_bytes, 4 * SIZE);
    assert_int_equal(f->cycles, 1);
    assert_int_equal(f->cycle_most, 3);
    assert_string_equal(f->sentence, "1 cycle of blocks that only point at each other, of 3");
    rig_expect(rig, 1);
    for (int i = 0; i < 5; i++) {
        prof_block_id id = prof_heap_block_at(mk_heap(rig->t), BLOCK(i));
        assert_int_equal(prof_findings_of_block(rig->findings, id), i == 0 ? PROF_LOST : PROF_INDIRECT);
    }
}

/* What is lost with something that a suppression names is not told by itself; what others hold is. */
static void test_suppressed_leader(void **state)
{
    (void)state;
    static const char text[] = "leak:node_new\n";
    struct prof_suppressions *s;
    for (int i = 0; i < 4; i++)
        block(i, i == 0 ? "node_new n.c:3" : i == 1 ? "other_new o.c:3" : "leaf_new l.c:3");
    point(BLOCK(0), 2);
    point(BLOCK(1), 3);
    image_exit(&image, rig->t);
    assert_null(prof_suppressions_create(&s));
    assert_null(suppress_parse(s, "f.supp", text, strlen(text)));
    rig_find(rig, &(struct prof_findings_options){ .leak_kinds_all = true, .suppressions = s });
    assert_int_equal(rig_only(rig, PROF_INDIRECT, true)->sample_addr, BLOCK(3));
    assert_int_equal(rig_only(rig, PROF_INDIRECT, true)->objects, 1);
    const struct prof_suppression_use *uses;
    assert_int_equal(prof_suppressions_used(s, &uses), 1);
    assert_int_equal(uses[0].objects, 1);
    prof_suppressions_destroy(s);
}

/* The stack of a thread that ended is no area any more, only anonymous memory. */
static void test_dead_thread(void **state)
{
    (void)state;
    block(0, "job_new j.c:3");
    image_poke(&image, BLOCK(20), BLOCK(0)); // in no block
    assert_int_equal(find(PROF_LOST)->objects, 1);
}

static void test_interior(void **state)
{
    (void)state;
    block(0, "part_new p.c:3");
    block(1, "leaf_new l.c:3");
    image_poke(&image, GLOBAL(0), BLOCK(0) + 24);
    point(BLOCK(0) + 8, 1); // a start, but of what is only possible
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        assert_int_equal(f->verdict, PROF_POSSIBLE);
        assert_int_equal(f->strength, PROF_SUSPECT);
        assert_int_equal(f->headline, PROF_HEADLINE_HELD);
        assert_false(f->gating);
        assert_int_equal(f->path_count, f->sample_addr == BLOCK(0) ? 1 : 2);
        assert_true(f->path[0].interior);
    }
}

/* The address that trk_new was told is a start, wherever it lies. */
static void test_object_inside(void **state)
{
    (void)state;
    block(0, "slab_new s.c:3");
    mk_new(rig->t, "conn", BLOCK(0) + 32, AT("conn_new c.c:3"));
    mk_own(rig->t, BLOCK(0) + 32, GLOBAL(0), AT("main m.c:3"));
    block(1, "name_new n.c:3");
    image_poke(&image, GLOBAL(0), BLOCK(0) + 32);
    point(BLOCK(0) + 40, 1);
    fake_field(rig->symbols, "conn", 8, "name");
    const struct prof_finding *f = find(PROF_REACHABLE);
    assert_int_equal(f->objects, 1);
    assert_int_equal(f->path_count, 2);
    assert_string_equal(f->path[1].text, "conn.name");
    assert_int_not_equal(f->path[1].obj, 0);
    rig_expect(rig, 0);
}

/* A header stands before the address: pointers to either are starts. */
static void test_object_header(void **state)
{
    (void)state;
    end(NULL);
    for (int to = 8; to <= 24; to += 16) {
        begin(NULL);
        struct trk_type_def def = { .object_size = 40, .obj_offset = 16, .count_offset = UINT32_MAX };
        mk_type_full(rig->t, "boxed", &def);
        block(0, "slab_new s.c:3");
        mk_new(rig->t, "boxed", BLOCK(0) + 24, AT("box_new b.c:3"));
        mk_own(rig->t, BLOCK(0) + 24, GLOBAL(0), AT("main m.c:3"));
        image_poke(&image, GLOBAL(0), BLOCK(0) + (uint64_t)to);
        image_exit(&image, rig->t);
        rig_find(rig, NULL);
        assert_int_equal(prof_findings_audit(rig->findings)->memory.held, 1);
        end(NULL);
    }
    begin(NULL);
}

static void test_array_head(void **state)
{
    (void)state;
    mk_alloc(rig->t, BLOCK(0), SIZE, AT("_Znam new.cc:3 < grow g.cc:8"));
    image_poke(&image, GLOBAL(0), BLOCK(0) + 8);
    assert_int_equal(find(PROF_REACHABLE)->objects, 1);
    rig_expect(rig, 0);
    rig_find(rig, &(struct prof_findings_options){ .no_heuristics = true });
    assert_int_equal(rig_only(rig, PROF_POSSIBLE, true)->objects, 1);
}

/* `new T[0]` is a head and nothing behind it. Of libstdc++ only `operator new` is seen. */
static void test_empty_array(void **state)
{
    (void)state;
    mk_alloc(rig->t, BLOCK(0), 8, AT("_Znwm new.cc:3 < grow g.cc:8"));
    mk_alloc(rig->t, BLOCK(1), 8, AT("malloc new.cc:3 < grow g.cc:9"));
    image_poke(&image, GLOBAL(0), BLOCK(0) + 8);
    image_poke(&image, GLOBAL(1), BLOCK(1) + 8);
    const struct prof_finding *f = find(PROF_REACHABLE);
    assert_int_equal(f->sample_addr, BLOCK(0));
    assert_false(f->path[0].interior);
    assert_int_equal(rig_only(rig, PROF_LOST, true)->sample_addr, BLOCK(1));
}

/* Slabs of slices, and instances behind their private data, are pointed into by whoever has them. */
static void test_glib(void **state)
{
    (void)state;
    fake_wrapper(rig->symbols, "g_aligned_alloc");
    fake_wrapper(rig->symbols, "g_malloc0");
    mk_alloc(rig->t, BLOCK(0), 64, AT("g_aligned_alloc gslice.c:3 < g_slice_alloc gslice.c:8 < make m.c:5"));
    mk_alloc(rig->t, BLOCK(1), 64, AT("g_malloc0 gmem.c:3 < g_type_create_instance gtype.c:8 < make m.c:6"));
    mk_alloc(rig->t, BLOCK(2), 64, AT("g_malloc0 gmem.c:3 < class_init m.c:8 < g_type_class_ref gtype.c:6"));
    for (int i = 0; i < 3; i++)
        image_poke(&image, GLOBAL(i), BLOCK(i) + 24);
    assert_int_equal(find(PROF_POSSIBLE)->sample_addr, BLOCK(2)); /* the class made it, not GLib */
    assert_int_equal(prof_findings_audit(rig->findings)->memory.held, 2);
    rig_find(rig, &(struct prof_findings_options){ .no_heuristics = true });
    assert_int_equal(prof_findings_audit(rig->findings)->memory.possible, 3);
}

/* A long chain is told by its ends. */
static void test_chain(void **state)
{
    (void)state;
    enum { LENGTH = 20 };
    for (int i = 0; i < LENGTH; i++) {
        block(i, i < LENGTH - 1 ? "link_new l.c:3" : "end_new e.c:3");
        point(i == 0 ? GLOBAL(0) : BLOCK(i - 1) + 8, i);
    }
    image_exit(&image, rig->t);
    rig_find(rig, &(struct prof_findings_options){ .leak_kinds_all = true });
    const struct prof_finding *last = NULL;
    for (size_t i = 0; i < rig->count; i++)
        last = rig->list[i].sample_addr == BLOCK(LENGTH - 1) ? &rig->list[i] : last;
    assert_non_null(last);
    assert_int_equal(last->verdict, PROF_REACHABLE);
    assert_int_equal(last->path_count + last->path_left_out, LENGTH);
    assert_string_equal(last->path[0].text, "global g_cache");
    assert_int_equal(last->path[last->path_count - 1].at, BLOCK(LENGTH - 2) + 8);
    assert_string_equal(last->path[last->path_count - 1].text, "malloc in link_new()+8");
}

/* Two trees share a leaf: it is told once, below the first by address. */
static void test_shared(void **state)
{
    (void)state;
    block(0, "left_new a.c:3");
    block(1, "right_new b.c:3");
    block(2, "leaf_new l.c:3");
    point(BLOCK(0), 2);
    point(BLOCK(1), 2);
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    rig_expect(rig, 2);
    for (size_t i = 0; i < rig->count; i++) {
        assert_int_equal(rig->list[i].verdict, PROF_LOST);
        assert_int_equal(rig->list[i].collateral_objects, rig->list[i].sample_addr == BLOCK(0) ? 1 : 0);
    }
    rig_find(rig, &(struct prof_findings_options){ .leak_kinds_all = true });
    assert_int_equal(rig_only(rig, PROF_INDIRECT, true)->objects, 1);
    assert_false(rig_only(rig, PROF_INDIRECT, true)->gating);
}

static void checkpoint(void)
{
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
    mk_round(rig->t);
}

/* The holder was freed, or moved, after memory was read: where its pointers went is not known. */
static void test_freed_since(void **state)
{
    (void)state;
    block(0, "table_new t.c:3");
    block(1, "table_new t.c:3");
    block(2, "entry_new e.c:3");
    block(3, "entry_new e.c:3");
    block(4, "lost_new x.c:3");
    point(BLOCK(0), 2);
    point(BLOCK(1), 3);
    checkpoint();
    mk_free(rig->t, BLOCK(0), AT("table_free t.c:9"));
    mk_realloc(rig->t, BLOCK(1), BLOCK(9), 2 * SIZE, AT("table_grow t.c:5"));
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_only(rig, PROF_REACHABLE, true);
    assert_int_equal(f->objects, 2);
    assert_int_equal(f->root, PROF_ROOT_FREED);
    assert_string_equal(f->path[0].text, "memory that was freed since");
    assert_int_equal(rig_only(rig, PROF_LOST, true)->objects, 1);
    rig_find(rig, &(struct prof_findings_options){ .without_roots = 1u << PROF_ROOT_FREED });
    assert_int_equal(prof_findings_audit(rig->findings)->memory.lost, 3);
}

static void test_born_after(void **state)
{
    (void)state;
    block(0, "old_new o.c:3");
    checkpoint();
    mk_time(rig->t, 5000);
    block(1, "late_new l.c:3");
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_only(rig, PROF_UNFREED, true);
    assert_int_equal(f->objects, 1);
    assert_string_equal(f->reasons, "allocated or moved after memory had been read");
    assert_int_equal(rig_only(rig, PROF_LOST, true)->sample_addr, BLOCK(0));
    assert_int_equal(prof_findings_audit(rig->findings)->memory.unexamined, 1);
    assert_int_equal(prof_findings_audit(rig->findings)->memory.unexamined_bytes, SIZE);
}

/* What a leaked object held besides is told with it. */
static void test_below_object(void **state)
{
    (void)state;
    mk_born(rig->t, "conn", BLOCK(0), SIZE, AT("conn_new c.c:3"));
    block(1, "name_new n.c:3");
    point(BLOCK(0) + 16, 1);
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    rig_expect(rig, 1);
    assert_string_equal(rig->list[0].type, "conn");
    assert_int_equal(rig->list[0].collateral_objects, 1);
    assert_int_equal(rig->list[0].collateral_bytes, SIZE);
}

static void test_arena(void **state)
{
    (void)state;
    mk_alloc(rig->t, BLOCK(0), 4 * STEP, AT("pool_new p.c:3"));
    mk_raw(rig->t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, BLOCK(1), SIZE, 0);
    mk_raw(rig->t, TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, BLOCK(2), SIZE, 0);
    point(GLOBAL(0), 1);
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
    assert_int_equal(prof_findings_audit(rig->findings)->memory.held, 2); // the arena by what lies in it
    assert_int_equal(rig_only(rig, PROF_LOST, true)->sample_addr, BLOCK(2));
}

static void test_roots(void **state)
{
    (void)state;
    static const struct {
        enum prof_root_kind kind;
        const char *text;
    } want[] = { { PROF_ROOT_TLS, "thread-local variable of thread 8" },
                 { PROF_ROOT_REGION, "root region arena" },
                 { PROF_ROOT_STACK, "stack of thread 7" },
                 { PROF_ROOT_MAPPED, "shared or file-backed memory" },
                 { PROF_ROOT_MMAP, "memory that the program mapped" } };
    for (int i = 0; i < 5; i++) {
        char at[32];
        snprintf(at, sizeof at, "root%d r.c:%d", i, 3 + i);
        block(i, at);
    }
    mk_root_add(rig->t, 0x90000000, 64, "arena");
    mk_mmap(rig->t, 0x90001000, 0x1000, AT("map m.c:3"));
    mk_memory_begin(rig->t, TRK_RUNG_STOPPED);
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, IMAGE_HEAP, 0x1000);
    mk_memory_area(rig->t, TRK_AREA_TLS, 8, 0x80000000, 0x1000);
    mk_memory_word(rig->t, 0x80000000, BLOCK(0));
    mk_memory_area(rig->t, TRK_AREA_ANON, 0, 0x90000000, 0x2000);
    mk_memory_word(rig->t, 0x90000008, BLOCK(1));
    mk_memory_word(rig->t, 0x90001008, BLOCK(4));
    mk_memory_area(rig->t, TRK_AREA_MAPPED, 0, 0x90008000, 0x1000);
    mk_memory_word(rig->t, 0x90008000, BLOCK(3));
    mk_memory_area(rig->t, TRK_AREA_STACK, 7, 0x90010000, 0x1000);
    mk_memory_word(rig->t, 0x90010000, BLOCK(2));
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, &(struct prof_findings_options){ .leak_kinds_all = true });
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct prof_finding *found = NULL;
        for (size_t j = 0; j < rig->count; j++)
            found = rig->list[j].root == want[i].kind ? &rig->list[j] : found;
        assert_non_null(found);
        assert_string_equal(found->path[0].text, want[i].text);
        rig_find(rig, &(struct prof_findings_options){ .without_roots = 1u << want[i].kind, .leak_kinds_all = true });
        assert_int_equal(rig_only(rig, PROF_LOST, true)->objects, 1);
        rig_find(rig, &(struct prof_findings_options){ .leak_kinds_all = true });
    }
}

static void strength(enum trk_memory_rung rung, bool single, bool cut, uint64_t unread, enum prof_strength want,
                     const char *why)
{
    begin(NULL);
    block(0, "node_new n.c:3");
    struct prof_memory *memory = image_begin(&image, rig->t, rung);
    memory->single = single;
    memory->cut = cut;
    memory->unread_bytes = unread;
    mk_memory_end(rig->t);
    mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    const struct prof_finding *f = rig_only(rig, PROF_LOST, true);
    assert_int_equal(f->strength, want);
    assert_int_equal(f->gating, want != PROF_SUSPECT);
    if (why == NULL)
        assert_null(f->reasons);
    else
        assert_string_equal(f->reasons, why);
    end(NULL);
}

static void test_rungs(void **state)
{
    (void)state;
    end(NULL);
    strength(TRK_RUNG_STOPPED, false, false, 0, PROF_PROVEN, NULL);
    strength(TRK_RUNG_WAITING, true, false, 0, PROF_PROVEN, NULL);
    strength(TRK_RUNG_WAITING, false, false, 0, PROF_PROBABLE, "other threads ran while memory was read");
    strength(TRK_RUNG_CONFIRMED, false, false, 0, PROF_PROBABLE, "memory was read while the program ran on");
    strength(TRK_RUNG_STOPPED, false, true, 4096, PROF_SUSPECT, "not all memory could be read");
    strength(TRK_RUNG_CONFIRMED, false, true, 0, PROF_SUSPECT,
             "pointers went from place to place while memory was read");
    begin(NULL);
}

/* The same places, other words: suppressions, baselines and --fail-on know the verdicts. */
static void test_gates(void **state)
{
    (void)state;
    block(0, "node_new n.c:3");
    block(1, "cache_new c.c:3");
    point(GLOBAL(0), 1);
    image_exit(&image, rig->t);
    rig_find(rig, &(struct prof_findings_options){ .fail_on = UINT64_C(1) << PROF_REACHABLE });
    assert_false(rig_only(rig, PROF_LOST, true)->gating);
    assert_true(rig_only(rig, PROF_REACHABLE, true)->gating);
    struct prof_suppressions *s;
    assert_null(prof_suppressions_create(&s));
    char path[] = "/tmp/test-lost-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fputs("leak:node_new\n", file);
    fclose(file);
    assert_null(prof_suppressions_read(s, path));
    remove(path);
    rig_find(rig, &(struct prof_findings_options){ .suppressions = s });
    assert_non_null(rig_only(rig, PROF_LOST, true)->suppressed_by);
    assert_int_equal(prof_findings_gating(rig->findings), 0);
    prof_suppressions_destroy(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lines),         CASE(test_left_out),    CASE(test_lost),         CASE(test_stale_stack),
        CASE(test_cycle),         CASE(test_dead_thread), CASE(test_interior),     CASE(test_object_inside),
        CASE(test_object_header), CASE(test_array_head),  CASE(test_vector),       CASE(test_suppressed_leader),
        CASE(test_empty_array),   CASE(test_glib),        CASE(test_chain),        CASE(test_shared),
        CASE(test_freed_since),   CASE(test_born_after),  CASE(test_below_object), CASE(test_arena),
        CASE(test_roots),         CASE(test_rungs),       CASE(test_gates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
