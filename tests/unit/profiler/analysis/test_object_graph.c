/* test_object_graph.c: who refers to whom, told and by memory, and where the references of an object are. */
#include "image.h"

#include <prof/graph.h>

static struct rig rig_, *const rig = &rig_;
static struct image image;
static struct prof_graph *graph;

enum { A = 0x100000, B = 0x100100, C = 0x100200, BLOCK = 0x110000, BLOCK2 = 0x110100 };
#define GLOBAL MK_APP_DATA

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
    fake_field(rig->symbols, "conn", 8, "peer");
    fake_field(rig->symbols, "conn", 16, "table");
    fake_global(rig->symbols, GLOBAL, 8, "g_conn");
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_graph_destroy(graph);
    graph = NULL;
    rig_end(rig);
    return 0;
}

static void make(const struct prof_graph_options *options)
{
    struct prof_error *error = prof_graph_create(mk_heap(rig->t), rig->symbols, options, &graph);
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void born(uint64_t addr)
{
    mk_born(rig->t, "conn", addr, 64, AT("conn_new c.c:3 < main m.c:5"));
}

static prof_node node(uint64_t addr)
{
    struct prof_heap *heap = prof_graph_heap(graph);
    prof_obj_id obj = prof_heap_obj_at(heap, addr);
    prof_node v = obj != 0 ? prof_graph_of_obj(graph, obj) : prof_graph_of_block(graph, prof_heap_block_at(heap, addr));
    assert_true(prof_graph_has(graph, v));
    return v;
}

/* The one referrer of this kind. */
static struct prof_link from(uint64_t to, enum prof_link_kind kind)
{
    struct prof_link found = { 0 };
    int count = 0;
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(to)); i++) {
        struct prof_link link = prof_graph_referrer(graph, node(to), i);
        assert_int_equal(link.to, node(to));
        if (link.kind == kind) {
            found = link;
            count++;
        }
    }
    assert_int_equal(count, 1);
    return found;
}

static void assert_split(uint64_t at, int heap, int roots, int stacks, int anonymous)
{
    struct prof_refcount rc = prof_graph_refcount(graph, node(at));
    assert_int_equal(rc.heap, heap);
    assert_int_equal(rc.roots, roots);
    assert_int_equal(rc.stacks, stacks);
    assert_int_equal(rc.anonymous, anonymous);
    assert_int_equal(rc.count, heap + roots + stacks + rc.gone + anonymous);
}

/* a->peer = b_new(); b->peer = ref(a): the cycle is closed by a birth reference, which got its owner. */
static void test_birth_cycle(void **state)
{
    (void)state;
    born(A);
    born(B);
    mk_own(rig->t, B, A + 8, AT("main m.c:6"));
    mk_ref(rig->t, A, B + 8, AT("main m.c:7"));
    mk_unref(rig->t, A, 0, AT("main m.c:8"));
    mk_exit(rig->t, 0);
    make(NULL);
    assert_int_equal(prof_graph_links(graph), 2);
    struct prof_link link = from(A, PROF_LINK_SLOT);
    assert_int_equal(link.from, node(B));
    assert_int_equal(link.at, B + 8);
    assert_false(link.gone);
    assert_string_equal(prof_graph_place(graph, &link), "conn#2.peer");
    assert_string_equal(prof_graph_field(graph, &link), "peer");
    assert_string_equal(prof_graph_name(graph, link.to), "conn#1");
    assert_int_equal(prof_graph_referents(graph, node(A)), 1);
    assert_int_equal(prof_graph_referent(graph, node(A), 0).to, node(B));
    rig_at(rig, prof_graph_referent(graph, node(A), 0).stack, "main:6");
    assert_split(A, 1, 0, 0, 0);
    assert_split(B, 1, 0, 0, 0);
}

