/* testrec.c: see testrec.h. */
#include "testrec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "testrec: %s: %s\n", what, strerror(errno));
    abort();
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t rec_us(const struct testrec *rec)
{
    return (now_ns() - rec->hdr->epoch_ns) / 1000;
}

static uint64_t place(uint64_t *at, uint64_t bytes)
{
    uint64_t off = *at;
    *at = (off + bytes + 4095) & ~(uint64_t)4095;
    return off;
}

static struct testrec_config with_defaults(const struct testrec_config *config)
{
    struct testrec_config c = { 0 };
    uint32_t rings = 0;
    if (config != NULL)
        c = *config;
    for (int i = 0; i < TESTREC_CLASSES; i++)
        rings += c.rings[i].count;
    if (rings == 0) {
        c.rings[0].count = 4, c.rings[0].log2_slots = 16;
        c.rings[1].count = 60, c.rings[1].log2_slots = 12;
        c.rings[2].count = 192, c.rings[2].log2_slots = 10;
    }
    c.block_ms = c.block_ms ? c.block_ms : 5000;
    c.flags = c.flags == 0 ? TRK_SHM_FOLLOW_CHILDREN | TRK_SHM_MALLOC | TRK_SHM_MMAP : c.flags & ~TESTREC_NO_FLAGS;
    c.birth = c.birth ? c.birth : 1;
    c.ref = c.ref ? c.ref : 1;
    c.free = c.free ? c.free : 1;
    if (c.no_stacks)
        c.birth = c.ref = c.free = 0;
    c.text_bytes = c.text_bytes ? c.text_bytes : 4 << 20;
    return c;
}

