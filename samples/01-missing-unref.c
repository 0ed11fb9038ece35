/* 01-missing-unref: an error path returns without giving its reference back.
 *
 * Eight connections are handled. Requests 3 and 7 are malformed: handle() leaves early and forgets the release.
 * Valgrind and LeakSanitizer name the line that allocated the connection. reftrack names the line that took the
 * reference which is still open. */
#include <stdlib.h>
#include <track/track.h>

struct conn {
    int refs;
    int number;
};
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);

static struct conn *conn_new(int number)
{
    struct conn *conn = calloc(1, sizeof *conn);
    conn->refs = 1;
    conn->number = number;
    trk_new(conn, &conn_type);
    return conn;
}

TRK_WRAPPER static void conn_unref(struct conn *conn, const void *slot)
{
    trk_unref_from(conn, slot, TRK_CALLER);
    if (--conn->refs == 0) {
        trk_del_from(conn, TRK_CALLER);
        free(conn);
    }
}

static int malformed(const struct conn *conn)
{
    return conn->number % 4 == 3;
}

static int handle(struct conn *conn)
{
    struct conn *mine = conn;
    mine->refs++;
    trk_ref(mine, &mine);

    if (malformed(mine))
        return -1; /* the missing conn_unref(mine, &mine) */

    conn_unref(mine, &mine);
    return 0;
}

int main(void)
{
    for (int i = 0; i < 8; i++) {
        struct conn *conn;
        TRK_OWN(conn, conn_new(i));
        handle(conn);
        conn_unref(conn, &conn);
    }
    return 0;
}
