/* look.c: when memory is looked at, on which rung, and what is answered.
 *
 * The cut: with all threads still, the rings are drained once more and the round is ended, so that the file has every
 * event from before the look in rounds up to the checkpoint's own, and everything later in later ones. Where a round
 * cannot be ended (a record in one ring is not whole yet) the checkpoint speaks of the round before: then more is
 * younger than the look, and is not judged by it.
 *
 * Without a stop, memory changes while it is read. A thread that waits at least stands still itself; else every window
 * is read twice, and what differs is left out. A pointer that goes from what was not read yet to what was is then seen
 * nowhere; so everything is gone through once more at the end, and when it does not say what it said before, the
 * checkpoint is called incomplete. */
#include "look.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <track/track.h>

#if defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
enum { MACHINE = EM_X86_64 };
#endif
enum {
    HOLD_WORDS = 2 << 20,   /* that wait in memory while threads stand still */
    WINDOW_BYTES = 4 << 20, /* read twice */
    AGAIN_US = 2000,        /* the second time not before */
    TEND_US = 20000,        /* others are looked after so often */
    MAPS_TEXT_MAX = 64 << 20,
    VECTOR_BYTES = 4096, /* of one thread: all but what computes with matrices */
};

struct look {
    struct proc *proc;
    struct look_waiter waiter;
    struct look_reader reader;
    struct look_maps maps;
    struct look_threads threads;
    struct look_areas areas;
    struct look_targets targets;
    struct prof_memory head;
    struct look_out *out;
    bool stopped;
    uint64_t begin_us, stop_us, pause_most_us; /* pause_most_us 0: as long as it takes */
    unsigned char *chunk;
    struct prof_memory_word *again; /* words of one chunk, the second time */
    struct look_counts counts, counts_again;
    bool no_memory;
    const char *why_not, *refused; /* the stop */
    uint64_t said;                 /* by all words, the first time */
    bool changed;                  /* meanwhile, as far as is known */
};

void rec_look_tend(struct recorder *rec)
{
    uint64_t now = rec_now_us();
    if (now - rec->tended_us < TEND_US)
        return;
    rec->tended_us = now;
    for (size_t a = 0; a < rec->arenas.count; a++) {
        struct arena *arena = rec->arenas.items[a];
        __atomic_store_n(&arena->h->tick_us, rec_arena_us(arena), __ATOMIC_RELAXED);
        __atomic_store_n(&arena->h->heartbeat, ++arena->heartbeat, __ATOMIC_RELEASE);
        rec_drain(arena);
    }
    if (rec->pending_slots >= REC_ROUND_SLOTS)
        rec_round(rec);
}

/* ---- The moment ---- */

/* Everything that is in the rings now goes to the files; returns the last round that is complete by that. */
static uint64_t cut(struct recorder *rec)
{
    for (size_t a = 0; a < rec->arenas.count; a++)
        rec_drain(rec->arenas.items[a]);
    uint64_t round = rec->round;
    rec_round(rec);
    return rec->round > round ? round : round - 1;
}

static void resume(struct look *look)
{
    if (!look->stopped)
        return;
    look->stopped = false;
    look->head.threads = (uint32_t)look->threads.items.count;
    /* What they do now is later than the look, also by the clock that they copy. */
    __atomic_store_n(&look->proc->arena->h->tick_us, rec_arena_us(look->proc->arena), __ATOMIC_RELAXED);
    look_resume(look->proc, &look->threads);
    look->head.pause_us = rec_now_us() - look->stop_us;
}

/* The threads go on before everything was read. */
static void give_up_stop(struct look *look)
{
    resume(look);
    look->why_not = "the stop took longer than --pause allows";
    look->head.rung = look->waiter.tp != 0 ? TRK_RUNG_WAITING : TRK_RUNG_CONFIRMED;
}

