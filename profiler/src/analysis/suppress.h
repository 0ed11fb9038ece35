/* suppress.h: what the suppression reader and matcher share. Layer-private.
 *
 * A suppression is judged against facts gathered once per finding, so that matching needs no symbols. */
#ifndef ANALYSIS_SUPPRESS_H
#define ANALYSIS_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/vec.h>
#include <prof/finding.h>

enum {
    SUPPRESS_FILE_MAX = 16 << 20, /* bytes of one file */
    SUPPRESS_LINE_MAX = 64 << 10, /* bytes of one line */
    SUPPRESS_FRAME_MAX = 24,      /* frame lines of one Valgrind block, as in Valgrind */
};

enum suppress_syntax { SUPPRESS_LSAN = 1, SUPPRESS_VALGRIND, SUPPRESS_OWN };
enum suppress_frame_kind { SUPPRESS_FRAME_ANY = 1, SUPPRESS_FRAME_FUN, SUPPRESS_FRAME_OBJ, SUPPRESS_FRAME_SRC };
/* Which verdicts a Valgrind block speaks of. */
enum suppress_scope {
    SUPPRESS_SCOPE_LEAK = 1 << 0,
    SUPPRESS_SCOPE_ACCESS = 1 << 1, /* Addr1..16, Jump: use-after-release */
    SUPPRESS_SCOPE_FREE = 1 << 2,   /* Free: over-released */
};
enum suppress_leak_kind {
    SUPPRESS_DEFINITE = 1 << 0,
    SUPPRESS_INDIRECT = 1 << 1,
    SUPPRESS_POSSIBLE = 1 << 2,
    SUPPRESS_REACHABLE = 1 << 3,
    SUPPRESS_ALL_KINDS = 15,
};

struct suppress_frame {
    const char *pattern;
    uint32_t line; /* SRC: 0 any */
    uint8_t kind;  /* enum suppress_frame_kind */
};
struct suppress_rule {
    uint8_t syntax;      /* enum suppress_syntax */
    uint8_t scope;       /* VALGRIND: enum suppress_scope bits */
    uint8_t kinds;       /* VALGRIND: enum suppress_leak_kind bits */
    const char *pattern; /* LSAN */
    const struct suppress_frame *frames;
    size_t frame_count;                   /* VALGRIND */
    enum prof_verdict verdict;            /* OWN: 0 any */
    const char *type, *fun, *fingerprint; /* OWN: NULL any */
    uint32_t expires;                     /* OWN: year * 10000 + month * 100 + day, 0 never; valid on that day */
    uint64_t max;                         /* OWN: findings of more objects are not suppressed */
    uint32_t use;                         /* index into uses */
};

struct prof_suppressions {
    struct prof_arena arena;
    PROF_VEC(struct suppress_rule) rules;
    PROF_VEC(struct prof_suppression_use) uses; /* parallel to rules; counts change while findings are made */
    uint32_t today;                             /* as `expires` */
};

/* One stack of a finding, resolved. `site` is the index of its inner frame (prof_symbols_inner). */
struct suppress_stack {
    const struct prof_frame *frames;
    size_t count, site;
};
struct suppress_facts {
    enum prof_verdict verdict;
    const char *type, *fingerprint;
    uint64_t objects, bytes;
    const struct suppress_stack *stacks;
    size_t stack_count; /* births and allocations of examples, takings, other places of incidents */
};
/* The first rule that matches, its use counted; NULL none. The result is the use's place. */
const char *suppress_match(const struct prof_suppressions *s, const struct suppress_facts *facts);
/* Would one? No use is counted. */
bool suppress_would_match(const struct prof_suppressions *s, const struct suppress_facts *facts);
/* Reads rules from memory; `path` is named in errors and places. On failure no rule of this text is kept. */
struct prof_error *suppress_parse(struct prof_suppressions *s, const char *path, const char *text, size_t length);

#endif
