/* layout.c: the columns of a saved state, section by section. New columns go to the end of theirs and are zero in older
 * states; numbers of sections are never given twice. */
#include "layout.h"

/* A member by its plain value. */
#define N(type, member) COLUMN_OF(type, member, COLUMN_NUMBER)
#define B(type, member) COLUMN_OF(type, member, COLUMN_BOOL)
#define S(type, member) COLUMN_OF(type, member, COLUMN_STACK)
#define T(type, member) COLUMN_OF(type, member, COLUMN_TEXT)

#define H(member)       N(struct prof_heap, member)
#define PLACE(type, at) N(type, at.at_us), S(type, at.stack), N(type, at.tid)

static const struct column scalars[] = {
    H(totals.events),
    H(totals.forced),
    H(totals.live_objects),
    H(totals.live_object_bytes),
    H(totals.live_blocks),
    H(totals.live_bytes),
    H(totals.mmap_blocks),
    H(totals.mmap_bytes),
    H(totals.peak_bytes),
    H(totals.peak_us),
    H(totals.allocs),
    H(totals.frees),
    H(totals.alloc_bytes),
    H(totals.unknown_frees),
    H(totals.unknown_objects),
    H(totals.refs),
    H(totals.unrefs),
    H(totals.counts_seen),
    H(totals.counts_wrong),
    H(totals.counts_unsure),
    H(totals.end_us),
    H(grave_at),
    H(freed_at),
    H(late_at),
    H(late_count),
    H(slot_mask),
    H(aside_mask),
    H(peak_epoch),
    H(moment_now),
    H(context_free),
    H(totals.marks_thinned),
    H(zeroed),
    H(zero_number),
    H(totals.memories),
    B(struct prof_heap, freed_full),
    B(struct prof_heap, compared),
};
static const struct column number[] = { { .bytes = 8 } };

#define TY(member) N(struct type_state, member)
static const struct column types[] = {
    TY(next_serial),      TY(pub.born),        TY(pub.died),         TY(pub.live),          TY(pub.live_bytes),
    TY(pub.peak_live),    TY(pub.peak_bytes),  TY(pub.zero),         TY(pub.parked),        TY(pub.refs_slot),
    TY(pub.refs_holder),  TY(pub.refs_anon),   TY(pub.unrefs_slot),  TY(pub.unrefs_holder), TY(pub.unrefs_anon),
    TY(pub.births_owned), TY(pub.counts_seen), TY(pub.counts_wrong), TY(pub.skewed),
};

#define ST(member) N(struct stat, member)
static const struct column stats[] = {
    S(struct stat, stack), ST(moment),   ST(epoch),          ST(pub.allocs),     ST(pub.frees),
    ST(pub.bytes),         ST(pub.live), ST(pub.live_bytes), ST(pub.peak_bytes), ST(pub.temporary),
    ST(pub.births),        ST(pub.refs), ST(pub.unrefs),     ST(pub.disowned),
};

#define BL(member) N(struct prof_block, member)
static const struct column blocks[] = {
    BL(addr),  BL(size),  BL(born_us),   S(struct prof_block, stack), BL(tid), BL(kind),
    BL(flags), BL(scope), BL(first_obj),
};

#define O(member) N(struct prof_obj, member)
static const struct column objs[] = {
    O(addr),
    O(last_us),
    COLUMN_OF(struct prof_obj, type, COLUMN_TYPE),
    O(block),
    O(count),
    O(observed),
    O(refs),
    O(unrefs),
    O(first_open),
    O(first_site),
    O(opens),
    O(flags),
    O(scope),
    O(state),
    O(internal),
    O(moment),
    O(next_in_block),
    O(serial),
    O(births),
    S(struct prof_obj, stack),
    O(tid),
    S(struct prof_obj, zero_stack),
    T(struct prof_obj, why_text),
    O(context),
    COLUMN_BELOW(struct prof_obj, start, addr),
    O(size),
    COLUMN_BELOW(struct prof_obj, born_us, last_us),
    O(zero_us),
};

#define OP(member) N(struct prof_open, member)
static const struct column opens[] = {
    OP(slot),
    OP(at_us),
    S(struct prof_open, stack),
    OP(tid),
    S(struct prof_open, moved_stack),
    S(struct prof_open, spoil_stack),
    OP(obj),
    OP(next),
    OP(chain_next),
    OP(kind),
    OP(flags),
    OP(index),
};

