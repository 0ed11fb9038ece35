/* engine.h: the state of libtrack in one process, and what its parts offer each other. Internal.
 *
 * One copy of the engine per process records (the owner); other copies hand everything to it (engine_owner.c).
 * Life of a copy: NEW -> STARTING -> LIVE, IDLE, INERT or FORWARD; LIVE -> IDLE when nobody will drain any more; IDLE
 * -> STARTING -> LIVE when somebody asks for a recording (wake.h).
 *
 * Threads: each recording thread writes its own ring through a private struct trk_thread. That struct lives in a page
 * which a forked child sees zero-filled, and every zero in it leads the child to the slow path. */
#ifndef TRACK_ENGINE_H
#define TRACK_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>
#include <track/layout.h>

#include "hook.h"
#include "prim.h"
#include "stack.h"

struct trk_look_ask; /* look.h */
struct trk_type;

enum trk_phase {
    TRK_PHASE_NEW = 0,
    TRK_PHASE_STARTING = 1,
    TRK_PHASE_IDLE = 2, /* nobody asked for a recording, it could not start, or it is over */
    TRK_PHASE_LIVE = 3,
    TRK_PHASE_INERT = 5,   /* privileged process: never looks at the environment */
    TRK_PHASE_FORWARD = 6, /* another copy owns this process */
};

/* Which of the three configured depths an event's stack takes. */
enum trk_depth { TRK_DEPTH_NONE = 0, TRK_DEPTH_BIRTH = 1, TRK_DEPTH_REF = 2, TRK_DEPTH_FREE = 3, TRK_DEPTH_COUNT };

#ifndef TRK_RING_LOG2_MIN   /* the model of the ring protocol has smaller ones */
#define TRK_RING_LOG2_MIN 6 /* log2 of the fewest slots of a ring */
#endif

/* What the shortest path does about stacks. */
enum trk_stack_want {
    TRK_STACK = 0,    /* not its business: a filter, or exact time */
    TRK_SITE = 1,     /* the call site */
    TRK_NO_STACK = 2, /* nothing */
    TRK_WHOLE = 3,    /* and more: stacks of at most (want - TRK_WHOLE) frames */
};

enum {
    TRK_SITES_LOG2 = 9, /* entries of a thread's call-site cache */
    TRK_SITES = 1 << TRK_SITES_LOG2,
    TRK_PAGE = 4096,
    TRK_WIPE = TRK_PAGE_MAX, /* bytes of a thread's state that fork wipes: no page holds them and others */
    TRK_MARGIN = 256, /* slots kept free for handlers that interrupt a writer between its test and its reservation */
    TRK_SCOPES = 16,  /* open scopes per thread */
    TRK_BIRTHS = 16,  /* births by hooked functions that a thread remembers */
    TRK_GATES = 32,   /* copies that can follow the owner */
    TRK_ERAS = 256,   /* arenas in the life of a process; each one leaves its address range behind */
};

/* The recorder's heartbeat, as a waiting thread saw it. Zeros: not yet. */
struct trk_heart {
    uint64_t beat, moved_ns; /* and when it last moved */
};

/* One ring as its writing thread sees it: bound to that ring for the life of the process image. The first page is wiped
 * on fork; the call-site cache and the stack cache behind it are not, because their content stays true. All members are
 * written by the owning thread only, except `owner`. Up to `extras` the layout is that of struct trk_inline_ring, which
 * programs were compiled with. */
struct trk_thread {
    struct trk_slot scratch;       /* after a wipe delta and mask are 0: a write in flight lands here */
    uint64_t cursor;               /* next position; only trk_take changes it */
    uint64_t limit;                /* soft: tested before a reservation, see TRK_MARGIN */
    int64_t delta;                 /* ring data - this struct, in bytes */
    uint64_t mask;                 /* slots of the ring - 1 */
    uint64_t tick;                 /* last tick written */
    uint32_t shift;                /* log2 of the slots */
    uint32_t era;                  /* of its arena */
    uint64_t extras;               /* flight mode: slots written that begin no event */
    uint32_t max_stack;            /* largest stack id seen: a larger one was interned just now */
    uint8_t want[TRK_DEPTH_COUNT]; /* enum trk_stack_want of each kind of event */
    uint8_t retired;               /* the thread left this ring for another one */
    uint8_t gave_up;               /* waited in vain; do not wait again before there was room */
    uint8_t due;                   /* THREAD not yet written for this owner; limit is 0 until then */
    struct trk_shm_ring *ring;     /* NULL after a wipe */
    uint64_t owner;   /* thread id, and above it a count of owners; atomic, partner: other threads' claims */
    uint64_t pending; /* drops not yet reported in band */
    uint64_t holes;   /* ring->holes when last looked at */
    uint64_t tail;    /* ring->tail when last looked at */
    struct trk_heart heart;
    uintptr_t lo, hi; /* bounds of the thread's stack, 0 when unknown */
    uint64_t *calls;  /* of hooked functions (struct trk_shm_hooks), counted here; NULL: none are hooked */
};

