/* test_wake.c: idle processes are woken through their control page, left, and woken again; nobody else is, and nobody
 * else can. The test is the recorder, and who wakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "testrec.h"

static bool is_long; /* the form for `make check-long` */

enum { RECORDS = 2000, PATIENCE_MS = 20000, FIRST = 0x100000 };

static char runtime[64]; /* XDG_RUNTIME_DIR of the targets */

struct target {
    pid_t pid;
    int in, out;
};

static uint64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static long hear(const struct target *t, const char *word)
{
    char line[64] = "", what[32];
    long number = -1;
    for (size_t n = 0; n + 1 < sizeof line && read(t->out, line + n, 1) == 1 && line[n] != '\n'; n++)
        continue;
    assert_int_equal(sscanf(line, "%31s %ld", what, &number), 2);
    assert_string_equal(what, word);
    return number;
}

static long tell(const struct target *t, char letter)
{
    assert_int_equal(write(t->in, &letter, 1), 1);
    return hear(t, "did");
}

/* before: runs in the new process in front of exec; may be NULL. */
static struct target start_with(const char *file, const char *const argv[], const char *options, void (*before)(void))
{
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    struct target t = { .pid = fork(), .in = in[1], .out = out[0] };
    if (t.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        setenv("XDG_RUNTIME_DIR", runtime, 1);
        unsetenv("TRACK_OPTIONS");
        if (options != NULL)
            setenv("TRACK_OPTIONS", options, 1);
        if (before != NULL)
            before();
        execv(file, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    assert_int_equal(hear(&t, "ready"), t.pid);
    return t;
}

static struct target start(const char *name, const char *number)
{
    const char *argv[] = { WAKE_TARGET, name, number, NULL };
    return start_with(WAKE_TARGET, argv, NULL, NULL);
}

static void stop(struct target *t)
{
    int status = -1;
    close(t->in);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    close(t->out);
    assert_int_equal(status, 0);
}

/* Path of the control file of a process in `dir`, malloc'ed; NULL: none. */
static char *file_in(const char *folder, pid_t pid)
{
    char prefix[32], *found = NULL;
    DIR *dir = opendir(folder);
    snprintf(prefix, sizeof prefix, "%d-", (int)pid);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            assert_true(asprintf(&found, "%s/%s", folder, e->d_name) > 0);
    if (dir != NULL)
        closedir(dir);
    return found;
}

static char *file_of(pid_t pid)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/libtrack", runtime);
    return file_in(folder, pid);
}

static struct trk_control_page *page_of(pid_t pid)
{
    char *path = file_of(pid);
    assert_non_null(path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st = { 0 };
    while (fstat(fd, &st) == 0 && st.st_size < (off_t)sizeof(struct trk_control_page))
        usleep(1000); /* being written */
    struct trk_control_page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(page != MAP_FAILED);
    close(fd);
    free(path);
    assert_int_equal(page->magic, TRK_CONTROL_MAGIC);
    assert_int_equal(page->pid, pid);
    return page;
}

static void ask(struct trk_control_page *page, const char *path)
{
    snprintf(page->socket, sizeof page->socket, "%s", path);
    __atomic_store_n(&page->request, page->answered + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&page->gate, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&page->malloc_gate, 1, __ATOMIC_SEQ_CST);
}

/* Waits until the newest request was looked at; how that went. */
static uint32_t answer(const struct trk_control_page *page)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) != page->request && now_ms() < end)
        usleep(500);
    assert_int_equal(page->answered, page->request);
    return page->result;
}

/* The recording ends, its process goes on. */
static void leave(struct testrec *rec, struct trk_control_page *page)
{
    page->gate = page->malloc_gate = 0;
    __atomic_store_n(&rec->hdr->recorder_state, TRK_REC_LEFT, __ATOMIC_RELEASE);
    __atomic_fetch_add(&rec->hdr->tick_us, 1000000, __ATOMIC_RELEASE);
}