#define SI(member) N(struct prof_site_count, member)
static const struct column sites[] = {
    S(struct prof_site_count, stack),
    SI(taken),
    SI(given),
    SI(next),
    SI(last_us),
    COLUMN_BELOW(struct prof_site_count, first_us, last_us),
    SI(first_event),
    SI(last_event),
};

#define W(member) N(struct weak, member)
static const struct column weaks[] = {
    W(slot),       W(at_us),    S(struct weak, stack),      W(tid), W(next), W(block),
    W(block_addr), W(block_is), B(struct weak, registered),
};
static const struct column weak_heads[] = { N(struct row_weak_head, obj), N(struct row_weak_head, first) };

#define SP(member) N(struct spoil, member)
static const struct column spoils[] = {
    SP(at_us),         COLUMN_OF(struct spoil, holder.type, COLUMN_TYPE),
    SP(holder.serial), SP(holder.offset),
    SP(tid),           B(struct spoil, forced),
};

static const struct column graves[] = { N(struct row_grave, obj), B(struct row_grave, by_free),
                                        B(struct row_grave, found), N(struct row_grave, number),
                                        PLACE(struct row_grave, death) };
static const struct column freed[] = { N(struct row_freed, block), PLACE(struct row_freed, death) };
static const struct column guesses[] = { N(struct guess, addr), N(struct guess, at_us) };
static const struct column late[] = { N(struct late_life, addr), N(struct late_life, missing) };
static const struct column finalizers[] = { N(struct row_finalizer, obj), N(struct row_finalizer, count),
                                            PLACE(struct row_finalizer, begin), PLACE(struct row_finalizer, ref) };
static const struct column disowned[] = { N(struct disowned, obj),   N(struct disowned, serial),
                                          N(struct disowned, slots), N(struct disowned, holders),
                                          S(struct disowned, stack), N(struct disowned, event) };

#define C(member) N(struct row_count, member)
static const struct column learned[] = {
    COLUMN_OF(struct row_count, type, COLUMN_TYPE),
    S(struct row_count, stack),
    S(struct row_count, low),
    C(taken),
    C(given),
    C(objects),
};
static const struct column deaths[] = {
    COLUMN_OF(struct row_count, type, COLUMN_TYPE), S(struct row_count, stack), C(low), C(taken), C(given), C(objects),
};

static const struct column moments[] = { N(struct row_moment, at_us), T(struct row_moment, text),
                                         N(struct row_moment, ordinal), N(struct row_moment, kind) };
static const struct column moment_kinds[] = { N(struct moment_kind, seen), N(struct moment_kind, stride),
                                              N(struct moment_kind, kept) };
static const struct column runs[] = { S(struct moment_run, stack), N(struct moment_run, first),
                                      N(struct moment_run, last), N(struct moment_run, live),
                                      N(struct moment_run, bytes) };

static const struct column scopes[] = {
    T(struct row_scope, pub.text), N(struct row_scope, pub.begin_us), N(struct row_scope, pub.end_us),
    N(struct row_scope, pub.tid),  N(struct row_scope, pub.left),     N(struct row_scope, pub.left_bytes),
    N(struct row_scope, parent),
};
static const struct column contexts[] = { T(struct row_context, text), N(struct row_context, id),
                                          N(struct row_context, users), N(struct row_context, next_free),
                                          B(struct row_context, used) };

#define TH(member) N(struct row_thread, member)
static const struct column threads[] = {
    TH(tid),
    TH(last_alloc),
    B(struct row_thread, in_limbo),
    TH(limbo_block),
    TH(limbo_addr),
    TH(limbo_opens),
    TH(context),
    PLACE(struct row_thread, limbo_place),
    TH(context_id),
    T(struct row_thread, context_text),
    TH(disabled),
};

#define OS(member) N(struct row_open_scope, member)
static const struct column open_scopes[] = {
    OS(number),
    OS(begin_us),
    OS(compact_at),
    OS(index),
    OS(parent),
    S(struct row_open_scope, stack),
    T(struct row_open_scope, text),
};
static const struct column births[] = { N(struct scope_birth, obj), COLUMN_OF(struct scope_birth, type, COLUMN_TYPE),
                                        N(struct scope_birth, serial) };

#define M(member) N(struct prof_mark, member)
static const struct column marks[] = {
    M(at_us),
    M(kind),
    T(struct prof_mark, text),
    S(struct prof_mark, stack),
    M(tid),
    M(live_objects),
    M(live_blocks),
    M(live_bytes),
    M(events),
};

