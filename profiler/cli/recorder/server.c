/* server.c: the private socket where programs announce themselves, and the handshake.
 *
 * A program sends struct trk_hello and gets struct trk_welcome with the arena attached; then the connection ends. Other
 * commands of this user ask on the same socket (ask.h).
 * Nothing here blocks: a connection that stays silent is closed after a while. */
#include "ask.h"
#include "private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAITING_MAX = 64, STALE_S = 60, FRAMES_BIRTH = TRK_STACK_MAX_FRAMES, FRAMES_REF = 8, FRAMES_FREE = 1 };

bool rec_server_is_folder(const char *name)
{
    return strncmp(name, "reftrack-", 9) == 0 && strlen(name) == 15;
}

void rec_server_clean(const char *place, const char *name)
{
    char dir[128];
    struct stat st;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if ((size_t)snprintf(dir, sizeof dir, "%s/%s", place, name) >= sizeof address.sun_path - 6 ||
        lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
        time(NULL) - st.st_mtime < STALE_S)
        return;
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s/sock", dir);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED) {
        unlink(address.sun_path);
        rmdir(dir);
    }
    close(fd);
}

static void clean_place(const char *place)
{
    DIR *dir = opendir(place);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (rec_server_is_folder(entry->d_name))
            rec_server_clean(place, entry->d_name);
    if (dir != NULL)
        closedir(dir);
}

size_t rec_server_places(char (*ret)[REC_PLACE_BYTES])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    size_t count = 0;
    /* sun_path holds 108 bytes. */
    if (runtime != NULL && runtime[0] == '/' && strlen(runtime) < REC_PLACE_BYTES && strchr(runtime, ':') == NULL)
        snprintf(ret[count++], REC_PLACE_BYTES, "%s", runtime);
    snprintf(ret[count++], REC_PLACE_BYTES, "/tmp");
    snprintf(ret[count++], REC_PLACE_BYTES, "/var/tmp");
    snprintf(ret[count++], REC_PLACE_BYTES, "/dev/shm"); /* often all that can be written in a container */
    /* Programs that were started without the session's environment differ from those that have it. */
    char session[REC_PLACE_BYTES];
    snprintf(session, sizeof session, "/run/user/%u", (unsigned)geteuid());
    if (strcmp(ret[0], session) != 0)
        memcpy(ret[count++], session, sizeof session);
    return count;
}

/* A fresh 0700 directory in the first place that takes one. */
static char *make_dir(void)
{
    char places[REC_PLACES][REC_PLACE_BYTES];
    size_t count = rec_server_places(places);
    for (size_t i = 0; i < count; i++) {
        char *name;
        if (asprintf(&name, "%s/reftrack-XXXXXX", places[i]) < 0)
            return NULL;
        if (mkdtemp(name) != NULL) {
            clean_place(places[i]);
            return name;
        }
        free(name);
    }
    return NULL;
}

struct prof_error *rec_server_open(struct recorder *rec)
{
    rec->dir = make_dir();
    if (rec->dir == NULL)
        return prof_error_os(errno, "create", "a private directory in XDG_RUNTIME_DIR or /tmp", "make /tmp writable");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", rec->dir);
    rec->socket = strdup(address.sun_path);
    if (rec->socket == NULL)
        return prof_error_memory();
    rec->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (rec->listen_fd < 0 || bind(rec->listen_fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(rec->listen_fd, WAITING_MAX) != 0)
        return prof_error_os(errno, "listen on", rec->socket, NULL);
    return NULL;
}

void rec_server_close(struct recorder *rec)
{
    for (size_t i = 0; i < rec->waiting.count; i++)
        close(rec->waiting.items[i].fd);
    prof_vec_deinit(&rec->waiting);
    if (rec->listen_fd >= 0)
        close(rec->listen_fd);
    rec->listen_fd = -1;
    if (rec->socket != NULL)
        unlink(rec->socket);
    if (rec->dir != NULL)
        rmdir(rec->dir);
    free(rec->socket);
    free(rec->dir);
    rec->socket = rec->dir = NULL;
}

void rec_server_serve(struct recorder *rec, int fd, pid_t pid)
{
    if (!prof_vec_push(&rec->waiting, (struct hello_wait){ fd, pid, rec_now_us() }))
        close(fd);
}

void rec_server_accept(struct recorder *rec)
{
    while (rec->waiting.count < WAITING_MAX) {
        int fd = accept4(rec->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                rec_problem_set(rec, prof_error_os(errno, "accept on", rec->socket, NULL));
            return;
        }
        struct ucred who;
        socklen_t length = sizeof who;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0 || who.uid != geteuid()) {
            rec->refused++;
            close(fd);
            continue;
        }
        rec_server_serve(rec, fd, who.pid);
    }
}

static uint16_t choose_depth(uint16_t option, uint16_t wish, uint16_t usual)
{
    uint16_t depth = option != 0 ? option : wish != 0 ? wish : usual;
    if (depth == TRK_WISH_NO_STACK)
        return 0;
    return depth > TRK_STACK_MAX_FRAMES ? TRK_STACK_MAX_FRAMES : depth;
}

