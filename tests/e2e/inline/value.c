/* value.c: see value.h. Knows nothing of reftrack. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

value value_number(int n)
{
    value v = { (uintptr_t)(unsigned)n << 1 | 1 };
    return v;
}

value value_text(const char *text)
{
    size_t length = strlen(text);
    struct value_head *head = malloc(sizeof *head + length + 1);
    value v = { 1 };
    if (head == NULL)
        return v;
    head->refs = 1;
    head->length = (int)length;
    memcpy(head + 1, text, length + 1);
    v.word = (uintptr_t)head;
    return v;
}

void value_delete(value v)
{
    free(value_head_of(v));
}
