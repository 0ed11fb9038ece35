/* malloc_owner.c: finds out who serves malloc. Three ways in which allocations can pass us by:
 *   - the executable, or a library preloaded before us, defines malloc: found by asking for the symbol as the program
 * does;
 *   - the executable has an allocator under another name inside: it maps much memory itself and never calls malloc;
 *   - the program is static: nobody loads us, and the recorder notices that. */
#include "malloc_owner.h"

#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>

#include "malloc_symbol.h"
#include "malloc_text.h"
#include "prim.h"

enum {
    NAME_BYTES = 256,
    MANY_CALLS = 4096,         /* calls of malloc from libraries alone that prove it is used */
    MUCH_MEMORY = 1024 * 1024, /* bytes that the executable mapped itself before we speak of an own allocator */
};

/* A loaded object. */
struct object {
    uintptr_t lo, hi;           /* hi == lo: not known */
    const struct link_map *map; /* may be NULL */
    char path[NAME_BYTES];
};

/* Written once by trk_owner_find before TRK_ODD_UNSEEN is set or a second thread can be there. */
static struct object allocator, executable;
static uintptr_t libc_lo;
static void *(*their_malloc)(size_t); /* when malloc is foreign */

/* Atomic counters, partner: themselves. */
static uint64_t calls_seen, bytes_mapped;
/* Atomic; set once a core call arrived although malloc is foreign: a wrapper that hands everything on to us. */
static unsigned char passed_on;

#if __GLIBC_PREREQ(2, 35)
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
#endif

static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = trk_text_length(from);
    if (n >= size)
        n = size - 1;
    trk_text_bytes(to, from, n);
    to[n] = '\0';
}

static void object_of(const void *address, struct object *ret)
{
    *ret = (struct object){ 0 };
    const char *path = NULL;
#if __GLIBC_PREREQ(2, 35)
    struct dl_find_object found;
    if (_dl_find_object && _dl_find_object((void *)(uintptr_t)address, &found) == 0) {
        ret->lo = (uintptr_t)found.dlfo_map_start;
        ret->hi = (uintptr_t)found.dlfo_map_end;
        ret->map = found.dlfo_link_map;
        path = found.dlfo_link_map->l_name;
    }
#endif
    Dl_info info;
    if (!ret->hi && dladdr(address, &info)) {
        ret->lo = ret->hi = (uintptr_t)info.dli_fbase;
        path = info.dli_fname;
    }
    if (path && *path) {
        copy_text(ret->path, sizeof(ret->path), path);
    } else {
        long n = trk_sys4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", ret->path, sizeof(ret->path) - 1);
        ret->path[n > 0 ? n : 0] = '\0';
    }
}

/* Says in the object that carries it: reftrack's malloc hooks are in here. A program can have them inside
 * (-ltrack-malloc, static) and be started with the preload library as well; the second set must not take the first for
 * a stranger. */
enum { NOTE_TYPE = 0x6b7274, NOTE_NAME_BYTES = 12 };
struct note {
    ElfW(Nhdr) head;
    char name[NOTE_NAME_BYTES];
};
__attribute__((used, aligned(4), section(".note.reftrack"))) static const struct note hooks_note = {
    { .n_namesz = NOTE_NAME_BYTES, .n_descsz = 0, .n_type = NOTE_TYPE }, "reftrackhk"
};

static bool has_hooks(const struct object *object)
{
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)object->lo;
    if (object->hi - object->lo < sizeof(*file) || !trk_text_same_bytes(file->e_ident, ELFMAG, SELFMAG))
        return false;
    size_t bytes = object->hi - object->lo;
    if (file->e_phoff > bytes || (size_t)file->e_phnum * sizeof(ElfW(Phdr)) > bytes - file->e_phoff)
        return false;
    const ElfW(Phdr) *phdr = (const ElfW(Phdr) *)(object->lo + file->e_phoff);
    for (size_t i = 0; i < file->e_phnum; i++) {
        if (phdr[i].p_type != PT_NOTE)
            continue;
        uintptr_t at = object->map->l_addr + phdr[i].p_vaddr;
        if (at < object->lo || at > object->hi || phdr[i].p_memsz > object->hi - at)
            continue;
        for (size_t off = 0; off + sizeof(hooks_note) <= phdr[i].p_memsz; off += 4)
            if (trk_text_same_bytes((const char *)at + off, &hooks_note, sizeof(hooks_note)))
                return true;
    }
    return false;
}

/* What people call it: by the library's name, else by a function that only it has. */
static const char *allocator_name(const struct object *object)
{
    static const struct {
        const char *name, *in_path, *symbol;
    } known[] = {
        { "jemalloc", "jemalloc", "mallctl" },           { "tcmalloc", "tcmalloc", "tc_malloc" },
        { "mimalloc", "mimalloc", "mi_malloc" },         { "AddressSanitizer", "libasan", "__asan_init" },
        { "ThreadSanitizer", "libtsan", "__tsan_init" }, { "LeakSanitizer", "liblsan", "__lsan_init" },
    };
    const char *file = trk_text_file(object->path);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (trk_text_contains(file, known[i].in_path))
            return known[i].name;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (object->map && trk_symbol_in(object->map, known[i].symbol))
            return known[i].name;
    return "malloc";
}

