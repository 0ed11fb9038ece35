/* testrec_look.c: the recorder's side of looks at memory, see testrec.h. */
#include "testrec.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <track/track.h>

static void wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

size_t testrec_look_read(struct testrec *rec, struct trk_shm_proc *proc, uint64_t at, void *to, size_t size)
{
    struct trk_shm_look *look = &proc->look;
    uint32_t number = look->read + 1;
    look->read_at = at;
    look->read_bytes = size;
    __atomic_store_n(&look->read, number, __ATOMIC_RELEASE);
    wake(&look->read);
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t served = __atomic_load_n(&look->served, __ATOMIC_ACQUIRE);
        if (served == number) {
            size_t got = look->got <= rec->hdr->look_bytes ? (size_t)look->got : 0;
            memcpy(to, rec->base + rec->hdr->look_off, got < size ? got : size);
            return got;
        }
        struct timespec nap = { .tv_nsec = 1000000 };
        syscall(SYS_futex, &look->served, FUTEX_WAIT, served, &nap, NULL, 0);
    }
    return 0;
}

void testrec_look_answer(struct testrec *rec, struct trk_shm_proc *proc, int answer)
{
    struct trk_shm_look *look = &proc->look;
    uint32_t wanted = __atomic_load_n(&look->wanted, __ATOMIC_ACQUIRE);
    look->answer = answer;
    __atomic_store_n(&look->answered, wanted, __ATOMIC_RELEASE);
    __atomic_store_n(&look->read, UINT32_MAX, __ATOMIC_RELEASE);
    wake(&look->read);
    wake(&look->answered);
    rec->looks++;
}

void testrec_look_yes(struct testrec *rec, struct trk_shm_proc *proc)
{
    testrec_look_answer(rec, proc, TRK_YES);
}

const char *testrec_look_name(const struct testrec *rec, const struct trk_shm_proc *proc)
{
    static char name[256];
    size_t size = 0;
    const char *text = testrec_text(rec, proc->look.text, TRK_TEXT_STRING, &size);
    snprintf(name, sizeof name, "%.*s", text != NULL ? (int)size : 0, text != NULL ? text : "");
    return name;
}

bool testrec_own(const struct testrec *rec, const struct trk_shm_proc *proc, uint64_t start, uint64_t size,
                 enum trk_own_kind kind)
{
    const struct trk_shm_own *own =
        (const struct trk_shm_own *)(const void *)(rec->base + rec->hdr->own_off) + (proc - rec->procs);
    for (uint32_t i = 0; i < own->count && i < TRK_OWN_MAX; i++) {
        uint64_t at = own->at[i].start, bytes = own->at[i].bytes & ~(uint64_t)7;
        if (at != 0 && (own->at[i].bytes & 7) == (uint64_t)kind && start >= at && start + size <= at + bytes)
            return true;
    }
    return false;
}
