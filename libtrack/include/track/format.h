/* track/format.h: every byte that leaves the target. Constants and packed structs, no functions.
 *
 * This header is the one thing that the library inside the target (libtrack) and the analyzer (profiler) share.
 * It describes three things, in this order:
 *
 *   1. records   16-byte slots that a thread writes into its ring; the same slots (lap bit cleared) fill the
 *                event blocks of a trace file;
 *   2. arena     the shared memory between one program image (and its forked children) and its recorder:
 *                header, processes, rings, stack depot, text, types; and the handshake that hands it over;
 *   3. file      the trace: a header and a sequence of self-contained, optionally compressed blocks.
 *
 * docs/FORMAT.md is the prose for the file part. Everything is little-endian; readers refuse anything else.
 * Both sides treat what the other wrote as hostile: mask indices, check lengths, follow no pointers. */
#ifndef TRACK_FORMAT_H
#define TRACK_FORMAT_H

#include <stdint.h>

#include <track/ask.h>       /* the part of 2. about threads that ask the recorder something and wait */
#include <track/hook_rule.h> /* the part of 2. about functions of the program that are hooked */

/* ------------------------------------------------------------------------------------------------------------
 * 1. Records
 *
 * A record is one first slot and zero or more TRK_OP_EXT slots behind it. A slot is two little-endian words:
 *
 *   w0:  bit 0       lap      valid when equal to the parity expected at this position (see section 2); 0 in files
 *        bits 1-6    op       enum trk_op
 *        bits 7-12   aux      small value, meaning depends on op
 *        bits 13-16  stack id, bits 20-23
 *        bits 17-63  addr     47-bit user address (or a number for ops that have no address), see below
 *   w1:  bits 0-19   stack id, bits 0-19
 *        bits 20-63  arg      44 bits; for slots of references the slot's address >> 3
 *
 * TRK_OP_EXT slots carry what did not fit:
 *   w0:  bit 0 lap, bits 1-6 op (TRK_OP_EXT), bits 7-14 enum trk_ext, bits 15-63 zero in version 1
 *   w1:  64-bit value
 * A reader that lands on an EXT slot without a first slot (a hole before it) skips it.
 *
 * High addresses. Some kernels (aarch64 with 48 bits) put nearly everything above 2^47. A recording of such a program
 * says so (TRK_HELLO_HIGH, TRK_SHM_HIGH, TRK_FILE_HIGH): there, an address or slot of a first slot that is
 * 2^TRK_ADDR_LOW_BITS or more has bit 47 set besides; a smaller one, or a number, is itself. What this cannot say
 * (2^40 to 2^47 + 2^40, and from 2^48) is not recorded: events on such objects are counted as dropped, such slots take
 * an EXT slot, which always holds the whole address. Stacks and modules do, too. */
struct trk_slot {
    uint64_t w0;
    uint64_t w1;
};

enum {
    TRK_SLOT_BYTES = 16,
    TRK_LAP_BITS = 1,
    TRK_OP_SHIFT = 1,
    TRK_OP_MASK = 0x3f,
    TRK_AUX_SHIFT = 7,
    TRK_AUX_MASK = 0x3f,
    TRK_STACK_HI_SHIFT = 13, /* in w0 */
    TRK_STACK_HI_MASK = 0xf,
    TRK_STACK_LO_BITS = 20, /* in w1 */
    TRK_STACK_LO_MASK = 0xfffff,
    TRK_ADDR_SHIFT = 17,
    TRK_ADDR_BITS = 47,
    TRK_ADDR_LOW_BITS = 40, /* with high addresses: below, bit 47 is not implied */
    TRK_ARG_SHIFT = 20,
    TRK_ARG_BITS = 44,
    TRK_EXT_SHIFT = 7,
    TRK_EXT_MASK = 0xff,
    TRK_MAX_EXT = 4, /* no record has more EXT slots than this */
};

/* What happened. "stack" says that the stack id is set. Numbers are frozen; new ops are appended and a reader
 * skips (and counts) those it does not know. */
