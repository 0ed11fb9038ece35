/* Writes the traces that the golden tests of the command line read: traces DIR. Same bytes every time. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mktrace.h>
#include <track/ask.h>
#include <track/track.h>

static const char *folder;

static void path_of(char *buf, size_t size, const char *name)
{
    snprintf(buf, size, "%s/%s", folder, name);
}

/* Ends the trace as a file of this name. */
static void save(struct mk_trace *t, const char *name)
{
    char path[4096];
    path_of(path, sizeof path, name);
    if (rename(mk_finish(t), path) != 0) {
        perror(path);
        exit(1);
    }
    mk_destroy(t);
}

/* Twenty connections, each closed as it should be; one global stays. */
static void some_healthy(struct mk_trace *t, uint64_t base, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t conn = base + (uint64_t)i * 0x100;
        mk_time(t, 1000 + (uint64_t)i * 1000);
        mk_born(t, "struct conn", conn, 96, "conn_new < accept < main");
        mk_own(t, conn, MK_STACK_BASE + 0x100, "accept < main");
        mk_ref(t, conn, 0, "session_start < main");
        mk_unref(t, conn, 0, "session_end < main");
        mk_unref(t, conn, MK_STACK_BASE + 0x100, "accept < main");
        mk_gone(t, conn, "conn_free < accept");
    }
}

static void healthy(void)
{
    struct mk_trace *t = mk_create();
    mk_type(t, "struct conn", 96);
    some_healthy(t, 0x5555557b0000, 20);
    mk_born(t, "struct config", 0x5555557a1000, 256, "config_load < main");
    mk_own(t, 0x5555557a1000, MK_APP_DATA + 0x40, "main");
    mk_alloc(t, 0x5555557a2000, 64, "cache_init < main");
    save(t, "healthy.trk");
}

/* Five of 25 connections keep the reference that session_start took. */
static void leaky(void)
{
    struct mk_trace *t = mk_create();
    mk_type(t, "struct conn", 96);
    some_healthy(t, 0x5555557b0000, 20);
    for (int i = 0; i < 5; i++) {
        uint64_t conn = 0x5555557c0000 + (uint64_t)i * 0x100;
        mk_time(t, 50000 + (uint64_t)i * 1000);
        mk_born(t, "struct conn", conn, 96, "conn_new < accept < main");
        mk_own(t, conn, MK_STACK_BASE + 0x100, "accept < main");
        mk_ref(t, conn, 0, "session_start < main");
        mk_touch(t, conn, "login failed", "session_fail < main");
        mk_unref(t, conn, MK_STACK_BASE + 0x100, "accept < main");
    }
    mk_mark(t, "after-load", "main");
    mk_alloc(t, 0x5555557a2000, 4096, "log_open < main");
    mk_alloc(t, 0x5555557a4000, 24, "name_dup < log_open < main");
    mk_time(t, 2500000);
    mk_mark(t, "done", "main");
    save(t, "leaky.trk");
}

/* parent and child hold each other. */
static void some_cycles(struct mk_trace *t, uint64_t base, uint64_t first_us, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t parent = base + (uint64_t)i * 0x200, child = parent + 0x100;
        mk_time(t, first_us + (uint64_t)i * 1000);
        mk_born(t, "node", parent, 64, "node_new < build");
        mk_own(t, parent, MK_STACK_BASE + 0x200, "build");
        mk_born(t, "node", child, 64, "node_new < build");
        mk_own(t, child, parent + 16, "node_add < build");
        mk_ref(t, parent, child + 8, "node_set_parent < build");
        mk_unref(t, parent, MK_STACK_BASE + 0x200, "build");
    }
}

static void cycle(void)
{
    struct mk_trace *t = mk_create();
    mk_type(t, "node", 64);
    some_cycles(t, 0x5555557d0000, 1000, 3);
    save(t, "cycle.trk");
}

