/* test_oracle.c: the model against a slow and simple one. Random programs, many of them wrong (double frees, releases
 * too many or through the wrong slot, references into occupied slots, forgotten ones), one thread; after each program
 * all counts, lives, open references and balances must agree. */
#include "helper.h"

#include <stdio.h>

enum { PLACES = 12, SLOTS = 30, REFS_MAX = 2000, STACKS = 4 };

/* One reference the slow model knows to be open. */
struct open_ref {
    unsigned place;
    uint64_t slot; /* 0: the birth */
    unsigned order;
    bool anonymous_birth;
    bool stuck; /* its slot was filled again or its memory died: it does not move with a realloc any more */
};

struct place_state {
    bool allocated, alive;
    uint64_t size;
    int count;
    int taken[STACKS], given[STACKS];
};

struct world {
    uint64_t rng;
    struct mk_trace *t;
    struct place_state places[PLACES];
    struct open_ref refs[REFS_MAX];
    size_t ref_count;
    unsigned order;
    uint64_t live_bytes, live_blocks;
};

static const char *const stacks[STACKS] = { "s0", "s1", "s2", "s3" };

static uint64_t rnd(struct world *w, uint64_t below)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return (w->rng >> 11) % below;
}

static uint64_t addr_of(unsigned place)
{
    return 0x10000 + 256ull * place;
}

/* Slots: most in globals, some inside places. */
static uint64_t slot_of(unsigned slot)
{
    return slot < 10 ? 0x900000 + 8ull * slot : addr_of((slot - 10) % PLACES) + 64 + 8ull * ((slot - 10) / PLACES);
}

static void add_ref(struct world *w, unsigned place, uint64_t slot, bool birth)
{
    assert_true(w->ref_count < REFS_MAX);
    for (size_t i = 0; i < w->ref_count; i++)
        w->refs[i].stuck |= slot != 0 && w->refs[i].slot == slot;
    w->refs[w->ref_count++] = (struct open_ref){ place, slot, w->order++, birth, false };
}

/* The memory of a place dies: what its slots own stays open and stays where it is. */
static void memory_dies(struct world *w, unsigned place)
{
    for (size_t i = 0; i < w->ref_count; i++)
        w->refs[i].stuck |=
            w->refs[i].slot >= 0x10000 + 256ull * place && w->refs[i].slot < 0x10000 + 256ull * (place + 1);
}

static void drop_ref(struct world *w, size_t i)
{
    memmove(&w->refs[i], &w->refs[i + 1], (w->ref_count - i - 1) * sizeof w->refs[0]);
    w->ref_count--;
}

/* Newest open reference of (place, slot); SIZE_MAX none. */
static size_t find_ref(const struct world *w, unsigned place, uint64_t slot, bool birth)
{
    for (size_t i = w->ref_count; i > 0; i--)
        if (w->refs[i - 1].place == place && w->refs[i - 1].slot == slot && w->refs[i - 1].anonymous_birth == birth)
            return i - 1;
    return SIZE_MAX;
}

static unsigned opens_of(const struct world *w, unsigned place)
{
    unsigned n = 0;
    for (size_t i = 0; i < w->ref_count; i++)
        n += w->refs[i].place == place;
    return n;
}

static void end_life(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    p->alive = false;
    memory_dies(w, place);
    for (size_t i = w->ref_count; i > 0; i--)
        if (w->refs[i - 1].place == place)
            drop_ref(w, i - 1);
    memset(p->taken, 0, sizeof p->taken);
    memset(p->given, 0, sizeof p->given);
}

static void give_anonymous(struct world *w, unsigned place, unsigned stack)
{
    struct place_state *p = &w->places[place];
    int balance = p->count - (int)opens_of(w, place);
    size_t birth = find_ref(w, place, 0, true);
    if (balance <= 0 && birth != SIZE_MAX) {
        drop_ref(w, birth);
        p->taken[0]++; /* births happen at s0 */
    }
    p->given[stack]++;
}

/* ---- Events, valid or not ---- */

static void do_alloc(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    uint64_t size = 128 + 8 * rnd(w, 10);
    mk_alloc(w->t, addr_of(place), size, stacks[rnd(w, STACKS)]);
    if (p->allocated) { /* its free was lost */
        w->live_bytes -= p->size;
        w->live_blocks--;
    }
    end_life(w, place);
    p->allocated = true;
    p->size = size;
    w->live_bytes += size;
    w->live_blocks++;
}

static void do_free(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    mk_free(w->t, addr_of(place), stacks[rnd(w, STACKS)]);
    if (p->allocated) {
        w->live_bytes -= p->size;
        w->live_blocks--;
    }
    p->allocated = false;
    end_life(w, place); /* also in memory whose allocation was not told */
}

static void do_new(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    mk_new(w->t, "thing", addr_of(place), "s0");
    end_life(w, place);
    p->alive = true;
    p->count = 1;
    add_ref(w, place, 0, true);
}

