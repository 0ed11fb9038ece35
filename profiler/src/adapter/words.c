/* words.c: what was read of an adapter, in words for people who check it. */
#include <prof/adapter.h>

#include <inttypes.h>

#include <base/str.h>

static void add_place(struct prof_str *str, const struct trk_hook_place *place)
{
    char text[PROF_ADAPTER_WORD];
    prof_str_add(str, prof_adapter_place(text, sizeof text, place));
}

static void add_owner(struct prof_str *str, const char *before, const struct trk_hook_place *place, bool holder)
{
    prof_str_add(str, before);
    prof_str_add(str, holder ? "" : "the variable at ");
    add_place(str, place);
}

static void add_test(struct prof_str *str, const char *before, const struct trk_hook_test *test)
{
    prof_str_add(str, before);
    add_place(str, &test->place);
    if (test->place.width != 0 && test->place.width != 8)
        prof_str_addf(str, ":u%u", 8U * test->place.width);
    if (test->mask != UINT64_MAX)
        prof_str_addf(str, " & 0x%" PRIx64, test->mask);
    prof_str_addf(str, " %s 0x%" PRIx64, test->differs ? "is not" : "is", test->value);
}

char *prof_adapter_words(const struct prof_adapter_rule *rule)
{
    /* By role: what stands around the object, and in front of the owner. */
    static const struct {
        const char *before, *behind, *owner;
    } words[TRK_HOOK_ROLES] = {
        [TRK_HOOK_NEW] = { "", " is a new object", ", owned by " },
        [TRK_HOOK_REF] = { "a reference on ", " is taken", " by " },
        [TRK_HOOK_UNREF] = { "a reference on ", " is given back", " by " },
        [TRK_HOOK_FREE] = { "", " dies", "" },
        [TRK_HOOK_SINK] = { "the floating reference of ", " becomes an ordinary one", " of " },
        [TRK_HOOK_WEAK_SET] = { "", " gets a weak pointer", ": " },
        [TRK_HOOK_WEAK_CLEAR] = { "", " loses a weak pointer", ": " },
        [TRK_HOOK_MOVE] = { "a reference on ", " goes", " to " },
        [TRK_HOOK_PARK] = { "", " goes into a pool", "" },
        [TRK_HOOK_REUSE] = { "", " comes out of a pool with one reference", "" },
        [TRK_HOOK_STAYS] = { "", " may stay until the end", "" },
    };
    struct prof_str str = { 0 };
    if (rule->role == TRK_HOOK_WRAPPER)
        prof_str_add(&str, "acts for its caller, which reports name");
    if (rule->role == TRK_HOOK_CALL)
        prof_str_addf(&str, "is called with %" PRIu64 " and %" PRIu64 " before the program begins", rule->test[0].value,
                      rule->test[1].value);
    if (rule->role >= TRK_HOOK_WRAPPER)
        return prof_str_take(&str);
    prof_str_add(&str, words[rule->role].before);
    add_place(&str, &rule->object);
    prof_str_add(&str, words[rule->role].behind);
    if (rule->flags & TRK_HOOK_FLOATING)
        prof_str_add(&str, " with a floating reference");
    if (rule->flags & TRK_HOOK_KEPT)
        prof_str_add(&str, ", which keeps a reference of it");
    if (rule->from.base != TRK_HOOK_NOWHERE)
        add_owner(&str, " from ", &rule->from, rule->flags & TRK_HOOK_FROM_IS_HOLDER);
    if (rule->slot.base != TRK_HOOK_NOWHERE)
        add_owner(&str, words[rule->role].owner, &rule->slot, rule->flags & TRK_HOOK_SLOT_IS_HOLDER);
    if (rule->flags & TRK_HOOK_BORROWED)
        prof_str_add(&str, ", to which nobody writes when the object dies");
    for (unsigned i = 0; i < TRK_HOOK_TESTS; i++)
        if (rule->test[i].place.base != TRK_HOOK_NOWHERE)
            add_test(&str, i == 0 ? ", if " : " and ", &rule->test[i]);
    if (rule->flags & TRK_HOOK_LATE)
        prof_str_add(&str, ", when it has returned");
    return prof_str_take(&str);
}

char *prof_adapter_type_words(const struct prof_adapter_type *type)
{
    struct prof_str str = { 0 };
    char text[PROF_ADAPTER_WORD];
    if (type->count_bytes == 0)
        prof_str_add(&str, "where its count is, is not said");
    else
        prof_str_addf(&str, "its count has %u bytes at %+d", type->count_bytes, (int)type->count_offset);
    if (type->count_shift != 0)
        prof_str_addf(&str, ", %u for each reference", 1U << type->count_shift);
    if (type->has_immortal)
        prof_str_addf(&str, ", immortal when count & 0x%" PRIx64 " is 0x%" PRIx64, type->immortal_mask,
                      type->immortal_value);
    if (type->counts_inline)
        prof_str_add(&str, ", and changes in place, too, where no function is called");
    if (type->naming == TRK_HOOK_NAME_STRING)
        prof_str_addf(&str, "; named by the string at %s", prof_adapter_place(text, sizeof text, &type->name_place));
    else if (type->naming == TRK_HOOK_NAME_CALL)
        prof_str_addf(&str, "; named by %s(%s)", type->name_function,
                      prof_adapter_place(text, sizeof text, &type->name_place));
    return prof_str_take(&str);
}
