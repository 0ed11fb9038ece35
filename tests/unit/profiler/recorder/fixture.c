/* fixture.c: see fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char fixture_folder[64];
static char fixture_template[128];

int fixture_setup(void **state)
{
    (void)state;
    snprintf(fixture_folder, sizeof fixture_folder, "/tmp/test-recorder-XXXXXX");
    if (mkdtemp(fixture_folder) == NULL)
        return -1;
    snprintf(fixture_template, sizeof fixture_template, "%s/t.%%p.trk", fixture_folder);
    return 0;
}

int fixture_teardown(void **state)
{
    (void)state;
    DIR *dir = opendir(fixture_folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    return rmdir(fixture_folder);
}

void expect_ok(struct prof_error *error)
{
    if (error != NULL)
        fail_msg("%s", error->message);
}

struct recorder *start_recorder(const struct rec_options *options)
{
    struct rec_options used = { .out = fixture_template, .version = "1.2.3" };
    if (options != NULL) {
        used = *options;
        if (used.out == NULL)
            used.out = fixture_template;
    }
    struct recorder *rec = NULL;
    expect_ok(rec_create(&used, &rec));
    return rec;
}

struct trk_hello make_hello(void)
{
    return (struct trk_hello){ .magic = TRK_HELLO_MAGIC, .abi = TRK_SHM_ABI, .pid = (uint32_t)getpid() };
}

void steps(struct recorder *rec, int n)
{
    while (n-- > 0)
        rec_step(rec, -1, 1);
}

/* The calling process joins as entry 0. */
struct fake join_recorder(struct recorder *rec)
{
    struct trk_hello hello = make_hello();
    struct fake fake;
    int fd = fake_hello(rec_socket(rec), &hello);
    assert_true(fd >= 0);
    steps(rec, 2);
    assert_true(fake_welcome(fd, &fake));
    fake_claim_proc(&fake, 0, 0);
    return fake;
}

const char *path_of(struct recorder *rec, size_t i)
{
    static char path[200];
    const struct rec_result *const *results;
    size_t count = rec_results(rec, &results);
    assert_true(i < count);
    assert_non_null(results[i]->path);
    snprintf(path, sizeof path, "%s", results[i]->path);
    return path;
}

/* Ends the recorder and reads the trace that the i-th process got. */
void finish(struct recorder *rec, size_t i, struct blocks *ret)
{
    const char *path = path_of(rec, i);
    rec_destroy(rec);
    blocks_read(path, ret);
    assert_true(ret->whole);
    assert_non_null(blocks_end(ret));
}