#define TRK_SAME_PLACE(member)                                                                                         \
    (offsetof(struct trk_thread, member) == offsetof(struct trk_inline_ring, member) &&                                \
     sizeof(((struct trk_thread *)0)->member) == sizeof(((struct trk_inline_ring *)0)->member))
_Static_assert(TRK_SAME_PLACE(scratch) && TRK_SAME_PLACE(cursor) && TRK_SAME_PLACE(limit) && TRK_SAME_PLACE(delta) &&
                   TRK_SAME_PLACE(mask) && TRK_SAME_PLACE(tick) && TRK_SAME_PLACE(shift) && TRK_SAME_PLACE(era) &&
                   TRK_SAME_PLACE(extras) && offsetof(struct trk_inline_ring, extras) == 64 &&
                   offsetof(struct trk_inline_self, clock) == 8,
               "frozen");
#undef TRK_SAME_PLACE

/* The ring of a state; NULL after a wipe, which may come between two looks. */
static inline struct trk_shm_ring *trk_thread_ring(const struct trk_thread *st)
{
    return __atomic_load_n(&st->ring, __ATOMIC_ACQUIRE);
}

static inline uint64_t *trk_thread_sites(struct trk_thread *st)
{
    return (uint64_t *)(void *)((char *)st + TRK_WIPE);
}

static inline struct trk_stack_cache *trk_thread_stack_cache(struct trk_thread *st)
{
    return (struct trk_stack_cache *)(void *)((char *)st + TRK_WIPE + TRK_SITES * sizeof(uint64_t));
}

/* What a thread has besides its ring; copied by fork. */
struct trk_tls {
    struct trk_thread *self; /* NULL: no ring (yet) */
    uint32_t busy;           /* inside a slow path */
    uint32_t misses;         /* events since the last vain search for a ring */
    uintptr_t busy_sp;       /* where that slow path's frame is */
    uint64_t busy_tick;
    uint64_t retry_tick; /* do not look for a ring before */
    uint32_t scopes[TRK_SCOPES];
    uint32_t disabled;    /* depth of trk_disable */
    uint32_t scope_depth; /* may exceed TRK_SCOPES: the excess is counted, not named */
    uint32_t era;         /* of the arena that all this is about */
    /* For filters; addresses are kept inverted, so that nobody takes them for pointers of the program. */
    uint32_t last_kind;  /* enum trk_alloc_kind of last_block */
    uint64_t last_block; /* allocated last and left out; 0 none */
    uint64_t last_size;
    uint64_t realloc_old;      /* a recorded realloc of this block has begun */
    uint64_t births;           /* by hooked functions, so far */
    uint64_t born[TRK_BIRTHS]; /* the last ones, inverted as above */
};
extern __thread struct trk_tls trk_tls __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What verbs that are written in place know of this thread. ring: NULL, or the beginning of *trk_tls.self. */
extern __thread struct trk_inline_self trk_inline_tls __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A page that a forked child sees zero-filled: tells fork from vfork and threads. */
struct trk_sentinel {
    uint32_t state; /* 0: new process; 1: somebody is setting it up; 2: done. Atomic, partner: trk_engine_here */
    uint32_t gates; /* 0: the gates may still be the parent's (wake.c) */
};

