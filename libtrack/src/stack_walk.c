/* stack_walk.c: the unwinding loop, its row cache and the proof that memory may be read.
 *
 * Most frames need two facts: "CFA = sp (or fp) + n" and "the caller's fp was saved at CFA - m". These fit in one
 * 64-bit word together with the return address they belong to, so the cache is one table for all threads that is read
 * and written without locks: a word is right or it is not there. All other frames go through step_general. */
#include "stack_walk.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* A row word: tag 35 | saved and cfa / 8 26 | kind 3. The tag and the number of the set determine the address. Between
 * two return addresses lie two loads and as little else as possible: the number of the set is the address' low bits,
 * and the CFA's offset stands in its place, so that each costs one mask. */
enum row_kind {
    ROW_NONE = 0,
    ROW_SP = 1,  /* CFA = sp + cfa */
    ROW_FP = 2,  /* CFA = fp + cfa */
    ROW_END = 3, /* outermost frame */
    ROW_GENERAL = 4,
};
enum {
    KIND_BITS = 3,
    CFA_BITS = TRK_CFI_CFA_BITS,
    SAVED_BITS = TRK_CFI_SAVED_BITS,
    DATA_BITS = KIND_BITS + CFA_BITS + SAVED_BITS,
    CFA_MASK = ((1 << CFA_BITS) - 1) << KIND_BITS, /* in bytes */
    SAVED_SHIFT = KIND_BITS + CFA_BITS,
    SET_BITS = 13,
    WAYS = 2,
    ADDRESS_BITS = 48,
};
_Static_assert(DATA_BITS + ADDRESS_BITS - SET_BITS <= 64, "a row must fit a word");
_Static_assert(1 << KIND_BITS == 8, "an offset without its low bits is one of 8-byte words");

static uint64_t rows[WAYS][1 << SET_BITS] __attribute__((aligned(64)));
uint32_t trk_walk_epoch;

enum { SAVED_NOT = 0, SAVED_LOST = 1 }; /* in trk_walk.saved: still in the register; not to be found */
enum { PROBES_MAX = 64, PAGE = 4096 };

/* ---- Readable memory ------------------------------------------------------------------------------------------- */

/* Whether the kernel can be asked at all: filters may refuse the question, and emulators may answer it in another
 * order. */
static bool probe_works(void)
{
    static signed char state; /* 0: not tried. Racing threads find the same. */
    signed char s = __atomic_load_n(&state, __ATOMIC_RELAXED);
    if (s == 0) {
        uint64_t here = 0;
        s = trk_cfi_probe(8) == -EFAULT && trk_cfi_probe((uintptr_t)&here) == -EINVAL ? 1 : -1;
        __atomic_store_n(&state, s, __ATOMIC_RELAXED);
    }
    return s > 0;
}

static bool page_readable(struct trk_window *w, uintptr_t page)
{
    return w->probes++ < PROBES_MAX && probe_works() && trk_cfi_probe(page) == -EINVAL;
}

bool trk_window_extend(struct trk_window *w, uintptr_t hi)
{
    if (hi > w->hi && hi - w->hi > 16 * PAGE)
        return false;
    while (w->hi < hi) {
        uintptr_t page = w->hi & ~(uintptr_t)(PAGE - 1);
        if (!page_readable(w, page))
            return false;
        w->hi = page + PAGE;
    }
    return true;
}

/* Slow half of readable(): asks for one page and makes it, or the range it extends, the window. */
static __attribute__((noinline)) bool prove(struct trk_walk *w, uintptr_t addr)
{
    uintptr_t page = addr & ~(uintptr_t)(PAGE - 1);
    if (addr & 7 || !page_readable(&w->window, page))
        return false;
    if (page == w->window.hi) {
        w->window.hi = page + PAGE;
    } else {
        /* Not one range from the start any more: a later check of the same slots could not be proved as cheaply. */
        w->window.lo = page;
        w->window.hi = page + PAGE;
        w->repeatable = false;
    }
    return true;
}

static inline bool readable(struct trk_walk *w, uintptr_t addr)
{
    if (__builtin_expect(!(addr & 7) && addr >= w->window.lo && addr < w->window.hi, 1))
        return true;
    return prove(w, addr);
}

/* Notes that the word at addr was read. */
static inline void note_slot(struct trk_walk *w, uintptr_t addr)
{
    uintptr_t off = (addr - w->start_sp) >> 3;
    if (__builtin_expect(w->nslots < w->slots_max && off <= UINT32_MAX, 1))
        w->slots[w->nslots++] = (uint32_t)off;
    else
        w->repeatable = false;
}

