/* state.h: the state of a heap while it is filled, shared by the files of this folder. Private.
 *
 * Who owns what:
 *   pool.h     records with dense ids and free lists
 *   addr.c     live addresses to blocks and objects (hot)
 *   block.c    allocation, free, realloc, mmap          space.c   which block or object contains an address
 *   object.c   births, deaths, the grave                opens.c   open references and the index of their slots
 *   ref.c      refs, unrefs, moves                      site.c    anonymous balances, learning (lives.c)
 *   thread.c   threads, scopes, contexts, marks         stat.c    totals per stack and type
 *   incident.c incidents                                heap.c    creation, the order of things, accessors
 *   moment.c   what was alive at marks and samples  type.c    definitions and totals of types
 *   checkpoint.c  what memory said last, and what was freed since
 *   save.c     the state as bytes; and back: restore.c, put.c, rebuild.c, by the tables of layout.c
 *
 * The grave. A dead object stays in it for the next GRAVES deaths, still found by its address: events that come late or
 * in error are told from events on unknown memory, and what would be a verdict at its death is decided when it leaves
 * the grave (bury), when late events had their chance. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/table.h>
#include <base/vec.h>
#include <pairing/lives.h>
#include <prof/heap.h>

#include "addr.h"
#include "pool.h"

enum {
    GRAVES = 1024,        /* dead objects that are remembered */
    FREED = 1024,         /* freed blocks that are */
    RECENT_BLOCKS = 1024, /* cache of space.c */
    SLOT_PAGES = 1 << 16, /* counters of open slots by page */
    LATE_LIVES = 64,
    GUESSES = 1024, /* addresses whose last guess is remembered; a power of 2 */
    SITE_CACHE = 1 << 12,
    DISOWNED = 1 << 8,      /* objects with disowned references that are remembered */
    MOMENTS_MAX = 16,       /* kept of each kind */
    CHECKPOINTS = 1000,     /* whose facts are remembered */
    FREED_SINCE = 1 << 20,  /* ranges freed since the last checkpoint that are remembered */
    LIFE_ENTRIES = 1 << 20, /* of the lives of all types that are kept */
};

/* A flag of prof_block that nobody else sees: between the two events of a realloc, at no address. */
enum { BLOCK_IN_LIMBO = 1 << 7 };

/* prof_obj.flags that nobody else sees are in prof_obj.internal. */
enum obj_internal {
    OBJ_KEPT = 1 << 0,       /* an incident mentions it */
    OBJ_BIRTH_OPEN = 1 << 1, /* has a PROF_OPEN_BIRTH */
    OBJ_HAS_WEAK = 1 << 2,
    OBJ_FORCED = 1 << 3,  /* order was a guess at some event of its life */
    OBJ_FOLDED = 1 << 4,  /* its anonymous sites are in the type sites */
    OBJ_EXCUSED = 1 << 5, /* scratch of scope ends */
    OBJ_QUIET = 1 << 6,   /* dead: says nothing about leaks (skewed, parked) */
    OBJ_UNSURE = 1 << 7,  /* a reference without source was owned: the anonymous balance does not add up */
};

/* prof_open.index: which index it is in. */
enum open_index { OPEN_NOWHERE = 0, OPEN_BY_SLOT, OPEN_ASIDE = PROF_OPEN_ASIDE, OPEN_BY_HOLDER, OPEN_LIMBO };

/* Where and when: the part of an event that incidents cite. */
struct place {
    uint64_t at_us;
    uint32_t stack, tid;
};

/* One dead object in the grave (obj 0: the entry is free or was taken out early). */
struct grave {
    uint64_t addr;
    prof_obj_id obj;
    bool by_free; /* its block was freed; else deleted */
    struct place death;
    uint64_t number; /* of its last release + 2^32; 0: that bore none */
};
/* One freed block, still found by its address. */
struct freed_block {
    uint64_t key; /* in the address table */
    prof_block_id block;
    struct place death;
};

/* A counted life that left the grave while its counts said that events were still missing. */
struct late_life {
    uint64_t addr;
    int32_t missing; /* > 0: refs, < 0: unrefs */
};

