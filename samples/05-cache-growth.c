/* 05-cache-growth: nothing is lost, and yet memory grows.
 *
 * Every request inserts its session into a global table and nothing ever evicts it. All sessions are reachable from
 * g_sessions: not a leak for any reachability checker. reftrack says "growing": how much was added between the marks,
 * which global holds it, and where it is put there. */
#include <stdlib.h>
#include <track/track.h>

enum { SLOTS = 64 };

struct session {
    int refs;
    char payload[1000];
    struct session *next;
};
static TRK_TYPE_COUNTED(session_type, struct session, refs);

static struct session *g_sessions[SLOTS];

TRK_WRAPPER static struct session *session_new(void)
{
    struct session *session = calloc(1, sizeof *session);
    session->refs = 1;
    trk_new_from(session, &session_type, TRK_CALLER);
    return session;
}

static void serve(int request)
{
    struct session **bucket = &g_sessions[request % SLOTS];
    struct session *session = session_new();
    session->next = *bucket;
    if (session->next != NULL)
        trk_move(session->next, &session->next, bucket); /* the bucket's reference moves into the new head */
    *bucket = session;
    trk_own(session, bucket);
}

int main(void)
{
    for (int i = 0; i < 100; i++)
        serve(i);
    trk_mark("warm");
    for (int i = 0; i < 1000; i++)
        serve(i);
    trk_mark("end");
    return 0;
}
