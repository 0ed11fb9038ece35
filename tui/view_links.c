/* view_links.c: who holds an object, or what it holds, as a tree that is unfolded step by step. What stands above a
 * branch already is cut and marked, so cycles end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "app.h"
#include "glyph.h"

enum { DEPTH_MOST = 64, AHEAD = 2 };

struct branch {
    char *node; /* as people write it; NULL: a root, or what is left of a variable */
    char *text; /* what it is and where the pointer stands */
    char *site;
    char mark;
    bool gone, repeated;
    int64_t count;
    uint64_t bytes, retained, times;
    int depth;
    bool open, last;        /* its children are shown; no sibling follows */
    uint32_t trunks;        /* bit d: a level above goes on */
    struct tui_query query; /* for its children */
    uint64_t filled;        /* version of the answer that its children were made of */
    size_t below;           /* rows that belong to it, itself not counted */
};

struct links_view {
    struct tui_view view;
    bool in;
    char of[512];
    PROF_VEC(struct branch *) rows;
    size_t cursor, top, page;
};

/* ---- Branches ---- */

static void free_branch(struct links_view *view, struct branch *b)
{
    tui_source_forget(view->view.app->source, &b->query);
    free(b->node);
    free(b->text);
    free(b->site);
    free(b);
}

static void remove_rows(struct links_view *view, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        free_branch(view, view->rows.items[i]);
    memmove(&view->rows.items[first], &view->rows.items[first + count],
            (view->rows.count - first - count) * sizeof *view->rows.items);
    view->rows.count -= count;
}

/* The rows behind it that are deeper. */
static size_t below(const struct links_view *view, size_t row)
{
    size_t end = row + 1;
    while (end < view->rows.count && view->rows.items[end]->depth > view->rows.items[row]->depth)
        end++;
    return end - row - 1;
}

static void ask_children(struct links_view *view, struct branch *b)
{
    tui_source_ask(view->view.app->source, &b->query,
                   json_pack("{s:s,s:s,s:b}", "ask", "links", "of", b->node, "in", view->in));
}

static bool stands_above(const struct links_view *view, size_t row, const char *node)
{
    int depth = view->rows.items[row]->depth + 1;
    for (size_t i = row + 1; i-- > 0;)
        if (view->rows.items[i]->depth < depth) {
            depth = view->rows.items[i]->depth;
            if (view->rows.items[i]->node != NULL && strcmp(view->rows.items[i]->node, node) == 0)
                return true;
        }
    return false;
}

static struct branch *make_branch(const json_t *row, bool in)
{
    const char *node = json_string_value(json_object_get(row, "node")),
               *place = json_string_value(json_object_get(row, "place")),
               *field = json_string_value(json_object_get(row, "field")),
               *root = json_string_value(json_object_get(row, "root")),
               *class_name = json_string_value(json_object_get(row, "class")),
               *mark = json_string_value(json_object_get(row, "mark")),
               *site = json_string_value(json_object_get(row, "site"));
    struct branch *b = calloc(1, sizeof *b);
    int n = -1;
    if (b == NULL)
        return NULL;
    b->times = (uint64_t)json_integer_value(json_object_get(row, "times"));
    b->gone = class_name != NULL && strcmp(class_name, "gone") == 0;
    b->mark = mark != NULL && mark[0] != '\0' ? mark[0] : ' ';
    b->count = json_is_integer(json_object_get(row, "count")) ? json_integer_value(json_object_get(row, "count")) : -1;
    b->bytes = (uint64_t)json_integer_value(json_object_get(row, "bytes"));
    b->retained = (uint64_t)json_integer_value(json_object_get(row, "retained"));
    b->node = node != NULL ? strdup(node) : NULL;
    b->site = strdup(site != NULL ? site : "");
    const char *class_word = class_name == NULL || strcmp(class_name, "counted") == 0 ? ""
                             : strcmp(class_name, "weak") == 0                        ? "  (weak)"
                             : b->gone                                                ? "  (the variable is no more)"
                                                                                      : "  (pointer)";
    if (node == NULL)
        n = asprintf(&b->text, "ROOT  %s%s", place != NULL ? place : root != NULL ? root : "?", class_word);
    else if (in)
        n = asprintf(&b->text, "%s%s%s%s", node, field != NULL && field[0] != '\0' && field[0] != '[' ? " ." : " ",
                     field != NULL ? field : "", class_word);
    else
        n = asprintf(&b->text, "%s%s -> %s%s", field != NULL && field[0] != '\0' && field[0] != '[' ? "." : "",
                     field != NULL ? field : "", node, class_word);
    if (n < 0)
        b->text = NULL;
    return b;
}

