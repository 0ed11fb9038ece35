/* mem.c: what the process's memory is made of, seen from outside.
 *
 * A sample is taken when the process appears, when it asks for one (at exit), and every two seconds, but never so often
 * that it would take more than a hundredth of the time: the kernel walks all page tables for it. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SMAPS_MAX = 64 << 20, GUARD_MAX = 64 << 10, SHARE = 100, FLIGHT_MEM_US = 60000000 };

/* Reads /proc/PID/what into the recorder's scratch memory, NUL-terminated; NULL when there is nothing. */
static char *slurp(struct recorder *rec, const char *who, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/%s", who, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    rec->scratch.count = 0;
    while (rec->scratch.count < SMAPS_MAX && prof_vec_reserve(&rec->scratch, 16384)) {
        ssize_t n = read(fd, rec->scratch.items + rec->scratch.count, rec->scratch.room - rec->scratch.count - 1);
        if (n <= 0)
            break;
        rec->scratch.count += (size_t)n;
    }
    close(fd);
    if (rec->scratch.count == 0)
        return NULL;
    rec->scratch.items[rec->scratch.count] = '\0';
    return (char *)rec->scratch.items;
}

/* "Rss:      1234 kB" of a line that starts with the key; false: another line. */
static bool kilobytes(const char *line, const char *key, uint64_t *ret)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return false;
    *ret = strtoull(line + length, NULL, 10) * 1024;
    return true;
}

static uint64_t *category(struct trk_mem *mem, const char *name, bool after_guard, const char *perms)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    if (strncmp(name, "/memfd:reftrack", 15) == 0 || strncmp(base, "libtrack", 8) == 0 ||
        strncmp(name, "[anon:reftrack", 14) == 0 || strncmp(name, "[anon:libtrack", 14) == 0)
        return &mem->reftrack;
    if (strcmp(name, "[heap]") == 0)
        return &mem->heap;
    if (strncmp(name, "[stack", 6) == 0 || strncmp(name, "[anon:stack", 11) == 0)
        return &mem->stacks;
    if (name[0] == '/' || strncmp(name, "[v", 2) == 0)
        return &mem->files;
    /* A thread's stack: writable, right above a small guard. */
    if (name[0] == '\0' && after_guard && perms[1] == 'w')
        return &mem->stacks;
    return &mem->anon;
}

static bool parse_smaps(char *text, struct trk_mem *mem)
{
    mem->rss = mem->pss = mem->swap = mem->heap = mem->anon = mem->stacks = mem->files = mem->reftrack = 0;
    uint64_t *where = NULL, guard_end = 0;
    for (char *line = text, *next; *line != '\0'; line = next) {
        next = strchrnul(line, '\n');
        if (*next != '\0')
            *next++ = '\0';
        uint64_t start, end, value;
        char perms[5];
        int name = 0;
        if (line[0] >= 'A' && line[0] <= 'Z') {
            if (where != NULL && kilobytes(line, "Rss:", &value)) {
                *where += value;
                mem->rss += value;
            } else if (kilobytes(line, "Pss:", &value)) {
                mem->pss += value;
            } else if (kilobytes(line, "Swap:", &value)) {
                mem->swap += value;
            }
        } else if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %*u %n", &start, &end, perms, &name) >= 3 &&
                   name > 0) {
            where = category(mem, line + name, start == guard_end, perms);
            guard_end = strncmp(perms, "---", 3) == 0 && end - start <= GUARD_MAX ? end : 0;
        }
    }
    return where != NULL;
}

static void parse_stat(const char *text, struct trk_mem *mem)
{
    const char *at = strrchr(text, ')');
    uint64_t user, sys;
    uint32_t threads;
    if (at != NULL &&
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %" SCNu32,
               &user, &sys, &threads) == 3) {
        mem->cpu_us = (user + sys) * (1000000u / (unsigned long)sysconf(_SC_CLK_TCK));
        mem->threads = threads;
    }
}

static uint64_t timeval_us(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static void measure_self(struct recorder *rec, struct trk_mem *mem)
{
    struct rusage usage;
    uint64_t pages;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        mem->recorder_cpu_us = timeval_us(usage.ru_utime) + timeval_us(usage.ru_stime) + rec->folding_cpu_us;
    char *text = slurp(rec, "self", "statm");
    if (text != NULL && sscanf(text, "%*u %" SCNu64, &pages) == 1)
        mem->recorder_rss = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void rec_mem_sample(struct proc *proc, bool final)
{
    struct recorder *rec = proc->arena->rec;
    struct trk_mem mem;
    memset(&mem, 0xff, sizeof mem);
    mem.at_us = rec_arena_us(proc->arena);
    mem.threads = 0;
    mem.final_ = final;
    char who[16];
    snprintf(who, sizeof who, "%d", (int)proc->pid);
    char *text = slurp(rec, who, "smaps");
    bool known = text != NULL && parse_smaps(text, &mem);
    text = slurp(rec, who, "status");
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        uint64_t value;
        if (kilobytes(line, "VmHWM:", &value))
            mem.vm_hwm = value;
        else if (!known && kilobytes(line, "VmRSS:", &value))
            mem.rss = value;
    }
    text = slurp(rec, who, "stat");
    if (text != NULL)
        parse_stat(text, &mem);
    measure_self(rec, &mem);
    if (mem.rss != UINT64_MAX && proc->writer != NULL)
        rec_proc_problem(proc, prof_writer_mem(proc->writer, &mem));
    proc->data_since_flush = true;
}

void rec_mem_look(struct proc *proc, uint64_t now_us)
{
    struct trk_shm_proc *shm = &proc->arena->procs[proc->index];
    /* Partner: the exiting process, which increments it and waits for mem_done. */
    uint32_t asked = __atomic_load_n(&shm->mem_request, __ATOMIC_ACQUIRE);
    bool requested = asked != proc->mem_done;
    if (!requested && now_us < proc->mem_next_us)
        return;
    bool first = proc->mem_next_us == 0;
    if (!proc->dead && !proc->exec_seen)
        rec_mem_sample(proc, requested);
    if (requested) {
        /* It waits for us at its end. When it is the first process of a container, we end with it. */
        rec_drain(proc->arena);
        rec_round(proc->arena->rec);
        proc->mem_done = asked;
        __atomic_store_n(&shm->mem_done, asked, __ATOMIC_RELEASE);
        rec_futex_wake(&shm->mem_done);
    }
    uint64_t cost = rec_now_us() - now_us;
    /* Samples of a long run are all kept: the longer it runs the farther apart they are. */
    uint64_t least = rec_is_flight(proc->arena) ? FLIGHT_MEM_US : REC_MEM_US;
    uint64_t age = (now_us - proc->arena->epoch_ns / 1000) / REC_MEM_SAMPLES;
    uint64_t distance = age > least ? age : least;
    proc->mem_next_us = now_us + (cost * SHARE > distance ? cost * SHARE : distance);
    if (first && !proc->modules_any && !proc->dead)
        rec_modules_observe(proc);
}
