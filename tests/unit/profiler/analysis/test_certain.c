/* test_certain.c: random programs that do not tell everything; what is called certain about them has to be true.
 *
 * Variables hand their references on without a word, owners turn up and do not say of which reference, releases name
 * nobody or a variable that was never told. The truth is kept beside: each reference has an identity, where it was
 * taken, and whether it was given back. Whatever a finding marks with `=` must be open in truth, and taken there. */
#include "rig.h"

#include <stdlib.h>

static struct rig rig_, *const rig = &rig_;

enum { OBJECTS = 12, REFS = 12, SITES = 4, STEPS = 9 };

static uint32_t seed;
static uint32_t below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 9) % n;
}

struct ref {
    uint32_t stack; /* where it was taken */
    uint64_t told;  /* the variable that the trace knows to own it, 0 none */
    bool handed;    /* that one gave it on and did not tell */
    bool open, leaks;
};
struct object {
    uint64_t addr;
    struct ref refs[REFS];
    size_t count;
    bool alive;
};
static struct object objects[OBJECTS];
static uint64_t next_slot;
static uint64_t block; /* around some of the variables; freed at the end */

/* from: "main", or another function that main called. */
static const char *place_in(const char *what, const char *from)
{
    static char text[4][64];
    static int turn;
    uint32_t n = below(SITES);
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s_%u x.c:%u < %s m.c:1", what, n, n + 10, from);
    return AT(text[turn]);
}

static const char *place(const char *what)
{
    return place_in(what, "main");
}

/* A variable that nothing used before: a local one, or one in memory that is freed later. */
static uint64_t variable(void)
{
    next_slot++;
    return below(4) == 0 ? block + 8 * (next_slot % 512) : LOCAL(next_slot);
}

static struct ref *add(struct object *object, const char *at, uint64_t told)
{
    struct ref *ref = &object->refs[object->count++];
    *ref = (struct ref){ .stack = mk_stack(rig->t, at), .told = told, .open = true };
    return ref;
}

static struct ref *any_open(struct object *object)
{
    for (int tries = 0; tries < 20; tries++) {
        struct ref *ref = &object->refs[below((uint32_t)object->count)];
        if (ref->open)
            return ref;
    }
    return NULL;
}

static bool is_last(const struct object *object)
{
    size_t open = 0;
    for (size_t i = 0; i < object->count; i++)
        open += object->refs[i].open;
    return open == 1;
}

static void give_back(struct object *object, struct ref *ref)
{
    bool known = ref->told != 0 && !ref->handed, last = is_last(object);
    uint32_t how = below(8);

    if (known && how < 5)
        mk_unref(rig->t, object->addr, ref->told, place("close"));
    else if (known && how == 5) {
        mk_disown(rig->t, object->addr, ref->told, place("give"));
        mk_unref(rig->t, object->addr, 0, place("drop"));
    } else if (how == 6)
        mk_unref(rig->t, object->addr, variable(), place("stray"));
    else
        mk_unref(rig->t, object->addr, 0, place("drop"));
    ref->open = false;
    if (last) {
        mk_gone(rig->t, object->addr, AT("free o.c:9 < main m.c:1"));
        object->alive = false;
    }
}

static void born(struct object *object)
{
    const char *at = place("new");
    *object = (struct object){ .addr = object->addr, .alive = true };
    mk_born(rig->t, "thing", object->addr, 64, at);
    struct ref *ref = add(object, at, 0);
    if (below(2) == 0)
        mk_own(rig->t, object->addr, ref->told = variable(), place("keep"));
}

/* x->f = obj_ref(y): the taking, and beside it the owner. */
static void take_and_own(struct object *object)
{
    uint32_t n = below(SITES);
    char take[80], own[64];
    uint64_t slot = variable();
    snprintf(take, sizeof take, "obj_ref o.c:3 < hold_%u x.c:%u < main m.c:1", n, n + 10);
    snprintf(own, sizeof own, "hold_%u x.c:%u < main m.c:1", n, n + 30);
    mk_ref(rig->t, object->addr, 0, AT(take));
    mk_own(rig->t, object->addr, slot, AT(own));
    add(object, take, slot);
}

static void step(struct object *object)
{
    struct ref *ref = any_open(object);
    uint64_t slot = variable();
    const char *at;

    switch (below(STEPS)) {
    case 0:
    case 1:
        if (object->count == REFS)
            return;
        mk_ref(rig->t, object->addr, slot, at = place("take"));
        add(object, at, slot);
        return;
    case 2:
        if (object->count == REFS)
            return;
        mk_ref(rig->t, object->addr, 0, at = place("borrow"));
        add(object, at, 0);
        return;
    case 3:
        if (object->count < REFS)
            take_and_own(object);
        return;
    case 4: // told
        if (ref == NULL || ref->told == 0 || ref->handed)
            return;
        mk_move(rig->t, object->addr, slot, ref->told, place("move"));
        ref->told = slot;
        return;
    case 5: // and not told
        if (ref != NULL && ref->told != 0)
            ref->handed = true;
        return;
    case 6: // an owner turns up
        if (ref == NULL || (ref->told != 0 && !ref->handed))
            return;
        // Not beside a taking: an owner that is told there is believed to be the owner of that reference.
        mk_own(rig->t, object->addr, slot, place_in("keep", "worker"));
        ref->told = slot;
        ref->handed = false;
        return;
    default:
        if (ref != NULL && !is_last(object))
            give_back(object, ref);
    }
}

