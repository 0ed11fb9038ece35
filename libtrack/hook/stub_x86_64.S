/* stub_x86_64.S: from the stub of a hooked function to its handlers and back. See hook.h for what is kept.
 *
 * Unwinders see these routines as called by the program: what lies between the return address and their frame (the
 * stub's word) is a local variable to them. */
#include "stub.h"

#if defined(__x86_64__)
	.text

/* The end of a routine with a frame, below which lies the word that the stub pushed. */
.macro END_FRAME
	leave
	.cfi_remember_state
	.cfi_def_cfa %rsp, 16
	.cfi_restore %rbp
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_restore_state
.endm

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

/* ---- Calls that need no handler ------------------------------------------------------------------------------------
 *
 * trk_fast of record.h for an object in \object and the call site in memory at \site, and the count of the call (births
 * were counted before). The hook is in r11. Uses rax, rcx, r8 to r11, and rdx for births; whatever is unusual goes to \slow, with nothing done.
 * The order of loads and stores is that of trk_slot_write. */
	.macro	EVENT object, want, site, slow, birth
	movq	trk_gate_v1@GOTPCREL(%rip), %rax
	movq	trk_tls@gottpoff(%rip), %rcx
	cmpb	$0, (%rax)
	movq	%fs:(%rcx), %rax
	je	\slow
	testq	%rax, %rax
	jz	\slow
	cmpb	$TRK_THREAD_SITE, TRK_THREAD_WANT + \want(%rax)
	jne	\slow
	movq	\site, %r8
	addq	trk_eng + TRK_ENGINE_SALT(%rip), %r8
	movabsq	$TRK_SITE_FACTOR, %r9
	imulq	%r9, %r8
	shlq	$64 - TRK_SITE_ADDRESS_BITS, %r8
	movq	%r8, %r9
	shrq	$64 - TRK_SITE_INDEX_BITS, %r9
	movq	TRK_THREAD_SITES(%rax, %r9, 8), %r10
	shlq	$TRK_SITE_INDEX_BITS, %r8
	movq	%r10, %r9
	shrq	$64 - TRK_SITE_ADDRESS_BITS + TRK_SITE_INDEX_BITS, %r8
	shrq	$TRK_SITE_ID_BITS, %r9
	cmpq	%r8, %r9
	jne	\slow
	andl	$(1 << TRK_SITE_ID_BITS) - 1, %r10d
	jz	\slow
	cmpq	$TRK_LEAST_OBJECT, \object
	jb	\slow
	.if	\birth
	movq	%fs:TRK_TLS_BIRTHS(%rcx), %r8
	cmpq	-88(%rbp), %r8
	jne	\slow
	movq	TRK_HOOK_TYPE(%r11), %rdx
	movl	(%rdx), %edx
	xorl	trk_eng + TRK_ENGINE_TYPE_TAG(%rip), %edx
	leal	-1(%rdx), %r8d
	cmpl	$TRK_TYPES - 1, %r8d
	jae	\slow
	.endif
	movq	trk_eng + TRK_ENGINE_TICK(%rip), %r9
	movq	(%r9), %r9
	cmpq	TRK_THREAD_TICK(%rax), %r9
	jne	\slow
	movq	TRK_THREAD_CURSOR(%rax), %r8
	cmpq	TRK_THREAD_LIMIT(%rax), %r8
	jae	\slow
	.if	\birth == 0
	movq	TRK_THREAD_CALLS(%rax), %r9
	testq	%r9, %r9
	jz	\slow
	movl	TRK_HOOK_INDEX(%r11), %r8d
	addq	$1, (%r9, %r8, 8)
	.else
	/* The births that a thread remembers: event.c. */
	movq	-88(%rbp), %r8
	movl	%r8d, %r9d
	addq	$1, %r8
	andl	$TRK_TLS_BORN_COUNT - 1, %r9d
	movq	%r8, %fs:TRK_TLS_BIRTHS(%rcx)
	leaq	(%rcx, %r9, 8), %rcx
	movq	\object, %r9
	notq	%r9
	movq	%r9, %fs:TRK_TLS_BORN(%rcx)
	.endif
	movl	$1, %r8d
	xaddq	%r8, TRK_THREAD_CURSOR(%rax)
	movq	TRK_THREAD_DELTA(%rax), %r9
	movq	TRK_THREAD_MASK(%rax), %rcx
	addq	%rax, %r9
	andq	%r8, %rcx
	movl	TRK_THREAD_SHIFT(%rax), %eax
	shlq	$4, %rcx
	addq	%rcx, %r9
	btq	%rax, %r8
	sbbl	%eax, %eax
	movq	\object, %rcx
	addl	$1, %eax
	shlq	$TRK_RECORD_ADDR, %rcx
	movl	TRK_HOOK_WORD(%r11), %r8d
	orq	%rcx, %rax
	movl	%r10d, %ecx
	andl	$(1 << TRK_RECORD_STACK_LO) - 1, %ecx
	.if	\birth
	shlq	$TRK_RECORD_ARG, %rdx
	orq	%rdx, %rcx
	.endif
	shrl	$TRK_RECORD_STACK_LO, %r10d
	orq	%r8, %rax
	shll	$TRK_RECORD_STACK_HI, %r10d
	orq	%r10, %rax
	movq	%rcx, 8(%r9)
	movq	%rax, (%r9)
	.endm

	.macro	PUSH_ALL registers:vararg
	.irp	r, \registers
	pushq	%\r
	.cfi_adjust_cfa_offset 8
	.endr
	.endm

	.macro	POP_ALL registers:vararg
	.irp	r, \registers
	popq	%\r
	.cfi_adjust_cfa_offset -8
	.endr
	.endm