static void command(struct mk_trace *t, enum trk_gc_command command, uint64_t arg, uint64_t value)
{
    mk_raw(t, TRK_OP_GC, command, 0, arg, 0);
    mk_ext(t, TRK_EXT_VALUE, value);
}

/* What a program says to its generations, and passes that it asked for: what is frozen is not looked at, garbage is
 * found where a pass looks, memory confirms some of it, and who refers to it later takes it back. */
static void collect(void)
{
    const uint64_t nodes = 0x5555557d0000, late = nodes + 0x4000;
    struct mk_trace *t = mk_create();
    mk_type(t, "node", 64);
    command(t, TRK_GC_DO_ENABLE, 0, 0);
    command(t, TRK_GC_DO_THRESHOLD, 3, 2 | (uint64_t)4 << 32);
    some_cycles(t, nodes, 1000, 2);
    command(t, TRK_GC_DO_FREEZE, 1, 0);
    some_cycles(t, nodes + 0x1000, 4000, 2);
    command(t, TRK_GC_DO_COLLECT, 0, 1);
    command(t, TRK_GC_DO_FREEZE, 0, 0);
    command(t, TRK_GC_DO_DEBUG, 0x26, 0);
    command(t, TRK_GC_DO_ENABLE, 1, 0);
    some_cycles(t, nodes + 0x2000, 7000, 4);
    mk_time(t, 20000);
    mk_born(t, "node", late, 64, "node_new < build");
    mk_own(t, late, late + 8, "node_set_parent < build");
    command(t, TRK_GC_DO_COLLECT, 1, 2);
    command(t, (enum trk_gc_command)63, 1, 1); // of a later version
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_ANON, 0, nodes, 0x8000);
    for (uint64_t parent = nodes; parent < nodes + 0x400; parent += 0x200) {
        mk_memory_word(t, parent + 16, parent + 0x100);
        mk_memory_word(t, parent + 0x108, parent);
    }
    mk_memory_word(t, late + 8, late);
    mk_memory_end(t);
    command(t, TRK_GC_DO_COLLECT, 2, 3);
    mk_time(t, 30000);
    mk_ref(t, late, MK_APP_DATA + 0x40, "node_keep < main");
    command(t, TRK_GC_DO_COLLECT, UINT64_C(1) << 40, 4); // no generation
    mk_exit(t, 0);
    save(t, "collect.trk");
}

/* What stands in the way of taking cycles apart: references too many, inside and in front of one, destructors that need
 * each other, a pointer that would dangle, a count that is too low. */
static void knots(void)
{
    enum { FILE_ = 0, LOG = 0x100, HELD = 0x200, PEER = 0x300, OWNER = 0x400, LOOP = 0x500, LOW = 0x600, TEXT = 0x700 };
    const uint64_t heap = 0x5555557a0000, local = MK_STACK_BASE + 0x200;
    static const struct trk_type_def file = { .object_size = 64,
                                              .count_offset = UINT32_MAX,
                                              .flags = TRK_TYPE_ORDERED_FINALIZER };
    struct mk_trace *t = mk_create();
    mk_type_full(t, "file", &file);
    mk_time(t, 1000);
    mk_born(t, "file", heap + FILE_, 64, "file_open < main");
    mk_born(t, "log", heap + LOG, 32, "log_new < main");
    mk_own(t, heap + LOG, heap + FILE_ + 8, "file_log < main");
    mk_ref(t, heap + FILE_, heap + LOG + 8, "log_to < main");
    mk_born(t, "text", heap + TEXT, 128, "text_new < main");
    mk_own(t, heap + TEXT, heap + LOG + 16, "log_text < main");
    mk_weak_set(t, heap + FILE_, MK_APP_DATA + 0x40, "watch < main");
    mk_unref(t, heap + FILE_, 0, "main");
    mk_time(t, 2000);
    mk_born(t, "conn", heap + HELD, 64, "conn_new < main");
    mk_born(t, "conn", heap + PEER, 64, "conn_new < main");
    mk_own(t, heap + PEER, heap + HELD + 8, "conn_pair < main");
    mk_ref(t, heap + HELD, heap + PEER + 8, "conn_pair < main");
    mk_ref(t, heap + PEER, 0, "conn_get < handle < main");
    mk_unref(t, heap + HELD, 0, "main");
    mk_time(t, 3000);
    mk_born(t, "owner", heap + OWNER, 16, "owner_new < main");
    mk_born(t, "loop", heap + LOOP, 48, "loop_new < main");
    mk_ref(t, heap + LOOP, heap + LOOP + 8, "loop_self < main");
    mk_own(t, heap + LOOP, heap + OWNER + 8, "owner_take < main");
    mk_time(t, 4000);
    mk_born(t, "low", heap + LOW, 16, "low_new < main");
    mk_own(t, heap + LOW, MK_APP_DATA + 0x50, "low_set < main");
    mk_ref(t, heap + LOW, MK_APP_DATA + 0x58, "low_set < main");
    mk_unref(t, heap + LOW, 0, "low_drop < main");
    mk_born(t, "text", heap + TEXT + 0x100, 16, "text_new < main");
    mk_own(t, heap + TEXT + 0x100, local, "handle < main");
    save(t, "knots.trk");
}

