/* relocate.c: moves the first instructions of a function. See relocate.h.
 *
 * What depends on its place is rewritten: rip-relative operands get another displacement, short jumps become long ones,
 * calls become "push the address behind the original call; jump". What cannot be rewritten is refused. Jumps that come
 * back into the bytes taken are found in two ways: short ones by decoding what they can come from, the 128 bytes
 * behind; long ones by looking at every position in the module that could hold one (trk_find_jumps), which needs no
 * knowledge of where instructions begin. */
#include "relocate.h"

#include "decode.h"

#include "../src/prim.h"

enum { SHORT_REACH = 128, LITERAL = 8, PADDED_TO = 16 };

struct writer {
    uint8_t *out;
    uintptr_t to;
    size_t used;
    bool far;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    if (w->used + n <= TRK_MOVED_BYTES)
        trk_copy(w->out + w->used, bytes, n);
    else
        w->far = true;
    w->used += n;
}

static void put_byte(struct writer *w, unsigned byte)
{
    uint8_t b = (uint8_t)byte;
    put(w, &b, 1);
}

/* Four bytes: from behind them, and `more` bytes further, to an address. */
static void put_relative(struct writer *w, uintptr_t address, unsigned more)
{
    int64_t distance = (int64_t)(address - (w->to + w->used + 4 + more));
    int32_t d = (int32_t)distance;
    w->far |= d != distance;
    put(w, &d, sizeof d);
}

static void put_jump(struct writer *w, uintptr_t address)
{
    put_byte(w, 0xe9);
    put_relative(w, address, 0);
}

/* As it is, but for the displacement. */
static void put_plain(struct writer *w, const uint8_t *code, uintptr_t at, const struct trk_insn *in)
{
    if (in->disp_at == 0) {
        put(w, code, in->length);
        return;
    }
    int32_t d;
    trk_copy(&d, code + in->disp_at, sizeof d);
    unsigned behind = in->length - in->disp_at - 4u;
    put(w, code, in->disp_at);
    put_relative(w, at + in->length + (uintptr_t)(int64_t)d, behind);
    put(w, code + in->length - behind, behind);
}

/* push [rip + d], where the literal stands at the end of the moved code. */
static void put_push_return(struct writer *w, uintptr_t address)
{
    trk_copy(w->out + TRK_MOVED_BYTES - LITERAL, &address, LITERAL);
    put(w, "\xff\x35", 2);
    put_relative(w, w->to + TRK_MOVED_BYTES - LITERAL, 0);
}

static enum trk_hook_state move_one(struct writer *w, const uint8_t *code, uintptr_t at, const struct trk_insn *in,
                                    bool last)
{
    uintptr_t target = at + (uintptr_t)in->target;
    uint8_t copy[TRK_INSN_MAX];
    switch (in->kind) {
    case TRK_INSN_JUMP:
        put_jump(w, target);
        return TRK_HOOK_ON;
    case TRK_INSN_JUMP_IF:
        put_byte(w, 0x0f);
        put_byte(w, 0x80u | in->condition);
        put_relative(w, target, 0);
        return TRK_HOOK_ON;
    case TRK_INSN_CALL:
        if (!last)
            return TRK_HOOK_BAD_INSN;
        put_push_return(w, at + in->length);
        put_jump(w, target);
        return TRK_HOOK_ON;
    case TRK_INSN_CALL_INDIRECT:
        trk_copy(copy, code, in->length);
        copy[in->modrm_at] = (uint8_t)((copy[in->modrm_at] & ~0x38) | 4 << 3); /* jmp r/m64 */
        if (!last || in->stack || (copy[in->modrm_at] & 0xc7) == 0xc4)         /* relative to rsp, which push moves */
            return TRK_HOOK_BAD_INSN;
        put_push_return(w, at + in->length);
        put_plain(w, copy, at, in);
        return TRK_HOOK_ON;
    case TRK_INSN_LOOP:
        return TRK_HOOK_BAD_INSN;
    case TRK_INSN_TRAP:
        return TRK_HOOK_TRAP;
    default:
        put_plain(w, code, at, in);
        return TRK_HOOK_ON;
    }
}

static bool is_jump(const struct trk_insn *in)
{
    return in->kind == TRK_INSN_JUMP || in->kind == TRK_INSN_JUMP_IF || in->kind == TRK_INSN_LOOP ||
           in->kind == TRK_INSN_CALL;
}

static bool flow_ends(const struct trk_insn *in)
{
    return in->kind == TRK_INSN_JUMP || in->kind == TRK_INSN_JUMP_INDIRECT || in->kind == TRK_INSN_RETURN ||
           in->kind == TRK_INSN_CALL || in->kind == TRK_INSN_CALL_INDIRECT;
}

/* What a jump from the function itself to `target` means for it, TRK_HOOK_ON: nothing. */
static enum trk_hook_state meets(uintptr_t target, uintptr_t lo, uintptr_t hi, bool call)
{
    if (target > lo && target < hi)
        return TRK_HOOK_JUMPED_INTO;
    /* A loop whose passes could not be told from calls. One that begins before lo, at an endbr64, is none: compilers
     * jump there for a call at the end of a function only. */
    return !call && target == lo ? TRK_HOOK_LOOP : TRK_HOOK_ON;
}

