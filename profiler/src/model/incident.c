/* incident.c: what was noticed, equal ones counted together. */
#include "state.h"

#include <string.h>

enum { NEAR_US = 50000 }; /* a few ticks of the recorder's clock */

/* Remembers obj; was it another one than those seen last? Objects that take turns in greater number are counted again.
 * Serials are of one type, which the key holds: ids would serve again. */
static bool note_object(struct incident_head *head, const struct prof_obj *obj)
{
    if (obj == NULL)
        return true; /* of plain blocks only the events are known */
    for (size_t i = 0; i < INCIDENT_RECENT; i++)
        if (head->recent[i] == obj->serial)
            return false;
    head->recent[head->recent_at] = obj->serial;
    head->recent_at = (head->recent_at + 1) % INCIDENT_RECENT;
    return true;
}

/* For the incident that comes next in the list, which has room for it. */
static struct incident_head *make_head(struct prof_heap *h, const struct incident_key *key)
{
    struct incident_head *head = calloc(1, sizeof *head);
    if (head != NULL && prof_vec_reserve(&h->incidents, 1)) {
        head->key = *key;
        head->index = (uint32_t)h->incidents.count;
        HASH_ADD(hh, h->incident_heads, key, sizeof head->key, head);
        if (head->hh.tbl != NULL)
            return head;
    }
    free(head);
    h->no_memory = true;
    return NULL;
}

bool incident_restore(struct prof_heap *h, const struct prof_incident *incident, uint32_t type, const uint32_t *recent,
                      uint32_t recent_at)
{
    struct incident_key key = { incident->kind,        type,           incident->stack,
                                incident->other_stack, incident->told, incident->forced };
    struct incident_head *head = NULL;
    HASH_FIND(hh, h->incident_heads, &key, sizeof key, head);
    if (head != NULL)
        return false;
    head = make_head(h, &key);
    if (head == NULL)
        return true;
    memcpy(head->recent, recent, sizeof head->recent);
    head->recent_at = recent_at;
    h->incidents.items[h->incidents.count++] = *incident;
    return true;
}

static struct guess *guess_of(struct prof_heap *h, uint64_t addr)
{
    return &h->guesses[mix64(addr) & (GUESSES - 1)];
}

void incident_guess(struct prof_heap *h, uint64_t addr, uint64_t at_us)
{
    *guess_of(h, addr) = (struct guess){ addr, at_us };
}

/* A wrong choice shows at the same address, in this life or one of the next. */
static bool is_near_guess(struct prof_heap *h, const struct prof_obj *obj, uint64_t at_us)
{
    const struct guess *guess = guess_of(h, obj->addr);
    return guess->addr == obj->addr && (at_us > guess->at_us ? at_us - guess->at_us : guess->at_us - at_us) < NEAR_US;
}

struct prof_incident *incident_add(struct prof_heap *h, enum prof_incident_kind kind, prof_obj_id id,
                                   const struct place *at, const struct place *other)
{
    struct prof_obj *obj = id != 0 ? obj_of(h, id) : NULL;
    bool forced = h->forced;
    if (obj != NULL)
        forced |= (obj->internal & OBJ_FORCED) != 0 || is_near_guess(h, obj, at->at_us);
    struct incident_key key = { kind, obj != NULL ? obj->type : UINT32_MAX, at->stack, other->stack, h->told, forced };
    struct incident_head *head = NULL;
    HASH_FIND(hh, h->incident_heads, &key, sizeof key, head);
    if (head != NULL) {
        struct prof_incident *first = &h->incidents.items[head->index];
        first->repeats++;
        if (note_object(head, obj)) {
            first->objects++;
            first->bytes += obj != NULL ? obj->size : 0;
        }
        return NULL;
    }
    head = make_head(h, &key);
    if (head == NULL)
        return NULL;
    struct prof_incident *incident = &h->incidents.items[h->incidents.count++];
    *incident = (struct prof_incident){ .kind = (uint8_t)kind,
                                        .obj = id,
                                        .at_us = at->at_us,
                                        .stack = at->stack,
                                        .tid = at->tid,
                                        .other_us = other->at_us,
                                        .other_stack = other->stack,
                                        .other_tid = other->tid,
                                        .forced = key.forced != 0,
                                        .told = h->told,
                                        .repeats = 1,
                                        .objects = 1 };
    note_object(head, obj);
    if (obj != NULL) {
        incident->addr = obj->addr;
        incident->bytes = obj->size;
        obj->internal |= OBJ_KEPT;
    }
    return incident;
}

void incident_spoiled(struct prof_heap *h, uint32_t index)
{
    const struct prof_open *open = open_of(h, index);
    enum prof_incident_kind kind;
    if ((open->flags & PROF_OPEN_OVERWRITTEN) != 0)
        kind = PROF_INCIDENT_OVERWRITTEN;
    else if ((open->flags & PROF_OPEN_HOLDER_FREED) != 0)
        kind = PROF_INCIDENT_HOLDER_FREED;
    else
        return;
    struct place at = { h->spoils[index].at_us, open->spoil_stack, h->spoils[index].tid };
    struct place other = { open->at_us, open->stack, open->tid };
    bool forced = h->forced;
    h->forced |= h->spoils[index].forced;
    struct prof_incident *incident = incident_add(h, kind, open->obj, &at, &other);
    h->forced = forced;
    if (incident != NULL) {
        incident->slot = open->slot;
        incident->count = obj_count(obj_of(h, open->obj));
    }
}

void incidents_finish(struct prof_heap *h)
{
    for (uint32_t i = 1; i < h->opens.max; i++) {
        const struct prof_open *open = open_of(h, i);
        if (open->obj == 0 || (open->flags & (PROF_OPEN_OVERWRITTEN | PROF_OPEN_HOLDER_FREED)) == 0)
            continue;
        const struct prof_obj *obj = obj_of(h, open->obj);
        /* With fewer references than open ones, some were given back namelessly: perhaps this one. */
        if (obj_alive(obj) && obj->count >= (int32_t)obj->opens)
            incident_spoiled(h, i);
    }
}

void incidents_deinit(struct prof_heap *h)
{
    struct incident_head *head, *next;
    HASH_ITER (hh, h->incident_heads, head, next) {
        HASH_DEL(h->incident_heads, head);
        free(head);
    }
    prof_vec_deinit(&h->incidents);
}
