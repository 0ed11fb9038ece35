/* Every function of a library with nasty beginnings, hooked in one of four ways (the argument): all behave as before,
 * all calls are counted, and what cannot be hooked is refused with the right reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "../../../../libtrack/hook/stub.h"
#include "handlers.h"
#include "nasty.h"

enum { HOOKS = 128, THREADS = 4, HAMMER = 50000 };

static enum way way;
static struct counting hooks[HOOKS];
static unsigned hook_count;
static struct trk_batch *batch;

static struct counting *hook_named(const char *name)
{
    for (unsigned i = 0; i < hook_count; i++)
        if (strcmp(hooks[i].name, name) == 0)
            return &hooks[i];
    fail_msg("no function %s", name);
    return NULL;
}

static unsigned long calls(const char *name)
{
    return hook_named(name)->calls;
}

static bool leaves(void)
{
    return way >= WAY_LEAVE;
}

/* All but the library's own start-up code, once each. */
static bool add(const struct trk_function *f, void *data)
{
    (void)data;
    struct counting *c = &hooks[hook_count];
    if (f->name[0] == '_' || f->indirect || strstr(f->name, "nasty_static_address") || strcmp(f->name, "choose") == 0 ||
        strcmp(f->name, "nasty_registers") == 0 || strcmp(f->name, "helper") == 0 || strstr(f->name, "_tm_clones") ||
        strcmp(f->name, "frame_dummy") == 0)
        return true;
    for (unsigned i = 0; i < hook_count; i++)
        if (strcmp(hooks[i].name, f->name) == 0 || strstr(f->name, ".localalias") != NULL)
            return true;
    assert_true(hook_count + 1 < HOOKS);
    counting_init(c, way);
    strncpy(c->name, f->name, sizeof c->name - 1);
    c->start = f->start;
    trk_batch_add(batch, f->start, f->size, &c->hook);
    hook_count++;
    return true;
}

static void hook_library(void)
{
    struct trk_elf module;
    struct link_map *map = dlopen("libnasty.so", RTLD_NOLOAD | RTLD_LAZY);
    assert_non_null(map);
    assert_true(trk_elf_open(map, NULL, &module));
    batch = trk_batch_begin(&module, HOOKS);
    assert_non_null(batch);
    trk_elf_functions(&module, add, NULL);
    trk_batch_apply(batch);
    trk_elf_close(&module);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        enum trk_hook_state state;
    } expected[] = {
        { "nasty_short_tight", TRK_HOOK_SHORT }, { "nasty_loop_into", TRK_HOOK_JUMPED_INTO },
        { "nasty_loop_start", TRK_HOOK_LOOP },   { "nasty_far_into", TRK_HOOK_JUMPED_INTO },
        { "nasty_entered", TRK_HOOK_ENTERED },   { "nasty_trap", TRK_HOOK_TRAP },
        { "nasty_unknown", TRK_HOOK_BAD_INSN },  { "nasty_inner", TRK_HOOK_ENTERED },
    };
    (void)state;
    for (unsigned i = 0; i < hook_count; i++) {
        enum trk_hook_state want = TRK_HOOK_ON;
        for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++)
            if (strcmp(hooks[i].name, expected[k].name) == 0)
                want = expected[k].state;
        if (hooks[i].hook.state != want && strcmp(hooks[i].name, "nasty_inner") != 0)
            fail_msg("%s is %d instead of %d", hooks[i].name, hooks[i].hook.state, want);
    }
    /* Refused is untouched. */
    assert_int_equal(nasty_short_tight(3), 3);
    assert_int_equal(nasty_loop_into(3), 4);
    assert_int_equal(nasty_loop_start(3), 7);
    assert_int_equal(nasty_far_into(3), 4);
    assert_int_equal(nasty_elsewhere(3), 104);
    assert_int_equal(nasty_entered(3), 11);
    assert_int_equal(nasty_unknown(3), 12);
}

