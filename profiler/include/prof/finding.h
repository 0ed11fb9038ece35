/* prof/finding.h: verdicts with their evidence, as the reports and --json show them.
 *
 * Layer analysis: reads a heap and symbols, changes neither. A finding is a group of objects (or blocks) with the same
 * verdict, type and evidence; consequences of other findings are folded into them. */
#ifndef PROF_FINDING_H
#define PROF_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/heap.h>
#include <prof/symbol.h>

/* Frozen names: prof_verdict_name gives the spelling of --json. */
enum prof_verdict {
    PROF_MISSING_UNREF = 1, /* a reference was taken (or born) and never given back */
    PROF_CYCLE,             /* objects that only hold each other */
    PROF_CYCLE_HELD,
    PROF_OVER_RETAINED,
    PROF_COLLATERAL, /* alive only because of another finding */
    PROF_OVER_RELEASED,
    PROF_USE_AFTER_RELEASE,
    PROF_ZERO_NOT_FREED,
    PROF_SLOT_OVERWRITTEN,
    PROF_HOLDER_FREED,
    PROF_UNCOLLECTABLE,
    PROF_RESURRECTED,
    PROF_WEAK_HAZARD,
    PROF_FLOATING,
    PROF_LOST,
    PROF_INDIRECT,
    PROF_POSSIBLE,
    PROF_REACHABLE, /* alive at the end, owned by a global, pinned or may_leak: by design until shown otherwise */
    PROF_UNFREED,   /* plain block not freed; reachability was not examined */
    PROF_GROWTH, /* more and more stay alive from mark to mark, or over the run; held or not: statistics, never gates */
    PROF_VERDICT_COUNT_
};
enum prof_strength { PROF_PROVEN = 1, PROF_PROBABLE, PROF_SUSPECT, PROF_STATISTICAL };
/* The three words people know: nobody can give it back, something holds it, there is more and more of it. MISUSED is
 * for what is no memory problem yet: released too often, used too late. */
enum prof_headline { PROF_HEADLINE_LOST = 1, PROF_HEADLINE_HELD, PROF_HEADLINE_GROWING, PROF_HEADLINE_MISUSED };
/* How a reference was matched with its release. `=` for SLOT, `~` for the others. TOLD: a slot owns it by what was
 * told, but a release or trk_own that named no owner may have meant it. */
enum prof_pairing {
    PROF_PAIR_SLOT = 1,
    PROF_PAIR_COUNT,
    PROF_PAIR_LEARNED,
    PROF_PAIR_ADOPTED,
    PROF_PAIR_ANONYMOUS,
    PROF_PAIR_TOLD
};

/* Does it name the slot or holder that owns the reference? */
static inline bool prof_pairing_owned(enum prof_pairing pairing)
{
    return pairing == PROF_PAIR_SLOT || pairing == PROF_PAIR_TOLD;
}

/* What keeps memory alive by itself, strongest evidence first. */
enum prof_root_kind {
    PROF_ROOT_NONE = 0,
    PROF_ROOT_GLOBAL,  /* .data, .bss of a module */
    PROF_ROOT_TLS,     /* thread-local variables, and what the thread library keeps about a thread */
    PROF_ROOT_REGION,  /* trk_root_add */
    PROF_ROOT_PURPOSE, /* trk_pin, trk_may_leak, trk_ignore */
    PROF_ROOT_LOADER,  /* blocks of the dynamic loader, which keeps them where nobody else looks */
    PROF_ROOT_STACK,   /* from the stack pointer up */
    PROF_ROOT_REGISTER,
    PROF_ROOT_MAPPED,     /* shared or file-backed memory */
    PROF_ROOT_MMAP,       /* the program mapped it itself */
    PROF_ROOT_FREED,      /* memory that was freed after it had been read */
    PROF_ROOT_UNRECORDED, /* heap memory whose allocation was not recorded */
    PROF_ROOT_COUNT_
};

const char *prof_verdict_name(enum prof_verdict verdict); /* "missing-unref" */
bool prof_verdict_parse(const char *name, enum prof_verdict *ret);
/* By default. A finding of such a verdict gates when it is proven or probable; verdicts added by fail_on gate at any
 * strength. */
