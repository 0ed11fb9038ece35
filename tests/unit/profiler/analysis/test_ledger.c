/* test_ledger.c: lives as ledgers: pairs, what stays open, budgets; and where leaked lives part from healthy ones. */
#include "rig.h"

#include <prof/ledger.h>

static struct rig rig_, *const rig = &rig_;
static struct prof_ledgers *ledgers;
static uint64_t next_addr;

#define BORN "conn_new net.c:20 < accept net.c:30 < main m.c:5"

static int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    next_addr = 0x100000;
    return 0;
}

static int end(void **state)
{
    (void)state;
    prof_ledgers_destroy(ledgers);
    ledgers = NULL;
    rig_end(rig);
    return 0;
}

static void make(const struct prof_ledgers_options *options)
{
    rig_find(rig, NULL);
    struct prof_error *error = prof_ledgers_create(mk_heap(rig->t), rig->symbols, rig->findings, options, &ledgers);
    if (error != NULL)
        fail_msg("%s", error->message);
}

static uint64_t born(void)
{
    uint64_t addr = next_addr;
    next_addr += 0x100;
    mk_born(rig->t, "conn", addr, 64, AT(BORN));
    return addr;
}

static void dies(uint64_t addr)
{
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    mk_gone(rig->t, addr, AT("conn_free net.c:25 < accept net.c:34"));
}

/* Taken by `take`, given back by `give`, and released. */
static void healthy(const char *take, const char *give)
{
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT(take));
    mk_unref(rig->t, addr, 0, AT(give));
    dies(addr);
}

static const struct prof_ledger *ledger_of(uint32_t serial)
{
    const struct prof_ledger *ledger = prof_ledgers_of(ledgers, "conn", serial);
    assert_non_null(ledger);
    return ledger;
}

static const struct prof_parting *parting(void)
{
    const struct prof_parting *p = prof_ledgers_parting(ledgers, rig_one(rig, PROF_MISSING_UNREF));
    assert_non_null(p);
    return p;
}

static void entry_is(const struct prof_ledger_entry *entry, unsigned op, const char *place)
{
    assert_non_null(entry);
    assert_int_equal(entry->event.op, op);
    rig_at(rig, entry->event.stack, place);
}

/* ---- One life ---------------------------------------------------------------------------------------------------- */

static void slots_are_certain(void **state)
{
    (void)state;
    uint64_t addr = born();
    mk_own(rig->t, addr, LOCAL(1), AT("accept net.c:31"));
    mk_ref(rig->t, addr, LOCAL(2), AT("send net.c:50"));
    mk_ref(rig->t, addr, MK_HOLDER(0x900000), AT("table_add net.c:60"));
    mk_move(rig->t, addr, LOCAL(3), LOCAL(2), AT("send net.c:51"));
    mk_unref(rig->t, addr, LOCAL(3), AT("sent net.c:55"));
    mk_unref(rig->t, addr, LOCAL(1), AT("accept net.c:34"));
    make(&(struct prof_ledgers_options){ .type = "conn", .serial = 1 });
    const struct prof_ledger *l = ledger_of(1);
    assert_int_equal(l->count, 7);
    assert_false(l->freed);
    entry_is(&l->entries[5], TRK_OP_UNREF, "sent:55");
    assert_int_equal(l->entries[5].pair, 3);
    assert_int_equal(l->entries[5].evidence, PROF_EVIDENCE_SLOT);
    assert_int_equal(l->entries[2].pair, 6);
    assert_int_equal(l->entries[6].pair, 1);
    assert_int_equal(l->entries[6].count, 1);
    assert_true(l->entries[3].open);
    assert_false(l->entries[0].open);
    assert_int_equal(prof_evidence_mark(l->entries[5].evidence), '=');
}

static void learned_before_hints(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        uint64_t addr = born();
        mk_ref(rig->t, addr, 0, AT("send net.c:50"));
        mk_ref(rig->t, addr, 0, AT("queue net.c:70"));
        mk_ref(rig->t, addr, 0, AT("queue net.c:70"));
        mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
        mk_unref(rig->t, addr, 0, AT("unqueue net.c:75"));
        mk_unref(rig->t, addr, 0, AT("unqueue net.c:75"));
        dies(addr);
    }
    // The last taking is the newest one, but nothing at this place gives it back.
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_ref(rig->t, addr, 0, AT("queue net.c:70"));
    mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("elsewhere x.c:9"));
    make(NULL);
    const struct prof_ledger *l = ledger_of(6);
    entry_is(&l->entries[3], TRK_OP_UNREF, "sent:55");
    assert_int_equal(l->entries[3].pair, 2);
    assert_int_equal(l->entries[3].evidence, PROF_EVIDENCE_LEARNED);
    entry_is(&l->entries[4], TRK_OP_UNREF, "elsewhere:9");
    assert_int_equal(l->entries[4].evidence, PROF_EVIDENCE_HINT);
}

