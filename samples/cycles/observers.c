/* observers: a model owns the views that watch it, and each view owns the model it shows.
 *
 * The list is an array that grows, a plain block: the cycle leads through it and is told as one field. Watching must
 * not keep the watcher alive, so the list is what should not count. */
#include "counted.h"

struct view;
struct model {
    struct counted base;
    struct view **observers;
    size_t count;
};
struct view {
    struct counted base;
    struct model *model;
    char pixels[128];
};
static TRK_TYPE_COUNTED(model_type, struct model, base.refs);
static TRK_TYPE_COUNTED(view_type, struct view, base.refs);

static void model_destroy(void *object)
{
    struct model *model = object;
    for (size_t i = 0; i < model->count; i++)
        counted_unref(model->observers[i], &model->observers[i]);
    free(model->observers);
}

static void view_destroy(void *object)
{
    struct view *view = object;
    counted_unref(view->model, &view->model);
}

static void model_watch(struct model *model, struct view *view)
{
    if (model->count % 4 == 0)
        model->observers = realloc(model->observers, (model->count + 4) * sizeof *model->observers);
    TRK_OWN(model->observers[model->count], counted_ref(view));
    model->count++;
}

static struct view *view_new(struct model *model)
{
    struct view *view = counted_new(sizeof *view, &view_type, view_destroy);
    TRK_OWN(view->model, counted_ref(model));
    return view;
}

int main(void)
{
    struct model *model;
    TRK_OWN(model, counted_new(sizeof *model, &model_type, model_destroy));
    for (int i = 0; i < 3; i++) {
        struct view *view;
        TRK_OWN(view, view_new(model));
        model_watch(model, view);
        counted_unref(view, &view); /* the window was closed */
    }
    counted_unref(model, &model);
    return 0;
}
