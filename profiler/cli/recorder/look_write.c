/* look_write.c: the words of a look on their way to the trace. They gather in memory while threads stand still, and are
 * packed and written when that is over, or when more came than may wait. Where the trace has a limit, a checkpoint is
 * written as a whole or not at all: events must not find their room taken. */
#include "look.h"

#include <stdlib.h>
#include <string.h>

/* Words of an area that wait. */
struct held {
    struct look_area area;
    size_t first, count;
    bool begun; /* the writer has the area already */
};
struct look_out {
    struct proc *proc;
    struct prof_writer *writer; /* of the process, when it began: the trace may end meanwhile */
    struct prof_memory_writer *to;
    size_t hold;
    PROF_VEC(struct held) areas;
    PROF_VEC(struct prof_memory_word) words;
    struct prof_error *error;
    bool failed;
};

enum { END_BYTES = 1024 /* what comes at the end of a trace */ };

/* How long may it be? The last look has what is left; others leave half of it to the events to come, and where a trace
 * is made shorter they stand in the file twice meanwhile, and twice in the one that it becomes. */
static uint64_t room_for(const struct proc *proc, enum trk_memory_why why)
{
    const struct rec_options *options = &proc->arena->rec->options;
    uint64_t taken = prof_writer_bytes(proc->writer) + prof_writer_gathered(proc->writer) + END_BYTES;
    uint64_t room = options->max_trace > taken ? options->max_trace - taken : 0;
    if (why == TRK_LOOK_EXIT)
        return room;
    if (options->keep != REC_KEEP_ALL && room > options->max_trace / 4)
        room = options->max_trace / 4;
    return room / 2;
}

struct look_out *look_out_create(struct proc *proc, const struct prof_memory *head, size_t hold)
{
    struct look_out *out = calloc(1, sizeof *out);
    if (out == NULL)
        return NULL;
    out->proc = proc;
    out->writer = proc->writer;
    out->hold = hold;
    out->error = prof_memory_writer_create(out->writer, head, &out->to);
    out->failed = out->error != NULL;
    if (!out->failed && proc->arena->rec->options.max_trace != 0)
        prof_memory_writer_limit(out->to, room_for(proc, head->why));
    return out;
}

static struct prof_error *write_held(struct look_out *out, struct held *held)
{
    struct prof_error *error = NULL;
    if (!held->begun) {
        struct prof_memory_area area = { .start = held->area.start,
                                         .size = held->area.end - held->area.start,
                                         .kind = held->area.kind,
                                         .tid = held->area.tid };
        error = prof_memory_writer_area(out->to, &area);
        held->begun = true;
    }
    if (error == NULL)
        error = prof_memory_writer_words(out->to, out->words.items + held->first, held->count);
    return error;
}

/* Writes what waits; the last area may go on. */
static bool spill(struct look_out *out)
{
    for (size_t i = 0; i < out->areas.count && !out->failed; i++) {
        if (out->proc->writer != out->writer)
            out->error = prof_error_create(PROF_ERROR_OS, "the trace ended meanwhile");
        else
            out->error = write_held(out, &out->areas.items[i]);
        out->failed = out->error != NULL;
    }
    if (out->areas.count > 0) {
        struct held last = out->areas.items[out->areas.count - 1];
        last.first = last.count = 0;
        out->areas.items[0] = last;
        out->areas.count = 1;
    }
    out->words.count = 0;
    return !out->failed;
}

bool look_out_area(struct look_out *out, const struct look_area *area)
{
    return !out->failed && prof_vec_push(&out->areas, (struct held){ .area = *area, .first = out->words.count });
}

struct prof_memory_word *look_out_room(struct look_out *out, size_t count)
{
    if (out->failed || (out->words.count + count > out->hold && !spill(out)) || !prof_vec_reserve(&out->words, count))
        return NULL;
    return out->words.items + out->words.count;
}

void look_out_take(struct look_out *out, size_t count)
{
    out->words.count += count;
    out->areas.items[out->areas.count - 1].count += count;
}

void look_out_counts(struct look_out *out, const struct look_counts *counts)
{
    if (!spill(out))
        return;
    out->error = prof_memory_writer_counts(out->to, counts->items, counts->count);
    out->failed = out->error != NULL;
}

struct prof_error *look_out_end(struct look_out *out, const struct prof_memory *head, bool good, bool *ret_too_large)
{
    struct prof_writer *writer = out->writer;
    bool here = out->proc->writer == writer;
    uint64_t before = here ? prof_writer_bytes(writer) + prof_writer_gathered(writer) : 0;
    good = good && !out->failed && spill(out) && out->proc->writer == out->writer;
    struct prof_error *error = out->error;
    if (out->to != NULL) {
        struct prof_error *end = prof_memory_writer_end(out->to, good ? head : NULL);
        error = error != NULL ? error : end;
    }
    if (here)
        out->proc->look_bytes += prof_writer_bytes(writer) + prof_writer_gathered(writer) - before;
    *ret_too_large = error != NULL && error->code == PROF_ERROR_ARGUMENT;
    prof_vec_deinit(&out->areas);
    prof_vec_deinit(&out->words);
    free(out);
    return error;
}
