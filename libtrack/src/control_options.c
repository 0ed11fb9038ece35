/* control_options.c: TRACK_OPTIONS=key=value:key=value, in the style of the sanitizers. */
#include "control.h"

#include "engine.h"
#include "filter.h"

extern char **environ;

struct trk_options trk_options;

enum option_kind {
    OPTION_NUMBER,
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_FULL,
    OPTION_CLOCK,
    OPTION_STACKS,
    OPTION_LIST,
    OPTION_OBJECTS,
    OPTION_WORDS,
    OPTION_ELSEWHERE
};

struct option {
    const char *name;
    const char *help;
    enum option_kind kind;
    size_t offset;
    size_t size;
};

#define NUMBER(name_, help_)                                                                                           \
    {                                                                                                                  \
#name_, help_, OPTION_NUMBER, offsetof(struct trk_options, name_), 0                                           \
    }
#define TEXT(name_, help_)                                                                                             \
    {                                                                                                                  \
#name_, help_, OPTION_TEXT, offsetof(struct trk_options, name_), sizeof(((struct trk_options *)0)->name_)      \
    }
#define LIST(name_, help_)                                                                                             \
    {                                                                                                                  \
#name_, help_, OPTION_LIST, offsetof(struct trk_options, name_), sizeof(((struct trk_options *)0)->name_)      \
    }

static const struct option option_table[] = {
    NUMBER(help, "1: print this table"),
    TEXT(out, "record into this trace file (%p: process id); starts a recorder"),
    TEXT(sock, "record to the recorder behind this socket (set by reftrack run)"),
    TEXT(recorder, "the reftrack program to start as recorder for out="),
    { "stacks", "frames of births,refs,frees; 1: call site only, 0: none (default 64,8,1)", OPTION_STACKS, 0, 0 },
    { "on_full", "block: wait for the recorder, drop: lose events and count them, flight: keep the newest", OPTION_FULL,
      offsetof(struct trk_options, on_full), 0 },
    { "clock",
      "coarse: events have the time of a tick of a few milliseconds, tsc: each its own (default coarse, where "
      "functions are hooked and threads run tsc)",
      OPTION_CLOCK, offsetof(struct trk_options, clock), 0 },
    NUMBER(block_ms, "longest wait for the recorder, in milliseconds"),
    NUMBER(look_ms, "longest wait for a look at the memory, in milliseconds (default 5000)"),
    { "budget", "memory for rings and caches, as in 64M", OPTION_SIZE, offsetof(struct trk_options, budget), 0 },
    NUMBER(children, "0: do not record forked children"),
    NUMBER(malloc, "0: do not record malloc and free"),
    NUMBER(active, "0: stay idle"),
    NUMBER(wake, "0: reftrack record --pid cannot wake this program when it is idle"),
    LIST(types, "record only objects of types A|B*"),
    LIST(modules, "record only births whose call site is in files A|B* (base names)"),
    { "objects", "1/N: record one in N births, by address; Conn#2,5-7|Node#1: these objects only", OPTION_OBJECTS,
      offsetof(struct trk_options, objects), sizeof(((struct trk_options *)0)->objects) },
    { "wrapper", "functions a|b|c whose caller is the site of their events", OPTION_WORDS, 0, 0 },
    { "keep", "all, folded or window: what stays in the trace (default all)", OPTION_ELSEWHERE, 0, 0 },
    { "window", "with keep=window: newest events that stay, as in 5m or 64M", OPTION_ELSEWHERE, 0, 0 },
    { "max_trace", "the trace stays below this size, as in 256M", OPTION_ELSEWHERE, 0, 0 },
};
enum { OPTION_COUNT = sizeof option_table / sizeof option_table[0] };

void trk_options_defaults(struct trk_options *o)
{
    o->sock[0] = o->out[0] = o->recorder[0] = o->bad[0] = 0;
    o->types[0] = o->modules[0] = o->objects[0] = 0;
    o->birth = o->ref = o->free = -1;
    o->on_full = o->block_ms = o->look_ms = o->budget = o->children = o->malloc = o->active = o->wake = o->clock = -1;
    o->help = 0;
    o->bad_value = false;
}

