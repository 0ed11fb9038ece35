/* drain.c: the reader's side of the rings.
 *
 * Slots are valid when their lap bit is the one expected at their position. Valid slots are copied in chunks and the
 * copies wait in `pending` until a round is written. The producer gets the room back when they are in the file, so
 * that a recorder that is killed loses nothing; only a ring that fills up gets it back as soon as it is copied. Only
 * whole records are passed on: the last one of a copy waits one look longer, because its EXT slots may still be
 * missing. A hole is waited for, then counted and skipped. Nothing read here is used as an address or a length without
 * a check. */
#include "private.h"

#include <string.h>

/* A ring of which this part is copied but not yet in the file gets its room back early. */
enum { UNTOLD_SHARE = 4 };

static unsigned op_of(const struct trk_slot *slot)
{
    return (unsigned)(slot->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
}

static uint64_t addr_of(const struct trk_slot *slot)
{
    return slot->w0 >> TRK_ADDR_SHIFT;
}

static uint64_t arg_of(const struct trk_slot *slot)
{
    return slot->w1 >> TRK_ARG_SHIFT;
}

static uint32_t stack_of(const struct trk_slot *slot)
{
    return (uint32_t)((slot->w0 >> TRK_STACK_HI_SHIFT & TRK_STACK_HI_MASK) << TRK_STACK_LO_BITS |
                      (slot->w1 & TRK_STACK_LO_MASK));
}

static struct trk_slot *slots_of(const struct arena *arena, const struct ring *ring)
{
    return (struct trk_slot *)(void *)(arena->base + ring->data_off);
}

bool rec_is_event(const struct trk_slot *slot)
{
    unsigned op = op_of(slot);
    return op > TRK_OP_THREAD && op != TRK_OP_DROP && op != TRK_OP_SKIP;
}

/* Loads the slot at a position; false when it is not valid (yet). */
static inline bool load_slot(struct trk_slot *slots, uint32_t log2_slots, uint64_t pos, struct trk_slot *ret)
{
    struct trk_slot *slot = &slots[pos & (((uint64_t)1 << log2_slots) - 1)];
    /* Partner: the producer's release store of w0 after w1. */
    uint64_t w0 = __atomic_load_n(&slot->w0, __ATOMIC_ACQUIRE);
    if ((w0 & 1) != ((pos >> log2_slots & 1) ^ 1))
        return false;
    ret->w0 = w0 & ~(uint64_t)1;
    ret->w1 = __atomic_load_n(&slot->w1, __ATOMIC_RELAXED);
    return true;
}

/* The number in the EXT slot of this kind of the record at `slot`; 0 without one. */
static uint64_t ext_of(const struct trk_slot *slot, const struct trk_slot *end, unsigned kind)
{
    for (int i = 0; i < TRK_MAX_EXT && ++slot < end && op_of(slot) == TRK_OP_EXT; i++)
        if ((slot->w0 >> TRK_EXT_SHIFT & TRK_EXT_MASK) == kind)
            return slot->w1;
    return 0;
}

/* The record says something about its process. */
static void note_record(struct proc *proc, struct ring *ring, const struct trk_slot *slot, const struct trk_slot *end)
{
    unsigned op = op_of(slot);
    switch (op) {
    case TRK_OP_TICK:
        ring->now_us = arg_of(slot);
        break;
    case TRK_OP_THREAD:
        ring->tid = (uint32_t)addr_of(slot);
        ring->now_us = arg_of(slot);
        break;
    case TRK_OP_NEW:
    case TRK_OP_RETYPE:
    case TRK_OP_TYPED:
        rec_define_type(proc, arg_of(slot));
        break;
    case TRK_OP_MODULES:
        if (!rec_is_flight(proc->arena)) /* seen when it changed */
            rec_modules_write(proc, arg_of(slot), (uint32_t)ext_of(slot, end, TRK_EXT_VALUE), ring->now_us);
        break;
    case TRK_OP_FORK:
        if (proc->forked.count < REC_FORKED_MAX)
            (void)prof_vec_push(&proc->forked, (pid_t)addr_of(slot));
        break;
    case TRK_OP_GC:
        rec_gc_note(proc, (unsigned)(slot->w0 >> TRK_AUX_SHIFT) & TRK_AUX_MASK, arg_of(slot),
                    ext_of(slot, end, TRK_EXT_VALUE));
        break;
    case TRK_OP_EXIT:
        if ((slot->w0 >> TRK_AUX_SHIFT) & 1)
            proc->exit_status = (int)(arg_of(slot) & 0xff);
        break;
    case TRK_OP_EXEC:
        proc->exec_seen = true;
        proc->exec_check_us = rec_now_us() + REC_MEM_US / 20;
        break;
    case TRK_OP_EXEC_FAIL:
        proc->exec_seen = false;
        break;
    default:
        break;
    }
    if (proc->counted != NULL)
        rec_counted_note(proc, op, addr_of(slot), arg_of(slot),
                         op == TRK_OP_ALLOC ? ext_of(slot, end, TRK_EXT_OLD) : 0);
}

static void note_ext(struct proc *proc, const struct trk_slot *slot)
{
    if (((slot->w0 >> TRK_EXT_SHIFT) & TRK_EXT_MASK) == TRK_EXT_TEXT)
        rec_define_text(proc, slot->w1);
}

/* Exact times stand as cycles in rings and as nanoseconds in files. The clocks are read behind the copying of what
 * bears the cycles, so no honest ones are later; others end up at that reading. false: the slot means nothing. */
static bool tell_time(struct proc *proc, struct trk_slot *slot)
{
    struct arena *arena = proc->arena;
    unsigned kind = (unsigned)(slot->w0 >> TRK_EXT_SHIFT) & TRK_EXT_MASK;
    if (kind != TRK_EXT_CYCLES && kind != TRK_EXT_TIME)
        return true;
    if (kind == TRK_EXT_TIME || arena->cycles == NULL)
        return false;
    proc->timed = true;
    if (slot->w1 > cycles_last(arena->cycles).cycles)
        rec_arena_read_cycles(arena);
    *slot = (struct trk_slot){ (uint64_t)TRK_EXT_TIME << TRK_EXT_SHIFT | TRK_OP_EXT << TRK_OP_SHIFT,
                               cycles_ns(arena->cycles, slot->w1) };
    return true;
}

/* Appends count copied slots to the ring's pending ones; drops EXT slots that belong to no record and those beyond what
 * a record may have. */
void rec_take(struct recorder *rec, struct proc *proc, struct ring *ring, const struct trk_slot *slots, size_t count)
{
    if (ring->pending.count == 0) {
        ring->pending_tid = ring->tid;
        ring->pending_us = ring->now_us;
    }
    if (!prof_vec_reserve(&ring->pending, count)) {
        for (size_t i = 0; i < count; i++)
            proc->lost_unwritten += op_of(&slots[i]) != TRK_OP_EXT;
        return;
    }
    struct trk_slot *out = ring->pending.items + ring->pending.count;
    struct trk_slot *begin = out;
    uint64_t records = 0, events = 0;
    for (size_t i = 0; i < count; i++) {
        const struct trk_slot *slot = &slots[i];
        unsigned op = op_of(slot);
        if (op == TRK_OP_EXT) {
            if (ring->skipping || ring->ext >= TRK_MAX_EXT)
                continue;
            ring->ext++;
            note_ext(proc, slot);
            *out = *slot;
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a ring with records has a process */
            out += tell_time(proc, out);
            continue;
        } else {
            ring->skipping = false;
            ring->ext = 0;
            if (op == TRK_OP_NONE || op == TRK_OP_SKIP) {
                ring->skipping = true; /* its EXT slots mean nothing either */
                continue;
            }
            uint32_t stack = stack_of(slot);
            if (stack != 0)
                rec_define_stack(proc, stack);
            note_record(proc, ring, slot, slots + count);
            events += rec_is_event(slot);
            records++;
        }
        *out++ = *slot;
    }
    size_t taken = (size_t)(out - begin);
    ring->pending.count += taken;
    ring->pending_records += records;
    ring->taken += events;
    rec->pending_slots += taken;
}

static void publish_tail(struct trk_shm_ring *shm, struct ring *ring)
{
    ring->published = ring->tail;
    /* Before tail: a recorder killed in between has given nothing away that this does not know. */
    __atomic_store_n(&shm->reached, ring->taken << 32 | (uint32_t)ring->tail, __ATOMIC_RELEASE);
    /* Partner: the producer's acquire load of tail at its slow path. */
    __atomic_store_n(&shm->tail, ring->tail, __ATOMIC_RELEASE);
    /* The producer sets waiting, then looks at tail again; both sides need the order store, then load. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&shm->waiting, __ATOMIC_RELAXED) != 0) {
        __atomic_store_n(&shm->waiting, 0, __ATOMIC_RELAXED); /* it sets it again before it sleeps again */
        __atomic_fetch_add(&shm->tail_futex, 1, __ATOMIC_RELEASE);
        rec_futex_wake(&shm->tail_futex);
    }
}

