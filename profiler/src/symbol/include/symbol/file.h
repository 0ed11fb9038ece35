/* symbol/file.h: everything known about one module file: its symbols, its debug information, why they are missing.
 * Internal to layer symbol. All lazy; not thread-safe. */
#ifndef SYMBOL_FILE_H
#define SYMBOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <symbol/debug.h>
#include <symbol/elfsym.h>
#include <symbol/image.h>
#include <symbol/line.h>
#include <symbol/space.h>

struct prof_file {
    const char *path;  /* as recorded; borrowed */
    char *opened_path; /* where it was found; owned */
    enum prof_image_state state;
    bool libtrack;               /* libtrack itself: all its functions are wrappers */
    bool has_symbols, has_debug; /* tried already */
    struct prof_image image;     /* zeroed unless state is PROF_IMAGE_GOOD */
    struct prof_image mini;      /* .gnu_debugdata */
    struct prof_debug debug;
    struct prof_elfsym_table functions, objects, variables; /* variables: thread-local ones */
    struct prof_lines *lines;
    uint64_t wrapper_start, wrapper_end; /* section trk_wrapper */
    uint64_t asked;                      /* different code addresses that were looked up */
    char build_id[2 * 23 + 1];           /* recorded, hex; "" unknown */
    struct prof_file *next;              /* for the user */
};

struct prof_file_options {
    const char *symfs; /* NULL */
    bool debuginfod;
    uint64_t created_ns; /* CLOCK_REALTIME of microsecond 0 of the trace; 0: unknown */
};
/* Opens the file of a mapping. Never NULL except without memory: a file that cannot be used has a state that says why.
 */
struct prof_file *prof_file_create(const struct prof_mapping *mapping, const struct prof_file_options *options);
void prof_file_destroy(struct prof_file *file);

/* Address in the file's own numbering; false: outside of its segments, or the file is not good. */
bool prof_file_vaddr(const struct prof_file *file, const struct prof_mapping *mapping, uint64_t addr, uint64_t *ret);
/* Function or variable at an address of the file, by its symbol tables and those of its separate debug file. */
const struct prof_elfsym *prof_file_function(struct prof_file *file, const struct prof_file_options *options,
                                             uint64_t vaddr);
const struct prof_elfsym *prof_file_object(struct prof_file *file, const struct prof_file_options *options,
                                           uint64_t vaddr);
/* A thread-local variable, by the address of its first value. */
const struct prof_elfsym *prof_file_variable(struct prof_file *file, const struct prof_file_options *options,
                                             uint64_t vaddr);
/* Source-level frames at an address, 0: no debug information for it. */
size_t prof_file_lines(struct prof_file *file, const struct prof_file_options *options, uint64_t vaddr,
                       struct prof_line_frame *frames, size_t cap);
/* The file's DWARF; NULL: none. Without `download`, debuginfod is not asked (and not asked later either). */
Dwarf *prof_file_dwarf(struct prof_file *file, const struct prof_file_options *options, bool download);
/* A signal trampoline of x86-64 starts at vaddr: "mov $15, %rax; syscall". */
bool prof_file_is_trampoline(const struct prof_file *file, uint64_t vaddr);

#endif
