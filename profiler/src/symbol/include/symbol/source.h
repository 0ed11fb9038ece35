/* symbol/source.h: what layer symbol needs of a trace. Internal to layer symbol and its tests. */
#ifndef SYMBOL_SOURCE_H
#define SYMBOL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prof/symbol.h>

struct prof_symbols_source {
    const struct prof_module_map *maps;
    size_t map_count;
    uint64_t created_ns;
    const char *exe;      /* path of the program, "" unknown */
    const char *wrappers; /* more wrapper patterns, separated by ':', ',' or spaces; NULL */
    const char *hidden; /* files whose code is no site if anybody outside called it: patterns with '|' between; NULL */
    bool (*stack)(const void *ctx, uint32_t id, struct prof_stack *ret);
    const void *ctx;
};
/* prof_symbols_create without a trace. Borrows all of *source and what it points to. */
struct prof_error *prof_symbols_create_from(const struct prof_symbols_source *source,
                                            const struct prof_symbols_options *options, struct prof_symbols **ret);

#endif
