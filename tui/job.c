/* job.c: commands of reftrack that the viewer starts. See job.h. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app.h"

enum { WORDS_MOST = 16 };

/* Its standard files are nobody's terminal. */
static void child_side(const char *command, const char *const *words, int out)
{
    char *argv[WORDS_MOST + 2] = { (char *)command };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; words[i] != NULL && i < WORDS_MOST; i++)
        argv[i + 1] = (char *)words[i];
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(command, argv);
    _exit(127);
}

void tui_job_start(struct tui_app *app, const char *const *words, const char *done)
{
    struct tui_job *job = &app->job;
    int ends[2];
    if (job->pid != 0) {
        tui_app_say(app, TUI_WARN, "the command before this one is not done yet");
        return;
    }
    if (app->command == NULL || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        tui_app_say(app, TUI_BAD, "no command can be started");
        return;
    }
    *job = (struct tui_job){ .fd = ends[0], .pid = fork() };
    if (job->pid == 0)
        child_side(app->command, words, ends[1]);
    close(ends[1]);
    if (job->pid < 0) {
        close(ends[0]);
        job->pid = 0;
        tui_app_say(app, TUI_BAD, "no command can be started: %s", strerror(errno));
        return;
    }
    snprintf(job->done, sizeof job->done, "%s", done);
}

static void conclude(struct tui_app *app, int status)
{
    struct tui_job *job = &app->job;
    static const char prefix[] = "reftrack: ";
    const char *said = job->said;
    job->said[strcspn(job->said, "\n")] = '\0';
    if (strncmp(said, prefix, sizeof prefix - 1) == 0)
        said += sizeof prefix - 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        tui_app_say(app, TUI_GOOD, "%s", job->done);
    else
        tui_app_say(app, TUI_BAD, "%s", said[0] != '\0' ? said : "the command failed and does not say why");
    tui_source_refresh(app->source);
}

bool tui_job_step(struct tui_app *app)
{
    struct tui_job *job = &app->job;
    char more[TUI_JOB_WORDS];
    ssize_t n;
    int status;
    if (job->pid == 0)
        return false;
    while ((n = read(job->fd, more, sizeof more)) > 0) {
        size_t room = sizeof job->said - 1 - job->length, take = (size_t)n < room ? (size_t)n : room;
        memcpy(job->said + job->length, more, take);
        job->length += take;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (waitpid(job->pid, &status, 0) != job->pid) /* it said all that it will: it ends */
        status = 0;
    tui_job_deinit(job);
    conclude(app, status);
    return true;
}

void tui_job_deinit(struct tui_job *job)
{
    if (job->pid != 0)
        close(job->fd);
    job->pid = 0;
}
