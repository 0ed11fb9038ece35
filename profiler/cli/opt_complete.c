/* opt_complete.c: completion scripts for bash, zsh and fish, written from the command and option tables. They are
 * static: completing never runs reftrack. */
#include "opt.h"

#include <string.h>

/* Text inside single quotes of a shell. */
static void quote(FILE *out, const char *text, const char *escaped)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else {
            if (strchr(escaped, *text) != NULL)
                fputc('\\', out);
            fputc(*text, out);
        }
    }
}

static void words_of_choices(FILE *out, const char *choices)
{
    for (; *choices != '\0'; choices++)
        fputc(*choices == '|' ? ' ' : *choices, out);
}

static void put_topics(FILE *out)
{
    for (size_t i = 0; cli_topics[i] != NULL; i++)
        fprintf(out, "%s%s", i != 0 ? " " : "", cli_topics[i]);
}

static bool listed(const struct cli_command *command)
{
    return !command->hidden;
}

/* ---- bash ----------------------------------------------------------------------------------------------------------
 */
static void bash_name(void *ctx, const struct cli_option *option)
{
    FILE *out = ctx;
    fprintf(out, " --%s", option->name);
    if (option->letter != 0)
        fprintf(out, " -%c", option->letter);
}

static void bash_argument(void *ctx, const struct cli_option *option)
{
    FILE *out = ctx;
    if (option->argument == NULL)
        return;
    fputs("    ", out);
    if (option->letter != 0)
        fprintf(out, "-%c|", option->letter);
    fprintf(out, "--%s) ", option->name);
    if (option->choices != NULL) {
        fputs("COMPREPLY=($(compgen -W '", out);
        words_of_choices(out, option->choices);
        fputs("' -- \"$cur\"))", out);
    } else if (option->hint == CLI_HINT_FILE || option->hint == CLI_HINT_TRACE) {
        fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", out);
    } else if (option->hint == CLI_HINT_DIR) {
        fputs("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))", out);
    } else if (option->hint == CLI_HINT_PID) {
        fputs("COMPREPLY=($(compgen -W \"$(ps -u \"$UID\" -o pid= 2>/dev/null)\" -- \"$cur\"))", out);
    } else {
        fputs("COMPREPLY=()", out);
    }
    fputs("; return ;;\n", out);
}

