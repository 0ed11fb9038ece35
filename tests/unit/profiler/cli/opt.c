/* Command lines: what is stored, where options may stand, what is refused with which hint, and what help says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/nearest.h>

#include "opt.h"

struct args {
    bool fast;
    int level;
    const char *out;
    uint64_t n, size, time;
    int shape;
    struct cli_list names;
};
static const struct cli_option options[] = {
    { .name = "fast", .letter = 'f', .kind = CLI_FLAG, .offset = offsetof(struct args, fast), .help = "go" },
    { .name = "high", .kind = CLI_SET, .offset = offsetof(struct args, level), .set = 7, .help = "up" },
    { .name = "output",
      .letter = 'o',
      .kind = CLI_TEXT,
      .offset = offsetof(struct args, out),
      .argument = "FILE",
      .help = "to" },
    { .name = "number",
      .letter = 'N',
      .kind = CLI_NUMBER,
      .offset = offsetof(struct args, n),
      .argument = "N",
      .help = "n" },
    { .name = "size", .kind = CLI_SIZE, .offset = offsetof(struct args, size), .argument = "SIZE", .help = "s" },
    { .name = "time", .kind = CLI_DURATION, .offset = offsetof(struct args, time), .argument = "TIME", .help = "t" },
    { .name = "shape",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct args, shape),
      .argument = "SHAPE",
      .choices = "round|flat|long",
      .help = "form" },
    { .name = "name", .kind = CLI_LIST, .offset = offsetof(struct args, names), .argument = "NAME", .help = "names" },
    { .name = "secret", .kind = CLI_FLAG, .offset = offsetof(struct args, fast), .help = "hidden", .hidden = true },
    { 0 },
};
static const char *const examples[] = { "reftrack try x", "An example.", NULL };
static const struct cli_command command = {
    .name = "try",
    .synopsis = "[THING]",
    .summary = "a command for tests",
    .about = "It does nothing.",
    .examples = examples,
    .options = options,
    .groups = CLI_GROUP_FORMAT | CLI_GROUP_TABLE,
    .operands_max = 1,
};

static struct args args;
static struct cli_common common;
static struct cli_operands operands;
static char messages[4096], output[16384];

/* Reads what was written to a descriptor while cli_parse ran. */
static void gather(FILE *file, char *buf, size_t size)
{
    rewind(file);
    buf[fread(buf, 1, size - 1, file)] = '\0';
    fclose(file);
}

static int parse_with(const struct cli_command *cmd, const char *const *words)
{
    static char *owned[256], *argv[256]; /* cli_parse permutes argv; operands borrow from it */
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        free(owned[argc]);
        argv[argc] = owned[argc] = strdup(words[argc]);
    }
    argv[argc] = NULL;
    fflush(stdout);
    FILE *err = tmpfile(), *out = tmpfile();
    int saved_err = dup(2), saved_out = dup(1);
    dup2(fileno(err), 2);
    dup2(fileno(out), 1);
    args = (struct args){ .n = 5 };
    int code = cli_parse(cmd, argc, argv, &args, &common, &operands);
    fflush(stdout);
    fflush(stderr);
    dup2(saved_err, 2);
    dup2(saved_out, 1);
    close(saved_err);
    close(saved_out);
    gather(err, messages, sizeof messages);
    gather(out, output, sizeof output);
    return code;
}
#define PARSE(...) parse_with(&command, (const char *const[]){ "try", __VA_ARGS__ __VA_OPT__(, ) NULL })

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(PARSE(), -1);
    assert_int_equal(args.n, 5); /* untouched */
    assert_int_equal(operands.count, 0);
    assert_true(common.top == CLI_TOP_DEFAULT);
    assert_int_equal(PARSE("--fast", "--high", "--output=a=b", "--number", "12", "--size", "4KiB", "--time=2m",
                           "--shape", "flat", "--name", "x", "--name=y"),
                     -1);
    assert_true(args.fast);
    assert_int_equal(args.level, 7);
    assert_string_equal(args.out, "a=b");
    assert_int_equal(args.n, 12);
    assert_int_equal(args.size, 4096);
    assert_int_equal(args.time, 120000000);
    assert_int_equal(args.shape, 1);
    assert_int_equal(args.names.count, 2);
    assert_string_equal(args.names.items[1], "y");
    assert_int_equal(PARSE("-fo", "x", "-N3", "--json", "-n", "0", "--where", "a>1", "-q"), -1);
    assert_true(args.fast && common.quiet);
    assert_string_equal(args.out, "x");
    assert_int_equal(args.n, 3);
    assert_int_equal(common.format, CLI_FORMAT_JSON);
    assert_int_equal(common.top, 0);
    assert_string_equal(common.where, "a>1");
    assert_int_equal(PARSE("-ofile"), -1);
    assert_string_equal(args.out, "file");
    assert_int_equal(PARSE("--output", ""), -1);
    assert_string_equal(args.out, "");
}

