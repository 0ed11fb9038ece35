/* name.c: what type an object of a hooked function is. See watch.h.
 *
 * Most rules say it themselves. Others say where the object tells it: a string, or what a function of the program
 * returns. That is asked once per value of the rule's place (a class, a number of a type), outside of the shortest
 * path, and remembered. What a program writes there is neither believed nor changed: the bytes up to NUL, as many as
 * can be read and fit. */
#include "watch.h"

#include "../src/engine.h"
#include "../src/own.h"

#include <errno.h>

enum { TYPES = 4096, NAME = 128, CLASSES = 4096, TRIES = 8 };

struct named_type {
    struct trk_type type;
    uint32_t ready; /* 1: all of it is there. Release; partner: same_type's acquire */
    char name[NAME];
};

/* A value that was asked for. key 0: free. `type` is set last but `check`, both with release: who sees the check of now
 * sees the type of now. */
struct class
{
    uint64_t key, check;
    struct trk_type *type;
};

static struct {
    struct named_type *type; /* TYPES */
    struct class *class;     /* CLASSES */
    uint32_t types;          /* used, or being filled; atomic */
} names;

/* Where a call of the program's own function for a name began, on this thread's stack; 0: none. A name that is asked
 * for further down is one that this function asks for; what left it by a jump has left it below. */
static __thread uintptr_t asking __attribute__((tls_model("initial-exec")));

bool trk_name_init(void)
{
    names.type = trk_own_map(TYPES * sizeof *names.type);
    names.class = trk_own_map(CLASSES * sizeof *names.class);
    return names.type != NULL && names.class != NULL;
}

/* ---- Types --------------------------------------------------------------------------------------------------------
 */

static bool same_shape(const struct trk_type *a, const struct trk_type *b)
{
    return a->size == b->size && a->offset == b->offset && a->count_offset == b->count_offset &&
           a->count_width == b->count_width && a->count_shift == b->count_shift && a->count_bits == b->count_bits &&
           a->count_bias == b->count_bias && a->flags == b->flags;
}

/* The first of the first n that is the same; NULL: none. */
static struct trk_type *same_type(uint32_t n, const struct trk_type *wanted, const char *name, size_t length)
{
    for (uint32_t i = 0; i < n; i++) {
        struct named_type *t = &names.type[i];
        if (__atomic_load_n(&t->ready, __ATOMIC_ACQUIRE) != 0 && trk_same(t->name, name, length) &&
            same_shape(&t->type, wanted))
            return &t->type;
    }
    return NULL;
}

