/* hold.h: which pointers in memory hold counted objects, at the last checkpoint. Layer-private.
 *
 * A pointer is no count: somebody may have borrowed it. So pointers never make an object garbage that a count or a
 * root keeps. They are used for three things: a recorded slot whose word points elsewhere by now holds nothing (stale);
 * references taken without a slot are adopted by the pointers that may own them (8 bytes, to the object's start, not
 * a recorded slot themselves); and a pointer that can be reached from a root ends every verdict of garbage.
 *
 * An object is examined when it was born before the checkpoint and nothing happened to it since: of others memory says
 * nothing here. All of this lives as long as the analysis. */
#ifndef ANALYSIS_HOLD_H
#define ANALYSIS_HOLD_H

#include "analysis.h"
#include "pair.h"

/* A graph label of an edge that is no recorded reference: index into words. Others are indices of prof_heap_open. */
#define HOLD_WORD (1u << 31)

enum hold_from {
    HOLD_NODE = 1, /* an object or a plain block */
    HOLD_ROOT,     /* data of a module, thread-locals, a root region, mapped memory, memory freed since */
    HOLD_STACK,    /* a thread's stack or register */
};
struct hold_word {
    uint32_t index; /* into the words of the checkpoint */
    uint32_t from;  /* node, GRAPH_NONE unless HOLD_NODE */
    uint32_t to;    /* node */
    uint8_t kind;   /* enum hold_from */
    bool start;     /* points to the start of the object, and is no recorded slot of it: may own a reference */
    bool live;      /* stands in what a root reaches */
    bool adopted;   /* stands for a reference of its object, which is not held */
    uint32_t stack; /* where that one was taken, 0 unknown */
    bool birth;     /* it is the birth reference */
};
/* Was it the same at the checkpoint before? UNKNOWN: there was none, or something was told of it since. */
enum hold_again { HOLD_AGAIN_UNKNOWN = 0, HOLD_AGAIN_SAME, HOLD_AGAIN_OTHER };
struct hold_facts {
    uint32_t words;              /* that point to it, weak ones too, those in itself left out */
    uint32_t anonymous;          /* references without a slot, births, stale slots and unaccounted ones included */
    uint32_t gone;               /* references whose slot was freed or overwritten */
    int64_t unowned;             /* the count without what slots and holders own: anonymous and gone ones, unless some
                                    release named no slot */
    uint32_t live, dead, middle; /* words that may own one: reachable; in what leaks too; reachable, to its middle */
    uint32_t running;            /* words that may own one on stacks of threads that the program's end stopped */
    uint32_t self;               /* words in itself that may own one, when it can be reached */
    uint32_t adopted;            /* words that were taken for references: of an object that is not held */
    int32_t unaccounted;         /* count in memory minus count by events */
    bool examined, counted;      /* counted: its count in memory is known */
    bool no_count;               /* what stood where its count should be was none */
    bool zero;                   /* its own count is 0, by the events it lives */
    bool reached;                /* from a root, by whatever pointers */
    bool held;                   /* reachable words account for all anonymous references */
    bool copied;                 /* the same, for those whose slot is gone: not held, as these were told otherwise */
    bool borrowed;               /* its words were not taken for references: they fit its count by chance at most */
    bool vetoed;                 /* a member of a cycle that a root reaches */
    enum hold_again again;       /* a member of a cycle: the pointers in it that stand for references */
    bool loose;                  /* not all of these are in fields that are known to be pointers */
    bool in_lost;                /* held only by plain blocks that are lost themselves */
    bool odd;                    /* its slot is stale, and none at such a place points to what it was told to own */
};
struct hold {
    const struct prof_memory *memory;
    uint32_t objects; /* nodes below are objects, those from here on blocks */
    uint32_t nodes;
    PROF_VEC(struct hold_word) words; /* by node they point to, then address */
    uint32_t *row;                    /* by node: its words are row[v] .. row[v + 1] - 1 */
    struct hold_facts *facts;         /* by object */
    uint8_t *reached;                 /* by node */
    uint8_t *guess;                   /* by component: pointers close its circles, and some may be left from before */
    struct map weak;                  /* slots that are told to be weak, with their objects */
    bool failed;                      /* no memory for these */
    struct map stale;                 /* recorded slots that point elsewhere by now */
    uint64_t checked;                 /* recorded slots of leaked holders that were looked at, and stale ones */
    struct map owner_of_block;        /* block -> owners */
    PROF_VEC(struct owner) owners;
    struct learned learned; /* which releases serve which takings */
};

/* ---- hold.c ---- */
/* Makes a->hold, by a->reach. slots: edges by recorded slots, labels of prof_heap_open, from: GRAPH_NONE for those in
 * globals and root regions; stale ones are taken out, and those in roots. held: by object, kept by design; what slots
 * in roots keep is added. */
