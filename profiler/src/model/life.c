/* life.c: the events of the last block that contained an address, by a second replay in which nothing is looked at but
 * which addresses events name. */
#include "state.h"

enum { PLAIN, CUSTOM, MAPPED, LAYERS };
enum { EVENTS_MOST = 1024 };

/* Blocks nest: in each layer one contains the address at a time. */
struct layer {
    bool inside, seen, before;
    uint64_t addr, size, pool, ended; /* ended: which end of all, 0: it goes on */
    uint8_t kind;
    PROF_VEC(struct prof_event) events;
    uint64_t left_out, lives;
    bool moving; /* between the two events of a realloc */
    uint32_t mover;
};
struct life_watch {
    uint64_t addr, ends;
    bool failed;
    struct layer layers[LAYERS];
};

static unsigned layer_of(unsigned kind)
{
    return kind == TRK_ALLOC_MMAP ? MAPPED : kind == TRK_ALLOC_CUSTOM ? CUSTOM : PLAIN;
}

static bool covers(uint64_t start, uint64_t size, uint64_t addr)
{
    return addr >= start && addr - start < (size != 0 ? size : 1);
}

static void note(struct life_watch *w, struct layer *l, const struct prof_event *e)
{
    if (l->events.count == EVENTS_MOST) {
        size_t drop = EVENTS_MOST / 2;
        memmove(l->events.items + 1, l->events.items + 1 + drop, (EVENTS_MOST - 1 - drop) * sizeof *l->events.items);
        l->events.count -= drop;
        l->left_out += drop;
    }
    w->failed |= !prof_vec_push(&l->events, *e);
}

static void begin(struct life_watch *w, struct layer *l, const struct prof_event *e)
{
    bool goes_on = l->moving && e->from != 0 && l->mover == e->tid && e->aux == TRK_ALLOC_REALLOC;
    if (!goes_on) {
        l->events.count = 0;
        l->left_out = 0;
        l->before = false;
        l->lives++;
    }
    l->inside = l->seen = true;
    l->moving = false;
    l->ended = 0;
    l->addr = e->addr;
    l->size = e->size;
    l->kind = e->aux;
    l->pool = (e->flags & PROF_EVENT_POOL) != 0 ? e->from : 0;
    note(w, l, e);
}

static void end(struct life_watch *w, struct layer *l, const struct prof_event *e)
{
    note(w, l, e);
    l->inside = false;
    l->ended = ++w->ends;
}

static void freed(struct life_watch *w, const struct prof_event *e)
{
    struct layer *l = &w->layers[layer_of(e->aux)];
    if (!l->inside)
        return;
    if (e->aux != TRK_ALLOC_MMAP ? l->addr != e->addr : !covers(e->addr, e->size, w->addr))
        return;
    if (w->layers[CUSTOM].inside && e->aux != TRK_ALLOC_CUSTOM) /* cut from it, it goes with it */
        end(w, &w->layers[CUSTOM], e);
    end(w, l, e);
}

void life_after(struct life_watch *w, const struct prof_event *e)
{
    struct layer *plain = &w->layers[PLAIN];
    switch (e->op) {
    case TRK_OP_ALLOC: {
        struct layer *l = &w->layers[layer_of(e->aux)];
        if (covers(e->addr, e->size, w->addr))
            begin(w, l, e);
        else if (l->moving && l->mover == e->tid) {
            note(w, l, e); /* it moved away: where to */
            l->moving = false;
            l->ended = ++w->ends;
        }
        break;
    }
    case TRK_OP_FREE:
        freed(w, e);
        break;
    case TRK_OP_POOL:
        if (e->aux == 0 && w->layers[CUSTOM].inside && w->layers[CUSTOM].pool == e->addr)
            end(w, &w->layers[CUSTOM], e);
        break;
    case TRK_OP_REALLOC:
        if (plain->inside && plain->addr == e->addr) {
            note(w, plain, e);
            plain->inside = false;
            plain->moving = true;
            plain->mover = e->tid;
        }
        break;
    case TRK_OP_REALLOC_FAIL:
        if (plain->moving && plain->mover == e->tid) {
            note(w, plain, e);
            plain->inside = true;
            plain->moving = false;
        }
        break;
    case TRK_OP_TYPED:
    case TRK_OP_IGNORE:
        for (int i = 0; i < LAYERS; i++) {
            struct layer *l = &w->layers[i];
            if (l->inside && (e->op == TRK_OP_TYPED ? e->addr == l->addr : covers(l->addr, l->size, e->addr))) {
                note(w, l, e);
                break;
            }
        }
        break;
    default:
        break;
    }
}

void life_restored(struct prof_heap *h, struct life_watch *w)
{
    for (uint32_t id = 1; id < h->blocks.max; id++) {
        const struct prof_block *b = block_of(h, id);
        if ((b->flags & PROF_BLOCK_ALIVE) == 0 || !covers(b->addr, b->size, w->addr))
            continue;
        struct layer *l = &w->layers[layer_of(b->kind)];
        l->inside = l->seen = l->before = true;
        l->addr = b->addr;
        l->size = b->size;
        l->kind = b->kind;
        l->lives = 1;
    }
}

bool life_failed(const struct life_watch *w)
{
    return w->failed;
}

/* Of those that go on the innermost, else the one that ended last. */
static struct layer *choose(struct life_watch *w)
{
    static const uint8_t inner_first[] = { CUSTOM, PLAIN, MAPPED };
    struct layer *best = NULL;
    for (int i = 0; i < LAYERS; i++) {
        struct layer *l = &w->layers[inner_first[i]];
        if (l->inside || l->moving)
            return l;
        if (l->seen && (best == NULL || l->ended > best->ended))
            best = l;
    }
    return best;
}

struct prof_error *prof_heap_block_life(struct prof_heap *heap, uint64_t addr, struct prof_block_life *ret)
{
    struct life_watch w = { .addr = addr };
    struct prof_error *error = history_of_block(heap, &w);
    struct layer *l = error == NULL ? choose(&w) : NULL;
    if (error == NULL)
        *ret = (struct prof_block_life){ 0 };
    if (l != NULL) {
        *ret = (struct prof_block_life){ .found = true,
                                         .alive = l->inside || l->moving,
                                         .before = l->before,
                                         .addr = l->addr,
                                         .size = l->size,
                                         .kind = l->kind,
                                         .events = l->events.items,
                                         .count = l->events.count,
                                         .left_out = l->left_out,
                                         .lives = l->lives };
        l->events.items = NULL;
    }
    for (int i = 0; i < LAYERS; i++)
        prof_vec_deinit(&w.layers[i].events);
    return error;
}

const char *prof_block_life_type(const struct prof_heap *heap, const struct prof_block_life *life, bool *ret_array)
{
    const char *name = NULL;
    for (size_t i = 0; i < life->count; i++) {
        if (life->events[i].op != TRK_OP_TYPED)
            continue;
        (void)prof_trace_type(heap->trace, (uint32_t)life->events[i].size, &name);
        *ret_array = (life->events[i].aux & 1) != 0;
    }
    return name;
}

void prof_block_life_deinit(struct prof_block_life *life)
{
    free(life->events);
    life->events = NULL;
    life->count = 0;
}