/* A hole is at tail: finds the next valid slot behind it, at most `far` slots away. 0: none. */
static uint64_t find_behind(const struct arena *arena, const struct ring *ring, uint64_t far)
{
    uint64_t half = (uint64_t)1 << ring->log2_slots >> 1;
    struct trk_slot *slots = slots_of(arena, ring);
    struct trk_slot slot;
    if (far > half)
        far = half;
    for (uint64_t d = 1; d < far; d++)
        if (load_slot(slots, ring->log2_slots, ring->tail + d, &slot))
            return d;
    return 0;
}

/* Gives up `count` slots at tail. What they hold is of the lap before and would look valid in the next one: they are
 * written, while nobody may use them yet. A writer that finishes late does the same. */
static void close_hole(const struct arena *arena, struct ring *ring, uint64_t count)
{
    struct trk_slot *slots = slots_of(arena, ring);
    uint64_t mask = ((uint64_t)1 << ring->log2_slots) - 1;
    struct trk_slot slot;
    for (uint64_t end = ring->tail + count; ring->tail < end; ring->tail++)
        if (!load_slot(slots, ring->log2_slots, ring->tail, &slot))
            __atomic_store_n(&slots[ring->tail & mask].w0,
                             (uint64_t)TRK_OP_SKIP << TRK_OP_SHIFT | ((ring->tail >> ring->log2_slots & 1) ^ 1),
                             __ATOMIC_RELEASE);
    ring->skipping = true;
}

