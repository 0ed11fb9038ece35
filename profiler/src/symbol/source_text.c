/* source_text.c: reads source files with distrust: their names come from debug information. */
#include <symbol/source_text.h>

#include <symbol/image.h>
#include <symbol/state.h>

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t max_bytes = 16 << 20;

struct prof_source_text {
    const char *path; /* kept by the symbols */
    uint64_t mtime_ns;
    size_t length;
    char text[];
};

static struct prof_source_text *load(const char *symfs, const char *path)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", symfs != NULL ? symfs : "", path);
    enum prof_image_state state;
    uint64_t size, dev, ino, mtime_ns;
    int fd = length > 0 && (size_t)length < sizeof full && path[0] == '/'
                 ? prof_image_descriptor(full, &state, &size, &dev, &ino, &mtime_ns)
                 : -1;
    struct prof_source_text *text = fd >= 0 && size <= max_bytes ? malloc(sizeof *text + size) : NULL;
    if (text != NULL) {
        *text = (struct prof_source_text){ .path = path, .mtime_ns = mtime_ns };
        ssize_t got;
        while (text->length < size && (got = read(fd, text->text + text->length, size - text->length)) > 0)
            text->length += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

uint64_t prof_source_module_time(const char *path)
{
    enum prof_image_state state;
    uint64_t size, dev, ino, mtime_ns = 0;
    int fd = path != NULL ? prof_image_descriptor(path, &state, &size, &dev, &ino, &mtime_ns) : -1;
    if (fd >= 0)
        close(fd);
    return mtime_ns;
}

/* The source of a frame, when it is not newer than the module. NULL: none, or it says nothing. */
static const struct prof_source_text *text_of(struct prof_symbols *symbols, const struct prof_frame *frame,
                                              uint64_t module_ns)
{
    if (frame->file == NULL || frame->line == 0)
        return NULL;
    if (symbols->source_path != frame->file) { // paths are interned
        free(symbols->source_text);
        symbols->source_text = load(symbols->symfs, frame->file);
        symbols->source_path = frame->file;
    }
    const struct prof_source_text *text = symbols->source_text;
    return text != NULL && text->mtime_ns <= module_ns ? text : NULL;
}

bool prof_source_statement(struct prof_symbols *symbols, const struct prof_birth_code *code, struct prof_statement *ret)
{
    const struct prof_source_text *text = text_of(symbols, code->frame, code->mtime_ns);
    return text != NULL && prof_statement_read(text->text, text->length, code->frame->line, code->frame->column, ret);
}

bool prof_symbols_line(struct prof_symbols *symbols, const struct prof_frame *frame, int32_t offset, char *buf,
                       size_t size)
{
    const struct prof_source_text *text = NULL;
    int64_t wanted = (int64_t)frame->line + offset;
    for (const struct prof_file_entry *entry = symbols->files; entry != NULL && text == NULL; entry = entry->hh.next)
        if (strcmp(entry->file->path, frame->module) == 0 && entry->file->state == PROF_IMAGE_GOOD)
            text = text_of(symbols, frame, prof_source_module_time(entry->file->opened_path));
    if (text == NULL || wanted < 1)
        return false;
    const char *at = text->text, *end = at + text->length;
    for (int64_t line = 1; line < wanted && at != NULL; line++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || at == end)
        return false;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop != NULL ? stop : end;
    while (at < stop && isspace((unsigned char)*at))
        at++;
    while (stop > at && isspace((unsigned char)stop[-1]))
        stop--;
    if ((size_t)(stop - at) >= size || memchr(at, '\0', (size_t)(stop - at)) != NULL)
        return false;
    memcpy(buf, at, (size_t)(stop - at));
    buf[stop - at] = '\0';
    return true;
}

void prof_source_deinit(struct prof_symbols *symbols)
{
    free(symbols->source_text);
    symbols->source_text = NULL;
}
