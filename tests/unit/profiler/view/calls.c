/* Trees of calls: sums, order, recursion, what has no callers, --where, finding, folded stacks; and an oracle that adds
 * up the stacks of random programs in another way. */
#include "rig.h"

#include <stdlib.h>

#include <prof/calls.h>

struct tree {
    struct rig rig;
    struct prof_view *view;
    struct prof_calls *calls;
};

static void finish(struct tree *t)
{
    rig_find(&t->rig, NULL);
    assert_null(prof_view_create(mk_heap(t->rig.t), t->rig.symbols, t->rig.findings, &t->view));
}

static void make(struct tree *t, const struct prof_calls_options *options)
{
    prof_calls_destroy(t->calls);
    t->calls = NULL;
    struct prof_error *error = prof_calls_create(t->view, options, &t->calls);
    if (error != NULL)
        fail_msg("%s", error->message);
}

static void end(struct tree *t)
{
    prof_calls_destroy(t->calls);
    prof_view_destroy(t->view);
    rig_end(&t->rig);
}

struct drawing {
    char text[8192];
    enum prof_calls_value by;
};

/* "  parse (r) l.c:7 +1  bytes objects ~open events", two blanks for each level. */
static bool draw(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks)
{
    struct drawing *d = ctx;
    char words[256], place[256];
    size_t used = strlen(d->text);
    const uint64_t *v = node->sum.value;
    (void)last;
    (void)trunks;
    snprintf(d->text + used, sizeof d->text - used, "%*s%s%s%s %llu %llu %s%llu %llu%s\n", 2 * (int)level, "",
             prof_calls_words(words, sizeof words, node),
             prof_calls_place(place, sizeof place, node)[0] != '\0' ? " " : "", place,
             (unsigned long long)v[PROF_CALLS_BYTES], (unsigned long long)v[PROF_CALLS_OBJECTS],
             node->sum.guessed > 0 ? "~" : "", (unsigned long long)v[PROF_CALLS_OPEN],
             (unsigned long long)v[PROF_CALLS_EVENTS], node->leaf ? " ." : "");
    return true;
}

static void is_drawn(struct tree *t, const struct prof_calls_walk *how, const char *text)
{
    struct drawing d = { .text = "" };
    struct prof_calls_node root;
    struct prof_calls_walk walk = *how;
    walk.each = draw;
    walk.ctx = &d;
    prof_calls_root(t->calls, &root);
    assert_null(prof_calls_go(t->calls, &root, &walk, NULL));
    assert_string_equal(d.text, text);
}

static const struct prof_calls_walk everything = { .with_zeros = true };

static void some_calls(struct tree *t)
{
    struct rig *rig = &t->rig;
    *t = (struct tree){ 0 };
    rig_begin(rig);
    mk_alloc(rig->t, 0x10000, 100, AT("load l.c:3 < serve s.c:10 < main m.c:5"));
    mk_alloc(rig->t, 0x20000, 50, AT("load l.c:4 < serve s.c:11 < main m.c:5"));
    mk_alloc(rig->t, 0x30000, 10, AT("main m.c:8 < start s.c:1"));
    mk_born(rig->t, "conn", 0x40000, 40, AT("conn_new n.c:7 < serve s.c:12 < main m.c:5"));
    mk_ref(rig->t, 0x40000, 0, AT("obj_ref o.c:1 < keep k.c:2 < serve s.c:12 < ..."));
    mk_alloc(rig->t, 0x50000, 7, AT("job j.c:3 < worker w.c:9 < start_thread t.c:1 < clone3 t.c:2"));
    mk_alloc(rig->t, 0x60000, 8, AT("+plugin.so:64 < main m.c:6"));
    finish(t);
}