/* A block of a program whose memory was not to be read. */
static void unread(void)
{
    struct mk_trace *t = mk_create();
    mk_meta(t, "memory=never");
    mk_alloc(t, 0x5555557a0000, 48, "list_new < main");
    save(t, "unread.trk");
}

/* Plain blocks only: a lost list, a lost cycle, a table that a global holds, one that only a pointer into it holds. */
static void plain(void)
{
    enum { LIST = 0, RING = 0x1000, TABLE = 0x2000, PART = 0x3000, LATE = 0x4000 };
    const uint64_t heap = 0x5555557a0000;
    struct mk_trace *t = mk_create();
    for (uint64_t i = 0; i < 3; i++) {
        mk_time(t, 1000 + i * 1000);
        mk_alloc(t, heap + LIST + i * 0x100, 48, i == 0 ? "list_new < main" : "node_new < list_add < main");
        mk_alloc(t, heap + RING + i * 0x100, 32, "ring_new < main");
    }
    mk_alloc(t, heap + TABLE, 256, "table_new < main");
    mk_alloc(t, heap + TABLE + 0x200, 64, "entry_new < table_put < main");
    mk_alloc(t, heap + PART, 96, "part_new < main");
    mk_time(t, 5000);
    struct prof_memory *memory = mk_memory_begin(t, TRK_RUNG_STOPPED);
    memory->why = TRK_LOOK_EXIT;
    memory->pause_us = 700;
    memory->took_us = 2300;
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(t, MK_APP_DATA + 0x40, heap + TABLE);
    mk_memory_area(t, TRK_AREA_ANON, 0, heap, 0x8000);
    mk_memory_word(t, heap + LIST, heap + LIST + 0x100);
    mk_memory_word(t, heap + LIST + 0x100, heap + LIST + 0x200);
    for (uint64_t i = 0; i < 3; i++)
        mk_memory_word(t, heap + RING + i * 0x100 + 8, heap + RING + (i + 1) % 3 * 0x100);
    mk_memory_word(t, heap + TABLE + 40, heap + TABLE + 0x200);
    mk_memory_area(t, TRK_AREA_STACK, 100, MK_STACK_BASE, 0x1000);
    mk_memory_word(t, MK_STACK_BASE + 0x80, heap + PART + 40);
    mk_memory_end(t);
    mk_time(t, 6000);
    mk_alloc(t, heap + LATE, 24, "late_new < main");
    mk_exit(t, 0);
    save(t, "plain.trk");
}

/* No slot was told; memory was read at the end: parents and children that hold each other, one of them through a block;
 * a reference too many of what a table holds; one that nothing points to. */
