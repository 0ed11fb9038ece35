/* tail.c: functions without a name. See tail.h. */
#include "tail.h"
#include "decode.h"

/* Symbols near an address. */
struct symbols {
    uintptr_t at, next;
    bool named;
};

/* Bytes of code from the address on; 0: it is none of the module's. */
static size_t code_from(const struct trk_elf *m, uintptr_t at)
{
    for (unsigned i = 0; i < m->texts; i++)
        if (at >= m->text[i].start && at < m->text[i].end)
            return m->text[i].end - at;
    return 0;
}

static bool leads_elsewhere(const uint8_t *code, size_t max)
{
    struct trk_insn insn;
    size_t at = trk_is_endbr64(code, max) ? 4 : 0;
    return trk_decode(code + at, max - at, &insn) && insn.kind == TRK_INSN_JUMP_INDIRECT;
}

static bool note_symbol(const struct trk_function *f, void *data)
{
    struct symbols *s = data;
    s->named |= f->start == s->at;
    if (f->start > s->at && f->start < s->next)
        s->next = f->start;
    return true;
}

/* Up to the first instruction that nothing goes on from and that nothing before it jumps over. */
static size_t extent(const uint8_t *code, size_t max)
{
    size_t at = 0, far = 0;
    struct trk_insn insn;
    while (at < max && trk_decode(code + at, max - at, &insn)) {
        bool jumps = insn.kind == TRK_INSN_JUMP || insn.kind == TRK_INSN_JUMP_IF;
        int64_t target = (int64_t)at + insn.target;
        if (jumps && target > (int64_t)far && target < (int64_t)max)
            far = (size_t)target;
        at += insn.length;
        if (at > far && (insn.kind == TRK_INSN_JUMP || insn.kind == TRK_INSN_JUMP_INDIRECT ||
                         insn.kind == TRK_INSN_RETURN || insn.kind == TRK_INSN_TRAP))
            break;
    }
    return at;
}

void trk_tail_find(const struct trk_elf *m, const struct trk_function *f, struct trk_function *ret)
{
    const uint8_t *code = (const uint8_t *)f->start;
    size_t max = code_from(m, f->start), size = f->size < max ? f->size : max;
    uintptr_t found = 0, next = 0;
    bool several = false;
    struct trk_insn insn;
    for (size_t at = 0; at < size && trk_decode(code + at, size - at, &insn); at += insn.length) {
        uintptr_t target = f->start + at + (uintptr_t)insn.target;
        size_t room = insn.kind == TRK_INSN_JUMP && target - f->start >= size ? code_from(m, target) : 0;
        if (room == 0 || target == found || leads_elsewhere((const uint8_t *)target, room))
            continue;
        struct symbols s = { .at = target, .next = target + room };
        trk_elf_functions(m, note_symbol, &s);
        if (s.named)
            continue;
        several = found != 0;
        found = target;
        next = s.next;
        if (several)
            break;
    }
    ret->start = several ? 0 : found;
    ret->size = 0;
    if (ret->start == 0)
        return;
    ret->size = extent((const uint8_t *)found, next - found);
}