/* Each kind of place; a local variable counts as long as the program runs. */
static void test_split(void **state)
{
    (void)state;
    born(A);
    born(B);
    mk_ref(rig->t, A, GLOBAL, AT("main m.c:6"));
    mk_ref(rig->t, A, LOCAL(0), AT("main m.c:7"));
    mk_ref(rig->t, A, B + 8, AT("main m.c:8"));
    mk_ref(rig->t, A, MK_HOLDER(B), AT("main m.c:9"));
    mk_ref(rig->t, A, MK_HOLDER(B), AT("main m.c:9"));
    mk_ref(rig->t, A, 0, AT("main m.c:10"));
    mk_count_seen(rig->t, A, 9);
    mk_end(rig->t, TRK_END_STOPPED, 0);
    make(NULL);
    assert_split(A, 3, 1, 1, 2); // one without an owner, and the birth
    struct prof_refcount rc = prof_graph_refcount(graph, node(A));
    assert_true(rc.observed);
    assert_int_equal(rc.unaccounted, 2);
    assert_false(prof_graph_refcount(graph, node(B)).observed);
    assert_int_equal(prof_graph_referents(graph, node(B)), 3); // the holder holds it twice
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(A)); i++) {
        struct prof_link link = prof_graph_referrer(graph, node(A), i);
        const char *place = prof_graph_place(graph, &link);
        if (link.root == PROF_ROOT_GLOBAL)
            assert_string_equal(place, "global g_conn");
        else if (link.root == PROF_ROOT_STACK)
            assert_string_equal(place, "local variable of main()");
        else
            assert_string_equal(place, link.kind == PROF_LINK_HOLDER ? "conn#2" : "conn#2.peer");
    }
}

/* Variables that are gone are shown, and hold nothing. */
static void test_gone(void **state)
{
    (void)state;
    born(A);
    born(B);
    born(C);
    mk_ref(rig->t, A, LOCAL(0), AT("main m.c:7")); // its frame is gone when the program has ended
    mk_ref(rig->t, B, C + 8, AT("main m.c:8"));
    mk_gone(rig->t, C, AT("main m.c:9"));
    mk_exit(rig->t, 0);
    make(NULL);
    assert_true(from(A, PROF_LINK_SLOT).gone);
    assert_split(A, 0, 0, 0, 1);
    assert_int_equal(prof_graph_refcount(graph, node(A)).gone, 1);
    struct prof_link link = from(B, PROF_LINK_SLOT);
    assert_true(link.gone);
    assert_int_equal(link.from, PROF_NODE_NONE);
    assert_string_equal(prof_graph_place(graph, &link), "freed memory");
    assert_split(B, 0, 0, 0, 1);
    assert_int_equal(prof_graph_refcount(graph, node(B)).gone, 1);
}

static void test_weak(void **state)
{
    (void)state;
    born(A);
    born(B);
    mk_weak_set(rig->t, A, B + 8, AT("main m.c:6"));
    image_poke(&image, B + 8, A); // memory says the same: one link
    image_exit(&image, rig->t);
    make(NULL);
    struct prof_link link = from(A, PROF_LINK_WEAK);
    assert_int_equal(link.from, node(B));
    assert_string_equal(prof_graph_place(graph, &link), "conn#2.peer");
    assert_int_equal(prof_graph_links(graph), 1);
    assert_split(A, 0, 0, 0, 1);
}

/* References without an owner are adopted when as many pointers can own them, not when there are more. */
static void test_adopted(void **state)
{
    (void)state;
    born(A);
    born(B);
    born(C);
    image_poke(&image, GLOBAL, A);
    image_poke(&image, A + 8, B);
    image_poke(&image, B + 8, C);
    image_poke(&image, A + 16, C); // one of these two is borrowed
    image_exit(&image, rig->t);
    make(NULL);
    assert_int_equal(from(A, PROF_LINK_ADOPTED).root, PROF_ROOT_GLOBAL);
    assert_int_equal(from(B, PROF_LINK_ADOPTED).from, node(A));
    assert_split(A, 0, 1, 0, 0);
    assert_split(B, 1, 0, 0, 0);
    assert_split(C, 0, 0, 0, 1);
    uint32_t pointers = 0;
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(C)); i++)
        pointers += prof_graph_referrer(graph, node(C), i).kind == PROF_LINK_POINTER;
    assert_int_equal(pointers, 2);
}

