/* counted.c: which objects live whose type says where its count stands, so that a look can read it.
 *
 * Kept only once such a type was used; until then a record costs one test. The list is by page, because a look goes
 * through memory page by page: four bytes for each object. It is no model of the heap: what dies without a word about
 * itself or the start of its block stays until something else is named so, and where threads reuse an address within
 * one look at the rings the younger life may be missing. Readers know which objects live; of others they drop the
 * counts, and of those that are missing nothing is said. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_SHIFT = 12,
    GRANULE_SHIFT = PAGE_SHIFT - 8,
    TYPE_SHIFT = PAGE_SHIFT, /* an entry: offset in its page, then the type */
    DELTA_MAX = 1 << 20,     /* counts further away from their object are not read */
    OFFSETS_MAX = 8,         /* different places of objects in their blocks */
};

struct counted_type {
    int32_t delta; /* from the address of the object to its count */
    uint32_t back; /* from the start of the object to its address */
    uint8_t width, shift, bits;
    int16_t bias;
};
struct page {
    uint64_t number; /* address >> PAGE_SHIFT, + 1; 0: none */
    uint32_t *entries;
    uint16_t count, room;
    bool crowded;     /* some granule has, or had, several objects: bits stay */
    uint64_t used[4]; /* bit for each granule that has objects: most questions end here */
};
struct counted {
    PROF_VEC(struct counted_type) types; /* by id; width 0: no count */
    struct page *pages;                  /* open addressing, at most 3/4 full */
    size_t page_count, page_room;
    size_t objects;
    int32_t delta_least, delta_most;
    uint32_t backs[OFFSETS_MAX]; /* other than 0 */
    size_t back_count;
    uint64_t high; /* bit of addresses that records leave out */
};

/* ---- Types ---- */

static bool is_usable(const struct trk_type_def *def, int64_t delta)
{
    return (def->count_width == 1 || def->count_width == 2 || def->count_width == 4 || def->count_width == 8) &&
           def->count_offset != UINT32_MAX && def->count_shift < 8 * def->count_width &&
           def->count_bits <= 8 * def->count_width - def->count_shift && delta > -DELTA_MAX && delta < DELTA_MAX;
}

static bool add_back(struct counted *c, uint32_t back)
{
    for (size_t i = 0; i < c->back_count; i++)
        if (c->backs[i] == back)
            return true;
    if (back == 0 || c->back_count == OFFSETS_MAX)
        return back == 0;
    c->backs[c->back_count++] = back;
    return true;
}

void rec_counted_type(struct proc *proc, const struct trk_type_def *def)
{
    int64_t delta = (int64_t)def->count_offset - def->obj_offset;
    if (def->obj_offset < 0 || def->obj_offset >= DELTA_MAX || !is_usable(def, delta))
        return;
    if (proc->counted == NULL) {
        if (rec_is_flight(proc->arena) || proc->arena->rec->options.no_memory)
            return; /* nobody would read them */
        proc->counted = calloc(1, sizeof *proc->counted);
        if (proc->counted == NULL)
            return;
        proc->counted->high = proc->arena->shape.flags & TRK_SHM_HIGH ? (uint64_t)1 << TRK_ADDR_BITS : 0;
    }
    struct counted *c = proc->counted;
    if (!add_back(c, (uint32_t)def->obj_offset))
        return;
    while (c->types.count <= def->id)
        if (!prof_vec_push(&c->types, (struct counted_type){ 0 }))
            return;
    c->types.items[def->id] = (struct counted_type){ .delta = (int32_t)delta,
                                                     .back = (uint32_t)def->obj_offset,
                                                     .width = (uint8_t)def->count_width,
                                                     .shift = def->count_shift,
                                                     .bits = def->count_bits,
                                                     .bias = def->count_bias };
    c->delta_least = delta < c->delta_least ? (int32_t)delta : c->delta_least;
    c->delta_most = delta > c->delta_most ? (int32_t)delta : c->delta_most;
}

/* ---- Objects ---- */

static size_t place_of(const struct counted *c, uint64_t number)
{
    size_t at = (size_t)(number * 0x9e3779b97f4a7c15u >> 32) & (c->page_room - 1);
    while (c->pages[at].number != 0 && c->pages[at].number != number)
        at = (at + 1) & (c->page_room - 1);
    return at;
}

