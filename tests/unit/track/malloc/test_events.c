/* test_events.c: each function of the malloc family, mmap, dlclose: exactly which hooks run, in which order, with which
 * arguments and which caller, and that the functions themselves answer as libc's do. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

/* The compiler must not know what these do. */
static void *(*volatile do_malloc)(size_t) = malloc;
static void *(*volatile do_calloc)(size_t, size_t) = calloc;
static void *(*volatile do_realloc)(void *, size_t) = realloc;
static void *(*volatile do_reallocarray)(void *, size_t, size_t) = reallocarray;
static void (*volatile do_free)(void *) = free;
static void *(*volatile do_aligned_alloc)(size_t, size_t) = aligned_alloc;
static int (*volatile do_posix_memalign)(void **, size_t, size_t) = posix_memalign;
static void *(*volatile do_memalign)(size_t, size_t) = memalign;
static void *(*volatile do_valloc)(size_t) = valloc;
static void *(*volatile do_pvalloc)(size_t) = pvalloc;

static int restart(void **state)
{
    (void)state;
    stub_reset(true);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stub_reset(false);
    return 0;
}

/* The i-th event is this one. */
static void assert_event(size_t i, enum stub_op op, enum trk_alloc_kind kind, const void *p, const void *old,
                         size_t size)
{
    trk_malloc_gate_v1 = 0;
    const struct stub_event *ev = stub_event(i);
    assert_non_null(ev);
    assert_int_equal(ev->op, op);
    assert_int_equal(ev->kind, kind);
    assert_ptr_equal(ev->p, p);
    assert_ptr_equal(ev->old, old);
    assert_int_equal(ev->size, size);
    trk_malloc_gate_v1 = 1;
}

static void assert_events(size_t n)
{
    trk_malloc_gate_v1 = 0;
    assert_int_equal(stub_kept(), n);
    trk_malloc_gate_v1 = 1;
}

static void check_malloc_free(void **state)
{
    (void)state;
    void *p = do_malloc(100);
    do_free(p);
    assert_events(2);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_MALLOC, p, NULL, 100);
    assert_event(1, STUB_FREE, TRK_ALLOC_MALLOC, p, NULL, 0);
    stub_reset(true);
    do_free(NULL);
    cfree(NULL);
    free_sized(NULL, 8);
    free_aligned_sized(NULL, 8, 8);
    assert_events(0);
    p = do_malloc(0);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_MALLOC, p, NULL, 0);
    cfree(p);
    void *q = do_malloc(7);
    free_sized(q, 7);
    void *r = do_aligned_alloc(64, 128);
    free_aligned_sized(r, 64, 128);
    assert_events(6);
    assert_event(1, STUB_FREE, TRK_ALLOC_MALLOC, p, NULL, 0);
    assert_event(3, STUB_FREE, TRK_ALLOC_MALLOC, q, NULL, 0);
    assert_event(5, STUB_FREE, TRK_ALLOC_MALLOC, r, NULL, 0);
}

static void check_calloc(void **state)
{
    (void)state;
    unsigned char *p = do_calloc(7, 11);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_CALLOC, p, NULL, 77);
    for (size_t i = 0; i < 77; i++)
        assert_int_equal(p[i], 0);
    do_free(p);
    stub_reset(true);
    errno = 0;
    void *q = do_calloc(SIZE_MAX / 2, 3);
    int failed = errno;
    assert_null(q);
    assert_int_equal(failed, ENOMEM);
    assert_events(0);
}

static void check_realloc(void **state)
{
    (void)state;
    char *p = do_realloc(NULL, 10);
    memcpy(p, "123456789", 10);
    char *q = do_realloc(p, 100000);
    assert_int_equal(memcmp(q, "123456789", 10), 0);
    assert_events(3);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_MALLOC, p, NULL, 10);
    assert_event(1, STUB_REALLOC_BEGIN, TRK_ALLOC_REALLOC, NULL, p, 0);
    assert_event(2, STUB_REALLOC_END, TRK_ALLOC_REALLOC, q, p, 100000);

    stub_reset(true);
    errno = 0;
    void *bad = do_realloc(q, SIZE_MAX / 2);
    int failed = errno;
    assert_null(bad);
    assert_int_equal(failed, ENOMEM);
    assert_events(2);
    assert_event(0, STUB_REALLOC_BEGIN, TRK_ALLOC_REALLOC, NULL, q, 0);
    assert_event(1, STUB_REALLOC_FAIL, TRK_ALLOC_REALLOC, NULL, q, 0);
    assert_int_equal(memcmp(q, "123456789", 10), 0);

    stub_reset(true);
    void *none = do_realloc(q, 0);
    assert_null(none);
    assert_events(1);
    assert_event(0, STUB_FREE, TRK_ALLOC_MALLOC, q, NULL, 0);
}