/* Plain blocks: pointers hold them, slots in them hold objects. */
static void test_blocks(void **state)
{
    (void)state;
    born(A);
    born(B);
    mk_alloc(rig->t, BLOCK, 64, AT("grow g.c:3 < main m.c:6"));
    mk_alloc(rig->t, BLOCK2, 64, AT("grow g.c:3 < main m.c:6"));
    image_poke(&image, A + 16, BLOCK);
    image_poke(&image, BLOCK + 8, BLOCK2 + 24);
    image_poke(&image, BLOCK + 16, B);
    image_poke(&image, GLOBAL, A);
    mk_own(rig->t, B, BLOCK + 16, AT("main m.c:7"));
    mk_own(rig->t, A, GLOBAL, AT("main m.c:7"));
    image_exit(&image, rig->t);
    make(NULL);
    assert_int_equal(prof_graph_block(graph, node(BLOCK)), prof_heap_block_at(prof_graph_heap(graph), BLOCK));
    assert_int_equal(prof_graph_obj(graph, node(BLOCK)), 0);
    assert_int_equal(prof_graph_block(graph, node(A)), 0);
    struct prof_link link = from(BLOCK, PROF_LINK_POINTER);
    assert_int_equal(link.from, node(A));
    assert_string_equal(prof_graph_place(graph, &link), "conn#1.table");
    assert_false(link.interior);
    link = from(BLOCK2, PROF_LINK_POINTER);
    assert_true(link.interior);
    assert_string_equal(prof_graph_place(graph, &link), "malloc in grow() +8");
    assert_int_equal(from(B, PROF_LINK_SLOT).from, node(BLOCK));
    assert_split(B, 1, 0, 0, 0);
    assert_split(A, 0, 1, 0, 0);
    assert_int_equal(prof_graph_refcount(graph, node(BLOCK)).count, 0);
    prof_graph_destroy(graph);
    graph = NULL;
    make(&(struct prof_graph_options){ .no_pointers = true });
    assert_int_equal(prof_graph_links(graph), 2);
}

static void test_pinned_and_dead(void **state)
{
    (void)state;
    born(A);
    born(B);
    mk_pin(rig->t, A, "for good");
    mk_unref(rig->t, B, 0, AT("main m.c:7"));
    mk_gone(rig->t, B, AT("main m.c:7"));
    mk_exit(rig->t, 0);
    make(NULL);
    assert_true(prof_graph_pinned(graph, node(A)));
    uint32_t nodes = 0;
    for (prof_node v = 0; v < prof_graph_max(graph); v++)
        nodes += prof_graph_has(graph, v);
    assert_int_equal(nodes, 1);
    assert_int_equal(prof_graph_of_obj(graph, 77), PROF_NODE_NONE);
    assert_int_equal(prof_graph_of_obj(graph, 0), PROF_NODE_NONE);
    assert_int_equal(prof_graph_of_block(graph, 99), PROF_NODE_NONE);
}

/* A, held by a global, B and C. */
static void three_with_a_root(void)
{
    born(A);
    born(B);
    born(C);
    mk_own(rig->t, A, GLOBAL, AT("main m.c:6"));
}

static void end_of_program(void)
{
    mk_exit(rig->t, 0);
    make(NULL);
}

/* global -> A -> B -> C, and A -> C: A retains all, C hangs on A. */
static void make_tree(void)
{
    three_with_a_root();
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
    mk_own(rig->t, C, B + 8, AT("main m.c:8"));
    mk_ref(rig->t, C, A + 16, AT("main m.c:9"));
    end_of_program();
}

