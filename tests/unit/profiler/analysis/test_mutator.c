/* test_mutator.c: random programs without a single slot, whose memory is read at the end; the truth is known.
 *
 * Objects and plain blocks point to each other and are pointed to from globals and locals; every counted reference has
 * a word that the program knows of, except those that were planted as leaks: their word was cleared without a release.
 * Circles come about as they do in life. What roots reach must never be called a cycle; when no pointer is borrowed
 * every pure cycle and every planted leak must come out, and nothing else. */
#include "image.h"

#include <stdlib.h>

#include "rnd.h"

static struct rig rig_, *const rig = &rig_;
static struct image image;

enum {
    OBJECTS = 60,
    FIELDS = 5,
    BLOCK_WORDS = 4,
    ROOTS = 6,
    STEPS = 140,
    REFS = 400,
    TYPES = 3,
    SITES = 4,
    SPAN = 0x100
};

static uint32_t below(uint32_t n)
{
    return (uint32_t)rnd(n);
}

struct object {
    uint64_t addr;
    bool alive, block; /* block: a plain block of its own, from its last field */
    int count, leaked;
};
struct ref {
    int object, site; /* who took it gives it back: take_N and drop_N, make_N and drop_N */
    uint64_t at;
    bool open, counted;
};
static struct object objects[OBJECTS];
static struct ref refs[REFS];
static int object_count, ref_count;
static bool ended, borrow;
static uint64_t reach_all[OBJECTS], reach_counted[OBJECTS]; /* bit sets: what an object reaches */
static uint64_t live_all, live_counted;

static uint64_t block_of(int object)
{
    return objects[object].addr + SPAN / 2;
}

static const char *place(const char *what, int n)
{
    static char text[4][64];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s_%d x.c:%d < main m.c:1", what, n, n + 10);
    return AT(text[turn]);
}

/* The object in whose memory, or block, a word stands; -1: a root. */
static int holder_of(uint64_t at)
{
    return at - IMAGE_HEAP < (uint64_t)OBJECTS * SPAN ? (int)((at - IMAGE_HEAP) / SPAN) : -1;
}

static bool is_local(uint64_t at)
{
    return at >= IMAGE_LOCALS;
}

/* ---- Truth ------------------------------------------------------------------------------------------------------- */

static void close_over(uint64_t *reach)
{
    for (int k = 0; k < object_count; k++) {
        for (int i = 0; i < object_count; i++) {
            if (reach[i] >> k & 1)
                reach[i] |= reach[k];
        }
    }
}

static void find_truth(void)
{
    memset(reach_all, 0, sizeof reach_all);
    memset(reach_counted, 0, sizeof reach_counted);
    live_all = live_counted = 0;
    for (int i = 0; i < ref_count; i++) {
        const struct ref *ref = &refs[i];
        uint64_t bit = (uint64_t)1 << ref->object;
        if (!ref->open || ref->at == 0)
            continue;
        int holder = holder_of(ref->at);
        if (holder < 0) {
            if (ended && is_local(ref->at))
                continue;
            live_all |= bit;
            live_counted |= ref->counted ? bit : 0;
            continue;
        }
        reach_all[holder] |= bit;
        reach_counted[holder] |= ref->counted ? bit : 0;
    }
    close_over(reach_all);
    close_over(reach_counted);
    for (int i = 0; i < object_count; i++) {
        if (live_all >> i & 1)
            live_all |= reach_all[i];
        if (live_counted >> i & 1)
            live_counted |= reach_counted[i];
    }
}

/* In a circle of counted references that nothing else holds. */
static bool in_pure_cycle(int v)
{
    if ((live_all >> v & 1) || !(reach_counted[v] >> v & 1))
        return false;
    for (int u = 0; u < object_count; u++) {
        bool holds = u == v || (reach_counted[u] >> v & 1);
        if (objects[u].alive && holds && (objects[u].leaked > 0 || !(reach_counted[v] >> u & 1)))
            return false;
    }
    return true;
}

