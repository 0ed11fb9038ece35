/* list.c: tables of the worker on the screen. See list.h. */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "glyph.h"

enum { WINDOW = 300, BEFORE = 100, GAP = 2 };

void tui_list_init(struct tui_list *list, struct tui_app *app, const struct tui_list_spec *spec)
{
    *list = (struct tui_list){ .app = app, .spec = spec, .page = 1 };
    const char *sort = tui_state_sort(&app->state, spec->table);
    snprintf(list->sort, sizeof list->sort, "%s", sort != NULL ? sort : spec->sort);
    list->remembered = sort != NULL;
    tui_list_columns_init(list);
}

void tui_list_deinit(struct tui_list *list)
{
    tui_source_forget(list->app->source, &list->query);
    json_decref(list->under);
}

/* ---- Rows ---- */

static size_t first_loaded(const struct tui_list *list)
{
    return (size_t)json_integer_value(json_object_get(list->query.answer, "first"));
}

static const json_t *row_at(const struct tui_list *list, size_t index)
{
    size_t first = first_loaded(list);
    return index < first ? NULL : json_array_get(json_object_get(list->query.answer, "rows"), index - first);
}

static const json_t *columns_of(const struct tui_list *list)
{
    return json_object_get(list->query.answer, "columns");
}

/* Which of the worker's columns has a key; -1: none. */
static int column_of(const struct tui_list *list, const char *key)
{
    size_t i;
    json_t *column;
    json_array_foreach(columns_of(list), i, column)
    {
        const char *name = json_string_value(json_object_get(column, "key"));
        if (name != NULL && strcmp(name, key) == 0)
            return (int)i;
    }
    return -1;
}

static const char *cell_of(const struct tui_list *list, size_t row, const char *key)
{
    int column = column_of(list, key);
    return column < 0 ? NULL : json_string_value(json_array_get(row_at(list, row), (size_t)column));
}

const char *tui_list_cell(const struct tui_list *list, const char *key)
{
    return cell_of(list, list->cursor, key);
}

static void remember(struct tui_list *list)
{
    const char *name = cell_of(list, list->cursor, list->spec->name);
    if (name != NULL)
        snprintf(list->selected, sizeof list->selected, "%s", name);
}

/* Another snapshot: to where the row is now; when it is not among the rows at hand, that is asked. */
static void follow(struct tui_list *list)
{
    if (list->query.answer == NULL || list->snapshot == list->query.snapshot)
        return;
    size_t first = first_loaded(list), count = json_array_size(json_object_get(list->query.answer, "rows"));
    const char *here = cell_of(list, list->cursor, list->spec->name);
    bool moved =
        list->selected[0] != '\0' && list->snapshot != 0 && (here == NULL || strcmp(here, list->selected) != 0);
    for (size_t i = first; moved && i < first + count; i++) {
        const char *name = cell_of(list, i, list->spec->name);
        if (name == NULL || strcmp(name, list->selected) != 0)
            continue;
        list->top = list->top + i > list->cursor ? list->top + i - list->cursor : 0;
        list->cursor = i;
        moved = false;
    }
    list->keep = moved;
    list->snapshot = list->query.snapshot;
}

static void keep_in_view(struct tui_list *list)
{
    if (list->total > 0 && list->cursor >= list->total)
        list->cursor = list->total - 1;
    if (list->cursor < list->top)
        list->top = list->cursor;
    if (list->cursor >= list->top + list->page)
        list->top = list->cursor - list->page + 1;
    if (list->top + list->page > list->total)
        list->top = list->total > list->page ? list->total - list->page : 0;
}

/* Where a search ended, or where the row that is kept stands now: the cursor goes there, on the line that it is on. */
static void take_found(struct tui_list *list)
{
    const json_t *found = json_object_get(list->query.answer, "found");
    if ((!list->seek && !list->keep) || found == NULL || list->query.number != 0)
        return;
    size_t line = list->cursor - list->top;
    if (json_is_integer(found)) {
        list->cursor = (size_t)json_integer_value(found);
        list->top = list->cursor > line ? list->cursor - line : 0;
    }
    if (list->seek)
        tui_app_say(list->app, json_is_integer(found) ? TUI_NORMAL : TUI_WARN,
                    json_is_integer(found) ? "%.0s" : "'%s' was not found", list->find);
    list->seek = list->keep = false;
}