static void slotless(void)
{
    enum { RING = 0xd0000, BOX = 0xd2000, TABLE = 0xd3000, LOST = 0xd4000 };
    const uint64_t heap = 0x555555700000;
    struct mk_trace *t = mk_create();
    mk_type(t, "node", 64);
    mk_type(t, "table", 32);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t parent = heap + RING + i * 0x200;
        mk_time(t, 1000 + i * 1000);
        mk_born(t, "node", parent, 64, "node_new < build");
        mk_born(t, "node", parent + 0x100, 64, "node_new < node_add < build");
        mk_ref(t, parent, 0, "node_set_parent < build");
        mk_unref(t, parent, 0, "build");
    }
    mk_born(t, "node", heap + BOX, 64, "node_new < connect");
    mk_alloc(t, heap + BOX + 0x100, 32, "closure_new < connect");
    mk_ref(t, heap + BOX, 0, "closure_new < connect");
    mk_unref(t, heap + BOX, 0, "connect");
    mk_born(t, "table", heap + TABLE, 32, "table_new < main");
    mk_alloc(t, heap + TABLE + 0x100, 64, "table_new < main");
    mk_born(t, "node", heap + TABLE + 0x200, 64, "node_new < serve");
    mk_ref(t, heap + TABLE + 0x200, 0, "table_put < serve");
    mk_born(t, "node", heap + LOST, 64, "node_new < serve");
    mk_time(t, 9000);
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 64);
    mk_memory_word(t, MK_APP_DATA + 8, heap + TABLE);
    mk_memory_area(t, TRK_AREA_ANON, 0, heap + RING, 0x10000);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t parent = heap + RING + i * 0x200;
        mk_memory_word(t, parent + 16, parent + 0x100);
        mk_memory_word(t, parent + 0x108, parent);
    }
    mk_memory_word(t, heap + BOX + 8, heap + BOX + 0x100);
    mk_memory_word(t, heap + BOX + 0x108, heap + BOX);
    mk_memory_word(t, heap + TABLE + 8, heap + TABLE + 0x100);
    mk_memory_word(t, heap + TABLE + 0x118, heap + TABLE + 0x200);
    mk_memory_count(t, heap + RING, 1);
    mk_memory_end(t);
    save(t, "slotless.trk");
}

/* A release too many, an owner overwritten, a holder freed. */
static void misuse(void)
{
    struct mk_trace *t = mk_create();
    mk_type(t, "buffer", 128);
    mk_time(t, 1000);
    mk_born(t, "buffer", 0x5555557e0000, 128, "buffer_new < main");
    mk_unref_rc(t, 0x5555557e0000, 0, 0, "buffer_put < reader");
    mk_time(t, 2000);
    mk_unref_rc(t, 0x5555557e0000, 0, -1, "buffer_put < writer");
    mk_born(t, "buffer", 0x5555557e1000, 128, "buffer_new < main");
    mk_own(t, 0x5555557e1000, MK_APP_DATA + 0x80, "set_current < main");
    mk_born(t, "buffer", 0x5555557e2000, 128, "buffer_new < main");
    mk_own(t, 0x5555557e2000, MK_APP_DATA + 0x80, "set_current < main");
    save(t, "misuse.trk");
}

/* A buffer of which the sender, on an error, gives back what its caller gives back, too; one that a variable gives back
 * twice; one that is used after its end. Most do nothing of it. */
static void over(void)
{
    enum { HEALTHY = 12, SENT = HEALTHY, TWICE, LATE, ALL };
    struct mk_trace *t = mk_create();
    mk_type(t, "buffer", 128);
    for (uint64_t i = 0; i < ALL; i++) {
        const uint64_t buffer = 0x5555557e0000 + i * 0x1000, slot = MK_APP_DATA + 0x80;
        mk_time(t, 1000 * (i + 1));
        mk_born(t, "buffer", buffer, 128, "buffer_new < main");
        mk_ref(t, buffer, i == TWICE ? slot : 0, "keep < main");
        if (i == SENT)
            mk_unref(t, buffer, 0, "send_failed < main");
        mk_unref(t, buffer, i == TWICE ? slot : 0, "unkeep < main");
        if (i == TWICE)
            mk_unref(t, buffer, slot, "forget < main");
        if (i != SENT && i != TWICE)
            mk_unref(t, buffer, 0, "buffer_put < main");
        mk_del(t, buffer, "buffer_free < main");
        if (i == SENT || i == TWICE)
            mk_unref(t, buffer, 0, i == SENT ? "buffer_put < main" : "last_put < main");
        if (i == LATE)
            mk_ref(t, buffer, 0, "log < main");
    }
    mk_exit(t, 0);
    save(t, "over.trk");
}

