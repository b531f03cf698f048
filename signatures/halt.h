/* Halt: the stop from which there is no way back, a singleton of the target. */
#ifndef SIGNATURES_HALT_H
#define SIGNATURES_HALT_H

/* After a broken invariant: the host is told that the program failed. */
void halt(void) __attribute__((noreturn));

#endif
