/* thousand: the same cycle a thousand times is one row.
 *
 * Each request makes a session and its user, and they own each other. What the row says is of all of them: how many,
 * their bytes, and what one change would free. */
#include "counted.h"

struct session {
    struct counted base;
    struct user *user;
    char state[200];
};
struct user {
    struct counted base;
    struct session *session;
    char name[40];
};
static TRK_TYPE_COUNTED(session_type, struct session, base.refs);
static TRK_TYPE_COUNTED(user_type, struct user, base.refs);

static void session_destroy(void *object)
{
    struct session *session = object;
    counted_unref(session->user, &session->user);
}

static void user_destroy(void *object)
{
    struct user *user = object;
    counted_unref(user->session, &user->session);
}

static void request(void)
{
    struct session *session;
    TRK_OWN(session, counted_new(sizeof *session, &session_type, session_destroy));
    TRK_OWN(session->user, counted_new(sizeof *session->user, &user_type, user_destroy));
    TRK_OWN(session->user->session, counted_ref(session)); /* closes the cycle */
    counted_unref(session, &session);
}

int main(void)
{
    for (int i = 0; i < 1000; i++)
        request();
    return 0;
}
