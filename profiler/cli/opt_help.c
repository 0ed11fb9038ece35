/* opt_help.c: the help page of a command, from its tables. */
#include "opt.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, OPTION_COLUMN = 26 };

static unsigned help_width(FILE *out)
{
    struct winsize size;
    if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col > 110 ? 110 : size.ws_col;
    return WIDTH_DEFAULT;
}

/* "-n, --top N" */
static size_t option_words(char *buf, size_t size, const struct cli_option *option)
{
    char letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *argument = option->argument != NULL ? option->argument : "";
    return (size_t)snprintf(buf, size, "  %s--%s%s%s", letter, option->name, *argument != '\0' ? " " : "", argument);
}

struct help_context {
    FILE *out;
    unsigned width;
};

static void help_option(void *ctx, const struct cli_option *option)
{
    struct help_context *help = ctx;
    char words[128];
    size_t length = option_words(words, sizeof words, option);
    fputs(words, help->out);
    unsigned column = (unsigned)length;
    if (column + 2 > OPTION_COLUMN) {
        fputc('\n', help->out);
        column = 0;
    }
    cli_wrap_text(help->out, option->help, column, OPTION_COLUMN, help->width);
}

void cli_help_command(FILE *out, const struct cli_command *command)
{
    struct help_context help = { .out = out, .width = help_width(out) };
    fprintf(out, "reftrack %s: %s\n\n", command->name, command->summary);
    fprintf(out, "usage: reftrack %s [options]%s%s\n", command->name, *command->synopsis != '\0' ? " " : "",
            command->synopsis);
    if (command->examples != NULL) {
        fputs("\nexamples:\n", out);
        for (const char *const *example = command->examples; *example != NULL; example += 2) {
            fprintf(out, "  %s\n", example[0]);
            fputs("      ", out);
            cli_wrap_text(out, example[1], 6, 6, help.width);
        }
    }
    if (command->about != NULL && *command->about != '\0') {
        fputc('\n', out);
        cli_wrap_text(out, command->about, 0, 0, help.width);
    }
    fputs("\noptions:\n", out);
    cli_option_each(command, help_option, &help);
}
