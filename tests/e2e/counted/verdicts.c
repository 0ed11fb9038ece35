/* What the object's own count says beside the events: `verdicts NAME`. counted.py knows what should be said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <track/track.h>

struct conn {
    long id;
    int refs;
    struct conn *peer;
};
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
static struct conn *volatile g_borrowed;

static TRK_WRAPPER struct conn *conn_new(void)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        abort();
    conn->refs = 1;
    trk_new(conn, &conn_type);
    return conn;
}

static TRK_WRAPPER struct conn *conn_ref(struct conn *conn)
{
    conn->refs++;
    trk_ref(conn, NULL);
    return conn;
}

static __attribute__((noinline)) void wipe(void)
{
    volatile char room[16384];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}

/* Each in a frame of its own, which is gone at the end. */
static __attribute__((noinline)) void run(const char *name)
{
    struct conn *conn = conn_new();
    if (strcmp(name, "agrees") == 0) {
        conn_ref(conn);
    } else if (strcmp(name, "more") == 0) {
        conn->refs += 2; /* by code that tells nothing */
    } else if (strcmp(name, "less") == 0) {
        conn_ref(conn);
        conn->refs--;
    } else if (strcmp(name, "zero") == 0) {
        conn->refs = 0; /* given back without telling, and not freed */
    } else if (strcmp(name, "held") == 0) {
        g_borrowed = conn_ref(conn); /* the second one was told, but not counted */
        conn->refs--;
    } else if (strncmp(name, "twice", 5) == 0) {
        struct conn *other = conn_new();
        other->peer = conn_ref(conn);
        if (strcmp(name, "twice-changed") != 0)
            conn->peer = other;
        else
            g_borrowed = other;
        conn->refs--;
        trk_unref(conn, NULL);
        if (strcmp(name, "twice-once") != 0) {
            wipe();
            trk_checkpoint("ring");
        }
        conn->peer = other; /* one that lives on in nobody's hands */
        g_borrowed = NULL;
    } else if (strncmp(name, "ring", 4) == 0) {
        struct conn *other = conn_new();
        conn->peer = other;
        other->peer = conn;
        trk_own(other, &conn->peer);
        trk_own(conn, &other->peer);
        if (strcmp(name, "ring-borrowed") == 0)
            g_borrowed = other;
        if (strcmp(name, "ring-more") == 0)
            conn->refs++;
    }
}

int main(int argc, char **argv)
{
    run(argc > 1 ? argv[1] : "");
    wipe();
    return 0;
}
