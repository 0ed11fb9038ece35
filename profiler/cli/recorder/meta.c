/* meta.c: the facts about a process and its recording that go into META.
 *
 * META keys this recorder writes, each "key=value":
 *
 *   program       base name of the executable
 *   exe           its path as the process sees it
 *   cwd           its working directory at the start
 *   arg           one per argument, in order, the first is argv[0]
 *   pid, ppid     as the recorder sees them
 *   uid           real user id of the process
 *   host, kernel  host name; release of the running kernel
 *   recorder      version of this program
 *   options       recording options as given
 *   depths        frames on births, references, frees: "64,8,1"
 *   on_full       block, drop or flight
 *   clock         tsc: events have exact times; hooked: from when functions were hooked and a second thread wrote;
 *                 absent or coarse: those of ticks
 *   budget        bytes of shared memory
 *   keep          all, folded or window; window: how much, "300000000 us" or "1048576 bytes"
 *   max_trace     bytes that the file is to stay below
 *   folds         how often the file was made shorter; folds_failed, fold_note: how often not, and why (fold.c)
 *   fold_rings    where each ring stands in front of what follows: "RING,EVENTS,TID,US " per ring
 *   ring_most     how full a ring was at most, in per cent; ring_waits: how often a thread was found waiting for room;
 *                 fold_ring_most, fold_ring_waits: right behind the begin and the end of folds
 *   memory        when it is looked at: "exit,mark,scope", "none", or "never" (--no-memory)
 *   pointer       decodings of pointers that are stored as something else, in the order of their numbers, parted by
 *                 spaces; word_step: where words stand when not at multiples of 8
 *   memory_note   why memory was not read at the exit, or not from a program that stood still
 *   wrapper       patterns of functions that are never a site, joined by ':'
 *   adapters      descriptions of libraries that were at hand, one line each: "NAME HOW LIBRARIES PATH"; HOW is
 *                 shipped, user or given, LIBRARIES are joined by '|'
 *   hidden        files whose code is no site: patterns with '|' between them
 *   hooks         functions that were to be hooked, one line each: "ROLE STATE CALLS FUNCTION ADAPTER MODULE"; STATE
 *                 is enum trk_hook_state, 0: no module has it; ADAPTER "-": none
 *   parent_trace  file name of the trace of the process that forked this one (its memory was inherited)
 *   fork_us       when it was forked, microseconds of this trace
 *   attached      1: recording began while the program was running
 *   malloc        "recorded", "foreign" or "off"
 *   malloc_note   who serves malloc when it is not recorded
 *   filter        which births were recorded: "types=A|B:modules=C:objects=1/16"; absent: all
 *   filtered      how many births it left out */
#include "hooks.h"
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <base/str.h>

enum { ARGS_BYTES = 64 << 10, ENVIRON_BYTES = 2 << 20 };

static char *read_link(pid_t pid, const char *what)
{
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0)
        return NULL;
    target[n] = '\0';
    return strdup(target);
}

/* Reads a /proc file whole, at most `max` bytes; malloc'ed and NUL-terminated, NULL when there is nothing. */
static char *read_proc(pid_t pid, const char *what, size_t max, size_t *ret_length)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = malloc(max + 1);
    size_t length = 0;
    while (text != NULL && length < max) {
        ssize_t n = read(fd, text + length, max - length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    close(fd);
    if (text == NULL || length == 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    *ret_length = length;
    return text;
}

/* Base name of the program of a process, malloc'ed, never empty; NULL without memory. */
static char *program_of(pid_t pid, const char *otherwise)
{
    char *exe = read_link(pid, "exe");
    const char *base = otherwise;
    if (exe != NULL) {
        char *deleted = strstr(exe, " (deleted)");
        if (deleted != NULL)
            *deleted = '\0';
        const char *slash = strrchr(exe, '/');
        if (slash != NULL && slash[1] != '\0')
            base = slash + 1;
    }
    char *name = strdup(base);
    free(exe);
    return name;
}

typedef PROF_VEC(char *) pair_vec;

static void add_pair(pair_vec *pairs, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add_pair(pair_vec *pairs, const char *key, const char *format, ...)
{
    char *value, *pair;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&value, format, args);
    va_end(args);
    if (n < 0)
        return;
    if (asprintf(&pair, "%s=%s", key, value) >= 0 && !prof_vec_push(pairs, pair))
        free(pair);
    free(value);
}

static void write_pairs(struct proc *proc, pair_vec *pairs)
{
    if (prof_vec_push(pairs, NULL))
        rec_proc_problem(proc, prof_writer_meta(proc->writer, (const char *const *)pairs->items));
    for (size_t i = 0; i < pairs->count; i++)
        free(pairs->items[i]);
    prof_vec_deinit(pairs);
}

static void add_process(pair_vec *pairs, pid_t pid)
{
    static const char *const links[] = { "exe", "cwd" };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char *target = read_link(pid, links[i]);
        if (target != NULL)
            add_pair(pairs, links[i], "%s", target);
        free(target);
    }
    size_t length;
    char *args = read_proc(pid, "cmdline", ARGS_BYTES, &length);
    for (size_t at = 0; args != NULL && at < length; at += strlen(args + at) + 1)
        add_pair(pairs, "arg", "%s", args + at);
    free(args);
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &st) == 0)
        add_pair(pairs, "uid", "%u", (unsigned)st.st_uid);
}