static bool read_maps(struct look *look, struct look_maps *ret)
{
    struct proc *proc = look->proc;
    PROF_VEC(char) text = { 0 };
    /* The descriptor from the start belongs to the memory that we record, whatever the process became. */
    int fd = proc->maps_fd >= 0 ? proc->maps_fd : rec_maps_fd(look->threads.items.items[0].tid);
    if (fd < 0)
        return false;
    (void)lseek(fd, 0, SEEK_SET);
    ssize_t n = 1;
    while (n > 0 && text.count < MAPS_TEXT_MAX && prof_vec_reserve(&text, 65536)) {
        n = read(fd, text.items + text.count, text.room - text.count - 1);
        text.count += n > 0 ? (size_t)n : 0;
    }
    if (fd != proc->maps_fd)
        close(fd);
    bool ok = text.count > 0;
    if (ok) {
        text.items[text.count] = '\0';
        ok = look_maps_parse(text.items, ret) && ret->items.count > 0;
    }
    prof_vec_deinit(&text);
    return ok;
}

/* An address that can be read, if anything can. */
static uint64_t probe_of(const struct look_maps *maps)
{
    for (size_t i = 0; i < maps->items.count; i++)
        if (maps->items.items[i].read && maps->items.items[i].write && !maps->items.items[i].shared)
            return maps->items.items[i].start;
    return 0;
}

/* ---- Reading ---- */

static size_t word_step(const struct look *look)
{
    return look->targets.options->word_step != 0 ? look->targets.options->word_step : sizeof(uint64_t);
}

/* What is read, and a second time, before the next: up to 4 MiB and, unless it is the last one of its range, the bytes
 * behind it into which its last words may reach. */
struct window {
    uint64_t start, end;
    bool last;
};

/* Scans up to a chunk of the window from `at`; returns how far the next one is. *ret_words: how many came to `to`. */
static size_t scan_chunk(struct look *look, const struct window *window, uint64_t at, struct prof_memory_word *to,
                         size_t *ret_words, struct look_counts *counts)
{
    uint64_t end = window->end;
    size_t want = end - at < LOOK_CHUNK ? (size_t)(end - at) : LOOK_CHUNK;
    size_t got = look_read(&look->reader, at, look->chunk, want);
    bool last = got < want || (window->last && at + got == end);
    *ret_words = got > 0 ? look_scan(&look->targets, look->chunk, got, at, last, to) : 0;
    if (got == 0) { /* over the page that cannot be read */
        size_t page = LOOK_PAGE - (at & (LOOK_PAGE - 1));
        look->reader.unread_bytes += page < want ? page : want;
        return page < want ? page : want;
    }
    look->reader.read_bytes += got;
    look->no_memory |= !look_counts_read(look->proc, look->chunk, got, at, counts);
    /* A word that begins in this chunk and ends in the next is looked at there. */
    size_t overlap = sizeof(uint64_t) - word_step(look);
    return got == want && at + got < end && got > overlap ? got - overlap : got;
}

static bool is_before(const struct prof_memory_word *a, const struct prof_memory_word *b)
{
    return a->at < b->at || (a->at == b->at && a->how < b->how);
}

/* Keeps of the words of a chunk those that stand there again. */
static size_t agree(struct prof_memory_word *words, size_t count, const struct prof_memory_word *again,
                    size_t again_count)
{
    size_t kept = 0;
    for (size_t i = 0, j = 0; i < count; i++) {
        while (j < again_count && is_before(&again[j], &words[i]))
            j++;
        if (j < again_count && again[j].at == words[i].at && again[j].value == words[i].value &&
            again[j].how == words[i].how)
            words[kept++] = words[i];
    }
    return kept;
}

/* Reads what was found in the window a second time. */
static size_t confirm(struct look *look, const struct window *window, struct prof_memory_word *words, size_t count)
{
    size_t kept = 0, from = 0, found = 0;
    for (uint64_t at = window->start; at < window->end;) {
        size_t again, to = from;
        uint64_t next = at + scan_chunk(look, window, at, look->again, &again, &look->counts_again);
        while (to < count && words[to].at < next)
            to++;
        size_t here = agree(words + from, to - from, look->again, again);
        memmove(words + kept, words + from, here * sizeof *words);
        kept += here;
        found += again;
        from = to;
        at = next;
    }
    look->changed |= kept != count || found != count;
    return kept;
}

/* Words in their order, as a number. */
static uint64_t stir(uint64_t said, const struct prof_memory_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        said = (said ^ words[i].at ^ (uint64_t)words[i].how << 56) * 0x9e3779b97f4a7c15u;
        said = ((said >> 32 | said << 32) ^ words[i].value) * 0xff51afd7ed558ccdu;
    }
    return said;
}

