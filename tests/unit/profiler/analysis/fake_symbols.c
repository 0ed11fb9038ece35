/* fake_symbols.c: symbols out of the names of stacks. */
#include "fake_symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACKS = 4096, FRAMES = 8, THINGS = 512 };

struct fake_stack {
    uint32_t id;
    char text[256];
    struct prof_frame frames[FRAMES];
    size_t count;
    uint32_t shift;
    bool cut;
};
struct prof_symbols {
    struct fake_stack stacks[STACKS];
    size_t stack_count;
    struct {
        char type[32];
        uint64_t offset;
        char name[64];
    } fields[THINGS];
    size_t field_count;
    struct {
        uint64_t addr, size;
        const char *name;
    } globals[THINGS];
    size_t global_count;
    struct {
        const char *function;
        char mark;
        const struct prof_layout *layout;
    } births[THINGS];
    size_t birth_count;
    const struct prof_layout *shape;
    const char *wrappers[THINGS];
    size_t wrapper_count;
    uint32_t shift;
    uint64_t stack_from, stack_to;
    uint32_t at[STACKS * 8]; /* hash: stack index + 1 */
};

static const struct prof_frame nowhere = { .module = "" };

struct prof_symbols *fake_create(void)
{
    struct prof_symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols == NULL)
        abort();
    return symbols;
}

void prof_symbols_destroy(struct prof_symbols *symbols)
{
    free(symbols);
}

static struct fake_stack *find(struct prof_symbols *symbols, uint32_t id)
{
    for (uint32_t i = id * 2654435761u % (STACKS * 8); symbols->at[i] != 0; i = (i + 1) % (STACKS * 8)) {
        if (symbols->stacks[symbols->at[i] - 1].id == id)
            return &symbols->stacks[symbols->at[i] - 1];
    }
    return NULL;
}

static void parse(struct prof_symbols *symbols, struct fake_stack *stack)
{
    char *at = stack->text;

    stack->count = 0;
    stack->shift = symbols->shift;
    while (*at != '\0' && stack->count < FRAMES) {
        struct prof_frame *frame = &stack->frames[stack->count++];
        char *end = strstr(at, " < "), *next = end != NULL ? end + 3 : at + strlen(at);
        char *colon, *blank;
        if (end != NULL)
            *end = '\0';
        if (strcmp(at, "...") == 0) {
            stack->cut = true;
            stack->count--;
            return;
        }
        *frame = (struct prof_frame){ .module = "/usr/bin/app" };
        colon = strrchr(at, ':');
        uint32_t number = colon != NULL ? (uint32_t)atoi(colon + 1) : 0;
        if (colon != NULL)
            *colon = '\0';
        if (*at == '+') {
            frame->module = at + 1;
            frame->offset = number + symbols->shift;
        } else {
            frame->function = at;
            if ((blank = strchr(at, ' ')) != NULL) {
                *blank = '\0';
                frame->file = blank + 1;
            }
            frame->line = number + symbols->shift;
            for (size_t i = 0; i < symbols->wrapper_count; i++)
                frame->wrapper |= strcmp(symbols->wrappers[i], frame->function) == 0;
        }
        at = next;
    }
}

const char *fake_at(struct prof_symbols *symbols, struct mk_trace *t, const char *name)
{
    uint32_t id = mk_stack(t, name), i = id * 2654435761u % (STACKS * 8);

    if (find(symbols, id) != NULL)
        return name;
    if (symbols->stack_count == STACKS || strlen(name) >= sizeof symbols->stacks[0].text)
        abort();
    struct fake_stack *stack = &symbols->stacks[symbols->stack_count++];
    stack->id = id;
    strcpy(stack->text, name);
    parse(symbols, stack);
    while (symbols->at[i] != 0)
        i = (i + 1) % (STACKS * 8);
    symbols->at[i] = (uint32_t)symbols->stack_count;
    return name;
}