enum trk_op {
    TRK_OP_NONE = 0, /* never written: an untouched slot */
    TRK_OP_EXT = 1,  /* continuation of the record before it */
    TRK_OP_TICK = 2, /* arg: tick_us as this thread read it; later records of this ring are not older. All threads copy
                        the same clock: what happened before something else never has the later tick */
    TRK_OP_THREAD = 3,       /* addr: thread id; the ring now belongs to this thread. arg: tick_us */
    TRK_OP_ALLOC = 4,        /* addr, stack, arg: requested size, aux: enum trk_alloc_kind;
                                EXT_OLD: old address when the kind is REALLOC */
    TRK_OP_FREE = 5,         /* addr, stack, aux: enum trk_alloc_kind, arg: length for MMAP. Before the real free */
    TRK_OP_REALLOC = 6,      /* addr: old block, stack. Before the real realloc: the old block may be reused from here
                                on. Followed, in the same thread, by ALLOC(kind REALLOC) or REALLOC_FAIL */
    TRK_OP_REALLOC_FAIL = 7, /* addr: old block lives on */
    TRK_OP_NEW = 8,          /* object born with one reference. addr, stack, arg: type id, aux bit 0: floating */
    TRK_OP_REF = 9,          /* addr: object, stack, arg: slot >> 3 or 0, aux: count after (see TRK_COUNT_*) */
    TRK_OP_UNREF = 10,       /* the same */
    TRK_OP_MOVE = 11,        /* addr: object, stack, arg: to slot >> 3 or 0, EXT_FROM: from slot (absent: anonymous) */
    TRK_OP_DEL = 12,         /* object dies. addr, stack */
    TRK_OP_WEAK_SET = 13,    /* addr: object, stack, arg: slot: an uncounted pointer to it is stored in slot */
    TRK_OP_WEAK_CLEAR = 14,
    TRK_OP_BORROW = 15, /* addr, stack, arg: slot: a pointer is used without a count until RETURN */
    TRK_OP_RETURN = 16,
    TRK_OP_SINK = 17, /* floating reference becomes an ordinary one. arg: slot that owns it now or 0 */
    TRK_OP_PIN = 18,  /* addr, EXT_TEXT: reason; a root by design */
    TRK_OP_UNPIN = 19,
    TRK_OP_MAY_LEAK = 20, /* addr, EXT_TEXT: reason; listed, never gating */
    TRK_OP_PARK = 21,     /* count went to 0 into a pool; neither dead nor leaked. aux 1: the pool keeps one reference,
                             which it gives back to destroy the object */
    TRK_OP_REUSE = 22,    /* taken from the pool: a new life with one reference. addr, stack, aux 1: of a pool that
                             keeps one, and may hand out what was made for it just now */
    TRK_OP_RETYPE = 23,   /* addr, arg: type id */
    TRK_OP_DTOR_BEGIN = 24, /* addr, stack */
    TRK_OP_DTOR_END = 25,
    TRK_OP_ROOT_ADD = 26,    /* addr: start, arg: bytes, EXT_TEXT: name */
    TRK_OP_ROOT_DEL = 27,    /* addr: start */
    TRK_OP_TOUCH = 28,       /* addr, stack, EXT_TEXT: breadcrumb */
    TRK_OP_CONTEXT = 29,     /* EXT_TEXT: key (absent: leave), EXT_VALUE: id; for later events of this thread */
    TRK_OP_MARK = 30,        /* EXT_TEXT: name, stack, EXT_VALUE: microseconds by the clock itself */
    TRK_OP_SCOPE_BEGIN = 31, /* EXT_TEXT: name, stack, arg: scope number within the process, EXT_VALUE as MARK */
    TRK_OP_SCOPE_END = 32,   /* arg: scope number, EXT_VALUE as MARK */
    TRK_OP_MOVE_RANGE = 33,  /* addr: to, arg: bytes, EXT_FROM: from: all slots inside move along */
    TRK_OP_FORK = 34,        /* addr: process id of the child; written by the parent when fork() returned */
    TRK_OP_MODULES = 35,     /* arg: text id of a new module map (EXT_VALUE: generation) */
    TRK_OP_DROP = 36,        /* arg: records this thread dropped since its last DROP */
    TRK_OP_EXIT = 37, /* the program reached its exit handlers or _exit. arg: status & 0xff, aux bit 0: known, EXT_VALUE
                         as MARK */
    TRK_OP_ASSERT_FREED = 38, /* addr, stack: the program asserts that the object is dead now */
    TRK_OP_CHECKPOINT = 39,   /* EXT_TEXT: name, stack, EXT_VALUE as MARK */
    TRK_OP_COUNT_SEEN = 40,   /* addr: object, EXT_COUNT: value read from its count field */
    TRK_OP_EXEC = 41,         /* an exec family call is about to be made; stack */
    TRK_OP_EXEC_FAIL = 42,    /* and came back */
    TRK_OP_SKIP = 43,         /* padding; ignore */
    TRK_OP_IGNORE = 44,       /* addr: in a block that is never reported, nor what it alone reaches */
    TRK_OP_DISABLE = 45, /* aux 1: deeper, 0: back; arg: depth then. Above 0 the blocks that this thread allocates are
                            as with IGNORE */
    TRK_OP_POOL = 46,  /* addr: pool. aux 1: begins; 0: ends, and with it all its chunks: CUSTOM blocks whose ALLOC has
                          EXT_POOL */
    TRK_OP_TYPED = 47, /* addr: start of a block, arg: type id of what it is for, aux 1: of an array of these */
    TRK_OP_GC = 48,    /* aux: enum trk_gc_command, arg and EXT_VALUE as there. By the program, or by the recorder */
    TRK_OP_COUNT_
};

/* aux of ALLOC and FREE. */
enum trk_alloc_kind {
    TRK_ALLOC_MALLOC = 0,
    TRK_ALLOC_CALLOC = 1,
    TRK_ALLOC_REALLOC = 2,
    TRK_ALLOC_ALIGNED = 3, /* aligned_alloc, posix_memalign, memalign, valloc, pvalloc */
    TRK_ALLOC_MMAP = 4,    /* mmap/munmap; addr and arg are the range */
    TRK_ALLOC_CUSTOM = 5,  /* trk_alloc/trk_free */
    TRK_ALLOC_BOOT = 6,    /* served from the start-up arena before the real malloc was known */
};

/* aux of REF and UNREF: the count after the change, as far as the program told it. */
enum {
    TRK_COUNT_INLINE_MAX = 61, /* 0..61: the count itself */
    TRK_COUNT_EXT = 62,        /* in an EXT_COUNT slot */
    TRK_COUNT_UNKNOWN = 63,
};

/* What an EXT slot's value is. */
enum trk_ext {
    TRK_EXT_COUNT = 1,     /* count after the change, signed */
    TRK_EXT_SLOT = 2,      /* full slot address (when it is not a multiple of 8: arg is 0 then) */
    TRK_EXT_FROM = 3,      /* full address moved from; a holder token (bit 63) is allowed */
    TRK_EXT_OLD = 4,       /* old block of a realloc */
    TRK_EXT_HOLDER = 5,    /* the reference is held by the object or block at this address, no slot known */
    TRK_EXT_TEXT = 6,      /* text id */
    TRK_EXT_VALUE = 7,     /* plain number */
    TRK_EXT_TO_HOLDER = 8, /* MOVE: destination is a holder, not a slot */
    TRK_EXT_SEQ = 9,       /* REF, UNREF: number of this change among all changes of the object's count word, 32 bits;
                              the change before it has the number before it. NEW: number the word begins with */
    TRK_EXT_CYCLES = 10,   /* in rings only: cycle counter of the processor at the event; files carry TRK_EXT_TIME */
    TRK_EXT_POOL = 12,     /* ALLOC(kind CUSTOM): address of the pool that the block is a chunk of */
    TRK_EXT_TIME = 11,     /* in files: nanoseconds since microsecond 0 of the trace, exact (clock=tsc) */
};

