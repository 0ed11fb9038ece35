/* analysis.h: what the files of this layer share while findings are made. Layer-private.
 *
 * The way of an object: owner.c says who owns each open reference; classify.c decides, over the whole graph, whether
 * the object is a cause, a consequence or held by design; hold.c, explain.c and adopt.c tell it what memory says, when
 * it was read; group.c puts equal causes together; pair.c asks correctly freed siblings which reference is the one too
 * many; report.c turns groups into findings; incident.c and block.c add what needs no graph; growth.c compares moments
 * of the run. */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/str.h>
#include <base/vec.h>
#include <graph/graph.h>
#include <prof/finding.h>

#include "map.h"
#include "reach.h"

struct prof_findings {
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    struct prof_arena arena; /* everything that findings point to */
    PROF_VEC(struct prof_finding) list;
    PROF_VEC(struct prof_baseline_gone) gone;
    uint32_t *of; /* by object: index into list + 1, 0 none */
    uint32_t obj_max;
    uint8_t *class_of; /* by block: enum reach_class; NULL: memory was not read */
    uint32_t block_max;
    PROF_VEC(struct prof_underflow) underflows;
    uint64_t underflows_all;
    struct prof_audit audit;
    struct prof_bytes bytes;
    struct prof_rise rise; /* no type: none */
    size_t gating;
};

/* A place in the program where references are taken or given: all stacks with the same site frame. */
struct site {
    uint64_t key;      /* of function, module and line */
    uint64_t function; /* of function and module: equal for all lines of a function */
    const char *name;  /* function, or "libfoo.so+0x1a40" */
    uint32_t stack;    /* one of its stacks */
};

/* Who owns an open reference. */
enum owner_kind {
    OWNER_NOBODY = 1, /* a birth reference without owner */
    OWNER_OBJECT,     /* inside a live object */
    OWNER_BLOCK,      /* inside a live block without objects */
    OWNER_HEAP,       /* in heap memory whose allocation was not recorded */
    OWNER_GLOBAL,     /* .data or .bss */
    OWNER_REGION,     /* trk_root_add */
    OWNER_STACK,      /* the main thread's stack */
    OWNER_THREAD,     /* memory of another thread: its stack or its thread-local variables */
    OWNER_UNKNOWN,
    OWNER_FREED,       /* the memory around the slot was freed */
    OWNER_OVERWRITTEN, /* the slot owns another object now */
    OWNER_STALE,       /* memory says that the slot points elsewhere */
};
struct owner {
    enum owner_kind kind;
    prof_obj_id obj;     /* OWNER_OBJECT */
    prof_block_id block; /* OWNER_BLOCK */
    uint32_t serial;     /* OWNER_FREED with a type: of the dead holder */
    const char *type;    /* of the holding object, also a dead one, else NULL */
    const char *field;   /* "peer", "+16", NULL */
    const char *text;    /* "global g_cache", NULL for live objects */
};

/* What became of an object. */
enum fate {
    FATE_NONE = 0,  /* dead, parked, not examined */
    FATE_LEAKED,    /* examined and not reachable; role says more */
    FATE_REACHABLE, /* held by design: global, pinned, may_leak, immortal, or the program did not end */
};
enum role {
    ROLE_CONSEQUENCE = 0, /* held only by other leaked objects */
    ROLE_SOURCE,          /* has a count that no leaked object explains */
    ROLE_CYCLE,           /* member of a component whose counts are all explained from inside */
    ROLE_UNEXPLAINED,     /* alive without any count: no evidence, not reported */
};

/* Work state of prof_findings_create. */
struct analysis {
    struct prof_findings *out;
    struct prof_heap *heap;
    struct prof_symbols *symbols;
    const struct prof_findings_options *options;
    struct prof_arena *arena;  /* == &out->arena */
    struct prof_intern intern; /* texts that live as long as the work; copied when a finding keeps them */

    /* The run. */
    bool ended;            /* the program reached its end: what is alive now is never released */
    const char *not_ended; /* why not */
    bool broken_off;       /* by a signal, or with the recording: what is alive was perhaps about to be released */
    uint64_t lost;         /* records */
    uint64_t untold;       /* misuse that only a guessed order shows */
    uint32_t main_tid;
    bool malloc_seen;        /* allocator events were recorded */
    uint64_t from_us, to_us; /* window of births */

