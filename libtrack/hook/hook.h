/* hook/hook.h: calls of compiled functions, seen where they arrive. Part of libtrack-preload.so on x86-64; other
 * machines have no hooks yet.
 *
 * A function is hooked by a jump in the place of its first instructions, which go on living elsewhere:
 *
 *     caller -> function: jmp STUB -> handler -> the moved instructions -> the rest of the function -> caller
 *
 * So every call is seen, whoever makes it: through the PLT, through pointers, from inside the same library, as a tail
 * call. What it cannot see are copies of the function that the compiler made inside its callers (inlining, .part
 * clones).
 *
 * Two forms:
 * - Entry hooks. The stub saves all registers that the ABI lets a function change (compilers know which of them a local
 *   function really changes, so "may change" is no licence), calls the handler and goes on. Nothing of the program's
 *   stack is changed; the return address is the caller's, so stacks are taken from there.
 * - Return hooks, for results. The stub calls the function a second time, as it were: a routine with an ordinary frame
 *   (rbp, unwind tables) copies a window of the caller's arguments on the stack and calls the moved instructions, then
 *   the handler gets the result. Exceptions, longjmp, unwinders and debuggers go through that frame as through any
 * other: no return address is replaced, no list of open calls is kept, and a call that never returns leaves nothing
 * behind.
 *
 * Handlers run on the program's stack and in any context, signal handlers included. The first one (`enter`, `begin`,
 * `leave`) is
 * compiled without vector registers and says true when it wants the second one (`enter_slow`, `leave_slow`), around
 * which the vector state is saved too (up to 3 KiB of stack). Handlers must follow libtrack's rules: no malloc, no
 * locks, no errno, no libc that could do so. A handler may call hooked functions; then it meets itself, so it should
 * not.
 *
 * What is refused, each with its enum trk_hook_state, and left as it was: functions that are too short, that jump back
 * into the bytes which are replaced, whose first instructions are not known or cannot be moved, where another function
 * begins in these bytes, and all of a module whose memory may not be changed. A loop whose head is the first
 * instruction of a function without endbr64 is refused as well: its passes look like calls.
 *
 * When. Patching is not safe while others run the code, so it happens where nobody can: at the start of the process,
 * before other libraries' constructors (the library is linked with -z initfirst), and in dlopen, when the objects are
 * mapped and nothing in them has run: there the loader calls an empty function for debuggers (_dl_debug_state), which
 * is itself hooked. After fork a child has the same hooks. dlclose needs nothing done: the code is gone.
 *
 * Cost of a call: an entry hook saves and restores the registers, a return hook also copies the stack window, unless
 * the function's code shows that it has no arguments there (trk_ignores_stack). Simple events need no handler (struct
 * trk_quick); docs/BENCHMARKS.md has figures.
 *
 * Thread rule: hooks are made by one thread at a time, as the above brings with it; handlers run anywhere. */
#ifndef TRACK_HOOK_HOOK_H
#define TRACK_HOOK_HOOK_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <track/format.h>

/* A call as it arrived. Handlers read it and do not write to it. Laid out by stub_x86_64.S. */
struct trk_call {
    uint64_t r11, r10;
    uint64_t argument[6]; /* in integer registers */
    uint64_t rax;
    uint64_t fp;      /* the caller's frame pointer register */
    uint64_t own;     /* the stub's */
    uintptr_t caller; /* return address */
    uint64_t stack[]; /* arguments on the stack; here the caller's stack pointer is after the return */
};

/* What `begin` returns. */
struct trk_begun {
    uint64_t kept; /* there for leave: trk_call_kept */
    bool slow;     /* it wants enter_slow before the call, too */
};

/* Calls that are recorded without a handler, when their thread met the call site before and nothing else is to be done:
 * an event about an object that stands in a register as it is. All other calls of the function go to the handlers,
 * which must do the same. Laid out by stub_x86_64.S. */
enum { TRK_QUICK_ARGUMENTS = 3 };
struct trk_quick {
    const uint32_t *type; /* births: where the id of the type is */
    uint32_t index;       /* of the calls that the thread counts */
    uint32_t word;        /* op and aux, as in the first word of a record */
    uint8_t object; /* 1 to TRK_QUICK_ARGUMENTS: that argument; TRK_HOOK_RESULT: a birth; 0: all calls go to handlers */
};

/* One hooked function. Lives as long as the process; the engine fills in `code` and `state`, all else is the caller's
 * and is not changed while the hook is on. Laid out by stub_x86_64.S. */
