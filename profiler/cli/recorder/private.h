/* private.h: what the files of the recorder share.
 *
 *     struct recorder   the socket, all arenas, all traces
 *     struct arena      shared memory of one program image and its forked children; private copies of everything that
 *                       the target could change under our feet
 *     struct ring       reader's side of one ring: position, owner, pending slots
 *     struct proc       one process of an arena = one trace file
 *
 * Loop order in one look: new processes, rings (copied into pending), requests; then, when enough gathered or 100 ms
 * passed, one round of event blocks for all rings. */
#ifndef RECORDER_PRIVATE_H
#define RECORDER_PRIVATE_H

#include "cycles.h"
#include "recorder.h"

#include <poll.h>

#include <base/vec.h>
#include <prof/gc.h>
#include <prof/heap.h>
#include <prof/symbol.h>
#include <prof/trace.h>

enum {
    REC_ROUND_SLOTS = 1 << 16,          /* a round is written when this many slots gathered */
    REC_ROUND_US = 100000,              /* or this time passed */
    REC_HOLD_US = 5 * TRK_HOLE_WAIT_US, /* a round lasts so long at most while a ring waits at a hole */
    REC_CHUNK_SLOTS = 4096,             /* copied before the producer gets its room back */
    REC_LOOKAHEAD = 16,                 /* slots looked at behind a hole */
    REC_HOLE_MAX = 256, /* widest hole: some records of handlers that interrupted each other. Looking further
                           would make pages of memory that was never used */
    REC_SLEEP_MIN_US = 1000,
    REC_SLEEP_MAX_US = 10000,
    REC_HELLO_US = 2000000,        /* a connection that says nothing this long is closed */
    REC_MEM_US = 2000000,          /* shortest distance of periodic memory samples */
    REC_MEM_SAMPLES = 2000,        /* that distance later, as a part of the run so far */
    REC_BLOCK_MS = 1000,           /* default bound of a producer's wait for room */
    HELLO_AFTER_EXEC_US = 1000000, /* a program that a recorded process became is waited for */
    REC_FORKED_MAX = 4096,         /* announced children that are waited for */
};

/* How an image's memory is to be used. */
struct arena_shape {
    uint64_t budget;
    uint32_t flags, on_full, block_ms;
    uint32_t machine; /* 0: this one */
    uint16_t depth_birth, depth_ref, depth_free;
    const char *types, *modules, *objects; /* NULL: the target may say */
    const struct rec_hooks *hooks;         /* NULL: none */
};

/* Where the file stood at some moment of the recording. */
struct fold_mark {
    uint64_t us, round; /* everything up to this round happened before */
    uint64_t offset;
};

/* How a trace is kept short, see fold.c. */
struct fold {
    pid_t helper;          /* 0: none runs */
    int pipe;              /* what it tells; -1: it has told, or none runs */
    char *file;            /* that it writes */
    uint64_t round;        /* up to which it folds */
    uint64_t base;         /* bytes of the file up to the end of its state and the rest */
    uint64_t began, grown; /* bytes of the file when the helper began; what came until the last one had finished */
    uint64_t retry_bytes;  /* no fold before the file is this long: the last one failed */
    uint32_t count, failed;
    bool failing; /* the last one failed */
    bool edge;    /* one began or was taken over since the last look at the rings */
    bool warned;
    PROF_VEC(struct fold_mark) marks; /* of a window */
};

