/* calls_lines.c: what happened at the lines of a source file: of stacks whose site is there, and of those that lead
 * through it. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

struct line {
    uint32_t number, index;
    UT_hash_handle hh;
};
struct lines {
    struct prof_calls *calls;
    const char *file, *known; /* known: the same name as frames have it, once one was met */
    struct prof_path *path;
    PROF_VEC(struct prof_calls_line) list;
    PROF_VEC(uint32_t) of_stack; /* indexes of lines that the stack was counted for */
    struct line *by_number;
    struct prof_arena arena;
    const struct prof_frame *frame;
    bool failed;
};

static bool is_here(struct lines *lines, const struct prof_frame *frame)
{
    if (frame->file == NULL || frame->line == 0)
        return false;
    if (frame->file == lines->known)
        return true;
    if (strcmp(frame->file, lines->file) != 0)
        return false;
    lines->known = frame->file;
    return true;
}

/* The index of a line; SIZE_MAX without memory. */
static size_t index_of(struct lines *lines, const struct prof_frame *frame)
{
    struct line *line = NULL;
    HASH_FIND(hh, lines->by_number, &frame->line, sizeof frame->line, line);
    if (line != NULL)
        return line->index;
    line = prof_arena_alloc(&lines->arena, sizeof *line);
    if (line == NULL || !prof_vec_push(&lines->list, (struct prof_calls_line){ .line = frame->line, .inlined = true }))
        return SIZE_MAX;
    line->number = frame->line;
    line->index = (uint32_t)lines->list.count - 1;
    HASH_ADD(hh, lines->by_number, number, sizeof line->number, line);
    return line->hh.tbl != NULL ? line->index : SIZE_MAX;
}

static bool was_counted(const struct lines *lines, size_t index)
{
    for (size_t i = 0; i < lines->of_stack.count; i++)
        if (lines->of_stack.items[i] == index)
            return true;
    return false;
}

static void add_way(struct lines *lines, const struct way *way)
{
    if (way->stack == 0 || !prof_symbols_path(lines->calls->view->symbols, way->stack, lines->path))
        return;
    lines->of_stack.count = 0;
    for (size_t i = 0; i < lines->path->end && !lines->failed; i++) {
        const struct prof_frame *frame = lines->path->frames[i];
        if (!is_here(lines, frame))
            continue;
        size_t index = index_of(lines, frame);
        if (index == SIZE_MAX) {
            lines->failed = true;
            return;
        }
        struct prof_calls_line *line = &lines->list.items[index];
        lines->frame = lines->frame != NULL ? lines->frame : frame;
        line->inlined &= frame->inlined;
        if (i == lines->path->site)
            stack_sums_add(&line->site, &way->sum);
        if (was_counted(lines, index))
            continue;
        stack_sums_add(&line->any, &way->sum);
        lines->failed = !prof_vec_push(&lines->of_stack, (uint32_t)index);
    }
}

static int by_number(const void *left, const void *right)
{
    const struct prof_calls_line *a = left, *b = right;
    return (a->line > b->line) - (a->line < b->line);
}

struct prof_error *prof_calls_lines(struct prof_calls *calls, const char *file, struct prof_calls_line **ret,
                                    size_t *ret_count, const struct prof_frame **ret_frame)
{
    struct lines lines = { .calls = calls, .file = file, .path = calloc(1, sizeof *lines.path) };
    prof_arena_init(&lines.arena);
    lines.failed = lines.path == NULL;
    for (size_t i = 0; i < calls->ways.count && !lines.failed; i++)
        add_way(&lines, &calls->ways.items[i]);
    if (lines.list.count > 1)
        qsort(lines.list.items, lines.list.count, sizeof *lines.list.items, by_number);
    HASH_CLEAR(hh, lines.by_number); /* the entries lie in the arena */
    prof_arena_deinit(&lines.arena);
    prof_vec_deinit(&lines.of_stack);
    free(lines.path);
    if (lines.failed) {
        prof_vec_deinit(&lines.list);
        return prof_error_memory();
    }
    *ret = lines.list.items;
    *ret_count = lines.list.count;
    *ret_frame = lines.frame;
    return NULL;
}

struct prof_error *prof_calls_line_stacks(struct prof_calls *calls, const char *file, uint32_t line, bool any,
                                          void (*each)(void *ctx, uint32_t stack), void *ctx)
{
    struct lines lines = { .file = file, .path = calloc(1, sizeof *lines.path) };
    if (lines.path == NULL)
        return prof_error_memory();
    for (size_t i = 0; i < calls->ways.count; i++) {
        uint32_t stack = calls->ways.items[i].stack;
        bool found = false;
        if (stack == 0 || !prof_symbols_path(calls->view->symbols, stack, lines.path))
            continue;
        for (size_t k = any ? 0 : lines.path->site; k < (any ? lines.path->end : lines.path->site + 1); k++)
            found |= lines.path->frames[k]->line == line && is_here(&lines, lines.path->frames[k]);
        if (found)
            each(ctx, stack);
    }
    free(lines.path);
    return NULL;
}
