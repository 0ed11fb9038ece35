/* prof/symbol.h: addresses of the target to functions, lines, variables and types.
 *
 * Layer symbol: ELF and DWARF; knows addresses, not objects. Opens module files only when they are regular files whose
 * build-id equals the recorded one (or, without a recorded build-id, whose device and inode do and which were not
 * written since; below --symfs the user vouches for such files). Debug information is looked for in the file, by
 * build-id below SYMFS/usr/lib/debug and /usr/lib/debug, by debuglink (build-id or CRC checked), in .dwo and dwz files,
 * and by debuginfod when DEBUGINFOD_URLS is set and allowed; symbols also in .gnu_debugdata. No path of a trace is
 * waited for. Everything is lazy and cached; not thread-safe. */
#ifndef PROF_SYMBOL_H
#define PROF_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/trace.h>

struct prof_symbols;
struct prof_symbols_options {
    const char *symfs;           /* prefix for module files, NULL */
    bool no_symbols;             /* everything becomes module+offset */
    bool debuginfod;             /* may ask debuginfod */
    const char *const *wrappers; /* NULL-terminated function names (fnmatch patterns) to skip as sites; may be NULL */
};
/* Borrows the trace, which must outlive the result. */
struct prof_error *prof_symbols_create(const struct prof_trace *trace, const struct prof_symbols_options *options,
                                       struct prof_symbols **ret);
void prof_symbols_destroy(struct prof_symbols *symbols);

/* One source-level frame. Strings live as long as the symbols object. */
struct prof_frame {
    const char *function;  /* C++ and Rust: qualified name without parameters, mangled when it is too difficult; NULL:
                            * unknown, print module+offset */
    const char *file;      /* absolute when the compiler said where it ran, without "." and ".."; NULL: unknown */
    const char *module;    /* path of the module, "" when the address lies in none, "[vdso]", "[jit]" */
    uint32_t line, column; /* 0: unknown */
    uint64_t pc;           /* as recorded */
    uint64_t offset;       /* into the module (load-address independent: comparable between runs) */
    bool inlined;          /* the next frame is its caller in the same machine frame */
    bool wrapper;          /* libtrack's own, in section trk_wrapper, or matched by wrappers */
};
/* Resolves one pc of a stack into frames, innermost first; returns how many (>= 1, <= cap, inlined ones included).
 * is_return: pc is a return address (look up pc - 1). */
size_t prof_symbols_pc(struct prof_symbols *symbols, uint16_t generation, uint64_t pc, bool is_return,
                       struct prof_frame *frames, size_t cap);
/* All frames of a stack id, innermost first; borrowed, valid as long as the symbols. The leading wrapper frames are
 * included. Unknown id: 0 frames, and *ret is a frame without names. */
size_t prof_symbols_stack(struct prof_symbols *symbols, uint32_t stack, const struct prof_frame **ret);
/* Index of the site frame in the result of prof_symbols_stack: the first that is not a wrapper, an allocator,
 * libtrack's own (0 when all are), libc's or of a module that the trace hides (META key hidden; the innermost of these
 * when nobody outside called it). */
size_t prof_symbols_site(struct prof_symbols *symbols, uint32_t stack);
/* The site itself; never NULL (a frame without names for stack 0 or an unknown id). */
const struct prof_frame *prof_symbols_site_frame(struct prof_symbols *symbols, uint32_t stack);
/* The same, but code of libc and of hidden modules counts: who called the allocator, which knows what the block is. */
size_t prof_symbols_inner(struct prof_symbols *symbols, uint32_t stack);
const struct prof_frame *prof_symbols_inner_frame(struct prof_symbols *symbols, uint32_t stack);

/* A stack as a way from the site outwards. For whoever goes over all stacks: unlike the calls above, nothing is kept of
 * the stack itself. */
enum { PROF_PATH_MOST = 1024 };
struct prof_path {
    const struct prof_frame *frames[PROF_PATH_MOST]; /* innermost first; they live as long as the symbols */
    size_t count;
    size_t site; /* as prof_symbols_site */
    size_t end;  /* frames from here on began the program or the thread: nobody's code; site < end <= count */
    bool cut;    /* callers were not recorded on purpose */
    bool broken; /* callers could not be followed */
};
/* false: unknown id, or no memory; *ret is without frames. */
bool prof_symbols_path(struct prof_symbols *symbols, uint32_t stack, struct prof_path *ret);

