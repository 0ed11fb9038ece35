/* block_type.c: what plain blocks are called. */
#include <prof/block.h>

#include "analysis.h"

#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path;
}

enum { SHAPE_WORDS = 64, SHAPE_LEAST = 2 };

/* Offsets of the words in a block that point to blocks, by the last checkpoint; at most SHAPE_WORDS. */
static size_t pointers_in(struct prof_heap *heap, const struct prof_block *block, uint64_t offsets[SHAPE_WORDS])
{
    const struct prof_memory *memory = prof_heap_memory(heap);
    size_t low = 0, high = memory != NULL ? memory->area_count : 0, count = 0;

    while (low < high) { // the first area that begins behind the block; those of registers come first
        size_t mid = low + (high - low) / 2;
        if (memory->areas[mid].kind == TRK_AREA_REGISTERS || memory->areas[mid].start <= block->addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || memory->areas[low - 1].kind == TRK_AREA_REGISTERS)
        return 0;
    const struct prof_memory_area *area = &memory->areas[low - 1];
    for (low = area->first, high = area->first + area->count; low < high;) {
        size_t mid = low + (high - low) / 2;
        if (memory->words[mid].at < block->addr)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < area->first + area->count && count < SHAPE_WORDS; low++) {
        const struct prof_memory_word *word = &memory->words[low];
        if (word->at - block->addr >= block->size)
            break;
        if (count > 0 && offsets[count - 1] == word->at - block->addr)
            continue; /* another meaning of the same bytes */
        if (prof_heap_block_at(heap, word->value) != 0)
            offsets[count++] = word->at - block->addr;
    }
    return count;
}

/* One pointer in a block of that size is no shape. */
static bool by_shape(struct prof_heap *heap, struct prof_symbols *symbols, const struct prof_block *block,
                     struct prof_birth *ret)
{
    uint64_t offsets[SHAPE_WORDS];
    size_t count = (block->flags & PROF_BLOCK_EXAMINED) != 0 ? pointers_in(heap, block, offsets) : 0;
    return count >= SHAPE_LEAST && prof_symbols_shape(symbols, block->stack, block->size, offsets, count, ret);
}

/* Only a struct of the size that the compiler of the program saw is it. */
static bool told(struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id, struct prof_block_type *ret)
{
    bool array = false;
    prof_type_id type = prof_heap_block_type(heap, id, &array);
    const struct prof_type *t = prof_heap_type(heap, type);
    char name[512];

    if (type == 0 || t->object_size == 0)
        return false;
    int length = snprintf(name, sizeof name, "%s%s", t->name, array ? "[]" : "");
    const struct prof_layout *layout =
        (size_t)length < sizeof name ? prof_symbols_layout(symbols, name, array ? 0 : t->object_size) : NULL;
    *ret = (struct prof_block_type){ .name = t->name,
                                     .size = t->object_size,
                                     .array = array,
                                     .layout = layout != NULL && layout->size == t->object_size ? layout : NULL,
                                     .mark = '=',
                                     .by = prof_symbols_inner_frame(symbols, prof_heap_block(heap, id)->stack),
                                     .how = PROF_BIRTH_TOLD };
    return true;
}

/* Memory that was mapped and extents that a program told itself are not what a call returned. */
static bool can_have_type(const struct prof_block *block)
{
    return block->kind != TRK_ALLOC_MMAP && block->kind != TRK_ALLOC_CUSTOM && block->kind != TRK_ALLOC_BOOT &&
           (block->flags & PROF_BLOCK_HAS_OBJECT) == 0;
}

const struct prof_layout *prof_block_layout(struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id)
{
    const struct prof_block *block = prof_heap_block(heap, id);
    struct prof_block_type type;
    struct prof_birth birth;

    if ((block->flags & PROF_BLOCK_HAS_OBJECT) == 0 && told(heap, symbols, id, &type))
        return type.layout;
    if (!can_have_type(block) || !prof_symbols_birth(symbols, block->stack, block->size, &birth) || birth.mark != '=')
        return NULL;
    return birth.layout;
}

bool prof_block_type(struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id,
                     struct prof_block_type *ret)
{
    const struct prof_block *block = prof_heap_block(heap, id);
    struct prof_birth birth;

    if ((block->flags & PROF_BLOCK_HAS_OBJECT) == 0 && told(heap, symbols, id, ret))
        return true;
    if (!can_have_type(block) ||
        (!prof_symbols_birth(symbols, block->stack, block->size, &birth) && !by_shape(heap, symbols, block, &birth)))
        return false;
    *ret = (struct prof_block_type){ .name = birth.layout->type,
                                     .size = birth.layout->size,
                                     .array = birth.layout->array,
                                     .layout = birth.layout,
                                     .mark = birth.mark,
                                     .by = prof_symbols_inner_frame(symbols, block->stack),
                                     .how = birth.how };
    return true;
}

char *prof_block_type_text(char *buf, size_t room, const struct prof_block_type *type, uint64_t size)
{
    char count[32] = "", from[512] = "";

    if (type->array && size == 0)
        snprintf(count, sizeof count, "[]");
    else if (type->array && size != type->size)
        snprintf(count, sizeof count, "[%llu]", (unsigned long long)(size / type->size));
    if (type->how == PROF_BIRTH_SHAPE)
        snprintf(from, sizeof from, " (~ by its shape)");
    else if (type->mark != '=' && type->by != NULL && type->by->file != NULL)
        snprintf(from, sizeof from, " (~ from %s:%u)", base_name(type->by->file), type->by->line);
    else if (type->mark != '=')
        snprintf(from, sizeof from, " (~)");
    snprintf(buf, room, "%s%s%s", type->name, count, from);
    return buf;
}

char *prof_block_text(char *buf, size_t room, struct prof_heap *heap, struct prof_symbols *symbols, prof_block_id id)
{
    const struct prof_block *block = prof_heap_block(heap, id);
    struct prof_block_type type;

    if (prof_block_type(heap, symbols, id, &type))
        return prof_block_type_text(buf, room, &type, block->size);
    const struct prof_frame *frame = prof_symbols_site_frame(symbols, block->stack);
    const char *kind = prof_block_kind_text(block->kind), *module = base_name(frame->module);
    if (frame->function != NULL)
        snprintf(buf, room, "%s in %s()", kind, frame->function);
    else
        snprintf(buf, room, "%s in %s+0x%llx", kind, module != NULL && module[0] != '\0' ? module : "?",
                 (unsigned long long)frame->offset);
    return buf;
}

const char *prof_birth_how_text(enum prof_birth_how how)
{
    static const char *const words[] = {
        [PROF_BIRTH_TOLD] = "the program told it",
        [PROF_BIRTH_ASSIGNED] = "the pointer is stored as one to it",
        [PROF_BIRTH_DECLARED] = "a variable of that type is declared there",
        [PROF_BIRTH_SIZEOF] = "the source line names it",
        [PROF_BIRTH_CAST] = "the source casts the pointer",
        [PROF_BIRTH_VARIABLE] = "a variable of the function points to such a type of that size",
        [PROF_BIRTH_RETURNED] = "the function returns a pointer to it",
        [PROF_BIRTH_SHAPE] = "the only type of that size with pointers in these places",
    };
    return (size_t)how < sizeof words / sizeof *words ? words[how] : "?";
}

uint64_t prof_block_usable(const struct prof_block *block)
{
    bool rounded = block->kind != TRK_ALLOC_MMAP && block->kind != TRK_ALLOC_CUSTOM && block->kind != TRK_ALLOC_BOOT;
    return rounded ? bytes_usable(block->size) : block->size;
}

uint64_t prof_block_type_item(const struct prof_block_type *type)
{
    return type->array ? type->size : type->layout != NULL ? type->layout->tail_size : 0;
}

const char *prof_block_kind_text(unsigned kind)
{
    static const char *const names[] = {
        [TRK_ALLOC_MALLOC] = "malloc",   [TRK_ALLOC_CALLOC] = "calloc", [TRK_ALLOC_REALLOC] = "realloc",
        [TRK_ALLOC_ALIGNED] = "aligned", [TRK_ALLOC_MMAP] = "mmap",     [TRK_ALLOC_CUSTOM] = "custom",
        [TRK_ALLOC_BOOT] = "boot",
    };
    return kind < sizeof names / sizeof *names ? names[kind] : "?";
}