static void check_reallocarray(void **state)
{
    (void)state;
    void *p = do_reallocarray(NULL, 3, 5);
    void *q = do_reallocarray(p, 3, 50);
    assert_events(3);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_MALLOC, p, NULL, 15);
    assert_event(1, STUB_REALLOC_BEGIN, TRK_ALLOC_REALLOC, NULL, p, 0);
    assert_event(2, STUB_REALLOC_END, TRK_ALLOC_REALLOC, q, p, 150);
    errno = 0;
    void *bad = do_reallocarray(q, SIZE_MAX / 4, 8);
    int failed = errno;
    assert_null(bad);
    assert_int_equal(failed, ENOMEM);
    assert_events(3);
    stub_reset(false);
    errno = 0;
    assert_null(do_reallocarray(q, SIZE_MAX / 4, 8));
    assert_int_equal(errno, ENOMEM);
    do_free(q);
}

static void check_aligned(void **state)
{
    (void)state;
    void *p[5];
    p[0] = do_aligned_alloc(128, 256);
    assert_int_equal(do_posix_memalign(&p[1], 64, 10), 0);
    p[2] = do_memalign(32, 5);
    p[3] = do_valloc(9);
    p[4] = do_pvalloc(9);
    static const size_t sizes[] = { 256, 10, 5, 9, 9 };
    static const size_t aligns[] = { 128, 64, 32, 4096, 4096 };
    assert_events(5);
    for (size_t i = 0; i < 5; i++) {
        assert_event(i, STUB_ALLOC, TRK_ALLOC_ALIGNED, p[i], NULL, sizes[i]);
        assert_int_equal((uintptr_t)p[i] % aligns[i], 0);
    }
    assert_true(malloc_usable_size(p[4]) >= 4096);
    for (size_t i = 0; i < 5; i++)
        do_free(p[i]);
    assert_events(10);

    /* Failures are no events, and are what libc says. */
    stub_reset(true);
    void *untouched = &untouched;
    assert_int_equal(do_posix_memalign(&untouched, 3, 8), EINVAL);
    assert_int_equal(do_posix_memalign(&untouched, 64, SIZE_MAX / 2), ENOMEM);
    assert_ptr_equal(untouched, &untouched);
    assert_null(do_memalign(64, SIZE_MAX / 2));
    assert_null(do_valloc(SIZE_MAX - 100));
    assert_null(do_pvalloc(SIZE_MAX - 100));
    assert_null(do_malloc(SIZE_MAX / 2));
    assert_events(0);
}

static void check_errno_is_kept(void **state)
{
    (void)state;
    void *p = NULL;
    errno = 4711;
    void *blocks[] = { do_malloc(1), do_calloc(1, 1), do_realloc(NULL, 1), do_memalign(64, 1) };
    assert_int_equal(do_posix_memalign(&p, 64, 1), 0);
    blocks[0] = do_realloc(blocks[0], 5000);
    do_free(p);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        do_free(blocks[i]);
    void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(map, 4096);
    int after = errno;
    assert_int_equal(after, 4711);
}

/* One function per call, so that the recorded return address can be told from all others. */
__attribute__((noinline)) static void *at_malloc(void)
{
    void *p = do_malloc(33);
    __asm__ volatile("" ::: "memory");
    return p;
}

__attribute__((noinline)) static void at_free(void *p)
{
    do_free(p);
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void *at_mremap(void *p)
{
    void *q = mremap(p, 4096, 8192, MREMAP_MAYMOVE);
    __asm__ volatile("" ::: "memory");
    return q;
}

static void assert_caller(size_t i, uintptr_t function, uintptr_t sp)
{
    const struct stub_event *ev = stub_event(i);
    assert_non_null(ev);
    assert_in_range(ev->at.pc, function, function + 200);
    assert_in_range(ev->at.sp, sp - 400, sp);
}

static void check_caller(void **state)
{
    (void)state;
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    void *p = at_malloc();
    at_free(p);
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    map = at_mremap(map);
    stub_reset(true);
    p = at_malloc();
    at_free(p);
    void *small = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    small = at_mremap(small);
    trk_malloc_gate_v1 = 0;
    assert_caller(0, (uintptr_t)at_malloc, sp);
    assert_caller(1, (uintptr_t)at_free, sp);
    assert_caller(2, (uintptr_t)check_caller, sp + 16);
    assert_caller(3, (uintptr_t)at_mremap, sp);
    munmap(map, 8192);
    munmap(small, 8192);
}

static void check_idle(void **state)
{
    (void)state;
    stub_reset(false);
    void *p = do_malloc(5);
    p = do_realloc(p, 50);
    p = do_reallocarray(p, 5, 50);
    do_free(p);
    p = do_calloc(5, 5);
    cfree(p);
    p = do_malloc(9);
    free_sized(p, 9);
    p = do_aligned_alloc(64, 64);
    free_aligned_sized(p, 64, 64);
    assert_int_equal(do_posix_memalign(&p, 64, 64), 0);
    do_free(p);
    do_free(do_memalign(64, 64));
    do_free(do_valloc(64));
    do_free(do_pvalloc(64));
    p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p = mremap(p, 4096, 8192, MREMAP_MAYMOVE);
    munmap(p, 8192);
    assert_int_equal(stub_kept(), 0);
}

static void check_maps(void **state)
{
    (void)state;
    char *p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *q = mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(q, 4096);
    assert_events(3);
    assert_event(0, STUB_ALLOC, TRK_ALLOC_MMAP, p, NULL, 12288);
    assert_event(1, STUB_ALLOC, TRK_ALLOC_MMAP, q, NULL, 4096);
    assert_event(2, STUB_FREE, TRK_ALLOC_MMAP, q, NULL, 4096);

    /* A fixed map over part of another one ends that part. */
    stub_reset(true);
    assert_ptr_equal(mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p + 4096);
    assert_events(2);
    assert_event(0, STUB_FREE, TRK_ALLOC_MMAP, p + 4096, NULL, 4096);
    assert_event(1, STUB_ALLOC, TRK_ALLOC_MMAP, p + 4096, NULL, 4096);

    /* Refusals. */
    stub_reset(true);
    assert_ptr_equal(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0), MAP_FAILED);
    assert_int_equal(errno, EBADF);
    assert_int_equal(munmap(p + 1, 4096), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(munmap(p, 0), -1);
    assert_ptr_equal(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), MAP_FAILED);
    assert_int_equal(errno, EEXIST);
    assert_events(0);
    munmap(p, 12288);
}

