/* wake.c: the control page of this process: laid over the gates at start, looked at when a gate is open while nothing
 * is recorded, replaced in a forked child.
 *
 * Requests are numbered. Whoever wakes us writes the number, then opens the gates; we close the gates, then look at the
 * number: neither can miss the other. */
#include "wake.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "control.h"
#include "own.h"

_Static_assert(sizeof(struct trk_control_page) == TRK_CONTROL_BYTES &&
                   offsetof(struct trk_control_page, malloc_gate) == TRK_CONTROL_MALLOC_AT &&
                   offsetof(struct trk_control_page, magic_end) == TRK_CONTROL_BYTES - 8 &&
                   (int)TRK_CONTROL_BYTES == TRK_PAGE,
               "as api.c lays it out");

enum {
    CONNECT_NS = 200000000,
    TALK_NS = 1000000000,
    FORKS_WITH_FILE = 64,      /* every child gets a file until there were so many */
    FORK_PAUSE_NS = 100000000, /* then one in this time: who forks that often has no use for it, but would pay */
    SIGSET_BYTES = 8,
};

struct trk_control_page *trk_wake_page;

static struct {
    uint32_t pid; /* whose page it is */
    uint32_t forks;
    uint64_t file_ns; /* when a child last got a file */
    bool child_file;  /* the next one gets one */
    char dir[TRK_WAKE_DIR];
    char name[TRK_WAKE_NAME];
} wake;

/* The page around a gate, when it is a page of gates and nothing else. */
static struct trk_control_page *page_of(volatile unsigned char *gate, size_t at)
{
    uintptr_t start = (uintptr_t)gate - at;
    __asm__("" : "+r"(start)); /* the compiler knows the gate as one byte */
    struct trk_control_page *p = (struct trk_control_page *)start;
    if (start % TRK_PAGE != 0 || p->magic != TRK_CONTROL_MAGIC || p->magic_end != TRK_CONTROL_MAGIC)
        return NULL;
    return p;
}

/* Lays the file, or a private copy of the content, over one page. */
static bool lay_over(struct trk_control_page *p, int fd, const struct trk_control_page *content)
{
    int flags = fd >= 0 ? MAP_SHARED | MAP_FIXED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (trk_failed(trk_sys6(SYS_mmap, (long)p, TRK_PAGE, PROT_READ | PROT_WRITE, flags, fd, 0)))
        return false;
    if (fd < 0)
        trk_copy(p, content, sizeof *p);
    return true;
}

static bool lay_over_all(int fd, const struct trk_control_page *content)
{
    struct trk_control_page *main = page_of(&trk_gate_v1, 0);
    struct trk_control_page *other = page_of(&trk_malloc_gate_v1, TRK_CONTROL_MALLOC_AT);
    if (main == NULL || !lay_over(main, fd, content))
        return false;
    if (other != NULL && other != main)
        lay_over(other, fd, content);
    for (unsigned i = 0; i < TRK_GATES; i++) {
        volatile unsigned char *gate = __atomic_load_n(&trk_eng.gates[i], __ATOMIC_ACQUIRE);
        struct trk_control_page *p = gate != NULL ? page_of(gate, 0) : NULL;
        struct trk_control_page *q = gate != NULL ? page_of(trk_eng.malloc_gates[i], TRK_CONTROL_MALLOC_AT) : NULL;
        if (p != NULL && p != main)
            lay_over(p, fd, content);
        if (q != NULL && q != p && q != main && q != other)
            lay_over(q, fd, content);
    }
    trk_wake_page = fd >= 0 ? main : NULL;
    trk_own_add(main, TRK_PAGE, TRK_OWN_PRIVATE);
    return true;
}

static bool file_make(struct trk_control_page *content)
{
    int dir = trk_wake_file_dir(wake.dir);
    if (dir < 0)
        return false;
    int fd = trk_wake_file_create(dir, content, wake.name);
    bool ok = fd >= 0 && lay_over_all(fd, content);
    if (fd >= 0)
        trk_close(fd);
    if (fd >= 0 && !ok)
        trk_sys3(SYS_unlinkat, dir, wake.name, 0);
    if (!ok)
        wake.name[0] = 0;
    trk_close(dir);
    return ok;
}

