/* engine_owner.c: one engine per process. Copies that export their symbols share one table through the dynamic linker;
 * copies that do not (static ones in an executable or a plugin) meet at a beacon: a page at an agreed address, which
 * only one of them can map. */
#include "wake.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef DF_1_NODELETE
#define DF_1_NODELETE 8
#endif

extern const struct trk_engine_table trk_engine_self __attribute__((visibility("hidden")));

#define TRK_BEACON_MAGIC 0x31766e6f63616562ull
struct trk_beacon {
    uint64_t magic; /* last to be written, release; partner: the load in beacon_look */
    const struct trk_engine_table *table;
};

enum { TRK_BEACON_TRIES = 100 };

static const struct trk_engine_table *beacon_look(void)
{
    struct trk_beacon b;
    for (unsigned i = 0; i < TRK_BEACON_TRIES; i++) {
        uint32_t never = 0;
        if (!trk_peek(&b, TRK_BEACON_AT, sizeof b))
            return NULL;
        if (b.magic == TRK_BEACON_MAGIC)
            return b.table;
        if (b.magic != 0)
            return NULL; /* somebody else's page */
        trk_futex_wait(&never, 0, 1000000);
    }
    return NULL;
}

const struct trk_engine_table *trk_copy_find(void)
{
    /* volatile: both names are one object unless the dynamic linker decided otherwise. */
    const struct trk_engine_table *volatile visible = &trk_engine_v1;
    const struct trk_engine_table *volatile self = &trk_engine_self;
    if (visible != self)
        return visible;
    long p = trk_sys6(SYS_mmap, (long)TRK_BEACON_AT, TRK_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == -EEXIST) {
        const struct trk_engine_table *owner = beacon_look();
        return owner == self ? NULL : owner;
    }
    if (trk_failed(p))
        return NULL;
    if ((uintptr_t)p != TRK_BEACON_AT) { /* a kernel that takes the address for a hint */
        trk_unmap((void *)p, TRK_PAGE);
        return NULL;
    }
    struct trk_beacon *b = (struct trk_beacon *)p;
    b->table = self;
    __atomic_store_n(&b->magic, TRK_BEACON_MAGIC, __ATOMIC_RELEASE);
    return NULL;
}

void trk_copy_adopt(volatile unsigned char *gate, volatile unsigned char *malloc_gate)
{
    if (gate == &trk_gate_v1)
        return;
    for (unsigned i = 0; i < TRK_GATES; i++) {
        volatile unsigned char *expected = NULL;
        trk_eng.malloc_gates[i] = trk_eng.gates[i] ? trk_eng.malloc_gates[i] : malloc_gate;
        if (__atomic_compare_exchange_n(&trk_eng.gates[i], &expected, gate, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            trk_eng.malloc_gates[i] = malloc_gate;
            trk_wake_share(gate, malloc_gate);
            *gate = trk_gate_v1;
            *malloc_gate = trk_malloc_gate_v1;
            return;
        }
    }
}

void trk_copy_abandon(volatile unsigned char *gate)
{
    for (unsigned i = 0; i < TRK_GATES; i++) {
        volatile unsigned char *expected = gate;
        __atomic_compare_exchange_n(&trk_eng.gates[i], &expected, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
}

void trk_copy_leave(void)
{
    trk_eng.forward->abandon(&trk_gate_v1);
}

extern const char __ehdr_start[] __attribute__((weak, visibility("hidden")));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((weak, visibility("hidden")));

bool trk_copy_stays(void)
{
    const ElfW(Dyn) *d = _DYNAMIC;
    if (__ehdr_start != NULL) {
        const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)(const void *)__ehdr_start;
        if ((uintptr_t)__ehdr_start + e->e_phoff == getauxval(AT_PHDR))
            return true;
    }
    for (; d != NULL && d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_FLAGS_1 && d->d_un.d_val & DF_1_NODELETE)
            return true;
    }
    return false;
}

extern int dladdr(const void *addr, Dl_info *info) __attribute__((weak));
extern void *dlopen(const char *file, int mode) __attribute__((weak));

void trk_copy_pin(void)
{
    Dl_info info;
    int saved = errno;
    if (dladdr != NULL && dlopen != NULL && dladdr(&trk_engine_self, &info) && info.dli_fname != NULL)
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    errno = saved;
}