bool prof_verdict_gates(enum prof_verdict verdict);
const char *prof_strength_name(enum prof_strength strength);
const char *prof_headline_name(enum prof_headline headline);
const char *prof_pairing_name(enum prof_pairing pairing);
const char *prof_root_name(enum prof_root_kind kind); /* "globals" */
bool prof_root_parse(const char *name, enum prof_root_kind *ret);

/* One open reference of the group (or, for unmatched sites, one take site). */
struct prof_finding_open {
    uint32_t stack;       /* where it was taken */
    uint32_t moved_stack; /* where it came to its present owner, when that is another place; 0 */
    uint64_t count;       /* over all objects of the group */
    enum prof_pairing pairing;
    bool birth;               /* the birth reference */
    const char *holder_type;  /* NULL: not held by an object */
    const char *holder_field; /* "peer", "+16", NULL */
    prof_obj_id holder_obj;   /* an example */
    uint32_t holder_serial;   /* the holder died: Type#serial of an example; holder_obj is 0 then. 0: alive or none */
    const char *holder_text;  /* "global g_cache", "local variable", "freed memory", NULL */
};
/* One site of the balance of the group: anonymous events, summed. */
struct prof_finding_site {
    uint32_t stack;
    uint64_t taken, given; /* UNFREED and REACHABLE totals: taken is the number of blocks or objects born here */
    double healthy_taken, healthy_given; /* mean per correctly freed object */
    uint64_t bytes;                      /* UNFREED and REACHABLE totals only */
};

/* GROWTH: how much was alive at one of the moments compared. */
struct prof_finding_step {
    const char *mark; /* the mark's name; NULL: a moment by time */
    uint64_t at_us, objects, bytes;
};

/* Held, and yet more than ever before: objects of one type and place of birth that were no more from each mark to the
 * next (that would be GROWTH), but are above their peak and were still added between the last two. No finding: a table
 * may fill late. What it is about, struct prof_growth says. */
struct prof_rise {
    const char *type;
    uint32_t born_stack;
    const struct prof_finding_step *steps; /* the marks */
    size_t step_count;                     /* at least 3 */
    uint64_t now;
};

struct prof_finding_edge {
    prof_obj_id from, to;
    const char *field;
    uint32_t stack;    /* where the reference was taken, 0 unknown */
    bool adopted;      /* no slot was told: a pointer in memory stands for the reference */
    bool birth;        /* the reference that `to` was born with */
    bool back;         /* its name says that it points back ("parent", "owner") */
    bool needed;       /* the destructor of `from` needs what it points to */
    bool timed;        /* it is known when the reference was taken */
    uint64_t taken_us; /* when; 0 is the first tick of the recording, or unknown */
    /* Simulated: what would be freed if this field counted in none of the finding's cycles; in held ones, with the
     * references too many given back. */
    bool tried;
    uint64_t frees_objects, frees_bytes;
};
/* An object that does not leak keeps a pointer into a cycle that owns nothing: it dangles once the cycle is freed. */
struct prof_finding_hazard {
    prof_obj_id obj;  /* what it points to */
    const char *text; /* where it stands */
    uint32_t stack;   /* where it was set, 0 unknown */
};

/* A step from a root to what it holds: where a pointer stands that leads on. */
struct prof_path_step {
    const char *text; /* "global g_cache", "stack of thread 3"; behind the root "Table.buckets[]", "malloc in grow()",
                         "struct conn.next" */
    prof_obj_id obj;  /* the object in which it stands, 0 none */
    uint64_t at;      /* its address; of registers 8 * number; 0 without a pointer (kept on purpose, mapped) */
    bool interior;    /* it points into the middle of what comes next */
};