static void order(void **state)
{
    (void)state;
    assert_int_equal(PARSE("a.trk", "--fast", "-n", "3"), -1);
    assert_true(args.fast);
    assert_int_equal(operands.count, 1);
    assert_string_equal(operands.items[0], "a.trk");
    assert_int_equal(PARSE("--fast", "a.trk"), -1);
    assert_string_equal(operands.items[0], "a.trk");
    assert_int_equal(PARSE("-"), -1); /* a dash alone is an operand */
    assert_string_equal(operands.items[0], "-");
    assert_int_equal(PARSE("--", "--fast"), -1);
    assert_false(args.fast);
    assert_string_equal(operands.items[0], "--fast");
    assert_null(operands.items[1]);
    struct cli_command run = command;
    run.stop_at_operand = true;
    run.operands_any = true;
    assert_int_equal(parse_with(&run, (const char *const[]){ "try", "-f", "prog", "--number", "x", "-z", NULL }), -1);
    assert_true(args.fast);
    assert_int_equal(operands.count, 4);
    assert_string_equal(operands.items[1], "--number");
    assert_int_equal(parse_with(&run, (const char *const[]){ "try", "--", "-f", "--", "x", NULL }), -1);
    assert_int_equal(operands.count, 3);
    assert_string_equal(operands.items[1], "--");
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *words[4], *message;
    } rows[] = {
        { { "--nosuch" }, "unknown option '--nosuch'; see 'reftrack try --help'" },
        { { "--ouptut", "x" }, "unknown option '--ouptut'; did you mean --output?" },
        { { "--forma", "x" }, "did you mean --format?" },
        { { "--sercet" }, "unknown option '--sercet'; see" }, /* hidden ones are not offered */
        { { "-z" }, "unknown option '-z'" },
        { { "-fz" }, "unknown option '-z'" },
        { { "--output" }, "--output wants FILE" },
        { { "-o" }, "--output wants FILE" },
        { { "--output", "--", "x" }, "--output wants FILE" },
        { { "-o", "--" }, "--output wants FILE" },
        { { "--fast=1" }, "--fast takes no value" },
        { { "--number", "x" }, "--number wants a whole number, not 'x'" },
        { { "--number", "-1" }, "--number wants a whole number, not '-1'" },
        { { "--number=99999999999999999999" }, "wants a whole number" },
        { { "--size", "4x" }, "--size wants a size such as 64KiB, not '4x'" },
        { { "--time", "4KiB" }, "--time wants a time" },
        { { "--shape", "flatt" }, "--shape is one of round|flat|long, not 'flatt'" },
        { { "--color", "red" }, "--color is one of auto|always|never" },
        { { "a", "b" }, "'b' is one argument too many" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *words[6] = { "try" };
        for (size_t k = 0; k < 4; k++)
            words[k + 1] = rows[i].words[k];
        assert_int_equal(parse_with(&command, words), 2);
        if (strstr(messages, rows[i].message) == NULL)
            fail_msg("%s: %s", rows[i].words[0], messages);
        assert_ptr_equal(strchr(messages, '\n'), messages + strlen(messages) - 1); /* one line */
        assert_string_equal(output, "");
    }
    struct cli_command needs = command;
    needs.operands_min = 1;
    assert_int_equal(parse_with(&needs, (const char *const[]){ "try", NULL }), 2);
    assert_non_null(strstr(messages, "it wants [THING]"));
    const char *many[2 * CLI_LIST_MAX + 4] = { "try" };
    for (size_t i = 0; i < 2 * (CLI_LIST_MAX + 1); i++)
        many[i + 1] = i % 2 == 0 ? "--name" : "x";
    assert_int_equal(parse_with(&command, many), 2);
    assert_non_null(strstr(messages, "--name may be given 64 times"));
}

