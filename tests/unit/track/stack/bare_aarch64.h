/* bare_aarch64.h: hand-written functions without unwind tables, for test_walk.c. */
#ifndef TEST_BARE_AARCH64_H
#define TEST_BARE_AARCH64_H

/* Global: the linker would take local symbols of one section for one. */
__asm__(".pushsection .text\n"
        ".globl bare_frame, bare_frame_end, bare_nothing, bare_zero\n"
        ".type bare_frame,%function\n"
        "bare_frame: stp x29, x30, [sp, -16]!\n mov x29, sp\n mov x2, x0\n mov x0, x1\n blr x2\n"
        " ldp x29, x30, [sp], 16\n ret\n"
        "bare_frame_end:\n"
        ".size bare_frame,.-bare_frame\n"
        ".type bare_nothing,%function\n"
        "bare_nothing: str x30, [sp, -16]!\n mov x2, x0\n mov x0, x1\n blr x2\n ldr x30, [sp], 16\n ret\n"
        ".size bare_nothing,.-bare_nothing\n"
        ".type bare_zero,%function\n"
        "bare_zero: stp x29, x30, [sp, -16]!\n mov x29, xzr\n mov x2, x0\n mov x0, x1\n blr x2\n"
        " ldp x29, x30, [sp], 16\n ret\n"
        ".size bare_zero,.-bare_zero\n"
        ".popsection\n");

/* The code that signal handlers return to. */
static const unsigned char bare_signal_return[] = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 };

#endif
