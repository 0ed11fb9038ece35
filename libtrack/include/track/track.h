/* track/track.h: tell the recorder about the life of reference-counted objects.
 *
 * This header is the manual of libtrack. Read the first page; look up the rest when you need it.
 *
 * What to call. An object is born with one reference, gains and loses references, and dies:
 *
 *     static TRK_TYPE(conn_type, struct conn);            // once, at file scope
 *
 *     struct conn *conn_new(void)
 *     {
 *         struct conn *c = calloc(1, sizeof *c);
 *         c->refs = 1;
 *         trk_new(c, &conn_type);                         // before anybody else can see it
 *         return c;
 *     }
 *     ... c->refs++;  trk_ref(c, &session->conn);         // after the increment
 *     ... trk_unref(c, &session->conn);  if (--c->refs == 0) { trk_del(c); free(c); }   // before the decrement
 *
 * Slots. The second argument of trk_ref and trk_unref is the address of the pointer variable that owns the
 * reference: `&session->conn`, `&g_current`, `&vec->items[i]`. It is a token, never dereferenced. With it reftrack
 * pairs each release with the reference it gives back, knows who holds whom and in which field, and tells a global
 * from a local. Pass NULL where no variable owns the reference; it is then balanced by call site instead of paired.
 * `new` may be referenced into a slot before `old` was released from it: order inside an assignment does not matter.
 *
 * Births. The reference an object is born with needs an owner too, or a cycle closed through it cannot be seen:
 *
 *     s->conn = conn_new();   trk_own(s->conn, &s->conn);     or     TRK_OWN(s->conn, conn_new());
 *
 * TRK_OWN serves every expression that returns a reference (`TRK_OWN(b->a, node_ref(a))`): it assigns, then says that
 * the anonymous reference now lives in that variable. trk_disown is the reverse: the variable gives its reference
 * away (return it, hand it to a queue) without releasing it. trk_move hands it from variable to variable.
 *
 * Wrappers. Most code has one out-of-line `conn_ref()`; its *caller* is what a report should name. Inside such a
 * function use the _from forms with TRK_CALLER:
 *
 *     TRK_WRAPPER struct conn *conn_ref(struct conn *c) { c->refs++; trk_ref_from(c, NULL, TRK_CALLER); return c; }
 *
 * or leave the code alone and pass TRACK_OPTIONS=wrapper=conn_ref:conn_unref... The *site* of an event is always the
 * first frame outside.
 *
 * Extents. trk_new(obj, type) covers [obj - type->offset, + type->size), or the rest of its block when the size is 0.
 * An object may be embedded in a larger block, several may share one, and headers may precede the pointer: the
 * innermost extent that contains a slot is the holder. Freeing a block ends the objects in it.
 *
 * Types of blocks. Memory that counts no references gets its type where it is allocated: `struct conn *c =
 * TRK_NEW(struct conn);` is malloc, and reports name the block, its fields and what they hold. TRK_TYPED(T, pool_get())
 * does that for any allocator. Without libtrack these allocate all the same.
 *
 * Pools. An object that goes back to a freelist is parked (trk_park), and reused (trk_reuse) with one reference:
 * neither leaked nor resurrected. An allocator of your own reports blocks with trk_alloc and trk_free;
 * malloc needs neither (libtrack-preload.so or -ltrack-malloc see it).
 *
 * Rules that hold for every function here: any thread, any time (signal handlers, before main, after exit handlers,
 * inside malloc); no return value unless documented; nothing fails, exits, locks, blocks beyond a bound, allocates
 * through malloc or changes errno; objects and slots are never dereferenced. Without libtrack in the process, or
 * without a recorder, each call is a predictable branch. With TRK_DISABLE defined this header compiles to nothing.
 * Every verb exists as an exported function of the same name, for ctypes, Rust, Vala and the like.
 *
 * A call that is felt: track/inline.h writes references in place where the recorder allows it. It is opt-in, because it
 * makes a part of the recorder's memory layout, which is frozen for that, a part of the binary.
 *
 * How it binds. Code that includes this header refers to libtrack weakly: a library can ship instrumented without a
 * new dependency, and lights up when the program links libtrack, preloads it (`reftrack run`), or not at all.
 * Link with `pkg-config --libs libtrack`: a linker that keeps only what is needed may drop a plain -ltrack.
 *
 * Verbs that belong together:
 *
 *     begins                     ends                        event kind
 *     trk_new                    trk_del, free of its block  a life
 *     trk_ref, trk_ref_rc        trk_unref, trk_unref_rc     one counted reference
 *     trk_own                    trk_disown                  a variable's ownership of a reference
 *     trk_weak_set               trk_weak_clear              an uncounted pointer that must be cleared at death
 *     trk_borrow                 trk_return                  an uncounted pointer used for a while
 *     trk_new_floating           trk_sink                    a birth reference that waits for its first owner
 *     trk_park                   trk_reuse                   a pool's or freelist's hold
 *     trk_pin                    trk_unpin                   a root by design
 *     trk_dtor_begin             trk_dtor_end                a destructor
 *     trk_root_add               trk_root_del                memory that reftrack should treat as a root
 *     trk_alloc                  trk_free                    a block of a custom allocator
 *     trk_pool_create            trk_pool_destroy            a pool of chunks
 *     trk_pool_alloc             trk_pool_free               a chunk of it
 *     trk_disable                trk_enable                  allocations of this thread that are no leaks
 *     trk_scope_begin            trk_scope_end               a test or request that must leave nothing behind
 */