/* A release that never came. */
enum { PROF_MISSING_MOST = 8 };
struct prof_finding_missing {
    uint32_t stack;      /* where healthy objects make it */
    uint32_t take_stack; /* of the reference that it would have given back */
    bool birth;          /* which is that of the birth */
    uint64_t named;      /* how many of the finding's objects lack it */
    uint64_t healthy_named, healthy_of;
};
struct prof_finding {
    /* 1, 2, ...: @leak:ID. The same whatever the options say of suppressions, baselines and what gates; those that only
     * leak_kinds_all tells apart have the last numbers. 0: the sum of these, when it does not. */
    uint32_t id;
    bool apart, total; /* one of these; their sum */
    enum prof_verdict verdict;
    enum prof_strength strength;
    enum prof_headline headline;
    bool gating;               /* fails a check: not suppressed, baselined, may_leak, and its verdict gates */
    const char *suppressed_by; /* "FILE:LINE" or "baseline" or "may-leak: REASON"; NULL. "baseline, perhaps:
                                * ...": one of the two has no names to compare places by, and the audit is uncertain */
    const char *type;          /* "" for plain blocks */
    const char *block_type;    /* of plain blocks: "struct conn", "struct conn[] (~ from net.c:31)"; NULL not known */
    uint64_t objects, bytes;
    uint64_t purposed; /* of the objects: pinned, told to may leak, or of an immortal type */
    uint64_t collateral_objects, collateral_bytes; /* folded below it */
    uint64_t first_us, last_us;                    /* births */
    uint32_t born_stack;                           /* of most objects */
    uint32_t place_stack; /* its line tells it from findings with the same fingerprint; 0: the fingerprint says all */
    const struct prof_finding_open *open;
    size_t open_count; /* most frequent first */
    const struct prof_finding_site *sites;
    size_t site_count;
    uint32_t other_stack;   /* incidents: the second place */
    const char *other_what; /* "first released at", "freed at" */
    bool slot_freed;        /* WEAK_HAZARD: the memory of the weak pointer is gone, not the object */
    const struct prof_finding_edge *edges;
    size_t edge_count; /* cycles: in order, closing */
    const prof_obj_id *samples;
    size_t sample_count; /* <= 8, smallest serials */
    const struct prof_finding_step *steps;
    size_t step_count;    /* GROWTH: at least 2, in order */
    uint64_t sample_addr; /* plain blocks: an example */
    bool plain;           /* it speaks of plain blocks */
    /* The run was broken off (by a signal, or the trace ends before it), and all that is known is that they were alive
     * then: nothing is called lost, and no release missing. */
    bool broken_off;
    /* By memory: what holds the example; a path to it, from the root, without the example itself. */
    enum prof_root_kind root; /* PROF_ROOT_NONE: nothing does, or it was not examined */
    const struct prof_path_step *path;
    size_t path_count;
    uint64_t path_left_out; /* steps in the middle of a long path: behind the first half of those here */
    uint64_t cycles;        /* LOST: how many of the blocks lead a cycle of blocks that point at each other */
    uint64_t cycle_most;    /* the largest of these */
    /* The release that correctly freed objects of the type make and these did not (learned: always `~`). 0: none known.
     */
    uint32_t missing_stack;
    uint64_t missing_named, missing_of; /* how many of the group's objects lack it, of all */
    uint64_t healthy_named, healthy_of; /* how many correctly freed objects were released there, of all */
    /* Of other references that the same objects have too many: at most PROF_MISSING_MOST. */
    const struct prof_finding_missing *also_missing;
    size_t also_count;
    uint32_t break_edge;              /* cycles: index of the edge to break (make weak) first */
    const char *const *break_reasons; /* why that one: "its name says that it points back"; none without edges */
    size_t break_reason_count;
    uint32_t closing_edge; /* cycles: index of the edge that was taken last; edge_count: not known */
    uint64_t held_cycles;  /* cycles among what it alone keeps alive; edges are of one of these unless it is a cycle */
    const prof_obj_id *ends; /* cycles: which objects would end, in this order, were that edge weak */
    size_t end_count;        /* the first 8 of them */
    /* Held cycles: what would be freed if only the references too many were given back. */
    uint64_t release_objects, release_bytes;
    /* Of leaked objects: with all that only they keep alive; 0 objects: not known. */
    uint64_t retained_objects, retained_bytes;
    const struct prof_finding_edge *needs; /* UNCOLLECTABLE: which destructors need whom; at most 8 */
    size_t need_count;
    const struct prof_finding_hazard *hazards; /* cycles: at most 8 */
    size_t hazard_count;
    uint64_t hazards_all;
    /* How many objects the baseline has under its fingerprint, or at its line when that is one of the baseline's; 0:
     * not in the baseline. */
    uint64_t baseline_objects;
    bool baseline_elsewhere; /* all of these at other lines */
    const char *scope;       /* born in this TRK_SCOPE and alive at its end; NULL */
    const char *sentence;    /* the arithmetic: "count is 1 too high: 3 taken, 2 given back" */
    const char *reasons;     /* why not stronger, or NULL: "no check of memory; events lost" */
    char fingerprint[20];    /* v1: 16 hex digits */
};

