/* birth.c: the type of blocks by the code that allocates them.
 *
 * Evidence is gathered once per site; what it says is weighed for each size. The rules:
 *  - what the value is assigned to, what is declared at the line, sizeof and casts there count first. A type fits a
 * size exactly, by an array without length at its end, as an array, or as the head of something larger; the best fit
 *    counts, and two different types with the same fit are none;
 *  - a pointer to bytes, or to something larger than the block, among them: none;
 *  - only without all of these: the one type of exactly this size that a pointer variable of the function, or its
 *    returned pointer, has;
 *  - certain is what both fits exactly and was seen to be stored in a variable of that type. */
#include <symbol/birth.h>
#include <symbol/flow.h>

#include <symbol/die.h>
#include <symbol/image.h>
#include <symbol/source_text.h>
#include <symbol/state.h>

#include <dwarf.h>
#include <string.h>

enum fit { NO_FIT, HEAD, ARRAY, OPEN, EXACT };

struct prof_birth_entry {
    UT_hash_handle hh;
    struct prof_birth_key key;
    struct prof_birth_site site;
    struct prof_types *types;
    bool direct;
};
struct prof_shape_entry {
    UT_hash_handle hh;
    struct prof_shape_key key;
    const struct prof_layout **layouts;
    size_t count;
};

void prof_births_deinit(struct prof_symbols *symbols)
{
    HASH_CLEAR(hh, symbols->births); // the arena's
    HASH_CLEAR(hh, symbols->shapes);
    prof_source_deinit(symbols);
}

static struct prof_birth_entry *entry_of(struct prof_symbols *symbols, uint32_t stack)
{
    struct prof_site_code place;
    struct prof_birth_entry *entry;
    if (symbols->no_symbols || !prof_symbols_site_code(symbols, stack, &place))
        return NULL;
    struct prof_birth_key key = { .pc = place.pc, .inlined = place.inlined };
    HASH_FIND(hh, symbols->births, &key, sizeof key, entry);
    if (entry != NULL)
        return entry;
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    if (entry == NULL)
        return NULL;
    struct prof_file *file = place.home->file;
    entry->key = key;
    entry->direct = place.direct;
    entry->types = prof_symbols_types(symbols, place.home);
    struct prof_birth_code code = {
        .frame = place.frame,
        .types = entry->types,
        .lines = file->lines,
        .vaddr = place.vaddr,
        .code = file->image.machine == EM_X86_64 ? prof_image_bytes(&file->image, place.vaddr, PROF_FLOW_BYTES) : NULL,
        .bytes = PROF_FLOW_BYTES,
        .inlined = place.inlined,
        .mtime_ns = prof_source_module_time(file->opened_path),
    };
    prof_birth_gather(symbols, &code, &entry->site);
    HASH_ADD(hh, symbols->births, key, sizeof key, entry);
    return entry;
}

struct claim {
    enum fit fit;
    const struct prof_layout *layout;
    bool simple; /* of pointers or numbers, which have arrays and nothing else */
};

static enum fit fit_of(const struct prof_layout *layout, uint64_t size)
{
    if (size == layout->size)
        return EXACT;
    if (size < layout->size)
        return NO_FIT;
    if (layout->tail_start != 0)
        return OPEN;
    return size % layout->size == 0 ? ARRAY : HEAD;
}

