/* object.c: objects are born, end, lie in the grave and are buried. */
#include "state.h"

#include <string.h>

/* ---- Where it lies ---- */

static void join_block(struct prof_heap *h, prof_obj_id id, prof_block_id block)
{
    struct prof_obj *obj = obj_of(h, id);
    struct prof_block *b = block_of(h, block);
    obj->block = block;
    obj->prev_in_block = 0;
    obj->next_in_block = b->first_obj;
    if (b->first_obj != 0)
        obj_of(h, b->first_obj)->prev_in_block = id;
    b->first_obj = id;
    b->flags |= PROF_BLOCK_HAS_OBJECT;
    if ((b->flags & PROF_BLOCK_IGNORED) != 0)
        obj->flags |= PROF_OBJ_MAY_LEAK;
}

void object_leave_block(struct prof_heap *h, prof_obj_id id)
{
    struct prof_obj *obj = obj_of(h, id);
    if (obj->block == 0)
        return;
    if (obj->prev_in_block != 0)
        obj_of(h, obj->prev_in_block)->next_in_block = obj->next_in_block;
    else
        block_of(h, obj->block)->first_obj = obj->next_in_block;
    if (obj->next_in_block != 0)
        obj_of(h, obj->next_in_block)->prev_in_block = obj->prev_in_block;
    obj->block = obj->next_in_block = obj->prev_in_block = 0;
}

/* The live block that begins at start, or contains addr. */
static prof_block_id block_around(struct prof_heap *h, uint64_t start, uint64_t addr)
{
    for (unsigned custom = h->custom_blocks != 0; custom < 2; custom--) {
        const struct addr_entry *entry = addr_find(&h->addrs, custom ? start | ADDR_CUSTOM : start);
        if (entry != NULL && entry->block != 0) {
            const struct prof_block *b = block_of(h, entry->block);
            if ((b->flags & PROF_BLOCK_ALIVE) != 0 && (addr - start < b->size || addr == start))
                return entry->block;
        }
    }
    if (h->totals.live_blocks == 0 && h->totals.mmap_blocks == 0)
        return 0;
    return space_block_at(h, addr);
}

void object_place(struct prof_heap *h, prof_obj_id id, prof_block_id block)
{
    struct prof_obj *obj = obj_of(h, id);
    const struct type_state *type = &h->types[obj->type];
    obj->start = obj->addr - (uint64_t)type->offset;
    obj->size = type->pub.object_size;
    if (block == 0)
        block = block_around(h, obj->start, obj->addr);
    if (block != 0) {
        join_block(h, id, block);
        const struct prof_block *b = block_of(h, block);
        if (obj->size == 0 && obj->start >= b->addr && obj->start - b->addr < b->size)
            obj->size = b->addr + b->size - obj->start;
    }
}

/* ---- Birth ---- */

static void count_type_in(struct prof_heap *h, const struct prof_obj *obj)
{
    struct type_state *type = &h->types[obj->type];
    type->pub.born++;
    type_live_add(type, obj->size);
    h->totals.live_objects++;
    h->totals.live_object_bytes += obj->size;
}

static void add_birth(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct place born = place_of(e);
    if (open_add(h, id, PROF_OPEN_BIRTH, 0, &born) == 0)
        return;
    struct prof_obj *obj = obj_of(h, id);
    obj->internal |= OBJ_BIRTH_OPEN;
    h->types[obj->type].pub.refs_anon++;
}

