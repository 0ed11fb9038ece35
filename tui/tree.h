/* tree.h: a tree that is unfolded step by step: children of a branch are asked for when it is opened. What is open
 * stays open from one snapshot to the next, and the cursor stays on its branch, as long as what they are about is
 * there. */
#ifndef TUI_TREE_H
#define TUI_TREE_H

#include <base/vec.h>

#include "app.h"

enum { TUI_TREE_DEEPEST = 250 };

/* The head of every branch. */
struct tui_branch {
    int depth;
    bool open;              /* its children are shown, or asked for */
    bool leaf;              /* it cannot be opened */
    bool chosen;            /* somebody opened it by itself: what has a single child is opened further */
    bool last;              /* no sibling follows */
    uint64_t trunks;        /* bit d: a branch of depth d above it has siblings that follow */
    uint64_t filled;        /* version of the answer that its children were made of */
    struct tui_query query; /* for its children */
};
struct tui_tree;
struct tui_tree_ops {
    size_t size; /* of a branch */
    /* The question for its children; a new reference. */
    json_t *(*question)(struct tui_tree *tree, const struct tui_branch *branch);
    /* How many children an answer has. */
    size_t (*count)(const json_t *answer);
    /* Is this branch the child `index` of the answer? */
    bool (*is)(const struct tui_tree *tree, const struct tui_branch *branch, const json_t *answer, size_t index);
    /* Makes a branch, which may have been it before, that child. above: its parent; it stands at row `row`. */
    void (*set)(struct tui_tree *tree, size_t above, struct tui_branch *branch, const json_t *answer, size_t index);
    /* What the answer says of the branch whose children were asked. May be NULL. */
    void (*self)(struct tui_tree *tree, struct tui_branch *branch, const json_t *answer);
    void (*clear)(struct tui_branch *branch); /* ends what `set` made */
    uint64_t (*weight)(const struct tui_branch *branch);
    bool chains; /* what has a single child is opened together with it */
};
struct tui_tree {
    const struct tui_tree_ops *ops;
    struct tui_app *app;
    PROF_VEC(struct tui_branch *) rows; /* the first is the root */
    size_t cursor, top, page;
    int shift;            /* levels that are not drawn at the left */
    bool descend;         /* the cursor goes to the greatest child when it is there */
    struct tui_area area; /* where rows were drawn last */
};

/* root: calloc'ed, taken over, open. false: no memory (the root is freed). */
bool tui_tree_init(struct tui_tree *tree, struct tui_app *app, const struct tui_tree_ops *ops, struct tui_branch *root);
void tui_tree_deinit(struct tui_tree *tree);
/* The branch under the cursor. */
struct tui_branch *tui_tree_selected(const struct tui_tree *tree);
/* The row of a branch's parent; itself for the root. */
size_t tui_tree_parent(const struct tui_tree *tree, size_t row);
/* Rows that belong to a branch, itself not counted. */
size_t tui_tree_below(const struct tui_tree *tree, size_t row);
void tui_tree_set_open(struct tui_tree *tree, size_t row, bool open);
/* Everything but the root is forgotten and asked anew. */
void tui_tree_restart(struct tui_tree *tree);

/* Asks for the children of what is open, and shows what has come. true: rows changed. */
bool tui_tree_ask(struct tui_tree *tree);
/* Brings the cursor into view and calls for each row that is shown; then marks the cursor's. */
void tui_tree_draw(struct tui_tree *tree, struct tui_canvas *canvas, struct tui_area area,
                   void (*each)(struct tui_tree *tree, struct tui_canvas *canvas, int y, const struct tui_branch *b));
/* Draws the lines before a branch's text; returns the column behind them. */
int tui_tree_prefix(const struct tui_tree *tree, struct tui_canvas *canvas, int y, int x, const struct tui_branch *b);
/* Moves and folds. false: it is none of that. */
bool tui_tree_act(struct tui_tree *tree, enum tui_action action);
void tui_tree_mouse(struct tui_tree *tree, const struct tui_mouse *mouse);

#endif
