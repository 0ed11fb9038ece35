/* test_recorder.c: the recorder against targets that are played by hand: the handshake, whole and torn rings,
 * definitions, full disks, and garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cycles.h"
#include "fixture.h"

/* ---- Handshake -------------------------------------------------------------------------------------------------- */

static void check_layout(const struct fake *fake)
{
    struct trk_shm_header *h = fake->h;
    assert_int_equal(h->magic, TRK_SHM_MAGIC);
    assert_int_equal(h->bytes, fake->bytes);
    assert_int_equal(h->recorder_state, TRK_REC_RUNNING);
    assert_int_equal(h->recorder_pid, getpid());
    assert_true(h->ring_count >= 4 && h->ring_count <= TRK_RING_MAX);
    assert_true((h->depot_hash_count & (h->depot_hash_count - 1)) == 0 && h->depot_hash_count > 0);
    assert_true((h->text_hash_count & (h->text_hash_count - 1)) == 0 && h->text_hash_count > 0);
    struct {
        uint64_t off, bytes;
    } parts[8] = { { 0, sizeof *h },
                   { h->procs_off, sizeof(struct trk_shm_proc) * TRK_PROC_MAX },
                   { h->rings_off, sizeof(struct trk_shm_ring) * h->ring_count },
                   { h->types_off, sizeof(uint32_t) * TRK_TYPE_MAX },
                   { h->depot_hash_off, 4 * h->depot_hash_count },
                   { h->text_hash_off, 4 * h->text_hash_count },
                   { h->depot_off, h->depot_bytes },
                   { h->text_off, h->text_bytes } };
    uint64_t end = 0;
    for (int i = 0; i < 8; i++) {
        assert_true(parts[i].off >= end);
        end = parts[i].off + parts[i].bytes;
    }
    for (uint32_t i = 0; i < h->ring_count; i++) {
        assert_true(fake->rings[i].data_off >= end);
        assert_int_equal(fake->rings[i].data_off % 4096, 0);
        end = fake->rings[i].data_off + ((uint64_t)TRK_SLOT_BYTES << fake->rings[i].log2_slots);
    }
    assert_true(end <= h->bytes);
    assert_int_equal(h->data_off, fake->rings[0].data_off);
}

static void test_layout(void **state)
{
    (void)state;
    static const uint64_t budgets[] = { 0, 1 << 20, 3 << 20, 16 << 20, 64 << 20, 256 << 20, 1ull << 30 };
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        struct recorder *rec = start_recorder(&(struct rec_options){ .budget = budgets[i] });
        struct fake fake = join_recorder(rec);
        check_layout(&fake);
        uint64_t budget = budgets[i] != 0 ? budgets[i] : 64 << 20;
        assert_true(fake.bytes <= budget + budget / 4 + (2 << 20));
        if (budgets[i] == 0) {
            assert_int_equal(fake.rings[0].log2_slots, 19); /* 8 MiB */
            assert_int_equal(fake.h->ring_count, 2 + 4 + 16 + 64 + 256);
            assert_int_equal(fake.h->depth_birth, 64);
            assert_int_equal(fake.h->depth_ref, 8);
            assert_int_equal(fake.h->depth_free, 1);
        }
        rec_destroy(rec);
        assert_int_equal(fake.h->recorder_state, TRK_REC_LEFT);
        fake_unmap(&fake);
    }
}

static void test_wishes(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(&(struct rec_options){ .depth_ref = 3 });
    struct trk_hello hello = make_hello();
    hello.wish_birth = 20;
    hello.wish_ref = 20;
    hello.wish_on_full = TRK_FULL_DROP + 1;
    hello.wish_block_ms = 1 + 5;
    hello.wish_budget = 2 << 20;
    hello.follow = 1;
    int fd = fake_hello(rec_socket(rec), &hello);
    steps(rec, 2);
    struct fake fake;
    assert_true(fake_welcome(fd, &fake));
    assert_int_equal(fake.h->depth_birth, 20);
    assert_int_equal(fake.h->depth_ref, 3); /* the command line goes first */
    assert_int_equal(fake.h->on_full, TRK_FULL_DROP);
    assert_int_equal(fake.h->block_ms, 5);
    assert_int_equal(fake.h->flags & TRK_SHM_FOLLOW_CHILDREN, 0);
    assert_true(fake.bytes < 4 << 20);
    fake_unmap(&fake);
    rec_destroy(rec);
}

