/* out_text.c: text for people: colours by role, wrapped paragraphs, aligned tables; and tables for programs. */
#include "cli.h"

#include <base/str.h>
#include <prof/write.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[] = {
    [CLI_PLAIN] = "",        [CLI_HEAD] = "\033[1m",   [CLI_BAD] = "\033[1;31m", [CLI_WARN] = "\033[33m",
    [CLI_GOOD] = "\033[32m", [CLI_PLACE] = "\033[36m", [CLI_FAINT] = "\033[2m",  [CLI_TYPE] = "\033[1m",
};

static void role_begin(struct cli_out *out, enum cli_role role)
{
    if (out->color && role != CLI_PLAIN)
        fputs(codes[role], out->file);
}

static void role_end(struct cli_out *out, enum cli_role role)
{
    if (out->color && role != CLI_PLAIN)
        fputs("\033[0m", out->file);
}

void cli_printf(struct cli_out *out, enum cli_role role, const char *format, ...)
{
    va_list args;
    role_begin(out, role);
    va_start(args, format);
    vfprintf(out->file, format, args);
    va_end(args);
    role_end(out, role);
}

void cli_put(struct cli_out *out, enum cli_role role, const char *text)
{
    char shown[4096];
    role_begin(out, role);
    fputs(prof_escape_terminal(shown, sizeof shown, text), out->file);
    role_end(out, role);
}

/* ---- The text layer's sink ---- */

static void sink_put(void *ctx, enum prof_text_role role, const char *text)
{
    struct cli_out *out = ctx;
    role_begin(out, (enum cli_role)role);
    fputs(text, out->file);
    role_end(out, (enum cli_role)role);
}

static void sink_label(void *ctx, unsigned indent, const char *word)
{
    enum { LABEL = 10 };
    cli_printf(ctx, CLI_FAINT, "%*s%-*s%s", (int)indent, "", LABEL, word, strlen(word) < LABEL ? "" : " ");
}

const struct prof_text *cli_text(struct cli_session *session, struct cli_out *out)
{
    static const struct prof_text_sink sink = { .put = sink_put, .label = sink_label };
    out->text = (struct prof_text){ .units = out->units,
                                    .more = "-v",
                                    .all = "--top 0",
                                    .referrers = "'reftrack refs --in'",
                                    .sink = &sink,
                                    .ctx = out };
    if (session != NULL) {
        out->text.view = session->view;
        out->text.heap = session->heap;
        out->text.symbols = session->symbols;
        out->text.trace = session->trace;
        out->text.findings = session->findings;
        out->text.graph = session->graph;
        out->text.ledgers = session->ledgers;
        out->text.wrappers = &session->wrappers;
    }
    return &out->text;
}

/* Columns that a well-formed UTF-8 text fills, one for each character. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* ---- Tables --------------------------------------------------------------------------------------------------------
 */
static bool is_text(const struct prof_column *column)
{
    return column->kind == PROF_CELL_TEXT;
}

/* The first `width` characters, '~' for what is cut, filled with blanks. */
static void put_cell(struct cli_out *out, enum cli_role role, const char *text, size_t width, bool left, bool last)
{
    size_t length = columns_of(text);
    size_t fill = length < width ? width - length : 0;
    if (!left)
        for (size_t i = 0; i < fill; i++)
            fputc(' ', out->file);
    role_begin(out, role);
    if (length <= width) {
        fputs(text, out->file);
    } else {
        size_t n = 0, bytes = 0;
        while (text[bytes] != '\0') {
            if (((unsigned char)text[bytes] & 0xc0) != 0x80 && n++ == width - 1)
                break;
            bytes++;
        }
        fwrite(text, 1, bytes, out->file);
        fputc('~', out->file);
    }
    role_end(out, role);
    if (left && !last)
        for (size_t i = 0; i < fill; i++)
            fputc(' ', out->file);
}

enum { TEXT_COLUMNS_MAX = 32, WIDE_MIN = 16 };

