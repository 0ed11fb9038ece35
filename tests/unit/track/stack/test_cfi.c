/* test_cfi.c: the reader of unwind rows: tables written by hand, a real table elsewhere in memory, and damaged ones. */
#include "stack_util.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>

#include "calltree.h"
#include "cfi.h"

/* ---- Tables by hand -------------------------------------------------------------------------------------------------
 */

/* A section of one CIE and one FDE with a header, at the end of a page that borders on unreadable memory. */
struct image {
    uint8_t *map, *base;
    struct trk_cfi_table table;
    uintptr_t pc;
};
enum { FUNCTION_SIZE = 256 };

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void image_init(struct image *im, const char *augmentation, const void *cie_code, unsigned cie_size,
                       const void *fde_code, unsigned fde_size)
{
    uint8_t buf[1024] = { 0 };
    unsigned n = 20; /* behind the header: version, encodings, pointer, count, one pair */
    unsigned cie = n, name = (unsigned)strlen(augmentation);
    buf[n + 8] = 1; /* version */
    memcpy(buf + n + 9, augmentation, name + 1);
    n += 9 + name + 1;
    buf[n++] = 1;    /* code alignment */
    buf[n++] = 0x78; /* data alignment -8 */
    buf[n++] = 16;   /* return address column */
    if (augmentation[0] == 'z') {
        unsigned length = n++;
        for (const char *a = augmentation + 1; *a; a++) {
            if (*a == 'P') {
                buf[n++] = 0x9b; /* indirect pcrel sdata4 */
                n += 4;
            } else if (*a == 'R' || *a == 'L') {
                buf[n++] = 0x1b; /* pcrel sdata4 */
            }
        }
        buf[length] = (uint8_t)(n - length - 1);
    }
    memcpy(buf + n, cie_code, cie_size);
    n += cie_size;
    put32(buf + cie, n - cie - 4);
    unsigned fde = n, wide = augmentation[0] == 'z' && strchr(augmentation, 'R') ? 4 : 8;
    put32(buf + fde + 4, fde + 4 - cie);
    n += 8 + 2 * wide;
    unsigned begin = fde + 8;
    put32(buf + begin + wide, FUNCTION_SIZE);
    if (augmentation[0] == 'z')
        buf[n++] = 0;
    memcpy(buf + n, fde_code, fde_size);
    n += fde_size;
    put32(buf + fde, n - fde - 4);

    im->map = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(im->map != MAP_FAILED);
    mprotect(im->map + 4096, 4096, PROT_READ | PROT_WRITE);
    im->base = im->map + 8192 - n;
    im->pc = (uintptr_t)im->map - 100000;
    memcpy(im->base, buf, n);
    uint8_t *h = im->base;
    h[0] = 1;
    h[1] = 0x1b;
    h[2] = 0x03;
    h[3] = 0x3b;
    put32(h + 4, 16);
    put32(h + 8, 1);
    put32(h + 12, (uint32_t)(im->pc - (uintptr_t)h));
    put32(h + 16, fde);
    if (wide == 4) {
        put32(h + begin, (uint32_t)(im->pc - (uintptr_t)(h + begin)));
    } else {
        uint64_t pc = im->pc;
        memcpy(h + begin, &pc, 8);
    }
    im->table = (struct trk_cfi_table){ (uintptr_t)h, (uintptr_t)h, (uintptr_t)h + n };
}