/* Everything a recording of life() must hold: whole records, definitions of this arena, and no gap in the references of
 * any thread. */
static void check(const struct testrec *rec)
{
    uint64_t next[64] = { 0 };
    const uint32_t *types = (const uint32_t *)(const void *)(rec->base + rec->hdr->types_off);
    assert_int_equal(rec->bad, 0);
    /* A machine so busy that we were not scheduled for a second: the threads did not wait. */
    bool whole = rec->holes == 0 && testrec_ring_dropped(rec) == 0;
    for (size_t i = 0; i < rec->count; i++) {
        const struct testrec_record *r = &rec->records[i];
        const uint64_t *pcs;
        uint64_t text;
        size_t size;
        if (r->op == TRK_OP_NEW) {
            assert_in_range(r->arg, 1, TRK_TYPE_MAX - 1);
            assert_non_null(testrec_text(rec, types[r->arg], TRK_TEXT_TYPE, &size));
        }
        if (r->stack != 0)
            assert_in_range(testrec_stack(rec, r->stack, &pcs), 1, TRK_STACK_MAX_FRAMES);
        if (testrec_ext(r, TRK_EXT_TEXT, &text))
            assert_non_null(testrec_text(rec, text, TRK_TEXT_STRING, &size));
        uint64_t thread = r->addr >> 32;
        if (r->op != TRK_OP_REF || thread >= 9) /* 9, 10: handlers, and what they jumped out of */
            continue;
        uint64_t n = r->arg - (FIRST >> 3);
        if (next[thread] != 0 && whole)
            assert_int_equal(n, next[thread]);
        next[thread] = n + 1;
    }
}

/* Wakes once, records about `records`, leaves; says who came. */
static pid_t once(struct trk_control_page *page, size_t records, const struct testrec_config *config)
{
    static unsigned tries;
    struct testrec rec;
    testrec_init(&rec, config);
    page->result = TRK_WAKE_OK;
    ask(page, rec.sock);
    assert_true(testrec_accept(&rec, PATIENCE_MS));
    assert_true(rec.hello.flags & TRK_HELLO_WOKEN);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (rec.count < records && now_ms() < end && page->result != TRK_WAKE_TALK)
        if (testrec_drain(&rec) == 0)
            usleep(200);
    if (page->result == TRK_WAKE_TALK && tries < 3) { /* we were not scheduled for a second, and it gave up */
        tries++;
        testrec_deinit(&rec);
        return once(page, records, config);
    }
    tries = 0;
    assert_in_range(rec.count, records, SIZE_MAX);
    leave(&rec, page);
    check(&rec);
    pid_t pid = (pid_t)rec.hello.pid;
    testrec_deinit(&rec);
    return pid;
}

static void wakes(const char *name, const char *number, unsigned times, const struct testrec_config *config)
{
    struct target t = start(name, number);
    struct trk_control_page *page = page_of(t.pid);
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(once(page, RECORDS, config), t.pid);
        assert_int_equal(page->wakes_left, 256 - 1 - i);
    }
    stop(&t);
    munmap(page, sizeof *page);
}

/* ---- Again and again ------------------------------------------------------------------------------------------------
 */

static void hammered(void **state)
{
    (void)state;
    wakes("threads", "16", is_long ? 100 : 30, NULL);
}

static void hammered_with_stacks(void **state)
{
    (void)state;
    struct testrec_config config = { .birth = 64, .ref = 8, .free = 1, .rings = { { 20, 8 }, { 40, 10 } } };
    wakes("threads", "16", 40, &config);
}

static void interrupted(void **state)
{
    (void)state;
    wakes("handlers", NULL, 40, NULL);
}