json_t *tui_list_question(const struct tui_list *list)
{
    json_t *question = json_pack("{s:s}", "table", list->spec->table);
    char *tagged =
        list->tagged ? tui_tags_where(&list->app->tags, list->spec->table, list->spec->name, list->where) : NULL;
    if (tagged != NULL || list->where[0] != '\0')
        json_object_set_new(question, "where", json_string(tagged != NULL ? tagged : list->where));
    free(tagged);
    if (list->spec->excludes != NULL)
        json_object_set_new(question, "all", json_boolean(list->all));
    if (list->sort[0] != '\0')
        json_object_set_new(question, "sort", json_string(list->sort));
    if (list->type[0] != '\0')
        json_object_set_new(question, "type", json_string(list->type));
    if (list->under != NULL)
        json_object_set(question, "under", list->under);
    if (list->spec->timed)
        json_object_set_new(question, "from", json_integer((json_int_t)list->from_us));
    return question;
}

void tui_list_ask(struct tui_list *list)
{
    take_found(list);
    if (list->query.answer != NULL)
        list->total = (size_t)json_integer_value(json_object_get(list->query.answer, "total"));
    if (list->remembered && list->where[0] == '\0' && json_object_get(list->query.answer, "error") != NULL) {
        snprintf(list->sort, sizeof list->sort, "%s", list->spec->sort); /* by a column that there is no more */
        list->remembered = false;
    }
    tui_list_columns_take(list, list->query.answer);
    follow(list);
    keep_in_view(list);
    if (!list->keep)
        remember(list);
    if (list->spec->local)
        return;
    size_t from = list->top > BEFORE ? list->top - BEFORE : 0;
    size_t first = first_loaded(list), count = json_array_size(json_object_get(list->query.answer, "rows"));
    bool covered = list->query.answer != NULL && list->top >= first &&
                   (list->top + list->page <= first + count || first + count >= list->total);
    if (covered)
        from = first;
    json_t *question = tui_list_question(list);
    json_object_set_new(question, "ask", json_string("table"));
    json_object_set_new(question, "first", json_integer((json_int_t)from));
    json_object_set_new(question, "count", json_integer(WINDOW));
    json_object_set_new(question, "units", json_integer(list->app->units));
    if (list->seek) {
        json_object_set_new(question, "find", json_string(list->find));
        json_object_set_new(question, "after", json_integer((json_int_t)list->cursor));
        json_object_set_new(question, "back", json_boolean(list->seek_back));
    } else if (list->keep) {
        json_object_set_new(question, "keep", json_string(list->selected));
        json_object_set_new(question, "by", json_string(list->spec->name));
    }
    tui_source_ask(list->app->source, &list->query, question);
}

/* ---- Drawing ---- */

static int widest_cell(const struct tui_list *list, const char *key)
{
    int widest = 0, column = column_of(list, key);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(list->query.answer, "rows"), i, row)
    {
        const char *text = json_string_value(json_array_get(row, (size_t)column));
        int width = column >= 0 && text != NULL ? tui_width(text) : 0;
        widest = width > widest ? width : widest;
    }
    return widest;
}

static bool is_number(const struct tui_column *column)
{
    return column->look == TUI_COLUMN_NUMBER || column->look == TUI_COLUMN_MORE;
}

static bool stretches(const struct tui_column *column)
{
    return column->look == TUI_COLUMN_NAME || column->look == TUI_COLUMN_PLACE;
}

/* Widths that fit; 0: not shown. What stretches shares the rest by what it would need. */
static void lay_out(const struct tui_list *list, int width, int widths[TUI_COLUMNS_MOST])
{
    const struct tui_column *columns = list->columns.item;
    int wanted[TUI_COLUMNS_MOST], count = 0;
    for (; columns[count].key != NULL && count < TUI_COLUMNS_MOST; count++) {
        int title = tui_width(columns[count].title) + (is_number(&columns[count]) ? 1 : 0);
        int cells = columns[count].look == TUI_COLUMN_BAR ? 0 : widest_cell(list, columns[count].key);
        wanted[count] = cells > title ? cells : title;
        wanted[count] = wanted[count] > columns[count].width ? wanted[count] : columns[count].width;
        widths[count] = !list->columns.shown[count]  ? 0
                        : stretches(&columns[count]) ? columns[count].width
                                                     : wanted[count];
    }
    for (;;) {
        int all = 1, worst = -1;
        for (int i = 0; i < count; i++) {
            all += widths[i] > 0 ? widths[i] + GAP : 0;
            if (widths[i] > 0 && columns[i].rank > 0 && (worst < 0 || columns[i].rank >= columns[worst].rank))
                worst = i;
        }
        if (all - GAP <= width || worst < 0)
            break;
        widths[worst] = 0;
    }
    int left = width - 1 + GAP;
    for (int i = 0; i < count; i++)
        left -= widths[i] > 0 ? widths[i] + GAP : 0;
    for (int i = 0; i < count && left > 0; i++)
        if (stretches(&columns[i]) && widths[i] > 0) {
            int more = wanted[i] - widths[i];
            more = more < left ? more : left;
            widths[i] += more > 0 ? more : 0;
            left -= more > 0 ? more : 0;
        }
    for (int i = 0; i < count && left > 0; i++)
        if (stretches(&columns[i]) && widths[i] > 0) {
            widths[i] += left;
            break;
        }
    for (int i = count; i < TUI_COLUMNS_MOST; i++)
        widths[i] = 0;
}

