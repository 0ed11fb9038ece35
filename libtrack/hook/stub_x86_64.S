/* stub_x86_64.S: from the stub of a hooked function to its handlers and back. See hook.h for what is kept.
 *
 * Unwinders see these routines as called by the program: what lies between the return address and their frame (the
 * stub's word) is a local variable to them. */
#include "stub.h"

#if defined(__x86_64__)
	.text

/* The registers of struct trk_call below rbp. */
	.macro SAVE
	pushq	%rax
	pushq	%r9
	pushq	%r8
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r10
	pushq	%r11
	.endm

	.macro RESTORE
	popq	%r11
	popq	%r10
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%r8
	popq	%r9
	popq	%rax
	.endm

	.macro FRAME
	.cfi_startproc
	.cfi_def_cfa_offset 16
	pushq	%rbp
	.cfi_def_cfa_offset 24
	.cfi_offset %rbp, -24
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	SAVE
	.endm

/* Calls the function at %r11 with the vector state kept. rdi, rsi, rdx are its arguments; changes all that it may. */
	.type	with_vectors, @function
with_vectors:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%rbx
	.cfi_offset %rbx, -24
	subq	trk_vector_bytes(%rip), %rsp
	andq	$-64, %rsp
	movq	%rdx, %rbx
	movq	trk_vector_mask(%rip), %rax
	testq	%rax, %rax
	jz	1f
	movq	%rax, %rdx
	shrq	$32, %rdx
	xorl	%ecx, %ecx
	movq	%rcx, 512(%rsp)
	movq	%rcx, 520(%rsp)
	movq	%rcx, 528(%rsp)
	movq	%rcx, 536(%rsp)
	movq	%rcx, 544(%rsp)
	movq	%rcx, 552(%rsp)
	movq	%rcx, 560(%rsp)
	movq	%rcx, 568(%rsp)
	xsave64	(%rsp)
	movq	%rbx, %rdx
	call	*%r11
	movq	trk_vector_mask(%rip), %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	xrstor64 (%rsp)
	jmp	2f
1:	fxsave64 (%rsp)
	call	*%r11
	fxrstor64 (%rsp)
2:	movq	-8(%rbp), %rbx
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	with_vectors, . - with_vectors

/* On the stack: an address in the stub, the caller's return address. */
	.globl	trk_stub_enter
	.hidden	trk_stub_enter
	.type	trk_stub_enter, @function
trk_stub_enter:
	FRAME
	movq	8(%rbp), %rax
	movq	TRK_BLOCK_HOOK - TRK_STUB_CALL(%rax), %rsi
	movq	%rsp, %rdi
	call	*TRK_HOOK_ENTER(%rsi)
	testb	%al, %al
	jnz	2f
1:	RESTORE
	popq	%rbp
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	.cfi_restore %rbp
	ret
	.cfi_restore_state
2:	movq	8(%rbp), %rax
	movq	TRK_BLOCK_HOOK - TRK_STUB_CALL(%rax), %rsi
	movq	%rsp, %rdi
	movq	TRK_HOOK_ENTER_SLOW(%rsi), %r11
	call	with_vectors
	jmp	1b
	.cfi_endproc
	.size	trk_stub_enter, . - trk_stub_enter

/* On the stack: the hook, the caller's return address, its arguments. */
	.globl	trk_stub_around
	.hidden	trk_stub_around
	.type	trk_stub_around, @function
trk_stub_around:
	FRAME
	movq	%rsp, %rdi
	movq	8(%rbp), %rsi
	call	trk_stub_prelude
	testb	$1, %al
	jnz	3f
4:	/* The copy lies as its original does towards 64 bytes, what is saved here above it. */
	movq	%rax, %rcx
	shrq	$3, %rcx
	leaq	24(%rbp), %rsi
	leaq	24 - 128(%rbp), %rdi
	subq	%rax, %rdi
	movq	%rdi, %rsp
	movq	%rdx, -88(%rbp)
	rep movsq
	movq	8(%rbp), %rax
	movq	TRK_HOOK_CODE(%rax), %rax
	movq	%rax, -80(%rbp)
	movq	-8(%rbp), %rax
	movq	-16(%rbp), %r9
	movq	-24(%rbp), %r8
	movq	-32(%rbp), %rcx
	movq	-40(%rbp), %rdx
	movq	-48(%rbp), %rsi
	movq	-56(%rbp), %rdi
	movq	-64(%rbp), %r10
	movq	-72(%rbp), %r11
	call	*-80(%rbp)
	/* What the function left in registers is its result, as far as its callers know. */
	pushq	%rdx
	SAVE
	leaq	-72(%rbp), %rdi
	movq	8(%rbp), %rsi
	/* Both words of the result stand side by side: rax below rdx. */
	leaq	64(%rsp), %rdx
	call	*TRK_HOOK_LEAVE(%rsi)
	testb	%al, %al
	jnz	2f
1:	RESTORE
	leave
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	.cfi_restore %rbp
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_restore_state
2:	leaq	-72(%rbp), %rdi
	movq	8(%rbp), %rsi
	leaq	64(%rsp), %rdx
	movq	TRK_HOOK_LEAVE_SLOW(%rsi), %r11
	call	with_vectors
	jmp	1b
3:	decq	%rax
	pushq	%rax
	pushq	%rdx
	leaq	-72(%rbp), %rdi
	movq	8(%rbp), %rsi
	movq	TRK_HOOK_ENTER_SLOW(%rsi), %r11
	call	with_vectors
	popq	%rdx
	popq	%rax
	jmp	4b
	.cfi_endproc
	.size	trk_stub_around, . - trk_stub_around
#endif
	.section .note.GNU-stack,"",@progbits
