/* mktrace.h: builds traces for tests in a few readable lines.
 *
 *     struct mk_trace *t = mk_create();
 *     mk_alloc(t, 0x1000, 64, "net.c:31");              // a block
 *     mk_new(t, "conn", 0x1000, "net.c:31 < main.c:9"); // an object in it, two frames, innermost first
 *     mk_ref(t, 0x1000, 0x2008, "net.c:40");            // reference owned by the variable at 0x2008
 *     mk_unref(t, 0x1000, 0, "net.c:77");               // anonymous release
 *     struct prof_heap *heap = mk_heap(t);              // writes, opens, replays; ended by mk_destroy
 *     ...
 *     mk_destroy(t);                                    // ends heap and trace, removes the file
 *
 * Everything is deterministic: same calls, same bytes. Events go to the ring of the current thread (mk_thread), with
 * the time set last (mk_time), in the current round (mk_round). Nothing returns errors: what goes wrong prints and
 * aborts, because it is a bug of the test.
 *
 * Stacks. The string names a stack; equal strings are one stack. "a.c:1 < b.c:2" has two frames, innermost first; each
 * frame name gets its own address inside the made-up module /usr/bin/app, the first one 0x31 bytes into it and the next
 * ones 0x100 further each, so that reports without symbols show app+0x30 and so on (return addresses: one byte is
 * subtracted for the look-up). NULL: no stack. mk_stack_pcs names a stack of addresses of your own.
 *
 * Modules. Without mk_module the module map is /usr/bin/app at MK_APP_BASE (MK_APP_SIZE bytes), /lib/libc.so at
 * MK_LIBC_BASE, [heap] at MK_HEAP_BASE and [stack]. The first mk_module replaces that map; then point stacks into a
 * real ELF file with mk_stack_pcs. */
#ifndef HARNESS_MKTRACE_H
#define HARNESS_MKTRACE_H

#include <stddef.h>
#include <stdint.h>

#include <prof/heap.h>
#include <prof/trace.h>

#define MK_APP_BASE     0x555555554000ull
#define MK_APP_SIZE     0x100000ull
#define MK_APP_DATA     (MK_APP_BASE + 0xf0000ull) /* writable part of the app: variables here are globals */
#define MK_LIBC_BASE    0x7ffff7c00000ull
#define MK_HEAP_BASE    0x5555557a0000ull
#define MK_STACK_BASE   0x7ffffffde000ull
#define MK_HOLDER(addr) ((uint64_t)(addr) | (uint64_t)1 << 63) /* as a slot: the holder at addr */

struct mk_trace;

/* An empty trace of thread 100 at microsecond 0, to be written to a new file in $TMPDIR or /tmp. */
struct mk_trace *mk_create(void);
/* Ends the heap and the trace made by mk_heap and mk_open, removes the file. NULL is fine. */
void mk_destroy(struct mk_trace *t);
/* Where the file will be, or is. */
const char *mk_path(const struct mk_trace *t);

/* ---- Definitions: any time before mk_finish -------------------------------------------------------------------- */

/* META pair "key=value" for keys beyond the defaults (program=app, exe=/usr/bin/app, cwd=/, arg=app, pid=4711). */
void mk_meta(struct mk_trace *t, const char *pair);
/* Adds a module: executable mapping [start, start+size) of path from file offset 0. build_id may be NULL. */
void mk_module(struct mk_trace *t, const char *path, uint64_t start, uint64_t size, const void *build_id,
               size_t build_id_len);
/* Adds a mapping with everything given. */
void mk_mapping(struct mk_trace *t, const struct prof_module *module);
/* Defines a type; a type that was never defined gets size 0 (the rest of its block), offset 0, no count. Returns its
 * id. */
uint32_t mk_type(struct mk_trace *t, const char *name, uint64_t size);
uint32_t mk_type_full(struct mk_trace *t, const char *name, const struct trk_type_def *def);
/* Id of the stack of this name, defined when new. */
uint32_t mk_stack(struct mk_trace *t, const char *name);
uint32_t mk_stack_pcs(struct mk_trace *t, const char *name, const uint64_t *pcs, size_t frames);
uint32_t mk_text(struct mk_trace *t, const char *text);
/* zstd level of the file (0: stored, the default). Before the first event of the file is flushed: before any mk_round.
 */
void mk_compress(struct mk_trace *t, int level);
/* The program has high addresses (track/format.h, section 1): bit 47 of those given to events is implied where it may
 * be. As early as mk_compress. */
void mk_high(struct mk_trace *t);

/* ---- Where and when ---------------------------------------------------------------------------------------------- */

/* Later events come from this thread (own ring; rings are numbered in order of first use). */
void mk_thread(struct mk_trace *t, uint32_t tid);
/* Later events of all threads happen at this microsecond (a TICK record in each ring that goes on). */
void mk_time(struct mk_trace *t, uint64_t us);
/* What was recorded so far belongs to one look of the recorder; what follows to the next. */
void mk_round(struct mk_trace *t);

/* ---- Events --------------------------------------------------------------------------------------------------------
 * slot: address of the owning variable, MK_HOLDER(addr), or 0 for none. at: stack name or NULL. */