static void do_ref(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    unsigned stack = (unsigned)rnd(w, STACKS);
    uint64_t slot = rnd(w, 3) != 0 ? slot_of((unsigned)rnd(w, SLOTS)) : 0;
    mk_ref(w->t, addr_of(place), slot, stacks[stack]);
    p->count++;
    if (slot == 0)
        p->taken[stack]++;
    else
        add_ref(w, place, slot, false);
}

static void do_unref(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    unsigned stack = (unsigned)rnd(w, STACKS);
    uint64_t slot = 0;
    if (rnd(w, 3) != 0) { /* mostly one that exists */
        slot = slot_of((unsigned)rnd(w, SLOTS));
        for (size_t i = 0; i < w->ref_count && rnd(w, 4) != 0; i++)
            if (w->refs[i].place == place && w->refs[i].slot != 0)
                slot = w->refs[i].slot;
    }
    mk_unref(w->t, addr_of(place), slot, stacks[stack]);
    size_t found = slot != 0 ? find_ref(w, place, slot, false) : SIZE_MAX;
    if (found != SIZE_MAX)
        drop_ref(w, found);
    else
        give_anonymous(w, place, stack);
    p->count--;
}

static void do_move(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    uint64_t to = slot_of((unsigned)rnd(w, SLOTS)), from = slot_of((unsigned)rnd(w, SLOTS));
    size_t found = find_ref(w, place, from, false);
    if (found == SIZE_MAX || rnd(w, 5) == 0)
        return; /* moves of nothing are tested by hand */
    mk_move(w->t, addr_of(place), to, from, "s1");
    for (size_t i = 0; i < w->ref_count; i++)
        w->refs[i].stuck |= w->refs[i].slot == to;
    w->refs[found].slot = to;
    w->refs[found].stuck = false;
    /* The model keeps the age of the reference; within one (place, slot) the newest filled is found first. */
    struct open_ref ref = w->refs[found];
    drop_ref(w, found);
    w->refs[w->ref_count++] = ref;
    (void)p;
}

static void do_own(struct world *w, unsigned place)
{
    size_t birth = find_ref(w, place, 0, true);
    if (birth == SIZE_MAX || w->places[place].count - (int)opens_of(w, place) > 0)
        return;
    uint64_t to = slot_of((unsigned)rnd(w, SLOTS));
    mk_own(w->t, addr_of(place), to, "s2");
    struct open_ref ref = { place, to, w->refs[birth].order, false, false };
    for (size_t i = 0; i < w->ref_count; i++)
        w->refs[i].stuck |= w->refs[i].slot == to;
    drop_ref(w, birth);
    w->refs[w->ref_count++] = ref;
}

static void do_realloc(struct world *w, unsigned place)
{
    struct place_state *p = &w->places[place];
    unsigned to = (unsigned)rnd(w, PLACES);
    if (!p->allocated || (to != place && (w->places[to].allocated || w->places[to].alive)))
        return;
    for (size_t i = 0; i < w->ref_count; i++)
        if (w->refs[i].stuck && w->refs[i].slot >= addr_of(place) && w->refs[i].slot < addr_of(place) + 256)
            return;
    mk_realloc(w->t, addr_of(place), addr_of(to), 248, "s3");
    w->live_bytes += 248 - p->size;
    p->size = 248;
    uint64_t shift = addr_of(to) - addr_of(place);
    for (size_t i = 0; i < w->ref_count; i++)
        if (w->refs[i].slot >= addr_of(place) && w->refs[i].slot < addr_of(place) + 256)
            w->refs[i].slot += shift;
    if (to != place) {
        for (size_t i = 0; i < w->ref_count; i++)
            if (w->refs[i].place == place)
                w->refs[i].place = to;
        struct place_state moved = *p;
        memset(p, 0, sizeof *p);
        w->places[to] = moved;
    }
}

static void step(struct world *w, bool clean)
{
    unsigned place = (unsigned)rnd(w, PLACES);
    struct place_state *p = &w->places[place];
    if (clean && !p->allocated)
        do_alloc(w, place);
    switch (rnd(w, 12)) {
    case 0:
        do_alloc(w, place);
        break;
    case 1:
        do_free(w, place);
        break;
    case 2:
        do_new(w, place);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        if (p->alive)
            do_ref(w, place);
        break;
    case 7:
    case 8:
        if (p->alive && p->count > 0)
            do_unref(w, place);
        break;
    case 9:
        if (p->alive)
            do_move(w, place);
        break;
    case 10:
        if (p->alive)
            do_own(w, place);
        break;
    default:
        do_realloc(w, place);
        break;
    }
}

