/* value.h: a small reference-counted JSON library, instrumented with slots throughout.
 *
 * It shows how a code base of ordinary size adopts reftrack: one type, one ref and one unref wrapper, an owner for
 * every stored reference, and no word about memory that realloc moves (the engine sees that itself).
 *
 * Ownership. value_new_*, value_parse and value_ref return a reference that the caller owns. value_array_append and
 * value_object_set take their own reference. value_array_get and value_object_get lend: no reference changes hands. */
#ifndef SAMPLE_VALUE_H
#define SAMPLE_VALUE_H

#include <stddef.h>
#include <stdio.h>

enum value_kind { VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_STRING, VALUE_ARRAY, VALUE_OBJECT };

struct value;

struct value *value_new_null(void);
struct value *value_new_bool(int truth);
struct value *value_new_number(double number);
struct value *value_new_string(const char *text, size_t length);
struct value *value_new_array(void);
struct value *value_new_object(void);

/* slot: the variable that owns the reference, or NULL. value_unref does nothing for NULL values. */
struct value *value_ref(struct value *value, const void *slot);
void value_unref(struct value *value, const void *slot);

enum value_kind value_kind(const struct value *value);
double value_number(const struct value *value);
const char *value_string(const struct value *value);

void value_array_append(struct value *array, struct value *item);
struct value *value_array_get(const struct value *array, size_t index);
size_t value_count(const struct value *value); /* items of an array, members of an object */

void value_object_set(struct value *object, const char *key, struct value *item);
struct value *value_object_get(const struct value *object, const char *key);
void value_object_remove(struct value *object, const char *key);

/* NULL for bad text; *end is where parsing stopped. */
struct value *value_parse(const char *text, const char **end);
void value_print(const struct value *value, FILE *out);

#endif
