/* group.h: objects with the same cause, while they are gathered. Layer-private.
 *
 * Two rounds. First objects with the same verdict, type, line of birth and set of open references come together
 * (bundles): small enough for an undisturbed comparison with healthy siblings. Bundles that turn out to have the same
 * fingerprint and to take in the same line then become one group, which becomes one finding: a fingerprint must outlive
 * edits, but who is to mend something must know which line it is. */
#ifndef ANALYSIS_GROUP_H
#define ANALYSIS_GROUP_H

#include "analysis.h"
#include "pair.h"

enum { GROUP_SAMPLES = 8, CYCLE_EDGES_MAX = 256, GROUP_SITES_MAX = 64, GROUP_OPEN_MAX = 256 };

/* What weakens a finding; also why objects are kept apart from others of the same kind. */
enum group_doubt {
    DOUBT_SKEWED = 1 << 0,     /* birth not seen */
    DOUBT_MISCOUNT = 1 << 1,   /* an observed count did not fit */
    DOUBT_UNCHECKED = 1 << 2,  /* held only from memory whose reachability was not examined */
    DOUBT_FINALIZING = 1 << 3, /* its destructor had begun */
    DOUBT_UNEVEN = 1 << 4,     /* more references from inside a cycle than its counts say */
    DOUBT_VETOED = 1 << 5,     /* a root reaches it by a pointer that took no reference */
    DOUBT_MORE = 1 << 6,       /* the count in memory is higher than what was told */
    DOUBT_LESS = 1 << 7,       /* or lower */
    DOUBT_COPIED = 1 << 8,     /* reachable pointers may own what its slots do no more */
    DOUBT_BORN = 1 << 9,       /* birth not seen, but that of its block */
    DOUBT_RUNNING = 1 << 11,   /* a thread that still ran may hold what is too much */
    DOUBT_ODD = 1 << 10,       /* its slot is no pointer to it, and others at the same place are none either */
};

struct bundle {
    enum prof_verdict verdict;
    prof_type_id type;
    prof_obj_id example;
    uint16_t doubts;
    uint32_t birth_stack, take_stack;
    uint32_t group;
    uint64_t objects, births, surplus;
    uint32_t tally_first, tally_count;
    struct pair_answer pairing;
};

struct group {
    enum prof_verdict verdict;
    prof_type_id type;
    prof_obj_id example;
    uint16_t doubts;
    char fingerprint[20];
    uint64_t bundled; /* what its bundles counted: objects, or whole cycles */
    uint64_t objects, bytes, collateral_objects, collateral_bytes;
    uint64_t purposed; /* objects that are pinned, may leak or are of an immortal type */
    uint64_t first_us, last_us;
    uint64_t refs, unrefs, births; /* births: anonymous ones among what was taken */
    uint64_t surplus;              /* anonymous references not given back */
    uint64_t owned;                /* open references with an owner, those of leaked objects left out */
    int64_t excess;                /* sum of counts that no leaked object explains */
    uint64_t adopted;              /* references that pointers in memory stand for, the living ones too */
    uint64_t living;               /* pointers from what can be reached, of objects that have a reference too many */
    uint64_t examined, nowhere;    /* objects that memory speaks of; those that no pointer points to */
    int64_t unaccounted;           /* counts in memory minus counts by events */
    int64_t told;                  /* counts by events, of those whose count in memory is known */
    uint64_t apart;                /* objects where these differ */
    uint64_t same, fresh, loose;   /* members of cycles: what again, loose of their facts say */
    uint64_t counted, bare; /* objects with a known count; with one that is as told, and too few pointers for it */
    prof_obj_id pointed;    /* an object that a reachable pointer points to, 0 */
    bool uneven;            /* not the same arithmetic for every object */
    bool mixed;             /* the total of held objects: of several types */
    bool paired;            /* some taking site was named */
    uint32_t place_stack;   /* see struct prof_finding */
    uint32_t born_stack, born_votes;
    prof_obj_id samples[GROUP_SAMPLES]; /* smallest serials, ascending */
    uint32_t sample_count;
    uint32_t untold_stack; /* where a reference was taken whose owner gives on untold, 0 */
    uint32_t told_stack;   /* where one was taken whose owner perhaps gave on untold, 0 */
    uint32_t doubt_stack;  /* where it was perhaps given back then, 0: not known */
    const char *scope;
    uint64_t scope_left;
    const char *signature;      /* cycles: "a.peer > b.owner" */
    const char *cycle_type;     /* type of the first object of the signature */
    const char *reason;         /* reachable: "pinned: REASON", or who holds it */
    uint32_t cycle_start;       /* cycles: the object the edges begin at */
    struct pair_answer pairing; /* of the largest bundle */
    uint64_t pairing_objects;
    uint32_t tally_first, tally_count, open_first, open_count;
    uint64_t retained, retained_objects; /* with what only it keeps alive */
    uint32_t cycle_first, cycle_count;   /* cycles: entries of groups.cycles */
    uint64_t held_cycles;                /* among what its causes hold */
    prof_obj_id held_example;            /* a member of one of these */
};
struct group_members {
    prof_obj_id *items;
    size_t count, room;
};
struct group_cycle {
    uint32_t group, component;
};
/* Verdicts about cycles that nothing holds, and about all cycles. */
static inline bool group_is_trash(enum prof_verdict verdict)
{
    return verdict == PROF_CYCLE || verdict == PROF_UNCOLLECTABLE;
}
static inline bool group_is_cycle(enum prof_verdict verdict)
{
    return group_is_trash(verdict) || verdict == PROF_CYCLE_HELD;
}

