/* pager.c: standard output and its pager. Only a terminal gets a pager, and `less -FIRX` leaves at once when everything
 * fits on the screen. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool terminal(const FILE *file)
{
    const char *term = getenv("TERM");
    return isatty(fileno((FILE *)file)) && (term == NULL || strcmp(term, "dumb") != 0);
}

static bool color_wanted(const struct cli_common *common, FILE *file)
{
    if (common->color != CLI_AUTO)
        return common->color == CLI_ALWAYS;
    const char *force = getenv("FORCE_COLOR"), *no = getenv("NO_COLOR");
    if (force != NULL && *force != '\0')
        return strcmp(force, "0") != 0;
    if (no != NULL && *no != '\0')
        return false;
    return terminal(file);
}

void cli_out_init(struct cli_out *out, const struct cli_common *common, FILE *file)
{
    *out = (struct cli_out){ .file = file, .units = (enum prof_units)common->units };
    out->color = color_wanted(common, file);
    struct winsize size;
    if (common->width != 0)
        out->width = common->width > 10000 ? 10000 : (unsigned)common->width;
    else if (common->plain || (common->verbose && !isatty(fileno(file))))
        out->width = 0; /* nobody scrolls sideways in a file: whoever wants detail gets all of it */
    else if (isatty(fileno(file)) && ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
        out->width = size.ws_col;
    else
        out->width = 100;
}

/* Becomes the pager, reading from `input`. Does not return. */
static void become_pager(int input, const char *command)
{
    dup2(input, STDIN_FILENO);
    close(input);
    signal(SIGPIPE, SIG_DFL);
    if (command != NULL)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    else
        execlp("less", "less", "-FIRX", (char *)NULL);
    /* no less: copy, so that the output is not lost */
    execlp("cat", "cat", (char *)NULL);
    _exit(127);
}

void cli_out_open(struct cli_out *out, const struct cli_common *common)
{
    cli_out_init(out, common, stdout);
    const char *command = getenv("PAGER");
    if (common->no_pager || common->format != CLI_FORMAT_TEXT || !terminal(stdout) ||
        (command != NULL && (*command == '\0' || strcmp(command, "cat") == 0)))
        return;
    int pipes[2];
    if (pipe(pipes) != 0)
        return;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[1]);
        become_pager(pipes[0], command);
    }
    close(pipes[0]);
    FILE *file = pid > 0 ? fdopen(pipes[1], "w") : NULL;
    if (file == NULL) {
        close(pipes[1]);
        return;
    }
    /* whoever leaves the pager early has seen enough */
    signal(SIGPIPE, SIG_IGN);
    out->file = file;
    out->pager = pid;
}

int cli_out_close(struct cli_out *out)
{
    int code = CLI_OK;
    bool failed = fflush(out->file) != 0 || ferror(out->file);
    int err = errno;
    if (out->pager != 0) {
        fclose(out->file);
        while (waitpid(out->pager, NULL, 0) < 0 && errno == EINTR)
            ;
    } else if (failed && err != EPIPE) {
        cli_warn("cannot write the result: %s", strerror(err));
        code = CLI_UNREADABLE;
    }
    *out = (struct cli_out){ .file = stdout };
    return code;
}