bool tui_list_sorted_by(const struct tui_list *list, const char *key, bool *ret_reverse)
{
    const char *sort = list->sort;
    *ret_reverse = *sort == '-';
    sort += *ret_reverse;
    size_t length = strcspn(sort, ",");
    return strlen(key) == length && strncmp(sort, key, length) == 0;
}

static void draw_header(const struct tui_list *list, struct tui_canvas *canvas, struct tui_area area,
                        const int widths[TUI_COLUMNS_MOST])
{
    const struct tui_column *columns = list->columns.item;
    for (int i = 0, x = area.x + 1; i < TUI_COLUMNS_MOST && columns[i].key != NULL; i++) {
        bool reverse, sorted = tui_list_sorted_by(list, columns[i].key, &reverse);
        enum tui_role role = sorted ? TUI_SORTED : TUI_HEADER;
        int width = tui_width(columns[i].title);
        if (widths[i] == 0)
            continue;
        bool right = is_number(&columns[i]);
        int at = right ? x + widths[i] - width - sorted : x;
        tui_text(canvas, area.y, at, widths[i], role, columns[i].title);
        if (sorted)
            tui_put(canvas, area.y, at + width, role, tui_glyph(canvas, reverse ? TUI_GLYPH_UP : TUI_GLYPH_DOWN));
        x += widths[i] + GAP;
    }
}

static enum tui_role more_role(const char *text)
{
    return text == NULL || (text[0] != '+' && text[0] != '-') ? TUI_DIM : text[0] == '+' ? TUI_WARN : TUI_GOOD;
}

