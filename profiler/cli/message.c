/* message.c: messages on stderr, one line each. */
#include "cli.h"

#include <stdarg.h>

enum { MESSAGE_MAX = 4096 };

void cli_warn(const char *format, ...)
{
    char raw[MESSAGE_MAX], shown[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    fprintf(stderr, "reftrack: %s\n", prof_escape_terminal(shown, sizeof shown, raw));
}

int cli_error(struct prof_error *error)
{
    int code = CLI_UNREADABLE;
    if (error->code == PROF_ERROR_SYNTAX || error->code == PROF_ERROR_ARGUMENT || error->code == PROF_ERROR_NOT_FOUND)
        code = CLI_USAGE;
    if (error->code != PROF_ERROR_CANCELLED)
        cli_warn("%s", error->message);
    prof_error_destroy(error);
    return code;
}