/* On the stack: an address in the stub, the caller's return address. */
	.macro	QUICK argument, register
	.p2align 5
	.globl	trk_stub_quick\argument
	.hidden	trk_stub_quick\argument
	.type	trk_stub_quick\argument, @function
trk_stub_quick\argument:
	.cfi_startproc
	.cfi_def_cfa_offset 16
	PUSH_ALL rax, rcx, r8, r9, r10, r11
	movq	48(%rsp), %r11
	movq	TRK_BLOCK_HOOK - TRK_BLOCK_MOVED(%r11), %r11
	EVENT	%\register, TRK_WANT_REF, 56(%rsp), 1f, 0
	.cfi_remember_state
	POP_ALL	r11, r10, r9, r8, rcx, rax
	ret
	.cfi_restore_state
1:	POP_ALL	r11, r10, r9, r8, rcx, rax
	jmp	trk_stub_enter
	.cfi_endproc
	.size	trk_stub_quick\argument, . - trk_stub_quick\argument
	.endm

	QUICK	1, rdi
	QUICK	2, rsi
	QUICK	3, rdx

/* ---- Calls with handlers -------------------------------------------------------------------------------------------
 */

/* On the stack: an address in the stub, the caller's return address. */
	.globl	trk_stub_enter
	.hidden	trk_stub_enter
	.type	trk_stub_enter, @function
trk_stub_enter:
	FRAME
	movq	8(%rbp), %rax
	movq	TRK_BLOCK_HOOK - TRK_BLOCK_MOVED(%rax), %rsi
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
	movq	TRK_BLOCK_HOOK - TRK_BLOCK_MOVED(%rax), %rsi
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
trk_stub_left:
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
	END_FRAME
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

/* The same for births that need no handler before the call, and no arguments after it: these are not saved. */
	.p2align 5
	.globl	trk_stub_birth
	.hidden	trk_stub_birth
	.type	trk_stub_birth, @function