/* How far records reach behind a hole, small holes among them; half a ring at most. */
static uint64_t find_extent(const struct arena *arena, const struct ring *ring)
{
    uint64_t half = (uint64_t)1 << ring->log2_slots >> 1, end = 0;
    struct trk_slot *slots = slots_of(arena, ring);
    struct trk_slot slot;
    for (uint64_t d = 1; d < half && d - end <= REC_LOOKAHEAD; d++)
        if (load_slot(slots, ring->log2_slots, ring->tail + d, &slot))
            end = d;
    return ring->tail + end;
}

/* Nothing is ready at tail. Skips a hole that is old enough, as are all that were behind the first one when that was
 * met: so a ring full of holes falls behind the others by one wait, not by one for each. True: it moved. */
static bool look_at_hole(struct arena *arena, struct ring *ring, struct trk_shm_ring *shm, uint64_t now_us)
{
    bool waiting = __atomic_load_n(&shm->waiting, __ATOMIC_RELAXED) != 0;
    uint64_t behind = find_behind(arena, ring, waiting ? REC_HOLE_MAX : REC_LOOKAHEAD);
    if (behind == 0) {
        ring->stuck_us = 0;
        return false;
    }
    if (ring->stuck_us == 0 || ring->tail >= ring->stuck_end) {
        ring->stuck_us = now_us;
        ring->stuck_end = find_extent(arena, ring);
    }
    /* A record that was interrupted for good by what ends the program is no loss; its end takes care of it. */
    if (!waiting && ring->proc >= 0 && arena->proc[ring->proc] != NULL && arena->proc[ring->proc]->ending)
        return false;
    if (now_us - ring->stuck_us < TRK_HOLE_WAIT_US)
        return false;
    ring->holes += behind;
    __atomic_store_n(&shm->holes, ring->holes, __ATOMIC_RELEASE); /* partner: hole_seen of the producer */
    close_hole(arena, ring, behind);
    publish_tail(shm, ring);
    return true;
}

/* How many of the copied slots make whole records. EXT slots are written before the first slot of their record, so only
 * the end of a full chunk can cut one; the rest stays in the ring for the next chunk of the same look. Nothing is ever
 * left for the next look: a record that arrives a round late would break the promise of rounds. */
static size_t whole_records(const struct trk_slot *slots, size_t count)
{
    if (count < REC_CHUNK_SLOTS)
        return count;
    size_t last = count;
    while (last > 0 && op_of(&slots[last - 1]) == TRK_OP_EXT && count - last <= TRK_MAX_EXT)
        last--;
    if (last == 0 || op_of(&slots[last - 1]) == TRK_OP_EXT)
        return count; /* EXT slots without end: garbage */
    return last - 1 > 0 ? last - 1 : count;
}

/* filled: slots that were in the ring, those included that are copied but not in the file. */
static void note_use(struct proc *proc, const struct trk_shm_ring *shm, uint64_t filled, uint64_t nslots)
{
    unsigned share = filled < nslots ? (unsigned)(filled * 100 / nslots) : 100;
    bool waits = __atomic_load_n(&shm->waiting, __ATOMIC_RELAXED) != 0;
    struct ring_use *uses[] = { &proc->use, proc->fold.edge ? &proc->edge_use : NULL };
    for (size_t i = 0; i < 2 && uses[i] != NULL; i++) {
        uses[i]->waits += waits;
        if (share > uses[i]->most)
            uses[i]->most = share;
    }
}

