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

/* Which ops carry a slot in arg. */
static bool op_has_slot(unsigned op)
{
    switch (op) {
    case TRK_OP_REF:
    case TRK_OP_UNREF:
    case TRK_OP_MOVE:
    case TRK_OP_SINK:
    case TRK_OP_WEAK_SET:
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_BORROW:
    case TRK_OP_RETURN:
        return true;
    default:
        return false;
    }
}

static bool op_has_count(unsigned op)
{
    return op == TRK_OP_REF || op == TRK_OP_UNREF;
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

/* One EXT slot of the record e. Extensions that the op has no use for are ignored. */
static void extend(struct prof_event *e, const struct trk_slot *slot)
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
    case TRK_EXT_TEXT:
        e->text = value <= UINT32_MAX ? (uint32_t)value : 0;
        break;
    case TRK_EXT_VALUE:
        e->count = (int64_t)value;
        break;
    default:
        break;
    }
}

/* Fills e from a first slot that is neither bookkeeping nor unknown. */
static void decode_first(struct prof_event *e, unsigned op, uint64_t w0, uint64_t w1)
{
    unsigned aux = (unsigned)(w0 >> TRK_AUX_SHIFT) & TRK_AUX_MASK;
    uint64_t arg = w1 >> TRK_ARG_SHIFT;
    uint64_t slot = 0;
    int64_t count = 0;
    unsigned flags = 0;
    e->addr = w0 >> TRK_ADDR_SHIFT;
    e->stack =
        (uint32_t)((w0 >> TRK_STACK_HI_SHIFT & TRK_STACK_HI_MASK) << TRK_STACK_LO_BITS | (w1 & TRK_STACK_LO_MASK));
    e->from = 0;
    e->text = 0;
    e->op = (uint8_t)op;
    switch (op) {
    case TRK_OP_REF:
    case TRK_OP_UNREF:
        if (aux <= TRK_COUNT_INLINE_MAX) {
            count = (int64_t)aux;
            flags = PROF_EVENT_COUNT;
        }
        __attribute__((fallthrough));
    case TRK_OP_MOVE:
    case TRK_OP_SINK:
    case TRK_OP_WEAK_SET:
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_BORROW:
    case TRK_OP_RETURN:
        if (arg != 0) {
            slot = arg << 3;
            flags |= PROF_EVENT_SLOT;
        }
        break;
    case TRK_OP_ALLOC:
    case TRK_OP_FREE:
        if (aux > TRK_ALLOC_BOOT)
            aux = TRK_ALLOC_MALLOC;
        break;
    case TRK_OP_NEW:
    case TRK_OP_RETYPE:
        if (arg >= TRK_TYPE_MAX)
            arg = 0;
        break;
    case TRK_OP_MODULES:
        e->text = arg <= UINT32_MAX ? (uint32_t)arg : 0;
        break;
    default:
        break;
    }
    e->size = arg;
    e->slot = slot;
    e->count = count;
    e->aux = (uint8_t)aux;
    e->flags = (uint8_t)flags;
}

static void advance_time(struct prof_decoder *decoder, uint64_t us)
{
    if (us > decoder->time_us)
        decoder->time_us = us;
}

size_t prof_decode(struct prof_decoder *decoder, const struct trk_slot *slots, size_t count, size_t *pos,
                   struct prof_event *events, size_t room)
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
        bool wanted = false;
        switch (op) {
        case TRK_OP_TICK:
            advance_time(decoder, w1 >> TRK_ARG_SHIFT);
            break;
        case TRK_OP_THREAD:
            decoder->tid = (uint32_t)(w0 >> TRK_ADDR_SHIFT);
            advance_time(decoder, w1 >> TRK_ARG_SHIFT);
            break;
        case TRK_OP_NONE:
        case TRK_OP_SKIP:
            break;
        default:
            if (op >= TRK_OP_COUNT_) {
                decoder->unknown++;
                break;
            }
            wanted = true;
            decode_first(e, op, w0, w1);
            e->time_us = decoder->time_us;
            e->tid = decoder->tid;
            e->ring = (uint8_t)decoder->ring;
            n++;
            break;
        }
        /* More extensions than a record may have are strays of something lost. */
        for (unsigned ext = 0; ext < TRK_MAX_EXT && i < count && slot_op(&slots[i]) == TRK_OP_EXT; ext++, i++)
            if (wanted)
                extend(e, &slots[i]);
    }
    *pos = i;
    return n;
}
