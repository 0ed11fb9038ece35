/* opt_man.c: the man page of a command in mdoc, from the same tables as its --help. */
#include "opt.h"

#include <string.h>

/* Text inside a line: backslashes and hyphens escaped. */
static void inline_text(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
    }
}

/* Text at the beginning of a line: what would be a request is defused. */
static void line_text(FILE *out, const char *text, size_t length)
{
    if (length != 0 && (text[0] == '.' || text[0] == '\''))
        fputs("\\&", out);
    inline_text(out, text, length);
}

/* One line for each sentence, as mdoc wants it; an empty line begins a paragraph. */
static void paragraphs(FILE *out, const char *text)
{
    while (*text != '\0') {
        if (text[0] == '\n') {
            text++;
            if (text[0] == '\n')
                text++;
            fputs(".Pp\n", out);
            continue;
        }
        size_t length = 0;
        while (text[length] != '\0' && text[length] != '\n' &&
               !(text[length] == ' ' && length != 0 && text[length - 1] == '.'))
            length++;
        line_text(out, text, length);
        fputc('\n', out);
        text += length;
        if (*text == ' ')
            text++;
        else if (*text == '\n' && text[1] != '\n')
            text++;
    }
}

static void option(void *ctx, const struct cli_option *option)
{
    FILE *out = ctx;
    fputs(".It ", out);
    if (option->letter != 0)
        fprintf(out, "Fl %c , ", option->letter);
    fputs("Fl \\-", out);
    inline_text(out, option->name, strlen(option->name));
    if (option->argument != NULL)
        fprintf(out, " Ar %s", option->argument);
    fputc('\n', out);
    line_text(out, option->help, strlen(option->help));
    if (option->choices != NULL) {
        fputs(" (", out);
        for (const char *choice = option->choices; *choice != '\0'; choice++)
            fputs(*choice == '|' ? ", " : (char[2]){ *choice, '\0' }, out);
        fputc(')', out);
    }
    fputs(".\n", out);
}

/* "[TRACE] [TYPE]" as arguments, brackets and dots kept as they are. */
static void synopsis(FILE *out, const char *words)
{
    if (*words == '\0')
        return;
    fputs(".Ar ", out);
    inline_text(out, words, strlen(words));
    fputc('\n', out);
}

void cli_help_man(FILE *out, const struct cli_command *command)
{
    fputs(".\\\" Written from the option tables of reftrack.\n.Dd November 20, 2026\n.Dt REFTRACK-", out);
    for (const char *c = command->name; *c != '\0'; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fprintf(out, " 1\n.Os\n.Sh NAME\n.Nm reftrack-%s\n.Nd ", command->name);
    inline_text(out, command->summary, strlen(command->summary));
    fprintf(out, "\n.Sh SYNOPSIS\n.Nm reftrack %s\n.Op Ar options\n", command->name);
    synopsis(out, command->synopsis);
    fputs(".Sh DESCRIPTION\n", out);
    paragraphs(out, command->about != NULL && *command->about != '\0' ? command->about : command->summary);
    fputs(".Pp\nThe options are as follows:\n.Bl -tag -width Ds\n", out);
    cli_option_each(command, option, out);
    fputs(".El\n", out);
    if (command->examples != NULL) {
        fputs(".Sh EXAMPLES\n", out);
        for (const char *const *example = command->examples; *example != NULL; example += 2) {
            paragraphs(out, example[1]);
            fputs(".Pp\n.Dl ", out);
            inline_text(out, example[0], strlen(example[0]));
            fputs(example[2] != NULL ? "\n.Pp\n" : "\n", out);
        }
    }
    fputs(".Sh SEE ALSO\n.Xr reftrack 1\n", out);
}
