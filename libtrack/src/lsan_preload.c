/* lsan_preload.c: LeakSanitizer's interface (sanitizer/lsan_interface.h) for programs that use it where it is there:
 * they find it under `reftrack run`. Where a sanitizer is in the process, too, its functions are the ones that count:
 * calls are handed on to it. Linked into libtrack-preload.so only.
 *
 * One thing is different: a check never ends the program. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include <track/track.h>

#include "prim.h"

void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_ignore_object(const void *p);
void __lsan_register_root_region(const void *p, size_t size);
void __lsan_unregister_root_region(const void *p, size_t size);
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);

/* The next function of that name behind ours; looked up once. 1: there is none. */
static void *behind(void **known, const char *name)
{
    void *found = __atomic_load_n(known, __ATOMIC_RELAXED);
    if (found == NULL) {
        int saved = errno;
        found = dlsym(RTLD_NEXT, name);
        if (found == NULL) {
            dlerror(); /* the program does not look for this text */
            found = (void *)1;
        }
        __atomic_store_n(known, found, __ATOMIC_RELAXED);
        errno = saved;
    }
    return found == (void *)1 ? NULL : found;
}

/* In each function: the sanitizer's own, when there is one. */
#define BEHIND(type, name)                                                                                             \
    static void *known_;                                                                                               \
    type real = (type)behind(&known_, name)

typedef void void_fn(void);
typedef int int_fn(void);
typedef void object_fn(const void *p);
typedef void region_fn(const void *p, size_t size);

TRK_EXPORT __attribute__((weak)) void __lsan_disable(void)
{
    BEHIND(void_fn *, "__lsan_disable");
    if (real != NULL)
        real();
    trk_disable();
}

TRK_EXPORT __attribute__((weak)) void __lsan_enable(void)
{
    BEHIND(void_fn *, "__lsan_enable");
    if (real != NULL)
        real();
    trk_enable();
}

TRK_EXPORT __attribute__((weak)) void __lsan_ignore_object(const void *p)
{
    BEHIND(object_fn *, "__lsan_ignore_object");
    if (real != NULL)
        real(p);
    trk_ignore(p);
}

TRK_EXPORT __attribute__((weak)) void __lsan_register_root_region(const void *p, size_t size)
{
    BEHIND(region_fn *, "__lsan_register_root_region");
    if (real != NULL)
        real(p, size);
    trk_root_add(p, size, "__lsan_register_root_region");
}

TRK_EXPORT __attribute__((weak)) void __lsan_unregister_root_region(const void *p, size_t size)
{
    BEHIND(region_fn *, "__lsan_unregister_root_region");
    if (real != NULL)
        real(p, size);
    trk_root_del(p);
}

TRK_EXPORT __attribute__((weak)) int __lsan_do_recoverable_leak_check(void)
{
    BEHIND(int_fn *, "__lsan_do_recoverable_leak_check");
    if (real != NULL)
        return real();
    return trk_leak_check(TRK_LEAK_FULL, NULL) == TRK_NO;
}

TRK_EXPORT __attribute__((weak)) void __lsan_do_leak_check(void)
{
    BEHIND(void_fn *, "__lsan_do_leak_check");
    if (real != NULL)
        real();
    else
        trk_leak_check(TRK_LEAK_FULL, NULL);
}