#if defined(TRK_INLINE) && !defined(TRACK_INLINE_H)
#include <track/inline.h> /* which comes back here */
#endif
#ifndef TRACK_TRACK_H
#define TRACK_TRACK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRK_VERSION_MAJOR 0
#define TRK_VERSION_MINOR 1

/* ---- Types ------------------------------------------------------------------------------------------------ */

/* Flags of a type. */
enum {
    TRK_TYPE_ACYCLIC = 1,           /* holds no counted references: can never be part of a cycle */
    TRK_TYPE_ORDERED_FINALIZER = 2, /* its destructor needs its referents alive */
    TRK_TYPE_IMMORTAL = 4,          /* instances live until exit by design */
    TRK_TYPE_INLINE = 8, /* their counts change in place, too, where nobody tells: what events add up to proves
                          * nothing, only counts that are told or read from memory do. What such an object was told to
                          * hold (TRK_HOLDER) it gives back when it ends */
};
#define TRK_NO_COUNT 0xffffffffu /* trk_type.count_offset: not known */

struct trk_visit; /* for traverse hooks */

/* Describes one kind of object. Define it with TRK_TYPE, or fill it and keep it for the life of the module.
 * struct_size says how much of it the caller knows; later versions append members. The engine writes `id` on
 * first use (0 before). name is read only while the type is used. */
struct trk_type {
    uint32_t struct_size; /* sizeof(struct trk_type) */
    uint32_t flags;       /* TRK_TYPE_* */
    const char *name;
    size_t size;           /* of the object; 0: the rest of its block */
    size_t offset;         /* the object starts this many bytes before the pointer given to trk_new */
    uint32_t count_offset; /* of the reference count, from the start of the object; TRK_NO_COUNT */
    uint32_t count_width;  /* bytes of the count: 1, 2, 4, 8; 0: not known */
    /* NULL, or what writes a short description of obj into buf and returns its length. This version of libtrack never
     * calls it: which objects live is known to the recorder only. One that does will call it on a thread that is inside
     * trk_checkpoint, nowhere else. */
    size_t (*describe)(const void *obj, char *buf, size_t size);
    /* The same for what names each counted reference that obj holds; `visit` has no functions yet. Checkpoints find
     * references by the pointers that stand in memory. What stands in the way: between the moment at which the recorder
     * says who lives and the call another thread may free the object, so a hook could be called only where the program
     * promises that all of its threads stand still; and a hook that waits for a lock which the caller of trk_checkpoint
     * holds would never return. */
    void (*traverse)(const void *obj, struct trk_visit *visit);
    uint32_t id; /* engine's */
    /* Where in its word the count stands, for words that hold more than it, and counts that do not begin at 1:
     * references = (word >> count_shift, its lowest count_bits bits) + count_bias. count_bits 0: all bits. */
    uint8_t count_shift, count_bits;
    int16_t count_bias;
};