static void long_lives_are_bounded(void **state)
{
    (void)state;
    enum { PAIRS = 2000 };
    uint64_t addr = born();
    mk_ref(rig->t, addr, LOCAL(9), AT("keep net.c:90"));
    for (int i = 0; i < PAIRS; i++) {
        mk_ref(rig->t, addr, LOCAL(1), AT("send net.c:50"));
        mk_unref(rig->t, addr, LOCAL(1), AT("sent net.c:55"));
        if (i % 10 == 0)
            mk_touch(rig->t, addr, "sent", AT("log net.c:56"));
    }
    mk_touch(rig->t, addr, "closed", AT("close net.c:99"));
    make(NULL);
    const struct prof_ledger *l = ledger_of(1);
    assert_int_equal(l->events, 2 + 2 * PAIRS + PAIRS / 10 + 1);
    assert_in_range(l->count, 24, 96);
    assert_true(l->folded > PAIRS);
    uint64_t left_out = 0, before = 0;
    for (size_t i = 0; i < l->count; i++) {
        left_out += 2 * l->entries[i].folded + l->entries[i].skipped;
        assert_int_equal(l->entries[i].number, before + 1 + 2 * l->entries[i].folded + l->entries[i].skipped);
        before = l->entries[i].number;
    }
    assert_int_equal(left_out, l->folded + l->skipped);
    assert_int_equal(l->count + left_out, l->events);
    entry_is(&l->entries[0], TRK_OP_NEW, "conn_new:20");
    entry_is(&l->entries[1], TRK_OP_REF, "keep:90");
    assert_true(l->entries[1].open);
    entry_is(&l->entries[l->count - 1], TRK_OP_TOUCH, "close:99");
    // Numbers by stack are exact all the same.
    uint64_t taken = 0, given = 0;
    for (size_t i = 0; i < l->line_count; i++) {
        taken += l->lines[i].taken;
        given += l->lines[i].given;
    }
    assert_int_equal(taken, PAIRS + 2);
    assert_int_equal(given, PAIRS);
    prof_ledgers_destroy(ledgers);
    ledgers = NULL;
    make(&(struct prof_ledgers_options){ .type = "conn", .serial = 1, .whole = true });
    assert_int_equal(ledger_of(1)->count, ledger_of(1)->events);
}

static void the_dead_have_ledgers(void **state)
{
    (void)state;
    healthy("send net.c:50", "sent net.c:55");
    born();
    make(&(struct prof_ledgers_options){ .type = "conn", .serial = 1 });
    assert_true(ledger_of(1)->freed);
    assert_int_equal(ledger_of(1)->count, 5);
    entry_is(&ledger_of(1)->entries[4], TRK_OP_DEL, "conn_free:25");
    struct prof_ledgers *none = NULL;
    struct prof_error *error = prof_ledgers_create(
        mk_heap(rig->t), rig->symbols, NULL, &(struct prof_ledgers_options){ .type = "conn", .serial = 9 }, &none);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    prof_error_destroy(error);
    assert_null(none);
}

/* A pool gives the object out again: its last life is the one that counts. */
static void reuse_begins_anew(void **state)
{
    (void)state;
    uint64_t addr = born();
    mk_ref(rig->t, addr, LOCAL(1), AT("send net.c:50"));
    mk_unref(rig->t, addr, LOCAL(1), AT("sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34"));
    mk_op(rig->t, TRK_OP_PARK, addr, AT("pool net.c:80"));
    mk_op(rig->t, TRK_OP_REUSE, addr, AT("pool net.c:81"));
    mk_ref(rig->t, addr, LOCAL(1), AT("send net.c:50"));
    make(NULL);
    assert_int_equal(ledger_of(1)->count, 2);
    entry_is(&ledger_of(1)->entries[0], TRK_OP_REUSE, "pool:81");
}

/* ---- Siblings ---------------------------------------------------------------------------------------------------- */