/* It can be woken 256 times; then it says so, and goes on. */
static void spent(void **state)
{
    (void)state;
    struct target t = start("threads", "2");
    struct trk_control_page *page = page_of(t.pid);
    for (unsigned i = 0; i < 256; i++)
        once(page, 10, NULL);
    assert_int_equal(page->wakes_left, 0);
    ask(page, "/nowhere");
    assert_int_equal(answer(page), TRK_WAKE_SPENT);
    stop(&t);
    munmap(page, sizeof *page);
}

/* A recorder that is killed does not say that it leaves. */
static void dead_recorder(void **state)
{
    (void)state;
    struct testrec dead;
    struct target t = start("threads", "4");
    struct trk_control_page *page = page_of(t.pid);
    testrec_init(&dead, NULL);
    ask(page, dead.sock);
    assert_true(testrec_accept(&dead, PATIENCE_MS));
    while (testrec_drain(&dead) == 0)
        usleep(200);
    /* From here on nobody drains it. */
    assert_int_equal(once(page, RECORDS, NULL), t.pid);
    assert_int_equal(once(page, RECORDS, NULL), t.pid);
    testrec_deinit(&dead);
    stop(&t);
    munmap(page, sizeof *page);
}

/* A recording that was there from the start ends, and another one begins. */
static void after_a_run(void **state)
{
    (void)state;
    struct testrec rec;
    char options[160];
    testrec_init(&rec, NULL);
    snprintf(options, sizeof options, "sock=%s", rec.sock);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t helper = fork(); /* answers while start_with waits for the target */
    if (helper == 0) {
        for (uint64_t end = now_ms() + 2000; now_ms() < end;) {
            testrec_accept(&rec, 20);
            testrec_drain(&rec);
        }
        _exit(0);
    }
    const char *argv[] = { WAKE_TARGET, "threads", "4", NULL };
    struct target t = start_with(WAKE_TARGET, argv, options, NULL);
    struct trk_control_page *page = page_of(t.pid);
    assert_int_equal(page->state, TRK_CONTROL_LIVE);
    kill(helper, SIGKILL);
    waitpid(helper, NULL, 0);
    leave(&rec, page);
    assert_int_equal(once(page, RECORDS, NULL), t.pid);
    stop(&t);
    munmap(page, sizeof *page);
    close(pipes[0]);
    close(pipes[1]);
    testrec_deinit(&rec);
}

/* ---- Children -------------------------------------------------------------------------------------------------------
 */

static void forked_child(void **state)
{
    (void)state;
    struct target t = start("family", NULL);
    pid_t child = (pid_t)tell(&t, 'f');
    for (int i = 0; i < 100 && file_of(child) == NULL; i++)
        usleep(10000);
    struct trk_control_page *mine = page_of(t.pid), *its = page_of(child);
    /* The child is asked, the parent is not. */
    assert_int_equal(once(its, 20, NULL), child);
    assert_int_equal(mine->gate, 0);
    assert_int_equal(mine->answered, 0);
    /* The parent is asked: its child, which counts all the time, does not answer for it. */
    struct testrec rec;
    testrec_init(&rec, NULL);
    ask(mine, rec.sock);
    assert_false(testrec_accept(&rec, 200));
    assert_true(write(t.in, "l", 1) == 1);
    assert_true(testrec_accept(&rec, PATIENCE_MS));
    assert_int_equal(rec.hello.pid, t.pid);
    hear(&t, "did");
    leave(&rec, mine);
    testrec_deinit(&rec);
    assert_int_equal(once(its, 20, NULL), child);
    kill(child, SIGKILL);
    stop(&t);
    munmap(mine, sizeof *mine);
    munmap(its, sizeof *its);
}

