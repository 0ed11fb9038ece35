/* tree.c: trees that are unfolded step by step. See tree.h. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "glyph.h"

enum { STEP = 3, LEVELS = 64 };

static void free_branch(struct tui_tree *tree, struct tui_branch *b)
{
    tui_source_forget(tree->app->source, &b->query);
    tree->ops->clear(b);
    free(b);
}

static void remove_rows(struct tui_tree *tree, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        free_branch(tree, tree->rows.items[i]);
    memmove(&tree->rows.items[first], &tree->rows.items[first + count],
            (tree->rows.count - first - count) * sizeof *tree->rows.items);
    tree->rows.count -= count;
}

bool tui_tree_init(struct tui_tree *tree, struct tui_app *app, const struct tui_tree_ops *ops, struct tui_branch *root)
{
    *tree = (struct tui_tree){ .ops = ops, .app = app, .page = 1 };
    if (root == NULL)
        return false;
    root->open = root->last = root->chosen = true;
    if (prof_vec_push(&tree->rows, root))
        return true;
    free_branch(tree, root);
    return false;
}

void tui_tree_deinit(struct tui_tree *tree)
{
    remove_rows(tree, 0, tree->rows.count);
    prof_vec_deinit(&tree->rows);
}

struct tui_branch *tui_tree_selected(const struct tui_tree *tree)
{
    return tree->rows.items[tree->cursor];
}

size_t tui_tree_parent(const struct tui_tree *tree, size_t row)
{
    size_t i = row;
    while (i > 0 && tree->rows.items[i]->depth >= tree->rows.items[row]->depth)
        i--;
    return i;
}

size_t tui_tree_below(const struct tui_tree *tree, size_t row)
{
    size_t end = row + 1;
    while (end < tree->rows.count && tree->rows.items[end]->depth > tree->rows.items[row]->depth)
        end++;
    return end - row - 1;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Which lines go on beside each row, from the last one up. */
static void link_rows(struct tui_tree *tree)
{
    uint64_t follow = 0; /* bit d: a branch of depth d follows, and none above it before that */
    for (size_t i = tree->rows.count; i-- > 0;) {
        struct tui_branch *b = tree->rows.items[i];
        uint64_t here = b->depth < LEVELS ? (uint64_t)1 << b->depth : 0;
        b->last = b->depth < LEVELS && (follow & here) == 0;
        b->trunks = here != 0 ? follow & (here - 1) : follow;
        follow = b->trunks | here;
    }
}

void tui_tree_set_open(struct tui_tree *tree, size_t row, bool open)
{
    struct tui_branch *b = tree->rows.items[row];
    if (b->leaf || b->open == open || (open && b->depth + 1 >= TUI_TREE_DEEPEST))
        return;
    b->open = open;
    if (!open) {
        if (tree->cursor > row) {
            size_t below = tui_tree_below(tree, row);
            tree->cursor = tree->cursor > row + below ? tree->cursor - below : row;
        }
        remove_rows(tree, row + 1, tui_tree_below(tree, row));
        link_rows(tree);
    }
    b->filled = 0;
}

void tui_tree_restart(struct tui_tree *tree)
{
    remove_rows(tree, 1, tree->rows.count - 1);
    tui_source_forget(tree->app->source, &tree->rows.items[0]->query);
    tree->rows.items[0]->filled = 0;
    tree->rows.items[0]->open = tree->rows.items[0]->chosen = true;
    tree->cursor = tree->top = 0;
    tree->descend = false;
}

/* The first row from `from` to `end` that is the child `index`; end: none. */
static size_t find_old(const struct tui_tree *tree, size_t from, size_t end, int depth, const json_t *answer,
                       size_t index)
{
    while (from < end && (tree->rows.items[from] == NULL || tree->rows.items[from]->depth != depth ||
                          !tree->ops->is(tree, tree->rows.items[from], answer, index)))
        from++;
    return from;
}

