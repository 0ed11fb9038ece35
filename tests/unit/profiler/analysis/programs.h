/* programs.h: random programs on a simulated heap that counts references, told as a trace; who lives is known.
 *
 * A program is a list of acts (what it tells) and of references (what it has). odds: how often, in a hundred, variables
 * are not told of (hidden), borrowed pointers are told as references, references move on in silence, and references
 * without a variable are forgotten (leaks). */
#ifndef ANALYSIS_PROGRAMS_H
#define ANALYSIS_PROGRAMS_H

#include "image.h"

#include <stdlib.h>

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
struct odds {
    unsigned hidden, borrowed, silent, leaks; /* in a hundred */
};

static struct rig rig_, *const rig = &rig_;
static struct image image;
static struct odds odds;
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
    return rnd(100) < odds.hidden ? 0 : at;
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
        bool borrowed = rnd(100) < odds.borrowed;
        uint64_t told = borrowed ? at : told_as(at);
        log_act(REF, refs[ref].object, told, 0);
        add_ref(refs[ref].object, at, told, borrowed);
    } else if (what < 12 && ref >= 0) {
        release(ref);
    } else if (what < 14 && ref >= 0 && at != 0) {
        bool silent = rnd(100) < odds.silent;
        if (refs[ref].told != 0 && !silent) {
            log_act(MOVE, refs[ref].object, at, refs[ref].at);
            refs[ref].told = at;
        }
        refs[ref].at = at;
    } else if (what == 14 && ref >= 0 && rnd(100) < odds.leaks) {
        log_act(REF, refs[ref].object, 0, 0);
        add_ref(refs[ref].object, 0, 0, false);
    } else if (what == 15 && rnd(3) == 0 && mark_count < MARKS) {
        log_act(MARK, 0, 0, 0);
        alive_at[mark_count] = alive;
        counted_at[mark_count++] = counted;
    }
}

static void run(uint64_t number, struct odds of)
{
    seed(number);
    odds = of;
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
    image_begin(&image, rig->t, TRK_RUNG_STOPPED)->why = TRK_LOOK_EXIT;
    mk_memory_end(rig->t);
}

#endif
