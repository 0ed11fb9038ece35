/* symbol/flow.h: where the value that a call returned is put, by the instructions behind the call. Internal to layer
 * symbol. */
#ifndef SYMBOL_FLOW_H
#define SYMBOL_FLOW_H

#include <stddef.h>
#include <stdint.h>

enum prof_flow_kind {
    PROF_FLOW_REGISTER,    /* the value is in `reg` from `at` on */
    PROF_FLOW_FRAME,       /* stored at frame pointer + disp */
    PROF_FLOW_ADDRESS,     /* stored at the file's address `addr` */
    PROF_FLOW_OF_FRAME,    /* stored at member bytes behind what the variable at frame pointer + disp points to */
    PROF_FLOW_OF_REGISTER, /* the same, of the variable in `reg` at `at` */
};
struct prof_flow {
    enum prof_flow_kind kind;
    unsigned reg; /* DWARF's number */
    int64_t disp, member;
    uint64_t addr;
    uint64_t at;
};
enum { PROF_FLOW_MAX = 8, PROF_FLOW_BYTES = 48 };
/* Follows the moves in `code`, which begins at the return address `vaddr`; stops at anything else. x86-64 only.
 * Returns how many places were found, at least 1: the register of return values. */
size_t prof_flow_follow(const uint8_t *code, size_t bytes, uint64_t vaddr, struct prof_flow flows[PROF_FLOW_MAX]);

#endif