/* Made of birth references alone, handed on: pointers cannot tell it from one that was forgotten. */
static bool made_of_births(int v)
{
    for (int i = 0; i < ref_count; i++) {
        int u = refs[i].object;
        bool member = u == v || ((reach_counted[u] >> v & 1) && (reach_counted[v] >> u & 1));
        if (refs[i].open && refs[i].counted && member && refs[i].site < SITES)
            return false;
    }
    return true;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

static bool word_free(uint64_t at)
{
    for (int i = 0; i < ref_count; i++) {
        if (refs[i].open && refs[i].at == at)
            return false;
    }
    return true;
}

/* Somewhere the program can write: memory of what it reaches, or a root. */
static uint64_t pick_word(void)
{
    for (int tries = 0; tries < 8; tries++) {
        int holder = (int)below(OBJECTS);
        uint64_t at;
        if (holder < object_count && (live_counted >> holder & 1) && below(4) > 0)
            at = objects[holder].block && below(2) ? block_of(holder) + 8 * below(BLOCK_WORDS)
                                                   : objects[holder].addr + 8 + 8 * below(FIELDS);
        else
            at = (below(3) == 0 ? MK_APP_DATA : IMAGE_LOCALS) + 8 * below(ROOTS);
        if (word_free(at))
            return at;
    }
    return 0;
}

/* A reference that the program can reach; -1. */
static int pick_ref(void)
{
    for (int tries = 0; tries < 20 && ref_count > 0; tries++) {
        int i = (int)below((uint32_t)ref_count), holder = refs[i].at != 0 ? holder_of(refs[i].at) : 0;
        if (refs[i].open && refs[i].counted && refs[i].at != 0 && (holder < 0 || (live_counted >> holder & 1)))
            return i;
    }
    return -1;
}

static void add_ref(int object, uint64_t at, int site, bool counted)
{
    refs[ref_count++] = (struct ref){ .object = object, .site = site, .at = at, .open = true, .counted = counted };
    image_poke(&image, at, objects[object].addr);
    objects[object].count += counted;
}

static void release(int index);

/* What is freed keeps its contents, as with any allocator. */
static void destroy(int v)
{
    objects[v].alive = false;
    for (int i = 0; i < ref_count; i++) {
        if (!refs[i].open)
            continue;
        if (!refs[i].counted && (refs[i].object == v || holder_of(refs[i].at) == v)) {
            refs[i].open = false;
            image_poke(&image, refs[i].at, 0);
        } else if (refs[i].at != 0 && holder_of(refs[i].at) == v) {
            release(i);
        }
    }
    if (objects[v].block)
        mk_free(rig->t, block_of(v), place("destroy", 1));
    mk_gone(rig->t, objects[v].addr, place("destroy", 0));
}

static void release(int index)
{
    struct ref *ref = &refs[index];

    ref->open = false;
    mk_unref(rig->t, objects[ref->object].addr, 0, place("drop", ref->site));
    if (--objects[ref->object].count == 0)
        destroy(ref->object);
}

static void step(void)
{
    static const char *const types[TYPES] = { "alpha", "beta", "gamma" };
    int ref, site;
    uint64_t at;

    find_truth();
    at = pick_word();
    switch (below(10)) {
    case 0:
    case 1:
    case 2:
        if (object_count == OBJECTS || at == 0)
            return;
        objects[object_count] = (struct object){ .addr = IMAGE_HEAP + (uint64_t)object_count * SPAN,
                                                 .alive = true,
                                                 .block = below(3) == 0 };
        site = SITES + (int)below(TYPES);
        mk_born(rig->t, types[site - SITES], objects[object_count].addr, 64, place("make", site));
        if (objects[object_count].block) {
            mk_alloc(rig->t, block_of(object_count), 8 * BLOCK_WORDS, place("make", 2));
            image_poke(&image, objects[object_count].addr + 56, block_of(object_count));
        }
        add_ref(object_count++, at, site, true);
        return;
    case 3:
    case 4:
    case 5:
        if ((ref = pick_ref()) < 0 || at == 0)
            return;
        site = (int)below(SITES);
        mk_ref(rig->t, objects[refs[ref].object].addr, 0, place("take", site));
        add_ref(refs[ref].object, at, site, true);
        return;
    case 6:
    case 7:
        if ((ref = pick_ref()) < 0)
            return;
        image_poke(&image, refs[ref].at, 0);
        if (below(12) == 0) {
            refs[ref].at = 0; // the planted leak
            objects[refs[ref].object].leaked++;
            return;
        }
        release(ref);
        return;
    case 8:
        if ((ref = pick_ref()) < 0 || at == 0)
            return;
        image_poke(&image, refs[ref].at, 0);
        refs[ref].at = at;
        image_poke(&image, at, objects[refs[ref].object].addr);
        return;
    default:
        if (!borrow || (ref = pick_ref()) < 0 || at == 0)
            return;
        add_ref(refs[ref].object, at, 0, false);
    }
}

static void run(void)
{
    object_count = ref_count = 0;
    memset(&image, 0, sizeof image);
    memset(objects, 0, sizeof objects);
    for (int i = 0; i < STEPS && ref_count < REFS - 1; i++)
        step();
    // Locals are released, but what stood there stays.
    for (int i = 0; ended && i < ref_count; i++) {
        if (refs[i].open && refs[i].counted && refs[i].at != 0 && is_local(refs[i].at)) {
            release(i);
            if (below(2))
                image_poke(&image, refs[i].at, 0);
        }
    }
    if (!ended)
        mk_end(rig->t, TRK_END_STOPPED, 0);
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
    if (ended)
        mk_exit(rig->t, 0);
    rig_find(rig, NULL);
    find_truth();
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

struct tally {
    int cycles, births, leaks, retained, vetoed, wrong;
};

static const struct prof_finding *finding_of(int v)
{
    return prof_findings_of(rig->findings, prof_heap_obj_at(mk_heap(rig->t), objects[v].addr));
}

static void fail_at(int v, const struct prof_finding *f, const char *what)
{
    rig_print(rig);
    fail_msg("object %d at 0x%llx: %s, but %s", v, (unsigned long long)objects[v].addr, what,
             f != NULL ? prof_verdict_name(f->verdict) : "nothing was said");
}

static bool is(const struct prof_finding *f, enum prof_verdict verdict)
{
    return f != NULL && f->verdict == verdict;
}

static void compare(struct tally *tally)
{
    uint64_t cycles = 0, told = 0;

    for (int v = 0; v < object_count; v++) {
        const struct prof_finding *f = objects[v].alive ? finding_of(v) : NULL;
        bool live = live_all >> v & 1;
        if (!objects[v].alive)
            continue;
        if (live && is(f, PROF_CYCLE))
            fail_at(v, f, "a root reaches it");
        if (borrow) {
            tally->cycles += in_pure_cycle(v);
            continue;
        }
        if (in_pure_cycle(v) && made_of_births(v)) {
            tally->births++;
            cycles += is(f, PROF_CYCLE); // counting cannot always tell which is left
            if (!is(f, PROF_MISSING_UNREF) && !is(f, PROF_CYCLE))
                fail_at(v, f, "births that hold each other");
        } else if (in_pure_cycle(v)) {
            tally->cycles++;
            cycles++;
            if (!is(f, PROF_CYCLE))
                fail_at(v, f, "a pure cycle");
        } else if (live && objects[v].leaked > 0) {
            tally->retained++;
            if (!is(f, PROF_OVER_RETAINED))
                fail_at(v, f, "a reference too many of what roots reach");
        } else if (objects[v].leaked > 0) {
            tally->leaks++;
            if (!is(f, PROF_MISSING_UNREF) && !is(f, PROF_CYCLE_HELD))
                fail_at(v, f, "a missing release");
        } else if (live && f != NULL && f->verdict != PROF_REACHABLE) {
            fail_at(v, f, "held as it should be");
        } else if (!live && f == NULL) {
            fail_at(v, f, "lost");
        }
    }
    for (size_t i = 0; i < rig->count; i++) {
        const struct prof_finding *f = &rig->list[i];
        if (f->verdict != PROF_CYCLE)
            continue;
        told += f->objects;
        for (size_t j = 0; j < f->sample_count; j++)
            tally->wrong += !in_pure_cycle(holder_of(prof_heap_obj(mk_heap(rig->t), f->samples[j])->addr));
    }
    if (!borrow && told != cycles) {
        rig_print(rig);
        fail_msg("%llu objects in cycles instead of %llu", (unsigned long long)told, (unsigned long long)cycles);
    }
}

static void rounds(uint64_t first, struct tally *tally)
{
    const char *more = getenv("MUTATOR_RUNS");
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : 250;

    for (uint64_t round = 0; round < count; round++) {
        seed(first + round);
        rig_begin(rig);
        run();
        compare(tally);
        rig_end(rig);
    }
}

static void test_exact(void **state)
{
    struct tally tally = { 0 };
    (void)state;
    ended = true;
    borrow = false;
    rounds(11, &tally);
    print_message("%d objects in pure cycles, %d in circles of births, %d leaks planted, %d of what roots reach\n",
                  tally.cycles, tally.births, tally.leaks, tally.retained);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.cycles > 50 && tally.leaks > 100 && tally.retained > 50);
}

static void test_running(void **state)
{
    struct tally tally = { 0 };
    (void)state;
    ended = borrow = false;
    rounds(500, &tally);
    assert_true(tally.cycles > 50 && tally.retained > 50);
}

/* Borrowed pointers may stand in for references that are missing: of what is lost, never of what lives. */
static void test_borrowed(void **state)
{
    struct tally tally = { 0 };
    (void)state;
    ended = true;
    borrow = true;
    rounds(7000, &tally);
    print_message("%d objects in pure cycles, %d called so that only hang together\n", tally.cycles, tally.wrong);
    assert_true(tally.cycles > 50);
    assert_true(tally.wrong * 20 < tally.cycles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_borrowed),
    };
    return cmocka_run_group_tests_name("mutator", tests, NULL, NULL);
}