/* A program of another machine, with more bits of addresses. */
static void test_high_addresses(void **state)
{
    (void)state;
    for (int high = 0; high < 2; high++) {
        struct recorder *rec = start_recorder(NULL);
        struct trk_hello hello = make_hello();
        hello.machine = high ? 183 : 0;
        hello.flags |= high ? TRK_HELLO_HIGH : 0;
        int fd = fake_hello(rec_socket(rec), &hello);
        steps(rec, 2);
        struct fake fake;
        assert_true(fake_welcome(fd, &fake));
        assert_int_equal((fake.h->flags & TRK_SHM_HIGH) != 0, high);
        assert_int_equal(fake.h->machine, hello.machine);
        fake_claim_proc(&fake, 0, 0);
        steps(rec, 2);
        struct blocks blocks;
        finish(rec, 0, &blocks);
        assert_int_equal(blocks.header.flags, high ? TRK_FILE_HIGH : 0);
        assert_int_equal(blocks.header.machine == 183, high);
        blocks_free(&blocks);
        fake_unmap(&fake);
        fixture_teardown(NULL);
        mkdir(fixture_folder, 0700);
    }
}

static void test_bad_hellos(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct trk_hello hello = make_hello();
    struct fake fake;
    hello.abi = 999;
    int fd = fake_hello(rec_socket(rec), &hello);
    steps(rec, 2);
    assert_false(fake_welcome(fd, &fake));
    assert_non_null(strstr(rec_problem(rec), "version"));
    hello.magic = 1;
    fd = fake_hello(rec_socket(rec), &hello);
    steps(rec, 2);
    assert_false(fake_welcome(fd, &fake));
    /* Too short, and nothing at all. */
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", rec_socket(rec));
    for (int i = 0; i < 2; i++) {
        fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        if (i == 0)
            assert_int_equal(send(fd, "x", 1, 0), 1);
        else
            shutdown(fd, SHUT_WR);
        steps(rec, 2);
        assert_false(fake_welcome(fd, &fake));
    }
    assert_int_equal(rec_live(rec), 0);
    const struct rec_result *const *results;
    assert_int_equal(rec_results(rec, &results), 0);
    rec_destroy(rec);
}

static void test_private_socket(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    char dir[108];
    struct stat st;
    snprintf(dir, sizeof dir, "%s", rec_socket(rec));
    *strrchr(dir, '/') = '\0';
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    if (geteuid() == 0) {
        /* Even with the fixture_folder open, another user is refused. */
        chmod(dir, 0777);
        chmod(rec_socket(rec), 0777);
        pid_t pid = fork();
        if (pid == 0) {
            struct trk_hello hello = make_hello();
            struct fake fake;
            if (setresuid(65534, 65534, 65534) != 0)
                _exit(3);
            int fd = fake_hello(rec_socket(rec), &hello);
            _exit(fd >= 0 && fake_welcome(fd, &fake) ? 1 : 0);
        }
        int status = -1;
        while (waitpid(pid, &status, WNOHANG) == 0)
            steps(rec, 1);
        assert_int_equal(status, 0);
        assert_int_equal(rec_refused(rec), 1);
    }
    rec_destroy(rec);
    assert_int_not_equal(stat(dir, &st), 0);
}

/* ---- Rings --------------------------------------------------------------------------------------------------------
 */