/* The value of TRACK_OPTIONS in the process's environment, malloc'ed; NULL: not set. */
static char *track_options(pid_t pid)
{
    static const char name[] = "TRACK_OPTIONS=";
    size_t length;
    char *text = read_proc(pid, "environ", ENVIRON_BYTES, &length), *found = NULL;
    if (text == NULL)
        return NULL;
    for (size_t at = 0; found == NULL && at < length; at += strlen(text + at) + 1)
        if (strncmp(text + at, name, sizeof name - 1) == 0)
            found = strdup(text + at + sizeof name - 1);
    free(text);
    return found;
}

static void add_wrapper(struct prof_str *str, const char *pattern, size_t length)
{
    if (length == 0)
        return;
    if (str->length > 0)
        prof_str_add(str, ":");
    prof_str_addn(str, pattern, length);
}

/* Splits TRACK_OPTIONS: wrapper=a|b:c is a list that goes on over bare words; sock= is ours and left out. */
static void split_options(const char *text, struct prof_str *wrappers, struct prof_str *others)
{
    bool in_list = false;
    while (*text != '\0') {
        size_t length = strcspn(text, ":\n");
        if (memchr(text, '=', length) != NULL)
            in_list = strncmp(text, "wrapper=", 8) == 0;
        for (size_t at = strncmp(text, "wrapper=", 8) == 0 ? 8 : 0; in_list && at < length;) {
            size_t word = strcspn(text + at, "|,:\n");
            add_wrapper(wrappers, text + at, word);
            at += word + 1;
        }
        if (strncmp(text, "sock=", 5) != 0)
            add_wrapper(others, text, length);
        text += length + (text[length] != '\0');
    }
}

static void add_options(pair_vec *pairs, pid_t pid, const struct rec_options *options)
{
    struct prof_str wrappers = { 0 }, others = { 0 };
    for (size_t i = 0; options->wrappers != NULL && options->wrappers[i] != NULL; i++)
        add_wrapper(&wrappers, options->wrappers[i], strlen(options->wrappers[i]));
    /* Inside of a hooked function nothing is a site: its caller is. */
    for (uint32_t i = 0; options->hooks != NULL && i < options->hooks->rules; i++)
        add_wrapper(&wrappers, rec_hooks_function(options->hooks, i), strlen(rec_hooks_function(options->hooks, i)));
    if (options->hooks != NULL && options->hooks->adapters[0] != '\0')
        add_pair(pairs, "adapters", "%s", options->hooks->adapters);
    if (options->hooks != NULL && options->hooks->hidden[0] != '\0')
        add_pair(pairs, "hidden", "%s", options->hooks->hidden);
    char *text = track_options(pid);
    split_options(text != NULL ? text : options->text != NULL ? options->text : "", &wrappers, &others);
    free(text);
    if (wrappers.length > 0 && !wrappers.failed)
        add_pair(pairs, "wrapper", "%s", wrappers.text);
    if (others.length > 0 && !others.failed)
        add_pair(pairs, "options", "%s", others.text);
    prof_str_deinit(&wrappers);
    prof_str_deinit(&others);
}

