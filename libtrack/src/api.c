/* api.c: the exported verbs of track.h, and how each becomes a record.
 *
 * The C functions have names of their own; the symbols are those of the header, which is included with its inline forms
 * disabled. A verb with a known call site takes trk_fast, one with a known stack trk_direct; everything else builds an
 * event for trk_emit. */
#define TRK_DISABLE
#include <track/track.h>

#include "addr.h"
#include "direct.h"
#include "filter.h"
#include "look.h"
#include "own.h"
#include "verb.h"

/* The gates, defined here so that whoever links libtrack.a with -u trk_gate_v1 gets all verbs with them. They have a
 * page of their own (struct trk_control_page), which the engine may replace by a file that `reftrack record` can write.
 * The page is the size of the symbol: a program that is linked at fixed addresses gets a copy of it, and the copy has
 * to be a page, too. The words at its ends tell that it is. */
_Static_assert(TRK_CONTROL_MALLOC_AT == 64 && TRK_CONTROL_BYTES == 4096 && TRK_CONTROL_MAGIC == 0x31544147544b5254,
               "as spelled below");
__asm__(".pushsection .data.trk_gate, \"aw\"\n"
        ".balign 4096\n"
        ".globl trk_gate_v1, trk_malloc_gate_v1\n"
        ".type trk_gate_v1, %object\n"
        ".type trk_malloc_gate_v1, %object\n"
        "trk_gate_v1:\n"
        ".zero 8\n"
        ".quad 0x31544147544b5254\n"
        ".zero 48\n"
        "trk_malloc_gate_v1:\n"
        ".zero 4024\n"
        ".quad 0x31544147544b5254\n"
        ".size trk_gate_v1, 4096\n"
        ".size trk_malloc_gate_v1, 1\n"
        ".popsection\n");

/* The aux of an event with object and slot. count: NULL when not told. */
static inline unsigned slot_aux(enum trk_op op, const long *count)
{
    if (count != NULL)
        return *count >= 0 && *count <= TRK_COUNT_INLINE_MAX ? (unsigned)*count : TRK_COUNT_EXT;
    return op == TRK_OP_REF || op == TRK_OP_UNREF ? TRK_COUNT_UNKNOWN : 0;
}

/* REF, UNREF, WEAK_SET and all others with an object and a slot, the unusual ones. */
static __attribute__((noinline)) void emit_slot_event(enum trk_op op, const void *obj, const void *slot,
                                                      const long *count, const uint32_t *seq,
                                                      const struct trk_frame *at, const void *caller)
{
    if (trk_filter_on && trk_filter_skips(op, 0, trk_addr(obj)))
        return;
    struct trk_event ev = { .op = op,
                            .aux = (uint8_t)slot_aux(op, count),
                            .depth = TRK_DEPTH_REF,
                            .addr = trk_addr(obj),
                            .at = *at,
                            .caller = (uintptr_t)caller };
    if (ev.aux == TRK_COUNT_EXT)
        trk_add_ext(&ev, TRK_EXT_COUNT, (uint64_t)*count);
    trk_set_slot(&ev, slot, TRK_EXT_HOLDER);
    if (seq != NULL)
        trk_add_ext(&ev, TRK_EXT_SEQ, *seq);
    trk_emit(&ev);
}

/* The same, ordinary ones first. count: NULL when not told. */
static __attribute__((noinline)) void emit_slot(enum trk_op op, const void *obj, const void *slot, const long *count,
                                                const struct trk_frame *at, const void *caller)
{
    unsigned aux = slot_aux(op, count);
    uint64_t code = trk_addr_slot(slot);
    if (TRK_LIKELY(trk_addr_slot_fits(code) && aux != TRK_COUNT_EXT) &&
        trk_direct(op, aux, trk_addr(obj), code >> 3, TRK_DEPTH_REF, at, (uintptr_t)caller))
        return;
    emit_slot_event(op, obj, slot, count, NULL, at, caller);
}

/* With a sequence. */
static __attribute__((noinline)) void emit_seq(enum trk_op op, const void *obj, const void *slot, const long *count,
                                               const uint32_t *seq, const struct trk_frame *at, const void *caller)
{
    unsigned aux = slot_aux(op, count);
    uint64_t code = trk_addr_slot(slot);
    if (TRK_LIKELY(trk_addr_slot_fits(code) && aux != TRK_COUNT_EXT) &&
        trk_direct_ext(op, aux, trk_addr(obj), code >> 3, TRK_DEPTH_REF, at, (uintptr_t)caller, TRK_EXT_SEQ, *seq))
        return;
    emit_slot_event(op, obj, slot, count, seq, at, caller);
}

