/* graph_program.h: a made-up program with something of everything that the object graph knows, for its tests.
 *
 *   g_first -> session#1 .conn -> conn#1 .owner -> session#1      a session and its connection hold each other
 *   session#1 .next -> session#2 .conn -> conn#1                  diamond; weak session#1 +24 -> conn#1
 *   session#2 +32 .. : a pointer in memory to a plain block, and from it to conn#2, whose reference has no owner
 *   entry#1..#12 +8 -> conn#3, held by g_entries[]                fan-in
 *   ring#1 <-> ring#2                                             a cycle that nothing holds
 *   lost#1                                                        forgotten */
#ifndef ANALYSIS_GRAPH_PROGRAM_H
#define ANALYSIS_GRAPH_PROGRAM_H

#include "image.h"

enum {
    GP_SESSION = 0x100000, /* session#2 behind it */
    GP_CONN = 0x101000,    /* conn#1, conn#2, conn#3 */
    GP_BLOCK = 0x102000,
    GP_RING = 0x103000, /* ring#1, ring#2 */
    GP_LOST = 0x104000,
    GP_ENTRY = 0x110000,
    GP_STEP = 0x100,
    GP_ENTRIES = 12,
    GP_NODES = 2 + 3 + 1 + 2 + 1 + GP_ENTRIES,
};

static inline void gp_born(struct rig *rig, const char *type, uint64_t addr, uint64_t slot)
{
    mk_born(rig->t, type, addr, 64, AT("make m.c:3 < main m.c:5"));
    if (slot != 0)
        mk_own(rig->t, addr, slot, AT("main m.c:6"));
}

/* As it is told; a mark behind each entry, so that there is growth. */
static inline void gp_tell(struct rig *rig)
{
    fake_field(rig->symbols, "session", 8, "conn");
    fake_field(rig->symbols, "session", 16, "next");
    fake_field(rig->symbols, "conn", 8, "owner");
    fake_field(rig->symbols, "entry", 8, "conn");
    fake_global(rig->symbols, MK_APP_DATA, 8, "g_first");
    fake_global(rig->symbols, MK_APP_DATA + 64, 8 * GP_ENTRIES, "g_entries");
    gp_born(rig, "session", GP_SESSION, MK_APP_DATA);
    gp_born(rig, "session", GP_SESSION + GP_STEP, GP_SESSION + 16);
    gp_born(rig, "conn", GP_CONN, GP_SESSION + 8);
    mk_ref(rig->t, GP_CONN, GP_SESSION + GP_STEP + 8, AT("main m.c:7"));
    mk_ref(rig->t, GP_SESSION, GP_CONN + 8, AT("main m.c:8"));
    mk_weak_set(rig->t, GP_CONN, GP_SESSION + 24, AT("main m.c:9"));
    gp_born(rig, "conn", GP_CONN + GP_STEP, 0);
    mk_alloc(rig->t, GP_BLOCK, 64, AT("block_new b.c:3 < main m.c:5"));
    gp_born(rig, "conn", GP_CONN + 2 * GP_STEP, 0);
    gp_born(rig, "ring", GP_RING, 0);
    gp_born(rig, "ring", GP_RING + GP_STEP, GP_RING + 8);
    mk_own(rig->t, GP_RING, GP_RING + GP_STEP + 8, AT("main m.c:10"));
    gp_born(rig, "lost", GP_LOST, 0);
    for (uint64_t i = 0; i < GP_ENTRIES; i++) {
        mk_time(rig->t, 1000000 * (i + 1));
        gp_born(rig, "entry", GP_ENTRY + i * GP_STEP, MK_APP_DATA + 64 + 8 * i);
        mk_ref(rig->t, GP_CONN + 2 * GP_STEP, GP_ENTRY + i * GP_STEP + 8, AT("main m.c:11"));
        mk_mark(rig->t, "entry", AT("main m.c:12"));
    }
    mk_unref(rig->t, GP_CONN + 2 * GP_STEP, 0, AT("main m.c:13"));
}

/* What stands in memory at its end. */
static inline void gp_end(struct rig *rig)
{
    static struct image image;

    memset(&image, 0, sizeof image);
    image_poke(&image, MK_APP_DATA, GP_SESSION);
    image_poke(&image, GP_SESSION + 8, GP_CONN);
    image_poke(&image, GP_SESSION + 16, GP_SESSION + GP_STEP);
    image_poke(&image, GP_SESSION + 24, GP_CONN);
    image_poke(&image, GP_SESSION + GP_STEP + 8, GP_CONN);
    image_poke(&image, GP_CONN + 8, GP_SESSION);
    image_poke(&image, GP_SESSION + GP_STEP + 32, GP_BLOCK);
    image_poke(&image, GP_BLOCK + 16, GP_CONN + GP_STEP);
    image_poke(&image, GP_RING + 8, GP_RING + GP_STEP);
    image_poke(&image, GP_RING + GP_STEP + 8, GP_RING);
    for (uint64_t i = 0; i < GP_ENTRIES; i++) {
        image_poke(&image, MK_APP_DATA + 64 + 8 * i, GP_ENTRY + i * GP_STEP);
        image_poke(&image, GP_ENTRY + i * GP_STEP + 8, GP_CONN + 2 * GP_STEP);
    }
    image_exit(&image, rig->t);
}

#endif
