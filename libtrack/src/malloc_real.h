/* malloc_real.h: the functions that really allocate, and what is unusual about this process. Internal to the hooks.
 *
 * The hooks call through trk_real. Its members first point to functions that look up the real ones (dlsym RTLD_NEXT:
 * the next definition after ours, so a linked or preloaded jemalloc, tcmalloc or mimalloc is found before libc);
 * afterwards they are the real ones, and a call through the table costs one indirect jump. */
#ifndef TRACK_MALLOC_REAL_H
#define TRACK_MALLOC_REAL_H

#undef NDEBUG /* without it the functions behind assert are not declared */
#include <assert.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "hook.h"

#define TRK_HIDDEN   __attribute__((visibility("hidden")))
#define TRK_NOINLINE __attribute__((noinline))

/* An interposed function must leave no trace of itself on the stack when it hands over to another function: the one it
 * jumps to then sees the program's own frame as its caller (TRK_FRAME_CALLER), and the idle path is a load, a branch
 * and a jump. TRK_ENTRY marks such a function, TRK_TAIL is its `return`.
 * TRK_DIRECT marks those that do all their work themselves. */
#ifdef __clang__
#define TRK_ENTRY __attribute__((visibility("default"), noinline))
#define TRK_TAIL  __attribute__((musttail)) return
#else
#define TRK_ENTRY __attribute__((visibility("default"), noinline, optimize("O2", "omit-frame-pointer")))
#define TRK_TAIL  return
#endif
#define TRK_DIRECT __attribute__((visibility("default"), noinline))

/* The name of a function in this library may mean somebody else's definition; trk_our_NAME is always ours. */
#ifdef __clang__
#define TRK_OURS(name) extern __typeof__(name) trk_our_##name __attribute__((visibility("hidden"), alias(#name)))
#else
#define TRK_OURS(name)                                                                                                 \
    extern __typeof__(name) trk_our_##name __attribute__((copy(name), visibility("hidden"), alias(#name)))
#endif

struct trk_real {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *old, size_t size);
    void (*free)(void *p);
    void *(*aligned_alloc)(size_t align, size_t size);
    int (*posix_memalign)(void **ret, size_t align, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    /* For functions made of realloc and free here (reallocarray, cfree, free_sized...): the same as above, or, when
     * malloc is not ours, what the rest of the program calls by these names. */
    void *(*any_realloc)(void *old, size_t size);
    void (*any_free)(void *p);

    void *(*mmap)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
    void *(*mmap64)(void *addr, size_t length, int prot, int flags, int fd, off64_t offset);
    int (*munmap)(void *addr, size_t length);
    void *(*mremap)(void *old, size_t old_length, size_t length, int flags, ...);

    int (*dlclose)(void *handle); /* NULL until its first use */

    void (*exit_now)(int status);                                                                 /* _exit */
    void (*exit_c99)(int status);                                                                 /* _Exit */
    void (*exit_quick)(int status);                                                               /* quick_exit */
    void (*exit_abort)(void);                                                                     /* abort */
    void (*exit_assert)(const char *what, const char *file, unsigned line, const char *function); /* __assert_fail */
    void (*exit_assert_errno)(int number, const char *file, unsigned line, const char *function); /* _perror_fail */
    int (*execve)(const char *path, char *const argv[], char *const envp[]);
    int (*execv)(const char *path, char *const argv[]);
    int (*execvp)(const char *file, char *const argv[]);
    int (*execvpe)(const char *file, char *const argv[], char *const envp[]);
    int (*fexecve)(int fd, char *const argv[], char *const envp[]);
};
extern struct trk_real trk_real TRK_HIDDEN;

/* Members change once, from the look-up function to the real one, and either is right to call: relaxed is enough. */
#define TRK_REAL(name) __atomic_load_n(&trk_real.name, __ATOMIC_RELAXED)

/* What is unusual. 0 in an ordinary process once it runs: tested first on the recording path, everything else is behind
 * that one branch. Atomic; bits are set and cleared by malloc_real.c only. */
enum {
    TRK_ODD_UNRESOLVED = 1, /* the real functions are not known yet */
    TRK_ODD_ARENA = 2,      /* blocks of the start-up arena are around */
    TRK_ODD_FOREIGN = 4,    /* the program resolves malloc to somebody else */
    TRK_ODD_NESTING = 8,    /* the real functions may call each other by name, and thus us: count the outer call only */
    TRK_ODD_UNSEEN = 16,    /* the executable itself has not called malloc so far */
    TRK_ODD_SECOND = 32,    /* another set of these hooks stands before us and records everything */
};
extern unsigned char trk_odd TRK_HIDDEN;

