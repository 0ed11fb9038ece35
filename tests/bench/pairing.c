/* What is learned about pairs of takings and releases, measured. `pairing quality SEEDS` prints how often planted bugs
 * are found, by sort of program; `pairing speed EVENTS` how long EVENTS reference events of one type take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <workload.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void quality(unsigned seeds)
{
    static const struct {
        const char *name;
        struct work_options options;
    } sorts[] = {
        { "one", { .bugs = 1, .callers = true, .order = true, .alike = true } },
        { "unnamed", { .bugs = 1, .callers = true, .order = true } },
        { "leaf", { .bugs = 1, .order = true, .alike = true } },
        { "two", { .bugs = 2, .callers = true, .order = true, .alike = true } },
        { "detour", { .bugs = 1, .detour = 0.2, .callers = true, .order = true, .alike = true } },
        { "both", { .bugs = 2, .detour = 0.2, .callers = true, .order = true, .alike = true } },
    };
    static const unsigned objects[] = { 15, 60, 400 }, refs[] = { 3, 8, 30 };
    static const double missing[] = { 0.01, 0.05, 0.15, 0.5 };

    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        struct work_tally t[WORK_CLASSES] = { 0 };
        for (size_t i = 0; i < 3 * 3 * 4; i++) {
            struct work_options o = sorts[s].options;
            o.objects = objects[i / 12];
            o.refs = refs[i / 4 % 3];
            o.missing = missing[i % 4];
            work_measure(&o, seeds, t);
        }
        for (size_t c = 0; c < WORK_CLASSES; c++)
            printf("%s_%zu %u %u %u %u %u %u %u %u\n", sorts[s].name, c, t[c].runs, t[c].first, t[c].alone,
                   t[c].alone_wrong, t[c].missing, t[c].missing_wrong, t[c].oldest, t[c].newest);
    }
}

static void speed(unsigned long events)
{
    struct work_options o = {
        .objects = 20000, .refs = 8, .missing = 0.05, .bugs = 1, .callers = true, .order = true, .alike = true
    };
    struct work w;
    unsigned long done = 0;
    struct pairing_entry entries[PAIRING_ENTRIES_MOST];
    struct pairing *pairing = pairing_create(NULL);
    double add = 0, solve = 0;

    for (uint32_t seed = 0; pairing != NULL && done < events; seed++) {
        work_make(&o, seed, &w);
        double begin = now();
        for (size_t i = 0; i < w.count; i++) {
            size_t n = work_entries(&w.lives[i], true, entries);
            if (!pairing_add(pairing, entries, n, 1))
                abort();
            done += w.lives[i].count;
        }
        add += now() - begin;
        work_deinit(&w);
    }
    double begin = now();
    if (pairing == NULL || !pairing_solve(pairing))
        abort();
    solve = now() - begin;
    printf("events %lu add %f solve %f\n", done, add, solve);
    pairing_destroy(pairing);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "quality") == 0)
        quality((unsigned)atoi(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "speed") == 0)
        speed(strtoul(argv[2], NULL, 10));
    else
        return 2;
    return 0;
}
