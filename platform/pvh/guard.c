/* What -fstack-protector calls: see start.c for the value's randomness. */
#include "platform/pvh/guard.h"

#include "runtime/panic.h"

uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) __attribute__((noreturn));

void __stack_chk_fail(void)
{
    panic("a stack frame was overwritten");
}
