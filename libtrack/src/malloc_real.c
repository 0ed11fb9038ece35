/* malloc_real.c: looks up the functions that really allocate, serves the calls that arrive before they are known, and
 * keeps the unusual cases away from the ordinary recording path. */
#include "malloc_real.h"

#include <errno.h>

#include "boot_arena.h"
#include "exit_vfork.h"
#include "malloc_owner.h"
#include "malloc_text.h"

unsigned char trk_odd = TRK_ODD_UNRESOLVED;

void trk_odd_set(unsigned bits)
{
    __atomic_fetch_or(&trk_odd, (unsigned char)bits, __ATOMIC_RELEASE);
}

void trk_odd_clear(unsigned bits)
{
    __atomic_fetch_and(&trk_odd, (unsigned char)~bits, __ATOMIC_RELEASE);
}

/* ---- Before the real functions are known -------------------------------------------------------------------- */

/* Reports a call that began while idle and unresolved, and during which the engine came up. (With the gate open
 * already, the hook that called the first_ function records.) */
static void report_first(bool was_idle, void *p, size_t size, enum trk_alloc_kind kind, const struct trk_frame *at)
{
    if (was_idle && trk_malloc_gate_v1 && trk_odd_begin(at, kind != TRK_ALLOC_ALIGNED)) {
        trk_hook_alloc_v1(p, size, trk_odd_kind(p, kind), at);
        trk_odd_end();
    }
}

static void *from_arena(size_t size, size_t align)
{
    void *p = trk_boot_alloc(size, align);
    if (!p)
        errno = ENOMEM;
    return p;
}

/* Each first_ function stands in for a real one until trk_real_settle; while that is under way they serve from the
 * arena. When the look-up ended in another thread meanwhile, the arena is sealed and the real function is tried once
 * more. */
static TRK_NOINLINE void *first_malloc(size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle()) {
        void *p = from_arena(size, TRK_BOOT_ALIGN);
        if (p || TRK_REAL(malloc) == first_malloc)
            return p;
    }
    void *p = TRK_REAL(malloc)(size);
    report_first(idle, p, size, TRK_ALLOC_MALLOC, &at);
    return p;
}

static TRK_NOINLINE void *first_calloc(size_t count, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    size_t bytes = 0;
    bool over = __builtin_mul_overflow(count, size, &bytes);
    if (!trk_real_settle()) {
        void *p = from_arena(over ? SIZE_MAX : bytes, TRK_BOOT_ALIGN);
        if (p || TRK_REAL(calloc) == first_calloc)
            return p;
    }
    void *p = TRK_REAL(calloc)(count, size);
    report_first(idle, p, bytes, TRK_ALLOC_CALLOC, &at);
    return p;
}

static TRK_NOINLINE void *first_realloc(void *old, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (old && trk_boot_owns(old))
        return trk_real_leave_arena(old, size, NULL);
    if (!trk_real_settle()) {
        void *p = old ? NULL : from_arena(size, TRK_BOOT_ALIGN);
        if (p || TRK_REAL(realloc) == first_realloc)
            return p;
    }
    void *p = TRK_REAL(realloc)(old, size);
    if (!old)
        report_first(idle, p, size, TRK_ALLOC_MALLOC, &at);
    return p;
}

static void first_free(void *p)
{
    if (p && trk_boot_owns(p))
        trk_boot_free(p);
    else if (p && (trk_real_settle() || TRK_REAL(free) != first_free))
        TRK_REAL(free)(p);
}

static TRK_NOINLINE void *first_aligned_alloc(size_t align, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle() && TRK_REAL(aligned_alloc) == first_aligned_alloc)
        return from_arena(size, align);
    void *p = TRK_REAL(aligned_alloc)(align, size);
    report_first(idle, p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE int first_posix_memalign(void **ret, size_t align, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle() && TRK_REAL(posix_memalign) == first_posix_memalign) {
        void *p = trk_boot_alloc(size, align);
        if (p)
            *ret = p;
        return p ? 0 : ENOMEM;
    }
    int failed = TRK_REAL(posix_memalign)(ret, align, size);
    if (!failed)
        report_first(idle, *ret, size, TRK_ALLOC_ALIGNED, &at);
    return failed;
}

