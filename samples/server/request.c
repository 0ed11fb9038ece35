/* request.c: what clients ask for. */
#include "server.h"

enum { UPLOAD_MOST = 1000, AUDIT_AFTER = 1000000 };

void request_page(int user, int page)
{
    struct session *session;
    struct reply *reply;
    if (g_sessions[user] == NULL)
        return;
    hold(&session, g_sessions[user]);
    cache_get(&reply, page);
    session->requests++;
    session->buffer[0] = reply->body[0];
    drop(&reply);
    drop(&session);
}

void request_upload(int user, int bytes)
{
    struct session *session;
    if (g_sessions[user] == NULL)
        return;
    hold(&session, g_sessions[user]);
    session->requests++;
    if (bytes > UPLOAD_MOST)
        return; /* the mistake: refused, and the session is not dropped */
    session->buffer[bytes % sizeof session->buffer]++;
    drop(&session);
}

static void write_audit(struct timer *timer)
{
    timer->session->buffer[0] = 'a';
}

/* The mistake: it is written long after the user has left, and has the session wait for it. */
void request_audit(int user)
{
    if (g_sessions[user] != NULL)
        timer_start(AUDIT_AFTER, write_audit, g_sessions[user]);
}
