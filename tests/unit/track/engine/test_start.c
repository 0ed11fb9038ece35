/* test_start.c: how a recording begins, or does not: options, handshakes that go wrong, one engine per process,
 * privileged programs, a recorder of one's own, objects loaded later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "testrec.h"

static const char *self;

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Runs a program with TRACK_OPTIONS; returns its output, which the caller frees. */
static char *run_with(const char *options, const char *preload, const char *command, int *ret_status)
{
    char *text = NULL;
    size_t size = 0;
    if (options)
        setenv("TRACK_OPTIONS", options, 1);
    if (preload)
        setenv("LD_PRELOAD", preload, 1);
    char *full = NULL;
    assert_true(asprintf(&full, "exec %s 2>&1", command) > 0);
    FILE *f = popen(full, "r");
    unsetenv("TRACK_OPTIONS");
    unsetenv("LD_PRELOAD");
    FILE *m = open_memstream(&text, &size);
    for (int c; (c = getc(f)) != EOF;)
        putc(c, m);
    fclose(m);
    *ret_status = pclose(f);
    free(full);
    return text;
}

static void expect_output(const char *options, const char *command, const char *const *lines)
{
    int status;
    char *text = run_with(options, NULL, command, &status);
    assert_int_equal(status, 0);
    for (; *lines; lines++) {
        if (**lines == '!' ? strstr(text, *lines + 1) != NULL : strstr(text, *lines) == NULL)
            fail_msg("expected %s in:\n%s", *lines, text);
    }
    free(text);
}

static void idle(void **state)
{
    (void)state;
    const char *quiet[] = { "recording=0", "!libtrack", NULL };
    expect_output(NULL, TARGET " idle 1000", quiet);
    expect_output("", TARGET " idle 1000", quiet);
    expect_output("active=0:out=/nonexistent/x.trk", TARGET " idle 1000", quiet);
    expect_output("sock=/nonexistent/sock", TARGET " idle 1000", quiet);
    const char *without[] = { "recording=-1", NULL };
    expect_output("sock=/nonexistent/sock", TARGET_WEAK " idle 1000", without);
}

static void idle_is_cheap(void **state)
{
    (void)state;
    int status;
    char *text = run_with(NULL, NULL, TARGET " idle 20000000", &status);
    const char *ns = strstr(text, "ns=");
    assert_non_null(ns);
    assert_in_range(strtoll(ns + 3, NULL, 10), 0, 20000000LL * 5); /* one load and branch; the bound is for noise */
    free(text);
}

static void options_are_explained(void **state)
{
    (void)state;
    const char *unknown[] = { "libtrack: unknown option 'foo'", "help=1", "recording=0", NULL };
    expect_output("foo=1", TARGET " idle 1", unknown);
    expect_output("wrapper=a:b:foo", TARGET " idle 1", (const char *[]){ "!libtrack", NULL });
    expect_output("foo", TARGET " idle 1", unknown);
    const char *bad[] = { "bad value of option 'on_full'", NULL };
    expect_output("on_full=perhaps", TARGET " idle 1", bad);
    const char *help[] = { "on_full", "stacks", "recorder", "children", "!unknown", NULL };
    expect_output("help=1", TARGET " idle 1", help);
    const char *failed[] = { "libtrack: not recording: cannot run the recorder /nonexistent",
                             "recorder=", "recording=0", NULL };
    expect_output("out=/tmp/x.trk:recorder=/nonexistent", TARGET " idle 1", failed);
}

static void wishes_are_sent(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "refs", "1", NULL };
    testrec_record(&rec, NULL, argv, "stacks=20,9:on_full=drop:block_ms=7:clock=tsc:budget=3M:children=0", NULL);
    assert_int_equal(rec.hello.wish_birth, 20);
    assert_int_equal(rec.hello.wish_ref, 9);
    assert_int_equal(rec.hello.wish_free, 0);
    assert_int_equal(rec.hello.wish_on_full, TRK_FULL_DROP + 1);
    assert_int_equal(rec.hello.wish_block_ms, 8);
    assert_int_equal(rec.hello.wish_clock, 2);
    assert_int_equal(rec.hello.wish_budget, 3 << 20);
    assert_int_equal(rec.hello.follow, 1);
    testrec_deinit(&rec);
}

