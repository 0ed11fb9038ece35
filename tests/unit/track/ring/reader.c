/* reader.c: the recorder's side of the rings, compiled into the model. */
#include "private.h"

#include <string.h>

#include "shim.h"

#include "drain.c"

static struct recorder recorder;
static struct arena arena;
static struct ring rings[MODEL_RINGS];
static struct proc proc;

/* ---- The rest of the recorder ---- */

uint64_t rec_now_us(void)
{
    return model_time_us();
}
uint64_t rec_arena_us(const struct arena *a)
{
    (void)a;
    return 0;
}
struct cycles_point cycles_last(const struct cycles *c)
{
    (void)c;
    return (struct cycles_point){ 0, 0 };
}
uint64_t cycles_ns(const struct cycles *c, uint64_t cycles)
{
    (void)c;
    return cycles;
}
void rec_arena_read_cycles(struct arena *a)
{
    (void)a;
}
int rec_futex_wake(uint32_t *word)
{
    (void)word;
    return 0;
}
void rec_define_stack(struct proc *p, uint32_t id)
{
    (void)p;
    (void)id;
}
void rec_define_text(struct proc *p, uint64_t id)
{
    (void)p;
    (void)id;
}
void rec_define_type(struct proc *p, uint64_t id)
{
    (void)p;
    (void)id;
}
void rec_counted_note(struct proc *p, unsigned op, uint64_t addr, uint64_t arg, uint64_t old)
{
    (void)p;
    (void)op;
    (void)addr;
    (void)arg;
    (void)old;
}
void rec_gc_note(struct proc *p, unsigned command, uint64_t arg, uint64_t value)
{
    (void)p;
    (void)command;
    (void)arg;
    (void)value;
}

void rec_modules_write(struct proc *p, uint64_t text, uint32_t generation, uint64_t at_us)
{
    (void)p;
    (void)text;
    (void)generation;
    (void)at_us;
}
void rec_proc_problem(struct proc *p, struct prof_error *error)
{
    (void)p;
    (void)error;
}
void rec_fold_limits(struct arena *a)
{
    (void)a;
}

void rec_flight_take(struct proc *p, bool running)
{
    (void)p;
    (void)running;
}
bool rec_proc_alive(struct proc *p)
{
    (void)p;
    return true;
}
struct prof_error *prof_writer_events(struct prof_writer *w, const struct trk_events_head *head,
                                      const struct trk_slot *slots)
{
    (void)w;
    model_taken(head->ring, slots, head->slots);
    return NULL;
}
struct prof_error *prof_writer_flush(struct prof_writer *w)
{
    (void)w;
    return NULL;
}

/* ---- For the explorer ---- */

void model_reader_reset(void)
{
    struct model_shared *s = &model_shared;
    static struct arena *list[1] = { &arena };
    for (unsigned i = 0; i < MODEL_RINGS; i++)
        prof_vec_deinit(&rings[i].pending);
    memset(rings, 0, sizeof rings);
    memset(&recorder, 0, sizeof recorder);
    memset(&proc, 0, sizeof proc);
    memset(&arena, 0, sizeof arena);
    recorder.arenas.items = list;
    recorder.arenas.count = 1;
    arena.rec = &recorder;
    arena.base = (unsigned char *)s;
    arena.bytes = sizeof *s;
    arena.h = &s->hdr;
    arena.procs = s->procs;
    arena.shm_rings = s->rings;
    arena.ring_count = model_rings;
    arena.rings = rings;
    arena.proc[0] = &proc;
    arena.shape.on_full = TRK_FULL_BLOCK;
    proc.arena = &arena;
    proc.exit_status = -1;
    proc.writer = (struct prof_writer *)(void *)&proc; /* never looked into */
    for (unsigned i = 0; i < MODEL_RINGS; i++) {
        rings[i].data_off = s->rings[i].data_off;
        rings[i].log2_slots = s->rings[i].log2_slots;
        rings[i].proc = -1;
    }
}

void model_reader_look(void)
{
    rec_drain(&arena);
    rec_round(&recorder);
}

void model_reader_final(void)
{
    rec_drain_final(&arena, 0);
    rec_round_proc(&proc);
}

bool model_reader_stuck(void)
{
    for (unsigned i = 0; i < MODEL_RINGS; i++)
        if (rings[i].stuck_us != 0 && model_time_us() - rings[i].stuck_us < TRK_HOLE_WAIT_US)
            return true;
    return false;
}

uint64_t model_reader_hash(uint64_t h)
{
    for (unsigned i = 0; i < MODEL_RINGS; i++) {
        const struct ring *r = &rings[i];
        uint64_t stuck = r->stuck_us == 0 ? 0 : model_time_us() - r->stuck_us >= TRK_HOLE_WAIT_US ? 2 : 1;
        h = model_mix(model_mix(model_mix(h, r->tail), r->holes), stuck << 8 | (uint64_t)r->skipping << 4 | r->ext);
        h = model_mix(model_mix(h, r->published), r->pending.count);
        h = model_mix(h, r->stuck_end);
        h = model_mix(h, (uint64_t)r->proc);
    }
    return h;
}

uint64_t model_reader_holes(void)
{
    return rings[0].holes + rings[1].holes;
}

uint64_t model_reader_in_flight(void)
{
    return proc.in_flight;
}
