/* query.c: --where is compiled to a postfix program with one step per comparison or operator, so neither parsing nor
 * matching recurses however deep the parentheses go; --sort is a list of columns. */
#include "query.h"

#include <base/str.h>
#include <base/vec.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum op { OP_TRUTH, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_LIKE, OP_UNLIKE, OP_NOT, OP_AND, OP_OR, OP_OPEN };

struct step {
    enum op op;
    size_t column;
    enum prof_cell_kind kind;
    uint64_t number;
    double ratio;
    char *text; /* owned */
    size_t at;  /* position in the expression, for messages */
};

struct prof_filter {
    PROF_VEC(struct step) program;
    bool *stack; /* as many as the program has steps */
};

/* ---- Errors --------------------------------------------------------------------------------------------------------
 */
static const char *nearest_key(const struct prof_column *columns, size_t count, const char *word, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (length >= 2 && strncmp(columns[i].key, word, length) == 0)
            return columns[i].key;
    for (size_t i = 0; i < count; i++)
        if (length >= 3 && strncmp(columns[i].key, word, 3) == 0)
            return columns[i].key;
    return NULL;
}

static struct prof_error *unknown_key(const char *option, const struct prof_column *columns, size_t count, size_t at,
                                      const char *word, size_t length)
{
    struct prof_str known = { 0 };
    for (size_t i = 0; i < count; i++)
        prof_str_addf(&known, "%s%s", i == 0 ? "" : " ", columns[i].key);
    char *keys = prof_str_take(&known);
    if (keys == NULL)
        return prof_error_memory();
    char shown[64];
    char raw[64];
    size_t cut = length < sizeof raw - 1 ? length : sizeof raw - 1;
    memcpy(raw, word, cut);
    raw[cut] = '\0';
    prof_escape_terminal(shown, sizeof shown, raw);
    const char *near = nearest_key(columns, count, word, length);
    struct prof_error *error =
        near != NULL ? prof_error_create(PROF_ERROR_SYNTAX, "%s, column %zu: no key '%s'; did you mean '%s'? known: %s",
                                         option, at + 1, shown, near, keys)
                     : prof_error_create(PROF_ERROR_SYNTAX, "%s, column %zu: no key '%s'; known: %s", option, at + 1,
                                         shown, keys);
    free(keys);
    return error;
}

static struct prof_error *syntax(size_t at, const char *what)
{
    return prof_error_create(PROF_ERROR_SYNTAX, "--where, column %zu: %s", at + 1, what);
}

static const struct prof_column *find_column(const struct prof_column *columns, size_t count, const char *word,
                                             size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(columns[i].key) == length && memcmp(columns[i].key, word, length) == 0)
            return &columns[i];
    return NULL;
}

/* ---- Words ---------------------------------------------------------------------------------------------------------
 */
static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

struct parser {
    const struct prof_column *columns;
    size_t column_count;
    const char *text;
    size_t at;
    struct prof_filter *filter;
    PROF_VEC(struct step) pending; /* operators and open parentheses not yet in the program */
};

static void skip_blanks(struct parser *p)
{
    while (p->text[p->at] == ' ' || p->text[p->at] == '\t' || p->text[p->at] == '\n')
        p->at++;
}

/* Reads a value, quoted or bare; the copy is the caller's. */
static struct prof_error *value(struct parser *p, char **ret)
{
    skip_blanks(p);
    const char *begin = p->text + p->at;
    char *copy;
    if (*begin == '\'' || *begin == '"') {
        const char *end = strchr(begin + 1, *begin);
        if (end == NULL)
            return syntax(p->at, "the quotation has no end");
        copy = strndup(begin + 1, (size_t)(end - begin - 1));
        p->at += (size_t)(end - begin + 1);
    } else {
        size_t length = strcspn(begin, " \t\n&|()");
        if (length == 0)
            return syntax(p->at, "a value is missing here");
        copy = strndup(begin, length);
        p->at += length;
    }
    if (copy == NULL)
        return prof_error_memory();
    *ret = copy;
    return NULL;
}

