/* prof/view.h: what the command line and the viewer show in the same words.
 *
 * Layer view: numbers, sizes, times and places for people; escaping of hostile names; the --where language; tables as
 * rows and columns; the JSON documents of --json. */
#ifndef PROF_VIEW_H
#define PROF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/adapter.h>
#include <prof/error.h>
#include <prof/finding.h>
#include <prof/gc.h>
#include <prof/graph.h>
#include <prof/heap.h>
#include <prof/ledger.h>
#include <prof/symbol.h>
#include <prof/trace.h>

/* ---- Formatting: all write into buf (NUL-terminated, truncated with … or ~ when too small) and return buf ---- */
enum prof_units { PROF_UNITS_IEC = 0, PROF_UNITS_SI, PROF_UNITS_BYTES };
char *prof_fmt_bytes(char *buf, size_t size, uint64_t bytes, enum prof_units units); /* "2.9 KiB" */
char *prof_fmt_delta(char *buf, size_t size, double bytes, enum prof_units units);   /* "+11.9 MiB", "-3 B" */
char *prof_fmt_count(char *buf, size_t size, uint64_t n);                            /* "31 204 881" */
/* Events carry the recorder's coarse clock, which moves every 1 to 10 ms: nothing smaller is known. */
enum { PROF_TIME_RESOLUTION_US = 10000 };
char *prof_fmt_duration(char *buf, size_t size, uint64_t us); /* "02:14", "1.204 s", "3 d 04:12" */
char *prof_fmt_time(char *buf, size_t size, uint64_t us);     /* moment in the trace: "+12.504s", "+481ms" */
/* The moment of an event as exactly as it is known: "+12.504s", or "+12.504381227s" with a time of its own. */
char *prof_fmt_event_time(char *buf, size_t size, const struct prof_event *event);
/* A duration between two events: "< 10 ms" when it is less than their times can tell. */
char *prof_fmt_age(char *buf, size_t size, uint64_t us);
char *prof_fmt_addr(char *buf, size_t size, uint64_t addr);                             /* "0x55d0c3a1b0" */
char *prof_fmt_rate(char *buf, size_t size, double bytes_per_h, enum prof_units units); /* "+11.9 MiB/h" */
char *prof_fmt_ratio(char *buf, size_t size, double share);                             /* "91 %", "99.6 %" */
char *prof_fmt_date(char *buf, size_t size, uint64_t realtime_ns);                      /* "2026-11-20 21:58:33 UTC" */
char *prof_fmt_hex(char *buf, size_t size, const uint8_t *bytes, size_t length);        /* build-ids: "ab12..." */
/* "parse_value load.c:655", "libfoo.so+0x1a40"; path shortened to its last component unless full. */
char *prof_fmt_frame(char *buf, size_t size, const struct prof_frame *frame, bool full);
/* "load.c:655", "libfoo.so+0x1a40": a frame without its function. */
char *prof_fmt_place(char *buf, size_t size, const struct prof_frame *frame, bool full);
/* "Session#12"; "-" for 0. */
char *prof_fmt_obj(char *buf, size_t size, const struct prof_heap *heap, prof_obj_id obj);

/* Reads what people write: sizes "4096", "4KiB", "4K", "1.5MB", "3 GiB"; times "60s", "500ms", "250us", "5m", "2h",
 * "1d" (a bare number is seconds); plain numbers "1000", "31_204", "2k", "0x55d0". false: not such a quantity; *ret
 * untouched. */
enum prof_unit { PROF_UNIT_NONE = 0, PROF_UNIT_BYTES, PROF_UNIT_US };
bool prof_parse_quantity(const char *text, enum prof_unit unit, uint64_t *ret);

/* Escaping, one function per output. Each appends to nothing: writes into buf like the above. */
char *prof_escape_terminal(char *buf, size_t size,
                           const char *text); /* bytes of control characters (bidirectional ones too) and bad UTF-8
                                                 become \xNN; applying it twice changes nothing */
char *prof_escape_xml(char *buf, size_t size, const char *text);