static void image_deinit(struct image *im)
{
    munmap(im->map, 3 * 4096);
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
#define USUAL      BYTES(0x0c, 7, 8, 0x90, 1) /* CFA = rsp + 8, return address at CFA - 8 */

static enum trk_cfi_result row_at(const struct image *im, unsigned off, struct trk_cfi_row *row)
{
    memset(row, 0xee, sizeof *row);
    return trk_cfi_read(&im->table, im->pc + off, row);
}

static void expect_reg(const struct image *im, unsigned off, unsigned reg, int cfa_off)
{
    struct trk_cfi_row row;
    assert_int_equal(row_at(im, off, &row), TRK_CFI_OK);
    assert_int_equal(row.cfa_how, TRK_CFI_CFA_REG);
    assert_int_equal(row.cfa_reg, reg);
    assert_int_equal(row.cfa_off, cfa_off);
    assert_int_equal(row.rule[TRK_CFI_RA].how, TRK_CFI_AT_CFA);
    assert_int_equal(row.rule[TRK_CFI_RA].off, -8);
}

static void usual_function(void **state)
{
    (void)state;
    static const char *const augmentations[] = { "zR", "zPLR", "zRL", "" };
    for (unsigned i = 0; i < 4; i++) {
        struct image im;
        /* push rbp; mov rsp,rbp; ... remember; leave; ret | restore; then far away: rsp + 4096 */
        image_init(&im, augmentations[i], USUAL,
                   BYTES(0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x4a, 0x0a, 0x0c, 7, 8, 0xc6, 0x41, 0x0b, 0x02, 100,
                         0x0c, 7, 0x80, 0x20, 0, 0));
        expect_reg(&im, 0, TRK_CFI_SP, 8);
        expect_reg(&im, 1, TRK_CFI_SP, 16);
        expect_reg(&im, 3, TRK_CFI_SP, 16);
        expect_reg(&im, 4, TRK_CFI_FP, 16);
        expect_reg(&im, 13, TRK_CFI_FP, 16);
        expect_reg(&im, 14, TRK_CFI_SP, 8);
        expect_reg(&im, 15, TRK_CFI_FP, 16);
        expect_reg(&im, 114, TRK_CFI_FP, 16);
        expect_reg(&im, 115, TRK_CFI_SP, 4096);
        expect_reg(&im, FUNCTION_SIZE - 1, TRK_CFI_SP, 4096);
        struct trk_cfi_row row;
        assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
        assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_SAME);
        assert_int_equal(row_at(&im, 5, &row), TRK_CFI_OK);
        assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_AT_CFA);
        assert_int_equal(row.rule[TRK_CFI_FP].off, -16);
        assert_int_equal(row_at(&im, 14, &row), TRK_CFI_OK);
        assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_SAME);
        assert_false(row.signal);
        assert_int_equal(row_at(&im, FUNCTION_SIZE, &row), TRK_CFI_NO_ENTRY);
        assert_int_equal(row_at(&im, (unsigned)-1, &row), TRK_CFI_NO_ENTRY);
        image_deinit(&im);
    }
}

