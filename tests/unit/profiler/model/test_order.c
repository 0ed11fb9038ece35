/* test_order.c: the merge of rings against the truth. Random programs of several threads run in one true order; what
 * they record is spread over rings and rounds as a recorder would find it, with a clock far coarser than the events.
 * The heap of that trace must equal the heap of the same events in their true order: when the program tells counts,
 * wherever threads do not meet at an object within a tick; and always when it tells numbers, however crowded its
 * objects are and however late its threads record; then also when the trace was folded at some rounds. The programs
 * are correct: whatever order is found, no finding that counts may say that they misuse an object. */
#include "helper.h"

#include <prof/finding.h>

#include "fake_symbols.h"

#include <stdio.h>
#include <unistd.h>

enum { THREADS = 4, CROWD = 48, ADDRESSES = 1024, SLOTS_PER_OBJ = 40, EVENTS_MAX = 4000, PENDING = 4 };

/* What the program tells about the order of the changes of a count. */
enum numbering {
    COUNTS,  /* nothing: counts only */
    ANEW,    /* numbers that begin at 1 in each life */
    GROWING, /* numbers that go on from life to life, and those of births */
    MIXED,   /* the same, and the addresses serve blocks without objects in between, which bear no number */
};

struct event {
    unsigned thread;
    struct trk_slot slots[2];
    unsigned slot_count;
    uint64_t tick;
    size_t recorded; /* when it got into its ring, as an index of events */
};

struct thing {
    bool allocated, born;
    int count;
    uint32_t seq;
    uint64_t slots[SLOTS_PER_OBJ]; /* owners of its references */
};

struct program {
    uint64_t rng;
    struct thing things[ADDRESSES];
    struct event events[EVENTS_MAX];
    size_t count;
    unsigned tick_length, threads, addresses;
    enum numbering numbering;
    struct {
        unsigned op, thing;
    } pending[CROWD][PENDING]; /* what a thread does next: it is dismantling an object */
    unsigned pending_count[CROWD];
    unsigned late_thread; /* it did something and has not recorded it yet */
    size_t pace;          /* events between two looks of the recorder, at most */
    size_t late_until, late_event;
    uint64_t rounds;
    unsigned idle; /* steps since something happened */
    uint64_t next_slot;
};

static uint64_t rnd(struct program *p, uint64_t below)
{
    p->rng ^= p->rng << 13;
    p->rng ^= p->rng >> 7;
    p->rng ^= p->rng << 17;
    return (p->rng >> 11) % below;
}

static uint64_t address(unsigned thing)
{
    return 0x100000 + 64ull * thing;
}

static void emit(struct program *p, unsigned thread, unsigned op, unsigned aux, uint64_t addr, uint64_t arg)
{
    struct event *e = &p->events[p->count];
    p->idle = 0;
    e->thread = thread;
    e->slot_count = 1;
    e->recorded = p->count;
    e->tick = p->count / p->tick_length * 100;
    e->slots[0].w0 = (uint64_t)op << TRK_OP_SHIFT | (uint64_t)aux << TRK_AUX_SHIFT | addr << TRK_ADDR_SHIFT;
    e->slots[0].w1 = arg << TRK_ARG_SHIFT;
    p->count++;
}

/* The event just emitted changed a count, or began one. */
static void number(struct program *p, unsigned thread, unsigned thing)
{
    struct event *e = &p->events[p->count - 1];
    struct thing *t = &p->things[thing];
    bool birth = (e->slots[0].w0 >> TRK_OP_SHIFT & TRK_OP_MASK) == TRK_OP_NEW;
    if (p->numbering == COUNTS)
        return;
    if (birth)
        t->seq = p->numbering == ANEW ? 0 : t->seq + 1 + (uint32_t)rnd(p, 100);
    else
        t->seq++;
    if (!birth || p->numbering != ANEW) {
        e->slots[1].w0 = (uint64_t)TRK_OP_EXT << TRK_OP_SHIFT | (uint64_t)TRK_EXT_SEQ << TRK_EXT_SHIFT;
        e->slots[1].w1 = t->seq;
        e->slot_count = 2;
    }
    if (!birth && p->late_until <= p->count && rnd(p, 60) == 0) {
        p->late_thread = thread;
        p->late_event = p->count - 1;
        p->late_until = e->recorded = p->count + (size_t)rnd(p, p->pace);
        e->tick = e->recorded / p->tick_length * 100;
    }
}