/* Command line before the target's wish before the default. */
static struct arena_shape choose_shape(const struct rec_options *options, const struct trk_hello *hello)
{
    struct arena_shape shape = {
        .budget = options->budget != 0 ? options->budget : hello->wish_budget,
        .on_full = options->on_full != 0                                                    ? options->on_full - 1
                   : hello->wish_on_full != 0 && hello->wish_on_full <= TRK_FULL_FLIGHT + 1 ? hello->wish_on_full - 1
                                                                                            : TRK_FULL_BLOCK,
        .block_ms = options->block_ms != 0      ? options->block_ms - 1
                    : hello->wish_block_ms != 0 ? hello->wish_block_ms - 1
                                                : REC_BLOCK_MS,
        .depth_birth = choose_depth(options->depth_birth, hello->wish_birth, FRAMES_BIRTH),
        .depth_ref = choose_depth(options->depth_ref, hello->wish_ref, FRAMES_REF),
        .depth_free = choose_depth(options->depth_free, hello->wish_free, FRAMES_FREE),
        .flags = TRK_SHM_MMAP | (hello->flags & TRK_HELLO_HIGH ? TRK_SHM_HIGH : 0),
        .machine = hello->machine,
        .types = options->types,
        .modules = options->modules,
        .objects = options->objects,
    };
    if (!options->no_malloc)
        shape.flags |= TRK_SHM_MALLOC;
    if (!options->no_children && hello->follow != 1)
        shape.flags |= TRK_SHM_FOLLOW_CHILDREN;
    shape.flags |= options->no_memory ? TRK_SHM_NO_MEMORY : TRK_SHM_LOOKS;
    static const struct {
        unsigned look;
        uint32_t flag;
    } looks[] = { { REC_LOOK_EXIT, TRK_SHM_LOOK_EXIT },
                  { REC_LOOK_MARK, TRK_SHM_LOOK_MARK },
                  { REC_LOOK_SCOPE, TRK_SHM_LOOK_SCOPE } };
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (!options->no_memory && (options->looks & looks[i].look))
            shape.flags |= looks[i].flag;
    /* Only at the start of a program nobody runs the code that would be changed. */
    if (hello->flags & TRK_HELLO_PRELOAD && !(hello->flags & TRK_HELLO_WOKEN))
        shape.hooks = options->hooks;
    return shape;
}

/* Whether this recording has exact times, as a flag. By itself where calls of functions are hooked: these tell no
 * counts, so that only times say in which order threads made them. */
static uint32_t choose_clock(struct recorder *rec, const struct trk_hello *hello, bool hooks)
{
    enum { CHOOSE = 0, COARSE = 1 };
    uint32_t wish = rec->options.clock != CHOOSE ? rec->options.clock : hello->wish_clock;
    if (wish == COARSE || (wish == CHOOSE && !hooks))
        return 0;
    const char *why = cycles_unusable();
    char text[256];
    if (why == NULL)
        return wish == CHOOSE ? TRK_SHM_EXACT_HOOKED : TRK_SHM_EXACT_TIME;
    snprintf(text, sizeof text, "clock=tsc is not possible here (%s): events have coarse times", why);
    if (wish != CHOOSE)
        rec_note_set(rec, text);
    return 0;
}

static bool send_welcome(int fd, uint64_t bytes, int memfd)
{
    struct trk_welcome welcome = { .magic = TRK_WELCOME_MAGIC, .abi = TRK_SHM_ABI, .bytes = bytes };
    struct iovec iov = { &welcome, sizeof welcome };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .head = { 0 } };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (memfd >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &memfd, sizeof memfd);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof welcome;
}

static void answer(struct recorder *rec, const struct hello_wait *wait, const struct trk_hello *hello)
{
    const struct rec_options *options = &rec->options;
    if (hello->magic != TRK_HELLO_MAGIC || (options->no_children && options->root != 0 && wait->pid != options->root))
        return;
    if (hello->abi != TRK_SHM_ABI) {
        send_welcome(wait->fd, 0, -1);
        rec_problem_set(rec, prof_error_create(PROF_ERROR_FORMAT,
                                               "process %d carries another version of libtrack (protocol %u, this is "
                                               "%d) and is not recorded; rebuild it or use the matching reftrack",
                                               (int)wait->pid, hello->abi, TRK_SHM_ABI));
        return;
    }
    struct arena_shape shape = choose_shape(options, hello);
    shape.flags |= choose_clock(rec, hello, shape.hooks != NULL);
    struct arena *arena;
    struct prof_error *error = rec_arena_create(&shape, &arena);
    if (error != NULL) {
        send_welcome(wait->fd, 0, -1);
        rec_problem_set(rec, error);
        return;
    }
    arena->rec = rec;
    arena->image_pid = wait->pid;
    arena->ns_pid = (pid_t)hello->pid;
    arena->attached = hello->flags & TRK_HELLO_WOKEN;
    arena->image_pidfd = rec_pidfd(wait->pid);
    arena->image_maps_fd = rec_maps_fd(wait->pid);
    rec_facts_take(arena);
    if (!send_welcome(wait->fd, arena->bytes, arena->memfd)) {
        rec_arena_destroy(arena);
        return;
    }
    close(arena->memfd);
    arena->memfd = -1;
    rec_image_add(rec, arena);
}

void rec_server_poll(struct recorder *rec)
{
    uint64_t now = rec_now_us();
    size_t kept = 0;
    for (size_t i = 0; i < rec->waiting.count; i++) {
        struct hello_wait wait = rec->waiting.items[i];
        union {
            struct trk_hello hello;
            struct ask_request request;
        } packet;
        ssize_t n = recv(wait.fd, &packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR) && now - wait.since_us < REC_HELLO_US) {
            rec->waiting.items[kept++] = wait;
            continue;
        }
        if (n == (ssize_t)sizeof packet.hello)
            answer(rec, &wait, &packet.hello);
        else if (n > 0 && wait.pid > 0 && rec_ask_is(&packet, (size_t)n)) /* 0: its process ids are not ours */
            rec_ask_answer(rec, wait.fd, &packet, (size_t)n);
        close(wait.fd);
    }
    rec->waiting.count = kept;
}
