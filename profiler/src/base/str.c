/* str.c: a growing string, and interning in a uthash table. */
#include <base/str.h>
#include <base/table.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void prof_str_deinit(struct prof_str *str)
{
    free(str->text);
    *str = (struct prof_str){ 0 };
}

void prof_str_addn(struct prof_str *str, const char *bytes, size_t length)
{
    if (str->failed)
        return;
    if (str->room - str->length <= length) {
        size_t room = str->room * 2 + length + 64;
        char *text = realloc(str->text, room);
        if (text == NULL) {
            str->failed = true;
            return;
        }
        str->text = text;
        str->room = room;
    }
    if (length != 0)
        memcpy(str->text + str->length, bytes, length);
    str->length += length;
    str->text[str->length] = '\0';
}

void prof_str_add(struct prof_str *str, const char *text)
{
    prof_str_addn(str, text, strlen(text));
}

void prof_str_addf(struct prof_str *str, const char *format, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length < 0) {
        str->failed = true;
    } else if ((size_t)length < sizeof small) {
        prof_str_addn(str, small, (size_t)length);
    } else {
        char *large = malloc((size_t)length + 1);
        if (large == NULL) {
            str->failed = true;
        } else {
            vsnprintf(large, (size_t)length + 1, format, again);
            prof_str_addn(str, large, (size_t)length);
            free(large);
        }
    }
    va_end(again);
}

char *prof_str_take(struct prof_str *str)
{
    prof_str_addn(str, "", 0);
    char *text = str->text;
    if (str->failed) {
        free(text);
        text = NULL;
    }
    *str = (struct prof_str){ 0 };
    return text;
}

struct prof_intern_entry {
    UT_hash_handle hh;
    char text[];
};

const char *prof_intern(struct prof_intern *intern, const char *bytes, size_t length)
{
    struct prof_intern_entry *entry;
    HASH_FIND(hh, intern->table, bytes, length, entry);
    if (entry != NULL)
        return entry->text;
    entry = calloc(1, sizeof *entry + length + 1);
    if (entry == NULL)
        return NULL;
    memcpy(entry->text, bytes, length);
    HASH_ADD_KEYPTR(hh, intern->table, entry->text, length, entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return NULL;
    }
    return entry->text;
}

void prof_intern_deinit(struct prof_intern *intern)
{
    struct prof_intern_entry *entry = intern->table, *next;
    HASH_CLEAR(hh, intern->table); // the entries stay linked
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        free(entry);
    }
}
