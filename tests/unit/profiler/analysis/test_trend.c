/* test_trend.c: what becomes more from moment to moment: kinds above their peak, new objects, growing edges with who
 * inserts and who stopped removing. */
#include "image.h"

#include <prof/growth.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_growth *growth;
static uint64_t now_us;

enum { TABLE = 0x80000, ENTRY = 0x100000 };

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    for (unsigned i = 0; i < 256; i++) {
        char name[32];
        snprintf(name, sizeof name, "buckets[%u].val", i);
        fake_field(rig->symbols, "table", 8 * (uint64_t)i, name);
    }
    fake_field(rig->symbols, "entry", 8, "next");
    fake_field(rig->symbols, "entry", 16, "key");
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_table");
    mk_type(rig->t, "table", 2048);
    mk_type(rig->t, "entry", 64);
    mk_type(rig->t, "key", 32);
    now_us = 1000000;
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_growth_destroy(growth);
    growth = NULL;
    rig_end(rig);
    return 0;
}

static void make(const struct prof_growth_options *options)
{
    prof_growth_destroy(growth);
    growth = NULL;
    struct prof_error *error = prof_growth_create(mk_heap(rig->t), rig->symbols, options, &growth);
    if (error != NULL)
        fail_msg("%s", error->message);
}

/* A minute goes by. */
static void mark(const char *name)
{
    now_us += 60000000;
    mk_time(rig->t, now_us);
    mk_mark(rig->t, name, AT("main m.c:9"));
}

static void table(void)
{
    mk_born(rig->t, "table", TABLE, 2048, AT("table_new t.c:3 < main m.c:3"));
    mk_own(rig->t, TABLE, MK_APP_DATA, AT("main m.c:4"));
}

static uint64_t entry_at(unsigned n)
{
    return ENTRY + 0x100 * (uint64_t)n;
}

static void put(unsigned first, unsigned count)
{
    for (unsigned n = first; n < first + count; n++) {
        mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10 < put t.c:20"));
        mk_own(rig->t, entry_at(n), TABLE + 8 * (uint64_t)n, AT("put t.c:21"));
    }
}

static void evict(unsigned first, unsigned count)
{
    for (unsigned n = first; n < first + count; n++) {
        mk_unref(rig->t, entry_at(n), TABLE + 8 * (uint64_t)n, AT("evict t.c:40"));
        mk_gone(rig->t, entry_at(n), AT("evict t.c:41"));
    }
}

static const struct prof_growth_kind *kind(const char *type)
{
    const struct prof_growth_kind *list;
    size_t count = prof_growth_kinds(growth, &list);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].type, type) == 0)
            return &list[i];
    return NULL;
}

static const struct prof_growth_edge *edges(size_t count, size_t all)
{
    const struct prof_growth_edge *list;
    size_t rising;
    assert_int_equal(prof_growth_edges(growth, &list, &rising), count);
    assert_int_equal(rising, all);
    return list;
}

/* O3: what grows, shrinks and comes back to its peak is silent; above it counts what is above. */
static void test_o3_peak(void **state)
{
    (void)state;
    table();
    mark("start");
    put(0, 100);
    mark("full");
    evict(0, 60);
    mark("empty");
    put(0, 60);
    mark("again");
    make(NULL);
    assert_null(kind("entry"));
    edges(0, 0);

    mk_destroy(rig->t);
    prof_symbols_destroy(rig->symbols);
    begin(NULL);
    table();
    mark("start");
    put(0, 100);
    mark("full");
    evict(0, 60);
    mark("empty");
    put(0, 60);
    put(100, 20);
    mark("again");
    put(120, 0);
    make(NULL);
    const struct prof_growth_kind *entry = kind("entry");
    assert_non_null(entry);
    assert_int_equal(entry->series.delta, 20);
    assert_int_equal(entry->series.delta_bytes, 20 * 64);
    rig_at(rig, entry->stack, "entry_new:10");
    const struct prof_growth_moment *moments;
    assert_true(prof_growth_moments(growth, &moments) > 0);
    assert_string_equal(moments[entry->series.peak_at].mark, "full");
    assert_null(kind("table"));
}