static inline bool read_slot(struct trk_walk *w, uintptr_t addr, uintptr_t *ret)
{
    if (!readable(w, addr))
        return false;
    note_slot(w, addr);
    *ret = trk_stack_word(addr);
    return true;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static inline uint64_t row_set(uintptr_t pc)
{
    return pc & ((1 << SET_BITS) - 1);
}

static uint64_t pack_row(uintptr_t pc, const struct trk_cfi_row *row)
{
    uint64_t kind = ROW_GENERAL, cfa = 0;
    const struct trk_cfi_rule *ra = &row->rule[TRK_CFI_RA], *fp = &row->rule[TRK_CFI_FP];
    unsigned packed = 0;
    bool plain = !row->signal && row->cfa_how == TRK_CFI_CFA_REG && ra->how == TRK_CFI_AT_CFA &&
                 (fp->how == TRK_CFI_SAME || fp->how == TRK_CFI_AT_CFA) &&
                 trk_cfi_pack(fp->how == TRK_CFI_AT_CFA, fp->off, ra->off, &packed) && packed < 1 << SAVED_BITS;
    if (ra->how == TRK_CFI_UNDEFINED) {
        kind = ROW_END;
        packed = 0;
    } else if (plain && (row->cfa_reg == TRK_CFI_SP || row->cfa_reg == TRK_CFI_FP) && row->cfa_off > 0 &&
               (row->cfa_off & ~CFA_MASK) == 0) {
        kind = row->cfa_reg == TRK_CFI_SP ? ROW_SP : ROW_FP;
        cfa = (uint64_t)row->cfa_off;
    } else {
        packed = 0;
    }
    return (uint64_t)(pc >> SET_BITS) << DATA_BITS | (uint64_t)packed << SAVED_SHIFT | cfa | kind;
}

/* The row of a return address: of the call in front of it. When that is in no function but the address is the first of
 * one, nobody called: it was put there by hand to begin a coroutine (makecontext does so), and there is nothing behind
 * it. */
static enum trk_cfi_result find_row(uintptr_t pc, struct trk_cfi_row *row)
{
    enum trk_cfi_result r = trk_cfi_find(pc - 1, row);
    if (r == TRK_CFI_NO_ENTRY && trk_cfi_find(pc, row) == TRK_CFI_OK) {
        row->rule[TRK_CFI_RA].how = TRK_CFI_UNDEFINED;
        return TRK_CFI_OK;
    }
    return r;
}

/* Reads the row of return address pc and remembers it. Rows of addresses outside all modules are not kept: a module
 * loaded there later would be described by them. */
static __attribute__((noinline)) uint64_t row_load(uintptr_t pc)
{
    struct trk_cfi_row row;
    uint32_t epoch = __atomic_load_n(&trk_walk_epoch, __ATOMIC_ACQUIRE);
    enum trk_cfi_result r = find_row(pc, &row);
    uint64_t word = (uint64_t)(pc >> SET_BITS) << DATA_BITS | ROW_GENERAL;
    if (r == TRK_CFI_OK)
        word = pack_row(pc, &row);
    if (r == TRK_CFI_NO_OBJECT || pc >> ADDRESS_BITS)
        return word;
    uint64_t *first = &rows[0][row_set(pc)], *second = &rows[1][row_set(pc)];
    uint64_t old = __atomic_load_n(first, __ATOMIC_RELAXED);
    __atomic_store_n(second, old, __ATOMIC_RELAXED);
    __atomic_store_n(first, word, __ATOMIC_RELAXED);
    /* Partner: the fence in trk_walk_flush. Either the flush clears our word, or we see that it began and take it back.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&trk_walk_epoch, __ATOMIC_RELAXED) != epoch) {
        __atomic_store_n(first, 0, __ATOMIC_RELAXED);
        __atomic_store_n(second, 0, __ATOMIC_RELAXED);
    }
    return word;
}

static inline uint64_t row_of(uintptr_t pc)
{
    uint64_t tag = pc >> SET_BITS;
    uint64_t word = __atomic_load_n(&rows[0][row_set(pc)], __ATOMIC_RELAXED);
    if (__builtin_expect(word >> DATA_BITS == tag, 1))
        return word;
    word = __atomic_load_n(&rows[1][row_set(pc)], __ATOMIC_RELAXED);
    if (__builtin_expect(word >> DATA_BITS == tag, 1))
        return word;
    return row_load(pc);
}

void trk_walk_flush(void)
{
    __atomic_fetch_add(&trk_walk_epoch, 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* partner: row_load */
    for (unsigned way = 0; way < WAYS; way++)
        for (unsigned i = 0; i < 1 << SET_BITS; i++)
            __atomic_store_n(&rows[way][i], 0, __ATOMIC_RELAXED);
}

/* ---- Steps ---------------------------------------------------------------------------------------------------------
 */

enum step {
    STEP_ON,
    STEP_END,
    STEP_BROKEN,
    STEP_TRUNCATED,
    STEP_NEED_FULL, /* needs a register that was not followed: start again with `full` */
};

/* This frame's value of a register. */
static enum step register_value(struct trk_walk *w, unsigned reg, uintptr_t *ret)
{
    if (reg == TRK_CFI_SP) {
        *ret = w->sp;
        return STEP_ON;
    }
    if (reg >= TRK_CFI_RA || w->saved[reg] == SAVED_LOST)
        return STEP_BROKEN;
    if (w->saved[reg] == SAVED_NOT) {
        if (reg != TRK_CFI_FP)
            return w->full ? STEP_BROKEN : STEP_NEED_FULL;
        w->used_fp = true;
        *ret = w->start_fp;
        return STEP_ON;
    }
    return read_slot(w, w->saved[reg], ret) ? STEP_ON : STEP_TRUNCATED;
}

/* A frame without unwind information: believes the frame pointer once, if it looks like one and leads to known code. */
static enum step step_frame_pointer(struct trk_walk *w)
{
    uintptr_t fp, ra;
    enum step s = register_value(w, TRK_CFI_FP, &fp);
    if (s != STEP_ON)
        return s == STEP_TRUNCATED ? STEP_TRUNCATED : STEP_BROKEN;
    /* Entry code of the loader and of threads begins with fp 0 and marks the outermost frame by it. */
    if (fp == 0)
        return STEP_END;
    /* It must point into this very stack: a coroutine inherits the fp of whoever created it. */
    if (fp & 15 || fp < w->sp || fp >= UINTPTR_MAX - 16 || w->sp < w->window.lo)
        return STEP_BROKEN;
    if (!trk_window_extend(&w->window, fp + 16)) {
        w->repeatable = false; /* what is mapped may change */
        return STEP_BROKEN;
    }
    if (!read_slot(w, fp + 8, &ra))
        return STEP_BROKEN;
    ra = trk_cfi_return(ra);
    if (ra == 0)
        return STEP_END;
    if (!trk_cfi_known(ra - 1)) {
        w->repeatable = false; /* so may what is loaded */
        return STEP_BROKEN;
    }
    w->saved[TRK_CFI_FP] = fp;
    w->sp = fp + 16;
    w->sp_lost = !TRK_CFI_RECORD_TELLS_SP;
    w->pc = ra;
    return STEP_ON;
}

/* The row of code that handlers return to, where tables do not tell: everything is in the frame that the kernel made.
 */
static bool trampoline_row(uintptr_t pc, struct trk_cfi_row *row)
{
    if (!TRK_CFI_TRAMPOLINES || pc & 3 || (!trk_cfi_known(pc) && !(probe_works() && trk_cfi_probe(pc) == -EINVAL)) ||
        !trk_cfi_trampoline_code((const uint32_t *)pc))
        return false;
    *row = (struct trk_cfi_row){ .cfa_how = TRK_CFI_CFA_DEREF,
                                 .cfa_reg = TRK_CFI_SP,
                                 .cfa_off = trk_cfi_trampoline_off(TRK_CFI_SP),
                                 .signal = true };
    for (unsigned i = 0; i < TRK_CFI_REGS; i++)
        row->rule[i] = (struct trk_cfi_rule){ .how = TRK_CFI_AT_REG,
                                              .reg = TRK_CFI_SP,
                                              .off = trk_cfi_trampoline_off((enum trk_cfi_reg)i) };
    return true;
}

/* One step by the rules as they are written in the module, whatever they are. */
static __attribute__((noinline)) enum step step_general(struct trk_walk *w)
{
    struct trk_cfi_row row;
    if (w->sp_lost)
        return step_frame_pointer(w);
    enum trk_cfi_result r = trampoline_row(w->pc, &row) ? TRK_CFI_OK : find_row(w->pc, &row);
    if (!w->full && w->general_at + 1 != w->n) {
        /* Frames in between were stepped over by their word, which says nothing of these registers. */
        for (unsigned i = 0; i < TRK_CFI_REGS; i++)
            if (i != TRK_CFI_FP)
                w->saved[i] = SAVED_NOT;
    }
    w->general_at = w->n;
    if (r == TRK_CFI_NO_OBJECT)
        w->repeatable = false; /* the next module loaded may change the answer */
    if (r == TRK_CFI_NO_OBJECT || r == TRK_CFI_NO_ENTRY)
        return step_frame_pointer(w);
    if (r != TRK_CFI_OK)
        return STEP_BROKEN;
    if (row.rule[TRK_CFI_RA].how == TRK_CFI_UNDEFINED)
        return STEP_END;
    if (row.cfa_how == TRK_CFI_CFA_LOST)
        return STEP_BROKEN;

    uintptr_t cfa, ra, base;
    enum step s = register_value(w, row.cfa_reg, &base);
    if (s != STEP_ON)
        return s;
    cfa = base + (uintptr_t)(intptr_t)row.cfa_off;
    if (row.cfa_how == TRK_CFI_CFA_DEREF) {
        if (!read_slot(w, cfa, &cfa))
            return STEP_TRUNCATED;
        cfa += (uintptr_t)(intptr_t)row.cfa_add;
    }
    uintptr_t saved[TRK_CFI_REGS];
    for (unsigned i = 0; i < TRK_CFI_REGS; i++) {
        const struct trk_cfi_rule *rule = &row.rule[i];
        saved[i] = SAVED_LOST;
        if (rule->how == TRK_CFI_AT_CFA) {
            saved[i] = cfa + (uintptr_t)(intptr_t)rule->off;
        } else if (rule->how == TRK_CFI_SAME && i < TRK_CFI_VOLATILE) {
            saved[i] = w->saved[i];
        } else if (rule->how == TRK_CFI_AT_REG) {
            s = register_value(w, rule->reg, &base);
            if (s == STEP_ON)
                saved[i] = base + (uintptr_t)(intptr_t)rule->off;
            else if (i == TRK_CFI_RA || s == STEP_NEED_FULL)
                return s;
        }
    }
    const unsigned ra_how = row.rule[TRK_CFI_RA].how;
    /* A call's frame lies above its callee's, unless that was interrupted before it had one; only a signal frame may
     * lead to another stack. */
    if (cfa & 7 || (!row.signal && (ra_how == TRK_CFI_SAME ? cfa < w->sp : cfa <= w->sp)))
        return STEP_BROKEN;
    if (ra_how == TRK_CFI_SAME) {
        s = register_value(w, TRK_CFI_LINK, &ra);
        if (s != STEP_ON)
            return s;
    } else if (ra_how != TRK_CFI_AT_CFA && ra_how != TRK_CFI_AT_REG) {
        return STEP_BROKEN;
    } else if (!read_slot(w, saved[TRK_CFI_RA], &ra)) {
        return STEP_TRUNCATED;
    }
    ra = trk_cfi_return(ra);
    saved[TRK_CFI_RA] = SAVED_LOST;
    memcpy(w->saved, saved, sizeof saved);
    if (row.signal) {
        if (cfa < w->window.lo || cfa >= w->window.hi) {
            uint32_t probes = w->window.probes;
            trk_window_init(&w->window, cfa, w->lo, w->hi);
            /* Unlike at the start nothing says that the word below sp is there. */
            if (!(cfa >= w->lo && cfa < w->hi))
                w->window.hi = w->window.lo;
            w->window.probes = probes;
            w->repeatable = false;
        }
        /* So that "minus 1 is inside the instruction" holds for interrupted instructions as it does for calls. */
        if (ra != 0)
            ra++;
    }
    w->sp = cfa;
    w->pc = ra;
    return ra ? STEP_ON : STEP_END;
}

/* Steps over frames that a row word describes, with all state in registers: each address depends on the one before, and
 * the chain of loads is what a walk costs. Begins with the last frame in pcs and stops in front of anything else, at n
 * == limit, behind the frame sought, and at the end of the stack (pc 0). Returns the new n. */
static unsigned plain_frames(struct trk_walk *w, unsigned n, unsigned limit)
{
    uintptr_t pc = w->pc, sp = w->sp, fp_at = w->saved[TRK_CFI_FP];
    uintptr_t lo = w->window.lo, hi = w->window.hi;
    const uintptr_t start_sp = w->start_sp, sought = w->sought;
    uint64_t *pcs = w->pcs;
    uint32_t *slots = w->slots;
    unsigned nslots = w->nslots;
    const unsigned slots_max = w->slots_max;
    while (n < limit) {
        uint64_t row = row_of(pc);
        unsigned kind = row & ((1 << KIND_BITS) - 1);
        uintptr_t cfa = sp;
        if (kind != ROW_SP) {
            if (kind != ROW_FP || fp_at == SAVED_LOST)
                break;
            cfa = w->start_fp;
            if (fp_at == SAVED_NOT) {
                w->used_fp = true;
            } else {
                if (fp_at & 7 || fp_at < lo || fp_at >= hi)
                    break;
                cfa = trk_stack_word(fp_at);
                if (nslots < slots_max)
                    slots[nslots] = (uint32_t)((fp_at - start_sp) >> 3);
                nslots++;
            }
        }
        cfa += row & CFA_MASK;
        if (cfa <= sp || cfa & 7)
            break;
        const unsigned packed = row >> SAVED_SHIFT & ((1 << SAVED_BITS) - 1);
        const uintptr_t ra_at = trk_cfi_packed_ra(cfa, packed);
        if (__builtin_expect(ra_at >= hi || ra_at < lo, 0)) {
            if (!prove(w, ra_at))
                break;
            lo = w->window.lo;
            hi = w->window.hi;
        }
        pc = trk_cfi_return(trk_stack_word(ra_at));
        if (nslots < slots_max)
            slots[nslots] = (uint32_t)((ra_at - start_sp) >> 3);
        nslots++;
        fp_at = trk_cfi_packed_fp(cfa, packed, fp_at);
        sp = cfa;
        if (pc == 0)
            break;
        pcs[n++] = pc;
        if (pc == sought)
            break;
    }
    if (nslots > slots_max) {
        nslots = slots_max;
        w->repeatable = false;
    }
    if ((sp - start_sp) >> 3 > UINT32_MAX)
        w->repeatable = false; /* offsets were cut */
    w->nslots = nslots;
    w->pc = pc;
    w->sp = sp;
    w->saved[TRK_CFI_FP] = fp_at;
    return n;
}

static void walk(struct trk_walk *w, const struct trk_frame *at)
{
    enum step step = STEP_ON;
    unsigned limit = w->keep, n = 1;
    if (w->caller != 0 && limit < TRK_WALK_SEARCH)
        limit = TRK_WALK_SEARCH < w->max ? TRK_WALK_SEARCH : w->max;
    w->first = 0;
    w->flags = 0;
    w->nslots = 0;
    w->used_fp = false;
    w->repeatable = true;
    w->sp_lost = false;
    w->pc = w->pcs[0] = at->pc;
    w->sp = w->start_sp = at->sp;
    w->start_fp = at->fp;
    w->sought = w->caller;
    memset(w->saved, 0, sizeof w->saved);
    w->general_at = UINT_MAX;
    trk_window_init(&w->window, w->sp, w->lo, w->hi);

    for (;;) {
        if (!w->full && !w->sp_lost && w->pc != w->sought)
            n = plain_frames(w, n, limit);
        if (w->pc == 0)
            break;
        if (w->pc == w->sought) {
            w->sought = 0;
            if (n <= TRK_WALK_SEARCH) {
                w->first = n - 1;
                limit = w->first + w->keep < w->max ? w->first + w->keep : w->max;
            }
            continue;
        }
        unsigned kind = row_of(w->pc) & ((1 << KIND_BITS) - 1);
        if (kind == ROW_END)
            break;
        if (n >= limit) {
            step = STEP_TRUNCATED;
            break;
        }
        w->n = n;
        step = step_general(w);
        if (step != STEP_ON)
            break;
        w->pcs[n++] = w->pc;
    }
    w->n = n;
    if (step == STEP_BROKEN)
        w->flags |= TRK_STACK_BROKEN;
    else if (step == STEP_TRUNCATED)
        w->flags |= TRK_STACK_TRUNCATED;
    else if (step == STEP_NEED_FULL)
        w->n = 0;
    /* A walk that ended for want of readable memory may go further next time. */
    if (step == STEP_TRUNCATED && n != limit)
        w->repeatable = false;
    if (w->n - w->first > w->keep) {
        w->n = w->first + w->keep;
        w->flags = TRK_STACK_TRUNCATED;
    }
}

void trk_walk_run(struct trk_walk *w, const struct trk_frame *at)
{
    w->full = false;
    walk(w, at);
    if (w->n == 0) {
        w->full = true;
        walk(w, at);
    }
}
