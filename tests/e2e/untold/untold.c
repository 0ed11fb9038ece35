/* untold.c: a program that uses connections of a toolkit and a plugin that loses some of them. */
#include "toolkit.h"

#include <stdlib.h>

struct session {
    struct conn *conn;
    struct conn *spare;
};

static int session_run(struct session *session)
{
    int number = session->conn->number;
    number += plugin_show(session->conn);
    number += conn_unref(session->spare);
    number += conn_unref(session->conn);
    return number;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 3, sum = 0;
    for (int i = 0; i < count; i++) {
        struct session session;
        session.conn = conn_new(i);
        session.spare = session.conn;
        conn_ref(session.conn);
        sum += session_run(&session);
    }
    return sum < 0;
}
