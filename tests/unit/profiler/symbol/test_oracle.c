/* test_oracle.c: all functions of this test program, at several addresses each, against other readers: function and
 * line of every frame, inlined ones included. Also: addresses of the running process by its real module map. */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <elfutils/libdwelf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

enum { MAX_ADDRESSES = 20000 };
static uint64_t addresses[MAX_ADDRESSES];
static size_t address_count;
static char self[4096];

// Start, thirds and last byte of every function that the linker took from our own objects.
static void gather(void)
{
    elf_version(EV_CURRENT);
    int fd = open(self, O_RDONLY);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) != NULL;) {
        GElf_Shdr shdr;
        gelf_getshdr(scn, &shdr);
        if (shdr.sh_type != SHT_SYMTAB)
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        GElf_Sym sym;
        for (int i = 0; gelf_getsym(data, i, &sym) != NULL; i++) {
            if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_size == 0 || sym.st_shndx == SHN_UNDEF)
                continue;
            for (uint64_t third = 0; third < 4 && address_count < MAX_ADDRESSES; third++)
                addresses[address_count++] = sym.st_value + (third < 3 ? sym.st_size * third / 3 : sym.st_size - 1);
        }
    }
    elf_end(elf);
    close(fd);
}

static const char *base_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path;
}

// One frame as eu-addr2line prints it, the path cut to the file's name.
static void cut_answer(char *line)
{
    char *colon = strchr(line, ':');
    char *discriminator = strstr(line, " (");
    if (discriminator != NULL)
        *discriminator = '\0';
    if (colon != NULL) {
        const char *name = base_name(line);
        memmove(line, name, strlen(name) + 1);
    }
}

static bool same_answer(FILE *answer, const struct prof_frame *frames, size_t count, char *next, size_t size)
{
    bool same = true;
    size_t i = 0;
    // Until the next address: a line with the function, a line with the place.
    while (fgets(next, (int)size, answer) != NULL && strncmp(next, "0x", 2) != 0) {
        char place[4096], want[4096];
        next[strcspn(next, "\n")] = '\0';
        if (fgets(place, sizeof place, answer) == NULL)
            break;
        place[strcspn(place, "\n")] = '\0';
        cut_answer(place);
        char *inlined = strstr(next, " inlined at ");
        if (inlined != NULL)
            *inlined = '\0';
        if (i < count) {
            const struct prof_frame *frame = &frames[i];
            snprintf(want, sizeof want, "%s:%u:%u", frame->file != NULL ? base_name(frame->file) : "??", frame->line,
                     frame->column);
            const char *function = frame->function != NULL ? frame->function : "??";
            char short_want[4096], no_line[4096];
            snprintf(no_line, sizeof no_line, "%s:?", frame->file != NULL ? base_name(frame->file) : "?");
            snprintf(short_want, sizeof short_want, "%s:%u", frame->file != NULL ? base_name(frame->file) : "??",
                     frame->line);
            same = same && strcmp(function, next) == 0 &&
                   (strcmp(want, place) == 0 || strcmp(short_want, place) == 0 ||
                    (frame->line == 0 && strcmp(no_line, place) == 0));
        }
        i++;
    }
    return same && i == count;
}

// Marks the addresses whose frames are what the tool says. Returns how many.
static size_t ask(const char *tool, struct prof_symbols *symbols, uint64_t base, bool *equal)
{
    char list[] = "/tmp/oracle-XXXXXX", command[8400], line[4096];
    FILE *file = fdopen(mkstemp(list), "w");
    for (size_t i = 0; i < address_count; i++)
        fprintf(file, "0x%llx\n", (unsigned long long)addresses[i]);
    fclose(file);
    snprintf(command, sizeof command, "%s -a -i -f -e '%s' <'%s'", tool, self, list);
    FILE *answer = popen(command, "r");
    assert_non_null(fgets(line, sizeof line, answer));
    size_t count = 0;
    for (size_t i = 0; i < address_count; i++) {
        struct prof_frame frames[64];
        size_t n = prof_symbols_pc(symbols, 0, base + addresses[i], false, frames, 64);
        assert_int_equal(strtoull(line, NULL, 16), addresses[i]);
        bool same = same_answer(answer, frames, n, line, sizeof line);
        count += same;
        equal[i] |= same;
    }
    pclose(answer);
    unlink(list);
    return count;
}