/* What is lost that was allocated in one place. */
struct leak_row {
    char place[20]; /* fingerprint */
    uint64_t blocks, bytes;
};
/* Questions of threads that wait, see question.c. */
struct question {
    pid_t helper;    /* 0: none runs */
    pid_t dying;     /* a helper that was killed and is not reaped yet; 0 */
    int pipe;        /* to the helper and back; -1: none runs */
    uint32_t folds;  /* of the trace when it began: it has that file */
    uint64_t end;    /* bytes of the trace that it is about */
    bool waits;      /* somebody does, for the answer to `number` */
    bool unanswered; /* the helper did not answer `number` yet */
    bool again;      /* the helper that was there failed, and this one is new */
    uint32_t kind;   /* enum trk_question */
    uint64_t number; /* of the question; 0: there was none yet */
    uint64_t arg[2]; /* as the thread asked */
    uint64_t cpu_us; /* what the helper and its children told of theirs */
    PROF_VEC(unsigned char) said;
    PROF_VEC(struct leak_row) before; /* of the leak check before this one */
};
/* To the helper. */
struct question_request {
    uint64_t number, end; /* end: bytes of the trace that are written */
    uint64_t arg[2];
    uint32_t kind;
    uint32_t given_up; /* nobody waits for the answer to the one before, if there is none yet */
};
/* From the helper: a part of an answer, in order. */
struct question_part {
    uint64_t number;
    uint64_t all;    /* bytes of the answer; 0: it cannot be known */
    uint64_t cpu_us; /* that it took since the one before */
    uint32_t here;   /* bytes */
    uint32_t last;   /* the helper ends behind it */
    unsigned char bytes[32768];
};
/* What an answer is made from, and of. */
struct question_telling {
    struct prof_trace *trace;
    struct prof_heap_options options;
    struct prof_heap *heap; /* finished */
    struct prof_gc *gc;     /* goes along with it */
    struct prof_gc_commands commands;
    struct prof_symbols *symbols; /* NULL: not needed yet */
    PROF_VEC(unsigned char) said;
    bool no_memory;
};
/* What its helper says first. */
struct question_answer {
    int64_t answer; /* enum trk_answer */
    uint64_t numbers[sizeof((struct trk_shm_look *)0)->numbers / sizeof(uint64_t)];
};
/* What commands in the trace make of the generations, so far. */
struct gc_settings {
    uint64_t enabled, threshold[3], debug; /* as TRK_ASK_GC_SETTINGS tells them */
    uint64_t collects;                     /* commands of the recorder */
};

/* What a helper tells when it is done. */
struct fold_report {
    uint64_t base;     /* bytes up to the end of the rest */
    uint64_t bytes;    /* of the new file */
    uint64_t blocks;   /* in it */
    uint64_t upto;     /* position in the old file that it stands for */
    char problem[256]; /* "" done */
};

/* How full the rings of a process were when they were looked at, and how often a thread was found waiting for room. */
struct ring_use {
    unsigned most; /* per cent of a ring */
    uint64_t waits;
};

struct ring {
    uint64_t data_off;
    uint32_t log2_slots;
    int proc;           /* index of the owner, -1: none. Latched when first seen */
    uint64_t tail;      /* copied so far */
    uint64_t published; /* what the producer was told: behind tail until the copies are in the file */
    uint64_t taken;     /* events copied, as trk_shm_ring.reached counts them */
    uint64_t stuck_us;  /* since when a hole is at tail; 0 none */
    uint64_t stuck_end; /* position up to which records were behind it then */
    uint64_t now_us;    /* last TICK or THREAD copied */
    uint32_t tid;
    uint64_t holes;
    bool skipping; /* behind a hole, in front of the next first slot */
    unsigned ext;  /* EXT slots of the current record so far */
    PROF_VEC(struct trk_slot) pending;
    uint64_t pending_records;
    uint32_t pending_tid; /* state in front of pending */
    uint64_t pending_us;
};

struct proc {
    struct arena *arena;
    int index;    /* in the arena's table */
    pid_t pid;    /* as we see it */
    pid_t ns_pid; /* as it sees itself */
    pid_t parent_pid;
    uint64_t epoch_ns; /* of its arena: tells whose fork it can be after the arena forgot it */
    int pidfd;         /* -1: none, kill(pid, 0) decides */
    int maps_fd;       /* /proc/PID/maps of this very image, -1: none: empty once the image is gone */
    bool dead;         /* seen dead, or replaced by exec */
    bool unseen;       /* of another pid namespace and not found: pid is its own number, nothing can be asked */
    struct prof_writer *writer; /* NULL when the file could not be made: slots are counted as lost */
    struct rec_result result;
    uint64_t records_in, slots_in; /* handed to the writer */
    uint64_t lost_unwritten;       /* records met while there was no writer */
    uint64_t in_flight, holes;
    bool filtered;
    bool timed;                                     /* a record had a time of its own */
    uint8_t *stacks_seen, *texts_seen, *types_seen; /* bitmaps: already defined in this trace */
    uint32_t modules_text;                          /* newest map written */
    uint32_t modules_gen;
    bool modules_any;
    uint32_t malloc_text;
    struct trk_loss loss_written;
    int exit_status;            /* from TRK_OP_EXIT; -1 unknown */
    struct ring marks;          /* what the recorder itself wrote: no memory behind it, only pending slots */
    PROF_VEC(char *) own_texts; /* their names; text id is the index + 1 and bit 31 */
    bool exec_seen;             /* TRK_OP_EXEC without EXEC_FAIL behind it */
    uint64_t exec_check_us;
    uint64_t quiet_check_us; /* when a silent process is looked at again */
    bool data_since_flush;
    uint32_t mem_done;
    uint64_t mem_next_us;
    uint64_t start_us;
    uint64_t ended_us;              /* 0: not yet */
    uint32_t looks, looks_answered; /* at its memory: checkpoints begun; the last one that a thread asked for */
    uint64_t look_bytes;            /* that they have in the file */
    bool looked_at_exit;
    bool ending; /* it asked for its last look */
    struct fold fold;
    struct question question;
    struct gc_settings gc;
    struct counted *counted;       /* live objects with a count that can be read, NULL: no such type was used */
    struct ring_use use, edge_use; /* at all looks; at those right behind the begin and the end of a fold */
    uint64_t round_us;             /* the last round was handed to the writer: what comes later is not in the file */
    bool over;                     /* the trace reached its limit and has ended; the process lives */
    PROF_VEC(pid_t) forked;        /* children announced by TRK_OP_FORK that did not claim an entry yet */
};

