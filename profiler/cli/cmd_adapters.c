/* cmd_adapters.c: `reftrack adapters`: which adapters there are, what was understood of one, and whether a library has
 * its functions. */
#include "adapter_args.h"
#include "cli.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <base/str.h>
#include <base/vec.h>
#include <prof/symbol.h>

static const char *const examples[] = {
    "reftrack adapters",
    "the adapters that are used when their library is loaded",
    "reftrack adapters ./mylib.adapter",
    "check a file, and say what was understood",
    "reftrack adapters ./mylib.adapter /usr/lib/libmylib.so.1",
    "the same, and which of its functions that library has",
    NULL,
};

const struct cli_command cli_command_adapters = {
    .name = "adapters",
    .main = cmd_adapters,
    .synopsis = "[FILE|NAME [LIBRARY]]",
    .summary = "descriptions of libraries that count references: which there are, and what one says",
    .about =
        "An adapter tells which functions of a library take and give back references, so that programs that use it are "
        "recorded as they are. 'reftrack run' uses an adapter when a file that it names is loaded; your own ones lie "
        "in "
        "$XDG_CONFIG_HOME/reftrack/adapters (~/.config/reftrack/adapters), or are given with --adapter. The language "
        "is "
        "described in docs/ADAPTERS.md.\n\n"
        "Without operands the adapters are listed. With one, every line of it is explained, or every mistake named "
        "with "
        "its line. With LIBRARY, a program or shared library, the functions that it has no symbol for are marked.\n\n"
        "The exit code is 0 when all is well, 1 when LIBRARY lacks functions, 2 when the adapter has mistakes or there "
        "is none of that name, 3 when a file cannot be read.",
    .examples = examples,
    .groups = CLI_GROUP_FORMAT,
    .operands_max = 2,
    .operand_hint = CLI_HINT_FILE,
};

typedef PROF_VEC(char *) name_vec;

/* ---- The list ------------------------------------------------------------------------------------------------------
 */

static size_t count_role(const struct prof_adapter *adapter, unsigned role)
{
    size_t count = 0;
    for (size_t i = 0; i < adapter->rule_count; i++)
        count += adapter->rules[i].role == role;
    return count;
}

static void list_one(const struct prof_adapter_choice *choice, struct cli_out *out)
{
    const struct prof_adapter *adapter = choice->adapter;
    cli_printf(out, CLI_HEAD, "%-12s", adapter->name);
    for (size_t i = 0; i < adapter->library_count; i++) {
        fputc(' ', out->file);
        cli_put(out, CLI_PLAIN, adapter->libraries[i]);
    }
    fprintf(out->file, ":");
    const char *separator = " ";
    for (unsigned role = TRK_HOOK_NEW; role < TRK_HOOK_ROLES; role++) {
        size_t count = count_role(adapter, role);
        if (count > 0)
            fprintf(out->file, "%s%zu %s", separator, count, prof_adapter_role(role));
        separator = count > 0 ? ", " : separator;
    }
    fprintf(out->file, "\n%-12s ", "");
    cli_printf(out, CLI_FAINT, "%s, ", prof_adapter_origin(choice->origin));
    cli_put(out, CLI_FAINT, adapter->path);
    if (choice->other != NULL) {
        cli_printf(out, CLI_FAINT, ", in the place of ");
        cli_put(out, CLI_FAINT, choice->other->path);
    }
    fputc('\n', out->file);
}

static int list(const struct prof_adapters *adapters, const struct cli_common *common, struct cli_out *out)
{
    const struct prof_adapter_choice *all;
    size_t count = prof_adapters_list(adapters, &all);
    if (common->format == CLI_FORMAT_JSON) {
        char *text = NULL;
        struct prof_error *error = prof_json_adapters(all, count, &text);
        return cli_json(out, error, text);
    }
    for (size_t i = 0; i < count; i++)
        list_one(&all[i], out);
    if (count == 0)
        fputs("There are no adapters.\n", out->file);
    return CLI_OK;
}

/* ---- One of them ---------------------------------------------------------------------------------------------------
 */

static void told(void *data, struct prof_error *error)
{
    (void)data;
    cli_warn("%s", error->message);
    prof_error_destroy(error);
}

static bool keep_name(void *data, const char *name)
{
    name_vec *names = data;
    if (!prof_vec_reserve(names, 1))
        return false;
    names->items[names->count] = strdup(name);
    return names->items[names->count++] != NULL;
}

/* How many names the pattern means; of NAME>, that of the function that jumps counts. */
static size_t found(const name_vec *names, const char *pattern)
{
    size_t count = 0, length = strcspn(pattern, ">");
    for (size_t i = 0; i < names->count; i++)
        count += pattern[length] == '\0'
                     ? fnmatch(pattern, names->items[i], 0) == 0
                     : strncmp(pattern, names->items[i], length) == 0 && names->items[i][length] == '\0';
    return count;
}