static void make_arena(struct testrec *rec, const struct testrec_config *c)
{
    struct trk_shm_header h = { .magic = TRK_SHM_MAGIC,
                                .abi = TRK_SHM_ABI,
                                .header_bytes = sizeof h,
                                .flags = c->flags,
                                .on_full = c->on_full,
                                .block_ms = c->block_ms,
                                .depth_birth = c->birth,
                                .depth_ref = c->ref,
                                .depth_free = c->free,
                                .recorder_state = TRK_REC_RUNNING,
                                .recorder_pid = (uint32_t)getpid(),
                                .depot_used = TRK_STACK_UNIT,
                                .text_used = TRK_TEXT_UNIT,
                                .epoch_ns = now_ns() };
    uint64_t at = 0;
    uint32_t n = 0;
    for (int i = 0; i < TESTREC_CLASSES; i++) {
        h.ring_count += c->rings[i].count;
        h.data_bytes += (uint64_t)c->rings[i].count * TRK_SLOT_BYTES << c->rings[i].log2_slots;
    }
    h.depot_hash_count = 1 << 14;
    h.text_hash_count = 1 << 10;
    h.depot_bytes = 4 << 20;
    h.text_bytes = c->text_bytes;
    place(&at, sizeof h);
    h.procs_off = place(&at, sizeof(struct trk_shm_proc) * TRK_PROC_MAX);
    h.rings_off = place(&at, sizeof(struct trk_shm_ring) * h.ring_count);
    h.types_off = place(&at, sizeof(uint32_t) * TRK_TYPE_MAX);
    h.depot_hash_off = place(&at, sizeof(uint32_t) * h.depot_hash_count);
    h.text_hash_off = place(&at, sizeof(uint32_t) * h.text_hash_count);
    h.depot_off = place(&at, h.depot_bytes);
    h.text_off = place(&at, h.text_bytes);
    h.own_off = place(&at, sizeof(struct trk_shm_own) * TRK_PROC_MAX);
    h.list_off = place(&at, sizeof(struct trk_shm_list) * TRK_PROC_MAX);
    if (c->hooks != NULL)
        h.hooks_off = place(&at, sizeof(struct trk_shm_hooks) + h.ring_count * TRK_HOOK_MAX * sizeof(uint64_t));
    h.look_off = place(&at, h.look_bytes = 64 << 10);
    h.data_off = place(&at, h.data_bytes);
    h.bytes = rec->bytes = at;
    rec->memfd = memfd_create("testrec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (rec->memfd < 0 || ftruncate(rec->memfd, (off_t)at) != 0 ||
        fcntl(rec->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        die("memfd");
    rec->base = mmap(NULL, at, PROT_READ | PROT_WRITE, MAP_SHARED, rec->memfd, 0);
    if (rec->base == MAP_FAILED)
        die("mmap");
    rec->hdr = (struct trk_shm_header *)(void *)rec->base;
    *rec->hdr = h;
    if (c->hooks != NULL) {
        rec->hooks = (struct trk_shm_hooks *)(void *)(rec->base + h.hooks_off);
        *rec->hooks = *c->hooks;
    }
    snprintf(rec->hdr->filter, sizeof rec->hdr->filter, "%s", c->filter != NULL ? c->filter : "");
    for (char *p = rec->hdr->filter; *p != '\0' || p[1] != '\0'; p++)
        *p = *p == ':' ? '\0' : *p;
    rec->procs = (struct trk_shm_proc *)(void *)(rec->base + h.procs_off);
    rec->rings = (struct trk_shm_ring *)(void *)(rec->base + h.rings_off);
    uint64_t data = h.data_off;
    for (int i = 0; i < TESTREC_CLASSES; i++) {
        for (uint32_t k = 0; k < c->rings[i].count; k++, n++) {
            rec->rings[n].data_off = data;
            rec->rings[n].log2_slots = c->rings[i].log2_slots;
            data += (uint64_t)TRK_SLOT_BYTES << c->rings[i].log2_slots;
        }
    }
    rec->stuck_us = calloc(n, sizeof *rec->stuck_us);
    rec->ring_tick = calloc(n, sizeof *rec->ring_tick);
    rec->ring_tid = calloc(n, sizeof *rec->ring_tid);
}

void testrec_init(struct testrec *rec, const struct testrec_config *config)
{
    struct testrec_config c = with_defaults(config);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    memset(rec, 0, sizeof *rec);
    make_arena(rec, &c);
    strcpy(rec->dir, "/tmp/testrec.XXXXXX");
    if (mkdtemp(rec->dir) == NULL || chmod(rec->dir, 0755) != 0)
        die("mkdtemp");
    snprintf(rec->sock, sizeof rec->sock, "%s/sock", rec->dir);
    strcpy(addr.sun_path, rec->sock);
    rec->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (rec->listen_fd < 0 || bind(rec->listen_fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(rec->listen_fd, 64) != 0 || chmod(rec->sock, 0666) != 0)
        die("socket");
}

void testrec_deinit(struct testrec *rec)
{
    close(rec->listen_fd);
    close(rec->memfd);
    munmap(rec->base, rec->bytes);
    unlink(rec->sock);
    rmdir(rec->dir);
    free(rec->records);
    free(rec->stuck_us);
    free(rec->ring_tick);
    free(rec->ring_tid);
    free(rec->output);
}

pid_t testrec_spawn(struct testrec *rec, const char *const argv[], const char *extra, const char *preload, int *ret_out)
{
    char options[1024];
    int out[2];
    snprintf(options, sizeof options, "sock=%s%s%s", rec->sock, extra ? ":" : "", extra ? extra : "");
    if (pipe2(out, O_CLOEXEC) != 0)
        die("pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        setenv("TRACK_OPTIONS", options, 1);
        if (preload)
            setenv("LD_PRELOAD", preload, 1);
        else
            unsetenv("LD_PRELOAD");
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    *ret_out = out[0];
    return pid;
}

bool testrec_accept(struct testrec *rec, int timeout_ms)
{
    struct pollfd p = { .fd = rec->listen_fd, .events = POLLIN };
    if (poll(&p, 1, timeout_ms) <= 0)
        return false;
    int fd = accept4(rec->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || recv(fd, &rec->hello, sizeof rec->hello, 0) != (ssize_t)sizeof rec->hello)
        die("hello");
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct trk_welcome welcome = { TRK_WELCOME_MAGIC, TRK_SHM_ABI, rec->bytes };
    struct iovec iov = { &welcome, sizeof welcome };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &rec->memfd, sizeof(int));
    rec->hdr->tick_us = rec_us(rec);
    ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
        die("welcome");
    close(fd);
    if (sent < 0) {
        rec->starved = true;
        return false;
    }
    rec->beat_ns = rec->beat_ns ? rec->beat_ns : now_ns();
    rec->hellos++;
    return true;
}

/* ---- Draining ---------------------------------------------------------------------------------------------------- */

static struct trk_slot *slot_at(struct testrec *rec, const struct trk_shm_ring *r, uint64_t pos)
{
    return (struct trk_slot *)(void *)(rec->base + r->data_off) + (pos & (((uint64_t)1 << r->log2_slots) - 1));
}

static bool slot_load(struct testrec *rec, const struct trk_shm_ring *r, uint64_t pos, struct trk_slot *ret)
{
    struct trk_slot *s = slot_at(rec, r, pos);
    uint64_t w0 = __atomic_load_n(&s->w0, __ATOMIC_ACQUIRE);
    if ((w0 & 1) != ((pos >> r->log2_slots & 1) ^ 1))
        return false;
    ret->w0 = w0 & ~(uint64_t)1;
    ret->w1 = __atomic_load_n(&s->w1, __ATOMIC_RELAXED);
    return true;
}

static unsigned slot_op(const struct trk_slot *s)
{
    return (unsigned)(s->w0 >> TRK_OP_SHIFT) & TRK_OP_MASK;
}

static struct testrec_record *record_add(struct testrec *rec)
{
    if (rec->count == rec->room) {
        rec->room = rec->room ? rec->room * 2 : 4096;
        rec->records = realloc(rec->records, rec->room * sizeof *rec->records);
        if (rec->records == NULL)
            die("realloc");
    }
    memset(&rec->records[rec->count], 0, sizeof *rec->records);
    return &rec->records[rec->count++];
}

static void take(struct testrec *rec, uint32_t ring, const struct trk_slot *first, const struct trk_slot *exts,
                 unsigned n)
{
    unsigned op = slot_op(first);
    struct testrec_record *r = record_add(rec);
    r->ring = ring;
    r->proc = rec->rings[ring].proc - 1;
    r->op = (uint8_t)op;
    r->aux = (uint8_t)(first->w0 >> TRK_AUX_SHIFT & TRK_AUX_MASK);
    r->addr = first->w0 >> TRK_ADDR_SHIFT;
    r->arg = first->w1 >> TRK_ARG_SHIFT;
    r->stack = (uint32_t)((first->w0 >> TRK_STACK_HI_SHIFT & TRK_STACK_HI_MASK) << TRK_STACK_LO_BITS |
                          (first->w1 & TRK_STACK_LO_MASK));
    r->exts = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        r->ext_kind[i] = (uint8_t)(exts[i].w0 >> TRK_EXT_SHIFT & TRK_EXT_MASK);
        r->ext[i] = exts[i].w1;
    }
    if (op == TRK_OP_NONE || op >= TRK_OP_COUNT_)
        rec->bad++;
    if (op == TRK_OP_THREAD)
        rec->ring_tid[ring] = (uint32_t)r->addr;
    if (op == TRK_OP_TICK)
        rec->ring_tick[ring] = r->arg;
    r->tid = rec->ring_tid[ring];
    r->tick = rec->ring_tick[ring];
}

enum {
    TESTREC_LOOKAHEAD = 32,
    TESTREC_STALE_NS = 1000000000, /* a target waits no longer for a recorder whose heart stands still */
    TESTREC_TIMES = 20,
};

static bool skip_hole(struct testrec *rec, uint32_t ring, uint64_t tail, uint64_t *ret)
{
    struct trk_shm_ring *r = &rec->rings[ring];
    struct trk_slot s;
    /* Not far: what lies a lap ahead may be left over from the lap before. */
    for (uint64_t d = 1; d < TESTREC_LOOKAHEAD; d++) {
        if (!slot_load(rec, r, tail + d, &s))
            continue;
        uint64_t now = rec_us(rec);
        if (rec->stuck_us[ring] == 0)
            rec->stuck_us[ring] = now;
        if (!rec->final_ && now - rec->stuck_us[ring] < TRK_HOLE_WAIT_US)
            return false;
        rec->stuck_us[ring] = 0;
        rec->holes += d;
        r->holes += d;
        *ret = tail + d;
        return true;
    }
    return false;
}

static size_t drain_ring(struct testrec *rec, uint32_t ring)
{
    struct trk_shm_ring *r = &rec->rings[ring];
    uint64_t tail = r->tail;
    uint64_t start = tail;
    size_t taken = 0;
    struct trk_slot first, exts[TRK_MAX_EXT];
    while (tail - start < (uint64_t)1 << r->log2_slots) {
        if (!slot_load(rec, r, tail, &first)) {
            if (skip_hole(rec, ring, tail, &tail))
                continue;
            break;
        }
        rec->stuck_us[ring] = 0;
        tail++;
        if (slot_op(&first) == TRK_OP_EXT) { /* behind a hole */
            rec->bad += rec->holes == 0;
            continue;
        }
        unsigned n = 0;
        while (n < TRK_MAX_EXT && slot_load(rec, r, tail, &exts[n]) && slot_op(&exts[n]) == TRK_OP_EXT) {
            n++;
            tail++;
        }
        take(rec, ring, &first, exts, n);
        taken++;
    }
    if (tail == start)
        return 0;
    __atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&r->waiting, 0, __ATOMIC_SEQ_CST)) {
        __atomic_fetch_add(&r->tail_futex, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &r->tail_futex, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    }
    return taken;
}

size_t testrec_drain(struct testrec *rec)
{
    size_t taken = 0;
    if (rec->frozen)
        return 0;
    uint64_t before = now_ns();
    __atomic_store_n(&rec->hdr->tick_us, rec_us(rec), __ATOMIC_RELAXED);
    __atomic_fetch_add(&rec->hdr->heartbeat, 1, __ATOMIC_RELAXED);
    rec->starved = rec->starved || (rec->beat_ns != 0 && now_ns() - rec->beat_ns >= TESTREC_STALE_NS);
    rec->beat_ns = before;
    for (uint32_t i = 0; i < rec->hdr->ring_count; i++) {
        if (__atomic_load_n(&rec->rings[i].proc, __ATOMIC_ACQUIRE))
            taken += drain_ring(rec, i);
    }
    for (uint32_t i = 0; i < TRK_PROC_MAX; i++) {
        struct trk_shm_proc *p = &rec->procs[i];
        if (rec->look != NULL && __atomic_load_n(&p->look.wanted, __ATOMIC_ACQUIRE) != p->look.answered)
            rec->look(rec, p);
        uint32_t asked = __atomic_load_n(&p->mem_request, __ATOMIC_ACQUIRE);
        if (asked != p->mem_done) {
            __atomic_store_n(&p->mem_done, asked, __ATOMIC_RELEASE);
            syscall(SYS_futex, &p->mem_done, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
        }
    }
    return taken;
}

static void read_output(struct testrec *rec, int out)
{
    char buf[4096];
    ssize_t n;
    while ((n = read(out, buf, sizeof buf)) > 0) {
        rec->output = realloc(rec->output, rec->output_size + (size_t)n + 1);
        memcpy(rec->output + rec->output_size, buf, (size_t)n);
        rec->output_size += (size_t)n;
        rec->output[rec->output_size] = 0;
    }
}

static bool others_alive(const struct testrec *rec, pid_t root)
{
    for (uint32_t i = 0; i < TRK_PROC_MAX; i++) {
        const struct trk_shm_proc *p = &rec->procs[i];
        if (p->state == TRK_PROC_LIVE && p->pid != (uint32_t)root && kill((pid_t)p->pid, 0) == 0)
            return true;
    }
    return false;
}

void testrec_finish(struct testrec *rec, pid_t pid, int out, double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    bool dead = false;
    while (!dead || others_alive(rec, pid)) {
        testrec_accept(rec, 0);
        if (testrec_drain(rec) == 0)
            usleep(500);
        read_output(rec, out);
        dead = dead || waitpid(pid, &rec->status, WNOHANG) == pid;
        if (now_ns() > end) {
            fprintf(stderr, "testrec: the target took too long, killed\n%s\n", rec->output ? rec->output : "");
            if (!dead) {
                kill(pid, SIGKILL);
                waitpid(pid, &rec->status, 0);
            }
            break;
        }
    }
    rec->final_ = true;
    rec->frozen = false;
    while (testrec_drain(rec))
        continue;
    rec->final_ = false;
    read_output(rec, out);
    close(out);
    if (rec->output == NULL)
        rec->output = calloc(1, 1);
}

void testrec_run(struct testrec *rec, const char *const argv[], const char *extra, const char *preload, double seconds)
{
    int out;
    pid_t pid = testrec_spawn(rec, argv, extra, preload, &out);
    testrec_finish(rec, pid, out, seconds);
}

bool testrec_again(struct testrec *rec)
{
    static unsigned times;
    if (!rec->starved || times++ == TESTREC_TIMES)
        return false;
    testrec_deinit(rec);
    return true;
}

void testrec_record(struct testrec *rec, const struct testrec_config *config, const char *const argv[],
                    const char *extra, const char *preload)
{
    do {
        testrec_init(rec, config);
        testrec_run(rec, argv, extra, preload, TESTREC_SECONDS);
    } while (testrec_again(rec));
}

pid_t testrec_begin(struct testrec *rec, const struct testrec_config *config, const char *const argv[], int *ret_out)
{
    for (;;) {
        testrec_init(rec, config);
        pid_t pid = testrec_spawn(rec, argv, NULL, NULL, ret_out);
        if (testrec_accept(rec, TESTREC_SECONDS * 1000))
            return pid;
        testrec_finish(rec, pid, *ret_out, TESTREC_SECONDS);
        if (!testrec_again(rec))
            die("begin");
    }
}

/* ---- Looking at the result ----------------------------------------------------------------------------------------
 */

size_t testrec_count(const struct testrec *rec, enum trk_op op)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->count; i++)
        n += rec->records[i].op == op;
    return n;
}