struct trk_type *trk_name_type(const struct trk_hook_rule *r, const char *name)
{
    struct trk_type fresh = { .struct_size = sizeof fresh,
                              .flags = r->flags & TRK_HOOK_INLINE ? TRK_TYPE_INLINE : 0,
                              .size = r->object_size,
                              .offset = r->object_before,
                              .count_offset = r->count_width ? r->count_offset : TRK_NO_COUNT,
                              .count_width = r->count_width,
                              .count_shift = r->count_shift,
                              .count_bits = r->count_bits,
                              .count_bias = r->count_bias };
    size_t length = trk_strlen(name, NAME - 1);
    uint32_t used = __atomic_load_n(&names.types, __ATOMIC_ACQUIRE);
    struct trk_type *type = same_type(used < TYPES ? used : TYPES, &fresh, name, length);
    if (type != NULL)
        return type;
    do {
        if (used >= TYPES)
            return NULL;
    } while (!__atomic_compare_exchange_n(&names.types, &used, used + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    struct named_type *t = &names.type[used];
    trk_copy(t->name, name, length);
    t->type = fresh;
    t->type.name = t->name;
    __atomic_store_n(&t->ready, 1, __ATOMIC_RELEASE);
    /* Another thread may have made the same one meanwhile: the first is the one. */
    return same_type(used + 1, &fresh, name, length);
}

/* ---- Classes ------------------------------------------------------------------------------------------------------
 */

/* The first bytes of a string, up to NUL: another may come to lie where one was. */
static bool beginning(uint64_t at, uint64_t *ret)
{
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t word;
    if (!trk_place_word(at, at % TRK_PAGE <= TRK_PAGE - 8 ? 8 : 1, &word))
        return false;
    uint64_t ends = (word - ones) & ~word & ones << 7;
    *ret = ends != 0 ? word & (((ends & -ends) >> 7) - 1) : word;
    return true;
}

/* What the rule's place says now. False: nothing to ask, or nobody. */
static bool class_of(const struct trk_watch *w, const struct trk_about *about, uint64_t *word, uint64_t *check)
{
    const struct trk_hook_rule *r = w->rule;
    *check = 1;
    return (r->name_kind == TRK_HOOK_NAME_STRING || (r->name_kind == TRK_HOOK_NAME_CALL && w->name_call != 0)) &&
           trk_place_value(about, &r->name, word) && (r->name_kind != TRK_HOOK_NAME_STRING || beginning(*word, check));
}

/* Values of different rules are different classes. */
static uint64_t key_of(const struct trk_watch *w, uint64_t word)
{
    uint64_t key = (word ^ (uintptr_t)w->rule << 24) * 0x9e3779b97f4a7c15ull;
    return key != 0 ? key : 1;
}

/* The place of a class, or the free one for it; NULL: there is none. */
static struct class *find(uint64_t key, bool make)
{
    for (unsigned i = 0; i < TRIES; i++) {
        struct class *c = &names.class[((key >> 40) + i) % CLASSES];
        uint64_t was = __atomic_load_n(&c->key, __ATOMIC_ACQUIRE);
        if (was == key ||
            (was == 0 && make &&
             (__atomic_compare_exchange_n(&c->key, &was, key, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
              was == key)))
            return c;
        if (was == 0)
            return NULL;
    }
    return NULL;
}

struct trk_type *trk_name_known(const struct trk_watch *w, const struct trk_about *about)
{
    uint64_t word, check;
    if (w->rule->name_kind == TRK_HOOK_NAME_TYPE || !class_of(w, about, &word, &check))
        return w->type;
    const struct class *c = find(key_of(w, word), false);
    return c != NULL && __atomic_load_n(&c->check, __ATOMIC_ACQUIRE) == check
               ? __atomic_load_n(&c->type, __ATOMIC_ACQUIRE)
               : NULL;
}

/* As many bytes up to NUL as can be read and fit. */
static void read_string(uint64_t at, char name[NAME])
{
    for (unsigned i = 0; i < NAME; i++) {
        uint64_t byte = 0;
        if (i == NAME - 1 || !trk_place_word(at + i, 1, &byte))
            byte = 0;
        name[i] = (char)byte;
        if (byte == 0)
            return;
    }
}

static uint64_t call_for_name(uintptr_t function, uint64_t word)
{
    int saved = errno;
    uintptr_t before = asking;
    asking = (uintptr_t)__builtin_frame_address(0);
    uint64_t string = (uint64_t)((const char *(*)(uint64_t))function)(word);
    asking = before;
    errno = saved;
    return string;
}

struct trk_type *trk_name_ask(const struct trk_watch *w, const struct trk_about *about)
{
    uint64_t word, check;
    char name[NAME];
    if (w->rule->name_kind == TRK_HOOK_NAME_TYPE || !class_of(w, about, &word, &check))
        return w->type;
    if (w->rule->name_kind == TRK_HOOK_NAME_CALL) {
        if (asking != 0 && (uintptr_t)__builtin_frame_address(0) < asking)
            return w->type;
        read_string(call_for_name(w->name_call, word), name);
    } else {
        read_string(word, name);
    }
    struct trk_type *type = name[0] != 0 ? trk_name_type(w->rule, name) : w->type;
    if (type == NULL)
        return w->type;
    struct class *c = find(key_of(w, word), true);
    if (c != NULL) {
        __atomic_store_n(&c->type, type, __ATOMIC_RELEASE);
        __atomic_store_n(&c->check, check, __ATOMIC_RELEASE);
    }
    return type;
}