void mk_alloc(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at);
void mk_free(struct mk_trace *t, uint64_t addr, const char *at);
/* Both events: begin and end. */
void mk_realloc(struct mk_trace *t, uint64_t old, uint64_t addr, uint64_t size, const char *at);
void mk_mmap(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at);
void mk_munmap(struct mk_trace *t, uint64_t addr, uint64_t size, const char *at);
void mk_new(struct mk_trace *t, const char *type, uint64_t addr, const char *at);
/* Block of `size` bytes and object at its start: the two events of an ordinary constructor. */
void mk_born(struct mk_trace *t, const char *type, uint64_t addr, uint64_t size, const char *at);
/* DEL and FREE: the two events of an ordinary destructor. */
void mk_gone(struct mk_trace *t, uint64_t addr, const char *at);
void mk_new_floating(struct mk_trace *t, const char *type, uint64_t addr, const char *at);
void mk_del(struct mk_trace *t, uint64_t addr, const char *at);
void mk_ref(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_unref(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_ref_rc(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, const char *at);
void mk_unref_rc(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, const char *at);
/* With the number of the change, too; mk_seq adds one to any event before it, as to a birth. */
void mk_ref_seq(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, uint32_t seq, const char *at);
void mk_unref_seq(struct mk_trace *t, uint64_t addr, uint64_t slot, int64_t count, uint32_t seq, const char *at);
void mk_seq(struct mk_trace *t, uint32_t seq);
/* Gives the event before it an exact time. It belongs to the tick of mk_time all the same. */
void mk_at_ns(struct mk_trace *t, uint64_t ns);
void mk_move(struct mk_trace *t, uint64_t addr, uint64_t to, uint64_t from, const char *at); /* 0: anonymous */
void mk_own(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_disown(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_move_range(struct mk_trace *t, uint64_t to, uint64_t from, uint64_t size, const char *at);
void mk_sink(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_weak_set(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_weak_clear(struct mk_trace *t, uint64_t addr, uint64_t slot, const char *at);
void mk_typed(struct mk_trace *t, uint64_t addr, const char *type, bool array);
void mk_retype(struct mk_trace *t, uint64_t addr, const char *type, const char *at);
void mk_pin(struct mk_trace *t, uint64_t addr, const char *why);
void mk_may_leak(struct mk_trace *t, uint64_t addr, const char *why);
void mk_touch(struct mk_trace *t, uint64_t addr, const char *text, const char *at);
void mk_context(struct mk_trace *t, const char *key, uint64_t id); /* key NULL: leave */
void mk_mark(struct mk_trace *t, const char *name, const char *at);
void mk_checkpoint(struct mk_trace *t, const char *name, const char *at);
void mk_scope_begin(struct mk_trace *t, const char *name, const char *at);
void mk_scope_end(struct mk_trace *t);
void mk_root_add(struct mk_trace *t, uint64_t addr, uint64_t size, const char *name);
void mk_count_seen(struct mk_trace *t, uint64_t addr, int64_t count);
void mk_exit(struct mk_trace *t, int status);
/* An event without extensions, by op: PARK, REUSE, UNPIN, DTOR_BEGIN, DTOR_END, ASSERT_FREED, ... */
void mk_op(struct mk_trace *t, enum trk_op op, uint64_t addr, const char *at);
/* Any slot as it is (tests of readers). */
void mk_slot(struct mk_trace *t, uint64_t w0, uint64_t w1);
/* A first slot from its parts; stack by id. */
void mk_raw(struct mk_trace *t, unsigned op, unsigned aux, uint64_t addr, uint64_t arg, uint32_t stack);
void mk_ext(struct mk_trace *t, enum trk_ext kind, uint64_t value);
/* A memory sample; NULL members are up to the caller. */
void mk_mem(struct mk_trace *t, const struct trk_mem *mem);
void mk_loss(struct mk_trace *t, const struct trk_loss *loss);

/* ---- Memory at a checkpoint ----------------------------------------------------------------------------------------
 *     mk_memory_begin(t, TRK_RUNG_STOPPED);
 *     mk_memory_area(t, TRK_AREA_DATA, 0, MK_APP_DATA, 0x1000);
 *     mk_memory_word(t, MK_APP_DATA + 8, 0x1000);   // in the area added last, ascending
 *     mk_memory_end(t);
 * It is of the events before mk_memory_begin, which ends their round. Registers first, then areas by address. */
struct prof_memory *mk_memory_begin(struct mk_trace *t, enum trk_memory_rung rung); /* its plain members may be set */
void mk_memory_area(struct mk_trace *t, enum trk_area_kind kind, uint32_t tid, uint64_t start, uint64_t size);
void mk_memory_word(struct mk_trace *t, uint64_t at, uint64_t value);
void mk_memory_how(struct mk_trace *t, uint64_t at, uint64_t value, unsigned how);
void mk_memory_count(struct mk_trace *t, uint64_t addr, int64_t count); /* by address */
void mk_memory_end(struct mk_trace *t);

/* ---- Results --------------------------------------------------------------------------------------------------- */

/* How the END block ends the trace; default: exit 0 at the last time. reason 0: no END block (as after a crash). */
void mk_end(struct mk_trace *t, enum trk_end_reason reason, int32_t value);
/* Writes the file, once. Returns its path. */
const char *mk_finish(struct mk_trace *t);
/* Finishes and opens it. Owned by t. */
struct prof_trace *mk_open(struct mk_trace *t);
/* Finishes, opens and replays it (type sites gathered). Owned by t; a second call replays again into a new heap. */
struct prof_heap *mk_heap(struct mk_trace *t);
struct prof_heap *mk_heap_with(struct mk_trace *t, const struct prof_heap_options *options);

#endif