const struct testrec_record *testrec_find(const struct testrec *rec, enum trk_op op, size_t n)
{
    for (size_t i = 0; i < rec->count; i++) {
        if (rec->records[i].op == op && n-- == 0)
            return &rec->records[i];
    }
    return NULL;
}

bool testrec_ext(const struct testrec_record *r, enum trk_ext kind, uint64_t *ret)
{
    for (unsigned i = 0; i < r->exts; i++) {
        if (r->ext_kind[i] == kind) {
            *ret = r->ext[i];
            return true;
        }
    }
    return false;
}

uint64_t testrec_filtered(const struct testrec *rec)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rec->hdr->ring_count; i++)
        sum += rec->rings[i].filtered;
    return sum;
}

uint64_t testrec_ring_dropped(const struct testrec *rec)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < rec->hdr->ring_count; i++)
        n += rec->rings[i].dropped;
    return n;
}

uint64_t testrec_proc_dropped(const struct testrec *rec)
{
    uint64_t n = 0;
    for (int i = 0; i < TRK_PROC_MAX; i++)
        n += rec->procs[i].dropped;
    return n;
}

uint64_t testrec_emergency(const struct testrec *rec)
{
    uint64_t n = 0;
    for (int i = 0; i < TRK_PROC_MAX; i++)
        n += rec->procs[i].emergency;
    return n;
}