/* An event on its way from a verb to the ring. */
struct trk_event {
    uint8_t op; /* enum trk_op */
    uint8_t aux;
    uint8_t depth; /* enum trk_depth */
    uint8_t exts;  /* EXT slots set below */
    uint8_t ext_kind[TRK_MAX_EXT];
    uint64_t ext_value[TRK_MAX_EXT];
    uint64_t addr, arg;
    struct trk_frame at;   /* where the stack starts, when depth is not NONE */
    uintptr_t caller;      /* nonzero: frames before the one with this return address are left out */
    const char *text;      /* not NULL: interned and added as EXT_TEXT */
    struct trk_type *type; /* not NULL: registered, its id becomes arg */
};

/* What one copy offers the others. Frozen: a copy of another abi stays out. */
enum { TRK_TABLE_ABI = 1 };
enum trk_control {
    TRK_CONTROL_LOADED = 1,
    TRK_CONTROL_UNLOADED = 2,
    TRK_CONTROL_EXIT = 3,         /* number: status */
    TRK_CONTROL_MALLOC_OWNER = 4, /* number: flag; text */
    TRK_CONTROL_OWN = 5,          /* memory of libtrack from text on; number: bytes | enum trk_own_kind */
    TRK_CONTROL_ABORT = 6,        /* no end yet: a handler may jump */
    TRK_CONTROL_CHECKED = 7,      /* memory was looked at as if the program ended: not again when it does */
};
struct trk_engine_table {
    uint32_t abi;
    uint32_t bytes;
    void (*emit)(const struct trk_event *ev);
    uint32_t (*type_register)(struct trk_type *type);
    void (*control)(enum trk_control what, uint64_t number, const char *text);
    bool (*busy)(void);
    void (*start)(void);
    /* Keeps a follower's gate bytes equal to the owner's until abandon. */
    void (*adopt)(volatile unsigned char *gate, volatile unsigned char *malloc_gate);
    void (*abandon)(volatile unsigned char *gate);
    /* Members of later versions; `bytes` tells. */
    int (*look)(const struct trk_look_ask *what);
};
/* The ownership symbol: the dynamic linker gives every copy that exports it the same one. */
extern const struct trk_engine_table trk_engine_v1 TRK_EXPORT;
extern TRK_EXPORT volatile unsigned char trk_gate_v1;

enum { TRK_RANGES = 1024 };
struct trk_range {
    uintptr_t start, end;
    bool wanted; /* by the filter */
};
/* Executable ranges of the process; two buffers, the current one is replaced as a whole. */
struct trk_ranges {
    uint32_t count;
    struct trk_range at[TRK_RANGES];
};

struct trk_options; /* control.h */

/* One arena as it was handed over: the layout, copied from the header once and never read again from shared memory, and
 * who we are in it. A process that is woken again gets another one; whoever was stopped in the middle goes on with the
 * old one, which therefore is never given back: it ends as private zeros (trk_engine_retire). Take trk_arena() once per
 * step and use nothing else of the arena in it. */
struct trk_arena {
    char *base; /* NULL: none yet */
    uint64_t bytes;
    struct trk_shm_header *hdr;
    struct trk_shm_proc *procs;
    struct trk_shm_ring *rings;
    uint32_t ring_count;
    uint32_t on_full;
    uint32_t block_ms;
    uint32_t flags;
    uint32_t *types;
    struct trk_depot depot;
    char *text;
    uint64_t text_bytes;
    uint32_t *text_hash;
    uint64_t text_hash_count;
    uint64_t epoch_ns;
    uint64_t data_off, data_bytes;
    char *look_window; /* look_bytes of it, which may be 0 */
    uint64_t look_bytes;
    struct trk_shm_own *own;     /* TRK_PROC_MAX; NULL: none */
    struct trk_shm_list *lists;  /* the same */
    struct trk_shm_hooks *hooks; /* NULL: none */
    uint32_t exact;              /* records carry the cycle counter; atomic, partner: trk_exact_time */
    uint32_t hooked, several;    /* functions are hooked; a second thread has a ring. Atomic: trk_exact_due */
    uint16_t depth[TRK_DEPTH_COUNT];
    uint32_t era;  /* 1, 2, ... */
    uint32_t over; /* retired; atomic, partner: trk_thread_ready */
    struct trk_shm_proc *proc;
    uint32_t proc_index;
    struct trk_thread **threads; /* TRK_RING_MAX, by ring; each mapped once, atomic pointers */
};
/* Whether records carry the cycle counter. Who has seen the tick that came with it knows (trk_exact_due). */
static inline bool trk_exact_time(const struct trk_arena *a)
{
    return __atomic_load_n(&a->exact, __ATOMIC_ACQUIRE) != 0;
}

