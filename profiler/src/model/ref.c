/* ref.c: references are taken, given back and change hands; observed counts are compared with the events. */
#include "state.h"

static enum prof_open_kind owner_kind(const struct prof_event *e)
{
    return (e->flags & PROF_EVENT_HOLDER) != 0 ? PROF_OPEN_HOLDER : PROF_OPEN_SLOT;
}

static bool has_owner(const struct prof_event *e)
{
    return (e->flags & (PROF_EVENT_SLOT | PROF_EVENT_HOLDER)) != 0;
}

static int32_t anonymous(const struct prof_obj *obj)
{
    return obj->count - (int32_t)obj->opens;
}

/* Open references with a slot or holder. */
static uint32_t owned(const struct prof_obj *obj)
{
    return obj->opens - ((obj->internal & OBJ_BIRTH_OPEN) != 0);
}

/* ---- Evidence of owners ---- */

static void shift_evidence(struct prof_type *type, enum prof_open_kind from, bool from_anon, enum prof_open_kind to,
                           bool to_anon)
{
    uint64_t *out = from_anon ? &type->refs_anon : from == PROF_OPEN_HOLDER ? &type->refs_holder : &type->refs_slot;
    uint64_t *in = to_anon ? &type->refs_anon : to == PROF_OPEN_HOLDER ? &type->refs_holder : &type->refs_slot;
    if (*out > 0)
        (*out)--;
    (*in)++;
}

static struct disowned *disowned_of(struct prof_heap *h, prof_obj_id id)
{
    return &h->disowned[mix64(id) % DISOWNED];
}

static void disowned_add(struct prof_heap *h, prof_obj_id id, enum prof_open_kind kind, uint32_t stack)
{
    struct disowned *d = disowned_of(h, id);
    uint32_t serial = obj_of(h, id)->serial;
    if (d->obj != id || d->serial != serial)
        *d = (struct disowned){ .obj = id, .serial = serial };
    if (kind == PROF_OPEN_HOLDER)
        d->holders++;
    else
        d->slots++;
    d->stack = stack;
    d->event = obj_of(h, id)->refs + obj_of(h, id)->unrefs;
}

/* One of the anonymous references of id goes, or gets an owner again: the one that was disowned, if there is one. Who
 * owned it, 0: none was. */
static enum prof_open_kind disowned_take(struct prof_heap *h, prof_obj_id id)
{
    struct disowned *d = disowned_of(h, id);
    if (d->obj != id || d->serial != obj_of(h, id)->serial)
        return 0;
    if (d->slots > 0) {
        d->slots--;
        return PROF_OPEN_SLOT;
    }
    if (d->holders > 0) {
        d->holders--;
        return PROF_OPEN_HOLDER;
    }
    return 0;
}

/* ---- Observed counts ---- */

void ref_observe(struct prof_heap *h, prof_obj_id id, int64_t count, bool unsure)
{
    struct prof_obj *obj = obj_of(h, id);
    struct type_state *type = &h->types[obj->type];
    if ((obj->internal & OBJ_FORCED) != 0 && count != obj->count) {
        // The order of its events is a guess: their sum holds, the sequence of told counts cannot be checked.
        obj->observed = obj->count;
        obj->flags = (uint16_t)((obj->flags | PROF_OBJ_COUNTED) & ~PROF_OBJ_MISCOUNT);
        return;
    }
    type->pub.counts_seen++;
    h->totals.counts_seen++;
    bool known = (obj->flags & PROF_OBJ_COUNTED) != 0;
    if (!known && (obj->flags & PROF_OBJ_SKEWED) != 0)
        obj->count = (int32_t)count; /* from here on it is not relative any more */
    if (count != (known ? obj->observed : obj->count)) {
        type->pub.counts_wrong++;
        h->totals.counts_wrong++;
        h->totals.counts_unsure += unsure;
    }
    obj->observed = (int32_t)count;
    obj->flags |= PROF_OBJ_COUNTED;
    if (obj->observed != obj->count)
        obj->flags |= PROF_OBJ_MISCOUNT;
    else
        obj->flags &= (uint16_t)~PROF_OBJ_MISCOUNT;
}

