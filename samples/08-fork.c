/* 08-fork: parent and child are recorded apart.
 *
 * The child inherits the parent's objects, and loses one of its own. `reftrack run` writes one trace per process and
 * one summary over both: the parent is clean, the child leaks a message. */
#include <stdlib.h>
#include <sys/wait.h>
#include <track/track.h>
#include <unistd.h>

struct message {
    int refs;
};
static TRK_TYPE_COUNTED(message_type, struct message, refs);

TRK_WRAPPER static struct message *message_new(void)
{
    struct message *message = calloc(1, sizeof *message);
    message->refs = 1;
    trk_new_from(message, &message_type, TRK_CALLER);
    return message;
}

TRK_WRAPPER static void message_unref(struct message *message, const void *slot)
{
    trk_unref_from(message, slot, TRK_CALLER);
    if (--message->refs == 0) {
        trk_del_from(message, TRK_CALLER);
        free(message);
    }
}

static void child(struct message *inherited)
{
    struct message *reply;
    TRK_OWN(reply, message_new()); /* never released */
    message_unref(inherited, NULL);
    exit(reply->refs - 1);
}

int main(void)
{
    struct message *request;
    TRK_OWN(request, message_new());
    pid_t pid = fork();
    if (pid == 0)
        child(request);
    int status = 1;
    waitpid(pid, &status, 0);
    message_unref(request, &request);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
