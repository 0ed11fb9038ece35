/* test_gc_oracle.c: random programs that count references, and the driver going along. Whatever it calls garbage must
 * be out of the program's reach, for every generation at every moment, also when holders are not told; and when all
 * are, a pass over everything finds all that is out of reach. Some run a second time, and their state is saved and
 * read back at random moments: nothing that can be asked may differ. GC_ORACLE_RUNS changes the number of programs. */
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
static unsigned long events, found_all, passes, folds;
static FILE *transcript;   /* of everything that can be asked, when something is looked at */
static uint64_t fold_seed; /* 0: the state is not saved */
static struct prof_gc_options gr_options;

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

/* ---- Everything that can be asked ---- */

static void note_id(void *ctx, prof_obj_id id)
{
    fprintf(ctx, " %u", id);
}

static void note_garbage(void *ctx, const struct prof_gc_garbage *g)
{
    fprintf(ctx, " %u/%d%d%d/%d/%u/%llu/%llu", g->obj, g->uncollectable, g->confirmed, g->checked, (int)g->strength,
            g->generation, (unsigned long long)g->pass, (unsigned long long)g->found_us);
}

static void note_all(FILE *out)
{
    uint32_t count[3], threshold[3];
    struct prof_gc_stats stats[3];
    struct prof_gc_totals t = totals();
    prof_gc_count(gr_gc, count);
    prof_gc_threshold(gr_gc, threshold);
    prof_gc_stats(gr_gc, stats);
    fprintf(out, "passes %llu found %llu confirmed %llu revived %llu withdrawn %llu frozen %llu enabled %d debug %u\n",
            (unsigned long long)t.passes, (unsigned long long)t.found, (unsigned long long)t.confirmed,
            (unsigned long long)t.revived, (unsigned long long)t.withdrawn, (unsigned long long)t.frozen,
            prof_gc_is_enabled(gr_gc), prof_gc_debug(gr_gc));
    for (int i = 0; i < 3; i++) {
        fprintf(out, "generation %d: count %u threshold %u stats %llu %llu %llu %llu:", i, count[i], threshold[i],
                (unsigned long long)stats[i].collections, (unsigned long long)stats[i].collected,
                (unsigned long long)stats[i].uncollectable, (unsigned long long)stats[i].candidates);
        must(prof_gc_objects(gr_gc, i, note_id, out));
        fputc('\n', out);
    }
    fprintf(out, "garbage:");
    must(prof_gc_garbage(gr_gc, note_garbage, out));
    fprintf(out, "\nsources:");
    prof_gc_sources(gr_gc, note_id, out);
    fprintf(out, "\nunderflows:");
    prof_gc_underflows(gr_gc, note_id, out);
    fputc('\n', out);
}

/* ---- The state, saved and read back ---- */

struct saved {
    unsigned char bytes[1 << 20];
    size_t size;
};
static struct prof_error *save_part(void *ctx, const void *bytes, size_t size)
{
    struct saved *saved = ctx;
    assert_int_equal(saved->size, 0);
    assert_true(size <= sizeof saved->bytes);
    memcpy(saved->bytes, bytes, size);
    saved->size = size;
    return NULL;
}

static void fold_sometimes(void)
{
    static struct saved saved;
    fold_seed = fold_seed * 6364136223846793005u + 1442695040888963407u;
    if (fold_seed >> 60 != 0)
        return;
    saved.size = 0;
    must(prof_heap_save(gr_heap, save_part, &saved));
    prof_heap_destroy(gr_heap);
    prof_gc_destroy(gr_gc);
    must(prof_gc_create(&gr_options, &gr_gc));
    const struct prof_heap_options heap_options = { .follow = prof_gc_follow(gr_gc) };
    must(prof_heap_create_live(gr_trace, &heap_options, &gr_heap));
    must(prof_heap_restore(gr_heap, NULL, saved.bytes, saved.size));
    folds++;
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
    if (transcript != NULL)
        note_all(transcript);
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
        else if (below(20) == 0)
            must(prof_gc_set_debug(gr_gc, (unsigned)below(2) * PROF_GC_DEBUG_LEAK));
        break;
    default:
        set_field();
        break;
    }
}

