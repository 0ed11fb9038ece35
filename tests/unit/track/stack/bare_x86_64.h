/* bare_x86_64.h: hand-written functions without unwind tables, for test_walk.c. */
#ifndef TEST_BARE_X86_64_H
#define TEST_BARE_X86_64_H

__asm__(".pushsection .text\n"
        ".type bare_frame,@function\n"
        "bare_frame: push %rbp\n mov %rsp,%rbp\n mov %rdi,%rax\n mov %rsi,%rdi\n call *%rax\n pop %rbp\n ret\n"
        "bare_frame_end:\n"
        ".size bare_frame,.-bare_frame\n"
        ".type bare_nothing,@function\n"
        "bare_nothing: push %rbx\n mov %rdi,%rax\n mov %rsi,%rdi\n call *%rax\n pop %rbx\n ret\n"
        ".size bare_nothing,.-bare_nothing\n"
        ".type bare_zero,@function\n"
        "bare_zero: push %rbp\n xor %ebp,%ebp\n mov %rdi,%rax\n mov %rsi,%rdi\n call *%rax\n pop %rbp\n ret\n"
        ".size bare_zero,.-bare_zero\n"
        ".popsection\n");

/* The code that signal handlers return to. */
static const unsigned char bare_signal_return[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };

#endif