/* Reads a window into the last area. */
static bool read_window(struct look *look, const struct window *window)
{
    uint64_t begin = rec_now_us();
    struct prof_memory_word *words =
        look_out_room(look->out, look_scan_most(look->targets.options, window->end - window->start));
    size_t count = 0, first = look->counts.count;
    if (words == NULL)
        return false;
    for (uint64_t at = window->start; at < window->end;) {
        size_t here, done = scan_chunk(look, window, at, words + count, &here, &look->counts);
        if (look->reader.gone)
            return false;
        count += here;
        at += done;
    }
    look->said = stir(look->said, words, count);
    if (!look->stopped && look->head.rung == TRK_RUNG_CONFIRMED && (count > 0 || look->counts.count > first)) {
        uint64_t passed = rec_now_us() - begin;
        if (passed < AGAIN_US)
            usleep((useconds_t)(AGAIN_US - passed));
        look->counts_again.count = 0;
        count = confirm(look, window, words, count);
        look_counts_agree(&look->counts, first, &look->counts_again);
    }
    look_out_take(look->out, count);
    return !look->reader.gone && !look->no_memory;
}

static void tend(struct look *look)
{
    uint64_t now = rec_now_us();
    if (look->stopped && look->pause_most_us != 0 && now - look->stop_us > look->pause_most_us)
        give_up_stop(look);
    rec_look_tend(look->proc->arena->rec);
}

static bool read_area(struct look *look, const struct look_area *area)
{
    struct look_range range;
    uint64_t size = WINDOW_BYTES * word_step(look) / sizeof(uint64_t);
    if (!look_out_area(look->out, area))
        return false;
    for (uint64_t at = area->start; look_next_resident(&look->reader, at, area->end, &range); at = range.end)
        for (uint64_t from = range.start; from < range.end; from += size) {
            struct window window = { from, range.end, true };
            /* Words do not stand across windows, unless they may stand anywhere. */
            if (range.end - from > size)
                window = (struct window){ from, from + size + sizeof(uint64_t) - word_step(look), false };
            if (!read_window(look, &window))
                return false;
            tend(look);
        }
    return true;
}

/* A thread that waits in its call stored its registers on its stack; what is in them now is libtrack's. Its thread
 * pointer stays: it says where its variables are. */
static bool write_registers(struct look *look)
{
    for (size_t i = 0; i < look->threads.items.count; i++) {
        const struct look_thread *thread = &look->threads.items.items[i];
        bool waits = look->waiter.tp != 0 && thread->tp == look->waiter.tp;
        size_t bytes = waits ? 0 : thread->register_count * sizeof thread->registers[0];
        if (bytes == 0 && thread->tp == 0)
            continue;
        unsigned char vectors[VECTOR_BYTES];
        size_t wide = bytes != 0 ? look_vectors(thread, vectors, sizeof vectors) : 0;
        struct look_area area = { .end = TRK_REGISTERS_VECTOR + wide,
                                  .kind = TRK_AREA_REGISTERS,
                                  .tid = (uint32_t)thread->tid };
        struct prof_memory_word *words;
        size_t most = look_scan_most(look->targets.options, bytes) + look_scan_most(look->targets.options, wide) + 1;
        if (!look_out_area(look->out, &area) || (words = look_out_room(look->out, most)) == NULL)
            return false;
        size_t count = look_scan(&look->targets, (const unsigned char *)thread->registers, bytes, 0, true, words);
        if (thread->tp != 0)
            words[count++] = (struct prof_memory_word){ .at = TRK_REGISTERS_THREAD, .value = thread->tp };
        count += look_scan(&look->targets, vectors, wide, TRK_REGISTERS_VECTOR, true, words + count);
        look_out_take(look->out, count);
    }
    return true;
}

static bool read_all(struct look *look)
{
    bool ok = write_registers(look);
    for (size_t i = 0; i < look->areas.items.count && ok; i++)
        ok = read_area(look, &look->areas.items.items[i]);
    return ok;
}

/* ---- Does it still say the same? ---- */

static bool same_maps(struct look *look)
{
    struct look_maps now = { 0 };
    bool same = read_maps(look, &now) && now.items.count == look->maps.items.count;
    for (size_t i = 0; same && i < now.items.count; i++) {
        const struct look_map *a = &look->maps.items.items[i], *b = &now.items.items[i];
        same = a->start == b->start && a->end == b->end && a->read == b->read && a->write == b->write;
    }
    look_maps_deinit(&now);
    return same;
}

