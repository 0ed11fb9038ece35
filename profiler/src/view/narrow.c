/* narrow.c: the command that records just a few objects again, and what to tell gdb about one of them. */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/narrow.h>

enum { OBJECTS_MOST = 255, NOTES_MOST = 6 }; /* characters that --objects takes */
enum { HEALTHY = 3 };                        /* freed objects to compare with */

struct narrowing {
    const struct prof_selection *selection;
    struct prof_view *view;
    const struct prof_trace_info *info;
    const char *type;
    prof_obj_id first; /* the object with the smallest number */
    const char **notes;
    size_t note_count;
    bool failed;
};

static const char *keep(struct narrowing *n, struct prof_str *text)
{
    const char *kept = text->failed ? NULL : prof_arena_strdup(&n->view->arena, text->text != NULL ? text->text : "");
    n->failed |= kept == NULL;
    prof_str_deinit(text);
    return kept;
}

static void note(struct narrowing *n, const char *text)
{
    if (n->note_count < NOTES_MOST)
        n->notes[n->note_count++] = text;
}

/* A word for a shell. */
static void add_word(struct prof_str *text, const char *word)
{
    bool plain = word[0] != '\0';
    for (const char *c = word; *c != '\0'; c++)
        plain &= isalnum((unsigned char)*c) || strchr("_-./=,:+@%", *c) != NULL;
    if (text->length != 0)
        prof_str_add(text, " ");
    if (plain) {
        prof_str_add(text, word);
        return;
    }
    prof_str_add(text, "'");
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'')
            prof_str_add(text, "'\\''");
        else
            prof_str_addf(text, "%c", *c);
    }
    prof_str_add(text, "'");
}

static void add_program(struct narrowing *n, struct prof_str *text)
{
    if (n->info->args == NULL || n->info->args[0] == NULL)
        add_word(text, n->info->exe[0] != '\0' ? n->info->exe : "PROGRAM");
    for (size_t i = 0; n->info->args != NULL && n->info->args[i] != NULL; i++)
        add_word(text, n->info->args[i]);
}

/* ---- Which objects ----------------------------------------------------------------------------------------------- */

static int by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* "conn#4,7-9" of ascending numbers, as many as fit; *ret_used: how many those are. */
static void ranges(struct prof_str *text, const char *type, const uint32_t *serials, size_t count, size_t *ret_used)
{
    prof_str_addf(text, "%s#", strncmp(type, "struct ", 7) == 0 ? type + 7 : type);
    size_t used = 0;
    while (used < count) {
        size_t end = used + 1;
        char range[32];
        while (end < count && serials[end] == serials[end - 1] + 1)
            end++;
        int length = snprintf(range, sizeof range, "%s%u", used != 0 ? "," : "", serials[used]);
        if (end - used > 1)
            snprintf(range + length, sizeof range - (size_t)length, "-%u", serials[end - 1]);
        if (text->length + strlen(range) > OBJECTS_MOST)
            break;
        prof_str_add(text, range);
        used = end;
    }
    *ret_used = used;
}

struct serials {
    uint32_t *items;
    size_t count, room;
};

static bool has(const struct serials *s, uint32_t serial)
{
    return s->count != 0 && bsearch(&serial, s->items, s->count, sizeof *s->items, by_number) != NULL;
}

/* The numbers of its type that are not there any more and come nearest to the first one chosen, those before it first:
 * likely siblings, without which no finding can tell what leaked ones lack. */
static size_t find_healthy(struct narrowing *n, uint32_t healthy[HEALTHY])
{
    const struct prof_heap *heap = n->view->heap;
    struct serials alive = { 0 };
    size_t count = 0;
    for (prof_obj_id id = 1; id < prof_heap_obj_max(heap) && !n->failed; id++) {
        const struct prof_obj *obj = prof_heap_obj(heap, id);
        if (obj->type == n->selection->type && obj->state != PROF_OBJ_NONE && obj->state != PROF_OBJ_DEAD)
            n->failed = !prof_vec_push(&alive, obj->serial);
    }
    if (alive.count > 1)
        qsort(alive.items, alive.count, sizeof *alive.items, by_number);
    uint32_t first = n->first != 0 ? prof_heap_obj(heap, n->first)->serial : 0;
    uint64_t born = prof_heap_type(heap, n->selection->type)->born;
    for (uint32_t serial = first; serial > 1 && count < HEALTHY;)
        if (!has(&alive, --serial))
            healthy[count++] = serial;
    for (uint64_t serial = first + (uint64_t)1; serial <= born && count < HEALTHY; serial++)
        if (!has(&alive, (uint32_t)serial))
            healthy[count++] = (uint32_t)serial;
    prof_vec_deinit(&alive);
    return count;
}