trk_stub_birth:
	.cfi_startproc
	.cfi_def_cfa_offset 16
	pushq	%rbp
	.cfi_def_cfa_offset 24
	.cfi_offset %rbp, -24
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	subq	$88, %rsp
	movq	%rax, -8(%rbp)
	movq	%rcx, -16(%rbp)
	movq	trk_gate_v1@GOTPCREL(%rip), %rax
	cmpb	$0, (%rax)
	je	4f
	movq	trk_tls@gottpoff(%rip), %rcx
	movq	%fs:TRK_TLS_BIRTHS(%rcx), %rax
	movq	%fs:(%rcx), %rcx
	movq	%rax, -88(%rbp)
	testq	%rcx, %rcx
	jz	4f
	movq	8(%rbp), %rax
	cmpq	$0, TRK_THREAD_CALLS(%rcx)
	je	4f
	cmpl	$0, TRK_HOOK_STACK_BYTES(%rax)
	jne	3f
1:	movq	TRK_THREAD_CALLS(%rcx), %rcx
	movl	TRK_HOOK_INDEX(%rax), %eax
	addq	$1, (%rcx, %rax, 8)
	movq	8(%rbp), %rax
	movq	-16(%rbp), %rcx
	movq	TRK_HOOK_CODE(%rax), %rax
	movq	%rax, -80(%rbp)
	movq	-8(%rbp), %rax
	call	*-80(%rbp)
	movq	%rdi, -8(%rbp)
	movq	%r11, -16(%rbp)
	movq	%r10, -24(%rbp)
	movq	%r9, -32(%rbp)
	movq	%r8, -40(%rbp)
	movq	%rdx, -48(%rbp)
	movq	%rcx, -56(%rbp)
	movq	%rax, -64(%rbp)
	movq	8(%rbp), %r11
	movq	%rax, %rdi
	EVENT	%rdi, TRK_WANT_BIRTH, 16(%rbp), 2f, 1
	movq	-64(%rbp), %rax
	movq	-56(%rbp), %rcx
	movq	-48(%rbp), %rdx
	movq	-40(%rbp), %r8
	movq	-32(%rbp), %r9
	movq	-24(%rbp), %r10
	movq	-16(%rbp), %r11
	movq	-8(%rbp), %rdi
	END_FRAME
2:	movq	-64(%rbp), %rax
	movq	-56(%rbp), %rcx
	movq	-48(%rbp), %rdx
	movq	-40(%rbp), %r8
	movq	-32(%rbp), %r9
	movq	-24(%rbp), %r10
	movq	-16(%rbp), %r11
	movq	-8(%rbp), %rdi
	jmp	trk_stub_left
	/* The window of arguments, on a stack that is known. */
3:	movq	%rsi, -24(%rbp)
	movq	%rdi, -32(%rbp)
	leaq	24(%rbp), %rsi
	cmpq	TRK_THREAD_LO(%rcx), %rsi
	jb	5f
	movq	TRK_THREAD_HI(%rcx), %rdi
	subq	%rsi, %rdi
	jbe	5f
	movl	TRK_HOOK_STACK_BYTES(%rax), %eax
	addq	$63, %rax
	cmpq	%rdi, %rax
	cmova	%rdi, %rax
	andq	$-64, %rax
	leaq	24 - 128(%rbp), %rdi
	movq	%rcx, -40(%rbp)
	movq	%rax, %rcx
	subq	%rax, %rdi
	shrq	$3, %rcx
	movq	%rdi, %rsp
	rep movsq
	movq	8(%rbp), %rax
	movq	-40(%rbp), %rcx
	movq	-24(%rbp), %rsi
	movq	-32(%rbp), %rdi
	jmp	1b
5:	movq	-24(%rbp), %rsi
	movq	-32(%rbp), %rdi
4:	movq	-8(%rbp), %rax
	movq	-16(%rbp), %rcx
	leave
	.cfi_def_cfa %rsp, 16
	.cfi_restore %rbp
	jmp	trk_stub_around
	.cfi_endproc
	.size	trk_stub_birth, . - trk_stub_birth
#endif
	.section .note.GNU-stack,"",@progbits