    /* Sites. */
    PROF_VEC(struct site) sites;
    struct map site_of_stack, site_of_key;
    struct map place_of_slot; /* slot -> index into places */
    PROF_VEC(struct owner) places;
    struct map windows; /* 64 MiB windows with live blocks */
    bool windows_known;
    struct map untold_places; /* (type, site) where owners were told that no release named */
    bool untold_known;
    struct map field_of; /* (type, offset) -> index into fields */
    PROF_VEC(const char *) fields;
    struct map text_of_block_site;
    PROF_VEC(const char *) block_texts;

    struct reach *reach; /* what memory says of blocks; NULL: it was not read */

    /* The graph of never released objects; nodes are object ids below n, and from there on, when memory was read, plain
     * blocks: n + id. Arrays of nodes. */
    uint32_t n, nodes;
    bool pointers_wanted; /* `hold` also where there are no objects */
    struct hold *hold;    /* what memory says of objects; NULL: it was not read */
    struct graph graph;   /* label: index for prof_heap_open, or a word (hold.h) */
    uint8_t *fate;        /* enum fate */
    uint8_t *role;        /* enum role */
    int32_t *extra;       /* count minus references from leaked objects */
    uint32_t *component;  /* of leaked objects */
    uint32_t *root;       /* reachable: the held object it hangs on; leaked: the cause it is a consequence of */
    uint32_t *scratch;    /* n entries of GRAPH_NONE */
    uint32_t component_count;
    uint32_t *component_size;
    uint64_t cycle_budget;   /* edges that searches for cycles may still look at */
    struct what_if *what_if; /* NULL until it is asked for */
};

/* ---- finding.c ---- */
/* The work state for out's heap and symbols. out, which must have its arena, and options must outlive it. */
void analysis_init(struct analysis *a, struct prof_findings *out, const struct prof_findings_options *options);
/* The same with an `out` of its own, for prof_findings_destroy, and the facts of the run. options may be NULL. false
 * without memory: there is nothing to end. */
bool analysis_begin(struct analysis *a, struct prof_heap *heap, struct prof_symbols *symbols,
                    const struct prof_findings_options *options);
void analysis_deinit(struct analysis *a);

/* ---- site.c ---- */
/* Index into sites of a stack; UINT32_MAX without memory. */
uint32_t site_of(struct analysis *a, uint32_t stack);

/* ---- owner.c ---- */
/* false without memory. */
bool owner_of(struct analysis *a, const struct prof_open *open, struct owner *ret);
/* The same without field and text of a live holder: for passes over all references. */
bool owner_unnamed(struct analysis *a, const struct prof_open *open, struct owner *ret);
/* Parts of it. The live object whose memory the address lies in, or the live block around it that is no mapping. */
void owner_memory(struct analysis *a, uint64_t addr, prof_obj_id *ret_obj, prof_block_id *ret_block);
/* at: address of the field, 0 none is named. */
bool owner_object(struct analysis *a, prof_obj_id id, uint64_t at, struct owner *ret);
bool owner_block(struct analysis *a, prof_block_id id, struct owner *ret);
/* The field at an offset of a plain block whose type is known, "items[].next"; NULL in *ret: not known. false without
 * memory. */
bool owner_block_field(struct analysis *a, prof_block_id id, uint64_t offset, const char **ret);
/* "global NAME"; NULL without memory. */
const char *owner_global(struct analysis *a, const struct prof_place *place);
/* Name of the registered root region, "" without one; NULL: the address lies in none. */
const char *owner_region(struct analysis *a, uint64_t addr);
/* The reference keeps its object alive by design at the end of the run. */
bool owner_is_root(const struct analysis *a, const struct owner *owner);

/* ---- reach_heap.c ---- */
/* Makes a->reach when there is a checkpoint. */
struct prof_error *reach_of_heap(struct analysis *a);
/* The strongest that a verdict by memory can be, and why not more (NULL: it can be proven). */
enum prof_strength reach_strength(struct analysis *a, const char **ret_why);
/* How sure it is, at most, that objects are garbage which the events leave nothing but each other. examined: memory was
 * read while they were there as they are now, and no variable that holds one of them held anything else. What no
 * pointer leads to then is garbage for ever; else the end of the run must say that nobody comes back to it. */