/* ---- Handshakes that go wrong
 * ---------------------------------------------------------------------------------------- */

struct answer {
    struct trk_welcome welcome;
    size_t size;
    int fds[3];
    int fd_count;
};

/* Starts the target, answers its hello with this, and returns what it said about recording. */
static int64_t answer_with(struct testrec *rec, const struct answer *a)
{
    const char *argv[] = { TARGET, "alone", "1000", NULL };
    struct trk_hello hello;
    int out;
    pid_t pid = testrec_spawn(rec, argv, NULL, NULL, &out);
    int fd = accept4(rec->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(recv(fd, &hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(hello.magic, TRK_HELLO_MAGIC);
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof a->fds)];
    } control = { 0 };
    struct trk_welcome welcome = a->welcome;
    struct iovec iov = { &welcome, a->size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (a->fd_count) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)a->fd_count);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)a->fd_count);
        memcpy(CMSG_DATA(&control.head), a->fds, sizeof(int) * (size_t)a->fd_count);
    }
    if (a->size)
        sendmsg(fd, &msg, MSG_NOSIGNAL);
    close(fd);
    free(rec->output);
    rec->output = NULL;
    rec->output_size = 0;
    testrec_finish(rec, pid, out, 20);
    assert_int_equal(rec->status, 0);
    assert_int_equal(testrec_said(rec, "fds"), 0); /* nothing stays open */
    return testrec_said(rec, "recording");
}

static void bad_welcomes(void **state)
{
    (void)state;
    struct testrec rec;
    testrec_init(&rec, NULL);
    struct answer good = {
        { TRK_WELCOME_MAGIC, TRK_SHM_ABI, rec.bytes }, sizeof(struct trk_welcome), { rec.memfd }, 1
    };
    struct answer a = good;
    a.size = 0; /* closes without a word */
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.size = 8;
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.welcome.magic ^= 1;
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.welcome.abi++;
    a.fd_count = 0;
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.fd_count = 0;
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.welcome.bytes += 4096; /* longer than the file */
    assert_int_equal(answer_with(&rec, &a), 0);
    a = good;
    a.welcome.bytes = 100;
    assert_int_equal(answer_with(&rec, &a), 0);
    int unsealed = memfd_create("unsealed", MFD_CLOEXEC);
    assert_int_equal(ftruncate(unsealed, (off_t)rec.bytes), 0);
    a = good;
    a.fds[0] = unsealed;
    assert_int_equal(answer_with(&rec, &a), 0);
    rec.hdr->flags ^= TRK_SHM_HIGH; /* another encoding of addresses than was asked for */
    a = good;
    assert_int_equal(answer_with(&rec, &a), 0);
    rec.hdr->flags ^= TRK_SHM_HIGH;
    a = good;
    a.fds[1] = a.fds[2] = unsealed; /* more than one: the others are closed */
    a.fd_count = 3;
    assert_int_equal(answer_with(&rec, &a), 1);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 1000);
    close(unsealed);
    testrec_deinit(&rec);
}