static __attribute__((noinline)) void emit_move_event(const void *obj, const void *to, const void *from,
                                                      const struct trk_frame *at, const void *caller)
{
    if (trk_filter_on && trk_filter_skips(TRK_OP_MOVE, 0, trk_addr(obj)))
        return;
    struct trk_event ev = {
        .op = TRK_OP_MOVE, .depth = TRK_DEPTH_REF, .addr = trk_addr(obj), .at = *at, .caller = (uintptr_t)caller
    };
    trk_set_slot(&ev, to, TRK_EXT_TO_HOLDER);
    if (from != NULL)
        trk_add_ext(&ev, TRK_EXT_FROM, trk_addr_whole(from));
    trk_emit(&ev);
}

static __attribute__((noinline)) void emit_move(const void *obj, const void *to, const void *from,
                                                const struct trk_frame *at, const void *caller)
{
    uint64_t code = trk_addr_slot(to);
    if (from == NULL && trk_addr_slot_fits(code) &&
        trk_direct(TRK_OP_MOVE, 0, trk_addr(obj), code >> 3, TRK_DEPTH_REF, at, (uintptr_t)caller))
        return;
    emit_move_event(obj, to, from, at, caller);
}

static __attribute__((noinline)) void emit_plain_event(enum trk_op op, unsigned aux, enum trk_depth depth,
                                                       const void *addr, uint64_t arg, const struct trk_frame *at,
                                                       const void *caller)
{
    if (trk_filter_on && trk_filter_skips(op, aux, trk_addr(addr)))
        return;
    struct trk_event ev = { .op = op,
                            .aux = (uint8_t)aux,
                            .depth = depth,
                            .addr = trk_addr(addr),
                            .arg = trk_arg_bits(arg),
                            .at = *at,
                            .caller = (uintptr_t)caller };
    trk_emit(&ev);
}

static __attribute__((noinline)) void emit_plain(enum trk_op op, unsigned aux, enum trk_depth depth, const void *addr,
                                                 uint64_t arg, const struct trk_frame *at, const void *caller)
{
    if (trk_direct(op, aux, trk_addr(addr), trk_arg_bits(arg), depth, at, (uintptr_t)caller))
        return;
    emit_plain_event(op, aux, depth, addr, arg, at, caller);
}

static __attribute__((noinline)) void emit_text(enum trk_op op, enum trk_depth depth, const void *addr, uint64_t arg,
                                                const char *text, const struct trk_frame *at)
{
    struct trk_event ev = {
        .op = op, .depth = depth, .addr = trk_addr(addr), .arg = trk_arg_bits(arg), .at = *at, .text = text
    };
    trk_emit(&ev);
}

/* Where the call came from. The rest of the frame is collected only when the shortest path is not taken. */
#define SITE_OF(caller) ((caller) ? (uintptr_t)(caller) : TRK_FRAME_CALLER.pc)

/* Body of a verb with object and slot. */
#define SLOT_VERB(op, obj, slot, caller)                                                                               \
    do {                                                                                                               \
        unsigned aux_ = (op) == TRK_OP_REF || (op) == TRK_OP_UNREF ? TRK_COUNT_UNKNOWN : 0;                            \
        uint64_t slot_ = trk_addr_slot(slot);                                                                          \
        if (TRK_LIKELY(trk_addr_slot_fits(slot_)) &&                                                                   \
            trk_fast((op), aux_, trk_addr(obj), slot_ >> 3, TRK_DEPTH_REF, SITE_OF(caller)))                           \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        emit_slot((op), (obj), (slot), NULL, &at, (caller));                                                           \
    } while (0)

#define COUNT_VERB(op, obj, slot, count, caller)                                                                       \
    do {                                                                                                               \
        uint64_t slot_ = trk_addr_slot(slot);                                                                          \
        if (TRK_LIKELY(trk_addr_slot_fits(slot_) && (unsigned long)(count) <= TRK_COUNT_INLINE_MAX) &&                 \
            trk_fast((op), (unsigned)(count), trk_addr(obj), slot_ >> 3, TRK_DEPTH_REF, SITE_OF(caller)))              \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        long told_ = (count);                                                                                          \
        emit_slot((op), (obj), (slot), &told_, &at, (caller));                                                         \
    } while (0)

