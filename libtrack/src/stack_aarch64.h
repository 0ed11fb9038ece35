/* stack_aarch64.h: where a function was called from, on aarch64. Included by stack.h only. */
#ifndef TRACK_STACK_AARCH64_H
#define TRACK_STACK_AARCH64_H

/* The frame pointer points to a record of the caller's and the return address, somewhere in the frame: where the frame
 * ends only the compiler knows. It also strips the signature of the return address. */
#define TRK_FRAME_CALLER                                                                                               \
    (struct trk_frame)                                                                                                 \
    {                                                                                                                  \
        (uintptr_t) __builtin_extract_return_addr(__builtin_return_address(0)), (uintptr_t)__builtin_dwarf_cfa(),      \
            ((const uintptr_t *)__builtin_frame_address(0))[0]                                                         \
    }

#endif