void fake_field(struct prof_symbols *symbols, const char *type, uint64_t offset, const char *name)
{
    size_t i = symbols->field_count++;
    if (i == THINGS)
        abort();
    snprintf(symbols->fields[i].type, sizeof symbols->fields[i].type, "%s", type);
    snprintf(symbols->fields[i].name, sizeof symbols->fields[i].name, "%s", name);
    symbols->fields[i].offset = offset;
}

void fake_global(struct prof_symbols *symbols, uint64_t addr, uint64_t size, const char *name)
{
    if (symbols->global_count == THINGS)
        abort();
    symbols->globals[symbols->global_count].addr = addr;
    symbols->globals[symbols->global_count].size = size;
    symbols->globals[symbols->global_count++].name = name;
}

void fake_birth(struct prof_symbols *symbols, const char *function, char mark, const struct prof_layout *layout)
{
    if (symbols->birth_count == THINGS)
        abort();
    symbols->births[symbols->birth_count].function = function;
    symbols->births[symbols->birth_count].mark = mark;
    symbols->births[symbols->birth_count++].layout = layout;
}

void fake_shape(struct prof_symbols *symbols, const struct prof_layout *layout)
{
    symbols->shape = layout;
}

void fake_wrapper(struct prof_symbols *symbols, const char *function)
{
    if (symbols->wrapper_count == THINGS)
        abort();
    symbols->wrappers[symbols->wrapper_count++] = function;
}

void fake_shift_lines(struct prof_symbols *symbols, uint32_t by)
{
    symbols->shift = by;
}

void fake_stack_range(struct prof_symbols *symbols, uint64_t from, uint64_t to)
{
    symbols->stack_from = from;
    symbols->stack_to = to;
}

size_t prof_symbols_stack(struct prof_symbols *symbols, uint32_t stack, const struct prof_frame **ret)
{
    struct fake_stack *found = find(symbols, stack);
    if (found == NULL) {
        *ret = &nowhere;
        return stack == 0 ? 0 : 1;
    }
    *ret = found->frames;
    return found->count;
}

size_t prof_symbols_site(struct prof_symbols *symbols, uint32_t stack)
{
    struct fake_stack *found = find(symbols, stack);
    for (size_t i = 0; found != NULL && i < found->count; i++) {
        if (!found->frames[i].wrapper)
            return i;
    }
    return 0;
}

bool prof_symbols_path(struct prof_symbols *symbols, uint32_t stack, struct prof_path *ret)
{
    struct fake_stack *found = find(symbols, stack);
    *ret = (struct prof_path){ .site = prof_symbols_site(symbols, stack) };
    if (found == NULL)
        return false;
    ret->cut = found->cut;
    ret->count = ret->end = found->count;
    for (size_t i = 0; i < found->count; i++) {
        ret->frames[i] = &found->frames[i];
        const char *function = found->frames[i].function != NULL ? found->frames[i].function : "";
        if (i > ret->site && strcmp(function, "start_thread") == 0 && ret->end == found->count)
            ret->end = i;
        if (strcmp(function, "main") == 0)
            ret->end = i + 1;
    }
    return true;
}

const struct prof_frame *prof_symbols_site_frame(struct prof_symbols *symbols, uint32_t stack)
{
    struct fake_stack *found = find(symbols, stack);
    return found != NULL ? &found->frames[prof_symbols_site(symbols, stack)] : &nowhere;
}

/* No fake stack leads through libc. */
size_t prof_symbols_inner(struct prof_symbols *symbols, uint32_t stack)
{
    return prof_symbols_site(symbols, stack);
}

const struct prof_frame *prof_symbols_inner_frame(struct prof_symbols *symbols, uint32_t stack)
{
    return prof_symbols_site_frame(symbols, stack);
}

