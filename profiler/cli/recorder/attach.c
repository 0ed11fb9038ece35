/* attach.c: one process woken through its control page: found through its own memory map, checked, locked, written.
 *
 * The page of a process is what it has mapped, wherever its environment said the file should be. The directory of the
 * file is entered through the process's own root, and must be closed to everybody else, or others could wake it, too.
 */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <track/format.h>

#include "attach_proc.h"

struct attach {
    struct attach_proc proc;
    struct trk_control_page *page;
    int fd;
};

static struct prof_error *open_page(struct attach *attach)
{
    const struct attach_proc *proc = &attach->proc;
    struct prof_error *error = attach_proc_page(proc, &attach->fd, &attach->page);
    if (error != NULL)
        return error;
    const struct trk_control_page *page = attach->page;
    if (page->magic != TRK_CONTROL_MAGIC || page->magic_end != TRK_CONTROL_MAGIC)
        return prof_error_create(PROF_ERROR_FORMAT, "%s is not a control page of libtrack", proc->path);
    if (page->abi != TRK_CONTROL_ABI)
        return prof_error_create(PROF_ERROR_FORMAT,
                                 "process %d (%s) carries another version of libtrack (control page %u, this is %d); "
                                 "use the matching reftrack",
                                 (int)proc->pid, proc->program, page->abi, TRK_CONTROL_ABI);
    if (page->pid != (uint32_t)proc->ns_pid || page->start_time != proc->start_time)
        return prof_error_create(PROF_ERROR_NOT_FOUND,
                                 "process %d (%s) was made by a clone call that libtrack did not see, and still shares "
                                 "its gates with process %u: restart it with TRACK_OPTIONS=out=FILE",
                                 (int)proc->pid, proc->program, page->pid);
    if (flock(attach->fd, LOCK_EX | LOCK_NB) != 0)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "process %d (%s) is being recorded by another 'reftrack record' already; stop that "
                                 "one first",
                                 (int)proc->pid, proc->program);
    pid_t recorder = attach_proc_recorder(page);
    if (recorder != 0)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "process %d (%s) is recorded by process %d already; its trace can be read while it "
                                 "grows",
                                 (int)proc->pid, proc->program, (int)recorder);
    if (__atomic_load_n(&page->wakes_left, __ATOMIC_RELAXED) == 0)
        return prof_error_create(PROF_ERROR_ARGUMENT,
                                 "process %d (%s) was recorded too often to be woken once more: restart it",
                                 (int)proc->pid, proc->program);
    return NULL;
}

struct prof_error *attach_open(pid_t pid, struct attach **ret)
{
    struct attach *attach = calloc(1, sizeof *attach);
    if (attach == NULL)
        return prof_error_memory();
    attach->fd = -1;
    struct prof_error *error = attach_proc_find(pid, &attach->proc);
    if (error == NULL)
        error = open_page(attach);
    if (error != NULL) {
        attach_close(attach);
        return error;
    }
    *ret = attach;
    return NULL;
}

void attach_close(struct attach *attach)
{
    if (attach == NULL)
        return;
    if (attach->page != NULL)
        munmap(attach->page, sizeof *attach->page);
    if (attach->fd >= 0)
        close(attach->fd);
    free(attach);
}

const char *attach_program(const struct attach *attach)
{
    return attach->proc.program;
}

bool attach_confined(const struct attach *attach)
{
    return attach->proc.seccomp;
}

static void gates(struct trk_control_page *page, uint8_t value)
{
    __atomic_store_n(&page->gate, value, __ATOMIC_SEQ_CST);
    __atomic_store_n(&page->malloc_gate, value, __ATOMIC_SEQ_CST);
}

struct prof_error *attach_ask(struct attach *attach, const char *socket)
{
    struct trk_control_page *page = attach->page;
    if (strlen(socket) >= sizeof page->socket)
        return prof_error_create(PROF_ERROR_ARGUMENT, "the path of the recorder's socket is too long: %s", socket);
    memset(page->socket, 0, sizeof page->socket);
    memcpy(page->socket, socket, strlen(socket));
    uint32_t answered = __atomic_load_n(&page->answered, __ATOMIC_ACQUIRE);
    /* Partner: the target, which closes its gates and looks at the number again: it comes before the gates. */
    __atomic_store_n(&page->request, answered + 1, __ATOMIC_SEQ_CST);
    gates(page, 1);
    return NULL;
}

enum attach_answer attach_answer(const struct attach *attach, const char **ret_why)
{
    static const char *const texts[] = {
        [TRK_WAKE_PATH] = "it got no usable socket",
        [TRK_WAKE_CONNECT] = "it cannot reach the recorder's socket (another root or network namespace, or a sandbox)",
        [TRK_WAKE_PEER] = "the socket it found belongs to another user",
        [TRK_WAKE_TALK] = "the recorder did not answer it in time, or it could not map the shared memory",
        [TRK_WAKE_SPENT] = "it was recorded too often already: restart it",
        [TRK_WAKE_BARRED] = "it is privileged or not dumpable by now",
    };
    const struct trk_control_page *page = attach->page;
    *ret_why = NULL;
    /* Partner: the target's release store behind the result. */
    if (__atomic_load_n(&page->answered, __ATOMIC_ACQUIRE) != __atomic_load_n(&page->request, __ATOMIC_RELAXED))
        return ATTACH_WAITS;
    uint32_t result = __atomic_load_n(&page->result, __ATOMIC_RELAXED);
    if (result == TRK_WAKE_OK)
        return ATTACH_RECORDS;
    *ret_why = result < sizeof texts / sizeof *texts && texts[result] != NULL ? texts[result] : "it refused";
    return ATTACH_FAILED;
}

void attach_withdraw(struct attach *attach)
{
    struct trk_control_page *page = attach->page;
    __atomic_store_n(&page->request, __atomic_load_n(&page->answered, __ATOMIC_ACQUIRE), __ATOMIC_SEQ_CST);
    gates(page, 0);
}