/* Decodes what a short jump back could come from. */
static enum trk_hook_state look_back(const uint8_t *code, size_t size, uintptr_t at, uintptr_t lo, uintptr_t hi)
{
    struct trk_insn in;
    for (size_t off = lo - at; off < size && off < hi - at + SHORT_REACH; off += in.length) {
        if (!trk_decode(code + off, size - off, &in))
            return TRK_HOOK_BAD_INSN;
        enum trk_hook_state state =
            is_jump(&in) ? meets(at + off + (uintptr_t)in.target, lo, hi, in.kind == TRK_INSN_CALL) : TRK_HOOK_ON;
        if (state != TRK_HOOK_ON)
            return state;
    }
    return TRK_HOOK_ON;
}

/* A function that ends before the jump does: what follows must be padding up to where the next one can begin. */
static enum trk_hook_state look_at_padding(const uint8_t *code, size_t size, size_t padding, uintptr_t at, size_t until)
{
    struct trk_insn in;
    if ((at + until - 1) / PADDED_TO != (at + size - 1) / PADDED_TO || until > size + padding)
        return TRK_HOOK_SHORT;
    for (size_t off = size; off < until; off += in.length) {
        bool ok = trk_decode(code + off, size + padding - off, &in);
        if (!ok || !(in.kind == TRK_INSN_NOP || code[off] == 0xcc))
            return TRK_HOOK_SHORT;
    }
    return TRK_HOOK_ON;
}

enum trk_hook_state trk_relocate(const uint8_t *code, size_t size, size_t padding, uintptr_t at, uint8_t *out,
                                 uintptr_t to, struct trk_moved *ret)
{
    struct writer w = { .out = out, .to = to };
    const size_t begin = trk_is_endbr64(code, size) ? 4 : 0;
    size_t off = begin;
    bool ended = false;
    struct trk_insn in;
    enum trk_hook_state state = TRK_HOOK_ON;
    for (; off < begin + TRK_PATCH_BYTES && off < size && state == TRK_HOOK_ON; off += in.length) {
        if (!trk_decode(code + off, size - off, &in))
            return TRK_HOOK_BAD_INSN;
        state = move_one(&w, code + off, at + off, &in, off + in.length >= begin + TRK_PATCH_BYTES);
        ended = flow_ends(&in);
    }
    if (state != TRK_HOOK_ON)
        return state;
    if (off < begin + TRK_PATCH_BYTES) {
        state = ended ? look_at_padding(code, size, padding, at, begin + TRK_PATCH_BYTES) : TRK_HOOK_SHORT;
        off = begin + TRK_PATCH_BYTES;
    }
    if (state == TRK_HOOK_ON)
        state = look_back(code, size, at, at + begin, at + off);
    if (state != TRK_HOOK_ON)
        return state;
    if (!ended)
        put_jump(&w, at + off);
    if (w.far || w.used > TRK_MOVED_BYTES - LITERAL)
        return TRK_HOOK_FAR;
    *ret = (struct trk_moved){ .patch = at + begin, .taken = (uint8_t)(off - begin), .length = (uint8_t)w.used };
    return TRK_HOOK_ON;
}

struct trk_span *trk_span_of(struct trk_span *span, size_t count, uintptr_t address)
{
    size_t lo = 0, hi = count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (address < span[mid].lo)
            hi = mid;
        else if (address >= span[mid].hi)
            lo = mid + 1;
        else
            return &span[mid];
    }
    return NULL;
}

/* Which of 4096 groups of 16 bytes hold patched bytes: nearly all targets are done with by one look here. */
struct sieve {
    uint64_t bits[64];
};

static unsigned sieve_at(uintptr_t address)
{
    return (unsigned)(((address >> 4) * 0x9e3779b97f4a7c15ull) >> 52);
}

void trk_find_jumps(const uint8_t *text, size_t size, uintptr_t at, struct trk_span *span, size_t count)
{
    struct sieve sieve = { { 0 } };
    for (size_t i = 0; i < count; i++) {
        sieve.bits[sieve_at(span[i].lo) / 64] |= (uint64_t)1 << sieve_at(span[i].lo) % 64;
        sieve.bits[sieve_at(span[i].hi - 1) / 64] |= (uint64_t)1 << sieve_at(span[i].hi - 1) % 64;
    }
    for (size_t i = 0; i + 5 <= size; i++) {
        size_t n = (text[i] & 0xfe) == 0xe8                                           ? 1
                   : text[i] == 0x0f && (text[i + 1] & 0xf0) == 0x80 && i + 6 <= size ? 2
                                                                                      : 0;
        if (n == 0)
            continue;
        int32_t d;
        trk_copy(&d, text + i + n, sizeof d);
        uintptr_t target = at + i + n + 4 + (uintptr_t)(int64_t)d;
        if (!(sieve.bits[sieve_at(target) / 64] >> sieve_at(target) % 64 & 1))
            continue;
        struct trk_span *s = trk_span_of(span, count, target);
        bool inside = s != NULL && at + i >= s->start && at + i < s->end;
        if (s != NULL && s->state == TRK_HOOK_ON && (inside || target != s->lo))
            s->state = meets(target, s->lo, s->hi, text[i] == 0xe8);
    }
}
