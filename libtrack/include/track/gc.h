/* track/gc.h: Python's gc for a C program that is being recorded. A part of track/track.h.
 *
 * The recorder keeps the objects of the program (trk_new) in three generations by survival, and finds cycles among them
 * that nothing outside holds any more: garbage that counts alone never free. Passes are due as in CPython; the program
 * asks for one, and for what was found, here:
 *
 *     long found = trk_gc_collect(2);             // after a test, a request: 0 when nothing was left behind
 *     const void *some[16];
 *     long count = trk_gc_garbage(some, 16);      // who
 *     struct trk_gc_link who[8];
 *     long holders = trk_gc_referrers(some[0], who, 8);
 *
 * Nothing is ever freed here: what was found is put aside and not found again. No code of the program runs but the
 * callbacks that it registered (trk_gc_add_callback), on the thread that asked.
 *
 * Answers. What counts or lists returns how many there are, which may be more than found room in the buffer; the others
 * return TRK_YES or TRK_NO as written. Less than 0:
 *     TRK_UNKNOWN   nobody is recording (or a flight recording, which keeps no history); or a signal handler asks that
 *                   interrupted libtrack
 *     TRK_TIMEOUT   it took longer than TRACK_OPTIONS=look_ms, 5 seconds by default
 *     TRK_INVALID   an argument that cannot be, as a generation other than 0, 1, 2
 * Buffers and results are the caller's, and are written only with answers of 0 and more (TRK_NO: not).
 *
 * Without a recorder all this is a predictable branch. With one, questions wait for its answer: it writes down what the
 * program did until then, and a process of its own goes on from where it stood at the question before. So the first one
 * costs what was recorded (seconds after billions of events), the others what happened since, milliseconds; those about
 * sizes, counts and links also a look at everything that lives, once for all that are asked in a row. Only the calling
 * thread waits; threads that ask at the same time wait for one another. A pass looks at the memory of the program as
 * trk_checkpoint does, where the recording does that, because a variable may hold something else by now than was told.
 * Any thread; never a deadlock; errno is left alone.
 *
 * Objects are named by the pointer that trk_new got. What belongs to nobody is not asked about: blocks that count no
 * references are known to trk_gc_sizeof, trk_gc_referrers and trk_gc_referents only, by their first byte. A forked
 * child begins anew, with default settings. Settings and passes are a part of the recording: `reftrack gc` sees them,
 * also when it was folded since (keep=folded, keep=window). Of a flight recording only those that its rings still hold.
 *
 * Every function of Python's gc is here under its name with trk_gc_ in front; get_referrers and get_referents are
 * trk_gc_referrers and trk_gc_referents; gc.callbacks is trk_gc_add_callback and the two behind it; sys.getrefcount and
 * sys.getsizeof are trk_gc_refcount and trk_gc_sizeof. What set_debug asks to be printed, `reftrack gc` prints. */
#ifndef TRACK_GC_H
#define TRACK_GC_H

