/* api_leak.c: the verbs about leaks: what is none, pools of chunks, and the question what is lost now. */
#define TRK_DISABLE
#include <track/track.h>

#include "addr.h"
#include "look.h"
#include "own.h"
#include "record.h"
#include "verb.h"

_Static_assert((int)TRK_LEAK_FULL == TRK_ASK_LEAKS_FULL && (int)TRK_LEAK_ADDED == TRK_ASK_LEAKS_ADDED &&
                   (int)TRK_LEAK_CHANGED == TRK_ASK_LEAKS_CHANGED && (int)TRK_LEAK_NEW == TRK_ASK_LEAKS_NEW &&
                   sizeof(struct trk_leak_numbers) == TRK_LEAK_NUMBERS * sizeof(uint64_t),
               "one is the other on its way");

static void emit_on(enum trk_op op, unsigned aux, const void *addr, const struct trk_frame *at)
{
    struct trk_event ev = { .op = op, .aux = (uint8_t)aux, .depth = TRK_DEPTH_REF, .addr = trk_addr(addr), .at = *at };
    trk_emit(&ev);
}

void verb_ignore(const void *mem) VERB(trk_ignore);
void verb_ignore(const void *mem)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    if (mem != NULL)
        emit_on(TRK_OP_IGNORE, 0, mem, &at);
}

void verb_disable(void) VERB(trk_disable);
void verb_disable(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_on(TRK_OP_DISABLE, 1, NULL, &at);
}

void verb_enable(void) VERB(trk_enable);
void verb_enable(void)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_on(TRK_OP_DISABLE, 0, NULL, &at);
}

void verb_pool_create(const void *pool) VERB(trk_pool_create);
void verb_pool_create(const void *pool)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_on(TRK_OP_POOL, 1, pool, &at);
}

void verb_pool_destroy(const void *pool) VERB(trk_pool_destroy);
void verb_pool_destroy(const void *pool)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    emit_on(TRK_OP_POOL, 0, pool, &at);
}

void verb_pool_alloc(const void *pool, const void *mem, size_t size) VERB(trk_pool_alloc);
void verb_pool_alloc(const void *pool, const void *mem, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    if (mem == NULL || !trk_gate_v1)
        return;
    trk_own_custom(trk_addr_whole(mem), size);
    if (trk_fast_ext(TRK_OP_ALLOC, TRK_ALLOC_CUSTOM, trk_addr(mem), trk_arg_bits(size), TRK_DEPTH_BIRTH, at.pc,
                     TRK_EXT_POOL, trk_addr_whole(pool)))
        return;
    struct trk_event ev = { .op = TRK_OP_ALLOC,
                            .aux = TRK_ALLOC_CUSTOM,
                            .depth = TRK_DEPTH_BIRTH,
                            .addr = trk_addr(mem),
                            .arg = trk_arg_bits(size),
                            .at = at };
    trk_add_ext(&ev, TRK_EXT_POOL, trk_addr_whole(pool));
    trk_emit(&ev);
}

void verb_pool_free(const void *pool, const void *mem) VERB(trk_pool_free);
void verb_pool_free(const void *pool, const void *mem)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    (void)pool; /* the chunk's birth told */
    if (mem == NULL || trk_fast(TRK_OP_FREE, TRK_ALLOC_CUSTOM, trk_addr(mem), 0, TRK_DEPTH_FREE, at.pc))
        return;
    struct trk_event ev = {
        .op = TRK_OP_FREE, .aux = TRK_ALLOC_CUSTOM, .depth = TRK_DEPTH_FREE, .addr = trk_addr(mem), .at = at
    };
    trk_emit(&ev);
}

int verb_leak_check(enum trk_leak_check what, struct trk_leak_numbers *ret) VERB(trk_leak_check);
int verb_leak_check(enum trk_leak_check what, struct trk_leak_numbers *ret)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    uint64_t numbers[TRK_LEAK_NUMBERS] = { 0 };
    const struct trk_look_ask look = {
        .why = TRK_LOOK_LEAK_CHECK, .question = (uint32_t)what, .name = "leak check", .numbers = numbers
    };
    struct trk_event ev = { .op = TRK_OP_CHECKPOINT, .depth = TRK_DEPTH_BIRTH, .at = at, .text = look.name };
    if (!trk_gate_v1 || what < TRK_LEAK_FULL || what > TRK_LEAK_NEW)
        return TRK_UNKNOWN;
    trk_emit(&ev);
    int answer = trk_look(&look);
    if (ret != NULL && answer != TRK_UNKNOWN)
        trk_copy(ret, numbers, sizeof numbers);
    return answer;
}
