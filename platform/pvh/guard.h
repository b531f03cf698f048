/* The canary of stack frames, ours and those of third-party libraries. */
#ifndef PLATFORM_PVH_GUARD_H
#define PLATFORM_PVH_GUARD_H

#include <stdint.h>

extern uintptr_t __stack_chk_guard;

#endif