void rec_facts_take(struct arena *arena)
{
    pair_vec pairs = { 0 };
    add_process(&pairs, arena->image_pid);
    add_options(&pairs, arena->image_pid, &arena->rec->options);
    arena->program = program_of(arena->image_pid, "unknown");
    arena->facts.items = pairs.items;
    arena->facts.count = pairs.count;
    arena->facts.room = pairs.room;
}

/* What the header says now: the program has added its own wishes. */
static void add_filter(pair_vec *pairs, struct proc *proc)
{
    struct prof_str str = { 0 };
    char text[TRK_FILTER_MAX];
    memcpy(text, proc->arena->h->filter, sizeof text);
    text[sizeof text - 1] = '\0';
    for (size_t at = 0; at < sizeof text && text[at] != '\0'; at += strlen(text + at) + 1)
        prof_str_addf(&str, "%s%s", at > 0 ? ":" : "", text + at);
    proc->filtered = str.length > 0;
    if (str.length > 0 && !str.failed)
        add_pair(pairs, "filter", "%s", str.text);
    prof_str_deinit(&str);
}

void rec_meta_filtered(struct proc *proc)
{
    const struct arena *arena = proc->arena;
    uint64_t count = 0;
    pair_vec pairs = { 0 };
    if (!proc->filtered || proc->writer == NULL)
        return;
    for (uint32_t i = 0; i < arena->ring_count; i++)
        if (arena->rings[i].proc == proc->index)
            count += __atomic_load_n(&arena->shm_rings[i].filtered, __ATOMIC_RELAXED);
    add_pair(&pairs, "filtered", "%" PRIu64, count);
    write_pairs(proc, &pairs);
}

void rec_meta_use(struct proc *proc)
{
    pair_vec pairs = { 0 };
    if (proc->writer == NULL || rec_is_flight(proc->arena))
        return;
    add_pair(&pairs, "ring_most", "%u", proc->use.most);
    add_pair(&pairs, "ring_waits", "%" PRIu64, proc->use.waits);
    if (proc->fold.count > 0 || proc->fold.failed > 0) {
        add_pair(&pairs, "fold_ring_most", "%u", proc->edge_use.most);
        add_pair(&pairs, "fold_ring_waits", "%" PRIu64, proc->edge_use.waits);
    }
    write_pairs(proc, &pairs);
}

void rec_meta_hooks(struct proc *proc)
{
    pair_vec pairs = { 0 };
    free(proc->result.hooks);
    proc->result.hooks = rec_hooks_text(proc);
    if (proc->writer == NULL)
        return;
    if (proc->result.hooks != NULL)
        add_pair(&pairs, "hooks", "%s", proc->result.hooks);
    if (proc->timed && !(proc->arena->shape.flags & TRK_SHM_EXACT_TIME))
        add_pair(&pairs, "clock", "hooked");
    if (pairs.count > 0)
        write_pairs(proc, &pairs);
}