/* A hub that many hold: members of ever more weight, a global that came last, pointers that count nothing. What it
 * holds others hold, too. */
static void crowded(void)
{
    enum { MEMBERS = 24, PARTS = 4, WATCHERS = 4, MEMBER = 0x1000, BAG = 0x10000, PART = 0x40000, WATCHER = 0x50000 };
    const uint64_t hub = 0x5555557a0000, data = MK_APP_DATA;
    struct mk_trace *t = mk_create();
    mk_type(t, "hub", 256);
    mk_type(t, "member", 32);
    mk_type(t, "part", 0);
    mk_time(t, 1000);
    mk_born(t, "hub", hub, 256, "hub_new < main");
    for (uint64_t i = 0; i < MEMBERS; i++) {
        mk_born(t, "member", hub + MEMBER + i * 0x100, 32, "member_new < main");
        mk_own(t, hub + MEMBER + i * 0x100, data + 0x200 + i * 8, "member_new < main");
        mk_ref(t, hub, hub + MEMBER + i * 0x100 + 8, "join < main");
        mk_alloc(t, hub + BAG + i * 0x1000, 64 + i * 16, "bag_new < main");
    }
    for (uint64_t i = 0; i < PARTS; i++) {
        mk_born(t, "part", hub + PART + i * 0x100, 16 + i * 16, "part_new < main");
        mk_own(t, hub + PART + i * 0x100, data + 0x80 + i * 8, "part_new < main");
        mk_ref(t, hub + PART + i * 0x100, hub + 0x20 + i * 8, "hub_add < main");
    }
    for (uint64_t i = 0; i < WATCHERS; i++)
        mk_alloc(t, hub + WATCHER + i * 0x100, 32 + i * 16, "watch < main");
    mk_own(t, hub, data + 0x40, "hub_set < main");
    mk_time(t, 2000);
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_DATA, 0, data, 0x1000);
    mk_memory_word(t, data + 0x40, hub);
    mk_memory_word(t, data + 0x48, hub);
    for (uint64_t i = 0; i < PARTS; i++)
        mk_memory_word(t, data + 0x80 + i * 8, hub + PART + i * 0x100);
    for (uint64_t i = 0; i < WATCHERS; i++)
        mk_memory_word(t, data + 0x180 + i * 8, hub + WATCHER + i * 0x100);
    for (uint64_t i = 0; i < MEMBERS; i++)
        mk_memory_word(t, data + 0x200 + i * 8, hub + MEMBER + i * 0x100);
    mk_memory_area(t, TRK_AREA_ANON, 0, hub, 0x60000);
    for (uint64_t i = 0; i < PARTS; i++)
        mk_memory_word(t, hub + 0x20 + i * 8, hub + PART + i * 0x100);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        mk_memory_word(t, hub + MEMBER + i * 0x100 + 8, hub);
        mk_memory_word(t, hub + MEMBER + i * 0x100 + 16, hub + BAG + i * 0x1000);
    }
    for (uint64_t i = 0; i < WATCHERS; i++)
        mk_memory_word(t, hub + WATCHER + i * 0x100 + 8, hub);
    mk_memory_end(t);
    save(t, "crowded.trk");
}