/* Laid out by hand. */
/* clang-format off */
/* `static TRK_TYPE(var, struct foo);` */
#define TRK_TYPE(var, ctype)                                                                                           \
    struct trk_type var = { sizeof(struct trk_type), 0, #ctype, sizeof(ctype), 0, TRK_NO_COUNT, 0, 0, 0, 0, 0, 0, 0 }
/* ... with the count: `static TRK_TYPE_COUNTED(var, struct foo, refs);` lets reftrack check its own books. */
#define TRK_TYPE_COUNTED(var, ctype, member)                                                                           \
    struct trk_type var = { sizeof(struct trk_type), 0, #ctype, sizeof(ctype), 0,                                      \
                            (uint32_t)offsetof(ctype, member), (uint32_t)sizeof(((ctype *)0)->member), 0, 0, 0, 0, 0, 0 }
/* ... with a count that shares its word with flags, or does not begin at 1: see struct trk_type. */
#define TRK_TYPE_COUNT_BITS(var, ctype, member, shift_, bits_, bias_)                                                  \
    struct trk_type var = { sizeof(struct trk_type), 0, #ctype, sizeof(ctype), 0,                                      \
                            (uint32_t)offsetof(ctype, member), (uint32_t)sizeof(((ctype *)0)->member), 0, 0, 0,        \
                            (shift_), (bits_), (bias_) }
/* ... with everything. */
#define TRK_TYPE_FULL(var, name_, size_, offset_, count_offset_, count_width_, flags_)                                 \
    struct trk_type var = { sizeof(struct trk_type), (flags_), (name_), (size_), (offset_), (count_offset_),           \
                            (count_width_), 0, 0, 0, 0, 0, 0 }
/* clang-format on */

/* A holder that is not a variable: a hash table, a foreign container, "the queue". Pass it where a slot is expected;
 * the reference becomes an edge from that object or block, with multiplicity. */
#define TRK_HOLDER(h) ((const void *)((uintptr_t)(h) | ((uintptr_t)1 << 63)))

/* Marks a function of your own as a wrapper of ref or unref: reports skip its frame and name its caller. A wrapper that
 * uses TRK_CALLER must not be inlined, or "caller" is one function too far out: TRK_WRAPPER sees to that, too. */
#define TRK_WRAPPER __attribute__((noinline, section("trk_wrapper")))
/* The address this function returns to: what the _from forms take inside a wrapper. */
#define TRK_CALLER __builtin_return_address(0)

/* Answers of the functions that ask. */
enum trk_answer {
    TRK_YES = 1,
    TRK_NO = 0,
    TRK_UNKNOWN = -1, /* nobody is recording */
    TRK_TIMEOUT = -2,
    TRK_INVALID = -3, /* an argument that cannot be */
};

/* ---- How calls reach the engine ----------------------------------------------------------------------------- */

/* Laid out by hand: statements as macro arguments. */
/* clang-format off */
#if defined(TRK_DISABLE)
#define TRK_ON() 0
#define TRK_VERB(unread, name, params, args, ...)                                                                      \
    static inline unread void name params { (void)0; __VA_ARGS__ }
#else
/* Each verb below declares the exported function (trk_call_NAME, symbol NAME) and an inline NAME that evaluates its
 * arguments and calls it when somebody listens; the inline's own symbol has another name so that both can coexist. */
/* One byte per process: nonzero while a recorder listens. Lives in whichever copy of the engine came first. */
extern volatile unsigned char trk_gate_v1 __attribute__((weak));
/* Behind a call: keeps it from becoming a jump, which would make the site that of the caller's caller. */
#define TRK_NO_TAIL_CALL __asm__ __volatile__("")
#define TRK_ON() __builtin_expect(&trk_gate_v1 != 0 && trk_gate_v1 != 0, 0)
#define TRK_VERB(unread, name, params, args, ...)                                                                      \
    extern void trk_call_##name params __asm__(#name) __attribute__((weak)) unread;                                    \
    static inline __attribute__((always_inline, artificial)) unread void name params __asm__("trk_inline_" #name);     \
    static inline __attribute__((always_inline, artificial)) void name params                                          \
    {                                                                                                                  \
        if (TRK_ON() && trk_call_##name != 0) { /* an older engine may lack a verb */                                  \
            trk_call_##name args;                                                                                      \
            TRK_NO_TAIL_CALL;                                                                                          \
        }                                                                                                              \
    }
#endif
/* A verb with object and slot: track/inline.h may write it in place. form: see there. */
#if defined(TRK_INLINE_HERE)
#define TRK_SLOT_VERB(unread, name, form, params, args, count, seq, ...)                                               \
    extern void trk_call_##name params __asm__(#name) __attribute__((weak)) unread;                                    \
    static inline __attribute__((always_inline, artificial)) unread void name params __asm__("trk_inline_" #name);     \
    static inline __attribute__((always_inline, artificial)) void name params                                          \
    {                                                                                                                  \
        if (TRK_ON()) {                                                                                                \
            uint64_t *trk_place_;                                                                                      \
            TRK_INLINE_PLACE(trk_place_);                                                                              \
            if (!trk_inline_write(form, (uintptr_t)obj, (uintptr_t)slot, count, seq, trk_place_)) {                    \
                if (trk_inline_v1 != 0)                                                                                \
                    trk_inline_v1(form, (uintptr_t)obj, (uintptr_t)slot, count, seq, trk_place_);                      \
                else if (trk_call_##name != 0)                                                                         \
                    trk_call_##name args;                                                                              \
                TRK_NO_TAIL_CALL;                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#else
#define TRK_SLOT_VERB(unread, name, form, params, args, count, seq, ...)                                               \
    TRK_VERB(unread, name, params, args, __VA_ARGS__)
#endif

/* Tells the compiler that pointer arguments are only looked at as numbers: no "may be used uninitialized". */
#if defined(__has_attribute)
#if __has_attribute(access)
#define TRK_ACCESS_NONE(n) __attribute__((access(none, n)))
#endif
#endif
#ifndef TRK_ACCESS_NONE
#define TRK_ACCESS_NONE(n)
#endif
#define TRK_UNREAD_0
#define TRK_UNREAD_1 TRK_ACCESS_NONE(1)
#define TRK_UNREAD_1_2 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(2)
#define TRK_UNREAD_1_2_3 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(2) TRK_ACCESS_NONE(3)
#define TRK_UNREAD_1_2_3_4 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(2) TRK_ACCESS_NONE(3) TRK_ACCESS_NONE(4)
#define TRK_UNREAD_1_2_5 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(2) TRK_ACCESS_NONE(5)
#define TRK_UNREAD_1_2_4 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(2) TRK_ACCESS_NONE(4)
#define TRK_UNREAD_1_3 TRK_ACCESS_NONE(1) TRK_ACCESS_NONE(3)

/* ---- Lives -------------------------------------------------------------------------------------------------- */

/* obj is born with one reference, which nobody owns yet (trk_own). Call before publishing the pointer. type NULL:
 * an object of unknown type. */
TRK_VERB(TRK_UNREAD_1, trk_new, (const void *obj, struct trk_type *type), (obj, type), (void)obj; (void)type;)
/* The same, and the birth reference is floating: the first trk_sink makes it ordinary. */
TRK_VERB(TRK_UNREAD_1, trk_new_floating, (const void *obj, struct trk_type *type), (obj, type), (void)obj; (void)type;)
/* obj dies now (its count reached zero, or it is destroyed by force). Call before its memory is given back. */
TRK_VERB(TRK_UNREAD_1, trk_del, (const void *obj), (obj), (void)obj;)
/* obj changes its type. One that was not seen to be born is known from then on. */
TRK_VERB(TRK_UNREAD_1, trk_retype, (const void *obj, struct trk_type *type), (obj, type), (void)obj; (void)type;)
/* Its destructor runs; references taken inside are resurrections. */
TRK_VERB(TRK_UNREAD_1, trk_dtor_begin, (const void *obj), (obj), (void)obj;)
TRK_VERB(TRK_UNREAD_1, trk_dtor_end, (const void *obj), (obj), (void)obj;)
/* obj went into a pool or freelist instead of dying, and comes back with one reference. */
TRK_VERB(TRK_UNREAD_1, trk_park, (const void *obj), (obj), (void)obj;)
TRK_VERB(TRK_UNREAD_1, trk_reuse, (const void *obj), (obj), (void)obj;)

/* ---- References --------------------------------------------------------------------------------------------- */

/* One more reference to obj, owned by the variable at slot (or TRK_HOLDER, or NULL). After the increment. */
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_ref, TRK_INLINE_REF,
              (const void *obj, const void *slot), (obj, slot),
              0, 0, (void)obj; (void)slot;)
/* The reference owned by slot is given back. Before the decrement: afterwards obj may be somebody else's. */
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_unref, TRK_INLINE_UNREF,
              (const void *obj, const void *slot), (obj, slot),
              0, 0, (void)obj; (void)slot;)
/* With the count after the change. trk_unref_rc is called after the decrement, with the value it returned; it never
 * touches obj. An event that arrives after obj's death is sorted into its life by the chain of counts. */
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_ref_rc, TRK_INLINE_REF | TRK_INLINE_COUNT,
              (const void *obj, const void *slot, long count_after), (obj, slot, count_after),
              count_after, 0, (void)obj; (void)slot; (void)count_after;)
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_unref_rc, TRK_INLINE_UNREF | TRK_INLINE_COUNT,
              (const void *obj, const void *slot, long count_after), (obj, slot, count_after),
              count_after, 0, (void)obj; (void)slot; (void)count_after;)
/* With the count and the number of the change: among threads the order of such events is exact, never a guess. For a
 * program whose count word has room for a number that is changed in the same atomic operation; trk_refcount_t below is
 * one. Lay it out like this: a 64-bit word, count in the low half, number in the high half; taking a reference adds
 * (1 << 32) + 1, giving one back adds (1 << 32) - 1, and the number of the change is the high half of what the
 * operation returned (the value before it) plus 1. Giving back at count 0 borrows from the high half, so it must be
 * undone by adding 1; two changes then bear one number, which is harmless. Numbers wrap around at 2^32. Every change of
 * the word has a number, also one that is not told here: a number that is missing is not waited for. Tell after the
 * operation, both ways. Numbers may begin anywhere in a new life; where addresses are used again soon, let them go on
 * growing from life to life, or tell them with the birth. */
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_ref_seq, TRK_INLINE_REF | TRK_INLINE_COUNT | TRK_INLINE_SEQ,
              (const void *obj, const void *slot, long count_after, uint32_t seq), (obj, slot, count_after, seq),
              count_after, seq, (void)obj; (void)slot; (void)count_after; (void)seq;)
TRK_SLOT_VERB(TRK_UNREAD_1_2, trk_unref_seq, TRK_INLINE_UNREF | TRK_INLINE_COUNT | TRK_INLINE_SEQ,
              (const void *obj, const void *slot, long count_after, uint32_t seq), (obj, slot, count_after, seq),
              count_after, seq, (void)obj; (void)slot; (void)count_after; (void)seq;)
/* trk_new for such an object. seq: the number its count word begins with; the first change has the next one. Lives at
 * one address are then told apart by their numbers, when the numbers of the later life are the greater ones. */
TRK_VERB(TRK_UNREAD_1, trk_new_seq, (const void *obj, struct trk_type *type, uint32_t seq), (obj, type, seq),
         (void)obj; (void)type; (void)seq;)
/* One reference changes hands; no count changes. NULL: anonymous. */
TRK_VERB(TRK_UNREAD_1_2_3, trk_move, (const void *obj, const void *to_slot, const void *from_slot),
         (obj, to_slot, from_slot), (void)obj; (void)to_slot; (void)from_slot;)
/* All slots in [from, from + size) moved to `to` (memcpy, memmove, qsort of holders). realloc needs no call. */
TRK_VERB(TRK_UNREAD_1_2, trk_move_range, (const void *to, const void *from, size_t size), (to, from, size),
         (void)to; (void)from; (void)size;)
/* A floating reference becomes an ordinary one owned by slot. On an object that does not float: trk_ref. */
TRK_VERB(TRK_UNREAD_1_2, trk_sink, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)
/* The anonymous reference (a birth, a returned one) now lives in slot; and back. */
TRK_VERB(TRK_UNREAD_1_2, trk_own, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)
TRK_VERB(TRK_UNREAD_1_2, trk_disown, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)

/* Uncounted pointers. Weak ones must be cleared before obj dies; borrowed ones are used while somebody else holds it.
 * A weak upgrade reports a trk_ref only when it succeeded. */
TRK_VERB(TRK_UNREAD_1_2, trk_weak_set, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)
TRK_VERB(TRK_UNREAD_1_2, trk_weak_clear, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)
TRK_VERB(TRK_UNREAD_1_2, trk_borrow, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)
TRK_VERB(TRK_UNREAD_1_2, trk_return, (const void *obj, const void *slot), (obj, slot), (void)obj; (void)slot;)

/* Inside wrappers: `caller` is a return address (TRK_CALLER); frames below it do not appear. */
TRK_VERB(TRK_UNREAD_1_3, trk_new_from, (const void *obj, struct trk_type *type, const void *caller),
         (obj, type, caller), (void)obj; (void)type; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_3, trk_ref_from, (const void *obj, const void *slot, const void *caller), (obj, slot, caller),
         (void)obj; (void)slot; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_3, trk_unref_from, (const void *obj, const void *slot, const void *caller), (obj, slot, caller),
         (void)obj; (void)slot; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_4, trk_ref_rc_from, (const void *obj, const void *slot, long count_after, const void *caller),
         (obj, slot, count_after, caller), (void)obj; (void)slot; (void)count_after; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_4, trk_unref_rc_from, (const void *obj, const void *slot, long count_after, const void *caller),
         (obj, slot, count_after, caller), (void)obj; (void)slot; (void)count_after; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_5, trk_ref_seq_from,
         (const void *obj, const void *slot, long count_after, uint32_t seq, const void *caller),
         (obj, slot, count_after, seq, caller),
         (void)obj; (void)slot; (void)count_after; (void)seq; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_5, trk_unref_seq_from,
         (const void *obj, const void *slot, long count_after, uint32_t seq, const void *caller),
         (obj, slot, count_after, seq, caller),
         (void)obj; (void)slot; (void)count_after; (void)seq; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2_3_4, trk_move_from,
         (const void *obj, const void *to_slot, const void *from_slot, const void *caller),
         (obj, to_slot, from_slot, caller), (void)obj; (void)to_slot; (void)from_slot; (void)caller;)
TRK_VERB(TRK_UNREAD_1_2, trk_del_from, (const void *obj, const void *caller), (obj, caller), (void)obj; (void)caller;)

/* Assign and own in one: TRK_OWN(x->f, obj_new()), TRK_OWN(x->f, obj_ref(y)). Yields nothing. */
#define TRK_OWN(lhs, expr)                                                                                             \
    do {                                                                                                               \
        (lhs) = (expr);                                                                                                \
        if (lhs)                                                                                                       \
            trk_own((const void *)(lhs), (const void *)&(lhs));                                                        \
    } while (0)
/* Give the variable's reference away: clears nothing, counts nothing. TRK_DISOWN(x->f) before `return x->f`. */
#define TRK_DISOWN(lhs) trk_disown((const void *)(lhs), (const void *)&(lhs))

/* ---- Intentions --------------------------------------------------------------------------------------------- */

/* obj is a root by design: it and what it holds are not leaks. */
TRK_VERB(TRK_UNREAD_1, trk_pin, (const void *obj, const char *why), (obj, why), (void)obj; (void)why;)
TRK_VERB(TRK_UNREAD_1, trk_unpin, (const void *obj), (obj), (void)obj;)
/* obj may be alive at exit; reports list it with the reason and never fail because of it. */
TRK_VERB(TRK_UNREAD_1, trk_may_leak, (const void *obj, const char *why), (obj, why), (void)obj; (void)why;)
/* Memory outside .data, .bss, TLS and stacks that holds references as roots do. */
TRK_VERB(TRK_UNREAD_1, trk_root_add, (const void *start, size_t size, const char *name), (start, size, name),
         (void)start; (void)size; (void)name;)
TRK_VERB(TRK_UNREAD_1, trk_root_del, (const void *start), (start), (void)start;)
/* A breadcrumb in obj's history. */
TRK_VERB(TRK_UNREAD_1, trk_touch, (const void *obj, const char *text), (obj, text), (void)obj; (void)text;)
/* Labels later events and objects of this thread ("request", 4711) until the next call; key NULL ends it. */
TRK_VERB(TRK_UNREAD_0, trk_context, (const char *key, uint64_t id), (key, id), (void)key; (void)id;)

/* ---- Blocks of a custom allocator ----------------------------------------------------------------------------- */

TRK_VERB(TRK_UNREAD_1, trk_alloc, (const void *mem, size_t size), (mem, size), (void)mem; (void)size;)
TRK_VERB(TRK_UNREAD_1, trk_free, (const void *mem), (mem), (void)mem;) /* before the memory can be handed out again */

/* A pool: hands out chunks of memory that it has from elsewhere, and gives back all at once. Any address names it: of
 * its descriptor, of its first byte. The blocks that chunks are cut from are held while a chunk in them is. A chunk may
 * be an arena itself: blocks that trk_alloc cut from it end with it, as those in memory of malloc end when that is
 * freed. */
TRK_VERB(TRK_UNREAD_1, trk_pool_create, (const void *pool), (pool), (void)pool;)
/* All chunks end, and objects in them. */
TRK_VERB(TRK_UNREAD_1, trk_pool_destroy, (const void *pool), (pool), (void)pool;)
TRK_VERB(TRK_UNREAD_1_2, trk_pool_alloc, (const void *pool, const void *mem, size_t size), (pool, mem, size),
         (void)pool; (void)mem; (void)size;)
TRK_VERB(TRK_UNREAD_1_2, trk_pool_free, (const void *pool, const void *mem), (pool, mem), (void)pool; (void)mem;)

/* What the block that begins at mem is for: one thing of that type, or an array of them. By the thread that allocated
 * it, at once; realloc keeps it. mem NULL, or inside a block: nothing. */
TRK_VERB(TRK_UNREAD_1, trk_typed, (const void *mem, struct trk_type *type), (mem, type), (void)mem; (void)type;)
TRK_VERB(TRK_UNREAD_1, trk_typed_array, (const void *mem, struct trk_type *type), (mem, type), (void)mem; (void)type;)

/* ---- What is no leak ------------------------------------------------------------------------------------------- */

/* The block that mem lies in is never reported, nor what is reached from it alone (__lsan_ignore_object). */
TRK_VERB(TRK_UNREAD_1, trk_ignore, (const void *mem), (mem), (void)mem;)
/* Blocks that this thread allocates between the two are as if trk_ignore had been called for each. They nest. */
TRK_VERB(TRK_UNREAD_0, trk_disable, (void), (), )
TRK_VERB(TRK_UNREAD_0, trk_enable, (void), (), )

/* ---- Moments -------------------------------------------------------------------------------------------------- */

/* A named instant: reports compare marks. */
TRK_VERB(TRK_UNREAD_0, trk_mark, (const char *name), (name), (void)name;)
/* Objects born between the two by this thread and alive at the end are reported for the scope. */
TRK_VERB(TRK_UNREAD_0, trk_scope_begin, (const char *name), (name), (void)name;)
TRK_VERB(TRK_UNREAD_0, trk_scope_end, (void), (), )
/* TRK_SCOPE("test_x") { ... }; do not jump out of it. */
#define TRK_SCOPE(name)                                                                                                \
    for (int trk_scope_once_ = (trk_scope_begin(name), 1); trk_scope_once_; trk_scope_once_ = (trk_scope_end(), 0))
/* The program believes that obj is dead now; a finding if it is not. */
TRK_VERB(TRK_UNREAD_1, trk_assert_freed, (const void *obj), (obj), (void)obj;)
/* The count of obj was seen to be `count`: lets reftrack check its books where no _rc form is used. */
TRK_VERB(TRK_UNREAD_1, trk_count_seen, (const void *obj, long count), (obj, count), (void)obj; (void)count;)

/* clang-format on */
#undef TRK_VERB
#undef TRK_SLOT_VERB
#undef TRK_UNREAD_0
#undef TRK_UNREAD_1
#undef TRK_UNREAD_1_2
#undef TRK_UNREAD_1_2_3
#undef TRK_UNREAD_1_2_3_4
#undef TRK_UNREAD_1_2_4
#undef TRK_UNREAD_1_2_5
#undef TRK_UNREAD_1_3

/* ---- Typed allocation ---------------------------------------------------------------------------------------------
 *
 * TRK_NEW(struct conn) is (struct conn *)malloc(sizeof(struct conn)) that says what it is for; TRK_NEW0 clears it. Of
 * TRK_NEW_ARRAY(T, n) and TRK_NEW_ARRAY0 all n are of type T; NULL when so many cannot be. To be freed by free().
 * TRK_TYPED(T, memory) and TRK_TYPED_ARRAY(T, memory) are for other allocators, also for `new T` and for structs with
 * an array at their end: TRK_TYPED(struct text, malloc(sizeof(struct text) + n)). They yield `memory` as a T *.
 * T is a type, written once: each place keeps its description in static storage, 64 bytes. In functions only; not in
 * inline functions of C with external linkage. */
/* clang-format off */
#define TRK_AS(T, mem) ((__typeof__(T) *)(mem))
#if defined(TRK_DISABLE)
#define TRK_TELL_TYPE(tell, T, mem, n) TRK_AS(T, mem)
#else
#define TRK_TELL_TYPE(tell, T, mem, n) TRK_TELL_TYPE_AS(tell, T, mem, trk_type_##n, trk_mem_##n)
#define TRK_TELL_TYPE_AS(tell, T, mem, type, told)                                                                     \
    __extension__({                                                                                                    \
        static TRK_TYPE(type, T);                                                                                      \
        __typeof__(T) *told = TRK_AS(T, mem);                                                                          \
        tell((const void *)told, &type);                                                                               \
        told;                                                                                                          \
    })
#endif
/* n: names that differ where one stands in another */
#define TRK_TELL_TYPE_N(tell, T, mem, n) TRK_TELL_TYPE(tell, T, mem, n)
#define TRK_TYPED(T, memory)       TRK_TELL_TYPE_N(trk_typed, T, memory, __COUNTER__)
#define TRK_TYPED_ARRAY(T, memory) TRK_TELL_TYPE_N(trk_typed_array, T, memory, __COUNTER__)
#define TRK_NEW(T)                 TRK_TYPED(T, __builtin_malloc(sizeof(T)))
#define TRK_NEW0(T)                TRK_TYPED(T, __builtin_calloc(1, sizeof(T)))
#define TRK_NEW_ARRAY0(T, n)       TRK_TYPED_ARRAY(T, __builtin_calloc((size_t)(n), sizeof(T)))
#define TRK_NEW_ARRAY(T, n)        TRK_NEW_ARRAY_N(T, n, __COUNTER__)
#define TRK_NEW_ARRAY_N(T, n, i)   TRK_NEW_ARRAY_AS(T, n, i)
#define TRK_NEW_ARRAY_AS(T, n, i)                                                                                      \
    TRK_TYPED_ARRAY(T, __extension__({                                                                                 \
        size_t trk_n_##i = (size_t)(n);                                                                                \
        trk_n_##i <= (size_t)-1 / 2 / sizeof(T) ? __builtin_malloc(trk_n_##i * sizeof(T)) : NULL;                      \
    }))
/* clang-format on */

/* ---- Leak check ---------------------------------------------------------------------------------------------------
 */

/* What is asked: everything that is lost now, or only what differs from the check before (of any kind). Lost blocks are
 * told apart by where they were allocated. */
enum trk_leak_check {
    TRK_LEAK_FULL = 1,    /* is anything definitely lost? */
    TRK_LEAK_ADDED = 2,   /* ... more of it? */
    TRK_LEAK_CHANGED = 3, /* ... more or less? */
    TRK_LEAK_NEW = 4,     /* ... from where nothing was lost? */
};
struct trk_leak_amount {
    uint64_t bytes, blocks;
};
/* Always of all that is alive: definitely lost, indirectly (through one of those), possibly (only pointers into the
 * middle lead to it), still reachable, and what trk_ignore and trk_disable leave out. */
struct trk_leak_numbers {
    struct trk_leak_amount definite, indirect, possible, reachable, suppressed;
};

/* ---- Questions and registration -------------------------------------------------------------------------------- */

#if defined(TRK_DISABLE)
static inline uint32_t trk_type_register(struct trk_type *type)
{
    (void)type;
    return 0;
}
static inline int trk_is_recording(void)
{
    return TRK_UNKNOWN;
}
static inline int trk_checkpoint(const char *name)
{
    (void)name;
    return TRK_UNKNOWN;
}
static inline int trk_leak_check(enum trk_leak_check what, struct trk_leak_numbers *ret)
{
    (void)what;
    (void)ret;
    return TRK_UNKNOWN;
}
#else
extern int trk_call_trk_leak_check(enum trk_leak_check what, struct trk_leak_numbers *ret) __asm__("trk_leak_check")
    __attribute__((weak));
extern int trk_call_trk_checkpoint(const char *name) __asm__("trk_checkpoint") __attribute__((weak));
extern uint32_t trk_call_trk_type_register(struct trk_type *type) __asm__("trk_type_register") __attribute__((weak));
extern int trk_call_trk_is_recording(void) __asm__("trk_is_recording") __attribute__((weak));
/* Registers a type ahead of its first use and returns its id; 0 without a recorder, or when no id is left. The
 * struct must stay valid; its name is copied. Idempotent. */
static inline uint32_t trk_type_register(struct trk_type *type) __asm__("trk_inline_type_register");
static inline uint32_t trk_type_register(struct trk_type *type)
{
    return &trk_call_trk_type_register != 0 ? trk_call_trk_type_register(type) : 0;
}
/* Has the recorder look at the whole memory of the program now, and waits for it: at most TRACK_OPTIONS=look_ms, 5
 * seconds by default. Only the calling thread waits. Notes the moment in the trace in any case. TRK_YES: it looked.
 * TRK_NO: this recording reads no memory. TRK_UNKNOWN: nobody is recording, it took too long, or a signal handler asks
 * that interrupted libtrack. */
static inline int trk_checkpoint(const char *name) __asm__("trk_inline_checkpoint");
static inline int trk_checkpoint(const char *name)
{
    int answer = &trk_call_trk_checkpoint != 0 ? trk_call_trk_checkpoint(name) : TRK_UNKNOWN;
    TRK_NO_TAIL_CALL;
    return answer;
}
/* A checkpoint, after which the recorder says at once what is lost; bounds as there, and the recorder replays the whole
 * recording for it. TRK_YES: nothing of what was asked. TRK_NO: something. TRK_UNKNOWN: nobody can tell: no recorder,
 * no memory read, too late. ret may be NULL; it is filled with TRK_YES and TRK_NO, else left alone. */
static inline int trk_leak_check(enum trk_leak_check what,
                                 struct trk_leak_numbers *ret) __asm__("trk_inline_leak_check");
static inline int trk_leak_check(enum trk_leak_check what, struct trk_leak_numbers *ret)
{
    int answer = &trk_call_trk_leak_check != 0 ? trk_call_trk_leak_check(what, ret) : TRK_UNKNOWN;
    TRK_NO_TAIL_CALL;
    return answer;
}
/* TRK_YES while a recorder listens, TRK_NO when libtrack is here but idle, TRK_UNKNOWN without libtrack. */
static inline int trk_is_recording(void) __asm__("trk_inline_is_recording");
static inline int trk_is_recording(void)
{
    return &trk_call_trk_is_recording != 0 ? trk_call_trk_is_recording() : TRK_UNKNOWN;
}
#endif

/* ---- A ready-made reference count ------------------------------------------------------------------------------ */

/* For new code: a count that saturates instead of wrapping (like Linux's refcount_t) and tells the recorder the count
 * and the number of each change, which makes the order of what threads do to an object exact. Low half: the count; high
 * half: the number of the last change. Functions of your own around it want TRK_WRAPPER, so that reports name their
 * callers. Needs the GNU __atomic builtins. */
typedef struct trk_refcount {
    uint64_t word;
} trk_refcount_t;

#define TRK_REFCOUNT_SATURATED 0x40000000u
/* clang-format off */
#define TRK_REFCOUNT_INIT { 1 }
/* clang-format on */

/* Where the numbers of a new life begin: while somebody records, behind those of any earlier life at the same address.
 * A cycle counter grows faster than a count can be changed; it passes 2^31 steps in more than a second. */
static inline uint32_t trk_refcount_number(void)
{
#if !defined(TRK_DISABLE) && defined(__x86_64__)
    if (TRK_ON())
        return (uint32_t)(__builtin_ia32_rdtsc() >> 2);
#elif !defined(TRK_DISABLE) && defined(__aarch64__)
    if (TRK_ON()) {
        uint64_t ticks;
        __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
        return (uint32_t)(ticks << 5); /* it may tick at 25 MHz only */
    }
#endif
    return 0;
}
/* Sets the count to 1. Before the object is published. */
static inline void trk_refcount_init(trk_refcount_t *r)
{
    __atomic_store_n(&r->word, (uint64_t)trk_refcount_number() << 32 | 1, __ATOMIC_RELAXED);
}
/* Sets the count to 1 and tells the birth with its number: trk_refcount_init and trk_new in one, and the better choice
 * where threads free objects that others made. Before the object is published. */
static inline __attribute__((always_inline)) void trk_refcount_new(trk_refcount_t *r, const void *obj,
                                                                   struct trk_type *type)
{
    trk_refcount_init(r);
    trk_new_seq(obj, type, (uint32_t)(__atomic_load_n(&r->word, __ATOMIC_RELAXED) >> 32));
}
/* The count now; only a hint when other threads hold references. */
static inline uint32_t trk_refcount_read(const trk_refcount_t *r)
{
    return (uint32_t)__atomic_load_n(&r->word, __ATOMIC_RELAXED);
}
/* One more reference to obj, owned by slot. A saturated count stays: the object then leaks rather than dangles. */
static inline __attribute__((always_inline)) void trk_refcount_inc(trk_refcount_t *r, const void *obj, const void *slot)
{
    uint64_t old = __atomic_fetch_add(&r->word, ((uint64_t)1 << 32) + 1, __ATOMIC_RELAXED);
    if (__builtin_expect((uint32_t)old >= TRK_REFCOUNT_SATURATED, 0))
        __atomic_fetch_sub(&r->word, (uint64_t)1, __ATOMIC_RELAXED);
    trk_ref_seq(obj, slot, (long)(uint32_t)old + 1, (uint32_t)(old >> 32) + 1);
}
/* One reference of slot given back; returns 1 when it was the last and the caller must destroy obj. An extra release
 * (count 0) is undone and reported: the count stays 0. */
static inline __attribute__((always_inline)) int trk_refcount_dec(trk_refcount_t *r, const void *obj, const void *slot)
{
    uint64_t old = __atomic_fetch_add(&r->word, ((uint64_t)1 << 32) - 1, __ATOMIC_ACQ_REL);
    uint32_t seq = (uint32_t)(old >> 32) + 1;
    if (__builtin_expect((uint32_t)old == 0 || (uint32_t)old >= TRK_REFCOUNT_SATURATED, 0)) {
        __atomic_fetch_add(&r->word, (uint64_t)1, __ATOMIC_RELAXED); /* borrow from the upper half comes back */
        trk_unref_seq(obj, slot, (uint32_t)old == 0 ? -1 : (long)(uint32_t)old, seq);
        return 0;
    }
    trk_unref_seq(obj, slot, (long)(uint32_t)old - 1, seq);
    return (uint32_t)old == 1;
}

#ifdef __cplusplus
}
#endif

#include <track/gc.h> /* cycles that nobody holds, who refers to whom, and what it retains: trk_gc_* */
#endif
