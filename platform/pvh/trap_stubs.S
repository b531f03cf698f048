/*
 * Where the processor goes for exceptions and interrupts: one stub for each vector, which puts its
 * number behind the error code (or a zero where there is none), and one end for all that saves the
 * registers as struct trap_frame has them.
 *
 * No FPU or vector register is touched: trap.c is compiled without.
 */
#include "platform/pvh/trap_numbers.h"

    .text
    .macro stub vector
    .balign 16
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .balign 16
    .globl trap_stubs
    .hidden trap_stubs
trap_stubs:
    .altmacro
    .set number, 0
    .rept TRAP_VECTORS
    stub %number
    .set number, number + 1
    .endr
    .noaltmacro

trap_common:
    cld
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call trap_handle
    movq %rbp, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq
    .section .note.GNU-stack, "", @progbits