/* A child that libc did not make has its parent's page until it notices. */
static void raw_child(void **state)
{
    (void)state;
    struct testrec rec;
    struct target t = start("family", NULL);
    struct trk_control_page *mine = page_of(t.pid);
    pid_t child = (pid_t)tell(&t, 'r');
    testrec_init(&rec, NULL);
    ask(mine, rec.sock);
    assert_false(testrec_accept(&rec, 300));
    assert_int_equal(mine->gate, 1);
    assert_true(write(t.in, "l", 1) == 1);
    assert_true(testrec_accept(&rec, PATIENCE_MS));
    assert_int_equal(rec.hello.pid, t.pid);
    hear(&t, "did");
    leave(&rec, mine);
    testrec_deinit(&rec);
    kill(child, SIGKILL);
    stop(&t);
    munmap(mine, sizeof *mine);
}

static void vfork_child(void **state)
{
    (void)state;
    struct testrec rec;
    struct target t = start("family", NULL);
    struct trk_control_page *mine = page_of(t.pid);
    testrec_init(&rec, NULL);
    ask(mine, rec.sock);
    tell(&t, 'v');
    assert_false(testrec_accept(&rec, 100));
    assert_int_equal(mine->gate, 1);
    assert_true(write(t.in, "l", 1) == 1);
    assert_true(testrec_accept(&rec, PATIENCE_MS));
    assert_int_equal(rec.hello.pid, t.pid);
    hear(&t, "did");
    leave(&rec, mine);
    testrec_deinit(&rec);
    stop(&t);
    munmap(mine, sizeof *mine);
}

/* ---- Sockets that are no recorders ----------------------------------------------------------------------------------
 */

static int silent_socket(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr) | chmod(path, 0777) | listen(fd, 4), 0);
    return fd;
}

static void bad_sockets(void **state)
{
    (void)state;
    char path[100];
    struct target t = start("threads", "3");
    struct trk_control_page *page = page_of(t.pid);
    snprintf(path, sizeof path, "%s/silent", runtime);
    ask(page, "relative");
    assert_int_equal(answer(page), TRK_WAKE_PATH);
    ask(page, "/nowhere/at/all");
    assert_int_equal(answer(page), TRK_WAKE_CONNECT);
    memset(page->socket, 'x', sizeof page->socket); /* no end */
    __atomic_store_n(&page->request, page->answered + 1, __ATOMIC_SEQ_CST);
    page->gate = 1;
    assert_int_equal(answer(page), TRK_WAKE_PATH);
    int fd = silent_socket(path); /* never accepts */
    ask(page, path);
    assert_int_equal(answer(page), TRK_WAKE_TALK);
    close(fd);
    usleep(1000);
    assert_int_equal(page->gate, 0); /* one attempt each */
    assert_int_equal(once(page, RECORDS, NULL), t.pid);
    stop(&t);
    munmap(page, sizeof *page);
}

/* Somebody else's socket, at a place that we can reach. */
static void foreign_socket(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    char dir[] = "/tmp/test-wake-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0777), 0);
    snprintf(path, sizeof path, "%s/sock", dir);
    struct target t = start("threads", "1");
    struct trk_control_page *page = page_of(t.pid);
    pid_t other = fork();
    if (other == 0) {
        if (setresuid(65534, 65534, 65534) == 0)
            silent_socket(path);
        pause();
        _exit(0);
    }
    while (access(path, F_OK) != 0)
        usleep(1000);
    usleep(50000);
    ask(page, path);
    assert_int_equal(answer(page), TRK_WAKE_PEER);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    unlink(path);
    rmdir(dir);
    stop(&t);
    munmap(page, sizeof *page);
}

/* ---- Files ----------------------------------------------------------------------------------------------------------
 */

static void not_wakeable(void **state)
{
    (void)state;
    const char *argv[] = { WAKE_TARGET, "family", NULL };
    struct target t = start_with(WAKE_TARGET, argv, "wake=0", NULL);
    assert_null(file_of(t.pid));
    stop(&t);
}