#include <track/track.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of passes over a generation. */
struct trk_gc_stats {
    uint64_t collections;
    uint64_t collected;     /* found */
    uint64_t uncollectable; /* found, and no order of destructors could free it (TRK_TYPE_ORDERED_FINALIZER) */
    uint64_t candidates;    /* looked at */
};
/* Where the references of an object are: count = heap + roots + stacks + anonymous. */
struct trk_gc_counts {
    int64_t count;       /* by what was told */
    int64_t heap;        /* held by variables in objects and blocks, and by TRK_HOLDER */
    int64_t roots;       /* ... in globals, thread-local variables, trk_root_add */
    int64_t stacks;      /* ... in local variables */
    int64_t anonymous;   /* told without an owner, or with a variable that is no more */
    int64_t unaccounted; /* the program's own count is so much more */
    int64_t observed;    /* 1: its own count is known; 0: it is not, and unaccounted is 0 */
};
/* Bytes. */
struct trk_gc_size {
    uint64_t flat;             /* the object */
    uint64_t usable;           /* what of its block may be used; of an object in a larger block: flat */
    uint64_t chunk;            /* what it costs the heap; the same */
    uint64_t item, items;      /* of an array: one element, how many; else flat and 1 */
    uint64_t deep;             /* it and what it leads to, each once */
    uint64_t deep_objects;     /* objects and blocks in that */
    uint64_t retained;         /* it and what only it keeps alive */
    uint64_t retained_objects; /* objects and blocks in that */
};
enum trk_gc_kind {
    TRK_GC_SLOT = 1, /* a reference in a variable (trk_ref, trk_own) */
    TRK_GC_HOLDER,   /* a reference that TRK_HOLDER told */
    TRK_GC_ADOPTED,  /* a pointer in memory that stands for a reference without an owner: a guess */
    TRK_GC_POINTER,  /* a pointer in memory that is no reference; only where memory was looked at */
    TRK_GC_WEAK,     /* told as weak or borrowed */
};
enum trk_gc_root {
    TRK_GC_NO_ROOT = 0, /* it stands in an object or block */
    TRK_GC_GLOBAL,
    TRK_GC_THREAD_LOCAL,
    TRK_GC_STACK,
    TRK_GC_REGION,  /* trk_root_add */
    TRK_GC_UNKNOWN, /* elsewhere */
};
struct trk_gc_link {
    const void
        *object;      /* of referrers: which object or block holds it, NULL: a root does. Of referents: whom it holds */
    const void *slot; /* where the pointer stands; of TRK_GC_HOLDER the holder */
    uint32_t kind;    /* enum trk_gc_kind */
    uint32_t root;    /* enum trk_gc_root */
};
/* Of a pass that trk_gc_collect makes. */
struct trk_gc_info {
    int generation;
    long answer;        /* what trk_gc_collect returns; 0 at the start, as the next two */
    uint64_t collected; /* garbage that was not known before */
    uint64_t uncollectable;
};
enum trk_gc_phase { TRK_GC_START = 0, TRK_GC_STOP = 1 };
typedef void (*trk_gc_callback)(int phase, const struct trk_gc_info *info, void *ctx);
struct trk_gc_callback_entry {
    trk_gc_callback call;
    void *ctx;
};
enum { TRK_GC_CALLBACKS = 16 }; /* at a time */
enum trk_gc_debug {             /* as gc.DEBUG_* of Python. Only kept, for reports on the recording */
                    TRK_GC_DEBUG_STATS = 1,
                    TRK_GC_DEBUG_COLLECTABLE = 2,
                    TRK_GC_DEBUG_UNCOLLECTABLE = 4,
                    TRK_GC_DEBUG_SAVEALL = 32,
                    TRK_GC_DEBUG_LEAK = 38,
};

/* Laid out by hand: statements as macro arguments. */
/* clang-format off */
#if defined(TRK_DISABLE)
#define TRK_QUESTION_IF(when, type, unread, name, params, args, ...)                                                   \
    static inline unread type name params { __VA_ARGS__ return (type)TRK_UNKNOWN; }
