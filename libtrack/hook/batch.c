/* batch.c: the functions of one module that are hooked together. See hook.h.
 *
 * All of them are moved before the first is changed, so what is decoded is always the compiler's code. Then the module
 * is searched for jumps into what would be replaced and for functions that begin there; what is left is patched. */
#include <sys/mman.h>

#include "../src/prim.h"

#include "hook.h"
#include "relocate.h"
#include "stub.h"

enum { PAGE = 4096 };

struct plan {
    struct trk_hook *hook;
    uint8_t *block;
    uintptr_t patch;
};

struct trk_batch {
    const struct trk_elf *module;
    size_t bytes, max, count;
    struct trk_span *span; /* sorted by lo */
    struct plan *plan;     /* in the order of adding; span.item is the index */
};

struct trk_batch *trk_batch_begin(const struct trk_elf *module, size_t max)
{
    size_t bytes = sizeof(struct trk_batch) + max * (sizeof(struct trk_span) + sizeof(struct plan));
    struct trk_batch *b = trk_map(bytes);
    if (b == NULL)
        return NULL;
    *b = (struct trk_batch){ .module = module, .bytes = bytes, .max = max };
    b->span = (struct trk_span *)(void *)(b + 1);
    b->plan = (struct plan *)(void *)(b->span + max);
    return b;
}

/* How far the code goes on behind a function; SIZE_MAX: it is not in the module's code. */
static size_t code_behind(const struct trk_elf *m, uintptr_t start, size_t size)
{
    for (unsigned i = 0; i < m->texts; i++)
        if (start >= m->text[i].start && start < m->text[i].end)
            return size <= m->text[i].end - start ? m->text[i].end - start - size : SIZE_MAX;
    return SIZE_MAX;
}

static void put_word(uint8_t *at, uintptr_t word)
{
    trk_copy(at, &word, sizeof word);
}

/* call or push + jmp, through the literals of the block. */
static void write_stub(uint8_t *block, const struct trk_hook *hook)
{
    static const uint8_t enter[] = { 0xff, 0x15, TRK_BLOCK_ROUTINE - TRK_BLOCK_MOVED, 0, 0, 0 };
    static const uint8_t around[] = { 0xff, 0x35, TRK_BLOCK_HOOK - 6,     0, 0, 0,
                                      0xff, 0x25, TRK_BLOCK_ROUTINE - 12, 0, 0, 0 };
    if (hook->leave != NULL)
        trk_copy(block, around, sizeof around);
    else
        trk_copy(block + TRK_BLOCK_ENTER, enter, sizeof enter);
    put_word(block + TRK_BLOCK_ROUTINE, (uintptr_t)trk_stub_routine(hook));
    put_word(block + TRK_BLOCK_HOOK, (uintptr_t)hook);
}

static bool refuse(struct trk_hook *hook, enum trk_hook_state state)
{
    hook->state = (uint8_t)state;
    return false;
}

/* A function as the compiler made it; `behind`: bytes of code that follow. */
struct original {
    uintptr_t start;
    size_t size, behind;
};

/* What a block at address `at` has for the function, to `out`, which is zeroed. */
static enum trk_hook_state write_block(const struct original *f, const struct trk_hook *hook, uint8_t *out,
                                       uintptr_t at, struct trk_moved *moved)
{
    enum trk_hook_state state = trk_relocate((const uint8_t *)f->start, f->size, f->behind, f->start,
                                             out + TRK_BLOCK_MOVED, at + TRK_BLOCK_MOVED, moved);
    if (state == TRK_HOOK_ON)
        write_stub(out, hook);
    return state;
}

/* The block that the hook had when the same code was loaded before, at the same address; NULL: it had none such. Code
 * that comes and goes would use up what memory there is near it. */
static uint8_t *block_again(const struct original *f, const struct trk_hook *hook, struct trk_moved *moved)
{
    uint8_t made[TRK_BLOCK_BYTES] = { 0 };
    uint8_t *block = (uint8_t *)hook->code - (hook->code != 0 ? TRK_BLOCK_MOVED : 0);
    if (block == NULL || write_block(f, hook, made, (uintptr_t)block, moved) != TRK_HOOK_ON)
        return NULL;
    for (unsigned i = 0; i < sizeof made; i++)
        if (made[i] != block[i])
            return NULL;
    return block;
}

