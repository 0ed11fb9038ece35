/* test_gc_oracle.c: random programs that count references, and the driver going along. Whatever it calls garbage must
 * be out of the program's reach, for every generation at every moment, also when holders are not told; and when all
 * are, a pass over everything finds all that is out of reach. GC_ORACLE_RUNS changes the number of programs. */
#include "gc_rig.h"

#include <stdlib.h>

#include <rnd.h>

static int below(int n)
{
    return (int)rnd((uint64_t)n);
}

enum { OBJECTS = 40, FIELDS = 3, ROOTS = 6 };

enum told { TOLD_SLOT = 1, TOLD_HOLDER, TOLD_ANONYMOUS, TOLD_COUNT_ONLY };
struct truth {
    bool alive;
    int type;
    int count;         /* the program's */
    int field[FIELDS]; /* object + 1 */
    enum told field_told[FIELDS];
};
static struct truth objects[OBJECTS];
static int roots[ROOTS]; /* object + 1 */
static enum told root_told[ROOTS];
static bool hide; /* holders are kept secret sometimes */
static unsigned long events, found_all, passes;

static uint64_t place_of_root(int i)
{
    return GLOBAL(i);
}

static enum told how(int holder)
{
    if (!hide || below(4) != 0)
        return holder >= 0 && below(4) == 0 ? TOLD_HOLDER : TOLD_SLOT;
    return below(3) == 0 ? TOLD_COUNT_ONLY : TOLD_ANONYMOUS;
}

static void take(int n, enum told told, int holder, uint64_t slot)
{
    objects[n].count++;
    if (told == TOLD_COUNT_ONLY)
        seen(n, objects[n].count); // counted, and only the sum is told
    else
        ref(n, told == TOLD_ANONYMOUS ? 0 : told == TOLD_HOLDER ? HOLDER(OBJ(holder)) : slot);
}

static void give(int n, enum told told, int holder, uint64_t slot);

static void release(int n)
{
    for (int i = 0; i < FIELDS; i++) {
        int to = objects[n].field[i];
        objects[n].field[i] = 0;
        if (to != 0)
            give(to - 1, objects[n].field_told[i], n, FIELD(n, i));
    }
    objects[n].alive = false;
    gone(n);
}

static void give(int n, enum told told, int holder, uint64_t slot)
{
    objects[n].count--;
    if (told == TOLD_COUNT_ONLY)
        seen(n, objects[n].count);
    else
        unref(n, told == TOLD_ANONYMOUS ? 0 : told == TOLD_HOLDER ? HOLDER(OBJ(holder)) : slot);
    if (objects[n].count == 0)
        release(n);
}

/* What the program can still reach. */
static void reach(bool *reached)
{
    int queue[OBJECTS], tail = 0;
    memset(reached, 0, OBJECTS * sizeof *reached);
    for (int i = 0; i < ROOTS; i++) {
        if (roots[i] != 0 && !reached[roots[i] - 1]) {
            reached[roots[i] - 1] = true;
            queue[tail++] = roots[i] - 1;
        }
    }
    for (int head = 0; head < tail; head++) {
        for (int i = 0; i < FIELDS; i++) {
            int to = objects[queue[head]].field[i];
            if (to != 0 && !reached[to - 1]) {
                reached[to - 1] = true;
                queue[tail++] = to - 1;
            }
        }
    }
}

/* A root that holds something, -1: none does. */
static int some_root(void)
{
    int from = below(ROOTS);
    for (int i = 0; i < ROOTS; i++)
        if (roots[(from + i) % ROOTS] != 0)
            return (from + i) % ROOTS;
    return -1;
}

/* An object that a walk from a root comes to: the program can touch no other. */
static int some_object(void)
{
    int root = some_root();
    if (root < 0)
        return -1;
    int at = roots[root] - 1;
    for (int steps = below(4); steps > 0; steps--) {
        int to = objects[at].field[below(FIELDS)];
        if (to != 0)
            at = to - 1;
    }
    return at;
}

static void set_root(int i, int n)
{
    int old = roots[i];
    enum told old_told = root_told[i];
    if (n >= 0) {
        root_told[i] = how(-1);
        take(n, root_told[i], -1, place_of_root(i));
    }
    roots[i] = n + 1;
    if (old != 0)
        give(old - 1, old_told, -1, place_of_root(i));
}