/* The EXT_TIME values of the events at this address, in order; other extensions of time must not be there. */
static size_t times_of(const struct blocks *blocks, uint32_t ring, uint64_t addr, uint64_t *ret, size_t most)
{
    size_t count, n = 0;
    bool mine = false;
    struct trk_slot *slots = blocks_slots(blocks, ring, &count);
    for (size_t i = 0; i < count; i++) {
        unsigned kind = (unsigned)(slots[i].w0 >> TRK_EXT_SHIFT) & TRK_EXT_MASK;
        if (slot_op(&slots[i]) != TRK_OP_EXT) {
            mine = slots[i].w0 >> TRK_ADDR_SHIFT == addr;
            continue;
        }
        assert_int_not_equal(kind, TRK_EXT_CYCLES);
        if (mine && kind == TRK_EXT_TIME && n < most)
            ret[n++] = slots[i].w1;
    }
    free(slots);
    return n;
}

static void put_timed(struct fake_ring *ring, uint64_t addr, unsigned kind, uint64_t value)
{
    uint64_t at = fake_reserve(ring, 2);
    fake_write(ring, at + 1, slot_ext(kind, value));
    fake_write(ring, at, slot_make(TRK_OP_TOUCH, 0, addr, 0, 0));
}

/* Cycles become nanoseconds between the last look and this one, whatever a target says they are. */
static void test_exact_time(void **state)
{
    (void)state;
    enum { HONEST = 0x1000, HOSTILE = 0x2000, FORGED = 0x3000, EVENTS = 50 };
    const char *why = cycles_unusable();
    for (uint32_t clock = 0; clock <= 2; clock++) {
        struct recorder *rec = start_recorder(&(struct rec_options){ .clock = clock });
        struct trk_hello hello = make_hello();
        hello.wish_clock = 2;
        int fd = fake_hello(rec_socket(rec), &hello);
        steps(rec, 2);
        struct fake fake;
        assert_true(fake_welcome(fd, &fake));
        bool exact = clock != 1 && why == NULL;
        assert_int_equal((fake.h->flags & TRK_SHM_EXACT_TIME) != 0, exact);
        assert_int_equal(rec_note(rec) != NULL, clock != 1 && why != NULL);
        fake_claim_proc(&fake, 0, 0);
        struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
        fake_put(&ring, slot_make(TRK_OP_THREAD, 0, 1234, 0, 0));
        uint64_t truth[EVENTS], told[EVENTS + 1];
        for (unsigned i = 0; i < EVENTS; i++) {
            struct cycles_point now = cycles_now();
            truth[i] = now.ns - fake.h->epoch_ns;
            put_timed(&ring, HONEST, TRK_EXT_CYCLES, now.cycles);
            put_timed(&ring, HOSTILE, TRK_EXT_CYCLES, i % 3 == 0 ? UINT64_MAX - i : i % 3 == 1 ? i : now.cycles * i);
            put_timed(&ring, FORGED, TRK_EXT_TIME, i);
            if (i % 5 == 0)
                steps(rec, 1);
        }
        fake_unmap(&fake);
        struct blocks blocks;
        finish(rec, 0, &blocks);
        uint64_t end_ns = blocks_end(&blocks)->at_us * 1000 + 1000;
        const char *meta = blocks_meta(&blocks, "clock");
        assert_true(exact ? meta != NULL && strcmp(meta, "tsc") == 0 : meta == NULL);
        assert_int_equal(times_of(&blocks, ring.index, FORGED, told, EVENTS), 0);
        assert_int_equal(times_of(&blocks, ring.index, HOSTILE, told, EVENTS), exact ? EVENTS : 0);
        for (unsigned i = 0; i < EVENTS && exact; i++)
            assert_true(told[i] <= end_ns);
        assert_int_equal(times_of(&blocks, ring.index, HONEST, told, EVENTS), exact ? EVENTS : 0);
        for (unsigned i = 0; i < EVENTS && exact; i++) {
            assert_true(i == 0 || told[i] >= told[i - 1]);
            /* Generous: a reading of the two clocks may have been interrupted. */
            assert_true(told[i] + 50000000 > truth[i] && told[i] < truth[i] + 50000000);
        }
        blocks_free(&blocks);
    }
}

