/* test_programs.c: random programs on a simulated heap that counts references, told as a trace; who lives is known.
 *
 * P1: passes over generations of any age call nothing alive garbage, whatever is hidden (holders nobody told of),
 * over-told (borrowed pointers told as references) or stale (references moved on in silence, when memory is read at the
 * end); when all is told they find everything. P2: what happens between two cuts may come in any order that keeps the
 * order of each object. P3: a state that was saved and read back gives the same graph. PROGRAM_RUNS: programs of each
 * kind (400). */
#include "image.h"

#include <stdlib.h>
#include <unistd.h>

#include <prof/gc.h>
#include <prof/graph.h>
#include <track/track.h>

#include "rnd.h"

enum { OBJECTS = 48, FIELDS = 4, ROOTS = 6, STEPS = 150, REFS = 500, ACTS = 2000, MARKS = 32, SPAN = 0x100 };
enum act_kind { BORN, OWN, REF, UNREF, MOVE, GONE, MARK };

struct act {
    enum act_kind kind;
    int object;
    uint64_t slot, from;
};
struct ref {
    int object;
    uint64_t at;   /* the variable, 0: nobody has it (leaked) */
    uint64_t told; /* the variable as told, 0: without */
    bool open;
    bool borrowed; /* told as a reference, but none */
};
struct kind {
    unsigned hidden, borrowed, silent, leaks; /* in a hundred */
};

static struct rig rig_, *const rig = &rig_;
static struct image image;
static struct prof_gc *gc;
static struct kind kind;
static struct act acts[ACTS];
static struct ref refs[REFS];
static int act_count, ref_count, object_count, mark_count;
static bool dead[OBJECTS];
static int counts[OBJECTS];
static uint64_t alive, counted;                         /* bit sets: reached from variables; or by leaked references */
static uint64_t alive_at[MARKS + 1], counted_at[MARKS]; /* the same at each mark, and at the end */

static uint64_t address(int object)
{
    return IMAGE_HEAP + (uint64_t)object * SPAN;
}