/* Children of a row, anew from the answer. */
static void fill(struct links_view *view, size_t row)
{
    struct branch *b = view->rows.items[row];
    const json_t *rows = json_object_get(b->query.answer, "rows"), *self = json_object_get(b->query.answer, "self");
    uint64_t more = (uint64_t)json_integer_value(json_object_get(b->query.answer, "more"));
    size_t count = json_array_size(rows), extra = more > 0;
    remove_rows(view, row + 1, below(view, row));
    b->filled = b->query.version;
    b->count = (int64_t)json_integer_value(json_object_get(self, "count"));
    b->bytes = (uint64_t)json_integer_value(json_object_get(self, "bytes"));
    b->retained = (uint64_t)json_integer_value(json_object_get(self, "retained"));
    if (!prof_vec_reserve(&view->rows, count + extra))
        return;
    memmove(&view->rows.items[row + 1 + count + extra], &view->rows.items[row + 1],
            (view->rows.count - row - 1) * sizeof *view->rows.items);
    size_t made = 0;
    for (size_t i = 0; i < count + extra; i++) {
        struct branch *child = i < count ? make_branch(json_array_get(rows, i), view->in) : calloc(1, sizeof *child);
        if (child == NULL)
            break;
        if (i == count && asprintf(&child->text, "(%llu more)", (unsigned long long)more) < 0)
            child->text = NULL;
        child->depth = b->depth + 1;
        child->last = i + 1 == count + extra;
        child->trunks = b->trunks | (b->last || b->depth == 0 ? 0 : 1u << (b->depth & 31));
        child->repeated = child->node != NULL && stands_above(view, row, child->node);
        view->rows.items[row + 1 + made++] = child;
    }
    memmove(&view->rows.items[row + 1 + made], &view->rows.items[row + 1 + count + extra],
            (view->rows.count - row - 1) * sizeof *view->rows.items);
    view->rows.count += made;
}

static bool can_open(const struct branch *b)
{
    return b->node != NULL && !b->repeated && b->depth + 1 < DEPTH_MOST;
}

static void set_open(struct links_view *view, size_t row, bool open)
{
    struct branch *b = view->rows.items[row];
    if (!can_open(b) || b->open == open)
        return;
    b->open = open;
    if (open)
        ask_children(view, b);
    else
        remove_rows(view, row + 1, below(view, row));
    b->filled = 0;
}

/* ---- The view ---- */

static void destroy(struct tui_view *base)
{
    struct links_view *view = (struct links_view *)base;
    remove_rows(view, 0, view->rows.count);
    prof_vec_deinit(&view->rows);
    free(view);
}

static void ask(struct tui_view *base)
{
    struct links_view *view = (struct links_view *)base;
    for (size_t i = 0; i < view->rows.count; i++) {
        struct branch *b = view->rows.items[i];
        if (!b->open)
            continue;
        ask_children(view, b);
        if (b->query.answer != NULL && b->filled != b->query.version)
            fill(view, i);
    }
    if (view->cursor >= view->rows.count)
        view->cursor = view->rows.count - 1;
}

static int draw_prefix(struct tui_canvas *canvas, int y, int x, const struct branch *b)
{
    for (int d = 1; d < b->depth; d++) {
        if (b->trunks >> (d & 31) & 1)
            tui_put(canvas, y, x, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_TRUNK));
        x += 3;
    }
    if (b->depth > 0) {
        tui_put(canvas, y, x, TUI_DIM, tui_glyph(canvas, b->last ? TUI_GLYPH_CORNER : TUI_GLYPH_BRANCH));
        enum tui_glyph sign = !can_open(b) ? TUI_GLYPH_ARM : b->open ? TUI_GLYPH_OPEN : TUI_GLYPH_FOLDED;
        tui_put(canvas, y, x + 1, TUI_DIM, tui_glyph(canvas, sign));
        x += 3;
    }
    return x;
}