static void test_definitions_first(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    uint64_t pcs[TRK_STACK_MAX_FRAMES] = { 0x401000, 0x402000 };
    uint32_t stack = fake_stack(&fake, pcs, 2, TRK_STACK_TRUNCATED, 3);
    uint32_t big = 0;
    while (big < 1 << 20) /* an id that needs the high bits of the slot */
        big = fake_stack(&fake, pcs, 60, 0, 0);
    uint32_t name = fake_text(&fake, TRK_TEXT_STRING, "because", 7);
    char type_text[sizeof(struct trk_type_def) + 3];
    struct trk_type_def def = { .id = 5, .object_size = 64, .name_len = 3 };
    memcpy(type_text, &def, sizeof def);
    memcpy(type_text + sizeof def, "foo", 3);
    ((uint32_t *)(void *)(fake.base + fake.h->types_off))[5] =
        fake_text(&fake, TRK_TEXT_TYPE, type_text, sizeof type_text);
    fake_put(&ring, slot_make(TRK_OP_THREAD, 0, 1234, 17, 0));
    fake_put(&ring, slot_make(TRK_OP_NEW, 0, 0x5000, 5, stack));
    fake_put(&ring, slot_make(TRK_OP_PIN, 0, 0x5000, 0, big));
    fake_put(&ring, slot_ext(TRK_EXT_TEXT, name));
    steps(rec, 5);
    fake_put(&ring, slot_make(TRK_OP_TICK, 0, 0, 99, 0));
    steps(rec, 3);
    rec_flush(rec);
    fake_put(&ring, slot_make(TRK_OP_REF, 0, 0x5000, 0, stack));
    steps(rec, 3);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    const struct trk_stack_def *read = blocks_stack(&blocks, blocks_with(&blocks, TRK_OP_NEW), stack);
    assert_non_null(read);
    assert_int_equal(read->frames, 2);
    assert_int_equal(read->flags, TRK_STACK_TRUNCATED);
    assert_int_equal(read->generation, 3);
    assert_memory_equal(read + 1, pcs, 2 * sizeof pcs[0]);
    assert_non_null(blocks_stack(&blocks, blocks_with(&blocks, TRK_OP_PIN), big));
    size_t defined = 0;
    const struct block *stacks;
    for (size_t n = 0; (stacks = blocks_find(&blocks, TRK_BLOCK_STACKS, n)) != NULL; n++)
        defined += stacks->head.raw;
    assert_int_equal(defined, 2 * sizeof *read + (2 + 60) * sizeof pcs[0]); /* once is enough */
    assert_memory_equal(blocks_find(&blocks, TRK_BLOCK_TYPES, 0)->payload + sizeof def, "foo", 3);
    assert_memory_equal(blocks_find(&blocks, TRK_BLOCK_TEXTS, 0)->payload + 8, "because", 7);
    struct trk_events_head head;
    const struct block *last = blocks_find(&blocks, TRK_BLOCK_EVENTS, 0);
    for (size_t n = 1; blocks_find(&blocks, TRK_BLOCK_EVENTS, n) != NULL; n++)
        last = blocks_find(&blocks, TRK_BLOCK_EVENTS, n);
    memcpy(&head, last->payload, sizeof head);
    assert_int_equal(head.tid, 1234);
    assert_int_equal(head.start_us, 99);
    assert_int_equal(blocks_end(&blocks)->records, 5);
    assert_int_equal(blocks_end(&blocks)->slots, 6);
    assert_string_equal(blocks_meta(&blocks, "recorder"), "1.2.3");
    assert_string_equal(blocks_meta(&blocks, "malloc"), "recorded");
    assert_string_equal(blocks_meta(&blocks, "program"), "test_recorder");
    blocks_free(&blocks);
    fake_unmap(&fake);
}

/* Many laps of a small ring with records of one to five slots, looks at random moments: nothing is lost, doubled or
 * torn. */