/* "WHAT in PATH". Without libc's formatting, which is not for signal handlers. */
static void say_foreign(const char *what, const char *path)
{
    char text[NAME_BYTES + 64];
    copy_text(text, sizeof(text), what);
    size_t n = trk_text_length(text);
    copy_text(text + n, sizeof(text) - n, " in ");
    n = trk_text_length(text);
    copy_text(text + n, sizeof(text) - n, path);
    trk_hook_malloc_owner_v1(TRK_PROC_MALLOC_FOREIGN, text);
}

void trk_owner_find(void)
{
    static const char *const names[] = { "malloc", "free", "realloc", "calloc" };
    const void *const ours[] = { (const void *)trk_our_malloc, (const void *)trk_our_free,
                                 (const void *)trk_our_realloc, (const void *)trk_our_calloc };
    void *theirs[4];
    const void *stranger = NULL;
    for (size_t i = 0; i < 4; i++) {
        theirs[i] = trk_symbol_find(names[i], NULL);
        if (!stranger && theirs[i] && theirs[i] != ours[i])
            stranger = theirs[i];
    }

    struct object libc;
    object_of(trk_symbol_find("gnu_get_libc_version", NULL), &libc);
    libc_lo = libc.lo;
    if (stranger) {
        object_of(stranger, &allocator);
        their_malloc = (void *(*)(size_t))theirs[0];
        trk_real.any_free = theirs[1] ? (void (*)(void *))theirs[1] : trk_real.any_free;
        trk_real.any_realloc = theirs[2] ? (void *(*)(void *, size_t))theirs[2] : trk_real.any_realloc;
        trk_odd_set(TRK_ODD_FOREIGN | TRK_ODD_NESTING | (has_hooks(&allocator) ? TRK_ODD_SECOND : 0));
        return;
    }
    object_of((const void *)trk_real.malloc, &allocator);
    if (allocator.lo != libc.lo)
        trk_odd_set(TRK_ODD_NESTING);
    object_of((const void *)(uintptr_t)getauxval(AT_PHDR), &executable);
    if (executable.hi > executable.lo)
        trk_odd_set(TRK_ODD_UNSEEN);
}

void trk_owner_tell(void)
{
    unsigned odd = trk_odd_bits();
    if (!(odd & TRK_ODD_SECOND) && (!(odd & TRK_ODD_FOREIGN) || __atomic_load_n(&passed_on, __ATOMIC_RELAXED)))
        trk_hook_malloc_owner_v1(TRK_PROC_MALLOC_OURS, NULL);
}

/* Stands in for the real malloc while theirs is tried. */
static void *(*behind_probe)(size_t);
static unsigned char probed;

static void *probe(size_t size)
{
    __atomic_store_n(&probed, 1, __ATOMIC_RELAXED);
    return behind_probe(size);
}

void trk_owner_confirm(void)
{
    unsigned odd = trk_odd_bits();
    if (!(odd & TRK_ODD_FOREIGN) || (odd & TRK_ODD_SECOND))
        return;
    if (!__atomic_load_n(&passed_on, __ATOMIC_RELAXED) && their_malloc) {
        behind_probe = TRK_REAL(malloc);
        __atomic_store_n(&trk_real.malloc, probe, __ATOMIC_RELEASE);
        void *p = their_malloc(1);
        __atomic_store_n(&trk_real.malloc, behind_probe, __ATOMIC_RELEASE);
        TRK_REAL(any_free)(p);
        if (__atomic_load_n(&probed, __ATOMIC_RELAXED))
            __atomic_store_n(&passed_on, 1, __ATOMIC_RELAXED);
    }
    if (__atomic_load_n(&passed_on, __ATOMIC_RELAXED))
        trk_owner_tell();
    else
        say_foreign(allocator_name(&allocator), allocator.path);
}

void trk_owner_conclude(void)
{
    if ((trk_odd_bits() & TRK_ODD_UNSEEN) && __atomic_load_n(&bytes_mapped, __ATOMIC_RELAXED) >= MUCH_MEMORY)
        say_foreign("an allocator that never calls malloc", executable.path);
}

bool trk_owner_arrived(uintptr_t pc, bool core)
{
    if (trk_odd_bits() & TRK_ODD_FOREIGN) {
        if (core)
            __atomic_store_n(&passed_on, 1, __ATOMIC_RELAXED);
        return __atomic_load_n(&passed_on, __ATOMIC_RELAXED);
    }
    if (core && (pc - executable.lo < executable.hi - executable.lo ||
                 __atomic_add_fetch(&calls_seen, 1, __ATOMIC_RELAXED) >= MANY_CALLS))
        trk_odd_clear(TRK_ODD_UNSEEN);
    return true;
}

void trk_owner_mapped(uintptr_t pc, size_t length)
{
    if (pc - executable.lo < executable.hi - executable.lo)
        __atomic_fetch_add(&bytes_mapped, length, __ATOMIC_RELAXED);
}

bool trk_owner_is_allocator(uintptr_t pc)
{
    return allocator.lo != libc_lo && pc - allocator.lo < allocator.hi - allocator.lo;
}