static size_t drain_ring(struct arena *arena, struct ring *ring, struct trk_shm_ring *shm, struct proc *proc)
{
    struct trk_slot chunk[REC_CHUNK_SLOTS];
    struct recorder *rec = arena->rec;
    struct trk_slot *slots = slots_of(arena, ring);
    uint64_t nslots = (uint64_t)1 << ring->log2_slots;
    size_t total = 0;
    uint64_t untold = ring->tail - ring->published;
    /* All that was there when the look began, so that rounds keep the order; and not more: other rings wait as well. */
    while (total < nslots) {
        size_t count = 0;
        while (count < REC_CHUNK_SLOTS && load_slot(slots, ring->log2_slots, ring->tail + count, &chunk[count]))
            count++;
        if (count == 0) {
            if ((total == 0 || ring->tail < ring->stuck_end) && look_at_hole(arena, ring, shm, rec_now_us()))
                continue;
            if (ring->published != ring->tail && __atomic_load_n(&shm->waiting, __ATOMIC_RELAXED) != 0)
                publish_tail(shm, ring);
            break;
        }
        size_t whole = whole_records(chunk, count);
        note_use(proc, shm, untold + total + whole, nslots);
        rec_take(rec, proc, ring, chunk, whole);
        ring->tail += whole;
        if (ring->tail >= ring->stuck_end)
            ring->stuck_us = 0;
        if (ring->tail - ring->published >= nslots / UNTOLD_SHARE ||
            __atomic_load_n(&shm->waiting, __ATOMIC_RELAXED) != 0)
            publish_tail(shm, ring);
        total += whole;
        __atomic_store_n(&arena->h->tick_us, rec_arena_us(arena), __ATOMIC_RELAXED);
    }
    if (total > nslots / 4)
        rec->hurry = true;
    return total;
}

/* The process that owns the ring, NULL while that is not known. */
static struct proc *owner(struct arena *arena, struct ring *ring, struct trk_shm_ring *shm)
{
    if (ring->proc < 0) {
        if (__atomic_load_n(&shm->state, __ATOMIC_ACQUIRE) != TRK_RING_OWNED)
            return NULL;
        uint32_t index = __atomic_load_n(&shm->proc, __ATOMIC_ACQUIRE);
        if (index == 0 || index > TRK_PROC_MAX || arena->proc[index - 1] == NULL)
            return NULL;
        ring->proc = (int)index - 1;
    }
    return arena->proc[ring->proc];
}

size_t rec_drain(struct arena *arena)
{
    size_t total = 0;
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        struct proc *proc = owner(arena, &arena->rings[i], &arena->shm_rings[i]);
        if (proc != NULL && !rec_is_flight(arena))
            total += drain_ring(arena, &arena->rings[i], &arena->shm_rings[i], proc);
    }
    arena->looked = true;
    return total;
}

/* The process is dead: every valid slot in one turn of the ring is taken; each gap in front of one is a record that was
 * being written when it died. */
static void drain_ring_final(struct arena *arena, struct ring *ring, struct proc *proc)
{
    struct trk_slot chunk[REC_CHUNK_SLOTS];
    struct trk_slot *slots = slots_of(arena, ring);
    uint64_t end = ring->tail + ((uint64_t)1 << ring->log2_slots);
    while (ring->tail < end) {
        size_t count = 0;
        while (count < REC_CHUNK_SLOTS && ring->tail + count < end &&
               load_slot(slots, ring->log2_slots, ring->tail + count, &chunk[count]))
            count++;
        if (count > 0) {
            rec_take(arena->rec, proc, ring, chunk, count);
            ring->tail += count;
            continue;
        }
        uint64_t behind = find_behind(arena, ring, REC_HOLE_MAX);
        if (behind == 0 || ring->tail + behind >= end)
            break;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a ring that is drained has a process */
        proc->in_flight++;
        ring->tail += behind;
        ring->skipping = true;
    }
}

void rec_drain_final(struct arena *arena, int proc_index)
{
    struct proc *proc = arena->proc[proc_index];
    if (rec_is_flight(arena)) {
        if (proc != NULL)
            /* A recording that is left while its process goes on: somebody may still be writing. */
            rec_flight_take(proc, arena->h->recorder_state == TRK_REC_LEFT && rec_proc_alive(proc));
        return;
    }
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (proc != NULL && owner(arena, &arena->rings[i], &arena->shm_rings[i]) == proc)
            drain_ring_final(arena, &arena->rings[i], proc);
}

