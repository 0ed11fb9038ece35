/* sentence.c: the arithmetic of a finding in one sentence, how strong it is, and why not stronger. */
#include "group.h"
#include "hold.h"

#include <stdio.h>
#include <string.h>

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

bool group_broken_off(const struct analysis *a, const struct group *group)
{
    const struct pair_open *known = &group->pairing.first;
    // Where most of its kind are gone already, and made a release that these did not, it is overdue.
    bool overdue = known->missing_stack != 0 && known->healthy_of >= group->objects &&
                   known->healthy_named * 10 >= known->healthy_of * 9;

    return a->broken_off && group->verdict == PROF_MISSING_UNREF && group->nowhere < group->objects && !overdue;
}

/* What is alive because the recording ended early has no count that is too high. */
static void add_alive(struct prof_str *str, const struct group *group)
{
    bool skewed = (group->doubts & DOUBT_SKEWED) != 0;
    uint64_t n = group->objects;

    prof_str_addf(str, "still alive when the recording ended early: %llu taken (%s), %llu given back",
                  (unsigned long long)group->refs + (skewed ? 0 : n),
                  skewed  ? "birth not seen"
                  : n > 1 ? "births included"
                          : "birth included",
                  (unsigned long long)group->unrefs);
}

/* "count is 1 too high: 3 taken (birth included), 2 given back"; what is held by others that leak has no count that is
 * too high: "2 taken (birth included), 1 given back, 1 held by objects that leak too" */
static void add_balance(struct prof_str *str, const struct group *group)
{
    bool skewed = (group->doubts & DOUBT_SKEWED) != 0;
    uint64_t n = group->objects, taken = group->refs + (skewed ? 0 : n), given = group->unrefs;
    int64_t excess = group->excess;
    // What is left of taken minus given after the excess is held by objects that leak themselves.
    int64_t inside = (int64_t)taken - (int64_t)given - excess - (int64_t)group->living + group->unaccounted;
    bool each = !group->uneven && excess % (int64_t)n == 0;

    if (each) {
        taken /= n;
        given /= n;
        excess /= (int64_t)n;
        inside /= (int64_t)n;
    }
    if (excess != 0)
        prof_str_addf(str, "%s %lld too high%s: ",
                      n == 1 ? "count is"
                      : each ? "each count is"
                             : "counts are",
                      (long long)excess, n > 1 && !each ? " together" : "");
    prof_str_addf(str, "%llu taken (%s), %llu given back", (unsigned long long)taken,
                  skewed           ? "birth not seen"
                  : n > 1 && !each ? "births included"
                                   : "birth included",
                  (unsigned long long)given);
    if (inside > 0 && !skewed)
        prof_str_addf(str, ", %lld held by objects that leak too", (long long)inside);
}

static void add_cycle(struct analysis *a, struct prof_str *str, const struct group *group)
{
    uint64_t n = group->objects;
    int64_t counted = (int64_t)(group->refs + n) - (int64_t)group->unrefs;

    if (group->bundled > 1)
        prof_str_addf(str, "%llu cycles of the same shape, %llu objects in them", (unsigned long long)group->bundled,
                      (unsigned long long)n);
    else if (n == 1)
        prof_str_add(str, "the object holds itself");
    else
        prof_str_addf(str, "%llu objects hold each other", (unsigned long long)n);
    prof_str_addf(str, ": %lld reference%s counted, %lld of them from inside", (long long)counted,
                  plural((uint64_t)counted), (long long)(counted - group->excess));
    if (group->adopted > 0 && group->same == n)
        prof_str_addf(str, "; the same pointers stood there at a checkpoint %.1f s before", again_seconds(a));
}

/* What the objects say of their counts themselves. */
static void add_own_counts(struct prof_str *str, const struct group *group)
{
    int64_t apart = group->unaccounted;

    if (apart == 0 && group->counted == group->objects && !group_is_trash(group->verdict))
        prof_str_addf(str, "; %s",
                      group->objects == 1 ? "its own count says the same" : "their own counts say the same");
    if (apart == 0)
        return;
    if (group->counted == 1)
        prof_str_addf(str, "; its own count is %lld, events say %lld", (long long)group->told + apart,
                      (long long)group->told);
    else
        prof_str_addf(str, "; their own counts are %lld together, events say %lld", (long long)group->told + apart,
                      (long long)group->told);
    prof_str_addf(str, ": %lld reference%s %s", (long long)(apart > 0 ? apart : -apart),
                  plural((uint64_t)(apart > 0 ? apart : -apart)),
                  apart > 0 ? "taken without telling" : "given back without telling, or told and not counted");
}

