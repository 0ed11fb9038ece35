/* indirect: what only something lost holds is lost with it, and is told below it.
 *
 * A tree is dropped by its root. One finding, at the root: the branches will be freed by whoever frees that. */
#include <stdlib.h>

struct tree {
    struct tree *left, *right;
};

static struct tree *grow(int depth)
{
    struct tree *tree = calloc(1, sizeof *tree);
    if (tree != NULL && depth > 1) {
        tree->left = grow(depth - 1);
        tree->right = grow(depth - 1);
    }
    return tree;
}

int main(void)
{
    struct tree *volatile tree = grow(4);
    int built = tree != NULL;
    tree = NULL; /* should have been felled */
    return !built;
}