#define MEM(member) N(struct trk_mem, member)
static const struct column mem[] = {
    MEM(at_us),        MEM(rss),     MEM(pss),      MEM(swap),   MEM(heap),   MEM(anon),
    MEM(stacks),       MEM(files),   MEM(reftrack), MEM(vm_hwm), MEM(cpu_us), MEM(recorder_cpu_us),
    MEM(recorder_rss), MEM(threads), MEM(final_),
};
static const struct column mem_live[] = { N(struct prof_mem_live, live_blocks), N(struct prof_mem_live, live_bytes),
                                          N(struct prof_mem_live, mmap_blocks), N(struct prof_mem_live, mmap_bytes) };
static const struct column roots[] = { N(struct prof_root_region, start), N(struct prof_root_region, size),
                                       T(struct prof_root_region, text) };

static const struct column chunks[] = { N(struct row_chunk, addr), N(struct row_chunk, pool) };

static const struct column block_types[] = { COLUMN_OF(struct row_block_type, type, COLUMN_TYPE),
                                             B(struct row_block_type, array) };

static const struct column lives[] = { N(struct row_lives, all), N(struct row_lives, level) };
static const struct column life[] = { N(struct row_life, lives), N(struct row_life, entries) };
#define LE(member) N(struct pairing_entry, member)
static const struct column life_entries[] = { S(struct pairing_entry, key), LE(taken), LE(given), LE(first), LE(last) };

#define I(member) N(struct row_incident, member)
static const struct column incidents[] = {
    I(pub.kind),
    B(struct row_incident, pub.forced),
    B(struct row_incident, pub.reused),
    B(struct row_incident, pub.told),
    I(pub.obj),
    I(pub.addr),
    I(pub.slot),
    I(pub.at_us),
    I(pub.other_us),
    I(pub.count),
    S(struct row_incident, pub.stack),
    S(struct row_incident, pub.other_stack),
    I(pub.tid),
    I(pub.other_tid),
    T(struct row_incident, pub.text),
    I(pub.repeats),
    I(pub.objects),
    I(pub.bytes),
    I(type),
    I(recent_at),
    I(recent[0]),
    I(recent[1]),
    I(recent[2]),
    I(recent[3]),
    I(recent[4]),
    I(recent[5]),
    I(recent[6]),
    I(recent[7]),
};
_Static_assert(INCIDENT_RECENT == 8, "columns of incidents");

#define CP(member) N(struct row_checkpoint, pub.member)
static const struct column checkpoints[] = {
    CP(number),
    CP(rung),
    CP(why),
    B(struct row_checkpoint, pub.cut),
    B(struct row_checkpoint, pub.single),
    B(struct row_checkpoint, pub.late),
    CP(at_us),
    CP(round),
    CP(pause_us),
    CP(took_us),
    CP(read_bytes),
    CP(unread_bytes),
    CP(threads),
    CP(threads_unread),
    CP(areas),
    CP(words),
    CP(counts),
    CP(live_objects),
    CP(live_blocks),
    CP(live_bytes),
    CP(events),
    N(struct row_checkpoint, name_bytes),
};
static const struct column byte[] = { { .bytes = 1 } };
static const struct column areas[] = { N(struct prof_memory_area, start), N(struct prof_memory_area, size),
                                       N(struct prof_memory_area, kind), N(struct prof_memory_area, tid),
                                       N(struct prof_memory_area, count) };
static const struct column words[] = { N(struct row_word, at), N(struct row_word, value), N(struct row_word, how),
                                       N(struct row_word, again) };
static const struct column counts[] = { N(struct trk_memory_count, addr), N(struct trk_memory_count, count) };
static const struct column ranges[] = { N(struct range, start), N(struct range, end) };

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SECTION(number, type, with_ids, least, list)                                                                   \
    [number] = { .kind = (number),                                                                                     \
                 .ids = (with_ids),                                                                                    \
                 .vital = true,                                                                                        \
                 .floor = (least),                                                                                     \
                 .count = COUNT(list),                                                                                 \
                 .bytes = sizeof(type),                                                                                \
                 .columns = (list) }
/* Only ids. */
#define IDS(number) [number] = { .kind = (number), .ids = true, .vital = true, .floor = 4 }