/* Where memory has pointers to the objects, and where it has none. */
static bool add_pointers(struct analysis *a, struct prof_str *str, const struct group *group)
{
    uint64_t n = group->objects;
    const char *place = NULL;

    add_own_counts(str, group);
    if (group->verdict == PROF_REACHABLE || group_is_trash(group->verdict) || group->examined == 0)
        return true;
    const struct prof_memory *memory = a->hold->memory;
    if (group->pointed != 0 && !hold_live_place(a, group->pointed, true, &place))
        return false;
    if (place != NULL && (group->doubts & DOUBT_VETOED) != 0)
        prof_str_addf(str, "; a pointer is at %s, which took no reference: borrowed, or missing instrumentation",
                      place);
    else if (place != NULL && group->living == 0)
        prof_str_addf(str, "; a pointer is at %s, which never took a reference", place);
    else if (place != NULL)
        prof_str_addf(str, "; only %llu pointer%s left that can hold one, at %s: a release is missing",
                      (unsigned long long)group->living, group->living == 1 ? " is" : "s are", place);
    else if (memory->cut || memory->unread_bytes > 0)
        return true;
    else if (group->nowhere == n)
        prof_str_addf(str, "; no pointer to %s exists anywhere: a release is missing", n == 1 ? "it" : "them");
    else if (group->nowhere > 0)
        prof_str_addf(str, "; no pointer to %llu of them exists anywhere: a release is missing",
                      (unsigned long long)group->nowhere);
    return true;
}

const char *sentence_of(struct analysis *a, const struct group *group)
{
    struct prof_str str = { 0 };
    const char *copy = NULL;

    switch (group->verdict) {
    case PROF_CYCLE:
    case PROF_UNCOLLECTABLE:
        add_cycle(a, &str, group);
        break;
    case PROF_CYCLE_HELD:
        prof_str_add(&str, "a cycle is kept alive from outside: ");
        add_balance(&str, group);
        break;
    case PROF_ZERO_NOT_FREED:
        prof_str_addf(&str, "count reached 0, but the object%s not freed", group->objects == 1 ? " was" : "s were");
        break;
    case PROF_HOLDER_FREED:
        prof_str_add(&str, "the memory that held the reference was freed; ");
        add_balance(&str, group);
        break;
    case PROF_SLOT_OVERWRITTEN:
        prof_str_add(&str, "the slot that held the reference was overwritten; ");
        add_balance(&str, group);
        break;
    case PROF_FLOATING:
        prof_str_add(&str, "the floating reference of its birth was never sunk; ");
        add_balance(&str, group);
        break;
    case PROF_RESURRECTED:
        prof_str_add(&str, "a reference taken inside the destructor was kept; ");
        add_balance(&str, group);
        break;
    case PROF_COLLATERAL:
        prof_str_add(&str, "held only by memory that is lost itself");
        break;
    case PROF_REACHABLE:
        prof_str_addf(&str, "%llu object%s alive at the end, held by design%s%s", (unsigned long long)group->objects,
                      plural(group->objects), group->reason != NULL ? ": " : "",
                      group->reason != NULL ? group->reason : "");
        break;
    default:
        if (group_broken_off(a, group))
            add_alive(&str, group);
        else
            add_balance(&str, group);
        break;
    }
    if (!add_pointers(a, &str, group)) {
        prof_str_deinit(&str);
        return NULL;
    }
    if (group->scope != NULL)
        prof_str_addf(&str, "; born in scope %s, which left %llu object%s alive", group->scope,
                      (unsigned long long)group->scope_left, plural(group->scope_left));
    if (!str.failed)
        copy = prof_arena_strdup(a->arena, str.text);
    prof_str_deinit(&str);
    return copy;
}

static void weaken(struct prof_str *why, enum prof_strength *strength, enum prof_strength to, const char *text)
{
    if (*strength < to)
        *strength = to;
    if (why->length > 0)
        prof_str_add(why, "; ");
    prof_str_add(why, text);
}

/* "send net.c:50"; unknown: what it is called when the function is not known. */
static void add_place(struct prof_str *str, const struct prof_frame *frame, const char *unknown)
{
    const char *file = frame->file != NULL ? strrchr(frame->file, '/') : NULL;

    prof_str_add(str, frame->function != NULL ? frame->function : unknown);
    if (frame->file != NULL && frame->line != 0)
        prof_str_addf(str, " %s:%u", file != NULL ? file + 1 : frame->file, frame->line);
}