static enum op comparison(struct parser *p)
{
    static const struct {
        const char *word;
        enum op op;
    } table[] = { { "==", OP_EQ }, { "!=", OP_NE }, { "!~", OP_UNLIKE }, { "<=", OP_LE }, { ">=", OP_GE },
                  { "=", OP_EQ },  { "<", OP_LT },  { ">", OP_GT },      { "~", OP_LIKE } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t length = strlen(table[i].word);
        if (strncmp(p->text + p->at, table[i].word, length) == 0) {
            p->at += length;
            return table[i].op;
        }
    }
    return OP_TRUTH;
}

static bool parse_ratio(const char *text, double *ret)
{
    char *end;
    if ((*text < '0' || *text > '9') && *text != '.')
        return false;
    double number = strtod(text, &end);
    if (*end == '%' && end[1] == '\0')
        number /= 100;
    else if (*end != '\0')
        return false;
    *ret = number;
    return true;
}

static struct prof_error *typed_value(struct step *step, const char *text, size_t at)
{
    bool fine = true;
    const char *wants = "";
    if (step->kind != PROF_CELL_TEXT && (step->op == OP_LIKE || step->op == OP_UNLIKE))
        return syntax(step->at, "'~' compares texts; this key is a number");
    switch (step->kind) {
    case PROF_CELL_TEXT:
        break;
    case PROF_CELL_COUNT:
    case PROF_CELL_MORE:
    case PROF_CELL_MORE_BYTES: {
        bool negative = text[0] == '-', bytes = step->kind == PROF_CELL_MORE_BYTES;
        bool sign = negative || (text[0] == '+' && step->kind != PROF_CELL_COUNT);
        fine = prof_parse_quantity(text + sign, bytes ? PROF_UNIT_BYTES : PROF_UNIT_NONE, &step->number) &&
               step->number <= INT64_MAX;
        if (fine && negative)
            step->number = -step->number;
        wants = bytes ? "this key wants a size, such as 4096, 64KiB or -1MiB" : "this key wants a number";
        break;
    }
    case PROF_CELL_ADDR:
        fine = prof_parse_quantity(text, PROF_UNIT_NONE, &step->number);
        wants = "this key wants a number";
        break;
    case PROF_CELL_BYTES:
        fine = prof_parse_quantity(text, PROF_UNIT_BYTES, &step->number);
        wants = "this key wants a size, such as 4096 or 64KiB";
        break;
    case PROF_CELL_TIME:
    case PROF_CELL_MOMENT:
        fine = prof_parse_quantity(text[0] == '+' ? text + 1 : text, PROF_UNIT_US, &step->number);
        wants = "this key wants a time, such as 500ms, 60s or 2h";
        break;
    case PROF_CELL_RATIO:
        fine = parse_ratio(text, &step->ratio);
        wants = "this key wants a share, such as 0.5 or 50%";
        break;
    }
    return fine ? NULL : syntax(at, wants);
}

/* KEY [OP VALUE] to the program. */
static struct prof_error *compare_step(struct parser *p)
{
    const char *word = p->text + p->at;
    size_t length = 0;
    while (is_key(word[length]))
        length++;
    if (length == 0)
        return syntax(p->at,
                      word[0] == '\0' ? "the expression ends too early; a key is missing" : "a key is expected here");
    const struct prof_column *column = find_column(p->columns, p->column_count, word, length);
    if (column == NULL)
        return unknown_key("--where", p->columns, p->column_count, p->at, word, length);
    struct step new_step = { .column = (size_t)(column - p->columns), .kind = column->kind, .at = p->at };
    p->at += length;
    skip_blanks(p);
    new_step.op = comparison(p);
    if (!prof_vec_push(&p->filter->program, new_step))
        return prof_error_memory();
    if (new_step.op == OP_TRUTH)
        return NULL;
    struct step *step = &p->filter->program.items[p->filter->program.count - 1];
    skip_blanks(p);
    size_t value_at = p->at;
    struct prof_error *error = value(p, &step->text);
    return error != NULL ? error : typed_value(step, step->text, value_at);
}

