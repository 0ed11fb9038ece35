/* names.c: the frozen spellings of verdicts, strengths, headlines, pairings and roots. */
#include <prof/finding.h>

#include <string.h>

static const char *const verdict_names[PROF_VERDICT_COUNT_] = {
    [PROF_MISSING_UNREF] = "missing-unref",
    [PROF_CYCLE] = "cycle",
    [PROF_CYCLE_HELD] = "cycle-held",
    [PROF_OVER_RETAINED] = "over-retained",
    [PROF_COLLATERAL] = "collateral",
    [PROF_OVER_RELEASED] = "over-released",
    [PROF_USE_AFTER_RELEASE] = "use-after-release",
    [PROF_ZERO_NOT_FREED] = "zero-not-freed",
    [PROF_SLOT_OVERWRITTEN] = "slot-overwritten",
    [PROF_HOLDER_FREED] = "holder-freed",
    [PROF_UNCOLLECTABLE] = "uncollectable",
    [PROF_RESURRECTED] = "resurrected",
    [PROF_WEAK_HAZARD] = "weak-hazard",
    [PROF_FLOATING] = "floating",
    [PROF_LOST] = "lost",
    [PROF_INDIRECT] = "indirect",
    [PROF_POSSIBLE] = "possible",
    [PROF_REACHABLE] = "reachable",
    [PROF_UNFREED] = "unfreed",
    [PROF_GROWTH] = "growth",
};

const char *prof_verdict_name(enum prof_verdict verdict)
{
    if ((unsigned)verdict >= PROF_VERDICT_COUNT_ || verdict_names[verdict] == NULL)
        return "unknown";
    return verdict_names[verdict];
}

bool prof_verdict_parse(const char *name, enum prof_verdict *ret)
{
    for (unsigned v = 1; v < PROF_VERDICT_COUNT_; v++) {
        if (verdict_names[v] != NULL && strcmp(verdict_names[v], name) == 0) {
            *ret = (enum prof_verdict)v;
            return true;
        }
    }
    return false;
}

bool prof_verdict_gates(enum prof_verdict verdict)
{
    switch (verdict) {
    case PROF_MISSING_UNREF:
    case PROF_CYCLE:
    case PROF_CYCLE_HELD:
    case PROF_OVER_RETAINED:
    case PROF_OVER_RELEASED:
    case PROF_USE_AFTER_RELEASE:
    case PROF_ZERO_NOT_FREED:
    case PROF_SLOT_OVERWRITTEN:
    case PROF_HOLDER_FREED:
    case PROF_UNCOLLECTABLE:
    case PROF_LOST:
        return true;
    default:
        return false;
    }
}

const char *prof_strength_name(enum prof_strength strength)
{
    switch (strength) {
    case PROF_PROVEN:
        return "proven";
    case PROF_PROBABLE:
        return "probable";
    case PROF_SUSPECT:
        return "suspect";
    case PROF_STATISTICAL:
        return "growth";
    }
    return "unknown";
}

const char *prof_headline_name(enum prof_headline headline)
{
    switch (headline) {
    case PROF_HEADLINE_LOST:
        return "lost";
    case PROF_HEADLINE_HELD:
        return "held";
    case PROF_HEADLINE_GROWING:
        return "growing";
    case PROF_HEADLINE_MISUSED:
        return "misused";
    }
    return "unknown";
}

const char *prof_pairing_name(enum prof_pairing pairing)
{
    switch (pairing) {
    case PROF_PAIR_SLOT:
        return "slot";
    case PROF_PAIR_COUNT:
        return "count";
    case PROF_PAIR_LEARNED:
        return "learned";
    case PROF_PAIR_ADOPTED:
        return "adopted";
    case PROF_PAIR_ANONYMOUS:
        return "anonymous";
    case PROF_PAIR_TOLD:
        return "told";
    }
    return "unknown";
}

static const char *const root_names[PROF_ROOT_COUNT_] = {
    [PROF_ROOT_NONE] = "none",          [PROF_ROOT_GLOBAL] = "globals",        [PROF_ROOT_TLS] = "tls",
    [PROF_ROOT_REGION] = "regions",     [PROF_ROOT_PURPOSE] = "purpose",       [PROF_ROOT_STACK] = "stacks",
    [PROF_ROOT_REGISTER] = "registers", [PROF_ROOT_MAPPED] = "mapped",         [PROF_ROOT_MMAP] = "mmap",
    [PROF_ROOT_FREED] = "freed",        [PROF_ROOT_UNRECORDED] = "unrecorded", [PROF_ROOT_LOADER] = "loader",
};

const char *prof_root_name(enum prof_root_kind kind)
{
    return (unsigned)kind < PROF_ROOT_COUNT_ ? root_names[kind] : "unknown";
}

bool prof_root_parse(const char *name, enum prof_root_kind *ret)
{
    for (unsigned kind = PROF_ROOT_NONE + 1; kind < PROF_ROOT_COUNT_; kind++) {
        if (strcmp(root_names[kind], name) == 0) {
            *ret = (enum prof_root_kind)kind;
            return true;
        }
    }
    return false;
}