/* The order of events at this address was a guess, last then. What follows may have been meant for another life there.
 */
struct guess {
    uint64_t addr, at_us;
};

struct weak {
    uint64_t slot, at_us;
    uint32_t stack, tid;
    uint32_t next;
    prof_block_id block;           /* that contained the slot, 0 */
    uint64_t block_addr, block_is; /* weak.c */
    bool registered;               /* whoever clears it writes to the slot; borrowed pointers are just there */
};
struct weak_head {
    UT_hash_handle hh;
    prof_obj_id obj;
    uint32_t first;
};

/* References held by what lies in one granule. */
struct holder_head {
    UT_hash_handle hh;
    uint64_t granule;
    uint32_t first;
};

/* A destructor that runs. */
struct finalizer {
    UT_hash_handle hh;
    prof_obj_id obj;
    int32_t count;           /* at its begin */
    struct place begin, ref; /* ref: the last one inside */
};

struct scope_birth {
    prof_obj_id obj;
    prof_type_id type;
    uint32_t serial;
};
struct open_scope {
    uint64_t number; /* the program's */
    uint16_t index;  /* into scopes, 0 when those are used up */
    uint16_t parent;
    uint64_t begin_us;
    uint32_t stack, text;
    PROF_VEC(struct scope_birth) births;
    size_t compact_at;
};

struct thread {
    UT_hash_handle hh;
    uint32_t tid;
    uint32_t disabled;        /* depth of trk_disable */
    prof_block_id last_alloc; /* by the last allocator event, 0: that was something else */
    /* A realloc between its two events. */
    bool in_limbo;
    prof_block_id limbo_block;
    uint64_t limbo_addr;
    uint32_t limbo_opens; /* by chain_next */
    struct place limbo_place;
    PROF_VEC(struct open_scope) scopes;
    uint32_t context_text;
    uint64_t context_id;
    uint32_t context; /* made at the first birth in it, 0 */
};

struct context {
    struct prof_context pub;
    uint32_t text;  /* id of the key */
    uint32_t users; /* objects, and the thread that is in it */
    uint32_t next_free;
};

struct stat {
    struct prof_stack_stat pub;
    uint32_t stack;
    uint32_t moment; /* the last one when pub.live changed */
    uint64_t epoch;  /* of peaks: pub.peak_bytes belongs to this one */
};

struct type_state {
    struct prof_type pub;
    uint32_t next_serial;
    uint32_t restored_serial; /* those below it were given before the state that the trace begins with */
    int64_t offset;
    struct pairing_bag *lives; /* of correctly freed objects; NULL: none was seen */
    bool defined;              /* its definition has been seen */
    bool in_place;             /* TRK_TYPE_INLINE */
};

struct incident_key {
    uint32_t kind, type, stack, other_stack, told, forced;
};
enum { INCIDENT_RECENT = 8 };
struct incident_head {
    UT_hash_handle hh;
    struct incident_key key;
    uint32_t index;
    uint32_t recent[INCIDENT_RECENT]; /* serials of the last objects counted; 0 none */
    uint32_t recent_at;
};

/* A counter keyed by two numbers (own open addressing: one increment per closed pair and per death). */
struct count_entry {
    uint64_t key;
    uint32_t low;
    uint64_t taken, given, objects;
};
struct count_table {
    struct count_entry *entries;
    size_t mask, count;
};

struct moment {
    struct prof_moment pub;
    uint32_t text;    /* id of the name */
    uint16_t ordinal; /* from 1, never changes */
    uint8_t kind;
};
struct moment_kind {
    uint64_t seen, stride; /* every stride-th one is kept */
    size_t kept;
};
/* What is alive of one stack's blocks from one moment to another, both included. */
struct moment_run {
    uint32_t stack;
    uint8_t first, last; /* indices of moments */
    uint64_t live, bytes;
};

struct site_cached {
    prof_obj_id obj;
    uint32_t serial, stack, index;
};

/* References of an object that had an owner until it was taken from them, a moment before they are given back as a
 * rule.
 */
