/* toolkit.c: the three lines that a code base begins with. */
#include "toolkit.h"

#include <stdlib.h>
#include <track/track.h>

static TRK_TYPE_COUNTED(conn_type, struct conn, refs);

struct conn *conn_new(int number)
{
    struct conn *conn = calloc(1, sizeof *conn);
    conn->refs = 1;
    conn->number = number;
    trk_new(conn, &conn_type);
    return conn;
}

struct conn *conn_ref(struct conn *conn)
{
    conn->refs++;
    trk_ref(conn, NULL);
    return conn;
}

int conn_unref(struct conn *conn)
{
    trk_unref(conn, NULL);
    int left = --conn->refs;
    if (left == 0) {
        trk_del(conn);
        free(conn);
    }
    return left;
}