#else
#define TRK_QUESTION_IF(when, type, unread, name, params, args, ...)                                                   \
    extern type trk_call_##name params __asm__(#name) __attribute__((weak)) unread;                                    \
    static inline unread type name params __asm__("trk_inline_" #name);                                                \
    static inline type name params                                                                                     \
    {                                                                                                                  \
        type trk_said_ = (when) && trk_call_##name != 0 ? trk_call_##name args : (type)TRK_UNKNOWN;                  \
        TRK_NO_TAIL_CALL;                                                                                              \
        return trk_said_;                                                                                              \
    }
#endif
#define TRK_QUESTION(type, ...) TRK_QUESTION_IF(TRK_ON(), type, __VA_ARGS__)

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

/* Examines generation 0, 1 or 2 with all younger ones now. Returns how many objects are garbage that were not known to
 * be. 2 examines everything. */
TRK_QUESTION(long, , trk_gc_collect, (int generation), (generation), (void)generation;)
/* Births minus deaths since a pass over 0; passes over 0 since one over 1; over 1 since one over 2. TRK_YES. */
TRK_QUESTION(int, , trk_gc_get_count, (uint64_t ret[3]), (ret), (void)ret;)
/* Of each generation. TRK_YES. */
TRK_QUESTION(int, , trk_gc_get_stats, (struct trk_gc_stats ret[3]), (ret), (void)ret;)
/* What was found and is still there, the oldest find first. */
TRK_QUESTION(long, , trk_gc_garbage, (const void **buffer, size_t room), (buffer, room), (void)buffer; (void)room;)

/* ---- Callbacks (gc.callbacks): with or without a recorder; TRK_UNKNOWN only without libtrack in the process ---------- */

/* From now on `call` is called by every trk_gc_collect with a valid generation, while somebody records: TRK_GC_START
 * before it asks, TRK_GC_STOP when it is answered, or is not (info->answer < 0); on the thread that called it, the one
 * registered first also first. It may do what a function of the program may: allocate, count references, register and
 * remove callbacks, ask anything here. In it trk_gc_collect of the same thread does nothing and returns 0, as in
 * Python; another thread that collects meanwhile calls it, too. It must return: a jump or an exception out of it is
 * undefined. errno is put back behind it. What is registered while callbacks run is called in the same phase; what is
 * removed by another thread may be about to be called for a last time, so its ctx must live a little longer, and its
 * code (dlclose).
 * Not possible: callbacks for passes that become due by themselves, or that `reftrack gc --pid` asks for. These happen
 * where the recording is read, when the program is long elsewhere, and no signal may interrupt it for them.
 * Any thread, but not from a signal handler that interrupted one of these three. A forked child has the callbacks of its
 * parent. Copies of libtrack that were linked into a program statically have callbacks of their own.
 * TRK_YES; TRK_NO: there are TRK_GC_CALLBACKS already; TRK_INVALID: call is NULL. */
TRK_QUESTION_IF(1, int, , trk_gc_add_callback, (trk_gc_callback call, void *ctx), (call, ctx), (void)call; (void)ctx;)
/* The oldest registration of both. TRK_YES; TRK_NO: there is none. */
TRK_QUESTION_IF(1, int, , trk_gc_remove_callback, (trk_gc_callback call, void *ctx), (call, ctx),
                (void)call; (void)ctx;)
/* Those that are registered, in order. */
TRK_QUESTION_IF(1, long, , trk_gc_callbacks, (struct trk_gc_callback_entry *buffer, size_t room), (buffer, room),
                (void)buffer; (void)room;)

/* ---- Settings: TRK_YES; not waited for --------------------------------------------------------------------------- */

/* Automatic passes happen (at first they do), or do not. */
TRK_QUESTION(int, , trk_gc_enable, (void), (), )
TRK_QUESTION(int, , trk_gc_disable, (void), (), )
/* TRK_YES, TRK_NO. This and the other questions about settings are waited for. */
TRK_QUESTION(int, , trk_gc_isenabled, (void), (), )
/* A pass over 0 is due after more than t0 births that no deaths made up for, one over 1 after more than t1 passes over
 * 0, one over 2 after more than t2 over 1, when enough is new there. 10000, 10, 10 at first. t0 0: no automatic passes. */
TRK_QUESTION(int, , trk_gc_set_threshold, (unsigned t0, unsigned t1, unsigned t2), (t0, t1, t2),
             (void)t0; (void)t1; (void)t2;)
TRK_QUESTION(int, , trk_gc_get_threshold, (unsigned ret[3]), (ret), (void)ret;)
/* What is alive now is never examined again, and keeps alive what it holds; and back, into generation 2. */
TRK_QUESTION(int, , trk_gc_freeze, (void), (), )
TRK_QUESTION(int, , trk_gc_unfreeze, (void), (), )
TRK_QUESTION(long, , trk_gc_get_freeze_count, (void), (), )
/* Of enum trk_gc_debug. get: the flags. */
TRK_QUESTION(int, , trk_gc_set_debug, (unsigned flags), (flags), (void)flags;)
TRK_QUESTION(int, , trk_gc_get_debug, (void), (), )

/* ---- Objects ----------------------------------------------------------------------------------------------------- */

/* TRK_YES: alive, and of a type that may be part of a cycle. TRK_NO: anything else. */
TRK_QUESTION(int, TRK_ACCESS_NONE(1), trk_gc_is_tracked, (const void *obj), (obj), (void)obj;)
/* TRK_YES: alive, though its destructor ran (trk_dtor_end). */
TRK_QUESTION(int, TRK_ACCESS_NONE(1), trk_gc_is_finalized, (const void *obj), (obj), (void)obj;)
/* Those of a generation, the oldest first; -1: of all three. Without frozen ones and garbage. */
TRK_QUESTION(long, , trk_gc_get_objects, (int generation, const void **buffer, size_t room), (generation, buffer, room),
             (void)generation; (void)buffer; (void)room;)
/* TRK_YES; TRK_NO: there is no such object. */
TRK_QUESTION(int, TRK_ACCESS_NONE(1), trk_gc_refcount, (const void *obj, struct trk_gc_counts *ret), (obj, ret),
             (void)obj; (void)ret;)
/* The same. limit: how many links `deep` goes along at most, 0: it is flat, -1: as many as there are. */
TRK_QUESTION(int, TRK_ACCESS_NONE(1), trk_gc_sizeof, (const void *obj, int limit, struct trk_gc_size *ret),
             (obj, limit, ret), (void)obj; (void)limit; (void)ret;)
/* Who holds or points to obj, and whom it does; one entry for each variable. 0 also when there is no such object. */
TRK_QUESTION(long, TRK_ACCESS_NONE(1), trk_gc_referrers, (const void *obj, struct trk_gc_link *buffer, size_t room),
             (obj, buffer, room), (void)obj; (void)buffer; (void)room;)
TRK_QUESTION(long, TRK_ACCESS_NONE(1), trk_gc_referents, (const void *obj, struct trk_gc_link *buffer, size_t room),
             (obj, buffer, room), (void)obj; (void)buffer; (void)room;)

/* clang-format on */
#undef TRK_QUESTION
#undef TRK_QUESTION_IF

#ifdef __cplusplus
}
#endif
#endif
