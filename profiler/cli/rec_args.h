/* rec_args.h: from the shared recording options of a command line to what the recorder takes. */
#ifndef CLI_REC_ARGS_H
#define CLI_REC_ARGS_H

#include "opt.h"
#include "recorder/recorder.h"

/* Reads common->record and common->wrappers. false: a usage error was printed, *ret is untouched. Strings are borrowed
 * from common. */
bool cli_rec_options(const struct cli_command *command, const struct cli_common *common, struct rec_options *ret);

/* "exit,mark": enum rec_looks; false: not a list of these words. */
bool cli_look_when(const char *text, unsigned *ret);
/* The part of cli_rec_options that is about memory. */
bool cli_look_options(const struct cli_command *command, const struct cli_record *args, struct rec_options *ret);

/* keep=, window=, max_trace=, checkpoint= and memory= of TRACK_OPTIONS; what makes no sense is said and ignored. text
 * may be NULL. */
void cli_rec_environment(const char *text, struct rec_options *ret);

#endif