static void test_sizes(void **state)
{
    const prof_node *list;
    uint64_t bytes, nodes;
    (void)state;

    make_tree();
    struct prof_node_size size = prof_graph_size(graph, node(A));
    assert_int_equal(size.flat, 64);
    assert_int_equal(size.usable, 72);
    assert_int_equal(size.chunk, 80);
    assert_int_equal(size.item, 64);
    assert_int_equal(size.items, 1);
    for (uint32_t limit = 0; limit < 3; limit++) {
        static const uint32_t expect[] = { 1, 3, 3 };
        assert_null(prof_graph_deep(graph, node(A), limit, &bytes, &nodes));
        assert_int_equal(nodes, expect[limit]);
        assert_int_equal(bytes, 64 * nodes);
    }
    assert_null(prof_graph_dominate(graph));
    assert_null(prof_graph_dominate(graph)); // once
    assert_int_equal(prof_graph_retained(graph, node(A)), 192);
    assert_int_equal(prof_graph_retained(graph, node(B)), 64);
    assert_int_equal(prof_graph_retained(graph, PROF_NODE_NONE), 192);
    assert_int_equal(prof_graph_dominator(graph, node(A)), PROF_NODE_NONE);
    assert_int_equal(prof_graph_dominator(graph, node(C)), node(A));
    assert_int_equal(prof_graph_dominated(graph, node(A), &list), 2);
    assert_int_equal(prof_graph_dominated(graph, PROF_NODE_NONE, &list), 1);
    assert_int_equal(list[0], node(A));
    // A set retains more than its members do one by one.
    prof_node set[] = { node(B), node(A), node(B) };
    assert_null(prof_graph_retained_by(graph, set, 1, &bytes, &nodes));
    assert_int_equal(nodes, 1);
    assert_null(prof_graph_retained_by(graph, set, 3, &bytes, &nodes));
    assert_int_equal(nodes, 3);
    assert_int_equal(bytes, 192);
    prof_node none = node(C);
    assert_null(prof_graph_retained_by(graph, &none, 1, &bytes, &nodes));
    assert_int_equal(nodes, 1);
}

/* Two that share what they hold: each retains itself, both together all. */
static void test_shared(void **state)
{
    uint64_t bytes, nodes;
    (void)state;

    three_with_a_root();
    mk_own(rig->t, B, GLOBAL + 8, AT("main m.c:7"));
    mk_own(rig->t, C, A + 8, AT("main m.c:8"));
    mk_ref(rig->t, C, B + 8, AT("main m.c:9"));
    end_of_program();
    assert_null(prof_graph_dominate(graph));
    assert_int_equal(prof_graph_retained(graph, node(A)), 64);
    assert_int_equal(prof_graph_dominator(graph, node(C)), PROF_NODE_NONE);
    prof_node both[] = { node(A), node(B) };
    assert_null(prof_graph_retained_by(graph, both, 2, &bytes, &nodes));
    assert_int_equal(nodes, 3);
}

static void test_paths(void **state)
{
    struct prof_link path[4];
    (void)state;

    make_tree();
    assert_int_equal(prof_graph_distance(graph, PROF_ROOT_GLOBAL, node(C)), UINT32_MAX); // not made yet
    for (enum prof_root_kind kind = 0; kind < PROF_ROOT_COUNT_; kind++)
        assert_null(prof_graph_distances(graph, kind));
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(C), path, 4), 2);
    assert_string_equal(prof_graph_place(graph, &path[0]), "global g_conn");
    assert_int_equal(path[0].to, node(A));
    assert_string_equal(prof_graph_place(graph, &path[1]), "conn#1.table");
    assert_int_equal(path[1].to, node(C));
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(C), path, 1), 2); // the end of it
    assert_int_equal(path[0].to, node(C));
    assert_int_equal(prof_graph_distance(graph, PROF_ROOT_GLOBAL, node(B)), 2);
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_STACK, node(C), path, 4), 0);
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_NONE, node(C), path, 4), 0);
}

/* Alive by a reference that nobody owns. */
static void test_unowned_path(void **state)
{
    struct prof_link path[4];
    (void)state;

    born(A);
    born(B);
    mk_own(rig->t, B, A + 8, AT("main m.c:7"));
    end_of_program();
    assert_null(prof_graph_distances(graph, PROF_ROOT_NONE));
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_NONE, node(B), path, 4), 2);
    assert_int_equal(path[0].to, node(A));
    assert_int_equal(path[0].kind, 0);
}

