/* value.h: a library of tagged values that are counted in macros and inline functions, as interpreters have them. */
#ifndef VALUE_H
#define VALUE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct value_head {
    int refs;
    int length;
};
/* An odd word is a number; an even one leads to a head, in front of the text. */
typedef struct value {
    uintptr_t word;
} value;

static inline int value_is_counted(value v)
{
    return (v.word & 1) == 0;
}

static inline struct value_head *value_head_of(value v)
{
    return (struct value_head *)v.word;
}

value value_number(int n);
value value_text(const char *text);
void value_delete(value v);

static inline value value_dup(value v)
{
    if (value_is_counted(v))
        value_head_of(v)->refs++;
    return v;
}

static inline void value_drop(value v)
{
    if (value_is_counted(v) && --value_head_of(v)->refs == 0)
        value_delete(v);
}

#ifdef __cplusplus
}
#endif

#endif