/* Children of a row, anew from the answer; those that were there keep what is below them. */
static void fill(struct tui_tree *tree, size_t row)
{
    struct tui_branch *b = tree->rows.items[row], *cursor = tree->rows.items[tree->cursor];
    const json_t *answer = b->query.answer;
    size_t old = tui_tree_below(tree, row), end = row + 1 + old, count = tree->ops->count(answer), made = 0;
    PROF_VEC(struct tui_branch *) fresh = { 0 };
    bool cursor_here = tree->cursor > row && tree->cursor < end;
    b->filled = b->query.version;
    if (tree->ops->self != NULL)
        tree->ops->self(tree, b, answer);
    if (!prof_vec_reserve(&fresh, count + old) || !prof_vec_reserve(&tree->rows, count)) {
        prof_vec_deinit(&fresh);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = find_old(tree, row + 1, end, b->depth + 1, answer, i);
        struct tui_branch *child = at < end ? tree->rows.items[at] : calloc(1, tree->ops->size);
        if (child == NULL)
            break;
        child->depth = b->depth + 1;
        tree->ops->set(tree, row, child, answer, i);
        fresh.items[fresh.count++] = child;
        made++;
        for (; at < end; at++) { /* what is below it comes along */
            struct tui_branch *moved = tree->rows.items[at];
            if (moved != child && (moved == NULL || moved->depth <= child->depth))
                break;
            if (moved != child)
                fresh.items[fresh.count++] = moved;
            tree->rows.items[at] = NULL;
        }
        if (made == 1 && count == 1 && tree->ops->chains && b->chosen && !child->leaf && !child->open &&
            child->depth + 1 < TUI_TREE_DEEPEST)
            child->open = child->chosen = true;
    }
    for (size_t at = row + 1; at < end; at++)
        if (tree->rows.items[at] != NULL) {
            cursor = tree->rows.items[at] == cursor ? NULL : cursor;
            free_branch(tree, tree->rows.items[at]);
        }
    memmove(&tree->rows.items[row + 1 + fresh.count], &tree->rows.items[end],
            (tree->rows.count - end) * sizeof *tree->rows.items);
    if (fresh.count > 0)
        memcpy(&tree->rows.items[row + 1], fresh.items, fresh.count * sizeof *fresh.items);
    tree->rows.count = tree->rows.count - old + fresh.count;
    if (tree->cursor >= end)
        tree->cursor = tree->cursor - old + fresh.count;
    else if (cursor_here) {
        size_t at = row;
        while (cursor != NULL && at < row + fresh.count && tree->rows.items[at] != cursor)
            at++;
        tree->cursor = at;
    }
    prof_vec_deinit(&fresh);
    link_rows(tree);
}

static void to_greatest(struct tui_tree *tree)
{
    size_t best = tree->cursor, end = tree->cursor + tui_tree_below(tree, tree->cursor);
    int depth = tree->rows.items[tree->cursor]->depth + 1;
    for (size_t i = tree->cursor + 1; i <= end; i++)
        if (tree->rows.items[i]->depth == depth &&
            (best == tree->cursor ||
             tree->ops->weight(tree->rows.items[i]) > tree->ops->weight(tree->rows.items[best])))
            best = i;
    tree->cursor = best;
}