/* What a finding calls growing is above its peak here, and what shrank again is neither: between two marks a rush at
 * the start of the program counts as little as what was there for a moment. */
static void test_as_findings(void **state)
{
    (void)state;
    for (unsigned given_back = 0; given_back < 2; given_back++) {
        if (given_back > 0) {
            end(NULL);
            begin(NULL);
        }
        table();
        now_us += 20000000;
        mk_time(rig->t, now_us);
        put(0, 200);
        now_us += 60000000;
        mk_time(rig->t, now_us);
        mk_touch(rig->t, TABLE, "started", AT("main m.c:6"));
        evict(20, 180);
        mark("warm");
        put(20, 40);
        mark("round");
        evict(20, given_back);
        now_us += 60000000;
        mk_time(rig->t, now_us);
        mk_touch(rig->t, TABLE, "idle", AT("main m.c:7"));
        make(NULL);
        assert_int_equal(kind("entry") != NULL, given_back == 0);
        edges(given_back == 0, given_back == 0);
        rig_find(rig, NULL);
        rig_expect(rig, given_back == 0);
        if (given_back == 0)
            assert_string_equal(rig_one(rig, PROF_GROWTH)->type, "entry");
    }
}

/* O4: old, current, new. */
static void test_o4_new_ids(void **state)
{
    (void)state;
    const struct prof_growth_new *list;
    table();
    put(0, 10);
    mark("from");
    evict(0, 4);
    put(0, 2); // at addresses where others were
    put(20, 7);
    mark("to");
    put(40, 50);
    struct prof_heap *heap = mk_heap_with(rig->t, &(struct prof_heap_options){ .until_mark = "to" });
    struct prof_error *error =
        prof_growth_create(heap, rig->symbols, &(struct prof_growth_options){ .from_mark = "from" }, &growth);
    assert_null(error);
    assert_int_equal(prof_growth_news(growth, &list), 1); // the table is not new
    assert_string_equal(list[0].type, "entry");
    assert_int_equal(list[0].old, 10);
    assert_int_equal(list[0].current, 15);
    assert_int_equal(list[0].fresh, 9);
    assert_int_equal(list[0].sample_count, PROF_GROWTH_SAMPLES);
    assert_int_equal(list[0].samples[0], 11);
    assert_int_equal(list[0].samples[3], 14);
    const struct prof_growth_moment *moments;
    size_t count = prof_growth_moments(growth, &moments);
    assert_string_equal(moments[0].mark, "from");
    assert_string_equal(moments[count - 1].mark, "to");
    assert_int_equal(moments[count - 1].live_objects, 16);
    struct prof_growth *none = NULL;
    error = prof_growth_create(heap, rig->symbols, &(struct prof_growth_options){ .from_mark = "never" }, &none);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    prof_error_destroy(error);
}

/* O11: comparing leaves no trace of itself: nothing happened, nothing is told, however often. */
static void test_o11_own_data(void **state)
{
    (void)state;
    const struct prof_growth_new *list;
    table();
    put(0, 10);
    for (int i = 0; i < 5; i++)
        mark("tick");
    for (int i = 0; i < 2; i++) {
        make(NULL);
        const struct prof_growth_kind *kinds;
        assert_int_equal(prof_growth_kinds(growth, &kinds), 0);
        assert_int_equal(prof_growth_news(growth, &list), 0);
        edges(0, 0);
    }
}