#define SEQ_VERB(op, obj, slot, count, seq, caller)                                                                    \
    do {                                                                                                               \
        uint64_t slot_ = trk_addr_slot(slot);                                                                          \
        if (TRK_LIKELY(trk_addr_slot_fits(slot_) && (unsigned long)(count) <= TRK_COUNT_INLINE_MAX) &&                 \
            trk_fast_ext((op), (unsigned)(count), trk_addr(obj), slot_ >> 3, TRK_DEPTH_REF, SITE_OF(caller),           \
                         TRK_EXT_SEQ, (seq)))                                                                          \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        long told_ = (count);                                                                                          \
        emit_seq((op), (obj), (slot), &told_, &(seq), &at, (caller));                                                  \
    } while (0)

#define MOVE_VERB(obj, to, from, caller)                                                                               \
    do {                                                                                                               \
        uint64_t to_ = trk_addr_slot(to);                                                                              \
        if ((from) == NULL && trk_addr_slot_fits(to_) &&                                                               \
            trk_fast(TRK_OP_MOVE, 0, trk_addr(obj), to_ >> 3, TRK_DEPTH_REF, SITE_OF(caller)))                         \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        emit_move((obj), (to), (from), &at, (caller));                                                                 \
    } while (0)

#define PLAIN_VERB(op, aux, depth, addr, arg, caller)                                                                  \
    do {                                                                                                               \
        if (trk_fast((op), (aux), trk_addr(addr), trk_arg_bits(arg), (depth), SITE_OF(caller)))                        \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        emit_plain((op), (aux), (depth), (addr), (arg), &at, (caller));                                                \
    } while (0)

static __attribute__((noinline)) void emit_typed_event(enum trk_op op, unsigned aux, const void *obj,
                                                       struct trk_type *type, const struct trk_frame *at,
                                                       const void *caller)
{
    struct trk_event ev = { .op = op,
                            .aux = (uint8_t)aux,
                            .depth = TRK_DEPTH_BIRTH,
                            .addr = trk_addr(obj),
                            .at = *at,
                            .caller = (uintptr_t)caller,
                            .type = type };
    trk_emit(&ev);
}

/* A birth or another event with a type. The id is known after the first one. */
static __attribute__((noinline)) void emit_typed(enum trk_op op, unsigned aux, const void *obj, struct trk_type *type,
                                                 const struct trk_frame *at, const void *caller)
{
    uint32_t id = trk_known_type(type);
    if (id && trk_direct(op, aux, trk_addr(obj), id, TRK_DEPTH_BIRTH, at, (uintptr_t)caller))
        return;
    emit_typed_event(op, aux, obj, type, at, caller);
}

#define TYPED_VERB(op, aux, obj, type, caller)                                                                         \
    do {                                                                                                               \
        uint32_t id_ = trk_known_type(type);                                                                           \
        if (id_ && trk_fast((op), (aux), trk_addr(obj), id_, TRK_DEPTH_BIRTH, SITE_OF(caller)))                        \
            return;                                                                                                    \
        struct trk_frame at = TRK_FRAME_CALLER;                                                                        \
        emit_typed((op), (aux), (obj), (type), &at, (caller));                                                         \
    } while (0)

/* ---- Lives
 * ------------------------------------------------------------------------------------------------------------ */

void verb_new(const void *obj, struct trk_type *type) VERB(trk_new);
void verb_new(const void *obj, struct trk_type *type)
{
    TYPED_VERB(TRK_OP_NEW, 0, obj, type, NULL);
}

void verb_new_seq(const void *obj, struct trk_type *type, uint32_t seq) VERB(trk_new_seq);
void verb_new_seq(const void *obj, struct trk_type *type, uint32_t seq)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    uint32_t id = trk_known_type(type);
    if (id && (trk_fast_ext(TRK_OP_NEW, 0, trk_addr(obj), id, TRK_DEPTH_BIRTH, at.pc, TRK_EXT_SEQ, seq) ||
               trk_direct_ext(TRK_OP_NEW, 0, trk_addr(obj), id, TRK_DEPTH_BIRTH, &at, 0, TRK_EXT_SEQ, seq)))
        return;
    struct trk_event ev = { .op = TRK_OP_NEW, .depth = TRK_DEPTH_BIRTH, .addr = trk_addr(obj), .at = at, .type = type };
    trk_add_ext(&ev, TRK_EXT_SEQ, seq);
    trk_emit(&ev);
}