static void help(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), 0);
    assert_string_equal(messages, "");
    assert_non_null(strstr(output, "reftrack try: a command for tests"));
    assert_non_null(strstr(output, "usage: reftrack try [options] [THING]"));
    assert_non_null(strstr(output, "-o, --output FILE"));
    assert_non_null(strstr(output, "--where EXPR"));
    assert_null(strstr(output, "secret"));
    assert_null(strstr(output, "--baseline")); /* not its group */
    for (const char *line = output; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= 80);
    assert_int_equal(PARSE("--nosuch-before", "--help"), 2);
    assert_int_equal(PARSE("-h"), 0);
}

static void plain(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--color", "always", "--plain"), -1);
    assert_int_equal(common.color, CLI_NEVER);
    assert_true(common.no_pager);
}

static void suggestions(void **state)
{
    (void)state;
    static const char *const names[] = { "report", "run", "leaks", "types", "suppressions", "show" };
    static const char *const rows[][2] = {
        { "reprot", "report" }, { "leak", "leaks" }, { "typse", "types" }, { "supressions", "suppressions" },
        { "rnu", "run" },       { "shwo", "show" },  { "repo", "report" }, { "suppr", "suppressions" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *near = prof_nearest(rows[i][0], names, 6);
        if (near == NULL || strcmp(near, rows[i][1]) != 0)
            fail_msg("%s: %s", rows[i][0], near != NULL ? near : "nothing");
    }
    assert_null(prof_nearest("xyzzy", names, 6));
    assert_null(prof_nearest("", names, 6));
    assert_null(prof_nearest("a word that is much longer than any of the names there are", names, 6));
}

static void numbers(void **state)
{
    (void)state;
    uint64_t n = 1;
    assert_true(cli_parse_number("42", &n) && n == 42);
    assert_true(cli_parse_number("0x10", &n) && n == 16);
    assert_false(cli_parse_number("", &n));
    assert_false(cli_parse_number("-1", &n));
    assert_false(cli_parse_number(" 1", &n));
    assert_false(cli_parse_number("1 ", &n));
    assert_int_equal(n, 16);
}

/* Paragraphs of any length come out whole, also behind an explained word; lines that begin with blanks stay. */
static void pages(void **state)
{
    enum { WORDS = 2000, WIDTH = 72 };
    (void)state;

    char *page = NULL, *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    for (int part = 0; part < 2; part++) {
        fputs(part == 0 ? "" : "word   ", out);
        for (int i = 0; i < WORDS; i++)
            fprintf(out, "%sw%d", i == 0 ? "" : " ", i);
        fputs("\n\n", out);
    }
    fputs("    $ reftrack  help\n    left as it is\n", out);
    fclose(out);
    out = open_memstream(&printed, &size);
    cli_wrap_page(out, page, WIDTH);
    fclose(out);
    const char *at = printed;
    for (int i = 0; i < 2 * WORDS; i++) {
        char word[32];
        if (i == WORDS) {
            assert_memory_equal(at, "\n\nword", 6);
            at += 6;
        }
        snprintf(word, sizeof word, "w%d", i % WORDS);
        at += strspn(at, i % WORDS == 0 ? " " : " \n");
        assert_memory_equal(at, word, strlen(word));
        at += strlen(word);
    }
    assert_string_equal(at, "\n\n    $ reftrack  help\n    left as it is\n");
    for (const char *line = printed; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, WIDTH);
    assert_non_null(strstr(printed, "\n       w"));
    free(page);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds), cmocka_unit_test(order),       cmocka_unit_test(refused), cmocka_unit_test(help),
        cmocka_unit_test(plain), cmocka_unit_test(suggestions), cmocka_unit_test(numbers), cmocka_unit_test(pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