static int precedence(enum op op)
{
    return op == OP_NOT ? 3 : op == OP_AND ? 2 : op == OP_OR ? 1 : 0;
}

/* Moves pending operators that bind at least as tightly to the program. */
static bool flush(struct parser *p, int least)
{
    while (p->pending.count != 0 && precedence(p->pending.items[p->pending.count - 1].op) >= least &&
           p->pending.items[p->pending.count - 1].op != OP_OPEN) {
        if (!prof_vec_push(&p->filter->program, p->pending.items[p->pending.count - 1]))
            return false;
        p->pending.count--;
    }
    return true;
}

static struct prof_error *parse(struct parser *p)
{
    bool want_term = true;
    for (;;) {
        skip_blanks(p);
        char c = p->text[p->at];
        struct step step = { .at = p->at };
        if (want_term) {
            if (c == '!' || c == '(') {
                step.op = c == '!' ? OP_NOT : OP_OPEN;
                if (!prof_vec_push(&p->pending, step))
                    return prof_error_memory();
                p->at++;
                continue;
            }
            struct prof_error *error = compare_step(p);
            if (error != NULL)
                return error;
            want_term = false;
            continue;
        }
        if (c == ')') {
            if (!flush(p, 1))
                return prof_error_memory();
            if (p->pending.count == 0)
                return syntax(p->at, "this ')' has no '('");
            p->pending.count--;
            p->at++;
            continue;
        }
        if ((c == '&' || c == '|') && p->text[p->at + 1] == c) {
            step.op = c == '&' ? OP_AND : OP_OR;
            if (!flush(p, precedence(step.op)) || !prof_vec_push(&p->pending, step))
                return prof_error_memory();
            p->at += 2;
            want_term = true;
            continue;
        }
        if (c != '\0')
            return syntax(p->at, "'&&', '||' or ')' is expected here");
        if (!flush(p, 1))
            return prof_error_memory();
        if (p->pending.count != 0)
            return syntax(p->pending.items[p->pending.count - 1].at, "this '(' is never closed");
        return NULL;
    }
}

struct prof_error *prof_filter_create(const struct prof_column *columns, size_t column_count, const char *text,
                                      struct prof_filter **ret)
{
    struct parser parser = { .columns = columns, .column_count = column_count, .text = text };
    parser.filter = calloc(1, sizeof *parser.filter);
    if (parser.filter == NULL)
        return prof_error_memory();
    struct prof_error *error = parse(&parser);
    prof_vec_deinit(&parser.pending);
    if (error == NULL) {
        parser.filter->stack = calloc(parser.filter->program.count + 1, sizeof *parser.filter->stack);
        if (parser.filter->stack == NULL)
            error = prof_error_memory();
    }
    if (error != NULL) {
        prof_filter_destroy(parser.filter);
        return error;
    }
    *ret = parser.filter;
    return NULL;
}

void prof_filter_destroy(struct prof_filter *filter)
{
    if (filter == NULL)
        return;
    for (size_t i = 0; i < filter->program.count; i++)
        free(filter->program.items[i].text);
    prof_vec_deinit(&filter->program);
    free(filter->stack);
    free(filter);
}

uint32_t prof_filter_columns(const struct prof_filter *filter)
{
    uint32_t columns = 0;
    for (size_t i = 0; filter != NULL && i < filter->program.count; i++)
        if (filter->program.items[i].op < OP_NOT)
            columns |= 1u << filter->program.items[i].column;
    return columns;
}

/* ---- Matching ------------------------------------------------------------------------------------------------------
 */
static int order(double a, double b)
{
    return (a > b) - (a < b);
}

/* Counts are signed, everything else is not. */
static int compare_numbers(enum prof_cell_kind kind, uint64_t a, uint64_t b)
{
    if (kind == PROF_CELL_COUNT || kind == PROF_CELL_MORE || kind == PROF_CELL_MORE_BYTES)
        return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    return (a > b) - (a < b);
}