/* Removal stops half way: the edge, who inserts, who used to remove and when that was done last. */
static void test_removal_stops(void **state)
{
    (void)state;
    table();
    put(0, 20);
    mark("a");
    evict(0, 20);
    put(0, 20);
    mark("b");
    evict(0, 20);
    put(0, 20);
    uint64_t last = now_us;
    mark("c");
    put(20, 20);
    mark("d");
    put(40, 20);
    mark("e");
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_string_equal(e->from, "table");
    assert_string_equal(e->field, "buckets[].val");
    assert_string_equal(e->to, "entry");
    assert_false(e->root);
    assert_int_equal(e->series.then[0].live, 20);
    assert_int_equal(e->series.then[4].live, 60);
    assert_int_equal(e->series.delta, 40);
    assert_int_equal(e->series.delta_bytes, 40 * 64);
    assert_true(e->series.per_minute > 9.9 && e->series.per_minute < 10.1);                // 20 20 20 40 60
    assert_true(e->series.percent_per_minute > 31 && e->series.percent_per_minute < 31.5); // of 32
    assert_int_equal(e->inserter_count, 1);
    rig_at(rig, e->inserters[0].stack, "put:21");
    assert_int_equal(e->inserters[0].first, 20);
    assert_int_equal(e->inserters[0].last, 60);
    assert_int_equal(e->remover_count, 1);
    rig_at(rig, e->removers[0].stack, "evict:40");
    assert_int_equal(e->removers[0].count, 40);
    assert_int_equal(e->removers[0].late, 0);
    assert_int_equal(e->removers[0].last_us, last);
    assert_string_equal(e->example_type, "entry");
    assert_int_equal(e->example_serial, 100);
    assert_int_equal(e->example_slot, TABLE + 8 * 59);

    // Of a window only what happened in it.
    make(&(struct prof_growth_options){ .from_mark = "b" });
    e = edges(1, 1);
    assert_int_equal(e->removers[0].count, 20);
    assert_int_equal(e->removers[0].before, 20);
    assert_int_equal(e->inserters[0].first, 20);
}

/* What was done before the window, and no more since, is who stopped. */
static void test_removed_before(void **state)
{
    (void)state;
    table();
    put(0, 20);
    mark("a");
    evict(0, 20);
    put(0, 20);
    uint64_t last = now_us;
    for (unsigned i = 1; i <= 4; i++) {
        mark(i == 1 ? "b" : "tick");
        put(20 * i, 20);
    }
    make(&(struct prof_growth_options){ .from_mark = "b" });
    const struct prof_growth_edge *e = edges(1, 1);
    assert_int_equal(e->remover_count, 1);
    rig_at(rig, e->removers[0].stack, "evict:40");
    assert_int_equal(e->removers[0].count, 0);
    assert_int_equal(e->removers[0].before, 20);
    assert_int_equal(e->removers[0].late, 0);
    assert_int_equal(e->removers[0].last_us, last);
}

