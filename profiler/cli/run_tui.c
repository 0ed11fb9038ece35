/* run_tui.c: the two processes of `reftrack run --tui`. See run_tui.h. */
#include "run_tui.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { RUN_FAILED = 125, STEP_MS = 250, COLUMNS = 80, ROWS = 24, SERIAL_MAX = 9999 };
enum { SAY = 'S' }; /* to the recording process: the terminal is free, say how it ended */

/* To the process with the terminal, once. */
struct news {
    pid_t pid;
    char path[4096], output[4096];
};

/* ---- The process that records: the program's terminal and its file ---- */

/* A terminal that translates nothing. Its end for the program is in *ret_program. -1: there is none. */
static int open_terminal(int *ret_program)
{
    struct termios modes;
    const struct winsize size = { .ws_col = COLUMNS, .ws_row = ROWS };
    int here = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    if (here < 0)
        return -1;
    int there = grantpt(here) == 0 && unlockpt(here) == 0 && ptsname_r(here, name, sizeof name) == 0
                    ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
                    : -1;
    if (there < 0) {
        close(here);
        return -1;
    }
    if (tcgetattr(there, &modes) == 0) {
        modes.c_oflag &= ~(tcflag_t)OPOST;
        modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        tcsetattr(there, TCSANOW, &modes);
    }
    ioctl(there, TIOCSWINSZ, &size);
    *ret_program = there;
    return here;
}

