/* define.c: definitions of a trace: META, modules, stacks, types, texts. Parses checked payloads of untrusted content;
 * an entry that does not fit its block ends that block. */
#include "trace.h"

#include <string.h>

#include <base/table.h>

struct text_rec {
    UT_hash_handle hh;
    uint32_t id;
    const char *text;
};

bool define_meta(struct prof_trace *trace, const unsigned char *payload, size_t bytes)
{
    while (bytes > 0) {
        const unsigned char *end = memchr(payload, 0, bytes);
        if (end == NULL)
            return true;
        size_t length = (size_t)(end - payload);
        const unsigned char *equals = memchr(payload, '=', length);
        if (equals != NULL) {
            struct meta_pair pair;
            pair.key = prof_arena_strndup(&trace->arena, (const char *)payload, (size_t)(equals - payload));
            pair.value = prof_arena_strndup(&trace->arena, (const char *)equals + 1, (size_t)(end - equals - 1));
            if (pair.key == NULL || pair.value == NULL || !prof_vec_push(&trace->meta, pair))
                return false;
        }
        payload += length + 1;
        bytes -= length + 1;
    }
    return true;
}

const char *prof_trace_meta(const struct prof_trace *trace, const char *key)
{
    for (size_t i = trace->meta.count; i > 0; i--)
        if (strcmp(trace->meta.items[i - 1].key, key) == 0)
            return trace->meta.items[i - 1].value;
    return NULL;
}

/* Does the key name one of a list? Every pair of such a key counts. */
static bool meta_lists(const char *key)
{
    return strcmp(key, "arg") == 0;
}

struct prof_error *prof_trace_meta_each(const struct prof_trace *trace,
                                        struct prof_error *(*each)(void *ctx, const char *key, const char *value),
                                        void *ctx)
{
    struct prof_error *error = NULL;
    for (size_t i = 0; i < trace->meta.count && error == NULL; i++) {
        const struct meta_pair *pair = &trace->meta.items[i];
        bool latest = true;
        for (size_t k = i + 1; k < trace->meta.count && latest && !meta_lists(pair->key); k++)
            latest = strcmp(trace->meta.items[k].key, pair->key) != 0;
        if (latest)
            error = each(ctx, pair->key, pair->value);
    }
    return error;
}

static const char *meta_or_empty(const struct prof_trace *trace, const char *key)
{
    const char *value = prof_trace_meta(trace, key);
    return value != NULL ? value : "";
}