// Each of them has its gaps (inlined calls in parts that the compiler split off, units without .debug_aranges, DWARF 5
// by clang): an address is right when one agrees in every frame.
static void against_addr2line(void **state)
{
    (void)state;
    if (system("eu-addr2line --version >/dev/null 2>&1 && addr2line --version >/dev/null 2>&1") != 0)
        skip();
    gather();
    assert_true(address_count > 400);
    static struct fake f;
    static bool equal[MAX_ADDRESSES];
    fake_map(&f, 0, 0);
    uint64_t base = 0x7f1200000000;
    assert_true(fake_elf(&f, self, base, true));
    struct prof_symbols *symbols = fake_open(&f, NULL);
    size_t first = ask("eu-addr2line", symbols, base, equal), second = ask("addr2line", symbols, base, equal);
    size_t third = 0, either = 0;
    if (system("llvm-symbolizer --version >/dev/null 2>&1") == 0)
        third = ask("llvm-symbolizer --output-style=GNU", symbols, base, equal);
    for (size_t i = 0; i < address_count; i++) {
        either += equal[i];
        struct prof_frame frame;
        if (!equal[i] && prof_symbols_pc(symbols, 0, base + addresses[i], false, &frame, 1) == 1)
            print_message("differs: 0x%llx, function %s\n", (unsigned long long)addresses[i],
                          frame.function != NULL ? frame.function : "??");
    }
    prof_symbols_destroy(symbols);
    print_message("of %zu addresses %zu are as eu-addr2line has them, %zu as addr2line, %zu as llvm-symbolizer, "
                  "%zu as one of them\n",
                  address_count, first, second, third, either);
    assert_true(either * 1000 >= address_count * 999);
}

static struct fake live;
static char paths[FAKE_MODULES][512];