static struct page *find_page(const struct counted *c, uint64_t addr)
{
    if (c->page_room == 0)
        return NULL;
    struct page *page = &c->pages[place_of(c, (addr >> PAGE_SHIFT) + 1)];
    return page->number != 0 ? page : NULL;
}

/* Pages without objects are left out. */
static bool grow(struct counted *c)
{
    struct counted old = *c;
    size_t used = 0;
    for (size_t i = 0; i < old.page_room; i++)
        used += old.pages[i].count > 0;
    size_t room = 64;
    while (room < 2 * used + 2)
        room *= 2;
    struct page *pages = calloc(room, sizeof *pages);
    if (pages == NULL)
        return false;
    c->pages = pages;
    c->page_room = room;
    c->page_count = used;
    for (size_t i = 0; i < old.page_room; i++) {
        if (old.pages[i].count > 0)
            pages[place_of(c, old.pages[i].number)] = old.pages[i];
        else
            free(old.pages[i].entries);
    }
    free(old.pages);
    return true;
}

static struct page *make_page(struct counted *c, uint64_t addr)
{
    struct page *page = find_page(c, addr);
    if (page != NULL)
        return page;
    if (4 * (c->page_count + 1) > 3 * c->page_room && !grow(c))
        return NULL;
    uint64_t number = (addr >> PAGE_SHIFT) + 1;
    page = &c->pages[place_of(c, number)];
    page->number = number;
    c->page_count++;
    return page;
}

static bool is_used(const struct page *page, uint32_t offset)
{
    return page->used[offset >> (GRANULE_SHIFT + 6)] >> (offset >> GRANULE_SHIFT & 63) & 1;
}

static void flip_used(struct page *page, uint32_t offset)
{
    page->used[offset >> (GRANULE_SHIFT + 6)] ^= (uint64_t)1 << (offset >> GRANULE_SHIFT & 63);
}

static uint32_t *find_entry(const struct page *page, uint64_t addr)
{
    uint32_t offset = addr & ((1u << PAGE_SHIFT) - 1);
    if (page == NULL || !is_used(page, offset))
        return NULL;
    for (unsigned i = 0; i < page->count; i++)
        if ((page->entries[i] & ((1u << PAGE_SHIFT) - 1)) == offset)
            return &page->entries[i];
    return NULL;
}

static void add(struct counted *c, uint64_t addr, uint64_t type)
{
    struct page *page = make_page(c, addr);
    uint32_t *entry = find_entry(page, addr);
    uint32_t offset = addr & ((1u << PAGE_SHIFT) - 1), value = offset | (uint32_t)type << TYPE_SHIFT;
    if (entry != NULL) {
        *entry = value;
        return;
    }
    if (page == NULL || c->objects == REC_COUNTED_MAX)
        return;
    if (page->count == page->room) {
        uint16_t room = (uint16_t)(page->room * 2 + 4);
        uint32_t *entries = reallocarray(page->entries, room, sizeof *entries);
        if (entries == NULL)
            return;
        page->entries = entries;
        page->room = room;
    }
    page->entries[page->count++] = value;
    c->objects++;
    if (is_used(page, offset))
        page->crowded = true;
    else
        flip_used(page, offset);
}

/* Returns the type, 0: none is there. */
static uint64_t take(struct counted *c, uint64_t addr)
{
    struct page *page = find_page(c, addr);
    uint32_t *entry = find_entry(page, addr);
    if (entry == NULL)
        return 0;
    uint64_t type = *entry >> TYPE_SHIFT;
    *entry = page->entries[--page->count];
    c->objects--;
    if (!page->crowded)
        flip_used(page, addr & ((1u << PAGE_SHIFT) - 1));
    return type;
}

static void change(struct counted *c, uint64_t addr, uint64_t type)
{
    if (type < c->types.count && c->types.items[type].width != 0)
        add(c, addr, type);
    else
        (void)take(c, addr);
}

/* A block that begins there: the object in it ends with it. */
static void free_block(struct counted *c, uint64_t start)
{
    (void)take(c, start);
    for (size_t i = 0; i < c->back_count; i++) {
        const uint32_t *entry = find_entry(find_page(c, start + c->backs[i]), start + c->backs[i]);
        if (entry != NULL && c->types.items[*entry >> TYPE_SHIFT].back == c->backs[i])
            (void)take(c, start + c->backs[i]);
    }
}

