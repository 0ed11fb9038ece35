/* verb.h: what the files with exported verbs share. Internal. */
#ifndef TRACK_VERB_H
#define TRACK_VERB_H

#define TRK_DISABLE
#include <track/track.h>

#include "addr.h"
#include "engine.h"

/* The C functions have names of their own; the symbols are those of track.h. */
#define VERB(name) __asm__(#name) __attribute__((visibility("default"), noinline))

static inline uint64_t trk_arg_bits(uint64_t n)
{
    uint64_t max = ((uint64_t)1 << TRK_ARG_BITS) - 1;
    return n < max ? n : max;
}

static inline void trk_add_ext(struct trk_event *ev, enum trk_ext kind, uint64_t value)
{
    if (ev->exts < TRK_MAX_EXT) {
        ev->ext_kind[ev->exts] = kind;
        ev->ext_value[ev->exts++] = value;
    }
}

/* Puts a slot into arg, or into an EXT slot when it does not fit there. */
static inline void trk_set_slot(struct trk_event *ev, const void *slot, enum trk_ext holder_kind)
{
    uint64_t code = trk_addr_slot(slot), s = trk_addr_whole(slot);
    if (trk_addr_slot_fits(code))
        ev->arg = code >> 3;
    else if (s & TRK_ADDR_TOKEN)
        trk_add_ext(ev, holder_kind, s & ~TRK_ADDR_TOKEN);
    else
        trk_add_ext(ev, TRK_EXT_SLOT, s);
}

/* Id of a type that was used before; 0: of one that was not, or cannot be. */
static inline uint32_t trk_known_type(const struct trk_type *type)
{
    if (type == NULL || type->struct_size < sizeof *type)
        return 0;
    uint32_t id = __atomic_load_n(&type->id, __ATOMIC_ACQUIRE) ^ trk_load32(&trk_eng.type_tag);
    return id < TRK_TYPE_MAX ? id : 0;
}

#endif