void verb_new_from(const void *obj, struct trk_type *type, const void *caller) VERB(trk_new_from);
void verb_new_from(const void *obj, struct trk_type *type, const void *caller)
{
    TYPED_VERB(TRK_OP_NEW, 0, obj, type, caller);
}

void verb_new_floating(const void *obj, struct trk_type *type) VERB(trk_new_floating);
void verb_new_floating(const void *obj, struct trk_type *type)
{
    TYPED_VERB(TRK_OP_NEW, 1, obj, type, NULL);
}

void verb_retype(const void *obj, struct trk_type *type) VERB(trk_retype);
void verb_retype(const void *obj, struct trk_type *type)
{
    TYPED_VERB(TRK_OP_RETYPE, 0, obj, type, NULL);
}

void verb_del(const void *obj) VERB(trk_del);
void verb_del(const void *obj)
{
    PLAIN_VERB(TRK_OP_DEL, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_del_from(const void *obj, const void *caller) VERB(trk_del_from);
void verb_del_from(const void *obj, const void *caller)
{
    PLAIN_VERB(TRK_OP_DEL, 0, TRK_DEPTH_REF, obj, 0, caller);
}

void verb_dtor_begin(const void *obj) VERB(trk_dtor_begin);
void verb_dtor_begin(const void *obj)
{
    PLAIN_VERB(TRK_OP_DTOR_BEGIN, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_dtor_end(const void *obj) VERB(trk_dtor_end);
void verb_dtor_end(const void *obj)
{
    PLAIN_VERB(TRK_OP_DTOR_END, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_park(const void *obj) VERB(trk_park);
void verb_park(const void *obj)
{
    PLAIN_VERB(TRK_OP_PARK, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_reuse(const void *obj) VERB(trk_reuse);
void verb_reuse(const void *obj)
{
    PLAIN_VERB(TRK_OP_REUSE, 0, TRK_DEPTH_BIRTH, obj, 0, NULL);
}

/* ---- References
 * --------------------------------------------------------------------------------------------------------- */

void verb_ref(const void *obj, const void *slot) VERB(trk_ref);
void verb_ref(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_REF, obj, slot, NULL);
}

void verb_unref(const void *obj, const void *slot) VERB(trk_unref);
void verb_unref(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_UNREF, obj, slot, NULL);
}

void verb_ref_from(const void *obj, const void *slot, const void *caller) VERB(trk_ref_from);
void verb_ref_from(const void *obj, const void *slot, const void *caller)
{
    SLOT_VERB(TRK_OP_REF, obj, slot, caller);
}

void verb_unref_from(const void *obj, const void *slot, const void *caller) VERB(trk_unref_from);
void verb_unref_from(const void *obj, const void *slot, const void *caller)
{
    SLOT_VERB(TRK_OP_UNREF, obj, slot, caller);
}

void verb_ref_rc(const void *obj, const void *slot, long count) VERB(trk_ref_rc);
void verb_ref_rc(const void *obj, const void *slot, long count)
{
    COUNT_VERB(TRK_OP_REF, obj, slot, count, NULL);
}

void verb_unref_rc(const void *obj, const void *slot, long count) VERB(trk_unref_rc);
void verb_unref_rc(const void *obj, const void *slot, long count)
{
    COUNT_VERB(TRK_OP_UNREF, obj, slot, count, NULL);
}

void verb_ref_rc_from(const void *obj, const void *slot, long count, const void *caller) VERB(trk_ref_rc_from);
void verb_ref_rc_from(const void *obj, const void *slot, long count, const void *caller)
{
    COUNT_VERB(TRK_OP_REF, obj, slot, count, caller);
}

void verb_unref_rc_from(const void *obj, const void *slot, long count, const void *caller) VERB(trk_unref_rc_from);
void verb_unref_rc_from(const void *obj, const void *slot, long count, const void *caller)
{
    COUNT_VERB(TRK_OP_UNREF, obj, slot, count, caller);
}

void verb_ref_seq(const void *obj, const void *slot, long count, uint32_t seq) VERB(trk_ref_seq);
void verb_ref_seq(const void *obj, const void *slot, long count, uint32_t seq)
{
    SEQ_VERB(TRK_OP_REF, obj, slot, count, seq, NULL);
}

void verb_unref_seq(const void *obj, const void *slot, long count, uint32_t seq) VERB(trk_unref_seq);
void verb_unref_seq(const void *obj, const void *slot, long count, uint32_t seq)
{
    SEQ_VERB(TRK_OP_UNREF, obj, slot, count, seq, NULL);
}

void verb_ref_seq_from(const void *obj, const void *slot, long count, uint32_t seq, const void *caller)
    VERB(trk_ref_seq_from);
void verb_ref_seq_from(const void *obj, const void *slot, long count, uint32_t seq, const void *caller)
{
    SEQ_VERB(TRK_OP_REF, obj, slot, count, seq, caller);
}

void verb_unref_seq_from(const void *obj, const void *slot, long count, uint32_t seq, const void *caller)
    VERB(trk_unref_seq_from);
void verb_unref_seq_from(const void *obj, const void *slot, long count, uint32_t seq, const void *caller)
{
    SEQ_VERB(TRK_OP_UNREF, obj, slot, count, seq, caller);
}

/* Verbs that are written in place (track/inline.h) come here when they cannot be. */

_Static_assert((int)TRK_INLINE_REF == (int)TRK_OP_REF && (int)TRK_INLINE_UNREF == (int)TRK_OP_UNREF &&
                   (int)TRK_INLINE_COUNT_MAX == (int)TRK_COUNT_INLINE_MAX &&
                   (int)TRK_INLINE_COUNT_UNKNOWN == (int)TRK_COUNT_UNKNOWN &&
                   (int)TRK_INLINE_OBJ_SHIFT == (int)TRK_ADDR_SHIFT &&
                   (int)TRK_INLINE_ARG_SHIFT == (int)TRK_ARG_SHIFT && TRK_STACK_HI_SHIFT == 13 &&
                   TRK_STACK_LO_BITS == 20 && TRK_STACK_ID_BITS == 24 && TRK_AUX_SHIFT == 7 && TRK_OP_SHIFT == 1 &&
                   (int)TRK_INLINE_SEQ_SLOT == (TRK_EXT_SEQ << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT) &&
                   TRK_ERAS <= 256,
               "as binaries were compiled with");

/* A site keeps its number while its code is loaded, and the place's word is part of the same module. The number belongs
 * to one arena: it is taken only when the state was of one era before and after. */
static void place_fill(uint64_t *place, uintptr_t pc)
{
    struct trk_thread *st = trk_tls.self;
    if (trk_inline_tls.ring == NULL || st == NULL)
        return;
    uint32_t era = trk_load32(&st->era);
    uint32_t id = trk_site_find(st, pc);
    uint64_t self = (uintptr_t)&trk_inline_tls - trk_thread_pointer();
    if (id != 0 && era != 0 && trk_load32(&st->era) == era)
        __atomic_store_n(place, self << TRK_INLINE_WORD_SELF | (uint64_t)id << TRK_INLINE_WORD_SITE | (era & 0xff),
                         __ATOMIC_RELAXED);
}

void verb_inline(uint32_t form, uintptr_t obj_at, uintptr_t slot_at, long count, uint32_t seq, uint64_t *place)
    VERB(trk_inline_v1);
void verb_inline(uint32_t form, uintptr_t obj_at, uintptr_t slot_at, long count, uint32_t seq, uint64_t *place)
{
    const struct trk_frame at = TRK_FRAME_CALLER;
    const void *obj = (const void *)obj_at, *slot = (const void *)slot_at;
    enum trk_op op = form & TRK_INLINE_OP;
    const long *told = form & TRK_INLINE_COUNT ? &count : NULL;
    unsigned aux = slot_aux(op, told);
    uint64_t code = trk_addr_slot(slot);
    bool plain = trk_addr_slot_fits(code) && aux != TRK_COUNT_EXT;
    if (form & TRK_INLINE_SEQ) {
        if (!plain || !trk_fast_ext(op, aux, trk_addr(obj), code >> 3, TRK_DEPTH_REF, at.pc, TRK_EXT_SEQ, seq))
            emit_seq(op, obj, slot, told, &seq, &at, NULL);
    } else if (!plain || !trk_fast(op, aux, trk_addr(obj), code >> 3, TRK_DEPTH_REF, at.pc)) {
        emit_slot(op, obj, slot, told, &at, NULL);
    }
    place_fill(place, at.pc);
}

void verb_move(const void *obj, const void *to, const void *from) VERB(trk_move);
void verb_move(const void *obj, const void *to, const void *from)
{
    MOVE_VERB(obj, to, from, NULL);
}

void verb_move_from(const void *obj, const void *to, const void *from, const void *caller) VERB(trk_move_from);
void verb_move_from(const void *obj, const void *to, const void *from, const void *caller)
{
    MOVE_VERB(obj, to, from, caller);
}

void verb_own(const void *obj, const void *slot) VERB(trk_own);
void verb_own(const void *obj, const void *slot)
{
    MOVE_VERB(obj, slot, NULL, NULL);
}

void verb_disown(const void *obj, const void *slot) VERB(trk_disown);
void verb_disown(const void *obj, const void *slot)
{
    MOVE_VERB(obj, NULL, slot, NULL);
}

void verb_move_range(const void *to, const void *from, size_t size) VERB(trk_move_range);
void verb_move_range(const void *to, const void *from, size_t size)
{
    struct trk_event ev = { .op = TRK_OP_MOVE_RANGE, .addr = trk_addr(to), .arg = trk_arg_bits(size) };
    trk_add_ext(&ev, TRK_EXT_FROM, trk_addr_whole(from));
    trk_emit(&ev);
}

void verb_sink(const void *obj, const void *slot) VERB(trk_sink);
void verb_sink(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_SINK, obj, slot, NULL);
}

void verb_weak_set(const void *obj, const void *slot) VERB(trk_weak_set);
void verb_weak_set(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_WEAK_SET, obj, slot, NULL);
}

void verb_weak_clear(const void *obj, const void *slot) VERB(trk_weak_clear);
void verb_weak_clear(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_WEAK_CLEAR, obj, slot, NULL);
}

void verb_borrow(const void *obj, const void *slot) VERB(trk_borrow);
void verb_borrow(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_BORROW, obj, slot, NULL);
}

void verb_return(const void *obj, const void *slot) VERB(trk_return);
void verb_return(const void *obj, const void *slot)
{
    SLOT_VERB(TRK_OP_RETURN, obj, slot, NULL);
}

/* ---- Intentions, blocks
 * ------------------------------------------------------------------------------------------------- */

void verb_pin(const void *obj, const char *why) VERB(trk_pin);
void verb_pin(const void *obj, const char *why)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_text(TRK_OP_PIN, TRK_DEPTH_REF, obj, 0, why, &at);
}

void verb_unpin(const void *obj) VERB(trk_unpin);
void verb_unpin(const void *obj)
{
    PLAIN_VERB(TRK_OP_UNPIN, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_may_leak(const void *obj, const char *why) VERB(trk_may_leak);
void verb_may_leak(const void *obj, const char *why)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_text(TRK_OP_MAY_LEAK, TRK_DEPTH_REF, obj, 0, why, &at);
}

void verb_root_add(const void *start, size_t size, const char *name) VERB(trk_root_add);
void verb_root_add(const void *start, size_t size, const char *name)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_text(TRK_OP_ROOT_ADD, TRK_DEPTH_REF, start, size, name, &at);
}

void verb_root_del(const void *start) VERB(trk_root_del);
void verb_root_del(const void *start)
{
    PLAIN_VERB(TRK_OP_ROOT_DEL, 0, TRK_DEPTH_REF, start, 0, NULL);
}

void verb_touch(const void *obj, const char *text) VERB(trk_touch);
void verb_touch(const void *obj, const char *text)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_text(TRK_OP_TOUCH, TRK_DEPTH_REF, obj, 0, text, &at);
}