void rec_counted_note(struct proc *proc, unsigned op, uint64_t addr, uint64_t arg, uint64_t old)
{
    struct counted *c = proc->counted;
    addr |= addr >> TRK_ADDR_LOW_BITS != 0 ? c->high : 0;
    switch (op) {
    case TRK_OP_NEW:
    case TRK_OP_RETYPE:
        change(c, addr, arg);
        break;
    case TRK_OP_DEL:
        (void)take(c, addr);
        break;
    case TRK_OP_FREE:
        free_block(c, addr);
        break;
    case TRK_OP_ALLOC:
        if (old != 0 && old != addr) /* realloc moved it */
            change(c, addr, take(c, old));
        break;
    default:
        break;
    }
}

void rec_counted_free(struct proc *proc)
{
    struct counted *c = proc->counted;
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->page_room; i++)
        free(c->pages[i].entries);
    free(c->pages);
    prof_vec_deinit(&c->types);
    free(c);
    proc->counted = NULL;
}

/* ---- Reading ---- */

static int64_t count_in(const struct counted_type *type, const unsigned char *bytes)
{
    uint64_t word = 0;
    memcpy(&word, bytes, type->width); /* the machines that can be looked at keep the low byte first */
    unsigned width = 8 * type->width, bits = type->bits != 0 ? type->bits : width - type->shift;
    word >>= type->shift;
    if (bits < 64)
        word &= ((uint64_t)1 << bits) - 1;
    int64_t count = bits == 32 && width == 32 ? (int32_t)word : (int64_t)word;
    if (count > TRK_MEMORY_COUNT_MAX || count < -TRK_MEMORY_COUNT_MAX)
        return TRK_MEMORY_NO_COUNT;
    return count + type->bias;
}

bool look_counts_read(struct proc *proc, const unsigned char *bytes, size_t size, uint64_t at, struct look_counts *to)
{
    const struct counted *c = proc->counted;
    if (c == NULL || c->objects == 0)
        return true;
    if (to->room == 0 && !prof_vec_reserve(to, c->objects)) /* threads stand still: no copying later */
        return false;
    /* Objects whose count may stand here. */
    uint64_t from = at - (uint64_t)(int64_t)c->delta_most, end = at + size - (uint64_t)(int64_t)c->delta_least;
    for (uint64_t addr = from & ~(uint64_t)((1 << PAGE_SHIFT) - 1); addr < end; addr += 1 << PAGE_SHIFT) {
        const struct page *page = find_page(c, addr);
        for (unsigned i = 0; page != NULL && i < page->count; i++) {
            const struct counted_type *type = &c->types.items[page->entries[i] >> TYPE_SHIFT];
            uint64_t obj = addr + (page->entries[i] & ((1u << PAGE_SHIFT) - 1));
            uint64_t offset = obj + (uint64_t)(int64_t)type->delta - at;
            if (offset >= size || size - offset < type->width)
                continue;
            if (!prof_vec_push(to, (struct trk_memory_count){ .addr = obj, .count = count_in(type, bytes + offset) }))
                return false;
        }
    }
    return true;
}

static int by_address(const void *left, const void *right)
{
    const struct trk_memory_count *a = left, *b = right;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

void look_counts_sort(struct look_counts *counts, size_t first)
{
    size_t kept = first;
    if (counts->count > first)
        qsort(counts->items + first, counts->count - first, sizeof *counts->items, by_address);
    for (size_t i = first; i < counts->count; i++)
        if (kept == first || counts->items[kept - 1].addr != counts->items[i].addr)
            counts->items[kept++] = counts->items[i];
    counts->count = kept;
}

void look_counts_agree(struct look_counts *counts, size_t first, struct look_counts *again)
{
    size_t kept = first, j = 0;
    look_counts_sort(counts, first);
    look_counts_sort(again, 0);
    for (size_t i = first; i < counts->count; i++) {
        while (j < again->count && again->items[j].addr < counts->items[i].addr)
            j++;
        if (j < again->count && memcmp(&again->items[j], &counts->items[i], sizeof counts->items[i]) == 0)
            counts->items[kept++] = counts->items[i];
    }
    counts->count = kept;
}