/* What the last checkpoint says, and how far that goes. */
struct prof_audit_memory {
    bool read;    /* there is one */
    bool refused; /* --no-memory */
    /* Not read: "was not read (--no-memory)", and what that costs and what to do about it. NULL when it was. */
    const char *not_read, *cost;
    unsigned rung, why; /* enum trk_memory_rung, enum trk_memory_why */
    const char *name;   /* of the mark or scope, "" */
    uint64_t at_us, pause_us, took_us, read_bytes, unread_bytes;
    uint64_t words; /* that may be pointers */
    uint32_t threads, threads_unread;
    uint64_t unexamined, unexamined_bytes; /* blocks born, or moved, since */
    /* Blocks, those of objects included. */
    uint64_t held, held_bytes, possible, possible_bytes, lost, lost_bytes, indirect, indirect_bytes;
    enum prof_strength strength; /* the strongest that a verdict by it can be */
    const char *weaker;          /* why not proven; NULL */
};

struct prof_audit {
    uint64_t events, lost;
    uint64_t refs, refs_slot, refs_holder, refs_anon;
    double coverage;                    /* share of references with an owner, 0..1; -1: no references at all */
    uint64_t counts_seen, counts_wrong; /* count identity: "not checked" when 0 seen */
    uint64_t counts_inline; /* those that differ and may: of types that count in place, too (TRK_TYPE_INLINE) */
    /* Those wrong are few (at most one in a thousand) and the order of some events was a guess: they prove nothing. */
    bool counts_guessed;
    uint64_t skewed, forced, revived;
    /* Memory at the last checkpoint: recorded slots of what leaks that were looked at, those that point elsewhere by
     * now; objects whose count was compared with the events', those that differ; objects in cycles that a root reaches.
     */
    bool memory_read;
    uint64_t slots_checked, slots_stale, memory_counts, memory_more, memory_less, vetoed;
    uint64_t memory_inline; /* of memory_counts those that differ and may; the others do in memory_more and _less */
    uint64_t memory_none;   /* objects with something else where their count should be: a wrong offset? */
    uint64_t adopted;       /* references without a slot that pointers in memory stand for */
    uint64_t untold;        /* events that look like misuse only in an order that was a guess: counted, not told */
    /* PROF_INCIDENT_NO_SOURCE: how often an owner was told of a reference that is not there (trk_own where trk_move was
     * meant), where first, and where the owner before then was set, 0 not one. */
    uint64_t overowned;
    uint32_t overowned_stack, overowned_before;
    struct prof_audit_memory memory;
    bool bytes_known;
    double bytes_unknown_share;
    bool certain;              /* false: "no leak" may not be said; why is why_uncertain */
    const char *why_uncertain; /* NULL when certain */
    bool end_is_all;           /* of that: nothing but that the run has not ended */
};

/* Byte identity: RSS = live + slack + retained + mmap + stacks + files + reftrack + unknown (bytes), and slopes. live
 * and slack are what can be resident of the blocks; the rest of them stands outside the sum as untouched: asked for and
 * never written to, or swapped out. untouched is the least it can be: blocks whose pages other blocks might fill are
 * not in it. */
struct prof_bytes {
    bool known;
    uint64_t at_us, rss;
    int64_t live, slack, retained, mmap, stacks, files, reftrack, unknown, untouched;
    bool slopes_known; /* enough samples over enough time */
    double rss_per_h, live_per_h, slack_per_h, retained_per_h, mmap_per_h, stacks_per_h, files_per_h, reftrack_per_h,
        unknown_per_h, untouched_per_h;
};