static inline unsigned trk_odd_bits(void)
{
    return __atomic_load_n(&trk_odd, __ATOMIC_RELAXED);
}
void trk_odd_set(unsigned bits) TRK_HIDDEN;
void trk_odd_clear(unsigned bits) TRK_HIDDEN;

/* Looks up the real functions and starts the engine, if that has not happened. False while the look-up is under way
 * (this call may come from inside it): serve from the arena then. Any thread. */
bool trk_real_settle(void) TRK_HIDDEN;

/* Recording path of a process that is unusual in some way. trk_odd_begin: is this call of the program to be recorded?
 * `core`: malloc, calloc or realloc, whose arrival proves that malloc comes through us. When true, trk_odd_end must
 * follow after the real function returned. trk_odd_kind: the kind to record for the fresh block p. */
bool trk_odd_begin(const struct trk_frame *at, bool core) TRK_HIDDEN;
void trk_odd_end(void) TRK_HIDDEN;
enum trk_alloc_kind trk_odd_kind(void *p, enum trk_alloc_kind kind) TRK_HIDDEN;

/* realloc of a block of the start-up arena: moves it to the real allocator, or within the arena while that is not
 * known. at: the call to record, or NULL. */
void *trk_real_leave_arena(void *old, size_t size, const struct trk_frame *at) TRK_HIDDEN;

/* First values of the mmap members: look up the real ones, or ask the kernel while (or if) there are none. */
void *trk_first_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) TRK_HIDDEN;
void *trk_first_mmap64(void *addr, size_t length, int prot, int flags, int fd, off64_t offset) TRK_HIDDEN;
int trk_first_munmap(void *addr, size_t length) TRK_HIDDEN;
void *trk_first_mremap(void *old, size_t old_length, size_t length, int flags, ...) TRK_HIDDEN;

/* The one look-up of a next definition: NULL when there is none after ours. */
void *trk_real_next(const char *name, const void *ours) TRK_HIDDEN;

/* Our own definitions, for comparison. */
extern __typeof__(malloc) trk_our_malloc TRK_HIDDEN;
extern __typeof__(calloc) trk_our_calloc TRK_HIDDEN;
extern __typeof__(realloc) trk_our_realloc TRK_HIDDEN;
extern __typeof__(free) trk_our_free TRK_HIDDEN;
extern __typeof__(aligned_alloc) trk_our_aligned_alloc TRK_HIDDEN;
extern __typeof__(posix_memalign) trk_our_posix_memalign TRK_HIDDEN;
extern __typeof__(memalign) trk_our_memalign TRK_HIDDEN;
extern __typeof__(valloc) trk_our_valloc TRK_HIDDEN;
extern __typeof__(pvalloc) trk_our_pvalloc TRK_HIDDEN;
extern __typeof__(mmap) trk_our_mmap TRK_HIDDEN;
extern __typeof__(mmap64) trk_our_mmap64 TRK_HIDDEN;
extern __typeof__(munmap) trk_our_munmap TRK_HIDDEN;
extern __typeof__(mremap) trk_our_mremap TRK_HIDDEN;
extern __typeof__(dlclose) trk_our_dlclose TRK_HIDDEN;
extern __typeof__(_exit) trk_our__exit TRK_HIDDEN;
extern __typeof__(_Exit) trk_our__Exit TRK_HIDDEN;
extern __typeof__(quick_exit) trk_our_quick_exit TRK_HIDDEN;
extern __typeof__(abort) trk_our_abort TRK_HIDDEN;
extern __typeof__(__assert_fail) trk_our___assert_fail TRK_HIDDEN;
extern __typeof__(__assert_perror_fail) trk_our___assert_perror_fail TRK_HIDDEN;
extern __typeof__(execve) trk_our_execve TRK_HIDDEN;
extern __typeof__(execv) trk_our_execv TRK_HIDDEN;
extern __typeof__(execvp) trk_our_execvp TRK_HIDDEN;
extern __typeof__(execvpe) trk_our_execvpe TRK_HIDDEN;
extern __typeof__(fexecve) trk_our_fexecve TRK_HIDDEN;

#endif
