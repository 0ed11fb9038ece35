/* parent: a window owns its widgets in a list, and each widget owns its parent.
 *
 * The pointers down and along the list are what keeps widgets alive; the one up must not count, because a widget never
 * outlives its window. Any of these fields would break the cycle; the name says which one should. */
#include "counted.h"

struct widget {
    struct counted base;
    struct widget *parent;
    struct widget *child;
    struct widget *next;
    char title[64];
};
static TRK_TYPE_COUNTED(widget_type, struct widget, base.refs);

static void widget_destroy(void *object)
{
    struct widget *widget = object;
    counted_unref(widget->child, &widget->child);
    counted_unref(widget->next, &widget->next);
    counted_unref(widget->parent, &widget->parent);
}

static void window_add(struct widget *window)
{
    struct widget *child;
    TRK_OWN(child, counted_new(sizeof *child, &widget_type, widget_destroy));
    TRK_OWN(child->parent, counted_ref(window));
    child->next = window->child;
    if (child->next != NULL)
        trk_move(child->next, &child->next, &window->child);
    window->child = child;
    trk_move(child, &window->child, &child);
}

int main(void)
{
    struct widget *window;
    TRK_OWN(window, counted_new(sizeof *window, &widget_type, widget_destroy));
    for (int i = 0; i < 3; i++)
        window_add(window);
    counted_unref(window, &window);
    return 0;
}