static const struct section_def sections[STATE_SECTIONS_] = {
    SECTION(STATE_SCALARS, struct prof_heap, false, 0, scalars),
    SECTION(STATE_OPS, uint64_t, false, 0, number),
    IDS(STATE_FREE_BLOCKS),
    IDS(STATE_FREE_OBJS),
    IDS(STATE_FREE_OPENS),
    IDS(STATE_FREE_SITES),
    IDS(STATE_FREE_WEAKS),
    SECTION(STATE_TYPES, struct type_state, true, 0, types),
    SECTION(STATE_STATS, struct stat, false, 4, stats),
    SECTION(STATE_BLOCKS, struct prof_block, true, 4, blocks),
    SECTION(STATE_OBJS, struct prof_obj, true, 8, objs),
    SECTION(STATE_OPENS, struct prof_open, true, 4, opens),
    SECTION(STATE_SITES, struct prof_site_count, true, 4, sites),
    SECTION(STATE_WEAKS, struct weak, true, 4, weaks),
    SECTION(STATE_WEAK_HEADS, struct row_weak_head, false, 4, weak_heads),
    SECTION(STATE_SPOILS, struct spoil, true, 0, spoils),
    SECTION(STATE_GRAVES, struct row_grave, true, 0, graves),
    SECTION(STATE_FREED, struct row_freed, true, 0, freed),
    SECTION(STATE_LATE, struct late_life, true, 0, late),
    IDS(STATE_LARGE),
    SECTION(STATE_RECENT, uint64_t, true, 0, number),
    SECTION(STATE_FINALIZERS, struct row_finalizer, false, 4, finalizers),
    SECTION(STATE_DISOWNED, struct disowned, true, 0, disowned),
    SECTION(STATE_SITES_LEARNED, struct row_count, false, 4, learned),
    SECTION(STATE_PAIRS_LEARNED, struct row_count, false, 4, learned),
    SECTION(STATE_MOMENTS, struct row_moment, false, 0, moments),
    SECTION(STATE_MOMENT_KINDS, struct moment_kind, true, 0, moment_kinds),
    SECTION(STATE_MOMENT_DEATHS, struct row_count, false, 4, deaths),
    SECTION(STATE_MOMENT_RUNS, struct moment_run, false, 4, runs),
    SECTION(STATE_SCOPES, struct row_scope, false, 4, scopes),
    SECTION(STATE_CONTEXTS, struct row_context, false, 4, contexts),
    SECTION(STATE_THREADS, struct row_thread, false, 4, threads),
    SECTION(STATE_OPEN_SCOPES, struct row_open_scope, true, 4, open_scopes),
    SECTION(STATE_SCOPE_BIRTHS, struct scope_birth, true, 4, births),
    SECTION(STATE_MARKS, struct prof_mark, false, 4, marks),
    SECTION(STATE_MEM, struct trk_mem, false, 4, mem),
    SECTION(STATE_MEM_LIVE, struct prof_mem_live, false, 4, mem_live),
    SECTION(STATE_ROOTS, struct prof_root_region, false, 4, roots),
    SECTION(STATE_INCIDENTS, struct row_incident, false, 8, incidents),
    SECTION(STATE_CHECKPOINTS, struct row_checkpoint, false, 4, checkpoints),
    SECTION(STATE_CHECKPOINT_NAMES, uint8_t, false, 0, byte),
    SECTION(STATE_MEMORY_AREAS, struct prof_memory_area, false, 4, areas),
    SECTION(STATE_MEMORY_WORDS, struct row_word, false, 4, words),
    SECTION(STATE_MEMORY_COUNTS, struct trk_memory_count, false, 4, counts),
    SECTION(STATE_FREED_SINCE, struct range, false, 4, ranges),
    SECTION(STATE_CHUNKS, struct row_chunk, false, 4, chunks),
    SECTION(STATE_BLOCK_TYPES, struct row_block_type, true, 0, block_types),
    SECTION(STATE_LIVES, struct row_lives, true, 4, lives),
    SECTION(STATE_LIFE, struct row_life, true, 4, life),
    SECTION(STATE_LIFE_ENTRIES, struct pairing_entry, false, 4, life_entries),
    SECTION(STATE_FOLLOWER, uint64_t, false, 1, number),
    SECTION(STATE_GUESSES, struct guess, true, 0, guesses),
};

const struct section_def *state_section(unsigned kind)
{
    return kind > 0 && kind < STATE_SECTIONS_ ? &sections[kind] : NULL;
}
