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
    enum prof_source_state state;
    char opened[PATH_MAX];
    uint64_t mtime_ns;
    size_t length;
    char text[];
};

/* Of that size; NULL without memory. */
static struct prof_source_text *make(const char *path, const char *opened, enum prof_source_state state, size_t size)
{
    struct prof_source_text *text = malloc(sizeof *text + size);
    if (text == NULL)
        return NULL;
    *text = (struct prof_source_text){ .path = path, .state = state };
    snprintf(text->opened, sizeof text->opened, "%s", opened);
    return text;
}

static struct prof_source_text *load(const char *symfs, const char *path)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", symfs != NULL ? symfs : "", path);
    enum prof_image_state state;
    uint64_t size, dev, ino, mtime_ns;
    if (path[0] != '/' || length <= 0 || (size_t)length >= sizeof full)
        return make(path, "", PROF_SOURCE_RELATIVE, 0);
    int fd = prof_image_descriptor(full, &state, &size, &dev, &ino, &mtime_ns);
    if (fd < 0)
        return make(path, full, PROF_SOURCE_NONE, 0);
    bool large = size > max_bytes;
    struct prof_source_text *text = make(path, full, large ? PROF_SOURCE_LARGE : PROF_SOURCE_GOOD, large ? 0 : size);
    if (text != NULL && !large) {
        ssize_t got;
        text->mtime_ns = mtime_ns;
        while (text->length < size && (got = read(fd, text->text + text->length, size - text->length)) > 0)
            text->length += (size_t)got;
        if (memchr(text->text, '\0', text->length) != NULL)
            text->state = PROF_SOURCE_BINARY;
    }
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

/* The file of a frame, read if it is another one than the last. NULL without memory. */
static const struct prof_source_text *file_of(struct prof_symbols *symbols, const struct prof_frame *frame)
{
    if (symbols->source_path != frame->file) { // paths are interned
        free(symbols->source_text);
        symbols->source_text = load(symbols->symfs, frame->file);
        symbols->source_path = frame->file;
    }
    return symbols->source_text;
}

/* The source of a frame, when it is not newer than the module. NULL: none, or it says nothing. */
static const struct prof_source_text *text_of(struct prof_symbols *symbols, const struct prof_frame *frame,
                                              uint64_t module_ns)
{
    if (frame->file == NULL || frame->line == 0)
        return NULL;
    const struct prof_source_text *text = file_of(symbols, frame);
    return text != NULL && text->state == PROF_SOURCE_GOOD && text->mtime_ns <= module_ns ? text : NULL;
}

/* When the module of a frame was written, if it is here as it was recorded; 0: nobody knows. */
static uint64_t module_time(const struct prof_symbols *symbols, const struct prof_frame *frame)
{
    for (const struct prof_file_entry *entry = symbols->files; entry != NULL; entry = entry->hh.next)
        if (strcmp(entry->file->path, frame->module) == 0 && entry->file->state == PROF_IMAGE_GOOD)
            return prof_source_module_time(entry->file->opened_path);
    return 0;
}

void prof_symbols_source(struct prof_symbols *symbols, const struct prof_frame *frame, struct prof_source *ret)
{
    *ret = (struct prof_source){ .state = PROF_SOURCE_NONE, .path = "" };
    const struct prof_source_text *text = frame->file != NULL ? file_of(symbols, frame) : NULL;
    if (text == NULL)
        return;
    ret->state = text->state;
    ret->path = text->opened;
    if (text->state != PROF_SOURCE_GOOD)
        return;
    uint64_t module_ns = module_time(symbols, frame);
    ret->state = module_ns == 0               ? PROF_SOURCE_UNDATED
                 : text->mtime_ns > module_ns ? PROF_SOURCE_NEWER
                                              : PROF_SOURCE_GOOD;
    ret->text = text->text;
    ret->length = text->length;
}

const char *prof_source_words(enum prof_source_state state)
{
    switch (state) {
    case PROF_SOURCE_GOOD:
        break;
    case PROF_SOURCE_NEWER:
        return "was written after the program was built: its lines may have moved";
    case PROF_SOURCE_UNDATED:
        return "may be another one: the program is not here as it was recorded";
    case PROF_SOURCE_NONE:
        return "is not here, or cannot be read; --symfs says where files are";
    case PROF_SOURCE_RELATIVE:
        return "has no folder: the compiler did not say where it ran";
    case PROF_SOURCE_LARGE:
        return "has more than 16 MiB";
    case PROF_SOURCE_BINARY:
        return "is no text";
    }
    return "";
}

bool prof_source_statement(struct prof_symbols *symbols, const struct prof_birth_code *code, struct prof_statement *ret)
{
    const struct prof_source_text *text = text_of(symbols, code->frame, code->mtime_ns);
    return text != NULL && prof_statement_read(text->text, text->length, code->frame->line, code->frame->column, ret);
}

bool prof_symbols_line(struct prof_symbols *symbols, const struct prof_frame *frame, int32_t offset, char *buf,
                       size_t size)
{
    int64_t wanted = (int64_t)frame->line + offset;
    uint64_t module_ns = module_time(symbols, frame);
    const struct prof_source_text *text = module_ns != 0 ? text_of(symbols, frame, module_ns) : NULL;
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