/* ---- Tables: one row source for CLI, JSON, CSV and viewer ------------------------------------------------------- */
enum prof_cell_kind {
    PROF_CELL_TEXT = 1,
    PROF_CELL_COUNT, /* signed: cell.number holds an int64_t */
    PROF_CELL_BYTES,
    PROF_CELL_TIME, /* a duration in microseconds */
    PROF_CELL_ADDR,
    PROF_CELL_RATIO,
    PROF_CELL_MOMENT,     /* microseconds since the trace began */
    PROF_CELL_MORE,       /* signed: how many more, or less */
    PROF_CELL_MORE_BYTES, /* signed: how many bytes more, or less */
};
struct prof_column {
    const char *key;   /* JSON key, --sort and --where name: "retained" */
    const char *title; /* "RETAINED" */
    enum prof_cell_kind kind;
    bool wide;  /* may take the remaining width */
    bool extra; /* left out of text tables unless -v asks for more; always in JSON, CSV and for --where */
};
struct prof_cell {
    const char *text; /* PROF_CELL_TEXT: never NULL */
    uint64_t number;  /* the others except RATIO */
    double ratio;
    bool none; /* not known: "-" / null */
};
struct prof_table {
    const struct prof_column *columns;
    size_t column_count;
    const struct prof_cell *cells;
    size_t row_count;    /* row-major */
    uint64_t total_rows; /* before --top */
};
/* Stacks, a bit for each id. */
struct prof_stack_set {
    const uint64_t *bits;
    size_t count; /* of ids that have one */
};
static inline bool prof_stack_set_has(const struct prof_stack_set *set, uint32_t stack)
{
    return stack < set->count && (set->bits[stack / 64] >> stack % 64 & 1) != 0;
}
struct prof_query {
    const char *where;                   /* expression or NULL */
    const char *sort;                    /* "KEY[,KEY]", "-KEY" reverses; NULL: the table's own order */
    uint64_t top;                        /* 0: all */
    const char *type;                    /* objects only: this type */
    const struct prof_stack_set *stacks; /* objects only: born at one of these; NULL: anywhere. Borrowed as long as what
                                            was made with it is used */
    const char *class_name;              /* blocks only: what memory says of them, "lost"; NULL: all */
    uint64_t from_us, to_us;             /* objects and blocks: born in this window; to 0: open */
};
char *prof_fmt_cell(char *buf, size_t size, const struct prof_cell *cell, enum prof_cell_kind kind,
                    enum prof_units units); /* "-" when none */
struct prof_view;                           /* owns what the tables borrow */
struct prof_error *prof_view_create(struct prof_heap *heap, struct prof_symbols *symbols,
                                    struct prof_findings *findings, struct prof_view **ret);
void prof_view_destroy(struct prof_view *view);
/* What JSON documents and actions tell of findings from now on: also how their objects parted from their siblings.
 * Borrowed; NULL: nothing. */
void prof_view_compare(struct prof_view *view, const struct prof_ledgers *ledgers);
enum prof_table_kind {
    PROF_TABLE_TYPES = 1,
    PROF_TABLE_OBJECTS,
    PROF_TABLE_SITES,
    PROF_TABLE_MARKS,
    PROF_TABLE_BLOCKS
};
/* Borrowed until the view is destroyed. PROF_ERROR_SYNTAX for a bad where or sort (message names the column of the
 * error and the known names). */
struct prof_error *prof_view_table(struct prof_view *view, enum prof_table_kind kind, const struct prof_query *query,
                                   const struct prof_table **ret);

/* The rows of a table again, filtered and sorted (where, sort, top); in its order when nothing is said of that. */
struct prof_error *prof_view_refine(struct prof_view *view, const struct prof_table *table,
                                    const struct prof_query *query, const struct prof_table **ret);
/* Rows that somebody else has, to which `where`, `sort` and `top` of a query apply as to those of the tables. At most
 * 24 columns. The columns must live as long as the table. */
