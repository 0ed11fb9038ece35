/* parse.c: text to values and back. Recursive descent, depth-limited. */
#include "value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <track/track.h>

enum { MAX_DEPTH = 64 };

struct parser {
    const char *at;
    int depth;
};

static struct value *parse_value(struct parser *p);

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static int eat(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return 0;
    p->at++;
    return 1;
}

static const char *parse_text(struct parser *p, size_t *ret_length)
{
    if (!eat(p, '"'))
        return NULL;
    const char *start = p->at;
    const char *end = strchr(start, '"'); /* no escapes: this is a sample */
    if (end == NULL)
        return NULL;
    p->at = end + 1;
    *ret_length = (size_t)(end - start);
    return start;
}

static struct value *parse_array(struct parser *p)
{
    struct value *array, *item;
    TRK_OWN(array, value_new_array());
    if (eat(p, ']'))
        goto done;
    do {
        TRK_OWN(item, parse_value(p));
        if (item == NULL)
            goto bad;
        value_array_append(array, item);
        value_unref(item, &item);
    } while (eat(p, ','));
    if (!eat(p, ']'))
        goto bad;
done:
    TRK_DISOWN(array);
    return array;
bad:
    value_unref(array, &array);
    return NULL;
}

static struct value *parse_object(struct parser *p)
{
    struct value *object, *item;
    TRK_OWN(object, value_new_object());
    if (eat(p, '}'))
        goto done;
    do {
        size_t length = 0;
        const char *text = parse_text(p, &length);
        if (text == NULL || !eat(p, ':'))
            goto bad;
        TRK_OWN(item, parse_value(p));
        if (item == NULL)
            goto bad;
        char *key = strndup(text, length);
        value_object_set(object, key, item);
        free(key);
        value_unref(item, &item);
    } while (eat(p, ','));
    if (!eat(p, '}'))
        goto bad;
done:
    TRK_DISOWN(object);
    return object;
bad:
    value_unref(object, &object);
    return NULL;
}

static struct value *parse_word(struct parser *p)
{
    if (strncmp(p->at, "null", 4) == 0) {
        p->at += 4;
        return value_new_null();
    }
    if (strncmp(p->at, "true", 4) == 0) {
        p->at += 4;
        return value_new_bool(1);
    }
    if (strncmp(p->at, "false", 5) == 0) {
        p->at += 5;
        return value_new_bool(0);
    }
    char *end;
    double number = strtod(p->at, &end);
    if (end == p->at)
        return NULL;
    p->at = end;
    return value_new_number(number);
}

static struct value *parse_value(struct parser *p)
{
    struct value *value = NULL;
    if (p->depth++ < MAX_DEPTH) {
        skip_space(p);
        if (*p->at == '"') {
            size_t length = 0;
            const char *text = parse_text(p, &length);
            value = text != NULL ? value_new_string(text, length) : NULL;
        } else if (eat(p, '[')) {
            value = parse_array(p);
        } else if (eat(p, '{')) {
            value = parse_object(p);
        } else {
            value = parse_word(p);
        }
    }
    p->depth--;
    return value;
}

struct value *value_parse(const char *text, const char **end)
{
    struct parser p = { text, 0 };
    struct value *value = parse_value(&p);
    skip_space(&p);
    *end = p.at;
    return value;
}

void value_print(const struct value *value, FILE *out)
{
    switch (value_kind(value)) {
    case VALUE_NULL:
        fputs("null", out);
        break;
    case VALUE_BOOL:
        fputs(value_number(value) != 0 ? "true" : "false", out);
        break;
    case VALUE_NUMBER:
        fprintf(out, "%g", value_number(value));
        break;
    case VALUE_STRING:
        fprintf(out, "\"%s\"", value_string(value));
        break;
    case VALUE_ARRAY:
        putc('[', out);
        for (size_t i = 0; i < value_count(value); i++) {
            fputs(i > 0 ? ", " : "", out);
            value_print(value_array_get(value, i), out);
        }
        putc(']', out);
        break;
    case VALUE_OBJECT:
        fprintf(out, "{%zu members}", value_count(value));
        break;
    }
}