struct arena {
    struct recorder *rec;
    unsigned char *base;
    uint64_t bytes;
    const unsigned char *again; /* a later copy of the memory, when base is a copy; else NULL */
    int memfd;
    uint64_t ino, dev; /* of the memfd: finds its mapping in /proc/PID/maps */
    struct trk_shm_header *h;
    struct trk_shm_proc *procs;
    struct trk_shm_ring *shm_rings;
    uint32_t *types;
    uint64_t depot_off, depot_bytes, text_off, text_bytes, look_off, look_bytes, own_off, list_off;
    uint64_t hooks_off;             /* 0: none */
    uint64_t epoch_ns, realtime_ns; /* the same moment on both clocks */
    uint32_t ring_count;
    struct ring *rings;
    struct proc *proc[TRK_PROC_MAX];
    pid_t image_pid; /* who said hello */
    pid_t ns_pid;    /* as it sees itself */
    int image_pidfd;
    int image_maps_fd; /* /proc/PID/maps of who said hello, opened then: it may end, or hide, at once */
    bool image_dead;
    bool looked;   /* all rings, in this round */
    bool attached; /* it was running before: what it had then is not known */
    uint64_t heartbeat;
    uint64_t idle_step_us;                /* quiet programs are looked at less often */
    uint64_t orphan_check_us, changed_us; /* changed_us: when a silent child was first seen as another program */
    PROF_VEC(pid_t) forked;               /* announced children of processes that are gone */
    char *program;                        /* base name */
    PROF_VEC(char *) facts;               /* META pairs about the program */
    struct arena_shape shape;
    struct cycles *cycles; /* NULL: coarse times */
    uint64_t steered;      /* readings told to the header */
};

/* A thread that was asked to stop for a look and did not until that was over. */
struct look_sleeper {
    pid_t pid, tid;
};

struct hello_wait {
    int fd;
    pid_t pid;
    uint64_t since_us;
};

struct recorder {
    struct rec_options options;
    char *dir, *socket;
    int listen_fd;
    PROF_VEC(struct hello_wait) waiting;
    PROF_VEC(struct arena *) arenas;
    PROF_VEC(const struct rec_result *) results;
    PROF_VEC(struct proc *) ended; /* finished traces: their results live here */
    bool root_seen;
    bool swept;      /* the folder of the first trace was looked through */
    bool root_named; /* the plain output name has been given away */
    uint64_t round;
    uint64_t round_us; /* when it began */
    uint64_t flush_us; /* when gathered data last went to the files */
    size_t pending_slots;
    uint64_t sleep_us;
    bool folding;            /* a helper is at work: one at a time, so that memory and disk are bounded */
    uint64_t folding_cpu_us; /* of all helpers that ended */
    bool hurry;              /* a ring was rather full: look again at once */
    char *problem, *note;
    uint64_t refused;
    PROF_VEC(unsigned char) scratch;
    PROF_VEC(struct pollfd) polls;
    PROF_VEC(struct look_sleeper) sleepers;
    uint64_t tended_us; /* when a long look last looked after the others */
};

/* ---- clock: microseconds of CLOCK_MONOTONIC ---- */
uint64_t rec_now_us(void);
/* Microseconds since the arena's epoch. */
uint64_t rec_arena_us(const struct arena *arena);
/* With exact time: reads both clocks, so that all cycles read so far can be told in nanoseconds. */
void rec_arena_read_cycles(struct arena *arena);
/* The same, and tells the header, for who comes after a recorder that died. */
void rec_arena_steer(struct arena *arena);