/* One kind of open reference of a group. */
struct open_sum {
    uint32_t group;
    uint8_t rank; /* order in the finding: 0 the cause, ... */
    struct prof_finding_open open;
};
/* qsort order of open_sum: by group, then rank, then the most frequent first. */
int open_sum_order(const void *left, const void *right);
/* Copies `count` sums (at most GROUP_OPEN_MAX) from `first` on into the finding. false: out of memory. */
bool open_sum_fill(struct analysis *a, const struct open_sum *sums, size_t first, size_t count,
                   struct prof_finding *ret);

/* A release that objects of a group lack. */
struct missing_sum {
    uint32_t group;
    struct prof_finding_missing missing;
};

struct groups {
    struct analysis *a;
    PROF_VEC(struct bundle) bundles;
    PROF_VEC(struct group) list;
    PROF_VEC(struct tally) tallies; /* of bundles, then of groups */
    PROF_VEC(struct open_sum) opens;
    PROF_VEC(struct missing_sum) missings;
    struct map bundle_of_key, tally_of_key, group_of_key, open_of_key, missing_of_key;
    PROF_VEC(uint64_t) keys;             /* scratch */
    PROF_VEC(struct group_cycle) cycles; /* of groups */
    struct graph of_component;           /* component -> its objects, when there are cycles */
    struct learned learned;
    uint32_t *of;             /* by object: bundle, then group; UINT32_MAX none */
    uint32_t reachable_total; /* the group of all objects held by design, UINT32_MAX */
};

/* ---- bundle.c ---- */
/* Fills bundles, of and the tallies of bundles; false without memory, as for all here. */
bool bundle_objects(struct groups *g);

/* ---- cause.c ---- */
/* Hash of a text, 0 for NULL. */
uint64_t group_hash(const char *text);
/* Anonymous births among what was taken: the one that nobody owns yet, and those that an anonymous release took, which
 * count as taken where the object was born. */
uint64_t group_births(struct analysis *a, const struct prof_obj *obj);
/* The taking stack that stands for an object with owned references: the strongest evidence, then any fixed order that
 * does not depend on lines. 0: only anonymous ones. */
bool group_owned_take(struct analysis *a, const struct prof_obj *obj, uint32_t *ret);
/* Why a held object is held, in words: "pinned: REASON", "immortal type", "global g_cache". */
bool group_held_reason(struct analysis *a, prof_obj_id id, const char **ret);
/* Bytes an object accounts for: its extent, or its block. */
uint64_t group_bytes(struct analysis *a, const struct prof_obj *obj);
/* How the object leaks; only for causes. */
bool group_verdict(struct analysis *a, prof_obj_id id, enum prof_verdict *ret_verdict, uint16_t *ret_doubts);
/* Count of references without a slot, births included. */
int64_t group_anonymous(struct analysis *a, const struct prof_obj *obj);
/* How many of them have no pointer in memory that stands for them. */
int64_t group_unmatched(struct analysis *a, prof_obj_id id);
/* How many references taken at this stack (0: all) pointers in memory stand for. */
uint32_t group_adopted(struct analysis *a, prof_obj_id id, uint32_t stack, bool birth);
const char *group_scope(struct analysis *a, const struct prof_obj *obj, uint64_t *ret_left);
/* One of its own references is to itself. */
bool group_holds_itself(const struct analysis *a, prof_obj_id id);
/* Text and rank of an owner for a finding: 0 says most. */
uint8_t group_rank(const struct owner *owner);

