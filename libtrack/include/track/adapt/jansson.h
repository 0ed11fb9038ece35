/* track/adapt/jansson.h: jansson for code that is compiled with it. json_incref, json_decref and what jansson.h builds
 * on them are inline, so hooks see none of them; with this header they are told. Include it instead of jansson.h or
 * after it, or leave the code alone and compile with
 *
 *     cc $(pkg-config --cflags libtrack jansson) -include track/adapt/jansson.h ...
 *
 * C and C++; tested with jansson 2.14. Nothing to link: `reftrack run` brings the library, and without it each place is
 * a branch. Births, deaths and references that jansson takes over are seen by the adapter "jansson", which `reftrack
 * run` chooses by itself when the library is loaded. What jansson does inside itself (a container that is deleted gives
 * back its elements) nobody tells: counts told here and read from memory show it as unaccounted, and no verdict is
 * built on the difference.
 *
 * Slots. A reference that a variable holds is told with TRK_OWN:
 *
 *     TRK_OWN(self->config, json_incref(config));   TRK_OWN(self->root, json_object());
 *     ... trk_json_decref(self->config, &self->config);
 *
 * json_decrefp and json_auto_t know their variable. All others tell none: memory says at the checkpoints who holds
 * what.
 *
 * Pointers to the functions (&json_incref) are those of jansson.h, and tell nothing. Singletons (json_null, json_true,
 * json_false) are not counted, and not told. */
#ifndef TRACK_ADAPT_JANSSON_H
#define TRACK_ADAPT_JANSSON_H

#include <jansson.h>
#include <track/adapt/count.h>

#ifndef JSON_INTERNAL_INCREF
#error "track/adapt/jansson.h needs a jansson.h that defines JSON_INTERNAL_INCREF"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How reports call it: as the adapter does. */
static inline struct trk_type *trk_json_type(const json_t *json)
{
#define TRK_JSON_TYPE(name)                                                                                            \
    {                                                                                                                  \
        sizeof(struct trk_type), TRK_TYPE_INLINE, name, 0, 0, offsetof(json_t, refcount), sizeof(json->refcount), 0,   \
            0, 0, 0, 0, 0                                                                                              \
    }
    static struct trk_type types[] = { TRK_JSON_TYPE("json_object"), TRK_JSON_TYPE("json_array"),
                                       TRK_JSON_TYPE("json_string"), TRK_JSON_TYPE("json_integer"),
                                       TRK_JSON_TYPE("json_real") };
#undef TRK_JSON_TYPE
    return &types[json_typeof(json) <= JSON_REAL ? json_typeof(json) : 0];
}

/* One more reference, owned by the variable at slot, or 0. Returns json, which may be NULL. */
static TRK_COUNT_INLINE json_t *trk_json_incref(json_t *json, const void *slot)
{
    if (json && json->refcount != (size_t)-1) {
        if (TRK_ON())
            trk_retype(json, trk_json_type(json)); /* strings of the parser are not seen to be born */
        TRK_COUNT_STEP(trk_ref_rc, json, slot, JSON_INTERNAL_INCREF(json));
    }
    return json;
}

/* The reference of slot, or of nobody in particular (0), is given back. json may be NULL. */
static TRK_COUNT_INLINE void trk_json_decref(json_t *json, const void *slot)
{
    if (json && json->refcount != (size_t)-1 &&
        TRK_COUNT_STEP(trk_unref_rc, json, slot, JSON_INTERNAL_DECREF(json)) == 0)
        json_delete(json);
}

/* Gives back what *json holds, and clears it. json may be NULL. */
static TRK_COUNT_INLINE void trk_json_decrefp(json_t **json)
{
    if (json) {
        trk_json_decref(*json, json);
        *json = 0;
    }
}

/* Calls the function on two objects, then gives `other` back. */
static TRK_COUNT_INLINE int trk_json_update_new(int (*update)(json_t *, json_t *), json_t *object, json_t *other)
{
    int ret = update(object, other);
    trk_json_decref(other, 0);
    return ret;
}

#ifdef __cplusplus
}
#endif

/* clang-format off */
#define json_incref(json)  trk_json_incref(json, 0)
#define json_decref(json)  trk_json_decref(json, 0)
#define json_decrefp(json) trk_json_decrefp(json)
#undef json_auto_t
#define json_auto_t json_t __attribute__((cleanup(trk_json_decrefp)))

#define json_object_set(object, key, value)               json_object_set_new(object, key, json_incref(value))
#define json_object_set_nocheck(object, key, value)       json_object_set_new_nocheck(object, key, json_incref(value))
#define json_object_setn(object, key, length, value)      json_object_setn_new(object, key, length, json_incref(value))
#define json_object_setn_nocheck(object, key, length, value)                                                           \
    json_object_setn_new_nocheck(object, key, length, json_incref(value))
#define json_object_iter_set(object, iter, value)         json_object_iter_set_new(object, iter, json_incref(value))
#define json_object_update_new(object, other)             trk_json_update_new(json_object_update, object, other)
#define json_object_update_existing_new(object, other)    trk_json_update_new(json_object_update_existing, object, other)
#define json_object_update_missing_new(object, other)     trk_json_update_new(json_object_update_missing, object, other)
#define json_array_set(array, index, value)               json_array_set_new(array, index, json_incref(value))
#define json_array_append(array, value)                   json_array_append_new(array, json_incref(value))
#define json_array_insert(array, index, value)            json_array_insert_new(array, index, json_incref(value))
/* clang-format on */

#endif