struct prof_rows {
    const struct prof_column *columns;
    size_t column_count, count;
    const char *sort; /* their own order; NULL: as they come */
    /* Fills the i-th row, whose cells are not known at first; texts may be transient, NULL is a lack of memory. */
    void (*fill)(void *ctx, size_t i, struct prof_cell *row);
    void *ctx;
};
struct prof_error *prof_view_rows(struct prof_view *view, const struct prof_rows *given, const struct prof_query *query,
                                  const struct prof_table **ret);

/* OBJ as people write it: "Type#12", "#1204", "0x55..", "@leak:3" (its first sample). */
struct prof_error *prof_view_find(struct prof_view *view, const char *spec, prof_obj_id *ret);

/* The same for plain blocks: "#7" is a block's id when no object has it, "block#7" always; 0x..., @leak:3. */
struct prof_thing {
    prof_obj_id obj;     /* 0: none */
    prof_block_id block; /* without an object: the block, 0 none lives there now */
    uint64_t addr;       /* that was meant: of an address as it was written, else of the object or block */
};
struct prof_error *prof_view_find_thing(struct prof_view *view, const char *spec, struct prof_thing *ret);

/* ---- One object and one finding in words ---------------------------------------------------------------------------
 */
/* Who owns an open reference: "Session#12.peer", "global g_cache+8", "local variable", "block 0x55.. +16", "nobody
 * told". Raw text: escape it. */
char *prof_view_owner(struct prof_view *view, const struct prof_open *open, char *buf, size_t size);
/* The variable that owns the reference is a local one, or on a stack nobody reported: later calls reuse its place,
 * which is no overwriting. */
bool prof_view_owner_is_local(struct prof_view *view, const struct prof_open *open);
/* "parse_value load.c:655" of a stack's site. Raw text: escape it. */
char *prof_view_site(struct prof_view *view, uint32_t stack, char *buf, size_t size);
/* "missing-unref" for people: "a reference was never given back". */
const char *prof_verdict_words(enum prof_verdict verdict);
/* About objects, not about plain blocks. */
bool prof_finding_is_object(const struct prof_finding *finding);
/* Counted in a sum below the others instead of being told: consequences of others, and what is held by design. */
bool prof_finding_is_folded(const struct prof_finding *finding);
/* Neither that nor suppressed: what reports begin with. */
bool prof_finding_is_listed(const struct prof_finding *finding);
/* Why it is one, in one sentence: the arithmetic, or from when to when it grew by how much. Raw text: escape it. */
char *prof_view_why(const struct prof_finding *finding, enum prof_units units, char *buf, size_t size);
/* "conn_unref net.c:51, called from main net.c:133": the site with the innermost wrapper of the program around the
 * event; just the site when there is none. Raw text. */
char *prof_view_inner_site(struct prof_view *view, uint32_t stack, char *buf, size_t size);
/* "global g_cache", "Session.peer (Session#12)", "Session#12.peer, freed" of an open reference; "" when its holder is
 * not known. Raw text. */
char *prof_view_holder(struct prof_view *view, const struct prof_finding_open *open, char *buf, size_t size);
/* "32 conn, 1.3 MiB" or "3 blocks, 96 B": what a finding is about. Raw text: escape it. */
char *prof_view_subject(const struct prof_finding *finding, enum prof_units units, char *buf, size_t size);
/* "global g_cache -> Table.buckets[] -> block from grow+8": what holds the example, by memory; "" when nothing does, or
 * it was not examined. Raw text: escape it. */
char *prof_view_path(const struct prof_finding *finding, char *buf, size_t size);
/* The one thing to do about it; of findings that would read the same also the first caller that tells it from the
 * others. Raw text: escape it. */
char *prof_view_action(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size);
/* How fast it grows: between the moments compared when they are a minute apart, else when its births span a minute and
 * three objects. */
bool prof_finding_rate(const struct prof_finding *finding, double *ret_bytes_per_h);
/* The sites of a finding (of a total, above all), those with the same words summed, most bytes first, then most taken.
 * Borrowed until the view is destroyed. */