// What a piece of evidence means for a size. fit NO_FIT: it contradicts.
static struct claim claim_of(struct prof_symbols *symbols, struct prof_types *types,
                             const struct prof_birth_evidence *e, uint64_t size)
{
    struct claim claim = { 0 };
    struct prof_str name = { 0 };
    Dwarf_Die plain = e->type;
    switch (e->says) {
    case PROF_BIRTH_BYTES:
        return claim;
    case PROF_BIRTH_TYPE:
        if (prof_die_peel(&plain) && !prof_die_is_struct(dwarf_tag(&plain))) {
            claim.layout = prof_layout_of(symbols, types, &e->type, true);
            claim.fit = claim.layout != NULL && size % claim.layout->size == 0 ? ARRAY : NO_FIT;
            claim.simple = true;
            return claim;
        }
        claim.layout = prof_layout_of(symbols, types, &e->type, false);
        claim.fit = claim.layout != NULL ? fit_of(claim.layout, size) : NO_FIT;
        if (claim.fit == ARRAY)
            claim.layout = prof_layout_of(symbols, types, &e->type, true);
        return claim;
    case PROF_BIRTH_NAMED:
        claim.layout = prof_symbols_layout(symbols, e->name, 0);
        claim.fit = claim.layout != NULL ? fit_of(claim.layout, size) : NO_FIT;
        if (claim.fit == ARRAY) {
            prof_str_addf(&name, "%s[]", e->name);
            claim.layout = name.failed ? NULL : prof_symbols_layout(symbols, name.text, 0);
            prof_str_deinit(&name);
        }
        return claim;
    case PROF_BIRTH_POINTERS:
        claim.layout = size % 8 == 0 ? prof_symbols_layout(symbols, e->name, 0) : NULL;
        claim.fit = ARRAY;
        claim.simple = true;
        return claim;
    }
    return claim;
}

static bool same_type(const struct prof_layout *a, const struct prof_layout *b)
{
    return strcmp(a->type, b->type) == 0 && a->size == b->size;
}

static bool is_strong(enum prof_birth_how how)
{
    return how == PROF_BIRTH_ASSIGNED || how == PROF_BIRTH_DECLARED || how == PROF_BIRTH_SIZEOF ||
           how == PROF_BIRTH_CAST;
}

struct verdict {
    struct claim best;
    enum prof_birth_how how;
    bool stored, sized, refuted, contradicted;
};

static void weigh(struct verdict *v, const struct prof_birth_evidence *e, const struct claim *claim)
{
    if (claim->fit == NO_FIT || claim->layout == NULL) {
        v->refuted = true;
        return;
    }
    if (claim->fit > v->best.fit) {
        *v = (struct verdict){ .best = *claim, .how = e->how, .refuted = v->refuted };
    } else if (claim->fit < v->best.fit) {
        return;
    } else if (!same_type(claim->layout, v->best.layout)) {
        v->contradicted = true;
        return;
    }
    v->stored |= e->how == PROF_BIRTH_ASSIGNED || (e->how == PROF_BIRTH_DECLARED && e->assigned);
    v->sized |= e->how == PROF_BIRTH_SIZEOF;
    if (e->how < v->how)
        v->how = e->how;
}

// Without better: a variable or the returned pointer, if all that fit agree. Only exactly: many sizes are multiples of
// many others. std::allocator returns what it was asked for.
static void weigh_weak(struct verdict *v, const struct prof_birth_evidence *e, const struct claim *claim,
                       bool allocates)
{
    bool array = e->how == PROF_BIRTH_RETURNED && allocates && claim->fit == ARRAY;
    if (claim->layout != NULL && (claim->fit == EXACT || array))
        weigh(v, e, claim);
}

static bool judge(struct prof_symbols *symbols, const struct prof_birth_entry *entry, uint64_t size, bool allocates,
                  struct verdict *ret)
{
    struct verdict v = { 0 };
    bool strong = false;
    for (size_t i = 0; i < entry->site.count; i++)
        strong |= is_strong(entry->site.items[i].how);
    for (size_t i = 0; i < entry->site.count; i++) {
        const struct prof_birth_evidence *e = &entry->site.items[i];
        if (is_strong(e->how) != strong)
            continue;
        struct claim claim = claim_of(symbols, entry->types, e, size);
        if (strong)
            weigh(&v, e, &claim);
        else
            weigh_weak(&v, e, &claim, allocates);
    }
    if (v.best.fit == NO_FIT || v.refuted || v.contradicted)
        return false;
    *ret = v;
    return true;
}

