/* test_symbols.c: functions, lines, inlined frames, sites, variables and what is missing, on small libraries. */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <symbol/site.h>

static const uint64_t base = 0x7f1200000000;
static struct fake f;
static struct prof_symbols *symbols;
static struct prof_frame frames[16];

static int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    fake_map(&f, 0, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    prof_symbols_destroy(symbols);
    symbols = NULL;
    return 0;
}

static void open_one(const char *name, bool with_id)
{
    assert_true(fake_elf(&f, fixture(name), base, with_id));
    symbols = fake_open(&f, NULL);
    assert_non_null(symbols);
}

static uint64_t address(const char *function)
{
    uint64_t value = fake_symbol(fixture("full.so"), function, NULL);
    assert_int_not_equal(value, 0);
    return base + value;
}

static const struct prof_symbols_gap *only_gap(void)
{
    const struct prof_symbols_gap *gaps;
    assert_int_equal(prof_symbols_gaps(symbols, &gaps), 1);
    return gaps;
}

// The address behind the first call in a function: what a stack holds.
static uint64_t return_into(const char *function)
{
    uint64_t size = 0, value = fake_symbol(fixture("full.so"), function, &size);
    unsigned char code[256];
    int fd = open(fixture("full.so"), O_RDONLY);
    assert_true(size <= sizeof code &&
                pread(fd, code, size, (off_t)value) == (ssize_t)size); // .text: offset == address
    close(fd);
    for (size_t i = 0; i + 5 <= size; i++) {
        int32_t distance;
        memcpy(&distance, code + i + 1, sizeof distance);
        uint64_t target = value + i + 5 + (uint64_t)(int64_t)distance;
        if (code[i] == 0xe8 && target > 0x1000 && target < 0x2000)
            return base + value + i + 5;
    }
    fail_msg("no call in %s", function);
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    return text != NULL && strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

// Inlined calls of shape_outer: name, file, line, and which frame is the machine's.
static void check_outer(const char *name)
{
    uint64_t pc = return_into("shape_outer");
    size_t count = prof_symbols_pc(symbols, 0, pc, true, frames, 16);
    assert_int_equal(count, 3);
    static const char *const functions[] = { "deepest", "middle", "shape_outer" };
    static const uint32_t lines[] = { 101, 201, 301 };
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(frames[i].function, functions[i]);
        assert_int_equal(frames[i].line, lines[i]);
        assert_true(ends_with(frames[i].file, "/fixture/shape.c"));
        assert_int_equal(frames[i].file[0], '/');
        assert_null(strstr(frames[i].file, "/../"));
        assert_string_equal(frames[i].module, fixture(name));
        assert_int_equal(frames[i].pc, pc);
        assert_int_equal(frames[i].offset, pc - base);
        assert_int_equal(frames[i].inlined, i < 2);
        assert_false(frames[i].wrapper);
    }
    // Without room the function itself stays.
    assert_int_equal(prof_symbols_pc(symbols, 0, pc, true, frames, 2), 2);
    assert_string_equal(frames[0].function, "deepest");
    assert_string_equal(frames[1].function, "shape_outer");
    const struct prof_symbols_gap *gaps;
    assert_int_equal(prof_symbols_gaps(symbols, &gaps), 0);
}

static void full(void **state)
{
    (void)state;
    open_one("full.so", true);
    check_outer("full.so");
}

static void without_build_id(void **state)
{
    (void)state;
    open_one("noid.so", false);
    check_outer("noid.so");
}

static void debuglink_by_build_id(void **state)
{
    (void)state;
    open_one("link.so", true);
    check_outer("link.so");
}

static void debuglink_by_checksum(void **state)
{
    (void)state;
    open_one("crc.so", true);
    check_outer("crc.so");
}

static void split_dwarf(void **state)
{
    (void)state;
    open_one("split.so", true);
    uint64_t size = 0, value = fake_symbol(fixture("split.so"), "shape_outer", &size);
    bool found = false;
    for (uint64_t at = 0; at < size && !found; at++) {
        size_t count = prof_symbols_pc(symbols, 0, base + value + at, false, frames, 16);
        found = count == 3 && strcmp(frames[0].function, "deepest") == 0 && frames[2].line == 301 &&
                strcmp(frames[2].function, "shape_outer") == 0 && ends_with(frames[1].file, "shape.c");
    }
    assert_true(found);
    char field[32];
    assert_true(prof_symbols_field(symbols, "struct shape", 8, field, sizeof field));
    assert_string_equal(field, "next");
}

