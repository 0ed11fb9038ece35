/* hold_rig.h: what the tests of pointers in memory share: a made-up program of parents and children, and its memory. */
#ifndef ANALYSIS_HOLD_RIG_H
#define ANALYSIS_HOLD_RIG_H

#include "image.h"

static struct rig rig_, *const rig = &rig_;
static struct image image;

enum { A = 0x100000, B = 0x100100, C = 0x100200, D = 0x100300, BLOCK = 0x110000, BLOCK2 = 0x110100 };
#define GLOBAL MK_APP_DATA

static inline int begin(void **state)
{
    (void)state;
    rig_begin(rig);
    memset(&image, 0, sizeof image);
    fake_field(rig->symbols, "parent", 8, "child");
    fake_field(rig->symbols, "parent", 16, "next_child");
    fake_field(rig->symbols, "child", 8, "parent");
    fake_field(rig->symbols, "subject", 8, "observers");
    fake_field(rig->symbols, "table", 8, "buckets");
    fake_field(rig->symbols, "node", 8, "next");
    fake_field(rig->symbols, "node", 16, "prev");
    fake_global(rig->symbols, GLOBAL, 8, "g_table");
    fake_global(rig->symbols, GLOBAL + 8, 8, "g_last");
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    rig_end(rig);
    return 0;
}

static inline void born(const char *type, uint64_t addr, const char *at)
{
    mk_born(rig->t, type, addr, 64, AT(at));
}

static inline void find(void)
{
    image_exit(&image, rig->t);
    rig_find(rig, NULL);
}

static inline void says(const struct prof_finding *f, const char *text)
{
    if (strstr(f->sentence, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->sentence, text);
}

/* Two objects that hold each other, in variables that are told. */
static inline void slot_cycle(void)
{
    born("parent", A, "parent_new p.c:3 < main m.c:5");
    born("child", B, "child_new p.c:9 < main m.c:6");
    mk_own(rig->t, A, B + 8, AT("link p.c:12 < main m.c:7"));
    mk_own(rig->t, B, A + 8, AT("link p.c:13 < main m.c:7"));
    image_poke(&image, A + 8, B);
    image_poke(&image, B + 8, A);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
