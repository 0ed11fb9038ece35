/* fmt.c: numbers, sizes, times and places for people, and back. The command line and the viewer use only these, so the
 * same number looks the same everywhere. No locale is read: output is stable between machines. */
#include <prof/view.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Marks a text that did not fit. */
static char *fit(char *buf, size_t size, size_t wanted)
{
    if (size >= 2 && wanted >= size) {
        /* not in the middle of a UTF-8 sequence */
        size_t end = size - 2;
        while (end > 0 && ((unsigned char)buf[end] & 0xc0) == 0x80)
            end--;
        buf[end] = '~';
        buf[end + 1] = '\0';
    }
    return buf;
}

static char *put(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static char *put(char *buf, size_t size, const char *format, ...)
{
    va_list args;
    if (size == 0)
        return buf;
    va_start(args, format);
    int wanted = vsnprintf(buf, size, format, args);
    va_end(args);
    if (wanted < 0)
        buf[0] = '\0';
    return fit(buf, size, wanted < 0 ? 0 : (size_t)wanted);
}

/* Digits in groups of three, in `buf` of 32 bytes. */
static const char *grouped(char *buf, uint64_t n)
{
    char *p = buf + 31;
    unsigned digits = 0;
    *p = '\0';
    do {
        if (digits != 0 && digits % 3 == 0)
            *--p = ' ';
        *--p = (char)('0' + n % 10);
        n /= 10;
        digits++;
    } while (n != 0);
    return p;
}

char *prof_fmt_count(char *buf, size_t size, uint64_t n)
{
    char digits[32];
    return put(buf, size, "%s", grouped(digits, n));
}

/* Sizes of at least 1000 (1024) with one decimal below 100 and none above. */
static char *scaled(char *buf, size_t size, const char *sign, double value, enum prof_units units)
{
    static const char iec[][4] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    static const char si[][4] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double step = units == PROF_UNITS_SI ? 1000 : 1024;
    size_t unit = 0;
    if (units == PROF_UNITS_BYTES) {
        char digits[32];
        return put(buf, size, "%s%s B", sign, value >= 1.8e19 ? "?" : grouped(digits, (uint64_t)value));
    }
    /* 999.95 would print as 1000.0: go to the next unit before that */
    while (unit + 1 < sizeof iec / sizeof *iec && (unit == 0 ? value >= step : value >= step - 0.5)) {
        value /= step;
        unit++;
    }
    const char *name = units == PROF_UNITS_SI ? si[unit] : iec[unit];
    if (unit == 0)
        return put(buf, size, "%s%.0f %s", sign, floor(value), name);
    return put(buf, size, value < 99.95 ? "%s%.1f %s" : "%s%.0f %s", sign, value, name);
}

char *prof_fmt_bytes(char *buf, size_t size, uint64_t bytes, enum prof_units units)
{
    char digits[32];
    if (units == PROF_UNITS_BYTES)
        return put(buf, size, "%s B", grouped(digits, bytes));
    return scaled(buf, size, "", (double)bytes, units);
}

char *prof_fmt_delta(char *buf, size_t size, double bytes, enum prof_units units)
{
    if (!isfinite(bytes))
        return put(buf, size, "?");
    double whole = round(fabs(bytes));
    return scaled(buf, size, whole == 0 ? "" : bytes < 0 ? "-" : "+", whole, units);
}

char *prof_fmt_rate(char *buf, size_t size, double bytes_per_h, enum prof_units units)
{
    char text[48];
    return put(buf, size, "%s/h", prof_fmt_delta(text, sizeof text, bytes_per_h, units));
}

char *prof_fmt_ratio(char *buf, size_t size, double share)
{
    if (!isfinite(share) || share < 0)
        return put(buf, size, "-");
    double percent = share * 100;
    /* only what is exactly everything or nothing may say so */
    if (percent < 100 && percent > 99.9)
        percent = 99.9;
    if (percent > 0 && percent < 0.1)
        percent = 0.1;
    if (percent == 0 || percent == 100 || (percent >= 10 && percent <= 90))
        return put(buf, size, "%.0f %%", percent);
    return put(buf, size, "%.1f %%", percent);
}

char *prof_fmt_duration(char *buf, size_t size, uint64_t us)
{
    if (us < 1000)
        return put(buf, size, "%u us", (unsigned)us);
    if (us < 1000000)
        return put(buf, size, "%u.%u ms", (unsigned)(us / 1000), (unsigned)(us / 100 % 10));
    if (us < 60000000)
        return put(buf, size, "%u.%03u s", (unsigned)(us / 1000000), (unsigned)(us / 1000 % 1000));
    uint64_t s = us / 1000000;
    if (s < 3600)
        return put(buf, size, "%02u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
    if (s < 86400)
        return put(buf, size, "%02u:%02u:%02u", (unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    char digits[32];
    return put(buf, size, "%s d %02u:%02u", grouped(digits, s / 86400), (unsigned)(s / 3600 % 24),
               (unsigned)(s / 60 % 60));
}

char *prof_fmt_age(char *buf, size_t size, uint64_t us)
{
    if (us < PROF_TIME_RESOLUTION_US)
        return put(buf, size, "< %u ms", PROF_TIME_RESOLUTION_US / 1000);
    return prof_fmt_duration(buf, size, us);
}

char *prof_fmt_time(char *buf, size_t size, uint64_t us)
{
    uint64_t s = us / 1000000;
    unsigned ms = (unsigned)(us / 1000 % 1000);
    if (s == 0)
        return put(buf, size, "+%ums", ms);
    if (s < 60)
        return put(buf, size, "+%u.%03us", (unsigned)s, ms);
    if (s < 3600)
        return put(buf, size, "+%u:%02u.%03u", (unsigned)(s / 60), (unsigned)(s % 60), ms);
    return put(buf, size, "+%u:%02u:%02u.%03u", (unsigned)(s / 3600 % 100000000), (unsigned)(s / 60 % 60),
               (unsigned)(s % 60), ms);
}

char *prof_fmt_event_time(char *buf, size_t size, const struct prof_event *event)
{
    uint64_t s = event->time_us / 1000000;
    unsigned ns = (unsigned)(prof_event_ns(event) % 1000000000);
    if (event->fine == 0)
        return prof_fmt_time(buf, size, event->time_us);
    if (s < 60)
        return put(buf, size, "+%u.%09us", (unsigned)s, ns);
    if (s < 3600)
        return put(buf, size, "+%u:%02u.%09u", (unsigned)(s / 60), (unsigned)(s % 60), ns);
    return put(buf, size, "+%u:%02u:%02u.%09u", (unsigned)(s / 3600 % 100000000), (unsigned)(s / 60 % 60),
               (unsigned)(s % 60), ns);
}

char *prof_fmt_date(char *buf, size_t size, uint64_t realtime_ns)
{
    time_t seconds = (time_t)(realtime_ns / 1000000000);
    struct tm tm;
    if (realtime_ns == 0 || gmtime_r(&seconds, &tm) == NULL)
        return put(buf, size, "-");
    return put(buf, size, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
               tm.tm_min, tm.tm_sec);
}

char *prof_fmt_addr(char *buf, size_t size, uint64_t addr)
{
    return put(buf, size, "0x%llx", (unsigned long long)addr);
}

char *prof_fmt_hex(char *buf, size_t size, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (; n < length && 2 * n + 2 < size; n++) {
        buf[2 * n] = digits[bytes[n] >> 4];
        buf[2 * n + 1] = digits[bytes[n] & 15];
    }
    if (size != 0)
        buf[2 * n] = '\0';
    return fit(buf, size, 2 * length);
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

char *prof_fmt_place(char *buf, size_t size, const struct prof_frame *frame, bool full)
{
    if (frame->file != NULL && *frame->file != '\0') {
        const char *file = full ? frame->file : last_component(frame->file);
        if (frame->line != 0)
            return put(buf, size, "%s:%u", file, frame->line);
        return put(buf, size, "%s", file);
    }
    if (frame->module != NULL && *frame->module != '\0')
        return put(buf, size, "%s+0x%llx", full ? frame->module : last_component(frame->module),
                   (unsigned long long)frame->offset);
    if (frame->pc == 0)
        return put(buf, size, "(unknown place)");
    return prof_fmt_addr(buf, size, frame->pc);
}

char *prof_fmt_frame(char *buf, size_t size, const struct prof_frame *frame, bool full)
{
    char place[4096];
    prof_fmt_place(place, sizeof place, frame, full);
    if (frame->function != NULL && *frame->function != '\0')
        return put(buf, size, "%s %s", frame->function, place);
    return put(buf, size, "%s", place);
}

char *prof_fmt_cell(char *buf, size_t size, const struct prof_cell *cell, enum prof_cell_kind kind,
                    enum prof_units units)
{
    if (cell->none)
        return put(buf, size, "-");
    switch (kind) {
    case PROF_CELL_TEXT:
        return prof_escape_terminal(buf, size, cell->text);
    case PROF_CELL_COUNT:
        if ((int64_t)cell->number < 0) {
            char digits[32];
            return put(buf, size, "-%s", grouped(digits, -cell->number));
        }
        return prof_fmt_count(buf, size, cell->number);
    case PROF_CELL_MORE: {
        char digits[32];
        int64_t more = (int64_t)cell->number;
        return put(buf, size, "%s%s",
                   more > 0   ? "+"
                   : more < 0 ? "-"
                              : "",
                   grouped(digits, more < 0 ? -cell->number : cell->number));
    }
    case PROF_CELL_MORE_BYTES:
        return cell->number == 0 ? put(buf, size, "0")
                                 : prof_fmt_delta(buf, size, (double)(int64_t)cell->number, units);
    case PROF_CELL_BYTES:
        return prof_fmt_bytes(buf, size, cell->number, units);
    case PROF_CELL_TIME:
        return prof_fmt_age(buf, size, cell->number);
    case PROF_CELL_MOMENT:
        return prof_fmt_time(buf, size, cell->number);
    case PROF_CELL_ADDR:
        return prof_fmt_addr(buf, size, cell->number);
    case PROF_CELL_RATIO:
        return prof_fmt_ratio(buf, size, cell->ratio);
    }
    return put(buf, size, "-");
}

/* ---- The way back --------------------------------------------------------------------------------------------------
 */
struct suffix {
    const char *name;
    double factor;
};

static bool factor_of(const char *suffix, enum prof_unit unit, double *ret)
{
    static const struct suffix none[] = { { "", 1 }, { "k", 1e3 }, { "K", 1e3 }, { "M", 1e6 }, { "G", 1e9 } };
    static const struct suffix bytes[] = {
        { "", 1 },       { "B", 1 },        { "K", 0x1p10 }, { "KiB", 0x1p10 }, { "M", 0x1p20 }, { "MiB", 0x1p20 },
        { "G", 0x1p30 }, { "GiB", 0x1p30 }, { "T", 0x1p40 }, { "TiB", 0x1p40 }, { "kB", 1e3 },   { "KB", 1e3 },
        { "MB", 1e6 },   { "GB", 1e9 },     { "TB", 1e12 },  { "k", 0x1p10 },
    };
    static const struct suffix times[] = { { "", 1e6 },   { "us", 1 },     { "ms", 1e3 },   { "s", 1e6 },
                                           { "m", 60e6 }, { "min", 60e6 }, { "h", 3600e6 }, { "d", 86400e6 } };
    const struct suffix *table = unit == PROF_UNIT_BYTES ? bytes : unit == PROF_UNIT_US ? times : none;
    size_t count = unit == PROF_UNIT_BYTES ? sizeof bytes / sizeof *bytes
                   : unit == PROF_UNIT_US  ? sizeof times / sizeof *times
                                           : sizeof none / sizeof *none;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(suffix, table[i].name) == 0) {
            *ret = table[i].factor;
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool prof_parse_quantity(const char *text, enum prof_unit unit, uint64_t *ret)
{
    uint64_t whole = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && unit != PROF_UNIT_US) {
        const char *p = text + 2;
        if (*p == '\0')
            return false;
        for (; *p != '\0'; p++) {
            if (hex_digit(*p) < 0 || whole >> 60 != 0)
                return false;
            whole = whole << 4 | (uint64_t)hex_digit(*p);
        }
        *ret = whole;
        return true;
    }
    const char *p = text;
    if (*p < '0' || *p > '9')
        return false;
    for (; (*p >= '0' && *p <= '9') || (*p == '_' && p != text); p++) {
        if (*p == '_')
            continue;
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
            return false;
    }
    double fraction = 0, digit = 0.1;
    bool has_fraction = *p == '.';
    if (has_fraction) {
        p++;
        if (*p < '0' || *p > '9')
            return false;
        for (; *p >= '0' && *p <= '9'; p++, digit /= 10)
            fraction += digit * (*p - '0');
    }
    while (*p == ' ')
        p++;
    double factor;
    if (!factor_of(p, unit, &factor))
        return false;
    uint64_t scaled_whole;
    if (__builtin_mul_overflow(whole, (uint64_t)factor, &scaled_whole))
        return false;
    uint64_t rest = (uint64_t)round(fraction * factor);
    if (__builtin_add_overflow(scaled_whole, rest, &scaled_whole))
        return false;
    *ret = scaled_whole;
    return true;
}
