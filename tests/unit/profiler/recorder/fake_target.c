/* fake_target.c: see fake_target.h. */
#include "fake_target.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int fake_hello(const char *socket_path, const struct trk_hello *hello)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, socket_path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(fd, hello, sizeof *hello, MSG_NOSIGNAL) != (ssize_t)sizeof *hello) {
        close(fd);
        return -1;
    }
    return fd;
}

bool fake_welcome(int fd, struct fake *ret)
{
    struct trk_welcome welcome = { 0 };
    struct iovec iov = { &welcome, sizeof welcome };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room
    };
    int memfd = -1;
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n == (ssize_t)sizeof welcome ? CMSG_FIRSTHDR(&message) : NULL;
    if (c != NULL)
        memcpy(&memfd, CMSG_DATA(c), sizeof memfd);
    close(fd);
    if (memfd < 0)
        return false;
    struct fake fake = { .bytes = welcome.bytes };
    fake.base = mmap(NULL, fake.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    close(memfd);
    if (fake.base == MAP_FAILED)
        return false;
    fake.h = (struct trk_shm_header *)(void *)fake.base;
    fake.procs = (struct trk_shm_proc *)(void *)(fake.base + fake.h->procs_off);
    fake.rings = (struct trk_shm_ring *)(void *)(fake.base + fake.h->rings_off);
    *ret = fake;
    return true;
}

void fake_unmap(struct fake *fake)
{
    munmap(fake->base, fake->bytes);
    fake->base = NULL;
}

void fake_claim_proc(struct fake *fake, int index, int parent_index)
{
    struct trk_shm_proc *proc = &fake->procs[index];
    __atomic_store_n(&proc->state, TRK_PROC_CLAIMED, __ATOMIC_RELAXED);
    proc->pid = (uint32_t)getpid();
    proc->parent_pid = fake->pid != 0 ? fake->pid : (uint32_t)getppid();
    fake->pid = proc->pid;
    proc->parent_index = (uint32_t)parent_index;
    proc->flags = TRK_PROC_MALLOC_OURS;
    __atomic_store_n(&proc->state, TRK_PROC_LIVE, __ATOMIC_RELEASE);
}

struct fake_ring fake_claim_ring(struct fake *fake, int proc_index, uint64_t max_slots)
{
    struct fake_ring ring = { .fake = fake };
    while (fake->rings[ring.index].state != TRK_RING_FREE ||
           (uint64_t)1 << fake->rings[ring.index].log2_slots > max_slots)
        ring.index++;
    struct trk_shm_ring *shm = &fake->rings[ring.index];
    ring.nslots = (uint64_t)1 << shm->log2_slots;
    __atomic_store_n(&shm->state, TRK_RING_OWNED, __ATOMIC_RELAXED);
    __atomic_store_n(&shm->proc, (uint32_t)proc_index + 1, __ATOMIC_RELEASE);
    return ring;
}

uint64_t fake_room(const struct fake_ring *ring)
{
    uint64_t tail = __atomic_load_n(&ring->fake->rings[ring->index].tail, __ATOMIC_ACQUIRE);
    return tail + ring->nslots - ring->cursor;
}

uint64_t fake_reserve(struct fake_ring *ring, uint64_t n)
{
    uint64_t position = ring->cursor;
    ring->cursor += n;
    return position;
}

void fake_write(struct fake_ring *ring, uint64_t position, struct trk_slot slot)
{
    struct trk_shm_ring *shm = &ring->fake->rings[ring->index];
    struct trk_slot *slots = (struct trk_slot *)(void *)(ring->fake->base + shm->data_off);
    uint64_t lap = (position / ring->nslots & 1) ^ 1;
    __atomic_store_n(&slots[position % ring->nslots].w1, slot.w1, __ATOMIC_RELAXED);
    __atomic_store_n(&slots[position % ring->nslots].w0, (slot.w0 & ~(uint64_t)1) | lap, __ATOMIC_RELEASE);
}

void fake_put(struct fake_ring *ring, struct trk_slot slot)
{
    fake_write(ring, fake_reserve(ring, 1), slot);
}

uint32_t fake_stack(struct fake *fake, const uint64_t *pcs, unsigned frames, unsigned flags, unsigned generation)
{
    uint64_t off = __atomic_fetch_add(&fake->h->depot_used, sizeof(uint64_t) * (1 + frames), __ATOMIC_RELAXED);
    uint64_t *entry = (uint64_t *)(void *)(fake->base + fake->h->depot_off + off);
    memcpy(entry + 1, pcs, frames * sizeof *pcs);
    __atomic_store_n(entry,
                     (uint64_t)0xabcd << TRK_STACK_HASH_SHIFT | (uint64_t)frames << TRK_STACK_COUNT_SHIFT |
                         (uint64_t)flags << TRK_STACK_FLAGS_SHIFT | generation,
                     __ATOMIC_RELEASE);
    return (uint32_t)(off / TRK_STACK_UNIT);
}

uint32_t fake_text(struct fake *fake, unsigned kind, const void *bytes, uint32_t length)
{
    uint64_t off = __atomic_fetch_add(&fake->h->text_used, (sizeof(uint64_t) + length + 7) & ~7ull, __ATOMIC_RELAXED);
    struct trk_shm_text *text = (struct trk_shm_text *)(void *)(fake->base + fake->h->text_off + off);
    memcpy(text->bytes, bytes, length);
    __atomic_store_n(&text->head,
                     (uint64_t)0x1234 << TRK_TEXT_HASH_SHIFT | (uint64_t)kind << TRK_TEXT_KIND_SHIFT | length,
                     __ATOMIC_RELEASE);
    return (uint32_t)(off / TRK_TEXT_UNIT);
}