/* ------------------------------------------------------------------------------------------------------------
 * 2. Arena
 *
 * The recorder creates one memfd per program image, sizes and seals it (F_SEAL_SHRINK|GROW|SEAL), fills the
 * header and sends it to the target over a SOCK_SEQPACKET unix socket: target sends struct trk_hello, recorder
 * answers struct trk_welcome with the memfd attached (SCM_RIGHTS). The target maps it MAP_SHARED, closes both
 * descriptors and never talks on a socket again. Forked children inherit the mapping and claim their own
 * process entry and rings in it.
 *
 * Ring protocol. A ring is a power-of-two array of slots. Positions are 64-bit slot counts that only grow;
 * position p lives in index p & (nslots-1) and its lap bit is ((p >> log2(nslots)) & 1) ^ 1, so the zero-filled
 * ring holds no valid slot in lap 0 and every lap flips the bit. The producer writes w1, then w0 with release
 * order (EXT slots of a record before its first slot: whoever sees the first slot may take the whole record); the
 * reader loads w0 with acquire order, takes the slot when the lap bit is the expected one, and
 * publishes `tail` (release) after it copied. The producer never writes a slot at position >= tail + nslots
 * (modes block and drop). There is no head: `head` is a copy for diagnosis, written at slow paths only.
 *
 * A slot that stays invalid while slots behind it are valid is a hole (killed thread, handler that left by
 * siglongjmp): the reader waits TRK_HOLE_WAIT_US and then counts it in `holes` (before it moves `tail`) and skips it.
 * Such a slot keeps the content of the lap before, which looks valid one lap later; the producer leaves a ring whose
 * `holes` grew, and closes them with SKIP records before it uses that ring again. A reader must not look further
 * ahead for valid slots than half a ring. */
enum {
    TRK_SHM_ABI = 5,
    TRK_PROC_MAX = 64, /* processes that can share one arena (an image and its forked descendants) */
    TRK_RING_MAX = 512,
    TRK_RING_RECORDER = TRK_RING_MAX, /* ring number, in files, of what the recorder itself has to say: marks */
    TRK_TYPE_MAX = 16384,             /* type ids 1..TRK_TYPE_MAX-1 */
    TRK_STACK_ID_BITS = 24,
    TRK_STACK_MAX_FRAMES = 64,
    TRK_STACK_UNIT = 8, /* stack id * 8 = byte offset in the depot */
    TRK_TEXT_UNIT = 8,
    TRK_TEXT_MAX = 1 << 20, /* longest text record (module maps) */
    TRK_HOLE_WAIT_US = 200000,
    TRK_FILTER_MAX = 1024,
};

#define TRK_SHM_MAGIC 0x314d485354524b54ull /* "TKRTSHM1" */

/* Where the recorder is; the target reads it at slow paths. */
enum trk_recorder_state {
    TRK_REC_GONE = 0, /* nobody will ever drain: drop and count */
    TRK_REC_RUNNING = 1,
    TRK_REC_STOPPING = 2, /* still drains; new threads need not start */
    TRK_REC_LEFT = 3,     /* the recording is over, the process is not: it becomes idle and can be woken again */
};

enum trk_on_full {
    TRK_FULL_BLOCK = 0, /* wait for the recorder, bounded by block_ms, then drop */
    TRK_FULL_DROP = 1,
    TRK_FULL_FLIGHT = 2,
};

/* Bits of trk_shm_header.flags. */
enum {
    TRK_SHM_FOLLOW_CHILDREN = 1 << 0, /* a forked child records too */
    TRK_SHM_MALLOC = 1 << 1,          /* record allocator events */
    TRK_SHM_MMAP = 1 << 2,
    TRK_SHM_EXACT_TIME = 1 << 3, /* every record but TICK, THREAD, DROP and SKIP carries EXT_CYCLES */
    TRK_SHM_HIGH = 1 << 4,       /* high addresses, see section 1; as the hello said, else the target refuses it */
    TRK_SHM_LOOKS = 1 << 5, /* looks at memory are answered (struct trk_shm_look); without it nobody waits for one */
    TRK_SHM_NO_MEMORY = 1 << 6,     /* memory is never read: who asks is told TRK_NO at once, without a look */
    TRK_SHM_LOOK_EXIT = 1 << 7,     /* with LOOKS, wanted by themselves: at exit, */
    TRK_SHM_LOOK_MARK = 1 << 8,     /* at marks of the program, */
    TRK_SHM_LOOK_SCOPE = 1 << 9,    /* at ends of scopes */
    TRK_SHM_EXACT_HOOKED = 1 << 10, /* EXT_CYCLES as with EXACT_TIME, from when functions are hooked and a second thread
                                       has a ring. That moves the clock: records that have none bear earlier ticks */
};

