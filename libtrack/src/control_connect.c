/* control_connect.c: gets the arena from the recorder, checks every number in it once, and adopts it. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "engine.h"
#include "filter.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS   1034
#define F_SEAL_SHRINK 2
#endif

enum { TRK_WAIT_NS = 2000000000 };

extern const unsigned char trk_is_preload __attribute__((weak, visibility("hidden")));

static uint64_t time_left(uint64_t deadline)
{
    uint64_t now = trk_now_ns();
    return now < deadline ? deadline - now : 0;
}

static bool wait_fd(int fd, short events, uint64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    for (;;) {
        uint64_t left = time_left(deadline);
        struct timespec ts = { .tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u) };
        long n = trk_sys5(SYS_ppoll, &p, 1, &ts, 0, 8);
        if (n > 0)
            return true;
        if (n != -EINTR || left == 0)
            return false;
    }
}

int trk_control_socket(const char *path, uint64_t wait_ns)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    uint64_t deadline = trk_now_ns() + wait_ns;
    size_t n = trk_strlen(path, sizeof addr.sun_path - 1);
    trk_copy(addr.sun_path, path, n);
    if (path[0] == '@')
        addr.sun_path[0] = 0;
    size_t size = offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@');
    long fd = trk_sys3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    for (;;) {
        long r = trk_sys3(SYS_connect, fd, &addr, size);
        if (r == 0)
            return (int)fd;
        if ((r != -EAGAIN && r != -EINTR) || time_left(deadline) == 0)
            break;
        uint32_t never = 0;
        trk_futex_wait(&never, 0, 2000000); /* its queue is full: many processes start at once */
    }
    trk_close((int)fd);
    return -1;
}

uint32_t trk_control_kind(void)
{
    bool preload = &trk_is_preload != NULL;
    return (preload ? TRK_HELLO_PRELOAD : TRK_HELLO_LINKED) |
           (preload || trk_eng.malloc_flag & TRK_PROC_MALLOC_OURS ? TRK_HELLO_MALLOC : 0);
}

static uint16_t wish_depth(int64_t frames)
{
    return (uint16_t)(frames < 0 ? 0 : frames == 0 ? TRK_WISH_NO_STACK : frames);
}

static bool send_hello(int fd, uint32_t more, uint64_t deadline)
{
    const struct trk_options *o = &trk_options;
    struct trk_hello hello = {
        .magic = TRK_HELLO_MAGIC,
        .abi = TRK_SHM_ABI,
        .pid = (uint32_t)trk_sys0(SYS_getpid),
        .flags = trk_control_kind() | more | (trk_eng.addr_high ? TRK_HELLO_HIGH : 0),
        .machine = TRK_MACHINE,
        .wish_budget = o->budget > 0 ? (uint64_t)o->budget : 0,
        .wish_on_full = (uint32_t)(o->on_full + 1),
        .wish_block_ms = (uint32_t)(o->block_ms + 1),
        .wish_birth = wish_depth(o->birth),
        .wish_ref = wish_depth(o->ref),
        .wish_free = wish_depth(o->free),
        .follow = (uint16_t)(o->children < 0 ? 0
                             : o->children   ? 2
                                             : 1),
        .wish_clock = (uint32_t)(o->clock + 1),
    };
    for (;;) {
        long n = trk_sys6(SYS_sendto, fd, (long)&hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
        if (n == (long)sizeof hello)
            return true;
        if ((n != -EAGAIN && n != -EINTR) || !wait_fd(fd, POLLOUT, deadline))
            return false;
    }
}

/* Receives the welcome and its descriptor; -1 when there is none. */
static int receive_welcome(int fd, struct trk_welcome *welcome, uint64_t deadline)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = welcome, .iov_len = sizeof *welcome };
    long n;
    int got = -1;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    do {
        if (!wait_fd(fd, POLLIN, deadline))
            return -1;
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        n = trk_sys3(SYS_recvmsg, fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (n == -EINTR || n == -EAGAIN);
    if (n < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            __builtin_memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof one);
            if (got < 0 && n == (long)sizeof *welcome)
                got = one;
            else
                trk_close(one);
        }
    }
    return got;
}

