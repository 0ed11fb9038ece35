/* layouts.c: the layouts that were asked for, by entry and by name. */
#include <symbol/state.h>

#include <symbol/die.h>
#include <symbol/layout.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 8, MAX_NAME = 1024 };

struct prof_layout_entry {
    UT_hash_handle hh;
    struct prof_layout layout;
    struct prof_layout_key key;
    Dwarf_Die type; /* addr NULL: made from a name alone */
};
struct prof_layout_name {
    UT_hash_handle hh;
    const struct prof_layout *layout; /* NULL: unknown */
    char key[];                       /* size, name */
};

void prof_layouts_deinit(struct prof_symbols *symbols)
{
    HASH_CLEAR(hh, symbols->layouts); // the entries are the arena's
    HASH_CLEAR(hh, symbols->layout_names);
    prof_type_names_deinit(&symbols->type_names);
}

static const struct prof_layout_span *keep(struct prof_symbols *symbols, const struct prof_layout_spans *spans)
{
    struct prof_layout_span *copy = prof_arena_alloc(&symbols->arena, (spans->count + 1) * sizeof *copy);
    if (copy != NULL && spans->count != 0)
        memcpy(copy, spans->items, spans->count * sizeof *copy);
    return copy;
}

static bool fill(struct prof_symbols *symbols, struct prof_types *types, struct prof_layout_entry *entry)
{
    struct prof_layout *layout = &entry->layout;
    struct prof_layout_walk walk = { .types = types, .names = &symbols->type_names }, tail = walk;
    layout->size = prof_die_size(entry->type);
    layout->type = prof_type_name(&symbols->type_names, &entry->type);
    layout->array = entry->key.array;
    bool good = layout->size != 0 && layout->type != NULL && prof_layout_walk(&walk, &entry->type, layout->size);
    if (good) {
        layout->spans = keep(symbols, &walk.spans);
        layout->span_count = walk.spans.count;
        good = layout->spans != NULL;
    }
    if (walk.has_tail && !layout->array)
        layout->tail_start = walk.tail_start;
    uint64_t element = good && walk.has_tail && !layout->array ? prof_die_size(walk.tail) : 0;
    if (element >= WORD) { // smaller ones are bytes, which may be anything
        good = prof_layout_walk(&tail, &walk.tail, element);
        layout->tail = good ? keep(symbols, &tail.spans) : NULL;
        layout->tail_count = tail.spans.count;
        layout->tail_size = element;
        good = layout->tail != NULL;
    }
    prof_vec_deinit(&walk.spans);
    prof_vec_deinit(&tail.spans);
    return good;
}

const struct prof_layout *prof_layout_of(struct prof_symbols *symbols, struct prof_types *types, const Dwarf_Die *type,
                                         bool array)
{
    struct prof_layout_key key = { .addr = type->addr, .array = array };
    struct prof_layout_entry *entry;
    HASH_FIND(hh, symbols->layouts, &key, sizeof key, entry);
    if (entry != NULL)
        return entry->layout.spans != NULL ? &entry->layout : NULL;
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->key = key;
    entry->type = *type;
    if (!fill(symbols, types, entry))
        entry->layout.spans = NULL;
    HASH_ADD(hh, symbols->layouts, key, sizeof key, entry);
    return entry->layout.spans != NULL ? &entry->layout : NULL;
}

// "T *": nothing needs to be known of T.
static const struct prof_layout *layout_of_pointers(struct prof_symbols *symbols, const char *name, size_t length)
{
    struct prof_layout_entry *entry = prof_arena_alloc(&symbols->arena, sizeof *entry);
    struct prof_layout_span *span = prof_arena_alloc(&symbols->arena, sizeof *span);
    size_t pointee = length - 1;
    while (pointee > 0 && name[pointee - 1] == ' ')
        pointee--;
    if (entry == NULL || span == NULL || pointee == 0)
        return NULL;
    bool is_void = pointee == 4 && memcmp(name, "void", 4) == 0;
    *span = (struct prof_layout_span){
        .end = WORD,
        .kind = is_void ? PROF_WORD_MAYBE : PROF_WORD_POINTER,
        .pointee = is_void ? NULL : prof_symbols_keep(symbols, name, pointee),
    };
    entry->layout = (struct prof_layout){
        .type = prof_symbols_keep(symbols, name, length),
        .size = WORD,
        .array = true,
        .spans = span,
        .span_count = 1,
    };
    return entry->layout.type != NULL ? &entry->layout : NULL;
}