/* Every number of the header is replaced by bad ones: the target stays whole, whatever it decides. */
static void bad_headers(void **state)
{
    (void)state;
    static const uint64_t values[] = { 0, 1, 0x7fffffffffffffff, UINT64_MAX };
    struct testrec rec;
    testrec_init(&rec, NULL);
    struct trk_shm_header header = *rec.hdr;
    size_t words = offsetof(struct trk_shm_header, filter) / 8 + 1;
    unsigned refused = 0;
    for (size_t w = 0; w < words; w++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            memset(rec.procs, 0, sizeof *rec.procs * TRK_PROC_MAX);
            *rec.hdr = header;
            memcpy((char *)rec.hdr + w * 8, &values[v], 8);
            rec.frozen = true;
            struct answer a = {
                { TRK_WELCOME_MAGIC, TRK_SHM_ABI, rec.bytes }, sizeof(struct trk_welcome), { rec.memfd }, 1
            };
            const char *argv[] = { TARGET, "refs", "100", NULL };
            int out;
            pid_t pid = testrec_spawn(&rec, argv, NULL, NULL, &out);
            testrec_accept(&rec, 5000);
            (void)a;
            waitpid(pid, &rec.status, 0);
            close(out);
            if (rec.status != 0)
                fail_msg("word %zu value %zu: status %#x", w, v, (unsigned)rec.status);
            refused += rec.procs[0].state == TRK_PROC_FREE;
        }
    }
    assert_true(refused > words * 2);
    *rec.hdr = header;
    testrec_deinit(&rec);
}

static void silent_recorder(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "alone", "10", NULL };
    int out;
    testrec_init(&rec, NULL);
    double start = now();
    pid_t pid = testrec_spawn(&rec, argv, NULL, NULL, &out);
    int fd = accept4(rec.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    waitpid(pid, &rec.status, 0);
    assert_int_equal(rec.status, 0);
    assert_in_range((int)((now() - start) * 1000), 1500, 4000);
    close(fd);
    close(out);
    testrec_deinit(&rec);
}

/* ---- One engine
 * -------------------------------------------------------------------------------------------------------- */

static void one_stream(const char *program, unsigned hello_flag)
{
    struct testrec rec;
    const char *argv[] = { program, "refs", "1000", NULL };
    testrec_record(&rec, NULL, argv, "malloc=0", PRELOAD);
    assert_int_equal(rec.status, 0);
    assert_int_equal(rec.hellos, 1);
    assert_int_equal(rec.hello.flags & TRK_HELLO_PRELOAD, hello_flag);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 1000);
    assert_int_equal(testrec_count(&rec, TRK_OP_EXIT), 1);
    assert_int_equal(testrec_count(&rec, TRK_OP_ALLOC), 0);
    assert_int_equal(rec.procs[1].state, TRK_PROC_FREE);
    testrec_deinit(&rec);
}

static void one_engine(void **state)
{
    (void)state;
    one_stream(TARGET, TRK_HELLO_PRELOAD);        /* a static copy behind the preloaded one */
    one_stream(TARGET_SHARED, TRK_HELLO_PRELOAD); /* the shared library behind it */
    one_stream(TARGET_WEAK, TRK_HELLO_PRELOAD);   /* no copy at all: lights up */
}

static void preload_verbs(void **state)
{
    (void)state;
    struct testrec rec;
    const char *argv[] = { TARGET, "verbs", NULL };
    testrec_record(&rec, NULL, argv, "malloc=0", PRELOAD);
    assert_int_equal(rec.status, 0);
    assert_int_equal(testrec_said(&rec, "errno_kept"), 1);
    assert_int_equal(testrec_said(&rec, "registered"), 1);
    assert_int_equal(testrec_count(&rec, TRK_OP_REF), 8);
    assert_int_equal(testrec_count(&rec, TRK_OP_SCOPE_END), 2);
    assert_non_null(testrec_find(&rec, TRK_OP_CHECKPOINT, 0));
    testrec_deinit(&rec);
}