prof_obj_id object_make(struct prof_heap *h, const struct prof_event *e, prof_type_id type)
{
    struct addr_entry *entry = addr_make(&h->addrs, e->addr);
    prof_obj_id id = entry != NULL ? pool_get(&h->objs, sizeof(struct prof_obj)) : 0;
    if (id == 0) {
        h->no_memory = true;
        return 0;
    }
    entry->obj = id;
    prof_block_id block = 0;
    if (entry->block != 0 && h->custom_blocks == 0 && (block_of(h, entry->block)->flags & PROF_BLOCK_ALIVE) != 0 &&
        h->types[type].offset == 0)
        block = entry->block;
    struct prof_obj *obj = obj_of(h, id);
    obj->addr = e->addr;
    obj->last_us = obj->born_us = e->time_us;
    obj->type = type;
    obj->serial = serial_take(h, type);
    obj->births = 1;
    obj->stack = e->stack;
    obj->tid = e->tid;
    obj->moment = h->moment_now;
    obj->state = PROF_OBJ_ALIVE;
    if (h->forced)
        obj->internal |= OBJ_FORCED;
    object_place(h, id, block);
    count_type_in(h, obj);
    thread_birth(h, id);
    h->touched = id;
    if (h->watch != NULL)
        watch_named(h, id);
    follow_born(h, id, false);
    return id;
}

/* An object lives at the address of a new one: its end was not told. */
static void replace(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    if (obj_alive(obj_of(h, id)))
        object_end(h, id, e, false);
    object_bury(h, id, true);
}

/* What a birth says besides who and where. */
static void note_birth(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    if (e->aux & 1)
        obj_of(h, id)->flags |= PROF_OBJ_FLOATING;
    if ((e->flags & PROF_EVENT_SEQ) != 0)
        obj_of(h, id)->flags |= PROF_OBJ_NUMBERED;
    stat_of(h, e->stack)->pub.births++;
}

static void retype(struct prof_heap *h, prof_obj_id id, const struct prof_event *e);

/* An object that was met before its birth was told: its constructor took references of it. The first came with its
 * block, as that of one whose birth is never told does. */
static bool met_in_constructor(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    const struct prof_obj *obj = obj_of(h, id);
    return (obj->flags & (PROF_OBJ_BLOCK_BORN | PROF_OBJ_COUNTED)) == PROF_OBJ_BLOCK_BORN && obj_alive(obj) &&
           obj->tid == e->tid && obj->count > 0 && obj->count == 1 + (int64_t)obj->refs - (int64_t)obj->unrefs;
}

/* What is open of it and has no owner, by site. */
static int64_t balance_of_sites(const struct prof_heap *h, const struct prof_obj *obj)
{
    int64_t balance = 0;
    for (uint32_t i = obj->first_site; i != 0; i = site_of(h, i)->next)
        balance += (int64_t)site_of(h, i)->taken - site_of(h, i)->given;
    return balance;
}

static void confirm_birth(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    const struct place at = place_of(e);
    uint32_t birth = open_find_birth(h, id);
    if (birth != 0)
        open_retake(h, birth, &at);
    h->types[obj->type].pub.refs_anon--;
    obj->flags &= (uint16_t) ~(PROF_OBJ_SKEWED | PROF_OBJ_BLOCK_BORN);
    h->types[obj->type].pub.skewed--;
    h->totals.unknown_objects--;
    retype(h, id, e);
    obj->stack = e->stack;
    obj->last_us = e->time_us;
    note_birth(h, id, e);
    h->types[obj->type].pub.refs_anon++;
    if (balance_of_sites(h, obj) != (int64_t)obj->count - (int64_t)obj->opens)
        obj->internal |= OBJ_UNSURE; /* owners were told that had nothing to own */
}

void object_new(struct prof_heap *h, const struct prof_event *e)
{
    if (e->addr == 0)
        return;
    struct addr_entry *entry = addr_find(&h->addrs, e->addr);
    if (entry != NULL && entry->obj != 0) {
        h->touched = entry->obj;
        if (met_in_constructor(h, entry->obj, e)) {
            confirm_birth(h, entry->obj, e);
            return;
        }
        replace(h, entry->obj, e);
    }
    prof_obj_id id = object_make(h, e, type_cited(h, e->size));
    if (id == 0)
        return;
    obj_of(h, id)->count = 1;
    note_birth(h, id, e);
    add_birth(h, id, e);
}

/* ---- States ---- */