/* ---- untold.c ---- */
/* The reference has an owner, but owners of such references gave them on without telling: it counts as one without. */
bool untold_open(struct analysis *a, const struct prof_open *open);
/* One of the references that the count is made of, and its owner can be believed. */
bool untold_owns(struct analysis *a, const struct prof_open *open);

/* ---- group_cycle.c: false without memory ---- */
/* What a cause keeps alive, and which cycle it is or is in. */
bool group_note_cause(struct groups *g, uint32_t at, prof_obj_id id);
/* A cycle among what a cause holds; of each component once. seen: by component. */
void group_note_held_cycle(struct analysis *a, struct group *group, prof_obj_id id, uint8_t *seen);
/* Sorts g->cycles by group, each cycle of several causes once; and lists the objects of all components. */
bool group_sort_cycles(struct groups *g);

/* ---- cycle.c ---- */
/* Shortest cycle through start: edges rotated so that equal cycles read equal, and their signature. *ret_count 0: no
 * cycle of at most CYCLE_EDGES_MAX edges; the signature is then only the type's name. */
bool cycle_describe(struct analysis *a, prof_obj_id start, struct prof_finding_edge *edges, size_t *ret_count,
                    const char **ret_signature);
/* What an edge of the graph that leaves node `from` says: field, stack, whether it is adopted or a birth reference,
 * when it was taken if slots tell. The field of a plain block is NULL when its type is not known. false without memory.
 */
bool cycle_edge(struct analysis *a, uint32_t from, uint32_t index, struct prof_finding_edge *ret);

/* ---- break.c ---- */
/* Is the name one that people give to pointers to where they came from ("parent", "owner")? NULL: no. */
bool cycle_points_back(const char *field);
/* Tries each reference of a finding's cycle: what making that field weak would free, in all cycles of the finding.
 * members: their objects; cause: what holds them from outside, 0 nothing does. Fills in when each was taken and what it
 * frees, the edge to break with the reasons, the one that closed the cycle, and the order of destructors. false without
 * memory. */
bool break_cycle(struct analysis *a, const struct group_members *members, prof_obj_id cause,
                 struct prof_finding_edge *edges, struct prof_finding *ret);

/* Do two references leave the same field of the same type, for the same type? */
bool cycle_same_field(struct analysis *a, const struct prof_finding_edge *x, const struct prof_finding_edge *y);

/* ---- danger.c: false without memory ---- */
/* UNCOLLECTABLE: which destructors of these members need whom. */
bool danger_needs(struct analysis *a, const struct group_members *members, struct prof_finding *ret);
/* Pointers from outside that own nothing and lead into leaked cycles: into their findings. */
bool danger_hazards(struct analysis *a);
/* Objects with fewer counts than known references. */
bool danger_underflows(struct analysis *a);

/* ---- missing.c: false without memory ---- */
/* One taking too many of some objects of a group: they lack the release that serves it, when that is known. */
bool missing_sum(struct groups *g, uint32_t group, const struct pair_open *open);
/* Fills in what is missing, once the open references of the finding and the first missing release of groups that were
 * paired are there. */
bool missing_fill(struct groups *g, uint32_t index, struct prof_finding *ret);

/* ---- report.c ---- */
struct prof_error *report_groups(struct groups *g);
/* ---- sentence.c ---- */
/* Alive when the recording ended early, and nothing else is known against it: memory had pointers to it, or was not
 * read, and siblings do not show that its release was overdue. */
bool group_broken_off(const struct analysis *a, const struct group *group);
const char *sentence_of(struct analysis *a, const struct group *group);
const char *reasons_of(struct analysis *a, const struct group *group, enum prof_strength *ret_strength);

#endif