/* A line of source text without white space around it: the frame's own, or one `offset` lines further down. Read from
 * the file that debug information names, when that is not newer than the module. false: there is none, or it does not
 * fit; buf untouched. Raw text: escape it. */
bool prof_symbols_line(struct prof_symbols *symbols, const struct prof_frame *frame, int32_t offset, char *buf,
                       size_t size);

/* A whole source file, as debug information names it. */
enum prof_source_state {
    PROF_SOURCE_GOOD = 0,
    PROF_SOURCE_NEWER,    /* written after the module: its lines may be others now */
    PROF_SOURCE_UNDATED,  /* the module is not here as it was, so nobody knows whether the file is older */
    PROF_SOURCE_NONE,     /* no such file, or it cannot be opened. From here on there is no text */
    PROF_SOURCE_RELATIVE, /* the compiler did not say in which folder */
    PROF_SOURCE_LARGE,    /* more than 16 MiB */
    PROF_SOURCE_BINARY,   /* no text */
};
struct prof_source {
    enum prof_source_state state;
    const char *path; /* that was opened, below --symfs; "" when the name is no path */
    const char *text; /* not NUL-terminated; NULL: none. Raw: escape it */
    size_t length;
};
/* The file of a frame. Regular files only, whose contents are not looked at. What is returned lives until the next call
 * that reads a source. */
void prof_symbols_source(struct prof_symbols *symbols, const struct prof_frame *frame, struct prof_source *ret);
/* "was written after the program was built: lines may have moved"; "" for GOOD. */
const char *prof_source_words(enum prof_source_state state);

enum prof_place_kind {
    PROF_PLACE_UNKNOWN = 0, /* nothing known lives there: most often malloc memory */
    PROF_PLACE_GLOBAL,      /* .data/.bss of a module; name is the variable when a symbol covers it */
    PROF_PLACE_STACK,       /* main thread's stack; thread stacks are decided by the model */
    PROF_PLACE_HEAP,        /* inside [heap] */
    PROF_PLACE_CODE,
};
struct prof_place {
    enum prof_place_kind kind;
    const char *name;   /* variable, NULL unknown */
    const char *module; /* path */
    uint64_t offset;    /* from the variable's start, or into the module */
};
/* What is at an address of data, by the module map current at time_us. */
void prof_symbols_place(struct prof_symbols *symbols, uint64_t time_us, uint64_t addr, struct prof_place *ret);

/* The thread-local variable of the program itself at an address, for a thread with this thread pointer: where these
 * variables lie is fixed (ELF Handling for Thread-Local Storage, variants I and II). Those of libraries lie where the
 * loader found room. false: none of the program's; *ret untouched. Kind GLOBAL; without a symbol the name is NULL. */
bool prof_symbols_thread_place(struct prof_symbols *symbols, uint64_t thread_pointer, uint64_t addr,
                               struct prof_place *ret);

/* Field of a struct type by byte offset: "peer", "buckets[3].val" (arrays of structs are walked, also one without a
 * length at the end of the struct; of a union the first member that has something there), into buf. `type` is the name
 * given to TRK_TYPE ("struct conn"; "conn" finds a typedef). false: type or field unknown; buf untouched. */
bool prof_symbols_field(struct prof_symbols *symbols, const char *type, uint64_t offset, char *buf, size_t size);
/* The same when the object's size is known (0: not): of several types of one name, the one of that size counts. */
bool prof_symbols_field_sized(struct prof_symbols *symbols, const char *type, uint64_t object_size, uint64_t offset,
                              char *buf, size_t size);

/* What the bytes of a type can hold. */
enum prof_word_kind {
    PROF_WORD_NONE = 0, /* numbers, padding: no pointer */
    PROF_WORD_MAYBE,    /* void *, uintptr_t, unions, arrays of characters, bytes behind the type: may be a pointer */
    PROF_WORD_POINTER,
};
struct prof_layout_span {
    uint64_t start, end; /* of MAYBE: a word anywhere inside; of POINTER: an array of pointers, one each 8 bytes */
    enum prof_word_kind kind;
    const char *pointee; /* POINTER: "struct conn", "char *"; "" unknown (code) */
};
/* Which words of a type are pointers: through structs, arrays and base classes; unions as a whole are MAYBE. What debug
 * information leaves open is MAYBE. Lives as long as the symbols. */