/* Owners that do not add up: two of one reference, and a release that named none. */
static void owners(void)
{
    const uint64_t conn = 0x5555557e0000, data = MK_APP_DATA;
    struct mk_trace *t = mk_create();
    mk_type(t, "conn", 64);
    mk_time(t, 1000);
    for (uint64_t i = 0; i < 2; i++) {
        mk_born(t, "conn", conn + i * 0x100, 64, "conn_new < accept < main");
        mk_own(t, conn + i * 0x100, data + i * 8, "accept < main");
        mk_own(t, conn + i * 0x100, data + 0x40 + i * 8, "hand_over < main");
    }
    mk_born(t, "conn", conn + 0x200, 64, "conn_new < accept < main");
    mk_own(t, conn + 0x200, data + 0x80, "accept < main");
    mk_ref(t, conn + 0x200, data + 0x88, "share < main");
    mk_unref(t, conn + 0x200, 0, "unshare < main");
    save(t, "owners.trk");
}

/* Names that try to write to the terminal, to break tables and documents. */
static void hostile(void)
{
    struct mk_trace *t = mk_create();
    mk_meta(t, "program=app\033]0;owned\007");
    mk_type(t, "evil\033[2J\n\"type\",<b>\xff", 32);
    mk_time(t, 1000);
    mk_born(t, "evil\033[2J\n\"type\",<b>\xff", 0x5555557f0000, 32, "f");
    mk_ref(t, 0x5555557f0000, 0, "g");
    mk_mark(t, "mark\r\xe2\x80\xae", "f");
    save(t, "hostile.trk");
}

/* Names in which terminals disagree about columns and directions: wide, combining, from right to left, joined. */
static void foreign(void)
{
    static const char *const types[] = { "struct \u4e16\u754c",
                                         "e\u0301tat e\u0301tat",
                                         "\u05e9\u05dc\u05d5\u05dd_list",
                                         "\u0634\u0645\u0633",
                                         "\U0001f44d\U0001f3fd_up",
                                         "so\u00adft",
                                         "\u1112\u1161\u11ab_node",
                                         "half\xe4\xb8",
                                         "tab\there\r",
                                         "\U0001f468\u200d\U0001f469" };
    struct mk_trace *t = mk_create();
    mk_meta(t, "program=\u05d0\u05d1\u05d2-\u4e16\u754c");
    mk_time(t, 1000);
    mk_mark(t, "\u202emark\u05d0 \u4e16", "f");
    for (uint64_t i = 0; i < sizeof types / sizeof *types; i++) {
        mk_born(t, types[i], 0x5555557f0000 + i * 64, 32 + i, "f < g");
        if (i > 0)
            mk_ref(t, 0x5555557f0000 + i * 64, 0x5555557f0000 + i * 64 - 56, "g");
    }
    save(t, "foreign.trk");
}

/* The recorder could not keep up: nothing may be called clean. */
static void lossy(void)
{
    struct mk_trace *t = mk_create();
    struct trk_loss loss = { .dropped = 1234, .in_flight = 1 };
    mk_type(t, "struct conn", 96);
    some_healthy(t, 0x5555557b0000, 3);
    mk_loss(t, &loss);
    mk_end(t, TRK_END_SIGNAL, 9);
    save(t, "lossy.trk");
}

/* An allocator-only program with samples of its memory, over two minutes. */
static void growing(void)
{
    struct mk_trace *t = mk_create();
    for (uint64_t i = 0; i < 13; i++) {
        mk_time(t, i * 10000000);
        mk_alloc(t, 0x5555557a0000 + i * 0x20000, 0x10000, "cache_add < serve");
        struct trk_mem mem = { .at_us = i * 10000000,
                               .rss = (4 << 20) + i * 0x11000,
                               .pss = UINT64_MAX,
                               .heap = (1 << 20) + i * 0x10800,
                               .anon = 1 << 18,
                               .stacks = 132 << 10,
                               .files = 2 << 20,
                               .reftrack = 64 << 10,
                               .vm_hwm = 5 << 20,
                               .cpu_us = i * 100000,
                               .recorder_cpu_us = i * 2000,
                               .recorder_rss = 8 << 20,
                               .threads = 1 };
        mk_mem(t, &mem);
        mk_round(t);
    }
    save(t, "growing.trk");
}