static void content_fill(struct trk_control_page *content, bool live)
{
    *content = (struct trk_control_page){ .gate = live,
                                          .magic = TRK_CONTROL_MAGIC,
                                          .abi = TRK_CONTROL_ABI,
                                          .flags = trk_control_kind(),
                                          .malloc_gate = live && trk_eng.want_malloc,
                                          .state = live ? TRK_CONTROL_LIVE : TRK_CONTROL_IDLE,
                                          .recorder_pid = live ? trk_load32(&trk_arena()->hdr->recorder_pid) : 0,
                                          .wakes_left = trk_engine_eras_left(),
                                          .magic_end = TRK_CONTROL_MAGIC };
}

void trk_wake_open(void)
{
    struct trk_control_page content;
    if (trk_options.wake == 0 || getauxval(AT_PAGESZ) != TRK_PAGE || page_of(&trk_gate_v1, 0) == NULL ||
        !trk_engine_sentinel())
        return;
    content_fill(&content, false);
    if (!file_make(&content))
        return;
    wake.pid = (uint32_t)trk_sys0(SYS_getpid);
    trk_eng.sentinel->gates = 1;
}

/* The page is not our doing: a parent's, whose memory this is a copy of. */
static bool forked(void)
{
    return trk_eng.sentinel != NULL && trk_eng.sentinel->gates == 0;
}

static bool page_is_ours(void)
{
    return trk_wake_page != NULL && (uint32_t)trk_sys0(SYS_getpid) == wake.pid && !forked();
}

void trk_wake_share(volatile unsigned char *gate, volatile unsigned char *malloc_gate)
{
    struct trk_control_page *p = page_of(gate, 0);
    struct trk_control_page *q = page_of(malloc_gate, TRK_CONTROL_MALLOC_AT);
    if (!page_is_ours())
        return;
    /* An old size of 0 maps the same file page a second time. */
    if (p != NULL && p != trk_wake_page)
        trk_sys5(SYS_mremap, trk_wake_page, 0, TRK_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    if (q != NULL && q != p && q != trk_wake_page)
        trk_sys5(SYS_mremap, trk_wake_page, 0, TRK_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
}

/* ---- Fork ----------------------------------------------------------------------------------------------------------
 */

void trk_wake_before_fork(void)
{
    uint64_t now = wake.forks >= FORKS_WITH_FILE ? trk_now_ns() : 0;
    wake.child_file = wake.forks < FORKS_WITH_FILE || now - wake.file_ns >= FORK_PAUSE_NS;
    if (wake.child_file)
        wake.file_ns = now;
    if (wake.forks < FORKS_WITH_FILE)
        wake.forks++;
}

void trk_wake_child(void)
{
    struct trk_control_page content;
    int starting = TRK_PHASE_STARTING; /* a thread of the parent was at it */
    __atomic_compare_exchange_n(&trk_eng.phase, &starting, TRK_PHASE_IDLE, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (wake.pid == 0 || !forked())
        return;
    trk_eng.sentinel->gates = 1;
    wake.pid = (uint32_t)trk_sys0(SYS_getpid);
    wake.name[0] = 0;
    content_fill(&content, trk_eng.phase == TRK_PHASE_LIVE);
    if (!wake.child_file || !file_make(&content))
        lay_over_all(-1, &content);
    wake.child_file = false;
}

/* ---- Requests ------------------------------------------------------------------------------------------------------
 */

static void state_set(struct trk_control_page *p, enum trk_control_state state)
{
    __atomic_store_n(&p->state, state, __ATOMIC_RELEASE);
}

void trk_wake_live(void)
{
    struct trk_control_page *p = trk_wake_page;
    if (!page_is_ours())
        return;
    __atomic_store_n(&p->recorder_pid, trk_load32(&trk_arena()->hdr->recorder_pid), __ATOMIC_RELAXED);
    __atomic_store_n(&p->wakes_left, trk_engine_eras_left(), __ATOMIC_RELAXED);
    state_set(p, TRK_CONTROL_LIVE);
}

/* While signals are blocked nobody can jump out of the calling thread. */
static uint64_t signals_block(void)
{
    uint64_t all = ~(uint64_t)0;
    uint64_t old = 0;
    trk_sys4(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, &old, SIGSET_BYTES);
    return old;
}

static void signals_restore(uint64_t old)
{
    trk_sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &old, 0, SIGSET_BYTES);
}

/* Closes the gates, unless there is a reason to have them open that came meanwhile. */
static void gates_close(void)
{
    if (!page_is_ours()) {
        trk_engine_gate(false);
        return;
    }
    uint64_t signals = signals_block(); /* gates that stay closed over a request would never be looked at again */
    trk_engine_gate(false);
    /* Partners: who wakes us opens the gates behind the request; the thread that answers it opens them behind the
     * phase. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool asked = trk_wake_asked();
    if (asked)
        __atomic_store_n(&trk_eng.want_malloc, true, __ATOMIC_RELAXED);
    if (asked || __atomic_load_n(&trk_eng.phase, __ATOMIC_SEQ_CST) != TRK_PHASE_IDLE)
        trk_engine_gate(true);
    signals_restore(signals);
}

void trk_wake_idle(void)
{
    if (forked())
        trk_wake_child();
    if (page_is_ours()) {
        state_set(trk_wake_page, TRK_CONTROL_IDLE);
        if (__atomic_load_n(&trk_eng.phase, __ATOMIC_ACQUIRE) == TRK_PHASE_LIVE) /* woken again meanwhile */
            state_set(trk_wake_page, TRK_CONTROL_LIVE);
    }
    gates_close();
}

/* The request's socket: copied once, checked, and of our own user. */
static enum trk_control_result connect_back(const struct trk_control_page *p)
{
    struct {
        int32_t pid;
        uint32_t uid, gid;
    } who = { 0, ~0u, 0 };
    uint32_t length = sizeof who;
    char path[TRK_CONTROL_SOCKET_MAX];
    const char *why;
    trk_copy(path, p->socket, sizeof path);
    path[sizeof path - 1] = 0;
    if (trk_engine_privileged())
        return TRK_WAKE_BARRED;
    if (trk_engine_eras_left() == 0)
        return TRK_WAKE_SPENT;
    if (path[0] != '/' && (path[0] != '@' || path[1] == 0))
        return TRK_WAKE_PATH;
    int fd = trk_control_socket(path, CONNECT_NS);
    if (fd < 0)
        return TRK_WAKE_CONNECT;
    enum trk_control_result result = TRK_WAKE_PEER;
    if (!trk_failed(trk_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &who, &length)) &&
        who.uid == (uint32_t)trk_sys0(SYS_geteuid))
        result = trk_control_handshake(fd, TRK_HELLO_WOKEN, TALK_NS, &why) ? TRK_WAKE_OK : TRK_WAKE_TALK;
    trk_close(fd);
    return result;
}

