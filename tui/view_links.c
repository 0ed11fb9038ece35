/* view_links.c: who holds an object, or what it holds, as a tree that is unfolded step by step. What stands above a
 * branch already is cut and marked, so cycles end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "said.h"
#include "tree.h"

enum { DEPTH_MOST = 64 };

struct branch {
    struct tui_branch base;
    char *node; /* as people write it; NULL: a root, or what is left of a variable */
    char *text; /* what it is and where the pointer stands */
    char *site;
    char mark;
    bool gone, repeated;
    int64_t count;
    uint64_t bytes, retained, times;
};

struct links_view {
    struct tui_view view;
    struct tui_tree tree;
    bool in;
    char of[512];
};

/* ---- Branches ---- */

static const struct links_view *view_of(const struct tui_tree *tree)
{
    return (const struct links_view *)((const char *)tree - offsetof(struct links_view, tree));
}

static void clear(struct tui_branch *base)
{
    struct branch *b = (struct branch *)base;
    free(b->node);
    free(b->text);
    free(b->site);
    b->node = b->text = b->site = NULL;
}

static json_t *question(struct tui_tree *tree, const struct tui_branch *base)
{
    return json_pack("{s:s,s:s,s:b}", "ask", "links", "of", ((const struct branch *)base)->node, "in",
                     view_of(tree)->in);
}

static size_t count(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "rows")) + (tui_said_number(answer, "more") > 0);
}

static bool stands_above(const struct tui_tree *tree, size_t row, const char *node)
{
    for (size_t i = row;; i = tui_tree_parent(tree, i)) {
        const struct branch *b = (const struct branch *)tree->rows.items[i];
        if (b->node != NULL && strcmp(b->node, node) == 0)
            return true;
        if (i == 0)
            return false;
    }
}

static bool is_gone(const json_t *row)
{
    return strcmp(tui_said(row, "class"), "gone") == 0;
}

/* malloc'ed; NULL without memory. */
static char *words_of(const json_t *row, bool in)
{
    const char *node = tui_said(row, "node"), *place = tui_said(row, "place"), *field = tui_said(row, "field"),
               *class_name = tui_said(row, "class");
    const char *class_word = class_name[0] == '\0' || strcmp(class_name, "counted") == 0 ? ""
                             : strcmp(class_name, "weak") == 0                           ? "  (weak)"
                             : is_gone(row)                                              ? "  (the variable is no more)"
                                                                                         : "  (pointer)";
    const char *dot = field[0] != '\0' && field[0] != '[' ? "." : "";
    char *text = NULL;
    int n;
    if (!json_is_string(json_object_get(row, "node")))
        n = asprintf(&text, "ROOT  %s%s",
                     json_is_string(json_object_get(row, "place"))  ? place
                     : json_is_string(json_object_get(row, "root")) ? tui_said(row, "root")
                                                                    : "?",
                     class_word);
    else if (in)
        n = asprintf(&text, "%s %s%s%s", node, dot, field, class_word);
    else
        n = asprintf(&text, "%s%s -> %s%s", dot, field, node, class_word);
    return n < 0 ? NULL : text;
}

static bool is(const struct tui_tree *tree, const struct tui_branch *base, const json_t *answer, size_t index)
{
    const struct branch *b = (const struct branch *)base;
    const json_t *rows = json_object_get(answer, "rows");
    if (index >= json_array_size(rows))
        return false;
    char *words = words_of(json_array_get(rows, index), view_of(tree)->in);
    bool same = words != NULL && b->text != NULL && strcmp(words, b->text) == 0;
    free(words);
    return same;
}

static void set(struct tui_tree *tree, size_t above, struct tui_branch *base, const json_t *answer, size_t index)
{
    struct branch *b = (struct branch *)base;
    const json_t *rows = json_object_get(answer, "rows"), *row = json_array_get(rows, index);
    clear(base);
    b->base.leaf = true;
    b->mark = ' ';
    if (row == NULL) {
        if (asprintf(&b->text, "(%llu more)", (unsigned long long)tui_said_number(answer, "more")) < 0)
            b->text = NULL;
        return;
    }
    const char *node = json_string_value(json_object_get(row, "node")), *mark = tui_said(row, "mark");
    b->times = tui_said_number(row, "times");
    b->gone = is_gone(row);
    b->mark = mark[0] != '\0' ? mark[0] : ' ';
    b->count = json_is_integer(json_object_get(row, "count")) ? json_integer_value(json_object_get(row, "count")) : -1;
    b->bytes = tui_said_number(row, "bytes");
    b->retained = tui_said_number(row, "retained");
    b->node = node != NULL ? strdup(node) : NULL;
    b->site = strdup(tui_said(row, "site"));
    b->text = words_of(row, view_of(tree)->in);
    b->repeated = node != NULL && stands_above(tree, above, node);
    b->base.leaf = b->node == NULL || b->repeated || b->base.depth + 1 >= DEPTH_MOST;
}

static void self(struct tui_tree *tree, struct tui_branch *base, const json_t *answer)
{
    struct branch *b = (struct branch *)base;
    const json_t *said = json_object_get(answer, "self");
    (void)tree;
    b->count = (int64_t)json_integer_value(json_object_get(said, "count"));
    b->bytes = tui_said_number(said, "bytes");
    b->retained = tui_said_number(said, "retained");
}

