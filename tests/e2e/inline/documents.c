/* documents.c: a program that keeps documents in jansson, with one mistake. Its argument says which; it is compiled
 * twice, with track/adapt/jansson.h and as it is. C and C++. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct session {
    json_t *request;
    json_t *user;
};

static int leaks, elements, twice;

static json_t *make_request(int number)
{
    json_t *request = json_object(), *tags = json_array();
    json_object_set_new(request, "number", json_integer(number));
    json_array_append_new(tags, json_string("first"));
    json_array_append_new(tags, json_string("second"));
    json_object_set_new(request, "tags", tags);
    return request;
}

/* The error path of every seventh forgets what it took. */
static int check_request(json_t *request, int number)
{
    json_t *checked = json_incref(request);
    if (leaks && number % 7 == 3)
        return -1;
    json_decref(checked);
    return 0;
}

/* An element that is borrowed, taken, and not given back. */
static size_t measure(json_t *request)
{
    json_t *tag = json_incref(json_array_get(json_object_get(request, "tags"), 1));
    size_t length = strlen(json_string_value(tag));
    if (!elements)
        json_decref(tag);
    return length;
}

static size_t serve(struct session *session, int number)
{
    size_t length;
    session->request = make_request(number);
    session->user = json_string("nobody");
    json_object_set(session->request, "user", session->user);
    (void)check_request(session->request, number);
    length = measure(session->request);
    json_decref(session->user);
    json_decref(session->request);
    if (twice && number == 5) {
        json_t *token = json_integer(number);
        json_decref(token);
        json_decref(token);
    }
    return length;
}

int main(int argc, char **argv)
{
    struct session session;
    size_t sum = 0;
    leaks = argc > 1 && strcmp(argv[1], "leak") == 0;
    elements = argc > 1 && strcmp(argv[1], "element") == 0;
    twice = argc > 1 && strcmp(argv[1], "twice") == 0;
    for (int i = 0; i < 21; i++)
        sum += serve(&session, i);
    printf("%zu\n", sum);
    return 3;
}