struct trk_shm_header {
    uint64_t magic;        /* TRK_SHM_MAGIC */
    uint32_t abi;          /* TRK_SHM_ABI */
    uint32_t header_bytes; /* sizeof(struct trk_shm_header) */
    uint64_t bytes;        /* whole arena */
    uint64_t epoch_ns;     /* CLOCK_MONOTONIC of microsecond 0 */
    uint32_t flags;
    uint32_t on_full;     /* enum trk_on_full */
    uint32_t block_ms;    /* longest wait for room */
    uint16_t depth_birth; /* frames on ALLOC, NEW, REUSE; 1 = call site only */
    uint16_t depth_ref;   /* frames on REF, UNREF, MOVE, DEL and the like */
    uint16_t depth_free;  /* frames on FREE */
    uint16_t pad0;
    uint32_t machine; /* of the target, as the hello said */
    /* Tables: byte offsets from the start of the arena and sizes, fixed for its life. */
    uint64_t procs_off;        /* struct trk_shm_proc[TRK_PROC_MAX] */
    uint64_t rings_off;        /* struct trk_shm_ring[ring_count] */
    uint64_t ring_count;       /* <= TRK_RING_MAX */
    uint64_t types_off;        /* uint32_t[TRK_TYPE_MAX]: text id of the type's definition, 0 = none yet */
    uint64_t depot_hash_off;   /* uint32_t[depot_hash_count]: stack ids */
    uint64_t depot_hash_count; /* power of two */
    uint64_t depot_off;        /* stacks; stack id * TRK_STACK_UNIT is the offset in here */
    uint64_t depot_bytes;
    uint64_t text_off; /* texts; text id * TRK_TEXT_UNIT is the offset in here */
    uint64_t text_bytes;
    uint64_t text_hash_off; /* uint32_t[text_hash_count]: text ids, for interning */
    uint64_t text_hash_count;
    uint64_t look_off;   /* the window through which a waiting thread hands over its memory; one per arena, and one look
                            at a time: the recorder asks one process after the other to serve */
    uint64_t look_bytes; /* 0: none, nothing is served */
    uint64_t own_off;    /* struct trk_shm_own[TRK_PROC_MAX], 0: none */
    uint64_t list_off;   /* struct trk_shm_list[TRK_PROC_MAX], 0: none, and no list is asked for */
    uint64_t hooks_off;  /* struct trk_shm_hooks, 0: none */
    uint64_t data_off;   /* ring data */
    uint64_t data_bytes;
    /* Which births are recorded: "key=value" strings each ended by NUL, an empty one ends the list; keys: types,
     * modules, objects. Empty: all. Filled by the recorder; the process that made the handshake adds what its own
     * options say about missing keys before entry 0 becomes LIVE. */
    char filter[TRK_FILTER_MAX];
    uint64_t epoch_cycles; /* with TRK_SHM_EXACT_TIME or _HOOKED: the cycle counter at microsecond 0 */

    /* Written by the recorder (own cache line). tick_us is the coarse clock: microseconds since epoch; producers copy
     * it when it changed. A target adds 1 where exact times begin (TRK_SHM_EXACT_HOOKED). */
    uint64_t tick_us __attribute__((aligned(64)));
    uint32_t recorder_state; /* enum trk_recorder_state */
    uint32_t recorder_pid;
    uint64_t heartbeat; /* grows every time the recorder looked at the rings */
    /* With TRK_SHM_EXACT_TIME or _HOOKED: the last reading of both clocks, for who saves the rings of a dead recorder.
     * Readings stand in the elements in turns; the last one, of number steered - 1, is whole. */
    struct trk_shm_steer {
        uint64_t cycles, ns; /* ns since the epoch */
    } steer[2];
    uint64_t steered; /* how many */

    /* Written by the target with atomic read-modify-write (own cache line). */
    uint64_t depot_used __attribute__((aligned(64))); /* bump allocation, in bytes; starts at TRK_STACK_UNIT */
    uint64_t text_used;                               /* starts at TRK_TEXT_UNIT */
    uint64_t depot_full;                              /* stacks that found no room (their event has stack id 0) */
    uint64_t text_full;
    uint32_t type_next;  /* last type id given */
    uint32_t module_gen; /* grows on every dlclose that unloaded something */
};

/* One process of the image. Entry 0 is the process that made the handshake. */
enum trk_proc_state {
    TRK_PROC_FREE = 0,
    TRK_PROC_CLAIMED = 1, /* being filled by the process itself */
    TRK_PROC_LIVE = 2,
};
/* What libtrack itself keeps in private memory of a process, one table per entry of struct trk_shm_proc, of the same
 * index. The shared memory, and files of libtrack, are known by their names; the rest stands here. Only added to; an
 * element whose start is 0 is not there yet. A process that claims the entry begins with count 0.
 *
 * Blocks of custom allocators may lie in memory of any kind (static data, a stack, shared memory): pointers into
 * [custom_start, custom_end), which only ever grows, count as those into memory of malloc do. */
enum { TRK_OWN_MAX = 766 };
enum trk_own_kind {
    TRK_OWN_PRIVATE = 0, /* nothing of the program: neither scanned nor counted */
    TRK_OWN_BLOCKS = 1,  /* blocks of the program lie here (TRK_ALLOC_BOOT), in the data of a module; itself no root */
};
struct trk_shm_own {
    uint32_t count;                    /* valid elements; hostile: limit it */
    uint32_t lost;                     /* ranges that found no room */
    uint64_t custom_start, custom_end; /* each written on its own; 0: none yet */
    uint64_t pad;
    struct trk_own_range {
        uint64_t start;
        uint64_t bytes; /* the lowest 3 bits are enum trk_own_kind; sizes are multiples of 8 */
    } at[TRK_OWN_MAX];
};

