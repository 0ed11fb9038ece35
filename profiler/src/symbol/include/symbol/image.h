/* symbol/image.h: one ELF file, opened with distrust and mapped privately. Internal to layer symbol.
 *
 * File names come from traces and from other ELF files: nothing but a regular file of sane size that starts like an ELF
 * file is ever read, and opening never waits. The descriptor is closed again; the mapping stays until the image is
 * closed. Not thread-safe. */
#ifndef SYMBOL_IMAGE_H
#define SYMBOL_IMAGE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum prof_image_state {
    PROF_IMAGE_GOOD = 0,
    PROF_IMAGE_MISSING,     /* no such file, or no permission to look */
    PROF_IMAGE_DENIED,      /* exists, cannot be opened */
    PROF_IMAGE_NOT_REGULAR, /* FIFO, device, directory, or of a file system that makes files up (/proc, /sys) */
    PROF_IMAGE_SIZE,        /* smaller than an ELF header or larger than 16 GiB */
    PROF_IMAGE_NOT_ELF,     /* also: damaged headers, not an executable or shared library */
    PROF_IMAGE_OTHER_BUILD, /* its build-id is not the wanted one */
    PROF_IMAGE_OTHER_FILE,  /* no build-id was recorded, and device and inode differ or it was written since */
    PROF_IMAGE_MEMORY,
};
/* A few words: "not a regular file". */
const char *prof_image_state_text(enum prof_image_state state);

/* What the file must be. All zero: any ELF file will do. */
struct prof_image_wish {
    const uint8_t *build_id; /* with build_id_len: must be equal */
    size_t build_id_len;     /* 0: not known */
    bool same_file; /* without build-id: dev and ino must be equal, and it must not be newer than max_mtime_ns */
    uint64_t dev, ino;
    uint64_t max_mtime_ns; /* CLOCK_REALTIME; 0: any */
    bool check_crc;        /* without build-id: crc32 of the whole file must be crc (debuglink) */
    uint32_t crc;
};

struct prof_image_load { /* a PT_LOAD */
    uint64_t vaddr, end; /* end: with bss */
    uint64_t offset, file_bytes;
    uint32_t flags; /* PF_* */
};

struct prof_image {
    Elf *elf;
    char *bytes; /* private mapping of the whole file, or memory to be freed */
    size_t size;
    bool mapped;
    bool executable; /* ET_EXEC */
    uint16_t machine;
    struct prof_image_load *loads; /* in file order */
    size_t load_count;
    const uint8_t *build_id; /* inside bytes */
    size_t build_id_len;
};

/* Opens a file. On anything but PROF_IMAGE_GOOD *ret is untouched. */
enum prof_image_state prof_image_open(const char *path, const struct prof_image_wish *wish, struct prof_image *ret);
/* An image in memory of malloc, which it takes over (and frees, also when it fails). */
enum prof_image_state prof_image_memory(char *bytes, size_t size, const struct prof_image_wish *wish,
                                        struct prof_image *ret);
/* Closes; a zeroed image is fine. */
void prof_image_close(struct prof_image *image);

/* Opens a regular file of a real file system for reading without ever waiting. Returns the descriptor, or -1 with
 * *state set. *size: its length. */
int prof_image_descriptor(const char *path, enum prof_image_state *state, uint64_t *size, uint64_t *dev, uint64_t *ino,
                          uint64_t *mtime_ns);

/* The thread-local variables of the file: where their first values stand, and how much of them there is. */
struct prof_image_tls {
    uint64_t vaddr, bytes, align; /* align: a power of two */
};
/* false: there are none. */
bool prof_image_tls(const struct prof_image *image, struct prof_image_tls *ret);
/* The PT_LOAD that covers vaddr (with bss), NULL. */
const struct prof_image_load *prof_image_load_at(const struct prof_image *image, uint64_t vaddr);
/* Bytes of the file behind vaddr, NULL when fewer than `length` are there. */
const uint8_t *prof_image_bytes(const struct prof_image *image, uint64_t vaddr, size_t length);
/* Address and size of the section with this name; false: none. */
bool prof_image_section(const struct prof_image *image, const char *name, uint64_t *vaddr, uint64_t *bytes);
/* Raw contents of a section in the file; NULL: none. */
const char *prof_image_section_data(const struct prof_image *image, const char *name, size_t *size);

/* The checksum of .gnu_debuglink. */
uint32_t prof_crc32(const void *bytes, size_t size);

#endif