static void bash(FILE *out)
{
    fputs("# bash completion for reftrack; generated from its option tables\n"
          "_reftrack()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          out);
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (listed(cli_commands[i]))
            fprintf(out, "%s ", cli_commands[i]->name);
    fputs("--help --version' -- \"$cur\"))\n        return\n    fi\n    case $command in\n", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *command = cli_commands[i];
        if (!listed(command))
            continue;
        fprintf(out, "    %s)\n    case $prev in\n", command->name);
        cli_option_each(command, bash_argument, out);
        fputs("    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W '", out);
        cli_option_each(command, bash_name, out);
        fputs("' -- \"$cur\")) ;;\n", out);
        if (command->operand_hint == CLI_HINT_TRACE)
            fputs("    *) compopt -o filenames; COMPREPLY=($(compgen -f -X '!*.trk' -- \"$cur\")"
                  " $(compgen -d -- \"$cur\")) ;;\n",
                  out);
        else if (command->operand_hint == CLI_HINT_FILE)
            fputs("    *) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", out);
        else if (command->operand_hint == CLI_HINT_COMMAND)
            fputs("    *) COMPREPLY=($(compgen -c -- \"$cur\") $(compgen -f -- \"$cur\")) ;;\n", out);
        else if (command->operand_hint == CLI_HINT_TOPIC) {
            fputs("    *) COMPREPLY=($(compgen -W '", out);
            put_topics(out);
            for (size_t k = 0; cli_commands[k] != NULL; k++)
                if (listed(cli_commands[k]))
                    fprintf(out, " %s", cli_commands[k]->name);
            fputs("' -- \"$cur\")) ;;\n", out);
        }
        fputs("    esac ;;\n", out);
    }
    fputs("    esac\n}\ncomplete -F _reftrack reftrack\n", out);
}

/* ---- zsh -----------------------------------------------------------------------------------------------------------
 */
static void zsh_option(void *ctx, const struct cli_option *option)
{
    FILE *out = ctx;
    /* a letter and a long name are two specs that exclude each other unless repeatable */
    for (int pass = option->letter != 0 ? 0 : 1; pass < 2; pass++) {
        fputs("            '", out);
        if (option->kind == CLI_LIST)
            fputc('*', out);
        else if (option->letter != 0)
            fprintf(out, "(-%c --%s)", option->letter, option->name);
        if (pass == 0)
            fprintf(out, "-%c", option->letter);
        else
            fprintf(out, "--%s%s", option->name, option->argument != NULL ? "=" : "");
        fputc('[', out);
        quote(out, option->help, "[]:\\");
        fputc(']', out);
        if (option->argument != NULL) {
            fputc(':', out);
            quote(out, option->argument, ":[]");
            fputc(':', out);
            if (option->choices != NULL) {
                fputc('(', out);
                words_of_choices(out, option->choices);
                fputc(')', out);
            } else if (option->hint == CLI_HINT_FILE) {
                fputs("_files", out);
            } else if (option->hint == CLI_HINT_TRACE) {
                fputs("_files -g \"*.trk\"", out);
            } else if (option->hint == CLI_HINT_DIR) {
                fputs("_files -/", out);
            } else if (option->hint == CLI_HINT_PID) {
                fputs("_pids", out);
            }
        }
        fputs("' \\\n", out);
    }
}

static void zsh(FILE *out)
{
    fputs("#compdef reftrack\n# zsh completion for reftrack; generated from its option tables\n"
          "_reftrack() {\n    local -a commands\n    commands=(\n",
          out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (!listed(cli_commands[i]))
            continue;
        fprintf(out, "        '%s:", cli_commands[i]->name);
        quote(out, cli_commands[i]->summary, ":");
        fputs("'\n", out);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe -t commands 'reftrack command' commands\n"
          "        return\n    fi\n    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
          "    case $command in\n",
          out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *command = cli_commands[i];
        if (!listed(command))
            continue;
        fprintf(out, "    %s)\n        _arguments -s -S \\\n", command->name);
        cli_option_each(command, zsh_option, out);
        switch (command->operand_hint) {
        case CLI_HINT_TRACE:
            fputs("            '*:trace:_files -g \"*.trk\"' ;;\n", out);
            break;
        case CLI_HINT_TOPIC:
            fputs("            '*:topic:(", out);
            put_topics(out);
            fputs(")' ;;\n", out);
            break;
        case CLI_HINT_COMMAND:
            fputs("            '*::program:_normal' ;;\n", out);
            break;
        default:
            fputs("            '*: :_files' ;;\n", out);
        }
    }
    fputs("    esac\n}\nif [ \"$funcstack[1]\" = _reftrack ]; then\n    _reftrack \"$@\"\nelse\n"
          "    compdef _reftrack reftrack\nfi\n",
          out);
}

/* ---- fish ----------------------------------------------------------------------------------------------------------
 */
struct fish_context {
    FILE *out;
    const char *command;
};

static void fish_option(void *ctx, const struct cli_option *option)
{
    struct fish_context *fish = ctx;
    FILE *out = fish->out;
    fprintf(out, "complete -c reftrack -n '__fish_seen_subcommand_from %s' -l %s", fish->command, option->name);
    if (option->letter != 0)
        fprintf(out, " -s %c", option->letter);
    if (option->argument != NULL) {
        if (option->hint == CLI_HINT_FILE || option->hint == CLI_HINT_DIR || option->hint == CLI_HINT_TRACE)
            fputs(" -r -F", out);
        else
            fputs(" -x", out);
        if (option->choices != NULL) {
            fputs(" -a '", out);
            words_of_choices(out, option->choices);
            fputs("'", out);
        } else if (option->hint == CLI_HINT_PID) {
            fputs(" -a '(__fish_complete_pids)'", out);
        }
    }
    fputs(" -d '", out);
    for (const char *c = option->help; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            fputc('\\', out);
        fputc(*c, out);
    }
    fputs("'\n", out);
}

static void fish(FILE *out)
{
    fputs("# fish completion for reftrack; generated from its option tables\n", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *command = cli_commands[i];
        if (!listed(command))
            continue;
        fprintf(out, "complete -c reftrack -f -n __fish_use_subcommand -a %s -d '%s'\n", command->name,
                command->summary);
        struct fish_context fish_ctx = { .out = out, .command = command->name };
        cli_option_each(command, fish_option, &fish_ctx);
        if (command->operand_hint == CLI_HINT_COMMAND)
            fprintf(out,
                    "complete -c reftrack -n '__fish_seen_subcommand_from %s' "
                    "-a '(__fish_complete_subcommand --fcs-skip=2)'\n",
                    command->name);
        if (command->operand_hint == CLI_HINT_TOPIC) {
            fprintf(out, "complete -c reftrack -f -n '__fish_seen_subcommand_from %s' -a '", command->name);
            put_topics(out);
            fputs("'\n", out);
        }
    }
}

bool cli_completions(FILE *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        bash(out);
    else if (strcmp(shell, "zsh") == 0)
        zsh(out);
    else if (strcmp(shell, "fish") == 0)
        fish(out);
    else
        return false;
    return true;
}