/* Of a long path both ends. */
static void test_long_path(void **state)
{
    enum { LENGTH = 9 };
    struct prof_link path[5];
    (void)state;

    for (uint64_t i = 0; i < LENGTH; i++) {
        born(A + i * 0x100);
        mk_own(rig->t, A + i * 0x100, i == 0 ? GLOBAL : A + (i - 1) * 0x100 + 8, AT("main m.c:7"));
    }
    end_of_program();
    assert_null(prof_graph_distances(graph, PROF_ROOT_GLOBAL));
    assert_int_equal(prof_graph_path(graph, PROF_ROOT_GLOBAL, node(A + 0x800), path, 5), LENGTH);
    static const uint64_t kept[] = { 0, 1, 6, 7, 8 };
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(path[i].to, node(A + kept[i] * 0x100));
}

/* What nothing keeps: a cycle, and what hangs on it. */
static void test_loop(void **state)
{
    struct prof_link path[4];
    size_t cycle, length;
    (void)state;

    born(A);
    born(B);
    born(C);
    mk_own(rig->t, B, A + 8, AT("main m.c:6"));
    mk_own(rig->t, A, B + 8, AT("main m.c:7"));
    mk_own(rig->t, C, B + 16, AT("main m.c:8"));
    end_of_program();
    assert_null(prof_graph_loop(graph, node(A), path, 4, &cycle, &length));
    assert_int_equal(cycle, 2);
    assert_int_equal(length, 2);
    assert_int_equal(path[0].from, node(A));
    assert_int_equal(path[1].to, node(A));
    assert_null(prof_graph_loop(graph, node(C), path, 4, &cycle, &length));
    assert_int_equal(cycle, 2);
    assert_int_equal(length, 3);
    assert_int_equal(path[0].from, node(B));
    assert_int_equal(path[2].from, node(B));
    assert_int_equal(path[2].to, node(C));
    assert_null(prof_graph_loop(graph, node(C), path, 1, &cycle, &length)); // no room for more
    assert_int_equal(length, 3);
}

/* Blocks that only a lost block leads to. */
static void test_lost_head(void **state)
{
    struct prof_link path[4];
    size_t cycle, length;
    (void)state;

    mk_alloc(rig->t, BLOCK, 32, AT("grow c.c:4"));
    mk_alloc(rig->t, BLOCK2, 32, AT("grow c.c:4"));
    image_poke(&image, BLOCK + 8, BLOCK2);
    image_exit(&image, rig->t);
    make(NULL);
    assert_null(prof_graph_loop(graph, node(BLOCK2), path, 4, &cycle, &length));
    assert_int_equal(cycle, 0);
    assert_int_equal(length, 1);
    assert_int_equal(path[0].from, node(BLOCK));
    assert_null(prof_graph_loop(graph, node(BLOCK), path, 4, &cycle, &length));
    assert_int_equal(length, 0);
}

/* Which takings without an owner are left: those whose function gave nothing back. */
static void test_taken(void **state)
{
    const struct prof_taken *taken;
    size_t count;
    (void)state;

    born(A);
    mk_own(rig->t, A, GLOBAL, AT("main m.c:6"));
    mk_ref(rig->t, A, 0, AT("keep c.c:9 < main m.c:7"));
    mk_ref(rig->t, A, 0, AT("use c.c:11 < main m.c:8"));
    mk_unref(rig->t, A, 0, AT("use c.c:12 < main m.c:8"));
    make(NULL);
    assert_null(prof_graph_taken(graph, node(A), &taken, &count));
    assert_int_equal(count, 1);
    assert_int_equal(taken[0].count, 1);
    assert_false(taken[0].birth);
    struct prof_heap *heap = prof_graph_heap(graph);
    bool keep = false;
    for (uint32_t i = prof_heap_obj(heap, node(A))->first_site; i != 0; i = prof_heap_site_count(heap, i)->next)
        keep |= prof_heap_site_count(heap, i)->stack == taken[0].stack && prof_heap_site_count(heap, i)->given == 0;
    assert_true(keep);
}