static void run_program(void)
{
    gr_options = (struct prof_gc_options){ .every_events = 1 + (uint64_t)below(200),
                                           .every_us = below(2) == 0 ? UINT64_MAX : 1 + (uint64_t)below(300) };
    const uint32_t thresholds[3] = { 1 + (uint32_t)below(6), (uint32_t)below(4), (uint32_t)below(3) };

    memset(objects, 0, sizeof objects);
    memset(roots, 0, sizeof roots);
    hide = below(2) == 0;
    gr_begin_with(&gr_options);
    prof_gc_set_threshold(gr_gc, thresholds);
    for (int i = 0; i < 400; i++) {
        step();
        if (fold_seed != 0)
            fold_sometimes();
    }
    look(-1);
    look(2);
    gr_end(NULL);
}

static unsigned long runs_wanted(void)
{
    const char *told = getenv("GC_ORACLE_RUNS");
    return told != NULL ? strtoul(told, NULL, 10) : 150;
}

/* All that is noted while program `run` goes, folded or not. */
static char *transcript_of(unsigned long run, uint64_t folding)
{
    char *text = NULL;
    size_t length = 0;
    transcript = open_memstream(&text, &length);
    assert_non_null(transcript);
    fold_seed = folding;
    seed(run + 1);
    run_program();
    fclose(transcript);
    transcript = NULL;
    fold_seed = 0;
    return text;
}

static void folded(void **state)
{
    unsigned long runs = runs_wanted() / 3;
    (void)state;
    for (unsigned long run = 0; run < runs; run++) {
        char *whole = transcript_of(run, 0), *cut = transcript_of(run, run * 2 + 1);
        size_t at = 0, line = 0;
        for (; whole[at] == cut[at] && whole[at] != '\0'; at++)
            if (whole[at] == '\n')
                line = at + 1;
        if (whole[at] != cut[at])
            fail_msg("program %lu differs when it is folded:\n%.*s\n%.*s", run, (int)strcspn(whole + line, "\n"),
                     whole + line, (int)strcspn(cut + line, "\n"), cut + line);
        free(whole);
        free(cut);
    }
    assert_true(folds > runs);
}

/* Whatever stands where the generations should be is refused or makes no difference to the heap. */
static void damaged(void **state)
{
    static struct saved saved;
    (void)state;
    seed(7);
    gr_options = (struct prof_gc_options){ .every_events = 50 };
    gr_begin_with(&gr_options);
    memset(objects, 0, sizeof objects);
    memset(roots, 0, sizeof roots);
    for (int i = 0; i < 300; i++)
        step();
    saved.size = 0;
    must(prof_heap_save(gr_heap, save_part, &saved));
    gr_end(NULL);
    unsigned refused = 0;
    for (int i = 0; i < 400; i++) { /* the generations stand at the end */
        static struct saved bad;
        bad = saved;
        bad.bytes[saved.size - 1 - rnd(400)] ^= (unsigned char)(1 + rnd(255));
        gr_begin_with(&gr_options);
        struct prof_error *error = prof_heap_restore(gr_heap, NULL, bad.bytes, bad.size);
        refused += error != NULL;
        if (error == NULL) {
            FILE *nowhere = fopen("/dev/null", "w");
            must(prof_gc_collect(gr_gc, 2, NULL));
            note_all(nowhere);
            fclose(nowhere);
        }
        prof_error_destroy(error);
        gr_end(NULL);
    }
    assert_true(refused > 0);
}

static void sound_and_complete(void **state)
{
    (void)state;
    unsigned long runs = runs_wanted();

    for (unsigned long run = 0; run < runs; run++) {
        seed(run + 1);
        run_program();
    }
    assert_true(passes > runs && found_all > runs);
    print_message("%lu programs, %lu steps, %lu looks, %lu objects out of reach\n", runs, events, passes, found_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sound_and_complete), cmocka_unit_test(folded),
                                        cmocka_unit_test(damaged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