/* Forgets the first pending slots, up to and with `events` events. */
static void drop_first(struct recorder *rec, struct ring *ring, uint64_t events)
{
    size_t at = 0;
    while (at < ring->pending.count && (events > 0 || op_of(&ring->pending.items[at]) == TRK_OP_EXT)) {
        const struct trk_slot *slot = &ring->pending.items[at++];
        bool first = op_of(slot) != TRK_OP_EXT;
        events -= first && rec_is_event(slot);
        ring->pending_records -= first;
    }
    rec->pending_slots -= at;
    ring->pending.count -= at;
    memmove(ring->pending.items, ring->pending.items + at, ring->pending.count * sizeof *ring->pending.items);
}

void rec_drain_rest(struct arena *arena, int proc_index, const uint64_t *skip)
{
    struct proc *proc = arena->proc[proc_index];
    for (uint32_t i = 0; i < arena->ring_count; i++) {
        struct ring *ring = &arena->rings[i];
        if (owner(arena, ring, &arena->shm_rings[i]) != proc)
            continue;
        drain_ring_final(arena, ring, proc);
        if (ring->pending.count > 0)
            drop_first(arena->rec, ring, skip[i]);
    }
}

struct prof_error *rec_write_slots(struct proc *proc, const struct ring *ring, uint32_t number)
{
    struct trk_events_head head = { .ring = number,
                                    .tid = ring->pending_tid,
                                    .round = proc->arena->rec->round,
                                    .start_us = ring->pending_us,
                                    .slots = (uint32_t)ring->pending.count };
    return prof_writer_events(proc->writer, &head, ring->pending.items);
}

/* Writes one ring's pending slots. */
void rec_write_ring(struct recorder *rec, struct proc *proc, struct ring *ring, uint32_t number)
{
    if (ring->pending.count == 0 || proc == NULL)
        return;
    if (proc->writer != NULL) {
        rec_proc_problem(proc, rec_write_slots(proc, ring, number));
        proc->records_in += ring->pending_records;
        proc->slots_in += ring->pending.count;
    } else if (!proc->over) {
        proc->lost_unwritten += ring->pending_records;
    }
    rec->pending_slots -= ring->pending.count;
    ring->pending.count = 0;
    ring->pending_records = 0;
    if (ring->pending.room > REC_ROUND_SLOTS)
        prof_vec_deinit(&ring->pending); /* a burst; memory stays bounded by what is in flight */
}

static void write_arena(struct arena *arena)
{
    rec_fold_limits(arena);
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].proc >= 0)
            rec_write_ring(arena->rec, arena->proc[arena->rings[i].proc], &arena->rings[i], i);
    for (int i = 0; i < TRK_PROC_MAX; i++) {
        struct proc *proc = arena->proc[i];
        if (proc == NULL)
            continue;
        if (!rec_is_flight(arena)) /* there they wait for the events around them */
            rec_write_ring(arena->rec, proc, &proc->marks, TRK_RING_RECORDER);
        if (proc->writer != NULL)
            rec_proc_problem(proc, prof_writer_flush(proc->writer));
        proc->round_us = rec_arena_us(arena);
    }
    /* Now that it is in the files. */
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].published != arena->rings[i].tail)
            publish_tail(&arena->shm_rings[i], &arena->rings[i]);
}

/* A ring waits at a hole: what is behind it comes later than what other rings have now, and was before. */
static bool is_stuck(const struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        for (uint32_t i = 0; i < rec->arenas.items[a]->ring_count; i++)
            if (rec->arenas.items[a]->rings[i].stuck_us != 0)
                return true;
    return false;
}

/* Has every ring been looked at in this round? What one ring has by now may be followed, in a ring that was looked at
 * later, by something that is written already: it has to be in the next round, whoever wants a round in between. */
static bool is_looked_through(const struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        if (!rec->arenas.items[a]->looked)
            return false;
    return true;
}

void rec_round(struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        write_arena(rec->arenas.items[a]);
    uint64_t now_us = rec_now_us();
    if (!is_looked_through(rec) || (is_stuck(rec) && now_us - rec->round_us < REC_HOLD_US))
        return;
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec->arenas.items[a]->looked = false;
    rec->round++;
    rec->round_us = now_us;
}

void rec_round_proc(struct proc *proc)
{
    struct arena *arena = proc->arena;
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].proc == proc->index)
            rec_write_ring(arena->rec, proc, &arena->rings[i], i);
    rec_write_ring(arena->rec, proc, &proc->marks, TRK_RING_RECORDER);
}
