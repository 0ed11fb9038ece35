/* adapter.h: what is behind struct prof_adapter. Layer-private. */
#ifndef ADAPTER_ADAPTER_H
#define ADAPTER_ADAPTER_H

#include <prof/adapter.h>

#include <base/arena.h>
#include <base/vec.h>

typedef PROF_VEC(const char *) adapter_files;

struct adapter {
    struct prof_adapter pub; /* first */
    struct prof_arena arena; /* all strings */
    adapter_files libraries, hidden;
    PROF_VEC(struct prof_adapter_type) types;
    PROF_VEC(struct prof_adapter_rule) rules;
};

#endif
