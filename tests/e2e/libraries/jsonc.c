/* jsonc.c: a program that uses json-c as it is installed, with one mistake; its argument says which. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const char *mistake;

static int is(const char *what)
{
    return strcmp(mistake, what) == 0;
}

static struct json_object *make_request(int number)
{
    struct json_object *request = json_object_new_object(), *tags = json_object_new_array();
    json_object_object_add(request, "number", json_object_new_int(number));
    json_object_array_add(tags, json_object_new_string("first"));
    json_object_array_add(tags, json_object_new_string("second"));
    json_object_object_add(request, "tags", tags);
    return request;
}

/* The error path of every seventh forgets what it took. */
static int check_request(struct json_object *request, int number)
{
    struct json_object *checked = json_object_get(request);
    if (is("leak") && number % 7 == 3)
        return -1;
    json_object_put(checked);
    return 0;
}

/* An element that is borrowed, taken, and not given back; it outlives its array. */
static int measure(struct json_object *request, int number)
{
    struct json_object *tag = json_object_get(json_object_array_get_idx(json_object_object_get(request, "tags"), 1));
    int length = json_object_get_string_len(tag);
    if (!is("element") || number % 3 != 1)
        json_object_put(tag);
    return length;
}

/* The array took the reference over; giving it back, too, is one too many, and the last one meets nothing. */
static void hand_over(int number)
{
    struct json_object *array = json_object_new_array(), *text = json_object_new_string("given away");
    struct json_object *kept = json_object_get(text);
    json_object_array_add(array, text);
    if (is("stolen") && number == 20)
        json_object_put(text);
    json_object_put(array);
    json_object_put(kept);
}

/* The request is in its own tags: the two hold each other. */
static void refer_to_itself(struct json_object *request, int number)
{
    if (is("ring") && number % 10 == 5)
        json_object_array_add(json_object_object_get(request, "tags"), json_object_get(request));
}

/* An element that is borrowed, and given back without having been taken. Whoever took it before is left with nothing.
 */
static void give_back_borrowed(int number)
{
    struct json_object *array = json_object_new_array(), *text = json_object_new_string("borrowed");
    struct json_object *kept = json_object_get(text);
    json_object_array_add(array, text);
    if (is("borrowed") && number == 20)
        json_object_put(json_object_array_get_idx(array, 0));
    json_object_put(array);
    json_object_put(kept);
}

static void finish(struct json_object *request)
{
    struct json_object *text = json_tokener_parse("{\"parsed\": [1, 2.5, null, true, \"text\"]}");
    json_object_put(text);
    json_object_put(request);
}

int main(int argc, char **argv)
{
    int sum = 0;
    mistake = argc > 1 ? argv[1] : "";
    for (int i = 0; i < 21; i++) {
        struct json_object *request = make_request(i);
        (void)check_request(request, i);
        sum += measure(request, i);
        refer_to_itself(request, i);
        give_back_borrowed(i);
        finish(request);
        hand_over(i);
    }
    printf("%d\n", sum);
    return 3;
}
