/* target.h: how the small target programs look at the stub that runs inside them. Without it (malloc is foreign, or
 * nothing is preloaded) the functions are missing and the checks are left out. */
#ifndef TEST_MALLOC_TARGET_H
#define TEST_MALLOC_TARGET_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "stub.h"

struct stub_api {
    uint64_t (*count)(enum stub_op op);
    int64_t (*balance)(void);
    size_t (*kept)(void);
    const struct stub_event *(*event)(size_t i);
    void (*reset)(bool record);
    uint32_t (*owner)(void);
    const char *(*owner_text)(void);
    volatile unsigned char *gate;
};

static inline struct stub_api stub_api(void)
{
    struct stub_api api;
    api.count = (uint64_t(*)(enum stub_op))dlsym(RTLD_DEFAULT, "stub_count");
    api.balance = (int64_t(*)(void))dlsym(RTLD_DEFAULT, "stub_balance");
    api.kept = (size_t(*)(void))dlsym(RTLD_DEFAULT, "stub_kept");
    api.event = (const struct stub_event *(*)(size_t))dlsym(RTLD_DEFAULT, "stub_event");
    api.reset = (void (*)(bool))dlsym(RTLD_DEFAULT, "stub_reset");
    api.owner = (uint32_t(*)(void))dlsym(RTLD_DEFAULT, "stub_owner");
    api.owner_text = (const char *(*)(void))dlsym(RTLD_DEFAULT, "stub_owner_text");
    api.gate = (volatile unsigned char *)dlsym(RTLD_DEFAULT, "trk_malloc_gate_v1");
    return api;
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            _exit(99);                                                                                                 \
        }                                                                                                              \
    } while (0)

#endif