static void leaked_ones_take_another_way(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        mk_time(rig->t, 1000 + (uint64_t)i * 100000);
        uint64_t addr = born();
        mk_ref(rig->t, addr, 0, AT("send net.c:50"));
        if (i % 3 == 0) { // noise that tells nothing apart
            mk_ref(rig->t, addr, LOCAL(1), AT("peek net.c:41"));
            mk_unref(rig->t, addr, LOCAL(1), AT("peek net.c:42"));
        }
        if (i % 8 == 0) {
            mk_touch(rig->t, addr, "reset by peer", AT("on_error net.c:66"));
        } else {
            mk_thread(rig->t, 7);
            mk_time(rig->t, 1000 + (uint64_t)i * 100000 + 50000);
            mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
            mk_thread(rig->t, 100);
        }
        mk_time(rig->t, 1000 + (uint64_t)i * 100000 + 60000);
        if (i % 8 != 0)
            dies(addr);
        else
            mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    }
    make(NULL);
    const struct prof_parting *p = parting();
    assert_int_equal(p->example->serial, 1);
    assert_int_equal(p->leaked, 5);
    assert_int_equal(p->siblings, 35);
    assert_int_equal(p->siblings_all, 35);
    assert_true(p->took_too);
    assert_true(p->parted);
    entry_is(p->here.entry, TRK_OP_TOUCH, "on_error:66");
    assert_int_equal(p->here.leaked, 5);
    assert_int_equal(p->here.siblings, 0);
    entry_is(p->there.entry, TRK_OP_UNREF, "sent:55");
    assert_int_equal(p->there.leaked, 0);
    assert_int_equal(p->there.siblings, 35);
    assert_int_equal(p->there.after_us, 50000);
    assert_true(p->there.other_thread);
    assert_int_equal(p->release_us, 50000);
    assert_int_equal(p->release_of, 35);
    assert_true(p->release_elsewhere);
    assert_null(p->frame);
    // The example is the first of its finding, with noise in it; the like of it is preferred.
    entry_is(p->common, TRK_OP_UNREF, "peek:42");
}

static void nothing_more_came(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        healthy("send net.c:50", "sent net.c:55");
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    make(NULL);
    const struct prof_parting *p = parting();
    entry_is(p->common, TRK_OP_REF, "send:50");
    assert_null(p->here.entry);
    entry_is(p->there.entry, TRK_OP_UNREF, "sent:55");
    entry_is(p->next, TRK_OP_UNREF, "accept:34");
}

/* The same steps at the same sites, but called from elsewhere. */
static void callers_tell_them_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        healthy("send net.c:50 < serve net.c:80 < main m.c:5", "sent net.c:55");
    for (int i = 0; i < 3; i++) {
        uint64_t addr = born();
        mk_ref(rig->t, addr, 0, AT("send net.c:50 < retry net.c:66 < serve net.c:80 < main m.c:5"));
        mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    }
    make(NULL);
    const struct prof_parting *p = parting();
    assert_non_null(p->frame);
    assert_string_equal(p->frame->function, "retry");
    entry_is(p->through, TRK_OP_REF, "send:50");
    assert_int_equal(p->frame_leaked, 3);
    assert_int_equal(p->frame_siblings, 0);
}

/* Those that never took the reference are no measure for those that did. */
static void siblings_took_it_too(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        dies(born());
    for (int i = 0; i < 3; i++)
        healthy("send net.c:50", "sent net.c:55");
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    make(NULL);
    assert_true(parting()->took_too);
    assert_int_equal(parting()->siblings, 3);
    assert_int_equal(parting()->siblings_all, 33);
    entry_is(parting()->common, TRK_OP_REF, "send:50");
    entry_is(parting()->there.entry, TRK_OP_UNREF, "sent:55");
}

static void many_siblings_are_sampled(void **state)
{
    (void)state;
    enum { SIBLINGS = 3000 };
    for (int i = 0; i < SIBLINGS; i++)
        healthy("send net.c:50", "sent net.c:55");
    uint64_t other = next_addr; // born elsewhere: no sibling
    next_addr += 0x100;
    mk_born(rig->t, "conn", other, 64, AT("conn_dup net.c:28"));
    dies(other);
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_conn");
    uint64_t held = born(); // alive to the end: none either
    mk_own(rig->t, held, MK_APP_DATA, AT("main m.c:9"));
    make(NULL);
    assert_int_equal(parting()->siblings_all, SIBLINGS);
    assert_in_range(parting()->siblings, 128, 1024);
    assert_int_equal(parting()->there.siblings, parting()->siblings);
}

/* One release too many: the step that no sibling made, also when it came after the end. */
static void releases_too_many_part_as_well(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        healthy("send net.c:50", "sent net.c:55");
    for (int i = 0; i < 2; i++) {
        uint64_t addr = born();
        mk_ref(rig->t, addr, 0, AT("send net.c:50"));
        mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
        mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
        mk_del(rig->t, addr, AT("conn_free net.c:25 < accept net.c:34"));
        mk_unref(rig->t, addr, 0, AT("on_error net.c:66"));
    }
    make(NULL);
    const struct prof_parting *p = prof_ledgers_parting(ledgers, rig_one(rig, PROF_OVER_RELEASED));
    assert_non_null(p);
    assert_int_equal(p->siblings, 10);
    entry_is(p->here.entry, TRK_OP_UNREF, "on_error:66");
    assert_int_equal(p->here.siblings, 0);
    assert_null(p->there.entry);
}

