/* value.c: the values, their containers and their reference counts. */
#include "value.h"

#include <stdlib.h>
#include <string.h>
#include <track/track.h>

struct member {
    char *key;
    struct value *item; /* owns a reference */
};

struct value {
    int refs;
    enum value_kind kind;
    union {
        double number;
        char *text;
        struct {
            struct value **items; /* each owns a reference */
            size_t count, room;
        } array;
        struct {
            struct member *members;
            size_t count, room;
        } object;
    } u;
};

static TRK_TYPE_COUNTED(value_type, struct value, refs);

static struct value *new_value(enum value_kind kind, const void *caller)
{
    struct value *value = calloc(1, sizeof *value);
    if (value == NULL)
        abort();
    value->refs = 1;
    value->kind = kind;
    trk_new_from(value, &value_type, caller);
    return value;
}

struct value *value_new_null(void)
{
    return new_value(VALUE_NULL, TRK_CALLER);
}

struct value *value_new_bool(int truth)
{
    struct value *value = new_value(VALUE_BOOL, TRK_CALLER);
    value->u.number = truth != 0;
    return value;
}

struct value *value_new_number(double number)
{
    struct value *value = new_value(VALUE_NUMBER, TRK_CALLER);
    value->u.number = number;
    return value;
}

struct value *value_new_string(const char *text, size_t length)
{
    struct value *value = new_value(VALUE_STRING, TRK_CALLER);
    value->u.text = strndup(text, length);
    return value;
}

struct value *value_new_array(void)
{
    return new_value(VALUE_ARRAY, TRK_CALLER);
}

struct value *value_new_object(void)
{
    return new_value(VALUE_OBJECT, TRK_CALLER);
}

struct value *value_ref(struct value *value, const void *slot)
{
    value->refs++;
    trk_ref_rc_from(value, slot, value->refs, TRK_CALLER);
    return value;
}

static void destroy(struct value *value)
{
    switch (value->kind) {
    case VALUE_STRING:
        free(value->u.text);
        break;
    case VALUE_ARRAY:
        for (size_t i = 0; i < value->u.array.count; i++)
            value_unref(value->u.array.items[i], &value->u.array.items[i]);
        free(value->u.array.items);
        break;
    case VALUE_OBJECT:
        for (size_t i = 0; i < value->u.object.count; i++) {
            value_unref(value->u.object.members[i].item, &value->u.object.members[i].item);
            free(value->u.object.members[i].key);
        }
        free(value->u.object.members);
        break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_NUMBER:
        break;
    }
    trk_del(value);
    free(value);
}

void value_unref(struct value *value, const void *slot)
{
    if (value == NULL)
        return;
    int left = --value->refs;
    trk_unref_rc_from(value, slot, left, TRK_CALLER);
    if (left == 0)
        destroy(value);
}

enum value_kind value_kind(const struct value *value)
{
    return value->kind;
}

double value_number(const struct value *value)
{
    return value->u.number;
}

const char *value_string(const struct value *value)
{
    return value->u.text;
}

size_t value_count(const struct value *value)
{
    return value->kind == VALUE_ARRAY ? value->u.array.count : value->kind == VALUE_OBJECT ? value->u.object.count : 0;
}

void value_array_append(struct value *array, struct value *item)
{
    if (array->u.array.count == array->u.array.room) {
        array->u.array.room = array->u.array.room * 2 + 4;
        array->u.array.items = realloc(array->u.array.items, array->u.array.room * sizeof(struct value *));
        if (array->u.array.items == NULL)
            abort();
    }
    struct value **slot = &array->u.array.items[array->u.array.count++];
    *slot = value_ref(item, slot);
}

struct value *value_array_get(const struct value *array, size_t index)
{
    return index < array->u.array.count ? array->u.array.items[index] : NULL;
}

static struct member *find(const struct value *object, const char *key)
{
    for (size_t i = 0; i < object->u.object.count; i++) {
        if (strcmp(object->u.object.members[i].key, key) == 0)
            return &object->u.object.members[i];
    }
    return NULL;
}

void value_object_set(struct value *object, const char *key, struct value *item)
{
    struct member *member = find(object, key);
    if (member != NULL) {
        struct value *old = member->item;
        member->item = value_ref(item, &member->item);
        value_unref(old, &member->item);
        return;
    }
    if (object->u.object.count == object->u.object.room) {
        object->u.object.room = object->u.object.room * 2 + 4;
        object->u.object.members = realloc(object->u.object.members, object->u.object.room * sizeof(struct member));
        if (object->u.object.members == NULL)
            abort();
    }
    member = &object->u.object.members[object->u.object.count++];
    member->key = strdup(key);
    member->item = value_ref(item, &member->item);
}

struct value *value_object_get(const struct value *object, const char *key)
{
    const struct member *member = find(object, key);
    return member != NULL ? member->item : NULL;
}

void value_object_remove(struct value *object, const char *key)
{
    struct member *member = find(object, key);
    if (member == NULL)
        return;
    free(member->key);
    value_unref(member->item, &member->item);
    struct member *last = &object->u.object.members[--object->u.object.count];
    if (member != last) {
        *member = *last;
        trk_move(member->item, &member->item, &last->item); /* the last member fills the gap */
    }
}