static void test_many_laps(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(&(struct rec_options){ .budget = 1 << 20 });
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 256);
    assert_int_equal(ring.nslots, 256);
    unsigned random = 1;
    uint64_t issued = 0, number = 0;
    while (number < 30000) {
        random = random * 1103515245 + 12345;
        unsigned exts = random >> 16 & 3;
        if (fake_room(&ring) < exts + 1 || (random >> 24) == 0) {
            steps(rec, 1);
            continue;
        }
        uint64_t at = fake_reserve(&ring, exts + 1);
        number++;
        bool late = (random >> 20 & 15) == 0; /* a look between the slots of a record */
        for (unsigned e = 0; e < exts; e++)
            fake_write(&ring, at + 1 + e, slot_ext(TRK_EXT_VALUE, number));
        if (late)
            steps(rec, 1);
        fake_write(&ring, at, slot_make(TRK_OP_PIN, 0, number, exts, 0)); /* last: it makes the record valid */
        issued += exts + 1;
    }
    steps(rec, 3);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    size_t count, at = 0;
    struct trk_slot *slots = blocks_slots(&blocks, ring.index, &count);
    assert_int_equal(count, issued);
    for (uint64_t n = 1; n <= number; n++) {
        assert_int_equal(slot_op(&slots[at]), TRK_OP_PIN);
        assert_int_equal(slots[at].w0 >> TRK_ADDR_SHIFT, n);
        uint64_t exts = slots[at].w1 >> TRK_ARG_SHIFT;
        for (at++; exts > 0; exts--, at++) {
            assert_int_equal(slot_op(&slots[at]), TRK_OP_EXT);
            assert_int_equal(slots[at].w1, n);
        }
    }
    assert_int_equal(blocks_end(&blocks)->loss.holes, 0);
    for (size_t i = 0; i < blocks.count; i++)
        if (blocks.items[i].head.kind == TRK_BLOCK_EVENTS) {
            const struct trk_slot *first = (const void *)(blocks.items[i].payload + sizeof(struct trk_events_head));
            assert_int_not_equal(slot_op(first), TRK_OP_EXT);
        }
    free(slots);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void test_hole_of_the_living(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 1, 0, 0));
    uint64_t hole = fake_reserve(&ring, 2);
    fake_write(&ring, hole + 1, slot_ext(TRK_EXT_VALUE, 1)); /* the first slot of the record stays unwritten */
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 2, 0, 0));
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    steps(rec, 5);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < TRK_HOLE_WAIT_US)
        assert_true(fake.rings[ring.index].tail <= 1);
    struct timespec nap = { .tv_nsec = TRK_HOLE_WAIT_US * 1000 + 20000000 };
    nanosleep(&nap, NULL);
    steps(rec, 5);
    rec_flush(rec); /* what is copied is given back when it is written */
    assert_int_equal(fake.rings[ring.index].tail, 4);
    assert_int_equal(fake.rings[ring.index].holes, 1);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 3, 0, 0));
    steps(rec, 3);
    struct blocks blocks;
    finish(rec, 0, &blocks);
    size_t count;
    struct trk_slot *slots = blocks_slots(&blocks, ring.index, &count);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(slots[i].w0 >> TRK_ADDR_SHIFT, i + 1);
    assert_int_equal(blocks_end(&blocks)->loss.holes, 1);
    assert_int_equal(blocks_end(&blocks)->reason, TRK_END_STOPPED);
    free(slots);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

/* A round is written because it is full, and in the same turn because it is time: that is one round. */
static void test_a_round_is_a_look(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 19);
    steps(rec, 2);
    for (unsigned i = 0; i < 1 << 17; i++)
        fake_put(&ring, slot_make(TRK_OP_DEL, 0, 1, 0, 0));
    nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL);
    steps(rec, 1);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 2, 0, 0));
    struct blocks blocks;
    finish(rec, 0, &blocks);
    struct trk_events_head head, last;
    size_t n = 1;
    memcpy(&head, blocks_find(&blocks, TRK_BLOCK_EVENTS, 0)->payload, sizeof head);
    for (last = head; blocks_find(&blocks, TRK_BLOCK_EVENTS, n) != NULL; n++)
        memcpy(&last, blocks_find(&blocks, TRK_BLOCK_EVENTS, n)->payload, sizeof last);
    assert_true(last.slots >= 1 && n >= 2);
    assert_int_equal(last.round, head.round + 1);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

