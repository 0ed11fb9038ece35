/* explore.c: visits all states of one scenario, depth first, each branch run again from the start; checks what was
 * taken against what was issued. Usage: NAME SCENARIO... ; with --broken the code is known to be wrong and one of the
 * scenarios must show it. */
#include "model.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct model_shared model_shared __attribute__((aligned(4096)));
uint32_t model_log2, model_rings, model_on_full;

/* Where the reader's steps may fall: between any two accesses, where the program looks at the ring's header (which is
 * all that matters once the order of slots is known to be right), or whole looks between two events. */
enum where { ANYWHERE, AT_HEADER, BETWEEN };

/* A scenario: the program records `events` one after the other; meanwhile signals arrive. */
static const struct scenario {
    const char *name;
    uint32_t log2, rings, on_full;
    unsigned events, signals, nesting; /* handlers record one event each */
    unsigned jumps, kills;
    unsigned exts; /* of every second event */
    bool slow;     /* nobody takes the shortest path */
    enum where where;
    unsigned pace; /* BETWEEN: events from look to look */
} scenarios[] = {
    { "short-drop", 3, 1, TRK_FULL_DROP, 5, 0, 0, 0, 0, 1, false, ANYWHERE, 0 },
    { "short-laps", 3, 1, TRK_FULL_DROP, 8, 0, 0, 0, 0, 0, false, AT_HEADER, 0 },
    { "short-block", 3, 1, TRK_FULL_BLOCK, 5, 0, 0, 0, 0, 1, false, AT_HEADER, 0 },
    { "short-kill", 3, 1, TRK_FULL_DROP, 3, 0, 0, 0, 1, 2, false, ANYWHERE, 0 },
    { "short-signal", 4, 1, TRK_FULL_DROP, 3, 1, 1, 0, 0, 0, false, ANYWHERE, 0 },
    { "short-jump", 5, 1, TRK_FULL_DROP, 44, 1, 1, 1, 0, 0, false, BETWEEN, 3 },
    { "short-move", 5, 2, TRK_FULL_BLOCK, 44, 1, 1, 1, 0, 0, false, BETWEEN, 3 },
    { "short-nest", 3, 1, TRK_FULL_DROP, 7, 2, 2, 0, 0, 0, false, BETWEEN, 8 },
    { "short-flight", 3, 1, TRK_FULL_FLIGHT, 10, 1, 1, 0, 1, 1, false, BETWEEN, 3 },
    { "long-race", 4, 1, TRK_FULL_DROP, 8, 1, 1, 1, 0, 0, false, AT_HEADER, 0 },
    { "long-drop", 3, 1, TRK_FULL_DROP, 5, 0, 0, 0, 1, 1, false, ANYWHERE, 0 },
    { "long-laps", 3, 1, TRK_FULL_DROP, 7, 0, 0, 0, 0, 0, false, ANYWHERE, 0 },
    { "long-block", 3, 1, TRK_FULL_BLOCK, 5, 0, 0, 0, 1, 1, false, AT_HEADER, 0 },
    { "long-signal", 4, 1, TRK_FULL_DROP, 3, 1, 1, 0, 1, 1, false, ANYWHERE, 0 },
    { "long-jump", 5, 1, TRK_FULL_DROP, 60, 1, 1, 1, 0, 0, false, BETWEEN, 3 },
    { "long-move", 5, 2, TRK_FULL_BLOCK, 60, 1, 1, 1, 0, 0, false, BETWEEN, 3 },
    { "long-nest", 4, 1, TRK_FULL_BLOCK, 12, 2, 2, 0, 1, 0, false, BETWEEN, 3 },
    { "long-flight", 4, 1, TRK_FULL_FLIGHT, 20, 1, 1, 0, 1, 1, false, BETWEEN, 3 },
};

enum { PATH_MAX_STEPS = 4096, READER_STACK = 256 << 10, STATES_LIMIT = 40000000 };
enum action { GO_ON, READ, PASS_TIME, SIGNAL, JUMP, KILL };
enum fate { UNBORN, ACTIVE, RETURNED, LEFT };

struct event {
    uint8_t fate, exts, taken, ring;
    uint8_t begun, returned, at; /* moments, and the place among what was taken */
};