void object_set_zero(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (obj->state != PROF_OBJ_ALIVE)
        return;
    if ((obj->internal & OBJ_HAS_WEAK) != 0) {
        const struct place at = place_of(e);
        weak_gone(h, id, &at);
    }
    obj->state = PROF_OBJ_ZERO;
    obj->zero_us = e->time_us;
    obj->zero_stack = e->stack;
    h->zeroed = id;
    h->zero_number = (e->flags & PROF_EVENT_SEQ) != 0 ? UINT64_C(1) << 32 | (uint32_t)e->from : 0;
    h->types[obj->type].pub.zero++;
}

static void leave_state(struct prof_heap *h, const struct prof_obj *obj)
{
    if (obj->state == PROF_OBJ_ZERO)
        h->types[obj->type].pub.zero--;
    else if (obj->state == PROF_OBJ_PARKED)
        h->types[obj->type].pub.parked--;
}

void object_set_alive(struct prof_heap *h, struct prof_obj *obj)
{
    leave_state(h, obj);
    obj->state = PROF_OBJ_ALIVE;
}

/* ---- Finalizers: rare, so a keyed table ---- */

static struct finalizer *finalizer_find(struct prof_heap *h, prof_obj_id id)
{
    struct finalizer *f = NULL;
    HASH_FIND(hh, h->finalizers, &id, sizeof id, f);
    return f;
}

static void finalizer_begin(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct finalizer *f = finalizer_find(h, id);
    if (f == NULL) {
        f = calloc(1, sizeof *f);
        if (f != NULL) {
            f->obj = id;
            HASH_ADD(hh, h->finalizers, obj, sizeof f->obj, f);
        }
        if (f == NULL || f->hh.tbl == NULL) {
            free(f);
            h->no_memory = true;
            return;
        }
    }
    f->count = obj_count(obj_of(h, id));
    f->begin = place_of(e);
    f->ref = (struct place){ 0 };
    obj_of(h, id)->flags |= PROF_OBJ_FINALIZING;
}

void finalizer_note_ref(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct finalizer *f = finalizer_find(h, id);
    if (f != NULL)
        f->ref = place_of(e);
}

static void finalizer_end(struct prof_heap *h, prof_obj_id id, bool judge)
{
    struct finalizer *f = finalizer_find(h, id);
    struct prof_obj *obj = obj_of(h, id);
    obj->flags = (uint16_t)((obj->flags & ~PROF_OBJ_FINALIZING) | PROF_OBJ_FINALIZED);
    if (f == NULL)
        return;
    if (judge && obj_count(obj) > f->count && obj_count(obj) > 0) {
        obj->flags |= PROF_OBJ_RESURRECTED;
        struct prof_incident *incident = incident_add(h, PROF_INCIDENT_RESURRECTED, id, &f->ref, &f->begin);
        if (incident != NULL)
            incident->count = obj_count(obj_of(h, id));
    }
    HASH_DEL(h->finalizers, f);
    free(f);
}

bool finalizer_restore(struct prof_heap *h, const struct finalizer *from)
{
    if (finalizer_find(h, from->obj) != NULL)
        return false;
    struct finalizer *f = malloc(sizeof *f);
    if (f != NULL) {
        *f = *from;
        HASH_ADD(hh, h->finalizers, obj, sizeof f->obj, f);
    }
    if (f == NULL || f->hh.tbl == NULL) {
        free(f);
        h->no_memory = true;
    }
    return true;
}

void finalizers_deinit(struct prof_heap *h)
{
    struct finalizer *f, *next;
    HASH_ITER (hh, h->finalizers, f, next) {
        HASH_DEL(h->finalizers, f);
        free(f);
    }
}

/* ---- End ---- */

const struct grave *object_grave(const struct prof_heap *h, prof_obj_id id)
{
    return &h->graves[obj_of(h, id)->next_in_block - 1];
}