static void ref(struct program *p, unsigned thread, unsigned thing)
{
    struct thing *t = &p->things[thing];
    if (t->count >= SLOTS_PER_OBJ)
        return;
    uint64_t slot = 0x700000 + 8 * p->next_slot++;
    t->slots[t->count++] = slot;
    emit(p, thread, TRK_OP_REF, (unsigned)t->count, address(thing), slot >> 3);
    number(p, thread, thing);
}

static void unref(struct program *p, unsigned thread, unsigned thing)
{
    struct thing *t = &p->things[thing];
    unsigned which = (unsigned)rnd(p, (uint64_t)t->count);
    uint64_t slot = t->slots[which];
    t->slots[which] = t->slots[--t->count];
    emit(p, thread, TRK_OP_UNREF, (unsigned)t->count, address(thing), slot >> 3);
    number(p, thread, thing);
    if (t->count == 0) {
        p->pending[thread][0].op = TRK_OP_FREE;
        p->pending[thread][0].thing = thing;
        p->pending_count[thread] = 1;
        if (rnd(p, 2) != 0) {
            p->pending[thread][1].op = TRK_OP_DEL;
            p->pending[thread][1].thing = thing;
            p->pending_count[thread] = 2;
        }
    }
}

/* One step of one thread. */
static void step(struct program *p)
{
    unsigned thread = (unsigned)rnd(p, p->threads), thing = (unsigned)rnd(p, p->addresses);
    if (++p->idle < 1000 && thread == p->late_thread && p->count < p->late_until)
        return;
    if (thread == p->late_thread && p->count < p->late_until) {
        /* Everybody waits for it. */
        p->late_until = p->events[p->late_event].recorded = p->count;
        p->events[p->late_event].tick = p->count / p->tick_length * 100;
    }
    if (p->pending_count[thread] > 0) {
        unsigned n = --p->pending_count[thread];
        thing = p->pending[thread][n].thing;
        if (p->pending[thread][n].op == TRK_OP_FREE) {
            emit(p, thread, TRK_OP_FREE, 0, address(thing), 0);
            p->things[thing].allocated = p->things[thing].born = false;
        } else if (p->pending[thread][n].op == TRK_OP_NEW) {
            emit(p, thread, TRK_OP_NEW, 0, address(thing), 1);
            number(p, thread, thing);
            p->things[thing].born = true;
            p->things[thing].count = 1;
            p->things[thing].slots[0] = 0; /* the birth: no owner */
        } else {
            emit(p, thread, TRK_OP_DEL, 0, address(thing), 0);
        }
        return;
    }
    struct thing *t = &p->things[thing];
    if (!t->allocated) {
        t->allocated = true;
        emit(p, thread, TRK_OP_ALLOC, 0, address(thing), 16 + rnd(p, 32));
        p->pending[thread][0].op = p->numbering == GROWING || rnd(p, 4) != 0 ? TRK_OP_NEW : TRK_OP_FREE;
        p->pending[thread][0].thing = thing;
        p->pending_count[thread] = 1;
    } else if (t->born && t->count > 0) {
        if (rnd(p, 5) < 2)
            ref(p, thread, thing);
        else
            unref(p, thread, thing);
    }
}

/* ---- Traces ---- */

static struct prof_writer *begin(const char *path)
{
    struct prof_writer_options options = { .pid = 1, .force = true };
    struct prof_writer *w;
    assert_null(prof_writer_open(path, &options, &w));
    struct trk_type_def def = { .id = 1, .object_size = 16, .count_offset = UINT32_MAX };
    assert_null(prof_writer_type(w, &def, "thing", 5));
    return w;
}

static size_t put_event(struct trk_slot *to, const struct event *e, uint64_t *tick)
{
    size_t n = 0;
    if (*tick != e->tick) {
        *tick = e->tick;
        to[n++] = (struct trk_slot){ (uint64_t)TRK_OP_TICK << TRK_OP_SHIFT, e->tick << TRK_ARG_SHIFT };
    }
    for (unsigned i = 0; i < e->slot_count; i++)
        to[n++] = e->slots[i];
    return n;
}

