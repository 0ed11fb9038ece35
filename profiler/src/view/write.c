/* write.c: tables for programs, part by part. See prof/write.h. */
#include "json_document.h"

#include <prof/write.h>

#include <stdlib.h>
#include <string.h>

/* A cell as a program wants it: plain numbers, seconds, bytes. */
static const char *raw_cell(char *buf, size_t size, const struct prof_cell *cell, enum prof_cell_kind kind)
{
    if (cell->none)
        return "";
    switch (kind) {
    case PROF_CELL_TEXT:
        return prof_escape_terminal(buf, size, cell->text);
    case PROF_CELL_COUNT:
    case PROF_CELL_MORE:
    case PROF_CELL_MORE_BYTES:
        snprintf(buf, size, "%lld", (long long)cell->number);
        break;
    case PROF_CELL_BYTES:
        snprintf(buf, size, "%llu", (unsigned long long)cell->number);
        break;
    case PROF_CELL_TIME:
    case PROF_CELL_MOMENT:
        snprintf(buf, size, "%llu.%06u", (unsigned long long)(cell->number / 1000000),
                 (unsigned)(cell->number % 1000000));
        break;
    case PROF_CELL_ADDR:
        return prof_fmt_addr(buf, size, cell->number);
    case PROF_CELL_RATIO:
        snprintf(buf, size, "%.6f", cell->ratio);
        break;
    }
    return buf;
}

static void put_csv(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\n\r") == NULL) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* A line of keys (cells NULL) or of cells. */
static void put_line(const struct prof_writer *writer, const struct prof_table *table, const struct prof_cell *cells)
{
    char buf[4096];
    bool first = true;
    for (size_t c = 0; c < table->column_count; c++) {
        const struct prof_column *column = &table->columns[c];
        if (column->extra && !writer->all)
            continue;
        const char *text = cells != NULL ? raw_cell(buf, sizeof buf, &cells[c], column->kind) : column->key;
        if (!first)
            fputc(writer->form == PROF_FORM_CSV ? ',' : '\t', writer->out);
        first = false;
        if (writer->form == PROF_FORM_CSV)
            put_csv(writer->out, text);
        else
            fputs(text, writer->out);
    }
    fputc('\n', writer->out);
}

/* The document without its rows, up to where they belong. */
static struct prof_error *begin_json(struct prof_writer *writer, struct prof_view *view, const char *name,
                                     const struct prof_table *table, uint64_t total_rows)
{
    struct prof_table none = *table;
    char *text = NULL;
    none.row_count = 0;
    none.total_rows = total_rows;
    struct prof_error *error = prof_json_table(view, name, &none, &text);
    if (error != NULL)
        return error;
    /* rows are the last of its keys */
    char *end = strrchr(text, '[');
    fwrite(text, 1, end != NULL ? (size_t)(end - text) + 1 : 0, writer->out);
    free(text);
    return NULL;
}

struct prof_error *prof_write_begin(struct prof_writer *writer, struct prof_view *view, const char *name,
                                    const struct prof_table *table, uint64_t total_rows)
{
    writer->rows = 0;
    if (writer->form == PROF_FORM_JSON)
        return begin_json(writer, view, name, table, total_rows);
    put_line(writer, table, NULL);
    return NULL;
}

static struct prof_error *rows_of_json(struct prof_writer *writer, const struct prof_table *part)
{
    struct document doc = { .root = NULL };
    json_t *rows = doc_rows(&doc, part), *row;
    size_t i;
    bool good = rows != NULL && !doc.failed;
    json_array_foreach(rows, i, row)
    {
        fputs(writer->rows + i > 0 ? ",\n  " : "\n  ", writer->out);
        good = good && json_dumpf(row, writer->out, JSON_REAL_PRECISION(15)) == 0;
    }
    json_decref(rows);
    return good || ferror(writer->out) ? NULL : prof_error_memory();
}

struct prof_error *prof_write_rows(struct prof_writer *writer, const struct prof_table *part)
{
    struct prof_error *error = NULL;
    if (writer->form == PROF_FORM_JSON)
        error = rows_of_json(writer, part);
    for (size_t r = 0; r < part->row_count && writer->form != PROF_FORM_JSON; r++)
        put_line(writer, part, &part->cells[r * part->column_count]);
    writer->rows += part->row_count;
    return error;
}

void prof_write_end(struct prof_writer *writer)
{
    if (writer->form == PROF_FORM_JSON)
        fputs("\n ]\n}\n", writer->out);
}