bool tui_tree_ask(struct tui_tree *tree)
{
    bool changed = false;
    for (size_t i = 0; i < tree->rows.count; i++) {
        struct tui_branch *b = tree->rows.items[i];
        if (!b->open)
            continue;
        tui_source_ask(tree->app->source, &b->query, tree->ops->question(tree, b));
        if (b->query.answer == NULL || b->filled == b->query.version)
            continue;
        fill(tree, i);
        changed = true;
        if (tree->descend && i == tree->cursor) {
            to_greatest(tree);
            tree->descend = false;
        }
    }
    if (tree->cursor >= tree->rows.count)
        tree->cursor = tree->rows.count - 1;
    return changed;
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

void tui_tree_draw(struct tui_tree *tree, struct tui_canvas *canvas, struct tui_area area,
                   void (*each)(struct tui_tree *tree, struct tui_canvas *canvas, int y, const struct tui_branch *b))
{
    tree->area = area;
    tree->page = area.height > 1 ? (size_t)area.height : 1;
    if (tree->cursor < tree->top)
        tree->top = tree->cursor;
    if (tree->cursor >= tree->top + tree->page)
        tree->top = tree->cursor - tree->page + 1;
    int room = area.width / 4 / STEP, depth = tree->rows.items[tree->cursor]->depth;
    tree->shift = depth > room ? depth - room : 0;
    for (size_t i = tree->top; i < tree->rows.count && i < tree->top + tree->page; i++) {
        int y = area.y + (int)(i - tree->top);
        each(tree, canvas, y, tree->rows.items[i]);
        if (i == tree->cursor) {
            tui_put(canvas, y, area.x, TUI_KEY, tui_glyph(canvas, TUI_GLYPH_CURSOR));
            tui_select(canvas, y, area.x, area.width);
        }
    }
}

int tui_tree_prefix(const struct tui_tree *tree, struct tui_canvas *canvas, int y, int x, const struct tui_branch *b)
{
    for (int d = 1 + tree->shift; d < b->depth; d++) {
        if (d < LEVELS && (b->trunks >> d & 1) != 0)
            tui_put(canvas, y, x, TUI_DIM, tui_glyph(canvas, TUI_GLYPH_TRUNK));
        x += STEP;
    }
    if (b->depth > 0) {
        tui_put(canvas, y, x, TUI_DIM, tui_glyph(canvas, b->last ? TUI_GLYPH_CORNER : TUI_GLYPH_BRANCH));
        enum tui_glyph sign = b->leaf ? TUI_GLYPH_ARM : b->open ? TUI_GLYPH_OPEN : TUI_GLYPH_FOLDED;
        tui_put(canvas, y, x + 1, TUI_DIM, tui_glyph(canvas, sign));
        x += STEP;
    }
    return x;
}

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

static void to_sibling(struct tui_tree *tree, bool next)
{
    int depth = tree->rows.items[tree->cursor]->depth;
    size_t i = tree->cursor;
    while (next ? i + 1 < tree->rows.count : i > 0) {
        i += next ? 1 : SIZE_MAX;
        if (tree->rows.items[i]->depth < depth)
            return;
        if (tree->rows.items[i]->depth == depth) {
            tree->cursor = i;
            return;
        }
    }
}

static void open_by_hand(struct tui_tree *tree)
{
    tui_tree_selected(tree)->chosen = true;
    tui_tree_set_open(tree, tree->cursor, true);
}

/* Everything below it one level further; when all that is shown is open, it is folded. */
static void unfold_all(struct tui_tree *tree)
{
    bool any = false;
    for (size_t i = tree->cursor, end = tree->cursor + tui_tree_below(tree, tree->cursor); i <= end; i++) {
        any |= !tree->rows.items[i]->open && !tree->rows.items[i]->leaf;
        if (!tree->rows.items[i]->open)
            tui_tree_set_open(tree, i, true);
    }
    if (!any)
        tui_tree_set_open(tree, tree->cursor, false);
}

static bool fold(struct tui_tree *tree, enum tui_action action)
{
    switch (action) {
    case TUI_RIGHT:
    case TUI_UNFOLD:
        open_by_hand(tree);
        return true;
    case TUI_LEFT:
        if (tui_tree_selected(tree)->open)
            tui_tree_set_open(tree, tree->cursor, false);
        else
            tree->cursor = tui_tree_parent(tree, tree->cursor);
        return true;
    case TUI_FOLD:
        tui_tree_set_open(tree, tree->cursor, false);
        return true;
    case TUI_FOLD_ALL:
        unfold_all(tree);
        return true;
    case TUI_BIGGEST:
        tree->descend = !tui_tree_selected(tree)->open;
        if (tree->descend)
            open_by_hand(tree);
        else
            to_greatest(tree);
        return true;
    default:
        return false;
    }
}

bool tui_tree_act(struct tui_tree *tree, enum tui_action action)
{
    size_t last = tree->rows.count - 1, page = tree->page;
    switch (action) {
    case TUI_UP:
        tree->cursor -= tree->cursor > 0;
        break;
    case TUI_DOWN:
        tree->cursor += tree->cursor < last;
        break;
    case TUI_HALF_UP:
    case TUI_PAGE_UP:
        page = action == TUI_HALF_UP ? page / 2 + 1 : page;
        tree->cursor = tree->cursor > page ? tree->cursor - page : 0;
        break;
    case TUI_HALF_DOWN:
    case TUI_PAGE_DOWN:
        page = action == TUI_HALF_DOWN ? page / 2 + 1 : page;
        tree->cursor = tree->cursor + page < last ? tree->cursor + page : last;
        break;
    case TUI_FIRST:
        tree->cursor = 0;
        break;
    case TUI_LAST:
        tree->cursor = last;
        break;
    case TUI_PARENT:
        tree->cursor = tui_tree_parent(tree, tree->cursor);
        break;
    case TUI_SIBLING_NEXT:
    case TUI_SIBLING_PREVIOUS:
        to_sibling(tree, action == TUI_SIBLING_NEXT);
        break;
    default:
        return fold(tree, action);
    }
    tree->descend = false;
    return true;
}

void tui_tree_mouse(struct tui_tree *tree, const struct tui_mouse *mouse)
{
    size_t row = tree->top + (size_t)(mouse->y - tree->area.y);
    if (mouse->what == TUI_MOUSE_UP || mouse->what == TUI_MOUSE_DOWN) {
        for (int i = 0; i < tui_option_wheel(&tree->app->config.settings); i++)
            tui_tree_act(tree, mouse->what == TUI_MOUSE_UP ? TUI_UP : TUI_DOWN);
    } else if (mouse->y >= tree->area.y && mouse->y < tree->area.y + tree->area.height && row < tree->rows.count) {
        bool again = row == tree->cursor;
        tree->cursor = row;
        if (again || mouse->what == TUI_MOUSE_DOUBLE)
            tui_app_act(tree->app, TUI_OPEN);
    }
}