static const struct prof_parting *over_released(void)
{
    make(NULL);
    const struct prof_parting *p = prof_ledgers_parting(ledgers, rig_one(rig, PROF_OVER_RELEASED));
    assert_non_null(p);
    assert_true(p->too_many);
    return p;
}

/* Takes and gives back as healthy ones do, with one release of somebody else's before. */
static void released_early_by(const char *who)
{
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_unref(rig->t, addr, 0, AT(who));
    mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
    mk_del(rig->t, addr, AT("conn_free net.c:25 < sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
}

/* The last two releases are correct lines: the one too many came before. */
static void what_siblings_do_is_innocent(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        healthy("send net.c:50", "sent net.c:55");
    released_early_by("on_error net.c:66");
    const struct prof_parting *p = over_released();
    entry_is(p->extra, TRK_OP_UNREF, "on_error:66");
    assert_int_equal(p->extra_evidence, PROF_EVIDENCE_LEARNED);
    assert_int_equal(p->extra_siblings, 0);
    assert_int_equal(p->extra_of, 20);
}

/* Siblings release wherever it was released: a second time at one place is told, an odd path in balance is not. */
static void twice_at_one_place(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        healthy("send net.c:50", "sent net.c:55");
    uint64_t addr = born();
    mk_ref(rig->t, addr, LOCAL(1), AT("peek net.c:80"));
    mk_unref(rig->t, addr, LOCAL(1), AT("peek net.c:82"));
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
    mk_del(rig->t, addr, AT("conn_free net.c:25 < sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    entry_is(over_released()->extra, TRK_OP_UNREF, "sent:55");
}

/* What is missing is a reference: no release is to blame. */
static void nobody_is_blamed_for_a_missing_reference(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        healthy("send net.c:50", "sent net.c:55");
    uint64_t addr = born();
    mk_unref(rig->t, addr, 0, AT("sent net.c:55"));
    mk_del(rig->t, addr, AT("conn_free net.c:25 < sent net.c:55"));
    mk_unref(rig->t, addr, 0, AT("accept net.c:34 < main m.c:5"));
    assert_null(over_released()->extra);
}

/* A variable that gave back what it owned has no more to give: certain, without any sibling. */
static void slots_tell_which_is_too_many(void **state)
{
    (void)state;
    uint64_t addr = born();
    mk_own(rig->t, addr, LOCAL(1), AT("accept net.c:31"));
    mk_ref(rig->t, addr, LOCAL(2), AT("send net.c:50"));
    mk_ref(rig->t, addr, LOCAL(3), AT("peek net.c:80"));
    mk_unref(rig->t, addr, LOCAL(2), AT("sent net.c:55"));
    mk_unref(rig->t, addr, LOCAL(2), AT("sent net.c:56"));
    mk_unref(rig->t, addr, LOCAL(3), AT("peek net.c:82"));
    mk_del(rig->t, addr, AT("conn_free net.c:25 < peek net.c:82"));
    mk_unref(rig->t, addr, LOCAL(1), AT("accept net.c:34"));
    const struct prof_parting *p = over_released();
    entry_is(p->extra, TRK_OP_UNREF, "sent:56");
    entry_is(p->extra_before, TRK_OP_UNREF, "sent:55");
    assert_int_equal(p->extra_evidence, PROF_EVIDENCE_SLOT);
}

static void nobody_to_compare_with(void **state)
{
    (void)state;
    uint64_t addr = born();
    mk_ref(rig->t, addr, 0, AT("send net.c:50"));
    make(NULL);
    assert_int_equal(parting()->siblings, 0);
    assert_false(parting()->parted);
    assert_int_equal(parting()->example->count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(slots_are_certain),
        TEST(learned_before_hints),
        TEST(long_lives_are_bounded),
        TEST(the_dead_have_ledgers),
        TEST(reuse_begins_anew),
        TEST(leaked_ones_take_another_way),
        TEST(nothing_more_came),
        TEST(callers_tell_them_apart),
        TEST(siblings_took_it_too),
        TEST(many_siblings_are_sampled),
        TEST(releases_too_many_part_as_well),
        TEST(what_siblings_do_is_innocent),
        TEST(twice_at_one_place),
        TEST(nobody_is_blamed_for_a_missing_reference),
        TEST(slots_tell_which_is_too_many),
        TEST(nobody_to_compare_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