/* A session: its birth reference is given to a worker, and each second one also to an audit, elsewhere. */
static void session(uint64_t addr, bool audited, bool forgotten)
{
    mk_born(rig->t, "conn", addr, 64, AT("main m.c:5"));
    mk_ref(rig->t, addr, 0, AT("main m.c:6"));
    mk_unref(rig->t, addr, 0, AT("main m.c:8"));
    mk_ref(rig->t, addr, 0, AT("route w.c:2 < work w.c:19"));
    mk_unref(rig->t, addr, 0, AT("route w.c:3 < work w.c:19"));
    if (audited)
        mk_ref(rig->t, addr, 0, AT("submit w.c:9 < work w.c:20"));
    mk_unref(rig->t, addr, 0, AT("work w.c:22"));
    if (audited && !forgotten)
        mk_unref(rig->t, addr, 0, AT("plain a.c:4 < audit a.c:8"));
    if (!audited || !forgotten)
        mk_del(rig->t, addr, AT("work w.c:23"));
}

/* Where siblings show which release serves which taking, names and births that look alike say nothing. */
static void test_taken_as_siblings(void **state)
{
    const struct prof_taken *taken;
    size_t count;
    (void)state;

    for (int i = 0; i < 20; i++)
        session(A, i % 2 != 0, false);
    session(A, true, true);
    make(NULL);
    assert_null(prof_graph_taken(graph, node(A), &taken, &count));
    assert_int_equal(count, 1);
    assert_int_equal(taken[0].count, 1);
    assert_false(taken[0].birth);
    assert_string_equal(prof_symbols_site_frame(rig->symbols, taken[0].stack)->function, "submit");
}

/* A table of plain blocks that point to each other, with an object in one of them. */
static void make_table(void)
{
    born(A);
    mk_own(rig->t, A, GLOBAL, AT("main m.c:6"));
    mk_alloc(rig->t, BLOCK, 32, AT("grow c.c:4"));
    mk_alloc(rig->t, BLOCK2, 32, AT("grow c.c:4"));
    born(B);
    mk_own(rig->t, B, BLOCK2 + 8, AT("put c.c:5"));
    mk_ref(rig->t, B, GLOBAL + 8, AT("main m.c:7"));
    born(C);
    mk_own(rig->t, C, B + 8, AT("put c.c:6"));
    mk_weak_set(rig->t, B, A + 24, AT("watch c.c:8"));
    image_poke(&image, GLOBAL, A);
    image_poke(&image, GLOBAL + 8, B);
    image_poke(&image, A + 16, BLOCK);
    image_poke(&image, BLOCK + 16, BLOCK2);
    image_poke(&image, BLOCK2 + 16, BLOCK);
    image_poke(&image, BLOCK2 + 8, B);
    image_poke(&image, B + 8, C);
    image_exit(&image, rig->t);
    make(NULL);
}

static void test_what_if(void **state)
{
    struct prof_fall fall;
    (void)state;

    make_table();
    struct prof_drop table = { .node = node(A) };
    assert_null(prof_graph_what_if(graph, &table, 1, &fall));
    assert_int_equal(fall.objects, 1);
    assert_int_equal(fall.blocks, 2);
    assert_int_equal(fall.bytes, 64 + 32 + 32);
    assert_int_equal(fall.freed[0], node(A));
    assert_int_equal(fall.left_count, 1);
    assert_int_equal(fall.left[0].node, node(B));
    assert_int_equal(fall.left[0].before, 2);
    assert_int_equal(fall.left[0].after, 1);
    prof_fall_deinit(&fall);

    struct prof_drop both[] = { table, { .node = PROF_NODE_NONE } };
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(B)); i++) {
        struct prof_link link = prof_graph_referrer(graph, node(B), i);
        if (link.from == PROF_NODE_NONE)
            both[1].link = link;
    }
    assert_null(prof_graph_what_if(graph, both, 2, &fall));
    assert_int_equal(fall.objects, 3);
    assert_int_equal(fall.blocks, 2);
    assert_int_equal(fall.left_count, 0);
    prof_fall_deinit(&fall);

    // The way back alone holds nothing: the one block still leads to the other.
    struct prof_drop back = { .node = PROF_NODE_NONE };
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(BLOCK)); i++) {
        struct prof_link link = prof_graph_referrer(graph, node(BLOCK), i);
        if (link.from == node(BLOCK2))
            back.link = link;
    }
    assert_null(prof_graph_what_if(graph, &back, 1, &fall));
    assert_int_equal(fall.count, 0);
    assert_int_equal(fall.left_count, 1);
    assert_int_equal(fall.left[0].before, 2);
    assert_int_equal(fall.left[0].after, 1);
    prof_fall_deinit(&fall);
}

