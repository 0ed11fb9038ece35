/* lsan_preload.c: LeakSanitizer's interface (sanitizer/lsan_interface.h) for programs that use it where it is there:
 * they find it under `reftrack run`. Where a sanitizer is in the process, too, its functions are the ones that count:
 * calls are handed on to it. Linked into libtrack-preload.so only.
 *
 * One thing is different: a check never ends the program. As there, the first __lsan_do_leak_check stands for the one
 * at the end, which is not made then: a program calls it before it takes apart what holds its blocks. */
#include <stdbool.h>
#include <stddef.h>

#include <track/track.h>

#include "engine.h"
#include "malloc_symbol.h"
#include "prim.h"

void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_ignore_object(const void *p);
void __lsan_register_root_region(const void *p, size_t size);
void __lsan_unregister_root_region(const void *p, size_t size);
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);

/* The names may mean somebody else's functions; these are always ours. */
static __typeof__(__lsan_disable) our_disable __attribute__((alias("__lsan_disable")));
static __typeof__(__lsan_enable) our_enable __attribute__((alias("__lsan_enable")));
static __typeof__(__lsan_ignore_object) our_ignore_object __attribute__((alias("__lsan_ignore_object")));
static __typeof__(__lsan_register_root_region) our_register_root_region
    __attribute__((alias("__lsan_register_root_region")));
static __typeof__(__lsan_unregister_root_region) our_unregister_root_region
    __attribute__((alias("__lsan_unregister_root_region")));
static __typeof__(__lsan_do_leak_check) our_do_leak_check __attribute__((alias("__lsan_do_leak_check")));
static __typeof__(__lsan_do_recoverable_leak_check) our_do_recoverable_leak_check
    __attribute__((alias("__lsan_do_recoverable_leak_check")));

/* In their order in `theirs`. */
enum lsan { LSAN_DISABLE, LSAN_ENABLE, LSAN_IGNORE, LSAN_ROOT, LSAN_UNROOT, LSAN_CHECK, LSAN_RECOVERABLE, LSAN_COUNT };

static void *theirs[LSAN_COUNT];
static bool looked; /* atomic; partner: real_of */

/* At the start, when the list of loaded objects does not change; a sanitizer cannot be loaded later. */
__attribute__((constructor)) static void look_for_them(void)
{
    static const struct {
        const char *name;
        void *ours;
    } functions[LSAN_COUNT] = {
        [LSAN_DISABLE] = { "__lsan_disable", (void *)our_disable },
        [LSAN_ENABLE] = { "__lsan_enable", (void *)our_enable },
        [LSAN_IGNORE] = { "__lsan_ignore_object", (void *)our_ignore_object },
        [LSAN_ROOT] = { "__lsan_register_root_region", (void *)our_register_root_region },
        [LSAN_UNROOT] = { "__lsan_unregister_root_region", (void *)our_unregister_root_region },
        [LSAN_CHECK] = { "__lsan_do_leak_check", (void *)our_do_leak_check },
        [LSAN_RECOVERABLE] = { "__lsan_do_recoverable_leak_check", (void *)our_do_recoverable_leak_check },
    };
    for (unsigned i = 0; i < LSAN_COUNT; i++)
        __atomic_store_n(&theirs[i], trk_symbol_other(functions[i].name, functions[i].ours, NULL), __ATOMIC_RELAXED);
    __atomic_store_n(&looked, true, __ATOMIC_RELEASE);
}

/* The sanitizer's own; NULL: there is none. */
static void *real_of(enum lsan which)
{
    if (!__atomic_load_n(&looked, __ATOMIC_ACQUIRE))
        look_for_them(); /* constructors of others may come first */
    return __atomic_load_n(&theirs[which], __ATOMIC_RELAXED);
}

typedef void void_fn(void);
typedef int int_fn(void);
typedef void object_fn(const void *p);
typedef void region_fn(const void *p, size_t size);

TRK_EXPORT void __lsan_disable(void)
{
    void_fn *real = (void_fn *)real_of(LSAN_DISABLE);
    if (real != NULL)
        real();
    trk_disable();
}

TRK_EXPORT void __lsan_enable(void)
{
    void_fn *real = (void_fn *)real_of(LSAN_ENABLE);
    if (real != NULL)
        real();
    trk_enable();
}

TRK_EXPORT void __lsan_ignore_object(const void *p)
{
    object_fn *real = (object_fn *)real_of(LSAN_IGNORE);
    if (real != NULL)
        real(p);
    trk_ignore(p);
}

TRK_EXPORT void __lsan_register_root_region(const void *p, size_t size)
{
    region_fn *real = (region_fn *)real_of(LSAN_ROOT);
    if (real != NULL)
        real(p, size);
    trk_root_add(p, size, "__lsan_register_root_region");
}

TRK_EXPORT void __lsan_unregister_root_region(const void *p, size_t size)
{
    region_fn *real = (region_fn *)real_of(LSAN_UNROOT);
    if (real != NULL)
        real(p, size);
    trk_root_del(p);
}

TRK_EXPORT int __lsan_do_recoverable_leak_check(void)
{
    int_fn *real = (int_fn *)real_of(LSAN_RECOVERABLE);
    if (real != NULL)
        return real();
    return trk_leak_check(TRK_LEAK_FULL, NULL) == TRK_NO;
}

TRK_EXPORT void __lsan_do_leak_check(void)
{
    void_fn *real = (void_fn *)real_of(LSAN_CHECK);
    static uint32_t checked; /* the process that was; atomic, partner: itself */
    uint32_t pid = (uint32_t)trk_sys0(SYS_getpid);
    if (real != NULL) {
        real();
    } else if (__atomic_load_n(&checked, __ATOMIC_RELAXED) != pid &&
               trk_leak_check(TRK_LEAK_FULL, NULL) != TRK_UNKNOWN) {
        __atomic_store_n(&checked, pid, __ATOMIC_RELAXED);
        trk_engine_control(TRK_CONTROL_CHECKED, 0, NULL);
    }
}