/* The state beside the code's own. */
static struct {
    bool on, in_reader, dead, look_open;
    unsigned depth, next, signals, jumps, kills, moment, taken;
    uint64_t time, reader_trace, frames_made;
    struct {
        uint64_t id, trace;
        unsigned event;
    } frames[MODEL_DEPTH + 1];
    struct event events[MODEL_EVENTS_MAX + 1]; /* by number, from 1 */
    uint64_t told;                             /* drops told in band */
} m;

static const struct scenario *now;
static bool broken, loud;
static struct {
    uint8_t choice, count;
} path[PATH_MAX_STEPS];
static unsigned path_steps, path_at;
static uint64_t *visited, visited_room, visited_count, runs;
static jmp_buf program;
static ucontext_t main_context, reader_context;
static jmp_buf main_place, reader_place; /* after the first switch: no system calls */
static bool reader_begun;
static char reader_stack[READER_STACK] __attribute__((aligned(64)));

void model_violation(const char *what)
{
    printf("%s: %s, after %llu states\n", now->name, what, (unsigned long long)visited_count);
    if (broken || loud)
        exit(broken ? 0 : 1);
    loud = true;
    path_steps = path_at; /* once more, and say what happens */
    longjmp(program, 3);
}

static void say(const char *what, const volatile void *p, uint64_t value)
{
    if (!loud)
        return;
    printf("%*s%s", m.in_reader ? 60 : (int)(m.depth * 4), "", what);
    for (unsigned i = 0; p != NULL && i < MODEL_RINGS; i++) {
        size_t at = (size_t)((const volatile char *)p - (const volatile char *)model_shared.slots[i]);
        if (at < sizeof model_shared.slots[i])
            printf(" ring %u slot %zu w%zu", i, at / 16, at / 8 % 2);
        at = (size_t)((const volatile char *)p - (const volatile char *)&model_shared.rings[i]);
        if (at < sizeof model_shared.rings[i])
            printf(" ring %u +%zu", i, at);
    }
    if (p != NULL && model_producer_has(p))
        printf(" state +%zu", (size_t)((uintptr_t)p & 4095));
    printf(" %llx\n", (unsigned long long)value);
}

/* ---- Choices ---- */

/* True when it was not there. */
static bool visit(uint64_t hash)
{
    if (visited_count * 2 >= visited_room) {
        uint64_t *old = visited, old_room = visited_room;
        visited_room = old_room ? old_room * 2 : 1 << 16;
        visited = calloc(visited_room, sizeof *visited);
        if (visited == NULL || visited_count > STATES_LIMIT) {
            printf("%s: too many states\n", now->name);
            exit(2);
        }
        for (uint64_t i = 0; i < old_room; i++) {
            uint64_t k = old[i] & (visited_room - 1);
            while (old[i] != 0 && visited[k] != 0)
                k = (k + 1) & (visited_room - 1);
            if (old[i] != 0)
                visited[k] = old[i];
        }
        free(old);
    }
    hash += hash == 0;
    uint64_t k = hash & (visited_room - 1);
    for (; visited[k] != 0; k = (k + 1) & (visited_room - 1))
        if (visited[k] == hash)
            return false;
    visited[k] = hash;
    visited_count++;
    return true;
}

static uint64_t hash_state(const volatile void *p)
{
    uint64_t h = (uint64_t)((const volatile char *)p - (const volatile char *)&model_shared);
    h = model_mix_bytes(h, model_shared.rings, sizeof model_shared.rings + sizeof model_shared.slots);
    h = model_mix_bytes(h, model_shared.procs, sizeof model_shared.procs[0]);
    h = model_reader_hash(model_producer_hash(h));
    for (unsigned i = 1; i <= m.depth; i++)
        h = model_mix(model_mix(h, m.frames[i].trace), m.frames[i].event);
    h = model_mix(h, m.look_open ? m.reader_trace : 1);
    h = model_mix(h, m.depth | m.next << 8 | m.signals << 16 | m.jumps << 24);
    h = model_mix(h, m.kills | (unsigned)m.dead << 8 | m.taken << 16);
    h = model_mix(h, m.told);
    return model_mix_bytes(h, m.events, sizeof m.events / 8 * 8);
}

/* Prunes by leaving the whole run. */
static unsigned choose(unsigned count, const volatile void *p)
{
    if (count < 2)
        return 0;
    if (path_at == path_steps) {
        if (!visit(hash_state(p)))
            longjmp(program, 3);
        if (path_steps == PATH_MAX_STEPS)
            exit(2);
        path[path_steps].choice = 0;
        path[path_steps++].count = (uint8_t)count;
    }
    return path[path_at++].choice;
}

