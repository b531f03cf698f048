/*
 * Exceptions and interrupts.
 *
 * An exception is a broken invariant: what happened, the registers and who called whom are printed,
 * and the machine stops. Interrupts only happen while the loop sleeps (wait.c); all that they do is
 * to be remembered.
 */
#ifndef PLATFORM_PVH_TRAP_H
#define PLATFORM_PVH_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/pvh/trap_numbers.h"

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, flags, rsp, ss;
};

/* Loads segments, the interrupt table and the stack of double faults. */
void trap_open(void);

/* Who called whom, from a frame pointer on, on the console. */
void trap_print_calls(uint64_t rip, uint64_t frame);

/* Whether an interrupt of that vector came since this was asked last. */
bool trap_take(uint32_t vector);

#endif
