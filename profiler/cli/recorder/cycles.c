/* cycles.c: the cycle counter as a clock, see cycles.h. */
#include "cycles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

enum { GAP_NS = 100000000 }; /* between old readings, at first */

struct cycles {
    struct cycles_point points[CYCLES_OLD + CYCLES_RECENT];
    uint32_t old, count; /* points[0 .. old) are thinned, the rest up to count is not */
    uint64_t gap_ns;
};

struct cycles *cycles_create(void)
{
    struct cycles *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->gap_ns = GAP_NS;
    return c;
}

/* Every other one goes, more or less: those that are too near to the one kept before. */
static void thin(struct cycles *c)
{
    uint32_t kept = 1;
    c->gap_ns *= 2;
    for (uint32_t i = 1; i < c->old; i++)
        if (c->points[i].ns - c->points[kept - 1].ns >= c->gap_ns)
            c->points[kept++] = c->points[i];
    memmove(&c->points[kept], &c->points[c->old], (c->count - c->old) * sizeof c->points[0]);
    c->count -= c->old - kept;
    c->old = kept;
}

/* The first of the recent readings becomes an old one. */
static void age(struct cycles *c)
{
    const struct cycles_point *p = &c->points[c->old];
    if (c->old == 0 || p->ns - p[-1].ns >= c->gap_ns) {
        if (++c->old == CYCLES_OLD)
            thin(c);
        return;
    }
    c->count--;
    memmove(&c->points[c->old], &c->points[c->old + 1], (c->count - c->old) * sizeof *p);
}

void cycles_add(struct cycles *c, uint64_t cycles, uint64_t ns)
{
    if (c->count > 0) {
        struct cycles_point last = cycles_last(c);
        if (cycles < last.cycles) {
            c->old = c->count = 0;
            ns = ns > last.ns ? ns : last.ns;
        } else if (cycles == last.cycles || ns <= last.ns) {
            return;
        }
    }
    if (c->count == c->old + CYCLES_RECENT)
        age(c);
    c->points[c->count++] = (struct cycles_point){ cycles, ns };
}

struct cycles_point cycles_last(const struct cycles *c)
{
    return c->count > 0 ? c->points[c->count - 1] : (struct cycles_point){ 0, 0 };
}

uint64_t cycles_ns(const struct cycles *c, uint64_t cycles)
{
    if (c->count == 0 || cycles <= c->points[0].cycles)
        return c->points[0].ns;
    uint32_t low = 0, high = c->count - 1; /* points[low] < cycles */
    if (cycles >= c->points[high].cycles)
        return c->points[high].ns;
    if (high > 1 && cycles > c->points[high - 1].cycles)
        low = high - 1;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (c->points[mid].cycles < cycles)
            low = mid;
        else
            high = mid;
    }
    const struct cycles_point *from = &c->points[low], *to = &c->points[high];
    uint64_t part = cycles - from->cycles, whole = to->cycles - from->cycles, ns = to->ns - from->ns, product;
    if (!__builtin_mul_overflow(part, ns, &product))
        return from->ns + product / whole;
    return from->ns + (uint64_t)((unsigned __int128)part * ns / whole);
}

static uint64_t counter(void)
{
#if defined(__x86_64__)
    _mm_lfence();
    uint64_t cycles = __rdtsc();
    _mm_lfence();
    return cycles;
#elif defined(__aarch64__)
    uint64_t cycles;
    __asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(cycles)::"memory");
    return cycles;
#else
    return 0;
#endif
}

/* The clock is read between two readings of the counter; of a few tries the tightest counts, as this thread may be
 * stopped in one. */
struct cycles_point cycles_now(void)
{
    enum { TRIES = 3 };
    struct cycles_point best = { 0, 0 };
    uint64_t tightest = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        struct timespec ts;
        uint64_t before = counter();
        clock_gettime(CLOCK_MONOTONIC, &ts);
        uint64_t width = counter() - before;
        if (width < tightest) {
            tightest = width;
            best =
                (struct cycles_point){ before + width / 2, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec };
        }
    }
    return best;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' ' || at[length] == '\n'))
            return true;
    return false;
}

/* A kernel that finds the counter unstable takes it out of the available ones. A guest's kernel often prefers the clock
 * of its host and may not list the counter; these clocks are made from the counter, so it can be trusted as well. */
const char *cycles_judge(bool invariant, const char *current, const char *available)
{
    if (!invariant)
        return "the processor promises no counter of constant rate";
    if (current[0] == '\0' || has_word(available, "tsc") || has_word(current, "tsc") ||
        has_word(current, "kvm-clock") || has_word(current, "hyperv_clocksource_tsc_page"))
        return NULL;
    return "the kernel does not trust the processor's counter";
}

#if defined(__x86_64__)
static void read_source(const char *name, char *to, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/clocksource/clocksource0/%s_clocksource", name);
    FILE *file = fopen(path, "re");
    to[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(to, (int)size, file) == NULL)
        to[0] = '\0';
    fclose(file);
}
#endif

const char *cycles_unusable(void)
{
#if defined(__x86_64__)
    enum { LEAF = 0x80000007, INVARIANT_BIT = 8 };
    unsigned a, b, c, d = 0;
    char current[64], available[256];
    bool invariant = __get_cpuid((unsigned)LEAF, &a, &b, &c, &d) != 0 && (d >> INVARIANT_BIT & 1) != 0;
    read_source("current", current, sizeof current);
    read_source("available", available, sizeof available);
    return cycles_judge(invariant, current, available);
#elif defined(__aarch64__)
    return NULL; /* the architecture promises it of cntvct_el0 */
#else
    return "this machine has no counter that is known here";
#endif
}