struct trk_shm_proc {
    uint32_t state; /* enum trk_proc_state; FREE -> CLAIMED by compare-exchange; back to FREE by the recorder */
    uint32_t pid;   /* as the target sees itself */
    uint32_t parent_pid;
    uint32_t parent_index; /* entry of the forking process, or own index */
    uint64_t start_us;
    uint64_t dropped;      /* records dropped by threads that had no ring at all (atomic) */
    uint64_t emergency;    /* events met inside libtrack itself and not recorded (atomic) */
    uint32_t mem_request;  /* target increments at exit: please sample memory now */
    uint32_t mem_done;     /* recorder copies mem_request here when it did (futex word) */
    uint32_t modules_text; /* text id of the newest module map of this process */
    uint32_t flags;        /* TRK_PROC_* */
    uint32_t malloc_text;  /* text id: who serves malloc, when it is not us ("jemalloc in /usr/bin/x"), else 0 */
    uint32_t pad0;
    uint8_t pad[64];
    struct trk_shm_look look;
};
enum {
    TRK_PROC_MALLOC_OURS = 1 << 0,    /* malloc calls of this process come through us */
    TRK_PROC_MALLOC_FOREIGN = 1 << 1, /* the program resolves malloc to somebody else: allocations are not seen */
    TRK_PROC_MALLOC_NONE = 1 << 2,    /* plain -ltrack: allocations are not recorded by choice */
    TRK_PROC_EXITING = 1 << 3,
};

/* One ring. A ring belongs to a process once claimed; the process hands it from thread to thread (TRK_OP_THREAD);
 * the recorder gives it back (zeroed, tail = 0) when the process is gone and the ring drained. */
enum trk_ring_state { TRK_RING_FREE = 0, TRK_RING_OWNED = 1 };
struct trk_shm_ring {
    /* fixed by the recorder */
    uint64_t data_off; /* from the start of the arena, multiple of 4096 */
    uint32_t log2_slots;
    uint32_t extras_high; /* producer: see flight; extras >> 31 */
    /* producer side */
    uint32_t state;    /* FREE -> OWNED by compare-exchange (release fields below afterwards through `proc`) */
    uint32_t proc;     /* process index + 1; 0 while not yet set */
    uint32_t tid;      /* diagnosis only; TRK_OP_THREAD in the ring is what counts */
    uint32_t waiting;  /* producer sleeps on `tail_futex` */
    uint64_t head;     /* copy of the cursor at the last slow path */
    uint64_t dropped;  /* records dropped for lack of room (plain stores of the owner) */
    uint64_t filtered; /* births that the filter left out (the same) */
    /* Flight mode, written with head: events before a position (first slots but TICK, THREAD, DROP) are the position
     * less the extras before it. Such a pair modulo 2^32, position in the low half, extras in the high half: no kill
     * can part them. head and extras_high give the upper bits. */
    uint64_t flight;
    /* recorder side */
    uint64_t tail __attribute__((aligned(64))); /* position up to which slots may be overwritten */
    uint32_t tail_futex;                        /* incremented and woken when `waiting` was set and tail moved */
    uint32_t pad2;
    uint64_t holes;
    /* tail in the low half, events (as for flight) that the recorder took before it in the high half, modulo 2^32;
     * written before tail. Who saves the rings of a dead recorder begins there and knows what it had in hand. */
    uint64_t reached;
    uint64_t pad3[4];
};

/* A stack in the depot: frames from the innermost outwards; pcs are return addresses (subtract 1 to look up the
 * call); an instruction interrupted by a signal is stored + 1, so that the same holds for it. Published by storing
 * `head` last, with release order; head is never 0 for a published entry. */
struct trk_shm_stack {
    uint64_t head; /* hash 32 | frames 8 | flags 8 | module generation 16 (low) */
    uint64_t pcs[];
};
enum {
    TRK_STACK_HASH_SHIFT = 32,
    TRK_STACK_COUNT_SHIFT = 24,
    TRK_STACK_FLAGS_SHIFT = 16,
    TRK_STACK_GEN_MASK = 0xffff,
    TRK_STACK_TRUNCATED = 1, /* more frames existed than asked for or than could be unwound */
    TRK_STACK_SITE_ONLY = 2, /* one frame on purpose */
    TRK_STACK_BROKEN = 4,    /* unwinding stopped at a frame without usable unwind information */
};

/* A text: interned string or definition. Published by storing `head` last (release); never 0. */
struct trk_shm_text {
    uint64_t head; /* hash 32 | kind 8 | length 24 */
    char bytes[];
};
enum trk_text_kind {
    TRK_TEXT_STRING = 1, /* names, reasons, breadcrumbs */
    TRK_TEXT_MAPS = 2,   /* lines of /proc/self/maps that belong to files, [heap], [stack], [vdso] */
    TRK_TEXT_TYPE = 3,   /* struct trk_type_def and the name behind it */
};
enum { TRK_TEXT_HASH_SHIFT = 32, TRK_TEXT_KIND_SHIFT = 24, TRK_TEXT_LEN_MASK = 0xffffff };

/* The rules, and what became of the functions that they name (track/hook_rule.h). Calls are counted per ring, by its
 * thread alone; without ring per process, atomically. */
struct trk_shm_hooks {
    uint32_t rules, text_bytes; /* by the recorder */
    uint32_t used, lost;        /* by the target, atomic: elements of `found`; functions that found no room */
    struct trk_hook_rule rule[TRK_HOOK_RULES];
    char text[TRK_HOOK_TEXT];
    struct trk_shm_hook found[TRK_HOOK_MAX];
    uint64_t unringed[TRK_PROC_MAX][TRK_HOOK_MAX];
    uint64_t calls[][TRK_HOOK_MAX]; /* ring_count */
};

/* Definition of a type, in the arena and in the file; the name (no NUL) follows. */
struct trk_type_def {
    uint32_t id;
    uint32_t flags;        /* TRK_TYPE_* of track.h */
    uint64_t object_size;  /* 0: unknown, take the block's */
    int64_t obj_offset;    /* the object starts this many bytes before the pointer handed to trk_new */
    uint32_t count_offset; /* of the count, from the object's start; UINT32_MAX: unknown */
    uint32_t count_width;  /* 1, 2, 4, 8 bytes; 0: unknown */
    uint32_t name_len;
    uint8_t count_shift; /* the count begins at this bit of its word (little end first) */
    uint8_t
        count_bits; /* and has so many bits, unsigned; 0: all from there on, of a whole word of 4 or 8 bytes signed */
    int16_t count_bias; /* added to what stands there */
};