void verb_context(const char *key, uint64_t id) VERB(trk_context);
void verb_context(const char *key, uint64_t id)
{
    struct trk_event ev = { .op = TRK_OP_CONTEXT, .text = key };
    if (key != NULL)
        trk_add_ext(&ev, TRK_EXT_VALUE, id);
    trk_emit(&ev);
}

void verb_alloc(const void *mem, size_t size) VERB(trk_alloc);
void verb_alloc(const void *mem, size_t size)
{
    if (mem == NULL || !trk_gate_v1)
        return;
    trk_own_custom(trk_addr_whole(mem), size);
    PLAIN_VERB(TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, TRK_DEPTH_BIRTH, mem, size, NULL);
}

void verb_free(const void *mem) VERB(trk_free);
void verb_free(const void *mem)
{
    if (mem != NULL)
        PLAIN_VERB(TRK_OP_FREE, TRK_ALLOC_CUSTOM, TRK_DEPTH_FREE, mem, 0, NULL);
}

/* Without a stack: that of the allocation tells where. */
static __attribute__((noinline)) void emit_typed_block(const void *mem, struct trk_type *type, unsigned aux)
{
    if (mem == NULL || type == NULL || (trk_filter_on && trk_filter_skips(TRK_OP_TYPED, aux, trk_addr(mem))))
        return;
    struct trk_event ev = { .op = TRK_OP_TYPED, .aux = (uint8_t)aux, .addr = trk_addr(mem), .type = type };
    trk_emit(&ev);
}