/* The program's variables of a thread are the 64 bytes below its thread pointer; only the first has a symbol. */
bool prof_symbols_thread_place(struct prof_symbols *symbols, uint64_t thread_pointer, uint64_t addr,
                               struct prof_place *ret)
{
    (void)symbols;
    if (addr >= thread_pointer || thread_pointer - addr > 64)
        return false;
    uint64_t offset = addr - (thread_pointer - 64);
    *ret = (struct prof_place){
        .kind = PROF_PLACE_GLOBAL, .name = offset < 32 ? "cache" : NULL, .module = "app", .offset = offset
    };
    return true;
}

void prof_symbols_place(struct prof_symbols *symbols, uint64_t time_us, uint64_t addr, struct prof_place *ret)
{
    (void)time_us;
    *ret = (struct prof_place){ .kind = PROF_PLACE_UNKNOWN };
    for (size_t i = 0; i < symbols->global_count; i++) {
        if (addr - symbols->globals[i].addr < symbols->globals[i].size)
            *ret = (struct prof_place){ .kind = PROF_PLACE_GLOBAL,
                                        .name = symbols->globals[i].name,
                                        .module = "/usr/bin/app",
                                        .offset = addr - symbols->globals[i].addr };
    }
    if (addr >= MK_STACK_BASE || (addr >= symbols->stack_from && addr < symbols->stack_to))
        ret->kind = PROF_PLACE_STACK;
}

bool prof_symbols_field(struct prof_symbols *symbols, const char *type, uint64_t offset, char *buf, size_t size)
{
    for (size_t i = 0; i < symbols->field_count; i++) {
        if (symbols->fields[i].offset == offset && strcmp(symbols->fields[i].type, type) == 0) {
            snprintf(buf, size, "%s", symbols->fields[i].name);
            return true;
        }
    }
    return false;
}

bool prof_symbols_birth(struct prof_symbols *symbols, uint32_t stack, uint64_t size, struct prof_birth *ret)
{
    const char *function = prof_symbols_site_frame(symbols, stack)->function;
    for (size_t i = 0; i < symbols->birth_count; i++) {
        const struct prof_layout *layout = symbols->births[i].layout;
        if (function == NULL || strcmp(function, symbols->births[i].function) != 0 || size < layout->size)
            continue;
        *ret = (struct prof_birth){ .layout = layout, .mark = symbols->births[i].mark };
        return true;
    }
    return false;
}

const struct prof_layout *prof_symbols_layout(struct prof_symbols *symbols, const char *type, uint64_t size)
{
    for (size_t i = 0; i < symbols->birth_count; i++) {
        const struct prof_layout *layout = symbols->births[i].layout;
        if (strcmp(layout->type, type) == 0 && layout->size <= size)
            return layout;
    }
    return NULL;
}

const struct prof_layout_span *prof_layout_at(const struct prof_layout *layout, uint64_t offset)
{
    static const struct prof_layout_span none = { .kind = PROF_WORD_NONE };
    for (size_t i = 0; i < layout->span_count; i++) {
        if (offset >= layout->spans[i].start && offset < layout->spans[i].end)
            return &layout->spans[i];
    }
    return &none;
}

bool prof_layout_field(const struct prof_layout *layout, uint64_t offset, char *buf, size_t size)
{
    const struct prof_layout_span *span = prof_layout_at(layout, offset);
    if (span->pointee == NULL)
        return false;
    snprintf(buf, size, "to_%s", span->pointee);
    return true;
}

bool prof_symbols_field_sized(struct prof_symbols *symbols, const char *type, uint64_t object_size, uint64_t offset,
                              char *buf, size_t size)
{
    (void)object_size;
    return prof_symbols_field(symbols, type, offset, buf, size);
}

bool prof_symbols_shape(struct prof_symbols *symbols, uint32_t stack, uint64_t size, const uint64_t *offsets,
                        size_t count, struct prof_birth *ret)
{
    (void)stack;
    if (symbols->shape == NULL || symbols->shape->size != size)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (prof_layout_at(symbols->shape, offsets[i])->kind == PROF_WORD_NONE)
            return false;
    }
    *ret = (struct prof_birth){ .layout = symbols->shape, .mark = '~', .how = PROF_BIRTH_SHAPE };
    return true;
}