/* Files of dead processes go when the next one starts. */
static void stale_files(void **state)
{
    (void)state;
    struct target t = start("family", NULL);
    char *path = file_of(t.pid);
    assert_non_null(path);
    kill(t.pid, SIGKILL);
    waitpid(t.pid, NULL, 0);
    assert_int_equal(access(path, F_OK), 0);
    struct target next = start("family", NULL);
    assert_int_equal(access(path, F_OK), -1);
    stop(&next);
    free(path);
    close(t.in);
    close(t.out);
}

/* In front of exec: something lies where the file of this very process will be. */
static void plant_link(void)
{
    char path[256], text[1024];
    struct stat ns;
    unsigned long long began = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL || stat("/proc/self/ns/pid", &ns) != 0)
        _exit(90);
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || sscanf(at, "%llu", &began) != 1)
        _exit(91);
    snprintf(path, sizeof path, "%s/libtrack", runtime);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/libtrack/%d-%llu-%lu", runtime, (int)getpid(), began, (unsigned long)ns.st_ino);
    snprintf(text, sizeof text, "%s/victim", runtime);
    if (symlink(text, path) != 0)
        _exit(92);
}

static void planted_link(void **state)
{
    (void)state;
    char victim[128];
    const char *argv[] = { WAKE_TARGET, "threads", "2", NULL };
    struct stat st;
    snprintf(victim, sizeof victim, "%s/victim", runtime);
    int fd = open(victim, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    struct target t = start_with(WAKE_TARGET, argv, NULL, plant_link);
    char *path = file_of(t.pid);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    struct trk_control_page *page = page_of(t.pid);
    assert_int_equal(once(page, RECORDS, NULL), t.pid);
    stop(&t);
    munmap(page, sizeof *page);
    free(path);
    close(fd);
    unlink(victim);
}

/* A directory that is a link, or that others can enter, is not used. */
static void bad_directories(void **state)
{
    (void)state;
    char saved[sizeof runtime], dir[128], link_to[128], other[64];
    strcpy(saved, runtime);
    snprintf(other, sizeof other, "/dev/shm/libtrack-%u", (unsigned)geteuid());
    strcpy(runtime, "/tmp/test-wake-XXXXXX");
    assert_non_null(mkdtemp(runtime));
    snprintf(dir, sizeof dir, "%s/libtrack", runtime);
    snprintf(link_to, sizeof link_to, "%s/elsewhere", runtime);
    assert_int_equal(mkdir(link_to, 0700) | symlink(link_to, dir), 0);
    struct target t = start("family", NULL);
    assert_null(file_in(link_to, t.pid));
    char *path = file_in(other, t.pid);
    assert_non_null(path);
    free(path);
    stop(&t);
    assert_int_equal(unlink(dir) | mkdir(dir, 0700) | chmod(dir, 0750), 0);
    t = start("family", NULL);
    assert_null(file_in(dir, t.pid));
    stop(&t);
    rmdir(dir);
    rmdir(link_to);
    rmdir(runtime);
    strcpy(runtime, saved);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hammered),       cmocka_unit_test(hammered_with_stacks), cmocka_unit_test(interrupted),
        cmocka_unit_test(dead_recorder),  cmocka_unit_test(after_a_run),          cmocka_unit_test(forked_child),
        cmocka_unit_test(raw_child),      cmocka_unit_test(vfork_child),          cmocka_unit_test(bad_sockets),
        cmocka_unit_test(foreign_socket), cmocka_unit_test(not_wakeable),         cmocka_unit_test(stale_files),
        cmocka_unit_test(planted_link),   cmocka_unit_test(bad_directories),
    };
    const struct CMUnitTest long_tests[] = { cmocka_unit_test(hammered), cmocka_unit_test(spent) };
    strcpy(runtime, "/tmp/test-wake-XXXXXX");
    if (mkdtemp(runtime) == NULL)
        return 99;
    is_long = getenv("WAKE_LONG") != NULL;
    int failed = is_long ? cmocka_run_group_tests(long_tests, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", runtime);
    return system(command) != 0 ? 99 : failed;
}