static inline __attribute__((always_inline)) void typed_block(const void *mem, struct trk_type *type, unsigned aux)
{
    uint32_t id = trk_known_type(type);
    if (!id || mem == NULL || !trk_fast_bare(TRK_OP_TYPED, aux, trk_addr(mem), id))
        emit_typed_block(mem, type, aux);
}

void verb_typed(const void *mem, struct trk_type *type) VERB(trk_typed);
void verb_typed(const void *mem, struct trk_type *type)
{
    typed_block(mem, type, 0);
}

void verb_typed_array(const void *mem, struct trk_type *type) VERB(trk_typed_array);
void verb_typed_array(const void *mem, struct trk_type *type)
{
    typed_block(mem, type, 1);
}

/* ---- Moments
 * -------------------------------------------------------------------------------------------------------------- */

void verb_mark(const char *name) VERB(trk_mark);
void verb_mark(const char *name)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    const struct trk_look_ask look = { .why = TRK_LOOK_MARK, .name = name };
    emit_text(TRK_OP_MARK, TRK_DEPTH_BIRTH, NULL, 0, name, &at);
    trk_look(&look);
}

void verb_scope_begin(const char *name) VERB(trk_scope_begin);
void verb_scope_begin(const char *name)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_text(TRK_OP_SCOPE_BEGIN, TRK_DEPTH_BIRTH, NULL, 0, name, &at);
}

