/* prof/view.h: what the command line and the viewer show in the same words.
 *
 * Layer view: numbers, sizes, times and places for people; escaping of hostile names; the --where language; tables as
 * rows and columns; the JSON documents of --json. */
#ifndef PROF_VIEW_H
#define PROF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/error.h>
#include <prof/finding.h>
#include <prof/heap.h>
#include <prof/symbol.h>
#include <prof/trace.h>

/* ---- Formatting: all write into buf (NUL-terminated, truncated with … or ~ when too small) and return buf ---- */
enum prof_units { PROF_UNITS_IEC = 0, PROF_UNITS_SI, PROF_UNITS_BYTES };
char *prof_fmt_bytes(char *buf, size_t size, uint64_t bytes, enum prof_units units);   /* "2.9 KiB" */
char *prof_fmt_delta(char *buf, size_t size, double bytes, enum prof_units units);     /* "+11.9 MiB", "-3 B" */
char *prof_fmt_count(char *buf, size_t size, uint64_t n);                              /* "31 204 881" */
char *prof_fmt_duration(char *buf, size_t size, uint64_t us);                          /* "02:14", "1.204 s", "3 d 04:12" */
char *prof_fmt_time(char *buf, size_t size, uint64_t us);                              /* moment in the trace: "+12.504s" */
char *prof_fmt_addr(char *buf, size_t size, uint64_t addr);                            /* "0x55d0c3a1b0" */
/* "parse_value load.c:655", "libfoo.so+0x1a40"; path shortened to its last component unless full. */
char *prof_fmt_frame(char *buf, size_t size, const struct prof_frame *frame, bool full);
/* "Session#12", "block#204 0x..." */
char *prof_fmt_obj(char *buf, size_t size, const struct prof_heap *heap, prof_obj_id obj);

/* Escaping, one function per output. Each appends to nothing: writes into buf like the above. */
char *prof_escape_terminal(char *buf, size_t size, const char *text); /* control bytes and bad UTF-8 become \xNN */
char *prof_escape_xml(char *buf, size_t size, const char *text);

/* ---- Tables: one row source for CLI, JSON, CSV and viewer ------------------------------------------------------- */
enum prof_cell_kind { PROF_CELL_TEXT = 1, PROF_CELL_COUNT, PROF_CELL_BYTES, PROF_CELL_TIME, PROF_CELL_ADDR, PROF_CELL_RATIO };
struct prof_column {
    const char *key;     /* JSON key, --sort and --where name: "retained" */
    const char *title;   /* "RETAINED" */
    enum prof_cell_kind kind;
    bool wide;           /* may take the remaining width */
};
struct prof_cell {
    const char *text;    /* PROF_CELL_TEXT: never NULL */
    uint64_t number;     /* the others except RATIO */
    double ratio;
    bool none;           /* not known: "-" / null */
};
struct prof_table {
    const struct prof_column *columns; size_t column_count;
    const struct prof_cell *cells; size_t row_count; /* row-major */
    uint64_t total_rows;                             /* before --top */
};
struct prof_query {
    const char *where;   /* expression or NULL */
    const char *sort;    /* "KEY[,KEY]", "-KEY" reverses; NULL: the table's own order */
    uint64_t top;        /* 0: all */
    const char *type;    /* objects only: this type */
};
struct prof_view;        /* owns what the tables borrow */
struct prof_error *prof_view_create(struct prof_heap *heap, struct prof_symbols *symbols, struct prof_findings *findings, struct prof_view **ret);
void prof_view_destroy(struct prof_view *view);
enum prof_table_kind { PROF_TABLE_TYPES = 1, PROF_TABLE_OBJECTS, PROF_TABLE_SITES, PROF_TABLE_MARKS, PROF_TABLE_BLOCKS };
/* Borrowed until the view is destroyed. PROF_ERROR_SYNTAX for a bad where or sort (message names the column of the error and
 * the known names). */
struct prof_error *prof_view_table(struct prof_view *view, enum prof_table_kind kind, const struct prof_query *query, const struct prof_table **ret);

/* OBJ as people write it: "Type#12", "#1204", "0x55..", "@leak:3" (its first sample). */
struct prof_error *prof_view_find(struct prof_view *view, const char *spec, prof_obj_id *ret);

/* ---- JSON documents (jansson inside; the caller frees the string) ------------------------------------------------ */
struct prof_error *prof_json_leaks(struct prof_view *view, char **ret);
struct prof_error *prof_json_table(struct prof_view *view, const char *name, const struct prof_table *table, char **ret);
struct prof_error *prof_json_info(struct prof_view *view, char **ret);
struct prof_error *prof_json_object(struct prof_view *view, prof_obj_id obj, char **ret);

#endif
