/* test_ask.c: what a recorder answers to other commands: good requests, half ones, foreign ones, and to other users. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "fixture.h"

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Sends bytes in one packet; false: closed without an answer. */
static bool exchange(struct recorder *rec, const void *bytes, size_t size, struct ask_reply *ret)
{
    int fd = connect_to(rec_socket(rec));
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    steps(rec, 3);
    ssize_t n = recv(fd, ret, sizeof *ret, MSG_DONTWAIT);
    close(fd);
    assert_true(n == 0 || n == (ssize_t)sizeof *ret || (n < 0 && errno == ECONNRESET));
    return n > 0;
}

static struct ask_request make(enum ask_what what, pid_t pid, const char *text)
{
    struct ask_request request = { .magic = ASK_MAGIC, .version = ASK_VERSION, .what = what, .pid = (uint32_t)pid };
    snprintf(request.text, sizeof request.text, "%s", text);
    return request;
}

static struct ask_reply ask(struct recorder *rec, enum ask_what what, pid_t pid, const char *text)
{
    struct ask_request request = make(what, pid, text);
    struct ask_reply reply;
    assert_true(exchange(rec, &request, sizeof request, &reply));
    assert_int_equal(reply.magic, ASK_REPLY_MAGIC);
    return reply;
}

static void test_requests(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    assert_int_equal(ask(rec, ASK_NEXT, 0, "").status, ESRCH);
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 4096);
    fake_put(&ring, slot_make(TRK_OP_THREAD, 0, 1, 5, 0));
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 0x1000, 0, 0));
    struct ask_reply reply = ask(rec, ASK_NEXT, 0, "");
    assert_int_equal(reply.status, 0);
    assert_int_equal(reply.process.pid, getpid());
    assert_int_equal(reply.process.recorder_pid, getpid());
    assert_int_equal(reply.process.path[0], '/');
    assert_int_equal(ask(rec, ASK_NEXT, getpid(), "").status, ESRCH);
    reply = ask(rec, ASK_FLUSH, getpid(), "");
    assert_int_equal(reply.process.records, 2);
    struct stat st;
    assert_int_equal(stat(reply.process.path, &st), 0);
    assert_int_equal(st.st_size, reply.process.bytes);
    assert_int_equal(ask(rec, ASK_FLUSH, 1, "").status, ESRCH);
    assert_int_equal(ask(rec, ASK_SNAPSHOT, getpid(), "").status, EINVAL);
    assert_int_equal(ask(rec, 99, getpid(), "").status, EINVAL);
    /* Behind the mark, its tick is newer; in front, older. */
    uint64_t before = fake.h->tick_us;
    assert_int_equal(ask(rec, ASK_MARK, getpid(), "warm").count, 1);
    uint64_t after = fake.h->tick_us;
    assert_int_equal(ask(rec, ASK_MARK, getpid(), "").status, EINVAL);
    assert_int_equal(ask(rec, ASK_MARK, 1, "x").status, ESRCH);
    assert_int_equal(ask(rec, ASK_MARK, 0, "all").count, 1);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    size_t count;
    struct trk_slot *slots = blocks_slots(&blocks, TRK_RING_RECORDER, &count);
    assert_int_equal(count, 8);
    assert_int_equal(slot_op(&slots[0]), TRK_OP_TICK);
    assert_true(slots[0].w1 >> TRK_ARG_SHIFT > before && slots[0].w1 >> TRK_ARG_SHIFT < after);
    assert_int_equal(slot_op(&slots[1]), TRK_OP_MARK);
    assert_true(slots[2].w1 >> 31 == 1);
    free(slots);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void test_stop(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    steps(rec, 2);
    assert_int_equal(ask(rec, ASK_STOP, getpid(), "").status, 0);
    assert_int_not_equal(fake.h->recorder_state, TRK_REC_RUNNING);
    assert_int_equal(rec_live(rec), 0);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    assert_int_equal(blocks_end(&blocks)->reason, TRK_END_STOPPED);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void test_hostile(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    struct ask_request request = make(ASK_MARK, getpid(), "m");
    struct ask_reply reply;
    unsigned char big[sizeof request + 100] = { 0 };
    /* Parts of a request, and more than one. */
    for (size_t size = 1; size < sizeof request; size += size < 40 ? 1 : 997) {
        bool answered = exchange(rec, &request, size, &reply);
        assert_int_equal(answered, size >= sizeof request.magic);
        if (answered)
            assert_int_equal(reply.status, EPROTO);
    }
    memcpy(big, &request, sizeof request);
    assert_true(exchange(rec, big, sizeof big, &reply));
    assert_int_equal(reply.status, EPROTO);
    request.version = 7;
    assert_true(exchange(rec, &request, sizeof request, &reply));
    assert_int_equal(reply.status, EPROTO);
    request = make(ASK_MARK, getpid(), "");
    memset(request.text, 'x', sizeof request.text); /* no end */
    assert_true(exchange(rec, &request, sizeof request, &reply));
    assert_int_equal(reply.status, EPROTO);
    request = make(ASK_FLUSH, -1, "");
    assert_true(exchange(rec, &request, sizeof request, &reply));
    assert_int_equal(reply.status, ESRCH);
    request.magic = 1;
    assert_false(exchange(rec, &request, sizeof request, &reply));
    /* Clients that leave before the answer. */
    for (int i = 0; i < 20; i++) {
        request = make(ASK_NEXT, 0, "");
        int fd = connect_to(rec_socket(rec));
        assert_int_equal(send(fd, &request, sizeof request, MSG_NOSIGNAL), sizeof request);
        close(fd);
    }
    steps(rec, 3);
    assert_int_equal(ask(rec, ASK_NEXT, 0, "").status, 0);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    assert_null(blocks_find(&blocks, TRK_BLOCK_EVENTS, 0)); /* nothing was marked */
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void test_other_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    char dir[108];
    snprintf(dir, sizeof dir, "%s", rec_socket(rec));
    *strrchr(dir, '/') = '\0';
    chmod(dir, 0777);
    chmod(rec_socket(rec), 0777);
    pid_t pid = fork();
    if (pid == 0) {
        struct ask_request request = make(ASK_MARK, 0, "intruder");
        struct ask_reply reply;
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        int fd = connect_to(rec_socket(rec));
        bool sent = fd >= 0 && send(fd, &request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request;
        _exit(sent && recv(fd, &reply, sizeof reply, 0) > 0 ? 1 : 0);
    }
    int status = -1;
    for (int i = 0; i < 1000 && waitpid(pid, &status, WNOHANG) == 0; i++)
        steps(rec, 1);
    assert_int_equal(status, 0);
    assert_int_equal(rec_refused(rec), 1);
    chmod(dir, 0700);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    assert_null(blocks_find(&blocks, TRK_BLOCK_EVENTS, 0));
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void *client(void *arg)
{
    struct ask_reply *reply = arg;
    if (!ask_process(ASK_MARK, getpid(), "found", reply))
        reply->status = -1;
    return NULL;
}

/* The client finds the recorder by its folder. */
static void test_client(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    steps(rec, 2);
    struct ask_reply reply = { .status = -2 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, client, &reply), 0);
    while (pthread_tryjoin_np(thread, NULL) != 0)
        steps(rec, 1);
    assert_int_equal(reply.status, 0);
    assert_int_equal(reply.process.pid, getpid());
    struct blocks blocks;
    finish(rec, 0, &blocks);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stop, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hostile, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_other_user, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_client, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