static void expressions(void **state)
{
    (void)state;
    struct trk_cfi_row row;
    struct image im;
    /* The procedure linkage table: rsp + 8 + ((rip & 15) >= 11 ? 8 : 0). */
    image_init(&im, "zR", USUAL, BYTES(0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22));
    for (unsigned i = 0; i < 64; i++)
        expect_reg(&im, i, TRK_CFI_SP, ((im.pc + i) & 15) >= 11 ? 16 : 8);
    image_deinit(&im);

    /* Realigned frames: *(rbp - 8); and *(rsp + 152) + 8 as hand-written code has it. */
    image_init(&im, "zR", USUAL,
               BYTES(0x10, 6, 2, 0x76, 0, 0x0f, 3, 0x76, 0x78, 0x06, 0x41, 0x0f, 6, 0x77, 0x98, 1, 0x06, 0x23, 8));
    assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
    assert_int_equal(row.cfa_how, TRK_CFI_CFA_DEREF);
    assert_int_equal(row.cfa_reg, TRK_CFI_FP);
    assert_int_equal(row.cfa_off, -8);
    assert_int_equal(row.cfa_add, 0);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_AT_REG);
    assert_int_equal(row.rule[TRK_CFI_FP].reg, TRK_CFI_FP);
    assert_int_equal(row.rule[TRK_CFI_FP].off, 0);
    assert_int_equal(row_at(&im, 1, &row), TRK_CFI_OK);
    assert_int_equal(row.cfa_reg, TRK_CFI_SP);
    assert_int_equal(row.cfa_off, 152);
    assert_int_equal(row.cfa_add, 8);
    image_deinit(&im);

    /* A signal frame. */
    image_init(&im, "zRS", BYTES(0),
               BYTES(0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, 16, 3, 0x77, 0xa8, 1, 0x10, 6, 3, 0x77, 0xf8, 0));
    assert_int_equal(row_at(&im, 9, &row), TRK_CFI_OK);
    assert_true(row.signal);
    assert_int_equal(row.cfa_how, TRK_CFI_CFA_DEREF);
    assert_int_equal(row.cfa_off, 160);
    assert_int_equal(row.rule[TRK_CFI_RA].how, TRK_CFI_AT_REG);
    assert_int_equal(row.rule[TRK_CFI_RA].reg, TRK_CFI_SP);
    assert_int_equal(row.rule[TRK_CFI_RA].off, 168);
    assert_int_equal(row.rule[TRK_CFI_FP].off, 120);
    image_deinit(&im);

    /* Saved relative to the CFA by an expression. */
    image_init(&im, "zR", USUAL, BYTES(0x10, 6, 3, 0x38, 0x22, 0x23, 0));
    assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_LOST); /* ends inside an operand */
    image_deinit(&im);
    image_init(&im, "zR", USUAL, BYTES(0x10, 6, 4, 0x09, 0xe0, 0x22, 0x96));
    assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_LOST); /* an operation this reader does not know */
    image_deinit(&im);
    image_init(&im, "zR", USUAL, BYTES(0x10, 6, 3, 0x09, 0xe0, 0x22));
    assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_AT_CFA);
    assert_int_equal(row.rule[TRK_CFI_FP].off, -32);
    image_deinit(&im);
}

static void other_rules(void **state)
{
    (void)state;
    struct trk_cfi_row row;
    struct image im;
    image_init(&im, "zR", USUAL,
               BYTES(0x07, 16, 0x41, 0x90, 1, 0x41, 0x09, 16, 0, 0x41, 0x11, 12, 0x7d, 0x41, 0x2f, 13, 4, 0x41, 0x14, 6,
                     2, 0x2e, 16, 0x41, 0x08, 6, 0x06, 12));
    assert_int_equal(row_at(&im, 0, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_RA].how, TRK_CFI_UNDEFINED);
    assert_int_equal(row_at(&im, 1, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_RA].how, TRK_CFI_AT_CFA);
    assert_int_equal(row_at(&im, 2, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_RA].how, TRK_CFI_LOST);
    assert_int_equal(row_at(&im, 3, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_R12].off, 24);
    assert_int_equal(row_at(&im, 4, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_R13].off, 32);
    assert_int_equal(row_at(&im, 5, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_LOST);
    assert_int_equal(row_at(&im, 6, &row), TRK_CFI_OK);
    assert_int_equal(row.rule[TRK_CFI_FP].how, TRK_CFI_SAME);
    assert_int_equal(row.rule[TRK_CFI_R12].how, TRK_CFI_SAME);
    image_deinit(&im);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t code[16];
        unsigned size;
    } bad[] = {
        { { 0x0b }, 1 },                                     /* restore without remember */
        { { 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a }, 7 }, /* remembers without end */
        { { 0x3f }, 1 },                                     /* no such operation */
        { { 0x0c, 0x80 }, 2 },                               /* ends inside a number */
        { { 0x0f, 0xff, 0x7f, 0x77 }, 4 },                   /* a block longer than the entry */
        { { 0x04, 1, 2 }, 3 },                               /* ends inside an operand */
    };
    struct trk_cfi_row row;
    struct image im;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        image_init(&im, "zR", USUAL, bad[i].code, bad[i].size);
        assert_int_equal(row_at(&im, 200, &row), TRK_CFI_REFUSED);
        image_deinit(&im);
    }
    /* Expressions that cannot be a frame address lose the CFA, not the row. */
    static const uint8_t lost[][8] = {
        { 0x0f, 1, 0x06 },
        { 0x0f, 1, 0x22 },
        { 0x0f, 1, 0x96 },
        { 0x0f, 2, 0x50, 0x06 },
        { 0x0f, 0 },
        { 0x0f, 1, 0x31 },
        { 0x0f, 4, 0x76, 0, 0x06, 0x06 },
        { 0x0c, 5, 8 },
        { 0x0c, 16, 8 },
    };
    for (unsigned i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        image_init(&im, "zR", USUAL, lost[i], lost[i][0] == 0x0f ? lost[i][1] + 2u : 3);
        assert_int_equal(row_at(&im, 200, &row), TRK_CFI_OK);
        assert_int_equal(row.cfa_how, TRK_CFI_CFA_LOST);
        image_deinit(&im);
    }
    image_init(&im, "eh", USUAL, BYTES(0));
    assert_int_equal(row_at(&im, 1, &row), TRK_CFI_REFUSED);
    image_deinit(&im);
    image_init(&im, "zRQ", USUAL, BYTES(0));
    assert_int_equal(row_at(&im, 1, &row), TRK_CFI_REFUSED);
    image_deinit(&im);
}