/* How many references of an object are open in truth, taken at the site of this stack. */
static uint64_t truly_open(const struct object *object, uint32_t stack)
{
    const struct prof_frame *site = prof_symbols_site_frame(rig->symbols, stack);
    uint64_t count = 0;

    for (size_t i = 0; i < object->count; i++) {
        const struct prof_frame *at = prof_symbols_site_frame(rig->symbols, object->refs[i].stack);
        count += object->refs[i].open && at->line == site->line && strcmp(at->function, site->function) == 0;
    }
    return count;
}

static const struct object *object_of(const struct prof_obj *obj)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].addr == obj->addr)
            return &objects[i];
    }
    fail_msg("an object that is none");
    return NULL;
}

/* What is certain of one finding is true of its objects; how many references that are. */
static uint64_t check_finding(const struct prof_finding *f)
{
    const struct prof_heap *heap = mk_heap(rig->t);
    uint64_t certain = 0;

    for (size_t i = 0; i < f->open_count; i++) {
        uint64_t open = 0;
        if (f->open[i].pairing != PROF_PAIR_SLOT)
            continue;
        for (prof_obj_id id = 1; id < prof_heap_obj_max(heap); id++) {
            if (prof_findings_of(rig->findings, id) == f)
                open += truly_open(object_of(prof_heap_obj(heap, id)), f->open[i].stack);
        }
        certain += f->open[i].count;
        if (f->open[i].count <= open)
            continue;
        rig_print(rig);
        fail_msg("seed %u: a certain reference is not open", seed);
    }
    return certain;
}

/* And of each object by itself. */
static void check_opens(void)
{
    const struct prof_heap *heap = mk_heap(rig->t);

    for (prof_obj_id id = 1; id < prof_heap_obj_max(heap); id++) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        if (obj->state != PROF_OBJ_ALIVE)
            continue;
        for (uint32_t i = obj->first_open; i != 0; i = prof_heap_open(heap, i)->next) {
            const struct prof_open *open = prof_heap_open(heap, i);
            uint64_t same = 0;
            for (uint32_t k = obj->first_open; k != 0; k = prof_heap_open(heap, k)->next) {
                const struct prof_open *other = prof_heap_open(heap, k);
                same += other->kind != PROF_OPEN_BIRTH && prof_open_certain(other) && other->stack == open->stack;
            }
            if (open->kind != PROF_OPEN_BIRTH && prof_open_certain(open) &&
                same > truly_open(object_of(obj), open->stack))
                fail_msg("an owner of object %u owns nothing that was taken where it says", id);
        }
    }
}

/* One in `leaky` references is never given back, and some objects are born again at their address. */
static void run(uint32_t leaky)
{
    block = 0x900000;
    next_slot = 0;
    mk_alloc(rig->t, block, 4096, AT("room r.c:1"));
    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i].addr = 0x100000 + i * 0x100;
        for (uint32_t lives = 1 + below(3); lives-- > 0;) {
            born(&objects[i]);
            for (uint32_t n = below(14); n-- > 0;)
                step(&objects[i]);
            bool leaks = lives == 0 && below(2) == 0;
            for (size_t r = 0; r < objects[i].count; r++)
                objects[i].refs[r].leaks = leaks && objects[i].refs[r].open && below(leaky) == 0;
            for (size_t r = 0; r < objects[i].count; r++) {
                if (objects[i].refs[r].open && !objects[i].refs[r].leaks)
                    give_back(&objects[i], &objects[i].refs[r]);
            }
        }
    }
    mk_free(rig->t, block, AT("room r.c:9"));
    mk_exit(rig->t, 0);
}

static void test_certain_is_true(void **state)
{
    const char *text = getenv("CERTAIN_RUNS");
    uint32_t runs = text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 800;
    uint64_t certain = 0, proven = 0;

    (void)state;
    for (uint32_t round = 0; round < runs; round++) {
        seed = round * 7919 + 5;
        rig_begin(rig);
        run(1 + round % 4);
        rig_find(rig, NULL);
        check_opens();
        for (size_t i = 0; i < rig->count; i++) {
            certain += check_finding(&rig->list[i]);
            proven += rig->list[i].strength == PROF_PROVEN;
        }
        rig_end(rig);
    }
    print_message("%llu references of %u programs were certain, %llu findings proven\n", (unsigned long long)certain,
                  runs, (unsigned long long)proven);
    assert_true(certain > runs / 4); // it says something, too
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_certain_is_true) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