static bool part_fits(uint64_t off, uint64_t count, uint64_t unit, uint64_t bytes, uint64_t align)
{
    return off % align == 0 && off >= sizeof(struct trk_shm_header) && off <= bytes && count <= (bytes - off) / unit;
}

static bool power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* Copies the layout out of the header and refuses what does not lie inside the mapping. */
static bool layout_take(struct trk_arena *e, char *arena, uint64_t bytes)
{
    struct trk_shm_header h;
    struct trk_shm_header *shared = (struct trk_shm_header *)(void *)arena;
    trk_copy(&h, arena, sizeof h);
    bool ok = h.magic == TRK_SHM_MAGIC && h.abi == TRK_SHM_ABI && h.header_bytes == sizeof h && h.bytes == bytes &&
              h.on_full <= TRK_FULL_FLIGHT && ((h.flags & TRK_SHM_HIGH) != 0) == (trk_eng.addr_high != 0) &&
              h.ring_count > 0 && h.ring_count <= TRK_RING_MAX && power_of_two(h.depot_hash_count) &&
              power_of_two(h.text_hash_count) && h.depot_bytes <= (uint64_t)TRK_STACK_UNIT << TRK_STACK_ID_BITS &&
              h.text_bytes <= UINT32_MAX && h.text_bytes >= 64 && h.depot_bytes >= 64;
    ok = ok && part_fits(h.procs_off, TRK_PROC_MAX, sizeof(struct trk_shm_proc), bytes, 8) &&
         part_fits(h.rings_off, h.ring_count, sizeof(struct trk_shm_ring), bytes, 64) &&
         part_fits(h.types_off, TRK_TYPE_MAX, 4, bytes, 4) &&
         part_fits(h.depot_hash_off, h.depot_hash_count, 4, bytes, 4) &&
         part_fits(h.depot_off, h.depot_bytes, 1, bytes, 8) &&
         part_fits(h.text_hash_off, h.text_hash_count, 4, bytes, 4) &&
         part_fits(h.text_off, h.text_bytes, 1, bytes, 8) && part_fits(h.data_off, h.data_bytes, 1, bytes, 16);
    ok = ok && (h.list_off == 0 || part_fits(h.list_off, TRK_PROC_MAX, sizeof(struct trk_shm_list), bytes, 8)) &&
         (h.hooks_off == 0 || (part_fits(h.hooks_off, 1, sizeof(struct trk_shm_hooks), bytes, 8) &&
                               part_fits(h.hooks_off + sizeof(struct trk_shm_hooks), h.ring_count,
                                         TRK_HOOK_MAX * sizeof(uint64_t), bytes, 8))) &&
         (h.own_off == 0 || part_fits(h.own_off, TRK_PROC_MAX, sizeof(struct trk_shm_own), bytes, 8)) &&
         (h.look_bytes == 0 || part_fits(h.look_off, h.look_bytes, 1, bytes, 8));
    if (!ok)
        return false;
    e->base = arena;
    e->bytes = bytes;
    e->hdr = shared;
    e->procs = (struct trk_shm_proc *)(void *)(arena + h.procs_off);
    e->rings = (struct trk_shm_ring *)(void *)(arena + h.rings_off);
    e->ring_count = (uint32_t)h.ring_count;
    e->on_full = h.on_full;
    e->block_ms = h.block_ms < 60000 ? h.block_ms : 60000;
    e->flags = h.flags;
    e->exact = (h.flags & TRK_SHM_EXACT_TIME) != 0;
    e->types = (uint32_t *)(void *)(arena + h.types_off);
    e->depot = (struct trk_depot){ .hash = (uint32_t *)(void *)(arena + h.depot_hash_off),
                                   .hash_count = h.depot_hash_count,
                                   .base = arena + h.depot_off,
                                   .bytes = h.depot_bytes,
                                   .used = &shared->depot_used,
                                   .full = &shared->depot_full };
    e->text = arena + h.text_off;
    e->text_bytes = h.text_bytes;
    e->text_hash = (uint32_t *)(void *)(arena + h.text_hash_off);
    e->text_hash_count = h.text_hash_count;
    e->epoch_ns = h.epoch_ns;
    e->data_off = h.data_off;
    e->data_bytes = h.data_bytes;
    e->look_window = arena + h.look_off;
    e->look_bytes = h.look_bytes;
    e->lists = h.list_off != 0 ? (struct trk_shm_list *)(void *)(arena + h.list_off) : NULL;
    e->hooks = h.hooks_off != 0 ? (struct trk_shm_hooks *)(void *)(arena + h.hooks_off) : NULL;
    e->own = h.own_off != 0 ? (struct trk_shm_own *)(void *)(arena + h.own_off) : NULL;
    trk_filter_take(h.filter, shared->filter);
    uint16_t max = TRK_STACK_MAX_FRAMES;
    e->depth[TRK_DEPTH_BIRTH] = h.depth_birth < max ? h.depth_birth : max;
    e->depth[TRK_DEPTH_REF] = h.depth_ref < max ? h.depth_ref : max;
    e->depth[TRK_DEPTH_FREE] = h.depth_free < max ? h.depth_free : max;
    return true;
}