/* ---- A real table
 * ----------------------------------------------------------------------------------------------------- */

struct segment {
    uintptr_t lo, hi, hdr;
};

static int find_own(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct segment *s = arg;
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            s->hdr = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t lo = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && s->hdr >= lo && s->hdr < lo + info->dlpi_phdr[i].p_filesz) {
            s->lo = lo;
            s->hi = lo + info->dlpi_phdr[i].p_filesz;
        }
    }
    return 1; /* the program itself comes first */
}

/* Not memcpy: a sanitizer would object to the gaps between variables. */
static __attribute__((no_sanitize("address"))) void copy_raw(uint8_t *to, uintptr_t from, size_t size)
{
    const volatile uint64_t *source = (const volatile uint64_t *)(from & ~(uintptr_t)7);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = source[i / 8];
        memcpy(to + i, &word, size - i < 8 ? size - i : 8);
    }
}

/* A copy of the segment that ends at unreadable memory; what the table says of pc it says there of pc + *shift. */
static uint8_t *copy_segment(const struct segment *s, struct trk_cfi_table *table, uintptr_t *shift, size_t *mapped)
{
    size_t size = s->hi - s->lo, pages = (size + 4095) / 4096 + 2;
    uint8_t *map = mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    mprotect(map + 4096, (pages - 2) * 4096, PROT_READ | PROT_WRITE);
    uint8_t *copy = map + (pages - 1) * 4096 - size;
    copy -= ((uintptr_t)copy - s->lo) & 15; /* linkage tables look at these bits of the address */
    copy_raw(copy, s->lo, size);
    *shift = (uintptr_t)copy - s->lo;
    *table = (struct trk_cfi_table){ s->hdr + *shift, (uintptr_t)copy, (uintptr_t)copy + size };
    *mapped = pages * 4096;
    return map;
}

static const uint32_t *search_table(const struct segment *s, uint32_t *count)
{
    memcpy(count, (const void *)(s->hdr + 8), 4);
    assert_true(*count > 20 && *count < 10000);
    return (const uint32_t *)(s->hdr + 12);
}

static void all_own_functions(void **state)
{
    (void)state;
    struct segment s = { 0 };
    struct trk_cfi_table table;
    uintptr_t shift;
    size_t mapped;
    dl_iterate_phdr(find_own, &s);
    assert_true(s.lo != 0);
    uint8_t *map = copy_segment(&s, &table, &shift, &mapped);
    uint32_t count, good = 0;
    const uint32_t *pairs = search_table(&s, &count);
    for (unsigned i = 0; i < count; i++) {
        uintptr_t begin = s.hdr + (uintptr_t)(intptr_t)(int32_t)pairs[2 * i];
        uintptr_t end = i + 1 < count ? s.hdr + (uintptr_t)(intptr_t)(int32_t)pairs[2 * i + 2] : begin + 8;
        assert_true(trk_cfi_known(begin));
        for (uintptr_t pc = begin; pc < end; pc++) {
            struct trk_cfi_row a, b;
            memset(&a, 0, sizeof a);
            memset(&b, 0, sizeof b);
            enum trk_cfi_result r = trk_cfi_find(pc, &a);
            assert_int_equal(r, trk_cfi_read(&table, pc + shift, &b));
            assert_true(r == TRK_CFI_OK || r == TRK_CFI_NO_ENTRY);
            if (r != TRK_CFI_OK)
                continue;
            assert_int_equal(a.cfa_how, b.cfa_how);
            assert_int_equal(a.cfa_off, b.cfa_off);
            assert_memory_equal(a.rule, b.rule, sizeof a.rule);
            assert_int_not_equal(a.cfa_how, TRK_CFI_CFA_LOST);
            good++;
        }
    }
    assert_true(good > 5000);
    munmap(map, mapped);
}

