/* Large traces for the viewer, made up: `viewer_trace objects N FILE` has N objects alive at its end, `viewer_trace
 * bytes SIZE FILE` is at least SIZE bytes of births, deaths and references of a million objects. 64 types, 1 536
 * stacks, ten minutes; one object in a thousand is held by nothing. The same arguments, the same file. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mktrace.h"
#include "rnd.h"

enum { STEP = 96, TYPES = 64, SITES = 512, EVENTS_A_ROUND = 1 << 19, CHURNED = 1000000, NAME = 64 };
#define FIRST  UINT64_C(0x600000000)
#define TABLE  UINT64_C(0x10000000)
#define END_US UINT64_C(600000000)

struct teller {
    struct mk_trace *t;
    uint64_t events, unwritten;
    uint32_t types[TYPES], births[SITES], refs[SITES], unrefs[SITES];
};
static uint8_t lost[CHURNED]; /* held by nothing: must not die, nobody would give it back */
static const char owner[] = "hold h.c:1 < main m.c:5";

static uint32_t stack_of(struct teller *teller, const char *verb, unsigned i)
{
    char name[NAME];
    snprintf(name, sizeof name, "%s_%u %s.c:%u < serve s.c:7 < main m.c:5", verb, i, verb, i + 10);
    return mk_stack(teller->t, name);
}

/* Everything is named once: looking a name up for each event would take longer than the event. */
static void begin(struct teller *teller, uint64_t objects)
{
    char name[NAME];
    teller->t = mk_create();
    mk_compress(teller->t, 1);
    mk_stack(teller->t, owner);
    for (unsigned i = 0; i < TYPES; i++) {
        snprintf(name, sizeof name, "struct kind_%c%c%u", 'a' + (int)(i % 7), 'a' + (int)(i % 11), i);
        teller->types[i] = mk_type(teller->t, name, 0);
    }
    for (unsigned i = 0; i < SITES; i++) {
        teller->births[i] = stack_of(teller, "make", i);
        teller->refs[i] = stack_of(teller, "take", i);
        teller->unrefs[i] = stack_of(teller, "drop", i);
    }
    mk_root_add(teller->t, TABLE, 8 * objects, "table");
}

static uint64_t address(uint64_t object)
{
    return FIRST + object * STEP;
}

static void tell(struct teller *teller, enum trk_op op, unsigned aux, uint64_t object, uint64_t arg, uint32_t stack)
{
    mk_raw(teller->t, op, aux, address(object), arg, stack);
    teller->events++;
    if (++teller->unwritten == EVENTS_A_ROUND) {
        mk_round(teller->t);
        teller->unwritten = 0;
    }
}

static void born(struct teller *teller, uint64_t object)
{
    unsigned type = (unsigned)(rnd(TYPES) * rnd(TYPES) / TYPES),
             site = type * (SITES / TYPES) + (unsigned)rnd(SITES / TYPES);
    tell(teller, TRK_OP_ALLOC, TRK_ALLOC_MALLOC, object, 16 + 16 * rnd(5), teller->births[site]);
    tell(teller, TRK_OP_NEW, 0, object, teller->types[type], teller->births[site]);
    bool held = rnd(1000) != 0;
    if (object < CHURNED)
        lost[object] = !held;
    if (held)
        mk_own(teller->t, address(object), TABLE + 8 * object, owner);
    teller->events += held;
}

/* Taken into a variable that no other object uses, and perhaps given back. */
static void passed(struct teller *teller, uint64_t object, bool back)
{
    uint64_t slot = (address(object) + 8) >> 3;
    tell(teller, TRK_OP_REF, TRK_COUNT_UNKNOWN, object, slot, teller->refs[rnd(SITES)]);
    if (back)
        tell(teller, TRK_OP_UNREF, TRK_COUNT_UNKNOWN, object, slot, teller->unrefs[rnd(SITES)]);
}

static void gone(struct teller *teller, uint64_t object)
{
    uint32_t stack = teller->unrefs[rnd(SITES)];
    tell(teller, TRK_OP_UNREF, TRK_COUNT_UNKNOWN, object, (TABLE + 8 * object) >> 3, stack);
    tell(teller, TRK_OP_DEL, 0, object, 0, stack);
    tell(teller, TRK_OP_FREE, TRK_ALLOC_MALLOC, object, 0, stack);
}

static void end(struct teller *teller, const char *path)
{
    mk_exit(teller->t, 0);
    if (rename(mk_finish(teller->t), path) != 0)
        abort();
    printf("events %llu\n", (unsigned long long)teller->events);
    mk_destroy(teller->t);
}

static void make_objects(struct teller *teller, uint64_t count)
{
    begin(teller, count);
    for (uint64_t i = 0; i < count; i++) {
        mk_time(teller->t, END_US / count * i);
        born(teller, i);
        if (rnd(4) == 0)
            passed(teller, i, rnd(3) != 0);
    }
}

static void make_bytes(struct teller *teller, uint64_t bytes)
{
    struct stat st;
    begin(teller, CHURNED);
    for (uint64_t i = 0; i < CHURNED; i++)
        born(teller, i);
    for (uint64_t turn = 0;; turn++) {
        uint64_t object = rnd(CHURNED);
        mk_time(teller->t, turn); /* a million turns a second */
        if (rnd(8) == 0 && !lost[object]) {
            gone(teller, object);
            born(teller, object);
        } else {
            passed(teller, object, true);
        }
        if (turn % EVENTS_A_ROUND == 0 && stat(mk_path(teller->t), &st) == 0 && (uint64_t)st.st_size >= bytes)
            return;
    }
}

int main(int argc, char **argv)
{
    static struct teller teller;
    if (argc != 4) {
        fprintf(stderr, "viewer_trace objects N FILE, viewer_trace bytes SIZE FILE\n");
        return 2;
    }
    uint64_t amount = strtoull(argv[2], NULL, 10);
    seed(1);
    if (strcmp(argv[1], "objects") == 0)
        make_objects(&teller, amount);
    else
        make_bytes(&teller, amount);
    end(&teller, argv[3]);
    return 0;
}