/* What all areas say now, as read_window gathered it. */
static uint64_t said_now(struct look *look)
{
    struct look_range range;
    uint64_t said = 0;
    for (size_t i = 0; i < look->areas.items.count; i++) {
        const struct look_area *area = &look->areas.items.items[i];
        for (uint64_t at = area->start; look_next_resident(&look->reader, at, area->end, &range); at = range.end) {
            struct window all = { range.start, range.end, true };
            for (uint64_t from = all.start; from < all.end && !look->reader.gone;) {
                size_t count;
                from += scan_chunk(look, &all, from, look->again, &count, &look->counts_again);
                said = stir(said, look->again, count);
                look->counts_again.count = 0;
                rec_look_tend(look->proc->arena->rec);
            }
        }
    }
    return said;
}

/* Only where something could change: threads ran. A program that ended meanwhile says nothing more, and so nothing
 * else. */
static void look_again(struct look *look)
{
    uint64_t read_bytes = look->reader.read_bytes, unread_bytes = look->reader.unread_bytes;
    if (look->stopped || look->head.rung == TRK_RUNG_STOPPED || look->head.single || look->changed)
        return;
    look->reader.known = 0; /* pages may have come */
    look->changed = !same_maps(look) || said_now(look) != look->said || look->reader.gone;
    look->reader.read_bytes = read_bytes;
    look->reader.unread_bytes = unread_bytes;
}

/* ---- The ladder ---- */

/* Threads stand still, or it is known why not and on which rung to go on. false: no rung is left. */
static bool choose_rung(struct look *look)
{
    struct proc *proc = look->proc;
    uint32_t machine = proc->arena->shape.machine;
    if (machine != 0 && machine != MACHINE) {
        look->why_not = "the program runs under an emulator";
        return false;
    }
    look->stop_us = rec_now_us();
    look->stopped = look_stop(proc, &look->threads);
    look->why_not = look->refused = look->threads.refused;
    if (!look->stopped && (!rec_proc_alive(proc) || !look_list(proc, &look->threads))) {
        look->why_not = "the program was gone";
        return false;
    }
    look->head.threads = (uint32_t)look->threads.items.count;
    if (look->stopped)
        look->head.rung = TRK_RUNG_STOPPED;
    else
        look->head.rung = look->waiter.tp != 0 ? TRK_RUNG_WAITING : TRK_RUNG_CONFIRMED;
    look->head.single = look->head.rung == TRK_RUNG_WAITING && look->threads.items.count == 1;
    if (!read_maps(look, &look->maps)) {
        look->why_not = "the program was gone, or what it has mapped may not be seen";
        return false;
    }
    if (!look_reader_open(&look->reader, proc, look->threads.items.items[0].tid, probe_of(&look->maps))) {
        look->why_not = "the system does not allow to read it";
        return false;
    }
    return true;
}

static bool run(struct look *look)
{
    struct proc *proc = look->proc;
    struct recorder *rec = proc->arena->rec;
    if (!choose_rung(look))
        return false;
    look->head.round = cut(rec);
    /* What a flight recording holds is written at the end, and all of it is older than its exit. */
    if (rec_is_flight(proc->arena))
        look->head.round = UINT64_MAX;
    look->head.at_us = rec_arena_us(proc->arena);
    if (proc->writer == NULL) {
        look->why_not = "the trace ended";
        return false;
    }
    look->why_not = "there is not enough memory for it";
    if (!look_areas_make(&look->reader, &look->maps, &look->threads, &look->waiter, &look->areas) ||
        !look_targets_make(&look->areas, &look->maps, proc, &look->targets))
        return false;
    look->head.threads_unread = look->areas.threads_unread;
    look->out = look_out_create(proc, &look->head, HOLD_WORDS);
    look->chunk = malloc(LOOK_CHUNK);
    look->again = calloc(look_scan_most(look->targets.options, LOOK_CHUNK), sizeof *look->again);
    if (look->out == NULL || look->chunk == NULL || look->again == NULL)
        return false;
    look->why_not = look->refused;
    bool ok = read_all(look);
    if (ok)
        look_again(look);
    if (!ok && look->no_memory)
        look->why_not = "there is not enough memory for it";
    else if (!ok && look->reader.gone)
        look->why_not = "the program ended, or did not wait any longer";
    return ok;
}