/* ---- arena.c ---- */
struct prof_error *rec_arena_create(const struct arena_shape *shape, struct arena **ret);
void rec_arena_destroy(struct arena *arena); /* the processes must have ended */
/* Gives the memory of all but the header back, which processes that go on still have mapped. */
void rec_arena_empty(struct arena *arena);
/* Gives a drained ring of a dead process back. */
void rec_ring_give_back(struct arena *arena, uint32_t index);
void rec_proc_give_back(struct arena *arena, int index);
/* A published text of the wanted kind: NULL when the id leads nowhere. Borrowed from shared memory: copy before use, it
 * may change. */
const char *rec_arena_text(const struct arena *arena, uint64_t id, unsigned kind, uint32_t *ret_length);

/* Nobody drains its rings while it runs. */
static inline bool rec_is_flight(const struct arena *arena)
{
    return arena->shape.on_full == TRK_FULL_FLIGHT;
}

/* The file flags of its traces. */
static inline uint32_t rec_file_flags(const struct arena *arena)
{
    return arena->shape.flags & TRK_SHM_HIGH ? TRK_FILE_HIGH : 0;
}

/* ---- server.c ---- */
struct prof_error *rec_server_open(struct recorder *rec);
void rec_server_close(struct recorder *rec);
void rec_server_accept(struct recorder *rec);
/* Reads a hello where one arrived; closes silent connections. */
void rec_server_poll(struct recorder *rec);
void rec_server_serve(struct recorder *rec, int fd, pid_t pid);
/* Folders in which recorders make theirs, best first; returns their number. */
enum { REC_PLACES = 5, REC_PLACE_BYTES = 71 };
size_t rec_server_places(char (*ret)[REC_PLACE_BYTES]);
bool rec_server_is_folder(const char *name);
/* Removes what a recorder left that was killed: an old folder of ours whose socket nobody answers. */
void rec_server_clean(const char *place, const char *name);

/* ---- mark.c ---- */
/* A mark in the trace of the process, at this moment. false: too many wait to be written. */
bool rec_mark(struct proc *proc, const char *name);
/* The same with a command to the generations (enum trk_gc_command); value: as its EXT_VALUE, of COLLECT its number is
 * found here. */
bool rec_gc_command(struct proc *proc, unsigned command, uint64_t arg, uint64_t value);

/* ---- adopt.c: the memory of a recorder that died ---- */
/* Copies the arena that a process has mapped and makes sense of it; nothing in it is believed unchecked. The result
 * belongs to nobody: rec_adopt_destroy ends it. */
struct prof_error *rec_adopt(pid_t pid, struct arena **ret);
void rec_adopt_destroy(struct arena *arena);

/* What the process did that did not reach its file: everything valid in its rings. skip: by ring number, events that
 * the file has already. */
void rec_drain_rest(struct arena *arena, int proc_index, const uint64_t *skip);

/* ---- flight_take.c: flight recordings ---- */
/* Takes what the rings of the process hold, at its end. running: it may still write. */
void rec_flight_take(struct proc *proc, bool running);
/* Keeps what would be written over and is needed at the end: module maps. */
void rec_flight_look(struct proc *proc);
/* Writes what the rings hold now to a new trace: path, or a numbered name beside the process's own trace. *ret_path is
 * malloc'ed; *ret_events: events in it. */
struct prof_error *rec_snapshot(struct proc *proc, const char *path, char **ret_path, uint64_t *ret_events);

/* ---- image.c: arenas and the processes in them ---- */
/* A program got its arena. */
void rec_image_add(struct recorder *rec, struct arena *arena);
/* Finds processes that claimed an entry. */
void rec_image_scan(struct arena *arena);
/* Ends what died; gives arenas back that nobody uses any more. */
void rec_image_reap(struct recorder *rec);
/* A trace reached its limit. When those of all its processes have, the image is told that nobody records it any more:
 * it becomes idle, and what it forks from now on is not recorded. */
void rec_image_limit(struct arena *arena);
void rec_image_destroy(struct arena *arena, enum trk_end_reason reason);

