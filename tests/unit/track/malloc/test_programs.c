/* test_programs.c: runs the small target programs with the hooks preloaded, linked, and combined with other allocators
 * and other preload libraries, and checks what they report. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[4096]; /* of this program: everything is built beside it */
static char output[8192]; /* stdout and stderr of the last program */

/* Replaces each @ in text by the folder. */
static void expand(const char *text, char *ret, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        if (*text == '@') {
            n += (size_t)snprintf(ret + n, size - n, "%s/", folder);
        } else {
            ret[n++] = *text;
        }
    }
    ret[n < size ? n : size - 1] = '\0';
}

/* Runs `command` (words, no quoting) with LD_PRELOAD set to `preload`; returns the exit status, 128+N for a signal. */
static int run(const char *preload, const char *command)
{
    char libraries[8192], words[8192];
    expand(preload, libraries, sizeof(libraries));
    expand(command, words, sizeof(words));
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (!pid) {
        char *argv[16];
        size_t n = 0;
        for (char *word = strtok(words, " "); word && n < 15; word = strtok(NULL, " "))
            argv[n++] = word;
        argv[n] = NULL;
        dup2(pipes[1], 1);
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        if (*libraries)
            setenv("LD_PRELOAD", libraries, 1);
        alarm(60);
        execv(argv[0], argv);
        _exit(127);
    }
    close(pipes[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(pipes[0], output + n, sizeof(output) - 1 - n)) > 0)
        n += (size_t)got;
    output[n] = '\0';
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect(int status, const char *preload, const char *command)
{
    int got = run(preload, command);
    if (got != status)
        fail_msg("%s with %s: %d, not %d\n%s", command, preload, got, status, output);
}

static void expect_text(const char *text, const char *preload, const char *command)
{
    expect(0, preload, command);
    if (!strstr(output, text))
        fail_msg("%s with %s says: %s", command, preload, output);
}

static bool have(const char *path)
{
    char full[8192];
    expand(path, full, sizeof(full));
    return access(full, R_OK) == 0;
}

#define STUB "@libmalloc_stub.so"
#define IDLE "@libmalloc_idle.so"
#define LIB  "/usr/lib/x86_64-linux-gnu/"

static void test_modes(void **state)
{
    (void)state;
    static const char *const modes[] = { "early", "longjmp", "threads", "fork", "vfork", "family" };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char command[100];
        snprintf(command, sizeof(command), "@malloc_target %s", modes[i]);
        expect(0, STUB, command);
        /* linked instead of preloaded: as a library, and as objects inside the program */
        snprintf(command, sizeof(command), "@malloc_target_linked %s", modes[i]);
        expect(0, "", command);
        snprintf(command, sizeof(command), "@malloc_target_inside %s", modes[i]);
        expect(0, "", command);
    }
    expect(0, "", "@malloc_target family");
    expect(0, "", "@malloc_target threads");
}