/* A producer that sleeps for room is woken, and tail moved before. */
static void test_wakes_producer(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(&(struct rec_options){ .budget = 1 << 20 });
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 256);
    while (fake_room(&ring) > 0)
        fake_put(&ring, slot_make(TRK_OP_DEL, 0, 7, 0, 0));
    fake.rings[ring.index].waiting = 1;
    uint32_t before = fake.rings[ring.index].tail_futex;
    uint64_t heartbeat = fake.h->heartbeat;
    steps(rec, 2);
    assert_int_not_equal(fake.rings[ring.index].tail_futex, before);
    assert_true(fake_room(&ring) >= 255);
    assert_true(fake.h->heartbeat > heartbeat);
    rec_destroy(rec);
    fake_unmap(&fake);
}

/* ---- Trouble ------------------------------------------------------------------------------------------------------
 */

static void test_disk_full(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    struct recorder *rec = start_recorder(NULL);
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 17);
    steps(rec, 2);
    struct rlimit limit = { 60000, RLIM_INFINITY };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    uint64_t issued = 0, random = 1;
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 3000; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            fake_put(&ring, slot_make(TRK_OP_DEL, 0, random >> 17, 0, 0));
            issued++;
        }
        steps(rec, 2);
        rec_flush(rec);
    }
    limit.rlim_cur = RLIM_INFINITY;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fake_put(&ring, slot_make(TRK_OP_DEL, 0, 42, 0, 0));
    issued++;
    steps(rec, 3);
    const struct rec_result *const *results;
    rec_results(rec, &results);
    assert_non_null(results[0]->problem);
    assert_non_null(strstr(results[0]->problem, "cannot write"));
    struct blocks blocks;
    finish(rec, 0, &blocks);
    size_t count;
    struct trk_slot *slots = blocks_slots(&blocks, ring.index, &count);
    const struct trk_end *end = blocks_end(&blocks);
    assert_true(end->loss.write_lost > 0);
    assert_int_equal(end->loss.write_lost + count, issued);
    assert_int_equal(end->records, count);
    assert_int_equal(slots[count - 1].w0 >> TRK_ADDR_SHIFT, 42);
    free(slots);
    blocks_free(&blocks);
    fake_unmap(&fake);
}

static void test_no_place_for_the_trace(void **state)
{
    (void)state;
    struct recorder *rec = start_recorder(&(struct rec_options){ .out = "/proc/nowhere/%p.trk" });
    struct fake fake = join_recorder(rec);
    struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
    for (int i = 0; i < 5; i++)
        fake_put(&ring, slot_make(TRK_OP_DEL, 0, 42, 0, 0));
    steps(rec, 5);
    rec_flush(rec);
    const struct rec_result *const *results;
    assert_int_equal(rec_results(rec, &results), 1);
    assert_null(results[0]->path);
    assert_non_null(strstr(results[0]->problem, "cannot create"));
    rec_destroy(rec);
    fake_unmap(&fake);
}

static void expect_taken(struct prof_error *error)
{
    assert_non_null(error);
    assert_int_equal(error->sys_errno, EEXIST);
    prof_error_destroy(error);
}

