/* view_tables.c: the screens that are one table each, with what the selected row is about beside it on wide screens:
 * types, objects, sites as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "pane.h"

struct table_view {
    struct tui_view view;
    struct tui_list list;
    struct tui_pane pane;
    const char *about; /* question of the pane, about the cell that names a row; NULL: there is no pane */
    struct tui_area area;
};

static struct table_view *as_table(struct tui_view *view)
{
    return (struct table_view *)view;
}

static void destroy(struct tui_view *view)
{
    tui_list_deinit(&as_table(view)->list);
    tui_pane_deinit(&as_table(view)->pane);
    free(view);
}

static void ask(struct tui_view *view)
{
    struct table_view *table = as_table(view);
    tui_list_ask(&table->list);
    if (table->about != NULL)
        tui_pane_ask(&table->pane, table->about, tui_list_cell(&table->list, table->list.spec->name));
}

static void draw(struct tui_view *view, struct tui_canvas *canvas, struct tui_area area)
{
    struct table_view *table = as_table(view);
    struct tui_area beside = { .height = 0 };
    table->area = area;
    if (table->about != NULL)
        tui_pane_divide(&table->pane, area, table->list.total + 1, &table->area, &beside);
    if (table->area.height > 0)
        tui_list_draw(&table->list, canvas, table->area);
    if (table->list.total > 0)
        tui_pane_draw(&table->pane, canvas, beside);
}

static void title(const struct tui_view *view, char *buf, size_t size)
{
    tui_list_title(&((const struct table_view *)view)->list, buf, size);
}

static bool command(struct tui_view *view, const char *word, const char *rest)
{
    return tui_list_command(&as_table(view)->list, word, rest);
}

static void mouse(struct tui_view *view, const struct tui_mouse *what)
{
    if (tui_pane_mouse(&as_table(view)->pane, what))
        return;
    as_table(view)->pane.focus = false;
    tui_list_mouse(&as_table(view)->list, what, as_table(view)->area);
}

static struct tui_list *list_of(struct tui_view *view)
{
    return &as_table(view)->list;
}

static bool clear(struct tui_view *view)
{
    return tui_pane_leave(&as_table(view)->pane) || tui_list_clear(&as_table(view)->list);
}

/* The command line of reftrack that prints the same table. */
static void command_line(const struct tui_view *view, char *buf, size_t size)
{
    const struct tui_list *list = &((const struct table_view *)view)->list;
    if (list->under != NULL)
        return; /* no command knows which those are */
    snprintf(buf, size, "reftrack %s TRACE", list->spec->table);
    tui_list_command_line(list, buf, size);
}

static struct tui_view *create(struct tui_app *app, const struct tui_view_ops *ops, const struct tui_list_spec *spec,
                               const char *about)
{
    struct table_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->view = (struct tui_view){ .ops = ops, .app = app };
    tui_list_init(&view->list, app, spec);
    tui_pane_init(&view->pane, app, false);
    view->about = about;
    return &view->view;
}

/* ---- Types ---- */

static const struct tui_column types_columns[] = {
    { "type", "TYPE", TUI_COLUMN_NAME, 0, 16 },
    { "live", "OBJS", TUI_COLUMN_NUMBER, 0, 6 },
    { "bytes", "BYTES", TUI_COLUMN_NUMBER, 0, 8 },
    { "leaked", "LEAKED", TUI_COLUMN_NUMBER, 1, 6 },
    { "born", "BORN", TUI_COLUMN_NUMBER, 2, 6 },
    { "refs", "REFS", TUI_COLUMN_NUMBER, 3, 6 },
    { "peak_bytes", "PEAK", TUI_COLUMN_NUMBER, 4, 8 },
    { "coverage", "OWNED", TUI_COLUMN_NUMBER, 5, 5 },
    { "unused", "UNUSED", TUI_COLUMN_NUMBER, 6, 6 },
    { "kind", "KIND", TUI_COLUMN_TEXT, 7, 6 },
    { .key = NULL },
};
static const struct tui_list_spec types_spec = {
    .table = "types", .columns = types_columns, .name = "type", .sort = "bytes"
};

static bool types_act(struct tui_view *view, enum tui_action action)
{
    struct tui_list *list = &as_table(view)->list;
    if (tui_pane_act(&as_table(view)->pane, action))
        return true;
    if (action == TUI_OPEN) {
        const char *type = tui_list_cell(list, "type"), *kind = tui_list_cell(list, "kind");
        if (type != NULL && kind != NULL && strcmp(kind, "blocks") == 0)
            tui_app_open(view->app, tui_view_sites(view->app)); /* there are no objects of it */
        else if (type != NULL)
            tui_app_open(view->app, tui_view_objects(view->app, type));
        return true;
    }
    return tui_list_act(list, action);
}

static const enum tui_action list_hints[] = { TUI_OPEN, TUI_SORT, TUI_FILTER, TUI_FIND, TUI_COLUMNS, TUI_NO_ACTION };
static const struct tui_view_ops types_ops = {
    .name = "types",
    .tab = TUI_TYPES,
    .hints = list_hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = types_act,
    .title = title,
    .command = command,
    .mouse = mouse,
    .command_line = command_line,
    .clear = clear,
    .list = list_of,
};

struct tui_view *tui_view_types(struct tui_app *app)
{
    return create(app, &types_ops, &types_spec, "type");
}

/* ---- Objects ---- */