/* A plugin that comes and goes: with its own static copy, and with none. */
static void plugins(void **state)
{
    (void)state;
    static const char *const programs[] = { TARGET, TARGET_SHARED, TARGET_WEAK };
    static const char *const built[] = { PLUGIN, PLUGIN_STATIC };
    for (int program = 0; program < 3; program++) {
        for (int plugin = 0; plugin < 2; plugin++) {
            struct testrec rec;
            const char *argv[] = { programs[program], "plugin", NULL };
            setenv("TARGET_PLUGIN", built[plugin], 1);
            testrec_record(&rec, NULL, argv, NULL, NULL);
            if (rec.status != 0)
                fail_msg("%s %s: %s", argv[0], built[plugin], rec.output);
            assert_int_equal(rec.hellos, program < 2 || plugin == 1);
            /* A plugin without a copy finds the shared library, but not the one inside the executable. */
            unsigned seen = plugin == 1 ? 2 : program == 1 ? 2 : 0;
            assert_int_equal(testrec_count(&rec, TRK_OP_UNREF), seen);
            if (seen && program < 2) { /* its code was noticed before its first event */
                const struct testrec_record *first = testrec_find(&rec, TRK_OP_UNREF, 0);
                const struct testrec_record *modules = testrec_find(&rec, TRK_OP_MODULES, 1);
                assert_true(modules != NULL && modules < first);
                size_t size;
                const char *text = testrec_text(&rec, modules->arg, TRK_TEXT_MAPS, &size);
                assert_non_null(memmem(text, size, built[plugin], strlen(built[plugin])));
            }
            testrec_deinit(&rec);
        }
    }
}

/* Behind the preloaded copy, which sees dlclose: each unloading begins a new generation of addresses. */
static void plugins_preloaded(void **state)
{
    (void)state;
    static const char *const built[] = { PLUGIN, PLUGIN_STATIC };
    for (int plugin = 0; plugin < 2; plugin++) {
        struct testrec rec;
        const char *argv[] = { TARGET_WEAK, "plugin", NULL };
        setenv("TARGET_PLUGIN", built[plugin], 1);
        testrec_record(&rec, NULL, argv, "malloc=0", PRELOAD);
        assert_int_equal(rec.status, 0);
        assert_int_equal(rec.hellos, 1);
        assert_int_equal(testrec_count(&rec, TRK_OP_UNREF), 2);
        assert_int_equal(testrec_count(&rec, TRK_OP_REF), 3);
        assert_int_equal(rec.hdr->module_gen, 2);
        const struct testrec_record *first = testrec_find(&rec, TRK_OP_UNREF, 0);
        const struct testrec_record *second = testrec_find(&rec, TRK_OP_UNREF, 1);
        assert_int_not_equal(first->stack, second->stack); /* perhaps the same address, not the same code */
        uint64_t generation;
        size_t modules = testrec_count(&rec, TRK_OP_MODULES);
        assert_int_equal(modules, 5); /* start, and twice: loaded, unloaded */
        assert_true(testrec_ext(testrec_find(&rec, TRK_OP_MODULES, 4), TRK_EXT_VALUE, &generation));
        assert_int_equal(generation, 2);
        testrec_deinit(&rec);
    }
}

/* ---- Privileged programs
 * --------------------------------------------------------------------------------------------- */

static void privileged_is_inert(void **state)
{
    (void)state;
    struct testrec rec;
    char copy[128], command[256];
    int out;
    if (getuid() != 0)
        skip();
    testrec_init(&rec, NULL);
    snprintf(copy, sizeof copy, "%s/setuid", rec.dir);
    snprintf(command, sizeof command, "cp %s %s", TARGET, copy);
    assert_int_equal(system(command), 0);
    assert_int_equal(chown(copy, 65534, 65534), 0);
    assert_int_equal(chmod(copy, 06755), 0);
    const char *argv[] = { copy, "alone", "10", NULL };
    pid_t pid = testrec_spawn(&rec, argv, "help=1", NULL, &out);
    testrec_finish(&rec, pid, out, 20);
    assert_int_equal(rec.status, 0);
    unlink(copy);
    assert_int_equal(rec.hellos, 0);
    assert_int_equal(testrec_said(&rec, "recording"), 0);
    assert_null(strstr(rec.output, "TRACK_OPTIONS"));
    testrec_deinit(&rec);
}

/* ---- A recorder of one's own
 * ------------------------------------------------------------------------------------------- */

