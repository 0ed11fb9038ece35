/* Documents arrive whole however they are cut; what is none ends the connection, and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <wire.h>

static void make_pair(struct tui_wire *a, int *ret_other)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    tui_wire_init(a, ends[0], false);
    *ret_other = ends[1];
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "{\"n\":7,\"text\":\"abc\"}";
    char frame[4 + sizeof text - 1];
    uint32_t length = sizeof text - 1;
    memcpy(frame, &length, 4);
    memcpy(frame + 4, text, length);
    for (size_t cut = 1; cut < sizeof frame; cut++) {
        struct tui_wire wire;
        int other;
        make_pair(&wire, &other);
        assert_int_equal(write(other, frame, cut), cut);
        assert_null(tui_wire_receive(&wire));
        assert_true(wire.fd >= 0);
        assert_int_equal(write(other, frame + cut, sizeof frame - cut), sizeof frame - cut);
        json_t *document = tui_wire_receive(&wire);
        assert_int_equal(json_integer_value(json_object_get(document, "n")), 7);
        json_decref(document);
        close(other);
        assert_null(tui_wire_receive(&wire));
        assert_int_equal(wire.fd, -1);
        tui_wire_deinit(&wire);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } frames[] = { { "\377\377\377\377....", 8 }, { "\4\0\0\0{{{{", 8 }, { "\2\0\0\0\"\377", 6 }, { "\0\0\0\0", 4 } };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct tui_wire wire;
        int other;
        make_pair(&wire, &other);
        assert_int_equal(write(other, frames[i].bytes, frames[i].count), frames[i].count);
        assert_null(tui_wire_receive(&wire));
        assert_int_equal(wire.fd, -1);
        assert_false(tui_wire_send(&wire, json_object()));
        close(other);
        tui_wire_deinit(&wire);
    }
}

/* What the other end does not take yet is kept, and comes in order. */
static void test_more_than_fits(void **state)
{
    (void)state;
    struct tui_wire a, b;
    int other;
    enum { DOCUMENTS = 2000 };
    make_pair(&a, &other);
    tui_wire_init(&b, other, false);
    for (int i = 0; i < DOCUMENTS; i++)
        assert_true(tui_wire_send(&a, json_pack("{s:i,s:s}", "n", i, "text",
                                                "a text that is long enough to fill the socket soon, very soon")));
    assert_true(a.out_count > 0);
    for (int i = 0; i < DOCUMENTS;) {
        json_t *document = tui_wire_receive(&b);
        if (document == NULL) {
            assert_true(tui_wire_flush(&a));
            continue;
        }
        assert_int_equal(json_integer_value(json_object_get(document, "n")), i++);
        json_decref(document);
    }
    assert_int_equal(a.out_count, 0);
    tui_wire_deinit(&a);
    assert_null(tui_wire_receive(&b));
    tui_wire_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_more_than_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