bool ref_is_certain(const struct prof_heap *h, const struct prof_obj *obj, const struct prof_event *e)
{
    bool numbered = (e->flags & PROF_EVENT_SEQ) != 0 && (obj->flags & PROF_OBJ_NUMBERED) != 0 && !h->forced &&
                    (obj->internal & OBJ_FORCED) == 0;
    return numbered || (e->op == TRK_OP_UNREF && (e->flags & PROF_EVENT_COUNT) != 0 && e->count < 0);
}

bool ref_is_late(struct prof_heap *h, const struct prof_event *e)
{
    for (size_t i = 0; i < h->late_count; i++) {
        struct late_life *late = &h->late[i];
        if (late->addr != e->addr || (e->op == TRK_OP_REF ? late->missing <= 0 : late->missing >= 0))
            continue;
        late->missing += e->op == TRK_OP_REF ? -1 : 1;
        if (late->missing == 0)
            late->addr = 0;
        return true;
    }
    return false;
}

/* Changes with numbers can be put among those of another life at the address where births bear none. */
static bool of_unknown_life(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    return (e->flags & PROF_EVENT_SEQ) != 0 && (obj_of(h, id)->flags & PROF_OBJ_NUMBERED) == 0;
}

/* Does a counted event not fit the life it meets, but an earlier one at its address? */
static bool belongs_to_earlier(struct prof_heap *h, const struct prof_obj *obj, const struct prof_event *e)
{
    if ((e->flags & PROF_EVENT_COUNT) == 0 || h->late_count == 0 || (obj->flags & PROF_OBJ_SKEWED) != 0)
        return false;
    int64_t expected = (int64_t)obj_count(obj) + (e->op == TRK_OP_REF ? 1 : -1);
    return expected != e->count && ref_is_late(h, e);
}

void ref_count_seen(struct prof_heap *h, const struct prof_event *e)
{
    if ((e->flags & PROF_EVENT_COUNT) == 0)
        return;
    prof_obj_id id = object_for(h, e, true);
    if (id != 0)
        ref_observe(h, id, e->count, of_unknown_life(h, id, e));
}

/* ---- Taking ---- */

/* A reference of obj is owned from now on. Adds the open reference and the evidence. */
static void take(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct place at = place_of(e);
    struct prof_type *type = &h->types[obj_of(h, id)->type].pub;
    if (!has_owner(e)) {
        site_take(h, id, e->stack, e->time_us, obj_of(h, id)->refs + obj_of(h, id)->unrefs);
        type->refs_anon++;
    } else {
        open_add(h, id, owner_kind(e), e->slot, &at);
        if (owner_kind(e) == PROF_OPEN_HOLDER)
            type->refs_holder++;
        else
            type->refs_slot++;
    }
}

static void ref_one(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    obj->refs++;
    obj->count++;
    if ((obj->flags & PROF_OBJ_COUNTED) != 0)
        obj->observed++;
    if ((obj->flags & PROF_OBJ_FINALIZING) != 0)
        finalizer_note_ref(h, id, e);
    take(h, id, e);
    if ((e->flags & PROF_EVENT_COUNT) != 0)
        ref_observe(h, id, e->count, of_unknown_life(h, id, e));
    obj = obj_of(h, id);
    if (obj->state != PROF_OBJ_ALIVE && obj_count(obj) > 0) {
        bool parked = obj->state == PROF_OBJ_PARKED;
        object_set_alive(h, obj);
        if (parked)
            follow_born(h, id, false);
    }
}

void ref_ref(struct prof_heap *h, const struct prof_event *e)
{
    h->totals.refs++;
    stat_of(h, e->stack)->pub.refs++;
    prof_obj_id id = object_for(h, e, true);
    if (id != 0 && !belongs_to_earlier(h, obj_of(h, id), e))
        ref_one(h, id, e);
}

/* ---- Giving back ---- */

/* A slot is told that contradicts the owners that are known. */
static void owner_incident(struct prof_heap *h, enum prof_incident_kind kind, prof_obj_id id, uint64_t slot,
                           const struct prof_event *e)
{
    const struct prof_obj *obj = obj_of(h, id);
    struct place at = place_of(e), other = { 0 };
    if (owned(obj) == 1) {
        uint32_t i = obj->first_open;
        if (open_of(h, i)->kind == PROF_OPEN_BIRTH)
            i = open_of(h, i)->next;
        const struct prof_open *open = open_of(h, i);
        bool moved = kind == PROF_INCIDENT_NO_SOURCE && open->moved_stack != 0;
        other = (struct place){ open->at_us, moved ? open->moved_stack : open->stack, open->tid };
    }
    struct prof_incident *incident = incident_add(h, kind, id, &at, &other);
    if (incident != NULL) {
        incident->slot = slot;
        incident->count = obj->count;
    }
}

