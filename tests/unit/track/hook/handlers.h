/* Handlers that count, for each of the four ways a call can be seen. */
#ifndef TEST_HANDLERS_H
#define TEST_HANDLERS_H

#include "../../../../libtrack/hook/hook.h"

enum way { WAY_ENTER, WAY_ENTER_SLOW, WAY_LEAVE, WAY_LEAVE_SLOW, WAYS };

struct counting {
    struct trk_hook hook; /* first */
    char name[64];
    uintptr_t start;
    unsigned long calls;                /* atomic */
    uint64_t first_argument, result[2]; /* of the last call */
    uintptr_t caller, sp;
};

/* Makes `counting` count calls in one of the ways. */
void counting_init(struct counting *counting, enum way way);

/* Spoils all vector registers; compiled as ordinary code. */
void counting_spoil(void);
#endif
