/* api_gc.c: the verbs about generations, cycles and who refers to whom (track/gc.h). Settings are events; the rest are
 * questions to the recorder. */
#define TRK_DISABLE
#include <track/track.h>

#include "addr.h"
#include "gc_callback.h"
#include "look.h"
#include "record.h"
#include "verb.h"

enum { GENERATIONS = 3, LINK_WORDS = sizeof(struct trk_gc_link) / sizeof(uint64_t) };
_Static_assert(sizeof(struct trk_gc_link) == 3 * sizeof(uint64_t) && sizeof(void *) == sizeof(uint64_t) &&
                   sizeof(struct trk_gc_counts) <= TRK_LOOK_NUMBERS * sizeof(uint64_t) &&
                   sizeof(struct trk_gc_size) <= TRK_LOOK_NUMBERS * sizeof(uint64_t) &&
                   GENERATIONS * sizeof(struct trk_gc_stats) <= TRK_LOOK_NUMBERS * sizeof(uint64_t) &&
                   sizeof(long) == sizeof(uint64_t),
               "one is the other on its way");

/* ---- Settings ---- */

static int set(enum trk_gc_command command, uint64_t arg, bool more, uint64_t value, const struct trk_frame *at)
{
    struct trk_event ev = {
        .op = TRK_OP_GC, .aux = (uint8_t)command, .depth = TRK_DEPTH_REF, .arg = trk_arg_bits(arg), .at = *at
    };
    if (!trk_gate_v1)
        return TRK_UNKNOWN;
    if (more)
        trk_add_ext(&ev, TRK_EXT_VALUE, value);
    trk_emit(&ev);
    return TRK_YES;
}

int verb_gc_enable(void) VERB(trk_gc_enable);
int verb_gc_enable(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    return set(TRK_GC_DO_ENABLE, 1, false, 0, &at);
}

int verb_gc_disable(void) VERB(trk_gc_disable);
int verb_gc_disable(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    return set(TRK_GC_DO_ENABLE, 0, false, 0, &at);
}

int verb_gc_freeze(void) VERB(trk_gc_freeze);
int verb_gc_freeze(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    return set(TRK_GC_DO_FREEZE, 1, false, 0, &at);
}

int verb_gc_unfreeze(void) VERB(trk_gc_unfreeze);
int verb_gc_unfreeze(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    return set(TRK_GC_DO_FREEZE, 0, false, 0, &at);
}

int verb_gc_set_debug(unsigned flags) VERB(trk_gc_set_debug);
int verb_gc_set_debug(unsigned flags)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    const unsigned all = TRK_GC_DEBUG_LEAK | TRK_GC_DEBUG_STATS;
    return (flags & ~all) != 0 ? TRK_INVALID : set(TRK_GC_DO_DEBUG, flags, false, 0, &at);
}

int verb_gc_set_threshold(unsigned t0, unsigned t1, unsigned t2) VERB(trk_gc_set_threshold);
int verb_gc_set_threshold(unsigned t0, unsigned t1, unsigned t2)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    return set(TRK_GC_DO_THRESHOLD, t0, true, t1 | (uint64_t)t2 << 32, &at);
}

/* ---- Questions ---- */

static int ask(struct trk_look_ask *what)
{
    if (!trk_gate_v1)
        return TRK_UNKNOWN;
    return trk_look(what);
}

/* Numbers go to `ret`, size bytes of them, with an answer of TRK_YES. */
static int ask_numbers(enum trk_question question, uint64_t arg0, uint64_t arg1, void *ret, size_t size)
{
    uint64_t numbers[TRK_LOOK_NUMBERS] = { 0 };
    struct trk_look_ask what = { .question = question, .numbers = numbers, .arg = { arg0, arg1 } };
    int answer = ask(&what);
    if (answer == TRK_YES && ret != NULL)
        trk_copy(ret, numbers, size);
    return answer;
}

/* One number that is an answer by itself. */
static long ask_number(struct trk_look_ask *what)
{
    uint64_t numbers[TRK_LOOK_NUMBERS] = { 0 };
    what->numbers = numbers;
    int answer = ask(what);
    what->numbers = NULL;
    return answer == TRK_YES ? (long)(numbers[0] <= INT64_MAX ? numbers[0] : INT64_MAX) : answer;
}

static long ask_list(enum trk_question question, uint64_t arg, void *buffer, size_t room, size_t words)
{
    if (buffer == NULL)
        room = 0;
    room = room < SIZE_MAX / 64 ? room : SIZE_MAX / 64;
    struct trk_look_ask what = { .question = question, .arg = { arg }, .list = buffer, .room = room * words };
    return ask_number(&what);
}

/* As the recorder knows it: no tag. */
static uint64_t plain(const void *obj)
{
    return (uintptr_t)obj & (TRK_HIGH_ADDRESSES ? TRK_ADDR_PLAIN : TRK_ADDR_MASK);
}

static bool is_generation(int generation, int from)
{
    return generation >= from && generation < GENERATIONS;
}

long verb_gc_collect(int generation) VERB(trk_gc_collect);
long verb_gc_collect(int generation)
{
    if (!is_generation(generation, 0))
        return TRK_INVALID;
    if (!trk_gate_v1)
        return TRK_UNKNOWN;
    if (trk_gc_calling())
        return 0;
    uint64_t numbers[TRK_LOOK_NUMBERS] = { 0 };
    struct trk_gc_info info = { .generation = generation };
    struct trk_look_ask what = { .why = TRK_LOOK_GC,
                                 .question = TRK_ASK_GC_COLLECT,
                                 .name = "gc",
                                 .numbers = numbers,
                                 .arg = { (uint64_t)generation } };
    trk_gc_call(TRK_GC_START, &info);
    int answer = ask(&what);
    info.answer = answer == TRK_YES ? (long)(numbers[0] <= INT64_MAX ? numbers[0] : INT64_MAX) : answer;
    info.uncollectable = answer == TRK_YES ? numbers[1] : 0;
    info.collected = answer == TRK_YES && numbers[0] > numbers[1] ? numbers[0] - numbers[1] : 0;
    trk_gc_call(TRK_GC_STOP, &info);
    return info.answer;
}