/* ---- The reader runs beside ---- */

static void to_main(void)
{
    if (_setjmp(reader_place) == 0)
        _longjmp(main_place, 1);
}

static void reader_main(void)
{
    for (;;) {
        model_reader_look();
        m.look_open = false;
        to_main();
    }
}

static void reader_step(void)
{
    if (!m.look_open) {
        m.look_open = true;
        m.reader_trace = 2;
    }
    m.in_reader = true;
    if (_setjmp(main_place) == 0) {
        if (reader_begun)
            _longjmp(reader_place, 1);
        reader_begun = true;
        swapcontext(&main_context, &reader_context);
    }
    m.in_reader = false;
}

/* ---- Points ---- */

static bool is_shared(const volatile void *p)
{
    return (uintptr_t)p - (uintptr_t)model_shared.rings < sizeof model_shared.rings + sizeof model_shared.slots;
}

static bool in_header(const volatile void *p)
{
    return (uintptr_t)p - (uintptr_t)model_shared.rings < sizeof model_shared.rings;
}

static void run_event(bool fast);

static void happen(enum action action)
{
    static const char *const names[] = { "", "reader", "time passes", "signal", "jump", "kill" };
    if (action != READ)
        say(names[action], NULL, 0);
    switch (action) {
    case READ:
        reader_step();
        break;
    case PASS_TIME:
        m.time += TRK_HOLE_WAIT_US;
        break;
    case SIGNAL:
        m.signals--;
        run_event(!now->slow && (m.signals % 2 == 0 || now->nesting > 1));
        break;
    case JUMP:
        m.jumps--;
        longjmp(program, 1);
    case KILL:
        m.kills--;
        longjmp(program, 2);
    default:
        break;
    }
}

static void between(const volatile void *p, bool shared, bool handler_may_jump)
{
    bool reader = shared && (now->where == ANYWHERE || (now->where == AT_HEADER && in_header(p)));
    for (;;) {
        enum action actions[6] = { GO_ON };
        unsigned count = 1;
        if (reader)
            actions[count++] = READ;
        if (reader && !m.look_open && model_reader_stuck())
            actions[count++] = PASS_TIME;
        if (m.signals > 0 && m.depth > 0 && m.depth <= now->nesting && m.next <= MODEL_EVENTS_MAX)
            actions[count++] = SIGNAL;
        if (m.jumps > 0 && (m.depth > 1 || handler_may_jump))
            actions[count++] = JUMP;
        if (m.kills > 0)
            actions[count++] = KILL;
        enum action action = actions[choose(count, p)];
        if (action == GO_ON)
            return;
        happen(action);
    }
}

void model_point(const volatile void *p)
{
    bool shared = is_shared(p);
    if (!m.on || (!shared && !model_producer_has(p)))
        return;
    if (m.in_reader) {
        to_main();
        say("at", p, 0);
        m.reader_trace = model_mix(m.reader_trace, (uint64_t)((const volatile char *)p - (char *)&model_shared));
        return;
    }
    between(p, shared, false);
    say("at", p, 0);
    uint64_t *trace = &m.frames[m.depth].trace;
    *trace = model_mix(*trace, (uint64_t)(uintptr_t)p);
    if (now->signals > 0) /* what is read besides, and a handler may have changed */
        *trace = model_producer_hash(*trace);
}

void model_saw(uint64_t value)
{
    say("saw", NULL, value);
    if (m.on && m.in_reader)
        m.reader_trace = model_mix(m.reader_trace, value);
    else if (m.on)
        m.frames[m.depth].trace = model_mix(m.frames[m.depth].trace, value);
}

/* ---- What is issued ---- */

static uint64_t arg_of(unsigned number)
{
    return 1000 + number * 7;
}

static void run_event(bool fast)
{
    unsigned number = m.next++;
    struct event *e = &m.events[number];
    unsigned depth = ++m.depth;
    e->exts = number % 2 == 0 ? (uint8_t)now->exts : 0;
    e->fate = ACTIVE;
    e->begun = (uint8_t)++m.moment;
    m.frames[depth].id = ++m.frames_made;
    m.frames[depth].trace = fast;
    m.frames[depth].event = number;
    model_producer_emit(number, arg_of(number), fast && e->exts == 0, e->exts);
    e->fate = RETURNED;
    e->returned = (uint8_t)++m.moment;
    m.depth--;
    if (m.depth > 0) /* a handler may leave by a jump now */
        between(&m.frames[0], false, true);
}