/* One ring that the threads share: the true order. */
static void write_truth(const struct program *p, const char *path)
{
    struct prof_writer *w = begin(path);
    struct trk_slot *slots = calloc(EVENTS_MAX * 4, sizeof *slots);
    size_t n = 0;
    uint64_t tick = 0;
    for (size_t i = 0; i < p->count; i++) {
        slots[n++] = (struct trk_slot){ (uint64_t)TRK_OP_THREAD << TRK_OP_SHIFT | (uint64_t)(p->events[i].thread + 1)
                                                                                      << TRK_ADDR_SHIFT,
                                        p->events[i].tick << TRK_ARG_SHIFT };
        n += put_event(slots + n, &p->events[i], &tick);
    }
    struct trk_events_head head = { .ring = 0, .tid = 1, .slots = (uint32_t)n };
    assert_null(prof_writer_events(w, &head, slots));
    assert_null(prof_writer_close(w));
    free(slots);
}

/* A ring per thread; the recorder looks at them at odd moments, one after the other while the program goes on. */
static void write_rings(struct program *p, const char *path)
{
    struct prof_writer *w = begin(path);
    struct trk_slot *slots = calloc(EVENTS_MAX * 4, sizeof *slots);
    size_t done[CROWD] = { 0 };
    uint64_t ticks[CROWD] = { 0 };
    uint64_t round = 0;
    size_t now = 0, spread = 1 + (size_t)rnd(p, 40);
    while (now < p->count + p->late_until + spread * CROWD) {
        now += p->numbering == COUNTS ? 1 + (size_t)rnd(p, p->pace) : p->pace;
        for (unsigned thread = 0; thread < p->threads; thread++) {
            now += (size_t)rnd(p, spread);
            struct trk_events_head head = {
                .ring = thread, .tid = thread + 1, .round = round, .start_us = ticks[thread]
            };
            size_t n = 0;
            for (; done[thread] < p->count; done[thread]++) {
                const struct event *e = &p->events[done[thread]];
                if (e->thread != thread)
                    continue;
                if (e->recorded >= now)
                    break;
                n += put_event(slots + n, e, &ticks[thread]);
            }
            head.slots = (uint32_t)n;
            if (n > 0)
                assert_null(prof_writer_events(w, &head, slots));
        }
        round++;
    }
    p->rounds = round;
    assert_null(prof_writer_close(w));
    free(slots);
}

static struct prof_heap *read_back(const char *path, struct prof_trace **ret)
{
    struct prof_heap *heap;
    assert_null(prof_trace_open(path, ret));
    assert_null(prof_heap_create(*ret, NULL, &heap));
    const char *broken = prof_heap_check(heap);
    if (broken != NULL)
        fail_msg("invariant: %s", broken);
    return heap;
}

/* ---- Comparison ---- */