static void add_memory(pair_vec *pairs, const struct rec_options *options)
{
    struct prof_str when = { 0 }, pointers = { 0 };
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = { { REC_LOOK_EXIT, "exit" }, { REC_LOOK_MARK, "mark" }, { REC_LOOK_SCOPE, "scope" } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (options->looks & words[i].bit)
            prof_str_addf(&when, "%s%s", when.length > 0 ? "," : "", words[i].word);
    const char *text = options->no_memory ? "never" : when.length > 0 && !when.failed ? when.text : "none";
    add_pair(pairs, "memory", "%s", text);
    for (unsigned i = 0; i < options->pointer_count; i++)
        prof_str_addf(&pointers, "%s%s", i > 0 ? " " : "", options->pointer_texts[i]);
    if (pointers.length > 0 && !pointers.failed)
        add_pair(pairs, "pointer", "%s", pointers.text);
    if (options->word_step != 0 && options->word_step != sizeof(uint64_t))
        add_pair(pairs, "word_step", "%u", options->word_step);
    prof_str_deinit(&when);
    prof_str_deinit(&pointers);
}

void rec_meta_look(struct proc *proc)
{
    const struct rec_options *options = &proc->arena->rec->options;
    pair_vec pairs = { 0 };
    if (proc->writer == NULL || options->no_memory)
        return;
    if ((options->looks & REC_LOOK_EXIT) && !proc->looked_at_exit && proc->exit_status < 0 &&
        proc->result.look_note == NULL)
        proc->result.look_note = strdup("the program ended without a moment to look at its memory");
    if (proc->result.look_note != NULL)
        add_pair(&pairs, "memory_note", "%s", proc->result.look_note);
    if (pairs.count > 0)
        write_pairs(proc, &pairs);
}

void rec_meta_write(struct proc *proc, const struct proc *parent)
{
    static const char *const on_full[] = { "block", "drop", "flight" };
    const struct arena *arena = proc->arena;
    const struct rec_options *options = &arena->rec->options;
    pair_vec pairs = { 0 };
    add_pair(&pairs, "program", "%s", proc->result.program);
    add_pair(&pairs, "pid", "%d", (int)proc->pid);
    add_pair(&pairs, "ppid", "%d", (int)proc->parent_pid);
    for (size_t i = 0; i < arena->facts.count; i++) {
        char *copy = strdup(arena->facts.items[i]);
        if (copy != NULL && !prof_vec_push(&pairs, copy))
            free(copy);
    }
    struct utsname uts;
    if (uname(&uts) == 0) {
        add_pair(&pairs, "host", "%s", uts.nodename);
        add_pair(&pairs, "kernel", "%s", uts.release);
    }
    add_pair(&pairs, "recorder", "%s", options->version != NULL ? options->version : "unknown");
    add_pair(&pairs, "depths", "%u,%u,%u", arena->shape.depth_birth, arena->shape.depth_ref, arena->shape.depth_free);
    add_pair(&pairs, "on_full", "%s", on_full[arena->shape.on_full % 3]);
    add_pair(&pairs, "budget", "%" PRIu64, arena->bytes);
    if (arena->cycles != NULL && arena->shape.flags & TRK_SHM_EXACT_TIME)
        add_pair(&pairs, "clock", "tsc");
    add_filter(&pairs, proc);
    if (arena->attached)
        add_pair(&pairs, "attached", "1");
    static const char *const keep[] = { "all", "folded", "window" };
    add_pair(&pairs, "keep", "%s", keep[options->keep]);
    if (options->keep == REC_KEEP_WINDOW && options->window_bytes != 0)
        add_pair(&pairs, "window", "%" PRIu64 " bytes", options->window_bytes);
    else if (options->keep == REC_KEEP_WINDOW)
        add_pair(&pairs, "window", "%" PRIu64 " us", options->window_us);
    add_memory(&pairs, options);
    if (options->max_trace != 0)
        add_pair(&pairs, "max_trace", "%" PRIu64, options->max_trace);
    if (parent != NULL && parent->result.path != NULL) {
        const char *slash = strrchr(parent->result.path, '/');
        add_pair(&pairs, "parent_trace", "%s", slash != NULL ? slash + 1 : parent->result.path);
        add_pair(&pairs, "fork_us", "%" PRIu64, proc->start_us);
    }
    write_pairs(proc, &pairs);
}

void rec_meta_malloc(struct proc *proc)
{
    const struct trk_shm_proc *shm = &proc->arena->procs[proc->index];
    uint32_t flags = __atomic_load_n(&shm->flags, __ATOMIC_RELAXED);
    uint32_t text_id = __atomic_load_n(&shm->malloc_text, __ATOMIC_ACQUIRE);
    uint32_t which = flags & (TRK_PROC_MALLOC_OURS | TRK_PROC_MALLOC_FOREIGN | TRK_PROC_MALLOC_NONE);
    if (which == proc->result.malloc_flags && text_id == proc->malloc_text)
        return;
    proc->result.malloc_flags = which;
    proc->malloc_text = text_id;
    uint32_t length;
    const char *text = rec_arena_text(proc->arena, text_id, TRK_TEXT_STRING, &length);
    pair_vec pairs = { 0 };
    add_pair(&pairs, "malloc", "%s",
             which & TRK_PROC_MALLOC_FOREIGN ? "foreign"
             : which & TRK_PROC_MALLOC_OURS  ? "recorded"
                                             : "off");
    free(proc->result.malloc_note);
    proc->result.malloc_note = text != NULL ? strndup(text, length) : NULL;
    if (proc->result.malloc_note != NULL)
        add_pair(&pairs, "malloc_note", "%s", proc->result.malloc_note);
    if (proc->writer != NULL)
        write_pairs(proc, &pairs);
    for (size_t i = 0; i < pairs.count; i++)
        free(pairs.items[i]);
    prof_vec_deinit(&pairs);
}
