/* stack_x86_64.h: where a function was called from, on x86-64. Included by stack.h only. */
#ifndef TRACK_STACK_X86_64_H
#define TRACK_STACK_X86_64_H

/* The frame pointer points to the caller's; above it is the return address, and there the frame ends. */
#define TRK_FRAME_CALLER                                                                                               \
    (struct trk_frame)                                                                                                 \
    {                                                                                                                  \
        ((const uintptr_t *)__builtin_frame_address(0))[1], (uintptr_t)__builtin_frame_address(0) + 16,                \
            ((const uintptr_t *)__builtin_frame_address(0))[0]                                                         \
    }

#endif