static bool like(const char *text, const char *pattern)
{
    if (strpbrk(pattern, "*?[") != NULL)
        return fnmatch(pattern, text, FNM_CASEFOLD) == 0;
    return strcasestr(text, pattern) != NULL;
}

static bool holds(const struct step *step, const struct prof_cell *cell)
{
    if (cell->none)
        return step->op == OP_NE || step->op == OP_UNLIKE;
    int c;
    if (step->kind == PROF_CELL_TEXT) {
        if (step->op == OP_TRUTH)
            return cell->text[0] != '\0';
        if (step->op == OP_LIKE || step->op == OP_UNLIKE)
            return like(cell->text, step->text) == (step->op == OP_LIKE);
        c = strcmp(cell->text, step->text);
    } else if (step->kind == PROF_CELL_RATIO) {
        if (step->op == OP_TRUTH)
            return cell->ratio != 0;
        c = order(cell->ratio, step->ratio);
    } else {
        if (step->op == OP_TRUTH)
            return cell->number != 0;
        c = compare_numbers(step->kind, cell->number, step->number);
    }
    switch (step->op) {
    case OP_EQ:
        return c == 0;
    case OP_NE:
        return c != 0;
    case OP_LT:
        return c < 0;
    case OP_LE:
        return c <= 0;
    case OP_GT:
        return c > 0;
    default:
        return c >= 0;
    }
}

bool prof_filter_match(const struct prof_filter *filter, const struct prof_cell *row)
{
    size_t depth = 0;
    for (size_t i = 0; i < filter->program.count; i++) {
        const struct step *step = &filter->program.items[i];
        switch (step->op) {
        case OP_NOT:
            filter->stack[depth - 1] = !filter->stack[depth - 1];
            break;
        case OP_AND:
            depth--;
            filter->stack[depth - 1] = filter->stack[depth - 1] && filter->stack[depth];
            break;
        case OP_OR:
            depth--;
            filter->stack[depth - 1] = filter->stack[depth - 1] || filter->stack[depth];
            break;
        default:
            filter->stack[depth++] = holds(step, &row[step->column]);
        }
    }
    return filter->stack[0];
}

/* ---- Order ---------------------------------------------------------------------------------------------------------
 */
struct prof_error *prof_sort_parse(const struct prof_column *columns, size_t column_count, const char *text,
                                   struct prof_sort *ret)
{
    struct prof_sort sort = { .count = 0 };
    for (const char *p = text;;) {
        bool turned = *p == '-';
        if (turned)
            p++;
        size_t length = strcspn(p, ",");
        const struct prof_column *column = find_column(columns, column_count, p, length);
        if (column == NULL)
            return unknown_key("--sort", columns, column_count, (size_t)(p - text), p, length);
        if (sort.count == PROF_SORT_MAX)
            return prof_error_create(PROF_ERROR_SYNTAX, "--sort, column %zu: at most %d keys", (size_t)(p - text) + 1,
                                     PROF_SORT_MAX);
        sort.keys[sort.count].column = (size_t)(column - columns);
        sort.keys[sort.count].kind = column->kind;
        sort.keys[sort.count].ascending = (column->kind == PROF_CELL_TEXT) != turned;
        sort.count++;
        if (p[length] == '\0')
            break;
        p += length + 1;
    }
    *ret = sort;
    return NULL;
}

int prof_sort_compare(const struct prof_sort *sort, const struct prof_cell *a, const struct prof_cell *b)
{
    for (size_t i = 0; i < sort->count; i++) {
        const struct prof_cell *x = &a[sort->keys[i].column], *y = &b[sort->keys[i].column];
        if (x->none || y->none) {
            if (x->none != y->none)
                return x->none ? 1 : -1;
            continue;
        }
        int c;
        if (sort->keys[i].kind == PROF_CELL_TEXT)
            c = strcmp(x->text, y->text);
        else if (sort->keys[i].kind == PROF_CELL_RATIO)
            c = order(x->ratio, y->ratio);
        else
            c = compare_numbers(sort->keys[i].kind, x->number, y->number);
        if (c != 0)
            return sort->keys[i].ascending ? c : -c;
    }
    return 0;
}