static void dig_grave(struct prof_heap *h, prof_obj_id id, const struct prof_event *e, bool by_free)
{
    struct grave *g = &h->graves[h->grave_at];
    if (g->obj != 0)
        object_bury(h, g->obj, false);
    struct prof_obj *obj = obj_of(h, id);
    *g = (struct grave){ obj->addr, id, by_free, place_of(e), h->zeroed == id ? h->zero_number : 0 };
    h->zeroed = 0; /* the id may serve again */
    obj->next_in_block = (uint32_t)h->grave_at + 1;
    h->grave_at = (h->grave_at + 1) % GRAVES;
    const struct grave *soon = &h->graves[(h->grave_at + 4) % GRAVES];
    addr_prefetch(&h->addrs, soon->addr);
    __builtin_prefetch(obj_of(h, soon->obj));
}

void object_end(struct prof_heap *h, prof_obj_id id, const struct prof_event *e, bool by_free)
{
    struct prof_obj *obj = obj_of(h, id);
    struct type_state *type = &h->types[obj->type];
    h->touched = id;
    if (h->forced) {
        obj->internal |= OBJ_FORCED;
        incident_guess(h, obj->addr, e->time_us);
    }
    if (obj->state != PROF_OBJ_PARKED)
        follow_died(h, id);
    if ((obj->flags & PROF_OBJ_FINALIZING) != 0)
        finalizer_end(h, id, false);
    if (obj->state == PROF_OBJ_PARKED || (obj->flags & PROF_OBJ_SKEWED) != 0)
        obj->internal |= OBJ_QUIET;
    leave_state(h, obj);
    if (obj->moment != h->moment_now)
        moment_death(h, obj);
    type->pub.died++;
    type->pub.live--;
    type->pub.live_bytes -= obj->size;
    h->totals.live_objects--;
    h->totals.live_object_bytes -= obj->size;
    object_leave_block(h, id);
    obj->state = PROF_OBJ_DEAD;
    obj->last_us = e->time_us;
    if ((obj->internal & (OBJ_QUIET | OBJ_FOLDED)) == 0 && obj_count(obj) == 0 && obj->count == 0) {
        site_learn(h, id);
        if ((obj->internal & OBJ_KEPT) == 0 && obj->opens == 0)
            site_drop_all(h, id); /* nothing will ask for them any more */
    }
    if (obj->size != 0 && (h->slot_count != 0 || h->holder_count != 0))
        open_range_died(h, obj->start, obj->size, id, e);
    if ((obj_of(h, id)->internal & OBJ_HAS_WEAK) != 0) {
        weak_gone(h, id, NULL);
    }
    dig_grave(h, id, e, by_free);
}

/* Newest open reference that says something about who held a dead or living object. */
static struct place newest_open(const struct prof_heap *h, const struct prof_obj *obj)
{
    if (obj->first_open == 0)
        return (struct place){ 0 };
    const struct prof_open *open = open_of(h, obj->first_open);
    return (struct place){ open->at_us, open->stack, open->tid };
}

/* Something holds an object that ends. Of a type that counts in place nobody may have told of the last releases. */
static bool ends_referenced(const struct prof_heap *h, const struct prof_obj *obj)
{
    return obj_count(obj) > 0 && !h->types[obj->type].in_place;
}

/* Verdicts about a death with references left. */
static void judge_death(struct prof_heap *h, prof_obj_id id, const struct grave *g, bool reused)
{
    const struct prof_obj *obj = obj_of(h, id);
    struct place other = newest_open(h, obj);
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_FREED_ALIVE, id, &g->death, &other);
    if (incident != NULL) {
        incident->count = obj_count(obj);
        incident->reused = reused;
    }
    if (obj->count < (int32_t)obj->opens)
        return; /* some of them were given back namelessly */
    for (uint32_t i = obj->first_open; i != 0; i = open_of(h, i)->next)
        incident_spoiled(h, i);
}