static void draw_row(const struct tui_list *list, struct tui_canvas *canvas, int y, struct tui_area area, size_t row,
                     const int widths[TUI_COLUMNS_MOST])
{
    const struct tui_column *columns = list->columns.item;
    for (int i = 0, x = area.x + 1; i < TUI_COLUMNS_MOST && columns[i].key != NULL; i++) {
        if (widths[i] == 0)
            continue;
        const char *text = cell_of(list, row, columns[i].key);
        switch (columns[i].look) {
        case TUI_COLUMN_NAME:
            tui_name(canvas, y, x, widths[i], TUI_ACCENT, text != NULL ? text : "");
            break;
        case TUI_COLUMN_PLACE:
            tui_text(canvas, y, x, widths[i], TUI_PLACE, text != NULL ? text : "");
            break;
        case TUI_COLUMN_TEXT:
            tui_text(canvas, y, x, widths[i], TUI_NORMAL, text != NULL ? text : "");
            break;
        case TUI_COLUMN_ALERT:
            tui_text(canvas, y, x, widths[i], text != NULL && text[0] == '!' ? TUI_BAD : TUI_WARN,
                     text != NULL ? text : "");
            break;
        case TUI_COLUMN_NUMBER:
            tui_number(canvas, y, x, widths[i], TUI_NORMAL, text != NULL ? text : "-");
            break;
        case TUI_COLUMN_MORE:
            tui_number(canvas, y, x, widths[i], more_role(text), text != NULL ? text : "-");
            break;
        case TUI_COLUMN_BAR:
            tui_bar(canvas, y, x, widths[i], TUI_GRAPH1, text != NULL ? strtod(text, NULL) / 100 : 0);
            break;
        }
        x += widths[i] + GAP;
    }
    if (list->find[0] != '\0')
        tui_match(canvas, y, area.x, area.width, list->find);
    const char *name = list->app->tags.list.count > 0 ? cell_of(list, row, list->spec->name) : NULL;
    bool tagged = name != NULL && tui_tags_has(&list->app->tags, list->spec->table, name);
    if (tagged)
        tui_put(canvas, y, area.x, TUI_KEY, '*');
    if (row == list->cursor && !list->idle) {
        if (!tagged)
            tui_put(canvas, y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
        tui_select(canvas, y, area.x, area.width);
    }
}

static bool same_text(const json_t *said, const char *wanted)
{
    const char *text = json_string_value(said);
    return strcmp(text != NULL ? text : "", wanted) == 0;
}

/* The rows at hand are still in another order, or of another filter: the right ones were asked for. */
static bool is_outdated(const struct tui_list *list)
{
    return !same_text(json_object_get(list->query.answer, "sort"), list->sort) ||
           !same_text(json_object_get(list->query.answer, "where"), list->where);
}

void tui_list_draw(struct tui_list *list, struct tui_canvas *canvas, struct tui_area area)
{
    int widths[TUI_COLUMNS_MOST];
    const char *error = json_string_value(json_object_get(list->query.answer, "error"));
    list->page = area.height > 1 ? (size_t)(area.height - 1) : 1;
    keep_in_view(list);
    if (list->query.answer == NULL) {
        const char *doing = tui_source_doing(list->app->source);
        tui_printf(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_DIM, "%s ...",
                   doing != NULL ? doing : "waiting for the rows");
        return;
    }
    if (error != NULL) {
        tui_text(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_BAD, error);
        return;
    }
    bool outdated = list->query.number != 0 && is_outdated(list);
    if (list->total == 0 && outdated) {
        tui_text(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_DIM, "looking for the rows ...");
        return;
    }
    if (list->total == 0 && list->where[0] != '\0') {
        tui_printf(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_WARN,
                   "Nothing matches  %s  Esc clears the filter.", list->typed);
        return;
    }
    if (list->total == 0) {
        tui_text(canvas, area.y + 1, area.x + 2, area.width - 3, TUI_DIM,
                 list->spec->none != NULL ? list->spec->none : "There is nothing here at this moment.");
        return;
    }
    lay_out(list, area.width, widths);
    draw_header(list, canvas, area, widths);
    int y = area.y + 1;
    for (size_t row = list->top; row < list->total && y < area.y + area.height; row++, y++)
        if (row_at(list, row) != NULL)
            draw_row(list, canvas, y, area, row, widths);
        else
            tui_text(canvas, y, area.x + 2, area.width - 3, TUI_DIM, "...");
    for (int dim = area.y + 1; outdated && dim < y; dim++)
        tui_paint(canvas, dim, area.x, area.width, TUI_DIM);
    if (list->spec->note != NULL && y + 1 < area.y + area.height)
        tui_text(canvas, area.y + area.height - 1, area.x + 1, area.width - 2, TUI_DIM, list->spec->note);
}

/* ---- Actions ---- */

static void move_to(struct tui_list *list, size_t row)
{
    list->cursor = list->total == 0 ? 0 : row < list->total ? row : list->total - 1;
    list->keep = false;
    keep_in_view(list);
}

void tui_list_sort(struct tui_list *list, const char *key, bool reverse)
{
    snprintf(list->sort, sizeof list->sort, "%s%.60s", reverse ? "-" : "", key);
    list->remembered = false;
    tui_state_set_sort(&list->app->state, list->spec->table, list->sort);
    tui_app_remember(list->app);
    list->cursor = list->top = 0;
    list->snapshot = list->query.snapshot;
}

/* By the column `step` further. */
static void sort_other(struct tui_list *list, int step)
{
    const struct tui_column *columns = list->columns.item;
    int count = (int)list->columns.count, now = -1;
    bool reverse;
    for (int i = 0; i < count; i++)
        if (tui_list_sorted_by(list, columns[i].key, &reverse))
            now = i;
    now = now < 0 ? 0 : (now + step + count) % count;
    for (int i = 0; i < count && !list->columns.shown[now]; i++)
        now = (now + step + count) % count;
    tui_list_sort(list, columns[now].key, false);
}

static void tag(struct tui_list *list)
{
    const char *name = tui_list_cell(list, list->spec->name);
    if (name == NULL)
        return;
    if (!tui_tags_toggle(&list->app->tags, list->spec->table, name))
        tui_app_say(list->app, TUI_WARN, "no more than %d rows can be tagged", TUI_TAGS_MOST);
    else if (!list->tagged)
        move_to(list, list->cursor + 1);
}

static void untag(struct tui_list *list)
{
    tui_tags_clear(&list->app->tags, list->spec->table);
    list->tagged = false;
}

static void show_tagged(struct tui_list *list)
{
    if (!list->tagged && tui_tags_count(&list->app->tags, list->spec->table) == 0)
        tui_app_say(list->app, TUI_WARN, "no row is tagged");
    else
        list->tagged = !list->tagged;
    list->cursor = list->top = 0;
}

static void seek(struct tui_list *list, bool back)
{
    if (list->find[0] == '\0') {
        tui_app_say(list->app, TUI_WARN, "nothing to find: / asks for a text");
        return;
    }
    list->seek = true;
    list->seek_back = back;
}

bool tui_list_act(struct tui_list *list, enum tui_action action)
{
    size_t page = list->page, half = page / 2 + 1;
    bool reverse;
    switch (action) {
    case TUI_UP:
        move_to(list, list->cursor > 0 ? list->cursor - 1 : 0);
        return true;
    case TUI_DOWN:
        move_to(list, list->cursor + 1);
        return true;
    case TUI_PAGE_UP:
        move_to(list, list->cursor > page ? list->cursor - page : 0);
        return true;
    case TUI_PAGE_DOWN:
        move_to(list, list->cursor + page);
        return true;
    case TUI_HALF_UP:
        move_to(list, list->cursor > half ? list->cursor - half : 0);
        return true;
    case TUI_HALF_DOWN:
        move_to(list, list->cursor + half);
        return true;
    case TUI_FIRST:
        move_to(list, 0);
        return true;
    case TUI_LAST:
        move_to(list, SIZE_MAX);
        return true;
    case TUI_SORT_NEXT:
        sort_other(list, 1);
        return true;
    case TUI_SORT_PREVIOUS:
        sort_other(list, -1);
        return true;
    case TUI_SORT_REVERSE: {
        char key[64];
        snprintf(key, sizeof key, "%s", list->sort + (list->sort[0] == '-'));
        reverse = list->sort[0] == '-';
        tui_list_sort(list, key, !reverse);
        return true;
    }
    case TUI_TAG:
        tag(list);
        return true;
    case TUI_TAGGED:
        show_tagged(list);
        return true;
    case TUI_UNTAG:
        untag(list);
        return true;
    case TUI_EXCLUDED:
        if (list->spec->excludes == NULL)
            return false;
        list->all = !list->all;
        tui_list_columns_init(list);
        return true;
    case TUI_SORT:
    case TUI_COLUMNS:
        return tui_list_menu(list, action);
    case TUI_FIND_NEXT:
    case TUI_FIND_PREVIOUS:
        seek(list, action == TUI_FIND_PREVIOUS);
        return true;
    default:
        return false;
    }
}

/* "(type~'conn' || site~'conn')" of a text; "!conn": rows without it. */
static void match_text(struct tui_list *list, const char *text)
{
    bool without = text[0] == '!';
    char quote = strchr(text, '\'') != NULL ? '"' : '\'';
    const char *keys = list->spec->matches != NULL ? list->spec->matches : list->spec->name;
    size_t used = 0;
    text += without;
    for (const char *key = keys; *key != '\0' && used < sizeof list->where; key += strspn(key, " ")) {
        int length = (int)strcspn(key, " ");
        int n = snprintf(list->where + used, sizeof list->where - used, "%s%.*s%s%c%s%c",
                         used == 0 ? ""
                         : without ? " && "
                                   : " || ",
                         length, key, without ? "!~" : "~", quote, text, quote);
        used += n > 0 ? (size_t)n : 0;
        key += length;
    }
}

/* A text, or an expression: words that only expressions have decide. */
static void set_where(struct tui_list *list, const char *text)
{
    snprintf(list->typed, sizeof list->typed, "%s", text);
    if (text[0] == '\0' || list->spec->local || strpbrk(text, "=<>~()&|") != NULL)
        snprintf(list->where, sizeof list->where, "%s", text);
    else
        match_text(list, text);
    list->cursor = list->top = 0;
}

bool tui_list_command(struct tui_list *list, const char *word, const char *rest)
{
    if (strcmp(word, "where") == 0) {
        set_where(list, rest);
    } else if (strcmp(word, "sort") == 0) {
        tui_list_sort(list, rest + (rest[0] == '-'), rest[0] == '-');
    } else if (strcmp(word, "find") == 0) {
        snprintf(list->find, sizeof list->find, "%s", rest);
        if (rest[0] != '\0')
            seek(list, false);
    } else {
        return false;
    }
    return true;
}

bool tui_list_clear(struct tui_list *list)
{
    bool any = list->find[0] != '\0' || list->where[0] != '\0' || list->tagged;
    if (list->tagged)
        list->tagged = false;
    else if (list->find[0] != '\0')
        list->find[0] = '\0';
    else
        list->where[0] = '\0';
    return any;
}

static void add_option(char *buf, size_t size, const char *option, const char *value)
{
    size_t used = strlen(buf);
    if (value[0] == '\0')
        return;
    snprintf(buf + used, size - used, " %s%s", option, option[0] != '\0' ? " " : "");
    tui_command_quote(buf, size, value);
}

void tui_list_command_line(const struct tui_list *list, char *buf, size_t size)
{
    char *tagged =
        list->tagged ? tui_tags_where(&list->app->tags, list->spec->table, list->spec->name, list->where) : NULL;
    add_option(buf, size, "", list->type);
    add_option(buf, size, "--where", tagged != NULL ? tagged : list->where);
    add_option(buf, size, "--sort", list->sort);
    free(tagged);
}

void tui_list_mouse(struct tui_list *list, const struct tui_mouse *mouse, struct tui_area area)
{
    int widths[TUI_COLUMNS_MOST];
    if (mouse->what == TUI_MOUSE_UP || mouse->what == TUI_MOUSE_DOWN) {
        for (int i = 0; i < tui_option_wheel(&list->app->config.settings); i++)
            tui_list_act(list, mouse->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
        return;
    }
    if (mouse->y > area.y && mouse->y < area.y + area.height) {
        size_t row = list->top + (size_t)(mouse->y - area.y - 1);
        bool again = row == list->cursor;
        move_to(list, row);
        if (again || mouse->what == TUI_MOUSE_DOUBLE)
            tui_app_act(list->app, TUI_OPEN);
        return;
    }
    lay_out(list, area.width, widths);
    const struct tui_column *columns = list->columns.item;
    for (int i = 0, x = area.x + 1; mouse->y == area.y && i < TUI_COLUMNS_MOST && columns[i].key != NULL; i++) {
        bool reverse, sorted = tui_list_sorted_by(list, columns[i].key, &reverse);
        if (widths[i] > 0 && mouse->x >= x && mouse->x < x + widths[i])
            tui_list_sort(list, columns[i].key, sorted && !reverse);
        x += widths[i] > 0 ? widths[i] + GAP : 0;
    }
}

/* "   3 excluded (1 suppressed): x shows them" behind what is there. Returns how much longer it got. */
static int tell_excluded(const struct tui_list *list, char *buf, size_t size, int used)
{
    const json_t *answer = list->query.answer;
    unsigned long long excluded = (unsigned long long)json_integer_value(json_object_get(answer, "excluded")),
                       suppressed = (unsigned long long)json_integer_value(json_object_get(answer, "suppressed"));
    char key[16], count[48] = "";
    if (excluded == 0 || used < 0 || (size_t)used >= size)
        return 0;
    if (suppressed > 0)
        snprintf(count, sizeof count, " (%llu suppressed)", suppressed);
    tui_keymap_key(&list->app->config.keymap, list->spec->table, TUI_EXCLUDED, key, sizeof key);
    return snprintf(buf + used, size - (size_t)used, "   %llu excluded%s: %s %s them", excluded, count, key,
                    list->all ? "hides" : "shows");
}

void tui_list_title(const struct tui_list *list, char *buf, size_t size)
{
    char now[32], all[32];
    prof_fmt_count(now, sizeof now, list->total == 0 ? 0 : list->cursor + 1);
    prof_fmt_count(all, sizeof all, list->total);
    size_t tags = tui_tags_count(&list->app->tags, list->spec->table);
    int used = snprintf(buf, size, "%s of %s   %s%ssort %s   %s%s%s%s", now, all, list->under_words,
                        list->under != NULL ? "   " : "", list->sort[0] != '\0' ? list->sort : "-",
                        list->where[0] != '\0' ? "where " : "all", list->where[0] != '\0' ? list->typed : "",
                        list->find[0] != '\0' ? "   find " : "", list->find);
    if (tags > 0 && used > 0 && (size_t)used < size)
        used += snprintf(buf + used, size - (size_t)used, "   %s%zu tagged", list->tagged ? "only " : "", tags);
    if (list->spec->excludes != NULL)
        used += tell_excluded(list, buf, size, used);
    if (list->query.number != 0 && list->query.share > 0 && used > 0 && (size_t)used < size)
        snprintf(buf + used, size - (size_t)used, "   %u %% ...", (unsigned)(list->query.share * 100));
}