static void draw_branch(struct links_view *view, struct tui_canvas *canvas, int y, struct tui_area area, size_t row)
{
    const struct branch *b = view->rows.items[row];
    enum prof_units units = view->view.app->units;
    char text[64];
    int right = area.x + area.width - 1, numbers = 4 + 2 * 11, x = draw_prefix(canvas, y, area.x + 1, b);
    int site = area.width >= 100 ? area.width / 4 : 0, room = right - numbers - site - x - 1;
    char mark[3] = { b->mark, ' ', '\0' };
    if (b->mark == ' ')
        mark[0] = '\0';
    int used = tui_text(canvas, y, x, room, TUI_DIM, mark);
    used += tui_name(canvas, y, x + used, room - used,
                     b->node == NULL ? TUI_GOOD
                     : b->gone       ? TUI_DIM
                                     : TUI_ACCENT,
                     b->text != NULL ? b->text : "?");
    if (b->repeated)
        tui_text(canvas, y, x + used, room - used, TUI_WARN, " ^");
    else if (b->times > 1)
        tui_printf(canvas, y, x + used, room - used, TUI_DIM, "  %s times",
                   prof_fmt_count(text, sizeof text, b->times));
    if (site > 0 && b->site != NULL)
        tui_text(canvas, y, right - numbers - site, site - 1, TUI_PLACE, b->site);
    if (b->node == NULL)
        return;
    if (b->count >= 0) {
        snprintf(text, sizeof text, "%lld", (long long)b->count);
        tui_number(canvas, y, right - numbers, 4, TUI_NORMAL, text);
    }
    tui_number(canvas, y, right - 22, 11, TUI_NORMAL, prof_fmt_bytes(text, sizeof text, b->bytes, units));
    tui_number(canvas, y, right - 11, 11, TUI_NORMAL, prof_fmt_bytes(text, sizeof text, b->retained, units));
}