static void test_names(void **state)
{
    (void)state;
    char out[160], expected[200];
    snprintf(out, sizeof out, "%s/exact.trk", fixture_folder);
    for (int turn = 0; turn < 2; turn++) {
        /* The first process gets the name as it is, the next one gets its pid; nothing is overwritten unless wanted. */
        struct recorder *rec = start_recorder(&(struct rec_options){ .out = out, .replace = turn == 1 });
        struct fake fake = join_recorder(rec), again = join_recorder(rec);
        steps(rec, 1);
        assert_string_equal(path_of(rec, 0), out);
        snprintf(expected, sizeof expected, "%s/exact.%d%s.trk", fixture_folder, (int)getpid(), turn == 0 ? "" : ".1");
        assert_string_equal(path_of(rec, 1), expected);
        rec_destroy(rec);
        fake_unmap(&fake);
        fake_unmap(&again);
    }
    expect_taken(rec_output_check(out, false));
    expect_ok(rec_output_check(out, true));
    expect_ok(rec_output_check(fixture_folder, false));
    struct recorder *rec = start_recorder(&(struct rec_options){ .out = fixture_folder });
    struct fake fake = join_recorder(rec);
    steps(rec, 1);
    snprintf(expected, sizeof expected, "%s/test_recorder.%d.trk", fixture_folder, (int)getpid());
    assert_string_equal(path_of(rec, 0), expected);
    struct recorder *other = start_recorder(&(struct rec_options){ .out = expected });
    struct fake beside = join_recorder(other);
    steps(other, 1);
    snprintf(expected, sizeof expected, "%s/test_recorder.%d.1.trk", fixture_folder, (int)getpid());
    assert_string_equal(path_of(other, 0), expected);
    rec_destroy(other);
    rec_destroy(rec);
    fake_unmap(&fake);
    fake_unmap(&beside);
    /* What is not a trace is never replaced. */
    FILE *file = fopen(out, "w");
    fputs("not a trace", file);
    fclose(file);
    expect_taken(rec_output_check(out, true));
    snprintf(expected, sizeof expected, "%s/nowhere/%%p.trk", fixture_folder);
    struct prof_error *error = rec_output_check(expected, false);
    assert_non_null(error);
    assert_int_equal(error->sys_errno, ENOENT);
    prof_error_destroy(error);
}

/* A target that scribbles over everything it can reach: the recorder survives, and what it wrote can be read. */
static void test_hostile(void **state)
{
    (void)state;
    uint64_t random = 12345;
    for (int round = 0; round < 40; round++) {
        struct recorder *rec = start_recorder(&(struct rec_options){ .budget = 1 << 20 });
        struct fake fake = join_recorder(rec);
        struct fake_ring ring = fake_claim_ring(&fake, 0, 1 << 11);
        fake_put(&ring, slot_make(TRK_OP_THREAD, 0, 1, 0, 0));
        steps(rec, 1);
        for (int burst = 0; burst < 4; burst++) {
            uint64_t from = 0, to = fake.bytes;
            if (round % 4 == 1)
                from = fake.h->procs_off, to = fake.h->types_off;
            else if (round % 4 == 2)
                from = fake.rings[ring.index].data_off, to = from + ring.nslots * TRK_SLOT_BYTES;
            uint64_t *words = (uint64_t *)(void *)fake.base;
            int count = round % 4 == 0 ? 100000 : 20000;
            for (int i = 0; i < count && to <= fake.bytes && from < to; i++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                uint64_t value = random >> 60 < 6 ? random : random >> 60 < 10 ? random >> 58 & 3 : random >> 45;
                random = random * 6364136223846793005u + 1442695040888963407u;
                words[(from + (random >> 20) % (to - from)) / 8] = value;
            }
            /* Pids are believed only when the process has the arena mapped; entry 0 stays ours so that there is a
             * trace. */
            steps(rec, 2);
        }
        const struct rec_result *const *results;
        size_t count = rec_results(rec, &results);
        assert_true(count >= 1);
        char path[200];
        snprintf(path, sizeof path, "%s", results[0]->path);
        rec_destroy(rec);
        struct blocks blocks;
        blocks_read(path, &blocks);
        assert_true(blocks.whole);
        assert_non_null(blocks_end(&blocks));
        blocks_free(&blocks);
        fake_unmap(&fake);
        fixture_teardown(NULL);
        mkdir(fixture_folder, 0700);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layout),
        TEST(test_wishes),
        TEST(test_high_addresses),
        TEST(test_bad_hellos),
        TEST(test_private_socket),
        TEST(test_exact_time),
        TEST(test_definitions_first),
        TEST(test_many_laps),
        TEST(test_hole_of_the_living),
        TEST(test_a_round_is_a_look),
        TEST(test_wakes_producer),
        TEST(test_disk_full),
        TEST(test_no_place_for_the_trace),
        TEST(test_names),
        TEST(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