struct layout_query {
    const char *name;
    uint64_t size;
    bool array;
    const struct prof_layout *found;
};

static bool layout_in(struct prof_symbols *symbols, struct prof_types *types, void *ctx)
{
    struct layout_query *query = ctx;
    Dwarf_Die type;
    if (prof_types_find(types, query->name, query->array ? 0 : query->size, &type))
        query->found = prof_layout_of(symbols, types, &type, query->array);
    return query->found != NULL;
}

static const struct prof_layout *find_layout(struct prof_symbols *symbols, const char *type, uint64_t size)
{
    char name[MAX_NAME];
    size_t length = strlen(type);
    bool array = length > 2 && strcmp(type + length - 2, "[]") == 0;
    if (array)
        length -= 2;
    while (length > 0 && type[length - 1] == ' ')
        length--;
    if (length == 0 || length >= sizeof name)
        return NULL;
    if (type[length - 1] == '*')
        return layout_of_pointers(symbols, type, length);
    memcpy(name, type, length);
    name[length] = '\0';
    struct layout_query query = { .name = name, .size = size, .array = array };
    prof_symbols_each_types(symbols, layout_in, &query);
    return query.found;
}

const struct prof_layout *prof_symbols_layout(struct prof_symbols *symbols, const char *type, uint64_t size)
{
    struct prof_layout_name *entry;
    char key[sizeof size + MAX_NAME];
    size_t name = strlen(type), length = name + sizeof size;
    if (symbols->no_symbols || name >= MAX_NAME)
        return NULL;
    memcpy(mempcpy(key, &size, sizeof size), type, name);
    HASH_FIND(hh, symbols->layout_names, key, length, entry);
    if (entry != NULL)
        return entry->layout;
    entry = prof_arena_alloc(&symbols->arena, sizeof *entry + length);
    if (entry == NULL)
        return NULL;
    memcpy(entry->key, key, length);
    entry->layout = find_layout(symbols, type, size);
    HASH_ADD_KEYPTR(hh, symbols->layout_names, entry->key, length, entry);
    return entry->layout;
}

static const struct prof_layout_span nothing = { .kind = PROF_WORD_NONE }, behind = { .kind = PROF_WORD_MAYBE };

static const struct prof_layout_span *find_span(const struct prof_layout_span *spans, size_t count, uint64_t offset)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (spans[mid].end <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == count || spans[low].start > offset || spans[low].end - offset < WORD)
        return &nothing;
    return spans[low].kind == PROF_WORD_POINTER && (offset - spans[low].start) % WORD != 0 ? &nothing : &spans[low];
}

const struct prof_layout_span *prof_layout_at(const struct prof_layout *layout, uint64_t offset)
{
    if (layout->array)
        return find_span(layout->spans, layout->span_count, offset % layout->size);
    if (layout->tail_size != 0 && offset >= layout->tail_start)
        return find_span(layout->tail, layout->tail_count, (offset - layout->tail_start) % layout->tail_size);
    if (offset >= layout->size)
        return &behind;
    return find_span(layout->spans, layout->span_count, offset);
}

bool prof_layout_field(const struct prof_layout *layout, uint64_t offset, char *buf, size_t size)
{
    const struct prof_layout_entry *entry =
        (const struct prof_layout_entry *)((const char *)layout - offsetof(struct prof_layout_entry, layout));
    struct prof_str path = { 0 }, inner = { 0 };
    if (layout->array)
        prof_str_addf(&path, "[%llu]", (unsigned long long)(offset / layout->size));
    bool found = layout->array;
    if (entry->type.addr != NULL &&
        prof_die_field(&entry->type, layout->array ? offset % layout->size : offset, &inner)) {
        prof_str_addf(&path, "%s%s", layout->array && inner.text[0] != '[' ? "." : "", inner.text);
        found = true;
    }
    found = found && !path.failed && path.length < size;
    if (found)
        memcpy(buf, path.text, path.length + 1);
    prof_str_deinit(&path);
    prof_str_deinit(&inner);
    return found;
}
