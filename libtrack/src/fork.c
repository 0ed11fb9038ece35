/* fork.c: the FORK record of the parent, and the wipe that old kernels leave to us. A child is otherwise noticed by its
 * empty state pages, which works for raw clone calls, too. */
#include "wake.h"

#include <pthread.h>

/* The newest child of the calling thread: the last number in its children file. 0 when the kernel does not tell. */
static uint32_t newest_child(void)
{
    char buf[256];
    uint32_t last = 0;
    uint32_t number = 0;
    bool digits = false;
    int fd = trk_open_read("/proc/thread-self/children");
    if (fd < 0)
        return 0;
    for (;;) {
        long n = trk_read_all(fd, buf, sizeof buf);
        if (n <= 0)
            break;
        for (long i = 0; i < n; i++) {
            unsigned d = (unsigned)(unsigned char)buf[i] - '0';
            if (d <= 9) {
                number = (digits ? number : 0) * 10 + d;
                digits = true;
            } else if (digits) {
                last = number;
                digits = false;
            }
        }
    }
    trk_close(fd);
    return digits ? number : last;
}

static void fork_parent(void)
{
    if (trk_eng.phase != TRK_PHASE_LIVE || trk_eng.sentinel->state != 2)
        return;
    struct trk_event ev = { .op = TRK_OP_FORK, .addr = newest_child() };
    trk_emit(&ev);
}

static void fork_child(void)
{
    if (!trk_eng.wipes && trk_eng.sentinel != NULL) {
        trk_thread_wipe_all();
        trk_eng.sentinel->state = 0;
        trk_eng.sentinel->gates = 0;
    }
    trk_wake_child();
}

void trk_fork_init(void)
{
    pthread_atfork(trk_wake_before_fork, fork_parent, fork_child);
}
