/* trend.c: pulses as rows of values for graphs. See trend.h. */
#include "trend.h"

uint64_t tui_trend_end(const struct tui_app *app)
{
    const struct tui_pulse *pulses;
    size_t count = tui_source_pulses(app->source, &pulses);
    return count > 0 ? pulses[count - 1].at_us : 0;
}

uint64_t tui_trend_bytes(const struct tui_pulse *pulse)
{
    return pulse->block_bytes > pulse->object_bytes ? pulse->block_bytes : pulse->object_bytes;
}

double tui_trend_value(const struct tui_pulse *pulse, enum tui_series series)
{
    switch (series) {
    case TUI_TREND_OBJECTS:
        return (double)pulse->objects;
    case TUI_TREND_BYTES:
        return (double)tui_trend_bytes(pulse);
    case TUI_TREND_BORN:
        return (double)pulse->born;
    case TUI_TREND_DIED:
        return (double)pulse->died;
    case TUI_TREND_REFS:
        return (double)pulse->refs;
    default:
        return (double)pulse->unrefs;
    }
}

static double most_of(const struct tui_pulse *pulse, enum tui_series series)
{
    double now = tui_trend_value(pulse, series);
    double most = series == TUI_TREND_OBJECTS ? (double)pulse->most_objects : (double)pulse->most_bytes;
    return most > now ? most : now;
}

/* How many pulses are not later than a moment. */
static size_t until(const struct tui_pulse *pulses, size_t count, uint64_t at_us)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pulses[middle].at_us <= at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tui_pulse tui_trend_at(const struct tui_app *app, uint64_t at_us)
{
    const struct tui_pulse *pulses;
    size_t count = tui_source_pulses(app->source, &pulses), before = until(pulses, count, at_us);
    return before > 0 ? pulses[before - 1] : (struct tui_pulse){ .at_us = 0 };
}

void tui_trend(const struct tui_app *app, enum tui_series series, uint64_t begin_us, uint64_t end_us, double *ret,
               size_t count)
{
    bool level = series == TUI_TREND_OBJECTS || series == TUI_TREND_BYTES;
    const struct tui_pulse *pulses;
    size_t pulse_count = tui_source_pulses(app->source, &pulses), at = until(pulses, pulse_count, begin_us);
    double before = at > 0 ? tui_trend_value(&pulses[at - 1], series) : 0,
           seconds = end_us > begin_us ? (double)(end_us - begin_us) / 1e6 / (double)count : 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t to = begin_us + (uint64_t)((double)(end_us - begin_us) * (double)(i + 1) / (double)count);
        double most = before, now = before;
        for (; at < pulse_count && pulses[at].at_us <= to; at++) {
            now = tui_trend_value(&pulses[at], series);
            if (level && most_of(&pulses[at], series) > most)
                most = most_of(&pulses[at], series);
        }
        ret[i] = level ? most : (now - before) / seconds;
        before = now;
    }
}