static TRK_NOINLINE void *first_memalign(size_t align, size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle() && TRK_REAL(memalign) == first_memalign)
        return from_arena(size, align);
    void *p = TRK_REAL(memalign)(align, size);
    report_first(idle, p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE void *first_valloc(size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle() && TRK_REAL(valloc) == first_valloc)
        return from_arena(size, (size_t)getpagesize());
    void *p = TRK_REAL(valloc)(size);
    report_first(idle, p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

static TRK_NOINLINE void *first_pvalloc(size_t size)
{
    struct trk_frame at = TRK_FRAME_CALLER;
    bool idle = !trk_malloc_gate_v1;
    if (!trk_real_settle() && TRK_REAL(pvalloc) == first_pvalloc)
        return from_arena(size, (size_t)getpagesize());
    void *p = TRK_REAL(pvalloc)(size);
    report_first(idle, p, size, TRK_ALLOC_ALIGNED, &at);
    return p;
}

struct trk_real trk_real = {
    .malloc = first_malloc,
    .calloc = first_calloc,
    .realloc = first_realloc,
    .free = first_free,
    .aligned_alloc = first_aligned_alloc,
    .posix_memalign = first_posix_memalign,
    .memalign = first_memalign,
    .valloc = first_valloc,
    .pvalloc = first_pvalloc,
    .any_realloc = first_realloc,
    .any_free = first_free,
    .mmap = trk_first_mmap,
    .mmap64 = trk_first_mmap64,
    .munmap = trk_first_munmap,
    .mremap = trk_first_mremap,
};

/* ---- While blocks of the arena are around ------------------------------------------------------------------- */

/* The real ones behind the two that look for arena blocks. */
static void *(*behind_realloc)(void *, size_t);
static void (*behind_free)(void *);

static void *careful_realloc(void *old, size_t size)
{
    return old && trk_boot_owns(old) ? trk_real_leave_arena(old, size, NULL) : behind_realloc(old, size);
}

static void careful_free(void *p)
{
    if (trk_boot_owns(p))
        trk_boot_free(p);
    else
        behind_free(p);
}

void *trk_real_leave_arena(void *old, size_t size, const struct trk_frame *at)
{
    void *fresh = NULL;
    if (size) {
        fresh = TRK_REAL(malloc)(size);
        if (!fresh)
            return NULL;
        size_t kept = trk_boot_size(old);
        trk_text_bytes(fresh, old, kept < size ? kept : size);
        if (at)
            trk_hook_alloc_v1(fresh, size, trk_odd_kind(fresh, TRK_ALLOC_MALLOC), at);
    }
    if (trk_boot_free(old) && at)
        trk_hook_free_v1(old, 0, TRK_ALLOC_BOOT, at);
    return fresh;
}

/* ---- Looking up --------------------------------------------------------------------------------------------- */

/* glibc's own names for its allocator, for when nothing else can be found. They also keep us out of fully static
 * programs, where there is no next definition: the linker then reports two definitions of malloc. */
#ifdef __GLIBC__
#define LIBC_OWN
#else
#define LIBC_OWN __attribute__((weak))
#endif
extern void *__libc_malloc(size_t) LIBC_OWN;
extern void *__libc_calloc(size_t, size_t) LIBC_OWN;
extern void *__libc_realloc(void *, size_t) LIBC_OWN;
extern void __libc_free(void *) LIBC_OWN;
extern void *__libc_memalign(size_t, size_t) LIBC_OWN;

/* What an allocator without these is taken to mean by them. */
static int plain_posix_memalign(void **ret, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    int kept = errno;
    void *p = TRK_REAL(memalign)(align, size);
    errno = kept;
    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

static void *plain_valloc(size_t size)
{
    return TRK_REAL(memalign)((size_t)getpagesize(), size);
}

static void *plain_pvalloc(size_t size)
{
    size_t page = (size_t)getpagesize();
    if (size > SIZE_MAX - page) {
        errno = ENOMEM;
        return NULL;
    }
    return TRK_REAL(memalign)(page, size ? (size + page - 1) / page * page : page);
}

/* A program may interpose dlsym and ask the real one on our behalf: RTLD_NEXT then counts from its place in the order
 * instead of ours and can find us again. dlvsym is hardly ever interposed; through it we get the real dlsym, and
 * failing that the definition of libc itself. */
void *trk_real_next(const char *name, const void *ours)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found && found != ours)
        return found;
    static const char *const versions[] = { "GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17" };
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        void *real = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
        if (!real)
            continue;
        void *(*lookup)(void *, const char *) = (void *(*)(void *, const char *))real;
        found = lookup(RTLD_NEXT, name);
        if (found && found != ours)
            return found;
    }
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!libc)
        return NULL;
    found = dlsym(libc, name); /* stays open: it is loaded anyway */
    return found == ours ? NULL : found;
}