/* Returns whether the trace has it. */
static bool finish(struct look *look, bool good)
{
    struct proc *proc = look->proc;
    struct rec_result *result = &proc->result;
    resume(look);
    look->head.read_bytes = look->reader.read_bytes;
    look->head.unread_bytes = look->reader.unread_bytes;
    look->head.cut = look->reader.unread_bytes > 0 || look->changed;
    look->head.took_us = rec_now_us() - look->begin_us;
    struct prof_error *error = NULL;
    bool too_large = false;
    if (good && look->counts.count > 0) {
        look_counts_sort(&look->counts, 0);
        look_out_counts(look->out, &look->counts);
    }
    if (look->out != NULL)
        error = look_out_end(look->out, &look->head, good, &too_large);
    good = good && error == NULL;
    if (too_large) {
        look->why_not = "what was read does not fit into --max-trace";
        prof_error_destroy(error);
    } else {
        rec_proc_problem(proc, error);
    }
    if (good) {
        result->looks++;
        result->look_rung = look->head.rung;
        result->look_single = look->head.single;
        result->look_pause_us = look->head.pause_us;
        result->look_took_us = rec_now_us() - look->begin_us;
        result->look_bytes = look->head.read_bytes;
        proc->looked_at_exit |= look->head.why == TRK_LOOK_EXIT;
    }
    result->look_failed = !good;
    free(result->look_note);
    result->look_note =
        look->why_not != NULL && (!good || look->head.rung != TRK_RUNG_STOPPED) ? strdup(look->why_not) : NULL;
    proc->data_since_flush = true;
    look_reader_close(&look->reader);
    look_maps_deinit(&look->maps);
    look_areas_deinit(&look->areas);
    look_targets_deinit(&look->targets);
    prof_vec_deinit(&look->threads.items);
    prof_vec_deinit(&look->counts);
    prof_vec_deinit(&look->counts_again);
    free(look->chunk);
    free(look->again);
    return good;
}

/* A round that waits for a record in the middle of a ring ends soon; a look begins behind it. */
static void wait_for_rounds(struct recorder *rec, uint64_t most_us)
{
    uint64_t end = rec_now_us() + most_us, round = rec->round;
    for (;;) {
        (void)cut(rec);
        if (rec->round > round || rec_now_us() >= end)
            return;
        usleep(1000);
        rec_look_tend(rec);
    }
}

/* Takes one; wanted: by a thread that waits, 0: nobody does. */
static bool look_now(struct proc *proc, enum trk_memory_why why, const char *name, const struct look_waiter *waiter,
                     uint32_t wanted, uint32_t tid)
{
    if (proc->writer == NULL || proc->dead || proc->exec_seen)
        return false;
    struct look look = { .proc = proc, .waiter = *waiter, .begin_us = rec_now_us() };
    look.reader.mem_fd = look.reader.pagemap_fd = -1;
    look.reader.wanted = wanted;
    look.reader.tid = tid;
    look.head = (struct prof_memory){ .number = ++proc->looks, .why = why, .name = name };
    look.pause_most_us = why == TRK_LOOK_EXIT ? 0 : proc->arena->rec->options.pause_us;
    /* At the exit it may be a record that a handler interrupted and ended the program: that would become a loss. */
    wait_for_rounds(proc->arena->rec, why == TRK_LOOK_EXIT ? TRK_HOLE_WAIT_US / 8 : 2 * TRK_HOLE_WAIT_US);
    return finish(&look, run(&look));
}

void rec_look_settle(struct recorder *rec)
{
    wait_for_rounds(rec, 2 * TRK_HOLE_WAIT_US);
}

bool rec_look(struct proc *proc, enum trk_memory_why why, const char *name)
{
    if (proc->arena->rec->options.no_memory)
        return false;
    return look_now(proc, why, name, &(struct look_waiter){ 0 }, 0, 0);
}

