/* prof/write.h: tables for programs, written to a stream part by part, so that no table is too long.
 *
 * Layer view. What is written: CSV as RFC 4180 says, with '\n' at the ends of lines; TSV; JSON as prof_json_table has
 * it. Numbers are whole (bytes, seconds with six digits), texts pass prof_escape_terminal, what is not known is empty
 * or null. Errors of the stream stay in it: see ferror. */
#ifndef PROF_WRITE_H
#define PROF_WRITE_H

#include <stdio.h>

#include <prof/view.h>

enum prof_form { PROF_FORM_CSV = 1, PROF_FORM_TSV, PROF_FORM_JSON };
struct prof_writer {
    FILE *out;
    enum prof_form form;
    bool all;      /* columns that are extra, too; JSON has them always */
    uint64_t rows; /* that were written */
};
/* The head. table: its columns are those of all parts, its rows are not looked at. name, total_rows, view: of JSON.
 * NULL: fine; else the lack of memory. */
struct prof_error *prof_write_begin(struct prof_writer *writer, struct prof_view *view, const char *name,
                                    const struct prof_table *table, uint64_t total_rows);
struct prof_error *prof_write_rows(struct prof_writer *writer, const struct prof_table *part);
void prof_write_end(struct prof_writer *writer);

#endif