static void test_beginnings(void **state)
{
    static const struct {
        const char *name;
        long (*function)(long);
        long more;
    } cases[] = {
        { "nasty_endbr", nasty_endbr, 1 },       { "nasty_rip", nasty_rip, 1 },
        { "nasty_short", nasty_short, 0 },       { "nasty_rip_immediate", nasty_rip_immediate, 2 },
        { "nasty_next", nasty_next, 3 },         { "nasty_jcc", nasty_jcc, 4 },
        { "nasty_tail", nasty_tail, 3 },         { "nasty_call", nasty_call, 6 },
        { "nasty_call_rip", nasty_call_rip, 7 }, { "nasty_recursive", nasty_recursive, -1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counting *c = hook_named(cases[i].name);
        unsigned long before = c->calls;
        long more = cases[i].more;
        assert_int_equal(cases[i].function(2), more < 0 ? 3 : 2 + more);
        assert_int_equal(c->calls - before, more < 0 ? 3 : 1);
        assert_int_equal(c->first_argument, more < 0 && !leaves() ? 0 : 2); /* of the last that began, or ended */
        if (leaves())
            assert_int_equal(c->result[0], more < 0 ? 3 : 2 + more);
    }
    assert_int_equal(nasty_endbr(-4), -1);
    assert_int_equal(nasty_jcc(7), 12);
    unsigned long next = calls("nasty_next");
    nasty_tail(1); /* the function that it jumps to is a call, too */
    assert_int_equal(calls("nasty_next") - next, 1);
    assert_int_equal(nasty_static_calls(4), 20);
    assert_int_equal(calls("hidden_static"), 1);
    assert_int_equal(nasty_ifunc(3), 1000006);
    assert_int_equal(calls("chosen"), 1);
}

static void test_arguments(void **state)
{
    struct nasty_big big = { { 1, 2, 3, 4, 5, 6, 7, 8, 9 } };
    struct nasty_small small = { 10, 20 };
    (void)state;
    assert_int_equal(nasty_many(1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.5L, 11),
                     1 + 4 + 9 + 16 + 25 + 36 + 49 + 64 + 81 + 100 + 121);
    assert_int_equal(nasty_varargs(12, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L), 78);
    double sum = nasty_varargs_double(11, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.);
    assert_true(sum == 66.);
    struct nasty_big out = nasty_struct(big, small, 100);
    assert_int_equal(out.a[0], 11);
    assert_int_equal(out.a[8], 129);
    assert_int_equal(out.a[4], 5);
    struct nasty_small pair = nasty_pair(3, 4);
    assert_true(pair.a == 4 && pair.b == 3);
    if (leaves())
        assert_true(hook_named("nasty_pair")->result[0] == 4 && hook_named("nasty_pair")->result[1] == 3);
    assert_true(nasty_long_double(1.25L) == 2.5L);
    assert_true(nasty_double(1.5) == 4.5);
    assert_int_equal(nasty_aligned_argument(42), 42);
    errno = ENOENT;
    assert_int_equal(nasty_errno(1), ENOENT + 1);
    assert_int_equal(errno, ENOENT);
}

/* What needs its arguments on the stack gets them; of others, which are seen to have none, nothing is copied. */
static void test_windows(void **state)
{
    static const char *const needed[] = { "nasty_many",   "nasty_varargs", "nasty_varargs_double",
                                          "nasty_struct", "nasty_tail",    "nasty_aligned_argument",
                                          "nasty_new",    "nasty_call" };
    static const char *const ignored[] = { "nasty_next",      "nasty_endbr", "nasty_pair",
                                           "nasty_recursive", "nasty_jump",  "nasty_raise" };
    (void)state;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (hook_named(needed[i])->hook.stack_bytes == 0)
            fail_msg("%s loses its arguments", needed[i]);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (hook_named(ignored[i])->hook.stack_bytes != 0)
            fail_msg("%s has no arguments on the stack", ignored[i]);
}

static void test_registers(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(nasty_registers(nasty_changes_nothing), 0);
    assert_int_equal(calls("nasty_changes_nothing"), 1000);
}

/* The site of a call is where it returns to, and the stack begins there. */
static __attribute__((noinline)) long call_it(uintptr_t *frame)
{
    *frame = (uintptr_t)__builtin_frame_address(0);
    return nasty_next(1) + 1;
}

static void test_site(void **state)
{
    uintptr_t frame;
    Dl_info info;
    (void)state;
    call_it(&frame);
    const struct counting *c = hook_named("nasty_next");
    assert_true(c->caller > (uintptr_t)call_it && c->caller < (uintptr_t)call_it + 200);
    assert_true(c->sp <= frame && c->sp > frame - 200);
    assert_true(dladdr((void *)hook_named("nasty_next")->start, &info) != 0);
}

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *data)
{
    uintptr_t *found = data;
    found[0]++;
    found[1] |= _Unwind_GetRegionStart(context) == found[2];
    return _URC_NO_REASON;
}

