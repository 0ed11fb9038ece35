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
    TRK_HOOK_RULES = 1024,
    TRK_HOOK_TEXT = 64 << 10,
    TRK_HOOK_MAX = 2048, /* pairs of a function of one image and a rule that names it */
    TRK_HOOK_READS = 3,
    TRK_HOOK_TESTS = 2,
};
/* What a call says about the object. */
enum trk_hook_role {
    TRK_HOOK_NEW = 1, /* born with one reference */
    TRK_HOOK_REF,
    TRK_HOOK_UNREF,
    TRK_HOOK_FREE,     /* dies, whatever its count */
    TRK_HOOK_SINK,     /* its floating reference becomes an ordinary one */
    TRK_HOOK_WEAK_SET, /* an uncounted pointer to it is stored in the slot */
    TRK_HOOK_WEAK_CLEAR,
    TRK_HOOK_MOVE,  /* a reference goes from `from` to `slot`; each may be nobody's */
    TRK_HOOK_PARK,  /* its count went to 0 into a pool */
    TRK_HOOK_REUSE, /* taken from the pool: a new life with one reference */
    TRK_HOOK_STAYS, /* what is left of it is left by design */
    /* No hooks: */
    TRK_HOOK_WRAPPER, /* acts for its caller, which is what reports name */
    TRK_HOOK_CALL,    /* the target calls it once at the start of the process, before constructors: with the values of
                         the two tests as arguments */
    TRK_HOOK_ROLES
};
/* Where a value is found. The base is a register of the call, or the object that the rule is about. Then, `reads`
 * times: the value is what stands in memory at value + add[i]. Last, add[reads] is added. Memory that cannot be read
 * makes the call one without object. */
enum trk_hook_base {
    TRK_HOOK_NOWHERE = 0,     /* 1 to 6: an integer argument */
    TRK_HOOK_RESULT = 7,      /* the result */
    TRK_HOOK_RESULT_HIGH = 8, /* the second register of a result */
    TRK_HOOK_OBJECT = 9,      /* not for the object itself */
};
struct trk_hook_place {
    uint8_t base;  /* enum trk_hook_base */
    uint8_t reads; /* 0 to TRK_HOOK_READS */
    uint8_t width; /* bytes of the last read: 1, 2, 4, 8 (0: 8), zero extended; those before read 8 */
    uint8_t pad;
    int32_t add[TRK_HOOK_READS + 1];
};
/* A condition of the call: ((value & mask) == value) != differs. base TRK_HOOK_NOWHERE: none. */
struct trk_hook_test {
    struct trk_hook_place place;
    uint32_t differs; /* 0, 1 */
    uint64_t mask, value;
};
/* How an object's type is called. */
enum trk_hook_name {
    TRK_HOOK_NAME_TYPE = 0,   /* by `type` */
    TRK_HOOK_NAME_STRING = 1, /* by the string at `name` */
    TRK_HOOK_NAME_CALL = 2,   /* by what the function `name_function` returns for `name`: const char *, or NULL */
};
enum {                         /* flags */
       TRK_HOOK_LATE = 1 << 0, /* speaks when the call has returned. Always so: NEW, rules that use the result */
       TRK_HOOK_SLOT_IS_HOLDER = 1 << 1, /* `slot` is an object or block that holds the reference, no variable */
       TRK_HOOK_FROM_IS_HOLDER = 1 << 2, /* the same for `from` */
       TRK_HOOK_FLOATING = 1 << 3,       /* NEW: its reference is floating */
       TRK_HOOK_AUTOMATIC = 1 << 4,      /* nobody asked for it: not in modules that call libtrack themselves */
       TRK_HOOK_INLINE = 1 << 5,         /* NEW: the count changes in place, too: TRK_TYPE_INLINE */
       TRK_HOOK_KEPT = 1 << 6,           /* PARK, REUSE: the pool keeps a reference of what is in it */
       TRK_HOOK_BORROWED = 1 << 7,       /* WEAK_SET, WEAK_CLEAR: nobody writes to the pointer when the object dies */
};
struct trk_hook_rule {
    uint32_t adapter;  /* who says so, for reports */
    uint32_t library;  /* file names or sonames, '|' between them; `program`: that; empty: any module */
    uint32_t function; /* as its symbol is spelled; `NAME>`: the function without a name that NAME ends with a jump to;
                          0x1250: by its address in the file */
    uint32_t type;     /* NEW: name of the type; empty: that of the function */
    uint32_t name_function; /* TRK_HOOK_NAME_CALL: a function of the same module, or else of any other */
    uint8_t role;           /* enum trk_hook_role */
    uint8_t name_kind;      /* NEW: enum trk_hook_name */
    uint16_t flags;
    uint32_t object_before, object_size; /* NEW: offset and size of struct trk_type */
    uint32_t count_offset;               /* from the object's start; this and the next as in struct trk_type */
    uint8_t count_width, count_shift, count_bits, pad;
    int16_t count_bias;
    uint16_t stack_bytes; /* where it speaks when the call has returned: most bytes of arguments on the stack; 0: 512 */
    struct trk_hook_place object;
    struct trk_hook_place slot; /* address of the variable that owns the reference, or weak pointer; of MOVE: later */
    struct trk_hook_place from; /* MOVE: the same, before */
    struct trk_hook_place name; /* says which type it is: objects with the same value there have the same */
    struct trk_hook_test test[TRK_HOOK_TESTS]; /* all must hold */
    uint64_t immortal_mask,
        immortal_value;   /* a word of count_width with (word & mask) == value: is not counted; 0, 0 */
    uint64_t reserved[4]; /* 0 */
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
    TRK_HOOK_ODD_RETURN = 18,   /* it does not return as others do (setjmp, vfork), and its result is wanted */
    TRK_HOOK_TELLS_ITSELF = 19, /* its module calls libtrack: it would be counted twice (TRK_HOOK_AUTOMATIC) */
    TRK_HOOK_OTHER_VERSION =
        20,                    /* no module has it, but others of its adapter; of TRK_HOOK_AUTOMATIC, by the recorder */
    TRK_HOOK_NO_TAIL = 21,     /* NAME>: NAME does not jump to one function without a symbol */
    TRK_HOOK_NO_FUNCTION = 22, /* named by an address at which no function begins */
    TRK_HOOK_INLINED = 23,     /* the compiler put it into its callers, all or some of them; by the recorder */
};
/* A function that was found, for one of the rules that name it. Written by the target: state last (release), it may
 * change when a library is loaded again. */
struct trk_shm_hook {
    uint32_t state; /* enum trk_hook_state */
    uint32_t rule;
    uint32_t function, module; /* text ids: symbol; path */
    uint32_t proc;             /* index of the process that found it: it and its children have it */
    uint32_t calls;            /* index of the element under which its calls are counted: that of its first rule */
};

#endif