/* Widths of all columns; those that may be wide give way until the table fits. */
static void shrink(const struct cli_out *out, const struct prof_table *table, const size_t *shown, size_t count,
                   size_t *widths)
{
    if (out->width == 0)
        return;
    for (int pass = 0; pass < 2; pass++) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++)
            total += widths[i] + (i != 0 ? 2 : 0);
        for (size_t i = 0; i < count && total > out->width; i++) {
            const struct prof_column *column = &table->columns[shown[i]];
            if (!is_text(column) || (pass == 0) != column->wide || widths[i] <= WIDE_MIN)
                continue;
            size_t excess = total - out->width;
            size_t cut = widths[i] - WIDE_MIN < excess ? widths[i] - WIDE_MIN : excess;
            widths[i] -= cut;
            total -= cut;
        }
    }
}

static void text_table(struct cli_out *out, const struct cli_common *common, const struct prof_table *table)
{
    size_t shown[TEXT_COLUMNS_MAX], widths[TEXT_COLUMNS_MAX], count = 0;
    char cell[1024];
    for (size_t c = 0; c < table->column_count && count < TEXT_COLUMNS_MAX; c++)
        if (!table->columns[c].extra || common->verbose)
            shown[count++] = c;
    for (size_t i = 0; i < count; i++) {
        const struct prof_column *column = &table->columns[shown[i]];
        widths[i] = strlen(column->title);
        for (size_t r = 0; r < table->row_count; r++) {
            prof_fmt_cell(cell, sizeof cell, &table->cells[r * table->column_count + shown[i]], column->kind,
                          out->units);
            size_t length = columns_of(cell);
            if (length > widths[i])
                widths[i] = length;
        }
    }
    shrink(out, table, shown, count, widths);
    for (size_t r = 0; r <= table->row_count; r++) {
        for (size_t i = 0; i < count; i++) {
            const struct prof_column *column = &table->columns[shown[i]];
            const char *text = column->title;
            enum cli_role role = CLI_HEAD;
            if (r != 0) {
                text = prof_fmt_cell(cell, sizeof cell, &table->cells[(r - 1) * table->column_count + shown[i]],
                                     column->kind, out->units);
                role = CLI_PLAIN;
            }
            fputs(i != 0 ? "  " : "", out->file);
            put_cell(out, role, text, widths[i], is_text(column), i + 1 == count);
        }
        fputc('\n', out->file);
    }
    if (table->total_rows > table->row_count && !common->quiet) {
        char rest[32];
        cli_printf(out, CLI_FAINT, "%s more; --top 0 shows all\n",
                   prof_fmt_count(rest, sizeof rest, table->total_rows - table->row_count));
    }
}

static int write_table(struct cli_out *out, const struct prof_table *table, enum prof_form form, bool all_columns)
{
    struct prof_writer writer = { .out = out->file, .form = form, .all = all_columns };
    struct prof_error *error = prof_write_begin(&writer, NULL, NULL, table, table->total_rows);
    if (error == NULL)
        error = prof_write_rows(&writer, table);
    if (error != NULL)
        return cli_error(error);
    prof_write_end(&writer);
    return -1;
}

int cli_json(struct cli_out *out, struct prof_error *error, char *text)
{
    if (error != NULL)
        return cli_error(error);
    fputs(text, out->file);
    fputc('\n', out->file);
    free(text);
    return -1;
}

int cli_table(struct cli_session *session, const struct cli_common *common, struct cli_out *out, const char *name,
              const struct prof_table *table)
{
    char *text = NULL;
    switch ((enum cli_format)common->format) {
    case CLI_FORMAT_JSON: {
        struct prof_error *error = prof_json_table(session->view, name, table, &text);
        return cli_json(out, error, text);
    }
    case CLI_FORMAT_CSV:
    case CLI_FORMAT_TSV:
        return write_table(out, table, common->format == CLI_FORMAT_CSV ? PROF_FORM_CSV : PROF_FORM_TSV, true);
    case CLI_FORMAT_TEXT:
        break;
    }
    if (common->plain)
        return write_table(out, table, PROF_FORM_TSV, common->verbose);
    if (table->total_rows == 0)
        cli_printf(out, CLI_FAINT, "no %s\n", common->where != NULL ? "row fulfils --where" : name);
    else
        text_table(out, common, table);
    return -1;
}