/* ---- proc.c ---- */
struct proc *rec_proc_create(struct arena *arena, int index, pid_t pid);
/* Opens its trace and writes what is known at the start. parent: whose fork it is, NULL: the image itself. */
void rec_proc_begin(struct proc *proc, const struct proc *parent);
bool rec_proc_alive(struct proc *proc);
/* The trace reached its limit: ends it with the last round; the process is only watched from now on. */
void rec_proc_limit(struct proc *proc);
/* Final drain, END, file closed, rings and entry given back; moves the proc to rec->ended. reason 0: find out. */
void rec_proc_end(struct proc *proc, enum trk_end_reason reason);
void rec_proc_free(struct proc *proc);
/* Keeps the first problem of a trace; ends the error. */
void rec_proc_problem(struct proc *proc, struct prof_error *error);
void rec_proc_loss(struct proc *proc, struct trk_loss *ret);
/* Opens /proc/PID/maps; -1: it cannot be. */
int rec_maps_fd(pid_t pid);
/* Opens a pidfd, -1 when the kernel has none or the process is gone. */
int rec_pidfd(pid_t pid);
bool rec_pid_alive(pid_t pid, int pidfd);

/* ---- name.c ---- */
/* Creates the trace of a new process; result.program must be set. */
struct prof_error *rec_name_open(struct proc *proc, struct prof_writer **ret, char **ret_path);
/* Creates a snapshot: path, or with NULL a numbered name beside the process's trace. */
struct prof_error *rec_name_snapshot(struct proc *proc, const char *path, struct prof_writer **ret, char **ret_path);

int rec_zstd_level(const struct rec_options *options);

/* ---- fold.c ---- */
/* Right after a round was written and flushed: begins a fold that is due. */
void rec_fold_look(struct proc *proc, uint64_t now_us);
/* Takes over what a helper finished. */
void rec_fold_finish(struct recorder *rec);
/* Gives up what is under way and frees everything. */
void rec_fold_stop(struct proc *proc);

/* ---- question.c ---- */
/* For a thread that waits, behind its look if it wanted one: answers, or begins to find the answer. false: it cannot be
 * known. */
bool rec_question_begin(struct proc *proc, uint32_t kind, const uint64_t arg[2]);
/* Answers when that is known, or gives up when nobody waits any more. */
void rec_question_look(struct proc *proc);
/* Whoever waited does so no longer; its helper stays. */
void rec_question_forget(struct proc *proc);
/* The helper ends, and nobody is told; the thread that waits is told that it cannot be known. */
void rec_question_stop(struct proc *proc);
void rec_question_give_up(struct proc *proc);
void rec_question_free(struct proc *proc);
bool rec_question_is_leak_check(uint32_t kind);

/* ---- question_help.c: in the helper ---- */
/* Serves until nobody asks any more; the process ends with it. talk: the other end of question.pipe. */
_Noreturn void rec_question_help(const struct proc *proc, pid_t parent, int talk);
/* Appends to the answer. false: there is no memory. */
bool rec_question_put(struct question_telling *telling, const void *bytes, size_t size);

/* ---- leak_check.c ---- */
/* In the helper: an answer, and a struct leak_row for each place. */
bool rec_leak_check_tell(struct question_telling *telling);
/* What that is, in comparison with the check before. */
int rec_leak_check_conclude(struct proc *proc, struct question_answer *answer, const void *rest, size_t size);

/* ---- gc_question.c ---- */
/* In the helper: options for a heap with generations that obey the commands in the trace. */
bool rec_question_follow(struct question_telling *telling);
/* Does an answer name places in the program? Makes what knows them, if there is none yet; false: it cannot be. */
bool rec_question_wants_symbols(uint32_t kind);
bool rec_question_symbols(struct question_telling *telling);
/* An answer, and the words of its list. */
bool rec_gc_tell(struct question_telling *telling, uint32_t kind, const uint64_t arg[2]);
/* A command to the generations is in the trace. */
void rec_gc_note(struct proc *proc, unsigned command, uint64_t arg, uint64_t value);
/* As it is at first. */
void rec_gc_init(struct gc_settings *gc);

/* The helper is not our child any more: gives its fold up. */
void rec_fold_moved(struct proc *proc);
/* Ends the traces that the coming round would make longer than they may be. The round is taken or left as a whole. */
void rec_fold_limits(struct arena *arena);

/* ---- fold_help.c ---- */
/* Starts the process that folds the file, whose first `end` bytes are whole, up to this round. It tells a fold_report
 * through *ret_pipe and ends when that is closed. -1, errno: it could not be started. */
pid_t rec_fold_helper(struct proc *proc, uint64_t round, uint64_t end, int *ret_pipe);
/* Removes what folds of this user left in the folder of the trace when they were killed. */
void rec_fold_sweep(const char *trace);