/* Handshake. */
#define TRK_HELLO_MAGIC   0x31484b54u /* "TKH1" */
#define TRK_WELCOME_MAGIC 0x31574b54u /* "TKW1" */
enum {
    TRK_HELLO_PRELOAD = 1 << 0,
    TRK_HELLO_LINKED = 1 << 1,
    TRK_HELLO_MALLOC = 1 << 2,
    TRK_HELLO_WOKEN = 1 << 3, /* was idle: blocks and objects born before are not known */
    TRK_HELLO_HIGH = 1 << 4,  /* high addresses, see section 1 */
};
#define TRK_WISH_NO_STACK 0xffffu /* of wish_birth, wish_ref, wish_free: no stack at all */
struct trk_hello {
    uint32_t magic;
    uint32_t abi;
    uint32_t pid;
    uint32_t flags;
    uint64_t wish_budget;                     /* bytes, 0: recorder decides */
    uint32_t wish_on_full;                    /* enum trk_on_full + 1, 0: recorder decides */
    uint32_t wish_block_ms;                   /* + 1, 0: recorder decides */
    uint16_t wish_birth, wish_ref, wish_free; /* frames, 0: recorder decides */
    uint16_t follow;                          /* 0 recorder decides, 1 children=0, 2 children=1 */
    uint32_t wish_clock;                      /* 0 recorder decides, 1 coarse, 2 exact */
    uint32_t machine;                         /* ELF e_machine of the target, 0: the recorder's */
    uint32_t pad[2];
};
struct trk_welcome {
    uint32_t magic;
    uint32_t abi;   /* the recorder's; unequal: no descriptor attached, the target stays idle */
    uint64_t bytes; /* size of the arena */
};

/* Control page: how a process that records nothing is woken. The page that holds the gates of libtrack is a small file
 * of the process's user, PID-STARTTIME-NAMESPACE (start time as in /proc/PID/stat, inode of the pid namespace; decimal)
 * in a directory that only this user can enter: $XDG_RUNTIME_DIR/libtrack, /dev/shm/libtrack-UID or /tmp/libtrack-UID.
 * Who wants to record holds flock() on it, writes `socket`, then `request` (one more than `answered`), then the gates.
 * The first event of the program finds the gate open, takes the request (`answered`), and says in `result` how that
 * went; a welcome follows the hello as ever. The gates are closed by the program when its arena says REC_LEFT, or by
 * who holds the lock. */
#define TRK_CONTROL_MAGIC 0x31544147544b5254ull /* "TRKTGAT1" */
enum {
    TRK_CONTROL_ABI = 1,
    TRK_CONTROL_BYTES = 4096,
    TRK_CONTROL_MALLOC_AT = 64, /* offset of malloc_gate */
    TRK_CONTROL_SOCKET_MAX = 108,
};
enum trk_control_state {
    TRK_CONTROL_IDLE = 0,
    TRK_CONTROL_BUSY = 1, /* just talks to a recorder */
    TRK_CONTROL_LIVE = 2, /* records for recorder_pid */
};
enum trk_control_result {
    TRK_WAKE_OK = 0,
    TRK_WAKE_PATH = 1,    /* no usable socket path */
    TRK_WAKE_CONNECT = 2, /* nobody answers there */
    TRK_WAKE_PEER = 3,    /* somebody else's socket */
    TRK_WAKE_TALK = 4,    /* no welcome in time, or no usable memory in it */
    TRK_WAKE_SPENT = 5,   /* woken too often */
    TRK_WAKE_BARRED = 6,  /* the process is privileged by now */
};
struct trk_control_page {
    uint8_t gate; /* trk_gate_v1 */
    uint8_t pad0[7];
    uint64_t magic; /* TRK_CONTROL_MAGIC, also while the page is ordinary data */
    uint32_t abi;
    uint32_t pid;        /* as the process sees itself */
    uint64_t start_time; /* clock ticks after boot */
    uint32_t flags;      /* TRK_HELLO_PRELOAD, LINKED, MALLOC */
    uint32_t pad1[7];
    uint8_t malloc_gate; /* trk_malloc_gate_v1 */
    uint8_t pad2[63];
    /* written by the process; atomic, state last */
    uint32_t state; /* enum trk_control_state */
    uint32_t answered;
    uint32_t result;       /* enum trk_control_result */
    uint32_t recorder_pid; /* as the recorder sees itself, 0 unknown */
    uint32_t wakes_left;
    uint32_t pad3[11];
    /* written by who wakes it; atomic, request last */
    uint32_t request;
    uint32_t pad4;
    char socket[TRK_CONTROL_SOCKET_MAX]; /* path, or '@' and an abstract name; ends with NUL */
    uint8_t pad5[3780];
    uint64_t magic_end; /* TRK_CONTROL_MAGIC: the page is whole */
};

/* ------------------------------------------------------------------------------------------------------------
 * 3. Trace file
 *
 * struct trk_file_header, then blocks. Each block is struct trk_block and `stored` bytes of payload; payload is
 * zstd when TRK_BLOCK_ZSTD is set. Readers check magic, lengths and checksum, and stop (keeping what they have) at
 * the first block that fails: a file cut anywhere is good up to its last complete block. Blocks of an unknown
 * kind are skipped, unless TRK_BLOCK_CRITICAL is set: then the reader refuses and names the version. */
