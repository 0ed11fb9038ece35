/* track/hook_rule.h: functions that libtrack-preload hooks in the program (libtrack/hook/hook.h): which, what a call of
 * each means, and what became of them. A part of track/format.h; constants and packed structs, no functions.
 *
 * The recorder says which: rules, filled before the arena is handed over, read once and copied by the target. Strings
 * are places in `text` of struct trk_shm_hooks, each ended by NUL; place 0 is the empty one. '*' in a name stands for
 * any characters. */
#ifndef TRACK_HOOK_RULE_H
#define TRACK_HOOK_RULE_H

#include <stdint.h>

enum {
    TRK_HOOK_RULES = 512,
    TRK_HOOK_TEXT = 32 << 10,
    TRK_HOOK_MAX = 1024,      /* functions of one image that rules name */
    TRK_HOOK_RESULT = 7,      /* where: the result; 1 to 6: an integer argument */
    TRK_HOOK_RESULT_HIGH = 8, /* the second register of a result */
};
/* What a call says about the object. NEW speaks when it has returned, and so do others whose object is a result; all
 * else when it is called. */
enum trk_hook_role {
    TRK_HOOK_NEW = 1, /* born with one reference */
    TRK_HOOK_REF,
    TRK_HOOK_UNREF,
    TRK_HOOK_FREE,     /* dies, whatever its count */
    TRK_HOOK_SINK,     /* its floating reference becomes an ordinary one */
    TRK_HOOK_WEAK_SET, /* an uncounted pointer to it is stored in the slot */
    TRK_HOOK_WEAK_CLEAR,
    TRK_HOOK_ROLES
};
enum {
    TRK_HOOK_DEREF = 1 << 0, /* of flags: the argument is the address of a variable that has the object */
};
struct trk_hook_rule {
    uint32_t library;  /* file name or soname; empty: any module, and the program itself */
    uint32_t function; /* as its symbol is spelled */
    uint32_t type;     /* NEW: name of the type; empty: that of the function */
    uint8_t role;      /* enum trk_hook_role */
    uint8_t object;    /* where it is */
    uint8_t slot;      /* which argument is the address of the variable that owns the reference; 0: none */
    uint8_t test;      /* 0, or where a value is that says whether the call counts: (value & test_mask) == test_value */
    uint64_t test_mask, test_value;
    uint32_t count_offset; /* NEW: as struct trk_type_def */
    uint8_t count_width;
    uint8_t flags;        /* TRK_HOOK_DEREF */
    uint16_t stack_bytes; /* NEW and results: most bytes of arguments on the stack; 0: 512 */
    uint64_t pad[3];      /* 0 */
};
/* What became of a function that a rule names. Values are frozen: traces have them. */
enum trk_hook_state {
    TRK_HOOK_NOT_YET = 0,
    TRK_HOOK_ON = 1,
    TRK_HOOK_SHORT = 2,       /* its code ends before the jump would */
    TRK_HOOK_JUMPED_INTO = 3, /* code jumps into what would be replaced */
    TRK_HOOK_LOOP = 4,        /* a loop begins with its first instruction: passes would look like calls */
    TRK_HOOK_BAD_INSN = 5,    /* an instruction is not known, or cannot be moved */
    TRK_HOOK_TRAP = 6,        /* it begins with a breakpoint, or with one that always fails */
    TRK_HOOK_ENTERED = 7,     /* another function begins in what would be replaced */
    TRK_HOOK_FAR = 8,         /* its operands are out of reach */
    TRK_HOOK_NO_MEMORY = 9,   /* there is no room for code near it */
    TRK_HOOK_FORBIDDEN = 10,  /* the system does not let code be changed */
    TRK_HOOK_NO_SIZE = 11,    /* its symbol does not say where it ends */
    TRK_HOOK_NOT_CODE = 12,   /* it lies outside of its module's code */
    TRK_HOOK_CHOSEN_LATE =
        13,                /* an IFUNC of a library that was loaded later: which function it means is not known yet */
    TRK_HOOK_FULL = 14,    /* more functions than TRK_HOOK_MAX */
    TRK_HOOK_TWICE = 15,   /* hooked for another rule already */
    TRK_HOOK_CLONE = 16,   /* a copy that the compiler made of a part of the function: its calls are not seen */
    TRK_HOOK_MACHINE = 17, /* not on this machine */
    TRK_HOOK_ODD_RETURN = 18, /* it does not return as others do (setjmp, vfork), and its result is wanted */
};
/* A function that was found. Written by the target: state last (release), it may change when a library is loaded again.
 */
struct trk_shm_hook {
    uint32_t state; /* enum trk_hook_state */
    uint32_t rule;
    uint32_t function, module; /* text ids: symbol; path */
    uint32_t proc;             /* index of the process that found it: it and its children have it */
    uint32_t pad;
};

#endif