/* ---- meta.c ---- */
/* Looks at the process that said hello while it waits for the answer: later it may be gone, or another program. */
void rec_facts_take(struct arena *arena);
void rec_meta_write(struct proc *proc, const struct proc *parent);
/* Who serves malloc, once the process told. */
void rec_meta_malloc(struct proc *proc);
/* What became of the functions that were to be hooked, at the end. */
void rec_meta_hooks(struct proc *proc);
/* How many births a filter left out, at the end. */
void rec_meta_filtered(struct proc *proc);
/* What is to be said of looks at its memory, at the end. */
void rec_meta_look(struct proc *proc);
/* How full its rings were, at the end. */
void rec_meta_use(struct proc *proc);

/* ---- drain.c ---- */
/* Copies what is ready in all rings of the arena into their pending slots; returns slots taken. */
size_t rec_drain(struct arena *arena);
/* Everything valid in the rings of a dead process, behind holes as well. */
void rec_drain_final(struct arena *arena, int proc_index);
/* Hands pending slots to the writers. They are a round when all rings were looked at since the last one began; else it
 * goes on. */
void rec_round(struct recorder *rec);
/* The same for the rings of one process. */
void rec_round_proc(struct proc *proc);
/* Appends copied slots of a ring to its pending ones, and what they define and say to the process. */
void rec_take(struct recorder *rec, struct proc *proc, struct ring *ring, const struct trk_slot *slots, size_t count);
/* Gives one ring's pending slots to the writer, in the present round. */
struct prof_error *rec_write_slots(struct proc *proc, const struct ring *ring, uint32_t number);
/* The same, and they are not pending any more. */
void rec_write_ring(struct recorder *rec, struct proc *proc, struct ring *ring, uint32_t number);
/* The record is an event, not one of those that only carry time, owner or losses. */
bool rec_is_event(const struct trk_slot *slot);

/* ---- define.c: definitions that events cite ---- */
void rec_define_stack(struct proc *proc, uint32_t id);
void rec_define_text(struct proc *proc, uint64_t id);
void rec_define_type(struct proc *proc, uint64_t id);
/* A text of the recorder's own; its id is one that no arena can have. 0: none left. */
uint32_t rec_define_own_text(struct proc *proc, const char *text);
/* Stacks and texts are defined anew where they are cited from now on. */
void rec_define_again(struct proc *proc);

/* ---- counted.c: live objects whose type says where the count stands ---- */
enum { REC_COUNTED_MAX = 1 << 22 }; /* further ones are not checked */
/* A type was defined. */
void rec_counted_type(struct proc *proc, const struct trk_type_def *def);
/* A record of a process with proc->counted. old: where the block was before, of an ALLOC that is the end of a realloc.
 */
void rec_counted_note(struct proc *proc, unsigned op, uint64_t addr, uint64_t arg, uint64_t old);
void rec_counted_free(struct proc *proc);

/* ---- modules.c ---- */
/* Writes the module map that text id holds. */
void rec_modules_write(struct proc *proc, uint64_t text, uint32_t generation, uint64_t at_us);
/* Writes what /proc/PID/maps shows now, when the process has not told. */
void rec_modules_observe(struct proc *proc);

/* ---- mem.c ---- */
/* Takes samples that are due or were asked for. */
void rec_mem_look(struct proc *proc, uint64_t now_us);
void rec_mem_sample(struct proc *proc, bool final);

/* ---- look.c ---- */
/* Looks at the memory of the process, now. false: it was not possible, result.look_note says why. */
bool rec_look(struct proc *proc, enum trk_memory_why why, const char *name);
/* The recording of the image ends, its processes go on: looks at each, when exits are looked at. */
void rec_look_last(struct arena *arena);
/* As rec_look, if one of its threads asks for it and waits. */
void rec_look_asked(struct proc *proc);
/* Ends the wait of the thread that asked last. told: its question was answered; NULL: it only looked, or it is not. */
void rec_look_answer(struct proc *proc, int said, const struct question_answer *told);
/* Everything that happened until now is in rounds that are complete, within a bound. */
void rec_look_settle(struct recorder *rec);
/* Keeps everybody else going while a look takes its time. */
void rec_look_tend(struct recorder *rec);
/* Lets threads go that were asked to stop and did so only after their look. */
void rec_look_let_go(struct recorder *rec);

/* ---- loop.c ---- */
void rec_problem_set(struct recorder *rec, struct prof_error *error);
/* Keeps the first note: what is not as it was wished. */
void rec_note_set(struct recorder *rec, const char *text);
int rec_futex_wake(uint32_t *word);

#endif