struct trk_hook {
    /* The moved instructions: calling them is calling the function unhooked. At first 0, or what it was when the
     * function was hooked before, with the same handlers, in code that is gone. */
    uintptr_t code;
    bool (*enter)(const struct trk_call *call, const struct trk_hook *hook);
    void (*enter_slow)(const struct trk_call *call, const struct trk_hook *hook);
    /* Not NULL: a return hook; `enter` is not called, `begin` stands for it. `result` has rax and rdx. */
    bool (*leave)(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2]);
    void (*leave_slow)(const struct trk_call *call, const struct trk_hook *hook, const uint64_t result[2]);
    /* Return hooks, before the call; NULL: nothing to do. */
    struct trk_begun (*begin)(const struct trk_call *call, const struct trk_hook *hook);
    struct trk_quick quick;
    /* Return hooks: bytes of arguments on the stack that are passed on, as far as there are. The engine makes it 0 for
     * functions that are seen to have none. */
    uint32_t stack_bytes;
    uint8_t state; /* enum trk_hook_state */
};

/* The n-th integer argument, 1 to 6. */
static inline uint64_t trk_call_argument(const struct trk_call *call, unsigned n)
{
    return call->argument[n - 1];
}

/* In leave and leave_slow: what begin returned, else 0. */
static inline uint64_t trk_call_kept(const struct trk_call *call)
{
    return ((const uint64_t *)call)[-2];
}

/* ---- Modules ---------------------------------------------------------------------------------------------------- */

enum { TRK_ELF_TEXTS = 4, TRK_ELF_TABLES = 3 };

/* A loaded object and what its file says about it. Opened and closed by one thread, on its stack. */
struct trk_elf {
    uintptr_t base;      /* added to addresses in the file */
    const uint8_t *file; /* mapped as long as it is open */
    size_t file_bytes;
    const uint8_t *debug; /* the same for the file that its debug information was moved to; NULL: none was looked for */
    size_t debug_bytes;
    unsigned texts, tables;
    struct {
        uintptr_t start, end;
    } text[TRK_ELF_TEXTS]; /* executable memory */
    struct {
        const uint8_t *file;
        uint64_t symbols, count, strings, strings_bytes; /* places in the file */
    } table[TRK_ELF_TABLES];                             /* .symtab and .dynsym, those that are there */
    bool stripped;                                       /* there is no .symtab */
};

/* A function as a symbol names it. */
struct trk_function {
    const char *name; /* in the module's file */
    uintptr_t start;
    size_t size;
    bool indirect; /* an IFUNC: start is the function that chooses */
};

/* Opens the file of a loaded object, read-only, and makes sure that it is what was loaded. path: NULL for the one that
 * the loader names. False: it cannot be read, is no ELF file of this machine, or not the same any more. */
bool trk_elf_open(const struct link_map *map, const char *path, struct trk_elf *ret);
void trk_elf_close(struct trk_elf *module);

/* Adds the symbols that were taken out of a stripped module's file, when they lie where debuggers look for them: below
 * /usr/lib/debug by build-id, or under the name in .gnu_debuglink, beside `path`, in .debug there, or below
 * /usr/lib/debug. Only from a file of the same build-id. */
void trk_elf_debug(struct trk_elf *module, const char *path);

/* Calls `each` for every function of .symtab and .dynsym; one that both have is met twice. Until it returns false. */
void trk_elf_functions(const struct trk_elf *module, bool (*each)(const struct trk_function *f, void *data),
                       void *data);

/* Whether its symbol tables have a name for which `is` says true, of its own or of what it wants from others. */
bool trk_elf_names(const struct trk_elf *module, bool (*is)(const char *symbol));

/* ---- Hooking ------------------------------------------------------------------------------------------------------
 */

/* Functions of one module that are hooked together, since its code is searched once for jumps into them. */
struct trk_batch;

/* Room for up to `max` functions; NULL: no memory. Give back with trk_batch_apply. The module stays open meanwhile. */
struct trk_batch *trk_batch_begin(const struct trk_elf *module, size_t max);

/* Plans a hook. False: refused, hook->state says why; or hooked already in this batch (TRK_HOOK_TWICE). Nothing is
 * changed before trk_batch_apply, which may still refuse. */
bool trk_batch_add(struct trk_batch *batch, uintptr_t start, size_t size, struct trk_hook *hook);

/* Hooks what was planned, sets the state of each hook, and frees the batch. */
void trk_batch_apply(struct trk_batch *batch);

#endif