static void new_object(void)
{
    for (int n = 0; n < OBJECTS; n++) {
        if (objects[n].alive)
            continue;
        int root = below(ROOTS);
        objects[n] = (struct truth){ .alive = true, .count = 1, .type = below(8) == 0 ? ATOM : NODE };
        born_as(n, (enum gc_type)objects[n].type);
        int old = roots[root];
        enum told old_told = root_told[root];
        roots[root] = 0;
        if (old != 0)
            give(old - 1, old_told, -1, place_of_root(root));
        root_told[root] = hide && below(3) == 0 ? TOLD_ANONYMOUS : TOLD_SLOT;
        if (root_told[root] == TOLD_SLOT)
            own(n, place_of_root(root));
        roots[root] = n + 1;
        return;
    }
}

static void set_field(void)
{
    int a = some_object(), b = some_object(), i = below(FIELDS);
    if (a < 0 || objects[a].type == ATOM)
        return;
    int old = objects[a].field[i];
    enum told old_told = objects[a].field_told[i];
    if (below(3) != 0) {
        objects[a].field_told[i] = how(a);
        take(b, objects[a].field_told[i], a, FIELD(a, i));
        objects[a].field[i] = b + 1;
    } else {
        objects[a].field[i] = 0;
    }
    if (old != 0)
        give(old - 1, old_told, a, FIELD(a, i));
}

/* A reference goes from a root into a field, without being counted anew. */
static void hand_over(void)
{
    int root = some_root(), a = some_object(), i = below(FIELDS);
    if (root < 0 || objects[a].type == ATOM || objects[a].field[i] != 0 || root_told[root] != TOLD_SLOT)
        return;
    int n = roots[root] - 1;
    move(n, FIELD(a, i), place_of_root(root));
    objects[a].field[i] = n + 1;
    objects[a].field_told[i] = TOLD_SLOT;
    roots[root] = 0;
}

static void look(int generation)
{
    bool reached[OBJECTS];
    struct prof_gc_pass pass = { 0 };

    if (generation >= 0)
        pass = pass_of(generation);
    passes++;
    assert_null(prof_heap_check(gr_heap));
    struct gr_list garbage = garbage_list(), retained = { .count = 0 };
    must(prof_gc_retained(gr_gc, gr_push, &retained));
    reach(reached);
    size_t unreached = 0;
    for (int n = 0; n < OBJECTS; n++) {
        if (!objects[n].alive)
            continue;
        bool trash = gr_has(&garbage, n), kept = gr_has(&retained, n);
        if (reached[n] && (trash || kept))
            fail_msg("object %d can be reached and was called %s", n, trash ? "garbage" : "held by garbage");
        unreached += !reached[n] && objects[n].type != ATOM;
        if (pass.number != 0 && generation == 2 && !hide && !reached[n] && objects[n].type != ATOM && !trash && !kept &&
            prof_gc_freeze_count(gr_gc) == 0)
            fail_msg("object %d cannot be reached and was not found", n);
    }
    found_all += unreached;
    struct prof_gc_totals t = totals();
    assert_int_equal(t.revived, 0); // what is out of reach cannot be touched
    assert_int_equal(t.withdrawn, 0);
    assert_int_equal(t.garbage, garbage.count);
    assert_true(t.found >= t.garbage);
    if (!hide)
        assert_int_equal(pass.underflow, 0);
}

static void step(void)
{
    events++;
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        new_object();
        break;
    case 3:
        if (some_object() >= 0)
            set_root(below(ROOTS), below(2) == 0 ? some_object() : -1);
        break;
    case 4:
        hand_over();
        break;
    case 5:
        if (below(4) == 0)
            look(below(3));
        break;
    case 6:
        if (below(50) == 0)
            prof_gc_freeze(gr_gc);
        else if (below(20) == 0)
            prof_gc_unfreeze(gr_gc);
        break;
    default:
        set_field();
        break;
    }
}

static void run_program(void)
{
    struct prof_gc_options options = { .every_events = 1 + (uint64_t)below(200), .every_us = UINT64_MAX };
    const uint32_t thresholds[3] = { 1 + (uint32_t)below(6), (uint32_t)below(4), (uint32_t)below(3) };

    memset(objects, 0, sizeof objects);
    memset(roots, 0, sizeof roots);
    hide = below(2) == 0;
    gr_begin_with(&options);
    prof_gc_set_threshold(gr_gc, thresholds);
    for (int i = 0; i < 400; i++)
        step();
    look(-1);
    look(2);
    gr_end(NULL);
}

static void sound_and_complete(void **state)
{
    (void)state;
    const char *told = getenv("GC_ORACLE_RUNS");
    unsigned long runs = told != NULL ? strtoul(told, NULL, 10) : 150;

    for (unsigned long run = 0; run < runs; run++) {
        seed(run + 1);
        run_program();
    }
    assert_true(passes > runs && found_all > runs);
    print_message("%lu programs, %lu steps, %lu looks, %lu objects out of reach\n", runs, events, passes, found_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sound_and_complete) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