/* A cycle: the reference that closes it frees all of it, and who held the dropped one does not give it back again. */
static void test_what_if_cycle(void **state)
{
    struct prof_fall fall;
    struct prof_drop drop = { .node = PROF_NODE_NONE };
    (void)state;

    born(A);
    born(B);
    mk_own(rig->t, B, A + 8, AT("main m.c:6"));
    mk_own(rig->t, A, B + 8, AT("main m.c:7"));
    mk_ref(rig->t, A, B + 16, AT("main m.c:8"));
    end_of_program();
    drop.link = prof_graph_referrer(graph, node(A), 0);
    assert_null(prof_graph_what_if(graph, &drop, 1, &fall)); // one of two
    assert_int_equal(fall.count, 0);
    assert_int_equal(fall.left[0].after, 1);
    prof_fall_deinit(&fall);
    struct prof_drop two[] = { drop, drop };
    two[1].link = prof_graph_referrer(graph, node(A), 1);
    assert_null(prof_graph_what_if(graph, two, 2, &fall));
    assert_int_equal(fall.count, 2);
    assert_int_equal(fall.freed[0], node(A));
    prof_fall_deinit(&fall);
}

/* A variable that was told to own what nobody had left: it keeps the object, but the reference that somebody takes
 * later is not explained by it, and dropping it gives nothing back. */
static void test_unbacked(void **state)
{
    struct prof_fall fall;
    struct prof_drop drop = { .node = PROF_NODE_NONE };
    (void)state;

    born(A);
    born(B);
    mk_own(rig->t, A, B + 8, AT("main m.c:6"));
    mk_own(rig->t, A, GLOBAL, AT("main m.c:7"));
    mk_ref(rig->t, A, 0, AT("main m.c:8"));
    end_of_program();
    assert_split(A, 1, 0, 0, 1);
    assert_int_equal(prof_graph_refcount(graph, node(A)).unbacked, 1);
    assert_int_equal(prof_graph_refcount(graph, node(B)).unbacked, 0);
    assert_int_equal(prof_graph_keeping(graph, node(A)), PROF_KEEPING_HELD);
    for (uint32_t i = 0; i < prof_graph_referrers(graph, node(A)); i++) {
        struct prof_link link = prof_graph_referrer(graph, node(A), i);
        assert_int_equal(link.unbacked, link.at == GLOBAL);
        if (link.unbacked)
            drop.link = link;
    }
    assert_null(prof_graph_what_if(graph, &drop, 1, &fall));
    assert_int_equal(fall.count, 0);
    assert_int_equal(fall.left_count, 0);
    prof_fall_deinit(&fall);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_birth_cycle),
        TEST(test_split),
        TEST(test_gone),
        TEST(test_weak),
        TEST(test_adopted),
        TEST(test_blocks),
        TEST(test_pinned_and_dead),
        TEST(test_sizes),
        TEST(test_shared),
        TEST(test_paths),
        TEST(test_unowned_path),
        TEST(test_long_path),
        TEST(test_loop),
        TEST(test_lost_head),
        TEST(test_taken),
        TEST(test_taken_as_siblings),
        TEST(test_what_if),
        TEST(test_what_if_cycle),
        TEST(test_unbacked),
    };
    return cmocka_run_group_tests_name("object graph", tests, NULL, NULL);
}