void object_bury(struct prof_heap *h, prof_obj_id id, bool reused)
{
    struct prof_obj *obj = obj_of(h, id);
    struct grave *g = &h->graves[obj->next_in_block - 1];
    g->obj = 0;
    bool quiet = (obj->internal & OBJ_QUIET) != 0;
    if (!quiet && ends_referenced(h, obj))
        judge_death(h, id, g, reused);
    if ((obj->internal & OBJ_HAS_WEAK) != 0)
        weak_bury(h, id, g);
    if (!quiet && (obj->internal & OBJ_FOLDED) == 0 && obj->count == 0)
        site_learn(h, id);
    else if (!quiet && (obj->internal & OBJ_FOLDED) == 0)
        site_count_misused(h, id);
    if ((obj->flags & PROF_OBJ_COUNTED) != 0 && obj->observed != obj->count) {
        struct late_life *late = &h->late[h->late_at];
        *late = (struct late_life){ obj->addr, obj->observed - obj->count };
        h->late_at = (h->late_at + 1) % LATE_LIVES;
        if (h->late_count < LATE_LIVES)
            h->late_count++;
    }
    struct addr_entry *entry = addr_find(&h->addrs, obj->addr);
    if (entry != NULL && entry->obj == id)
        entry->obj = 0;
    bool keep = (obj->internal & OBJ_KEPT) != 0;
    obj->next_in_block = 0;
    open_drop_all(h, id, keep);
    if (keep)
        return;
    site_drop_all(h, id);
    if (obj->context != 0)
        thread_context_release(h, obj->context);
    pool_put(&h->objs, id, sizeof *obj);
}

void object_bury_all(struct prof_heap *h)
{
    for (size_t i = 0; i < GRAVES; i++) {
        const struct grave *g = &h->graves[(h->grave_at + i) % GRAVES];
        if (g->obj != 0)
            object_bury(h, g->obj, false);
    }
}

void object_del(struct prof_heap *h, const struct prof_event *e)
{
    prof_obj_id id = object_for(h, e, false);
    if (id != 0)
        object_end(h, id, e, false);
}

/* ---- Events on objects that are not alive ---- */

/* Something else began at the address after the death. */
static bool address_reused(struct prof_heap *h, const struct prof_obj *obj, const struct grave *g)
{
    if (!g->by_free)
        return false;
    prof_block_id block = space_block_at(h, obj->addr);
    return block != 0 && block_of(h, block)->born_us >= g->death.at_us;
}

/* A counted event whose object died before it arrived, and whose counts say that it was missing, or whose number that
 * it came before the last release. */
static bool take_late(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    uint64_t last = object_grave(h, id)->number;
    if (last != 0 && (e->flags & PROF_EVENT_SEQ) != 0 && (e->op == TRK_OP_REF || e->op == TRK_OP_UNREF) &&
        (int32_t)((uint32_t)e->from - (uint32_t)last) < 0) {
        ref_apply_late(h, id, e);
        return true;
    }
    if ((e->flags & PROF_EVENT_COUNT) == 0 || (obj->flags & PROF_OBJ_COUNTED) == 0)
        return false;
    int32_t missing = obj->observed - obj->count;
    if (e->op == TRK_OP_REF ? missing <= 0 : e->op != TRK_OP_UNREF || missing >= 0)
        return false;
    ref_apply_late(h, id, e);
    return true;
}

/* The count that the event tells says that its thread met a living object. Once the merge had to guess, that is the
 * better witness: the event belongs to another life here, or to an earlier moment of this one. */
static bool met_alive(const struct prof_heap *h, const struct prof_event *e)
{
    if (h->totals.forced == 0 || (e->flags & PROF_EVENT_COUNT) == 0)
        return false;
    return (e->op == TRK_OP_UNREF && e->count >= 0) || (e->op == TRK_OP_REF && e->count > 1);
}