/* It still removes, too little. */
static void test_removal_goes_on(void **state)
{
    (void)state;
    table();
    for (unsigned i = 0; i < 5; i++) {
        put(i * 20, 20);
        evict(i * 20, 5);
        mark("tick");
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_int_equal(e->removers[0].count, 25);
    assert_int_equal(e->removers[0].late, 10);
}

/* A reference that moves on leaves the table where it is moved, not where it is given back. */
static void test_moved_on(void **state)
{
    (void)state;
    table();
    for (unsigned i = 0; i < 5; i++) {
        put(i * 20, 20);
        mk_move(rig->t, entry_at(i * 20), LOCAL(0), TABLE + 8 * (uint64_t)(i * 20), AT("pop t.c:50"));
        mk_unref(rig->t, entry_at(i * 20), LOCAL(0), AT("work t.c:60"));
        mk_gone(rig->t, entry_at(i * 20), AT("work t.c:61"));
        mark("tick");
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_int_equal(e->remover_count, 1);
    rig_at(rig, e->removers[0].stack, "pop:50");
}

/* What hangs below is counted there, and in a list the edge that makes it longer stands for all. */
static void test_below(void **state)
{
    (void)state;
    table();
    for (unsigned n = 0; n < 50; n++) {
        mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10"));
        if (n > 0)
            mk_move(rig->t, entry_at(n - 1), entry_at(n) + 8, TABLE, AT("push t.c:30"));
        mk_own(rig->t, entry_at(n), TABLE, AT("push t.c:31"));
        mk_born(rig->t, "key", entry_at(n) + 0x80, 32, AT("key_new t.c:11"));
        mk_own(rig->t, entry_at(n) + 0x80, entry_at(n) + 16, AT("push t.c:32"));
        if (n % 10 == 9)
            mark("tick");
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 2);
    assert_string_equal(e->from, "entry");
    assert_string_equal(e->field, "next");
    assert_string_equal(e->to, "entry");
    assert_int_equal(e->below, 1);
    rig_at(rig, e->inserters[0].stack, "push:30");
}

/* Chains that begin in a table: its buckets are full early, or still fill a little; it is the chains that grow. */
static void test_chains(void **state)
{
    enum { BUCKETS = 4, ROUND = 200, ROUNDS = 5 };
    (void)state;
    for (unsigned fills = 0; fills < 2; fills++) {
        if (fills > 0)
            begin(NULL);
        unsigned head[BUCKETS + ROUNDS] = { 0 }; // the number of the entry, from 1
        table();
        mark("empty");
        for (unsigned n = 0; n < ROUNDS * ROUND; n++) {
            bool fresh = fills != 0 && n % ROUND == 0; // another bucket is used for the first time
            unsigned bucket = fresh ? BUCKETS + n / ROUND : n % BUCKETS;
            uint64_t slot = TABLE + 8 * (uint64_t)bucket;
            mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10"));
            if (head[bucket] != 0)
                mk_move(rig->t, entry_at(head[bucket] - 1), entry_at(n) + 8, slot, AT("push t.c:30"));
            head[bucket] = n + 1;
            mk_own(rig->t, entry_at(n), slot, AT("push t.c:31"));
            if (n % ROUND == ROUND - 1)
                mark("tick");
        }
        make(NULL);
        const struct prof_growth_edge *e = fills != 0 ? edges(2, 2) : edges(1, 1);
        assert_string_equal(e->from, "entry");
        assert_string_equal(e->field, "next");
        rig_at(rig, e->inserters[0].stack, "push:30");
        if (fills == 0)
            end(NULL);
    }
}

/* Globals are holders, too; three moments say nothing about edges. */
static void test_roots_and_few(void **state)
{
    (void)state;
    fake_global(rig->symbols, MK_APP_DATA + 0x100, 0x1000, "g_all");
    for (unsigned n = 0; n < 40; n++) {
        mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10"));
        mk_own(rig->t, entry_at(n), MK_APP_DATA + 0x100 + 8 * (uint64_t)n, AT("keep t.c:31"));
        if (n % 10 == 9)
            mark("tick");
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_true(e->root);
    assert_string_equal(e->from, "global g_all");
    assert_string_equal(e->field, "");
    assert_int_equal(e->remover_count, 0);
}

/* Without marks the run is cut into even parts; what rests at the end has grown all the same. */
static void test_even(void **state)
{
    (void)state;
    const struct prof_growth_moment *moments;
    table();
    put(0, 10);
    for (unsigned i = 1; i <= 20; i++) {
        now_us += 1000000;
        mk_time(rig->t, now_us);
        if (i <= 10)
            put(i * 10, 10);
        else
            mk_touch(rig->t, TABLE, "idle", AT("main m.c:7"));
    }
    make(&(struct prof_growth_options){ .moments = 5 });
    assert_int_equal(prof_growth_moments(growth, &moments), 5);
    assert_null(moments[0].mark);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_int_equal(e->series.then[4].live, 110);
    assert_int_equal(e->series.then[3].live, 110);
    assert_int_equal(e->series.delta, 110 - e->series.then[0].live);
}

/* A run within one tick of the clock is cut by events. */
static void test_brief(void **state)
{
    (void)state;
    const struct prof_growth_moment *moments;
    table();
    for (unsigned i = 0; i < 20; i++)
        put(i * 10, 10);
    make(&(struct prof_growth_options){ .moments = 5 });
    assert_int_equal(prof_growth_moments(growth, &moments), 5);
    const struct prof_growth_edge *e = edges(1, 1);
    for (unsigned i = 0; i < 5; i++)
        assert_in_range(e->series.then[i].live, 40 * i + 38, 40 * i + 40);
}

enum { VEC = 0x90000 };

static void fill(unsigned first, unsigned count, const char *at)
{
    for (unsigned n = first; n < first + count; n++) {
        mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10 < put t.c:20"));
        mk_own(rig->t, entry_at(n), VEC + 16 + 8 * (uint64_t)n, AT(at));
    }
}

/* A field without a name that leads to one type from many offsets is an array: one edge, with all that was put there
 * and left it. */
static void test_unnamed_array(void **state)
{
    (void)state;
    mk_born(rig->t, "vec", VEC, 2048, AT("vec_new v.c:3 < main m.c:3"));
    mk_own(rig->t, VEC, MK_APP_DATA, AT("main m.c:4"));
    for (unsigned i = 0; i < 4; i++) {
        fill(20 * i, 15, "push v.c:21");
        fill(20 * i + 15, 5, "insert v.c:31");
        mark("round");
        if (i == 1)
            for (unsigned n = 0; n < 10; n++) {
                mk_unref(rig->t, entry_at(n), VEC + 16 + 8 * (uint64_t)n, AT("pop v.c:40"));
                mk_gone(rig->t, entry_at(n), AT("pop v.c:41"));
            }
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_string_equal(e->from, "vec");
    assert_string_equal(e->field, "+16[]");
    assert_string_equal(e->to, "entry");
    assert_int_equal(e->example_slot, VEC + 16 + 8 * 79);
    const struct prof_growth_moment *moments;
    size_t last = prof_growth_moments(growth, &moments) - 1;
    assert_int_equal(e->series.then[last].live, 70);
    assert_int_equal(e->series.then[last].bytes, 70 * 64);
    assert_int_equal(e->inserter_count, 2);
    rig_at(rig, e->inserters[0].stack, "push:21");
    assert_int_equal(e->inserters[0].last, 50);
    assert_int_equal(e->inserters[1].last, 20);
    assert_int_equal(e->remover_count, 1);
    rig_at(rig, e->removers[0].stack, "pop:40");
    assert_int_equal(e->removers[0].count, 10);
}

/* Two or three offsets are fields. */
static void test_unnamed_fields(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned n = 20 * i; n < 20 * i + 20; n++) {
            uint64_t pair = 0x200000 + 0x40 * (uint64_t)n;
            mk_born(rig->t, "pair", pair, 32, AT("pair_new p.c:3 < main m.c:3"));
            for (unsigned side = 0; side < 2; side++) {
                mk_born(rig->t, "entry", entry_at(2 * n + side), 64, AT("entry_new t.c:10 < main m.c:4"));
                mk_own(rig->t, entry_at(2 * n + side), pair + 8 + 8 * side, AT("main m.c:5"));
            }
        }
        mark("round");
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(2, 2);
    assert_string_not_equal(e[0].field, e[1].field);
    for (unsigned i = 0; i < 2; i++)
        assert_true(strcmp(e[i].field, "+8") == 0 || strcmp(e[i].field, "+16") == 0);
}

static struct image image;

static void look(void)
{
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
}

enum { SEEN = 0x138000, LINK = SEEN + 1024 };

/* 20 more entries, of which the program told no owner, in an array of SEEN; each points to itself. */
static void seen(unsigned first)
{
    for (unsigned n = first; n < first + 20; n++) {
        mk_born(rig->t, "entry", entry_at(n), 64, AT("entry_new t.c:10 < put t.c:20"));
        image_poke(&image, SEEN + 16 + 8 * (uint64_t)n, entry_at(n));
        image_poke(&image, entry_at(n) + 24, entry_at(n)); // it knows itself
    }
}

static void begin_seen(void)
{
    memset(&image, 0, sizeof image);
    mk_born(rig->t, "vec", SEEN, 2048, AT("vec_new v.c:3 < main m.c:3"));
    mk_own(rig->t, SEEN, MK_APP_DATA, AT("main m.c:4"));
    image_poke(&image, MK_APP_DATA, SEEN);
}

/* Two looks at memory are enough to see an array of pointers grow of which nobody told; weak pointers, told references,
 * local variables and what points to the middle are no such. */
static void test_seen(void **state)
{
    (void)state;
    begin_seen();
    for (unsigned i = 0; i < 3; i++) {
        seen(20 * i);
        for (unsigned n = 20 * i; n < 20 * i + 20; n++) {
            mk_weak_set(rig->t, entry_at(n), LINK + 8 * (uint64_t)n, AT("watch w.c:5"));
            image_poke(&image, LINK + 8 * (uint64_t)n, entry_at(n));
        }
        image_poke(&image, LOCAL(i), entry_at(i));
        image_poke(&image, MK_APP_DATA + 64 + 8 * i, entry_at(i) + 8);
        now_us += 60000000;
        mk_time(rig->t, now_us);
        if (i > 0)
            look();
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_true(e->series.seen);
    assert_string_equal(e->from, "vec");
    assert_string_equal(e->field, "+16[]");
    assert_string_equal(e->to, "entry");
    assert_int_equal(e->example_serial, 60);
    assert_int_equal(e->example_slot, SEEN + 16 + 8 * 59);
    assert_int_equal(e->inserter_count + e->remover_count, 0);
    const struct prof_growth_moment *looks;
    assert_int_equal(prof_growth_moments_of(growth, &e->series, &looks), 2);
    assert_int_equal(looks[1].at_us - looks[0].at_us, 60000000);
    assert_int_equal(e->series.then[0].live, 40);
    assert_int_equal(e->series.then[1].live, 60);
    assert_int_equal(e->series.delta, 20);
    assert_int_equal(e->series.delta_bytes, 20 * 64);
    assert_in_range((int)e->series.per_minute, 19, 20);
}

/* One look tells nothing, and told references that grow explain their type. */
static void test_seen_little(void **state)
{
    (void)state;
    begin_seen();
    seen(0);
    mark("one");
    look();
    seen(20);
    mark("two");
    make(NULL);
    edges(0, 0);

    mk_destroy(rig->t);
    prof_symbols_destroy(rig->symbols);
    begin(NULL);
    begin_seen();
    for (unsigned i = 0; i < 4; i++) {
        seen(20 * i);
        for (unsigned n = 20 * i; n < 20 * i + 20; n++)
            mk_own(rig->t, entry_at(n), LINK + 8 * (uint64_t)n, AT("put v.c:21"));
        mark("round");
        look();
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    assert_false(e->series.seen);
    assert_int_equal(e->example_slot, LINK + 8 * 79);
}

/* More looks than there is room for: the row covers them all, and ends with the last. */
static void test_seen_often(void **state)
{
    const struct prof_growth_moment *looks;
    (void)state;
    begin_seen();
    for (unsigned i = 0; i < 70; i++) {
        mk_born(rig->t, "entry", entry_at(i), 64, AT("entry_new t.c:10 < put t.c:20"));
        image_poke(&image, SEEN + 16 + 8 * (uint64_t)i, entry_at(i));
        now_us += 60000000;
        mk_time(rig->t, now_us);
        look();
    }
    make(NULL);
    const struct prof_growth_edge *e = edges(1, 1);
    size_t count = prof_growth_moments_of(growth, &e->series, &looks);
    assert_in_range(count, PROF_GROWTH_MOMENTS / 2, PROF_GROWTH_MOMENTS);
    assert_int_equal(e->series.then[0].live, 1);
    for (size_t i = 1; i < count; i++)
        assert_int_equal((e->series.then[i].live - e->series.then[i - 1].live) * 60000000,
                         looks[i].at_us - looks[i - 1].at_us);
    assert_int_equal(e->series.then[count - 1].live, 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_o3_peak, begin, end),
        cmocka_unit_test_setup_teardown(test_as_findings, begin, end),
        cmocka_unit_test_setup_teardown(test_o4_new_ids, begin, end),
        cmocka_unit_test_setup_teardown(test_o11_own_data, begin, end),
        cmocka_unit_test_setup_teardown(test_removal_stops, begin, end),
        cmocka_unit_test_setup_teardown(test_removed_before, begin, end),
        cmocka_unit_test_setup_teardown(test_removal_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(test_moved_on, begin, end),
        cmocka_unit_test_setup_teardown(test_below, begin, end),
        cmocka_unit_test_setup_teardown(test_chains, begin, end),
        cmocka_unit_test_setup_teardown(test_roots_and_few, begin, end),
        cmocka_unit_test_setup_teardown(test_even, begin, end),
        cmocka_unit_test_setup_teardown(test_brief, begin, end),
        cmocka_unit_test_setup_teardown(test_seen, begin, end),
        cmocka_unit_test_setup_teardown(test_seen_little, begin, end),
        cmocka_unit_test_setup_teardown(test_seen_often, begin, end),
        cmocka_unit_test_setup_teardown(test_unnamed_array, begin, end),
        cmocka_unit_test_setup_teardown(test_unnamed_fields, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
