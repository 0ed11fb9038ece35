/* session.c: who is logged in. */
#include "server.h"

static TRK_TYPE_COUNTED(session_type, struct session, base.refs);
struct session *g_sessions[USERS];
enum { IDLE = 400 };

static void session_end(void *object)
{
    struct session *session = object;
    drop(&session->config);
}

static void idle_too_long(struct timer *timer)
{
    timer->session->idle = NULL;
    logout(timer->session->user);
}

void login(int user)
{
    struct session **place = &g_sessions[user];
    if (*place != NULL)
        return;
    object_new(place, sizeof **place, &session_type, session_end);
    (*place)->user = user;
    hold(&(*place)->config, g_config);
    (*place)->idle = timer_start(IDLE, idle_too_long, *place);
}

void logout(int user)
{
    struct session *session = g_sessions[user];
    if (session == NULL)
        return;
    if (session->idle != NULL)
        timer_stop(session->idle);
    drop(&g_sessions[user]);
}