void verb_scope_end(void) VERB(trk_scope_end);
void verb_scope_end(void)
{
    struct trk_event ev = { .op = TRK_OP_SCOPE_END };
    const struct trk_look_ask look = { .why = TRK_LOOK_SCOPE };
    trk_emit(&ev);
    trk_look(&look);
}

void verb_assert_freed(const void *obj) VERB(trk_assert_freed);
void verb_assert_freed(const void *obj)
{
    PLAIN_VERB(TRK_OP_ASSERT_FREED, 0, TRK_DEPTH_REF, obj, 0, NULL);
}

void verb_count_seen(const void *obj, long count) VERB(trk_count_seen);
void verb_count_seen(const void *obj, long count)
{
    struct trk_event ev = { .op = TRK_OP_COUNT_SEEN, .addr = trk_addr(obj) };
    trk_add_ext(&ev, TRK_EXT_COUNT, (uint64_t)count);
    trk_emit(&ev);
}

/* ---- Questions
 * -------------------------------------------------------------------------------------------------------------- */

int verb_checkpoint(const char *name) VERB(trk_checkpoint);
int verb_checkpoint(const char *name)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    const struct trk_look_ask look = { .why = TRK_LOOK_CALL, .name = name };
    if (!trk_gate_v1)
        return TRK_UNKNOWN;
    emit_text(TRK_OP_CHECKPOINT, TRK_DEPTH_BIRTH, NULL, 0, name, &at);
    return trk_look(&look);
}

uint32_t verb_type_register(struct trk_type *type) VERB(trk_type_register);
uint32_t verb_type_register(struct trk_type *type)
{
    trk_engine_start();
    if (trk_eng.phase == TRK_PHASE_FORWARD)
        return trk_eng.forward->type_register(type);
    return trk_gate_v1 ? trk_type_id(type) : 0;
}

int verb_is_recording(void) VERB(trk_is_recording);
int verb_is_recording(void)
{
    return trk_gate_v1 ? TRK_YES : TRK_NO;
}