bool model_frame_alive(uint64_t id)
{
    for (unsigned i = 1; i <= m.depth; i++)
        if (m.frames[i].id == id)
            return true;
    return false;
}

uint64_t model_frame(void)
{
    return m.frames[m.depth].id;
}

uint64_t model_time_us(void)
{
    return m.time;
}

void model_reserved(uint32_t ring, uint64_t pos, uint64_t n)
{
    uint64_t slots = (uint64_t)1 << model_log2;
    if (model_on_full != TRK_FULL_FLIGHT && pos + n > model_shared.rings[ring].tail + slots)
        model_violation("slots reserved that were not given back");
}

/* ---- What is taken ---- */

static void check_record(uint32_t ring, const struct trk_slot *slot, unsigned exts)
{
    uint64_t number = slot->w0 >> TRK_ADDR_SHIFT;
    if (number == 0 || number >= m.next)
        model_violation("a record that nobody wrote");
    struct event *e = &m.events[number];
    if (slot->w1 >> TRK_ARG_SHIFT != arg_of((unsigned)number) || exts != e->exts)
        model_violation("a record that is not whole");
    for (unsigned i = 0; i < exts; i++)
        if (slot[1 + i].w1 != number * 16 + i)
            model_violation("a record with the slots of another one");
    if (e->taken)
        model_violation("a record taken twice");
    for (unsigned i = 1; i < m.next; i++)
        if (e->fate == RETURNED && m.events[i].taken && m.events[i].ring == ring && m.events[i].begun > e->returned)
            model_violation("records in the wrong order");
    say("taken", NULL, number);
    e->taken = 1;
    e->ring = (uint8_t)ring;
    e->at = (uint8_t)++m.taken;
}

void model_taken(uint32_t ring, const struct trk_slot *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        unsigned op = slots[i].w0 >> TRK_OP_SHIFT & TRK_OP_MASK;
        unsigned exts = 0;
        while (i + 1 + exts < count && (slots[i + 1 + exts].w0 >> TRK_OP_SHIFT & TRK_OP_MASK) == TRK_OP_EXT)
            exts++;
        if (op == TRK_OP_REF)
            check_record(ring, &slots[i], exts);
        else if (op == TRK_OP_DROP)
            m.told += slots[i].w1 >> TRK_ARG_SHIFT;
        else if ((op != TRK_OP_THREAD && op != TRK_OP_TICK && op != TRK_OP_SKIP) || exts != 0)
            model_violation("a slot that nobody wrote");
        i += 1 + exts;
    }
}

/* Every event came out, or was counted. */
static void check_end(void)
{
    uint64_t lost = model_producer_lost(), holes = model_reader_holes() + model_reader_in_flight();
    uint64_t gone = 0, left = 0;
    for (unsigned i = 1; i < m.next; i++) {
        gone += m.events[i].fate == RETURNED && !m.events[i].taken;
        left += m.events[i].fate != RETURNED && !m.events[i].taken;
    }
    /* Where the reader never looks while a record is begun, no hole is one that was finished later. */
    if (gone > lost + (now->where == BETWEEN ? 0 : holes))
        model_violation("events lost that nobody counted");
    if (lost > gone + left)
        model_violation("more losses counted than there were");
    if (holes == 0 && left == 0 && gone != lost)
        model_violation("losses counted wrong");
    if (m.told + model_producer_pending() > lost)
        model_violation("more drops told than there were");
    if (left == 0 && holes == 0 && model_rings == 1 && !m.dead && m.events[0].fate == UNBORN && now->jumps == 0 &&
        m.told + model_producer_pending() != lost - model_shared.procs[0].emergency)
        model_violation("drops not told");
}