/* What the ids of types carry above the number in this arena; 0 in the first. */
static inline uint32_t trk_type_tag(const struct trk_arena *a)
{
    return a->era > 1 ? (a->era - 1) << 16 : 0;
}

/* The newest arena; one without memory before the first. Atomic: use trk_arena(). */
extern struct trk_arena *trk_arena_newest __attribute__((visibility("hidden")));

static inline struct trk_arena *trk_arena(void)
{
    return __atomic_load_n(&trk_arena_newest, __ATOMIC_ACQUIRE); /* partner: trk_engine_adopt_arena */
}

struct trk_engine {
    int phase;                              /* enum trk_phase, atomic */
    const struct trk_engine_table *forward; /* set before phase FORWARD */
    bool want_malloc;
    bool wipes; /* the kernel wipes pages on fork; else the child's fork handler does */
    /* This process. */
    struct trk_sentinel *sentinel;
    uint32_t pid;
    size_t thread_bytes;
    uint64_t addr_high;   /* bit that addresses imply, see addr.h; set before the first event */
    uint32_t type_tag;    /* in the ids of types that this arena knows, above the number */
    const uint64_t *tick; /* the recorder's coarse clock, or a constant */
    uint64_t site_salt;   /* changes when code was unloaded */
    uint32_t gen;         /* module generation */
    uint32_t scope_next;
    uint32_t ranges_now;
    uint32_t modules_dirty; /* modules changed while somebody was already looking */
    uint64_t modules_busy;  /* tick + 1 when an update began; atomic */
    uint64_t modules_next;  /* not before this tick: somebody keeps calling from nowhere */
    uint64_t modules_backoff;
    struct trk_ranges ranges[2];
    uint32_t malloc_flag;
    char malloc_who[128];
    uint32_t checked_pid; /* the process that TRK_CONTROL_CHECKED spoke of, not its children; atomic */
    bool exit_known;      /* an exit handler with the status is registered */
    volatile unsigned char *gates[TRK_GATES];
    volatile unsigned char *malloc_gates[TRK_GATES];
};
extern struct trk_engine trk_eng __attribute__((visibility("hidden")));

/* The recorder's coarse clock; of another arena when the process is woken again. */
static inline const uint64_t *trk_clock(void)
{
    return __atomic_load_n(&trk_eng.tick, __ATOMIC_RELAXED);
}

/* ---- engine.c ---------------------------------------------------------------------------------------------------- */

/* Starts this copy when that has not happened. Any thread, any time; at most one caller does the work, others return at
 * once (they record from the moment the gate opens). */
void trk_engine_start(void);

/* True when this process may write to the arena. In a forked child the first caller claims its process entry. Slow
 * path only; call with busy set. */
bool trk_engine_here(void);

/* An empty arena to fill; NULL when the process has had TRK_ERAS of them. It stays unused until adopted. */
struct trk_arena *trk_engine_new_arena(void);
/* Makes the page that tells a forked child from its parent; true when there is one. */
bool trk_engine_sentinel(void);
/* Takes over a mapped and validated arena as process 0, and retires the one before. False: its entry 0 is taken; its
 * memory is of no use then, but must stay mapped. */
bool trk_engine_adopt_arena(struct trk_arena *arena);
/* How many more arenas this process can have. */
uint32_t trk_engine_eras_left(void);

/* Sets the gate bytes of this copy and its followers. */
void trk_engine_gate(bool on);

/* Nobody will drain this arena any more: idle, unless it is not the newest. */
void trk_engine_over(const struct trk_arena *arena);

/* True when the process must not record: it is, or became, privileged. */
bool trk_engine_privileged(void);

/* After a handshake in phase STARTING: the module map, and the gates open. */
void trk_engine_live(void);

uint64_t trk_engine_now_us(void); /* since the arena's epoch */

/* Counts an event that was met inside the engine, or that a thread without ring lost. */
void trk_engine_emergency(void);
void trk_engine_dropped(void);

/* Marks the calling thread as inside the engine; false when it already is (count the event and go). A mark left behind
 * by a handler that jumped out is recognised and taken over. sp: TRK_SP of the caller, which keeps its frame until
 * trk_engine_leave. cookie: a variable in that frame. */