static bool parse_size(const char *v, size_t n, uint64_t *ret)
{
    unsigned shift = 0;
    uint64_t number;
    if (n > 1) {
        char unit = (char)(v[n - 1] | 0x20);
        shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    }
    if (!trk_parse_num(v, shift ? n - 1 : n, &number) || number > (uint64_t)1 << 32)
        return false;
    *ret = number << shift;
    return true;
}

static bool parse_stacks(struct trk_options *o, const char *v, size_t n)
{
    int64_t depth[3] = { o->birth, o->ref, o->free };
    size_t at = 0;
    for (unsigned i = 0; i < 3 && at <= n; i++) {
        size_t end = at;
        uint64_t number;
        while (end < n && v[end] != ',')
            end++;
        if (!trk_parse_num(v + at, end - at, &number) || number > TRK_STACK_MAX_FRAMES)
            return false;
        depth[i] = (int64_t)number;
        at = end + 1;
    }
    o->birth = depth[0];
    o->ref = depth[1];
    o->free = depth[2];
    return at > n;
}

/* Copies a text value; %p is the process id, %% a percent sign. */
static bool parse_text(char *to, size_t size, const char *v, size_t n)
{
    struct trk_buf b;
    trk_buf_init(&b, to, size);
    for (size_t i = 0; i < n; i++) {
        if (v[i] == '%' && i + 1 < n && v[i + 1] == 'p') {
            trk_buf_num(&b, (uint64_t)trk_sys0(SYS_getpid));
            i++;
        } else {
            i += v[i] == '%' && i + 1 < n && v[i + 1] == '%';
            trk_buf_put(&b, v + i, 1);
        }
    }
    return n > 0 && b.used + 1 < size;
}

static bool parse_filter(char *to, size_t size, bool ok, const char *v, size_t n)
{
    if (!ok || n >= size)
        return false;
    trk_copy(to, v, n);
    to[n] = 0;
    return true;
}

static bool option_set(struct trk_options *o, const struct option *opt, const char *v, size_t n)
{
    int64_t *number = (int64_t *)(void *)((char *)o + opt->offset);
    uint64_t parsed = 0;
    bool ok = true;
    switch (opt->kind) {
    case OPTION_NUMBER:
        ok = trk_parse_num(v, n, &parsed) && parsed <= INT32_MAX;
        break;
    case OPTION_SIZE:
        ok = parse_size(v, n, &parsed);
        break;
    case OPTION_FULL:
        parsed = trk_same("block", v, n) ? TRK_FULL_BLOCK : trk_same("drop", v, n) ? TRK_FULL_DROP : TRK_FULL_FLIGHT;
        ok = parsed != TRK_FULL_FLIGHT || trk_same("flight", v, n);
        break;
    case OPTION_CLOCK:
        parsed = trk_same("tsc", v, n) ? 1 : 0;
        ok = parsed != 0 || trk_same("coarse", v, n);
        break;
    case OPTION_TEXT:
        return parse_text((char *)o + opt->offset, opt->size, v, n);
    case OPTION_STACKS:
        return parse_stacks(o, v, n);
    case OPTION_LIST:
        return parse_filter((char *)o + opt->offset, opt->size, trk_filter_parse_list(v, n), v, n);
    case OPTION_OBJECTS:
        return parse_filter((char *)o + opt->offset, opt->size,
                            trk_filter_parse_share(v, n, NULL) || trk_filter_parse_named(v, n), v, n);
    case OPTION_WORDS:
    case OPTION_ELSEWHERE: /* the recorder reads it from our environment */
        return true;
    }
    if (ok)
        *number = (int64_t)parsed;
    return ok;
}

static void option_bad(struct trk_options *o, const char *name, size_t n, bool value)
{
    struct trk_buf b;
    if (o->bad[0])
        return;
    trk_buf_init(&b, o->bad, sizeof o->bad);
    trk_buf_put(&b, name, n);
    for (size_t i = 0; i < b.used; i++) {
        if ((unsigned char)b.at[i] < 0x20 || b.at[i] == 0x7f)
            b.at[i] = '?';
    }
    o->bad_value = value;
}