/* The object in which a variable stands; -1: a root. */
static int holder_of(uint64_t at)
{
    return at - IMAGE_HEAP < (uint64_t)OBJECTS * SPAN ? (int)((at - IMAGE_HEAP) / SPAN) : -1;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

static void log_act(enum act_kind what, int object, uint64_t slot, uint64_t from)
{
    assert_true(act_count < ACTS);
    acts[act_count++] = (struct act){ what, object, slot, from };
}

static uint64_t spread(uint64_t in)
{
    for (uint64_t before = 0; in != before;) {
        before = in;
        for (int i = 0; i < ref_count; i++) {
            int holder = refs[i].at != 0 ? holder_of(refs[i].at) : -1;
            if (refs[i].open && !refs[i].borrowed && holder >= 0 && (in >> holder & 1))
                in |= (uint64_t)1 << refs[i].object;
        }
    }
    return in;
}

static void find_truth(void)
{
    alive = counted = 0;
    for (int i = 0; i < ref_count; i++) {
        uint64_t bit = (uint64_t)1 << refs[i].object;
        if (!refs[i].open || refs[i].borrowed)
            continue;
        if (refs[i].at == 0)
            counted |= bit;
        else if (holder_of(refs[i].at) < 0)
            alive |= bit;
    }
    alive = spread(alive);
    counted = spread(alive | counted);
}

static bool is_free(uint64_t at)
{
    for (int i = 0; i < ref_count; i++)
        if (refs[i].open && (refs[i].at == at || refs[i].told == at))
            return false;
    return true;
}

/* A variable that the program can write; 0. */
static uint64_t pick_place(void)
{
    for (int tries = 0; tries < 8 && object_count > 0; tries++) {
        int holder = (int)rnd((uint64_t)object_count);
        uint64_t at = address(holder) + 8 + 8 * rnd(FIELDS);
        if ((alive >> holder & 1) && is_free(at))
            return at;
    }
    uint64_t at = MK_APP_DATA + 8 * rnd(ROOTS);
    return is_free(at) ? at : 0;
}

/* A reference that the program can reach; -1. */
static int pick_ref(void)
{
    for (int tries = 0; tries < 20 && ref_count > 0; tries++) {
        int i = (int)rnd((uint64_t)ref_count), holder = holder_of(refs[i].at);
        if (refs[i].open && refs[i].at != 0 && !refs[i].borrowed && (holder < 0 || (alive >> holder & 1)))
            return i;
    }
    return -1;
}

static uint64_t told_as(uint64_t at)
{
    return rnd(100) < kind.hidden ? 0 : at;
}

static void add_ref(int object, uint64_t at, uint64_t told, bool borrowed)
{
    refs[ref_count++] = (struct ref){ object, at, told, true, borrowed };
    counts[object] += !borrowed;
}

static void release(int index);

static void destroy(int object)
{
    dead[object] = true;
    for (int i = 0; i < ref_count; i++) {
        if (!refs[i].open)
            continue;
        if (refs[i].object == object)
            refs[i].open = false; // borrowed pointers to it dangle
        else if (refs[i].at != 0 && holder_of(refs[i].at) == object)
            release(i);
    }
    log_act(GONE, object, 0, 0);
}

static void release(int index)
{
    struct ref *ref = &refs[index];

    ref->open = false;
    log_act(UNREF, ref->object, ref->told != 0 ? ref->at : 0, 0);
    if (!ref->borrowed && --counts[ref->object] == 0)
        destroy(ref->object);
}

static void step(void)
{
    uint64_t at, what = rnd(16);
    int ref;

    find_truth();
    ref = pick_ref();
    at = pick_place();
    if (what < 5 && object_count < OBJECTS && at != 0) {
        uint64_t told = told_as(at);
        log_act(BORN, object_count, 0, 0);
        if (told != 0)
            log_act(OWN, object_count, told, 0);
        add_ref(object_count++, at, told, false);
    } else if (what < 9 && ref >= 0 && at != 0) {
        bool borrowed = rnd(100) < kind.borrowed;
        uint64_t told = borrowed ? at : told_as(at);
        log_act(REF, refs[ref].object, told, 0);
        add_ref(refs[ref].object, at, told, borrowed);
    } else if (what < 12 && ref >= 0) {
        release(ref);
    } else if (what < 14 && ref >= 0 && at != 0) {
        bool silent = rnd(100) < kind.silent;
        if (refs[ref].told != 0 && !silent) {
            log_act(MOVE, refs[ref].object, at, refs[ref].at);
            refs[ref].told = at;
        }
        refs[ref].at = at;
    } else if (what == 14 && ref >= 0 && rnd(100) < kind.leaks) {
        log_act(REF, refs[ref].object, 0, 0);
        add_ref(refs[ref].object, 0, 0, false);
    } else if (what == 15 && rnd(3) == 0 && mark_count < MARKS) {
        log_act(MARK, 0, 0, 0);
        alive_at[mark_count] = alive;
        counted_at[mark_count++] = counted;
    }
}

static void run(uint64_t number, struct kind of)
{
    seed(number);
    kind = of;
    act_count = ref_count = object_count = mark_count = 0;
    memset(dead, 0, sizeof dead);
    memset(counts, 0, sizeof counts);
    for (int i = 0; i < STEPS && ref_count < REFS - 1; i++)
        step();
    find_truth();
    alive_at[mark_count] = alive;
}

/* ---- Its trace --------------------------------------------------------------------------------------------------- */

static void tell(int round_at)
{
    fake_global(rig->symbols, MK_APP_DATA, 8 * ROOTS, "g_roots");
    for (int i = 0; i < act_count; i++) {
        const struct act *act = &acts[i];
        uint64_t addr = address(act->object);
        if (i == round_at)
            mk_round(rig->t);
        switch (act->kind) {
        case BORN:
            mk_born(rig->t, "node", addr, 64, AT("node_new n.c:3 < main m.c:5"));
            break;
        case OWN:
            mk_own(rig->t, addr, act->slot, AT("main m.c:6"));
            break;
        case REF:
            mk_ref(rig->t, addr, act->slot, AT("main m.c:7"));
            break;
        case UNREF:
            mk_unref(rig->t, addr, act->slot, AT("main m.c:8"));
            break;
        case MOVE:
            mk_move(rig->t, addr, act->slot, act->from, AT("main m.c:9"));
            break;
        case GONE:
            mk_gone(rig->t, addr, AT("node_free n.c:9"));
            break;
        case MARK:
            mk_mark(rig->t, "cut", NULL);
        }
    }
}

static void tell_memory(void)
{
    memset(&image, 0, sizeof image);
    for (int i = 0; i < ref_count; i++)
        if (refs[i].open && refs[i].at != 0)
            image_poke(&image, refs[i].at, address(refs[i].object));
    image_begin(&image, rig->t, TRK_RUNG_STOPPED);
    mk_memory_end(rig->t);
}

/* ---- P1 ---------------------------------------------------------------------------------------------------------- */

struct tally {
    uint64_t garbage, checks, refuted;
    uint64_t found; /* bit set: what the last look saw as garbage */
    int marks;
};

static void add_found(void *ctx, prof_obj_id id)
{
    struct tally *tally = ctx;
    tally->found |= (uint64_t)1 << holder_of(prof_heap_obj(prof_gc_heap(gc), id)->addr);
}

static void add_garbage(void *ctx, const struct prof_gc_garbage *garbage)
{
    add_found(ctx, garbage->obj);
}

static void no_error(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void look(struct tally *tally, uint64_t must_live)
{
    tally->found = 0;
    no_error(prof_gc_garbage(gc, add_garbage, tally));
    if (tally->found & must_live)
        fail_msg("alive and called garbage: 0x%llx", (unsigned long long)(tally->found & must_live));
    tally->garbage += (uint64_t)__builtin_popcountll(tally->found);
    tally->checks++;
}

/* Own passes over any generation at marks, between those that thresholds make due. */
static void at_event(void *ctx, struct prof_gc *driver, const struct prof_event *event)
{
    struct tally *tally = ctx;

    if (event->op != TRK_OP_MARK)
        return;
    no_error(prof_gc_collect(driver, (int)rnd(3), NULL));
    uint64_t must_live = kind.silent > 0 ? 0 : alive_at[tally->marks] | counted_at[tally->marks];
    tally->marks++;
    look(tally, must_live);
}

static void run_passes(struct tally *tally)
{
    uint32_t thresholds[] = { 1 + (uint32_t)rnd(20), 1 + (uint32_t)rnd(3), 1 + (uint32_t)rnd(3) };
    struct prof_gc_options options = { .event = at_event, .event_ctx = tally, .every_events = 1 + rnd(60) };
    struct prof_gc_totals totals;

    rig_begin(rig);
    tell(-1);
    tell_memory();
    if (kind.silent == 0 && rnd(2))
        mk_exit(rig->t, 0);
    tally->marks = 0;
    no_error(prof_gc_create(&options, &gc));
    prof_gc_set_threshold(gc, thresholds);
    mk_heap_with(rig->t, &(struct prof_heap_options){ .follow = prof_gc_follow(gc) });
    assert_int_equal(tally->marks, mark_count);
    no_error(prof_gc_collect(gc, 2, NULL));
    look(tally, alive | counted);
    prof_gc_totals(gc, &totals);
    tally->refuted += totals.revived + totals.withdrawn;
    if (kind.hidden == 0 && kind.borrowed == 0 && kind.silent == 0) {
        uint64_t all = 0;
        for (int i = 0; i < object_count; i++)
            all |= dead[i] ? 0 : (uint64_t)1 << i;
        no_error(prof_gc_retained(gc, add_found, tally));
        if (tally->found != (all & ~counted))
            fail_msg("garbage 0x%llx instead of 0x%llx", (unsigned long long)tally->found,
                     (unsigned long long)(all & ~counted));
    }
    rig_end(rig);
    prof_gc_destroy(gc);
}

static uint64_t runs(void)
{
    const char *more = getenv("PROGRAM_RUNS");
    return more != NULL ? strtoull(more, NULL, 10) : 400;
}

static struct tally p1(uint64_t first, struct kind of)
{
    struct tally tally = { 0 };

    for (uint64_t i = 0; i < runs(); i++) {
        run(first + i, of);
        run_passes(&tally);
    }
    print_message("%llu looks, garbage seen %llu times, %llu refuted\n", (unsigned long long)tally.checks,
                  (unsigned long long)tally.garbage, (unsigned long long)tally.refuted);
    assert_true(tally.garbage > runs() / 2);
    return tally;
}

static void p1_all_told(void **state)
{
    (void)state;
    assert_int_equal(p1(1, (struct kind){ .leaks = 50 }).refuted, 0);
}

static void p1_hidden_holders(void **state)
{
    (void)state;
    assert_int_equal(p1(1000000, (struct kind){ .hidden = 20, .leaks = 20 }).refuted, 0);
}

static void p1_borrowed_told_as_references(void **state)
{
    (void)state;
    // What dies while borrowed pointers still count for it may have been garbage for a moment: not refuted by truth.
    p1(2000000, (struct kind){ .borrowed = 20, .hidden = 5 });
}

static void p1_stale(void **state)
{
    (void)state;
    assert_true(p1(3000000, (struct kind){ .silent = 40 }).refuted > 0); // it mattered
}

/* ---- What a graph says ------------------------------------------------------------------------------------------- */

enum { TEXT = 1 << 16 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t address_of(struct prof_graph *graph, prof_node node)
{
    return node == PROF_NODE_NONE ? 0 : prof_heap_obj(prof_graph_heap(graph), prof_graph_obj(graph, node))->addr;
}

/* Lines that depend neither on ids nor on order. */
static void describe(struct prof_heap *heap, char *text)
{
    struct prof_graph *graph;
    char *lines[OBJECTS + REFS], *at = text;
    size_t count = 0;
    static char unsorted[TEXT];
    char *to = unsorted;

    no_error(prof_graph_create(heap, rig->symbols, NULL, &graph));
    no_error(prof_graph_dominate(graph));
    no_error(prof_graph_distances(graph, PROF_ROOT_NONE));
    no_error(prof_graph_distances(graph, PROF_ROOT_GLOBAL));
    for (prof_node v = 0; v < prof_graph_max(graph); v++) {
        if (!prof_graph_has(graph, v))
            continue;
        struct prof_refcount rc = prof_graph_refcount(graph, v);
        // Of a cycle that nothing holds the first by id stands for all.
        uint32_t away = prof_graph_distance(graph, PROF_ROOT_NONE, v);
        bool held = away != UINT32_MAX || prof_graph_distance(graph, PROF_ROOT_GLOBAL, v) != UINT32_MAX;
        lines[count++] = to;
        to += 1 + sprintf(to, "%llx: %lld = %lld + %lld + %lld + %lld, retains %llu, under %llx, %u away\n",
                          (unsigned long long)address_of(graph, v), (long long)rc.count, (long long)rc.heap,
                          (long long)rc.roots, (long long)rc.stacks, (long long)rc.anonymous,
                          held ? (unsigned long long)prof_graph_retained(graph, v) : 0,
                          held ? (unsigned long long)address_of(graph, prof_graph_dominator(graph, v)) : 0, away);
        for (uint32_t i = 0; i < prof_graph_referrers(graph, v); i++) {
            struct prof_link link = prof_graph_referrer(graph, v, i);
            lines[count++] = to;
            to += 1 + sprintf(to, "%llx from %llx at %llx, %d %d %d\n", (unsigned long long)address_of(graph, v),
                              (unsigned long long)address_of(graph, link.from), (unsigned long long)link.at, link.kind,
                              link.root, link.gone);
        }
        assert_true(to - unsorted < TEXT - 1000);
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, lines[i]);
    *at = '\0';
    prof_graph_destroy(graph);
}

/* ---- P2 ---------------------------------------------------------------------------------------------------------- */

/* They are about one object, by itself or as a holder, or about one variable. */
static bool must_keep_order(const struct act *a, const struct act *b)
{
    const uint64_t places[] = { a->slot, a->from, b->slot, b->from };
    uint64_t of_a = (uint64_t)1 << a->object, of_b = (uint64_t)1 << b->object;

    if (a->kind == MARK || b->kind == MARK)
        return true;
    for (int i = 0; i < 4; i++) {
        int holder = places[i] != 0 ? holder_of(places[i]) : -1;
        *(i < 2 ? &of_a : &of_b) |= holder >= 0 ? (uint64_t)1 << holder : 0;
        for (int j = 2; i < 2 && j < 4; j++)
            if (places[i] != 0 && places[i] == places[j])
                return true;
    }
    return (of_a & of_b) != 0;
}

static int shuffle_acts(void)
{
    int swapped = 0;

    for (int i = 0; i < 20 * act_count; i++) {
        struct act *a = &acts[rnd((uint64_t)act_count - 1)], first = *a;
        if (must_keep_order(&a[0], &a[1]))
            continue;
        a[0] = a[1];
        a[1] = first;
        swapped++;
    }
    return swapped;
}

static void p2_order_within_a_cut(void **state)
{
    static char texts[2][TEXT];
    struct kind of = { .hidden = 10, .leaks = 20 };
    uint64_t found[2] = { 0 };
    int swapped = 0, garbage = 0;
    (void)state;

    for (uint64_t i = 0; i < runs(); i++) {
        run(4000000 + i, of);
        for (int turn = 0; turn < 2; turn++) {
            struct tally tally = { 0 };
            swapped += turn > 0 ? shuffle_acts() : 0;
            rig_begin(rig);
            tell(-1);
            mk_exit(rig->t, 0);
            no_error(prof_gc_create(&(struct prof_gc_options){ .disabled = true }, &gc));
            describe(mk_heap_with(rig->t, &(struct prof_heap_options){ .follow = prof_gc_follow(gc) }), texts[turn]);
            no_error(prof_gc_collect(gc, 2, NULL));
            look(&tally, alive | counted);
            found[turn] = tally.found;
            garbage += tally.found != 0;
            rig_end(rig);
            prof_gc_destroy(gc);
        }
        assert_string_equal(texts[0], texts[1]);
        assert_true(found[0] == found[1]);
    }
    assert_true(swapped > 1000 && garbage > 0);
}

/* ---- P3 ---------------------------------------------------------------------------------------------------------- */

static void p3_saved_and_restored(void **state)
{
    static char texts[2][TEXT];
    struct kind of = { .hidden = 10, .leaks = 20 };
    char path[] = "/tmp/programs-folded-XXXXXX";
    (void)state;

    close(mkstemp(path));
    for (uint64_t i = 0; i < runs(); i++) {
        static const uint8_t id[16] = "saved";
        struct prof_writer_options options = { .pid = 4711, .trace_id = id, .force = true };
        struct prof_writer *writer;
        struct prof_trace *folded;
        struct prof_heap *heap;

        run(5000000 + i, of);
        rig_begin(rig);
        tell((int)rnd((uint64_t)act_count));
        mk_end(rig->t, 0, 0);
        describe(mk_heap(rig->t), texts[0]);
        no_error(prof_writer_open(path, &options, &writer));
        no_error(prof_heap_fold(mk_open(rig->t), 0, writer));
        no_error(prof_writer_close(writer));
        no_error(prof_trace_open(path, &folded));
        no_error(prof_heap_create(folded, &(struct prof_heap_options){ .keep_type_sites = true }, &heap));
        describe(heap, texts[1]);
        assert_string_equal(texts[0], texts[1]);
        prof_heap_destroy(heap);
        prof_trace_close(folded);
        rig_end(rig);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_all_told),
        cmocka_unit_test(p1_hidden_holders),
        cmocka_unit_test(p1_borrowed_told_as_references),
        cmocka_unit_test(p1_stale),
        cmocka_unit_test(p2_order_within_a_cut),
        cmocka_unit_test(p3_saved_and_restored),
    };
    return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
