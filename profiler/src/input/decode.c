/* decode.c: slots to events, see input/decode.h. The loop has two paths: records without extensions, which are nearly
 * all of them, and the rest. */
#include <input/decode.h>

#include <stdbool.h>

static unsigned slot_op(const struct trk_slot *slot)
{
    return (unsigned)(slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
}

void prof_decoder_enter(struct prof_decoder *decoder, const struct trk_events_head *head)
{
    decoder->ring = head->ring;
    decoder->tid = head->tid;
    if (head->start_us > decoder->time_us && head->start_us <= PROF_TIME_MAX)
        decoder->time_us = head->start_us;
}

/* What an op's members mean. A table instead of a switch: in a mixed stream the branches of a switch are guessed wrong
 * more often than all the rest costs. */
enum op_trait {
    OP_EVENT = 1,  /* becomes an event */
    OP_SLOT = 2,   /* arg is a slot */
    OP_COUNT = 4,  /* aux is a count */
    OP_TYPE = 8,   /* arg is a type id */
    OP_ALLOC = 16, /* aux is an allocation kind */
    OP_TEXT = 32,  /* arg is a text id */
};
static const uint8_t op_traits[TRK_OP_MASK + 1] = {
    [TRK_OP_ALLOC] = OP_EVENT | OP_ALLOC,
    [TRK_OP_FREE] = OP_EVENT | OP_ALLOC,
    [TRK_OP_REALLOC] = OP_EVENT,
    [TRK_OP_REALLOC_FAIL] = OP_EVENT,
    [TRK_OP_NEW] = OP_EVENT | OP_TYPE,
    [TRK_OP_REF] = OP_EVENT | OP_SLOT | OP_COUNT,
    [TRK_OP_UNREF] = OP_EVENT | OP_SLOT | OP_COUNT,
    [TRK_OP_MOVE] = OP_EVENT | OP_SLOT,
    [TRK_OP_DEL] = OP_EVENT,
    [TRK_OP_WEAK_SET] = OP_EVENT | OP_SLOT,
    [TRK_OP_WEAK_CLEAR] = OP_EVENT | OP_SLOT,
    [TRK_OP_BORROW] = OP_EVENT | OP_SLOT,
    [TRK_OP_RETURN] = OP_EVENT | OP_SLOT,
    [TRK_OP_SINK] = OP_EVENT | OP_SLOT,
    [TRK_OP_PIN] = OP_EVENT,
    [TRK_OP_UNPIN] = OP_EVENT,
    [TRK_OP_MAY_LEAK] = OP_EVENT,
    [TRK_OP_PARK] = OP_EVENT,
    [TRK_OP_REUSE] = OP_EVENT,
    [TRK_OP_RETYPE] = OP_EVENT | OP_TYPE,
    [TRK_OP_DTOR_BEGIN] = OP_EVENT,
    [TRK_OP_DTOR_END] = OP_EVENT,
    [TRK_OP_ROOT_ADD] = OP_EVENT,
    [TRK_OP_ROOT_DEL] = OP_EVENT,
    [TRK_OP_TOUCH] = OP_EVENT,
    [TRK_OP_CONTEXT] = OP_EVENT,
    [TRK_OP_MARK] = OP_EVENT,
    [TRK_OP_SCOPE_BEGIN] = OP_EVENT,
    [TRK_OP_SCOPE_END] = OP_EVENT,
    [TRK_OP_MOVE_RANGE] = OP_EVENT,
    [TRK_OP_FORK] = OP_EVENT,
    [TRK_OP_MODULES] = OP_EVENT | OP_TEXT,
    [TRK_OP_DROP] = OP_EVENT,
    [TRK_OP_EXIT] = OP_EVENT,
    [TRK_OP_ASSERT_FREED] = OP_EVENT,
    [TRK_OP_CHECKPOINT] = OP_EVENT,
    [TRK_OP_COUNT_SEEN] = OP_EVENT,
    [TRK_OP_EXEC] = OP_EVENT,
    [TRK_OP_EXEC_FAIL] = OP_EVENT,
    [TRK_OP_IGNORE] = OP_EVENT,
    [TRK_OP_DISABLE] = OP_EVENT,
    [TRK_OP_POOL] = OP_EVENT,
    [TRK_OP_TYPED] = OP_EVENT | OP_TYPE,
    [TRK_OP_GC] = OP_EVENT,
};

static bool op_has_slot(unsigned op)
{
    return (op_traits[op] & OP_SLOT) != 0;
}

static bool op_has_count(unsigned op)
{
    return (op_traits[op] & OP_COUNT) != 0;
}

static void put_slot(struct prof_event *e, uint64_t slot, unsigned flag)
{
    e->flags = (uint8_t)((e->flags & ~(PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) | flag);
    e->slot = slot & PROF_ADDR_MASK;
}

static void put_from(struct prof_event *e, uint64_t from)
{
    bool holder = from >> 63 != 0;
    e->from = from & PROF_ADDR_MASK;
    e->flags = (uint8_t)(e->flags | (holder ? PROF_EVENT_FROM | PROF_EVENT_FROM_HOLDER : PROF_EVENT_FROM));
}

/* exact_us: where the time goes, NULL: into the event. */
static void put_time(struct prof_event *e, uint64_t ns, uint64_t *exact_us)
{
    struct prof_event exact = { .time_us = e->time_us };
    uint64_t us = ns / 1000;
    if (us > PROF_TIME_MAX || us + PROF_DAY_US < e->time_us || us > e->time_us + PROF_DAY_US)
        return;
    prof_event_set_ns(&exact, ns);
    e->fine = exact.fine;
    *(exact_us != NULL ? exact_us : &e->time_us) = exact.time_us;
}

/* One EXT slot of the record e. Extensions that the op has no use for are ignored. */
static void extend(struct prof_event *e, const struct trk_slot *slot, uint64_t *exact_us)
{
    uint64_t value = slot->w1;
    switch ((slot->w0 >> TRK_EXT_SHIFT) & TRK_EXT_MASK) {
    case TRK_EXT_COUNT:
        if ((op_has_count(e->op) && e->aux == TRK_COUNT_EXT) || e->op == TRK_OP_COUNT_SEEN) {
            int64_t count = (int64_t)value;
            e->count = count > INT32_MAX ? INT32_MAX : count < INT32_MIN ? INT32_MIN : count;
            e->flags |= PROF_EVENT_COUNT;
        }
        break;
    case TRK_EXT_SLOT:
        if (op_has_slot(e->op))
            put_slot(e, value, value >> 63 != 0 ? PROF_EVENT_HOLDER : PROF_EVENT_SLOT);
        break;
    case TRK_EXT_HOLDER:
    case TRK_EXT_TO_HOLDER:
        if (op_has_slot(e->op))
            put_slot(e, value, PROF_EVENT_HOLDER);
        break;
    case TRK_EXT_FROM:
        if (e->op == TRK_OP_MOVE || e->op == TRK_OP_MOVE_RANGE)
            put_from(e, value);
        break;
    case TRK_EXT_OLD:
        if (e->op == TRK_OP_ALLOC)
            e->from = value & PROF_ADDR_MASK;
        break;
    case TRK_EXT_POOL:
        if (e->op == TRK_OP_ALLOC && e->aux == TRK_ALLOC_CUSTOM) {
            e->from = value & PROF_ADDR_MASK;
            e->flags |= PROF_EVENT_POOL;
        }
        break;
    case TRK_EXT_SEQ:
        if (op_has_count(e->op) || e->op == TRK_OP_NEW) {
            e->from = (uint32_t)value;
            e->flags |= PROF_EVENT_SEQ;
        }
        break;
    case TRK_EXT_TEXT:
        e->text = value <= UINT32_MAX ? (uint32_t)value : 0;
        break;
    case TRK_EXT_VALUE:
        e->count = (int64_t)value;
        break;
    case TRK_EXT_TIME:
        if (e->fine == 0)
            put_time(e, value, exact_us);
        break;
    default:
        break;
    }
}

static inline uint64_t whole_address(uint64_t bits, uint64_t high)
{
    return bits >> TRK_ADDR_LOW_BITS != 0 ? bits | high : bits;
}

/* Fills e from the first slot of a record that becomes an event. */
static inline __attribute__((always_inline)) void decode_first(struct prof_event *e, unsigned op, uint64_t w0,
                                                               uint64_t w1, uint64_t high)
{
    unsigned traits = op_traits[op];
    unsigned aux = (unsigned)(w0 >> TRK_AUX_SHIFT) & TRK_AUX_MASK;
    uint64_t arg = w1 >> TRK_ARG_SHIFT;
    bool slot = (traits & OP_SLOT) != 0 && arg != 0;
    bool count = (traits & OP_COUNT) != 0 && aux <= TRK_COUNT_INLINE_MAX;
    if ((traits & OP_TYPE) != 0 && arg >= TRK_TYPE_MAX)
        arg = 0;
    if ((traits & OP_ALLOC) != 0 && aux > TRK_ALLOC_BOOT)
        aux = TRK_ALLOC_MALLOC;
    e->addr = whole_address(w0 >> TRK_ADDR_SHIFT, high);
    e->size = arg;
    e->slot = slot ? whole_address(arg << 3, high) : 0;
    e->from = 0;
    e->count = count ? (int64_t)aux : 0;
    e->stack =
        (uint32_t)((w0 >> TRK_STACK_HI_SHIFT & TRK_STACK_HI_MASK) << TRK_STACK_LO_BITS | (w1 & TRK_STACK_LO_MASK));
    e->text = (traits & OP_TEXT) != 0 && arg <= UINT32_MAX ? (uint32_t)arg : 0;
    e->op = (uint8_t)op;
    e->aux = (uint8_t)aux;
    e->flags = (uint8_t)((slot ? PROF_EVENT_SLOT : 0) | (count ? PROF_EVENT_COUNT : 0));
}

static void advance_time(struct prof_decoder *decoder, uint64_t us)
{
    if (us > decoder->time_us)
        decoder->time_us = us;
}

static inline __attribute__((always_inline)) size_t decode(struct prof_decoder *decoder, const struct trk_slot *slots,
                                                           size_t count, size_t *pos, struct prof_event *events,
                                                           uint64_t *exact_us, size_t room, uint64_t high)
{
    size_t i = *pos, n = 0;
    while (i < count && n < room) {
        uint64_t w0 = slots[i].w0, w1 = slots[i].w1;
        unsigned op = slot_op(&slots[i]);
        i++;
        if (op == TRK_OP_EXT) {
            decoder->strays++;
            continue;
        }
        decoder->records++;
        struct prof_event *e = &events[n];
        bool wanted = (op_traits[op] & OP_EVENT) != 0;
        if (wanted) {
            decode_first(e, op, w0, w1, high);
            e->time_us = decoder->time_us;
            e->tid = decoder->tid & PROF_TID_MASK;
            e->fine = 0;
            e->ring = (uint8_t)decoder->ring;
            n++;
        } else if (op == TRK_OP_TICK || op == TRK_OP_THREAD) {
            if (op == TRK_OP_THREAD)
                decoder->tid = (uint32_t)(w0 >> TRK_ADDR_SHIFT);
            advance_time(decoder, w1 >> TRK_ARG_SHIFT);
        } else if (op != TRK_OP_NONE && op != TRK_OP_SKIP) {
            decoder->unknown++;
        }
        /* More extensions than a record may have are strays of something lost. */
        for (unsigned ext = 0; ext < TRK_MAX_EXT && i < count && slot_op(&slots[i]) == TRK_OP_EXT; ext++, i++) {
            if (!wanted)
                continue;
            extend(e, &slots[i], exact_us != NULL ? &exact_us[n - 1] : NULL);
            decoder->numbers |= (e->flags & PROF_EVENT_SEQ) != 0;
        }
    }
    *pos = i;
    return n;
}

/* Twice: what traces without high addresses do not need costs them nothing. */
static inline __attribute__((always_inline)) size_t decode_any(struct prof_decoder *decoder,
                                                               const struct trk_slot *slots, size_t count, size_t *pos,
                                                               struct prof_event *events, uint64_t *exact_us,
                                                               size_t room)
{
    return decoder->high == 0 ? decode(decoder, slots, count, pos, events, exact_us, room, 0)
                              : decode(decoder, slots, count, pos, events, exact_us, room, decoder->high);
}

size_t prof_decode(struct prof_decoder *decoder, const struct trk_slot *slots, size_t count, size_t *pos,
                   struct prof_event *events, size_t room)
{
    return decode_any(decoder, slots, count, pos, events, NULL, room);
}

size_t prof_decode_ticks(struct prof_decoder *decoder, const struct trk_slot *slots, size_t count, size_t *pos,
                         struct prof_event *events, uint64_t *exact_us, size_t room)
{
    return decode_any(decoder, slots, count, pos, events, exact_us, room);
}
