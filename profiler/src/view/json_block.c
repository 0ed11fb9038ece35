/* json_block.c: the JSON document of one plain block. */
#include "json_links.h"

#include <prof/block.h>

#include <stdio.h>

static json_t *id_or_null(uint32_t id)
{
    return id != 0 ? json_of_number(id) : json_null();
}

static json_t *links(struct document *doc, struct prof_view *view, const struct prof_block_link *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        doc_set(doc, object, "text", json_of_text(list[i].text));
        doc_set(doc, object, "name", json_of_text(list[i].name));
        doc_set(doc, object, "object", doc_object_name(view, list[i].obj));
        doc_set(doc, object, "block", id_or_null(list[i].block));
        doc_set(doc, object, "at", doc_address(list[i].at));
        doc_set(doc, object, "to", doc_address(list[i].to));
        doc_set(doc, object, "interior", json_boolean(list[i].interior));
        doc_append(doc, array, object);
    }
    return array;
}

/* Of a freed block only what the program told is known. */
static void type_told(struct document *doc, struct prof_view *view, const struct prof_block_life *life)
{
    bool array = false;
    const char *name = prof_block_life_type(view->heap, life, &array);
    char text[512];
    snprintf(text, sizeof text, "%s%s", name != NULL ? name : "", array ? "[]" : "");
    doc_set(doc, doc->root, "type", name != NULL ? json_of_text(text) : json_null());
    doc_set(doc, doc->root, "type_mark", name != NULL ? json_string("=") : json_null());
    doc_set(doc, doc->root, "type_from",
            name != NULL ? json_string(prof_birth_how_text(PROF_BIRTH_TOLD)) : json_null());
    doc_set(doc, doc->root, "item_bytes", json_null());
}

static void type(struct document *doc, struct prof_view *view, prof_block_id id)
{
    struct prof_block_type known = { .how = PROF_BIRTH_TOLD };
    bool is = prof_block_type(view->heap, view->symbols, id, &known);
    char text[512], mark[2] = { known.mark, '\0' };
    known.mark = '='; /* the mark stands apart */
    enum prof_birth_how how = known.how;
    known.how = PROF_BIRTH_TOLD;
    doc_set(doc, doc->root, "type",
            is ? json_of_text(prof_block_type_text(text, sizeof text, &known, prof_heap_block(view->heap, id)->size))
               : json_null());
    doc_set(doc, doc->root, "type_mark", is ? json_string(mark) : json_null());
    doc_set(doc, doc->root, "type_from", is ? json_string(prof_birth_how_text(how)) : json_null());
    uint64_t item = is ? prof_block_type_item(&known) : 0;
    doc_set(doc, doc->root, "item_bytes", item != 0 ? json_of_number(item) : json_null());
}

static void memory(struct document *doc, struct prof_view *view, const struct prof_block_story *story)
{
    const struct prof_finding *about = &story->about;
    doc_set(doc, doc->root, "verdict", json_string(prof_verdict_name(about->verdict)));
    doc_set(doc, doc->root, "strength", json_string(prof_strength_name(about->strength)));
    doc_set(doc, doc->root, "reasons", json_of_text(about->reasons));
    doc_set(doc, doc->root, "root_path", doc_root_path(doc, view, about));
    doc_set(doc, doc->root, "leader", id_or_null(story->leader));
    doc_set(doc, doc->root, "leader_object", doc_object_name(view, story->leader_obj));
    doc_set(doc, doc->root, "holders", links(doc, view, story->holders, story->holder_count));
    doc_set(doc, doc->root, "holders_all", json_of_number(story->all_holders));
    doc_set(doc, doc->root, "held", links(doc, view, story->held, story->held_count));
    doc_set(doc, doc->root, "held_all", json_of_number(story->all_held));
}

static json_t *history(struct document *doc, struct prof_view *view, const struct prof_block_life *life)
{
    json_t *array = json_array();
    for (size_t i = 0; i < life->count; i++) {
        const struct prof_event *e = &life->events[i];
        json_t *object = e->stack != 0 ? doc_site(doc, view, e->stack, true) : json_object();
        bool sized = e->op == TRK_OP_ALLOC;
        doc_set(doc, object, "event", json_string(prof_op_name(e->op)));
        doc_set(doc, object, "at", json_of_seconds(e->time_us));
        doc_set(doc, object, "tid", json_of_number(e->tid));
        doc_set(doc, object, "addr", doc_address(e->addr));
        doc_set(doc, object, "bytes", sized ? json_of_number(e->size) : json_null());
        doc_set(doc, object, "from",
                sized && e->aux == TRK_ALLOC_REALLOC && e->from != 0 ? doc_address(e->from) : json_null());
        doc_append(doc, array, object);
    }
    return array;
}

struct prof_error *prof_json_block(struct prof_view *view, prof_block_id id, const struct prof_block_life *life,
                                   const struct prof_block_story *story, char **ret)
{
    struct document doc;
    const struct prof_block *alive = id != 0 ? prof_heap_block(view->heap, id) : NULL;
    struct prof_block block = { .addr = life->addr, .size = life->size, .kind = life->kind };
    doc_begin(&doc, "block");
    if (alive != NULL)
        block = *alive;
    doc_set(&doc, doc.root, "id", id_or_null(id));
    doc_set(&doc, doc.root, "addr", doc_address(block.addr));
    doc_set(&doc, doc.root, "bytes", json_of_number(block.size));
    doc_set(&doc, doc.root, "usable", json_of_number(prof_block_usable(&block)));
    doc_set(&doc, doc.root, "state", json_string(alive != NULL ? "allocated" : "freed"));
    doc_set(&doc, doc.root, "by", json_string(prof_block_kind_text(block.kind)));
    doc_set(&doc, doc.root, "born", alive != NULL ? doc_site(&doc, view, block.stack, true) : json_null());
    doc_set(&doc, doc.root, "born_at", alive != NULL ? json_of_seconds(block.born_us) : json_null());
    if (id != 0)
        type(&doc, view, id);
    else
        type_told(&doc, view, life);
    if (story != NULL)
        memory(&doc, view, story);
    doc_set(&doc, doc.root, "history", history(&doc, view, life));
    doc_set(&doc, doc.root, "history_left_out", json_of_number(life->left_out));
    doc_set(&doc, doc.root, "blocks_here", json_of_number(life->lives));
    return doc_finish(&doc, ret);
}
