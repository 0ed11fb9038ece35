/* ask_client.c: finds the recorders of this user and asks them, see ask.h. */
#include "ask.h"
#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool wait_for(int fd, short events, uint64_t until_us)
{
    for (;;) {
        uint64_t now = rec_now_us();
        struct pollfd p = { .fd = fd, .events = events };
        int n = now < until_us ? poll(&p, 1, (int)((until_us - now) / 1000) + 1) : 0;
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

/* What a stranger could have sent is made safe to print and to open. */
static bool reply_is_good(struct ask_reply *reply, size_t bytes)
{
    if (bytes != sizeof *reply || reply->magic != ASK_REPLY_MAGIC || reply->version != ASK_VERSION)
        return false;
    reply->text[sizeof reply->text - 1] = '\0';
    reply->process.program[sizeof reply->process.program - 1] = '\0';
    reply->process.path[sizeof reply->process.path - 1] = '\0';
    return true;
}

bool ask_socket(const char *socket_path, const struct ask_request *request, struct ask_reply *ret)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    uint64_t until = rec_now_us() + (uint64_t)ASK_WAIT_MS * 1000;
    struct ucred who;
    socklen_t length = sizeof who;
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 && who.uid == geteuid() &&
              who.pid > 0 && /* a recorder that lives among other process ids means others than we do */

              send(fd, request, sizeof *request, MSG_NOSIGNAL) == (ssize_t)sizeof *request &&
              wait_for(fd, POLLIN, until);
    ssize_t n = ok ? recv(fd, ret, sizeof *ret, MSG_DONTWAIT) : -1;
    close(fd);
    return n > 0 && reply_is_good(ret, (size_t)n);
}

/* Calls each with the socket of every recorder until it returns false. */
static void each_recorder(bool (*each)(void *ctx, const char *socket), void *ctx)
{
    char places[REC_PLACES][REC_PLACE_BYTES];
    size_t count = rec_server_places(places);
    bool go_on = true;
    for (size_t i = 0; i < count && go_on; i++) {
        DIR *dir = opendir(places[i]);
        for (struct dirent *entry; go_on && dir != NULL && (entry = readdir(dir)) != NULL;) {
            char socket[sizeof(struct sockaddr_un)];
            struct stat st;
            if (!rec_server_is_folder(entry->d_name) ||
                fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode) ||
                st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
                (size_t)snprintf(socket, sizeof socket, "%s/%s/sock", places[i], entry->d_name) >= sizeof socket)
                continue;
            rec_server_clean(places[i], entry->d_name);
            go_on = each(ctx, socket);
        }
        if (dir != NULL)
            closedir(dir);
    }
}

static struct ask_request make_request(enum ask_what what, pid_t pid, const char *text)
{
    struct ask_request request = { .magic = ASK_MAGIC, .version = ASK_VERSION, .what = what, .pid = (uint32_t)pid };
    snprintf(request.text, sizeof request.text, "%s", text != NULL ? text : "");
    return request;
}

struct search {
    struct ask_request request;
    struct ask_reply *reply, scratch;
    bool found;
    size_t count;
};

static bool ask_one(void *ctx, const char *socket)
{
    struct search *search = ctx;
    if (ask_socket(socket, &search->request, &search->scratch) && search->scratch.status != ESRCH) {
        *search->reply = search->scratch;
        search->found = true;
    }
    return !search->found;
}

static bool ask_first(const struct ask_request *request, struct ask_reply *ret)
{
    struct search search = { .request = *request, .reply = ret };
    *ret = (struct ask_reply){ 0 };
    each_recorder(ask_one, &search);
    return search.found;
}

bool ask_process(enum ask_what what, pid_t pid, const char *text, struct ask_reply *ret)
{
    const struct ask_request request = make_request(what, pid, text);
    return ask_first(&request, ret);
}

bool ask_gc(pid_t pid, const struct ask_gc *gc, struct ask_reply *ret)
{
    struct ask_request request = make_request(ASK_GC, pid, NULL);
    request.gc = *gc;
    return ask_first(&request, ret);
}

static bool ask_every(void *ctx, const char *socket)
{
    struct search *search = ctx;
    if (!ask_socket(socket, &search->request, &search->scratch) || search->scratch.status == ESRCH)
        return true;
    if (!search->found || search->reply->status == 0)
        *search->reply = search->scratch;
    search->found = true;
    search->count += search->scratch.count;
    return true;
}

size_t ask_all(enum ask_what what, const char *text, struct ask_reply *ret)
{
    struct search search = { .request = make_request(what, 0, text), .reply = ret };
    *ret = (struct ask_reply){ 0 };
    each_recorder(ask_every, &search);
    return search.count;
}

struct listing {
    void (*each)(void *ctx, const struct ask_process *process);
    void *ctx;
};

static bool list_one(void *ctx, const char *socket)
{
    struct listing *listing = ctx;
    struct ask_request request = make_request(ASK_NEXT, 0, NULL);
    struct ask_reply reply;
    while (ask_socket(socket, &request, &reply) && reply.status == 0 && reply.process.pid > request.pid) {
        request.pid = reply.process.pid;
        listing->each(listing->ctx, &reply.process);
    }
    return true;
}

void ask_each(void (*each)(void *ctx, const struct ask_process *process), void *ctx)
{
    struct listing listing = { each, ctx };
    each_recorder(list_one, &listing);
}