/* ---- Comparison ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void compare_references(struct world *w, struct prof_heap *heap, unsigned place, const struct prof_obj *obj)
{
    uint64_t model[REFS_MAX], slow[REFS_MAX];
    size_t n = 0, m = 0;
    for (uint32_t i = obj->first_open; i != 0; i = prof_heap_open(heap, i)->next)
        model[n++] = prof_heap_open(heap, i)->slot;
    for (size_t i = 0; i < w->ref_count; i++)
        if (w->refs[i].place == place)
            slow[m++] = w->refs[i].slot;
    qsort(model, n, sizeof *model, by_value);
    qsort(slow, m, sizeof *slow, by_value);
    assert_int_equal(n, m);
    assert_memory_equal(model, slow, n * sizeof *model);
    for (unsigned s = 0; s < STACKS; s++) {
        const struct prof_site_count *site = site_at(heap, obj, mk_stack(w->t, stacks[s]));
        assert_int_equal(site != NULL ? site->taken : 0, w->places[place].taken[s]);
        assert_int_equal(site != NULL ? site->given : 0, w->places[place].given[s]);
    }
}

static void compare(struct world *w, struct prof_heap *heap)
{
    unsigned alive = 0;
    assert_int_equal(prof_heap_totals(heap)->live_blocks, w->live_blocks);
    assert_int_equal(prof_heap_totals(heap)->live_bytes, w->live_bytes);
    for (unsigned place = 0; place < PLACES; place++) {
        const struct place_state *p = &w->places[place];
        prof_block_id block = prof_heap_block_at(heap, addr_of(place));
        assert_int_equal(block != 0, p->allocated);
        if (block != 0)
            assert_int_equal(prof_heap_block(heap, block)->size, p->size);
        prof_obj_id id = prof_heap_obj_at(heap, addr_of(place));
        assert_int_equal(id != 0, p->alive);
        if (id == 0)
            continue;
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        alive++;
        assert_int_equal(obj->count, p->count);
        assert_int_equal(obj->state, p->count > 0 ? PROF_OBJ_ALIVE : PROF_OBJ_ZERO);
        compare_references(w, heap, place, obj);
    }
    assert_int_equal(prof_heap_totals(heap)->live_objects, alive);
}

static void model_equals_oracle(void **state)
{
    (void)state;
    unsigned runs = 150;
    const char *more = getenv("ORACLE_RUNS");
    if (more != NULL)
        runs = (unsigned)atoi(more);
    struct world *w = malloc(sizeof *w);
    for (unsigned seed = 1; seed <= runs; seed++) {
        memset(w, 0, sizeof *w);
        w->rng = seed * 0x9e3779b97f4a7c15ull;
        for (int i = 0; i < 8; i++)
            rnd(w, 2);
        w->t = mk_create();
        for (unsigned s = 0; s < STACKS; s++)
            mk_stack(w->t, stacks[s]);
        size_t steps = 20 + rnd(w, 600);
        bool clean = rnd(w, 2) != 0;
        for (size_t i = 0; i < steps; i++)
            step(w, clean);
        compare(w, heap_of(w->t));
        mk_destroy(w->t);
    }
    free(w);
}

/* Events of any kind on a few addresses, in any order: nothing to compare, but the invariants must hold. */
static void anything_goes(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    for (unsigned seed = 1; seed <= 150; seed++) {
        memset(w, 0, sizeof *w);
        w->rng = (seed + 1000) * 0x9e3779b97f4a7c15ull;
        for (int i = 0; i < 8; i++)
            rnd(w, 2);
        w->t = mk_create();
        mk_type(w->t, "thing", 64);
        mk_type(w->t, "other", 0);
        size_t steps = 20 + rnd(w, 800);
        for (size_t i = 0; i < steps; i++) {
            unsigned op = 4 + (unsigned)rnd(w, TRK_OP_COUNT_ - 4), aux = (unsigned)rnd(w, 64);
            uint64_t addr = addr_of((unsigned)rnd(w, PLACES)) + 64 * rnd(w, 3);
            uint64_t arg = rnd(w, 2) != 0 ? slot_of((unsigned)rnd(w, SLOTS)) >> 3 : rnd(w, 300);
            if (op == TRK_OP_ALLOC || op == TRK_OP_FREE || op == TRK_OP_MOVE_RANGE || op == TRK_OP_ROOT_ADD) {
                aux = (unsigned)rnd(w, 7);
                arg = rnd(w, 4) != 0 ? rnd(w, 300) : rnd(w, 5000);
            }
            mk_thread(w->t, 100 + (uint32_t)rnd(w, 3));
            if (rnd(w, 20) == 0)
                mk_time(w->t, i);
            if (rnd(w, 50) == 0)
                mk_round(w->t);
            mk_raw(w->t, op, aux, addr, arg, (uint32_t)rnd(w, 5));
            static const enum trk_ext kinds[] = { TRK_EXT_COUNT, TRK_EXT_SLOT,   TRK_EXT_FROM,     TRK_EXT_OLD,
                                                  TRK_EXT_TEXT,  TRK_EXT_HOLDER, TRK_EXT_TO_HOLDER };
            for (unsigned n = (unsigned)rnd(w, 3); n > 0; n--)
                mk_ext(w->t, kinds[rnd(w, 7)], rnd(w, 2) != 0 ? slot_of((unsigned)rnd(w, SLOTS)) : addr);
        }
        heap_of(w->t);
        mk_destroy(w->t);
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(model_equals_oracle), cmocka_unit_test(anything_goes) };
    return cmocka_run_group_tests_name("model: oracle", tests, NULL, NULL);
}
