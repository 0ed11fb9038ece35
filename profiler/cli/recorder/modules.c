/* modules.c: module maps: the lines of /proc/PID/maps that a process reported, with the build-ids of the files.
 *
 * Files are opened only to read their build-id, through the process's own root where that is allowed, and only when
 * they are the regular file that is mapped. Build-ids are remembered per file: many processes map the same libraries.
 */
#include "private.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { CACHE_SLOTS = 256, MODULES_MAX = 65536 };

struct build_id {
    uint64_t dev, ino;
    int64_t mtime_ns;
    uint8_t length; /* 0: the file has none */
    uint8_t bytes[23];
};

/* One cache for all recorders of the process, direct-mapped. */
static struct build_id cache[CACHE_SLOTS];

static void find_note(Elf *elf, struct build_id *id)
{
    size_t count;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count && i < 256; i++) {
        GElf_Phdr phdr;
        if (gelf_getphdr(elf, (int)i, &phdr) == NULL || phdr.p_type != PT_NOTE || phdr.p_filesz > (1 << 20))
            continue;
        Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset, phdr.p_filesz,
                                              phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
        GElf_Nhdr note;
        size_t name, desc;
        for (size_t at = 0; data != NULL && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0;) {
            if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
                memcmp((const char *)data->d_buf + name, "GNU", 4) != 0)
                continue;
            id->length = note.n_descsz < sizeof id->bytes ? (uint8_t)note.n_descsz : sizeof id->bytes;
            memcpy(id->bytes, (const char *)data->d_buf + desc, id->length);
            return;
        }
    }
}

static void read_build_id(int fd, struct build_id *id)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL)
        return;
    if (elf_kind(elf) == ELF_K_ELF)
        find_note(elf, id);
    elf_end(elf);
}

static int open_module(pid_t pid, const char *path)
{
    char rooted[4200];
    snprintf(rooted, sizeof rooted, "/proc/%d/root%s", (int)pid, path);
    int fd = open(rooted, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Fills in the build-id of the file behind a mapping. */
static void identify(pid_t pid, struct prof_module *module)
{
    if (module->path[0] != '/' || module->ino == 0)
        return;
    int fd = open_module(pid, module->path);
    struct stat st;
    if (fd < 0)
        return;
    /* Overlay file systems show another device in maps than stat does; the inode has to do there. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == module->ino) {
        struct build_id *id = &cache[(st.st_ino ^ st.st_dev * 31) % CACHE_SLOTS];
        int64_t mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        if (id->dev != st.st_dev || id->ino != st.st_ino || id->mtime_ns != mtime_ns) {
            *id = (struct build_id){ .dev = st.st_dev, .ino = st.st_ino, .mtime_ns = mtime_ns };
            read_build_id(fd, id);
        }
        module->build_id_len = id->length;
        memcpy(module->build_id, id->bytes, id->length);
    }
    close(fd);
}

/* One line of maps; false: not a mapping we list. The path points into the line. */
static bool parse_line(char *line, struct prof_module *ret)
{
    struct prof_module m = { 0 };
    char perms[5] = "";
    unsigned major_, minor_;
    int path = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m.start, &m.end, perms,
               &m.file_offset, &major_, &minor_, &m.ino, &path) < 7 ||
        path == 0 || m.start >= m.end)
        return false;
    m.dev = makedev(major_, minor_);
    m.prot =
        (perms[0] == 'r' ? PROT_READ : 0u) | (perms[1] == 'w' ? PROT_WRITE : 0u) | (perms[2] == 'x' ? PROT_EXEC : 0u);
    m.path = line + path;
    *ret = m;
    return m.path[0] == '/' || m.path[0] == '[';
}

/* Parses maps text (writable copy) and writes it as a block. */
static void write_maps(struct proc *proc, char *text, uint32_t generation, uint64_t at_us)
{
    PROF_VEC(struct prof_module) modules = { 0 };
    char *save = NULL;
    uint64_t last_end = 0;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        struct prof_module module;
        if (modules.count >= MODULES_MAX)
            break;
        /* Address order is what readers search by; lines out of order are not from a kernel. */
        if (!parse_line(line, &module) || module.start < last_end)
            continue;
        last_end = module.end;
        struct prof_module *before = modules.count > 0 ? &modules.items[modules.count - 1] : NULL;
        if (before != NULL && before->ino == module.ino && before->dev == module.dev) {
            module.build_id_len = before->build_id_len;
            memcpy(module.build_id, before->build_id, sizeof module.build_id);
        } else {
            identify(proc->pid, &module);
        }
        if (!prof_vec_push(&modules, module))
            break;
    }
    if (modules.count > 0 && proc->writer != NULL) {
        rec_proc_problem(proc, prof_writer_modules(proc->writer, generation, at_us, modules.items, modules.count));
        proc->modules_any = true;
    }
    prof_vec_deinit(&modules);
}

void rec_modules_write(struct proc *proc, uint64_t text, uint32_t generation, uint64_t at_us)
{
    uint32_t length;
    const char *maps = rec_arena_text(proc->arena, text, TRK_TEXT_MAPS, &length);
    if (maps == NULL || (text == proc->modules_text && generation == proc->modules_gen))
        return;
    char *copy = strndup(maps, length);
    if (copy == NULL) {
        rec_proc_problem(proc, prof_error_memory());
        return;
    }
    proc->modules_text = (uint32_t)text;
    proc->modules_gen = generation;
    write_maps(proc, copy, generation, at_us);
    free(copy);
}

void rec_modules_observe(struct proc *proc)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)proc->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    PROF_VEC(char) text = { 0 };
    while (text.count < TRK_TEXT_MAX * 4 && prof_vec_reserve(&text, 16384)) {
        ssize_t n = read(fd, text.items + text.count, text.room - text.count - 1);
        if (n <= 0)
            break;
        text.count += (size_t)n;
    }
    close(fd);
    if (text.count > 0) {
        text.items[text.count] = '\0';
        write_maps(proc, text.items, 0, rec_arena_us(proc->arena));
    }
    prof_vec_deinit(&text);
}