static void wrong_slot(struct prof_heap *h, prof_obj_id id, uint64_t slot, const struct prof_event *e)
{
    const struct prof_obj *obj = obj_of(h, id);
    if (owned(obj) != 0 && (obj->flags & PROF_OBJ_SKEWED) == 0)
        owner_incident(h, PROF_INCIDENT_WRONG_SLOT, id, slot, e);
}

/* The birth reference is given back without ever having had an owner. */
static void give_birth(struct prof_heap *h, prof_obj_id id, uint32_t birth, const struct prof_event *e)
{
    uint32_t stack = open_of(h, birth)->stack;
    uint64_t at_us = open_of(h, birth)->at_us;
    open_remove(h, birth);
    struct prof_obj *obj = obj_of(h, id);
    obj->internal &= (uint8_t)~OBJ_BIRTH_OPEN;
    obj->flags &= (uint16_t)~PROF_OBJ_FLOATING;
    site_take(h, id, stack, at_us, 0);
    site_give(h, id, e->stack, e->time_us);
}

/* Does a release without owner come right behind the trk_disown of its reference? */
static bool follows_disown(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    const struct prof_obj *obj = obj_of(h, id);
    const struct disowned *d = disowned_of(h, id);

    return !has_owner(e) && d->obj == id && d->serial == obj->serial && d->slots + d->holders > 0 &&
           d->event + 1 == obj->refs + obj->unrefs && doubt_one_call(h, e->stack, d->stack);
}

/* An open reference with an owner goes. */
static void give_owned(struct prof_heap *h, prof_obj_id id, uint32_t open, const struct prof_event *e)
{
    struct prof_type *type = &h->types[obj_of(h, id)->type].pub;
    bool holder = open_of(h, open)->kind == PROF_OPEN_HOLDER;

    follow_left(h, open, e);
    if (h->options.keep_type_sites)
        site_learn_pair(h, obj_of(h, id)->type, open_of(h, open)->stack, e->stack);
    open_remove(h, open);
    if (holder)
        type->unrefs_holder++;
    else
        type->unrefs_slot++;
}

/* Which reference goes. `left` is the anonymous balance before it. */
static void give(struct prof_heap *h, prof_obj_id id, int32_t left, const struct prof_event *e)
{
    struct prof_type *type = &h->types[obj_of(h, id)->type].pub;
    if (has_owner(e)) {
        uint32_t open = open_find(h, id, owner_kind(e), e->slot);
        if (open != 0) {
            give_owned(h, id, open, e);
            return;
        }
        wrong_slot(h, id, e->slot, e);
    }
    type->unrefs_anon++;
    if (!follows_disown(h, id, e))
        doubt_owners(h, id);
    uint32_t birth = left > 0 ? 0 : open_find_birth(h, id);
    /* Disowned a moment ago and now given back: its owner was known as long as it had one. */
    enum prof_open_kind was = disowned_take(h, id);
    if (was != 0) {
        shift_evidence(type, 0, true, was, false);
        type->births_owned += birth != 0;
        stat_of(h, e->stack)->pub.disowned++;
    }
    if (birth != 0)
        give_birth(h, id, birth, e);
    else
        site_give(h, id, e->stack, e->time_us);
}

void ref_apply_late(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (e->op == TRK_OP_REF) {
        obj->count++;
        obj->refs++;
        take(h, id, e);
    } else {
        int32_t left = anonymous(obj);
        obj->count--;
        obj->unrefs++;
        give(h, id, left, e);
    }
    obj = obj_of(h, id);
    if (obj->observed == obj->count)
        obj->flags &= (uint16_t)~PROF_OBJ_MISCOUNT;
}

bool ref_leave_to_pool(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if (obj_count(obj) <= 0)
        return false;
    int32_t left = anonymous(obj);
    obj->count--;
    obj->unrefs++;
    if ((obj->flags & PROF_OBJ_COUNTED) != 0)
        obj->observed--;
    give(h, id, left, e);
    return true;
}

