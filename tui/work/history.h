/* work/history.h: what goes along with a heap while it is replayed, for everything that the viewer tells of its past:
 * the driver of generations, with its passes and what died in them, and how much was alive from time to time. */
#ifndef TUI_WORK_HISTORY_H
#define TUI_WORK_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <prof/gc.h>
#include <prof/trace.h>

struct work_history;
/* One for each heap; comes before it and is destroyed behind it. It owns the driver of generations, which obeys what
 * the program told it. */
struct prof_error *work_history_create(struct work_history **ret);
void work_history_destroy(struct work_history *history);
struct prof_gc *work_history_gc(struct work_history *history);
/* For the options of its heap. */
const struct prof_heap_follow *work_history_follow(struct work_history *history);

/* What was not told yet, as work.h has it of the reader: how it stands now; moments before, closer to each other the
 * shorter the run is, some thousands at most, and a thousand more each time the run is twice as long; marks. A process
 * that was forked tells what the other one had not told by then; both count marks alike. */
json_t *work_history_news(struct work_history *history, const struct prof_trace *trace);

/* The last passes over the generations, oldest first; *ret_all: how many there were. Borrowed until the next event. */
enum { WORK_PASSES = 200 };
size_t work_history_passes(struct work_history *history, const struct prof_gc_pass **ret, uint64_t *ret_all);
/* Objects of a type that died while they were in a generation, since the trace began. */
uint64_t work_history_died(const struct work_history *history, prof_type_id type, unsigned generation);
uint64_t work_history_all_died(const struct work_history *history, unsigned generation);

#endif