static bool open_files(struct run_tui *tui)
{
    int there = -1;
    tui->terminal = -1;
    for (int i = 0; i < 3; i++)
        tui->files[i] = -1;
    if (isatty(STDIN_FILENO))
        tui->files[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (isatty(STDOUT_FILENO) || isatty(STDERR_FILENO))
        tui->terminal = open_terminal(&there);
    for (int i = 1; i < 3 && there >= 0; i++)
        if (isatty(i))
            tui->files[i] = there;
    return tui->terminal >= 0 || (!isatty(STDOUT_FILENO) && !isatty(STDERR_FILENO));
}

void run_tui_launch(const struct run_tui *tui, struct launch *launch)
{
    if (tui->link < 0)
        return;
    memcpy(launch->files, tui->files, sizeof launch->files);
    launch->session = true;
}

/* "dir/app.out" for a trace dir/app.trk; else the program's name and process id, in the folder of the traces. */
static char *output_name(const char *out, const char *program, pid_t pid, unsigned serial)
{
    struct stat st;
    char *name = NULL, number[16] = "";
    const char *base = strrchr(program, '/');
    bool folder = out != NULL && stat(out, &st) == 0 && S_ISDIR(st.st_mode);
    size_t length = out != NULL ? strlen(out) : 0;
    if (serial > 0)
        snprintf(number, sizeof number, ".%u", serial);
    if (length > 4 && strcmp(out + length - 4, ".trk") == 0)
        length -= 4;
    int n = out != NULL && !folder && strchr(out, '%') == NULL
                ? asprintf(&name, "%.*s%s.out", (int)length, out, number)
                : asprintf(&name, "%s%s%s.%d%s.out", folder ? out : "", folder ? "/" : "",
                           base != NULL ? base + 1 : program, (int)pid, number);
    return n >= 0 ? name : NULL;
}

static int create_output(struct run_tui *tui, const char *out, const char *program, pid_t pid)
{
    int fd = -1;
    for (unsigned serial = 0; fd < 0 && serial < SERIAL_MAX; serial++) {
        free(tui->output);
        tui->output = output_name(out, program, pid, serial);
        if (tui->output == NULL)
            return -1;
        fd = open(tui->output, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

/* Until nobody can write there any more. What does not fit is left out; the program never waits for it. */
static void relay(int from, int to)
{
    char bytes[65536];
    ssize_t n;
    dup2(from, STDIN_FILENO);
    if (to >= 0)
        dup2(to, STDOUT_FILENO);
    close_range(STDERR_FILENO, ~0u, 0); /* nothing of the recorder's lives on here */
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        for (ssize_t done = 0, part = 0; to >= 0 && done < n; done += part)
            if ((part = write(STDOUT_FILENO, bytes + done, (size_t)(n - done))) <= 0)
                break;
    _exit(0);
}

void run_tui_started(struct run_tui *tui, const struct cli_common *common, const char *program, pid_t pid)
{
    if (tui->link < 0 || tui->terminal < 0)
        return;
    int fd = create_output(tui, common->record.output, program, pid);
    if (fd < 0) {
        free(tui->output);
        tui->output = NULL;
    }
    for (int i = 0; i < 3; i++) /* the program has them, and is the only one */
        if (tui->files[i] >= 0 && (i < 2 || tui->files[i] != tui->files[1]))
            close(tui->files[i]);
    pid_t child = fork();
    if (child == 0)
        relay(tui->terminal, fd);
    close(tui->terminal);
    if (fd >= 0)
        close(fd);
    tui->terminal = -1;
}

void run_tui_tell(struct run_tui *tui, const struct recorder *rec, pid_t pid)
{
    const struct rec_result *const *results;
    static struct news news;
    size_t count = tui->link >= 0 && !tui->told ? rec_results(rec, &results) : 0;
    for (size_t i = 0; i < count && !tui->told; i++) {
        if (results[i]->pid != pid || results[i]->path == NULL)
            continue;
        news.pid = pid;
        snprintf(news.path, sizeof news.path, "%s", results[i]->path);
        snprintf(news.output, sizeof news.output, "%s", tui->output != NULL ? tui->output : "");
        tui->told = send(tui->link, &news, sizeof news, MSG_NOSIGNAL) == (ssize_t)sizeof news;
    }
}

bool run_tui_wait(struct run_tui *tui, struct recorder *rec)
{
    char what = 0;
    if (tui->link < 0)
        return true;
    while (!rec_step(rec, tui->link, STEP_MS))
        continue;
    return recv(tui->link, &what, 1, MSG_DONTWAIT) == 1 && what == SAY;
}

void run_tui_end(struct run_tui *tui)
{
    if (tui->link >= 0)
        close(tui->link);
    free(tui->output);
    tui->link = -1;
    tui->output = NULL;
}

/* ---- The process with the terminal ---- */

static volatile pid_t recording;

static void hand_on(int signal)
{
    kill(recording, signal);
}

/* The viewer has the terminal, whatever the standard files are. */
static pid_t start_viewer(const struct viewer *viewer)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
        int terminal = isatty(fd) ? -1 : open("/dev/tty", O_RDWR);
        if (terminal >= 0) {
            dup2(terminal, fd);
            close(terminal);
        }
    }
    _exit(viewer_exec(viewer));
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int conclude(int link)
{
    char what = SAY;
    (void)!send(link, &what, 1, MSG_NOSIGNAL);
    return wait_for(recording);
}

static int show(int link, const struct cli_common *common, const struct viewer_args *args, const char *program)
{
    static struct news news;
    ssize_t n;
    char name[256];
    while ((n = recv(link, &news, sizeof news, 0)) < 0 && errno == EINTR)
        continue;
    if (n != (ssize_t)sizeof news) /* it ended, or was never recorded: that was said */
        return conclude(link);
    const struct viewer viewer = { .common = common,
                                   .args = args,
                                   .path = news.path,
                                   .pid = (uint32_t)news.pid,
                                   .recorder = (uint32_t)recording,
                                   .output = news.output[0] != '\0' ? news.output : NULL,
                                   .started = true };
    pid_t pid = start_viewer(&viewer);
    int code = pid > 0 ? wait_for(pid) : CLI_UNREADABLE;
    prof_escape_terminal(name, sizeof name, program);
    if (code == VIEWER_LEAVES) {
        cli_warn("%s runs on as process %d and is recorded; 'reftrack top --pid %d' shows it again", name,
                 (int)news.pid, (int)news.pid);
        return CLI_OK;
    }
    if (code == VIEWER_ENDS) {
        cli_warn("%s was asked to end (SIGTERM); Ctrl-C interrupts it", name);
        kill(recording, SIGTERM);
    } else if (code != CLI_OK) {
        cli_warn("the viewer is gone; %s runs on, Ctrl-C interrupts it", name);
    }
    code = conclude(link);
    if (news.output[0] != '\0' && !common->quiet)
        cli_warn("what %s wrote is in %s", name, news.output);
    return code;
}

int run_tui_begin(struct run_tui *tui, const struct cli_common *common, const struct viewer_args *args,
                  const char *program)
{
    static const int handed[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    int ends[2], terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) {
        cli_usage(cli_command_find("run"), "--tui needs a terminal");
        return RUN_FAILED;
    }
    close(terminal);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || (recording = fork()) < 0) {
        cli_error(prof_error_os(errno, "start", "a process", NULL));
        return RUN_FAILED;
    }
    if (recording == 0) {
        close(ends[0]);
        tui->link = ends[1];
        setsid();
        if (open_files(tui))
            return -1;
        cli_error(prof_error_os(errno, "open", "a terminal for the program", NULL));
        return RUN_FAILED;
    }
    close(ends[1]);
    for (size_t i = 0; i < sizeof handed / sizeof *handed; i++)
        signal(handed[i], hand_on);
    int code = show(ends[0], common, args, program);
    close(ends[0]);
    return code;
}