static const char *choose(struct narrowing *n, size_t most, struct prof_narrow *ret)
{
    struct prof_selection selection = *n->selection;
    struct serials serials = { 0 };
    struct prof_str text = { 0 };
    for (prof_obj_id id = 1; id < prof_heap_obj_max(n->view->heap) && !n->failed; id++) {
        if (!prof_selection_has(&selection, id))
            continue;
        uint32_t serial = prof_heap_obj(n->view->heap, id)->serial;
        n->failed = !prof_vec_push(&serials, serial);
        if (n->first == 0 || serial < prof_heap_obj(n->view->heap, n->first)->serial)
            n->first = id;
    }
    if (serials.count > 1)
        qsort(serials.items, serials.count, sizeof *serials.items, by_number);
    if (serials.count > most)
        serials.count = most;
    uint32_t healthy[HEALTHY];
    size_t healthy_count = n->failed ? 0 : find_healthy(n, healthy), used = 0;
    for (size_t i = 0; i < healthy_count && !n->failed; i++)
        n->failed = !prof_vec_push(&serials, healthy[i]);
    if (serials.count > 1)
        qsort(serials.items, serials.count, sizeof *serials.items, by_number);
    ranges(&text, n->type, serials.items, serials.count, &used);
    for (size_t i = 0; i < healthy_count && used != 0; i++)
        ret->healthy += healthy[i] <= serials.items[used - 1];
    ret->count = used - ret->healthy;
    prof_vec_deinit(&serials);
    return keep(n, &text);
}

/* The other keys of the filter that was used: numbers count what they let through. */
static void other_keys(struct narrowing *n, struct prof_str *options, struct prof_str *variable)
{
    const char *at = n->info->filter;
    while (*at != '\0') {
        size_t length = strcspn(at, ":"), key = strcspn(at, "=");
        while (at[length] == ':' && strncmp(at + length, ":modules=", 9) != 0 &&
               strncmp(at + length, ":objects=", 9) != 0) /* of a name */
            length += 1 + strcspn(at + length + 1, ":");
        char value[1024];
        snprintf(value, sizeof value, "%.*s", (int)(length - key - 1), at + key + 1);
        if (strncmp(at, "objects=1/", 10) == 0) {
            note(n, "the trace has a share of all objects, chosen by address: other runs number others");
        } else if (strncmp(at, "objects=", 8) != 0) {
            prof_str_addf(options, " --%.*s", (int)key, at);
            add_word(options, value);
            prof_str_addf(variable, ":%.*s=\"%s\"", (int)key, at, value);
        }
        at += length + (at[length] != '\0');
    }
}

/* ---- gdb --------------------------------------------------------------------------------------------------------- */

/* The line that bears an object: the innermost outside of libtrack. NULL: not known. */
static const struct prof_frame *bearing(struct prof_symbols *symbols, uint32_t stack)
{
    const struct prof_frame *frames;
    size_t count = prof_symbols_stack(symbols, stack, &frames);
    for (size_t i = 0; i < count; i++)
        if (frames[i].function == NULL || strncmp(frames[i].function, "trk_", 4) != 0)
            return frames[i].file != NULL && frames[i].line != 0 ? &frames[i] : NULL;
    return NULL;
}

/* How many objects were born at its line before it. */
struct ordinal {
    struct prof_symbols *symbols;
    const struct prof_frame *line;
    const struct prof_heap *heap;
    const char *type;
    uint32_t serial;
    uint64_t before;
    bool found;
};

static void begun(void *ctx, struct prof_heap *heap)
{
    ((struct ordinal *)ctx)->heap = heap;
}