const char *testrec_text(const struct testrec *rec, uint64_t id, enum trk_text_kind kind, size_t *ret_size)
{
    uint64_t off = id * TRK_TEXT_UNIT;
    if (id == 0 || off + sizeof(struct trk_shm_text) > rec->hdr->text_bytes)
        return NULL;
    const struct trk_shm_text *t = (const struct trk_shm_text *)(void *)(rec->base + rec->hdr->text_off + off);
    uint64_t size = t->head & TRK_TEXT_LEN_MASK;
    if ((t->head >> TRK_TEXT_KIND_SHIFT & 0xff) != kind || off + sizeof *t + size > rec->hdr->text_bytes)
        return NULL;
    *ret_size = size;
    return t->bytes;
}

unsigned testrec_stack(const struct testrec *rec, uint32_t id, const uint64_t **ret_pcs)
{
    uint64_t off = (uint64_t)id * TRK_STACK_UNIT;
    if (id == 0 || off + sizeof(struct trk_shm_stack) > rec->hdr->depot_bytes)
        return 0;
    const struct trk_shm_stack *s = (const struct trk_shm_stack *)(void *)(rec->base + rec->hdr->depot_off + off);
    unsigned n = (unsigned)(s->head >> TRK_STACK_COUNT_SHIFT) & 0xff;
    if (off + sizeof *s + n * 8 > rec->hdr->depot_bytes)
        return 0;
    *ret_pcs = s->pcs;
    return n;
}

int64_t testrec_said(const struct testrec *rec, const char *key)
{
    const char *p = strstr(rec->output, key);
    return p && p[strlen(key)] == '=' ? strtoll(p + strlen(key) + 1, NULL, 0) : -1;
}