static void put_words(struct cli_out *out, char *words)
{
    cli_put(out, CLI_PLAIN, words != NULL ? words : "");
    free(words);
}

/* Explains one line; whether a library was named that lacks its function. */
static bool explain_rule(const struct prof_adapter_rule *rule, const name_vec *names, int width, struct cli_out *out)
{
    bool lacks = names != NULL && found(names, rule->function) == 0;
    cli_printf(out, CLI_FAINT, "%6u  ", rule->line);
    fprintf(out->file, "%-6s %-*s  ", prof_adapter_role(rule->role), width, rule->function);
    put_words(out, prof_adapter_words(rule));
    if (lacks)
        cli_printf(out, CLI_WARN, " (no such function)");
    else if (names != NULL && strchr(rule->function, '*') != NULL)
        cli_printf(out, CLI_FAINT, " (%zu names)", found(names, rule->function));
    fputc('\n', out->file);
    return lacks;
}

/* Explains all; how many functions the library lacks. */
static unsigned explain(const struct prof_adapter *adapter, const name_vec *names, struct cli_out *out)
{
    unsigned lacking = 0;
    int width = 0;
    cli_printf(out, CLI_HEAD, "adapter %s", adapter->name);
    fputs(" for", out->file);
    for (size_t i = 0; i < adapter->library_count; i++) {
        fputs(i == 0 ? " " : ", ", out->file);
        cli_put(out, CLI_PLAIN, strcmp(adapter->libraries[i], "program") == 0 ? "the program" : adapter->libraries[i]);
    }
    fputc('\n', out->file);
    for (size_t i = 0; i < adapter->hidden_count; i++) {
        fputs(i == 0 ? "        no place in reports: what is inside " : ", ", out->file);
        cli_put(out, CLI_PLAIN, adapter->hidden[i]);
    }
    fputs(adapter->hidden_count > 0 ? "\n" : "", out->file);
    for (size_t i = 0; i < adapter->rule_count; i++)
        if ((int)strlen(adapter->rules[i].function) > width)
            width = (int)strlen(adapter->rules[i].function);
    for (size_t t = 0; t < adapter->type_count; t++) {
        cli_printf(out, CLI_FAINT, "%6u  ", adapter->types[t].line);
        cli_put(out, CLI_TYPE, adapter->types[t].name);
        fputs(": ", out->file);
        put_words(out, prof_adapter_type_words(&adapter->types[t]));
        fputc('\n', out->file);
        for (size_t i = 0; i < adapter->rule_count; i++)
            if (adapter->rules[i].type == t)
                lacking += explain_rule(&adapter->rules[i], names, width, out);
    }
    return lacking;
}

/* Explains the adapter, with LIBRARY against its functions. */
static int show(struct prof_adapters *adapters, const struct cli_operands *operands, const struct cli_common *common,
                struct cli_out *out)
{
    const struct prof_adapter_choice *choice;
    name_vec names = { 0 };
    unsigned lacking = 0;
    struct prof_error *error = prof_adapters_give(adapters, operands->items[0], told, NULL, &choice);
    if (error == NULL && operands->count > 1)
        error = prof_file_functions(operands->items[1], keep_name, &names);
    if (error == NULL && common->format == CLI_FORMAT_JSON) {
        char *text = NULL;
        error = prof_json_adapters(choice, 1, &text);
        if (error == NULL)
            cli_json(out, NULL, text);
    } else if (error == NULL) {
        lacking = explain(choice->adapter, operands->count > 1 ? &names : NULL, out);
    }
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    prof_vec_deinit(&names);
    if (error != NULL)
        return cli_error(error);
    if (lacking > 0) {
        cli_warn("%s lacks %u function%s", operands->items[1], lacking, lacking == 1 ? "" : "s");
        return CLI_FINDINGS;
    }
    return CLI_OK;
}

int cmd_adapters(int argc, char **argv)
{
    struct cli_common common;
    struct cli_operands operands;
    struct prof_adapters *adapters;
    struct cli_out out;
    int code = cli_parse(&cli_command_adapters, argc, argv, NULL, &common, &operands);
    if (code >= 0)
        return code;
    if (common.format == CLI_FORMAT_CSV || common.format == CLI_FORMAT_TSV)
        return cli_usage(&cli_command_adapters, "adapters are text or json; csv and tsv are for tables");
    if (!cli_adapters_open(&adapters))
        return CLI_UNREADABLE;
    cli_out_open(&out, &common);
    code = operands.count == 0 ? list(adapters, &common, &out) : show(adapters, &operands, &common, &out);
    int closed = cli_out_close(&out);
    prof_adapters_destroy(adapters);
    return code > 0 ? code : closed;
}
