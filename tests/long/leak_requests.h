/* leak_requests.h: stands in for Valgrind's memcheck.h when its tests are compiled for us: what they ask of Valgrind is
 * asked of the recorder, where it has an answer. Requests about which bytes may be touched do nothing. */
#ifndef LEAK_REQUESTS_H
#define LEAK_REQUESTS_H
#include <stdio.h>
#include <string.h>
#include <track/track.h>

static struct trk_leak_numbers leak_numbers;
#define LEAK_ASK(what)                 ((void)trk_leak_check(what, &leak_numbers))
#define VALGRIND_DO_LEAK_CHECK         LEAK_ASK(TRK_LEAK_FULL)
#define VALGRIND_DO_QUICK_LEAK_CHECK   LEAK_ASK(TRK_LEAK_FULL)
#define VALGRIND_DO_ADDED_LEAK_CHECK   LEAK_ASK(TRK_LEAK_ADDED)
#define VALGRIND_DO_CHANGED_LEAK_CHECK LEAK_ASK(TRK_LEAK_CHANGED)
#define VALGRIND_DO_NEW_LEAK_CHECK     LEAK_ASK(TRK_LEAK_NEW)
#define LEAK_COUNT(field, leaked, dubious, reached, supp)                                                              \
    ((leaked) = (long)(leak_numbers.definite.field + leak_numbers.indirect.field),                                     \
     (dubious) = (long)leak_numbers.possible.field, (reached) = (long)leak_numbers.reachable.field,                    \
     (supp) = (long)leak_numbers.suppressed.field)
#define VALGRIND_COUNT_LEAKS(leaked, dubious, reached, supp)       LEAK_COUNT(bytes, leaked, dubious, reached, supp)
#define VALGRIND_COUNT_LEAK_BLOCKS(leaked, dubious, reached, supp) LEAK_COUNT(blocks, leaked, dubious, reached, supp)

/* Of a debugger's commands only the question about leaks; what is said stands on stderr, in the words of leak.h. */
static inline int leak_command(const char *command)
{
    if (strncmp(command, "leak_check", 10) != 0)
        return 0;
    LEAK_ASK(TRK_LEAK_FULL);
    fprintf(stderr, "leaked: %ld bytes in %ld blocks\n",
            (long)(leak_numbers.definite.bytes + leak_numbers.indirect.bytes),
            (long)(leak_numbers.definite.blocks + leak_numbers.indirect.blocks));
    fprintf(stderr, "dubious: %ld bytes in %ld blocks\n", (long)leak_numbers.possible.bytes,
            (long)leak_numbers.possible.blocks);
    fprintf(stderr, "reachable: %ld bytes in %ld blocks\n", (long)leak_numbers.reachable.bytes,
            (long)leak_numbers.reachable.blocks);
    return 0;
}
#define VALGRIND_MONITOR_COMMAND(command) leak_command(command)

#define VALGRIND_MALLOCLIKE_BLOCK(mem, size, redzone, zeroed)    trk_alloc(mem, size)
#define VALGRIND_FREELIKE_BLOCK(mem, redzone)                    trk_free(mem)
#define VALGRIND_RESIZEINPLACE_BLOCK(mem, before, size, redzone) (trk_free(mem), trk_alloc(mem, size))

/* A pool of pools hands its blocks out by MALLOCLIKE_BLOCK; here they always end with their superblock. */
#define VALGRIND_MEMPOOL_AUTO_FREE                                1
#define VALGRIND_MEMPOOL_METAPOOL                                 2
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed)            trk_pool_create(pool)
#define VALGRIND_CREATE_MEMPOOL_EXT(pool, redzone, zeroed, flags) trk_pool_create(pool)
#define VALGRIND_DESTROY_MEMPOOL(pool)                            trk_pool_destroy(pool)
#define VALGRIND_MEMPOOL_ALLOC(pool, mem, size)                   trk_pool_alloc(pool, mem, size)
#define VALGRIND_MEMPOOL_FREE(pool, mem)                          trk_pool_free(pool, mem)

/* Not told: that it becomes smaller. Tests that depend on it are not run. */
#define VALGRIND_MEMPOOL_TRIM(pool, mem, size) ((void)0)

#define VALGRIND_MAKE_MEM_NOACCESS(mem, size)  0
#define VALGRIND_MAKE_MEM_UNDEFINED(mem, size) 0
#define VALGRIND_MAKE_MEM_DEFINED(mem, size)   0
#endif
