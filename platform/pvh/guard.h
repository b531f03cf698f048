/* The canary of stack frames. */
#ifndef PLATFORM_PVH_GUARD_H
#define PLATFORM_PVH_GUARD_H

#include <stdint.h>

extern uintptr_t __stack_chk_guard;

#endif