// A server made of files. Only when it is allowed and named.
static void debuginfod(void **state)
{
    (void)state;
    void *client = dlopen("libdebuginfod.so.1", RTLD_LAZY);
    if (client == NULL)
        skip();
    char folder[] = "/tmp/debuginfod-XXXXXX", command[2048], url[128], cache[128], id[64] = "";
    assert_non_null(mkdtemp(folder));
    assert_true(fake_elf(&f, fixture("stripped.so"), base, true));
    for (size_t i = 0; i < f.modules[0][0].build_id_len; i++)
        snprintf(id + 2 * i, 3, "%02x", f.modules[0][0].build_id[i]);
    snprintf(command, sizeof command, "mkdir -p %s/buildid/%s && cp %s %s/buildid/%s/debuginfo", folder, id,
             fixture("link.debug"), folder, id);
    assert_int_equal(system(command), 0);
    snprintf(url, sizeof url, "file://%s", folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    setenv("DEBUGINFOD_URLS", url, 1);
    setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
    uint64_t pc = return_into("shape_outer");
    symbols = fake_open(&f, NULL);
    assert_int_equal(prof_symbols_pc(symbols, 0, pc, true, frames, 16), 1);
    assert_int_not_equal(access(cache, F_OK), 0);
    prof_symbols_destroy(symbols);
    symbols = fake_open(&f, &(struct prof_symbols_options){ .debuginfod = true });
    assert_int_equal(prof_symbols_pc(symbols, 0, pc, true, frames, 16), 3);
    assert_string_equal(frames[0].function, "deepest");
    unsetenv("DEBUGINFOD_URLS");
    unsetenv("DEBUGINFOD_CACHE_PATH");
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    dlclose(client);
}

static void check_exported_only(void)
{
    assert_int_equal(prof_symbols_pc(symbols, 0, address("shape_outer") + 4, false, frames, 16), 1);
    assert_string_equal(frames[0].function, "shape_outer");
    assert_null(frames[0].file);
    assert_int_equal(frames[0].line, 0);
    // A static function lies between exported ones, outside of all of them.
    assert_int_equal(prof_symbols_pc(symbols, 0, address("hidden_static") + 4, false, frames, 16), 1);
    assert_null(frames[0].function);
    const struct prof_symbols_gap *gap = only_gap();
    assert_int_equal(strncmp(gap->what, "no debug information", 20), 0);
    assert_int_equal(gap->frames, 2);
}

static void stripped(void **state)
{
    (void)state;
    open_one("stripped.so", true);
    check_exported_only();
    assert_non_null(strstr(only_gap()->what, "(build-id "));
}

static void debuglink_of_another_build(void **state)
{
    (void)state;
    open_one("wrong.so", true);
    check_exported_only();
}

static void debuglink_with_another_checksum(void **state)
{
    (void)state;
    open_one("badcrc.so", true);
    check_exported_only();
}

static void minidebuginfo(void **state)
{
    (void)state;
    if (access(fixture("mini.so"), R_OK) != 0)
        skip();
    open_one("mini.so", true);
    assert_int_equal(prof_symbols_pc(symbols, 0, address("hidden_static") + 4, false, frames, 16), 1);
    assert_string_equal(frames[0].function, "hidden_static");
    teardown(NULL);
    setup(NULL);
    open_one("badmini.so", true);
    check_exported_only();
}

static void other_build_is_refused(void **state)
{
    (void)state;
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    for (size_t i = 0; i < f.maps[0].count; i++)
        f.modules[0][i].build_id[3] ^= 1;
    symbols = fake_open(&f, NULL);
    uint64_t pc = address("shape_outer") + 4;
    assert_int_equal(prof_symbols_pc(symbols, 0, pc, false, frames, 16), 1);
    assert_null(frames[0].function);
    assert_int_equal(frames[0].offset, pc - base);
    assert_string_equal(frames[0].module, fixture("full.so"));
    assert_non_null(strstr(only_gap()->what, "another build"));
}

static void other_inode_is_refused(void **state)
{
    (void)state;
    assert_true(fake_elf(&f, fixture("noid.so"), base, false));
    for (size_t i = 0; i < f.maps[0].count; i++)
        f.modules[0][i].ino += 1;
    symbols = fake_open(&f, NULL);
    prof_symbols_pc(symbols, 0, address("shape_outer"), false, frames, 16);
    assert_null(frames[0].function);
    assert_non_null(strstr(only_gap()->what, "replaced"));
}

// Written after it was mapped: the same inode, but not what ran.
static void changed_file_is_refused(void **state)
{
    (void)state;
    f.source.created_ns = 1000000000; // 1970
    open_one("noid.so", false);
    prof_symbols_pc(symbols, 0, address("shape_outer"), false, frames, 16);
    assert_null(frames[0].function);
}

static void symfs(void **state)
{
    (void)state;
    static char target[] = "/nowhere/lib/full.so";
    char folder[] = "/tmp/symfs-XXXXXX", command[1024];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "mkdir -p %s/nowhere/lib && cp %s %s/nowhere/lib/", folder, fixture("full.so"),
             folder);
    assert_int_equal(system(command), 0);
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    for (size_t i = 0; i < f.maps[0].count; i++) {
        if (f.modules[0][i].path[0] != '\0')
            f.modules[0][i].path = target;
    }
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s/", folder);
    symbols = fake_open(&f, &(struct prof_symbols_options){ .symfs = prefix });
    assert_int_equal(prof_symbols_pc(symbols, 0, return_into("shape_outer"), true, frames, 16), 3);
    assert_string_equal(frames[2].function, "shape_outer");
    assert_string_equal(frames[2].module, target);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void no_symbols(void **state)
{
    (void)state;
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    symbols = fake_open(&f, &(struct prof_symbols_options){ .no_symbols = true });
    uint64_t pc = return_into("shape_outer");
    assert_int_equal(prof_symbols_pc(symbols, 0, pc, true, frames, 16), 1);
    assert_null(frames[0].function);
    assert_int_equal(frames[0].offset, pc - base);
    char field[64];
    assert_false(prof_symbols_field(symbols, "struct shape", 0, field, sizeof field));
    struct prof_place place;
    prof_symbols_place(symbols, 0, base + fake_symbol(fixture("full.so"), "shape_names", NULL), &place);
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    assert_null(place.name);
}

// Names of a trace that must not be waited for, acted on, or believed. A hang ends by the alarm.
static void hostile_paths(void **state)
{
    (void)state;
    char folder[] = "/tmp/symbol-XXXXXX", fifo[64], sparse[64], folder_name[64], text[64], deep[5000];
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    snprintf(sparse, sizeof sparse, "%s/sparse", folder);
    snprintf(text, sizeof text, "%s/text", folder);
    snprintf(folder_name, sizeof folder_name, "%s/", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int fd = open(sparse, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    close(fd);
    fd = open(text, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "\177ELF is how it begins and then it goes on as it likes, for long enough", 70), 70);
    close(fd);
    memset(deep, 'a', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    const char *const paths[] = {
        fifo,
        sparse,
        folder_name,
        text,
        deep,
        "/dev/zero",
        "/dev/tty",
        "/dev/stdin",
        "/proc/kmsg",
        "/proc/kcore",
        "/proc/self/mem",
        "/sys/kernel/notes",
        "relative",
        "/",
        "[vdso]",
        "[heap] (deleted)",
        " (deleted)",
        "//anon",
        "/proc/self/fd/0",
        "/proc/self/fd",
        "/memfd:x (deleted)",
    };
    enum { COUNT = sizeof paths / sizeof paths[0] };
    for (size_t i = 0; i < COUNT; i++)
        fake_module(&f, paths[i], 0x10000 * (i + 1), 0x10000 * (i + 1) + 0x8000, PROT_READ | PROT_EXEC)->ino = i + 1;
    symbols = fake_open(&f, NULL);
    alarm(20);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(prof_symbols_pc(symbols, 0, 0x10000 * (i + 1) + 5, true, frames, 16), 1);
        assert_null(frames[0].function);
        struct prof_place place;
        prof_symbols_place(symbols, 0, 0x10000 * (i + 1) + 5, &place);
    }
    char field[64];
    assert_false(prof_symbols_field(symbols, "struct shape", 0, field, sizeof field));
    alarm(0);
    unlink(fifo);
    unlink(sparse);
    unlink(text);
    rmdir(folder);
}

// Damaged files of the right name: nothing may crash, whatever byte is wrong.
static void damaged_files(void **state)
{
    (void)state;
    int fd = open(fixture("noid.so"), O_RDONLY);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    size_t whole = (size_t)st.st_size;
    char *bytes = malloc(whole);
    assert_int_equal(read(fd, bytes, whole), whole);
    close(fd);
    char path[] = "/tmp/damaged-XXXXXX";
    fd = mkstemp(path);
    srand(11);
    for (int round = 0; round < 300; round++) {
        setup(NULL);
        size_t size = round % 3 == 0 ? (size_t)rand() % whole : whole;
        char *copy = malloc(whole);
        memcpy(copy, bytes, whole);
        for (int i = rand() % 30; i > 0; i--) { // half of them in the headers
            size_t at = (size_t)rand() % (i % 2 ? 4096 : whole);
            copy[at] = (char)rand();
        }
        assert_true(ftruncate(fd, 0) == 0 && pwrite(fd, copy, size, 0) == (ssize_t)size && fstat(fd, &st) == 0);
        free(copy);
        struct prof_module *module = fake_module(&f, path, base, base + 0x100000, PROT_READ | PROT_EXEC);
        module->dev = st.st_dev;
        module->ino = st.st_ino;
        symbols = fake_open(&f, NULL);
        for (uint64_t at = 0; at < 0x4000; at += 0x90) {
            prof_symbols_pc(symbols, 0, base + at, true, frames, 16);
            struct prof_place place;
            prof_symbols_place(symbols, 0, base + at * 4, &place);
        }
        char field[64];
        for (uint64_t at = 0; at < 200; at += 8)
            prof_symbols_field(symbols, "shape", at, field, sizeof field);
        teardown(NULL);
    }
    close(fd);
    unlink(path);
    free(bytes);
}

static void generations(void **state)
{
    (void)state;
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    fake_map(&f, 1, 100);
    assert_true(fake_elf(&f, fixture("stripped.so"), base, true));
    symbols = fake_open(&f, NULL);
    uint64_t pc = return_into("shape_outer");
    for (int i = 0; i < 2; i++) { // the second time from the cache
        assert_int_equal(prof_symbols_pc(symbols, 0, pc, true, frames, 16), 3);
        assert_string_equal(frames[0].module, fixture("full.so"));
        assert_int_equal(prof_symbols_pc(symbols, 1, pc, true, frames, 16), 1);
        assert_string_equal(frames[0].module, fixture("stripped.so"));
    }
}

static void outside_of_modules(void **state)
{
    (void)state;
    fake_module(&f, "", 0x5000, 0x6000, PROT_READ | PROT_EXEC);
    open_one("full.so", true);
    assert_int_equal(prof_symbols_pc(symbols, 0, 0x1234, true, frames, 16), 1);
    assert_string_equal(frames[0].module, "");
    assert_int_equal(frames[0].pc, 0x1234);
    assert_null(frames[0].function);
    assert_int_equal(prof_symbols_pc(symbols, 0, 0x5010, true, frames, 16), 1);
    assert_string_equal(frames[0].module, "[jit]");
    assert_int_equal(frames[0].offset, 0x10);
    assert_int_equal(prof_symbols_pc(symbols, 0, 0, true, frames, 16), 1);
    assert_int_equal(prof_symbols_pc(symbols, 0, UINT64_MAX, true, frames, 16), 1);
}

static const char *site_name(uint32_t stack)
{
    const struct prof_frame *frame = prof_symbols_site_frame(symbols, stack), *all;
    size_t count = prof_symbols_stack(symbols, stack, &all), site = prof_symbols_site(symbols, stack);
    assert_true(site < count);
    assert_ptr_equal(frame->function, all[site].function);
    assert_int_equal(frame->pc, all[site].pc);
    return frame->function;
}

static void stacks_and_sites(void **state)
{
    (void)state;
    uint64_t outer = return_into("shape_outer"), entry = return_into("shape_entry");
    uint64_t in_section = address("shape_ref_it") + 1, wrapped = address("my_wrapper_ref") + 1;
    uint32_t plain = fake_stack(&f, 0, 2, (uint64_t[]){ outer, entry });
    uint32_t section = fake_stack(&f, 0, 2, (uint64_t[]){ in_section, entry });
    uint32_t pattern = fake_stack(&f, 0, 3, (uint64_t[]){ in_section, wrapped, entry });
    uint32_t inner = fake_stack(&f, 0, 3, (uint64_t[]){ entry, wrapped, entry });
    uint32_t all_wrappers = fake_stack(&f, 0, 2, (uint64_t[]){ wrapped, in_section });
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    symbols = fake_open(
        &f, &(struct prof_symbols_options){ .wrappers = (const char *const[]){ "nothing", "my_*_ref", NULL } });
    const struct prof_frame *all;
    assert_int_equal(prof_symbols_stack(symbols, plain, &all), 4);
    assert_string_equal(all[0].function, "deepest");
    assert_string_equal(all[3].function, "shape_entry");
    const struct prof_frame *again;
    assert_int_equal(prof_symbols_stack(symbols, plain, &again), 4);
    assert_ptr_equal(all, again);
    assert_string_equal(site_name(plain), "deepest");
    assert_string_equal(site_name(section), "shape_entry");
    assert_string_equal(site_name(pattern), "shape_entry");
    assert_int_equal(prof_symbols_site(symbols, pattern), 2);
    assert_int_equal(prof_symbols_stack(symbols, pattern, &all), 3);
    assert_true(all[0].wrapper && all[1].wrapper && !all[2].wrapper);
    assert_string_equal(site_name(inner), "shape_entry"); // only leading wrappers are skipped
    assert_int_equal(prof_symbols_site(symbols, inner), 0);
    assert_int_equal(prof_symbols_site(symbols, all_wrappers), 0);
    assert_string_equal(site_name(all_wrappers), "my_wrapper_ref");
    // Unknown stacks.
    for (uint32_t id = 0; id < 200; id += 199) {
        assert_int_equal(prof_symbols_stack(symbols, id, &all), 0);
        assert_non_null(all);
        assert_int_equal(prof_symbols_site(symbols, id), 0);
        assert_non_null(prof_symbols_site_frame(symbols, id));
        assert_null(prof_symbols_site_frame(symbols, id)->function);
        assert_string_equal(prof_symbols_site_frame(symbols, id)->module, "");
    }
}

// What libc allocates for its callers is theirs; what it allocates before main() and behind it is its own.
static void sites_are_outside_of_libc(void **state)
{
    (void)state;
    const uint64_t libc = 0x10000000, start = 0x20000000;
    uint64_t outer = return_into("shape_outer"), entry = return_into("shape_entry");
    uint64_t wrapped = address("my_wrapper_ref") + 1, unnamed = address("hidden_static") + 1 + start;
    uint32_t called = fake_stack(&f, 0, 3, (uint64_t[]){ outer + libc, entry + libc, entry });
    uint32_t wrapper = fake_stack(&f, 0, 3, (uint64_t[]){ outer + libc, wrapped, entry });
    uint32_t alone = fake_stack(&f, 0, 2, (uint64_t[]){ outer + libc, entry + libc });
    uint32_t back = fake_stack(&f, 0, 3, (uint64_t[]){ entry, outer + libc, entry });
    uint32_t before_main = fake_stack(&f, 0, 2, (uint64_t[]){ outer + libc, unnamed });
    uint32_t cut = fake_stack(&f, 0, 2, (uint64_t[]){ outer + libc, unnamed });
    f.stacks[cut - 1].flags = TRK_STACK_TRUNCATED;
    f.source.wrappers = "my_wrapper_ref";
    assert_true(fake_elf(&f, fixture("libc.so.6"), base + libc, true));
    assert_true(fake_elf(&f, fixture("stripped.so"), base + start, true));
    open_one("full.so", true);
    assert_string_equal(site_name(called), "shape_entry");
    assert_int_equal(prof_symbols_site(symbols, called), 4);
    assert_int_equal(prof_symbols_site_frame(symbols, called)->pc, entry);
    assert_int_equal(prof_symbols_inner(symbols, called), 0);
    assert_string_equal(prof_symbols_inner_frame(symbols, called)->function, "deepest");
    assert_int_equal(prof_symbols_site(symbols, wrapper), 4);
    assert_int_equal(prof_symbols_site_frame(symbols, wrapper)->pc, entry);
    assert_int_equal(prof_symbols_site(symbols, alone), 0);
    assert_string_equal(site_name(alone), "deepest");
    assert_int_equal(prof_symbols_site(symbols, back), 0);
    assert_int_equal(prof_symbols_site(symbols, before_main), 0);
    assert_int_equal(prof_symbols_site(symbols, cut), 3);
    assert_null(prof_symbols_site_frame(symbols, cut)->function);
}

// The same for a library that the trace hides; without that, what it does is its own.
static void sites_are_outside_of_hidden_modules(void **state)
{
    (void)state;
    const uint64_t library = 0x10000000;
    uint64_t outer = return_into("shape_outer"), entry = return_into("shape_entry");
    uint32_t called = fake_stack(&f, 0, 3, (uint64_t[]){ outer + library, entry + library, entry });
    uint32_t alone = fake_stack(&f, 0, 2, (uint64_t[]){ outer + library, entry + library });
    assert_true(fake_elf(&f, fixture("stripped.so"), base + library, true));
    f.source.hidden = "libother.so|strip*.so";
    open_one("full.so", true);
    assert_int_equal(prof_symbols_site_frame(symbols, called)->pc, entry);
    assert_int_equal(prof_symbols_inner_frame(symbols, called)->pc, outer + library);
    assert_int_equal(prof_symbols_site(symbols, alone), 0);
    prof_symbols_destroy(symbols);
    f.source.hidden = "strip|full.so.1|";
    symbols = fake_open(&f, NULL);
    assert_int_equal(prof_symbols_site(symbols, called), 0);
}

static void names_of_hidden_modules(void **state)
{
    (void)state;
    assert_true(prof_site_is_hidden("a.so|libb.so.*", "/usr/lib/libb.so.1"));
    assert_true(prof_site_is_hidden("a.so|libb.so.*", "a.so"));
    assert_true(prof_site_is_hidden("libb.so.1", "/usr/lib/libb.so.1.22.0"));
    assert_false(prof_site_is_hidden("libb.so.1", "/usr/lib/libb.so.12"));
    assert_false(prof_site_is_hidden("a.so|libb.so.*", "/a.so/app"));
    assert_false(prof_site_is_hidden("*", ""));
    assert_false(prof_site_is_hidden("", "/usr/lib/libb.so.1"));
    assert_false(prof_site_is_hidden(NULL, "/usr/lib/libb.so.1"));
}

static void names_of_libc(void **state)
{
    (void)state;
    static const char *const libc[] = {
        "/lib/x86_64-linux-gnu/libc.so.6", "/lib/libc-2.31.so",         "/lib/ld-linux-x86-64.so.2", "/lib/ld-2.31.so",
        "/lib/libc.musl-x86_64.so.1",      "/lib/ld-musl-aarch64.so.1", "/lib/libpthread.so.0",      "libc.so"
    };
    static const char *const others[] = { "/usr/lib/libcairo.so.2", "/usr/lib/libc-client.so.2007e", "/usr/bin/ld-app",
                                          "/opt/libc.so.6/app",     "/usr/lib/libcurl.so.4",         "" };
    for (size_t i = 0; i < sizeof libc / sizeof *libc; i++)
        assert_true(prof_site_is_libc(libc[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(prof_site_is_libc(others[i]));
}

// A wrapper that the recording named.
static void wrappers_of_the_trace(void **state)
{
    (void)state;
    uint32_t stack = fake_stack(&f, 0, 2, (uint64_t[]){ address("my_wrapper_ref") + 1, return_into("shape_entry") });
    f.source.wrappers = "x:my_wrapper_ref,y";
    open_one("full.so", true);
    assert_string_equal(site_name(stack), "shape_entry");
}

static struct prof_place place_of(const char *name, uint64_t offset)
{
    struct prof_place place;
    uint64_t value = fake_symbol(fixture("full.so"), name, NULL);
    prof_symbols_place(symbols, 0, base + value + offset, &place);
    return place;
}

static void places(void **state)
{
    (void)state;
    fake_module(&f, "[heap]", 0x600000, 0x621000, PROT_READ | PROT_WRITE);
    assert_true(fake_elf(&f, fixture("full.so"), base, true));
    fake_module(&f, "[stack]", 0x7fff00100000, 0x7fff00121000, PROT_READ | PROT_WRITE);
    symbols = fake_open(&f, NULL);
    struct prof_place place = place_of("shape_names", 8);
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    assert_string_equal(place.name, "shape_names");
    assert_int_equal(place.offset, 8);
    assert_string_equal(place.module, fixture("full.so"));
    place = place_of("shape_big", 39992); // .bss
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    assert_string_equal(place.name, "shape_big");
    assert_int_equal(place.offset, 39992);
    place = place_of("shape_list", 0); // static
    assert_string_equal(place.name, "shape_list");
    place = place_of("shape_outer", 3);
    assert_int_equal(place.kind, PROF_PLACE_CODE);
    assert_string_equal(place.name, "shape_outer");
    static const struct {
        uint64_t addr;
        enum prof_place_kind kind;
    } others[] = {
        { 0x600010, PROF_PLACE_HEAP },          { 0x700010, PROF_PLACE_HEAP },        // grown since
        { 0x7fff00110000, PROF_PLACE_STACK },   { 0x7fff000f0000, PROF_PLACE_STACK }, // grown since
        { 0x7ffe00000000, PROF_PLACE_UNKNOWN }, { 0x7fff00130000, PROF_PLACE_UNKNOWN },
        { 0x10, PROF_PLACE_UNKNOWN },           { 0x7f1300000000, PROF_PLACE_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        prof_symbols_place(symbols, 0, others[i].addr, &place);
        assert_int_equal(place.kind, others[i].kind);
        assert_non_null(place.module);
    }
}

static void stripped_places(void **state)
{
    (void)state;
    open_one("stripped.so", true);
    struct prof_place place = place_of("shape_names", 8);
    assert_string_equal(place.name, "shape_names");
    place = place_of("shape_list", 0); // static, and no symbols for it
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    assert_null(place.name);
}

// The real vdso of this process, by its build-id.
static void vdso(void **state)
{
    (void)state;
    fake_module(&f, "[vdso]", 0x1000, 0x3000, PROT_READ | PROT_EXEC);
    symbols = fake_open(&f, NULL);
    prof_symbols_pc(symbols, 0, 0x1800, false, frames, 16);
    assert_string_equal(frames[0].module, "[vdso]");
    assert_null(frames[0].function); // no build-id: not believed
    const struct prof_symbols_gap *gaps;
    assert_int_equal(prof_symbols_gaps(symbols, &gaps), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(full),
        TEST(without_build_id),
        TEST(debuglink_by_build_id),
        TEST(debuglink_by_checksum),
        TEST(split_dwarf),
        TEST(debuginfod),
        TEST(stripped),
        TEST(debuglink_of_another_build),
        TEST(debuglink_with_another_checksum),
        TEST(minidebuginfo),
        TEST(other_build_is_refused),
        TEST(other_inode_is_refused),
        TEST(changed_file_is_refused),
        TEST(symfs),
        TEST(no_symbols),
        TEST(hostile_paths),
        TEST(damaged_files),
        TEST(generations),
        TEST(outside_of_modules),
        TEST(stacks_and_sites),
        TEST(sites_are_outside_of_libc),
        TEST(sites_are_outside_of_hidden_modules),
        TEST(names_of_hidden_modules),
        TEST(names_of_libc),
        TEST(wrappers_of_the_trace),
        TEST(places),
        TEST(stripped_places),
        TEST(vdso),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
