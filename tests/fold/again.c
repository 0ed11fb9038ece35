/* again.c: cites a type, a stack and texts at its begin and once more at its end, and nothing of it in between or in
 * what is alive then: again SECONDS, longer on a machine too busy for 500 rounds in each. A file that is folded in
 * between holds no definition of the stack and the texts.
 */
#include <stdlib.h>
#include <time.h>
#include <track/track.h>

struct rare {
    int refs;
};
struct common {
    int refs;
};
static TRK_TYPE_COUNTED(rare_type, struct rare, refs);
static TRK_TYPE_COUNTED(common_type, struct common, refs);

/* Both calls come from the same line: the stacks must be one. */
__attribute__((noinline)) static void cite(void)
{
    struct rare *rare = calloc(1, sizeof *rare);
    rare->refs = 1;
    trk_new(rare, &rare_type);
    trk_context("rarely", 17);
    trk_touch(rare, "touched rarely");
    trk_context("", 0);
    trk_del(rare);
    free(rare);
}

static void churn(void)
{
    static unsigned seed = 1;
    struct common *common = malloc(sizeof *common + (seed >> 16) % 4096); /* no two alike: blocks that grow the file */
    seed = seed * 1103515245 + 12345;
    common->refs = 1;
    trk_new(common, &common_type);
    trk_del(common);
    free(common);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    double begin = now(), seconds = argc > 1 ? atof(argv[1]) : 1;
    for (int i = 0; i < 2; i++) {
        cite();
        for (int rounds = 0; i == 0 && (now() - begin < seconds || rounds < seconds * 500); rounds++) {
            for (int k = 0; k < 100; k++)
                churn();
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
    }
    return 0;
}
