/* wrap.c: breaks text into lines. */
#include "opt.h"

#include <string.h>

void cli_wrap_text(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width)
{
    bool begin = true;
    while (*text != '\0') {
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
        size_t word = strcspn(text, " \n");
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
