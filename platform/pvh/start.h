/* Begin and end of a ring-0 program. */
#ifndef PLATFORM_PVH_START_H
#define PLATFORM_PVH_START_H

#pragma GCC visibility push(hidden)

/* The first function at the place where the image stays: on its own stack, everything mapped. */
void start(void) __attribute__((noreturn));

/* Ends with the exit status that says that the program did not start. */
void start_failed(void) __attribute__((noreturn));

#pragma GCC visibility pop

#endif
