/* json_adapters.c: adapters as a JSON document. */
#include "json_document.h"

#include <stdlib.h>

static json_t *libraries(struct document *doc, const struct prof_adapter *adapter)
{
    json_t *array = json_array();
    for (size_t i = 0; i < adapter->library_count; i++)
        doc_append(doc, array, json_of_text(adapter->libraries[i]));
    return array;
}

static json_t *owned_text(char *text)
{
    json_t *value = text != NULL ? json_of_text(text) : NULL;
    free(text);
    return value;
}

static json_t *place(const struct trk_hook_place *where)
{
    char text[PROF_ADAPTER_WORD];
    return where->base == TRK_HOOK_NOWHERE ? json_null() : json_of_text(prof_adapter_place(text, sizeof text, where));
}

static json_t *types(struct document *doc, const struct prof_adapter *adapter)
{
    json_t *array = json_array();
    for (size_t i = 0; i < adapter->type_count; i++) {
        const struct prof_adapter_type *type = &adapter->types[i];
        json_t *object = json_object();
        bool counted = type->count_bytes != 0;
        doc_set(doc, object, "name", json_of_text(type->name));
        doc_set(doc, object, "line", json_of_number(type->line));
        doc_set(doc, object, "count_offset", counted ? json_integer(type->count_offset) : json_null());
        doc_set(doc, object, "count_bytes", counted ? json_of_number(type->count_bytes) : json_null());
        doc_set(doc, object, "words", owned_text(prof_adapter_type_words(type)));
        doc_append(doc, array, object);
    }
    return array;
}

static json_t *functions(struct document *doc, const struct prof_adapter *adapter)
{
    json_t *array = json_array();
    for (size_t i = 0; i < adapter->rule_count; i++) {
        const struct prof_adapter_rule *rule = &adapter->rules[i];
        json_t *object = json_object();
        doc_set(doc, object, "function", json_of_text(rule->function));
        doc_set(doc, object, "role", json_string(prof_adapter_role(rule->role)));
        doc_set(doc, object, "type", json_of_text(adapter->types[rule->type].name));
        doc_set(doc, object, "line", json_of_number(rule->line));
        doc_set(doc, object, "object", place(&rule->object));
        doc_set(doc, object, "slot", place(&rule->slot));
        doc_set(doc, object, "from", place(&rule->from));
        doc_set(doc, object, "words", owned_text(prof_adapter_words(rule)));
        doc_append(doc, array, object);
    }
    return array;
}

struct prof_error *prof_json_adapters(const struct prof_adapter_choice *list, size_t count, char **ret)
{
    struct document doc;
    doc_begin(&doc, "adapters");
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct prof_adapter *adapter = list[i].adapter;
        json_t *object = json_object();
        doc_set(&doc, object, "name", json_of_text(adapter->name));
        doc_set(&doc, object, "origin", json_string(prof_adapter_origin(list[i].origin)));
        doc_set(&doc, object, "path", json_of_text(adapter->path));
        doc_set(&doc, object, "replaces", json_of_text(list[i].other != NULL ? list[i].other->path : NULL));
        doc_set(&doc, object, "libraries", libraries(&doc, adapter));
        doc_set(&doc, object, "types", types(&doc, adapter));
        doc_set(&doc, object, "functions", functions(&doc, adapter));
        doc_append(&doc, array, object);
    }
    doc_set(&doc, doc.root, "adapters", array);
    return doc_finish(&doc, ret);
}