struct disowned {
    prof_obj_id obj;
    uint32_t serial;
    uint32_t slots, holders;
    uint32_t stack, event; /* of the last one; how many refs and unrefs came before it */
};

struct spoil {
    uint64_t at_us;
    struct prof_gone_holder holder; /* type 0 and serial 0: no object, or it was overwritten */
    uint32_t tid;
    bool forced;
};

struct range {
    uint64_t start, end;
};

struct watch;   /* history.c */
struct restore; /* restore.h */

struct prof_heap {
    struct prof_trace *trace;
    struct prof_heap_totals totals;
    struct prof_heap_options options;
    bool no_memory; /* sticks: checked after each batch */
    bool begun;     /* events or a state came */
    bool finished;  /* no event may follow */
    bool stopped;   /* until_us or until_mark was reached */
    bool forced;    /* the event being applied is a guess at the order */
    bool told;      /* what is wrong with it is so in any order of the threads */

    struct addr_table addrs;       /* live, and remembered dead, addresses */
    struct addr_table large;       /* blocks of LARGE_BYTES and more, by size class and place */
    uint64_t large_classes[2][64]; /* how many, by custom and size class */
    uint64_t custom_blocks;
    struct pool blocks;           /* struct prof_block */
    struct pool objs;             /* struct prof_obj */
    struct pool opens;            /* struct prof_open */
    struct pool sites;            /* struct prof_site_count */
    struct pool weaks;            /* struct weak */
    PROF_VEC(prof_block_id) maps; /* mmap blocks by address */
    prof_block_id recent[RECENT_BLOCKS];

    struct grave graves[GRAVES];
    size_t grave_at;
    struct freed_block freed[FREED];
    size_t freed_at;
    struct late_life late[LATE_LIVES];
    size_t late_at, late_count;
    struct guess guesses[GUESSES]; /* by address; two that meet in one place: the newer one */
    /* The object that reached zero last, and the number of that release as in its grave. */
    uint64_t zeroed, zero_number;

    /* Index of open references: chains by slot granule, and aside those by (object, slot). */
    uint32_t *slot_heads, *aside_heads;
    size_t slot_mask, slot_count, aside_mask, aside_count;
    uint32_t slot_pages[SLOT_PAGES];
    uint32_t holder_pages[SLOT_PAGES];
    struct holder_head *holders;
    size_t holder_count;
    struct spoil *spoils; /* by open index; pages are touched only for spoiled ones */
    size_t spoil_room;

    struct weak_head *weak_heads;
    struct finalizer *finalizers;

    struct type_state *types;
    uint32_t type_max;
    PROF_VEC(uint32_t) stat_index; /* by stack id: index into stats + 1 */
    PROF_VEC(struct stat) stats;
    uint64_t peak_epoch;
    struct count_table sites_learned, pairs_learned;
    size_t life_entries; /* kept of all types */
    struct site_cached site_cache[SITE_CACHE];
    struct disowned disowned[DISOWNED]; /* by object; a collision forgets, which only lowers the coverage */

    PROF_VEC(uint16_t) block_types; /* by block id, as far as any was told: what typed.c makes of it; 0: nothing */
    struct chunk *chunks;           /* by address */
    struct chunk_pool *chunk_pools; /* those that have chunks */
    struct thread *threads;
    struct thread *thread; /* the last one */
    PROF_VEC(struct prof_scope) scopes;
    PROF_VEC(uint16_t) scope_parents;
    PROF_VEC(struct context) contexts;
    uint32_t context_free;
    PROF_VEC(struct prof_mark) marks;
    PROF_VEC(struct trk_mem) mem;
    PROF_VEC(struct prof_mem_live) mem_live;
    PROF_VEC(struct prof_root_region) roots;

    struct moment moments[2 * MOMENTS_MAX];
    struct prof_moment moments_told[2 * MOMENTS_MAX];
    size_t moment_count;
    uint16_t moment_now; /* ordinal of the last one */
    struct moment_kind moment_kinds[2];
    struct count_table moment_deaths; /* objects: how many, taken: their bytes */
    PROF_VEC(struct moment_run) moment_runs;
    PROF_VEC(struct prof_population) populations;
    struct prof_then *population_then; /* NULL: not made yet */