struct prof_layout {
    const char *type;                     /* "struct conn", "ns::Conn" (C++), of an array the element's */
    uint64_t size;                        /* of the type, of one element */
    bool array;                           /* the type repeats up to the object's end */
    uint64_t tail_size;                   /* of one element of an array without length at the type's end; 0: none */
    uint64_t tail_start;                  /* where that array begins, also one of smaller elements; 0: there is none */
    const struct prof_layout_span *spans; /* by start, disjoint; what they leave out is NONE */
    size_t span_count;
    const struct prof_layout_span *tail; /* of one element */
    size_t tail_count;
};
/* Of the type with this name (as for prof_symbols_field; with "[]" behind it: an array of them; "T *[]": of pointers)
 * that fits into an object of this size (0: any). NULL: unknown, or several that differ. Cached. */
const struct prof_layout *prof_symbols_layout(struct prof_symbols *symbols, const char *type, uint64_t size);
/* What the 8 bytes at an offset of an object can hold; a word that is only partly a pointer is none. Never NULL. */
const struct prof_layout_span *prof_layout_at(const struct prof_layout *layout, uint64_t offset);
/* Path of the field at an offset, "[2].peer" in arrays. false: none; buf untouched. */
bool prof_layout_field(const struct prof_layout *layout, uint64_t offset, char *buf, size_t size);

/* The type of a plain block, guessed from the code that allocates it. In the order of their weight. */
enum prof_birth_how {
    PROF_BIRTH_TOLD,     /* no guess: the program said so (TRK_NEW), which is not found here */
    PROF_BIRTH_ASSIGNED, /* the code stores the pointer into a variable or member of that type */
    PROF_BIRTH_DECLARED, /* a variable of that type is declared at the line of the call */
    PROF_BIRTH_SIZEOF,   /* the source at that line: sizeof, new, g_new */
    PROF_BIRTH_CAST,     /* the source casts the pointer */
    PROF_BIRTH_VARIABLE, /* the only type of that size to which a variable of the function points */
    PROF_BIRTH_RETURNED, /* the function returns a pointer to such a type */
    PROF_BIRTH_SHAPE,    /* the only struct of the module with that size and pointers in these places */
};
struct prof_birth {
    const struct prof_layout *layout; /* never NULL */
    enum prof_birth_how how;
    char mark; /* '=' certain: it was stored in a pointer to this type, and the size fits; '~' a guess */
};
/* Words that a layout of mark '~' calls NONE may still be pointers, if the guess is wrong: who decides whether memory
 * is lost leaves out words only where the type is certain. Of blocks of one size that were allocated at a stack. Reads
 * the source of the site, when the file is not newer than the module. false: nothing is known, or what is known
 * contradicts itself. */
bool prof_symbols_birth(struct prof_symbols *symbols, uint32_t stack, uint64_t size, struct prof_birth *ret);
/* When that knows nothing: by the offsets of words in the block that point to other blocks. */
bool prof_symbols_shape(struct prof_symbols *symbols, uint32_t stack, uint64_t size, const uint64_t *offsets,
                        size_t count, struct prof_birth *ret);

/* Modules without symbols or debug information that were asked for: "libfoo.so: no debug information (build-id
 * ab12...)". frames: different code addresses. Most frames first; valid until the next call. */
struct prof_symbols_gap {
    const char *module;
    const char *what;
    uint64_t frames;
};
size_t prof_symbols_gaps(struct prof_symbols *symbols, const struct prof_symbols_gap **ret);

/* ---- A file by itself -------------------------------------------------------------------------------------------- */

/* Calls `each` for every function that .symtab and .dynsym of an ELF file name, each name once, in the order of
 * the alphabet. each: false without memory. */
struct prof_error *prof_file_functions(const char *path, bool (*each)(void *data, const char *name), void *data)
    __attribute__((warn_unused_result));

/* The type that a function's result (parameter 0) or its n-th parameter points to, as the debug information of an ELF
 * file says: "conn" for struct conn *, "ns::Conn" in C++. pattern: the symbol's name, '*' for any characters; several
 * functions must agree. ret: of `size` bytes. false, and *ret as it was: the file cannot be read, has no such function
 * or no debug information, or the value is no pointer to a type with a name. debuginfod is not asked. */
bool prof_file_function_type(const char *path, const char *pattern, unsigned parameter, char *ret, size_t size);

/* Calls `each` for every copy of a function that the compiler put into another one, by the names of their symbols, as
 * the debug information of an ELF file says; until it returns false. Never without such information, nor with more than
 * 32 MiB of it. debuginfod is not asked. */
void prof_file_inlined(const char *path, bool (*each)(void *data, const char *function, const char *into), void *data);

#endif