void trk_options_parse(struct trk_options *o, const char *s)
{
    bool in_list = false; /* bare words after wrapper= belong to it */
    while (*s) {
        size_t name = 0;
        while (s[name] && s[name] != '=' && s[name] != ':' && s[name] != '\n')
            name++;
        const char *v = s + name + (s[name] == '=');
        char quote = *v == '"' || *v == '\'' ? *v : 0;
        size_t n = 0;
        v += quote != 0;
        while (v[n] && (quote ? v[n] != quote : v[n] != ':' && v[n] != '\n'))
            n++;
        if (s[name] == '=') {
            const struct option *found = NULL;
            for (unsigned i = 0; i < OPTION_COUNT; i++) {
                if (trk_same(option_table[i].name, s, name))
                    found = &option_table[i];
            }
            if (found == NULL || !option_set(o, found, v, n))
                option_bad(o, s, name, found != NULL);
            in_list = found != NULL && found->kind == OPTION_WORDS;
        } else if (name && !in_list) {
            option_bad(o, s, name, false);
        }
        s = s[name] == '=' ? v + n : s + name;
        s += quote && *s == quote;
        while (*s == ':' || *s == '\n')
            s++;
    }
}

bool trk_options_read(void)
{
    struct trk_env env;
    trk_options_defaults(&trk_options);
    trk_env_open(&env);
    const char *s = trk_env_get(&env, "TRACK_OPTIONS");
    bool given = s != NULL && s[0];
    if (given)
        trk_options_parse(&trk_options, s);
    trk_env_close(&env);
    return given;
}

void trk_options_talk(void)
{
    char text[2048];
    struct trk_buf b;
    trk_buf_init(&b, text, sizeof text);
    if (trk_options.bad[0]) {
        trk_buf_str(&b, "libtrack: ");
        trk_buf_str(&b, trk_options.bad_value ? "bad value of option '" : "unknown option '");
        trk_buf_str(&b, trk_options.bad);
        trk_buf_str(&b, "' in TRACK_OPTIONS ignored; TRACK_OPTIONS=help=1 lists all options\n");
    }
    if (trk_options.help > 0) {
        trk_buf_str(&b, "TRACK_OPTIONS=key=value:key=value for programs with libtrack:\n");
        for (unsigned i = 0; i < OPTION_COUNT; i++) {
            trk_buf_str(&b, "  ");
            trk_buf_str(&b, option_table[i].name);
            for (size_t pad = trk_strlen(option_table[i].name, 12); pad < 10; pad++)
                trk_buf_str(&b, " ");
            trk_buf_str(&b, option_table[i].help);
            trk_buf_str(&b, "\n");
        }
    }
    if (b.used)
        trk_buf_say(&b);
}

/* ---- Environment
 * ------------------------------------------------------------------------------------------------------ */

enum { ENV_TEXT = 192 << 10, ENV_BYTES = 256 << 10 };

void trk_env_open(struct trk_env *env)
{
    static char *nothing[1];
    *env = (struct trk_env){ .list = environ };
    if (env->list != NULL)
        return;
    env->list = nothing;
    int fd = trk_open_read("/proc/self/environ");
    if (fd < 0)
        return;
    char *text = trk_map(ENV_BYTES);
    if (text != NULL) {
        char **list = (char **)(void *)(text + ENV_TEXT);
        size_t max = (ENV_BYTES - ENV_TEXT) / sizeof *list - 1;
        long n = trk_read_all(fd, text, ENV_TEXT - 1);
        size_t count = 0;
        for (long i = 0; i < n && count < max; i += (long)trk_strlen(text + i, (size_t)(n - i)) + 1)
            list[count++] = text + i;
        env->list = list;
        env->scratch = text;
        env->bytes = ENV_BYTES;
    }
    trk_close(fd);
}

void trk_env_close(struct trk_env *env)
{
    if (env->scratch != NULL)
        trk_unmap(env->scratch, env->bytes);
    env->scratch = NULL;
    env->list = NULL;
}

const char *trk_env_get(const struct trk_env *env, const char *name)
{
    for (char **e = env->list; *e != NULL; e++) {
        size_t n = trk_strlen(name, 64);
        size_t i = 0;
        while (i < n && (*e)[i] == name[i])
            i++;
        if (i == n && (*e)[n] == '=')
            return *e + n + 1;
    }
    return NULL;
}
