/* 03-cycle: a parent and its child hold each other.
 *
 * node_adopt() stores the child in the parent and a counted back pointer in the child. Dropping the last outside
 * reference leaves both at a count of one. The cycle is closed through a birth reference: parent->child owns the
 * reference the child was born with (TRK_OWN). The report shows the two fields and the edge to break: child.parent
 * should be a weak pointer. */
#include <stdlib.h>
#include <track/track.h>

struct node {
    int refs;
    struct node *parent;
    struct node *child;
};
static TRK_TYPE_COUNTED(node_type, struct node, refs);

TRK_WRAPPER static struct node *node_new(void)
{
    struct node *node = calloc(1, sizeof *node);
    node->refs = 1;
    trk_new_from(node, &node_type, TRK_CALLER);
    return node;
}

TRK_WRAPPER static struct node *node_ref(struct node *node)
{
    node->refs++;
    trk_ref_from(node, NULL, TRK_CALLER);
    return node;
}

TRK_WRAPPER static void node_unref(struct node *node, const void *slot)
{
    trk_unref_from(node, slot, TRK_CALLER);
    if (--node->refs > 0)
        return;
    if (node->child != NULL)
        node_unref(node->child, &node->child);
    if (node->parent != NULL)
        node_unref(node->parent, &node->parent);
    trk_del(node);
    free(node);
}

static void node_adopt(struct node *parent)
{
    TRK_OWN(parent->child, node_new());
    TRK_OWN(parent->child->parent, node_ref(parent)); /* closes the cycle */
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        struct node *root;
        TRK_OWN(root, node_new());
        node_adopt(root);
        node_unref(root, &root);
    }
    return 0;
}
