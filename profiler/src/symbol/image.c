/* image.c: opens ELF files named by untrusted bytes, checks that they are what was recorded, maps them. */
#include <symbol/image.h>

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LOADS = 1024, RECORDED_ID_MAX = 23 };
static const uint64_t max_file_bytes = (uint64_t)16 << 30;

const char *prof_image_state_text(enum prof_image_state state)
{
    switch (state) {
    case PROF_IMAGE_GOOD:
        return "good";
    case PROF_IMAGE_MISSING:
        return "file not found";
    case PROF_IMAGE_DENIED:
        return "cannot be opened";
    case PROF_IMAGE_NOT_REGULAR:
        return "not a regular file";
    case PROF_IMAGE_SIZE:
        return "file too small or too large";
    case PROF_IMAGE_NOT_ELF:
        return "not an ELF program or library";
    case PROF_IMAGE_OTHER_BUILD:
        return "file is of another build";
    case PROF_IMAGE_OTHER_FILE:
        return "file was replaced or changed since the recording";
    case PROF_IMAGE_MEMORY:
        return "not enough memory";
    }
    return "unknown";
}

uint32_t prof_crc32(const void *bytes, size_t size)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int bit = 0; bit < 8; bit++)
                c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
            table[i] = c;
        }
    }
    uint32_t crc = ~(uint32_t)0;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ p[i]) & 0xff] ^ (crc >> 8);
    return ~crc;
}

// File systems whose "regular files" are made up on reading: they may wait (/proc/kmsg), act, or never end.
static bool is_synthetic(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return true;
    switch ((unsigned long)fs.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case BPF_FS_MAGIC:
    case PSTOREFS_MAGIC:
    case EFIVARFS_MAGIC:
        return true;
    default:
        return false;
    }
}

int prof_image_descriptor(const char *path, enum prof_image_state *state, uint64_t *size, uint64_t *dev, uint64_t *ino,
                          uint64_t *mtime_ns)
{
    // O_PATH opens nothing yet: a FIFO does not wait, a device is not touched. The descriptor is checked first and
    // the very same inode is opened for reading through it.
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) {
        *state = errno == EACCES || errno == EPERM ? PROF_IMAGE_DENIED : PROF_IMAGE_MISSING;
        return -1;
    }
    struct stat st;
    int fd = -1;
    if (fstat(place, &st) != 0) {
        *state = PROF_IMAGE_MISSING;
    } else if (!S_ISREG(st.st_mode) || is_synthetic(place)) {
        *state = PROF_IMAGE_NOT_REGULAR;
    } else if ((uint64_t)st.st_size > max_file_bytes) {
        *state = PROF_IMAGE_SIZE;
    } else {
        char link[40];
        snprintf(link, sizeof link, "/proc/self/fd/%d", place);
        const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        fd = open(link, flags);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) // no /proc here
            fd = open(path, flags);
        struct stat again;
        if (fd < 0) {
            *state = PROF_IMAGE_DENIED;
        } else if (fstat(fd, &again) != 0 || again.st_dev != st.st_dev || again.st_ino != st.st_ino) {
            *state = PROF_IMAGE_NOT_REGULAR;
            close(fd);
            fd = -1;
        } else {
            *size = (uint64_t)st.st_size;
            *dev = st.st_dev;
            *ino = st.st_ino;
            *mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
        }
    }
    close(place);
    return fd;
}