struct prof_suppressions; /* see below */
struct prof_baseline;
struct prof_findings_options {
    const struct prof_suppressions *suppressions; /* may be NULL */
    const struct prof_baseline *baseline;         /* may be NULL */
    uint64_t fail_on;                             /* bit (1 << verdict) for verdicts that gate; 0: default set */
    bool leak_kinds_all;     /* keep REACHABLE and UNFREED as separate findings instead of only totals */
    uint64_t from_us, to_us; /* only objects born in the window; to 0: end */
    uint32_t without_roots;  /* bits (1 << enum prof_root_kind): these hold nothing */
    bool no_unaligned;       /* pointers at addresses that are no multiples of their size hold nothing */
    bool no_heuristics;      /* pointers behind the head of a C++ array, and into what GLib made, hold only possibly */
};
struct prof_findings;
struct prof_error *prof_findings_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                        const struct prof_findings_options *options, struct prof_findings **ret);
void prof_findings_destroy(struct prof_findings *findings);
size_t prof_findings_list(const struct prof_findings *findings, const struct prof_finding **ret);
const struct prof_audit *prof_findings_audit(const struct prof_findings *findings);
const struct prof_bytes *prof_findings_bytes(const struct prof_findings *findings);
const struct prof_rise *
prof_findings_rise(const struct prof_findings *findings);          /* the one of most bytes; NULL: none */
size_t prof_findings_gating(const struct prof_findings *findings); /* how many gate */
/* What memory says of a block that is alive: PROF_LOST, PROF_INDIRECT, PROF_POSSIBLE or PROF_REACHABLE; PROF_UNFREED:
 * it was not examined. */
enum prof_verdict prof_findings_of_block(const struct prof_findings *findings, prof_block_id block);
/* The finding an object belongs to, NULL none. */
const struct prof_finding *prof_findings_of(const struct prof_findings *findings, prof_obj_id obj);

/* Objects with fewer counts than references that are known to be held: a reference was taken without counting, or
 * given back once too often. Never called garbage. At most 64, oldest first; *ret_all: how many there are. */
struct prof_underflow {
    prof_obj_id obj;
    int64_t count; /* in memory when observed, else by the events */
    int64_t known; /* variables and holders that own one each */
    bool observed;
};
size_t prof_findings_underflows(const struct prof_findings *findings, const struct prof_underflow **ret,
                                uint64_t *ret_all);

/* ---- Suppressions and baselines --------------------------------------------------------------------------------
 * Suppression files may mix three syntaxes: LSan lines `leak:GLOB`; Valgrind blocks `{ name  Memcheck:Leak  fun:GLOB
 * obj:GLOB src:GLOB  ... }`; and own lines `verdict:NAME|type:GLOB|fun:GLOB|fingerprint:HEX [reason:TEXT]
 * [expires:YYYY-MM-DD] [max:N]` (all conditions of a line must hold). `#` begins a comment. */
struct prof_suppressions;
struct prof_error *prof_suppressions_create(struct prof_suppressions **ret);
struct prof_error *prof_suppressions_read(struct prof_suppressions *s, const char *path);
void prof_suppressions_destroy(struct prof_suppressions *s);
/* How often each was used, for the table at the end of reports. */
struct prof_suppression_use {
    const char *place, *text;
    uint64_t findings, objects, bytes;
    bool expired;
};
size_t prof_suppressions_used(const struct prof_suppressions *s, const struct prof_suppression_use **ret);
/* A suppression that would match this finding, as lines of our own syntax (malloc'ed). */
char *prof_suppression_for(const struct prof_findings *findings, const struct prof_finding *finding);

/* A baseline is the --json output of an earlier run. Findings whose fingerprint is in it do not gate when each of their
 * lines can be one of the baseline's lines of that fingerprint, no two of them the same one, with no more objects.
 * Where only the baseline or only the trace has names of functions, findings of one verdict and type cannot be told
 * apart: they do not gate, and the audit is uncertain. Lines may have moved, so numbers of lines decide only which ones
 * are too many. Of a baseline that was written without lines (before "site" was told) only the sum of objects counts.
 */
struct prof_baseline;
struct prof_error *prof_baseline_read(const char *path, struct prof_baseline **ret);
void prof_baseline_destroy(struct prof_baseline *baseline);
/* Findings of the baseline that did not come again, of verdicts that gate by default. Borrowed from findings, text from
 * the baseline, which must live as long. */
struct prof_baseline_gone {
    const char *fingerprint, *verdict, *type;
    uint64_t objects;
    bool named, nameless; /* functions of its places have names; have none */
};
size_t prof_findings_gone(const struct prof_findings *findings, const struct prof_baseline_gone **ret);

#endif