/* A parked object whose pool gives back its own reference: it will be destroyed. */
static bool pool_lets_go(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    if ((obj->flags & PROF_OBJ_POOLED) == 0 || obj->state != PROF_OBJ_PARKED)
        return false;
    obj->flags &= (uint16_t)~PROF_OBJ_POOLED;
    object_set_alive(h, obj);
    object_set_zero(h, id, e);
    return true;
}

static void over_release(struct prof_heap *h, prof_obj_id id, const struct prof_event *e)
{
    struct prof_obj *obj = obj_of(h, id);
    struct place at = place_of(e), other = { obj->zero_us, obj->zero_stack, 0 };
    h->told = ref_is_certain(h, obj, e);
    struct prof_incident *incident = incident_add(h, PROF_INCIDENT_OVER_RELEASE, id, &at, &other);
    h->told = false;
    if (incident != NULL) {
        incident->slot = e->slot;
        incident->count = obj_count(obj);
    }
    if ((obj->flags & PROF_OBJ_COUNTED) != 0)
        obj->observed = 0; /* counts that guard themselves undo it */
}

void ref_unref(struct prof_heap *h, const struct prof_event *e)
{
    h->totals.unrefs++;
    stat_of(h, e->stack)->pub.unrefs++;
    prof_obj_id id = object_for(h, e, true);
    if (id == 0)
        return;
    struct prof_obj *obj = obj_of(h, id);
    if (belongs_to_earlier(h, obj, e) || pool_lets_go(h, id, e))
        return;
    int32_t left = anonymous(obj);
    obj->unrefs++;
    obj->count--;
    if ((obj->flags & PROF_OBJ_COUNTED) != 0)
        obj->observed--;
    give(h, id, left, e);
    if ((e->flags & PROF_EVENT_COUNT) != 0)
        ref_observe(h, id, e->count, of_unknown_life(h, id, e));
    obj = obj_of(h, id);
    if ((obj->flags & (PROF_OBJ_SKEWED | PROF_OBJ_COUNTED)) == PROF_OBJ_SKEWED || obj_count_is_part(h, obj))
        return; /* relative: nobody knows where zero is */
    int32_t count = obj_count(obj);
    if (count == 0)
        object_set_zero(h, id, e);
    else if (count < 0)
        over_release(h, id, e);
}

void ref_given_inside(struct prof_heap *h, uint32_t open, const struct prof_event *e)
{
    prof_obj_id id = open_of(h, open)->obj;
    struct prof_obj *obj = obj_of(h, id);
    bool counted = (obj->flags & PROF_OBJ_COUNTED) != 0;

    obj->unrefs++;
    obj->count--;
    if (counted && obj->observed > 0)
        obj->observed--;
    give_owned(h, id, open, e);
    if (counted && obj_of(h, id)->observed == 0)
        object_set_zero(h, id, e);
}

/* ---- Changing hands ---- */

/* An owned reference becomes anonymous again. */
static void disown(struct prof_heap *h, prof_obj_id id, uint32_t index, const struct prof_event *e)
{
    struct prof_open *open = open_of(h, index);
    struct prof_obj *obj = obj_of(h, id);
    struct prof_type *type = &h->types[obj->type].pub;
    shift_evidence(type, open->kind, false, 0, true);
    disowned_add(h, id, open->kind, e->stack);
    stat_of(h, open->stack)->pub.disowned++;
    if ((open->flags & PROF_OPEN_WAS_BIRTH) != 0 && (obj->internal & OBJ_BIRTH_OPEN) == 0) {
        open_rehome(h, index, PROF_OPEN_BIRTH, 0, e);
        open_of(h, index)->flags &= (uint8_t)~PROF_OPEN_WAS_BIRTH;
        obj->internal |= OBJ_BIRTH_OPEN;
        if (type->births_owned > 0)
            type->births_owned--;
        return;
    }
    uint32_t stack = open->stack;
    uint64_t at_us = open->at_us;
    open_remove(h, index);
    site_take(h, id, stack, at_us, 0);
}