/* This program as `reftrack recorder --fd=3 --pid=N --out=FILE`: records and writes what it saw to FILE. */
static int play_recorder(int argc, char **argv)
{
    struct testrec rec;
    int pid = 0;
    const char *file = NULL;
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--pid=", 6) == 0)
            pid = atoi(argv[i] + 6);
        if (strncmp(argv[i], "--out=", 6) == 0)
            file = argv[i] + 6;
    }
    int extra = 0;
    for (int fd = 4; fd < 64; fd++)
        extra += fcntl(fd, F_GETFD) >= 0;
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    struct sigaction sa;
    sigaction(SIGUSR1, NULL, &sa);
    testrec_init(&rec, NULL);
    struct trk_welcome welcome = { TRK_WELCOME_MAGIC, TRK_SHM_ABI, rec.bytes };
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec iov = { &welcome, sizeof welcome };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &rec.memfd, sizeof(int));
    if (recv(3, &rec.hello, sizeof rec.hello, 0) != (ssize_t)sizeof rec.hello ||
        sendmsg(3, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof welcome)
        return 1;
    close(3);
    struct pollfd alive = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    while (poll(&alive, 1, 1) == 0)
        testrec_drain(&rec);
    rec.final_ = true;
    while (testrec_drain(&rec))
        continue;
    char part[256];
    snprintf(part, sizeof part, "%s.part", file);
    FILE *f = fopen(part, "w");
    fprintf(f, "refs=%zu\npid=%d\nhello=%u\nparent=%d\nleader=%d\nextra=%d\nenv=%d\nblocked=%d\nignored=%d\n",
            testrec_count(&rec, TRK_OP_REF), pid, rec.hello.pid, (int)getppid(), getsid(0) != getsid(getppid()), extra,
            getenv("TRACK_OPTIONS") != NULL || getenv("LD_PRELOAD") != NULL, sigismember(&mask, SIGUSR2),
            sa.sa_handler == SIG_IGN);
    fclose(f);
    rename(part, file);
    testrec_deinit(&rec);
    return 0;
}

static void own_recorder(void **state)
{
    (void)state;
    char dir[] = "/tmp/own.XXXXXX", options[512], name[300] = "", text[512] = "";
    int status;
    assert_non_null(mkdtemp(dir));
    snprintf(options, sizeof options, "out=%s/own.txt:recorder=%s", dir, self);
    setenv("TARGET_WATCH", "1", 1);
    /* The shell ignores one signal for the target; the recorder must not inherit that. */
    char *said = run_with(options, NULL, "env --ignore-signal=USR1 " TARGET " alone 5000", &status);
    unsetenv("TARGET_WATCH");
    assert_int_equal(status, 0);
    assert_non_null(strstr(said, "recording=1\nsignals=0\nno_children=1\nfds=0\n"));
    free(said);
    snprintf(name, sizeof name, "%s/own.txt", dir);
    for (int i = 0; i < TESTREC_SECONDS * 50 && access(name, F_OK) != 0; i++)
        usleep(20000);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unlink(name);
    rmdir(dir);
    int refs, pid, hello, parent, leader, extra, env, blocked, ignored;
    assert_int_equal(sscanf(text,
                            "refs=%d\npid=%d\nhello=%d\nparent=%d\nleader=%d\nextra=%d\nenv=%d\nblocked=%d\nignored=%d",
                            &refs, &pid, &hello, &parent, &leader, &extra, &env, &blocked, &ignored),
                     9);
    assert_int_equal(refs, 5000);
    assert_int_equal(pid, hello);
    assert_int_not_equal(parent, pid);
    assert_int_equal(extra + env + blocked + ignored, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "recorder") == 0)
        return play_recorder(argc, argv);
    close_range(3, ~0u, 0); /* nothing that the runner left open shall count as ours */
    self = realpath(argv[0], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle),
        cmocka_unit_test(idle_is_cheap),
        cmocka_unit_test(options_are_explained),
        cmocka_unit_test(wishes_are_sent),
        cmocka_unit_test(bad_welcomes),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(silent_recorder),
        cmocka_unit_test(one_engine),
        cmocka_unit_test(preload_verbs),
        cmocka_unit_test(plugins),
        cmocka_unit_test(plugins_preloaded),
        cmocka_unit_test(privileged_is_inert),
        cmocka_unit_test(own_recorder),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