static void on_dead(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (h->forced)
        obj->internal |= OBJ_FORCED;
    switch (e->op) {
    case TRK_OP_WEAK_CLEAR:
    case TRK_OP_RETURN:
        weak_event(h, id, e);
        return;
    case TRK_OP_REF:
    case TRK_OP_UNREF:
    case TRK_OP_MOVE:
    case TRK_OP_SINK:
    case TRK_OP_TOUCH:
    case TRK_OP_WEAK_SET:
    case TRK_OP_BORROW:
        break;
    case TRK_OP_DEL:
        if (!object_grave(h, id)->by_free)
            break;
        return;
    default:
        return;
    }
    if (take_late(h, id, e) || (obj->flags & PROF_OBJ_SKEWED) != 0)
        return;
    struct place at = place_of(e);
    struct place other = object_grave(h, id)->death;
    enum prof_incident_kind kind = PROF_INCIDENT_USE_AFTER;
    if (e->op == TRK_OP_UNREF && obj_count(obj) <= 0) {
        kind = PROF_INCIDENT_OVER_RELEASE;
        other = (struct place){ obj->zero_us, obj->zero_stack, other.tid };
    }
    site_count_late(h, obj->type, e);
    bool reused = address_reused(h, obj, object_grave(h, id));
    h->told = ref_is_certain(h, obj, e);
    bool forced = h->forced;
    h->forced |= met_alive(h, e);
    struct prof_incident *incident = incident_add(h, kind, id, &at, &other);
    h->told = false;
    if (incident != NULL) {
        incident->slot = e->slot;
        incident->reused = reused;
        incident->count = obj_count(obj_of(h, id)) - (kind == PROF_INCIDENT_OVER_RELEASE);
    }
    h->forced = forced;
}

/* An object that is not known was left out, not missed. */
static bool filtered(const struct prof_heap *h)
{
    return prof_trace_info(h->trace)->filter[0] != '\0';
}

/* What malloc gave was no object before, so the first one that is met in such a block, and lies there alone, is as old
 * as the block. That it was born with one reference is a guess. */
static void born_with_block(struct prof_heap *h, prof_obj_id id)
{
    struct prof_obj *obj = obj_of(h, id);
    const struct prof_block *b = obj->block != 0 ? block_of(h, obj->block) : NULL;
    if (b == NULL || b->kind == TRK_ALLOC_MMAP || obj->next_in_block != 0)
        return;
    const struct prof_event born = { .time_us = b->born_us, .stack = b->stack, .tid = b->tid };
    obj->flags |= PROF_OBJ_BLOCK_BORN;
    obj->count = 1;
    obj->born_us = b->born_us;
    obj->stack = b->stack;
    obj->tid = b->tid;
    add_birth(h, id, &born);
}

static prof_obj_id make_skewed(struct prof_heap *h, const struct prof_event *e)
{
    prof_obj_id id = object_make(h, e, 0);
    if (id == 0)
        return 0;
    obj_of(h, id)->flags |= PROF_OBJ_SKEWED;
    h->types[0].pub.skewed++;
    h->totals.unknown_objects++;
    born_with_block(h, id);
    return id;
}

/* Objects of types that count in place may be born where nobody tells. The thread met a living one where another had
 * died: it says what type that is, or what its count was then, and the memory is there. */
static bool is_next_life(struct prof_heap *h, const struct prof_obj *obj, const struct prof_event *e)
{
    if (!h->types[obj->type].in_place)
        return false;
    bool counted = (e->op == TRK_OP_REF || e->op == TRK_OP_UNREF) && (e->flags & PROF_EVENT_COUNT) != 0;
    return (e->op == TRK_OP_RETYPE || (counted && e->count >= (e->op == TRK_OP_REF))) &&
           space_block_at(h, obj->addr) != 0;
}

/* The block that it lay in was freed, so one that lies there now is new. Births that hooks tell come last: a
 * constructor at work is more likely than a pointer left over from the old life. */
static bool is_being_made(struct prof_heap *h, prof_obj_id id, bool make)
{
    return make && object_grave(h, id)->by_free && space_block_at(h, obj_of(h, id)->addr) != 0 && !filtered(h) &&
           heap_hooked(h);
}

