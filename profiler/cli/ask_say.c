/* ask_say.c: asking recorders for something, and saying what became of it. */
#include "ask_say.h"

#include <string.h>

static const char *why(const struct ask_reply *reply)
{
    return reply->text[0] != '\0' ? reply->text : strerror(reply->status);
}

int cli_ask_all(const struct cli_ask *ask, const struct cli_common *common)
{
    struct ask_reply reply;
    size_t count = ask_all(ask->what, ask->text, &reply);
    if (reply.status != 0)
        cli_warn("%s", why(&reply));
    if (count == 0 && reply.status == 0)
        cli_warn("nothing is being recorded; 'reftrack run -- PROGRAM' records a program");
    else if (count > 0 && !common->quiet)
        cli_warn("%s %zu process%s", ask->done, count, count == 1 ? "" : "es");
    return count != 0 && reply.status == 0 ? CLI_OK : CLI_UNREADABLE;
}

int cli_ask_one(const struct cli_ask *ask, uint64_t pid, struct ask_reply *ret)
{
    return cli_ask_gc(ask, pid, NULL, ret);
}

int cli_ask_gc(const struct cli_ask *ask, uint64_t pid, const struct ask_gc *gc, struct ask_reply *ret)
{
    if (pid == 0 || pid > INT32_MAX)
        return cli_usage(ask->command, "'%llu' is not a process id", (unsigned long long)pid);
    if (gc != NULL ? !ask_gc((pid_t)pid, gc, ret) : !ask_process(ask->what, (pid_t)pid, ask->text, ret)) {
        cli_not_recorded(pid);
        return CLI_UNREADABLE;
    }
    if (ret->status != 0) {
        cli_warn("process %llu was not %s: %s", (unsigned long long)pid, ask->done, why(ret));
        return CLI_UNREADABLE;
    }
    return CLI_OK;
}