static int by_slot(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t slots_of(struct prof_heap *heap, const struct prof_obj *obj, uint64_t *slots)
{
    size_t n = 0;
    for (uint32_t i = obj->first_open; i != 0; i = prof_heap_open(heap, i)->next)
        slots[n++] = prof_heap_open(heap, i)->slot;
    qsort(slots, n, sizeof *slots, by_slot);
    return n;
}

/* NULL: the same. */
static const char *compare(struct prof_heap *a, struct prof_heap *b)
{
    const struct prof_heap_totals *x = prof_heap_totals(a), *y = prof_heap_totals(b);
    if (x->events != y->events)
        return "number of events";
    if (x->live_blocks != y->live_blocks || x->live_bytes != y->live_bytes)
        return "live blocks";
    if (x->live_objects != y->live_objects || x->unknown_objects != y->unknown_objects)
        return "live objects";
    for (unsigned thing = 0; thing < ADDRESSES; thing++) {
        prof_block_id bx = prof_heap_block_at(a, address(thing)), by = prof_heap_block_at(b, address(thing));
        if ((bx != 0) != (by != 0))
            return "a block";
        if (bx != 0 && (prof_heap_block(a, bx)->size != prof_heap_block(b, by)->size ||
                        prof_heap_block(a, bx)->tid != prof_heap_block(b, by)->tid))
            return "size or thread of a block";
        prof_obj_id ox = prof_heap_obj_at(a, address(thing)), oy = prof_heap_obj_at(b, address(thing));
        if ((ox != 0) != (oy != 0))
            return "an object";
        if (ox == 0)
            continue;
        const struct prof_obj *p = prof_heap_obj(a, ox), *q = prof_heap_obj(b, oy);
        if (p->count != q->count || p->state != q->state || p->tid != q->tid)
            return "counts of an object";
        uint64_t s[EVENTS_MAX], r[EVENTS_MAX];
        size_t ns = slots_of(a, p, s), nr = slots_of(b, q, r);
        if (ns != nr || memcmp(s, r, ns * sizeof *s) != 0)
            return "open references";
    }
    const struct prof_incident *list;
    if (prof_heap_incidents(a, &list) != 0)
        return "incidents";
    return NULL;
}

/* Seeds the program and lets it run. */
static void run_program(struct program *p, unsigned seed, enum numbering numbering)
{
    static const unsigned lengths[] = { 1, 3, 10, 40, 200, 5000 };
    memset(p, 0, sizeof *p);
    p->rng = seed * 0x9e3779b97f4a7c15ull;
    for (int i = 0; i < 8; i++)
        rnd(p, 2);
    p->numbering = numbering;
    p->threads = 2 + (unsigned)rnd(p, THREADS - 1);
    p->tick_length = lengths[rnd(p, 6)];
    p->addresses = p->tick_length <= 10 ? 10 : p->tick_length < ADDRESSES ? p->tick_length : ADDRESSES;
    size_t length = 50 + (size_t)rnd(p, 1500);
    p->pace = 1 + (size_t)rnd(p, 400);
    if (numbering == GROWING) { /* a crowd around few objects, numbers that wrap around */
        p->threads = 2 + (unsigned)rnd(p, rnd(p, 4) == 0 ? CROWD - 1 : 7);
        p->addresses = 1 + (unsigned)rnd(p, 12);
        length = 50 + (size_t)rnd(p, EVENTS_MAX - 60);
        for (unsigned i = 0; i < p->addresses; i++)
            p->things[i].seq = (uint32_t) - (int32_t)rnd(p, 1000);
    }
    while (p->count < length)
        step(p);
}

/* Folds the trace a few times in a row, each time at a later round; the result is in `path` again. */
static void fold_trace(struct program *p, const char *path)
{
    char folded[80];
    snprintf(folded, sizeof folded, "%s.folded", path);
    uint64_t round = 0;
    for (uint64_t times = 1 + rnd(p, 3); times > 0; times--) {
        round += rnd(p, p->rounds / 2 + 1);
        struct prof_trace *trace;
        assert_null(prof_trace_open(path, &trace));
        struct prof_writer *w = begin(folded);
        assert_null(prof_heap_fold(trace, round, NULL, w));
        assert_null(prof_writer_close(w));
        prof_trace_close(trace);
        assert_int_equal(rename(folded, path), 0);
    }
}

/* ---- What must not be ---- */

/* Strength of the strongest finding of misuse: PROF_PROVEN is the least number. No misuse: PROF_STATISTICAL. */
static enum prof_strength misuse(struct prof_heap *heap)
{
    struct prof_symbols *symbols = fake_create();
    struct prof_findings *findings;
    const struct prof_finding *list;
    enum prof_strength strongest = PROF_STATISTICAL;
    assert_null(prof_findings_create(heap, symbols, NULL, &findings));
    size_t count = prof_findings_list(findings, &list);
    for (size_t i = 0; i < count; i++)
        if (list[i].headline == PROF_HEADLINE_MISUSED && list[i].strength < strongest)
            strongest = list[i].strength;
    prof_findings_destroy(findings);
    prof_symbols_destroy(symbols);
    return strongest;
}

/* Events at addresses that several threads touch within one tick: only their order is not in what is recorded. Of
 * programs that record everything when it happens. */
static size_t contested(const struct program *p)
{
    size_t sum = 0;
    for (size_t from = 0, to; from < p->count; from = to) {
        uint64_t threads[ADDRESSES] = { 0 };
        size_t events[ADDRESSES] = { 0 };
        for (to = from; to < p->count && p->events[to].tick == p->events[from].tick; to++) {
            uint64_t addr = p->events[to].slots[0].w0 >> TRK_ADDR_SHIFT;
            size_t thing = (size_t)(addr - address(0)) / 64;
            threads[thing] |= UINT64_C(1) << p->events[to].thread;
            events[thing]++;
        }
        for (unsigned thing = 0; thing < p->addresses; thing++)
            sum += (threads[thing] & (threads[thing] - 1)) != 0 ? events[thing] : 0;
    }
    return sum;
}

/* ---- Many programs ---- */

struct one {
    const char *differs; /* from the truth in this; NULL: the same */
    uint64_t guesses;
    enum prof_strength misuse;
};

/* The program has run: what is recorded of it, against the truth; folded as well when that is asked for. */
static struct one one_look(struct program *p, bool folds, const char *one, const char *many)
{
    write_truth(p, one);
    write_rings(p, many);
    struct prof_trace *trace_one, *trace_many;
    struct prof_heap *truth = read_back(one, &trace_one), *merged = read_back(many, &trace_many);
    struct one run = { compare(merged, truth), prof_heap_totals(merged)->forced, misuse(merged) };
    assert_int_equal(misuse(truth), PROF_STATISTICAL);
    prof_heap_destroy(merged);
    if (folds) {
        prof_trace_close(trace_many);
        fold_trace(p, many);
        merged = read_back(many, &trace_many);
        run.differs = run.differs != NULL ? run.differs : compare(merged, truth);
        run.guesses += prof_heap_totals(merged)->forced;
        prof_heap_destroy(merged);
    }
    prof_heap_destroy(truth);
    prof_trace_close(trace_one);
    prof_trace_close(trace_many);
    return run;
}

static struct one one_run(struct program *p, unsigned seed, enum numbering numbering, const char *one, const char *many)
{
    run_program(p, seed, numbering);
    return one_look(p, (numbering == GROWING || numbering == MIXED) && seed % 3 == 0, one, many);
}

struct outcome {
    unsigned runs, guesses, differences;
    unsigned proven, counting; /* programs that are said to misuse objects: proven; proven or probable */
    size_t events;
};

static struct outcome run_many(enum numbering numbering, unsigned runs)
{
    char one[64] = "/tmp/order-one-XXXXXX", many[64] = "/tmp/order-many-XXXXXX";
    close(mkstemp(one));
    close(mkstemp(many));
    struct program *p = malloc(sizeof *p);
    const char *more = getenv("ORDER_RUNS");
    struct outcome out = { .runs = more != NULL ? (unsigned)atoi(more) : runs };
    for (unsigned seed = 1; seed <= out.runs; seed++) {
        struct one run = one_run(p, seed, numbering, one, many);
        bool numbered = numbering == GROWING || numbering == MIXED;
        if (run.differs != NULL || run.misuse < PROF_SUSPECT || (numbered && run.guesses > 0))
            print_message("seed %u, %u threads, tick of %u events, %llu guesses: %s%s\n", seed, p->threads,
                          p->tick_length, (unsigned long long)run.guesses,
                          run.differs != NULL ? run.differs : "the same",
                          run.misuse < PROF_SUSPECT ? ", said to misuse an object" : "");
        if (numbering == COUNTS) {
            size_t open = contested(p);
            assert_in_range(run.guesses, 0, open);
            assert_true(open > 0 || run.differs == NULL);
        }
        out.differences += run.differs != NULL;
        out.guesses += run.guesses > 0;
        out.proven += run.misuse == PROF_PROVEN;
        out.counting += run.misuse < PROF_SUSPECT;
        out.events += p->count;
    }
    print_message("%u of %u merges of %zu events had to guess, %u differ, %u say of misuse, %u proven\n", out.guesses,
                  out.runs, out.events, out.differences, out.counting, out.proven);
    unlink(one);
    unlink(many);
    free(p);
    return out;
}

/* Each program is what its seed says, so the shares below are the same in every run: they move with the code only. */
static void counts_are_nearly_true(void **state)
{
    (void)state;
    struct outcome out = run_many(COUNTS, 120);
    assert_int_equal(out.counting, 0);
    assert_true(out.differences * 20 <= out.runs);
    assert_true(out.guesses * 20 <= out.runs);
}

static void numbers_are_true(void **state)
{
    (void)state;
    struct outcome out = run_many(GROWING, 150);
    assert_int_equal(out.differences, 0);
    assert_int_equal(out.guesses, 0);
    assert_int_equal(out.counting, 0);
}

/* The programs of the first test, with numbers. */
static void numbers_beside_blocks_are_true(void **state)
{
    (void)state;
    struct outcome out = run_many(MIXED, 120);
    assert_int_equal(out.differences, 0);
    assert_int_equal(out.guesses, 0);
    assert_int_equal(out.counting, 0);
}

/* Numbers that say nothing of other lives, and threads that are late by many ticks: nothing is certain then. */
static void numbers_of_one_life_are_nearly_true(void **state)
{
    (void)state;
    struct outcome out = run_many(ANEW, 120);
    assert_int_equal(out.proven, 0);
    assert_true(out.differences * 10 <= out.runs);
    assert_true(out.guesses * 20 <= out.runs);
}

/* Programs of which a wrong order once said that they misuse objects. */
static void wrong_orders_prove_nothing(void **state)
{
    (void)state;
    static const unsigned with_counts[] = { 1943 }, anew[] = { 257, 632, 4154 };
    char one[64] = "/tmp/order-one-XXXXXX", many[64] = "/tmp/order-many-XXXXXX";
    close(mkstemp(one));
    close(mkstemp(many));
    struct program *p = malloc(sizeof *p);
    for (size_t i = 0; i < sizeof with_counts / sizeof *with_counts; i++)
        assert_true(one_run(p, with_counts[i], COUNTS, one, many).misuse >= PROF_SUSPECT);
    for (size_t i = 0; i < sizeof anew / sizeof *anew; i++)
        assert_int_not_equal(one_run(p, anew[i], ANEW, one, many).misuse, PROF_PROVEN);
    unlink(one);
    unlink(many);
    free(p);
}

/* ---- References that tell no count ---- */

enum { UNTOLD_LIVES = 60, UNTOLD_PLACES = 3 };

static void untold(struct program *p, unsigned thread, unsigned op, unsigned thing)
{
    emit(p, thread, op, TRK_COUNT_UNKNOWN, address(thing), 0);
}

/* One thread opens objects at few addresses, one after the other; each reference is given back by it or by another
 * thread, the last one by itself. Some objects are left behind, with one reference that was forgotten. */
static void run_untold(struct program *p, unsigned seed)
{
    unsigned next_place = UNTOLD_PLACES, places[2] = { 0, 1 };
    memset(p, 0, sizeof *p);
    p->rng = seed * 0x9e3779b97f4a7c15ull + 1;
    for (int i = 0; i < 8; i++)
        rnd(p, 2);
    p->threads = 2;
    p->tick_length = seed % 3 == 0 ? 40 : 5000;
    p->pace = 1 + (size_t)rnd(p, 400);
    for (unsigned life = 0; life < UNTOLD_LIVES; life++) {
        unsigned thing = places[life % 2];
        bool forgets = rnd(p, 8) == 0;
        emit(p, 0, TRK_OP_ALLOC, 0, address(thing), 32);
        emit(p, 0, TRK_OP_NEW, 0, address(thing), 1);
        for (unsigned left = (unsigned)rnd(p, 5), open = 0; left + open > 0;) {
            if (left > 0 && rnd(p, 2) != 0) {
                untold(p, 0, TRK_OP_REF, thing);
                left--;
                open++;
            } else if (open > 0) {
                untold(p, (unsigned)rnd(p, 2), TRK_OP_UNREF, thing);
                open--;
            }
        }
        if (forgets) {
            places[life % 2] = next_place++;
            continue;
        }
        untold(p, 0, TRK_OP_UNREF, thing);
        emit(p, 0, TRK_OP_DEL, 0, address(thing), 0);
        emit(p, 0, TRK_OP_FREE, 0, address(thing), 0);
    }
}

/* Which life at an address a release belongs to is known by what ends it. Seldom, where the recorder looks in between,
 * it is guessed; never is that said to be misuse, and without a guess it is the truth. */
static void untold_releases_find_their_life(void **state)
{
    (void)state;
    char one[64] = "/tmp/order-one-XXXXXX", many[64] = "/tmp/order-many-XXXXXX";
    close(mkstemp(one));
    close(mkstemp(many));
    struct program *p = malloc(sizeof *p);
    uint64_t guesses = 0, differences = 0;
    for (unsigned seed = 1; seed <= 40; seed++) {
        run_untold(p, seed);
        struct one run = one_look(p, false, one, many);
        if (run.differs != NULL && run.guesses == 0)
            fail_msg("seed %u: not the truth, and nothing was guessed: %s", seed, run.differs);
        assert_int_equal(run.misuse, PROF_STATISTICAL);
        guesses += run.guesses;
        differences += run.differs != NULL;
    }
    print_message("%llu guesses, %llu of 40 differ\n", (unsigned long long)guesses, (unsigned long long)differences);
    assert_in_range(guesses, 0, 20);
    assert_in_range(differences, 0, 5);
    unlink(one);
    unlink(many);
    free(p);
}

/* ---- A state knows the numbers ---- */

struct numbers {
    struct prof_heap *heap;
    uint32_t seen[8];
    size_t count;
};

static struct prof_error *note_numbers(void *ctx, const struct prof_event *events, size_t count)
{
    struct numbers *numbers = ctx;
    for (size_t i = 0; i < count; i++)
        if ((events[i].flags & PROF_EVENT_SEQ) != 0 && numbers->count < 8)
            numbers->seen[numbers->count++] = (uint32_t)events[i].from;
    return NULL;
}

static struct prof_error *restore(void *ctx, struct prof_merge *merge, const void *bytes, size_t size)
{
    struct numbers *numbers = ctx;
    return prof_heap_restore(numbers->heap, merge, bytes, size);
}

/* The first change behind a state is missing: its thread was stopped, for more rounds than are looked at together. */
static void states_know_numbers(void **state)
{
    (void)state;
    char folded[64] = "/tmp/order-folded-XXXXXX";
    close(mkstemp(folded));
    for (uint32_t crowd = 0; crowd < 2; crowd++) { /* a trace of one ring in front of the cut, or of two */
        struct mk_trace *t = mk_create();
        mk_thread(t, 101);
        mk_born(t, "thing", 0x1000, 16, NULL);
        mk_seq(t, 10);
        mk_thread(t, 101 + crowd);
        mk_ref_seq(t, 0x1000, 0, 2, 11, NULL);
        for (uint32_t round = 1; round < 7; round++) {
            mk_round(t);
            mk_time(t, round * 1000);
            mk_thread(t, 101 + round / 3 % 2);
            if (round == 3 || round == 4)
                mk_ref_seq(t, 0x1000, 0, 1 + round, 10 + round, NULL);
            else
                mk_touch(t, 0x1000, "works", NULL);
        }
        mk_thread(t, 103);
        mk_ref_seq(t, 0x1000, 0, 3, 12, NULL);
        mk_end(t, 0, 0);
        struct prof_writer *w = begin(folded);
        assert_null(prof_heap_fold(mk_open(t), 0, NULL, w));
        assert_null(prof_writer_close(w));
        struct prof_trace *trace;
        struct numbers numbers = { 0 };
        static const struct prof_trace_sink sink = { .events = note_numbers, .state = restore };
        assert_null(prof_trace_open(folded, &trace));
        assert_null(prof_heap_create_live(trace, NULL, &numbers.heap));
        assert_null(prof_trace_replay(trace, &sink, &numbers));
        assert_int_equal(numbers.count, 3);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(numbers.seen[i], 12 + i);
        prof_heap_destroy(numbers.heap);
        prof_trace_close(trace);
        mk_destroy(t);
    }
    unlink(folded);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(counts_are_nearly_true),
                                        cmocka_unit_test(numbers_are_true),
                                        cmocka_unit_test(numbers_beside_blocks_are_true),
                                        cmocka_unit_test(numbers_of_one_life_are_nearly_true),
                                        cmocka_unit_test(wrong_orders_prove_nothing),
                                        cmocka_unit_test(untold_releases_find_their_life),
                                        cmocka_unit_test(states_know_numbers) };
    return cmocka_run_group_tests_name("model: order", tests, NULL, NULL);
}