    const struct prof_memory *memory;             /* of the last checkpoint, shared; NULL: none was */
    PROF_VEC(struct prof_checkpoint) checkpoints; /* they own their names */
    bool compared;                                /* its words with those of the checkpoint before, which is listed */
    PROF_VEC(uint8_t) again;                      /* then, by word: it stood there before */
    PROF_VEC(struct range) freed_since;
    bool freed_full;          /* there was more */
    struct range *freed_view; /* by address, none touches the next; made on demand */
    size_t freed_view_count;

    PROF_VEC(struct prof_incident) incidents;
    struct incident_head *incident_heads;

    /* Results made once when the trace is over. */
    PROF_VEC(struct prof_type_site) type_sites;
    PROF_VEC(struct prof_type_pair) type_pairs;

    /* Containment by address, made on demand (find.c). */
    struct spans {
        struct span *items;
        size_t count;
        uint64_t *every; /* where every 16th begins */
    } obj_spans, block_spans;
    bool spans_made;

    struct restore *restore; /* NULL unless a state has been read in part */
    struct watch *watch;     /* NULL unless a history is being made */
    prof_obj_id touched;     /* object of the event being applied */
};

static inline struct prof_obj *obj_of(const struct prof_heap *h, prof_obj_id id)
{
    return (struct prof_obj *)h->objs.items + id;
}
static inline struct prof_block *block_of(const struct prof_heap *h, prof_block_id id)
{
    return (struct prof_block *)h->blocks.items + id;
}
static inline struct prof_open *open_of(const struct prof_heap *h, uint32_t index)
{
    return (struct prof_open *)h->opens.items + index;
}
static inline struct prof_site_count *site_of(const struct prof_heap *h, uint32_t index)
{
    return (struct prof_site_count *)h->sites.items + index;
}
static inline struct weak *weak_of(const struct prof_heap *h, uint32_t index)
{
    return (struct weak *)h->weaks.items + index;
}
/* Whoever goes along learns of the beginning and the end of a life. */
static inline void follow_born(const struct prof_heap *h, prof_obj_id id, bool old)
{
    if (h->options.follow != NULL && h->options.follow->born != NULL)
        h->options.follow->born(h->options.follow->ctx, id, old);
}
static inline void follow_died(const struct prof_heap *h, prof_obj_id id)
{
    if (h->options.follow != NULL && h->options.follow->died != NULL)
        h->options.follow->died(h->options.follow->ctx, id);
}
static inline void follow_left(const struct prof_heap *h, uint32_t open, const struct prof_event *e)
{
    if (h->options.follow != NULL && h->options.follow->left != NULL)
        h->options.follow->left(h->options.follow->ctx, open_of(h, open), e);
}
static inline struct place place_of(const struct prof_event *e)
{
    return (struct place){ e->time_us, e->stack, e->tid };
}
/* Calls of compiled functions are events: births are told last, by constructors that return. */
static inline bool heap_hooked(const struct prof_heap *h)
{
    return prof_trace_meta(h->trace, "hooks") != NULL;
}

