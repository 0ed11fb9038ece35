/* symbol/state.h: struct prof_symbols, shared by the files that implement prof/symbol.h. Internal to layer symbol. */
#ifndef SYMBOL_STATE_H
#define SYMBOL_STATE_H

#include <prof/symbol.h>

#include <base/arena.h>
#include <base/str.h>
#include <base/table.h>
#include <base/vec.h>
#include <symbol/file.h>
#include <symbol/site.h>
#include <symbol/source.h>
#include <symbol/space.h>
#include <symbol/type_name.h>
#include <symbol/types.h>

/* A file by identity: path, NUL, device, inode, build-id. */
struct prof_file_entry {
    UT_hash_handle hh;
    struct prof_file *file;
    struct prof_types *types;
    bool types_tried;
    char key[];
};

struct prof_pc_key {
    uint64_t pc;
    uint64_t base; /* of the mapped object; the generation when pc lies in none */
    const struct prof_file_entry *file;
    uint64_t is_return;
};
/* One looked up code address. */
struct prof_pc_entry {
    UT_hash_handle hh;
    struct prof_pc_key key;
    struct prof_frame *frames;
    uint32_t count;
    uint32_t skip;   /* leading frames that are wrappers or allocators */
    bool allocator;  /* one of the skipped ones is an allocator */
    bool hidden;     /* code of libc, the loader, or of a module that the trace hides */
    bool trampoline; /* returns into a signal trampoline: the next frame was interrupted, not called */
};
struct prof_stack_entry {
    UT_hash_handle hh;
    uint32_t id;
    uint32_t site, inner; /* inner: the frame that called the allocator, the site or hidden code inside of it */
    const struct prof_frame *site_frame, *inner_frame;
    const struct prof_frame *frames; /* NULL: not asked for yet */
    size_t count;
    const struct prof_pc_entry *inner_pc; /* NULL: no site */
    bool direct;                          /* the inner frame's call returns what the allocator gave */
};

/* The last address that was looked up of those that share a place in a small table. */
enum { PROF_RECENT_PCS = 4096 };
struct prof_recent_pc {
    uint64_t pc;
    uint32_t generation;
    bool is_return;
    struct prof_pc_entry *entry; /* NULL: none */
};

struct prof_layout_entry;
struct prof_layout_name;
struct prof_layout_key {
    const void *addr; /* of the type's entry */
    uint64_t array;
};

struct prof_birth_entry;
struct prof_birth_key {
    const struct prof_pc_entry *pc;
    uint64_t inlined;
};
struct prof_shape_entry;
struct prof_shape_key {
    const struct prof_types *types;
    uint64_t size;
};
struct prof_source_text;

struct prof_symbols {
    struct prof_symbols_source source;
    struct prof_file_options file_options;
    bool no_symbols;
    struct prof_space *space;
    struct prof_site_rules rules;
    struct prof_file_entry *files;
    struct prof_pc_entry *pcs;
    struct prof_recent_pc recent[PROF_RECENT_PCS];
    struct prof_stack_entry *stacks;
    struct prof_layout_entry *layouts;
    struct prof_layout_name *layout_names;
    struct prof_type_names type_names;
    struct prof_birth_entry *births;
    struct prof_shape_entry *shapes;
    const char *source_path; /* of source_text, NULL */
    struct prof_source_text *source_text;
    struct prof_arena arena;
    struct prof_intern strings;
    PROF_VEC(struct prof_symbols_gap) gaps;
    char *symfs;
};

/* The file of a mapped object; NULL without memory. */
struct prof_file_entry *prof_symbols_file(struct prof_symbols *symbols, const struct prof_mapping *mapping);
/* The code of a stack's inner frame. */
struct prof_site_code {
    const struct prof_pc_entry *pc;
    const struct prof_frame *frame;
    struct prof_file_entry *home;
    uint64_t vaddr;   /* where the call returns to */
    unsigned inlined; /* frames of this address inside of it */
    bool direct;      /* what the call returns is the block */
};
/* false: no such stack, or its inner frame lies in no file with debug information. */
bool prof_symbols_site_code(struct prof_symbols *symbols, uint32_t stack, struct prof_site_code *ret);
/* A copy of text that lives as long as the symbols; NULL for NULL and without memory. */
const char *prof_symbols_keep(struct prof_symbols *symbols, const char *text, size_t length);
/* The same for the name of a symbol, demangled if that is possible. */
const char *prof_symbols_keep_name(struct prof_symbols *symbols, const char *name, size_t length);
/* The types of a file; NULL: no debug information, or too much of it for a file without frames. */
struct prof_types *prof_symbols_types(struct prof_symbols *symbols, struct prof_file_entry *home);
/* Calls visit for the types of all files, where most objects are defined first, until it returns true. A file may come
 * more than once. */
typedef bool (*prof_symbols_types_visit)(struct prof_symbols *symbols, struct prof_types *types, void *ctx);
bool prof_symbols_each_types(struct prof_symbols *symbols, prof_symbols_types_visit visit, void *ctx);
/* The layout of a type by its entry, which must be of a Dwarf that lives as long as the symbols. NULL: it has no name,
 * no size, or there is no memory. */
const struct prof_layout *prof_layout_of(struct prof_symbols *symbols, struct prof_types *types, const Dwarf_Die *type,
                                         bool array);
void prof_births_deinit(struct prof_symbols *symbols);
void prof_layouts_deinit(struct prof_symbols *symbols);

#endif
