/* source_text.c: reads source files with distrust: their names come from debug information. */
#include <symbol/source_text.h>

#include <symbol/image.h>
#include <symbol/state.h>

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

bool prof_source_statement(struct prof_symbols *symbols, const struct prof_birth_code *code, struct prof_statement *ret)
{
    const struct prof_frame *frame = code->frame;
    if (frame->file == NULL || frame->line == 0)
        return false;
    if (symbols->source_path != frame->file) { // paths are interned
        free(symbols->source_text);
        symbols->source_text = load(code->symfs, frame->file);
        symbols->source_path = frame->file;
    }
    const struct prof_source_text *text = symbols->source_text;
    return text != NULL && text->mtime_ns <= code->mtime_ns &&
           prof_statement_read(text->text, text->length, frame->line, frame->column, ret);
}

void prof_source_deinit(struct prof_symbols *symbols)
{
    free(symbols->source_text);
    symbols->source_text = NULL;
}