static bool applied(void *ctx, const struct prof_event *event, prof_obj_id id)
{
    struct ordinal *o = ctx;
    if (event->op != TRK_OP_NEW || o->found || id == 0)
        return true;
    const struct prof_obj *obj = prof_heap_obj(o->heap, id);
    o->found = obj->serial == o->serial && strcmp(prof_heap_type(o->heap, obj->type)->name, o->type) == 0;
    const struct prof_frame *line = bearing(o->symbols, event->stack);
    o->before += !o->found && line != NULL && line->line == o->line->line && strcmp(line->file, o->line->file) == 0;
    return true;
}

static struct prof_error *count_before(struct narrowing *n, struct ordinal *o)
{
    const struct prof_heap_follow follow = { .begin = begun, .applied = applied, .ctx = o };
    const struct prof_heap_options options = { .follow = &follow };
    struct prof_heap *heap = NULL;
    struct prof_error *error = prof_heap_create(prof_heap_trace(n->view->heap), &options, &heap);
    if (error == NULL)
        prof_heap_destroy(heap);
    return error;
}

/* The count of the object that an expression points to. false: the type does not tell where it stands. */
static bool add_count(struct narrowing *n, struct prof_str *text, const char *object)
{
    const struct prof_obj *obj = prof_heap_obj(n->view->heap, n->first);
    const struct trk_type_def *def = prof_trace_type(prof_heap_trace(n->view->heap), obj->type, NULL);
    char field[128];
    if (def == NULL || def->count_offset == UINT32_MAX || def->count_width == 0)
        return false;
    if (def->obj_offset == 0 && prof_symbols_field(n->view->symbols, n->type, def->count_offset, field, sizeof field))
        prof_str_addf(text, "((%s *)(%s))->%s", n->type, object, field);
    else
        prof_str_addf(text, "*(%s *)((char *)(%s) + %lld)",
                      def->count_width == 1   ? "char"
                      : def->count_width == 2 ? "short"
                      : def->count_width == 4 ? "int"
                                              : "long",
                      object, (long long)def->count_offset - (long long)def->obj_offset);
    return true;
}