static void draw(struct tui_view *base, struct tui_canvas *canvas, struct tui_area area)
{
    struct links_view *view = (struct links_view *)base;
    const struct branch *root = view->rows.items[0];
    const char *error = json_string_value(json_object_get(root->query.answer, "error")),
               *unread = json_string_value(json_object_get(root->query.answer, "unread"));
    int right = area.width - 1;
    tui_text(canvas, area.y, 1, right - 27, TUI_HEADER, view->in ? "WHO POINTS HERE" : "WHERE IT POINTS");
    tui_number(canvas, area.y, right - 26, 4, TUI_HEADER, "RC");
    tui_number(canvas, area.y, right - 22, 11, TUI_HEADER, "SHALLOW");
    tui_number(canvas, area.y, right - 11, 11, TUI_HEADER, "RETAINED");
    if (error != NULL) {
        tui_text(canvas, area.y + 2, 2, area.width - 3, TUI_BAD, error);
        return;
    }
    view->page = area.height > 2 ? (size_t)area.height - 2 : 1;
    if (view->cursor < view->top)
        view->top = view->cursor;
    if (view->cursor >= view->top + view->page)
        view->top = view->cursor - view->page + 1;
    for (size_t i = view->top; i < view->rows.count && i < view->top + view->page; i++) {
        int y = area.y + 1 + (int)(i - view->top);
        draw_branch(view, canvas, y, area, i);
        if (i == view->cursor) {
            tui_put(canvas, y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
            tui_select(canvas, y, area.x, area.width);
        }
    }
    if (unread != NULL)
        tui_printf(canvas, area.y + area.height - 1, 1, area.width - 2, TUI_WARN,
                   "memory %s: only what was told is here", unread);
}

static size_t parent_of(const struct links_view *view, size_t row)
{
    size_t i = row;
    while (i > 0 && view->rows.items[i]->depth >= view->rows.items[row]->depth)
        i--;
    return i;
}

static void to_sibling(struct links_view *view, bool next)
{
    int depth = view->rows.items[view->cursor]->depth;
    size_t i = view->cursor;
    while (next ? i + 1 < view->rows.count : i > 0) {
        i += next ? 1 : SIZE_MAX;
        if (view->rows.items[i]->depth < depth)
            return;
        if (view->rows.items[i]->depth == depth) {
            view->cursor = i;
            return;
        }
    }
}

static void to_biggest(struct links_view *view)
{
    size_t best = view->cursor;
    for (size_t i = view->cursor + 1; i <= view->cursor + below(view, view->cursor); i++)
        if (view->rows.items[i]->depth == view->rows.items[view->cursor]->depth + 1 &&
            (best == view->cursor || view->rows.items[i]->retained > view->rows.items[best]->retained))
            best = i;
    view->cursor = best;
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct links_view *view = (struct links_view *)base;
    struct branch *b = view->rows.items[view->cursor];
    size_t last = view->rows.count - 1;
    switch (action) {
    case TUI_UP:
        view->cursor -= view->cursor > 0;
        return true;
    case TUI_DOWN:
        view->cursor += view->cursor < last;
        return true;
    case TUI_PAGE_UP:
    case TUI_HALF_UP:
        view->cursor = view->cursor > view->page ? view->cursor - view->page : 0;
        return true;
    case TUI_PAGE_DOWN:
    case TUI_HALF_DOWN:
        view->cursor = view->cursor + view->page < last ? view->cursor + view->page : last;
        return true;
    case TUI_FIRST:
        view->cursor = 0;
        return true;
    case TUI_LAST:
        view->cursor = last;
        return true;
    case TUI_RIGHT:
    case TUI_UNFOLD:
        set_open(view, view->cursor, true);
        return true;
    case TUI_LEFT:
        if (b->open)
            set_open(view, view->cursor, false);
        else
            view->cursor = parent_of(view, view->cursor);
        return true;
    case TUI_FOLD:
        set_open(view, view->cursor, false);
        return true;
    case TUI_FOLD_ALL:
        for (size_t i = view->cursor, end = view->cursor + below(view, view->cursor); i <= end; i++)
            if (!view->rows.items[i]->open)
                set_open(view, i, true);
        return true;
    case TUI_PARENT:
        view->cursor = parent_of(view, view->cursor);
        return true;
    case TUI_SIBLING_NEXT:
    case TUI_SIBLING_PREVIOUS:
        to_sibling(view, action == TUI_SIBLING_NEXT);
        return true;
    case TUI_BIGGEST:
        to_biggest(view);
        return true;
    case TUI_OPEN:
        if (b->node != NULL && strstr(b->node, "block#") == NULL)
            tui_app_open(base->app, tui_view_object(base->app, b->node));
        else
            set_open(view, view->cursor, !b->open);
        return true;
    default:
        return false;
    }
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct links_view *view = (const struct links_view *)base;
    snprintf(buf, size, "%s   %zu of %zu   a node that stands above is cut and marked (^)", view->of, view->cursor + 1,
             view->rows.count);
}

static const char *selected(const struct tui_view *base)
{
    const struct links_view *view = (const struct links_view *)base;
    const char *node = view->rows.items[view->cursor]->node;
    return node != NULL ? node : "";
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    const struct links_view *view = (const struct links_view *)base;
    snprintf(buf, size, "reftrack refs TRACE '%s' --%s", view->of, view->in ? "in" : "out");
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_REFERRERS, TUI_REFERENTS, TUI_FOLD,
                                         TUI_COPY, TUI_BACK,      TUI_NO_ACTION };
#define OPS(word)                                                                                                      \
    {                                                                                                                  \
        .name = word, .hints = hints, .destroy = destroy, .ask = ask, .draw = draw, .act = act, .title = title,        \
        .selected = selected, .command_line = command_line,                                                            \
    }
static const struct tui_view_ops ops_in = OPS("referrers"), ops_out = OPS("referents");

/* The first row, unfolded. NULL: no memory. */
static struct branch *make_root(const char *of)
{
    struct branch *root = calloc(1, sizeof *root);
    if (root == NULL)
        return NULL;
    root->node = strdup(of);
    root->text = strdup(of);
    root->mark = ' ';
    root->last = root->open = true;
    if (root->node != NULL && root->text != NULL)
        return root;
    free(root->node);
    free(root->text);
    free(root);
    return NULL;
}

struct tui_view *tui_view_links(struct tui_app *app, const char *of, bool in)
{
    struct links_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = in ? &ops_in : &ops_out, .app = app };
    view->in = in;
    snprintf(view->of, sizeof view->of, "%s", of);
    if (prof_vec_reserve(&view->rows, 1))
        view->rows.items[0] = make_root(of);
    if (view->rows.items != NULL && view->rows.items[0] != NULL) {
        view->rows.count = 1;
        return &view->view;
    }
    prof_vec_deinit(&view->rows);
    free(view);
    return NULL;
}