static enum prof_image_state read_headers(struct prof_image *image)
{
    elf_version(EV_CURRENT);
    if (memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
        return PROF_IMAGE_NOT_ELF;
    image->elf = elf_memory(image->bytes, image->size);
    GElf_Ehdr ehdr;
    size_t count;
    if (image->elf == NULL || elf_kind(image->elf) != ELF_K_ELF || gelf_getehdr(image->elf, &ehdr) == NULL ||
        (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) || elf_getphdrnum(image->elf, &count) != 0)
        return PROF_IMAGE_NOT_ELF;
    image->machine = ehdr.e_machine;
    image->executable = ehdr.e_type == ET_EXEC;
    if (count > MAX_LOADS)
        count = MAX_LOADS;
    image->loads = calloc(count + 1, sizeof *image->loads);
    if (image->loads == NULL)
        return PROF_IMAGE_MEMORY;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr phdr;
        if (gelf_getphdr(image->elf, (int)i, &phdr) == NULL || phdr.p_type != PT_LOAD ||
            phdr.p_vaddr + phdr.p_memsz < phdr.p_vaddr || phdr.p_offset + phdr.p_filesz < phdr.p_offset)
            continue;
        image->loads[image->load_count++] = (struct prof_image_load){
            .vaddr = phdr.p_vaddr,
            .end = phdr.p_vaddr + phdr.p_memsz,
            .offset = phdr.p_offset,
            .file_bytes = phdr.p_filesz < phdr.p_memsz ? phdr.p_filesz : phdr.p_memsz,
            .flags = phdr.p_flags,
        };
    }
    const void *id;
    ssize_t length = dwelf_elf_gnu_build_id(image->elf, &id);
    if (length > 0) {
        image->build_id = id;
        image->build_id_len = (size_t)length;
    }
    return PROF_IMAGE_GOOD;
}

// A recorded id is cut at 23 bytes; ids in use have 8, 16, 20 or 32.
static bool same_build(const struct prof_image *image, const struct prof_image_wish *wish)
{
    size_t length = image->build_id_len;
    if (length > RECORDED_ID_MAX && wish->build_id_len == RECORDED_ID_MAX)
        length = RECORDED_ID_MAX;
    return length == wish->build_id_len && memcmp(image->build_id, wish->build_id, length) == 0;
}

static enum prof_image_state accept(struct prof_image *image, const struct prof_image_wish *wish)
{
    enum prof_image_state state = read_headers(image);
    if (state != PROF_IMAGE_GOOD)
        return state;
    if (wish->build_id_len != 0)
        return same_build(image, wish) ? PROF_IMAGE_GOOD : PROF_IMAGE_OTHER_BUILD;
    if (wish->check_crc && prof_crc32(image->bytes, image->size) != wish->crc)
        return PROF_IMAGE_OTHER_BUILD;
    return PROF_IMAGE_GOOD;
}

// /proc/PID/maps and stat disagree about the device on file systems that are made of several.
static bool same_device(int fd, uint64_t dev, uint64_t recorded)
{
    struct statfs fs;
    return dev == recorded || (fstatfs(fd, &fs) == 0 && ((unsigned long)fs.f_type == OVERLAYFS_SUPER_MAGIC ||
                                                         (unsigned long)fs.f_type == BTRFS_SUPER_MAGIC));
}

enum prof_image_state prof_image_open(const char *path, const struct prof_image_wish *wish, struct prof_image *ret)
{
    enum prof_image_state state = PROF_IMAGE_MISSING;
    uint64_t size, dev, ino, mtime_ns;
    int fd = prof_image_descriptor(path, &state, &size, &dev, &ino, &mtime_ns);
    if (fd < 0)
        return state;
    if (size < sizeof(Elf32_Ehdr)) {
        close(fd);
        return PROF_IMAGE_SIZE;
    }
    if (wish->build_id_len == 0 && wish->same_file &&
        (!same_device(fd, dev, wish->dev) || ino != wish->ino ||
         (wish->max_mtime_ns != 0 && mtime_ns > wish->max_mtime_ns))) {
        close(fd);
        return PROF_IMAGE_OTHER_FILE;
    }
    // Private and writable: libelf converts foreign byte orders in place.
    struct prof_image image = { .size = size, .mapped = true };
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return PROF_IMAGE_MEMORY;
    image.bytes = bytes;
    state = accept(&image, wish);
    if (state == PROF_IMAGE_GOOD)
        *ret = image;
    else
        prof_image_close(&image);
    return state;
}