static void test_by_caller(void **state)
{
    struct tree t;
    (void)state;
    some_calls(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    is_drawn(&t, &everything,
             "all 215 1 2 8\n"
             "  main m.c:5 +2 208 1 1 6\n"
             "    serve s.c:10 +2 190 1 1 4\n"
             "      load l.c:3 +1 150 0 0 2 .\n"
             "      conn_new n.c:7 40 1 1 2 .\n"
             "    plugin.so+0x40 8 0 0 1 .\n"
             "  worker w.c:9 7 0 0 1\n"
             "    job j.c:3 7 0 0 1 .\n"
             "  (callers not recorded) 0 0 1 1\n"
             "    serve s.c:12 0 0 1 1\n"
             "      keep k.c:2 0 0 1 1 .\n");
    is_drawn(&t, &(struct prof_calls_walk){ .by = PROF_CALLS_OPEN, .depth = 1 },
             "all 215 1 2 8\n"
             "  main m.c:5 +2 208 1 1 6\n"
             "  (callers not recorded) 0 0 1 1\n");
    is_drawn(&t, &(struct prof_calls_walk){ .least = 0.5 },
             "all 215 1 2 8\n"
             "  main m.c:5 +2 208 1 1 6\n"
             "    serve s.c:10 +2 190 1 1 4\n"
             "      load l.c:3 +1 150 0 0 2 .\n");
    end(&t);
}

static void test_by_callee_and_lines(void **state)
{
    struct tree t;
    (void)state;
    some_calls(&t);
    make(&t, &(struct prof_calls_options){ .by_callee = true, .lines = true });
    is_drawn(&t, &everything,
             "all 215 1 2 8\n"
             "  load l.c:3 100 0 0 1\n"
             "    serve s.c:10 100 0 0 1\n"
             "      main m.c:5 100 0 0 1 .\n"
             "  load l.c:4 50 0 0 1\n"
             "    serve s.c:11 50 0 0 1\n"
             "      main m.c:5 50 0 0 1 .\n"
             "  conn_new n.c:7 40 1 1 2\n"
             "    serve s.c:12 40 1 1 2\n"
             "      main m.c:5 40 1 1 2 .\n"
             "  main m.c:8 10 0 0 1 .\n"
             "  plugin.so+0x40 8 0 0 1\n"
             "    main m.c:6 8 0 0 1 .\n"
             "  job j.c:3 7 0 0 1\n"
             "    worker w.c:9 7 0 0 1 .\n"
             "  keep k.c:2 0 0 1 1\n"
             "    serve s.c:12 0 0 1 1\n"
             "      (callers not recorded) 0 0 1 1 .\n");
    end(&t);
}

static void test_where(void **state)
{
    struct tree t;
    struct prof_error *error;
    (void)state;
    some_calls(&t);
    make(&t, &(struct prof_calls_options){ .where = "stack~'main;serve' && site~load" });
    is_drawn(&t, &everything,
             "all 150 0 0 2\n"
             "  main m.c:5 150 0 0 2\n"
             "    serve s.c:10 +1 150 0 0 2\n"
             "      load l.c:3 +1 150 0 0 2 .\n");
    make(&t, &(struct prof_calls_options){ .where = "open>0 && objects=0" });
    is_drawn(&t, &everything,
             "all 0 0 1 1\n"
             "  (callers not recorded) 0 0 1 1\n"
             "    serve s.c:12 0 0 1 1\n"
             "      keep k.c:2 0 0 1 1 .\n");
    make(&t, &(struct prof_calls_options){ .where = "site~nosuch" });
    is_drawn(&t, &everything, "all 0 0 0 0 .\n");
    error = prof_calls_create(t.view, &(struct prof_calls_options){ .where = "nosuch>1" }, &t.calls);
    assert_non_null(error);
    assert_int_equal(error->code, PROF_ERROR_SYNTAX);
    prof_error_destroy(error);
    end(&t);
}

/* Direct recursion and turns are one; a function on the way in twice with others between stays twice. */
static void test_recursion(void **state)
{
    struct tree t = { 0 };
    struct rig *rig = &t.rig;
    (void)state;
    rig_begin(rig);
    mk_alloc(rig->t, 0x10000, 1, AT("leaf l.c:1 < walk w.c:2 < walk w.c:3 < walk w.c:2 < main m.c:1"));
    mk_alloc(rig->t, 0x20000, 2, AT("leaf l.c:1 < a a.c:1 < b b.c:1 < a a.c:2 < b b.c:2 < a a.c:2 < main m.c:2"));
    mk_alloc(rig->t, 0x30000, 4, AT("x x.c:1 < y y.c:1 < x x.c:2 < main m.c:3"));
    finish(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    is_drawn(&t, &everything,
             "all 7 0 0 3\n"
             "  main m.c:3 +2 7 0 0 3\n"
             "    x x.c:2 4 0 0 1\n"
             "      y y.c:1 4 0 0 1\n"
             "        x x.c:1 4 0 0 1 .\n"
             "    a a.c:2 2 0 0 1\n"
             "      b (r) b.c:1 2 0 0 1\n"
             "        a (r) a.c:1 2 0 0 1\n"
             "          leaf l.c:1 2 0 0 1 .\n"
             "    walk (r) w.c:2 1 0 0 1\n"
             "      leaf l.c:1 1 0 0 1 .\n");
    make(&t, &(struct prof_calls_options){ .lines = true, .where = "stack~walk" });
    is_drawn(&t, &everything,
             "all 1 0 0 1\n"
             "  main m.c:1 1 0 0 1\n"
             "    walk w.c:2 1 0 0 1\n"
             "      walk w.c:3 1 0 0 1\n"
             "        walk w.c:2 1 0 0 1\n"
             "          leaf l.c:1 1 0 0 1 .\n");
    end(&t);
}

/* References without an owner: exact where each place gave back what it took, else the newest are taken to be given. */
static void test_open(void **state)
{
    struct tree t = { 0 };
    struct rig *rig = &t.rig;
    (void)state;
    rig_begin(rig);
    mk_born(rig->t, "conn", 0x10000, 40, AT("conn_new n.c:7"));
    mk_ref(rig->t, 0x10000, 0, AT("send s.c:1"));
    mk_ref(rig->t, 0x10000, 0, AT("queue q.c:1"));
    mk_unref(rig->t, 0x10000, 0, AT("send s.c:1"));
    finish(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    is_drawn(&t, &(struct prof_calls_walk){ .by = PROF_CALLS_OPEN },
             "all 40 1 2 5\n"
             "  conn_new n.c:7 40 1 1 2 .\n"
             "  queue q.c:1 0 0 1 1 .\n");
    end(&t);

    t = (struct tree){ 0 };
    rig_begin(rig);
    mk_born(rig->t, "conn", 0x10000, 40, AT("conn_new n.c:7"));
    mk_ref(rig->t, 0x10000, 0, AT("send s.c:1"));
    mk_ref(rig->t, 0x10000, 0, AT("queue q.c:1"));
    mk_unref(rig->t, 0x10000, 0, AT("done d.c:1"));
    finish(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    is_drawn(&t, &(struct prof_calls_walk){ .by = PROF_CALLS_OPEN },
             "all 40 1 ~2 5\n"
             "  conn_new n.c:7 40 1 1 2 .\n"
             "  send s.c:1 0 0 ~1 1 .\n");
    end(&t);
}

static void finds(struct tree *t, const char *from, const char *text, bool back, const char *expected)
{
    const char *keys[16], **found;
    char copy[512], got[512] = "";
    size_t count = 0, n;
    snprintf(copy, sizeof copy, "%s", from);
    for (char *at = strtok(copy, " "); at != NULL; at = strtok(NULL, " "))
        keys[count++] = at;
    assert_null(prof_calls_find(t->calls, keys, count, PROF_CALLS_BYTES, text, back, &found, &n));
    for (size_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i > 0 ? " " : "", (int)strcspn(found[i], "|"),
                 found[i]);
    if (n > 0) {
        struct prof_calls_node node;
        assert_null(prof_calls_at(t->calls, found, n, &node));
        assert_int_equal(node.depth, n);
    }
    free(found);
    assert_string_equal(got, expected);
}

static void test_find(void **state)
{
    struct tree t = { 0 };
    struct rig *rig = &t.rig;
    struct prof_calls_node node;
    (void)state;
    rig_begin(rig);
    mk_alloc(rig->t, 0x10000, 100, AT("get g.c:1 < parse p.c:1 < main m.c:1"));
    mk_alloc(rig->t, 0x20000, 50, AT("put g.c:9 < get_all g.c:5 < parse p.c:2 < main m.c:1"));
    mk_alloc(rig->t, 0x30000, 10, AT("other o.c:1 < main m.c:2"));
    mk_alloc(rig->t, 0x40000, 5, AT("get g.c:1 < late l.c:2 < main m.c:2"));
    finish(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    finds(&t, "", "get", false, "main parse get");
    finds(&t, "main|m.c|0 parse|p.c|0 get|g.c|0", "GET", false, "main parse get_all");
    finds(&t, "main|m.c|0 parse|p.c|0 get_all|g.c|0 put|g.c|0", "get", false, "main late get");
    finds(&t, "main|m.c|0 late|l.c|0 get|g.c|0", "get", false, "main parse get");
    finds(&t, "main|m.c|0 late|l.c|0 get|g.c|0", "get", true, "main parse get_all");
    finds(&t, "main|m.c|0 parse|p.c|0 get|g.c|0", "get", true, "main late get");
    finds(&t, "main|m.c|0 parse|p.c|0 get_all|g.c|0", "a", true, "main parse");
    finds(&t, "main|m.c|0 other|o.c|0", "main", false, "main");
    finds(&t, "gone|x.c|0", "put", false, "main parse get_all put");
    finds(&t, "", "nosuch", false, "");
    finds(&t, "", "", false, "");
    struct prof_error *error = prof_calls_at(t.calls, (const char *const[]){ "main|m.c|0", "nosuch" }, 2, &node);
    assert_int_equal(error->code, PROF_ERROR_NOT_FOUND);
    prof_error_destroy(error);
    end(&t);
}

static bool add_line(void *ctx, const char *text)
{
    strcat(strcat(ctx, text), "\n");
    return true;
}

static void test_folded(void **state)
{
    struct tree t = { 0 };
    struct rig *rig = &t.rig;
    char text[512] = "";
    (void)state;
    rig_begin(rig);
    mk_alloc(rig->t, 0x10000, 100, AT("operator;new n.c:1 < main m.c:1"));
    mk_alloc(rig->t, 0x20000, 50, AT("get\x1b g.c:5 < serve s.c:1 < ..."));
    mk_born(rig->t, "conn", 0x30000, 8, AT("conn_new c.c:1 < main m.c:2"));
    finish(&t);
    make(&t, &(struct prof_calls_options){ 0 });
    assert_null(prof_calls_folded(t.calls, PROF_CALLS_BYTES, add_line, text));
    assert_string_equal(text, "main;operator,new 100\n"
                              "(callers_not_recorded);serve;get\\x1b 50\n"
                              "main;conn_new 8\n");
    text[0] = '\0';
    assert_null(prof_calls_folded(t.calls, PROF_CALLS_OBJECTS, add_line, text));
    assert_string_equal(text, "main;conn_new 1\n");
    end(&t);
}

/* ---- Random programs: every node against a sum over the names of stacks ----------------------------------------- */

enum { RANDOM_STACKS = 400 };
struct oracle {
    char stacks[RANDOM_STACKS][128]; /* "|main|f2|f1|" from outside inwards */
    uint64_t bytes[RANDOM_STACKS];
    char way[16][512]; /* by level: "|main|f2|" */
    bool by_callee;
    uint64_t nodes, self;
};

static bool check_node(void *ctx, const struct prof_calls_node *node, uint32_t level, bool last, uint64_t trunks)
{
    struct oracle *o = ctx;
    uint64_t expected = 0;
    (void)last;
    (void)trunks;
    if (level == 0)
        snprintf(o->way[0], sizeof o->way[0], "|");
    else
        strcat(strcat(strcpy(o->way[level], o->way[level - 1]), node->name), "|");
    for (size_t i = 0; i < RANDOM_STACKS; i++)
        if (strncmp(o->stacks[i], o->way[level], strlen(o->way[level])) == 0)
            expected += o->bytes[i];
    assert_int_equal(node->sum.value[PROF_CALLS_BYTES], expected);
    o->nodes++;
    o->self += node->self.value[PROF_CALLS_BYTES];
    return true;
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++) {
        struct oracle *o = calloc(1, sizeof *o);
        struct tree t = { 0 };
        struct rig *rig = &t.rig;
        uint64_t all = 0;
        srand(seed);
        rig_begin(rig);
        for (size_t i = 0; i < RANDOM_STACKS; i++) {
            char name[128] = "", way[128] = "|";
            int count = 1 + rand() % 6, before = -1;
            for (int k = 0; k < count; k++) {
                int f = rand() % 5;
                f += f == before ? 5 : 0; /* no recursion, which folds */
                before = k > 0 ? -1 : f;
                f += k * 10;
                snprintf(name + strlen(name), sizeof name - strlen(name), "%sf%d a.c:%d", k > 0 ? " < " : "", f,
                         1 + rand() % 3);
                char step[16], rest[128];
                snprintf(step, sizeof step, "|f%d", f);
                strcpy(rest, way);
                if (seed % 2 == 0) /* by callee: innermost first */
                    strcat(strcpy(way + strlen(way) - 1, step), "|");
                else
                    strcat(strcpy(way, step), rest);
            }
            o->bytes[i] = 1 + (uint64_t)rand() % 1000;
            all += o->bytes[i];
            snprintf(o->stacks[i], sizeof o->stacks[i], "%s", way);
            mk_alloc(rig->t, 0x100000 + i * 0x1000, o->bytes[i], AT(strdup(name)));
        }
        finish(&t);
        make(&t, &(struct prof_calls_options){ .by_callee = seed % 2 == 0 });
        struct prof_calls_node root;
        prof_calls_root(t.calls, &root);
        assert_int_equal(root.sum.value[PROF_CALLS_BYTES], all);
        for (int again = 0; again < 2; again++) { /* looking does not change what is seen */
            o->nodes = o->self = 0;
            const struct prof_calls_walk walk = { .each = check_node, .ctx = o };
            assert_null(prof_calls_go(t.calls, &root, &walk, NULL));
            assert_true(o->nodes > 100);
            assert_int_equal(o->self, all);
        }
        end(&t);
        free(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_caller), cmocka_unit_test(test_by_callee_and_lines),
        cmocka_unit_test(test_where),     cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_open),      cmocka_unit_test(test_find),
        cmocka_unit_test(test_folded),    cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
