/* nasty_asm.S: see nasty.h. */
	.text
	.macro FUNCTION name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	.endm
	.macro END name
	.size	\name, . - \name
	.endm

	FUNCTION nasty_endbr
	endbr64
	testq	%rdi, %rdi
	js	1f
	leaq	1(%rdi), %rax
	ret
1:	movq	$-1, %rax
	ret
	END nasty_endbr

	FUNCTION nasty_rip
	movq	variable(%rip), %rax
	addq	%rdi, %rax
	ret
	END nasty_rip

	FUNCTION nasty_rip_immediate
	cmpl	$1000000, variable(%rip)
	movq	$-1, %rax
	je	1f
	leaq	2(%rdi), %rax
1:	ret
	END nasty_rip_immediate

	FUNCTION nasty_short
	movq	%rdi, %rax
	ret
	END nasty_short

	.balign	16
	.skip	11, 0x90
	.globl	nasty_short_tight
	.type	nasty_short_tight, @function
nasty_short_tight:
	movq	%rdi, %rax
	ret
	END nasty_short_tight
	.globl	nasty_next
	.type	nasty_next, @function
nasty_next:
	leaq	3(%rdi), %rax
	nop
	ret
	END nasty_next

	FUNCTION nasty_loop_into
	xorl	%eax, %eax
1:	incq	%rax
	decq	%rdi
	jns	1b
	ret
	END nasty_loop_into

	FUNCTION nasty_loop_start
	decq	%rdi
	addq	$1, %rsi
	testq	%rdi, %rdi
	jg	nasty_loop_start
	movl	$7, %eax
	ret
	END nasty_loop_start

	FUNCTION nasty_far_into
	xorl	%eax, %eax
1:	addq	%rdi, %rax
	incq	%rax
	ret
	END nasty_far_into
	.skip	300, 0x90
	FUNCTION nasty_elsewhere
	movl	$100, %eax
	.byte	0xe9
	.long	1b - . - 4
	END nasty_elsewhere

	FUNCTION nasty_jcc
	cmpl	$5, %edi
	.byte	0x0f, 0x8f
	.long	1f - . - 4
	leaq	4(%rdi), %rax
	ret
	.skip	200, 0x90
1:	leaq	5(%rdi), %rax
	ret
	END nasty_jcc

	FUNCTION nasty_tail
	jmp	nasty_next@PLT
	END nasty_tail

	FUNCTION nasty_call
	call	1f
	addq	$6, %rax
	ret
1:	movq	%rdi, %rax
	ret
	END nasty_call

	FUNCTION nasty_call_rip
	call	*pointer(%rip)
	addq	$7, %rax
	ret
	END nasty_call_rip
helper:
	movq	%rdi, %rax
	ret

	FUNCTION nasty_entered
	nop
	nop
	.globl	nasty_inner
	.type	nasty_inner, @function
nasty_inner:
	leaq	8(%rdi), %rax
	nop
	nop
	ret
	END nasty_inner
	END nasty_entered

	FUNCTION nasty_trap
	int3
	leaq	9(%rdi), %rax
	nop
	ret
	END nasty_trap

	FUNCTION nasty_unknown
	leaq	9(%rdi), %rax
	ret
	.byte	0x06, 0x06, 0x06
	END nasty_unknown

	FUNCTION nasty_changes_nothing
	nopl	8(%rax, %rax)
	ret
	END nasty_changes_nothing

/* Fills every register that a function may change, calls, compares. */
	FUNCTION nasty_registers
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	subq	$24, %rsp
	movq	%rdi, %rbx
	stmxcsr	-16(%rbp)
	movl	-16(%rbp), %eax
	movl	%eax, -20(%rbp)
	xorl	$0x2000, %eax
	movl	%eax, -16(%rbp)
	ldmxcsr	-16(%rbp)
	movq	$0x1001, %rcx
	movq	$0x1002, %rdx
	movq	$0x1003, %rsi
	movq	$0x1004, %rdi
	movq	$0x1005, %r8
	movq	$0x1006, %r9
	movq	$0x1007, %r10
	movq	$0x1008, %r11
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movq	$0x2000 + \n, %rax
	movq	%rax, %xmm\n
	pinsrq	$1, %rax, %xmm\n
	.endr
	movq	nasty_avx@GOTPCREL(%rip), %rax
	cmpb	$0, (%rax)
	je	1f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vinsertf128 $1, %xmm\n, %ymm\n, %ymm\n
	.endr
1:	fld1
	movq	$0x1000, %rax
	call	*%rbx
	cmpq	$0x1000, %rax
	jne	9f
	cmpq	$0x1001, %rcx
	jne	9f
	cmpq	$0x1002, %rdx
	jne	9f
	cmpq	$0x1003, %rsi
	jne	9f
	cmpq	$0x1004, %rdi
	jne	9f
	cmpq	$0x1005, %r8
	jne	9f
	cmpq	$0x1006, %r9
	jne	9f
	cmpq	$0x1007, %r10
	jne	9f
	cmpq	$0x1008, %r11
	jne	9f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movq	%xmm\n, %rax
	cmpq	$0x2000 + \n, %rax
	jne	9f
	pextrq	$1, %xmm\n, %rax
	cmpq	$0x2000 + \n, %rax
	jne	9f
	.endr
	movq	nasty_avx@GOTPCREL(%rip), %rax
	cmpb	$0, (%rax)
	je	2f
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vextractf128 $1, %ymm\n, %xmm\n
	movq	%xmm\n, %rax
	cmpq	$0x2000 + \n, %rax
	jne	9f
	.endr
	vzeroupper
2:	fistpl	-28(%rbp)
	cmpl	$1, -28(%rbp)
	jne	8f
	stmxcsr	-28(%rbp)
	movl	-28(%rbp), %eax
	cmpl	-16(%rbp), %eax
	jne	8f
	xorl	%eax, %eax
	jmp	7f
9:	fstp	%st(0)
8:	movl	$1, %eax
7:	ldmxcsr	-20(%rbp)
	movq	-8(%rbp), %rbx
	leave
	ret
	END nasty_registers

	.data
	.globl	nasty_avx
	.type	nasty_avx, @object
	.size	nasty_avx, 1
	.balign	8
variable:
	.quad	1
pointer:
	.quad	helper
nasty_avx:
	.byte	0
	.section .note.GNU-stack,"",@progbits