struct prof_error *hold_make(struct analysis *a, struct graph_edges *slots, uint8_t *held);
void hold_free(struct hold *hold);
/* The object's count is 0: by the events, or by its own count when nothing reaches it. a->hold may be NULL. */
bool hold_is_zero(const struct analysis *a, prof_obj_id id);
/* Whose memory an address was at the checkpoint: the object, or the plain block, in a node of reach.h. GRAPH_NONE: it
 * changed its owner since, or is a mapping that the program made. */
uint32_t hold_node_of(struct analysis *a, uint32_t node, uint64_t addr);
static inline bool hold_points_to_start(const struct prof_obj *obj, uint64_t value)
{
    return value == obj->addr || value == obj->start;
}

/* ---- hold_slot.c ---- */
enum { HOLD_CLOCK_STEP_US = 50000 }; /* events may bear a time so much too early */
enum hold_slot { HOLD_SLOT_UNKNOWN = 0, HOLD_SLOT_GOOD, HOLD_SLOT_STALE };
/* For hold_make: does what it says of slots and held. false without memory. */
bool hold_drop_stale(struct analysis *a, struct graph_edges *slots, uint8_t *held);
/* Was the word at an address read? Then its index, of the first when it has several meanings; GRAPH_NONE in *ret:
 * nothing that may be a pointer stood there. */
bool hold_word_at(const struct prof_memory *m, uint64_t at, uint32_t *ret);
/* The slot was found to point elsewhere. hold may be NULL. */
bool hold_is_stale(const struct hold *hold, const struct prof_open *open);
static inline uint64_t hold_slot_key(const struct prof_open *open)
{
    return map_mix(open->slot, open->obj);
}

/* ---- holder.c ---- */
/* Where a word stands: the object with its field, folded through plain blocks, or a text. false without memory. */
bool hold_owner(struct analysis *a, const struct hold_word *word, struct owner *ret);
/* A word from outside that can be reached and points to the object, as "global g_last", "Conn.peer", or with its serial
 * "Conn#40.peer"; NULL in *ret: none. */
bool hold_live_place(struct analysis *a, prof_obj_id id, bool serial, const char **ret);

/* ---- explain.c ---- */
/* Before the graph is built: counts as they stood in memory, objects that reachable pointers account for (held[] and
 * extra), edges by words from what leaks. */
struct prof_error *explain_counts(struct analysis *a, struct graph_edges *edges, uint8_t *held);
/* Components that nothing outside explains: cycles by pointers alone must fit exactly; a root that reaches one ends its
 * verdict. Changes roles. */
struct prof_error *explain_cycles(struct analysis *a);
/* Objects that only lost plain blocks hold are their own causes: into seeds; returns how many. */
size_t explain_lost_blocks(struct analysis *a, const uint8_t *leaked, uint32_t *seeds);

/* ---- again.c ---- */
/* Did a word in an object or block stand there at the checkpoint before? */
enum hold_again again_word(const struct analysis *a, const struct hold_word *word);
/* Is it, by the certain type of its holder, a pointer? */
bool again_is_typed(struct analysis *a, const struct hold_word *word);
/* How long before the last checkpoint that was. */
double again_seconds(const struct analysis *a);

/* ---- twin.c ---- */
struct twins {
    struct map lonely, circling; /* ledger -> objects */
};
/* Counts leaked causes to which no pointer exists, and members of circles, by their ledgers; when roles are given.
 * false without memory. */
bool twin_find(struct analysis *a, struct twins *ret);
/* Most objects of the same type, birth and places as this one, as many left, leak without any pointer to them. */
bool twin_has(struct analysis *a, const struct twins *twins, prof_obj_id id);
void twin_free(struct twins *twins);

/* ---- adopt.c ---- */
enum { TAKES_MOST = 48 }; /* objects with more sites are matched in order */
struct take {
    uint32_t stack, left;
    uint32_t event; /* number of the first one within the life; 0: a birth, or not known */
    bool birth;
};
struct takes {
    struct take list[TAKES_MOST];
    size_t count;
};
/* What was taken without a slot and is left, by site: births first. A guess, by what was learned. false without memory.
 */
bool adopt_left(struct analysis *a, struct learned *learned, const struct prof_obj *obj, struct takes *ret);
/* References without a slot are matched with the words that may own them: fills stack and birth of words and adopted of
 * facts, for objects that are not held. */
bool adopt_takes(struct analysis *a);
/* What the references of the object that nothing accounts for are. births: none was taken since, or all were given
 * back. scoped: healthy objects of its type give them back in the function that took them, so no pointer in memory is
 * one. */
struct left {
    bool births, scoped;
};
bool adopt_kind(struct analysis *a, prof_obj_id id, struct left *ret);

#endif