prof_obj_id object_for(struct prof_heap *h, const struct prof_event *e, bool make)
{
    const struct addr_entry *entry = addr_find(&h->addrs, e->addr);
    if (entry == NULL || entry->obj == 0)
        return make && e->addr != 0 && !filtered(h) ? make_skewed(h, e) : 0;
    struct prof_obj *obj = obj_of(h, entry->obj);
    h->touched = entry->obj;
    if (obj->state == PROF_OBJ_DEAD) {
        if (is_next_life(h, obj, e) || is_being_made(h, entry->obj, make)) {
            object_bury(h, entry->obj, true);
            return make ? make_skewed(h, e) : 0;
        }
        on_dead(h, entry->obj, e);
        return 0;
    }
    if (h->forced)
        obj->internal |= OBJ_FORCED;
    obj->last_us = e->time_us;
    return entry->obj;
}

/* ---- The rarer verbs ---- */

static void park(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (obj->state == PROF_OBJ_PARKED)
        return;
    if ((e->aux & 1) != 0 && ref_leave_to_pool(h, id, e))
        obj->flags |= PROF_OBJ_POOLED;
    if (obj_count(obj) == 0 && obj->count == 0 && (obj->flags & PROF_OBJ_SKEWED) == 0)
        site_learn(h, id);
    follow_died(h, id);
    leave_state(h, obj);
    obj->state = PROF_OBJ_PARKED;
    h->types[obj->type].pub.parked++;
}

/* A new life of the same object. References that the old life left behind are gone with it. */
static void reuse(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (obj->state != PROF_OBJ_PARKED)
        follow_died(h, id);
    /* Made by its pool, which had one reference, and given to the first who asked. */
    bool fresh = (e->aux & 1) != 0 && obj->refs == 0 && obj->unrefs == 0 && obj->births == 1;
    if (ends_referenced(h, obj) && (obj->flags & PROF_OBJ_SKEWED) == 0 && !fresh) {
        struct place at = place_of(e), other = newest_open(h, obj);
        struct prof_incident *incident = incident_add(h, PROF_INCIDENT_FREED_ALIVE, id, &at, &other);
        if (incident != NULL) {
            incident->count = obj_count(obj_of(h, id));
            incident->reused = true;
        }
    }
    /* What a pool keeps a reference of is not destroyed in between, and what points to it still does. */
    const unsigned weak = (e->aux & 1) != 0 ? OBJ_HAS_WEAK : 0;
    if ((obj->internal & OBJ_HAS_WEAK & ~weak) != 0)
        weak_bury(h, id, NULL);
    open_drop_all(h, id, false);
    site_drop_all(h, id);
    obj = obj_of(h, id);
    if (obj->moment != h->moment_now)
        moment_death(h, obj); /* born again, maybe elsewhere */
    obj->moment = h->moment_now;
    object_set_alive(h, obj);
    const unsigned lasting = PROF_OBJ_PINNED | PROF_OBJ_MAY_LEAK | PROF_OBJ_TOUCHED | PROF_OBJ_NUMBERED;
    obj->flags &= lasting;
    obj->internal &= (uint8_t)(OBJ_KEPT | OBJ_FORCED | weak);
    obj->count = 1;
    obj->observed = 0;
    obj->refs = obj->unrefs = 0;
    obj->births++;
    obj->born_us = e->time_us;
    obj->stack = e->stack;
    obj->tid = e->tid;
    obj->zero_us = 0;
    obj->zero_stack = 0;
    stat_of(h, e->stack)->pub.births++;
    add_birth(h, id, e);
    follow_born(h, id, false);
}

static void reuse_event(struct prof_heap *h, const struct prof_event *e)
{
    const struct addr_entry *entry = addr_find(&h->addrs, e->addr);
    prof_obj_id id = entry != NULL ? entry->obj : 0;
    if (id != 0 && obj_alive(obj_of(h, id))) {
        h->touched = id;
        obj_of(h, id)->last_us = e->time_us;
        reuse(h, id, e);
        return;
    }
    /* Deleted instead of parked, or never seen: an ordinary birth. */
    struct prof_event born = *e;
    born.op = TRK_OP_NEW;
    born.aux = 0;
    born.size = id != 0 ? obj_of(h, id)->type : 0;
    object_new(h, &born);
}

