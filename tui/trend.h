/* trend.h: what was alive, and how fast things happened, over time: pulses of the source as rows of values for graphs.
 */
#ifndef TUI_TREND_H
#define TUI_TREND_H

#include "app.h"

enum tui_series {
    TUI_TREND_OBJECTS,
    TUI_TREND_BYTES,
    TUI_TREND_BORN,
    TUI_TREND_DIED,
    TUI_TREND_REFS,
    TUI_TREND_UNREFS
};

/* Where the run that was read ends, in microseconds. */
uint64_t tui_trend_end(const struct tui_app *app);
/* `count` values, evenly over a time: of what is alive the most that was reached in each part, else how many more each
 * second. */
void tui_trend(const struct tui_app *app, enum tui_series series, uint64_t begin_us, uint64_t end_us, double *ret,
               size_t count);
/* The pulse at a moment, or the last one before it; all 0 before the first. */
struct tui_pulse tui_trend_at(const struct tui_app *app, uint64_t at_us);
double tui_trend_value(const struct tui_pulse *pulse, enum tui_series series);
/* Of blocks or of objects, what is more. */
uint64_t tui_trend_bytes(const struct tui_pulse *pulse);

#endif