enum prof_image_state prof_image_memory(char *bytes, size_t size, const struct prof_image_wish *wish,
                                        struct prof_image *ret)
{
    struct prof_image image = { .bytes = bytes, .size = size };
    enum prof_image_state state = size < sizeof(Elf32_Ehdr) ? PROF_IMAGE_SIZE : accept(&image, wish);
    if (state == PROF_IMAGE_GOOD)
        *ret = image;
    else
        prof_image_close(&image);
    return state;
}

void prof_image_close(struct prof_image *image)
{
    if (image->elf != NULL)
        elf_end(image->elf);
    if (image->mapped)
        munmap(image->bytes, image->size);
    else
        free(image->bytes);
    free(image->loads);
    *image = (struct prof_image){ 0 };
}

const struct prof_image_load *prof_image_load_at(const struct prof_image *image, uint64_t vaddr)
{
    for (size_t i = 0; i < image->load_count; i++) {
        if (vaddr >= image->loads[i].vaddr && vaddr < image->loads[i].end)
            return &image->loads[i];
    }
    return NULL;
}

const uint8_t *prof_image_bytes(const struct prof_image *image, uint64_t vaddr, size_t length)
{
    const struct prof_image_load *load = prof_image_load_at(image, vaddr);
    if (load == NULL)
        return NULL;
    uint64_t into = vaddr - load->vaddr;
    if (into > load->file_bytes || load->file_bytes - into < length || load->offset > image->size ||
        into > image->size - load->offset || image->size - load->offset - into < length)
        return NULL;
    return (const uint8_t *)image->bytes + load->offset + into;
}

static Elf_Scn *section_named(const struct prof_image *image, const char *name, GElf_Shdr *shdr)
{
    size_t names;
    if (elf_getshdrstrndx(image->elf, &names) != 0)
        return NULL;
    for (Elf_Scn *scn = elf_nextscn(image->elf, NULL); scn != NULL; scn = elf_nextscn(image->elf, scn)) {
        if (gelf_getshdr(scn, shdr) == NULL)
            continue;
        const char *found = elf_strptr(image->elf, names, shdr->sh_name);
        if (found != NULL && strcmp(found, name) == 0)
            return scn;
    }
    return NULL;
}

bool prof_image_section(const struct prof_image *image, const char *name, uint64_t *vaddr, uint64_t *bytes)
{
    GElf_Shdr shdr;
    if (section_named(image, name, &shdr) == NULL)
        return false;
    *vaddr = shdr.sh_addr;
    *bytes = shdr.sh_size;
    return true;
}

const char *prof_image_section_data(const struct prof_image *image, const char *name, size_t *size)
{
    GElf_Shdr shdr;
    Elf_Scn *scn = section_named(image, name, &shdr);
    if (scn == NULL || shdr.sh_type == SHT_NOBITS || shdr.sh_offset > image->size ||
        shdr.sh_size > image->size - shdr.sh_offset)
        return NULL;
    *size = shdr.sh_size;
    return image->bytes + shdr.sh_offset;
}

bool prof_image_tls(const struct prof_image *image, struct prof_image_tls *ret)
{
    size_t count = 0;
    if (image->elf == NULL || elf_getphdrnum(image->elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr phdr;
        if (gelf_getphdr(image->elf, (int)i, &phdr) == NULL || phdr.p_type != PT_TLS)
            continue;
        uint64_t align = phdr.p_align != 0 ? phdr.p_align : 1;
        if (phdr.p_memsz == 0 || phdr.p_memsz > (uint64_t)1 << 30 || align > (uint64_t)1 << 30 ||
            (align & (align - 1)) != 0)
            return false;
        *ret = (struct prof_image_tls){ phdr.p_vaddr, phdr.p_memsz, align };
        return true;
    }
    return false;
}