/* The line of counts that the stub leaves contains both texts. */
static void assert_counts(int status, const char *command, const char *one, const char *two)
{
    char counts[4200], line[1024] = "";
    snprintf(counts, sizeof(counts), "%s/malloc_counts.%d", folder, (int)getpid());
    unlink(counts);
    setenv("STUB_OUT", counts, 1);
    expect(status, STUB, command);
    unsetenv("STUB_OUT");
    FILE *in = fopen(counts, "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof(line), in));
    fclose(in);
    unlink(counts);
    if (!strstr(line, one) || !strstr(line, two))
        fail_msg("%s: %s", command, line);
}

static void test_exits(void **state)
{
    (void)state;
    assert_counts(7, "@malloc_target exits _exit", " exit 1 ", " owner 1 \n");
    assert_counts(7, "@malloc_target exits _Exit", " exit 1 ", " owner 1 \n");
    assert_counts(7, "@malloc_target exits quick_exit", " exit 1 ", " owner 1 \n");
    assert_counts(7, "@malloc_target exits abort", " exit 0 ", " aborts 1 owner 1 \n");
    assert_counts(7, "@malloc_target exits return", " exit 0 ", " owner 1 \n");
}

static void test_exec(void **state)
{
    (void)state;
    expect_text("steps 9", "", "@malloc_exec_all");
    expect_text("steps 9", STUB, "@malloc_exec_all");
    expect_text("steps 9", IDLE, "@malloc_exec_all");
}

static void test_owner(void **state)
{
    (void)state;
    expect_text("1 \n", STUB, "@malloc_target owner");
    /* the program's own malloc */
    expect_text("0 \n", "", "@malloc_own_malloc");
    expect_text("2 malloc in ", STUB, "@malloc_own_malloc");
    assert_non_null(strstr(output, "/malloc_own_malloc\n"));
    assert_counts(0, "@malloc_own_arena", "exit 1", " owner 2 an allocator that never calls malloc in ");
    assert_counts(0, "@malloc_own_arena too", "exit 1", " owner 1 \n");
    expect_text("1 \n", STUB, "@malloc_target_fixed owner");
    expect(0, STUB, "@malloc_target_fixed threads");
    expect_text("2 malloc in ", "@libmalloc_count.so " STUB, "@malloc_target_fixed owner");
    /* another library before us: one that keeps all for itself, one that hands on to us */
    expect_text("2 malloc in ", "@libmalloc_count.so " STUB, "@malloc_target owner");
    assert_non_null(strstr(output, "/libmalloc_count.so\n"));
    expect_text("1 \n", "@libmalloc_wrap.so " STUB, "@malloc_target owner");
    expect(0, "@libmalloc_count.so " STUB, "@malloc_target family");
    expect(0, "@libmalloc_wrap.so " STUB, "@malloc_target family");
    /* hooks inside the program, with and without their symbols in sight: no strangers */
    expect_text("1 \n", STUB, "@malloc_target_inside owner");
    expect_text("0 \n", STUB, "@malloc_target_hidden owner");
    /* and behind us: its calloc calls malloc by name, which must not count twice */
    expect_text("1 \n", STUB " @libmalloc_wrap.so", "@malloc_target owner");
    expect(0, STUB " @libmalloc_wrap.so", "@malloc_target threads");
    expect(0, STUB " @libmalloc_count.so", "@malloc_target threads");
}

static void test_dlsym_wrapper(void **state)
{
    (void)state;
    expect(0, "", "@malloc_dlsym_wrap");
    expect(0, STUB, "@malloc_dlsym_wrap");
}

static void test_plugins(void **state)
{
    (void)state;
    expect(0, "", "@malloc_plugin_host");
    expect(0, STUB, "@malloc_plugin_host");
    expect(0, STUB " @libmalloc_count.so", "@malloc_plugin_host");
}

static void test_allocators(void **state)
{
    (void)state;
    static const struct {
        const char *library, *linked, *name;
    } others[] = {
        { LIB "libjemalloc.so.2", "@malloc_target_jemalloc", "jemalloc" },
        { LIB "libtcmalloc_minimal.so.4", "@malloc_target_tcmalloc", "tcmalloc" },
        { LIB "libmimalloc.so.2", "@malloc_target_mimalloc", "mimalloc" },
    };
    static const char *const modes[] = { "family", "threads", "early", "fork" };
    unsigned tried = 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!have(others[i].library))
            continue;
        tried++;
        char preload[300], command[300];
        snprintf(preload, sizeof(preload), STUB " %s", others[i].library);
        for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
            snprintf(command, sizeof(command), "@malloc_target %s", modes[m]);
            expect(0, preload, command);
            if (!have(others[i].linked))
                continue;
            snprintf(command, sizeof(command), "%s %s", others[i].linked, modes[m]);
            expect(0, STUB, command);
        }
        expect_text("1 \n", preload, "@malloc_target owner");
        /* before us: it serves everything, and we say so */
        snprintf(preload, sizeof(preload), "%s " STUB, others[i].library);
        snprintf(command, sizeof(command), "2 %s in %s", others[i].name, others[i].library);
        expect_text(command, preload, "@malloc_target owner");
        expect(0, preload, "@malloc_target family");
    }
    if (!tried)
        skip();
}

static void test_static_allocator(void **state)
{
    (void)state;
    if (!have("@malloc_target_static_jemalloc"))
        skip();
    expect_text("2 jemalloc in ", STUB, "@malloc_target_static_jemalloc owner");
    expect(0, STUB, "@malloc_target_static_jemalloc family");
}

/* Their runtimes interpose much of libc and are not ready when the first malloc arrives. They come as a library behind
 * us, or inside the program. */
static void test_sanitizers(void **state)
{
    (void)state;
    static const struct {
        const char *program, *inside;
    } sanitizers[] = { { "@malloc_target_address", "2 AddressSanitizer in " },
                       { "@malloc_target_thread", "2 ThreadSanitizer in " } };
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    for (size_t i = 0; i < sizeof(sanitizers) / sizeof(sanitizers[0]); i++) {
        char command[100];
        if (!have(sanitizers[i].program))
            continue;
        snprintf(command, sizeof(command), "%s owner", sanitizers[i].program);
        if (run("", command) != 0)
            continue; /* some kernels are not to the liking of some sanitizers */
        expect(0, STUB, command);
        assert_true(strstr(output, "1 \n") || strstr(output, sanitizers[i].inside));
        expect(0, IDLE, command);
    }
    unsetenv("ASAN_OPTIONS");
}

int main(void)
{
    ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (n <= 0)
        return 1;
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),      cmocka_unit_test(test_exits),
        cmocka_unit_test(test_exec),       cmocka_unit_test(test_owner),
        cmocka_unit_test(test_plugins),    cmocka_unit_test(test_dlsym_wrapper),
        cmocka_unit_test(test_allocators), cmocka_unit_test(test_static_allocator),
        cmocka_unit_test(test_sanitizers),
    };
    return cmocka_run_group_tests_name("malloc_programs", tests, NULL, NULL);
}