#define TRK_FILE_MAGIC "reftrk\r\n" /* 8 bytes: also catches text-mode damage */
enum {
    TRK_FILE_MAJOR = 1,       /* unequal: refuse */
    TRK_FILE_MINOR = 3,       /* greater: read, skipping what is unknown. 1: STATE, NUMBERS, EXT_SEQ, EXT_TIME.
                               2: MEMORY. 3: GC */
    TRK_BLOCK_MAX = 16 << 20, /* largest raw payload */
};
enum {
    TRK_FILE_HIGH = 1 << 0,  /* high addresses, see section 1 */
    TRK_FILE_FLAGS = 1 << 0, /* all that are known; a reader refuses a file with others */
};
struct trk_file_header {
    char magic[8];
    uint16_t major, minor;
    uint32_t header_bytes; /* where the first block starts: sizeof(struct trk_file_header) in version 1 */
    uint64_t created_ns;   /* CLOCK_REALTIME of microsecond 0 of this trace */
    uint32_t pid;
    uint32_t machine;     /* ELF e_machine: 62 x86-64, 183 aarch64 */
    uint8_t trace_id[16]; /* random */
    uint32_t flags;       /* TRK_FILE_* */
    uint32_t pad0;
    uint64_t pad1;
};

#define TRK_BLOCK_MAGIC 0x4b4c4254u /* "TBLK" */
enum trk_block_kind {
    TRK_BLOCK_META = 1,    /* "key=value" strings, each ended by NUL: see docs/FORMAT.md for keys */
    TRK_BLOCK_MODULES = 2, /* struct trk_module_head + struct trk_module[] + strings */
    TRK_BLOCK_STACKS = 3,  /* repeated: struct trk_stack_def + uint64_t pcs[frames] */
    TRK_BLOCK_TYPES = 4,   /* repeated: struct trk_type_def + name, padded to 8 */
    TRK_BLOCK_TEXTS = 5,   /* repeated: uint32_t id, uint32_t length, bytes, padded to 8 */
    TRK_BLOCK_EVENTS = 6,  /* struct trk_events_head + slots */
    TRK_BLOCK_MEM = 7,     /* struct trk_mem */
    TRK_BLOCK_LOSS = 8,    /* struct trk_loss: cumulative, written when it changed */
    TRK_BLOCK_END = 9,     /* struct trk_end; last block of a complete trace */
    TRK_BLOCK_STATE =
        10, /* critical; a part of the state of the heap, standing for all events before: see docs/FORMAT.md */
    TRK_BLOCK_NUMBERS = 11, /* repeated: struct trk_number; behind the STATE that they belong to */
    TRK_BLOCK_MEMORY = 12,  /* struct trk_memory_head + areas, words, counts: what memory said at a checkpoint */
};
/* An object that is alive in a state, and the number of the last change of its count. */
struct trk_number {
    uint64_t addr;
    uint32_t seq, zero;
};
enum {
    TRK_BLOCK_ZSTD = 1 << 0,
    TRK_BLOCK_CRITICAL = 1 << 1,
    TRK_BLOCK_PLANES = 1 << 2, /* EVENTS: behind the head stands byte 0 of all slots, then byte 1 of all, ... byte 15 */
};
struct trk_block {
    uint32_t magic;
    uint16_t kind;
    uint16_t flags;
    uint32_t stored;   /* payload bytes in the file */
    uint32_t raw;      /* payload bytes after decompression */
    uint64_t seq;      /* 0, 1, 2, ... */
    uint64_t checksum; /* XXH64 (seed 0) of the stored payload */
};

struct trk_module_head {
    uint32_t generation;
    uint32_t count;
    uint64_t at_us;
};
/* One mapping of a file (or a named area) in the target, in address order. Strings are offsets from the start of the
 * string area that follows the array; 0 is the empty string. */
struct trk_module {
    uint64_t start, end;
    uint64_t file_offset;
    uint64_t dev, ino;
    uint32_t prot;        /* PROT_* */
    uint32_t path;        /* string offset; "[heap]", "[stack]", "[vdso]", "" anonymous */
    uint8_t build_id_len; /* 0: unknown */
    uint8_t build_id[23];
};
struct trk_stack_def {
    uint32_t id;
    uint16_t generation;
    uint8_t frames;
    uint8_t flags; /* TRK_STACK_* */
};
/* Slots of one ring between two looks of the recorder. Events of one ring are in order; a record is never split
 * over two blocks. Blocks of one `round` were taken in the same look at all rings. */
struct trk_events_head {
    uint32_t ring;
    uint32_t tid; /* owner at the first slot */
    uint64_t round;
    uint64_t start_us; /* time of the last TICK before the first slot */
    uint32_t slots;
    uint32_t pad;
};
/* A STATE payload: this head, then sections (docs/FORMAT.md). */
enum {
    TRK_STATE_VERSION = 3,   /* greater: refuse. 2: owners of nothing (flags of references, incidents). 3: incidents of
                                weak   pointers in freed memory */
    TRK_STATE_LAST = 1 << 0, /* no further part follows */
};
struct trk_state_head {
    uint16_t version;
    uint16_t flags;
    uint32_t part;   /* 0, 1, 2, ... */
    uint64_t at_us;  /* of the last event it stands for */
    uint64_t events; /* that it stands for */
};
/* ---- MEMORY: a checkpoint ----
 *
 * Words of the program's memory that may point into its heap, and where they stood; nothing else of the contents. It
 * speaks of the moment behind the events of all rounds up to `round`, wherever in the file it stands. A checkpoint is
 * one or more parts (blocks), one behind the other: areas of registers, then the others in address order, and each
 * area's words in order; the last area of a part may go on in the next, where its entry stands again.
 * Payload: head, struct trk_memory_area[areas], uint32_t step[words] (bytes from the word before, for the first of an
 * area from its start), uint8_t how[words], padding to 8, then the values in byte planes (byte 0 of all, byte 1 ...),
 * then struct trk_memory_count[counts], then the name (name_bytes, padded to 8; first part only). What the heads of
 * parts say of the whole is final in the last one. */