/* Index of the first span that ends behind the address. */
static size_t place_of(const struct trk_batch *b, uintptr_t address)
{
    size_t lo = 0, hi = b->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (b->span[mid].hi <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool trk_batch_add(struct trk_batch *b, uintptr_t start, size_t size, struct trk_hook *hook)
{
    struct trk_moved moved = { 0 };
    size_t behind = code_behind(b->module, start, size);
    if (size == 0)
        return refuse(hook, TRK_HOOK_NO_SIZE);
    if (behind == SIZE_MAX)
        return refuse(hook, TRK_HOOK_NOT_CODE);
    if (b->count == b->max)
        return refuse(hook, TRK_HOOK_FULL);
    size_t at = place_of(b, start);
    if (at < b->count && b->span[at].start == start)
        return refuse(hook, TRK_HOOK_TWICE);
    const struct original original = { start, size, behind };
    uint8_t *block = block_again(&original, hook, &moved);
    if (block == NULL) {
        const struct trk_elf *m = b->module;
        block = trk_near_take(m->text[0].start, m->text[m->texts - 1].end);
        if (block == NULL)
            return refuse(hook, TRK_HOOK_NO_MEMORY);
        enum trk_hook_state state = write_block(&original, hook, block, (uintptr_t)block, &moved);
        if (state != TRK_HOOK_ON)
            return refuse(hook, state);
    }
    if (at < b->count && b->span[at].lo < moved.patch + moved.taken)
        return refuse(hook, TRK_HOOK_ENTERED);
    if (trk_ignores_stack((const uint8_t *)start, size))
        hook->stack_bytes = 0;
    hook->code = (uintptr_t)block + TRK_BLOCK_MOVED;
    for (size_t i = b->count; i > at; i--)
        b->span[i] = b->span[i - 1];
    b->span[at] = (struct trk_span){ .start = start,
                                     .end = start + size,
                                     .lo = moved.patch,
                                     .hi = moved.patch + moved.taken,
                                     .item = (uint32_t)b->count,
                                     .state = TRK_HOOK_ON };
    b->plan[b->count++] = (struct plan){ .hook = hook, .block = block, .patch = moved.patch };
    return true;
}

/* Another function that begins in bytes that would be replaced. */
static bool mark_entered(const struct trk_function *f, void *data)
{
    struct trk_batch *b = data;
    struct trk_span *s = trk_span_of(b->span, b->count, f->start);
    if (s != NULL && f->start > s->lo)
        s->state = TRK_HOOK_ENTERED;
    return true;
}

static bool protect(uintptr_t at, int prot)
{
    uintptr_t page = at & ~(uintptr_t)(PAGE - 1), end = (at + TRK_PATCH_BYTES + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    return !trk_failed(trk_sys3(SYS_mprotect, page, end - page, prot));
}

/* A system that lets memory be writable and executable at once also lets it be executable afterwards; others refuse
 * here, before anything was changed. */
static enum trk_hook_state patch(const struct plan *p)
{
    uintptr_t stub = (uintptr_t)p->block + (p->hook->leave != NULL ? 0 : TRK_BLOCK_ENTER);
    int32_t distance = (int32_t)(stub - (p->patch + TRK_PATCH_BYTES));
    uint8_t jump[TRK_PATCH_BYTES] = { 0xe9 };
    if (!protect(p->patch, PROT_READ | PROT_WRITE | PROT_EXEC))
        return TRK_HOOK_FORBIDDEN;
    trk_copy(jump + 1, &distance, sizeof distance);
    trk_copy((void *)p->patch, jump, sizeof jump);
    protect(p->patch, PROT_READ | PROT_EXEC);
    return TRK_HOOK_ON;
}

void trk_batch_apply(struct trk_batch *b)
{
    const struct trk_elf *m = b->module;
    if (b->count > 0) {
        trk_elf_functions(m, mark_entered, b);
        for (unsigned i = 0; i < m->texts; i++)
            trk_find_jumps((const uint8_t *)m->text[i].start, m->text[i].end - m->text[i].start, m->text[i].start,
                           b->span, b->count);
    }
    bool sealed = trk_near_seal();
    for (size_t i = 0; i < b->count; i++) {
        const struct plan *p = &b->plan[b->span[i].item];
        enum trk_hook_state state = b->span[i].state;
        p->hook->state = (uint8_t)(state != TRK_HOOK_ON ? state : sealed ? patch(p) : TRK_HOOK_FORBIDDEN);
    }
    trk_unmap(b, b->bytes);
}
