/* said.c: reading the documents of the workers. See said.h. */
#include "said.h"

#include <stdio.h>
#include <string.h>

#include <prof/view.h>

const char *tui_said(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

uint64_t tui_said_number(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

const char *tui_said_place(const json_t *at, char *buf, size_t size)
{
    const char *function = tui_said(at, "function"), *file = tui_said(at, "file"), *module = tui_said(at, "module");
    const char *base = strrchr(file, '/');
    base = base != NULL ? base + 1 : file;
    if (file[0] != '\0')
        snprintf(buf, size, "%s%s%s:%d", function, function[0] != '\0' ? " " : "", base,
                 (int)tui_said_number(at, "line"));
    else if (function[0] != '\0')
        snprintf(buf, size, "%s", function);
    else
        snprintf(buf, size, "%s+0x%llx", strrchr(module, '/') != NULL ? strrchr(module, '/') + 1 : module,
                 (unsigned long long)tui_said_number(at, "offset"));
    return buf;
}

const char *tui_said_moment(const json_t *object, const char *key, char *buf, size_t size)
{
    return prof_fmt_time(buf, size, (uint64_t)(json_number_value(json_object_get(object, key)) * 1e6 + 0.5));
}