static uint64_t meta_long(const struct prof_trace *trace, const char *key, uint64_t most, uint64_t otherwise)
{
    const char *text = prof_trace_meta(trace, key);
    uint64_t number = 0;
    if (text == NULL || *text == '\0')
        return otherwise;
    for (; *text >= '0' && *text <= '9' && number <= most; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return *text == '\0' && number <= most ? number : otherwise;
}

static uint32_t meta_number(const struct prof_trace *trace, const char *key, uint32_t otherwise)
{
    return (uint32_t)meta_long(trace, key, UINT32_MAX, otherwise);
}

bool define_info(struct prof_trace *trace)
{
    struct prof_trace_info *info = &trace->info;
    info->program = meta_or_empty(trace, "program");
    info->exe = meta_or_empty(trace, "exe");
    info->cwd = meta_or_empty(trace, "cwd");
    info->host = meta_or_empty(trace, "host");
    info->recorder = meta_or_empty(trace, "recorder");
    info->parent_trace = meta_or_empty(trace, "parent_trace");
    info->malloc_note = meta_or_empty(trace, "malloc_note");
    info->options = meta_or_empty(trace, "options");
    info->exact_time = strcmp(meta_or_empty(trace, "clock"), "tsc") == 0;
    info->exact_hooked = strcmp(meta_or_empty(trace, "clock"), "hooked") == 0;
    info->attached = strcmp(meta_or_empty(trace, "attached"), "1") == 0;
    info->filter = meta_or_empty(trace, "filter");
    info->filtered = meta_long(trace, "filtered", (uint64_t)1 << 56, 0);
    info->pid = meta_number(trace, "pid", info->pid);
    info->parent_pid = meta_number(trace, "ppid", 0);
    trace->args.count = 0;
    for (size_t i = 0; i < trace->meta.count; i++)
        if (strcmp(trace->meta.items[i].key, "arg") == 0 && !prof_vec_push(&trace->args, trace->meta.items[i].value))
            return false;
    if (!prof_vec_push(&trace->args, NULL))
        return false;
    info->args = trace->args.items;
    return true;
}

bool define_modules(struct prof_trace *trace, const unsigned char *payload, size_t bytes)
{
    struct trk_module_head head;
    if (bytes < sizeof head)
        return true;
    memcpy(&head, payload, sizeof head);
    payload += sizeof head;
    bytes -= sizeof head;
    if (head.count > bytes / sizeof(struct trk_module))
        return true;
    const char *strings = (const char *)payload + head.count * sizeof(struct trk_module);
    size_t string_bytes = bytes - head.count * sizeof(struct trk_module);
    struct prof_module *modules = prof_arena_alloc(&trace->arena, (head.count + 1) * sizeof *modules);
    if (modules == NULL)
        return false;
    for (uint32_t i = 0; i < head.count; i++) {
        struct trk_module in;
        memcpy(&in, payload + i * sizeof in, sizeof in);
        struct prof_module *m = &modules[i];
        m->start = in.start;
        m->end = in.end < in.start ? in.start : in.end;
        m->file_offset = in.file_offset;
        m->dev = in.dev;
        m->ino = in.ino;
        m->prot = in.prot;
        m->path = "";
        if (in.path < string_bytes) {
            m->path = prof_arena_strndup(&trace->arena, strings + in.path,
                                         strnlen(strings + in.path, string_bytes - in.path));
            if (m->path == NULL)
                return false;
        }
        m->build_id_len = in.build_id_len <= sizeof m->build_id ? in.build_id_len : 0;
        memcpy(m->build_id, in.build_id, m->build_id_len);
    }
    struct prof_module_map map = {
        .generation = head.generation, .at_us = head.at_us, .count = head.count, .modules = modules
    };
    return prof_vec_push(&trace->maps, map);
}

size_t prof_trace_module_maps(const struct prof_trace *trace, const struct prof_module_map **ret)
{
    *ret = trace->maps.items;
    return trace->maps.count;
}

/* Is this what the id stands for already? A file that was folded while it grew defines some ids twice. */
static bool same_stack(const struct prof_trace *trace, const struct trk_stack_def *def, const unsigned char *pcs)
{
    struct prof_stack known;
    return prof_trace_stack(trace, def->id, &known) && known.frames == def->frames &&
           known.generation == def->generation && known.flags == def->flags &&
           memcmp(known.pcs, pcs, def->frames * sizeof(uint64_t)) == 0;
}

/* Grows the index by id so that it covers `id`. */
static bool cover_stack_id(struct prof_trace *trace, uint32_t id)
{
    size_t count = trace->stack_index.count;
    if (id < count)
        return true;
    size_t extra = (size_t)id + 1 - count;
    if (!prof_vec_reserve(&trace->stack_index, extra))
        return false;
    memset(trace->stack_index.items + count, 0, extra * sizeof *trace->stack_index.items);
    trace->stack_index.count = (size_t)id + 1;
    return true;
}

bool define_stacks(struct prof_trace *trace, const unsigned char *payload, size_t bytes)
{
    struct trk_stack_def def;
    while (bytes >= sizeof def) {
        memcpy(&def, payload, sizeof def);
        size_t need = sizeof def + def.frames * sizeof(uint64_t);
        if (need > bytes)
            return true;
        if (def.id != 0 && def.id < (uint32_t)1 << TRK_STACK_ID_BITS && def.frames <= TRK_STACK_MAX_FRAMES &&
            !same_stack(trace, &def, payload + sizeof def)) {
            struct stack_rec rec = { .first = trace->pcs.count,
                                     .id = def.id,
                                     .generation = def.generation,
                                     .frames = def.frames,
                                     .flags = def.flags };
            if (!cover_stack_id(trace, def.id) || !prof_vec_reserve(&trace->pcs, def.frames) ||
                !prof_vec_push(&trace->stacks, rec))
                return false;
            if (def.frames > 0)
                memcpy(trace->pcs.items + trace->pcs.count, payload + sizeof def, def.frames * sizeof(uint64_t));
            trace->pcs.count += def.frames;
            trace->stack_index.items[def.id] = (uint32_t)trace->stacks.count;
        }
        payload += need;
        bytes -= need;
    }
    return true;
}

bool prof_trace_stack(const struct prof_trace *trace, uint32_t id, struct prof_stack *ret)
{
    if (id >= trace->stack_index.count || trace->stack_index.items[id] == 0)
        return false;
    const struct stack_rec *rec = &trace->stacks.items[trace->stack_index.items[id] - 1];
    ret->id = id;
    ret->generation = rec->generation;
    ret->frames = rec->frames;
    ret->flags = rec->flags;
    ret->pcs = trace->pcs.items + rec->first;
    return true;
}

bool define_types(struct prof_trace *trace, const unsigned char *payload, size_t bytes)
{
    struct trk_type_def def;
    while (bytes >= sizeof def) {
        memcpy(&def, payload, sizeof def);
        if (def.name_len > bytes - sizeof def)
            return true;
        const char *known = NULL;
        bool same = prof_trace_type(trace, def.id, &known) != NULL && strlen(known) == def.name_len &&
                    memcmp(known, payload + sizeof def, def.name_len) == 0 &&
                    memcmp(&trace->types.items[def.id].def, &def, sizeof def) == 0;
        if (def.id != 0 && def.id < TRK_TYPE_MAX && !same) {
            const char *name = prof_arena_strndup(&trace->arena, (const char *)payload + sizeof def, def.name_len);
            size_t count = trace->types.count;
            if (name == NULL || (def.id >= count && !prof_vec_reserve(&trace->types, def.id + 1 - count)))
                return false;
            if (def.id >= count) {
                memset(trace->types.items + count, 0, (def.id + 1 - count) * sizeof *trace->types.items);
                trace->types.count = def.id + 1;
            }
            trace->types.items[def.id] = (struct type_rec){ def, name };
        }
        size_t need = (sizeof def + def.name_len + 7) & ~(size_t)7;
        if (need >= bytes)
            return true;
        payload += need;
        bytes -= need;
    }
    return true;
}

const struct trk_type_def *prof_trace_type(const struct prof_trace *trace, uint32_t id, const char **ret_name)
{
    if (id >= trace->types.count || trace->types.items[id].name == NULL)
        return NULL;
    if (ret_name != NULL)
        *ret_name = trace->types.items[id].name;
    return &trace->types.items[id].def;
}

uint32_t prof_trace_type_max(const struct prof_trace *trace)
{
    return trace->types.count > 0 ? (uint32_t)trace->types.count : 1;
}

static uint64_t meta_big(const struct prof_trace *trace, const char *key)
{
    const char *text = prof_trace_meta(trace, key);
    return text != NULL && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

/* "base=0x7f00:shift=3:bits=32 mask=0xff": of each the last bits=, as when it was given. */
uint64_t prof_trace_halves(const struct prof_trace *trace)
{
    const char *text = prof_trace_meta(trace, "pointer");
    uint64_t halves = 0;
    for (unsigned number = 1; text != NULL && *text != '\0' && number < 64; number++) {
        uint64_t bits = 64;
        size_t length = strcspn(text, " ");
        for (const char *at = text, *end = text + length; at < end; at += strcspn(at, ": ") + 1)
            if (strncmp(at, "bits=", 5) == 0)
                bits = strtoull(at + 5, NULL, 0);
        halves |= (uint64_t)(bits <= 32) << number;
        text += length + (text[length] == ' ');
    }
    return halves;
}

bool prof_trace_same_time(const struct prof_trace *trace, uint64_t one_us, uint64_t other_us)
{
    uint64_t apart = one_us > other_us ? one_us - other_us : other_us - one_us;
    return apart <= (trace->info.exact_time || trace->info.exact_hooked ? 1 : 0);
}

struct prof_flight prof_trace_flight(const struct prof_trace *trace)
{
    const char *policy = prof_trace_meta(trace, "on_full");
    struct prof_flight flight = { .active = policy != NULL && strcmp(policy, "flight") == 0 };
    if (flight.active) {
        flight.from_us = meta_big(trace, "flight_from_us");
        flight.overwritten = meta_big(trace, "flight_overwritten");
    }
    return flight;
}

bool define_texts(struct prof_trace *trace, const unsigned char *payload, size_t bytes)
{
    uint32_t head[2];
    while (bytes >= sizeof head) {
        memcpy(head, payload, sizeof head);
        if (head[1] > bytes - sizeof head)
            return true;
        struct text_rec *rec = NULL;
        HASH_FIND(hh, trace->texts, &head[0], sizeof head[0], rec);
        if (rec == NULL) {
            rec = prof_arena_alloc(&trace->arena, sizeof *rec);
            if (rec == NULL)
                return false;
            rec->id = head[0];
            rec->text = NULL;
            HASH_ADD(hh, trace->texts, id, sizeof rec->id, rec);
            if (rec->hh.tbl == NULL)
                return false;
        }
        bool same =
            rec->text != NULL && strlen(rec->text) == head[1] && memcmp(rec->text, payload + sizeof head, head[1]) == 0;
        if (!same)
            rec->text = prof_arena_strndup(&trace->arena, (const char *)payload + sizeof head, head[1]);
        if (rec->text == NULL)
            return false;
        size_t need = (sizeof head + head[1] + 7) & ~(size_t)7;
        if (need >= bytes)
            return true;
        payload += need;
        bytes -= need;
    }
    return true;
}

const char *prof_trace_text(const struct prof_trace *trace, uint32_t id)
{
    struct text_rec *rec = NULL;
    HASH_FIND(hh, trace->texts, &id, sizeof id, rec);
    return rec != NULL ? rec->text : NULL;
}

void prof_trace_text_each(const struct prof_trace *trace, void (*each)(void *ctx, uint32_t id, const char *text),
                          void *ctx)
{
    struct text_rec *rec, *next;
    HASH_ITER (hh, trace->texts, rec, next) {
        each(ctx, rec->id, rec->text);
    }
}

void define_deinit(struct prof_trace *trace)
{
    HASH_CLEAR(hh, trace->texts);
    prof_vec_deinit(&trace->meta);
    prof_vec_deinit(&trace->args);
    prof_vec_deinit(&trace->stack_index);
    prof_vec_deinit(&trace->stacks);
    prof_vec_deinit(&trace->pcs);
    prof_vec_deinit(&trace->types);
    prof_vec_deinit(&trace->maps);
}