// /proc/self/maps as the recorder would write it: files and named areas, with the build-id of the vdso.
static void read_maps(void)
{
    fake_map(&live, 0, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    for (size_t i = 0; i < FAKE_MODULES && fgets(line, sizeof line, maps) != NULL;) {
        unsigned long long start, end, offset, inode;
        char prot[8];
        int at = 0;
        if (sscanf(line, "%llx-%llx %7s %llx %*s %llu %n", &start, &end, prot, &offset, &inode, &at) != 5)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(paths[i], sizeof paths[i], "%s", line + at);
        if (paths[i][0] == '\0')
            continue;
        const char *path = paths[i++];
        struct prof_module *module = fake_module(&live, path, start, end,
                                                 (prot[0] == 'r' ? PROT_READ : 0) | (prot[1] == 'w' ? PROT_WRITE : 0) |
                                                     (prot[2] == 'x' ? PROT_EXEC : 0));
        module->file_offset = offset;
        module->ino = inode;
        struct stat st;
        if (path[0] == '/' && stat(path, &st) == 0)
            module->dev = st.st_dev;
        if (strcmp(path, "[vdso]") == 0) {
            Elf *elf = elf_memory((char *)(uintptr_t)start, end - start);
            const void *id;
            ssize_t length = dwelf_elf_gnu_build_id(elf, &id);
            if (length > 0 && (size_t)length <= sizeof module->build_id) {
                module->build_id_len = (uint8_t)length;
                memcpy(module->build_id, id, (size_t)length);
            }
            elf_end(elf);
        }
    }
    fclose(maps);
}

static int static_variable = 3;

static __attribute__((noinline)) int inner_call(void **pcs)
{
    int count = backtrace(pcs, 20);
    __asm__ volatile("" : : "r"(pcs) : "memory"); // no tail call
    return count;
}

static int compare(const void *a, const void *b)
{
    static void *pcs[20];
    static int count;
    if (count == 0) {
        count = inner_call(pcs);
        uint64_t addresses64[20];
        for (int i = 0; i < count; i++)
            addresses64[i] = (uint64_t)(uintptr_t)pcs[i];
        fake_stack(&live, 0, (size_t)count, addresses64);
    }
    return *(const int *)a - *(const int *)b;
}

// A stack through libc (qsort), which may have no symbols but its exported ones.
static void own_process(void **state)
{
    (void)state;
    int numbers[] = { 3, 1, 2 };
    qsort(numbers, 3, sizeof numbers[0], compare);
    read_maps();
    live.source.exe = self;
    struct prof_symbols *symbols = fake_open(&live, NULL);
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(symbols, 1, &frames);
    assert_true(count >= 5);
    // A sanitizer's backtrace adds a frame of its own.
    size_t first = frames[0].function != NULL && strcmp(frames[0].function, "inner_call") == 0 ? 0 : 1;
    assert_string_equal(frames[first].function, "inner_call");
    assert_string_equal(frames[first + 1].function, "compare");
    bool through_libc = false, found = false;
    for (size_t i = first + 2; i < count; i++) {
        through_libc |= strstr(frames[i].module, "/libc") != NULL;
        found |= frames[i].function != NULL && strcmp(frames[i].function, "own_process") == 0;
    }
    assert_true(through_libc);
    assert_true(found);
    struct prof_place place;
    prof_symbols_place(symbols, 0, (uint64_t)(uintptr_t)&static_variable, &place);
    assert_int_equal(place.kind, PROF_PLACE_GLOBAL);
    assert_string_equal(place.name, "static_variable");
    prof_symbols_place(symbols, 0, (uint64_t)(uintptr_t)&place, &place);
    assert_int_equal(place.kind, PROF_PLACE_STACK);
    prof_symbols_place(symbols, 0, (uint64_t)(uintptr_t)&addresses[MAX_ADDRESSES - 1], &place);
    assert_string_equal(place.name, "addresses");
    assert_int_equal(place.offset, (MAX_ADDRESSES - 1) * sizeof addresses[0]);
    // The vdso is an ELF file without a file.
    for (size_t i = 0; i < live.maps[0].count; i++) {
        const struct prof_module *module = &live.modules[0][i];
        if (strcmp(module->path, "[vdso]") != 0 || module->build_id_len == 0)
            continue;
        struct prof_frame frame;
        bool named = false;
        for (uint64_t at = module->start; at < module->end && !named; at += 16)
            named = prof_symbols_pc(symbols, 0, at, false, &frame, 1) == 1 && frame.function != NULL &&
                    strstr(frame.function, "clock_gettime") != NULL;
        assert_true(named);
    }
    prof_symbols_destroy(symbols);
    (void)static_variable;
}

#if defined(__x86_64__)
// A function that is interrupted at its first instruction: one byte before it, another one ends.
__asm__(".text\n"
        ".type faults_at_once, @function\n"
        "faults_at_once:\n"
        ".cfi_startproc\n"
        "ud2\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size faults_at_once, . - faults_at_once\n");
void faults_at_once(void);

static void *interrupted[20];
static int interrupted_count;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    interrupted_count = backtrace(interrupted, 20);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static void signal_frames(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* the sanitizer calls handlers itself, from frames of its own */
#endif
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, before;
    sigaction(SIGILL, &action, &before);
    faults_at_once();
    sigaction(SIGILL, &before, NULL);
    memset(&live, 0, sizeof live);
    read_maps();
    uint64_t pcs[20];
    for (int i = 0; i < interrupted_count; i++)
        pcs[i] = (uint64_t)(uintptr_t)interrupted[i];
    uint32_t id = fake_stack(&live, 0, (size_t)interrupted_count, pcs);
    struct prof_symbols *symbols = fake_open(&live, NULL);
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(symbols, id, &frames);
    size_t at = 0;
    while (at < count && (frames[at].function == NULL || strcmp(frames[at].function, "on_fault") != 0))
        at++;
    assert_true(at + 3 < count);
    assert_string_equal(frames[at + 1].function, "__restore_rt");
    assert_string_equal(frames[at + 2].function, "faults_at_once");
    assert_string_equal(frames[at + 3].function, "signal_frames");
    prof_symbols_destroy(symbols);
}
#endif

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_addr2line),
        cmocka_unit_test(own_process),
#if defined(__x86_64__)
        cmocka_unit_test(signal_frames),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