/* The newest lap of a ring that nobody drains. */
static void check_flight(void)
{
    uint64_t cursor = model_producer_cursor(0), slots = (uint64_t)1 << model_log2;
    unsigned unfinished = 0, missing = 0;
    for (unsigned i = 1; i < m.next; i++)
        unfinished += m.events[i].fate != RETURNED;
    struct trk_slot lap[MODEL_SLOTS_MAX];
    uint32_t count = 0;
    for (uint64_t pos = cursor > slots ? cursor - slots : 0; pos < cursor; pos++) {
        struct trk_slot slot = model_shared.slots[0][pos & (slots - 1)];
        bool valid = (slot.w0 & 1) == ((pos >> model_log2 & 1) ^ 1);
        unsigned op = slot.w0 >> TRK_OP_SHIFT & TRK_OP_MASK;
        missing += !valid;
        if (valid && (op != TRK_OP_EXT || count > 0))
            lap[count++] = (struct trk_slot){ slot.w0 & ~(uint64_t)1, slot.w1 };
        else
            count = count > 0 && !valid ? (model_taken(0, lap, count), 0) : count; /* a new run of whole records */
    }
    if (unfinished == 0 && missing > 0)
        model_violation("a slot in the newest lap is not written");
    model_taken(0, lap, count);
    for (unsigned i = 1; i < m.next; i++)
        for (unsigned k = 1; k < m.next; k++)
            if (m.events[i].taken && m.events[k].fate == RETURNED && !m.events[k].taken && unfinished == 0 &&
                m.events[k].begun > m.events[i].returned)
                model_violation("an older record survived a newer one");
}

/* ---- Runs ---- */

static void finish(void)
{
    if (model_on_full == TRK_FULL_FLIGHT) {
        m.on = false;
        check_flight();
        return;
    }
    while (m.look_open)
        reader_step();
    m.on = false;
    if (m.dead) {
        model_reader_final();
    } else {
        for (int i = 0; i < 6; i++) {
            model_reader_look();
            m.time += TRK_HOLE_WAIT_US;
        }
        model_reader_final(); /* it exits some time */
    }
    check_end();
}

/* One run along the path, and on as the first choices lead. */
static void run_once(void)
{
    memset(&m, 0, sizeof m);
    m.next = 1;
    m.time = 1000;
    m.signals = now->signals;
    m.jumps = now->jumps;
    m.kills = now->kills;
    model_producer_reset();
    model_reader_reset();
    reader_begun = false;
    getcontext(&reader_context);
    reader_context.uc_stack.ss_sp = reader_stack;
    reader_context.uc_stack.ss_size = sizeof reader_stack;
    makecontext(&reader_context, reader_main, 0);
    path_at = 0;
    static unsigned done;
    done = 0;
    int how = setjmp(program);
    if (how == 3)
        return;
    for (unsigned i = 1; how != 0 && i <= m.depth; i++)
        m.events[m.frames[i].event].fate = LEFT;
    m.depth = how != 0 ? 0 : m.depth;
    m.dead = how == 2;
    m.on = true;
    while (!m.dead && done < now->events && m.next <= MODEL_EVENTS_MAX) {
        done++;
        if (now->where == BETWEEN && model_on_full != TRK_FULL_FLIGHT && done % now->pace == 0) {
            m.on = false;
            model_reader_look();
            if (model_reader_stuck() && (m.on = true, choose(2, &done)) == 1)
                m.time += TRK_HOLE_WAIT_US;
            m.on = true;
        }
        run_event(!now->slow && done % 3 != 0);
    }
    finish();
}

static void explore(const struct scenario *scenario)
{
    now = scenario;
    model_log2 = now->log2;
    model_rings = now->rings;
    model_on_full = now->on_full;
    free(visited);
    visited = NULL;
    visited_room = visited_count = runs = 0;
    path_steps = 0;
    for (;;) {
        run_once();
        runs++;
        if (loud)
            continue;
        while (path_steps > 0 && path[path_steps - 1].choice + 1 >= path[path_steps - 1].count)
            path_steps--;
        if (path_steps == 0)
            break;
        path[path_steps - 1].choice++;
    }
    printf("%s: %llu states, %llu runs, nothing wrong\n", now->name, (unsigned long long)visited_count,
           (unsigned long long)runs);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        broken |= strcmp(argv[i], "--broken") == 0;
        for (size_t k = 0; k < sizeof scenarios / sizeof *scenarios; k++)
            if (strncmp(scenarios[k].name, argv[i], strlen(argv[i])) == 0)
                explore(&scenarios[k]);
    }
    if (broken)
        printf("the planted fault was not found\n");
    return broken;
}