int verb_gc_get_count(uint64_t ret[3]) VERB(trk_gc_get_count);
int verb_gc_get_count(uint64_t ret[3])
{
    return ask_numbers(TRK_ASK_GC_COUNT, 0, 0, ret, GENERATIONS * sizeof ret[0]);
}

int verb_gc_get_stats(struct trk_gc_stats ret[3]) VERB(trk_gc_get_stats);
int verb_gc_get_stats(struct trk_gc_stats ret[3])
{
    return ask_numbers(TRK_ASK_GC_STATS, 0, 0, ret, GENERATIONS * sizeof ret[0]);
}

long verb_gc_get_freeze_count(void) VERB(trk_gc_get_freeze_count);
long verb_gc_get_freeze_count(void)
{
    struct trk_look_ask what = { .question = TRK_ASK_GC_FREEZE_COUNT };
    return ask_number(&what);
}

struct settings {
    uint64_t enabled, threshold[GENERATIONS], debug;
};

int verb_gc_isenabled(void) VERB(trk_gc_isenabled);
int verb_gc_isenabled(void)
{
    struct settings s;
    int answer = ask_numbers(TRK_ASK_GC_SETTINGS, 0, 0, &s, sizeof s);
    return answer == TRK_YES ? (s.enabled != 0 ? TRK_YES : TRK_NO) : answer;
}

int verb_gc_get_threshold(unsigned ret[3]) VERB(trk_gc_get_threshold);
int verb_gc_get_threshold(unsigned ret[3])
{
    struct settings s;
    int answer = ask_numbers(TRK_ASK_GC_SETTINGS, 0, 0, &s, sizeof s);
    for (int i = 0; answer == TRK_YES && ret != NULL && i < GENERATIONS; i++)
        ret[i] = (unsigned)s.threshold[i];
    return answer;
}

int verb_gc_get_debug(void) VERB(trk_gc_get_debug);
int verb_gc_get_debug(void)
{
    struct settings s;
    int answer = ask_numbers(TRK_ASK_GC_SETTINGS, 0, 0, &s, sizeof s);
    return answer == TRK_YES ? (int)(s.debug & INT32_MAX) : answer;
}

struct state {
    uint64_t tracked, finalized, generation;
};

int verb_gc_is_tracked(const void *obj) VERB(trk_gc_is_tracked);
int verb_gc_is_tracked(const void *obj)
{
    struct state s;
    int answer = ask_numbers(TRK_ASK_GC_OBJECT, plain(obj), 0, &s, sizeof s);
    return answer == TRK_YES ? (s.tracked != 0 ? TRK_YES : TRK_NO) : answer;
}

int verb_gc_is_finalized(const void *obj) VERB(trk_gc_is_finalized);
int verb_gc_is_finalized(const void *obj)
{
    struct state s;
    int answer = ask_numbers(TRK_ASK_GC_OBJECT, plain(obj), 0, &s, sizeof s);
    return answer == TRK_YES ? (s.finalized != 0 ? TRK_YES : TRK_NO) : answer;
}

int verb_gc_refcount(const void *obj, struct trk_gc_counts *ret) VERB(trk_gc_refcount);
int verb_gc_refcount(const void *obj, struct trk_gc_counts *ret)
{
    return ask_numbers(TRK_ASK_GC_REFCOUNT, plain(obj), 0, ret, sizeof *ret);
}

int verb_gc_sizeof(const void *obj, int limit, struct trk_gc_size *ret) VERB(trk_gc_sizeof);
int verb_gc_sizeof(const void *obj, int limit, struct trk_gc_size *ret)
{
    if (limit < -1)
        return TRK_INVALID;
    return ask_numbers(TRK_ASK_GC_SIZE, plain(obj), limit < 0 ? UINT32_MAX : (uint32_t)limit, ret, sizeof *ret);
}

long verb_gc_referrers(const void *obj, struct trk_gc_link *buffer, size_t room) VERB(trk_gc_referrers);
long verb_gc_referrers(const void *obj, struct trk_gc_link *buffer, size_t room)
{
    return ask_list(TRK_ASK_GC_REFERRERS, plain(obj), buffer, room, LINK_WORDS);
}

long verb_gc_referents(const void *obj, struct trk_gc_link *buffer, size_t room) VERB(trk_gc_referents);
long verb_gc_referents(const void *obj, struct trk_gc_link *buffer, size_t room)
{
    return ask_list(TRK_ASK_GC_REFERENTS, plain(obj), buffer, room, LINK_WORDS);
}

long verb_gc_garbage(const void **buffer, size_t room) VERB(trk_gc_garbage);
long verb_gc_garbage(const void **buffer, size_t room)
{
    return ask_list(TRK_ASK_GC_GARBAGE, 0, buffer, room, 1);
}

long verb_gc_get_objects(int generation, const void **buffer, size_t room) VERB(trk_gc_get_objects);
long verb_gc_get_objects(int generation, const void **buffer, size_t room)
{
    if (!is_generation(generation, -1))
        return TRK_INVALID;
    return ask_list(TRK_ASK_GC_OBJECTS, (uint64_t)(int64_t)generation, buffer, room, 1);
}