bool prof_symbols_birth(struct prof_symbols *symbols, uint32_t stack, uint64_t size, struct prof_birth *ret)
{
    struct prof_birth_entry *entry = size != 0 ? entry_of(symbols, stack) : NULL;
    if (entry == NULL || entry->types == NULL)
        return false;
    const char *function = prof_symbols_site_frame(symbols, stack)->function;
    const char *last = function != NULL ? strrchr(function, ':') : NULL;
    struct verdict v;
    if (!judge(symbols, entry, size, last != NULL && strcmp(last + 1, "allocate") == 0, &v))
        return false;
    bool whole = v.best.fit == EXACT || v.best.fit == OPEN;
    if (!whole && entry->site.unseen) // sizeof of something that debug information does not know: the block is no T[]
        return false;
    bool plain = whole || (v.best.fit == ARRAY && (v.sized || v.best.simple));
    *ret = (struct prof_birth){
        .layout = v.best.layout,
        .how = v.how,
        .mark = plain && v.stored && entry->direct && !entry->site.several ? '=' : '~',
    };
    return true;
}

struct shape_list {
    struct prof_symbols *symbols;
    struct prof_types *types;
    PROF_VEC(const struct prof_layout *) list;
    bool failed;
};

static bool add_shape(void *ctx, const char *name, const Dwarf_Die *type)
{
    (void)name;
    struct shape_list *shapes = ctx;
    const struct prof_layout *layout = prof_layout_of(shapes->symbols, shapes->types, type, false);
    if (layout != NULL && !prof_vec_push(&shapes->list, layout))
        shapes->failed = true;
    return !shapes->failed;
}

static const struct prof_shape_entry *shapes_of(struct prof_symbols *symbols, struct prof_types *types, uint64_t size)
{
    struct prof_shape_key key = { .types = types, .size = size };
    struct prof_shape_entry *entry;
    HASH_FIND(hh, symbols->shapes, &key, sizeof key, entry);
    if (entry != NULL)
        return entry;
    struct shape_list shapes = { .symbols = symbols, .types = types };
    prof_types_each(types, size, add_shape, &shapes);
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    size_t bytes = shapes.list.count * sizeof(void *);
    if (entry != NULL && !shapes.failed) {
        entry->key = key;
        entry->layouts = prof_arena_alloc(&symbols->arena, bytes + 1);
        entry->count = entry->layouts != NULL ? shapes.list.count : 0;
        if (entry->count != 0)
            memcpy(entry->layouts, shapes.list.items, bytes);
        HASH_ADD(hh, symbols->shapes, key, sizeof key, entry);
    }
    prof_vec_deinit(&shapes.list);
    return entry;
}

static bool has_shape(const struct prof_layout *layout, const uint64_t *offsets, size_t count)
{
    bool pointer = false;
    for (size_t i = 0; i < count; i++) {
        enum prof_word_kind kind = prof_layout_at(layout, offsets[i])->kind;
        if (kind == PROF_WORD_NONE)
            return false;
        pointer |= kind == PROF_WORD_POINTER;
    }
    return pointer;
}

bool prof_symbols_shape(struct prof_symbols *symbols, uint32_t stack, uint64_t size, const uint64_t *offsets,
                        size_t count, struct prof_birth *ret)
{
    struct prof_birth_entry *birth = entry_of(symbols, stack);
    if (birth == NULL || birth->types == NULL || size == 0 || count == 0)
        return false;
    const struct prof_shape_entry *shapes = shapes_of(symbols, birth->types, size);
    const struct prof_layout *found = NULL;
    for (size_t i = 0; shapes != NULL && i < shapes->count; i++) {
        const struct prof_layout *layout = shapes->layouts[i];
        if (!has_shape(layout, offsets, count))
            continue;
        if (found != NULL && !same_type(found, layout))
            return false;
        found = layout;
    }
    if (found == NULL)
        return false;
    *ret = (struct prof_birth){ .layout = found, .how = PROF_BIRTH_SHAPE, .mark = '~' };
    return true;
}