static void damaged_table(void **state)
{
    (void)state;
    struct segment s = { 0 };
    struct trk_cfi_table table;
    uintptr_t shift;
    size_t mapped, size;
    dl_iterate_phdr(find_own, &s);
    uint8_t *map = copy_segment(&s, &table, &shift, &mapped);
    uint8_t *copy = (uint8_t *)table.lo;
    size = table.hi - table.lo;
    uint32_t count;
    const uint32_t *pairs = search_table(&s, &count);
    uint64_t seed = 1;
    unsigned results[4] = { 0 };
    /* The header and .eh_frame only: the rest of the segment does not matter. */
    size_t first = s.hdr - s.lo, reach = size - first;
    for (unsigned round = 0; round < 1500; round++) {
        copy_raw(copy, s.lo, size);
        unsigned flips = 1u << random_next(&seed) % 12;
        for (unsigned i = 0; i < flips; i++)
            copy[first + random_next(&seed) % reach] = (uint8_t)random_next(&seed);
        if (round % 8 == 1)
            table.hi = table.lo + first + random_next(&seed) % reach; /* cut short */
        else
            table.hi = table.lo + size;
        for (unsigned i = 0; i < 40; i++) {
            unsigned k = random_next(&seed) % count;
            struct trk_cfi_row row;
            uintptr_t pc = s.hdr + (uintptr_t)(intptr_t)(int32_t)pairs[2 * k] + random_next(&seed) % 100 + shift;
            enum trk_cfi_result r = trk_cfi_read(&table, pc, &row);
            assert_true(r <= TRK_CFI_REFUSED);
            results[r]++;
        }
    }
    assert_true(results[TRK_CFI_OK] > 1000);
    assert_true(results[TRK_CFI_REFUSED] > 1000);
    munmap(map, mapped);
}

static void unknown_places(void **state)
{
    (void)state;
    struct trk_cfi_row row;
    errno = 4711;
    assert_int_equal(trk_cfi_find(0, &row), TRK_CFI_NO_OBJECT);
    assert_int_equal(trk_cfi_find(~(uintptr_t)0, &row), TRK_CFI_NO_OBJECT);
    assert_int_equal(trk_cfi_find((uintptr_t)&row, &row), TRK_CFI_NO_OBJECT);
    assert_false(trk_cfi_known((uintptr_t)&row));
    assert_true(trk_cfi_known((uintptr_t)unknown_places));
    assert_int_equal(trk_cfi_find((uintptr_t)unknown_places, &row), TRK_CFI_OK);
    assert_int_equal(errno, 4711);
    /* Readable memory, and memory that is not. */
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(map + 4096, 4096, PROT_NONE);
    assert_int_equal(trk_cfi_probe((uintptr_t)map), -EINVAL);
    assert_int_equal(trk_cfi_probe((uintptr_t)map + 4096), -EFAULT);
    munmap(map, 8192);
    assert_int_equal(trk_cfi_probe((uintptr_t)map), -EFAULT);
    assert_int_equal(errno, 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_function), cmocka_unit_test(expressions),       cmocka_unit_test(other_rules),
        cmocka_unit_test(refused),        cmocka_unit_test(all_own_functions), cmocka_unit_test(damaged_table),
        cmocka_unit_test(unknown_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
