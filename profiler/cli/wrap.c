/* wrap.c: breaks text and whole pages into lines. */
#include "opt.h"

#include <string.h>

static void wrap(FILE *out, const char *text, size_t length, unsigned column, unsigned indent, unsigned width)
{
    const char *end = text + length;
    bool begin = true;
    while (text < end) {
        if (*text == '\n') {
            fputc('\n', out);
            text++;
            column = 0;
            begin = true;
            continue;
        }
        if (*text == ' ') {
            text++;
            continue;
        }
        size_t word = 1;
        while (text + word < end && text[word] != ' ' && text[word] != '\n')
            word++;
        if (!begin && width != 0 && column + 1 + word > width) {
            fputc('\n', out);
            column = 0;
            begin = true;
        }
        if (begin) {
            for (; column < indent; column++)
                fputc(' ', out);
        } else {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, word, out);
        column += (unsigned)word;
        text += word;
        begin = false;
    }
    fputc('\n', out);
}

void cli_wrap_text(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width)
{
    wrap(out, text, strlen(text), column, indent, width);
}

/* Where the explanation begins in "word   explanation": behind the first two blanks; 0: nowhere. */
static size_t hanging(const char *line, size_t length)
{
    size_t i = strspn(line, " ");
    while (i + 1 < length && !(line[i] == ' ' && line[i + 1] == ' '))
        i++;
    if (i + 1 >= length)
        return 0;
    return i + strspn(line + i, " ");
}

void cli_wrap_page(FILE *out, const char *text, unsigned width)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n"), hang = hanging(line, length);
        fwrite(line, 1, hang, out);
        if (*line == ' ' && hang == 0)
            fprintf(out, "%.*s\n", (int)length, line);
        else
            wrap(out, line + hang, length - hang, (unsigned)hang, (unsigned)hang, width);
        line += length;
        line += *line == '\n';
    }
}