static uintptr_t unwound[3];

static void unwind_here(long n)
{
    (void)n;
    _Unwind_Backtrace(count_frame, unwound);
}

static __attribute__((noinline)) void start_unwinding(long depth)
{
    unwound[0] = unwound[1] = 0;
    unwound[2] = (uintptr_t)start_unwinding;
    nasty_raise(unwind_here, depth);
    __asm__ volatile("");
}

static void test_unwinding(void **state)
{
    (void)state;
    start_unwinding(0);
    assert_int_equal(unwound[1], 1);
    uintptr_t least = unwound[0];
    start_unwinding(10);
    assert_int_equal(unwound[1], 1);
    assert_true(unwound[0] >= least + 10);
}

static unsigned cleaned;

static void clean(int *unused)
{
    (void)unused;
    cleaned++;
}

static void leave_thread(long n)
{
    (void)n;
    pthread_exit((void *)77);
}

static void *thread_that_leaves(void *unused)
{
    __attribute__((cleanup(clean), unused)) int here = 0;
    (void)unused;
    nasty_raise(leave_thread, 5);
    return NULL;
}

/* Forced unwinding goes through hooked frames as exceptions do, and runs what they have to clean. */
static void test_exceptions(void **state)
{
    pthread_t thread;
    void *result = NULL;
    (void)state;
    cleaned = 0;
    assert_int_equal(pthread_create(&thread, NULL, thread_that_leaves, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, (void *)77);
    assert_int_equal(cleaned, 1);
}

static void test_longjmp(void **state)
{
    jmp_buf where;
    volatile unsigned rounds = 0;
    (void)state;
    int n = setjmp(where);
    assert_true(n == 0 || n == 5);
    if (rounds++ < 1000)
        nasty_jump(where, 20);
    assert_int_equal(nasty_recursive(10), 55);
    if (!leaves())
        assert_int_equal(calls("nasty_jump"), 21000);
}

static void *hammer(void *unused)
{
    long sum = 0;
    (void)unused;
    for (long i = 0; i < HAMMER; i++) {
        void *p = nasty_new(16);
        sum += nasty_endbr(i) + nasty_varargs(8, 1L, 1L, 1L, 1L, 1L, 1L, 1L, i);
        free(p);
    }
    return (void *)sum;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    unsigned long before[2] = { calls("nasty_endbr"), calls("nasty_new") };
    long sum = 0;
    (void)state;
    for (long i = 0; i < HAMMER; i++)
        sum += i + 1 + 7 + i;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_int_equal((long)result, sum);
    }
    assert_int_equal(calls("nasty_endbr") - before[0], THREADS * HAMMER);
    assert_int_equal(calls("nasty_new") - before[1], THREADS * HAMMER);
}

static void test_fork(void **state)
{
    (void)state;
    unsigned long before = calls("nasty_next");
    pid_t pid = fork();
    if (pid == 0)
        _exit(nasty_next(1) == 4 && calls("nasty_next") == before + 1 ? 0 : 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(calls("nasty_next"), before);
}

/* A stack that ends right above the caller's frame: no byte beyond it may be read. */
static void *small_stack(void *unused)
{
    (void)unused;
    return (void *)nasty_varargs(9, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L);
}

static void test_small_stack(void **state)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *result;
    (void)state;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    assert_int_equal(pthread_create(&thread, &attributes, small_stack, NULL), 0);
    pthread_join(thread, &result);
    assert_int_equal((long)result, 45);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_beginnings), cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_windows),   cmocka_unit_test(test_registers),  cmocka_unit_test(test_site),
        cmocka_unit_test(test_unwinding), cmocka_unit_test(test_exceptions), cmocka_unit_test(test_longjmp),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_fork),       cmocka_unit_test(test_small_stack),
    };
    way = argc > 1 ? (enum way)(argv[1][0] - '0') : WAY_ENTER;
    if (argc > 2) /* as on a processor without xsave */
        trk_vector_mask = nasty_avx = 0;
    else
        trk_stub_init();
    hook_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