static const struct tui_column objects_columns[] = {
    { "object", "OBJECT", TUI_COLUMN_NAME, 0, 16 }, { "count", "RC", TUI_COLUMN_NUMBER, 0, 3 },
    { "owned", "OWNED", TUI_COLUMN_NUMBER, 3, 5 },  { "bytes", "BYTES", TUI_COLUMN_NUMBER, 1, 8 },
    { "age", "AGE", TUI_COLUMN_NUMBER, 2, 7 },      { "finding", "FINDING", TUI_COLUMN_TEXT, 4, 8 },
    { "site", "BORN IN", TUI_COLUMN_PLACE, 5, 16 }, { "addr", "ADDRESS", TUI_COLUMN_TEXT, 8, 12 },
    { "refs", "REFS", TUI_COLUMN_NUMBER, 7, 4 },    { "unrefs", "UNREFS", TUI_COLUMN_NUMBER, 7, 4 },
    { "tid", "THREAD", TUI_COLUMN_NUMBER, 9, 6 },   { .key = NULL },
};
static const struct tui_list_spec objects_spec = {
    .table = "objects", .columns = objects_columns, .name = "object", .sort = "bytes"
};

static bool objects_act(struct tui_view *view, enum tui_action action)
{
    struct tui_list *list = &as_table(view)->list;
    const char *object = tui_list_cell(list, "object");
    if (tui_pane_act(&as_table(view)->pane, action))
        return true;
    if (action == TUI_OPEN) {
        if (object != NULL)
            tui_app_open(view->app, tui_view_object(view->app, object));
        return true;
    }
    if (action == TUI_STACK && object != NULL) {
        tui_app_open(view->app, tui_view_birth(view->app, object));
        return true;
    }
    return tui_list_act(list, action);
}

static const char *objects_selected(const struct tui_view *view)
{
    const struct table_view *table = (const struct table_view *)view;
    const char *object = tui_pane_selected(&table->pane);
    if (object == NULL)
        object = tui_list_cell(&table->list, "object");
    return object != NULL ? object : "";
}

static const enum tui_action object_hints[] = { TUI_REFERRERS, TUI_REFERENTS, TUI_SORT,     TUI_FILTER,
                                                TUI_FIND,      TUI_COPY,      TUI_NO_ACTION };
static const struct tui_view_ops objects_ops = {
    .name = "objects",
    .tab = TUI_OBJECTS,
    .hints = object_hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = objects_act,
    .title = title,
    .selected = objects_selected,
    .command = command,
    .mouse = mouse,
    .command_line = command_line,
    .clear = clear,
    .list = list_of,
};

struct tui_view *tui_view_objects(struct tui_app *app, const char *type)
{
    struct tui_view *view = create(app, &objects_ops, &objects_spec, "object");
    if (view != NULL && type != NULL)
        snprintf(as_table(view)->list.type, sizeof as_table(view)->list.type, "%s", type);
    return view;
}

struct tui_view *tui_view_objects_under(struct tui_app *app, const char *words, json_t *under)
{
    struct tui_view *view = create(app, &objects_ops, &objects_spec, "object");
    if (view == NULL) {
        json_decref(under);
        return NULL;
    }
    as_table(view)->list.under = under;
    snprintf(as_table(view)->list.under_words, sizeof as_table(view)->list.under_words, "born below %s", words);
    return view;
}

/* ---- Sites ---- */

static const struct tui_column sites_columns[] = {
    { "site", "SITE", TUI_COLUMN_PLACE, 0, 20 },       { "live_bytes", "LIVE BYTES", TUI_COLUMN_NUMBER, 0, 8 },
    { "live", "LIVE", TUI_COLUMN_NUMBER, 0, 6 },       { "allocs", "ALLOCS", TUI_COLUMN_NUMBER, 1, 6 },
    { "bytes", "BYTES", TUI_COLUMN_NUMBER, 2, 8 },     { "births", "BIRTHS", TUI_COLUMN_NUMBER, 5, 6 },
    { "refs", "REFS", TUI_COLUMN_NUMBER, 3, 6 },       { "unrefs", "UNREFS", TUI_COLUMN_NUMBER, 4, 6 },
    { "temporary", "BRIEF", TUI_COLUMN_NUMBER, 6, 6 }, { .key = NULL },
};
static const struct tui_list_spec sites_spec = {
    .table = "sites", .columns = sites_columns, .name = "site", .sort = "live_bytes"
};

static bool sites_act(struct tui_view *view, enum tui_action action)
{
    if (action == TUI_NEXT_PANE || action == TUI_PREVIOUS_PANE) { /* back to the tree, which is below */
        tui_app_act(view->app, TUI_CLOSE);
        return true;
    }
    return tui_list_act(&as_table(view)->list, action);
}

static const char *sites_selected(const struct tui_view *view)
{
    const char *site = tui_list_cell(&((const struct table_view *)view)->list, "site");
    return site != NULL ? site : "";
}

static const enum tui_action site_hints[] = { TUI_SORT, TUI_FILTER, TUI_FIND, TUI_COPY, TUI_NEXT_PANE, TUI_NO_ACTION };
static const struct tui_view_ops sites_ops = {
    .name = "flat-sites",
    .tab = TUI_SITES,
    .hints = site_hints,
    .destroy = destroy,
    .ask = ask,
    .draw = draw,
    .act = sites_act,
    .title = title,
    .selected = sites_selected,
    .command = command,
    .mouse = mouse,
    .command_line = command_line,
    .clear = clear,
    .list = list_of,
};

struct tui_view *tui_view_flat_sites(struct tui_app *app)
{
    return create(app, &sites_ops, &sites_spec, NULL);
}