static void add_take(struct analysis *a, struct prof_str *str, const struct pair_taking *taking)
{
    bool birth = taking->site == SITE_BIRTH;

    prof_str_add(str, birth ? "the birth at " : "");
    add_place(str, prof_symbols_site_frame(a->symbols, taking->stack),
              birth ? "its site" : a->sites.items[taking->site].name);
}

/* Did the first or one of the `before` ties print the same: another stack that leads to that place? */
static bool told_before(struct analysis *a, const struct pair_answer *answer, size_t before)
{
    struct prof_str text = { 0 };
    bool same = false;

    add_take(a, &text, &answer->ties[before]);
    for (size_t i = 0; i <= before && !same; i++) {
        struct prof_str other = { 0 };
        add_take(a, &other, i == 0 ? &answer->first.taking : &answer->ties[i - 1]);
        same = !text.failed && !other.failed && strcmp(text.text, other.text) == 0;
        prof_str_deinit(&other);
    }
    prof_str_deinit(&text);
    return same;
}

/* Which takings fit as well as the one that is named, and the one annotation that would tell them apart. */
static void add_tie(struct analysis *a, struct prof_str *str, const struct pair_answer *answer)
{
    size_t last = answer->tie_count;

    while (last > 0 && told_before(a, answer, last - 1))
        last--;
    prof_str_add(str, last == 0 ? "several references of " : "");
    add_take(a, str, &answer->first.taking);
    for (size_t i = 0; i < last; i++) {
        if (told_before(a, answer, i))
            continue;
        prof_str_add(str, i + 1 == last ? " and " : ", ");
        add_take(a, str, &answer->ties[i]);
    }
    prof_str_addf(str, " fit equally: %s ",
                  answer->first.taking.site == SITE_BIRTH ? "an owner (trk_own) for" : "a slot at");
    add_take(a, str, &answer->first.taking);
    prof_str_add(str, " would tell them apart");
}

/* What the owner of a reference is told to have, and may have no more. */
static void add_doubt(struct analysis *a, struct prof_str *str, const struct group *group)
{
    if (group->doubt_stack == 0) {
        prof_str_add(str, "more than one reference could have got the owner that ");
        add_place(str, prof_symbols_site_frame(a->symbols, group->told_stack), "its site");
        prof_str_add(str, " has: trk_own right behind the taking would tell which");
        return;
    }
    add_place(str, prof_symbols_site_frame(a->symbols, group->doubt_stack), "a release");
    prof_str_add(str, " names no owner and may have given back what ");
    add_place(str, prof_symbols_site_frame(a->symbols, group->told_stack), "its site");
    prof_str_add(str, " took: a slot there would tell");
}

/* What the last checkpoint leaves open about a cycle. */
static void weaken_by_memory(struct analysis *a, const struct group *group, struct prof_str *why,
                             enum prof_strength *strength)
{
    const char *text;

    if (group->fresh > 0)
        weaken(
            why, strength, PROF_SUSPECT,
            "a pointer that stands for a reference did not stand there at the checkpoint before, and nothing was told");
    else if (group->adopted > 0 && group->same < group->objects)
        weaken(why, strength, PROF_PROBABLE, "pointers in memory stand for references without a slot");
    else if (group->adopted > 0 && group->loose > 0)
        weaken(
            why, strength, PROF_PROBABLE,
            "pointers in memory stand for references without a slot, not all in fields that are known to be pointers");
    if (group->apart > 0)
        weaken(why, strength, PROF_SUSPECT, "its own count does not fit the events: somebody counts without telling");
    if (group->examined < group->objects)
        weaken(why, strength, PROF_PROBABLE, "changed after memory was read: the slots were not checked");
    reach_strength(a, &text);
    if (text != NULL && a->lost == 0) // of losses more is said below
        weaken(why, strength, PROF_PROBABLE, text);
}