bool trk_engine_enter(uint64_t *cookie);
void trk_engine_leave(uint64_t *cookie);

void trk_engine_control(enum trk_control what, uint64_t number, const char *text);
bool trk_engine_busy(void);

/* ---- engine_owner.c ------------------------------------------------------------------------------------------------
 */

/* Finds the copy that owns this process, or makes this one the owner (NULL). */
const struct trk_engine_table *trk_copy_find(void);
void trk_copy_adopt(volatile unsigned char *gate, volatile unsigned char *malloc_gate);
void trk_copy_abandon(volatile unsigned char *gate);
/* Called from the destructor of a copy: leaves its owner. */
void trk_copy_leave(void);
/* True when this copy's code stays mapped until the process ends. */
bool trk_copy_stays(void);
/* Keeps the shared object of this copy from being unloaded. Constructor only. */
void trk_copy_pin(void);

/* ---- thread.c ------------------------------------------------------------------------------------------------------
 */

/* The calling thread's ring, acquired when it has none. NULL: none to be had; the event was counted as lost. */
struct trk_thread *trk_thread_ready(void);
/* Moves the calling thread, which is inside the engine, away from a ring with holes: to the one it left before or to a
 * free one. NULL when there is none: the holes are closed, it stays. */
struct trk_thread *trk_thread_move(struct trk_thread *from);
/* Hooked functions (`hooked`), or a second thread (not): exact times begin when both are there and the recording wants
 * them so. The clock moves along, by which all other threads notice at their next event. Any thread, any time. */
void trk_exact_due(struct trk_arena *a, bool hooked);
/* What the thread's shortest paths may do from now on, since exact times have begun. */
void trk_thread_exact(struct trk_thread *st, const struct trk_arena *a);
/* There is no such thread in this process (any more). */
bool trk_thread_dead(uint32_t tid);
/* Finds the stack bounds of the calling thread. */
void trk_thread_bounds(struct trk_thread *st);
void trk_thread_wipe_all(void);

/* ---- ring.c --------------------------------------------------------------------------------------------------------
 */

/* Makes room for `need` slots: returns the thread state to write to (usually st), or NULL after counting one lost
 * record. Waits within the configured bound. */
struct trk_thread *trk_ring_room(struct trk_thread *st, unsigned need);
/* False when the recorder does not look at the rings any more: its heart stood still for a second of now_ns, which may
 * be any clock that is not 0. Ends the recording when its process is gone, too. */
bool trk_recorder_alive(struct trk_heart *heart, uint64_t now_ns);
/* Asks the recorder to sample the memory of this process and returns the number of that request; waits until it did,
 * until 50 ms after since_ns. */
uint32_t trk_ring_mem_ask(void);
void trk_ring_mem_wait(uint32_t mine, uint64_t since_ns);

/* ---- record.c ------------------------------------------------------------------------------------------------------
 */

/* Writes one event to the calling thread's ring. Any thread, any time. */
void trk_emit(const struct trk_event *ev);

/* ---- type.c, text.c, module.c, fork.c ------------------------------------------------------------------------------
 */

/* Id of a type, registered on first use; 0 when it cannot be. Lock-free. */
uint32_t trk_type_id(struct trk_type *type);

/* Interns bytes; returns the text id, 0 when there is no room (counted). Lock-free, async-signal-safe. */
uint32_t trk_text_put(enum trk_text_kind kind, const void *bytes, size_t size);
uint32_t trk_text_string(const char *s);

/* Stores the module map of this process and remembers its executable ranges. Returns its text id, 0 when it could not
 * or when another thread is at it (which then looks again). *grew: an executable range was new; *shrank: one is gone,
 * or it is not known. Call with the mark of trk_engine_enter set; the record is written afterwards by trk_module_event,
 * which ignores id 0. */
uint32_t trk_module_update(bool *grew, bool *shrank);
void trk_module_event(uint32_t text_id);
/* Looks whether a stack interned just now knows code that the last module map does not have. */
void trk_module_check(struct trk_thread *st, uint32_t stack_id);
/* Whether the filter wants what is called from pc, a return address. Looks at the modules when pc lies in none. */
bool trk_module_wanted(uintptr_t pc);

/* Registers the fork handlers; constructor only. */
void trk_fork_init(void);

#endif