/* The object as the line that bears it calls it: the first argument of "trk_new(conn, &type);". */
static bool named_in_line(struct prof_symbols *symbols, const struct prof_frame *line, char *buf, size_t size)
{
    char text[256];
    if (!prof_symbols_line(symbols, line, 0, text, sizeof text))
        return false;
    const char *call = strstr(text, "trk_new"), *open = call != NULL ? strchr(call, '(') : NULL;
    size_t length = open != NULL ? strcspn(open + 1, ",;(){}\"'") : 0;
    /* What comes first in the line has not happened yet where gdb stops. */
    if (open != NULL && memchr(text, ';', (size_t)(call - text)) != NULL)
        return false;
    if (length == 0 || length >= size || open[1 + length] != ',')
        return false;
    snprintf(buf, size, "%.*s", (int)length, open + 1);
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static struct prof_error *tell_gdb(struct narrowing *n, struct prof_narrow *ret)
{
    const struct prof_obj *obj = prof_heap_obj(n->view->heap, n->first);
    const struct prof_frame *line = bearing(n->view->symbols, obj->stack);
    struct prof_str watch = { 0 }, text = { 0 };
    char object[128], name[64] = "";
    bool alive = n->info->pid != 0 && !n->info->finished;
    prof_str_add(&watch, "watch -l ");
    if (alive)
        prof_fmt_addr(object, sizeof object, obj->addr);
    else if (line != NULL && named_in_line(n->view->symbols, line, name, sizeof name))
        snprintf(object, sizeof object, "$_isvoid($object) ? (long)$ : $object");
    else
        snprintf(object, sizeof object, "$"); /* what `finish` prints: the function returned it */
    if (!alive && line == NULL)
        ret->gdb_why_not = "the line where it was born is not known: no debug information";
    else if (!alive && prof_heap_named_before(n->view->heap, n->first))
        ret->gdb_why_not = "it was born before what the trace has events of";
    else if (!add_count(n, &watch, object))
        ret->gdb_why_not = "the type does not say where its count stands (TRK_TYPE_COUNTED does)";
    if (ret->gdb_why_not != NULL) {
        prof_str_deinit(&watch);
        return NULL;
    }
    const char *watching = keep(n, &watch);
    if (n->failed)
        return prof_error_memory();
    prof_str_add(&text, "gdb");
    if (alive) {
        prof_str_addf(&text, " -p %u", n->info->pid);
    } else {
        struct ordinal o = { .symbols = n->view->symbols, .line = line, .type = n->type, .serial = obj->serial };
        struct prof_error *error = count_before(n, &o);
        if (error != NULL) {
            prof_str_deinit(&text);
            return error;
        }
        char command[512];
        if (name[0] == '\0' && line->function != NULL) /* a line of optimised code may begin more than once */
            snprintf(command, sizeof command, "tbreak %s:%s", base_name(line->file), line->function);
        else
            snprintf(command, sizeof command, "tbreak %s:%u", base_name(line->file), line->line);
        prof_str_add(&text, " -ex 'set breakpoint pending on' -ex");
        add_word(&text, command);
        snprintf(command, sizeof command, "ignore 1 %llu", (unsigned long long)o.before);
        prof_str_add(&text, " -ex");
        add_word(&text, command);
        prof_str_add(&text, " -ex run");
        if (name[0] == '\0') {
            prof_str_add(&text, " -ex finish");
        } else { /* optimised code may not have the variable: then the function returns it */
            snprintf(command, sizeof command, "set $object = (long)%s", name);
            prof_str_add(&text, " -ex");
            add_word(&text, command);
            prof_str_add(&text, " -ex");
            add_word(&text, "eval \"%s\", $_isvoid($object) ? \"finish\" : \"echo\"");
        }
    }
    prof_str_add(&text, " -ex");
    add_word(&text, watching);
    prof_str_add(&text, " -ex continue");
    if (!alive) {
        prof_str_add(&text, " --args");
        add_program(n, &text);
    }
    ret->gdb = keep(n, &text);
    return NULL;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static void notes(struct narrowing *n)
{
    if (n->info->attached)
        note(n, "recording began while the program was running: numbers count what was seen since");
    if (n->info->parent_trace[0] != '\0')
        note(n, "this was a child of another process: numbers count in each process, and all of them are recorded");
    note(n, "numbers come again when the program does the same; threads that bear at the same time may swap them");
}

struct prof_error *prof_view_narrow(const struct prof_selection *selection, size_t most, struct prof_narrow *ret)
{
    struct prof_view *view = selection->view;
    struct narrowing n = { .selection = selection,
                           .view = view,
                           .info = prof_trace_info(prof_heap_trace(view->heap)),
                           .type = prof_heap_type(view->heap, selection->type)->name };
    struct prof_narrow narrow = { .of = selection->count };
    struct prof_str command = { 0 }, variable = { 0 }, environment = { 0 };
    char name[512];
    n.notes = prof_arena_alloc(&view->arena, (NOTES_MOST + 1) * sizeof *n.notes);
    narrow.objects = n.notes != NULL ? choose(&n, most, &narrow) : NULL;
    if (narrow.objects == NULL)
        return prof_error_memory();
    prof_str_add(&command, "reftrack run --objects");
    add_word(&command, narrow.objects);
    prof_str_addf(&variable, "TRACK_OPTIONS=out=%%p.trk:stacks=64,64,64:objects=\"%s\"", narrow.objects);
    other_keys(&n, &command, &variable);
    prof_str_add(&command, " --stacks 64,64,64 --");
    add_program(&n, &command);
    narrow.command = keep(&n, &command);
    const char *assignment = keep(&n, &variable);
    if (assignment != NULL) {
        prof_str_add(&environment, "env");
        add_word(&environment, assignment);
        add_program(&n, &environment);
    }
    narrow.environment = keep(&n, &environment);
    narrow.watched = prof_arena_strdup(&view->arena, prof_fmt_obj(name, sizeof name, view->heap, n.first));
    struct prof_error *error = tell_gdb(&n, &narrow);
    if (error != NULL)
        return error;
    notes(&n);
    narrow.notes = n.notes;
    if (n.failed || narrow.watched == NULL)
        return prof_error_memory();
    *ret = narrow;
    return NULL;
}