static void check_mremap(void **state)
{
    (void)state;
    char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 'x';
    stub_reset(true);
    /* shrinks where it is */
    char *q = mremap(p, 4 * 4096, 4096, 0);
    assert_ptr_equal(q, p);
    assert_events(2);
    assert_event(0, STUB_FREE, TRK_ALLOC_MMAP, p, NULL, 4 * 4096);
    assert_event(1, STUB_ALLOC, TRK_ALLOC_MMAP, p, NULL, 4096);
    /* cannot grow in place: somebody sits behind it */
    void *wall = mmap(p + 4096, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    stub_reset(true);
    assert_ptr_equal(mremap(p, 4096, 1 << 20, 0), MAP_FAILED);
    assert_int_equal(errno, ENOMEM);
    assert_events(0);
    /* moves */
    q = mremap(p, 4096, 1 << 20, MREMAP_MAYMOVE);
    assert_ptr_not_equal(q, MAP_FAILED);
    assert_int_equal(q[0], 'x');
    assert_events(2);
    assert_event(0, STUB_FREE, TRK_ALLOC_MMAP, p, NULL, 4096);
    assert_event(1, STUB_ALLOC, TRK_ALLOC_MMAP, q, NULL, 1 << 20);
    /* to a given place, over what is there */
    stub_reset(true);
    char *to = mremap(q, 1 << 20, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, wall);
    assert_ptr_equal(to, wall);
    assert_int_equal(to[0], 'x');
    assert_events(3);
    assert_event(0, STUB_FREE, TRK_ALLOC_MMAP, q, NULL, 1 << 20);
    assert_event(1, STUB_FREE, TRK_ALLOC_MMAP, wall, NULL, 4096);
    assert_event(2, STUB_ALLOC, TRK_ALLOC_MMAP, wall, NULL, 4096);
    /* a failed move leaves the old range alive */
    stub_reset(true);
    assert_ptr_equal(mremap(to, 4096, (size_t)1 << 46, MREMAP_MAYMOVE), MAP_FAILED);
    assert_events(2);
    assert_event(0, STUB_FREE, TRK_ALLOC_MMAP, to, NULL, 4096);
    assert_event(1, STUB_ALLOC, TRK_ALLOC_MMAP, to, NULL, 4096);
    munmap(to, 4096);
}

static void check_dlclose(void **state)
{
    (void)state;
    void *handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(handle);
    assert_int_equal(dlclose(handle), 0);
    trk_malloc_gate_v1 = 0;
    assert_int_equal(stub_count(STUB_UNLOADED), 1);
}

static void check_start(void **state)
{
    (void)state;
    stub_reset(false);
    assert_int_equal(stub_starts(), 1);
    assert_int_equal(stub_owner(), TRK_PROC_MALLOC_OURS);
    assert_string_equal(stub_owner_text(), "");
    assert_null(dlerror());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_start, restart, stop),
        cmocka_unit_test_setup_teardown(check_malloc_free, restart, stop),
        cmocka_unit_test_setup_teardown(check_calloc, restart, stop),
        cmocka_unit_test_setup_teardown(check_realloc, restart, stop),
        cmocka_unit_test_setup_teardown(check_reallocarray, restart, stop),
        cmocka_unit_test_setup_teardown(check_aligned, restart, stop),
        cmocka_unit_test_setup_teardown(check_errno_is_kept, restart, stop),
        cmocka_unit_test_setup_teardown(check_caller, restart, stop),
        cmocka_unit_test_setup_teardown(check_idle, restart, stop),
        cmocka_unit_test_setup_teardown(check_maps, restart, stop),
        cmocka_unit_test_setup_teardown(check_mremap, restart, stop),
        cmocka_unit_test_setup_teardown(check_dlclose, restart, stop),
    };
    return cmocka_run_group_tests_name("malloc_events", tests, NULL, NULL);
}
