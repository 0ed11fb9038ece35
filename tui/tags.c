/* tags.c: rows that the user has tagged. See tags.h. */
#include "tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/str.h>

void tui_tags_deinit(struct tui_tags *tags)
{
    for (size_t i = 0; i < tags->list.count; i++)
        free(tags->list.items[i]);
    prof_vec_deinit(&tags->list);
}

/* The name of a tag of this table; NULL: it is of another one. */
static const char *name_in(const char *tag, const char *table)
{
    size_t length = strlen(table);
    return strncmp(tag, table, length) == 0 && tag[length] == '\n' ? tag + length + 1 : NULL;
}

static size_t find(const struct tui_tags *tags, const char *table, const char *name)
{
    size_t i = 0;
    for (; i < tags->list.count; i++) {
        const char *tagged = name_in(tags->list.items[i], table);
        if (tagged != NULL && strcmp(tagged, name) == 0)
            break;
    }
    return i;
}

bool tui_tags_has(const struct tui_tags *tags, const char *table, const char *name)
{
    return find(tags, table, name) < tags->list.count;
}

static void drop(struct tui_tags *tags, size_t i)
{
    free(tags->list.items[i]);
    memmove(tags->list.items + i, tags->list.items + i + 1, (--tags->list.count - i) * sizeof *tags->list.items);
}

bool tui_tags_toggle(struct tui_tags *tags, const char *table, const char *name)
{
    size_t i = find(tags, table, name);
    char *tag;
    if (i < tags->list.count) {
        drop(tags, i);
        return true;
    }
    if (i == TUI_TAGS_MOST || asprintf(&tag, "%s\n%s", table, name) < 0)
        return false;
    if (prof_vec_push(&tags->list, tag))
        return true;
    free(tag);
    return false;
}

void tui_tags_clear(struct tui_tags *tags, const char *table)
{
    for (size_t i = tags->list.count; i-- > 0;)
        if (name_in(tags->list.items[i], table) != NULL)
            drop(tags, i);
}

size_t tui_tags_count(const struct tui_tags *tags, const char *table)
{
    size_t count = 0;
    for (size_t i = 0; i < tags->list.count; i++)
        count += name_in(tags->list.items[i], table) != NULL;
    return count;
}

/* A name as a value: the language has no escapes, so one with both sorts of quotes is matched by a pattern. */
static void add_value(struct prof_str *text, const char *name)
{
    bool single = strchr(name, '\'') != NULL, both = single && strchr(name, '"') != NULL;
    prof_str_add(text, both ? "~'" : single ? "=\"" : "='");
    for (; *name != '\0'; name++)
        prof_str_addn(text, both && *name == '\'' ? "?" : name, 1);
    prof_str_add(text, single && !both ? "\"" : "'");
}

char *tui_tags_where(const struct tui_tags *tags, const char *table, const char *key, const char *where)
{
    struct prof_str text = { .text = NULL };
    size_t count = 0;
    if (where[0] != '\0')
        prof_str_addf(&text, "(%s) && ", where);
    prof_str_add(&text, "(");
    for (size_t i = 0; i < tags->list.count; i++) {
        const char *name = name_in(tags->list.items[i], table);
        if (name == NULL)
            continue;
        prof_str_addf(&text, "%s%s", count++ > 0 ? " || " : "", key);
        add_value(&text, name);
    }
    if (count == 0)
        prof_str_addf(&text, "%s='' && !%s=''", key, key); /* none */
    prof_str_add(&text, ")");
    return prof_str_take(&text);
}
