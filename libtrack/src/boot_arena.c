/* boot_arena.c: the static bump arena of boot_arena.h. */
#include "boot_arena.h"

/* Stands before each payload. The last word imitates the header of a glibc chunk that was mapped on its own: that makes
 * malloc_usable_size(), which nobody interposes, answer the right number. */
struct head {
    uint32_t magic;
    uint32_t state;  /* bits below; atomic, all writers use it as partner */
    uint32_t start;  /* where this block begins in the arena */
    uint32_t end;    /* where the next one begins */
    uint64_t size;   /* as asked for */
    uint64_t usable; /* glibc: chunk size | IS_MMAPPED */
};

enum { HEAD_MAGIC = 0x746f6f62 };
enum { STATE_READY = 1, STATE_REPORTED = 2, STATE_FREE = 4 };
enum { GLIBC_OVERHEAD = 16, GLIBC_IS_MMAPPED = 2 };

char trk_boot_memory[TRK_BOOT_BYTES] __attribute__((aligned(4096)));

/* Bytes handed out. Atomic; only ever grows, its partner is trk_boot_seal, which pushes it past the end. */
static uint64_t boot_used;
/* boot_used at the moment of sealing, plus 1; 0 before. Atomic, written once. */
static uint64_t boot_sealed;

static struct head *head_of(const void *p)
{
    return (struct head *)((uintptr_t)p - sizeof(struct head));
}

void *trk_boot_alloc(size_t size, size_t align)
{
    if (size > TRK_BOOT_BYTES || align > TRK_BOOT_BYTES)
        return NULL;
    if (align < TRK_BOOT_ALIGN)
        align = TRK_BOOT_ALIGN;
    uint64_t room = size ? (size + TRK_BOOT_ALIGN - 1) / TRK_BOOT_ALIGN * TRK_BOOT_ALIGN : TRK_BOOT_ALIGN;
    uint64_t need = sizeof(struct head) + (align - TRK_BOOT_ALIGN) + room;
    uint64_t start = __atomic_fetch_add(&boot_used, need, __ATOMIC_RELAXED);
    if (start > TRK_BOOT_BYTES || need > TRK_BOOT_BYTES - start)
        return NULL;
    uintptr_t at = (uintptr_t)trk_boot_memory + start + sizeof(struct head);
    at = (at + align - 1) & ~(uintptr_t)(align - 1);
    struct head *head = head_of((void *)at);
    head->magic = HEAD_MAGIC;
    head->start = (uint32_t)start;
    head->end = (uint32_t)(start + need);
    head->size = size;
    head->usable = (room + GLIBC_OVERHEAD) | GLIBC_IS_MMAPPED;
    __atomic_store_n(&head->state, STATE_READY, __ATOMIC_RELEASE);
    return (void *)at;
}

size_t trk_boot_size(const void *p)
{
    return head_of(p)->size;
}

bool trk_boot_free(void *p)
{
    if (head_of(p)->magic != HEAD_MAGIC)
        return false;
    uint32_t old = __atomic_fetch_or(&head_of(p)->state, STATE_FREE, __ATOMIC_RELAXED);
    return (old & STATE_REPORTED) && !(old & STATE_FREE);
}

bool trk_boot_report(void *p)
{
    uint32_t old = __atomic_fetch_or(&head_of(p)->state, STATE_REPORTED, __ATOMIC_RELAXED);
    return !(old & (STATE_REPORTED | STATE_FREE));
}

bool trk_boot_seal(void)
{
    uint64_t sealed = __atomic_load_n(&boot_sealed, __ATOMIC_ACQUIRE);
    if (!sealed) {
        /* Far past the end, so that adding to it cannot come round again. */
        uint64_t used = __atomic_exchange_n(&boot_used, (uint64_t)1 << 62, __ATOMIC_RELAXED);
        sealed = (used < TRK_BOOT_BYTES ? used : TRK_BOOT_BYTES) + 1;
        __atomic_store_n(&boot_sealed, sealed, __ATOMIC_RELEASE);
    }
    return sealed > 1;
}

void *trk_boot_next(const void *p)
{
    uint64_t sealed = __atomic_load_n(&boot_sealed, __ATOMIC_ACQUIRE);
    uint64_t at = p ? head_of(p)->end : 0;
    /* Padding for alignment may stand between a block's start and its head; a head knows its start, which tells the two
     * apart. A block whose head is not written yet (another thread is about to) hides those behind it until the next
     * walk, except for what alignment steps over. */
    for (uint64_t from = at; from + sizeof(struct head) < sealed; from += TRK_BOOT_ALIGN) {
        const struct head *head = (const struct head *)(trk_boot_memory + from);
        if (__atomic_load_n(&head->state, __ATOMIC_ACQUIRE) && head->magic == HEAD_MAGIC && head->start >= at &&
            head->start <= from)
            return (void *)(head + 1);
    }
    return NULL;
}
