/* cmd_help.c: what there is and how it is used; also writes completions and the option lists of the man pages. */
#include "cli.h"
#include "topics.h"

#include <base/nearest.h>

#include <string.h>

struct help_args {
    const char *completions;
    const char *man;
};

static const struct cli_option options[] = { { .name = "completions",
                                               .kind = CLI_TEXT,
                                               .offset = offsetof(struct help_args, completions),
                                               .argument = "SHELL",
                                               .help = "write the completion script for bash, zsh or fish",
                                               .hidden = true },
                                             { .name = "man",
                                               .kind = CLI_TEXT,
                                               .offset = offsetof(struct help_args, man),
                                               .argument = "COMMAND",
                                               .help = "write the man page of the command",
                                               .hidden = true },
                                             { 0 } };

static const char *const examples[] = {
    "reftrack help leaks",
    "The words of a report and the verdicts. A command of the same name is explained by 'reftrack leaks --help'.",
    "reftrack help run",
    "The same as 'reftrack run --help'.",
    NULL,
};

const struct cli_command cli_command_help = {
    .name = "help",
    .main = cmd_help,
    .synopsis = "[COMMAND | TOPIC]",
    .summary = "explains a command or a topic",
    .about = "Topics: concepts, leaks, ci, format, suppressions, environment.",
    .examples = examples,
    .options = options,
    .operands_max = 1,
    .operand_hint = CLI_HINT_TOPIC,
};

void cli_help_overview(FILE *out)
{
    fputs("reftrack: who still holds this object, and which release is missing?\n\n"
          "  reftrack run -- ./app args     record a program\n"
          "  reftrack report                the story of the newest trace\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (!cli_commands[i]->hidden)
            fprintf(out, "  %-9s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\n'reftrack help COMMAND' explains a command. Topics of 'reftrack help':", out);
    for (size_t i = 0; cli_topics[i] != NULL; i++)
        fprintf(out, "%s %s", i != 0 ? "," : "", cli_topics[i]);
    fputs(".\n", out);
}

int cli_unknown_command(const char *name)
{
    const char *names[64];
    size_t count = 0;
    char shown[128];
    for (size_t i = 0; cli_commands[i] != NULL && count < 48; i++)
        if (!cli_commands[i]->hidden)
            names[count++] = cli_commands[i]->name;
    prof_escape_terminal(shown, sizeof shown, name);
    const char *near = prof_nearest(name, names, count);
    if (near != NULL)
        cli_warn("there is no command '%s'; did you mean '%s'? 'reftrack help' lists all", shown, near);
    else
        cli_warn("there is no command '%s'; 'reftrack help' lists all", shown);
    return CLI_USAGE;
}

/* `command`: explained elsewhere under the same name, NULL none. */
static int show_page(const struct cli_common *common, const char *text, const struct cli_command *command)
{
    struct cli_out out;
    cli_out_open(&out, common);
    cli_wrap_page(out.file, text, out.width > 100 ? 100 : out.width);
    if (command != NULL)
        fprintf(out.file, "\n'reftrack %s -h' explains the command of this name and its options.\n", command->name);
    return cli_out_close(&out);
}

int cmd_help(int argc, char **argv)
{
    struct help_args args = { 0 };
    struct cli_common common;
    struct cli_operands operands;
    int code = cli_parse(&cli_command_help, argc, argv, &args, &common, &operands);
    if (code >= 0)
        return code;
    if (args.completions != NULL) {
        if (!cli_completions(stdout, args.completions))
            return cli_usage(&cli_command_help, "completions exist for bash, zsh and fish, not for '%s'",
                             args.completions);
        return CLI_OK;
    }
    if (args.man != NULL) {
        const struct cli_command *command = cli_command_find(args.man);
        if (command == NULL)
            return cli_unknown_command(args.man);
        cli_help_man(stdout, command);
        return CLI_OK;
    }
    if (operands.count == 0) {
        cli_help_overview(stdout);
        return CLI_OK;
    }
    const char *page = cli_topic(operands.items[0]);
    if (page != NULL)
        return show_page(&common, page, cli_command_find(operands.items[0]));
    const struct cli_command *command = cli_command_find(operands.items[0]);
    if (command == NULL)
        return cli_unknown_command(operands.items[0]);
    cli_help_command(stdout, command);
    return CLI_OK;
}
