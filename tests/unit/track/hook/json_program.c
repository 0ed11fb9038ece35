/* A program of json-c's, by its ABI (no headers needed): parses, builds, shares, prints. */
#include <stdio.h>
#include <stdlib.h>

struct json_object;
struct json_object *json_tokener_parse(const char *text);
struct json_object *json_object_get(struct json_object *obj);
int json_object_put(struct json_object *obj);
struct json_object *json_object_new_object(void);
struct json_object *json_object_new_array(void);
struct json_object *json_object_new_int(int n);
struct json_object *json_object_new_string(const char *text);
struct json_object *json_object_new_double(double d);
int json_object_object_add(struct json_object *obj, const char *key, struct json_object *value);
int json_object_array_add(struct json_object *array, struct json_object *value);
const char *json_object_to_json_string(struct json_object *obj);

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    unsigned long length = 0;
    for (int i = 0; i < rounds; i++) {
        struct json_object *root = json_object_new_object(), *list = json_object_new_array();
        struct json_object *shared = json_object_new_string("shared");
        for (int k = 0; k < 10; k++) {
            json_object_array_add(list, json_object_get(shared));
            json_object_array_add(list, json_object_new_int(k * i));
            json_object_array_add(list, json_object_new_double(k * 0.5));
        }
        json_object_object_add(root, "list", list);
        json_object_object_add(root, "parsed", json_tokener_parse("{\"a\": [1, 2.5, {\"b\": null}], \"c\": \"text\"}"));
        const char *text = json_object_to_json_string(root);
        for (; *text; text++)
            length = length * 31 + (unsigned char)*text;
        json_object_put(shared);
        json_object_put(root);
    }
    printf("%lx\n", length);
    return 0;
}