/* An anonymous reference gets an owner: the newest one; the birth when no other is open, or the object was `sunk`. */
static void own(struct prof_heap *h, prof_obj_id id, const struct prof_event *e, bool sunk)
{
    struct prof_obj *obj = obj_of(h, id);
    struct prof_type *type = &h->types[obj->type].pub;
    enum prof_open_kind kind = owner_kind(e);
    struct place taken = place_of(e);
    uint32_t birth = sunk ? open_find_birth(h, id) : 0, index = birth;
    bool many = anonymous(obj) + ((obj->internal & OBJ_BIRTH_OPEN) != 0) != 1, alone = owned(obj) == 0;
    bool follows = birth != 0 || ((e->flags & PROF_EVENT_FROM) == 0 && doubt_follows(h, id, e->stack));
    bool left = birth == 0 && anonymous(obj) > 0, from_site = left && site_untake(h, id, &taken);
    if (!alone && !follows)
        doubt_owners(h, id);
    if (!from_site && birth == 0)
        index = birth = open_find_birth(h, id);
    if (birth != 0) {
        open_rehome(h, birth, kind, e->slot, e);
        open_of(h, birth)->flags |= PROF_OPEN_WAS_BIRTH;
        obj->internal &= (uint8_t)~OBJ_BIRTH_OPEN;
        obj->flags &= (uint16_t)~PROF_OBJ_FLOATING;
        type->births_owned++;
    } else {
        bool skewed = (obj->flags & PROF_OBJ_SKEWED) != 0, none = !from_site && !left && !skewed;
        if (!from_site && !skewed)
            obj->internal |= OBJ_UNSURE;
        if (none && (e->flags & PROF_EVENT_FROM) == 0)
            owner_incident(h, PROF_INCIDENT_NO_SOURCE, id, e->slot, e);
        index = open_add(h, id, kind, e->slot, &taken);
        if (index != 0 && from_site)
            open_of(h, index)->moved_stack = e->stack;
        if (index != 0 && none)
            open_of(h, index)->flags |= PROF_OPEN_NO_SOURCE;
    }
    if (index != 0 && !sunk && (many || (!follows && (!alone || obj->unrefs > 0))))
        open_of(h, index)->flags |= PROF_OPEN_CHOSEN;
    if (index != 0 && !alone && (!follows || birth != 0))
        open_of(h, index)->flags |= PROF_OPEN_DOUBTED;
    disowned_take(h, id);
    shift_evidence(type, 0, true, kind, false);
}

void ref_sink(struct prof_heap *h, const struct prof_event *e)
{
    prof_obj_id id = object_for(h, e, true);
    if (id == 0)
        return;
    struct prof_obj *obj = obj_of(h, id);
    /* In its constructor, before its birth is told: hooks speak of sinks only where a reference floats, and that is the
     * one it was born with. */
    if ((obj->flags & (PROF_OBJ_BLOCK_BORN | PROF_OBJ_COUNTED)) == PROF_OBJ_BLOCK_BORN && !has_owner(e) &&
        heap_hooked(h))
        return;
    if ((obj->flags & PROF_OBJ_FLOATING) == 0) {
        h->totals.refs++;
        stat_of(h, e->stack)->pub.refs++;
        ref_one(h, id, e);
        return;
    }
    obj->flags &= (uint16_t)~PROF_OBJ_FLOATING;
    if (has_owner(e)) {
        own(h, id, e, true);
    }
}

void ref_move(struct prof_heap *h, const struct prof_event *e)
{
    prof_obj_id id = object_for(h, e, true);
    if (id == 0)
        return;
    uint32_t open = 0;
    if ((e->flags & PROF_EVENT_FROM) != 0) {
        enum prof_open_kind from = (e->flags & PROF_EVENT_FROM_HOLDER) != 0 ? PROF_OPEN_HOLDER : PROF_OPEN_SLOT;
        open = open_find(h, id, from, e->from);
        if (open == 0)
            wrong_slot(h, id, e->from, e);
        else
            follow_left(h, open, e);
    }
    if (open != 0 && has_owner(e)) {
        shift_evidence(&h->types[obj_of(h, id)->type].pub, open_of(h, open)->kind, false, owner_kind(e), false);
        open_rehome(h, open, owner_kind(e), e->slot, e);
    } else if (open != 0) {
        disown(h, id, open, e);
    } else if (has_owner(e)) {
        own(h, id, e, false);
    }
}