bool trk_wake_look(void)
{
    struct trk_control_page *p = trk_wake_page;
    uint64_t cookie;
    int idle = TRK_PHASE_IDLE;
    if (forked())
        trk_wake_child();
    if (!page_is_ours())
        return false;
    if (!trk_wake_asked()) {
        if (__atomic_load_n(&trk_eng.phase, __ATOMIC_RELAXED) == TRK_PHASE_IDLE)
            gates_close();
        return false;
    }
    uint64_t signals = signals_block(); /* the phase would stay */
    bool mine = __atomic_compare_exchange_n(&trk_eng.phase, &idle, TRK_PHASE_STARTING, false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED);
    enum trk_control_result result = TRK_WAKE_TALK;
    if (mine) {
        /* A mark of this thread is one that a handler jumped away from, and the clock that tells it stands still; or
         * it belongs to a frame below that is in the arena before, where it does no harm. */
        trk_tls.busy = 0;
        trk_engine_enter(&cookie);
        /* Partner: the release store behind `socket`. */
        uint32_t request = __atomic_load_n(&p->request, __ATOMIC_ACQUIRE);
        state_set(p, TRK_CONTROL_BUSY);
        result = connect_back(p);
        __atomic_store_n(&p->result, result, __ATOMIC_RELAXED);
        __atomic_store_n(&p->answered, request, __ATOMIC_RELEASE); /* partner: reftrack, which reads the result then */
        trk_engine_leave(&cookie);
        if (result == TRK_WAKE_OK) {
            trk_engine_live();
        } else {
            __atomic_store_n(&trk_eng.phase, TRK_PHASE_IDLE, __ATOMIC_RELEASE);
            trk_wake_idle();
        }
    }
    signals_restore(signals);
    return result == TRK_WAKE_OK;
}