void rec_look_last(struct arena *arena)
{
    if (!(arena->rec->options.looks & REC_LOOK_EXIT))
        return;
    for (int i = 0; i < TRK_PROC_MAX; i++)
        if (arena->proc[i] != NULL && !arena->proc[i]->ending && rec_proc_alive(arena->proc[i]))
            (void)rec_look(arena->proc[i], TRK_LOOK_REQUEST, "");
}

/* ---- Threads that ask ---- */

static int answer(struct proc *proc, struct trk_shm_look *shm, uint32_t wanted)
{
    if (proc->arena->rec->options.no_memory)
        return TRK_NO;
    struct look_waiter waiter = { .sp = __atomic_load_n(&shm->sp, __ATOMIC_RELAXED),
                                  .tp = __atomic_load_n(&shm->tp, __ATOMIC_RELAXED),
                                  .tid = __atomic_load_n(&shm->tid, __ATOMIC_RELAXED) };
    uint32_t why = __atomic_load_n(&shm->why, __ATOMIC_RELAXED), length;
    const char *text =
        rec_arena_text(proc->arena, __atomic_load_n(&shm->text, __ATOMIC_RELAXED), TRK_TEXT_STRING, &length);
    char *name = text != NULL ? strndup(text, length < UINT16_MAX / 2 ? length : UINT16_MAX / 2) : strdup("");
    if (name == NULL)
        return TRK_UNKNOWN;
    why = why >= TRK_LOOK_EXIT && why <= TRK_LOOK_GC ? why : TRK_LOOK_CALL;
    bool looked = look_now(proc, (enum trk_memory_why)why, name, &waiter, wanted, waiter.tid);
    free(name);
    return looked ? TRK_YES : TRK_UNKNOWN;
}

void rec_look_answer(struct proc *proc, int said, const struct question_answer *told)
{
    struct trk_shm_look *shm = &proc->arena->procs[proc->index].look;
    for (size_t i = 0; i < sizeof shm->numbers / sizeof shm->numbers[0]; i++)
        __atomic_store_n(&shm->numbers[i], told != NULL ? told->numbers[i] : 0, __ATOMIC_RELAXED);
    __atomic_store_n(&shm->told, told != NULL ? proc->looks_answered : 0, __ATOMIC_RELAXED);
    __atomic_store_n(&shm->answer, said, __ATOMIC_RELAXED);
    /* Partner: wait_answer of libtrack. */
    __atomic_store_n(&shm->answered, proc->looks_answered, __ATOMIC_RELEASE);
    __atomic_store_n(&shm->read, UINT32_MAX, __ATOMIC_RELEASE);
    rec_futex_wake(&shm->read);
    rec_futex_wake(&shm->answered);
}

void rec_look_asked(struct proc *proc)
{
    struct trk_shm_look *shm = &proc->arena->procs[proc->index].look;
    uint32_t wanted = __atomic_load_n(&shm->wanted, __ATOMIC_ACQUIRE); /* partner: ask() of libtrack */
    if (wanted == proc->looks_answered) {
        rec_question_look(proc);
        return;
    }
    if (__atomic_load_n(&shm->question, __ATOMIC_RELAXED) != TRK_ASK_MORE)
        rec_question_forget(proc); /* whoever waited for it gave up */
    proc->looks_answered = wanted;
    proc->ending |= __atomic_load_n(&shm->why, __ATOMIC_RELAXED) == TRK_LOOK_EXIT;
    __atomic_store_n(&shm->working, wanted, __ATOMIC_RELEASE);
    uint32_t question = __atomic_load_n(&shm->question, __ATOMIC_RELAXED);
    const uint64_t arg[2] = { __atomic_load_n(&shm->arg[0], __ATOMIC_RELAXED),
                              __atomic_load_n(&shm->arg[1], __ATOMIC_RELAXED) };
    __atomic_store_n(&shm->list_words, 0, __ATOMIC_RELAXED);
    int said = __atomic_load_n(&shm->why, __ATOMIC_RELAXED) == TRK_LOOK_NONE ? TRK_YES : answer(proc, shm, wanted);
    /* Passes over generations do without memory. */
    bool goes_on = said == TRK_YES || question == TRK_ASK_GC_COLLECT;
    if (!goes_on || question == TRK_ASK_NOTHING || !rec_question_begin(proc, question, arg))
        rec_look_answer(proc, question >= TRK_ASK_GC ? TRK_UNKNOWN : said, NULL);
}
