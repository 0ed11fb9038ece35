/* addr2line.c: layer symbol as a command, to compare it with eu-addr2line and to time it.
 *
 *     symbol-addr2line FILE [-t] < hexadecimal addresses      frames, innermost first: function, file:line
 *     symbol-addr2line FILE -f TYPE OFFSET...                 fields
 *     symbol-addr2line FILE -d < addresses                    variables */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_frames(struct prof_symbols *symbols, uint64_t base, uint64_t addr)
{
    struct prof_frame frames[64];
    size_t count = prof_symbols_pc(symbols, 0, base + addr, false, frames, 64);
    printf("0x%llx\n", (unsigned long long)addr);
    for (size_t i = 0; i < count; i++)
        printf("%s\n%s:%u:%u\n", frames[i].function != NULL ? frames[i].function : "??",
               frames[i].file != NULL ? frames[i].file : "??", frames[i].line, frames[i].column);
}

int main(int argc, char **argv)
{
    static struct fake fake;
    // A program with fixed addresses is mapped where it wants to be.
    uint64_t base = argc > 2 && strcmp(argv[argc - 1], "-x") == 0 ? 0 : 0x7f0000000000;
    fake_map(&fake, 0, 0);
    char *path = argc > 1 ? realpath(argv[1], NULL) : NULL;
    if (path == NULL || !fake_elf(&fake, path, base, true))
        return 2;
    fake.source.exe = path;
    struct prof_symbols_options options = { .debuginfod = true, .symfs = getenv("SYMFS") };
    struct prof_symbols *symbols = fake_open(&fake, &options);
    if (symbols == NULL)
        return 2;
    const char *mode = argc > 2 ? argv[2] : "";
    if (strcmp(mode, "-f") == 0) {
        for (int i = 4; i < argc; i++) {
            char field[256];
            uint64_t offset = strtoull(argv[i], NULL, 0);
            bool found = prof_symbols_field(symbols, argv[3], offset, field, sizeof field);
            printf("%s\n", found ? field : "?");
        }
    } else {
        unsigned long long addr;
        double start = now();
        size_t count = 0;
        for (; scanf("%llx", &addr) == 1; count++) {
            if (strcmp(mode, "-d") == 0) {
                struct prof_place place;
                prof_symbols_place(symbols, 0, base + addr, &place);
                printf("%d %s+0x%llx\n", place.kind, place.name != NULL ? place.name : "?",
                       (unsigned long long)place.offset);
            } else if (strcmp(mode, "-t") == 0) {
                struct prof_frame frames[64];
                prof_symbols_pc(symbols, 0, base + addr, false, frames, 64);
            } else {
                print_frames(symbols, base, addr);
            }
        }
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        fprintf(stderr, "%zu addresses in %.3f s, %ld MiB\n", count, now() - start, usage.ru_maxrss >> 10);
    }
    const struct prof_symbols_gap *gaps;
    for (size_t i = prof_symbols_gaps(symbols, &gaps); i > 0; i--)
        fprintf(stderr, "%s: %s, %llu\n", gaps[i - 1].module, gaps[i - 1].what, (unsigned long long)gaps[i - 1].frames);
    prof_symbols_destroy(symbols);
    free(path);
    return 0;
}