/* Nothing is lost: a table fills from mark to mark, and some objects are meant to stay. */
static void cache(void)
{
    struct mk_trace *t = mk_create();
    struct trk_type_def immortal = { .flags = TRK_TYPE_IMMORTAL, .object_size = 32, .count_offset = UINT32_MAX };
    mk_type(t, "struct session", 64);
    mk_type(t, "struct theme", 48);
    mk_type_full(t, "struct symbol", &immortal);
    mk_time(t, 1000);
    mk_born(t, "struct symbol", 0x5555557a1000, 32, "intern < main");
    mk_born(t, "struct theme", 0x5555557a1100, 48, "theme_new < main");
    mk_pin(t, 0x5555557a1100, "the theme of last resort");
    mk_born(t, "struct theme", 0x5555557a1200, 48, "theme_new < main");
    mk_may_leak(t, 0x5555557a1200, "freed by the desktop");
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t session = 0x5555557b0000 + i * 0x100, bucket = MK_APP_DATA + 0x100 + i % 4 * 8;
        mk_time(t, 2000 + i * 1000);
        mk_born(t, "struct session", session, 64, "session_new < serve < main");
        if (i >= 4) /* the one before moves behind it */
            mk_move(t, session - 0x400, session + 8, bucket, "serve < main");
        mk_own(t, session, bucket, "serve < main");
        if (i % 10 == 9)
            mk_mark(t, i == 9 ? "warm" : i == 39 ? "end" : "idle", "main");
    }
    save(t, "cache.trk");
}

/* Objects that only pointers in memory hold: a queue in a global, whose items own one each. */
static void queued(void)
{
    const uint64_t heap = 0x5555557c0000;
    struct mk_trace *t = mk_create();
    mk_type(t, "struct session", 64);
    for (uint64_t i = 0; i < 3; i++) {
        mk_alloc(t, heap + i * 0x40, 32, "q_push < main");
        mk_born(t, "struct session", heap + 0x1000 + i * 0x40, 64, "session_new < main");
    }
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(t, MK_APP_DATA + 0x40, heap);
    mk_memory_area(t, TRK_AREA_ANON, 0, heap, 0x8000);
    for (uint64_t i = 0; i < 3; i++) {
        mk_memory_word(t, heap + i * 0x40, heap + 0x1000 + i * 0x40);
        if (i < 2)
            mk_memory_word(t, heap + i * 0x40 + 8, heap + i * 0x40 + 0x40);
    }
    mk_memory_end(t);
    mk_exit(t, 0);
    save(t, "queued.trk");
}

/* Memory read at a mark, which a thread asked for, and on request. */
static void memory(void)
{
    struct mk_trace *t = mk_create();
    mk_type(t, "struct conn", 96);
    some_healthy(t, 0x5555557b0000, 3);
    mk_born(t, "struct conn", 0x5555557c0000, 96, "conn_open < main");
    mk_mark(t, "loaded", "main");
    mk_time(t, 60000);
    struct prof_memory *memory = mk_memory_begin(t, TRK_RUNG_WAITING);
    memory->why = TRK_LOOK_MARK;
    memory->name = "loaded";
    memory->single = true;
    memory->pause_us = 1500;
    memory->took_us = 2500;
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x1000);
    mk_memory_word(t, MK_APP_DATA + 8, 0x5555557c0000);
    mk_memory_count(t, 0x5555557c0000, 1);
    mk_memory_end(t);
    mk_alloc(t, 0x5555557d0000, 32, "main");
    mk_time(t, 90000);
    memory = mk_memory_begin(t, TRK_RUNG_CONFIRMED);
    memory->cut = true;
    memory->unread_bytes = 4096;
    memory->threads = 5;
    memory->threads_unread = 2;
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x1000);
    mk_memory_word(t, MK_APP_DATA + 8, 0x5555557c0000);
    mk_memory_word(t, MK_APP_DATA + 16, 0x5555557d0000);
    mk_memory_end(t);
    mk_time(t, 100000);
    mk_free(t, 0x5555557d0000, "main");
    save(t, "memory.trk");
}