enum trk_memory_rung { /* the ladder: how it was read, strongest first */
                       TRK_RUNG_STOPPED =
                           1, /* all threads stood still: registers, stacks and memory are of one moment */
                       TRK_RUNG_WAITING =
                           2, /* the thread that asked stood still and read its own memory; others went on */
                       TRK_RUNG_CONFIRMED =
                           3, /* read while everybody went on; only words that were there at a second look */
};
enum trk_memory_why { /* who wanted it */
                      TRK_LOOK_EXIT = 1,
                      TRK_LOOK_CALL,
                      TRK_LOOK_MARK,
                      TRK_LOOK_SCOPE,
                      TRK_LOOK_REQUEST,
                      TRK_LOOK_LEAK_CHECK,
                      TRK_LOOK_GC,
};
enum {
    TRK_MEMORY_VERSION = 1,     /* greater: skip the block */
    TRK_MEMORY_LAST = 1 << 0,   /* no further part follows */
    TRK_MEMORY_CUT = 1 << 1,    /* not everything was read that should have been, or (nothing unread) pointers went
                                   from place to place meanwhile, perhaps unseen: verdicts are weaker */
    TRK_MEMORY_SINGLE = 1 << 2, /* the program had one thread, and that one waited: as good as STOPPED */
};
#define TRK_MEMORY_SKIP UINT32_MAX /* as a step: no word stands there, the next step goes on from there */
struct trk_memory_head {
    uint16_t version, flags;
    uint32_t part;   /* 0, 1, 2, ... */
    uint32_t number; /* of the checkpoint in this trace: 1, 2, ... */
    uint8_t rung, why;
    uint16_t name_bytes;
    uint64_t at_us; /* of the cut */
    uint64_t round;
    uint64_t pause_us; /* how long the program, or the thread that waited, stood still */
    uint64_t took_us;  /* reading in all */
    uint64_t read_bytes, unread_bytes;
    uint32_t threads, threads_unread; /* seen; without known registers and stack pointer */
    uint32_t areas, words, counts;    /* in this part */
    uint32_t pad;
};
enum trk_area_kind {
    TRK_AREA_ANON = 1,  /* anonymous writable memory, [heap] included: blocks lie here; itself no root */
    TRK_AREA_DATA,      /* .data, .bss and the like of a module; a root */
    TRK_AREA_STACK,     /* of thread tid, from its stack pointer (red zone included) up; a root */
    TRK_AREA_REGISTERS, /* of thread tid: start 0, the word of register n (struct user_regs_struct) stands at 8 n; from
                           TRK_REGISTERS_VECTOR on vector registers, as the kernel keeps them */
    TRK_AREA_TLS,       /* static thread-local variables of thread tid, and the thread library's own block about it; of
                           the first thread also what the loader allocated before malloc was there */
    TRK_AREA_MAPPED,    /* shared or file-backed writable memory; a root */
};
/* In an area of registers: the thread pointer stands there, wherever it leads; vector registers begin there. */
enum { TRK_REGISTERS_THREAD = 512, TRK_REGISTERS_VECTOR = 1024 };
struct trk_memory_area {
    uint64_t start, size;
    uint32_t kind, tid;
    uint32_t words; /* of this part */
    uint32_t pad;
};
/* A reference count as it stood in memory: of the object that trk_new named addr. TRK_MEMORY_NO_COUNT: what stood there
 * is no number that a count can be (beyond TRK_MEMORY_COUNT_MAX, above or below 0), and is not told. */
struct trk_memory_count {
    uint64_t addr;
    int64_t count;
};
#define TRK_MEMORY_COUNT_MAX ((int64_t)INT32_MAX)
#define TRK_MEMORY_NO_COUNT  INT64_MIN

/* Memory of the process, read from outside (bytes). Unknown members are UINT64_MAX. */
struct trk_mem {
    uint64_t at_us;
    uint64_t rss, pss, swap;
    uint64_t heap;     /* resident: [heap] */
    uint64_t anon;     /* resident: other anonymous mappings (malloc arenas, mmap) */
    uint64_t stacks;   /* resident: [stack] and thread stacks as far as they are named */
    uint64_t files;    /* resident: code and data of files, and file mappings */
    uint64_t reftrack; /* resident: the arena and libtrack's own mappings */
    uint64_t vm_hwm;
    uint64_t cpu_us; /* user+system time of the process */
    uint64_t recorder_cpu_us, recorder_rss;
    uint32_t threads;
    uint32_t final_; /* 1: taken while the program was exiting */
};
struct trk_loss {
    uint64_t dropped;   /* records dropped by producers */
    uint64_t holes;     /* slots that never became valid */
    uint64_t emergency; /* events met inside libtrack */
    uint64_t depot_full, text_full;
    uint64_t write_lost; /* records the recorder could not write (disk full) */
    uint64_t in_flight;  /* records that were incomplete when the process died */
};
enum trk_end_reason {
    TRK_END_EXIT = 1,      /* value: exit status */
    TRK_END_SIGNAL = 2,    /* value: signal number */
    TRK_END_GONE = 3,      /* the process is gone; how is not known (not our child) */
    TRK_END_EXEC = 4,      /* replaced itself by another program */
    TRK_END_STOPPED = 5,   /* recording was stopped; the process lives on */
    TRK_END_FAILED = 6,    /* the recorder gave up: value is an errno */
    TRK_END_SNAPSHOT = 7,  /* a copy of a flight recording; process and recording went on */
    TRK_END_RECOVERED = 8, /* the recorder died; this trace was completed by somebody else */
    TRK_END_LIMIT = 9,     /* the file reached its limit; the process lives on, nothing is known from here on */
};
struct trk_end {
    uint64_t at_us;
    uint32_t reason;
    int32_t value;
    uint64_t records; /* first slots written to this file */
    uint64_t slots;
    struct trk_loss loss;
};

#endif
