/* values.c: a program on libjq as it is installed, with one mistake; its argument says which. Values are passed as they
 * are, in two registers. */
#include <stdio.h>
#include <string.h>

/* What jv.h of libjq-dev says; that package is not needed. */
typedef struct {
    unsigned char kind_flags, pad;
    unsigned short offset;
    int size;
    union {
        void *ptr;
        double number;
    } u;
} jv;
jv jv_copy(jv);
void jv_free(jv);
jv jv_string(const char *);
const char *jv_string_value(jv);
jv jv_array(void);
jv jv_array_append(jv, jv);
jv jv_array_get(jv, int);
int jv_array_length(jv);
jv jv_object(void);
jv jv_object_set(jv, jv, jv);
jv jv_number(double);

static const char *mistake;

static int is(const char *what)
{
    return strcmp(mistake, what) == 0;
}

static jv make_request(int number)
{
    jv request = jv_object(), tags = jv_array();
    tags = jv_array_append(tags, jv_string("first"));
    tags = jv_array_append(tags, jv_string("second"));
    request = jv_object_set(request, jv_string("number"), jv_number(number));
    return jv_object_set(request, jv_string("tags"), tags);
}

/* The error path of every seventh forgets what it took. */
static int check_request(jv request, int number)
{
    jv checked = jv_copy(request);
    if (is("leak") && number % 7 == 3)
        return -1;
    jv_free(checked);
    return 0;
}

/* A function that consumes its argument got a copy; the copy of the element is not given back. */
static size_t measure(jv tags, int number)
{
    jv tag = jv_array_get(jv_copy(tags), 1);
    size_t length = strlen(jv_string_value(tag));
    if (!is("element") || number % 3 != 1)
        jv_free(tag);
    return length;
}

/* The array consumed the text; giving it back, too, is one too many, and the last one meets nothing. */
static void hand_over(int number)
{
    jv text = jv_string("given away"), kept = jv_copy(text), array = jv_array_append(jv_array(), text);
    if (is("extra") && number == 20)
        jv_free(text);
    jv_free(array);
    jv_free(kept);
}

int main(int argc, char **argv)
{
    size_t sum = 0;
    mistake = argc > 1 ? argv[1] : "";
    for (int i = 0; i < 21; i++) {
        jv request = make_request(i),
           tags = jv_array_append(jv_array_append(jv_array(), jv_string("a")), jv_string("bb"));
        (void)check_request(request, i);
        sum += measure(tags, i);
        jv_free(tags);
        jv_free(request);
        hand_over(i);
    }
    printf("%zu\n", sum);
    return 3;
}