/* Blocks whose types were told: a list of entries that a global holds, one entry lost, one freed, an array that moved.
 */
static void typed(void)
{
    const uint64_t heap = 0x5555557c0000;
    struct mk_trace *t = mk_create();
    mk_type(t, "struct entry", 48);
    for (uint64_t i = 0; i < 3; i++) {
        mk_alloc(t, heap + i * 0x40, 48, "entry_new < main");
        mk_typed(t, heap + i * 0x40, "struct entry", false);
    }
    mk_time(t, 20000);
    mk_alloc(t, heap + 0x400, 96, "table_new < main");
    mk_typed(t, heap + 0x400, "struct entry", true);
    mk_realloc(t, heap + 0x400, heap + 0x800, 192, "table_grow < main");
    mk_free(t, heap + 0x40, "entry_drop < main");
    mk_memory_begin(t, TRK_RUNG_STOPPED);
    mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
    mk_memory_word(t, MK_APP_DATA + 0x40, heap);
    mk_memory_area(t, TRK_AREA_ANON, 0, heap, 0x8000);
    mk_memory_word(t, heap + 8, heap + 0x800 + 96);
    mk_memory_end(t);
    mk_exit(t, 0);
    save(t, "typed.trk");
}

/* A table of the program that grows, of which memory alone tells, read at three marks. */
static void looked(void)
{
    enum { STEP = 24, TABLE = 0x20000 };
    const uint64_t heap = 0x5555557a0000;
    struct mk_trace *t = mk_create();
    mk_type(t, "session", 128);
    mk_type(t, "table", 2048);
    mk_born(t, "table", heap + TABLE, 2048, "table_new < main");
    mk_own(t, heap + TABLE, MK_APP_DATA + 0x40, "main");
    for (uint64_t n = 0; n < 3 * STEP; n++) {
        mk_time(t, 2500000 * (n + 1));
        mk_born(t, "session", heap + 256 * n, 128, "session_new < main");
        if (n % STEP != STEP - 1)
            continue;
        mk_mark(t, "round", "main");
        mk_memory_begin(t, TRK_RUNG_STOPPED);
        mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x100);
        mk_memory_word(t, MK_APP_DATA + 0x40, heap + TABLE);
        mk_memory_area(t, TRK_AREA_ANON, 0, heap, 0x40000);
        for (uint64_t i = 0; i <= n; i++)
            mk_memory_word(t, heap + TABLE + 16 + 8 * i, heap + 256 * i);
        mk_memory_end(t);
    }
    mk_exit(t, 0);
    save(t, "looked.trk");
}

/* The first `bytes` of a file, or all but the last -bytes, as another one. */
static void cut(const char *from, const char *to, long bytes)
{
    char path[4096], text[65536];
    path_of(path, sizeof path, from);
    FILE *in = fopen(path, "rb");
    path_of(path, sizeof path, to);
    FILE *out = fopen(path, "wb");
    if (in == NULL || out == NULL)
        exit(1);
    size_t length = fread(text, 1, sizeof text, in);
    if (bytes < 0)
        bytes += (long)length;
    fwrite(text, 1, (size_t)bytes, out);
    fclose(in);
    fclose(out);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    setenv("TMPDIR", folder, 1);
    healthy();
    leaky();
    cycle();
    collect();
    knots();
    slotless();
    plain();
    unread();
    typed();
    misuse();
    over();
    crowded();
    owners();
    hostile();
    foreign();
    lossy();
    growing();
    cache();
    queued();
    memory();
    looked();
    cut("leaky.trk", "cut.trk", -300);
    cut("leaky.trk", "empty.trk", 0);
    cut("leaky.trk", "header.trk", 20);
    return 0;
}
