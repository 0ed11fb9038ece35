/* rec_say.h: the lines about a finished recording that `run` and `record` share; all go to stderr. */
#ifndef CLI_REC_SAY_H
#define CLI_REC_SAY_H

#include "recorder/recorder.h"

/* What is wrong with one trace: events lost, malloc not ours, problems. */
void rec_say_trace(const struct rec_result *result);
/* How much was recorded, when that is more than one trace. running: processes that are recorded on. */
void rec_say_totals(const struct rec_result *const *results, size_t count, size_t running);
/* How the memory of a process that was looked at was read. */
void rec_say_look(const struct rec_result *result);
/* Whether so many events are analysed unasked; says so when they are too many. */
bool rec_say_few(uint64_t records);

#endif
