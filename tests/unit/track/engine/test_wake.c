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

enum {
    RECORDS = 2000,
    PATIENCE_MS = 60000, /* for what must come; nothing is judged by it */
    TRIES = 20,          /* see wake_up */
    FIRST = 0x100000,
};

static char runtime[64]; /* XDG_RUNTIME_DIR of the targets */

struct target {
    pid_t pid;
    int in, out;
    struct trk_control_page *page; /* NULL: it has none at the usual place */
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
    if (path == NULL)
        return NULL;
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

/* before: runs in the new process in front of exec; may be NULL. */
static struct target start_with(const char *name, const char *number, const char *options, void (*before)(void))
{
    const char *argv[] = { WAKE_TARGET, name, number, NULL };
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
        execv(WAKE_TARGET, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    assert_int_equal(hear(&t, "ready"), t.pid);
    t.page = page_of(t.pid);
    return t;
}

/* One that can be woken. */
static struct target start(const char *name, const char *number)
{
    struct target t = start_with(name, number, NULL, NULL);
    assert_non_null(t.page);
    return t;
}

static void stop(struct target *t)
{
    int status = -1;
    close(t->in);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    close(t->out);
    if (t->page != NULL)
        munmap(t->page, sizeof *t->page);
    assert_int_equal(status, 0);
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

/* Asks, with a word to the target that counts only when told to (NULL: it looks by itself), until it records. A target
 * waits a second for what we answer, and on a busy machine we may not be scheduled for so long: it says so, goes on,
 * and is asked again. Nothing else is forgiven. */
static void wake_up(struct testrec *rec, struct trk_control_page *page, const struct testrec_config *config,
                    const struct target *told)
{
    for (int i = 0; i < TRIES; i++) {
        testrec_init(rec, config);
        ask(page, rec->sock);
        if (told != NULL)
            assert_int_equal(write(told->in, "l", 1), 1);
        bool accepted = testrec_accept(rec, PATIENCE_MS);
        uint32_t result = answer(page);
        if (told != NULL)
            hear(told, "did");
        if (result != TRK_WAKE_TALK) {
            assert_true(accepted);
            assert_int_equal(result, TRK_WAKE_OK);
            assert_true(rec->hello.flags & TRK_HELLO_WOKEN);
            return;
        }
        testrec_deinit(rec);
    }
    fail_msg("it gave up %d times", TRIES);
}

/* Wakes once, records about `records`, leaves; says who came. */
static pid_t once(struct trk_control_page *page, size_t records, const struct testrec_config *config)
{
    struct testrec rec;
    wake_up(&rec, page, config, NULL);
    uint64_t end = now_ms() + PATIENCE_MS;
    while (rec.count < records && now_ms() < end)
        if (testrec_drain(&rec) == 0)
            usleep(200);
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
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(once(t.page, RECORDS, config), t.pid);
        assert_int_equal(t.page->wakes_left, 256 - 1 - i);
    }
    stop(&t);
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
    for (unsigned i = 0; i < 256; i++)
        once(t.page, 10, NULL);
    assert_int_equal(t.page->wakes_left, 0);
    ask(t.page, "/nowhere");
    assert_int_equal(answer(t.page), TRK_WAKE_SPENT);
    stop(&t);
}

/* A recorder that is killed, or hangs, does not say that it leaves. full: not before every thread found its ring full,
 * and comes by no free slot any more. */
static void replaces_dead(const struct testrec_config *config, bool full)
{
    enum { THREADS = 4 };
    struct testrec dead;
    struct target t = start("threads", "4");
    wake_up(&dead, t.page, config, NULL);
    while (testrec_drain(&dead) == 0)
        usleep(200);
    /* From here on nobody drains it. */
    unsigned spilling = 0;
    for (uint64_t end = now_ms() + PATIENCE_MS; full && spilling < THREADS && now_ms() < end; usleep(200)) {
        spilling = 0;
        for (uint32_t i = 0; i < dead.hdr->ring_count; i++)
            spilling += __atomic_load_n(&dead.rings[i].dropped, __ATOMIC_RELAXED) > 1000;
    }
    assert_int_equal(spilling, full ? THREADS : 0);
    assert_int_equal(once(t.page, RECORDS, NULL), t.pid);
    assert_int_equal(once(t.page, RECORDS, NULL), t.pid);
    testrec_deinit(&dead);
    stop(&t);
}

static void dead_recorder(void **state)
{
    (void)state;
    replaces_dead(NULL, false);
}

static void dead_recorder_full(void **state)
{
    (void)state;
    struct testrec_config config = { .on_full = TRK_FULL_DROP, .rings = { { 8, 10 } } };
    replaces_dead(&config, true);
}

/* A recording that was there from the start ends, and another one begins. */
static void after_a_run(void **state)
{
    (void)state;
    struct testrec rec;
    struct target t;
    for (int i = 0;; i++) {
        char options[160];
        testrec_init(&rec, NULL);
        snprintf(options, sizeof options, "sock=%s", rec.sock);
        pid_t helper = fork(); /* answers while start_with waits for the target */
        if (helper == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) {
                testrec_accept(&rec, 20);
                testrec_drain(&rec);
            }
        }
        t = start_with("threads", "4", options, NULL);
        kill(helper, SIGKILL);
        waitpid(helper, NULL, 0);
        assert_non_null(t.page);
        if (t.page->state == TRK_CONTROL_LIVE)
            break;
        assert_in_range(i, 0, TRIES); /* at start it waits two seconds, see wake_up */
        testrec_deinit(&rec);
        stop(&t);
    }
    leave(&rec, t.page);
    assert_int_equal(once(t.page, RECORDS, NULL), t.pid);
    stop(&t);
    testrec_deinit(&rec);
}

/* ---- Children -------------------------------------------------------------------------------------------------------
 */

/* A request for t, which counts only when told to, is answered by t and not by any other process that has its page;
 * meanwhile: a letter for t, 0 for none. */
static void only_it_answers(const struct target *t, char meanwhile)
{
    struct testrec rec;
    testrec_init(&rec, NULL);
    ask(t->page, rec.sock);
    if (meanwhile != 0)
        tell(t, meanwhile);
    assert_false(testrec_accept(&rec, 200));
    assert_int_equal(t->page->gate, 1);
    assert_int_not_equal(t->page->answered, t->page->request);
    testrec_deinit(&rec);
    wake_up(&rec, t->page, NULL, t);
    assert_int_equal(rec.hello.pid, t->pid);
    leave(&rec, t->page);
    testrec_deinit(&rec);
}

static void forked_child(void **state)
{
    (void)state;
    struct target t = start("family", NULL);
    pid_t child = (pid_t)tell(&t, 'f');
    struct trk_control_page *its = NULL;
    for (uint64_t end = now_ms() + PATIENCE_MS; (its = page_of(child)) == NULL && now_ms() < end;)
        usleep(1000);
    assert_non_null(its);
    /* The child is asked, the parent is not. */
    assert_int_equal(once(its, 20, NULL), child);
    assert_int_equal(t.page->gate, 0);
    assert_int_equal(t.page->answered, 0);
    /* The parent is asked: its child, which counts all the time, does not answer for it. */
    only_it_answers(&t, 0);
    assert_int_equal(once(its, 20, NULL), child);
    kill(child, SIGKILL);
    stop(&t);
    munmap(its, sizeof *its);
}

/* A child that libc did not make has its parent's page until it notices. */
static void raw_child(void **state)
{
    (void)state;
    struct target t = start("family", NULL);
    pid_t child = (pid_t)tell(&t, 'r');
    only_it_answers(&t, 0);
    kill(child, SIGKILL);
    stop(&t);
}

static void vfork_child(void **state)
{
    (void)state;
    struct target t = start("family", NULL);
    only_it_answers(&t, 'v');
    stop(&t);
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
    snprintf(path, sizeof path, "%s/silent", runtime);
    ask(t.page, "relative");
    assert_int_equal(answer(t.page), TRK_WAKE_PATH);
    ask(t.page, "/nowhere/at/all");
    assert_int_equal(answer(t.page), TRK_WAKE_CONNECT);
    memset(t.page->socket, 'x', sizeof t.page->socket); /* no end */
    __atomic_store_n(&t.page->request, t.page->answered + 1, __ATOMIC_SEQ_CST);
    t.page->gate = 1;
    assert_int_equal(answer(t.page), TRK_WAKE_PATH);
    int fd = silent_socket(path); /* never accepts */
    ask(t.page, path);
    assert_int_equal(answer(t.page), TRK_WAKE_TALK);
    close(fd);
    /* One attempt each: it closes its gate behind the answer. */
    for (uint64_t end = now_ms() + PATIENCE_MS; t.page->gate != 0 && now_ms() < end;)
        usleep(500);
    assert_int_equal(t.page->gate, 0);
    assert_int_equal(once(t.page, RECORDS, NULL), t.pid);
    stop(&t);
}

/* Somebody else's socket, at a place that we can reach. */
static void foreign_socket(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    char dir[] = "/tmp/test-wake-XXXXXX", path[64], ready;
    int pipes[2];
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0777) | pipe2(pipes, O_CLOEXEC), 0);
    snprintf(path, sizeof path, "%s/sock", dir);
    struct target t = start("threads", "1");
    pid_t other = fork();
    if (other == 0) {
        if (setresuid(65534, 65534, 65534) == 0)
            silent_socket(path);
        if (write(pipes[1], "r", 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(pipes[0], &ready, 1), 1);
    ask(t.page, path);
    assert_int_equal(answer(t.page), TRK_WAKE_PEER);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    unlink(path);
    rmdir(dir);
    stop(&t);
}

/* ---- Files ----------------------------------------------------------------------------------------------------------
 */

static void not_wakeable(void **state)
{
    (void)state;
    struct target t = start_with("family", NULL, "wake=0", NULL);
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
    munmap(t.page, sizeof *t.page);
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
    struct stat st;
    snprintf(victim, sizeof victim, "%s/victim", runtime);
    int fd = open(victim, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    struct target t = start_with("threads", "2", NULL, plant_link);
    char *path = file_of(t.pid);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(once(t.page, RECORDS, NULL), t.pid);
    stop(&t);
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
    struct target t = start_with("family", NULL, NULL, NULL);
    assert_null(file_in(link_to, t.pid));
    char *path = file_in(other, t.pid);
    assert_non_null(path);
    free(path);
    stop(&t);
    assert_int_equal(unlink(dir) | mkdir(dir, 0700) | chmod(dir, 0750), 0);
    t = start_with("family", NULL, NULL, NULL);
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
        cmocka_unit_test(hammered),           cmocka_unit_test(hammered_with_stacks),
        cmocka_unit_test(interrupted),        cmocka_unit_test(dead_recorder),
        cmocka_unit_test(dead_recorder_full), cmocka_unit_test(after_a_run),
        cmocka_unit_test(forked_child),       cmocka_unit_test(raw_child),
        cmocka_unit_test(vfork_child),        cmocka_unit_test(bad_sockets),
        cmocka_unit_test(foreign_socket),     cmocka_unit_test(not_wakeable),
        cmocka_unit_test(stale_files),        cmocka_unit_test(planted_link),
        cmocka_unit_test(bad_directories),
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