static void retype(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    prof_type_id to = type_cited(h, e->size);
    /* Several descriptions may call a type the same: an adapter's, one of each file that includes a header. */
    if (to == obj->type || strcmp(h->types[to].pub.name, h->types[obj->type].pub.name) == 0)
        return;
    struct type_state *old = &h->types[obj->type];
    uint8_t state = obj->state;
    struct scope_birth was = { id, obj->type, obj->serial };
    leave_state(h, obj);
    if ((obj->flags & PROF_OBJ_SKEWED) != 0) {
        old->pub.skewed--;
        h->types[to].pub.skewed++;
    }
    old->pub.born--;
    old->pub.live--;
    old->pub.live_bytes -= obj->size;
    h->totals.live_objects--;
    h->totals.live_object_bytes -= obj->size;
    object_leave_block(h, id);
    obj->type = to;
    obj->serial = serial_take(h, to);
    object_place(h, id, 0);
    count_type_in(h, obj);
    struct type_state *type = &h->types[to];
    if (state == PROF_OBJ_ZERO)
        type->pub.zero++;
    else if (state == PROF_OBJ_PARKED)
        type->pub.parked++;
    if (obj->scope != 0)
        thread_renamed(h, &was);
    if (h->watch != NULL)
        watch_named(h, id);
}

static void assert_freed(struct prof_heap *h, const struct prof_event *e)
{
    const struct addr_entry *entry = addr_find(&h->addrs, e->addr);
    prof_obj_id id = entry != NULL ? entry->obj : 0;
    if (id == 0 || !obj_alive(obj_of(h, id)) || obj_of(h, id)->state == PROF_OBJ_PARKED)
        return;
    h->touched = id;
    struct place at = place_of(e), other = newest_open(h, obj_of(h, id));
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_ASSERT_FREED, id, &at, &other);
    if (incident != NULL)
        incident->count = obj_count(obj_of(h, id));
}

void object_misc(struct prof_heap *h, const struct prof_event *e)
{
    if (e->op == TRK_OP_REUSE) {
        if (e->addr != 0)
            reuse_event(h, e);
        return;
    }
    if (e->op == TRK_OP_ASSERT_FREED) {
        assert_freed(h, e);
        return;
    }
    bool make = e->op == TRK_OP_PIN || e->op == TRK_OP_MAY_LEAK || e->op == TRK_OP_RETYPE;
    make |= (e->op == TRK_OP_WEAK_SET || e->op == TRK_OP_BORROW) && heap_hooked(h); /* constructors tell their parts */
    prof_obj_id id = object_for(h, e, make);
    if (id == 0)
        return;
    struct prof_obj *obj = obj_of(h, id);
    switch (e->op) {
    case TRK_OP_PIN:
        obj->flags |= PROF_OBJ_PINNED;
        obj->why_text = e->text;
        break;
    case TRK_OP_UNPIN:
        obj->flags &= (uint16_t)~PROF_OBJ_PINNED;
        break;
    case TRK_OP_MAY_LEAK:
        obj->flags |= PROF_OBJ_MAY_LEAK;
        obj->why_text = e->text;
        break;
    case TRK_OP_TOUCH:
        obj->flags |= PROF_OBJ_TOUCHED;
        break;
    case TRK_OP_PARK:
        park(h, id, e);
        break;
    case TRK_OP_RETYPE:
        retype(h, id, e);
        break;
    case TRK_OP_DTOR_BEGIN:
        finalizer_begin(h, id, e);
        break;
    case TRK_OP_DTOR_END:
        finalizer_end(h, id, true);
        break;
    default:
        weak_event(h, id, e);
        break;
    }
}
