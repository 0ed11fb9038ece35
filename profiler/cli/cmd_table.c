/* cmd_table.c: the commands that print one table: types, objects, marks, blocks; sites has a file of its own. */
#include "cmd_table.h"

static const char *const types_examples[] = {
    "reftrack types",
    "Types by the bytes that are alive.",
    "reftrack types --where 'live>100 && type~json_' --sort leaked",
    "Conditions and order name columns; 'reftrack types --json' shows them all.",
    NULL,
};
static const char *const objects_examples[] = {
    "reftrack objects app.trk 'struct conn' --sort -age",
    "All live objects of a type, youngest first.",
    "reftrack objects --where 'age>60s && count>1 && finding~unref'",
    "Old objects with a finding.",
    NULL,
};
static const char *const marks_examples[] = {
    "reftrack marks --pid 4711",
    "Marks of a running program.",
    NULL,
};
static const char *const blocks_examples[] = {
    "reftrack blocks --where 'bytes>=64KiB && age>60s'",
    "Large old blocks.",
    "reftrack blocks --class lost --sort -age",
    "What nothing leads to any more, the newest first.",
    NULL,
};

/* Of all tables; only blocks has options of its own. */
struct table_args {
    int class_of; /* enum block_class */
};
enum block_class { CLASS_ANY = 0, CLASS_LOST, CLASS_INDIRECT, CLASS_POSSIBLE, CLASS_REACHABLE };
static const enum prof_verdict classes[] = {
    [CLASS_LOST] = PROF_LOST,
    [CLASS_INDIRECT] = PROF_INDIRECT,
    [CLASS_POSSIBLE] = PROF_POSSIBLE,
    [CLASS_REACHABLE] = PROF_REACHABLE,
};
static const struct cli_option blocks_options[] = {
    { .name = "class",
      .kind = CLI_CHOICE,
      .offset = offsetof(struct table_args, class_of),
      .argument = "CLASS",
      .choices = "default|lost|indirect|possible|reachable",
      .help = "only blocks of which memory says this: lost, indirect (lost with another), possible or reachable" },
    { 0 }
};

#define TABLE_GROUPS (CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_WINDOW | CLI_GROUP_PID)

const struct cli_command cli_command_types = {
    .name = "types",
    .main = cmd_types,
    .synopsis = "[TRACE]",
    .summary = "one line for each type: how many live, their bytes, their references",
    .about =
        "Keys: type kind live bytes unused leaked born died peak peak_bytes refs unrefs coverage miscounts zero parked "
        "skewed size item usable. KIND tells objects from plain blocks whose type is known (~: a guess). UNUSED is "
        "what "
        "the blocks offer beyond that, as malloc rounds sizes up; an ITEM repeats at their end. OWNED (coverage) is "
        "the share of references whose owner is known. Counted from the beginning, "
        "up to --to; there is no --from.",
    .examples = types_examples,
    .groups = CLI_GROUPS_OF_SUMS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};
const struct cli_command cli_command_objects = {
    .name = "objects",
    .main = cmd_objects,
    .synopsis = "[TRACE] [TYPE]",
    .summary = "one line for each live object, or those of one type",
    .about = "Keys: object count owned bytes age state finding site type addr id born last observed refs unrefs tid "
             "scope context flags. Objects are called Type#12, the twelfth of its type.",
    .examples = objects_examples,
    .groups = TABLE_GROUPS,
    .operands_max = 2,
    .operand_hint = CLI_HINT_TRACE,
};
const struct cli_command cli_command_marks = {
    .name = "marks",
    .main = cmd_marks,
    .synopsis = "[TRACE]",
    .summary = "the named moments of a trace and what grew between them",
    .about = "Marks, checkpoints, scopes, forks and the exit, in order of time, and the moments when memory was read "
             "(kind memory). Names of marks and checkpoints serve --from and --to. "
             "Keys: mark kind at objects blocks bytes grown_objects grown_blocks grown_bytes read words pause_us "
             "events tid site.",
    .examples = marks_examples,
    .groups = TABLE_GROUPS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};