struct prof_site_total {
    const char *site; /* escaped */
    uint64_t taken, given, bytes;
};
struct prof_error *prof_view_finding_sites(struct prof_view *view, const struct prof_finding *finding,
                                           const struct prof_site_total **ret, size_t *ret_count);
/* What findings say of the object graph, part by part: those that are not suppressed, the dearest first. Borrowed until
 * the view is destroyed. The view must have findings. */
enum prof_cycles_part {
    PROF_CYCLES_LEAKED = 0, /* cycles that nothing holds; uncollectable ones */
    PROF_CYCLES_HELD,       /* cycles, or what holds one, with references too many */
    PROF_CYCLES_OVER,       /* references too many without a cycle */
    PROF_CYCLES_ZERO,       /* count 0, not freed */
    PROF_CYCLES_COUNT_,
};
struct prof_error *prof_view_cycles(struct prof_view *view, enum prof_cycles_part part,
                                    const struct prof_finding *const **ret, size_t *ret_count);
/* What it keeps alive, times the logarithm of its age: by this they are sorted. */
double prof_finding_cost(const struct prof_view *view, const struct prof_finding *finding);
/* "Conn.owner > Session.conn": the steps of its cycle; a ring of equal ones is one. Raw text: escape it. */
char *prof_view_cycle(struct prof_view *view, const struct prof_finding *finding, char *buf, size_t size);
const char *prof_op_name(unsigned op);       /* "ref", "unref", "new", ...; "op 61" never: "?" when unknown */
const char *prof_rung_name(unsigned rung);   /* how memory was read: "stopped", "waiting", "confirmed" */
const char *prof_look_name(unsigned why);    /* who wanted that: "exit", "call", "mark", "scope", "request", ... */
const char *prof_state_name(unsigned state); /* "alive", "zero", "parked", "dead" */

/* ---- The generations of the cycle detector ------------------------------------------------------------------------
 */
struct prof_gc_report {
    struct prof_gc *gc; /* of the view's heap */
    const struct prof_gc_pass *passes;
    size_t pass_count;
    int generation; /* of PROF_GC_TABLE_OBJECTS: 0..2, PROF_GC_PERMANENT, PROF_GC_GARBAGE; -1: all tracked */
};
enum prof_gc_table {
    PROF_GC_TABLE_STATS = 1, /* a row for each generation */
    PROF_GC_TABLE_PASSES,
    PROF_GC_TABLE_GARBAGE, /* what was found, by type */
    PROF_GC_TABLE_OBJECTS,
};
struct prof_error *prof_view_gc(struct prof_view *view, const struct prof_gc_report *report, enum prof_gc_table table,
                                const struct prof_query *query, const struct prof_table **ret);
struct prof_error *prof_json_gc(struct prof_view *view, const struct prof_gc_report *report, char **ret);

/* ---- JSON documents (jansson inside; the caller frees the string) ------------------------------------------------ */
struct prof_error *prof_json_leaks(struct prof_view *view, char **ret);
struct prof_error *prof_json_cycles(struct prof_view *view, char **ret);
struct prof_error *prof_json_table(struct prof_view *view, const char *name, const struct prof_table *table,
                                   char **ret);
struct prof_error *prof_json_info(struct prof_view *view, char **ret);
/* {place{function, file, line, stack[]}} of the site of a stack. */
struct prof_error *prof_json_place(struct prof_view *view, uint32_t stack, char **ret);
/* No trace is needed: {adapters[{name, origin, path, replaces, libraries[], types[], functions[]}]}. */
struct prof_error *prof_json_adapters(const struct prof_adapter_choice *list, size_t count, char **ret);
struct prof_error *prof_json_object(struct prof_view *view, struct prof_graph *graph, prof_obj_id obj, char **ret);
/* id 0: it was freed. story NULL: nobody asked memory. */
struct prof_block_life;
struct prof_block_story;
struct prof_error *prof_json_block(struct prof_view *view, prof_block_id id, const struct prof_block_life *life,
                                   const struct prof_block_story *story, char **ret);

#endif
