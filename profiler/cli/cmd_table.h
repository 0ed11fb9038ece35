/* cmd_table.h: what commands that print one table share. */
#ifndef CLI_CMD_TABLE_H
#define CLI_CMD_TABLE_H

#include "cli.h"

/* Of tables whose sums are counted from the beginning. */
#define CLI_GROUPS_OF_SUMS (CLI_GROUP_FORMAT | CLI_GROUP_TABLE | CLI_GROUP_TRACE | CLI_GROUP_MOMENT | CLI_GROUP_PID)

/* The rest of such a command, after its arguments were understood: opens the trace and prints the table. class_name: of
 * blocks, NULL all. default_top: rows for people who gave no --top; 0: all. Returns the exit code. */
int cli_table_command(const struct cli_command *command, enum prof_table_kind kind, const char *class_name,
                      uint64_t default_top, const struct cli_common *common, const struct cli_operands *operands);

#endif