const struct cli_command cli_command_blocks = {
    .name = "blocks",
    .main = cmd_blocks,
    .synopsis = "[TRACE]",
    .summary = "one line for each allocated block",
    .about = "Blocks that contain an object name it in the column object (-v). Keys: addr bytes age kind class object "
             "type site born tid scope id.",
    .examples = blocks_examples,
    .options = blocks_options,
    .groups = TABLE_GROUPS,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TRACE,
};

int cli_table_command(const struct cli_command *command, enum prof_table_kind kind, const char *class_name,
                      uint64_t default_top, const struct cli_common *common, const struct cli_operands *operands)
{
    const char *path = operands->items[0], *type = operands->count > 1 ? operands->items[1] : NULL;
    if (kind == PROF_TABLE_OBJECTS && operands->count == 1 && !cli_is_trace(path)) {
        type = path; /* of the newest trace */
        path = NULL;
    }
    /* Their sums are those of the model, which runs from the beginning. */
    if (common->from != NULL && (kind == PROF_TABLE_TYPES || kind == PROF_TABLE_SITES))
        return cli_usage(command,
                         "--from does not work here: %s counts from the beginning; 'objects', 'blocks', 'leaks' and "
                         "'report' take --from",
                         command->name);
    struct cli_session session;
    int code = cli_session_open(&session, common, path, CLI_PART_VIEW);
    if (code < 0) {
        bool for_people = common->format == CLI_FORMAT_TEXT && !common->plain;
        struct prof_query query = { .where = common->where,
                                    .sort = common->sort,
                                    .type = type,
                                    .class_name = class_name,
                                    .from_us = session.from_us,
                                    .to_us = session.to_us,
                                    .top = common->top != CLI_TOP_DEFAULT ? common->top
                                           : for_people                   ? default_top
                                                                          : 0 };
        const struct prof_table *result;
        struct prof_error *error = prof_view_table(session.view, kind, &query, &result);
        if (error != NULL) {
            code = cli_error(error);
        } else {
            struct cli_out out;
            cli_say_state(&session, common);
            bool no_objects = result->total_rows == 0 && (kind == PROF_TABLE_TYPES || kind == PROF_TABLE_OBJECTS) &&
                              prof_heap_totals(session.heap)->by_op[TRK_OP_NEW] == 0;
            if (no_objects && for_people && !common->quiet)
                cli_warn("the program reported no objects; 'reftrack sites' and 'reftrack blocks' show its memory");
            const struct prof_audit *audit = prof_findings_audit(session.findings);
            if (class_name != NULL && audit->memory.not_read != NULL && !common->quiet)
                cli_warn("memory %s: no block has a class", audit->memory.not_read);
            cli_out_open(&out, common);
            code = cli_table(&session, common, &out, command->name, result);
            int closed = cli_out_close(&out);
            code = code >= 0 ? code : closed;
        }
    }
    cli_session_close(&session);
    return code;
}

static int table(const struct cli_command *command, enum prof_table_kind kind, uint64_t default_top, int argc,
                 char **argv)
{
    struct table_args args = { CLASS_ANY };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(command, argc, argv, &args, &common, &operands);
    const char *class_name = args.class_of != CLASS_ANY ? prof_verdict_name(classes[args.class_of]) : NULL;
    return code >= 0 ? code : cli_table_command(command, kind, class_name, default_top, &common, &operands);
}

int cmd_types(int argc, char **argv)
{
    return table(&cli_command_types, PROF_TABLE_TYPES, 0, argc, argv);
}

int cmd_objects(int argc, char **argv)
{
    return table(&cli_command_objects, PROF_TABLE_OBJECTS, 30, argc, argv);
}

int cmd_marks(int argc, char **argv)
{
    return table(&cli_command_marks, PROF_TABLE_MARKS, 0, argc, argv);
}

int cmd_blocks(int argc, char **argv)
{
    return table(&cli_command_blocks, PROF_TABLE_BLOCKS, 30, argc, argv);
}