static uint64_t weight(const struct tui_branch *base)
{
    return ((const struct branch *)base)->retained;
}

static const struct tui_tree_ops tree_ops = {
    .size = sizeof(struct branch),
    .question = question,
    .count = count,
    .is = is,
    .set = set,
    .self = self,
    .clear = clear,
    .weight = weight,
};

/* ---- The view ---- */

static void destroy(struct tui_view *base)
{
    struct links_view *view = (struct links_view *)base;
    tui_tree_deinit(&view->tree);
    free(view);
}

static void ask(struct tui_view *base)
{
    tui_tree_ask(&((struct links_view *)base)->tree);
}

static void draw_branch(struct tui_tree *tree, struct tui_canvas *canvas, int y, const struct tui_branch *base)
{
    const struct branch *b = (const struct branch *)base;
    struct tui_area area = tree->area;
    enum prof_units units = tree->app->units;
    char text[64];
    int right = area.x + area.width - 1, numbers = 4 + 2 * 11, x = tui_tree_prefix(tree, canvas, y, area.x + 1, base);
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
    const json_t *answer = view->tree.rows.items[0]->query.answer;
    const char *error = json_string_value(json_object_get(answer, "error")),
               *unread = json_string_value(json_object_get(answer, "unread"));
    int right = area.width - 1;
    tui_text(canvas, area.y, 1, right - 27, TUI_HEADER, view->in ? "WHO POINTS HERE" : "WHERE IT POINTS");
    tui_number(canvas, area.y, right - 26, 4, TUI_HEADER, "RC");
    tui_number(canvas, area.y, right - 22, 11, TUI_HEADER, "SHALLOW");
    tui_number(canvas, area.y, right - 11, 11, TUI_HEADER, "RETAINED");
    if (error != NULL) {
        tui_text(canvas, area.y + 2, 2, area.width - 3, TUI_BAD, error);
        return;
    }
    area.y++;
    area.height -= 2;
    tui_tree_draw(&view->tree, canvas, area, draw_branch);
    area.height++;
    if (unread != NULL)
        tui_printf(canvas, area.y + area.height - 1, 1, area.width - 2, TUI_WARN,
                   "memory %s: only what was told is here", unread);
}

static bool act(struct tui_view *base, enum tui_action action)
{
    struct links_view *view = (struct links_view *)base;
    struct branch *b = (struct branch *)tui_tree_selected(&view->tree);
    if (action != TUI_OPEN)
        return tui_tree_act(&view->tree, action);
    if (b->node != NULL && strstr(b->node, "block#") == NULL)
        tui_app_open(base->app, tui_view_object(base->app, b->node));
    else
        tui_tree_set_open(&view->tree, view->tree.cursor, !b->base.open);
    return true;
}

static void mouse(struct tui_view *base, const struct tui_mouse *what)
{
    tui_tree_mouse(&((struct links_view *)base)->tree, what);
}

static void title(const struct tui_view *base, char *buf, size_t size)
{
    const struct links_view *view = (const struct links_view *)base;
    snprintf(buf, size, "%s   %zu of %zu   a node that stands above is cut and marked (^)", view->of,
             view->tree.cursor + 1, view->tree.rows.count);
}

static const char *selected(const struct tui_view *base)
{
    const struct links_view *view = (const struct links_view *)base;
    const char *node = ((const struct branch *)tui_tree_selected(&view->tree))->node;
    return node != NULL ? node : "";
}

static void command_line(const struct tui_view *base, char *buf, size_t size)
{
    const struct links_view *view = (const struct links_view *)base;
    snprintf(buf, size, "reftrack refs --%s TRACE ", view->in ? "in" : "out");
    tui_command_quote(buf, size, view->of);
}

static const char *document(const struct tui_view *base, const char **ret_of)
{
    const struct links_view *view = (const struct links_view *)base;
    *ret_of = view->of;
    return view->in ? "referrers" : "referents";
}

static const enum tui_action hints[] = { TUI_OPEN, TUI_REFERRERS, TUI_REFERENTS, TUI_FOLD,
                                         TUI_COPY, TUI_BACK,      TUI_NO_ACTION };
#define OPS(word)                                                                                                      \
    {                                                                                                                  \
        .name = word, .hints = hints, .destroy = destroy, .ask = ask, .draw = draw, .act = act, .title = title,        \
        .selected = selected, .mouse = mouse, .command_line = command_line, .document = document, .scrolls = true,     \
    }
static const struct tui_view_ops ops_in = OPS("referrers"), ops_out = OPS("referents");

/* NULL: no memory. */
static struct tui_branch *make_root(const char *of)
{
    struct branch *root = calloc(1, sizeof *root);
    if (root == NULL)
        return NULL;
    root->node = strdup(of);
    root->text = strdup(of);
    root->mark = ' ';
    if (root->node != NULL && root->text != NULL)
        return &root->base;
    clear(&root->base);
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
    if (tui_tree_init(&view->tree, app, &tree_ops, make_root(of)))
        return &view->view;
    free(view);
    return NULL;
}
