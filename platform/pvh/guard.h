/* The canary of stack frames. */
#ifndef PLATFORM_PVH_GUARD_H
#define PLATFORM_PVH_GUARD_H

#include <stdint.h>

extern uintptr_t __stack_chk_guard;

/* Third-party libraries may be compiled to find it where a thread's own storage is (x86-64 ABI). */
void guard_for_libraries(uintptr_t canary);

#endif
