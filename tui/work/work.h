/* work/work.h: the worker processes of the viewer: what they are told, what they tell, what can be asked.
 *
 * Orders to the reader are packets with file descriptors (ends of sockets for the snapshot). Pulses, and what snapshots
 * say, are JSON objects (wire.h); texts in them are escaped for terminals.
 *
 * A snapshot is up to three processes that share their memory as long as they do not change it: `quick` answers about
 * tables, at once; `deep` looks for leaks first and answers everything else; when it found them it forks another
 * `quick` one that knows them. None of them may hold up the one that answers keys: what takes long there is done in
 * steps, between which other questions are taken.
 *
 *   reader:    {"pulse": [at_us, events, lost, objects, object_bytes, blocks, block_bytes, born, died, refs, unrefs,
 *               most_objects, most_bytes], "history": [pulses since the last one], "marks": [[name, at_us, kind,
 *               objects, bytes], ...] in the place of all from "marks_from": N on that were told before ("marks_anew":
 *               there are no others), "done": N, "all": N,
 *               "phase": enum tui_phase}, {"trouble": TEXT}
 *   snapshot:  {"doing": TEXT}, {"ready": {"at": US, "events": N, and of now what the reader had not told}}, {"failed":
 *              TEXT}
 *   question:  {"n": N, "q": WHO, "ask": NAME, ...}; one of the same WHO that waits is not answered any more
 *   answer:    {"n": N, ...}, with the question's sort and where, or {"n": N, "error": TEXT}; before it perhaps
 *              {"n": N, "share": 0 to 1}, how far it is, or {"n": N, "more": true, ...}, what is known already
 *
 * Questions, with what else they have:
 *   summary    program, state, totals, audit, generations, findings in short, what retains most
 *   table      table: types objects sites marks blocks retained leaks cycles diff diff-sites; where, sort, type,
 *              from (diff: its begin in microseconds), all (findings: excluded ones, too), first, count:
 *              {total, first, columns: [{key, title, kind, wide, extra}], rows: [[TEXT or null, ...], ...]}.
 *              find: TEXT, after: ROW, back: also {found: the row, null none}, and rows from there;
 *              keep: an object: the same of its row
 *   calls      by: caller or callee; lines: bool; where; sort: a metric; way: [KEY] to a node; count: children at most:
 *              {self: node, rows: [node], more, whole: sum}, node: {key, name, place, file, line, leaf, bytes, objects,
 *              open, guessed, events, blocks, allocs, births, refs, unrefs}; with depth in the place of count, least:
 *              {nodes: [node with level, in the order of a walk], whole, left_out}
 *   calls-find the same with text, back: {way: [KEY]}, empty: there is none
 *   table of objects: under: {by, lines, where, way as above}, or {file, line, any}: only those that were born there
 *   source     file: as nodes and frames have it; first, count: {path: that was opened, text: bool, words: what is
 *              wrong with it, total, first, lines: [TEXT], hot: [{line, inlined, site: sum, any: sum}]}.
 *              find: TEXT, after: LINE, back: also {found: LINE from 0, null none}
 *   finding    of: its number: text (internal.h: told), {samples: [NAME]}
 *   suppression  of: the same: {text: lines that suppress it}
 *   object     of: as people write it: text
 *   ways       of: a node as people write it: text
 *   type       of: its name: text
 *   growth     text. All texts: units, all: nothing is left out; brief: no more than is at hand
 *   export     path, form: text csv json; replace: bool; and either what a table asks for, with shown: [[KEY, TITLE,
 *              whether numbers]] (text), or document: object why referrers referents growth info, of: {rows}
 *   generations  {rows, garbage, frozen, enabled, types: [{name, now: [N, N, N], died: [N, N, N]}], last: [{number,
 *              generation, at, automatic, examined, found}], passes_all}
 *   log        {info: as info --json has it, hooks: [{function, module, adapter, calls, hooked, words}], memory_damage}
 *   links      of: a node as people write it; in: bool: {rows: [{name, place, mark, ...}]} */
#ifndef TUI_WORK_H
#define TUI_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct work_options {
    const char *path;
    const char *const *wrappers; /* ended by NULL; may be NULL */
    const char *symfs;
    bool live; /* the file may grow */
};

/* To the reader, one packet, with these file descriptors: a snapshot of this moment. */
enum {
    WORK_ORDER_QUICK = 0, /* sockets */
    WORK_ORDER_FOUND,
    WORK_ORDER_DEEP,
    WORK_ORDER_LEASH, /* the reading end of a pipe: the deep process ends when the other one is closed */
    WORK_ORDER_ENDS
};
enum { WORK_SUPPRESSIONS = 4000 };
struct work_order {
    uint64_t at_us;                       /* UINT64_MAX: of everything that was read */
    char suppressions[WORK_SUPPRESSIONS]; /* paths of files, each ended by '\n' */
};

/* Forks the reader. Its ends: *ret_orders takes packets, *ret_pulses is a stream. It ends when either is closed. false:
 * errno. */
bool tui_work_start(const struct work_options *options, int *ret_orders, int *ret_pulses, pid_t *ret_pid);

#endif