static inline bool obj_alive(const struct prof_obj *obj)
{
    return obj->state == PROF_OBJ_ALIVE || obj->state == PROF_OBJ_ZERO || obj->state == PROF_OBJ_PARKED;
}
/* The count as far as it is known best: what the program told, else by events. */
static inline int32_t obj_count(const struct prof_obj *obj)
{
    return (obj->flags & PROF_OBJ_COUNTED) != 0 ? obj->observed : obj->count;
}
/* Whether obj_count can be far from the truth: references are taken and given back where nobody tells. */
static inline bool obj_count_is_part(const struct prof_heap *h, const struct prof_obj *obj)
{
    return h->types[obj->type].in_place && (obj->flags & PROF_OBJ_COUNTED) == 0;
}
static inline uint64_t mix64(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

/* block.c */
void block_alloc(struct prof_heap *h, const struct prof_event *e);
void block_free(struct prof_heap *h, const struct prof_event *e);
void block_realloc_begin(struct prof_heap *h, const struct prof_event *e);
void block_ignore(struct prof_heap *h, const struct prof_event *e);
void block_realloc_fail(struct prof_heap *h, const struct prof_event *e);
/* The trace ends: what hangs in a realloc is put back. */
void block_settle(struct prof_heap *h);

/* space.c: innermost live block, or object of a block, that contains addr; 0 none. */
prof_block_id space_block_at(struct prof_heap *h, uint64_t addr);
prof_obj_id space_obj_at(struct prof_heap *h, uint64_t addr);
void space_add_large(struct prof_heap *h, prof_block_id id);
void space_drop_large(struct prof_heap *h, prof_block_id id);
bool space_in_large(const struct prof_heap *h, prof_block_id id); /* of any id: is it in the table of large blocks? */
/* Index of the first mapping that ends behind addr. */
size_t space_map_from(const struct prof_heap *h, uint64_t addr);

/* object.c */
void object_new(struct prof_heap *h, const struct prof_event *e);
/* NEW of an id that is known to be free at addr: births of pools and skewed objects use it too. 0: out of memory. */
prof_obj_id object_make(struct prof_heap *h, const struct prof_event *e, prof_type_id type);
/* Ends obj. by_free: its block goes; else DEL. */
void object_end(struct prof_heap *h, prof_obj_id id, const struct prof_event *e, bool by_free);
/* Takes it out of the grave, with all verdicts. reused: its address already belongs to somebody else. */
void object_bury(struct prof_heap *h, prof_obj_id id, bool reused);
void object_bury_all(struct prof_heap *h);
void object_place(struct prof_heap *h, prof_obj_id id, prof_block_id block); /* extent and block list */
void object_leave_block(struct prof_heap *h, prof_obj_id id);
void object_del(struct prof_heap *h, const struct prof_event *e);
void object_misc(struct prof_heap *h, const struct prof_event *e); /* park, reuse, retype, dtor, pin, weak, ... */
const struct grave *object_grave(const struct prof_heap *h, prof_obj_id id);
/* Who is meant by an event that needs a live object. 0: nobody, the event was dealt with or is to be ignored.
 * make: unknown addresses become skewed objects. */
prof_obj_id object_for(struct prof_heap *h, const struct prof_event *e, bool make);
void object_set_zero(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);
void object_set_alive(struct prof_heap *h, struct prof_obj *obj);
void finalizer_note_ref(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);
void finalizers_deinit(struct prof_heap *h);
bool finalizer_restore(struct prof_heap *h, const struct finalizer *f); /* false: its object has one */

/* weak.c */
void weak_event(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);
/* Pointers whose memory is gone are none any more. at: the last release, by which the others are cleared: they are
 * told. */
void weak_gone(struct prof_heap *h, prof_obj_id id, const struct place *at);
void weak_bury(struct prof_heap *h, prof_obj_id id, const struct grave *grave);
void weaks_finish(struct prof_heap *h); /* pointers to living objects, in memory that is gone */
void weaks_deinit(struct prof_heap *h);
bool weak_restore(struct prof_heap *h, prof_obj_id id, uint32_t first); /* false: the object has some already */

/* ref.c */
void ref_ref(struct prof_heap *h, const struct prof_event *e);
void ref_unref(struct prof_heap *h, const struct prof_event *e);
void ref_move(struct prof_heap *h, const struct prof_event *e);
void ref_sink(struct prof_heap *h, const struct prof_event *e);
/* The newest anonymous reference becomes that of a pool, which no book has. False: there is none. */
bool ref_leave_to_pool(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);
void ref_count_seen(struct prof_heap *h, const struct prof_event *e);
/* A count that the program told after an event on obj. */
void ref_observe(struct prof_heap *h, prof_obj_id id, int64_t count, bool unsure); /* unsure: may be another life's */
/* The holder of an open reference ends, and gives it back where nobody tells (TRK_TYPE_INLINE). */
void ref_given_inside(struct prof_heap *h, uint32_t open, const struct prof_event *e);
/* A counted event that a dead object still missed. */
void ref_apply_late(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);
/* Does the program itself tell that e is where it seems to be: by a count below zero, or by the number of the change?
 * The latter only when births bear numbers, too: else those of another life at the address look the same. */
bool ref_is_certain(const struct prof_heap *h, const struct prof_obj *obj, const struct prof_event *e);
/* Is this counted event the missing one of an earlier life at its address? Takes it then. */
bool ref_is_late(struct prof_heap *h, const struct prof_event *e);

/* doubt.c. An event of the object that named no owner may have meant any reference that is owned now. */
void doubt_owners(struct prof_heap *h, prof_obj_id id);
/* Did the two stacks leave one call of a function, the one at `changed` perhaps from a function that it called for
 * that? As in x->f = obj_ref(y), where `told` is the stack of trk_own. Where only call sites were recorded nothing
 * speaks against it. */
bool doubt_one_call(const struct prof_heap *h, uint32_t changed, uint32_t told);
/* Does a trk_own with this stack come right behind the newest taking without owner, and was called beside it? */
bool doubt_follows(const struct prof_heap *h, prof_obj_id id, uint32_t owned);

/* opens.c. kind SLOT or HOLDER puts it into the index and marks what it overwrites. 0: out of memory. */
uint32_t open_add(struct prof_heap *h, prof_obj_id id, enum prof_open_kind kind, uint64_t slot,
                  const struct place *taken);
void open_remove(struct prof_heap *h, uint32_t index);
/* It was taken elsewhere than thought, and stays where it is among those of its object. */
void open_retake(struct prof_heap *h, uint32_t index, const struct place *taken);
/* Newest open reference of (obj, slot) of this kind; 0 none. */
uint32_t open_find(struct prof_heap *h, prof_obj_id id, enum prof_open_kind kind, uint64_t slot);
/* The birth reference; 0 none. */
uint32_t open_find_birth(const struct prof_heap *h, prof_obj_id id);
/* Gives a reference another owner, clearing what spoiled it. */
void open_rehome(struct prof_heap *h, uint32_t index, enum prof_open_kind kind, uint64_t slot,
                 const struct prof_event *e);
/* The memory [start, start+size) died: references owned by slots in it are marked. It was that of holder, 0: of no
 * object. */
void open_range_died(struct prof_heap *h, uint64_t start, uint64_t size, prof_obj_id holder,
                     const struct prof_event *e);
/* Takes the references owned inside a range out of the index into a list (by chain_next), and puts a list back at other
 * addresses; what no longer fits into `size` bytes counts as died. */
uint32_t open_range_take(struct prof_heap *h, uint64_t start, uint64_t size);
void open_range_put(struct prof_heap *h, uint32_t list, uint64_t from, uint64_t to, uint64_t size,
                    const struct place *at);
/* All of a dead object: they leave the index, and are freed unless it is kept. */
void open_drop_all(struct prof_heap *h, prof_obj_id id, bool keep);
void open_prefetch(const struct prof_heap *h, uint64_t slot);
void open_prefetch_head(const struct prof_heap *h, uint64_t slot);
/* All indexes from what the records say (restored ones); a static text says what does not fit. */
const char *opens_relink(struct prof_heap *h);
void opens_deinit(struct prof_heap *h);

/* site.c */
/* number: of the event within the life, 0 not known. */
void site_take(struct prof_heap *h, prof_obj_id id, uint32_t stack, uint64_t at_us, uint32_t number);
void site_give(struct prof_heap *h, prof_obj_id id, uint32_t stack, uint64_t at_us);
/* Takes back the newest anonymous taking, which got an owner: fills *ret; false: there is none. */
bool site_untake(struct prof_heap *h, prof_obj_id id, struct place *ret);
void site_drop_all(struct prof_heap *h, prof_obj_id id);
void site_learn(struct prof_heap *h, prof_obj_id id);
/* The same numbers of an object that died otherwise: nothing is learned from it. */
void site_count_misused(struct prof_heap *h, prof_obj_id id);
/* And one event of an object that is dead. */
void site_count_late(struct prof_heap *h, prof_type_id type, const struct prof_event *e);
void site_learn_pair(struct prof_heap *h, prof_type_id type, uint32_t taken, uint32_t given);
void site_finish(struct prof_heap *h);
void sites_deinit(struct prof_heap *h);
/* The entry of a key (not 0) in a table of counters, zero when new. NULL without memory. */
struct count_entry *count_at(struct prof_heap *h, struct count_table *table, uint64_t key, uint32_t low);

/* lives.c */
void lives_learn(struct prof_heap *h, prof_obj_id id); /* it was freed correctly */
void lives_deinit(struct prof_heap *h);
void lives_restore_bag(struct prof_heap *h, prof_type_id type, uint64_t all, uint32_t level);
/* Of a type whose bag was restored; false: there is no such life. */
bool lives_restore(struct prof_heap *h, prof_type_id type, const struct pairing_entry *entries, size_t count,
                   uint64_t lives);

/* stat.c */
struct stat *stat_make(struct prof_heap *h, uint32_t stack);
/* Never NULL; short-lived. */
static inline struct stat *stat_of(struct prof_heap *h, uint32_t stack)
{
    if (stack < h->stat_index.count && h->stat_index.items[stack] != 0)
        return &h->stats.items[h->stat_index.items[stack] - 1];
    return stat_make(h, stack);
}
void stat_alloc(struct prof_heap *h, uint32_t stack, uint64_t size);
void stat_free(struct prof_heap *h, uint32_t stack, uint64_t size, bool temporary);
void stat_peak(struct prof_heap *h, uint64_t at_us);
void stat_finish(struct prof_heap *h);
bool stat_restore(struct prof_heap *h, const struct stat *stat); /* false: its stack has one */
void type_live_add(struct type_state *type, uint64_t size);

/* thread.c */
struct thread *thread_find(struct prof_heap *h, uint32_t tid); /* never NULL: out of memory yields a shared spare */
static inline struct thread *thread_of(struct prof_heap *h, uint32_t tid)
{
    return h->thread != NULL && h->thread->tid == tid ? h->thread : thread_find(h, tid);
}
/* ---- typed.c ---- */
void typed_event(struct prof_heap *h, const struct prof_event *e);
/* What was told of a block that is alive; false: nothing. */
bool typed_of(const struct prof_heap *h, prof_block_id id, prof_type_id *ret, bool *ret_array);
void typed_set(struct prof_heap *h, prof_block_id id, prof_type_id type, bool array);
/* The block is over. */
static inline void typed_gone(struct prof_heap *h, prof_block_id id)
{
    if (id < h->block_types.count)
        h->block_types.items[id] = 0;
}

/* ---- chunk.c ---- */
/* A custom block that was just born is a chunk of a pool; false: it is one already. It is gone. */
bool chunk_born(struct prof_heap *h, uint64_t addr, uint64_t pool);
/* A custom block is a chunk, and there are custom blocks that are none. */
bool chunk_may_hold_blocks(const struct prof_heap *h, uint64_t addr);
void chunk_gone(struct prof_heap *h, uint64_t addr);
void chunk_pool_event(struct prof_heap *h, const struct prof_event *e);
void chunk_each(const struct prof_heap *h, void (*each)(void *ctx, uint64_t addr, uint64_t pool), void *ctx);
void chunks_deinit(struct prof_heap *h);

void thread_event(struct prof_heap *h, const struct prof_event *e); /* scopes, contexts, marks */
void thread_birth(struct prof_heap *h, prof_obj_id id);             /* scope and context of a new object */
void thread_context_release(struct prof_heap *h, uint32_t context);
void thread_renamed(struct prof_heap *h, const struct scope_birth *was); /* an object got another type */
void threads_deinit(struct prof_heap *h);
void mark_add(struct prof_heap *h, const struct prof_event *e, uint32_t text); /* text: id of the name */

/* marks.c: adds one; of very many, some of the oldest are given up. */
void marks_push(struct prof_heap *h, const struct prof_mark *mark);

/* moment.c */
/* name NULL: a memory sample; text: id of the name */
void moment_add(struct prof_heap *h, const char *name, uint32_t text, uint64_t at_us);
void moments_tell(struct prof_heap *h); /* the public list of moments follows h->moments */
/* obj dies and saw a moment (obj->moment is not moment_now); before it is changed. */
void moment_death(struct prof_heap *h, const struct prof_obj *obj);
/* The live blocks of a stack are about to change, for the first time after a moment. */
void moment_stat(struct prof_heap *h, struct stat *stat);
void moments_finish(struct prof_heap *h);
void moments_forget(struct prof_heap *h); /* populations */
void moments_deinit(struct prof_heap *h);

/* checkpoint.c */
void checkpoint_take(struct prof_heap *h, const struct prof_memory *memory); /* shares it */
void checkpoint_freed(struct prof_heap *h, uint64_t start, uint64_t size);   /* of an examined block */
/* The facts of an earlier one; name: taken over. */
void checkpoint_list(struct prof_heap *h, const struct prof_checkpoint *facts, char *name);
void checkpoint_forget(struct prof_heap *h); /* what was made on demand */
void checkpoint_deinit(struct prof_heap *h);

/* incident.c. Fills what the object tells; returns NULL when it was counted into an equal one, or without memory. */
struct prof_incident *incident_add(struct prof_heap *h, enum prof_incident_kind kind, prof_obj_id obj,
                                   const struct place *at, const struct place *other);
/* The open reference is spoiled (overwritten, holder freed) and nothing will change that any more. */
/* The event being applied is a guess at the order, and concerns this address. */
void incident_guess(struct prof_heap *h, uint64_t addr, uint64_t at_us);
void incident_spoiled(struct prof_heap *h, uint32_t open);
void incidents_finish(struct prof_heap *h); /* spoiled references of living objects */
void incidents_deinit(struct prof_heap *h);
/* Appends it with the objects it remembers (INCIDENT_RECENT); false: there is an equal one. */
bool incident_restore(struct prof_heap *h, const struct prof_incident *incident, uint32_t type, const uint32_t *recent,
                      uint32_t recent_at);

/* find.c */
void find_forget(struct prof_heap *h);

/* type.c */
bool types_cover(struct prof_heap *h, uint32_t max); /* ids below max have a record, defined or not; false: no memory */
/* The number of the next object of a type (serial.c): from 1, or the numbers that a filter of the recording asked for.
 */
uint32_t serial_take(struct prof_heap *h, prof_type_id type);
prof_type_id type_cited(struct prof_heap *h, uint64_t id); /* by an event; 0: unknown */

/* restore.c */
void restore_deinit(struct prof_heap *h);
struct prof_error *restore_unfinished(struct prof_heap *h);

/* heap.c */
void heap_apply(struct prof_heap *h, const struct prof_event *events, size_t count);
/* What fills a heap that can change; ctx: the heap. */
extern const struct prof_trace_sink heap_sink;
/* What was made on demand is made again when it is asked for again. */
void heap_forget(struct prof_heap *h);
struct prof_error *heap_fill(struct prof_trace *trace, const struct prof_heap_options *options, struct watch *watch,
                             struct prof_heap **ret);

/* history.c: called around every event while a history is made. */
void watch_before(struct prof_heap *h);
void watch_after(struct prof_heap *h, const struct prof_event *e);
struct prof_error *watch_error(const struct watch *watch);
/* life.c: the same for a block. */
struct life_watch;
void life_restored(struct prof_heap *h, struct life_watch *w);
void life_after(struct life_watch *w, const struct prof_event *e);
bool life_failed(const struct life_watch *w);
struct prof_error *history_of_block(struct prof_heap *heap, struct life_watch *life);
void watch_restored(struct prof_heap *h);              /* the life may have begun in the state */
void watch_named(struct prof_heap *h, prof_obj_id id); /* id got its name */
void watch_taken(struct prof_heap *h, uint32_t open);
void watch_given(struct prof_heap *h, uint32_t open);

#endif