static bool arena_map(int fd, uint64_t bytes)
{
    struct trk_arena *a = trk_engine_new_arena();
    struct stat st = { .st_size = 0 };
    long seals = trk_sys2(SYS_fcntl, fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK)) /* else a shrinking file could kill us with SIGBUS */
        return false;
    if (a == NULL || bytes < sizeof(struct trk_shm_header) || trk_failed(trk_sys2(SYS_fstat, fd, &st)) ||
        (uint64_t)st.st_size != bytes)
        return false;
    long p = trk_sys6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (trk_failed(p))
        return false;
    if (layout_take(a, (char *)p, bytes))
        return trk_engine_adopt_arena(a);
    trk_unmap((void *)p, bytes);
    return false;
}

bool trk_control_handshake(int fd, uint32_t flags, uint64_t wait_ns, const char **why)
{
    struct trk_welcome welcome = { 0 };
    uint64_t deadline = trk_now_ns() + wait_ns;
    *why = "it does not answer";
    if (!send_hello(fd, flags, deadline))
        return false;
    int arena = receive_welcome(fd, &welcome, deadline);
    if (welcome.magic == TRK_WELCOME_MAGIC && welcome.abi != TRK_SHM_ABI)
        *why = "it is of another version";
    if (arena < 0)
        return false;
    bool ok = welcome.magic == TRK_WELCOME_MAGIC && welcome.abi == TRK_SHM_ABI && arena_map(arena, welcome.bytes);
    if (!ok)
        *why = "it sent no usable memory";
    trk_close(arena);
    return ok;
}

bool trk_control_connect(void)
{
    const char *why;
    bool spawned = trk_options.sock[0] == 0;
    if (trk_options.active == 0 || (spawned && trk_options.out[0] == 0))
        return false;
    int fd = spawned ? trk_control_spawn() : trk_control_socket(trk_options.sock, TRK_WAIT_NS);
    if (fd < 0)
        return false;
    bool ok = trk_control_handshake(fd, 0, TRK_WAIT_NS, &why);
    trk_close(fd);
    if (!ok && spawned) {
        char text[512];
        struct trk_buf b;
        trk_buf_init(&b, text, sizeof text);
        trk_buf_str(&b, "libtrack: not recording: the recorder was started, but ");
        trk_buf_str(&b, why);
        trk_buf_str(&b, "; check that TRACK_OPTIONS=recorder= names a reftrack of this version\n");
        trk_buf_say(&b);
    }
    return ok;
}