enum prof_strength reach_garbage_strength(struct analysis *a, bool examined, uint64_t objects);
/* Memory was not read: "was not read (--no-memory)", and what that costs and what to do. NULL without memory. */
const char *reach_not_read(struct analysis *a, const char **ret_cost);

/* The certain type of what lies at addr in a node, and where it begins; NULL: a guess at most. */
const struct prof_layout *reach_layout(struct analysis *a, const struct reach_node *node, uint64_t addr,
                                       uint64_t *start);

/* ---- reach_path.c ---- */
/* A root in words, "global g_cache": of a word in it, or GRAPH_NONE when it is the node itself. NULL without memory. */
const char *reach_root_text(struct analysis *a, enum prof_root_kind kind, uint32_t word);
/* Keeps the classes of blocks for prof_findings_of_block, and tells of findings of objects what holds their first
 * example. false without memory. */
bool reach_keep(struct analysis *a);
/* Fills in root and path of a finding about a node. false without memory. */
bool reach_tell_path(struct analysis *a, uint32_t node, struct prof_finding *finding);

/* Where a pointer in a block or object stands, "struct conn.next": text and obj of the step. false without memory. */
bool reach_holder_step(struct analysis *a, uint64_t at, struct prof_path_step *step);

/* ---- classify.c ---- */
struct prof_error *classify(struct analysis *a);
void classify_deinit(struct analysis *a);
/* Pinned, told to may leak, or of an immortal type. */
bool kept_on_purpose(const struct analysis *a, const struct prof_obj *obj);

/* ---- group.c, report.c, incident.c, block.c, growth.c: each appends findings ---- */
struct prof_error *group_objects(struct analysis *a);
struct prof_error *incident_findings(struct analysis *a);
struct prof_error *block_findings(struct analysis *a);
struct prof_error *growth_findings(struct analysis *a);

/* Index of the most that there was at moments up to where it began to rise to the last one, which is now: something
 * grows when there is more of it now than there was then. count > 0. */
size_t growth_peak(const uint64_t *values, size_t count);

/* Alive, and not the memory of an object, a mapping, or from before main. */
bool block_is_plain(const struct prof_block *block);

/* A finding with the members that every kind sets: verdict, its headline, type, birth window. */
struct prof_finding finding_blank(enum prof_verdict verdict, const char *type);
/* The stack whose functions identify a finding: the first open reference, else the incident's, else the birth. */
uint32_t finding_take_stack(const struct prof_finding *finding);

/* ---- fingerprint.c ---- */
enum { FINGERPRINT_FRAMES = 4 };
/* v1: verdict, type (cycles: their signature) and the function chain of a stack. */
void fingerprint_make(struct prof_symbols *symbols, enum prof_verdict verdict, const char *type, uint32_t stack,
                      char ret[20]);

/* ---- unhooked.c ---- */
/* References are told by half only: why (borrowed from the arena), NULL: they are not. */
const char *unhooked_half(struct analysis *a);
/* Then what counts say of objects proves nothing. */
void unhooked_weaken(struct analysis *a);
/* Adds to the reasons why nothing is certain. */
void unhooked_say(struct analysis *a, struct prof_str *why);

/* ---- audit.c, bytes.c ---- */
void audit_make(struct analysis *a);
/* Found after that: one more reason why the answer is uncertain. why: static text. */
void audit_doubt(struct analysis *a, const char *why);
void bytes_make(struct prof_heap *heap, struct prof_bytes *ret);
/* glibc's chunk for a request on 64-bit: what the program may use, and what the heap spends (header included). */
uint64_t bytes_usable(uint64_t request);
uint64_t bytes_chunk(uint64_t request);
struct bytes_point {
    uint64_t at_us;
    double value;
};
/* Slope per hour by least squares. */
double bytes_slope(const struct bytes_point *points, size_t count);

/* ---- run.c ---- */
/* Facts about the end of the run: ended, not_ended, lost, main_tid, malloc_seen. */
void run_facts(struct analysis *a);

static inline bool in_window(const struct analysis *a, uint64_t at_us)
{
    return at_us >= a->from_us && at_us <= a->to_us;
}

#endif