/* Publishes one function; `other` stands in when there is none. */
#define FIND(member, symbol, other)                                                                                    \
    do {                                                                                                               \
        void *next = trk_real_next(#symbol, (const void *)trk_our_##symbol);                                           \
        missing |= !next;                                                                                              \
        __typeof__(trk_real.member) real = next ? (__typeof__(trk_real.member))next : (other);                         \
        __atomic_store_n(&trk_real.member, real, __ATOMIC_RELEASE);                                                    \
    } while (0)

static void find_all(void)
{
    bool missing = false;
    FIND(malloc, malloc, __libc_malloc);
    FIND(calloc, calloc, __libc_calloc);
    FIND(aligned_alloc, aligned_alloc, __libc_memalign);
    FIND(posix_memalign, posix_memalign, plain_posix_memalign);
    FIND(memalign, memalign, __libc_memalign);
    FIND(valloc, valloc, plain_valloc);
    FIND(pvalloc, pvalloc, plain_pvalloc);
    FIND(mmap, mmap, trk_first_mmap);
    FIND(mmap64, mmap64, trk_first_mmap64);
    FIND(munmap, munmap, trk_first_munmap);
    FIND(mremap, mremap, trk_first_mremap);
    FIND(exit_now, _exit, NULL);
    FIND(exit_c99, _Exit, NULL);
    FIND(exit_quick, quick_exit, NULL);
    FIND(exit_abort, abort, NULL);
    FIND(exit_assert, __assert_fail, NULL);
    FIND(exit_assert_errno, __assert_perror_fail, NULL);
    FIND(execve, execve, NULL);
    FIND(execv, execv, NULL);
    FIND(execvp, execvp, NULL);
    FIND(execvpe, execvpe, NULL);
    FIND(fexecve, fexecve, NULL);

    /* The two that can meet blocks of the arena come last: only now it is known whether there are any. */
    void *next = trk_real_next("realloc", (const void *)trk_our_realloc);
    behind_realloc = next ? (void *(*)(void *, size_t))next : __libc_realloc;
    missing |= !next;
    next = trk_real_next("free", (const void *)trk_our_free);
    behind_free = next ? (void (*)(void *))next : __libc_free;
    missing |= !next;
    /* A failed look-up left a text behind that the program must not find when it asks dlerror. */
    if (missing)
        while (dlerror())
            ;
    bool used = trk_boot_seal();
    if (used) {
        trk_odd_set(TRK_ODD_ARENA);
        trk_hook_own_v1(trk_boot_memory, TRK_BOOT_BYTES, TRK_OWN_BLOCKS);
    }
    __atomic_store_n(&trk_real.realloc, used ? careful_realloc : behind_realloc, __ATOMIC_RELEASE);
    __atomic_store_n(&trk_real.free, used ? careful_free : behind_free, __ATOMIC_RELEASE);
    trk_real.any_realloc = trk_real.realloc;
    trk_real.any_free = trk_real.free;
}

/* Blocks handed out before the engine was there. */
static void report_arena(void)
{
    if (!trk_malloc_gate_v1)
        return;
    const struct trk_frame at = TRK_FRAME_CALLER;
    for (void *p = trk_boot_next(NULL); p; p = trk_boot_next(p))
        if (trk_boot_report(p))
            trk_hook_alloc_v1(p, trk_boot_size(p), TRK_ALLOC_BOOT, &at);
}

bool trk_real_settle(void)
{
    /* SETTLING -> SETTLED by the one thread that won it (release); loads elsewhere acquire. */
    enum { NEW, SETTLING, SETTLED };
    static int state = NEW;
    int seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
    if (seen == SETTLED)
        return true;
    if (seen != NEW || !__atomic_compare_exchange_n(&state, &seen, SETTLING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return false;
    int kept = errno;
    find_all();
    trk_vfork_init();
    __atomic_store_n(&state, SETTLED, __ATOMIC_RELEASE);
    trk_odd_clear(TRK_ODD_UNRESOLVED);
    trk_owner_find();
    trk_owner_tell();
    trk_hook_start_v1();
    trk_owner_tell();
    report_arena();
    errno = kept;
    return true;
}

/* Nobody may have called malloc when the program's own constructors run; settle before them as well as we can. */
__attribute__((constructor(101))) static void settle_early(void)
{
    trk_real_settle();
    trk_owner_confirm();
}

static void __attribute__((destructor)) conclude(void)
{
    trk_owner_conclude();
}

/* ---- Recording in an unusual process ------------------------------------------------------------------------ */

/* Stack pointer of the caller whose call is being recorded in this thread; 0 outside. Only while TRK_ODD_NESTING. */
static __thread uintptr_t outer_sp __attribute__((tls_model("initial-exec")));

/* A nested call comes from deeper in the same stack, and not from far: the wrapper's own frames. An older value that a
 * siglongjmp left behind is overwritten by the first call that is not below it. */
enum { NEST_REACH = 16384 };

bool trk_odd_begin(const struct trk_frame *at, bool core)
{
    unsigned odd = trk_odd_bits();
    if (odd & TRK_ODD_UNRESOLVED) {
        trk_real_settle();
        odd = trk_odd_bits();
    }
    if (odd & TRK_ODD_SECOND)
        return false;
    if (odd & TRK_ODD_NESTING) {
        uintptr_t outer = outer_sp;
        if (outer && at->sp < outer && outer - at->sp < NEST_REACH)
            return false;
    }
    if ((odd & (TRK_ODD_FOREIGN | TRK_ODD_UNSEEN)) && !trk_owner_arrived(at->pc, core))
        return false;
    if (odd & TRK_ODD_NESTING)
        outer_sp = at->sp;
    return true;
}

void trk_odd_end(void)
{
    outer_sp = 0;
}

enum trk_alloc_kind trk_odd_kind(void *p, enum trk_alloc_kind kind)
{
    if (!p || !trk_boot_owns(p))
        return kind;
    trk_boot_report(p);
    return TRK_ALLOC_BOOT;
}