const char *reasons_of(struct analysis *a, const struct group *group, enum prof_strength *ret_strength)
{
    struct prof_str why = { 0 };
    enum prof_strength strength = PROF_PROVEN;
    const struct prof_type *type = prof_heap_type(a->heap, group->type);
    const char *copy = NULL;
    char text[96];

    if (group->verdict == PROF_REACHABLE) {
        *ret_strength = PROF_PROVEN;
        return NULL;
    }
    if (group_is_trash(group->verdict) && a->hold == NULL)
        weaken(&why, &strength, PROF_PROBABLE, "no memory was read: the slots were not checked");
    else if (group_is_trash(group->verdict))
        weaken_by_memory(a, group, &why, &strength);
    if (group->doubts & DOUBT_VETOED)
        weaken(&why, &strength, PROF_SUSPECT, "it can be reached by a pointer that took no reference");
    if ((group->verdict == PROF_HOLDER_FREED || group->verdict == PROF_SLOT_OVERWRITTEN) && type->births_owned == 0)
        weaken(&why, &strength, PROF_PROBABLE,
               "the reference may have been moved by copying the pointer: report moves to be sure");
    if (group->doubts & DOUBT_COPIED)
        weaken(&why, &strength, PROF_SUSPECT, "a pointer that can be reached may own the reference by now");
    if (group->doubts & DOUBT_RUNNING)
        weaken(&why, &strength, PROF_SUSPECT, "a thread that still ran at the end has a pointer and may hold it");
    if (group->doubts & DOUBT_ODD)
        weaken(&why, &strength, PROF_PROBABLE,
               "no variable at its place points to what it was told to own: such variables may be no plain pointers");
    const char *open;
    bool sure = group->bare == group->objects && reach_strength(a, &open) == PROF_PROVEN;
    if (group->surplus > 0 && !sure) // else which reference it is may be a guess, but not that there is one
        weaken(&why, &strength, PROF_PROBABLE, "references without a slot are matched by counting");
    if (group->untold_stack != 0) {
        struct prof_str untold = { 0 };
        add_place(&untold, prof_symbols_site_frame(a->symbols, group->untold_stack), "its site");
        prof_str_add(&untold, " tells an owner, but releases elsewhere end such references without telling: trk_disown "
                              "or trk_move is missing where they are handed over");
        weaken(&why, &strength, PROF_PROBABLE, untold.failed ? "owners were not told of handing over" : untold.text);
        prof_str_deinit(&untold);
    }
    if (group->told_stack != 0) {
        struct prof_str doubt = { 0 };
        add_doubt(a, &doubt, group);
        weaken(&why, &strength, PROF_PROBABLE, doubt.failed ? "a release named no owner" : doubt.text);
        prof_str_deinit(&doubt);
    }
    if (group->pairing.tie_count > 0) {
        struct prof_str tie = { 0 };
        add_tie(a, &tie, &group->pairing);
        weaken(&why, &strength, PROF_PROBABLE, tie.failed ? "several sites fit equally" : tie.text);
        prof_str_deinit(&tie);
    }
    if (group->doubts & DOUBT_UNCHECKED)
        weaken(&why, &strength, PROF_SUSPECT,
               "held from memory that was not freed; whether it can still be reached was not examined");
    if (group->doubts & DOUBT_SKEWED)
        weaken(&why, &strength, PROF_SUSPECT, "born before recording began");
    if (group->doubts & DOUBT_BORN)
        weaken(&why, &strength, PROF_SUSPECT, "no birth was told: that its block came with one reference is a guess");
    if (group->doubts & (DOUBT_MORE | DOUBT_LESS))
        weaken(&why, &strength, PROF_SUSPECT, "its own count does not fit the events: somebody counts without telling");
    else if (group->doubts & DOUBT_MISCOUNT)
        weaken(&why, &strength, PROF_SUSPECT,
               "an observed count does not fit the events: somebody counts without telling");
    if (group->doubts & DOUBT_FINALIZING)
        weaken(&why, &strength, PROF_SUSPECT, "its destructor had begun");
    if (group->doubts & DOUBT_UNEVEN)
        weaken(&why, &strength, PROF_SUSPECT, "more owners than the count says: a release did not name its slot");
    bool for_ever = group_is_trash(group->verdict) && a->hold != NULL && group->examined == group->objects &&
                    reach_garbage_strength(a, true, group->objects) == PROF_PROVEN;
    if (!a->ended && !for_ever)
        weaken(&why, &strength, PROF_SUSPECT, a->not_ended != NULL ? a->not_ended : "the end of the run is not known");
    if (a->lost > 0) {
        // A lost release explains one object at most.
        snprintf(text, sizeof text, "%llu events were lost", (unsigned long long)a->lost);
        weaken(&why, &strength, a->lost >= group->objects ? PROF_SUSPECT : PROF_PROBABLE, text);
    }
    *ret_strength = strength;
    if (why.length > 0 && !why.failed)
        copy = prof_arena_strdup(a->arena, why.text);
    prof_str_deinit(&why);
    return copy;
}
